//! Stable text of a program, for `emit --stage ir` and golden tests.

use super::*;
use poolcast_runtime::{
    builtins,
    print::general,
    ticks::{Interval, Ticks},
};
use std::fmt::Write;

/// The listing.
pub fn print(p: &Program) -> String {
    let mut out = String::new();
    for (i, w) in p.windows.iter().enumerate() {
        let _ = match w {
            WindowSpec::Back { metric, near, far } => {
                writeln!(out, "w{i} = {} from -{}s to -{}s", metric.name(), seconds(*far), seconds(*near))
            }
            WindowSpec::Last { metric, count } => writeln!(out, "w{i} = {} newest {count}", metric.name()),
        };
    }
    for (i, b) in p.blocks.iter().enumerate() {
        let _ = writeln!(out, "b{i}:");
        for v in b.lo..b.hi {
            if p.live[v as usize] {
                let _ = writeln!(out, "  {}", line(p, v));
            }
        }
        let _ = match b.term {
            Term::Goto(t, None) => writeln!(out, "  goto b{}", t.0),
            Term::Goto(t, Some(v)) => writeln!(out, "  goto b{}(%{})", t.0, v.0),
            Term::Branch(c, t, f) => writeln!(out, "  if %{} goto b{} else b{}", c.0, t.0, f.0),
            Term::Finish => writeln!(out, "  finish"),
            Term::Stop(s) => writeln!(out, "  stop in statement {}", s + 1),
            Term::Trap(x) => writeln!(out, "  trap {:?}", p.poisons[x as usize]),
        };
    }
    out
}

fn seconds(i: Interval) -> String {
    general(i.seconds())
}

fn line(p: &Program, v: u32) -> String {
    let i = v as usize;
    let list = |l: List| p.list(l).iter().map(|v| format!("%{}", v.0)).collect::<Vec<_>>().join(", ");
    let text = match p.insts[i] {
        Inst::Param => "param".into(),
        Inst::Double(b) => general(f64::from_bits(b)),
        Inst::Interval(t) => Interval(t).iso8601(),
        Inst::Time(t) => Ticks(t).iso_trimmed(),
        Inst::Str(s) => format!("{:?}", p.strings[s as usize]),
        Inst::Option(o) => o.keyword().into(),
        Inst::Metric(m) => m.name().into(),
        Inst::Input(x) => match x {
            Input::Now => "now".into(),
            Input::Target(k) => format!("present target {k}"),
            Input::Current(k) => format!("present nodes {k}"),
            Input::TaskSlots => "task slots".into(),
        },
        Inst::Unary(op, a) => format!("{} %{}", op.name(), a.0),
        Inst::Binary(op, a, b) => format!("{} %{} %{}", op.name(), a.0, b.0),
        Inst::Select(c, a, b) => format!("select %{} %{} %{}", c.0, a.0, b.0),
        Inst::Require(w, pct) => return format!("require w{} {}%", w.0, general(f64::from_bits(pct))),
        Inst::Percent(w) => format!("percent w{}", w.0),
        Inst::Window(w) => format!("window w{}", w.0),
        Inst::Reduce(r, w, None) => format!("{} w{}", r.name(), w.0),
        Inst::Reduce(r, w, Some(a)) => format!("{} w{} %{}", r.name(), w.0, a.0),
        Inst::Flatten(l) => format!("flatten {}", list(l)),
        Inst::Vector(op, a, b) => format!("vector {} %{} %{}", op.name(), a.0, b.0),
        Inst::Single(a) => format!("single %{}", a.0),
        Inst::Call(o, l) => format!("call {}/{} {}", builtins::ROWS[o.row as usize].name, o.overload, list(l)),
        Inst::Target(a) => format!("target %{}", a.0),
        Inst::Store(s, a) => return format!("{} = %{}", p.slots[s as usize].name, a.0),
    };
    format!("%{v}: {} = {text}", p.tys[i].name())
}

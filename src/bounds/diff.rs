//! Whether two formulas decide the same.
//!
//! In: two formulas, what is admissible, a budget. Out: why they are the same, or an input on which they differ. Never:
//! "same" by trying alone.
//!
//! Three ways, in order: equal programs after optimisation; all cases, where inputs can be cut into finitely many boxes in
//! which both are constant; inputs tried, directed first.

use super::{
    assume::Assume,
    domain::{Num, Span},
    search::Search,
    walk::analyse,
    witness::Witness,
};
use crate::{
    Formula,
    ir::{Input, Inst, Program, Term, Val},
    outcome,
};
use poolcast_runtime::{
    builtins,
    catalog::RowKind,
    metric::Metric,
    ticks::{Interval, Ticks},
};
use std::fmt::Write as _;

/// Boxes the exhaustive comparison may look at.
const BOXES: usize = 2_000;

/// What came of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub enum Difference {
    /// The optimised programs are equal.
    SameProgram,
    /// Equal in each of so many cases that cover every admissible input.
    SameInCases(usize),
    /// An input on which they differ, and what each came to.
    Differ(Box<Witness>, String, String),
    /// No difference in so many inputs.
    NotFound(u32),
}

/// Compare.
pub fn diff(old: &Formula, new: &Formula, assume: &Assume, budget: u32, seed: u64) -> Difference {
    if normal(old.program()) == normal(new.program()) {
        return Difference::SameProgram;
    }
    if let Some(n) = cases(old.program(), new.program(), assume) {
        return Difference::SameInCases(n);
    }
    let mut search = Search::new(old, assume, seed);
    search.learn(new.program());
    let (mut a, mut b) = (old.evaluator(), new.evaluator());
    let mut differs = |w: &Witness| {
        let inputs = w.inputs(old.rules());
        let (x, y) = (a.targets(&inputs.snapshot()), b.targets(&inputs.snapshot()));
        Some(match (x, y) {
            (Ok(x), Ok(y)) => {
                let count = |t: outcome::Target, k: usize| f64::from(t.or(w.targets[k]));
                let gap = (count(x.dedicated, 0) - count(y.dedicated, 0)).abs()
                    + (count(x.low_priority, 1) - count(y.low_priority, 1)).abs();
                if gap > 0.0 || x.option != y.option { f64::INFINITY } else { 0.0 }
            }
            (Err(_), Err(_)) => 0.0,
            _ => f64::INFINITY,
        })
    };
    match search.seek(budget, &mut differs) {
        None => Difference::NotFound(search.made),
        Some(w) => {
            let w = search.simplest_by(w, &mut |w| differs(w) == Some(f64::INFINITY));
            let say = |f: &Formula| match f.evaluate(&w.inputs(f.rules())) {
                Ok(o) => o.results().split(';').take(3).collect::<Vec<_>>().join(", "),
                Err(e) => e.to_string(),
            };
            let (x, y) = (say(old), say(new));
            Difference::Differ(Box::new(w), x, y)
        }
    }
}

/// A program's decisions in a form that does not depend on names, places or what only user variables see.
fn normal(p: &Program) -> String {
    let mut used = vec![false; p.insts.len()];
    let ends = |end| outcome::outputs(p, end);
    let stored = |slot: Option<u32>| {
        let slot = slot?;
        p.insts.iter().find_map(|i| match *i {
            Inst::Store(s, v) if s == slot => Some(v),
            _ => None,
        })
    };
    for b in &p.blocks {
        match b.term {
            Term::Branch(v, ..) | Term::Goto(_, Some(v)) => used[v.ix()] = true,
            Term::Finish => {
                ends(crate::interp::End::Finished).into_iter().filter_map(stored).for_each(|v| used[v.ix()] = true)
            }
            Term::Stop(s) => {
                ends(crate::interp::End::Stopped(s)).into_iter().filter_map(stored).for_each(|v| used[v.ix()] = true)
            }
            _ => {}
        }
    }
    for i in (0..p.insts.len()).rev() {
        let inst = p.insts[i];
        let traps = match inst {
            Inst::Store(..) => false,
            Inst::Require(..) | Inst::Target(_) | Inst::Single(_) | Inst::Vector(..) | Inst::Call(..) | Inst::Param => {
                p.live[i]
            }
            Inst::Unary(op, _) | Inst::Binary(op, ..) => p.live[i] && op.result() != poolcast_runtime::ty::Ty::Double,
            _ => false,
        };
        used[i] |= traps;
        if used[i] {
            p.operands(&inst, |v| used[v.ix()] = true);
        }
    }
    // Names in order of appearance.
    let mut name = vec![0u32; p.insts.len()];
    let mut next = 0;
    for i in 0..p.insts.len() {
        if used[i] {
            name[i] = next;
            next += 1;
        }
    }
    let n = |v: Val| name[v.ix()];
    let mut out = String::new();
    for b in &p.blocks {
        for i in b.lo..b.hi {
            if !used[i as usize] {
                continue;
            }
            let mut operands = Vec::new();
            p.operands(&p.insts[i as usize], |v| operands.push(n(v)));
            let what = match p.insts[i as usize] {
                Inst::Unary(op, _) => format!("{op:?}"),
                Inst::Binary(op, ..) => format!("{op:?}"),
                Inst::Select(..) => "select".into(),
                Inst::Require(w, pct) => format!("require {:?} {pct}", p.windows[w.0 as usize]),
                Inst::Percent(w) => format!("percent {:?}", p.windows[w.0 as usize]),
                Inst::Window(w) => format!("window {:?}", p.windows[w.0 as usize]),
                Inst::Reduce(r, w, _) => format!("{r:?} {:?}", p.windows[w.0 as usize]),
                Inst::Flatten(_) => "flatten".into(),
                Inst::Vector(op, ..) => format!("vector {op:?}"),
                Inst::Single(_) => "single".into(),
                Inst::Call(o, _) => format!("call {o:?}"),
                Inst::Target(_) => "target".into(),
                Inst::Str(s) => format!("{:?}", p.strings[s as usize]),
                plain => format!("{plain:?}"),
            };
            let _ = writeln!(out, "%{} {what} {operands:?}", name[i as usize]);
        }
        let outputs = |end| ends(end).map(|s| stored(s).map(n));
        let _ = match b.term {
            Term::Goto(t, v) => writeln!(out, "goto {} {:?}", t.0, v.map(n)),
            Term::Branch(c, t, f) => writeln!(out, "if {} {} {}", n(c), t.0, f.0),
            Term::Finish => writeln!(out, "end {:?}", outputs(crate::interp::End::Finished)),
            Term::Stop(s) => writeln!(out, "end {:?}", outputs(crate::interp::End::Stopped(s))),
            Term::Trap(x) => writeln!(out, "trap {:?}", p.poisons[x as usize]),
        };
    }
    let _ = write!(out, "{:?}", p.rules);
    out
}

/// What one case comes to: a node count or "kept" for each target, and an option; none when it is not one thing.
fn constant(p: &Program, assume: &Assume) -> Option<([Option<f64>; 2], u8)> {
    let a = analyse(p, assume);
    if !a.traps.is_empty() || a.endings.is_empty() {
        return None;
    }
    let mut out = [None; 2];
    for (k, slot) in out.iter_mut().enumerate() {
        *slot = match a.target(k) {
            (None, _) => None,
            (Some(n), false) => Some(n.exact()?),
            (Some(_), true) => return None,
        };
    }
    let options = a.options();
    (options.count_ones() == 1).then_some((out, options))
}

/// Cuts the inputs into boxes in which both are constant. None: there are too many, or they differ somewhere.
fn cases(old: &Program, new: &Program, assume: &Assume) -> Option<usize> {
    let mut first = assume.clone();
    let reads = Reads::of(old).and(Reads::of(new));
    if reads.weekly {
        let monday = Ticks::from_date(2026, 1, 5)?.0;
        first.now = Span { lo: monday, hi: monday + 7 * Interval::DAY.0 - 1 };
    }
    let mut todo = vec![first];
    let mut done = 0;
    while let Some(case) = todo.pop() {
        done += 1;
        if done + todo.len() > BOXES {
            return None;
        }
        match (constant(old, &case), constant(new, &case)) {
            (Some(a), Some(b)) if a == b => {}
            (Some(_), Some(_)) => return None,
            _ => {
                let [a, b] = split(&case, &reads)?;
                todo.extend([a, b]);
            }
        }
    }
    Some(done)
}

/// Which inputs a program looks at.
struct Reads {
    now: bool,
    /// The clock is only looked at in ways that repeat every week.
    weekly: bool,
    targets: [bool; 2],
    current: [bool; 2],
    slots: bool,
    metrics: Vec<Metric>,
}

impl Reads {
    fn of(p: &Program) -> Reads {
        let mut r = Reads {
            now: false,
            weekly: true,
            targets: [false; 2],
            current: [false; 2],
            slots: false,
            metrics: Vec::new(),
        };
        for w in &p.windows {
            r.metrics.push(w.metric());
        }
        for inst in &p.insts {
            match *inst {
                Inst::Input(Input::Now) => r.now = true,
                Inst::Input(Input::Target(k)) => r.targets[k as usize & 1] = true,
                Inst::Input(Input::Current(k)) => r.current[k as usize & 1] = true,
                Inst::Input(Input::TaskSlots) => r.slots = true,
                Inst::Metric(m) => r.metrics.push(m),
                // An instant of its own, or a member that does not repeat.
                Inst::Time(_) => r.weekly = false,
                Inst::Call(id, _) => {
                    let row = builtins::row_of(id);
                    let repeats = matches!(row.name, "hour" | "minute" | "second" | "weekday");
                    r.weekly &= repeats || row.kind == RowKind::Function && row.name != "time";
                }
                _ => {}
            }
        }
        r
    }
    fn and(mut self, o: Reads) -> Reads {
        self.now |= o.now;
        self.weekly &= o.weekly;
        self.slots |= o.slots;
        for k in 0..2 {
            self.targets[k] |= o.targets[k];
            self.current[k] |= o.current[k];
        }
        self.metrics.extend(o.metrics);
        self.metrics.sort_unstable();
        self.metrics.dedup();
        self
    }
}

/// Two halves of a case, along the input with the most room relative to its size.
fn split(case: &Assume, reads: &Reads) -> Option<[Assume; 2]> {
    if reads.now && case.now.hi - case.now.lo >= Interval::MINUTE.0 {
        let width = case.now.hi - case.now.lo;
        let unit = [Interval::DAY.0, Interval::HOUR.0, Interval::MINUTE.0].into_iter().find(|u| width >= *u)?;
        let middle = case.now.lo + width / 2;
        let mut cut = middle - middle.rem_euclid(unit);
        if cut <= case.now.lo {
            cut += unit;
        }
        let (mut a, mut b) = (case.clone(), case.clone());
        a.now.hi = cut - 1;
        b.now.lo = cut;
        return Some([a, b]);
    }
    let mut widest: Option<(f64, u8, usize)> = None;
    let mut look = |n: &Num, kind: u8, i: usize| {
        let width = n.hi - n.lo;
        if n.int && width >= 1.0 && widest.is_none_or(|w| width > w.0) {
            widest = Some((width, kind, i));
        }
    };
    for k in 0..2 {
        if reads.targets[k] {
            look(&case.targets[k], 0, k);
        }
        if reads.current[k] {
            look(&case.current[k], 1, k);
        }
    }
    if reads.slots {
        look(&case.slots, 2, 0);
    }
    for m in &reads.metrics {
        look(&case.samples[*m as usize], 3, *m as usize);
    }
    let (_, kind, i) = widest?;
    let field = |a: &mut Assume, f: &dyn Fn(Num) -> Num| {
        let n = match kind {
            0 => &mut a.targets[i],
            1 => &mut a.current[i],
            2 => &mut a.slots,
            _ => &mut a.samples[i],
        };
        *n = f(*n);
    };
    let n = match kind {
        0 => case.targets[i],
        1 => case.current[i],
        2 => case.slots,
        _ => case.samples[i],
    };
    // Small numbers decide more often than large ones.
    let cut = if n.lo >= 0.0 && n.hi > 64.0 {
        ((n.lo + 1.0) * (n.hi + 1.0)).sqrt().floor().clamp(n.lo, n.hi - 1.0)
    } else {
        ((n.lo + n.hi) / 2.0).floor()
    };
    let (mut a, mut b) = (case.clone(), case.clone());
    field(&mut a, &|n| n.at_most(cut));
    field(&mut b, &|n| n.above(cut));
    Some([a, b])
}

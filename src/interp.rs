//! The reference engine: walks a program's blocks with tagged values.
//!
//! In: a program, a run's context. Out: the frame and how the run ended. Never: a rule of the language, unsafe code.
//! It checks what the JIT assumes: a value of an unexpected type is our bug and says so.

use crate::ir::{Block, BlockId, Input, Inst, Program, Term, Val};
use poolcast_runtime::{
    abi::{HostOp, host_call},
    builtins::sample,
    cx::Cx,
    snapshot::Snapshot,
    ticks::{Interval, Ticks},
    trap::Trap,
    value::Value,
    window::{Window, WindowSpec},
};

/// How a run ended when it did not trap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// After the last statement.
    Finished,
    /// At a `stop()` in this statement.
    Stopped(u32),
}

/// A trap and the byte of the formula it is reported at.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// Why.
    pub trap: Trap,
    /// Where.
    pub at: u32,
}

/// The trap of a rejection the checker made.
pub(crate) fn rejection(p: &Program, poison: u32) -> Trap {
    match &p.poisons[poison as usize] {
        crate::ir::Poison::Undefined(name) => Trap::Undefined(name.as_str().into()),
        crate::ir::Poison::Rejected(why) => Trap::Rejected(why.as_str().into()),
    }
}

/// One step of a run, for those who watch: a value was made, or a block was left for another.
#[derive(Debug, Clone, Copy)]
pub enum Step<'a, 'r> {
    /// This instruction made this value; so many reads of samples are logged now.
    Value(Val, &'a Value<'r>, usize),
    /// The condition reported at this byte chose.
    Branch(u32, bool),
}

/// Run a program. `frame` receives one value for each assignment that happened.
pub fn run<'r>(
    p: &'r Program,
    cx: &mut Cx<'r>,
    frame: &mut Vec<Option<Value<'r>>>,
    mut watch: impl FnMut(Step<'_, 'r>),
) -> Result<End, Fault> {
    frame.clear();
    frame.resize(p.slots.len(), None);
    let mut vals: Vec<Value<'r>> = vec![Value::Double(0.0); p.insts.len()];
    let mut block = 0usize;
    let mut param = None;
    loop {
        let Block { lo, hi, term, at } = p.blocks[block];
        for v in lo..hi {
            let i = v as usize;
            if !p.live[i] {
                continue;
            }
            let value = match p.insts[i] {
                Inst::Param => param.take().ok_or(Trap::Internal("a block entered without its value".into())),
                inst => step(p, cx, &vals, frame, inst),
            };
            vals[i] = value.map_err(|trap| Fault { trap, at: p.at[i] })?;
            watch(Step::Value(Val(v), &vals[i], cx.log.as_ref().map_or(0, |log| log.len())));
        }
        let next = match term {
            Term::Goto(next, v) => {
                param = v.map(|v| vals[v.ix()]);
                next
            }
            Term::Branch(c, yes, no) => {
                let taken = truth(cx, &vals[c.ix()]).map_err(|trap| Fault { trap, at })?;
                watch(Step::Branch(at, taken));
                if taken { yes } else { no }
            }
            Term::Finish => return Ok(End::Finished),
            Term::Stop(stmt) => return Ok(End::Stopped(stmt)),
            Term::Trap(x) => return Err(Fault { trap: rejection(p, x), at }),
        };
        let BlockId(next) = next;
        block = next as usize;
    }
}

fn truth(cx: &Cx<'_>, v: &Value<'_>) -> Result<bool, Trap> {
    use poolcast_runtime::rules::NanCondition;
    match v {
        Value::Double(x) if x.is_nan() => Ok(cx.rules.nan_condition == NanCondition::True),
        Value::Double(x) => Ok(*x != 0.0),
        _ => Err(Trap::Internal("a condition that is no number".into())),
    }
}

fn step<'r>(
    p: &'r Program,
    cx: &mut Cx<'r>,
    vals: &[Value<'r>],
    frame: &mut [Option<Value<'r>>],
    inst: Inst,
) -> Result<Value<'r>, Trap> {
    let v = |v: Val| vals[v.ix()];
    let number = |x: Val| match vals[x.ix()] {
        Value::Double(x) => Ok(x),
        _ => Err(Trap::Internal("a number was expected".into())),
    };
    let window = |cx: &Cx<'r>, w: crate::ir::WindowId| Window::resolve(&p.windows[w.0 as usize], cx.snapshot, cx.rules);
    Ok(match inst {
        Inst::Param => return Err(Trap::Internal("a parameter inside a block".into())),
        Inst::Double(bits) => Value::Double(f64::from_bits(bits)),
        Inst::Interval(t) => Value::Interval(Interval(t)),
        Inst::Time(t) => Value::Time(Ticks(t)),
        Inst::Str(s) => Value::Str(&p.strings[s as usize]),
        Inst::Option(o) => Value::Option(o),
        Inst::Metric(m) => Value::Metric(m),
        Inst::Input(input) => match input {
            Input::Now => Value::Time(cx.snapshot.now),
            Input::Target(k) => Value::Double(cx.snapshot.targets[k as usize & 1]),
            Input::Current(k) => Value::Double(cx.snapshot.current[k as usize & 1]),
            Input::TaskSlots => Value::Double(cx.snapshot.task_slots),
        },
        Inst::Unary(op, a) => op.eval(&[v(a)])?,
        Inst::Binary(op, a, b) => op.eval(&[v(a), v(b)])?,
        Inst::Select(c, a, b) => {
            if truth(cx, &v(c))? {
                v(a)
            } else {
                v(b)
            }
        }
        Inst::Require(w, wanted) => {
            let (wanted, received) = (f64::from_bits(wanted), window(cx, w).percent);
            if received < wanted {
                return Err(insufficient(&p.windows[w.0 as usize], wanted, received));
            }
            Value::Double(received)
        }
        Inst::Percent(w) => Value::Double(window(cx, w).percent),
        Inst::Window(w) => Value::Vec(window(cx, w).values()),
        Inst::Reduce(reduce, w, operand) => {
            let operand = operand.map_or(Ok(0.0), number)?;
            Value::Double(reduce.eval(&window(cx, w), operand))
        }
        Inst::Flatten(list) => host(cx, HostOp::Flatten, p.list(list), vals)?,
        Inst::Vector(op, a, b) => host_call(cx, HostOp::Vector(op), &[v(a), v(b)])?,
        Inst::Single(a) => host_call(cx, HostOp::Single, &[v(a)])?,
        Inst::Call(overload, list) => host(cx, HostOp::Call(overload), p.list(list), vals)?,
        Inst::Target(a) => host_call(cx, HostOp::Target, &[v(a)])?,
        Inst::Store(slot, a) => {
            frame[slot as usize] = Some(v(a));
            v(a)
        }
    })
}

fn host<'r>(cx: &mut Cx<'r>, op: HostOp, list: &[Val], vals: &[Value<'r>]) -> Result<Value<'r>, Trap> {
    let args: Vec<Value<'r>> = list.iter().map(|v| vals[v.ix()]).collect();
    host_call(cx, op, &args)
}

/// Whether every window of which the program wants samples may be looked at. Asked before the run, for windows are resolved
/// before it: a branch not taken counts.
#[cold]
pub(crate) fn few_enough(p: &Program, snapshot: &Snapshot<'_>) -> Result<(), Fault> {
    for (inst, at) in p.insts.iter().zip(&p.at) {
        if let Inst::Window(w) = inst {
            let window = Window::resolve(&p.windows[w.0 as usize], snapshot, &p.rules);
            sample::few_enough(p.windows[w.0 as usize].metric(), window.range.len(), &p.rules)
                .map_err(|trap| Fault { trap, at: *at })?;
        }
    }
    Ok(())
}

/// The trap of a window with too few samples.
pub(crate) fn insufficient(w: &WindowSpec, wanted: f64, received: f64) -> Trap {
    Trap::InsufficientSamples { metric: w.metric(), wanted, received }
}

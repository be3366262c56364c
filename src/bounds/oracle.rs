//! Holds an analysis against runs: the test that bounds are never left.
//!
//! In: an analysis, inputs. Out: what the run did that the analysis says it cannot do, if anything. Never: a correction.

use super::{
    domain::{Abs, Num},
    walk::Analysis,
};
use crate::{
    Inputs,
    interp::{End, Fault, Step},
    outcome,
};
use poolcast_runtime::{arena::Arena, target, trap::Trap, value::Value};

/// What a run did that the analysis excludes. The inputs must be admissible.
pub fn violation(analysis: &Analysis<'_>, inputs: &Inputs) -> Option<String> {
    let p = analysis.program;
    let snapshot = inputs.snapshot();
    let arena = Arena::new(p.rules.memory_budget.0);
    let mut wrong = None;
    let ran = crate::formula::interpret(p, &snapshot, &arena, |step| {
        if let Step::Value(v, value, _) = step
            && wrong.is_none()
            && !holds(analysis.vals[v.ix()], value, inputs)
        {
            wrong = Some(format!("%{} is {value:?}, not within {:?}", v.0, analysis.vals[v.ix()]));
        }
    });
    if wrong.is_some() {
        return wrong;
    }
    match ran {
        Err(fault) => trap(analysis, &fault),
        Ok((end, frame)) => ending(analysis, end, &frame),
    }
}

fn trap(analysis: &Analysis<'_>, fault: &Fault) -> Option<String> {
    // How much memory a run needs, and how long its windows are, is not analysed.
    let known = matches!(fault.trap, Trap::OutOfMemory | Trap::TooManySamples { .. })
        || analysis.traps.iter().any(|t| t.at == fault.at && t.stop.is(&fault.trap));
    (!known).then(|| format!("{:?} at byte {} was not foreseen", fault.trap, fault.at))
}

fn ending(analysis: &Analysis<'_>, end: End, frame: &[Option<Value<'_>>]) -> Option<String> {
    let p = analysis.program;
    let slots = outcome::outputs(p, end);
    let count = |k: usize| match slots[k].and_then(|s| frame[s as usize]) {
        Some(Value::Double(x)) => Some(f64::from(target::count(x, &p.rules))),
        _ => None,
    };
    let possible = analysis.endings.iter().filter(|e| e.end == end);
    let fits = |k: usize, n: Option<Num>| match (count(k), n) {
        (None, None) => true,
        (Some(x), Some(n)) => n.contains(x),
        _ => false,
    };
    let mut possible = possible.filter(|e| (0..2).all(|k| fits(k, analysis.target_at(e, k))));
    possible.next().is_none().then(|| format!("ended by {end:?} with targets {:?}", [count(0), count(1)]))
}

fn holds(abs: Abs, value: &Value<'_>, inputs: &Inputs) -> bool {
    match (abs, value) {
        (Abs::Num(n), Value::Double(x)) => n.contains(*x) && (!(*x == 0.0 && x.is_sign_negative()) || n.neg_zero),
        (Abs::Vec(e, n), Value::Vec(v)) => {
            n.lo as usize <= v.len() && v.len() <= n.hi as usize && v.iter().all(|x| e.contains(*x))
        }
        (Abs::Time(s, rel), Value::Time(t)) => {
            let from_now = t.0.wrapping_sub(inputs.now.0);
            s.lo <= t.0 && t.0 <= s.hi && rel.is_none_or(|r| r.lo <= from_now && from_now <= r.hi)
        }
        (Abs::Interval(s), Value::Interval(i)) => s.lo <= i.0 && i.0 <= s.hi,
        (Abs::Option(bits), Value::Option(o)) => bits >> (*o as u8) & 1 == 1,
        (Abs::Other, Value::Str(_) | Value::Metric(_)) => true,
        _ => false,
    }
}

//! What an evaluation comes to, as the service shows it.
//!
//! In: a finished frame. Out: `Outcome`, `EvalError`, the `results` string. Never: a decision about nodes.

use crate::{
    interp::{End, Fault},
    ir::{Program, lower::final_variables},
};
use poolcast_runtime::{
    metric::Metric,
    print,
    snapshot::Snapshot,
    target,
    ticks::{Interval, Ticks},
    trap::Trap,
    ty::Ty,
    value::{DeallocationOption, Value},
};
use std::sync::Arc;

/// What the formula asks of one node class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// Not assigned: the pool keeps its present target.
    Unchanged,
    /// Assigned, after truncation toward zero.
    Set(u32),
}

impl Target {
    /// The target to apply, given the present one.
    pub fn or(self, present: u32) -> u32 {
        match self {
            Target::Unchanged => present,
            Target::Set(n) => n,
        }
    }
}

/// A value that has left the evaluation.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum OwnedValue {
    /// A number.
    Double(f64),
    /// A vector.
    Vec(Vec<f64>),
    /// Text.
    Str(String),
    /// An instant.
    Time(Ticks),
    /// A duration.
    Interval(Interval),
}

/// What one evaluation decided.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// Dedicated nodes.
    pub dedicated: Target,
    /// Spot or low-priority nodes.
    pub low_priority: Target,
    /// What happens to tasks on nodes that leave.
    pub option: DeallocationOption,
    /// The user variables, in byte order of their names.
    pub variables: Vec<(Arc<str>, OwnedValue)>,
    /// Ended by `stop()`.
    pub stopped: bool,
    /// The pool's targets before it.
    present: [u32; 2],
}

/// The part of an outcome that changes the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Targets {
    /// Dedicated nodes.
    pub dedicated: Target,
    /// Spot or low-priority nodes.
    pub low_priority: Target,
    /// What happens to tasks on nodes that leave.
    pub option: DeallocationOption,
}

impl Outcome {
    /// One of a formula without variables, on a pool with these targets.
    pub fn of_targets(targets: Targets, present: [u32; 2]) -> Outcome {
        let Targets { dedicated, low_priority, option } = targets;
        Outcome { dedicated, low_priority, option, variables: Vec::new(), stopped: false, present }
    }
    /// The part that changes the pool.
    pub fn targets(&self) -> Targets {
        Targets { dedicated: self.dedicated, low_priority: self.low_priority, option: self.option }
    }
    /// The service's `results` string (language.md §3.3): targets and option, then the variables.
    pub fn results(&self) -> String {
        let [dedicated, low_priority] = self.present;
        let mut results = heading([self.dedicated.or(dedicated), self.low_priority.or(low_priority)], self.option);
        for (name, value) in &self.variables {
            results.extend([";", name, "="]);
            print::push_value(&mut results, &view(value));
        }
        results
    }
}

/// Why an evaluation failed, as the service reports it. The pool stays as it is.
///
/// One pointer wide, for evaluations are many and failures few; it reads like the [`Failure`] it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct EvalError(Box<Failure>);

impl std::ops::Deref for EvalError {
    type Target = Failure;
    fn deref(&self) -> &Failure {
        &self.0
    }
}

/// What there is to say about a failed evaluation.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Failure {
    /// `InsufficientSampleData` or `AutoScalingFormulaEvaluationError`.
    pub code: &'static str,
    /// The service's message for the code.
    pub message: &'static str,
    /// `Line L, Col C: …`
    pub value: String,
    /// Byte range of the formula.
    pub span: poolcast_grammar::Span,
    /// What the service shows as `results`: present targets, `requeue`.
    pub results: String,
    /// The metric whose samples were missing, if that was it.
    pub metric: Option<Metric>,
}

/// The slots of the three outputs after a run that ended so.
#[inline]
pub(crate) fn outputs(p: &Program, end: End) -> [Option<u32>; 3] {
    let End::Stopped(stmt) = end else { return p.outputs };
    use crate::check::hir::Output::*;
    let last = |output| p.slots.iter().rposition(|s| s.output == Some(output) && s.stmt < stmt).map(|i| i as u32);
    [
        last(Dedicated).or_else(|| last(DedicatedAlias)),
        last(LowPriority).or_else(|| last(LowPriorityAlias)),
        last(Option),
    ]
}

#[inline]
fn target(value: std::option::Option<f64>, p: &Program) -> Target {
    value.map_or(Target::Unchanged, |x| Target::Set(target::count(x, &p.rules)))
}

/// Targets straight from a machine frame.
#[cfg(feature = "jit")]
#[inline]
pub(crate) fn targets_of_frame(p: &Program, frame: &[poolcast_runtime::abi::RawSlot], end: End) -> Targets {
    let [d, l, o] = outputs(p, end).map(|slot| frame.get(slot? as usize));
    Targets {
        dedicated: target(d.map(|x| x.double()), p),
        low_priority: target(l.map(|x| x.double()), p),
        option: o.map_or(DeallocationOption::default(), |x| x.option()),
    }
}

/// A value on its way out of the run. Options become their keyword.
pub(crate) fn owned(v: &Value<'_>) -> OwnedValue {
    match v {
        Value::Double(x) => OwnedValue::Double(*x),
        Value::Vec(x) => OwnedValue::Vec(x.to_vec()),
        Value::Str(x) => OwnedValue::Str((*x).to_owned()),
        Value::Time(x) => OwnedValue::Time(*x),
        Value::Interval(x) => OwnedValue::Interval(*x),
        Value::Metric(m) => OwnedValue::Str(m.name().to_owned()),
        Value::Option(o) => OwnedValue::Str(o.keyword().to_owned()),
    }
}

fn view(v: &OwnedValue) -> Value<'_> {
    match v {
        OwnedValue::Double(x) => Value::Double(*x),
        OwnedValue::Vec(x) => Value::Vec(x),
        OwnedValue::Str(x) => Value::Str(x),
        OwnedValue::Time(x) => Value::Time(*x),
        OwnedValue::Interval(x) => Value::Interval(*x),
    }
}

impl std::fmt::Display for OwnedValue {
    /// As in the service's `results` string.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&print::value(&view(self)))
    }
}

/// The outcome of a run. `slot` gives the value of a slot that was written.
pub(crate) fn outcome(p: &Program, end: End, snapshot: &Snapshot<'_>, slot: impl Fn(u32) -> OwnedValue) -> Outcome {
    let [d, l, o] = outputs(p, end);
    let number = |s: std::option::Option<u32>| {
        s.map(|s| match slot(s) {
            OwnedValue::Double(x) => x,
            _ => 0.0,
        })
    };
    let (dedicated, low_priority) = (target(number(d), p), target(number(l), p));
    let option = o.map_or(DeallocationOption::default(), |s| match slot(s) {
        OwnedValue::Str(word) => DeallocationOption::from_keyword(&word).unwrap_or_default(),
        _ => DeallocationOption::default(),
    });
    let stopped = matches!(end, End::Stopped(_));
    let last;
    let names: &[u32] = match end {
        End::Finished => &p.variables,
        End::Stopped(stmt) => {
            last = final_variables(p, stmt);
            &last
        }
    };
    let mut variables = Vec::with_capacity(names.len());
    let kept = names.iter().filter(|s| p.slots[**s as usize].ty != Ty::Poison);
    variables.extend(kept.map(|s| (Arc::clone(&p.slots[*s as usize].name), slot(*s))));
    Outcome { dedicated, low_priority, option, variables, stopped, present: present(snapshot) }
}

/// The outcome of an interpreted run.
pub(crate) fn outcome_of_values(
    p: &Program,
    end: End,
    snapshot: &Snapshot<'_>,
    frame: &[std::option::Option<Value<'_>>],
) -> Outcome {
    outcome(p, end, snapshot, |slot| frame[slot as usize].as_ref().map_or(OwnedValue::Double(0.0), owned))
}

/// The pool's targets, as numbers of nodes.
pub(crate) fn present(snapshot: &Snapshot<'_>) -> [u32; 2] {
    snapshot.targets.map(|target| target as u32)
}

/// The part of `results` that is always there (language.md §3.3).
fn heading(targets: [u32; 2], option: DeallocationOption) -> String {
    format!(
        "$TargetDedicatedNodes={};$TargetLowPriorityNodes={};$NodeDeallocationOption={}",
        targets[0],
        targets[1],
        option.keyword()
    )
}

/// A failure in the service's words (language.md §3.4).
#[cold]
pub(crate) fn failure(fault: Fault, line: u32, col: u32, snapshot: &Snapshot<'_>) -> EvalError {
    let metric = match fault.trap {
        Trap::InsufficientSamples { metric, .. } => Some(metric),
        _ => None,
    };
    EvalError(Box::new(Failure {
        code: fault.trap.code(),
        message: fault.trap.service_message(),
        value: format!("Line {line}, Col {col}: {}", fault.trap.detail()),
        span: poolcast_grammar::Span::new(fault.at, fault.at),
        results: heading(present(snapshot), DeallocationOption::default()),
        metric,
    }))
}

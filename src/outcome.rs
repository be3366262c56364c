//! What an evaluation comes to, as the service shows it.
//!
//! In: a finished frame. Out: `Outcome`, `EvalError`, the `results` string. Never: a decision about nodes.

use poolcast_runtime::{
    metric::Metric,
    ticks::{Interval, Ticks},
    value::DeallocationOption,
};

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
    pub variables: Vec<(String, OwnedValue)>,
    /// The service's `results` string.
    pub results: String,
    /// Ended by `stop()`.
    pub stopped: bool,
}

/// Why an evaluation failed, as the service reports it. The pool stays as it is.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct EvalError {
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

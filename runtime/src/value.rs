//! Values as safe code sees them, and how the service prints them (language.md §3.3).

use crate::{
    metric::Metric,
    ticks::{Interval, Ticks},
    ty::Ty,
};

/// A run-time value. `Copy`: vectors and strings are borrowed from the run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'r> {
    /// A number or boolean.
    Double(f64),
    /// A vector: a slice of a series, or of the run's arena.
    Vec(&'r [f64]),
    /// A string literal.
    Str(&'r str),
    /// An instant.
    Time(Ticks),
    /// A duration.
    Interval(Interval),
    /// A metric object; only ever the receiver of a method.
    Metric(Metric),
    /// A node deallocation option.
    Option(DeallocationOption),
}

/// What happens to tasks on nodes that leave (`$NodeDeallocationOption`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum DeallocationOption {
    /// Kill and requeue; the default.
    #[default]
    Requeue,
    /// Kill; the task ends as failed.
    Terminate,
    /// Let tasks finish, then remove.
    TaskCompletion,
    /// Let tasks finish and their retention run out, then remove.
    RetainedData,
}

impl DeallocationOption {
    /// All four, in the service's order.
    pub const ALL: [DeallocationOption; 4] = [
        DeallocationOption::Requeue,
        DeallocationOption::Terminate,
        DeallocationOption::TaskCompletion,
        DeallocationOption::RetainedData,
    ];
    /// The option at a place of [`DeallocationOption::ALL`], counted round.
    #[inline]
    pub(crate) fn at(index: u64) -> DeallocationOption {
        // Written out, it is the number itself.
        match index & 3 {
            0 => DeallocationOption::Requeue,
            1 => DeallocationOption::Terminate,
            2 => DeallocationOption::TaskCompletion,
            _ => DeallocationOption::RetainedData,
        }
    }
    /// The keyword.
    pub fn keyword(self) -> &'static str {
        match self {
            DeallocationOption::Requeue => "requeue",
            DeallocationOption::Terminate => "terminate",
            DeallocationOption::TaskCompletion => "taskcompletion",
            DeallocationOption::RetainedData => "retaineddata",
        }
    }
    /// The option of a keyword, case as written.
    pub fn from_keyword(s: &str) -> Option<DeallocationOption> {
        DeallocationOption::ALL.into_iter().find(|o| o.keyword() == s)
    }
}

impl Value<'_> {
    /// The value's type.
    pub fn ty(&self) -> Ty {
        match self {
            Value::Double(_) => Ty::Double,
            Value::Vec(_) => Ty::Vec,
            Value::Str(_) => Ty::Str,
            Value::Time(_) => Ty::Time,
            Value::Interval(_) => Ty::Interval,
            Value::Metric(_) => Ty::Metric,
            Value::Option(_) => Ty::Option,
        }
    }
}

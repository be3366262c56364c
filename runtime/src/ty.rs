//! The types of the language and how they coerce. Pure functions; used by the checker, the documentation and the engines.

/// Static type of an expression (language.md §2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ty {
    /// IEEE binary64; also the boolean type.
    Double,
    /// `doubleVec`.
    Vec,
    /// Text; only literals.
    Str,
    /// An instant, UTC, 100 ns.
    Time,
    /// A signed duration, 100 ns.
    Interval,
    /// A service metric not yet read (`$PendingTasks`).
    Metric,
    /// A node deallocation keyword.
    Option,
    /// `stop()`: no value, control does not come back.
    Never,
    /// An error was already reported; absorbs everything.
    Poison,
}

impl Ty {
    /// The name used in messages and documentation.
    pub fn name(self) -> &'static str {
        match self {
            Ty::Double => "double",
            Ty::Vec => "doubleVec",
            Ty::Str => "string",
            Ty::Time => "timestamp",
            Ty::Interval => "timeinterval",
            Ty::Metric => "metric",
            Ty::Option => "node deallocation option",
            Ty::Never => "nothing (stops)",
            Ty::Poison => "unknown",
        }
    }
}

/// Type a parameter accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Param {
    /// One double.
    Double,
    /// One vector.
    Vec,
    /// `doubleVecList`: this and all following arguments, doubles and vectors, flattened into one vector. Zero arguments allowed.
    List,
    /// A string.
    Str,
    /// A timestamp or a timeinterval (look-back from now).
    Instant,
}

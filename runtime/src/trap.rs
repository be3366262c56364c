//! Traps: why an evaluation stops. Data only; the service's code, message and values are written here and nowhere else.

use crate::metric::Metric;

/// Why an evaluation stopped. The place is known to the engine (instruction → span), not to the trap.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Trap {
    /// A name that has no value: `Undefined symbol: NAME`.
    Undefined(Box<str>),
    /// Fewer samples than the window asks for.
    InsufficientSamples {
        /// Whose window.
        metric: Metric,
        /// Required percentage.
        wanted: f64,
        /// Percentage found.
        received: f64,
    },
    /// The checker rejected this place; the text is its message.
    Rejected(Box<str>),
    /// Text that is no time.
    BadTime(Box<str>),
    /// An instant or duration beyond the 64-bit 100 ns range.
    TimeOverflow,
    /// Element-wise operation on vectors of different lengths.
    LengthMismatch {
        /// Left length.
        left: usize,
        /// Right length.
        right: usize,
    },
    /// A vector where one number is needed, and it does not have exactly one element.
    NotOneElement(usize),
    /// A percentage or percentile outside 0–100.
    OutOfRange(f64),
    /// NaN or infinity written to a target.
    NotFinite(f64),
    /// A negative target.
    Negative(f64),
    /// The evaluation's memory budget is used up.
    OutOfMemory,
    /// A window holds more samples than one evaluation may look at (rule `window_samples`).
    TooManySamples {
        /// Whose window.
        metric: Metric,
        /// Samples in it.
        found: usize,
        /// Samples allowed.
        most: u32,
    },
    /// A strict rule forbids reading from an empty window.
    NoSample,
    /// Our bug.
    Internal(Box<str>),
}

impl Trap {
    /// The service's error code (language.md §3.4).
    pub fn code(&self) -> &'static str {
        match self {
            Trap::InsufficientSamples { .. } => "InsufficientSampleData",
            _ => "AutoScalingFormulaEvaluationError",
        }
    }
    /// The service's error message for that code.
    pub fn service_message(&self) -> &'static str {
        match self {
            Trap::InsufficientSamples { .. } => "Autoscale evaluation failed due to insufficient sample data",
            _ => "The specified auto-scaling formula has evaluation error",
        }
    }
    /// The text after `Line L, Col C: ` in `values`. The first two are the service's own; the rest are ours (language.md §6.3).
    pub fn detail(&self) -> String {
        let g = crate::print::general;
        match self {
            Trap::Undefined(name) => format!("Undefined symbol: {name}"),
            Trap::InsufficientSamples { metric, wanted, received } => {
                format!(
                    "Insufficient data from data set: {} wanted {}%, received {}%",
                    metric.name(),
                    g(*wanted),
                    g(*received)
                )
            }
            Trap::Rejected(text) => text.to_string(),
            Trap::BadTime(text) => format!("Cannot read \"{text}\" as a time"),
            Trap::TimeOverflow => "Time value out of range".into(),
            Trap::LengthMismatch { left, right } => format!("Vectors of different lengths: {left} and {right}"),
            Trap::NotOneElement(n) => format!("A vector of {n} elements where one number is needed"),
            Trap::OutOfRange(v) => format!("{} is outside 0 to 100", g(*v)),
            Trap::NotFinite(v) => format!("{} cannot be a target", g(*v)),
            Trap::Negative(v) => format!("Target {} is negative", g(*v)),
            Trap::OutOfMemory => "Evaluation needs more memory than allowed".into(),
            Trap::TooManySamples { metric, found, most } => {
                format!("Window of {found} samples of {}; rule window_samples allows {most}", metric.name())
            }
            Trap::NoSample => "No sample available".into(),
            Trap::Internal(text) => format!("Internal error: {text}"),
        }
    }
}

//! The library's one error.

use crate::{diag::Diagnostics, outcome::EvalError};

/// What can go wrong between a formula's text and its outcome.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// The formula was rejected; every diagnostic, never just the first.
    Compile(Diagnostics),
    /// The evaluation failed: the pool stays as it is.
    Eval(EvalError),
    /// Samples, a time or a scenario could not be read.
    Input(InputError),
    /// The engine that was asked for is not to be had on this machine.
    Host(HostError),
}

/// Input that could not be read: where and why.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InputError {
    /// The place: a path into a document, a row and column, the name of a setting.
    pub place: String,
    /// What is wrong there and what would be right.
    pub reason: String,
}

impl InputError {
    /// An error at a place.
    pub fn new(place: impl Into<String>, reason: impl Into<String>) -> InputError {
        InputError { place: place.into(), reason: reason.into() }
    }
}

/// What this machine cannot do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HostError {
    /// What is missing.
    pub reason: String,
}

impl std::fmt::Display for InputError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.place.is_empty() { write!(f, "{}", self.reason) } else { write!(f, "{}: {}", self.place, self.reason) }
    }
}

impl std::fmt::Display for HostError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.reason)
    }
}

impl std::fmt::Display for EvalError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}; {}", self.code, self.message, self.value)
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Compile(diagnostics) => {
                write!(f, "the formula was rejected")?;
                for d in diagnostics.iter().filter(|d| d.severity == crate::diag::Severity::Error) {
                    write!(f, "\n{}: {}", d.code.0, d.message)?;
                }
                Ok(())
            }
            Error::Eval(e) => e.fmt(f),
            Error::Input(e) => e.fmt(f),
            Error::Host(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for Error {}
impl std::error::Error for EvalError {}
impl std::error::Error for InputError {}
impl std::error::Error for HostError {}

impl From<EvalError> for Error {
    fn from(e: EvalError) -> Error {
        Error::Eval(e)
    }
}
impl From<InputError> for Error {
    fn from(e: InputError) -> Error {
        Error::Input(e)
    }
}

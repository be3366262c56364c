//! The library: formulas, pools, and what can be known of them before they run.
//!
#![doc = include_str!("../README.md")]
//!
//! Start with [`Formula`] and [`Inputs`]; a pool is a [`sim::Simulation`].

pub mod backtest;
pub mod bounds;
#[cfg(feature = "cli")]
pub mod calibrate;
pub mod check;
pub mod claims;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "cli")]
pub mod compare;
pub mod diag;
mod error;
pub mod explain;
mod feed;
mod formula;
mod inputs;
pub mod interp;
pub mod ir;
#[cfg(feature = "jit")]
pub mod jit;
mod many;
pub mod outcome;
#[cfg(feature = "cli")]
pub mod repl;
#[cfg(feature = "cli")]
pub mod report;
pub mod sim;
#[cfg(feature = "cli")]
pub mod sweep;
#[cfg(feature = "serde")]
pub mod wire;

pub use error::{Error, HostError, InputError};
pub use feed::{Feed, FeedView, PoolState};
pub use formula::{Engine, Evaluator, Formula, Options};
pub use inputs::Inputs;
pub use outcome::{EvalError, Failure, Outcome, OwnedValue, Target, Targets};
pub use poolcast_grammar::{LineIndex, Span};
pub use poolcast_runtime::{
    metric::Metric,
    rules::Rules,
    series::SeriesStore,
    snapshot::Snapshot,
    ticks::{Interval, Ticks},
    value::DeallocationOption,
};

/// The programs of the guide to embedding, as tests.
#[cfg(doctest)]
#[doc = include_str!("../docs/embedding.md")]
struct Guide;

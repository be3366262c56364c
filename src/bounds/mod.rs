//! What a formula can do, before it runs.
//!
//! In: a program, what is admissible. Out: bounds, what limits them, witnesses. Never: a claim that is neither proved nor
//! replayed on the engine; a pool over time (that is `claims`).

pub mod assume;
pub mod claim;
pub mod diff;
pub mod domain;
pub mod lints;
mod ops;
pub mod oracle;
mod refine;
pub mod report;
pub mod search;
pub mod transfer;
pub mod walk;
pub mod witness;

pub use assume::{Assume, History};
pub use report::{Report, report};
pub use walk::{Analysis, analyse};
pub use witness::Witness;

//! What is claimed of a formula, judged: conditions after every evaluation, and what a pool does over time.
//!
//! In: a formula, what is admissible, claims from comments or the command line. Out: verdicts: proved by bounds, refuted by a
//! run that can be run again, or unknown and why. Never: "proved" by trying; a pool model of its own (that is `sim`).

pub mod assertion;
pub mod temporal;
pub mod trial;

pub use assertion::{Assertion, Counterexample, Verdict};

//! Everything that exists while a formula runs.
//!
//! | module | what it holds |
//! |---|---|
//! | [`ty`], [`value`], [`print`] | types, values, and how the service writes them |
//! | [`ticks`] | instants and durations in 100 ns; the readers of times |
//! | [`metric`], [`series`], [`snapshot`] | metrics, their samples, what one evaluation may see |
//! | [`rules`] | every open question of the language, as a field |
//! | [`arena`], [`cx`], [`rng`], [`trap`] | the host side of a run: memory, notes, randomness, why it stopped |
//! | [`scalar`] | operations an engine may implement itself, with their reference |
//! | [`catalog`], [`builtins`] | what a formula can say: one row per name |
//! | [`window`], [`target`], [`abi`] | windows resolved before a run, what a target may be, what compiled code sees |
//!
//! Never: a formula's text, a diagnostic, the simulator, I/O, a wall clock.
#![deny(unsafe_code)]

pub mod abi;
pub mod arena;
pub mod builtins;
pub mod catalog;
pub mod cx;
pub mod metric;
pub mod print;
pub mod rng;
pub mod rules;
pub mod scalar;
pub mod series;
pub mod snapshot;
pub mod target;
pub mod ticks;
pub mod trap;
pub mod ty;
pub mod value;
pub mod window;

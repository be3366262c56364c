//! The pool.

mod acceptance;
mod basics;
mod generate;
mod golden;
mod lives;
mod random;
mod rules;
mod support;
mod truth;
mod walks;

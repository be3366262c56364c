//! The pool.

mod acceptance;
mod basics;
mod random;
mod rules;
mod support;
mod truth;

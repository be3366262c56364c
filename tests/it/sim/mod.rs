//! The pool.

mod basics;
mod random;
mod support;

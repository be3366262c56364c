//! The pool.

mod basics;
mod support;

//! The one integration test binary: a module per room.

#![allow(missing_docs)]

mod api;
mod bounds;
mod browser;
mod cli;
mod docs;
mod engines;
mod import;
mod lints;
mod realruns;
mod recorded;
mod repl;
mod samples;
mod scenario;
mod sim;
mod spec;
mod support;
mod tidy;

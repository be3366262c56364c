//! The one integration test binary: a module per room.

mod api;
mod cli;
mod docs;
mod engines;
mod import;
mod lints;
mod realruns;
mod recorded;
mod samples;
mod spec;
mod scenario;
mod sim;
mod support;
mod tidy;

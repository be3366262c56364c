//! The one integration test binary: a module per room.

mod cli;
mod docs;
mod engines;
mod import;
mod lints;
mod recorded;
mod samples;
mod scenario;
mod sim;
mod support;
mod tidy;

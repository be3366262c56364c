//! The one integration test binary: a module per room.

mod bounds;
mod cli;
mod docs;
mod engines;
mod lints;
mod recorded;
mod samples;
mod support;
mod tidy;

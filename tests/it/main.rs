//! The one integration test binary: a module per room.

mod cli;
mod docs;
mod lints;
mod tidy;

//! The integration tests: one binary, one module per room.

#![allow(missing_docs)]

mod import;
mod scenario;

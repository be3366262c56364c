//! Everything that exists while a formula runs. (Map to be written with the rooms.)
#![deny(unsafe_code)]

pub mod catalog;
pub mod metric;
pub mod snapshot;
pub mod trap;
pub mod ty;
pub mod value;

//! The pool simulator. (Map to be written with the rooms.)

pub mod generate;
pub mod vm;
pub mod workload;

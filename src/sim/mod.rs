//! The pool: a deterministic discrete-event simulation of Batch accounts, pools, nodes, jobs and tasks.

pub mod config;
pub mod generate;
mod knob_value;
pub mod knobs;
pub mod vm;
pub mod workload;

//! The pool: a deterministic discrete-event simulation of Batch accounts, pools, nodes, jobs and tasks.
//!
//! In: a `Config`, a `Workload`, a formula compiler. Out: a `Simulation` to step, fork, act on and read. Never: a wall
//! clock, an unkeyed draw, an order left to chance.

pub mod action;
pub mod autoscale;
pub mod clock;
pub mod config;
mod dispatch;
mod engine;
pub mod event;
pub mod findings;
pub mod generate;
mod invariants;
mod knob_value;
pub mod knobs;
pub mod log;
pub mod machine;
pub mod output;
pub mod policy;
pub mod queue;
pub mod resize;
pub mod rng;
pub mod sampler;
pub mod summary;
pub mod trace;
pub mod vm;
pub mod workload;
pub mod world;

pub use engine::{JobView, PoolView, Simulation, StartError};

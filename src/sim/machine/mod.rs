//! The state machines (pool.md (a)): each file owns the states of one kind of object and the only code that changes them.

pub mod ending;
pub mod job;
pub mod node;
pub mod node_life;
pub mod pool;
pub mod schedule;
pub mod task;

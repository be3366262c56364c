//! Policies: what the service leaves open. Each answers a question from plain values and a keyed draw; none changes the
//! world, schedules anything or remembers (architecture: "policies answer, the world acts").

pub mod boot;
pub mod capacity;
pub mod cost;
pub mod place;
pub mod preempt;
pub mod shrink;

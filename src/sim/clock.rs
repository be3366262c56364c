//! Order of things that happen at the same instant.
//!
//! Never: a floating clock. Same-instant order is part of the specification because it changes results: a task that ends
//! exactly when a sample is taken is not counted as running.

/// The phases of one instant, in order. Tasks waiting for a slot are assigned at the end of every phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Phase {
    /// Jobs and tasks are added.
    Arrive,
    /// Tasks end.
    TaskEnd,
    /// Nodes move through their lives.
    NodeChange,
    /// Spot nodes are evicted, hosts fail.
    Preempt,
    /// Metrics are sampled.
    Sample,
    /// Formulas run.
    Evaluate,
    /// Users act, resizes time out.
    Resize,
    /// Schedules fire, jobs close.
    Schedule,
}

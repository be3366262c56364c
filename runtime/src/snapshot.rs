//! What one evaluation may see.

use crate::{series::SeriesStore, ticks::Ticks};

/// The world as one evaluation sees it. Borrowed: building one copies nothing. Compiled code reads it (`abi`).
#[derive(Debug, Clone, Copy)]
pub struct Snapshot<'a> {
    /// The instant of the evaluation.
    pub now: Ticks,
    /// Samples of every metric.
    pub series: &'a SeriesStore,
    /// The pool's present targets: dedicated, low priority. What `$TargetDedicatedNodes` reads before it is assigned.
    pub targets: [f64; 2],
    /// Nodes in the pool now: dedicated, low priority. What `$CurrentDedicatedNodes` reads as a number.
    pub current: [f64; 2],
    /// `$TaskSlotsPerNode` as a number.
    pub task_slots: f64,
    /// Seed of `rand()` for this evaluation.
    pub seed: u64,
}

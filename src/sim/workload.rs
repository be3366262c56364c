//! The table of work a simulation is fed: jobs and tasks as columns.
//!
//! In: importers, generators, scenario files. Out: columns the simulator reads once. Never: strings per task (ids are
//! interned in an optional side table), secrets of any kind.
//!
//! Times are integer milliseconds from `epoch`. One task costs 24 bytes in the hot columns; everything rare is sparse.

use poolcast_runtime::ticks::Ticks;
use std::collections::BTreeMap;

/// How a recorded attempt of a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Exit {
    /// Exit code 0.
    #[default]
    Success,
    /// A non-zero exit code.
    Code(i32),
}

/// A contiguous group of tasks under one job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkloadJob {
    /// The job's id (unique in the workload).
    pub id: String,
    /// Priority −1000..=1000.
    pub priority: i32,
}

/// Rare properties of a task.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TaskExtra {
    /// Tasks (indices in the workload) that must complete first.
    pub depends_on: Vec<u32>,
    /// Number of instances of a multi-instance task (1 otherwise).
    pub instances: u32,
    /// CPU use while running, percent of one slot's share, 0–100; none when unknown.
    pub cpu_percent: Option<f32>,
    /// Resident memory while running, megabytes.
    pub memory_mb: Option<f32>,
    /// Retries allowed; none takes the job's.
    pub max_retries: Option<i32>,
    /// Wall-clock limit in milliseconds.
    pub max_wall_clock_ms: Option<u64>,
}

/// Work to be done, sorted by submission.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Workload {
    /// The instant of `submit_ms == 0`.
    pub epoch: Ticks,
    /// Submission, milliseconds after `epoch`, ascending.
    pub submit_ms: Vec<u64>,
    /// Run time of one attempt on a node, milliseconds.
    pub run_ms: Vec<u32>,
    /// Task slots needed (1..=256 on real pools; larger is allowed and never runs).
    pub slots: Vec<u16>,
    /// Job of each task: index into `jobs`.
    pub job: Vec<u32>,
    /// Exit of the (last) attempt; empty when all succeed.
    pub exit: Vec<Exit>,
    /// Jobs.
    pub jobs: Vec<WorkloadJob>,
    /// Rare properties by task index.
    pub extra: BTreeMap<u32, TaskExtra>,
    /// Names of tasks by index; empty when not kept.
    pub names: Vec<String>,
    /// Recorded wait of each task in milliseconds, for comparing with the simulation; empty when unknown.
    pub recorded_wait_ms: Vec<u32>,
}

impl Workload {
    /// Number of tasks.
    pub fn len(&self) -> usize {
        self.submit_ms.len()
    }
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.submit_ms.is_empty()
    }
}

//! Everything that can happen, closed.

use super::clock::Phase;

/// What a node's timer means when it fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Step {
    /// The next step of coming up: creating, starting, start task, idle; the end of a reboot or deallocation.
    Advance,
    /// Recovery of an unusable or unknown node.
    Recover,
    /// The dwell in `unusable` before `preempted` is over, or the grace of an eviction.
    Preempt,
    /// Capacity is back for a preempted node.
    Restore,
    /// A preempted node is cleaned up.
    CleanUp,
    /// Retention has run out on a draining node.
    Retained,
    /// The VM is deleted.
    Removed,
    /// Time for an automatic OS upgrade.
    Upgrade,
}

/// An event. Tokens tell a stale event from a live one. The tag is as wide as the fields, so that an event moves as whole
/// words: odd bytes, written one by one and read at once, cost more than the queue does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Event {
    /// A configured job is added.
    AddJob {
        /// Index into `Config::jobs`.
        job: u32,
    },
    /// An explicit task of a job is added.
    AddTask {
        /// Job.
        job: u32,
        /// Index into its tasks.
        task: u32,
    },
    /// An attempt ends by itself or by its wall-clock limit.
    TaskEnd {
        /// Live task.
        task: u32,
        /// Attempt.
        token: u32,
        /// Where it runs, so that both can be looked up at once.
        node: u32,
    },
    /// A preparation task ends.
    Prepared {
        /// Node.
        node: u32,
        /// Job.
        job: u32,
        /// The node's incarnation.
        token: u32,
    },
    /// Killed tasks are gone; their slots are free.
    SlotsFreed {
        /// Node.
        node: u32,
        /// How many.
        slots: u16,
        /// The node's incarnation.
        token: u32,
    },
    /// A VM is obtained.
    Allocated {
        /// Pool.
        pool: u32,
        /// 0 dedicated, 1 Spot.
        class: u8,
    },
    /// A node's timer.
    Node {
        /// Node.
        node: u32,
        /// The node's timer token.
        token: u32,
        /// What for.
        step: Step,
    },
    /// A Spot node is evicted.
    Evict {
        /// Node.
        node: u32,
        /// The node's hazard token.
        token: u32,
    },
    /// A host fails.
    HostFailure {
        /// Node.
        node: u32,
        /// The node's incarnation.
        token: u32,
    },
    /// A storm begins or ends.
    Storm {
        /// Pool.
        pool: u32,
    },
    /// The recorded availability changes.
    Availability {
        /// Pool.
        pool: u32,
        /// Step of the trace.
        step: u32,
    },
    /// Metrics are sampled.
    Sample {
        /// Pool.
        pool: u32,
    },
    /// The formula runs.
    Evaluate {
        /// Pool.
        pool: u32,
        /// The schedule's token.
        token: u32,
    },
    /// A resize times out.
    ResizeTimeout {
        /// Pool.
        pool: u32,
        /// The resize's token.
        token: u32,
    },
    /// A resize that had nothing to do is over.
    ResizeSettled {
        /// Pool.
        pool: u32,
        /// The resize's token.
        token: u32,
    },
    /// The region's capacity changes.
    Capacity,
    /// A scripted action.
    Act {
        /// Index into `Config::actions`, in order of time.
        action: u32,
    },
    /// A configured pool is created.
    CreatePool {
        /// Index into `Config::pools`.
        pool: u32,
    },
    /// A configured schedule is added.
    AddSchedule {
        /// Index into `Config::schedules`.
        schedule: u32,
    },
    /// A schedule may start its next job.
    Schedule {
        /// Schedule.
        schedule: u32,
        /// The schedule's token.
        token: u32,
    },
    /// A job's life is over.
    JobTimeout {
        /// Job.
        job: u32,
    },
    /// A terminating job's release tasks are done.
    JobClosed {
        /// Job.
        job: u32,
        /// Deleted rather than completed.
        delete: bool,
    },
}

impl Event {
    /// Its place within an instant.
    #[inline]
    pub fn phase(self) -> Phase {
        match self {
            Event::AddJob { .. } | Event::AddTask { .. } => Phase::Arrive,
            Event::TaskEnd { .. } | Event::Prepared { .. } | Event::SlotsFreed { .. } => Phase::TaskEnd,
            Event::Allocated { .. } | Event::Node { .. } | Event::Capacity => Phase::NodeChange,
            Event::Evict { .. } | Event::HostFailure { .. } | Event::Storm { .. } | Event::Availability { .. } => {
                Phase::Preempt
            }
            Event::Sample { .. } => Phase::Sample,
            Event::Evaluate { .. } => Phase::Evaluate,
            Event::ResizeTimeout { .. }
            | Event::ResizeSettled { .. }
            | Event::Act { .. }
            | Event::CreatePool { .. } => Phase::Resize,
            Event::AddSchedule { .. } | Event::Schedule { .. } | Event::JobTimeout { .. } | Event::JobClosed { .. } => {
                Phase::Schedule
            }
        }
    }
}

//! What users and scripts do.
//!
//! In: scenario files, the REPL. Out: what `sim::action` carries out. Never: a check.

use super::{JobConfig, Ms, PoolConfig, TaskConfig};
use poolcast_runtime::value::DeallocationOption;

/// An action and its instant.
#[derive(Debug, Clone, PartialEq)]
pub struct TimedAction {
    /// When.
    pub at: Ms,
    /// What.
    pub action: Action,
}

/// What happens to running tasks of a job being disabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DisableJobOption {
    /// Back to active.
    #[default]
    Requeue,
    /// Ended as failed.
    Terminate,
    /// The job waits for them.
    Wait,
}

/// How a node breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeFault {
    /// `unknown`, then back or `unusable`.
    LostContact,
    /// `unusable`, then recovered.
    HostFailure,
    /// `unusable` with an error, for good.
    DiskFull,
}

/// Something a user or script does at an instant.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Create a pool.
    CreatePool(Box<PoolConfig>),
    /// Delete a pool.
    DeletePool {
        /// Pool id.
        pool: String,
    },
    /// Change size, slots or inter-node communication of an empty pool (C1).
    UpdatePool {
        /// Pool id.
        pool: String,
        /// New slots per node.
        task_slots: u32,
    },
    /// Resize.
    Resize {
        /// Pool id.
        pool: String,
        /// New dedicated target.
        dedicated: Option<u32>,
        /// New Spot target.
        spot: Option<u32>,
        /// Timeout; none takes the pool's.
        timeout: Option<Ms>,
        /// Option; none takes the pool's.
        option: Option<DeallocationOption>,
    },
    /// Stop a resize.
    StopResize {
        /// Pool id.
        pool: String,
    },
    /// Remove nodes.
    RemoveNodes {
        /// Pool id.
        pool: String,
        /// Node ids.
        nodes: Vec<u32>,
        /// Timeout; none takes the pool's.
        timeout: Option<Ms>,
        /// Option; none takes the pool's.
        option: Option<DeallocationOption>,
    },
    /// Enable autoscale.
    EnableAutoscale {
        /// Pool id.
        pool: String,
        /// New formula; none keeps the old one.
        formula: Option<String>,
        /// New interval; none keeps the old one.
        interval: Option<Ms>,
    },
    /// Disable autoscale.
    DisableAutoscale {
        /// Pool id.
        pool: String,
    },
    /// Evaluate without applying.
    EvaluateAutoscale {
        /// Pool id.
        pool: String,
        /// The formula.
        formula: String,
    },
    /// Add a job.
    AddJob(Box<JobConfig>),
    /// Disable a job.
    DisableJob {
        /// Job id.
        job: String,
        /// What running tasks do.
        option: DisableJobOption,
    },
    /// Enable a job.
    EnableJob {
        /// Job id.
        job: String,
    },
    /// Terminate a job.
    TerminateJob {
        /// Job id.
        job: String,
    },
    /// Delete a job.
    DeleteJob {
        /// Job id.
        job: String,
    },
    /// Point a disabled job at another pool.
    MoveJob {
        /// Job id.
        job: String,
        /// Pool id.
        pool: String,
    },
    /// Add a task to a job, now.
    AddTask {
        /// Job id.
        job: String,
        /// The task (`submit` is ignored).
        task: Box<TaskConfig>,
    },
    /// Terminate a task.
    TerminateTask {
        /// Task id (number).
        task: u32,
    },
    /// Delete a task.
    DeleteTask {
        /// Task id (number).
        task: u32,
    },
    /// Reactivate a failed task.
    ReactivateTask {
        /// Task id (number).
        task: u32,
    },
    /// Reboot a node.
    RebootNode {
        /// Node id.
        node: u32,
        /// What its tasks do.
        option: DeallocationOption,
    },
    /// Reimage a node.
    ReimageNode {
        /// Node id.
        node: u32,
        /// What its tasks do.
        option: DeallocationOption,
    },
    /// Deallocate a node.
    DeallocateNode {
        /// Node id.
        node: u32,
        /// What its tasks do.
        option: DeallocationOption,
    },
    /// Start a deallocated node.
    StartNode {
        /// Node id.
        node: u32,
    },
    /// Upgrade a node's OS.
    UpgradeNode {
        /// Node id.
        node: u32,
    },
    /// Stop scheduling on a node.
    DisableScheduling {
        /// Node id.
        node: u32,
        /// What its tasks do (`retaineddata` is refused).
        option: DeallocationOption,
    },
    /// Schedule on it again.
    EnableScheduling {
        /// Node id.
        node: u32,
    },
    /// Evict a Spot node.
    PreemptNode {
        /// Node id.
        node: u32,
    },
    /// Break a node.
    FailNode {
        /// Node id.
        node: u32,
        /// How.
        fault: NodeFault,
    },
    /// Change the core quotas of an account.
    SetQuota {
        /// Account index.
        account: usize,
        /// Dedicated cores.
        dedicated_cores: Option<u32>,
        /// Spot cores.
        spot_cores: Option<u32>,
    },
    /// Terminate a job schedule.
    TerminateSchedule {
        /// Schedule id.
        schedule: String,
    },
    /// Delete a job schedule and its jobs.
    DeleteSchedule {
        /// Schedule id.
        schedule: String,
    },
    /// Suspend a job schedule.
    DisableSchedule {
        /// Schedule id.
        schedule: String,
    },
    /// Resume a job schedule.
    EnableSchedule {
        /// Schedule id.
        schedule: String,
    },
}

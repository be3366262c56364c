//! Scripted actions as serde sees them.
//!
//! In: a JSON-like value. Out: structs. Never: which keys an action needs (that is `actions`).

use super::file::{Dur, JobFile, PoolFile, TaskFile};
use schemars::JsonSchema;
use serde::Deserialize;

/// Something a user or script does.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActionFile {
    /// When.
    pub at: Dur,
    /// What.
    pub action: ActionName,
    /// The pool it is about.
    pub pool: Option<String>,
    /// The job it is about.
    pub job: Option<String>,
    /// The task (number) it is about.
    pub task: Option<u32>,
    /// The node it is about.
    pub node: Option<u32>,
    /// The nodes it is about.
    pub nodes: Option<Vec<u32>>,
    /// The schedule it is about.
    pub schedule: Option<String>,
    /// The account it is about.
    pub account: Option<String>,
    /// Dedicated nodes.
    pub dedicated: Option<u32>,
    /// Spot nodes.
    pub spot: Option<u32>,
    /// Timeout.
    pub timeout: Option<Dur>,
    /// What happens to running tasks: requeue, terminate, taskcompletion, retaineddata (jobs: requeue, terminate, wait).
    pub option: Option<String>,
    /// A formula.
    pub formula: Option<String>,
    /// A formula file.
    pub formula_file: Option<String>,
    /// Interval between evaluations.
    pub interval: Option<Dur>,
    /// Dedicated cores.
    pub dedicated_cores: Option<u32>,
    /// Spot cores.
    pub spot_cores: Option<u32>,
    /// Task slots per node.
    pub task_slots: Option<u32>,
    /// How a node breaks: lost_contact, host_failure, disk_full.
    pub fault: Option<String>,
    /// The pool to create.
    pub new_pool: Option<Box<PoolFile>>,
    /// The job to add.
    pub new_job: Option<Box<JobFile>>,
    /// The task to add.
    pub new_task: Option<Box<TaskFile>>,
}

/// What can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub(crate) enum ActionName {
    CreatePool,
    DeletePool,
    UpdatePool,
    Resize,
    StopResize,
    RemoveNodes,
    EnableAutoscale,
    DisableAutoscale,
    EvaluateAutoscale,
    AddJob,
    DisableJob,
    EnableJob,
    TerminateJob,
    DeleteJob,
    MoveJob,
    AddTask,
    TerminateTask,
    DeleteTask,
    ReactivateTask,
    RebootNode,
    ReimageNode,
    DeallocateNode,
    StartNode,
    UpgradeNode,
    DisableScheduling,
    EnableScheduling,
    PreemptNode,
    FailNode,
    SetQuota,
    TerminateSchedule,
    DeleteSchedule,
    DisableSchedule,
    EnableSchedule,
}

//! Jobs, tasks and schedules, as configured.
//!
//! In: scenario files. Out: what the engine reads. Never: a default (those are knobs).

use super::{Ms, PoolConfig};

/// Where a job runs.
#[derive(Debug, Clone, PartialEq)]
pub enum PoolRef {
    /// A pool by id; it may not exist yet.
    Pool(String),
    /// A pool made for the job (pool.md §11).
    Auto(Box<AutoPool>),
}
/// `poolLifetimeOption`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PoolLifetime {
    /// One pool per job.
    #[default]
    Job,
    /// One pool per schedule.
    Schedule,
}
/// An auto-pool.
#[derive(Debug, Clone, PartialEq)]
pub struct AutoPool {
    /// Id prefix, at most 20 characters.
    pub prefix: String,
    /// Lifetime.
    pub lifetime: PoolLifetime,
    /// Not deleted when the lifetime ends.
    pub keep_alive: bool,
    /// The pool (its id is replaced).
    pub pool: PoolConfig,
}

/// `job.on_all_tasks_complete`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnAllComplete {
    /// Nothing.
    #[default]
    NoAction,
    /// The job is terminated.
    TerminateJob,
}
/// `job.on_task_failure`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnTaskFailure {
    /// Nothing.
    #[default]
    NoAction,
    /// The job action of the matching exit condition.
    PerformExitOptionsJobAction,
}

/// A job.
#[derive(Debug, Clone, PartialEq)]
pub struct JobConfig {
    /// Id.
    pub id: String,
    /// Where it runs.
    pub pool: PoolRef,
    /// When it is added.
    pub create_at: Ms,
    /// `job.priority`.
    pub priority: i32,
    /// `job.max_parallel_tasks`; −1 is unlimited.
    pub max_parallel_tasks: i32,
    /// `job.allow_task_preemption`.
    pub allow_task_preemption: bool,
    /// `job.max_task_retry_count`; −1 is for ever.
    pub max_task_retry_count: i32,
    /// `job.max_wall_clock`.
    pub max_wall_clock: Ms,
    /// `job.on_all_tasks_complete`.
    pub on_all_tasks_complete: OnAllComplete,
    /// `job.on_task_failure`.
    pub on_task_failure: OnTaskFailure,
    /// `job.uses_task_dependencies`.
    pub uses_task_dependencies: bool,
    /// `task.max_wall_clock` of tasks that name none.
    pub task_max_wall_clock: Ms,
    /// `task.retention` of tasks that name none.
    pub task_retention: Ms,
    /// Exit of tasks that record none.
    pub exit: ExitModel,
    /// What exits mean.
    pub exit_conditions: ExitConditions,
    /// Resource use of tasks that name none.
    pub usage: UsageModel,
    /// Job preparation task.
    pub preparation: Option<PreparationTask>,
    /// Job release task; needs a preparation task.
    pub release: Option<ReleaseTask>,
    /// Job manager task.
    pub manager: Option<ManagerTask>,
    /// Explicit tasks.
    pub tasks: Vec<TaskConfig>,
}

/// Runs on a node before the job's first task there.
#[derive(Debug, Clone, PartialEq)]
pub struct PreparationTask {
    /// How long.
    pub duration: Ms,
    /// Probability that it fails on a node (after its retries).
    pub failure: f64,
    /// `waitForSuccess`.
    pub wait_for_success: bool,
    /// Runs again after a reboot.
    pub rerun_on_reboot: bool,
}
/// Runs on nodes that ran a preparation task when the job ends.
#[derive(Debug, Clone, PartialEq)]
pub struct ReleaseTask {
    /// How long.
    pub duration: Ms,
    /// `job_release.max_wall_clock`, at most 15 minutes.
    pub max_wall_clock: Ms,
}
/// The job manager.
#[derive(Debug, Clone, PartialEq)]
pub struct ManagerTask {
    /// Its task.
    pub task: TaskConfig,
    /// `killJobOnCompletion`.
    pub kill_job_on_completion: bool,
    /// `runExclusive`.
    pub run_exclusive: bool,
    /// `allowLowPriorityNode`.
    pub allow_spot_node: bool,
}

/// How a task ends.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExitModel {
    /// (exit code, weight); empty is always 0.
    pub codes: Vec<(i32, f64)>,
    /// Probability of a pre-processing error (never retried).
    pub pre_processing_error: f64,
    /// Probability of a file-upload error (never retried).
    pub upload_error: f64,
}
/// `jobAction`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum JobAction {
    /// Nothing.
    #[default]
    None,
    /// Disable with requeue.
    Disable,
    /// Terminate.
    Terminate,
}
/// What one exit means; `None` takes the service's default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExitAction {
    /// `jobAction`.
    pub job: Option<JobAction>,
    /// `dependencyAction`: satisfy (true) or block.
    pub satisfy: Option<bool>,
}
/// `exitConditions` (pool.md §8.2).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExitConditions {
    /// By code.
    pub codes: Vec<(i32, ExitAction)>,
    /// By inclusive range.
    pub ranges: Vec<(i32, i32, ExitAction)>,
    /// Pre-processing error.
    pub pre_processing_error: Option<ExitAction>,
    /// File-upload error.
    pub upload_error: Option<ExitAction>,
    /// Anything else.
    pub default: Option<ExitAction>,
}

/// Resource use of one task while it runs, in thousandths of the metric's unit (CPU: thousandths of a percent of the node).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// `$CPUPercent` this task adds to its node.
    pub cpu: i64,
    /// `$MemoryBytes` (megabytes).
    pub memory: i64,
    /// `$DiskBytes` (gigabytes).
    pub disk: i64,
    /// `$DiskReadBytes` per sample.
    pub disk_read: i64,
    /// `$DiskWriteBytes` per sample.
    pub disk_write: i64,
    /// `$DiskReadOps` per sample.
    pub disk_read_ops: i64,
    /// `$DiskWriteOps` per sample.
    pub disk_write_ops: i64,
    /// `$NetworkInBytes` per sample.
    pub net_in: i64,
    /// `$NetworkOutBytes` per sample.
    pub net_out: i64,
}
/// Where a task's resource use comes from.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum UsageModel {
    /// Not modelled.
    #[default]
    None,
    /// Always the same.
    Constant(Usage),
    /// Uniform between two, drawn per attempt.
    Uniform(Usage, Usage),
    /// (offset from start, use from then on), ascending.
    Trace(Vec<(Ms, Usage)>),
}

/// An explicit task.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskConfig {
    /// Id, unique in the job.
    pub id: String,
    /// Submission, after the job's creation.
    pub submit: Ms,
    /// Run time of one attempt.
    pub run: Ms,
    /// `task.slots`.
    pub slots: u32,
    /// `task.instances`.
    pub instances: u32,
    /// Time of the coordination command of a multi-instance task.
    pub coordination: Ms,
    /// Ids it depends on.
    pub depends_on: Vec<String>,
    /// Inclusive ranges of integer ids it depends on.
    pub depends_on_ranges: Vec<(u64, u64)>,
    /// Runs on the node this task ran on, if it can.
    pub affinity_task: Option<String>,
    /// Runs on this node, if it can.
    pub affinity_node: Option<u32>,
    /// `task.retries`; none takes the job's.
    pub retries: Option<i32>,
    /// `task.max_wall_clock`; none takes the job's.
    pub max_wall_clock: Option<Ms>,
    /// `task.retention`; none takes the job's.
    pub retention: Option<Ms>,
    /// How it ends; none takes the job's.
    pub exit: Option<ExitModel>,
    /// What exits mean; none takes the job's.
    pub exit_conditions: Option<ExitConditions>,
    /// Resource use; none takes the job's.
    pub usage: Option<UsageModel>,
}

impl TaskConfig {
    /// A one-slot task that succeeds.
    pub fn new(id: impl Into<String>, submit: Ms, run: Ms) -> TaskConfig {
        TaskConfig {
            id: id.into(),
            submit,
            run,
            slots: 1,
            instances: 1,
            coordination: 0,
            depends_on: Vec::new(),
            depends_on_ranges: Vec::new(),
            affinity_task: None,
            affinity_node: None,
            retries: None,
            max_wall_clock: None,
            retention: None,
            exit: None,
            exit_conditions: None,
            usage: None,
        }
    }
}

/// A job schedule (pool.md §11).
#[derive(Debug, Clone, PartialEq)]
pub struct ScheduleConfig {
    /// Id.
    pub id: String,
    /// When it is added.
    pub create_at: Ms,
    /// No occurrence before.
    pub do_not_run_until: Ms,
    /// No occurrence after.
    pub do_not_run_after: Ms,
    /// `schedule.recurrence`; `NEVER` is once.
    pub recurrence: Ms,
    /// `schedule.start_window`.
    pub start_window: Ms,
    /// The job each occurrence makes; `create_at` is ignored, the id gets `:job-N`.
    pub job: JobConfig,
}

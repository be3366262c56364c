//! What a simulation is told: accounts, pools, jobs, schedules, actions, faults, horizon, seed. Plain types.
//!
//! In: scenario files and library users. Out: read once by the engine. Never: a rule, a default (those are rows of
//! `knobs.rs`), serde.
//!
//! Every duration and instant is an integer number of milliseconds; instants count from `Config::epoch`.

use poolcast_runtime::{ticks::Ticks, value::DeallocationOption};

/// Milliseconds: an instant after the epoch, or a duration.
pub type Ms = i64;
/// A duration or instant that never comes.
pub const NEVER: Ms = i64::MAX / 4;
/// One second.
pub const SECOND: Ms = 1_000;
/// One minute.
pub const MINUTE: Ms = 60 * SECOND;
/// One hour.
pub const HOUR: Ms = 60 * MINUTE;
/// One day.
pub const DAY: Ms = 24 * HOUR;

/// A whole scenario, without its bulk workload.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Instant of time 0.
    pub epoch: Ticks,
    /// Where the simulation ends.
    pub horizon: Ms,
    /// Seed of every random stream (`rng.seed`).
    pub seed: u64,
    /// Accounts; pools name one by index.
    pub accounts: Vec<AccountConfig>,
    /// Pools created by the scenario, at their `create_at`.
    pub pools: Vec<PoolConfig>,
    /// Jobs created by the scenario. A workload job of the same id feeds its tasks into this one.
    pub jobs: Vec<JobConfig>,
    /// The pool of workload jobs that have no entry in `jobs`.
    pub workload_pool: String,
    /// Settings of workload jobs that have no entry in `jobs` (id, pool and priority are replaced).
    pub workload_job: JobConfig,
    /// Job schedules.
    pub schedules: Vec<ScheduleConfig>,
    /// Scripted actions, any order.
    pub actions: Vec<TimedAction>,
    /// What the region has to give, over time.
    pub capacity: Vec<CapacityStep>,
    /// Resize faults injected.
    pub faults: Vec<ResizeFault>,
    /// What is kept.
    pub output: OutputConfig,
}

/// What a run keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputConfig {
    /// One record per finished task.
    pub task_records: bool,
    /// One row of the time series per pool every this many samples; 0 keeps none.
    pub series_every: u32,
    /// Remember why each node changed state (`why_node`).
    pub node_history: bool,
    /// Sample every current metric, not only those the formula reads.
    pub every_metric: bool,
}

/// Which subscription pays and whose core quota applies (pool.md §2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AllocationMode {
    /// Batch's own subscriptions; preemptible nodes are low priority.
    #[default]
    BatchService,
    /// The user's; preemptible nodes are Spot.
    UserSubscription,
}

/// A Batch account (pool.md §6).
#[derive(Debug, Clone, PartialEq)]
pub struct AccountConfig {
    /// Id.
    pub id: String,
    /// Mode.
    pub mode: AllocationMode,
    /// `quota.dedicated_cores`.
    pub dedicated_cores: u32,
    /// `quota.per_family`: (family, cores); families match case-insensitively.
    pub per_family: Vec<(String, u32)>,
    /// `quota.per_family_enforced`.
    pub per_family_enforced: bool,
    /// `quota.spot_cores`.
    pub spot_cores: u32,
    /// `quota.count_preempted`.
    pub count_preempted: bool,
    /// `quota.pools`.
    pub pools: u32,
    /// `quota.active_jobs` (job schedules count too).
    pub active_jobs: u32,
}

/// A VM size: facts, no table (that is `vm.rs`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VmSize {
    /// `Standard_D4ds_v5`.
    pub name: String,
    /// Quota family.
    pub family: String,
    /// Cores.
    pub vcpus: u32,
    /// Memory, MiB.
    pub memory_mb: u64,
    /// Regular price, millionths of the currency per hour.
    pub price_regular: i64,
    /// Spot price, millionths per hour; none takes `cost.price_spot_ratio`.
    pub price_spot: Option<i64>,
}

impl Default for VmSize {
    fn default() -> Self {
        VmSize {
            name: "Standard_D4ds_v5".into(),
            family: "standardDDSv5Family".into(),
            vcpus: 4,
            memory_mb: 16 * 1024,
            price_regular: 272_000,
            price_spot: None,
        }
    }
}

/// `pool.fill_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fill {
    /// Evenly over nodes.
    #[default]
    Spread,
    /// One node after the other.
    Pack,
}
/// `pool.job_default_order`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum JobOrder {
    /// Round robin over jobs of equal priority.
    #[default]
    None,
    /// The older job first.
    CreationTime,
}
/// `pool.placement`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Placement {
    /// Anywhere in the region.
    #[default]
    Regional,
    /// Balanced over zones; storms hit one zone at a time.
    Zonal,
}
/// `pool.os`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Os {
    /// Linux.
    #[default]
    Linux,
    /// Windows: boots slower by `latency.windows_factor`.
    Windows,
}
/// `pool.image`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Image {
    /// A Marketplace image.
    #[default]
    Marketplace,
    /// A managed image: `pool.managed_image_cap` may apply.
    Managed,
    /// A gallery image: `latency.gallery_*` factors apply.
    Gallery,
}

/// A pool.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolConfig {
    /// Id.
    pub id: String,
    /// Index into `Config::accounts`.
    pub account: usize,
    /// When it is created.
    pub create_at: Ms,
    /// VM size of every node.
    pub vm: VmSize,
    /// The autoscale formula; none means fixed targets.
    pub formula: Option<String>,
    /// `pool.target_dedicated`; ignored with a formula.
    pub target_dedicated: u32,
    /// `pool.target_spot`; ignored with a formula.
    pub target_spot: u32,
    /// `pool.resize_timeout`.
    pub resize_timeout: Ms,
    /// `pool.autoscale_resize_timeout`.
    pub autoscale_resize_timeout: Ms,
    /// `pool.node_deallocation_option`: of manual resizes and removals that name none.
    pub option: DeallocationOption,
    /// `pool.task_slots_per_node`.
    pub task_slots: u32,
    /// `pool.fill_type`.
    pub fill: Fill,
    /// `pool.job_default_order`.
    pub job_order: JobOrder,
    /// `pool.strict_order`: no task overtakes a blocked one.
    pub strict_order: bool,
    /// `pool.inter_node`.
    pub inter_node: bool,
    /// `pool.managed_image_cap`.
    pub managed_image_cap: bool,
    /// `pool.subnet_addresses`: 0 is unlimited.
    pub subnet_addresses: u32,
    /// `pool.placement`.
    pub placement: Placement,
    /// `pool.os`.
    pub os: Os,
    /// `pool.image`.
    pub image: Image,
    /// Autoscale driver.
    pub autoscale: AutoscaleConfig,
    /// Sampler.
    pub sampler: SamplerConfig,
    /// Metrics.
    pub metrics: MetricsConfig,
    /// Shrinking.
    pub shrink: ShrinkConfig,
    /// Latencies.
    pub latency: LatencyConfig,
    /// Start task; it exists when its duration, failure probability or retries are not 0.
    pub start_task: StartTaskConfig,
    /// Spot nodes.
    pub spot: SpotConfig,
    /// Host failures.
    pub node: NodeConfig,
    /// Cost.
    pub cost: CostConfig,
}

/// `autoscale.resize_overlap` (pool.md §10.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overlap {
    /// New targets replace those being worked on.
    #[default]
    Supersede,
    /// Recorded only.
    Skip,
    /// Applied when the pool is steady again.
    Queue,
}
/// `autoscale.rounding`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rounding {
    /// Toward zero.
    #[default]
    Truncate,
    /// To nearest.
    Round,
    /// Up.
    Ceil,
}
/// `autoscale.negative_target`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NegativeTarget {
    /// The evaluation fails.
    #[default]
    Error,
    /// Taken as 0.
    Clamp0,
}

/// Autoscale driver (pool.md §10).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AutoscaleConfig {
    /// `autoscale.interval`.
    pub interval: Ms,
    /// `autoscale.enable_spacing`.
    pub enable_spacing: Ms,
    /// `autoscale.formula_bytes`.
    pub formula_bytes: u32,
    /// `autoscale.formula_statements`.
    pub formula_statements: u32,
    /// `autoscale.evaluate_on_create`.
    pub evaluate_on_create: bool,
    /// `autoscale.evaluate_on_enable`.
    pub evaluate_on_enable: bool,
    /// `autoscale.evaluate_on_enable_delay`.
    pub evaluate_on_enable_delay: Ms,
    /// `autoscale.jitter`.
    pub jitter: Ms,
    /// `autoscale.resize_overlap`.
    pub resize_overlap: Overlap,
    /// `autoscale.rounding`.
    pub rounding: Rounding,
    /// `autoscale.negative_target`.
    pub negative_target: NegativeTarget,
    /// `autoscale.stall_probability`.
    pub stall_probability: f64,
}

/// Sampler (pool.md §9.1).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SamplerConfig {
    /// `sampler.period`.
    pub period: Ms,
    /// `sampler.visibility_delay`.
    pub visibility_delay: Ms,
    /// `sampler.visibility_sigma`.
    pub visibility_sigma: Ms,
    /// `sampler.loss`.
    pub loss: f64,
    /// `sampler.history`.
    pub history: Ms,
}

/// Metric definitions left open (pool.md §9).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MetricsConfig {
    /// `metrics.ghost_deleted_tasks`.
    pub ghost_deleted_tasks: bool,
    /// `metrics.preparing_is_running`.
    pub preparing_is_running: bool,
    /// `metrics.running_counts_instances`.
    pub running_counts_instances: bool,
}

/// `shrink.order`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ShrinkOrder {
    /// The ranking of pool.md §3.4.
    #[default]
    Ranked,
    /// Idle nodes, then everything else in order of age.
    IdleFirst,
    /// Any.
    Random,
    /// By age.
    OldestFirst,
    /// Ranked by the state of the last metric sample.
    StaleView,
}
/// `shrink.drain_timeout_action`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DrainTimeout {
    /// Draining nodes come back.
    #[default]
    Revert,
    /// They keep draining.
    KeepDraining,
}

/// Shrinking (pool.md §3.4, §3.5).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ShrinkConfig {
    /// `shrink.order`.
    pub order: ShrinkOrder,
    /// `shrink.drain_timeout_action`.
    pub drain_timeout: DrainTimeout,
    /// `shrink.task_kill_latency`.
    pub task_kill_latency: Ms,
    /// `shrink.vm_delete`.
    pub vm_delete: Ms,
}

/// Latencies (pool.md §4.3).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LatencyConfig {
    /// `latency.alloc_median`.
    pub alloc_median: Ms,
    /// `latency.alloc_sigma`.
    pub alloc_sigma: f64,
    /// `latency.alloc_rate`, nodes per minute; 0 is unlimited.
    pub alloc_rate: u32,
    /// `latency.creating`.
    pub creating: Ms,
    /// `latency.starting`.
    pub starting: Ms,
    /// `latency.starting_sigma`.
    pub starting_sigma: f64,
    /// `latency.packages`: application packages, added to starting.
    pub packages: Ms,
    /// `latency.container_pull`: added to starting.
    pub container_pull: Ms,
    /// `latency.windows_factor`.
    pub windows_factor: f64,
    /// `latency.gallery_alloc_factor`.
    pub gallery_alloc_factor: f64,
    /// `latency.gallery_idle_factor`.
    pub gallery_idle_factor: f64,
    /// `latency.outlier`.
    pub outlier: f64,
    /// `latency.outlier_min`.
    pub outlier_min: Ms,
    /// `latency.outlier_max`.
    pub outlier_max: Ms,
    /// `latency.schedule_min`.
    pub schedule_min: Ms,
    /// `latency.schedule_max`.
    pub schedule_max: Ms,
}

/// Start task (pool.md §4.2).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StartTaskConfig {
    /// `start_task.duration`.
    pub duration: Ms,
    /// `start_task.sigma`.
    pub sigma: f64,
    /// `start_task.retries`; −1 is for ever.
    pub retries: i32,
    /// `start_task.wait_for_success`.
    pub wait_for_success: bool,
    /// `start_task.failure`: probability that one run fails.
    pub failure: f64,
    /// `start_task.package_failure`: a package or image cannot be fetched; unusable for good.
    pub package_failure: f64,
    /// `start_task.no_contact`: the node never reports; unusable, recovery is tried.
    pub no_contact: f64,
}

/// Spot behaviour (pool.md §5).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SpotConfig {
    /// `spot.eviction_p_per_hour`.
    pub eviction_p_per_hour: f64,
    /// `spot.storm_enter_per_hour`.
    pub storm_enter_per_hour: f64,
    /// `spot.storm_leave_per_hour`.
    pub storm_leave_per_hour: f64,
    /// `spot.storm_multiplier`.
    pub storm_multiplier: f64,
    /// `spot.storm_batch`: fraction of the nodes evicted at once when a storm begins.
    pub storm_batch: f64,
    /// A recorded trace: one availability flag every `trace_gap`, from time 0, repeated.
    pub trace: Vec<bool>,
    /// `spot.trace_gap`.
    pub trace_gap: Ms,
    /// `spot.unusable_first_p`.
    pub unusable_first_p: f64,
    /// `spot.unusable_dwell_min`.
    pub unusable_dwell_min: Ms,
    /// `spot.unusable_dwell_max`.
    pub unusable_dwell_max: Ms,
    /// `spot.restore_mean`; `NEVER` disables.
    pub restore_mean: Ms,
    /// `spot.restore_window`.
    pub restore_window: Ms,
    /// `spot.cleanup_after`.
    pub cleanup_after: Ms,
    /// `spot.grace`.
    pub grace: Ms,
    /// `spot.count_preemption_as_requeue`.
    pub count_preemption_as_requeue: bool,
}

/// Host failures (pool.md §4.4).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NodeConfig {
    /// `node.mtbf`; `NEVER` disables.
    pub mtbf: Ms,
    /// `node.unusable_recovery_min`.
    pub recovery_min: Ms,
    /// `node.unusable_recovery_max`.
    pub recovery_max: Ms,
    /// `node.reboot`: time rebooting, reimaging, upgrading or deallocating takes.
    pub reboot: Ms,
    /// `node.upgrade_interval`: automatic OS upgrades; `NEVER` disables.
    pub upgrade_interval: Ms,
    /// `node.upgrade_deferral`: wait until the node is idle.
    pub upgrade_deferral: bool,
}

/// Cost (pool.md §12).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CostConfig {
    /// `cost.price_regular`, millionths per hour; 0 takes the VM size's.
    pub price_regular: i64,
    /// `cost.price_spot_ratio`, used when the VM size has no Spot price.
    pub price_spot_ratio: f64,
    /// `cost.billing_quantum`.
    pub billing_quantum: Ms,
    /// `cost.disk`: millionths per hour and node, also while preempted or deallocated.
    pub disk: i64,
}

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

/// What the region can give (pool.md §3.3), from an instant on.
#[derive(Debug, Clone, PartialEq)]
pub struct CapacityStep {
    /// From when.
    pub from: Ms,
    /// VM size it is about; none is every size.
    pub vm: Option<String>,
    /// Dedicated nodes of that size in all pools; none is unlimited.
    pub dedicated: Option<u32>,
    /// Spot nodes of that size in all pools; none is unlimited.
    pub spot: Option<u32>,
    /// The code a refusal gets: `AllocationFailed`, `BatchOutOfCapacity` or, silently waiting, `AllocationTimedout`.
    pub code: String,
}

/// A resize that fails for a reason outside the model.
#[derive(Debug, Clone, PartialEq)]
pub struct ResizeFault {
    /// From when.
    pub from: Ms,
    /// Until when.
    pub until: Ms,
    /// Pool id.
    pub pool: String,
    /// Resize error code (pool.md §3.8).
    pub code: String,
    /// `Reason` value, if any.
    pub reason: Option<String>,
}

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

//! The knobs: one row per setting, with path, kind, default, range, evidence and documentation.
//!
//! In: a path and a text. Out: a changed `Config`, every `Default` of the configuration, `docs/knobs.md`, the scenario
//! schema. Never: a default or a range written anywhere else.

use super::config::*;
use super::knob_value::Field;
pub use super::knob_value::{Kind, parse_duration, show_duration};
use poolcast_runtime::{ticks::Ticks, value::DeallocationOption};

/// How sure we are of a default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Microsoft documentation says so.
    Documented,
    /// Seen in real traffic, code or reports.
    Observed,
    /// Nobody outside knows: a recommended model.
    Assumed,
}

impl Mark {
    /// The word used in documentation.
    pub fn word(self) -> &'static str {
        match self {
            Mark::Documented => "documented",
            Mark::Observed => "observed",
            Mark::Assumed => "assumed",
        }
    }
}

/// What a knob belongs to, with the way to its field.
#[derive(Clone, Copy)]
pub enum Access {
    /// The whole scenario.
    Sim(fn(&mut Config) -> &mut dyn Field),
    /// An account.
    Account(fn(&mut AccountConfig) -> &mut dyn Field),
    /// A pool.
    Pool(fn(&mut PoolConfig) -> &mut dyn Field),
    /// A job.
    Job(fn(&mut JobConfig) -> &mut dyn Field),
    /// A release task.
    Release(fn(&mut ReleaseTask) -> &mut dyn Field),
    /// An explicit task.
    Task(fn(&mut TaskConfig) -> &mut dyn Field),
    /// A schedule.
    Schedule(fn(&mut ScheduleConfig) -> &mut dyn Field),
}

/// One row.
pub struct Knob {
    /// `sampler.loss`.
    pub path: &'static str,
    /// What values look like.
    pub kind: Kind,
    /// Default, as text.
    pub default: &'static str,
    /// Least number allowed (milliseconds for durations).
    pub min: Option<f64>,
    /// Greatest number allowed.
    pub max: Option<f64>,
    /// Evidence.
    pub mark: Mark,
    /// What it does.
    pub doc: &'static str,
    /// Where it lives.
    pub access: Access,
}

/// Why a knob could not be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnobError {
    /// The path asked for.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl std::fmt::Display for KnobError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.path, self.message)?;
        self.help.iter().try_for_each(|help| write!(f, " ({help})"))
    }
}
impl std::error::Error for KnobError {}

const MS: f64 = 1.0;
const S: f64 = 1000.0 * MS;
const M: f64 = 60.0 * S;
const H: f64 = 60.0 * M;

macro_rules! bound {
    (-) => {
        None
    };
    ($e:expr) => {
        Some($e as f64)
    };
}
macro_rules! knobs {
    ($( $path:literal $scope:ident . $($field:ident).+ : $kind:expr, $default:literal, [$min:tt $max:tt], $mark:ident, $doc:literal; )*) => {
        /// Every knob, in the order of pool.md (b).
        pub const KNOBS: &[Knob] = &[ $( Knob {
            path: $path, kind: $kind, default: $default, min: bound!($min), max: bound!($max), mark: Mark::$mark, doc: $doc,
            access: Access::$scope(|c| &mut c.$($field).+),
        }, )* ];
    };
}
use Kind::{Choice, Duration, Flag, Integer, Real, Text};

knobs! {
    "pool.target_dedicated" Pool.target_dedicated: Integer, "0", [0 -], Documented, "dedicated nodes wanted, without a formula";
    "pool.target_spot" Pool.target_spot: Integer, "0", [0 -], Documented, "Spot nodes wanted, without a formula";
    "pool.resize_timeout" Pool.resize_timeout: Duration, "PT15M", [(5.0 * M) -], Documented, "how long a manual resize may take";
    "pool.autoscale_resize_timeout" Pool.autoscale_resize_timeout: Duration, "PT15M", [0 -], Assumed, "how long a resize by autoscale may take";
    "pool.node_deallocation_option" Pool.option: Choice(OPTIONS), "requeue", [- -], Documented, "what happens to tasks on leaving nodes when a request does not say";
    "pool.task_slots_per_node" Pool.task_slots: Integer, "1", [1 256], Documented, "task slots of each node; at most four per core and 256";
    "pool.fill_type" Pool.fill: Choice(FILLS), "spread", [- -], Documented, "how tasks are distributed over nodes";
    "pool.job_default_order" Pool.job_order: Choice(JOB_ORDERS), "none", [- -], Documented, "order of jobs of equal priority";
    "pool.strict_order" Pool.strict_order: Flag, "false", [- -], Assumed, "no task overtakes a task that does not fit yet";
    "pool.inter_node" Pool.inter_node: Flag, "false", [- -], Documented, "nodes talk to each other; limits the pool to 100 nodes (80 in user-subscription mode)";
    "pool.managed_image_cap" Pool.managed_image_cap: Flag, "false", [- -], Documented, "managed-image limits: 2000 dedicated and 1000 Spot nodes";
    "pool.subnet_addresses" Pool.subnet_addresses: Integer, "0", [0 -], Documented, "addresses in the subnet, one per node; 0 is no limit";
    "pool.network_sets" Pool.network_sets: Integer, "0", [0 -], Documented, "sets of security group, public address and load balancer the subscription has left for a pool in a virtual network, one per 50 nodes; 0 is no limit";
    "pool.reimage" Pool.reimage: Flag, "false", [- -], Documented, "nodes can be reimaged; pools of virtual machines refuse it";
    "pool.placement" Pool.placement: Choice(PLACEMENTS), "regional", [- -], Assumed, "zonal pools lose one zone's Spot nodes at a time in a storm";
    "pool.os" Pool.os: Choice(OSES), "linux", [- -], Documented, "operating system; only boot times depend on it";
    "pool.image" Pool.image: Choice(IMAGES), "marketplace", [- -], Documented, "kind of image; only boot times and caps depend on it";
    "autoscale.interval" Pool.autoscale.interval: Duration, "PT15M", [(5.0 * M) (168.0 * H)], Documented, "time between evaluations";
    "autoscale.enable_spacing" Pool.autoscale.enable_spacing: Duration, "PT30S", [0 -], Documented, "least time between two calls that enable autoscale";
    "autoscale.formula_bytes" Pool.autoscale.formula_bytes: Integer, "8192", [1 8192], Documented, "longest formula accepted, bytes";
    "autoscale.formula_statements" Pool.autoscale.formula_statements: Integer, "100", [1 100], Documented, "most statements accepted";
    "autoscale.evaluate_on_create" Pool.autoscale.evaluate_on_create: Flag, "true", [- -], Observed, "first evaluation at creation, before any sample";
    "autoscale.evaluate_on_enable" Pool.autoscale.evaluate_on_enable: Flag, "true", [- -], Observed, "prompt evaluation after autoscale is enabled (sources conflict)";
    "autoscale.evaluate_on_enable_delay" Pool.autoscale.evaluate_on_enable_delay: Duration, "PT5S", [0 -], Assumed, "delay of that evaluation";
    "autoscale.jitter" Pool.autoscale.jitter: Duration, "PT10S", [0 -], Assumed, "each evaluation is late by up to this";
    "autoscale.resize_overlap" Pool.autoscale.resize_overlap: Choice(OVERLAPS), "supersede", [- -], Assumed, "what an evaluation during a resize does";
    "autoscale.rounding" Pool.autoscale.rounding: Choice(ROUNDINGS), "truncate", [- -], Observed, "how targets become whole numbers";
    "autoscale.negative_target" Pool.autoscale.negative_target: Choice(NEGATIVES), "error", [- -], Assumed, "what a negative target does";
    "autoscale.stall_probability" Pool.autoscale.stall_probability: Real, "0", [0 1], Observed, "probability that autoscale stops after a resize or evaluation error until it is enabled again";
    "sampler.period" Pool.sampler.period: Duration, "PT30S", [(1.0 * S) -], Documented, "time between samples";
    "sampler.phase" Pool.sampler.phase: Duration, "PT0S", [0 -], Assumed, "when the first sample is taken, after the pool's creation";
    "sampler.visibility_delay" Pool.sampler.visibility_delay: Duration, "PT1M", [0 -], Documented, "mean time until a sample can be read";
    "sampler.visibility_sigma" Pool.sampler.visibility_sigma: Duration, "PT10S", [0 -], Assumed, "its standard deviation; samples never overtake each other";
    "sampler.loss" Pool.sampler.loss: Real, "0.01", [0 1], Assumed, "share of samples never recorded";
    "sampler.history" Pool.sampler.history: Duration, "P7D", [(1.0 * H) -], Assumed, "how long samples are kept";
    "metrics.ghost_deleted_tasks" Pool.metrics.ghost_deleted_tasks: Flag, "true", [- -], Observed, "deleted queued tasks stay counted until a node can process the delete";
    "metrics.preparing_is_running" Pool.metrics.preparing_is_running: Flag, "true", [- -], Assumed, "preparing tasks count as running, else as active";
    "metrics.running_counts_instances" Pool.metrics.running_counts_instances: Flag, "true", [- -], Assumed, "running multi-instance tasks count their instances";
    "shrink.order" Pool.shrink.order: Choice(SHRINK_ORDERS), "ranked", [- -], Assumed, "which nodes leave first";
    "shrink.drain_timeout_action" Pool.shrink.drain_timeout: Choice(DRAIN_TIMEOUTS), "revert", [- -], Assumed, "what draining nodes do when the resize times out";
    "shrink.task_kill_latency" Pool.shrink.task_kill_latency: Duration, "PT5S", [0 -], Assumed, "time to stop a task";
    "shrink.vm_delete" Pool.shrink.vm_delete: Duration, "PT1M", [0 -], Assumed, "time to delete a VM; the node is leavingpool, counted and billed";
    "latency.alloc_median" Pool.latency.alloc_median: Duration, "PT4M", [0 -], Observed, "median time from resize to a node being created";
    "latency.alloc_sigma" Pool.latency.alloc_sigma: Real, "0.42", [0 5], Observed, "its spread (lognormal)";
    "latency.alloc_rate" Pool.latency.alloc_rate: Integer, "100", [0 -], Assumed, "nodes a pool can obtain per minute; 0 is no limit";
    "latency.creating" Pool.latency.creating: Duration, "PT30S", [0 -], Assumed, "time in creating";
    "latency.starting" Pool.latency.starting: Duration, "PT75S", [0 -], Assumed, "median time in starting";
    "latency.starting_sigma" Pool.latency.starting_sigma: Real, "0.3", [0 5], Assumed, "its spread (lognormal)";
    "latency.packages" Pool.latency.packages: Duration, "PT0S", [0 -], Assumed, "application packages: added to starting";
    "latency.container_pull" Pool.latency.container_pull: Duration, "PT0S", [0 -], Assumed, "container images: added to starting";
    "latency.windows_factor" Pool.latency.windows_factor: Real, "1.5", [0 100], Assumed, "boot times of Windows nodes, as a factor";
    "latency.gallery_alloc_factor" Pool.latency.gallery_alloc_factor: Real, "0.75", [0 10], Documented, "allocation of gallery images, as a factor";
    "latency.gallery_idle_factor" Pool.latency.gallery_idle_factor: Real, "0.70", [0 10], Documented, "starting of gallery images, as a factor";
    "latency.outlier" Pool.latency.outlier: Real, "0.01", [0 1], Observed, "share of nodes that start very late";
    "latency.outlier_min" Pool.latency.outlier_min: Duration, "PT20M", [0 -], Observed, "how late at least";
    "latency.outlier_max" Pool.latency.outlier_max: Duration, "PT30M", [0 -], Observed, "how late at most";
    "latency.schedule_min" Pool.latency.schedule_min: Duration, "PT2S", [0 -], Observed, "shortest time from assignment to start of a task";
    "latency.schedule_max" Pool.latency.schedule_max: Duration, "PT5S", [0 -], Observed, "longest";
    "start_task.duration" Pool.start_task.duration: Duration, "PT0S", [0 -], Documented, "run time of the start task";
    "start_task.sigma" Pool.start_task.sigma: Real, "0", [0 5], Assumed, "its spread (lognormal)";
    "start_task.retries" Pool.start_task.retries: Integer, "0", [(-1) -], Documented, "retries; -1 is for ever";
    "start_task.wait_for_success" Pool.start_task.wait_for_success: Flag, "true", [- -], Documented, "no task runs before it succeeds";
    "start_task.failure" Pool.start_task.failure: Real, "0", [0 1], Assumed, "probability that one run fails";
    "start_task.package_failure" Pool.start_task.package_failure: Real, "0", [0 1], Documented, "probability that a package or image fails: unusable for good";
    "start_task.no_contact" Pool.start_task.no_contact: Real, "0", [0 1], Documented, "probability that a node never reports: unusable, recovery is tried";
    "spot.eviction_p_per_hour" Pool.spot.eviction_p_per_hour: Real, "0.05", [0 1], Documented, "probability of eviction within an hour";
    "spot.storm_enter_per_hour" Pool.spot.storm_enter_per_hour: Real, "0", [0 -], Observed, "storms beginning per hour; 0 is off";
    "spot.storm_leave_per_hour" Pool.spot.storm_leave_per_hour: Real, "1", [0 -], Observed, "storms ending per hour";
    "spot.storm_multiplier" Pool.spot.storm_multiplier: Real, "20", [0 -], Observed, "eviction rate in a storm, as a factor";
    "spot.storm_batch" Pool.spot.storm_batch: Real, "0", [0 1], Assumed, "fraction of the nodes evicted when a storm begins";
    "spot.trace_gap" Pool.spot.trace_gap: Duration, "PT32S", [(1.0 * S) -], Assumed, "step of a recorded availability trace";
    "spot.unusable_first_p" Pool.spot.unusable_first_p: Real, "0.5", [0 1], Assumed, "probability that an evicted node is unusable before it is preempted";
    "spot.unusable_dwell_min" Pool.spot.unusable_dwell_min: Duration, "PT1M", [0 -], Assumed, "for how long at least";
    "spot.unusable_dwell_max" Pool.spot.unusable_dwell_max: Duration, "PT10M", [0 -], Assumed, "for how long at most";
    "spot.restore_mean" Pool.spot.restore_mean: Duration, "PT45M", [0 -], Assumed, "mean time until a preempted node comes back; none is never";
    "spot.restore_window" Pool.spot.restore_window: Duration, "PT48H", [0 (48.0 * H)], Documented, "after this no restoration is tried";
    "spot.cleanup_after" Pool.spot.cleanup_after: Duration, "none", [0 -], Observed, "preempted nodes are removed after this";
    "spot.grace" Pool.spot.grace: Duration, "PT0S", [0 (30.0 * S)], Documented, "tasks run on for this long after the notice";
    "spot.count_preemption_as_requeue" Pool.spot.count_preemption_as_requeue: Flag, "false", [- -], Assumed, "requeue counts include preemptions";
    "quota.dedicated_cores" Account.dedicated_cores: Integer, "900", [0 1e6], Documented, "dedicated cores of the account";
    "quota.per_family" Account.per_family: Text, "", [- -], Documented, "cores per VM family, FAMILY=CORES separated by commas";
    "quota.per_family_enforced" Account.per_family_enforced: Flag, "true", [- -], Documented, "whether family quotas bind";
    "quota.spot_cores" Account.spot_cores: Integer, "100", [0 1e6], Documented, "Spot or low-priority cores";
    "quota.count_preempted" Account.count_preempted: Flag, "false", [- -], Observed, "preempted nodes use quota (sources conflict)";
    "quota.pools" Account.pools: Integer, "100", [0 500], Documented, "pools of the account";
    "quota.active_jobs" Account.active_jobs: Integer, "300", [0 1000], Documented, "active jobs and job schedules";
    "account.mode" Account.mode: Choice(MODES), "batchservice", [- -], Documented, "whose subscription the nodes are in";
    "capacity.process" Sim.capacity: Text, "unlimited", [- -], Documented, "nodes the region can give: FROM/DEDICATED/SPOT separated by commas, - is no limit";
    "job.priority" Job.priority: Integer, "0", [(-1000) 1000], Documented, "higher first";
    "job.max_parallel_tasks" Job.max_parallel_tasks: Integer, "-1", [(-1) -], Documented, "tasks of the job running at once; -1 is no limit";
    "job.allow_task_preemption" Job.allow_task_preemption: Flag, "false", [- -], Documented, "jobs of higher priority may requeue its tasks";
    "job.max_task_retry_count" Job.max_task_retry_count: Integer, "0", [(-1) -], Documented, "retries of its tasks; -1 is for ever";
    "job.max_wall_clock" Job.max_wall_clock: Duration, "none", [0 -], Documented, "life of the job";
    "job.on_all_tasks_complete" Job.on_all_tasks_complete: Choice(ON_ALL), "noaction", [- -], Documented, "what happens when all tasks are complete";
    "job.on_task_failure" Job.on_task_failure: Choice(ON_FAILURE), "noaction", [- -], Documented, "what a failed task does to the job";
    "job.uses_task_dependencies" Job.uses_task_dependencies: Flag, "true", [- -], Assumed, "whether tasks may depend on tasks";
    "task.max_wall_clock" Job.task_max_wall_clock: Duration, "none", [0 -], Documented, "longest run of a task";
    "task.retention" Job.task_retention: Duration, "P7D", [0 -], Documented, "how long a task's files are kept on the node";
    "task.retries" Task.retries: Integer, "job", [(-1) -], Documented, "retries; job takes the job's";
    "task.slots" Task.slots: Integer, "1", [1 -], Documented, "task slots needed";
    "task.instances" Task.instances: Integer, "1", [1 150], Documented, "instances of a multi-instance task";
    "job_release.max_wall_clock" Release.max_wall_clock: Duration, "PT15M", [0 (15.0 * M)], Documented, "longest run of the release task";
    "schedule.recurrence" Schedule.recurrence: Duration, "none", [(1.0 * M) -], Documented, "time between occurrences";
    "schedule.start_window" Schedule.start_window: Duration, "none", [(1.0 * M) -], Documented, "how late an occurrence may start";
    "node.mtbf" Pool.node.mtbf: Duration, "PT10000H", [0 -], Assumed, "mean time between host failures; none is never";
    "node.unusable_recovery_min" Pool.node.recovery_min: Duration, "PT15M", [0 -], Observed, "shortest recovery of an unusable node";
    "node.unusable_recovery_max" Pool.node.recovery_max: Duration, "PT45M", [0 -], Observed, "longest";
    "node.disk_full_recovers" Pool.node.disk_full_recovers: Flag, "false", [- -], Assumed, "a node whose disk was full recovers like one whose host failed, instead of staying unusable";
    "node.reboot" Pool.node.reboot: Duration, "PT2M", [0 -], Assumed, "time rebooting, reimaging, upgrading or deallocating takes";
    "node.upgrade_interval" Pool.node.upgrade_interval: Duration, "none", [(1.0 * H) -], Documented, "time between automatic OS upgrades of a node";
    "node.upgrade_deferral" Pool.node.upgrade_deferral: Flag, "true", [- -], Documented, "automatic upgrades wait until the node is idle";
    "cost.price_regular" Pool.cost.price_regular: Integer, "0", [0 1e9], Observed, "millionths per node-hour; 0 takes the VM size's price";
    "cost.price_spot_ratio" Pool.cost.price_spot_ratio: Real, "0.20", [0 1], Observed, "Spot price as a fraction of the regular one, when the VM size has none";
    "cost.billing_quantum" Pool.cost.billing_quantum: Duration, "PT1S", [(1.0 * MS) -], Assumed, "node time is rounded up to this";
    "cost.disk" Pool.cost.disk: Integer, "0", [0 1e9], Documented, "millionths per node-hour for disks, also while preempted or deallocated";
    "rng.seed" Sim.seed: Integer, "0", [0 -], Assumed, "seed of every random stream";
    "output.task_records" Sim.output.task_records: Flag, "true", [- -], Assumed, "keep one record per finished task";
    "output.series_every" Sim.output.series_every: Integer, "1", [0 -], Assumed, "keep every n-th row of the time series; 0 keeps none";
    "output.node_history" Sim.output.node_history: Flag, "true", [- -], Assumed, "remember why each node changed state";
    "output.every_metric" Sim.output.every_metric: Flag, "false", [- -], Assumed, "sample every current metric, not only those the formula reads";
}

macro_rules! choices {
    ($( $list:ident $ty:ty { $( $name:literal => $value:path ),* $(,)? } )*) => { $(
        const $list: &[&str] = &[ $( $name ),* ];
        impl Field for $ty {
            fn set(&mut self, kind: Kind, text: &str) -> Result<(), String> {
                $( if text.eq_ignore_ascii_case($name) { *self = $value; return Ok(()); } )*
                Err(kind.mismatch(text))
            }
            fn number(&self) -> f64 { 0.0 }
            fn show(&self, _: Kind) -> String {
                $( if *self == $value { return $name.to_string(); } )*
                String::new()
            }
        }
    )* };
}
choices! {
    OPTIONS DeallocationOption { "requeue" => DeallocationOption::Requeue, "terminate" => DeallocationOption::Terminate,
        "taskcompletion" => DeallocationOption::TaskCompletion, "retaineddata" => DeallocationOption::RetainedData }
    FILLS Fill { "spread" => Fill::Spread, "pack" => Fill::Pack }
    JOB_ORDERS JobOrder { "none" => JobOrder::None, "creationtime" => JobOrder::CreationTime }
    PLACEMENTS Placement { "regional" => Placement::Regional, "zonal" => Placement::Zonal }
    OSES Os { "linux" => Os::Linux, "windows" => Os::Windows }
    IMAGES Image { "marketplace" => Image::Marketplace, "managed" => Image::Managed, "gallery" => Image::Gallery }
    OVERLAPS Overlap { "supersede" => Overlap::Supersede, "skip" => Overlap::Skip, "queue" => Overlap::Queue }
    ROUNDINGS Rounding { "truncate" => Rounding::Truncate, "round" => Rounding::Round, "ceil" => Rounding::Ceil }
    NEGATIVES NegativeTarget { "error" => NegativeTarget::Error, "clamp0" => NegativeTarget::Clamp0 }
    SHRINK_ORDERS ShrinkOrder { "ranked" => ShrinkOrder::Ranked, "idle_first" => ShrinkOrder::IdleFirst,
        "random" => ShrinkOrder::Random, "oldest_first" => ShrinkOrder::OldestFirst, "stale_view" => ShrinkOrder::StaleView }
    DRAIN_TIMEOUTS DrainTimeout { "revert" => DrainTimeout::Revert, "keep_draining" => DrainTimeout::KeepDraining }
    ON_ALL OnAllComplete { "noaction" => OnAllComplete::NoAction, "terminatejob" => OnAllComplete::TerminateJob }
    ON_FAILURE OnTaskFailure { "noaction" => OnTaskFailure::NoAction, "performexitoptionsjobaction" => OnTaskFailure::PerformExitOptionsJobAction }
    MODES AllocationMode { "batchservice" => AllocationMode::BatchService, "usersubscription" => AllocationMode::UserSubscription }
}

/// Sets one field to a text, refusing what is out of range and leaving the field as it was.
fn assign(knob: &Knob, field: &mut dyn Field, text: &str) -> Result<(), KnobError> {
    let error = |message: String| KnobError { path: knob.path.into(), message, help: Some(knob.allowed()) };
    let before = field.show(knob.kind);
    field.set(knob.kind, text).map_err(error)?;
    let number = field.number();
    let never = knob.kind == Kind::Duration;
    if knob.min.is_some_and(|min| number < min)
        || knob.max.is_some_and(|max| number > max && !(never && number >= NEVER as f64))
    {
        // The old value was accepted before, so it is accepted again.
        let _ = field.set(knob.kind, &before);
        return Err(error(format!("{text} is out of range")));
    }
    Ok(())
}

impl Knob {
    /// What may be written, in words.
    pub fn allowed(&self) -> String {
        let show = |n: f64| match self.kind {
            Duration => show_duration(n as Ms),
            _ => format!("{n}"),
        };
        let range = match (self.min, self.max) {
            (None, None) => String::new(),
            (Some(a), None) => format!(", at least {}", show(a)),
            (None, Some(b)) => format!(", at most {}", show(b)),
            (Some(a), Some(b)) => format!(", {} to {}", show(a), show(b)),
        };
        format!(
            "{}{range}; default {}",
            self.kind.words(),
            if self.default.is_empty() { "empty" } else { self.default }
        )
    }
}

/// The knob of a path.
pub fn find(path: &str) -> Result<&'static Knob, KnobError> {
    KNOBS.iter().find(|k| k.path == path).ok_or_else(|| {
        let near = KNOBS.iter().map(|k| (strsim::damerau_levenshtein(k.path, path), k.path)).min();
        KnobError {
            path: path.into(),
            message: "no such knob".into(),
            help: near.filter(|(d, _)| *d <= path.len() / 2).map(|(_, near)| format!("did you mean {near}?")),
        }
    })
}

/// Sets a knob of the whole configuration: of every account, pool, job, task or schedule it belongs to.
/// `ID:path` sets it for the one object of that id.
pub fn set(config: &mut Config, path: &str, text: &str) -> Result<(), KnobError> {
    let (only, path) = match path.split_once(':') {
        Some((id, path)) => (Some(id), path),
        None => (None, path),
    };
    let knob = find(path)?;
    let wanted = |id: &str| only.is_none_or(|only| only == id);
    let mut hits = 0;
    let mut put = |field: &mut dyn Field| {
        hits += 1;
        assign(knob, field, text)
    };
    match knob.access {
        Access::Sim(get) => put(get(config))?,
        Access::Account(get) => config.accounts.iter_mut().filter(|a| wanted(&a.id)).try_for_each(|a| put(get(a)))?,
        Access::Pool(get) => {
            config.pools.iter_mut().filter(|p| wanted(&p.id)).try_for_each(|p| put(get(p)))?;
            for job in config.jobs.iter_mut().chain(config.schedules.iter_mut().map(|s| &mut s.job)) {
                if let PoolRef::Auto(auto) = &mut job.pool
                    && wanted(&auto.prefix)
                {
                    put(get(&mut auto.pool))?;
                }
            }
        }
        Access::Job(get) => config.each_job().filter(|j| wanted(&j.id)).try_for_each(|j| put(get(j)))?,
        Access::Release(get) => {
            hits += usize::from(only.is_none());
            let mut put = |field: &mut dyn Field| {
                hits += 1;
                assign(knob, field, text)
            };
            config
                .each_job()
                .filter(|j| wanted(&j.id))
                .filter_map(|j| j.release.as_mut())
                .try_for_each(|r| put(get(r)))?;
        }
        Access::Task(get) => {
            hits += usize::from(only.is_none());
            let mut put = |field: &mut dyn Field| {
                hits += 1;
                assign(knob, field, text)
            };
            config.each_job().flat_map(|j| &mut j.tasks).filter(|t| wanted(&t.id)).try_for_each(|t| put(get(t)))?;
        }
        Access::Schedule(get) => {
            hits += usize::from(only.is_none());
            let mut put = |field: &mut dyn Field| {
                hits += 1;
                assign(knob, field, text)
            };
            config.schedules.iter_mut().filter(|s| wanted(&s.id)).try_for_each(|s| put(get(s)))?;
        }
    }
    match (hits, only) {
        (0, Some(id)) => {
            Err(KnobError { path: path.into(), message: format!("nothing of id {id} has this knob"), help: None })
        }
        _ => Ok(()),
    }
}

macro_rules! setter {
    ($name:ident, $scope:ident, $ty:ty, $what:literal) => {
        #[doc = concat!("Sets a knob of one ", $what, ".")]
        pub fn $name(target: &mut $ty, path: &str, text: &str) -> Result<(), KnobError> {
            let knob = find(path)?;
            match knob.access {
                Access::$scope(get) => assign(knob, get(target), text),
                _ => Err(KnobError {
                    path: path.into(),
                    message: concat!("not a knob of ", $what, "s").into(),
                    help: None,
                }),
            }
        }
    };
}
setter!(set_account, Account, AccountConfig, "account");
setter!(set_pool, Pool, PoolConfig, "pool");
setter!(set_job, Job, JobConfig, "job");
setter!(set_task, Task, TaskConfig, "task");
setter!(set_release, Release, ReleaseTask, "release task");
setter!(set_schedule, Schedule, ScheduleConfig, "schedule");

/// Gives every field of one scope its default. A default outside its own row is our bug; a test visits them all.
macro_rules! defaults {
    ($scope:ident, $target:expr) => {
        for knob in KNOBS {
            if let Access::$scope(get) = knob.access {
                let set = get($target).set(knob.kind, knob.default);
                debug_assert!(set.is_ok(), "{}: {set:?}", knob.path);
            }
        }
    };
}

impl Config {
    /// Every job of the scenario, templates included.
    pub fn each_job(&mut self) -> impl Iterator<Item = &mut JobConfig> {
        self.jobs
            .iter_mut()
            .chain(self.schedules.iter_mut().map(|s| &mut s.job))
            .chain(std::iter::once(&mut self.workload_job))
    }
}

impl Default for Config {
    fn default() -> Self {
        let mut config = Config {
            epoch: Ticks::default(),
            horizon: DAY,
            seed: 0,
            accounts: vec![AccountConfig::default()],
            pools: Vec::new(),
            jobs: Vec::new(),
            workload_pool: "pool".into(),
            workload_job: JobConfig::default(),
            schedules: Vec::new(),
            actions: Vec::new(),
            capacity: Vec::new(),
            faults: Vec::new(),
            output: OutputConfig { task_records: true, series_every: 1, node_history: true, every_metric: false },
        };
        defaults!(Sim, &mut config);
        config
    }
}

impl Default for AccountConfig {
    fn default() -> Self {
        let mut account = AccountConfig {
            id: "account".into(),
            mode: AllocationMode::default(),
            dedicated_cores: 0,
            per_family: Vec::new(),
            per_family_enforced: false,
            spot_cores: 0,
            count_preempted: false,
            pools: 0,
            active_jobs: 0,
        };
        defaults!(Account, &mut account);
        account
    }
}

impl Default for PoolConfig {
    fn default() -> Self {
        let mut pool = PoolConfig {
            id: "pool".into(),
            account: 0,
            create_at: 0,
            vm: VmSize::default(),
            formula: None,
            target_dedicated: 0,
            target_spot: 0,
            resize_timeout: 0,
            autoscale_resize_timeout: 0,
            option: DeallocationOption::Requeue,
            task_slots: 1,
            fill: Fill::Spread,
            job_order: JobOrder::None,
            strict_order: false,
            inter_node: false,
            managed_image_cap: false,
            subnet_addresses: 0,
            network_sets: 0,
            reimage: false,
            placement: Placement::Regional,
            os: Os::Linux,
            image: Image::Marketplace,
            autoscale: AutoscaleConfig::default(),
            sampler: SamplerConfig::default(),
            metrics: MetricsConfig::default(),
            shrink: ShrinkConfig::default(),
            latency: LatencyConfig::default(),
            start_task: StartTaskConfig::default(),
            spot: SpotConfig::default(),
            node: NodeConfig::default(),
            cost: CostConfig::default(),
        };
        defaults!(Pool, &mut pool);
        pool
    }
}

impl Default for JobConfig {
    fn default() -> Self {
        let mut job = JobConfig {
            id: "job".into(),
            pool: PoolRef::Pool("pool".into()),
            create_at: 0,
            priority: 0,
            max_parallel_tasks: -1,
            allow_task_preemption: false,
            max_task_retry_count: 0,
            max_wall_clock: NEVER,
            on_all_tasks_complete: OnAllComplete::NoAction,
            on_task_failure: OnTaskFailure::NoAction,
            uses_task_dependencies: true,
            task_max_wall_clock: NEVER,
            task_retention: 0,
            exit: ExitModel::default(),
            exit_conditions: ExitConditions::default(),
            usage: UsageModel::None,
            preparation: None,
            release: None,
            manager: None,
            tasks: Vec::new(),
        };
        defaults!(Job, &mut job);
        job
    }
}

impl Default for ReleaseTask {
    fn default() -> Self {
        let mut release = ReleaseTask { duration: 0, max_wall_clock: 0 };
        defaults!(Release, &mut release);
        release
    }
}

impl Default for TaskConfig {
    fn default() -> Self {
        let mut task = TaskConfig::new("task", 0, MINUTE);
        defaults!(Task, &mut task);
        task
    }
}

impl Default for ScheduleConfig {
    fn default() -> Self {
        let mut schedule = ScheduleConfig {
            id: "schedule".into(),
            create_at: 0,
            do_not_run_until: 0,
            do_not_run_after: NEVER,
            recurrence: NEVER,
            start_window: NEVER,
            job: JobConfig::default(),
        };
        defaults!(Schedule, &mut schedule);
        schedule
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_accepted_by_its_own_row_and_shown_back() {
        let mut config =
            Config { pools: vec![PoolConfig::default()], jobs: vec![JobConfig::default()], ..Config::default() };
        for knob in KNOBS {
            set(&mut config, knob.path, knob.default).unwrap_or_else(|e| panic!("{e}"));
            assert!(!knob.doc.is_empty());
        }
        assert_eq!(config.pools[0], PoolConfig::default());
        assert_eq!(config.pools[0].resize_timeout, 15 * MINUTE);
        assert_eq!(config.jobs[0].max_wall_clock, NEVER);
    }

    #[test]
    fn a_misspelt_knob_names_its_neighbour_and_a_bad_value_its_range() {
        let mut pool = PoolConfig::default();
        let e = set_pool(&mut pool, "sampler.los", "0.1").unwrap_err();
        assert_eq!(e.help.as_deref(), Some("did you mean sampler.loss?"));
        let e = set_pool(&mut pool, "autoscale.interval", "PT1M").unwrap_err();
        assert!(e.to_string().contains("PT5M to P7D"), "{e}");
        assert_eq!(pool.autoscale.interval, 15 * MINUTE);
        assert!(set_pool(&mut pool, "shrink.order", "youngest").unwrap_err().to_string().contains("stale_view"));
    }
}

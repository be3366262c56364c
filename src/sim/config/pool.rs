//! Accounts, VM sizes and pools, as configured.
//!
//! In: scenario files. Out: what the engine reads. Never: a default (those are knobs).

use super::Ms;
use poolcast_runtime::value::DeallocationOption;

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
    /// `pool.network_sets`: one per 50 nodes of a pool in a virtual network; 0 is unlimited.
    pub network_sets: u32,
    /// `pool.reimage`: nodes can be reimaged, as in pools that are not of virtual machines.
    pub reimage: bool,
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
    /// `sampler.phase`.
    pub phase: Ms,
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
    /// `node.disk_full_recovers`.
    pub disk_full_recovers: bool,
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

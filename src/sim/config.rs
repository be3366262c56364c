//! What a simulation is told: accounts, pools, jobs, schedules, actions, faults, horizon, seed. Plain types.
//!
//! In: scenario files and library users. Out: read once by the engine. Never: a rule, a default (those are rows of
//! `knobs.rs`), serde.
//!
//! Every duration and instant is an integer number of milliseconds; instants count from `Config::epoch`.

mod action;
mod job;
mod pool;

pub use action::*;
pub use job::*;
pub use pool::*;

use poolcast_runtime::ticks::Ticks;

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

impl Config {
    /// Every pool there can be: the scenario's own, and those its jobs and schedules bring along.
    pub fn all_pools(&self) -> impl Iterator<Item = &PoolConfig> {
        let jobs = self.jobs.iter().chain(self.schedules.iter().map(|s| &s.job)).chain([&self.workload_job]);
        self.pools.iter().chain(jobs.filter_map(|j| match &j.pool {
            PoolRef::Auto(auto) => Some(&auto.pool),
            PoolRef::Pool(_) => None,
        }))
    }
    /// Gives another formula to every pool that has one, or to all when none has.
    pub fn set_formula(&mut self, text: &str) {
        let any = self.all_pools().any(|p| p.formula.is_some());
        let jobs =
            self.jobs.iter_mut().chain(self.schedules.iter_mut().map(|s| &mut s.job)).chain([&mut self.workload_job]);
        let auto = jobs.filter_map(|j| match &mut j.pool {
            PoolRef::Auto(auto) => Some(&mut auto.pool),
            PoolRef::Pool(_) => None,
        });
        for p in self.pools.iter_mut().chain(auto).filter(|p| p.formula.is_some() || !any) {
            p.formula = Some(text.to_owned());
            (p.target_dedicated, p.target_spot) = (0, 0);
        }
    }
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

//! The scenario file as serde sees it: structure only.
//!
//! In: a JSON-like value without knobs. Out: structs. Never: meaning, defaults, references.

use crate::sim::{
    config::Ms,
    knobs::{Kind, parse_duration},
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};
use std::borrow::Cow;

pub(crate) use super::file_actions::{ActionFile, ActionName};

/// A duration: ISO 8601 (`PT15M`, `P7D`) or short (`90s`, `15m`, `2h`, `7d`); `none` is never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dur(pub Ms);

impl<'de> Deserialize<'de> for Dur {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Dur, D::Error> {
        let text = String::deserialize(d)?;
        parse_duration(&text).map(Dur).ok_or_else(|| de::Error::custom(Kind::Duration.mismatch(&text)))
    }
}

impl JsonSchema for Dur {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "ISO 8601 (PT15M, P7D) or a number and a unit (250ms, 90s, 15m, 2h, 7d); none is never",
            "examples": ["PT15M", "90s", "none"]
        })
    }
}

/// A scenario.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScenarioFile {
    /// Version of the schema: 1.
    pub version: u32,
    /// A short name for reports.
    pub name: Option<String>,
    /// What the scenario shows and what to look at.
    pub about: Option<String>,
    /// Instant of time 0, ISO 8601. Default: that of an imported trace, else 2024-01-01T00:00:00Z, a Monday.
    pub epoch: Option<String>,
    /// How long to simulate. Default: until a day after the last submission, at least a day.
    pub horizon: Option<Dur>,
    /// Batch accounts; one with default quotas when none is given.
    #[serde(default)]
    pub accounts: Vec<AccountFile>,
    /// Where prices come from.
    pub prices: Option<PricesFile>,
    /// Pools.
    #[serde(default)]
    pub pools: Vec<PoolFile>,
    /// Bulk work: a trace or a generator.
    pub workload: Option<WorkloadFile>,
    /// Jobs with explicit tasks, or settings for jobs of the workload with the same id.
    #[serde(default)]
    pub jobs: Vec<JobFile>,
    /// Job schedules.
    #[serde(default)]
    pub schedules: Vec<ScheduleFile>,
    /// What a user or script does at an instant.
    #[serde(default)]
    pub actions: Vec<ActionFile>,
    /// What the region has to give, over time.
    #[serde(default)]
    pub capacity: Vec<CapacityFile>,
    /// Resizes that fail for reasons outside the model.
    #[serde(default)]
    pub faults: Vec<FaultFile>,
}

/// An account. `mode` and the quotas are knobs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountFile {
    /// Id.
    pub id: String,
    /// Dedicated cores per VM family.
    #[serde(default)]
    pub families: std::collections::BTreeMap<String, u32>,
}

/// Prices: a dump of the retail-prices API, or the built-in table.
#[derive(Debug, Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct PricesFile {
    /// The file, relative to the scenario; the built-in table when not given.
    pub file: Option<String>,
    /// The region, e.g. westeurope; may be left out when the file has one only.
    pub region: Option<String>,
    /// The operating system the price includes. Default: linux.
    pub os: Option<OsFile>,
}

/// What a node runs.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OsFile {
    /// No licence in the price.
    Linux,
    /// A Windows licence in the price.
    Windows,
}

/// A pool. Its knobs stand beside these keys (`pool.` ones bare, the others in tables such as `autoscale`).
#[derive(Debug, Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct PoolFile {
    /// Id.
    #[serde(default)]
    pub id: String,
    /// Account; the first when not given.
    pub account: Option<String>,
    /// When it is created; at the start when not given.
    pub create_at: Option<Dur>,
    /// VM size by name, from the built-in table or the price file.
    pub vm_size: Option<String>,
    /// A VM size that no table has.
    pub vm: Option<VmFile>,
    /// The autoscale formula, as text.
    pub formula: Option<String>,
    /// The autoscale formula, as a file relative to the scenario.
    pub formula_file: Option<String>,
    /// A recorded availability trace of Spot nodes: a JSON file with `metadata.gap_seconds` and `data` of 0 and 1.
    pub spot_trace: Option<String>,
}

/// A VM size.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VmFile {
    /// Name.
    pub name: String,
    /// Quota family.
    #[serde(default)]
    pub family: String,
    /// Virtual CPUs.
    pub vcpus: u32,
    /// Memory, GiB.
    #[serde(default)]
    pub memory_gib: f64,
    /// Price per hour, dedicated.
    #[serde(default)]
    pub price: f64,
    /// Price per hour, Spot or low priority.
    pub price_spot: Option<f64>,
}

/// Bulk work.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WorkloadFile {
    /// A trace, relative to the scenario.
    pub file: Option<String>,
    /// Its format, when it cannot be guessed: swf, nextflow, az, events, sacct, csv, parquet.
    pub format: Option<String>,
    /// Processors of the trace that make one task slot.
    pub cpus_per_slot: Option<u32>,
    /// For Nextflow: the script's time alone, or with staging.
    pub run_time: Option<RunTimeFile>,
    /// Whether failed attempts of the trace are run again. Default: true.
    pub keep_failed: Option<bool>,
    /// Or work drawn from a seed.
    pub generate: Option<GenerateFile>,
    /// The pool of jobs not listed under `jobs`; the first pool when not given.
    pub pool: Option<String>,
    /// Settings of jobs not listed under `jobs`.
    pub job: Option<JobFile>,
}

/// What a Nextflow task's run time is.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RunTimeFile {
    /// The script alone.
    Realtime,
    /// From start to completion.
    Occupied,
}

/// Synthetic work.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GenerateFile {
    /// When work comes.
    pub arrivals: ArrivalsFile,
    /// How long tasks run.
    pub run: RunFile,
    /// No arrival after this.
    pub duration: Dur,
    /// What one arrival brings. Default: one task.
    pub shape: Option<ShapeFile>,
    /// [slots, weight] pairs. Default: one slot.
    #[serde(default)]
    pub slots: Vec<(u16, f64)>,
    /// Longest run time.
    pub longest: Option<Dur>,
    /// No more tasks than this.
    pub most_tasks: Option<u32>,
    /// Single tasks go round over that many jobs.
    pub jobs: Option<u32>,
    /// Probability that a task ends with exit code 1.
    pub failure: Option<f64>,
    /// Seed of the work; the scenario's when not given.
    pub seed: Option<u64>,
}

/// When work comes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum ArrivalsFile {
    /// At a constant rate.
    Poisson { per_hour: f64 },
    /// At a rate that follows the day.
    Diurnal { per_hour: f64, peak_hour: Option<f64>, amplitude: Option<f64>, weekend: Option<f64> },
    /// Calm and burst in turns.
    Bursty { calm_per_hour: f64, burst_per_hour: f64, calm_mean: Dur, burst_mean: Dur },
    /// At equal distances.
    Every { period: Dur },
    /// Once, at the start.
    Once {},
}

/// How long tasks run.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum RunFile {
    /// Always the same.
    Constant { time: Dur },
    /// Exponential.
    Exponential { mean: Dur },
    /// Between two bounds.
    Uniform { least: Dur, most: Dur },
    /// Lognormal.
    Lognormal { median: Dur, sigma: f64 },
    /// Heavy-tailed.
    Pareto { least: Dur, alpha: f64 },
}

/// What one arrival brings.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum ShapeFile {
    /// One task.
    Single {},
    /// A job of independent tasks.
    Bag { least: u32, most: u32 },
    /// A job of layers.
    Dag { layers: u32, width: u32, fan_in: u32 },
}

/// A job. Its knobs stand beside these keys (`job.` ones bare).
#[derive(Debug, Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct JobFile {
    /// Id.
    #[serde(default)]
    pub id: String,
    /// The pool it runs on; the first when not given.
    pub pool: Option<String>,
    /// Or a pool made for it.
    pub auto_pool: Option<Box<AutoPoolFile>>,
    /// When it is added; at the start when not given.
    pub create_at: Option<Dur>,
    /// How its tasks end.
    pub exit: Option<ExitFile>,
    /// What exits mean.
    pub exit_conditions: Option<ExitConditionsFile>,
    /// Resource use of its tasks.
    pub usage: Option<UsageFile>,
    /// Job preparation task.
    pub preparation: Option<PreparationFile>,
    /// Job release task.
    pub release: Option<ReleaseFile>,
    /// Job manager task.
    pub manager: Option<ManagerFile>,
    /// Tasks.
    #[serde(default)]
    pub tasks: Vec<TaskFile>,
}

/// A pool made for a job or schedule.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AutoPoolFile {
    /// Id prefix, at most 20 characters.
    #[serde(default)]
    pub prefix: String,
    /// job or jobschedule.
    pub lifetime: Option<LifetimeFile>,
    /// Not deleted when the lifetime ends.
    #[serde(default)]
    pub keep_alive: bool,
    /// The pool.
    pub pool: PoolFile,
}

/// Lifetime of an auto-pool.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LifetimeFile {
    /// One pool per job.
    Job,
    /// One pool per schedule.
    JobSchedule,
}

/// Runs on a node before the job's first task there.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PreparationFile {
    /// How long it runs.
    pub duration: Dur,
    /// Probability that it fails on a node.
    #[serde(default)]
    pub failure: f64,
    /// Default: true.
    pub wait_for_success: Option<bool>,
    /// Default: true.
    pub rerun_on_reboot: Option<bool>,
}

/// Runs on those nodes when the job ends.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReleaseFile {
    /// How long it runs.
    pub duration: Dur,
}

/// The job manager.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ManagerFile {
    /// Its task.
    pub task: TaskFile,
    /// Default: true.
    pub kill_job_on_completion: Option<bool>,
    /// Default: true.
    pub run_exclusive: Option<bool>,
    /// Default: true.
    pub allow_spot_node: Option<bool>,
}

/// How tasks end.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExitFile {
    /// [exit code, weight] pairs; empty is always 0.
    #[serde(default)]
    pub codes: Vec<(i32, f64)>,
    /// Probability of a pre-processing error.
    #[serde(default)]
    pub pre_processing_error: f64,
    /// Probability of a file-upload error.
    #[serde(default)]
    pub upload_error: f64,
}

/// What exits mean.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExitConditionsFile {
    /// By exit code.
    #[serde(default)]
    pub codes: Vec<CodeActionFile>,
    /// By inclusive range.
    #[serde(default)]
    pub ranges: Vec<RangeActionFile>,
    /// Pre-processing error.
    pub pre_processing_error: Option<ExitActionFile>,
    /// File-upload error.
    pub upload_error: Option<ExitActionFile>,
    /// Anything else.
    pub default: Option<ExitActionFile>,
}

/// What one exit code means.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CodeActionFile {
    /// The code.
    pub code: i32,
    /// Job action.
    pub job: Option<JobActionFile>,
    /// Dependency action.
    pub dependency: Option<DependencyFile>,
}

/// What a range of exit codes means.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RangeActionFile {
    /// First code.
    pub start: i32,
    /// Last code.
    pub end: i32,
    /// Job action.
    pub job: Option<JobActionFile>,
    /// Dependency action.
    pub dependency: Option<DependencyFile>,
}

/// What an exit means.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExitActionFile {
    /// Job action.
    pub job: Option<JobActionFile>,
    /// Dependency action.
    pub dependency: Option<DependencyFile>,
}

/// `jobAction`.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum JobActionFile {
    /// Nothing.
    None,
    /// Disable with requeue.
    Disable,
    /// Terminate.
    Terminate,
}

/// `dependencyAction`.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DependencyFile {
    /// Dependents may run.
    Satisfy,
    /// Dependents stay active for ever.
    Block,
}

/// Resource use of a task while it runs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum UsageFile {
    /// Always the same.
    Constant { of: UseFile },
    /// Uniform between two.
    Uniform { least: UseFile, most: UseFile },
    /// Steps over the run of a task.
    Trace { steps: Vec<(Dur, UseFile)> },
}

/// Amounts, in the units of the metrics.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct UseFile {
    /// Percent of the node's CPU.
    pub cpu: f64,
    /// Megabytes.
    pub memory: f64,
    /// Gigabytes.
    pub disk: f64,
    /// Bytes per sample.
    pub disk_read: f64,
    /// Bytes per sample.
    pub disk_write: f64,
    /// Operations per sample.
    pub disk_read_ops: f64,
    /// Operations per sample.
    pub disk_write_ops: f64,
    /// Bytes per sample.
    pub net_in: f64,
    /// Bytes per sample.
    pub net_out: f64,
}

/// A task, or several alike. Its knobs (slots, instances, retries) stand beside these keys.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TaskFile {
    /// Id; with `count`, the number is appended.
    #[serde(default)]
    pub id: String,
    /// Submission after the job's creation; at once when not given.
    pub submit: Option<Dur>,
    /// Run time of one attempt.
    pub run: Dur,
    /// That many tasks alike.
    pub count: Option<u32>,
    /// Distance of their submissions.
    pub every: Option<Dur>,
    /// Time of the coordination command of a multi-instance task.
    pub coordination: Option<Dur>,
    /// Ids of tasks of the job that must complete first.
    #[serde(default)]
    pub depends_on: Vec<String>,
    /// [first, last] ranges of whole-number ids.
    #[serde(default)]
    pub depends_on_ranges: Vec<(u64, u64)>,
    /// Prefers the node this task ran on.
    pub affinity_task: Option<String>,
    /// Prefers this node.
    pub affinity_node: Option<u32>,
    /// Longest run; the job's when not given.
    pub max_wall_clock: Option<Dur>,
    /// How long its files are kept; the job's when not given.
    pub retention: Option<Dur>,
    /// How it ends; the job's when not given.
    pub exit: Option<ExitFile>,
    /// What exits mean; the job's when not given.
    pub exit_conditions: Option<ExitConditionsFile>,
    /// Resource use; the job's when not given.
    pub usage: Option<UsageFile>,
}

/// A job schedule. Its knobs (recurrence, start_window) stand beside these keys.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScheduleFile {
    /// Id.
    pub id: String,
    /// When it is added.
    pub create_at: Option<Dur>,
    /// No occurrence before.
    pub do_not_run_until: Option<Dur>,
    /// No occurrence after.
    pub do_not_run_after: Option<Dur>,
    /// The job each occurrence makes.
    pub job: JobFile,
}

/// What the region can give from an instant on.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CapacityFile {
    /// From when.
    pub from: Dur,
    /// VM size; every size when not given.
    pub vm_size: Option<String>,
    /// Dedicated nodes; unlimited when not given.
    pub dedicated: Option<u32>,
    /// Spot nodes; unlimited when not given.
    pub spot: Option<u32>,
    /// Code of a refusal. Default: AllocationFailed.
    pub code: Option<String>,
}

/// A resize that fails.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaultFile {
    /// From when.
    pub from: Dur,
    /// Until when.
    pub until: Dur,
    /// Pool.
    pub pool: String,
    /// Resize error code.
    pub code: String,
    /// `Reason` value.
    pub reason: Option<String>,
}

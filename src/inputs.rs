//! What a formula is evaluated on.
//!
//! In: an instant, samples, the pool's present state. Out: a `Snapshot` to borrow. Never: a file, a wall clock.

use crate::error::{Error, InputError};
use poolcast_runtime::{
    metric::Metric,
    rules::Rules,
    series::SeriesStore,
    snapshot::Snapshot,
    ticks::{Interval, Ticks},
};

/// The inputs of one evaluation, owned.
///
/// ```
/// use poolcast::{Inputs, Metric};
/// let inputs = Inputs::at("2026-01-05T08:00:00Z")?
///     .samples(Metric::PendingTasks, [0.0, 2.0, 5.0])?
///     .targets(1, 0)
///     .nodes(1, 0);
/// # Ok::<(), poolcast::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Inputs {
    /// The instant of the evaluation.
    pub now: Ticks,
    /// Samples of every metric.
    pub series: SeriesStore,
    /// Present targets: dedicated, low priority.
    pub targets: [f64; 2],
    /// Present nodes: dedicated, low priority.
    pub current: [f64; 2],
    /// Task slots per node.
    pub task_slots: f64,
    /// Seed of `rand()`.
    pub seed: u64,
}

impl Inputs {
    /// Empty inputs at an instant: no samples, no nodes, targets 0, one slot per node. Takes ISO 8601 or epoch seconds.
    pub fn at(now: &str) -> Result<Inputs, Error> {
        let now = Ticks::parse_lenient(now)
            .map_err(|_| InputError::new("time", format!("`{now}` is no time; write it like 2026-01-05T08:00:00Z")))?;
        Ok(Inputs::at_ticks(now))
    }
    /// Empty inputs at an instant.
    pub fn at_ticks(now: Ticks) -> Inputs {
        Inputs::with_series(now, SeriesStore::new(&Rules::default()))
    }
    /// Inputs over recorded samples.
    pub fn with_series(now: Ticks, series: SeriesStore) -> Inputs {
        Inputs { now, series, targets: [0.0; 2], current: [0.0; 2], task_slots: 1.0, seed: 0 }
    }
    /// Samples of a metric as the service would show them now: one each 30 s, oldest first, the last at the instant of
    /// the evaluation. Replaces what the metric had. NaN and infinities are refused.
    pub fn samples(mut self, metric: Metric, values: impl IntoIterator<Item = f64>) -> Result<Inputs, Error> {
        let values: Vec<f64> = values.into_iter().collect();
        let series = self.series.get_mut(metric);
        series.clear();
        let n = values.len() as i64;
        for (i, value) in values.into_iter().enumerate() {
            let at = Ticks(self.now.0.saturating_sub(Interval::SAMPLE_PERIOD.0.saturating_mul(n - 1 - i as i64)));
            series
                .push(at, at, value)
                .map_err(|e| InputError::new(format!("{} sample {}", metric.name(), i + 1), e.to_string()))?;
        }
        Ok(self)
    }
    /// Present targets.
    pub fn targets(mut self, dedicated: u32, low_priority: u32) -> Inputs {
        self.targets = [f64::from(dedicated), f64::from(low_priority)];
        self
    }
    /// Nodes in the pool now.
    pub fn nodes(mut self, dedicated: u32, low_priority: u32) -> Inputs {
        self.current = [f64::from(dedicated), f64::from(low_priority)];
        self
    }
    /// Task slots per node.
    pub fn task_slots(mut self, slots: u32) -> Inputs {
        self.task_slots = f64::from(slots);
        self
    }
    /// Seed of `rand()`.
    pub fn seed(mut self, seed: u64) -> Inputs {
        self.seed = seed;
        self
    }
    /// As an evaluation sees them.
    pub fn snapshot(&self) -> Snapshot<'_> {
        Snapshot {
            now: self.now,
            series: &self.series,
            targets: self.targets,
            current: self.current,
            task_slots: self.task_slots,
            seed: self.seed,
        }
    }
}

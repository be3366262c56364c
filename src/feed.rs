//! Live samples: what a scheduler writes as it runs and its formulas read.
//!
//! In: one sample at a time, from any thread; the pool's present state. Out: a [`FeedView`] to evaluate on, without a copy.
//! Never: a wall clock, a sample that is not finite or not newer than its predecessor, more memory than the retention asks.

use crate::{
    error::InputError,
    formula::{Evaluator, Formula},
    inputs::Inputs,
    outcome::{EvalError, Targets},
};
use poolcast_runtime::{
    metric::Metric,
    rules::Rules,
    series::{SeriesError, SeriesStore},
    snapshot::Snapshot,
    ticks::{Interval, Ticks},
};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

/// A ring of recent samples of every metric, for live use: `Send` and `Sync`, written and read from as many threads as
/// you like. Writers exclude each other and readers for one append; readers never copy and never exclude each other.
///
/// ```
/// use poolcast::{Feed, Formula, Metric, Target, Ticks};
/// let formula = Formula::compile("$TargetDedicatedNodes = max($ActiveTasks.GetSample(3));")?;
/// let feed = Feed::for_formula(&formula);
/// let start = 1_767_600_000;
/// for (i, waiting) in [3.0, 5.0, 4.0].into_iter().enumerate() {
///     feed.push(Metric::ActiveTasks, Ticks::from_unix_seconds(start + 30 * i as i64), waiting)?;
/// }
/// let mut evaluator = formula.evaluator();
/// let targets = feed.evaluate(&mut evaluator, Ticks::from_unix_seconds(start + 60))?;
/// assert_eq!(targets.dedicated, Target::Set(5));
/// # Ok::<(), poolcast::Error>(())
/// ```
#[derive(Debug)]
pub struct Feed {
    state: RwLock<State>,
    keep: Option<Interval>,
}

#[derive(Debug, Clone)]
struct State {
    series: SeriesStore,
    pool: PoolState,
}

/// A pool's present state, as formulas see it next to the samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolState {
    /// Present targets: dedicated, low priority.
    pub targets: [u32; 2],
    /// Nodes in the pool now: dedicated, low priority.
    pub nodes: [u32; 2],
    /// Task slots per node.
    pub task_slots: u32,
    /// Seed of `rand()`.
    pub seed: u64,
}

impl Default for PoolState {
    /// No nodes, targets 0, one slot per node, seed 0.
    fn default() -> PoolState {
        PoolState { targets: [0; 2], nodes: [0; 2], task_slots: 1, seed: 0 }
    }
}

impl Default for Feed {
    fn default() -> Feed {
        Feed::new()
    }
}

impl Feed {
    /// A feed that keeps a day of samples.
    pub fn new() -> Feed {
        Feed::keeping(Some(Interval::DAY), &Rules::default())
    }
    /// A feed that keeps what the formula can look back on, and an hour more; a week where that depends on values.
    /// Windows are read by the formula's rules.
    pub fn for_formula(formula: &Formula) -> Feed {
        let mut keep = Interval::ZERO;
        for read in formula.reads() {
            let by_count = Interval(Interval::SAMPLE_PERIOD.0.saturating_mul(i64::from(read.newest)));
            keep = keep.max(read.look_back.unwrap_or(Interval::WEEK)).max(by_count);
        }
        Feed::keeping(Some(Interval(keep.0.saturating_add(Interval::HOUR.0))), formula.rules())
    }
    /// A feed with a retention of your own: of each metric, samples older than its newest by more than `keep` are
    /// forgotten as the next one comes. None keeps everything.
    pub fn keeping(keep: Option<Interval>, rules: &Rules) -> Feed {
        let keep = keep.map(|k| k.max(Interval::SAMPLE_PERIOD));
        Feed { state: RwLock::new(State { series: SeriesStore::new(rules), pool: PoolState::default() }), keep }
    }

    /// Appends a sample measured at `at`, visible at once. Refuses NaN, infinities, and a sample that is not newer than
    /// the metric's newest; the feed is then as it was.
    #[inline]
    pub fn push(&self, metric: Metric, at: Ticks, value: f64) -> Result<(), InputError> {
        self.push_delayed(metric, at, at, value)
    }
    /// Appends a sample that formulas see only from `visible` on.
    #[inline]
    pub fn push_delayed(&self, metric: Metric, measured: Ticks, visible: Ticks, value: f64) -> Result<(), InputError> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        append(&mut state.series, metric, measured, visible, value, self.keep).map_err(|e| refused(metric, e))
    }
    /// Appends samples of one metric, oldest first, under one lock. Stops at the first that is refused; those before it
    /// stay. Gives the number appended.
    pub fn extend(&self, metric: Metric, samples: impl IntoIterator<Item = (Ticks, f64)>) -> Result<usize, InputError> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let mut appended = 0;
        for (at, value) in samples {
            append(&mut state.series, metric, at, at, value, self.keep).map_err(|e| refused(metric, e))?;
            appended += 1;
        }
        Ok(appended)
    }
    /// Tells the feed what the pool looks like now.
    pub fn set_pool(&self, pool: PoolState) {
        self.state.write().unwrap_or_else(PoisonError::into_inner).pool = pool;
    }
    /// What the feed was last told about the pool.
    pub fn pool(&self) -> PoolState {
        self.view().pool()
    }
    /// Forgets every sample, as the service does when autoscale is enabled.
    pub fn clear(&self) {
        self.state.write().unwrap_or_else(PoisonError::into_inner).series.clear();
    }

    /// The feed as it stands, without a copy. Pushes wait until the view is dropped, so keep it for evaluations only:
    /// for one, or for all formulas that are due together.
    #[inline]
    pub fn view(&self) -> FeedView<'_> {
        FeedView { state: self.state.read().unwrap_or_else(PoisonError::into_inner) }
    }
    /// The targets an evaluator's formula asks for now.
    #[inline]
    pub fn evaluate(&self, evaluator: &mut Evaluator, now: Ticks) -> Result<Targets, EvalError> {
        evaluator.targets(&self.view().at(now))
    }
    /// A copy of the feed, to keep, to send elsewhere or to evaluate later.
    pub fn inputs(&self, now: Ticks) -> Inputs {
        let view = self.view();
        let snapshot = view.at(now);
        Inputs {
            now,
            series: view.state.series.clone(),
            targets: snapshot.targets,
            current: snapshot.current,
            task_slots: snapshot.task_slots,
            seed: snapshot.seed,
        }
    }
}

#[inline]
fn append(
    series: &mut SeriesStore,
    metric: Metric,
    measured: Ticks,
    visible: Ticks,
    value: f64,
    keep: Option<Interval>,
) -> Result<(), SeriesError> {
    let series = series.get_mut(metric);
    series.push(measured, visible, value)?;
    if let Some(keep) = keep {
        let newest = series.key(series.values().len() - 1);
        series.forget_before(Ticks(newest.0.saturating_sub(keep.0)));
    }
    Ok(())
}

#[cold]
fn refused(metric: Metric, e: SeriesError) -> InputError {
    InputError::new(metric.name(), e.to_string())
}

/// A feed held still for evaluations.
#[derive(Debug)]
pub struct FeedView<'a> {
    state: RwLockReadGuard<'a, State>,
}

impl FeedView<'_> {
    /// As an evaluation at `now` sees it: samples visible by then, the pool as last told.
    #[inline]
    pub fn at(&self, now: Ticks) -> Snapshot<'_> {
        let pool = &self.state.pool;
        Snapshot {
            now,
            series: &self.state.series,
            targets: pool.targets.map(f64::from),
            current: pool.nodes.map(f64::from),
            task_slots: f64::from(pool.task_slots),
            seed: pool.seed,
        }
    }
    /// The samples.
    pub fn series(&self) -> &SeriesStore {
        &self.state.series
    }
    /// The pool.
    pub fn pool(&self) -> PoolState {
        self.state.pool
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(i: i64) -> Ticks {
        Ticks(Interval::SAMPLE_PERIOD.0 * i)
    }

    #[test]
    fn keeps_no_more_than_it_is_told() {
        let feed = Feed::keeping(Some(Interval::HOUR), &Rules::default());
        for i in 0..20_000 {
            feed.push(Metric::ActiveTasks, at(i), i as f64).unwrap();
        }
        let view = feed.view();
        let series = view.series().get(Metric::ActiveTasks);
        assert_eq!(series.len(), 121, "an hour of samples and the one an hour old");
        assert!(series.values().len() < 4096, "memory follows");
        assert_eq!(series.values().last(), Some(&19_999.0));
    }

    #[test]
    fn refused_samples_change_nothing() {
        let feed = Feed::new();
        feed.push(Metric::ActiveTasks, at(1), 1.0).unwrap();
        for bad in [f64::NAN, f64::INFINITY] {
            let e = feed.push(Metric::ActiveTasks, at(2), bad).unwrap_err();
            assert_eq!(e.place, "$ActiveTasks");
        }
        assert!(feed.push(Metric::ActiveTasks, at(1), 1.0).unwrap_err().reason.contains("not newer"));
        assert!(feed.push(Metric::ActiveTasks, Ticks(i64::MIN), 1.0).is_err());
        let more = feed.extend(Metric::ActiveTasks, [(at(2), 2.0), (at(3), f64::NAN), (at(4), 4.0)]);
        assert!(more.is_err());
        assert_eq!(feed.view().series().get(Metric::ActiveTasks).values(), [1.0, 2.0]);
        feed.push(Metric::ActiveTasks, Ticks(i64::MAX), 3.0).unwrap();
        feed.push(Metric::PendingTasks, Ticks(i64::MIN), 3.0).unwrap();
    }

    #[test]
    fn one_writer_many_readers() {
        let formula = Formula::compile("$TargetDedicatedNodes = max($ActiveTasks.GetSample(10));").unwrap();
        let feed = Feed::for_formula(&formula);
        feed.push(Metric::ActiveTasks, at(0), 0.0).unwrap();
        std::thread::scope(|s| {
            for _ in 0..3 {
                s.spawn(|| {
                    let mut evaluator = formula.evaluator();
                    let mut last = 0;
                    while last < 2000 {
                        let now = feed.evaluate(&mut evaluator, at(3000)).unwrap().dedicated.or(0);
                        assert!(now >= last, "samples only ever arrive");
                        last = now;
                    }
                });
            }
            for i in 1..=2000 {
                feed.push(Metric::ActiveTasks, at(i), i as f64).unwrap();
            }
        });
    }
}

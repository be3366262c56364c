//! Windows that are constant offsets from now: resolved once for a run, then only read.
//!
//! In: a window's specification, a snapshot, rules. Out: the samples as a slice, their percentage, reductions. Never: a copy
//! of samples; a rule that the catalogue's bodies (`builtins::sample`, `builtins::reduce`) do not share.

use crate::{
    builtins::{reduce, sample},
    metric::Metric,
    rules::Rules,
    series::{Series, Sight, possible, share},
    snapshot::Snapshot,
    ticks::{Interval, Ticks},
};
use std::ops::Range;

/// A window known when the formula is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WindowSpec {
    /// From `far` to `near` before now.
    Back {
        /// Whose samples.
        metric: Metric,
        /// The later end, back from now.
        near: Interval,
        /// The earlier end, back from now.
        far: Interval,
    },
    /// The newest samples.
    Last {
        /// Whose samples.
        metric: Metric,
        /// How many at most.
        count: u32,
    },
}

impl WindowSpec {
    /// Whose samples.
    pub fn metric(&self) -> Metric {
        match *self {
            WindowSpec::Back { metric, .. } | WindowSpec::Last { metric, .. } => metric,
        }
    }
}

/// A resolved window.
#[derive(Debug, Clone)]
pub struct Window<'r> {
    /// The metric's whole series.
    pub series: &'r Series,
    /// The samples' positions in it.
    pub range: Range<usize>,
    /// Percentage of possible samples present; 0 for windows by count.
    pub percent: f64,
}

impl<'r> Window<'r> {
    /// Resolve a window at the snapshot's instant.
    #[inline]
    pub fn resolve(spec: &WindowSpec, snapshot: &Snapshot<'r>, rules: &Rules) -> Window<'r> {
        let series = snapshot.series.get(spec.metric());
        match *spec {
            WindowSpec::Last { count, .. } => {
                Window { series, range: series.last_range(snapshot.now, count as usize), percent: 0.0 }
            }
            WindowSpec::Back { near, far, .. } => {
                // `ir::fuse` keeps the offsets far from overflow, and the evaluator keeps `now` inside the calendar.
                let back = |i: Interval| Ticks(snapshot.now.0.saturating_sub(i.0));
                let w = sample::Window::of(series, snapshot.now, back(far), back(near), rules);
                Window { series, range: w.range, percent: w.percent }
            }
        }
    }
    /// The samples, oldest first.
    #[inline]
    pub fn values(&self) -> &'r [f64] {
        self.series.values().get(self.range.clone()).unwrap_or(&[])
    }
}

/// A window ready to be resolved for one run after another: what depends on the rules and offsets alone is worked out once.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Whose samples.
    pub metric: Metric,
    /// The window before is not of this metric: neighbours of one metric share what is visible.
    pub first: bool,
    /// What the program reads of it.
    pub reads: Reads,
    reach: Reach,
    /// How many samples it could hold; infinitely many when no percentage is meant.
    possible: f64,
    /// How many samples it may hold.
    most: usize,
}

/// What a program reads of a window besides its length, percentage and newest sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reads {
    /// The sum.
    pub sum: bool,
    /// The samples, itself or through a reduction.
    pub samples: bool,
}

#[derive(Debug, Clone, Copy)]
enum Reach {
    /// From so long ago to now, which is so many sampling periods.
    Periods(Interval, usize),
    /// From so long ago to now.
    ToNow(Interval),
    /// The newest so many.
    Newest(usize),
    /// From so long ago to so long ago.
    Between(Interval, Interval),
}

/// What a window comes to.
#[derive(Debug, Clone)]
pub struct Found {
    /// The samples' positions in their series.
    pub range: Range<usize>,
    /// How many they are.
    pub len: usize,
    /// As [`Window::percent`].
    pub percent: f64,
    /// The sum, when the program reads it.
    pub sum: f64,
    /// The newest sample of a window by count; NaN when there is none.
    pub newest: f64,
}

impl Plan {
    /// For these windows and what the program reads of each.
    pub fn all(specs: &[WindowSpec], reads: &[Reads], rules: &Rules) -> Vec<Plan> {
        let reach = |spec: &WindowSpec| match *spec {
            WindowSpec::Last { count, .. } => (Reach::Newest(count as usize), f64::INFINITY),
            WindowSpec::Back { near, far, .. } => {
                // Nothing lies after now.
                let near = near.max(Interval(0));
                let possible = possible(Ticks(-far.0), Ticks(-near.0), rules.possible_samples);
                let period = Interval::SAMPLE_PERIOD.0;
                match near {
                    // Nothing lies in it either.
                    _ if possible == 0.0 => (Reach::Newest(0), f64::INFINITY),
                    Interval(0) if far.0 % period == 0 => (Reach::Periods(far, (far.0 / period) as usize), possible),
                    Interval(0) => (Reach::ToNow(far), possible),
                    _ => (Reach::Between(far, near), possible),
                }
            }
        };
        let mut before = None;
        let plan = |(spec, reads): (&WindowSpec, &Reads)| {
            let (reach, possible) = reach(spec);
            let (metric, most) = (spec.metric(), rules.window_samples.0 as usize);
            Plan { metric, first: before.replace(metric) != Some(metric), reads: *reads, reach, possible, most }
        };
        specs.iter().zip(reads).map(plan).collect()
    }

    /// The window at an instant of the calendar, if neither a search nor a look at a sample but the newest is needed and it
    /// holds no more than it may.
    #[inline(always)]
    pub(crate) fn at_once(&self, series: &Series, sight: Sight, now: Ticks) -> Option<Found> {
        let range = match self.reach {
            Reach::Periods(far, periods) => series.periods_in_sight(sight, Ticks(now.0 - far.0), periods)?,
            Reach::ToNow(far) => series.range_in_sight(sight, Ticks(now.0 - far.0))?,
            Reach::Newest(n) => series.newest(sight.visible, n),
            Reach::Between(..) => return None,
        };
        let sum = if self.reads.sum { series.window_sum(range.clone())? } else { 0.0 };
        let found = self.found(series, range, sum);
        (found.len <= self.most).then_some(found)
    }

    /// The window, whatever it takes, and whether it holds no more than it may; one that does not may still be right, when
    /// only its percentage is asked for.
    pub fn search(&self, series: &Series, now: Ticks) -> (Found, bool) {
        let back = |i: Interval| Ticks(now.0 - i.0);
        let range = match self.reach {
            Reach::Periods(far, _) | Reach::ToNow(far) => series.range(now, back(far), now),
            Reach::Newest(n) => series.last_range(now, n),
            Reach::Between(far, near) => series.range(now, back(far), back(near)),
        };
        let sum = match self.reads.sum {
            false => 0.0,
            true => Reduce::Sum.eval(&Window { series, range: range.clone(), percent: 0.0 }, 0.0),
        };
        let found = self.found(series, range, sum);
        let fits = found.len <= self.most;
        (found, fits)
    }

    #[inline(always)]
    fn found(&self, series: &Series, range: Range<usize>, sum: f64) -> Found {
        // Ranges of a series never end before they start.
        let len = range.end - range.start;
        let newest = match self.reach {
            Reach::Newest(_) if len > 0 => series.values().get(range.end - 1).copied().unwrap_or(f64::NAN),
            _ => f64::NAN,
        };
        Found { percent: share(len, self.possible), range, len, sum, newest }
    }
}

/// Reductions of a window to a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reduce {
    /// Left-to-right sum from 0.
    Sum,
    /// Sum by count; NaN of nothing.
    Avg,
    /// Count.
    Len,
    /// Smallest; NaN of nothing.
    Min,
    /// Largest; NaN of nothing.
    Max,
    /// Smallest, the scan starting from the operand.
    MinFrom,
    /// Largest, the scan starting from the operand.
    MaxFrom,
    /// Largest minus smallest; NaN of nothing.
    Range,
    /// Two-norm.
    Norm,
    /// Sample standard deviation; NaN of fewer than two.
    Std,
    /// The element at the operand; NaN when there is none.
    Val,
    /// The newest element, 0 when there is none.
    LastOrZero,
}

impl Reduce {
    /// The name in listings.
    pub fn name(self) -> &'static str {
        use Reduce::*;
        match self {
            Sum => "sum",
            Avg => "avg",
            Len => "len",
            Min => "min",
            Max => "max",
            MinFrom => "min_from",
            MaxFrom => "max_from",
            Range => "range",
            Norm => "norm",
            Std => "std",
            Val => "val",
            LastOrZero => "last_or_zero",
        }
    }

    /// The reduction. Equal to the catalogue's body on the same samples, bit for bit.
    #[inline]
    pub fn eval(self, w: &Window<'_>, operand: f64) -> f64 {
        use crate::scalar::{max2, min2};
        let values = w.values();
        match self {
            Reduce::Len => values.len() as f64,
            Reduce::Sum => w.series.window_sum(w.range.clone()).unwrap_or_else(|| reduce::sum(values)),
            Reduce::Avg if values.is_empty() => f64::NAN,
            Reduce::Avg => Reduce::Sum.eval(w, 0.0) / values.len() as f64,
            Reduce::Min => w.series.window_min(w.range.clone()).or_else(|| reduce::min(values)).unwrap_or(f64::NAN),
            Reduce::Max => w.series.window_max(w.range.clone()).or_else(|| reduce::max(values)).unwrap_or(f64::NAN),
            Reduce::MinFrom if values.is_empty() => operand,
            Reduce::MaxFrom if values.is_empty() => operand,
            // Samples are never NaN, so the scan may take the window's own extreme in one step.
            Reduce::MinFrom => min2(operand, Reduce::Min.eval(w, 0.0)),
            Reduce::MaxFrom => max2(operand, Reduce::Max.eval(w, 0.0)),
            Reduce::Range => Reduce::Max.eval(w, 0.0) - Reduce::Min.eval(w, 0.0),
            Reduce::Norm => w.series.window_norm(w.range.clone()).unwrap_or_else(|| reduce::norm(values)),
            Reduce::Std => w.series.window_std(w.range.clone()).or_else(|| reduce::std(values)).unwrap_or(f64::NAN),
            Reduce::Val => reduce::val(values, operand).unwrap_or(f64::NAN),
            Reduce::LastOrZero => values.last().copied().unwrap_or(0.0),
        }
    }
}

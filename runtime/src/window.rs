//! Windows that are constant offsets from now: resolved once for a run, then only read.
//!
//! In: a window's specification, a snapshot, rules. Out: the samples as a slice, their percentage, reductions. Never: a copy
//! of samples; a rule that the catalogue's bodies (`builtins::sample`, `builtins::reduce`) do not share.

use crate::{
    builtins::{reduce, sample},
    metric::Metric,
    rules::Rules,
    series::{Series, percent, possible},
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

/// A program's windows, ready to be resolved for one run after another: what depends on the rules and offsets alone is
/// worked out once.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    metric: Metric,
    reach: Reach,
    /// Whether the program reads the sum.
    sum: bool,
}

#[derive(Debug, Clone, Copy)]
enum Reach {
    Nothing,
    /// From so long ago to now, and how many samples it could hold.
    ToNow(Interval, f64),
    /// From so long ago to so long ago.
    Between(Interval, Interval, f64),
    Newest(usize),
}

/// A window resolved by a [`Plan`].
#[derive(Debug, Clone)]
pub struct Planned<'r> {
    /// As [`Window::resolve`] would have it.
    pub window: Window<'r>,
    /// The sum, when the program reads it.
    pub sum: f64,
    /// The newest sample of a window by count; NaN when there is none.
    pub newest: f64,
}

impl Plan {
    /// For these windows; `sums` says whose sum the program reads.
    pub fn new(specs: &[WindowSpec], sums: &[bool], rules: &Rules) -> Plan {
        let reach = |spec: &WindowSpec| match *spec {
            WindowSpec::Last { count, .. } => Reach::Newest(count as usize),
            WindowSpec::Back { near, far, .. } => {
                // Nothing lies after now.
                let near = near.max(Interval(0));
                let possible = possible(Ticks(-far.0), Ticks(-near.0), rules.possible_samples);
                match near {
                    _ if possible == 0.0 => Reach::Nothing,
                    Interval(0) => Reach::ToNow(far, possible),
                    _ => Reach::Between(far, near, possible),
                }
            }
        };
        let entry = |(spec, sum): (&WindowSpec, &bool)| Entry { metric: spec.metric(), reach: reach(spec), sum: *sum };
        Plan { entries: specs.iter().zip(sums).map(entry).collect() }
    }

    /// How many windows.
    pub fn len(&self) -> usize {
        self.entries.len()
    }
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Resolves every window at an instant of the calendar, in order; the visible end once for neighbours of one metric.
    #[inline]
    pub fn resolve<'r>(&self, snapshot: &Snapshot<'r>, mut each: impl FnMut(Planned<'r>)) {
        let now = snapshot.now;
        let back = |i: Interval| Ticks(now.0 - i.0);
        let Some(first) = self.entries.first() else { return };
        let mut metric = first.metric;
        let mut series = snapshot.series.get(metric);
        let mut visible = series.visible_to(now);
        for entry in &self.entries {
            if entry.metric != metric {
                metric = entry.metric;
                series = snapshot.series.get(metric);
                visible = series.visible_to(now);
            }
            let mut newest = f64::NAN;
            let (range, possible) = match entry.reach {
                Reach::ToNow(far, possible) => (series.range_to_now(now, back(far), visible), possible),
                Reach::Newest(n) => {
                    let range = series.newest(visible, n);
                    if !range.is_empty() {
                        newest = series.values().get(visible - 1).copied().unwrap_or(f64::NAN);
                    }
                    (range, 0.0)
                }
                Reach::Between(far, near, possible) => (series.range(now, back(far), back(near)), possible),
                Reach::Nothing => (0..0, 0.0),
            };
            let sum = match entry.sum {
                false => 0.0,
                true => series.window_sum(range.clone()).unwrap_or_else(|| {
                    let slow = Window { series, percent: 0.0, range: range.clone() };
                    Reduce::Sum.eval(&slow, 0.0)
                }),
            };
            each(Planned { window: Window { series, percent: percent(range.len(), possible), range }, sum, newest });
        }
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

//! Windows that are constant offsets from now: resolved once for a run, then only read.
//!
//! In: a window's specification, a snapshot, rules. Out: the samples as a slice, their percentage, reductions. Never: a copy
//! of samples; a rule that the catalogue's bodies (`builtins::sample`, `builtins::reduce`) do not share.

use crate::{
    builtins::{reduce, sample},
    metric::Metric,
    rules::Rules,
    series::Series,
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

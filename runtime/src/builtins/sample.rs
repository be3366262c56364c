//! Methods of metrics: samples by count and by window, and facts about the history (language.md §2.9).
//!
//! In: a metric, counts, instants, percentages. Out: slices of the series, numbers, times. Never: a sample the
//! evaluation's instant cannot see.

use super::{DOC, double, metric, row, wrong};
use crate::{
    catalog::{Builtin, Evidence},
    cx::{Cx, Note, ReadKind},
    metric::Metric,
    rules::{HistoryBegin, Rules},
    series::{Series, percent, possible},
    ticks::{Interval, Ticks},
    trap::Trap,
    value::Value,
};
use std::ops::Range;

/// An `Instant` argument: a time, or an interval looking back from now.
pub fn instant(cx: &mut Cx<'_>, v: Value<'_>) -> Result<Ticks, Trap> {
    match v {
        Value::Time(t) => Ok(t),
        Value::Interval(back) => cx.now().minus(back),
        _ => Err(wrong(&[v], 0)),
    }
}

/// A window with its ends in order and cut at the evaluation's instant, its samples, and their share of the possible.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Start.
    pub lo: Ticks,
    /// End, not after now.
    pub hi: Ticks,
    /// Samples, as indices of the metric's series.
    pub range: Range<usize>,
    /// How many it could hold.
    pub possible: f64,
    /// The percentage found.
    pub percent: f64,
}

/// Looks a window up. The two instants come in either order (language.md §0.5).
pub fn window(cx: &mut Cx<'_>, m: Metric, a: Ticks, b: Ticks) -> Window {
    let now = cx.now();
    Window::of(cx.series(m), now, a, b, cx.rules)
}

impl Window {
    /// The window between two instants, in either order.
    #[inline]
    pub fn of(series: &Series, now: Ticks, a: Ticks, b: Ticks, rules: &Rules) -> Window {
        let (lo, hi) = (a.min(b), a.max(b).min(now));
        let range = series.range(now, lo, hi);
        let possible = possible(lo, hi, rules.possible_samples);
        // A window without length holds nothing, even where a closed end would touch a sample.
        let range = if possible == 0.0 { range.start..range.start } else { range };
        let percent = percent(range.len(), possible);
        Window { lo, hi, range, possible, percent }
    }
}

/// `GetSample` over a window: the samples, or [`Trap::InsufficientSamples`]. `wanted` none is the default percentage.
pub fn get_window<'r>(cx: &mut Cx<'r>, m: Metric, a: Ticks, b: Ticks, wanted: Option<f64>) -> Result<&'r [f64], Trap> {
    let wanted = wanted.unwrap_or(cx.rules.default_percent.0);
    if !(0.0..=100.0).contains(&wanted) {
        return Err(Trap::OutOfRange(wanted));
    }
    let w = window(cx, m, a, b);
    cx.read(m, ReadKind::Window { lo: w.lo, hi: w.hi, possible: w.possible, wanted: Some(wanted) }, &w.range);
    few_enough(m, w.range.len(), cx.rules)?;
    if w.percent < wanted {
        return Err(Trap::InsufficientSamples { metric: m, wanted, received: w.percent });
    }
    Ok(&cx.series(m).values()[w.range])
}

/// Whether a window of so many samples may be looked at.
pub fn few_enough(metric: Metric, found: usize, rules: &Rules) -> Result<(), Trap> {
    let most = rules.window_samples.0;
    if found <= most as usize { Ok(()) } else { Err(Trap::TooManySamples { metric, found, most }) }
}

/// `GetSample` by count: the newest samples, however old, oldest first; fewer when there are fewer. A fraction is cut off,
/// and a count below one or NaN gives nothing.
pub fn get_last<'r>(cx: &mut Cx<'r>, m: Metric, count: f64) -> Result<&'r [f64], Trap> {
    let now = cx.now();
    // The cast saturates, and NaN is 0.
    let count = count as usize;
    let range = cx.series(m).last_range(now, count);
    cx.read(m, ReadKind::Last(count), &range);
    few_enough(m, range.len(), cx.rules)?;
    Ok(&cx.series(m).values()[range])
}

/// `GetSamplePercent`.
pub fn get_percent(cx: &mut Cx<'_>, m: Metric, a: Ticks, b: Ticks) -> f64 {
    let w = window(cx, m, a, b);
    cx.read(m, ReadKind::Window { lo: w.lo, hi: w.hi, possible: w.possible, wanted: None }, &w.range);
    w.percent
}

/// A metric read without a method: what the pool has now for plain metrics, else the last visible sample, 0 when there
/// is none (language.md §0.2).
pub fn latest(cx: &mut Cx<'_>, m: Metric) -> f64 {
    match m {
        Metric::CurrentDedicatedNodes => cx.snapshot.current[0],
        Metric::CurrentLowPriorityNodes => cx.snapshot.current[1],
        Metric::TaskSlotsPerNode => cx.snapshot.task_slots,
        _ => {
            let now = cx.now();
            let range = cx.series(m).last_range(now, 1);
            cx.read(m, ReadKind::Latest, &range);
            match cx.series(m).values()[range] {
                [x] => x,
                _ => {
                    cx.notes.push(Note::NoLatest(m));
                    0.0
                }
            }
        }
    }
}

fn by_count<'r>(cx: &mut Cx<'r>, args: &[Value<'r>]) -> Result<Value<'r>, Trap> {
    let (m, count) = (metric(args, 0)?, double(args, 1)?);
    get_last(cx, m, count).map(Value::Vec)
}
fn since<'r>(cx: &mut Cx<'r>, args: &[Value<'r>]) -> Result<Value<'r>, Trap> {
    let (m, a) = (metric(args, 0)?, first(cx, args)?);
    let now = cx.now();
    get_window(cx, m, a, now, optional(args, 2)?).map(Value::Vec)
}
fn between<'r>(cx: &mut Cx<'r>, args: &[Value<'r>]) -> Result<Value<'r>, Trap> {
    let (m, a) = (metric(args, 0)?, first(cx, args)?);
    let b = instant(cx, *args.get(2).ok_or_else(|| wrong(args, 2))?)?;
    get_window(cx, m, a, b, optional(args, 3)?).map(Value::Vec)
}
fn share<'r>(cx: &mut Cx<'r>, args: &[Value<'r>]) -> Result<Value<'r>, Trap> {
    let (m, a) = (metric(args, 0)?, first(cx, args)?);
    let b = match args.get(2) {
        Some(b) => instant(cx, *b)?,
        None => cx.now(),
    };
    Ok(Value::Double(get_percent(cx, m, a, b)))
}
fn count<'r>(cx: &mut Cx<'r>, args: &[Value<'r>]) -> Result<Value<'r>, Trap> {
    let (m, now) = (metric(args, 0)?, cx.now());
    let range = cx.series(m).last_range(now, usize::MAX);
    cx.read(m, ReadKind::History, &range);
    Ok(Value::Double(range.len() as f64))
}
fn begin<'r>(cx: &mut Cx<'r>, args: &[Value<'r>]) -> Result<Value<'r>, Trap> {
    let (m, now) = (metric(args, 0)?, cx.now());
    let range = cx.series(m).last_range(now, usize::MAX);
    cx.read(m, ReadKind::History, &range);
    match (cx.series(m).begin(now), cx.rules.history_begin) {
        (Some(t), _) => Ok(Value::Time(t)),
        (None, HistoryBegin::Error) => Err(Trap::NoSample),
        (None, HistoryBegin::Now) => {
            cx.notes.push(Note::NoHistory(m));
            Ok(Value::Time(now))
        }
    }
}

fn first(cx: &mut Cx<'_>, args: &[Value<'_>]) -> Result<Ticks, Trap> {
    instant(cx, *args.get(1).ok_or_else(|| wrong(args, 1))?)
}
fn optional(args: &[Value<'_>], i: usize) -> Result<Option<f64>, Trap> {
    if args.len() > i { double(args, i).map(Some) } else { Ok(None) }
}

pub(super) const ROWS: &[Builtin] = &[
    row! { Method "GetSample" {
            "GetSample(double count) -> doubleVec" [Double; 1] => Vec, ReadsSamples, Some(by_count);
            "GetSample((timestamp or timeinterval) startTime [, double samplePercent]) -> doubleVec" [Instant, Double; 1] => Vec, ReadsSamples, Some(since);
            "GetSample((timestamp or timeinterval) startTime, (timestamp or timeinterval) endTime [, double samplePercent]) -> doubleVec" [Instant, Instant, Double; 2] => Vec, ReadsSamples, Some(between) }
        "Samples, oldest first. By count: the newest ones, however old; fewer when there are fewer. By window: those from the start to the end (now when not given); an interval looks back from now, the two ends come in either order, the earlier end is left out and the later one counts. When fewer than `samplePercent` of the possible samples (one per 30 s) are there, the evaluation stops with InsufficientSampleData; without `samplePercent` that is 70 (rule `default_percent`). More samples than rule `window_samples` allows (20480, a week holds 20160) fail here, not in the service."
        Evidence::Documented("S1; default percentage observed S27#138"), "always"
        ["$PendingTasks.GetSample(2)" ("$PendingTasks": 4, 5, 6) => "[5,6]",
         "$PendingTasks.GetSample(9)" ("$PendingTasks": 4, 5, 6) => "[4,5,6]",
         "$PendingTasks.GetSample(1)" => "[]",
         "$PendingTasks.GetSample(1 * TimeInterval_Minute)" ("$PendingTasks": 4, 5, 6) => "[5,6]",
         "$PendingTasks.GetSample(2 * TimeInterval_Minute, 75)" ("$PendingTasks": 4, 5, 6) => "[4,5,6]",
         "$PendingTasks.GetSample(time() - TimeInterval_Minute, time(), 100)" ("$PendingTasks": 4, 5, 6) => "[5,6]",
         "$PendingTasks.GetSample(30 * TimeInterval_Second, 90 * TimeInterval_Second)" ("$PendingTasks": 4, 5, 6) => "[4,5]",
         "$PendingTasks.GetSample(90 * TimeInterval_Second, 30 * TimeInterval_Second)" ("$PendingTasks": 4, 5, 6) => "[4,5]"]
    },
    row! { Method "GetSamplePercent" { "GetSamplePercent((timestamp or timeinterval) startTime [, (timestamp or timeinterval) endTime]) -> double" [Instant, Instant; 1] => Double, ReadsSamples, Some(share) }
        "How many of a window's possible samples (one per 30 s) there are, in percent from 0 to 100, not rounded. A window without length, or in the future, has 0."
        Evidence::Observed("S24, S25, S26, S29#120"), "always"
        ["$PendingTasks.GetSamplePercent(90 * TimeInterval_Second)" ("$PendingTasks": 4, 5, 6) => "100",
         "$PendingTasks.GetSamplePercent(TimeInterval_Minute * 15)" ("$PendingTasks": 4, 5, 6) => "10",
         "$PendingTasks.GetSamplePercent(TimeInterval_Minute * 2, TimeInterval_Minute)" ("$PendingTasks": 4, 5, 6) => "50",
         "$PendingTasks.GetSamplePercent(TimeInterval_Zero)" ("$PendingTasks": 4, 5, 6) => "0"]
    },
    row! { Method "GetSamplePeriod" { "GetSamplePeriod() -> timeinterval" [; 0] => Interval, Const, Some(|_, _| Ok(Value::Interval(Interval::SAMPLE_PERIOD))) }
        "The time between two samples: 30 s."
        DOC, "always"
        ["$PendingTasks.GetSamplePeriod()" => "PT30S"]
    },
    row! { Method "Count" { "Count() -> double" [; 0] => Double, ReadsSamples, Some(count) }
        "How many samples the history has; 0 right after autoscale is enabled."
        DOC, "always"
        ["$PendingTasks.Count()" ("$PendingTasks": 4, 5, 6) => "3", "$PendingTasks.Count()" => "0"]
    },
    row! { Method "HistoryBeginTime" { "HistoryBeginTime() -> timestamp" [; 0] => Time, ReadsSamples, Some(begin) }
        "The time of the oldest sample. Without samples: the instant of the evaluation and a note (rule `history_begin`)."
        DOC, "always"
        ["$PendingTasks.HistoryBeginTime()" ("$PendingTasks": 4, 5, 6) => "2026-01-05T07:59:00.000Z", "$PendingTasks.HistoryBeginTime()" => "2026-01-05T08:00:00.000Z"]
    },
];

//! The formulas the speed of evaluation is measured on, each with the same function written by hand.
//!
//! In: an index. Out: a store, snapshots, formulas, their twins. Never: a clock. Shared with `benches/peers`.

use poolcast::{Interval, Metric, Rules, SeriesStore, Snapshot, Ticks};

/// Sampling periods of the history.
pub const PERIODS: usize = 8000;
/// Evaluations of one pass over its later half.
pub const EVALS: usize = 4096;

/// Counts with 8.6 % missing, some of it in gaps.
pub fn store() -> SeriesStore {
    let mut store = SeriesStore::new(&Rules::default());
    let mut x = 88172645463325252u64;
    let mut next = move || {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        x
    };
    let mut level = 40i64;
    for i in 0..PERIODS {
        level = (level + (next() % 7) as i64 - 3).clamp(0, 2000);
        if next() % 1000 < 60 || (i % 700) < 18 {
            continue;
        }
        let at = Ticks(i as i64 * Interval::SAMPLE_PERIOD.0);
        for (metric, value) in [(Metric::PendingTasks, level), (Metric::ActiveTasks, level / 2)] {
            store.push(metric, at, at, value as f64).expect("samples in order");
        }
    }
    store
}

/// What evaluation `i` of a pass sees.
pub fn snapshot(store: &SeriesStore, i: usize) -> Snapshot<'_> {
    Snapshot {
        now: Ticks((PERIODS - EVALS + i) as i64 * Interval::SAMPLE_PERIOD.0 + 7 * Interval::SECOND.0),
        series: store,
        targets: [(i & 15) as f64, 0.0],
        current: [(i & 7) as f64, (i & 3) as f64],
        task_slots: 4.0,
        seed: 0,
    }
}

/// A formula and its twin.
pub struct Shape {
    pub name: &'static str,
    pub formula: String,
    /// The target of dedicated nodes, as a programmer would compute it from the same store.
    pub by_hand: fn(&Snapshot<'_>) -> u32,
    /// Most that machine code may take of the twin's time.
    pub bar: f64,
}

pub fn shapes() -> Vec<Shape> {
    vec![
        Shape {
            name: "pending tasks, 180 s",
            formula: "cap = 25;\nseen = $PendingTasks.GetSamplePercent(180 * TimeInterval_Second);\n\
                      wanted = seen < 70 ? 1 : avg($PendingTasks.GetSample(180 * TimeInterval_Second));\n\
                      $TargetDedicatedNodes = min(cap, wanted);\n$NodeDeallocationOption = taskcompletion;"
                .into(),
            by_hand: pending,
            bar: 1.5,
        },
        Shape {
            name: "active tasks, 15 min",
            formula: "w = TimeInterval_Minute * 15;\nseen = $ActiveTasks.GetSamplePercent(w);\n\
                      tasks = seen < 70 ? max(0, $ActiveTasks.GetSample(1)) : max($ActiveTasks.GetSample(1), avg($ActiveTasks.GetSample(w)));\n\
                      cores = $TargetDedicatedNodes * 4;\nextra = ((tasks - cores) + 3) / 4;\n\
                      $TargetDedicatedNodes = max(0, min($TargetDedicatedNodes + extra, 3));\n$NodeDeallocationOption = taskcompletion;"
                .into(),
            by_hand: quarter_hour,
            bar: 1.4,
        },
        Shape { name: "40 scalar statements", formula: forty(), by_hand: forty_by_hand, bar: 1.2 },
        Shape {
            name: "statistics, 6 h",
            formula: "w = 6 * TimeInterval_Hour;\nv = $PendingTasks.GetSample(w, 10);\n\
                      $TargetDedicatedNodes = (percentile(v, 95) + avg(v) + std(v) + max(v) - min(v)) / 4;"
                .into(),
            by_hand: statistics,
            bar: 1.05,
        },
    ]
}

fn percent(n: usize, possible: f64) -> f64 {
    (n as f64 / possible * 100.0).min(100.0)
}

fn pending(s: &Snapshot<'_>) -> u32 {
    let series = s.series.get(Metric::PendingTasks);
    let r = series.range(s.now, Ticks(s.now.0 - 180 * Interval::SECOND.0), s.now);
    let n = r.len();
    let wanted = if percent(n, 6.0) < 70.0 { 1.0 } else { series.window_sum(r).unwrap_or(0.0) / n as f64 };
    f64::min(25.0, wanted) as u32
}

fn quarter_hour(s: &Snapshot<'_>) -> u32 {
    let series = s.series.get(Metric::ActiveTasks);
    let r = series.range(s.now, Ticks(s.now.0 - 900 * Interval::SECOND.0), s.now);
    let n = r.len();
    let newest = series.last(s.now, 1).first().copied();
    let tasks = if percent(n, 30.0) < 70.0 {
        newest.map_or(0.0, |x| f64::max(0.0, x))
    } else {
        let mean = series.window_sum(r).unwrap_or(0.0) / n as f64;
        newest.map_or(mean, |x| f64::max(x, mean))
    };
    let cores = s.targets[0] * 4.0;
    let extra = ((tasks - cores) + 3.0) / 4.0;
    f64::max(0.0, f64::min(s.targets[0] + extra, 3.0)) as u32
}

fn statistics(s: &Snapshot<'_>) -> u32 {
    let series = s.series.get(Metric::PendingTasks);
    let r = series.range(s.now, Ticks(s.now.0 - 21600 * Interval::SECOND.0), s.now);
    let v = &series.values()[r.clone()];
    if v.is_empty() {
        return 0;
    }
    let mut sorted = v.to_vec();
    let rank = ((0.95f64 * v.len() as f64).ceil() as usize).clamp(1, v.len());
    let p95 = *sorted.select_nth_unstable_by(rank - 1, f64::total_cmp).1;
    let mean = series.window_sum(r).unwrap_or(0.0) / v.len() as f64;
    let var = v.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (v.len() - 1) as f64;
    let (min, max) = v.iter().fold((f64::MAX, f64::MIN), |(a, b), x| (a.min(*x), b.max(*x)));
    ((p95 + mean + var.sqrt() + max - min) / 4.0) as u32
}

/// Forty scalar statements, each on the previous three; the twin is generated by the same steps.
fn forty() -> String {
    let mut f = String::from("a = $CurrentDedicatedNodes;\nb = $CurrentLowPriorityNodes;\nc = $TaskSlotsPerNode;\n");
    let name = |i: usize| match i {
        0 => "a".into(),
        1 => "b".into(),
        2 => "c".into(),
        i => format!("s{i}"),
    };
    for i in 0..40 {
        let (x, y, z) = (name(i + 2), name(i + 1), name(i));
        let e = match i % 5 {
            0 => format!("{x} + {y} / 4"),
            1 => format!("max({x} - {z}, {y})"),
            2 => format!("{x} > {y} ? {x} - 1.5 : {z} + 2"),
            3 => format!("min({x} * 0.5, {y} + {z})"),
            _ => format!("({x} + {y} - {z}) / 8"),
        };
        f += &format!("{} = {e};\n", name(i + 3));
    }
    f + format!("$TargetDedicatedNodes = max(0, min(100, {}));", name(42)).as_str()
}

fn forty_by_hand(s: &Snapshot<'_>) -> u32 {
    let (mut z, mut y, mut x) = (s.current[0], s.current[1], s.task_slots);
    for _ in 0..8 {
        let step = |n: f64, x: &mut f64, y: &mut f64, z: &mut f64| (*z, *y, *x) = (*y, *x, n);
        step(x + y / 4.0, &mut x, &mut y, &mut z);
        step(f64::max(x - z, y), &mut x, &mut y, &mut z);
        step(if x > y { x - 1.5 } else { z + 2.0 }, &mut x, &mut y, &mut z);
        step(f64::min(x * 0.5, y + z), &mut x, &mut y, &mut z);
        step((x + y - z) / 8.0, &mut x, &mut y, &mut z);
    }
    f64::max(0.0, f64::min(100.0, x)) as u32
}

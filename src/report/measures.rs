//! A run in numbers: what `simulate` prints and `compare` and `sweep` weigh.
//!
//! In: a simulation. Out: measures with a name, a unit and which way is better. Never: a second run.

use super::term::{number, percentile, span};
use crate::sim::{Simulation, config::HOUR, output::Fate, world::NodeState};

/// Which way a measure is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// Less.
    Less,
    /// More.
    More,
    /// Neither: it only describes.
    Neither,
}

/// How a measure is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A count or plain number.
    Plain,
    /// Milliseconds.
    Time,
    /// Currency units.
    Money,
    /// Hours.
    Hours,
    /// A share, 0 to 1.
    Share,
}

impl Unit {
    /// A value in words.
    pub fn show(self, x: f64) -> String {
        match self {
            _ if !x.is_finite() => "–".into(),
            Unit::Plain => number(x),
            Unit::Time => span(x),
            Unit::Money => format!("{x:.2}"),
            Unit::Hours => format!("{} h", number(x)),
            Unit::Share => format!("{:.1} %", x * 100.0),
        }
    }
}

macro_rules! measures {
    ($( $field:ident $unit:ident $better:ident $title:literal; )*) => {
        /// What came of a run.
        #[derive(Debug, Clone, Copy, PartialEq, Default)]
        pub struct Measures { $( #[doc = $title] pub $field: f64, )* }
        impl Measures {
            /// Name, title, unit and direction of each, in order.
            pub const ROWS: &'static [(&'static str, &'static str, Unit, Better)] =
                &[ $( (stringify!($field), $title, Unit::$unit, Better::$better), )* ];
            /// The values in that order.
            pub fn values(&self) -> Vec<f64> { vec![ $( self.$field, )* ] }
            /// From values in that order; missing ones are 0.
            pub fn from_values(values: &[f64]) -> Measures {
                let mut it = values.iter().copied();
                Measures { $( $field: it.next().unwrap_or(0.0), )* }
            }
        }
    };
}

measures! {
    cost Money Less "cost";
    cost_dedicated Money Neither "cost of dedicated nodes";
    cost_spot Money Neither "cost of Spot nodes";
    wait_mean Time Less "mean wait";
    wait_p50 Time Less "median wait";
    wait_p95 Time Less "95 % wait";
    wait_p99 Time Less "99 % wait";
    wait_max Time Less "longest wait";
    slowdown_p50 Plain Less "median slowdown";
    slowdown_p95 Plain Less "95 % slowdown";
    makespan Time Less "makespan";
    tasks Plain Neither "tasks added";
    succeeded Plain More "tasks succeeded";
    failed Plain Less "tasks failed";
    unfinished Plain Less "tasks not finished";
    node_hours Hours Neither "node-hours";
    idle_hours Hours Less "idle node-hours";
    unusable_hours Hours Less "node-hours unusable or preempted";
    utilisation Share More "slots used of slots there";
    lost_requeue Hours Less "slot-hours lost to requeue";
    lost_terminate Hours Less "slot-hours lost to termination";
    lost_preempt Hours Less "slot-hours lost to preemption";
    evictions Plain Less "evictions";
    evaluations Plain Neither "evaluations";
    failed_evaluations Plain Less "evaluations failed";
    resizes Plain Neither "resizes";
    resize_errors Plain Less "resize errors";
    oscillations Plain Less "changes of direction";
    apart Time Less "time with target and nodes apart";
    quota_blocked Time Less "time blocked by quota";
    peak_nodes Plain Neither "most nodes at once";
}

/// Slowdowns are bounded: a task shorter than this counts as this long.
const SHORT_MS: f64 = 10_000.0;

impl Measures {
    /// Measures a run up to now.
    pub fn of(sim: &Simulation) -> Measures {
        let out = sim.output();
        let (tasks, finished, live) = sim.task_totals();
        let mut waits: Vec<i64> = Vec::with_capacity(out.tasks.len());
        let mut slowdowns: Vec<f64> = Vec::with_capacity(out.tasks.len());
        let (mut good, mut last_end) = (0u64, 0i64);
        for t in out.tasks.iter() {
            good += u64::from(t.fate == Fate::Success);
            last_end = last_end.max(t.end);
            if t.attempts > 0 {
                waits.push(t.start - t.created);
                slowdowns.push((t.end - t.created) as f64 / ((t.end - t.start) as f64).max(SHORT_MS));
            }
        }
        waits.sort_unstable();
        slowdowns.sort_unstable_by(f64::total_cmp);
        let pick = |p: f64| percentile(&waits, p).unwrap_or(0) as f64;
        let (mut m, mut slot_ms, mut slots_there) = (Measures::default(), 0.0, 0.0);
        for p in sim.pools() {
            m.cost_dedicated += p.cost[0] as f64 / 1e6;
            m.cost_spot += p.cost[1] as f64 / 1e6;
            let hours = |states: &[NodeState]| {
                states.iter().map(|s| (p.state_ms[0][*s as usize] + p.state_ms[1][*s as usize]) as f64).sum::<f64>() / HOUR as f64
            };
            m.node_hours += hours(NodeState::ALL);
            m.idle_hours += hours(&[NodeState::Idle]);
            m.unusable_hours += hours(&[NodeState::Unusable, NodeState::Preempted, NodeState::StartTaskFailed, NodeState::Unknown]);
            slots_there += hours(&[NodeState::Idle, NodeState::Running]) * p.task_slots as f64;
            slot_ms += p.totals.slot_ms as f64;
            for (lost, part) in [&mut m.lost_requeue, &mut m.lost_terminate, &mut m.lost_preempt].into_iter().zip(p.totals.lost_ms) {
                *lost += part as f64 / HOUR as f64;
            }
            m.evictions += p.totals.evictions as f64;
            m.oscillations += p.oscillations as f64;
            m.apart += p.apart_ms as f64;
            m.quota_blocked += p.quota_ms as f64;
        }
        m.cost = m.cost_dedicated + m.cost_spot;
        m.wait_mean = if out.wait.1 > 0 { out.wait.0 as f64 / out.wait.1 as f64 } else { 0.0 };
        (m.wait_p50, m.wait_p95, m.wait_p99, m.wait_max) = (pick(0.5), pick(0.95), pick(0.99), pick(1.0));
        m.slowdown_p50 = percentile(&slowdowns, 0.5).unwrap_or(1.0);
        m.slowdown_p95 = percentile(&slowdowns, 0.95).unwrap_or(1.0);
        m.makespan = last_end as f64;
        m.tasks = tasks as f64;
        if out.tasks.is_empty() && finished > 0 {
            // Records are off: the pools still know how tasks ended.
            good = sim.pools().map(|p| p.counts.succeeded.max(0) as u64).sum();
        }
        m.succeeded = good as f64;
        m.failed = finished.saturating_sub(good) as f64;
        m.unfinished = live as f64;
        m.utilisation = if slots_there > 0.0 { (slot_ms / HOUR as f64 / slots_there).min(1.0) } else { 0.0 };
        m.evaluations = out.runs.len() as f64;
        m.failed_evaluations = out.failed_runs as f64;
        m.resizes = out.resizes.len() as f64;
        m.resize_errors = out.resizes.iter().map(|r| r.errors.len()).sum::<usize>() as f64;
        m.peak_nodes = peak_nodes(sim);
        m
    }
}

/// Most nodes in all pools at once, by the time series.
fn peak_nodes(sim: &Simulation) -> f64 {
    let mut present: std::collections::BTreeMap<u32, u32> = std::collections::BTreeMap::new();
    let mut peak = 0u32;
    for row in sim.output().series.iter() {
        present.insert(row.pool, row.nodes.iter().flatten().sum());
        peak = peak.max(present.values().sum());
    }
    peak as f64
}

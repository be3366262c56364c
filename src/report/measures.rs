//! A run in numbers: what `simulate` prints and `compare` and `sweep` weigh.
//!
//! In: a simulation. Out: measures with a name, a unit and which way is better. Never: a second run.

use super::term::{number, span};
use crate::sim::{
    Simulation,
    config::HOUR,
    output::Fate,
    world::{Apart, NodeState},
};

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
    cost_idle Money Less "cost of idle nodes";
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

/// What belongs together for a reader.
const GROUPS: [(&str, &[&str]); 6] = [
    ("Cost", &["cost", "cost_dedicated", "cost_spot", "cost_idle"]),
    (
        "Waiting",
        &["wait_mean", "wait_p50", "wait_p95", "wait_p99", "wait_max", "slowdown_p50", "slowdown_p95", "makespan"],
    ),
    ("Tasks", &["tasks", "succeeded", "failed", "unfinished"]),
    ("Nodes", &["node_hours", "idle_hours", "unusable_hours", "utilisation", "peak_nodes"]),
    ("Work lost", &["lost_requeue", "lost_terminate", "lost_preempt", "evictions"]),
    (
        "Autoscale and resizes",
        &["evaluations", "failed_evaluations", "resizes", "resize_errors", "oscillations", "apart", "quota_blocked"],
    ),
];

/// A subject, and the titles and values in words that belong to it.
pub type Group = (&'static str, Vec<(&'static str, String)>);

impl Measures {
    /// Groups of titles and values in words, without what is 0; then the titles of what is.
    pub fn grouped(&self) -> (Vec<Group>, Vec<&'static str>) {
        let values = self.values();
        let mut zero = Vec::new();
        let mut groups = Vec::new();
        for (group, names) in GROUPS {
            let mut rows = Vec::new();
            for name in names {
                let Some(k) = Self::ROWS.iter().position(|(n, ..)| n == name) else { continue };
                let (_, title, unit, _) = Self::ROWS[k];
                if values[k] == 0.0 { zero.push(title) } else { rows.push((title, unit.show(values[k]))) }
            }
            if !rows.is_empty() {
                groups.push((group, rows));
            }
        }
        (groups, zero)
    }

    /// Of a run up to now.
    pub fn of(sim: &Simulation) -> Measures {
        let s = sim.summary();
        let (mut m, mut used, mut there) = (Measures::default(), 0.0, 0.0);
        for (p, view) in s.pools.iter().zip(sim.pools()) {
            let hours = |states: &[NodeState]| {
                states.iter().map(|n| (p.state_ms[0][*n as usize] + p.state_ms[1][*n as usize]) as f64).sum::<f64>()
                    / HOUR as f64
            };
            m.cost_dedicated += p.cost[0] as f64 / 1e6;
            m.cost_spot += p.cost[1] as f64 / 1e6;
            m.cost_idle += p.idle_cost as f64 / 1e6;
            m.node_hours += hours(NodeState::ALL);
            m.idle_hours += hours(&[NodeState::Idle]);
            m.unusable_hours +=
                hours(&[NodeState::Unusable, NodeState::Preempted, NodeState::StartTaskFailed, NodeState::Unknown]);
            let slots = hours(&NodeState::WITH_SLOTS) * view.task_slots as f64;
            there += slots;
            used += slots * p.utilisation as f64 / 1000.0;
            for (sum, lost) in
                [&mut m.lost_requeue, &mut m.lost_terminate, &mut m.lost_preempt].into_iter().zip(p.lost_ms)
            {
                *sum += lost as f64 / HOUR as f64;
            }
            m.evictions += p.evictions.0 as f64;
            m.evaluations += p.evaluations as f64;
            m.failed_evaluations += p.failures.values().sum::<u64>() as f64;
            m.resizes += p.resizes.0 as f64;
            m.resize_errors += p.resizes.1 as f64;
            m.oscillations += p.oscillations as f64;
            m.apart += p.apart_ms.iter().sum::<i64>() as f64 - p.apart_ms[Apart::Together as usize] as f64;
            m.quota_blocked += p.apart_ms[Apart::Quota as usize] as f64;
        }
        m.cost = m.cost_dedicated + m.cost_spot;
        m.utilisation = if there > 0.0 { used / there } else { 0.0 };
        m.wait_mean = s.mean_wait as f64;
        (m.wait_p50, m.wait_p95, m.wait_p99, m.wait_max) =
            (s.wait.p50 as f64, s.wait.p95 as f64, s.wait.p99 as f64, s.wait.max as f64);
        (m.slowdown_p50, m.slowdown_p95) = (s.slowdown.p50 as f64 / 1000.0, s.slowdown.p95 as f64 / 1000.0);
        m.makespan = s.makespan as f64;
        m.peak_nodes = f64::from(s.most_nodes);
        let (added, finished, unfinished) = s.tasks;
        let good = match s.fates.get(Fate::Success.name()) {
            Some(n) => *n,
            // Without records the pools still know how tasks ended.
            None if s.fates.is_empty() => sim.pools().map(|p| p.counts.succeeded.max(0) as u64).sum(),
            None => 0,
        };
        m.tasks = added as f64;
        m.succeeded = good as f64;
        m.failed = finished.saturating_sub(good) as f64;
        m.unfinished = unfinished as f64;
        m
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_measure_is_in_one_group() {
        let mut grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        let mut all: Vec<&str> = Measures::ROWS.iter().map(|(name, ..)| *name).collect();
        grouped.sort_unstable();
        all.sort_unstable();
        assert_eq!(grouped, all);
    }
}

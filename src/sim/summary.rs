//! The figures of a run.
//!
//! In: a simulation. Out: a `Summary`: waits, hours, money, losses, scale events. Never: an opinion (that is `findings`).

use super::{
    Simulation,
    config::{HOUR, Ms},
    output::Fate,
    world::{Apart, NodeState},
};
use std::collections::BTreeMap;

/// Percentiles of something, in milliseconds (or thousandths).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spread {
    /// How many.
    pub count: u64,
    /// Mean.
    pub mean: i64,
    /// Median.
    pub p50: i64,
    /// 90th percentile.
    pub p90: i64,
    /// 95th percentile.
    pub p95: i64,
    /// 99th percentile.
    pub p99: i64,
    /// Greatest.
    pub max: i64,
}

impl Spread {
    /// Of some values; the nearest rank.
    pub fn of(mut values: Vec<i64>) -> Spread {
        values.sort_unstable();
        let n = values.len();
        let Some(&max) = values.last() else { return Spread::default() };
        let rank = |p: usize| values[(n * p).div_ceil(100).max(1) - 1];
        let sum: i128 = values.iter().map(|v| i128::from(*v)).sum();
        Spread {
            count: n as u64,
            mean: (sum / n as i128) as i64,
            p50: rank(50),
            p90: rank(90),
            p95: rank(95),
            p99: rank(99),
            max,
        }
    }
}

/// The figures of one pool.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolSummary {
    /// Id.
    pub id: String,
    /// Node-milliseconds by class and state.
    pub state_ms: [[i64; 16]; 2],
    /// Cost, dedicated and Spot, millionths of the currency.
    pub cost: [i64; 2],
    /// Of that, spent on idle nodes (in proportion to time).
    pub idle_cost: i64,
    /// Slot-time used over slot-time of idle and running nodes, thousandths.
    pub utilisation: i64,
    /// Slot-milliseconds of attempts lost: user requeue, termination, preemption or recovery.
    pub lost_ms: [i64; 3],
    /// Attempts lost, likewise.
    pub lost: [u64; 3],
    /// Evictions and restorations.
    pub evictions: (u64, u64),
    /// Resizes, and those that ended with errors.
    pub resizes: (u64, u64),
    /// Direction changes of the targets.
    pub oscillations: u32,
    /// Evaluations, and how many failed by code.
    pub evaluations: u64,
    /// Failures by code.
    pub failures: BTreeMap<&'static str, u64>,
    /// Time by `Apart`.
    pub apart_ms: [Ms; 6],
    /// Most nodes.
    pub most_nodes: [u32; 2],
}

/// The figures of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Until when.
    pub until: Ms,
    /// Tasks added, finished, unfinished.
    pub tasks: (u64, u64, u64),
    /// Tasks whose job would not take them.
    pub refused: u64,
    /// Finished tasks by fate (with records).
    pub fates: BTreeMap<&'static str, u64>,
    /// Mean wait of finished tasks that started, milliseconds (kept without records too).
    pub mean_wait: i64,
    /// Wait from creation to the last start (with records).
    pub wait: Spread,
    /// Slowdown, thousandths: (end − created) / max(run, 10 s) (with records).
    pub slowdown: Spread,
    /// From the first creation to the last end (with records).
    pub makespan: Ms,
    /// Most nodes at one instant, all pools together.
    pub most_nodes: u32,
    /// Pools.
    pub pools: Vec<PoolSummary>,
    /// Digest.
    pub digest: u64,
    /// Events.
    pub events: u64,
}

impl Summary {
    /// Cost of all pools, dedicated and Spot.
    pub fn cost(&self) -> [i64; 2] {
        self.pools.iter().fold([0; 2], |sum, p| [sum[0] + p.cost[0], sum[1] + p.cost[1]])
    }
}

/// Tasks shorter than this do not blow up the slowdown.
const LEAST_RUN: Ms = 10_000;

impl Simulation {
    /// The figures so far.
    pub fn summary(&self) -> Summary {
        let out = self.output();
        let mut fates: BTreeMap<&'static str, u64> = BTreeMap::new();
        let (mut wait, mut slowdown) = (Vec::new(), Vec::new());
        let (mut first, mut last) = (Ms::MAX, 0);
        for r in out.tasks.iter() {
            *fates.entry(r.fate.name()).or_default() += 1;
            first = first.min(r.created);
            last = last.max(r.end);
            if r.attempts > 0 {
                wait.push(r.start - r.created);
                if r.fate != Fate::Terminated {
                    slowdown.push((r.end - r.created) * 1000 / (r.end - r.start).max(LEAST_RUN));
                }
            }
        }
        Summary {
            until: self.now(),
            tasks: self.task_totals(),
            refused: self.world().refused_tasks,
            fates,
            mean_wait: if out.wait.1 == 0 { 0 } else { (out.wait.0 / i128::from(out.wait.1)) as i64 },
            wait: Spread::of(wait),
            slowdown: Spread::of(slowdown),
            makespan: (last - first).max(0),
            most_nodes: self.world().most_nodes,
            pools: self.pool_summaries(),
            digest: self.digest(),
            events: self.events(),
        }
    }

    fn pool_summaries(&self) -> Vec<PoolSummary> {
        let out = self.output();
        let mut all: Vec<PoolSummary> = self
            .pools()
            .map(|p| {
                let ms = |s: NodeState| p.state_ms[0][s as usize] + p.state_ms[1][s as usize];
                let usable = NodeState::WITH_SLOTS.map(ms).iter().sum::<i64>() * i64::from(p.task_slots);
                let total: i64 = p.state_ms.iter().flatten().sum();
                let cost = p.cost[0] + p.cost[1];
                let share = |part: i64, of: i64, whole: i64| {
                    if of == 0 { 0 } else { (i128::from(whole) * i128::from(part) / i128::from(of)) as i64 }
                };
                PoolSummary {
                    idle_cost: share(ms(NodeState::Idle), total, cost),
                    utilisation: share(p.totals.slot_ms, usable, 1000),
                    lost_ms: p.totals.lost_ms,
                    lost: p.totals.lost,
                    evictions: (p.totals.evictions, p.totals.restores),
                    resizes: (0, 0),
                    oscillations: p.oscillations,
                    evaluations: 0,
                    failures: BTreeMap::new(),
                    apart_ms: p.apart_ms,
                    most_nodes: p.most_nodes,
                    state_ms: p.state_ms,
                    cost: p.cost,
                    id: p.id,
                }
            })
            .collect();
        for r in out.resizes.iter() {
            let resizes = &mut all[r.pool as usize].resizes;
            *resizes = (resizes.0 + 1, resizes.1 + u64::from(!r.errors.is_empty()));
        }
        for run in out.runs.iter() {
            let p = &mut all[run.pool as usize];
            p.evaluations += 1;
            if let Err(e) = &run.result {
                *p.failures.entry(e.code).or_default() += 1;
            }
        }
        all
    }
}

impl PoolSummary {
    /// Node-hours, all states.
    pub fn node_hours(&self) -> f64 {
        self.state_ms.iter().flatten().sum::<i64>() as f64 / HOUR as f64
    }
    /// Time not at the targets.
    pub fn apart(&self) -> Ms {
        self.apart_ms.iter().sum::<Ms>() - self.apart_ms[Apart::Together as usize]
    }
    /// Time blocked by quota.
    pub fn quota_blocked(&self) -> Ms {
        self.apart_ms[Apart::Quota as usize]
    }
}

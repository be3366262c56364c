//! From the world to the samples a formula sees (pool.md §9): every 30 s, visible about a minute later, some lost.
//!
//! In: counts. Out: series, rows of the time series. Never: a formula.

use super::{
    config::{Ms, NEVER, Usage, UsageModel},
    event::Event,
    output::SeriesRow,
    rng::{Draw, Purpose, whole},
    world::{NodeState, PoolState, TaskState, World},
};
use poolcast_runtime::{metric::Metric, series::SeriesStore, ticks::Ticks};
use std::sync::Arc;

/// How often old samples are dropped, in samples: rarely, because it looks at every series.
const FORGET_EVERY: u64 = 1024;
/// Ticks of 100 ns in a millisecond.
const TICKS_PER_MS: i64 = 10_000;

/// The instant of a simulated time.
pub fn ticks(epoch: Ticks, at: Ms) -> Ticks {
    Ticks(epoch.0.saturating_add(at.saturating_mul(TICKS_PER_MS)))
}

/// One pool's sampler.
#[derive(Debug, Clone, Default)]
pub struct Sampler {
    /// Metrics recorded.
    pub(crate) metrics: Vec<Metric>,
    /// The samples, those still on their way included. Shared with forks until one of them appends.
    pub(crate) series: Arc<SeriesStore>,
    pub(crate) taken: u64,
}

/// A usage as columns, in the order of the resource metrics.
pub(crate) fn columns(u: &Usage) -> [i64; 9] {
    [u.cpu, u.memory, u.disk, u.disk_read, u.disk_write, u.disk_read_ops, u.disk_write_ops, u.net_in, u.net_out]
}

/// The resource metrics in the order of `columns`, and whether they are averages over nodes (else sums).
const RESOURCES: [(Metric, bool); 9] = [
    (Metric::CpuPercent, true),
    (Metric::MemoryBytes, true),
    (Metric::DiskBytes, true),
    (Metric::DiskReadBytes, false),
    (Metric::DiskWriteBytes, false),
    (Metric::DiskReadOps, false),
    (Metric::DiskWriteOps, false),
    (Metric::NetworkInBytes, false),
    (Metric::NetworkOutBytes, false),
];

impl World {
    /// Takes one sample of a pool.
    pub(crate) fn sample(&mut self, pool: u32) {
        let p = &self.pools[pool as usize];
        if p.state == PoolState::Removed {
            return;
        }
        let (period, history, loss) = (p.cfg.sampler.period, p.cfg.sampler.history, p.cfg.sampler.loss);
        let (mean, sigma) = (p.cfg.sampler.visibility_delay as f64, p.cfg.sampler.visibility_sigma as f64);
        let stale = p.cfg.shrink.order == super::config::ShrinkOrder::StaleView;
        let usage = if p.usage_traces > 0 { self.traced_usage(pool) } else { p.usage };
        let seed = self.config.seed;
        let now = self.now;
        let k = p.sampler.taken;
        let key = u64::from(pool) << 40 | k;
        let delay = whole(mean + sigma * Draw::keyed(seed, Purpose::SampleDelay, key).normal());
        let mut luck = Draw::keyed(seed, Purpose::SampleLoss, key);
        let mut values = [0.0; Metric::COUNT];
        for (metric, value) in p.sampler.metrics.iter().zip(&mut values) {
            *value =
                if loss > 0.0 && luck.chance(loss) { f64::NAN } else { self.measure_metric(pool, *metric, &usage) };
        }
        let (taken_at, visible) = (ticks(self.config.epoch, now), ticks(self.config.epoch, now + delay));
        let sampler = &mut self.pools[pool as usize].sampler;
        sampler.taken += 1;
        let store = Arc::make_mut(&mut sampler.series);
        for (metric, value) in sampler.metrics.iter().zip(values).filter(|(_, v)| !v.is_nan()) {
            // Refused only where a sampler of no period takes two samples at one instant; the first one stands.
            let _ = store.push(*metric, taken_at, visible, value);
        }
        if k.is_multiple_of(FORGET_EVERY) && history < NEVER {
            store.forget_before(ticks(self.config.epoch, now - history));
        }
        if stale {
            for &n in &self.pools[pool as usize].nodes {
                self.vms[n as usize].seen = self.nodes[n as usize].state;
            }
        }
        let every = u64::from(self.config.output.series_every);
        if every > 0 && k.is_multiple_of(every) {
            self.row(pool);
        }
        self.after(period, Event::Sample { pool });
    }

    /// A metric's value now (pool.md §9).
    fn measure_metric(&self, pool: u32, metric: Metric, usage: &[i64; 9]) -> f64 {
        let p = &self.pools[pool as usize];
        let m = &p.cfg.metrics;
        let c = &p.counts;
        let preparing = if m.preparing_is_running { (0, c.preparing) } else { (c.preparing, 0) };
        let running = (if m.running_counts_instances { c.running } else { c.running_tasks }) + preparing.1;
        let active = c.active + preparing.0 + p.ghosts;
        let in_state = |s: NodeState| p.by_state[0][s as usize] + p.by_state[1][s as usize];
        let usable = in_state(NodeState::Idle) + in_state(NodeState::Running);
        if let Some(i) = RESOURCES.iter().position(|(r, _)| *r == metric) {
            let average = RESOURCES[i].1;
            let total = usage[i] as f64 / 1000.0;
            return if !average {
                total
            } else if usable == 0 {
                0.0
            } else if i == 0 {
                (total / f64::from(usable)).min(100.0)
            } else {
                total / f64::from(usable)
            };
        }
        match metric {
            Metric::ActiveTasks => active as f64,
            Metric::RunningTasks => running as f64,
            Metric::PendingTasks => (active + running) as f64,
            Metric::SucceededTasks => c.succeeded as f64,
            Metric::FailedTasks => c.failed as f64,
            Metric::TaskSlotsPerNode => f64::from(p.cfg.task_slots),
            Metric::CurrentDedicatedNodes => f64::from(p.current[0]),
            Metric::CurrentLowPriorityNodes => f64::from(p.current[1]),
            Metric::UsableNodeCount | Metric::SampleNodeCount => f64::from(usable),
            Metric::PreemptedNodeCount => f64::from(in_state(NodeState::Preempted)),
            Metric::WallClockSeconds => (self.now - p.created) as f64 / 1000.0 * f64::from(usable),
            _ => 0.0,
        }
    }

    /// Resource use with tasks whose use changes while they run.
    fn traced_usage(&self, pool: u32) -> [i64; 9] {
        let mut sum = self.pools[pool as usize].usage;
        for (_, task) in self.tasks.iter().filter(|(_, t)| t.state == TaskState::Running) {
            if self.nodes[task.node as usize].pool != pool {
                continue;
            }
            let own = self.rare.get(&task.id).and_then(|r| r.usage.as_ref());
            if let UsageModel::Trace(steps) = own.unwrap_or(&self.jobs[task.job as usize].cfg.usage)
                && let Some((_, use_)) = steps.iter().rev().find(|(from, _)| task.start + from <= self.now)
            {
                sum.iter_mut().zip(columns(use_)).for_each(|(s, x)| *s += x);
            }
        }
        sum
    }

    /// One row of the time series.
    pub(crate) fn row(&mut self, pool: u32) {
        let cost = self.running_cost(pool);
        let p = &self.pools[pool as usize];
        let usable: u32 = p.by_state.iter().map(|s| s[NodeState::Idle as usize] + s[NodeState::Running as usize]).sum();
        self.out.series.push(&SeriesRow {
            at: self.now,
            pool,
            target: p.target,
            nodes: p.by_state,
            active: p.counts.active,
            waiting: p.counts.waiting,
            preparing: p.counts.preparing,
            running: p.counts.running,
            succeeded: p.counts.succeeded,
            failed: p.counts.failed,
            slots: i64::from(usable) * i64::from(p.cfg.task_slots),
            slots_used: p.slots_used,
            cost,
        });
    }
}

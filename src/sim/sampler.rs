//! From the world to the samples a formula sees (pool.md §9): every 30 s, visible about a minute later, some lost.
//!
//! In: counts. Out: series, rows of the time series. Never: a formula.

use super::{
    config::{Ms, NEVER, SamplerConfig, ShrinkOrder, Usage, UsageModel},
    event::Event,
    output::SeriesRow,
    rng::{Draw, Purpose, whole},
    world::{NodeState, Pool, PoolState, TaskState, World},
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

/// What a pool's metrics are made of.
struct Seen {
    active: i64,
    running: i64,
    succeeded: i64,
    failed: i64,
    task_slots: u32,
    current: [u32; 2],
    usable: u32,
    preempted: u32,
    /// Since the pool was created.
    lived: Ms,
    usage: [i64; 9],
}

impl Seen {
    fn new(p: &Pool, now: Ms, usage: [i64; 9]) -> Seen {
        let (m, c) = (&p.cfg.metrics, &p.counts);
        let (ready, busy) = if m.preparing_is_running { (0, c.preparing) } else { (c.preparing, 0) };
        let in_state = |s: NodeState| p.by_state[0][s as usize] + p.by_state[1][s as usize];
        Seen {
            active: c.active + ready + p.ghosts,
            running: busy + if m.running_counts_instances { c.running } else { c.running_tasks },
            succeeded: c.succeeded,
            failed: c.failed,
            task_slots: p.cfg.task_slots,
            current: p.current,
            usable: in_state(NodeState::Idle) + in_state(NodeState::Running),
            preempted: in_state(NodeState::Preempted),
            lived: now - p.created,
            usage,
        }
    }

    /// A metric's value (pool.md §9).
    fn value(&self, metric: Metric) -> f64 {
        let sum = |column: usize| self.usage[column] as f64 / 1000.0;
        let mean = |column: usize| if self.usable == 0 { 0.0 } else { sum(column) / f64::from(self.usable) };
        match metric {
            Metric::ActiveTasks => self.active as f64,
            Metric::RunningTasks => self.running as f64,
            Metric::PendingTasks => (self.active + self.running) as f64,
            Metric::SucceededTasks => self.succeeded as f64,
            Metric::FailedTasks => self.failed as f64,
            Metric::TaskSlotsPerNode => f64::from(self.task_slots),
            Metric::CurrentDedicatedNodes => f64::from(self.current[0]),
            Metric::CurrentLowPriorityNodes => f64::from(self.current[1]),
            Metric::UsableNodeCount | Metric::SampleNodeCount => f64::from(self.usable),
            Metric::PreemptedNodeCount => f64::from(self.preempted),
            Metric::WallClockSeconds => self.lived as f64 / 1000.0 * f64::from(self.usable),
            Metric::CpuPercent => mean(0).min(100.0),
            Metric::MemoryBytes => mean(1),
            Metric::DiskBytes => mean(2),
            Metric::DiskReadBytes => sum(3),
            Metric::DiskWriteBytes => sum(4),
            Metric::DiskReadOps => sum(5),
            Metric::DiskWriteOps => sum(6),
            Metric::NetworkInBytes => sum(7),
            Metric::NetworkOutBytes => sum(8),
            _ => 0.0,
        }
    }
}

impl World {
    /// Takes one sample of a pool.
    pub(crate) fn sample(&mut self, pool: u32) {
        if self.pools[pool as usize].state == PoolState::Removed {
            return;
        }
        let usage = if self.pools[pool as usize].usage_traces > 0 {
            self.traced_usage(pool)
        } else {
            self.pools[pool as usize].usage
        };
        let World { pools, nodes, vms, config, now, .. } = self;
        let (p, now) = (&mut pools[pool as usize], *now);
        let seen = Seen::new(p, now, usage);
        let SamplerConfig { period, history, loss, visibility_delay, visibility_sigma, .. } = p.cfg.sampler;
        let k = p.sampler.taken;
        let key = u64::from(pool) << 40 | k;
        let late = Draw::keyed(config.seed, Purpose::SampleDelay, key).normal();
        let delay = whole(visibility_delay as f64 + visibility_sigma as f64 * late);
        let mut luck = Draw::keyed(config.seed, Purpose::SampleLoss, key);
        let (taken_at, visible) = (ticks(config.epoch, now), ticks(config.epoch, now + delay));
        p.sampler.taken += 1;
        let store = Arc::make_mut(&mut p.sampler.series);
        for &metric in &p.sampler.metrics {
            if loss == 0.0 || !luck.chance(loss) {
                // Refused only where a sampler of no period takes two samples at one instant; the first one stands.
                let _ = store.push(metric, taken_at, visible, seen.value(metric));
            }
        }
        if k.is_multiple_of(FORGET_EVERY) && history < NEVER {
            store.forget_before(ticks(config.epoch, now - history));
        }
        if p.cfg.shrink.order == ShrinkOrder::StaleView {
            for &n in &p.nodes {
                vms[n as usize].seen = nodes[n as usize].state;
            }
        }
        let every = u64::from(config.output.series_every);
        if every > 0 && k.is_multiple_of(every) {
            self.row(pool);
        }
        self.after(period, Event::Sample { pool });
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

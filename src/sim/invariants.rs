//! What must hold after every event. Slow; for tests and fuzzing.

use super::{
    machine::node::ready,
    policy::cost,
    world::{JobState, NONE, NodeState, PoolState, TaskState, World},
};

/// A broken invariant: our bug.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation(pub String);

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::error::Error for Violation {}

macro_rules! hold {
    ($cond:expr, $($text:tt)*) => {
        if !$cond {
            return Err(Violation(format!($($text)*)));
        }
    };
}

impl World {
    /// Conservation, counts, slots, quotas, money.
    pub(crate) fn check_invariants(&self) -> Result<(), Violation> {
        self.check_tasks()?;
        self.check_nodes()?;
        self.check_pools()
    }

    fn check_tasks(&self) -> Result<(), Violation> {
        let live = self.tasks.iter().count() as u64;
        let deleted_live = self.arrived - live - self.out.finished;
        hold!(
            deleted_live <= self.deleted.len() as u64,
            "{} added, {live} live, {} finished, {} deleted",
            self.arrived,
            self.out.finished,
            self.deleted.len()
        );
        for (j, job) in self.jobs.iter().enumerate() {
            let mut c = super::world::Counts::default();
            let (mut placed, mut ready, mut n) = (0, 0, 0);
            for (_, t) in self.tasks.iter().filter(|(_, t)| t.job as usize == j) {
                let weight = i64::from(t.instances);
                n += 1;
                match t.state {
                    TaskState::Waiting => c.waiting += 1,
                    TaskState::Ready => {
                        c.active += weight;
                        ready += 1;
                    }
                    TaskState::Preparing => c.preparing += weight,
                    TaskState::Running => {
                        c.running += weight;
                        c.running_tasks += 1;
                    }
                }
                placed += u32::from(matches!(t.state, TaskState::Preparing | TaskState::Running));
            }
            hold!(job.live == n, "job {j}: {} live, found {n}", job.live);
            hold!(job.placed == placed, "job {j}: {} placed, found {placed}", job.placed);
            hold!(job.ready == ready, "job {j}: {} ready, found {ready}", job.ready);
            let queued: usize = job.shapes.iter().map(|s| s.fifo.len() + s.back.len()).sum();
            hold!(queued == ready as usize, "job {j}: {queued} queued, {ready} ready");
            let waits = job.pool != NONE && job.state == JobState::Active && ready > 0;
            hold!(job.in_ring == waits, "job {j} is in its pool's ring: {}, should be: {waits}", job.in_ring);
            c.succeeded = job.counts.succeeded;
            c.failed = job.counts.failed;
            hold!(job.counts == c, "job {j}: counts {:?}, found {c:?}", job.counts);
            hold!(job.state < JobState::Terminating || placed == 0, "job {j} has ended and runs {placed} tasks");
            let limit = job.cfg.max_parallel_tasks;
            hold!(limit < 0 || placed <= limit as u32, "job {j} runs {placed} tasks of {limit} allowed");
        }
        Ok(())
    }

    fn check_nodes(&self) -> Result<(), Violation> {
        let mut used = vec![0u32; self.nodes.len()];
        let mut running = vec![0u16; self.nodes.len()];
        for (at, t) in self.tasks.iter() {
            if !matches!(t.state, TaskState::Preparing | TaskState::Running) {
                hold!(t.node == NONE || t.state == TaskState::Ready, "task {} waits on node {}", t.id, t.node);
                continue;
            }
            let alone = vec![t.node];
            for n in self.gangs.get(&at).unwrap_or(&alone) {
                used[*n as usize] += u32::from(t.slots);
                running[*n as usize] += 1;
            }
        }
        for (n, node) in self.nodes.iter().enumerate() {
            if node.removed {
                hold!(used[n] == 0, "node {n} is gone and runs tasks");
                continue;
            }
            let slots = self.pools[node.pool as usize].cfg.task_slots;
            hold!(
                u32::from(node.free) + u32::from(node.dying) + used[n] == slots,
                "node {n}: {} free + {} dying + {} used of {slots} ({:?})",
                node.free,
                node.dying,
                used[n],
                node.state
            );
            hold!(node.running == running[n], "node {n}: {} running, found {}", node.running, running[n]);
            let may_run = NodeState::WITH_SLOTS.contains(&node.state);
            hold!(running[n] == 0 || may_run, "node {n} is {} and runs tasks", node.state.name());
            hold!(node.state != NodeState::Idle || running[n] == 0, "node {n} is idle and runs tasks");
            hold!((node.bucket != u16::MAX) == (node.accepts() && node.free > 0), "node {n} is in the wrong place");
            hold!(node.bucket == u16::MAX || node.bucket == node.free, "node {n} is in the wrong bucket");
        }
        Ok(())
    }

    fn check_pools(&self) -> Result<(), Violation> {
        let mut spans = vec![0i64; self.pools.len()];
        for span in self.out.spans.iter() {
            spans[span.pool as usize] += span.cost;
        }
        let nodes: usize = self.pools.iter().map(|p| p.nodes.len()).sum();
        hold!(nodes == self.nodes_now as usize, "{} nodes, found {nodes}", self.nodes_now);
        for (i, p) in self.pools.iter().enumerate() {
            let ringed: usize = p.levels.iter().map(|l| l.ring.len()).sum();
            hold!(ringed == p.ringed as usize, "pool {i}: {} jobs in rings, found {ringed}", p.ringed);
            let mut by_state = [[0u32; 16]; 2];
            let mut leaving = [0u32; 2];
            let mut used = 0;
            for (position, n) in p.nodes.iter().enumerate() {
                let node = &self.nodes[*n as usize];
                hold!(self.vms[*n as usize].position as usize == position && !node.removed, "node {n} is lost");
                hold!(ready(node.state) == (position >= p.unready as usize), "node {n} is among the wrong ones");
                by_state[node.class as usize][node.state as usize] += 1;
                leaving[node.class as usize] += u32::from(node.state == NodeState::LeavingPool);
                used += i64::from(p.cfg.task_slots) - i64::from(node.free) - i64::from(node.dying);
            }
            hold!(p.by_state == by_state, "pool {i}: states {:?}, found {by_state:?}", p.by_state);
            hold!(p.leaving == leaving, "pool {i}: leaving {:?}, found {leaving:?}", p.leaving);
            hold!(p.slots_used == used, "pool {i}: {} slots used, found {used}", p.slots_used);
            for c in 0..2 {
                hold!(p.current[c] == by_state[c].iter().sum::<u32>(), "pool {i}: current");
            }
            let mut counts = super::world::Counts::default();
            for job in self.jobs.iter().filter(|j| j.pool as usize == i) {
                let seen = if job.counted {
                    job.counts
                } else {
                    super::world::Counts {
                        succeeded: job.counts.succeeded,
                        failed: job.counts.failed,
                        ..Default::default()
                    }
                };
                counts.add(&seen, 1);
            }
            hold!(p.counts == counts, "pool {i}: counts {:?}, found {counts:?}", p.counts);
            hold!(p.state != PoolState::Removed || p.nodes.is_empty(), "pool {i} is gone and has nodes");
            if p.cfg.cost.disk == 0 {
                let cost = p.totals.cost[0] + p.totals.cost[1];
                hold!(cost == spans[i], "pool {i} cost {cost}, its spans {}", spans[i]);
            }
            hold!(cost::price(&p.cfg, super::world::Class::Dedicated) >= 0, "pool {i}: negative price");
        }
        Ok(())
    }
}

//! Assigning ready tasks to nodes (pool.md §7): who is next, and where.
//!
//! In: a pool with ready tasks and free slots. Out: placements. Never: a clock, a random draw. Runs at the end of every
//! phase of an instant, so tasks added together are weighed together.

use super::{
    config::{Fill, JobOrder},
    machine::task::Kill,
    trace::Note,
    world::{Class, JobState, Level, MANAGER, NONE, NodeState, PoolState, RARE, REPORTED, World},
};
use std::collections::VecDeque;

impl World {
    /// Puts a job with ready tasks where the pool will look for it.
    #[inline]
    pub(crate) fn ring(&mut self, job: u32) {
        let j = &mut self.jobs[job as usize];
        if j.pool == NONE || j.ready == 0 {
            return;
        }
        let pool = j.pool;
        if !j.in_ring {
            j.in_ring = true;
            let priority = j.cfg.priority;
            let p = &mut self.pools[pool as usize];
            let at = p.levels.iter().position(|l| l.priority <= priority).unwrap_or(p.levels.len());
            if p.levels.get(at).is_none_or(|l| l.priority != priority) {
                p.levels.insert(at, Level { priority, ring: VecDeque::new() });
            }
            let ring = &mut p.levels[at].ring;
            match p.cfg.job_order {
                JobOrder::None => ring.push_back(job),
                // Job ids are in order of creation.
                JobOrder::CreationTime => {
                    let place = ring.partition_point(|other| *other < job);
                    ring.insert(place, job);
                }
            }
        }
        self.touch(pool);
    }

    /// Takes a job out of its pool's ring.
    pub(crate) fn unring(&mut self, job: u32) {
        let j = &mut self.jobs[job as usize];
        if std::mem::replace(&mut j.in_ring, false) && j.pool != NONE {
            for level in &mut self.pools[j.pool as usize].levels {
                level.ring.retain(|x| *x != job);
            }
        }
    }

    /// Assigns what can be assigned in every pool that changed.
    #[inline]
    pub(crate) fn dispatch_all(&mut self) {
        while let Some(pool) = self.dirty.pop() {
            self.pools[pool as usize].dirty = false;
            self.dispatch(pool);
        }
    }

    fn dispatch(&mut self, pool: u32) {
        loop {
            let p = &self.pools[pool as usize];
            if p.levels.is_empty() || p.state != PoolState::Active {
                return;
            }
            let most = p.free.most();
            if most == 0 || !self.assign_one(pool, most) {
                if self.pools[pool as usize].preemptible {
                    self.make_room(pool);
                }
                return;
            }
        }
    }

    /// Assigns the next task that fits; false when none does.
    #[inline]
    fn assign_one(&mut self, pool: u32, most: u32) -> bool {
        let strict = self.pools[pool as usize].cfg.strict_order;
        let rotate = self.pools[pool as usize].cfg.job_order == JobOrder::None;
        let mut level = 0;
        while level < self.pools[pool as usize].levels.len() {
            let mut i = 0;
            while i < self.pools[pool as usize].levels[level].ring.len() {
                let job = self.pools[pool as usize].levels[level].ring[i];
                let ready = self.jobs[job as usize].ready;
                if ready == 0 {
                    self.jobs[job as usize].in_ring = false;
                    let ring = &mut self.pools[pool as usize].levels[level].ring;
                    if i == 0 {
                        ring.pop_front();
                    } else {
                        ring.remove(i);
                    }
                    continue;
                }
                if let Some(at) = self.candidate(pool, job, most, strict) {
                    let at = match at {
                        Ok(at) => at,
                        // Strict order: whoever is next waits, and everybody behind.
                        Err(()) => return false,
                    };
                    if rotate {
                        let ring = &mut self.pools[pool as usize].levels[level].ring;
                        if ring.len() > 1
                            && let Some(job) = ring.remove(i)
                        {
                            ring.push_back(job);
                        }
                    }
                    let (task, node) = at;
                    self.place(task, node);
                    return true;
                }
                i += 1;
            }
            if self.pools[pool as usize].levels[level].ring.is_empty() {
                self.pools[pool as usize].levels.remove(level);
            } else {
                level += 1;
            }
        }
        false
    }

    /// The job's oldest task that fits, taken out of its queue, and its node. `Err` when strict order forbids to go on.
    #[inline]
    fn candidate(&mut self, pool: u32, job: u32, most: u32, strict: bool) -> Option<Result<(u32, u32), ()>> {
        let j = &self.jobs[job as usize];
        let limit = j.cfg.max_parallel_tasks;
        if j.state != JobState::Active || (limit >= 0 && j.placed >= limit as u32) {
            return None;
        }
        // (rank, id, task, shape, from the back list)
        let mut best: Option<((u8, u32), u32, usize, bool)> = None;
        for (s, shape) in j.shapes.iter().enumerate() {
            let fits = self.fits(pool, u32::from(shape.slots), shape.instances, most);
            if !fits && !strict {
                continue;
            }
            if let Some(&at) = shape.fifo.front() {
                let key = (1, self.tasks[at].id);
                if best.is_none_or(|b| key < b.0) {
                    best = Some((key, at, s, false));
                }
            }
            if let Some(&(rank, id, at)) = shape.back.first()
                && best.is_none_or(|b| (rank, id) < b.0)
            {
                best = Some(((rank, id), at, s, true));
            }
        }
        let ((rank, id), at, s, back) = best?;
        let (slots, instances) = (j.shapes[s].slots, j.shapes[s].instances);
        if strict && !self.fits(pool, u32::from(slots), instances, most) {
            self.report_blocked(pool, at);
            return Some(Err(()));
        }
        let Some(node) = self.node_for(pool, at) else {
            return if strict { Some(Err(())) } else { None };
        };
        let shape = &mut self.jobs[job as usize].shapes[s];
        if back {
            shape.back.remove(&(rank, id, at));
        } else {
            shape.fifo.pop_front();
        }
        self.jobs[job as usize].ready -= 1;
        Some(Ok((at, node)))
    }

    #[inline]
    fn fits(&self, pool: u32, slots: u32, instances: u16, most: u32) -> bool {
        if instances <= 1 {
            return slots <= most;
        }
        let p = &self.pools[pool as usize];
        // Gangs need inter-node communication, one slot per node and all their nodes idle at once (pool.md §7).
        let idle: u32 = p.by_state.iter().map(|s| s[NodeState::Idle as usize]).sum();
        p.cfg.inter_node && p.cfg.task_slots == 1 && slots == 1 && idle >= u32::from(instances)
    }

    /// A task that no node has room for at all is reported once (TaskScheduleFailEvent).
    fn report_blocked(&mut self, pool: u32, at: u32) {
        let slots = self.pools[pool as usize].cfg.task_slots;
        let task = &mut self.tasks[at];
        if u32::from(task.slots) > slots && task.flags & REPORTED == 0 {
            task.flags |= REPORTED;
            let id = task.id;
            self.out.trace.note(self.now, Note::ScheduleFail, id, u64::from(slots), || None);
        }
    }

    /// The node for a task: affinity first, then the pool's fill type.
    #[inline]
    fn node_for(&mut self, pool: u32, at: u32) -> Option<u32> {
        let task = self.tasks[at];
        let p = &self.pools[pool as usize];
        let fill: Fill = p.cfg.fill;
        let slots = u32::from(task.slots);
        let job = &self.jobs[task.job as usize];
        if task.instances > 1 {
            let members: Vec<u32> = p
                .free
                .preferred(&self.nodes, fill, 1)
                .filter(|n| self.nodes[*n as usize].state == NodeState::Idle && !job.excluded.contains(n))
                .take(usize::from(task.instances))
                .collect();
            if members.len() < usize::from(task.instances) {
                return None;
            }
            let primary = members[0];
            self.gangs.insert(at, members);
            return Some(primary);
        }
        if task.flags & RARE != 0 {
            let wish = self.rare.get(&task.id).map_or(NONE, |r| r.affinity);
            let there = self.nodes.get(wish as usize).filter(|n| {
                !n.removed
                    && n.pool == pool
                    && n.accepts()
                    && u32::from(n.free) >= slots
                    && !job.excluded.contains(&wish)
            });
            if there.is_some() {
                return Some(wish);
            }
        }
        let dedicated_only = task.flags & MANAGER != 0 && job.cfg.manager.as_ref().is_some_and(|m| !m.allow_spot_node);
        if job.excluded.is_empty() && !dedicated_only {
            return p.free.choose(fill, slots);
        }
        p.free
            .preferred(&self.nodes, fill, slots)
            .find(|n| !(job.excluded.contains(n) || dedicated_only && self.nodes[*n as usize].class == Class::Spot))
    }

    /// A waiting task of a higher priority requeues running tasks of jobs that allow it (`allowTaskPreemption`).
    fn make_room(&mut self, pool: u32) {
        // Once an instant: the room made is for those who wait now.
        if self.pools[pool as usize].room_made == self.now {
            return;
        }
        self.pools[pool as usize].room_made = self.now;
        let levels = self.pools[pool as usize].levels.clone();
        for level in levels {
            for &job in &level.ring {
                let j = &self.jobs[job as usize];
                let waiting = j.shapes.iter().filter(|s| s.instances <= 1 && !(s.fifo.is_empty() && s.back.is_empty()));
                let Some(slots) = waiting.map(|s| s.slots).min() else { continue };
                let limit = j.cfg.max_parallel_tasks;
                if j.state != JobState::Active
                    || (limit >= 0 && j.placed >= limit as u32)
                    || self.being_freed(pool) >= u32::from(slots)
                {
                    continue;
                }
                // The youngest attempt of the lowest priority that frees enough.
                let victim = self
                    .tasks
                    .iter()
                    .filter(|(_, t)| t.node != NONE && t.slots >= slots && t.instances <= 1)
                    .filter(|(_, t)| self.nodes[t.node as usize].pool == pool && self.nodes[t.node as usize].accepts())
                    .filter(|(_, t)| {
                        let other = &self.jobs[t.job as usize].cfg;
                        !j.excluded.contains(&t.node) && other.allow_task_preemption && other.priority < level.priority
                    })
                    .min_by_key(|(_, t)| (self.jobs[t.job as usize].cfg.priority, -t.start, t.id))
                    .map(|(at, _)| at);
                if let Some(at) = victim {
                    self.abort(at, Kill::Requeue, true);
                }
            }
        }
    }

    fn being_freed(&self, pool: u32) -> u32 {
        self.pools[pool as usize].nodes.iter().map(|n| u32::from(self.nodes[*n as usize].dying)).sum()
    }
}

//! Assigning ready tasks to nodes (pool.md §7): who is next, and where.
//!
//! In: a pool with ready tasks and free slots. Out: placements. Never: a clock, a random draw. Runs at the end of every
//! phase of an instant, so tasks added together are weighed together.

use super::{
    config::{Fill, JobOrder},
    machine::task::Kill,
    trace::Note,
    world::{Class, JobState, Level, MANAGER, NONE, NodeState, PoolState, RARE, REPORTED, Task, World},
};
use std::collections::VecDeque;

impl World {
    /// Puts a job with ready tasks where the pool will look for it.
    #[inline]
    pub(crate) fn ring(&mut self, job: u32) {
        let j = &mut self.jobs[job as usize];
        if j.pool == NONE || j.ready == 0 || j.state != JobState::Active {
            return;
        }
        let pool = j.pool;
        if !j.in_ring {
            j.in_ring = true;
            let priority = j.cfg.priority;
            let p = &mut self.pools[pool as usize];
            p.ringed += 1;
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
            let p = &mut self.pools[j.pool as usize];
            p.ringed -= 1;
            for level in &mut p.levels {
                level.ring.retain(|x| *x != job);
            }
        }
    }

    /// The pool may have something to assign: looked at when the phase ends.
    #[inline]
    pub(crate) fn touch(&mut self, pool: u32) {
        let p = &mut self.pools[pool as usize];
        // Whichever comes second, the work or the room, finds the other there.
        if !p.dirty && p.ringed > 0 && (p.makes_room || p.free.most() > 0) {
            p.dirty = true;
            self.dirty.push(pool);
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
            if p.ringed == 0 || p.state != PoolState::Active {
                return;
            }
            let most = p.free.most();
            if most == 0 || !self.assign_one(pool, most) {
                if self.pools[pool as usize].makes_room {
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
        for level in 0..self.pools[pool as usize].levels.len() {
            for i in 0..self.pools[pool as usize].levels[level].ring.len() {
                let job = self.pools[pool as usize].levels[level].ring[i];
                let (task, node) = match self.candidate(pool, job, most, strict) {
                    Some(Ok(found)) => found,
                    // Strict order: whoever is next waits, and everybody behind.
                    Some(Err(())) => return false,
                    None => continue,
                };
                let more = self.jobs[job as usize].ready > 0;
                let p = &mut self.pools[pool as usize];
                let ring = &mut p.levels[level].ring;
                if !more {
                    ring.remove(i);
                    p.ringed -= 1;
                    self.jobs[job as usize].in_ring = false;
                } else if rotate && ring.len() > 1 {
                    ring.remove(i);
                    ring.push_back(job);
                }
                self.place(task, node);
                return true;
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

    /// A task wider than every node of its pool cannot be scheduled; it is reported once (TaskScheduleFailEvent) and
    /// waits for ever (pool.md §7).
    #[inline]
    pub(crate) fn report_wide(&mut self, at: u32) {
        let task = &mut self.tasks[at];
        let pool = self.jobs[task.job as usize].pool;
        let Some(p) = self.pools.get(pool as usize) else { return };
        if u32::from(task.slots) > p.cfg.task_slots && task.flags & REPORTED == 0 {
            task.flags |= REPORTED;
            let (id, slots) = (task.id, u64::from(p.cfg.task_slots));
            self.out.trace.note(self.now, Note::ScheduleFail, id, slots, || None);
        }
    }

    /// The node for a task: affinity first, then the pool's fill type.
    #[inline]
    fn node_for(&mut self, pool: u32, at: u32) -> Option<u32> {
        let task = &self.tasks[at];
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

    /// Requeues running tasks for waiting ones that may have their room: those of a job of higher priority than a job
    /// that allows it (`allowTaskPreemption`), and a job manager that restarts, which may take it from its own job and
    /// from jobs of lower priority (pool.md §7).
    fn make_room(&mut self, pool: u32) {
        // Once an instant: the room made is for those who wait now.
        if self.pools[pool as usize].room_made == self.now {
            return;
        }
        self.pools[pool as usize].room_made = self.now;
        let levels = self.pools[pool as usize].levels.clone();
        for job in levels.iter().flat_map(|level| &level.ring) {
            let j = &self.jobs[*job as usize];
            let limit = j.cfg.max_parallel_tasks;
            if j.state != JobState::Active || (limit >= 0 && j.placed >= limit as u32) {
                continue;
            }
            let first = |s: &super::world::Shape| s.back.first().map(|(_, _, at)| *at);
            let mut back = j.shapes.iter().filter_map(first).map(|at| &self.tasks[at]);
            let manager = back.find(|t| t.flags & MANAGER != 0 && t.attempts > 0);
            let waiting = j.shapes.iter().filter(|s| s.instances <= 1 && !(s.fifo.is_empty() && s.back.is_empty()));
            let Some(slots) = manager.map(|t| t.slots).or(waiting.map(|s| s.slots).min()) else { continue };
            for victim in self.victims(pool, *job, slots, manager.is_some()) {
                self.abort(victim, Kill::Requeue, true);
            }
        }
    }

    /// The attempts of one node to requeue so that so many slots come free there; none when none may be, or when room is
    /// coming anyway. The lowest priority gives way first, then the fewest attempts, then the youngest.
    fn victims(&self, pool: u32, job: u32, slots: u16, manager: bool) -> Vec<u32> {
        let j = &self.jobs[job as usize];
        let spot = !manager || j.cfg.manager.as_ref().is_some_and(|m| m.allow_spot_node);
        let gives_way = |t: &Task| {
            let other = &self.jobs[t.job as usize].cfg;
            let lower = other.priority < j.cfg.priority;
            t.instances <= 1 && if manager { lower || t.job == job } else { lower && other.allow_task_preemption }
        };
        let mut best: Option<(_, Vec<u32>)> = None;
        for &n in &self.pools[pool as usize].nodes {
            let node = &self.nodes[n as usize];
            if !node.accepts() || j.excluded.contains(&n) || !(spot || node.class == Class::Dedicated) {
                continue;
            }
            let mut room = node.free + node.dying;
            if room >= slots {
                return Vec::new();
            }
            let on_node = std::iter::successors(Some(node.tasks).filter(|at| *at != NONE), |at| {
                Some(self.tasks[*at].next).filter(|next| *next != NONE)
            });
            let key = |at: &u32| {
                let t = &self.tasks[*at];
                (self.jobs[t.job as usize].cfg.priority, -t.start, t.id)
            };
            let mut out: Vec<u32> = on_node.filter(|at| gives_way(&self.tasks[*at])).collect();
            out.sort_unstable_by_key(key);
            let wanted = out.iter().position(|at| {
                room += self.tasks[*at].slots;
                room >= slots
            });
            let Some(last) = wanted else { continue };
            out.truncate(last + 1);
            let (priority, youngest, id) = key(&out[last]);
            let rank = (priority, out.len(), youngest, id);
            if best.as_ref().is_none_or(|(other, _)| rank < *other) {
                best = Some((rank, out));
            }
        }
        best.map_or(Vec::new(), |(_, out)| out)
    }
}

//! Assigning ready tasks to nodes (pool.md §7): who is next, and where.
//!
//! In: a pool with ready tasks and free slots. Out: placements. Never: a clock, a random draw. Runs at the end of every
//! phase of an instant, so tasks added together are weighed together.

use super::{
    config::{JobOrder, PoolConfig},
    machine::task::Kill,
    policy::place::FreeIndex,
    trace::Note,
    world::{
        Class, Job, JobState, Level, MANAGER, NONE, Node, NodeState, Pool, PoolState, RARE, REPORTED, Rare, Shape,
        Task, Tasks, World,
    },
};
use std::collections::{BTreeMap, VecDeque};

impl Pool {
    /// It may have something to assign: looked at when the phase ends.
    #[inline(always)] // for every task
    pub(crate) fn touch(&mut self, id: u32, dirty: &mut Vec<u32>) {
        // Whichever comes second, the work or the room, finds the other there.
        if self.ringed > 0 && !self.dirty && (self.makes_room || self.free.any()) {
            self.dirty = true;
            dirty.push(id);
        }
    }
}

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
        self.pools[pool as usize].touch(pool, &mut self.dirty);
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

    /// The node for an ordinary new task that need not queue because nobody does: what `dispatch` would come to.
    #[inline]
    pub(crate) fn at_once(&self, task: &Task) -> Option<u32> {
        let job = &self.jobs[task.job as usize];
        let p = self.pools.get(job.pool as usize)?;
        let limit = job.cfg.max_parallel_tasks;
        let nobody = p.ringed == 0 && self.dirty.is_empty() && job.excluded.is_empty();
        let may = job.state == JobState::Active && p.state == PoolState::Active;
        let below = limit < 0 || job.placed < limit as u32;
        if nobody && may && below { p.free.choose(p.cfg.fill, u32::from(task.slots)) } else { None }
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
        while let Some((task, node)) = self.next_assignment(pool) {
            self.place(task, self.tasks[task], node, true);
        }
        let p = &self.pools[pool as usize];
        if p.makes_room && p.ringed > 0 && p.state == PoolState::Active {
            self.make_room(pool);
        }
    }

    /// The next task that fits, taken out of its queue, and its node.
    #[inline]
    fn next_assignment(&mut self, pool: u32) -> Option<(u32, u32)> {
        let World { pools, jobs, tasks, nodes, rare, gangs, .. } = self;
        let p = &mut pools[pool as usize];
        if p.ringed == 0 || p.state != PoolState::Active {
            return None;
        }
        let room = Room { cfg: &p.cfg, free: &p.free, by_state: &p.by_state, most: p.free.most(), nodes };
        if room.most == 0 {
            return None;
        }
        let (strict, order) = (room.cfg.strict_order, room.cfg.job_order);
        for level in &mut p.levels {
            for i in 0..level.ring.len() {
                let id = level.ring[i];
                let job = &mut jobs[id as usize];
                let Some(pick) = room.pick(job, tasks) else { continue };
                let task = &tasks[pick.at];
                let node = if !pick.fits {
                    None
                } else if task.instances > 1 {
                    room.gang_for(job, task).map(|members| {
                        let primary = members[0];
                        gangs.insert(pick.at, members);
                        primary
                    })
                } else {
                    room.node_for(job, task, rare)
                };
                let Some(node) = node else {
                    // Strict order: whoever is next waits, and everybody behind.
                    if strict {
                        return None;
                    }
                    continue;
                };
                let shape = &mut job.shapes[pick.shape];
                if pick.back {
                    shape.back.pop_first();
                } else {
                    shape.fifo.pop_front();
                }
                job.ready -= 1;
                if job.ready == 0 {
                    job.in_ring = false;
                    p.ringed -= 1;
                    level.ring.remove(i);
                } else if order == JobOrder::None && level.ring.len() > 1 {
                    level.ring.remove(i);
                    level.ring.push_back(id);
                }
                return Some((pick.at, node));
            }
        }
        None
    }

    /// A task wider than every node of its pool cannot be scheduled; it is reported once (TaskScheduleFailEvent) and
    /// waits for ever (pool.md §7).
    #[inline]
    pub(crate) fn report_wide(&mut self, at: u32) {
        let task = &mut self.tasks[at];
        let Some(p) = self.pools.get(self.jobs[task.job as usize].pool as usize) else { return };
        if u32::from(task.slots) > p.cfg.task_slots && task.flags & REPORTED == 0 {
            task.flags |= REPORTED;
            let (id, slots) = (task.id, u64::from(p.cfg.task_slots));
            self.out.trace.note(self.now, Note::ScheduleFail, id, slots, || None);
        }
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
            let first = |s: &Shape| s.back.first().map(|(_, _, at)| *at);
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

/// A task that may be next.
struct Pick {
    /// Its rank and its id: who is first.
    key: u64,
    at: u32,
    shape: usize,
    /// It is among those that came back.
    back: bool,
    fits: bool,
}

/// What a pool has to give.
struct Room<'a> {
    cfg: &'a PoolConfig,
    free: &'a FreeIndex,
    by_state: &'a [[u32; 16]; 2],
    /// Most free slots on one node.
    most: u32,
    nodes: &'a [Node],
}

impl Room<'_> {
    /// The job's oldest task that fits; in strict order its oldest task.
    #[inline]
    fn pick(&self, job: &Job, tasks: &Tasks) -> Option<Pick> {
        let limit = job.cfg.max_parallel_tasks;
        if job.state != JobState::Active || (limit >= 0 && job.placed >= limit as u32) {
            return None;
        }
        let key = |rank: u8, id: u32| u64::from(rank) << 32 | u64::from(id);
        let mut best = Pick { key: u64::MAX, at: NONE, shape: 0, back: false, fits: false };
        for (shape, s) in job.shapes.iter().enumerate() {
            let fits = self.fits(s);
            if !fits && !self.cfg.strict_order {
                continue;
            }
            if let Some(&at) = s.fifo.front() {
                let key = key(1, tasks[at].id);
                if key < best.key {
                    best = Pick { key, at, shape, back: false, fits };
                }
            }
            if let Some(&(rank, id, at)) = s.back.first() {
                let key = key(rank, id);
                if key < best.key {
                    best = Pick { key, at, shape, back: true, fits };
                }
            }
        }
        (best.at != NONE).then_some(best)
    }

    #[inline]
    fn fits(&self, shape: &Shape) -> bool {
        if shape.instances <= 1 {
            return u32::from(shape.slots) <= self.most;
        }
        // Gangs need inter-node communication, one slot per node and all their nodes idle at once (pool.md §7).
        let idle: u32 = self.by_state.iter().map(|s| s[NodeState::Idle as usize]).sum();
        self.cfg.inter_node && self.cfg.task_slots == 1 && shape.slots == 1 && idle >= u32::from(shape.instances)
    }

    /// The nodes of a multi-instance task, the primary first.
    fn gang_for(&self, job: &Job, task: &Task) -> Option<Vec<u32>> {
        let nodes = self.nodes;
        let idle = self.free.preferred(nodes, self.cfg.fill, 1).filter(|n| nodes[*n as usize].state == NodeState::Idle);
        let wanted = usize::from(task.instances);
        let members: Vec<u32> = idle.filter(|n| !job.excluded.contains(n)).take(wanted).collect();
        (members.len() == wanted).then_some(members)
    }

    /// The node for a task: affinity first, then the pool's fill type.
    #[inline]
    fn node_for(&self, job: &Job, task: &Task, rare: &BTreeMap<u32, Rare>) -> Option<u32> {
        let (fill, slots) = (self.cfg.fill, u32::from(task.slots));
        let nodes = self.nodes;
        let wish = if task.flags & RARE == 0 { NONE } else { rare.get(&task.id).map_or(NONE, |r| r.affinity) };
        let there = nodes.get(wish as usize).filter(|n| {
            !n.removed
                && n.pool == job.pool
                && n.accepts()
                && u32::from(n.free) >= slots
                && !job.excluded.contains(&wish)
        });
        if there.is_some() {
            return Some(wish);
        }
        let dedicated_only = task.flags & MANAGER != 0 && job.cfg.manager.as_ref().is_some_and(|m| !m.allow_spot_node);
        if job.excluded.is_empty() && !dedicated_only {
            return self.free.choose(fill, slots);
        }
        let refused = |n: &u32| job.excluded.contains(n) || dedicated_only && nodes[*n as usize].class == Class::Spot;
        self.free.preferred(nodes, fill, slots).find(|n| !refused(n))
    }
}

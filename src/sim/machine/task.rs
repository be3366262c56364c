//! Task states: added, placed, started, ended, killed, retried, finished.
//!
//! In: arrivals, placements, ends, kills. Out: counts, slots, records, what dependents and jobs must know. Never: a
//! choice of node or of the next task (that is `dispatch`).

use super::node::{elapsed, occupy, vacate};
use crate::sim::{
    config::{Ms, NEVER, PoolConfig, UsageModel},
    event::Event,
    output::{Fate, TaskRecord},
    rng::{Draw, Purpose},
    trace::Note,
    world::{Counts, Job, JobState, MANAGER, NONE, Pool, Prep, RARE, TIMED_OUT, Task, TaskState, World},
};

/// Why an attempt is cut short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kill {
    /// A user's request (shrink, disable, delete): counts as a requeue.
    Requeue,
    /// Ends the task.
    Terminate,
    /// Preemption or recovery: runs again, counts as nothing.
    Lost,
    /// The job preparation task it waited for failed: runs again elsewhere, nothing was lost.
    Unprepared,
}

impl Kill {
    fn text(self) -> &'static str {
        match self {
            Kill::Requeue => "its node was taken with the requeue option, or its job disabled",
            Kill::Terminate => "it was terminated",
            Kill::Lost => "its node was preempted or recovered",
            Kill::Unprepared => "its job preparation task failed",
        }
    }
}

/// The seconds the service takes to begin an attempt.
#[inline(always)] // for every task
fn overhead(seed: u64, pool: &PoolConfig, task: &Task) -> Ms {
    let (least, most) = (pool.latency.schedule_min, pool.latency.schedule_max);
    let key = u64::from(task.id) << 16 | u64::from(task.attempts);
    if most == 0 { 0 } else { Draw::keyed(seed, Purpose::Scheduling, key).between(least, most) }
}

impl Job {
    /// Adds to its counts and to those of the pool it runs in.
    #[inline(always)] // for every task
    fn count(&mut self, pool: Option<&mut Pool>, change: impl Fn(&mut Counts)) {
        change(&mut self.counts);
        let Some(pool) = pool else { return };
        if self.counted {
            return change(&mut pool.counts);
        }
        // Tasks of jobs that do not run are no work, but what they finished stays finished.
        let mut own = Counts::default();
        change(&mut own);
        pool.counts.succeeded += own.succeeded;
        pool.counts.failed += own.failed;
    }
}

impl Task {
    /// Its attempt came to nothing after a while.
    fn lose(&mut self, lost: Ms) {
        self.wasted = self.wasted.saturating_add(u32::try_from(lost).unwrap_or(u32::MAX));
        self.state = TaskState::Ready;
    }
}

impl World {
    /// Adds to the counts of a job and of the pool it runs in.
    pub(crate) fn count(&mut self, job: u32, change: impl Fn(&mut Counts)) {
        let j = &mut self.jobs[job as usize];
        let pool = self.pools.get_mut(j.pool as usize);
        j.count(pool, change);
    }

    /// A task enters the world and waits for its dependencies or a slot.
    #[inline(always)] // so that it is built in its place
    pub(crate) fn add_task(&mut self, mut task: Task) -> u32 {
        let at = self.admit(&mut task);
        self.tasks[at] = task;
        let (held, weight) = (task.state == TaskState::Waiting, i64::from(task.instances));
        self.count(task.job, |c| if held { c.waiting += 1 } else { c.active += weight });
        if task.state == TaskState::Ready {
            self.queue_new(at);
        }
        at
    }

    /// A task enters the world: its place there.
    #[inline(always)] // for every task
    pub(crate) fn admit(&mut self, task: &mut Task) -> u32 {
        self.jobs[task.job as usize].live += 1;
        self.arrived += 1;
        self.out.trace.note(self.now, Note::TaskAdded, task.id, u64::from(task.job), || None);
        self.tasks.reserve(task)
    }

    /// A new task joins the queue of its job.
    #[inline]
    fn queue_new(&mut self, at: u32) {
        let &Task { job, slots, instances, flags, .. } = &self.tasks[at];
        if flags & MANAGER != 0 {
            return self.queue_back(at);
        }
        let j = &mut self.jobs[job as usize];
        j.shape(slots, instances).fifo.push_back(at);
        j.ready += 1;
        self.ring(job);
        self.report_wide(at);
    }

    /// A task that came back takes the place its age gives it; job managers go first.
    pub(crate) fn queue_back(&mut self, at: u32) {
        let task = self.tasks[at];
        let rank = u8::from(task.flags & MANAGER == 0);
        let job = &mut self.jobs[task.job as usize];
        job.shape(task.slots, task.instances).back.insert((rank, task.id, at));
        job.ready += 1;
        if task.flags & MANAGER != 0
            && task.attempts > 0
            && let Some(pool) = self.pools.get_mut(job.pool as usize)
        {
            pool.makes_room = true;
        }
        self.ring(task.job);
        self.report_wide(at);
    }

    /// Takes a ready task out of its queue.
    pub(crate) fn unqueue(&mut self, at: u32) {
        let task = self.tasks[at];
        let rank = u8::from(task.flags & MANAGER == 0);
        let job = &mut self.jobs[task.job as usize];
        let shape = job.shape(task.slots, task.instances);
        if !shape.back.remove(&(rank, task.id, at))
            && let Some(i) = shape.fifo.iter().position(|x| *x == at)
        {
            shape.fifo.remove(i);
        }
        job.ready -= 1;
        if job.ready == 0 {
            self.unring(task.job);
        }
    }

    /// Puts an attempt on a node (or on the nodes of a gang, whose first is the primary), of a task that waited or did
    /// not. `task` is what stands, or is to stand, in its place.
    // Tasks are read and written field by field: a copy right after its fields were written one by one waits for all of them to
    // reach the cache, and there is a task for every few of these waits.
    #[inline(always)]
    pub(crate) fn place(&mut self, at: u32, mut task: Task, n: u32, waited: bool) {
        let World { now, tasks, nodes, pools, jobs, out, config, .. } = self;
        let nodes = &mut nodes[..];
        let node = &mut nodes[n as usize];
        let (pool, job) = (&mut pools[node.pool as usize], &mut jobs[task.job as usize]);
        let prepares = job.cfg.preparation.is_some();
        task.attempts = task.attempts.saturating_add(1);
        // Its draw takes as long as all below that does not wait for it.
        task.start = *now + if prepares { 0 } else { overhead(config.seed, &pool.cfg, &task) };
        let head = std::mem::replace(&mut node.tasks, at);
        task.node = n;
        task.state = if prepares { TaskState::Preparing } else { TaskState::Running };
        task.flags &= !TIMED_OUT;
        (task.prev, task.next) = (NONE, head);
        let here = &mut tasks[at];
        if waited {
            let Task { attempts, start, node, state, flags, prev, next, .. } = task;
            *here = Task { attempts, start, node, state, flags, prev, next, ..*here };
        } else {
            *here = task;
        }
        let Task { job: j, slots, instances, flags, .. } = task;
        node.managers += u8::from(flags & MANAGER != 0);
        job.placed += 1;
        let plain = job.plain && flags & RARE == 0;
        let weight = i64::from(instances);
        let active = if waited { weight } else { 0 };
        job.count(Some(pool), |c| {
            c.active -= active;
            c.running += weight;
            c.running_tasks += 1;
        });
        if head != NONE {
            tasks[head].prev = at;
        }
        out.visited |= occupy(nodes, pool, n, slots, *now);
        if instances > 1 {
            self.occupy_gang(at, slots);
        }
        if !prepares {
            self.begin(at, &task, plain);
        } else if self.prepare(at, n, j) {
            self.begin_later(at, n);
        } else {
            self.count(j, |c| {
                c.running -= weight;
                c.running_tasks -= 1;
                c.preparing += weight;
            });
        }
    }

    /// The attempt begins when the service has taken its seconds from now on.
    #[inline(never)]
    fn begin_later(&mut self, at: u32, n: u32) {
        let task = &mut self.tasks[at];
        let pool = self.nodes[n as usize].pool;
        task.start = self.now + overhead(self.config.seed, &self.pools[pool as usize].cfg, task);
        task.state = TaskState::Running;
        let task = *task;
        let plain = self.jobs[task.job as usize].plain && task.flags & RARE == 0;
        self.begin(at, &task, plain);
    }

    /// The other nodes of a gang.
    #[cold]
    fn occupy_gang(&mut self, at: u32, slots: u16) {
        let World { now, nodes, pools, gangs, out, .. } = self;
        for &member in gangs.get(&at).into_iter().flatten().skip(1) {
            let pool = &mut pools[nodes[member as usize].pool as usize];
            out.visited |= occupy(nodes, pool, member, slots, *now);
        }
    }

    /// The attempt begins.
    #[inline(always)]
    fn begin(&mut self, at: u32, task: &Task, plain: bool) {
        // A task that fails in no time and is retried for ever must not stop the clock.
        let mut run = Ms::from(task.run).max(Ms::from(task.attempts > 1));
        let &Task { token, id, node, start, .. } = task;
        if !plain {
            run = self.rare_run(at, run);
        }
        self.at(start + run, Event::TaskEnd { task: at, token, node });
        self.out.trace.note(self.now, Note::TaskStarted, id, u64::from(node), || None);
    }

    /// Run time with what is rare: coordination, the wall-clock limit, resource use.
    fn rare_run(&mut self, at: u32, run: Ms) -> Ms {
        let task = self.tasks[at];
        let rare = self.rare.get(&task.id);
        let job = &self.jobs[task.job as usize].cfg;
        let limit = rare.and_then(|r| r.wall).unwrap_or(job.task_max_wall_clock);
        let total = run + rare.map_or(0, |r| r.coordination);
        self.use_resources(at, 1);
        if total > limit {
            self.tasks[at].flags |= TIMED_OUT;
            limit
        } else {
            total
        }
    }

    /// Adds (or takes back) a running task's resource use.
    fn use_resources(&mut self, at: u32, sign: i64) {
        let task = self.tasks[at];
        let rare = self.rare.get(&task.id);
        let job = &self.jobs[task.job as usize].cfg;
        let pool = self.nodes[task.node as usize].pool as usize;
        let model = rare.and_then(|r| r.usage.as_ref()).unwrap_or(&job.usage);
        match model {
            UsageModel::None => {}
            UsageModel::Trace(_) => {
                let p = &mut self.pools[pool];
                p.usage_traces = p.usage_traces.wrapping_add_signed(sign as i32);
            }
            UsageModel::Constant(u) => {
                let u = crate::sim::sampler::columns(u);
                self.pools[pool].usage.iter_mut().zip(u).for_each(|(sum, x)| *sum += sign * x);
            }
            UsageModel::Uniform(lo, hi) => {
                let key = u64::from(task.id) << 16 | u64::from(task.attempts);
                let mut draw = Draw::keyed(self.config.seed, Purpose::Usage, key);
                let (lo, hi) = (crate::sim::sampler::columns(lo), crate::sim::sampler::columns(hi));
                for (i, sum) in self.pools[pool].usage.iter_mut().enumerate() {
                    *sum += sign * draw.between(lo[i], hi[i]);
                }
            }
        }
    }

    /// Starts or waits for the preparation task; true when it is done already.
    fn prepare(&mut self, at: u32, node: u32, job: u32) -> bool {
        match self.prepared.get_mut(&(node, job)) {
            Some(Prep::Done) => true,
            Some(Prep::Running(waiting)) => {
                waiting.push(at);
                false
            }
            None => {
                self.prepared.insert((node, job), Prep::Running(vec![at]));
                let token = self.nodes[node as usize].life;
                let duration = self.jobs[job as usize].cfg.preparation.as_ref().map_or(0, |p| p.duration);
                self.after(duration, Event::Prepared { node, job, token });
                false
            }
        }
    }

    /// A preparation task ended.
    pub(crate) fn preparation_ended(&mut self, node: u32, job: u32, token: u32) {
        if self.nodes[node as usize].life != token {
            return;
        }
        let Some(Prep::Running(waiting)) = self.prepared.get(&(node, job)).cloned() else { return };
        let Some(prep) = self.jobs[job as usize].cfg.preparation.clone() else { return };
        let key = u64::from(node) << 32 | u64::from(job);
        let failed = Draw::keyed(self.config.seed, Purpose::Preparation, key).chance(prep.failure);
        if failed {
            self.out.trace.note(self.now, Note::PreparationFailed, node, u64::from(job), || None);
        }
        if failed && prep.wait_for_success {
            // The node is no good for this job until reimaged (pool.md §7).
            self.prepared.remove(&(node, job));
            self.jobs[job as usize].excluded.insert(node);
            for at in waiting {
                self.abort(at, Kill::Unprepared, false);
            }
            return;
        }
        self.prepared.insert((node, job), Prep::Done);
        for at in waiting {
            let weight = i64::from(self.tasks[at].instances);
            self.count(job, |c| {
                c.preparing -= weight;
                c.running += weight;
                c.running_tasks += 1;
            });
            self.begin_later(at, node);
        }
    }

    /// A node's preparations are void.
    pub(crate) fn forget_preparations(&mut self, n: u32) {
        if self.prepared.is_empty() {
            return;
        }
        let stale: Vec<_> = self.prepared.range((n, 0)..=(n, u32::MAX)).map(|(k, _)| *k).collect();
        for key in stale {
            self.prepared.remove(&key);
        }
    }

    /// Gives a node's slots back, at once or when the killed processes are gone.
    #[inline(always)] // for every task
    fn release(&mut self, n: u32, slots: u16, killed: bool) {
        let World { now, nodes, pools, out, dirty, .. } = self;
        let nodes = &mut nodes[..];
        let node = &mut nodes[n as usize];
        let pool = &mut pools[node.pool as usize];
        node.running -= 1;
        pool.slots_used -= i64::from(slots);
        let kill = pool.cfg.shrink.task_kill_latency;
        if killed && kill > 0 {
            node.dying += slots;
            let token = node.life;
            return self.after(kill, Event::SlotsFreed { node: n, slots, token });
        }
        match vacate(nodes, pool, n, slots, *now, dirty) {
            Some(taken) => out.visited |= taken,
            None => self.emptier(n),
        }
    }

    /// Killed processes are gone.
    pub(crate) fn slots_freed(&mut self, n: u32, slots: u16, token: u32) {
        let node = &mut self.nodes[n as usize];
        if node.life == token && !node.removed {
            node.dying -= slots;
            self.vacate(n, slots);
        }
    }

    /// Takes an attempt off its nodes; the files of a completed task stay there for a while.
    #[inline(always)] // for every task
    fn take_off(&mut self, at: u32, task: &Task, killed: bool, complete: bool) {
        let &Task { flags, job: j, prev, next, node: n, start, slots, instances, .. } = task;
        let rare = flags & RARE != 0 || !self.jobs[j as usize].plain;
        let retention = if rare { self.rare_end(at) } else { None };
        let World { now, tasks, nodes, pools, jobs, .. } = self;
        let (nodes, job) = (&mut nodes[..], &mut jobs[j as usize]);
        let node = &mut nodes[n as usize];
        if complete {
            let keep = retention.unwrap_or(job.cfg.task_retention).min(NEVER);
            node.retain_until = node.retain_until.max(now.saturating_add(keep));
        }
        if flags & MANAGER != 0 {
            node.managers = node.managers.saturating_sub(1);
        }
        let used = elapsed(*now, start);
        pools[node.pool as usize].totals.slot_ms += used * i64::from(slots) * i64::from(instances);
        if prev == NONE {
            node.tasks = next;
        } else {
            tasks[prev].next = next;
        }
        if next != NONE {
            tasks[next].prev = prev;
        }
        job.placed -= 1;
        let disabled = job.placed == 0 && job.state == JobState::Disabling;
        if disabled || instances > 1 {
            return self.take_off_last(at, disabled, killed);
        }
        self.release(n, slots, killed);
    }

    /// Takes an attempt off that is a gang, or the last of a job that is being disabled.
    #[cold]
    fn take_off_last(&mut self, at: u32, disabled: bool, killed: bool) {
        let Task { job, node, slots, .. } = self.tasks[at];
        if disabled {
            self.job_disabled(job);
        }
        let gang = self.gangs.remove(&at);
        self.release(node, slots, killed);
        // The primary is the first of them.
        gang.iter().flatten().skip(1).for_each(|n| self.release(*n, slots, killed));
    }

    /// What is rare about a task ends with its attempt; how long its files stay, if it says so itself.
    #[cold]
    fn rare_end(&mut self, at: u32) -> Option<Ms> {
        let Task { id, state, .. } = self.tasks[at];
        if state == TaskState::Running {
            self.use_resources(at, -1);
        }
        self.rare.get(&id).and_then(|r| r.retention)
    }

    /// Everything on a node is cut short, gangs that reach onto it included.
    pub(crate) fn kill_all(&mut self, n: u32, how: Kill) {
        while self.nodes[n as usize].tasks != NONE {
            let at = self.nodes[n as usize].tasks;
            self.abort(at, how, true);
        }
        if self.nodes[n as usize].running > 0 {
            let hit: Vec<u32> = self.gangs.iter().filter(|(_, m)| m.contains(&n)).map(|(at, _)| *at).collect();
            for at in hit {
                self.abort(at, how, true);
            }
        }
    }

    /// Cuts an attempt short.
    pub(crate) fn abort(&mut self, at: u32, how: Kill, killed: bool) {
        let mut task = self.tasks[at];
        let (job, weight) = (task.job, i64::from(task.instances));
        let pool = self.nodes[task.node as usize].pool as usize;
        let lost = if task.state == TaskState::Running { elapsed(self.now, task.start) } else { 0 };
        let totals = &mut self.pools[pool].totals;
        if how != Kill::Unprepared {
            totals.lost[how as usize] += 1;
            totals.lost_ms[how as usize] += lost * i64::from(task.slots) * weight;
        }
        let preemption_counts = self.pools[pool].cfg.spot.count_preemption_as_requeue;
        if task.state == TaskState::Preparing
            && let Some(Prep::Running(waiting)) = self.prepared.get_mut(&(task.node, job))
        {
            waiting.retain(|t| *t != at);
        }
        self.take_off(at, &task, killed, how == Kill::Terminate);
        let preparing = task.state == TaskState::Preparing;
        self.count(job, |c| {
            if preparing {
                c.preparing -= weight;
            } else {
                c.running -= weight;
                c.running_tasks -= 1;
            }
            c.active += weight;
        });
        task.lose(lost);
        if how == Kill::Terminate {
            return self.complete(at, &task, Fate::Terminated, -1);
        }
        if how == Kill::Requeue || how == Kill::Lost && preemption_counts {
            task.requeues = task.requeues.saturating_add(1);
        }
        self.waits_again(at, task);
        self.out.trace.note(self.now, Note::TaskRequeued, task.id, how as u64, || Some(how.text().into()));
        self.queue_back(at);
    }

    /// An attempt ended by itself.
    #[inline(always)] // for every task
    pub(crate) fn task_ended(&mut self, at: u32, token: u32) {
        let task = self.tasks[at];
        if task.token != token {
            return;
        }
        let (fate, exit) = self.exit_of(&task);
        if fate == Fate::Failure && self.may_retry(&task) {
            return self.retry(at, task);
        }
        self.take_off(at, &task, false, true);
        self.finish(at, &task, fate, exit);
    }

    /// A task that is off its node waits in its place; what is still to come of its attempt is void.
    fn waits_again(&mut self, at: u32, task: Task) {
        self.tasks[at] = Task { node: NONE, token: task.token.wrapping_add(1), ..task };
    }

    /// A failed attempt is followed by another.
    #[cold]
    fn retry(&mut self, at: u32, mut task: Task) {
        self.take_off(at, &task, false, false);
        let lost = elapsed(self.now, task.start);
        task.retries = task.retries.saturating_add(1);
        task.lose(lost);
        self.waits_again(at, task);
        let (job, id, weight) = (task.job, task.id, i64::from(task.instances));
        self.count(job, |c| {
            c.running -= weight;
            c.running_tasks -= 1;
            c.active += weight;
        });
        self.out.trace.note(self.now, Note::TaskRequeued, id, 9, || Some("it failed and is retried".into()));
        self.queue_back(at);
    }

    fn may_retry(&self, task: &Task) -> bool {
        let job = &self.jobs[task.job as usize];
        let own = if task.flags & RARE != 0 { self.rare.get(&task.id).and_then(|r| r.retries) } else { None };
        let allowed = own.unwrap_or(job.cfg.max_task_retry_count);
        allowed < 0 || i32::from(task.retries) < allowed
    }

    /// Ends a task that is on no node any more: it is recorded, and whoever waits for it is told.
    pub(crate) fn complete(&mut self, at: u32, task: &Task, fate: Fate, exit: i32) {
        self.finish(at, task, fate, exit);
    }

    #[inline(always)] // for every task
    fn finish(&mut self, at: u32, task: &Task, fate: Fate, exit: i32) {
        let (now, success) = (self.now, fate == Fate::Success);
        let World { pools, jobs, out, .. } = self;
        let &Task { id, job: j, flags, attempts, created, state, instances, .. } = task;
        let job = &mut jobs[j as usize];
        let weight = i64::from(instances);
        job.count(pools.get_mut(job.pool as usize), |c| {
            match state {
                TaskState::Running => {
                    c.running -= weight;
                    c.running_tasks -= 1;
                }
                TaskState::Waiting => c.waiting -= 1,
                TaskState::Ready | TaskState::Preparing => c.active -= weight,
            }
            c.succeeded += i64::from(success);
            c.failed += i64::from(!success);
        });
        job.live -= 1;
        let done = job.live == 0 && job.pending == 0;
        let start = if attempts > 0 { task.start } else { created };
        out.finished += 1;
        if attempts > 0 {
            out.wait.0 += i128::from(start - created);
            out.wait.1 += 1;
        }
        if self.config.output.task_records {
            out.tasks.push(&TaskRecord {
                created,
                start,
                end: now,
                id,
                job: j,
                node: task.node,
                exit,
                wasted: task.wasted,
                attempts,
                retries: task.retries,
                requeues: task.requeues,
                slots: task.slots,
                instances,
                fate,
            });
        }
        let plain = job.plain && flags == 0 && success && !self.is_needed(id);
        self.tasks.remove(at);
        self.out.trace.note(now, Note::TaskEnded, id, fate as u64, || Some(fate.name().into()));
        if !plain {
            self.consequences(task, fate, exit);
        }
        if done {
            self.all_complete(j);
        }
    }
}

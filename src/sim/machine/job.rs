//! Jobs: added, disabled, enabled, terminated, deleted; and what the end of a task means to others.
//!
//! In: jobs and tasks from scenarios and users, ends of tasks. Out: ready tasks, released dependents, closed jobs. Never:
//! a node.

use super::task::Kill;
use crate::sim::{
    action::Refusal,
    config::{
        DisableJobOption, ExitConditions, ExitModel, JobConfig, MINUTE, Ms, NEVER, OnAllComplete, OnTaskFailure,
        PoolLifetime, PoolRef, TaskConfig, Usage, UsageModel,
    },
    event::Event,
    output::{JobChange, TaskRecord},
    trace::Note,
    world::{
        Counts, Job, JobState, MANAGER, NONE, Need, NodeState, Prep, RARE, REPORTED, Rare, ScheduleState, Task,
        TaskState, World,
    },
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Most ids a task's ranges may cover.
const RANGE_LIMIT: u64 = 100_000;
/// Most characters of a task's dependency ids (pool.md §1).
const DEPENDENCY_TEXT: usize = 64_000;

impl World {
    /// Active jobs and schedules of an account (pool.md §6.1).
    pub(crate) fn active_jobs(&self, account: u32) -> u32 {
        let jobs = self.jobs.iter().filter(|j| j.account == account && j.state < JobState::Completed).count();
        let schedules = self.schedules.iter().filter(|s| s.state < ScheduleState::Completed).count();
        (jobs + if account == 0 { schedules } else { 0 }) as u32
    }

    /// Adds a job.
    pub(crate) fn add_job(&mut self, cfg: Arc<JobConfig>, schedule: u32) -> Result<u32, Refusal> {
        if self.find_job(&cfg.id).is_some() {
            return Err(Refusal::new(409, "JobExists", format!("a job {} exists already", cfg.id)));
        }
        let (mut pool, mut wants) = (NONE, String::new());
        if let PoolRef::Pool(id) = &cfg.pool {
            pool = self.find_pool(id).unwrap_or(NONE);
            wants.clone_from(id);
        }
        let account = if pool == NONE { 0 } else { self.pools[pool as usize].cfg.account as u32 };
        let limit = self.accounts[account as usize].active_jobs;
        if self.active_jobs(account) >= limit {
            let message = format!("the account may have {limit} active jobs and job schedules");
            return Err(Refusal::new(409, "ActiveJobAndScheduleQuotaReached", message));
        }
        let id = self.jobs.len() as u32;
        let now = self.now;
        let plain = cfg.exit == ExitModel::default()
            && cfg.exit_conditions == ExitConditions::default()
            && cfg.on_task_failure == OnTaskFailure::NoAction
            && cfg.task_max_wall_clock >= NEVER
            && cfg.usage == UsageModel::None;
        let work = self.work.jobs.iter().position(|w| w.id == cfg.id);
        let coming = work.map_or(0, |w| self.work_jobs[w].1);
        if let Some(w) = work {
            self.work_jobs[w].0 = id;
        }
        self.jobs.push(Job {
            id: cfg.id.clone(),
            pool: NONE,
            wants,
            state: JobState::Active,
            created: now,
            ended: NEVER,
            reason: None,
            counts: Counts::default(),
            counted: true,
            shapes: Vec::new(),
            ready: 0,
            in_ring: false,
            pending: cfg.tasks.len() as u32 + coming,
            live: 0,
            placed: 0,
            account,
            plain,
            manager: NONE,
            schedule,
            auto_pool: false,
            excluded: BTreeSet::new(),
            names: BTreeMap::new(),
            cfg: cfg.clone(),
        });
        self.note_job(id, "created");
        if let PoolRef::Auto(auto) = &cfg.pool {
            let shared = schedule != NONE && auto.lifetime == PoolLifetime::Schedule;
            let existing = if shared { self.schedules[schedule as usize].pool } else { NONE };
            let made = if existing == NONE {
                let mut own = auto.pool.clone();
                own.id = format!("{}_{}", auto.prefix, id);
                own.create_at = now;
                self.create_pool(Arc::new(own), true)
            } else {
                Ok(existing)
            };
            match made {
                Ok(made) => {
                    pool = made;
                    self.jobs[id as usize].auto_pool = !shared;
                    if shared {
                        self.schedules[schedule as usize].pool = made;
                    }
                }
                Err(refusal) => {
                    // The job ends with a scheduling error (pool.md §11).
                    let reason = match refusal.code {
                        "PoolQuotaReached" => "AutoPoolCreationFailedWithQuotaReached",
                        "AutoScalingFormulaSyntaxError" | "AutoScaleFormulaTooLong" => {
                            "InvalidAutoScaleFormulaInAutoPool"
                        }
                        _ => "AutoPoolCreationFailed",
                    };
                    self.jobs[id as usize].reason = Some(reason);
                    self.jobs[id as usize].counted = false;
                    self.set_job(id, JobState::Terminating);
                    self.after(0, Event::JobClosed { job: id, delete: false });
                    return Ok(id);
                }
            }
        }
        if pool != NONE {
            self.bind(id, pool);
        }
        for (i, task) in cfg.tasks.iter().enumerate() {
            self.after(task.submit.max(0), Event::AddTask { job: id, task: i as u32 });
        }
        if cfg.max_wall_clock < NEVER {
            self.after(cfg.max_wall_clock, Event::JobTimeout { job: id });
        }
        if let Some(manager) = &cfg.manager {
            let mut spec = manager.task.clone();
            if manager.run_exclusive && pool != NONE {
                spec.slots = self.pools[pool as usize].cfg.task_slots;
            }
            self.add_spec(id, Arc::new(spec), MANAGER)?;
        }
        if self.jobs[id as usize].pending == 0 && self.jobs[id as usize].live == 0 {
            self.all_complete(id);
        }
        Ok(id)
    }

    fn note_job(&mut self, job: u32, what: &'static str) {
        self.out.jobs.push(JobChange { at: self.now, job, what });
        let state = self.jobs[job as usize].state as u64;
        self.out.trace.note(self.now, Note::Job, job, state, || Some(what.into()));
    }

    fn set_job(&mut self, job: u32, state: JobState) {
        self.jobs[job as usize].state = state;
        self.note_job(job, state.name());
    }

    /// Ties a job to its pool.
    pub(crate) fn bind(&mut self, job: u32, pool: u32) {
        let j = &mut self.jobs[job as usize];
        j.pool = pool;
        let (counts, counted, preemptible) = (j.counts, j.counted, j.cfg.allow_task_preemption);
        j.account = self.pools[pool as usize].cfg.account as u32;
        let p = &mut self.pools[pool as usize];
        p.makes_room |= preemptible;
        p.counts.add(&visible(&counts, counted), 1);
        self.ring(job);
        self.report_wide_waiting(job);
    }

    /// Tasks of a job that no node of its pool has the slots for are reported.
    fn report_wide_waiting(&mut self, job: u32) {
        let j = &self.jobs[job as usize];
        let slots = self.pools[j.pool as usize].cfg.task_slots;
        let wide: Vec<u32> = j
            .shapes
            .iter()
            .filter(|s| u32::from(s.slots) > slots)
            .flat_map(|s| s.fifo.iter().copied().chain(s.back.iter().map(|(_, _, at)| *at)))
            .collect();
        wide.into_iter().for_each(|at| self.report_wide(at));
    }

    /// The nodes of its pool have other slots now: what is too wide for them is news again.
    pub(crate) fn report_wide_again(&mut self, job: u32) {
        for task in self.tasks.slab.iter_mut().filter(|t| t.id != NONE && t.job == job) {
            task.flags &= !REPORTED;
        }
        self.report_wide_waiting(job);
    }

    /// The pool is gone or the job moves.
    pub(crate) fn unbind(&mut self, job: u32) {
        self.unring(job);
        let j = &mut self.jobs[job as usize];
        let pool = std::mem::replace(&mut j.pool, NONE);
        let (counts, counted) = (j.counts, j.counted);
        if pool != NONE {
            self.pools[pool as usize].counts.add(&visible(&counts, counted), -1);
        }
    }

    fn set_counted(&mut self, job: u32, counted: bool) {
        let j = &mut self.jobs[job as usize];
        if std::mem::replace(&mut j.counted, counted) == counted || j.pool == NONE {
            return;
        }
        let work = Counts { succeeded: 0, failed: 0, ..j.counts };
        self.pools[j.pool as usize].counts.add(&work, if counted { 1 } else { -1 });
    }

    /// A workload task is submitted; alone if nothing else happens in this phase of this instant any more.
    #[inline]
    pub(crate) fn arrive(&mut self, i: u32, rare: bool, alone: bool) {
        let (work, row) = (&*self.work, i as usize);
        let (work, run, slots) = (work.job[row] as usize, work.run_ms[row], work.slots[row]);
        let mut job = self.work_jobs[work].0;
        if job == NONE {
            job = self.open_work_job(work);
        }
        self.work_jobs[work].1 -= 1;
        if job == NONE {
            self.refused_tasks += 1;
            return;
        }
        let j = &mut self.jobs[job as usize];
        j.pending -= 1;
        if j.state >= JobState::Terminating {
            self.refused_tasks += 1;
            return;
        }
        let mut task = Task { run, slots, ..blank_task(i, job, self.now) };
        if rare {
            return self.arrive_rare(task);
        }
        match if alone { self.at_once(&task) } else { None } {
            Some(node) => {
                let at = self.admit(&mut task);
                self.place(at, task, node, false);
            }
            None => drop(self.add_task(task)),
        }
    }

    #[cold]
    fn arrive_rare(&mut self, mut task: Task) {
        let extra = self.work.extra.get(&task.id).cloned().unwrap_or_default();
        let usage = (extra.cpu_percent.is_some() || extra.memory_mb.is_some()).then(|| {
            let thousandths = |x: Option<f32>| libm::round(f64::from(x.unwrap_or(0.0)) * 1000.0) as i64;
            UsageModel::Constant(Usage {
                cpu: thousandths(extra.cpu_percent),
                memory: thousandths(extra.memory_mb),
                ..Usage::default()
            })
        });
        let needs: Vec<Need> = extra.depends_on.iter().map(|d| Need::Work(*d)).collect();
        task.flags |= RARE;
        task.instances = u16::try_from(extra.instances.max(1)).unwrap_or(u16::MAX);
        let rare = Rare {
            retries: extra.max_retries,
            wall: extra.max_wall_clock_ms.map(|ms| Ms::try_from(ms).unwrap_or(NEVER)),
            usage,
            affinity: NONE,
            ..Rare::default()
        };
        self.add_rare(task, rare, needs);
    }

    fn add_rare(&mut self, mut task: Task, mut rare: Rare, needs: Vec<Need>) -> u32 {
        let open: BTreeSet<Need> = needs.into_iter().filter(|n| self.satisfied.get(n) != Some(&true)).collect();
        rare.left = open.len() as u32;
        if rare.left > 0 {
            task.state = TaskState::Waiting;
        }
        for need in open {
            self.dependents.entry(need).or_default().push(task.id);
        }
        let id = task.id;
        self.rare.insert(id, rare);
        let at = self.add_task(task);
        if let Some(rare) = self.rare.get_mut(&id) {
            rare.at = at;
        }
        at
    }

    #[cold]
    fn open_work_job(&mut self, work: usize) -> u32 {
        let spec = self.work.jobs[work].clone();
        let config = self.config.clone();
        let cfg = match config.jobs.iter().position(|j| j.id == spec.id) {
            Some(i) => config.jobs[i].clone(),
            None => JobConfig {
                id: spec.id,
                priority: spec.priority,
                pool: PoolRef::Pool(config.workload_pool.clone()),
                ..config.workload_job.clone()
            },
        };
        let id = cfg.id.clone();
        match self.add_job(Arc::new(cfg), NONE) {
            Ok(job) => job,
            Err(refusal) => {
                self.refuse(format!("add job {id}"), refusal);
                NONE
            }
        }
    }

    /// Adds an explicit task.
    pub(crate) fn add_spec(&mut self, job: u32, spec: Arc<TaskConfig>, flags: u8) -> Result<u32, Refusal> {
        let j = &self.jobs[job as usize];
        if j.state >= JobState::Terminating {
            return Err(Refusal::new(409, "JobCompleted", format!("job {} has ended", j.id)));
        }
        if j.names.contains_key(&spec.id) {
            return Err(Refusal::new(409, "TaskExists", format!("job {} has a task {} already", j.id, spec.id)));
        }
        let depends = !spec.depends_on.is_empty() || !spec.depends_on_ranges.is_empty();
        if depends && !j.cfg.uses_task_dependencies {
            let message = format!("job {} does not use task dependencies", j.id);
            return Err(Refusal::new(400, "TaskDependenciesNotSpecifiedOnJob", message));
        }
        if spec.depends_on.iter().map(String::len).sum::<usize>() > DEPENDENCY_TEXT {
            return Err(Refusal::new(400, "TaskDependencyListTooLong", "more than 64000 characters of ids"));
        }
        let covered: u64 = spec.depends_on_ranges.iter().map(|(a, b)| b.saturating_sub(*a).saturating_add(1)).sum();
        if covered > RANGE_LIMIT {
            return Err(Refusal::new(400, "TaskDependencyRangesTooLong", format!("{covered} ids in ranges")));
        }
        let id = (self.work.len() + self.specs.len()) as u32;
        self.specs.push((job, spec.clone()));
        self.jobs[job as usize].names.insert(spec.id.clone(), id);
        let mut task = blank_task(id, job, self.now);
        task.run = u32::try_from(spec.run.max(0)).unwrap_or(u32::MAX);
        task.slots = u16::try_from(spec.slots.max(1)).unwrap_or(u16::MAX);
        task.instances = u16::try_from(spec.instances.max(1)).unwrap_or(u16::MAX);
        task.flags = RARE | flags;
        let names = spec.depends_on.iter().map(|n| Need::Name(job, n.clone()));
        let numbers = spec.depends_on_ranges.iter().flat_map(|(a, b)| *a..=*b).map(|n| Need::Number(job, n));
        let needs: Vec<Need> = names.chain(numbers).collect();
        let friend = spec.affinity_task.as_ref().and_then(|t| self.jobs[job as usize].names.get(t));
        let affinity = friend.and_then(|t| self.ran_on.get(t)).copied().or(spec.affinity_node).unwrap_or(NONE);
        let rare = rare_of(&spec, affinity);
        let at = self.add_rare(task, rare, needs);
        if flags & MANAGER != 0 {
            self.jobs[job as usize].manager = id;
        }
        Ok(at)
    }

    /// A finished task is active again, as its workload row or its specification describes it.
    pub(crate) fn readd(&mut self, record: &TaskRecord) {
        let n = self.work.len();
        let mut task = blank_task(record.id, record.job, self.now);
        task.created = record.created;
        task.slots = record.slots;
        task.instances = record.instances;
        if (record.id as usize) < n {
            task.run = self.work.run_ms[record.id as usize];
            self.add_task(task);
        } else if let Some((_, spec)) = self.specs.get(record.id as usize - n).cloned() {
            task.run = u32::try_from(spec.run.max(0)).unwrap_or(u32::MAX);
            task.flags = RARE;
            let rare = rare_of(&spec, NONE);
            self.add_rare(task, rare, Vec::new());
        }
    }

    /// All tasks of a job are complete (a job without tasks counts, pool.md §8.3).
    pub(crate) fn all_complete(&mut self, job: u32) {
        let j = &self.jobs[job as usize];
        if j.state == JobState::Active && j.cfg.on_all_tasks_complete == OnAllComplete::TerminateJob {
            self.terminate_job(job, "AllTasksComplete");
        }
    }

    fn attempts_of(&self, job: u32) -> Vec<(u32, u32)> {
        let mut placed: Vec<(u32, u32)> = self
            .tasks
            .iter()
            .filter(|(_, t)| t.job == job && matches!(t.state, TaskState::Running | TaskState::Preparing))
            .map(|(at, t)| (t.id, at))
            .collect();
        placed.sort_unstable();
        placed
    }

    /// Cuts short every attempt of a job. Ending one may end others, so each is looked at again.
    fn abort_all(&mut self, job: u32, how: Kill) {
        for (id, at) in self.attempts_of(job) {
            let t = &self.tasks[at];
            if t.id == id && matches!(t.state, TaskState::Running | TaskState::Preparing) {
                self.abort(at, how, true);
            }
        }
    }

    /// Disables a job.
    pub(crate) fn disable_job(&mut self, job: u32, option: DisableJobOption) {
        if self.jobs[job as usize].state >= JobState::Terminating {
            return;
        }
        self.set_job(job, JobState::Disabling);
        self.unring(job);
        let how = match option {
            DisableJobOption::Requeue => Some(Kill::Requeue),
            DisableJobOption::Terminate => Some(Kill::Terminate),
            DisableJobOption::Wait => None,
        };
        if let Some(how) = how {
            self.abort_all(job, how);
        }
        if self.jobs[job as usize].placed == 0 && self.jobs[job as usize].state == JobState::Disabling {
            self.job_disabled(job);
        }
    }

    /// The last attempt of a job being disabled is over.
    pub(crate) fn job_disabled(&mut self, job: u32) {
        self.set_job(job, JobState::Disabled);
        self.set_counted(job, false);
    }

    /// Enables a disabled job.
    pub(crate) fn enable_job(&mut self, job: u32) {
        self.set_job(job, JobState::Enabling);
        self.set_counted(job, true);
        self.set_job(job, JobState::Active);
        self.ring(job);
    }

    /// Terminates a job: running tasks are killed, active ones stay active and never run.
    pub(crate) fn terminate_job(&mut self, job: u32, reason: &'static str) {
        self.close(job, reason, false);
    }

    /// Deletes a job and everything in it.
    pub(crate) fn delete_job(&mut self, job: u32) {
        let j = &self.jobs[job as usize];
        if j.state == JobState::Completed {
            return self.remove_job(job);
        }
        self.close(job, "UserTerminate", true);
    }

    fn close(&mut self, job: u32, reason: &'static str, delete: bool) {
        let j = &mut self.jobs[job as usize];
        if j.state >= JobState::Terminating {
            return;
        }
        j.reason = Some(reason);
        self.set_job(job, if delete { JobState::Deleting } else { JobState::Terminating });
        self.unring(job);
        self.abort_all(job, Kill::Terminate);
        self.set_counted(job, false);
        // Release tasks run in the background where the preparation task ran and completed (C12), 15 minutes at most.
        let prepared = self.prepared.iter().any(|((_, j), prep)| *j == job && *prep == Prep::Done);
        let release = self.jobs[job as usize].cfg.release.as_ref().filter(|_| prepared);
        let wait = release.map_or(0, |r| r.duration.min(r.max_wall_clock).min(15 * MINUTE));
        self.after(wait, Event::JobClosed { job, delete });
    }

    /// Release tasks are done.
    pub(crate) fn job_closed(&mut self, job: u32, delete: bool) {
        self.jobs[job as usize].ended = self.now;
        self.set_job(job, JobState::Completed);
        let stale: Vec<_> = self.prepared.keys().filter(|(_, j)| *j == job).copied().collect();
        for key in stale {
            self.prepared.remove(&key);
        }
        let j = &self.jobs[job as usize];
        let (pool, schedule) = (j.pool, j.schedule);
        let keep = matches!(&j.cfg.pool, PoolRef::Auto(auto) if auto.keep_alive);
        if j.auto_pool
            && !keep
            && pool != NONE
            && self.pools[pool as usize].state == super::super::world::PoolState::Active
        {
            self.delete_pool(pool);
        }
        if delete {
            self.remove_job(job);
        }
        if schedule != NONE {
            self.schedule_job_closed(schedule);
        }
    }

    fn remove_job(&mut self, job: u32) {
        let left: Vec<u32> = self.tasks.iter().filter(|(_, t)| t.job == job).map(|(at, _)| at).collect();
        for at in left {
            self.forget_task(at);
        }
        let j = &mut self.jobs[job as usize];
        let gone = Counts { succeeded: j.counts.succeeded, failed: j.counts.failed, ..Counts::default() };
        j.counts.succeeded = 0;
        j.counts.failed = 0;
        if j.pool != NONE {
            self.pools[j.pool as usize].counts.add(&gone, -1);
        }
        self.set_job(job, JobState::Removed);
    }

    /// Deletes an unfinished task that is on no node. A queued one goes on being counted until a node can process the
    /// delete (pool.md §9).
    pub(crate) fn forget_task(&mut self, at: u32) {
        let task = self.tasks[at];
        let weight = i64::from(task.instances);
        if task.state == TaskState::Waiting {
            self.count(task.job, |c| c.waiting -= 1);
        } else {
            self.unqueue(at);
            self.count(task.job, |c| c.active -= weight);
            let j = &self.jobs[task.job as usize];
            if j.pool != NONE {
                let p = &mut self.pools[j.pool as usize];
                let usable: u32 =
                    p.by_state.iter().map(|s| s[NodeState::Idle as usize] + s[NodeState::Running as usize]).sum();
                if p.cfg.metrics.ghost_deleted_tasks && usable == 0 {
                    p.ghosts += weight;
                }
            }
        }
        self.rare.remove(&task.id);
        self.deleted.insert(task.id);
        self.tasks.remove(at);
        self.jobs[task.job as usize].live -= 1;
    }
}

/// Counts as the pool sees them.
fn visible(counts: &Counts, counted: bool) -> Counts {
    if counted { *counts } else { Counts { succeeded: counts.succeeded, failed: counts.failed, ..Counts::default() } }
}

fn rare_of(spec: &Arc<TaskConfig>, affinity: u32) -> Rare {
    Rare {
        retries: spec.retries,
        wall: spec.max_wall_clock,
        retention: spec.retention,
        coordination: spec.coordination,
        usage: spec.usage.clone(),
        affinity,
        spec: Some(spec.clone()),
        ..Rare::default()
    }
}

/// A one-slot task that has just been added.
fn blank_task(id: u32, job: u32, now: Ms) -> Task {
    Task {
        id,
        job,
        node: NONE,
        token: 0,
        next: NONE,
        prev: NONE,
        run: 0,
        wasted: 0,
        slots: 1,
        instances: 1,
        attempts: 0,
        retries: 0,
        requeues: 0,
        state: TaskState::Ready,
        flags: 0,
        created: now,
        start: now,
    }
}

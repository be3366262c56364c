//! The loop: take the earliest thing that happens, let the world change, assign tasks, again.
//!
//! In: a scenario and a workload. Out: a `Simulation`. Never: a rule of the service.

use super::{
    action::Refusal,
    autoscale::Compiler,
    config::{Action, Config, Ms, NEVER},
    event::Event,
    invariants::Violation,
    log::Log,
    machine::node::TRANSITIONS,
    output::Output,
    queue::{Moment, Queue},
    trace::Sink,
    workload::Workload,
    world::{
        Account, AllocationState, Counts, JobState, NONE, NodeState, PoolState, Task, TaskState, Tasks, Totals, World,
    },
};
use poolcast_runtime::{series::SeriesStore, ticks::Ticks};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A simulation at an instant. Cloning it is a fork: the clone goes on alone, with the same luck.
#[derive(Debug, Clone)]
pub struct Simulation {
    world: World,
    /// Next workload task.
    cursor: usize,
    /// Next workload task with something rare about it.
    next_rare: u32,
    /// When it is added: after the jobs added then, before everything else.
    arrival: Moment,
    /// What is being worked on.
    moment: Moment,
    events: u64,
}

/// Why a scenario cannot start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartError {
    /// What is wrong.
    pub message: String,
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}
impl std::error::Error for StartError {}

/// A pool as it looks now.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolView {
    /// Id.
    pub id: String,
    /// State.
    pub state: PoolState,
    /// Allocation state.
    pub allocation: AllocationState,
    /// Targets.
    pub target: [u32; 2],
    /// Nodes, preempted ones included.
    pub current: [u32; 2],
    /// Nodes by class and state.
    pub nodes: [[u32; 16]; 2],
    /// Node-milliseconds by class and state until now.
    pub state_ms: [[i64; 16]; 2],
    /// Tasks.
    pub counts: Counts,
    /// Resize errors on show.
    pub errors: Vec<super::resize::ResizeError>,
    /// Running totals.
    pub totals: Totals,
    /// Cost until now, dedicated and Spot, millionths.
    pub cost: [i64; 2],
    /// Time until now by `Apart`: at its targets, or not and why.
    pub apart_ms: [Ms; 6],
    /// Most nodes it ever had.
    pub most_nodes: [u32; 2],
    /// Direction changes of the targets.
    pub oscillations: u32,
    /// Autoscale is enabled.
    pub autoscale: bool,
    /// Autoscale has stalled.
    pub stalled: bool,
    /// Made for a job or schedule.
    pub auto: bool,
    /// When it was created.
    pub created: Ms,
    /// Task slots per node.
    pub task_slots: u32,
}

/// A job as it looks now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobView {
    /// Id.
    pub id: String,
    /// Its pool, if that exists.
    pub pool: Option<String>,
    /// State.
    pub state: JobState,
    /// Why it ended.
    pub reason: Option<&'static str>,
    /// When it was added.
    pub created: Ms,
    /// When it closed.
    pub ended: Option<Ms>,
    /// Its tasks.
    pub counts: Counts,
}

impl Simulation {
    /// Sets up a scenario; nothing has happened yet.
    pub fn new(config: Config, work: Arc<Workload>, compiler: Compiler) -> Result<Simulation, StartError> {
        check(&config, &work)?;
        let config = Arc::new(config);
        let mut work_jobs = vec![(NONE, 0); work.jobs.len()];
        for job in &work.job {
            work_jobs[*job as usize].1 += 1;
        }
        let mut needed = vec![0u64; if work.extra.is_empty() { 0 } else { work.len().div_ceil(64) }];
        for on in work.extra.values().flat_map(|extra| &extra.depends_on) {
            if let Some(word) = needed.get_mut(*on as usize / 64) {
                *word |= 1 << (on % 64);
            }
        }
        let mut actions = config.actions.clone();
        actions.sort_by_key(|a| a.at);
        let accounts = config.accounts.iter().map(|a| Account {
            dedicated: a.dedicated_cores,
            spot: a.spot_cores,
            active_jobs: a.active_jobs,
            pools: a.pools,
        });
        let mut world = World {
            accounts: accounts.collect(),
            now: 0,
            agenda: Queue::default(),
            pools: Vec::new(),
            nodes: Vec::new(),
            vms: Vec::new(),
            jobs: Vec::new(),
            schedules: Vec::new(),
            tasks: Tasks::default(),
            rare: BTreeMap::new(),
            gangs: BTreeMap::new(),
            prepared: BTreeMap::new(),
            dependents: BTreeMap::new(),
            satisfied: BTreeMap::new(),
            needed: Arc::new(needed),
            specs: Log::default(),
            work_jobs,
            ran_on: BTreeMap::new(),
            deleted: BTreeSet::new(),
            dirty: Vec::new(),
            nodes_now: 0,
            most_nodes: 0,
            arrived: 0,
            refused_tasks: 0,
            config_jobs: vec![NONE; config.jobs.len()],
            actions: Arc::new(actions),
            out: Output::default(),
            compiler,
            work: work.clone(),
            config: config.clone(),
        };
        for (i, pool) in config.pools.iter().enumerate() {
            world.at(pool.create_at, Event::CreatePool { pool: i as u32 });
        }
        for (i, job) in config.jobs.iter().enumerate() {
            world.at(job.create_at, Event::AddJob { job: i as u32 });
        }
        for (i, schedule) in config.schedules.iter().enumerate() {
            world.at(schedule.create_at, Event::AddSchedule { schedule: i as u32 });
        }
        for i in 0..world.actions.len() {
            world.at(world.actions[i].at, Event::Act { action: i as u32 });
        }
        for step in &config.capacity {
            world.at(step.from, Event::Capacity);
        }
        let next_rare = work.extra.keys().next().copied().unwrap_or(NONE);
        let arrival = Moment::arrival(&work.submit_ms, 0);
        Ok(Simulation { world, cursor: 0, next_rare, arrival, moment: Moment::START, events: 0 })
    }

    /// Where trace lines go from now on. Forks do not inherit it.
    pub fn attach(&mut self, sink: Box<dyn Sink>) {
        self.world.out.trace.attach(sink);
    }

    /// Runs to the horizon.
    pub fn run(&mut self) {
        self.run_until(self.world.config.horizon);
    }

    /// Runs everything that happens up to and at an instant (the horizon at most).
    pub fn run_until(&mut self, until: Ms) {
        let until = until.min(self.world.config.horizon);
        self.go::<false>(until);
        self.world.now = self.world.now.max(until);
    }

    /// When the next thing happens.
    #[inline]
    pub fn next_at(&self) -> Option<Ms> {
        let next = self.world.agenda.next().min(self.arrival);
        Some(next.at()).filter(|at| next != Moment::END && *at <= self.world.config.horizon)
    }

    /// Lets one thing happen; false at the end.
    pub fn step(&mut self) -> bool {
        self.go::<true>(self.world.config.horizon)
    }

    /// Lets one thing, or everything, happen that does not lie later; false when there is no more.
    #[inline]
    fn go<const ONE: bool>(&mut self, until: Ms) -> bool {
        if until < 0 {
            return false;
        }
        let last = Moment::last(until);
        loop {
            let queued = self.world.agenda.next();
            let next = queued.min(self.arrival);
            if next != self.moment {
                if !self.world.dirty.is_empty() {
                    self.world.dispatch_all();
                    continue;
                }
                if next > last {
                    return false;
                }
                self.moment = next;
                self.world.now = next.at();
            }
            self.events += 1;
            if self.arrival < queued {
                self.arrive();
            } else {
                self.world.next_event();
            }
            if ONE {
                return true;
            }
        }
    }

    #[inline(always)]
    fn arrive(&mut self) {
        let i = self.cursor as u32;
        self.cursor += 1;
        self.arrival = Moment::arrival(&self.world.work.submit_ms, self.cursor);
        let rare = i == self.next_rare;
        if rare {
            self.next_rare = self.world.work.extra.range(i + 1..).next().map_or(NONE, |(k, _)| *k);
        }
        let alone = self.world.agenda.next().min(self.arrival) != self.moment;
        self.world.arrive(i, rare, alone);
    }

    /// A user acts, now.
    pub fn act(&mut self, action: &Action) -> Result<(), Refusal> {
        let answer = self.world.act(action);
        self.world.dispatch_all();
        answer
    }

    /// Now.
    pub fn now(&self) -> Ms {
        self.world.now
    }
    /// Events so far.
    pub fn events(&self) -> u64 {
        self.events
    }
    /// The digest of everything that happened.
    pub fn digest(&self) -> u64 {
        self.world.out.trace.digest()
    }
    /// Everything kept so far.
    pub fn output(&self) -> &Output {
        &self.world.out
    }
    /// The scenario.
    pub fn config(&self) -> &Config {
        &self.world.config
    }
    /// The workload.
    pub fn workload(&self) -> &Workload {
        &self.world.work
    }
    /// Name of a task.
    pub fn task_name(&self, id: u32) -> String {
        self.world.task_name(id)
    }
    /// Tasks added, finished and unfinished.
    pub fn task_totals(&self) -> (u64, u64, u64) {
        (self.world.arrived, self.world.out.finished, self.world.tasks.iter().count() as u64)
    }
    /// Checks what must always hold.
    pub fn check_invariants(&self) -> Result<(), Violation> {
        self.world.check_invariants()
    }
    /// Rows of the node transition table taken so far.
    pub fn visited(&self) -> impl Iterator<Item = usize> + '_ {
        (0..TRANSITIONS.len()).filter(|row| self.world.out.visited & (1 << row) != 0)
    }
    /// Nodes of a pool that exist now, ascending.
    pub fn nodes_of(&self, pool: u32) -> Vec<u32> {
        let mut nodes = self.world.pools.get(pool as usize).map_or(Vec::new(), |p| p.nodes.clone());
        nodes.sort_unstable();
        nodes
    }
    /// State of a node; none when it is gone or never was.
    pub fn node_state(&self, node: u32) -> Option<NodeState> {
        self.world.nodes.get(node as usize).filter(|n| !n.removed).map(|n| n.state)
    }
    /// Every pool there ever was.
    pub fn pools(&self) -> impl Iterator<Item = PoolView> + '_ {
        (0..self.world.pools.len() as u32).map(|p| self.pool(p))
    }
    /// A pool by id.
    pub fn pool_by_id(&self, id: &str) -> Option<PoolView> {
        self.world.find_pool(id).map(|p| self.pool(p))
    }
    /// Every job there ever was.
    pub fn jobs(&self) -> impl Iterator<Item = JobView> + '_ {
        self.world.jobs.iter().map(|j| JobView {
            id: j.id.clone(),
            pool: self.world.pools.get(j.pool as usize).map(|p| p.cfg.id.clone()),
            state: j.state,
            reason: j.reason,
            created: j.created,
            ended: (j.ended < NEVER).then_some(j.ended),
            counts: j.counts,
        })
    }
    /// State and reason of a job.
    pub fn job(&self, id: &str) -> Option<(JobState, Option<&'static str>)> {
        let job = self.world.jobs.iter().rev().find(|j| j.id == id)?;
        Some((job.state, job.reason))
    }
    /// The samples of a pool, those still on their way included.
    pub fn samples(&self, pool: u32) -> Arc<SeriesStore> {
        self.world.pools[pool as usize].sampler.series.clone()
    }
    /// The instant of a simulated time.
    pub fn instant(&self, at: Ms) -> Ticks {
        super::sampler::ticks(self.world.config.epoch, at)
    }
    pub(crate) fn world(&self) -> &World {
        &self.world
    }

    fn pool(&self, pool: u32) -> PoolView {
        let w = &self.world;
        let p = &w.pools[pool as usize];
        let mut state_ms = p.state_ms;
        for &n in &p.nodes {
            let node = &w.nodes[n as usize];
            state_ms[node.class as usize][node.state as usize] += w.now - node.since;
        }
        let mut apart_ms = p.mark.apart_ms;
        apart_ms[p.mark.apart as usize] += w.now - p.mark.apart_since;
        PoolView {
            id: p.cfg.id.clone(),
            state: p.state,
            allocation: p.alloc,
            target: p.target,
            current: p.current,
            nodes: p.by_state,
            state_ms,
            counts: p.counts,
            errors: p.errors.clone(),
            totals: p.totals,
            cost: w.cost_of(pool),
            apart_ms,
            most_nodes: p.mark.most_nodes,
            oscillations: p.mark.oscillations,
            autoscale: p.driver.enabled,
            stalled: p.driver.stalled,
            auto: p.auto,
            created: p.created,
            task_slots: p.cfg.task_slots,
        }
    }
}

impl World {
    /// One event. Ends of tasks are most of them and do not pay for the room all others need.
    #[inline(always)]
    fn next_event(&mut self) {
        match self.agenda.peek() {
            Some(&Event::TaskEnd { task, token, .. }) => {
                self.agenda.advance();
                self.look_ahead();
                self.task_ended(task, token);
            }
            Some(&event) => {
                self.agenda.advance();
                self.happen_rarely(event);
            }
            None => {}
        }
    }

    /// Reads a word of the task that ends next, and of its node, and lets both go: their lines are on their way from memory
    /// while the present event is worked on.
    #[inline(always)]
    fn look_ahead(&self) {
        if let Some(&Event::TaskEnd { task, node, .. }) = self.agenda.peek() {
            std::hint::black_box(self.tasks.slab.get(task as usize).map(|task| task.token));
            std::hint::black_box(self.nodes.get(node as usize).map(|node| node.life));
        }
    }

    #[inline(never)]
    fn happen_rarely(&mut self, event: Event) {
        match event {
            Event::TaskEnd { .. } => {}
            Event::Sample { pool } => {
                self.sample(pool);
                if self.now >= 180 * super::config::DAY {
                    self.expire_tasks();
                }
            }
            Event::Evaluate { pool, token } => self.evaluate(pool, token),
            Event::SlotsFreed { node, slots, token } => self.slots_freed(node, slots, token),
            Event::Prepared { node, job, token } => self.preparation_ended(node, job, token),
            Event::Allocated { pool, class } => self.allocated(pool, class),
            Event::Node { node, token, step } => self.node_step(node, token, step),
            Event::Evict { node, token } => {
                if self.vms[node as usize].hazard == token {
                    self.evict(node);
                }
            }
            Event::HostFailure { node, token } => self.host_failure(node, token),
            Event::Storm { pool } => self.storm(pool),
            Event::Availability { pool, step } => self.availability(pool, step),
            Event::ResizeTimeout { pool, token } => self.resize_timeout(pool, token),
            Event::ResizeSettled { pool, token } => self.resize_settled(pool, token),
            Event::Capacity => self.retry_growth(),
            Event::AddJob { job } => {
                let cfg = self.config.jobs[job as usize].clone();
                let early = self.work.jobs.iter().position(|w| w.id == cfg.id).map_or(NONE, |w| self.work_jobs[w].0);
                if early == NONE {
                    let id = cfg.id.clone();
                    match self.add_job(Arc::new(cfg), NONE) {
                        Ok(made) => self.config_jobs[job as usize] = made,
                        Err(refusal) => self.refuse(format!("add job {id}"), refusal),
                    }
                }
            }
            Event::AddTask { job, task } => {
                let j = &mut self.jobs[job as usize];
                j.pending -= 1;
                let spec = j.cfg.tasks[task as usize].clone();
                let id = spec.id.clone();
                if let Err(refusal) = self.add_spec(job, Arc::new(spec), 0) {
                    self.refused_tasks += 1;
                    self.refuse(format!("add task {id}"), refusal);
                }
            }
            Event::Act { action } => {
                let actions = self.actions.clone();
                let action = &actions[action as usize].action;
                if let Err(refusal) = self.act(action) {
                    let text = format!("{action:?}");
                    let what = text.split([' ', '(']).next().unwrap_or_default().to_string();
                    self.refuse(what, refusal);
                }
            }
            Event::CreatePool { pool } => {
                let cfg = Arc::new(self.config.pools[pool as usize].clone());
                let id = cfg.id.clone();
                if let Err(refusal) = self.create_pool(cfg, false) {
                    self.refuse(format!("create pool {id}"), refusal);
                }
            }
            Event::AddSchedule { schedule } => {
                let cfg = Arc::new(self.config.schedules[schedule as usize].clone());
                let id = cfg.id.clone();
                if let Err(refusal) = self.add_schedule(cfg) {
                    self.refuse(format!("add schedule {id}"), refusal);
                }
            }
            Event::Schedule { schedule, token } => self.schedule_due(schedule, token),
            Event::JobTimeout { job } => self.terminate_job(job, "MaxWallClockTimeExpiry"),
            Event::JobClosed { job, delete } => self.job_closed(job, delete),
        }
    }

    /// Unfinished tasks, for views.
    pub fn live_tasks(&self) -> impl Iterator<Item = (&Task, TaskState)> {
        self.tasks.iter().map(|(_, t)| (t, t.state))
    }
}

/// Refuses what would not make sense anywhere: columns of different lengths, dangling indices, disorder.
fn check(config: &Config, work: &Workload) -> Result<(), StartError> {
    let error = |message: String| Err(StartError { message });
    let n = work.len();
    if work.run_ms.len() != n || work.slots.len() != n || work.job.len() != n {
        return error("the columns of the workload differ in length".into());
    }
    if !work.exit.is_empty() && work.exit.len() != n {
        return error("the exit column of the workload differs in length".into());
    }
    if work.job.iter().any(|j| *j as usize >= work.jobs.len()) {
        return error("a workload task names a job that does not exist".into());
    }
    if !work.submit_ms.is_sorted() {
        return error("the workload is not sorted by submission".into());
    }
    if n >= (NONE / 2) as usize {
        return error("the workload has more than two thousand million tasks".into());
    }
    if config.accounts.is_empty() {
        return error("the scenario has no account".into());
    }
    if let Some(pool) = config.pools.iter().find(|p| p.account >= config.accounts.len()) {
        return error(format!("pool {} names account {}, which does not exist", pool.id, pool.account));
    }
    if let Some(job) = config.jobs.iter().find(|j| j.release.is_some() && j.preparation.is_none()) {
        return error(format!("job {} has a release task but no preparation task", job.id));
    }
    for pool in &config.pools {
        if pool.sampler.period <= 0 || pool.autoscale.interval <= 0 {
            return error(format!("pool {}: periods must be positive", pool.id));
        }
    }
    Ok(())
}

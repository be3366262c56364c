//! The world: plain tables of accounts, pools, nodes, jobs and tasks.
//!
//! In: changes made by the state machines. Out: views, counts, a clone at any instant. Never: a rule of the service.
//!
//! Nodes and jobs are never reused, so their ids are their positions. Tasks live in a slab while unfinished and leave
//! at most one record behind; whatever is rare about a task is in a side table. Counts are kept as they change, so
//! taking a sample costs the same whatever the size of the pool.

use super::{
    autoscale::Driver,
    config::{Config, JobConfig, Ms, PoolConfig, ScheduleConfig, TaskConfig, UsageModel},
    event::Event,
    log::Log,
    output::Output,
    policy::place::FreeIndex,
    queue::Queue,
    resize::{Resize, ResizeError},
    sampler::Sampler,
    workload::Workload,
};
use poolcast_runtime::value::DeallocationOption;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// No node, no task.
pub const NONE: u32 = u32::MAX;

/// Dedicated or Spot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Class {
    /// Dedicated.
    Dedicated,
    /// Spot or low priority.
    Spot,
}

impl Class {
    /// Both.
    pub const BOTH: [Class; 2] = [Class::Dedicated, Class::Spot];
}

macro_rules! states {
    ($(#[$doc:meta])* $name:ident { $($variant:ident $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum $name { $( #[doc = $text] $variant, )* }
        impl $name {
            /// All, in order.
            pub const ALL: &'static [$name] = &[ $( $name::$variant ),* ];
            /// The name on the wire.
            pub fn name(self) -> &'static str { match self { $( $name::$variant => $text, )* } }
        }
    };
}

states! {
    /// The sixteen node states (pool.md §4.1).
    NodeState {
        Creating "creating", Starting "starting", WaitingForStartTask "waitingforstarttask",
        StartTaskFailed "starttaskfailed", Idle "idle", Running "running", Offline "offline", Rebooting "rebooting",
        Reimaging "reimaging", UpgradingOs "upgradingos", Unusable "unusable", Unknown "unknown",
        LeavingPool "leavingpool", Preempted "preempted", Deallocating "deallocating", Deallocated "deallocated",
    }
}
impl NodeState {
    /// States in which a node's slots are there and may be taken: one that drains or is out of touch works on.
    pub const WITH_SLOTS: [NodeState; 4] =
        [NodeState::Idle, NodeState::Running, NodeState::LeavingPool, NodeState::Unknown];
}

states! {
    /// Allocation states of a pool.
    AllocationState { Steady "steady", Resizing "resizing", Stopping "stopping" }
}
states! {
    /// States of a pool.
    PoolState { Active "active", Deleting "deleting", Removed "removed" }
}
states! {
    /// States of a job.
    JobState {
        Active "active", Disabling "disabling", Disabled "disabled", Enabling "enabling", Terminating "terminating",
        Completed "completed", Deleting "deleting", Removed "removed",
    }
}
states! {
    /// States of an unfinished task.
    TaskState {
        Waiting "active, waiting for dependencies", Ready "active", Preparing "preparing", Running "running",
    }
}
states! {
    /// States of a job schedule.
    ScheduleState {
        Active "active", Disabled "disabled", Terminating "terminating", Completed "completed", Deleting "deleting",
        Removed "removed",
    }
}

/// A node: what changes with its tasks, in one cache line.
#[derive(Debug, Clone)]
#[repr(align(64))] // one line of the cache, not parts of two
pub struct Node {
    pub(crate) since: Ms,
    pub(crate) retain_until: Ms,
    pub(crate) pool: u32,
    pub(crate) prev: u32,
    pub(crate) next: u32,
    /// First running task.
    pub(crate) tasks: u32,
    /// Changes when the VM's contents are lost: voids preparations, kills, host failures.
    pub(crate) life: u32,
    pub(crate) free: u16,
    /// Slots of killed tasks not yet gone.
    pub(crate) dying: u16,
    pub(crate) running: u16,
    /// Bucket in the pool's free index, `u16::MAX` when in none.
    pub(crate) bucket: u16,
    pub(crate) state: NodeState,
    pub(crate) class: Class,
    /// Scheduling enabled.
    pub(crate) enabled: bool,
    /// How it drains while leaving, offline pending or rebooting pending.
    pub(crate) drain: Drain,
    /// It has left its pool.
    pub(crate) removed: bool,
    /// Job managers on it.
    pub(crate) managers: u8,
}

/// The rest about a node, which its tasks do not change.
#[derive(Debug, Clone)]
pub struct NodeVm {
    /// State at the last sample, for `stale_view`.
    pub(crate) seen: NodeState,
    pub(crate) zone: u8,
    /// Runs of the start task since it was booted.
    pub(crate) attempts: u16,
    /// Voids the node's timer.
    pub(crate) timer: u32,
    /// Voids the eviction hazard.
    pub(crate) hazard: u32,
    /// Position in the pool's list.
    pub(crate) position: u32,
    pub(crate) created: Ms,
    pub(crate) billed_from: Ms,
    pub(crate) preempted_at: Ms,
}

/// What a node is being emptied for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drain {
    /// Nothing.
    No,
    /// Leaving, under an option, still waiting.
    Leave(DeallocationOption),
    /// Leaving, the VM is being deleted.
    Deleting,
    /// To go offline once empty.
    Offline,
    /// To reboot, reimage, upgrade or deallocate once empty.
    Then(NodeState),
}

/// Counts of tasks, weighted by instances where the metrics want it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Ready to run.
    pub active: i64,
    /// Held back by dependencies.
    pub waiting: i64,
    /// Waiting for a preparation task.
    pub preparing: i64,
    /// Running.
    pub running: i64,
    /// Running, each task once.
    pub running_tasks: i64,
    /// Finished with success and not deleted.
    pub succeeded: i64,
    /// Finished without success and not deleted.
    pub failed: i64,
}

impl Counts {
    pub(crate) fn add(&mut self, other: &Counts, sign: i64) {
        self.active += sign * other.active;
        self.waiting += sign * other.waiting;
        self.preparing += sign * other.preparing;
        self.running += sign * other.running;
        self.running_tasks += sign * other.running_tasks;
        self.succeeded += sign * other.succeeded;
        self.failed += sign * other.failed;
    }
}

/// Jobs of one priority that have ready tasks. Kept when it empties.
#[derive(Debug, Clone)]
pub struct Level {
    pub(crate) priority: i32,
    pub(crate) ring: VecDeque<u32>,
}

/// A pool.
#[derive(Debug, Clone)]
pub struct Pool {
    pub(crate) cfg: Arc<PoolConfig>,
    pub(crate) state: PoolState,
    pub(crate) alloc: AllocationState,
    pub(crate) target: [u32; 2],
    /// Those that are neither idle nor running first.
    pub(crate) nodes: Vec<u32>,
    pub(crate) unready: u32,
    pub(crate) current: [u32; 2],
    pub(crate) leaving: [u32; 2],
    /// VMs asked for and not yet obtained.
    pub(crate) ordered: [u32; 2],
    /// Orders to void when they arrive.
    pub(crate) voided: [u32; 2],
    pub(crate) orders: u64,
    pub(crate) next_order_at: Ms,
    pub(crate) by_state: [[u32; 16]; 2],
    pub(crate) state_ms: [[i64; 16]; 2],
    /// Open paid stretches: how many, and the sum of their beginnings.
    pub(crate) open: [(i64, i64); 2],
    pub(crate) resize: Option<Resize>,
    pub(crate) resize_token: u32,
    pub(crate) errors: Vec<ResizeError>,
    pub(crate) queued: Option<([u32; 2], DeallocationOption)>,
    pub(crate) free: FreeIndex,
    pub(crate) levels: Vec<Level>,
    /// Jobs in the rings of the levels: those with ready tasks.
    pub(crate) ringed: u32,
    pub(crate) counts: Counts,
    pub(crate) ghosts: i64,
    pub(crate) dirty: bool,
    pub(crate) driver: Driver,
    pub(crate) sampler: Sampler,
    pub(crate) storm: bool,
    pub(crate) storm_flips: u64,
    pub(crate) available: bool,
    /// When tasks were last requeued to make room.
    pub(crate) room_made: Ms,
    pub(crate) usage: [i64; 9],
    pub(crate) usage_traces: u32,
    /// Tasks may have to give way here: some job allows it, or a job manager has restarted.
    pub(crate) makes_room: bool,
    pub(crate) auto: bool,
    pub(crate) created: Ms,
    pub(crate) slots_used: i64,
    pub(crate) totals: Totals,
    pub(crate) mark: Marks,
}

/// Running totals of a pool.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Millionths of the currency, dedicated and Spot, of closed spans.
    pub cost: [i64; 2],
    /// Slot-milliseconds given to attempts.
    pub slot_ms: i64,
    /// Slot-milliseconds of attempts lost, by cause.
    pub lost_ms: [i64; 3],
    /// Attempts lost, by cause: user requeue, termination, preemption or recovery.
    pub lost: [u64; 3],
    /// Nodes evicted.
    pub evictions: u64,
    /// Nodes restored.
    pub restores: u64,
    /// Nodes obtained.
    pub obtained: u64,
}

states! {
    /// Why a pool is not at its targets.
    Apart {
        Together "at its targets", Allocating "waiting for VMs", Draining "waiting for nodes to leave",
        Quota "stopped by quota", Refused "the last resize timed out or was refused", Idle "nobody is resizing it",
    }
}

/// What is being measured between changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks {
    pub(crate) apart: Apart,
    pub(crate) apart_since: Ms,
    pub(crate) apart_ms: [Ms; 6],
    pub(crate) last_change: [i8; 2],
    pub(crate) oscillations: u32,
    pub(crate) most_nodes: [u32; 2],
}

/// One queue of ready tasks: all of the same shape.
#[derive(Debug, Clone)]
pub struct Shape {
    pub(crate) slots: u16,
    pub(crate) instances: u16,
    pub(crate) fifo: VecDeque<u32>,
    /// Tasks that came back or were released late, by (rank, id).
    pub(crate) back: BTreeSet<(u8, u32, u32)>,
}

/// A job.
#[derive(Debug, Clone)]
pub struct Job {
    pub(crate) id: String,
    pub(crate) cfg: Arc<JobConfig>,
    pub(crate) pool: u32,
    /// Where it wants to run when that pool does not exist.
    pub(crate) wants: String,
    pub(crate) state: JobState,
    pub(crate) created: Ms,
    pub(crate) ended: Ms,
    pub(crate) reason: Option<&'static str>,
    pub(crate) counts: Counts,
    /// Its counts are part of the pool's.
    pub(crate) counted: bool,
    pub(crate) shapes: Vec<Shape>,
    pub(crate) ready: u32,
    pub(crate) in_ring: bool,
    /// Tasks that will still be added by the scenario.
    pub(crate) pending: u32,
    /// Unfinished tasks.
    pub(crate) live: u32,
    /// Attempts on nodes.
    pub(crate) placed: u32,
    pub(crate) account: u32,
    /// Nothing about its tasks is rare.
    pub(crate) plain: bool,
    pub(crate) manager: u32,
    pub(crate) schedule: u32,
    pub(crate) auto_pool: bool,
    pub(crate) excluded: BTreeSet<u32>,
    pub(crate) names: BTreeMap<String, u32>,
}

impl Job {
    /// The queue of tasks of a shape.
    #[inline]
    pub(crate) fn shape(&mut self, slots: u16, instances: u16) -> &mut Shape {
        let found = self.shapes.iter().position(|s| s.slots == slots && s.instances == instances);
        let at = found.unwrap_or_else(|| {
            self.shapes.push(Shape { slots, instances, fifo: VecDeque::new(), back: BTreeSet::new() });
            self.shapes.len() - 1
        });
        &mut self.shapes[at]
    }
}

/// An unfinished task. 64 bytes.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))] // one line of the cache, not parts of two
pub struct Task {
    pub(crate) id: u32,
    pub(crate) job: u32,
    pub(crate) node: u32,
    pub(crate) token: u32,
    pub(crate) next: u32,
    pub(crate) prev: u32,
    pub(crate) run: u32,
    pub(crate) wasted: u32,
    pub(crate) attempts: u16,
    pub(crate) retries: u16,
    pub(crate) requeues: u16,
    pub(crate) slots: u16,
    pub(crate) instances: u16,
    pub(crate) state: TaskState,
    pub(crate) flags: u8,
    pub(crate) created: Ms,
    pub(crate) start: Ms,
}

/// The task has an entry in the side table.
pub const RARE: u8 = 1;
/// It is its job's manager.
pub const MANAGER: u8 = 2;
/// Its attempt ends by the wall-clock limit.
pub const TIMED_OUT: u8 = 4;
/// It was seen waiting for slots no node has (reported once).
pub const REPORTED: u8 = 8;

/// What is rare about a task.
#[derive(Debug, Clone, Default)]
pub struct Rare {
    pub(crate) retries: Option<i32>,
    pub(crate) wall: Option<Ms>,
    pub(crate) retention: Option<Ms>,
    pub(crate) coordination: Ms,
    pub(crate) usage: Option<UsageModel>,
    pub(crate) spec: Option<Arc<TaskConfig>>,
    pub(crate) affinity: u32,
    /// Dependencies not yet satisfied.
    pub(crate) left: u32,
    /// Where the task lives.
    pub(crate) at: u32,
}

/// What a dependency waits for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// A workload task.
    Work(u32),
    /// A task of a job by id.
    Name(u32, String),
    /// Any task of a job whose id is this number.
    Number(u32, u64),
}

/// A job schedule.
#[derive(Debug, Clone)]
pub struct Schedule {
    pub(crate) cfg: Arc<ScheduleConfig>,
    pub(crate) state: ScheduleState,
    pub(crate) token: u32,
    pub(crate) occurrences: u32,
    pub(crate) missed: u32,
    pub(crate) job: u32,
    pub(crate) next: Ms,
    pub(crate) pool: u32,
}

/// An account's quotas now.
#[derive(Debug, Clone)]
pub struct Account {
    pub(crate) dedicated: u32,
    pub(crate) spot: u32,
    pub(crate) active_jobs: u32,
    pub(crate) pools: u32,
}

/// The slab of unfinished tasks.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    pub(crate) slab: Vec<Task>,
    pub(crate) holes: Vec<u32>,
}

impl Tasks {
    /// A place for a task, which has its token from it: that goes on counting, so events of the previous tenant stay stale.
    #[inline(always)]
    pub(crate) fn reserve(&mut self, task: &mut Task) -> u32 {
        match self.holes.pop() {
            Some(at) => {
                task.token = self.slab[at as usize].token.wrapping_add(1);
                at
            }
            None => {
                self.slab.push(*task);
                self.slab.len() as u32 - 1
            }
        }
    }
    #[inline]
    pub(crate) fn remove(&mut self, at: u32) {
        let task = &mut self.slab[at as usize];
        task.token = task.token.wrapping_add(1);
        task.id = NONE;
        self.holes.push(at);
    }
    /// Unfinished tasks with their places.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Task)> {
        self.slab.iter().enumerate().filter(|(_, t)| t.id != NONE).map(|(i, t)| (i as u32, t))
    }
}

impl std::ops::Index<u32> for Tasks {
    type Output = Task;
    #[inline]
    fn index(&self, at: u32) -> &Task {
        &self.slab[at as usize]
    }
}
impl std::ops::IndexMut<u32> for Tasks {
    #[inline]
    fn index_mut(&mut self, at: u32) -> &mut Task {
        &mut self.slab[at as usize]
    }
}

/// Everything.
#[derive(Debug, Clone)]
pub struct World {
    pub(crate) config: Arc<Config>,
    pub(crate) work: Arc<Workload>,
    pub(crate) now: Ms,
    pub(crate) agenda: Queue,
    pub(crate) accounts: Vec<Account>,
    pub(crate) pools: Vec<Pool>,
    pub(crate) nodes: Vec<Node>,
    /// One for every node.
    pub(crate) vms: Vec<NodeVm>,
    pub(crate) jobs: Vec<Job>,
    pub(crate) schedules: Vec<Schedule>,
    pub(crate) tasks: Tasks,
    pub(crate) rare: BTreeMap<u32, Rare>,
    pub(crate) gangs: BTreeMap<u32, Vec<u32>>,
    pub(crate) prepared: BTreeMap<(u32, u32), Prep>,
    pub(crate) dependents: BTreeMap<Need, Vec<u32>>,
    pub(crate) satisfied: BTreeMap<Need, bool>,
    /// One bit per workload task: others depend on it. Empty when nobody depends on anybody.
    pub(crate) needed: Arc<Vec<u64>>,
    /// Explicit tasks, in order of addition; their ids follow the workload's.
    pub(crate) specs: Log<(u32, Arc<TaskConfig>)>,
    /// Of each job of the workload: the job here, and its tasks still to come.
    pub(crate) work_jobs: Vec<(u32, u32)>,
    /// Where finished tasks ran, for affinity (explicit tasks only).
    pub(crate) ran_on: BTreeMap<u32, u32>,
    pub(crate) deleted: BTreeSet<u32>,
    pub(crate) dirty: Vec<u32>,
    /// Nodes of all pools, and the most there ever were at once.
    pub(crate) nodes_now: u32,
    pub(crate) most_nodes: u32,
    pub(crate) arrived: u64,
    /// Tasks whose job would not take them.
    pub(crate) refused_tasks: u64,
    /// Configured job → job.
    pub(crate) config_jobs: Vec<u32>,
    pub(crate) out: Output,
    pub(crate) actions: Arc<Vec<super::config::TimedAction>>,
    pub(crate) compiler: super::autoscale::Compiler,
}

/// A preparation task on a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prep {
    /// Running, with the tasks waiting for it.
    Running(Vec<u32>),
    /// Done.
    Done,
}

impl World {
    /// Adds an event to the agenda, unless it lies beyond the horizon.
    #[inline]
    pub(crate) fn at(&mut self, at: Ms, event: Event) {
        debug_assert!(at >= self.now, "{event:?} at {at} is before {}", self.now);
        if at <= self.config.horizon {
            self.agenda.push(at, event);
        }
    }
    /// After a while.
    #[inline]
    pub(crate) fn after(&mut self, delay: Ms, event: Event) {
        self.at(self.now.saturating_add(delay), event);
    }
    pub(crate) fn find_pool(&self, id: &str) -> Option<u32> {
        self.pools
            .iter()
            .position(|p| p.state != PoolState::Removed && p.cfg.id.eq_ignore_ascii_case(id))
            .map(|i| i as u32)
    }
    pub(crate) fn find_job(&self, id: &str) -> Option<u32> {
        self.jobs.iter().rposition(|j| j.state != JobState::Removed && j.id.eq_ignore_ascii_case(id)).map(|i| i as u32)
    }
    /// Whether a node is still in its pool.
    pub(crate) fn node_exists(&self, node: u32) -> bool {
        self.nodes.get(node as usize).is_some_and(|n| !n.removed)
    }
    /// Whether tasks of the workload depend on this one.
    #[inline]
    pub(crate) fn is_needed(&self, id: u32) -> bool {
        self.needed.get(id as usize / 64).is_some_and(|word| word >> (id % 64) & 1 != 0)
    }
    /// The live task of an id.
    pub(crate) fn find_task(&self, id: u32) -> Option<u32> {
        self.tasks.iter().find(|(_, t)| t.id == id).map(|(at, _)| at)
    }
    /// Name of a task.
    pub fn task_name(&self, id: u32) -> String {
        let n = self.work.len() as u32;
        if id < n {
            self.work.names.get(id as usize).cloned().unwrap_or_else(|| format!("task-{id}"))
        } else {
            self.specs.get((id - n) as usize).map_or_else(|| format!("task-{id}"), |(_, spec)| spec.id.clone())
        }
    }
}

// Both are looked at for every event.
const _: () = assert!(size_of::<Task>() == 64 && size_of::<Node>() == 64);

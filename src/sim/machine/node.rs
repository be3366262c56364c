//! Node states: the table of what may follow what, and the one function that changes a state.
//!
//! In: a node, a new state, a reason. Out: counts, paid stretches, the free index and the history kept in step. Never: a
//! change that `TRANSITIONS` does not list.

use crate::sim::{
    config::Ms,
    output::{NodeChange, NodeSpan},
    policy::cost,
    trace::Note,
    world::{AllocationState, Apart, Class, Drain, NONE, Node, NodeState, NodeVm, Pool, World},
};
use NodeState::*;

macro_rules! whys {
    ($($name:ident $text:literal;)*) => {
        /// Why a node changed state.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        #[allow(missing_docs)]
        pub enum Why { $( $name, )* }
        impl Why {
            /// All of them, in order.
            pub const ALL: &'static [Why] = &[ $( Why::$name, )* ];
            /// The reason as the end of a sentence.
            pub fn text(self) -> &'static str { match self { $( Why::$name => $text, )* } }
        }
    };
}
whys! {
    Obtained "the VM was obtained";
    AgentBegins "the VM is up and the agent starts";
    Ready "the agent is ready";
    StartTaskBegins "the start task runs and must succeed first";
    StartTaskDone "the start task succeeded";
    StartTaskFailed "the start task failed and has no retry left";
    PackageFailure "a package or image could not be fetched; Batch does not try again";
    NoContact "the node never reported; recovery is tried";
    TaskAssigned "a task was assigned";
    TasksEnded "the last task ended";
    SchedulingDisabled "scheduling was disabled";
    SchedulingEnabled "scheduling was enabled";
    RebootAsked "a reboot was requested";
    ReimageAsked "a reimage was requested";
    DeallocateAsked "a deallocation was requested";
    Stopped "the VM is stopped";
    StartAsked "a start was requested";
    Upgrading "its OS is upgraded";
    Rebooted "the VM is up again";
    LostContact "contact was lost";
    ContactBack "contact is back";
    HostFailed "its host failed";
    HostRebooted "its host failed and it was rebooted";
    DiskFull "its disk is full";
    Recovered "the service recovered it";
    EvictionNoticed "its capacity was taken back";
    Evicted "it was evicted";
    Restored "capacity is back";
    Shrunk "a resize chose it";
    RemovedByUser "a user removed it";
    PoolDeleted "its pool is deleted";
    CleanedUp "it stayed preempted too long";
    DrainReverted "the resize timed out before it was empty";
    VmDeleted "its VM is deleted";
}

const LIVE: &[NodeState] = &[
    Creating,
    Starting,
    WaitingForStartTask,
    StartTaskFailed,
    Idle,
    Running,
    Offline,
    Rebooting,
    Reimaging,
    UpgradingOs,
    Unknown,
];
const STAYING: &[NodeState] = &[
    Creating,
    Starting,
    WaitingForStartTask,
    StartTaskFailed,
    Idle,
    Running,
    Offline,
    Rebooting,
    Reimaging,
    UpgradingOs,
    Unusable,
    Unknown,
    Preempted,
    Deallocating,
    Deallocated,
];

/// A row: from any of these (empty: not there yet), for this reason, to this (none: gone).
pub type Transition = (&'static [NodeState], Why, Option<NodeState>);

/// What may follow what (pool.md (a), Node.state).
pub const TRANSITIONS: &[Transition] = &[
    (&[], Why::Obtained, Some(Creating)),
    (&[Creating], Why::AgentBegins, Some(Starting)),
    (&[Starting], Why::Ready, Some(Idle)),
    (&[Starting], Why::StartTaskBegins, Some(WaitingForStartTask)),
    (&[Starting], Why::PackageFailure, Some(Unusable)),
    (&[Starting], Why::NoContact, Some(Unusable)),
    (&[WaitingForStartTask], Why::StartTaskDone, Some(Idle)),
    (&[WaitingForStartTask], Why::StartTaskFailed, Some(StartTaskFailed)),
    (&[Idle], Why::TaskAssigned, Some(Running)),
    (&[Running], Why::TasksEnded, Some(Idle)),
    (&[Idle, Running], Why::SchedulingDisabled, Some(Offline)),
    (&[Offline], Why::SchedulingEnabled, Some(Idle)),
    (&[Idle, Running, StartTaskFailed], Why::RebootAsked, Some(Rebooting)),
    (&[Idle, Running], Why::ReimageAsked, Some(Reimaging)),
    (&[Idle, Running], Why::DeallocateAsked, Some(Deallocating)),
    (&[Deallocating], Why::Stopped, Some(Deallocated)),
    (&[Deallocated], Why::StartAsked, Some(Starting)),
    (&[Idle, Running], Why::Upgrading, Some(UpgradingOs)),
    (&[Rebooting, Reimaging, UpgradingOs], Why::Rebooted, Some(Starting)),
    (LIVE, Why::LostContact, Some(Unknown)),
    (&[Unknown], Why::ContactBack, Some(Idle)),
    (&[Unknown], Why::ContactBack, Some(Running)),
    (LIVE, Why::HostFailed, Some(Unusable)),
    (LIVE, Why::HostRebooted, Some(Rebooting)),
    (LIVE, Why::DiskFull, Some(Unusable)),
    (&[Unusable], Why::Recovered, Some(Starting)),
    (LIVE, Why::EvictionNoticed, Some(Unusable)),
    (LIVE, Why::Evicted, Some(Preempted)),
    (&[Unusable], Why::Evicted, Some(Preempted)),
    (&[Preempted], Why::Restored, Some(Creating)),
    (STAYING, Why::Shrunk, Some(LeavingPool)),
    (STAYING, Why::RemovedByUser, Some(LeavingPool)),
    (STAYING, Why::PoolDeleted, Some(LeavingPool)),
    (&[Preempted], Why::CleanedUp, Some(LeavingPool)),
    (&[LeavingPool], Why::DrainReverted, Some(Idle)),
    (&[LeavingPool], Why::DrainReverted, Some(Running)),
    (&[LeavingPool], Why::VmDeleted, None),
];

/// "Not there yet" and "gone" beside the states.
const PLACES: usize = NodeState::ALL.len() + 1;
const fn place(state: Option<NodeState>) -> usize {
    match state {
        Some(state) => state as usize,
        None => PLACES - 1,
    }
}

/// `TRANSITIONS` by reason, from and to; 0 is no row, else the row after.
const ROWS: [[[u8; PLACES]; PLACES]; Why::VmDeleted as usize + 1] = {
    let mut rows = [[[0; PLACES]; PLACES]; Why::VmDeleted as usize + 1];
    let mut row = 0;
    while row < TRANSITIONS.len() {
        let (from, why, to) = TRANSITIONS[row];
        row += 1;
        let of_why = &mut rows[why as usize];
        if from.is_empty() {
            of_why[place(None)][place(to)] = row as u8;
        }
        let mut i = 0;
        while i < from.len() {
            of_why[place(Some(from[i]))][place(to)] = row as u8;
            i += 1;
        }
    }
    rows
};

/// The row that allows a change.
pub fn transition(from: Option<NodeState>, why: Why, to: Option<NodeState>) -> Option<usize> {
    static TABLE: &[[[u8; PLACES]; PLACES]] = &ROWS;
    usize::from(TABLE[why as usize][place(from)][place(to)]).checked_sub(1)
}

const ASSIGNED: usize = 8;
const ENDED: usize = 9;

/// States in which a node takes tasks, or could.
pub(crate) fn ready(state: NodeState) -> bool {
    matches!(state, Idle | Running)
}

/// States a node is paid for (pool.md §12).
pub(crate) fn billed(state: NodeState) -> bool {
    !matches!(state, Preempted | Deallocated)
}

impl Node {
    /// Takes tasks now.
    #[inline]
    pub(crate) fn accepts(&self) -> bool {
        ready(self.state) && self.enabled && self.drain == Drain::No
    }
    /// Nothing runs and nothing is being killed.
    #[inline]
    pub(crate) fn empty(&self) -> bool {
        self.running == 0 && self.dying == 0
    }
}

impl Pool {
    /// A node goes over to those that are ready, or comes from them.
    fn cross(&mut self, vms: &mut [NodeVm], n: u32, ready: bool) {
        let to = self.unready - u32::from(ready);
        self.unready = to + u32::from(!ready);
        let from = std::mem::replace(&mut vms[n as usize].position, to);
        self.nodes.swap(from as usize, to as usize);
        if from != to {
            vms[self.nodes[from as usize] as usize].position = from;
        }
    }
}

impl World {
    /// Changes a node's state.
    pub(crate) fn set_node(&mut self, n: u32, to: NodeState, why: Why) {
        let now = self.now;
        let node = &mut self.nodes[n as usize];
        let from = node.state;
        let class = node.class as usize;
        match transition(Some(from), why, Some(to)) {
            Some(row) => self.out.visited |= 1 << row,
            None => debug_assert!(false, "{from:?} -> {to:?}: {why:?} is not in TRANSITIONS"),
        }
        let pool = &mut self.pools[node.pool as usize];
        pool.by_state[class][from as usize] -= 1;
        pool.by_state[class][to as usize] += 1;
        pool.state_ms[class][from as usize] += now - node.since;
        node.since = now;
        node.state = to;
        if ready(from) != ready(to) {
            pool.cross(&mut self.vms, n, ready(to));
        }
        match (billed(from), billed(to)) {
            (true, false) => self.close_span(n),
            (false, true) => self.open_span(n),
            _ => {}
        }
        self.reindex(n);
        self.remember(n, Some(from), Some(to), why);
    }

    /// Slots of a node are free again: it may be idle, or empty as its drain wants it.
    pub(crate) fn vacate(&mut self, n: u32, slots: u16) {
        let World { now, nodes, pools, out, dirty, .. } = self;
        let pool = nodes[n as usize].pool;
        match vacate(nodes, &mut pools[pool as usize], n, slots, *now, dirty) {
            Some(taken) => out.visited |= taken,
            None => self.emptier(n),
        }
    }

    /// A node that is being emptied has fewer tasks.
    #[inline(never)]
    pub(crate) fn emptier(&mut self, n: u32) {
        self.reindex(n);
        self.drained(n);
    }

    /// Puts a node where the free index wants it.
    #[inline]
    pub(crate) fn reindex(&mut self, n: u32) {
        let node = &self.nodes[n as usize];
        let (pool, wanted) = (node.pool, node.accepts() && node.free > 0);
        let p = &mut self.pools[pool as usize];
        p.free.remove(&mut self.nodes, n);
        if wanted {
            p.free.insert(&mut self.nodes, n);
            p.touch(pool, &mut self.dirty);
        }
    }

    fn remember(&mut self, node: u32, from: Option<NodeState>, to: Option<NodeState>, why: Why) {
        if self.config.output.node_history {
            self.out.node_changes.push(&NodeChange { at: self.now, node, from, to, why });
        }
        let code = to.map_or(16, |s| s as u64);
        self.out.trace.note(self.now, Note::Node, node, code, || {
            Some(format!("{}: {}", to.map_or("removed", NodeState::name), why.text()))
        });
    }

    /// Begins a paid stretch.
    fn open_span(&mut self, n: u32) {
        let now = self.now;
        let node = &self.nodes[n as usize];
        self.vms[n as usize].billed_from = now;
        let open = &mut self.pools[node.pool as usize].open[node.class as usize];
        *open = (open.0 + 1, open.1 + now);
    }

    /// Ends a paid stretch.
    fn close_span(&mut self, n: u32) {
        let (node, from) = (&self.nodes[n as usize], self.vms[n as usize].billed_from);
        let pool = &mut self.pools[node.pool as usize];
        let open = &mut pool.open[node.class as usize];
        *open = (open.0 - 1, open.1 - from);
        let price = cost::price(&pool.cfg, node.class);
        let cost = cost::charge(price, self.now - from, pool.cfg.cost.billing_quantum);
        pool.totals.cost[node.class as usize] += cost;
        let span = NodeSpan { node: n, pool: node.pool, class: node.class, from, to: self.now, cost };
        if span.to > span.from {
            self.out.spans.push(&span);
        }
    }

    /// Cost of a pool until now, open stretches included, and of its disks.
    pub(crate) fn cost_of(&self, pool: u32) -> [i64; 2] {
        let p = &self.pools[pool as usize];
        let mut cost = p.totals.cost;
        for &n in &p.nodes {
            let (node, vm) = (&self.nodes[n as usize], &self.vms[n as usize]);
            let price = cost::price(&p.cfg, node.class);
            if billed(node.state) {
                cost[node.class as usize] += cost::charge(price, self.now - vm.billed_from, p.cfg.cost.billing_quantum);
            }
            if p.cfg.cost.disk > 0 {
                cost[node.class as usize] += cost::charge(p.cfg.cost.disk, self.now - vm.created, 1);
            }
        }
        cost
    }

    /// Cost of a pool until now, to the millionth but without the quantum of open stretches: for the time series.
    pub(crate) fn running_cost(&self, pool: u32) -> i64 {
        let p = &self.pools[pool as usize];
        let mut total = 0;
        for class in Class::BOTH {
            let (count, begun) = p.open[class as usize];
            total += p.totals.cost[class as usize];
            if count > 0 {
                total += cost::charge(cost::price(&p.cfg, class), self.now * count - begun, 1);
            }
        }
        total
    }

    /// A node enters the pool.
    pub(crate) fn add_node(&mut self, pool: u32, class: Class) -> u32 {
        let n = self.nodes.len() as u32;
        let now = self.now;
        let p = &mut self.pools[pool as usize];
        self.nodes.push(Node {
            state: Creating,
            class,
            enabled: true,
            drain: Drain::No,
            free: p.cfg.task_slots as u16,
            dying: 0,
            running: 0,
            bucket: u16::MAX,
            pool,
            prev: NONE,
            next: NONE,
            tasks: NONE,
            since: now,
            retain_until: 0,
            life: 0,
            managers: 0,
            removed: false,
        });
        self.vms.push(NodeVm {
            timer: 0,
            hazard: 0,
            position: p.nodes.len() as u32,
            created: now,
            billed_from: now,
            preempted_at: 0,
            attempts: 0,
            zone: (n % 3) as u8,
            seen: Creating,
        });
        p.nodes.push(n);
        p.cross(&mut self.vms, n, false);
        p.current[class as usize] += 1;
        p.by_state[class as usize][Creating as usize] += 1;
        p.totals.obtained += 1;
        self.nodes_now += 1;
        self.most_nodes = self.most_nodes.max(self.nodes_now);
        self.open_span(n);
        self.out.visited |= 1;
        self.remember(n, None, Some(Creating), Why::Obtained);
        n
    }

    /// A leaving node is gone.
    pub(crate) fn drop_node(&mut self, n: u32) {
        let now = self.now;
        self.pools[self.nodes[n as usize].pool as usize].free.remove(&mut self.nodes, n);
        self.close_span(n);
        let node = &mut self.nodes[n as usize];
        node.removed = true;
        node.life += 1;
        let (pool, class) = (node.pool, node.class as usize);
        let p = &mut self.pools[pool as usize];
        p.cross(&mut self.vms, n, true);
        let vm = &mut self.vms[n as usize];
        vm.timer += 1;
        vm.hazard += 1;
        let position = vm.position as usize;
        p.state_ms[class][LeavingPool as usize] += now - node.since;
        p.by_state[class][LeavingPool as usize] -= 1;
        p.current[class] -= 1;
        p.leaving[class] -= 1;
        self.nodes_now -= 1;
        if p.cfg.cost.disk > 0 {
            p.totals.cost[class] += cost::charge(p.cfg.cost.disk, now - vm.created, 1);
        }
        p.nodes.swap_remove(position);
        if let Some(&moved) = p.nodes.get(position) {
            self.vms[moved as usize].position = position as u32;
        }
        self.forget_preparations(n);
        self.out.visited |= 1 << (TRANSITIONS.len() - 1);
        self.remember(n, Some(LeavingPool), None, Why::VmDeleted);
        self.pool_changed(pool);
    }

    /// Something about a pool's size changed: measure, and end the resize if it is done.
    pub(crate) fn pool_changed(&mut self, pool: u32) {
        self.measure(pool);
        if self.pools[pool as usize].alloc != AllocationState::Steady {
            self.settle(pool);
        }
    }

    /// Keeps the time target ≠ current, by reason.
    pub(crate) fn measure(&mut self, pool: u32) {
        let now = self.now;
        let p = &mut self.pools[pool as usize];
        let errors = p.resize.as_ref().map_or(&p.errors, |r| &r.errors);
        let apart = if p.target == p.current {
            Apart::Together
        } else if p.ordered != [0; 2] || p.resize.as_ref().is_some_and(|r| r.waits != [false; 2]) {
            Apart::Allocating
        } else if p.leaving != [0; 2] {
            Apart::Draining
        } else if errors.iter().any(|e| e.code.contains("Quota")) {
            Apart::Quota
        } else if !errors.is_empty() {
            Apart::Refused
        } else {
            Apart::Idle
        };
        let m = &mut p.mark;
        m.apart_ms[m.apart as usize] += now - m.apart_since;
        m.apart_since = now;
        m.apart = apart;
        for c in 0..2 {
            m.most_nodes[c] = m.most_nodes[c].max(p.current[c]);
        }
    }
}

/// Slots of a node are taken. Which row of `TRANSITIONS` that takes, as a bit.
#[inline(always)] // for every task
pub(crate) fn occupy(nodes: &mut [Node], pool: &mut Pool, n: u32, slots: u16, now: Ms) -> u128 {
    let node = &mut nodes[n as usize];
    debug_assert!(node.free >= slots);
    node.free -= slots;
    node.running += 1;
    let more = node.free > 0;
    let was_idle = node.state == Idle;
    pool.slots_used += i64::from(slots);
    if was_idle {
        flip(node, pool, Running, now);
    }
    pool.free.remove(nodes, n);
    if more {
        pool.free.insert(nodes, n);
    }
    u128::from(was_idle) << ASSIGNED
}

/// Slots of a node are free again. Which row of `TRANSITIONS` that takes, as a bit; none if it is being emptied.
#[inline(always)] // for every task
pub(crate) fn vacate(
    nodes: &mut [Node],
    pool: &mut Pool,
    n: u32,
    slots: u16,
    now: Ms,
    dirty: &mut Vec<u32>,
) -> Option<u128> {
    let node = &mut nodes[n as usize];
    let of = node.pool;
    node.free += slots;
    if node.drain != Drain::No {
        return None;
    }
    let ended = node.state == Running && node.empty();
    if ended {
        flip(node, pool, Idle, now);
    }
    let accepts = node.accepts() && node.free > 0;
    pool.free.remove(nodes, n);
    if accepts {
        pool.free.insert(nodes, n);
        pool.touch(of, dirty);
    }
    Some(u128::from(ended) << ENDED)
}

/// The busy half of `set_node`: idle to running and back, which happens for every task.
#[inline]
fn flip(node: &mut Node, pool: &mut Pool, to: NodeState, now: Ms) {
    let (from, class) = (node.state as usize, node.class as usize);
    pool.by_state[class][from] -= 1;
    pool.by_state[class][to as usize] += 1;
    pool.state_ms[class][from] += now - node.since;
    node.since = now;
    node.state = to;
}

/// How long from a moment to now; never negative.
pub(crate) fn elapsed(now: Ms, since: Ms) -> Ms {
    (now - since).max(0)
}

//! Nodes coming up, breaking, being evicted, drained and removed.
//!
//! In: timers, hazards, requests. Out: state changes through `set_node`, killed tasks. Never: a latency of its own (those
//! are answers of `policy`).

use super::node::Why;
use super::task::Kill;
use crate::sim::{
    config::{Ms, NEVER, NodeFault, Placement, SECOND},
    event::{Event, Step},
    policy::{
        boot::{self, StartFailure},
        preempt,
    },
    rng::{Draw, Purpose},
    world::{Class, Drain, NodeState, PoolState, World},
};
use NodeState::*;
use poolcast_runtime::value::DeallocationOption as Option4;

impl World {
    fn seed(&self) -> u64 {
        self.config.seed
    }
    /// A key for draws about this boot of this node.
    fn boot_key(&self, n: u32) -> u64 {
        u64::from(n) << 20 | u64::from(self.nodes[n as usize].life & 0xf_ffff)
    }
    /// Sets a node's timer, voiding the one before.
    fn timer(&mut self, n: u32, delay: Ms, step: Step) {
        let vm = &mut self.vms[n as usize];
        vm.timer += 1;
        let token = vm.timer;
        if delay < NEVER {
            self.after(delay, Event::Node { node: n, token, step });
        }
    }

    /// An order has become a VM.
    pub(crate) fn allocated(&mut self, pool: u32, class: u8) {
        let c = class as usize;
        let p = &mut self.pools[pool as usize];
        if p.voided[c] > 0 {
            p.voided[c] -= 1;
            return;
        }
        p.ordered[c] -= 1;
        let n = self.add_node(pool, Class::BOTH[c]);
        self.vm_up(n);
        self.pool_changed(pool);
    }

    /// A fresh VM: hazards start, the boot begins.
    fn vm_up(&mut self, n: u32) {
        let creating = boot::creating(&self.pools[self.nodes[n as usize].pool as usize].cfg);
        self.draw_eviction(n);
        self.timer(n, creating, Step::Advance);
    }

    fn draw_eviction(&mut self, n: u32) {
        let node = &self.nodes[n as usize];
        if node.class != Class::Spot {
            return;
        }
        let vm = &mut self.vms[n as usize];
        vm.hazard += 1;
        let token = vm.hazard;
        let entity = u64::from(n) << 20 | u64::from(token & 0xf_ffff);
        let p = &self.pools[node.pool as usize];
        let delay = preempt::eviction(&p.cfg.spot, p.storm, self.config.seed, entity);
        if delay < NEVER {
            self.after(delay, Event::Evict { node: n, token });
        }
    }

    /// A node's timer fired.
    pub(crate) fn node_step(&mut self, n: u32, token: u32, step: Step) {
        if self.vms[n as usize].timer != token || self.nodes[n as usize].removed {
            return;
        }
        let state = self.nodes[n as usize].state;
        match (step, state) {
            (Step::Advance, Creating) => self.start_agent(n, Why::AgentBegins),
            (Step::Advance, Starting) => self.agent_ready(n),
            (Step::Advance, WaitingForStartTask) => self.start_task_done(n),
            (Step::Advance, Rebooting | Reimaging | UpgradingOs) => self.start_agent(n, Why::Rebooted),
            (Step::Advance, Deallocating) => self.set_node(n, Deallocated, Why::Stopped),
            (Step::Recover, Unusable) => self.start_agent(n, Why::Recovered),
            (Step::Recover, Unknown) => self.contact_back(n),
            (Step::Preempt, Unusable | Idle | Running) => self.preempted(n),
            (Step::Restore, Preempted) => self.restored(n),
            (Step::CleanUp, Preempted) => {
                self.leave(n, Option4::Requeue, Why::CleanedUp);
            }
            (Step::Retained, LeavingPool) => self.drained(n),
            (Step::Removed, LeavingPool) => self.drop_node(n),
            (Step::Upgrade, Idle | Running) => self.upgrade(n),
            _ => {}
        }
    }

    fn start_agent(&mut self, n: u32, why: Why) {
        let node = &self.nodes[n as usize];
        let (token, boot) = (node.life, self.boot_key(n));
        let (key, cfg) = (boot ^ u64::from(self.vms[n as usize].attempts) << 60, &self.pools[node.pool as usize].cfg);
        let starting = boot::starting(cfg, self.seed(), key);
        // The exponential law has no memory, so every boot draws anew.
        let failure = preempt::host_failure(&cfg.node, self.seed(), boot, self.config.horizon - self.now);
        self.vms[n as usize].attempts = 0;
        self.set_node(n, Starting, why);
        self.timer(n, starting, Step::Advance);
        self.after(failure, Event::HostFailure { node: n, token });
    }

    fn agent_ready(&mut self, n: u32) {
        let cfg = &self.pools[self.nodes[n as usize].pool as usize].cfg;
        let s = &cfg.start_task;
        // waitForSuccess = false: usable at once, and it stays usable whatever the start task does (pool.md §4.2).
        let waits = (s.duration > 0 || s.failure > 0.0) && s.wait_for_success;
        match boot::start_failure(cfg, self.seed(), self.boot_key(n)) {
            Some(StartFailure::Package) => {
                return self.set_node(n, Unusable, Why::PackageFailure);
            }
            Some(StartFailure::NoContact) => {
                self.lose_vm(n);
                self.set_node(n, Unusable, Why::NoContact);
                let cfg = &self.pools[self.nodes[n as usize].pool as usize].cfg.node;
                let wait = preempt::recovery(cfg, self.seed(), self.boot_key(n));
                return self.timer(n, wait, Step::Recover);
            }
            None => {}
        }
        if waits {
            self.set_node(n, WaitingForStartTask, Why::StartTaskBegins);
            self.run_start_task(n);
        } else {
            self.usable(n, Why::Ready);
        }
    }

    fn run_start_task(&mut self, n: u32) {
        let cfg = self.pools[self.nodes[n as usize].pool as usize].cfg.clone();
        let attempt = self.vms[n as usize].attempts;
        let (duration, _) = boot::start_task(&cfg, self.seed(), self.boot_key(n), attempt);
        // Trying again takes a moment; one that fails for ever in no time would stop the clock.
        let duration = if attempt > 0 { duration.max(SECOND) } else { duration };
        self.timer(n, duration, Step::Advance);
    }

    fn start_task_done(&mut self, n: u32) {
        let cfg = self.pools[self.nodes[n as usize].pool as usize].cfg.clone();
        let attempt = self.vms[n as usize].attempts;
        let (_, success) = boot::start_task(&cfg, self.seed(), self.boot_key(n), attempt);
        if success {
            self.usable(n, Why::StartTaskDone);
        } else if cfg.start_task.retries < 0 || i32::from(attempt) < cfg.start_task.retries {
            self.vms[n as usize].attempts = attempt.saturating_add(1);
            self.run_start_task(n);
        } else {
            self.set_node(n, StartTaskFailed, Why::StartTaskFailed);
        }
    }

    fn usable(&mut self, n: u32, why: Why) {
        self.set_node(n, Idle, why);
        let pool = self.nodes[n as usize].pool;
        let p = &mut self.pools[pool as usize];
        p.ghosts = 0;
        let upgrade = p.cfg.node.upgrade_interval;
        if !self.nodes[n as usize].enabled {
            self.nodes[n as usize].drain = Drain::Offline;
            self.drained(n);
        } else if upgrade < NEVER {
            let spread = Draw::keyed(self.seed(), Purpose::Upgrade, self.boot_key(n)).between(0, upgrade / 4);
            self.timer(n, upgrade + spread, Step::Upgrade);
        }
    }

    /// The VM's contents are gone: preparations, kills and failures in flight mean nothing any more.
    fn lose_vm(&mut self, n: u32) {
        // Whatever it was being emptied for is moot; killing must not set it off.
        self.nodes[n as usize].drain = Drain::No;
        self.kill_all(n, Kill::Lost);
        self.forget_preparations(n);
        let slots = self.pools[self.nodes[n as usize].pool as usize].cfg.task_slots as u16;
        let node = &mut self.nodes[n as usize];
        node.life += 1;
        self.vms[n as usize].timer += 1;
        node.dying = 0;
        node.free = slots;
        node.retain_until = 0;
        node.managers = 0;
        self.reindex(n);
    }

    /// Capacity is taken back (pool.md §5).
    pub(crate) fn evict(&mut self, n: u32) {
        let node = &self.nodes[n as usize];
        if node.class != Class::Spot || node.removed {
            return;
        }
        let pool = node.pool as usize;
        let grace = self.pools[pool].cfg.spot.grace;
        match node.state {
            LeavingPool => {
                self.pools[pool].totals.evictions += 1;
                let deleting = node.drain == Drain::Deleting;
                self.kill_all(n, Kill::Lost);
                self.nodes[n as usize].retain_until = 0;
                if !deleting {
                    self.drained(n);
                }
            }
            Unusable | Preempted | Deallocating | Deallocated => {}
            Running if grace > 0 => self.timer(n, grace, Step::Preempt),
            _ => self.preempted(n),
        }
    }

    /// Eviction takes effect: unusable for a while, or preempted at once.
    fn preempted(&mut self, n: u32) {
        let pool = self.nodes[n as usize].pool;
        let cfg = self.pools[pool as usize].cfg.clone();
        let storm = self.pools[pool as usize].storm;
        let key = self.boot_key(n);
        if self.nodes[n as usize].state != Unusable {
            self.pools[pool as usize].totals.evictions += 1;
            self.lose_vm(n);
            let dwell = preempt::dwell(&cfg.spot, self.seed(), key);
            if dwell > 0 {
                self.set_node(n, Unusable, Why::EvictionNoticed);
                return self.timer(n, dwell, Step::Preempt);
            }
        }
        self.set_node(n, Preempted, Why::Evicted);
        self.vms[n as usize].preempted_at = self.now;
        let restore = preempt::restore(&cfg.spot, storm, self.seed(), key);
        if restore < cfg.spot.cleanup_after {
            self.timer(n, restore, Step::Restore);
        } else {
            self.timer(n, cfg.spot.cleanup_after, Step::CleanUp);
        }
    }

    fn restored(&mut self, n: u32) {
        let pool = self.nodes[n as usize].pool as usize;
        if !self.pools[pool].available {
            // The recorded trace says there is nothing to come back to; the next availability restores.
            return;
        }
        self.pools[pool].totals.restores += 1;
        self.set_node(n, Creating, Why::Restored);
        self.vm_up(n);
    }

    /// A storm begins or ends.
    pub(crate) fn storm(&mut self, pool: u32) {
        let cfg = self.pools[pool as usize].cfg.clone();
        let seed = self.seed();
        let p = &mut self.pools[pool as usize];
        if p.state != PoolState::Active {
            return;
        }
        p.storm = !p.storm;
        p.storm_flips += 1;
        let (storm, flips) = (p.storm, p.storm_flips);
        let key = u64::from(pool) << 32 | flips;
        let zone = Draw::keyed(seed, Purpose::StormBatch, key).between(0, 2) as u8;
        for n in self.spot_nodes(pool) {
            let hit = cfg.placement == Placement::Regional || self.vms[n as usize].zone == zone;
            let luck = Draw::keyed(seed, Purpose::StormBatch, key << 8 ^ u64::from(n)).chance(cfg.spot.storm_batch);
            if storm && hit && luck {
                self.evict(n);
            } else {
                self.draw_eviction(n);
            }
        }
        self.after(preempt::storm_change(&cfg.spot, storm, seed, key), Event::Storm { pool });
    }

    fn spot_nodes(&self, pool: u32) -> Vec<u32> {
        let nodes = &self.pools[pool as usize].nodes;
        let mut spot: Vec<u32> =
            nodes.iter().copied().filter(|n| self.nodes[*n as usize].class == Class::Spot).collect();
        spot.sort_unstable();
        spot
    }

    /// The recorded trace moves on: Spot capacity disappears or comes back.
    pub(crate) fn availability(&mut self, pool: u32, step: u32) {
        let cfg = self.pools[pool as usize].cfg.clone();
        let trace = &cfg.spot.trace;
        if trace.is_empty() || self.pools[pool as usize].state != PoolState::Active {
            return;
        }
        let now = trace[step as usize % trace.len()];
        let was = std::mem::replace(&mut self.pools[pool as usize].available, now);
        if was != now {
            for n in self.spot_nodes(pool) {
                match (now, self.nodes[n as usize].state) {
                    (false, _) => self.evict(n),
                    (true, Preempted) if self.now - self.vms[n as usize].preempted_at <= cfg.spot.restore_window => {
                        self.restored(n);
                    }
                    _ => {}
                }
            }
            if now {
                self.retry_growth();
            }
        }
        // The next step that changes anything; a trace of one value has none.
        let len = trace.len() as u32;
        if let Some(skip) = (1..=len).find(|i| trace[(step + i) as usize % trace.len()] != now) {
            self.after(cfg.spot.trace_gap * Ms::from(skip), Event::Availability { pool, step: step + skip });
        }
    }

    /// A host fails: half reboot, half become unusable and recover (pool.md §4.4).
    pub(crate) fn host_failure(&mut self, n: u32, life: u32) {
        let node = &self.nodes[n as usize];
        if node.removed || node.life != life {
            return;
        }
        let reboot = Draw::keyed(self.seed(), Purpose::Recovery, self.boot_key(n) ^ 1 << 63).chance(0.5);
        self.break_node(n, if reboot { None } else { Some(NodeFault::HostFailure) });
    }

    /// Breaks a node; none is a host failure that ends in a reboot. Says whether it could break.
    pub(crate) fn break_node(&mut self, n: u32, fault: Option<NodeFault>) -> bool {
        let state = self.nodes[n as usize].state;
        if matches!(state, Unusable | LeavingPool | Preempted | Deallocating | Deallocated) {
            return false;
        }
        let cfg = self.pools[self.nodes[n as usize].pool as usize].cfg.clone();
        let recovery = preempt::recovery(&cfg.node, self.seed(), self.boot_key(n));
        match fault {
            Some(NodeFault::LostContact) if state == Unknown => return false,
            Some(NodeFault::LostContact) => {
                // Tasks run on unseen; whether the node comes back is decided when contact is due.
                self.set_node(n, Unknown, Why::LostContact);
                self.timer(n, cfg.node.reboot.max(1), Step::Recover);
            }
            Some(NodeFault::HostFailure) => {
                self.lose_vm(n);
                self.set_node(n, Unusable, Why::HostFailed);
                self.timer(n, recovery, Step::Recover);
            }
            Some(NodeFault::DiskFull) => {
                self.lose_vm(n);
                self.set_node(n, Unusable, Why::DiskFull);
                if cfg.node.disk_full_recovers {
                    self.timer(n, recovery, Step::Recover);
                }
            }
            None => {
                self.lose_vm(n);
                self.set_node(n, Rebooting, Why::HostRebooted);
                self.timer(n, cfg.node.reboot, Step::Advance);
            }
        }
        true
    }

    /// Contact is due: three times out of four the node is fine.
    fn contact_back(&mut self, n: u32) {
        let key = self.boot_key(n) ^ u64::from(self.vms[n as usize].timer) << 40;
        if Draw::keyed(self.seed(), Purpose::Recovery, key).chance(0.75) {
            let state = if self.nodes[n as usize].empty() { Idle } else { Running };
            self.set_node(n, state, Why::ContactBack);
        } else {
            self.break_node(n, Some(NodeFault::HostFailure));
        }
    }

    fn upgrade(&mut self, n: u32) {
        let pool = self.nodes[n as usize].pool as usize;
        if self.nodes[n as usize].drain != Drain::No {
            return;
        }
        if !self.pools[pool].cfg.node.upgrade_deferral {
            self.kill_all(n, Kill::Lost);
        }
        self.nodes[n as usize].drain = Drain::Then(UpgradingOs);
        self.reindex(n);
        self.drained(n);
    }

    /// Empties a node under an option, then does what its drain says.
    pub(crate) fn empty_node(&mut self, n: u32, option: Option4, drain: Drain) {
        self.nodes[n as usize].drain = drain;
        self.reindex(n);
        match option {
            Option4::Requeue => self.kill_all(n, Kill::Requeue),
            Option4::Terminate => self.kill_all(n, Kill::Terminate),
            Option4::TaskCompletion | Option4::RetainedData => {}
        }
        self.drained(n);
    }

    /// A node leaves the pool.
    pub(crate) fn leave(&mut self, n: u32, option: Option4, why: Why) {
        let node = &self.nodes[n as usize];
        if node.state == LeavingPool {
            return;
        }
        self.vms[n as usize].timer += 1;
        let (pool, class) = (node.pool, node.class as usize);
        self.set_node(n, LeavingPool, why);
        self.pools[pool as usize].leaving[class] += 1;
        self.empty_node(n, option, Drain::Leave(option));
    }

    /// A node that is being emptied may have become empty.
    pub(crate) fn drained(&mut self, n: u32) {
        let node = &self.nodes[n as usize];
        if node.running > 0 {
            return;
        }
        let pool = node.pool as usize;
        match node.drain {
            Drain::No | Drain::Deleting => {}
            Drain::Leave(Option4::RetainedData) if node.retain_until > self.now => {
                let wait = node.retain_until - self.now;
                self.timer(n, wait, Step::Retained);
            }
            Drain::Leave(_) => {
                let shrink = &self.pools[pool].cfg.shrink;
                let delay = shrink.vm_delete + if node.dying > 0 { shrink.task_kill_latency } else { 0 };
                self.nodes[n as usize].drain = Drain::Deleting;
                self.timer(n, delay, Step::Removed);
            }
            _ if node.dying > 0 => {}
            Drain::Offline => {
                self.nodes[n as usize].drain = Drain::No;
                self.set_node(n, Offline, Why::SchedulingDisabled);
            }
            Drain::Then(state) => {
                let reboot = self.pools[pool].cfg.node.reboot;
                let why = match state {
                    Reimaging => Why::ReimageAsked,
                    Deallocating => Why::DeallocateAsked,
                    UpgradingOs => Why::Upgrading,
                    _ => Why::RebootAsked,
                };
                self.nodes[n as usize].drain = Drain::No;
                self.set_node(n, state, why);
                self.reset_vm(n, state);
                self.timer(n, reboot, Step::Advance);
            }
        }
    }

    /// A reboot voids preparations that are to run again; reimaging and deallocating void everything on disk.
    fn reset_vm(&mut self, n: u32, state: NodeState) {
        let wiped = matches!(state, Reimaging | Deallocating);
        let stale: Vec<_> = self.prepared.range((n, 0)..=(n, u32::MAX)).map(|(k, _)| *k).collect();
        for key in stale {
            let rerun = self.jobs[key.1 as usize].cfg.preparation.as_ref().is_some_and(|p| p.rerun_on_reboot);
            if wiped || rerun {
                self.prepared.remove(&key);
            }
        }
        if wiped {
            self.nodes[n as usize].retain_until = 0;
            for job in &mut self.jobs {
                job.excluded.remove(&n);
            }
        }
        self.nodes[n as usize].life += 1;
    }

    /// A deallocated node is started.
    pub(crate) fn start_node(&mut self, n: u32) {
        self.start_agent(n, Why::StartAsked);
    }
    /// A node whose start task failed is rebooted.
    pub(crate) fn reboot_failed(&mut self, n: u32) {
        let reboot = self.pools[self.nodes[n as usize].pool as usize].cfg.node.reboot;
        self.nodes[n as usize].life += 1;
        self.set_node(n, Rebooting, Why::RebootAsked);
        self.timer(n, reboot, Step::Advance);
    }

    /// The resize timed out: nodes still draining come back (pool.md §3.5).
    pub(crate) fn revert_drains(&mut self, pool: u32) {
        let mut nodes = self.pools[pool as usize].nodes.clone();
        nodes.sort_unstable();
        for n in nodes {
            let node = &mut self.nodes[n as usize];
            if !matches!(node.drain, Drain::Leave(_)) {
                continue;
            }
            node.drain = Drain::No;
            self.vms[n as usize].timer += 1;
            let (class, state) = (node.class as usize, if node.empty() { Idle } else { Running });
            self.pools[pool as usize].leaving[class] -= 1;
            self.set_node(n, state, Why::DrainReverted);
        }
    }
}

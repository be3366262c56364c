//! Pools: created, resized, stopped, deleted; and the one place where targets become nodes.
//!
//! In: targets from users and formulas, limits from accounts and region. Out: orders, leaving nodes, errors. Never: the
//! choice how many (that is `resize::plan`) or who leaves (that is `policy::shrink`).

use super::node::Why;
use crate::sim::{
    action::Refusal,
    autoscale::Driver,
    config::{AllocationMode, Image, Ms, NEVER, PoolConfig, ShrinkOrder},
    event::Event,
    output::ResizeRecord,
    policy::{boot, capacity, place::FreeIndex, preempt, shrink},
    resize::{self, Ask, Cause, Limit, Resize, ResizeError, code},
    trace::Note,
    world::{AllocationState, Apart, Class, Counts, JobState, Marks, NONE, NodeState, Pool, PoolState, Totals, World},
};
use poolcast_runtime::value::DeallocationOption;
use std::sync::Arc;

/// A pool with nothing to do is steady after this (pool.md §2.2, observed).
const SETTLE: Ms = 2_000;

/// Nodes in a virtual network that share a security group, a public address and a load balancer (pool.md §6.2).
const NODES_PER_NETWORK_SET: u32 = 50;

impl World {
    /// Creates a pool.
    pub(crate) fn create_pool(&mut self, cfg: Arc<PoolConfig>, auto: bool) -> Result<u32, Refusal> {
        if self.find_pool(&cfg.id).is_some() {
            return Err(Refusal::new(409, "PoolExists", format!("a pool {} exists already", cfg.id)));
        }
        let Some(account) = self.accounts.get(cfg.account) else {
            return Err(Refusal::new(400, "InvalidPropertyValue", format!("no account {}", cfg.account)));
        };
        let limit = account.pools;
        let present = self.pools.iter().filter(|p| p.state != PoolState::Removed && p.cfg.account == cfg.account);
        if present.count() >= limit as usize {
            return Err(Refusal::new(409, "PoolQuotaReached", format!("the account may have {limit} pools")));
        }
        let most = (4 * cfg.vm.vcpus).clamp(1, 256);
        let strict_limit = if cfg.strict_order { 256 } else { most };
        if cfg.task_slots == 0 || cfg.task_slots > strict_limit {
            return Err(Refusal::new(
                400,
                "InvalidPropertyValue",
                format!("taskSlotsPerNode {} is not in 1 to {most} (four per core of {})", cfg.task_slots, cfg.vm.name),
            ));
        }
        let driver = Driver::create(&cfg, &self.compiler)?;
        let pool = self.pools.len() as u32;
        let now = self.now;
        let sampler = driver.sampler(self.records_every_metric());
        let fixed = cfg.formula.is_none();
        let target = if fixed { [cfg.target_dedicated, cfg.target_spot] } else { [0, 0] };
        self.pools.push(Pool {
            state: PoolState::Active,
            alloc: AllocationState::Steady,
            target,
            nodes: Vec::new(),
            unready: 0,
            current: [0; 2],
            leaving: [0; 2],
            ordered: [0; 2],
            voided: [0; 2],
            orders: 0,
            next_order_at: 0,
            by_state: [[0; 16]; 2],
            state_ms: [[0; 16]; 2],
            open: [(0, 0); 2],
            resize: None,
            resize_token: 0,
            errors: Vec::new(),
            queued: None,
            free: FreeIndex::new(cfg.task_slots),
            levels: Vec::new(),
            ringed: 0,
            counts: Counts::default(),
            ghosts: 0,
            dirty: false,
            driver,
            sampler,
            storm: false,
            storm_flips: 0,
            available: cfg.spot.trace.first().copied().unwrap_or(true),
            room_made: -1,
            usage: [0; 9],
            usage_traces: 0,
            makes_room: false,
            auto,
            created: now,
            slots_used: 0,
            totals: Totals::default(),
            mark: Marks {
                apart: Apart::Together,
                apart_since: now,
                apart_ms: [0; 6],
                last_change: [0; 2],
                oscillations: 0,
                most_nodes: [0; 2],
            },
            cfg: cfg.clone(),
        });
        self.note_pool(pool);
        self.after(cfg.sampler.phase, Event::Sample { pool });
        let storm = preempt::storm_change(&cfg.spot, false, self.config.seed, u64::from(pool) << 32);
        if storm < NEVER {
            self.after(storm, Event::Storm { pool });
        }
        if !cfg.spot.trace.is_empty() {
            self.availability(pool, 0);
        }
        let waiting: Vec<u32> = (0..self.jobs.len() as u32)
            .filter(|j| {
                let job = &self.jobs[*j as usize];
                job.pool == NONE && job.wants.eq_ignore_ascii_case(&cfg.id) && job.state < JobState::Completed
            })
            .collect();
        for job in waiting {
            self.bind(job, pool);
        }
        if fixed {
            self.start_resize(pool, target, cfg.option, cfg.resize_timeout, Cause::Create);
        }
        self.schedule_first_evaluation(pool);
        Ok(pool)
    }

    fn note_pool(&mut self, pool: u32) {
        let state = self.pools[pool as usize].state;
        self.out.trace.note(self.now, Note::Pool, pool, state as u64, || Some(state.name().into()));
    }

    /// Begins a resize, or moves the targets of the one under way (`supersede`, pool.md §10.4).
    pub(crate) fn start_resize(
        &mut self,
        pool: u32,
        target: [u32; 2],
        option: DeallocationOption,
        timeout: Ms,
        cause: Cause,
    ) {
        let now = self.now;
        let p = &mut self.pools[pool as usize];
        for c in 0..2 {
            let change = (i64::from(target[c]) - i64::from(p.target[c])).signum() as i8;
            if change != 0 {
                p.mark.oscillations += u32::from(p.mark.last_change[c] == -change);
                p.mark.last_change[c] = change;
            }
        }
        p.target = target;
        p.errors.clear();
        p.resize_token += 1;
        let token = p.resize_token;
        let from = p.current;
        match &mut p.resize {
            Some(under_way) => {
                under_way.option = option;
                under_way.cause = cause;
                under_way.errors.clear();
                under_way.waits = [false; 2];
            }
            None => {
                p.resize = Some(Resize {
                    started: now,
                    option,
                    from,
                    cause,
                    errors: Vec::new(),
                    waits: [false; 2],
                    stopped: false,
                });
            }
        }
        p.alloc = AllocationState::Resizing;
        self.out.trace.note(now, Note::ResizeStart, pool, u64::from(target[0]) << 32 | u64::from(target[1]), || {
            Some(format!("{}+{} {}", target[0], target[1], cause.name()))
        });
        self.after(timeout, Event::ResizeTimeout { pool, token });
        self.work_on(pool);
        // Only now is it known whether nodes are ordered or leave.
        self.measure(pool);
        let p = &self.pools[pool as usize];
        if p.ordered == [0; 2] && p.leaving == [0; 2] && p.resize.as_ref().is_some_and(|r| r.waits == [false; 2]) {
            // Nothing in flight: the service still takes its two seconds.
            self.after(SETTLE, Event::ResizeSettled { pool, token });
        }
    }

    /// Turns targets into orders and leaving nodes.
    fn work_on(&mut self, pool: u32) {
        let ask = self.ask(pool);
        let plan = resize::plan(&ask);
        let (seed, now) = (self.config.seed, self.now);
        let p = &mut self.pools[pool as usize];
        let option = p.resize.as_ref().map_or(DeallocationOption::Requeue, |r| r.option);
        if let Some(r) = &mut p.resize {
            r.errors.extend(plan.errors);
            r.waits = plan.waits;
        }
        let cfg = p.cfg.clone();
        for class in 0..2u8 {
            let c = usize::from(class);
            for _ in 0..plan.grow[c] {
                let p = &mut self.pools[pool as usize];
                let key = u64::from(pool) << 40 | p.orders;
                p.orders += 1;
                p.ordered[c] += 1;
                let due = (now + boot::allocation(&cfg, seed, key)).max(p.next_order_at);
                p.next_order_at = p.next_order_at.max(now) + boot::spacing(&cfg);
                self.at(due, Event::Allocated { pool, class });
            }
            let p = &mut self.pools[pool as usize];
            p.voided[c] += plan.void[c];
            p.ordered[c] -= plan.void[c];
            if plan.shrink[c] > 0 {
                if capacity::fault(&self.config.faults, &cfg.id, now).is_some_and(|f| f.code == code::RemoveFailed) {
                    if let Some(r) = &mut self.pools[pool as usize].resize {
                        r.errors.push(resize::error(code::RemoveFailed, c, None));
                    }
                    continue;
                }
                for n in self.leavers(pool, c, plan.shrink[c]) {
                    self.leave(n, option, Why::Shrunk);
                }
            }
        }
    }

    /// The nodes a shrink takes, in the order they leave.
    fn leavers(&self, pool: u32, class: usize, count: u32) -> Vec<u32> {
        let p = &self.pools[pool as usize];
        let view = |n: u32| {
            let (node, vm) = (&self.nodes[n as usize], &self.vms[n as usize]);
            shrink::NodeView {
                id: n,
                state: node.state,
                seen: vm.seen,
                created: vm.created,
                since: node.since,
                used: p.cfg.task_slots as u16 - node.free,
                manager: node.managers > 0,
            }
        };
        let mut groups = [(0, 0); 9];
        for (state, nodes) in NodeState::ALL.iter().zip(p.by_state[class]).filter(|(_, nodes)| *nodes > 0) {
            let (all, states) = &mut groups[usize::from(shrink::group(*state))];
            (*all, *states) = (*all + nodes, *states | 1u16 << *state as u8);
        }
        // Under the documented ranking that tells how far down it this shrink can reach: most often not beyond the idle
        // nodes, so those that work need no rank.
        let (mut there, mut reached) = (0, 0);
        for (nodes, states) in &groups[1..=6] {
            if there < count || p.cfg.shrink.order != ShrinkOrder::Ranked {
                (there, reached) = (there + nodes, reached | states);
            }
        }
        let goes = |n: &u32| {
            let node = &self.nodes[*n as usize];
            reached >> node.state as u8 & 1 != 0 && node.class as usize == class
        };
        let rank = |n| shrink::rank(p.cfg.shrink.order, &view(n), self.config.seed, u64::from(p.resize_token));
        let mut ranked = Vec::with_capacity(there as usize);
        let has = |state: NodeState| reached >> state as u8 & 1 != 0;
        if !has(NodeState::Running) {
            ranked.extend(p.nodes[..p.unready as usize].iter().copied().filter(goes).map(rank));
            if has(NodeState::Idle) {
                ranked.extend(p.free.whole(&self.nodes).filter(goes).map(rank));
            }
        }
        // Who works, or is idle and takes no tasks, is found in no shorter list.
        if ranked.len() < there as usize {
            ranked.clear();
            ranked.extend(p.nodes.iter().copied().filter(goes).map(rank));
        }
        let count = (count as usize).min(ranked.len());
        if count < ranked.len() {
            ranked.select_nth_unstable(count);
            ranked.truncate(count);
        }
        ranked.sort_unstable();
        ranked.into_iter().map(|key| key.3).collect()
    }

    /// Nodes of a pool that use quota: everything but preempted and deallocated ones, and orders (pool.md §6.2).
    fn quota_nodes(&self, p: &Pool, class: usize) -> u32 {
        let by_state = &p.by_state[class];
        let free = if self.config.accounts[p.cfg.account].count_preempted {
            0
        } else {
            by_state[NodeState::Preempted as usize]
        };
        p.current[class] + p.ordered[class] - free - by_state[NodeState::Deallocated as usize]
    }

    /// Everything `resize::plan` needs.
    fn ask(&self, pool: u32) -> Ask {
        let p = &self.pools[pool as usize];
        let cfg = &p.cfg;
        let account = &self.config.accounts[cfg.account];
        let now = &self.accounts[cfg.account];
        let cores = cfg.vm.vcpus.max(1);
        let mut used = [0u32; 2];
        let mut family_used = 0;
        let mut same_size = [0u32; 2];
        for other in self.pools.iter().filter(|o| o.state != PoolState::Removed) {
            let nodes = [self.quota_nodes(other, 0), self.quota_nodes(other, 1)];
            if other.cfg.vm.name.eq_ignore_ascii_case(&cfg.vm.name) {
                for c in 0..2 {
                    same_size[c] += nodes[c];
                }
            }
            if other.cfg.account == cfg.account {
                for c in 0..2 {
                    used[c] += nodes[c] * other.cfg.vm.vcpus;
                }
                if other.cfg.vm.family.eq_ignore_ascii_case(&cfg.vm.family) {
                    family_used += nodes[0] * other.cfg.vm.vcpus;
                }
            }
        }
        let mut ask = Ask {
            target: p.target,
            present: std::array::from_fn(|c| p.current[c] - p.leaving[c]),
            ordered: p.ordered,
            ..Ask::default()
        };
        let left = |limit: u32, used: u32| limit.saturating_sub(used);
        let limit = |left: u32, code: &'static str| Limit { left, code, reason: None };
        if let Some(fault) = capacity::fault(&self.config.faults, &cfg.id, self.now) {
            let code = resize::known(&fault.code).unwrap_or(code::Unknown);
            if code != code::RemoveFailed {
                ask.shared.push(Limit { left: 0, code, reason: fault.reason.as_deref().map(known_reason) });
            }
        }
        ask.limits[0].push(limit(left(now.dedicated, used[0]) / cores, code::AccountCoreQuota));
        let family = account.per_family.iter().find(|(name, _)| name.eq_ignore_ascii_case(&cfg.vm.family));
        if let Some((_, quota)) = family.filter(|_| account.per_family_enforced) {
            ask.limits[0].push(limit(left(*quota, family_used) / cores, code::FamilyQuota));
        }
        ask.limits[1].push(limit(left(now.spot, used[1]) / cores, resize::spot_quota_code(account.mode)));
        let total = p.current[0] + p.current[1] + p.ordered[0] + p.ordered[1];
        if cfg.inter_node {
            let cap = if account.mode == AllocationMode::UserSubscription { 80 } else { 100 };
            ask.shared.push(limit(left(cap, total), code::InterNode));
        }
        if cfg.subnet_addresses > 0 {
            let room = left(cfg.subnet_addresses, total);
            ask.shared.push(Limit { left: room, code: code::Failed, reason: Some(resize::SUBNET) });
        }
        if cfg.network_sets > 0 {
            ask.shared.push(limit(left(cfg.network_sets.saturating_mul(NODES_PER_NETWORK_SET), total), code::Failed));
        }
        if cfg.managed_image_cap && cfg.image == Image::Managed {
            for (c, cap) in [2000, 1000].into_iter().enumerate() {
                ask.limits[c].push(limit(left(cap, p.current[c] + p.ordered[c]), code::Failed));
            }
        }
        if let Some(step) = capacity::step(&self.config.capacity, &cfg.vm.name, self.now) {
            let code = resize::known(&step.code).unwrap_or(code::Failed);
            let reason = (code == code::Failed).then_some(resize::NO_CAPACITY);
            for (c, cap) in [step.dedicated, step.spot].into_iter().enumerate() {
                if let Some(cap) = cap {
                    ask.limits[c].push(Limit { left: left(cap, same_size[c]), code, reason });
                }
            }
        }
        if !p.available {
            ask.limits[1].push(Limit { left: 0, code: code::TimedOut, reason: None });
        }
        ask
    }

    /// The resize is over when nothing is in flight.
    pub(crate) fn settle(&mut self, pool: u32) {
        let p = &self.pools[pool as usize];
        let Some(r) = &p.resize else { return };
        if p.ordered != [0; 2] || p.leaving != [0; 2] || r.waits != [false; 2] && p.current != p.target && !r.stopped {
            return;
        }
        self.steady(pool);
    }

    /// Back to steady: the resize is recorded, its errors stay until the next one.
    pub(crate) fn steady(&mut self, pool: u32) {
        let now = self.now;
        let p = &mut self.pools[pool as usize];
        let Some(r) = p.resize.take() else { return };
        p.resize_token += 1;
        p.alloc = AllocationState::Steady;
        // A limit that bit but did not matter in the end is no error.
        let errors: Vec<ResizeError> = if p.current == p.target && !r.stopped { Vec::new() } else { r.errors };
        let grew = p.target[0] > r.from[0] || p.target[1] > r.from[1];
        p.errors.clone_from(&errors);
        let record = ResizeRecord {
            pool,
            start: r.started,
            end: now,
            cause: r.cause,
            from: r.from,
            target: p.target,
            current: p.current,
            option: if grew { "invalid" } else { r.option.keyword() },
            errors,
        };
        let current = p.current;
        let codes: Vec<&str> = record.errors.iter().map(|e| e.code).collect();
        let value = u64::from(current[0]) << 32 | u64::from(current[1]);
        self.out.trace.note(now, Note::ResizeComplete, pool, value, || {
            Some(format!(
                "{}+{} {}",
                current[0],
                current[1],
                if codes.is_empty() { "Success".into() } else { codes.join(",") }
            ))
        });
        let failed = !record.errors.is_empty();
        self.out.resizes.push(record);
        self.measure(pool);
        self.after_resize(pool, failed);
        let p = &mut self.pools[pool as usize];
        if p.state == PoolState::Deleting {
            if p.current == [0; 2] {
                self.pool_gone(pool);
            }
        } else if let Some((target, option)) = p.queued.take() {
            let timeout = p.cfg.autoscale_resize_timeout;
            if target != p.target || target != p.current {
                self.start_resize(pool, target, option, timeout, Cause::Autoscale);
            }
        }
    }

    fn pool_gone(&mut self, pool: u32) {
        self.pools[pool as usize].state = PoolState::Removed;
        self.note_pool(pool);
        for job in 0..self.jobs.len() as u32 {
            if self.jobs[job as usize].pool == pool {
                self.unbind(job);
            }
        }
    }

    /// The resize took too long (pool.md §3.1, §3.5).
    pub(crate) fn resize_timeout(&mut self, pool: u32, token: u32) {
        let p = &mut self.pools[pool as usize];
        if p.resize_token != token || p.resize.is_none() || p.state == PoolState::Deleting {
            return;
        }
        let missing: [bool; 2] = std::array::from_fn(|c| p.current[c] != p.target[c]);
        self.void_orders(pool);
        let p = &mut self.pools[pool as usize];
        if let Some(r) = &mut p.resize {
            for c in 0..2 {
                if missing[c] && r.errors.is_empty() || r.waits[c] {
                    r.errors.push(resize::error(code::TimedOut, c, None));
                }
            }
            r.waits = [false; 2];
        }
        if p.cfg.shrink.drain_timeout == crate::sim::config::DrainTimeout::Revert {
            self.revert_drains(pool);
        }
        self.measure(pool);
        self.steady(pool);
    }

    fn void_orders(&mut self, pool: u32) {
        let p = &mut self.pools[pool as usize];
        for c in 0..2 {
            p.voided[c] += p.ordered[c];
            p.ordered[c] = 0;
        }
    }

    /// Nothing was in flight two seconds ago.
    pub(crate) fn resize_settled(&mut self, pool: u32, token: u32) {
        if self.pools[pool as usize].resize_token == token {
            self.settle(pool);
        }
    }

    /// Stops a resize: no roll-back (pool.md §3.6).
    pub(crate) fn stop_resize(&mut self, pool: u32) {
        self.void_orders(pool);
        let p = &mut self.pools[pool as usize];
        p.alloc = AllocationState::Stopping;
        p.queued = None;
        if let Some(r) = &mut p.resize {
            r.stopped = true;
            r.waits = [false; 2];
            r.errors = vec![resize::error(code::Stopped, 0, None)];
        }
        self.revert_drains(pool);
        self.settle(pool);
    }

    /// Removes given nodes (pool.md §3.7): targets drop with them.
    pub(crate) fn remove_nodes(&mut self, pool: u32, nodes: &[u32], timeout: Ms, option: DeallocationOption) {
        let p = &self.pools[pool as usize];
        let mut target = p.target;
        for n in nodes {
            let class = self.nodes[*n as usize].class as usize;
            target[class] = target[class].saturating_sub(1);
        }
        let (now, from) = (self.now, p.current);
        let p = &mut self.pools[pool as usize];
        p.target = target;
        p.errors.clear();
        p.resize_token += 1;
        let token = p.resize_token;
        p.alloc = AllocationState::Resizing;
        p.resize = Some(Resize {
            started: now,
            option,
            from,
            cause: Cause::Remove,
            errors: Vec::new(),
            waits: [false; 2],
            stopped: false,
        });
        self.after(timeout, Event::ResizeTimeout { pool, token });
        for n in nodes {
            self.leave(*n, option, Why::RemovedByUser);
        }
        self.measure(pool);
    }

    /// Deletes a pool: everything leaves with requeue semantics (pool.md §2.3).
    pub(crate) fn delete_pool(&mut self, pool: u32) {
        self.void_orders(pool);
        let now = self.now;
        let p = &mut self.pools[pool as usize];
        p.state = PoolState::Deleting;
        p.driver.disable();
        p.queued = None;
        p.target = [0; 2];
        p.resize_token += 1;
        p.alloc = AllocationState::Resizing;
        let from = p.current;
        p.resize = Some(Resize {
            started: now,
            option: DeallocationOption::Requeue,
            from,
            cause: Cause::Delete,
            errors: Vec::new(),
            waits: [false; 2],
            stopped: false,
        });
        self.note_pool(pool);
        let mut nodes = self.pools[pool as usize].nodes.clone();
        nodes.sort_unstable();
        for n in nodes {
            if self.nodes[n as usize].state == NodeState::LeavingPool {
                // Whoever was draining in peace is not any more.
                self.hurry(n);
            } else {
                self.leave(n, DeallocationOption::Requeue, Why::PoolDeleted);
            }
        }
        self.measure(pool);
        self.settle(pool);
    }

    fn hurry(&mut self, n: u32) {
        use crate::sim::world::Drain;
        if matches!(self.nodes[n as usize].drain, Drain::Leave(_)) {
            self.vms[n as usize].timer += 1;
            self.empty_node(n, DeallocationOption::Requeue, Drain::Leave(DeallocationOption::Requeue));
        }
    }

    /// Capacity changed: pools waiting for it try again.
    pub(crate) fn retry_growth(&mut self) {
        for pool in 0..self.pools.len() as u32 {
            let waits = self.pools[pool as usize].resize.as_ref().is_some_and(|r| r.waits != [false; 2] && !r.stopped);
            if waits && self.pools[pool as usize].state == PoolState::Active {
                self.work_on(pool);
                self.settle(pool);
            }
        }
    }

    /// Class of a node.
    pub(crate) fn class_of(&self, n: u32) -> Class {
        self.nodes[n as usize].class
    }
}

/// A reason text of the catalogue, or our own word for another.
fn known_reason(text: &str) -> &'static str {
    [resize::NO_CAPACITY, resize::INTERNAL_ERROR, resize::SUBNET]
        .into_iter()
        .find(|r| r.eq_ignore_ascii_case(text))
        .unwrap_or(resize::INTERNAL_ERROR)
}

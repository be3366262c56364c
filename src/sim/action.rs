//! What users do to pools, jobs, tasks and nodes, and what the service refuses.
//!
//! In: an `Action`. Out: the change, or a `Refusal` with the service's status and code. Never: a partial change: every
//! check comes first.

use super::{
    config::{Action, DisableJobOption, MINUTE, Ms, NEVER},
    machine::task::Kill,
    output::{Fate, RefusedAction},
    resize::Cause,
    world::{AllocationState, Class, Drain, JobState, NONE, NodeState, PoolState, ScheduleState, TaskState, World},
};
use poolcast_runtime::value::DeallocationOption;
use std::sync::Arc;

/// The service says no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// Code.
    pub code: &'static str,
    /// Why, in words.
    pub message: String,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Refusal {
        Refusal { status, code, message: message.into() }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.status, self.code, self.message)
    }
}
impl std::error::Error for Refusal {}

type Answer = Result<(), Refusal>;

/// Least resize timeout (pool.md §3.1).
const LEAST_TIMEOUT: Ms = 5 * MINUTE;
/// Most nodes in one remove request.
const MOST_REMOVED: usize = 100;

impl World {
    pub(crate) fn refuse(&mut self, what: String, refusal: Refusal) {
        self.out.refused.push(RefusedAction { at: self.now, what, refusal });
    }

    fn pool_named(&self, id: &str) -> Result<u32, Refusal> {
        let pool = self
            .find_pool(id)
            .ok_or_else(|| Refusal::new(404, "PoolNotFound", format!("there is no pool {id}{}", self.near_pool(id))))?;
        if self.pools[pool as usize].state == PoolState::Deleting {
            return Err(Refusal::new(409, "PoolBeingDeleted", format!("pool {id} is being deleted")));
        }
        Ok(pool)
    }

    fn near_pool(&self, id: &str) -> String {
        let near = self.pools.iter().map(|p| (strsim::damerau_levenshtein(&p.cfg.id, id), p.cfg.id.as_str())).min();
        near.filter(|(d, _)| *d <= 2).map_or(String::new(), |(_, near)| format!("; did you mean {near}?"))
    }

    fn job_named(&self, id: &str) -> Result<u32, Refusal> {
        self.find_job(id).ok_or_else(|| Refusal::new(404, "JobNotFound", format!("there is no job {id}")))
    }

    fn steady_pool(&self, id: &str) -> Result<u32, Refusal> {
        let pool = self.pool_named(id)?;
        if self.pools[pool as usize].alloc != AllocationState::Steady {
            return Err(Refusal::new(409, "PoolBeingResized", format!("pool {id} is being resized")));
        }
        Ok(pool)
    }

    fn timeout(&self, pool: u32, given: Option<Ms>) -> Result<Ms, Refusal> {
        let timeout = given.unwrap_or(self.pools[pool as usize].cfg.resize_timeout);
        if timeout < LEAST_TIMEOUT {
            return Err(Refusal::new(400, "InvalidPropertyValue", "resizeTimeout is at least PT5M"));
        }
        Ok(timeout)
    }

    fn node_in(&self, n: u32, states: &[NodeState]) -> Answer {
        if !self.node_exists(n) {
            return Err(Refusal::new(404, "NodeNotFound", format!("there is no node {n}")));
        }
        let node = &self.nodes[n as usize];
        if !states.contains(&node.state) || node.drain != Drain::No {
            let message = format!("node {n} is {}", node.state.name());
            return Err(Refusal::new(409, "NodeStateInvalid", message));
        }
        Ok(())
    }

    /// Does what a user asks.
    pub(crate) fn act(&mut self, action: &Action) -> Answer {
        match action {
            Action::CreatePool(cfg) => self.create_pool(Arc::new((**cfg).clone()), false).map(drop),
            Action::DeletePool { pool } => {
                let pool = self.pool_named(pool)?;
                self.delete_pool(pool);
                Ok(())
            }
            Action::UpdatePool { pool, task_slots } => self.update_pool(pool, *task_slots),
            Action::Resize { pool, dedicated, spot, timeout, option } => {
                let pool = self.steady_pool(pool)?;
                let p = &self.pools[pool as usize];
                if p.driver.enabled {
                    let message = "the pool is auto-scaled: disable autoscale before resizing";
                    return Err(Refusal::new(409, "AutoScalingEnabled", message));
                }
                if dedicated.is_none() && spot.is_none() {
                    return Err(Refusal::new(400, "MissingRequiredProperty", "give at least one target"));
                }
                let target = [dedicated.unwrap_or(p.target[0]), spot.unwrap_or(p.target[1])];
                let option = option.unwrap_or(p.cfg.option);
                let timeout = self.timeout(pool, *timeout)?;
                self.start_resize(pool, target, option, timeout, Cause::Manual);
                Ok(())
            }
            Action::StopResize { pool } => {
                let id = pool;
                let pool = self.pool_named(pool)?;
                if self.pools[pool as usize].alloc != AllocationState::Resizing {
                    return Err(Refusal::new(409, "PoolNotResizing", format!("pool {id} is not being resized")));
                }
                self.stop_resize(pool);
                Ok(())
            }
            Action::RemoveNodes { pool, nodes, timeout, option } => {
                let pool = self.steady_pool(pool)?;
                if nodes.is_empty() || nodes.len() > MOST_REMOVED {
                    return Err(Refusal::new(400, "InvalidPropertyValue", "name 1 to 100 nodes"));
                }
                let mut unique = nodes.clone();
                unique.sort_unstable();
                unique.dedup();
                if let Some(n) = unique.iter().find(|n| !self.node_exists(**n) || self.nodes[**n as usize].pool != pool)
                {
                    return Err(Refusal::new(404, "NodeNotFound", format!("there is no node {n} in the pool")));
                }
                let option = option.unwrap_or(self.pools[pool as usize].cfg.option);
                let timeout = self.timeout(pool, *timeout)?;
                self.remove_nodes(pool, &unique, timeout, option);
                Ok(())
            }
            Action::EnableAutoscale { pool, formula, interval } => {
                let pool = self.pool_named(pool)?;
                self.enable_autoscale(pool, formula.as_deref(), *interval)
            }
            Action::DisableAutoscale { pool } => {
                let id = pool;
                let pool = self.pool_named(pool)?;
                if !self.pools[pool as usize].driver.enabled {
                    return Err(Refusal::new(409, "AutoScaleNotEnabled", format!("pool {id} is not auto-scaled")));
                }
                // Targets stay as they are, a resize under way goes on (pool.md §10.1).
                self.pools[pool as usize].driver.disable();
                Ok(())
            }
            Action::EvaluateAutoscale { pool, formula } => {
                let pool = self.pool_named(pool)?;
                self.evaluate_only(pool, formula).map(drop)
            }
            Action::SetQuota { account, dedicated_cores, spot_cores } => {
                let Some(a) = self.accounts.get_mut(*account) else {
                    return Err(Refusal::new(404, "AccountNotFound", format!("there is no account {account}")));
                };
                a.dedicated = dedicated_cores.unwrap_or(a.dedicated);
                a.spot = spot_cores.unwrap_or(a.spot);
                Ok(())
            }
            Action::AddJob(_)
            | Action::DisableJob { .. }
            | Action::EnableJob { .. }
            | Action::TerminateJob { .. }
            | Action::DeleteJob { .. }
            | Action::MoveJob { .. }
            | Action::TerminateSchedule { .. }
            | Action::DeleteSchedule { .. }
            | Action::DisableSchedule { .. }
            | Action::EnableSchedule { .. } => self.act_on_job(action),
            Action::AddTask { .. }
            | Action::TerminateTask { .. }
            | Action::DeleteTask { .. }
            | Action::ReactivateTask { .. } => self.act_on_task(action),
            _ => self.act_on_node(action),
        }
    }

    /// Slots per node may change only while the pool is empty (C1).
    fn update_pool(&mut self, id: &str, task_slots: u32) -> Answer {
        let pool = self.steady_pool(id)?;
        let p = &mut self.pools[pool as usize];
        if !p.nodes.is_empty() || p.ordered != [0; 2] {
            return Err(Refusal::new(409, "PoolNotEmpty", format!("pool {id} has nodes: resize it to 0 first")));
        }
        let most = (4 * p.cfg.vm.vcpus).clamp(1, 256);
        if task_slots == 0 || task_slots > most {
            let message = format!("taskSlotsPerNode {task_slots} is not in 1 to {most}");
            return Err(Refusal::new(400, "InvalidPropertyValue", message));
        }
        let mut cfg = (*p.cfg).clone();
        cfg.task_slots = task_slots;
        p.cfg = Arc::new(cfg);
        p.free = super::policy::place::FreeIndex::new(task_slots);
        for job in 0..self.jobs.len() as u32 {
            if self.jobs[job as usize].pool == pool {
                self.report_wide_again(job);
            }
        }
        Ok(())
    }

    fn act_on_job(&mut self, action: &Action) -> Answer {
        let wrong = |state: JobState| Refusal::new(409, "JobStateInvalid", format!("the job is {}", state.name()));
        match action {
            Action::AddJob(cfg) => self.add_job(Arc::new((**cfg).clone()), NONE).map(drop),
            Action::DisableJob { job, option } => {
                let job = self.job_named(job)?;
                match self.jobs[job as usize].state {
                    JobState::Active => self.disable_job(job, *option),
                    JobState::Disabling if *option != DisableJobOption::Wait => self.disable_job(job, *option),
                    JobState::Disabling | JobState::Disabled => {}
                    state => return Err(wrong(state)),
                }
                Ok(())
            }
            Action::EnableJob { job } => {
                let job = self.job_named(job)?;
                match self.jobs[job as usize].state {
                    JobState::Disabled => self.enable_job(job),
                    state => return Err(wrong(state)),
                }
                Ok(())
            }
            Action::TerminateJob { job } => {
                let job = self.job_named(job)?;
                match self.jobs[job as usize].state {
                    state if state >= JobState::Terminating => return Err(wrong(state)),
                    _ => self.terminate_job(job, "UserTerminate"),
                }
                Ok(())
            }
            Action::DeleteJob { job } => {
                let job = self.job_named(job)?;
                match self.jobs[job as usize].state {
                    state @ (JobState::Terminating | JobState::Deleting) => return Err(wrong(state)),
                    _ => self.delete_job(job),
                }
                Ok(())
            }
            Action::MoveJob { job, pool } => {
                let job = self.job_named(job)?;
                if self.jobs[job as usize].state != JobState::Disabled {
                    return Err(wrong(self.jobs[job as usize].state));
                }
                let target = self.find_pool(pool);
                self.unbind(job);
                self.jobs[job as usize].wants.clone_from(pool);
                if let Some(target) = target {
                    self.bind(job, target);
                }
                Ok(())
            }
            Action::TerminateSchedule { schedule } => {
                let s = self.schedule_in(schedule, ScheduleState::Disabled)?;
                self.end_schedule(s, ScheduleState::Terminating);
                Ok(())
            }
            Action::DeleteSchedule { schedule } => {
                let s = self.schedule_in(schedule, ScheduleState::Completed)?;
                self.end_schedule(s, ScheduleState::Deleting);
                Ok(())
            }
            Action::DisableSchedule { schedule } => {
                let s = self.schedule_in(schedule, ScheduleState::Active)?;
                let schedule = &mut self.schedules[s as usize];
                schedule.state = ScheduleState::Disabled;
                schedule.token += 1;
                Ok(())
            }
            Action::EnableSchedule { schedule } => {
                let s = self.schedule_in(schedule, ScheduleState::Disabled)?;
                let schedule = &mut self.schedules[s as usize];
                if std::mem::replace(&mut schedule.state, ScheduleState::Active) == ScheduleState::Disabled {
                    let (at, token) = (schedule.next.max(self.now), schedule.token);
                    self.at(at, super::event::Event::Schedule { schedule: s, token });
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A schedule that has not gone beyond a state (pool.md §11).
    fn schedule_in(&self, id: &str, most: ScheduleState) -> Result<u32, Refusal> {
        let same = |s: &super::world::Schedule| s.state != ScheduleState::Removed && s.cfg.id.eq_ignore_ascii_case(id);
        let Some(s) = self.schedules.iter().rposition(same) else {
            return Err(Refusal::new(404, "JobScheduleNotFound", format!("there is no job schedule {id}")));
        };
        let state = self.schedules[s].state;
        let code = match state {
            _ if state <= most => return Ok(s as u32),
            ScheduleState::Terminating => "JobScheduleBeingTerminated",
            ScheduleState::Deleting => "JobScheduleBeingDeleted",
            ScheduleState::Disabled => "JobScheduleDisabled",
            _ => "JobScheduleCompleted",
        };
        Err(Refusal::new(409, code, format!("job schedule {id} is {}", state.name())))
    }

    fn act_on_task(&mut self, action: &Action) -> Answer {
        match action {
            Action::AddTask { job, task } => {
                let job = self.job_named(job)?;
                self.add_spec(job, Arc::new((**task).clone()), 0).map(drop)
            }
            Action::TerminateTask { task } => {
                let Some(at) = self.find_task(*task) else { return Err(self.no_task(*task)) };
                self.end_now(at, Fate::Terminated);
                Ok(())
            }
            Action::DeleteTask { task } => match self.find_task(*task) {
                Some(at) => {
                    if matches!(self.tasks[at].state, TaskState::Running | TaskState::Preparing) {
                        self.abort(at, Kill::Requeue, true);
                    }
                    self.forget_task(at);
                    Ok(())
                }
                None => self.delete_finished(*task),
            },
            Action::ReactivateTask { task } => self.reactivate(*task),
            _ => Ok(()),
        }
    }

    fn no_task(&self, task: u32) -> Refusal {
        let finished = self.out.tasks.iter().any(|r| r.id == task) && !self.deleted.contains(&task);
        if finished {
            Refusal::new(409, "TaskCompleted", format!("task {task} is complete"))
        } else {
            Refusal::new(404, "TaskNotFound", format!("there is no unfinished task {task}"))
        }
    }

    fn delete_finished(&mut self, task: u32) -> Answer {
        let record = self.out.tasks.iter().rev().find(|r| r.id == task);
        let Some(record) = record.filter(|_| !self.deleted.contains(&task)) else { return Err(self.no_task(task)) };
        if self.jobs[record.job as usize].state == JobState::Removed {
            return Err(self.no_task(task));
        }
        self.deleted.insert(task);
        let success = record.fate == Fate::Success;
        self.count(record.job, |c| {
            c.succeeded -= i64::from(success);
            c.failed -= i64::from(!success);
        });
        Ok(())
    }

    /// A failed task runs again with its retries restored (pool.md §8.1).
    fn reactivate(&mut self, id: u32) -> Answer {
        if self.find_task(id).is_some() {
            return Err(Refusal::new(409, "TaskNotCompleted", format!("task {id} is not complete")));
        }
        let record = self.out.tasks.iter().rev().find(|r| r.id == id);
        let Some(record) = record.filter(|_| !self.deleted.contains(&id)) else { return Err(self.no_task(id)) };
        if record.exit == 0 && record.fate == Fate::Success {
            return Err(Refusal::new(409, "TaskSucceeded", format!("task {id} succeeded")));
        }
        if self.jobs[record.job as usize].state >= JobState::Terminating {
            return Err(Refusal::new(409, "JobCompleted", "the job has ended"));
        }
        self.count(record.job, |c| c.failed -= 1);
        self.readd(&record);
        Ok(())
    }

    fn act_on_node(&mut self, action: &Action) -> Answer {
        use NodeState::*;
        let usable = [Idle, Running];
        match *action {
            Action::RebootNode { node, .. } if self.node_in(node, &[StartTaskFailed]).is_ok() => {
                self.reboot_failed(node);
            }
            Action::RebootNode { node, option } => {
                self.node_in(node, &usable)?;
                self.empty_node(node, option, Drain::Then(Rebooting));
            }
            Action::ReimageNode { node, option } => {
                self.node_in(node, &usable)?;
                if !self.pools[self.nodes[node as usize].pool as usize].cfg.reimage {
                    let message = "nodes of virtual machine pools cannot be reimaged";
                    return Err(Refusal::new(409, "OperationNotValidOnNode", message));
                }
                self.empty_node(node, option, Drain::Then(Reimaging));
            }
            Action::DeallocateNode { node, option } => {
                self.node_in(node, &usable)?;
                self.empty_node(node, option, Drain::Then(Deallocating));
            }
            Action::StartNode { node } => {
                self.node_in(node, &[Deallocated])?;
                self.start_node(node);
            }
            Action::UpgradeNode { node } => {
                self.node_in(node, &usable)?;
                self.empty_node(node, DeallocationOption::TaskCompletion, Drain::Then(UpgradingOs));
            }
            Action::DisableScheduling { node, option } => {
                self.node_in(node, &usable)?;
                if option == DeallocationOption::RetainedData {
                    let message = "scheduling is disabled with requeue, terminate or taskcompletion";
                    return Err(Refusal::new(400, "InvalidPropertyValue", message));
                }
                self.nodes[node as usize].enabled = false;
                self.empty_node(node, option, Drain::Offline);
            }
            Action::EnableScheduling { node } => {
                if !self.node_exists(node) {
                    return Err(Refusal::new(404, "NodeNotFound", format!("there is no node {node}")));
                }
                let n = &mut self.nodes[node as usize];
                n.enabled = true;
                if n.drain == Drain::Offline {
                    n.drain = Drain::No;
                }
                if n.state == Offline {
                    self.set_node(node, Idle, super::machine::node::Why::SchedulingEnabled);
                } else {
                    self.reindex(node);
                }
            }
            Action::PreemptNode { node } => {
                if !self.node_exists(node) || self.class_of(node) != Class::Spot {
                    return Err(Refusal::new(404, "NodeNotFound", format!("there is no Spot node {node}")));
                }
                self.evict(node);
            }
            Action::FailNode { node, fault } => {
                if !self.node_exists(node) {
                    return Err(Refusal::new(404, "NodeNotFound", format!("there is no node {node}")));
                }
                if !self.break_node(node, Some(fault)) {
                    let message = format!("node {node} is {}", self.nodes[node as usize].state.name());
                    return Err(Refusal::new(409, "NodeStateInvalid", message));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Tasks end 180 days after creation, in whatever state (pool.md §1).
    pub(crate) fn expire_tasks(&mut self) {
        let limit = 180 * super::config::DAY;
        let old: Vec<u32> =
            self.tasks.iter().filter(|(_, t)| self.now - t.created >= limit.min(NEVER)).map(|(at, _)| at).collect();
        for at in old {
            self.end_now(at, Fate::Expired);
        }
    }

    /// Ends a task wherever it is; one that runs is terminated.
    fn end_now(&mut self, at: u32, fate: Fate) {
        let task = self.tasks[at];
        match task.state {
            TaskState::Running | TaskState::Preparing => return self.abort(at, Kill::Terminate, true),
            TaskState::Ready => self.unqueue(at),
            TaskState::Waiting => {}
        }
        self.complete(at, &task, fate, -1);
    }
}

//! Scripted actions: which keys each needs.
//!
//! In: an action of the file. Out: an action of the simulator, or what it lacks. Never: whether the service accepts it; that
//! is found out when it happens.

use super::{
    ScenarioError,
    build::Build,
    file::{ActionFile, ActionName},
    keys::near,
};
use crate::sim::config::*;
use poolcast_runtime::value::DeallocationOption;

/// The first thing an action lacks.
type Lack<T> = Result<T, ScenarioError>;

struct Reader<'a> {
    a: &'a ActionFile,
    path: &'a str,
}

impl Reader<'_> {
    fn lacks(&self, key: &str) -> ScenarioError {
        let name = serde_json::to_string(&format!("{:?}", self.a.action)).unwrap_or_default();
        ScenarioError::new(format!("{}.{key}", self.path), "is missing")
            .help(format!("the action {} needs `{key}`", name.trim_matches('"')))
    }
    fn text(&self, value: &Option<String>, key: &str) -> Lack<String> {
        value.clone().ok_or_else(|| self.lacks(key))
    }
    fn number(&self, value: Option<u32>, key: &str) -> Lack<u32> {
        value.ok_or_else(|| self.lacks(key))
    }
    fn option(&self) -> Lack<Option<DeallocationOption>> {
        let Some(text) = &self.a.option else { return Ok(None) };
        Ok(Some(match text.to_ascii_lowercase().as_str() {
            "requeue" => DeallocationOption::Requeue,
            "terminate" => DeallocationOption::Terminate,
            "taskcompletion" => DeallocationOption::TaskCompletion,
            "retaineddata" => DeallocationOption::RetainedData,
            _ => return Err(self.unknown("option", text, &["requeue", "terminate", "taskcompletion", "retaineddata"])),
        }))
    }
    fn unknown(&self, key: &str, text: &str, allowed: &[&str]) -> ScenarioError {
        ScenarioError::new(format!("{}.{key}", self.path), format!("`{text}` is not known here"))
            .help(near(text, allowed))
    }
}

impl Build<'_> {
    /// One action; problems go to the list.
    pub(super) fn action(&mut self, a: &ActionFile, path: &str) -> Option<TimedAction> {
        let formula = self.formula(&a.formula, &a.formula_file, path);
        match self.try_action(a, path, formula) {
            Ok(action) => Some(TimedAction { at: a.at.0, action }),
            Err(e) => {
                self.errors.push(e);
                None
            }
        }
    }

    fn try_action(&mut self, a: &ActionFile, path: &str, formula: Option<String>) -> Lack<Action> {
        let r = Reader { a, path };
        let pool = || r.text(&a.pool, "pool");
        let job = || r.text(&a.job, "job");
        let node = || r.number(a.node, "node");
        let task = || r.number(a.task, "task");
        let schedule = || r.text(&a.schedule, "schedule");
        let option = r.option_unless_job()?;
        let timeout = a.timeout.map(|d| d.0);
        Ok(match a.action {
            ActionName::CreatePool => {
                let p = a.new_pool.as_ref().ok_or_else(|| r.lacks("new_pool"))?;
                Action::CreatePool(Box::new(self.pool(p, &format!("{path}.new_pool"))))
            }
            ActionName::DeletePool => Action::DeletePool { pool: pool()? },
            ActionName::UpdatePool => {
                Action::UpdatePool { pool: pool()?, task_slots: r.number(a.task_slots, "task_slots")? }
            }
            ActionName::Resize => {
                if a.dedicated.is_none() && a.spot.is_none() {
                    return Err(r.lacks("dedicated"));
                }
                Action::Resize { pool: pool()?, dedicated: a.dedicated, spot: a.spot, timeout, option }
            }
            ActionName::StopResize => Action::StopResize { pool: pool()? },
            ActionName::RemoveNodes => {
                let nodes = a.nodes.clone().or(a.node.map(|n| vec![n])).ok_or_else(|| r.lacks("nodes"))?;
                Action::RemoveNodes { pool: pool()?, nodes, timeout, option }
            }
            ActionName::EnableAutoscale => {
                Action::EnableAutoscale { pool: pool()?, formula, interval: a.interval.map(|d| d.0) }
            }
            ActionName::DisableAutoscale => Action::DisableAutoscale { pool: pool()? },
            ActionName::EvaluateAutoscale => {
                Action::EvaluateAutoscale { pool: pool()?, formula: formula.ok_or_else(|| r.lacks("formula"))? }
            }
            ActionName::AddJob => {
                let j = a.new_job.as_ref().ok_or_else(|| r.lacks("new_job"))?;
                Action::AddJob(Box::new(self.job(j, &format!("{path}.new_job"))))
            }
            ActionName::DisableJob => {
                let option = match a.option.as_deref().map(str::to_ascii_lowercase).as_deref() {
                    None | Some("requeue") => DisableJobOption::Requeue,
                    Some("terminate") => DisableJobOption::Terminate,
                    Some("wait") => DisableJobOption::Wait,
                    Some(text) => return Err(r.unknown("option", text, &["requeue", "terminate", "wait"])),
                };
                Action::DisableJob { job: job()?, option }
            }
            ActionName::EnableJob => Action::EnableJob { job: job()? },
            ActionName::TerminateJob => Action::TerminateJob { job: job()? },
            ActionName::DeleteJob => Action::DeleteJob { job: job()? },
            ActionName::MoveJob => Action::MoveJob { job: job()?, pool: pool()? },
            ActionName::AddTask => {
                let t = a.new_task.as_ref().ok_or_else(|| r.lacks("new_task"))?;
                let job = job()?;
                let task = self
                    .tasks(t, &format!("{path}.new_task"), "task")
                    .into_iter()
                    .next()
                    .ok_or_else(|| r.lacks("new_task"))?;
                Action::AddTask { job, task: Box::new(task) }
            }
            ActionName::TerminateTask => Action::TerminateTask { task: task()? },
            ActionName::DeleteTask => Action::DeleteTask { task: task()? },
            ActionName::ReactivateTask => Action::ReactivateTask { task: task()? },
            ActionName::RebootNode => {
                Action::RebootNode { node: node()?, option: option.unwrap_or(DeallocationOption::Requeue) }
            }
            ActionName::ReimageNode => {
                Action::ReimageNode { node: node()?, option: option.unwrap_or(DeallocationOption::Requeue) }
            }
            ActionName::DeallocateNode => {
                Action::DeallocateNode { node: node()?, option: option.unwrap_or(DeallocationOption::Requeue) }
            }
            ActionName::StartNode => Action::StartNode { node: node()? },
            ActionName::UpgradeNode => Action::UpgradeNode { node: node()? },
            ActionName::DisableScheduling => {
                Action::DisableScheduling { node: node()?, option: option.unwrap_or(DeallocationOption::Requeue) }
            }
            ActionName::EnableScheduling => Action::EnableScheduling { node: node()? },
            ActionName::PreemptNode => Action::PreemptNode { node: node()? },
            ActionName::FailNode => {
                let text = r.text(&a.fault, "fault")?;
                let fault = match text.as_str() {
                    "lost_contact" => NodeFault::LostContact,
                    "host_failure" => NodeFault::HostFailure,
                    "disk_full" => NodeFault::DiskFull,
                    other => return Err(r.unknown("fault", other, &["lost_contact", "host_failure", "disk_full"])),
                };
                Action::FailNode { node: node()?, fault }
            }
            ActionName::SetQuota => Action::SetQuota {
                account: self.account(&a.account, &format!("{path}.account")),
                dedicated_cores: a.dedicated_cores,
                spot_cores: a.spot_cores,
            },
            ActionName::TerminateSchedule => Action::TerminateSchedule { schedule: schedule()? },
            ActionName::DeleteSchedule => Action::DeleteSchedule { schedule: schedule()? },
            ActionName::DisableSchedule => Action::DisableSchedule { schedule: schedule()? },
            ActionName::EnableSchedule => Action::EnableSchedule { schedule: schedule()? },
        })
    }
}

impl Reader<'_> {
    /// Jobs have options of their own.
    fn option_unless_job(&self) -> Lack<Option<DeallocationOption>> {
        if self.a.action == ActionName::DisableJob { Ok(None) } else { self.option() }
    }
}

//! How attempts end, and what the end of a task means to others: its dependents, its job (pool.md §8.2).
//!
//! In: an attempt, a finished task. Out: its fate, released dependents, job actions. Never: a node, a retry.

use crate::sim::{
    config::{DisableJobOption, ExitAction, JobAction, OnTaskFailure},
    output::Fate,
    rng::{Draw, Purpose},
    workload::Exit,
    world::{Need, RARE, TIMED_OUT, Task, TaskState, World},
};

impl World {
    /// What an exit means (pool.md §8.2): the job action and whether dependents go on.
    fn exit_action(&self, task: &Task, fate: Fate, exit: i32) -> (JobAction, bool) {
        let spec = self.rare.get(&task.id).and_then(|r| r.spec.as_ref());
        let job = &self.jobs[task.job as usize].cfg;
        let c = spec.and_then(|s| s.exit_conditions.as_ref()).unwrap_or(&job.exit_conditions);
        let by_code = || {
            let exact = c.codes.iter().find(|(code, _)| *code == exit).map(|(_, a)| *a);
            exact.or_else(|| c.ranges.iter().find(|(lo, hi, _)| (*lo..=*hi).contains(&exit)).map(|(_, _, a)| *a))
        };
        let own: Option<ExitAction> = match fate {
            Fate::PreProcessingError => c.pre_processing_error,
            Fate::UploadError => c.upload_error,
            Fate::Success | Fate::Failure => by_code(),
            _ => None,
        };
        let action = own.or(c.default.filter(|_| fate != Fate::Success)).unwrap_or_default();
        let success = fate == Fate::Success;
        let default_job = if success { JobAction::None } else { JobAction::Terminate };
        (action.job.unwrap_or(default_job), action.satisfy.unwrap_or(success))
    }

    /// Dependents, the side tables, the job: told of a finished task.
    pub(crate) fn consequences(&mut self, task: &Task, fate: Fate, exit: i32) {
        let (action, satisfy) = self.exit_action(task, fate, exit);
        let n = self.work.len() as u32;
        if task.id < n {
            if self.is_needed(task.id) {
                self.satisfy(Need::Work(task.id), satisfy);
            }
        } else {
            let name = self.task_name(task.id);
            if let Ok(number) = name.parse::<u64>() {
                self.satisfy(Need::Number(task.job, number), satisfy);
            }
            self.satisfy(Need::Name(task.job, name), satisfy);
            self.ran_on.insert(task.id, task.node);
        }
        self.rare.remove(&task.id);
        let j = &self.jobs[task.job as usize];
        if j.manager == task.id && j.cfg.manager.as_ref().is_some_and(|m| m.kill_job_on_completion) {
            return self.terminate_job(task.job, "JMComplete");
        }
        if fate != Fate::Terminated && j.cfg.on_task_failure == OnTaskFailure::PerformExitOptionsJobAction {
            match action {
                JobAction::None => {}
                JobAction::Disable => self.disable_job(task.job, DisableJobOption::Requeue),
                JobAction::Terminate => self.terminate_job(task.job, "TaskFailed"),
            }
        }
    }

    fn satisfy(&mut self, need: Need, ok: bool) {
        let before = self.satisfied.get(&need) == Some(&true);
        if before || !ok {
            self.satisfied.entry(need).or_insert(false);
            return;
        }
        let dependents = self.dependents.remove(&need).unwrap_or_default();
        self.satisfied.insert(need, true);
        for id in dependents {
            let Some(rare) = self.rare.get_mut(&id) else { continue };
            rare.left -= 1;
            let at = rare.at;
            if rare.left == 0 && self.tasks[at].id == id && self.tasks[at].state == TaskState::Waiting {
                self.tasks[at].state = TaskState::Ready;
                let (job, weight) = (self.tasks[at].job, i64::from(self.tasks[at].instances));
                self.count(job, |c| {
                    c.waiting -= 1;
                    c.active += weight;
                });
                self.queue_back(at);
            }
        }
    }

    /// How an attempt ends.
    #[inline(always)] // for every task
    pub(crate) fn exit_of(&self, task: &Task) -> (Fate, i32) {
        if task.flags & TIMED_OUT != 0 {
            return (Fate::WallClock, -1);
        }
        let job = &self.jobs[task.job as usize];
        if let Some(exit) = self.work.exit.get(task.id as usize) {
            return match exit {
                Exit::Success | Exit::Code(0) => (Fate::Success, 0),
                Exit::Code(code) => (Fate::Failure, *code),
            };
        }
        if job.plain && task.flags & RARE == 0 {
            return (Fate::Success, 0);
        }
        self.drawn_exit(task)
    }

    /// How an attempt ends that may end otherwise than with success.
    #[inline(never)]
    fn drawn_exit(&self, task: &Task) -> (Fate, i32) {
        let job = &self.jobs[task.job as usize];
        let spec = self.rare.get(&task.id).and_then(|r| r.spec.as_ref());
        let model = spec.and_then(|s| s.exit.as_ref()).unwrap_or(&job.cfg.exit);
        let key = u64::from(task.id) << 16 | u64::from(task.attempts);
        let mut draw = Draw::keyed(self.config.seed, Purpose::Exit, key);
        if draw.chance(model.pre_processing_error) {
            return (Fate::PreProcessingError, -1);
        }
        let total: f64 = model.codes.iter().map(|(_, w)| w).sum();
        let mut left = draw.unit() * total;
        let code = model.codes.iter().find(|(_, w)| {
            left -= w;
            left < 0.0
        });
        let code = code.or(model.codes.last()).map_or(0, |(c, _)| *c);
        // An exit code beats an upload error (pool.md §8.2).
        match (code, draw.chance(model.upload_error)) {
            (0, true) => (Fate::UploadError, 0),
            (0, false) => (Fate::Success, 0),
            (code, _) => (Fate::Failure, code),
        }
    }
}

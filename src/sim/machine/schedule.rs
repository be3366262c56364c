//! Job schedules (pool.md §11): at most one active job, occurrences missed when their window closes.

use crate::sim::{
    action::Refusal,
    config::{JobConfig, NEVER, PoolLifetime, PoolRef, ScheduleConfig},
    event::Event,
    world::{JobState, NONE, PoolState, Schedule, ScheduleState, World},
};
use std::sync::Arc;

impl World {
    /// Adds a schedule.
    pub(crate) fn add_schedule(&mut self, cfg: Arc<ScheduleConfig>) -> Result<(), Refusal> {
        let same = |s: &Schedule| s.state != ScheduleState::Removed && s.cfg.id.eq_ignore_ascii_case(&cfg.id);
        if self.schedules.iter().any(same) {
            let message = format!("a job schedule {} exists already", cfg.id);
            return Err(Refusal::new(409, "JobScheduleExists", message));
        }
        let limit = self.accounts[0].active_jobs;
        if self.active_jobs(0) >= limit {
            let message = format!("the account may have {limit} active jobs and job schedules");
            return Err(Refusal::new(409, "ActiveJobAndScheduleQuotaReached", message));
        }
        let next = cfg.do_not_run_until.max(self.now);
        let s = self.schedules.len() as u32;
        self.schedules.push(Schedule {
            cfg,
            state: ScheduleState::Active,
            token: 0,
            occurrences: 0,
            missed: 0,
            job: NONE,
            next,
            pool: NONE,
        });
        self.at(next, Event::Schedule { schedule: s, token: 0 });
        Ok(())
    }

    fn schedule_busy(&self, s: u32) -> bool {
        let job = self.schedules[s as usize].job;
        job != NONE && self.jobs[job as usize].state < JobState::Completed
    }

    /// An occurrence is due.
    pub(crate) fn schedule_due(&mut self, s: u32, token: u32) {
        let schedule = &self.schedules[s as usize];
        if schedule.token != token || schedule.state != ScheduleState::Active || self.schedule_busy(s) {
            // A busy schedule goes on when its job closes.
            return;
        }
        let cfg = schedule.cfg.clone();
        let now = self.now;
        let schedule = &mut self.schedules[s as usize];
        // Occurrences whose window has closed are lost.
        while cfg.recurrence < NEVER && now - schedule.next > cfg.start_window {
            schedule.next += cfg.recurrence;
            schedule.missed += 1;
        }
        if schedule.next > cfg.do_not_run_after {
            return self.complete_schedule(s);
        }
        if schedule.next > now {
            let at = schedule.next;
            return self.at(at, Event::Schedule { schedule: s, token });
        }
        schedule.occurrences += 1;
        schedule.next = schedule.next.saturating_add(cfg.recurrence).min(NEVER);
        let job =
            JobConfig { id: format!("{}:job-{}", cfg.id, schedule.occurrences), create_at: now, ..cfg.job.clone() };
        let id = job.id.clone();
        match self.add_job(Arc::new(job), s) {
            Ok(job) => self.schedules[s as usize].job = job,
            Err(refusal) => self.refuse(format!("add job {id}"), refusal),
        }
        let schedule = &mut self.schedules[s as usize];
        let (next, token) = (schedule.next, schedule.token);
        if next < NEVER {
            // An occurrence that is late but inside its window is due at once.
            self.at(next.max(now), Event::Schedule { schedule: s, token });
        }
    }

    /// The schedule's job has closed.
    pub(crate) fn schedule_job_closed(&mut self, s: u32) {
        let schedule = &mut self.schedules[s as usize];
        match schedule.state {
            ScheduleState::Completed | ScheduleState::Removed => {}
            ScheduleState::Terminating => self.close_schedule(s, ScheduleState::Completed),
            ScheduleState::Deleting => self.close_schedule(s, ScheduleState::Removed),
            _ if schedule.next >= NEVER || schedule.next > schedule.cfg.do_not_run_after => self.complete_schedule(s),
            _ if schedule.next <= self.now => {
                let token = schedule.token;
                self.after(0, Event::Schedule { schedule: s, token });
            }
            _ => {}
        }
    }

    /// A user terminates or deletes a schedule: it has ended when its job has. Deleting takes its finished jobs along.
    pub(crate) fn end_schedule(&mut self, s: u32, how: ScheduleState) {
        let schedule = &mut self.schedules[s as usize];
        schedule.state = how;
        schedule.token += 1;
        let (job, busy) = (schedule.job, self.schedule_busy(s));
        let delete = how == ScheduleState::Deleting;
        if delete {
            for j in 0..self.jobs.len() as u32 {
                let other = &self.jobs[j as usize];
                if other.schedule == s && other.state < JobState::Removed {
                    self.delete_job(j);
                }
            }
        } else if busy {
            self.terminate_job(job, "TerminateJobSchedule");
        }
        if !busy {
            self.close_schedule(s, if delete { ScheduleState::Removed } else { ScheduleState::Completed });
        }
    }

    /// No more occurrences.
    pub(crate) fn complete_schedule(&mut self, s: u32) {
        self.close_schedule(s, ScheduleState::Completed);
    }

    /// The schedule is over; the pool of a schedule lifetime goes with it.
    fn close_schedule(&mut self, s: u32, state: ScheduleState) {
        let schedule = &mut self.schedules[s as usize];
        schedule.state = state;
        schedule.token += 1;
        let pool = schedule.pool;
        let keep = match &schedule.cfg.job.pool {
            PoolRef::Auto(auto) => auto.keep_alive || auto.lifetime == PoolLifetime::Job,
            PoolRef::Pool(_) => true,
        };
        if pool != NONE && !keep && self.pools[pool as usize].state == PoolState::Active {
            self.delete_pool(pool);
        }
    }
}

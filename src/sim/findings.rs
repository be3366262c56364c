//! What a run teaches, in sentences.
//!
//! In: a simulation and its summary. Out: `Finding`s with times and evidence, worst first. Never: a figure of its own.

use super::{
    Simulation,
    config::{DrainTimeout, HOUR, MINUTE, Ms, NEVER},
    output::SeriesRow,
    resize::code,
    summary::{PoolSummary, Spread},
    world::{Apart, JobState, NONE, Need, NodeState, TaskState},
};
use poolcast_runtime::value::DeallocationOption;
use std::collections::BTreeMap;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weight {
    /// Work or money is lost, or tasks never run.
    Problem,
    /// Worth knowing.
    Notice,
}

/// One thing to know about a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub weight: Weight,
    /// A stable name: `killed-work`, `never-runs`.
    pub kind: &'static str,
    /// When it first shows, if at one time.
    pub at: Option<Ms>,
    /// One or two sentences.
    pub text: String,
    /// What it is read from, with times.
    pub evidence: Vec<String>,
}

/// A moment as `day hh:mm:ss` of the simulation.
pub fn moment(at: Ms) -> String {
    let s = at / 1000;
    format!("{}d {:02}:{:02}:{:02}", s / 86_400, s / 3600 % 24, s / 60 % 60, s % 60)
}

fn money(millionths: i64) -> String {
    let cents = (millionths + 5_000) / 10_000;
    format!("{}.{:02}", cents / 100, cents % 100)
}

fn hours(ms: i64) -> String {
    let tenths = (ms * 10 + HOUR / 2) / HOUR;
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// `1 task`, `2 tasks`.
fn count(n: impl Into<u64>, what: &str) -> String {
    let n = n.into();
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// A duration in words of two units: `1 h 51 min`.
fn spell(ms: Ms) -> String {
    let s = ms / 1000;
    match s {
        0..60 => format!("{s} s"),
        60..3600 => format!("{} min {} s", s / 60, s % 60),
        3600..86_400 => format!("{} h {} min", s / 3600, s / 60 % 60),
        _ => format!("{} d {} h", s / 86_400, s / 3600 % 24),
    }
}

/// Most lines of evidence.
const EVIDENCE: usize = 5;

impl Simulation {
    /// What the run teaches.
    pub fn findings(&self) -> Vec<Finding> {
        let summary = self.summary();
        let mut found = Vec::new();
        for (i, pool) in summary.pools.iter().enumerate() {
            self.lost_work(i as u32, pool, &mut found);
            self.apart(i as u32, pool, &mut found);
            self.failed_evaluations(i as u32, pool, &mut found);
            self.idle(pool, &mut found);
            self.drains(i as u32, pool, &mut found);
            self.preempted_share(i as u32, pool, &mut found);
            self.oscillations(i as u32, pool, &mut found);
            self.oversized(i as u32, pool, &mut found);
            self.unusable(i as u32, pool, &mut found);
        }
        self.never_run(&mut found);
        self.refused(&mut found);
        // Tasks that never run come first: nothing else about the pool helps them.
        found.sort_by_key(|f| (f.weight, f.kind != "never-runs", f.at.unwrap_or(Ms::MAX)));
        found
    }

    fn lost_work(&self, _: u32, p: &PoolSummary, found: &mut Vec<Finding>) {
        let causes = [
            ("requeue", "killed and requeued by a resize, a disabled job or a deleted pool"),
            ("terminate", "terminated"),
            ("preemption", "lost to preemption or node recovery and run again"),
        ];
        for (i, (kind, what)) in causes.into_iter().enumerate() {
            if p.lost[i] > 0 {
                let records = self.output().tasks.iter().filter(|r| r.wasted > 0);
                let worst: Vec<String> = records
                    .take(EVIDENCE)
                    .map(|r| {
                        let name = self.task_name(r.id);
                        format!("task {name}: {} attempts, {} s lost", r.attempts, r.wasted / 1000)
                    })
                    .collect();
                found.push(Finding {
                    weight: Weight::Problem,
                    kind: ["killed-work", "terminated-work", "preempted-work"][i],
                    at: None,
                    text: format!(
                        "In pool {}, {} {} {what} ({kind}); {} h of slot time came to nothing.",
                        p.id,
                        count(p.lost[i], "attempt"),
                        if p.lost[i] == 1 { "was" } else { "were" },
                        hours(p.lost_ms[i])
                    ),
                    evidence: worst,
                });
            }
        }
    }

    fn apart(&self, pool: u32, p: &PoolSummary, found: &mut Vec<Finding>) {
        let resizes = || self.output().resizes.iter().filter(move |r| r.pool == pool);
        for reason in [Apart::Quota, Apart::Refused, Apart::Draining, Apart::Allocating, Apart::Idle] {
            let ms = p.apart_ms[reason as usize];
            // VMs take minutes; waiting for them is news only when it is most of the time.
            let usual = matches!(reason, Apart::Allocating | Apart::Draining) && ms * 4 < self.now();
            // Moments between an end and the next evaluation are no news.
            if ms < 10 * MINUTE || usual {
                continue;
            }
            // Each cause shows the errors that are its own, once however often they came.
            let quota = reason == Apart::Quota;
            let (mut at, mut errors) = (None, Vec::<(String, Ms, u64)>::new());
            for r in resizes() {
                let mut codes: Vec<&str> =
                    r.errors.iter().map(|e| e.code).filter(|c| c.contains("Quota") == quota).collect();
                codes.dedup();
                if codes.is_empty() {
                    continue;
                }
                at = at.or(Some(r.end));
                let (t, c) = (r.target, r.current);
                let text = format!("{} (target {}+{}, got {}+{})", codes.join(", "), t[0], t[1], c[0], c[1]);
                match errors.iter_mut().find(|(other, ..)| *other == text) {
                    Some((_, _, times)) => *times += 1,
                    None => errors.push((text, r.end, 1)),
                }
            }
            found.push(Finding {
                weight: if quota || reason == Apart::Refused { Weight::Problem } else { Weight::Notice },
                kind: if quota { "quota-blocked" } else { "off-target" },
                at,
                text: format!("Pool {} was off its targets for {} h: {}.", p.id, hours(ms), reason.name()),
                evidence: errors
                    .into_iter()
                    .take(EVIDENCE)
                    .map(|(text, at, times)| match times {
                        1 => format!("{}: {text}", moment(at)),
                        _ => format!("{}: {text}, and {} more", moment(at), count(times - 1, "time")),
                    })
                    .collect(),
            });
        }
        let drains = resizes().filter(|r| {
            r.errors.iter().any(|e| e.code == code::TimedOut) && (0..2).any(|c| r.current[c] > r.target[c])
        });
        let stuck: Vec<_> = drains.collect();
        if let Some(first) = stuck.first() {
            found.push(Finding {
                weight: Weight::Problem,
                kind: "drain-timeout",
                at: Some(first.end),
                text: format!(
                    "{} of pool {} timed out with nodes still draining; the nodes {}.",
                    count(stuck.len() as u64, "resize"),
                    p.id,
                    match self.world().pools[pool as usize].cfg.shrink.drain_timeout {
                        DrainTimeout::Revert => "went back to work",
                        DrainTimeout::KeepDraining => "went on draining",
                    }
                ),
                evidence: stuck
                    .iter()
                    .take(EVIDENCE)
                    .map(|r| format!("{}: option {}", moment(r.end), r.option))
                    .collect(),
            });
        }
    }

    fn failed_evaluations(&self, pool: u32, p: &PoolSummary, found: &mut Vec<Finding>) {
        for (failure, n) in &p.failures {
            let runs: Vec<_> = self
                .output()
                .runs
                .iter()
                .filter(|r| r.pool == pool)
                .filter_map(|r| r.result.as_ref().err().filter(|e| e.code == *failure).map(|e| (r.at, e)))
                .collect();
            found.push(Finding {
                weight: if runs.len() as u64 * 4 > p.evaluations { Weight::Problem } else { Weight::Notice },
                kind: "failed-evaluation",
                at: runs.first().map(|(at, _)| *at),
                text: format!(
                    "{n} of {} evaluations of pool {} failed with {failure}; its size stayed.",
                    p.evaluations, p.id
                ),
                evidence: runs.iter().take(EVIDENCE).map(|(at, e)| format!("{}: {}", moment(*at), e.value)).collect(),
            });
        }
    }

    fn idle(&self, p: &PoolSummary, found: &mut Vec<Finding>) {
        let idle: i64 = p.state_ms.iter().map(|s| s[NodeState::Idle as usize]).sum();
        let total: i64 = p.state_ms.iter().flatten().sum();
        if idle > 0 {
            let share = idle as i128 * 100 / i128::from(total.max(1));
            found.push(Finding {
                weight: if share > 50 { Weight::Problem } else { Weight::Notice },
                kind: "idle-cost",
                at: None,
                text: format!(
                    "Nodes of pool {} were idle for {} node-hours, {share} % of all, at a cost of {}.",
                    p.id,
                    hours(idle),
                    money(p.idle_cost)
                ),
                evidence: vec![format!("slots in use {}.{} % of the time", p.utilisation / 10, p.utilisation % 10)],
            });
        }
    }

    /// The node that took longest to leave, where its tasks are what it waited for.
    fn drains(&self, pool: u32, p: &PoolSummary, found: &mut Vec<Finding>) {
        let cfg = &self.world().pools[pool as usize].cfg;
        let resizes = || self.output().resizes.iter().filter(|r| r.pool == pool);
        let shrinks = |option: DeallocationOption| {
            resizes().any(|r| r.option == option.keyword() && (0..2).any(|c| r.target[c] < r.from[c]))
        };
        let retained = shrinks(DeallocationOption::RetainedData);
        if !retained && !shrinks(DeallocationOption::TaskCompletion) {
            return;
        }
        let mut leaving = BTreeMap::new();
        let mut longest = (0, 0, 0, NONE);
        for c in self.output().node_changes.iter() {
            if self.world().nodes[c.node as usize].pool != pool {
                continue;
            }
            if let Some(since) = leaving.remove(&c.node) {
                longest = longest.max((c.at - since, since, c.at, c.node));
            }
            if c.to == Some(NodeState::LeavingPool) {
                leaving.insert(c.node, c.at);
            }
        }
        for (node, since) in leaving {
            longest = longest.max((self.now() - since, since, self.now(), node));
        }
        let (took, from, to, node) = longest;
        // A drain that is over before the next evaluation holds nothing up.
        if took < cfg.autoscale.interval {
            return;
        }
        let runs = self.output().tasks.iter().filter(|r| r.attempts > 0).map(|r| r.end - r.start).collect();
        let why = if retained {
            "retaineddata waits until every task's retention has run out, seven days unless the tasks say less".into()
        } else {
            format!("taskcompletion waits for its tasks, whose 95th percentile is {}", spell(Spread::of(runs).p95))
        };
        found.push(Finding {
            weight: Weight::Notice,
            kind: "long-drain",
            at: Some(from),
            text: format!("A node of pool {} took {} to leave; {why}.", p.id, spell(took)),
            evidence: vec![format!("node {node}: {} to {}", moment(from), moment(to))],
        });
    }

    /// Nodes that were paid for and never ran anything.
    fn unusable(&self, pool: u32, p: &PoolSummary, found: &mut Vec<Finding>) {
        let total: i64 = p.state_ms.iter().flatten().sum();
        let why = [
            (
                NodeState::StartTaskFailed,
                "start-task-failed",
                "after their start task failed: they run nothing until they are rebooted or replaced",
            ),
            (NodeState::Unusable, "unusable-nodes", "unusable"),
        ];
        for (state, kind, words) in why {
            let ms: i64 = p.state_ms.iter().map(|s| s[state as usize]).sum();
            let percent = ms as i128 * 100 / i128::from(total.max(1));
            if ms == 0 || (state == NodeState::Unusable && percent == 0) {
                continue;
            }
            let into = self.output().node_changes.iter().filter(|c| c.to == Some(state));
            let mine: Vec<_> = into.filter(|c| self.world().nodes[c.node as usize].pool == pool).collect();
            found.push(Finding {
                weight: if state == NodeState::StartTaskFailed || percent >= 10 {
                    Weight::Problem
                } else {
                    Weight::Notice
                },
                kind,
                at: mine.first().map(|c| c.at),
                text: format!("Nodes of pool {} spent {} node-hours, {percent} % of all, {words}.", p.id, hours(ms)),
                evidence: mine.iter().take(EVIDENCE).map(|c| format!("{}: node {}", moment(c.at), c.node)).collect(),
            });
        }
    }

    fn preempted_share(&self, pool: u32, p: &PoolSummary, found: &mut Vec<Finding>) {
        let preempted = p.state_ms[1][NodeState::Preempted as usize];
        let spot: i64 = p.state_ms[1].iter().sum();
        if preempted == 0 {
            return;
        }
        let share = |r: &super::output::SeriesRow| {
            let all: u32 = r.nodes[1].iter().sum();
            (r.nodes[1][NodeState::Preempted as usize] * 100).checked_div(all).unwrap_or(0)
        };
        let worst = self.output().series.iter().filter(|r| r.pool == pool).max_by_key(share);
        let percent = preempted as i128 * 100 / i128::from(spot.max(1));
        // Below one percent it is weather, not a finding.
        if percent == 0 {
            return;
        }
        found.push(Finding {
            weight: if percent >= 10 { Weight::Problem } else { Weight::Notice },
            kind: "preempted-share",
            at: worst.map(|r| r.at),
            text: format!(
                "{percent} % of the Spot node time of pool {} was preempted: such nodes count as current and nothing replaces them \
                 unless the formula subtracts $PreemptedNodeCount ({} evictions, {} came back).",
                p.id, p.evictions.0, p.evictions.1
            ),
            evidence: worst.map(|r| format!("{}: {} % of the Spot nodes", moment(r.at), share(&r))).into_iter().collect(),
        });
    }

    /// Targets that turn round. A rise and a fall is what autoscale is for; more than two turns a day is worth a line.
    fn oscillations(&self, pool: u32, p: &PoolSummary, found: &mut Vec<Finding>) {
        let per_day = i64::from(p.oscillations) * 24 * HOUR / self.now().max(1);
        if p.oscillations < 3 || per_day < 3 {
            return;
        }
        let (mut before, mut rose, mut evidence) = (None, None, Vec::new());
        for r in self.output().resizes.iter().filter(|r| r.pool == pool) {
            let now = r.target[0] + r.target[1];
            if let Some(before) = before.filter(|n| *n != now) {
                if rose == Some(now < before) {
                    let after = if now < before { "a rise" } else { "a fall" };
                    evidence.push(format!("{}: from {before} to {now} nodes after {after}", moment(r.start)));
                }
                rose = Some(now > before);
            }
            before = Some(now);
            if evidence.len() == EVIDENCE {
                break;
            }
        }
        found.push(Finding {
            weight: if per_day > 24 { Weight::Problem } else { Weight::Notice },
            kind: "oscillation",
            at: None,
            text: format!("The targets of pool {} turned round {} times, {per_day} times a day.", p.id, p.oscillations),
            evidence,
        });
    }

    /// Nodes requested against slots needed: formulas count tasks, not slots (pool.md §9). Only while nothing waits, when
    /// the slots in use are all that is needed; and only when it is so often, since targets follow work with a delay.
    fn oversized(&self, pool: u32, p: &PoolSummary, found: &mut Vec<Finding>) {
        let slots = i64::from(self.world().pools[pool as usize].cfg.task_slots);
        if slots < 2 || p.evaluations == 0 {
            return;
        }
        let excess = |r: &SeriesRow| i64::from(r.target[0] + r.target[1]) - (r.slots_used + slots - 1) / slots;
        let busy = || self.output().series.iter().filter(|r| r.pool == pool && r.running > 0);
        let idle = || busy().filter(|r| r.active == 0 && excess(r) > 1);
        let share = idle().count() * 100 / busy().count().max(1);
        let Some(worst) = idle().max_by_key(excess).filter(|_| share >= 20) else { return };
        found.push(Finding {
            weight: Weight::Notice,
            kind: "more-nodes-than-slots",
            at: Some(worst.at),
            text: format!(
                "For {share} % of the time with work, pool {} asked for at least two nodes more than its tasks filled, up to {} \
                 (nodes have {slots} slots; task metrics count tasks, not slots).",
                p.id,
                excess(&worst)
            ),
            evidence: vec![format!(
                "{}: target {}+{}, {} running in {} slots, nothing waiting",
                moment(worst.at),
                worst.target[0],
                worst.target[1],
                count(worst.running.max(0) as u64, "task"),
                worst.slots_used
            )],
        });
    }

    fn never_run(&self, found: &mut Vec<Finding>) {
        let mut reasons: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for (task, _) in self.world().live_tasks() {
            if let Some(reason) = self.obstacle(task) {
                reasons.entry(reason).or_default().push(task.id);
            }
        }
        for (reason, tasks) in reasons {
            found.push(Finding {
                weight: Weight::Problem,
                kind: "never-runs",
                at: None,
                text: format!("{} can never run: {reason}.", count(tasks.len() as u64, "task")),
                evidence: tasks.iter().take(EVIDENCE).map(|id| format!("task {}", self.task_name(*id))).collect(),
            });
        }
    }

    /// Why a task that waits will wait for ever, if so, and what would help.
    pub(crate) fn obstacle(&self, task: &super::world::Task) -> Option<String> {
        let w = self.world();
        let job = &w.jobs[task.job as usize];
        if task.state == TaskState::Waiting {
            let blocked =
                w.dependents.iter().find(|(need, ids)| ids.contains(&task.id) && w.satisfied.get(need) == Some(&false));
            return blocked.map(|(need, _)| {
                format!(
                    "dependent on {}, which ended without satisfying it; let its exit conditions say \"satisfy\", or \
                     reactivate it",
                    self.needed(need)
                )
            });
        }
        if task.state != TaskState::Ready {
            return None;
        }
        if job.state >= JobState::Terminating {
            return Some(format!("job {} has ended; add the work to another job", job.id));
        }
        if job.pool == NONE {
            return Some(format!(
                "job {} has no pool ({} does not exist); create that pool, or disable the job and move it",
                job.id, job.wants
            ));
        }
        let pool = &w.pools[job.pool as usize];
        let (id, slots) = (&pool.cfg.id, pool.cfg.task_slots);
        if u32::from(task.slots) > slots {
            return Some(format!(
                "tasks that need {} do not fit the nodes of pool {id}, which have {slots}; ask for fewer slots, or give the \
                 empty pool more slots per node",
                count(task.slots, "slot")
            ));
        }
        if task.instances > 1 && !pool.cfg.inter_node {
            return Some(format!(
                "{} instances wanted, and pool {id} has no inter-node communication; it can be enabled while the pool is empty",
                task.instances
            ));
        }
        if task.instances > 1 && slots != 1 {
            return Some(format!(
                "{} instances wanted, and pool {id} has more than one slot per node; use a pool of one slot per node",
                task.instances
            ));
        }
        let excluded = !pool.nodes.is_empty() && pool.nodes.iter().all(|n| job.excluded.contains(n));
        excluded.then(|| {
            format!(
                "the preparation task of job {} failed on every node of the pool; repair it, then replace the nodes",
                job.id
            )
        })
    }

    fn needed(&self, need: &Need) -> String {
        match need {
            Need::Work(id) => format!("task {}", self.task_name(*id)),
            Need::Name(_, id) => format!("task {id}"),
            Need::Number(_, n) => format!("task {n}"),
        }
    }

    fn refused(&self, found: &mut Vec<Finding>) {
        let refused = &self.output().refused;
        if let Some(first) = refused.iter().next() {
            found.push(Finding {
                weight: Weight::Problem,
                kind: "refused",
                at: Some(first.at),
                text: format!("The service refused {}.", count(refused.len() as u64, "request")),
                evidence: refused
                    .iter()
                    .take(EVIDENCE)
                    .map(|r| format!("{}: {}: {}", moment(r.at), r.what, r.refusal))
                    .collect(),
            });
        }
        if self.world().refused_tasks > 0 {
            found.push(Finding {
                weight: Weight::Problem,
                kind: "refused-tasks",
                at: None,
                text: format!(
                    "{} not accepted: the job had ended or could not be added.",
                    count(self.world().refused_tasks, "task")
                ),
                evidence: Vec::new(),
            });
        }
    }

    /// The life of a node in sentences, oldest first.
    pub fn why_node(&self, node: u32) -> Vec<String> {
        let Some(n) = self.world().nodes.get(node as usize) else {
            return vec![format!("there never was a node {node}")];
        };
        let pool = &self.world().pools[n.pool as usize].cfg.id;
        let changes = self.output().node_changes.iter().filter(|c| c.node == node);
        let mut lines: Vec<String> = changes
            .map(|c| match c.to {
                Some(to) => format!("{}: {} because {}", moment(c.at), to.name(), c.why.text()),
                None => format!("{}: removed: {}", moment(c.at), c.why.text()),
            })
            .collect();
        if !n.removed {
            lines.push(format!("now {} in pool {pool}, {} of its slots free", n.state.name(), n.free));
        }
        lines
    }

    /// The fate of a task in sentences.
    pub fn why_task(&self, id: u32) -> Vec<String> {
        let name = self.task_name(id);
        if let Some((task, state)) = self.world().live_tasks().find(|(t, _)| t.id == id) {
            let mut lines = vec![format!("task {name} was added at {} and is {}", moment(task.created), state.name())];
            if task.node != NONE {
                lines.push(format!(
                    "attempt {} started at {} on node {}",
                    task.attempts,
                    moment(task.start),
                    task.node
                ));
            }
            if task.requeues + task.retries > 0 {
                let lost = spell(Ms::from(task.wasted).min(NEVER));
                lines.push(format!("{} requeues, {} retries, {lost} of work lost", task.requeues, task.retries));
            }
            lines.extend(self.obstacle(task).map(|o| format!("it can never run: {o}")));
            if state == TaskState::Ready && lines.len() == 1 {
                lines.push("it waits for a free slot".into());
            }
            return lines;
        }
        let records: Vec<_> = self.output().tasks.iter().filter(|r| r.id == id).collect();
        if records.is_empty() {
            return vec![format!(
                "nothing is known about task {id}: it was not added, was deleted, or records are off"
            )];
        }
        let mut lines = Vec::new();
        for r in records {
            lines.push(format!(
                "task {name} was added at {}, started at {} and ended at {} with {} (exit code {})",
                moment(r.created),
                moment(r.start),
                moment(r.end),
                r.fate.name(),
                r.exit
            ));
            lines.extend(r.fate.failure().map(|(category, code)| format!("failure information: {category} {code}")));
            let lost = spell(Ms::from(r.wasted));
            lines.push(format!(
                "{} attempts, {} retries, {} requeues, {lost} of work lost, last on node {}",
                r.attempts,
                r.retries,
                r.requeues,
                if r.node == NONE { "none".into() } else { r.node.to_string() }
            ));
        }
        lines
    }
}

//! What a run teaches, in sentences.
//!
//! In: a simulation and its summary. Out: `Finding`s with times and evidence, worst first. Never: a figure of its own.

use super::{
    Simulation,
    config::{HOUR, Ms, NEVER},
    resize::code,
    summary::{PoolSummary, Spread},
    world::{Apart, JobState, NONE, NodeState, TaskState},
};
use poolcast_runtime::value::DeallocationOption;

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
    format!("{}.{:02}", millionths / 1_000_000, millionths % 1_000_000 / 10_000)
}

fn hours(ms: i64) -> String {
    format!("{}.{} h", ms / HOUR, ms % HOUR * 10 / HOUR)
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
        }
        self.never_run(&mut found);
        self.refused(&mut found);
        found.sort_by_key(|f| (f.weight, f.at.unwrap_or(Ms::MAX)));
        found
    }

    fn lost_work(&self, _: u32, p: &PoolSummary, found: &mut Vec<Finding>) {
        let causes = [
            ("requeue", "were killed and requeued by a resize, a disabled job or a deleted pool"),
            ("terminate", "were terminated"),
            ("preemption", "were lost to preemption or node recovery and run again"),
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
                        "In pool {}, {} attempts {what} ({kind}); {} of slot time came to nothing.",
                        p.id,
                        p.lost[i],
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
            if ms == 0 || usual {
                continue;
            }
            let errors: Vec<String> = resizes()
                .filter(|r| !r.errors.is_empty())
                .take(EVIDENCE)
                .map(|r| {
                    let codes: Vec<&str> = r.errors.iter().map(|e| e.code).collect();
                    let (t, c) = (r.target, r.current);
                    format!("{}: {} (target {}+{}, got {}+{})", moment(r.end), codes.join(", "), t[0], t[1], c[0], c[1])
                })
                .collect();
            let quota = reason == Apart::Quota;
            found.push(Finding {
                weight: if quota || reason == Apart::Refused { Weight::Problem } else { Weight::Notice },
                kind: if quota { "quota-blocked" } else { "off-target" },
                at: resizes().find(|r| !r.errors.is_empty()).map(|r| r.end),
                text: format!("Pool {} was off its targets for {}: {}.", p.id, hours(ms), reason.name()),
                evidence: errors,
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
                    "{} resizes of pool {} timed out with nodes still draining; the nodes went back to work.",
                    stuck.len(),
                    p.id
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
                    hours(idle).trim_end_matches(" h"),
                    money(p.idle_cost)
                ),
                evidence: vec![format!("slots in use {}.{} % of the time", p.utilisation / 10, p.utilisation % 10)],
            });
        }
    }

    fn drains(&self, pool: u32, p: &PoolSummary, found: &mut Vec<Finding>) {
        let cfg = &self.world().pools[pool as usize].cfg;
        let resizes = self.output().resizes.iter().filter(|r| r.pool == pool);
        let Some(longest) = resizes.filter(|r| (0..2).any(|c| r.target[c] < r.from[c])).max_by_key(|r| r.end - r.start)
        else {
            return;
        };
        let runs = self.output().tasks.iter().filter(|r| r.attempts > 0).map(|r| r.end - r.start).collect();
        let p95 = Spread::of(runs).p95;
        let retained = longest.option == DeallocationOption::RetainedData.keyword();
        let slow = longest.option == DeallocationOption::TaskCompletion.keyword() && p95 > cfg.autoscale.interval;
        if retained || slow {
            let why = if retained {
                "retaineddata waits until every task's retention has run out, seven days unless the tasks say less"
                    .into()
            } else {
                format!(
                    "taskcompletion waits for tasks whose 95th percentile is {}, longer than the interval of {}",
                    spell(p95),
                    spell(cfg.autoscale.interval)
                )
            };
            found.push(Finding {
                weight: Weight::Notice,
                kind: "long-drain",
                at: Some(longest.start),
                text: format!(
                    "The longest shrink of pool {} took {}; {why}.",
                    p.id,
                    spell(longest.end - longest.start)
                ),
                evidence: vec![format!("{} to {}", moment(longest.start), moment(longest.end))],
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
        let worst = self.output().series.iter().filter(|r| r.pool == pool).max_by_key(|r| share(r));
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
            evidence: worst.map(|r| format!("{}: {} % of the Spot nodes", moment(r.at), share(r))).into_iter().collect(),
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

    /// Nodes requested against slots needed: formulas count tasks, not slots (pool.md §9).
    fn oversized(&self, pool: u32, p: &PoolSummary, found: &mut Vec<Finding>) {
        let slots = i64::from(self.world().pools[pool as usize].cfg.task_slots);
        if slots < 2 {
            return;
        }
        let rows = self.output().series.iter().filter(|r| r.pool == pool);
        let excess = |r: &super::output::SeriesRow| {
            let needed = (r.active + r.running + slots - 1) / slots;
            i64::from(r.target[0] + r.target[1]) - needed
        };
        let Some(worst) = rows.max_by_key(|r| excess(r)).filter(|r| excess(r) > 1) else { return };
        found.push(Finding {
            weight: Weight::Notice,
            kind: "more-nodes-than-slots",
            at: Some(worst.at),
            text: format!(
                "Pool {} asked for up to {} nodes more than its tasks fill: nodes have {slots} slots, and metrics count tasks.",
                p.id,
                excess(worst)
            ),
            evidence: vec![format!(
                "{}: target {}+{} for {} tasks",
                moment(worst.at),
                worst.target[0],
                worst.target[1],
                worst.active + worst.running
            )],
        });
    }

    fn never_run(&self, found: &mut Vec<Finding>) {
        let mut reasons: std::collections::BTreeMap<String, Vec<u32>> = std::collections::BTreeMap::new();
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
                text: format!("{} tasks can never run: {reason}.", tasks.len()),
                evidence: tasks.iter().take(EVIDENCE).map(|id| format!("task {}", self.task_name(*id))).collect(),
            });
        }
    }

    /// Why a task that waits will wait for ever, if so.
    pub(crate) fn obstacle(&self, task: &super::world::Task) -> Option<String> {
        let w = self.world();
        let job = &w.jobs[task.job as usize];
        if task.state == TaskState::Waiting {
            let blocked =
                w.dependents.iter().find(|(need, ids)| ids.contains(&task.id) && w.satisfied.get(need) == Some(&false));
            return blocked
                .map(|(need, _)| format!("they depend on a task that ended without satisfying them ({need:?})"));
        }
        if task.state != TaskState::Ready {
            return None;
        }
        if job.state >= JobState::Terminating {
            return Some(format!("job {} has ended", job.id));
        }
        if job.pool == NONE {
            return Some(format!("job {} has no pool ({} does not exist)", job.id, job.wants));
        }
        let pool = &w.pools[job.pool as usize];
        if u32::from(task.slots) > pool.cfg.task_slots {
            return Some(format!(
                "they need {} slots and the nodes of pool {} have {}",
                task.slots, pool.cfg.id, pool.cfg.task_slots
            ));
        }
        if task.instances > 1 && !pool.cfg.inter_node {
            return Some(format!(
                "they have {} instances and pool {} has no inter-node communication",
                task.instances, pool.cfg.id
            ));
        }
        if task.instances > 1 && pool.cfg.task_slots != 1 {
            return Some(format!(
                "they have {} instances and pool {} has more than one slot per node",
                task.instances, pool.cfg.id
            ));
        }
        let excluded = !pool.nodes.is_empty() && pool.nodes.iter().all(|n| job.excluded.contains(n));
        excluded.then(|| format!("the preparation task of job {} failed on every node of the pool", job.id))
    }

    fn refused(&self, found: &mut Vec<Finding>) {
        let refused = &self.output().refused;
        if let Some(first) = refused.iter().next() {
            found.push(Finding {
                weight: Weight::Problem,
                kind: "refused",
                at: Some(first.at),
                text: format!("The service refused {} requests.", refused.len()),
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
                    "{} tasks were not accepted because their job had ended or could not be added.",
                    self.world().refused_tasks
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

//! What a run shows, in sentences: the list of pool.md (c), most important first.
//!
//! In: a finished run and its measures. Out: sentences with numbers and times. Never: a sentence about nothing.

use super::{
    measures::Measures,
    term::{number, percentile, span},
};
use crate::sim::{Simulation, output::Fate, world::NodeState};
use std::collections::BTreeMap;

/// The findings of a run. `at` prints an instant.
pub fn findings(sim: &Simulation, m: &Measures, at: &dyn Fn(i64) -> String) -> Vec<String> {
    let mut found: Vec<(u32, String)> = Vec::new();
    let out = sim.output();
    lost_work(sim, m, &mut found);
    stuck_tasks(sim, m, &mut found);
    failed_evaluations(sim, at, &mut found);
    resize_errors(sim, at, &mut found);
    drains(sim, &mut found);
    for p in sim.pools() {
        let horizon = (sim.now() - p.created).max(1) as f64;
        if p.quota_ms > 0 {
            found.push((70, format!("Pool {} was blocked by a core quota for {} ({:.0} % of its life).", p.id, span(p.quota_ms as f64), p.quota_ms as f64 / horizon * 100.0)));
        }
        if p.apart_ms as f64 > 0.1 * horizon {
            let why = if p.quota_ms > p.apart_ms / 2 {
                ", mostly because of quota"
            } else if p.totals.evictions > 0 {
                ", partly because Spot nodes were evicted"
            } else {
                ": nodes take time to boot and to drain"
            };
            found.push((35, format!("Pool {} had another number of nodes than its target for {} ({:.0} % of its life){why}.", p.id, span(p.apart_ms as f64), p.apart_ms as f64 / horizon * 100.0)));
        }
        if p.oscillations as f64 > horizon / 86_400_000.0 * 12.0 && p.oscillations > 4 {
            found.push((45, format!("The targets of pool {} changed direction {} times, {} a day: nodes are bought and dropped again.", p.id, p.oscillations, number(p.oscillations as f64 / (horizon / 86_400_000.0)))));
        }
        let hours = |s: NodeState| (p.state_ms[0][s as usize] + p.state_ms[1][s as usize]) as f64 / 3.6e6;
        let all: f64 = NodeState::ALL.iter().map(|s| hours(*s)).sum();
        let cost = (p.cost[0] + p.cost[1]) as f64 / 1e6;
        let idle = hours(NodeState::Idle);
        if all > 0.0 && idle / all > 0.1 {
            found.push((50, format!("Pool {} was idle for {} of {} node-hours ({:.0} %), about {:.2} of its cost of {cost:.2}.", p.id, number(idle), number(all), idle / all * 100.0, cost * idle / all)));
        }
        let gone = hours(NodeState::Preempted);
        let spot: f64 = NodeState::ALL.iter().map(|s| p.state_ms[1][*s as usize] as f64 / 3.6e6).sum();
        if spot > 0.0 && gone / spot > 0.05 {
            found.push((55, format!("{:.0} % of the Spot nodes counted as current in pool {} were preempted: they fill the target and run nothing.", gone / spot * 100.0, p.id)));
        }
        let broken = hours(NodeState::StartTaskFailed) + hours(NodeState::Unusable);
        if all > 0.0 && broken / all > 0.02 {
            found.push((60, format!("{} node-hours of pool {} were spent unusable or with a failed start task ({:.0} %), and are billed.", number(broken), p.id, broken / all * 100.0)));
        }
        if p.totals.evictions > 0 {
            found.push((30, format!("{} Spot nodes of pool {} were evicted, {} came back.", p.totals.evictions, p.id, p.totals.restores)));
        }
        if p.stalled {
            found.push((85, format!("Autoscale of pool {} has stalled: it needs to be disabled and enabled again.", p.id)));
        }
    }
    for r in out.refused.iter().take(5) {
        found.push((65, format!("{} at {} was refused: {:?}.", r.what, at(r.at), r.refusal)));
    }
    if m.wait_p95 > 0.0 && m.wait_max > 0.0 {
        found.push((20, format!("Half of the tasks waited at most {}, 95 % at most {}, the longest {}; slots were {:.0} % used.", span(m.wait_p50), span(m.wait_p95), span(m.wait_max), m.utilisation * 100.0)));
    }
    found.push((10, format!("{} of {} tasks succeeded; {} node-hours cost {:.2}.", number(m.succeeded), number(m.tasks), number(m.node_hours), m.cost)));
    found.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    found.into_iter().map(|(_, text)| text).collect()
}

fn lost_work(sim: &Simulation, m: &Measures, found: &mut Vec<(u32, String)>) {
    let mut lost = [0u64; 3];
    for p in sim.pools() {
        for (sum, n) in lost.iter_mut().zip(p.totals.lost) {
            *sum += n;
        }
    }
    let causes = [
        (lost[0], m.lost_requeue, 80, "killed by scale-in or a user and put back (requeue)", "taskcompletion lets them finish"),
        (lost[1], m.lost_terminate, 90, "ended for good by the deallocation option or a user", "they will not run again"),
        (lost[2], m.lost_preempt, 58, "lost with evicted or failed nodes", "they ran again from the start"),
    ];
    for (n, hours, weight, what, then) in causes {
        if n > 0 {
            found.push((weight, format!("{n} running task attempts were {what}: {} slot-hours of work gone; {then}.", number(hours))));
        }
    }
}

fn stuck_tasks(sim: &Simulation, m: &Measures, found: &mut Vec<(u32, String)>) {
    let most = sim.pools().map(|p| p.task_slots).max().unwrap_or(0);
    let wide = sim.workload().slots.iter().filter(|s| u32::from(**s) > most).count()
        + sim.config().jobs.iter().flat_map(|j| &j.tasks).filter(|t| t.slots > most).count();
    if wide > 0 && most > 0 {
        found.push((95, format!("{wide} tasks need more slots than any node has ({most}): they can never run, stay active and keep formulas asking for nodes.")));
    }
    let waiting: i64 = sim.pools().map(|p| p.counts.waiting).sum();
    if waiting > 0 {
        found.push((62, format!("{waiting} tasks are still held back by dependencies at the end.")));
    }
    let rest = m.unfinished - wide as f64 - waiting as f64;
    if rest >= 1.0 {
        found.push((40, format!("{} tasks were not finished when the simulation ended.", number(rest))));
    }
    let mut fates: BTreeMap<&str, u64> = BTreeMap::new();
    for t in sim.output().tasks.iter().filter(|t| t.fate != Fate::Success) {
        *fates.entry(t.fate.name()).or_default() += 1;
    }
    if !fates.is_empty() {
        let parts: Vec<String> = fates.iter().map(|(f, n)| format!("{n} {f}")).collect();
        found.push((25, format!("Tasks that did not succeed: {}.", parts.join(", "))));
    }
}

fn failed_evaluations(sim: &Simulation, at: &dyn Fn(i64) -> String, found: &mut Vec<(u32, String)>) {
    let names: Vec<String> = sim.pools().map(|p| p.id).collect();
    let mut groups: BTreeMap<(u32, &str), (u64, i64, i64, String)> = BTreeMap::new();
    for r in sim.output().runs.iter() {
        if let Err(e) = &r.result {
            let g = groups.entry((r.pool, e.code)).or_insert_with(|| (0, r.at, r.at, e.value.clone()));
            (g.0, g.2) = (g.0 + 1, r.at);
        }
    }
    for ((pool, code), (n, first, last, value)) in groups {
        let all = sim.output().runs.iter().filter(|r| r.pool == pool).count() as u64;
        let name = names.get(pool as usize).map_or("", String::as_str);
        let when = if n == 1 { format!("at {}", at(first)) } else { format!("between {} and {}", at(first), at(last)) };
        let weight = if n * 10 > all { 88 } else { 42 };
        found.push((weight, format!("{n} of {all} evaluations of pool {name} failed with {code} {when}, and changed nothing. {value}")));
    }
}

fn resize_errors(sim: &Simulation, at: &dyn Fn(i64) -> String, found: &mut Vec<(u32, String)>) {
    let names: Vec<String> = sim.pools().map(|p| p.id).collect();
    let mut groups: BTreeMap<(u32, &str), (u64, i64)> = BTreeMap::new();
    for r in sim.output().resizes.iter() {
        for e in &r.errors {
            groups.entry((r.pool, e.code)).or_insert((0, r.end)).0 += 1;
        }
    }
    for ((pool, code), (n, first)) in groups {
        let name = names.get(pool as usize).map_or("", String::as_str);
        let times = if n == 1 { "once".to_string() } else { format!("{n} times") };
        found.push((66, format!("Resizes of pool {name} ended with {code} {times}, first at {}.", at(first))));
    }
}

/// Slow drains, and run times that make them so.
fn drains(sim: &Simulation, found: &mut Vec<(u32, String)>) {
    let mut runs: Vec<i64> = sim.output().tasks.iter().filter(|t| t.attempts > 0).map(|t| t.end - t.start).collect();
    runs.sort_unstable();
    let p95 = percentile(&runs, 0.95).unwrap_or(0);
    for (i, p) in sim.pools().enumerate() {
        let mut slowest = 0;
        let mut options: Vec<&str> = Vec::new();
        for r in sim.output().resizes.iter().filter(|r| r.pool == i as u32) {
            let shrank = r.current[0] < r.from[0] || r.current[1] < r.from[1] || r.target[0] < r.from[0] || r.target[1] < r.from[1];
            if shrank {
                slowest = slowest.max(r.end - r.start);
                if !options.contains(&r.option) {
                    options.push(r.option);
                }
            }
        }
        let interval = sim.config().pools.get(i).map_or(900_000, |c| c.autoscale.interval);
        if options.contains(&"retaineddata") {
            found.push((64, format!("Pool {} shrinks with retaineddata: nodes wait until the files of their tasks expire; the slowest drain took {}.", p.id, span(slowest as f64))));
        } else if options.contains(&"taskcompletion") && p95 > interval {
            found.push((28, format!("Pool {} drains by taskcompletion, and 5 % of its tasks run longer than {} (the interval is {}): resizes overlap; the slowest took {}.", p.id, span(p95 as f64), span(interval as f64), span(slowest as f64))));
        }
    }
}

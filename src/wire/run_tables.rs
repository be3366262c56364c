//! A run as tables and JSON: what `--out` holds.
//!
//! In: a simulation. Out: columns. Never: a number that is not in the run.

use super::tables::{Column, Table};
use crate::sim::{
    Simulation,
    world::{Class, NodeState},
};

fn ints<T>(list: &[T], f: impl Fn(&T) -> i64) -> Column {
    Column::Int(list.iter().map(f).collect())
}
fn texts<T>(list: &[T], f: impl Fn(&T) -> String) -> Column {
    Column::Text(list.iter().map(f).collect())
}
fn id(n: u32) -> i64 {
    if n == u32::MAX { -1 } else { n as i64 }
}

/// Every table of a run, by file stem. Times are ms after the epoch, money is in millionths.
pub fn all(sim: &Simulation) -> Vec<(&'static str, Table)> {
    let out = sim.output();
    let tasks: Vec<_> = out.tasks.iter().collect();
    let spans: Vec<_> = out.spans.iter().collect();
    let series: Vec<_> = out.series.iter().collect();
    let runs: Vec<_> = out.runs.iter().collect();
    let resizes: Vec<_> = out.resizes.iter().collect();
    let changes: Vec<_> = out.node_changes.iter().collect();
    let pools: Vec<String> = sim.pools().map(|p| p.id).collect();
    let pool = |p: u32| pools.get(p as usize).cloned().unwrap_or_default();
    let class = |c: Class| if c == Class::Spot { "spot".to_string() } else { "dedicated".to_string() };
    let state = |s: Option<NodeState>| s.map_or("", NodeState::name).to_string();
    let task_table = Table::new()
        .with("task", texts(&tasks, |t| sim.task_name(t.id)))
        .with("job", ints(&tasks, |t| t.job as i64))
        .with("created_ms", ints(&tasks, |t| t.created))
        .with("start_ms", ints(&tasks, |t| t.start))
        .with("end_ms", ints(&tasks, |t| t.end))
        .with("wait_ms", ints(&tasks, |t| if t.attempts > 0 { t.start - t.created } else { -1 }))
        .with("node", ints(&tasks, |t| id(t.node)))
        .with("slots", ints(&tasks, |t| t.slots as i64))
        .with("instances", ints(&tasks, |t| t.instances as i64))
        .with("attempts", ints(&tasks, |t| t.attempts as i64))
        .with("retries", ints(&tasks, |t| t.retries as i64))
        .with("requeues", ints(&tasks, |t| t.requeues as i64))
        .with("wasted_ms", ints(&tasks, |t| t.wasted as i64))
        .with("exit", ints(&tasks, |t| t.exit as i64))
        .with("fate", texts(&tasks, |t| t.fate.name().to_string()));
    let span_table = Table::new()
        .with("node", ints(&spans, |s| s.node as i64))
        .with("pool", texts(&spans, |s| pool(s.pool)))
        .with("class", texts(&spans, |s| class(s.class)))
        .with("from_ms", ints(&spans, |s| s.from))
        .with("to_ms", ints(&spans, |s| s.to))
        .with("cost_micros", ints(&spans, |s| s.cost));
    let mut series_table = Table::new()
        .with("at_ms", ints(&series, |r| r.at))
        .with("pool", texts(&series, |r| pool(r.pool)))
        .with("target_dedicated", ints(&series, |r| r.target[0] as i64))
        .with("target_spot", ints(&series, |r| r.target[1] as i64));
    for (c, name) in ["dedicated", "spot"].into_iter().enumerate() {
        for s in NodeState::ALL {
            series_table =
                series_table.with(format!("{name}_{}", s.name()), ints(&series, |r| r.nodes[c][*s as usize] as i64));
        }
    }
    series_table = series_table
        .with("active", ints(&series, |r| r.active))
        .with("waiting", ints(&series, |r| r.waiting))
        .with("preparing", ints(&series, |r| r.preparing))
        .with("running", ints(&series, |r| r.running))
        .with("succeeded", ints(&series, |r| r.succeeded))
        .with("failed", ints(&series, |r| r.failed))
        .with("slots", ints(&series, |r| r.slots))
        .with("slots_used", ints(&series, |r| r.slots_used))
        .with("cost_micros", ints(&series, |r| r.cost));
    let run_table = Table::new()
        .with("at_ms", ints(&runs, |r| r.at))
        .with("pool", texts(&runs, |r| pool(r.pool)))
        .with("applied", ints(&runs, |r| r.applied as i64))
        .with("before_dedicated", ints(&runs, |r| r.before[0] as i64))
        .with("before_spot", ints(&runs, |r| r.before[1] as i64))
        .with("nodes_dedicated", ints(&runs, |r| r.current[0] as i64))
        .with("nodes_spot", ints(&runs, |r| r.current[1] as i64))
        .with("results", texts(&runs, |r| r.result.as_ref().map_or_else(|e| e.results.clone(), |o| o.results())))
        .with(
            "error",
            texts(&runs, |r| r.result.as_ref().map_or_else(|e| format!("{}: {}", e.code, e.value), |_| String::new())),
        );
    let resize_table = Table::new()
        .with("pool", texts(&resizes, |r| pool(r.pool)))
        .with("start_ms", ints(&resizes, |r| r.start))
        .with("end_ms", ints(&resizes, |r| r.end))
        .with("from_dedicated", ints(&resizes, |r| r.from[0] as i64))
        .with("from_spot", ints(&resizes, |r| r.from[1] as i64))
        .with("target_dedicated", ints(&resizes, |r| r.target[0] as i64))
        .with("target_spot", ints(&resizes, |r| r.target[1] as i64))
        .with("got_dedicated", ints(&resizes, |r| r.current[0] as i64))
        .with("got_spot", ints(&resizes, |r| r.current[1] as i64))
        .with("option", texts(&resizes, |r| r.option.to_string()))
        .with(
            "errors",
            texts(&resizes, |r| {
                r.errors.iter().map(|e| format!("{}: {}", e.code, e.message)).collect::<Vec<_>>().join("; ")
            }),
        );
    let change_table = Table::new()
        .with("at_ms", ints(&changes, |c| c.at))
        .with("node", ints(&changes, |c| c.node as i64))
        .with("from", texts(&changes, |c| state(c.from)))
        .with("to", texts(&changes, |c| state(c.to)))
        .with("why", texts(&changes, |c| c.why.text().to_string()));
    vec![
        ("tasks", task_table),
        ("spans", span_table),
        ("series", series_table),
        ("evaluations", run_table),
        ("resizes", resize_table),
        ("nodes", change_table),
    ]
}

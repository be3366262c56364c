//! Looking at a simulated pool: its state, nodes, tasks, pictures, two futures side by side, the report.
//!
//! In: futures. Out: tables and pictures as text, an HTML page. Never: a change.

use super::{
    Reply, language,
    pool::{self, Future},
    run,
    session::{Session, State},
    show, words,
};
use crate::{
    OwnedValue,
    report::{html::Page, measures::Measures, steps::Steps, term::bars},
    sim::{
        output::SeriesRow,
        world::{Apart, NodeState, TaskState},
    },
};
use poolcast_runtime::{metric::Metric, print::general, ticks::Ticks};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Rows of `:nodes` and `:tasks`.
const MOST_ROWS: usize = 40;

/// `:pool [ID]`
pub(super) fn pool(session: &mut Session, args: &str) -> Reply {
    if !args.trim().is_empty()
        && let Err(reply) = pool::here(&session.state).map(drop).and_then(|()| pool::focus(session, args.trim()))
    {
        return reply;
    }
    let future = match pool::here(&session.state) {
        Ok(future) => future,
        Err(reply) => return reply,
    };
    let mut out = run::standing(future);
    out.push_str(&pool::facts(future));
    let Some(p) = future.pool() else { return Reply::answer(out) };
    for (k, nodes) in p.nodes.iter().enumerate() {
        let states: Vec<String> = NodeState::ALL
            .iter()
            .filter(|s| nodes[**s as usize] > 0)
            .map(|s| format!("{} {}", nodes[*s as usize], s.name()))
            .collect();
        if !states.is_empty() || p.target[k] > 0 {
            let states = if states.is_empty() { "none".to_owned() } else { states.join(", ") };
            let _ = writeln!(out, "{}: target {}, {states}", ["dedicated", "low-priority"][k], p.target[k]);
        }
    }
    for e in &p.errors {
        let values: Vec<String> = e.values.iter().map(|(k, v)| format!("{k}: {v}")).collect();
        let _ = writeln!(out, "resize error {}: {} {}", e.code, e.message, values.join("; "));
    }
    match future.sim().output().runs.iter().rev().find(|r| r.pool == future.focus) {
        Some(r) => {
            let said = match &r.result {
                Ok(o) => o.results(),
                Err(e) => format!("{}: {}", e.code, e.value),
            };
            let _ = writeln!(out, "last evaluation {}: {said}", show::time(future.at(r.at)));
        }
        None if p.autoscale => {
            let _ = writeln!(out, "the formula was not evaluated yet");
        }
        None => {}
    }
    let money = |millionths: i64| format!("{:.2}", millionths as f64 / 1e6);
    let _ = writeln!(
        out,
        "cost so far {}; {} obtained, {} evicted; {} with target ≠ nodes",
        money(p.cost[0] + p.cost[1]),
        words::count(p.totals.obtained as i64, "node"),
        p.totals.evictions,
        pool::span(p.apart_ms.iter().sum::<i64>() - p.apart_ms[Apart::Together as usize])
    );
    let others: Vec<String> =
        future.sim().pools().enumerate().filter(|(i, _)| *i != future.focus as usize).map(|(_, p)| p.id).collect();
    if !others.is_empty() {
        let _ = writeln!(out, "other pools: {} (`:pool ID` looks at one)", others.join(", "));
    }
    Reply::answer(out)
}

/// `:nodes`
pub(super) fn nodes(session: &Session) -> Reply {
    let future = match pool::here(&session.state) {
        Ok(future) => future,
        Err(reply) => return reply,
    };
    let world = future.sim().world();
    let list = future.sim().nodes_of(future.focus);
    if list.is_empty() {
        return Reply::answer("no nodes");
    }
    let mut rows = vec![["node", "class", "state", "since", "tasks", "free slots"].map(str::to_owned).to_vec()];
    for n in list.iter().take(MOST_ROWS) {
        let node = &world.nodes[*n as usize];
        rows.push(vec![
            n.to_string(),
            ["dedicated", "low-priority"][node.class as usize].to_owned(),
            node.state.name().to_owned(),
            show::clock(future.at(node.since), future.now()),
            node.running.to_string(),
            node.free.to_string(),
        ]);
    }
    let mut out = show::columns(&rows);
    if list.len() > MOST_ROWS {
        let _ = writeln!(out, "and {} more", list.len() - MOST_ROWS);
    }
    out.push_str("`:why node N` tells its story");
    Reply::answer(out)
}

/// `:tasks`
pub(super) fn tasks(session: &Session) -> Reply {
    let future = match pool::here(&session.state) {
        Ok(future) => future,
        Err(reply) => return reply,
    };
    let sim = future.sim();
    let world = sim.world();
    let (arrived, finished, live) = sim.task_totals();
    let to_come = pool::to_come(future);
    let mut out = format!("{arrived} arrived, {finished} ended, {live} here");
    if to_come > 0 {
        let _ = write!(out, ", {to_come} to come");
    }
    out.push('\n');
    let mut jobs: BTreeMap<u32, [u64; 6]> = BTreeMap::new();
    let mut waits: Vec<i64> = Vec::new();
    for (_, t) in world.tasks.iter() {
        let at = match t.state {
            TaskState::Waiting => 0,
            TaskState::Ready => 1,
            TaskState::Preparing => 2,
            TaskState::Running => 3,
        };
        jobs.entry(t.job).or_default()[at] += 1;
    }
    for t in sim.output().tasks.iter() {
        let failed = t.fate != crate::sim::output::Fate::Success;
        jobs.entry(t.job).or_default()[if failed { 5 } else { 4 }] += 1;
        if t.attempts > 0 {
            waits.push(t.start - t.created);
        }
    }
    let mut rows =
        vec![["job", "blocked", "ready", "preparing", "running", "succeeded", "failed"].map(str::to_owned).to_vec()];
    for (job, counts) in jobs.iter().take(MOST_ROWS) {
        let name = world.jobs.get(*job as usize).map_or_else(|| job.to_string(), |j| j.id.clone());
        rows.push(std::iter::once(name).chain(counts.iter().map(u64::to_string)).collect());
    }
    if rows.len() > 1 {
        out.push_str(&show::columns(&rows));
    }
    if jobs.len() > MOST_ROWS {
        let _ = writeln!(out, "and {} more jobs", jobs.len() - MOST_ROWS);
    }
    waits.sort_unstable();
    if let (Some(half), Some(most)) = (waits.get(waits.len() / 2), waits.last()) {
        let _ = writeln!(
            out,
            "wait of those that ran: half under {}, the longest {}",
            pool::span(*half),
            pool::span(*most)
        );
    }
    let mut some: Vec<u32> =
        world.tasks.iter().filter(|(_, t)| t.state == TaskState::Ready).map(|(_, t)| t.id).collect();
    some.sort_unstable();
    if let Some(id) = some.first() {
        let _ = writeln!(out, "`:why task {id}` says what the first one waits for");
    }
    Reply::answer(out)
}

/// `:diff A B`
pub(super) fn diff(session: &Session, args: &str) -> Reply {
    let state = &session.state;
    let names: Vec<&str> = args.split_whitespace().collect();
    let here = state.here.as_deref().unwrap_or("");
    let (a, b) = match names.as_slice() {
        [a, b] => (*a, *b),
        [b] if !here.is_empty() && *b != here => (here, *b),
        _ => return Reply::error("which two? `:diff main more-quota`; `:switch` lists the futures"),
    };
    let mut found = Vec::new();
    for name in [a, b] {
        match state.futures.get(name) {
            Some(f) => found.push(f),
            None => {
                let names = state.futures.keys().map(String::as_str);
                return Reply::error(format!("no future is named `{name}`{}", words::near(name, names)));
            }
        }
    }
    Reply::answer(compare([a, b], [found[0], found[1]]))
}

fn compare(names: [&str; 2], futures: [&Future; 2]) -> String {
    let mut rows = vec![vec![String::new(), names[0].to_owned(), names[1].to_owned(), "difference".to_owned()]];
    let mut text = |what: &str, a: String, b: String, d: String| rows.push(vec![what.to_owned(), a, b, d]);
    let [a, b] = futures;
    text(
        "now",
        show::time(a.now()),
        show::time(b.now()),
        if a.now() == b.now() { String::new() } else { "not the same instant".into() },
    );
    let pools = [a.pool(), b.pool()];
    if let [Some(p), Some(q)] = &pools {
        let mut number = |what: &str, x: i64, y: i64| {
            let d = if x == y { String::new() } else { format!("{:+}", y - x) };
            text(what, x.to_string(), y.to_string(), d);
        };
        for k in 0..2 {
            let class = ["dedicated", "low-priority"][k];
            if p.target[k] + q.target[k] + p.current[k] + q.current[k] > 0 {
                number(&format!("{class} target"), p.target[k].into(), q.target[k].into());
                number(&format!("{class} nodes"), p.current[k].into(), q.current[k].into());
            }
        }
        number("tasks waiting", p.counts.active, q.counts.active);
        number("tasks running", p.counts.running, q.counts.running);
        let errors = |p: &crate::sim::PoolView| p.errors.iter().map(|e| e.code).collect::<Vec<_>>().join(" ");
        if !p.errors.is_empty() || !q.errors.is_empty() {
            text("resize errors", errors(p), errors(q), String::new());
        }
    }
    let (m, n) = (Measures::of(a.sim()), Measures::of(b.sim()));
    for ((_, title, unit, _), (x, y)) in Measures::ROWS.iter().zip(m.values().into_iter().zip(n.values())) {
        if x == 0.0 && y == 0.0 {
            continue;
        }
        let d = y - x;
        let shown = if d == 0.0 {
            String::new()
        } else {
            format!("{}{}", if d > 0.0 { "+" } else { "−" }, unit.show(d.abs()))
        };
        text(title, unit.show(x), unit.show(y), shown);
    }
    show::columns(&rows)
}

/// What `:plot` knows by name in a simulated pool.
pub(super) const PLOTS: &[(&str, &str)] = &[
    ("nodes", "nodes of every state"),
    ("ready", "nodes that take tasks"),
    ("targets", "targets, both classes"),
    ("tasks", "tasks ready or running"),
    ("waiting", "tasks ready and not running"),
    ("running", "tasks running"),
    ("slots", "share of slots in use, percent"),
    ("cost", "cost so far"),
];

fn row_value(name: &str, r: &SeriesRow) -> f64 {
    let up = |s: NodeState| f64::from(r.nodes[0][s as usize] + r.nodes[1][s as usize]);
    match name {
        "nodes" => f64::from(r.nodes.iter().flatten().sum::<u32>()),
        "ready" => up(NodeState::Idle) + up(NodeState::Running),
        "targets" => f64::from(r.target[0] + r.target[1]),
        "tasks" => (r.active + r.running + r.preparing) as f64,
        "waiting" => r.active as f64,
        "running" => r.running as f64,
        "slots" if r.slots > 0 => 100.0 * r.slots_used as f64 / r.slots as f64,
        "cost" => r.cost as f64 / 1e6,
        _ => 0.0,
    }
}

/// `:plot WHAT`
pub(super) fn plot(session: &Session, args: &str) -> Reply {
    let state = &session.state;
    let what = args.trim();
    let width = session.width.saturating_sub(12).clamp(20, 120);
    if what.is_empty() {
        return Reply::error(plots(state, "what?"));
    }
    if let (Some(future), true) = (state.future(), PLOTS.iter().any(|(n, _)| *n == what)) {
        let rows: Vec<SeriesRow> = future.sim().output().series.iter().filter(|r| r.pool == future.focus).collect();
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
            return Reply::error("nothing was recorded yet: `:run 1h`");
        };
        let values: Vec<Option<f64>> = rows.iter().map(|r| Some(row_value(what, r))).collect();
        return Reply::answer(picture(what, &values, width, future.at(first.at), future.at(last.at)));
    }
    let inputs = state.inputs();
    if let Some(metric) = Metric::from_name(what) {
        let grid = show::grid(metric, &inputs, 100_000);
        if grid.is_empty() {
            return Reply::error(format!("{what} has no samples; `:set {what} 0,0,4,12` gives it some"));
        }
        let series = inputs.series.get(metric);
        let end = series.visible_to(inputs.now);
        let last = series.measured(end.saturating_sub(1));
        let first = Ticks(last.0 - (grid.len() as i64 - 1) * poolcast_runtime::ticks::Interval::SAMPLE_PERIOD.0);
        return Reply::answer(picture(what, &grid, width, first, last));
    }
    match language::value_after(state, usize::MAX, what, &inputs) {
        Ok((OwnedValue::Vec(xs), ..)) if !xs.is_empty() => {
            let values: Vec<Option<f64>> = xs.iter().copied().map(Some).collect();
            Reply::answer(bars_of(what, &values, width, "first", "last"))
        }
        Ok((OwnedValue::Vec(_), ..)) => Reply::error("the vector is empty"),
        Ok((OwnedValue::Double(x), ..)) => {
            Reply::error(format!("{what} is one number, {}: there is nothing to draw", general(x)))
        }
        Ok(_) => Reply::error(format!("{what} is no number and no vector")),
        Err(why) => {
            let near = words::near(what, PLOTS.iter().map(|p| p.0).chain(Metric::ALL.iter().map(|m| m.name())));
            Reply::error(plots(state, &format!("`{what}` cannot be drawn{near}\nas an expression: {why}")))
        }
    }
}

fn plots(state: &State, why: &str) -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    if state.here.is_some() {
        rows.extend(PLOTS.iter().map(|(n, doc)| vec![format!("  :plot {n}"), (*doc).to_owned()]));
    }
    rows.push(vec!["  :plot $PendingTasks".into(), "samples of a metric".into()]);
    rows.push(vec!["  :plot EXPRESSION".into(), "a vector: $PendingTasks.GetSample(20)".into()]);
    format!("{why}\n{}", show::columns(&rows))
}

fn picture(title: &str, values: &[Option<f64>], width: usize, first: Ticks, last: Ticks) -> String {
    bars_of(title, values, width, &show::clock(first, last), &show::clock(last, last))
}

fn bars_of(title: &str, values: &[Option<f64>], width: usize, left: &str, right: &str) -> String {
    let squeezed: Vec<f64> = if values.len() < width / 2 {
        // A short list is drawn with wide bars.
        let each = (width.min(60) / values.len().max(1)).max(1);
        values.iter().flat_map(|v| std::iter::repeat_n(v.unwrap_or(0.0), each)).collect()
    } else {
        show::squeeze(values, width).into_iter().map(|v| v.unwrap_or(0.0)).collect()
    };
    let missing = values.iter().filter(|v| v.is_none()).count();
    let negative = values.iter().flatten().any(|v| *v < 0.0);
    let mut text = bars(title, &squeezed, 8, left, right);
    if missing > 0 {
        let _ = writeln!(text, "{missing} of {} missing, drawn as nothing", values.len());
    }
    if negative {
        let _ = writeln!(text, "values below 0 are drawn as nothing");
    }
    text
}

/// `:report [FILE.html]`
pub(super) fn report(session: &mut Session, args: &str) -> Reply {
    let future = match pool::here(&session.state) {
        Ok(future) => future,
        Err(reply) => return reply,
    };
    let measures = Measures::of(future.sim());
    let found = future.sim().findings();
    if args.is_empty() {
        let mut out = run::standing(future);
        if found.is_empty() {
            out.push_str("nothing remarkable\n");
        }
        for f in &found {
            let at = f.at.map_or(String::new(), |at| format!("{}: ", show::time(future.at(at))));
            let _ = writeln!(out, "- {at}{}", f.text);
        }
        out.push_str("`:report FILE.html` writes the whole page");
        return Reply::answer(out);
    }
    let partial = future.sim().now() < future.horizon;
    // Futures fork and go back: what an evaluation's statements did is not kept for them.
    let steps = Steps::default();
    let page = Page {
        scenario: &future.origin,
        sim: future.sim(),
        measures: &measures,
        findings: &found,
        partial,
        steps: &steps,
    }
    .html();
    match session.files.write(args, &page) {
        Ok(()) => Reply::answer(format!("{args} written: {} KB", page.len().div_ceil(1024))),
        Err(why) => Reply::error(why),
    }
}

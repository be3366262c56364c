//! Why a variable has its value, why the last evaluation asked for what it asked, why a node or a task is where it is.
//!
//! In: traces of evaluations, the records of the simulator. Out: sentences with times. Never: a guess.

use super::{
    Reply, language,
    pool::{self, Future},
    session::{Session, State},
    show, words,
};
use crate::{
    Formula, Inputs, OwnedValue,
    explain::{SampleRead, Trace},
    sim::{
        config::Ms,
        machine::node::Why,
        output::{AutoScaleRun, Fate, TaskRecord},
        world::{NONE, NodeState, TaskState},
    },
};
use poolcast_runtime::{print::general, ticks::Interval, ty::Ty};
use std::fmt::Write as _;

/// `:why [NAME | node N | task N]`
pub(super) fn why(session: &Session, args: &str) -> Reply {
    let state = &session.state;
    let (first, rest) = words::first(args);
    match (first, rest) {
        ("node", n) => match pool::here(state) {
            Ok(future) => node(future, n),
            Err(reply) => reply,
        },
        ("task", id) if !id.is_empty() => match pool::here(state) {
            Ok(future) => task(future, id),
            Err(reply) => reply,
        },
        ("", _) => match state.future().and_then(|f| last_run(f).map(|r| (f, r.clone()))) {
            Some((future, run)) => evaluation(state, future, &run, None),
            None => whole(state),
        },
        (name, "") => match state.future().and_then(|f| last_run(f).map(|r| (f, r.clone()))) {
            // Inside a simulation the last evaluation is meant, as long as it had that variable.
            Some((future, run)) if assigned_by(&future.formula, name) => evaluation(state, future, &run, Some(name)),
            _ => variable(state, name),
        },
        _ => Reply::error("write `:why`, `:why $TargetDedicatedNodes`, `:why node 7` or `:why task 12`"),
    }
}

fn last_run(future: &Future) -> Option<&AutoScaleRun> {
    future.sim().output().runs.iter().rev().find(|r| r.pool == future.focus)
}

fn assigned_by(formula: &str, name: &str) -> bool {
    let ast = poolcast_grammar::parse(formula).ast;
    ast.stmts.iter().any(|s| s.target.is_some_and(|(n, _)| ast.name(n) == name))
}

fn formula_of(state: &State, text: &str) -> Result<Formula, Reply> {
    let options = crate::Options { like_service: true, ..language::options(state) };
    Formula::compile_with(text, &options).map_err(|e| Reply::error(e.to_string()))
}

/// The last evaluation of the simulated pool, run again on exactly what it saw.
fn evaluation(state: &State, future: &Future, run: &AutoScaleRun, name: Option<&str>) -> Reply {
    let formula = match formula_of(state, &future.formula) {
        Ok(formula) => formula,
        Err(reply) => return reply,
    };
    let inputs = future.inputs_at(&state.rules, run.at, Some((run.before, run.current)));
    let trace = formula.trace(&inputs);
    let mut out = format!(
        "the evaluation of {}; dedicated and low-priority then: targets {} and {}, nodes {} and {}\n",
        show::time(future.at(run.at)),
        run.before[0],
        run.before[1],
        run.current[0],
        run.current[1]
    );
    match &run.result {
        Ok(outcome) => {
            let asked = show::targets(outcome, run.before.map(f64::from)).replace("target now", "target then");
            let _ = writeln!(out, "asked for {asked}");
            let _ = writeln!(
                out,
                "{}",
                if run.applied { "a resize was started or changed" } else { "nothing had to be done" }
            );
        }
        Err(e) => {
            let _ = writeln!(out, "failed: {}: {}", e.code, e.value);
        }
    }
    steps(&mut out, &formula, &trace, &inputs, name);
    if let Some(p) = future.pool() {
        for e in &p.errors {
            let _ = writeln!(out, "the pool shows: {}: {}", e.code, e.message);
        }
    }
    Reply::answer(out)
}

/// The session's formula in the present world.
fn whole(state: &State) -> Reply {
    if state.program.is_empty() {
        return Reply::error("nothing was evaluated yet: type a statement, or `:load` a formula");
    }
    let formula = match formula_of(state, &state.formula()) {
        Ok(formula) => formula,
        Err(reply) => return reply,
    };
    let inputs = state.inputs();
    let trace = formula.trace(&inputs);
    let mut out = String::new();
    match &trace.outcome {
        Ok(outcome) => {
            let _ = writeln!(out, "asks for {}", show::targets(outcome, inputs.targets));
        }
        Err(e) => {
            let _ = writeln!(out, "fails: {}: {}", e.code, e.value);
        }
    }
    steps(&mut out, &formula, &trace, &inputs, None);
    Reply::answer(out)
}

fn variable(state: &State, name: &str) -> Reply {
    let text: String = state.program.iter().chain(&state.it).map(|s| format!("{};\n", s.text)).collect();
    if !assigned_by(&text, name) {
        let names = state.program.iter().map(|s| s.target.as_str());
        let hint = words::near(name, names);
        return Reply::error(format!(
            "nothing assigns `{name}`{hint}\n`:why` alone explains the last evaluation; `:explain {name}` says what a name of the language means"
        ));
    }
    let formula = match formula_of(state, &text) {
        Ok(formula) => formula,
        Err(reply) => return reply,
    };
    let inputs = state.inputs();
    let trace = formula.trace(&inputs);
    let mut out = String::new();
    steps(&mut out, &formula, &trace, &inputs, Some(name));
    Reply::answer(out)
}

/// The statements of a trace, all or those that decided a name, with branches and reads.
fn steps(out: &mut String, formula: &Formula, trace: &Trace, inputs: &Inputs, name: Option<&str>) {
    let chosen: Vec<usize> = match name {
        Some(name) => {
            let mut list = trace.why(formula, name);
            list.sort_unstable();
            list
        }
        None => (0..trace.steps.len()).collect(),
    };
    for i in chosen {
        let Some(step) = trace.steps.get(i) else { continue };
        let text = one_line(step.span.text(formula.source()));
        let value = match &step.value {
            Some(v) => format!("  → {}", plain(v)),
            None if !step.reached => "  (not reached)".to_owned(),
            None => String::new(),
        };
        let _ = writeln!(out, "  {text}{value}");
        for b in &step.branches {
            let condition = one_line(b.condition.text(formula.source()));
            let went = match (b.ternary, b.taken) {
                (true, true) => "true, so the first arm",
                (true, false) => "false, so the second arm",
                (false, true) => "true",
                (false, false) => "false",
            };
            let _ = writeln!(out, "      {condition}: {went}");
        }
        for r in &step.reads {
            let _ = writeln!(out, "      {}", read(r, inputs));
        }
    }
    if let Err(e) = &trace.outcome {
        let _ = writeln!(out, "  it ends there: {}", e.value);
    }
    for note in &trace.notes {
        let _ = writeln!(out, "  note: {note}");
    }
}

fn one_line(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() > 140 { format!("{}…", text.chars().take(139).collect::<String>()) } else { text }
}

fn plain(v: &OwnedValue) -> String {
    let ty = match v {
        OwnedValue::Double(_) => Ty::Double,
        OwnedValue::Vec(_) => Ty::Vec,
        OwnedValue::Time(_) => Ty::Time,
        OwnedValue::Interval(_) => Ty::Interval,
        // A literal or a deallocation keyword: both read well as they are.
        _ => return v.to_string(),
    };
    show::value(v, ty)
}

fn read(r: &SampleRead, inputs: &Inputs) -> String {
    let values: Vec<Option<f64>> = r.samples.iter().map(|(_, v)| Some(*v)).collect();
    let mut text = format!("read {} of {}", words::count(values.len() as i64, "sample"), r.metric.name());
    if let Some((lo, hi)) = r.window {
        let _ = write!(text, " from {} to {}", show::clock(lo, inputs.now), show::clock(hi, inputs.now));
    }
    if let Some(possible) = r.possible.filter(|p| *p > 0.0) {
        let _ = write!(text, ", {}% of what is possible", general((100.0 * values.len() as f64 / possible).round()));
        if let Some(wanted) = r.wanted {
            let _ = write!(text, " ({}% needed)", general(wanted));
        }
    }
    if !values.is_empty() {
        let _ = write!(text, "  {}", show::sparkline(&values, 40));
        let (lo, hi) = r.samples.iter().fold((f64::MAX, f64::MIN), |(lo, hi), (_, v)| (lo.min(*v), hi.max(*v)));
        let _ = if lo == hi {
            write!(text, " all {}", general(lo))
        } else {
            write!(text, " {} to {}", general(lo), general(hi))
        };
    }
    text
}

/// A node's life and what became of it.
fn node(future: &Future, text: &str) -> Reply {
    let sim = future.sim();
    let world = sim.world();
    let Some(n) = text.trim().parse::<u32>().ok().filter(|n| (*n as usize) < world.nodes.len()) else {
        let all = world.nodes.len();
        let hint =
            if all == 0 { "there were no nodes yet".to_owned() } else { format!("there were nodes 0 to {}", all - 1) };
        return Reply::error(format!("no node `{}`: {hint}; `:nodes` lists those there are", text.trim()));
    };
    let mut out = String::new();
    let mut last: Option<(Ms, Why)> = None;
    let mut ran = 0u32;
    for c in sim.output().node_changes.iter().filter(|c| c.node == n) {
        // Tasks come and go; a line for each would bury the rest.
        if matches!(c.why, Why::TaskAssigned | Why::TasksEnded) {
            ran += u32::from(c.why == Why::TaskAssigned);
            continue;
        }
        if std::mem::take(&mut ran) > 0 {
            let _ = writeln!(out, "  {:19}  ran tasks", "");
        }
        let to = c.to.map_or("gone", |s| s.name());
        let _ = writeln!(out, "  {}  {to}: {}", show::time(future.at(c.at)), c.why.text());
        last = Some((c.at, c.why));
    }
    if ran > 0 {
        let _ = writeln!(out, "  {:19}  ran tasks", "");
    }
    let node = &world.nodes[n as usize];
    let class = ["dedicated", "low-priority"][node.class as usize];
    let mut head = if node.removed {
        let at = last.map_or(String::new(), |(at, _)| format!(" at {}", show::time(future.at(at))));
        let why = reason_of_leaving(future, n).map_or(String::new(), |why| format!(" because {why}"));
        format!("node {n} ({class}) left{at}{why}\n")
    } else {
        let because = last.map_or(String::new(), |(_, why)| format!(": {}", why.text()));
        let tasks = if node.running > 0 {
            format!("; it runs {}", words::count(i64::from(node.running), "task"))
        } else {
            String::new()
        };
        let because = if matches!(node.state, NodeState::Idle | NodeState::Running) { String::new() } else { because };
        let state = if node.state == NodeState::LeavingPool { "leaving" } else { node.state.name() };
        format!("node {n} ({class}) is {state} since {}{because}{tasks}\n", show::time(future.at(node.since)))
    };
    head.push_str(&out);
    Reply::answer(head)
}

/// What made a node leave: the change to `leavingpool`, and the evaluation or resize behind it.
fn reason_of_leaving(future: &Future, n: u32) -> Option<String> {
    let sim = future.sim();
    let change =
        sim.output().node_changes.iter().rev().find(|c| c.node == n && c.to == Some(NodeState::LeavingPool))?;
    let mut text = change.why.text().to_owned();
    if change.why == Why::Shrunk {
        let pool = sim.world().nodes[n as usize].pool;
        let run = sim.output().runs.iter().rev().find(|r| r.pool == pool && r.at <= change.at && r.applied);
        match run.map(|r| (r, &r.result)) {
            Some((r, Ok(o))) if r.at == change.at || r.at + 1000 >= change.at => {
                let wanted = [o.dedicated.or(r.before[0]), o.low_priority.or(r.before[1])];
                let k = sim.world().nodes[n as usize].class as usize;
                let _ = write!(
                    text,
                    ": the formula asked for {} at {} when there were {} ({})",
                    wanted[k],
                    show::time(future.at(r.at)),
                    r.current[k],
                    o.option.keyword()
                );
            }
            _ => text.push_str(" (a manual resize)"),
        }
    }
    Some(text)
}

/// A task's fate.
fn task(future: &Future, text: &str) -> Reply {
    let sim = future.sim();
    let world = sim.world();
    let wanted = text.trim();
    let number = wanted.parse::<u32>().ok();
    let named = |id: u32| number == Some(id) || sim.task_name(id) == wanted;
    let at = |ms: Ms| show::time(future.at(ms));
    if let Some((_, t)) = world.tasks.iter().find(|(_, t)| named(t.id)) {
        let job = &world.jobs[t.job as usize];
        let mut out = format!("task {} ({}) of job {}: ", t.id, sim.task_name(t.id), job.id);
        let _ = match t.state {
            TaskState::Running => {
                let end = t.start + i64::from(t.run);
                writeln!(out, "running on node {} since {}, to end at {}", t.node, at(t.start), at(end))
            }
            TaskState::Preparing => writeln!(out, "waiting for its job's preparation task on node {}", t.node),
            TaskState::Waiting => writeln!(out, "waiting for tasks it depends on"),
            TaskState::Ready => {
                writeln!(out, "waiting for a free slot since {} ({})", at(t.created), pool::span(sim.now() - t.created))
            }
        };
        if t.state == TaskState::Ready {
            out.push_str(&waiting(future, t.slots, job.pool));
        }
        if t.requeues > 0 || t.retries > 0 {
            let _ = writeln!(
                out,
                "{} of it lost: {}, {}",
                pool::span(i64::from(t.wasted)),
                words::count(i64::from(t.requeues), "requeue"),
                if t.retries == 1 { "1 retry".to_owned() } else { format!("{} retries", t.retries) }
            );
        }
        return Reply::answer(out);
    }
    let record: Option<TaskRecord> = sim.output().tasks.iter().find(|t| named(t.id));
    let Some(t) = record else {
        let (arrived, ..) = sim.task_totals();
        return Reply::error(format!("no task `{wanted}`; {arrived} arrived so far, `:tasks` lists them"));
    };
    let job = world.jobs.get(t.job as usize).map_or("?", |j| j.id.as_str());
    let mut out = format!("task {} ({}) of job {job}: {}", t.id, sim.task_name(t.id), t.fate.name());
    if t.fate == Fate::Failure {
        let _ = write!(out, " with exit code {}", t.exit);
    }
    let _ = writeln!(out, " at {}", at(t.end));
    let _ = writeln!(out, "  {}  added", at(t.created));
    if t.node == NONE {
        let _ = writeln!(out, "  it never ran");
    } else {
        let waited = pool::span(t.start - t.created);
        let _ = writeln!(
            out,
            "  {}  {} on node {}, {waited} after it was added",
            at(t.start),
            if t.attempts > 1 { "last attempt" } else { "started" },
            t.node
        );
    }
    let _ = writeln!(out, "  {}  ended", at(t.end));
    if t.attempts > 1 {
        let _ = writeln!(
            out,
            "  {}: {}, {}; {} of work lost",
            words::count(i64::from(t.attempts), "attempt"),
            words::count(i64::from(t.requeues), "requeue"),
            if t.retries == 1 { "1 retry".to_owned() } else { format!("{} retries", t.retries) },
            pool::span(i64::from(t.wasted))
        );
        // The nodes it lost are those that left or were preempted while it was there.
        for c in sim.output().node_changes.iter().filter(|c| c.at > t.created && c.at <= t.start) {
            if matches!(c.why, Why::Evicted | Why::HostFailed | Why::Shrunk) && c.from == Some(NodeState::Running) {
                let _ = writeln!(out, "  {}  node {} was lost while running: {}", at(c.at), c.node, c.why.text());
                break;
            }
        }
    }
    Reply::answer(out)
}

/// Why ready tasks of a pool do not start.
fn waiting(future: &Future, slots: u16, pool: u32) -> String {
    let sim = future.sim();
    let Some(p) = sim.pools().nth(pool as usize) else { return "its job's pool does not exist\n".into() };
    let by = |s: NodeState| p.nodes[0][s as usize] + p.nodes[1][s as usize];
    let mut out = String::new();
    if u32::from(slots) > p.task_slots {
        return format!("it needs {slots} slots and a node has {}: it can never run\n", p.task_slots);
    }
    let (up, coming) = (
        by(NodeState::Idle) + by(NodeState::Running),
        by(NodeState::Creating) + by(NodeState::Starting) + by(NodeState::WaitingForStartTask),
    );
    let _ = writeln!(
        out,
        "the pool has {} with every slot taken, {} on the way, targets {} and {}",
        words::count(i64::from(up), "ready node"),
        coming,
        p.target[0],
        p.target[1]
    );
    for e in &p.errors {
        let _ = writeln!(out, "the last resize ended with {}: {}", e.code, e.message);
    }
    if p.autoscale
        && let Some(r) = last_run(future)
        && let Some(cfg) = future.pool_config()
    {
        let next = future.at(r.at).saturating_plus(Interval(cfg.autoscale.interval * 10_000));
        let _ = writeln!(
            out,
            "the formula was last evaluated at {}; the next time is about {}",
            show::time(future.at(r.at)),
            show::time(next)
        );
    }
    out
}

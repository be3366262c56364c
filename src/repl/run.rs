//! Letting simulated time pass, and saying what happened meanwhile.
//!
//! In: a future, how far. Out: the future moved, the news in order. Never: an end that Ctrl-C cannot bring forward.

use super::{
    Reply, language,
    pool::{self, Future},
    session::{Session, State},
    show, words,
};
use crate::sim::{
    config::{DAY, MINUTE, Ms},
    machine::node::Why,
    output::AutoScaleRun,
    world::{AllocationState, NodeState},
};
use poolcast_runtime::{ticks::Ticks, value::DeallocationOption};

/// Most lines of news.
const MOST_NEWS: usize = 24;
/// The furthest one `:run` goes: a year of records is some hundred megabytes.
const MOST_RUN: Ms = 366 * DAY;
/// How long `:until` waits.
const PATIENCE: Ms = 30 * DAY;

/// How much of a future's records was there at an instant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    at: Ms,
    runs: usize,
    resizes: usize,
    changes: usize,
    tasks: usize,
    finished: u64,
    arrived: u64,
    refused: usize,
    target: [u32; 2],
}

impl Mark {
    pub(super) fn of(future: &Future) -> Mark {
        let out = future.sim().output();
        Mark {
            at: future.sim().now(),
            runs: out.runs.len(),
            resizes: out.resizes.len(),
            changes: out.node_changes.len(),
            tasks: out.tasks.len(),
            finished: out.finished,
            arrived: future.sim().task_totals().0,
            refused: out.refused.len(),
            target: future.pool().map_or([0, 0], |p| p.target),
        }
    }
    fn moved(&self, future: &Future) -> bool {
        let now = Mark::of(future);
        (now.runs, now.resizes, now.changes, now.finished, now.refused, now.arrived)
            != (self.runs, self.resizes, self.changes, self.finished, self.refused, self.arrived)
    }
}

/// Lines of one kind whose instants lie together become one line.
struct Line {
    at: Ms,
    order: usize,
    text: String,
    /// How often it came again, and when last.
    again: Option<(u32, Ms)>,
}

/// A pool at its quota says the same two things at every evaluation: what was said just before is only counted.
fn told_once(lines: Vec<Line>) -> Vec<Line> {
    let mut out: Vec<Line> = Vec::new();
    for line in lines {
        let lately = out.len().saturating_sub(3);
        match out[lately..].iter_mut().find(|l| l.text == line.text) {
            Some(same) => same.again = Some((same.again.map_or(0, |a| a.0) + 1, line.at)),
            None => out.push(line),
        }
    }
    out
}

/// What happened to the pool in focus since a mark.
pub(super) fn news(future: &Future, mark: &Mark) -> String {
    let sim = future.sim();
    let out = sim.output();
    let clock = |at: Ms| show::clock(future.at(at), future.at(mark.at));
    let mut lines: Vec<Line> = Vec::new();
    let put = |lines: &mut Vec<Line>, at: Ms, text: String| {
        let order = lines.len();
        lines.push(Line { at, order, text, again: None });
    };
    // Evaluations: those that ask for the same as before are counted only.
    let (mut same, mut target) = (0usize, mark.target);
    for r in out.runs.since(mark.runs).filter(|r| r.pool == future.focus) {
        match evaluation(r, target) {
            Some(text) => put(&mut lines, r.at, text),
            None => same += 1,
        }
        if let Ok(o) = &r.result {
            target = [o.dedicated.or(target[0]), o.low_priority.or(target[1])];
        }
    }
    for r in out.resizes.since(mark.resizes).filter(|r| r.pool == future.focus) {
        let wanted: Vec<String> = (0..2)
            .filter(|k| r.target[*k] > 0 || r.from[*k] > 0)
            .map(|k| {
                let short = if r.current[k] == r.target[k] { String::new() } else { format!(" of {}", r.target[k]) };
                format!("{}{short}", show::nodes(r.current[k], k))
            })
            .collect();
        let what = if wanted.is_empty() { "no nodes".to_owned() } else { wanted.join(", ") };
        let took = pool::span(r.end - r.start);
        let mut text = format!("resize done after {took}: {what}");
        for e in &r.errors {
            let reason: Vec<&str> = e.values.iter().filter(|(k, _)| *k == "Reason").map(|(_, v)| v.as_str()).collect();
            text.push_str(&format!("; {}: {}", e.code, e.message));
            if !reason.is_empty() {
                text.push_str(&format!(" ({})", reason.join(", ")));
            }
        }
        put(&mut lines, r.end, text);
    }
    // Nodes: changes of one kind that follow each other closely are one line.
    let mut groups: Vec<Group> = Vec::new();
    let world = sim.world();
    for c in out.node_changes.since(mark.changes) {
        if world.nodes.get(c.node as usize).is_none_or(|n| n.pool != future.focus) || !telling(c.why) {
            continue;
        }
        match groups.iter_mut().rev().find(|g| g.why == c.why && g.to == c.to) {
            Some(g) if c.at - g.last <= CLOSE => {
                g.last = c.at;
                g.nodes += 1;
            }
            _ => groups.push(Group { why: c.why, to: c.to, first: c.at, last: c.at, nodes: 1 }),
        }
    }
    for g in groups {
        let what = match g.to {
            Some(NodeState::Idle) if matches!(g.why, Why::Ready | Why::StartTaskDone) => "ready for tasks",
            Some(NodeState::Idle | NodeState::Running) => "back",
            Some(NodeState::LeavingPool) => "leaving",
            Some(s) => s.name(),
            None => "gone",
        };
        let reason = match g.why {
            Why::Ready | Why::StartTaskDone | Why::VmDeleted => String::new(),
            why => format!(": {}", why.text()),
        };
        let until =
            if clock(g.last) == clock(g.first) { String::new() } else { format!(", the last at {}", clock(g.last)) };
        put(&mut lines, g.first, format!("{} {what}{reason}{until}", words::count(g.nodes, "node")));
    }
    for r in out.refused.since(mark.refused) {
        put(&mut lines, r.at, format!("refused: {}: {}", r.what, r.refusal));
    }
    lines.sort_by_key(|l| (l.at, l.order));
    let lines = told_once(lines);
    let hidden = lines.len().saturating_sub(MOST_NEWS);
    let mut text = String::new();
    let middle = MOST_NEWS / 2;
    for (i, line) in lines.iter().enumerate() {
        if hidden > 0 && i == middle {
            text.push_str(&format!("  … {} more; `:run` less far to see all\n", words::count(hidden as i64, "line")));
        }
        if hidden > 0 && (middle..middle + hidden).contains(&i) {
            continue;
        }
        let again = match line.again {
            Some((1, last)) => format!(" (again at {})", clock(last)),
            Some((n, last)) => format!(" ({n} times more, the last at {})", clock(last)),
            None => String::new(),
        };
        text.push_str(&format!("  {}  {}{again}\n", clock(line.at), line.text));
    }
    if same > 0 {
        let all = if lines.is_empty() { "" } else { "other " };
        text.push_str(&format!("  {} changed nothing\n", words::count(same as i64, &format!("{all}evaluation"))));
    }
    text.push_str(&tasks(future, mark));
    text
}

/// Node changes of one kind, close together.
struct Group {
    why: Why,
    to: Option<NodeState>,
    first: Ms,
    last: Ms,
    nodes: i64,
}

/// How close.
const CLOSE: Ms = 5 * MINUTE;

/// Reasons worth a line: not the small steps in between, not every assignment.
fn telling(why: Why) -> bool {
    !matches!(
        why,
        Why::Obtained
            | Why::AgentBegins
            | Why::StartTaskBegins
            | Why::TaskAssigned
            | Why::TasksEnded
            | Why::Rebooted
            | Why::Stopped
            | Why::Restored
    )
}

/// An evaluation as news; none when it asks for what is wanted already.
fn evaluation(r: &AutoScaleRun, before: [u32; 2]) -> Option<String> {
    let outcome = match &r.result {
        Ok(outcome) => outcome,
        Err(e) => return Some(format!("evaluation failed, nothing changes: {}: {}", e.code, e.value)),
    };
    let wanted = [outcome.dedicated.or(before[0]), outcome.low_priority.or(before[1])];
    if wanted == before && !r.applied {
        return None;
    }
    if wanted == before {
        let short: Vec<String> = (0..2)
            .filter(|k| r.current[*k] != wanted[*k])
            .map(|k| format!("{}, there are {}", show::nodes(wanted[k], k), r.current[k]))
            .collect();
        return Some(format!("the formula asks again for {}", short.join(" and ")));
    }
    let parts: Vec<String> = (0..2)
        .filter(|k| wanted[*k] != before[*k])
        .map(|k| format!("{} (was {})", show::nodes(wanted[k], k), before[k]))
        .collect();
    let shrinks = (0..2).any(|k| wanted[k] < r.current[k]);
    let option = if shrinks && outcome.option != DeallocationOption::Requeue {
        format!(", {}", outcome.option.keyword())
    } else {
        String::new()
    };
    let idle = if r.applied { "" } else { "; not applied now" };
    Some(format!("the formula asks for {}{option}{idle}", parts.join(" and ")))
}

fn tasks(future: &Future, mark: &Mark) -> String {
    let sim = future.sim();
    let out = sim.output();
    let (arrived, finished) = (sim.task_totals().0 - mark.arrived, out.finished - mark.finished);
    if arrived == 0 && finished == 0 {
        return String::new();
    }
    let requeues: u32 = out.tasks.since(mark.tasks).map(|t| u32::from(t.requeues)).sum();
    let ended = if finished > 0 {
        format!("{} ended", words::count(finished as i64, "task"))
    } else {
        "no task ended".to_owned()
    };
    let came = if arrived > 0 { format!("{arrived} arrived, ") } else { String::new() };
    let again = if requeues > 0 {
        format!(", {} on the way", words::count(i64::from(requeues), "requeue"))
    } else {
        String::new()
    };
    format!("  tasks: {came}{ended}{again}\n")
}

/// Where we are, at the end of a reply.
pub(super) fn standing(future: &Future) -> String {
    let now = show::time(future.now());
    let Some(p) = future.pool().filter(pool::exists) else { return format!("{now}: no pool\n") };
    let mut nodes = Vec::new();
    for k in 0..2 {
        if p.current[k] == 0 && p.target[k] == 0 {
            continue;
        }
        let up = p.nodes[k][NodeState::Idle as usize] + p.nodes[k][NodeState::Running as usize];
        let ready = if up == p.current[k] { String::new() } else { format!(", {up} ready") };
        let wanted = if p.current[k] == p.target[k] { String::new() } else { format!(" of {}", p.target[k]) };
        nodes.push(format!("{}{wanted}{ready}", show::nodes(p.current[k], k)));
    }
    let nodes = if nodes.is_empty() { "no nodes".to_owned() } else { nodes.join(" and ") };
    let c = &p.counts;
    let mut tasks = vec![format!("{} running", c.running), format!("{} waiting", c.active + c.waiting + c.preparing)];
    let done = c.succeeded + c.failed;
    if done > 0 {
        tasks.push(format!("{done} done"));
    }
    format!("{now}: {nodes}, {}; tasks: {}\n", p.allocation.name(), tasks.join(", "))
}

/// Runs to an instant, looking up now and then; false when somebody asked to stop.
fn advance(session: &mut Session, until: Ms) -> bool {
    let cancel = session.cancel.clone();
    let Some(future) = at(&mut session.state) else { return true };
    let sim = future.sim_mut();
    let step = ((until - sim.now()) / 256).clamp(1, pool::LOOK);
    while sim.now() < until {
        if cancel.load(std::sync::atomic::Ordering::Relaxed) {
            return false;
        }
        let next = (sim.now() + step).min(until);
        sim.run_until(next);
    }
    true
}

fn at(state: &mut State) -> Option<&mut Future> {
    let name = state.here.clone()?;
    state.futures.get_mut(&name)
}

fn report(session: &mut Session, mark: &Mark, went: bool) -> Reply {
    let future = match pool::here(&session.state) {
        Ok(future) => future,
        Err(reply) => return reply,
    };
    let mut text = news(future, mark);
    text.push_str(&standing(future));
    if !went {
        text.push_str("stopped here; `:undo` goes back to before\n");
    }
    Reply::answer(text)
}

/// `:run [DURATION | TIME]`
pub(super) fn run(session: &mut Session, args: &str) -> Reply {
    let future = match pool::here(&session.state) {
        Ok(future) => future,
        Err(reply) => return reply,
    };
    let now = future.sim().now();
    let until = if args.is_empty() {
        if future.horizon <= now {
            return Reply::error("past the scenario's end already; `:run 2h` goes on");
        }
        future.horizon
    } else if let Some(d) = words::duration(args) {
        now.saturating_add(d.0 / 10_000)
    } else {
        match words::instant(args, future.now()) {
            Ok(t) => future.ms(t),
            Err(why) => return Reply::error(format!("{why}\nor how long: `:run 2h`")),
        }
    };
    if until < now {
        return Reply::error("that is in the past; `:undo` goes back");
    }
    if until - now > MOST_RUN || until > future.sim().config().horizon {
        return Reply::error("at most 366 days at a time, and ten years in all");
    }
    let mark = Mark::of(future);
    let went = advance(session, until);
    report(session, &mark, went)
}

/// To an instant, for `:at` and `:tick`.
pub(super) fn run_to(session: &mut Session, to: Ticks) -> Reply {
    match pool::here(&session.state) {
        Ok(future) if to < future.now() => Reply::error("that is in the past; `:undo` goes back"),
        Ok(_) => run(session, &to.iso_trimmed()),
        Err(reply) => reply,
    }
}

/// `:step [N]`
pub(super) fn step(session: &mut Session, args: &str) -> Reply {
    let n: u32 = match args.trim() {
        "" => 1,
        text => match text.parse() {
            Ok(n) if (1..=100_000).contains(&n) => n,
            _ => return Reply::error("how many steps? `:step` or `:step 10`"),
        },
    };
    let mark = match pool::here(&session.state) {
        Ok(future) => Mark::of(future),
        Err(reply) => return reply,
    };
    let cancel = session.cancel.clone();
    let mut went = true;
    if let Some(future) = at(&mut session.state) {
        for _ in 0..n {
            let before = Mark::of(future);
            // Until something is on record: an evaluation, a resize, a node, a task.
            loop {
                if cancel.load(std::sync::atomic::Ordering::Relaxed) {
                    went = false;
                    break;
                }
                let sim = future.sim_mut();
                let Some(next) = sim.next_at() else { break };
                sim.run_until(next);
                if before.moved(future) {
                    break;
                }
            }
        }
    }
    report(session, &mark, went)
}

/// What `:until` can wait for.
pub(super) const CONDITIONS: &[(&str, &str)] = &[
    ("ready", "after the next evaluation: the pool is steady and every node it obtained takes tasks"),
    ("steady", "the resize under way is over"),
    ("resizing", "a resize begins"),
    ("evaluation", "the formula is evaluated"),
    ("failure", "an evaluation fails"),
    ("target", "the targets change"),
    ("quota error", "a resize meets a quota"),
    ("resize error", "a resize ends with any error"),
    ("preemption", "a node is preempted"),
    ("node leaves", "a node is gone"),
    ("tasks done", "no task is left, none will come"),
    ("empty", "the pool has no nodes"),
];

enum Wait {
    Known(usize),
    Expression(String),
}

/// `:until CONDITION | EXPRESSION | TIME`
pub(super) fn until(session: &mut Session, args: &str) -> Reply {
    let text = args.trim().trim_matches('"').trim();
    let mark = match pool::here(&session.state) {
        Ok(future) => Mark::of(future),
        Err(reply) => return reply,
    };
    let plain = |s: &str| s.to_ascii_lowercase().replace(['-', '_'], " ");
    let known = CONDITIONS.iter().position(|(name, _)| plain(text) == *name);
    let wait = match known {
        Some(i) => Wait::Known(i),
        None if text.is_empty() => return Reply::error(waits("what for?")),
        None if words::instant(text, session.state.now()).is_ok() || words::duration(text).is_some() => {
            return run(session, text);
        }
        None => {
            if let Err(why) = language::value_after(&session.state, usize::MAX, text, &session.state.inputs()) {
                let near = words::near(&plain(text), CONDITIONS.iter().map(|c| c.0));
                return Reply::error(waits(&format!("`{text}` is nothing to wait for{near}\nas an expression: {why}")));
            }
            Wait::Expression(text.to_owned())
        }
    };
    let cancel = session.cancel.clone();
    let start = mark.at;
    let mut last = mark;
    let mut state = std::mem::take(&mut session.state);
    let mut went = true;
    let mut came = false;
    let mut looked = start;
    while let Some(future) = at(&mut state) {
        if cancel.load(std::sync::atomic::Ordering::Relaxed) {
            went = false;
            break;
        }
        let sim = future.sim_mut();
        let Some(next) = sim.next_at().filter(|n| *n <= start + PATIENCE) else { break };
        sim.run_until(next);
        match &wait {
            Wait::Known(i) => {
                if last.moved(future) || next > looked {
                    last = Mark::of(future);
                    looked = next;
                    came = holds(*i, future, &mark);
                }
            }
            Wait::Expression(text) => {
                // Samples come every 30 s: nothing an expression can see changes faster.
                if next >= looked + 30_000 {
                    looked = next;
                    let inputs = state.inputs();
                    let value = language::value_after(&state, usize::MAX, text, &inputs);
                    came = matches!(value, Ok((crate::OwnedValue::Double(x), ..)) if x != 0.0);
                }
            }
        }
        if came {
            break;
        }
    }
    session.state = state;
    if went && !came {
        // The state goes back with every line that fails.
        return Reply::error(format!(
            "`{text}` did not come within {}; we are still where we were",
            pool::span(PATIENCE)
        ));
    }
    let mut reply = report(session, &mark, went);
    if came && let Ok(future) = pool::here(&session.state) {
        let after = pool::span(future.sim().now() - start);
        reply.text.push_str(&format!("\n{text}: after {after}, at {}", show::time(future.now())));
        if let (Wait::Known(0), Some(first)) = (&wait, ready_since(future, &mark)) {
            reply.text.push_str(&first);
        }
    }
    reply
}

fn waits(why: &str) -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for (name, doc) in CONDITIONS {
        rows.push(vec![format!("  :until {name}"), (*doc).to_owned()]);
    }
    rows.push(vec!["  :until EXPRESSION".into(), "it is not 0: $CurrentDedicatedNodes >= 5".into()]);
    format!("{why}\n{}", show::columns(&rows))
}

fn holds(condition: usize, future: &Future, mark: &Mark) -> bool {
    let sim = future.sim();
    let out = sim.output();
    let Some(p) = future.pool().filter(pool::exists) else { return CONDITIONS[condition].0 == "empty" };
    let by = |s: NodeState| p.nodes[0][s as usize] + p.nodes[1][s as usize];
    let coming = by(NodeState::Creating) + by(NodeState::Starting) + by(NodeState::WaitingForStartTask);
    let mut runs = out.runs.since(mark.runs).filter(|r| r.pool == future.focus);
    let mut resizes = out.resizes.since(mark.resizes).filter(|r| r.pool == future.focus);
    let mut changes = out
        .node_changes
        .since(mark.changes)
        .filter(|c| sim.world().nodes.get(c.node as usize).is_some_and(|n| n.pool == future.focus));
    match CONDITIONS[condition].0 {
        "ready" => {
            let asked = !p.autoscale || runs.next().is_some();
            let up = by(NodeState::Idle) + by(NodeState::Running);
            asked && p.allocation == AllocationState::Steady && coming == 0 && up > 0
        }
        "steady" => p.allocation == AllocationState::Steady && resizes.next().is_some(),
        "resizing" => p.allocation != AllocationState::Steady,
        "evaluation" => runs.next().is_some(),
        "failure" => runs.any(|r| r.result.is_err()),
        "target" => p.target != mark.target,
        "quota error" => p.errors.iter().any(|e| e.code.contains("Quota")) && resizes.next().is_some(),
        "resize error" => resizes.any(|r| !r.errors.is_empty()),
        "preemption" => changes.any(|c| c.why == Why::Evicted),
        "node leaves" => changes.any(|c| c.to.is_none()),
        "tasks done" => sim.task_totals().2 == 0 && pool::to_come(future) == 0,
        "empty" => p.current == [0, 0] && p.allocation == AllocationState::Steady,
        _ => false,
    }
}

/// When the nodes became ready, in words.
fn ready_since(future: &Future, mark: &Mark) -> Option<String> {
    let ready: Vec<Ms> = future
        .sim()
        .output()
        .node_changes
        .since(mark.changes)
        .filter(|c| matches!(c.why, Why::Ready | Why::StartTaskDone))
        .map(|c| c.at)
        .collect();
    let (first, last) = (*ready.first()?, *ready.last()?);
    let p = future.pool()?;
    let clock = |at: Ms| show::clock(future.at(at), future.now());
    let asked: u32 = p.target.iter().sum();
    let got: u32 = p.current.iter().sum();
    let short = if got < asked { format!(" of the {asked} asked for") } else { String::new() };
    let errors: Vec<&str> = p.errors.iter().map(|e| e.code).collect();
    let rest = if got < asked && !errors.is_empty() {
        format!("; no more because of {}", errors.join(" and "))
    } else {
        String::new()
    };
    Some(format!(
        "\n{}{short}: the first ready at {}, the last at {}{rest}",
        words::count(i64::from(got), "node"),
        clock(first),
        clock(last)
    ))
}

//! The world made by hand: samples, nodes, targets, rules, the clock.
//!
//! In: words of commands. Out: the world changed, and what the formula asks for in it. Never: a simulation; that has its
//! own clock and samples.

use super::{
    Reply, language, run,
    session::{Hand, Session},
    show, words,
};
use crate::check::hir::Output;
use poolcast_runtime::{
    metric::Metric,
    rules::Rules,
    series::SeriesStore,
    ticks::{Interval, Ticks},
};
use std::fmt::Write as _;

/// `:set NAME VALUES`
pub(super) fn set(session: &mut Session, args: &str) -> Reply {
    let (name, rest) = words::first(args);
    let rest = rest.trim_start_matches('=').trim();
    if name.is_empty() {
        return Reply::answer(given(session));
    }
    // `:set $PendingTasks=3` is what people type.
    let (name, rest) = match name.split_once('=') {
        Some((name, value)) => (name, format!("{value} {rest}").trim().to_owned()),
        None => (name, rest.to_owned()),
    };
    let metric = Metric::from_name(name);
    let output = Output::from_name(name);
    if session.state.here.is_some() && (metric.is_some() || output.is_some()) {
        return Reply::error(format!(
            "`{name}` comes from the simulated pool here; `:submit`, `:quota`, `:preempt` and `:resize` change it, \
             `:switch hand` goes to the world made by hand"
        ));
    }
    if let Some(metric) = metric {
        return set_metric(session, metric, &rest);
    }
    match output.and_then(Output::target) {
        Some(k) => match rest.parse::<u32>() {
            Ok(n) => {
                session.state.hand.targets[k] = f64::from(n);
                let text = format!(
                    "the pool's present target is {}; the formula reads it until it assigns {name}",
                    show::nodes(n, k)
                );
                return Reply::answer(format!("{text}\n{}", language::asks(&session.state)));
            }
            Err(_) => return Reply::error(format!("a present target is a whole number: `:set {name} 3`")),
        },
        None if output.is_some() => {
            return Reply::error(format!("{name} is only written, by a statement: `{name} = taskcompletion`"));
        }
        None => {}
    }
    if name == "seed" {
        return match rest.parse() {
            Ok(seed) => {
                session.state.hand.seed = seed;
                Reply::answer(format!("seed {seed}: what rand() draws from\n{}", language::asks(&session.state)))
            }
            Err(_) => Reply::error("a seed is a whole number: `:set seed 7`"),
        };
    }
    if let Some(row) = Rules::ROWS.iter().find(|r| r.name == name.replace('-', "_")) {
        if rest.is_empty() {
            return Reply::answer(format!(
                "{} = {}; takes {}\n{}",
                row.name,
                (row.get)(&session.state.rules),
                (row.allowed)(),
                row.doc
            ));
        }
        return match session.state.rules.set(name, &rest) {
            Ok(()) => {
                let value = (row.get)(&session.state.rules);
                let note = if session.state.here.is_some() {
                    "\nit counts for what is typed here; the simulated pool keeps the rules it began with"
                } else {
                    ""
                };
                Reply::answer(format!("rule {} = {value}{note}\n{}", row.name, language::asks(&session.state)))
            }
            Err(e) => Reply::error(e.to_string()),
        };
    }
    let names = Metric::ALL.iter().map(|m| m.name()).chain(Rules::ROWS.iter().map(|r| r.name)).chain([
        "$TargetDedicatedNodes",
        "$TargetLowPriorityNodes",
        "seed",
    ]);
    let near = words::near(name, names);
    if near.is_empty() && !name.starts_with('$') {
        return Reply::error(format!(
            "`{name}` is no metric and no rule; a variable is assigned by a statement: `{name} = {}`",
            if rest.is_empty() { "5" } else { &rest }
        ));
    }
    Reply::error(format!("`{name}` is no metric and no rule{near}"))
}

fn set_metric(session: &mut Session, metric: Metric, text: &str) -> Reply {
    if text == "none" {
        session.state.hand.samples.remove(&metric);
        return Reply::answer(format!("{} has no samples now\n{}", metric.name(), language::asks(&session.state)));
    }
    if text.is_empty() {
        return Reply::error(format!(
            "which samples? `:set {} 0,0,4,12`, oldest first, one each 30 s, the last now; `none` for no samples",
            metric.name()
        ));
    }
    let values = match words::samples(text) {
        Ok(values) => values,
        Err(why) => return Reply::error(why),
    };
    let whole = |x: f64| x >= 0.0 && x.fract() == 0.0 && x <= f64::from(i32::MAX);
    if metric.row().plain && values.iter().flatten().any(|x| !whole(*x)) {
        return Reply::error(format!("{} counts {}: whole numbers from 0 on", metric.name(), metric.row().unit));
    }
    let hand = &mut session.state.hand;
    hand.set_samples(metric, &values);
    let mut out = String::new();
    if let (true, Some(Some(now))) = (metric.row().plain, values.last()) {
        match metric {
            Metric::CurrentDedicatedNodes => hand.current[0] = *now,
            Metric::CurrentLowPriorityNodes => hand.current[1] = *now,
            _ => hand.task_slots = *now,
        }
    }
    let inputs = session.state.inputs();
    let _ = writeln!(out, "{}", show::series_line(metric, &inputs, session.width));
    out.push_str(&language::asks(&session.state));
    Reply::answer(out)
}

/// What the world consists of.
fn given(session: &Session) -> String {
    let state = &session.state;
    let inputs = state.inputs();
    let place = match (&state.here, state.future()) {
        (Some(name), Some(f)) => format!("simulated pool `{name}` ({})", f.scenario),
        _ => "the world made by hand".to_owned(),
    };
    let mut out = format!("{place}; it is {} ({})\n", show::time(inputs.now), show::weekday(inputs.now));
    let _ = writeln!(
        out,
        "targets {} and {}, nodes {} and {} (dedicated and low-priority), {}",
        inputs.targets[0],
        inputs.targets[1],
        inputs.current[0],
        inputs.current[1],
        words::count(inputs.task_slots as i64, "task slot") + " per node"
    );
    for metric in Metric::ALL {
        if !inputs.series.get(*metric).is_empty() {
            let _ = writeln!(out, "{}", show::series_line(*metric, &inputs, session.width));
        }
    }
    for (name, value) in state.rules.changed() {
        let _ = writeln!(out, "rule {name} = {value}");
    }
    out
}

/// `:series [METRIC]`
pub(super) fn series(session: &Session, args: &str) -> Reply {
    let inputs = session.state.inputs();
    let name = args.trim();
    if name.is_empty() {
        let lines: Vec<String> = Metric::ALL
            .iter()
            .filter(|m| !inputs.series.get(**m).is_empty())
            .map(|m| show::series_line(*m, &inputs, session.width))
            .collect();
        if lines.is_empty() {
            return Reply::answer("no metric has samples; `:set $PendingTasks 0,0,4,12` gives one some");
        }
        return Reply::answer(lines.join("\n"));
    }
    let dollar = format!("${}", name.trim_start_matches('$'));
    let Some(metric) = Metric::from_name(&dollar) else {
        return Reply::error(format!(
            "`{name}` is no metric{}",
            words::near(name, Metric::ALL.iter().map(|m| m.name()))
        ));
    };
    let mut out = show::series_line(metric, &inputs, session.width);
    let series = inputs.series.get(metric);
    let end = series.visible_to(inputs.now);
    let begin = end - series.count(inputs.now).min(end);
    let from = end.saturating_sub(10).max(begin);
    for i in from..end {
        let at = series.measured(i);
        let age = Interval(inputs.now.0 - at.0);
        let gap = i > from && at.0 - series.measured(i - 1).0 > Interval::SAMPLE_PERIOD.0 * 3 / 2;
        if gap {
            let missing = (at.0 - series.measured(i - 1).0) / Interval::SAMPLE_PERIOD.0 - 1;
            let _ = write!(out, "\n  {:>8}  ({} missing)", "·", missing.max(1));
        }
        let _ = write!(
            out,
            "\n  {:>8}  {} old  {}",
            show::clock(at, inputs.now),
            words::show(age),
            poolcast_runtime::print::general(series.values()[i])
        );
    }
    Reply::answer(out)
}

/// `:now [TIME]`
pub(super) fn now(session: &mut Session, args: &str) -> Reply {
    let state = &mut session.state;
    if args.is_empty() {
        let now = state.now();
        return Reply::answer(format!("{} ({}), UTC", show::time(now), show::weekday(now)));
    }
    if state.here.is_some() {
        return Reply::error("a simulated pool's clock only goes forward: `:at 9:00`, `:run 2h`; `:undo` goes back");
    }
    match words::instant(args, state.now()) {
        Ok(at) => {
            state.hand.move_to(at);
            Reply::answer(format!(
                "{} ({}); samples moved along\n{}",
                show::time(at),
                show::weekday(at),
                language::asks(state)
            ))
        }
        Err(why) => Reply::error(why),
    }
}

/// `:at TIME [EXPRESSION]`
pub(super) fn at(session: &mut Session, args: &str) -> Reply {
    let now = session.state.now();
    // The longest beginning that is a time; what follows is a question asked there.
    let words_: Vec<&str> = args.split_whitespace().collect();
    let reads = |n: usize| words::instant(&words_[..n].join(" "), now).ok();
    let Some(n) = (1..=words_.len().min(6)).rev().find(|n| reads(*n).is_some()) else {
        return match words::instant(args, now) {
            Ok(_) => Reply::default(),
            Err(why) => Reply::error(why),
        };
    };
    let to = reads(n).unwrap_or(now);
    let question = words_[n..].join(" ");
    if !question.is_empty() {
        if session.state.here.is_some() {
            return Reply::error("in a simulated pool: `:fork later`, `:at TIME`, then ask");
        }
        let before = session.state.clone();
        session.state.hand.now = to;
        let reply = language::enter(session, &question);
        session.state = before;
        return reply;
    }
    if session.state.here.is_some() {
        return run::run_to(session, to);
    }
    pass(session, to, false)
}

/// `:tick DURATION [hold]`
pub(super) fn tick(session: &mut Session, args: &str) -> Reply {
    let (text, hold) = match args.strip_suffix("hold") {
        Some(text) => (text.trim(), true),
        None => (args, false),
    };
    let text = if text.is_empty() { "5m" } else { text };
    let Some(step) = words::duration(text).filter(|d| d.0 > 0) else {
        return Reply::error(format!("`{text}` is no duration; write 30s, 5m, 2h or 1d"));
    };
    let to = session.state.now().saturating_plus(step);
    if session.state.here.is_some() {
        return run::run_to(session, to);
    }
    pass(session, to, hold)
}

fn pass(session: &mut Session, to: Ticks, hold: bool) -> Reply {
    let state = &mut session.state;
    if to < state.hand.now {
        return Reply::error("that is in the past; `:now TIME` moves the whole world there, `:undo` goes back");
    }
    if !to.in_calendar() {
        return Reply::error("beyond the year 9999");
    }
    let passed = Interval(to.0 - state.hand.now.0);
    state.hand.pass(to, hold);
    let what = match (hold, state.hand.samples.is_empty()) {
        (true, _) => "every metric went on at its last value",
        (false, true) => "",
        (false, false) => "no new samples came (`hold` lets them go on)",
    };
    let sep = if what.is_empty() { "" } else { "; " };
    Reply::answer(format!(
        "{} passed: it is {} ({}){sep}{what}\n{}",
        words::show(passed),
        show::time(to),
        show::weekday(to),
        language::asks(state)
    ))
}

/// Samples from a file: the hand-made world becomes what was recorded, at its last sample.
pub fn load_samples(session: &mut Session, name: &str, text: &str) -> Reply {
    let visibility = crate::wire::metrics::Visibility::default();
    let samples = match crate::wire::metrics::read(text.as_bytes(), &visibility, &session.state.rules) {
        Ok(samples) => samples,
        Err(e) => return Reply::error(format!("{name}: {e}")),
    };
    let Some(last) = samples.summary.metrics.iter().map(|m| m.last).max() else {
        return Reply::error(format!("{name}: no samples of any metric"));
    };
    let hand = from_store(&samples.series, last, &session.state.hand);
    let n: usize = hand.samples.values().map(Vec::len).sum();
    session.state.hand = hand;
    session.state.here = None;
    Reply::answer(format!(
        "{name}: {} of {}; it is {}, the instant of the last\n{}",
        words::count(n as i64, "sample"),
        words::count(session.state.hand.samples.len() as i64, "metric"),
        show::time(last),
        language::asks(&session.state)
    ))
}

fn from_store(store: &SeriesStore, now: Ticks, like: &Hand) -> Hand {
    let mut hand = Hand { now, samples: Default::default(), ..like.clone() };
    for (metric, series) in store.iter() {
        let list: Vec<(Ticks, f64)> = (series.values().len() - series.len()..series.values().len())
            .map(|i| (series.measured(i), series.values()[i]))
            .collect();
        if let Some((_, newest)) = list.last() {
            match metric {
                Metric::CurrentDedicatedNodes => hand.current[0] = *newest,
                Metric::CurrentLowPriorityNodes => hand.current[1] = *newest,
                Metric::TaskSlotsPerNode => hand.task_slots = *newest,
                _ => {}
            }
            hand.samples.insert(metric, list);
        }
    }
    hand
}

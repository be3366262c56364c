//! The commands: one row each, with the line that shows how it is used.
//!
//! In: a line that begins with `:`. Out: the reply of the row that has its name. Never: a command without help or example.

use super::{Ask, Reply, language, pool, run, session::Session, show, submit, view, why, words, world};
use crate::diag::{level::Levels, render};
use std::fmt::Write as _;

/// What the words after a command are, for completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Nothing that could be completed.
    Nothing,
    /// A file.
    File,
    /// A scenario file and knobs.
    Scenario,
    /// What can be set.
    Setting,
    /// A metric.
    Metric,
    /// An expression.
    Expression,
    /// A name that has a page.
    Page,
    /// A command.
    Command,
    /// A condition to wait for, or an expression.
    Condition,
    /// What can be drawn.
    Plot,
    /// A future.
    Future,
    /// A pool.
    Pool,
    /// A variable, `node`, `task`.
    Why,
}

/// One command.
pub struct Command {
    /// Its name, no colon.
    pub name: &'static str,
    /// What follows it.
    pub args: &'static str,
    /// Where `:help` lists it.
    pub group: &'static str,
    /// One line.
    pub about: &'static str,
    /// The rest of its page.
    pub help: &'static str,
    /// Lines that show it.
    pub example: &'static [&'static str],
    /// For completion.
    pub takes: Takes,
    changes: bool,
    run: fn(&mut Session, &str) -> Reply,
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, ":{} {}", self.name, self.args)
    }
}

macro_rules! commands {
    ($( $group:literal { $( $name:literal $args:literal $about:literal, $takes:ident, $changes:literal, $run:expr, $example:expr, $help:literal; )* } )*) => {
        /// Every command, in the order of `:help`.
        pub static COMMANDS: &[Command] = &[ $( $( Command {
            name: $name, args: $args, group: $group, about: $about, takes: Takes::$takes, changes: $changes, run: $run,
            example: &$example, help: $help,
        }, )* )* ];
    };
}

commands! {
    "The formula" {
        "load" "FILE" "begin with the formula of a file", File, true, |s, a| load(s, a), [":load formula.txt", "$TargetDedicatedNodes"],
            "The file's statements replace what was entered. A pool in JSON or Terraform that holds one formula will do too.";
        "save" "FILE" "write the formula to a file", File, false, |s, a| save(s, a), ["cap = 10", ":save formula.txt"],
            "One statement a line, formatted.";
        "list" "" "what was entered, with values", Nothing, false, |s, _| list(s), ["x = 2 + 3", ":list"],
            "Variables are formulas, not frozen numbers: their values are those of the present world. An assignment that nothing read is replaced by the next one of the same name.";
        "eval" "" "what the whole formula comes to now", Nothing, false, |s, _| eval(s), ["$TargetDedicatedNodes = 3", ":eval"],
            "Shows the targets, and the `results` text as the service would record it.";
        "check" "" "every lint about the formula", Nothing, false, |s, _| check(s), ["x = 1", ":check"],
            "The same findings as `poolcast check`.";
        "reads" "" "metrics and windows the formula reads", Nothing, false, |s, _| reads(s), ["x = max($ActiveTasks.GetSample(5 * TimeInterval_Minute, 0))", ":reads"],
            "What a scheduler would have to collect for it.";
        "fmt" "" "lay the formula out", Nothing, true, |s, _| fmt(s), ["x=1+2", ":fmt"],
            "The same layout as `poolcast fmt`.";
        "edit" "[N [STATEMENT]]" "change the formula in your editor, or statement N", Nothing, true, |s, a| edit(s, a), ["x = 1; y = x * 2", ":edit 1 x = 10", "y"],
            "Alone it opens $VISUAL or $EDITOR. With a number it replaces that statement of `:list`; with a number only, it drops it.";
        "new" "" "forget the formula", Nothing, true, |s, _| new(s), ["x = 1", ":new"],
            "The world stays as it is. `:undo` brings the formula back.";
        "type" "EXPRESSION" "the type of an expression, without its value", Expression, false, |s, a| language::type_of(s, a), [":type time() - TimeInterval_Hour"],
            "Types are double, doubleVec, string, timestamp, timeinterval and metric.";
        "explain" "NAME | CODE" "what a name, code or rule means", Page, false, |s, a| explain(s, a), [":explain percentile"],
            "Functions, methods, members, constants, metrics, rules, knobs, your own variables, and every code a diagnostic shows.";
    }
    "The world by hand" {
        "set" "[NAME VALUES]" "give a metric samples; set nodes, targets, rules", Setting, true, |s, a| world::set(s, a),
            [":set $PendingTasks 0,0,4,12", ":set $PendingTasks (20,_)*5", ":set $CurrentDedicatedNodes 3", ":set sunday 7"],
            "Samples are written oldest first, one each 30 s, the last one now; `_` is a missing one. 20*10 repeats, (20,_)*5 repeats a group, 1..5 counts, `none` takes them away. $TargetDedicatedNodes is the pool's present target. Alone it shows everything that is set.";
        "series" "[METRIC]" "samples as a picture, with gaps and age", Metric, false, |s, a| world::series(s, a), [":set $ActiveTasks 1,2,_,_,9", ":series $ActiveTasks"],
            "With a name it lists the newest ten as well.";
        "samples" "FILE" "recorded samples as the world", File, true, |s, a| samples(s, a), [":samples samples.csv"],
            "CSV or JSON, as `poolcast eval --samples` reads them. It is then the instant of the last sample.";
        "now" "[TIME]" "what time it is; move the hand-made world in time", Nothing, true, |s, a| world::now(s, a), [":now 2026-03-02T07:55:00Z", "time().weekday"],
            "Samples move along and stay as old as they are. All times are UTC. TIME is 9:00, monday 9:00, tomorrow 9:00, +2h, -5m or ISO 8601.";
        "at" "TIME [EXPRESSION]" "let time pass until then; or ask as of then", Nothing, true, |s, a| world::at(s, a), [":at 9:00", ":at saturday 10:00 time().weekday"],
            "A simulated pool runs until then. In the hand-made world samples grow older. With an expression nothing moves: it is only asked as of that instant.";
        "tick" "[DURATION] [hold]" "let a little time pass", Nothing, true, |s, a| world::tick(s, a), [":set $ActiveTasks 5*20", ":tick 5m", "$ActiveTasks.GetSamplePercent(10 * TimeInterval_Minute)"],
            "Five minutes when nothing is said. `hold` lets every metric go on at its last value, else no new samples come. A simulated pool runs.";
    }
    "A simulated pool" {
        "sim" "[SCENARIO | FORMULA] [KNOB=VALUE…]" "start a simulated pool", Scenario, true, |s, a| pool::sim(s, a),
            ["$TargetDedicatedNodes = 2", ":sim autoscale.interval=5m", ":run 30m"],
            "Alone it makes an empty pool with the formula entered so far, at the present instant. A .toml or .json file is a scenario, any other file a formula. Knobs are those of `poolcast explain` and docs/knobs.md. What you type then sees what the pool's formula would see.";
        "run" "[DURATION | TIME]" "let the pool run, and say what happened", Nothing, true, |s, a| run::run(s, a), ["$TargetDedicatedNodes = 1", ":sim", ":run 1h"],
            "Without an end, to the end of the scenario. Ctrl-C stops it where it is.";
        "step" "[N]" "let the next thing happen", Nothing, true, |s, a| run::step(s, a), ["$TargetDedicatedNodes = 1", ":sim", ":step 3"],
            "The next evaluation, resize, change of a node or end of a task.";
        "until" "CONDITION" "let the pool run until something is so", Condition, true, |s, a| run::until(s, a), ["$TargetDedicatedNodes = 2", ":sim", ":until ready"],
            "`:until` alone lists the conditions. Any expression will do as well: it is so when it is not 0. Gives up after 30 days.";
        "submit" "[N] tasks of DURATION [with N slots] [at TIME] [in DURATION] [over DURATION]" "give the pool work", Nothing, true, |s, a| submit::submit(s, a),
            ["$TargetDedicatedNodes = 2", ":sim", ":submit 50 tasks of 10m", ":submit 20 tasks of 5m with 2 slots at 9:00 over 30m", ":run 2h"],
            "Tasks arrive now unless said otherwise; `over` spreads them evenly.";
        "quota" "[CORES] [spot CORES]" "the account's core quota", Nothing, true, |s, a| pool::quota(s, a), ["$TargetDedicatedNodes = time().hour < 9 ? 0 : 20", ":sim", ":quota 40", ":until quota error"],
            "Alone it shows the quota. It counts for resizes from now on.";
        "preempt" "N% | N | node N" "take low-priority nodes away", Nothing, true, |s, a| pool::preempt(s, a), ["$TargetLowPriorityNodes = 10", ":sim", ":until ready", ":preempt 30%"],
            "Spread over old and young nodes. Dedicated nodes are never preempted.";
        "resize" "N [spot N] [OPTION]" "set the targets by hand", Nothing, true, |s, a| pool::resize(s, a), ["$TargetDedicatedNodes = 1", ":sim", ":formula off", ":until steady", ":resize 4", ":until ready"],
            "As in the service, a pool with autoscale refuses; `:formula off` first. OPTION is requeue, terminate, taskcompletion or retaineddata.";
        "formula" "[FILE | off | show]" "give the pool another formula while it runs", File, true, |s, a| pool::formula(s, a), ["$TargetDedicatedNodes = 1", ":sim", ":run 30m", "$TargetDedicatedNodes = 5", ":formula", ":run 30m"],
            "Alone: the formula entered so far. `off` disables autoscale, `show` prints the one the pool has.";
        "pool" "[ID]" "the pool now", Pool, true, |s, a| view::pool(s, a), ["$TargetDedicatedNodes = 2", ":sim", ":run 30m", ":pool"],
            "With an id, the pool all commands are about from then on.";
        "nodes" "" "its nodes", Nothing, false, |s, _| view::nodes(s), ["$TargetDedicatedNodes = 2", ":sim", ":until ready", ":nodes"],
            "`:why node N` tells the story of one.";
        "tasks" "" "its tasks, by job", Nothing, false, |s, _| view::tasks(s), ["$TargetDedicatedNodes = 2", ":sim", ":submit 9 tasks of 5m", ":run 30m", ":tasks"],
            "`:why task N` tells the fate of one.";
    }
    "Futures" {
        "fork" "NAME" "a copy of this pool to try something in", Nothing, true, |s, a| pool::fork(s, a), ["$TargetDedicatedNodes = 2", ":sim", ":fork bigger", ":run 1h"],
            "Both go on from the same instant, with the same luck. We are in the copy then.";
        "switch" "[NAME | hand]" "go to another future", Future, true, |s, a| pool::switch(s, a), ["$TargetDedicatedNodes = 2", ":sim", ":fork b", ":switch main", ":switch hand"],
            "Alone it lists them. `hand` is the world made by hand.";
        "diff" "A B" "two futures side by side", Future, false, |s, a| view::diff(s, a), ["$TargetDedicatedNodes = 2", ":sim", ":fork poor", ":quota 4", ":run 1h", ":switch main", ":run 1h", ":diff main poor"],
            "Compares what they are at, each at its own instant.";
        "undo" "[N]" "take back the last change, or the last N", Nothing, false, |s, a| undo(s, a), ["x = 1", "x = 2", ":undo", "x"],
            "Everything that changes the session can be taken back: statements, settings, hours of simulated time. At most 100 steps and about 256 MB are kept.";
    }
    "Why, and pictures" {
        "why" "[NAME | node N | task N]" "why a value, a node or a task is what it is", Why, false, |s, a| why::why(s, a),
            ["cap = 4", "n = 7", "$TargetDedicatedNodes = n > cap ? cap : n", ":why $TargetDedicatedNodes"],
            "Alone it explains the last evaluation: every statement's value, the branches taken, the samples read.";
        "plot" "WHAT" "draw a series, a vector or the pool's history", Plot, false, |s, a| view::plot(s, a), [":set $PendingTasks 0..12", ":plot $PendingTasks"],
            "In a simulated pool: nodes, ready, targets, tasks, waiting, running, slots, cost. Anywhere: a metric, or an expression that gives a vector.";
        "report" "[FILE.html]" "what is remarkable about the run; the whole page as a file", File, false, |s, a| view::report(s, a), ["$TargetDedicatedNodes = 2", ":sim", ":run 2h", ":report"],
            "One self-contained page with charts, evaluations and findings.";
        "help" "[COMMAND]" "this page, or the page of one command", Command, false, |s, a| help(s, a), [":help submit"],
            "Every command has a page with an example.";
        "quit" "" "leave", Nothing, false, |_, _| Reply { ask: Some(Ask::Quit), ..Reply::default() }, [":quit"],
            "So does Ctrl-D.";
    }
}

/// Finds and runs; also says whether the command may change the session.
pub(super) fn run(session: &mut Session, line: &str) -> (Reply, bool) {
    let (name, args) = words::first(line.trim_start_matches(':'));
    let lower = name.to_ascii_lowercase();
    match COMMANDS.iter().find(|c| c.name == lower) {
        // `:undo` must not be undone by itself.
        Some(command) => ((command.run)(session, args.trim()), command.changes),
        None if name.is_empty() => (help(session, ""), false),
        None => {
            let near = nearest(&lower).map_or(String::new(), |n| format!("; did you mean `:{n}`?"));
            (Reply::error(format!("no command `:{name}`{near}\n`:help` lists them all")), false)
        }
    }
}

/// A command that begins so, or is spelled almost so.
fn nearest(name: &str) -> Option<&'static str> {
    let begins = COMMANDS.iter().map(|c| c.name).find(|c| !name.is_empty() && c.starts_with(name));
    begins.or_else(|| poolcast_runtime::catalog::nearest(name, COMMANDS.iter().map(|c| c.name)))
}

fn help(_: &Session, args: &str) -> Reply {
    let name = args.trim_start_matches(':');
    if name.is_empty() {
        return Reply::answer(overview());
    }
    let Some(c) = COMMANDS.iter().find(|c| c.name == name) else {
        let near = nearest(name).map_or(String::new(), |n| format!("; did you mean `:{n}`?"));
        return Reply::error(format!("no command `:{name}`{near}\n`:explain {name}` knows names of the language"));
    };
    let mut out = format!(":{} {}", c.name, c.args).trim_end().to_owned();
    let _ = write!(out, "\n  {}. {}\n\nfor example", capital(c.about), c.help);
    for line in c.example {
        let _ = write!(out, "\n  {line}");
    }
    Reply::answer(out)
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |c| c.to_uppercase().chain(chars).collect())
}

fn overview() -> String {
    let mut out = String::from(
        "Type an expression and see its value and type; type statements and they stay.\n\
         What you type is evaluated in the world you set by hand, or in a simulated pool.\n\n\
         For example: how many nodes will this ask for if 30 tasks come at 7:30, and when are they ready?\n\
         \x20 :load formula.txt              or type its statements here\n\
         \x20 :sim                           an empty pool with that formula (:sim FILE for a scenario)\n\
         \x20 :quota 24                      cores the account may use\n\
         \x20 :at 7:30                       let time pass until then\n\
         \x20 :submit 30 tasks of 10m        the tasks arrive\n\
         \x20 :until ready                   says what the formula asked for, what came, and when\n\
         \x20 :why                           and why\n",
    );
    let mut group = "";
    for c in COMMANDS {
        if c.group != group {
            group = c.group;
            let _ = write!(out, "\n{group}\n");
        }
        // Long argument lists are on the command's own page.
        let args = if c.args.len() > 24 { "…" } else { c.args };
        let _ = writeln!(out, "  {:<30} {}", format!(":{} {args}", c.name).trim_end(), c.about);
    }
    out.push_str(
        "\n:help COMMAND shows its page and an example. Tab completes, Ctrl-C cancels a line or a run, Ctrl-D leaves.",
    );
    out
}

fn load(session: &mut Session, name: &str) -> Reply {
    if name.is_empty() {
        return Reply::error("which file? `:load formula.txt`");
    }
    let text = match session.files.read(name) {
        Ok(text) => text,
        Err(why) => return Reply::error(why),
    };
    match crate::wire::embedded::extract(name, &text) {
        Ok(found) => match found.pieces.as_slice() {
            [one] => language::load(session, name, &one.text),
            [] => Reply::error(format!("{name} holds no formula")),
            many => Reply::error(format!("{name} holds {} formulas; give a file with one", many.len())),
        },
        Err(e) => Reply::error(format!("{name}: {e}")),
    }
}

fn save(session: &mut Session, name: &str) -> Reply {
    if name.is_empty() {
        return Reply::error("to which file? `:save formula.txt`");
    }
    let text = session.state.formula();
    if text.is_empty() {
        return Reply::error("there is no formula to save yet");
    }
    let text = poolcast_grammar::format(&text).unwrap_or(text);
    match session.files.write(name, &text) {
        Ok(()) => {
            Reply::answer(format!("{name}: {} saved", words::count(session.state.program.len() as i64, "statement")))
        }
        Err(why) => Reply::error(why),
    }
}

fn samples(session: &mut Session, name: &str) -> Reply {
    if name.is_empty() {
        return Reply::error("which file? `:samples samples.csv`");
    }
    match session.files.read(name) {
        Ok(text) => world::load_samples(session, name, &text),
        Err(why) => Reply::error(why),
    }
}

fn list(session: &Session) -> Reply {
    let state = &session.state;
    if state.program.is_empty() {
        return Reply::answer("nothing was entered yet");
    }
    let inputs = state.inputs();
    let mut out = String::new();
    for (i, s) in state.program.iter().enumerate() {
        let text = s.text.split_whitespace().collect::<Vec<_>>().join(" ");
        let value = match language::value_of_statement(state, i, &inputs) {
            Ok((value, ty)) => show::value(&value, ty),
            Err(why) => format!("fails: {why}"),
        };
        let _ = writeln!(out, "{:>3}  {text};  → {value}", i + 1);
    }
    Reply::answer(out)
}

fn eval(session: &Session) -> Reply {
    let state = &session.state;
    if state.program.is_empty() {
        return Reply::error("nothing was entered yet: type statements, or `:load FILE`");
    }
    match language::run_whole(state) {
        Ok(outcome) => Reply::answer(format!(
            "asks for {}\n{}",
            show::targets(&outcome, state.inputs().targets),
            outcome.results()
        )),
        Err(why) => Reply::error(format!("the evaluation fails, the pool stays as it is\n{why}")),
    }
}

fn check(session: &Session) -> Reply {
    let text = session.state.formula();
    if text.is_empty() {
        return Reply::error("nothing was entered yet");
    }
    let findings = crate::check::author::author(&text, &Levels::default());
    if findings.diagnostics.is_empty() {
        return Reply::answer("nothing to complain about");
    }
    Reply::answer(render::human("formula", &text, findings.diagnostics.iter(), session.color))
}

fn reads(session: &Session) -> Reply {
    let state = &session.state;
    match crate::Formula::compile_with(&state.formula(), &language::options(state)) {
        Ok(formula) if formula.reads().is_empty() => Reply::answer("it reads no metric"),
        Ok(formula) => {
            let lines: Vec<String> = formula
                .reads()
                .iter()
                .map(|r| match (r.look_back, r.newest) {
                    (Some(back), 0) => format!("{}: the last {}", r.metric.name(), words::show(back)),
                    (Some(back), n) => format!("{}: the last {}, the newest {n}", r.metric.name(), words::show(back)),
                    (None, 0) => format!("{}: how far back depends on values", r.metric.name()),
                    (None, n) => format!("{}: the newest {n}", r.metric.name()),
                })
                .collect();
            Reply::answer(lines.join("\n"))
        }
        Err(_) if state.program.is_empty() => Reply::error("nothing was entered yet"),
        Err(e) => Reply::error(e.to_string()),
    }
}

fn fmt(session: &mut Session) -> Reply {
    let text = session.state.formula();
    match poolcast_grammar::format(&text) {
        Ok(pretty) => {
            let reply = language::load(session, "formula", &pretty);
            if reply.failed { reply } else { Reply::answer(pretty) }
        }
        Err(_) => Reply::error("nothing was entered yet"),
    }
}

fn edit(session: &mut Session, args: &str) -> Reply {
    if args.is_empty() {
        let text = session.state.formula();
        let text = poolcast_grammar::format(&text).unwrap_or(text);
        return Reply { ask: Some(Ask::Edit(text)), ..Reply::default() };
    }
    let (n, text) = words::first(args);
    let all = session.state.program.len();
    let Some(at) = n.parse::<usize>().ok().filter(|n| (1..=all).contains(n)) else {
        return Reply::error(format!(
            "which statement? there are {all}; `:list` numbers them, `:edit 2 x = 5` replaces one"
        ));
    };
    let mut lines: Vec<String> = session.state.program.iter().map(|s| s.text.clone()).collect();
    if text.is_empty() {
        lines.remove(at - 1);
    } else {
        lines[at - 1] = text.trim_end_matches(';').to_owned();
    }
    if lines.is_empty() {
        return new(session);
    }
    let whole: String = lines.iter().map(|l| format!("{l};\n")).collect();
    let reply = language::load(session, "formula", &whole);
    if reply.failed { reply } else { list(session) }
}

fn new(session: &mut Session) -> Reply {
    session.state.program.clear();
    session.state.it.clear();
    Reply::answer("the formula is empty now")
}

fn explain(session: &Session, name: &str) -> Reply {
    if name.is_empty() {
        return Reply::error("which name? `:explain avg`, `:explain $PendingTasks`, `:explain W0502`");
    }
    let mut pages = crate::cli::explain::pages(name);
    if let Ok(knob) = crate::sim::knobs::find(name) {
        pages.push(format!(
            "# {}: knob of the simulator\n\n{}\n\nDefault: `{}`. Takes {}.\n",
            knob.path,
            knob.doc,
            knob.default,
            knob.allowed()
        ));
    }
    let state = &session.state;
    if let Some(at) = state.program.iter().rposition(|s| s.target == name) {
        let value = match language::value_of_statement(state, at, &state.inputs()) {
            Ok((value, ty)) => show::value(&value, ty),
            Err(why) => format!("fails: {why}"),
        };
        pages.push(format!(
            "# {name}: assigned in statement {}\n\n{};\n\nNow: {value}\n`:why {name}` says how it came about.\n",
            at + 1,
            state.program[at].text
        ));
    }
    if pages.is_empty() {
        let near = crate::cli::explain::near(name);
        let hint = if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(", ")) };
        return Reply::error(format!("nothing is called `{name}`{hint}"));
    }
    Reply::answer(pages.join("\n"))
}

fn undo(session: &mut Session, args: &str) -> Reply {
    let n = match args {
        "" => 1,
        text => match text.parse::<usize>() {
            Ok(n) if n > 0 => n,
            _ => return Reply::error("how many steps? `:undo` or `:undo 3`"),
        },
    };
    let undone = session.undo(n);
    if undone.is_empty() {
        return Reply::error("there is nothing to take back");
    }
    let (left, bytes) = session.behind();
    let list: Vec<String> = undone.iter().map(|l| format!("`{}`", l.replace('\n', " "))).collect();
    Reply::answer(format!(
        "taken back: {}; {} left ({} KB kept for them)",
        list.join(", "),
        words::count(left as i64, "step"),
        bytes.div_ceil(1024)
    ))
}

//! What `bounds` and `diff` found → JSON.
//!
//! In: reports, verdicts, the commands that run them again. Out: JSON text. Never: a bound, a verdict.
//!
//! `docs/bounds.md` documents both documents. Fields are added under one number in `schema`; anything else raises it.

use crate::{
    DeallocationOption, Formula,
    bounds::{
        Report, Witness,
        diff::Difference,
        report::{Extreme, NoSamples, TargetReport, TrapReport, name, unbounded},
    },
    claims::{Assertion, Verdict, temporal::Idle},
};
use poolcast_grammar::LineIndex;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// A claim, its verdict, and the commands that run its counterexample again.
#[derive(Debug, Clone)]
pub struct Judged {
    /// The claim.
    pub assertion: Assertion,
    /// What came of it.
    pub verdict: Verdict,
    /// `poolcast eval …`, if it has an input.
    pub eval: Option<String>,
    /// `poolcast simulate …`, for a claim about time.
    pub simulate: Option<String>,
}

/// A target's worst cost.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Cost {
    /// An hour at the highest target.
    pub hourly: f64,
    /// A month at it.
    pub monthly: f64,
}

/// Everything `poolcast bounds` found.
#[derive(Debug)]
pub struct Found<'a> {
    /// The formula's file, as given.
    pub file: &'a str,
    /// The formula.
    pub formula: &'a Formula,
    /// What is proved and reached.
    pub report: &'a Report,
    /// For each target of the report what trying without work came to, where zero was not proved.
    pub idle: &'a [Option<Idle>],
    /// For each target its worst cost, where there are prices and a limit.
    pub costs: &'a [Option<Cost>],
    /// The claims.
    pub judged: &'a [Judged],
}

#[derive(Serialize)]
struct BoundsFile<'a> {
    schema: &'static str,
    file: &'a str,
    targets: Vec<Target>,
    options: Vec<&'static str>,
    empty_history: Empty,
    failures: Vec<Failure>,
    assertions: Vec<Judgement<'a>>,
    evaluations: u32,
}

#[derive(Serialize)]
struct Target {
    name: &'static str,
    low: End,
    high: End,
    may_stay: bool,
    lines: Vec<u32>,
    without_work: WithoutWork,
    worst_cost: Option<Cost>,
}

#[derive(Serialize)]
struct End {
    bound: Option<f64>,
    reached: bool,
    found: Option<f64>,
    witness: Option<Input>,
}

#[derive(Serialize)]
struct WithoutWork {
    is: &'static str,
    evaluations: Option<u32>,
    nodes: Option<u32>,
    begins: Option<String>,
}

#[derive(Serialize)]
struct Empty {
    is: &'static str,
    message: Option<String>,
    witness: Option<Input>,
}

#[derive(Serialize)]
struct Failure {
    line: u32,
    column: u32,
    message: String,
    witness: Option<Input>,
}

#[derive(Serialize)]
struct Judgement<'a> {
    assertion: &'a str,
    line: Option<u32>,
    verdict: &'static str,
    reason: Option<&'a str>,
    witness: Option<Input>,
    eval: Option<&'a str>,
    simulate: Option<&'a str>,
}

/// An input: samples are 30 s apart, the newest at `at`; a missing one is null.
#[derive(Serialize)]
struct Input {
    words: String,
    at: String,
    samples: Map<String, Value>,
    targets: [u32; 2],
    nodes: [u32; 2],
    task_slots: u32,
    seed: u64,
}

fn input(w: &Witness) -> Input {
    Input {
        words: w.words(),
        at: w.now.iso_trimmed(),
        samples: w.columns.iter().map(|(m, _)| (m.name().to_owned(), json!(w.column(*m)))).collect(),
        targets: w.targets,
        nodes: w.current,
        task_slots: w.slots,
        seed: w.seed,
    }
}

fn end(e: &Extreme) -> End {
    End {
        bound: (!unbounded(e.bound)).then_some(e.bound),
        reached: e.reached(),
        found: e.found.as_ref().map(|f| f.0),
        witness: e.found.as_ref().map(|f| input(&f.1)),
    }
}

fn without_work(t: &TargetReport, idle: Option<&Idle>) -> WithoutWork {
    let (is, evaluations, nodes, begins) = match idle {
        _ if t.zero_when_idle => ("zero", Some(1), Some(0), None),
        Some(Idle::Settles(n)) => ("settles", Some(*n), Some(0), None),
        Some(Idle::Stays(n, start)) => ("stays", None, Some(*n), Some(start.words())),
        Some(Idle::Fails(start)) => ("fails", None, None, Some(start.words())),
        None => ("unknown", None, None, None),
    };
    WithoutWork { is, evaluations, nodes, begins }
}

fn judgement(j: &Judged) -> Judgement<'_> {
    let (verdict, reason, witness) = match &j.verdict {
        Verdict::Proved => ("proved", None, None),
        Verdict::Unknown(why) => ("unknown", Some(why.as_str()), None),
        Verdict::Refuted(c) => ("refuted", Some(c.what.as_str()), c.witness.as_ref().map(input)),
    };
    Judgement {
        assertion: &j.assertion.text,
        line: j.assertion.line,
        verdict,
        reason,
        witness,
        eval: j.eval.as_deref(),
        simulate: j.simulate.as_deref(),
    }
}

/// The document of `bounds --format json`.
pub fn bounds(found: &Found<'_>) -> String {
    let source = found.formula.source();
    let index = LineIndex::new(source);
    let line = |s: &u32| Some(index.line_col(source, found.formula.hir().stmts.get(*s as usize)?.span.lo).0);
    let target = |(i, t): (usize, &TargetReport)| Target {
        name: name(t.which),
        low: end(&t.low),
        high: end(&t.high),
        may_stay: t.kept,
        lines: t.statements.iter().filter_map(line).collect(),
        without_work: without_work(t, found.idle.get(i).and_then(Option::as_ref)),
        worst_cost: found.costs.get(i).copied().flatten(),
    };
    let failure = |t: &TrapReport| {
        let (line, column) = index.line_col(source, t.trap.at);
        Failure { line, column, message: t.trap.stop.words(), witness: t.witness.as_ref().map(input) }
    };
    let options = DeallocationOption::ALL.iter().filter(|o| found.report.options >> (**o as u8) & 1 == 1);
    let file = BoundsFile {
        schema: "poolcast.bounds/1",
        file: found.file,
        targets: found.report.targets.iter().enumerate().map(target).collect(),
        options: options.map(|o| o.keyword()).collect(),
        empty_history: match &found.report.no_samples {
            NoSamples::Works => Empty { is: "works", message: None, witness: None },
            NoSamples::Unknown => Empty { is: "unknown", message: None, witness: None },
            NoSamples::Fails(fault, w) => {
                Empty { is: "fails", message: Some(fault.trap.detail()), witness: Some(input(w)) }
            }
        },
        failures: found.report.traps.iter().map(failure).collect(),
        assertions: found.judged.iter().map(judgement).collect(),
        evaluations: found.report.made,
    };
    serde_json::to_string_pretty(&file).unwrap_or_default() + "\n"
}

#[derive(Serialize)]
struct DiffFile<'a> {
    schema: &'static str,
    old: Side<'a>,
    new: Side<'a>,
    verdict: &'static str,
    cases: Option<usize>,
    inputs: Option<u32>,
    witness: Option<Input>,
}

#[derive(Serialize)]
struct Side<'a> {
    file: &'a str,
    results: Option<&'a str>,
    eval: Option<&'a str>,
}

/// The document of `diff --format json`; `commands` run a difference again with the old and the new formula.
pub fn diff(files: [&str; 2], difference: &Difference, commands: Option<&[String; 2]>) -> String {
    let (verdict, cases, inputs, witness, results) = match difference {
        Difference::SameProgram => ("same", None, None, None, [None; 2]),
        Difference::SameInCases(n) => ("same", Some(*n), None, None, [None; 2]),
        Difference::NotFound(n) => ("not_found", None, Some(*n), None, [None; 2]),
        Difference::Differ(w, a, b) => ("differ", None, None, Some(input(w)), [Some(a.as_str()), Some(b.as_str())]),
    };
    let side = |k: usize| Side { file: files[k], results: results[k], eval: commands.map(|c| c[k].as_str()) };
    let file = DiffFile { schema: "poolcast.diff/1", old: side(0), new: side(1), verdict, cases, inputs, witness };
    serde_json::to_string_pretty(&file).unwrap_or_default() + "\n"
}

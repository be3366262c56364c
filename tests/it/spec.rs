//! The language chapter by chapter (`tests/spec/*.md`): prose for readers, blocks for the test.
//!
//! A case is a `formula` block, optionally a `samples` and a `pool` block, then an `expect` block. In a formula, `//~ CODE…`
//! marks the diagnostics that start on its line: exactly those must be there, lints left out. In `expect`, `name = value` is a variable as
//! the service prints it, `dedicated = n` and `low = n` are targets, `results: …` is the whole string, `fails: …` the value of
//! a failed evaluation. Every case runs on the interpreter (plain and optimised program) and on machine code.

use crate::support::{Ran, everywhere};
use poolcast::{Formula, Inputs, Interval, Metric, Rules, Ticks, check::check, diag};
use std::{collections::BTreeMap, path::Path};

#[derive(Default)]
struct Case {
    line: usize,
    formula: String,
    samples: Vec<String>,
    pool: Vec<String>,
    expect: Vec<String>,
}

fn cases(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut block: Option<&str> = None;
    for (i, line) in text.lines().enumerate() {
        match (block, line.strip_prefix("```")) {
            (None, Some(kind)) => {
                if kind == "formula" {
                    cases.push(Case { line: i + 1, ..Case::default() });
                }
                block = Some(kind);
            }
            (Some(_), Some(_)) => block = None,
            (Some(kind), None) => {
                let case = cases.last_mut().unwrap_or_else(|| panic!("line {}: a block before any formula", i + 1));
                match kind {
                    "formula" => case.formula += &format!("{line}\n"),
                    "samples" => case.samples.push(line.to_owned()),
                    "pool" => case.pool.push(line.to_owned()),
                    "expect" => case.expect.push(line.to_owned()),
                    _ => {}
                }
            }
            (None, None) => {}
        }
    }
    cases
}

/// `PendingTasks: 1 2 _ 4*3`, one sample each 30 s, the last one now; `_` is missing, `v*n` repeats.
fn samples(mut inputs: Inputs, line: &str) -> Inputs {
    let (name, values) = line.split_once(':').expect("samples are `Metric: values`");
    let metric = Metric::from_name(&format!("${}", name.trim())).unwrap_or_else(|| panic!("no metric {name}"));
    let mut list: Vec<Option<f64>> = Vec::new();
    for word in values.split_whitespace() {
        let (value, n) = word.split_once('*').map_or((word, 1), |(v, n)| (v, n.parse().expect("a count")));
        let value = (value != "_").then(|| value.parse().expect("a number"));
        list.extend(std::iter::repeat_n(value, n));
    }
    let n = list.len() as i64;
    for (i, value) in list.into_iter().enumerate() {
        let at = Ticks(inputs.now.0 - (n - 1 - i as i64) * Interval::SAMPLE_PERIOD.0);
        if let Some(v) = value {
            inputs.series.push(metric, at, at, v).expect("a sample");
        }
    }
    inputs
}

fn inputs(case: &Case) -> Inputs {
    let mut inputs = Inputs::at("2026-01-05T08:00:00Z").unwrap();
    for line in &case.pool {
        let (key, value) = line.split_once('=').expect("pool lines are `key = value`");
        let two = || {
            let v: Vec<u32> = value.split_whitespace().map(|v| v.parse().expect("a number")).collect();
            (v[0], v[1])
        };
        inputs = match key.trim() {
            "now" => Inputs { now: Ticks::parse_lenient(value.trim()).unwrap(), ..inputs },
            "targets" => inputs.targets(two().0, two().1),
            "nodes" => inputs.nodes(two().0, two().1),
            "slots" => inputs.task_slots(value.trim().parse().expect("a number")),
            other => panic!("no pool key {other}"),
        };
    }
    case.samples.iter().fold(inputs, |i, line| samples(i, line))
}

fn diagnostics(case: &Case, place: &str) {
    let mut wanted: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for (i, line) in case.formula.lines().enumerate() {
        if let Some((_, marks)) = line.split_once("//~") {
            wanted.insert(i as u32 + 1, marks.split_whitespace().map(str::to_owned).collect());
        }
    }
    let parsed = poolcast_grammar::parse(&case.formula);
    let mut list = diag::syntax::diagnostics(&case.formula, &parsed.errors);
    list.extend(check(&parsed.ast).diagnostics);
    let lines = poolcast_grammar::LineIndex::new(&case.formula);
    let mut found: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for d in diag::Diagnostics::new(list).iter() {
        found.entry(lines.line_col(&case.formula, d.span.lo).0).or_default().push(d.code.0.to_owned());
    }
    for list in wanted.values_mut().chain(found.values_mut()) {
        list.sort();
    }
    assert_eq!(found, wanted, "{place}: diagnostics by line (left: found, right: marked)\n{}", case.formula);
}

fn values(case: &Case, place: &str) {
    if case.expect.is_empty() {
        return;
    }
    let inputs = inputs(case);
    let ran = everywhere(&case.formula, &inputs, &Rules::default());
    let outcome = Formula::compile_like_service(&case.formula).unwrap().evaluate(&inputs);
    for line in case.expect.iter().filter(|l| !l.trim().is_empty()) {
        if let Some(want) = line.strip_prefix("fails: ") {
            match &ran {
                Ran::Failed(_, value, _) => assert_eq!(value, want, "{place}"),
                done => panic!("{place}: should fail, gave {done:?}"),
            }
            continue;
        }
        let o = outcome.as_ref().unwrap_or_else(|e| panic!("{place}: {e}"));
        if let Some(want) = line.strip_prefix("results: ") {
            assert_eq!(o.results(), want, "{place}");
            continue;
        }
        let (name, want) = line.split_once(" = ").unwrap_or_else(|| panic!("{place}: `{line}`"));
        let got = match name {
            "dedicated" => o.dedicated.or(inputs.targets[0] as u32).to_string(),
            "low" => o.low_priority.or(inputs.targets[1] as u32).to_string(),
            "option" => o.option.keyword().to_owned(),
            name => match o.variables.iter().find(|(n, _)| **n == *name) {
                Some((_, v)) => v.to_string(),
                None => panic!("{place}: no variable {name} in {}", o.results()),
            },
        };
        assert_eq!(got, want, "{place}: {name}");
    }
}

#[test]
fn chapters() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/spec");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    let (mut n, mut wrong) = (0, 0);
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        for case in cases(&text) {
            let place = format!("tests/spec/{name}:{}", case.line);
            n += 1;
            // Every wrong case is shown, not the first.
            let ran = std::panic::catch_unwind(|| {
                diagnostics(&case, &place);
                values(&case, &place);
            });
            wrong += u32::from(ran.is_err());
        }
    }
    assert_eq!(wrong, 0, "of {n} cases; see above");
    assert!(n > 60, "only {n} cases: are the chapters there?");
}

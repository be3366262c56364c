//! What each statement of an evaluation did, in words, and a watcher that keeps it while a simulation runs.
//!
//! In: watched evaluations. Out: text. Never: another way to evaluate, memory that grows with the run.

use crate::{
    EvalError, Evaluator, Formula, Outcome,
    explain::{SampleRead, Trace, TraceStep},
    outcome::{OwnedValue, present},
    sim::autoscale::{Compiler, FormulaAutoscaler},
};
use poolcast_runtime::{
    print::general,
    snapshot::Snapshot,
    ticks::{Interval, Ticks},
};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Arc, Mutex},
};

/// Values of a vector and samples of a read that are written out; of more than these, both ends.
const MOST_CELLS: usize = 24;

/// The formula with what each statement did under it; of all statements, or of some.
pub fn told(formula: &Formula, trace: &Trace, now: Ticks, only: Option<&[usize]>) -> String {
    let src = formula.source();
    let mut out = String::new();
    let failed = trace.steps.iter().rposition(|s| s.reached).filter(|_| trace.outcome.is_err());
    for (i, step) in trace.steps.iter().enumerate() {
        if only.is_some_and(|only| !only.contains(&i)) {
            continue;
        }
        let _ = writeln!(out, "{};", step.span.text(src).trim());
        if !step.reached {
            out.push_str("    not reached\n");
            continue;
        }
        branches(&mut out, step, src);
        for read in &step.reads {
            samples(&mut out, read, now);
        }
        if let Some(value) = &step.value {
            let _ = writeln!(out, "    = {}", shown(value));
        }
        if failed == Some(i) {
            out.push_str("    failed\n");
        }
    }
    for note in &trace.notes {
        let _ = writeln!(out, "note: {note}");
    }
    out
}

/// A value in words; of a long vector both ends.
fn shown(value: &OwnedValue) -> String {
    match value {
        OwnedValue::Vec(v) if v.len() > MOST_CELLS => {
            let [head, tail] =
                [&v[..MOST_CELLS / 2], &v[v.len() - MOST_CELLS / 2..]].map(|part| OwnedValue::Vec(part.to_vec()));
            format!("{head} … {tail} ({} values)", v.len())
        }
        value => value.to_string(),
    }
}

fn branches(out: &mut String, step: &TraceStep, src: &str) {
    for b in &step.branches {
        let text = b.condition.text(src).trim();
        let way = match (b.ternary, b.taken) {
            (true, true) => "true: first arm",
            (true, false) => "false: second arm",
            (false, true) => "true",
            (false, false) => "false",
        };
        let _ = writeln!(out, "    {text} is {way}");
    }
}

fn samples(out: &mut String, read: &SampleRead, now: Ticks) {
    let age = |t: Ticks| format!("-{}s", general((now.0 - t.0) as f64 / Interval::SECOND.0 as f64));
    let found = read.samples.len();
    let mut line = format!("    {}", read.metric.name());
    match (read.window, read.possible) {
        (Some((lo, hi)), Some(possible)) => {
            let _ = write!(line, " from {} to {}: {found} of {} samples", age(lo), age(hi), general(possible));
            if let Some(wanted) = read.wanted {
                let _ = write!(line, ", {}% wanted", general(wanted));
            }
        }
        _ => {
            let _ = write!(line, " newest: {found} {}", if found == 1 { "sample" } else { "samples" });
        }
    }
    let _ = writeln!(out, "{line}");
    if read.samples.is_empty() {
        return;
    }
    // Gaps show as `·`; long windows show both ends.
    let mut cells: Vec<String> = Vec::new();
    let mut last: Option<Ticks> = None;
    for (t, v) in &read.samples {
        if let Some(last) = last {
            let gap = (t.0 - last.0 + SampleRead::PERIOD.0 / 2) / SampleRead::PERIOD.0 - 1;
            cells.extend((0..gap.clamp(0, 3)).map(|_| "·".to_owned()));
        }
        cells.push(format!("-{}s:{}", (now.0 - t.0 + Interval::SECOND.0 / 2) / Interval::SECOND.0, general(*v)));
        last = Some(*t);
    }
    if cells.len() > MOST_CELLS {
        let tail = cells.split_off(cells.len() - MOST_CELLS / 2);
        cells.truncate(MOST_CELLS / 2);
        cells.push("…".into());
        cells.extend(tail);
    }
    let _ = writeln!(out, "      {}", cells.join("  "));
}

/// Evaluations of one kind, in one pool, whose steps are kept at most; reached, every other goes.
const MOST: usize = 300;
/// The same for their text, in bytes.
const MOST_TEXT: usize = 1 << 19;

/// Steps of some evaluations of a simulation: of those that failed, those that changed a target and those that did
/// neither, all while they are few, else evenly spread.
#[derive(Debug, Clone, Default)]
pub struct Steps(Arc<Mutex<BTreeMap<String, [Kept; 3]>>>);

/// Texts of one kind. Of the evaluations seen, every 2^`apart`-th is among them.
#[derive(Debug, Default)]
struct Kept {
    seen: u64,
    apart: u32,
    texts: Vec<(Ticks, String)>,
}

impl Kept {
    fn keep(&mut self, at: Ticks, text: impl FnOnce() -> String) {
        let due = self.seen.is_multiple_of(1 << self.apart);
        self.seen += 1;
        if !due {
            return;
        }
        self.texts.push((at, text()));
        let bytes: usize = self.texts.iter().map(|(_, text)| text.len()).sum();
        if self.texts.len() > MOST || bytes > MOST_TEXT && self.texts.len() > 1 {
            let mut even = false;
            self.texts.retain(|_| {
                even = !even;
                even
            });
            self.apart += 1;
        }
    }
}

impl Steps {
    /// The same compiler, with formulas whose evaluations are watched.
    pub fn watch(&self, options: crate::Options) -> Compiler {
        let steps = self.clone();
        Compiler::of_formulas_as(options, move |formula, pool| {
            let (steps, pool) = (steps.clone(), pool.id.clone());
            Box::new(FormulaAutoscaler::new(formula, move |evaluator: &mut Evaluator, snapshot: &Snapshot<'_>| {
                steps.evaluate(evaluator, &pool, snapshot)
            }))
        })
    }

    /// One evaluation, watched.
    fn evaluate(&self, evaluator: &mut Evaluator, pool: &str, snapshot: &Snapshot<'_>) -> Result<Outcome, EvalError> {
        let result = evaluator.run(snapshot);
        let formula = evaluator.formula();
        let present = present(snapshot);
        let kind = match &result {
            Err(_) => 0,
            Ok(o) if [o.dedicated.or(present[0]), o.low_priority.or(present[1])] != present => 1,
            Ok(_) => 2,
        };
        if let Ok(mut pools) = self.0.lock() {
            let kinds = pools.entry(pool.to_owned()).or_default();
            kinds[kind].keep(snapshot.now, || told(formula, &formula.trace_at(snapshot), snapshot.now, None));
        }
        result
    }

    /// What is kept of a pool.
    pub fn of(&self, pool: &str) -> BTreeMap<Ticks, String> {
        let Ok(pools) = self.0.lock() else { return BTreeMap::new() };
        pools.get(pool).into_iter().flatten().flat_map(|kind| kind.texts.iter().cloned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded_and_evenly_spread() {
        let mut kept = Kept::default();
        for i in 0..100_000 {
            kept.keep(Ticks(i), || "x".into());
        }
        let at: Vec<i64> = kept.texts.iter().map(|(t, _)| t.0).collect();
        assert!((MOST / 2..=MOST).contains(&at.len()), "{}", at.len());
        let step = at[1] - at[0];
        assert!(at[0] == 0 && at.windows(2).all(|w| w[1] - w[0] == step), "{at:?}");
        assert!(100_000 - at[at.len() - 1] <= step, "the end is there too");
        let mut wide = Kept::default();
        (0..100).for_each(|i| wide.keep(Ticks(i), || "x".repeat(MOST_TEXT / 10)));
        assert!(wide.texts.len() <= 10);
    }
}

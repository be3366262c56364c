//! A formula over a whole recorded history: what it would have asked for at every interval.
//!
//! In: a formula, series, an interval. Out: one row for each evaluation. Never: nodes that boot or tasks that wait; the
//! history does not answer back (that is the simulator).

use crate::{
    error::InputError,
    formula::Formula,
    inputs::Inputs,
    outcome::{EvalError, Targets},
};
use poolcast_runtime::{
    metric::Metric,
    ticks::{Interval, Ticks},
};

/// One evaluation of a backtest.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Row {
    /// When.
    pub at: Ticks,
    /// Targets after it: dedicated, low priority. A failure leaves them as they were.
    pub targets: [u32; 2],
    /// What it asked for, or why it failed.
    pub result: Result<Targets, EvalError>,
}

/// When to evaluate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// First evaluation.
    pub from: Ticks,
    /// Last evaluation at or before this.
    pub to: Ticks,
    /// Time between evaluations; at least a second.
    pub every: Interval,
}

/// Most evaluations of one backtest: a year at 30 s ten times over.
pub const MAX_EVALUATIONS: i64 = 10_512_000;

/// Evaluate at every interval. Targets carry over from one evaluation to the next; `$CurrentDedicatedNodes` and
/// `$CurrentLowPriorityNodes` are their newest visible samples where the history has them, else the targets.
/// `each` sees every row as it is made and may stop the run by returning false.
pub fn backtest(
    formula: &Formula,
    inputs: &mut Inputs,
    schedule: Schedule,
    mut each: impl FnMut(Row) -> bool,
) -> Result<(), InputError> {
    if schedule.every < Interval::SECOND {
        return Err(InputError::new("every", "evaluations are at least a second apart"));
    }
    let count = (schedule.to.0.saturating_sub(schedule.from.0)) / schedule.every.0;
    if count >= MAX_EVALUATIONS {
        return Err(InputError::new(
            "every",
            format!("{count} evaluations; at most {MAX_EVALUATIONS} in one backtest"),
        ));
    }
    for read in formula.reads() {
        // Long windows are looked up in an index of extremes instead of scanned.
        if read.look_back.is_some_and(|b| b > Interval::HOUR) {
            inputs.series.get_mut(read.metric).index_extremes();
        }
    }
    let nodes = [Metric::CurrentDedicatedNodes, Metric::CurrentLowPriorityNodes];
    let recorded = nodes.map(|m| !inputs.series.get(m).is_empty());
    let mut evaluator = formula.evaluator();
    let mut at = schedule.from;
    while at <= schedule.to {
        inputs.now = at;
        for k in 0..2 {
            inputs.current[k] = if recorded[k] {
                inputs.series.get(nodes[k]).last(at, 1).last().copied().unwrap_or(0.0)
            } else {
                inputs.targets[k]
            };
        }
        let result = evaluator.targets(&inputs.snapshot());
        if let Ok(t) = &result {
            for (k, target) in [t.dedicated, t.low_priority].into_iter().enumerate() {
                inputs.targets[k] = f64::from(target.or(inputs.targets[k] as u32));
            }
        }
        let row = Row { at, targets: inputs.targets.map(|t| t as u32), result };
        if !each(row) {
            break;
        }
        at = Ticks(at.0.saturating_add(schedule.every.0));
        inputs.seed = inputs.seed.wrapping_add(1);
    }
    Ok(())
}

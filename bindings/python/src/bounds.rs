//! What a formula can do before it runs, as Python objects.
//!
//! In: formulas, assumptions and assertions as text. Out: ranges, verdicts. Never: a bound of its own.

use crate::convert::bad;
use poolcast::{
    bounds::{self, Assume, report::unbounded},
    claims::{self, assertion},
};
use pyo3::prelude::*;

/// What a target can be, proved: no evaluation on any admissible input leaves it.
#[pyclass(frozen, get_all, module = "poolcast")]
#[derive(Clone)]
pub(crate) struct Range {
    /// Lowest.
    low: u32,
    /// Highest; None without a limit.
    high: Option<u32>,
    /// Some runs leave the target as it is.
    may_stay: bool,
}

#[pymethods]
impl Range {
    fn __repr__(&self) -> String {
        let high = self.high.map_or("None".to_owned(), |n| n.to_string());
        format!("<Range low={} high={high} may_stay={}>", self.low, if self.may_stay { "True" } else { "False" })
    }
}

/// What a formula can ask for, proved.
#[pyclass(frozen, get_all, module = "poolcast")]
pub(crate) struct Bounds {
    /// Dedicated nodes; None when no run sets the target.
    dedicated: Option<Range>,
    /// Spot or low-priority nodes; None when no run sets the target.
    low_priority: Option<Range>,
    /// False when it is proved that no evaluation fails, for want of samples neither.
    can_fail: bool,
}

/// What came of an assertion.
#[pyclass(frozen, get_all, module = "poolcast")]
pub(crate) struct Verdict {
    /// ``proved``, ``refuted`` or ``unknown``.
    verdict: &'static str,
    /// What happened, or why it is unknown; None when proved.
    reason: Option<String>,
    /// The input of the evaluation that contradicts it, in words.
    witness: Option<String>,
    /// For an assertion about time: the pool in which it happens, for Scenario().
    scenario: Option<String>,
}

#[pymethods]
impl Verdict {
    fn __repr__(&self) -> String {
        match &self.reason {
            Some(reason) => format!("<Verdict {}: {reason}>", self.verdict),
            None => format!("<Verdict {}>", self.verdict),
        }
    }
}

fn admissible(py: Python<'_>, quota: Option<u32>, assume: Option<&str>) -> PyResult<Assume> {
    let mut out = quota.map_or_else(Assume::default, |n| Assume::default().quota(n));
    if let Some(text) = assume {
        out.narrow(text).map_err(|e| bad(py, e))?;
    }
    Ok(out)
}

/// `Formula.bounds`.
pub(crate) fn of(
    py: Python<'_>,
    formula: &poolcast::Formula,
    quota: Option<u32>,
    assume: Option<&str>,
) -> PyResult<Bounds> {
    let assume = admissible(py, quota, assume)?;
    Ok(py.detach(|| {
        let analysis = bounds::analyse(formula.program(), &assume);
        let range = |k| {
            let (n, may_stay) = analysis.target(k);
            let n = n?;
            Some(Range { low: n.lo as u32, high: (!unbounded(n.hi)).then_some(n.hi as u32), may_stay })
        };
        Bounds { dedicated: range(0), low_priority: range(1), can_fail: !analysis.traps.is_empty() }
    }))
}

/// `Formula.prove`.
pub(crate) fn prove(
    py: Python<'_>,
    formula: &poolcast::Formula,
    assertion: &str,
    quota: Option<u32>,
    assume: Option<&str>,
    budget: Option<u32>,
) -> PyResult<Verdict> {
    let assume = admissible(py, quota, assume)?;
    let claim = assertion::parse(assertion, None).map_err(|e| bad(py, e))?;
    let budget = budget.unwrap_or(bounds::search::BUDGET);
    let judged = py.detach(|| assertion::judge(formula, &assume, &claim, budget, 0)).map_err(|e| bad(py, e))?;
    Ok(match judged {
        claims::Verdict::Proved => Verdict { verdict: "proved", reason: None, witness: None, scenario: None },
        claims::Verdict::Unknown(why) => {
            Verdict { verdict: "unknown", reason: Some(why), witness: None, scenario: None }
        }
        claims::Verdict::Refuted(c) => Verdict {
            verdict: "refuted",
            witness: c.witness.as_ref().map(|w| w.words()),
            reason: Some(c.what),
            scenario: c.scenario,
        },
    })
}

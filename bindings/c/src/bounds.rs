//! What a formula can do before it runs: proved ranges, assertions.
//!
//! In: formulas, assumptions and assertions as text. Out: ranges, verdicts, reports with counterexamples. Never: a bound of
//! its own.

use crate::{
    Failure, formula, guard, poolcast_formula, poolcast_report, poolcast_status, poolcast_status::*, put, report,
    report::Report, text,
};
use poolcast::{
    bounds::{self, Assume, report::unbounded},
    claims::{Verdict, assertion},
};
use std::ffi::c_char;

/// What a target can be, proved: no evaluation on any admissible input leaves it.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct poolcast_range {
    /// Lowest; -1 when no run sets the target.
    pub low: i64,
    /// Highest; -1 for no limit, or when no run sets the target.
    pub high: i64,
    /// 1 when some runs leave the target as it is, else 0.
    pub may_stay: u32,
}

/// What a formula can ask for, proved.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct poolcast_bounds {
    /// Dedicated nodes.
    pub dedicated: poolcast_range,
    /// Spot or low-priority nodes.
    pub low_priority: poolcast_range,
    /// 1 unless it is proved that no evaluation fails, for want of samples too.
    pub can_fail: u32,
}

/// What came of an assertion.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum poolcast_verdict {
    /// It holds on every admissible input.
    POOLCAST_PROVED = 0,
    /// It does not; the report has an input that shows it.
    POOLCAST_REFUTED = 1,
    /// Neither; the report says why.
    POOLCAST_UNKNOWN = 2,
}
use poolcast_verdict::*;

fn admissible(quota: u32, condition: &str) -> Result<Assume, Failure> {
    let mut assume = if quota > 0 { Assume::default().quota(quota) } else { Assume::default() };
    if !condition.is_empty() {
        assume.narrow(condition).map_err(Failure::input)?;
    }
    Ok(assume)
}

/// The ranges of a formula's targets, proved in about a millisecond without running it. `quota` is the most nodes of one
/// kind the pool ever has, 0 for no such assumption; `assume` is a condition on inputs such as `$PendingTasks <= 500`, NULL
/// for none. `bounds` must not be NULL.
///
/// # Safety
/// `assume` is NULL or `assume_len` bytes can be read from it; out parameters are NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn poolcast_formula_bounds(
    formula: poolcast_formula,
    quota: u32,
    assume: *const c_char,
    assume_len: usize,
    bounds: *mut poolcast_bounds,
    report: *mut poolcast_report,
) -> poolcast_status {
    let body = || {
        let compiled = formula::get(formula)?;
        if bounds.is_null() {
            return Err(Failure::null("bounds"));
        }
        let assume = match assume.is_null() {
            true => "",
            // SAFETY: forwarded to the caller.
            false => unsafe { text(assume, assume_len, "assume") }?,
        };
        let assume = admissible(quota, assume)?;
        let analysis = bounds::analyse(compiled.formula.program(), &assume);
        let range = |k| match analysis.target(k) {
            (None, _) => poolcast_range { low: -1, high: -1, may_stay: 1 },
            (Some(n), kept) => poolcast_range {
                low: n.lo as i64,
                high: if unbounded(n.hi) { -1 } else { n.hi as i64 },
                may_stay: u32::from(kept),
            },
        };
        let found = poolcast_bounds {
            dedicated: range(0),
            low_priority: range(1),
            can_fail: u32::from(!analysis.traps.is_empty()),
        };
        // SAFETY: forwarded to the caller.
        unsafe { put(bounds, found) };
        Ok(())
    };
    // SAFETY: forwarded to the caller.
    unsafe { guard(report, body) }
}

/// Judges an assertion about every evaluation, such as `$TargetDedicatedNodes + $TargetLowPriorityNodes <= 40`, or about
/// time, such as `settles_to_zero`. Inputs are admissible as for poolcast_formula_bounds; `budget` is how many evaluations
/// the search for a counterexample may make, 0 for the default (well under a second). `verdict` must not be NULL. The report
/// is also set when the assertion is refuted (what happened, and with which input) or unknown (why); the caller owns it.
///
/// # Safety
/// Texts are NULL or can be read for the length given; out parameters are NULL or may be written.
#[unsafe(no_mangle)]
#[allow(clippy::too_many_arguments)] // texts come with lengths
pub unsafe extern "C" fn poolcast_formula_prove(
    formula: poolcast_formula,
    assertion: *const c_char,
    assertion_len: usize,
    quota: u32,
    assume: *const c_char,
    assume_len: usize,
    budget: u32,
    verdict: *mut poolcast_verdict,
    report: *mut poolcast_report,
) -> poolcast_status {
    let mut words = None;
    let body = || {
        let compiled = formula::get(formula)?;
        if verdict.is_null() {
            return Err(Failure::null("verdict"));
        }
        // SAFETY: forwarded to the caller, for both texts.
        let (claim, assume) = unsafe {
            let assume = if assume.is_null() { "" } else { text(assume, assume_len, "assume")? };
            (text(assertion, assertion_len, "assertion")?, admissible(quota, assume)?)
        };
        let claim = assertion::parse(claim, None).map_err(Failure::input)?;
        let budget = if budget > 0 { budget } else { bounds::search::BUDGET };
        let judged = assertion::judge(&compiled.formula, &assume, &claim, budget, 0).map_err(Failure::input)?;
        let found = match judged {
            Verdict::Proved => POOLCAST_PROVED,
            Verdict::Refuted(c) => {
                let input = c.witness.as_ref().map_or(String::new(), |w| format!(" ({})", w.words()));
                words = Some(("refuted", format!("{}{input}", c.what)));
                POOLCAST_REFUTED
            }
            Verdict::Unknown(why) => {
                words = Some(("unknown", why));
                POOLCAST_UNKNOWN
            }
        };
        // SAFETY: forwarded to the caller.
        unsafe { put(verdict, found) };
        Ok(())
    };
    // SAFETY: forwarded to the caller.
    let status = unsafe { guard(report, body) };
    if let (POOLCAST_OK, Some((code, words)), false) = (status, words, report.is_null()) {
        // SAFETY: not NULL, so writable by the caller's promise.
        unsafe { put(report, report::open(Report::one(POOLCAST_OK, code, words))) };
    }
    status
}

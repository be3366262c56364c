//! Everything an evaluation says.
//!
//! In: outcomes of the library. Out: their parts. Never: a copy of a string into C's memory.

use crate::{
    Failure, guard, handle::Table, poolcast_report, poolcast_status, poolcast_status::*, poolcast_str,
    poolcast_targets, put, text,
};
use poolcast::{Outcome, OwnedValue};
use std::{ffi::c_char, sync::OnceLock};

static OUTCOMES: Table<Kept> = Table::new(4);

/// An outcome and its text, which belongs to it once somebody has asked for it.
struct Kept {
    outcome: Outcome,
    results: OnceLock<String>,
}

/// A handle of an outcome. Close it with poolcast_outcome_free.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct poolcast_outcome {
    /// 0: none.
    pub id: u64,
}

pub(crate) fn open(outcome: Outcome) -> poolcast_outcome {
    poolcast_outcome { id: OUTCOMES.open(Kept { outcome, results: OnceLock::new() }) }
}

/// The targets of an outcome. `targets` must not be NULL.
///
/// # Safety
/// Out parameters are NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn poolcast_outcome_targets(
    outcome: poolcast_outcome,
    targets: *mut poolcast_targets,
    report: *mut poolcast_report,
) -> poolcast_status {
    let body = || {
        let kept = OUTCOMES.get(outcome.id).ok_or_else(|| Failure::handle("outcome"))?;
        if targets.is_null() {
            return Err(Failure::null("targets"));
        }
        // SAFETY: forwarded to the caller.
        unsafe { put(targets, kept.outcome.targets().into()) };
        Ok(())
    };
    // SAFETY: forwarded to the caller.
    unsafe { guard(report, body) }
}

/// The service's `results` text; empty for no outcome. Belongs to the outcome.
#[unsafe(no_mangle)]
pub extern "C" fn poolcast_outcome_results(outcome: poolcast_outcome) -> poolcast_str {
    let Some(kept) = OUTCOMES.get(outcome.id) else { return poolcast_str::of("") };
    poolcast_str::of(kept.results.get_or_init(|| kept.outcome.results()))
}

/// The value of a variable that is a number, by its name as written. `value` must not be NULL.
///
/// # Safety
/// `name` is NULL or `len` bytes can be read from it; out parameters are NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn poolcast_outcome_number(
    outcome: poolcast_outcome,
    name: *const c_char,
    len: usize,
    value: *mut f64,
    report: *mut poolcast_report,
) -> poolcast_status {
    let body = || {
        let kept = OUTCOMES.get(outcome.id).ok_or_else(|| Failure::handle("outcome"))?;
        if value.is_null() {
            return Err(Failure::null("value"));
        }
        // SAFETY: forwarded to the caller.
        let name = unsafe { text(name, len, "name") }?;
        let found = kept.outcome.variables.iter().find(|(n, _)| **n == *name).map(|(_, v)| v);
        let Some(OwnedValue::Double(x)) = found else {
            let why = if found.is_some() { "is not a number" } else { "is not assigned" };
            return Err(Failure::input(format!("`{}` {why}", name.chars().take(80).collect::<String>())));
        };
        // SAFETY: forwarded to the caller.
        unsafe { put(value, *x) };
        Ok(())
    };
    // SAFETY: forwarded to the caller.
    unsafe { guard(report, body) }
}

/// Closes an outcome; its strings are gone. POOLCAST_BAD_HANDLE when it is not open.
#[unsafe(no_mangle)]
pub extern "C" fn poolcast_outcome_free(outcome: poolcast_outcome) -> poolcast_status {
    if OUTCOMES.close(outcome.id) { POOLCAST_OK } else { POOLCAST_BAD_HANDLE }
}

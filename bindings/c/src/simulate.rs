//! Whole simulations: simulate before you decide.
//!
//! In: a scenario's text, another formula, a seed. Out: the figures of the run. Never: a handle; the run is over when the
//! call returns.

use crate::{Failure, guard, poolcast_report, poolcast_status, poolcast_status::*, put, report::Report, slice, text};
use poolcast::{
    Options,
    sim::{Simulation, autoscale::Compiler},
    wire::scenario::{self, Overrides},
};
use std::{ffi::c_char, path::Path, sync::Arc};

/// The scenario is JSON instead of TOML.
pub const POOLCAST_JSON: u32 = 1;

/// The figures of a run. Money is in millionths of the currency of the price table, times are milliseconds.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct poolcast_summary {
    /// Cost of dedicated nodes.
    pub cost_dedicated: i64,
    /// Cost of Spot or low-priority nodes.
    pub cost_spot: i64,
    /// Mean wait of finished tasks that started.
    pub mean_wait_ms: i64,
    /// From the first task's creation to the last one's end.
    pub makespan_ms: i64,
    /// Tasks added.
    pub tasks: u64,
    /// Tasks finished.
    pub finished: u64,
    /// Tasks not finished at the end.
    pub unfinished: u64,
    /// Formula evaluations.
    pub evaluations: u64,
    /// Those that failed.
    pub evaluations_failed: u64,
    /// Events.
    pub events: u64,
    /// Digest of every event: equal digests are equal runs.
    pub digest: u64,
}

/// Runs a scenario to its end. `base` is the directory that files the scenario names are looked for in; NULL is the current
/// one. `formula`, if not NULL, replaces the formulas of the scenario; `seed`, if not NULL, its seed. Flags: POOLCAST_JSON.
/// `summary` must not be NULL. May take long; other threads are not held up. Everything wrong with a scenario is in the report.
///
/// # Safety
/// Texts are NULL or can be read for the length given; `seed` is NULL or can be read; out parameters are NULL or may be written.
#[unsafe(no_mangle)]
#[allow(clippy::too_many_arguments)] // texts come with lengths
pub unsafe extern "C" fn poolcast_simulate(
    scenario: *const c_char,
    scenario_len: usize,
    flags: u32,
    base: *const c_char,
    base_len: usize,
    formula: *const c_char,
    formula_len: usize,
    seed: *const u64,
    summary: *mut poolcast_summary,
    report: *mut poolcast_report,
) -> poolcast_status {
    let body = || {
        if summary.is_null() {
            return Err(Failure::null("summary"));
        }
        if flags & !POOLCAST_JSON != 0 {
            return Err(Failure::input(format!("unknown flags {flags:#x}")));
        }
        // SAFETY: forwarded to the caller, for all three texts and the seed.
        let (source, base, other, seed) = unsafe {
            let base = if base.is_null() { "." } else { text(base, base_len, "base")? };
            let other = if formula.is_null() { None } else { Some(text(formula, formula_len, "formula")?.to_owned()) };
            let seed = if seed.is_null() { None } else { slice(seed, 1, "seed")?.first().copied() };
            (text(scenario, scenario_len, "scenario")?, base, other, seed)
        };
        let changes = Overrides { formula: other, seed, ..Overrides::default() };
        let read = scenario::parse(source, flags & POOLCAST_JSON != 0, Path::new(base), "scenario", &changes);
        let ready = read.map_err(|errors| {
            let words = errors.iter().map(ToString::to_string).collect();
            Failure { status: POOLCAST_BAD_INPUT, report: Report::list(POOLCAST_BAD_INPUT, "scenario", words) }
        })?;
        let compiler = Compiler::of_formulas(Options::default());
        let mut run = Simulation::new(ready.config, Arc::new(ready.workload), compiler)
            .map_err(|e| Failure::input(e.to_string()))?;
        run.run();
        let s = run.summary();
        let [cost_dedicated, cost_spot] = s.cost();
        let found = poolcast_summary {
            cost_dedicated,
            cost_spot,
            mean_wait_ms: s.mean_wait,
            makespan_ms: s.makespan,
            tasks: s.tasks.0,
            finished: s.tasks.1,
            unfinished: s.tasks.2,
            evaluations: s.pools.iter().map(|p| p.evaluations).sum(),
            evaluations_failed: s.pools.iter().flat_map(|p| p.failures.values()).sum(),
            events: s.events,
            digest: s.digest,
        };
        // SAFETY: forwarded to the caller.
        unsafe { put(summary, found) };
        Ok(())
    };
    // SAFETY: forwarded to the caller.
    unsafe { guard(report, body) }
}

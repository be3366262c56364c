//! Formulas: compile, check, what they read, targets.
//!
//! In: text, feeds, instants. Out: formulas, reports, targets. Never: anything the library does not say itself.

use crate::{
    Failure, feed, guard, handle::Table, instant, outcome, poolcast_feed, poolcast_outcome, poolcast_report,
    poolcast_status, poolcast_status::*, poolcast_str, put, report, report::Report, text,
};
use poolcast::{Engine, Evaluator, Formula, Metric, Options, Target, Targets, check::author, diag::level::Levels};
use std::{
    ffi::c_char,
    sync::{Arc, Mutex, PoisonError},
};

static FORMULAS: Table<Compiled> = Table::new(1);

/// A formula and evaluators that are not in use: a call takes one and puts it back, so any thread may call.
pub(crate) struct Compiled {
    pub(crate) formula: Formula,
    idle: Mutex<Vec<Evaluator>>,
}

impl Compiled {
    fn with<R>(&self, run: impl FnOnce(&mut Evaluator) -> R) -> R {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = idle().pop();
        let mut evaluator = taken.unwrap_or_else(|| self.formula.evaluator());
        let result = run(&mut evaluator);
        idle().push(evaluator);
        result
    }
}

pub(crate) fn get(formula: poolcast_formula) -> Result<Arc<Compiled>, Failure> {
    FORMULAS.get(formula.id).ok_or_else(|| Failure::handle("formula"))
}

/// A handle of a compiled formula. Close it with poolcast_formula_free.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct poolcast_formula {
    /// 0: none.
    pub id: u64,
}

/// Compile like the service: refuse only what it refuses to store; the rest fails when evaluated.
pub const POOLCAST_LIKE_SERVICE: u32 = 1;
/// Turn warnings about behaviour nobody outside the service can verify into errors.
pub const POOLCAST_STRICT: u32 = 2;
/// Use the reference interpreter instead of machine code.
pub const POOLCAST_INTERPRET: u32 = 4;

/// What an evaluation asks of a pool.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct poolcast_targets {
    /// Dedicated nodes, or -1: not assigned, the present target stays.
    pub dedicated: i64,
    /// Spot or low-priority nodes, or -1.
    pub low_priority: i64,
    /// What happens to tasks on nodes that leave: 0 requeue, 1 terminate, 2 taskcompletion, 3 retaineddata.
    pub option: u32,
}

impl From<Targets> for poolcast_targets {
    fn from(t: Targets) -> poolcast_targets {
        let number = |t| match t {
            Target::Set(n) => i64::from(n),
            Target::Unchanged => -1,
        };
        use poolcast::DeallocationOption::*;
        let option = match t.option {
            Requeue => 0,
            Terminate => 1,
            TaskCompletion => 2,
            RetainedData => 3,
        };
        poolcast_targets { dedicated: number(t.dedicated), low_priority: number(t.low_priority), option }
    }
}

/// What a formula reads of one metric.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct poolcast_read {
    /// The metric, as poolcast_metric numbers it.
    pub metric: u32,
    /// How many newest samples are read by count.
    pub newest: u32,
    /// How far back in milliseconds, or -1 where that depends on values.
    pub look_back_ms: i64,
}

/// Compiles a formula. `formula` must not be NULL; the caller owns what it gets. Flags are sums of POOLCAST_LIKE_SERVICE,
/// POOLCAST_STRICT and POOLCAST_INTERPRET; unknown ones are refused. The text is copied.
///
/// # Safety
/// `text` is NULL or `len` bytes can be read from it; out parameters are NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn poolcast_compile(
    text: *const c_char,
    len: usize,
    flags: u32,
    formula: *mut poolcast_formula,
    report: *mut poolcast_report,
) -> poolcast_status {
    let body = || {
        if formula.is_null() {
            return Err(Failure::null("formula"));
        }
        if flags & !(POOLCAST_LIKE_SERVICE | POOLCAST_STRICT | POOLCAST_INTERPRET) != 0 {
            return Err(Failure::input(format!("unknown flags {flags:#x}")));
        }
        // SAFETY: forwarded to the caller.
        let source = unsafe { self::text(text, len, "text") }?;
        let options = Options {
            like_service: flags & POOLCAST_LIKE_SERVICE != 0,
            strict: flags & POOLCAST_STRICT != 0,
            engine: if flags & POOLCAST_INTERPRET != 0 { Engine::Interp } else { Engine::Auto },
            ..Options::default()
        };
        let compiled = Formula::compile_with(source, &options).map_err(|e| Failure::of(source, e))?;
        let id = FORMULAS.open(Compiled { formula: compiled, idle: Mutex::new(Vec::new()) });
        // SAFETY: forwarded to the caller.
        unsafe { put(formula, poolcast_formula { id }) };
        Ok(())
    };
    // SAFETY: forwarded to the caller.
    unsafe { guard(report, body) }
}

/// Checks a formula and reports everything there is to say, warnings and advice included. POOLCAST_REJECTED when any
/// finding is an error. `report` must not be NULL and is set in either case; the caller owns it.
///
/// # Safety
/// As poolcast_compile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn poolcast_check(
    text: *const c_char,
    len: usize,
    report: *mut poolcast_report,
) -> poolcast_status {
    let mut status = POOLCAST_OK;
    let mut found = None;
    let body = || {
        if report.is_null() {
            return Err(Failure::null("report"));
        }
        // SAFETY: forwarded to the caller.
        let source = unsafe { self::text(text, len, "text") }?;
        let findings = author::author(source, &Levels::default());
        if findings.diagnostics.has_errors() {
            status = POOLCAST_REJECTED;
        }
        found = Some(report::open(Report::of(status, source, &findings.diagnostics)));
        Ok(())
    };
    // SAFETY: forwarded to the caller.
    let done = unsafe { guard(report, body) };
    if let Some(found) = found {
        // SAFETY: `body` has seen that it is not NULL.
        unsafe { put(report, found) };
        return status;
    }
    done
}

/// The number of a metric, by its name with `$`, such as `$PendingTasks`. Numbers are good for this version of the
/// library only. `metric` must not be NULL.
///
/// # Safety
/// As poolcast_compile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn poolcast_metric(
    name: *const c_char,
    len: usize,
    metric: *mut u32,
    report: *mut poolcast_report,
) -> poolcast_status {
    let body = || {
        if metric.is_null() {
            return Err(Failure::null("metric"));
        }
        // SAFETY: forwarded to the caller.
        let name = unsafe { text(name, len, "name") }?;
        let found = Metric::from_name(name).ok_or_else(|| {
            Failure::input(format!("no metric is called `{}`", name.chars().take(80).collect::<String>()))
        })?;
        // SAFETY: forwarded to the caller.
        unsafe { put(metric, found as u32) };
        Ok(())
    };
    // SAFETY: forwarded to the caller.
    unsafe { guard(report, body) }
}

/// The metric of a number.
pub(crate) fn metric_of(number: u32) -> Result<Metric, Failure> {
    let metric = Metric::ALL.get(number as usize).copied();
    metric.ok_or_else(|| Failure::input(format!("no metric has the number {number}; ask poolcast_metric")))
}

/// The name of a metric, with `$`; empty for an unknown number. The text lives for ever.
#[unsafe(no_mangle)]
pub extern "C" fn poolcast_metric_name(metric: u32) -> poolcast_str {
    poolcast_str::of(Metric::ALL.get(metric as usize).map_or("", |m| m.name()))
}

/// The metrics and windows to collect for a formula: writes at most `capacity` of them to `reads` and how many there are
/// to `len`. `reads` may be NULL when `capacity` is 0.
///
/// # Safety
/// `reads` is NULL or `capacity` elements can be written to it; the others as poolcast_compile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn poolcast_formula_reads(
    formula: poolcast_formula,
    reads: *mut poolcast_read,
    capacity: usize,
    len: *mut usize,
    report: *mut poolcast_report,
) -> poolcast_status {
    let body = || {
        let compiled = get(formula)?;
        if reads.is_null() && capacity > 0 {
            return Err(Failure::null("reads"));
        }
        let list = compiled.formula.reads();
        for (i, r) in list.iter().take(capacity).enumerate() {
            let look_back_ms = r.look_back.map_or(-1, |i| i.0 / 10_000);
            // SAFETY: `i < capacity`, and that many can be written by the caller's promise.
            unsafe { put(reads.add(i), poolcast_read { metric: r.metric as u32, newest: r.newest, look_back_ms }) };
        }
        // SAFETY: forwarded to the caller.
        unsafe { put(len, list.len()) };
        Ok(())
    };
    // SAFETY: forwarded to the caller.
    unsafe { guard(report, body) }
}

/// The targets a formula asks for at an instant, over a feed's samples and pool. `targets` must not be NULL.
///
/// # Safety
/// As poolcast_compile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn poolcast_evaluate(
    formula: poolcast_formula,
    feed: poolcast_feed,
    now_unix_ms: i64,
    targets: *mut poolcast_targets,
    report: *mut poolcast_report,
) -> poolcast_status {
    let body = || {
        let (compiled, feed) = (get(formula)?, feed::get(feed)?);
        if targets.is_null() {
            return Err(Failure::null("targets"));
        }
        let asked = compiled
            .with(|evaluator| feed.evaluate(evaluator, instant(now_unix_ms)))
            .map_err(|e| Failure::of(compiled.formula.source(), e.into()))?;
        // SAFETY: forwarded to the caller.
        unsafe { put(targets, asked.into()) };
        Ok(())
    };
    // SAFETY: forwarded to the caller.
    unsafe { guard(report, body) }
}

/// As poolcast_evaluate, with every variable and the service's `results` text. `outcome` must not be NULL; the caller owns
/// what it gets.
///
/// # Safety
/// As poolcast_compile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn poolcast_evaluate_fully(
    formula: poolcast_formula,
    feed: poolcast_feed,
    now_unix_ms: i64,
    outcome: *mut poolcast_outcome,
    report: *mut poolcast_report,
) -> poolcast_status {
    let body = || {
        let (compiled, feed) = (get(formula)?, feed::get(feed)?);
        if outcome.is_null() {
            return Err(Failure::null("outcome"));
        }
        let found = compiled
            .with(|evaluator| evaluator.run(&feed.view().at(instant(now_unix_ms))))
            .map_err(|e| Failure::of(compiled.formula.source(), e.into()))?;
        // SAFETY: forwarded to the caller.
        unsafe { put(outcome, outcome::open(found)) };
        Ok(())
    };
    // SAFETY: forwarded to the caller.
    unsafe { guard(report, body) }
}

/// Closes a formula. Calls that use it on other threads finish first. POOLCAST_BAD_HANDLE when it is not open.
#[unsafe(no_mangle)]
pub extern "C" fn poolcast_formula_free(formula: poolcast_formula) -> poolcast_status {
    if FORMULAS.close(formula.id) { POOLCAST_OK } else { POOLCAST_BAD_HANDLE }
}

//! What went wrong, or what was found: one object for both.
//!
//! In: errors and diagnostics of the library. Out: findings with places, and text for people. Never: a decision.

use crate::{Failure, guard, handle::Table, poolcast_status, poolcast_status::*, poolcast_str, put};
use poolcast::{
    Error, LineIndex,
    diag::{Diagnostics, Severity, render},
};

static REPORTS: Table<Report> = Table::new(2);

/// A handle of a report. Close it with poolcast_report_free.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct poolcast_report {
    /// 0: none.
    pub id: u64,
}

/// How much a finding matters.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum poolcast_severity {
    /// The service refuses this, or fails at it.
    POOLCAST_ERROR = 0,
    /// Likely not what the author wants.
    POOLCAST_WARNING = 1,
    /// Worth knowing.
    POOLCAST_NOTE = 2,
}

/// One finding. The strings live as long as the report.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct poolcast_finding {
    /// One of poolcast_severity.
    pub severity: poolcast_severity,
    /// Line of the formula, from 1; 0 where there is no place.
    pub line: u32,
    /// Column, from 1, counted in characters; 0 where there is no place.
    pub column: u32,
    /// First byte of the place.
    pub start: u32,
    /// One past its last byte.
    pub end: u32,
    /// A stable code such as `E0301`, the service's code of a failed evaluation, or a word such as `bad-handle`.
    pub code: poolcast_str,
    /// What was found.
    pub message: poolcast_str,
    /// What to do; may be empty.
    pub help: poolcast_str,
}

/// What is behind a handle.
pub(crate) struct Report {
    status: poolcast_status,
    findings: Vec<Finding>,
    text: String,
}

struct Finding {
    severity: poolcast_severity,
    place: [u32; 4],
    code: &'static str,
    message: String,
    help: String,
}

impl Report {
    pub(crate) fn one(status: poolcast_status, code: &'static str, message: String) -> Report {
        Report::list(status, code, vec![message])
    }

    /// Findings without a place in a formula.
    pub(crate) fn list(status: poolcast_status, code: &'static str, messages: Vec<String>) -> Report {
        let text = messages.iter().map(|m| format!("{code}: {m}")).collect::<Vec<_>>().join("\n");
        let severity = poolcast_severity::POOLCAST_ERROR;
        let findings = messages
            .into_iter()
            .map(|message| Finding { severity, place: [0; 4], code, message, help: String::new() })
            .collect();
        Report { status, findings, text }
    }

    pub(crate) fn of(status: poolcast_status, source: &str, diagnostics: &Diagnostics) -> Report {
        let index = LineIndex::new(source);
        let findings = diagnostics.iter().map(|d| {
            let (line, column) = index.line_col(source, d.span.lo);
            Finding {
                severity: match d.severity {
                    Severity::Error => poolcast_severity::POOLCAST_ERROR,
                    Severity::Warning => poolcast_severity::POOLCAST_WARNING,
                    _ => poolcast_severity::POOLCAST_NOTE,
                },
                place: [line, column, d.span.lo, d.span.hi],
                code: d.code.0,
                message: d.message.clone(),
                help: d.help.join("\n"),
            }
        });
        Report {
            status,
            findings: findings.collect(),
            text: render::human("formula", source, diagnostics.iter(), false),
        }
    }
}

impl Failure {
    /// An error of the library about a formula.
    pub(crate) fn of(source: &str, e: Error) -> Failure {
        match e {
            Error::Compile(diagnostics) => {
                Failure { status: POOLCAST_REJECTED, report: Report::of(POOLCAST_REJECTED, source, &diagnostics) }
            }
            Error::Eval(e) => {
                let (line, column) = LineIndex::new(source).line_col(source, e.span.lo);
                let text = e.to_string();
                let mut report = Report::one(POOLCAST_EVALUATION_FAILED, e.code, e.value.clone());
                report.findings[0].place = [line, column, e.span.lo, e.span.hi];
                report.text = text;
                Failure { status: POOLCAST_EVALUATION_FAILED, report }
            }
            Error::Input(e) => e.into(),
            other => Failure::new(POOLCAST_UNAVAILABLE, "unavailable", other.to_string()),
        }
    }
}

pub(crate) fn open(report: Report) -> poolcast_report {
    poolcast_report { id: REPORTS.open(report) }
}

/// The status a report goes with; POOLCAST_BAD_HANDLE for no report.
#[unsafe(no_mangle)]
pub extern "C" fn poolcast_report_status(report: poolcast_report) -> poolcast_status {
    REPORTS.get(report.id).map_or(POOLCAST_BAD_HANDLE, |r| r.status)
}

/// How many findings a report has; 0 for no report.
#[unsafe(no_mangle)]
pub extern "C" fn poolcast_report_len(report: poolcast_report) -> usize {
    REPORTS.get(report.id).map_or(0, |r| r.findings.len())
}

/// One finding of a report, in order of place. `out` must not be NULL. Its strings belong to the report.
///
/// # Safety
/// `out` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn poolcast_report_get(
    report: poolcast_report,
    index: usize,
    out: *mut poolcast_finding,
) -> poolcast_status {
    let body = || {
        let report = REPORTS.get(report.id).ok_or_else(|| Failure::handle("report"))?;
        if out.is_null() {
            return Err(Failure::null("out"));
        }
        let f = report.findings.get(index).ok_or_else(|| Failure::input("no finding of that index"))?;
        let [line, column, start, end] = f.place;
        let (code, message, help) = (poolcast_str::of(f.code), poolcast_str::of(&f.message), poolcast_str::of(&f.help));
        // SAFETY: forwarded to the caller.
        unsafe { put(out, poolcast_finding { severity: f.severity, line, column, start, end, code, message, help }) };
        Ok(())
    };
    // SAFETY: no report is written.
    unsafe { guard(std::ptr::null_mut(), body) }
}

/// The whole report as text for people, excerpts of the formula included; empty for no report. Belongs to the report.
#[unsafe(no_mangle)]
pub extern "C" fn poolcast_report_text(report: poolcast_report) -> poolcast_str {
    REPORTS.get(report.id).map_or(poolcast_str::of(""), |r| poolcast_str::of(&r.text))
}

/// Closes a report; its strings are gone. POOLCAST_BAD_HANDLE when it is not open.
#[unsafe(no_mangle)]
pub extern "C" fn poolcast_report_free(report: poolcast_report) -> poolcast_status {
    if REPORTS.close(report.id) { POOLCAST_OK } else { POOLCAST_BAD_HANDLE }
}

//! Diagnostics as Python objects.

use poolcast::{
    LineIndex,
    check::author,
    diag::{Diagnostics, level::Levels, render},
};
use pyo3::prelude::*;

/// One finding about a formula.
///
/// Lines and columns count from 1, columns in characters; ``start`` and ``end`` are byte offsets.
#[pyclass(frozen, get_all, eq, module = "poolcast")]
#[derive(Clone, PartialEq)]
pub(crate) struct Diagnostic {
    /// A stable code such as ``E0301``; ``poolcast explain`` has its page.
    code: String,
    /// ``error``, ``warning`` or ``note``.
    severity: String,
    /// What was found.
    message: String,
    /// A few words at the place.
    label: String,
    /// Line of the place.
    line: u32,
    /// Column of the place.
    column: u32,
    /// First byte.
    start: u32,
    /// One past the last byte.
    end: u32,
    /// Facts.
    notes: Vec<String>,
    /// Advice.
    help: Vec<String>,
    /// Repairs: title, whether it may be applied unasked, edits as (start, end, text).
    fixes: Vec<(String, bool, Vec<(u32, u32, String)>)>,
}

#[pymethods]
impl Diagnostic {
    #[new]
    #[allow(clippy::too_many_arguments)]
    fn new(
        code: String,
        severity: String,
        message: String,
        label: String,
        line: u32,
        column: u32,
        start: u32,
        end: u32,
        notes: Vec<String>,
        help: Vec<String>,
        fixes: Vec<(String, bool, Vec<(u32, u32, String)>)>,
    ) -> Diagnostic {
        Diagnostic { code, severity, message, label, line, column, start, end, notes, help, fixes }
    }
    fn __str__(&self) -> String {
        format!("{}:{}: {}[{}]: {}", self.line, self.column, self.severity, self.code, self.message)
    }
    fn __repr__(&self) -> String {
        format!("<Diagnostic {self}>", self = self.__str__())
    }
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        let d = slf.get();
        let place = (d.line, d.column, d.start, d.end);
        let args =
            ((&d.code, &d.severity, &d.message, &d.label), place, (d.notes.clone(), d.help.clone(), d.fixes.clone()));
        let py = slf.py();
        let (a, b, c) = args;
        let all = (a.0, a.1, a.2, a.3, b.0, b.1, b.2, b.3, c.0, c.1, c.2).into_pyobject(py)?;
        Ok((slf.get_type().into_any(), all.into_any()))
    }
}

/// All of a list, as Python objects.
pub(crate) fn list(source: &str, diagnostics: &Diagnostics) -> Vec<Diagnostic> {
    let index = LineIndex::new(source);
    diagnostics
        .iter()
        .map(|d| {
            let (line, column) = index.line_col(source, d.span.lo);
            Diagnostic {
                code: d.code.0.to_owned(),
                severity: render::severity(d.severity).to_owned(),
                message: d.message.clone(),
                label: d.label.clone(),
                line,
                column,
                start: d.span.lo,
                end: d.span.hi,
                notes: d.notes.clone(),
                help: d.help.clone(),
                fixes: d
                    .fixes
                    .iter()
                    .map(|f| {
                        let edits = f.edits.iter().map(|e| (e.span.lo, e.span.hi, e.text.clone()));
                        (f.title.clone(), f.automatic, edits.collect())
                    })
                    .collect(),
            }
        })
        .collect()
}

/// Everything there is to say about a formula: errors, warnings, advice. Never raises about the formula.
#[pyfunction]
#[pyo3(signature = (source, *, strict = false))]
pub(crate) fn check(py: Python<'_>, source: &str, strict: bool) -> Vec<Diagnostic> {
    py.detach(|| {
        let levels = Levels { strict, ..Levels::default() };
        list(source, &author::author(source, &levels).diagnostics)
    })
}

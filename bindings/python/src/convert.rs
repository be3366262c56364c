//! Times, metrics, errors between the two languages.

use poolcast::{Error, EvalError, Interval, LineIndex, Metric, Ticks, diag::render};
use pyo3::{
    exceptions::PyTypeError,
    prelude::*,
    types::{PyFloat, PyInt, PyString},
};

/// An exception of `poolcast._errors`.
fn raise(py: Python<'_>, class: &str, args: impl for<'p> pyo3::call::PyCallArgs<'p>) -> PyErr {
    let made = py.import("poolcast._errors").and_then(|m| m.getattr(class)).and_then(|c| c.call1(args));
    made.map_or_else(|e| e, PyErr::from_value)
}

/// Bad input, in a sentence.
pub(crate) fn bad(py: Python<'_>, text: impl Into<String>) -> PyErr {
    raise(py, "InputError", (text.into(),))
}

/// A failed evaluation.
pub(crate) fn failed(py: Python<'_>, source: &str, e: EvalError) -> PyErr {
    let (line, column) = LineIndex::new(source).line_col(source, e.span.lo);
    raise(
        py,
        "EvaluationError",
        (e.code, e.message, e.value.as_str(), line, column, e.results.as_str(), e.metric.map(Metric::name)),
    )
}

/// Any error of the library about a formula.
pub(crate) fn error(py: Python<'_>, source: &str, e: Error) -> PyErr {
    match e {
        Error::Compile(diagnostics) => {
            let text = render::human("formula", source, diagnostics.iter(), false);
            raise(py, "CompileError", (text, crate::diagnostic::list(source, &diagnostics)))
        }
        Error::Eval(e) => failed(py, source, e),
        other => bad(py, other.to_string()),
    }
}

/// An instant: epoch seconds, ISO 8601 text, or a `datetime` (without a zone: UTC).
pub(crate) fn instant(value: &Bound<'_, PyAny>) -> PyResult<Ticks> {
    let py = value.py();
    if let Ok(whole) = value.cast::<PyInt>() {
        return Ok(Ticks::from_unix_seconds(whole.extract()?));
    }
    if let Ok(seconds) = value.cast::<PyFloat>() {
        let seconds: f64 = seconds.extract()?;
        if !seconds.is_finite() {
            return Err(bad(py, format!("{seconds} is no time")));
        }
        return Ok(Ticks(Interval::from_seconds(seconds).0));
    }
    if let Ok(text) = value.cast::<PyString>() {
        let text = text.to_str()?;
        let read = poolcast::Inputs::at(text).map_err(|e| bad(py, e.to_string()))?;
        return Ok(read.now);
    }
    if value.hasattr("utcoffset")? && value.hasattr("hour")? {
        let zone = value.call_method0("utcoffset")?;
        let utc = py.import("datetime")?.getattr("timezone")?.getattr("utc")?;
        let aware = if zone.is_none() {
            value.call_method(
                "replace",
                (),
                Some(&pyo3::types::IntoPyDict::into_py_dict([("tzinfo", utc.clone())], py)?),
            )?
        } else {
            value.clone()
        };
        // Exact to the microsecond: whole seconds and microseconds apart.
        let epoch = py.import("datetime")?.getattr("datetime")?.call_method1("fromtimestamp", (0, utc))?;
        let since = aware.call_method1("__sub__", (epoch,))?;
        return Ok(Ticks(span_of(&since)?.0));
    }
    Err(PyTypeError::new_err("a time is epoch seconds, ISO 8601 text or a datetime"))
}

/// A duration: seconds, or a `timedelta`.
pub(crate) fn span_of(value: &Bound<'_, PyAny>) -> PyResult<Interval> {
    if value.hasattr("microseconds")? {
        let part = |name: &str| value.getattr(name)?.extract::<i64>();
        let seconds = part("days")?.saturating_mul(86_400).saturating_add(part("seconds")?);
        return Ok(Interval(seconds.saturating_mul(10_000_000).saturating_add(part("microseconds")? * 10)));
    }
    let seconds: f64 = value.extract()?;
    if !seconds.is_finite() {
        return Err(bad(value.py(), format!("{seconds} is no duration")));
    }
    Ok(Interval::from_seconds(seconds))
}

/// A metric by name, with or without `$`.
pub(crate) fn metric(py: Python<'_>, name: &str) -> PyResult<Metric> {
    find_metric(name).ok_or_else(|| {
        let name: String = name.chars().take(80).collect();
        bad(py, format!("no metric is called `{name}`; `poolcast.metrics()` lists them"))
    })
}

/// As [`metric`], without an exception.
pub(crate) fn find_metric(name: &str) -> Option<Metric> {
    Metric::from_name(name).or_else(|| Metric::ALL.iter().copied().find(|m| m.name().strip_prefix('$') == Some(name)))
}

/// Everything wrong with a document.
pub(crate) fn problems(py: Python<'_>, what: &str, list: Vec<String>) -> PyErr {
    raise(py, "InputError", (format!("{what}: {}", list.join("\n")), list))
}

/// A wrong type, in a sentence.
pub(crate) fn type_error(text: &str) -> PyErr {
    PyTypeError::new_err(text.to_owned())
}

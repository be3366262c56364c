//! Formulas and outcomes as Python objects.

use crate::{
    bounds::{self, Bounds, Verdict},
    convert::{bad, error, failed, instant},
    diagnostic::{self, Diagnostic},
    feed::Feed,
};
use poolcast::{Engine, Evaluator, Interval, Options, OwnedValue, Target, check::author, diag::level::Levels};
use pyo3::{
    prelude::*,
    types::{PyDict, PyTuple},
};
use std::sync::{Mutex, PoisonError};

/// What a formula reads of one metric.
#[pyclass(frozen, get_all, module = "poolcast")]
#[derive(Clone)]
pub(crate) struct Read {
    /// Its name, with ``$``.
    metric: &'static str,
    /// How far back in seconds; None where that depends on values.
    look_back: Option<f64>,
    /// How many newest samples are read by count.
    newest: u32,
}

#[pymethods]
impl Read {
    fn __repr__(&self) -> String {
        let back = self.look_back.map_or("None".into(), |s| s.to_string());
        format!("<Read {} look_back={back} newest={}>", self.metric, self.newest)
    }
}

/// A compiled formula. Use it from as many threads as you like; it pickles as its source and options.
///
/// Formula(source, *, like_service=False, strict=False, engine="auto")
///
/// ``like_service`` refuses only what the service refuses to store; the rest fails when evaluated. ``strict`` refuses what
/// nobody outside the service can verify. ``engine`` is ``auto``, ``jit`` or ``interp``. Raises CompileError.
#[pyclass(frozen, module = "poolcast")]
pub(crate) struct Formula {
    pub(crate) inner: poolcast::Formula,
    options: (bool, bool, &'static str),
    /// Evaluators not in use.
    idle: Mutex<Vec<Evaluator>>,
}

impl Formula {
    fn with<R>(&self, run: impl FnOnce(&mut Evaluator) -> R) -> R {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = idle().pop();
        let mut evaluator = taken.unwrap_or_else(|| self.inner.evaluator());
        let result = run(&mut evaluator);
        idle().push(evaluator);
        result
    }
}

#[pymethods]
impl Formula {
    #[new]
    #[pyo3(signature = (source, *, like_service = false, strict = false, engine = "auto"))]
    fn new(py: Python<'_>, source: &str, like_service: bool, strict: bool, engine: &str) -> PyResult<Formula> {
        let (engine, name) = match engine {
            "auto" => (Engine::Auto, "auto"),
            "jit" => (Engine::Jit, "jit"),
            "interp" => (Engine::Interp, "interp"),
            _ => return Err(bad(py, "engine is `auto`, `jit` or `interp`")),
        };
        let options = Options { like_service, strict, engine, ..Options::default() };
        let inner =
            py.detach(|| poolcast::Formula::compile_with(source, &options)).map_err(|e| error(py, source, e))?;
        Ok(Formula { inner, options: (like_service, strict, name), idle: Mutex::new(Vec::new()) })
    }

    /// The text it was compiled from.
    #[getter]
    fn source(&self) -> &str {
        self.inner.source()
    }
    /// The engine in use: ``jit`` or ``interp``.
    #[getter]
    fn engine(&self) -> &'static str {
        if self.inner.is_compiled() { "jit" } else { "interp" }
    }
    /// The metrics and windows a scheduler must collect for it.
    #[getter]
    fn reads(&self) -> Vec<Read> {
        let reads = self.inner.reads().iter();
        reads
            .map(|r| Read { metric: r.metric.name(), look_back: r.look_back.map(Interval::seconds), newest: r.newest })
            .collect()
    }
    /// Everything there is to say about it: warnings and advice, and errors of a formula compiled like the service.
    fn check(&self, py: Python<'_>) -> Vec<Diagnostic> {
        py.detach(|| {
            let levels = Levels { strict: self.options.1, ..Levels::default() };
            let source = self.inner.source();
            diagnostic::list(source, &author::author(source, &levels).diagnostics)
        })
    }

    /// Evaluate at an instant over a feed, or over a mapping of metric names to samples (one each 30 s, oldest first, the
    /// last at the instant). Raises EvaluationError when the service would report a failure.
    #[pyo3(signature = (samples, now, *, targets = None, nodes = None, task_slots = None, seed = None))]
    #[allow(clippy::too_many_arguments)]
    fn evaluate(
        &self,
        py: Python<'_>,
        samples: &Bound<'_, PyAny>,
        now: &Bound<'_, PyAny>,
        targets: Option<[u32; 2]>,
        nodes: Option<[u32; 2]>,
        task_slots: Option<u32>,
        seed: Option<u64>,
    ) -> PyResult<Outcome> {
        let now = instant(now)?;
        let made;
        let feed = match samples.cast::<Feed>() {
            Ok(feed) => feed.get(),
            Err(_) => {
                made = Feed::of_mapping(samples, now)?;
                &made
            }
        };
        let result = py.detach(|| {
            let view = feed.inner.view();
            let mut snapshot = view.at(now);
            if let Some(t) = targets {
                snapshot.targets = t.map(f64::from);
            }
            if let Some(n) = nodes {
                snapshot.current = n.map(f64::from);
            }
            if let Some(n) = task_slots {
                snapshot.task_slots = f64::from(n);
            }
            if let Some(seed) = seed {
                snapshot.seed = seed;
            }
            self.with(|evaluator| evaluator.run(&snapshot))
        });
        match result {
            Ok(outcome) => Ok(Outcome { inner: outcome }),
            Err(e) => Err(failed(py, self.inner.source(), e)),
        }
    }

    /// The targets alone, over a feed: (dedicated, low_priority, option), None for a target that is not assigned. The
    /// quickest way; so short that the interpreter's lock is kept.
    fn targets<'py>(
        &self,
        py: Python<'py>,
        feed: &Bound<'py, Feed>,
        now: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let now = instant(now)?;
        match self.with(|evaluator| feed.get().inner.evaluate(evaluator, now)) {
            Ok(t) => (number(t.dedicated), number(t.low_priority), t.option.keyword()).into_pyobject(py),
            Err(e) => Err(failed(py, self.inner.source(), e)),
        }
    }

    /// The targets over many feeds at once, on all cores. Where an evaluation fails, its place has the EvaluationError.
    fn evaluate_many<'py>(
        &self,
        py: Python<'py>,
        feeds: Vec<Py<Feed>>,
        now: &Bound<'py, PyAny>,
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let now = instant(now)?;
        let all = py.detach(|| {
            let views: Vec<_> = feeds.iter().map(|f| f.get().inner.view()).collect();
            let snapshots: Vec<_> = views.iter().map(|v| v.at(now)).collect();
            self.inner.evaluate_many(&snapshots)
        });
        let source = self.inner.source();
        let one = |r: Result<poolcast::Targets, poolcast::EvalError>| match r {
            Ok(t) => {
                Ok((number(t.dedicated), number(t.low_priority), t.option.keyword()).into_pyobject(py)?.into_any())
            }
            Err(e) => Ok(failed(py, source, e).into_value(py).into_bound(py).into_any()),
        };
        all.into_iter().map(one).collect()
    }

    /// The ranges of its targets, proved without running it. ``quota`` is the most nodes of one kind the pool ever has;
    /// ``assume`` a condition on inputs such as ``$PendingTasks <= 500``.
    #[pyo3(signature = (*, quota = None, assume = None))]
    fn bounds(&self, py: Python<'_>, quota: Option<u32>, assume: Option<&str>) -> PyResult<Bounds> {
        bounds::of(py, &self.inner, quota, assume)
    }
    /// Judge an assertion about every evaluation, such as ``$TargetDedicatedNodes <= 40``, or about time, such as
    /// ``settles_to_zero``. ``budget`` is how many evaluations the search for a counterexample may make.
    #[pyo3(signature = (assertion, *, quota = None, assume = None, budget = None))]
    fn prove(
        &self,
        py: Python<'_>,
        assertion: &str,
        quota: Option<u32>,
        assume: Option<&str>,
        budget: Option<u32>,
    ) -> PyResult<Verdict> {
        bounds::prove(py, &self.inner, assertion, quota, assume, budget)
    }

    fn __repr__(&self) -> String {
        let lines = self.inner.source().lines().count();
        format!("<Formula of {lines} line{}, engine {}>", if lines == 1 { "" } else { "s" }, self.engine())
    }
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        let py = slf.py();
        let f = slf.get();
        let kwargs = PyDict::new(py);
        kwargs.set_item("like_service", f.options.0)?;
        kwargs.set_item("strict", f.options.1)?;
        kwargs.set_item("engine", f.options.2)?;
        let partial = py.import("functools")?.getattr("partial")?.call((slf.get_type(),), Some(&kwargs))?;
        Ok((partial, (f.inner.source(),).into_pyobject(py)?.into_any()))
    }
}

fn number(t: Target) -> Option<u32> {
    match t {
        Target::Set(n) => Some(n),
        Target::Unchanged => None,
    }
}

/// What one evaluation decided.
#[pyclass(frozen, module = "poolcast")]
pub(crate) struct Outcome {
    inner: poolcast::Outcome,
}

#[pymethods]
impl Outcome {
    /// Dedicated nodes; None when not assigned: the present target stays.
    #[getter]
    fn dedicated(&self) -> Option<u32> {
        number(self.inner.dedicated)
    }
    /// Spot or low-priority nodes; None when not assigned.
    #[getter]
    fn low_priority(&self) -> Option<u32> {
        number(self.inner.low_priority)
    }
    /// What happens to tasks on nodes that leave, as the keyword.
    #[getter]
    fn option(&self) -> &'static str {
        self.inner.option.keyword()
    }
    /// The service's ``results`` text.
    #[getter]
    fn results(&self) -> String {
        self.inner.results()
    }
    /// Whether ``stop()`` ended it.
    #[getter]
    fn stopped(&self) -> bool {
        self.inner.stopped
    }
    /// The user variables by name: float, list of floats or text; instants and durations as seconds.
    #[getter]
    fn variables<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let out = PyDict::new(py);
        for (name, value) in &self.inner.variables {
            let name: &str = name;
            match value {
                OwnedValue::Double(x) => out.set_item(name, x)?,
                OwnedValue::Vec(x) => out.set_item(name, x)?,
                OwnedValue::Time(t) => out.set_item(name, t.0 as f64 / 1e7)?,
                OwnedValue::Interval(i) => out.set_item(name, i.seconds())?,
                other => out.set_item(name, other.to_string())?,
            }
        }
        Ok(out)
    }
    fn __repr__(&self) -> String {
        format!("<Outcome {}>", self.inner.results())
    }
}

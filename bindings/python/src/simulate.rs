//! Scenarios and runs as Python objects.
//!
//! In: scenario files and texts, changes to them. Out: runs: measures, findings, tables as Arrow. Never: a result that
//! depends on anything but scenario, formula and seed.

use crate::{
    convert::{self, bad, instant, problems},
    frame,
};
use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use poolcast::{
    Options, Ticks,
    report::measures::Measures,
    sim::{self, autoscale::Compiler},
    wire::{
        run_tables,
        scenario::{self, Overrides},
        tables::Column,
        time,
    },
};
use pyo3::{prelude::*, types::PyDict};
use std::{
    fmt::Write as _,
    num::NonZeroU32,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A scenario: accounts, pools, jobs and their work, with the changes it was made with. It pickles as its text, so that any
/// process can run it; files it names are looked for relative to ``base``.
///
/// Scenario(text, *, json=False, base=".", name="scenario", formula=None, workload=None, seed=None, until=None, set=())
#[pyclass(frozen, module = "poolcast")]
pub(crate) struct Scenario {
    text: String,
    json: bool,
    base: PathBuf,
    file: String,
    changes: Overrides,
    inner: scenario::Scenario,
    /// Shared by every run.
    work: Arc<sim::workload::Workload>,
}

impl Scenario {
    fn read(
        py: Python<'_>,
        text: String,
        json: bool,
        base: PathBuf,
        file: String,
        changes: Overrides,
    ) -> PyResult<Scenario> {
        let read = py.detach(|| scenario::parse(&text, json, &base, &file, &changes));
        let inner = read.map_err(|list| problems(py, &file, list.iter().map(ToString::to_string).collect()))?;
        let work = Arc::new(inner.workload.clone());
        Ok(Scenario { text, json, base, file, changes, inner, work })
    }
    fn start(&self) -> Result<sim::Simulation, sim::StartError> {
        let compiler = Compiler::of_formulas(Options::default());
        sim::Simulation::new(self.inner.config.clone(), Arc::clone(&self.work), compiler)
    }
}

struct Fnv(u128);

impl std::fmt::Write for Fnv {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u128::from(byte)).wrapping_mul(0x0000000001000000000000000000013b);
        }
        Ok(())
    }
}

#[pymethods]
impl Scenario {
    #[new]
    #[pyo3(signature = (text, *, json = false, base = PathBuf::from("."), name = "scenario".into(), formula = None, workload = None, seed = None, until = None, set = Vec::new()))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        py: Python<'_>,
        text: String,
        json: bool,
        base: PathBuf,
        name: String,
        formula: Option<String>,
        workload: Option<String>,
        seed: Option<u64>,
        until: Option<String>,
        set: Vec<String>,
    ) -> PyResult<Scenario> {
        Scenario::read(
            py,
            text,
            json,
            base,
            name,
            Overrides { formula, workload, seed, until, set, ..Overrides::default() },
        )
    }

    /// Read a scenario file, TOML or (by its name) JSON.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Scenario> {
        let text =
            std::fs::read_to_string(&path).map_err(|e| bad(py, format!("cannot read {}: {e}", path.display())))?;
        let json = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"));
        let base = std::path::absolute(path.parent().unwrap_or(&path)).unwrap_or_default();
        let name = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        Scenario::read(py, text, json, base, name, Overrides::default())
    }

    /// The same with changes: another formula, workload file (and how many of its CPUs make one task slot), seed or horizon,
    /// and knobs as ``name=value``.
    #[pyo3(signature = (*, formula = None, workload = None, cpus_per_slot = None, seed = None, until = None, set = Vec::new()))]
    #[allow(clippy::too_many_arguments)] // keywords of a Python call
    fn replace(
        &self,
        py: Python<'_>,
        formula: Option<String>,
        workload: Option<String>,
        cpus_per_slot: Option<NonZeroU32>,
        seed: Option<u64>,
        until: Option<String>,
        set: Vec<String>,
    ) -> PyResult<Scenario> {
        let old = self.changes.clone();
        let changes = Overrides {
            formula: formula.or(old.formula),
            workload: workload.or(old.workload),
            cpus_per_slot: cpus_per_slot.map(NonZeroU32::get).or(old.cpus_per_slot),
            seed: seed.or(old.seed),
            until: until.or(old.until),
            set: old.set.into_iter().chain(set).collect(),
            ..old
        };
        Scenario::read(py, self.text.clone(), self.json, self.base.clone(), self.file.clone(), changes)
    }

    /// Its name.
    #[getter]
    fn name(&self) -> &str {
        &self.inner.name
    }
    /// What it is about, in the author's words.
    #[getter]
    fn about(&self) -> &str {
        &self.inner.about
    }
    /// The seed of its random streams.
    #[getter]
    fn seed(&self) -> u64 {
        self.inner.config.seed
    }
    /// How long it runs, in seconds.
    #[getter]
    fn horizon(&self) -> f64 {
        self.inner.config.horizon as f64 / 1000.0
    }
    /// A digest of everything a run depends on besides formula and seed given later: the scenario as read, with the work and
    /// the files it names, so that equal fingerprints are equal scenarios wherever they lie.
    #[getter]
    fn fingerprint(&self, py: Python<'_>) -> String {
        py.detach(|| {
            // FNV-1a of 128 bits over the plain form of both: not secret, only distinct.
            let mut hash = Fnv(0x6c62272e07bb014262b821756295c58d);
            let _ = write!(hash, "{:?}{:?}", self.inner.config, self.work);
            format!("{:032x}", hash.0)
        })
    }
    /// The text it was read from.
    #[getter]
    fn text(&self) -> &str {
        &self.text
    }
    fn __repr__(&self) -> String {
        format!("<Scenario {}, seed {}>", self.inner.name, self.inner.config.seed)
    }
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        let (py, s) = (slf.py(), slf.get());
        let kwargs = PyDict::new(py);
        kwargs.set_item("json", s.json)?;
        kwargs.set_item("base", &s.base)?;
        kwargs.set_item("name", &s.file)?;
        kwargs.set_item("formula", &s.changes.formula)?;
        kwargs.set_item("workload", &s.changes.workload)?;
        kwargs.set_item("seed", s.changes.seed)?;
        kwargs.set_item("until", &s.changes.until)?;
        kwargs.set_item("set", &s.changes.set)?;
        let partial = py.import("functools")?.getattr("partial")?.call((slf.get_type(),), Some(&kwargs))?;
        Ok((partial, (&s.text,).into_pyobject(py)?.into_any()))
    }
}

/// A scenario under way: step it, look at it, fork it.
///
/// Simulation(scenario)
#[pyclass(frozen, module = "poolcast")]
pub(crate) struct Simulation {
    inner: Mutex<sim::Simulation>,
    epoch: i64,
    horizon: i64,
}

impl Simulation {
    fn lock(&self) -> MutexGuard<'_, sim::Simulation> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Without the interpreter's lock: another thread may hold the simulation's.
    fn with<R: Send>(&self, py: Python<'_>, f: impl Send + FnOnce(&mut sim::Simulation) -> R) -> R {
        py.detach(|| f(&mut self.lock()))
    }
}

#[pymethods]
impl Simulation {
    #[new]
    fn new(py: Python<'_>, scenario: &Bound<'_, Scenario>) -> PyResult<Simulation> {
        let s = scenario.get();
        let inner = py.detach(|| s.start()).map_err(|e| bad(py, e.to_string()))?;
        let epoch = time::unix_ms_from_ticks(s.inner.config.epoch);
        Ok(Simulation { inner: Mutex::new(inner), epoch, horizon: s.inner.config.horizon })
    }
    /// Now, in epoch seconds.
    #[getter]
    fn now(&self, py: Python<'_>) -> f64 {
        self.with(py, |s| s.now()) as f64 / 1000.0 + self.epoch as f64 / 1000.0
    }
    /// Run to the end of the scenario.
    fn run(&self, py: Python<'_>) {
        self.with(py, |s| s.run());
    }
    /// Run to an instant (epoch seconds, ISO 8601 text or datetime); the end of the scenario at the latest.
    fn run_until(&self, py: Python<'_>, until: &Bound<'_, PyAny>) -> PyResult<()> {
        let Ticks(ticks) = instant(until)?;
        let ms = ticks.div_euclid(10_000).saturating_sub(self.epoch).min(self.horizon);
        self.with(py, |s| s.run_until(ms));
        Ok(())
    }
    /// One event; False at the end.
    fn step(&self, py: Python<'_>) -> bool {
        self.with(py, |s| s.step())
    }
    /// A second one that goes its own way from here.
    fn fork(&self, py: Python<'_>) -> Simulation {
        let inner = self.with(py, |s| s.clone());
        Simulation { inner: Mutex::new(inner), epoch: self.epoch, horizon: self.horizon }
    }
    /// Pools as they are now: id, targets, nodes, tasks by state.
    #[getter]
    fn pools<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let views: Vec<sim::PoolView> = self.with(py, |s| s.pools().collect());
        let one = |p: sim::PoolView| {
            let d = PyDict::new(py);
            d.set_item("id", p.id)?;
            d.set_item("targets", (p.target[0], p.target[1]))?;
            d.set_item("nodes", (p.current[0], p.current[1]))?;
            d.set_item("cost", (p.cost[0] as f64 / 1e6, p.cost[1] as f64 / 1e6))?;
            Ok(d)
        };
        views.into_iter().map(one).collect()
    }
    /// What came of it so far.
    fn result(&self, py: Python<'_>) -> PyResult<Run> {
        self.with(py, |s| Run::of(s)).map_err(|e| bad(py, e))
    }
    fn __repr__(&self, py: Python<'_>) -> String {
        format!("<Simulation at {}>", time::print_instant(self.with(py, |s| s.now()).saturating_add(self.epoch)))
    }
}

/// What came of a run.
#[pyclass(frozen, module = "poolcast")]
pub(crate) struct Run {
    measures: Measures,
    /// Observations worth a sentence, most important first.
    #[pyo3(get)]
    findings: Vec<String>,
    /// Digest of every event, as 16 hexadecimal digits: equal digests are equal runs.
    #[pyo3(get)]
    digest: String,
    /// Events.
    #[pyo3(get)]
    events: u64,
    tables: Vec<(&'static str, RecordBatch)>,
}

impl Run {
    fn of(s: &sim::Simulation) -> Result<Run, String> {
        let measures = Measures::of(s);
        let findings = s.findings().into_iter().map(|f| f.text).collect();
        let tables = run_tables::all(s).into_iter().map(|(name, table)| {
            let columns = table.columns().map(|(name, column)| {
                let array: ArrayRef = match column {
                    Column::Int(v) => Arc::new(Int64Array::from(v.clone())),
                    Column::Float(v) => Arc::new(Float64Array::from(v.clone())),
                    Column::Text(v) => Arc::new(StringArray::from_iter_values(v)),
                    Column::Choice(words, at) => Arc::new(StringArray::from_iter_values(
                        at.iter().map(|i| words.get(*i as usize).map_or("", |w| w)),
                    )),
                };
                (name.to_owned(), array)
            });
            Ok((name, RecordBatch::try_from_iter(columns).map_err(|e| e.to_string())?))
        });
        Ok(Run {
            measures,
            findings,
            digest: format!("{:016x}", s.digest()),
            events: s.events(),
            tables: tables.collect::<Result<_, String>>()?,
        })
    }
}

#[pymethods]
impl Run {
    /// The figures by name; times in milliseconds, money in the currency of the price table.
    #[getter]
    fn measures<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        measures_dict(py, &self.measures)
    }
    /// The names of the tables.
    #[getter]
    fn tables(&self) -> Vec<&'static str> {
        self.tables.iter().map(|(n, _)| *n).collect()
    }
    /// A table, for ``pyarrow.table``, ``polars.DataFrame``, ``pandas.DataFrame.from_arrow`` and others; columns are not copied.
    fn table(&self, py: Python<'_>, name: &str) -> PyResult<Frame> {
        let found = self.tables.iter().find(|(n, _)| *n == name);
        let (_, batch) =
            found.ok_or_else(|| bad(py, format!("no table `{name}`; there are {}", self.tables().join(", "))))?;
        Ok(Frame { batch: batch.clone() })
    }
    fn __repr__(&self) -> String {
        format!("<Run {} of {} events>", self.digest, self.events)
    }
}

fn measures_dict<'py>(py: Python<'py>, m: &Measures) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    for ((name, ..), value) in Measures::ROWS.iter().zip(m.values()) {
        out.set_item(*name, value)?;
    }
    Ok(out)
}

/// A table that speaks the Arrow PyCapsule interface.
#[pyclass(frozen, module = "poolcast")]
pub(crate) struct Frame {
    batch: RecordBatch,
}

#[pymethods]
impl Frame {
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let _ = requested_schema;
        frame::export(py, Ok(self.batch.clone()))
    }
    fn __len__(&self) -> usize {
        self.batch.num_rows()
    }
    /// The columns' names.
    #[getter]
    fn columns(&self) -> Vec<String> {
        self.batch.schema().fields().iter().map(|f| f.name().clone()).collect()
    }
    fn __repr__(&self) -> String {
        format!("<Frame of {} rows: {}>", self.batch.num_rows(), self.columns().join(", "))
    }
}

/// Run a scenario to its end and say what came of it. Takes a Scenario, or the path of a file, and changes as
/// Scenario.replace does.
#[pyfunction]
#[pyo3(signature = (scenario, *, formula = None, workload = None, seed = None, until = None, set = Vec::new()))]
pub(crate) fn simulate(
    py: Python<'_>,
    scenario: &Bound<'_, PyAny>,
    formula: Option<String>,
    workload: Option<String>,
    seed: Option<u64>,
    until: Option<String>,
    set: Vec<String>,
) -> PyResult<Run> {
    let changed = changed(py, scenario, formula, workload, seed, until, set)?;
    let s = changed.bind(py).get();
    let run = py.detach(|| {
        let mut sim = s.start().map_err(|e| e.to_string())?;
        sim.run();
        Run::of(&sim)
    });
    run.map_err(|e| bad(py, e))
}

/// The measures and the digest of one run: what a sweep keeps of it. Gives (digest, events, measures).
#[pyfunction]
#[pyo3(signature = (scenario, formula, seed, set = Vec::new()))]
pub(crate) fn measure<'py>(
    py: Python<'py>,
    scenario: &Bound<'py, PyAny>,
    formula: Option<String>,
    seed: Option<u64>,
    set: Vec<String>,
) -> PyResult<(String, u64, Bound<'py, PyDict>)> {
    let changed = changed(py, scenario, formula, None, seed, None, set)?;
    let s = changed.bind(py).get();
    let run = py.detach(|| {
        let mut sim = s.start()?;
        sim.run();
        Ok::<_, sim::StartError>((Measures::of(&sim), sim.digest(), sim.events()))
    });
    let (measures, digest, events) = run.map_err(|e| bad(py, e.to_string()))?;
    Ok((format!("{digest:016x}"), events, measures_dict(py, &measures)?))
}

fn changed<'py>(
    py: Python<'py>,
    scenario: &Bound<'py, PyAny>,
    formula: Option<String>,
    workload: Option<String>,
    seed: Option<u64>,
    until: Option<String>,
    set: Vec<String>,
) -> PyResult<Py<Scenario>> {
    let base: Py<Scenario> = match scenario.cast::<Scenario>() {
        Ok(s) => s.clone().unbind(),
        Err(_) => {
            let path: PathBuf = scenario
                .extract()
                .map_err(|_| convert::type_error("a scenario is a Scenario or the path of a file"))?;
            Py::new(py, Scenario::load(py, path)?)?
        }
    };
    if formula.is_none() && workload.is_none() && seed.is_none() && until.is_none() && set.is_empty() {
        return Ok(base);
    }
    let made = base.bind(py).get().replace(py, formula, workload, None, seed, until, set)?;
    Py::new(py, made)
}

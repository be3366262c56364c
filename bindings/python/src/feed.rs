//! Feeds as Python objects: samples in by number, by array and by frame.

use crate::{
    convert::{bad, find_metric, instant, metric, span_of},
    frame,
};
use poolcast::{Interval, Metric, PoolState, Rules, Ticks};
use pyo3::{
    buffer::PyBuffer,
    prelude::*,
    types::{PyDict, PyMapping},
};

/// Recent samples of every metric and the pool's present state. Written and read from as many threads as you like.
///
/// Feed(keep=86400.0): of each metric, samples older than its newest by more than ``keep`` (seconds or timedelta) are
/// forgotten; None keeps everything.
#[pyclass(frozen, module = "poolcast")]
pub(crate) struct Feed {
    pub(crate) inner: poolcast::Feed,
}

/// The names of all metrics.
#[pyfunction]
pub(crate) fn metrics() -> Vec<&'static str> {
    Metric::ALL.iter().map(|m| m.name()).collect()
}

/// The doubles of an array: one block copy of a float64 buffer, element by element of other sequences. Copied before the
/// interpreter's lock is released, because the array's owner may write to it then.
fn doubles(value: &Bound<'_, PyAny>) -> PyResult<Vec<f64>> {
    let py = value.py();
    if let Ok(buffer) = PyBuffer::<f64>::get(value)
        && buffer.dimensions() == 1
    {
        return buffer.to_vec(py);
    }
    value.extract().map_err(|_| bad(py, "samples are numbers: an array of float64, or a sequence"))
}

/// Instants of an array: int64 counts of seconds, `datetime64` of any unit, or a sequence of anything [`instant`] reads.
fn instants(value: &Bound<'_, PyAny>) -> PyResult<Vec<Ticks>> {
    let py = value.py();
    if let Ok(dtype) = value.getattr("dtype")
        && dtype.getattr("kind").and_then(|k| k.extract::<String>()).is_ok_and(|k| k == "M")
    {
        // numpy itself converts between its units; 100 ns is one of them only by way of ns, which ends in 2262.
        let micro = value.call_method1("astype", ("datetime64[us]",))?.call_method1("view", ("int64",))?;
        let buffer = PyBuffer::<i64>::get(&micro)?;
        return Ok(buffer.to_vec(py)?.into_iter().map(|us| Ticks(us.saturating_mul(10))).collect());
    }
    if let Ok(buffer) = PyBuffer::<i64>::get(value) {
        return Ok(buffer.to_vec(py)?.into_iter().map(Ticks::from_unix_seconds).collect());
    }
    value.try_iter()?.map(|t| instant(&t?)).collect()
}

impl Feed {
    /// A feed of samples "as the service would show them now": one each 30 s, the last at `now`.
    pub(crate) fn of_mapping(samples: &Bound<'_, PyAny>, now: Ticks) -> PyResult<Feed> {
        let py = samples.py();
        let feed = Feed { inner: poolcast::Feed::keeping(None, &Rules::default()) };
        let Ok(mapping) = samples.cast::<PyMapping>() else {
            if samples.hasattr("__arrow_c_stream__")? {
                feed.add_frame(samples)?;
                return Ok(feed);
            }
            return Err(bad(py, "samples are a Feed, a mapping of metric names to numbers, or a frame"));
        };
        for item in mapping.items()?.iter() {
            let (name, values): (String, Bound<'_, PyAny>) = item.extract()?;
            let metric = metric(py, &name)?;
            let values = doubles(&values)?;
            let n = values.len() as i64;
            let at = |i: usize| Ticks(now.0.saturating_sub(Interval::SAMPLE_PERIOD.0.saturating_mul(n - 1 - i as i64)));
            feed.inner
                .extend(metric, values.iter().enumerate().map(|(i, v)| (at(i), *v)))
                .map_err(|e| bad(py, e.to_string()))?;
        }
        Ok(feed)
    }

    fn add_frame(&self, data: &Bound<'_, PyAny>) -> PyResult<usize> {
        let py = data.py();
        let stream = frame::stream(data)?;
        py.detach(|| frame::append(stream, &self.inner)).map_err(|e| bad(py, e))
    }
}

#[pymethods]
impl Feed {
    #[new]
    #[pyo3(signature = (keep = None, *, forever = false))]
    fn new(keep: Option<&Bound<'_, PyAny>>, forever: bool) -> PyResult<Feed> {
        let keep = match (keep, forever) {
            (_, true) => None,
            (None, _) => Some(Interval::DAY),
            (Some(value), _) => Some(span_of(value)?),
        };
        Ok(Feed { inner: poolcast::Feed::keeping(keep, &Rules::default()) })
    }

    /// Append one sample.
    fn push(&self, metric: &str, time: &Bound<'_, PyAny>, value: f64) -> PyResult<()> {
        let py = time.py();
        let m = crate::convert::metric(py, metric)?;
        self.inner.push(m, instant(time)?, value).map_err(|e| bad(py, e.to_string()))
    }

    /// Append samples of one metric, oldest first: times (datetime64, epoch seconds as int64, or a sequence) and values
    /// (float64 is one block copy). Stops at the first that is refused; those before it stay.
    fn extend(&self, metric: &str, times: &Bound<'_, PyAny>, values: &Bound<'_, PyAny>) -> PyResult<usize> {
        let py = times.py();
        let m = crate::convert::metric(py, metric)?;
        let (times, values) = (instants(times)?, doubles(values)?);
        if times.len() != values.len() {
            return Err(bad(py, format!("{} times, but {} values", times.len(), values.len())));
        }
        py.detach(|| self.inner.extend(m, times.into_iter().zip(values))).map_err(|e| bad(py, e.to_string()))
    }

    /// Append the samples of a frame that speaks Arrow (pyarrow, pandas, polars, …): a column ``time`` and one column for
    /// each metric, by its name with or without ``$``. Nulls are missing samples. Gives the number of samples.
    fn add(&self, frame: &Bound<'_, PyAny>) -> PyResult<usize> {
        self.add_frame(frame)
    }

    /// Tell the feed what the pool looks like now; what is left out stays.
    #[pyo3(signature = (*, targets = None, nodes = None, task_slots = None, seed = None))]
    fn set_pool(&self, targets: Option<[u32; 2]>, nodes: Option<[u32; 2]>, task_slots: Option<u32>, seed: Option<u64>) {
        let old = self.inner.pool();
        self.inner.set_pool(PoolState {
            targets: targets.unwrap_or(old.targets),
            nodes: nodes.unwrap_or(old.nodes),
            task_slots: task_slots.unwrap_or(old.task_slots),
            seed: seed.unwrap_or(old.seed),
        });
    }

    /// Forget every sample.
    fn clear(&self) {
        self.inner.clear();
    }

    /// Samples kept, of all metrics.
    fn __len__(&self) -> usize {
        self.inner.view().series().len()
    }
    /// Samples kept by metric.
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let out = PyDict::new(py);
        for (metric, series) in self.inner.view().series().iter().filter(|(_, s)| !s.is_empty()) {
            out.set_item(metric.name(), series.len())?;
        }
        Ok(out)
    }
    /// The samples as a frame, by the Arrow PyCapsule interface: columns ``time``, ``metric``, ``value``.
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let _ = requested_schema; // a wish; consumers cast for themselves
        frame::export(py, frame::samples(self.inner.view().series()))
    }
    fn __repr__(&self) -> String {
        format!("<Feed of {} samples>", self.__len__())
    }
}

/// The metric a frame's column is about, if it is one.
pub(crate) fn column_metric(name: &str) -> Option<Metric> {
    find_metric(name)
}

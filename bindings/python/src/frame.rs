//! Frames by the Arrow PyCapsule interface.
//!
//! In: anything with `__arrow_c_stream__`. Out: samples in a feed; record batches as a capsule, without a copy. Never: a
//! frame library.
#![allow(unsafe_code)]

use crate::{convert::bad, feed::column_metric};
use arrow_array::{
    Array, ArrayRef, Float64Array, Int64Array, RecordBatch, RecordBatchIterator, RecordBatchReader, StringArray,
    TimestampMicrosecondArray,
    cast::AsArray,
    ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader},
    types::*,
};
use arrow_schema::{ArrowError, DataType, TimeUnit};
use poolcast::{Feed, Metric, SeriesStore, Ticks};
use pyo3::{prelude::*, types::PyCapsule};
use std::{ffi::CStr, sync::Arc};

const STREAM: &CStr = c"arrow_array_stream";

/// The record batches of an object.
pub(crate) fn stream(data: &Bound<'_, PyAny>) -> PyResult<RecordBatchStreamReader> {
    let py = data.py();
    if !data.hasattr("__arrow_c_stream__")? {
        return Err(bad(py, "a frame has `__arrow_c_stream__`: pyarrow, pandas, polars, duckdb and others"));
    }
    let made = data.call_method0("__arrow_c_stream__")?;
    let capsule = made.cast::<PyCapsule>()?;
    let pointer = capsule.pointer_checked(Some(STREAM))?.cast::<FFI_ArrowArrayStream>();
    // SAFETY: a capsule of this name holds a stream by the interface's contract; it is moved out, and what is left behind
    // has no release function, so the capsule's destructor does nothing.
    let reader = unsafe { RecordBatchStreamReader::from_raw(pointer.as_ptr()) };
    reader.map_err(|e| bad(py, e.to_string()))
}

/// Appends the samples of a frame: `time` and a column for each metric.
pub(crate) fn append(reader: RecordBatchStreamReader, feed: &Feed) -> Result<usize, String> {
    let schema = reader.schema();
    let names: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
    let time = names.iter().position(|n| *n == "time").ok_or("a frame of samples has a column `time`")?;
    let mut columns: Vec<(usize, Metric)> = Vec::new();
    for (i, name) in names.iter().enumerate().filter(|(i, _)| *i != time) {
        // pandas writes its index along.
        if *name != "__index_level_0__" {
            columns.push((i, column_metric(name).ok_or_else(|| format!("column `{name}` is no metric"))?));
        }
    }
    let mut appended = 0;
    for batch in reader {
        let batch = batch.map_err(|e| e.to_string())?;
        let at = times(batch.column(time))?;
        for (i, metric) in &columns {
            let values = doubles(batch.column(*i))?;
            let rows = (0..batch.num_rows()).filter(|r| !at.is_null(*r) && !values(*r).is_none_or(f64::is_nan));
            let rows = rows.map(|r| (Ticks(at.value(r)), values(r).unwrap_or_default()));
            appended += feed.extend(*metric, rows).map_err(|e| e.to_string())?;
        }
    }
    Ok(appended)
}

/// A time column in ticks.
fn times(column: &ArrayRef) -> Result<Int64Array, String> {
    let scaled = |factor: i64, by: i64| -> Int64Array {
        let raw = column.to_data();
        let whole = Int64Array::from(raw.into_builder().data_type(DataType::Int64).build().unwrap_or_else(|_| {
            Int64Array::from(Vec::<i64>::new()).into_data() // same layout, so this cannot fail
        }));
        whole.unary(|t| t.saturating_mul(factor).div_euclid(by))
    };
    match column.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) | DataType::Int64 => Ok(scaled(10_000_000, 1)),
        DataType::Timestamp(TimeUnit::Millisecond, _) => Ok(scaled(10_000, 1)),
        DataType::Timestamp(TimeUnit::Microsecond, _) => Ok(scaled(10, 1)),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => Ok(scaled(1, 100)),
        other => Err(format!("column `time` is {other}; it takes timestamps, or int64 seconds")),
    }
}

/// A column of numbers, by row.
fn doubles(column: &ArrayRef) -> Result<Box<dyn Fn(usize) -> Option<f64> + '_>, String> {
    macro_rules! of {
        ($t:ty) => {{
            let typed = column.as_primitive::<$t>();
            Ok(Box::new(move |r| (!typed.is_null(r)).then(|| typed.value(r) as f64)))
        }};
    }
    match column.data_type() {
        DataType::Float64 => of!(Float64Type),
        DataType::Float32 => of!(Float32Type),
        DataType::Int64 => of!(Int64Type),
        DataType::Int32 => of!(Int32Type),
        DataType::Int16 => of!(Int16Type),
        DataType::UInt64 => of!(UInt64Type),
        DataType::UInt32 => of!(UInt32Type),
        DataType::UInt16 => of!(UInt16Type),
        DataType::Null => Ok(Box::new(|_| None)),
        other => Err(format!("a metric column is {other}; it takes numbers")),
    }
}

/// The samples of a store, long.
pub(crate) fn samples(store: &SeriesStore) -> Result<RecordBatch, ArrowError> {
    let (mut at, mut metric, mut value) = (Vec::new(), Vec::new(), Vec::new());
    for (m, series) in store.iter() {
        let all = series.values();
        for i in all.len() - series.len()..all.len() {
            at.push(series.measured(i).0.div_euclid(10));
            metric.push(m.name());
            value.push(all[i]);
        }
    }
    RecordBatch::try_from_iter([
        ("time", Arc::new(TimestampMicrosecondArray::from(at).with_timezone("UTC")) as ArrayRef),
        ("metric", Arc::new(StringArray::from(metric)) as ArrayRef),
        ("value", Arc::new(Float64Array::from(value)) as ArrayRef),
    ])
}

/// A capsule of one batch; the consumer takes the columns over as they are.
pub(crate) fn export(py: Python<'_>, batch: Result<RecordBatch, ArrowError>) -> PyResult<Bound<'_, PyAny>> {
    let batch = batch.map_err(|e| bad(py, e.to_string()))?;
    let schema = batch.schema();
    let stream = FFI_ArrowArrayStream::new(Box::new(RecordBatchIterator::new([Ok(batch)], schema)));
    Ok(PyCapsule::new_with_value(py, stream, STREAM)?.into_any())
}

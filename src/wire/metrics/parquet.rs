//! Parquet, long and wide, by the column reader: no Arrow.
//!
//! In: bytes. Out: raw samples. Never: a nested column.

use super::{Raw, Role, SamplesError, finite, metric, role, time};
use bytes::Bytes;
use parquet::{
    basic::{ConvertedType, LogicalType, TimeUnit},
    column::reader::{ColumnReader, ColumnReaderImpl},
    data_type::DataType,
    errors::ParquetError,
    file::reader::{FileReader, SerializedFileReader},
    schema::types::ColumnDescriptor,
};
use poolcast_runtime::{metric::Metric, ticks::Ticks};

const EXPECTED: &str = "expected columns `time`, `metric`, `value`, or `time` and one column per metric";
/// A declared row count is believed only up to here: memory follows what is really read.
const BATCH: usize = 1 << 16;

pub(super) fn read(bytes: &[u8], raw: &mut Raw) -> Result<(), SamplesError> {
    // The decoder is not ours, and damaged pages have made decoders panic before: a file must never end the process.
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| read_file(bytes, raw)))
        .unwrap_or_else(|_| Err(SamplesError::file("unreadable Parquet: the decoder gave up")))
}

fn read_file(bytes: &[u8], raw: &mut Raw) -> Result<(), SamplesError> {
    let file = SerializedFileReader::new(Bytes::copy_from_slice(bytes)).map_err(broken)?;
    let schema = file.metadata().file_metadata().schema_descr_ptr();
    let columns = schema.columns();
    let names: Vec<String> = columns.iter().map(|c| c.path().string()).collect();
    let find = |r: Role| names.iter().position(|n| role(n) == r);
    let Some(at) = find(Role::Time) else {
        return Err(SamplesError::file(format!("no `time` column ({})", super::clip(&names.join(", ")))).help(EXPECTED));
    };
    let long = find(Role::Metric).zip(find(Role::Value));
    let mut wide: Vec<(usize, Metric)> = Vec::new();
    let mut other: Vec<usize> = Vec::new();
    if long.is_none() {
        for (i, name) in names.iter().enumerate().filter(|(i, _)| *i != at) {
            match metric(name).map_err(|what| SamplesError::cell(0, name, what))? {
                Some(m) if wide.iter().any(|(_, o)| *o == m) => {
                    return Err(SamplesError::cell(0, name, format!("`{}` has two columns", m.name())));
                }
                Some(m) => wide.push((i, m)),
                None => other.push(i),
            }
        }
        if wide.is_empty() {
            let seen = super::clip(&names.join(", "));
            return Err(SamplesError::file(format!("no column is a metric ({seen})")).help(EXPECTED));
        }
    }
    for group in 0..file.num_row_groups() {
        let group = file.get_row_group(group).map_err(broken)?;
        let first = raw.rows;
        let column = |i: usize| -> Result<Cells, SamplesError> {
            let reader = group.get_column_reader(i).map_err(broken)?;
            Cells::read(reader, &columns[i]).map_err(|what| SamplesError::cell(first + 1, &names[i], what))
        };
        let times = column(at)?;
        raw.rows += times.len() as u64;
        let same = |i: usize, cells: &Cells| {
            if cells.len() == times.len() {
                return Ok(());
            }
            Err(SamplesError::cell(
                first + 1,
                &names[i],
                format!("{} rows where `time` has {}", cells.len(), times.len()),
            ))
        };
        let bad = |row: usize, i: usize, what: String| SamplesError::cell(first + row as u64 + 1, &names[i], what);
        if let Some((name, value)) = long {
            let (metrics, values) = (column(name)?, column(value)?);
            same(name, &metrics)?;
            same(value, &values)?;
            let mut last: Option<(Vec<u8>, Option<Metric>)> = None;
            for row in 0..times.len() {
                let text = metrics.text(row).map_err(|what| bad(row, name, what))?;
                if last.as_ref().is_none_or(|(known, _)| known != text) {
                    let found = metric(&String::from_utf8_lossy(text)).map_err(|what| bad(row, name, what))?;
                    last = Some((text.to_owned(), found));
                }
                match last {
                    Some((_, Some(m))) => {
                        let instant = times.time(row).map_err(|what| bad(row, at, what))?;
                        push(raw, m, instant, values.number(row).map_err(|what| bad(row, value, what))?);
                    }
                    _ => *raw.skipped.entry(String::from_utf8_lossy(text).into_owned()).or_default() += 1,
                }
            }
        } else {
            let instants: Result<Vec<Ticks>, _> =
                (0..times.len()).map(|row| times.time(row).map_err(|what| bad(row, at, what))).collect();
            let instants = instants?;
            for (i, m) in &wide {
                let values = column(*i)?;
                same(*i, &values)?;
                for (row, instant) in instants.iter().enumerate() {
                    push(raw, *m, *instant, values.number(row).map_err(|what| bad(row, *i, what))?);
                }
            }
        }
    }
    for i in other {
        raw.skipped.insert(names[i].clone(), raw.rows);
    }
    Ok(())
}

fn push(raw: &mut Raw, m: Metric, at: Ticks, x: Option<f64>) {
    match x {
        Some(x) => raw.column(m).push(at, x),
        None => raw.column(m).missing += 1,
    }
}

fn broken(e: ParquetError) -> SamplesError {
    SamplesError::file(format!("unreadable Parquet: {e}"))
}

/// One column of a row group; `None` is null.
enum Cells {
    Float(Vec<Option<f64>>),
    /// Whole numbers; as a time they are in the unit, or told by size.
    Whole(Vec<Option<i64>>, Option<Unit>),
    Text(Vec<Option<Vec<u8>>>),
}

#[derive(Clone, Copy)]
enum Unit {
    Days,
    Millis,
    Micros,
    Nanos,
}

impl Cells {
    fn read(reader: ColumnReader, of: &ColumnDescriptor) -> Result<Cells, String> {
        if of.max_rep_level() > 0 {
            return Err("a repeated column; only flat columns are read".to_owned());
        }
        let unit = match (of.logical_type_ref(), of.converted_type()) {
            (Some(LogicalType::Timestamp(t)), _) => Some(match t.unit {
                TimeUnit::MILLIS => Unit::Millis,
                TimeUnit::MICROS => Unit::Micros,
                TimeUnit::NANOS => Unit::Nanos,
            }),
            (Some(LogicalType::Date), _) | (_, ConvertedType::DATE) => Some(Unit::Days),
            (_, ConvertedType::TIMESTAMP_MILLIS) => Some(Unit::Millis),
            (_, ConvertedType::TIMESTAMP_MICROS) => Some(Unit::Micros),
            _ => None,
        };
        let max = of.max_def_level();
        let all = |e: ParquetError| format!("unreadable Parquet: {e}");
        Ok(match reader {
            ColumnReader::DoubleColumnReader(r) => Cells::Float(drain(r, max, |x| x).map_err(all)?),
            ColumnReader::FloatColumnReader(r) => Cells::Float(drain(r, max, f64::from).map_err(all)?),
            ColumnReader::Int32ColumnReader(r) => Cells::Whole(drain(r, max, i64::from).map_err(all)?, unit),
            ColumnReader::Int64ColumnReader(r) => Cells::Whole(drain(r, max, |x| x).map_err(all)?, unit),
            // Milliseconds: an INT96 of nonsense days would wrap in anything finer.
            ColumnReader::Int96ColumnReader(r) => {
                Cells::Whole(drain(r, max, |x| x.to_millis()).map_err(all)?, Some(Unit::Millis))
            }
            ColumnReader::ByteArrayColumnReader(r) => Cells::Text(drain(r, max, |x| x.data().to_vec()).map_err(all)?),
            ColumnReader::BoolColumnReader(_) | ColumnReader::FixedLenByteArrayColumnReader(_) => {
                return Err(format!("a column of type {}, which is neither number nor text", of.physical_type()));
            }
        })
    }

    fn len(&self) -> usize {
        match self {
            Cells::Float(v) => v.len(),
            Cells::Whole(v, _) => v.len(),
            Cells::Text(v) => v.len(),
        }
    }
    fn number(&self, row: usize) -> Result<Option<f64>, String> {
        match self {
            Cells::Float(v) => v[row].map_or(Ok(None), finite),
            Cells::Whole(v, _) => Ok(v[row].map(|x| x as f64)),
            Cells::Text(v) => v[row].as_deref().map_or(Ok(None), super::number),
        }
    }
    fn text(&self, row: usize) -> Result<&[u8], String> {
        match self {
            Cells::Text(v) => Ok(v[row].as_deref().unwrap_or_default()),
            _ => Err("a column of numbers where names are needed".to_owned()),
        }
    }
    fn time(&self, row: usize) -> Result<Ticks, String> {
        let none = || "no time".to_owned();
        match self {
            Cells::Float(v) => time(v[row].ok_or_else(none)?.to_string().as_bytes()),
            Cells::Text(v) => time(v[row].as_deref().ok_or_else(none)?),
            Cells::Whole(v, unit) => {
                let x = v[row].ok_or_else(none)?;
                let ticks = match unit {
                    None => return time(x.to_string().as_bytes()),
                    Some(Unit::Days) => x.checked_mul(864_000_000_000),
                    Some(Unit::Millis) => x.checked_mul(10_000),
                    Some(Unit::Micros) => x.checked_mul(10),
                    Some(Unit::Nanos) => Some(x.div_euclid(100)),
                };
                ticks
                    .map(Ticks)
                    .filter(|t| t.in_calendar())
                    .ok_or_else(|| format!("{x} is outside the years 1 to 9999"))
            }
        }
    }
}

/// All cells of a column, nulls included.
fn drain<T: DataType, U: Clone>(
    mut r: ColumnReaderImpl<T>,
    max: i16,
    f: impl Fn(T::T) -> U,
) -> Result<Vec<Option<U>>, ParquetError> {
    let mut out = Vec::new();
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    loop {
        levels.clear();
        values.clear();
        let (records, _, _) = r.read_records(BATCH, (max > 0).then_some(&mut levels), None, &mut values)?;
        if records == 0 {
            return Ok(out);
        }
        let mut present = values.drain(..).map(&f);
        if max == 0 {
            out.extend(present.map(Some));
        } else {
            out.extend(levels.iter().map(|level| if *level == max { present.next() } else { None }));
        }
    }
}

//! Tables out: CSV, and Parquet with the feature.
//!
//! In: named columns. Out: a file. Never: a half-written file under the final name.

use crate::{
    sim::workload::{Exit, Workload},
    wire::{import::builder::WAIT_UNKNOWN, time, whole::write_whole},
};
use std::{
    io::{self, Write},
    path::Path,
};

/// One column.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// Whole numbers.
    Int(Vec<i64>),
    /// Numbers.
    Float(Vec<f64>),
    /// Text.
    Text(Vec<String>),
    /// Text with few distinct values: (values, index per row).
    Choice(Vec<String>, Vec<u32>),
}

impl Column {
    fn len(&self) -> usize {
        match self {
            Column::Int(v) => v.len(),
            Column::Float(v) => v.len(),
            Column::Text(v) => v.len(),
            Column::Choice(_, v) => v.len(),
        }
    }
}

/// Named columns of one length.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    columns: Vec<(String, Column)>,
}

impl Table {
    /// No columns yet.
    pub fn new() -> Table {
        Table::default()
    }

    /// Adds a column; its length must be that of the others.
    pub fn with(mut self, name: impl Into<String>, column: Column) -> Table {
        debug_assert!(self.columns.first().is_none_or(|(_, c)| c.len() == column.len()));
        self.columns.push((name.into(), column));
        self
    }

    /// Rows.
    pub fn len(&self) -> usize {
        self.columns.first().map_or(0, |(_, c)| c.len())
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Names with their columns.
    pub fn columns(&self) -> impl Iterator<Item = (&str, &Column)> {
        self.columns.iter().map(|(name, column)| (name.as_str(), column))
    }
    /// Names in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(n, _)| n.as_str())
    }

    /// Writes by extension: `.parquet`, else CSV. The file appears whole or not at all.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let parquet = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("parquet"));
        write_whole(path, |out| if parquet { self.write_parquet(out) } else { self.write_csv(out) })
    }

    /// As CSV.
    pub fn write_csv(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut csv = csv::Writer::from_writer(out);
        csv.write_record(self.names())?;
        let mut field = String::new();
        for row in 0..self.len() {
            for (_, column) in &self.columns {
                use std::fmt::Write as _;
                field.clear();
                match column {
                    Column::Int(v) => write!(field, "{}", v[row]).unwrap_or_default(),
                    Column::Float(v) => write!(field, "{}", v[row]).unwrap_or_default(),
                    Column::Text(v) => field.push_str(&v[row]),
                    Column::Choice(values, v) => field.push_str(&values[v[row] as usize]),
                }
                csv.write_field(&field)?;
            }
            csv.write_record(None::<&[u8]>)?;
        }
        csv.flush()
    }

    #[cfg(not(feature = "parquet"))]
    fn write_parquet(&self, _: &mut dyn Write) -> io::Result<()> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "this build writes no Parquet: build with `--features parquet`, or name a .csv file",
        ))
    }

    #[cfg(feature = "parquet")]
    fn write_parquet(&self, out: &mut dyn Write) -> io::Result<()> {
        parquet_out::write(self, out).map_err(io::Error::other)
    }
}

/// A workload as the table `import` writes and every importer reads back.
pub fn of_workload(w: &Workload) -> Table {
    let base = time::unix_ms_from_ticks(w.epoch);
    let mut t = Table::new()
        .with("submit_ms", Column::Int(w.submit_ms.iter().map(|s| base.saturating_add(*s as i64)).collect()))
        .with("run_ms", Column::Int(w.run_ms.iter().map(|r| *r as i64).collect()))
        .with("slots", Column::Int(w.slots.iter().map(|s| *s as i64).collect()))
        .with("job", Column::Choice(w.jobs.iter().map(|j| j.id.clone()).collect(), w.job.clone()));
    let text = |f: &dyn Fn(usize) -> String| Column::Text((0..w.len()).map(f).collect());
    if !w.exit.is_empty() {
        let code = |e: &Exit| match e {
            Exit::Success => 0,
            Exit::Code(c) => *c as i64,
        };
        t = t.with("exit", Column::Int(w.exit.iter().map(code).collect()));
    }
    if !w.recorded_wait_ms.is_empty() {
        t = t.with(
            "wait_ms",
            Column::Int(w.recorded_wait_ms.iter().map(|x| if *x == WAIT_UNKNOWN { -1 } else { *x as i64 }).collect()),
        );
    }
    if w.jobs.iter().any(|j| j.priority != 0) {
        t = t.with("priority", Column::Int(w.job.iter().map(|j| w.jobs[*j as usize].priority as i64).collect()));
    }
    let dependent = w.extra.values().any(|x| !x.depends_on.is_empty());
    let id = |i: usize| match w.names.get(i) {
        // Names need not be unique; a dependency needs ids that are.
        Some(n) if !dependent => n.clone(),
        _ => format!("{i}"),
    };
    if dependent || !w.names.is_empty() {
        t = t.with("id", text(&id));
    }
    let extra = |i: usize| w.extra.get(&(i as u32));
    let some =
        |f: &dyn Fn(&crate::sim::workload::TaskExtra) -> Option<String>| w.extra.values().any(|x| f(x).is_some());
    let mut rare = |name: &str, f: &dyn Fn(&crate::sim::workload::TaskExtra) -> Option<String>| {
        if some(f) {
            let column = text(&|i| extra(i).and_then(f).unwrap_or_default());
            t = std::mem::take(&mut t).with(name, column);
        }
    };
    rare("depends_on", &|x| {
        (!x.depends_on.is_empty()).then(|| x.depends_on.iter().map(|d| d.to_string()).collect::<Vec<_>>().join(";"))
    });
    rare("instances", &|x| (x.instances > 1).then(|| x.instances.to_string()));
    rare("cpu_percent", &|x| x.cpu_percent.map(|c| c.to_string()));
    rare("memory_mb", &|x| x.memory_mb.map(|m| m.to_string()));
    rare("max_retries", &|x| x.max_retries.map(|r| r.to_string()));
    rare("max_wall_ms", &|x| x.max_wall_clock_ms.map(|r| r.to_string()));
    t
}

#[cfg(feature = "parquet")]
mod parquet_out {
    use super::{Column, Table};
    use parquet::{
        basic::{Compression, Encoding, LogicalType, Repetition, Type as Physical},
        data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type},
        errors::Result,
        file::{properties::WriterProperties, writer::SerializedFileWriter},
        schema::types::{ColumnPath, Type},
    };
    use std::{io::Write, sync::Arc};

    /// Rows per row group: what a reader holds at a time.
    const GROUP: usize = 262_144;

    pub(super) fn write(table: &Table, out: &mut dyn Write) -> Result<()> {
        let fields = table
            .columns
            .iter()
            .map(|(name, column)| {
                let builder = match column {
                    Column::Int(_) => Type::primitive_type_builder(name, Physical::INT64),
                    Column::Float(_) => Type::primitive_type_builder(name, Physical::DOUBLE),
                    _ => Type::primitive_type_builder(name, Physical::BYTE_ARRAY)
                        .with_logical_type(Some(LogicalType::String)),
                };
                builder.with_repetition(Repetition::REQUIRED).build().map(Arc::new)
            })
            .collect::<Result<Vec<_>>>()?;
        let schema = Arc::new(Type::group_type_builder("poolcast").with_fields(fields).build()?);
        let mut properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
        for (name, column) in &table.columns {
            if let Column::Int(_) = column {
                // Instants, durations and counts differ little from row to row: differences take half the room of a
                // dictionary that overflows, and a third less time to read.
                let path = ColumnPath::from(name.to_string());
                properties = properties
                    .set_column_dictionary_enabled(path.clone(), false)
                    .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
            }
        }
        let properties = Arc::new(properties.build());
        // The writer wants ownership and Send; a buffer of compressed pages is small beside the table itself.
        let mut file = SerializedFileWriter::new(Vec::new(), schema, properties)?;
        let mut start = 0;
        while start < table.len() || start == 0 {
            let end = (start + GROUP).min(table.len());
            let mut group = file.next_row_group()?;
            for (_, column) in &table.columns {
                let Some(mut writer) = group.next_column()? else { break };
                match column {
                    Column::Int(v) => writer.typed::<Int64Type>().write_batch(&v[start..end], None, None)?,
                    Column::Float(v) => writer.typed::<DoubleType>().write_batch(&v[start..end], None, None)?,
                    Column::Text(v) => {
                        let bytes: Vec<ByteArray> = v[start..end].iter().map(|s| ByteArray::from(s.as_str())).collect();
                        writer.typed::<ByteArrayType>().write_batch(&bytes, None, None)?
                    }
                    Column::Choice(values, v) => {
                        let known: Vec<ByteArray> = values.iter().map(|s| ByteArray::from(s.as_str())).collect();
                        let bytes: Vec<ByteArray> = v[start..end].iter().map(|i| known[*i as usize].clone()).collect();
                        writer.typed::<ByteArrayType>().write_batch(&bytes, None, None)?
                    }
                };
                writer.close()?;
            }
            group.close()?;
            start = end;
            if start >= table.len() {
                break;
            }
        }
        let bytes = file.into_inner()?;
        out.write_all(&bytes)?;
        Ok(())
    }
}

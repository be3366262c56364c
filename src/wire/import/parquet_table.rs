//! Parquet tables with the same named columns as CSV.
//!
//! In: a file; only the columns that mean something are decoded, a batch at a time. Out: rows. Never: nested columns.

use super::{
    Imported, Options, Problem,
    builder::{Builder, ImportReport, Origin, Row},
    done,
    table::{Column, Columns, Dependencies, Role, Unit, scale},
};
use crate::{sim::workload::Exit, wire::time};
use parquet::{
    basic::{LogicalType, TimeUnit},
    column::reader::ColumnReader,
    data_type::ByteArray,
    file::reader::{FileReader, SerializedFileReader},
};
use std::{fs::File, path::Path};

/// Rows decoded at a time; with eight columns this is a quarter of a megabyte and stays in the cache.
const BATCH: usize = 4096;

pub(super) fn read(path: &Path, options: &Options) -> Result<(Imported, ImportReport), Problem> {
    let broken = |e: parquet::errors::ParquetError| Problem::row(0, format!("not a readable Parquet file: {e}"));
    let file = File::open(path).map_err(|e| Problem::row(0, format!("cannot open: {e}")))?;
    let reader = SerializedFileReader::new(file).map_err(broken)?;
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    let names: Vec<String> = schema.columns().iter().map(|c| c.path().string()).collect();
    let columns = Columns::of(names);
    let submit = columns.submission()?;
    let mut b = Builder::new(options.names);
    b.report.note(columns.describe());
    let roles = [
        Role::Submit,
        Role::Run,
        Role::Start,
        Role::End,
        Role::Wait,
        Role::Slots,
        Role::Job,
        Role::Name,
        Role::Priority,
        Role::Exit,
        Role::CpuPercent,
        Role::MemoryMb,
        Role::Instances,
        Role::MaxRetries,
        Role::MaxWall,
        Role::DependsOn,
    ];
    let wanted: Vec<Column> = roles.iter().filter_map(|r| columns.get(*r).cloned()).collect();
    let place = |role: Role| wanted.iter().position(|c| c.role == role);
    let [run, start, end, wait] = [Role::Run, Role::Start, Role::End, Role::Wait].map(place);
    let [slots, job, name, priority, exit] =
        [Role::Slots, Role::Job, Role::Name, Role::Priority, Role::Exit].map(place);
    let rare: Vec<usize> =
        wanted.iter().enumerate().filter(|(_, c)| c.role >= Role::CpuPercent).map(|(i, _)| i).collect();
    let mut deps = Dependencies::default();
    // A timestamp column says its own unit, whatever its name.
    let stamp: Vec<Option<i64>> = wanted
        .iter()
        .map(|c| match schema.column(c.at).logical_type_ref() {
            Some(LogicalType::Timestamp(t)) => Some(match t.unit {
                TimeUnit::MILLIS => 1,
                TimeUnit::MICROS => 1_000,
                TimeUnit::NANOS => 1_000_000,
            }),
            _ => None,
        })
        .collect();
    // Without any of these, a batch in which nothing is odd goes in column by column.
    let simple = rare.is_empty() && priority.is_none() && (wait.is_some() || start.is_none());
    let mut absolute = None;
    let (mut row_number, mut job_numbers) = (0u64, Vec::new());
    b.reserve(usize::try_from(reader.metadata().file_metadata().num_rows()).unwrap_or(0).min(MOST_RESERVED));
    for g in 0..reader.num_row_groups() {
        let group = reader.get_row_group(g).map_err(broken)?;
        let mut parts = Vec::with_capacity(wanted.len());
        for c in &wanted {
            let optional = schema.column(c.at).max_def_level();
            if optional > 1 || schema.column(c.at).max_rep_level() > 0 {
                return Err(Problem::row(0, format!("column `{}` is nested; tasks need flat columns", c.name)));
            }
            parts.push(Part::new(group.get_column_reader(c.at).map_err(broken)?, optional > 0, &c.name)?);
        }
        loop {
            let mut count = 0;
            for part in &mut parts {
                count = part.next(BATCH).map_err(broken)?;
            }
            if count == 0 {
                break;
            }
            if simple && !b.keeps_names() {
                let of = |p: Option<usize>| p.map(|p| (&parts[p], &wanted[p]));
                let batch = Batch {
                    count,
                    submit: (&parts[0], submit.unit, stamp[0]),
                    run: of(run),
                    slots: slots.map(|p| &parts[p]),
                    job: job.map(|p| &parts[p]),
                    exit: exit.map(|p| &parts[p]),
                    wait: of(wait),
                };
                if batch.add(&mut b, options, &mut absolute, &mut job_numbers).is_some() {
                    row_number += count as u64;
                    continue;
                }
            }
            for i in 0..count {
                row_number += 1;
                let Some((at, unix)) = parts[0].instant(i, &submit, stamp[0]) else {
                    if parts[0].is_null(i) {
                        b.report.skip("no submission time", row_number);
                        continue;
                    }
                    return Err(Problem::field(
                        row_number,
                        &submit.name,
                        &parts[0].show(i),
                        "an instant: ISO 8601, or a number",
                    ));
                };
                if *absolute.get_or_insert(unix) != unix {
                    return Err(Problem::field(
                        row_number,
                        &submit.name,
                        &parts[0].show(i),
                        "the same kind of time as the rows above",
                    ));
                }
                let moment =
                    |p: Option<usize>| p.and_then(|p| parts[p].instant(i, &wanted[p], stamp[p])).map(|(t, _)| t);
                let run_ms = match run {
                    Some(p) => parts[p].span(i, &wanted[p]),
                    None => moment(start).zip(moment(end)).map(|(s, e)| e - s),
                };
                let Some(run_ms) = run_ms.filter(|ms| *ms >= 0) else {
                    if let Some(p) = run.filter(|p| !parts[*p].is_null(i) && parts[*p].span(i, &wanted[*p]).is_none()) {
                        return Err(Problem::field(row_number, &wanted[p].name, &parts[p].show(i), "a duration"));
                    }
                    b.report.skip("no run time (empty or negative)", row_number);
                    continue;
                };
                let code =
                    exit.and_then(|p| parts[p].int(i)).map_or(0, |c| c.clamp(i32::MIN as i64, i32::MAX as i64) as i32);
                if code != 0 && !options.keep_failed {
                    b.report.skip("failed", row_number);
                    continue;
                }
                let waited = match wait {
                    Some(p) => parts[p].span(i, &wanted[p]),
                    None => moment(start).map(|s| s - at),
                };
                let row = Row {
                    submit_ms: at,
                    run_ms: run_ms as u64,
                    slots: slots.map_or(1, |p| options.slots(parts[p].int(i).unwrap_or(1).max(1) as u64)),
                    job: job.map_or(b"", |p| parts[p].bytes(i)),
                    priority: priority.and_then(|p| parts[p].int(i)).map_or(0, |p| p.clamp(-1000, 1000) as i32),
                    name: name.map(|p| parts[p].bytes(i)),
                    exit: if code == 0 { Exit::Success } else { Exit::Code(code) },
                    wait_ms: waited.filter(|w| *w >= 0).map(|w| w as u64),
                };
                let index = b.push(row, row_number);
                if !rare.is_empty() {
                    if let (Some(_), Some(n)) = (place(Role::DependsOn), name) {
                        deps.name(parts[n].bytes(i), index);
                    }
                    for &p in &rare {
                        let text = parts[p].show(i);
                        super::table::take_rare(&mut b, &mut deps, &wanted[p], &text, row_number, index)?;
                    }
                }
            }
        }
    }
    b.report.rows = row_number;
    deps.resolve(&mut b)?;
    if absolute == Some(false) {
        b.report.note("times are relative: time 0 is taken as Monday 2024-01-01T00:00:00Z");
    }
    done(b, if absolute == Some(true) { Origin::Unix } else { Origin::At(time::DEFAULT_EPOCH_UNIX_MS) })
}

/// More rows than these are not believed before they are read.
const MOST_RESERVED: usize = 1 << 24;

/// Rows of which nothing is odd, as far as their columns tell: numbers everywhere, in range, one kind of time.
struct Batch<'a> {
    count: usize,
    submit: (&'a Part, Unit, Option<i64>),
    run: Option<(&'a Part, &'a Column)>,
    slots: Option<&'a Part>,
    job: Option<&'a Part>,
    exit: Option<&'a Part>,
    wait: Option<(&'a Part, &'a Column)>,
}

impl Batch<'_> {
    /// Adds the rows; none, and nothing is added, when they must be looked at one by one.
    fn add(&self, b: &mut Builder, options: &Options, absolute: &mut Option<bool>, job: &mut Vec<u32>) -> Option<()> {
        let n = self.count;
        let (part, unit, stamp) = self.submit;
        let (submit, lo, hi) = part.numbers(n)?;
        let (times, per_ms, unix) = match stamp {
            Some(per_ms) => (1, per_ms, true),
            None => {
                let (factor, unix) = scale(lo, unit);
                ((factor, unix) == scale(hi, unit)).then_some((factor, 1, unix))?
            }
        };
        if absolute.is_some_and(|a| a != unix) {
            return None;
        }
        let (runs, run_ms) = spans(self.run?, n)?;
        let waits = match self.wait {
            Some(wait) => Some(spans(wait, n)?),
            None => None,
        };
        let slots = match self.slots {
            Some(part) => {
                let (slots, lo, hi) = part.numbers(n)?;
                (lo >= 1 && hi <= i64::from(u16::MAX)).then_some(())?;
                Some(slots)
            }
            None => None,
        };
        let exit = match self.exit {
            Some(part) => {
                let (codes, lo, hi) = part.numbers(n)?;
                let failed = (lo, hi) != (0, 0);
                (i32::try_from(lo).is_ok() && i32::try_from(hi).is_ok() && (options.keep_failed || !failed))
                    .then_some(())?;
                failed.then_some(codes)
            }
            None => None,
        };
        let jobs = match self.job.map(|part| &part.values) {
            Some(Values::Bytes(v)) if v.len() == n => Some(v),
            Some(_) => return None,
            None => None,
        };
        // From here on nothing is refused. Values of a dictionary lie at one address each as long as the batch lives.
        *absolute = Some(unix);
        job.clear();
        match jobs {
            Some(ids) => {
                let mut seen = [(0usize, 0usize, 0u32); 256];
                job.extend(ids.iter().map(|id| {
                    let id = id.data();
                    let (at, len) = (id.as_ptr().addr(), id.len());
                    let place = &mut seen[(at.wrapping_mul(0x9e37_79b9) >> 12) % 256];
                    if (place.0, place.1) != (at, len) || len == 0 {
                        *place = (at, len, b.job(id, 0));
                    }
                    place.2
                }));
            }
            None => job.resize(n, b.job(b"", 0)),
        }
        b.extend(
            submit.iter().map(|s| if per_ms == 1 { s.saturating_mul(times) } else { s.div_euclid(per_ms) }),
            runs.iter().map(|r| (r * run_ms) as u32),
            (0..n).map(|i| match slots {
                None => 1,
                Some(s) if options.cpus_per_slot <= 1 => s[i] as u16,
                Some(s) => options.slots(s[i] as u64) as u16,
            }),
            job.iter().copied(),
            exit.map(|codes| codes.iter().map(|c| if *c == 0 { Exit::Success } else { Exit::Code(*c as i32) })),
            waits.map(|(waits, wait_ms)| waits.iter().map(move |w| (w * wait_ms) as u32)),
        );
        Some(())
    }
}

/// Durations that fit, with what makes milliseconds of them.
fn spans<'a>((part, column): (&'a Part, &Column), count: usize) -> Option<(&'a [i64], i64)> {
    let factor = if column.unit == Unit::Ms { 1 } else { 1000 };
    let (spans, lo, hi) = part.numbers(count)?;
    (lo >= 0 && hi.checked_mul(factor)? < i64::from(u32::MAX)).then_some((spans, factor))
}

/// One column being read; the buffers are reused from batch to batch.
enum Values {
    Int(Vec<i64>),
    Float(Vec<f64>),
    Bytes(Vec<ByteArray>),
}

struct Part {
    reader: ColumnReader,
    values: Values,
    small: Vec<i32>,
    single: Vec<f32>,
    levels: Vec<i16>,
    optional: bool,
    /// Per row of an optional column: where its value is, or nothing.
    index: Vec<u32>,
}

const NULL: u32 = u32::MAX;

impl Part {
    fn new(reader: ColumnReader, optional: bool, name: &str) -> Result<Part, Problem> {
        let values = match &reader {
            ColumnReader::Int32ColumnReader(_) | ColumnReader::Int64ColumnReader(_) => {
                Values::Int(Vec::with_capacity(BATCH))
            }
            ColumnReader::FloatColumnReader(_) | ColumnReader::DoubleColumnReader(_) => {
                Values::Float(Vec::with_capacity(BATCH))
            }
            ColumnReader::ByteArrayColumnReader(_) => Values::Bytes(Vec::with_capacity(BATCH)),
            _ => return Err(Problem::row(0, format!("column `{name}` is neither a number nor text"))),
        };
        Ok(Part {
            reader,
            values,
            small: Vec::new(),
            single: Vec::new(),
            levels: Vec::new(),
            optional,
            index: Vec::new(),
        })
    }

    fn next(&mut self, most: usize) -> parquet::errors::Result<usize> {
        self.levels.clear();
        let levels = if self.optional { Some(&mut self.levels) } else { None };
        let records = match (&mut self.reader, &mut self.values) {
            (ColumnReader::Int64ColumnReader(r), Values::Int(v)) => {
                v.clear();
                r.read_records(most, levels, None, v)?.0
            }
            (ColumnReader::Int32ColumnReader(r), Values::Int(v)) => {
                self.small.clear();
                let n = r.read_records(most, levels, None, &mut self.small)?.0;
                v.clear();
                v.extend(self.small.iter().map(|x| *x as i64));
                n
            }
            (ColumnReader::DoubleColumnReader(r), Values::Float(v)) => {
                v.clear();
                r.read_records(most, levels, None, v)?.0
            }
            (ColumnReader::FloatColumnReader(r), Values::Float(v)) => {
                self.single.clear();
                let n = r.read_records(most, levels, None, &mut self.single)?.0;
                v.clear();
                v.extend(self.single.iter().map(|x| *x as f64));
                n
            }
            (ColumnReader::ByteArrayColumnReader(r), Values::Bytes(v)) => {
                v.clear();
                r.read_records(most, levels, None, v)?.0
            }
            _ => 0,
        };
        if self.optional {
            self.index.clear();
            let mut at = 0;
            self.index.extend(self.levels.iter().map(|l| {
                if *l == 0 {
                    return NULL;
                }
                at += 1;
                at - 1
            }));
        }
        Ok(records)
    }

    #[inline]
    fn at(&self, row: usize) -> Option<usize> {
        if !self.optional {
            return Some(row);
        }
        self.index.get(row).filter(|i| **i != NULL).map(|i| *i as usize)
    }

    /// The numbers of a batch without a gap, the least and the greatest of them.
    fn numbers(&self, count: usize) -> Option<(&[i64], i64, i64)> {
        let Values::Int(v) = &self.values else { return None };
        if v.len() != count {
            return None;
        }
        let (lo, hi) = v.iter().fold((i64::MAX, i64::MIN), |(lo, hi), x| (lo.min(*x), hi.max(*x)));
        Some((v, lo, hi))
    }

    fn is_null(&self, row: usize) -> bool {
        self.at(row).is_none()
    }

    #[inline]
    fn int(&self, row: usize) -> Option<i64> {
        let i = self.at(row)?;
        match &self.values {
            Values::Int(v) => v.get(i).copied(),
            Values::Float(v) => v.get(i).filter(|x| x.is_finite()).map(|x| x.ceil() as i64),
            Values::Bytes(v) => super::source::int(v.get(i)?.data()),
        }
    }

    #[inline]
    fn bytes(&self, row: usize) -> &[u8] {
        match (&self.values, self.at(row)) {
            (Values::Bytes(v), Some(i)) => v.get(i).map_or(b"", |b| b.data()),
            _ => b"",
        }
    }

    #[inline]
    fn instant(&self, row: usize, c: &Column, stamp: Option<i64>) -> Option<(i64, bool)> {
        match (&self.values, stamp) {
            (Values::Int(v), Some(per_ms)) => Some((v.get(self.at(row)?)?.div_euclid(per_ms), true)),
            (Values::Int(v), None) => Some(super::table::number_instant(*v.get(self.at(row)?)?, c.unit)),
            _ => super::table::instant(&self.show(row), c.unit),
        }
    }

    #[inline]
    fn span(&self, row: usize, c: &Column) -> Option<i64> {
        match &self.values {
            Values::Int(v) => {
                let n = *v.get(self.at(row)?)?;
                Some(if c.unit == Unit::Ms { n } else { n.saturating_mul(1000) })
            }
            _ => super::table::span(&self.show(row), c.unit),
        }
    }

    /// The value as text, for the slow paths and for errors.
    fn show(&self, row: usize) -> Vec<u8> {
        match (&self.values, self.at(row)) {
            (_, None) => Vec::new(),
            (Values::Int(v), Some(i)) => v.get(i).map(|x| x.to_string()).unwrap_or_default().into_bytes(),
            (Values::Float(v), Some(i)) => v.get(i).map(|x| x.to_string()).unwrap_or_default().into_bytes(),
            (Values::Bytes(v), Some(i)) => v.get(i).map(|b| b.data().to_vec()).unwrap_or_default(),
        }
    }
}

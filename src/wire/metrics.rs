//! Samples files: what a pool's metrics were, from CSV, JSON or Parquet, into a [`SeriesStore`].
//!
//! In: the bytes of a file. Out: series, and a summary of what was read and skipped. Never: I/O, a guess about a bad
//! cell: every refusal names its row and column (or its path in JSON).
//!
//! **Shapes**
//! - CSV, long: columns `time`, `metric`, `value` in any order; other columns are ignored.
//! - CSV, wide: a `time` column and one column per metric; columns that are no metric are skipped and reported.
//! - JSON: `{"samples": {"$PendingTasks": [["2026-01-05T08:00:00Z", 4], …]}}`, or for regular samples
//!   `{"samples": {"$PendingTasks": {"start": "2026-01-05T08:00:00Z", "every": 30, "values": [4, null, 6]}}}`,
//!   or a list of rows `[{"time": …, "metric": …, "value": …}]`.
//! - Parquet (feature `parquet`): flat columns, long or wide as CSV.
//!
//! **Cells.** Metrics go with or without `$`, aliases too. Times are ISO 8601 (UTC when no zone is given) or numbers
//! since 1970 in seconds, milliseconds, microseconds or nanoseconds, told apart by size. An empty cell, `null`, `NA` or
//! `NaN` is a missing sample. CSV may be separated by comma, semicolon or tab; lines starting with `#` are comments.
//!
//! **Order.** Rows may come in any order. Of two samples of one metric at one instant the later row wins; the others
//! are counted. Gaps are just missing samples. A name that is nearly a metric's is an error, any other is skipped.

mod csv;
mod json;
#[cfg(feature = "parquet")]
mod parquet;

use poolcast_runtime::{
    catalog::nearest,
    metric::{ALIASES, Metric},
    rng::Stream,
    rules::Rules,
    series::SeriesStore,
    ticks::{Interval, Ticks},
};
use std::collections::BTreeMap;

/// Purpose of the jitter's random stream; the metric is its entity.
const JITTER: u64 = 0x6a69_7474;

/// How samples become visible.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Visibility {
    /// How long after it was measured a sample becomes visible. Typically a minute (language.md §2.9).
    pub delay: Interval,
    /// Most that is added to the delay of each sample, evenly distributed.
    pub jitter: Interval,
    /// Seed of the jitter.
    pub seed: u64,
}

impl Default for Visibility {
    fn default() -> Visibility {
        Visibility { delay: Interval::MINUTE, jitter: Interval::ZERO, seed: 0 }
    }
}

/// The shape of a samples file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma, semicolon or tab separated text.
    Csv,
    /// JSON.
    Json,
    /// Parquet.
    Parquet,
}

impl Format {
    /// What the bytes look like: Parquet by its magic, JSON by its first bracket, else CSV.
    pub fn of(bytes: &[u8]) -> Format {
        if bytes.starts_with(b"PAR1") {
            return Format::Parquet;
        }
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
        if matches!(text.first(), Some(b'{' | b'[')) { Format::Json } else { Format::Csv }
    }
}

/// Where a file is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In general.
    File,
    /// In a cell: the row (for CSV the line in the file, else the row counted from 1) and the column's name.
    Cell {
        /// Line or row.
        row: u64,
        /// Column.
        column: String,
    },
    /// At a path of a JSON document.
    Path(String),
}

/// Why a samples file was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SamplesError {
    /// Where.
    pub place: Place,
    /// What was found. Lower case, no full stop.
    pub what: String,
    /// What to do.
    pub help: Option<String>,
}

impl SamplesError {
    fn file(what: impl Into<String>) -> SamplesError {
        SamplesError { place: Place::File, what: what.into(), help: None }
    }
    fn cell(row: u64, column: &str, what: impl Into<String>) -> SamplesError {
        SamplesError { place: Place::Cell { row, column: column.to_owned() }, what: what.into(), help: None }
    }
    fn help(mut self, text: impl Into<String>) -> SamplesError {
        self.help = Some(text.into());
        self
    }
}

impl std::fmt::Display for SamplesError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.place {
            Place::File => {}
            Place::Cell { row, column } => write!(f, "row {row}, column `{column}`: ")?,
            Place::Path(path) => write!(f, "{path}: ")?,
        }
        f.write_str(&self.what)?;
        match &self.help {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}
impl std::error::Error for SamplesError {}

/// What was read of one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricSummary {
    /// The metric.
    pub metric: Metric,
    /// Samples kept.
    pub samples: u64,
    /// Samples a later row replaced.
    pub duplicates: u64,
    /// Cells without a value.
    pub missing: u64,
    /// Instant of the first sample.
    pub first: Ticks,
    /// Instant of the last.
    pub last: Ticks,
}

/// What was read and what was not.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The file's shape.
    pub format: Format,
    /// Rows read.
    pub rows: u64,
    /// Metrics with samples, in catalogue order.
    pub metrics: Vec<MetricSummary>,
    /// Some rows were not in order of time.
    pub unsorted: bool,
    /// Names that are no metric, with the number of their cells or rows.
    pub skipped: Vec<(String, u64)>,
}

/// A file's samples.
#[derive(Debug, Clone)]
pub struct Samples {
    /// The series.
    pub series: SeriesStore,
    /// What became of the file.
    pub summary: Summary,
}

/// Reads a samples file of any shape.
pub fn read(bytes: &[u8], visibility: &Visibility, rules: &Rules) -> Result<Samples, SamplesError> {
    read_as(Format::of(bytes), bytes, visibility, rules)
}

/// Reads a samples file of a known shape.
pub fn read_as(format: Format, bytes: &[u8], visibility: &Visibility, rules: &Rules) -> Result<Samples, SamplesError> {
    let mut raw = Raw::default();
    match format {
        Format::Csv => csv::read(bytes, &mut raw)?,
        Format::Json => json::read(bytes, &mut raw)?,
        #[cfg(feature = "parquet")]
        Format::Parquet => parquet::read(bytes, &mut raw)?,
        #[cfg(not(feature = "parquet"))]
        Format::Parquet => {
            return Err(
                SamplesError::file("this build reads no Parquet").help("build with the feature `parquet`, or give CSV")
            );
        }
    }
    raw.finish(format, visibility, rules)
}

/// Samples as they stand in the file.
#[derive(Default)]
struct Raw {
    rows: u64,
    columns: Vec<Column>,
    skipped: BTreeMap<String, u64>,
}

#[derive(Default, Clone)]
struct Column {
    samples: Vec<(i64, f64)>,
    missing: u64,
    unsorted: bool,
}

impl Raw {
    fn column(&mut self, m: Metric) -> &mut Column {
        if self.columns.is_empty() {
            self.columns = vec![Column::default(); Metric::COUNT];
        }
        &mut self.columns[m as usize]
    }

    fn finish(mut self, format: Format, v: &Visibility, rules: &Rules) -> Result<Samples, SamplesError> {
        let mut series = SeriesStore::new(rules);
        let (mut metrics, mut unsorted) = (Vec::new(), false);
        for (m, column) in Metric::ALL.iter().zip(&mut self.columns) {
            let samples = &mut column.samples;
            let Some(&(first, _)) = samples.first() else { continue };
            let read = samples.len();
            let mut range = (first, first);
            if column.unsorted {
                unsorted = true;
                // Stable, so of equal times the later row stays the later one.
                samples.sort_by_key(|s| s.0);
            }
            samples.dedup_by(|next, kept| {
                let same = next.0 == kept.0;
                if same {
                    kept.1 = next.1;
                }
                same
            });
            if let (Some(a), Some(b)) = (samples.first(), samples.last()) {
                range = (a.0, b.0);
            }
            let mut jitter = Stream::keyed(v.seed, JITTER, *m as u64);
            for (at, value) in samples.iter() {
                let measured = Ticks(*at);
                let mut visible = measured.saturating_plus(v.delay);
                if v.jitter > Interval::ZERO {
                    visible = visible.saturating_plus(Interval((v.jitter.0 as f64 * jitter.next_f64()) as i64));
                }
                series
                    .push(*m, measured, visible, *value)
                    .map_err(|e| SamplesError::file(format!("{}: {e}", m.name())))?;
            }
            metrics.push(MetricSummary {
                metric: *m,
                samples: samples.len() as u64,
                duplicates: (read - samples.len()) as u64,
                missing: column.missing,
                first: Ticks(range.0),
                last: Ticks(range.1),
            });
            column.samples = Vec::new();
        }
        if metrics.is_empty() {
            return Err(SamplesError::file(match self.skipped.keys().next() {
                Some(name) => format!("no samples of any metric; `{name}` is none"),
                None => "no samples".to_owned(),
            })
            .help("name metrics as formulas do, for example `$PendingTasks`"));
        }
        let skipped = self.skipped.into_iter().collect();
        Ok(Samples { series, summary: Summary { format, rows: self.rows, metrics, unsorted, skipped } })
    }
}

impl Column {
    #[inline]
    fn push(&mut self, at: Ticks, value: f64) {
        if let Some((last, _)) = self.samples.last() {
            self.unsorted |= at.0 < *last;
        }
        self.samples.push((at.0, value));
    }
}

/// The metric of a name: with or without `$`. A near miss is an error, anything else is no metric.
fn metric(name: &str) -> Result<Option<Metric>, String> {
    let bare = name.trim().trim_start_matches('$');
    let known = || Metric::ALL.iter().map(|m| m.name()).chain(ALIASES.iter().map(|(old, _)| *old));
    if let Some(found) = known().find(|n| &n[1..] == bare) {
        return Ok(Metric::from_name(found));
    }
    match nearest(bare, known()) {
        Some(near) => Err(format!("no metric `{}`; did you mean `{near}`?", name.trim())),
        None => Ok(None),
    }
}

/// The role of a column by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Time,
    Metric,
    Value,
    Other,
}

fn role(name: &str) -> Role {
    match name.trim().to_ascii_lowercase().as_str() {
        "time" | "timestamp" | "datetime" | "date" | "ts" => Role::Time,
        "metric" | "name" | "metric_name" => Role::Metric,
        "value" => Role::Value,
        _ => Role::Other,
    }
}

/// A number, or nothing for a missing sample.
#[inline]
fn number(text: &[u8]) -> Result<Option<f64>, String> {
    let text = text.trim_ascii();
    // Most values are counts, and a count below 10¹⁵ is exact.
    if text.len() <= 15 && !text.is_empty() && text.iter().all(u8::is_ascii_digit) {
        return Ok(Some(text.iter().fold(0u64, |n, d| n * 10 + u64::from(d - b'0')) as f64));
    }
    match text {
        b"" | b"null" | b"NULL" | b"NA" | b"N/A" | b"NaN" | b"nan" | b"-" => return Ok(None),
        _ => {}
    }
    let shown = String::from_utf8_lossy(text);
    match shown.parse::<f64>() {
        Ok(x) => finite(x),
        Err(_) => Err(format!("`{}` is not a number", clip(&shown))),
    }
}

fn finite(x: f64) -> Result<Option<f64>, String> {
    match x {
        x if x.is_finite() => Ok(Some(x)),
        x if x.is_nan() => Ok(None),
        x => Err(format!("{x} cannot be a sample")),
    }
}

fn time(text: &[u8]) -> Result<Ticks, String> {
    let text = std::str::from_utf8(text).map_err(|_| "the time is no text".to_owned())?;
    Ticks::parse_lenient(text).map_err(|e| format!("`{}` is no time: {e}", clip(text)))
}

/// The start of a long cell.
fn clip(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((i, _)) => format!("{}…", &text[..i]),
        None => text.to_owned(),
    }
}

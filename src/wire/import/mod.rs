//! Real traces in: one reader per format, all of them into a [`Workload`].
//!
//! In: a file and, if told, its format. Out: a workload and a report of what was skipped, adjusted and assumed; or facts of
//! an account, a pool, its nodes, its jobs. Never: a command line, an environment setting, a path of a resource file: the
//! readers have no field for them, so they cannot get in (a test plants some and looks for them).

mod az_doc;
pub mod azure;
pub mod builder;
pub mod events;
pub mod nextflow;
#[cfg(feature = "parquet")]
pub mod parquet_table;
pub mod slurm;
pub mod source;
pub mod swf;
pub mod table;

pub use builder::{ImportReport, Skipped};

use crate::sim::workload::Workload;
use builder::{Builder, Origin};
use source::Source;
use std::{fmt, io::Read, path::Path};

/// A format of traces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// Standard Workload Format 2.2.
    Swf,
    /// Nextflow execution trace, default or raw.
    Nextflow,
    /// `az batch … -o json`.
    Az,
    /// Batch service-log events, JSON lines or an array.
    Events,
    /// `sacct --parsable2`.
    Sacct,
    /// Comma-, semicolon- or tab-separated text with named columns.
    Csv,
    /// Parquet with the same named columns.
    Parquet,
}

impl Format {
    /// Every format with the name used after the colon.
    pub const ALL: [(&'static str, Format); 7] = [
        ("swf", Format::Swf),
        ("nextflow", Format::Nextflow),
        ("az", Format::Az),
        ("events", Format::Events),
        ("sacct", Format::Sacct),
        ("csv", Format::Csv),
        ("parquet", Format::Parquet),
    ];

    /// The format of that name.
    pub fn named(name: &str) -> Option<Format> {
        Format::ALL.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, f)| *f)
    }

    /// The name used after the colon.
    pub fn name(self) -> &'static str {
        Format::ALL.iter().find(|(_, f)| *f == self).map_or("", |(n, _)| n)
    }
}

/// `FILE` or `FILE:format`. Only a known format name after the last colon is one, so that other colons stay in the path.
pub fn split_spec(spec: &str) -> (&str, Option<Format>) {
    match spec.rsplit_once(':') {
        Some((path, name)) => match Format::named(name) {
            Some(f) => (path, Some(f)),
            None => (spec, None),
        },
        None => (spec, None),
    }
}

/// A place in a trace and what is wrong there; the file's name is added on the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line or record, from 1; 0 when the file as a whole is meant.
    pub row: u64,
    /// The column or field; empty when the row as a whole is meant.
    pub field: String,
    /// What was found and expected.
    pub text: String,
    /// What to do about it; may be empty.
    pub help: String,
}

impl Problem {
    /// Something wrong with a row.
    pub fn row(row: u64, text: impl Into<String>) -> Problem {
        Problem { row, field: String::new(), text: text.into(), help: String::new() }
    }
    /// A field that does not hold what it should. Only fields this program reads get here, and they are cut short.
    pub fn field(row: u64, field: &str, found: &[u8], expected: &str) -> Problem {
        let shown: String = String::from_utf8_lossy(found).chars().take(40).collect();
        let text = if shown.is_empty() {
            format!("is empty, expected {expected}")
        } else {
            format!("found `{shown}`, expected {expected}")
        };
        Problem { row, field: field.to_string(), text, help: String::new() }
    }
    /// Adds a remedy.
    pub fn help(mut self, help: impl Into<String>) -> Problem {
        self.help = help.into();
        self
    }
}

/// A trace that cannot be read: file, row, field, reason and remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportError {
    /// The file.
    pub file: String,
    /// Where and what.
    pub problem: Problem,
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if self.problem.row > 0 {
            write!(f, ":{}", self.problem.row)?;
        }
        if !self.problem.field.is_empty() {
            write!(f, ": field `{}`", self.problem.field)?;
        }
        write!(f, ": {}", self.problem.text)?;
        if !self.problem.help.is_empty() {
            write!(f, "\n  help: {}", self.problem.help)?;
        }
        Ok(())
    }
}

impl std::error::Error for ImportError {}

/// What of a Nextflow task counts as its run time on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RunTime {
    /// `realtime`: the task's script alone.
    #[default]
    Realtime,
    /// From `start` to `complete`: staging in and out too, which also holds the slot.
    Occupied,
}

/// Choices an import leaves to the user.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The format; guessed when none.
    pub format: Option<Format>,
    /// Processors (SWF, sacct) or `cpus` (Nextflow) that make one task slot; fractions are rounded up.
    pub cpus_per_slot: u32,
    /// What a Nextflow task's run time is.
    pub run_time: RunTime,
    /// Whether failed attempts are work to be done again.
    pub keep_failed: bool,
    /// Whether task names are kept (up to [`builder::MOST_NAMES`]).
    pub names: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options { format: None, cpus_per_slot: 1, run_time: RunTime::default(), keep_failed: true, names: true }
    }
}

impl Options {
    /// Slots for that many processors, rounded up.
    pub fn slots(&self, cpus: u64) -> u64 {
        cpus.div_ceil(self.cpus_per_slot.max(1) as u64)
    }
}

/// What a file turned out to hold.
#[derive(Debug, Clone, PartialEq)]
pub enum Imported {
    /// Work to simulate.
    Workload(Workload),
    /// Quotas of an account.
    Account(azure::Account),
    /// A pool's settings.
    Pool(azure::Pool),
    /// Nodes of a pool, for calibration.
    Nodes(Vec<azure::Node>),
    /// Jobs, without tasks.
    Jobs(Vec<azure::Job>),
}

/// Reads a trace of work. Anything else in the file (a pool, an account) is an error that says what it is for.
pub fn workload(path: &Path, options: &Options) -> Result<(Workload, ImportReport), ImportError> {
    let file = path.display().to_string();
    let wrong = |what: &str, remedy: &str| {
        Err(ImportError {
            file: file.clone(),
            problem: Problem::row(0, format!("holds {what}, not a workload")).help(remedy),
        })
    };
    match read(path, options)? {
        (Imported::Workload(w), report) => Ok((w, report)),
        (Imported::Account(_), _) => {
            wrong("an account", "`poolcast import` turns it into the [account] part of a scenario")
        }
        (Imported::Pool(_), _) => wrong("a pool", "`poolcast import` turns it into the [[pools]] part of a scenario"),
        (Imported::Nodes(_), _) => wrong("a list of nodes", "`poolcast calibrate` fits boot latency from it"),
        (Imported::Jobs(_), _) => {
            wrong("a list of jobs", "export the tasks of each: az batch task list --job-id ID -o json")
        }
    }
}

/// Reads whatever a file holds.
pub fn read(path: &Path, options: &Options) -> Result<(Imported, ImportReport), ImportError> {
    let file = path.display().to_string();
    let named = |problem| ImportError { file: file.clone(), problem };
    if options.format == Some(Format::Parquet) || options.format.is_none() && is_parquet(path) {
        return read_parquet(path, options)
            .map(|(i, r)| (i, finish_report(r, &file, Format::Parquet, options)))
            .map_err(named);
    }
    let source = Source::open(path).map_err(|e| named(Problem::row(0, format!("cannot open: {e}"))))?;
    read_source(source, options, &file)
}

/// Reads a workload from memory or any reader; `file` is the name errors show.
pub fn read_source(source: Source, options: &Options, file: &str) -> Result<(Imported, ImportReport), ImportError> {
    let named = |problem| ImportError { file: file.to_string(), problem };
    let format = match options.format {
        Some(f) => f,
        None => sniff(&source.head).map_err(named)?,
    };
    let head = source.head;
    let result = match format {
        Format::Swf => swf::read(source.body, options),
        Format::Nextflow => nextflow::read(source.body, &head, options),
        Format::Sacct => slurm::read(source.body, options),
        Format::Csv => table::read(source.body, &head, options),
        Format::Az => azure::read(source.body, &head, options),
        Format::Events => events::read(source.body, options),
        Format::Parquet => Err(Problem::row(0, "Parquet is read from a file, not from a pipe or gzip")),
    };
    let (imported, report) = result.map_err(named)?;
    Ok((imported, finish_report(report, file, format, options)))
}

fn finish_report(mut report: ImportReport, file: &str, format: Format, options: &Options) -> ImportReport {
    report.file = file.to_string();
    report.format = format!("{} ({})", format.name(), if options.format.is_some() { "as told" } else { "guessed" });
    report
}

fn is_parquet(path: &Path) -> bool {
    let mut magic = [0u8; 4];
    std::fs::File::open(path).and_then(|mut f| f.read_exact(&mut magic)).is_ok() && &magic == b"PAR1"
}

#[cfg(feature = "parquet")]
fn read_parquet(path: &Path, options: &Options) -> Result<(Imported, ImportReport), Problem> {
    parquet_table::read(path, options)
}

#[cfg(not(feature = "parquet"))]
fn read_parquet(_: &Path, _: &Options) -> Result<(Imported, ImportReport), Problem> {
    Err(Problem::row(0, "this build reads no Parquet").help("build with `--features parquet`, or convert to CSV"))
}

/// Guesses the format from the first bytes.
pub fn sniff(head: &[u8]) -> Result<Format, Problem> {
    let text = String::from_utf8_lossy(head);
    let text = text.trim_start_matches('\u{feff}');
    if text.trim().is_empty() {
        return Err(Problem::row(0, "is empty"));
    }
    let first = text.trim_start();
    if first.starts_with(['[', '{']) {
        if text.contains("\"gap_seconds\"") {
            return Err(Problem::row(0, "is a Spot availability trace, not work")
                .help("name it in a pool of the scenario: spot_trace = \"FILE\""));
        }
        if text.contains("\"retailPrice\"") {
            return Err(Problem::row(0, "is a list of prices, not work")
                .help("simulate, compare and sweep take it as --prices FILE"));
        }
        let event = [
            "TaskStartEvent",
            "TaskCompleteEvent",
            "TaskFailEvent",
            "PoolResize",
            "PoolCreateEvent",
            "PoolAutoScale",
            "ServiceLog",
        ];
        return Ok(if event.iter().any(|e| text.contains(e)) { Format::Events } else { Format::Az });
    }
    let line = text.lines().find(|l| !l.trim().is_empty()).unwrap_or("");
    if line.trim_start().starts_with(';') {
        return Ok(Format::Swf);
    }
    let lower = line.to_ascii_lowercase();
    let has = |name: &str| lower.split([',', '\t', '|', ';']).any(|c| c.trim().trim_matches('"') == name);
    if line.contains('|') && (has("jobid") || has("jobidraw")) {
        return Ok(Format::Sacct);
    }
    let own =
        ["native_id", "realtime", "%cpu", "%mem", "peak_rss", "peak_vmem", "rchar", "wchar"].iter().any(|f| has(f));
    let shared = ["task_id", "hash", "process", "name", "status"].iter().filter(|f| has(f)).count();
    let names = || line.split([',', '\t', '|', ';']).map(|n| n.trim().trim_matches('"').to_string()).collect();
    if own && shared > 0
        || has("task_id") && (has("process") || has("duration"))
        // Too little for a plain table: what is missing is told in Nextflow's words.
        || shared > 1 && table::Columns::of(names()).submission().is_err()
    {
        return Ok(Format::Nextflow);
    }
    let blanks: Vec<&str> = line.split_whitespace().collect();
    if blanks.len() == 18 && blanks.iter().all(|f| f.parse::<f64>().is_ok()) {
        return Ok(Format::Swf);
    }
    if line.contains([',', '\t', ';', '|']) && line.chars().any(|c| c.is_ascii_alphabetic()) {
        return Ok(Format::Csv);
    }
    let names: Vec<&str> = Format::ALL.iter().map(|(n, _)| *n).collect();
    Err(Problem::row(1, "the format cannot be guessed")
        .help(format!("name it after the file, as FILE:format; formats are {}", names.join(", "))))
}

fn done(builder: Builder, origin: Origin) -> Result<(Imported, ImportReport), Problem> {
    let (workload, report) = builder.finish(origin);
    Ok((Imported::Workload(workload), report))
}

//! Plain tables with named columns, and the header reading other formats share.
//!
//! In: CSV, TSV or semicolon-separated text whose first line names the columns. Out: rows. Never: a column it does not know
//! (those are not even split).

use super::{
    Imported, Options, Problem,
    builder::{Builder, ImportReport, Origin, Row},
    done,
    source::{Cut, Record, Records, float, int},
};
use crate::{sim::workload::Exit, wire::time};
use std::io::Read;

/// What a column tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    Name,
    Submit,
    Start,
    End,
    Run,
    Wait,
    Slots,
    Job,
    Priority,
    Exit,
    CpuPercent,
    MemoryMb,
    Instances,
    MaxRetries,
    MaxWall,
    DependsOn,
}

/// The unit a number in a time column has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Ms,
    S,
    /// The name does not say: text is an instant or duration, a number is seconds.
    Free,
}

/// Names of each role, best first. A time name may carry `_ms` or `_s`.
const NAMES: [(Role, &[&str]); 16] = [
    (
        Role::Submit,
        &["submit", "submission", "submitted", "submit_time", "arrival", "created", "creation_time", "creationtime"],
    ),
    (Role::Run, &["run", "run_time", "runtime", "duration", "realtime", "elapsed", "service"]),
    (Role::Start, &["start", "started", "start_time", "starttime"]),
    (Role::End, &["end", "ended", "end_time", "endtime", "complete", "completed", "finish"]),
    (Role::Wait, &["wait", "wait_time", "queued"]),
    (
        Role::Slots,
        &["slots", "required_slots", "requiredslots", "cpu_count", "cpus", "cores", "procs", "processors", "ncpus"],
    ),
    (Role::Job, &["job", "job_id", "jobid", "queue", "app", "process", "group"]),
    (Role::Name, &["name", "task", "task_id", "taskid", "id"]),
    (Role::Priority, &["priority"]),
    (Role::Exit, &["exit", "exit_code", "exitcode"]),
    (Role::CpuPercent, &["cpu_percent", "cpu"]),
    (Role::MemoryMb, &["memory_mb"]),
    (Role::Instances, &["instances"]),
    (Role::MaxRetries, &["max_retries", "retries"]),
    (Role::MaxWall, &["max_wall", "max_wall_clock"]),
    (Role::DependsOn, &["depends_on"]),
];

/// A column found: role, position, unit, name as written.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub role: Role,
    pub at: usize,
    pub unit: Unit,
    pub name: String,
}

/// Which columns mean what.
#[derive(Debug, Clone, Default)]
pub(super) struct Columns {
    found: Vec<Column>,
    /// All names, in file order.
    pub names: Vec<String>,
}

impl Columns {
    /// Matches names to roles; the best-named column of a role wins.
    pub fn of(names: Vec<String>) -> Columns {
        let mut found: Vec<Column> = Vec::new();
        for (role, known) in NAMES {
            let mut best: Option<(usize, Column)> = None;
            for (at, name) in names.iter().enumerate() {
                let lower = name.trim().to_ascii_lowercase().replace([' ', '-'], "_");
                let (base, unit) = match (lower.strip_suffix("_ms"), lower.strip_suffix("_s")) {
                    (Some(b), _) => (b, Unit::Ms),
                    (_, Some(b)) => (b, Unit::S),
                    _ => (lower.as_str(), Unit::Free),
                };
                let rank = known.iter().position(|k| *k == base).or_else(|| known.iter().position(|k| *k == lower));
                if let Some(rank) = rank
                    && best.as_ref().is_none_or(|(r, _)| rank < *r)
                    && found.iter().all(|c| c.at != at)
                {
                    best = Some((rank, Column { role, at, unit, name: name.clone() }));
                }
            }
            found.extend(best.map(|(_, c)| c));
        }
        Columns { found, names }
    }

    pub fn get(&self, role: Role) -> Option<&Column> {
        self.found.iter().find(|c| c.role == role)
    }

    /// One past the last column anybody reads.
    pub fn width(&self) -> usize {
        self.found.iter().map(|c| c.at + 1).max().unwrap_or(0)
    }

    /// The submission column, once there is all it takes to make tasks of rows.
    pub fn submission(&self) -> Result<Column, Problem> {
        let timed = self.get(Role::Run).is_some() || self.get(Role::Start).is_some() && self.get(Role::End).is_some();
        let missing = match self.get(Role::Submit) {
            None => "when a task was submitted",
            Some(_) if !timed => "how long a task ran",
            Some(c) => return Ok(c.clone()),
        };
        Err(Problem::row(1, format!("no column tells {missing}; the columns are {}", self.names.join(", "))).help(
            "name columns submit_ms or submit_s (or submit with ISO 8601 instants), run_ms or run_s (or start and end), and optionally slots, job, id, exit, priority, wait_s, depends_on",
        ))
    }

    /// How the columns were understood, for the report.
    pub fn describe(&self) -> String {
        let parts: Vec<String> =
            self.found.iter().map(|c| format!("{} → {}", c.name, format!("{:?}", c.role).to_lowercase())).collect();
        let rest = self.names.len() - self.found.len();
        format!(
            "columns: {}{}",
            parts.join(", "),
            if rest > 0 { format!("; {rest} others not read") } else { String::new() }
        )
    }
}

/// The separator of a header line: the one that occurs most.
pub(super) fn delimiter(head: &[u8]) -> u8 {
    let line = head.split(|b| *b == b'\n').find(|l| !l.trim_ascii().is_empty()).unwrap_or(b"");
    let count = |d: u8| line.iter().filter(|b| **b == d).count();
    [b',', b'\t', b';', b'|'].into_iter().max_by_key(|d| (count(*d), std::cmp::Reverse(*d))).unwrap_or(b',')
}

/// The fields of a header record as text.
pub(super) fn header(record: &Record<'_>) -> Vec<String> {
    (0..record.len()).map(|i| String::from_utf8_lossy(record.get(i)).trim().to_string()).collect()
}

/// What makes milliseconds of a number in a column of instants, and whether it counts from 1970: a number too large to be
/// a position in a log does (that many ms is 1973, that many s is 2001).
#[inline]
pub(super) fn scale(n: i64, unit: Unit) -> (i64, bool) {
    match unit {
        Unit::Ms => (1, n >= 100_000_000_000),
        Unit::Free if n >= 100_000_000_000 => (1, true),
        Unit::S | Unit::Free => (1000, n >= 1_000_000_000),
    }
}

/// A number as an instant.
#[inline]
pub(super) fn number_instant(n: i64, unit: Unit) -> (i64, bool) {
    let (factor, unix) = scale(n, unit);
    (n.saturating_mul(factor), unix)
}

/// An absolute or relative instant in milliseconds; whether it counts from 1970.
pub(super) fn instant(text: &[u8], unit: Unit) -> Option<(i64, bool)> {
    if let Some(n) = int(text) {
        return Some(number_instant(n, unit));
    }
    if let Some(t) = time::instant(text) {
        return Some((t, true));
    }
    let x = float(text)?;
    let ms = if unit == Unit::Ms { x } else { x * 1000.0 };
    (ms.abs() < 9e15).then(|| (ms.round() as i64, ms >= 1e12))
}

/// A duration in milliseconds; negative numbers mean unknown.
pub(super) fn span(text: &[u8], unit: Unit) -> Option<i64> {
    if let Some(n) = int(text) {
        return Some(if unit == Unit::Ms { n } else { n.saturating_mul(1000) });
    }
    if let Some(x) = float(text) {
        return Some((if unit == Unit::Ms { x } else { x * 1000.0 }).round() as i64);
    }
    time::duration(text).and_then(|d| i64::try_from(d).ok())
}

pub(super) fn read(body: impl Read, head: &[u8], options: &Options) -> Result<(Imported, ImportReport), Problem> {
    let mut b = Builder::new(options.names);
    let mut records = Records::new(body, Cut::Quoted(delimiter(head)));
    let Some(first) = records.next()? else { return Err(Problem::row(0, "is empty")) };
    let columns = Columns::of(header(&first));
    let submit = columns.submission()?;
    b.report.note(columns.describe());
    records.limit = columns.width();
    let col = |role| columns.get(role).cloned();
    let (run, start, end) = (col(Role::Run), col(Role::Start), col(Role::End));
    let (slots, job, name, exit) = (col(Role::Slots), col(Role::Job), col(Role::Name), col(Role::Exit));
    let (wait, priority) = (col(Role::Wait), col(Role::Priority));
    let rare = [Role::CpuPercent, Role::MemoryMb, Role::Instances, Role::MaxRetries, Role::MaxWall, Role::DependsOn];
    let rare: Vec<Column> = rare.iter().filter_map(|r| col(*r)).collect();
    let mut deps = Dependencies::default();
    let mut absolute = None;
    while let Some(record) = records.next()? {
        let line = record.line;
        b.report.rows += 1;
        let text = record.get(submit.at);
        let Some((at, unix)) = instant(text, submit.unit) else {
            if text.is_empty() {
                b.report.skip("no submission time", line);
                continue;
            }
            return Err(Problem::field(line, &submit.name, text, "an instant: ISO 8601, or a number"));
        };
        if *absolute.get_or_insert(unix) != unix {
            if at < 0 || unix {
                return Err(Problem::field(line, &submit.name, text, "the same kind of time as the rows above"));
            }
            return Err(Problem::field(line, &submit.name, text, "an instant since 1970 like the rows above"));
        }
        let run_ms = match &run {
            Some(c) => {
                let text = record.get(c.at);
                match span(text, c.unit) {
                    Some(ms) => Some(ms),
                    None if text.is_empty() || text == b"-" => None,
                    None => return Err(Problem::field(line, &c.name, text, "a duration")),
                }
            }
            None => {
                let both =
                    [&start, &end].map(|c| c.as_ref().and_then(|c| instant(record.get(c.at), c.unit)).map(|(t, _)| t));
                match both {
                    [Some(s), Some(e)] => Some(e - s),
                    _ => None,
                }
            }
        };
        let Some(run_ms) = run_ms.filter(|ms| *ms >= 0) else {
            b.report.skip("no run time (empty or negative)", line);
            continue;
        };
        let need = match &slots {
            None => 1,
            Some(c) => match int(record.get(c.at)) {
                Some(n) if n >= 0 => n as u64,
                Some(_) => 1,
                None if record.get(c.at).is_empty() => 1,
                None => match float(record.get(c.at)) {
                    Some(x) if (0.0..1e9).contains(&x) => x.ceil() as u64,
                    _ => return Err(Problem::field(line, &c.name, record.get(c.at), "a number of slots")),
                },
            },
        };
        let code = match &exit {
            None => 0,
            Some(c) => match record.get(c.at) {
                b"" | b"-" => 0,
                text => int(text)
                    .and_then(|n| i32::try_from(n).ok())
                    .ok_or_else(|| Problem::field(line, &c.name, text, "an exit code"))?,
            },
        };
        if code != 0 && !options.keep_failed {
            b.report.skip("failed", line);
            continue;
        }
        let waited = match (&wait, &start) {
            (Some(c), _) => span(record.get(c.at), c.unit),
            (None, Some(c)) => instant(record.get(c.at), c.unit).map(|(t, _)| t - at),
            _ => None,
        };
        let row = Row {
            submit_ms: at,
            run_ms: run_ms as u64,
            slots: if slots.is_some() { options.slots(need) } else { 1 },
            job: job.as_ref().map_or(b"", |c| record.get(c.at)),
            priority: priority.as_ref().and_then(|c| int(record.get(c.at))).map_or(0, |p| p.clamp(-1000, 1000) as i32),
            name: name.as_ref().map(|c| record.get(c.at)),
            exit: if code == 0 { Exit::Success } else { Exit::Code(code) },
            wait_ms: waited.filter(|w| *w >= 0).map(|w| w as u64),
        };
        let index = b.push(row, line);
        if !rare.is_empty() {
            if columns.get(Role::DependsOn).is_some() {
                deps.name(record.get(name.as_ref().map_or(usize::MAX, |c| c.at)), index);
            }
            for c in &rare {
                take_rare(&mut b, &mut deps, c, record.get(c.at), line, index)?;
            }
        }
    }
    deps.resolve(&mut b)?;
    if absolute == Some(false) {
        b.report.note("times are relative: time 0 is taken as Monday 2024-01-01T00:00:00Z");
    }
    if options.cpus_per_slot > 1 && slots.is_some() {
        b.report.note(format!("{} processors per slot, rounded up", options.cpus_per_slot));
    }
    done(b, if absolute == Some(true) { Origin::Unix } else { Origin::At(time::DEFAULT_EPOCH_UNIX_MS) })
}

pub(super) fn take_rare(
    b: &mut Builder,
    deps: &mut Dependencies,
    c: &Column,
    text: &[u8],
    line: u64,
    index: u32,
) -> Result<(), Problem> {
    if text.is_empty() || text == b"-" {
        return Ok(());
    }
    let bad = |expected: &str| Problem::field(line, &c.name, text, expected);
    match c.role {
        Role::CpuPercent => {
            b.extra(index).cpu_percent = Some(float(text).ok_or_else(|| bad("a percentage"))?.clamp(0.0, 100.0) as f32)
        }
        Role::MemoryMb => {
            b.extra(index).memory_mb = Some(float(text).filter(|x| *x >= 0.0).ok_or_else(|| bad("megabytes"))? as f32)
        }
        Role::Instances => {
            let n = int(text).filter(|n| (1..=150).contains(n)).ok_or_else(|| bad("1 to 150 instances"))?;
            if n > 1 {
                b.extra(index).instances = n as u32;
            }
        }
        Role::MaxRetries => {
            b.extra(index).max_retries = Some(
                int(text)
                    .and_then(|n| i32::try_from(n).ok())
                    .filter(|n| *n >= -1)
                    .ok_or_else(|| bad("retries, -1 for no limit"))?,
            )
        }
        Role::MaxWall => {
            b.extra(index).max_wall_clock_ms =
                Some(span(text, c.unit).and_then(|n| u64::try_from(n).ok()).ok_or_else(|| bad("a duration"))?)
        }
        Role::DependsOn => deps.edges.extend(
            text.split(|b| matches!(b, b';' | b' ')).filter(|d| !d.is_empty()).map(|d| (index, d.to_vec(), line)),
        ),
        _ => {}
    }
    Ok(())
}

/// Dependencies by name, resolved when every name is known.
#[derive(Debug, Default)]
pub(super) struct Dependencies {
    names: std::collections::BTreeMap<Vec<u8>, u32>,
    pub(super) edges: Vec<(u32, Vec<u8>, u64)>,
}

impl Dependencies {
    pub(super) fn name(&mut self, name: &[u8], index: u32) {
        self.names.insert(name.to_vec(), index);
    }

    pub(super) fn resolve(self, b: &mut Builder) -> Result<(), Problem> {
        for (task, on, line) in self.edges {
            match self.names.get(&on) {
                Some(other) if *other != task => b.extra(task).depends_on.push(*other),
                Some(_) => return Err(Problem::field(line, "depends_on", &on, "another task than itself")),
                None => {
                    return Err(Problem::field(line, "depends_on", &on, "the id of a task in this file")
                        .help("tasks it depends on must be in the same file, and must not have been left out"));
                }
            }
        }
        Ok(())
    }
}

//! Standard Workload Format 2.2.
//!
//! In: lines of 18 numbers, `;` directives. Out: rows. Never: a guess at a missing run time.
//!
//! Mapping: submit (2) → submission; run (4) → run time; processors allocated (5), else requested (8) → slots; status (11)
//! 0 failed → exit 1, 5 cancelled → kept when it ran; queue (15) and user (12) → the job `queue-Q.user-U`.

use super::{
    Imported, Options, Problem,
    builder::{Builder, ImportReport, Origin, Row},
    done,
    source::{Cut, Record, Records, float, int},
};
use crate::{sim::workload::Exit, wire::time};
use std::{fmt::Write, io::Read};

/// Directives worth showing; the others are prose.
const USED: [&str; 9] = [
    "Version",
    "Computer",
    "Installation",
    "UnixStartTime",
    "TimeZoneString",
    "MaxJobs",
    "MaxRecords",
    "MaxNodes",
    "MaxProcs",
];

pub(super) fn read(body: impl Read, options: &Options) -> Result<(Imported, ImportReport), Problem> {
    let mut b = Builder::new(options.names);
    let mut records = Records::new(body, Cut::Blanks);
    let (mut start_s, mut max_procs) = (None, None);
    let mut job = String::new();
    while let Some(record) = records.next()? {
        let line = record.line;
        if let Some(directive) = record.raw().trim_ascii_start().strip_prefix(b";") {
            let text = String::from_utf8_lossy(directive);
            let Some((name, value)) = text.split_once(':') else { continue };
            let (name, value) = (name.trim(), value.trim());
            match name {
                "UnixStartTime" => start_s = value.parse::<i64>().ok(),
                "MaxProcs" => max_procs = value.parse::<i64>().ok().filter(|n| *n > 0),
                _ => {}
            }
            if USED.contains(&name) && b.report.header.iter().all(|(n, _)| n != name) {
                b.report.header.push((name.to_string(), value.to_string()));
            }
            continue;
        }
        b.report.rows += 1;
        if record.len() < 18 {
            return Err(Problem::row(line, format!("has {} fields, a job has 18", record.len())));
        }
        let submit = seconds(&record, 1, "submit time")?;
        let wait = seconds(&record, 2, "wait time")?;
        let run = seconds(&record, 3, "run time")?;
        let allocated = whole(&record, 4, "allocated processors")?;
        let requested = whole(&record, 7, "requested processors")?;
        let status = whole(&record, 10, "status")?;
        let (Some(submit), Some(run)) = (submit, run) else {
            b.report.skip("no submit or run time (-1)", line);
            continue;
        };
        if run <= 0 {
            b.report.skip(if status == Some(5) { "cancelled before it ran" } else { "run time 0" }, line);
            continue;
        }
        let Some(procs) = allocated.filter(|n| *n > 0).or(requested.filter(|n| *n > 0)) else {
            b.report.skip("no processors allocated or requested (-1)", line);
            continue;
        };
        if max_procs.is_some_and(|m| procs > m) {
            b.report.adjust("more processors than the machine has (MaxProcs); kept as recorded", line);
        }
        let queue = whole(&record, 14, "queue")?;
        let user = whole(&record, 11, "user")?;
        job.clear();
        match (queue, user) {
            (Some(q), Some(u)) => write!(job, "queue-{q}.user-{u}"),
            (Some(q), None) => write!(job, "queue-{q}"),
            (None, Some(u)) => write!(job, "user-{u}"),
            (None, None) => write!(job, "swf"),
        }
        .unwrap_or_default();
        let row = Row {
            submit_ms: submit,
            run_ms: run as u64,
            slots: options.slots(procs as u64),
            job: job.as_bytes(),
            name: Some(record.get(0)),
            exit: if status == Some(0) { Exit::Code(1) } else { Exit::Success },
            wait_ms: wait.map(|w| w as u64),
            ..Row::default()
        };
        b.push(row, line);
    }
    b.report.note(format!(
        "processors → slots: {} per slot, rounded up; allocated, else requested",
        options.cpus_per_slot.max(1)
    ));
    if start_s.is_none() {
        b.report.note("no UnixStartTime: time 0 is taken as Monday 2024-01-01T00:00:00Z");
    }
    if b.is_empty() && b.report.rows == 0 {
        return Err(Problem::row(0, "holds no job"));
    }
    done(b, Origin::At(start_s.map_or(time::DEFAULT_EPOCH_UNIX_MS, |s| s.saturating_mul(1000))))
}

/// A time in seconds (fractions allowed) as milliseconds; −1 is missing.
fn seconds(record: &Record<'_>, column: usize, name: &str) -> Result<Option<i64>, Problem> {
    let text = record.get(column);
    if let Some(n) = int(text) {
        return Ok((n >= 0).then(|| n.saturating_mul(1000)));
    }
    match float(text) {
        Some(x) if x < 0.0 => Ok(None),
        Some(x) if x < 1e12 => Ok(Some((x * 1000.0).round() as i64)),
        _ => Err(Problem::field(record.line, name, text, "seconds, or -1 where unknown")),
    }
}

fn whole(record: &Record<'_>, column: usize, name: &str) -> Result<Option<i64>, Problem> {
    match int(record.get(column)) {
        Some(n) => Ok((n >= 0).then_some(n)),
        None => Err(Problem::field(record.line, name, record.get(column), "a whole number, or -1 where unknown")),
    }
}

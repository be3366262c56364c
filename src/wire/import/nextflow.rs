//! Nextflow execution traces, as written by default (tabs, units for people) and raw (milliseconds, bytes).
//!
//! In: one row per attempt; the traces of several runs, one after the other with their headers. Out: one task per attempt
//! that ran, in one job per process, which is how Nextflow submits to Batch. Never: the script or the work directory.
//!
//! Mapping: submit → submission; realtime (or start→complete, by choice) → run time; cpus → slots; start − submit → the
//! recorded wait; %cpu over cpus → CPU share of a slot; peak_rss, else rss → memory. CACHED never ran and is left out;
//! ABORTED is left out, because its run time is when the pipeline died; FAILED keeps its time and exit code.

use super::{
    Imported, Options, Problem, RunTime,
    builder::{Builder, ImportReport, Origin, Row},
    done,
    source::{Cut, Record, Records, float, int},
    table::{delimiter, header},
};
use crate::{sim::workload::Exit, wire::time};
use std::io::Read;

/// How to come by what is missing.
const FIELDS: &str = "set trace.fields = 'task_id,name,process,status,exit,submit,start,complete,realtime,cpus,attempt' in nextflow.config; \
     of a run that is over, `nextflow log RUN -f` with these fields prints the rows, the names go into a first line";

pub(super) fn read(body: impl Read, head: &[u8], options: &Options) -> Result<(Imported, ImportReport), Problem> {
    let mut b = Builder::new(options.names);
    let mut records = Records::new(body, Cut::Quoted(delimiter(head)));
    let Some(first) = records.next()? else { return Err(Problem::row(0, "is empty")) };
    let names = header(&first);
    let at = |name: &str| names.iter().position(|n| n.eq_ignore_ascii_case(name));
    let Some(submit_at) = at("submit") else {
        return Err(Problem::row(1, "is a Nextflow trace without a `submit` column").help(FIELDS));
    };
    let (realtime, duration) = (at("realtime"), at("duration"));
    let (start, complete) = (at("start"), at("complete"));
    if realtime.is_none() && duration.is_none() && complete.is_none() {
        return Err(Problem::row(1, "is a Nextflow trace without a column that tells a run time").help(FIELDS));
    }
    let (status, exit, cpus, attempt) = (at("status"), at("exit"), at("cpus"), at("attempt"));
    let (process, name, tag) = (at("process"), at("name"), at("tag"));
    let (percent, memory) = (at("%cpu"), at("peak_rss").or(at("rss")));
    let wanted = [
        Some(submit_at),
        realtime,
        duration,
        start,
        complete,
        status,
        exit,
        cpus,
        attempt,
        process,
        name,
        tag,
        percent,
        memory,
    ];
    records.limit = wanted.iter().flatten().max().map_or(0, |m| m + 1);
    let (mut retried, mut joined) = (0u64, 1u64);
    while let Some(record) = records.next()? {
        let line = record.line;
        if text(&record, Some(submit_at)).eq_ignore_ascii_case(b"submit") {
            if !header(&record).iter().zip(&names).all(|(a, b)| a.eq_ignore_ascii_case(b)) {
                return Err(Problem::row(line, "begins another trace, with other columns")
                    .help("import traces with different trace.fields one by one"));
            }
            joined += 1;
            continue;
        }
        b.report.rows += 1;
        let state = text(&record, status);
        match state {
            b"CACHED" => {
                b.report.skip("CACHED: did not run", line);
                continue;
            }
            b"ABORTED" => {
                b.report.skip("ABORTED: killed with the pipeline, its run time says nothing", line);
                continue;
            }
            b"FAILED" if !options.keep_failed => {
                b.report.skip("FAILED", line);
                continue;
            }
            b"" | b"COMPLETED" | b"FAILED" => {}
            other => return Err(Problem::field(line, "status", other, "COMPLETED, FAILED, CACHED or ABORTED")),
        }
        let Some(submit) = instant(&record, Some(submit_at), "submit")? else {
            b.report.skip("no submit time", line);
            continue;
        };
        let begun = instant(&record, start, "start")?;
        let ended = instant(&record, complete, "complete")?;
        let occupied = begun.zip(ended).map(|(s, e)| (e - s).max(0) as u64);
        let real = span(&record, realtime, "realtime")?;
        let whole = span(&record, duration, "duration")?;
        let run = match options.run_time {
            RunTime::Realtime => real.or(occupied),
            RunTime::Occupied => occupied.or(real),
        };
        let run = match (run, whole) {
            (Some(ms), _) => ms,
            (None, Some(ms)) => {
                b.report.adjust("no realtime: duration used, which includes the wait", line);
                ms
            }
            (None, None) => {
                b.report.skip("no run time", line);
                continue;
            }
        };
        let wait = match begun {
            Some(s) => Some((s - submit).max(0) as u64),
            None => whole.zip(real).map(|(w, r)| w.saturating_sub(r)),
        };
        let count = match text(&record, cpus) {
            b"" | b"-" => 1,
            t => int(t).filter(|n| *n > 0).ok_or_else(|| Problem::field(line, "cpus", t, "a number of CPUs"))? as u64,
        };
        let code = match text(&record, exit) {
            b"" | b"-" if state == b"FAILED" => 1,
            b"" | b"-" => 0,
            t => int(t)
                .and_then(|n| i32::try_from(n).ok())
                .ok_or_else(|| Problem::field(line, "exit", t, "an exit code"))?,
        };
        retried += (int(text(&record, attempt)).is_some_and(|n| n > 1)) as u64;
        let full = text(&record, name);
        let job = match text(&record, process) {
            b"" | b"-" => full.split(|c| *c == b'(').next().unwrap_or(full).trim_ascii(),
            p => p,
        };
        let row = Row {
            submit_ms: submit,
            run_ms: run,
            slots: options.slots(count),
            job,
            name: Some(full),
            // A FAILED row with exit 0 failed outside its script (missing output); it still has to be a failure here.
            exit: match (state, code) {
                (b"FAILED", 0) => Exit::Code(1),
                (b"FAILED", c) => Exit::Code(c),
                _ => Exit::Success,
            },
            wait_ms: wait,
            ..Row::default()
        };
        let index = b.push(row, line);
        let share = match text(&record, percent) {
            b"" | b"-" => None,
            t => Some(
                float(t.strip_suffix(b"%").unwrap_or(t))
                    .ok_or_else(|| Problem::field(line, "%cpu", t, "a percentage"))?,
            ),
        };
        let resident = match text(&record, memory) {
            b"" | b"-" => None,
            t => Some(time::bytes(t).ok_or_else(|| Problem::field(line, "rss", t, "a size"))?),
        };
        if share.is_some() || resident.is_some() {
            let extra = b.extra(index);
            extra.cpu_percent = share.map(|s| (s / count as f64).clamp(0.0, 100.0) as f32);
            extra.memory_mb = resident.map(|r| (r as f64 / 1_048_576.0) as f32);
        }
    }
    b.report.note(match options.run_time {
        RunTime::Realtime => "run time is realtime: the script alone",
        RunTime::Occupied => "run time is start to complete: staging included",
    });
    match cpus {
        Some(_) => b.report.note(format!("cpus → slots: {} per slot, rounded up", options.cpus_per_slot.max(1))),
        None => b.report.note("no cpus column: every task takes one slot"),
    }
    if joined > 1 {
        b.report.note(format!("{joined} traces, one after the other"));
    }
    if retried > 0 {
        b.report.note(format!(
            "{retried} rows are second or later attempts; each attempt is a task of its own, as Nextflow submits it"
        ));
    }
    done(b, Origin::Unix)
}

fn text<'a>(record: &Record<'a>, column: Option<usize>) -> &'a [u8] {
    column.map_or(b"", |c| record.get(c).trim_ascii())
}

/// Raw: milliseconds since 1970. Default: `2024-03-01 10:00:00.123` in the zone of the machine, read as UTC.
fn instant(record: &Record<'_>, column: Option<usize>, name: &str) -> Result<Option<i64>, Problem> {
    match text(record, column) {
        b"" | b"-" => Ok(None),
        t => match int(t).or_else(|| time::instant(t)) {
            Some(ms) => Ok(Some(ms)),
            None => Err(Problem::field(record.line, name, t, "milliseconds since 1970 or a date and time")),
        },
    }
}

fn span(record: &Record<'_>, column: Option<usize>, name: &str) -> Result<Option<u64>, Problem> {
    match text(record, column) {
        b"" | b"-" => Ok(None),
        t => match int(t).and_then(|n| u64::try_from(n).ok()).or_else(|| time::duration(t)) {
            Some(ms) => Ok(Some(ms)),
            None => Err(Problem::field(record.line, name, t, "milliseconds or a duration such as `1h 2m 3s`")),
        },
    }
}

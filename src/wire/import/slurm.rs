//! Slurm accounting: `sacct --parsable2`.
//!
//! In: lines cut at `|`. Out: one task per job allocation; job steps are left out, they are inside it. Never: SubmitLine,
//! Comment, WorkDir or any column but the ones named here.
//!
//! Mapping: Submit → submission; Elapsed, else End − Start → run time; AllocCPUS, NCPUS or ReqCPUS → slots; Start − Submit →
//! recorded wait; `Partition.Account` → job; State and ExitCode → exit.

use super::{
    Imported, Options, Problem,
    builder::{Builder, ImportReport, Origin, Row},
    done,
    source::{Cut, Record, Records, int},
    table::header,
};
use crate::{sim::workload::Exit, wire::time};
use std::io::Read;

pub(super) fn read(body: impl Read, options: &Options) -> Result<(Imported, ImportReport), Problem> {
    let mut b = Builder::new(options.names);
    let mut records = Records::new(body, Cut::Plain(b'|'));
    let Some(first) = records.next()? else { return Err(Problem::row(0, "is empty")) };
    let names = header(&first);
    let at = |name: &str| names.iter().position(|n| n.eq_ignore_ascii_case(name));
    let one_of = |list: &[&str]| list.iter().find_map(|n| at(n));
    let need = |column: Option<usize>, name: &str| {
        column.ok_or_else(|| {
            Problem::row(1, format!("has no {name} column")).help(
                "sacct --parsable2 --format JobID,Submit,Start,End,Elapsed,AllocCPUS,State,ExitCode,Partition,Account",
            )
        })
    };
    let id = need(one_of(&["JobID", "JobIDRaw"]), "JobID")?;
    let submit_at = need(at("Submit"), "Submit")?;
    let (start, end, elapsed, elapsed_raw) = (at("Start"), at("End"), at("Elapsed"), at("ElapsedRaw"));
    if elapsed.is_none() && elapsed_raw.is_none() && (start.is_none() || end.is_none()) {
        need(None, "Elapsed")?;
    }
    let cpus = one_of(&["AllocCPUS", "NCPUS", "ReqCPUS"]);
    let (state, exit, partition, account) = (at("State"), at("ExitCode"), at("Partition"), at("Account"));
    let mut job = Vec::new();
    while let Some(record) = records.next()? {
        let line = record.line;
        b.report.rows += 1;
        let name = record.get(id);
        if name.contains(&b'.') {
            b.report.skip("a step of a job (batch, extern, srun)", line);
            continue;
        }
        let status = text(&record, state).split(|c| *c == b' ').next().unwrap_or(b"");
        if matches!(status, b"PENDING" | b"RUNNING" | b"SUSPENDED" | b"REQUEUED" | b"RESIZING") {
            b.report.skip("not finished: run time unknown", line);
            continue;
        }
        let Some(submit) = instant(&record, Some(submit_at), "Submit")? else {
            b.report.skip("no submit time", line);
            continue;
        };
        let begun = instant(&record, start, "Start")?;
        let run = match (text(&record, elapsed_raw), text(&record, elapsed)) {
            (t, _) if !t.is_empty() => {
                let s = int(t).filter(|s| *s >= 0).ok_or_else(|| Problem::field(line, "ElapsedRaw", t, "seconds"))?;
                Some(s as u64 * 1000)
            }
            (_, t) if !t.is_empty() => Some(
                time::duration(t).ok_or_else(|| Problem::field(line, "Elapsed", t, "a duration as [D-]HH:MM:SS"))?,
            ),
            _ => begun.zip(instant(&record, end, "End")?).map(|(s, e)| (e - s).max(0) as u64),
        };
        let Some(run) = run.filter(|ms| *ms > 0) else {
            b.report.skip("never ran (cancelled while pending, or run time 0)", line);
            continue;
        };
        let count = match text(&record, cpus) {
            b"" => 1,
            t => int(t).filter(|n| *n >= 0).ok_or_else(|| Problem::field(line, "CPUs", t, "a number of CPUs"))?.max(1)
                as u64,
        };
        let code = match text(&record, exit).split(|c| *c == b':').next().unwrap_or(b"") {
            b"" => 0,
            t => int(t)
                .and_then(|n| i32::try_from(n).ok())
                .ok_or_else(|| Problem::field(line, "ExitCode", t, "code:signal"))?,
        };
        let failed = !matches!(status, b"COMPLETED" | b"");
        if failed && !options.keep_failed {
            b.report.skip("failed", line);
            continue;
        }
        job.clear();
        job.extend_from_slice(text(&record, partition));
        if !text(&record, account).is_empty() {
            job.push(b'.');
            job.extend_from_slice(text(&record, account));
        }
        let row = Row {
            submit_ms: submit,
            run_ms: run,
            slots: options.slots(count),
            job: if job.is_empty() { b"slurm" } else { &job },
            name: Some(name),
            exit: if failed { Exit::Code(if code == 0 { 1 } else { code }) } else { Exit::Success },
            wait_ms: begun.map(|s| (s - submit).max(0) as u64),
            ..Row::default()
        };
        b.push(row, line);
    }
    b.report.note(format!("CPUs → slots: {} per slot, rounded up", options.cpus_per_slot.max(1)));
    b.report.note("times carry no zone in sacct output and are read as UTC");
    done(b, Origin::Unix)
}

fn text<'a>(record: &Record<'a>, column: Option<usize>) -> &'a [u8] {
    column.map_or(b"", |c| record.get(c).trim_ascii())
}

fn instant(record: &Record<'_>, column: Option<usize>, name: &str) -> Result<Option<i64>, Problem> {
    match text(record, column) {
        b"" | b"Unknown" | b"None" => Ok(None),
        t => time::instant(t)
            .or_else(|| int(t).map(|s| s * 1000))
            .map(Some)
            .ok_or_else(|| Problem::field(record.line, name, t, "a date and time")),
    }
}

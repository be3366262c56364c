//! Batch service-log events: the best workload trace there is, because it has every attempt.
//!
//! In: JSON lines, an array or a page of events, bare or in the envelope of a diagnostic setting (`operationName`,
//! `properties`). Out: one task per attempt that ran to its own end; resizes, for calibration. Never: anything but ids,
//! times, counts and codes.
//!
//! An attempt that was requeued (its node left or was preempted) is not demand: the simulator decides anew whether that
//! happens. A failed attempt with retries left is: it becomes a task that fails, followed by the next attempt.
//! Creation times are not in the events, so a task is submitted when its first attempt starts; the report says so.

use super::{
    Imported, Options, Problem, azure,
    builder::{Builder, ImportReport, Origin, Row},
    done,
};
use crate::sim::workload::Exit;
use serde::Deserialize;
use std::{collections::BTreeMap, io::Read};

#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Event {
    #[serde(alias = "OperationName", alias = "event", alias = "eventName")]
    operation_name: Option<String>,
    properties: Option<Box<Event>>,
    records: Option<Vec<Event>>,
    value: Option<Vec<Event>>,
    id: Option<String>,
    job_id: Option<String>,
    pool_id: Option<String>,
    required_slots: Option<u64>,
    multi_instance_settings: Option<Instances>,
    execution_info: Option<Execution>,
    // Resizes.
    #[serde(alias = "currentDedicated")]
    current_dedicated_nodes: Option<i64>,
    #[serde(alias = "targetDedicated")]
    target_dedicated_nodes: Option<i64>,
    #[serde(alias = "currentLowPriority")]
    current_low_priority_nodes: Option<i64>,
    #[serde(alias = "targetLowPriority")]
    target_low_priority_nodes: Option<i64>,
    start_time: Option<String>,
    end_time: Option<String>,
    result_code: Option<String>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Instances {
    number_of_instances: Option<u32>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Execution {
    start_time: Option<String>,
    end_time: Option<String>,
    exit_code: Option<i32>,
    retry_count: Option<u32>,
    requeue_count: Option<u32>,
    result: Option<String>,
}

/// A finished resize, from the log.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Resize {
    /// The pool.
    pub pool: String,
    /// Began, ms since 1970.
    pub start: i64,
    /// Ended.
    pub end: i64,
    /// Nodes before: dedicated, low priority.
    pub before: [i64; 2],
    /// Nodes after.
    pub after: [i64; 2],
    /// Nodes wanted.
    pub target: [i64; 2],
    /// `Success`, or the error's code.
    pub result: String,
}

impl Resize {
    /// Nodes gained, both classes.
    pub fn grown(&self) -> i64 {
        (self.after[0] - self.before[0]).max(0) + (self.after[1] - self.before[1]).max(0)
    }
}

/// What a service log says about a pool's nodes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NodeLog {
    /// Finished resizes, in the order of the log.
    pub resizes: Vec<Resize>,
    /// Attempts that lost their node.
    pub requeued: u64,
}

pub(super) fn read(body: impl Read, options: &Options) -> Result<(Imported, ImportReport), Problem> {
    let mut b = Builder::new(options.names);
    let mut first_start: BTreeMap<(String, String), i64> = BTreeMap::new();
    let mut seen = BTreeMap::new();
    flat(body, &mut |kind, e, n| {
        b.report.rows += 1;
        let name = match kind {
            "TaskStartEvent" | "TaskCompleteEvent" | "TaskFailEvent" => kind,
            "TaskRequeueEvent" => {
                b.report.skip("requeued attempts: lost work is for the simulation to decide", n);
                return Ok(());
            }
            "TaskScheduleFailEvent" => {
                b.report.skip("schedule-fail events: nothing ran", n);
                return Ok(());
            }
            "" => {
                b.report.skip("not a task event", n);
                return Ok(());
            }
            other => {
                b.report.skip(&format!("{other}: not about a task's run"), n);
                return Ok(());
            }
        };
        let run = e.execution_info.unwrap_or_default();
        let key = (e.job_id.unwrap_or_default(), e.id.unwrap_or_default());
        let started = azure::instant(&run.start_time, "executionInfo.startTime", n)?;
        if let Some(s) = started {
            first_start.entry(key.clone()).and_modify(|f| *f = (*f).min(s)).or_insert(s);
        }
        if name == "TaskStartEvent" {
            return Ok(());
        }
        let Some((started, ended)) = started.zip(azure::instant(&run.end_time, "executionInfo.endTime", n)?) else {
            b.report.skip("an end without both times", n);
            return Ok(());
        };
        // The service may deliver an event twice.
        let attempt = (key.clone(), run.retry_count.unwrap_or(0), run.requeue_count.unwrap_or(0), started);
        if seen.insert(attempt, ()).is_some() {
            b.report.skip("delivered twice", n);
            return Ok(());
        }
        let failed =
            name == "TaskFailEvent" || run.result.as_deref().is_some_and(|r| r.eq_ignore_ascii_case("failure"));
        if failed && !options.keep_failed {
            b.report.skip("failed attempts", n);
            return Ok(());
        }
        let retry = run.retry_count.unwrap_or(0);
        let submit = if retry == 0 { first_start.get(&key).copied().unwrap_or(started) } else { started };
        let row = Row {
            submit_ms: submit,
            run_ms: (ended - started).max(0) as u64,
            slots: e.required_slots.unwrap_or(1),
            job: key.0.as_bytes(),
            name: Some(key.1.as_bytes()),
            exit: if failed { Exit::Code(run.exit_code.filter(|c| *c != 0).unwrap_or(1)) } else { Exit::Success },
            wait_ms: None,
            ..Row::default()
        };
        let index = b.push(row, n);
        if retry > 0 {
            b.report.adjust("second or later attempts, each a task of its own", n);
        }
        if let Some(k) = e.multi_instance_settings.and_then(|m| m.number_of_instances).filter(|k| *k > 1) {
            b.extra(index).instances = k;
        }
        Ok(())
    })?;
    if b.is_empty() {
        return Err(
            Problem::row(0, "holds no finished task").help("workloads are made of task complete and task fail events")
        );
    }
    b.report.note("the log has no creation times: a task is submitted when its first attempt started, so recorded waits are not known");
    done(b, Origin::Unix)
}

/// The resizes and requeues of a service log.
pub fn node_log(body: impl Read) -> Result<NodeLog, Problem> {
    let mut open: BTreeMap<String, [i64; 2]> = BTreeMap::new();
    let mut out = NodeLog::default();
    flat(body, &mut |kind, e, n| {
        let pool = e.pool_id.or(e.id).unwrap_or_default();
        let current = [e.current_dedicated_nodes.unwrap_or(0), e.current_low_priority_nodes.unwrap_or(0)];
        let target = [e.target_dedicated_nodes.unwrap_or(0), e.target_low_priority_nodes.unwrap_or(0)];
        match kind {
            "PoolResizeStartEvent" => {
                open.insert(pool, current);
            }
            "PoolResizeCompleteEvent" => {
                let times =
                    azure::instant(&e.start_time, "startTime", n)?.zip(azure::instant(&e.end_time, "endTime", n)?);
                if let (Some((start, end)), Some(before)) = (times, open.remove(&pool)) {
                    out.resizes.push(Resize {
                        pool,
                        start,
                        end,
                        before,
                        after: current,
                        target,
                        result: e.result_code.unwrap_or_default(),
                    });
                }
            }
            "TaskRequeueEvent" => out.requeued += 1,
            _ => {}
        }
        Ok(())
    })?;
    Ok(out)
}

/// Every event, out of envelopes and pages, with its kind.
fn flat(body: impl Read, take: &mut dyn FnMut(&str, Event, u64) -> Result<(), Problem>) -> Result<(), Problem> {
    fn open(
        e: Event,
        outer: &str,
        n: u64,
        take: &mut dyn FnMut(&str, Event, u64) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        if let Some(list) = e.records.or(e.value) {
            return list.into_iter().try_for_each(|e| open(e, outer, n, take));
        }
        let e = Event { records: None, value: None, ..e };
        let name = e.operation_name.clone().unwrap_or_else(|| outer.to_string());
        match e.properties {
            Some(inner) => open(*inner, &name, n, take),
            None => {
                let kind = if name.is_empty() { guess(&e).to_string() } else { name };
                take(&kind, e, n)
            }
        }
    }
    azure::each::<Event, _>(body, |e, n| open(e, "", n, take))
}

/// The kind of a bare event, by what it holds.
fn guess(e: &Event) -> &'static str {
    match &e.execution_info {
        Some(x) if x.end_time.is_some() && x.result.as_deref().is_some_and(|r| r.eq_ignore_ascii_case("failure")) => {
            "TaskFailEvent"
        }
        Some(x) if x.end_time.is_some() => "TaskCompleteEvent",
        Some(_) => "TaskStartEvent",
        None if e.end_time.is_some() && e.target_dedicated_nodes.is_some() => "PoolResizeCompleteEvent",
        None if e.target_dedicated_nodes.is_some() => "PoolResizeStartEvent",
        None => "",
    }
}

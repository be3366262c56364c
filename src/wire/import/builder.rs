//! Rows of any trace → the columns of a `Workload`.
//!
//! In: one task at a time, in any order. Out: a workload sorted by submission, and a report of what was left out and why.
//! Never: a string per task unless names are asked for and few, a silent correction.

use crate::{
    sim::workload::{Exit, TaskExtra, Workload, WorkloadJob},
    wire::time,
};
#[cfg(feature = "parquet")]
use std::ops::Range;
use std::{collections::BTreeMap, fmt};

/// Names are kept while there are at most this many tasks: enough for a person to look one up, bounded in memory.
pub const MOST_NAMES: usize = 100_000;

/// One task as a trace tells it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Row<'a> {
    /// Submission: milliseconds since 1970, or since the start of the log.
    pub submit_ms: i64,
    /// Run time of the attempt.
    pub run_ms: u64,
    /// Slots.
    pub slots: u64,
    /// The job (or queue, or process) the task belongs to.
    pub job: &'a [u8],
    /// The job's priority.
    pub priority: i32,
    /// The task's own name.
    pub name: Option<&'a [u8]>,
    /// How it ended.
    pub exit: Exit,
    /// How long it waited, when the trace says so.
    pub wait_ms: Option<u64>,
}

/// What times in a trace count from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Milliseconds since 1970: the workload starts at its first submission.
    Unix,
    /// Milliseconds after this instant (itself since 1970).
    At(i64),
}

/// Rows that did not become tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// How many.
    pub count: u64,
    /// The first one, as a line or record number.
    pub first_row: u64,
}

/// What an import read, left out and assumed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ImportReport {
    /// The file.
    pub file: String,
    /// The format it was read as, and whether that was told or guessed.
    pub format: String,
    /// Rows read.
    pub rows: u64,
    /// Tasks in the workload.
    pub tasks: u64,
    /// Rows left out, by reason.
    pub skipped: BTreeMap<String, Skipped>,
    /// Values changed to fit (capped, defaulted), by what was done.
    pub adjusted: BTreeMap<String, Skipped>,
    /// How columns were mapped and what was assumed.
    pub notes: Vec<String>,
    /// Header directives used, name and value.
    pub header: Vec<(String, String)>,
}

impl ImportReport {
    /// Counts a row left out.
    pub fn skip(&mut self, reason: &str, row: u64) {
        count(&mut self.skipped, reason, row);
    }
    /// Counts a value changed.
    pub fn adjust(&mut self, what: &str, row: u64) {
        count(&mut self.adjusted, what, row);
    }
    /// Says how something was read; once.
    pub fn note(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !self.notes.contains(&text) {
            self.notes.push(text);
        }
    }
    /// Rows left out, all reasons together.
    pub fn skipped_total(&self) -> u64 {
        self.skipped.values().map(|s| s.count).sum()
    }
}

fn count(map: &mut BTreeMap<String, Skipped>, reason: &str, row: u64) {
    match map.get_mut(reason) {
        Some(s) => s.count += 1,
        None => {
            map.insert(reason.to_string(), Skipped { count: 1, first_row: row });
        }
    }
}

impl fmt::Display for ImportReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let many = |n: u64, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
        let (rows, tasks) = (many(self.rows, "row"), many(self.tasks, "task"));
        writeln!(f, "{}: read as {}: {rows}, {tasks}", self.file, self.format)?;
        for (name, value) in &self.header {
            writeln!(f, "  header {name}: {value}")?;
        }
        for note in &self.notes {
            writeln!(f, "  {note}")?;
        }
        for (reason, s) in &self.skipped {
            writeln!(f, "  left out {}: {reason} (first: row {})", s.count, s.first_row)?;
        }
        for (what, s) in &self.adjusted {
            writeln!(f, "  adjusted {}: {what} (first: row {})", s.count, s.first_row)?;
        }
        Ok(())
    }
}

/// Wait of a task whose trace does not tell it, in a trace that tells others'.
pub const WAIT_UNKNOWN: u32 = u32::MAX;
/// Flips the sign bit, so that signed times sort as unsigned while the origin is not known yet.
const BIAS: u64 = 1 << 63;

/// A workload being read.
#[derive(Debug, Default)]
pub struct Builder {
    w: Workload,
    jobs: BTreeMap<Vec<u8>, u32>,
    recent: Vec<Option<(Vec<u8>, u32)>>,
    sorted: bool,
    last: u64,
    names: bool,
    /// What happened so far.
    pub report: ImportReport,
}

/// Slots of the direct-mapped cache in front of the job map: a column of repeated names costs no tree walk.
const RECENT: usize = 256;

impl Builder {
    /// An empty workload.
    pub fn new(names: bool) -> Builder {
        Builder { sorted: true, names, recent: vec![None; RECENT], ..Builder::default() }
    }

    /// Adds a task; its index until `finish` sorts.
    #[inline]
    pub fn push(&mut self, row: Row<'_>, at: u64) -> u32 {
        let index = self.w.submit_ms.len();
        let submit = (row.submit_ms as u64) ^ BIAS;
        self.sorted &= submit >= self.last;
        self.last = submit;
        let job = self.job(row.job, row.priority);
        self.w.submit_ms.push(submit);
        self.w.run_ms.push(match u32::try_from(row.run_ms) {
            Ok(ms) => ms,
            Err(_) => {
                self.report.adjust("run time longer than 49.7 days, cut to that", at);
                u32::MAX
            }
        });
        self.w.slots.push(match row.slots {
            0 => {
                self.report.adjust("no slots, read as 1", at);
                1
            }
            n if n > u16::MAX as u64 => {
                self.report.adjust("more than 65535 slots, cut to that", at);
                u16::MAX
            }
            n => n as u16,
        });
        self.w.job.push(job);
        if row.exit != Exit::Success && self.w.exit.is_empty() {
            self.w.exit.resize(index, Exit::Success);
            self.w.exit.push(row.exit);
        } else if row.exit != Exit::Success || !self.w.exit.is_empty() {
            self.w.exit.push(row.exit);
        }
        if let Some(wait) = row.wait_ms {
            if self.w.recorded_wait_ms.is_empty() {
                self.w.recorded_wait_ms.resize(index, WAIT_UNKNOWN);
            }
            self.w.recorded_wait_ms.push(wait.min(WAIT_UNKNOWN as u64 - 1) as u32);
        } else if !self.w.recorded_wait_ms.is_empty() {
            self.w.recorded_wait_ms.push(WAIT_UNKNOWN);
        }
        if self.names {
            if index >= MOST_NAMES {
                self.forget_names();
            } else {
                self.w.names.push(row.name.map(|n| String::from_utf8_lossy(n).into_owned()).unwrap_or_default());
            }
        }
        index as u32
    }

    /// Rare properties of a task added before.
    pub fn extra(&mut self, index: u32) -> &mut TaskExtra {
        self.w.extra.entry(index).or_insert_with(|| TaskExtra { instances: 1, ..TaskExtra::default() })
    }

    /// Number of tasks so far.
    pub fn len(&self) -> usize {
        self.w.submit_ms.len()
    }

    /// Whether there is no task yet.
    pub fn is_empty(&self) -> bool {
        self.w.submit_ms.is_empty()
    }

    fn forget_names(&mut self) {
        self.names = false;
        self.w.names = Vec::new();
        self.report.note(format!("task names are not kept: more than {MOST_NAMES} tasks"));
    }

    /// The number of a job.
    #[inline]
    pub(super) fn job(&mut self, id: &[u8], priority: i32) -> u32 {
        let tail = match id.last_chunk::<8>() {
            Some(tail) => u64::from_le_bytes(*tail),
            None => id.iter().fold(0, |word, b| word << 8 | u64::from(*b)),
        };
        let slot = ((tail ^ id.len() as u64).wrapping_mul(0x517c_c1b7_2722_0a95) >> 56) as usize % RECENT;
        if let Some((known, index)) = &self.recent[slot]
            && known == id
        {
            return *index;
        }
        let index = match self.jobs.get(id) {
            Some(i) => *i,
            None => {
                let i = self.w.jobs.len() as u32;
                let text = if id.is_empty() { "job".to_string() } else { String::from_utf8_lossy(id).into_owned() };
                self.w.jobs.push(WorkloadJob { id: text, priority });
                self.jobs.insert(id.to_vec(), i);
                i
            }
        };
        self.recent[slot] = Some((id.to_vec(), index));
        index
    }

    /// Sorts by submission (rows of one instant keep their order), fixes the epoch, hands over.
    pub fn finish(mut self, origin: Origin) -> (Workload, ImportReport) {
        // The cache and the map are gone before sorting needs its own memory.
        (self.jobs, self.recent) = (BTreeMap::new(), Vec::new());
        if !self.sorted {
            self.sort();
        }
        let first = self.w.submit_ms.first().map_or(0, |s| (*s ^ BIAS) as i64);
        let (zero, base) = match origin {
            Origin::Unix => (first, first),
            Origin::At(epoch) if first < 0 => (first, epoch.saturating_add(first)),
            Origin::At(epoch) => (0, epoch),
        };
        for s in &mut self.w.submit_ms {
            *s = ((*s ^ BIAS) as i64).wrapping_sub(zero) as u64;
        }
        self.w.epoch = time::ticks_from_unix_ms(base);
        if self.w.names.iter().all(String::is_empty) {
            self.w.names = Vec::new();
        }
        self.report.tasks = self.w.len() as u64;
        (self.w, self.report)
    }

    fn sort(&mut self) {
        let w = &mut self.w;
        let mut order: Vec<u32> = (0..w.submit_ms.len() as u32).collect();
        order.sort_unstable_by_key(|i| (w.submit_ms[*i as usize], *i));
        fn apply<T: Clone>(column: &mut Vec<T>, order: &[u32]) {
            if !column.is_empty() {
                *column = order.iter().map(|i| column[*i as usize].clone()).collect();
            }
        }
        apply(&mut w.submit_ms, &order);
        apply(&mut w.run_ms, &order);
        apply(&mut w.slots, &order);
        apply(&mut w.job, &order);
        apply(&mut w.exit, &order);
        apply(&mut w.names, &order);
        apply(&mut w.recorded_wait_ms, &order);
        if !w.extra.is_empty() {
            let mut place = vec![0u32; order.len()];
            for (new, old) in order.iter().enumerate() {
                place[*old as usize] = new as u32;
            }
            let extra = std::mem::take(&mut w.extra);
            w.extra = extra
                .into_iter()
                .map(|(i, mut x)| {
                    x.depends_on.iter_mut().for_each(|d| *d = place[*d as usize]);
                    (place[i as usize], x)
                })
                .collect();
        }
    }
}

/// What only a reader of columns needs.
#[cfg(feature = "parquet")]
impl Builder {
    /// Room for that many more tasks.
    pub(super) fn reserve(&mut self, n: usize) {
        self.w.submit_ms.reserve_exact(n);
        self.w.run_ms.reserve_exact(n);
        self.w.slots.reserve_exact(n);
        self.w.job.reserve_exact(n);
    }

    /// Whether names of further tasks are kept.
    pub(super) fn keeps_names(&mut self) -> bool {
        if self.names && self.len() >= MOST_NAMES {
            self.forget_names();
        }
        self.names
    }

    /// Adds tasks column by column: nothing in them is odd, and no names are kept. Columns that are not there are none.
    pub(super) fn extend(
        &mut self,
        submit_ms: impl Iterator<Item = i64>,
        run_ms: impl Iterator<Item = u32>,
        slots: impl Iterator<Item = u16>,
        jobs: impl Iterator<Item = u32>,
        exit: Option<impl Iterator<Item = Exit>>,
        wait_ms: Option<impl Iterator<Item = u32>>,
    ) {
        let before = self.len();
        self.w.submit_ms.extend(submit_ms.map(|s| (s as u64) ^ BIAS));
        let new = &self.w.submit_ms[before..];
        self.sorted &= new.first().is_none_or(|first| *first >= self.last) && new.is_sorted();
        self.last = new.last().copied().unwrap_or(self.last);
        self.w.run_ms.extend(run_ms);
        self.w.slots.extend(slots);
        self.w.job.extend(jobs);
        let (new, room) = (before..self.w.submit_ms.len(), self.w.submit_ms.capacity());
        extend_late(&mut self.w.exit, exit, Exit::Success, new.clone(), room);
        extend_late(&mut self.w.recorded_wait_ms, wait_ms, WAIT_UNKNOWN, new, room);
    }
}

/// Extends a column that begins with the first task it has something to say of: those before it, and those it says nothing
/// of, are `blank`. There is `room` for all tasks that are expected.
#[cfg(feature = "parquet")]
fn extend_late<T: Clone>(
    column: &mut Vec<T>,
    values: Option<impl Iterator<Item = T>>,
    blank: T,
    new: Range<usize>,
    room: usize,
) {
    match values {
        Some(values) => {
            if column.is_empty() {
                column.reserve_exact(room);
            }
            column.resize(new.start, blank);
            column.extend(values);
        }
        None if !column.is_empty() => column.resize(new.end, blank),
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_in_any_order_come_out_sorted_with_their_extras() {
        let mut b = Builder::new(true);
        let late =
            b.push(Row { submit_ms: 5000, run_ms: 7, slots: 2, job: b"b", name: Some(b"late"), ..Row::default() }, 1);
        let early = b.push(
            Row {
                submit_ms: 1000,
                run_ms: 9,
                slots: 1,
                job: b"a",
                name: Some(b"early"),
                exit: Exit::Code(3),
                ..Row::default()
            },
            2,
        );
        b.extra(late).depends_on.push(early);
        let (w, r) = b.finish(Origin::Unix);
        assert_eq!(w.submit_ms, [0, 4000]);
        assert_eq!(w.names, ["early", "late"]);
        assert_eq!(w.exit, [Exit::Code(3), Exit::Success]);
        assert_eq!(w.extra[&1].depends_on, [0]);
        assert_eq!(w.jobs[w.job[0] as usize].id, "a");
        assert_eq!(r.tasks, 2);
        assert_eq!(time::unix_ms_from_ticks(w.epoch), 1000);
    }

    #[test]
    fn values_that_do_not_fit_are_counted() {
        let mut b = Builder::new(false);
        b.push(Row { run_ms: u64::MAX, slots: 0, ..Row::default() }, 4);
        let (w, r) = b.finish(Origin::At(0));
        assert_eq!((w.run_ms[0], w.slots[0], r.adjusted.len()), (u32::MAX, 1, 2));
    }
}

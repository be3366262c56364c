//! What a trace is like: how much work, when it comes, how long it runs, how many slots it needs.
//!
//! In: a workload. Out: numbers, and their telling. Never: a pool: the load is what is offered, before any waiting.

use super::term::{bars, count, number, percentile, span};
use crate::{
    sim::workload::{Exit, Workload},
    wire::{import::builder::WAIT_UNKNOWN, time},
};
use std::fmt;

/// Columns of the charts.
const BINS: usize = 72;
const HOUR: u64 = 3_600_000;
const FIVE_MINUTES: u64 = 300_000;
/// Ends after this, nine thousand years on, are taken as this.
const LATEST: u64 = u64::MAX >> 16;

/// A trace in numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Tasks.
    pub tasks: u64,
    /// Jobs.
    pub jobs: u64,
    /// First submission, ms since 1970.
    pub first: i64,
    /// From the first to the last submission, ms.
    pub span_ms: u64,
    /// Tasks that end with an exit code other than 0.
    pub failed: u64,
    /// Arrivals per hour: mean, median hour, 95th percentile hour, busiest hour.
    pub per_hour: [f64; 4],
    /// Share of five-minute slots without an arrival.
    pub quiet: f64,
    /// Run time, ms: mean, p50, p90, p95, p99, longest.
    pub run: [f64; 6],
    /// Recorded wait, ms: mean, p50, p95, longest.
    pub wait: Option<[f64; 4]>,
    /// Slots per task: (slots, tasks), the eight most frequent.
    pub slots: Vec<(u16, u64)>,
    /// Slot-hours.
    pub slot_hours: f64,
    /// Task-hours.
    pub task_hours: f64,
    /// Slots busy on average, if nothing ever waited: what must be there to keep up.
    pub offered: f64,
    /// Most slots busy at once, if nothing ever waited.
    pub peak_slots: u64,
    /// Most tasks running at once, if nothing ever waited.
    pub peak_tasks: u64,
    /// Arrivals over time.
    pub arrivals_chart: Vec<f64>,
    /// Most slots busy at once over time.
    pub slots_chart: Vec<f64>,
    /// When the last task ends, if nothing ever waited; ms after the first submission.
    pub ends_ms: u64,
}

impl Profile {
    /// Measures a workload.
    pub fn of(w: &Workload) -> Profile {
        let start = w.submit_ms.first().copied().unwrap_or(0);
        let span_ms = w.submit_ms.last().map_or(0, |l| l - start);
        // Only what has arrivals is counted: a log with one wrong date spans millennia.
        let (mut by_hour, mut last_hour, mut busy_fives, mut last_five) = (Vec::<u32>::new(), u64::MAX, 0u64, u64::MAX);
        let mut arrivals_chart = vec![0.0; BINS];
        // When each task ends, and in the low bits its slots: one word sorts faster than a pair.
        let mut ends: Vec<u64> = Vec::with_capacity(w.len());
        let (mut slot_ms, mut run_ms) = (0u128, 0u128);
        let mut widths = vec![0u64; 1 + u16::MAX as usize];
        for i in 0..w.len() {
            let at = w.submit_ms[i] - start;
            if at / HOUR != last_hour {
                last_hour = at / HOUR;
                by_hour.push(0);
            }
            by_hour.last_mut().into_iter().for_each(|n| *n += 1);
            busy_fives += u64::from(at / FIVE_MINUTES != last_five);
            last_five = at / FIVE_MINUTES;
            arrivals_chart[bin(at, span_ms)] += 1.0;
            // A task of no length still starts before it ends.
            ends.push((at + w.run_ms[i].max(1) as u64).min(LATEST) << 16 | w.slots[i] as u64);
            slot_ms += w.run_ms[i] as u128 * w.slots[i] as u128;
            run_ms += w.run_ms[i] as u128;
            widths[w.slots[i] as usize] += 1;
        }
        ends.sort_unstable();
        let ends_ms = ends.last().map_or(0, |end| end >> 16);
        let (mut slots, mut tasks, mut peak_slots, mut peak_tasks, mut next) = (0u64, 0u64, 0u64, 0u64, 0usize);
        let mut slots_chart = vec![0.0f64; BINS];
        for i in 0..w.len() {
            let at = w.submit_ms[i] - start;
            while next < ends.len() && ends[next] >> 16 <= at.min(LATEST - 1) {
                slots -= ends[next] & 0xffff;
                tasks -= 1;
                next += 1;
            }
            slots += w.slots[i] as u64;
            tasks += 1;
            peak_slots = peak_slots.max(slots);
            peak_tasks = peak_tasks.max(tasks);
            let column = &mut slots_chart[bin(at, span_ms)];
            *column = column.max(slots as f64);
        }
        by_hour.sort_unstable();
        let hours = span_ms / HOUR + 1;
        let hour = |share: f64| {
            let rank = ((share * hours as f64).ceil() as u64).clamp(1, hours);
            rank.checked_sub(hours - by_hour.len() as u64 + 1).map_or(0.0, |i| by_hour[i as usize] as f64)
        };
        let mut runs = w.run_ms.clone();
        runs.sort_unstable();
        let mut waits: Vec<u32> = w.recorded_wait_ms.iter().copied().filter(|x| *x != WAIT_UNKNOWN).collect();
        waits.sort_unstable();
        let pick = |v: &[u32], p: f64| percentile(v, p).unwrap_or(0) as f64;
        let n = (w.len() as f64).max(1.0);
        let mut slots_list: Vec<(u16, u64)> = (0..=u16::MAX).zip(widths).filter(|(_, n)| *n > 0).collect();
        slots_list.sort_by_key(|(s, n)| (std::cmp::Reverse(*n), *s));
        slots_list.truncate(8);
        let busy = ends_ms.max(1) as f64;
        Profile {
            tasks: w.len() as u64,
            jobs: w.jobs.len() as u64,
            first: time::unix_ms_from_ticks(w.epoch) + start as i64,
            span_ms,
            failed: w.exit.iter().filter(|e| **e != Exit::Success).count() as u64,
            per_hour: [w.len() as f64 / (span_ms as f64 / HOUR as f64).max(1.0), hour(0.5), hour(0.95), hour(1.0)],
            quiet: 1.0 - busy_fives as f64 / (span_ms / FIVE_MINUTES + 1) as f64,
            run: [
                run_ms as f64 / n,
                pick(&runs, 0.5),
                pick(&runs, 0.9),
                pick(&runs, 0.95),
                pick(&runs, 0.99),
                pick(&runs, 1.0),
            ],
            wait: (!waits.is_empty()).then(|| {
                let mean = waits.iter().map(|x| *x as f64).sum::<f64>() / waits.len() as f64;
                [mean, pick(&waits, 0.5), pick(&waits, 0.95), pick(&waits, 1.0)]
            }),
            slots: slots_list,
            slot_hours: slot_ms as f64 / HOUR as f64,
            task_hours: run_ms as f64 / HOUR as f64,
            offered: slot_ms as f64 / busy,
            peak_slots,
            peak_tasks,
            arrivals_chart,
            slots_chart,
            ends_ms,
        }
    }
}

fn bin(at: u64, span: u64) -> usize {
    let bins = BINS as u64;
    let bin = at.checked_mul(bins).map_or_else(|| at / (span / bins + 1), |scaled| scaled / span.saturating_add(1));
    bin.min(bins - 1) as usize
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} in {} over {}, from {}; {} {} in failure.",
            count(self.tasks, "task"),
            count(self.jobs, "job"),
            span(self.span_ms as f64),
            time::print_instant(self.first),
            number(self.failed as f64),
            if self.failed == 1 { "ends" } else { "end" }
        )?;
        writeln!(
            f,
            "If nothing ever waited, {} slots would be busy on average and {} at the peak ({} slot-hours); {:.0} % of the five-minute slots bring no task.",
            number(self.offered),
            number(self.peak_slots as f64),
            number(self.slot_hours),
            self.quiet * 100.0
        )?;
        writeln!(f)?;
        let list = |names: &[&str], values: &[f64], show: &dyn Fn(f64) -> String| {
            names.iter().zip(values).map(|(n, v)| format!("{n} {}", show(*v))).collect::<Vec<_>>().join(", ")
        };
        let hours = ["mean", "median hour", "95 % hour", "busiest hour"];
        writeln!(f, "arrivals per hour  {}", list(&hours, &self.per_hour, &number))?;
        writeln!(f, "run time           {}", list(&["mean", "p50", "p90", "p95", "p99", "longest"], &self.run, &span))?;
        if let Some(wait) = self.wait {
            writeln!(f, "recorded wait      {}", list(&["mean", "p50", "p95", "longest"], &wait, &span))?;
        }
        let share = |n: u64| n as f64 / self.tasks.max(1) as f64 * 100.0;
        let widths: Vec<String> =
            self.slots.iter().map(|(s, n)| format!("{} {:.0} %", count((*s).into(), "slot"), share(*n))).collect();
        writeln!(f, "slots per task     {}\n", widths.join(", "))?;
        let each = span(self.span_ms as f64 / BINS as f64);
        let end = span(self.span_ms as f64);
        writeln!(f, "{}", bars(&format!("arrivals, {each} a column"), &self.arrivals_chart, 5, "start", &end))?;
        write!(
            f,
            "{}",
            bars("slots busy if nothing ever waited, most in each column", &self.slots_chart, 5, "start", &end)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::workload::WorkloadJob;

    #[test]
    fn two_overlapping_tasks() {
        let w = Workload {
            submit_ms: vec![0, 1_800_000, 7_200_000],
            run_ms: vec![3_600_000, 3_600_000, 3_600_000],
            slots: vec![2, 4, 1],
            job: vec![0; 3],
            jobs: vec![WorkloadJob { id: "j".into(), priority: 0 }],
            ..Workload::default()
        };
        let p = Profile::of(&w);
        assert_eq!((p.peak_slots, p.peak_tasks, p.ends_ms), (6, 2, 10_800_000));
        assert_eq!(p.slot_hours, 7.0);
        assert!((p.offered - 7.0 / 3.0).abs() < 1e-12);
        assert!(p.to_string().contains("3 tasks in 1 job over 2 h"), "{p}");
        assert_eq!((p.per_hour[1], p.per_hour[3], p.quiet), (1.0, 2.0, 1.0 - 3.0 / 25.0));
        Profile::of(&Workload::default()).to_string();
        // One wrong date.
        let odd =
            Workload { submit_ms: vec![0, u64::MAX / 2], run_ms: vec![1; 2], slots: vec![1; 2], job: vec![0; 2], ..w };
        assert_eq!(Profile::of(&odd).per_hour[1..], [0.0, 0.0, 1.0]);
    }
}

//! One concrete input, small enough to show: a witness.
//!
//! In: an instant, columns of samples, the pool's state. Out: `Inputs`, a samples file, the command line that replays it.
//! Never: an input that is not admissible.

use super::assume::Assume;
use crate::Inputs;
use poolcast_runtime::{
    metric::Metric,
    rules::Rules,
    series::SeriesStore,
    ticks::{Interval, Ticks},
};
use std::fmt::Write as _;

/// A concrete input. Every metric has a sample each 30 s, the newest at the instant of evaluation.
#[derive(Debug, Clone, PartialEq)]
pub struct Witness {
    /// The instant.
    pub now: Ticks,
    /// Metrics and their values, oldest first; all columns are as long.
    pub columns: Vec<(Metric, Vec<f64>)>,
    /// Of these samples every so-manieth is missing; 0 for none.
    pub holes: u32,
    /// Present targets.
    pub targets: [u32; 2],
    /// Present nodes.
    pub current: [u32; 2],
    /// Task slots per node.
    pub slots: u32,
    /// Seed of `rand()`.
    pub seed: u64,
}

impl Witness {
    /// Nothing there at all, at a Monday morning.
    pub fn empty(metrics: &[Metric]) -> Witness {
        Witness {
            now: Ticks::from_date(2026, 1, 5).unwrap_or_default().saturating_plus(Interval(8 * Interval::HOUR.0)),
            columns: metrics.iter().map(|m| (*m, Vec::new())).collect(),
            holes: 0,
            targets: [0; 2],
            current: [0; 2],
            slots: 1,
            seed: 0,
        }
    }
    /// Whether the sample so many before the newest is missing.
    fn missing(&self, back: usize) -> bool {
        self.holes > 0 && (back as u64 + 1).is_multiple_of(u64::from(self.holes))
    }
    /// The samples there are: metric, instant, value.
    fn samples(&self) -> impl Iterator<Item = (Metric, Ticks, f64)> + '_ {
        self.columns.iter().flat_map(move |(m, column)| {
            let n = column.len();
            column.iter().enumerate().filter_map(move |(i, x)| {
                let back = n - 1 - i;
                let at = Ticks(self.now.0.saturating_sub((back as i64).saturating_mul(Interval::SAMPLE_PERIOD.0)));
                (!self.missing(back)).then_some((*m, at, *x))
            })
        })
    }
    /// A metric's samples, oldest first, with nothing where one is missing.
    pub fn column(&self, metric: Metric) -> Vec<Option<f64>> {
        let Some((_, column)) = self.columns.iter().find(|(m, _)| *m == metric) else { return Vec::new() };
        let n = column.len();
        column.iter().enumerate().map(|(i, x)| (!self.missing(n - 1 - i)).then_some(*x)).collect()
    }
    /// As inputs.
    pub fn inputs(&self, rules: &Rules) -> Inputs {
        let mut series = SeriesStore::new(rules);
        for (m, at, x) in self.samples() {
            // Instants ascend and values are finite, so nothing is refused.
            let _ = series.push(m, at, at, x);
        }
        let mut inputs = Inputs::with_series(self.now, series)
            .targets(self.targets[0], self.targets[1])
            .nodes(self.current[0], self.current[1])
            .task_slots(self.slots)
            .seed(self.seed);
        inputs.seed = self.seed;
        inputs
    }
    /// Puts every number within what is admissible, and running plus active tasks where pending ones are.
    pub fn settle(&mut self, assume: &Assume) {
        self.now = Ticks(self.now.0.clamp(assume.now.lo, assume.now.hi));
        let whole = |n: u32, within: super::domain::Num| f64::from(n).clamp(within.lo.ceil(), within.hi.floor()) as u32;
        for k in 0..2 {
            self.targets[k] = whole(self.targets[k], assume.targets[k]);
            self.current[k] = whole(self.current[k], assume.current[k]);
        }
        self.slots = whole(self.slots, assume.slots);
        let fit = |m: Metric, x: f64| {
            let n = assume.samples[m as usize];
            let x = x.clamp(n.lo, n.hi);
            if n.int { x.floor().max(n.lo) } else { x }
        };
        for (m, column) in &mut self.columns {
            column.iter_mut().for_each(|x| *x = fit(*m, *x));
        }
        let at = |this: &Witness, m: Metric| this.columns.iter().position(|(c, _)| *c == m);
        let Some(pending) = at(self, Metric::PendingTasks) else { return };
        let (active, running) = (at(self, Metric::ActiveTasks), at(self, Metric::RunningTasks));
        for i in 0..self.columns[pending].1.len() {
            let all = self.columns[pending].1[i];
            let a = active.map(|c| self.columns[c].1[i].min(all));
            let r = running.map(|c| self.columns[c].1[i].min(all - a.unwrap_or(0.0)));
            let r = if active.is_some() && running.is_some() { a.map(|a| all - a) } else { r };
            for (c, x) in [(active, a), (running, r)] {
                if let (Some(c), Some(x)) = (c, x) {
                    let m = self.columns[c].0;
                    self.columns[c].1[i] = fit(m, x);
                }
            }
        }
    }
    /// As a samples file, one row for each sample.
    pub fn csv(&self) -> String {
        let mut rows: Vec<(Ticks, Metric, f64)> = self.samples().map(|(m, t, x)| (t, m, x)).collect();
        rows.sort_by_key(|a| (a.0, a.1));
        let mut out = String::from("time,metric,value\n");
        for (t, m, x) in rows {
            let _ = writeln!(out, "{},{},{x}", t.iso_trimmed(), m.name());
        }
        out
    }
    /// Whether it has any sample.
    pub fn has_samples(&self) -> bool {
        self.samples().next().is_some()
    }
    /// The command that replays it; `samples` names the file with [`Witness::csv`].
    pub fn command(&self, formula: &str, samples: &str) -> String {
        let mut out = format!("poolcast eval {}", shell(formula));
        if self.has_samples() {
            let _ = write!(out, " --samples {} --delay 0s", shell(samples));
        }
        let _ = write!(out, " --at {}", self.now.iso_trimmed());
        let sets = [
            ("$TargetDedicatedNodes", self.targets[0], 0),
            ("$TargetLowPriorityNodes", self.targets[1], 0),
            ("$CurrentDedicatedNodes", self.current[0], 0),
            ("$CurrentLowPriorityNodes", self.current[1], 0),
            ("$TaskSlotsPerNode", self.slots, 1),
        ];
        for (name, n, default) in sets {
            if n != default {
                let _ = write!(out, " --set '{name}={n}'");
            }
        }
        if self.seed != 0 {
            let _ = write!(out, " --seed {}", self.seed);
        }
        out
    }
    /// In words: what someone would have to see.
    pub fn words(&self) -> String {
        let mut parts = Vec::new();
        for (m, column) in &self.columns {
            let Some(last) = column.last() else { continue };
            let g = poolcast_runtime::print::general;
            if column.iter().all(|x| x == last) {
                parts.push(format!("{} {} in {}", m.name(), g(*last), samples(column.len())));
            } else if column.len() <= 8 {
                let list: Vec<String> = column.iter().map(|x| g(*x)).collect();
                parts.push(format!("{} {}", m.name(), list.join(", ")));
            } else {
                let (lo, hi) = column.iter().fold((*last, *last), |(a, b), x| (a.min(*x), b.max(*x)));
                parts.push(format!(
                    "{} between {} and {}, last {}, in {}",
                    m.name(),
                    g(lo),
                    g(hi),
                    g(*last),
                    samples(column.len())
                ));
            }
        }
        if parts.is_empty() {
            parts.push("no samples".into());
        }
        if self.holes > 0 && !self.columns.is_empty() {
            parts.push(format!("every {}th sample missing", self.holes));
        }
        for (n, what) in [(self.targets[0], "dedicated"), (self.targets[1], "low-priority")] {
            if n > 0 {
                parts.push(format!("present {what} target {n}"));
            }
        }
        for (n, what) in [(self.current[0], "dedicated"), (self.current[1], "low-priority")] {
            if n > 0 {
                parts.push(format!("{n} {what} nodes"));
            }
        }
        if self.slots != 1 {
            parts.push(format!("{} slots per node", self.slots));
        }
        parts.push(format!("at {}", self.now.iso_trimmed()));
        parts.join("; ")
    }
}

fn samples(n: usize) -> String {
    if n == 1 { "1 sample".into() } else { format!("{n} samples") }
}

/// A word for a POSIX shell.
pub(crate) fn shell(text: &str) -> String {
    let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

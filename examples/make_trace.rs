//! A month of Nextflow traces of a team that does not exist: how `examples/traces/month.txt` was made.
//!
//! In: a seed, fixed. Out: the traces of every pipeline run, one after the other with their header lines, as
//! `cat trace-*.txt` gives them. Never: a recorded value of anybody; a function the platform may round differently, so
//! that the bytes are the same everywhere.
//!
//! ```sh
//! cargo run --example make_trace > examples/traces/month.txt
//! ```

use std::fmt::Write;

/// Monday 2026-01-05T00:00:00Z.
const MONDAY: i64 = 1_767_571_200_000;
const MINUTE: f64 = 60_000.0;
const DAY: i64 = 86_400_000;

/// Process, CPUs, median minutes, spread of the logarithm, share of a CPU used, gigabytes.
type Step = (&'static str, u32, f64, f64, f64, f64);
const QC: Step = ("READ_QC", 1, 4.0, 0.35, 0.93, 0.4);
const TRIM: Step = ("TRIM", 2, 9.0, 0.40, 0.88, 0.9);
const ALIGN: Step = ("ALIGN", 4, 34.0, 0.55, 0.95, 11.0);
const SORT: Step = ("SORT", 2, 11.0, 0.45, 0.71, 3.2);
const COUNT: Step = ("COUNT", 1, 6.0, 0.40, 0.97, 1.1);
const REPORT: Step = ("REPORT", 1, 5.0, 0.30, 0.64, 0.8);

struct Luck(u64);

impl Luck {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }
    fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }
    /// Lognormal around a median; the normal is the sum of twelve uniforms, which has no far tail.
    fn around(&mut self, median: f64, sigma: f64) -> f64 {
        let normal: f64 = (0..12).map(|_| self.unit()).sum::<f64>() - 6.0;
        // (1 + x/1024)¹⁰²⁴ is eˣ to a few per cent here, and only multiplies: the platform's own `exp` may round its own way.
        (0..10).fold(1.0 + sigma * normal / 1024.0, |power, _| power * power) * median
    }
}

/// One pipeline run being written.
struct Run {
    rows: Vec<(i64, String)>,
    luck: Luck,
    tasks: u32,
    /// A resumed run finds what an earlier one left.
    resumed: bool,
}

impl Run {
    /// Submits a task; when it was complete.
    fn task(&mut self, step: Step, tag: &str, submit: i64) -> i64 {
        let (process, cpus, minutes, sigma, busy, gigabytes) = step;
        if self.resumed && matches!(process, "READ_QC" | "TRIM") {
            self.row(process, tag, "CACHED", "0", 1, cpus, (submit, submit, submit, 0), (busy, gigabytes));
            return submit;
        }
        let mut at = submit;
        for attempt in 1.. {
            let wait = self.luck.around(2.6 * MINUTE, 0.9) as i64;
            let staging = self.luck.between(8_000.0, 40_000.0) as i64;
            let run = self.luck.around(minutes * MINUTE, sigma) as i64;
            // Some alignments want more memory than they asked for, once.
            let killed = attempt == 1 && process == "ALIGN" && self.luck.chance(0.04);
            let run = if killed { run / 3 } else { run };
            let (start, complete) = (at + wait, at + wait + staging + run);
            let (status, exit) = if killed { ("FAILED", "137") } else { ("COMPLETED", "0") };
            self.row(process, tag, status, exit, attempt, cpus, (at, start, complete, run), (busy, gigabytes));
            at = complete + 500;
            if !killed {
                break;
            }
        }
        at
    }

    #[allow(clippy::too_many_arguments)] // a row of the trace has that many columns
    fn row(
        &mut self,
        process: &str,
        tag: &str,
        status: &str,
        exit: &str,
        attempt: u32,
        cpus: u32,
        (submit, start, complete, run): (i64, i64, i64, i64),
        (busy, gigabytes): (f64, f64),
    ) {
        self.tasks += 1;
        let hash = (self.luck.unit() * 4_294_967_296.0) as u32;
        let percent = busy * 100.0 * f64::from(cpus) * self.luck.between(0.9, 1.02);
        let memory = gigabytes * self.luck.between(0.8, 1.15);
        let mut text = String::new();
        let _ = writeln!(
            text,
            "{}\t{:02x}/{:06x}\t{process} ({tag})\t{status}\t{exit}\t{attempt}\t{cpus}\t{}\t{}\t{}\t{}\t{}\t{percent:.1}%\t{}",
            self.tasks,
            hash >> 24,
            hash & 0xff_ffff,
            instant(submit),
            instant(start),
            instant(complete),
            span(complete - submit),
            span(run),
            if memory < 1.0 { format!("{:.1} MB", memory * 1024.0) } else { format!("{memory:.1} GB") },
        );
        self.rows.push((submit, text));
    }
}

/// As Nextflow prints instants.
fn instant(unix_ms: i64) -> String {
    let ms = unix_ms - MONDAY;
    let (day, ms) = (ms / DAY + 5, ms % DAY);
    let (month, day) = if day <= 31 { (1, day) } else { (2, day - 31) };
    let (h, m, s) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    format!("2026-{month:02}-{day:02} {h:02}:{m:02}:{s:02}.{:03}", ms % 1000)
}

/// As Nextflow prints durations: `350ms`, `12.3s`, `1h 2m 3s`.
fn span(ms: i64) -> String {
    match ms {
        0..=999 => format!("{ms}ms"),
        1_000..=59_999 => format!("{:.1}s", ms as f64 / 1000.0),
        _ => {
            let (h, m, s) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
            [(h, "h"), (m, "m"), (s, "s")]
                .iter()
                .filter(|(n, _)| *n > 0)
                .map(|(n, unit)| format!("{n}{unit}"))
                .collect::<Vec<_>>()
                .join(" ")
        }
    }
}

/// The traces of the month.
pub fn traces() -> String {
    let mut luck = Luck(2026);
    let mut out = String::new();
    let mut number = 0u64;
    for day in (0..26).filter(|d| d % 7 < 5) {
        // Two or three runs a working day, begun between eight and six; Thursday's last one is the cohort of the week.
        let runs = 2 + i64::from(luck.chance(0.4));
        for k in 0..runs {
            number += 1;
            let cohort = day % 7 == 3 && k + 1 == runs;
            let samples = if cohort { luck.between(34.0, 48.0) } else { luck.around(7.0, 0.45).max(2.0) } as u32;
            let hour = if cohort { 18.5 } else { luck.between(8.0, 17.5) };
            let begin = MONDAY + day * DAY + (hour * 60.0 * MINUTE) as i64;
            let resumed = !cohort && luck.chance(0.08);
            let mut run = Run { rows: Vec::new(), luck: Luck(number * 7919), tasks: 0, resumed };
            let mut last = begin;
            for s in 0..samples {
                let tag = format!("r{number:02}_s{:02}", s + 1);
                let at = begin + i64::from(s) * 350;
                run.task(QC, &tag, at);
                let trimmed = run.task(TRIM, &tag, at + 20);
                let aligned = run.task(ALIGN, &tag, trimmed);
                let sorted = run.task(SORT, &tag, aligned);
                last = last.max(run.task(COUNT, &tag, sorted));
            }
            run.task(REPORT, &format!("r{number:02}"), last);
            // A trace has its rows in the order tasks were submitted, nearly.
            run.rows.sort_by_key(|(at, _)| *at);
            out.push_str("task_id\thash\tname\tstatus\texit\tattempt\tcpus\tsubmit\tstart\tcomplete\tduration\trealtime\t%cpu\tpeak_rss\n");
            out.extend(run.rows.into_iter().map(|(_, text)| text));
        }
    }
    out
}

#[allow(dead_code)] // a test takes this file in for `traces`
fn main() {
    print!("{}", traces());
}

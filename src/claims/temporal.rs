//! Claims about time: a formula in a pool, over hours.
//!
//! In: a formula, what is admissible, a claim, a budget. Out: a verdict. Never: "proved" because simulations went well.
//!
//! Proofs come from bounds. Everything else is a search: the simulator runs the formula from several beginnings under
//! several loads (`trial`), and the first run that contradicts the claim is the counterexample.

use super::{
    assertion::{Claim, Counterexample, Verdict},
    trial::{Batch, Beat, INTERVAL, Load, Start, Trial},
};
use crate::{
    Formula,
    bounds::{
        assume::{Assume, History},
        search::Search,
        walk::{Analysis, analyse},
    },
    sim::config::{HOUR, MINUTE, Ms, SECOND},
};
use poolcast_runtime::metric::Metric;

/// Evaluations a question is followed for: four hours.
pub const HORIZON: u32 = 48;
/// What an evaluation in a pool costs of a budget: the pool around it is as much work as so many evaluations.
pub const WEIGHT: u32 = 10;
/// Evaluations before a burst that a claim is about.
const QUIET: u32 = 12;
/// Samples between two evaluations.
const SAMPLES: u32 = (INTERVAL / (30 * SECOND)) as u32;
/// Samples that are taken and cannot be seen yet.
const UNSEEN: u32 = 2;
/// Longer than any trial.
const ENDLESS: Ms = 1000 * HOUR;

/// What a target comes to when there is no work, by trying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idle {
    /// Zero after so many evaluations in every run tried.
    Settles(u32),
    /// It stays above zero: what it stays at, and where it began.
    Stays(u32, Start),
    /// An evaluation fails without work, so the target stays.
    Fails(Start),
}

/// Tries what target `k` comes to without work.
pub fn idle(formula: &Formula, assume: &Assume, k: usize) -> Idle {
    let mut slowest = 0;
    for start in starts(formula, assume) {
        let trial = Trial::new(formula, assume, start, Load::default(), HORIZON);
        let beats = trial.run(|_| false);
        match beats.iter().rposition(|b| b.targets[k] > 0) {
            None => {}
            Some(last) if last + 1 == beats.len() => {
                return if beats[last].failed {
                    Idle::Fails(trial.start())
                } else {
                    Idle::Stays(beats[last].targets[k], trial.start())
                };
            }
            Some(last) => slowest = slowest.max(last as u32 + 2),
        }
    }
    Idle::Settles(slowest.max(1))
}

fn starts(formula: &Formula, assume: &Assume) -> Vec<Start> {
    Start::all(Search::new(formula, assume, 0).reads_clock())
}

// ---- loads ----

fn at_once(count: u32, at: Ms, run: Ms) -> Batch {
    Batch { count, at, every: 0, run }
}

/// The same amount of work all the time.
fn constant() -> Vec<Load> {
    let mut out: Vec<Load> = [10, 100, 1, 3, 1000]
        .map(|n| Load { words: format!("{n} tasks that never end"), batches: vec![at_once(n, 0, ENDLESS)] })
        .into();
    for n in [10, 1, 60] {
        let every = 10 * MINUTE / n;
        let count = (INTERVAL * Ms::from(HORIZON) / every) as u32;
        out.push(Load {
            words: format!("a task of 10 minutes each {} s", every / SECOND),
            batches: vec![Batch { count, at: 0, every, run: 10 * MINUTE }],
        });
    }
    out
}

/// Work that comes and goes, at least two minutes before an evaluation, so that samples can show it.
fn changing() -> Vec<Load> {
    let mut out = Vec::new();
    for n in [10, 100, 600] {
        out.push(Load {
            words: format!("{n} tasks of 20 minutes each hour"),
            batches: (0..4).map(|h| at_once(n, h * HOUR + 2 * MINUTE, 20 * MINUTE)).collect(),
        });
        out.push(Load {
            words: format!("{n} tasks of which nine in ten end after an hour"),
            batches: vec![at_once(n / 10, 2 * MINUTE, ENDLESS), at_once(n - n / 10, 2 * MINUTE, HOUR)],
        });
        out.push(Load {
            words: format!("{n} tasks that end bit by bit over two hours"),
            batches: (1..=10).map(|i| at_once(n / 10, 2 * MINUTE, i * 12 * MINUTE)).collect(),
        });
    }
    out
}

/// Loads within what is assumed of counts of tasks.
fn admissible(loads: Vec<Load>, assume: &Assume) -> impl Iterator<Item = Load> {
    let most = [Metric::PendingTasks, Metric::ActiveTasks, Metric::RunningTasks]
        .map(|m| assume.samples[m as usize].hi)
        .into_iter()
        .fold(f64::INFINITY, f64::min);
    loads.into_iter().filter(move |l| f64::from(l.batches.iter().map(|b| b.count).sum::<u32>()) <= most)
}

// ---- judging ----

/// A contradiction: the evaluation that shows it, and what happened.
type Contradiction = (u32, String);

/// Judges a claim about time: proved where bounds suffice, else by trying.
pub fn judge(formula: &Formula, assume: &Assume, claim: &Claim, budget: u32) -> Verdict {
    let analysis = analyse(formula.program(), assume);
    let mut search = Trials { formula, assume, starts: starts(formula, assume), budget, made: 0, runs: 0 };
    let refuted = match *claim {
        Claim::SettlesToZero(within) => {
            let longest = Search::new(formula, assume, 0).longest() as u32;
            if zero_without_work(formula, assume) && within > (longest + UNSEEN).div_ceil(SAMPLES) {
                return Verdict::Proved;
            }
            search.settles(&analysis, within.clamp(1, 1000))
        }
        Claim::NeverBelowRunning => search.first(HORIZON, changing(), |trial, beats| below_running(trial, beats)),
        Claim::Steady if fixed(&analysis) => return Verdict::Proved,
        Claim::Steady => search.first(HORIZON, constant(), |trial, beats| {
            // Only at the end, when the beginning has settled.
            (beats.len() as u32 == HORIZON).then(|| turns(trial, beats)).flatten()
        }),
        Claim::ReactsWithin(minutes) => search.reacts(&analysis, minutes),
        Claim::Always(_) => None,
    };
    match refuted {
        Some(c) => Verdict::Refuted(Box::new(c)),
        None if search.runs == 0 => Verdict::Unknown("nothing was simulated within the budget".into()),
        None => Verdict::Unknown(format!("held in all {} simulations, which proves nothing about others", search.runs)),
    }
}

/// Whether both targets are proved to be 0 where no sample shows work and none is missing.
fn zero_without_work(formula: &Formula, assume: &Assume) -> bool {
    let idle = analyse(formula.program(), &assume.clone().no_work().with_history(History::Full));
    let zero = |k| match idle.target(k) {
        (Some(n), kept) => !kept && n.hi <= 0.0,
        (None, _) => true,
    };
    idle.traps.is_empty() && zero(0) && zero(1)
}

/// Whether no evaluation changes a target.
fn fixed(analysis: &Analysis<'_>) -> bool {
    analysis.traps.is_empty()
        && (0..2).all(|k| match analysis.target(k) {
            (Some(n), kept) => !kept && n.lo == n.hi,
            (None, _) => true,
        })
}

struct Trials<'f> {
    formula: &'f Formula,
    assume: &'f Assume,
    starts: Vec<Start>,
    budget: u32,
    made: u32,
    runs: u32,
}

impl<'f> Trials<'f> {
    /// Runs one trial until it contradicts the claim.
    fn one(
        &mut self,
        start: Start,
        load: Load,
        beats: u32,
        contradicts: &mut dyn FnMut(&Trial<'f>, &[Beat]) -> Option<Contradiction>,
    ) -> Option<Counterexample> {
        let cost = beats.saturating_mul(WEIGHT);
        if self.made > 0 && self.made.saturating_add(cost) > self.budget {
            return None;
        }
        self.made = self.made.saturating_add(cost);
        self.runs += 1;
        let trial = Trial::new(self.formula, self.assume, start, load, beats);
        let mut found = None;
        trial.run(|beats| {
            found = contradicts(&trial, beats);
            found.is_some()
        });
        let (beat, what) = found?;
        let load = if trial.load().is_empty() { "without work".into() } else { format!("with {}", trial.load()) };
        let what = format!("{load}, beginning with {}: {what}", trial.start().words());
        let longest = Search::new(self.formula, self.assume, 0).longest();
        let witness = trial.witness(beat, longest);
        // A pool may do what was assumed away, such as show a metric that no task of a trial moves.
        let admissible = |w: &crate::bounds::Witness| {
            let mut settled = w.clone();
            settled.settle(self.assume);
            settled == *w
        };
        if witness.as_ref().is_some_and(|w| !admissible(w)) {
            return None;
        }
        let scenario = Some(trial.scenario(&what));
        Some(Counterexample { witness, scenario, what })
    }
    /// The first contradiction over all loads and beginnings.
    fn first(
        &mut self,
        beats: u32,
        loads: Vec<Load>,
        mut contradicts: impl FnMut(&Trial<'f>, &[Beat]) -> Option<Contradiction>,
    ) -> Option<Counterexample> {
        let loads: Vec<Load> = admissible(loads, self.assume).collect();
        for start in self.starts.clone() {
            for load in &loads {
                if let Some(found) = self.one(start, load.clone(), beats, &mut contradicts) {
                    return Some(found);
                }
            }
        }
        None
    }

    fn settles(&mut self, analysis: &Analysis<'_>, within: u32) -> Option<Counterexample> {
        let sets = |k: usize| analysis.target(k).0.is_some();
        let burst = Load { words: "20 tasks of 10 minutes".into(), batches: vec![at_once(20, 0, 10 * MINUTE)] };
        let mut contradicts = |_: &Trial<'f>, beats: &[Beat]| {
            let idle = beats.iter().rev().take_while(|b| b.pending == 0).count();
            let last = beats.last().filter(|b| (0..2).any(|k| sets(k) && b.targets[k] > 0))?;
            let what = format!(
                "after {idle} evaluations without work the targets are {} and {}",
                last.targets[0], last.targets[1]
            );
            (idle == within as usize).then(|| (beats.len() as u32 - 1, what))
        };
        for start in self.starts.clone() {
            let idle = self.one(start, Load::default(), within, &mut contradicts);
            let found = idle.or_else(|| {
                // Two hours to do the work.
                let load = admissible(vec![burst.clone()], self.assume).next()?;
                self.one(start, load, within + 24, &mut contradicts)
            });
            if found.is_some() {
                return found;
            }
        }
        None
    }

    fn reacts(&mut self, analysis: &Analysis<'_>, minutes: u32) -> Option<Counterexample> {
        let most = |k: usize| analysis.target(k).0.map_or(0.0, |n| n.hi);
        // The burst comes a second after an evaluation: the longest wait for the next.
        let after = ((Ms::from(minutes) * MINUTE + SECOND) / INTERVAL) as u32;
        let at = INTERVAL * Ms::from(QUIET - 1) + SECOND;
        for n in [100, 1000] {
            let words = format!("{n} tasks after an hour without");
            let load = vec![Load { words, batches: vec![at_once(n, at, ENDLESS)] }];
            let found = self.first(QUIET + after, load, |trial, beats| {
                let before = beats.get(QUIET as usize - 1)?;
                let since = &beats[QUIET as usize..];
                let full = (0..2).all(|k| f64::from(before.targets[k]) >= most(k));
                let room = total(before.targets).saturating_mul(u64::from(trial.slots()));
                let rose = since.iter().any(|b| (0..2).any(|k| b.targets[k] > before.targets[k]));
                let over = since.len() as u32 == after;
                let what = || {
                    let [d, l] = before.targets;
                    format!("{minutes} minutes after the tasks came the targets are still {d} and {l}")
                };
                (over && !full && !rose && room < u64::from(n)).then(|| (QUIET + after - 1, what()))
            });
            if found.is_some() {
                return found;
            }
        }
        None
    }
}

fn total(targets: [u32; 2]) -> u64 {
    u64::from(targets[0]) + u64::from(targets[1])
}

/// The newest evaluation lowers a target and asks for fewer slots than tasks run. One that repeats a target is not to blame
/// for nodes that are still leaving.
fn below_running(trial: &Trial<'_>, beats: &[Beat]) -> Option<Contradiction> {
    let b = beats.last()?;
    let room = total(b.targets).saturating_mul(u64::from(trial.slots()));
    let lowers = (0..2).any(|k| b.targets[k] < b.before[k]);
    let running = u64::try_from(b.running).unwrap_or(0);
    (!b.failed && lowers && room < running).then(|| {
        let what =
            format!("{running} tasks run on {} nodes, and the formula asks for {}", total(b.nodes), total(b.targets));
        (beats.len() as u32 - 1, what)
    })
}

/// In the second half of a run a target turns back twice. Where tasks come one by one their number ripples, and so may targets.
fn turns(trial: &Trial<'_>, beats: &[Beat]) -> Option<Contradiction> {
    let tail = beats.len() / 2;
    for k in 0..2 {
        let list: Vec<u32> = beats[tail..].iter().map(|b| b.targets[k]).collect();
        let peak = list.iter().copied().max().unwrap_or(0);
        let least = if trial.ripples() { (peak / 5).max(2) } else { 1 };
        // Extremes that differ by enough, alternating.
        let (mut lo, mut hi) = (*list.first()?, *list.first()?);
        let (mut direction, mut turned, mut at) = (0i8, 0, None);
        for (i, n) in list.iter().copied().enumerate() {
            (lo, hi) = (lo.min(n), hi.max(n));
            let now = match (n >= lo.saturating_add(least), hi >= n.saturating_add(least)) {
                (true, false) => 1,
                (false, true) => -1,
                _ => continue,
            };
            if now != direction {
                turned += u32::from(direction != 0);
                at = at.or(Some(i));
                direction = now;
            }
            (lo, hi) = (n, n);
        }
        if turned >= 2 {
            let shown: Vec<String> = list.iter().take(8).map(u32::to_string).collect();
            return Some(((tail + at?) as u32, format!("the target goes {} …", shown.join(", "))));
        }
    }
    None
}

//! The formula in a loop with a small pool: nodes follow targets, samples follow nodes and a given load.
//!
//! In: a formula, a load. Out: the targets of each evaluation. Never: a full pool (that is the simulator), a random number
//! that is not keyed.
//!
//! The pool here is the least that closes the loop: nodes arrive a fixed number of samples after they were asked for and
//! leave at once, each node runs one task per slot, a sample of every metric is taken each 30 s.

use super::{
    assertion::{Claim, Counterexample, Verdict},
    assume::{Assume, History},
    report::Idle,
    search::Search,
    walk::analyse,
    witness::Witness,
};
use crate::{Formula, Inputs, Targets};
use poolcast_runtime::{
    metric::Metric,
    series::SeriesStore,
    ticks::{Interval, Ticks},
};

/// Samples between two evaluations: the service's default interval is 15 minutes, its shortest 5.
pub const EVERY: u32 = 10;
/// Samples until a node that was asked for is usable.
pub const BOOT: u32 = 8;
/// Evaluations a question is followed for.
pub const HORIZON: u32 = 48;

/// One evaluation in the loop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Beat {
    /// When.
    pub now: Ticks,
    /// What the formula asked for; none when it failed.
    pub asked: Option<[u32; 2]>,
    /// Present targets after it.
    pub targets: [u32; 2],
    /// Nodes at the time.
    pub nodes: [u32; 2],
    /// Tasks running.
    pub running: u32,
    /// Tasks waiting.
    pub waiting: u32,
}

/// A pool that follows its targets.
#[derive(Debug)]
pub struct Loop {
    now: Ticks,
    series: SeriesStore,
    targets: [u32; 2],
    /// Nodes there, and for each sample until they arrive how many are on their way.
    nodes: [u32; 2],
    coming: Vec<[u32; 2]>,
    slots: u32,
    most: u32,
    seed: u64,
}

/// How much work there is at a sample: tasks that would run if there were nodes enough.
pub type Load<'l> = &'l dyn Fn(u32) -> u32;

impl Loop {
    /// Begins with what a witness describes, its nodes all there.
    pub fn from(w: &Witness, formula: &Formula, assume: &Assume) -> Loop {
        let inputs = w.inputs(formula.rules());
        let most = assume.current.iter().map(|n| n.hi).fold(0.0, f64::max).min(100_000.0) as u32;
        Loop {
            now: w.now,
            series: inputs.series,
            targets: w.targets,
            nodes: w.current.map(|n| n.min(most)),
            coming: Vec::new(),
            slots: w.slots,
            most,
            seed: w.seed,
        }
    }

    /// One sample period: nodes arrive, work is done, everything is measured.
    fn sample(&mut self, work: u32) -> (u32, u32) {
        self.now = self.now.saturating_plus(Interval::SAMPLE_PERIOD);
        if !self.coming.is_empty() {
            let arrived = self.coming.remove(0);
            for (k, new) in arrived.into_iter().enumerate() {
                self.nodes[k] = self.nodes[k].saturating_add(new).min(self.targets[k]).min(self.most);
            }
        }
        let room = (self.nodes[0].saturating_add(self.nodes[1])).saturating_mul(self.slots);
        let running = work.min(room);
        let waiting = work - running;
        let nodes = f64::from(self.nodes[0].saturating_add(self.nodes[1]));
        let busy = if room == 0 { 0.0 } else { 100.0 * f64::from(running) / f64::from(room) };
        for (m, x) in [
            (Metric::ActiveTasks, f64::from(waiting)),
            (Metric::RunningTasks, f64::from(running)),
            (Metric::PendingTasks, f64::from(work)),
            (Metric::SucceededTasks, 0.0),
            (Metric::FailedTasks, 0.0),
            (Metric::CurrentDedicatedNodes, f64::from(self.nodes[0])),
            (Metric::CurrentLowPriorityNodes, f64::from(self.nodes[1])),
            (Metric::UsableNodeCount, nodes),
            (Metric::PreemptedNodeCount, 0.0),
            (Metric::TaskSlotsPerNode, f64::from(self.slots)),
            (Metric::CpuPercent, busy),
        ] {
            // Instants ascend; a value is never NaN.
            let _ = self.series.push(m, self.now, self.now, x);
        }
        (running, waiting)
    }

    /// Runs for so many evaluations, `EVERY` samples apart, the first after one interval.
    pub fn run(&mut self, formula: &Formula, beats: u32, load: Load<'_>) -> Vec<Beat> {
        self.watched(formula, beats, load, &mut |_, _| {})
    }

    /// The input of the evaluation about to be made, as a witness.
    fn witness(&self) -> Witness {
        let mut columns = Vec::new();
        for (m, series) in self.series.iter() {
            let values = series.values();
            if !values.is_empty() {
                columns.push((m, values.to_vec()));
            }
        }
        let longest = columns.iter().map(|(_, c)| c.len()).min().unwrap_or(0);
        columns.iter_mut().for_each(|(_, c)| drop(c.drain(..c.len() - longest)));
        Witness {
            now: self.now,
            columns,
            holes: 0,
            targets: self.targets,
            current: self.nodes,
            slots: self.slots,
            seed: self.seed,
        }
    }

    fn watched(
        &mut self,
        formula: &Formula,
        beats: u32,
        load: Load<'_>,
        watch: &mut dyn FnMut(u32, &Loop),
    ) -> Vec<Beat> {
        let mut evaluator = formula.evaluator();
        let mut out = Vec::with_capacity(beats as usize);
        let mut tick = 0;
        for beat in 0..beats {
            let (mut running, mut waiting) = (0, 0);
            for _ in 0..EVERY {
                (running, waiting) = self.sample(load(tick));
                tick += 1;
            }
            watch(beat, self);
            let inputs = Inputs::with_series(self.now, std::mem::take(&mut self.series))
                .targets(self.targets[0], self.targets[1])
                .nodes(self.nodes[0], self.nodes[1])
                .task_slots(self.slots)
                .seed(self.seed);
            let asked = evaluator.targets(&inputs.snapshot()).ok();
            self.series = inputs.series;
            let before = self.nodes;
            if let Some(t) = &asked {
                self.resize(t);
            }
            out.push(Beat {
                now: self.now,
                asked: asked.as_ref().map(|_| self.targets),
                targets: self.targets,
                nodes: before,
                running,
                waiting,
            });
        }
        out
    }

    fn resize(&mut self, t: &Targets) {
        let wanted = [t.dedicated.or(self.targets[0]), t.low_priority.or(self.targets[1])];
        let changed = wanted != self.targets;
        self.targets = wanted;
        if changed {
            // A new resize replaces the one under way.
            self.coming.clear();
        }
        let mut missing = [0; 2];
        for k in 0..2 {
            self.nodes[k] = self.nodes[k].min(wanted[k]);
            missing[k] = wanted[k].min(self.most).saturating_sub(self.nodes[k]);
        }
        if missing != [0; 2] && self.coming.is_empty() {
            self.coming = vec![[0; 2]; BOOT as usize];
            self.coming.push(missing);
        }
    }
}

/// What a target comes to without work, from several beginnings.
pub fn idle(formula: &Formula, search: &mut Search<'_>, quiet: &Assume, k: usize) -> Idle {
    let mut slowest = 0;
    for start in starts(search) {
        let mut pool = Loop::from(&start, formula, quiet);
        let beats = pool.run(formula, HORIZON, &|_| 0);
        search.made += HORIZON;
        match beats.iter().rposition(|b| b.targets[k] > 0) {
            None => {}
            Some(last) if last + 1 == beats.len() => {
                let stays = beats[last].targets[k];
                return if beats[last].asked.is_none() { Idle::Fails(start) } else { Idle::Stays(stays, start) };
            }
            Some(last) => slowest = slowest.max(last as u32 + 2),
        }
    }
    Idle::Settles(slowest.max(1))
}

/// Beginnings: some nodes, no samples, at several times of day.
pub fn starts(search: &Search<'_>) -> Vec<Witness> {
    let base = Witness::empty(&[]);
    let mut out = Vec::new();
    for n in [10, 1, 0, 3, 100] {
        for hours in if search.reads_clock() { vec![0, 5, 12, 60, 125] } else { vec![0] } {
            let mut w = base.clone();
            w.now = w.now.saturating_plus(Interval(hours * Interval::HOUR.0));
            w.targets = [n, n];
            w.current = [n, n];
            out.push(w);
        }
    }
    out
}

// ---- claims about time ----

/// A load and its words.
type Named = (String, Box<dyn Fn(u32) -> u32>);

/// Loads a question is asked under.
fn loads() -> Vec<Named> {
    let mut out: Vec<Named> = Vec::new();
    for n in [1, 3, 10, 50, 200, 1000] {
        out.push((format!("{n} tasks all the time"), Box::new(move |_| n)));
    }
    for n in [10, 100, 1000] {
        out.push((
            format!("{n} tasks, then a tenth of them after an hour"),
            Box::new(move |t| if t < 120 { n } else { n / 10 }),
        ));
        out.push((
            format!("{n} tasks finishing one after another over two hours"),
            Box::new(move |t| n.saturating_sub(n * t / 240)),
        ));
        out.push((format!("{n} tasks every other half hour"), Box::new(move |t| if t / 60 % 2 == 0 { n } else { 1 })));
    }
    out
}

/// Judges a claim about time: proved where bounds suffice, else by trying.
pub fn judge(formula: &Formula, assume: &Assume, claim: &Claim) -> Verdict {
    let search = Search::new(formula, assume, 0);
    let analysis = analyse(formula.program(), assume);
    let fixed = analysis.traps.is_empty()
        && (0..2).all(|k| match analysis.target(k) {
            (Some(n), kept) => !kept && n.lo == n.hi,
            (None, _) => true,
        });
    let refute = |start: &Witness, load: Load<'_>, beat: u32, what: String| {
        let mut at = None;
        let mut pool = Loop::from(start, formula, assume);
        pool.watched(formula, beat + 1, load, &mut |b, pool| {
            if b == beat {
                at = Some(pool.witness());
            }
        });
        match at {
            Some(mut witness) => {
                let read: Vec<Metric> = formula.reads().iter().map(|r| r.metric).collect();
                witness.columns.retain(|(m, _)| read.contains(m));
                for (_, c) in &mut witness.columns {
                    c.drain(..c.len().saturating_sub(search.longest() + 1));
                }
                Verdict::Refuted(Box::new(Counterexample { witness, what }))
            }
            None => Verdict::Unknown(what),
        }
    };
    let mut runs = 0;
    match *claim {
        Claim::SettlesToZero(within) => {
            let quiet = assume.clone().no_work().with_history(History::Full);
            let idle = analyse(formula.program(), &quiet);
            // Until the longest window has only seen an empty queue, anything may remain.
            let fills = (search.longest() as u32).div_ceil(EVERY) + 1;
            let zero = |k| match idle.target(k) {
                (Some(n), kept) => !kept && n.hi <= 0.0,
                (None, _) => true,
            };
            if idle.traps.is_empty() && zero(0) && zero(1) && within >= fills {
                return Verdict::Proved;
            }
            for start in starts(&search) {
                runs += 1;
                let beats = Loop::from(&start, formula, assume).run(formula, within.clamp(1, 1000), &|_| 0);
                let sets = |k: usize| analysis.target(k).0.is_some();
                if let Some(last) = beats.last()
                    && (0..2).any(|k| sets(k) && last.targets[k] > 0)
                {
                    let what = format!(
                        "after {} evaluations without work the targets are {} and {}",
                        beats.len(),
                        last.targets[0],
                        last.targets[1]
                    );
                    return refute(&start, &|_| 0, beats.len() as u32 - 1, what);
                }
            }
        }
        Claim::NeverBelowRunning => {
            for start in starts(&search) {
                for (words, load) in loads() {
                    runs += 1;
                    let beats = Loop::from(&start, formula, assume).run(formula, HORIZON, &*load);
                    for (i, b) in beats.iter().enumerate() {
                        let room = (b.targets[0].saturating_add(b.targets[1])).saturating_mul(start.slots);
                        let shrinks = b.targets[0] < b.nodes[0] || b.targets[1] < b.nodes[1];
                        if b.asked.is_some() && shrinks && room < b.running {
                            let what = format!(
                                "with {words}: {} tasks run on {} nodes, and the formula asks for {}",
                                b.running,
                                b.nodes[0] + b.nodes[1],
                                b.targets[0] + b.targets[1]
                            );
                            return refute(&start, &*load, i as u32, what);
                        }
                    }
                }
            }
        }
        Claim::Steady => {
            if fixed {
                return Verdict::Proved;
            }
            for start in starts(&search) {
                for (words, load) in loads().into_iter().take(6) {
                    runs += 1;
                    let beats = Loop::from(&start, formula, assume).run(formula, HORIZON, &*load);
                    let tail = beats.len() / 2;
                    for k in 0..2 {
                        let list: Vec<u32> = beats[tail..].iter().map(|b| b.targets[k]).collect();
                        let moves: Vec<bool> = list.windows(2).filter(|p| p[0] != p[1]).map(|p| p[0] < p[1]).collect();
                        if moves.windows(2).filter(|p| p[0] != p[1]).count() >= 2 {
                            let shown: Vec<String> = list.iter().take(8).map(u32::to_string).collect();
                            let at = tail + list.windows(2).position(|p| p[0] != p[1]).unwrap_or(0) + 1;
                            let what = format!("with {words}: the target goes {} …", shown.join(", "));
                            return refute(&start, &*load, at as u32, what);
                        }
                    }
                }
            }
        }
        Claim::ReactsWithin(minutes) => {
            let quiet = 12;
            let step = quiet * EVERY;
            let beats_in = (minutes * 2).div_ceil(EVERY).max(1);
            let most = |k: usize| analysis.target(k).0.map_or(0.0, |n| n.hi);
            for start in starts(&search) {
                for n in [100, 1000] {
                    runs += 1;
                    let load = move |t: u32| if t < step { 0 } else { n };
                    let beats = Loop::from(&start, formula, assume).run(formula, quiet + beats_in, &load);
                    let Some((before, after)) = beats.get(quiet as usize - 1).zip(beats.get(quiet as usize..)) else {
                        continue;
                    };
                    let full = (0..2).all(|k| f64::from(before.targets[k]) >= most(k));
                    let rose = after.iter().any(|b| (0..2).any(|k| b.targets[k] > before.targets[k]));
                    if !full && !rose {
                        let what = format!(
                            "{minutes} minutes after {n} tasks arrived the targets are still {} and {}",
                            before.targets[0], before.targets[1]
                        );
                        return refute(&start, &load, quiet + beats_in - 1, what);
                    }
                }
            }
        }
        Claim::Always(_) => {}
    }
    Verdict::Unknown(format!("held in all {runs} runs of a small pool, which proves nothing about others"))
}

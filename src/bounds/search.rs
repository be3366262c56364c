//! Finds concrete inputs: directed first, then at random around the best so far, always on the engine itself.
//!
//! In: a formula, what is admissible, a budget in evaluations. Out: witnesses. Never: a result that depends on the clock,
//! or a witness the engine did not produce.

use super::{assume::Assume, walk, witness::Witness};
use crate::{
    Evaluator, Formula, Targets,
    interp::Fault,
    ir::{Inst, Program},
    outcome::Target,
};
use poolcast_runtime::{
    arena::Arena,
    metric::Metric,
    ticks::{Interval, Ticks},
    window::WindowSpec,
};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};

/// Evaluations a search makes unless told otherwise: well under a second.
pub const BUDGET: u32 = 20_000;
/// Longest history a witness gets.
const LONGEST: usize = 2_000;

/// What one evaluation came to.
pub type Ran = Result<Targets, Fault>;

/// A search over one formula's inputs.
pub struct Search<'a> {
    formula: &'a Formula,
    evaluator: Evaluator,
    assume: &'a Assume,
    rng: ChaCha8Rng,
    metrics: Vec<Metric>,
    /// Numbers the formula compares with or counts to, and their neighbours.
    numbers: Vec<f64>,
    /// Instants of interest.
    instants: Vec<i64>,
    /// Samples the longest window holds.
    longest: usize,
    clock: bool,
    /// Evaluations made.
    pub made: u32,
}

/// The metrics and windows of a program: what a search has to fill.
fn reads(p: &Program) -> (Vec<Metric>, usize) {
    let (mut metrics, mut longest) = (Vec::new(), 1usize);
    for w in &p.windows {
        metrics.push(w.metric());
        let n = match *w {
            WindowSpec::Last { count, .. } => count as usize,
            WindowSpec::Back { far, .. } => (far.0.max(0) / Interval::SAMPLE_PERIOD.0) as usize + 1,
        };
        longest = longest.max(n.min(LONGEST));
    }
    for inst in &p.insts {
        match *inst {
            // A method of its own, `Count` perhaps: some history to count.
            Inst::Metric(m) => {
                metrics.push(m);
                longest = longest.max(64);
            }
            // A duration may become a window.
            Inst::Interval(t) => longest = longest.max(((t.max(0) / Interval::SAMPLE_PERIOD.0) as usize + 1).min(256)),
            _ => {}
        }
    }
    metrics.sort_unstable();
    metrics.dedup();
    (metrics, longest)
}

impl<'a> Search<'a> {
    /// A search.
    pub fn new(formula: &'a Formula, assume: &'a Assume, seed: u64) -> Search<'a> {
        let mut search = Search {
            formula,
            evaluator: formula.evaluator(),
            assume,
            rng: ChaCha8Rng::seed_from_u64(seed),
            metrics: Vec::new(),
            numbers: vec![0.0, 1.0, 2.0, 3.0, 10.0, 100.0, 1000.0, 1e6, super::assume::MOST],
            instants: Vec::new(),
            longest: 1,
            clock: false,
            made: 0,
        };
        search.learn(formula.program());
        search
    }
    /// Takes the constants and windows of a further program into account.
    pub fn learn(&mut self, p: &Program) {
        let (metrics, longest) = reads(p);
        self.metrics.extend(metrics);
        self.metrics.sort_unstable();
        self.metrics.dedup();
        self.longest = self.longest.max(longest);
        let durations: Vec<i64> =
            p.insts.iter().filter_map(|i| if let Inst::Interval(t) = i { Some(*t) } else { None }).collect();
        for inst in &p.insts {
            match *inst {
                Inst::Double(bits) => {
                    let x = f64::from_bits(bits).abs();
                    if x.is_finite() && x < 1e12 {
                        self.numbers.extend([x, x + 1.0, x - 1.0, 2.0 * x, x * x]);
                        if x > 0.0 && x < 1.0 {
                            self.numbers.push((1.0 / x).round());
                        }
                    }
                }
                Inst::Time(t) => {
                    for d in durations.iter().chain(&[0]) {
                        for near in [-Interval::SECOND.0, 0, Interval::SECOND.0] {
                            self.instants.push(t.saturating_add(*d).saturating_add(near));
                        }
                    }
                }
                Inst::Input(crate::ir::Input::Now) => self.clock = true,
                _ => {}
            }
        }
        self.numbers.retain(|x| *x >= 0.0);
        self.numbers.sort_by(f64::total_cmp);
        self.numbers.dedup();
    }

    /// Samples the longest window holds.
    pub fn longest(&self) -> usize {
        self.longest
    }
    /// Whether the formula looks at the clock.
    pub fn reads_clock(&self) -> bool {
        self.clock
    }

    /// Evaluate on the engine, for targets or the trap.
    pub fn run(&mut self, w: &Witness) -> Ran {
        self.made += 1;
        let inputs = w.inputs(self.formula.rules());
        match self.evaluator.targets(&inputs.snapshot()) {
            Ok(t) => Ok(t),
            Err(_) => Err(self.fault(w)),
        }
    }
    /// The trap of a run that fails: the engines agree on it, and the reference engine keeps its parts.
    fn fault(&self, w: &Witness) -> Fault {
        let inputs = w.inputs(self.formula.rules());
        let p = self.formula.program();
        let snapshot = inputs.snapshot();
        let arena = Arena::new(p.rules.memory_budget.0);
        match crate::formula::interpret(p, &snapshot, &arena, |_| {}) {
            Err(fault) => fault,
            Ok(_) => Fault { trap: poolcast_runtime::trap::Trap::Internal("the engines disagree".into()), at: 0 },
        }
    }

    fn below(&mut self, n: usize) -> usize {
        (self.rng.next_u64() % n.max(1) as u64) as usize
    }
    fn number(&mut self) -> f64 {
        let i = self.below(self.numbers.len());
        let x = self.numbers[i];
        match self.below(6) {
            0 => x + self.below(5) as f64,
            1 => (x * (0.5 + self.below(8) as f64 / 4.0)).floor(),
            _ => x,
        }
    }
    fn instant(&mut self) -> Ticks {
        if !self.instants.is_empty() && self.below(2) == 0 {
            let i = self.below(self.instants.len());
            return Ticks(self.instants[i]);
        }
        let monday = Ticks::from_date(2026, 1, 5).unwrap_or_default();
        let (day, hour) = (self.below(28) as i64, self.below(24) as i64);
        let minute = [0, 1, 15, 30, 45, 59][self.below(6)];
        monday.saturating_plus(Interval(day * Interval::DAY.0 + hour * Interval::HOUR.0 + minute * Interval::MINUTE.0))
    }
    fn column(&mut self, len: usize) -> Vec<f64> {
        let (a, b) = (self.number(), self.number());
        match self.below(5) {
            0 | 1 => vec![a; len],
            2 => (0..len).map(|i| if i + 1 == len { b } else { a }).collect(),
            3 => {
                let at = self.below(len + 1);
                (0..len).map(|i| if i < at { a } else { b }).collect()
            }
            _ => (0..len).map(|_| self.number()).collect(),
        }
    }
    fn length(&mut self) -> usize {
        match self.below(5) {
            0 => 0,
            1 => self.below(self.longest + 1),
            2 => (self.number() as usize).min(self.longest),
            _ => self.longest,
        }
    }

    /// A new candidate.
    pub fn fresh(&mut self) -> Witness {
        let mut w = Witness::empty(&self.metrics);
        if self.clock {
            w.now = self.instant();
        }
        let len = self.length();
        for i in 0..w.columns.len() {
            w.columns[i].1 = self.column(len);
        }
        w.holes = if self.below(6) == 0 { 2 + self.below(5) as u32 } else { 0 };
        for k in 0..2 {
            w.targets[k] = self.number() as u32;
            w.current[k] = self.number() as u32;
        }
        w.slots = 1 + self.below(8) as u32;
        w.seed = self.rng.next_u64() % 1000;
        w.settle(self.assume);
        w
    }
    /// A neighbour of a candidate.
    fn near(&mut self, of: &Witness) -> Witness {
        let mut w = of.clone();
        for _ in 0..1 + self.below(2) {
            match self.below(10) {
                0 if self.clock => w.now = self.instant(),
                1 => w.targets[self.below(2)] = self.number() as u32,
                2 => w.current[self.below(2)] = self.number() as u32,
                3 => w.slots = 1 + self.below(8) as u32,
                4 => {
                    let len = self.length();
                    for (_, c) in &mut w.columns {
                        let fill = c.last().copied().unwrap_or(0.0);
                        c.resize(len, fill);
                    }
                }
                5 => w.seed = self.rng.next_u64() % 1000,
                _ if !w.columns.is_empty() => {
                    let c = self.below(w.columns.len());
                    let len = w.columns[c].1.len();
                    if self.below(2) == 0 && len > 0 {
                        let (i, x) = (self.below(len), self.number());
                        w.columns[c].1[i] = x;
                    } else {
                        w.columns[c].1 = self.column(len);
                    }
                }
                _ => {}
            }
        }
        w.settle(self.assume);
        w
    }

    /// Candidates worth trying before any at random: nothing at all, and every number of interest everywhere at once.
    pub fn obvious(&mut self) -> Vec<Witness> {
        let mut out = Vec::new();
        let base = Witness::empty(&self.metrics);
        let mut numbers = self.numbers.clone();
        if numbers.len() > 48 {
            let step = numbers.len() / 48 + 1;
            let top = numbers.len() - 1;
            numbers = numbers.iter().enumerate().filter(|(i, _)| i % step == 0 || *i == top).map(|(_, x)| *x).collect();
        }
        let mut instants = vec![base.now];
        if self.clock {
            let monday = Ticks::from_date(2026, 1, 5).unwrap_or_default();
            instants.extend([3, 13, 20].map(|h| monday.saturating_plus(Interval(h * Interval::HOUR.0))));
            instants.push(monday.saturating_plus(Interval(5 * Interval::DAY.0 + 13 * Interval::HOUR.0)));
            instants.extend(self.instants.iter().take(12).map(|t| Ticks(*t)));
        }
        for now in instants {
            for len in [0, 1, self.longest] {
                for x in &numbers {
                    let n = *x as u32;
                    for (targets, current) in [([0; 2], [0; 2]), ([n; 2], [n; 2]), ([0, n], [n, 0])] {
                        if len == 0 && n == 0 && targets != current {
                            continue;
                        }
                        let mut w = Witness { now, targets, current, ..base.clone() };
                        w.columns.iter_mut().for_each(|(_, c)| c.resize(len, *x));
                        w.settle(self.assume);
                        out.push(w);
                    }
                }
            }
        }
        out.dedup();
        out
    }

    /// Climbs: keeps the best by `score` (none: worthless), tries neighbours of it and new ones. Stops at `enough`.
    pub fn best(
        &mut self,
        from: Option<(f64, Witness)>,
        tries: u32,
        enough: f64,
        mut score: impl FnMut(&Ran, &Witness) -> Option<f64>,
    ) -> Option<(f64, Witness)> {
        let mut best = from;
        for i in 0..tries {
            if best.as_ref().is_some_and(|b| b.0 >= enough) {
                break;
            }
            let w = match &best {
                Some((_, w)) if i % 4 != 3 => {
                    let w = w.clone();
                    self.near(&w)
                }
                _ => self.fresh(),
            };
            let ran = self.run(&w);
            if let Some(s) = score(&ran, &w)
                && best.as_ref().is_none_or(|b| s >= b.0)
            {
                best = Some((s, w));
            }
        }
        best
    }

    /// Looks for an input whose score is infinite: the obvious ones, then around the best so far.
    pub fn seek(&mut self, tries: u32, score: &mut dyn FnMut(&Witness) -> Option<f64>) -> Option<Witness> {
        let mut best: Option<(f64, Witness)> = None;
        let mut obvious = self.obvious();
        obvious.truncate(tries as usize / 2);
        let mut obvious = obvious.into_iter();
        for i in 0..tries {
            let w = match (obvious.next(), &best) {
                (Some(w), _) => w,
                (None, Some((_, w))) if i % 4 != 3 => {
                    let w = w.clone();
                    self.near(&w)
                }
                _ => self.fresh(),
            };
            self.made += 1;
            let Some(s) = score(&w) else { continue };
            if s == f64::INFINITY {
                return Some(w);
            }
            if best.as_ref().is_none_or(|b| s >= b.0) {
                best = Some((s, w));
            }
        }
        None
    }

    /// The smallest witness like this one, by any test.
    pub fn simplest_by(&mut self, w: Witness, same: &mut dyn FnMut(&Witness) -> bool) -> Witness {
        let mut best = w;
        for _ in 0..4 {
            let before = best.clone();
            for mut simpler in simpler(&best) {
                simpler.settle(self.assume);
                self.made += 1;
                if weight(&simpler) < weight(&best) && same(&simpler) {
                    best = simpler;
                }
            }
            if best == before {
                break;
            }
        }
        best
    }

    /// The smallest witness like this one for which `same` still holds.
    pub fn simplest(&mut self, w: Witness, mut same: impl FnMut(&Ran, &Witness) -> bool) -> Witness {
        let mut best = w;
        for _ in 0..4 {
            let before = best.clone();
            for simpler in simpler(&best) {
                let mut simpler = simpler;
                simpler.settle(self.assume);
                if weight(&simpler) < weight(&best) {
                    let ran = self.run(&simpler);
                    if same(&ran, &simpler) {
                        best = simpler;
                    }
                }
            }
            if best == before {
                break;
            }
        }
        best
    }
}

/// How much there is to read in a witness.
fn weight(w: &Witness) -> (usize, usize, u64) {
    let odd = usize::from(w.holes > 0) + usize::from(w.slots != 1) + usize::from(w.seed != 0);
    let set = w.targets.iter().chain(&w.current).filter(|n| **n > 0).count();
    let uneven = w.columns.iter().filter(|(_, c)| c.windows(2).any(|p| p[0] != p[1])).count();
    let base = Witness::empty(&[]).now;
    let size: f64 = w.columns.iter().flat_map(|(_, c)| c.iter()).sum::<f64>()
        + w.targets.iter().chain(&w.current).map(|n| f64::from(*n)).sum::<f64>();
    (odd + set + 2 * uneven + usize::from(w.now != base), w.columns.iter().map(|(_, c)| c.len()).sum(), size as u64)
}

fn simpler(w: &Witness) -> Vec<Witness> {
    let mut out = Vec::new();
    let mut with = |f: &dyn Fn(&mut Witness)| {
        let mut next = w.clone();
        f(&mut next);
        out.push(next);
    };
    with(&|n| n.columns.iter_mut().for_each(|(_, c)| c.clear()));
    with(&|n| n.now = Witness::empty(&[]).now);
    with(&|n| n.holes = 0);
    with(&|n| n.seed = 0);
    with(&|n| n.slots = 1);
    for k in 0..2 {
        with(&|n| n.targets[k] = 0);
        with(&|n| n.current[k] = 0);
        with(&|n| n.targets[k] = n.targets[k].min(1));
        with(&|n| n.current[k] = n.current[k].min(1));
        with(&|n| n.targets[k] /= 2);
        with(&|n| n.current[k] /= 2);
    }
    for len in [1, 2, 4, 10] {
        with(&|n| n.columns.iter_mut().for_each(|(_, c)| drop(c.drain(..c.len().saturating_sub(len)))));
    }
    for c in 0..w.columns.len() {
        let column = &w.columns[c].1;
        let (Some(first), Some(last)) = (column.first().copied(), column.last().copied()) else { continue };
        let most = column.iter().copied().fold(last, f64::max);
        for x in [0.0, 1.0, first, last, most, (last / 2.0).floor(), (last / 10.0).floor(), last - 1.0, most / 2.0] {
            with(&|n| n.columns[c].1.iter_mut().for_each(|v| *v = x.max(0.0)));
        }
    }
    out
}

/// The nodes a run asks for, given the present target.
pub fn asked(t: &Targets, w: &Witness, k: usize) -> (f64, bool) {
    let target = [t.dedicated, t.low_priority][k];
    match target {
        Target::Set(n) => (f64::from(n), true),
        Target::Unchanged => (f64::from(w.targets[k]), false),
    }
}

/// Whether a run's trap is this foreseen one.
pub fn is_trap(fault: &Fault, trap: walk::Trap) -> bool {
    fault.at == trap.at && trap.stop.is(&fault.trap)
}

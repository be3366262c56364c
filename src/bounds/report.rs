//! Everything there is to say about one formula: bounds with witnesses, traps, what happens without samples and without work.
//!
//! In: a formula, what is admissible, a budget. Out: `Report`. Never: text for a terminal (that is `cli::bounds`).

use super::{
    assume::{Assume, History},
    domain::Num,
    search::{Ran, Search, asked, is_trap},
    walk::{self, Analysis, analyse},
    witness::Witness,
};
use crate::{
    Formula,
    check::hir::{HId, HKind, Hir, Output},
    interp::{End, Fault},
};
use std::collections::BTreeSet;

/// One end of a target's range.
#[derive(Debug, Clone, PartialEq)]
pub struct Extreme {
    /// What is proved: no run leaves it.
    pub bound: f64,
    /// The furthest run found, and its input.
    pub found: Option<(f64, Witness)>,
}

impl Extreme {
    /// Whether the proved end is also reached.
    pub fn reached(&self) -> bool {
        self.found.as_ref().is_some_and(|f| f.0 == self.bound)
    }
}

/// What is known of a target.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetReport {
    /// 0 dedicated, 1 low priority.
    pub which: usize,
    /// Smallest.
    pub low: Extreme,
    /// Largest.
    pub high: Extreme,
    /// Some runs leave the present target as it is.
    pub kept: bool,
    /// Statements that decide it.
    pub statements: Vec<u32>,
    /// Without work and with all samples it is 0 at the next evaluation: proved.
    pub zero_when_idle: bool,
}

/// A trap that can happen.
#[derive(Debug, Clone, PartialEq)]
pub struct TrapReport {
    /// The trap.
    pub trap: walk::Trap,
    /// An input that causes it, when one was found.
    pub witness: Option<Witness>,
}

/// What evaluation does when there are no samples at all.
#[derive(Debug, Clone, PartialEq)]
pub enum NoSamples {
    /// Proved to work.
    Works,
    /// It fails: the trap, and the input.
    Fails(Fault, Witness),
    /// Neither proved nor seen to fail.
    Unknown,
}

/// Everything.
#[derive(Debug, Clone)]
pub struct Report {
    /// The targets some run sets.
    pub targets: Vec<TargetReport>,
    /// Deallocation options runs end with, as bits.
    pub options: u8,
    /// Traps.
    pub traps: Vec<TrapReport>,
    /// An empty history.
    pub no_samples: NoSamples,
    /// Evaluations made.
    pub made: u32,
}

/// Examine a formula.
pub fn report(formula: &Formula, assume: &Assume, budget: u32, seed: u64) -> Report {
    let analysis = analyse(formula.program(), assume);
    let mut search = Search::new(formula, assume, seed);
    let found = hunt(&mut search, &analysis, budget);
    let targets = targets(formula, assume, &analysis, &found);
    let no_samples = no_samples(formula, assume, &found);
    Report { targets, options: analysis.options(), traps: found.traps, no_samples, made: search.made }
}

/// The furthest runs a search saw.
pub struct Found {
    /// For each target: lowest, highest.
    pub ends: [[Option<(f64, Witness)>; 2]; 2],
    /// Foreseen traps with their witnesses.
    pub traps: Vec<TrapReport>,
    /// A failure without samples.
    pub empty: Option<(Fault, Witness)>,
}

impl Found {
    fn see(&mut self, ran: &Ran, w: &Witness) {
        match ran {
            Ok(t) => {
                for k in 0..2 {
                    let (n, set) = asked(t, w, k);
                    if !set {
                        continue;
                    }
                    for (end, sign) in [(0, -1.0), (1, 1.0)] {
                        let slot = &mut self.ends[k][end];
                        if slot.as_ref().is_none_or(|b| sign * n > sign * b.0) {
                            *slot = Some((n, w.clone()));
                        }
                    }
                }
            }
            Err(fault) => {
                if let Some(t) = self.traps.iter_mut().find(|t| t.witness.is_none() && is_trap(fault, t.trap)) {
                    t.witness = Some(w.clone());
                }
                if !w.has_samples() && self.empty.is_none() {
                    self.empty = Some((fault.clone(), w.clone()));
                }
            }
        }
    }
}

/// Looks for the ends of every target and for every foreseen trap.
pub fn hunt(search: &mut Search<'_>, analysis: &Analysis<'_>, budget: u32) -> Found {
    let mut found = Found {
        ends: Default::default(),
        traps: analysis.traps.iter().map(|t| TrapReport { trap: *t, witness: None }).collect(),
        empty: None,
    };
    let start = search.made;
    let left = |search: &Search<'_>| budget.saturating_sub(search.made - start);
    for w in search.obvious() {
        if left(search) <= budget / 2 {
            break;
        }
        let ran = search.run(&w);
        found.see(&ran, &w);
    }
    while left(search) > budget / 4 {
        let w = search.fresh();
        let ran = search.run(&w);
        found.see(&ran, &w);
        if complete(&found, analysis) {
            break;
        }
    }
    // Then climb toward each end that is not reached.
    let goals: Vec<(usize, usize)> = (0..2).flat_map(|k| [(k, 0), (k, 1)]).collect();
    for (k, end) in goals {
        let (Some(bound), _) = analysis.target(k) else { continue };
        let (sign, bound) = if end == 0 { (-1.0, -bound.lo) } else { (1.0, bound.hi) };
        let from = found.ends[k][end].take().map(|(n, w)| (sign * n, w));
        let tries = left(search) / 4;
        let best = search.best(from, tries, bound, |ran, w| match ran {
            Ok(t) => Some(asked(t, w, k)).filter(|a| a.1).map(|a| sign * a.0),
            Err(_) => None,
        });
        found.ends[k][end] = best.map(|(n, w)| (sign * n, w));
    }
    for k in 0..2 {
        for end in 0..2 {
            let Some((n, w)) = found.ends[k][end].take() else { continue };
            let w = search.simplest(w, |ran, w| matches!(ran, Ok(t) if asked(t, w, k) == (n, true)));
            found.ends[k][end] = Some((n, w));
        }
    }
    for t in &mut found.traps {
        if let Some(w) = t.witness.take() {
            let trap = t.trap;
            t.witness = Some(search.simplest(w, |ran, _| matches!(ran, Err(f) if is_trap(f, trap))));
        }
    }
    found
}

fn complete(found: &Found, analysis: &Analysis<'_>) -> bool {
    let ends = (0..2).all(|k| match analysis.target(k).0 {
        Some(n) => {
            let at = |end: usize, bound: f64| found.ends[k][end].as_ref().is_some_and(|f| f.0 == bound);
            at(0, n.lo) && at(1, n.hi)
        }
        None => true,
    });
    ends && found.traps.iter().all(|t| t.witness.is_some())
}

fn targets(formula: &Formula, assume: &Assume, analysis: &Analysis<'_>, found: &Found) -> Vec<TargetReport> {
    let quiet = assume.clone().no_work().with_history(History::Full);
    let idle = analyse(formula.program(), &quiet);
    let mut out = Vec::new();
    for k in 0..2 {
        let (Some(bound), kept) = analysis.target(k) else { continue };
        let (idle_most, idle_kept) = idle.target(k);
        let proved = !idle_kept && idle.traps.is_empty() && idle_most.is_some_and(|n| n.hi <= 0.0);
        out.push(TargetReport {
            which: k,
            low: Extreme { bound: bound.lo, found: found.ends[k][0].clone() },
            high: Extreme { bound: bound.hi, found: found.ends[k][1].clone() },
            kept,
            statements: deciders(formula.hir(), analysis, k),
            zero_when_idle: proved,
        });
    }
    out
}

fn no_samples(formula: &Formula, assume: &Assume, found: &Found) -> NoSamples {
    if let Some((fault, w)) = &found.empty {
        return NoSamples::Fails(fault.clone(), w.clone());
    }
    let empty = assume.clone().with_history(History::Empty);
    if analyse(formula.program(), &empty).traps.is_empty() { NoSamples::Works } else { NoSamples::Unknown }
}

/// The statements a target's value depends on, in order.
pub fn deciders(hir: &Hir, analysis: &Analysis<'_>, k: usize) -> Vec<u32> {
    let p = analysis.program;
    let mut stmts: BTreeSet<u32> = BTreeSet::new();
    let mut todo: Vec<u32> = analysis
        .endings
        .iter()
        .filter_map(|e| crate::outcome::outputs(p, e.end)[k])
        .map(|slot| p.slots[slot as usize].stmt)
        .collect();
    todo.extend(analysis.endings.iter().filter_map(|e| match e.end {
        End::Stopped(stmt) => Some(stmt),
        End::Finished => None,
    }));
    while let Some(s) = todo.pop() {
        if !stmts.insert(s) {
            continue;
        }
        let Some(stmt) = hir.stmts.get(s as usize) else { continue };
        for id in stmt.first..=stmt.value.0 {
            if let HKind::Var(v) = hir.expr(HId(id)).kind {
                todo.push(hir.versions[v.ix()].stmt);
            }
        }
    }
    stmts.into_iter().collect()
}

/// The name of a target.
pub fn name(k: usize) -> &'static str {
    if k == 0 { Output::Dedicated.name() } else { Output::LowPriority.name() }
}

/// Whether an upper end is no cap: the formula follows its inputs however large they are.
pub fn unbounded(n: f64) -> bool {
    n >= super::assume::MOST
}

/// The range of a number, for messages.
pub fn range(n: Num) -> String {
    let g = poolcast_runtime::print::general;
    match (n.empty(), n.nan) {
        (true, _) => "NaN".into(),
        (false, true) => format!("{} to {}, or NaN", g(n.lo), g(n.hi)),
        (false, false) if n.lo == n.hi => g(n.lo),
        (false, false) => format!("{} to {}", g(n.lo), g(n.hi)),
    }
}

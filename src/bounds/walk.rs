//! The abstract interpreter: every path of a program at once.
//!
//! In: a program, what is admissible. Out: `Analysis`: what each value can be, which traps can happen, how runs end.
//! Never: a concrete run.
//!
//! Control only goes forward, so one pass in block order sees everything. A block is entered by several *states*, one for
//! each way of getting there, until there are more than [`STATES`]; then the most alike are joined. Keeping them apart is
//! what makes a later condition on an earlier one exact: in each state a join's parameter is known to be one value.

use super::{
    assume::Assume,
    domain::{Abs, Count, Num, Span},
    ops, refine,
    transfer::{self, Arg, Site, Stop},
};
use crate::{
    interp::End,
    ir::{Inst, Program, Term, Val},
};
use poolcast_runtime::{
    builtins,
    catalog::RowKind,
    metric::Metric,
    rules::{BadTarget, NanCondition},
    scalar::ScalarOp,
};
use std::collections::BTreeMap;

/// Most states of one block.
const STATES: usize = 12;

/// What is known of a prepared window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Win {
    /// How many samples it holds.
    pub len: Count,
    /// What each can be.
    pub elem: Num,
}

/// What is known at one place on one way there.
#[derive(Debug, Clone)]
pub struct State {
    /// Every value computed so far.
    pub vals: Vec<Abs>,
    /// Every prepared window.
    pub wins: Vec<Win>,
    /// Visible samples of each metric.
    pub history: Vec<Count>,
    /// The value each join's parameter was entered with.
    pub alias: Vec<Option<Val>>,
}

/// How some runs end.
#[derive(Debug, Clone)]
pub struct Ending {
    /// Finished, or stopped in a statement.
    pub end: End,
    /// What is known there.
    pub state: State,
}

/// A trap that can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trap {
    /// Byte of the formula.
    pub at: u32,
    /// Why.
    pub stop: Stop,
}

/// What is known of a program.
#[derive(Debug)]
pub struct Analysis<'p> {
    /// The program.
    pub program: &'p Program,
    /// How runs can end.
    pub endings: Vec<Ending>,
    /// Which traps can happen.
    pub traps: Vec<Trap>,
    /// What each value can be on any path; `Unset` where none computes it.
    pub vals: Vec<Abs>,
    /// For each block that ends in a branch: whether the condition can hold, and whether it can fail.
    pub taken: Vec<[bool; 2]>,
    /// The value each frame slot is written with.
    pub stores: Vec<Option<Val>>,
}

/// Analyse a program.
pub fn analyse<'p>(p: &'p Program, assume: &Assume) -> Analysis<'p> {
    let twins = twins(p);
    let mut walk = Walk {
        cx: Cx { p, assume, twins: &twins },
        traps: BTreeMap::new(),
        out: Analysis {
            program: p,
            endings: Vec::new(),
            traps: Vec::new(),
            vals: vec![Abs::Unset; p.insts.len()],
            taken: vec![[false; 2]; p.blocks.len()],
            stores: stores(p),
        },
        waiting: (0..p.blocks.len()).map(|_| Vec::new()).collect(),
    };
    walk.run();
    walk.out.traps = walk.traps.into_keys().map(|(at, stop)| Trap { at, stop }).collect();
    walk.out
}

fn stores(p: &Program) -> Vec<Option<Val>> {
    let mut out = vec![None; p.slots.len()];
    for inst in &p.insts {
        if let Inst::Store(slot, v) = *inst {
            out[slot as usize] = Some(v);
        }
    }
    out
}

/// Whether an operation gives a truth value.
pub fn is_comparison(op: ScalarOp) -> bool {
    crate::ir::lower::is_comparison(op)
}

/// The program and what is admissible: all that evaluating one instruction needs besides a state.
#[derive(Clone, Copy)]
pub struct Cx<'p, 'a> {
    /// The program.
    pub p: &'p Program,
    /// What is admissible.
    pub assume: &'a Assume,
    /// Calls that give the same value, where both have run: the formula says `time().hour` twice.
    pub twins: &'a [(Val, Val)],
}

/// Pairs of equal calls (earlier, later) that depend on nothing but their operands and the run's inputs.
fn twins(p: &Program) -> Vec<(Val, Val)> {
    let mut seen: Vec<Val> = Vec::new();
    let mut out: Vec<(Val, Val)> = Vec::new();
    let alike =
        |a: Val, b: Val, out: &[(Val, Val)]| a == b || out.contains(&(a.min(b), a.max(b))) || constant_equal(p, a, b);
    for (i, inst) in p.insts.iter().enumerate() {
        let Inst::Call(id, list) = *inst else { continue };
        if !p.live[i] || builtins::overload(id).purity == poolcast_runtime::catalog::Purity::Random {
            continue;
        }
        let v = Val(i as u32);
        for &u in &seen {
            if let Inst::Call(other, theirs) = p.insts[u.ix()]
                && other == id
                && p.list(theirs).len() == p.list(list).len()
                && p.list(theirs).iter().zip(p.list(list)).all(|(a, b)| alike(*a, *b, &out))
            {
                out.push((u, v));
            }
        }
        seen.push(v);
    }
    out
}

/// Operands that are the same constant, input or metric.
fn constant_equal(p: &Program, a: Val, b: Val) -> bool {
    let fixed = |i: &Inst| {
        matches!(
            i,
            Inst::Double(_) | Inst::Interval(_) | Inst::Time(_) | Inst::Str(_) | Inst::Metric(_) | Inst::Input(_)
        )
    };
    let (x, y) = (&p.insts[a.ix()], &p.insts[b.ix()]);
    fixed(x) && x == y
}

impl Cx<'_, '_> {
    /// Whether NaN as a condition counts as true.
    pub fn nan_holds(&self) -> bool {
        self.p.rules.nan_condition == NanCondition::True
    }

    /// Whether a target's value is what was written, or the evaluation stops.
    pub fn targets_pass(&self) -> bool {
        let rules = &self.p.rules;
        rules.negative_target == BadTarget::Error && rules.non_finite_target == BadTarget::Error
    }

    /// The state before anything has run.
    pub fn start(&self) -> State {
        let p = self.p;
        State {
            vals: vec![Abs::Unset; p.insts.len()],
            wins: p
                .windows
                .iter()
                .map(|w| Win {
                    len: transfer::window_count(w, self.assume, &p.rules),
                    elem: self.assume.samples[w.metric() as usize],
                })
                .collect(),
            history: vec![self.assume.counts(); Metric::COUNT],
            alias: vec![None; p.insts.len()],
        }
    }

    /// The percentage of a window.
    pub fn percent(&self, st: &State, w: usize) -> Num {
        let Some(length) = transfer::length_of(&self.p.windows[w]) else { return Num::of(0.0) };
        let n = st.wins[w].len;
        let at = |n| transfer::percent(n, length, &self.p.rules);
        if n.lo == n.hi { Num::of(at(n.lo)) } else { Num::range(at(n.lo), at(n.hi)) }
    }

    fn arg(&self, st: &State, v: Val) -> Arg {
        let metric = match self.p.insts[v.ix()] {
            Inst::Metric(m) => Some(m),
            _ => None,
        };
        Arg { abs: st.vals[v.ix()], metric }
    }

    /// What an instruction gives. None: nothing comes out of it. Traps go to `stop`.
    pub fn eval(&self, st: &State, v: Val, stop: &mut dyn FnMut(Stop, bool)) -> Option<Abs> {
        let p = self.p;
        let get = |v: Val| st.vals[v.ix()];
        let metric = |m: Metric| (st.history[m as usize], self.assume.samples[m as usize]);
        let mut site = Site { rules: &p.rules, assume: self.assume, metric: &metric, stop, text: None };
        Some(match p.insts[v.ix()] {
            Inst::Param => get(v),
            Inst::Double(bits) => Abs::Num(Num::of(f64::from_bits(bits))),
            Inst::Interval(t) => Abs::Interval(Span::of(t)),
            Inst::Time(t) => Abs::Time(Span::of(t), None),
            Inst::Option(o) => Abs::Option(1 << (o as u8)),
            Inst::Str(_) | Inst::Metric(_) => Abs::Other,
            Inst::Input(input) => {
                use crate::ir::Input;
                match input {
                    Input::Now => Abs::Time(self.assume.now, Some(Span::of(0))),
                    Input::Target(k) => Abs::Num(self.assume.targets[k as usize & 1]),
                    Input::Current(k) => Abs::Num(self.assume.current[k as usize & 1]),
                    Input::TaskSlots => Abs::Num(self.assume.slots),
                }
            }
            Inst::Unary(op, a) => ops::unary(&mut site, op, get(a))?,
            Inst::Binary(op, a, b) => {
                let value = ops::binary(&mut site, op, get(a), get(b))?;
                refine::related(self, st, op, a, b, value)
            }
            Inst::Select(c, a, b) => match get(c).num().holds(self.nan_holds()) {
                Some(true) => get(a),
                Some(false) => get(b),
                None => {
                    let side = |arm: Val, truth: bool| {
                        let mut st = st.clone();
                        refine::assume(self, &mut st, c, truth, v.0).then(|| st.vals[arm.ix()])
                    };
                    match (side(a, true), side(b, false)) {
                        (Some(x), Some(y)) => x.join(y),
                        (x, y) => x.or(y)?,
                    }
                }
            },
            Inst::Require(w, wanted) => {
                let (wanted, pct) = (f64::from_bits(wanted), self.percent(st, w.0 as usize));
                if pct.lo < wanted {
                    let m = p.windows[w.0 as usize].metric();
                    (site.stop)(Stop::Insufficient(m, (wanted * 1000.0) as u32), pct.hi < wanted);
                }
                if pct.hi < wanted {
                    return None;
                }
                Abs::Num(pct.at_least(wanted))
            }
            Inst::Percent(w) => Abs::Num(self.percent(st, w.0 as usize)),
            Inst::Window(w) => {
                let w = st.wins[w.0 as usize];
                Abs::Vec(w.elem, w.len)
            }
            Inst::Reduce(how, w, operand) => {
                let w = st.wins[w.0 as usize];
                transfer::reduce(&mut site, how, w.elem, w.len, operand.map_or(Num::of(0.0), |o| get(o).num()))?
            }
            Inst::Flatten(list) => {
                let args: Vec<Arg> = p.list(list).iter().map(|a| self.arg(st, *a)).collect();
                let (e, n) = transfer::flat(&args);
                Abs::Vec(e, n)
            }
            Inst::Vector(op, a, b) => ops::vector(&mut site, op, get(a), get(b), a == b)?,
            Inst::Single(a) => match get(a) {
                Abs::Vec(e, n) => {
                    if n != Count::of(1) {
                        (site.stop)(Stop::NotOne, n.lo > 1 || n.hi == 0);
                    }
                    n.meet(Count::of(1))?;
                    Abs::Num(e)
                }
                x => x,
            },
            Inst::Call(id, list) => {
                let row = builtins::row_of(id);
                let list = p.list(list);
                // A list parameter is one vector; what it was joined from says more.
                let parts = match list {
                    [one] if row.kind == RowKind::Function => match p.insts[one.ix()] {
                        Inst::Flatten(parts) => p.list(parts),
                        _ => list,
                    },
                    _ => list,
                };
                if let Some(first) = list.first()
                    && let Inst::Str(s) = p.insts[first.ix()]
                {
                    site.text = p.strings.get(s as usize).map(String::as_str);
                }
                let args: Vec<Arg> = parts.iter().map(|a| self.arg(st, *a)).collect();
                let mut value = transfer::of(id)?(&mut site, &args)?;
                for (earlier, _) in self.twins.iter().filter(|t| t.1 == v && get(t.0) != Abs::Unset) {
                    value = value.meet(get(*earlier))?;
                }
                value
            }
            Inst::Target(a) => Abs::Num(ops::target(&mut site, get(a).num())?),
            Inst::Store(_, a) => get(a),
        })
    }
}

struct Walk<'p, 'a> {
    cx: Cx<'p, 'a>,
    traps: BTreeMap<(u32, Stop), ()>,
    out: Analysis<'p>,
    waiting: Vec<Vec<(State, Option<Val>)>>,
}

impl Walk<'_, '_> {
    fn run(&mut self) {
        let p = self.cx.p;
        self.waiting[0].push((self.cx.start(), None));
        for b in 0..p.blocks.len() {
            let block = p.blocks[b];
            let mut states: Vec<State> = Vec::new();
            let param = (block.lo < block.hi && p.insts[block.lo as usize] == Inst::Param).then_some(block.lo as usize);
            for (mut st, v) in std::mem::take(&mut self.waiting[b]) {
                if let (Some(at), Some(v)) = (param, v) {
                    st.vals[at] = st.vals[v.ix()];
                    st.alias[at] = Some(v);
                }
                states.push(st);
            }
            if states.len() > STATES {
                states = fewer(states, param);
            }
            for st in states {
                self.block(b, st);
            }
        }
    }

    fn block(&mut self, b: usize, mut st: State) {
        let p = self.cx.p;
        let block = p.blocks[b];
        for i in block.lo..block.hi {
            if p.live[i as usize] && !self.step(&mut st, Val(i)) {
                return;
            }
        }
        match block.term {
            Term::Goto(next, v) => self.waiting[next.0 as usize].push((st, v)),
            Term::Branch(c, yes, no) => {
                let decided = st.vals[c.ix()].num().holds(self.cx.nan_holds());
                for (truth, next) in [(true, yes), (false, no)] {
                    if decided == Some(!truth) {
                        continue;
                    }
                    let mut to = st.clone();
                    if refine::assume(&self.cx, &mut to, c, truth, block.hi) {
                        self.out.taken[b][usize::from(!truth)] = true;
                        self.waiting[next.0 as usize].push((to, None));
                    }
                }
            }
            Term::Finish => self.out.endings.push(Ending { end: End::Finished, state: st }),
            Term::Stop(stmt) => self.out.endings.push(Ending { end: End::Stopped(stmt), state: st }),
            Term::Trap(_) => {
                self.traps.insert((block.at, Stop::Rejected), ());
            }
        }
    }

    /// One instruction. False: no run gets past it.
    fn step(&mut self, st: &mut State, v: Val) -> bool {
        let (p, at) = (self.cx.p, self.cx.p.at[v.ix()]);
        let traps = &mut self.traps;
        let value = self.cx.eval(st, v, &mut |stop, _| {
            traps.insert((at, stop), ());
        });
        let Some(value) = value else { return false };
        if matches!(value, Abs::Num(n) if n.none()) {
            return false;
        }
        st.vals[v.ix()] = value;
        let seen = &mut self.out.vals[v.ix()];
        *seen = if *seen == Abs::Unset { value } else { seen.join(value) };
        // What came through says something about what went in.
        match p.insts[v.ix()] {
            Inst::Require(w, _) => refine::require(&self.cx, st, w.0 as usize, value.num(), v.0),
            Inst::Target(a) if self.cx.targets_pass() => refine::value(&self.cx, st, a, value, v.0),
            Inst::Single(a) => match st.vals[a.ix()] {
                Abs::Vec(e, _) => refine::value(&self.cx, st, a, Abs::Vec(e, Count::of(1)), v.0),
                _ => true,
            },
            Inst::Window(w) => {
                // A sample read by count shows that there is a history.
                refine::seen(st, p.windows[w.0 as usize].metric(), st.wins[w.0 as usize].len);
                true
            }
            _ => true,
        }
    }
}

/// Joins the states that are most alike.
fn fewer(states: Vec<State>, param: Option<usize>) -> Vec<State> {
    let mut groups: Vec<State> = Vec::new();
    let key = |st: &State| param.map(|at| st.vals[at]);
    for st in states {
        match groups.iter_mut().find(|g| key(g) == key(&st)) {
            Some(g) => g.join(&st),
            None => groups.push(st),
        }
    }
    if groups.len() > STATES {
        // Those whose parameter is surely zero or not stay apart: it may be a condition.
        let truth = |st: &State| param.and_then(|at| st.vals[at].num().holds(true));
        let mut by: Vec<State> = Vec::new();
        for st in groups {
            match by.iter_mut().find(|g| truth(g) == truth(&st)) {
                Some(g) => g.join(&st),
                None => by.push(st),
            }
        }
        groups = by;
    }
    groups
}

impl State {
    fn join(&mut self, o: &State) {
        for (a, b) in self.vals.iter_mut().zip(&o.vals) {
            *a = a.join(*b);
        }
        for (a, b) in self.wins.iter_mut().zip(&o.wins) {
            *a = Win { len: a.len.join(b.len), elem: a.elem.join(b.elem) };
        }
        for (a, b) in self.history.iter_mut().zip(&o.history) {
            *a = a.join(*b);
        }
        for (a, b) in self.alias.iter_mut().zip(&o.alias) {
            if a != b {
                *a = None;
            }
        }
    }
}

impl Analysis<'_> {
    /// What a target can be set to, in nodes: none where no run sets it; with whether some run leaves it as it is.
    pub fn target(&self, k: usize) -> (Option<Num>, bool) {
        let mut all: Option<Num> = None;
        let mut unset = self.endings.is_empty();
        for e in &self.endings {
            match self.target_at(e, k) {
                Some(n) => all = Some(all.map_or(n, |a| a.join(n))),
                None => unset = true,
            }
        }
        (all, unset)
    }
    /// What a target is set to by the runs of one ending.
    pub fn target_at(&self, e: &Ending, k: usize) -> Option<Num> {
        let slot = crate::outcome::outputs(self.program, e.end)[k]?;
        let v = self.stores[slot as usize]?;
        Some(ops::nodes(e.state.vals[v.ix()].num(), &self.program.rules))
    }
    /// The deallocation options runs can end with, as a set of bits in the order of `DeallocationOption::ALL`.
    pub fn options(&self) -> u8 {
        self.endings.iter().fold(0, |set, e| {
            let slot = crate::outcome::outputs(self.program, e.end)[2].and_then(|s| self.stores[s as usize]);
            set | slot.map_or(1, |v| match e.state.vals[v.ix()] {
                Abs::Option(bits) => bits,
                _ => 0b1111,
            })
        })
    }
}

//! Checked formula → program.
//!
//! In: `Hir`, `Rules`. Out: `Program`, verified in debug builds. Never: a diagnostic, recursion on input depth.
//!
//! One loop over each statement's expressions in id order. Lazy operators act when their children are done (`lazy`).
//! While optimising, equal pure instructions share one value (scoped by arm), constants fold by running the builtin's own
//! body, and sample calls over constant windows become window reads (`fuse`).

use super::{
    lazy::{Open, Role},
    *,
};
use crate::check::hir::{HId, HKind, HStmt, Hir};
use poolcast_grammar::{BinOp, UnOp};
use poolcast_runtime::{
    builtins,
    catalog::Purity,
    rules::{Lenience, NanCondition},
};
use rustc_hash::FxHashMap;
use std::{collections::hash_map::Entry, sync::LazyLock};

/// Whether to optimise. The unoptimised program is the oracle the optimised one is tested against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// One instruction for each operation, every sample read through the catalogue.
    Plain,
    /// Sharing, folding, fused window reads.
    Optimised,
}

/// Lower a checked formula.
pub fn lower(hir: &Hir, rules: &Rules, effort: Effort) -> Program {
    let mut lower = Lower::new(hir, rules, effort);
    for (i, stmt) in hir.stmts.iter().enumerate() {
        if lower.dead {
            break;
        }
        lower.statement(i as u32, stmt);
    }
    let program = lower.finish();
    debug_assert_eq!(verify::verify(&program), Ok(()));
    program
}

pub(super) struct Lower<'h> {
    pub(super) hir: &'h Hir,
    pub(super) rules: &'h Rules,
    pub(super) program: Program,
    effort: Effort,
    /// Value of each checked expression.
    vals: Vec<Val>,
    pub(super) roles: Vec<Role>,
    pub(super) opens: Vec<Open>,
    /// Value of each variable version.
    pub(super) versions: Vec<Val>,
    shared: FxHashMap<Inst, Val>,
    pub(super) log: Vec<Inst>,
    /// First instruction of the current block.
    start: u32,
    /// Nothing lowered now can be reached.
    pub(super) dead: bool,
    stmt: u32,
    /// Where a trap of the instruction being lowered is reported.
    pub(super) at: u32,
    /// For what bodies fold to; takes no memory before.
    arena: Arena,
}

impl<'h> Lower<'h> {
    fn new(hir: &'h Hir, rules: &'h Rules, effort: Effort) -> Lower<'h> {
        let n = hir.exprs.len();
        // An expression is one instruction, mostly; an assignment may be two more.
        let insts = n + 2 * hir.stmts.len() + 8;
        let slots = hir
            .versions
            .iter()
            .map(|v| Slot {
                name: v.name.clone(),
                output: v.output,
                ty: v.ty,
                stmt: v.stmt,
                span: hir.stmts[v.stmt as usize].span,
            })
            .collect();
        let program = Program {
            insts: Vec::with_capacity(insts),
            tys: Vec::with_capacity(insts),
            at: Vec::with_capacity(insts),
            live: Vec::new(),
            blocks: Vec::new(),
            lists: Vec::new(),
            windows: Vec::new(),
            strings: hir.strings.clone(),
            poisons: hir.poisons.clone(),
            slots,
            variables: Vec::new(),
            outputs: [None; 3],
            reads: Vec::new(),
            rules: *rules,
        };
        let mut roles = vec![Role::None; n];
        for (i, e) in hir.exprs.iter().enumerate() {
            let me = HId(i as u32);
            match e.kind {
                HKind::Ternary(c, t, f) => {
                    roles[c.ix()] = Role::Condition(me);
                    roles[t.ix()] = Role::Then(me);
                    roles[f.ix()] = Role::Else;
                }
                HKind::Logic(_, a, b) => {
                    roles[a.ix()] = Role::Condition(me);
                    roles[b.ix()] = Role::Then(me);
                }
                _ => {}
            }
        }
        Lower {
            hir,
            rules,
            program,
            effort,
            vals: vec![Val(0); n],
            roles,
            opens: Vec::new(),
            versions: vec![Val(0); hir.versions.len()],
            shared: FxHashMap::with_capacity_and_hasher(n, Default::default()),
            log: Vec::with_capacity(n),
            start: 0,
            dead: false,
            stmt: 0,
            at: 0,
            arena: Arena::new(1 << 16),
        }
    }

    pub(super) fn optimising(&self) -> bool {
        self.effort == Effort::Optimised
    }

    fn statement(&mut self, index: u32, stmt: &HStmt) {
        self.stmt = index;
        let mut id = stmt.first;
        while id <= stmt.value.0 {
            let me = HId(id);
            let e = *self.hir.expr(me);
            self.at = e.at;
            let v = self.expr(me);
            self.vals[me.ix()] = v;
            id = match self.roles[me.ix()] {
                Role::None => id,
                Role::Condition(parent) => self.after_condition(parent, v, id),
                Role::Then(parent) => self.after_then(parent, v, id),
                Role::Else => self.after_else(v, id),
            } + 1;
        }
        let Some(version) = stmt.version else { return };
        if self.dead {
            return;
        }
        let mut v = self.vals[stmt.value.ix()];
        let output = self.program.slots[version.ix()].output;
        self.at = stmt.target_span.lo;
        if output.is_some_and(|o| o.target().is_some()) {
            v = self.emit(Inst::Target(v), Ty::Double);
        }
        self.versions[version.ix()] = v;
        self.emit(Inst::Store(version.0, v), Ty::Never);
    }

    fn expr(&mut self, me: HId) -> Val {
        let e = *self.hir.expr(me);
        if let HKind::Poison(p) = e.kind {
            self.end(Term::Trap(p));
            self.dead = true;
        }
        if self.dead && !matches!(e.kind, HKind::Ternary(..) | HKind::Logic(..)) {
            return Val(0);
        }
        let v = |id: HId| self.vals[id.ix()];
        match e.kind {
            HKind::Double(x) => self.double(x),
            HKind::Interval(i) => self.emit(Inst::Interval(i.0), Ty::Interval),
            HKind::Str(s) => self.emit(Inst::Str(s), Ty::Str),
            HKind::Option(o) => self.emit(Inst::Option(o), Ty::Option),
            HKind::Metric(m) => self.emit(Inst::Metric(m), Ty::Metric),
            HKind::Var(version) => self.versions[version.ix()],
            HKind::CurrentTarget(k) => self.emit(Inst::Input(Input::Target(k)), Ty::Double),
            HKind::Latest(m) => self.latest(m),
            HKind::Unary(op, a) => {
                let a = v(a);
                let op = match (op, self.ty(a)) {
                    (UnOp::Not, _) => ScalarOp::Not,
                    (UnOp::Neg, Ty::Interval) => ScalarOp::IntervalNeg,
                    (UnOp::Neg, _) => ScalarOp::Neg,
                };
                self.unary(op, a)
            }
            HKind::Binary(op, a, b) => {
                let (a, b) = (v(a), v(b));
                self.operator(op, a, b)
            }
            HKind::Single(a) => {
                let a = v(a);
                if self.rules.one_element == Lenience::Reject {
                    return self.refuse("A vector where one number is needed");
                }
                self.emit(Inst::Single(a), Ty::Double)
            }
            HKind::ToVec(a) => {
                let list = self.list([v(a)]);
                self.emit(Inst::Flatten(list), Ty::Vec)
            }
            HKind::Call(overload, args) => {
                let args: Vec<Val> = self.hir.args(args).iter().map(|a| self.vals[a.ix()]).collect();
                self.call(overload, &args)
            }
            HKind::Stop => {
                self.end(Term::Stop(self.stmt));
                self.dead = true;
                Val(0)
            }
            HKind::Ternary(..) | HKind::Logic(..) => self.close(),
            HKind::Poison(_) => Val(0),
        }
    }

    // ---- instructions ----

    pub(super) fn ty(&self, v: Val) -> Ty {
        self.program.tys.get(v.ix()).copied().unwrap_or(Ty::Poison)
    }

    pub(super) fn push(&mut self, inst: Inst, ty: Ty) -> Val {
        self.program.insts.push(inst);
        self.program.tys.push(ty);
        self.program.at.push(self.at);
        Val(self.program.insts.len() as u32 - 1)
    }

    /// Add an instruction, or share an equal one that is certain to have run.
    pub(super) fn emit(&mut self, inst: Inst, ty: Ty) -> Val {
        if self.dead {
            return Val(0);
        }
        if !self.optimising() || !shareable(&inst) {
            return self.push(inst, ty);
        }
        match self.shared.entry(inst) {
            Entry::Occupied(known) => return *known.get(),
            Entry::Vacant(free) => free.insert(Val(self.program.insts.len() as u32)),
        };
        self.log.push(inst);
        self.push(inst, ty)
    }

    pub(super) fn forget(&mut self, mark: usize) {
        for inst in self.log.drain(mark..) {
            self.shared.remove(&inst);
        }
    }

    pub(super) fn end(&mut self, term: Term) {
        if self.dead {
            return;
        }
        let hi = self.program.insts.len() as u32;
        self.program.blocks.push(Block { lo: self.start, hi, term, at: self.at });
        self.start = hi;
    }

    /// A trap here: a rule forbids what the formula does.
    pub(super) fn refuse(&mut self, why: &str) -> Val {
        self.program.poisons.push(Poison::Rejected(why.to_owned()));
        self.end(Term::Trap(self.program.poisons.len() as u32 - 1));
        self.dead = true;
        Val(0)
    }

    pub(super) fn double(&mut self, x: f64) -> Val {
        self.emit(Inst::Double(x.to_bits()), Ty::Double)
    }

    pub(super) fn list(&mut self, items: impl IntoIterator<Item = Val>) -> List {
        let lo = self.program.lists.len() as u32;
        self.program.lists.extend(items);
        List { lo, hi: self.program.lists.len() as u32 }
    }

    pub(super) fn inst(&self, v: Val) -> Inst {
        self.program.insts[v.ix()]
    }

    /// The value of a double constant.
    pub(super) fn constant(&self, v: Val) -> Option<f64> {
        match self.inst(v) {
            Inst::Double(bits) => Some(f64::from_bits(bits)),
            _ => None,
        }
    }

    pub(super) fn truth(&self, x: f64) -> bool {
        if x.is_nan() { self.rules.nan_condition == NanCondition::True } else { x != 0.0 }
    }

    fn latest(&mut self, m: Metric) -> Val {
        match m {
            Metric::CurrentDedicatedNodes => self.emit(Inst::Input(Input::Current(0)), Ty::Double),
            Metric::CurrentLowPriorityNodes => self.emit(Inst::Input(Input::Current(1)), Ty::Double),
            Metric::TaskSlotsPerNode => self.emit(Inst::Input(Input::TaskSlots), Ty::Double),
            _ if self.rules.bare_metric == Lenience::Reject => self.refuse("A metric is not a number"),
            m => {
                let w = self.window(WindowSpec::Last { metric: m, count: 1 });
                self.emit(Inst::Reduce(Reduce::LastOrZero, w, None), Ty::Double)
            }
        }
    }

    pub(super) fn unary(&mut self, op: ScalarOp, a: Val) -> Val {
        // `truth` and `not` know NaN as true; under the other rule a selection decides.
        if matches!(op, ScalarOp::Truth | ScalarOp::Not) && self.rules.nan_condition == NanCondition::False {
            let (one, zero) = (self.double(1.0), self.double(0.0));
            let (yes, no) = if op == ScalarOp::Truth { (one, zero) } else { (zero, one) };
            return self.emit(Inst::Select(a, yes, no), Ty::Double);
        }
        if self.optimising() {
            // A comparison is already 1 or 0.
            if op == ScalarOp::Truth
                && let Inst::Binary(inner, ..) = self.inst(a)
                && is_comparison(inner)
            {
                return a;
            }
            if let Some(v) = self.fold(op, &[a]) {
                return v;
            }
        }
        self.emit(Inst::Unary(op, a), op.result())
    }

    pub(super) fn scalar(&mut self, op: ScalarOp, a: Val, b: Val) -> Val {
        if self.optimising() {
            if let Some(v) = self.fold(op, &[a, b]) {
                return v;
            }
            // x / 2^k is x * 2^-k to the bit whenever 2^-k is a normal number, and a multiplication is faster.
            if op == ScalarOp::Div
                && let Some(d) = self.constant(b)
                && d.to_bits() & ((1 << 52) - 1) == 0
                && d.is_normal()
                && (1.0 / d).is_normal()
            {
                let r = self.double(1.0 / d);
                return self.emit(Inst::Binary(ScalarOp::Mul, a, r), Ty::Double);
            }
        }
        self.emit(Inst::Binary(op, a, b), op.result())
    }

    /// Run a scalar operation on constants. A trap is left for the run.
    fn fold(&mut self, op: ScalarOp, args: &[Val]) -> Option<Val> {
        if self.dead {
            return None;
        }
        let mut values = [Value::Double(0.0); 2];
        for (slot, a) in values.iter_mut().zip(args) {
            *slot = self.constant_value(*a)?;
        }
        let out = op.eval(&values[..args.len()]).ok()?;
        self.constant_of(out)
    }

    /// A constant as a value.
    pub(super) fn constant_value(&self, v: Val) -> Option<Value<'h>> {
        Some(match self.inst(v) {
            Inst::Double(bits) => Value::Double(f64::from_bits(bits)),
            Inst::Interval(t) => Value::Interval(Interval(t)),
            Inst::Time(t) => Value::Time(Ticks(t)),
            Inst::Str(s) => Value::Str(&self.hir.strings[s as usize]),
            _ => return None,
        })
    }

    fn constant_of(&mut self, v: Value<'_>) -> Option<Val> {
        match v {
            Value::Double(x) => Some(self.double(x)),
            Value::Interval(i) => Some(self.emit(Inst::Interval(i.0), Ty::Interval)),
            Value::Time(t) => Some(self.emit(Inst::Time(t.0), Ty::Time)),
            _ => None,
        }
    }

    fn operator(&mut self, op: BinOp, a: Val, b: Val) -> Val {
        use ScalarOp as S;
        let (ta, tb) = (self.ty(a), self.ty(b));
        let arithmetic = match op {
            BinOp::Add => S::Add,
            BinOp::Sub => S::Sub,
            BinOp::Mul => S::Mul,
            _ => S::Div,
        };
        if ta == Ty::Vec || tb == Ty::Vec {
            if ta == Ty::Double && self.rules.broadcast == Lenience::Reject {
                return self.refuse("An operator does not take a double and a doubleVec");
            }
            return self.emit(Inst::Vector(arithmetic, a, b), Ty::Vec);
        }
        let scalar = match (op, ta, tb) {
            (BinOp::Add | BinOp::Sub | BinOp::Mul | BinOp::Div, Ty::Double, Ty::Double) => arithmetic,
            (BinOp::Add, Ty::Time, _) => S::TimeAddInterval,
            (BinOp::Add, Ty::Interval, Ty::Time) => S::IntervalAddTime,
            (BinOp::Add, ..) => S::IntervalAdd,
            (BinOp::Sub, Ty::Time, Ty::Time) => S::TimeSub,
            (BinOp::Sub, Ty::Time, _) => {
                if self.rules.interval_sub == Lenience::Reject {
                    return self.refuse("`-` does not take a timestamp and a timeinterval");
                }
                S::TimeSubInterval
            }
            (BinOp::Sub, ..) => S::IntervalSub,
            (BinOp::Mul, Ty::Double, _) => S::MulInterval,
            (BinOp::Mul, ..) => S::IntervalMul,
            (BinOp::Div, ..) => S::IntervalDiv,
            (op, ty, _) => comparison(op, ty),
        };
        self.scalar(scalar, a, b)
    }

    fn call(&mut self, overload: OverloadId, args: &[Val]) -> Val {
        if self.optimising()
            && let Some(v) = self.fused(overload, args)
        {
            return v;
        }
        let row = builtins::overload(overload);
        if self.optimising()
            && matches!(row.purity, Purity::Const | Purity::ReadsClock)
            && !(args.is_empty() && row.purity == Purity::ReadsClock)
            && let Some(v) = self.fold_call(overload, args)
        {
            return v;
        }
        // `time()` is the run's own instant.
        if args.is_empty() && row.purity == Purity::ReadsClock && row.ret == Ty::Time {
            return self.emit(Inst::Input(Input::Now), Ty::Time);
        }
        let args = self.arguments(row, args);
        let list = self.list(args);
        self.emit(Inst::Call(overload, list), row.ret)
    }

    /// Arguments as the body wants them: a list parameter is one vector.
    fn arguments(&mut self, row: &poolcast_runtime::catalog::Overload, args: &[Val]) -> Vec<Val> {
        use poolcast_runtime::ty::Param;
        if row.params.last() != Some(&Param::List) {
            return args.to_vec();
        }
        if let [one] = args
            && self.ty(*one) == Ty::Vec
        {
            return args.to_vec();
        }
        let list = self.list(args.iter().copied());
        vec![self.emit(Inst::Flatten(list), Ty::Vec)]
    }

    /// Run a body on constants. What it reads decides: a body that looked at the clock or trapped is left for the run.
    fn fold_call(&mut self, overload: OverloadId, args: &[Val]) -> Option<Val> {
        // What may be folded reads no samples, so that any store will do.
        static NOWHERE: LazyLock<SeriesStore> = LazyLock::new(SeriesStore::default);
        let values: Vec<Value<'_>> = args.iter().map(|a| self.constant_value(*a)).collect::<Option<_>>()?;
        let body = builtins::overload(overload).body?;
        let (targets, current) = ([0.0; 2], [0.0; 2]);
        let snapshot = Snapshot { now: Ticks(0), series: &NOWHERE, targets, current, task_slots: 1.0, seed: 0 };
        let mut cx = Cx::new(&snapshot, self.rules, &self.arena);
        let out = body(&mut cx, &values).ok().filter(|_| !cx.clock_read && cx.notes.is_empty())?;
        // Only plain numbers leave; nothing borrowed from the empty world does.
        let out = match out {
            Value::Double(x) => Value::Double(x),
            Value::Interval(i) => Value::Interval(i),
            Value::Time(t) => Value::Time(t),
            _ => return None,
        };
        self.constant_of(out)
    }

    // ---- the end ----

    fn finish(mut self) -> Program {
        self.at = 0;
        self.end(Term::Finish);
        let mut p = self.program;
        mark_live(&mut p, self.effort == Effort::Plain);
        let final_slot =
            |p: &Program, output: Output| p.slots.iter().rposition(|s| s.output == Some(output)).map(|i| i as u32);
        p.outputs = [
            final_slot(&p, Output::Dedicated).or_else(|| final_slot(&p, Output::DedicatedAlias)),
            final_slot(&p, Output::LowPriority).or_else(|| final_slot(&p, Output::LowPriorityAlias)),
            final_slot(&p, Output::Option),
        ];
        p.variables = final_variables(&p, u32::MAX);
        p.reads = fuse::reads(&p);
        p
    }
}

/// Last slot of each user variable assigned before statement `limit`, in byte order of names.
pub(crate) fn final_variables(p: &Program, limit: u32) -> Vec<u32> {
    let mut last: Vec<u32> = (0..p.slots.len() as u32)
        .filter(|i| p.slots[*i as usize].output.is_none() && p.slots[*i as usize].stmt < limit)
        .collect();
    let name = |i: u32| p.slots[i as usize].name.as_bytes();
    last.sort_by(|a, b| name(*a).cmp(name(*b)).then(b.cmp(a)));
    last.dedup_by(|a, b| name(*a) == name(*b));
    last
}

/// Instructions that may be shared or dropped: no effect, no trap that another place must report.
fn shareable(inst: &Inst) -> bool {
    !matches!(
        inst,
        Inst::Param
            | Inst::Store(..)
            | Inst::Call(..)
            | Inst::Flatten(_)
            | Inst::Vector(..)
            | Inst::Single(_)
            | Inst::Target(_)
    )
}

/// Whether an instruction must run even when nothing uses its value.
fn effectful(inst: &Inst) -> bool {
    match inst {
        Inst::Store(..)
        | Inst::Require(..)
        | Inst::Target(_)
        | Inst::Single(_)
        | Inst::Call(..)
        | Inst::Vector(..)
        | Inst::Flatten(_)
        | Inst::Param => true,
        Inst::Unary(op, _) | Inst::Binary(op, ..) => op.result() != Ty::Double,
        _ => false,
    }
}

fn mark_live(p: &mut Program, all: bool) {
    let mut live = vec![all; p.insts.len()];
    if !all {
        for block in &p.blocks {
            match block.term {
                Term::Branch(v, ..) | Term::Goto(_, Some(v)) => live[v.ix()] = true,
                _ => {}
            }
        }
        for i in (0..p.insts.len()).rev() {
            let inst = p.insts[i];
            if effectful(&inst) {
                live[i] = true;
            }
            if live[i] {
                p.operands(&inst, |v| live[v.ix()] = true);
            }
        }
    }
    p.live = live;
}

pub(crate) fn is_comparison(op: ScalarOp) -> bool {
    use ScalarOp::*;
    matches!(op, Lt | Le | Gt | Ge | Eq | Ne | Not | Truth)
        || matches!(op, TimeLt | TimeLe | TimeGt | TimeGe | TimeEq | TimeNe)
        || matches!(op, IntervalLt | IntervalLe | IntervalGt | IntervalGe | IntervalEq | IntervalNe)
        || matches!(op, StrLt | StrLe | StrGt | StrGe | StrEq | StrNe)
}

fn comparison(op: BinOp, ty: Ty) -> ScalarOp {
    use ScalarOp::*;
    let row = match ty {
        Ty::Time => [TimeLt, TimeLe, TimeGt, TimeGe, TimeEq, TimeNe],
        Ty::Interval => [IntervalLt, IntervalLe, IntervalGt, IntervalGe, IntervalEq, IntervalNe],
        Ty::Str => [StrLt, StrLe, StrGt, StrGe, StrEq, StrNe],
        _ => [Lt, Le, Gt, Ge, Eq, Ne],
    };
    row[match op {
        BinOp::Lt => 0,
        BinOp::Le => 1,
        BinOp::Gt => 2,
        BinOp::Ge => 3,
        BinOp::Eq => 4,
        _ => 5,
    }]
}

use poolcast_runtime::{
    arena::Arena,
    cx::Cx,
    series::SeriesStore,
    snapshot::Snapshot,
    ticks::{Interval, Ticks},
    value::Value,
};

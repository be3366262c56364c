//! What a condition says about the values it was made from, and what follows from that for other values.
//!
//! In: a state, a value, what it is now known to be. Out: the narrowed state, or that no run is like that. Never: a guess:
//! every step only removes what cannot be.

use super::{
    domain::{Abs, Count, Num},
    transfer,
    walk::{Cx, State},
};
use crate::ir::{Inst, Program, Val};
use poolcast_runtime::{
    metric::Metric,
    scalar::ScalarOp,
    window::{Reduce, WindowSpec},
};

/// How far a condition is followed back.
const DEPTH: u32 = 24;

/// One refinement in progress: which values and windows have changed.
struct Work<'x, 'p, 'a, 's> {
    cx: &'x Cx<'p, 'a>,
    st: &'s mut State,
    changed: Vec<Val>,
    windows: bool,
}

/// Narrow a state by a condition's truth. `end`: instructions before it have run. False: no run is like that.
pub fn assume(cx: &Cx<'_, '_>, st: &mut State, c: Val, truth: bool, end: u32) -> bool {
    let mut work = Work { cx, st, changed: Vec::new(), windows: false };
    work.truth(c, truth, DEPTH) && work.settle(end)
}

/// Narrow a state by what a value is.
pub fn value(cx: &Cx<'_, '_>, st: &mut State, v: Val, is: Abs, end: u32) -> bool {
    let mut work = Work { cx, st, changed: Vec::new(), windows: false };
    work.narrow(v, is, DEPTH) && work.settle(end)
}

/// Narrow a state by a window's percentage.
pub fn require(cx: &Cx<'_, '_>, st: &mut State, w: usize, pct: Num, end: u32) -> bool {
    let mut work = Work { cx, st, changed: Vec::new(), windows: false };
    work.percent(w, pct) && work.settle(end)
}

/// So many samples of a metric were seen.
pub fn seen(st: &mut State, m: Metric, n: Count) {
    let h = &mut st.history[m as usize];
    h.lo = h.lo.max(n.lo).min(h.hi);
}

impl Work<'_, '_, '_, '_> {
    fn p(&self) -> &Program {
        self.cx.p
    }
    fn num(&self, v: Val) -> Num {
        self.st.vals[v.ix()].num()
    }

    fn truth(&mut self, v: Val, truth: bool, depth: u32) -> bool {
        use ScalarOp as S;
        if depth == 0 {
            return true;
        }
        let inst = self.p().insts[v.ix()];
        let followed = match inst {
            Inst::Unary(S::Not, x) => self.truth(x, !truth, depth - 1),
            Inst::Unary(S::Truth, x) => self.truth(x, truth, depth - 1),
            Inst::Binary(op, a, b) if super::walk::is_comparison(op) => self.compare(op, a, b, truth, depth - 1),
            Inst::Param => match self.st.alias[v.ix()] {
                Some(from) => self.truth(from, truth, depth - 1),
                None => true,
            },
            Inst::Select(c, a, b) => match (self.num(a).exact(), self.num(b).exact()) {
                (Some(1.0), Some(0.0)) => self.truth(c, truth, depth - 1),
                (Some(0.0), Some(1.0)) => self.truth(c, !truth, depth - 1),
                _ => true,
            },
            _ => true,
        };
        if !followed {
            return false;
        }
        let Abs::Num(x) = self.st.vals[v.ix()] else { return true };
        let nan = x.nan && self.cx.nan_holds() == truth;
        let x = Num { nan, ..x };
        let want = if !truth {
            x.at_least(0.0).at_most(0.0)
        } else if x.lo >= 0.0 {
            x.above(0.0)
        } else if x.hi <= 0.0 {
            x.below(0.0)
        } else {
            x
        };
        self.narrow(v, Abs::Num(want), depth - 1)
    }

    fn compare(&mut self, op: ScalarOp, a: Val, b: Val, truth: bool, depth: u32) -> bool {
        use ScalarOp as S;
        match op {
            S::Lt => self.less(a, b, true, truth, depth),
            S::Le => self.less(a, b, false, truth, depth),
            S::Gt => self.less(b, a, true, truth, depth),
            S::Ge => self.less(b, a, false, truth, depth),
            S::Eq => self.equal(a, b, truth, depth),
            S::Ne => self.equal(a, b, !truth, depth),
            S::TimeLt | S::IntervalLt => self.before(a, b, true, truth, depth),
            S::TimeLe | S::IntervalLe => self.before(a, b, false, truth, depth),
            S::TimeGt | S::IntervalGt => self.before(b, a, true, truth, depth),
            S::TimeGe | S::IntervalGe => self.before(b, a, false, truth, depth),
            S::TimeEq | S::IntervalEq if truth => {
                let (x, y) = (self.st.vals[a.ix()], self.st.vals[b.ix()]);
                self.narrow(a, strip(y), depth) && self.narrow(b, strip(x), depth)
            }
            _ => true,
        }
    }

    /// `a < b` (or `<=`) holds, or does not.
    fn less(&mut self, a: Val, b: Val, strict: bool, truth: bool, depth: u32) -> bool {
        let (x, y) = (self.num(a), self.num(b));
        if truth {
            if x.empty() || y.empty() {
                return false;
            }
            let (x, y) = (Num { nan: false, ..x }, Num { nan: false, ..y });
            let (nx, ny) = if strict { (x.below(y.hi), y.above(x.lo)) } else { (x.at_most(y.hi), y.at_least(x.lo)) };
            return self.narrow(a, Abs::Num(nx), depth) && self.narrow(b, Abs::Num(ny), depth);
        }
        // Not less: greater or equal, or one is NaN; then nothing is known of the other.
        let nx = if y.nan {
            x
        } else if strict {
            x.at_least(y.lo)
        } else {
            x.above(y.lo)
        };
        let ny = if x.nan {
            y
        } else if strict {
            y.at_most(x.hi)
        } else {
            y.below(x.hi)
        };
        let (nx, ny) = (if y.empty() { x } else { nx }, if x.empty() { y } else { ny });
        self.narrow(a, Abs::Num(nx), depth) && self.narrow(b, Abs::Num(ny), depth)
    }

    fn equal(&mut self, a: Val, b: Val, truth: bool, depth: u32) -> bool {
        let (x, y) = (self.num(a), self.num(b));
        let ticks = !matches!((self.st.vals[a.ix()], self.st.vals[b.ix()]), (Abs::Num(_), Abs::Num(_)));
        if ticks {
            return true;
        }
        if truth {
            // Equal zeros may differ in sign: `meet` keeps minus zero only where both can be one, so it is put back.
            let both = Num { nan: false, ..x }.meet(Num { nan: false, ..y });
            if both.none() {
                return false;
            }
            let with = |own: Num| Abs::Num(Num { neg_zero: own.neg_zero && both.zero(), ..both });
            return self.narrow(a, with(x), depth) && self.narrow(b, with(y), depth);
        }
        let without = |x: Num, y: Num| match y.exact() {
            Some(k) if k == x.lo && x.int => x.above(k),
            Some(k) if k == x.hi && x.int => x.below(k),
            _ => x,
        };
        self.narrow(a, Abs::Num(without(x, y)), depth) && self.narrow(b, Abs::Num(without(y, x)), depth)
    }

    /// Instants or durations in order.
    fn before(&mut self, a: Val, b: Val, strict: bool, truth: bool, depth: u32) -> bool {
        let span = |v: Abs| match v {
            Abs::Time(s, _) | Abs::Interval(s) => Some(s),
            _ => None,
        };
        // Not (a < b) is b <= a.
        let (a, b, strict) = if truth { (a, b, strict) } else { (b, a, !strict) };
        let (Some(mut x), Some(mut y)) = (span(self.st.vals[a.ix()]), span(self.st.vals[b.ix()])) else { return true };
        let gap = i64::from(strict);
        x.hi = x.hi.min(y.hi.saturating_sub(gap));
        y.lo = y.lo.max(x.lo.saturating_add(gap));
        if x.lo > x.hi || y.lo > y.hi {
            return false;
        }
        let back = |old: Abs, s| match old {
            Abs::Time(_, r) => Abs::Time(s, r),
            _ => Abs::Interval(s),
        };
        let (x, y) = (back(self.st.vals[a.ix()], x), back(self.st.vals[b.ix()], y));
        self.narrow(a, x, depth) && self.narrow(b, y, depth)
    }

    /// A value is one of these; follow that to what it was made from.
    fn narrow(&mut self, v: Val, is: Abs, depth: u32) -> bool {
        let old = self.st.vals[v.ix()];
        if old == Abs::Unset {
            return true;
        }
        let Some(new) = old.meet(is) else { return false };
        if new == old {
            return true;
        }
        self.st.vals[v.ix()] = new;
        self.changed.push(v);
        for (a, b) in self.cx.twins.iter().filter(|t| t.0 == v || t.1 == v) {
            let other = if *a == v { *b } else { *a };
            if depth > 0 && !self.narrow(other, new, depth - 1) {
                return false;
            }
        }
        if depth == 0 { true } else { self.back(v, new, depth - 1) }
    }

    fn back(&mut self, v: Val, new: Abs, depth: u32) -> bool {
        use ScalarOp as S;
        let inst = self.p().insts[v.ix()];
        let Abs::Num(n) = new else {
            return match (inst, new) {
                (Inst::Param, _) => self.st.alias[v.ix()].is_none_or(|from| self.narrow(from, new, depth)),
                (Inst::Window(w), Abs::Vec(_, len)) => self.window(w.0 as usize, len),
                _ => true,
            };
        };
        let exact = |n: Num| n.int && n.lo.abs() < 1e15 && n.hi.abs() < 1e15;
        // What rounding may have hidden between the ends.
        let loose = |lo: f64, hi: f64, parts: [Num; 3]| {
            if lo.is_nan() || hi.is_nan() {
                return Num::ANY;
            }
            let most =
                parts.iter().flat_map(|p| [p.lo.abs(), p.hi.abs()]).filter(|x| x.is_finite()).fold(0.0, f64::max);
            let slack =
                if parts.iter().all(|p| exact(*p)) { 0.0 } else { most * 4.0 * f64::EPSILON + f64::MIN_POSITIVE };
            Num { lo: lo - slack, hi: hi + slack, ..Num::ANY }
        };
        let nan = |x: Num| Abs::Num(Num { nan: n.nan, ..x });
        match inst {
            Inst::Param => self.st.alias[v.ix()].is_none_or(|from| self.narrow(from, new, depth)),
            Inst::Unary(S::Neg, a) => self.narrow(a, Abs::Num(Num { neg_zero: true, ..n.negated() }), depth),
            Inst::Unary(S::Ceil | S::Floor, _) if !exact(n) => true,
            Inst::Unary(S::Ceil, a) if !n.empty() => {
                self.narrow(a, nan(Num { lo: (n.lo - 1.0).next_up(), hi: n.hi, ..Num::ANY }), depth)
            }
            Inst::Unary(S::Floor, a) if !n.empty() => {
                self.narrow(a, nan(Num { lo: n.lo, hi: (n.hi + 1.0).next_down(), ..Num::ANY }), depth)
            }
            Inst::Unary(S::Round | S::RoundEven, a) if !n.empty() => {
                self.narrow(a, nan(Num { lo: n.lo - 0.5, hi: n.hi + 0.5, ..Num::ANY }), depth)
            }
            Inst::Binary(op @ (S::Add | S::Sub), a, b) if !n.empty() && !n.nan => {
                let (x, y) = (self.num(a), self.num(b));
                if x.empty() || y.empty() || x.infinite() || y.infinite() {
                    return true;
                }
                let parts = [n, x, y];
                let (nx, ny) = if op == S::Add {
                    (loose(n.lo - y.hi, n.hi - y.lo, parts), loose(n.lo - x.hi, n.hi - x.lo, parts))
                } else {
                    (loose(n.lo + y.lo, n.hi + y.hi, parts), loose(x.lo - n.hi, x.hi - n.lo, parts))
                };
                self.narrow(a, Abs::Num(nx), depth) && self.narrow(b, Abs::Num(ny), depth)
            }
            Inst::Binary(op @ (S::Mul | S::Div), a, b) if !n.empty() && !n.nan => {
                let (a, k) = match (op, self.num(a).exact(), self.num(b).exact()) {
                    (_, _, Some(k)) => (a, k),
                    (S::Mul, Some(k), _) => (b, k),
                    _ => return true,
                };
                let k = if op == S::Mul { 1.0 / k } else { k };
                if !k.is_normal() || n.infinite() {
                    return true;
                }
                let (p, q) = (n.lo * k, n.hi * k);
                let (lo, hi) = (p.min(q), p.max(q));
                let slack = lo.abs().max(hi.abs()) * 8.0 * f64::EPSILON + f64::MIN_POSITIVE * (1.0 + k.abs());
                self.narrow(a, Abs::Num(Num { lo: lo - slack, hi: hi + slack, ..Num::ANY }), depth)
            }
            Inst::Binary(S::Min2, a, b) if !n.empty() => {
                let lower = nan(Num { lo: n.lo, ..Num::ANY });
                let ok = self.narrow(a, lower, depth);
                ok && (n.nan || self.num(b).nan || self.narrow(b, lower, depth))
            }
            Inst::Binary(S::Max2, a, b) if !n.empty() => {
                let upper = nan(Num { hi: n.hi, ..Num::ANY });
                let ok = self.narrow(a, upper, depth);
                ok && (n.nan || self.num(b).nan || self.narrow(b, upper, depth))
            }
            Inst::Percent(w) | Inst::Require(w, _) => self.percent(w.0 as usize, n),
            Inst::Reduce(how, w, operand) => self.reduced(how, w.0 as usize, operand, n, depth),
            Inst::Target(a) if self.cx.targets_pass() => self.narrow(a, new, depth),
            Inst::Call(id, list) => {
                let row = poolcast_runtime::builtins::row_of(id);
                let first = self.p().list(list).first().copied();
                if row.name == "Count"
                    && let Some(Inst::Metric(m)) = first.map(|f| self.p().insts[f.ix()])
                {
                    return self.history(m, whole(n));
                }
                true
            }
            _ => true,
        }
    }

    fn reduced(&mut self, how: Reduce, w: usize, operand: Option<Val>, n: Num, depth: u32) -> bool {
        let win = self.st.wins[w];
        let some = Count { lo: 1, hi: u32::MAX };
        let elem = |this: &mut Self, e: Num| {
            let e = this.st.wins[w].elem.meet(e);
            if e.none() {
                return this.window(w, Count::of(0));
            }
            if this.st.wins[w].elem != e {
                this.st.wins[w].elem = e;
                this.windows = true;
            }
            true
        };
        let any = Num { nan: false, ..Num::ANY };
        match how {
            Reduce::Len => self.window(w, whole(n)),
            Reduce::Sum if n.lo > 0.0 || n.hi < 0.0 => self.window(w, some),
            Reduce::Sum if n.hi <= 0.0 && win.elem.lo >= 0.0 => elem(self, Num { hi: 0.0, ..any }),
            Reduce::Avg | Reduce::Min | Reduce::Max | Reduce::Range | Reduce::Std | Reduce::Val => {
                if n.empty() {
                    // Only NaN is left: nothing was there, unless `std` or `val` asked for more than one.
                    return matches!(how, Reduce::Std | Reduce::Val) || self.window(w, Count::of(0));
                }
                if !n.nan && !self.window(w, some) {
                    return false;
                }
                match how {
                    Reduce::Max => elem(self, Num { hi: n.hi, ..any }),
                    Reduce::Min => elem(self, Num { lo: n.lo, ..any }),
                    // Whole numbers: a mean of positive ones cannot underflow to zero.
                    Reduce::Avg if n.hi <= 0.0 && win.elem.lo >= 0.0 && win.elem.int => {
                        elem(self, Num { hi: 0.0, ..any })
                    }
                    _ => true,
                }
            }
            Reduce::MaxFrom | Reduce::MinFrom if !n.nan && !n.empty() => {
                let limit = if how == Reduce::MaxFrom { Num { hi: n.hi, ..any } } else { Num { lo: n.lo, ..any } };
                operand.is_none_or(|o| self.narrow(o, Abs::Num(Num { neg_zero: true, ..limit }), depth))
                    && elem(self, limit)
            }
            Reduce::LastOrZero if n.lo > 0.0 || n.hi < 0.0 => self.window(w, some),
            _ => true,
        }
    }

    fn window(&mut self, w: usize, len: Count) -> bool {
        let old = self.st.wins[w].len;
        let Some(new) = old.meet(len) else { return false };
        if new != old {
            self.st.wins[w].len = new;
            self.windows = true;
        }
        let spec = self.p().windows[w];
        // Samples in one window are samples of the history.
        let mut history = Count { lo: new.lo, hi: u32::MAX };
        if let WindowSpec::Last { count, .. } = spec
            && new.hi < count
        {
            history.hi = new.hi;
        }
        self.history(spec.metric(), history)
    }

    fn percent(&mut self, w: usize, pct: Num) -> bool {
        let p = self.p();
        let Some(length) = transfer::length_of(&p.windows[w]) else { return pct.contains(0.0) };
        match transfer::counts_within(pct, length, &p.rules, self.st.wins[w].len) {
            Some(n) => self.window(w, n),
            None => false,
        }
    }

    /// So many samples of a metric are visible: windows by count follow, and no window holds more.
    fn history(&mut self, m: Metric, n: Count) -> bool {
        let Some(new) = self.st.history[m as usize].meet(n) else { return false };
        if new == self.st.history[m as usize] {
            return true;
        }
        self.st.history[m as usize] = new;
        self.windows = true;
        for w in 0..self.st.wins.len() {
            let spec = self.p().windows[w];
            if spec.metric() != m {
                continue;
            }
            let limit = match spec {
                WindowSpec::Last { count, .. } => Count { lo: new.lo.min(count), hi: new.hi.min(count) },
                WindowSpec::Back { .. } => Count { lo: 0, hi: new.hi },
            };
            match self.st.wins[w].len.meet(limit) {
                Some(len) => self.st.wins[w].len = len,
                None => return false,
            }
        }
        true
    }

    /// Computes again what was made from changed values. False: something cannot be any more.
    fn settle(&mut self, end: u32) -> bool {
        if self.changed.is_empty() && !self.windows {
            return true;
        }
        let p = self.cx.p;
        let first = if self.windows { 0 } else { self.changed.iter().map(|v| v.0).min().unwrap_or(0) };
        let mut dirty = vec![false; end as usize];
        for v in &self.changed {
            if let Some(d) = dirty.get_mut(v.ix()) {
                *d = true;
            }
        }
        for i in first..end {
            let at = i as usize;
            if self.st.vals[at] == Abs::Unset {
                continue;
            }
            let inst = p.insts[at];
            let reads = match inst {
                Inst::Percent(_) | Inst::Window(_) | Inst::Reduce(..) | Inst::Require(..) => self.windows,
                // A selection clones the state: its arms were already narrowed when it was made.
                Inst::Select(..) => continue,
                Inst::Param => {
                    if let Some(from) = self.st.alias[at]
                        && dirty[from.ix()]
                        && let Some(new) = self.st.vals[at].meet(self.st.vals[from.ix()])
                        && new != self.st.vals[at]
                    {
                        self.st.vals[at] = new;
                        dirty[at] = true;
                    }
                    continue;
                }
                Inst::Call(id, _) => {
                    self.windows
                        && poolcast_runtime::builtins::row_of(id).kind == poolcast_runtime::catalog::RowKind::Method
                }
                _ => false,
            };
            let mut again = reads;
            p.operands(&inst, |v| again |= dirty[v.ix()]);
            if !again {
                continue;
            }
            let Some(value) = self.cx.eval(self.st, Val(i), &mut |_, _| ()) else { return false };
            let Some(new) = self.st.vals[at].meet(value) else { return false };
            if new != self.st.vals[at] {
                self.st.vals[at] = new;
                dirty[at] = true;
            }
        }
        true
    }
}

fn strip(v: Abs) -> Abs {
    match v {
        Abs::Time(s, _) => Abs::Time(s, None),
        v => v,
    }
}

fn whole(n: Num) -> Count {
    if n.empty() {
        return Count { lo: 0, hi: u32::MAX };
    }
    Count { lo: n.lo.ceil().max(0.0) as u32, hi: n.hi.floor().max(0.0) as u32 }
}

// ---- what two values say about each other ----

/// Narrows a result by what relates its operands: `x − min(x, y)` is never negative, whatever `x` is.
pub fn related(cx: &Cx<'_, '_>, st: &State, op: ScalarOp, a: Val, b: Val, value: Abs) -> Abs {
    let Abs::Num(n) = value else { return value };
    let (x, y) = (st.vals[a.ix()].num(), st.vals[b.ix()].num());
    if x.empty() || y.empty() {
        return value;
    }
    match op {
        ScalarOp::Sub if !x.infinite() && !y.infinite() && (n.lo < 0.0 || n.hi > 0.0) => {
            if a == b {
                return Abs::Num(Num::of(0.0).or_nan(n.nan));
            }
            let mut n = n;
            if n.lo < 0.0 && at_most(cx, st, b, a, 6) {
                n = n.at_least(0.0);
            }
            if n.hi > 0.0 && at_most(cx, st, a, b, 6) {
                n = n.at_most(0.0);
            }
            Abs::Num(n)
        }
        ScalarOp::Add => Abs::Num(capped(cx, st, a, b, n)),
        ScalarOp::Le if n.exact().is_none() && !x.nan && !y.nan && at_most(cx, st, a, b, 6) => Abs::Num(Num::of(1.0)),
        ScalarOp::Ge if n.exact().is_none() && !x.nan && !y.nan && at_most(cx, st, b, a, 6) => Abs::Num(Num::of(1.0)),
        ScalarOp::Gt if n.exact().is_none() && at_most(cx, st, a, b, 6) => Abs::Num(Num::of(0.0)),
        ScalarOp::Lt if n.exact().is_none() && at_most(cx, st, b, a, 6) => Abs::Num(Num::of(0.0)),
        _ => value,
    }
}

/// Whether `a <= b` holds by construction, where both are numbers.
fn at_most(cx: &Cx<'_, '_>, st: &State, a: Val, b: Val, depth: u32) -> bool {
    use ScalarOp as S;
    if a == b {
        return true;
    }
    if depth == 0 {
        return false;
    }
    let num = |v: Val| st.vals[v.ix()].num();
    let no_nan = |v: Val| !num(v).nan;
    let smaller = match cx.p.insts[a.ix()] {
        // `min(x, y)`: an operand that is NaN leaves the other one.
        Inst::Binary(S::Min2, x, y) => {
            at_most(cx, st, x, b, depth - 1) || (no_nan(y) && at_most(cx, st, y, b, depth - 1))
        }
        Inst::Binary(S::Max2, x, y) => at_most(cx, st, x, b, depth - 1) && at_most(cx, st, y, b, depth - 1),
        Inst::Unary(S::Floor, x) => at_most(cx, st, x, b, depth - 1),
        Inst::Target(x) if cx.targets_pass() => at_most(cx, st, x, b, depth - 1),
        Inst::Binary(S::Sub, x, y) if num(y).lo >= 0.0 => at_most(cx, st, x, b, depth - 1),
        Inst::Binary(S::Mul, x, y) if num(x).lo >= 0.0 && num(y).lo >= 0.0 && num(y).hi <= 1.0 => {
            at_most(cx, st, x, b, depth - 1)
        }
        Inst::Binary(S::Mul, y, x) if num(x).lo >= 0.0 && num(y).lo >= 0.0 && num(y).hi <= 1.0 => {
            at_most(cx, st, x, b, depth - 1)
        }
        Inst::Param => st.alias[a.ix()].is_some_and(|x| at_most(cx, st, x, b, depth - 1)),
        _ => false,
    };
    let (x, y) = (num(a), num(b));
    smaller
        || (!x.empty() && !y.empty() && x.hi <= y.lo)
        || match cx.p.insts[b.ix()] {
            Inst::Binary(S::Max2, p, q) => {
                at_most(cx, st, a, p, depth - 1) || (no_nan(p) && no_nan(q) && at_most(cx, st, a, q, depth - 1))
            }
            Inst::Binary(S::Min2, p, q) => at_most(cx, st, a, p, depth - 1) && at_most(cx, st, a, q, depth - 1),
            Inst::Unary(S::Ceil, p) => at_most(cx, st, a, p, depth - 1),
            Inst::Target(p) if cx.targets_pass() => at_most(cx, st, a, p, depth - 1),
            Inst::Binary(S::Add, p, q) if num(q).lo >= 0.0 && !num(q).nan => at_most(cx, st, a, p, depth - 1),
            Inst::Binary(S::Add, q, p) if num(q).lo >= 0.0 && !num(q).nan => at_most(cx, st, a, p, depth - 1),
            Inst::Param => st.alias[b.ix()].is_some_and(|p| at_most(cx, st, a, p, depth - 1)),
            _ => false,
        }
}

/// `p + q` where `q` is at most `c − x` and `p` at most `x`: at most `c`. That is how two targets share one cap.
fn capped(cx: &Cx<'_, '_>, st: &State, a: Val, b: Val, mut n: Num) -> Num {
    for (p, q) in [(a, b), (b, a)] {
        let mut at = q;
        for _ in 0..6 {
            let num = |v: Val| st.vals[v.ix()].num();
            match cx.p.insts[at.ix()] {
                Inst::Binary(ScalarOp::Sub, c, x) => {
                    let (cap, parts) = (num(c), [num(c), num(x), num(p)]);
                    let finite = parts.iter().all(|p| !p.empty() && !p.infinite() && !p.nan);
                    if finite && cap.hi < n.hi && at_most(cx, st, p, x, 6) {
                        let whole = parts.iter().all(|p| p.int && p.lo.abs() < 1e15 && p.hi.abs() < 1e15);
                        let size = parts.iter().map(|p| p.hi.abs().max(p.lo.abs())).fold(0.0, f64::max);
                        n = n.at_most(if whole { cap.hi } else { cap.hi + size * 4.0 * f64::EPSILON });
                    }
                    break;
                }
                Inst::Unary(ScalarOp::Floor, x) => at = x,
                Inst::Target(x) if cx.targets_pass() => at = x,
                Inst::Param => match st.alias[at.ix()] {
                    Some(x) => at = x,
                    None => break,
                },
                // `max(0, c − x)` is `c − x` where that cannot be negative; `min(y, c − x)` is never more.
                Inst::Binary(ScalarOp::Max2, x, y) => {
                    let zero = |v: Val| num(v).exact() == Some(0.0);
                    at = match (zero(x) && num(y).lo >= 0.0 && !num(y).nan, zero(y) && num(x).lo >= 0.0) {
                        (true, _) => y,
                        (_, true) => x,
                        _ => break,
                    };
                }
                Inst::Binary(ScalarOp::Min2, x, y) => {
                    let sub = |v: Val| matches!(cx.p.insts[v.ix()], Inst::Binary(ScalarOp::Sub, ..));
                    at = if sub(y) && !num(y).nan { y } else { x };
                }
                _ => break,
            }
        }
    }
    n
}

//! What several lints need to know about a checked formula, computed in one pass over it.
//!
//! In: `Hir`. Out: `Facts`. Never: words. Expressions only refer to earlier ones (a variable to the value assigned before),
//! so every fact is a table filled from left to right; nothing recurses.

use crate::check::hir::{HArgs, HId, HKind, Hir, Output, VersionId};
use poolcast_grammar::{BinOp, UnOp};
use poolcast_runtime::{
    builtins,
    metric::{Kind, Metric},
    ticks::Interval,
    ty::Ty,
};

/// A set of metrics.
pub(super) type Metrics = u32;

/// What decides the value of an expression, variables looked through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Reads {
    /// `GetSamplePercent`, `Count`, `HistoryBeginTime`: knows how many samples there are.
    pub history: Metrics,
    /// `GetSample` over a window.
    pub window: Metrics,
    /// `GetSample(1)`.
    pub newest: Metrics,
    /// `GetSample(n)`, n not 1.
    pub several: Metrics,
    /// A metric as a number.
    pub latest: Metrics,
    /// `time()`.
    pub clock: bool,
    /// `time("…")`.
    pub date: bool,
    /// `rand()`.
    pub random: bool,
    /// The pool's current targets.
    pub current: bool,
    /// Contains `stop()`.
    pub stops: bool,
}

impl Reads {
    fn add(&mut self, o: Reads) {
        self.history |= o.history;
        self.window |= o.window;
        self.newest |= o.newest;
        self.several |= o.several;
        self.latest |= o.latest;
        self.clock |= o.clock;
        self.date |= o.date;
        self.random |= o.random;
        self.current |= o.current;
        self.stops |= o.stops;
    }
    /// Metrics whose values (not only their number) matter.
    pub fn values(&self) -> Metrics {
        self.window | self.newest | self.several | self.latest
    }
    /// Metrics read in any way.
    pub fn all(&self) -> Metrics {
        self.values() | self.history
    }
    /// Whether two evaluations can differ.
    pub fn changes(&self) -> bool {
        self.all() != 0 || self.clock || self.random || self.current
    }
}

/// A metric as a set.
pub(super) fn only(m: Metric) -> Metrics {
    1 << (m as u32)
}

/// Every metric that gets its samples together with this one.
pub(super) fn like(m: Metric) -> Metrics {
    Metric::ALL.iter().filter(|o| o.row().kind == m.row().kind).fold(0, |set, o| set | only(*o))
}

/// A value that is the same in every evaluation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Fixed {
    /// A number.
    Number(f64),
    /// A duration in ticks of 100 ns.
    Ticks(i64),
}

pub(super) struct Facts {
    /// The expression that uses each one.
    parent: Vec<Option<HId>>,
    /// First id of each expression's subtree.
    first: Vec<u32>,
    /// What each expression depends on.
    reads: Vec<Reads>,
    fixed: Vec<Option<Fixed>>,
    /// Smallest and largest value (of an element, for a vector).
    range: Vec<(f64, f64)>,
    /// Where a fraction in the value comes from.
    fraction: Vec<Option<HId>>,
    /// A vector of one sample at most.
    single: Vec<bool>,
    /// The value each version was assigned.
    value_of: Vec<Option<HId>>,
    /// How often each version is read.
    pub uses: Vec<u32>,
    /// Last version of each target slot.
    pub last_targets: Vec<VersionId>,
    /// Last version of `$NodeDeallocationOption`.
    pub last_option: Option<VersionId>,
    /// For each statement: metrics whose absence has stopped the evaluation by then.
    pub stopped_without: Vec<Metrics>,
}

pub(super) fn call(hir: &Hir, h: HId) -> Option<(&'static str, &[HId])> {
    match hir.expr(h).kind {
        HKind::Call(id, args) => Some((builtins::ROWS[id.row as usize].name, hir.args(args))),
        _ => None,
    }
}

pub(super) fn method(hir: &Hir, h: HId) -> Option<(Metric, &'static str, &[HId])> {
    let (name, args) = call(hir, h)?;
    let (recv, rest) = args.split_first()?;
    match hir.expr(*recv).kind {
        HKind::Metric(m) => Some((m, name, rest)),
        _ => None,
    }
}

impl Facts {
    pub fn new(hir: &Hir) -> Facts {
        let n = hir.exprs.len();
        let mut value_of = vec![None; hir.versions.len()];
        for stmt in &hir.stmts {
            if let Some(v) = stmt.version {
                value_of[v.ix()] = Some(stmt.value);
            }
        }
        let mut facts = Facts {
            parent: vec![None; n],
            first: (0..n as u32).collect(),
            reads: vec![Reads::default(); n],
            fixed: vec![None; n],
            range: vec![(f64::NEG_INFINITY, f64::INFINITY); n],
            fraction: vec![None; n],
            single: vec![false; n],
            value_of,
            uses: vec![0; hir.versions.len()],
            last_targets: Vec::new(),
            last_option: None,
            stopped_without: Vec::new(),
        };
        let mut children = Vec::new();
        for i in 0..n {
            let h = HId(i as u32);
            children.clear();
            operands(hir, h, &mut children);
            for c in &children {
                facts.parent[c.ix()] = Some(h);
                facts.first[i] = facts.first[i].min(facts.first[c.ix()]);
                let reads = facts.reads[c.ix()];
                facts.reads[i].add(reads);
            }
            facts.own_reads(hir, h);
            facts.fixed[i] = facts.find_fixed(hir, h);
            facts.single[i] = facts.find_single(hir, h);
            facts.range[i] = facts.find_range(hir, h);
            facts.fraction[i] = facts.find_fraction(hir, h);
        }
        facts.outputs(hir);
        facts.stops(hir);
        facts
    }

    pub fn value(&self, v: VersionId) -> Option<HId> {
        self.value_of.get(v.ix()).copied().flatten()
    }
    pub fn reads(&self, h: HId) -> Reads {
        self.reads[h.ix()]
    }
    pub fn fixed(&self, h: HId) -> Option<Fixed> {
        self.fixed[h.ix()]
    }
    pub fn number(&self, h: HId) -> Option<f64> {
        match self.fixed[h.ix()] {
            Some(Fixed::Number(n)) => Some(n),
            _ => None,
        }
    }
    pub fn range(&self, h: HId) -> (f64, f64) {
        self.range[h.ix()]
    }
    pub fn fraction(&self, h: HId) -> Option<HId> {
        self.fraction[h.ix()]
    }
    pub fn single(&self, h: HId) -> bool {
        self.single[h.ix()]
    }
    pub fn parent(&self, h: HId) -> Option<HId> {
        self.parent[h.ix()]
    }
    /// The expressions of a subtree.
    pub fn subtree(&self, h: HId) -> impl Iterator<Item = HId> + use<> {
        (self.first[h.ix()]..=h.0).map(HId)
    }

    /// Conditions that decide whether an expression is evaluated: (condition, the value it has then).
    pub fn guards(&self, hir: &Hir, h: HId) -> Vec<(HId, bool)> {
        let mut out = Vec::new();
        let mut child = h;
        while let Some(p) = self.parent[child.ix()] {
            match hir.expr(p).kind {
                HKind::Ternary(c, a, _) if c != child => out.push((c, a == child)),
                HKind::Logic(op, l, r) if r == child => out.push((l, op == BinOp::And)),
                _ => {}
            }
            child = p;
        }
        out
    }

    /// Whether two expressions are written the same way and mean the same.
    pub fn same(&self, hir: &Hir, a: HId, b: HId) -> bool {
        let (fa, fb) = (self.first[a.ix()], self.first[b.ix()]);
        a.0 - fa == b.0 - fb
            && !self.reads[a.ix()].random
            && (0..=a.0 - fa).all(|i| alike(hir, HId(fa + i), HId(fb + i), fa, fb))
    }

    fn own_reads(&mut self, hir: &Hir, h: HId) {
        let mut own = Reads::default();
        match hir.expr(h).kind {
            HKind::Var(v) => {
                self.uses[v.ix()] += 1;
                if let Some(value) = self.value(v) {
                    own = self.reads[value.ix()];
                    own.stops = false;
                }
            }
            HKind::Latest(m) => own.latest = only(m),
            HKind::CurrentTarget(_) => own.current = true,
            HKind::Stop => own.stops = true,
            HKind::Call(..) => match (method(hir, h), call(hir, h)) {
                (Some((m, "GetSample", args)), _) => match args.first() {
                    Some(a) if matches!(hir.expr(*a).ty, Ty::Time | Ty::Interval) => own.window = only(m),
                    Some(a) if self.number(*a) == Some(1.0) => own.newest = only(m),
                    _ => own.several = only(m),
                },
                (Some((m, ..)), _) => own.history = only(m),
                (None, Some(("time", args))) => {
                    own.clock = args.is_empty();
                    own.date = !args.is_empty();
                }
                (None, Some(("rand", _))) => own.random = true,
                _ => {}
            },
            _ => {}
        }
        self.reads[h.ix()].add(own);
    }

    fn find_fixed(&self, hir: &Hir, h: HId) -> Option<Fixed> {
        let of = |h: HId| self.fixed[h.ix()];
        Some(match hir.expr(h).kind {
            HKind::Double(n) => Fixed::Number(n),
            HKind::Interval(i) => Fixed::Ticks(i.0),
            HKind::Var(v) => of(self.value(v)?)?,
            HKind::Single(x) | HKind::ToVec(x) => of(x)?,
            HKind::Unary(UnOp::Neg, x) => match of(x)? {
                Fixed::Number(n) => Fixed::Number(-n),
                Fixed::Ticks(t) => Fixed::Ticks(t.checked_neg()?),
            },
            HKind::Binary(op, a, b) => arithmetic(op, of(a)?, of(b)?)?,
            HKind::Call(..) => match call(hir, h)? {
                (name, []) => Fixed::Ticks(constant(name)?),
                ("max", args) => fold(args.iter().map(|a| self.number(*a)), f64::max)?,
                ("min", args) => fold(args.iter().map(|a| self.number(*a)), f64::min)?,
                ("ceil", [x]) => Fixed::Number(self.number(*x)?.ceil()),
                ("floor", [x]) => Fixed::Number(self.number(*x)?.floor()),
                ("round", [x]) => Fixed::Number(self.number(*x)?.round()),
                _ => return None,
            },
            _ => return None,
        })
    }

    fn find_single(&self, hir: &Hir, h: HId) -> bool {
        let of = |h: HId| self.single[h.ix()];
        match hir.expr(h).kind {
            HKind::Var(v) => self.value(v).is_some_and(of),
            HKind::ToVec(_) => true,
            HKind::Unary(_, x) => of(x),
            HKind::Binary(_, a, b) => of(a) || of(b),
            HKind::Ternary(_, a, b) => of(a) && of(b),
            HKind::Call(..) => match (method(hir, h), call(hir, h)) {
                (Some((_, "GetSample", [n])), _) => self.number(*n) == Some(1.0),
                (None, Some(("ceil" | "floor" | "round" | "ln" | "lg" | "log", [x]))) => of(*x),
                _ => false,
            },
            _ => false,
        }
    }

    fn find_range(&self, hir: &Hir, h: HId) -> (f64, f64) {
        const ANY: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);
        const COUNT: (f64, f64) = (0.0, f64::INFINITY);
        let of = |h: HId| self.range[h.ix()];
        match hir.expr(h).kind {
            HKind::Double(n) => (n, n),
            HKind::Var(v) => self.value(v).map_or(ANY, of),
            HKind::Single(x) | HKind::ToVec(x) => of(x),
            HKind::CurrentTarget(_) => COUNT,
            HKind::Latest(Metric::TaskSlotsPerNode) => (1.0, f64::INFINITY),
            HKind::Latest(_) => COUNT,
            HKind::Logic(..) | HKind::Unary(UnOp::Not, _) => (0.0, 1.0),
            HKind::Unary(UnOp::Neg, x) => (-of(x).1, -of(x).0),
            HKind::Ternary(c, a, b) => {
                let (a, b) = (self.narrowed(hir, c, true, a), self.narrowed(hir, c, false, b));
                (a.0.min(b.0), a.1.max(b.1))
            }
            HKind::Binary(op, a, b) => {
                let (a, b) = (of(a), of(b));
                match op {
                    BinOp::Add => (a.0 + b.0, a.1 + b.1),
                    BinOp::Sub => (a.0 - b.1, a.1 - b.0),
                    BinOp::Mul if a.0 >= 0.0 && b.0 >= 0.0 => (a.0 * b.0, or_infinite(a.1 * b.1)),
                    BinOp::Div if a.0 >= 0.0 && b.0 > 0.0 => (or_zero(a.0 / b.1), or_infinite(a.1 / b.0)),
                    BinOp::Mul | BinOp::Div => ANY,
                    _ => (0.0, 1.0),
                }
            }
            HKind::Call(..) => self.call_range(hir, h),
            _ => ANY,
        }
    }

    fn call_range(&self, hir: &Hir, h: HId) -> (f64, f64) {
        const ANY: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);
        let of = |h: &HId| self.range[h.ix()];
        if let Some((m, name, _)) = method(hir, h) {
            return match name {
                "GetSamplePercent" => (0.0, 100.0),
                "GetSample" if m == Metric::TaskSlotsPerNode => (1.0, f64::INFINITY),
                "GetSample" | "Count" => (0.0, f64::INFINITY),
                _ => ANY,
            };
        }
        // An empty vector vanishes from an argument list, so only plain numbers bound `max` from below and `min` from above.
        let plain = |a: &&HId| hir.expr(**a).ty == Ty::Double;
        match call(hir, h) {
            Some(("max", args)) => (
                args.iter().filter(plain).map(|a| of(a).0).fold(f64::NEG_INFINITY, f64::max),
                args.iter().map(|a| of(a).1).fold(f64::NEG_INFINITY, f64::max),
            ),
            Some(("min", args)) => (
                args.iter().map(|a| of(a).0).fold(f64::INFINITY, f64::min),
                args.iter().filter(plain).map(|a| of(a).1).fold(f64::INFINITY, f64::min),
            ),
            Some(("avg" | "percentile" | "val", [v, ..])) => of(v),
            Some(("sum" | "norm", args)) if args.iter().all(|a| of(a).0 >= 0.0) => {
                (args.iter().filter(plain).map(|a| of(a).0).fold(0.0, f64::max), f64::INFINITY)
            }
            Some(("std" | "range" | "len", _)) => (0.0, f64::INFINITY),
            Some(("rand", _)) => (0.0, 1.0),
            Some(("ceil", [x])) => (of(x).0.ceil(), of(x).1.ceil()),
            Some(("floor", [x])) => (of(x).0.floor(), of(x).1.floor()),
            Some(("round", [x])) => (of(x).0.round(), of(x).1.round()),
            Some(("hour", _)) => (0.0, 23.0),
            Some(("minute" | "second", _)) => (0.0, 59.0),
            Some(("weekday", _)) => (0.0, 7.0),
            Some(("month", _)) => (1.0, 12.0),
            Some(("day", _)) => (1.0, 31.0),
            Some(("year", _)) => (1.0, 9999.0),
            _ => ANY,
        }
    }

    /// The range of an arm, given that its condition compared the same expression with a number.
    fn narrowed(&self, hir: &Hir, cond: HId, then: bool, arm: HId) -> (f64, f64) {
        let (mut lo, mut hi) = self.range[arm.ix()];
        let HKind::Binary(op, a, b) = hir.expr(cond).kind else {
            // `n ? n : 1`
            if then && self.same(hir, cond, arm) && lo >= 0.0 {
                lo = lo.max(f64::MIN_POSITIVE);
            }
            return (lo, hi);
        };
        let (op, n) = if self.same(hir, a, arm) {
            (op, self.number(b))
        } else if self.same(hir, b, arm) {
            (flip(op), self.number(a))
        } else {
            return (lo, hi);
        };
        let Some(n) = n else { return (lo, hi) };
        match (op, then) {
            (BinOp::Gt, true) | (BinOp::Le, false) => lo = lo.max(n.next_up()),
            (BinOp::Ge, true) | (BinOp::Lt, false) => lo = lo.max(n),
            (BinOp::Lt, true) | (BinOp::Ge, false) => hi = hi.min(n.next_down()),
            (BinOp::Le, true) | (BinOp::Gt, false) => hi = hi.min(n),
            (BinOp::Ne, true) | (BinOp::Eq, false) if n == 0.0 && lo >= 0.0 => lo = lo.max(f64::MIN_POSITIVE),
            _ => {}
        }
        (lo, hi)
    }

    fn find_fraction(&self, hir: &Hir, h: HId) -> Option<HId> {
        if let Some(n) = self.number(h) {
            return (n.is_finite() && n.fract() != 0.0).then_some(h);
        }
        let of = |h: HId| self.fraction[h.ix()];
        match hir.expr(h).kind {
            HKind::Var(v) => of(self.value(v)?),
            HKind::Single(x) | HKind::ToVec(x) | HKind::Unary(UnOp::Neg, x) => of(x),
            HKind::Ternary(_, a, b) => of(a).or(of(b)),
            HKind::Latest(m) => (m.row().kind == Kind::Resource).then_some(h),
            HKind::Binary(BinOp::Add | BinOp::Sub, a, b) => {
                // `x + 0.5` is rounding by hand: what follows is meant to be cut.
                let part = |x: HId| self.number(x).is_some_and(|n| n > 0.0 && n < 1.0);
                if part(a) || part(b) { None } else { of(a).or(of(b)) }
            }
            HKind::Binary(BinOp::Mul, a, b) => {
                let scale = |x: HId| self.number(x).is_some_and(|n| n.fract() != 0.0);
                if scale(a) || scale(b) { Some(h) } else { of(a).or(of(b)) }
            }
            HKind::Binary(BinOp::Div, a, b) => {
                // `(n + 3) / 4` rounds up by hand.
                let ceiling = match (hir.expr(a).kind, self.number(b)) {
                    (HKind::Binary(BinOp::Add, x, y), Some(d)) => {
                        [x, y].iter().any(|p| self.number(*p).is_some_and(|n| n > 0.0 && n >= d - 1.0 && n < d))
                    }
                    _ => false,
                };
                if ceiling || self.number(b) == Some(1.0) { None } else { Some(h) }
            }
            HKind::Call(..) => match (method(hir, h), call(hir, h)?) {
                (Some((m, "GetSample", _)), _) => (m.row().kind == Kind::Resource).then_some(h),
                (Some((_, "GetSamplePercent", _)), _) => Some(h),
                (Some(_), _) => None,
                (None, ("avg", [one])) if self.single(*one) => of(*one),
                (None, ("avg" | "std" | "norm" | "lg" | "ln" | "log" | "rand", _)) => Some(h),
                (None, ("max" | "min" | "sum" | "range", args)) => args.iter().find_map(|a| of(*a)),
                (None, ("val" | "percentile", [v, ..])) => of(*v),
                _ => None,
            },
            _ => None,
        }
    }

    fn outputs(&mut self, hir: &Hir) {
        let slots = [Output::Dedicated, Output::LowPriority, Output::DedicatedAlias, Output::LowPriorityAlias];
        let last = |o: Output| hir.versions.iter().rposition(|v| v.output == Some(o)).map(|i| VersionId(i as u32));
        self.last_targets = slots.into_iter().filter_map(last).collect();
        self.last_option = last(Output::Option);
    }

    /// `few ? stop() : 0;` protects everything after it.
    fn stops(&mut self, hir: &Hir) {
        let mut known: Metrics = 0;
        for stmt in &hir.stmts {
            self.stopped_without.push(known);
            for h in (stmt.first..=stmt.value.0).map(HId) {
                if matches!(hir.expr(h).kind, HKind::Stop) {
                    for (cond, _) in self.guards(hir, h) {
                        known |= self.reads[cond.ix()].history;
                    }
                }
            }
        }
    }
}

/// Operands of an expression, in order.
fn operands(hir: &Hir, h: HId, out: &mut Vec<HId>) {
    match hir.expr(h).kind {
        HKind::Binary(_, a, b) | HKind::Logic(_, a, b) => out.extend([a, b]),
        HKind::Unary(_, a) | HKind::Single(a) | HKind::ToVec(a) => out.push(a),
        HKind::Ternary(a, b, c) => out.extend([a, b, c]),
        HKind::Call(_, args) => out.extend_from_slice(hir.args(args)),
        _ => {}
    }
}

/// Two expressions of the same kind whose operands stand at the same distance from the start of their subtrees.
fn alike(hir: &Hir, a: HId, b: HId, fa: u32, fb: u32) -> bool {
    use HKind as K;
    let at = |x: HId, y: HId| x.0.wrapping_sub(fa) == y.0.wrapping_sub(fb);
    let list = |x: HArgs, y: HArgs| {
        let (x, y) = (hir.args(x), hir.args(y));
        x.len() == y.len() && x.iter().zip(y).all(|(x, y)| at(*x, *y))
    };
    match (hir.expr(a).kind, hir.expr(b).kind) {
        (K::Binary(o, x, y), K::Binary(p, u, v)) | (K::Logic(o, x, y), K::Logic(p, u, v)) => {
            o == p && at(x, u) && at(y, v)
        }
        (K::Unary(o, x), K::Unary(p, u)) => o == p && at(x, u),
        (K::Single(x), K::Single(u)) | (K::ToVec(x), K::ToVec(u)) => at(x, u),
        (K::Ternary(x, y, z), K::Ternary(u, v, w)) => at(x, u) && at(y, v) && at(z, w),
        (K::Call(o, x), K::Call(p, u)) => o == p && list(x, u),
        (K::Poison(_), _) => false,
        (x, y) => x == y,
    }
}

/// The comparison with its sides exchanged.
pub(super) fn flip(op: BinOp) -> BinOp {
    match op {
        BinOp::Lt => BinOp::Gt,
        BinOp::Le => BinOp::Ge,
        BinOp::Gt => BinOp::Lt,
        BinOp::Ge => BinOp::Le,
        op => op,
    }
}

/// Ticks of a `TimeInterval_…` constant; the year as our rule has it.
fn constant(name: &str) -> Option<i64> {
    Some(match name {
        "TimeInterval_Zero" => 0,
        "TimeInterval_100ns" => 1,
        "TimeInterval_Microsecond" => 10,
        "TimeInterval_Millisecond" => 10_000,
        "TimeInterval_Second" => Interval::SECOND.0,
        "TimeInterval_Minute" => Interval::MINUTE.0,
        "TimeInterval_Hour" => Interval::HOUR.0,
        "TimeInterval_Day" => Interval::DAY.0,
        "TimeInterval_Week" => Interval::WEEK.0,
        "TimeInterval_Year" => Interval::WEEK.0 * 52,
        _ => return None,
    })
}

fn or_infinite(n: f64) -> f64 {
    if n.is_nan() { f64::INFINITY } else { n }
}
fn or_zero(n: f64) -> f64 {
    if n.is_nan() { 0.0 } else { n }
}

fn fold(numbers: impl Iterator<Item = Option<f64>>, f: fn(f64, f64) -> f64) -> Option<Fixed> {
    let mut all = numbers;
    let mut acc = all.next()??;
    for n in all {
        acc = f(acc, n?);
    }
    Some(Fixed::Number(acc))
}

fn arithmetic(op: BinOp, a: Fixed, b: Fixed) -> Option<Fixed> {
    use Fixed::{Number, Ticks};
    let ticks = |t: f64| (t.is_finite() && t.abs() < 9e18).then_some(Ticks(t as i64));
    match (op, a, b) {
        (BinOp::Add, Number(a), Number(b)) => Some(Number(a + b)),
        (BinOp::Sub, Number(a), Number(b)) => Some(Number(a - b)),
        (BinOp::Mul, Number(a), Number(b)) => Some(Number(a * b)),
        (BinOp::Div, Number(a), Number(b)) => Some(Number(a / b)),
        (BinOp::Add, Ticks(a), Ticks(b)) => a.checked_add(b).map(Ticks),
        (BinOp::Sub, Ticks(a), Ticks(b)) => a.checked_sub(b).map(Ticks),
        (BinOp::Mul, Ticks(a), Number(b)) | (BinOp::Mul, Number(b), Ticks(a)) => ticks(a as f64 * b),
        (BinOp::Div, Ticks(a), Number(b)) => ticks(a as f64 / b),
        _ => None,
    }
}

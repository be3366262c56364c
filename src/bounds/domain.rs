//! Abstract values: what a value of a program can be, over every admissible input.
//!
//! In: numbers. Out: intervals with what else is known of them. Never: an instruction, a metric, a rule.
//!
//! An interval's ends belong to it. Operations that round to nearest are monotone, so computing the ends in the same
//! arithmetic as the engine gives ends the engine can reach and cannot leave; where the engine's result is not monotone
//! (logarithms, sums in another order) ends move outward.

/// A double.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Num {
    /// Smallest value; above `hi` when there is none but NaN.
    pub lo: f64,
    /// Largest value; infinite only when the value can be.
    pub hi: f64,
    /// NaN is possible.
    pub nan: bool,
    /// Every finite value is whole.
    pub int: bool,
    /// Minus zero is possible; matters to division only.
    pub neg_zero: bool,
}

/// A duration or instant, in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Smallest.
    pub lo: i64,
    /// Largest.
    pub hi: i64,
}

/// What a value can be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Abs {
    /// Not computed on this path.
    Unset,
    /// A double.
    Num(Num),
    /// A vector: what its elements can be, and how many there are.
    Vec(Num, Count),
    /// An instant, and its distance from now where that is known.
    Time(Span, Option<Span>),
    /// A duration.
    Interval(Span),
    /// Deallocation options, as a set of bits.
    Option(u8),
    /// A value that is not computed with: text, a metric.
    Other,
}

/// How many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// At least.
    pub lo: u32,
    /// At most.
    pub hi: u32,
}

impl Count {
    /// Exactly.
    pub fn of(n: u32) -> Count {
        Count { lo: n, hi: n }
    }
    /// Either.
    pub fn join(self, o: Count) -> Count {
        Count { lo: self.lo.min(o.lo), hi: self.hi.max(o.hi) }
    }
    /// Both; none when they exclude each other.
    pub fn meet(self, o: Count) -> Option<Count> {
        let c = Count { lo: self.lo.max(o.lo), hi: self.hi.min(o.hi) };
        (c.lo <= c.hi).then_some(c)
    }
    /// Together.
    pub fn plus(self, o: Count) -> Count {
        Count { lo: self.lo.saturating_add(o.lo), hi: self.hi.saturating_add(o.hi) }
    }
    /// As a number.
    pub fn num(self) -> Num {
        Num::whole(f64::from(self.lo), f64::from(self.hi))
    }
}

impl Span {
    /// Everything.
    pub const ALL: Span = Span { lo: i64::MIN, hi: i64::MAX };
    /// Exactly.
    pub fn of(t: i64) -> Span {
        Span { lo: t, hi: t }
    }
    /// Either.
    pub fn join(self, o: Span) -> Span {
        Span { lo: self.lo.min(o.lo), hi: self.hi.max(o.hi) }
    }
    /// Both.
    pub fn meet(self, o: Span) -> Option<Span> {
        let s = Span { lo: self.lo.max(o.lo), hi: self.hi.min(o.hi) };
        (s.lo <= s.hi).then_some(s)
    }
    /// From wider arithmetic: the part within range, none when there is no such part, and whether some is beyond.
    pub fn clamp(lo: i128, hi: i128) -> (Option<Span>, bool) {
        let (min, max) = (i128::from(i64::MIN), i128::from(i64::MAX));
        let beyond = lo < min || hi > max;
        let (lo, hi) = (lo.max(min), hi.min(max));
        ((lo <= hi).then_some(Span { lo: lo as i64, hi: hi as i64 }), beyond)
    }
    /// Sum.
    pub fn plus(self, o: Span) -> (Option<Span>, bool) {
        Span::clamp(i128::from(self.lo) + i128::from(o.lo), i128::from(self.hi) + i128::from(o.hi))
    }
    /// Difference.
    pub fn minus(self, o: Span) -> (Option<Span>, bool) {
        Span::clamp(i128::from(self.lo) - i128::from(o.hi), i128::from(self.hi) - i128::from(o.lo))
    }
    /// Opposite.
    pub fn negated(self) -> (Option<Span>, bool) {
        Span::clamp(-i128::from(self.hi), -i128::from(self.lo))
    }
}

/// Largest magnitude up to which doubles count exactly.
const EXACT: f64 = 9_007_199_254_740_992.0;
/// Longest vector whose sum is bounded by adding up, as the engine does.
const ADD_UP: u32 = 64;

impl Num {
    /// Anything.
    pub const ANY: Num = Num { lo: f64::NEG_INFINITY, hi: f64::INFINITY, nan: true, int: false, neg_zero: true };
    /// NaN alone.
    pub const NAN: Num = Num { lo: f64::INFINITY, hi: f64::NEG_INFINITY, nan: true, int: true, neg_zero: false };
    /// Nothing: this cannot be reached.
    pub const NONE: Num = Num { nan: false, ..Num::NAN };
    /// A comparison's result.
    pub const BOOL: Num = Num { lo: 0.0, hi: 1.0, nan: false, int: true, neg_zero: false };

    /// Exactly.
    pub fn of(x: f64) -> Num {
        if x.is_nan() {
            return Num::NAN;
        }
        Num {
            lo: x,
            hi: x,
            nan: false,
            int: x.fract() == 0.0 || x.is_infinite(),
            neg_zero: x == 0.0 && x.is_sign_negative(),
        }
    }
    /// Between.
    pub fn range(lo: f64, hi: f64) -> Num {
        Num { lo, hi, nan: false, int: false, neg_zero: false }
    }
    /// Whole numbers between.
    pub fn whole(lo: f64, hi: f64) -> Num {
        Num { int: true, ..Num::range(lo, hi) }
    }
    /// A truth value.
    pub fn truth(known: Option<bool>) -> Num {
        known.map_or(Num::BOOL, |b| Num::of(if b { 1.0 } else { 0.0 }))
    }
    /// Also NaN, when so.
    pub fn or_nan(mut self, nan: bool) -> Num {
        self.nan |= nan;
        self
    }

    /// Whether there is no value but perhaps NaN.
    pub fn empty(&self) -> bool {
        // No end is ever NaN; written so that one would count as nothing.
        !matches!(self.lo.partial_cmp(&self.hi), Some(std::cmp::Ordering::Less | std::cmp::Ordering::Equal))
    }
    /// Whether no value is possible at all.
    pub fn none(&self) -> bool {
        self.empty() && !self.nan
    }
    /// The only value.
    pub fn exact(&self) -> Option<f64> {
        (!self.nan && self.lo == self.hi).then_some(self.lo)
    }
    /// Whether zero is possible.
    pub fn zero(&self) -> bool {
        self.lo <= 0.0 && self.hi >= 0.0
    }
    /// Whether an infinity is possible.
    pub fn infinite(&self) -> bool {
        !self.empty() && (self.lo == f64::NEG_INFINITY || self.hi == f64::INFINITY)
    }
    /// Whether a value holds.
    pub fn contains(&self, x: f64) -> bool {
        if x.is_nan() {
            self.nan
        } else {
            self.lo <= x && x <= self.hi && (!self.int || x.is_infinite() || x.fract() == 0.0)
        }
    }
    fn negative(&self) -> bool {
        !self.empty() && (self.lo < 0.0 || self.neg_zero)
    }
    /// Largest magnitude.
    fn size(&self) -> f64 {
        if self.empty() { 0.0 } else { self.lo.abs().max(self.hi.abs()) }
    }

    /// Either.
    pub fn join(self, o: Num) -> Num {
        let nan = self.nan || o.nan;
        match (self.empty(), o.empty()) {
            (true, _) => Num { nan, ..o },
            (_, true) => Num { nan, ..self },
            _ => Num {
                lo: self.lo.min(o.lo),
                hi: self.hi.max(o.hi),
                nan,
                int: self.int && o.int,
                neg_zero: self.neg_zero || o.neg_zero,
            },
        }
    }
    /// Both.
    pub fn meet(self, o: Num) -> Num {
        let n = Num {
            lo: self.lo.max(o.lo),
            hi: self.hi.min(o.hi),
            nan: self.nan && o.nan,
            int: self.int || o.int,
            neg_zero: self.neg_zero && o.neg_zero,
        };
        n.tidy()
    }
    /// Whole ends where values are whole, and one form of nothing.
    pub fn tidy(mut self) -> Num {
        if self.int && !self.empty() {
            // `+ 0.0` turns a minus zero the rounding made into zero.
            self.lo = self.lo.ceil() + 0.0;
            self.hi = self.hi.floor() + 0.0;
        }
        if self.empty() {
            return if self.nan { Num::NAN } else { Num::NONE };
        }
        self.neg_zero &= self.zero();
        self
    }
    /// At least this.
    pub fn at_least(self, lo: f64) -> Num {
        Num { lo: self.lo.max(lo), ..self }.tidy()
    }
    /// At most this.
    pub fn at_most(self, hi: f64) -> Num {
        Num { hi: self.hi.min(hi), ..self }.tidy()
    }
    /// More than this.
    pub fn above(self, lo: f64) -> Num {
        self.at_least(if self.int && lo.abs() < EXACT { lo.floor() + 1.0 } else { lo.next_up() })
    }
    /// Less than this.
    pub fn below(self, hi: f64) -> Num {
        self.at_most(if self.int && hi.abs() < EXACT { hi.ceil() - 1.0 } else { hi.next_down() })
    }
    /// Ends moved outward by a fraction of the largest magnitude.
    fn widened(self, by: f64) -> Num {
        if self.empty() || by == 0.0 {
            return self;
        }
        let slack = self.size() * by + f64::MIN_POSITIVE;
        Num { lo: or(self.lo - slack, f64::NEG_INFINITY), hi: or(self.hi + slack, f64::INFINITY), int: false, ..self }
    }

    /// Sum.
    pub fn plus(self, o: Num) -> Num {
        let nan = self.nan || o.nan || self.clash(o);
        if self.empty() || o.empty() {
            return Num::NONE.or_nan(nan);
        }
        Num {
            lo: or(self.lo + o.lo, f64::NEG_INFINITY),
            hi: or(self.hi + o.hi, f64::INFINITY),
            nan,
            int: self.int && o.int,
            neg_zero: self.neg_zero && o.neg_zero,
        }
    }
    /// Whether infinities of opposite signs can meet.
    fn clash(self, o: Num) -> bool {
        !self.empty()
            && !o.empty()
            && ((self.hi == f64::INFINITY && o.lo == f64::NEG_INFINITY)
                || (self.lo == f64::NEG_INFINITY && o.hi == f64::INFINITY))
    }
    /// Opposite.
    pub fn negated(self) -> Num {
        if self.empty() {
            return self;
        }
        Num { lo: 0.0 - self.hi, hi: 0.0 - self.lo, neg_zero: self.zero(), ..self }
    }
    /// Difference.
    pub fn minus(self, o: Num) -> Num {
        let mut n = self.plus(o.negated());
        n.neg_zero = self.neg_zero && o.zero();
        n
    }
    /// Product.
    pub fn times(self, o: Num) -> Num {
        let mut nan = self.nan || o.nan;
        if self.empty() || o.empty() {
            return Num::NONE.or_nan(nan);
        }
        nan |= (self.zero() && o.infinite()) || (o.zero() && self.infinite());
        let mut n = Num { int: self.int && o.int, ..Num::NONE.or_nan(nan) };
        for (a, b) in corners(self, o) {
            let x = or(a * b, 0.0);
            n.lo = n.lo.min(x);
            n.hi = n.hi.max(x);
        }
        n.neg_zero = n.zero() && (self.negative() || o.negative());
        n
    }
    /// Quotient.
    pub fn over(self, o: Num) -> Num {
        let mut nan = self.nan || o.nan;
        if self.empty() || o.empty() {
            return Num::NONE.or_nan(nan);
        }
        nan |= self.infinite() && o.infinite();
        nan |= self.zero() && o.zero();
        let mut n = Num { int: o.exact() == Some(1.0) && self.int, ..Num::NONE };
        let mut add = |x: f64| {
            if !x.is_nan() {
                n.lo = n.lo.min(x);
                n.hi = n.hi.max(x);
            }
        };
        let least = if o.int { 1.0 } else { f64::from_bits(1) };
        for part in [o.at_most(-least), o.at_least(least)] {
            if !part.empty() {
                corners(self, part).for_each(|(a, b)| add(a / b));
            }
        }
        if o.zero() {
            let (up, down) = (self.hi > 0.0, self.lo < 0.0);
            // Plus zero is always assumed possible where zero is.
            if up {
                add(f64::INFINITY);
            }
            if down {
                add(f64::NEG_INFINITY);
            }
            if o.neg_zero && up {
                add(f64::NEG_INFINITY);
            }
            if o.neg_zero && down {
                add(f64::INFINITY);
            }
        }
        n.neg_zero = n.zero() && (self.negative() || o.negative());
        n.or_nan(nan)
    }
    /// The running minimum: `x < acc ? x : acc`.
    pub fn min2(self, x: Num) -> Num {
        self.pick(x, f64::min)
    }
    /// The running maximum.
    pub fn max2(self, x: Num) -> Num {
        self.pick(x, f64::max)
    }
    fn pick(self, x: Num, f: fn(f64, f64) -> f64) -> Num {
        if x.empty() || self.empty() {
            return self;
        }
        let both = Num {
            lo: f(self.lo, x.lo),
            hi: f(self.hi, x.hi),
            nan: self.nan,
            int: self.int && x.int,
            neg_zero: self.neg_zero || x.neg_zero,
        };
        // A NaN is passed over.
        let n = if x.nan { both.join(self) } else { both };
        n.tidy()
    }
    /// A monotone function whose results are whole.
    pub fn rounded(self, f: impl Fn(f64) -> f64) -> Num {
        if self.empty() {
            return self;
        }
        let (lo, hi) = (f(self.lo) + 0.0, f(self.hi) + 0.0);
        let neg_zero = lo <= 0.0 && hi >= 0.0 && self.negative();
        Num { lo, hi, nan: self.nan, int: true, neg_zero }
    }
    /// A logarithm: NaN below zero, minus infinity at zero.
    pub fn log(self, f: impl Fn(f64) -> f64) -> Num {
        let part = self.at_least(0.0);
        let nan = self.nan || (!self.empty() && self.lo < 0.0);
        if part.empty() {
            return Num::NONE.or_nan(nan);
        }
        if part.lo == part.hi {
            return Num { neg_zero: false, ..Num::of(f(part.lo)) }.or_nan(nan);
        }
        // The library's logarithms are good to one place but not proved monotone.
        let (lo, hi) = (f(part.lo), f(part.hi));
        let lo = if lo == 0.0 { lo } else { lo.next_down() };
        Num { lo, hi: if hi.is_finite() { hi.next_up() } else { hi }, nan, int: false, neg_zero: true }.tidy()
    }

    // ---- comparisons ----

    /// `<`, when decided.
    pub fn lt(self, o: Num) -> Option<bool> {
        if self.empty() || o.empty() || self.lo >= o.hi {
            Some(false)
        } else if self.hi < o.lo && !self.nan && !o.nan {
            Some(true)
        } else {
            None
        }
    }
    /// `<=`.
    pub fn le(self, o: Num) -> Option<bool> {
        if self.empty() || o.empty() || self.lo > o.hi {
            Some(false)
        } else if self.hi <= o.lo && !self.nan && !o.nan {
            Some(true)
        } else {
            None
        }
    }
    /// `==`.
    pub fn eq(self, o: Num) -> Option<bool> {
        if self.meet(o).empty() {
            Some(false)
        } else if let (Some(a), Some(b)) = (self.exact(), o.exact()) {
            Some(a == b)
        } else {
            None
        }
    }
    /// Whether a condition holds, NaN counting as `nan`.
    pub fn holds(self, nan: bool) -> Option<bool> {
        let can = !self.empty() && (self.lo != 0.0 || self.hi != 0.0);
        let (mut yes, mut no) = (can, self.zero() && !self.empty());
        yes |= self.nan && nan;
        no |= self.nan && !nan;
        match (yes, no) {
            (true, false) => Some(true),
            (false, true) => Some(false),
            _ => None,
        }
    }

    // ---- vectors ----

    /// `acc`, then this many such elements, added in order.
    pub fn add_all(self, acc: Num, n: Count) -> Num {
        if n.hi == 0 || self.none() {
            return acc;
        }
        let nan = acc.nan || self.nan || acc.clash(self) || self.clash(self);
        if self.empty() || acc.empty() {
            return (if n.lo == 0 { acc } else { Num::NONE }).or_nan(nan);
        }
        let many = |x: f64, n: u32, from: f64| {
            if n <= ADD_UP { (0..n).fold(from, |s, _| s + x) } else { from + x * f64::from(n) }
        };
        let lo = many(self.lo, if self.lo < 0.0 { n.hi } else { n.lo }, acc.lo);
        let hi = many(self.hi, if self.hi > 0.0 { n.hi } else { n.lo }, acc.hi);
        let sum = Num {
            lo: or(lo, f64::NEG_INFINITY),
            hi: or(hi, f64::INFINITY),
            nan,
            int: self.int && acc.int,
            neg_zero: acc.neg_zero,
        };
        let exact = sum.int && sum.size() < EXACT;
        if exact || n.hi <= ADD_UP {
            sum
        } else {
            Num { int: sum.int, ..sum.widened(f64::from(n.hi) * 4.0 * f64::EPSILON) }.tidy()
        }
    }
    /// The mean of so many such elements; their hull, moved outward where sums round.
    pub fn mean(self, n: Count) -> Num {
        let nan = n.lo == 0 || self.nan || self.clash(self);
        if n.hi == 0 {
            return Num::NAN;
        }
        if n.hi == 1 {
            return Num { neg_zero: false, ..self }.or_nan(nan);
        }
        let exact = self.int && self.size() * f64::from(n.hi) < EXACT;
        if !exact && n.hi <= ADD_UP && !self.empty() {
            // Added up as the engine does, for every count: the ends are exact.
            let (mut mean, mut lo, mut hi) = (Num { neg_zero: false, int: false, ..Num::NONE }, 0.0, 0.0);
            for k in 1..=n.hi {
                lo += self.lo;
                hi += self.hi;
                if k >= n.lo {
                    mean.lo = mean.lo.min(or(lo / f64::from(k), f64::NEG_INFINITY));
                    mean.hi = mean.hi.max(or(hi / f64::from(k), f64::INFINITY));
                }
            }
            return mean.or_nan(nan);
        }
        let mean = if exact { self } else { self.widened(f64::from(n.hi) * 4.0 * f64::EPSILON) };
        Num { int: self.int && mean.lo == mean.hi, neg_zero: false, ..mean }.or_nan(nan)
    }
    /// The square, which is never negative.
    pub fn squared(self) -> Num {
        if self.empty() {
            return self;
        }
        let least = if self.zero() { 0.0 } else { self.lo.abs().min(self.hi.abs()) };
        Num { lo: least * least, hi: self.size() * self.size(), nan: self.nan, int: self.int, neg_zero: false }
    }
    /// The square root of something not negative.
    pub fn root(self) -> Num {
        if self.empty() {
            return self;
        }
        let (lo, hi) = (self.lo.max(0.0).sqrt(), self.hi.max(0.0).sqrt());
        Num { lo, hi, nan: self.nan, int: lo == hi && lo.fract() == 0.0, neg_zero: false }
    }
    /// Largest less smallest.
    pub fn spread(self, n: Count) -> Num {
        let nan = n.lo == 0 || self.nan || self.infinite();
        match n.hi {
            0 => Num::NAN,
            1 => Num::of(0.0).or_nan(nan),
            _ if self.empty() => Num::NAN,
            _ => Num { int: self.int, ..Num::range(0.0, or(self.hi - self.lo, f64::INFINITY)) }.or_nan(nan),
        }
    }
    /// The sample standard deviation: largest when half of the elements are at each end.
    pub fn deviation(self, n: Count) -> Num {
        if n.hi < 2 || self.empty() {
            return Num::NAN;
        }
        let nan = n.lo < 2 || self.nan || self.infinite();
        let width = self.hi - self.lo;
        if width == 0.0 && self.int && self.size() * f64::from(n.hi) < EXACT {
            return Num::of(0.0).or_nan(nan);
        }
        let share = |n: u32| {
            let (n, k) = (f64::from(n), f64::from(n / 2));
            (k * (n - k) / (n * (n - 1.0))).sqrt()
        };
        let first = n.lo.max(2);
        let most = share(first).max(share((first + 1).min(n.hi)));
        // Means and squares round; the size of the elements, not of their spread, sets by how much.
        let slack = 1e-9 * width + self.size() * f64::from(n.hi) * 8.0 * f64::EPSILON;
        Num::range(0.0, or(width * most + slack, f64::INFINITY)).or_nan(nan)
    }
}

fn or(x: f64, otherwise: f64) -> f64 {
    if x.is_nan() { otherwise } else { x }
}

fn corners(a: Num, b: Num) -> impl Iterator<Item = (f64, f64)> {
    [(a.lo, b.lo), (a.lo, b.hi), (a.hi, b.lo), (a.hi, b.hi)].into_iter()
}

impl Abs {
    /// Either. Values of one instruction have one type.
    pub fn join(self, o: Abs) -> Abs {
        match (self, o) {
            (Abs::Num(a), Abs::Num(b)) => Abs::Num(a.join(b)),
            (Abs::Vec(a, n), Abs::Vec(b, m)) => Abs::Vec(a.join(b), n.join(m)),
            (Abs::Time(a, x), Abs::Time(b, y)) => Abs::Time(a.join(b), x.zip(y).map(|(x, y)| x.join(y))),
            (Abs::Interval(a), Abs::Interval(b)) => Abs::Interval(a.join(b)),
            (Abs::Option(a), Abs::Option(b)) => Abs::Option(a | b),
            (Abs::Other, Abs::Other) => Abs::Other,
            _ => Abs::Unset,
        }
    }
    /// Both; none when they exclude each other.
    pub fn meet(self, o: Abs) -> Option<Abs> {
        Some(match (self, o) {
            (Abs::Num(a), Abs::Num(b)) => {
                let n = a.meet(b);
                if n.none() {
                    return None;
                }
                Abs::Num(n)
            }
            (Abs::Vec(a, n), Abs::Vec(b, m)) => {
                let (e, n) = (a.meet(b), n.meet(m)?);
                if e.none() && n.lo > 0 {
                    return None;
                }
                Abs::Vec(e, if e.none() { Count::of(0) } else { n })
            }
            (Abs::Time(a, x), Abs::Time(b, y)) => {
                let rel = match (x, y) {
                    (Some(x), Some(y)) => Some(x.meet(y)?),
                    (x, y) => x.or(y),
                };
                Abs::Time(a.meet(b)?, rel)
            }
            (Abs::Interval(a), Abs::Interval(b)) => Abs::Interval(a.meet(b)?),
            (a, _) => a,
        })
    }
    /// As a number; anything when it is none.
    pub fn num(self) -> Num {
        match self {
            Abs::Num(n) => n,
            _ => Num::ANY,
        }
    }
}

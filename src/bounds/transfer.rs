//! What each row of the catalogue and each reduction of a window does to abstract values.
//!
//! In: a row and what its operands can be. Out: what its result can be, and which traps it can raise. Never: a
//! state, a path, a row of the catalogue without an entry in [`ROWS`] (a test compares the two lists).

use super::{
    assume::{Assume, History, MAX_HISTORY},
    domain::{Abs, Count, Num, Span},
};
use poolcast_runtime::{
    builtins,
    catalog::{OverloadId, RowKind},
    metric::Metric,
    rules::{Halves, HistoryBegin, Lenience, PercentScale, Possible, Rules, SecondFraction, Sunday, WindowEnds},
    scalar, series,
    ticks::{Interval, PER_SECOND, Ticks},
    window::{Reduce, WindowSpec},
};
use std::sync::OnceLock;

/// Why an evaluation can stop, without the values of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// A window with too few samples: metric, required percentage in thousandths.
    Insufficient(Metric, u32),
    /// NaN, an infinity or more nodes than a 32-bit integer holds, written to a target.
    NotFinite,
    /// A negative target.
    Negative,
    /// Vectors of different lengths.
    Lengths,
    /// A vector that does not have one element where one number is needed.
    NotOne,
    /// A percentage outside 0 to 100.
    OutOfRange,
    /// A time beyond the calendar or the 64-bit range.
    TimeOverflow,
    /// Text that is no time.
    BadTime,
    /// A strict rule forbids reading from an empty window.
    NoSample,
    /// The checker rejected this place.
    Rejected,
}

impl Stop {
    /// In words.
    pub fn words(self) -> String {
        match self {
            Stop::Insufficient(m, p) => {
                format!("too few samples of {} (fewer than {} %)", m.name(), f64::from(p) / 1000.0)
            }
            Stop::NotFinite => "NaN, an infinity or a number beyond 32 bits written to a target".into(),
            Stop::Negative => "a negative target".into(),
            Stop::Lengths => "element-wise arithmetic on vectors of different lengths".into(),
            Stop::NotOne => "a vector without exactly one element where one number is needed".into(),
            Stop::OutOfRange => "a percentage outside 0 to 100".into(),
            Stop::TimeOverflow => "a time or duration out of range".into(),
            Stop::BadTime => "a text that is no time".into(),
            Stop::NoSample => "reading from an empty window".into(),
            Stop::Rejected => "a place the checker rejects".into(),
        }
    }
    /// Whether a run's trap is this one.
    pub fn is(self, trap: &poolcast_runtime::trap::Trap) -> bool {
        use poolcast_runtime::trap::Trap;
        match (self, trap) {
            (Stop::Insufficient(m, _), Trap::InsufficientSamples { metric, .. }) => m == *metric,
            (Stop::NotFinite, Trap::NotFinite(_))
            | (Stop::Negative, Trap::Negative(_))
            | (Stop::Lengths, Trap::LengthMismatch { .. })
            | (Stop::NotOne, Trap::NotOneElement(_))
            | (Stop::OutOfRange, Trap::OutOfRange(_))
            | (Stop::TimeOverflow, Trap::TimeOverflow)
            | (Stop::BadTime, Trap::BadTime(_))
            | (Stop::NoSample, Trap::NoSample)
            | (Stop::Rejected, Trap::Rejected(_) | Trap::Undefined(_)) => true,
            _ => false,
        }
    }
}

/// An operand.
#[derive(Debug, Clone, Copy)]
pub struct Arg {
    /// What it can be.
    pub abs: Abs,
    /// The metric, for a receiver.
    pub metric: Option<Metric>,
}

/// Where an operation happens: what it may know besides its operands, and where its traps go.
pub struct Site<'a> {
    /// The rules.
    pub rules: &'a Rules,
    /// The admissible inputs.
    pub assume: &'a Assume,
    /// What is known of a metric's history and values here.
    pub metric: &'a dyn Fn(Metric) -> (Count, Num),
    /// Receives traps that can happen, and whether they are certain.
    pub stop: &'a mut dyn FnMut(Stop, bool),
    /// The text of a string operand.
    pub text: Option<&'a str>,
}

/// A row's transfer function. List parameters come as the parts they are made of. None: no value comes out.
pub type Transfer = fn(&mut Site<'_>, &[Arg]) -> Option<Abs>;

fn number(args: &[Arg], i: usize) -> Num {
    args.get(i).map_or(Num::ANY, |a| a.abs.num())
}

// ---- lists ----

/// Hull of all elements, and how many there are.
pub fn flat(args: &[Arg]) -> (Num, Count) {
    let mut all = (Num::NONE, Count::of(0));
    for a in args {
        match a.abs {
            Abs::Vec(e, n) if n.hi > 0 => all = (all.0.join(e), all.1.plus(n)),
            Abs::Vec(..) => {}
            other => all = (all.0.join(other.num()), all.1.plus(Count::of(1))),
        }
    }
    all
}

fn reduced(site: &mut Site<'_>, n: Count, needs: u32, value: Num) -> Option<Abs> {
    if site.rules.strict_empty && n.lo < needs {
        (site.stop)(Stop::NoSample, n.hi < needs);
        let value = Num { nan: value.nan && !value.empty(), ..value };
        return (n.hi >= needs).then_some(Abs::Num(value));
    }
    Some(Abs::Num(value))
}

fn extreme(args: &[Arg], pick: fn(Num, Num) -> Num) -> Num {
    // What the scan holds so far, and whether it may not have begun.
    let (mut acc, mut begun) = (Num::NONE, false);
    for a in args {
        let (e, n) = match a.abs {
            Abs::Vec(e, n) => (e, n),
            x => (x.num(), Count::of(1)),
        };
        if n.hi == 0 {
            continue;
        }
        let mut next = if acc.none() { Num::NONE } else { pick(acc, e) };
        if !begun {
            next = next.join(e);
        }
        acc = if n.lo == 0 { next.join(acc) } else { next };
        begun |= n.lo > 0;
    }
    acc.or_nan(!begun)
}

fn total(args: &[Arg]) -> Num {
    args.iter().fold(Num::of(0.0), |acc, a| match a.abs {
        Abs::Vec(e, n) => e.add_all(acc, n),
        x => acc.plus(x.num()),
    })
}

fn avg(site: &mut Site<'_>, args: &[Arg]) -> Option<Abs> {
    let (e, n) = flat(args);
    let hull = e.mean(n);
    let mean = if n.lo == n.hi && n.lo > 0 { total(args).over(Num::of(f64::from(n.lo))) } else { hull };
    // Both hold; the hull's ends are the safe ones where they disagree by rounding.
    let both = Num { int: hull.int, ..hull.meet(mean) };
    reduced(site, n, 1, if both.none() { hull } else { both.or_nan(hull.nan) })
}
fn len(_: &mut Site<'_>, args: &[Arg]) -> Option<Abs> {
    Some(Abs::Num(flat(args).1.num()))
}
fn max(site: &mut Site<'_>, args: &[Arg]) -> Option<Abs> {
    reduced(site, flat(args).1, 1, extreme(args, Num::max2))
}
fn min(site: &mut Site<'_>, args: &[Arg]) -> Option<Abs> {
    reduced(site, flat(args).1, 1, extreme(args, Num::min2))
}
fn norm(_: &mut Site<'_>, args: &[Arg]) -> Option<Abs> {
    let squares = args.iter().fold(Num::of(0.0), |acc, a| match a.abs {
        Abs::Vec(e, n) => e.squared().add_all(acc, n),
        x => acc.plus(x.num().squared()),
    });
    Some(Abs::Num(squares.root()))
}
fn range(site: &mut Site<'_>, args: &[Arg]) -> Option<Abs> {
    let (e, n) = flat(args);
    reduced(site, n, 1, e.spread(n))
}
fn std(site: &mut Site<'_>, args: &[Arg]) -> Option<Abs> {
    let (e, n) = flat(args);
    reduced(site, n, 2, e.deviation(n))
}
fn sum(_: &mut Site<'_>, args: &[Arg]) -> Option<Abs> {
    Some(Abs::Num(total(args)))
}
fn percentile(site: &mut Site<'_>, args: &[Arg]) -> Option<Abs> {
    let (e, n) = flat(&args[..1]);
    let p = number(args, 1);
    let p = match site.rules.percentile_scale {
        PercentScale::Hundred => p,
        PercentScale::One => p.times(Num::of(100.0)),
    };
    let inside = p.at_least(0.0).at_most(100.0);
    if p.nan || p.lo < 0.0 || p.hi > 100.0 {
        (site.stop)(Stop::OutOfRange, inside.empty());
    }
    if inside.empty() {
        return None;
    }
    reduced(site, n, 1, if n.hi == 0 { Num::NAN } else { e.or_nan(n.lo == 0) })
}
fn val(site: &mut Site<'_>, args: &[Arg]) -> Option<Abs> {
    let (e, n) = flat(&args[..1]);
    let i = number(args, 1);
    let beyond = i.nan || i.empty() || i.lo <= -1.0 || i.hi.trunc() >= f64::from(n.lo);
    let inside = !i.empty() && i.hi > -1.0 && i.lo.trunc() < f64::from(n.hi);
    if site.rules.strict_empty && beyond {
        (site.stop)(Stop::NoSample, !inside);
        return inside.then_some(Abs::Num(e));
    }
    Some(Abs::Num(if inside { e.or_nan(beyond) } else { Num::NAN }))
}

// ---- maps ----

fn map(args: &[Arg], f: impl Fn(Num) -> Num) -> Option<Abs> {
    match args {
        [Arg { abs: Abs::Num(x), .. }] => Some(Abs::Num(f(*x))),
        _ => {
            let (e, n) = flat(args);
            Some(Abs::Vec(if n.hi == 0 { Num::NONE } else { f(e) }, n))
        }
    }
}
fn ceil(_: &mut Site<'_>, args: &[Arg]) -> Option<Abs> {
    map(args, |x| x.rounded(f64::ceil))
}
fn floor(_: &mut Site<'_>, args: &[Arg]) -> Option<Abs> {
    map(args, |x| x.rounded(f64::floor))
}
fn round(site: &mut Site<'_>, args: &[Arg]) -> Option<Abs> {
    let f = match site.rules.round {
        Halves::Away => scalar::round,
        Halves::Even => scalar::round_even,
    };
    map(args, |x| x.rounded(f))
}
fn lg(_: &mut Site<'_>, args: &[Arg]) -> Option<Abs> {
    map(args, |x| x.log(scalar::log2))
}
fn ln(_: &mut Site<'_>, args: &[Arg]) -> Option<Abs> {
    map(args, |x| x.log(scalar::ln))
}
fn log(_: &mut Site<'_>, args: &[Arg]) -> Option<Abs> {
    map(args, |x| x.log(scalar::log10))
}

// ---- times ----

fn time(site: &mut Site<'_>, args: &[Arg]) -> Option<Abs> {
    let now = Abs::Time(site.assume.now, Some(Span::of(0)));
    if args.is_empty() {
        return Some(now);
    }
    match site.text {
        Some("") => Some(now),
        Some(text) => match Ticks::parse_service(text) {
            Ok(t) if !(t.no_zone && site.rules.time_without_zone == Lenience::Reject) => {
                Some(Abs::Time(Span::of(t.ticks.0), None))
            }
            _ => {
                (site.stop)(Stop::BadTime, true);
                None
            }
        },
        None => {
            (site.stop)(Stop::BadTime, false);
            Some(Abs::Time(Span { lo: Ticks::FIRST.0, hi: Ticks::LAST.0 }, None))
        }
    }
}

/// A member: the instants that have one, its full range, and its value at both ends while they lie in one cycle.
fn member(
    site: &mut Site<'_>,
    args: &[Arg],
    full: Num,
    cycle: Option<i64>,
    f: fn(Ticks, &Rules) -> Option<f64>,
) -> Option<Abs> {
    let Some(Arg { abs: Abs::Time(t, _), .. }) = args.first() else { return Some(Abs::Num(full)) };
    let inside = t.meet(Span { lo: Ticks::FIRST.0, hi: Ticks::LAST.0 });
    if inside != Some(*t) {
        (site.stop)(Stop::TimeOverflow, inside.is_none());
    }
    let t = inside?;
    let together = match cycle {
        Some(c) => t.lo.div_euclid(c) == t.hi.div_euclid(c),
        None => true,
    };
    if let (true, Some(a), Some(b)) = (together, f(Ticks(t.lo), site.rules), f(Ticks(t.hi), site.rules)) {
        return Some(Abs::Num(Num { int: full.int, ..Num::range(a, b) }));
    }
    Some(Abs::Num(full))
}
const MINUTE: i64 = 60 * PER_SECOND;
const DAY: i64 = 86_400 * PER_SECOND;

fn year(site: &mut Site<'_>, args: &[Arg]) -> Option<Abs> {
    member(site, args, Num::whole(1.0, 9999.0), None, |t, _| t.year().ok())
}
fn month(site: &mut Site<'_>, args: &[Arg]) -> Option<Abs> {
    member(site, args, Num::whole(1.0, 12.0), Some(DAY), |t, _| t.month().ok())
}
fn day(site: &mut Site<'_>, args: &[Arg]) -> Option<Abs> {
    member(site, args, Num::whole(1.0, 31.0), Some(DAY), |t, _| t.day().ok())
}
fn weekday(site: &mut Site<'_>, args: &[Arg]) -> Option<Abs> {
    let full = match site.rules.sunday {
        Sunday::Zero => Num::whole(0.0, 6.0),
        Sunday::Seven => Num::whole(1.0, 7.0),
    };
    member(site, args, full, Some(DAY), |t, r| t.weekday(r.sunday).ok())
}
fn hour(site: &mut Site<'_>, args: &[Arg]) -> Option<Abs> {
    member(site, args, Num::whole(0.0, 23.0), Some(DAY), |t, _| t.hour().ok())
}
fn minute(site: &mut Site<'_>, args: &[Arg]) -> Option<Abs> {
    member(site, args, Num::whole(0.0, 59.0), Some(60 * MINUTE), |t, _| t.minute().ok())
}
fn second(site: &mut Site<'_>, args: &[Arg]) -> Option<Abs> {
    let full = match site.rules.second {
        SecondFraction::Integer => Num::whole(0.0, 59.0),
        SecondFraction::Fraction => Num::range(0.0, (MINUTE - 1) as f64 / PER_SECOND as f64),
    };
    member(site, args, full, Some(MINUTE), |t, r| t.second(r.second).ok())
}

macro_rules! durations {
    ($($f:ident $rules:ident $ticks:expr;)*) => { $(
        fn $f(site: &mut Site<'_>, _: &[Arg]) -> Option<Abs> {
            let $rules = site.rules;
            let _ = $rules;
            Some(Abs::Interval(Span::of($ticks)))
        }
    )* };
}
durations! {
    i_zero r 0;
    i_tick r 1;
    i_micro r 10;
    i_milli r 10_000;
    i_second r PER_SECOND;
    i_minute r MINUTE;
    i_hour r 60 * MINUTE;
    i_day r DAY;
    i_week r 7 * DAY;
    i_year r Interval::year(r).0;
    period r Interval::SAMPLE_PERIOD.0;
}

// ---- samples ----

/// Most samples, 30 s apart, a window of this length can hold.
pub fn fits(length: i128, rules: &Rules) -> u32 {
    let period = i128::from(Interval::SAMPLE_PERIOD.0);
    let n = match rules.window_ends {
        _ if length <= 0 => 0,
        WindowEnds::Closed => length / period + 1,
        WindowEnds::OpenClosed | WindowEnds::ClosedOpen => (length + period - 1) / period,
    };
    n.min(i128::from(MAX_HISTORY)) as u32
}

/// How many samples the rules call possible.
fn possible(length: i128, how: Possible) -> f64 {
    let length = length.clamp(0, i128::from(i64::MAX)) as i64;
    series::possible(Ticks(0), Ticks(length), how)
}

/// The percentage a count of samples is.
pub fn percent(n: u32, length: i128, rules: &Rules) -> f64 {
    series::percent(n as usize, possible(length, rules.possible_samples))
}

/// Counts of samples whose percentage lies within these limits, for a window of known length.
pub fn counts_within(pct: Num, length: i128, rules: &Rules, n: Count) -> Option<Count> {
    if pct.empty() {
        return None;
    }
    let per = 100.0 / possible(length, rules.possible_samples);
    if !per.is_finite() {
        return (pct.lo <= 0.0).then_some(n);
    }
    let guess = |p: f64| (p / per).clamp(0.0, 4e9) as u32;
    let at = |n: u32| percent(n, length, rules);
    let mut lo = guess(pct.lo).saturating_sub(2).max(n.lo);
    while lo <= n.hi && at(lo) < pct.lo {
        lo += 1;
    }
    let mut hi = if pct.hi >= 100.0 { n.hi } else { guess(pct.hi).saturating_add(2).min(n.hi) };
    while hi > lo && at(hi) > pct.hi {
        hi -= 1;
    }
    (lo <= hi && hi <= n.hi && at(hi) <= pct.hi).then_some(Count { lo, hi })
}

/// The length of a prepared window; none for windows by count.
pub fn length_of(spec: &WindowSpec) -> Option<i128> {
    match *spec {
        WindowSpec::Back { near, far, .. } => Some(i128::from(far.0) - i128::from(near.0.max(0))),
        WindowSpec::Last { .. } => None,
    }
}

/// How many samples a prepared window can hold under the assumed history.
pub fn window_count(spec: &WindowSpec, assume: &Assume, rules: &Rules) -> Count {
    match (*spec, assume.history) {
        (_, History::Empty) => Count::of(0),
        (WindowSpec::Last { count, .. }, History::Any) => Count { lo: 0, hi: count.min(MAX_HISTORY) },
        (WindowSpec::Last { count, .. }, History::Full) => Count::of(count.min(MAX_HISTORY)),
        (WindowSpec::Back { .. }, history) => {
            let length = length_of(spec).unwrap_or(0);
            let hi = fits(length, rules);
            let whole = (length.max(0) / i128::from(Interval::SAMPLE_PERIOD.0)).min(i128::from(hi)) as u32;
            Count { lo: if history == History::Full { whole } else { 0 }, hi }
        }
    }
}

/// An instant argument as its distance from now.
fn from_now(site: &mut Site<'_>, arg: &Arg) -> Option<Span> {
    let now = site.assume.now;
    match arg.abs {
        Abs::Interval(back) => {
            let (at, beyond) = now.minus(back);
            if beyond {
                (site.stop)(Stop::TimeOverflow, at.is_none());
            }
            at?;
            back.negated().0
        }
        Abs::Time(_, Some(rel)) => Some(rel),
        Abs::Time(t, None) => t.minus(now).0,
        _ => Some(Span::ALL),
    }
}

/// Shortest and longest window between two instants, cut at now.
fn lengths(a: Span, b: Span) -> (i128, i128) {
    let w = i128::from;
    let longest = w(a.hi.max(b.hi)).min(0) - w(a.lo.min(b.lo));
    let shortest = if a.hi < b.lo {
        w(b.lo).min(0) - w(a.hi)
    } else if b.hi < a.lo {
        w(a.lo).min(0) - w(b.hi)
    } else {
        0
    };
    (shortest.max(0), longest.max(0))
}

fn instants(site: &mut Site<'_>, args: &[Arg]) -> Option<(i128, i128)> {
    let a = from_now(site, args.get(1)?)?;
    let b = match args.get(2) {
        Some(b) if matches!(b.abs, Abs::Time(..) | Abs::Interval(_)) => from_now(site, b)?,
        _ => Span::of(0),
    };
    Some(lengths(a, b))
}

fn get_sample(site: &mut Site<'_>, args: &[Arg]) -> Option<Abs> {
    let m = args.first()?.metric?;
    let (history, values) = (site.metric)(m);
    if let [_, Arg { abs: Abs::Num(n), .. }] = args {
        let cut = |x: f64| if x >= f64::from(u32::MAX) { u32::MAX } else { x.max(0.0) as u32 };
        let lo = if n.nan || n.empty() { 0 } else { cut(n.lo) };
        let hi = if n.empty() { 0 } else { cut(n.hi) };
        return Some(Abs::Vec(values, Count { lo: lo.min(history.lo), hi: hi.min(history.hi) }));
    }
    let wanted = match args.last()?.abs {
        Abs::Num(p) if args.len() > 2 => p,
        _ => Num::of(site.rules.default_percent.0),
    };
    let inside = wanted.at_least(0.0).at_most(100.0);
    if wanted.nan || wanted.lo < 0.0 || wanted.hi > 100.0 {
        (site.stop)(Stop::OutOfRange, inside.empty());
    }
    if inside.empty() {
        return None;
    }
    let (shortest, longest) = instants(site, args)?;
    let hi = fits(longest, site.rules).min(history.hi);
    let most = if percent(hi, shortest, site.rules) > 0.0 || hi > 0 { 100.0 } else { 0.0 };
    if inside.hi > 0.0 {
        let name = (inside.exact().unwrap_or(inside.hi) * 1000.0) as u32;
        (site.stop)(Stop::Insufficient(m, name), most < inside.lo);
        if most < inside.lo {
            return None;
        }
    }
    let lo = if inside.lo <= 0.0 {
        0
    } else {
        counts_within(Num::range(inside.lo, 100.0), shortest, site.rules, Count { lo: 0, hi })
            .map_or(1, |c| c.lo.max(1))
            .min(hi)
    };
    Some(Abs::Vec(values, Count { lo, hi }))
}
fn get_percent(site: &mut Site<'_>, args: &[Arg]) -> Option<Abs> {
    let m = args.first()?.metric?;
    let (history, _) = (site.metric)(m);
    let (_, longest) = instants(site, args)?;
    let most = if longest <= 0 || history.hi == 0 { 0.0 } else { 100.0 };
    Some(Abs::Num(Num::range(0.0, most)))
}
fn count(site: &mut Site<'_>, args: &[Arg]) -> Option<Abs> {
    Some(Abs::Num((site.metric)(args.first()?.metric?).0.num()))
}
fn begin(site: &mut Site<'_>, args: &[Arg]) -> Option<Abs> {
    let (history, _) = (site.metric)(args.first()?.metric?);
    if history.lo == 0 && site.rules.history_begin == HistoryBegin::Error {
        (site.stop)(Stop::NoSample, history.hi == 0);
        if history.hi == 0 {
            return None;
        }
    }
    let now = site.assume.now;
    let back = -i64::from(MAX_HISTORY) * Interval::SAMPLE_PERIOD.0;
    let rel = if history.hi == 0 { Span::of(0) } else { Span { lo: back, hi: 0 } };
    Some(Abs::Time(Span { lo: now.lo.saturating_add(rel.lo), hi: now.hi }, Some(rel)))
}
fn rand(_: &mut Site<'_>, _: &[Arg]) -> Option<Abs> {
    Some(Abs::Num(Num::range(0.0, 1.0f64.next_down())))
}
fn stop(_: &mut Site<'_>, _: &[Arg]) -> Option<Abs> {
    None
}
fn keyword(_: &mut Site<'_>, _: &[Arg]) -> Option<Abs> {
    Some(Abs::Other)
}

/// One entry for each row of the catalogue that a formula can use.
pub const ROWS: &[(RowKind, &str, Transfer)] = {
    use RowKind::{Constant as K, Function as F, Member as M, Method as S};
    &[
        (F, "avg", avg),
        (F, "len", len),
        (F, "max", max),
        (F, "min", min),
        (F, "norm", norm),
        (F, "percentile", percentile),
        (F, "range", range),
        (F, "std", std),
        (F, "sum", sum),
        (F, "val", val),
        (F, "ceil", ceil),
        (F, "floor", floor),
        (F, "round", round),
        (F, "lg", lg),
        (F, "ln", ln),
        (F, "log", log),
        (F, "time", time),
        (F, "rand", rand),
        (F, "stop", stop),
        (M, "year", year),
        (M, "month", month),
        (M, "day", day),
        (M, "weekday", weekday),
        (M, "hour", hour),
        (M, "minute", minute),
        (M, "second", second),
        (S, "GetSample", get_sample),
        (S, "GetSamplePercent", get_percent),
        (S, "GetSamplePeriod", period),
        (S, "Count", count),
        (S, "HistoryBeginTime", begin),
        (K, "TimeInterval_Zero", i_zero),
        (K, "TimeInterval_100ns", i_tick),
        (K, "TimeInterval_Microsecond", i_micro),
        (K, "TimeInterval_Millisecond", i_milli),
        (K, "TimeInterval_Second", i_second),
        (K, "TimeInterval_Minute", i_minute),
        (K, "TimeInterval_Hour", i_hour),
        (K, "TimeInterval_Day", i_day),
        (K, "TimeInterval_Week", i_week),
        (K, "TimeInterval_Year", i_year),
        (K, "requeue", keyword),
        (K, "terminate", keyword),
        (K, "taskcompletion", keyword),
        (K, "retaineddata", keyword),
    ]
};

/// The transfer function of a catalogue row.
pub fn of(id: OverloadId) -> Option<Transfer> {
    static TABLE: OnceLock<Vec<Option<Transfer>>> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        builtins::ROWS
            .iter()
            .map(|row| ROWS.iter().find(|(k, n, _)| *k == row.kind && *n == row.name).map(|r| r.2))
            .collect()
    });
    table.get(usize::from(id.row)).copied().flatten()
}

// ---- windows ----

/// A reduction of a prepared window.
pub fn reduce(site: &mut Site<'_>, how: Reduce, e: Num, n: Count, operand: Num) -> Option<Abs> {
    let window = [Arg { abs: Abs::Vec(e, n), metric: None }];
    let from = |acc: Num, picked: Num| {
        Abs::Num(match (n.lo, n.hi) {
            (_, 0) => acc,
            (0, _) => acc.join(picked),
            _ => picked,
        })
    };
    match how {
        Reduce::Sum => sum(site, &window),
        Reduce::Avg => avg(site, &window),
        Reduce::Len => len(site, &window),
        Reduce::Min => min(site, &window),
        Reduce::Max => max(site, &window),
        Reduce::MinFrom => Some(from(operand, operand.min2(e))),
        Reduce::MaxFrom => Some(from(operand, operand.max2(e))),
        Reduce::Range => range(site, &window),
        Reduce::Norm => norm(site, &window),
        Reduce::Std => std(site, &window),
        Reduce::Val => val(site, &[window[0], Arg { abs: Abs::Num(operand), metric: None }]),
        Reduce::LastOrZero => Some(from(Num::of(0.0), e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_catalogue_has_a_transfer_function_and_no_other_has() {
        for row in builtins::ROWS {
            let listed = ROWS.iter().filter(|(k, n, _)| *k == row.kind && *n == row.name).count();
            let wanted = usize::from(!matches!(row.kind, RowKind::Absent { .. }));
            assert_eq!(listed, wanted, "{}", row.name);
        }
        for (kind, name, _) in ROWS {
            assert!(builtins::lookup(name, *kind).is_some(), "{name}");
        }
    }
}

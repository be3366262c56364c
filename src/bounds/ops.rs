//! What the operations of the IR do to abstract values.
//!
//! In: an operation and what its operands can be. Out: what its result can be, and which traps it can raise. Never: a row
//! of the catalogue (those are in `transfer`), a state, a path.

use super::{
    assume::MAX_HISTORY,
    domain::{Abs, Count, Num, Span},
    transfer::{Site, Stop},
};
use poolcast_runtime::{
    rules::{BadTarget, Rules, TargetRounding},
    scalar::{self, ScalarOp},
    target::MAX_NODES,
    ticks::Interval,
    trap::Trap,
};

/// A scalar operation of one operand.
pub fn unary(site: &mut Site<'_>, op: ScalarOp, a: Abs) -> Option<Abs> {
    use ScalarOp as S;
    let x = a.num();
    Some(Abs::Num(match op {
        S::Neg => x.negated(),
        S::Not => Num::truth(x.holds(true).map(|b| !b)),
        S::Truth => Num::truth(x.holds(true)),
        S::Ceil => x.rounded(f64::ceil),
        S::Floor => x.rounded(f64::floor),
        S::Round => x.rounded(scalar::round),
        S::RoundEven => x.rounded(scalar::round_even),
        S::Log2 => x.log(scalar::log2),
        S::Ln => x.log(scalar::ln),
        S::Log10 => x.log(scalar::log10),
        S::IntervalNeg => {
            let Abs::Interval(i) = a else { return Some(Abs::Interval(Span::ALL)) };
            return span(site, i.negated()).map(Abs::Interval);
        }
        _ => return Some(anything(op)),
    }))
}

fn anything(op: ScalarOp) -> Abs {
    use poolcast_runtime::ty::Ty;
    match op.result() {
        Ty::Time => Abs::Time(Span::ALL, None),
        Ty::Interval => Abs::Interval(Span::ALL),
        _ => Abs::Num(if super::walk::is_comparison(op) { Num::BOOL } else { Num::ANY }),
    }
}

fn span(site: &mut Site<'_>, (value, beyond): (Option<Span>, bool)) -> Option<Span> {
    if beyond {
        (site.stop)(Stop::TimeOverflow, value.is_none());
    }
    value
}

/// Product or quotient of a duration and a number.
fn scaled(
    site: &mut Site<'_>,
    i: Span,
    f: Num,
    by: fn(Interval, f64) -> Result<Interval, Trap>,
    divide: bool,
) -> Option<Abs> {
    let mut out: Option<Span> = None;
    let mut beyond = f.nan;
    let mut add = |t: i64| out = Some(out.map_or(Span::of(t), |s| s.join(Span::of(t))));
    let exact = i.lo == i.hi && f.lo == f.hi;
    let least = if f.int { 1.0 } else { f64::MIN_POSITIVE };
    let parts = if divide { [f.at_most(-least), f.at_least(least)] } else { [f, Num::NONE] };
    beyond |= divide && f.zero();
    for part in parts.iter().filter(|p| !p.empty()) {
        for x in [part.lo, part.hi] {
            for t in [i.lo, i.hi] {
                match by(Interval(t), x) {
                    // Whole factors are exact, and exact products and quotients monotone.
                    Ok(v) if exact || f.int && x.abs() < 9e18 => add(v.0),
                    Ok(v) => {
                        // Whole and fractional factors take different ways; both are good to 53 bits.
                        let slack = (v.0.unsigned_abs() >> 50) as i64 + 1;
                        add(v.0.saturating_sub(slack));
                        add(v.0.saturating_add(slack));
                    }
                    Err(_) if t == 0 => {
                        beyond = true;
                        add(0);
                    }
                    Err(_) => {
                        beyond = true;
                        add(if (t < 0) != (x < 0.0) { i64::MIN } else { i64::MAX });
                    }
                }
            }
        }
        if part.lo < 0.0 && part.hi > 0.0 || i.lo < 0 && i.hi > 0 {
            add(0);
        }
    }
    if divide && f.zero() && !f.int {
        // Near zero a quotient can be anything of its sign; beyond the range it traps.
        for t in [i.lo, i.hi] {
            if t != 0 {
                add(i64::MIN);
                add(i64::MAX);
            }
        }
    }
    if f.empty() {
        (site.stop)(Stop::TimeOverflow, true);
        return None;
    }
    if beyond {
        (site.stop)(Stop::TimeOverflow, out.is_none());
    }
    out.map(Abs::Interval)
}

/// A scalar operation of two operands.
pub fn binary(site: &mut Site<'_>, op: ScalarOp, a: Abs, b: Abs) -> Option<Abs> {
    use ScalarOp as S;
    let (x, y) = (a.num(), b.num());
    let truth = |t: Option<bool>| Some(Abs::Num(Num::truth(t)));
    let not = |t: Option<bool>| t.map(|b| !b);
    let ticks = |v: Abs| match v {
        Abs::Time(s, _) | Abs::Interval(s) => s,
        _ => Span::ALL,
    };
    let rel = |v: Abs| match v {
        Abs::Time(_, r) => r,
        _ => None,
    };
    let (s, t) = (ticks(a), ticks(b));
    // Instants compare by their distance from now where both are known.
    let (cs, ct) = rel(a).zip(rel(b)).unwrap_or((s, t));
    let (lt, gt, eq) = (
        order(cs, ct),
        order(ct, cs),
        (cs.lo == cs.hi && cs == ct).then_some(true).or(cs.meet(ct).is_none().then_some(false)),
    );
    match op {
        S::Add => Some(Abs::Num(x.plus(y))),
        S::Sub => Some(Abs::Num(x.minus(y))),
        S::Mul => Some(Abs::Num(x.times(y))),
        S::Div => Some(Abs::Num(x.over(y))),
        S::Min2 => Some(Abs::Num(x.min2(y))),
        S::Max2 => Some(Abs::Num(x.max2(y))),
        S::Lt => truth(x.lt(y)),
        S::Le => truth(x.le(y)),
        S::Gt => truth(y.lt(x)),
        S::Ge => truth(y.le(x)),
        S::Eq => truth(x.eq(y)),
        S::Ne => truth(not(x.eq(y))),
        S::TimeAddInterval | S::TimeSubInterval | S::IntervalAddTime => {
            let (at, i, away) = if op == S::IntervalAddTime { (b, s, t) } else { (a, t, s) };
            let sum = |v: Span| if op == S::TimeSubInterval { v.minus(i) } else { v.plus(i) };
            let value = span(site, sum(away))?;
            Some(Abs::Time(value, rel(at).and_then(|r| sum(r).0)))
        }
        S::TimeSub => {
            let value = span(site, s.minus(t))?;
            let known = rel(a).zip(rel(b)).and_then(|(p, q)| p.minus(q).0).and_then(|d| d.meet(value));
            Some(Abs::Interval(known.unwrap_or(value)))
        }
        S::IntervalAdd => span(site, s.plus(t)).map(Abs::Interval),
        S::IntervalSub => span(site, s.minus(t)).map(Abs::Interval),
        S::IntervalMul => scaled(site, s, y, Interval::times, false),
        S::MulInterval => scaled(site, t, x, Interval::times, false),
        S::IntervalDiv => scaled(site, s, y, Interval::over, true),
        S::TimeLt | S::IntervalLt => truth(lt),
        S::TimeLe | S::IntervalLe => truth(not(gt)),
        S::TimeGt | S::IntervalGt => truth(gt),
        S::TimeGe | S::IntervalGe => truth(not(lt)),
        S::TimeEq | S::IntervalEq => truth(eq),
        S::TimeNe | S::IntervalNe => truth(not(eq)),
        _ => Some(anything(op)),
    }
}

fn order(a: Span, b: Span) -> Option<bool> {
    if a.hi < b.lo {
        Some(true)
    } else if a.lo >= b.hi {
        Some(false)
    } else {
        None
    }
}

/// Element-wise arithmetic.
pub fn vector(site: &mut Site<'_>, op: ScalarOp, a: Abs, b: Abs, same: bool) -> Option<Abs> {
    let parts = |v: Abs| match v {
        Abs::Vec(e, n) => (e, Some(n)),
        v => (v.num(), None),
    };
    let ((x, n), (y, m)) = (parts(a), parts(b));
    let n = match (n, m) {
        (Some(n), Some(m)) => {
            let both = n.meet(m);
            if !same && (n.lo != n.hi || n != m) {
                (site.stop)(Stop::Lengths, both.is_none());
            }
            both?
        }
        (n, m) => n.or(m).unwrap_or(Count { lo: 0, hi: MAX_HISTORY }),
    };
    let e = match op {
        ScalarOp::Add => x.plus(y),
        ScalarOp::Sub => x.minus(y),
        ScalarOp::Mul => x.times(y),
        _ => x.over(y),
    };
    Some(Abs::Vec(e, n))
}

/// A value on its way into a target: what comes through, and what does not.
pub fn target(site: &mut Site<'_>, x: Num) -> Option<Num> {
    let rules = site.rules;
    let least = match rules.target_rounding {
        TargetRounding::Truncate | TargetRounding::Ceil => (-1.0f64).next_up(),
        TargetRounding::Round => (-0.5f64).next_up(),
    };
    let mut good = Num { nan: false, ..x }.at_least(least).at_most(MAX_NODES);
    let high = x.nan || x.infinite() || (!x.empty() && x.hi > MAX_NODES);
    let low = !x.empty() && x.lo < least;
    let none = good.empty();
    for (bad, stop, rule, certain) in [
        (high, Stop::NotFinite, rules.non_finite_target, none && !low),
        (low, Stop::Negative, rules.negative_target, none && !high),
    ] {
        match rule {
            _ if !bad => {}
            BadTarget::Error => (site.stop)(stop, certain),
            BadTarget::Zero => good = good.join(Num::of(0.0)),
        }
    }
    (!good.empty()).then_some(good)
}

/// The node count of a judged value.
pub fn nodes(x: Num, rules: &Rules) -> Num {
    let f = match rules.target_rounding {
        TargetRounding::Truncate => f64::trunc,
        TargetRounding::Round => f64::round,
        TargetRounding::Ceil => f64::ceil,
    };
    Num { neg_zero: false, ..x.rounded(f) }.at_least(0.0)
}

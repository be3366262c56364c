//! What comparisons can come to, from the ranges of their sides.
//!
//! Only ranges that hold for every evaluation count: an hour runs from 0 to 23, a sample percentage from 0 to 100.

use super::{LintCx, facts::flip};
use crate::check::hir::{HId, HKind};
use poolcast_grammar::BinOp;

/// Always true, never true, or none: it depends.
pub(super) fn verdict(cx: &LintCx<'_>, h: HId) -> Option<bool> {
    match cx.kind(h) {
        HKind::Binary(op, a, b) => comparison(cx, op, a, b),
        HKind::Logic(op, a, b) => {
            let (x, y) = (limits(cx, a)?, limits(cx, b)?);
            if !cx.facts.same(cx.hir, x.subject, y.subject) {
                return None;
            }
            match op {
                BinOp::And if x.lo.max(y.lo) > x.hi.min(y.hi) => Some(false),
                // The two cover everything when neither leaves a gap to the other.
                BinOp::Or if x.lo == f64::NEG_INFINITY && y.hi == f64::INFINITY && y.lo <= x.hi.next_up() => Some(true),
                BinOp::Or if y.lo == f64::NEG_INFINITY && x.hi == f64::INFINITY && x.lo <= y.hi.next_up() => Some(true),
                _ => None,
            }
        }
        _ => None,
    }
}

fn comparison(cx: &LintCx<'_>, op: BinOp, a: HId, b: HId) -> Option<bool> {
    let (fa, fb) = (cx.number(a), cx.number(b));
    if let (Some(x), Some(y)) = (fa, fb) {
        let written = |h: HId| matches!(cx.kind(h), HKind::Double(_));
        // Two variables with fixed values are settings; two numbers are a slip.
        return (written(a) && written(b)).then(|| holds(op, x, y)).flatten();
    }
    let (op, subject, n) = match (fa, fb) {
        (None, Some(n)) => (op, a, n),
        (Some(n), None) => (flip(op), b, n),
        _ => return None,
    };
    let (lo, hi) = cx.facts.range(subject);
    // An unbounded side means that nothing certain is known (a mean of no samples is NaN).
    // What a weekday can be is a question of its own (W0514).
    let weekday = matches!(cx.call(cx.resolve(subject)), Some(("weekday", _)));
    if !(lo.is_finite() && hi.is_finite()) || n.is_nan() || weekday || bare_logic(cx, subject) {
        return None;
    }
    match op {
        BinOp::Lt if hi < n => Some(true),
        BinOp::Lt if lo >= n => Some(false),
        BinOp::Le if hi <= n => Some(true),
        BinOp::Le if lo > n => Some(false),
        BinOp::Gt if lo > n => Some(true),
        BinOp::Gt if hi <= n => Some(false),
        BinOp::Ge if lo >= n => Some(true),
        BinOp::Ge if hi < n => Some(false),
        BinOp::Eq if n < lo || n > hi => Some(false),
        BinOp::Ne if n < lo || n > hi => Some(true),
        _ => None,
    }
}

/// Comparing a comparison has its own diagnostic.
fn bare_logic(cx: &LintCx<'_>, h: HId) -> bool {
    match cx.kind(h) {
        HKind::Logic(..) => true,
        HKind::Binary(op, ..) => holds(op, 0.0, 0.0).is_some(),
        _ => false,
    }
}

fn holds(op: BinOp, x: f64, y: f64) -> Option<bool> {
    Some(match op {
        BinOp::Lt => x < y,
        BinOp::Le => x <= y,
        BinOp::Gt => x > y,
        BinOp::Ge => x >= y,
        BinOp::Eq => x == y,
        BinOp::Ne => x != y,
        _ => return None,
    })
}

/// The values of `subject` for which a comparison holds.
struct Limits {
    subject: HId,
    lo: f64,
    hi: f64,
}

fn limits(cx: &LintCx<'_>, h: HId) -> Option<Limits> {
    let HKind::Binary(op, a, b) = cx.kind(h) else { return None };
    let (op, subject, n) = match (cx.number(a), cx.number(b)) {
        (None, Some(n)) => (op, a, n),
        (Some(n), None) => (flip(op), b, n),
        _ => return None,
    };
    let (lo, hi) = match op {
        BinOp::Lt => (f64::NEG_INFINITY, n.next_down()),
        BinOp::Le => (f64::NEG_INFINITY, n),
        BinOp::Gt => (n.next_up(), f64::INFINITY),
        BinOp::Ge => (n, f64::INFINITY),
        BinOp::Eq => (n, n),
        _ => return None,
    };
    Some(Limits { subject, lo, hi })
}

//! Lints about values: divisions, conditions and arms that decide nothing.

use super::{LintCx, logic, warn};
use crate::{
    check::hir::{HId, HKind},
    diag::{Diagnostic, code},
};
use poolcast_grammar::{BinOp, Expr};

/// W0525: a division by something that can be zero.
pub(super) fn division(cx: &LintCx<'_>, out: &mut Vec<Diagnostic>) {
    for h in cx.ids() {
        let HKind::Binary(BinOp::Div, _, divisor) = cx.kind(h) else { continue };
        let (lo, hi) = cx.facts.range(divisor);
        let nonzero = cx.number(divisor).map_or(lo > 0.0 || hi < 0.0, |n| n != 0.0);
        // What has no value has been told already.
        let unknown = cx.facts.subtree(divisor).any(|x| matches!(cx.kind(x), HKind::Poison(_)));
        if nonzero || unknown || tested(cx, h, divisor) {
            continue;
        }
        let text = cx.text(divisor);
        let d = if cx.number(divisor) == Some(0.0) {
            warn(code::DIVISION, cx.span(divisor), format!("`{text}` is zero, and something is divided by it"))
                .label("always zero")
        } else {
            let (span, written) = (cx.span(divisor), cx.span(divisor).text(cx.src));
            warn(code::DIVISION, span, format!("`{text}` can be zero, and something is divided by it"))
                .label("can be zero")
                .fix(false, "divide by 1 at least", span, format!("max(1, {written})"))
        };
        out.push(d.note("dividing by zero gives infinity or NaN, and the evaluation stops when that reaches a target"));
    }
}

/// Whether a condition around the division looks at what the divisor is made of.
fn tested(cx: &LintCx<'_>, division: HId, divisor: HId) -> bool {
    let vars = |h: HId| {
        cx.facts.subtree(h).filter_map(|x| match cx.kind(x) {
            HKind::Var(v) => Some(v),
            _ => None,
        })
    };
    let made_of = cx.facts.reads(divisor);
    cx.facts.guards(cx.hir, division).iter().any(|(cond, _)| {
        let looks = cx.facts.reads(*cond);
        looks.all() & made_of.all() != 0
            || (looks.current && made_of.current)
            || vars(*cond).any(|v| vars(divisor).any(|w| w == v))
    })
}

/// W0517: a condition that never changes.
pub(super) fn constant_condition(cx: &LintCx<'_>, out: &mut Vec<Diagnostic>) {
    let mut told: Vec<HId> = Vec::new();
    for h in cx.ids() {
        let (cond, verdict) = match cx.kind(h) {
            HKind::Ternary(c, ..) => (c, literal(cx, c)),
            HKind::Binary(..) | HKind::Logic(..) => (h, logic::verdict(cx, h)),
            _ => continue,
        };
        let Some(truth) = verdict else { continue };
        // The smallest constant part is the one to tell.
        if told.iter().any(|t| cx.facts.subtree(cond).any(|x| x == *t)) {
            continue;
        }
        told.push(cond);
        let word = if truth { "always" } else { "never" };
        let mut d = warn(code::CONSTANT_CONDITION, cx.span(cond), format!("`{}` is {word} true", cx.text(cond)))
            .label(format!("{word} true"));
        if let HKind::Ternary(c, a, b) = cx.kind(cx.facts.parent(cond).unwrap_or(h))
            && c == cond
        {
            let dead = if truth { b } else { a };
            d = d.also(cx.span(dead), "never evaluated");
        }
        if matches!(cx.kind(h), HKind::Logic(BinOp::And, ..)) && !truth {
            d = d.help("no value is in both ranges at once; `||` holds when it is in either");
        } else if matches!(cx.kind(h), HKind::Logic(BinOp::Or, ..)) && truth {
            d = d.help("every value is in one of the ranges; `&&` holds when it is in both");
        }
        out.push(d);
    }
}

/// Truth of a condition that is written as a number. A variable with a fixed value is a switch, which is deliberate.
fn literal(cx: &LintCx<'_>, c: HId) -> Option<bool> {
    let variable = cx.facts.subtree(c).any(|x| matches!(cx.kind(x), HKind::Var(_)));
    match cx.number(c) {
        Some(n) if !variable => Some(n != 0.0),
        _ => None,
    }
}

/// W0518: both arms are the same.
pub(super) fn equal_arms(cx: &LintCx<'_>, out: &mut Vec<Diagnostic>) {
    for h in cx.ids() {
        let HKind::Ternary(c, a, b) = cx.kind(h) else { continue };
        if !cx.facts.same(cx.hir, a, b) {
            continue;
        }
        out.push(
            warn(
                code::EQUAL_ARMS,
                cx.span(h),
                format!("both arms are `{}`, so `{}` decides nothing", cx.text(a), cx.text(c)),
            )
            .label("the same either way")
            .also(cx.span(a), "this arm")
            .also(cx.span(b), "and this one")
            .help("change one arm, or write the value without a condition"),
        );
    }
}

/// W0530: statements after one that always stops.
pub(super) fn after_stop(cx: &LintCx<'_>, out: &mut Vec<Diagnostic>) {
    let stops = |h: HId| matches!(cx.kind(h), HKind::Stop);
    let Some(at) = cx.hir.stmts.iter().position(|s| stops(s.value)) else { return };
    let (stop, rest) = (&cx.hir.stmts[at], &cx.hir.stmts[at + 1..]);
    let (Some(first), Some(last)) = (rest.first(), rest.last()) else { return };
    out.push(
        warn(code::AFTER_STOP, first.span.to(last.span), "nothing after `stop()` is evaluated")
            .label("never evaluated")
            .also(stop.span, "every evaluation ends here")
            .help("stop on a condition, as in `few ? stop() : 0;`, or remove what follows"),
    );
}

/// W0531: `name == value;` as a statement.
pub(super) fn comparison_statement(cx: &LintCx<'_>, out: &mut Vec<Diagnostic>) {
    for stmt in cx.ast.stmts.iter().filter(|s| s.target.is_none()) {
        let Expr::Binary(BinOp::Eq, a, _) = cx.ast.expr(stmt.value) else { continue };
        let Expr::Name(name) = cx.ast.expr(a) else { continue };
        let operator = cx.ast.detail[stmt.value.ix()].0;
        out.push(
            warn(code::COMPARISON_STATEMENT, stmt.span, "this comparison decides nothing")
                .label("its value goes nowhere")
                .fix(false, format!("assign `{}`", cx.ast.name(name)), operator, "="),
        );
    }
}

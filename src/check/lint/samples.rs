//! Lints about reading samples: windows that stop the evaluation, percentages, vectors.

use super::{
    LintCx,
    facts::{Fixed, flip, like},
    warn,
};
use crate::{
    check::hir::{HId, HKind},
    diag::{Diagnostic, code},
};
use poolcast_grammar::{BinOp, Span};
use poolcast_runtime::{metric::Metric, ticks::PER_SECOND, ty::Ty};

/// Ends and percentage of a window sample.
struct Window<'a> {
    metric: Metric,
    start: HId,
    end: Option<HId>,
    percent: Option<HId>,
    args: &'a [HId],
}

fn window<'a>(cx: &LintCx<'a>, h: HId) -> Option<Window<'a>> {
    let (metric, args) = cx.method(h, "GetSample").or_else(|| cx.method(h, "GetSamplePercent"))?;
    let instant = |h: &&HId| matches!(cx.ty(**h), Ty::Time | Ty::Interval);
    let start = *args.first().filter(instant)?;
    let end = args.get(1).filter(instant).copied();
    let percent = args.last().filter(|h| args.len() > 1 && !instant(h)).copied();
    Some(Window { metric, start, end, percent, args })
}

/// W0502: a window sample outside any guard stops the evaluation on a new pool.
pub(super) fn unguarded_window(cx: &LintCx<'_>, out: &mut Vec<Diagnostic>) {
    for (i, stmt) in cx.hir.stmts.iter().enumerate() {
        for h in (stmt.first..=stmt.value.0).map(HId) {
            if cx.method(h, "GetSample").is_none() {
                continue;
            }
            let Some(w) = window(cx, h) else { continue };
            let wanted = w.percent.map_or(Some(70.0), |p| cx.number(p));
            // No percentage at all is told by W0504.
            if wanted.is_some_and(|p| p <= 0.0 || p > 100.0) || cx.facts.stopped_without[i] & like(w.metric) != 0 {
                continue;
            }
            let guards = cx.facts.guards(cx.hir, h);
            let mut inverted = None;
            let guarded = guards.iter().any(|(cond, then)| {
                let reads = cx.facts.reads(*cond);
                let knows = reads.history & like(w.metric) != 0;
                if knows && backwards(cx, *cond, *then) {
                    inverted = Some(*cond);
                    return false;
                }
                // A test of the pool's age protects as well.
                knows || reads.date
            });
            if guarded {
                continue;
            }
            let (name, text) = (w.metric.name(), cx.text(h));
            let percent = match (w.percent, wanted) {
                (None, _) => "70 %".to_owned(),
                (_, Some(p)) => format!("{p} %"),
                (_, None) => "enough".to_owned(),
            };
            let mut d = warn(
                code::UNGUARDED_WINDOW,
                cx.span(h),
                format!("`{text}` stops the evaluation unless {percent} of its samples exist"),
            )
            .label("read whether or not there are samples")
            .note(
                "right after autoscale is switched on there are none: the evaluation fails and the pool stays as it is",
            );
            d = match inverted {
                Some(cond) => d
                    .also(cx.span(cond), "true when samples are missing")
                    .help("exchange the two arms: the window belongs where there are enough samples"),
                None => d.help(format!("ask first: `{name}.GetSamplePercent({}) < 70 ? … : …`", ends(cx, &w))),
            };
            out.push(with_guard(cx, h, &w, d, inverted.is_some()));
        }
    }
}

/// Whether `cond == then` means that samples are missing, as in the first arm of `percent < 70 ? … : …`.
fn backwards(cx: &LintCx<'_>, cond: HId, then: bool) -> bool {
    let HKind::Binary(op, a, b) = cx.kind(cx.resolve(cond)) else { return false };
    let (op, history, limit) = if cx.number(b).is_some() { (op, a, b) } else { (flip(op), b, a) };
    let direct = matches!(cx.call(cx.resolve(history)), Some(("GetSamplePercent" | "Count", _)));
    direct
        && cx.number(limit).is_some()
        && match op {
            BinOp::Lt | BinOp::Le => then,
            BinOp::Gt | BinOp::Ge => !then,
            _ => false,
        }
}

/// The ends of a window as written.
fn ends(cx: &LintCx<'_>, w: &Window<'_>) -> String {
    let ends: Vec<&str> = w.args.iter().filter(|a| Some(**a) != w.percent).map(|a| cx.span(*a).text(cx.src)).collect();
    ends.join(", ")
}

/// Offers `(percent < 70 ? newest : window)` around the call that reduces the window.
fn with_guard(cx: &LintCx<'_>, h: HId, w: &Window<'_>, d: Diagnostic, inverted: bool) -> Diagnostic {
    let Some(outer) = cx.facts.parent(h).filter(|p| matches!(cx.call(*p), Some(("avg" | "max" | "min" | "sum", [_]))))
    else {
        return d;
    };
    if inverted {
        return d;
    }
    let name = w.metric.name();
    let wanted = w.percent.map_or("70", |p| cx.span(p).text(cx.src));
    let span = cx.span(outer);
    let text = format!(
        "({name}.GetSamplePercent({}) < {wanted} ? max(0, {name}.GetSample(1)) : {})",
        ends(cx, w),
        span.text(cx.src)
    );
    d.fix(false, "fall back to the newest sample", span, text)
}

/// W0506: a window with no sample to see.
pub(super) fn window_too_recent(cx: &LintCx<'_>, out: &mut Vec<Diagnostic>) {
    for h in cx.ids() {
        let Some(w) = window(cx, h) else { continue };
        // Look-backs only: instants move with the clock.
        let back = |h: HId| match cx.facts.fixed(h) {
            Some(Fixed::Ticks(t)) => Some(t as f64 / PER_SECOND as f64),
            _ => None,
        };
        let Some(start) = back(w.start) else { continue };
        let end = match w.end {
            None => 0.0,
            Some(e) => match back(e) {
                Some(end) => end,
                None => continue,
            },
        };
        let (far, near) = (start.max(end), start.min(end));
        let text = cx.text(h);
        let d = if far - near < 30.0 {
            warn(
                code::WINDOW_TOO_RECENT,
                cx.span(h),
                format!("the window of `{text}` is {} s long, shorter than one sample", far - near),
            )
        } else if far <= 60.0 {
            warn(
                code::WINDOW_TOO_RECENT,
                cx.span(h),
                format!("the window of `{text}` lies within the last {far} s, where samples are still on their way"),
            )
        } else {
            continue;
        };
        out.push(
            d.label("most likely empty")
                .note("there is one sample every 30 s, and it arrives about a minute late")
                .help("look back five minutes or more: `TimeInterval_Minute * 5`"),
        );
    }
}

/// W0504: percentages run from 0 to 100.
pub(super) fn percent_scale(cx: &LintCx<'_>, out: &mut Vec<Diagnostic>) {
    // Below 0.05 it is no share anyone means: `> 0.001` asks whether there is any sample at all. Nothing scaled by 100
    // is in this range again, so a repair cannot apply to its own result.
    let small = |h: HId| cx.number(h).filter(|n| (0.05..=1.0).contains(n));
    let tell = |out: &mut Vec<Diagnostic>, at: HId, n: f64, what: String, which: &str| {
        let literal = matches!(cx.kind(at), HKind::Double(_));
        let mut d = warn(code::PERCENT_SCALE, cx.span(at), what)
            .label(format!("{n} %"))
            .note(format!("{which} runs from 0 to 100"));
        let hundred = format!("{}", (n * 1e8).round() / 1e6);
        d = if literal {
            // 1 can really mean one percent.
            d.fix(n < 1.0, format!("write `{hundred}`"), cx.span(at), hundred)
        } else {
            d.help(format!("if {hundred} % is meant, make it `{hundred}`"))
        };
        out.push(d);
    };
    for h in cx.ids() {
        match cx.kind(h) {
            HKind::Binary(BinOp::Lt | BinOp::Le | BinOp::Gt | BinOp::Ge | BinOp::Eq | BinOp::Ne, a, b) => {
                for (percent, limit) in [(a, b), (b, a)] {
                    let (Some((_, _)), Some(n)) = (cx.method(cx.resolve(percent), "GetSamplePercent"), small(limit))
                    else {
                        continue;
                    };
                    let message =
                        format!("`{}` is compared with {n}, a hundredth of what is probably meant", cx.text(percent));
                    tell(out, limit, n, message, "GetSamplePercent");
                }
            }
            HKind::Call(..) => {
                if let (Some(w), true) = (window(cx, h), cx.method(h, "GetSample").is_some()) {
                    if let Some(p) = w.percent.filter(|p| cx.number(*p) == Some(0.0)) {
                        out.push(
                            warn(code::PERCENT_SCALE, cx.span(p), "GetSample is asked for 0 % of its samples, so even none will do")
                                .label("a percentage, not the end of the window")
                                .help("leave it out for 70 %, or write the end of the window as a time, such as `TimeInterval_Zero`"),
                        );
                    }
                    let outside = |p: &HId| cx.number(*p).filter(|n| *n < 0.0 || *n > 100.0);
                    if let Some((p, n)) = w.percent.and_then(|p| Some((p, outside(&p)?))) {
                        let message =
                            format!("GetSample is asked for {n} % of its samples, so the evaluation always stops");
                        out.push(
                            warn(code::PERCENT_SCALE, cx.span(p), message)
                                .label("outside 0 to 100")
                                .note("what the service does with such a percentage is not documented; here it is an error")
                                .help("write a percentage from 0 to 100, or leave it out for 70 %"),
                        );
                    }
                    if let Some((p, n)) = w.percent.and_then(|p| Some((p, small(p)?))) {
                        tell(out, p, n, format!("GetSample is asked for {n} % of its samples"), "the percentage");
                    }
                } else if let Some(("percentile", [_, p])) = cx.call(h)
                    && let Some(n) = small(*p)
                {
                    tell(out, *p, n, format!("this is percentile {n}, next to the smallest sample"), "the percentile");
                }
            }
            _ => {}
        }
    }
}

/// W0507: `min(cap, vector)` takes the smallest sample.
pub(super) fn min_of_vector(cx: &LintCx<'_>, out: &mut Vec<Diagnostic>) {
    for h in cx.ids() {
        let Some(("min", args)) = cx.call(h) else { continue };
        let cap = args.iter().copied().find(|a| cx.ty(*a) == Ty::Double);
        let many = args.iter().copied().find(|a| cx.ty(*a) == Ty::Vec && !cx.facts.single(*a));
        let (Some(cap), Some(many)) = (cap, many) else { continue };
        let (span, text) = (cx.span(many), cx.span(many).text(cx.src));
        let mut d = warn(
            code::MIN_OF_VECTOR,
            cx.span(h),
            format!(
                "`{}` is the smallest of all samples, not the smaller of {} and the demand",
                cx.text(h),
                cx.text(cap)
            ),
        )
        .label("one idle sample makes this 0")
        .also(span, "several samples");
        for f in ["avg", "max"] {
            d = d.fix(
                false,
                format!("take the {} of the samples first", if f == "avg" { "mean" } else { "largest" }),
                span,
                format!("{f}({text})"),
            );
        }
        out.push(d);
    }
}

/// W0526: which sample `val(v, i)` picks depends on an order nobody documents.
pub(super) fn vector_order(cx: &LintCx<'_>, out: &mut Vec<Diagnostic>) {
    for h in cx.ids() {
        let Some(("val", [v, i])) = cx.call(h) else { continue };
        let reads = cx.facts.reads(*v);
        if cx.facts.single(*v) || (reads.window | reads.several) == 0 {
            continue;
        }
        let which = if cx.number(*i) == Some(0.0) { "here the oldest" } else { "here they run from old to new" };
        let mut d = warn(
            code::VECTOR_ORDER,
            cx.span(h),
            format!("which sample `{}` picks is not documented: {which}", cx.text(h)),
        )
        .label("depends on the order of the samples")
        .help("the newest sample is `GetSample(1)`; `avg`, `max` and `percentile` need no order");
        if let Some((m, _)) = cx.method(cx.resolve(*v), "GetSample") {
            let newest = Span::new(cx.span(h).lo, cx.span(h).hi);
            d = d.fix(false, "take the newest sample", newest, format!("max({}.GetSample(1))", m.name()));
        }
        out.push(d);
    }
}

/// How many samples a vector has, where the formula says so.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Length {
    /// `GetSample(n)`: that many at most.
    Count(f64),
    /// A window of so many ticks.
    Window(i64),
}

/// Lengths of all vectors, from left to right.
fn lengths(cx: &LintCx<'_>) -> Vec<Option<Length>> {
    let mut out: Vec<Option<Length>> = Vec::with_capacity(cx.hir.exprs.len());
    for h in cx.ids() {
        let of = |h: HId| out.get(h.ix()).copied().flatten();
        let vector = |h: &HId| cx.ty(*h) == Ty::Vec;
        let length = match cx.kind(h) {
            HKind::Var(v) => cx.facts.value(v).and_then(of),
            HKind::Unary(_, x) => of(x),
            HKind::Binary(_, a, b) if cx.ty(h) == Ty::Vec => of(a).or(of(b)),
            HKind::Ternary(_, a, b) => of(a).filter(|n| of(b) == Some(*n)),
            HKind::Call(..) => match (window(cx, h), cx.method(h, "GetSample"), cx.call(h)) {
                (Some(w), Some(_), _) => {
                    let ticks = |h: HId| match cx.facts.fixed(h) {
                        Some(Fixed::Ticks(t)) => Some(t),
                        _ => None,
                    };
                    let end = w.end.map_or(Some(0), ticks);
                    ticks(w.start).zip(end).map(|(a, b)| Length::Window(a.saturating_sub(b).saturating_abs()))
                }
                (None, Some((_, [n])), _) => cx.number(*n).map(|n| Length::Count(n.floor())),
                (_, None, Some(("ceil" | "floor" | "round" | "ln" | "lg" | "log", [x]))) if vector(x) => of(*x),
                _ => None,
            },
            _ => None,
        };
        out.push(length);
    }
    out
}

/// W0528: an operator between vectors of different length stops the evaluation.
pub(super) fn vector_lengths(cx: &LintCx<'_>, out: &mut Vec<Diagnostic>) {
    let lengths = lengths(cx);
    let words = |n: Length| match n {
        Length::Count(n) => format!("up to {n} sample{}", if n == 1.0 { "" } else { "s" }),
        Length::Window(t) => format!("the samples of {} s", t as f64 / PER_SECOND as f64),
    };
    for h in cx.ids() {
        let HKind::Binary(_, a, b) = cx.kind(h) else { continue };
        let (Some(x), Some(y)) = (lengths[a.ix()], lengths[b.ix()]) else { continue };
        let alike = matches!((x, y), (Length::Count(_), Length::Count(_)) | (Length::Window(_), Length::Window(_)));
        if !alike || x == y {
            continue;
        }
        out.push(
            warn(
                code::VECTOR_LENGTHS,
                cx.span(h),
                format!("`{}` and `{}` have different numbers of samples", cx.text(a), cx.text(b)),
            )
            .label("the evaluation stops here")
            .also(cx.span(a), words(x))
            .also(cx.span(b), words(y))
            .note("an operator between vectors works sample by sample, so both need the same number")
            .help("make each a number first, with `avg(…)` or `max(…)`, or read the same samples of both"),
        );
    }
}

/// W0529: a sample that is never there.
pub(super) fn no_such_sample(cx: &LintCx<'_>, out: &mut Vec<Diagnostic>) {
    let lengths = lengths(cx);
    for h in cx.ids() {
        if let (None, Some((_, [n]))) = (window(cx, h), cx.method(h, "GetSample"))
            && let Some(count) = cx.number(*n).filter(|n| *n < 1.0)
        {
            let d = warn(code::NO_SUCH_SAMPLE, cx.span(h), format!("`{}` asks for {count} samples", cx.text(h)));
            out.push(
                d.label("never has a sample")
                    .note("the mean or maximum of no samples is no number, and the evaluation stops when that reaches a target")
                    .help("the newest sample is `GetSample(1)`"),
            );
        }
        let Some((name @ ("val" | "std"), [v, rest @ ..])) = cx.call(h) else { continue };
        let Some(Length::Count(n)) = lengths[v.ix()].filter(|n| *n != Length::Count(0.0)) else { continue };
        let samples = format!("{n} sample{}", if n == 1.0 { "" } else { "s" });
        let d = match (name, rest) {
            ("val", [i]) => match cx.number(*i) {
                Some(i) if i >= n && n >= 1.0 => {
                    warn(code::NO_SUCH_SAMPLE, cx.span(h), format!("`{}` is past the end of {samples}", cx.text(h)))
                        .label("never has a value")
                        .help(format!("the first sample is number 0, the last one here is number {}", n - 1.0))
                }
                _ => continue,
            },
            ("std", []) if n == 1.0 => {
                warn(code::NO_SUCH_SAMPLE, cx.span(h), format!("`{}` is taken of one sample", cx.text(h)))
                    .label("one sample has no spread")
                    .help("a standard deviation needs two samples or more")
            }
            _ => continue,
        };
        out.push(d.also(cx.span(*v), format!("{samples} at most")));
    }
}

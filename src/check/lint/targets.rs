//! Lints about what the formula decides: targets and what happens to tasks on nodes that leave.

use super::{
    LintCx,
    facts::{like, only},
    nodes, warn,
};
use crate::{
    check::hir::{HId, HKind, Output, VersionId},
    diag::{Diagnostic, Edit, Fix, code},
};
use poolcast_grammar::{BinOp, Span};
use poolcast_runtime::{metric::Metric, value::DeallocationOption};

/// W0511: no target is set.
pub(super) fn no_target(cx: &LintCx<'_>, out: &mut Vec<Diagnostic>) {
    if cx.hir.versions.iter().any(|v| v.output.is_some_and(|o| o.target().is_some())) {
        return;
    }
    let Some(last) = cx.hir.stmts.last() else { return };
    out.push(
        warn(code::NO_TARGET, last.span, "the formula sets no target, so the pool keeps its size")
            .label("the formula ends here")
            .note("fine for a formula that only asks the service for values")
            .help("assign `$TargetDedicatedNodes` or `$TargetLowPriorityNodes`"),
    );
}

/// W0512: a target set twice without a look at the first value.
pub(super) fn target_twice(cx: &LintCx<'_>, out: &mut Vec<Diagnostic>) {
    for (i, version) in cx.hir.versions.iter().enumerate() {
        let Some(output) = version.output else { continue };
        let Some(next) = cx.hir.versions[i + 1..].iter().position(|v| v.output == Some(output)) else { continue };
        if cx.facts.uses[i] > 0 {
            continue;
        }
        out.push(
            warn(
                code::TARGET_TWICE,
                cx.version_span(VersionId(i as u32)),
                format!("this value of `{}` never counts", version.name),
            )
            .label("set here")
            .also(
                cx.version_span(VersionId((i + 1 + next) as u32)),
                "and set again here, without reading the first value",
            )
            .help("remove the first assignment, or read it in the second"),
        );
    }
}

/// W0513: an alias and its full name are both set.
pub(super) fn alias_and_name(cx: &LintCx<'_>, out: &mut Vec<Diagnostic>) {
    let last = |o: Output| cx.hir.versions.iter().rposition(|v| v.output == Some(o)).map(|i| VersionId(i as u32));
    for (alias, full) in [(Output::DedicatedAlias, Output::Dedicated), (Output::LowPriorityAlias, Output::LowPriority)]
    {
        if let (Some(a), Some(f)) = (last(alias), last(full)) {
            let (short, long) = (cx.version_name(a), full.name());
            out.push(
                warn(code::ALIAS_AND_NAME, cx.version_span(a), format!("`{short}` loses against `{long}`"))
                    .label("has no effect")
                    .also(cx.version_span(f), "this one counts, whatever the order")
                    .help(format!("keep only `{long}`")),
            );
        }
    }
}

/// For each expression and target: whether its value is at least what the target is now.
fn never_falls(cx: &LintCx<'_>) -> Vec<[bool; 2]> {
    let mut out: Vec<[bool; 2]> = Vec::with_capacity(cx.hir.exprs.len());
    for h in cx.ids() {
        let of = |h: HId, k: usize| out.get(h.ix()).is_some_and(|s| s[k]);
        let grows = |h: HId| cx.facts.range(h).0 >= 0.0;
        let stays = [0, 1].map(|k| match cx.kind(h) {
            HKind::CurrentTarget(t) => t as usize == k,
            HKind::Var(v) => cx.facts.value(v).is_some_and(|value| of(value, k)),
            HKind::Binary(BinOp::Add, a, b) => (of(a, k) && grows(b)) || (of(b, k) && grows(a)),
            HKind::Ternary(_, a, b) => of(a, k) && of(b, k),
            HKind::Call(..) => match cx.call(h) {
                Some(("max", args)) => args.iter().any(|a| of(*a, k)),
                Some(("ceil" | "round" | "floor", [x])) => of(*x, k),
                _ => false,
            },
            _ => false,
        });
        out.push(stays);
    }
    out
}

/// W0509: nodes may leave with running tasks, and nothing says what happens to the tasks.
pub(super) fn no_option(cx: &LintCx<'_>, out: &mut Vec<Diagnostic>) {
    if cx.facts.last_option.is_some() || cx.hir.versions.iter().any(|v| v.output == Some(Output::Option)) {
        return;
    }
    let stays = never_falls(cx);
    let falls = |(v, value): &(VersionId, HId)| {
        let slot = cx.hir.versions[v.ix()].output.and_then(|o| o.target());
        cx.facts.reads(*value).changes() && slot.is_none_or(|k| !stays[value.ix()][k])
    };
    let Some((v, _)) = cx.targets().find(falls) else { return };
    let Some(last) = cx.ast.stmts.last() else { return };
    // After the last statement and its `;`, if it has one.
    let end = last.span.hi as usize;
    let rest = cx.src.get(end..).unwrap_or("");
    let (at, text) = match rest.find(|c: char| !c.is_whitespace()) {
        Some(i) if rest[i..].starts_with(';') => (end + i + 1, "\n$NodeDeallocationOption = taskcompletion;"),
        _ => (end, ";\n$NodeDeallocationOption = taskcompletion;"),
    };
    out.push(
        warn(
            code::NO_OPTION,
            cx.version_span(v),
            format!("when `{}` falls, running tasks are killed and start over", cx.version_name(v)),
        )
        .label("this target can fall")
        .note("without `$NodeDeallocationOption` the service uses `requeue`, in every evaluation")
        .fix(false, "let running tasks finish", Span::new(at as u32, at as u32), text),
    );
}

/// W0510: an option that kills tasks, where tasks may run.
pub(super) fn killing_option(cx: &LintCx<'_>, out: &mut Vec<Diagnostic>) {
    let Some(value) = cx.facts.last_option.and_then(|v| cx.facts.value(v)) else { return };
    let busy = only(Metric::RunningTasks) | only(Metric::PendingTasks);
    for h in cx.facts.subtree(value) {
        let HKind::Option(option) = cx.kind(h) else { continue };
        let what = match option {
            DeallocationOption::Requeue => "kills the tasks of a leaving node and starts them over elsewhere",
            DeallocationOption::Terminate => "kills the tasks of a leaving node for good",
            _ => continue,
        };
        // Chosen by looking at the running tasks: deliberate.
        if cx.facts.guards(cx.hir, h).iter().any(|(c, _)| cx.facts.reads(*c).values() & busy != 0) {
            continue;
        }
        let word = option.keyword();
        out.push(
            warn(code::KILLING_OPTION, cx.span(h), format!("`{word}` {what}"))
                .label("tasks may be running")
                .help(format!("if that is what you want, say so with `//! allow {}`", code::KILLING_OPTION.0))
                .fix(false, "let running tasks finish", cx.span(h), "taskcompletion"),
        );
    }
}

/// W0508: `$ActiveTasks` alone forgets running tasks.
pub(super) fn active_only(cx: &LintCx<'_>, out: &mut Vec<Diagnostic>) {
    let work = only(Metric::RunningTasks) | only(Metric::PendingTasks);
    for (v, value) in cx.targets() {
        let reads = cx.facts.reads(value).values();
        if reads & only(Metric::ActiveTasks) == 0 || reads & work != 0 {
            continue;
        }
        let name = cx.version_name(v);
        let metric = cx
            .hir
            .exprs
            .iter()
            .find(|e| matches!(e.kind, HKind::Metric(Metric::ActiveTasks) | HKind::Latest(Metric::ActiveTasks)));
        let d = warn(
            code::ACTIVE_ONLY,
            metric.map_or(cx.version_span(v), |e| e.span),
            format!("`$ActiveTasks` alone decides `{name}`, and running tasks are not active"),
        )
        .label("counts only tasks that wait for a node")
        .also(cx.version_span(v), "falls as soon as the waiting tasks have started")
        .help("`$PendingTasks` counts waiting and running tasks");
        out.push(d);
    }
}

/// W0505: only the newest sample decides a target.
pub(super) fn last_sample_only(cx: &LintCx<'_>, out: &mut Vec<Diagnostic>) {
    for (v, value) in cx.targets() {
        let reads = cx.facts.reads(value);
        if reads.newest == 0 || reads.window != 0 || reads.several != 0 {
            continue;
        }
        let name = cx.version_name(v);
        // The read nearest to the target, for the label.
        let newest =
            cx.ids().find(|h| cx.method(*h, "GetSample").is_some() && cx.facts.reads(*h).newest & reads.newest != 0);
        let Some(read) = newest else { continue };
        let metric = cx.method(read, "GetSample").map_or("$PendingTasks", |m| m.0.name());
        out.push(
            warn(code::LAST_SAMPLE_ONLY, cx.span(read), format!("one single sample decides `{name}`"))
                .label("the newest sample, and no other")
                .also(cx.version_span(v), "follows it up and down")
                .note("a sample is one moment: a short dip or peak resizes the pool")
                .help(format!(
                    "look at several minutes, as in `{metric}.GetSamplePercent(w) < 70 ? max({metric}.GetSample(1)) : avg({metric}.GetSample(w))`"
                )),
        );
    }
}

/// W0523: current Spot nodes include the preempted ones.
pub(super) fn preempted_counted(cx: &LintCx<'_>, out: &mut Vec<Diagnostic>) {
    let preempted = like(Metric::PreemptedNodeCount) & only(Metric::PreemptedNodeCount);
    let decides =
        cx.targets().any(|(_, value)| cx.facts.reads(value).all() & only(Metric::CurrentLowPriorityNodes) != 0);
    let knows = cx.ids().any(|h| cx.facts.reads(h).all() & preempted != 0);
    if !decides || knows {
        return;
    }
    let read = cx.hir.exprs.iter().find(|e| {
        matches!(
            e.kind,
            HKind::Latest(Metric::CurrentLowPriorityNodes) | HKind::Metric(Metric::CurrentLowPriorityNodes)
        )
    });
    if let Some(e) = read {
        out.push(
            warn(
                code::PREEMPTED_COUNTED,
                e.span,
                "`$CurrentLowPriorityNodes` counts preempted nodes, which run nothing",
            )
            .label("may be larger than the number of working nodes")
            .help("subtract `max(0, $PreemptedNodeCount.GetSample(1))`"),
        );
    }
}

/// W0503: a fraction reaching a target is cut toward zero.
pub(super) fn fraction(cx: &LintCx<'_>, out: &mut Vec<Diagnostic>) {
    let mut told = Vec::new();
    for (v, value) in cx.targets() {
        let Some(source) = cx.facts.fraction(value) else { continue };
        if told.contains(&source) {
            continue;
        }
        told.push(source);
        let name = cx.version_name(v);
        let right = cx.right_side(v);
        let wrap = Fix {
            title: "round up".to_owned(),
            edits: vec![
                Edit { span: Span::new(right.lo, right.lo), text: "ceil(".to_owned() },
                Edit { span: Span::new(right.hi, right.hi), text: ")".to_owned() },
            ],
            automatic: false,
        };
        let text = cx.text(source);
        let mut d = match cx.number(source) {
            Some(n) => {
                let whole = n.trunc().max(0.0) as u64;
                warn(
                    code::FRACTION,
                    cx.span(source),
                    format!("`{name}` becomes {}: {n} is cut toward zero", nodes(whole)),
                )
            }
            None => {
                // The smallest value the target can have tells which fraction hurts most.
                let floor = cx.facts.range(value).0;
                let whole = if floor.is_finite() && floor >= 1.0 { floor.floor() as u64 } else { 0 };
                warn(
                    code::FRACTION,
                    cx.span(source),
                    format!("`{text}` can make `{name}` {whole}.75, which becomes {}", nodes(whole)),
                )
            }
        }
        .label("can have a fraction")
        .help("`ceil` rounds up, `round` to the nearest, `floor` says that cutting is meant");
        if !(right.lo <= cx.span(source).lo && cx.span(source).hi <= right.hi) {
            d = d.also(cx.version_span(v), "fractions are cut here");
        }
        d.fixes.push(wrap);
        out.push(d);
    }
}

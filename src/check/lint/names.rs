//! Lints about names: never used, easily confused, no longer current.

use super::{LintCx, builtin_names, warn};
use crate::{
    check::hir::{HKind, Output, VersionId},
    diag::{Diagnostic, code},
};
use poolcast_grammar::{Expr, Span};
use poolcast_runtime::metric::{ALIASES, Metric, Status};

/// W0501: assigned and never used.
pub(super) fn unused(cx: &LintCx<'_>, out: &mut Vec<Diagnostic>) {
    // Without a target the variables are the result: such a formula asks the service for values.
    if cx.facts.last_targets.is_empty() {
        return;
    }
    for (i, version) in cx.hir.versions.iter().enumerate() {
        let name = version.name.as_ref();
        if version.output.is_some() || cx.facts.uses[i] > 0 || name.trim_start_matches('$').starts_with('_') {
            continue;
        }
        // A misspelt target is told as such.
        if OUTPUTS.into_iter().any(|o| looks_like(name, o)) {
            continue;
        }
        let span = cx.version_span(VersionId(i as u32));
        let later = cx.hir.versions[i + 1..].iter().position(|v| *v.name == *name);
        let d = match later {
            Some(k) => warn(code::UNUSED, span, format!("this value of `{name}` is never used"))
                .label("assigned here")
                .also(cx.version_span(VersionId((i + 1 + k) as u32)), "replaced here before anything reads it")
                .help("remove the first assignment, or use a second name"),
            None => warn(code::UNUSED, span, format!("`{name}` is assigned and never used"))
                .label("nothing reads it")
                .help("use it, or remove the statement; a name that starts with `_` is left alone"),
        };
        let near = cx.hir.poisons.iter().find_map(|p| match p {
            crate::check::hir::Poison::Undefined(n) if strsim::osa_distance(n, name) <= 2 => Some(n),
            _ => None,
        });
        out.push(match near {
            Some(n) => d.note(format!("`{n}` is read and has no value: one of the two is probably misspelt")),
            None => d,
        });
    }
}

/// W0519: `$x` and `x` are two variables.
pub(super) fn dollar_and_bare(cx: &LintCx<'_>, out: &mut Vec<Diagnostic>) {
    let first = |name: &str| cx.hir.versions.iter().position(|v| *v.name == *name).map(|i| VersionId(i as u32));
    for (i, version) in cx.hir.versions.iter().enumerate() {
        let Some(bare) = version.name.strip_prefix('$') else { continue };
        if version.output.is_some() || first(&version.name) != Some(VersionId(i as u32)) {
            continue;
        }
        if let Some(other) = first(bare) {
            out.push(
                warn(
                    code::DOLLAR_AND_BARE,
                    cx.version_span(VersionId(i as u32)),
                    format!("`${bare}` and `{bare}` are two different variables"),
                )
                .label("one variable")
                .also(cx.version_span(other), "another variable")
                .help("write the name one way throughout"),
            );
        }
    }
}

const OUTPUTS: [&str; 5] = [
    "$TargetDedicatedNodes",
    "$TargetLowPriorityNodes",
    "$TargetDedicated",
    "$TargetLowPriority",
    "$NodeDeallocationOption",
];

/// W0520: a variable that looks like a misspelt service variable or function.
pub(super) fn near_service_name(cx: &LintCx<'_>, out: &mut Vec<Diagnostic>) {
    let mut seen: Vec<&str> = Vec::new();
    for (i, version) in cx.hir.versions.iter().enumerate() {
        let name = version.name.as_ref();
        if version.output.is_some() || seen.contains(&name) {
            continue;
        }
        seen.push(name);
        let span = cx.version_span(VersionId(i as u32));
        if let Some(output) = OUTPUTS.into_iter().find(|o| looks_like(name, o)) {
            // A helper that feeds the real variable is deliberate.
            if !cx.hir.versions.iter().any(|v| v.output == Output::from_name(output)) {
                out.push(
                    warn(
                        code::NEAR_SERVICE_NAME,
                        span,
                        format!("`{name}` is an ordinary variable; the service reads `{output}`"),
                    )
                    .label("the service does not look at this")
                    .fix(exact(name, output), format!("write `{output}`"), span, output),
                );
            }
        } else if let Some(metric) = Metric::ALL.iter().find(|m| looks_like(name, m.name())) {
            if !cx.hir.exprs.iter().any(|e| matches!(e.kind, HKind::Metric(m) | HKind::Latest(m) if m == *metric)) {
                out.push(
                    warn(
                        code::NEAR_SERVICE_NAME,
                        span,
                        format!("`{name}` is an ordinary variable, not the metric `{}`", metric.name()),
                    )
                    .label("easily mistaken for a service metric")
                    .help("choose a name that cannot be mistaken for the metric"),
                );
            }
        } else if let Some(f) = builtin_names().find(|f| *f != name && f.eq_ignore_ascii_case(name)) {
            out.push(
                warn(
                    code::NEAR_SERVICE_NAME,
                    span,
                    format!("`{name}` is an ordinary variable, not the function `{f}`"),
                )
                .label("differs from a function only in case")
                .help("choose another name"),
            );
        }
    }
}

/// The same up to case and `$`.
fn exact(name: &str, service: &str) -> bool {
    name.trim_start_matches('$').eq_ignore_ascii_case(service.trim_start_matches('$'))
}

fn looks_like(name: &str, service: &str) -> bool {
    if name == service {
        return false;
    }
    let (a, b) = (name.trim_start_matches('$').to_lowercase(), service.trim_start_matches('$').to_lowercase());
    // A distance is evidence only for names with `$` and of some length; `tasks` is nobody's misspelling.
    a == b || (name.starts_with('$') && b.len() >= 8 && strsim::osa_distance(&a, &b) <= 2)
}

/// Every place where a name is written: reads and assignments.
fn places(cx: &LintCx<'_>, name: &str) -> Vec<Span> {
    let reads = cx.ast.exprs.iter().zip(&cx.ast.spans).filter_map(|(e, span)| match e {
        Expr::Name(id) if cx.ast.name(*id) == name => Some(*span),
        _ => None,
    });
    let writes = cx.ast.stmts.iter().filter_map(|s| s.target).filter(|(id, _)| cx.ast.name(*id) == name).map(|t| t.1);
    reads.chain(writes).collect()
}

/// W0522: an old name of a service variable.
pub(super) fn old_name(cx: &LintCx<'_>, out: &mut Vec<Diagnostic>) {
    for (old, metric) in ALIASES {
        for span in places(cx, old) {
            out.push(
                warn(code::OLD_NAME, span, format!("`{old}` is the old name of `{}`", metric.name()))
                    .label("renamed in 2017")
                    .note("whether the service still knows the old name is not documented")
                    .fix(true, format!("write `{}`", metric.name()), span, metric.name()),
            );
        }
    }
    for (old, new) in [("$TargetDedicated", "$TargetDedicatedNodes"), ("$TargetLowPriority", "$TargetLowPriorityNodes")]
    {
        // With both in use, renaming would change which one counts; W0513 speaks of that.
        let both = !places(cx, new).is_empty();
        for span in places(cx, old) {
            let d = warn(code::OLD_NAME, span, format!("`{old}` is the old name of `{new}`"))
                .label("renamed in 2017")
                .note("the old name still works");
            out.push(if both {
                d.help(format!("keep only `{new}`"))
            } else {
                d.fix(true, format!("write `{new}`"), span, new)
            });
        }
    }
}

/// W0521: a metric the service no longer fills.
pub(super) fn retired(cx: &LintCx<'_>, out: &mut Vec<Diagnostic>) {
    for e in &cx.hir.exprs {
        if let HKind::Metric(m) | HKind::Latest(m) = e.kind
            && m.row().status == Status::Retired
        {
            out.push(
                    warn(code::RETIRED, e.span, format!("`{}` has no samples any more", m.name()))
                        .label("gone from the documentation")
                        .note(format!("listed {}", m.row().since))
                        .help("of the resource metrics only `$CPUPercent` is left; task metrics such as `$PendingTasks` say more"),
                );
        }
    }
}

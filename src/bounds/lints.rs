//! What bounds know that `check` should say: caps that do not cap, arms never taken, targets that cannot be applied.
//!
//! In: a checked formula. Out: `W056x` diagnostics, each with the input that shows it. Never: a finding without a proof or
//! a run; a name alone proves nothing.

use super::{
    assume::{Assume, History},
    domain::{Abs, Num},
    report::{self, Found},
    search::{Search, is_trap},
    transfer::Stop,
    walk::{self, Analysis, Trap, analyse},
    witness::Witness,
};
use crate::{
    Engine, Formula, Options,
    check::hir::{HId, HKind, Hir},
    diag::{Diagnostic, Severity, code},
    ir::{
        Inst, Term, Val,
        lower::{Effort, lower},
    },
};
use poolcast_grammar::{BinOp, Span};
use poolcast_runtime::{builtins, rules::Rules, trap::Trap as Fatal};

/// Evaluations a check may spend: a few milliseconds.
const BUDGET: u32 = 2_000;

/// Pools people have: what no real pool shows is no reason for a warning.
fn likely() -> Assume {
    let mut assume = Assume::default();
    let (tasks, nodes) = (1e6, 1e5);
    for n in &mut assume.samples {
        if n.int {
            *n = n.at_most(tasks);
        }
    }
    for n in assume.targets.iter_mut().chain(&mut assume.current) {
        *n = n.at_most(nodes);
    }
    assume
}

/// The findings about a formula without errors.
pub fn lints(source: &str, hir: &Hir) -> Vec<Diagnostic> {
    let mut out = Vec::new();
    if !hir.poisons.is_empty() || hir.stmts.is_empty() {
        return out;
    }
    let program = lower(hir, &Rules::default(), Effort::Optimised);
    let assume = likely();
    let analysis = analyse(&program, &assume);
    decided(source, hir, &analysis, &mut out);
    always_cut(hir, &analysis, &mut out);
    let limits = limits(hir, &analysis);
    // What reductions of nothing give is not known, so only samples that are there count.
    let full = analyse(&program, &assume.clone().with_history(History::Full));
    let bad: Vec<Trap> =
        full.traps.iter().copied().filter(|t| matches!(t.stop, Stop::Negative | Stop::NotFinite)).collect();
    if bad.is_empty() && limits.is_empty() {
        return out;
    }
    let options = Options { engine: Engine::Interp, like_service: true, ..Options::default() };
    let Ok(formula) = Formula::compile_with(source, &options) else { return out };
    let mut search = Search::new(&formula, &assume, 0);
    if !limits.is_empty() {
        let found = report::hunt(&mut search, &analysis, BUDGET);
        limits_kept(hir, &limits, &found, &mut out);
    }
    for trap in bad {
        bad_target(source, hir, &formula, &full, &mut search, trap, &mut out);
    }
    out
}

fn warn(code: crate::diag::Code, span: Span, message: String) -> Diagnostic {
    Diagnostic::new(code, Severity::Warning, span, message)
}

// ---- stated limits ----

/// A limit a formula states: a constant with a telling name, used where it would limit.
struct Limit {
    target: usize,
    upper: bool,
    value: f64,
    stmt: usize,
    /// The target's own statement.
    at: Span,
}

/// Words that make a constant a limit of something else.
const OTHER: &[&str] = &[
    "task", "slot", "percent", "pct", "minute", "hour", "time", "sec", "day", "age", "wait", "cpu", "ratio", "idle",
    "sample", "load", "queue", "interval", "window", "factor", "step", "growth", "delta", "change", "increase", "job",
    "rate", "per", "spare", "extra",
];

fn limits(hir: &Hir, analysis: &Analysis<'_>) -> Vec<Limit> {
    let mut out = Vec::new();
    for k in 0..2 {
        let (Some(bound), _) = analysis.target(k) else { continue };
        let stmts = report::deciders(hir, analysis, k);
        let own = stmts.iter().rev().find_map(|s| {
            let stmt = hir.stmts.get(*s as usize)?;
            let v = stmt.version?;
            (hir.versions[v.ix()].output.and_then(|o| o.target()) == Some(k)).then_some(stmt.target_span)
        });
        let Some(at) = own else { continue };
        for upper in [true, false] {
            let mut all: Vec<(f64, usize)> = stmts
                .iter()
                .filter_map(|s| {
                    let value = constant(hir, analysis, *s as usize)?;
                    let version = hir.stmts[*s as usize].version?;
                    let name = hir.versions[version.ix()].name.trim_start_matches('$').to_lowercase();
                    (names_limit(&name, upper) && limits_something(hir, &stmts, version, upper))
                        .then_some((value, *s as usize))
                })
                .collect();
            // Several limits: only what breaks all of them is surely unmeant.
            all.sort_by(|a, b| a.0.total_cmp(&b.0));
            let Some((value, stmt)) = (if upper { all.last() } else { all.first() }).copied() else { continue };
            if if upper { bound.hi > value } else { bound.lo < value } {
                out.push(Limit { target: k, upper, value, stmt, at });
            }
        }
    }
    out
}

fn names_limit(name: &str, upper: bool) -> bool {
    let word = |w: &str| name.contains(w);
    let limit = if upper {
        word("max") || word("cap") || word("limit") || name == "most" || name == "upper"
    } else {
        (word("min") && !word("minute")) || word("floor") || word("atleast") || name == "least" || name == "lower"
    };
    limit && !OTHER.iter().any(|w| word(w))
}

/// The value of a statement that assigns a constant.
fn constant(hir: &Hir, analysis: &Analysis<'_>, s: usize) -> Option<f64> {
    let stmt = hir.stmts.get(s)?;
    let version = stmt.version?;
    let v = analysis.stores.get(version.ix()).copied().flatten()?;
    match analysis.program.insts[v.ix()] {
        Inst::Double(bits) => Some(f64::from_bits(bits)),
        _ => None,
    }
}

/// Whether a variable is an argument of `min` (for an upper limit) or `max`, or compared with.
fn limits_something(hir: &Hir, stmts: &[u32], version: crate::check::hir::VersionId, upper: bool) -> bool {
    let is = |h: HId| hir.expr(h).kind == HKind::Var(version);
    stmts.iter().filter_map(|s| hir.stmts.get(*s as usize)).any(|stmt| {
        (stmt.first..=stmt.value.0).any(|id| match hir.expr(HId(id)).kind {
            HKind::Call(id, args) => {
                let name = builtins::row_of(id).name;
                name == if upper { "min" } else { "max" } && hir.args(args).iter().any(|a| is(*a))
            }
            HKind::Binary(BinOp::Lt | BinOp::Le | BinOp::Gt | BinOp::Ge, a, b) => is(a) || is(b),
            _ => false,
        })
    })
}

fn limits_kept(hir: &Hir, limits: &[Limit], found: &Found, out: &mut Vec<Diagnostic>) {
    for l in limits {
        let Some((n, w)) = &found.ends[l.target][usize::from(l.upper)] else { continue };
        let broken = if l.upper { *n > l.value } else { *n < l.value.trunc() };
        if !broken {
            continue;
        }
        let stmt = &hir.stmts[l.stmt];
        let name = stmt.version.map_or("", |v| hir.versions[v.ix()].name.as_ref());
        let (code, word) = if l.upper { (code::CAP, "exceed") } else { (code::FLOOR, "fall below") };
        let g = poolcast_runtime::print::general;
        out.push(
            warn(
                code,
                l.at,
                format!(
                    "{} can be {}, though `{name}` is {}: {}",
                    report::name(l.target),
                    g(*n),
                    g(l.value),
                    w.words()
                ),
            )
            .label(format!("can {word} `{name}`"))
            .also(stmt.target_span, "the stated limit")
            .help(if l.upper {
                format!("limit what is assigned last: `min({name}, …)`")
            } else {
                format!("limit what is assigned last: `max({name}, …)`")
            }),
        );
    }
}

// ---- targets that cannot be applied ----

fn bad_target(
    source: &str,
    hir: &Hir,
    formula: &Formula,
    analysis: &Analysis<'_>,
    search: &mut Search<'_>,
    trap: Trap,
    out: &mut Vec<Diagnostic>,
) {
    let Some(stmt) = hir.stmts.iter().find(|s| s.target_span.lo == trap.at) else { return };
    let full = search.longest();
    let run = |w: &Witness| {
        let inputs = w.inputs(formula.rules());
        let arena = poolcast_runtime::arena::Arena::new(formula.rules().memory_budget.0);
        crate::formula::interpret(formula.program(), &inputs.snapshot(), &arena, |_| {}).map(|_| ())
    };
    let mut fails = |w: &Witness| {
        let sampled = w.holes == 0 && w.columns.iter().all(|(_, c)| c.len() >= full);
        if !sampled {
            return None;
        }
        match run(w) {
            Err(fault) if is_trap(&fault, trap) => Some(f64::INFINITY),
            _ => Some(0.0),
        }
    };
    let Some(w) = search.seek(BUDGET, &mut fails) else { return };
    let w = search.simplest_by(w, &mut |w| fails(w) == Some(f64::INFINITY));
    let name = stmt.target_span.text(source);
    // The value of the run that shows it says which of the reasons it is.
    let large = match run(&w) {
        Err(fault) => match fault.trap {
            Fatal::NotFinite(x) if x.is_finite() => Some(x),
            _ => None,
        },
        _ => None,
    };
    let what = match (trap.stop, large) {
        (Stop::Negative, _) => "negative".to_owned(),
        (_, Some(x)) => format!("{}, beyond 32 bits", poolcast_runtime::print::general(x)),
        (_, None) => "NaN or infinite".to_owned(),
    };
    let p = analysis.program;
    let value = p.insts.iter().zip(&p.at).find_map(|(inst, at)| match inst {
        Inst::Target(v) if *at == trap.at => Some(*v),
        _ => None,
    });
    let always = value.is_some_and(|v| match analysis.vals[v.ix()] {
        Abs::Num(n) if trap.stop == Stop::Negative => n.hi <= -1.0 && !n.nan,
        Abs::Num(n) => n.exact().is_some(),
        _ => false,
    });
    let message =
        if always { format!("`{name}` is always {what}") } else { format!("`{name}` can be {what}: {}", w.words()) };
    let d = warn(code::BAD_TARGET, stmt.target_span, message)
        .label(format!("{} {what}", if always { "always" } else { "can be" }))
        .note("the evaluation then fails, and the pool stays as it is");
    let divides = hir.exprs.iter().any(|e| matches!(e.kind, HKind::Binary(BinOp::Div, ..)));
    out.push(if trap.stop == Stop::Negative {
        let value = hir.expr(stmt.value).span;
        if always {
            d.help("a target is a number of nodes, 0 or more")
        } else {
            d.fix(false, "never ask for less than nothing", value, format!("max(0, {})", value.text(source)))
        }
    } else if large.is_some() {
        d.help("limit what is assigned: `min(most, …)`")
    } else if divides {
        d.help("a division by zero is infinite or NaN; divide by `max(1, …)`, or test the divisor")
    } else {
        d.help("NaN comes of what has no value, such as the mean of no samples or `ln` of a negative number; test for it first")
    });
}

// ---- conditions ----

/// The condition expression a block's branch was lowered from, and what it is a condition of.
fn condition(hir: &Hir, at: u32) -> Option<(HId, HId)> {
    hir.exprs.iter().enumerate().find_map(|(i, e)| match e.kind {
        HKind::Ternary(c, ..) if hir.expr(c).at == at => Some((c, HId(i as u32))),
        _ => None,
    })
}

fn decided(source: &str, hir: &Hir, analysis: &Analysis<'_>, out: &mut Vec<Diagnostic>) {
    let p = analysis.program;
    let mut told: Vec<Span> = Vec::new();
    for (b, block) in p.blocks.iter().enumerate() {
        let (Term::Branch(c, ..), [yes, no]) = (block.term, analysis.taken[b]) else { continue };
        if yes == no {
            continue;
        }
        let Some((cond, ternary)) = condition(hir, block.at) else { continue };
        let HKind::Ternary(_, a, f) = hir.expr(ternary).kind else { continue };
        let dead = hir.expr(if yes { f } else { a }).span;
        let text = shorten(hir.expr(cond).span.text(source));
        told.push(hir.expr(cond).span);
        let d = warn(
            code::ARM_NEVER,
            dead,
            format!("no input reaches `{}`: `{text}` is {} true", shorten(dead.text(source)), word(yes)),
        )
        .label("never evaluated")
        .also(hir.expr(cond).span, format!("{} true", word(yes)));
        out.push(facts(source, hir, analysis, c, d));
    }
    for (i, inst) in p.insts.iter().enumerate() {
        let Inst::Binary(op, x, y) = *inst else { continue };
        let Abs::Num(n) = analysis.vals[i] else { continue };
        let (true, Some(truth)) = (walk::is_comparison(op) && p.live[i], n.exact()) else { continue };
        let Some(e) = hir.exprs.iter().find(|e| e.at == p.at[i] && matches!(e.kind, HKind::Binary(..))) else {
            continue;
        };
        if told.iter().any(|s| s.lo <= e.span.lo && e.span.hi <= s.hi) {
            continue;
        }
        // Two settings compared with each other are deliberate.
        let fixed = |v: Val| matches!(analysis.vals[v.ix()], Abs::Num(Num { nan: false, lo, hi, .. }) if lo == hi);
        if fixed(x) && fixed(y) {
            continue;
        }
        told.push(e.span);
        let text = shorten(e.span.text(source));
        let d = warn(code::DECIDED, e.span, format!("`{text}` is {} true", word(truth != 0.0)))
            .label("the same on every input");
        out.push(facts(source, hir, analysis, Val(i as u32), d));
    }
}

fn word(always: bool) -> &'static str {
    if always { "always" } else { "never" }
}

/// The ranges that decide a comparison.
fn facts(source: &str, hir: &Hir, analysis: &Analysis<'_>, c: Val, mut d: Diagnostic) -> Diagnostic {
    if let Inst::Binary(_, x, y) = analysis.program.insts[c.ix()]
        && let Some(e) =
            hir.exprs.iter().find(|e| e.at == analysis.program.at[c.ix()] && matches!(e.kind, HKind::Binary(..)))
        && let HKind::Binary(_, a, b) = e.kind
    {
        for (h, v) in [(a, x), (b, y)] {
            if let (Abs::Num(n), false) = (analysis.vals[v.ix()], matches!(hir.expr(h).kind, HKind::Double(_))) {
                d = d.note(format!("`{}` is {}", shorten(hir.expr(h).span.text(source)), report::range(n)));
            }
        }
    }
    d
}

/// W0564: every value the target can have is cut to zero, and not all of them are zero.
fn always_cut(hir: &Hir, analysis: &Analysis<'_>, out: &mut Vec<Diagnostic>) {
    for k in 0..2 {
        let (Some(n), _) = analysis.target(k) else { continue };
        if n.hi > 0.0 {
            continue;
        }
        for e in &analysis.endings {
            let slot = crate::outcome::outputs(analysis.program, e.end)[k];
            let Some(v) = slot.and_then(|s| analysis.stores[s as usize]) else { continue };
            let raw = e.state.vals[v.ix()].num();
            let stmt = slot.and_then(|s| hir.stmts.get(analysis.program.slots[s as usize].stmt as usize));
            if let (true, Some(stmt)) = (raw.hi > 0.0 && raw.exact().is_none(), stmt) {
                out.push(
                    warn(
                        code::ALWAYS_CUT,
                        stmt.target_span,
                        format!(
                            "{} is always 0: its value is {}, and the fraction is cut",
                            report::name(k),
                            report::range(raw)
                        ),
                    )
                    .label("always 0")
                    .help("round up with `ceil(…)`, or scale before assigning"),
                );
                break;
            }
        }
    }
}

fn shorten(text: &str) -> String {
    let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= 60 { text } else { text.chars().take(59).chain(['…']).collect() }
}

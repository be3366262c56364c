//! What must hold after every evaluation: proved, refuted by a run, or unknown and why.
//!
//! In: claims as `bounds::claim` reads them. Out: verdicts. Never: "proved" by trying.
//!
//! A condition is an expression of the language itself. To prove it, it becomes one more statement at the end of the
//! formula (and of the formula cut off at each `stop()`), with targets read as node counts, and the whole is analysed; so
//! a condition may use the formula's variables, samples, everything. Questions about time are in `temporal`.

use super::temporal;
pub use crate::bounds::claim::{Assertion, Claim, in_comments, parse};
use crate::{
    Formula,
    bounds::{assume::Assume, domain::Num, report, search::Search, walk::analyse, witness::Witness},
    check::{self, hir::Output},
    diag::Severity,
    interp::End,
    ir::{
        Program,
        lower::{Effort, lower},
    },
};
use poolcast_grammar::{Ast, BinOp, Expr, ExprId};
use poolcast_runtime::{arena::Arena, rules::TargetRounding, value::Value};

/// A run that contradicts a claim.
#[derive(Debug, Clone, PartialEq)]
pub struct Counterexample {
    /// The input of the evaluation that does; none where it depends on more, such as draws of `rand()`.
    pub witness: Option<Witness>,
    /// For a claim about time: the pool it happens in, as a scenario file.
    pub scenario: Option<String>,
    /// What happened, in words.
    pub what: String,
}

/// What came of a claim.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It holds on every admissible input.
    Proved,
    /// It does not, and here is a run.
    Refuted(Box<Counterexample>),
    /// Neither, and why.
    Unknown(String),
}

/// Judges a claim.
pub fn judge(
    formula: &Formula,
    assume: &Assume,
    assertion: &Assertion,
    budget: u32,
    seed: u64,
) -> Result<Verdict, String> {
    match &assertion.claim {
        Claim::Always(text) => {
            // Each part of a conjunction on its own: its margin guides the search.
            let mut unknown = None;
            for part in conjuncts(text) {
                match always(formula, assume, &part, budget, seed)? {
                    Verdict::Proved => {}
                    Verdict::Unknown(why) => unknown = Some(why),
                    refuted => return Ok(refuted),
                }
            }
            Ok(unknown.map_or(Verdict::Proved, Verdict::Unknown))
        }
        claim => Ok(temporal::judge(formula, assume, claim, budget)),
    }
}

fn conjuncts(text: &str) -> Vec<String> {
    let ast = poolcast_grammar::parse(text).ast;
    let mut out = Vec::new();
    let mut todo: Vec<ExprId> = ast.stmts.iter().map(|s| s.value).collect();
    while let Some(id) = todo.pop() {
        match ast.expr(ast.unparen(id)) {
            Expr::Binary(BinOp::And, a, b) => todo.extend([b, a]),
            _ => out.push(ast.span(id).text(text).to_owned()),
        }
    }
    out
}

const HOLDS: &str = "poolcast_holds";
const MARGIN: &str = "poolcast_margin";

/// A formula with a condition as its last statement: whole, or cut off before a statement that stops.
struct Extended {
    program: Program,
    holds: usize,
    margin: Option<usize>,
}

fn extend(formula: &Formula, cut: Option<u32>, condition: &str) -> Result<Extended, String> {
    let (source, hir) = (formula.source(), formula.hir());
    let base = match cut.and_then(|s| hir.stmts.get(s as usize)) {
        Some(stmt) => &source[..stmt.span.lo as usize],
        None => source,
    };
    let from = base.len() as u32;
    let condition = as_counts(formula, cut, condition);
    let mut text = format!("{base}\n;{HOLDS} = ({condition});");
    if let Some((more, less)) = sides(&condition) {
        text.push_str(&format!("{MARGIN} = ({more}) - ({less});"));
    }
    let checked = check::check(&poolcast_grammar::parse(&text).ast);
    if let Some(d) = checked.diagnostics.iter().find(|d| d.severity == Severity::Error && d.span.lo >= from) {
        let more = d.help.iter().chain(d.fixes.iter().map(|f| &f.title)).next();
        let remedy = more.map_or(String::new(), |m| format!("; {m}"));
        return Err(format!("the assertion `{condition}` does not check: {}{remedy}", d.message));
    }
    let program = lower(&checked.hir, formula.rules(), Effort::Optimised);
    let slot = |name: &str| program.slots.iter().position(|s| *s.name == *name);
    let (Some(holds), margin) = (slot(HOLDS), slot(MARGIN)) else {
        return Err("the assertion cannot be reached: the formula always stops before its end".into());
    };
    Ok(Extended { holds, margin, program })
}

/// For a comparison, what makes it false by growing: (more, less).
fn sides(condition: &str) -> Option<(&str, &str)> {
    let ast: Ast = poolcast_grammar::parse(condition).ast;
    let id = ast.unparen(ast.stmts.first()?.value);
    let Expr::Binary(op, a, b) = ast.expr(id) else { return None };
    let text = |id: ExprId| ast.span(id).text(condition);
    match op {
        BinOp::Lt | BinOp::Le => Some((text(a), text(b))),
        BinOp::Gt | BinOp::Ge => Some((text(b), text(a))),
        _ => None,
    }
}

/// Targets as node counts: what the pool gets, not the fraction the formula wrote.
fn as_counts(formula: &Formula, cut: Option<u32>, condition: &str) -> String {
    let before =
        |o: Output| formula.program().slots.iter().any(|s| s.output == Some(o) && cut.is_none_or(|c| s.stmt < c));
    let name = |full: Output, alias: Output, names: [&'static str; 2]| {
        if !before(full) && before(alias) { names[1] } else { names[0] }
    };
    let dedicated = name(Output::Dedicated, Output::DedicatedAlias, ["$TargetDedicatedNodes", "$TargetDedicated"]);
    let low = name(Output::LowPriority, Output::LowPriorityAlias, ["$TargetLowPriorityNodes", "$TargetLowPriority"]);
    let ast = poolcast_grammar::parse(condition).ast;
    let mut out = condition.to_owned();
    for i in (0..ast.exprs.len()).rev() {
        let id = ExprId(i as u32);
        let span = ast.span(id);
        if !matches!(ast.expr(id), Expr::Name(_)) {
            continue;
        }
        let read = match span.text(condition) {
            "$TargetDedicatedNodes" | "$TargetDedicated" => dedicated,
            "$TargetLowPriorityNodes" | "$TargetLowPriority" => low,
            _ => continue,
        };
        let count = match formula.rules().target_rounding {
            TargetRounding::Truncate => format!("floor(max(0, {read}))"),
            TargetRounding::Round => format!("floor(max(0, {read}) + 0.5)"),
            TargetRounding::Ceil => format!("ceil(max(0, {read}))"),
        };
        out.replace_range(span.lo as usize..span.hi as usize, &count);
    }
    out
}

fn always(formula: &Formula, assume: &Assume, condition: &str, budget: u32, seed: u64) -> Result<Verdict, String> {
    let whole = extend(formula, None, condition);
    let mut stops: Vec<u32> = analyse(formula.program(), assume)
        .endings
        .iter()
        .filter_map(|e| match e.end {
            End::Stopped(s) => Some(s),
            End::Finished => None,
        })
        .collect();
    stops.sort_unstable();
    stops.dedup();
    let mut parts = vec![(None, whole?)];
    for s in stops {
        parts.push((Some(s), extend(formula, Some(s), condition)?));
    }
    let mut left = String::new();
    for (_, part) in &parts {
        let analysis = analyse(&part.program, assume);
        for e in analysis.endings.iter().filter(|e| e.end == End::Finished) {
            let value = |slot: usize| analysis.stores[slot].map(|v| e.state.vals[v.ix()].num());
            let holds = value(part.holds).unwrap_or(Num::ANY);
            if holds.nan || holds.zero() {
                left = match part.margin.and_then(value) {
                    Some(m) => {
                        format!("the bounds only allow to say that `{condition}` misses by {}", report::range(m))
                    }
                    None => format!("the bounds do not decide `{condition}`"),
                };
            }
        }
    }
    if left.is_empty() {
        return Ok(Verdict::Proved);
    }
    let mut search = Search::new(formula, assume, seed);
    parts.iter().for_each(|(_, p)| search.learn(&p.program));
    let mut test = |w: &Witness| contradicts(&parts, w, formula);
    let Some(found) = search.seek(budget, &mut test) else {
        return Ok(Verdict::Unknown(format!("{left}; no counterexample in {} evaluations", search.made)));
    };
    let witness = search.simplest_by(found, &mut |w| test(w) == Some(f64::INFINITY));
    // Replayed on the engine that users run.
    let what = match formula.evaluate(&witness.inputs(formula.rules())) {
        Ok(o) => o.results().split(';').take(2).collect::<Vec<_>>().join(", "),
        Err(e) => return Ok(Verdict::Unknown(format!("the engine does not confirm the counterexample: {e}"))),
    };
    Ok(Verdict::Refuted(Box::new(Counterexample { witness: Some(witness), scenario: None, what })))
}

/// Infinity where a run contradicts the condition, else how near it comes; none where it fails.
fn contradicts(parts: &[(Option<u32>, Extended)], w: &Witness, formula: &Formula) -> Option<f64> {
    let inputs = w.inputs(formula.rules());
    let snapshot = inputs.snapshot();
    let mut at = &parts[0].1;
    loop {
        let arena = Arena::new(formula.rules().memory_budget.0);
        let (end, frame) = crate::formula::interpret(&at.program, &snapshot, &arena, |_| {}).ok()?;
        match end {
            End::Finished => {
                let number = |slot: usize| match frame.get(slot).copied().flatten() {
                    Some(Value::Double(x)) => Some(x),
                    _ => None,
                };
                let holds = number(at.holds)?;
                if holds == 0.0 || holds.is_nan() {
                    return Some(f64::INFINITY);
                }
                return Some(at.margin.and_then(number).filter(|m| m.is_finite()).unwrap_or(-1e300));
            }
            End::Stopped(s) => {
                let next = &parts.iter().find(|p| p.0 == Some(s))?.1;
                if std::ptr::eq(next, at) {
                    return None;
                }
                at = next;
            }
        }
    }
}

//! Statements and expressions: what was typed becomes a formula with everything it depends on in front of it.
//!
//! In: typed text, the session. Out: values with their types, diagnostics under what was typed. Never: a rule of the
//! language; a change to the session when anything is wrong.
//!
//! Variables are formulas, not frozen numbers: the statements are kept and evaluated again in the present world. Only the
//! statements a line depends on are evaluated with it, so that a variable that cannot be had now spoils nobody else's.

use super::{
    Reply,
    session::{Session, State, Statement},
    show,
};
use crate::{
    Engine, Error, Formula, Inputs, Options, OwnedValue,
    check::hir::Output,
    diag::{Code, Diagnostic, Diagnostics, Severity, render, syntax},
    interp::{self, End, Fault},
    ir::{
        Program,
        lower::{self, Effort},
    },
    outcome,
};
use poolcast_grammar::{Expr, Span, SyntaxKind};
use poolcast_runtime::{
    arena::Arena,
    cx::{Cx, Note},
    metric::Metric,
    target,
    trap::Trap,
    ty::Ty,
};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The name of the value shown last.
pub const IT: &str = "it";

/// A text made of statements entered before and what was typed now.
#[derive(Debug, Clone)]
pub(super) struct Composed {
    /// The whole formula.
    pub text: String,
    /// (place in `text`, place in what was typed, length) of each typed statement.
    pieces: Vec<(usize, usize, usize)>,
    /// How many statements stand before the typed ones.
    pub before: usize,
}

impl Composed {
    /// The place in what was typed; none when it is in a statement entered before.
    fn typed(&self, span: Span) -> Option<Span> {
        let place = |at: u32| {
            let at = at as usize;
            let (full, typed, _) = self.pieces.iter().find(|(full, _, len)| (*full..=full + len).contains(&at))?;
            Some((typed + at - full) as u32)
        };
        let lo = place(span.lo)?;
        Some(Span::new(lo, place(span.hi).unwrap_or(lo).max(lo)))
    }
    /// A diagnostic moved to what was typed.
    fn outward(&self, d: &Diagnostic) -> Option<Diagnostic> {
        let mut out = d.clone();
        out.span = self.typed(d.span)?;
        out.labels.retain_mut(|l| match self.typed(l.span) {
            Some(span) => {
                l.span = span;
                true
            }
            None => false,
        });
        out.fixes.retain_mut(|f| {
            f.edits.iter_mut().all(|e| match self.typed(e.span) {
                Some(span) => {
                    e.span = span;
                    true
                }
                None => false,
            })
        });
        Some(out)
    }
}

/// What one evaluation came to.
#[derive(Debug)]
pub(super) struct Ran {
    /// The program, unoptimised.
    pub program: Program,
    /// One value for each assignment that happened.
    pub values: Vec<Option<OwnedValue>>,
    /// How it ended.
    pub end: Result<End, Fault>,
    /// What the run noted.
    pub notes: Vec<Note>,
}

/// Evaluates a compiled formula on the reference engine.
pub(super) fn evaluate(formula: &Formula, inputs: &Inputs) -> Ran {
    let program = lower::lower(formula.hir(), formula.rules(), Effort::Plain);
    let snapshot = inputs.snapshot();
    let arena = Arena::new(program.rules.memory_budget.0);
    let mut cx = Cx::new(&snapshot, &program.rules, &arena);
    let mut frame = Vec::new();
    let end = interp::run(&program, &mut cx, &mut frame, |_| {});
    let values = frame.iter().map(|v| v.as_ref().map(outcome::owned)).collect();
    let notes = cx.notes.iter().collect();
    drop(frame);
    Ran { program, values, end, notes }
}

/// The statements the typed ones depend on, in order.
pub(super) fn needed<'s>(
    kept: impl DoubleEndedIterator<Item = &'s Statement>,
    typed: &[Statement],
) -> Vec<&'s Statement> {
    let mut names: BTreeSet<&str> = typed.iter().flat_map(|s| s.reads.iter().map(String::as_str)).collect();
    let mut out: Vec<&Statement> = Vec::new();
    for s in kept.rev() {
        let wanted = names.remove(s.target.as_str());
        if wanted || s.sticky {
            names.extend(s.reads.iter().map(String::as_str));
            out.push(s);
        }
    }
    out.reverse();
    out
}

/// Statements as text, each typed expression as an assignment to `it`.
fn compose(before: &[&Statement], typed: &[(Statement, usize)], it: &str) -> Composed {
    let mut text = String::new();
    for s in before {
        let _ = writeln!(text, "{};", s.text);
    }
    let mut pieces = Vec::new();
    for (s, at) in typed {
        if s.target.is_empty() {
            let _ = write!(text, "{it} = ");
        }
        pieces.push((text.len(), *at, s.text.len()));
        let _ = writeln!(text, "{};", s.text);
    }
    Composed { text, pieces, before: before.len() }
}

pub(super) fn options(state: &State) -> Options {
    Options { rules: state.rules, engine: Engine::Interp, ..Options::default() }
}

/// Compiles; the error says where in what was typed, or which statement entered before is to blame.
fn compile(session: &Session, composed: &Composed, typed: &str) -> Result<(Formula, Vec<Diagnostic>), Reply> {
    match Formula::compile_with(&composed.text, &options(&session.state)) {
        Ok(formula) => {
            let here = formula.diagnostics().iter().filter_map(|d| composed.outward(d)).collect();
            Ok((formula, here))
        }
        Err(Error::Compile(list)) => Err(rejected(session, composed, typed, &list)),
        Err(other) => Err(Reply::error(other.to_string())),
    }
}

fn rejected(session: &Session, composed: &Composed, typed: &str, list: &Diagnostics) -> Reply {
    let here: Vec<Diagnostic> = list.iter().filter_map(|d| composed.outward(d)).collect();
    if here.iter().any(|d| d.severity == Severity::Error) {
        return Reply::error(render::human("typed", typed, &here, session.color).trim_end());
    }
    let errors = list.iter().filter(|d| d.severity == Severity::Error);
    let text = render::human("formula", &composed.text, errors, session.color);
    Reply::error(format!(
        "{}\nthis is in what was entered before; `:edit` mends it, `:new` begins again",
        text.trim_end()
    ))
}

/// The service's words for a trap, under the place it happened.
fn failed(session: &Session, composed: &Composed, typed: &str, fault: &Fault, kept: bool) -> Reply {
    let at = Span::new(fault.at, fault.at + 1);
    let mut d = Diagnostic::new(Code(fault.trap.code()), Severity::Error, at, fault.trap.detail());
    if let Trap::InsufficientSamples { metric, .. } = fault.trap {
        let name = metric.name();
        d = match session.state.here {
            None => d.help(format!("`:set {name} 0,0,4,12` gives it samples, `:series {name}` shows what there is")),
            Some(_) => d.help(format!("`:series {name}` shows what there is; `:tick 5m` lets samples come in")),
        };
    }
    let (name, text, d) = match composed.typed(at) {
        Some(span) => {
            d.span = Span::new(span.lo, span.lo + 1);
            ("typed", typed, d)
        }
        None => ("formula", composed.text.as_str(), d),
    };
    let mut out = render::human(name, text, [&d], session.color).trim_end().to_owned();
    if !kept && composed.typed(at).is_some() && typed.contains('=') {
        out.push_str("\nnothing was kept");
    }
    Reply::error(out)
}

/// Takes a line of the language.
pub(super) fn enter(session: &mut Session, typed: &str) -> Reply {
    let parsed = poolcast_grammar::parse(typed);
    if !parsed.errors.is_empty() {
        if parsed.errors.iter().all(|e| e.kind == SyntaxKind::Empty) {
            return Reply::default();
        }
        let list = syntax::diagnostics(typed, &parsed.errors);
        return Reply::error(render::human("typed", typed, &list, session.color).trim_end());
    }
    let ast = &parsed.ast;
    if let [only] = ast.stmts.as_slice()
        && only.target.is_none()
        && let Expr::Name(name) = ast.expr(only.value)
        && let Some(reply) = service_name(session, ast.name(name))
    {
        return reply;
    }
    let statements: Vec<(Statement, usize)> = ast
        .stmts
        .iter()
        .map(|s| {
            let statement = Statement::of(ast, s).unwrap_or_else(|| Statement::about(ast, s));
            (statement, s.span.lo as usize)
        })
        .collect();
    let only: Vec<Statement> = statements.iter().map(|(s, _)| s.clone()).collect();
    let state = &session.state;
    let own_it = state.program.iter().chain(&only).any(|s| s.target == IT);
    let it = if own_it { "it_" } else { IT };
    let before = needed(state.program.iter().chain(if own_it { [].iter() } else { state.it.iter() }), &only);
    let composed = compose(&before, &statements, it);
    let (formula, said) = match compile(session, &composed, typed) {
        Ok(both) => both,
        Err(reply) => return reply,
    };
    let inputs = state.inputs();
    let ran = evaluate(&formula, &inputs);
    if let Err(fault) = &ran.end {
        return failed(session, &composed, typed, fault, false);
    }
    let mut out = String::new();
    if !said.is_empty() {
        out.push_str(render::human("typed", typed, &said, session.color).trim_end());
        out.push('\n');
    }
    for (i, (s, _)) in statements.iter().enumerate() {
        let stmt = (composed.before + i) as u32;
        let line = match ran.program.slots.iter().position(|slot| slot.stmt == stmt) {
            Some(slot) => match &ran.values[slot] {
                Some(value) => {
                    let row = &ran.program.slots[slot];
                    match (s.target.is_empty(), row.output) {
                        (true, _) => show::value(value, row.ty),
                        (false, output) => assigned(session, &s.target, output, value, row.ty),
                    }
                }
                None => "not reached: the formula stops before".to_owned(),
            },
            None => "the formula stops here".to_owned(),
        };
        let _ = writeln!(out, "{line}");
    }
    for note in &ran.notes {
        let _ = writeln!(out, "note: {}", show::note(note));
    }
    keep(&mut session.state, only, it);
    Reply::answer(out)
}

/// Keeps what was entered.
fn keep(state: &mut State, statements: Vec<Statement>, it: &str) {
    for mut s in statements {
        if s.target.is_empty() {
            if it != IT || s.text.is_empty() {
                continue;
            }
            let chained = s.reads.contains(IT);
            s.text = format!("{IT} = {}", s.text);
            s.target = IT.to_owned();
            if !chained {
                state.it.clear();
            }
            state.it.push(s);
        } else {
            if s.reads.contains(IT) && it == IT {
                for before in std::mem::take(&mut state.it) {
                    state.push(before);
                }
            }
            state.push(s);
        }
    }
}

fn assigned(session: &Session, name: &str, output: Option<Output>, value: &OwnedValue, ty: Ty) -> String {
    let shown = format!("{name} = {}", show::value(value, ty));
    match (output.and_then(Output::target), value) {
        (Some(class), OwnedValue::Double(x)) => {
            let n = target::count(*x, &session.state.rules);
            format!("{shown}: asks for {}", show::nodes(n, class))
        }
        _ => shown,
    }
}

/// A service name on its own: what stands behind it.
fn service_name(session: &Session, name: &str) -> Option<Reply> {
    let state = &session.state;
    if Output::from_name(name) == Some(Output::Option) {
        let text = match outcome_of(state)? {
            Ok(outcome) => format!("{} (node deallocation option)", outcome.option.keyword()),
            Err(why) => return Some(Reply::error(why)),
        };
        return Some(Reply::answer(text));
    }
    let metric = Metric::from_name(name)?;
    let inputs = state.inputs();
    let mut text = String::new();
    if metric.row().plain {
        let value = match metric {
            Metric::CurrentDedicatedNodes => inputs.current[0],
            Metric::CurrentLowPriorityNodes => inputs.current[1],
            _ => inputs.task_slots,
        };
        let _ = writeln!(text, "{}", show::value(&OwnedValue::Double(value), Ty::Double));
    }
    text.push_str(&show::series_line(metric, &inputs, session.width));
    let _ = write!(text, "\nread it with {name}.GetSample(1) or over a window; `:explain {name}` says more");
    Some(Reply::answer(text))
}

/// What the formula so far comes to in the present world; none while it sets nothing.
pub(super) fn outcome_of(state: &State) -> Option<Result<crate::Outcome, String>> {
    if !state.program.iter().any(|s| Output::from_name(&s.target).is_some()) {
        return None;
    }
    Some(run_whole(state))
}

/// Evaluates the whole formula.
pub(super) fn run_whole(state: &State) -> Result<crate::Outcome, String> {
    let formula = Formula::compile_with(&state.formula(), &options(state)).map_err(|e| e.to_string())?;
    formula.evaluate(&state.inputs()).map_err(|e| format!("{}: {}", e.code, e.value))
}

/// One line about what the formula asks for now, after the world has changed; empty while it sets no target.
pub(super) fn asks(state: &State) -> String {
    match outcome_of(state) {
        None => String::new(),
        Some(Err(why)) => format!("the formula fails here: {why}\n"),
        Some(Ok(outcome)) => {
            let inputs = state.inputs();
            format!("the formula asks for {}\n", show::targets(&outcome, inputs.targets))
        }
    }
}

/// Replaces the whole formula; it need not evaluate yet, but it must be one.
pub(super) fn load(session: &mut Session, name: &str, text: &str) -> Reply {
    let parsed = poolcast_grammar::parse(text);
    if !parsed.errors.is_empty() {
        let list = syntax::diagnostics(text, &parsed.errors);
        return Reply::error(render::human(name, text, &list, session.color).trim_end());
    }
    let list = match Formula::compile_with(text, &options(&session.state)) {
        Ok(formula) => formula.diagnostics().clone(),
        Err(Error::Compile(list)) => {
            return Reply::error(render::human(name, text, list.iter(), session.color).trim_end());
        }
        Err(other) => return Reply::error(other.to_string()),
    };
    let ast = &parsed.ast;
    let mut bare = 0;
    session.state.program.clear();
    session.state.it.clear();
    for stmt in &ast.stmts {
        match Statement::of(ast, stmt) {
            Some(s) => session.state.program.push(s),
            None => bare += 1,
        }
    }
    let mut out = render::human(name, text, list.iter(), session.color);
    let n = session.state.program.len() as i64;
    let _ = writeln!(out, "{name}: {} loaded", super::words::count(n, "statement"));
    if bare > 0 {
        let _ = writeln!(out, "{} that assign nothing left out", super::words::count(bare, "expression"));
    }
    out.push_str(&asks(&session.state));
    Reply::answer(out)
}

/// The type of an expression, without evaluating it.
pub(super) fn type_of(session: &Session, typed: &str) -> Reply {
    let parsed = poolcast_grammar::parse(typed);
    if !parsed.errors.is_empty() {
        let list = syntax::diagnostics(typed, &parsed.errors);
        return Reply::error(render::human("typed", typed, &list, session.color).trim_end());
    }
    let ast = &parsed.ast;
    if let [stmt] = ast.stmts.as_slice()
        && let Expr::Name(name) = ast.expr(stmt.value)
        && Metric::from_name(ast.name(name)).is_some_and(|m| !m.row().plain)
    {
        return Reply::answer(format!("{typed}: metric"));
    }
    let state = &session.state;
    let typed_all: Vec<(Statement, usize)> =
        ast.stmts.iter().map(|s| (Statement::about(ast, s), s.span.lo as usize)).collect();
    let only: Vec<Statement> = typed_all.iter().map(|(s, _)| s.clone()).collect();
    let before = needed(state.program.iter().chain(&state.it), &only);
    let composed = compose(&before, &typed_all, IT);
    let checked = crate::check::check(&poolcast_grammar::parse(&composed.text).ast);
    let list = Diagnostics::new(checked.diagnostics);
    if list.has_errors() {
        return rejected(session, &composed, typed, &list);
    }
    let mut out = String::new();
    for (i, (s, _)) in typed_all.iter().enumerate() {
        let ty = checked.hir.stmts.get(composed.before + i).map_or(Ty::Poison, |s| checked.hir.expr(s.value).ty);
        let _ = writeln!(out, "{}: {}", s.text, ty.name());
    }
    Reply::answer(out)
}

/// The value of an expression at a point of the formula: after its first `upto` statements. For `:why` and `:until`.
pub(super) fn value_after(
    state: &State,
    upto: usize,
    expression: &str,
    inputs: &Inputs,
) -> Result<(OwnedValue, Ty), String> {
    let ast = poolcast_grammar::parse(expression).ast;
    let [stmt] = ast.stmts.as_slice() else { return Err(format!("`{expression}` is no expression")) };
    let typed = vec![(Statement::about(&ast, stmt), 0)];
    let before = needed(state.program[..upto.min(state.program.len())].iter(), std::slice::from_ref(&typed[0].0));
    let composed = compose(&before, &typed, "it_");
    let formula = Formula::compile_with(&composed.text, &options(state)).map_err(|e| e.to_string())?;
    let ran = evaluate(&formula, inputs);
    if let Err(fault) = &ran.end {
        return Err(fault.trap.detail());
    }
    let slot = ran.program.slots.len().checked_sub(1).ok_or("no value")?;
    let value = ran.values[slot].clone().ok_or("the formula stops before")?;
    Ok((value, ran.program.slots[slot].ty))
}

/// The value a statement gave its variable.
pub(super) fn value_of_statement(state: &State, at: usize, inputs: &Inputs) -> Result<(OwnedValue, Ty), String> {
    let Some(own) = state.program.get(at) else { return Err("no such statement".into()) };
    let mut before = needed(state.program[..at].iter(), std::slice::from_ref(own));
    before.push(own);
    let text: String = before.iter().map(|s| format!("{};\n", s.text)).collect();
    let formula = Formula::compile_with(&text, &options(state)).map_err(|e| e.to_string())?;
    let ran = evaluate(&formula, inputs);
    if let Err(fault) = &ran.end {
        return Err(fault.trap.detail());
    }
    let slot = ran.program.slots.len().checked_sub(1).ok_or("no value")?;
    let value = ran.values[slot].clone().ok_or("the formula stops before")?;
    Ok((value, ran.program.slots[slot].ty))
}

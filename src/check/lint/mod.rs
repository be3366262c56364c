//! Lints: what the service accepts and the author probably did not mean.
//!
//! In: text, syntax tree, checked formula. Out: `W05xx` diagnostics. Never: refusing anything, levels, or a second opinion
//! about types. One function per lint, grouped by theme; what several lints need is computed once in `facts`.

mod facts;
mod logic;
mod names;
mod samples;
mod targets;
mod text;
mod times;
mod values;

use crate::{
    check::hir::{HId, HKind, Hir, VersionId},
    diag::{
        Diagnostic, Severity, code,
        level::{Level, Selector},
    },
};
use facts::Facts;
use poolcast_grammar::{Ast, Span};
use poolcast_runtime::{builtins, metric::Metric, ty::Ty};

/// What a lint may look at.
struct LintCx<'a> {
    src: &'a str,
    ast: &'a Ast,
    hir: &'a Hir,
    facts: Facts,
}

type Lint = fn(&LintCx<'_>, &mut Vec<Diagnostic>);

/// Lints about one place; true of a statement whatever the others are.
const LOCAL: &[Lint] = &[
    names::old_name,
    names::retired,
    samples::window_too_recent,
    samples::percent_scale,
    samples::min_of_vector,
    samples::vector_order,
    samples::vector_lengths,
    samples::no_such_sample,
    values::constant_condition,
    values::equal_arms,
    values::comparison_statement,
    times::weekday,
    times::time_text,
    text::directives,
];

/// Lints about the whole formula; on half of it they would guess.
const WHOLE: &[Lint] = &[
    names::unused,
    names::dollar_and_bare,
    names::near_service_name,
    targets::no_target,
    targets::target_twice,
    targets::alias_and_name,
    targets::no_option,
    targets::killing_option,
    targets::active_only,
    targets::last_sample_only,
    targets::preempted_counted,
    targets::fraction,
    samples::unguarded_window,
    values::division,
    values::after_stop,
    text::comment_swallows,
    text::assertions,
];

/// Runs every lint over a checked formula whose shape is sound.
pub fn lint(src: &str, ast: &Ast, hir: &Hir) -> Vec<Diagnostic> {
    run(src, ast, hir, &[LOCAL, WHOLE])
}

/// Runs the lints that make sense while parts of the formula did not parse.
pub fn lint_broken(src: &str, ast: &Ast, hir: &Hir) -> Vec<Diagnostic> {
    run(src, ast, hir, &[LOCAL])
}

fn run(src: &str, ast: &Ast, hir: &Hir, lists: &[&[Lint]]) -> Vec<Diagnostic> {
    let cx = LintCx { src, ast, hir, facts: Facts::new(hir) };
    let mut out = Vec::new();
    for lint in lists.iter().copied().flatten() {
        lint(&cx, &mut out);
    }
    out
}

/// The rules of the formula's own `//! allow CODE` comments.
pub fn allowed(ast: &Ast) -> Vec<(Selector, Level)> {
    text::allowed_words(ast).filter_map(|(word, _)| Some((Selector::parse(word).ok()?, Level::Allow))).collect()
}

/// A lint's finding.
fn warn(code: crate::diag::Code, span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(code, Severity::Warning, span, message)
}

impl<'a> LintCx<'a> {
    /// All expressions.
    fn ids(&self) -> impl Iterator<Item = HId> + use<> {
        (0..self.hir.exprs.len() as u32).map(HId)
    }
    fn kind(&self, h: HId) -> HKind {
        self.hir.expr(h).kind
    }
    fn ty(&self, h: HId) -> Ty {
        self.hir.expr(h).ty
    }
    fn span(&self, h: HId) -> Span {
        self.hir.expr(h).span
    }
    /// The written expression, on one line, short enough for a sentence.
    fn text(&self, h: HId) -> String {
        shorten(self.span(h).text(self.src))
    }
    /// Name and arguments (receiver first) of a call.
    fn call(&self, h: HId) -> Option<(&'static str, &'a [HId])> {
        facts::call(self.hir, h)
    }
    /// Metric and arguments of a method call.
    fn method(&self, h: HId, name: &str) -> Option<(Metric, &'a [HId])> {
        facts::method(self.hir, h).filter(|m| m.1 == name).map(|m| (m.0, m.2))
    }
    /// The expression a variable stands for, through any number of variables and coercions.
    fn resolve(&self, mut h: HId) -> HId {
        loop {
            h = match self.kind(h) {
                HKind::Var(v) => match self.facts.value(v) {
                    Some(value) => value,
                    None => return h,
                },
                HKind::Single(inner) | HKind::ToVec(inner) => inner,
                _ => return h,
            }
        }
    }
    /// Number behind an expression that is always the same.
    fn number(&self, h: HId) -> Option<f64> {
        self.facts.number(h)
    }
    /// The last assignment of each target: (version, what is assigned).
    fn targets(&self) -> impl Iterator<Item = (VersionId, HId)> + '_ {
        self.facts.last_targets.iter().filter_map(|v| Some((*v, self.facts.value(*v)?)))
    }
    fn version_name(&self, v: VersionId) -> &'a str {
        &self.hir.versions[v.ix()].name
    }
    /// Where a version's name stands.
    fn version_span(&self, v: VersionId) -> Span {
        self.hir.stmts.get(self.hir.versions[v.ix()].stmt as usize).map_or(Span::default(), |s| s.target_span)
    }
    /// The whole right side as written, parentheses included.
    fn right_side(&self, v: VersionId) -> Span {
        let stmt = self.hir.versions[v.ix()].stmt as usize;
        self.ast.stmts.get(stmt).map_or(Span::default(), |s| self.ast.span(s.value))
    }
}

/// Whitespace runs become one blank; the middle of long text is left out.
fn shorten(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    let count = line.chars().count();
    if count <= 60 {
        return line;
    }
    let head: String = line.chars().take(36).collect();
    let tail: String = line.chars().skip(count - 20).collect();
    format!("{head} … {tail}")
}

/// `1 node`, `2 nodes`.
fn nodes(n: u64) -> String {
    if n == 1 { "1 node".to_owned() } else { format!("{n} nodes") }
}

fn builtin_names() -> impl Iterator<Item = &'static str> {
    use poolcast_runtime::catalog::RowKind;
    builtins::ROWS.iter().filter(|r| matches!(r.kind, RowKind::Function)).map(|r| r.name)
}

/// Codes this module can produce, for the test that each has its twins.
pub fn codes() -> impl Iterator<Item = &'static code::Row> {
    code::ROWS.iter().filter(|r| r.code.0.starts_with('W'))
}

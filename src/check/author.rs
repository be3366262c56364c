//! From text to everything there is to say about it, in the two ways a formula is looked at.
//!
//! In: text, levels. Out: `Findings`. Never: printing, files. `author` reports every error and every lint at once; `service`
//! reports what the service refuses when a formula is stored: its shape, length and number of statements.

use super::{hir::Hir, lint};
use crate::diag::{Code, Diagnostic, Diagnostics, code, level::Levels, syntax};
use poolcast_grammar::{Ast, Parsed, Span};

/// A formula looked at.
#[derive(Debug, Clone)]
pub struct Findings {
    /// Its tree.
    pub ast: Ast,
    /// What it means.
    pub hir: Hir,
    /// What there is to say, levels applied.
    pub diagnostics: Diagnostics,
}

/// Lints that say what bounds would say again, and more to the point.
const BETTER: &[Code] = &[code::CONSTANT_CONDITION, code::PERCENT_SCALE, code::WEEKDAY, code::WINDOW_TOO_RECENT];

fn overlaps(list: &[Diagnostic], span: Span) -> bool {
    list.iter().any(|l| BETTER.contains(&l.code) && l.span.lo < span.hi && span.lo < l.span.hi)
}

/// Every error and every lint; lints about the whole formula wait until its shape is sound.
pub fn author(src: &str, levels: &Levels) -> Findings {
    let Parsed { ast, errors } = poolcast_grammar::parse(src);
    let mut list = syntax::diagnostics(src, &errors);
    let checked = super::check(&ast);
    list.extend(checked.diagnostics);
    let lint = if errors.is_empty() { lint::lint } else { lint::lint_broken };
    list.extend(lint(src, &ast, &checked.hir));
    if errors.is_empty() {
        let proved = crate::bounds::lints::lints(src, &checked.hir);
        // What a lint already says at the same place is not said twice.
        let said = |d: &Diagnostic| {
            let empty = d.code == code::BAD_TARGET && list.iter().any(|l| l.code == code::NO_SUCH_SAMPLE);
            empty || list.iter().any(|l| BETTER.contains(&l.code) && l.span.lo < d.span.hi && d.span.lo < l.span.hi)
        };
        let new: Vec<Diagnostic> =
            proved.into_iter().filter(|d| !said(d) && !d.labels.iter().any(|l| overlaps(&list, l.span))).collect();
        list.extend(new);
    }
    let mut rules = levels.rules.clone();
    rules.extend(lint::allowed(&ast));
    let diagnostics = Levels { rules, strict: levels.strict }.apply(list);
    Findings { ast, hir: checked.hir, diagnostics }
}

/// Only what the service refuses when it stores a formula (language.md §3.4).
pub fn service(src: &str) -> Diagnostics {
    Diagnostics::new(syntax::diagnostics(src, &poolcast_grammar::parse(src).errors))
}

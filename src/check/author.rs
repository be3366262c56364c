//! From text to everything there is to say about it, in the two ways a formula is looked at.
//!
//! In: text, levels. Out: `Findings`. Never: printing, files. `author` reports every error and every lint at once; `service`
//! reports what the service refuses when a formula is stored: its shape, length and number of statements.

use super::{hir::Hir, lint};
use crate::diag::{Diagnostics, level::Levels, syntax};
use poolcast_grammar::{Ast, Parsed};

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

/// Every error and every lint; lints about the whole formula wait until its shape is sound.
pub fn author(src: &str, levels: &Levels) -> Findings {
    let Parsed { ast, errors } = poolcast_grammar::parse(src);
    let mut list = syntax::diagnostics(src, &errors);
    let checked = super::check(&ast);
    list.extend(checked.diagnostics);
    let lint = if errors.is_empty() { lint::lint } else { lint::lint_broken };
    list.extend(lint(src, &ast, &checked.hir));
    let mut rules = levels.rules.clone();
    rules.extend(lint::allowed(&ast));
    let diagnostics = Levels { rules, strict: levels.strict }.apply(list);
    Findings { ast, hir: checked.hir, diagnostics }
}

/// Only what the service refuses when it stores a formula (language.md §3.4).
pub fn service(src: &str) -> Diagnostics {
    Diagnostics::new(syntax::diagnostics(src, &poolcast_grammar::parse(src).errors))
}

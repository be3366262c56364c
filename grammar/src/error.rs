//! Syntax errors as data: a kind, a place, and what would mend it. No rendering here.

use crate::span::Span;

/// What is wrong with the shape of a formula. One variant per diagnostic code (E01xx).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SyntaxKind {
    /// Something else was expected here. `found` and `expected` are words ("`)`", "an expression", "the end").
    Unexpected {
        /// What stands there.
        found: String,
        /// What could stand there, in words.
        expected: String,
    },
    /// Two statements without `;` between them.
    MissingSemicolon,
    /// `(` without `)`; the label is the opening one.
    UnclosedParen,
    /// `)` without `(`.
    UnopenedParen,
    /// A `"` that never closes on its line.
    UnclosedString,
    /// `'text'`.
    SingleQuotes,
    /// `#`.
    HashComment,
    /// `/* */`.
    BlockComment,
    /// `%`.
    Percent,
    /// `\`, most often `\"` left from an outer language.
    Backslash,
    /// `[` or `]`: there are no vector literals and no indexing.
    Bracket,
    /// `{` or `}`: host-language interpolation or blocks.
    Brace,
    /// `=` where `==` was meant.
    AssignInExpression,
    /// `a = b = 1`.
    ChainedAssignment,
    /// An operator the language lacks: `^ & | ++ += ** **=` and unary `+`.
    ForeignOperator(String),
    /// The left side of `=` is not a name.
    BadAssignTarget,
    /// `0x1F` and other number shapes.
    BadNumber,
    /// A character outside the language; the char.
    BadCharacter(char),
    /// `if`, `for`, `var` and their kin at the start of a statement; the word.
    ForeignStatement(String),
    /// No statement at all.
    Empty,
    /// More than 8192 characters; the count.
    TooLong(usize),
    /// More than 100 statements; the count.
    TooManyStatements(usize),
}

/// A replacement of text that mends the error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The text to replace (empty to insert).
    pub span: Span,
    /// Its replacement.
    pub text: String,
}

/// One syntax error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// What is wrong.
    pub kind: SyntaxKind,
    /// Where.
    pub span: Span,
    /// A second place that explains the first (the opening parenthesis …) with a few words.
    pub related: Option<(Span, String)>,
    /// Edits that mend it, when the repair is certain enough to offer.
    pub fix: Vec<Edit>,
}

//! What stands where in a text, for editors: colours, brackets, whether a statement is over.
//!
//! In: any text. Out: its pieces in order, comments and mistakes included. Never: a verdict; that is `parse`'s.

use crate::{span::Span, token::Kind};

/// What a piece of text is to an editor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lexeme {
    /// A name, with its `$`.
    Name,
    /// A number.
    Number,
    /// A string with both quotes.
    Text,
    /// An operator that stands between or before operands.
    Operator,
    /// `=`
    Assign,
    /// `?`
    Question,
    /// `:`
    Colon,
    /// `.`
    Dot,
    /// `,`
    Comma,
    /// `(`
    Open,
    /// `)`
    Close,
    /// `;`
    Semi,
    /// `// …`
    Comment,
    /// Nothing of the language.
    Wrong,
}

/// The pieces of a text. White space lies between them.
pub fn lexemes(text: &str) -> Vec<(Lexeme, Span)> {
    let mut lexer = crate::token::lexer(text);
    let mut out = Vec::new();
    while let Some(kind) = lexer.next() {
        let at = lexer.span();
        let what = match kind {
            Err(()) | Ok(Kind::Poison | Kind::Comment) => Lexeme::Wrong,
            Ok(Kind::Name) => Lexeme::Name,
            Ok(Kind::Number) => Lexeme::Number,
            Ok(Kind::Str) => Lexeme::Text,
            Ok(Kind::Op(_) | Kind::Minus | Kind::Not) => Lexeme::Operator,
            Ok(Kind::Assign) => Lexeme::Assign,
            Ok(Kind::Question) => Lexeme::Question,
            Ok(Kind::Colon) => Lexeme::Colon,
            Ok(Kind::Dot) => Lexeme::Dot,
            Ok(Kind::Comma) => Lexeme::Comma,
            Ok(Kind::Open) => Lexeme::Open,
            Ok(Kind::Close) => Lexeme::Close,
            Ok(Kind::Semi) => Lexeme::Semi,
        };
        out.push((what, Span::new(at.start as u32, at.end as u32)));
    }
    out.extend(lexer.extras.iter().map(|span| (Lexeme::Comment, *span)));
    out.sort_by_key(|(_, span)| (span.lo, span.hi));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_the_text_in_order() {
        let text = "x = \"a\" ? é // end";
        let all = lexemes(text);
        assert!(all.windows(2).all(|w| w[0].1.hi <= w[1].1.lo));
        let kinds: Vec<Lexeme> = all.iter().map(|l| l.0).collect();
        use Lexeme::*;
        assert_eq!(kinds, [Name, Assign, Text, Question, Wrong, Comment]);
    }
}

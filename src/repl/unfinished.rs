//! Whether what was typed needs another line, and which colour each piece of it has.
//!
//! In: the text so far. Out: yes or no; classes of pieces. Never: whether it is right.

use poolcast_grammar::{Lexeme, Span, lexemes};

/// Whether a statement is open: a parenthesis, an operator without its right side, a `?` without its `:`.
///
/// A string ends on its line in this language, so an open one is a mistake to be told at once, not a reason to wait.
/// A command is one line.
pub fn unfinished(text: &str) -> bool {
    if text.trim_start().starts_with(':') {
        return false;
    }
    // How many `?` wait for their `:`, by depth of parentheses.
    let mut waiting = vec![0usize];
    let mut last = None;
    for (what, _) in lexemes(text) {
        match what {
            Lexeme::Open => waiting.push(0),
            Lexeme::Close => {
                if waiting.len() == 1 {
                    return false;
                }
                waiting.pop();
            }
            Lexeme::Question => *waiting.last_mut().unwrap_or(&mut 0) += 1,
            Lexeme::Colon => {
                if let Some(n) = waiting.last_mut() {
                    *n = n.saturating_sub(1);
                }
            }
            // A `;` inside parentheses is a mistake; more lines will not mend it.
            Lexeme::Semi => return false_unless_open_after(text),
            Lexeme::Wrong => return false,
            _ => {}
        }
        if what != Lexeme::Comment {
            last = Some(what);
        }
    }
    let hangs = matches!(
        last,
        Some(Lexeme::Operator | Lexeme::Assign | Lexeme::Question | Lexeme::Colon | Lexeme::Dot | Lexeme::Comma)
    );
    hangs || waiting.len() > 1 || waiting[0] > 0
}

/// Only the text after the last `;` can be open.
fn false_unless_open_after(text: &str) -> bool {
    let semi = lexemes(text).into_iter().rev().find(|(what, _)| *what == Lexeme::Semi);
    semi.is_some_and(|(_, at)| unfinished(&text[at.hi as usize..]))
}

/// What a piece is, for colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// White space and punctuation.
    Plain,
    /// A command word.
    Command,
    /// A function, method, member, constant or keyword.
    Builtin,
    /// A service variable.
    Service,
    /// A user's variable.
    Variable,
    /// A number.
    Number,
    /// A string.
    Text,
    /// An operator.
    Operator,
    /// A comment.
    Comment,
    /// Nothing of the language.
    Wrong,
}

/// The colours of a line, covering all of it, in order.
pub fn paint(line: &str) -> Vec<(Paint, Span)> {
    use poolcast_runtime::{builtins, metric::Metric, value::DeallocationOption};
    let mut out = Vec::new();
    let mut at = 0u32;
    let mut put = |what: Paint, span: Span| {
        if span.lo > at {
            out.push((Paint::Plain, Span::new(at, span.lo)));
        }
        if span.hi > span.lo.max(at) {
            out.push((what, Span::new(span.lo.max(at), span.hi)));
            at = span.hi;
        }
    };
    let lead = line.len() - line.trim_start().len();
    let command = line[lead..].starts_with(':');
    let from = if command {
        let end = line[lead..].find(char::is_whitespace).map_or(line.len(), |n| lead + n);
        put(Paint::Command, Span::new(lead as u32, end as u32));
        end as u32
    } else {
        0
    };
    for (what, span) in lexemes(line.get(from as usize..).unwrap_or("")) {
        let span = Span::new(span.lo + from, span.hi + from);
        let word = span.text(line);
        let what = match what {
            Lexeme::Name
                if Metric::from_name(word).is_some() || crate::check::hir::Output::from_name(word).is_some() =>
            {
                Paint::Service
            }
            Lexeme::Name if builtins::ROWS.iter().any(|r| r.name.trim_start_matches('.') == word) => Paint::Builtin,
            Lexeme::Name if DeallocationOption::from_keyword(word).is_some() => Paint::Builtin,
            Lexeme::Name => Paint::Variable,
            Lexeme::Number => Paint::Number,
            Lexeme::Text => Paint::Text,
            Lexeme::Operator | Lexeme::Assign | Lexeme::Question | Lexeme::Colon => Paint::Operator,
            Lexeme::Comment => Paint::Comment,
            Lexeme::Wrong if !command => Paint::Wrong,
            _ => Paint::Plain,
        };
        put(what, span);
    }
    put(Paint::Plain, Span::new(line.len() as u32, line.len() as u32));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_statements_wait_for_more() {
        for open in [
            "min(1,",
            "x =",
            "1 +",
            "c ? 1",
            "c ?",
            "(1 + 2",
            "a = 1; b =",
            "$PendingTasks.",
            "c ? d ? 1 : 2",
            "x = // why",
            "!",
        ] {
            assert!(unfinished(open), "{open}");
        }
        for done in [
            "",
            "1 + 2",
            "x = 3;",
            "c ? 1 : 2",
            "\"open",
            ":set $PendingTasks 1,",
            "a)",
            "// (",
            "(1; 2",
            "a = (1);",
            "c ? d ? 1 : 2 : 3",
        ] {
            assert!(!unfinished(done), "{done}");
        }
    }

    #[test]
    fn colours_cover_the_line() {
        for line in [":set $PendingTasks 1", "x = avg($PendingTasks.GetSample(1)); // é", "  'é", "", ":"] {
            let all = paint(line);
            let mut at = 0;
            for (_, span) in &all {
                assert_eq!(span.lo, at, "{line}");
                assert!(line.get(span.range()).is_some(), "{line}");
                at = span.hi;
            }
            assert_eq!(at as usize, line.len(), "{line}");
        }
        let kinds: Vec<Paint> = paint("x=avg($PendingTasks)").into_iter().map(|p| p.0).collect();
        use Paint::*;
        assert_eq!(kinds, [Variable, Operator, Builtin, Plain, Service, Plain]);
    }
}

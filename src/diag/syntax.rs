//! Syntax errors → diagnostics: the words for every way a formula can be misshapen.
//!
//! In: `SyntaxError` and the text. Out: `Diagnostic`. Never: judging; every syntax error is an error, because the service
//! refuses to store such a formula.

use super::{Code, Diagnostic, Fix, Severity, code};
use poolcast_grammar::{MAX_CHARS, MAX_STATEMENTS, SyntaxError, SyntaxKind};

/// All syntax errors of a text as diagnostics.
pub fn diagnostics(src: &str, errors: &[SyntaxError]) -> Vec<Diagnostic> {
    errors.iter().map(|e| diagnostic(src, e)).collect()
}

/// The code of a kind of syntax error.
pub fn code_of(kind: &SyntaxKind) -> Code {
    match kind {
        SyntaxKind::Unexpected { .. } => code::UNEXPECTED,
        SyntaxKind::MissingSemicolon => code::MISSING_SEMICOLON,
        SyntaxKind::UnclosedParen => code::UNCLOSED_PAREN,
        SyntaxKind::UnopenedParen => code::UNOPENED_PAREN,
        SyntaxKind::UnclosedString => code::UNCLOSED_STRING,
        SyntaxKind::SingleQuotes => code::SINGLE_QUOTES,
        SyntaxKind::HashComment => code::HASH_COMMENT,
        SyntaxKind::BlockComment => code::BLOCK_COMMENT,
        SyntaxKind::Percent => code::PERCENT,
        SyntaxKind::Backslash => code::BACKSLASH,
        SyntaxKind::Bracket => code::BRACKET,
        SyntaxKind::Brace => code::BRACE,
        SyntaxKind::AssignInExpression => code::ASSIGN_IN_EXPR,
        SyntaxKind::ChainedAssignment => code::CHAINED_ASSIGN,
        SyntaxKind::ForeignOperator(_) => code::FOREIGN_OPERATOR,
        SyntaxKind::BadAssignTarget => code::BAD_ASSIGN_TARGET,
        SyntaxKind::BadNumber => code::BAD_NUMBER,
        SyntaxKind::BadCharacter(_) => code::BAD_CHARACTER,
        SyntaxKind::ForeignStatement(_) => code::FOREIGN_STATEMENT,
        SyntaxKind::Empty => code::EMPTY,
        SyntaxKind::TooLong(_) => code::TOO_LONG,
        SyntaxKind::TooManyStatements(_) => code::TOO_MANY_STATEMENTS,
        // The kinds are open to growth; a new one is at least a wrong shape.
        _ => code::UNEXPECTED,
    }
}

/// One syntax error as a diagnostic.
pub fn diagnostic(src: &str, error: &SyntaxError) -> Diagnostic {
    let (message, label, help) = words(src, error);
    let mut d = Diagnostic::new(code_of(&error.kind), Severity::Error, error.span, message).label(label);
    if let Some((span, text)) = &error.related {
        d = d.also(*span, text.clone());
    }
    if !help.is_empty() {
        d = d.help(help);
    }
    if !error.fix.is_empty() {
        d.fixes.push(Fix { title: fix_title(src, error), edits: error.fix.clone(), automatic: certain(&error.kind) });
    }
    d
}

/// Whether the repair cannot be wrong about what was meant.
fn certain(kind: &SyntaxKind) -> bool {
    matches!(
        kind,
        SyntaxKind::MissingSemicolon
            | SyntaxKind::SingleQuotes
            | SyntaxKind::HashComment
            | SyntaxKind::BlockComment
            | SyntaxKind::Backslash
    )
}

fn fix_title(src: &str, error: &SyntaxError) -> String {
    match error.fix.as_slice() {
        [one] if one.span.lo == one.span.hi => format!("write `{}` here", one.text.trim()),
        [one] if one.text.trim().is_empty() => format!("remove `{}`", one.span.text(src).trim_end()),
        [one] if !one.text.contains('\n') && one.text.len() < 60 => format!("write `{}`", one.text.trim()),
        _ => match error.kind {
            SyntaxKind::SingleQuotes => "use double quotes".to_owned(),
            SyntaxKind::HashComment | SyntaxKind::BlockComment => "comment with `//`".to_owned(),
            SyntaxKind::Backslash => "remove the backslashes".to_owned(),
            SyntaxKind::ChainedAssignment => "assign one after the other".to_owned(),
            _ => "write it so".to_owned(),
        },
    }
}

/// (message, label, help).
fn words(src: &str, error: &SyntaxError) -> (String, String, String) {
    let say = |m: &str, l: &str, h: &str| (m.to_owned(), l.to_owned(), h.to_owned());
    let text = error.span.text(src);
    match &error.kind {
        SyntaxKind::Unexpected { found, expected } => {
            (format!("expected {expected}, found {found}"), format!("expected {expected}"), String::new())
        }
        SyntaxKind::MissingSemicolon => say(
            "`;` is missing between two statements",
            "a statement ends here",
            "a new line does not end a statement, only `;` does",
        ),
        SyntaxKind::UnclosedParen => say(
            "this `(` is never closed",
            "opened here",
            "count the parentheses of this statement: one `)` is missing",
        ),
        SyntaxKind::UnopenedParen => say(
            "this `)` closes nothing",
            "no `(` before it",
            "remove it, or open a parenthesis earlier in the statement",
        ),
        SyntaxKind::UnclosedString => say(
            "this text does not end on its line",
            "opened here",
            "close it with `\"`; a text cannot run over a line end",
        ),
        SyntaxKind::SingleQuotes => say("text stands between single quotes", "not understood", "use double quotes"),
        SyntaxKind::HashComment => say("`#` does not start a comment", "not understood", "comments start with `//`"),
        SyntaxKind::BlockComment => {
            say("`/* */` is not a comment here", "not understood", "start each line of the comment with `//`")
        }
        SyntaxKind::Percent => say(
            "there is no `%`",
            "neither remainder nor percent sign",
            "write a percentage as a plain number (`70`); a remainder is `a - b * floor(a / b)`",
        ),
        SyntaxKind::Backslash => say(
            "there are no escapes: `\\` means nothing",
            "left over from an outer language",
            "inside a formula a quotation mark is just `\"`; escape it only in the JSON or script around the formula",
        ),
        SyntaxKind::Bracket => say(
            "there are no vector literals and no indexing",
            "brackets mean nothing",
            "element i of a vector is `val(vector, i)`, the first is 0; vectors come only from `GetSample` and arithmetic on its results",
        ),
        SyntaxKind::Brace => say(
            "braces mean nothing in a formula",
            "left over from a template or another language",
            "let the outer language fill in the value before the formula is sent; a choice is `condition ? a : b`",
        ),
        SyntaxKind::ForeignStatement(word) => (
            match word.as_str() {
                "if" | "else" | "elif" | "elseif" | "switch" => format!("there is no `{word}` statement"),
                "for" | "while" | "foreach" => "there are no loops".to_owned(),
                _ => "variables are not declared".to_owned(),
            },
            "not in the language".to_owned(),
            match word.as_str() {
                "if" | "else" | "elif" | "elseif" | "switch" => {
                    "choose with `condition ? a : b`, as in `$TargetDedicatedNodes = $tasks > 0 ? 10 : 1;`".to_owned()
                }
                "for" | "while" | "foreach" => "`sum`, `avg`, `max` and `min` go over all samples at once".to_owned(),
                _ => format!("leave `{word}` out: the first assignment makes the variable"),
            },
        ),
        SyntaxKind::AssignInExpression => {
            say("`=` assigns and has no value", "inside an expression", "compare with `==`")
        }
        SyntaxKind::ChainedAssignment => say("one statement assigns one name", "a second `=`", "write two statements"),
        SyntaxKind::ForeignOperator(op) => (
            format!("there is no operator `{op}`"),
            "not in the language".to_owned(),
            match op.as_str() {
                "^" | "**" => {
                    "there are no powers: multiply, or use `lg`, `ln` and `log` the other way round".to_owned()
                }
                "&" => "logical and is `&&`; there is no bitwise one".to_owned(),
                "|" => "logical or is `||`; there is no bitwise one".to_owned(),
                "+" => "leave the sign out".to_owned(),
                "++" | "--" | "+=" | "-=" | "*=" | "/=" => "write the assignment out, as in `n = n + 1`".to_owned(),
                _ => "the operators are + - * / ! < <= == >= > != && || ?:".to_owned(),
            },
        ),
        SyntaxKind::BadAssignTarget => {
            say("only a name can be assigned", "not a name", "put a single name left of `=`; compare with `==`")
        }
        SyntaxKind::BadNumber => (
            format!("`{text}` is not a number"),
            "not understood".to_owned(),
            "numbers are digits with an optional decimal point, such as `12` or `0.5`".to_owned(),
        ),
        SyntaxKind::BadCharacter(c) => (
            format!("the character {} is not part of the language", name_of(*c)),
            "not understood".to_owned(),
            match c {
                '\u{201C}' | '\u{201D}' | '\u{201E}' => "use plain quotation marks `\"`".to_owned(),
                '\u{2018}' | '\u{2019}' => "use plain quotation marks `\"`".to_owned(),
                '\u{2013}' | '\u{2014}' | '\u{2212}' => "use a plain minus `-`".to_owned(),
                '\u{a0}' | '\u{feff}' | '\u{200b}' => {
                    "it is invisible, most likely pasted from a web page: retype the blank".to_owned()
                }
                _ => "letters, digits, `_` and `$` make names; anything goes in a `//` comment".to_owned(),
            },
        ),
        SyntaxKind::Empty => say(
            "the formula has no statements",
            "nothing to evaluate",
            "set a target, as in `$TargetDedicatedNodes = 1;`",
        ),
        SyntaxKind::TooLong(n) => (
            format!("the formula has {n} characters; the service takes at most {MAX_CHARS}"),
            "one too many".to_owned(),
            "shorten comments and names first: they count too".to_owned(),
        ),
        SyntaxKind::TooManyStatements(n) => (
            format!("the formula has {n} statements; the service takes at most {MAX_STATEMENTS}"),
            "one too many".to_owned(),
            "join steps into one expression".to_owned(),
        ),
        _ => say("this is not a formula", "not understood", ""),
    }
}

fn name_of(c: char) -> String {
    if c.is_control() || c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}') {
        format!("U+{:04X}", c as u32)
    } else {
        format!("`{c}` (U+{:04X})", c as u32)
    }
}

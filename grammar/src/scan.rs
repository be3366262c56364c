//! Characters of a formula that is known to be wrong → pieces: tokens, and what stands where tokens should.
//!
//! In: the text. Out: pieces, comments, and the errors that need no grammar to see (quotes, comments, characters,
//! numbers). Never: an opinion about the order of tokens; that is `mend`.

use crate::ast::BinOp;
use crate::error::{Edit, SyntaxError, SyntaxKind};
use crate::span::Span;
use crate::token::Kind;
use logos::Logos;

/// What a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// A token of the language, or something that was reported and reads as one.
    Is(Kind),
    /// Reported; stands for whatever fits.
    Junk,
    /// An operator of other languages; `mend` knows from its place what to say.
    Foreign,
    Percent,
    OpenBracket,
    CloseBracket,
    OpenBrace,
    CloseBrace,
}

/// A piece and its place. Not `sound`: the text under it is not what it should mean.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Piece {
    pub what: What,
    pub span: Span,
    pub sound: bool,
}

/// What the scanner found.
pub(crate) struct Scan {
    pub pieces: Vec<Piece>,
    pub comments: Vec<Span>,
    pub errors: Vec<SyntaxError>,
}

/// Operators of other languages, longest first. None can occur in a well-formed formula, however it is spaced.
const FOREIGN: &[&str] = &[
    "**=", "===", "!==", "<=>", "<<=", ">>=", "++", "+=", "-=", "*=", "/=", "%=", "^=", "&=", "|=", "**", "<>", "=>",
    "=<", ":=", "??", "<<", ">>", "->", "^", "&", "|",
];

/// Characters that look or mean like one of ours, with what to write. Word processors and web pages make them.
const LOOKALIKE: &[(&str, &str)] = &[
    ("−–—‐‑‒", "-"),
    ("×∗⋅·", "*"),
    ("÷∕⁄", "/"),
    ("≤≦", "<="),
    ("≥≧", ">="),
    ("≠", "!="),
    ("∧", "&&"),
    ("∨", "||"),
    ("¬", "!"),
];

/// What to write for a character that looks or means like one of ours.
fn lookalike(c: char) -> Option<String> {
    if let '\u{ff01}'..='\u{ff5e}' = c {
        // the full-width forms of ASCII, in its order
        return char::from_u32(c as u32 - 0xfee0).filter(char::is_ascii_punctuation).map(String::from);
    }
    LOOKALIKE.iter().find(|(from, _)| from.contains(c)).map(|(_, to)| (*to).to_owned())
}

const DOUBLE_QUOTES: &[char] = &['“', '”', '„', '‟', '″', '«', '»', '\u{ff02}'];
const CURLY_SINGLE: &[char] = &['‘', '’', '‚', '‛', '′'];

/// Cut a text into pieces.
pub(crate) fn scan(text: &str) -> Scan {
    let out = Scan { pieces: vec![], comments: vec![], errors: vec![] };
    let at = if text.starts_with(crate::BOM) { crate::BOM.len_utf8() } else { 0 };
    let mut s = Scanner { text, at, depth: 0, backslash: None, spaces: vec![], out };
    while s.step() {}
    s.out
}

struct Scanner<'s> {
    text: &'s str,
    at: usize,
    /// Parentheses open since the last `;`: tells an unclosed string how many `)` it swallowed.
    depth: usize,
    /// The one backslash error; text left from an outer language has dozens of them for one reason.
    backslash: Option<usize>,
    /// The one error of each foreign space.
    spaces: Vec<(char, usize)>,
    out: Scan,
}

impl Scanner<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn span(&self, len: usize) -> Span {
        Span::new(self.at as u32, (self.at + len) as u32)
    }

    /// Bytes up to the end of the line, its CR not counted.
    fn line_len(&self) -> usize {
        let rest = self.rest();
        let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
        line.trim_end_matches('\r').len()
    }

    fn error(&mut self, kind: SyntaxKind, span: Span, fix: Vec<Edit>) {
        self.out.errors.push(SyntaxError { kind, span, related: None, fix });
    }

    fn piece(&mut self, what: What, len: usize, sound: bool) {
        let span = self.span(len);
        self.out.pieces.push(Piece { what, span, sound });
        self.at += len;
    }

    fn step(&mut self) -> bool {
        let Some(c) = self.rest().chars().next() else { return false };
        let next = self.rest().as_bytes().get(1).copied().unwrap_or(b' ');
        match c {
            ' ' | '\t' | '\r' | '\n' => self.at += 1,
            '/' if next == b'/' => {
                let len = self.line_len();
                let span = self.span(len);
                self.out.comments.push(span);
                self.at += len;
            }
            '/' if next == b'*' => self.block_comment(),
            // `*//` is a `*` before a comment
            '*' if next == b'/' && self.rest().as_bytes().get(2) != Some(&b'/') => {
                self.error(SyntaxKind::BlockComment, self.span(2), vec![]);
                self.at += 2;
            }
            '#' => {
                let fix = Edit { span: self.span(1), text: "//".into() };
                let len = self.line_len();
                self.error(SyntaxKind::HashComment, self.span(len), vec![fix]);
                self.at += len;
            }
            '"' => self.string(),
            '\'' => self.single_quotes(),
            '\\' => self.backslash(next),
            '$' if next == b'{' => self.piece(What::OpenBrace, 2, false),
            '$' if !(next.is_ascii_alphabetic() || next == b'_') => self.lone_dollar(),
            '0'..='9' => self.number(),
            '.' if next.is_ascii_digit() => self.number(),
            'a'..='z' | 'A'..='Z' | '_' | '$' => self.word(),
            '%' if next != b'=' => self.piece(What::Percent, 1, true),
            '[' => self.piece(What::OpenBracket, 1, false),
            ']' => self.piece(What::CloseBracket, 1, false),
            '{' => self.piece(What::OpenBrace, if next == b'{' { 2 } else { 1 }, false),
            '}' => self.piece(What::CloseBrace, if next == b'}' { 2 } else { 1 }, false),
            _ if !c.is_ascii() => self.non_ascii(c),
            _ => self.operator(c),
        }
        true
    }

    fn operator(&mut self, c: char) {
        let rest = self.rest();
        let own = rest.starts_with("&&") || rest.starts_with("||");
        if let Some(op) = FOREIGN.iter().find(|op| !own && rest.starts_with(**op)) {
            return self.piece(What::Foreign, op.len(), true);
        }
        let mut lexer = Kind::lexer(rest);
        match lexer.next() {
            Some(Ok(kind)) => {
                let len = lexer.span().end;
                match kind {
                    Kind::Open => self.depth += 1,
                    Kind::Close => self.depth = self.depth.saturating_sub(1),
                    Kind::Semi => self.depth = 0,
                    _ => {}
                }
                self.piece(What::Is(kind), len, true);
            }
            _ => self.junk(c),
        }
    }

    /// A character that means nothing here. Neighbours of the same sort share one error.
    fn junk(&mut self, c: char) {
        let span = self.span(c.len_utf8());
        self.at += c.len_utf8();
        if let (Some(p), Some(e)) = (self.out.pieces.last_mut(), self.out.errors.last_mut())
            && p.what == What::Junk
            && p.span.hi == span.lo
            && e.span.hi == span.lo
        {
            p.span.hi = span.hi;
            e.span.hi = span.hi;
            return;
        }
        self.error(SyntaxKind::BadCharacter(c), span, vec![]);
        self.out.pieces.push(Piece { what: What::Junk, span, sound: false });
    }

    fn non_ascii(&mut self, c: char) {
        let len = c.len_utf8();
        let span = self.span(len);
        if c.is_alphanumeric() {
            return self.word();
        }
        if c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{ad}') {
            let text = if c.is_whitespace() { " " } else { "" };
            self.at += len;
            let fix = Edit { span, text: text.into() };
            // a text full of them has one cause and one remedy
            match self.spaces.iter().find(|(space, _)| *space == c) {
                Some((_, i)) => self.out.errors[*i].fix.push(fix),
                None => {
                    self.spaces.push((c, self.out.errors.len()));
                    self.error(SyntaxKind::BadCharacter(c), span, vec![fix]);
                }
            }
            return;
        }
        for quotes in [DOUBLE_QUOTES, CURLY_SINGLE] {
            if quotes.contains(&c) {
                let line = &self.rest()[..self.line_len()];
                let close = line.char_indices().skip(1).find(|(_, q)| quotes.contains(q) || *q == '"');
                let Some((at, q)) = close else { continue };
                let end = Span::new(span.lo + at as u32, span.lo + (at + q.len_utf8()) as u32);
                let fix = [span, end].map(|span| Edit { span, text: "\"".into() }).to_vec();
                self.error(SyntaxKind::BadCharacter(c), span, fix);
                return self.piece(What::Is(Kind::Str), at + q.len_utf8(), false);
            }
        }
        // only what reads as a token can stand for one
        let Some(to) = lookalike(c) else { return self.junk(c) };
        let Some(Ok(kind)) = Kind::lexer(&to).next() else { return self.junk(c) };
        self.error(SyntaxKind::BadCharacter(c), span, vec![Edit { span, text: to }]);
        self.piece(What::Is(kind), len, true);
    }

    /// A name; letters outside ASCII belong to the word so that it stays one error.
    fn word(&mut self) {
        let rest = self.rest();
        let dollar = usize::from(rest.starts_with('$'));
        let tail = &rest[dollar..];
        let len = dollar + tail.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(tail.len());
        if let Some((at, c)) = rest[..len].char_indices().find(|(_, c)| !c.is_ascii()) {
            let run = rest[at..len].find(|c: char| c.is_ascii()).unwrap_or(len - at);
            let span = Span::new((self.at + at) as u32, (self.at + at + run) as u32);
            self.error(SyntaxKind::BadCharacter(c), span, vec![]);
        }
        self.piece(What::Is(Kind::Name), len, true);
    }

    fn lone_dollar(&mut self) {
        let rest = self.rest();
        let run = rest[1..].find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '$'));
        let len = 1 + run.unwrap_or(rest.len() - 1);
        if len == 1 {
            return self.junk('$');
        }
        let fix = if rest.starts_with("$$") && len > 2 {
            vec![Edit { span: self.span(1), text: String::new() }]
        } else {
            vec![]
        };
        self.error(SyntaxKind::BadCharacter('$'), self.span(1), fix);
        self.piece(What::Is(Kind::Name), len, false);
    }

    fn number(&mut self) {
        let rest = self.rest();
        let mut lexer = Kind::lexer(rest);
        lexer.next();
        let good = lexer.span().end.max(1);
        let tail = &rest[good..];
        // `1.5.x` is a member of a number as far as shape goes; `1.5.2` is nothing
        let more = match tail.as_bytes() {
            [b'.', digit, ..] => digit.is_ascii_digit(),
            [c, ..] => c.is_ascii_alphanumeric() || *c == b'_',
            [] => false,
        };
        let end = tail.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.')).unwrap_or(tail.len());
        let len = if more { good + end } else { good };
        if len == good {
            return self.piece(What::Is(Kind::Number), len, true);
        }
        let word = &rest[..len];
        let value = match word.strip_prefix("0x").or(word.strip_prefix("0X")) {
            Some(hex) => u64::from_str_radix(hex, 16).ok().map(|n| n.to_string()),
            None => Some(word.replace('_', "")).filter(|w| w.bytes().all(|b| b.is_ascii_digit())),
        };
        let span = self.span(len);
        self.error(SyntaxKind::BadNumber, span, value.map(|text| Edit { span, text }).into_iter().collect());
        self.piece(What::Is(Kind::Number), len, false);
    }

    fn string(&mut self) {
        let line = &self.rest()[..self.line_len()];
        let close = line[1..].find('"').map(|i| i + 1);
        // a later string of the line is left open and a `;` stands in this one: it is this one that lacks its end
        match close {
            Some(end) if !(line[..end].contains(';') && ends_in_string(&line[end + 1..])) => {
                self.piece(What::Is(Kind::Str), end + 1, true)
            }
            _ => self.unclosed('"'),
        }
    }

    /// The text up to the `;` or the end of the line, less the parentheses that close earlier ones.
    fn unclosed(&mut self, quote: char) {
        let line = &self.rest()[..self.line_len()];
        let mut text = line[..line.find(';').unwrap_or(line.len())].trim_end();
        for _ in 0..self.depth {
            text = text.strip_suffix(')').unwrap_or(text).trim_end();
        }
        let len = text.len().max(1);
        let end = self.span(len).hi;
        let mut fix = vec![Edit { span: Span::new(end, end), text: "\"".into() }];
        if quote == '\'' {
            fix.push(Edit { span: self.span(1), text: "\"".into() });
        }
        self.error(SyntaxKind::UnclosedString, self.span(len), fix);
        self.piece(What::Is(Kind::Str), len, false);
    }

    fn single_quotes(&mut self) {
        let line = &self.rest()[..self.line_len()];
        let Some(end) = line[1..].find('\'').map(|i| i + 1) else { return self.unclosed('\'') };
        let span = self.span(end + 1);
        let quotes = [Span::new(span.lo, span.lo + 1), Span::new(span.hi - 1, span.hi)];
        let fix = if line[1..end].contains('"') {
            vec![]
        } else {
            quotes.map(|span| Edit { span, text: "\"".into() }).to_vec()
        };
        self.error(SyntaxKind::SingleQuotes, span, fix);
        self.piece(What::Is(Kind::Str), end + 1, true);
    }

    fn backslash(&mut self, next: u8) {
        let span = self.span(1);
        let mut fix = vec![];
        let mut string = None;
        match next {
            b'"' => {
                fix.push(Edit { span, text: String::new() });
                self.at += 1;
                let line = &self.rest()[..self.line_len()];
                if let Some(end) = line[1..].find('"').map(|i| i + 1) {
                    if line.as_bytes()[end - 1] == b'\\' {
                        let at = span.lo + end as u32;
                        fix.push(Edit { span: Span::new(at, at + 1), text: String::new() });
                    }
                    string = Some(end + 1);
                }
            }
            b'n' | b'r' | b't' => {
                let text = if next == b'n' { "\n" } else { " " };
                fix.push(Edit { span: self.span(2), text: text.into() });
                self.at += 2;
            }
            _ => {
                // a shell's line continuation is the only lone one with a sure repair
                if self.line_len() == 1 {
                    fix.push(Edit { span, text: String::new() });
                }
                self.at += 1;
            }
        }
        match self.backslash {
            Some(i) => self.out.errors[i].fix.extend(fix),
            None => {
                self.backslash = Some(self.out.errors.len());
                self.error(SyntaxKind::Backslash, span, fix);
            }
        }
        match string {
            Some(len) => self.piece(What::Is(Kind::Str), len, false),
            None if next == b'"' => {
                let len = self.line_len();
                self.piece(What::Is(Kind::Str), len, false);
            }
            None => {}
        }
    }

    /// `/* */` becomes `//` lines; code after it moves to a line of its own.
    fn block_comment(&mut self) {
        let rest = self.rest();
        let Some(len) = rest[2..].find("*/").map(|i| i + 4) else {
            // never closed: say so once, and read on after the line
            let len = self.line_len();
            self.error(SyntaxKind::BlockComment, self.span(2), vec![]);
            self.at += len;
            return;
        };
        let inner = &rest[2..len - 2];
        let after = &rest[len..];
        let after = &after[..after.find('\n').unwrap_or(after.len())];
        let mut text = String::new();
        for line in inner.lines() {
            let line = line.trim().trim_start_matches('*').trim();
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(if line.is_empty() { "//" } else { "// " });
            text.push_str(line);
        }
        if text.is_empty() {
            text.push_str("//");
        }
        if !after.trim().is_empty() {
            text.push('\n');
        }
        let span = self.span(len);
        self.error(SyntaxKind::BlockComment, span, vec![Edit { span, text }]);
        self.at += len;
    }
}

/// Reading a line from outside a string ends inside one.
fn ends_in_string(line: &str) -> bool {
    let mut inside = false;
    let mut before = b' ';
    for b in line.bytes() {
        match b {
            b'"' => inside = !inside,
            b'/' if before == b'/' && !inside => return false,
            _ => {}
        }
        before = b;
    }
    inside
}

/// The language's operator for a foreign one that has exactly one.
pub(crate) fn ours(foreign: &str) -> Option<(BinOp, &'static str)> {
    let op = match foreign {
        "&" => BinOp::And,
        "|" => BinOp::Or,
        "===" => BinOp::Eq,
        "!==" | "<>" => BinOp::Ne,
        "=>" => BinOp::Ge,
        "=<" => BinOp::Le,
        _ => return None,
    };
    Some((op, op.symbol()))
}

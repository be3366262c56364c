//! Terraform (HCL): finds `formula = …` with a heredoc or a quoted string, with the place of every character.
//!
//! In: the text. Out: pieces. Never: evaluating HCL; an interpolation becomes the number 1 and is marked opaque, any other
//! expression is skipped with a word.

use super::{Extraction, Host, Piece, Quoting};
use poolcast_grammar::Span;

pub(super) fn extract(text: &str) -> Result<Extraction, String> {
    let mut out = Extraction { host: Host::Terraform, pieces: Vec::new(), skipped: Vec::new() };
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'#' => at = line_end(text, at),
            b'/' if bytes.get(at + 1) == Some(&b'/') => at = line_end(text, at),
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                at = text[at + 2..].find("*/").map_or(bytes.len(), |i| at + 2 + i + 2);
            }
            b'"' => at = quoted(text, at).end,
            b'<' if text[at..].starts_with("<<") => at = heredoc(text, at).map_or(at + 2, |h| h.end),
            b if b.is_ascii_alphabetic() || b == b'_' => {
                let word = text[at..].find(|c: char| !(c.is_ascii_alphanumeric() || "_-".contains(c)));
                let end = word.map_or(bytes.len(), |i| at + i);
                let is_formula = &text[at..end] == "formula";
                at = end;
                if is_formula && let Some(value) = assigned(text, end) {
                    at = take(text, value, &mut out)?;
                }
            }
            _ => at += 1,
        }
    }
    Ok(out)
}

/// Where the value of `formula = value` starts.
fn assigned(text: &str, at: usize) -> Option<usize> {
    let blanks = |from: usize| from + text[from..].len() - text[from..].trim_start_matches([' ', '\t']).len();
    let eq = blanks(at);
    (text[eq..].starts_with('=') && !text[eq..].starts_with("==")).then(|| blanks(eq + 1))
}

fn take(text: &str, value: usize, out: &mut Extraction) -> Result<usize, String> {
    let place = || {
        let line = text[..value].matches('\n').count() + 1;
        format!("formula at line {line}")
    };
    if text[value..].starts_with("<<") {
        let found = heredoc(text, value).ok_or_else(|| format!("the heredoc of the {} does not end", place()))?;
        let end = found.end;
        out.pieces.push(found.piece(place()));
        Ok(end)
    } else if text[value..].starts_with('"') {
        let found = quoted(text, value);
        let end = found.end;
        out.pieces.push(found.piece(place()));
        Ok(end)
    } else {
        let end = line_end(text, value);
        let expression = text[value..end].trim_end_matches(|c: char| c.is_whitespace() || c == '}');
        let span = Span::new(value as u32, (value + expression.len()) as u32);
        out.skipped.push((span, "an expression, which only Terraform can compute".to_owned()));
        Ok(end)
    }
}

fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |i| at + i)
}

/// A string being collected.
struct Found {
    value: String,
    map: Vec<u32>,
    opaque: Vec<Span>,
    forks: Vec<u32>,
    quoting: Quoting,
    end: usize,
}

impl Found {
    fn new(quoting: Quoting) -> Found {
        Found { value: String::new(), map: Vec::new(), opaque: Vec::new(), forks: Vec::new(), quoting, end: 0 }
    }
    fn push(&mut self, c: char, at: usize) {
        let from = self.value.len();
        self.value.push(c);
        // Later bytes of a character keep its start, as slices never begin inside one.
        self.map.resize(from + c.len_utf8(), at as u32);
    }
    /// `$${`, `%%{`, `${…}` and `%{…}` at `at`; returns how far it reached.
    fn template(&mut self, text: &str, at: usize) -> Option<usize> {
        let rest = &text[at..];
        for (escape, plain) in [("$${", "${"), ("%%{", "%{")] {
            if rest.starts_with(escape) {
                self.push(plain.as_bytes()[0] as char, at);
                self.push('{', at + 2);
                return Some(at + 3);
            }
        }
        if !(rest.starts_with("${") || rest.starts_with("%{")) {
            return None;
        }
        let (mut depth, mut i, mut in_text) = (0usize, at + 1, false);
        let bytes = text.as_bytes();
        while i < bytes.len() {
            match bytes[i] {
                b'\\' if in_text => i += 1,
                b'"' => in_text = !in_text,
                b'{' if !in_text => depth += 1,
                b'}' if !in_text => {
                    depth -= 1;
                    if depth == 0 {
                        break;
                    }
                }
                _ => {}
            }
            i += 1;
        }
        let from = self.value.len() as u32;
        // A directive (`%{ if … }`) stands for nothing, an interpolation for a value.
        self.push(if rest.starts_with('$') { '1' } else { ' ' }, at);
        self.opaque.push(Span::new(from, from + 1));
        if rest.starts_with('%') {
            self.forks.push(from);
        }
        Some((i + 1).min(text.len()))
    }
    fn piece(mut self, path: String) -> Piece {
        debug_assert!(self.map.len() == self.value.len() || self.map.len() == self.value.len() + 1);
        if self.map.len() == self.value.len() {
            self.map.push(self.end as u32);
        }
        Piece { forks: self.forks, ..Piece::new(self.value, path, self.map, self.quoting, self.opaque) }
    }
}

/// The quoted string whose quotation mark is at `open`.
fn quoted(text: &str, open: usize) -> Found {
    let mut found = Found::new(Quoting::HclQuoted);
    let mut at = open + 1;
    while let Some(c) = text[at..].chars().next() {
        if c == '"' {
            break;
        }
        if let Some(next) = found.template(text, at) {
            at = next;
            continue;
        }
        let start = at;
        at += c.len_utf8();
        let c = if c == '\\' {
            let e = text[at..].chars().next().unwrap_or('\\');
            at += e.len_utf8();
            let digits = |n: usize| text.get(at..at + n).and_then(|h| u32::from_str_radix(h, 16).ok());
            match e {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                'u' | 'U' => {
                    let n = if e == 'u' { 4 } else { 8 };
                    match digits(n).and_then(char::from_u32) {
                        Some(c) => {
                            at += n;
                            c
                        }
                        None => '\u{fffd}',
                    }
                }
                e => e,
            }
        } else {
            c
        };
        found.push(c, start);
        if at >= text.len() {
            break;
        }
    }
    found.map.push(at as u32);
    found.end = (at + 1).min(text.len());
    found
}

/// The heredoc whose `<<` is at `open`; none when it is not one or does not end.
fn heredoc(text: &str, open: usize) -> Option<Found> {
    let mut head = &text[open + 2..];
    let flush = head.starts_with('-');
    if flush {
        head = &head[1..];
    }
    let word_len = head.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'))?;
    let word = &head[..word_len];
    let start = line_end(text, open) + 1;
    if word.is_empty() || start > text.len() {
        return None;
    }
    // Lines up to the one that holds only the word.
    let mut lines = Vec::new();
    let mut at = start;
    let end = loop {
        if at >= text.len() {
            return None;
        }
        let stop = line_end(text, at);
        if text[at..stop].trim() == word {
            break stop;
        }
        lines.push((at, stop));
        at = stop + 1;
    };
    let close = at;
    let blank = |s: &str| s.len() - s.trim_start_matches([' ', '\t']).len();
    let indent = if flush {
        let inner = lines.iter().map(|(a, b)| &text[*a..*b]).filter(|l| !l.trim().is_empty());
        inner.map(blank).min().unwrap_or(0)
    } else {
        0
    };
    let sample = lines.iter().map(|(a, b)| &text[*a..*b]).find(|l| l.len() >= indent && !l.trim().is_empty());
    let mut found = Found::new(Quoting::Heredoc(sample.map_or("", |l| &l[..indent]).to_owned()));
    for (lo, hi) in lines {
        let mut at = lo + blank(&text[lo..hi]).min(indent);
        while at < hi {
            if let Some(next) = found.template(text, at) {
                at = next;
                continue;
            }
            let c = text[at..].chars().next().unwrap_or('\n');
            found.push(c, at);
            at += c.len_utf8();
        }
        // A template that runs over the line end has swallowed it.
        if at == hi {
            found.push('\n', hi);
        }
    }
    found.map.push(close as u32);
    found.end = end;
    Some(found)
}

//! JSON: finds string values by their key path, with the place of every character.
//!
//! In: the text, which `serde_json` has accepted. Out: pieces. Never: a second opinion about what JSON is; the scanner only
//! walks text already known to be well formed.

use super::{Extraction, Host, Piece, Quoting};
use poolcast_grammar::Span;

/// A container being walked.
enum Level {
    Object(String),
    Array(usize),
}

pub(super) fn extract(text: &str) -> Result<Extraction, String> {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Err(e) = serde_json::from_str::<serde::de::IgnoredAny>(body) {
        return Err(format!("this is not JSON: {e}"));
    }
    let bytes = text.as_bytes();
    let mut out = Extraction { host: Host::Json, pieces: Vec::new(), skipped: Vec::new() };
    let mut levels: Vec<Level> = Vec::new();
    let mut key_next = false;
    let mut at = text.len() - body.len();
    while at < bytes.len() {
        match bytes[at] {
            b'{' => {
                levels.push(Level::Object(String::new()));
                key_next = true;
            }
            b'[' => {
                levels.push(Level::Array(0));
                key_next = false;
            }
            b'}' | b']' => {
                levels.pop();
                key_next = false;
            }
            b',' => match levels.last_mut() {
                Some(Level::Array(i)) => *i += 1,
                _ => key_next = true,
            },
            b':' => {
                key_next = false;
                let rest = &text[at + 1..];
                let value = at + 1 + rest.len() - rest.trim_start().len();
                // A pool without autoscaling says null; a template's parameter of that name is an object.
                let plain = text[value..].find([',', '}', ']', '\n']).map_or(text.len(), |i| value + i);
                let word = text[value..plain].trim_end();
                if holds_formula(&levels) && !word.starts_with(['"', 'n', '{', '[']) {
                    let span = Span::new(value as u32, (value + word.len()) as u32);
                    out.skipped.push((span, format!("not text but {word}: write it as a string")));
                }
            }
            b'"' => {
                let (value, map, end) = string(text, at);
                if key_next {
                    if let Some(Level::Object(key)) = levels.last_mut() {
                        *key = value;
                    }
                } else if holds_formula(&levels) {
                    if value.trim_start().starts_with('[') && value.trim_end().ends_with(']') {
                        let why = "a template expression, which only a deployment can compute";
                        out.skipped.push((Span::new(at as u32, end as u32), why.to_owned()));
                    } else {
                        out.pieces.push(Piece::new(value, path(&levels), map, Quoting::Json, Vec::new()));
                    }
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    Ok(out)
}

/// Whether a string here is a formula: `autoScaleFormula` anywhere, `formula` inside `autoScale` (ARM) or `auto_scale`
/// (Terraform's JSON form, where blocks may be arrays).
fn holds_formula(levels: &[Level]) -> bool {
    let mut keys = levels.iter().rev().filter_map(|l| match l {
        Level::Object(key) => Some(key.as_str()),
        Level::Array(_) => None,
    });
    if !matches!(levels.last(), Some(Level::Object(_))) {
        return false;
    }
    match keys.next() {
        Some(k) if k.eq_ignore_ascii_case("autoScaleFormula") => true,
        Some("formula") => matches!(keys.next(), Some("autoScale" | "auto_scale")),
        _ => false,
    }
}

fn path(levels: &[Level]) -> String {
    let mut out = String::new();
    for level in levels {
        match level {
            Level::Object(key) => {
                if !out.is_empty() {
                    out.push('.');
                }
                out.push_str(key);
            }
            Level::Array(i) => out.push_str(&format!("[{i}]")),
        }
    }
    out
}

/// The string whose quotation mark is at `open`: its value, the outer place of each of its bytes, one past its end.
fn string(text: &str, open: usize) -> (String, Vec<u32>, usize) {
    let bytes = text.as_bytes();
    let mut value = String::new();
    let mut map = Vec::new();
    let mut at = open + 1;
    while at < bytes.len() && bytes[at] != b'"' {
        let start = at;
        let c = if bytes[at] == b'\\' {
            let (c, len) = escape(text, at);
            at += len;
            c
        } else {
            let c = text[at..].chars().next().unwrap_or('\u{fffd}');
            at += c.len_utf8();
            c
        };
        value.push(c);
        map.resize(value.len(), start as u32);
    }
    map.push(at as u32);
    (value, map, at + 1)
}

/// The character of the escape at `at` and the escape's length.
fn escape(text: &str, at: usize) -> (char, usize) {
    let unit = |from: usize| text.get(from..from + 4).and_then(|h| u32::from_str_radix(h, 16).ok());
    match text.as_bytes().get(at + 1) {
        Some(b'n') => ('\n', 2),
        Some(b't') => ('\t', 2),
        Some(b'r') => ('\r', 2),
        Some(b'b') => ('\u{8}', 2),
        Some(b'f') => ('\u{c}', 2),
        Some(b'u') => {
            let high = unit(at + 2).unwrap_or(0xfffd);
            if (0xd800..0xdc00).contains(&high)
                && text.get(at + 6..at + 8) == Some("\\u")
                && let Some(low) = unit(at + 8).filter(|l| (0xdc00..0xe000).contains(l))
            {
                let c = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                return (char::from_u32(c).unwrap_or('\u{fffd}'), 12);
            }
            (char::from_u32(high).unwrap_or('\u{fffd}'), 6)
        }
        Some(c) => (*c as char, 2),
        None => ('\u{fffd}', 1),
    }
}

//! What can be judged from the words alone: texts given to `time`, superfluous `;`, bytes against characters, letters
//! outside ASCII.
//!
//! In: the tree and the checked formula. Out: diagnostics. Never: a change of meaning; a bad time still evaluates, and the
//! evaluation stops there, as the service does.

use super::hir::{HKind, Hir};
use crate::diag::{Diagnostic, Severity, code};
use poolcast_grammar::{Ast, BOM, Expr, MAX_CHARS, Span};
use poolcast_runtime::{builtins, ticks::Ticks};

/// Everything of this kind about one formula.
pub fn text(ast: &Ast, hir: &Hir) -> Vec<Diagnostic> {
    let mut out = Vec::new();
    times(hir, &mut out);
    empty_statements(ast, &mut out);
    letters(ast, &mut out);
    out
}

/// E0310: a time more precise than the service was seen to take; U0418: text that is no time to us.
fn times(hir: &Hir, out: &mut Vec<Diagnostic>) {
    for e in &hir.exprs {
        let HKind::Call(id, args) = e.kind else { continue };
        let [arg] = hir.args(args) else { continue };
        let HKind::Str(i) = hir.expr(*arg).kind else { continue };
        let Some(text) = hir.strings.get(i as usize) else { continue };
        // An empty text is the parameter's default: now.
        if builtins::ROWS[id.row as usize].name != "time" || text.is_empty() {
            continue;
        }
        let Err(bad) = Ticks::parse_service(text) else { continue };
        let span = hir.expr(*arg).span;
        let help = "write `2026-01-05T08:00:00Z` or `Mon, 05 Jan 2026 08:00:00 GMT`";
        if let Some(cut) = too_precise(text) {
            let lo = span.lo + 1 + cut.lo;
            out.push(
                Diagnostic::new(
                    code::BAD_TIME,
                    Severity::Error,
                    span,
                    format!("`{text}` is no time the service reads"),
                )
                .label(bad.why)
                .note("the service stores such a formula and was seen to fail when it evaluates it")
                .help(help)
                .fix(true, "keep six digits", Span::new(lo, lo + (cut.hi - cut.lo)), ""),
            );
            continue;
        }
        let mut d = Diagnostic::new(
            code::UNREAD_TIME,
            Severity::Warning,
            span,
            format!("`{text}` is in no documented time format"),
        )
        .label(bad.why)
        .note("whether the service reads it is not known; here the evaluation stops")
        .help(help);
        if let Ok(t) = Ticks::parse_lenient(text) {
            // Only when the text was clearly a date, not a bare number.
            if text.contains(['-', ':']) {
                d = d.fix(false, "write it so", span, format!("\"{}\"", t.iso_trimmed()));
            }
        }
        out.push(d);
    }
}

/// The digits after the sixth of a fraction, when leaving them out makes the text a time.
fn too_precise(text: &str) -> Option<Span> {
    let dot = text.find('.')?;
    let digits = text[dot + 1..].bytes().take_while(u8::is_ascii_digit).count();
    if digits <= 6 {
        return None;
    }
    let (lo, hi) = (dot + 7, dot + 1 + digits);
    Ticks::parse_service(&format!("{}{}", &text[..lo], &text[hi..])).ok()?;
    Some(Span::new(lo as u32, hi as u32))
}

/// U0411: empty statements.
fn empty_statements(ast: &Ast, out: &mut Vec<Diagnostic>) {
    for span in &ast.empty_stmts {
        out.push(
            Diagnostic::new(code::EMPTY_STATEMENT, Severity::Warning, *span, "there is no statement before this `;`")
                .label("one too many")
                .note("whether the service takes an empty statement is not known; here it is accepted and not counted")
                .fix(true, "remove it", *span, ""),
        );
    }
}

/// U0414 and U0416: letters outside ASCII, and more bytes than characters may be.
fn letters(ast: &Ast, out: &mut Vec<Diagnostic>) {
    let src = ast.text();
    if src.is_ascii() {
        return;
    }
    if src.starts_with(BOM) {
        let span = Span::new(0, BOM.len_utf8() as u32);
        out.push(
            Diagnostic::new(code::BYTE_ORDER_MARK, Severity::Warning, span, "the text starts with a byte-order mark")
                .label("an invisible U+FEFF, which some editors write")
                .note("here it is skipped; whether the service does that is not known")
                .fix(true, "remove it", span, ""),
        );
    }
    if src.len() > MAX_CHARS && src.chars().count() <= MAX_CHARS {
        let mut lo = MAX_CHARS;
        while !src.is_char_boundary(lo) {
            lo -= 1;
        }
        let span = Span::new(lo as u32, src.len() as u32);
        out.push(
            Diagnostic::new(
                code::BYTES_OVER,
                Severity::Warning,
                span,
                format!("the formula has {} bytes, more than {MAX_CHARS}", src.len()),
            )
            .label("past the limit, if bytes count")
            .note("the limit is documented as 8 KB and as 8192 characters; here characters count")
            .help("letters outside ASCII take several bytes: write comments without them"),
        );
    }
    let texts = ast.exprs.iter().zip(&ast.spans).filter(|(e, _)| matches!(e, Expr::Str)).map(|(_, s)| *s);
    let place = ast.comments.iter().copied().chain(texts).filter(|s| !s.text(src).is_ascii()).min();
    if let Some(span) = place {
        let inner = span.text(src);
        let lo = span.lo + inner.find(|c: char| !c.is_ascii()).unwrap_or(0) as u32;
        let len = src.get(lo as usize..).and_then(|s| s.chars().next()).map_or(1, char::len_utf8);
        out.push(
            Diagnostic::new(
                code::NON_ASCII,
                Severity::Warning,
                Span::new(lo, lo + len as u32),
                "there are letters outside ASCII here",
            )
            .label("the first one")
            .note("no documented formula has any; whether the service keeps them is not known")
            .help("write plain letters"),
        );
    }
}

//! Lints about the text itself: comments that swallow statements, and the comments that speak to us.

use super::{LintCx, warn};
use crate::diag::{Diagnostic, code, level::Selector};
use poolcast_grammar::{Ast, Span};

/// W0524: `//` hides the rest of a one-line formula.
pub(super) fn comment_swallows(cx: &LintCx<'_>, out: &mut Vec<Diagnostic>) {
    if cx.src.trim_end().contains(['\n', '\r']) {
        return;
    }
    for span in &cx.ast.comments {
        let text = span.text(cx.src);
        let body = text.trim_start_matches('/');
        let assigns = body.split(['=', ';']).count() > 2 || (body.contains('=') && body.contains('$'));
        if assigns {
            out.push(
                warn(
                    code::COMMENT_SWALLOWS,
                    *span,
                    "this comment runs to the end of the line, and the whole formula is one line",
                )
                .label("statements in here are not evaluated")
                .note("line breaks are often lost when a formula is put into JSON or a script")
                .help("end the comment with a line break (`\\n` in JSON), or remove it"),
            );
        }
    }
}

/// Words after `//! allow`, with their places.
pub(super) fn allowed_words(ast: &Ast) -> impl Iterator<Item = (&str, Span)> {
    ast.comments.iter().flat_map(move |span| {
        let text = span.text(ast.text());
        let list = text.strip_prefix("//!").map(str::trim_start).and_then(|t| t.strip_prefix("allow")).unwrap_or("");
        list.split(|c: char| c.is_whitespace() || c == ',').filter(|w| !w.is_empty()).map(move |w| {
            let lo = span.lo + (w.as_ptr() as usize - text.as_ptr() as usize) as u32;
            (w, Span::new(lo, lo + w.len() as u32))
        })
    })
}

/// W0527: a `//! allow` comment that names no lint.
pub(super) fn directives(cx: &LintCx<'_>, out: &mut Vec<Diagnostic>) {
    for (word, span) in allowed_words(cx.ast) {
        if let Err(why) = Selector::parse(word) {
            out.push(
                warn(code::DIRECTIVE, span, why)
                    .label("allows nothing")
                    .help("write codes or names of warnings, as in `//! allow W0503 unused-variable`"),
            );
        }
    }
}

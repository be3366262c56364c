//! Lints about the text itself: comments that swallow statements, and the comments that speak to us.

use super::{LintCx, warn};
use crate::{
    bounds::claim as assertion,
    diag::{Diagnostic, Severity, code, level::Selector},
};
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

/// What a `//!` comment can begin with.
const DIRECTIVES: &[&str] = &["allow", "assert"];

/// W0527: a `//!` comment that says nothing to us.
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
    for span in &cx.ast.comments {
        let Some(body) = span.text(cx.src).strip_prefix("//!") else { continue };
        let word = body.trim_start().split(|c: char| !c.is_alphanumeric()).next().unwrap_or("");
        if DIRECTIVES.contains(&word) {
            continue;
        }
        let lo = span.lo + 3 + (body.len() - body.trim_start().len()) as u32;
        let at = Span::new(lo, lo + word.len() as u32);
        let near = DIRECTIVES.iter().find(|d| strsim::osa_distance(d, &word.to_lowercase()) <= 2);
        let d = warn(code::DIRECTIVE, at, format!("`//! {word}` says nothing to poolcast")).label("has no effect");
        out.push(match near {
            Some(d_) => d.fix(false, format!("did you mean `{d_}`?"), at, *d_),
            None => d.help("after `//!` comes `allow` or `assert`; a comment for people starts with `//`"),
        });
    }
}

/// W0527: a `//! assert` that cannot be read, or does not check at the end of the formula.
pub(super) fn assertions(cx: &LintCx<'_>, out: &mut Vec<Diagnostic>) {
    for span in &cx.ast.comments {
        let text = span.text(cx.src);
        let Some(body) = text.strip_prefix("//!").map(str::trim_start).and_then(|t| t.strip_prefix("assert")) else {
            continue;
        };
        let condition = body.trim().trim_end_matches(';').trim_end();
        let lo = span.lo + (text.len() - body.trim_start().len()) as u32;
        let place = Span::new(lo, lo + condition.len() as u32);
        let claim = match assertion::parse(condition, None) {
            Ok(a) => a.claim,
            Err(why) => {
                out.push(warn(code::DIRECTIVE, place, why).label("claims nothing"));
                continue;
            }
        };
        if !matches!(claim, assertion::Claim::Always(_)) {
            continue;
        }
        // Where the condition is true or not: after the last statement, with everything it has assigned.
        let head = format!("{}\n;", cx.src);
        let from = head.len() as u32;
        let extended = format!("{head}{condition};");
        let ast = poolcast_grammar::parse(&extended).ast;
        let outer = |s: Span| Span::new((lo + s.lo - from).min(place.hi), (lo + s.hi - from).min(place.hi));
        for mut d in crate::check::check(&ast).diagnostics {
            if d.severity != Severity::Error || d.span.lo < from {
                continue;
            }
            d.code = code::DIRECTIVE;
            d.severity = Severity::Warning;
            d.message = format!("the assertion does not check: {}", d.message);
            d.span = outer(d.span);
            for l in d.labels.iter_mut().filter(|l| l.span.lo >= from) {
                l.span = outer(l.span);
            }
            d.fixes.retain(|f| f.edits.iter().all(|e| e.span.lo >= from));
            for f in &mut d.fixes {
                f.automatic = false;
                for e in &mut f.edits {
                    e.span = outer(e.span);
                }
            }
            out.push(d);
        }
    }
}

//! Diagnostics → text for people.
//!
//! In: a file's name, its text, its diagnostics, whether to colour. Out: a `String`. Never: deciding what is fatal,
//! printing, or asking the terminal anything (the caller knows). This is the only file that names codespan-reporting.

use super::{Diagnostic, Fix, Severity};
use codespan_reporting::{
    diagnostic::{Diagnostic as Report, Label as Mark, LabelStyle, Severity as Grade},
    files::SimpleFile,
    term::{self, Config, termcolor},
};
use poolcast_grammar::{LineIndex, Span};
use std::{borrow::Cow, fmt::Write as _};

/// The word for a severity, as printed.
pub fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// Source excerpts with labels, notes, help and suggested text.
pub fn human<'d>(name: &str, src: &str, list: impl IntoIterator<Item = &'d Diagnostic>, color: bool) -> String {
    let shown = Shown::new(src);
    let (name, src) = (plain(name), &*shown.text);
    let file = SimpleFile::new(&*name, src);
    let config = Config { tab_width: 2, ..Config::default() };
    let mut bytes = Vec::new();
    for diagnostic in list {
        let diagnostic = &shown.diagnostic(diagnostic);
        let report = report(src, diagnostic);
        let drawn = if color {
            term::emit_to_write_style(&mut termcolor::Ansi::new(&mut bytes), &config, &file, &report)
        } else {
            term::emit_to_write_style(&mut termcolor::NoColor::new(&mut bytes), &config, &file, &report)
        };
        if drawn.is_err() {
            // A place outside the text: still say what there is to say.
            bytes.extend(one_line(&name, src, &LineIndex::new(src), diagnostic).bytes());
            bytes.push(b'\n');
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// One line each: `file:line:column: error[E0102]: message`.
pub fn short<'d>(name: &str, src: &str, list: impl IntoIterator<Item = &'d Diagnostic>) -> String {
    let index = LineIndex::new(src);
    list.into_iter().fold(String::new(), |mut out, d| {
        out.push_str(&one_line(name, src, &index, d));
        out.push('\n');
        out
    })
}

fn one_line(name: &str, src: &str, index: &LineIndex, d: &Diagnostic) -> String {
    let (line, column) = index.line_col(src, d.span.lo.min(src.len() as u32));
    let (name, message) = (plain(name), plain(&d.message));
    format!("{name}:{line}:{column}: {}[{}]: {message}", severity(d.severity), d.code.0)
}

/// Characters that steer a terminal, or the direction of its text, instead of showing.
fn steers(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Text of others as it may go to a terminal: `\u{1b}` for the escape character.
fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if steers(c) { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// A source as it may go to a terminal.
struct Shown<'s> {
    text: Cow<'s, str>,
    /// How many bytes longer the text is before each steering character of the source. Empty when there is none.
    longer: Vec<(u32, u32)>,
}

impl<'s> Shown<'s> {
    fn new(src: &'s str) -> Shown<'s> {
        let mut longer = Vec::new();
        let mut sum = 0;
        for (at, c) in src.char_indices().filter(|(_, c)| steers(*c)) {
            sum += (c.escape_unicode().len() - c.len_utf8()) as u32;
            longer.push((at as u32, sum));
        }
        Shown { text: plain(src), longer }
    }
    fn place(&self, at: u32) -> u32 {
        let before = self.longer.partition_point(|(from, _)| *from < at);
        at + before.checked_sub(1).map_or(0, |i| self.longer[i].1)
    }
    fn span(&self, s: &mut Span) {
        *s = Span::new(self.place(s.lo), self.place(s.hi));
    }
    fn diagnostic(&self, d: &Diagnostic) -> Diagnostic {
        let mut d = d.clone();
        let words = [&mut d.message, &mut d.label].into_iter().chain(&mut d.notes).chain(&mut d.help);
        let words =
            words.chain(d.labels.iter_mut().map(|l| &mut l.text)).chain(d.fixes.iter_mut().map(|f| &mut f.title));
        for text in words.filter(|t| t.contains(steers)) {
            *text = plain(text).into_owned();
        }
        self.span(&mut d.span);
        for l in &mut d.labels {
            self.span(&mut l.span);
        }
        for e in d.fixes.iter_mut().flat_map(|f| &mut f.edits) {
            self.span(&mut e.span);
            e.text = plain(&e.text).into_owned();
        }
        d
    }
}

fn report(src: &str, d: &Diagnostic) -> Report<()> {
    let grade = match d.severity {
        Severity::Error => Grade::Error,
        Severity::Warning => Grade::Warning,
        Severity::Note => Grade::Note,
    };
    let mut marks = vec![Mark::primary((), clamp(src, d.span)).with_message(&d.label)];
    marks.extend(
        d.labels.iter().map(|l| Mark::new(LabelStyle::Secondary, (), clamp(src, l.span)).with_message(&l.text)),
    );
    let mut notes: Vec<String> = d.notes.iter().map(|n| format!("note: {n}")).collect();
    notes.extend(d.help.iter().map(|h| format!("help: {h}")));
    notes.extend(d.fixes.iter().map(|f| suggestion(src, f)));
    Report::new(grade).with_code(d.code.0).with_message(&d.message).with_labels(marks).with_notes(notes)
}

/// A range the text certainly has, on character boundaries.
fn clamp(src: &str, span: Span) -> std::ops::Range<usize> {
    let fit = |at: u32| {
        let mut at = (at as usize).min(src.len());
        while !src.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let lo = fit(span.lo);
    lo..fit(span.hi).max(lo)
}

/// "fix: title" and the lines as they would read.
fn suggestion(src: &str, fix: &Fix) -> String {
    let mut out = if fix.automatic {
        format!("fix: {} (`check --fix` does this)", fix.title)
    } else {
        format!("fix: {}", fix.title)
    };
    let lo = fix.edits.iter().map(|e| e.span.lo).min().unwrap_or(0) as usize;
    let hi = fix.edits.iter().map(|e| e.span.hi).max().unwrap_or(0) as usize;
    if src.get(lo..hi).is_none() {
        return out;
    }
    let first = src[..lo].rfind('\n').map_or(0, |i| i + 1);
    let last = src[hi..].find('\n').map_or(src.len(), |i| hi + i);
    let Some(block) = super::fix::apply_edits(
        &src[first..last],
        fix.edits.iter().cloned().map(|mut e| {
            e.span.lo -= first as u32;
            e.span.hi -= first as u32;
            e
        }),
    ) else {
        return out;
    };
    for line in block.lines().filter(|l| !l.trim().is_empty()).take(6) {
        // Long one-line hosts (JSON) are cut around the change.
        let line = line.trim_end();
        let shown: String = if line.chars().count() > 160 {
            line.chars().skip((lo - first).saturating_sub(40)).take(120).chain("…".chars()).collect()
        } else {
            line.trim_start().to_owned()
        };
        let _ = write!(out, "\n  {shown}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::code;

    fn sample() -> (&'static str, Diagnostic) {
        let src = "a = 1\nb = a;";
        let d = Diagnostic::new(code::MISSING_SEMICOLON, Severity::Error, Span::new(5, 5), "`;` is missing here")
            .label("before the next statement")
            .help("write `;`")
            .fix(true, "write `;`", Span::new(5, 5), ";");
        (src, d)
    }

    #[test]
    fn human_text_shows_place_help_and_the_repaired_line() {
        let (src, d) = sample();
        let text = human("f.txt", src, [&d], false);
        assert!(text.contains("error[E0102]: `;` is missing here"), "{text}");
        assert!(text.contains("f.txt:1:6"), "{text}");
        assert!(text.contains("a = 1;"), "{text}");
        assert!(!text.contains('\x1b'));
        assert!(human("f.txt", src, [&d], true).contains('\x1b'));
    }

    #[test]
    fn no_byte_of_a_formula_steers_the_terminal() {
        let src = "\u{1b}[31ma = \u{7}nobody;";
        let d = Diagnostic::new(code::UNDEFINED, Severity::Error, Span::new(10, 16), "`\u{1b}]0;x` is odd");
        let text = human("f\u{1b}.txt", src, [&d], false) + &short("f", src, [&d]);
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
        assert!(text.contains("\\u{1b}[31ma = \\u{7}nobody"), "{text}");
        let marks = text.lines().find(|l| l.contains("^^^")).unwrap();
        let source = text.lines().find(|l| l.contains("nobody")).unwrap();
        assert_eq!(marks.find('^'), source.find("nobody"), "{text}");
    }

    #[test]
    fn short_text_is_one_line() {
        let (src, d) = sample();
        assert_eq!(short("f.txt", src, [&d]), "f.txt:1:6: error[E0102]: `;` is missing here\n");
    }

    #[test]
    fn a_place_outside_the_text_is_no_reason_to_panic() {
        let d = Diagnostic::new(code::EMPTY, Severity::Error, Span::new(90, 99), "nothing").fix(
            true,
            "x",
            Span::new(90, 99),
            "y",
        );
        assert!(human("f", "é", [&d], false).contains("nothing"));
    }
}

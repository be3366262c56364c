//! Applying repairs to text.
//!
//! In: a text and the diagnostics about it. Out: the repaired text and how many repairs went in. Never: files, or a repair
//! that is not marked automatic.

use super::{Diagnostic, Edit};

/// The text after a set of edits; none when two of them overlap or one does not fit the text.
pub fn apply_edits(src: &str, edits: impl IntoIterator<Item = Edit>) -> Option<String> {
    let mut edits: Vec<Edit> = edits.into_iter().collect();
    edits.sort_by_key(|e| (e.span.lo, e.span.hi));
    let mut out = String::with_capacity(src.len() + 16);
    let mut at = 0usize;
    for edit in &edits {
        out.push_str(src.get(at..edit.span.lo as usize)?);
        src.get(edit.span.range())?;
        out.push_str(&edit.text);
        at = edit.span.hi as usize;
    }
    out.push_str(src.get(at..)?);
    Some(out)
}

/// Applies every automatic repair that does not touch text another one has claimed. Earlier diagnostics win; run it again
/// on the result for the rest.
pub fn apply_automatic<'d>(src: &str, list: impl IntoIterator<Item = &'d Diagnostic>) -> (String, usize) {
    let mut taken: Vec<Edit> = Vec::new();
    let mut count = 0;
    for fix in list.into_iter().filter_map(|d| d.fixes.iter().find(|f| f.automatic)) {
        let fits = fix.edits.iter().all(|e| src.get(e.span.range()).is_some());
        let free = fix.edits.iter().all(|e| taken.iter().all(|t| !touch(e, t)));
        if fits && free && !fix.edits.is_empty() {
            taken.extend(fix.edits.iter().cloned());
            count += 1;
        }
    }
    match apply_edits(src, taken) {
        Some(text) => (text, count),
        None => (src.to_owned(), 0),
    }
}

/// Overlapping, or two insertions at one place (their order would be a guess).
fn touch(a: &Edit, b: &Edit) -> bool {
    a.span == b.span || (a.span.lo < b.span.hi && b.span.lo < a.span.hi)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{Severity, code};
    use poolcast_grammar::Span;

    fn d(automatic: bool, lo: u32, hi: u32, text: &str) -> Diagnostic {
        Diagnostic::new(code::EMPTY, Severity::Error, Span::new(lo, hi), "x").fix(
            automatic,
            "t",
            Span::new(lo, hi),
            text,
        )
    }

    #[test]
    fn only_automatic_repairs_and_no_overlap() {
        let list = [d(true, 0, 1, "X"), d(false, 2, 3, "Y"), d(true, 0, 2, "Z"), d(true, 4, 4, "!")];
        assert_eq!(apply_automatic("abcd", &list), ("Xbcd!".to_owned(), 2));
    }

    #[test]
    fn a_repair_that_does_not_fit_is_left_out() {
        assert_eq!(apply_automatic("é", &[d(true, 1, 2, "x"), d(true, 7, 9, "x")]), ("é".to_owned(), 0));
    }
}

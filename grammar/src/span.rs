//! Byte ranges of the formula text and the service's line/column rule.
//!
//! In: byte offsets. Out: `Span`, 1-based line and column. Never: text slicing that can panic.

/// A half-open byte range `lo..hi` of the formula text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// First byte.
    pub lo: u32,
    /// One past the last byte.
    pub hi: u32,
}

impl Span {
    /// The range `lo..hi`.
    pub const fn new(lo: u32, hi: u32) -> Span {
        Span { lo, hi }
    }
    /// The smallest span that covers both.
    pub fn to(self, end: Span) -> Span {
        Span { lo: self.lo.min(end.lo), hi: self.hi.max(end.hi) }
    }
    /// As a `usize` range, for slicing.
    pub fn range(self) -> std::ops::Range<usize> {
        self.lo as usize..self.hi as usize
    }
    /// The text under the span; empty when the span does not fit the text.
    pub fn text(self, src: &str) -> &str {
        src.get(self.range()).unwrap_or("")
    }
}

/// Line starts of one text, for 1-based line and column numbers.
///
/// The service counts every character as one column and CRLF as one line break (language.md §3.4).
#[derive(Debug, Clone)]
pub struct LineIndex {
    starts: Vec<u32>,
}

impl LineIndex {
    /// Index the text once.
    pub fn new(src: &str) -> LineIndex {
        let mut starts = vec![0];
        starts.extend(src.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i as u32 + 1));
        LineIndex { starts }
    }
    /// 1-based (line, column) of a byte offset; columns count characters.
    pub fn line_col(&self, src: &str, offset: u32) -> (u32, u32) {
        let line = self.starts.partition_point(|s| *s <= offset).max(1) - 1;
        let start = self.starts[line];
        let chars = src.get(start as usize..offset as usize).map_or(offset - start, |s| s.chars().count() as u32);
        (line as u32 + 1, chars + 1)
    }
}

//! Bytes of a trace as records, one at a time.
//!
//! In: a file, a pipe, gzip or plain. Out: records of fields, borrowed from one reused buffer. Never: the whole file in
//! memory, a copy of a field nobody asked for.

use super::Problem;
use std::{
    fs::File,
    io::{self, Cursor, Read},
    path::Path,
};

/// How much of a file the format is guessed from.
pub const HEAD: usize = 64 * 1024;
const CHUNK: usize = 256 * 1024;
/// A record longer than this is not a record; it keeps memory bounded on files that are no tables at all.
const LONGEST: usize = 8 << 20;

/// An opened trace: its first bytes, for guessing, and all its bytes, for reading.
pub struct Source {
    /// The first bytes (at most [`HEAD`]), decompressed.
    pub head: Vec<u8>,
    /// Everything, from the start, decompressed.
    pub body: Box<dyn Read>,
}

impl Source {
    /// Opens a file (`-` is standard input); gzip is recognised by its magic bytes.
    pub fn open(path: &Path) -> io::Result<Source> {
        if path == Path::new("-") {
            return Source::new(io::stdin());
        }
        let file = File::open(path)?;
        if file.metadata()?.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "is a directory"));
        }
        Source::new(file)
    }

    /// Wraps any reader.
    pub fn new(mut reader: impl Read + 'static) -> io::Result<Source> {
        let magic = read_up_to(&mut reader, 2)?;
        let gz = magic == [0x1f, 0x8b];
        let whole = Cursor::new(magic).chain(reader);
        let mut body: Box<dyn Read> =
            if gz { Box::new(flate2::read::MultiGzDecoder::new(io::BufReader::new(whole))) } else { Box::new(whole) };
        let head = read_up_to(&mut body, HEAD)?;
        Ok(Source { body: Box::new(Cursor::new(head.clone()).chain(body)), head })
    }
}

fn read_up_to(reader: &mut impl Read, n: usize) -> io::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(n);
    reader.take(n as u64).read_to_end(&mut out)?;
    Ok(out)
}

/// One record: its fields and the line it starts on.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    bytes: &'a [u8],
    bounds: &'a [(u32, u32)],
    /// Line in the file, from 1.
    pub line: u64,
}

impl<'a> Record<'a> {
    /// The field at a column; empty when the record is too short.
    #[inline]
    pub fn get(&self, column: usize) -> &'a [u8] {
        match self.bounds.get(column) {
            Some(&(lo, hi)) => &self.bytes[lo as usize..hi as usize],
            None => b"",
        }
    }
    /// Number of fields read (never more than the reader's `limit`).
    pub fn len(&self) -> usize {
        self.bounds.len()
    }
    /// Whether the record has no field.
    pub fn is_empty(&self) -> bool {
        self.bounds.is_empty()
    }
    /// The whole record, for comment lines.
    pub fn raw(&self) -> &'a [u8] {
        self.bytes
    }
}

/// How a record is cut into fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// At one byte, with `"…"` quoting (`""` is a quote).
    Quoted(u8),
    /// At one byte, quotes are ordinary.
    Plain(u8),
    /// At runs of blanks and tabs.
    Blanks,
}

/// A streaming reader of records.
pub struct Records<R> {
    src: R,
    buf: Vec<u8>,
    lo: usize,
    hi: usize,
    eof: bool,
    line: u64,
    cut: Cut,
    /// Fields after this many are not looked for: the columns nobody reads are not even split.
    pub limit: usize,
    bounds: Vec<(u32, u32)>,
    scratch: Vec<u8>,
}

impl<R: Read> Records<R> {
    /// Starts at the beginning of `src`.
    pub fn new(src: R, cut: Cut) -> Records<R> {
        Records {
            src,
            buf: vec![0; CHUNK],
            lo: 0,
            hi: 0,
            eof: false,
            line: 0,
            cut,
            limit: usize::MAX,
            bounds: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// The next record that is not an empty line.
    #[allow(clippy::should_implement_trait)] // a lending reader is no Iterator
    pub fn next(&mut self) -> Result<Option<Record<'_>>, Problem> {
        loop {
            let Some((start, end, quoted)) = self.find_end()? else { return Ok(None) };
            self.line += 1;
            let at = self.line;
            self.lo = (end + 1).min(self.hi);
            let mut text = start..end;
            if at == 1 && self.buf[text.clone()].starts_with(b"\xef\xbb\xbf") {
                text.start += 3;
            }
            if text.end > text.start && self.buf[text.end - 1] == b'\r' {
                text.end -= 1;
            }
            if text.is_empty() {
                continue;
            }
            self.bounds.clear();
            if quoted {
                let newlines = self.buf[text.clone()].iter().filter(|b| **b == b'\n').count();
                self.line += newlines as u64;
                self.split_quoted(text);
                return Ok(Some(Record { bytes: &self.scratch, bounds: &self.bounds, line: at }));
            }
            let bytes = &self.buf[text];
            match self.cut {
                Cut::Quoted(d) | Cut::Plain(d) => split_at(bytes, d, self.limit, &mut self.bounds),
                Cut::Blanks => split_blanks(bytes, self.limit, &mut self.bounds),
            }
            return Ok(Some(Record { bytes, bounds: &self.bounds, line: at }));
        }
    }

    /// Start and end (exclusive, without the newline) of the next record and whether it holds quotes.
    fn find_end(&mut self) -> Result<Option<(usize, usize, bool)>, Problem> {
        let quoting = matches!(self.cut, Cut::Quoted(_));
        let (mut at, mut inside, mut quoted) = (self.lo, false, false);
        loop {
            let window = &self.buf[at..self.hi];
            let hit = if quoting { memchr::memchr2(b'\n', b'"', window) } else { memchr::memchr(b'\n', window) };
            match hit {
                Some(i) if self.buf[at + i] == b'"' => {
                    (inside, quoted, at) = (!inside, true, at + i + 1);
                }
                Some(i) if inside => at += i + 1,
                Some(i) => return Ok(Some((self.lo, at + i, quoted))),
                None if self.eof => {
                    if inside {
                        return Err(Problem::row(
                            self.line + 1,
                            "a quoted field is not closed before the end of the file",
                        ));
                    }
                    return Ok((self.lo < self.hi).then_some((self.lo, self.hi, quoted)));
                }
                None => {
                    let scanned = self.hi - self.lo;
                    self.refill()?;
                    at = self.lo + scanned;
                }
            }
        }
    }

    fn refill(&mut self) -> Result<(), Problem> {
        if self.lo > 0 {
            self.buf.copy_within(self.lo..self.hi, 0);
            self.hi -= self.lo;
            self.lo = 0;
        }
        if self.hi == self.buf.len() {
            if self.buf.len() >= LONGEST {
                return Err(Problem::row(self.line + 1, "a line longer than 8 MiB: this is not a table of tasks"));
            }
            self.buf.resize(self.buf.len() * 2, 0);
        }
        let n = self
            .src
            .read(&mut self.buf[self.hi..])
            .map_err(|e| Problem::row(self.line + 1, format!("cannot read on: {e}")))?;
        self.hi += n;
        self.eof = n == 0;
        Ok(())
    }

    fn split_quoted(&mut self, text: std::ops::Range<usize>) {
        let (Cut::Quoted(delim) | Cut::Plain(delim)) = self.cut else { return };
        self.scratch.clear();
        let (mut start, mut inside) = (0, false);
        let bytes = &self.buf[text];
        let mut i = 0;
        while i < bytes.len() {
            match bytes[i] {
                b'"' if inside && bytes.get(i + 1) == Some(&b'"') => {
                    self.scratch.push(b'"');
                    i += 1;
                }
                b'"' => inside = !inside,
                b if b == delim && !inside => {
                    self.bounds.push((start as u32, self.scratch.len() as u32));
                    start = self.scratch.len();
                }
                b => self.scratch.push(b),
            }
            i += 1;
        }
        self.bounds.push((start as u32, self.scratch.len() as u32));
    }
}

#[inline]
fn split_at(bytes: &[u8], delim: u8, limit: usize, out: &mut Vec<(u32, u32)>) {
    let mut start = 0u32;
    for (i, b) in bytes.iter().enumerate() {
        if *b == delim {
            out.push((start, i as u32));
            if out.len() >= limit {
                return;
            }
            start = i as u32 + 1;
        }
    }
    out.push((start, bytes.len() as u32));
}

fn split_blanks(bytes: &[u8], limit: usize, out: &mut Vec<(u32, u32)>) {
    let mut i = 0;
    while i < bytes.len() && out.len() < limit {
        while i < bytes.len() && bytes[i].is_ascii_whitespace() {
            i += 1;
        }
        let start = i;
        while i < bytes.len() && !bytes[i].is_ascii_whitespace() {
            i += 1;
        }
        if i > start {
            out.push((start as u32, i as u32));
        }
    }
}

/// A whole number, without going through text. None for anything else, overflow included.
#[inline]
pub fn int(bytes: &[u8]) -> Option<i64> {
    let (negative, digits) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, bytes),
    };
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let mut n: i64 = 0;
    for b in digits {
        let d = b.wrapping_sub(b'0');
        if d > 9 {
            return None;
        }
        n = n * 10 + d as i64;
    }
    Some(if negative { -n } else { n })
}

/// A decimal number.
pub fn float(bytes: &[u8]) -> Option<f64> {
    std::str::from_utf8(bytes).ok()?.trim().parse::<f64>().ok().filter(|x| x.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str, cut: Cut) -> Vec<(u64, Vec<String>)> {
        // A reader that gives one byte at a time: every refill path is walked.
        struct Drip(Vec<u8>, usize);
        impl Read for Drip {
            fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
                let Some(b) = self.0.get(self.1) else { return Ok(0) };
                (out[0], self.1) = (*b, self.1 + 1);
                Ok(1)
            }
        }
        let mut records = Records::new(Drip(text.as_bytes().to_vec(), 0), cut);
        let mut out = vec![];
        while let Some(r) = records.next().unwrap() {
            out.push((r.line, (0..r.len()).map(|i| String::from_utf8_lossy(r.get(i)).into_owned()).collect()));
        }
        out
    }

    #[test]
    fn quotes_newlines_and_crlf() {
        let got = all("\u{feff}a,b\r\n\n\"x,\"\"y\"\"\nz\",2\n3,", Cut::Quoted(b','));
        let want = [(1, vec!["a", "b"]), (3, vec!["x,\"y\"\nz", "2"]), (5, vec!["3", ""])];
        assert_eq!(got, want.map(|(l, f)| (l, f.iter().map(|s| s.to_string()).collect::<Vec<_>>())));
    }

    #[test]
    fn blanks_and_plain() {
        assert_eq!(all("  1   2\t3 \n", Cut::Blanks)[0].1, ["1", "2", "3"]);
        assert_eq!(all("a|\"b|c", Cut::Plain(b'|'))[0].1, ["a", "\"b", "c"]);
    }

    #[test]
    fn an_open_quote_is_an_error_with_its_line() {
        let mut r = Records::new(&b"a,b\n\"c,d\n"[..], Cut::Quoted(b','));
        r.next().unwrap();
        assert_eq!(r.next().err().unwrap().row, 2);
    }

    #[test]
    fn whole_numbers() {
        assert_eq!(int(b"-17"), Some(-17));
        assert_eq!(int(b""), None);
        assert_eq!(int(b"1.5"), None);
        assert_eq!(int(b"99999999999999999999"), None);
    }
}

//! CSV, long and wide.
//!
//! In: bytes. Out: raw samples. Never: a column taken by position: the header decides.

use super::{Raw, Role, SamplesError, metric, number, role, time};
use csv::{ByteRecord, ReaderBuilder};
use poolcast_runtime::metric::Metric;

pub(super) fn read(bytes: &[u8], raw: &mut Raw) -> Result<(), SamplesError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .comment(Some(b'#'))
        .delimiter(delimiter(bytes))
        .from_reader(bytes);
    let mut record = ByteRecord::new();
    if !reader.read_byte_record(&mut record).map_err(broken)? {
        return Err(SamplesError::file("the file is empty").help(EXPECTED));
    }
    let header: Vec<String> = record.iter().map(|h| String::from_utf8_lossy(h).trim().to_owned()).collect();
    let find = |r: Role| header.iter().position(|h| role(h) == r);
    let Some(at) = find(Role::Time) else {
        let seen = super::clip(&header.join(", "));
        return Err(SamplesError::file(format!("no `time` column in the header ({seen})")).help(EXPECTED));
    };
    let mut next = |record: &mut ByteRecord, raw: &mut Raw| -> Result<Option<u64>, SamplesError> {
        if !reader.read_byte_record(record).map_err(broken)? {
            return Ok(None);
        }
        raw.rows += 1;
        let start = record.position().map_or(0, csv::Position::byte);
        if record.len() > header.len() {
            let what = format!("{} cells, but the header has {}", record.len(), header.len());
            return Err(SamplesError::cell(line(bytes, start), &format!("#{}", header.len() + 1), what));
        }
        Ok(Some(start))
    };
    let cell_error =
        |start: u64, column: usize, what: String| SamplesError::cell(line(bytes, start), &header[column], what);

    if let (Some(name), Some(value)) = (find(Role::Metric), find(Role::Value)) {
        // Rows of one metric come in runs, or a few metrics alternate: names already met are compared as bytes.
        let mut known: Vec<(Vec<u8>, Option<Metric>)> = Vec::new();
        let mut last = 0;
        while let Some(start) = next(&mut record, raw)? {
            let text = record.get(name).unwrap_or_default();
            if known.get(last).is_none_or(|k| k.0 != text) {
                last = match known.iter().position(|k| k.0 == text) {
                    Some(i) => i,
                    None => {
                        let shown = String::from_utf8_lossy(text);
                        let found = metric(&shown).map_err(|what| cell_error(start, name, what))?;
                        if known.len() >= 4096 {
                            known.clear();
                        }
                        known.push((text.to_owned(), found));
                        known.len() - 1
                    }
                };
            }
            let Some(m) = known[last].1 else {
                *raw.skipped.entry(String::from_utf8_lossy(text).into_owned()).or_default() += 1;
                continue;
            };
            let instant = time(record.get(at).unwrap_or_default()).map_err(|what| cell_error(start, at, what))?;
            let x = number(record.get(value).unwrap_or_default()).map_err(|what| cell_error(start, value, what))?;
            match x {
                Some(x) => raw.column(m).push(instant, x),
                None => raw.column(m).missing += 1,
            }
        }
        return Ok(());
    }

    let mut columns = Vec::new();
    for (i, h) in header.iter().enumerate().filter(|(i, _)| *i != at) {
        match metric(h).map_err(|what| cell_error(0, i, what))? {
            Some(m) if columns.iter().any(|(_, other)| *other == m) => {
                return Err(cell_error(0, i, format!("`{}` has two columns", m.name())));
            }
            Some(m) => columns.push((i, m)),
            None => {
                raw.skipped.insert(h.clone(), 0);
            }
        }
    }
    if columns.is_empty() {
        let seen = super::clip(&header.join(", "));
        return Err(SamplesError::file(format!("no column is a metric ({seen})")).help(EXPECTED));
    }
    while let Some(start) = next(&mut record, raw)? {
        let instant = time(record.get(at).unwrap_or_default()).map_err(|what| cell_error(start, at, what))?;
        for (i, m) in &columns {
            match number(record.get(*i).unwrap_or_default()).map_err(|what| cell_error(start, *i, what))? {
                Some(x) => raw.column(*m).push(instant, x),
                None => raw.column(*m).missing += 1,
            }
        }
    }
    let rows = raw.rows;
    raw.skipped.values_mut().for_each(|n| *n = rows);
    Ok(())
}

const EXPECTED: &str = "expected a header `time,metric,value`, or `time` and one column per metric";

fn broken(e: csv::Error) -> SamplesError {
    SamplesError::file(format!("unreadable CSV: {e}"))
}

/// The separator that occurs most in the first line; a comma when none does.
fn delimiter(bytes: &[u8]) -> u8 {
    let first = bytes
        .split(|b| *b == b'\n')
        .find(|line| !line.is_empty() && line[0] != b'#' && *line != b"\r")
        .unwrap_or_default();
    let count = |d: u8| first.iter().filter(|b| **b == d).count();
    [b'\t', b';', b','].into_iter().max_by_key(|d| count(*d)).filter(|d| count(*d) > 0).unwrap_or(b',')
}

/// The line of the record read from byte `start`: the reader skips comments and blank lines after that place.
fn line(bytes: &[u8], start: u64) -> u64 {
    let (before, after) = bytes.split_at(bytes.len().min(start as usize));
    let skipped = after.split(|b| *b == b'\n').take_while(|l| l.trim_ascii().is_empty() || l[0] == b'#').count();
    (before.iter().filter(|b| **b == b'\n').count() + skipped + 1) as u64
}

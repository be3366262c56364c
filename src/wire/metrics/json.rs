//! JSON samples.
//!
//! In: bytes. Out: raw samples. Never: an unknown key passed over in silence.

use super::{Place, Raw, SamplesError, clip, finite, metric, time};
use poolcast_runtime::{
    metric::Metric,
    ticks::{Interval, Ticks},
};
use serde_json::{Map, Value};

const EXPECTED: &str =
    "expected `{\"samples\": {\"$PendingTasks\": [[time, value], …]}}` or `[{\"time\", \"metric\", \"value\"}, …]`";

pub(super) fn read(bytes: &[u8], raw: &mut Raw) -> Result<(), SamplesError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let document: Value = serde_json::from_slice(bytes)
        .map_err(|e| SamplesError::file(format!("unreadable JSON at line {}, column {}: {e}", e.line(), e.column())))?;
    match &document {
        Value::Array(rows) => {
            for (i, row) in rows.iter().enumerate() {
                let path = format!("[{i}]");
                let Value::Object(row) = row else { return Err(wrong(&path, "an object", row)) };
                read_row(&path, row, raw)?;
            }
            Ok(())
        }
        Value::Object(top) => {
            only(top, "", &["samples"])?;
            let Some(samples) = top.get("samples") else {
                return Err(SamplesError::file("no `samples`").help(EXPECTED));
            };
            let Value::Object(samples) = samples else { return Err(wrong("samples", "an object", samples)) };
            for (name, column) in samples {
                let path = format!("samples.{name}");
                let n = count(column);
                raw.rows += n;
                match metric(name).map_err(|what| at(&path, what))? {
                    Some(m) => read_column(&path, m, column, raw)?,
                    None => *raw.skipped.entry(name.clone()).or_default() += n,
                }
            }
            Ok(())
        }
        other => Err(wrong("the document", "an object or a list", other).help(EXPECTED)),
    }
}

fn read_row(path: &str, row: &Map<String, Value>, raw: &mut Raw) -> Result<(), SamplesError> {
    only(row, path, &["time", "metric", "value"])?;
    raw.rows += 1;
    let name = match row.get("metric") {
        Some(Value::String(name)) => name,
        Some(other) => return Err(wrong(&format!("{path}.metric"), "a name", other)),
        None => return Err(at(path, "no `metric`")),
    };
    match metric(name).map_err(|what| at(&format!("{path}.metric"), what))? {
        Some(m) => {
            let instant = read_time(&format!("{path}.time"), row.get("time").unwrap_or(&Value::Null))?;
            read_value(&format!("{path}.value"), m, instant, row.get("value").unwrap_or(&Value::Null), raw)
        }
        None => {
            *raw.skipped.entry(name.clone()).or_default() += 1;
            Ok(())
        }
    }
}

fn read_column(path: &str, m: Metric, column: &Value, raw: &mut Raw) -> Result<(), SamplesError> {
    match column {
        Value::Array(pairs) => {
            for (i, pair) in pairs.iter().enumerate() {
                match pair.as_array().map(Vec::as_slice) {
                    Some([t, x]) => {
                        // The path is text only when something is wrong: a million of them would dominate the reading.
                        let instant = quick_time(t).map_or_else(|| read_time(&format!("{path}[{i}][0]"), t), Ok)?;
                        match x.as_f64() {
                            Some(x) => raw.column(m).push(instant, x),
                            None => read_value(&format!("{path}[{i}][1]"), m, instant, x, raw)?,
                        }
                    }
                    _ => return Err(wrong(&format!("{path}[{i}]"), "a pair [time, value]", pair)),
                }
            }
            Ok(())
        }
        Value::Object(regular) => {
            only(regular, path, &["start", "every", "values"])?;
            let start = read_time(&format!("{path}.start"), regular.get("start").unwrap_or(&Value::Null))?;
            let every = match regular.get("every") {
                None => Interval::SAMPLE_PERIOD,
                Some(e) => match e.as_f64().map(Interval::from_seconds) {
                    Some(every) if every > Interval::ZERO => every,
                    _ => return Err(wrong(&format!("{path}.every"), "seconds above 0", e)),
                },
            };
            let Some(Value::Array(values)) = regular.get("values") else { return Err(at(path, "no list `values`")) };
            let mut instant = start;
            for (i, x) in values.iter().enumerate() {
                if !instant.in_calendar() {
                    return Err(at(&format!("{path}.values[{i}]"), "beyond the year 9999"));
                }
                read_value(&format!("{path}.values[{i}]"), m, instant, x, raw)?;
                instant = instant.saturating_plus(every);
            }
            Ok(())
        }
        other => Err(wrong(path, "a list of pairs, or an object with `start` and `values`", other)),
    }
}

fn quick_time(v: &Value) -> Option<Ticks> {
    time(v.as_str()?.as_bytes()).ok()
}
fn read_time(path: &str, v: &Value) -> Result<Ticks, SamplesError> {
    match v {
        Value::String(text) => time(text.as_bytes()).map_err(|what| at(path, what)),
        Value::Number(n) => time(n.to_string().as_bytes()).map_err(|what| at(path, what)),
        other => Err(wrong(path, "a time", other)),
    }
}
fn read_value(path: &str, m: Metric, instant: Ticks, v: &Value, raw: &mut Raw) -> Result<(), SamplesError> {
    let x = match v {
        Value::Null => None,
        Value::Number(n) => finite(n.as_f64().unwrap_or(f64::NAN)).map_err(|what| at(path, what))?,
        other => return Err(wrong(path, "a number or null", other)),
    };
    match x {
        Some(x) => raw.column(m).push(instant, x),
        None => raw.column(m).missing += 1,
    }
    Ok(())
}

fn count(column: &Value) -> u64 {
    let list = column.as_array().or_else(|| column.get("values")?.as_array());
    list.map_or(0, |l| l.len() as u64)
}
fn only(map: &Map<String, Value>, path: &str, keys: &[&'static str]) -> Result<(), SamplesError> {
    match map.keys().find(|k| !keys.contains(&k.as_str())) {
        Some(k) => Err(at(if path.is_empty() { "the document" } else { path }, format!("unknown key `{}`", clip(k)))
            .help(format!("the keys are {}", keys.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ")))),
        None => Ok(()),
    }
}
fn at(path: &str, what: impl Into<String>) -> SamplesError {
    SamplesError { place: Place::Path(path.to_owned()), what: what.into(), help: None }
}
fn wrong(path: &str, wanted: &str, found: &Value) -> SamplesError {
    at(path, format!("expected {wanted}, found {}", clip(&found.to_string())))
}

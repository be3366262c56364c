//! Diagnostics → JSON and SARIF 2.1.0.
//!
//! In: files with their text and diagnostics. Out: JSON text. Never: what is fatal, or which files there are.

use crate::diag::{Diagnostic, Diagnostics, Severity, code, render};
use poolcast_grammar::{LineIndex, Span};
use serde::Serialize;
use serde_json::{Value, json};

/// One file and what was found in it (places are places of this text).
#[derive(Debug, Clone)]
pub struct Checked<'a> {
    /// Its name as given; `-` for standard input.
    pub name: &'a str,
    /// Its text.
    pub text: &'a str,
    /// Findings.
    pub diagnostics: &'a Diagnostics,
}

#[derive(Serialize)]
struct Report<'a> {
    schema: &'static str,
    files: Vec<File<'a>>,
    errors: usize,
    warnings: usize,
    notes: usize,
}

#[derive(Serialize)]
struct File<'a> {
    file: &'a str,
    diagnostics: Vec<Finding<'a>>,
}

#[derive(Serialize)]
struct Finding<'a> {
    code: &'static str,
    name: &'static str,
    severity: &'static str,
    message: &'a str,
    label: &'a str,
    span: Place,
    labels: Vec<Label<'a>>,
    notes: &'a [String],
    help: &'a [String],
    fixes: Vec<Fix<'a>>,
}

#[derive(Serialize)]
struct Label<'a> {
    span: Place,
    text: &'a str,
}

#[derive(Serialize)]
struct Fix<'a> {
    title: &'a str,
    automatic: bool,
    edits: Vec<Edit<'a>>,
}

#[derive(Serialize)]
struct Edit<'a> {
    span: Place,
    text: &'a str,
}

/// A range: 1-based lines and columns (columns count characters), 0-based byte offsets, end exclusive.
#[derive(Serialize)]
struct Place {
    start: Point,
    end: Point,
}

#[derive(Serialize)]
struct Point {
    line: u32,
    column: u32,
    offset: u32,
}

fn place(index: &LineIndex, text: &str, span: Span) -> Place {
    let point = |offset: u32| {
        let offset = offset.min(text.len() as u32);
        let (line, column) = index.line_col(text, offset);
        Point { line, column, offset }
    };
    Place { start: point(span.lo), end: point(span.hi.max(span.lo)) }
}

fn count(files: &[Checked<'_>], severity: Severity) -> usize {
    files.iter().flat_map(|f| f.diagnostics.iter()).filter(|d| d.severity == severity).count()
}

/// The report of `check --format json`.
pub fn json(files: &[Checked<'_>]) -> String {
    let report = Report {
        schema: "poolcast.check/1",
        files: files.iter().map(file).collect(),
        errors: count(files, Severity::Error),
        warnings: count(files, Severity::Warning),
        notes: count(files, Severity::Note),
    };
    serde_json::to_string_pretty(&report).unwrap_or_default()
}

fn file<'a>(f: &Checked<'a>) -> File<'a> {
    let index = LineIndex::new(f.text);
    let at = |span| place(&index, f.text, span);
    let diagnostics = f.diagnostics.iter().map(|d| Finding {
        code: d.code.0,
        name: code::find(d.code.0).map_or("", |r| r.name),
        severity: render::severity(d.severity),
        message: &d.message,
        label: &d.label,
        span: at(d.span),
        labels: d.labels.iter().map(|l| Label { span: at(l.span), text: &l.text }).collect(),
        notes: &d.notes,
        help: &d.help,
        fixes: d
            .fixes
            .iter()
            .map(|x| Fix {
                title: &x.title,
                automatic: x.automatic,
                edits: x.edits.iter().map(|e| Edit { span: at(e.span), text: &e.text }).collect(),
            })
            .collect(),
    });
    File { file: f.name, diagnostics: diagnostics.collect() }
}

/// The report of `check --format sarif`: one run, one rule per code that occurs.
pub fn sarif(files: &[Checked<'_>]) -> String {
    let mut used: Vec<&'static str> = files.iter().flat_map(|f| f.diagnostics.iter()).map(|d| d.code.0).collect();
    used.sort_unstable();
    used.dedup();
    let rules: Vec<Value> = used.iter().filter_map(|c| code::find(c)).map(rule).collect();
    let results: Vec<Value> = files
        .iter()
        .flat_map(|f| {
            let index = LineIndex::new(f.text);
            let used = &used;
            f.diagnostics.iter().map(move |d| result(f, &index, used, d)).collect::<Vec<_>>()
        })
        .collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "poolcast", "semanticVersion": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    serde_json::to_string_pretty(&log).unwrap_or_default()
}

fn rule(row: &code::Row) -> Value {
    let level = if row.code.0.starts_with('E') { "error" } else { "warning" };
    json!({
        "id": row.code.0,
        "name": row.name,
        "shortDescription": {"text": row.title},
        "help": {"text": row.page, "markdown": row.page},
        "defaultConfiguration": {"level": level},
    })
}

fn region(index: &LineIndex, text: &str, span: Span) -> Value {
    let p = place(index, text, span);
    json!({
        "startLine": p.start.line, "startColumn": p.start.column,
        "endLine": p.end.line, "endColumn": p.end.column,
    })
}

fn result(f: &Checked<'_>, index: &LineIndex, used: &[&'static str], d: &Diagnostic) -> Value {
    let artifact = json!({"uri": uri(f.name)});
    let mut text = d.message.clone();
    for line in &d.help {
        text.push_str("\nhelp: ");
        text.push_str(line);
    }
    let mut out = json!({
        "ruleId": d.code.0,
        "ruleIndex": used.binary_search(&d.code.0).unwrap_or(0),
        "level": render::severity(d.severity),
        "message": {"text": text},
        "locations": [{"physicalLocation": {"artifactLocation": artifact, "region": region(index, f.text, d.span)}}],
    });
    if !d.labels.is_empty() {
        out["relatedLocations"] = d
            .labels
            .iter()
            .enumerate()
            .map(|(id, l)| {
                json!({
                    "id": id,
                    "physicalLocation": {"artifactLocation": artifact, "region": region(index, f.text, l.span)},
                    "message": {"text": l.text},
                })
            })
            .collect();
    }
    if !d.fixes.is_empty() {
        out["fixes"] = d
            .fixes
            .iter()
            .map(|x| {
                let replacements: Vec<Value> = x
                    .edits
                    .iter()
                    .map(|e| {
                        json!({
                            "deletedRegion": region(index, f.text, e.span),
                            "insertedContent": {"text": e.text},
                        })
                    })
                    .collect();
                json!({
                    "description": {"text": x.title},
                    "artifactChanges": [{"artifactLocation": artifact, "replacements": replacements}],
                })
            })
            .collect();
    }
    out
}

/// A file name as a relative URI reference.
fn uri(name: &str) -> String {
    if name == "-" {
        return "stdin".to_owned();
    }
    let mut out = String::new();
    for b in name.replace('\\', "/").bytes() {
        if b.is_ascii_alphanumeric() || b"-._~/".contains(&b) {
            out.push(b as char);
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
    }
    out
}

/// One evaluation as the service's pool object shows it (language.md §3.3).
pub fn auto_scale_run(at: crate::Ticks, result: &Result<crate::Outcome, crate::EvalError>) -> String {
    let mut run = serde_json::Map::new();
    run.insert("timestamp".into(), json!(at.iso_trimmed()));
    match result {
        Ok(o) => {
            run.insert("results".into(), json!(o.results()));
        }
        Err(e) => {
            run.insert("results".into(), json!(e.results));
            run.insert(
                "error".into(),
                json!({"code": e.code, "message": e.message, "values": [{"name": "Message", "value": e.value}]}),
            );
        }
    }
    serde_json::to_string_pretty(&Value::Object(run)).unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found() -> Diagnostics {
        let d = Diagnostic::new(code::UNUSED, Severity::Warning, Span::new(2, 4), "`a` is never used")
            .also(Span::new(0, 1), "here")
            .help("remove it")
            .fix(false, "remove it", Span::new(0, 4), "");
        Diagnostics::new(vec![d])
    }

    #[test]
    fn json_has_places_in_lines_columns_and_bytes() {
        let list = found();
        let v: Value =
            serde_json::from_str(&json(&[Checked { name: "a b.txt", text: "é\nxx", diagnostics: &list }])).unwrap();
        let d = &v["files"][0]["diagnostics"][0];
        assert_eq!(d["code"], "W0501");
        assert_eq!(d["name"], "unused-variable");
        assert_eq!(d["span"]["end"]["line"], 2);
        assert_eq!(d["span"]["end"]["offset"], 4);
        assert_eq!(v["warnings"], 1);
    }

    #[test]
    fn sarif_has_what_version_2_1_0_requires() {
        let list = found();
        let v: Value =
            serde_json::from_str(&sarif(&[Checked { name: "a b.txt", text: "abcd", diagnostics: &list }])).unwrap();
        assert_eq!(v["version"], "2.1.0");
        let run = &v["runs"][0];
        assert_eq!(run["tool"]["driver"]["name"], "poolcast");
        let r = &run["results"][0];
        assert_eq!(run["tool"]["driver"]["rules"][r["ruleIndex"].as_u64().unwrap() as usize]["id"], r["ruleId"]);
        let at = &r["locations"][0]["physicalLocation"];
        assert_eq!(at["artifactLocation"]["uri"], "a%20b.txt");
        assert_eq!(at["region"]["startColumn"], 3);
        assert_eq!(r["fixes"][0]["artifactChanges"][0]["replacements"][0]["deletedRegion"]["endColumn"], 5);
    }
}

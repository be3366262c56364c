//! Formulas inside other files: JSON pool definitions, ARM templates, Terraform.
//!
//! In: a file's name and text. Out: `Piece`s, each a formula with a map of every byte back to the outer file, so that a
//! diagnostic points where the author edits and a repair is written with the outer file's escapes. Never: files, and never
//! what a formula means. The scanners of the two hosts are in `embedded/`.

mod json;
mod terraform;

use crate::diag::{Code, Diagnostic, Edit, code};
use poolcast_grammar::Span;

/// What kind of file a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// Nothing but a formula.
    Plain,
    /// JSON: formulas in `autoScaleFormula`, or in `formula` under `autoScale` or `auto_scale`.
    Json,
    /// HCL: `formula = <<EOF`, `<<-EOF` or a quoted string.
    Terraform,
}

/// How text is written at a place of the outer file.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Quoting {
    /// As it is.
    Plain,
    /// JSON string.
    Json,
    /// HCL quoted string.
    HclQuoted,
    /// HCL heredoc; new lines get this indentation.
    Heredoc(String),
}

/// Lints that count assignments of a name; on two arms of a template's conditional there is only one.
const COUNTS: &[Code] =
    &[code::TARGET_TWICE, code::ALIAS_AND_NAME, code::UNUSED, code::DOLLAR_AND_BARE, code::AFTER_STOP];

/// One formula of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The formula, unescaped.
    pub text: String,
    /// Where it was found, for people: `pool.autoScaleFormula`; empty for a plain file.
    pub path: String,
    /// Places whose value the outer language fills in later; each is read as a number.
    pub opaque: Vec<Span>,
    /// Places of template conditionals (`%{ if }`, `%{ else }`): what stands on two sides of one may never meet.
    forks: Vec<u32>,
    /// Outer offset of each inner byte, and of the end. Empty for a plain file (offsets are equal).
    map: Vec<u32>,
    quoting: Quoting,
}

/// All formulas of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extraction {
    /// What the file is.
    pub host: Host,
    /// The formulas in order of place.
    pub pieces: Vec<Piece>,
    /// Formulas that are there but cannot be read, with the reason (an expression of the outer language).
    pub skipped: Vec<(Span, String)>,
}

/// Files that hold formulas only in ways we do not read, by the end of their name, with the remedy.
const UNREAD: &[(&[&str], &str)] = &[
    (&[".bicep", ".bicepparam"], "Bicep source is not read: check the JSON that `az bicep build` makes of it"),
    (
        &[".md", ".markdown", ".rst", ".html", ".adoc"],
        "a page of text is not read: put the formula into a file of its own",
    ),
    (
        &[".yaml", ".yml", ".toml", ".ini", ".xml"],
        "this format is not read: put the formula into a file of its own, or into JSON",
    ),
    (
        &[".py", ".sh", ".ps1", ".cs", ".js", ".ts", ".java", ".go", ".rs", ".r"],
        "a program is not read: put the formula into a file of its own",
    ),
];

/// Finds the formulas of a file. The error is about the outer file.
pub fn extract(name: &str, text: &str) -> Result<Extraction, String> {
    let lower = name.to_ascii_lowercase();
    if let Some((_, why)) = UNREAD.iter().find(|(ends, _)| ends.iter().any(|e| lower.ends_with(e))) {
        return Err((*why).to_owned());
    }
    match sniff(name, text) {
        Host::Plain => Ok(Extraction {
            host: Host::Plain,
            pieces: vec![Piece {
                text: text.to_owned(),
                path: String::new(),
                opaque: Vec::new(),
                forks: Vec::new(),
                map: Vec::new(),
                quoting: Quoting::Plain,
            }],
            skipped: Vec::new(),
        }),
        Host::Json => json::extract(text),
        Host::Terraform => terraform::extract(text),
    }
}

/// What kind of file a text is, by its name, else by its looks.
pub fn sniff(name: &str, text: &str) -> Host {
    let name = name.to_ascii_lowercase();
    if name.ends_with(".json") {
        return Host::Json;
    }
    if name.ends_with(".tf") || name.ends_with(".hcl") {
        return Host::Terraform;
    }
    let body = text.trim_start_matches('\u{feff}').trim_start();
    if body.starts_with(['{', '[']) && serde_json::from_str::<serde::de::IgnoredAny>(body).is_ok() {
        return Host::Json;
    }
    // A formula has neither blocks nor heredocs, so an `auto_scale` block cannot be one.
    let block = body.contains("auto_scale") && body.contains('{');
    let heredoc = body.contains("formula") && body.contains("<<");
    if block || heredoc { Host::Terraform } else { Host::Plain }
}

impl Piece {
    fn new(text: String, path: String, map: Vec<u32>, quoting: Quoting, opaque: Vec<Span>) -> Piece {
        debug_assert_eq!(map.len(), text.len() + 1);
        Piece { text, path, opaque, forks: Vec::new(), map, quoting }
    }

    /// The outer offset of an inner one.
    fn out(&self, at: u32) -> u32 {
        match self.map.last() {
            None => at,
            Some(end) => self.map.get(at as usize).copied().unwrap_or(*end),
        }
    }

    /// A range of the formula as a range of the outer file.
    pub fn outer(&self, span: Span) -> Span {
        let lo = self.out(span.lo);
        // The end of a range belongs to its last byte: text the outer file puts after it (indentation, a line break's
        // escape) is not part of it.
        let hi = if span.hi > span.lo { self.after(span.hi - 1) } else { lo };
        Span::new(lo, hi.max(lo))
    }

    /// One past the outer text of the character that inner byte `at` belongs to.
    fn after(&self, at: u32) -> u32 {
        if self.map.is_empty() {
            return at + 1;
        }
        match self.quoting {
            // Heredoc characters stand for themselves except `$${`, whose map entries are contiguous enough.
            Quoting::Heredoc(_) => {
                let here = self.out(at);
                let next = self.out(at + 1);
                if self.text.as_bytes().get(at as usize) == Some(&b'\n') { here + 1 } else { next.max(here + 1) }
            }
            _ => self.out(at + 1),
        }
    }

    /// Formula text as the outer file writes it.
    pub fn escape(&self, text: &str) -> String {
        match &self.quoting {
            Quoting::Plain => text.to_owned(),
            Quoting::Json => {
                let quoted = serde_json::Value::from(text).to_string();
                quoted[1..quoted.len() - 1].to_owned()
            }
            Quoting::HclQuoted => text
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\n', "\\n")
                .replace('\r', "\\r")
                .replace('\t', "\\t")
                .replace("${", "$${")
                .replace("%{", "%%{"),
            Quoting::Heredoc(indent) => {
                text.replace("${", "$${").replace("%{", "%%{").replace('\n', &format!("\n{indent}"))
            }
        }
    }

    /// A diagnostic about the formula as one about the outer file; none when it is about a value that only the outer
    /// language knows.
    pub fn outward(&self, mut d: Diagnostic) -> Option<Diagnostic> {
        let hidden = |span: Span| self.opaque.iter().any(|o| span.lo < o.hi && o.lo < span.hi);
        if hidden(d.span) || (COUNTS.contains(&d.code) && d.labels.iter().any(|l| self.forked(d.span, l.span))) {
            return None;
        }
        d.fixes.retain(|f| !f.edits.iter().any(|e| hidden(e.span)));
        d.span = self.outer(d.span);
        for label in &mut d.labels {
            label.span = self.outer(label.span);
        }
        for fix in &mut d.fixes {
            for edit in &mut fix.edits {
                *edit = Edit { span: self.outer(edit.span), text: self.escape(&edit.text) };
            }
        }
        Some(d)
    }

    /// Whether a template conditional stands between two places.
    fn forked(&self, a: Span, b: Span) -> bool {
        let (lo, hi) = (a.lo.min(b.lo), a.lo.max(b.lo));
        self.forks.iter().any(|f| (lo..hi).contains(f))
    }

    /// The edit of the outer file that puts `text` in place of a range of the formula, with the indentation it brings.
    pub fn edit(&self, inner: Span, text: &str) -> Edit {
        Edit { span: Span::new(self.out(inner.lo), self.out(inner.hi)), text: self.escape(text) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{Severity, fix::apply_automatic};

    fn at(piece: &Piece, needle: &str) -> Span {
        let lo = piece.text.find(needle).unwrap() as u32;
        Span::new(lo, lo + needle.len() as u32)
    }

    fn mend(outer: &str, piece: &Piece, needle: &str, with: &str) -> String {
        let span = at(piece, needle);
        let d = Diagnostic::new(code::UNUSED, Severity::Warning, span, "x").fix(true, "t", span, with);
        apply_automatic(outer, &[piece.outward(d).unwrap()]).0
    }

    #[test]
    fn data_plane_pool_json_maps_through_every_escape() {
        let outer =
            r#"{"id": "p", "autoScaleFormula": "a = 1;\n\tb = time(\"2026-01-05T08:00:00Z\");\u0024x = \u00e9;"}"#;
        let e = extract("pool.json", outer).unwrap();
        assert_eq!(e.pieces.len(), 1);
        let p = &e.pieces[0];
        assert_eq!(p.text, "a = 1;\n\tb = time(\"2026-01-05T08:00:00Z\");$x = é;");
        assert_eq!(p.path, "autoScaleFormula");
        assert_eq!(p.outer(at(p, "$x")).text(outer), "\\u0024x");
        assert_eq!(p.outer(at(p, "é")).text(outer), "\\u00e9");
        assert_eq!(p.outer(at(p, "\"2026-01-05T08:00:00Z\"")).text(outer), "\\\"2026-01-05T08:00:00Z\\\"");
        let mended = mend(outer, p, "a = 1", "a = time(\"\");\n\tc = 2");
        assert!(mended.contains(r#""a = time(\"\");\n\tc = 2;\n\tb"#), "{mended}");
        assert!(extract("pool.json", &mended).unwrap().pieces[0].text.starts_with("a = time(\"\");\n\tc = 2;"));
    }

    #[test]
    fn arm_templates_name_the_formula_by_its_path_and_skip_expressions() {
        let outer = r#"{"resources": [
            {"properties": {"scaleSettings": {"autoScale": {"formula": "$TargetDedicatedNodes = 1;", "evaluationInterval": "PT5M"}}}},
            {"properties": {"scaleSettings": {"autoScale": {"formula": "[parameters('f')]"}}, "formula": "not this one"}}
        ]}"#;
        let e = extract("main.json", outer).unwrap();
        assert_eq!(e.pieces.len(), 1);
        assert_eq!(e.pieces[0].path, "resources[0].properties.scaleSettings.autoScale.formula");
        assert_eq!(e.pieces[0].outer(Span::new(0, 21)).text(outer), "$TargetDedicatedNodes");
        assert_eq!(e.skipped.len(), 1);
        assert!(e.skipped[0].1.contains("template expression"));
    }

    #[test]
    fn broken_json_is_an_error_with_a_place() {
        assert!(extract("x.json", "{\"a\": }").unwrap_err().contains("line 1"));
    }

    #[test]
    fn indented_heredoc_keeps_its_indentation() {
        let outer = "resource \"azurerm_batch_pool\" \"p\" {\n  auto_scale {\n    formula = <<-EOF\n      a = 1;\n        $TargetDedicatedNodes = a;\n    EOF\n  }\n}\n";
        let e = extract("main.tf", outer).unwrap();
        let p = &e.pieces[0];
        assert_eq!(p.text, "a = 1;\n  $TargetDedicatedNodes = a;\n");
        assert_eq!(p.outer(at(p, "$TargetDedicatedNodes")).text(outer), "$TargetDedicatedNodes");
        let mended = mend(outer, p, "a = 1;", "b = 2;\na = b;");
        assert!(mended.contains("\n      b = 2;\n      a = b;\n        $Target"), "{mended}");
    }

    #[test]
    fn heredoc_interpolation_is_opaque() {
        let outer = "formula = <<EOF\ncap = ${var.max};\n$${x} = 2;\nEOF\n";
        let e = extract("pool.tf", outer).unwrap();
        let p = &e.pieces[0];
        assert_eq!(p.text, "cap = 1;\n${x} = 2;\n");
        assert_eq!(p.outer(p.opaque[0]).text(outer), "${var.max}");
        let d = Diagnostic::new(code::UNUSED, Severity::Warning, Span::new(6, 7), "x");
        assert_eq!(p.outward(d), None);
        assert!(mend(outer, p, "2", "3").contains("= 3;"));
    }

    #[test]
    fn quoted_hcl_strings_and_two_formulas_in_one_file() {
        let outer = "a { formula = \"$TargetDedicatedNodes = 1;\\n$x = \\\"t\\\";\" }\nb { formula = var.f }\nc {\n  formula = \"y = 2;\"\n}\n# formula = \"z\"\n";
        let e = extract("main.tf", outer).unwrap();
        assert_eq!(
            e.pieces.iter().map(|p| p.text.as_str()).collect::<Vec<_>>(),
            ["$TargetDedicatedNodes = 1;\n$x = \"t\";", "y = 2;"]
        );
        assert_eq!(e.skipped.len(), 1);
        assert_eq!(e.skipped[0].0.text(outer), "var.f");
    }

    #[test]
    fn looks_decide_when_the_name_does_not() {
        assert_eq!(sniff("-", " {\"autoScaleFormula\": \"a=1;\"}"), Host::Json);
        assert_eq!(sniff("-", "formula = <<EOF\na=1;\nEOF"), Host::Terraform);
        assert_eq!(sniff("-", "{ a = 1 }"), Host::Plain);
        assert_eq!(sniff("f.txt", "$TargetDedicatedNodes = 1 < 2 ? 3 : 4;"), Host::Plain);
    }

    #[test]
    fn replacing_a_whole_formula_escapes_it() {
        let outer = "{\"autoScaleFormula\": \"a=1;\"}";
        let e = extract("p.json", outer).unwrap();
        let whole = Span::new(0, e.pieces[0].text.len() as u32);
        let text = crate::diag::fix::apply_edits(outer, [e.pieces[0].edit(whole, "a = 1;\n")]).unwrap();
        assert_eq!(text, "{\"autoScaleFormula\": \"a = 1;\\n\"}");
    }

    #[test]
    fn what_is_not_read_is_said_by_name() {
        assert!(extract("main.bicep", "param x int").unwrap_err().contains("az bicep build"));
        assert!(extract("README.md", "# Title").unwrap_err().contains("file of its own"));
    }

    #[test]
    fn arms_of_a_template_do_not_count_together() {
        let outer = "formula = <<EOF\n%{ if var.big }\nn = 9;\n%{ else }\nn = 1;\n%{ endif }\nEOF\n";
        let e = extract("pool.tf", outer).unwrap();
        let p = &e.pieces[0];
        let (first, second) = (at(p, "n = 9"), at(p, "n = 1"));
        let d = Diagnostic::new(code::TARGET_TWICE, Severity::Warning, first, "x");
        assert_eq!(p.outward(d.clone().also(second, "again")), None);
        assert!(p.outward(d.also(Span::new(first.lo + 4, first.hi), "same arm")).is_some());
    }

    #[test]
    fn a_value_that_is_no_text_is_told() {
        let e = extract("p.json", "{\"autoScaleFormula\": 5, \"b\": {\"autoScaleFormula\": null}}").unwrap();
        assert!(e.pieces.is_empty());
        assert_eq!(e.skipped.len(), 1);
        assert!(e.skipped[0].1.contains("not text"), "{}", e.skipped[0].1);
    }
}

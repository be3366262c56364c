//! `poolcast check`: mistakes in formulas, with repairs.
//!
//! In: files. Out: findings in four formats, repaired files. Never: judging; that is `check::author`.

use super::{
    Complaint, Exit, Verb,
    output::{self, Source, Term},
};
use crate::{
    check::author,
    diag::{
        Diagnostic, Diagnostics, Severity, fix,
        level::{Level, Levels, Selector},
        render,
    },
    wire::{embedded, report},
};
use clap::ValueEnum;

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Formulas are found in plain files, in JSON (`autoScaleFormula`; `formula` under `autoScale`) and in Terraform \
(`formula = <<EOF` or a quoted string); places are places of the file you edit.
A comment `//! allow CODE` in a formula turns a warning off there.")]
pub struct Check {
    /// Formula, JSON or Terraform files; `-` reads standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// How to report.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Apply the repairs that cannot be wrong.
    #[arg(long)]
    fix: bool,
    /// With --fix: show what would change, and change nothing.
    #[arg(long, requires = "fix")]
    dry_run: bool,
    /// Report only what the service refuses when it stores a formula.
    #[arg(long, conflicts_with_all = ["fix", "strict", "deny", "warn", "allow"])]
    like_service: bool,
    /// Make unverified corners of the language (U04xx) errors.
    #[arg(long)]
    strict: bool,
    /// Do not report this warning: a code, a name or `all`. A named code wins over `all`, whatever the order.
    #[arg(long, short = 'A', value_name = "CODE", value_parser = Selector::parse)]
    allow: Vec<Selector>,
    /// Report this as a warning.
    #[arg(long, short = 'W', value_name = "CODE", value_parser = Selector::parse)]
    warn: Vec<Selector>,
    /// Report this as an error.
    #[arg(long, short = 'D', value_name = "CODE", value_parser = Selector::parse)]
    deny: Vec<Selector>,
}

/// How to report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Excerpts with labels, notes and suggested text.
    Human,
    /// One line each: file:line:column: severity[code]: message.
    Short,
    /// One JSON document.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
}

/// A file, what was found in it, and how many formulas it holds.
struct Outcome {
    source: Source,
    found: Diagnostics,
    formulas: usize,
}

impl Verb for Check {
    fn run(&self, term: &Term) -> Result<Exit, Complaint> {
        let levels = self.levels();
        let mut outcomes = Vec::new();
        let mut unread = Vec::new();
        for name in &self.files {
            let outcome = output::read(name).and_then(|source| {
                if self.fix { self.repair(term, source, &levels) } else { self.look(term, source, &levels) }
            });
            match outcome {
                Ok(outcome) => outcomes.push(outcome),
                Err(complaint) => unread.push(complaint),
            }
        }
        if outcomes.is_empty() && unread.len() == 1 {
            return Err(unread.remove(0));
        }
        if unread.is_empty() && outcomes.iter().all(|o| o.formulas == 0) {
            return Err(
                "no formula found: looked for `autoScaleFormula`, `autoScale.formula` and Terraform's `formula =`"
                    .into(),
            );
        }
        if !outcomes.is_empty() {
            let text = self.report(term, &outcomes);
            // With `--fix -` standard output is the repaired text, with `--dry-run` the diff.
            if self.fix && (self.dry_run || self.files.iter().any(|f| f == "-")) {
                term.error(text.trim_end());
            } else {
                term.print(&text);
            }
        }
        // One file that cannot be read hides nothing of the others, and is not forgotten for them.
        for Complaint(text) in &unread {
            term.error(&format!("error: {text}"));
        }
        if !unread.is_empty() {
            return Ok(Exit::Usage);
        }
        let rejected = outcomes.iter().any(|o| o.found.has_errors());
        Ok(if rejected { Exit::Rejected } else { Exit::Fine })
    }
}

impl Check {
    fn levels(&self) -> Levels {
        let mut rules: Vec<(Selector, Level)> = Vec::new();
        for (list, level) in [(&self.allow, Level::Allow), (&self.warn, Level::Warn), (&self.deny, Level::Deny)] {
            rules.extend(list.iter().map(|s| (*s, level)));
        }
        Levels { rules, strict: self.strict }
    }

    fn look(&self, term: &Term, source: Source, levels: &Levels) -> Result<Outcome, Complaint> {
        let found = embedded::extract(&source.name, &source.text).map_err(|e| format!("{}: {e}", source.name))?;
        for (span, why) in &found.skipped {
            let (line, _) = poolcast_grammar::LineIndex::new(&source.text).line_col(&source.text, span.lo);
            term.error(&format!("{}:{line}: skipped: the formula is {why}", source.name));
        }
        if found.pieces.is_empty() {
            term.error(&format!("{}: no formula found", source.name));
        }
        let mut list: Vec<Diagnostic> = Vec::new();
        for piece in &found.pieces {
            let said = if self.like_service {
                author::service(&piece.text)
            } else {
                author::author(&piece.text, levels).diagnostics
            };
            list.extend(said.into_iter().filter_map(|d| piece.outward(d)));
        }
        Ok(Outcome { formulas: found.pieces.len(), found: Diagnostics::new(list), source })
    }

    /// Applies automatic repairs until none is left, or one makes things worse.
    fn repair(&self, term: &Term, source: Source, levels: &Levels) -> Result<Outcome, Complaint> {
        let original = source.text.clone();
        let mut outcome = self.look(term, source.clone(), levels)?;
        for _ in 0..32 {
            let (text, count) = fix::apply_automatic(&outcome.source.text, outcome.found.iter());
            if count == 0 || text == outcome.source.text {
                break;
            }
            let name = outcome.source.name.clone();
            let next = self.look(term, Source { name, text }, levels)?;
            if errors(&next.found) > errors(&outcome.found) {
                break;
            }
            outcome = next;
        }
        // What does not become a formula may never have been one: all or nothing for each file.
        let misshapen = outcome.found.iter().filter(|d| d.code.0.starts_with("E01")).count();
        if misshapen > 0 && outcome.source.text != original {
            term.error(&format!(
                "{}: nothing is repaired: the text would still have {misshapen} mistake{} of shape; mend {} by hand first",
                source.name,
                if misshapen == 1 { "" } else { "s" },
                if misshapen == 1 { "it" } else { "them" },
            ));
            outcome = self.look(term, source, levels)?;
        }
        let Source { name, text } = &outcome.source;
        if self.dry_run {
            term.print(&output::diff(name, &original, text));
        } else if name == "-" {
            term.print(text);
        } else if *text != original {
            output::write(name, text)?;
        }
        Ok(outcome)
    }

    fn report(&self, term: &Term, outcomes: &[Outcome]) -> String {
        let files: Vec<report::Checked<'_>> = outcomes
            .iter()
            .map(|o| report::Checked { name: &o.source.name, text: &o.source.text, diagnostics: &o.found })
            .collect();
        match self.format {
            Format::Json => report::json(&files) + "\n",
            Format::Sarif => report::sarif(&files) + "\n",
            Format::Short => files.iter().map(|f| render::short(f.name, f.text, f.diagnostics.iter())).collect(),
            Format::Human => {
                let color = term.color && !(self.fix && self.dry_run);
                let body: String =
                    files.iter().map(|f| render::human(f.name, f.text, f.diagnostics.iter(), color)).collect();
                body + &summary(outcomes)
            }
        }
    }
}

fn errors(found: &Diagnostics) -> usize {
    found.iter().filter(|d| d.severity == Severity::Error).count()
}

fn summary(outcomes: &[Outcome]) -> String {
    let plural = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    let all = || outcomes.iter().flat_map(|o| o.found.iter());
    let formulas = outcomes.iter().map(|o| o.formulas).sum();
    let count = |s: Severity| all().filter(|d| d.severity == s).count();
    let (e, w, n) = (count(Severity::Error), count(Severity::Warning), count(Severity::Note));
    let mut parts = Vec::new();
    for (k, word) in [(e, "error"), (w, "warning"), (n, "note")] {
        if k > 0 {
            parts.push(plural(k, word));
        }
    }
    let verdict = if parts.is_empty() { "no problems".to_owned() } else { parts.join(", ") };
    let mut out = format!("{} checked: {verdict}\n", plural(formulas, "formula"));
    let repairable = all().filter(|d| d.fixes.iter().any(|f| f.automatic)).count();
    if repairable > 0 {
        out.push_str(&format!("{repairable} of them can be repaired with `--fix`\n"));
    }
    if let Some(first) = all().next() {
        out.push_str(&format!("more about a code: `poolcast explain {}`\n", first.code.0));
    }
    out
}

//! `poolcast fmt`: formulas laid out in one way.
//!
//! In: files. Out: the same formulas, formatted, in place; a diff with `--check`. Never: changing what a formula means.

use super::{
    Complaint, Exit, Verb,
    output::{self, Term},
};
use crate::{
    diag::{fix, render, syntax},
    wire::embedded,
};

/// Arguments of `fmt`.
#[derive(Debug, clap::Args)]
pub struct Fmt {
    /// Files with formulas; `-` reads standard input and writes standard output.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// Change nothing; show what would change and exit with 1 if something would.
    #[arg(long)]
    check: bool,
}

impl Verb for Fmt {
    fn run(&self, term: &Term) -> Result<Exit, Complaint> {
        let mut exit = Exit::Fine;
        for name in &self.files {
            let source = output::read(name)?;
            let found = embedded::extract(name, &source.text).map_err(|e| format!("{name}: {e}"))?;
            let mut edits = Vec::new();
            for piece in &found.pieces {
                match poolcast_grammar::format(&piece.text) {
                    // A formula the outer language fills in stays as it is.
                    Ok(text) if text != piece.text => edits.extend(piece.replace_all(&text)),
                    Ok(_) => {}
                    Err(errors) => {
                        let list = syntax::diagnostics(&piece.text, &errors);
                        let list: Vec<_> = list.into_iter().filter_map(|d| piece.outward(d)).collect();
                        term.error(render::human(name, &source.text, &list, false).trim_end());
                        exit = exit.max(Exit::Rejected);
                    }
                }
            }
            let text = fix::apply_edits(&source.text, edits).unwrap_or_else(|| source.text.clone());
            if self.check {
                if text != source.text {
                    term.print(&output::diff(name, &source.text, &text));
                    exit = exit.max(Exit::Rejected);
                }
            } else if name == "-" {
                term.print(&text);
            } else if text != source.text {
                output::write(name, &text)?;
            }
        }
        Ok(exit)
    }
}

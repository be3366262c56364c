//! `poolcast fmt`: formulas laid out in one way.
//!
//! In: files. Out: the same formulas, formatted, in place; a diff with `--check`. Never: changing what a formula means.

use super::{
    Complaint, Exit, Verb,
    output::{self, Term},
};
use crate::{
    diag::{Edit, fix, render, syntax},
    wire::embedded::{self, Piece},
};
use poolcast_grammar::Span;
use similar::ChangeTag;

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
                    Ok(_) if !piece.opaque.is_empty() => {}
                    Ok(text) => {
                        // Line ends are the file's affair, not the layout's.
                        let crlf = piece.text.contains("\r\n");
                        let text = if crlf { text.replace('\n', "\r\n") } else { text };
                        edits.extend(changes(piece, &text));
                    }
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

/// The edits that turn a formula into `text`. Words that stay keep the bytes they are written with, whatever the outer
/// file's escapes.
fn changes(piece: &Piece, text: &str) -> Vec<Edit> {
    let diff = similar::TextDiff::from_words(piece.text.as_str(), text);
    let mut edits = Vec::new();
    let (mut at, mut gone, mut come) = (0u32, 0u32, String::new());
    let mut flush = |at: u32, gone: &mut u32, come: &mut String| {
        if *gone > 0 || !come.is_empty() {
            edits.push(piece.edit(Span::new(at - *gone, at), come));
        }
        (*gone, *come) = (0, String::new());
    };
    for change in diff.iter_all_changes() {
        let word = change.value();
        match change.tag() {
            ChangeTag::Equal => {
                flush(at, &mut gone, &mut come);
                at += word.len() as u32;
            }
            ChangeTag::Delete => {
                at += word.len() as u32;
                gone += word.len() as u32;
            }
            ChangeTag::Insert => come.push_str(word),
        }
    }
    flush(at, &mut gone, &mut come);
    edits
}

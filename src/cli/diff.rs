//! `poolcast diff`: whether two formulas decide the same.
//!
//! In: two formulas, assumptions. Out: a proof, a difference with the commands that show it, or how much was tried.
//! Never: a comparison of texts.

use super::{
    Complaint, Exit, Verb,
    bounds::{Format, admissible, compile, samples_file},
    output::Term,
};
use crate::{
    bounds::{self, diff::Difference},
    wire,
};
use std::path::PathBuf;

/// Arguments of `diff`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 the same (or no difference found), 1 they differ, or none found with --deny-unknown."
)]
pub struct Diff {
    /// The formula as it was.
    #[arg(value_name = "OLD")]
    old: String,
    /// The formula as it shall be.
    #[arg(value_name = "NEW")]
    new: String,
    /// The pool never has more nodes of one kind than this.
    #[arg(long, value_name = "NODES")]
    quota: Option<u32>,
    /// What inputs are like: `$PendingTasks <= 500`. Repeatable.
    #[arg(long, value_name = "CONDITION")]
    assume: Vec<String>,
    /// Inputs to try.
    #[arg(long, default_value_t = bounds::search::BUDGET, value_name = "EVALUATIONS")]
    budget: u32,
    /// Seed of the search.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// A choice where nobody knows what the service does. Repeatable.
    #[arg(long, value_name = "NAME=VALUE")]
    rule: Vec<String>,
    /// "No difference found" also fails.
    #[arg(long)]
    deny_unknown: bool,
    /// Where the samples file of a difference is written.
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
    /// How to answer.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

impl Verb for Diff {
    fn run(&self, term: &Term) -> Result<Exit, Complaint> {
        let (old, new) = match (compile(&self.old, &self.rule, term)?, compile(&self.new, &self.rule, term)?) {
            (Ok(a), Ok(b)) => (a, b),
            (Err(exit), _) | (_, Err(exit)) => return Ok(exit),
        };
        let assume = admissible(self.quota, &self.assume)?;
        let difference = bounds::diff::diff(&old, &new, &assume, self.budget, self.seed);
        let commands = match &difference {
            Difference::Differ(w, ..) => {
                let file = samples_file(&self.out, "difference.csv", w)?;
                Some([&self.old, &self.new].map(|formula| w.command(formula, &file)))
            }
            _ => None,
        };
        let out = match (self.format, &difference) {
            (Format::Json, _) => wire::bounds::diff([&self.old, &self.new], &difference, commands.as_ref()),
            (_, Difference::SameProgram) => "same on every input: both compile to the same program\n".to_owned(),
            (_, Difference::SameInCases(n)) => format!("same on every admissible input: equal in all {n} cases\n"),
            (_, Difference::NotFound(n)) => {
                format!("no difference found in {n} directed and random inputs (not a proof)\n")
            }
            (_, Difference::Differ(w, a, b)) => {
                let commands = commands.as_ref().map_or(String::new(), |c| c.join("\n  "));
                format!("they differ: {}\n    old  {a}\n    new  {b}\n  {commands}\n", w.words())
            }
        };
        term.print(&out);
        Ok(match difference {
            Difference::SameProgram | Difference::SameInCases(_) => Exit::Fine,
            Difference::NotFound(_) if !self.deny_unknown => Exit::Fine,
            Difference::NotFound(_) | Difference::Differ(..) => Exit::Rejected,
        })
    }
}

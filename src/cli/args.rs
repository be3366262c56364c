//! The surface of the command line, for clap: verbs and what all of them share.
//!
//! In: words. Out: `Args`. Never: doing anything.

use super::{
    Verb, backtest, bounds, calibrate, check, compare, diff, doc, emit, eval, explain, fmt, import, repl, shell,
    simulate, sweep,
};
use clap::{Parser, Subcommand, ValueEnum};

/// Know what an Azure Batch pool will do before it does it.
#[derive(Debug, Parser)]
#[command(
    name = "poolcast",
    version,
    propagate_version = true,
    after_help = "Exit codes: 0 fine, 1 rejected, 2 wrong usage, 3 evaluation failed, 4 a bug of poolcast.\n\
                  Verbs that take a formula (check, fmt, eval, bounds, emit) read it from standard input for `-`."
)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// When to colour: NO_COLOR in the environment also turns it off.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The verbs. One line each; the rest of a verb is its file.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Find mistakes in formulas, on their own or inside JSON and Terraform.
    Check(check::Check),
    /// Lay formulas out in one way.
    Fmt(fmt::Fmt),
    /// Explain a code, function, metric or rule; without a name, list them all.
    Explain(explain::Explain),
    /// Evaluate a formula on recorded samples at one instant.
    Eval(eval::Eval),
    /// Evaluate a formula at every interval over a whole history.
    Backtest(backtest::Backtest),
    /// Prove what a formula can do: ranges with witnesses, assertions, worst costs.
    Bounds(bounds::Bounds),
    /// Whether two formulas decide the same, or an input on which they differ.
    Diff(diff::Diff),
    /// Simulate a scenario.
    Simulate(simulate::Simulate),
    /// Run several formulas on one scenario under the same luck.
    Compare(compare::Compare),
    /// Run a scenario over a space of knobs and formula parameters.
    Sweep(sweep::Sweep),
    /// Fit boot latency and preemption to what your pools did.
    Calibrate(calibrate::Calibrate),
    /// Look at a trace of another system and convert it.
    Import(import::Import),
    /// Think about a pool: type formulas, change the world, let time pass.
    Repl(repl::Repl),
    /// Show a formula as the compiler sees it.
    Emit(emit::Emit),
    /// Write the generated pages of the documentation.
    Doc(doc::Doc),
    /// Print a completion script for a shell.
    Completions(shell::Completions),
    /// Print the manual page.
    Man(shell::Man),
}

impl Command {
    /// The verb to run.
    pub fn verb(&self) -> &dyn Verb {
        match self {
            Command::Check(v) => v,
            Command::Fmt(v) => v,
            Command::Explain(v) => v,
            Command::Eval(v) => v,
            Command::Backtest(v) => v,
            Command::Bounds(v) => v,
            Command::Diff(v) => v,
            Command::Simulate(v) => v,
            Command::Compare(v) => v,
            Command::Sweep(v) => v,
            Command::Calibrate(v) => v,
            Command::Import(v) => v,
            Command::Repl(v) => v,
            Command::Emit(v) => v,
            Command::Doc(v) => v,
            Command::Completions(v) => v,
            Command::Man(v) => v,
        }
    }
}

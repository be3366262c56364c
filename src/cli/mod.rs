//! The command line: words in, exit code and text out.
//!
//! In: the process's arguments. Out: an exit code. Never: logic a library user would need.
//!
//! **To add a verb**: one file here with a `clap::Args` struct that implements [`Verb`], and one line in
//! [`args::Command`]. Dispatch, colour, `-` for standard input, exit codes and the report of our own bugs come with it.

pub mod args;
pub mod backtest;
pub mod bounds;
pub mod calibrate;
pub mod check;
pub mod compare;
pub mod diff;
pub mod doc;
pub mod emit;
pub mod eval;
pub mod explain;
pub mod fmt;
pub mod import;
pub mod output;
pub mod repl;
pub mod shell;
pub mod simulate;
pub mod sweep;

use clap::Parser as _;
use output::Term;

/// How a run ended; the numbers are the process's exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// All is well.
    Fine = 0,
    /// A formula was rejected, or would be changed.
    Rejected = 1,
    /// The command line, a file or its format is wrong.
    Usage = 2,
    /// An evaluation failed.
    Failed = 3,
    /// Our bug.
    Bug = 4,
}

/// Why a verb could not do its work: one sentence, and the remedy on further lines.
#[derive(Debug)]
pub struct Complaint(pub String);

impl<S: Into<String>> From<S> for Complaint {
    fn from(text: S) -> Complaint {
        Complaint(text.into())
    }
}

/// What a verb is.
pub trait Verb {
    /// Does the work.
    fn run(&self, term: &Term) -> Result<Exit, Complaint>;
}

/// Runs the command line of this process.
pub fn main() -> i32 {
    std::panic::set_hook(Box::new(report_bug));
    std::panic::catch_unwind(run).unwrap_or(Exit::Bug) as i32
}

fn run() -> Exit {
    let args = match args::Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help and version are errors to clap, with code 0.
            let _ = error.print();
            return if error.exit_code() == 0 { Exit::Fine } else { Exit::Usage };
        }
    };
    let term = Term::new(args.color);
    let done = args.command.verb().run(&term);
    let done = match (done, output::lost()) {
        (Ok(_), Some(why)) => Err(Complaint(format!("cannot write standard output: {why}"))),
        (done, _) => done,
    };
    match done {
        Ok(exit) => exit,
        Err(Complaint(text)) => {
            term.error(&format!("error: {text}"));
            Exit::Usage
        }
    }
}

fn report_bug(info: &std::panic::PanicHookInfo<'_>) {
    let place = info.location().map(|l| format!("{}:{}", l.file(), l.line())).unwrap_or_default();
    let what = info.payload();
    let text = what.downcast_ref::<&str>().copied().or_else(|| what.downcast_ref::<String>().map(String::as_str));
    eprintln!(
        "poolcast {} has a bug, and you have found it: {} ({place})\n\
         please report it with the command line and, if you may share it, the formula; nothing was written",
        env!("CARGO_PKG_VERSION"),
        text.unwrap_or("no message"),
    );
}

//! `poolcast repl`: a place to think about a pool.
//!
//! In: a scenario, samples, what is typed or piped. Out: replies. Never: logic; that is `repl`.

use super::{
    Complaint, Exit, Verb,
    output::{self, Term},
};
use crate::repl::{self, Ask, Files, Session, terminal, transcript};
use crate::wire::scenario::{self, Overrides, Scenario};
use std::{
    io::{BufRead, IsTerminal},
    path::Path,
};

/// Arguments of `repl`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Without a terminal it reads lines and writes a transcript with the same answers; it then exits with 1 when a line failed."
)]
pub struct Repl {
    /// A scenario (.toml or .json) to start in, or a formula to begin with.
    #[arg(value_name = "SCENARIO")]
    scenario: Option<String>,
    /// Recorded samples as the world.
    #[arg(long, value_name = "FILE", conflicts_with = "scenario")]
    samples: Option<String>,
    /// Where the lines typed are remembered; `none` remembers nothing.
    #[arg(long, value_name = "FILE")]
    history: Option<String>,
}

impl Verb for Repl {
    fn run(&self, term: &Term) -> Result<Exit, Complaint> {
        let mut session = Session::new(Box::new(Disk));
        session.color = term.color;
        let first = match (&self.scenario, &self.samples) {
            (Some(name), _) if is_scenario(name) => Some(format!(":sim {name}")),
            (Some(name), _) => Some(format!(":load {name}")),
            (_, Some(name)) => Some(format!(":samples {name}")),
            _ => None,
        };
        let mut hello = String::new();
        if let Some(line) = first {
            let reply = repl::step(&mut session, &line);
            if reply.failed {
                return Err(reply.text.into());
            }
            hello = reply.text;
        }
        if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
            terminal::run(session, &hello, self.history.as_deref(), || Box::new(Disk))?;
            return Ok(Exit::Fine);
        }
        piped(session, term, &hello)
    }
}

fn is_scenario(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|e| e.eq_ignore_ascii_case("toml") || e.eq_ignore_ascii_case("json"))
}

fn piped(mut session: Session, term: &Term, hello: &str) -> Result<Exit, Complaint> {
    if !hello.is_empty() {
        term.print(&format!("{hello}\n"));
    }
    let (mut open, mut exit) = (transcript::Entries::default(), Exit::Fine);
    let mut lines = std::io::stdin().lock().lines();
    loop {
        let line = lines.next().transpose().map_err(|e| format!("cannot read standard input: {e}"))?;
        let ended = line.is_none();
        let entries = match line {
            Some(line) => open.take(&line),
            None => open.end().into_iter().collect(),
        };
        for entry in entries {
            let (text, reply) = transcript::exchange(&mut session, &entry);
            term.print(&text);
            if reply.failed {
                exit = Exit::Rejected;
            }
            if reply.ask == Some(Ask::Quit) {
                return Ok(exit);
            }
        }
        if ended {
            return Ok(exit);
        }
    }
}

/// The disk, from the folder we are in.
#[derive(Debug, Clone, Copy)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, name: &str) -> Result<String, String> {
        // Standard input belongs to the session.
        if name == "-" {
            return Err("standard input is where the lines come from; give a file".into());
        }
        output::read(name).map(|s| s.text).map_err(|Complaint(why)| why)
    }
    fn write(&mut self, name: &str, text: &str) -> Result<(), String> {
        output::write(name, text).map_err(|Complaint(why)| why)
    }
    fn list(&self, prefix: &str) -> Vec<String> {
        let (folder, begin) = prefix.rsplit_once('/').map_or(("", prefix), |(f, b)| (&prefix[..=f.len()], b));
        let path = if folder.is_empty() { Path::new(".") } else { Path::new(folder) };
        let Ok(entries) = std::fs::read_dir(path) else { return Vec::new() };
        let mut out: Vec<String> = entries
            .filter_map(Result::ok)
            .filter_map(|e| {
                let name = e.file_name().into_string().ok()?;
                let hidden = name.starts_with('.') && !begin.starts_with('.');
                let end = if e.path().is_dir() { "/" } else { "" };
                (name.starts_with(begin) && !hidden && !name.contains(' ')).then(|| format!("{folder}{name}{end}"))
            })
            .take(500)
            .collect();
        out.sort();
        out
    }
    fn scenario(&self, name: &str, overrides: &Overrides) -> Result<Scenario, String> {
        scenario::load(Path::new(name), overrides).map_err(|e| e.to_string())
    }
}

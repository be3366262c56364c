//! `poolcast completions` and `poolcast man`: what clap knows about us, for shells and manuals.

use super::{Complaint, Exit, Verb, args::Args, output::Term};
use clap::CommandFactory as _;

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
pub struct Completions {
    /// Which shell.
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

impl Verb for Completions {
    fn run(&self, term: &Term) -> Result<Exit, Complaint> {
        let mut bytes = Vec::new();
        clap_complete::generate(self.shell, &mut Args::command(), "poolcast", &mut bytes);
        term.print(&String::from_utf8_lossy(&bytes));
        Ok(Exit::Fine)
    }
}

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
pub struct Man {
    /// The verb whose page to print; without one, the page of poolcast itself.
    verb: Option<String>,
}

impl Verb for Man {
    fn run(&self, term: &Term) -> Result<Exit, Complaint> {
        let mut command = Args::command();
        command.build();
        let command = match &self.verb {
            None => command,
            Some(verb) => {
                let found = command.find_subcommand(verb).cloned();
                found.ok_or_else(|| format!("there is no verb `{verb}`; `poolcast help` lists them"))?
            }
        };
        let mut bytes = Vec::new();
        clap_mangen::Man::new(command).render(&mut bytes).map_err(|e| format!("cannot write the page: {e}"))?;
        term.print(&String::from_utf8_lossy(&bytes));
        Ok(Exit::Fine)
    }
}

//! `poolcast import`: a trace of another system, looked at and converted.
//!
//! In: a file. Out: its profile, and a table every other verb reads. Never: silence about what was left out.

use super::{
    Complaint, Exit, Verb,
    output::{self, Term},
};
use crate::{
    report::profile::Profile,
    wire::{
        import::{self, Imported, Options, RunTime},
        scenario::fragment,
        tables,
    },
};
use std::path::{Path, PathBuf};

/// Arguments of `import`.
#[derive(Debug, clap::Args)]
pub struct Import {
    /// The trace, `FILE` or `FILE:format`; gzip is read too, `-` is standard input. Formats: swf, nextflow, az, events,
    /// sacct, csv, parquet.
    #[arg(value_name = "FILE[:FORMAT]")]
    file: String,
    /// Where to write the tasks (`.csv` or `.parquet`); an account or pool becomes part of a scenario (`.toml`).
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// Processors of the trace that make one task slot.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    cpus_per_slot: u32,
    /// Nextflow: count staging as run time (start to complete instead of realtime).
    #[arg(long)]
    occupied: bool,
    /// Leave failed attempts out.
    #[arg(long)]
    drop_failed: bool,
}

impl Verb for Import {
    fn run(&self, term: &Term) -> Result<Exit, Complaint> {
        let (path, format) = import::split_spec(&self.file);
        output::apart(&[Path::new(path)], &[self.to.as_deref()])?;
        let options = Options {
            format,
            cpus_per_slot: self.cpus_per_slot,
            run_time: if self.occupied { RunTime::Occupied } else { RunTime::Realtime },
            keep_failed: !self.drop_failed,
            ..Options::default()
        };
        let (imported, report) = import::read(Path::new(path), &options).map_err(|e| e.to_string())?;
        term.print(&format!("{report}\n"));
        let part = match imported {
            Imported::Workload(w) => {
                term.print(&format!("{}\n", Profile::of(&w)));
                if let Some(to) = &self.to {
                    tables::of_workload(&w).write(to).map_err(|e| super::output::cannot_write(to, &e))?;
                    term.print(&format!("{} tasks written to {}\n", w.len(), to.display()));
                }
                return Ok(Exit::Fine);
            }
            Imported::Account(a) => fragment::account(&a),
            Imported::Pool(p) => fragment::pool(&p),
            Imported::Nodes(n) => {
                return Err(format!(
                    "{path} lists {} nodes; `poolcast calibrate {path}` fits boot latency from it",
                    n.len()
                )
                .into());
            }
            Imported::Jobs(j) => fragment::jobs(&j),
        };
        match &self.to {
            Some(to) => {
                output::write(to, &part)?;
                term.print(&format!("part of a scenario written to {}\n", to.display()));
            }
            None => term.print(&part),
        }
        Ok(Exit::Fine)
    }
}

//! `poolcast calibrate`: latencies and hazards from your own pools.
//!
//! In: service-log events or `az batch node list -o json`. Out: fits beside their data, and a part of a scenario. Never: a
//! fit presented without its data.

use super::{
    Complaint, Exit, Verb,
    output::{self, Term},
};
use crate::{
    calibrate::{self, Calibration},
    report::term::{span, table},
    sim::knobs::show_duration,
    wire::import::{self, Format, Imported, Options, events, source::Source},
};
use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

/// Arguments of `calibrate`.
#[derive(Debug, clap::Args)]
pub struct Calibrate {
    /// Service-log events or a node list.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Write the part of a scenario here instead of printing it.
    #[arg(long, value_name = "FILE.toml")]
    to: Option<PathBuf>,
}

impl Verb for Calibrate {
    fn run(&self, term: &Term) -> Result<Exit, Complaint> {
        output::apart(&[&self.file], &[self.to.as_deref()])?;
        let source = Source::open(&self.file).map_err(|e| format!("cannot open {}: {e}", self.file.display()))?;
        let name = self.file.display().to_string();
        let complain = |problem| import::ImportError { file: name.clone(), problem }.to_string();
        let c = if import::sniff(&source.head).map_err(complain)? == Format::Events {
            calibrate::of_log(&events::node_log(source.body).map_err(complain)?)
        } else {
            match import::read(Path::new(&name), &Options::default()).map_err(|e| e.to_string())?.0 {
                Imported::Nodes(nodes) => calibrate::of_nodes(&nodes),
                _ => return Err(format!("{name} holds neither resize events nor nodes; use service-log events or `az batch node list -o json`").into()),
            }
        };
        term.print(&told(&c));
        let part = fragment(&c);
        match &self.to {
            Some(path) => output::write(path, &part)?,
            None => term.print(&part),
        }
        Ok(if c.fits.is_empty() && c.hazard.is_none() { Exit::Rejected } else { Exit::Fine })
    }
}

fn told(c: &Calibration) -> String {
    let mut out = String::new();
    for fit in &c.fits {
        let rows: Vec<Vec<String>> = [
            ("5 %", 0.05, -1.645),
            ("25 %", 0.25, -0.674),
            ("50 %", 0.5, 0.0),
            ("75 %", 0.75, 0.674),
            ("95 %", 0.95, 1.645),
        ]
        .into_iter()
        .map(|(name, share, z)| {
            let (seen, fitted) = fit.at(share, z);
            vec![name.to_string(), span(seen), span(fitted)]
        })
        .collect();
        // 1.36/√n is the 5 % bound of the test; it is generous when the parameters come from the same data.
        let bound = 1.36 / (fit.data.len() as f64).sqrt();
        let verdict = if fit.distance < bound {
            "a lognormal describes it"
        } else {
            "a lognormal describes it badly: look at the data"
        };
        let _ = write!(
            out,
            "{}: {} values, median {}, σ {:.2}; {verdict} (distance {:.3})\n{}\n\n",
            fit.what,
            fit.data.len(),
            span(fit.median_ms),
            fit.sigma,
            fit.distance,
            table(&["share", "seen", "fitted"], &rows)
        );
    }
    if let Some(h) = c.hazard {
        let _ = writeln!(
            out,
            "preemption: {} in {:.1} node-hours, {:.1} % an hour\n",
            h.events,
            h.hours,
            h.per_hour * 100.0
        );
    }
    for note in &c.notes {
        let _ = writeln!(out, "note: {note}");
    }
    out
}

/// The keys of a pool.
fn fragment(c: &Calibration) -> String {
    let mut out = String::from("# under [[pools]]\n");
    for fit in &c.fits {
        let _ = writeln!(out, "{} = \"{}\"", fit.knobs.0, show_duration(fit.median_ms.round() as i64));
        if let Some(knob) = fit.knobs.1 {
            let _ = writeln!(out, "{knob} = {:.3}", fit.sigma.min(5.0));
        }
    }
    if let Some(h) = c.hazard {
        let _ = writeln!(out, "spot.eviction_p_per_hour = {:.4}", h.per_hour);
    }
    out
}

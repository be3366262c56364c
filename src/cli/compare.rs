//! `poolcast compare`: formulas side by side.
//!
//! In: a scenario and formulas. Out: one table, winners, the front of cost against wait. Never: runs under different luck.

use super::{
    Complaint, Exit, Verb,
    output::{self, Term},
    simulate::{Change, stored},
};
use crate::{
    compare::Comparison,
    report::{
        measures::Measures,
        page,
        versus::{self, Versus},
    },
    sim::Simulation,
    wire::{
        scenario::{self, Overrides},
        tables::{Column, Table},
        time,
    },
};
use rayon::prelude::*;
use std::path::Path;
use std::{path::PathBuf, sync::Arc};

/// Arguments of `compare`.
#[derive(Debug, clap::Args)]
pub struct Compare {
    /// The scenario.
    #[arg(value_name = "SCENARIO")]
    scenario: PathBuf,
    /// The formulas; the first is what the others are measured against. `-` stands for the scenario's own.
    #[arg(value_name = "FORMULA", required = true)]
    formulas: Vec<String>,
    /// Run each under that many seeds, beginning with the scenario's.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    seeds: u32,
    #[command(flatten)]
    change: Change,
    /// Show every measure.
    #[arg(long)]
    all: bool,
    /// Write every run to a table (.csv or .parquet).
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write one self-contained page: measures, cost against wait, and every formula's nodes over time.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Write cost against wait as a chart.
    #[arg(long, value_name = "FILE.svg")]
    chart: Option<PathBuf>,
}

/// Shown without `--all`, when they are not all 0.
const MAIN: [&str; 16] = [
    "cost",
    "wait_mean",
    "wait_p95",
    "wait_max",
    "slowdown_p95",
    "succeeded",
    "failed",
    "unfinished",
    "node_hours",
    "utilisation",
    "lost_requeue",
    "lost_terminate",
    "lost_preempt",
    "failed_evaluations",
    "resize_errors",
    "oscillations",
];

impl Verb for Compare {
    fn run(&self, term: &Term) -> Result<Exit, Complaint> {
        let mut reads = self.change.reads(&self.scenario);
        reads.extend(self.formulas.iter().map(Path::new));
        output::apart(&reads, &[self.out.as_deref(), self.chart.as_deref(), self.report.as_deref()])?;
        let base = self.change.overrides()?;
        let mut texts = Vec::new();
        for name in &self.formulas {
            texts.push(if name == "-" { None } else { Some(output::read(name)?.text) });
        }
        let first = scenario::load(&self.scenario, &base).map_err(|e| e.to_string())?;
        if let Some(report) = &first.imported {
            term.print(&format!("{report}\n"));
        }
        let seeds: Vec<u64> = (0..self.seeds as u64).map(|k| first.config.seed.wrapping_add(k)).collect();
        let work: Vec<(usize, usize)> = (0..texts.len()).flat_map(|f| (0..seeds.len()).map(move |s| (f, s))).collect();
        let compiler = self.change.targets_only();
        let bar = super::sweep::bar(work.len() as u64);
        // One load per seed: generated work follows the seed, and is the same for every formula.
        let loaded = seeds
            .par_iter()
            .map(|seed| {
                scenario::load(&self.scenario, &Overrides { seed: Some(*seed), ..base.clone() })
                    .map(|s| (s.config, Arc::new(s.workload)))
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| e.to_string())?;
        for (f, text) in texts.iter().enumerate() {
            let mut config = first.config.clone();
            if let Some(text) = text {
                config.set_formula(text);
            }
            stored(&config, &self.formulas[f])?;
        }
        let measured = work
            .par_iter()
            .map(|(f, s)| {
                let (config, workload) = &loaded[*s];
                let mut config = config.clone();
                config.output.node_history = false;
                if let Some(text) = &texts[*f] {
                    config.set_formula(text);
                }
                let mut sim = Simulation::new(config, workload.clone(), compiler.clone())
                    .map_err(|e| format!("{}: {e}", self.formulas[*f]))?;
                sim.run();
                bar.inc(1);
                // One run of each is enough to draw.
                let drawn = *s == 0 && self.report.is_some();
                let series = if drawn { sim.output().series.iter().collect() } else { Vec::new() };
                let pools: Vec<String> =
                    if drawn { sim.pools().map(|p| p.id.to_string()).collect() } else { Vec::new() };
                Ok((Measures::of(&sim), series, pools))
            })
            .collect::<Result<Vec<_>, String>>()?;
        bar.finish_and_clear();
        let pools = measured.first().map(|(_, _, pools)| pools.clone()).unwrap_or_default();
        let (measured, series): (Vec<Measures>, Vec<Vec<_>>) = measured.into_iter().map(|(m, s, _)| (m, s)).unzip();
        let series: Vec<Vec<_>> = series.into_iter().step_by(seeds.len()).collect();
        let runs: Vec<Vec<Measures>> = measured.chunks(seeds.len()).map(<[Measures]>::to_vec).collect();
        let names = labels(&self.formulas);
        let c = Comparison { names, seeds, runs };
        term.print(&self.told(&c, term.width()));
        if let Some(path) = &self.out {
            write_runs(&c).write(path).map_err(|e| output::cannot_write(path, &e))?;
        }
        if let Some(path) = &self.report {
            let of_pools = first.config.all_pools();
            let own: Vec<(String, String)> =
                of_pools.filter_map(|p| Some((p.id.clone(), p.formula.clone()?))).collect();
            let page = Versus {
                title: &first.name,
                comparison: &c,
                series: &series,
                pools: &pools,
                formulas: &texts,
                own: &own,
                epoch_ms: time::unix_ms_from_ticks(first.config.epoch),
                prices: &first.prices,
            };
            output::write(path, &page.html())?;
        }
        if let Some(path) = &self.chart {
            output::write(path, &versus::trade_chart(&c, page::currency(&first.prices)).0)?;
        }
        Ok(Exit::Fine)
    }
}

/// Column heads: file names without their endings where that tells them apart, else the paths as given.
fn labels(formulas: &[String]) -> Vec<String> {
    let short = |path: &String| match path.as_str() {
        "-" => "scenario's".to_owned(),
        path => Path::new(path).file_stem().map_or(path.to_owned(), |s| s.to_string_lossy().into_owned()),
    };
    let all: Vec<String> = formulas.iter().map(short).collect();
    let alone = |name: &String| all.iter().filter(|n| *n == name).count() == 1;
    formulas.iter().zip(&all).map(|(path, name)| if alone(name) { name.clone() } else { path.clone() }).collect()
}

fn write_runs(c: &Comparison) -> Table {
    let pairs: Vec<(usize, usize)> = (0..c.names.len()).flat_map(|f| (0..c.seeds.len()).map(move |s| (f, s))).collect();
    let mut t = Table::new()
        .with("formula", Column::Text(pairs.iter().map(|(f, _)| c.names[*f].clone()).collect()))
        .with("seed", Column::Int(pairs.iter().map(|(_, s)| c.seeds[*s] as i64).collect()));
    for (row, (name, ..)) in Measures::ROWS.iter().enumerate() {
        t = t.with(*name, Column::Float(pairs.iter().map(|(f, s)| c.runs[*f][*s].values()[row]).collect()));
    }
    t
}

impl Compare {
    fn told(&self, c: &Comparison, width: usize) -> String {
        let shown = |row: &usize| {
            let zero = (0..c.names.len()).all(|k| c.estimate(k, *row).mean == 0.0);
            !zero && (self.all || MAIN.contains(&Measures::ROWS[*row].0))
        };
        let rows: Vec<usize> = (0..Measures::ROWS.len()).filter(shown).collect();
        let mut out = versus::told(c, &rows, width);
        for line in versus::sentences(c) {
            out += &line;
            out.push('\n');
        }
        out
    }
}

//! `poolcast sweep`: many runs over knobs and over placeholders of a formula.
//!
//! In: a scenario, dimensions. Out: a results file that survives a kill, the best points. Never: a finished run done again.

use super::{
    Complaint, Exit, Verb,
    output::{self, Term},
    simulate::Change,
};
use crate::{
    compare::{does_the_work, front},
    report::{
        measures::Measures,
        svg,
        term::{span, table},
    },
    sim::{Simulation, knobs},
    sweep::{self, Dimension, Done, Ledger, Sampling},
    wire::{
        scenario::{self, Overrides},
        tables::{Column, Table},
    },
};
use rayon::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    io::IsTerminal,
    path::PathBuf,
    sync::Arc,
};

/// Arguments of `sweep`.
#[derive(Debug, clap::Args)]
pub struct Sweep {
    /// The scenario.
    #[arg(value_name = "SCENARIO")]
    scenario: PathBuf,
    /// What to vary: a knob or a `{{placeholder}}` of the formula. NAME=a,b,c or NAME=lo..hi or NAME=lo..hi:steps.
    #[arg(long, value_name = "NAME=VALUES", required = true)]
    over: Vec<String>,
    /// How to choose points.
    #[arg(long, value_enum, default_value_t = How::Grid)]
    sample: How,
    /// How many points, unless it is a grid.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    points: u32,
    /// Run each point under that many seeds.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    seeds: u32,
    #[command(flatten)]
    change: Change,
    /// Results, one line a run; an interrupted sweep goes on where it was.
    #[arg(long, value_name = "FILE.csv", default_value = "sweep.csv")]
    results: PathBuf,
    /// Also write the results to a Parquet table.
    #[arg(long, value_name = "FILE.parquet")]
    parquet: Option<PathBuf>,
    /// Show only the points that nothing beats in both cost and wait.
    #[arg(long)]
    pareto: bool,
    /// Write cost against wait as a chart.
    #[arg(long, value_name = "FILE.svg")]
    chart: Option<PathBuf>,
    /// Threads; all cores when not given.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

/// How points are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum How {
    /// Every combination.
    Grid,
    /// Independently.
    Random,
    /// Latin hypercube.
    Lhs,
}

/// A progress bar with an estimate of the time left.
pub(super) fn bar(n: u64) -> indicatif::ProgressBar {
    if !std::io::stderr().is_terminal() {
        return indicatif::ProgressBar::hidden();
    }
    let style = indicatif::ProgressStyle::with_template("{wide_bar} {pos}/{len} runs, {eta} left");
    indicatif::ProgressBar::new(n).with_style(style.unwrap_or_else(|_| indicatif::ProgressStyle::default_bar()))
}

impl Verb for Sweep {
    fn run(&self, term: &Term) -> Result<Exit, Complaint> {
        let dimensions: Vec<Dimension> = self.over.iter().map(|t| sweep::dimension(t)).collect::<Result<_, _>>()?;
        let base = self.change.overrides()?;
        let first = scenario::load(&self.scenario, &base).map_err(|e| e.to_string())?;
        let formulas: Vec<&str> = first.config.pools.iter().filter_map(|p| p.formula.as_deref()).collect();
        let is_param = |d: &Dimension| formulas.iter().any(|f| placeholders(f).contains(&d.name));
        for d in &dimensions {
            if !is_param(d) {
                // The last part after a colon is the knob; a misspelt one is told before anything runs.
                let path = d.name.rsplit(':').next().unwrap_or("");
                knobs::find(path).map_err(|e| format!("{e}; and no formula has a placeholder {{{{{}}}}}", d.name))?;
            }
        }
        if let Some(report) = &first.imported {
            term.print(&format!("{report}\n"));
        }
        let writes = [Some(&*self.results), self.parquet.as_deref(), self.chart.as_deref()];
        output::apart(&self.change.reads(&self.scenario), &writes)?;
        let sampling = match self.sample {
            How::Grid => Sampling::Grid,
            How::Random => Sampling::Random(self.points),
            How::Lhs => Sampling::LatinHypercube(self.points),
        };
        let points = sweep::points(&dimensions, sampling, first.config.seed);
        let seeds: Vec<u64> = (0..self.seeds as u64).map(|k| first.config.seed.wrapping_add(k)).collect();
        let loaded = seeds
            .iter()
            .map(|seed| {
                scenario::load(&self.scenario, &Overrides { seed: Some(*seed), ..base.clone() })
                    .map(|s| (s.config, Arc::new(s.workload)))
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| e.to_string())?;
        let w = &first.workload;
        let columns: Vec<u8> = w
            .submit_ms
            .iter()
            .flat_map(|s| s.to_le_bytes())
            .chain(w.run_ms.iter().flat_map(|r| r.to_le_bytes()))
            .collect();
        let print = sweep::fingerprint(&[format!("{:?}", first.config).as_bytes(), &columns]);
        let ledger = Ledger::open(&self.results, &dimensions, print)
            .map_err(|e| format!("cannot use {}: {e}", self.results.display()))?;
        let work: Vec<(&Vec<String>, usize)> = points
            .iter()
            .flat_map(|p| (0..seeds.len()).map(move |s| (p, s)))
            .filter(|(p, s)| !ledger.has(p, seeds[*s]))
            .collect();
        let old = points.len() * seeds.len() - work.len();
        if old > 0 {
            term.error(&format!(
                "{old} of {} runs are in {} already",
                points.len() * seeds.len(),
                self.results.display()
            ));
        }
        let compiler = self.change.targets_only();
        let bar = bar(work.len() as u64);
        let run_all = || {
            work.par_iter()
                .map(|(point, s)| {
                    let (config, workload) = &loaded[*s];
                    let mut config = config.clone();
                    config.output.node_history = false;
                    config.output.series_every = 0;
                    let values: BTreeMap<&str, &str> =
                        dimensions.iter().map(|d| d.name.as_str()).zip(point.iter().map(String::as_str)).collect();
                    for (d, value) in dimensions.iter().zip(point.iter()) {
                        if !is_param(d) {
                            knobs::set(&mut config, &d.name, value).map_err(|e| e.to_string())?;
                        }
                    }
                    for p in &mut config.pools {
                        if let Some(f) = &p.formula {
                            p.formula = Some(sweep::fill(f, &values)?);
                        }
                    }
                    let mut sim =
                        Simulation::new(config, workload.clone(), compiler.clone()).map_err(|e| e.to_string())?;
                    sim.run();
                    let done = Done { point: point.to_vec(), seed: seeds[*s], measures: Measures::of(&sim) };
                    ledger.append(&done).map_err(|e| format!("cannot write {}: {e}", self.results.display()))?;
                    bar.inc(1);
                    Ok(done)
                })
                .collect::<Result<Vec<Done>, String>>()
        };
        let fresh = match self.threads {
            None => run_all(),
            Some(n) => {
                rayon::ThreadPoolBuilder::new().num_threads(n).build().map_err(|e| e.to_string())?.install(run_all)
            }
        }?;
        bar.finish_and_clear();
        let asked: BTreeSet<&Vec<String>> = points.iter().collect();
        let mut done: Vec<Done> = ledger.done.iter().filter(|d| asked.contains(&d.point)).cloned().collect();
        done.extend(fresh);
        self.told(term, &dimensions, &done)
    }
}

/// Names between `{{` and `}}`.
fn placeholders(formula: &str) -> Vec<String> {
    formula.split("{{").skip(1).filter_map(|t| t.split_once("}}")).map(|(n, _)| n.trim().to_string()).collect()
}

impl Sweep {
    fn told(&self, term: &Term, dimensions: &[Dimension], done: &[Done]) -> Result<Exit, Complaint> {
        let mut by_point: BTreeMap<&Vec<String>, Vec<&Measures>> = BTreeMap::new();
        for d in done {
            by_point.entry(&d.point).or_default().push(&d.measures);
        }
        let mean = |list: &[&Measures], f: &dyn Fn(&Measures) -> f64| {
            list.iter().map(|m| f(m)).sum::<f64>() / list.len() as f64
        };
        let mut rows: Vec<(&Vec<String>, f64, f64, f64, f64, f64)> = by_point
            .iter()
            .map(|(p, l)| {
                (
                    *p,
                    mean(l, &|m| m.cost),
                    mean(l, &|m| m.wait_mean),
                    mean(l, &|m| m.wait_p95),
                    mean(l, &|m| m.unfinished + m.failed),
                    mean(l, &|m| m.unfinished),
                )
            })
            .collect();
        rows.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.2.total_cmp(&b.2)));
        let tasks = done.first().map_or(0.0, |d| d.measures.tasks);
        let works = does_the_work(&rows.iter().map(|r| r.5).collect::<Vec<_>>(), tasks);
        let front = front(&rows.iter().map(|r| (r.1, r.2)).collect::<Vec<_>>(), &works);
        let mut header: Vec<&str> = dimensions.iter().map(|d| d.name.as_str()).collect();
        header.extend(["cost", "mean wait", "95 % wait", "not succeeded", "front"]);
        let shown: Vec<Vec<String>> = rows
            .iter()
            .zip(&front)
            .filter(|(_, on)| !self.pareto || **on)
            .take(if self.pareto { usize::MAX } else { 40 })
            .map(|((p, cost, wait, p95, bad, _), on)| {
                let mut cells: Vec<String> = p.to_vec();
                cells.extend([
                    format!("{cost:.2}"),
                    span(*wait),
                    span(*p95),
                    format!("{bad}"),
                    if *on { "*".into() } else { String::new() },
                ]);
                cells
            })
            .collect();
        term.print(&format!(
            "{}\n* nothing that does the work is both cheaper and faster; {} runs in {}\n",
            table(&header, &shown),
            done.len(),
            self.results.display()
        ));
        if let Some(path) = &self.parquet {
            let mut t = Table::new();
            for (i, d) in dimensions.iter().enumerate() {
                t = t.with(d.name.clone(), Column::Text(done.iter().map(|r| r.point[i].clone()).collect()));
            }
            t = t.with("seed", Column::Int(done.iter().map(|r| r.seed as i64).collect()));
            for (k, (name, ..)) in Measures::ROWS.iter().enumerate() {
                t = t.with(*name, Column::Float(done.iter().map(|r| r.measures.values()[k]).collect()));
            }
            t.write(path).map_err(|e| super::output::cannot_write(path, &e))?;
        }
        if let Some(path) = &self.chart {
            let points: Vec<(String, f64, f64, bool)> = rows
                .iter()
                .zip(&front)
                .map(|((p, cost, wait, ..), on)| (p.join(", "), *cost, wait / 60_000.0, *on))
                .collect();
            output::write(
                path,
                &svg::scatter(
                    [
                        "Mean wait in minutes against cost",
                        "Each point is a setting: cost to the right, mean wait in minutes upward.",
                        "sweep",
                    ],
                    &points,
                    "cost",
                ),
            )?;
        }
        Ok(Exit::Fine)
    }
}

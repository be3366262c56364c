//! `poolcast compare`: formulas side by side.
//!
//! In: a scenario and formulas. Out: one table, winners, the front of cost against wait. Never: runs under different luck.

use super::{
    Complaint, Exit, Verb,
    output::{self, Term},
    simulate::{Change, stored},
};
use crate::{
    compare::{Comparison, pareto},
    report::{
        measures::{Better, Measures},
        svg,
        term::table,
    },
    sim::Simulation,
    wire::{
        scenario::{self, Overrides},
        tables::{Column, Table},
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
        output::apart(&reads, &[self.out.as_deref(), self.chart.as_deref()])?;
        let base = self.change.overrides()?;
        let mut texts = Vec::new();
        for name in &self.formulas {
            texts.push(if name == "-" { None } else { Some(output::read(name)?.text) });
        }
        let first = scenario::load(&self.scenario, &base).map_err(|e| e.to_string())?;
        let seeds: Vec<u64> = (0..self.seeds as u64).map(|k| first.config.seed.wrapping_add(k)).collect();
        let work: Vec<(usize, usize)> = (0..texts.len()).flat_map(|f| (0..seeds.len()).map(move |s| (f, s))).collect();
        let compiler = self.change.compiler();
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
        let measured = work
            .par_iter()
            .map(|(f, s)| {
                let (config, workload) = &loaded[*s];
                let mut config = config.clone();
                config.output.node_history = false;
                if let Some(text) = &texts[*f] {
                    config.set_formula(text);
                }
                stored(&config, &self.formulas[*f]).map_err(|Complaint(why)| why)?;
                let mut sim = Simulation::new(config, workload.clone(), compiler.clone())
                    .map_err(|e| format!("{}: {e}", self.formulas[*f]))?;
                sim.run();
                bar.inc(1);
                Ok(Measures::of(&sim))
            })
            .collect::<Result<Vec<_>, String>>()?;
        bar.finish_and_clear();
        let runs: Vec<Vec<Measures>> = measured.chunks(seeds.len()).map(<[Measures]>::to_vec).collect();
        let names = labels(&self.formulas);
        let c = Comparison { names, seeds, runs };
        term.print(&self.told(&c));
        if let Some(path) = &self.out {
            write_runs(&c).write(path).map_err(|e| format!("cannot write {}: {e}", path.display()))?;
        }
        if let Some(path) = &self.chart {
            let (points, front) = trade(&c);
            let about = "Cost to the right, mean wait in minutes upward; filled points are on the front: nothing is both cheaper and faster.";
            let list: Vec<(String, f64, f64, bool)> = c
                .names
                .iter()
                .zip(points)
                .zip(front)
                .map(|((n, (x, y)), on)| (n.clone(), x, y / 60_000.0, on))
                .collect();
            output::write(path, &svg::scatter("Cost against wait", about, "trade", &list, "cost"))?;
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

/// Mean cost and wait of each, and whether it is on the front.
fn trade(c: &Comparison) -> (Vec<(f64, f64)>, Vec<bool>) {
    let row = |name: &str| Measures::ROWS.iter().position(|(n, ..)| *n == name).unwrap_or(0);
    let points: Vec<(f64, f64)> =
        (0..c.names.len()).map(|k| (c.estimate(k, row("cost")).mean, c.estimate(k, row("wait_mean")).mean)).collect();
    let front = pareto(&points);
    (points, front)
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
    fn told(&self, c: &Comparison) -> String {
        let mut rows = Vec::new();
        let mut wins: Vec<Vec<&str>> = vec![Vec::new(); c.names.len()];
        for (row, (name, title, unit, better)) in Measures::ROWS.iter().enumerate() {
            let zero = (0..c.names.len()).all(|k| c.estimate(k, row).mean == 0.0);
            if zero || !(self.all || MAIN.contains(name)) {
                continue;
            }
            let winner = c.winner(row);
            let mut cells = vec![title.to_string()];
            for k in 0..c.names.len() {
                let e = c.estimate(k, row);
                let mut text = unit.show(e.mean);
                if k > 0 {
                    let d = c.difference(k, row);
                    if d.mean != 0.0 {
                        let sign = if d.mean > 0.0 { "+" } else { "−" };
                        text += &format!(" ({sign}{}", unit.show(d.mean.abs()));
                        text += &d.half.map_or(")".to_string(), |h| format!(" ± {})", unit.show(h)));
                    }
                }
                if winner == Some(k) {
                    text += " *";
                }
                cells.push(text);
            }
            if let Some(w) = winner.filter(|_| *better != Better::Neither) {
                wins[w].push(title);
            }
            rows.push(cells);
        }
        let mut header = vec!["measure"];
        header.extend(c.names.iter().map(String::as_str));
        let mut out = format!(
            "{}\n* is the best of the row; in brackets the difference to {}",
            table(&header, &rows),
            c.names[0]
        );
        out += &if c.seeds.len() > 1 {
            format!(" with its 95 % confidence over {} seeds, the same for all.\n", c.seeds.len())
        } else {
            "; one seed says nothing about chance, --seeds N does.\n".to_string()
        };
        let (points, front) = trade(c);
        let on: Vec<String> = c
            .names
            .iter()
            .zip(points.iter().zip(&front))
            .filter(|(_, (_, on))| **on)
            .map(|(n, ((cost, wait), _))| format!("{n} ({cost:.2}, {})", crate::report::term::span(*wait)))
            .collect();
        out += &format!("Nothing is both cheaper and faster than: {}.\n", on.join("; "));
        let cost_row = 0;
        for k in 1..c.names.len() {
            let d = c.difference(k, cost_row);
            let base = c.estimate(0, cost_row).mean;
            if base > 0.0 && d.mean != 0.0 {
                let sure = match d.half {
                    None => "",
                    Some(_) if d.is_sure() => ", beyond chance",
                    Some(_) => ", within chance",
                };
                let word = if d.mean < 0.0 { "cheaper" } else { "dearer" };
                out += &format!(
                    "{} is {:.0} % {word} than {}{sure}.\n",
                    c.names[k],
                    (d.mean / base * 100.0).abs(),
                    c.names[0]
                );
            }
        }
        out
    }
}

//! `poolcast backtest`: what a formula would have asked for at every interval of a recorded history.
//!
//! In: a formula, a samples file, an interval. Out: rows as CSV, JSON or Parquet, a chart, a summary. Never: the pool's answer.

use super::{
    Complaint, Exit, Verb,
    eval::{World, interval, newest},
    output::{self, Term},
};
use crate::{
    Engine, Metric, SeriesStore, Ticks,
    backtest::{Row, Schedule, backtest},
};
use poolcast_runtime::ticks::Interval;
use std::{collections::BTreeMap, fmt::Write as _, path::Path};

/// Arguments of `backtest`.
#[derive(Debug, clap::Args)]
pub struct Backtest {
    #[command(flatten)]
    world: World,
    /// Time between evaluations.
    #[arg(long, default_value = "5m", value_name = "TIME", value_parser = interval)]
    every: Interval,
    /// First evaluation; by default the first sample.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Last evaluation; by default the last sample.
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Write the rows here: `.csv`, `.json` or `.parquet`. Without it CSV goes to standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<String>,
    /// Write a chart of the targets here (`.svg`).
    #[arg(long, value_name = "FILE")]
    chart: Option<String>,
}

fn oldest(series: &SeriesStore) -> Option<Ticks> {
    Metric::ALL.iter().map(|m| series.get(*m)).filter(|s| !s.is_empty()).map(|s| s.visible_from(0)).min()
}

impl Verb for Backtest {
    fn run(&self, term: &Term) -> Result<Exit, Complaint> {
        if self.world.samples.is_none() {
            return Err("backtest needs a history: --samples FILE".into());
        }
        let reads = [Path::new(&self.world.file), Path::new(self.world.samples.as_deref().unwrap_or("-"))];
        output::apart(&reads, &[self.out.as_deref().map(Path::new), self.chart.as_deref().map(Path::new)])?;
        if let Some(name) = &self.out
            && ![".csv", ".json", ".parquet"].iter().any(|ending| name.ends_with(ending))
        {
            return Err(format!("--out {name}: name a .csv, .json or .parquet file").into());
        }
        let engine = if self.world.compile_for() == Engine::Interp { Engine::Interp } else { Engine::Auto };
        let formula = match self.world.formula(term, engine)? {
            Ok(f) => f,
            Err(exit) => return Ok(exit),
        };
        let series = self.world.series(formula.rules(), term)?;
        let (Some(first), Some(last)) = (oldest(&series), newest(&series)) else {
            return Err("the samples file has no samples".into());
        };
        let time = |text: &Option<String>, name: &str, default: Ticks| match text {
            Some(t) => Ticks::parse_lenient(t).map_err(|_| Complaint(format!("{name}: `{t}` is no time"))),
            None => Ok(default),
        };
        let schedule =
            Schedule { from: time(&self.from, "--from", first)?, to: time(&self.to, "--to", last)?, every: self.every };
        if schedule.to < schedule.from {
            let (from, to) = (schedule.from.iso_trimmed(), schedule.to.iso_trimmed());
            return Err(format!("--from {from} lies after --to {to}").into());
        }
        let mut inputs = self.world.inputs(schedule.from, series)?;
        let total = ((schedule.to.0 - schedule.from.0).max(0) / schedule.every.0.max(1) + 1) as u64;
        let progress = output::progress(total);
        let mut rows = Vec::new();
        backtest(&formula, &mut inputs, schedule, |row| {
            rows.push(row);
            if rows.len() % 4096 == 0 {
                progress.set_position(rows.len() as u64);
            }
            true
        })
        .map_err(|e| e.to_string())?;
        progress.finish_and_clear();
        match &self.out {
            None => term.print(&csv(&rows)),
            Some(name) if name.ends_with(".json") => output::write(name, &json(&rows))?,
            Some(name) if name.ends_with(".parquet") => parquet(name, &rows)?,
            Some(name) => output::write(name, &csv(&rows))?,
        }
        if let Some(name) = &self.chart {
            output::write(name, &chart(&rows)?)?;
        }
        term.error(summary(&rows).trim_end());
        let failed = rows.iter().all(|r| r.result.is_err());
        Ok(if failed { Exit::Failed } else { Exit::Fine })
    }
}

fn csv(rows: &[Row]) -> String {
    let mut out = String::from("time,target_dedicated,target_low_priority,option,error,detail\n");
    for r in rows {
        let _ = match &r.result {
            Ok(t) => writeln!(out, "{},{},{},{},,", r.at.iso_trimmed(), r.targets[0], r.targets[1], t.option.keyword()),
            Err(e) => {
                let detail = e.value.replace('"', "\"\"");
                writeln!(out, "{},{},{},,{},\"{detail}\"", r.at.iso_trimmed(), r.targets[0], r.targets[1], e.code)
            }
        };
    }
    out
}

fn json(rows: &[Row]) -> String {
    let list: Vec<serde_json::Value> = rows
        .iter()
        .map(|r| {
            serde_json::json!({
                "time": r.at.iso_trimmed(),
                "targetDedicatedNodes": r.targets[0],
                "targetLowPriorityNodes": r.targets[1],
                "nodeDeallocationOption": r.result.as_ref().ok().map(|t| t.option.keyword()),
                "error": r.result.as_ref().err().map(|e| serde_json::json!({"code": e.code, "value": e.value})),
            })
        })
        .collect();
    serde_json::to_string_pretty(&list).unwrap_or_default() + "\n"
}

#[cfg(not(feature = "parquet"))]
fn parquet(_: &str, _: &[Row]) -> Result<(), Complaint> {
    Err("this build writes no Parquet; build with the feature `parquet`, or write .csv".into())
}

#[cfg(feature = "parquet")]
fn parquet(name: &str, rows: &[Row]) -> Result<(), Complaint> {
    use crate::wire::tables::{Column, Table};
    let text = |f: &dyn Fn(&Row) -> String| Column::Text(rows.iter().map(f).collect());
    let table = Table::new()
        .with("time", text(&|r| r.at.iso_trimmed()))
        .with("target_dedicated", Column::Int(rows.iter().map(|r| i64::from(r.targets[0])).collect()))
        .with("target_low_priority", Column::Int(rows.iter().map(|r| i64::from(r.targets[1])).collect()))
        .with("error", text(&|r| r.result.as_ref().err().map(|e| e.value.clone()).unwrap_or_default()));
    let path = std::path::Path::new(name);
    table.write(path).map_err(|e| super::output::cannot_write(path, &e))
}

/// The targets over time as an SVG.
fn chart(rows: &[Row]) -> Result<String, Complaint> {
    use plotters::prelude::*;
    let mut svg = String::new();
    let draw = |svg: &mut String| -> Result<(), Box<dyn std::error::Error>> {
        let root = SVGBackend::with_string(svg, (960, 360)).into_drawing_area();
        root.fill(&WHITE)?;
        let start = rows.first().map_or(0, |r| r.at.0);
        let hours = |r: &Row| (r.at.0 - start) as f64 / Interval::HOUR.0 as f64;
        let end = rows.last().map_or(1.0, hours).max(0.1);
        let top = rows.iter().flat_map(|r| r.targets).max().unwrap_or(1).max(1) as f64 * 1.05;
        let mut chart = ChartBuilder::on(&root)
            .margin(8)
            .x_label_area_size(36)
            .y_label_area_size(48)
            .build_cartesian_2d(0.0..end, 0.0..top)?;
        chart.configure_mesh().x_desc("hours").y_desc("nodes").draw()?;
        for (k, (label, colour)) in [("dedicated target", BLUE), ("low-priority target", RED)].into_iter().enumerate() {
            let steps = rows
                .windows(2)
                .flat_map(|w| [(hours(&w[0]), f64::from(w[0].targets[k])), (hours(&w[1]), f64::from(w[0].targets[k]))]);
            chart
                .draw_series(LineSeries::new(steps, colour.stroke_width(2)))?
                .label(label)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
        }
        let failed =
            rows.iter().filter(|r| r.result.is_err()).map(|r| TriangleMarker::new((hours(r), 0.0), 4, BLACK.filled()));
        chart.draw_series(failed)?;
        chart.configure_series_labels().background_style(WHITE.mix(0.8)).border_style(BLACK).draw()?;
        root.present()?;
        Ok(())
    };
    draw(&mut svg).map_err(|e| Complaint(format!("cannot draw the chart: {e}")))?;
    Ok(svg)
}

fn summary(rows: &[Row]) -> String {
    let mut out = String::new();
    let changes = rows.windows(2).filter(|w| w[0].targets != w[1].targets).count();
    let most = |k: usize| rows.iter().map(|r| r.targets[k]).max().unwrap_or(0);
    let _ = writeln!(
        out,
        "{} evaluations, {changes} changes of target; most nodes asked for: {} dedicated, {} low priority",
        rows.len(),
        most(0),
        most(1)
    );
    let mut errors: BTreeMap<&str, usize> = BTreeMap::new();
    for r in rows {
        if let Err(e) = &r.result {
            *errors.entry(e.value.as_str()).or_default() += 1;
        }
    }
    let mut errors: Vec<_> = errors.into_iter().collect();
    errors.sort_by_key(|(text, n)| (std::cmp::Reverse(*n), *text));
    for (text, n) in errors.into_iter().take(5) {
        let _ = writeln!(out, "{n} failed: {text}");
    }
    // A terminal's worth of the dedicated target.
    let width = 72.min(rows.len());
    if width > 1 {
        let top = most(0).max(most(1)).max(1);
        for (k, name) in ["dedicated", "low priority"].into_iter().enumerate().filter(|(k, _)| most(*k) > 0) {
            let line: String = (0..width)
                .map(|i| {
                    let part = &rows[i * rows.len() / width..(i + 1) * rows.len() / width];
                    let peak = part.iter().map(|r| r.targets[k]).max().unwrap_or(0);
                    ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'][(peak as usize * 7).div_ceil(top as usize).min(7)]
                })
                .collect();
            let _ = writeln!(out, "{line} {name}, peak {}", most(k));
        }
    }
    out
}

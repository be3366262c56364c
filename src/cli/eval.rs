//! `poolcast eval`: a formula on recorded samples at one instant, as the service would answer.
//!
//! In: a formula file, a samples file, the pool's state. Out: the results string, a table or JSON; optionally each step.
//! Never: a second way to evaluate.

use super::{
    Complaint, Exit, Verb,
    output::{self, Term},
};
use crate::{
    DeallocationOption, Engine, Error, EvalError, Formula, Inputs, Metric, Options, Outcome, Rules, SeriesStore,
    Target, Ticks,
    diag::render,
    report::steps,
    wire::{
        metrics::{self, Visibility},
        report,
    },
};
use clap::ValueEnum;
use poolcast_runtime::ticks::Interval;
use std::fmt::Write as _;

/// Arguments `eval` and `backtest` share: the formula and the world it is evaluated in.
#[derive(Debug, clap::Args)]
pub struct World {
    /// A formula; `-` reads standard input.
    #[arg(value_name = "FILE")]
    pub file: String,
    /// Samples: CSV (time,metric,value or a column per metric), JSON or Parquet. Without it the history is empty.
    #[arg(long, value_name = "FILE")]
    pub samples: Option<String>,
    /// How long after its time a sample of the file becomes visible.
    #[arg(long, default_value = "60s", value_name = "TIME", value_parser = interval)]
    pub delay: Interval,
    /// Most that is added to each sample's delay, at random by `--seed`.
    #[arg(long, default_value = "0s", value_name = "TIME", value_parser = interval)]
    pub jitter: Interval,
    /// The pool's present state: `$TargetDedicatedNodes=4`, `$CurrentDedicatedNodes=4`, `$TaskSlotsPerNode=2` … Repeatable.
    #[arg(long, value_name = "NAME=NUMBER")]
    pub set: Vec<String>,
    /// A choice where nobody knows what the service does (`poolcast explain` lists them). Repeatable.
    #[arg(long, value_name = "NAME=VALUE")]
    pub rule: Vec<String>,
    /// Seed of `rand()` and of the jitter.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Which engine.
    #[arg(long, value_enum, default_value_t = Which::Jit)]
    pub engine: Which,
}

/// Arguments of `eval`.
#[derive(Debug, clap::Args)]
pub struct Eval {
    #[command(flatten)]
    world: World,
    /// The instant; by default that of the newest sample's visibility, or the epoch without samples.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// How to answer.
    #[arg(long, value_enum, default_value_t = Format::Results)]
    format: Format,
    /// Show the formula with each statement's value, the branches taken and the samples read.
    #[arg(long)]
    steps: bool,
    /// Show only the statements, branches and samples that decided this variable.
    #[arg(long, value_name = "NAME")]
    why: Option<String>,
}

/// Which engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Which {
    /// Machine code where this host allows it.
    Jit,
    /// The reference interpreter.
    Interp,
    /// Both; a difference is our bug.
    Both,
}

/// How to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The service's results string.
    Results,
    /// A line for each name.
    Table,
    /// JSON.
    Json,
}

/// A duration such as `90s`, `5m`, `2h`, `1d`; a bare number is seconds.
pub fn interval(text: &str) -> Result<Interval, String> {
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let seconds = match unit {
        "" | "s" => 1.0,
        "ms" => 0.001,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return Err(format!("`{unit}` is no unit of time; use ms, s, m, h or d")),
    };
    match number.trim().parse::<f64>() {
        Ok(n) if n.is_finite() && n >= 0.0 && n * seconds <= 1e9 => Ok(Interval::from_seconds(n * seconds)),
        _ => Err(format!("`{text}` is no duration; write it like 90s, 5m or 2h")),
    }
}

impl World {
    /// The rules chosen.
    pub fn rules(&self) -> Result<Rules, Complaint> {
        let mut rules = Rules::default();
        for text in &self.rule {
            let (name, value) = text.split_once('=').ok_or_else(|| format!("--rule takes NAME=VALUE, not `{text}`"))?;
            rules.set(name, value).map_err(|e| e.to_string())?;
        }
        Ok(rules)
    }

    /// The formula, or its diagnostics on the terminal.
    pub fn formula(&self, term: &Term, engine: Engine) -> Result<Result<Formula, Exit>, Complaint> {
        let source = output::read(&self.file)?;
        let options = Options { rules: self.rules()?, engine, like_service: true, ..Options::default() };
        match Formula::compile_with(&source.text, &options) {
            Ok(f) => Ok(Ok(f)),
            Err(Error::Compile(list)) => {
                term.error(render::human(&source.name, &source.text, list.iter(), term.color).trim_end());
                Ok(Err(Exit::Rejected))
            }
            Err(e) => Err(e.to_string().into()),
        }
    }

    /// The engine to compile for.
    pub fn compile_for(&self) -> Engine {
        if self.engine == Which::Interp { Engine::Interp } else { Engine::Auto }
    }

    /// The samples.
    pub fn series(&self, rules: &Rules, term: &Term) -> Result<SeriesStore, Complaint> {
        let Some(name) = &self.samples else { return Ok(SeriesStore::new(rules)) };
        let bytes = std::fs::read(name).map_err(|e| format!("cannot read {name}: {e}"))?;
        let visibility = Visibility { delay: self.delay, jitter: self.jitter, seed: self.seed };
        let read = metrics::read(&bytes, &visibility, rules).map_err(|e| format!("{name}: {e}"))?;
        for (what, n) in &read.summary.skipped {
            term.error(&format!("note: {name}: `{what}` is no metric; {n} values skipped"));
        }
        Ok(read.series)
    }

    /// The inputs at an instant.
    pub fn inputs(&self, now: Ticks, series: SeriesStore) -> Result<Inputs, Complaint> {
        let mut inputs = Inputs::with_series(now, series).seed(self.seed);
        for text in &self.set {
            let (name, value) = text.split_once('=').ok_or_else(|| format!("--set takes NAME=NUMBER, not `{text}`"))?;
            let n: u32 = value.trim().parse().map_err(|_| format!("--set {name}: `{value}` is no whole number"))?;
            let n = f64::from(n);
            match name.trim() {
                "$TargetDedicatedNodes" | "$TargetDedicated" => inputs.targets[0] = n,
                "$TargetLowPriorityNodes" | "$TargetLowPriority" => inputs.targets[1] = n,
                "$CurrentDedicatedNodes" | "$CurrentDedicated" => inputs.current[0] = n,
                "$CurrentLowPriorityNodes" | "$CurrentLowPriority" => inputs.current[1] = n,
                "$TaskSlotsPerNode" => inputs.task_slots = n,
                other => {
                    return Err(format!(
                        "--set takes $TargetDedicatedNodes, $TargetLowPriorityNodes, $CurrentDedicatedNodes, $CurrentLowPriorityNodes \
                         or $TaskSlotsPerNode, not `{other}`\nsamples of other metrics come from --samples (quote the `$` from your shell)"
                    )
                    .into());
                }
            }
        }
        Ok(inputs)
    }
}

/// When the newest sample of any metric became visible.
pub fn newest(series: &SeriesStore) -> Option<Ticks> {
    Metric::ALL.iter().map(|m| series.get(*m)).filter(|s| !s.is_empty()).map(|s| s.visible_from(s.len() - 1)).max()
}

impl Verb for Eval {
    fn run(&self, term: &Term) -> Result<Exit, Complaint> {
        let formula = match self.world.formula(term, self.world.compile_for())? {
            Ok(f) => f,
            Err(exit) => return Ok(exit),
        };
        let series = self.world.series(formula.rules(), term)?;
        let now = match &self.at {
            Some(text) => Ticks::parse_lenient(text)
                .map_err(|_| format!("--at: `{text}` is no time; write it like 2026-01-05T08:00:00Z"))?,
            None => newest(&series).unwrap_or(Ticks(0)),
        };
        let inputs = self.world.inputs(now, series)?;
        let result = formula.evaluate(&inputs);
        if self.world.engine == Which::Both {
            let reference = formula.evaluate_at(crate::ir::lower::Effort::Plain, &inputs);
            // NaN differs from itself, so the printed forms are compared.
            if format!("{reference:?}") != format!("{result:?}") {
                term.error(&format!(
                    "the engines differ; please report this\nmachine code: {result:?}\ninterpreter:  {reference:?}"
                ));
                return Ok(Exit::Bug);
            }
        }
        if self.steps || self.why.is_some() {
            let trace = formula.trace(&inputs);
            let only = match &self.why {
                Some(name) => {
                    let steps = trace.why(&formula, name);
                    if steps.is_empty() {
                        return Err(format!("nothing in this run assigned `{name}`").into());
                    }
                    Some(steps)
                }
                None => None,
            };
            term.print(&(steps::told(&formula, &trace, now, only.as_deref()) + "\n"));
        }
        match self.format {
            Format::Results => term.print(&plain(&result)),
            Format::Table => term.print(&table(&result, &inputs)),
            Format::Json => term.print(&report::auto_scale_run(now, &result)),
        }
        Ok(if result.is_ok() { Exit::Fine } else { Exit::Failed })
    }
}

fn plain(result: &Result<Outcome, EvalError>) -> String {
    match result {
        Ok(o) => format!("{}\n", o.results()),
        Err(e) => format!("{}\n{}: {}\n{}\n", e.results, e.code, e.message, e.value),
    }
}

fn table(result: &Result<Outcome, EvalError>, inputs: &Inputs) -> String {
    let o = match result {
        Ok(o) => o,
        Err(_) => return plain(result),
    };
    let target = |t: Target, k: usize| match t {
        Target::Set(n) => n.to_string(),
        Target::Unchanged => format!("{} (unchanged)", inputs.targets[k] as u32),
    };
    let mut rows = vec![
        ("$TargetDedicatedNodes".to_owned(), target(o.dedicated, 0)),
        ("$TargetLowPriorityNodes".to_owned(), target(o.low_priority, 1)),
        ("$NodeDeallocationOption".to_owned(), DeallocationOption::keyword(o.option).to_owned()),
    ];
    rows.extend(o.variables.iter().map(|(n, v)| (n.to_string(), v.to_string())));
    let width = rows.iter().map(|(n, _)| n.chars().count()).max().unwrap_or(0);
    rows.iter().fold(String::new(), |mut out, (n, v)| {
        let _ = writeln!(out, "{n:<width$}  {v}");
        out
    })
}

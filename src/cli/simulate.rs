//! `poolcast simulate`: one scenario, from start to end.
//!
//! In: a scenario and changes to it. Out: measures, findings, tables, a page. Never: half a file: an interrupted run leaves a
//! valid report that says it is partial.

use super::{
    Complaint, Exit, Verb,
    output::{self, Term},
};
use crate::{
    Engine, Formula, Options,
    diag::render::human,
    report::{
        html::{Page, pool_charts},
        measures::Measures,
        steps::Steps,
        term::{bars, table},
    },
    sim::{
        Simulation,
        autoscale::Compiler,
        config::Config,
        findings::{Finding, Weight},
        trace::Sink,
    },
    wire::{
        import::split_spec,
        run_tables,
        scenario::{self, Overrides, Scenario},
        time,
        whole::Whole,
    },
};
use std::{
    io::{IsTerminal, Write as _},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

/// Arguments of `simulate`.
#[derive(Debug, clap::Args)]
pub struct Simulate {
    /// The scenario, TOML or JSON.
    #[arg(value_name = "SCENARIO")]
    scenario: PathBuf,
    #[command(flatten)]
    change: Change,
    /// Write tables (CSV, Parquet in builds that have it), charts and the summary into this directory.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write one self-contained page.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Write the event log as JSON lines.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Run twice and report the first difference.
    #[arg(long)]
    check: bool,
    /// How to print the summary.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// Changes to a scenario that several verbs take.
#[derive(Debug, Clone, clap::Args)]
pub struct Change {
    /// Use this formula instead of the scenario's.
    #[arg(long, value_name = "FILE")]
    pub formula: Option<PathBuf>,
    /// Use this trace instead of the scenario's work.
    #[arg(long, value_name = "FILE[:FORMAT]")]
    pub workload: Option<String>,
    /// Count that many processors of a trace as one task slot.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub cpus_per_slot: Option<u32>,
    /// Use the prices of this dump of the retail-prices API instead of the scenario's.
    #[arg(long, value_name = "FILE")]
    pub prices: Option<String>,
    /// The region whose prices hold.
    #[arg(long, value_name = "NAME")]
    pub region: Option<String>,
    /// Use this seed.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Simulate that long, such as 12h or P30D.
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Set a knob, everywhere (`sampler.loss=0.05`) or in one object (`mypool:latency.creating=1m`).
    #[arg(long = "set", value_name = "KNOB=VALUE")]
    pub set: Vec<String>,
    /// What evaluates formulas.
    #[arg(long, value_enum, default_value_t = EngineName::Auto)]
    pub engine: EngineName,
}

/// An engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum EngineName {
    /// Machine code where possible.
    Auto,
    /// The interpreter.
    Interp,
}

/// Output formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
}

impl Change {
    /// The files a run reads, besides those the scenario names.
    pub fn reads<'a>(&'a self, scenario: &'a Path) -> Vec<&'a Path> {
        let mut files = vec![scenario];
        files.extend(self.formula.as_deref());
        files.extend(self.workload.as_deref().map(|w| Path::new(split_spec(w).0)));
        files
    }
    /// As the scenario reader takes them.
    pub fn overrides(&self) -> Result<Overrides, Complaint> {
        let formula = match &self.formula {
            Some(path) => Some(output::read(&path.display().to_string())?.text),
            None => None,
        };
        Ok(Overrides {
            formula,
            workload: self.workload.clone(),
            cpus_per_slot: self.cpus_per_slot,
            seed: self.seed,
            until: self.until.clone(),
            set: self.set.clone(),
            prices: self.prices.clone(),
            region: self.region.clone(),
        })
    }

    /// The formula compiler.
    pub fn compiler(&self) -> Compiler {
        Compiler::of_formulas(self.options())
    }

    /// The formula compiler for many runs of which only measures are kept.
    pub fn targets_only(&self) -> Compiler {
        crate::sweep::targets_only(self.options())
    }

    fn options(&self) -> Options {
        let engine = if self.engine == EngineName::Interp { Engine::Interp } else { Engine::default() };
        Options { engine, ..Options::default() }
    }
}

/// A simulation of a scenario, nothing happened yet.
pub fn start(scenario: &Scenario, compiler: Compiler) -> Result<Simulation, Complaint> {
    stored(&scenario.config, &scenario.name)?;
    Simulation::new(scenario.config.clone(), Arc::new(scenario.workload.clone()), compiler)
        .map_err(|e| Complaint(format!("{}: {e}", scenario.name)))
}

/// Refuses a scenario with a formula the service would not store: its pool would never come to be.
pub fn stored(config: &Config, name: &str) -> Result<(), Complaint> {
    for pool in config.all_pools() {
        let Some(text) = &pool.formula else { continue };
        if let Err(crate::Error::Compile(found)) = Formula::compile_like_service(text) {
            let errors = human(&format!("{name}, formula of pool {}", pool.id), text, found.iter(), false);
            let template =
                if text.contains("{{") { "\na `{{placeholder}}` is filled in by `poolcast sweep`" } else { "" };
            return Err(format!("the service refuses this formula\n{}{template}", errors.trim_end()).into());
        }
    }
    Ok(())
}

/// Lines kept for looking at afterwards.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<String>>>);

impl Sink for Kept {
    fn line(&mut self, line: &str) {
        if let Ok(mut lines) = self.0.lock() {
            lines.push(line.to_string());
        }
    }
}

/// The event log being written, and what went wrong with it; the run goes on without it.
#[derive(Clone)]
struct EventLog(Arc<Mutex<std::io::Result<Whole>>>);

impl EventLog {
    fn finish(&self) -> std::io::Result<()> {
        let gone = || std::io::Error::other("the log was lost");
        let mut log = self.0.lock().map_err(|_| gone())?;
        std::mem::replace(&mut *log, Err(gone()))?.finish()
    }
}

impl Sink for EventLog {
    fn line(&mut self, line: &str) {
        if let Ok(mut log) = self.0.lock()
            && let Ok(out) = &mut *log
            && let Err(e) = writeln!(out, "{line}")
        {
            *log = Err(e);
        }
    }
}

impl Verb for Simulate {
    fn run(&self, term: &Term) -> Result<Exit, Complaint> {
        output::apart(&self.change.reads(&self.scenario), &[self.report.as_deref(), self.trace.as_deref()])?;
        let scenario = scenario::load(&self.scenario, &self.change.overrides()?).map_err(|e| e.to_string())?;
        let steps = Steps::default();
        let compiler = if self.report.is_some() { steps.watch(self.change.options()) } else { self.change.compiler() };
        let mut sim = start(&scenario, compiler)?;
        let log = match &self.trace {
            Some(path) => {
                let out = Whole::create(path).map_err(|e| output::cannot_write(path, &e))?;
                let log = EventLog(Arc::new(Mutex::new(Ok(out))));
                sim.attach(Box::new(log.clone()));
                Some((path, log))
            }
            None => None,
        };
        let partial = !run_watched(&mut sim, scenario.config.horizon, self.format == Format::Table);
        if let Some((path, log)) = log {
            log.finish().map_err(|e| output::cannot_write(path, &e))?;
        }
        let measures = Measures::of(&sim);
        let found = sim.findings();
        if let Some(path) = &self.report {
            let (measures, findings, steps) = (&measures, &*found, &steps);
            let page = Page { scenario: &scenario, sim: &sim, measures, findings, partial, steps }.html();
            output::write(path, &page)?;
        }
        if let Some(dir) = &self.out {
            self.tables(dir, &scenario, &sim, &measures, &found, partial)?;
        }
        match self.format {
            Format::Json => term.print(&(summary(&scenario, &sim, &measures, &found, partial) + "\n")),
            Format::Table => term.print(&self.told(&scenario, &sim, &measures, &found, partial)),
        }
        if self.check && !partial {
            return self.check(term, &scenario, sim.digest());
        }
        Ok(Exit::Fine)
    }
}

impl Simulate {
    fn told(&self, scenario: &Scenario, sim: &Simulation, m: &Measures, found: &[Finding], partial: bool) -> String {
        let mut out = format!("{}\n", scenario.name);
        if let Some(report) = &scenario.imported {
            out += &format!("{report}");
        }
        if partial {
            out += "PARTIAL: stopped before the end\n";
        }
        out.push('\n');
        for (i, f) in found.iter().enumerate() {
            let word = if f.weight == Weight::Problem { "problem" } else { "notice" };
            out += &format!("{:>2}. {word}: {}\n", i + 1, f.text);
            for e in f.evidence.iter().take(3) {
                out += &format!("      {e}\n");
            }
        }
        out.push('\n');
        for (i, p) in sim.pools().enumerate() {
            // Every pool on the same axis, from start to end: a pool that lived an hour fills an hour's columns.
            const WIDTH: i64 = 72;
            let mut bins = [0f64; WIDTH as usize];
            let mut rows = sim.output().series.iter().filter(|r| r.pool == i as u32).peekable();
            if rows.peek().is_none() {
                continue;
            }
            for r in rows {
                let bin = &mut bins[(r.at * WIDTH / sim.now().max(1)).min(WIDTH - 1) as usize];
                *bin = bin.max(r.nodes.iter().flatten().sum::<u32>() as f64);
            }
            let end = crate::report::term::span(sim.now() as f64);
            out += &bars(&format!("nodes of {}", p.id), &bins, 5, "start", &end);
        }
        let (groups, zero) = m.grouped();
        let mut rows: Vec<Vec<String>> = Vec::new();
        for (group, list) in groups {
            rows.push(vec![group.to_string(), String::new()]);
            rows.extend(list.into_iter().map(|(title, value)| vec![format!("  {title}"), value]));
        }
        let none = if zero.is_empty() { String::new() } else { format!("none: {}\n", zero.join(", ")) };
        out += &format!("\n{}\n{none}digest {:016x}\n", table(&["measure", "value"], &rows), sim.digest());
        out
    }

    fn tables(
        &self,
        dir: &Path,
        scenario: &Scenario,
        sim: &Simulation,
        m: &Measures,
        found: &[Finding],
        partial: bool,
    ) -> Result<(), Complaint> {
        std::fs::create_dir_all(dir).map_err(|e| output::cannot_write(dir, &e))?;
        for (name, t) in run_tables::all(sim) {
            let mut endings = vec!["csv"];
            if cfg!(feature = "parquet") {
                endings.push("parquet");
            }
            for ending in endings {
                let path = dir.join(format!("{name}.{ending}"));
                t.write(&path).map_err(|e| output::cannot_write(&path, &e))?;
            }
        }
        let epoch = time::unix_ms_from_ticks(scenario.config.epoch);
        let currency = crate::report::page::currency(&scenario.prices);
        for (i, p) in sim.pools().enumerate() {
            for ((chart, _), name) in
                pool_charts(epoch, sim, i as u32, &p.id, currency).into_iter().zip(["nodes", "tasks", "states", "cost"])
            {
                let safe: String =
                    p.id.chars().map(|c| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '_' }).collect();
                output::write(dir.join(format!("{safe}-{name}.svg")), &chart)?;
            }
        }
        output::write(dir.join("summary.json"), &(summary(scenario, sim, m, found, partial) + "\n"))
    }

    fn check(&self, term: &Term, scenario: &Scenario, digest: u64) -> Result<Exit, Complaint> {
        let mut again = start(scenario, self.change.compiler())?;
        again.run();
        if again.digest() == digest {
            term.print(&format!("checked: the second run has the same digest, {digest:016x}\n"));
            return Ok(Exit::Fine);
        }
        let lines = [Kept::default(), Kept::default()];
        for kept in &lines {
            let mut sim = start(scenario, self.change.compiler())?;
            sim.attach(Box::new(kept.clone()));
            sim.run();
        }
        let [a, b] = lines.map(|k| k.0.lock().map(|l| l.clone()).unwrap_or_default());
        let first = a.iter().zip(&b).position(|(x, y)| x != y).unwrap_or(a.len().min(b.len()));
        let show = |l: &[String]| l.get(first).cloned().unwrap_or_else(|| "(end)".into());
        term.error(&format!("two runs of one scenario differ at line {}:\n  {}\n  {}", first + 1, show(&a), show(&b)));
        Ok(Exit::Bug)
    }
}

/// Runs with a progress bar; false when Ctrl-C stopped it. The state is whole either way.
pub fn run_watched(sim: &mut Simulation, horizon: i64, show: bool) -> bool {
    static STOP: AtomicBool = AtomicBool::new(false);
    // A second handler in one process is refused; the first does the same.
    let _ = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
    });
    let bar = if show && std::io::stderr().is_terminal() {
        let style = indicatif::ProgressStyle::with_template("{wide_bar} {percent}% {eta} left")
            .unwrap_or_else(|_| indicatif::ProgressStyle::default_bar());
        indicatif::ProgressBar::new(1000).with_style(style)
    } else {
        indicatif::ProgressBar::hidden()
    };
    for part in 1..=1000i64 {
        if STOP.load(Ordering::Relaxed) {
            bar.abandon();
            return false;
        }
        sim.run_until((horizon as i128 * part as i128 / 1000) as i64);
        bar.inc(1);
    }
    bar.finish_and_clear();
    true
}

/// The summary as JSON.
pub fn summary(scenario: &Scenario, sim: &Simulation, m: &Measures, found: &[Finding], partial: bool) -> String {
    let values: serde_json::Map<String, serde_json::Value> =
        Measures::ROWS.iter().zip(m.values()).map(|((name, ..), v)| (name.to_string(), serde_json::json!(v))).collect();
    let found: Vec<serde_json::Value> = found
        .iter()
        .map(|f| {
            let weight = if f.weight == Weight::Problem { "problem" } else { "notice" };
            serde_json::json!({"weight": weight, "kind": f.kind, "at_ms": f.at, "text": f.text, "evidence": f.evidence})
        })
        .collect();
    let json = serde_json::json!({
        "scenario": scenario.name,
        "seed": scenario.config.seed,
        "horizon_ms": scenario.config.horizon,
        "now_ms": sim.now(),
        "partial": partial,
        "digest": format!("{:016x}", sim.digest()),
        "events": sim.events(),
        "measures": values,
        "findings": found,
        "prices": scenario.prices,
    });
    serde_json::to_string_pretty(&json).unwrap_or_default()
}

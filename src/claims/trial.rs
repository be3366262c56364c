//! A formula tried on a simulated pool: a beginning, a load, and the simulator without its noise.
//!
//! In: a formula, a beginning, a load. Out: what each evaluation saw and asked for; the same as a scenario file; the input of
//! one evaluation as a witness. Never: a rule of the pool (that is `sim`), a trial that its scenario file does not repeat.
//!
//! The pool is a fixed one for the first quarter of an hour, so that it has nodes and samples; then autoscale is enabled and
//! evaluates every five minutes, as often as the service allows.

use crate::{
    Formula,
    bounds::{assume::Assume, witness::Witness},
    sim::{
        PoolView, Simulation,
        autoscale::Compiler,
        config::{Action, Config, JobConfig, MINUTE, Ms, PoolConfig, PoolRef, TaskConfig, TimedAction},
        knobs,
        workload::Workload,
    },
};
use poolcast_runtime::{
    metric::Metric,
    rules::{BadTarget, TargetRounding},
    ticks::{Interval, Ticks},
};
use std::{fmt::Write as _, sync::Arc};

/// Time between two evaluations: the shortest the service takes.
pub const INTERVAL: Ms = 5 * MINUTE;
/// When autoscale is enabled.
pub const ENABLED: Ms = 15 * MINUTE;
/// Nodes of each kind the pool can have where no quota says less.
const MOST_NODES: u32 = 1_000;
/// Cores of a node of the default size, which also limits slots.
const CORES: u32 = 4;

/// Knobs that take the luck out of a pool, and put evaluations on the grid of samples.
const QUIET: &[(&str, &str)] = &[
    ("autoscale.jitter", "0s"),
    ("autoscale.evaluate_on_enable_delay", "0s"),
    ("sampler.loss", "0"),
    ("sampler.visibility_sigma", "0s"),
    ("latency.alloc_sigma", "0"),
    ("latency.starting_sigma", "0"),
    ("latency.outlier", "0"),
    ("spot.eviction_p_per_hour", "0"),
    ("node.mtbf", "none"),
];

/// Where a trial begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// When autoscale is enabled.
    pub at: Ticks,
    /// Nodes there are by then, of each kind the formula sets.
    pub nodes: u32,
}

impl Start {
    /// Beginnings worth trying, the most telling first; several times of the week where the clock matters.
    pub fn all(clock: bool) -> Vec<Start> {
        let monday = Witness::empty(&[]).now;
        let hours: &[i64] = if clock { &[0, 5, 12, 60, 125] } else { &[0] };
        let all = [0, 10, 1, 100].into_iter().flat_map(|nodes| {
            hours.iter().map(move |h| Start { at: monday.saturating_plus(Interval(h * Interval::HOUR.0)), nodes })
        });
        all.collect()
    }
    /// In words.
    pub fn words(&self) -> String {
        let nodes = match self.nodes {
            0 => "no nodes".to_owned(),
            1 => "1 node".to_owned(),
            n => format!("{n} nodes"),
        };
        format!("{nodes} at {}", self.at.iso_trimmed())
    }
}

/// So many tasks alike, from an instant after autoscale was enabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    /// How many.
    pub count: u32,
    /// When the first comes.
    pub at: Ms,
    /// Time between two; 0 for all at once.
    pub every: Ms,
    /// How long each runs.
    pub run: Ms,
}

/// Work for a trial.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Load {
    /// In words, to follow "with".
    pub words: String,
    /// The tasks.
    pub batches: Vec<Batch>,
}

/// One evaluation of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat {
    /// The evaluation failed.
    pub failed: bool,
    /// Targets before it.
    pub before: [u32; 2],
    /// Targets after it.
    pub targets: [u32; 2],
    /// Nodes before it.
    pub nodes: [u32; 2],
    /// Tasks running before it.
    pub running: i64,
    /// Tasks running or waiting before it.
    pub pending: i64,
}

/// A formula, a beginning and a load.
pub struct Trial<'f> {
    formula: &'f Formula,
    start: Start,
    load: Load,
    /// Evaluations it goes on for.
    beats: u32,
    quota: u32,
    slots: u32,
    /// Nodes of each kind at the beginning.
    nodes: [u32; 2],
}

impl<'f> Trial<'f> {
    /// A trial within what is admissible.
    pub fn new(formula: &'f Formula, assume: &Assume, start: Start, load: Load, beats: u32) -> Trial<'f> {
        let quota = assume.current.iter().map(|n| n.hi).fold(f64::from(MOST_NODES), f64::min) as u32;
        let slots = 1f64.clamp(assume.slots.lo, assume.slots.hi).min(f64::from(4 * CORES)) as u32;
        let start = Start { nodes: start.nodes.min(quota), ..start };
        // A kind the formula never sets would stay as it is and take work from the other.
        let sets = |k| formula.hir().versions.iter().any(|v| v.output.and_then(|o| o.target()) == Some(k));
        let nodes = [0, 1].map(|k| if sets(k) { start.nodes } else { 0 });
        Trial { formula, start, load, beats, quota, slots, nodes }
    }
    /// Where it begins.
    pub fn start(&self) -> Start {
        self.start
    }
    /// Its load in words.
    pub fn load(&self) -> &str {
        &self.load.words
    }
    /// Whether tasks come one by one.
    pub fn ripples(&self) -> bool {
        self.load.batches.iter().any(|b| b.every > 0)
    }
    /// Task slots per node.
    pub fn slots(&self) -> u32 {
        self.slots
    }
    /// When evaluation `beat` happens.
    fn at(beat: u32) -> Ms {
        ENABLED + INTERVAL * Ms::from(beat)
    }

    /// The pool's settings that are not defaults.
    fn settings(&self) -> Vec<(&'static str, String)> {
        let mut all: Vec<_> = QUIET.iter().map(|(k, v)| (*k, (*v).to_owned())).collect();
        all.push(("pool.target_dedicated", self.nodes[0].to_string()));
        all.push(("pool.target_spot", self.nodes[1].to_string()));
        all.push(("pool.task_slots_per_node", self.slots.to_string()));
        let rounding = match self.formula.rules().target_rounding {
            TargetRounding::Truncate => "truncate",
            TargetRounding::Round => "round",
            TargetRounding::Ceil => "ceil",
        };
        all.push(("autoscale.rounding", rounding.into()));
        let negative = match self.formula.rules().negative_target {
            BadTarget::Error => "error",
            BadTarget::Zero => "clamp0",
        };
        all.push(("autoscale.negative_target", negative.into()));
        all
    }
    fn horizon(&self) -> Ms {
        Trial::at(self.beats)
    }
    fn epoch(&self) -> Ticks {
        Ticks(self.start.at.0.saturating_sub(ENABLED.saturating_mul(10_000)))
    }

    /// As the simulator takes it.
    pub fn config(&self) -> Config {
        let mut pool = PoolConfig::default();
        for (knob, value) in self.settings() {
            let set = knobs::set_pool(&mut pool, knob, &value);
            debug_assert!(set.is_ok(), "{knob}: {set:?}");
        }
        let mut config =
            Config { pools: vec![pool], epoch: self.epoch(), horizon: self.horizon(), ..Config::default() };
        for account in &mut config.accounts {
            account.dedicated_cores = CORES * self.quota;
            account.spot_cores = CORES * self.quota;
        }
        let pool = config.pools[0].id.clone();
        if !self.load.batches.is_empty() {
            let tasks = self.load.batches.iter().enumerate().flat_map(|(i, b)| {
                (0..b.count)
                    .map(move |k| TaskConfig::new(format!("{}-{}", i + 1, k + 1), b.at + b.every * Ms::from(k), b.run))
            });
            config.jobs.push(JobConfig {
                id: "work".into(),
                pool: PoolRef::Pool(pool.clone()),
                create_at: ENABLED,
                tasks: tasks.collect(),
                ..JobConfig::default()
            });
        }
        let formula = Some(self.formula.source().to_owned());
        let enable = Action::EnableAutoscale { pool, formula, interval: Some(INTERVAL) };
        config.actions.push(TimedAction { at: ENABLED, action: enable });
        config
    }

    /// As a scenario file for `poolcast simulate`, which repeats it event for event.
    pub fn scenario(&self, about: &str) -> String {
        let line = |c: char| if c == '\n' { ' ' } else { c };
        let mut out = format!("# {}\nversion = 1\n", about.chars().map(line).collect::<String>());
        let seconds = |ms: Ms| format!("\"{}s\"", ms / 1000);
        let _ = writeln!(out, "name = \"counterexample\"\nepoch = \"{}\"", self.epoch().iso_trimmed());
        let _ = writeln!(out, "horizon = {}\n", seconds(self.horizon()));
        let cores = CORES * self.quota;
        let _ = writeln!(out, "[[accounts]]\nid = \"account\"\ndedicated_cores = {cores}\nspot_cores = {cores}\n");
        out.push_str("[[pools]]\nid = \"pool\"\n");
        for (knob, value) in self.settings() {
            let bare = value.parse::<f64>().is_ok();
            let key = knob.strip_prefix("pool.").unwrap_or(knob);
            let _ = if bare { writeln!(out, "{key} = {value}") } else { writeln!(out, "{key} = \"{value}\"") };
        }
        let _ =
            writeln!(out, "\n[[actions]]\nat = {}\naction = \"enable_autoscale\"\npool = \"pool\"", seconds(ENABLED));
        let _ = writeln!(out, "interval = {}\nformula = {}", seconds(INTERVAL), quoted(self.formula.source()));
        if !self.load.batches.is_empty() {
            let _ = writeln!(out, "\n[[jobs]]\nid = \"work\"\npool = \"pool\"\ncreate_at = {}", seconds(ENABLED));
        }
        for (i, b) in self.load.batches.iter().enumerate() {
            let _ = writeln!(
                out,
                "\n[[jobs.tasks]]\nid = \"{}-\"\ncount = {}\nsubmit = {}\nevery = {}\nrun = {}",
                i + 1,
                b.count,
                seconds(b.at),
                seconds(b.every),
                seconds(b.run)
            );
        }
        out
    }

    fn simulation(&self) -> Option<Simulation> {
        let mut config = self.config();
        // What the scenario file leaves at its default and nobody reads here.
        config.output.task_records = false;
        config.output.series_every = 0;
        config.output.node_history = false;
        Simulation::new(config, Arc::new(Workload::default()), Compiler::of(self.formula.clone())).ok()
    }
    fn pool(sim: &Simulation) -> Option<PoolView> {
        sim.pools().next()
    }

    /// Runs it until `done` says so or the evaluations are over.
    pub fn run(&self, mut done: impl FnMut(&[Beat]) -> bool) -> Vec<Beat> {
        let mut beats = Vec::new();
        let Some(mut sim) = self.simulation() else { return beats };
        for beat in 0..self.beats {
            sim.run_until(Trial::at(beat) - 1);
            let Some(before) = Trial::pool(&sim) else { break };
            sim.run_until(Trial::at(beat));
            let (Some(after), Some(run)) = (Trial::pool(&sim), sim.output().runs.last()) else { break };
            let tasks = &before.counts;
            beats.push(Beat {
                failed: run.result.is_err(),
                before: run.before,
                targets: after.target,
                nodes: run.current,
                running: tasks.running + tasks.preparing,
                pending: tasks.running + tasks.preparing + tasks.active,
            });
            if done(&beats) {
                break;
            }
        }
        beats
    }

    /// The input of one evaluation, small and checked: the formula alone does on it what it did in the pool. None where it
    /// depends on more than a witness has, such as the draws of `rand()`.
    pub fn witness(&self, beat: u32, longest: usize) -> Option<Witness> {
        let mut sim = self.simulation()?;
        sim.run_until(Trial::at(beat));
        let ran = sim.output().runs.last()?;
        let now = sim.instant(Trial::at(beat));
        let samples = sim.samples(0);
        let read: Vec<Metric> = self.formula.reads().iter().map(|r| r.metric).collect();
        let columns = samples.iter().filter(|(m, _)| read.contains(m));
        let columns = columns.map(|(m, s)| (m, s.last(now, usize::MAX).to_vec())).collect::<Vec<_>>();
        let mut whole =
            Witness { now, columns, holes: 0, targets: ran.before, current: ran.current, slots: self.slots, seed: 0 };
        let shortest = whole.columns.iter().map(|(_, c)| c.len()).min().unwrap_or(0);
        cut(&mut whole, shortest);
        let mut short = whole.clone();
        cut(&mut short, longest + 1);
        [short, whole].into_iter().find(|w| {
            let alone = self.formula.evaluate(&w.inputs(self.formula.rules()));
            match (&alone, &ran.result) {
                (Ok(a), Ok(b)) => a.targets() == b.targets(),
                (Err(a), Err(b)) => a.code == b.code,
                _ => false,
            }
        })
    }
}

/// The newest so many samples of each metric.
fn cut(w: &mut Witness, most: usize) {
    w.columns.iter_mut().for_each(|(_, c)| drop(c.drain(..c.len().saturating_sub(most))));
}

/// A text as a TOML string.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"\"\"\n");
    for c in text.chars() {
        match c {
            '\\' | '"' => out.extend(['\\', c]),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => drop(write!(out, "\\u{:04X}", c as u32)),
            c => out.push(c),
        }
    }
    out + "\"\"\""
}

//! The autoscale driver (pool.md §10): when a formula runs, what it sees, what becomes of its answer.
//!
//! In: visible samples, present targets. Out: `AutoScaleRun` records, resizes. Never: what the formula means; that is
//! behind `Autoscaler`.

use super::{
    action::Refusal,
    config::{Ms, NegativeTarget, Overlap, PoolConfig, Rounding},
    event::Event,
    output::AutoScaleRun,
    resize::Cause,
    rng::{Draw, Purpose},
    sampler::{Sampler, ticks},
    trace::Note,
    world::{AllocationState, PoolState, World},
};
use crate::{EvalError, Evaluator, Formula, Options, Outcome, Target, Targets};
use poolcast_runtime::{
    metric::{Metric, Status},
    rules::{BadTarget, Rules, TargetRounding},
    series::SeriesStore,
    snapshot::Snapshot,
    value::DeallocationOption,
};
use std::sync::{Arc, Mutex, PoisonError};

/// Something that answers with targets: a compiled formula, or a closure.
pub trait Autoscaler: Send + Sync {
    /// One evaluation.
    fn evaluate(&mut self, snapshot: &Snapshot<'_>) -> Result<Outcome, EvalError>;
    /// The metrics it reads; the sampler records these.
    fn reads(&self) -> Vec<Metric>;
    /// The rules its samples are kept under.
    fn rules(&self) -> Rules {
        Rules::default()
    }
    /// A second one with the same behaviour.
    fn fork(&self) -> Box<dyn Autoscaler>;
}

/// An autoscaler made of a function.
#[derive(Clone)]
pub struct FnAutoscaler<F> {
    run: F,
    reads: Vec<Metric>,
}

impl<F> FnAutoscaler<F>
where
    F: FnMut(&Snapshot<'_>) -> Result<Outcome, EvalError> + Clone + Send + Sync + 'static,
{
    /// From a function and the metrics it reads.
    pub fn new(reads: &[Metric], run: F) -> FnAutoscaler<F> {
        FnAutoscaler { run, reads: reads.to_vec() }
    }
}

impl<F> Autoscaler for FnAutoscaler<F>
where
    F: FnMut(&Snapshot<'_>) -> Result<Outcome, EvalError> + Clone + Send + Sync + 'static,
{
    fn evaluate(&mut self, snapshot: &Snapshot<'_>) -> Result<Outcome, EvalError> {
        (self.run)(snapshot)
    }
    fn reads(&self) -> Vec<Metric> {
        self.reads.clone()
    }
    fn fork(&self) -> Box<dyn Autoscaler> {
        Box::new(self.clone())
    }
}

/// An autoscaler made of a formula and a way to evaluate it.
pub struct FormulaAutoscaler<F> {
    formula: Formula,
    /// Never locked: whoever evaluates has it alone.
    evaluator: Mutex<Evaluator>,
    run: F,
}

impl<F> FormulaAutoscaler<F>
where
    F: Fn(&mut Evaluator, &Snapshot<'_>) -> Result<Outcome, EvalError> + Clone + Send + Sync + 'static,
{
    /// From a formula and a function that evaluates it.
    pub fn new(formula: Formula, run: F) -> FormulaAutoscaler<F> {
        FormulaAutoscaler { evaluator: Mutex::new(formula.evaluator()), formula, run }
    }
}

impl<F> Autoscaler for FormulaAutoscaler<F>
where
    F: Fn(&mut Evaluator, &Snapshot<'_>) -> Result<Outcome, EvalError> + Clone + Send + Sync + 'static,
{
    fn evaluate(&mut self, snapshot: &Snapshot<'_>) -> Result<Outcome, EvalError> {
        (self.run)(self.evaluator.get_mut().unwrap_or_else(PoisonError::into_inner), snapshot)
    }
    fn reads(&self) -> Vec<Metric> {
        self.formula.reads().iter().map(|r| r.metric).collect()
    }
    fn rules(&self) -> Rules {
        *self.formula.rules()
    }
    fn fork(&self) -> Box<dyn Autoscaler> {
        Box::new(FormulaAutoscaler::new(self.formula.clone(), self.run.clone()))
    }
}

fn compiled(formula: Formula) -> Box<dyn Autoscaler> {
    Box::new(FormulaAutoscaler::new(formula, Evaluator::run))
}

/// An outcome that only sets targets and the option.
pub fn outcome(dedicated: Option<u32>, low_priority: Option<u32>, option: DeallocationOption) -> Outcome {
    let target = |n: Option<u32>| n.map_or(Target::Unchanged, Target::Set);
    let targets = Targets { dedicated: target(dedicated), low_priority: target(low_priority), option };
    Outcome::of_targets(targets, [0; 2])
}

type Compile = dyn Fn(&str, &PoolConfig) -> Result<Box<dyn Autoscaler>, String> + Send + Sync;

/// Turns formula text into an autoscaler, as the service does when it stores a formula; shared by forks.
#[derive(Clone)]
pub struct Compiler(Arc<Compile>);

impl Compiler {
    /// The compiler of this library, under rules that the pool's `autoscale.rounding` and `autoscale.negative_target` complete.
    pub fn of_formulas(options: Options) -> Compiler {
        Compiler::of_formulas_as(options, |formula, _| compiled(formula))
    }
    /// The same, where a function makes an autoscaler of each formula.
    pub fn of_formulas_as(
        options: Options,
        make: impl Fn(Formula, &PoolConfig) -> Box<dyn Autoscaler> + Send + Sync + 'static,
    ) -> Compiler {
        Compiler::new(move |text, pool| {
            let mut options = options.clone();
            options.like_service = true;
            options.rules.target_rounding = match pool.autoscale.rounding {
                Rounding::Truncate => TargetRounding::Truncate,
                Rounding::Round => TargetRounding::Round,
                Rounding::Ceil => TargetRounding::Ceil,
            };
            options.rules.negative_target = match pool.autoscale.negative_target {
                NegativeTarget::Error => BadTarget::Error,
                NegativeTarget::Clamp0 => BadTarget::Zero,
            };
            let formula = Formula::compile_with(text, &options).map_err(|e| e.to_string())?;
            Ok(make(formula, pool))
        })
    }
    /// One that answers every text with this formula, compiled already; its rules are taken as they are.
    pub fn of(formula: Formula) -> Compiler {
        Compiler::new(move |_, _| Ok(compiled(formula.clone())))
    }
    /// From a function; its error is the text of the refusal.
    pub fn new(
        compile: impl Fn(&str, &PoolConfig) -> Result<Box<dyn Autoscaler>, String> + Send + Sync + 'static,
    ) -> Compiler {
        Compiler(Arc::new(compile))
    }
    /// One that knows no formula.
    pub fn none() -> Compiler {
        Compiler::new(|_, _| Err("this simulation was made without a formula compiler".into()))
    }
    pub(crate) fn compile(&self, text: &str, pool: &PoolConfig) -> Result<Box<dyn Autoscaler>, Refusal> {
        if text.len() > pool.autoscale.formula_bytes as usize {
            let message = format!("the formula has {} bytes, {} are allowed", text.len(), pool.autoscale.formula_bytes);
            return Err(Refusal::new(400, "AutoScaleFormulaTooLong", message));
        }
        (self.0)(text, pool).map_err(|message| Refusal::new(400, "AutoScalingFormulaSyntaxError", message))
    }
}

impl std::fmt::Debug for Compiler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Compiler")
    }
}

/// One pool's driver.
pub struct Driver {
    pub(crate) enabled: bool,
    pub(crate) formula: Option<Box<dyn Autoscaler>>,
    pub(crate) interval: Ms,
    /// Start of the schedule.
    pub(crate) base: Ms,
    /// Evaluations done on this schedule.
    pub(crate) count: u64,
    pub(crate) token: u32,
    pub(crate) runs: u64,
    pub(crate) stalled: bool,
    pub(crate) enabled_at: Option<Ms>,
}

impl Clone for Driver {
    fn clone(&self) -> Self {
        Driver { formula: self.formula.as_ref().map(|f| f.fork()), ..*self }
    }
}

impl std::fmt::Debug for Driver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Driver(enabled {}, every {} ms, {} runs)", self.enabled, self.interval, self.runs)
    }
}

impl Driver {
    pub(crate) fn create(cfg: &PoolConfig, compiler: &Compiler) -> Result<Driver, Refusal> {
        let formula = cfg.formula.as_deref().map(|text| compiler.compile(text, cfg)).transpose()?;
        Ok(Driver {
            enabled: formula.is_some(),
            formula,
            interval: cfg.autoscale.interval,
            base: 0,
            count: 0,
            token: 0,
            runs: 0,
            stalled: false,
            enabled_at: None,
        })
    }
    pub(crate) fn disable(&mut self) {
        self.enabled = false;
        self.token += 1;
    }
    /// A sampler for its formula.
    pub(crate) fn sampler(&self, all: bool) -> Sampler {
        let rules = self.formula.as_ref().map(|f| f.rules()).unwrap_or_default();
        Sampler { metrics: self.metrics(all), series: Arc::new(SeriesStore::new(&rules)), taken: 0 }
    }
    /// Metrics to record: those the formula reads, or all current ones when the formula may change.
    pub(crate) fn metrics(&self, all: bool) -> Vec<Metric> {
        let mut metrics: Vec<Metric> = self.formula.as_ref().map(|f| f.reads()).unwrap_or_default();
        if all {
            metrics.extend(Metric::ALL.iter().filter(|m| m.row().status == Status::Current));
        }
        metrics.sort_unstable();
        metrics.dedup();
        metrics
    }
}

impl World {
    /// Whether formulas may come to read metrics nobody reads now.
    pub(crate) fn records_every_metric(&self) -> bool {
        self.config.output.every_metric
            || self.config.actions.iter().any(|a| {
                matches!(
                    a.action,
                    super::config::Action::EnableAutoscale { .. } | super::config::Action::EvaluateAutoscale { .. }
                )
            })
    }

    /// First evaluation right at creation, before any sample exists (pool.md §10.2).
    pub(crate) fn schedule_first_evaluation(&mut self, pool: u32) {
        let now = self.now;
        let p = &mut self.pools[pool as usize];
        if !p.driver.enabled {
            return;
        }
        p.driver.base = now;
        let token = p.driver.token;
        if p.cfg.autoscale.evaluate_on_create {
            self.at(now, Event::Evaluate { pool, token });
        } else {
            self.schedule_evaluation(pool);
        }
    }

    /// Evaluation k of the schedule: base + k · interval, a little late.
    pub(crate) fn schedule_evaluation(&mut self, pool: u32) {
        let p = &mut self.pools[pool as usize];
        p.driver.count += 1;
        let key = u64::from(pool) << 40 | p.driver.count << 8 | u64::from(p.driver.token & 0xff);
        let late = Draw::keyed(self.config.seed, Purpose::EvaluationJitter, key).between(0, p.cfg.autoscale.jitter);
        let due = p.driver.base + p.driver.interval * p.driver.count as Ms + late;
        let token = p.driver.token;
        self.at(due, Event::Evaluate { pool, token });
    }

    /// The formula's turn.
    pub(crate) fn evaluate(&mut self, pool: u32, token: u32) {
        let p = &self.pools[pool as usize];
        if !p.driver.enabled || p.driver.token != token || p.state != PoolState::Active {
            return;
        }
        if !p.driver.stalled {
            self.run_formula(pool);
        }
        self.schedule_evaluation(pool);
    }

    fn snapshot_run(&mut self, pool: u32, formula: &mut dyn Autoscaler) -> Result<Outcome, EvalError> {
        let p = &self.pools[pool as usize];
        let key = u64::from(pool) << 40 | p.driver.runs;
        let snapshot = Snapshot {
            now: ticks(self.config.epoch, self.now),
            series: &p.sampler.series,
            targets: [f64::from(p.target[0]), f64::from(p.target[1])],
            current: [f64::from(p.current[0]), f64::from(p.current[1])],
            task_slots: f64::from(p.cfg.task_slots),
            seed: Draw::keyed(self.config.seed, Purpose::Evaluation, key).bits(),
        };
        formula.evaluate(&snapshot)
    }

    fn run_formula(&mut self, pool: u32) {
        let Some(mut formula) = self.pools[pool as usize].driver.formula.take() else { return };
        let result = self.snapshot_run(pool, formula.as_mut());
        let p = &mut self.pools[pool as usize];
        p.driver.formula = Some(formula);
        p.driver.runs += 1;
        let (before, current) = (p.target, p.current);
        let applied = match &result {
            Ok(outcome) => {
                let target = [outcome.dedicated.or(before[0]), outcome.low_priority.or(before[1])];
                self.apply_targets(pool, target, outcome.option)
            }
            Err(_) => {
                self.out.failed_runs += 1;
                self.maybe_stall(pool);
                false
            }
        };
        let word = || {
            Some(match &result {
                Ok(outcome) => outcome.results(),
                Err(error) => format!("{}: {}", error.code, error.value),
            })
        };
        let value = u64::from(applied) << 1 | u64::from(result.is_ok());
        self.out.trace.note(self.now, Note::Autoscale, pool, value, word);
        self.out.runs.push(AutoScaleRun { pool, at: self.now, result, before, current, applied });
    }

    /// Applies an evaluation's targets; false when nothing changes (pool.md §10.3, §10.4).
    fn apply_targets(&mut self, pool: u32, target: [u32; 2], option: DeallocationOption) -> bool {
        let p = &mut self.pools[pool as usize];
        let timeout = p.cfg.autoscale_resize_timeout;
        match (p.alloc, p.cfg.autoscale.resize_overlap) {
            // What it has is what it should have: nothing happens, and old resize errors stay.
            (AllocationState::Steady, _) if target == p.current => {
                p.target = target;
                self.measure(pool);
                false
            }
            (AllocationState::Steady, _) => {
                self.start_resize(pool, target, option, timeout, Cause::Autoscale);
                true
            }
            (AllocationState::Resizing, Overlap::Supersede) if target != p.target => {
                self.start_resize(pool, target, option, timeout, Cause::Autoscale);
                true
            }
            (AllocationState::Resizing, Overlap::Queue) => {
                p.queued = Some((target, option));
                false
            }
            _ => false,
        }
    }

    /// After an error the service sometimes stops evaluating until autoscale is toggled (pool.md §10.5).
    fn maybe_stall(&mut self, pool: u32) {
        let p = &mut self.pools[pool as usize];
        let key = u64::from(pool) << 40 | p.driver.runs;
        if p.driver.enabled
            && Draw::keyed(self.config.seed, Purpose::Stall, key).chance(p.cfg.autoscale.stall_probability)
        {
            p.driver.stalled = true;
        }
    }

    /// A resize is over.
    pub(crate) fn after_resize(&mut self, pool: u32, failed: bool) {
        if failed {
            self.maybe_stall(pool);
        }
    }

    /// Enables autoscale (pool.md §10.1).
    pub(crate) fn enable_autoscale(
        &mut self,
        pool: u32,
        formula: Option<&str>,
        interval: Option<Ms>,
    ) -> Result<(), Refusal> {
        let now = self.now;
        let p = &self.pools[pool as usize];
        let cfg = p.cfg.clone();
        if !p.driver.enabled && p.alloc != AllocationState::Steady {
            return Err(Refusal::new(409, "PoolBeingResized", "autoscale cannot be enabled during a resize"));
        }
        if p.driver.enabled_at.is_some_and(|at| now - at < cfg.autoscale.enable_spacing) {
            let message = "calls that enable autoscale must be 30 seconds apart";
            return Err(Refusal::new(409, "TooManyEnableAutoScaleRequests", message));
        }
        if let Some(interval) = interval.filter(|i| !(5 * 60_000..=168 * 3_600_000).contains(i)) {
            let message = format!("the interval {} is not in PT5M to P7D", super::knobs::show_duration(interval));
            return Err(Refusal::new(400, "InvalidPropertyValue", message));
        }
        let compiled = formula.map(|text| self.compiler.compile(text, &cfg)).transpose()?;
        let driver = &mut self.pools[pool as usize].driver;
        if compiled.is_none() && driver.formula.is_none() {
            return Err(Refusal::new(400, "InvalidAutoScalingSettings", "the pool has no formula yet: give one"));
        }
        if let Some(formula) = compiled {
            driver.formula = Some(formula);
        }
        // Changing the interval restarts the schedule; so does enabling.
        let restart = !driver.enabled || interval.is_some();
        driver.interval = interval.unwrap_or(driver.interval);
        driver.enabled = true;
        driver.stalled = false;
        driver.enabled_at = Some(now);
        if restart {
            driver.token += 1;
            driver.base = now;
            driver.count = 0;
            let token = driver.token;
            if cfg.autoscale.evaluate_on_enable {
                self.after(cfg.autoscale.evaluate_on_enable_delay, Event::Evaluate { pool, token });
            } else {
                self.schedule_evaluation(pool);
            }
        }
        Ok(())
    }

    /// Evaluates a formula without applying it; autoscale must be enabled.
    pub(crate) fn evaluate_only(&mut self, pool: u32, text: &str) -> Result<Result<Outcome, EvalError>, Refusal> {
        let p = &self.pools[pool as usize];
        if !p.driver.enabled {
            return Err(Refusal::new(409, "AutoScaleNotEnabled", "enable autoscale before evaluating a formula"));
        }
        let mut formula = self.compiler.compile(text, &p.cfg.clone())?;
        Ok(self.snapshot_run(pool, formula.as_mut()))
    }
}

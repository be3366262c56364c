//! One evaluation, watched: each statement's value, the branches taken, the samples each read saw, and what decided a variable.
//!
//! In: a formula, inputs. Out: `Trace`. Never: another way of evaluating: it is the reference engine over the plain program,
//! with a log.

use crate::{
    check::hir::{HId, HKind, Output, VersionId},
    formula::Formula,
    inputs::Inputs,
    interp::Step,
    ir::{
        Inst, Program,
        lower::{Effort, lower},
    },
    outcome::{EvalError, Outcome, OwnedValue, outcome_of_values, owned},
};
use poolcast_grammar::Span;
use poolcast_runtime::{
    arena::Arena,
    cx::{Cx, Note, ReadKind},
    metric::Metric,
    snapshot::Snapshot,
    ticks::{Interval, Ticks},
    ty::Ty,
};

/// A condition and the way it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Branch {
    /// The condition's text.
    pub condition: Span,
    /// True: the first arm, or the right side of `&&` was looked at.
    pub taken: bool,
    /// The operator is `?:`, not `&&` or `||`.
    pub ternary: bool,
}

/// One read of samples.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SampleRead {
    /// Of which metric.
    pub metric: Metric,
    /// The window's ends, for reads by window.
    pub window: Option<(Ticks, Ticks)>,
    /// Samples the window could hold; none for reads by count.
    pub possible: Option<f64>,
    /// The percentage the read asked for, when it did.
    pub wanted: Option<f64>,
    /// Samples found, oldest first: when each became visible, its value.
    pub samples: Vec<(Ticks, f64)>,
}

/// One statement of a watched evaluation.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TraceStep {
    /// Its text.
    pub span: Span,
    /// The name it assigns.
    pub name: Option<String>,
    /// Its value; none when evaluation did not get there, or for `stop()`.
    pub value: Option<OwnedValue>,
    /// Conditions, in the order they were decided.
    pub branches: Vec<Branch>,
    /// Reads, in order.
    pub reads: Vec<SampleRead>,
    /// Whether evaluation got here.
    pub reached: bool,
}

/// A watched evaluation.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Trace {
    /// One step for each statement.
    pub steps: Vec<TraceStep>,
    /// What it came to.
    pub outcome: Result<Outcome, EvalError>,
    /// Notes: samples that were not there.
    pub notes: Vec<String>,
}

impl Formula {
    /// Evaluate and keep what happened. Slower than [`Formula::evaluate`], with the same outcome.
    pub fn trace(&self, inputs: &Inputs) -> Trace {
        self.trace_at(&inputs.snapshot())
    }

    /// The same, on a snapshot.
    pub(crate) fn trace_at(&self, snapshot: &Snapshot<'_>) -> Trace {
        let program = lower(self.hir(), self.rules(), Effort::Plain);
        let arena = Arena::new(program.rules.memory_budget.0);
        let mut watch = Watch::new(self, &program);
        let mut cx = Cx::new(snapshot, &program.rules, &arena).logging();
        let mut frame = Vec::new();
        let ran = crate::interp::run(&program, &mut cx, &mut frame, |step| watch.see(step));
        let log = cx.log.take().unwrap_or_default();
        let notes = cx.notes.iter().map(words).collect();
        let outcome = ran.map(|end| outcome_of_values(&program, end, snapshot, &frame)).map_err(|fault| {
            watch.fail(fault.at, log.reads.len());
            self.failure(fault, snapshot)
        });
        let mut steps = watch.steps;
        for (i, read) in log.reads.iter().enumerate() {
            let at = watch.read_steps.iter().position(|n| i < *n).unwrap_or(steps.len() - 1);
            let series = snapshot.series.get(read.metric);
            let samples = read.range.clone().map(|i| (series.key(i), series.values()[i])).collect();
            let (window, possible, wanted) = match read.kind {
                ReadKind::Window { lo, hi, possible, wanted } => (Some((lo, hi)), Some(possible), wanted),
                _ => (None, None, None),
            };
            let read = SampleRead { metric: read.metric, window, possible, wanted, samples };
            if !steps[at].reads.contains(&read) {
                steps[at].reads.push(read);
            }
        }
        Trace { steps, outcome, notes }
    }
}

fn words(note: Note) -> String {
    match note {
        Note::NoSample(function) => format!("`{function}` had no sample to work on and gave NaN"),
        Note::NoLatest(metric) => format!("`{}` had no sample and read as 0", metric.name()),
        Note::NoHistory(metric) => format!("`{}` has no history; it was taken to begin now", metric.name()),
        _ => "a sample was missing".into(),
    }
}

/// Collects steps while the engine runs.
struct Watch<'f> {
    formula: &'f Formula,
    program: &'f Program,
    steps: Vec<TraceStep>,
    /// Reads logged by the end of each statement.
    read_steps: Vec<usize>,
}

impl<'f> Watch<'f> {
    fn new(formula: &'f Formula, program: &'f Program) -> Watch<'f> {
        let hir = formula.hir();
        let steps = hir
            .stmts
            .iter()
            .map(|s| TraceStep {
                span: s.span,
                name: s.version.map(|v| hir.versions[v.ix()].name.to_string()),
                value: None,
                branches: Vec::new(),
                reads: Vec::new(),
                reached: false,
            })
            .collect();
        Watch { formula, program, steps, read_steps: vec![0; hir.stmts.len()] }
    }

    fn reach(&mut self, at: u32) -> Option<usize> {
        let i = self.steps.iter().position(|s| s.span.lo <= at && at <= s.span.hi)?;
        self.steps[..=i].iter_mut().for_each(|s| s.reached = true);
        Some(i)
    }

    /// A statement stopped the evaluation: it has no value, and the reads so far are its own.
    fn fail(&mut self, at: u32, reads: usize) {
        let Some(i) = self.reach(at) else { return };
        self.steps[i].value = None;
        self.read_steps[i..].iter_mut().for_each(|n| *n = reads);
    }

    fn see(&mut self, step: Step<'_, '_>) {
        match step {
            Step::Value(v, value, reads) => {
                let Some(i) = self.reach(self.program.at[v.ix()]) else { return };
                self.read_steps[i..].iter_mut().for_each(|n| *n = reads);
                // The last value of a statement is the statement's.
                if self.program.insts[v.ix()] != Inst::Param || self.program.tys[v.ix()] != Ty::Never {
                    self.steps[i].value = Some(owned(value));
                }
            }
            Step::Branch(at, taken) => {
                let Some(i) = self.reach(at) else { return };
                if let Some((condition, ternary)) = self.condition(i, at) {
                    self.steps[i].branches.push(Branch { condition, taken, ternary });
                }
            }
        }
    }

    /// The condition that is reported at a byte of a statement.
    fn condition(&self, stmt: usize, at: u32) -> Option<(Span, bool)> {
        let hir = self.formula.hir();
        let s = hir.stmts[stmt];
        (s.first..=s.value.0).rev().find_map(|id| {
            let (c, ternary) = match hir.expr(HId(id)).kind {
                HKind::Ternary(c, ..) => (c, true),
                HKind::Logic(_, a, _) => (a, false),
                _ => return None,
            };
            (hir.expr(c).at == at).then_some((hir.expr(c).span, ternary))
        })
    }
}

impl Trace {
    /// Indices of the steps that decided a variable's final value, in order: the assignments it goes back to through the
    /// arms that were taken. Empty for a name the formula does not assign.
    pub fn why(&self, formula: &Formula, name: &str) -> Vec<usize> {
        let hir = formula.hir();
        let reached = |v: &VersionId| self.steps[hir.versions[v.ix()].stmt as usize].value.is_some();
        let wanted = Output::from_name(name).map(Output::name);
        let last = (0..hir.versions.len() as u32).rev().map(VersionId).filter(reached).find(|v| {
            let version = &hir.versions[v.ix()];
            *version.name == *name || (wanted.is_some() && version.output.map(Output::name) == wanted)
        });
        let mut steps = std::collections::BTreeSet::new();
        let mut open: Vec<VersionId> = last.into_iter().collect();
        while let Some(version) = open.pop() {
            let stmt = hir.versions[version.ix()].stmt as usize;
            if !steps.insert(stmt) {
                continue;
            }
            let mut exprs = vec![hir.stmts[stmt].value];
            while let Some(id) = exprs.pop() {
                match hir.expr(id).kind {
                    HKind::Var(v) => open.push(v),
                    HKind::Unary(_, a) | HKind::Single(a) | HKind::ToVec(a) => exprs.push(a),
                    HKind::Binary(_, a, b) | HKind::Logic(_, a, b) => exprs.extend([a, b]),
                    HKind::Ternary(c, t, e) => {
                        exprs.push(c);
                        let span = hir.expr(c).span;
                        match self.steps[stmt].branches.iter().find(|b| b.condition == span) {
                            Some(b) => exprs.push(if b.taken { t } else { e }),
                            None => exprs.extend([t, e]),
                        }
                    }
                    HKind::Call(_, args) => exprs.extend_from_slice(hir.args(args)),
                    _ => {}
                }
            }
        }
        steps.into_iter().collect()
    }
}

impl SampleRead {
    /// How many periods of the window have no sample; none for reads by count.
    pub fn missing(&self) -> Option<usize> {
        self.possible.map(|p| (p as usize).saturating_sub(self.samples.len()))
    }
    /// The sampling period.
    pub const PERIOD: Interval = Interval::SAMPLE_PERIOD;
}

//! A compiled formula: the library's door.
//!
//! In: text, options, inputs. Out: diagnostics, outcomes. Never: I/O, a global, a panic on any input.

use crate::{
    check,
    diag::{self, Diagnostics},
    error::{Error, HostError},
    inputs::Inputs,
    interp::{self, End, Fault},
    ir::{self, Program, Read, lower::Effort},
    outcome::{self, EvalError, Outcome, Targets},
};
use poolcast_grammar::LineIndex;
use poolcast_runtime::{arena::Arena, cx::Cx, rules::Rules, snapshot::Snapshot, trap::Trap, value::Value};
use std::sync::{Arc, OnceLock};

/// Which engine runs a formula. They agree bit for bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Engine {
    /// Machine code where this build and host allow, else the interpreter.
    #[default]
    Auto,
    /// Machine code, or an error.
    Jit,
    /// The reference interpreter.
    Interp,
}

/// How to compile.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The choices where nobody knows what the service does.
    pub rules: Rules,
    /// The engine.
    pub engine: Engine,
    /// Turn warnings about unverified behaviour into errors.
    pub strict: bool,
    /// Accept what the service stores, even where evaluation is certain to fail.
    pub like_service: bool,
}

/// A compiled formula. Cheap to clone, `Send` and `Sync`; evaluate it from as many threads as you like.
///
/// ```
/// use poolcast::{Formula, Inputs, Metric, Target};
/// let formula = Formula::compile(
///     "$busy = avg($PendingTasks.GetSample(5 * TimeInterval_Minute));
///      $TargetDedicatedNodes = min(10, $busy);",
/// )?;
/// let inputs = Inputs::at("2026-01-05T08:00:00Z")?
///     .samples(Metric::PendingTasks, [4.0, 6.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0])?;
/// let outcome = formula.evaluate(&inputs)?;
/// assert_eq!(outcome.dedicated, Target::Set(7));
/// assert_eq!(formula.reads()[0].metric, Metric::PendingTasks);
/// # Ok::<(), poolcast::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Formula(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    source: String,
    /// Made when the first evaluation fails.
    lines: OnceLock<LineIndex>,
    diagnostics: Diagnostics,
    hir: check::hir::Hir,
    program: Arc<Program>,
    #[cfg(feature = "jit")]
    code: Option<Arc<crate::jit::Code>>,
}

impl Formula {
    /// Compile like an author: any error refuses the formula.
    pub fn compile(source: &str) -> Result<Formula, Error> {
        Formula::compile_with(source, &Options::default())
    }

    /// Compile like the service: only what it refuses to store is refused; the rest fails when evaluated.
    pub fn compile_like_service(source: &str) -> Result<Formula, Error> {
        Formula::compile_with(source, &Options { like_service: true, ..Options::default() })
    }

    /// Compile with options.
    pub fn compile_with(source: &str, options: &Options) -> Result<Formula, Error> {
        let parsed = poolcast_grammar::parse(source);
        let refused = !parsed.errors.is_empty();
        let checked = check::check(&parsed.ast);
        let mut list = diag::syntax::diagnostics(source, &parsed.errors);
        list.extend(checked.diagnostics);
        if options.strict {
            for d in &mut list {
                if d.code.0.starts_with('U') {
                    d.severity = diag::Severity::Error;
                }
            }
        }
        let diagnostics = Diagnostics::new(list);
        if refused || (!options.like_service && diagnostics.has_errors()) {
            return Err(Error::Compile(diagnostics));
        }
        let program = Arc::new(ir::lower::lower(&checked.hir, &options.rules, Effort::Optimised));
        #[cfg(feature = "jit")]
        let code = match options.engine {
            Engine::Interp => None,
            Engine::Jit => {
                Some(crate::jit::compile(&program).map_err(|e| Error::Host(HostError { reason: e.to_string() }))?)
            }
            Engine::Auto => crate::jit::compile(&program).ok(),
        };
        #[cfg(not(feature = "jit"))]
        if options.engine == Engine::Jit {
            return Err(Error::Host(HostError { reason: "this build has no `jit` feature".into() }));
        }
        Ok(Formula(Arc::new(Compiled {
            source: source.to_owned(),
            lines: OnceLock::new(),
            diagnostics,
            hir: checked.hir,
            program,
            #[cfg(feature = "jit")]
            code,
        })))
    }

    /// The text it was compiled from.
    pub fn source(&self) -> &str {
        &self.0.source
    }
    /// Warnings and, for a formula compiled like the service, errors.
    pub fn diagnostics(&self) -> &Diagnostics {
        &self.0.diagnostics
    }
    /// The metrics and windows a scheduler must collect for it, by metric.
    pub fn reads(&self) -> &[Read] {
        &self.0.program.reads
    }
    /// The rules it was compiled under.
    pub fn rules(&self) -> &Rules {
        &self.0.program.rules
    }
    /// The optimised program.
    pub fn program(&self) -> &Program {
        &self.0.program
    }
    /// The checked formula.
    pub fn hir(&self) -> &check::hir::Hir {
        &self.0.hir
    }
    /// Whether machine code was made.
    pub fn is_compiled(&self) -> bool {
        #[cfg(feature = "jit")]
        return self.0.code.is_some();
        #[cfg(not(feature = "jit"))]
        false
    }

    /// Evaluate once. The pool would apply the outcome; a failure leaves it as it is.
    pub fn evaluate(&self, inputs: &Inputs) -> Result<Outcome, EvalError> {
        self.evaluator().run(&inputs.snapshot())
    }

    /// Evaluate on the reference interpreter over a program lowered with the given effort: the oracle for everything else.
    pub fn evaluate_at(&self, effort: Effort, inputs: &Inputs) -> Result<Outcome, EvalError> {
        let program = ir::lower::lower(&self.0.hir, self.rules(), effort);
        let arena = Arena::new(program.rules.memory_budget.0);
        let snapshot = inputs.snapshot();
        // What every engine asks, of the windows every engine resolves.
        let out = calendar(&snapshot)
            .and_then(|()| interp::few_enough(&self.0.program, &snapshot))
            .and_then(|()| interpret(&program, &snapshot, &arena, |_| {}));
        out.map(|(end, frame)| outcome::outcome_of_values(&program, end, &snapshot, &frame))
            .map_err(|fault| self.failure(fault, &snapshot))
    }

    /// Scratch for many evaluations.
    pub fn evaluator(&self) -> Evaluator {
        Evaluator {
            formula: self.clone(),
            arena: Arena::new(self.rules().memory_budget.0),
            #[cfg(feature = "jit")]
            machine: self.0.code.as_ref().map(crate::jit::Runner::new),
        }
    }

    /// The service's words for a failure.
    pub(crate) fn failure(&self, fault: Fault, snapshot: &Snapshot<'_>) -> EvalError {
        let lines = self.0.lines.get_or_init(|| LineIndex::new(&self.0.source));
        let (line, col) = lines.line_col(&self.0.source, fault.at);
        outcome::failure(fault, line, col, snapshot)
    }
}

/// A formula with the scratch its evaluations need: keep one per thread and evaluate as often as you like.
/// With machine code, [`Evaluator::targets`] allocates nothing once warm.
#[derive(Debug)]
pub struct Evaluator {
    formula: Formula,
    arena: Arena,
    /// Where there is machine code; the interpreter's runs need nothing of their own.
    #[cfg(feature = "jit")]
    machine: Option<crate::jit::Runner>,
}

impl Evaluator {
    /// The formula.
    pub fn formula(&self) -> &Formula {
        &self.formula
    }

    /// Evaluate for the targets alone: what a scheduler or simulator needs.
    pub fn targets(&mut self, snapshot: &Snapshot<'_>) -> Result<Targets, EvalError> {
        #[cfg(feature = "jit")]
        if let Some(machine) = &mut self.machine
            && snapshot.now.in_calendar()
            && let Some(targets) = machine.plain(snapshot)
        {
            return Ok(targets);
        }
        self.targets_of_any_run(snapshot)
    }

    /// [`Evaluator::targets`] of runs that fail, stop, call or search.
    #[inline(never)] // what it keeps would be saved by every run
    fn targets_of_any_run(&mut self, snapshot: &Snapshot<'_>) -> Result<Targets, EvalError> {
        #[cfg(feature = "jit")]
        if let Some(machine) = &mut self.machine {
            return calendar(snapshot)
                .and_then(|()| machine.targets(snapshot, &mut self.arena))
                .map_err(|fault| self.formula.failure(fault, snapshot));
        }
        self.run(snapshot).map(|o| o.targets())
    }

    /// Evaluate, and keep every variable.
    pub fn run(&mut self, snapshot: &Snapshot<'_>) -> Result<Outcome, EvalError> {
        #[cfg(feature = "jit")]
        if let Some(machine) = &mut self.machine {
            return calendar(snapshot)
                .and_then(|()| machine.run(snapshot, &mut self.arena))
                .map_err(|fault| self.formula.failure(fault, snapshot));
        }
        self.arena.reset();
        let p = &self.formula.0.program;
        match interpret(p, snapshot, &self.arena, |_| {}) {
            Ok((end, frame)) => Ok(outcome::outcome_of_values(p, end, snapshot, &frame)),
            Err(fault) => Err(self.formula.failure(fault, snapshot)),
        }
    }
}

/// Instants outside the calendar have no members and no windows: no evaluation either.
#[inline]
fn calendar(snapshot: &Snapshot<'_>) -> Result<(), Fault> {
    if snapshot.now.in_calendar() { Ok(()) } else { Err(Fault { trap: Trap::TimeOverflow, at: 0 }) }
}

/// Run the reference engine over any program.
#[allow(clippy::type_complexity)] // the frame is one value per assignment that happened
pub(crate) fn interpret<'r>(
    p: &'r Program,
    snapshot: &'r Snapshot<'r>,
    arena: &'r Arena,
    watch: impl FnMut(interp::Step<'_, 'r>),
) -> Result<(End, Vec<Option<Value<'r>>>), Fault> {
    calendar(snapshot)?;
    interp::few_enough(p, snapshot)?;
    let mut frame = Vec::new();
    let mut cx = Cx::new(snapshot, &p.rules, arena);
    let end = interp::run(p, &mut cx, &mut frame, watch)?;
    Ok((end, frame))
}

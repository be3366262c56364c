//! Machine code and its runs.
//!
//! In: a program. Out: a `Runner` and its runs. Never: a function pointer outside `Code`; its memory and the program whose
//! strings it points to live as long.
#![allow(unsafe_code)]

use super::{
    JitError,
    late::Late,
    memory::{self, Memory},
    target,
    translate::{Keep, Translated, newest_tells, status, translate},
};
use crate::{
    interp::{self, End, Fault, insufficient, rejection},
    ir::{Inst, Program, Reduce, Term},
    outcome::{Outcome, OwnedValue, Target, Targets, outcome, owned, targets_of_frame},
};
use cranelift::codegen::Context;
use cranelift::prelude::FunctionBuilderContext;
use poolcast_runtime::{
    abi::{Host, Numbers, RawSlot, View},
    arena::Arena,
    rules::TargetRounding,
    snapshot::Snapshot,
    target::{MAX_NODES, judge},
    trap::Trap,
    ty::Ty,
    value::DeallocationOption,
    window::{Plan, Reads},
};
use std::{
    cell::RefCell,
    ffi::c_void,
    sync::{Arc, OnceLock},
};

/// Of host, frame, views, snapshot and the last view's numbers. The code hands the host on and reads numbers of the others.
/// What is read once comes and goes in registers, for a store is waited for when it is read back at once.
#[cfg(target_arch = "x86_64")]
type Entry =
    unsafe extern "sysv64" fn(*mut c_void, *mut RawSlot, *const View, *const c_void, f64, f64, f64, f64) -> Ended;
#[cfg(not(target_arch = "x86_64"))]
type Entry = unsafe extern "C" fn(*mut c_void, *mut RawSlot, *const View, *const c_void, f64, f64, f64, f64) -> Ended;

/// What a run of the code gives: how it ended and, once it is assigned, the first output.
#[repr(C)]
#[derive(Debug)]
struct Ended {
    word: u64,
    dedicated: Register,
}
/// Of two registers, x86-64 returns a double in one of its own kind.
#[cfg(target_arch = "x86_64")]
type Register = f64;
#[cfg(not(target_arch = "x86_64"))]
type Register = u64;

impl Ended {
    #[inline(always)]
    fn dedicated(&self) -> f64 {
        #[cfg(target_arch = "x86_64")]
        return self.dedicated;
        #[cfg(not(target_arch = "x86_64"))]
        f64::from_bits(self.dedicated)
    }
}

/// A function in executable memory.
struct Function {
    /// Holds what `entry` points into.
    _memory: Memory,
    entry: Entry,
}

/// Compiled code of one program.
pub struct Code {
    /// For the outputs alone: most runs are for those, and storing what nobody reads costs more than computing it.
    outputs: Function,
    /// For every variable, made when somebody first asks.
    all: OnceLock<Result<Function, JitError>>,
    /// Whether its runs can be [`Runner::plain`]: it calls no host, and every late target is an output.
    plain: bool,
    /// The slots of the three outputs, `u32::MAX` for what is never assigned.
    slots: [u32; 3],
    plan: Vec<Plan>,
    /// Targets whose judgement the code leaves to its end.
    late: Vec<Late>,
    program: Arc<Program>,
}

/// Code with what its runs need besides inputs, kept from run to run.
#[derive(Debug)]
pub struct Runner {
    code: Arc<Code>,
    /// One slot for each of the program's.
    frame: Box<[RawSlot]>,
    /// One for each of its windows.
    views: Box<[View]>,
    /// A run that turned out not to be plain.
    unsettled: Option<Run>,
}

/// A run that is over and not yet judged.
#[derive(Debug)]
struct Run {
    ended: Ended,
    /// The last window's numbers, which its view need not have.
    last: Numbers,
}

// SAFETY: code that has been placed is only read and run, never written again, and any thread may give its memory back.
unsafe impl Send for Code {}
// SAFETY: as above; running code only reads its memory.
unsafe impl Sync for Code {}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Code").field("windows", &self.plan.len()).field("late", &self.late).finish_non_exhaustive()
    }
}

thread_local! {
    /// Scratch the compiler reuses; holds nothing between compilations.
    static SCRATCH: RefCell<(Context, FunctionBuilderContext)> = RefCell::new((Context::new(), FunctionBuilderContext::new()));
}

/// The program as a function in executable memory. A module of linked functions would be more than one needs: this one refers
/// to nothing by name.
fn define(program: &Program, keep: Keep) -> Result<(Function, Translated), JitError> {
    let isa = target()?;
    SCRATCH.with_borrow_mut(|(context, scratch)| {
        context.clear();
        let translated = translate(program, keep, isa.as_ref(), &mut context.func, scratch);
        if translated.is_err() {
            // A function given up half way leaves its builder half full.
            *scratch = FunctionBuilderContext::new();
        }
        let translated = translated?;
        let code =
            context.compile(isa.as_ref(), &mut Default::default()).map_err(|e| JitError(format!("{:?}", e.inner)))?;
        if !code.buffer.relocs().is_empty() {
            return Err(JitError("the code refers to a symbol".into()));
        }
        let align = code.buffer.alignment.max(isa.function_alignment().minimum);
        let (memory, start) = memory::place(code.buffer.data(), align)?;
        // SAFETY: `translate` built exactly this signature.
        let entry = unsafe { std::mem::transmute::<*const u8, Entry>(start) };
        Ok((Function { _memory: memory, entry }, translated))
    })
}

impl Code {
    pub(super) fn compile(program: &Arc<Program>) -> Result<Code, JitError> {
        let (outputs, Translated { late, calls }) = define(program, Keep::Outputs)?;
        let slots = program.outputs.map(|slot| slot.unwrap_or(u32::MAX));
        let plain = !calls
            && program.rules.target_rounding == TargetRounding::Truncate
            && late.iter().all(|late| slots.contains(&late.slot));
        let (plan, program) = (plan(program), Arc::clone(program));
        Ok(Code { outputs, all: OnceLock::new(), plain, slots, plan, late, program })
    }

    /// The function that keeps these variables.
    fn function(&self, keep: Keep) -> Result<&Function, Fault> {
        match keep {
            Keep::Outputs => Ok(&self.outputs),
            Keep::All => {
                let all = self.all.get_or_init(|| define(&self.program, keep).map(|(function, _)| function));
                all.as_ref().map_err(|e| Fault { trap: Trap::Internal(e.to_string().into()), at: 0 })
            }
        }
    }
}

impl Runner {
    /// Runs of this code.
    pub fn new(code: &Arc<Code>) -> Runner {
        Runner {
            frame: vec![RawSlot::default(); code.program.slots.len()].into(),
            views: code.plan.iter().copied().map(View::new).collect(),
            code: Arc::clone(code),
            unsettled: None,
        }
    }

    /// The targets of a run as most are: nothing is called, fails or stops, and the targets are numbers of nodes as they
    /// stand. None of any other run, which [`Runner::targets`] must settle or do.
    #[inline(always)] // into its one caller: half of the cost is moving results about
    pub fn plain(&mut self, snapshot: &Snapshot<'_>) -> Option<Targets> {
        if !self.code.plain {
            return None;
        }
        let last = match View::resolve(&mut self.views, snapshot) {
            Some(last) => last,
            None => match search(&mut self.views, snapshot) {
                (last, true) => last,
                _ => return None,
            },
        };
        // SAFETY: plain code calls no host, so it does not look at the pointer.
        let ended =
            unsafe { enter(&self.code.outputs, &mut self.frame, &self.views, std::ptr::null_mut(), snapshot, last) };
        let targets = self.plain_targets(&ended);
        if targets.is_none() {
            self.unsettled = Some(Run { ended, last });
        }
        targets
    }

    #[inline(always)]
    fn plain_targets(&self, ended: &Ended) -> Option<Targets> {
        if ended.word != status::FINISHED {
            return None;
        }
        let [dedicated, low_priority, option] = self.code.slots.map(|slot| self.frame.get(slot as usize));
        let target = |x: f64| {
            // SAFETY: within the bounds of an `i32`, which the conversion truncates to as `target::count` does.
            (0.0..=MAX_NODES).contains(&x).then(|| Target::Set(unsafe { x.to_int_unchecked::<i32>() } as u32))
        };
        Some(Targets {
            dedicated: if dedicated.is_some() { target(ended.dedicated())? } else { Target::Unchanged },
            low_priority: low_priority.map_or(Some(Target::Unchanged), |slot| target(slot.double()))?,
            option: option.map_or(DeallocationOption::default(), |slot| slot.option()),
        })
    }

    /// The targets of a run that [`Runner::plain`] gave up, begun or not.
    pub fn targets(&mut self, snapshot: &Snapshot<'_>, arena: &mut Arena) -> Result<Targets, Fault> {
        let end = match self.unsettled.take() {
            Some(run) => self.settle(run, None)?,
            None => self.start(Keep::Outputs, snapshot, arena)?,
        };
        Ok(targets_of_frame(&self.code.program, &self.frame, end))
    }

    /// Run the code and keep every variable. Slots that a `stop()` left unwritten come out as 0.
    pub fn run(&mut self, snapshot: &Snapshot<'_>, arena: &mut Arena) -> Result<Outcome, Fault> {
        let end = self.start(Keep::All, snapshot, arena)?;
        let program = &self.code.program;
        let value = |i: u32| {
            let (slot, raw) = (&program.slots[i as usize], &self.frame[i as usize]);
            let written = match end {
                End::Finished => true,
                End::Stopped(stmt) => slot.stmt < stmt,
            };
            if written && slot.ty != Ty::Poison {
                // SAFETY: the slot was written by this run with its static type; arena and series are still borrowed.
                owned(&unsafe { raw.value(slot.ty, &program.strings) })
            } else {
                OwnedValue::Double(0.0)
            }
        };
        Ok(outcome(program, end, snapshot, value))
    }

    /// Run the code to its end, late targets judged.
    fn start(&mut self, keep: Keep, snapshot: &Snapshot<'_>, arena: &mut Arena) -> Result<End, Fault> {
        let Runner { code, frame, views, .. } = self;
        let (function, program) = (code.function(keep)?, &code.program);
        let (last, fit) = search(views, snapshot);
        if !fit {
            interp::few_enough(program, snapshot)?;
        }
        arena.reset();
        let mut host = Host::new(snapshot, &program.rules, arena);
        // SAFETY: the host is alive and of this snapshot.
        let ended = unsafe { enter(function, frame, views, (&raw mut host).cast(), snapshot, last) };
        let trap = host.trap.take();
        self.settle(Run { ended, last }, trap)
    }

    /// How a run ended, its late targets judged.
    fn settle(&mut self, Run { ended, last }: Run, trap: Option<Trap>) -> Result<End, Fault> {
        let Runner { code, frame, views, .. } = self;
        let program = &code.program;
        let end = match ended.word {
            status::FINISHED => End::Finished,
            word => {
                let percent = |i: usize| if i + 1 == views.len() { last } else { views[i].numbers() }.percent;
                ended_early(program, trap, percent, word)?
            }
        };
        if let Some(slot) = frame.get_mut(code.slots[0] as usize) {
            *slot = RawSlot::of(ended.dedicated());
        }
        for late in code.late.iter().filter(|_| end == End::Finished) {
            let slot = &mut frame[late.slot as usize];
            let at = program.at[late.target.ix()];
            *slot = RawSlot::of(judge(slot.double(), &program.rules).map_err(|trap| Fault { trap, at })?);
        }
        Ok(end)
    }
}

/// Resolves windows whatever it takes: the numbers of the last, and whether each holds no more samples than it may.
#[inline(never)] // what it keeps would be saved by every run
fn search(views: &mut [View], snapshot: &Snapshot<'_>) -> (Numbers, bool) {
    let fit = View::search(views, snapshot);
    (views.last().map_or(Numbers::BLANK, View::numbers), fit)
}

/// # Safety
/// Frame and views are a runner's of the function's code, the views resolved; `host` is a `Host` made for this snapshot if
/// the code calls one.
#[inline(always)]
unsafe fn enter(
    function: &Function,
    frame: &mut [RawSlot],
    views: &[View],
    host: *mut c_void,
    snapshot: &Snapshot<'_>,
    last: Numbers,
) -> Ended {
    let Numbers { len, percent, sum, newest } = last;
    let (frame, views, snapshot) = (frame.as_mut_ptr(), views.as_ptr(), std::ptr::from_ref(snapshot).cast());
    // SAFETY: live pointers of the sizes the code was translated for; no callee unwinds into it (`rt_host` catches).
    unsafe { (function.entry)(host, frame, views, snapshot, len, percent, sum, newest) }
}

/// How a run ended that did not come to its last statement.
#[cold]
fn ended_early(program: &Program, trap: Option<Trap>, percent: impl Fn(usize) -> f64, word: u64) -> Result<End, Fault> {
    let id = (word >> 32) as u32;
    match word & 0xffff_ffff {
        status::STOPPED => Ok(End::Stopped(id)),
        status::INST => {
            let trap = match program.insts[id as usize] {
                Inst::Require(w, wanted) => {
                    let i = w.0 as usize;
                    insufficient(&program.windows[i], f64::from_bits(wanted), percent(i))
                }
                _ => trap.unwrap_or(Trap::TimeOverflow),
            };
            Err(Fault { trap, at: program.at[id as usize] })
        }
        _ => {
            let block = program.blocks[id as usize];
            let trap = match block.term {
                Term::Trap(x) => rejection(program, x),
                _ => Trap::Internal("unknown status".into()),
            };
            Err(Fault { trap, at: block.at })
        }
    }
}

/// The windows, and what the program reads of them.
fn plan(program: &Program) -> Vec<Plan> {
    let mut reads = vec![Reads::default(); program.windows.len()];
    for (inst, live) in program.insts.iter().zip(&program.live) {
        match *inst {
            _ if !live => {}
            Inst::Reduce(Reduce::Sum | Reduce::Avg, w, _) => reads[w.0 as usize].sum = true,
            Inst::Reduce(Reduce::Len, ..) => {}
            Inst::Reduce(kind, w, _) if newest_tells(program, kind, w) => {}
            Inst::Reduce(_, w, _) | Inst::Window(w) => reads[w.0 as usize].samples = true,
            _ => {}
        }
    }
    Plan::all(&program.windows, &reads, &program.rules)
}

//! Machine code and its runs.
//!
//! In: a program. Out: runs of it. Never: a function pointer outside `Code`; its memory lives as long.
#![allow(unsafe_code)]

use super::{
    JitError,
    late::Late,
    memory::{self, Memory},
    translate::{Translated, newest_tells, status, translate},
};
use crate::{
    interp::{self, End, Fault, insufficient, rejection},
    ir::{Inst, Program, Reduce, Slot, Term},
    outcome::{OwnedValue, Target, Targets, owned, targets_of_frame},
};
use cranelift::codegen::{Context, isa::OwnedTargetIsa};
use cranelift::prelude::FunctionBuilderContext;
use poolcast_runtime::{
    abi::{Host, RawSlot, View},
    arena::Arena,
    snapshot::Snapshot,
    target::{self, MAX_NODES},
    trap::Trap,
    ty::Ty,
    value::DeallocationOption,
    window::{Plan, Reads},
};
use std::{cell::RefCell, ffi::c_void};

/// Of host, frame, views and snapshot; the code hands the host on and reads numbers of the others.
type Entry = unsafe extern "C" fn(*mut c_void, *mut RawSlot, *const View, *const c_void) -> u64;

/// Compiled code of one program.
pub struct Code {
    /// Holds what `entry` points into.
    _memory: Memory,
    entry: Entry,
    slots: usize,
    plan: Plan,
    /// Targets whose judgement the code leaves to its end.
    late: Vec<Late>,
    /// The slots of the three outputs, `u32::MAX` for what is never assigned, if every late target is among them.
    outputs: Option<[u32; 3]>,
    /// Whether the code ever calls its host; most does not.
    calls: bool,
}

/// What runs of one program need besides its inputs; kept from run to run.
#[derive(Debug)]
pub struct Scratch {
    arena: Arena,
    /// One slot for each of the program's.
    frame: Vec<RawSlot>,
    /// One for each of its windows.
    views: Vec<View>,
}

// SAFETY: code that has been placed is only read and run, never written again, and any thread may give its memory back.
unsafe impl Send for Code {}
// SAFETY: as above; running code only reads its memory.
unsafe impl Sync for Code {}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Code").field("slots", &self.slots).field("windows", &self.plan.len()).finish()
    }
}

thread_local! {
    /// Scratch the compiler reuses; holds nothing between compilations.
    static SCRATCH: RefCell<(Context, FunctionBuilderContext)> = RefCell::new((Context::new(), FunctionBuilderContext::new()));
}

/// The program as bytes in executable memory, and where they start. A module of linked functions would be more than one
/// function needs: this one refers to nothing by name.
fn define(
    program: &Program,
    isa: &OwnedTargetIsa,
    context: &mut Context,
    scratch: &mut FunctionBuilderContext,
) -> Result<(Memory, *const u8, Translated), JitError> {
    let translated = translate(program, isa.as_ref(), &mut context.func, scratch)?;
    let code =
        context.compile(isa.as_ref(), &mut Default::default()).map_err(|e| JitError(format!("{:?}", e.inner)))?;
    if !code.buffer.relocs().is_empty() {
        return Err(JitError("the code refers to a symbol".into()));
    }
    let align = code.buffer.alignment.max(isa.function_alignment().minimum);
    let (memory, start) = memory::place(code.buffer.data(), align)?;
    Ok((memory, start, translated))
}

impl Code {
    pub(super) fn compile(program: &Program, isa: OwnedTargetIsa) -> Result<Code, JitError> {
        let (memory, start, Translated { late, calls }) = SCRATCH.with_borrow_mut(|(context, scratch)| {
            context.clear();
            let done = define(program, &isa, context, scratch);
            if done.is_err() {
                // A function given up half way leaves its builder half full.
                *scratch = FunctionBuilderContext::new();
            }
            done
        })?;
        // SAFETY: `translate` built exactly this signature with the host's default calling convention.
        let entry = unsafe { std::mem::transmute::<*const u8, Entry>(start) };
        let outputs = program.outputs.map(|slot| slot.unwrap_or(u32::MAX));
        let outputs = late.iter().all(|late| outputs.contains(&late.slot)).then_some(outputs);
        Ok(Code { _memory: memory, entry, slots: program.slots.len(), plan: plan(program), outputs, late, calls })
    }

    /// What its runs need besides inputs.
    pub fn scratch(&self, program: &Program) -> Scratch {
        Scratch {
            arena: Arena::new(program.rules.memory_budget.0),
            frame: vec![RawSlot::default(); self.slots],
            views: vec![View::BLANK; self.plan.len()],
        }
    }

    /// Run the code on what the snapshot shows: how it ended, and every slot's value. Slots that a `stop()` left unwritten
    /// come out as 0.
    pub fn run(
        &self,
        program: &Program,
        snapshot: &Snapshot<'_>,
        scratch: &mut Scratch,
    ) -> Result<(End, Vec<OwnedValue>), Fault> {
        let end = self.start(program, snapshot, scratch)?;
        self.judge(program, &mut scratch.frame, end)?;
        let value = |(slot, raw): (&Slot, &RawSlot)| {
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
        Ok((end, program.slots.iter().zip(&scratch.frame).map(value).collect()))
    }

    /// Run the code for its targets alone.
    #[inline(always)] // into its one caller: half of the cost is moving results about
    pub fn targets(&self, program: &Program, snapshot: &Snapshot<'_>, scratch: &mut Scratch) -> Result<Targets, Fault> {
        let end = self.start(program, snapshot, scratch)?;
        if end == End::Finished
            && let Some(targets) = self.plain_targets(program, &scratch.frame)
        {
            return Ok(targets);
        }
        self.judge(program, &mut scratch.frame, end)?;
        Ok(targets_of_frame(program, &scratch.frame, end))
    }

    /// The targets of a run that finished, if they are numbers of nodes as they stand and every late one is among them.
    #[inline(always)]
    fn plain_targets(&self, program: &Program, frame: &[RawSlot]) -> Option<Targets> {
        let [dedicated, low_priority, option] = self.outputs?;
        let target = |slot: u32| {
            let Some(x) = frame.get(slot as usize) else { return Some(Target::Unchanged) };
            (0.0..=MAX_NODES).contains(&x.double()).then(|| Target::Set(target::count(x.double(), &program.rules)))
        };
        Some(Targets {
            dedicated: target(dedicated)?,
            low_priority: target(low_priority)?,
            option: frame.get(option as usize).map_or(DeallocationOption::default(), |x| x.option()),
        })
    }

    /// Run the code; a run that finished still has its late targets to judge.
    #[inline(always)]
    fn start(&self, program: &Program, snapshot: &Snapshot<'_>, scratch: &mut Scratch) -> Result<End, Fault> {
        let fits = scratch.frame.len() >= self.slots && scratch.views.len() >= self.plan.len();
        assert!(fits, "scratch of another program");
        if !View::resolve(&self.plan, snapshot, &mut scratch.views) {
            interp::few_enough(program, snapshot)?;
        }
        if self.calls {
            return self.run_with_host(program, snapshot, scratch);
        }
        let Scratch { frame, views, .. } = scratch;
        // SAFETY: the code calls no host, so it does not look at the pointer.
        match unsafe { self.enter(std::ptr::null_mut(), snapshot, frame, views) } {
            status::FINISHED => Ok(End::Finished),
            word => ended(program, None, views, word),
        }
    }

    /// Code that calls.
    #[inline(never)]
    fn run_with_host(&self, program: &Program, snapshot: &Snapshot<'_>, scratch: &mut Scratch) -> Result<End, Fault> {
        let Scratch { arena, frame, views } = scratch;
        arena.reset();
        let mut host = Host::new(snapshot, &program.rules, arena);
        // SAFETY: the host is alive and of this snapshot.
        match unsafe { self.enter((&raw mut host).cast(), snapshot, frame, views) } {
            status::FINISHED => Ok(End::Finished),
            word => ended(program, host.trap.take(), views, word),
        }
    }

    /// # Safety
    /// `host` is a `Host` made for this snapshot if the code calls one; frame and views are as many as the code's.
    #[inline(always)]
    unsafe fn enter(&self, host: *mut c_void, snapshot: &Snapshot<'_>, frame: &mut [RawSlot], views: &[View]) -> u64 {
        // SAFETY: live pointers of the sizes the code was translated for; no callee unwinds into it (`rt_host` catches).
        unsafe { (self.entry)(host, frame.as_mut_ptr(), views.as_ptr(), std::ptr::from_ref(snapshot).cast()) }
    }

    /// Judges the late targets of a run that finished, in their order.
    #[cold]
    fn judge(&self, program: &Program, frame: &mut [RawSlot], end: End) -> Result<(), Fault> {
        for late in self.late.iter().filter(|_| end == End::Finished) {
            let slot = &mut frame[late.slot as usize];
            let at = program.at[late.target.ix()];
            *slot = RawSlot::of(target::judge(slot.double(), &program.rules).map_err(|trap| Fault { trap, at })?);
        }
        Ok(())
    }
}

/// How a run ended that did not come to its last statement.
#[cold]
fn ended(program: &Program, trap: Option<Trap>, views: &[View], word: u64) -> Result<End, Fault> {
    let id = (word >> 32) as u32;
    match word & 0xffff_ffff {
        status::STOPPED => Ok(End::Stopped(id)),
        status::INST => {
            let trap = match program.insts[id as usize] {
                Inst::Require(w, wanted) => {
                    let i = w.0 as usize;
                    insufficient(&program.windows[i], f64::from_bits(wanted), views[i].percent())
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
fn plan(program: &Program) -> Plan {
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
    Plan::new(&program.windows, &reads, &program.rules)
}

//! Machine code and its runs.
//!
//! In: a program. Out: runs of it. Never: a function pointer outside `Code`; its memory lives as long.
#![allow(unsafe_code)]

use super::{
    JitError,
    late::Late,
    memory::{self, Memory},
    translate::{status, translate},
};
use crate::{
    interp::{End, Fault, insufficient, rejection},
    ir::{Inst, Program, Reduce, Term},
    outcome::{OwnedValue, owned},
};
use cranelift::codegen::{Context, isa::OwnedTargetIsa};
use cranelift::prelude::FunctionBuilderContext;
use poolcast_runtime::{
    abi::{Host, RawSlot, View},
    snapshot::Snapshot,
    target::{self, MAX_NODES},
    trap::Trap,
    ty::Ty,
    window::Plan,
};
use std::cell::RefCell;

type Entry = for<'r> unsafe extern "C" fn(*mut Host<'r>, *mut RawSlot, *const View, *const Snapshot<'r>) -> u64;

/// Compiled code of one program.
pub struct Code {
    /// Holds what `entry` points into.
    _memory: Memory,
    entry: Entry,
    slots: usize,
    plan: Plan,
    /// Targets whose judgement the code leaves to its end.
    late: Vec<Late>,
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
) -> Result<(Memory, *const u8, Vec<Late>), JitError> {
    let late = translate(program, isa.as_ref(), &mut context.func, scratch)?;
    let code =
        context.compile(isa.as_ref(), &mut Default::default()).map_err(|e| JitError(format!("{:?}", e.inner)))?;
    if !code.buffer.relocs().is_empty() {
        return Err(JitError("the code refers to a symbol".into()));
    }
    let align = code.buffer.alignment.max(isa.function_alignment().minimum);
    let (memory, start) = memory::place(code.buffer.data(), align)?;
    Ok((memory, start, late))
}

impl Code {
    pub(super) fn compile(program: &Program, isa: OwnedTargetIsa) -> Result<Code, JitError> {
        let (memory, start, late) = SCRATCH.with_borrow_mut(|(context, scratch)| {
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
        Ok(Code { _memory: memory, entry, slots: program.slots.len(), plan: plan(program), late })
    }

    /// The program's windows, which a run needs resolved.
    #[inline]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Run the code. `frame` has one slot for each of the program's, `views` one for each window.
    #[inline]
    pub fn run(
        &self,
        program: &Program,
        host: &mut Host<'_>,
        frame: &mut [RawSlot],
        views: &[View],
    ) -> Result<End, Fault> {
        assert!(frame.len() >= self.slots && views.len() >= self.plan.len(), "frame or views of another program");
        // SAFETY: the four pointers are live for the call and of the sizes the code was translated for (checked above);
        // views were made from windows borrowed for the run; no callee unwinds into the code (`rt_host` catches).
        let word = unsafe { (self.entry)(host, frame.as_mut_ptr(), views.as_ptr(), host.snapshot()) };
        if word != status::FINISHED {
            return ended(program, host, views, word);
        }
        let fine = |late: &Late| (0.0..=MAX_NODES).contains(&frame[late.slot as usize].double());
        if self.late.iter().all(fine) { Ok(End::Finished) } else { self.judge(program, frame) }
    }

    /// The judgement of the late targets, in their order.
    #[cold]
    fn judge(&self, program: &Program, frame: &mut [RawSlot]) -> Result<End, Fault> {
        for late in &self.late {
            let slot = &mut frame[late.slot as usize];
            let at = program.at[late.target.ix()];
            *slot = RawSlot::of(target::judge(slot.double(), &program.rules).map_err(|trap| Fault { trap, at })?);
        }
        Ok(End::Finished)
    }
}

/// How a run ended that did not come to its last statement.
#[cold]
fn ended(program: &Program, host: &mut Host<'_>, views: &[View], word: u64) -> Result<End, Fault> {
    let id = (word >> 32) as u32;
    match word & 0xffff_ffff {
        status::STOPPED => Ok(End::Stopped(id)),
        status::INST => {
            let trap = match program.insts[id as usize] {
                Inst::Require(w, wanted) => {
                    let i = w.0 as usize;
                    insufficient(&program.windows[i], f64::from_bits(wanted), views[i].percent())
                }
                _ => host.trap.take().unwrap_or(Trap::TimeOverflow),
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

/// The windows, and whose sums the program reads.
fn plan(program: &Program) -> Plan {
    let mut sums = vec![false; program.windows.len()];
    for (inst, live) in program.insts.iter().zip(&program.live) {
        if let Inst::Reduce(Reduce::Sum | Reduce::Avg, w, _) = inst
            && *live
        {
            sums[w.0 as usize] = true;
        }
    }
    Plan::new(&program.windows, &sums, &program.rules)
}

/// A finished run's frame, readable while the run's vectors are alive.
pub struct Finished<'a> {
    frame: &'a [RawSlot],
    end: End,
}

impl<'a> Finished<'a> {
    /// The frame of a run that just ended; `host` proves that the arena and the series are still borrowed.
    pub fn new(frame: &'a [RawSlot], end: End, _host: &'a Host<'_>) -> Finished<'a> {
        Finished { frame, end }
    }
    /// Every slot's value, copied out. Slots a `stop()` left unwritten come out as 0.
    pub fn values(&self, program: &Program, out: &mut Vec<OwnedValue>) {
        out.clear();
        for (slot, raw) in program.slots.iter().zip(self.frame) {
            let written = match self.end {
                End::Finished => true,
                End::Stopped(stmt) => slot.stmt < stmt,
            };
            out.push(if written && slot.ty != Ty::Poison {
                // SAFETY: the slot was written by this run with its static type, and the run's memory is borrowed by `new`.
                owned(&unsafe { raw.value(slot.ty, &program.strings) })
            } else {
                OwnedValue::Double(0.0)
            });
        }
    }
}

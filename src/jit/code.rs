//! Machine code and its memory.
//!
//! In: a program. Out: runs of it. Never: a function pointer outside `Code`; the memory lives exactly as long.
#![allow(unsafe_code)]

use super::{
    JitError,
    translate::{status, translate},
};
use crate::{
    interp::{End, Fault, insufficient, rejection},
    ir::{Inst, Program, Reduce, Term},
    outcome::{OwnedValue, owned},
};
use cranelift::codegen::{Context, isa::OwnedTargetIsa};
use cranelift::prelude::FunctionBuilderContext;
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{FuncId, Linkage, Module};
use poolcast_runtime::{
    abi::{Host, RawSlot, RunInputs, View},
    trap::Trap,
    ty::Ty,
    window::Plan,
};
use std::{cell::RefCell, mem::ManuallyDrop};

type Entry = for<'r> unsafe extern "C" fn(*mut Host<'r>, *mut RawSlot, *const View, *const RunInputs) -> u64;

/// Compiled code of one program.
pub struct Code {
    module: ManuallyDrop<JITModule>,
    entry: Entry,
    slots: usize,
    plan: Plan,
}

// SAFETY: once finalised the module is only read (its code pages are never written again) and freed once, in `drop`.
unsafe impl Send for Code {}
// SAFETY: as above; running code only reads the code pages.
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

fn define(
    module: &mut JITModule,
    program: &Program,
    isa: &OwnedTargetIsa,
    context: &mut Context,
    scratch: &mut FunctionBuilderContext,
) -> Result<FuncId, JitError> {
    let fail = |e: cranelift_module::ModuleError| JitError(e.to_string());
    translate(program, isa.as_ref(), &mut context.func, scratch)?;
    let id = module.declare_function("formula", Linkage::Export, &context.func.signature).map_err(fail)?;
    module.define_function(id, context).map_err(fail)?;
    module.finalize_definitions().map_err(fail)?;
    Ok(id)
}

impl Code {
    pub(super) fn compile(program: &Program, isa: OwnedTargetIsa) -> Result<Code, JitError> {
        let names = cranelift_module::default_libcall_names();
        let mut module = ManuallyDrop::new(JITModule::new(JITBuilder::with_isa(isa.clone(), names)));
        let compiled = SCRATCH.with_borrow_mut(|(context, scratch)| {
            context.clear();
            let done = define(&mut module, program, &isa, context, scratch);
            if done.is_err() {
                // A function given up half way leaves its builder half full.
                *scratch = FunctionBuilderContext::new();
            }
            done
        });
        match compiled {
            Ok(id) => {
                let address = module.get_finalized_function(id);
                // SAFETY: `translate` built exactly this signature with the host's default calling convention.
                let entry = unsafe { std::mem::transmute::<*const u8, Entry>(address) };
                Ok(Code { module, entry, slots: program.slots.len(), plan: plan(program) })
            }
            Err(e) => {
                // SAFETY: nothing points into the module's memory: compilation failed.
                unsafe { ManuallyDrop::into_inner(module).free_memory() };
                Err(e)
            }
        }
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
        inputs: &RunInputs,
    ) -> Result<End, Fault> {
        assert!(frame.len() >= self.slots && views.len() >= self.plan.len(), "frame or views of another program");
        // SAFETY: the four pointers are live for the call and of the sizes the code was translated for (checked above);
        // views were made from windows borrowed for the run; no callee unwinds into the code (`rt_host` catches).
        let word = unsafe { (self.entry)(host, frame.as_mut_ptr(), views.as_ptr(), inputs) };
        if word == status::FINISHED { Ok(End::Finished) } else { ended(program, host, views, word) }
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

impl Drop for Code {
    fn drop(&mut self) {
        // SAFETY: `drop` has the only reference; no pointer into the module leaves `Code`, and the field is not used again.
        unsafe { ManuallyDrop::take(&mut self.module).free_memory() };
    }
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

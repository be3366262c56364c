//! The Cranelift engine: a program in, machine code out.
//!
//! In: a verified program. Out: `Code`, which owns its memory and is the only way to run it. Never: a rule of the language;
//! a name from the process's symbol table (code imports nothing: what it calls, it calls by address from `runtime::abi`);
//! a loop.

mod code;
mod flat;
mod late;
mod memory;
mod scalar;
mod translate;

pub use code::{Code, Runner};

use crate::ir::Program;
use cranelift::codegen::{
    isa::OwnedTargetIsa,
    settings::{self, Configurable},
};
use std::sync::{Arc, OnceLock};

/// Why there is no code for a program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no machine code on this host: {0}")]
pub struct JitError(pub String);

/// The target, built once: it has no state that a compilation changes.
fn target() -> Result<OwnedTargetIsa, JitError> {
    static ISA: OnceLock<Result<OwnedTargetIsa, JitError>> = OnceLock::new();
    ISA.get_or_init(|| {
        let fail = |e: &dyn std::fmt::Display| JitError(e.to_string());
        let mut flags = settings::builder();
        // Most compile time is register allocation; the fast pair is bit-identical and, for straight-line code, nearly as quick to run.
        for (key, value) in [
            ("opt_level", "none"),
            ("regalloc_algorithm", "single_pass"),
            ("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" }),
            ("unwind_info", "false"),
            ("is_pic", "false"),
            ("use_colocated_libcalls", "false"),
        ] {
            flags.set(key, value).map_err(|e| fail(&e))?;
        }
        let isa = cranelift_native::builder().map_err(|e| fail(&e))?;
        isa.finish(settings::Flags::new(flags)).map_err(|e| fail(&e))
    })
    .clone()
}

/// Compile a program.
pub fn compile(program: &Arc<Program>) -> Result<Arc<Code>, JitError> {
    Code::compile(program).map(Arc::new)
}

/// The program as Cranelift sees it when every variable is kept, for `emit --stage clif`.
pub fn clif(program: &Program) -> Result<String, JitError> {
    let isa = target()?;
    let mut context = cranelift::codegen::Context::new();
    let mut builder = cranelift::prelude::FunctionBuilderContext::new();
    translate::translate(program, translate::Keep::All, isa.as_ref(), &mut context.func, &mut builder)?;
    Ok(context.func.display().to_string())
}

/// The program as this machine runs it when every variable is kept, for `emit --stage asm`.
pub fn assembly(program: &Program) -> Result<String, JitError> {
    let isa = target()?;
    let mut context = cranelift::codegen::Context::new();
    let mut builder = cranelift::prelude::FunctionBuilderContext::new();
    translate::translate(program, translate::Keep::All, isa.as_ref(), &mut context.func, &mut builder)?;
    context.set_disasm(true);
    let compiled =
        context.compile(isa.as_ref(), &mut Default::default()).map_err(|e| JitError(format!("{:?}", e.inner)))?;
    Ok(compiled.vcode.clone().unwrap_or_default())
}

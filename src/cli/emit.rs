//! `poolcast emit`: a formula as each stage of the compiler sees it.
//!
//! In: a file with one formula. Out: text, one fact a line. Never: a form anyone should parse; it follows the code.

use super::{
    Complaint, Exit, Verb,
    output::{self, Term},
};
use crate::{Rules, ir};
use crate::{
    check::{
        self,
        hir::{HKind, Hir},
    },
    diag::{render, syntax},
};
use clap::ValueEnum;
use poolcast_grammar::{Ast, LineIndex, Span, print};
use std::fmt::Write as _;

/// Arguments of `emit`.
#[derive(Debug, clap::Args)]
pub struct Emit {
    /// A formula; `-` reads standard input.
    #[arg(value_name = "FILE")]
    file: String,
    /// Which stage.
    #[arg(long, value_enum)]
    stage: Stage,
}

/// A stage of the compiler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Stage {
    /// Tokens with their places.
    Tokens,
    /// The syntax tree, children before parents.
    Ast,
    /// The checked formula: types, coercions, versions.
    Hir,
    /// The optimised program both engines run.
    Ir,
    /// That program as Cranelift sees it.
    Clif,
    /// The machine code.
    Asm,
}

impl Verb for Emit {
    fn run(&self, term: &Term) -> Result<Exit, Complaint> {
        let source = output::read(&self.file)?;
        let src = source.text.as_str();
        let parsed = poolcast_grammar::parse(src);
        term.print(&match self.stage {
            Stage::Tokens => print::tokens(src),
            Stage::Ast => print::tree(&parsed.ast),
            Stage::Hir => hir(src, &check::check(&parsed.ast).hir),
            Stage::Ir => ir::print::print(&program(&parsed.ast)),
            Stage::Clif => machine(&parsed.ast, "clif")?,
            Stage::Asm => machine(&parsed.ast, "asm")?,
        });
        if parsed.errors.is_empty() {
            return Ok(Exit::Fine);
        }
        term.error(render::short(&source.name, src, &syntax::diagnostics(src, &parsed.errors)).trim_end());
        Ok(Exit::Rejected)
    }
}

fn program(ast: &Ast) -> ir::Program {
    ir::lower::lower(&check::check(ast).hir, &Rules::default(), ir::lower::Effort::Optimised)
}

#[cfg(feature = "jit")]
fn machine(ast: &Ast, stage: &str) -> Result<String, Complaint> {
    let program = program(ast);
    let text = if stage == "clif" { crate::jit::clif(&program) } else { crate::jit::assembly(&program) };
    text.map_err(|e| Complaint(e.to_string()))
}

#[cfg(not(feature = "jit"))]
fn machine(_: &Ast, stage: &str) -> Result<String, Complaint> {
    Err(format!("this build has no `jit` feature, so there is no {stage}").into())
}

fn at(index: &LineIndex, src: &str, span: Span) -> String {
    let (line, column) = index.line_col(src, span.lo);
    format!("{line}:{column}")
}

fn hir(src: &str, hir: &Hir) -> String {
    let index = LineIndex::new(src);
    let mut out = String::new();
    for stmt in &hir.stmts {
        for id in stmt.first..=stmt.value.0 {
            let e = &hir.exprs[id as usize];
            let text = match e.kind {
                HKind::Binary(op, a, b) | HKind::Logic(op, a, b) => format!("h{} {} h{}", a.0, op.symbol(), b.0),
                HKind::Unary(op, a) => format!("{op:?} h{}", a.0),
                HKind::Ternary(a, b, c) => format!("h{} ? h{} : h{}", a.0, b.0, c.0),
                HKind::Call(id, args) => {
                    let row = &poolcast_runtime::builtins::ROWS[id.row as usize];
                    let list: Vec<String> = hir.args(args).iter().map(|a| format!("h{}", a.0)).collect();
                    format!("{}#{}({})", row.name, id.overload, list.join(", "))
                }
                HKind::Single(a) => format!("single h{}", a.0),
                HKind::ToVec(a) => format!("vector h{}", a.0),
                HKind::Str(i) => format!("text {:?}", hir.strings.get(i as usize).map_or("", String::as_str)),
                HKind::Var(v) => format!("{}.{}", hir.versions[v.ix()].name, v.0),
                HKind::Poison(i) => format!("poison {:?}", hir.poisons[i as usize]),
                kind => format!("{kind:?}"),
            };
            let _ = writeln!(out, "{:<8} h{id}: {} = {text}", at(&index, src, e.span), e.ty.name());
        }
        let name = stmt.version.map(|v| format!("{}.{}", hir.versions[v.ix()].name, v.0));
        let _ = writeln!(
            out,
            "{:<8} {} <- h{}",
            at(&index, src, stmt.span),
            name.as_deref().unwrap_or("value"),
            stmt.value.0
        );
    }
    out
}

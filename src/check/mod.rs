//! The checker: syntax tree and catalogue in, checked formula and diagnostics out.
//!
//! In: `Ast`. Out: `Checked`, always. Never: running anything, reading samples, deciding what is fatal, rendering.
//!
//! One loop over each statement's expressions in id order (children first) gives every node a meaning and a type; a
//! parent that needs another type than its child has marks the child with a coercion; then the statement is written out
//! to the `Hir`. A node that is rejected becomes poison: its type absorbs cascades and the engines trap there, which is
//! what the service does with a formula it has stored (language.md §3.4).

pub mod author;
mod calls;
pub mod hir;
pub mod lint;
mod names;
mod text;
mod types;

use crate::diag::{Code, Diagnostic, Severity, code};
use hir::{HArgs, HExpr, HId, HKind, HStmt, Hir, Output, Poison, Version, VersionId};
use poolcast_grammar::{Ast, Expr, ExprId, NameId, Span, Stmt};
use poolcast_runtime::{catalog::RowKind, ty::Ty};

/// A checked formula and what there is to say about it (lints not included).
#[derive(Debug, Clone)]
pub struct Checked {
    /// The formula with names, types and coercions resolved.
    pub hir: Hir,
    /// Errors and unverified-choice warnings, in no particular order.
    pub diagnostics: Vec<Diagnostic>,
}

/// Check a parsed formula.
pub fn check(ast: &Ast) -> Checked {
    let mut cx = Checker::new(ast);
    for (i, stmt) in ast.stmts.iter().enumerate() {
        cx.statement(i as u32, stmt);
    }
    cx.number_forms();
    cx.hir.intern_strings(std::mem::take(&mut cx.texts));
    cx.out.extend(text::text(ast, &cx.hir));
    Checked { hir: cx.hir, diagnostics: cx.out }
}

/// How a parent wants a child's value changed; applied right after the child, so evaluation order stays the text's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coerce {
    Keep,
    Single,
    ToVec,
}

/// Meaning of one syntax node. Operand ids inside `kind` are still syntax ids.
#[derive(Debug, Clone, Copy)]
struct Node {
    kind: HKind,
    ty: Ty,
    coerce: Coerce,
    at: u32,
}

struct Checker<'a> {
    ast: &'a Ast,
    hir: Hir,
    out: Vec<Diagnostic>,
    nodes: Vec<Node>,
    /// Syntax id → checked id, after coercion.
    map: Vec<HId>,
    /// Latest version of each name.
    vars: Vec<Option<VersionId>>,
    classes: Vec<Option<names::Class>>,
    /// String literals in order of first use; sorted at the end.
    texts: Vec<String>,
    /// Checked ids of the statement being checked when it writes `$NodeDeallocationOption`.
    writes_option: bool,
}

impl<'a> Checker<'a> {
    fn new(ast: &'a Ast) -> Checker<'a> {
        let blank = Node { kind: HKind::Stop, ty: Ty::Poison, coerce: Coerce::Keep, at: 0 };
        Checker {
            ast,
            hir: Hir {
                exprs: Vec::with_capacity(ast.exprs.len()),
                args: Vec::with_capacity(ast.args.len()),
                stmts: Vec::with_capacity(ast.stmts.len()),
                versions: Vec::with_capacity(ast.stmts.len()),
                ..Hir::default()
            },
            out: Vec::new(),
            nodes: vec![blank; ast.exprs.len()],
            map: vec![HId(0); ast.exprs.len()],
            vars: vec![None; ast.name_count()],
            classes: vec![None; ast.name_count()],
            texts: Vec::new(),
            writes_option: false,
        }
    }

    fn statement(&mut self, index: u32, stmt: &Stmt) {
        let output = stmt.target.and_then(|(name, _)| match self.class(name) {
            names::Class::Output(output) => Some(output),
            _ => None,
        });
        self.writes_option = output == Some(Output::Option);
        let first_expr = self.ast.first[stmt.value.ix()];
        for id in first_expr..=stmt.value.0 {
            self.node(ExprId(id));
        }
        let target = stmt.target.filter(|(name, span)| self.assignable(*name, *span, stmt.value));
        match (target, output) {
            (Some(_), Some(Output::Option)) => self.option_value(stmt.value),
            (Some((_, span)), Some(_)) => self.target_value(stmt.value, span),
            (Some(_), None) => self.user_value(stmt.value),
            (None, _) if stmt.target.is_some() => {}
            (None, _) => {
                if self.ty(stmt.value) == Ty::Option {
                    self.keyword_misplaced(stmt.value);
                } else {
                    self.settle(stmt.value);
                }
            }
        }
        let first = self.hir.exprs.len() as u32;
        for id in first_expr..=stmt.value.0 {
            self.emit(ExprId(id));
        }
        let value = self.map[stmt.value.ix()];
        let version = target.map(|(name, _)| {
            let id = VersionId(self.hir.versions.len() as u32);
            let ty = self.hir.expr(value).ty;
            self.hir.versions.push(Version { name: self.ast.name(name).into(), output, ty, stmt: index });
            self.vars[name.0 as usize] = Some(id);
            id
        });
        let target_span = stmt.target.map_or(stmt.span, |(_, s)| s);
        self.hir.stmts.push(HStmt { version, value, first, span: stmt.span, target_span });
    }

    /// Give one node its meaning. Children have theirs.
    fn node(&mut self, id: ExprId) {
        let span = self.ast.span(id);
        let (kind, ty) = match self.ast.expr(id) {
            Expr::Number(v) => (HKind::Double(v), Ty::Double),
            Expr::Str => {
                let text = span.text(self.ast.text());
                let text = text.get(1..text.len().saturating_sub(1)).unwrap_or("").to_owned();
                let at = self.texts.iter().position(|t| *t == text).unwrap_or_else(|| {
                    self.texts.push(text);
                    self.texts.len() - 1
                });
                (HKind::Str(at as u32), Ty::Str)
            }
            Expr::Name(name) => self.name(id, name),
            Expr::Paren(inner) => (self.nodes[inner.ix()].kind, self.ty(inner)),
            Expr::Unary(op, arg) => self.unary(id, op, arg),
            Expr::Binary(op, a, b) => self.binary(id, op, a, b),
            Expr::Ternary(c, t, e) => self.ternary(id, c, t, e),
            Expr::Call(name, args) => self.call(id, name, args),
            Expr::Method(recv, name, args) => self.method(id, recv, name, args),
            Expr::Member(recv, name) => self.member(id, recv, name),
            Expr::Error => (self.poison(Poison::Rejected("syntax error".into())), Ty::Poison),
        };
        let detail = self.ast.detail[id.ix()];
        let at = match self.ast.expr(id) {
            Expr::Call(..) | Expr::Method(..) => detail.1,
            Expr::Binary(..) | Expr::Member(..) => detail.0.lo,
            _ => span.lo,
        };
        self.nodes[id.ix()] = Node { kind, ty, coerce: Coerce::Keep, at };
    }

    /// Write one node, and its coercion, to the checked formula.
    fn emit(&mut self, id: ExprId) {
        let node = self.nodes[id.ix()];
        let span = self.ast.span(id);
        let mut out = if let Expr::Paren(inner) = self.ast.expr(id) {
            self.map[inner.ix()]
        } else {
            let m = |e: HId| self.map[e.ix()];
            let kind = match node.kind {
                HKind::Binary(op, a, b) => HKind::Binary(op, m(a), m(b)),
                HKind::Logic(op, a, b) => HKind::Logic(op, m(a), m(b)),
                HKind::Unary(op, a) => HKind::Unary(op, m(a)),
                HKind::Ternary(c, t, e) => HKind::Ternary(m(c), m(t), m(e)),
                HKind::Call(overload, args) => {
                    let lo = self.hir.args.len() as u32;
                    for i in args.lo..args.hi {
                        let mapped = self.map[self.ast.args[i as usize].ix()];
                        self.hir.args.push(mapped);
                    }
                    HKind::Call(overload, HArgs { lo, hi: self.hir.args.len() as u32 })
                }
                HKind::Single(_) | HKind::ToVec(_) => unreachable!("coercions are not node kinds here"),
                plain => plain,
            };
            let kind = match (self.ast.expr(id), kind) {
                // A method's or member's receiver is its first argument.
                (Expr::Method(recv, ..) | Expr::Member(recv, _), HKind::Call(overload, args)) => {
                    let at = args.lo as usize;
                    let recv = self.map[recv.ix()];
                    self.hir.args.insert(at, recv);
                    HKind::Call(overload, HArgs { lo: args.lo, hi: args.hi + 1 })
                }
                (_, kind) => kind,
            };
            self.push(HExpr { kind, ty: node.ty, span, at: node.at })
        };
        let from = self.hir.expr(out).ty;
        if from != Ty::Poison {
            match node.coerce {
                Coerce::Single if from == Ty::Vec => {
                    out = self.push(HExpr { kind: HKind::Single(out), ty: Ty::Double, span, at: node.at });
                }
                Coerce::ToVec if from == Ty::Double => {
                    out = self.push(HExpr { kind: HKind::ToVec(out), ty: Ty::Vec, span, at: node.at });
                }
                _ => {}
            }
        }
        self.map[id.ix()] = out;
    }

    fn push(&mut self, e: HExpr) -> HId {
        self.hir.exprs.push(e);
        HId(self.hir.exprs.len() as u32 - 1)
    }

    fn ty(&self, id: ExprId) -> Ty {
        self.nodes[id.ix()].ty
    }

    fn poison(&mut self, why: Poison) -> HKind {
        self.hir.poisons.push(why);
        HKind::Poison(self.hir.poisons.len() as u32 - 1)
    }

    /// Report an error and turn the node into poison that carries its message.
    fn reject(&mut self, d: Diagnostic) -> (HKind, Ty) {
        let kind = self.poison(Poison::Rejected(d.message.clone()));
        self.out.push(d);
        (kind, Ty::Poison)
    }

    /// Replace what a node means, through parentheses.
    fn become_poison(&mut self, id: ExprId, d: Diagnostic) {
        let (kind, ty) = self.reject(d);
        self.set(id, kind, ty);
    }

    fn set(&mut self, id: ExprId, kind: HKind, ty: Ty) {
        let mut at = id;
        loop {
            let node = &mut self.nodes[at.ix()];
            node.kind = kind;
            node.ty = ty;
            match self.ast.expr(at) {
                Expr::Paren(inner) => at = inner,
                _ => break,
            }
        }
    }

    fn error(&self, code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(code, Severity::Error, span, message)
    }

    fn unverified(&self, code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(code, Severity::Warning, span, message)
    }

    fn text(&self, id: ExprId) -> &'a str {
        self.ast.span(id).text(self.ast.text())
    }

    /// Number forms nobody has seen the service accept (language.md §2.2), and the year's length.
    fn number_forms(&mut self) {
        for (i, e) in self.ast.exprs.iter().enumerate() {
            let span = self.ast.spans[i];
            match e {
                Expr::Number(_) => {
                    let text = span.text(self.ast.text());
                    let what = if text.contains(['e', 'E']) {
                        "an exponent"
                    } else if text.starts_with('.') {
                        "no digit before the point"
                    } else if text.ends_with('.') {
                        "no digit after the point"
                    } else {
                        continue;
                    };
                    let value: f64 = text.parse().unwrap_or(0.0);
                    let plain = format!("{value}");
                    let d = self
                        .unverified(code::NUMBER_FORM, span, format!("`{text}` has {what}"))
                        .note("only forms like `600` and `0.7` are seen in documentation and recorded formulas; we accept this one");
                    // What has no such form, or none of a length to read, is the author's to write otherwise.
                    self.out.push(if value.is_infinite() {
                        d.label("beyond every number: infinite").help("write a number the formula can really reach")
                    } else if plain.len() <= 24 {
                        d.fix(true, format!("write `{plain}`"), span, plain.clone())
                    } else {
                        d.help("write digits with an optional decimal point")
                    });
                }
                Expr::Name(name) if self.ast.name(*name) == "TimeInterval_Year" => {
                    let d = self
                        .unverified(code::YEAR_LENGTH, span, "how long `TimeInterval_Year` is nobody outside knows")
                        .note("we take 52 weeks (rule `year`)")
                        .help("use a number of `TimeInterval_Day` or `TimeInterval_Week`");
                    self.out.push(d);
                }
                _ => {}
            }
        }
    }
}

impl Hir {
    /// Sort the literals, so that comparing indices compares texts, and renumber their uses.
    fn intern_strings(&mut self, texts: Vec<String>) {
        let mut sorted = texts.clone();
        sorted.sort();
        for e in &mut self.exprs {
            if let HKind::Str(i) = &mut e.kind {
                let at = sorted.binary_search(&texts[*i as usize]).unwrap_or(0);
                *i = at as u32;
            }
        }
        self.strings = sorted;
    }
}

/// Names of a family of things in words: "`a`, `b` and `c`".
pub(crate) fn listed<'s>(names: impl IntoIterator<Item = &'s str>) -> String {
    let names: Vec<String> = names.into_iter().map(|n| format!("`{n}`")).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

/// Used by the checker's rooms for a variable's name.
type Name = NameId;

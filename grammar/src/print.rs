//! Tree and tokens → text for people and tests.
//!
//! In: `Ast` or text. Out: canonical formula text, an indented tree, a list of tokens. Never: layout for reading
//! (that is `format`), recursion on the depth of a tree.

use crate::ast::{Ast, BinOp, Expr, ExprId, UnOp};
use crate::scan::{What, scan};
use crate::span::LineIndex;
use crate::token::Kind;
use std::fmt::Write;

/// Canonical text of a tree: one statement a line, comments and superfluous `;` left out.
///
/// Parsing it gives the same tree; of a tree with errors, the broken places print as they were written.
pub fn print(ast: &Ast) -> String {
    enum Do {
        Expr(ExprId),
        Text(&'static str),
        Name(crate::NameId),
    }
    let mut out = String::with_capacity(ast.text().len());
    let mut todo = Vec::new();
    for stmt in &ast.stmts {
        if let Some((name, _)) = stmt.target {
            out += ast.name(name);
            out += " = ";
        }
        todo.push(Do::Expr(stmt.value));
        while let Some(next) = todo.pop() {
            let id = match next {
                Do::Text(text) => {
                    out += text;
                    continue;
                }
                Do::Name(name) => {
                    out += ast.name(name);
                    continue;
                }
                Do::Expr(id) => id,
            };
            // what comes last is pushed first
            match ast.expr(id) {
                Expr::Number(_) | Expr::Str | Expr::Error => out += ast.span(id).text(ast.text()),
                Expr::Name(name) => out += ast.name(name),
                Expr::Unary(op, e) => {
                    out.push(if op == UnOp::Neg { '-' } else { '!' });
                    todo.push(Do::Expr(e));
                }
                Expr::Binary(op, a, b) => {
                    todo.extend([Do::Expr(b), Do::Text(spaced(op)), Do::Expr(a)]);
                }
                Expr::Ternary(c, t, e) => {
                    todo.extend([Do::Expr(e), Do::Text(" : "), Do::Expr(t), Do::Text(" ? "), Do::Expr(c)]);
                }
                Expr::Paren(e) => todo.extend([Do::Text(")"), Do::Expr(e), Do::Text("(")]),
                Expr::Member(recv, name) => {
                    todo.extend([Do::Name(name), Do::Text(dot(ast, recv)), Do::Expr(recv)]);
                }
                Expr::Call(name, args) => {
                    todo.push(Do::Text(")"));
                    for (i, arg) in ast.args(args).iter().enumerate().rev() {
                        todo.push(Do::Expr(*arg));
                        if i > 0 {
                            todo.push(Do::Text(", "));
                        }
                    }
                    todo.extend([Do::Text("("), Do::Name(name)]);
                }
                Expr::Method(recv, name, args) => {
                    todo.push(Do::Text(")"));
                    for (i, arg) in ast.args(args).iter().enumerate().rev() {
                        todo.push(Do::Expr(*arg));
                        if i > 0 {
                            todo.push(Do::Text(", "));
                        }
                    }
                    todo.extend([Do::Text("("), Do::Name(name), Do::Text(dot(ast, recv)), Do::Expr(recv)]);
                }
            }
        }
        out += ";\n";
    }
    out
}

/// The point of a method; after a number it needs a space, or it would belong to the number.
fn dot(ast: &Ast, recv: ExprId) -> &'static str {
    if matches!(ast.expr(recv), Expr::Number(_)) { " ." } else { "." }
}

fn spaced(op: BinOp) -> &'static str {
    match op {
        BinOp::Add => " + ",
        BinOp::Sub => " - ",
        BinOp::Mul => " * ",
        BinOp::Div => " / ",
        BinOp::Lt => " < ",
        BinOp::Le => " <= ",
        BinOp::Gt => " > ",
        BinOp::Ge => " >= ",
        BinOp::Eq => " == ",
        BinOp::Ne => " != ",
        BinOp::And => " && ",
        BinOp::Or => " || ",
    }
}

/// Indentation stops growing here, so that a hostile tree prints in linear space.
const DEEPEST_INDENT: usize = 40;

/// The tree, one node a line, parents first, with places.
pub fn tree(ast: &Ast) -> String {
    let lines = LineIndex::new(ast.text());
    let mut out = String::new();
    let mut todo = Vec::new();
    let mut kids = Vec::new();
    for stmt in &ast.stmts {
        let (line, col) = lines.line_col(ast.text(), stmt.span.lo);
        let _ = match stmt.target {
            Some((name, _)) => writeln!(out, "assign {}  @{line}:{col}", ast.name(name)),
            None => writeln!(out, "evaluate  @{line}:{col}"),
        };
        todo.push((stmt.value, 1usize));
        while let Some((id, depth)) = todo.pop() {
            kids.clear();
            let source = ast.span(id).text(ast.text());
            let what = match ast.expr(id) {
                Expr::Number(_) => format!("number {source}"),
                Expr::Str => format!("string {source}"),
                Expr::Name(name) => format!("name {}", ast.name(name)),
                Expr::Error => "error".to_owned(),
                Expr::Unary(op, e) => {
                    kids.push(e);
                    format!("unary {}", if op == UnOp::Neg { '-' } else { '!' })
                }
                Expr::Binary(op, a, b) => {
                    kids.extend([a, b]);
                    format!("binary {}", op.symbol())
                }
                Expr::Ternary(c, t, e) => {
                    kids.extend([c, t, e]);
                    "ternary".to_owned()
                }
                Expr::Paren(e) => {
                    kids.push(e);
                    "paren".to_owned()
                }
                Expr::Member(recv, name) => {
                    kids.push(recv);
                    format!("member .{}", ast.name(name))
                }
                Expr::Call(name, args) => {
                    kids.extend_from_slice(ast.args(args));
                    format!("call {}", ast.name(name))
                }
                Expr::Method(recv, name, args) => {
                    kids.push(recv);
                    kids.extend_from_slice(ast.args(args));
                    format!("method .{}", ast.name(name))
                }
            };
            let (line, col) = lines.line_col(ast.text(), ast.span(id).lo);
            let _ = writeln!(out, "{:indent$}{what}  @{line}:{col}", "", indent = 2 * depth.min(DEEPEST_INDENT));
            todo.extend(kids.iter().rev().map(|k| (*k, depth + 1)));
        }
    }
    out
}

/// The tokens of any text with places, comments and foreign matter included.
pub fn tokens(text: &str) -> String {
    let found = scan(text);
    let lines = LineIndex::new(text);
    let mut rows: Vec<_> = found.pieces.iter().map(|p| (p.span, named(p.what))).collect();
    rows.extend(found.comments.iter().map(|c| (*c, "comment")));
    rows.sort_by_key(|(span, _)| span.lo);
    let mut out = String::new();
    for (span, what) in rows {
        let (line, col) = lines.line_col(text, span.lo);
        let _ = writeln!(
            out,
            "{:<8}{what:<10}{}",
            format!("{line}:{col}"),
            span.text(text).escape_debug().to_string().replace("\\\"", "\"").replace("\\'", "'")
        );
    }
    out
}

fn named(what: What) -> &'static str {
    match what {
        What::Is(Kind::Name) => "name",
        What::Is(Kind::Number) => "number",
        What::Is(Kind::Str) => "string",
        What::Is(Kind::Op(_) | Kind::Minus | Kind::Not | Kind::Assign | Kind::Question | Kind::Colon) => "operator",
        What::Is(_) => "mark",
        _ => "foreign",
    }
}

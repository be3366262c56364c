//! The syntax tree: a flat arena in which children come before their parents.
//!
//! In: pushes from the grammar's actions. Out: `Ast`. Never: what a name means, or a type.
//!
//! Invariant POSTORDER: every child id is smaller than its parent's, and a subtree is the contiguous id
//! range `first[e]..=e`. Passes are therefore `for` loops; nothing recurses on input depth.

use crate::span::Span;

/// Index of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExprId(pub u32);
/// Index of an interned name (variables keep their `$`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameId(pub u32);

impl ExprId {
    /// As an index.
    pub fn ix(self) -> usize {
        self.0 as usize
    }
}

/// Unary operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UnOp {
    /// `-x`
    Neg,
    /// `!x`
    Not,
}

/// Binary operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BinOp {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `&&`
    And,
    /// `||`
    Or,
}

impl BinOp {
    /// The operator as written.
    pub fn symbol(self) -> &'static str {
        match self {
            BinOp::Add => "+",
            BinOp::Sub => "-",
            BinOp::Mul => "*",
            BinOp::Div => "/",
            BinOp::Lt => "<",
            BinOp::Le => "<=",
            BinOp::Gt => ">",
            BinOp::Ge => ">=",
            BinOp::Eq => "==",
            BinOp::Ne => "!=",
            BinOp::And => "&&",
            BinOp::Or => "||",
        }
    }
}

/// A range of `Ast::args`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Args {
    /// First index.
    pub lo: u32,
    /// One past the last.
    pub hi: u32,
}

/// One expression node. `Copy`, 20 bytes or fewer, so that the parser moves little.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Expr {
    /// A number literal; the written form is under the span.
    Number(f64),
    /// A string literal; the text between the quotes is the span without its first and last byte.
    Str,
    /// A variable, constant or keyword.
    Name(NameId),
    /// `op arg`
    Unary(UnOp, ExprId),
    /// `lhs op rhs`
    Binary(BinOp, ExprId, ExprId),
    /// `cond ? then : other`
    Ternary(ExprId, ExprId, ExprId),
    /// `name(args)`; `open` in `Ast::call` is the byte of `(`.
    Call(NameId, Args),
    /// `recv.name(args)`
    Method(ExprId, NameId, Args),
    /// `recv.name`
    Member(ExprId, NameId),
    /// `(inner)`, kept for the formatter and for precedence lints.
    Paren(ExprId),
    /// Something that did not parse; an error has been reported.
    Error,
}

/// A statement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stmt {
    /// The assigned name with its span; none for a bare expression.
    pub target: Option<(NameId, Span)>,
    /// The value.
    pub value: ExprId,
    /// The whole statement without its `;`.
    pub span: Span,
}

/// The whole formula.
#[derive(Debug, Clone, Default)]
pub struct Ast {
    /// Nodes in POSTORDER.
    pub exprs: Vec<Expr>,
    /// Span of each node.
    pub spans: Vec<Span>,
    /// First id of each node's subtree.
    pub first: Vec<u32>,
    /// For `Call`, `Method`, `Member`: (span of the name, byte offset of `(` or of the end). For `Binary`: (span of the
    /// operator, 0). Otherwise default.
    pub detail: Vec<(Span, u32)>,
    /// Argument lists.
    pub args: Vec<ExprId>,
    /// Statements in order. At most 100 (`grammar::MAX_STATEMENTS`); more is an error.
    pub stmts: Vec<Stmt>,
    /// Spans of the `//` comments in order, for the formatter and for `//!` directives.
    pub comments: Vec<Span>,
    /// Spans of superfluous `;`.
    pub empty_stmts: Vec<Span>,
    names: Vec<Span>,
    text: String,
}

impl Ast {
    /// An empty tree over a text.
    pub fn new(text: &str) -> Ast {
        Ast { text: text.to_owned(), ..Ast::default() }
    }
    /// The formula text.
    pub fn text(&self) -> &str {
        &self.text
    }
    /// The text of a name.
    pub fn name(&self, id: NameId) -> &str {
        self.names.get(id.0 as usize).map_or("", |s| s.text(&self.text))
    }
    /// Number of distinct names; ids are `0..name_count()`.
    pub fn name_count(&self) -> usize {
        self.names.len()
    }
    /// Node of an id.
    pub fn expr(&self, id: ExprId) -> Expr {
        self.exprs[id.ix()]
    }
    /// Span of an id.
    pub fn span(&self, id: ExprId) -> Span {
        self.spans[id.ix()]
    }
    /// Arguments of a call.
    pub fn args(&self, args: Args) -> &[ExprId] {
        &self.args[args.lo as usize..args.hi as usize]
    }
    /// The id without any parentheses around it.
    pub fn unparen(&self, mut id: ExprId) -> ExprId {
        while let Expr::Paren(inner) = self.expr(id) {
            id = inner;
        }
        id
    }
    /// Same statements with the same trees, whatever the layout and comments.
    pub fn same_tree(&self, other: &Ast) -> bool {
        let strings = |ast: &Ast| -> Vec<String> {
            let ids = ast.exprs.iter().zip(&ast.spans).filter(|(e, _)| matches!(e, Expr::Str | Expr::Number(_)));
            ids.map(|(_, s)| s.text(&ast.text).to_owned()).collect()
        };
        let targets = |ast: &Ast| -> Vec<_> { ast.stmts.iter().map(|s| (s.target.map(|t| t.0), s.value)).collect() };
        let names = |ast: &Ast| -> Vec<String> {
            (0..ast.name_count() as u32).map(|n| ast.name(NameId(n)).to_owned()).collect()
        };
        // names get their ids by first occurrence, so equal trees have equal ids
        self.exprs == other.exprs
            && self.args == other.args
            && targets(self) == targets(other)
            && strings(self) == strings(other)
            && names(self) == names(other)
    }
    /// Check POSTORDER and the places: for tests and fuzzing. The text says what is broken.
    pub fn verify(&self) -> Result<(), String> {
        let n = self.exprs.len();
        if [self.spans.len(), self.first.len(), self.detail.len()] != [n; 3] {
            return Err("columns of different lengths".into());
        }
        for (i, expr) in self.exprs.iter().enumerate() {
            let id = i as u32;
            let mut kids = Vec::new();
            match *expr {
                Expr::Number(_) | Expr::Str | Expr::Name(_) | Expr::Error => {}
                Expr::Unary(_, e) | Expr::Member(e, _) | Expr::Paren(e) => kids.push(e),
                Expr::Binary(_, a, b) => kids.extend([a, b]),
                Expr::Ternary(a, b, c) => kids.extend([a, b, c]),
                Expr::Call(_, args) => kids.extend_from_slice(self.args(args)),
                Expr::Method(recv, _, args) => {
                    kids.push(recv);
                    kids.extend_from_slice(self.args(args));
                }
            }
            // children are neighbouring blocks that end right before the parent
            let mut next = id;
            for kid in kids.iter().rev() {
                if kid.0 + 1 != next {
                    return Err(format!("node {id}: child {} does not end at {next}", kid.0));
                }
                next = self.first[kid.ix()];
                let (outer, inner) = (self.spans[i], self.span(*kid));
                if inner.lo < outer.lo || inner.hi > outer.hi {
                    return Err(format!("node {id}: {outer:?} does not hold {inner:?}"));
                }
            }
            if self.first[i] != next {
                return Err(format!("node {id}: first is {} and not {next}", self.first[i]));
            }
            if self.text.get(self.spans[i].range()).is_none() {
                return Err(format!("node {id}: {:?} is not in the text", self.spans[i]));
            }
        }
        for stmt in &self.stmts {
            if stmt.value.ix() >= n || self.text.get(stmt.span.range()).is_none() {
                return Err(format!("statement {:?} is not in the tree", stmt.span));
            }
        }
        Ok(())
    }
    /// Register the first occurrence of a name (the builder interns; nobody else calls this).
    pub(crate) fn push_name(&mut self, span: Span) -> NameId {
        self.names.push(span);
        NameId(self.names.len() as u32 - 1)
    }
    pub(crate) fn name_span(&self, id: NameId) -> Span {
        self.names[id.0 as usize]
    }
}

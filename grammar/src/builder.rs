//! Grammar actions → arena.
//!
//! In: tokens and ids from `formula.lalrpop`. Out: `Ast` in POSTORDER. Never: an error, a name's meaning.

use crate::ast::{Args, Ast, BinOp, Expr, ExprId, NameId, Stmt, UnOp};
use crate::span::Span;
use crate::token::{Kind, Tok};

/// An operator that waits for its right operand. `level` 0 is the floor of a chain.
#[derive(Clone, Copy)]
struct Waiting {
    level: u8,
    op: BinOp,
    span: Span,
}

const FLOOR: Waiting = Waiting { level: 0, op: BinOp::Or, span: Span::new(0, 0) };

/// How tightly an operator binds (language.md §2.3); all associate to the left.
pub(crate) fn level(op: BinOp) -> u8 {
    match op {
        BinOp::Or => 1,
        BinOp::And => 2,
        BinOp::Eq | BinOp::Ne => 3,
        BinOp::Lt | BinOp::Le | BinOp::Gt | BinOp::Ge => 4,
        BinOp::Add | BinOp::Sub => 5,
        BinOp::Mul | BinOp::Div => 6,
    }
}

/// Builds the tree while LALRPOP reduces.
pub(crate) struct Builder<'s> {
    text: &'s str,
    ast: Ast,
    /// Operands of open chains and arguments of open calls.
    stack: Vec<ExprId>,
    waiting: Vec<Waiting>,
    names: Interner,
}

impl<'s> Builder<'s> {
    pub fn new(text: &'s str) -> Builder<'s> {
        let mut ast = Ast::new(text);
        // one node for about five bytes of formula, measured on real ones; growing is only a matter of speed
        let nodes = text.len() / 5 + 8;
        ast.exprs.reserve(nodes);
        ast.spans.reserve(nodes);
        ast.first.reserve(nodes);
        ast.detail.reserve(nodes);
        ast.stmts.reserve(text.len() / 32 + 4);
        Builder { text, ast, stack: Vec::with_capacity(32), waiting: Vec::with_capacity(32), names: Interner::new() }
    }

    pub fn finish(self) -> Ast {
        self.ast
    }

    #[inline]
    fn push(&mut self, expr: Expr, span: Span, first: Option<ExprId>, detail: (Span, u32)) -> ExprId {
        let id = self.ast.exprs.len() as u32;
        self.ast.exprs.push(expr);
        self.ast.spans.push(span);
        self.ast.first.push(first.map_or(id, |f| self.ast.first[f.ix()]));
        self.ast.detail.push(detail);
        ExprId(id)
    }

    #[inline]
    fn leaf(&mut self, expr: Expr, span: Span) -> ExprId {
        self.push(expr, span, None, (Span::default(), 0))
    }

    fn intern(&mut self, span: Span) -> NameId {
        self.names.intern(self.text, span, &mut self.ast)
    }

    pub fn number(&mut self, t: Tok) -> ExprId {
        let text = t.span.text(self.text);
        // short integers are nearly all numbers of real formulas
        let value = if text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit()) {
            f64::from(text.bytes().fold(0u32, |n, b| n * 10 + u32::from(b - b'0')))
        } else {
            text.parse().unwrap_or(f64::NAN)
        };
        self.leaf(Expr::Number(value), t.span)
    }

    pub fn string(&mut self, t: Tok) -> ExprId {
        self.leaf(Expr::Str, t.span)
    }

    pub fn name(&mut self, t: Tok) -> ExprId {
        let id = self.intern(t.span);
        self.leaf(Expr::Name(id), t.span)
    }

    pub fn poison(&mut self, t: Tok) -> ExprId {
        self.leaf(Expr::Error, t.span)
    }

    pub fn unary(&mut self, t: Tok, e: ExprId) -> ExprId {
        let op = if t.kind == Kind::Not { UnOp::Not } else { UnOp::Neg };
        self.push(Expr::Unary(op, e), t.span.to(self.ast.span(e)), Some(e), (t.span, 0))
    }

    pub fn paren(&mut self, open: Tok, e: ExprId, close: Tok) -> ExprId {
        self.push(Expr::Paren(e), open.span.to(close.span), Some(e), (Span::default(), 0))
    }

    pub fn member(&mut self, recv: ExprId, name: Tok) -> ExprId {
        let id = self.intern(name.span);
        let span = self.ast.span(recv).to(name.span);
        self.push(Expr::Member(recv, id), span, Some(recv), (name.span, name.span.hi))
    }

    /// The last `n` ids on the stack become an argument list; also the first of them.
    fn take_args(&mut self, n: u32) -> (Args, Option<ExprId>) {
        let lo = self.ast.args.len();
        let from = self.stack.len() - n as usize;
        let first = self.stack.get(from).copied();
        self.ast.args.extend_from_slice(&self.stack[from..]);
        self.stack.truncate(from);
        (Args { lo: lo as u32, hi: self.ast.args.len() as u32 }, first)
    }

    pub fn argument(&mut self, e: ExprId, before: u32) -> u32 {
        self.stack.push(e);
        before + 1
    }

    pub fn call(&mut self, name: Tok, open: Tok, n: u32, close: Tok) -> ExprId {
        let (args, first) = self.take_args(n);
        let id = self.intern(name.span);
        self.push(Expr::Call(id, args), name.span.to(close.span), first, (name.span, open.span.lo))
    }

    pub fn method(&mut self, recv: ExprId, name: Tok, open: Tok, n: u32, close: Tok) -> ExprId {
        let (args, _) = self.take_args(n);
        let id = self.intern(name.span);
        let span = self.ast.span(recv).to(close.span);
        self.push(Expr::Method(recv, id, args), span, Some(recv), (name.span, open.span.lo))
    }

    #[inline]
    pub fn open_chain(&mut self, e: ExprId) {
        self.waiting.push(FLOOR);
        self.stack.push(e);
    }

    #[inline]
    pub fn operand(&mut self, e: ExprId) {
        self.stack.push(e);
    }

    pub fn operator(&mut self, t: Tok) {
        let op = if let Kind::Op(op) = t.kind { op } else { BinOp::Sub };
        let level = level(op);
        self.reduce(level);
        self.waiting.push(Waiting { level, op, span: t.span });
    }

    /// Build every waiting operator of this chain that binds at least as tightly as `level`.
    #[inline]
    fn reduce(&mut self, level: u8) {
        while let Some(&w) = self.waiting.last().filter(|w| w.level >= level) {
            self.waiting.pop();
            let (Some(rhs), Some(lhs)) = (self.stack.pop(), self.stack.pop()) else { return };
            let span = self.ast.span(lhs).to(self.ast.span(rhs));
            let id = self.push(Expr::Binary(w.op, lhs, rhs), span, Some(lhs), (w.span, 0));
            self.stack.push(id);
        }
    }

    #[inline]
    pub fn close_chain(&mut self) -> ExprId {
        self.reduce(1);
        self.waiting.pop();
        // the grammar opens a chain with an operand; an empty stack cannot happen
        self.stack.pop().unwrap_or(ExprId(0))
    }

    pub fn ternary(&mut self, c: ExprId, t: ExprId, e: ExprId) -> ExprId {
        let span = self.ast.span(c).to(self.ast.span(e));
        self.push(Expr::Ternary(c, t, e), span, Some(c), (Span::default(), 0))
    }

    pub fn assignment(&mut self, name: Tok, value: ExprId) {
        let target = Some((self.intern(name.span), name.span));
        let span = name.span.to(self.ast.span(value));
        self.ast.stmts.push(Stmt { target, value, span });
    }

    pub fn bare(&mut self, value: ExprId) {
        let span = self.ast.span(value);
        self.ast.stmts.push(Stmt { target: None, value, span });
    }

    pub fn empty_statement(&mut self, t: Tok) {
        self.ast.empty_stmts.push(t.span);
    }
}

/// Open addressing over the names in the tree; slots hold id + 1. Order of first occurrence decides ids, never a hash.
struct Interner {
    slots: Vec<u32>,
}

impl Interner {
    fn new() -> Interner {
        Interner { slots: vec![0; 64] }
    }

    fn hash(name: &[u8]) -> usize {
        // FNV over eight-byte words: names are short, and most differ in length or ends
        let mut h = 0xcbf2_9ce4_8422_2325u64 ^ name.len() as u64;
        let mut words = name.chunks_exact(8);
        for w in &mut words {
            h = (h ^ u64::from_le_bytes([w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]]))
                .wrapping_mul(0x9e37_79b9_7f4a_7c15);
            h ^= h >> 29;
        }
        let tail = words.remainder().iter().fold(0u64, |t, b| t << 8 | u64::from(*b));
        h = (h ^ tail).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (h >> 32) as usize
    }

    fn intern(&mut self, text: &str, span: Span, ast: &mut Ast) -> NameId {
        let name = text.as_bytes().get(span.range()).unwrap_or(&[]);
        let mask = self.slots.len() - 1;
        let mut at = Self::hash(name) & mask;
        loop {
            match self.slots[at] {
                0 => break,
                id => {
                    let old = ast.name_span(NameId(id - 1));
                    if text.as_bytes().get(old.range()) == Some(name) {
                        return NameId(id - 1);
                    }
                }
            }
            at = (at + 1) & mask;
        }
        let id = ast.push_name(span);
        self.slots[at] = id.0 + 1;
        if ast.name_count() * 2 > self.slots.len() {
            self.grow(text, ast);
        }
        id
    }

    fn grow(&mut self, text: &str, ast: &Ast) {
        let len = self.slots.len() * 4;
        self.slots = vec![0; len];
        for id in 0..ast.name_count() as u32 {
            let name = text.as_bytes().get(ast.name_span(NameId(id)).range()).unwrap_or(&[]);
            let mut at = Self::hash(name) & (len - 1);
            while self.slots[at] != 0 {
                at = (at + 1) & (len - 1);
            }
            self.slots[at] = id + 1;
        }
    }
}

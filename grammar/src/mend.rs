//! Pieces of a wrong formula → every syntax error, and tokens that parse.
//!
//! In: the text, once LALRPOP has refused it. Out: errors in order of place, and a token stream LALRPOP accepts, in
//! which a mistake with a sure repair is repaired and a statement with any other has the value `Poison`. Never: a tree.
//!
//! An expression of this language is operands and operators in turn, with `(`, `?` and a few brackets open meanwhile.
//! That is all the state there is (`operand`, `frames`), so one pass without lookahead beyond a token names each
//! mistake where it stands, and each is then treated as if it had been written right, so that it costs one error and
//! not ten. LALRPOP's own recovery would drop tokens until something fits and could say neither what nor why.
//! That this pass and the grammar agree on what a formula is, is a property test and a fuzz target.

use crate::error::{Edit, SyntaxError, SyntaxKind};
use crate::scan::{Piece, Scan, What, scan};
use crate::span::Span;
use crate::token::{Kind, Tok};

mod foreign;
mod operand;
mod operator;

/// What the mender made of a text.
pub(crate) struct Mended {
    pub tokens: Vec<Tok>,
    pub comments: Vec<Span>,
    pub errors: Vec<SyntaxError>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Group,
    Call,
    Bracket,
    Question,
}

/// Something open that waits for its other half.
#[derive(Debug, Clone, Copy)]
struct Frame {
    open: Open,
    span: Span,
    /// For an index: its error and where `val(` would go.
    index: Option<(usize, u32)>,
}

/// One statement while it is read.
#[derive(Default)]
struct Statement {
    /// Where its tokens start.
    start: usize,
    /// First and last byte of what was read of it.
    from: Option<u32>,
    target: Option<Tok>,
    /// Targets before the last one of `a = b = 1`, and the error that says so.
    chain: Vec<Tok>,
    chain_error: Option<usize>,
    /// Whether a chain is what the first inner `=` means; decided once.
    chained: Option<bool>,
    /// Something had no sure repair: the value becomes `Poison`.
    broken: bool,
    /// A missing operator or operand was reported and nothing readable has come since.
    quiet: bool,
    frames: Vec<Frame>,
}

struct Mender<'s> {
    text: &'s str,
    pieces: Vec<Piece>,
    at: usize,
    out: Vec<Tok>,
    errors: Vec<SyntaxError>,
    st: Statement,
    /// The next thing should be an operand.
    operand: bool,
    /// Open braces; true for one that stands where a block would.
    braces: Vec<bool>,
    /// An `if` was reported, so an `else` belongs to it.
    control: bool,
}

/// Find every syntax error of a text.
pub(crate) fn mend(text: &str) -> Mended {
    let Scan { pieces, comments, errors } = scan(text);
    let out = Vec::with_capacity(pieces.len() + 8);
    let mut m = Mender {
        text,
        pieces,
        at: 0,
        out,
        errors,
        st: Statement::default(),
        operand: true,
        braces: vec![],
        control: false,
    };
    m.run();
    m.errors.sort_by_key(|e| (e.span.lo, e.span.hi));
    Mended { tokens: m.out, comments, errors: joined(m.errors) }
}

/// Neighbouring brackets of one sort are one thought and one error.
fn joined(errors: Vec<SyntaxError>) -> Vec<SyntaxError> {
    use SyntaxKind::{Brace, Bracket, UnopenedParen};
    let mut out: Vec<SyntaxError> = Vec::with_capacity(errors.len());
    for e in errors {
        match out.last_mut() {
            Some(last)
                if last.kind == e.kind
                    && last.span.hi == e.span.lo
                    && matches!(e.kind, Bracket | Brace | UnopenedParen) =>
            {
                last.span.hi = e.span.hi;
                // an index keeps its repair only alone
                last.fix = if e.kind == UnopenedParen && !last.fix.is_empty() {
                    [std::mem::take(&mut last.fix), e.fix].concat()
                } else {
                    vec![]
                };
            }
            _ => out.push(e),
        }
    }
    out
}

const ANY: &str = "an expression";

impl Mender<'_> {
    fn run(&mut self) {
        while let Some(&p) = self.pieces.get(self.at) {
            self.at += 1;
            if p.what == What::Is(Kind::Semi) {
                if self.st.from.is_none() {
                    self.emit(Kind::Semi, p.span);
                    self.st.start = self.out.len();
                } else {
                    self.end(p.span, "`;`");
                }
                continue;
            }
            if self.st.from.is_none() && self.begin(p) {
                continue;
            }
            if !p.sound {
                self.st.broken = true;
            }
            if self.operand {
                self.operand_place(p);
            } else {
                self.operator_place(p);
            }
        }
        if self.st.from.is_some() {
            let end = self.text.len() as u32;
            self.end(Span::new(end, end), "the end");
        }
    }

    // ---- looking around

    fn next(&self) -> Option<Piece> {
        self.pieces.get(self.at).copied()
    }

    /// The end of the piece before the current one.
    fn before(&self) -> u32 {
        if self.at >= 2 { self.pieces[self.at - 2].span.hi } else { 0 }
    }

    fn new_line(&self, p: Piece) -> bool {
        self.text.get(self.before() as usize..p.span.lo as usize).is_some_and(|gap| gap.contains('\n'))
    }

    fn starts_operand(p: Option<Piece>) -> bool {
        use Kind::{Name, Not, Number, Open, Str};
        matches!(p, Some(Piece { what: What::Is(Name | Number | Str | Open | Not), .. }))
    }

    /// `p` is a name and what follows assigns to it.
    fn assigns(&self, p: Piece) -> bool {
        p.what == What::Is(Kind::Name)
            && self.next().is_some_and(|n| match n.what {
                What::Is(Kind::Assign) => true,
                What::Foreign => Self::assign_operator(n.span.text(self.text)).is_some(),
                _ => false,
            })
    }

    /// For `+=` and its kin the operator inside; for `:=` nothing.
    fn assign_operator(op: &str) -> Option<&str> {
        match op {
            ":=" => Some(""),
            "<=>" | "=>" | "===" | "!==" => None,
            _ => op.strip_suffix('='),
        }
    }

    fn found(&self, p: Piece) -> String {
        match p.what {
            What::Is(Kind::Str) => "a string".into(),
            _ => {
                let text = p.span.text(self.text);
                let cut = text.char_indices().nth(40).map_or(text.len(), |(i, _)| i);
                format!("`{}`", &text[..cut])
            }
        }
    }

    /// What could follow an operand here.
    fn after_operand(&self) -> &'static str {
        match self.st.frames.last().map(|f| f.open) {
            None => "an operator or `;`",
            Some(Open::Group) => "an operator or `)`",
            Some(Open::Call) => "an operator, `,` or `)`",
            Some(Open::Bracket) => "an operator, `,` or `]`",
            Some(Open::Question) => "an operator or `:`",
        }
    }

    /// A parenthesis or bracket is open.
    fn inside(&self) -> bool {
        self.st.frames.iter().any(|f| f.open != Open::Question)
    }

    // ---- saying and writing

    fn emit(&mut self, kind: Kind, span: Span) {
        self.out.push(Tok { kind, span });
    }

    fn report(&mut self, kind: SyntaxKind, span: Span, fix: Vec<Edit>) -> usize {
        self.errors.push(SyntaxError { kind, span, related: None, fix });
        self.errors.len() - 1
    }

    fn unexpected(&mut self, found: String, expected: &str, span: Span) -> Option<usize> {
        self.st.broken = true;
        if std::mem::replace(&mut self.st.quiet, true) {
            return None;
        }
        Some(self.report(SyntaxKind::Unexpected { found, expected: expected.into() }, span, vec![]))
    }

    fn push(&mut self, open: Open, span: Span) {
        self.st.frames.push(Frame { open, span, index: None });
    }

    // ---- a statement's two ends

    /// The first piece of a statement; true when it is dealt with.
    fn begin(&mut self, p: Piece) -> bool {
        if p.what == What::CloseBrace {
            if self.braces.pop().is_none() {
                self.report(SyntaxKind::Brace, p.span, vec![]);
            }
            return true;
        }
        if self.foreign_statement(p) {
            return true;
        }
        self.st.from = Some(p.span.lo);
        let Some(eq) = self.next().filter(|_| self.assigns(p)) else { return false };
        self.at += 1;
        self.st.target = Some(Tok { kind: Kind::Name, span: p.span });
        self.emit(Kind::Name, p.span);
        self.emit(Kind::Assign, eq.span);
        if let (What::Foreign, op) = (eq.what, eq.span.text(self.text)) {
            let inner = Self::assign_operator(op).unwrap_or("");
            let mut fix = vec![];
            if inner.is_empty() {
                fix.push(Edit { span: eq.span, text: "=".into() });
            } else {
                self.st.broken = true;
                // `x += y` of one operand; more would need parentheses where the author ends the statement
                let one = self.pieces.get(self.at + 1).is_none_or(|n| n.what == What::Is(Kind::Semi));
                if one && matches!(inner, "+" | "-" | "*" | "/") {
                    fix.push(Edit { span: eq.span, text: format!("= {} {inner}", p.span.text(self.text)) });
                }
            }
            self.report(SyntaxKind::ForeignOperator(op.into()), eq.span, fix);
        }
        true
    }

    /// The statement ends before `stop`; `found` is what stands there.
    fn end(&mut self, stop: Span, found: &str) {
        let hi = self.pieces[..self.at].iter().rev().map(|p| p.span.hi).find(|hi| *hi <= stop.lo).unwrap_or(stop.lo);
        if self.operand {
            self.missing_last(stop, found);
        }
        self.settle(stop, found);
        while let Some(f) = self.st.frames.pop() {
            if f.open == Open::Bracket {
                continue;
            }
            let mut span = f.span;
            let mut close = String::from(")");
            self.emit(Kind::Close, Span::new(hi, hi));
            // `((` left open is one thought and one error
            while let Some(g) = self.st.frames.last().filter(|g| g.open != Open::Question && g.span.hi == span.lo) {
                span.lo = g.span.lo;
                close.push(')');
                self.st.frames.pop();
                self.out.push(Tok { kind: Kind::Close, span: Span::new(hi, hi) });
            }
            let fix = vec![Edit { span: Span::new(hi, hi), text: close }];
            let i = self.report(SyntaxKind::UnclosedParen, span, fix);
            self.errors[i].related = Some((stop, "the statement ends here".into()));
            self.settle(stop, found);
        }
        let st = std::mem::take(&mut self.st);
        if st.broken {
            self.out.truncate(st.start);
            let mut lo = st.from.unwrap_or(hi);
            if let Some(t) = st.target {
                self.emit(Kind::Name, t.span);
                self.emit(Kind::Assign, t.span);
                lo = t.span.hi;
            }
            self.emit(Kind::Poison, Span::new(lo.min(hi), hi));
        }
        // the outer targets of `a = b = 1` take their values afterwards
        let mut value = st.target;
        let mut moved = String::new();
        for t in st.chain.iter().rev() {
            let Some(v) = value.replace(*t) else { break };
            moved += &format!("; {} = {}", t.span.text(self.text), v.span.text(self.text));
            self.emit(Kind::Semi, t.span);
            self.out.extend([*t, Tok { kind: Kind::Assign, span: t.span }]);
            // a value must lie after its target, or the statement's place would run backwards
            self.emit(if st.broken { Kind::Poison } else { Kind::Name }, v.span);
        }
        if let (Some(i), Some(from), Some(t), false) = (st.chain_error, st.from, st.target, st.broken) {
            let cut = Edit { span: Span::new(from, t.span.lo), text: String::new() };
            self.errors[i].fix = vec![cut, Edit { span: Span::new(hi, hi), text: moved }];
        }
        self.emit(Kind::Semi, stop);
        self.st.start = self.out.len();
        self.operand = true;
    }

    /// An operand is wanted and the statement is over.
    fn missing_last(&mut self, stop: Span, found: &str) {
        self.operand = false;
        let tail = &self.out[self.st.start..];
        if let [name, a, b] = tail
            && self.st.target.is_none()
            && (name.kind, a.kind, b.kind) == (Kind::Name, Kind::Minus, Kind::Minus)
            && a.span.hi == b.span.lo
        {
            let span = a.span.to(b.span);
            let text = format!(" = {} - 1", name.span.text(self.text));
            self.st.broken = true;
            self.st.target = Some(*name);
            self.report(SyntaxKind::ForeignOperator("--".into()), span, vec![Edit { span, text }]);
            return;
        }
        self.unexpected(found.into(), ANY, stop);
    }

    /// Every `?` inside the innermost bracket is over without its `:`.
    fn settle(&mut self, stop: Span, found: &str) {
        while let Some(f) = self.st.frames.pop_if(|f| f.open == Open::Question) {
            let expected = if self.operand { ANY } else { "an operator or `:`" };
            if let Some(i) = self.unexpected(found.into(), expected, stop) {
                self.errors[i].related = Some((f.span, "this `?` has no `:`".into()));
            }
        }
    }
}

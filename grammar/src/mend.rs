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

use crate::ast::BinOp;
use crate::error::{Edit, SyntaxError, SyntaxKind};
use crate::scan::{Piece, Scan, What, ours, scan};
use crate::span::Span;
use crate::token::{Kind, Tok};

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
}

/// Find every syntax error of a text.
pub(crate) fn mend(text: &str) -> Mended {
    let Scan { pieces, comments, errors } = scan(text);
    let out = Vec::with_capacity(pieces.len() + 8);
    let mut m = Mender { text, pieces, at: 0, out, errors, st: Statement::default(), operand: true, braces: vec![] };
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

    // ---- where an operand should stand

    fn operand_place(&mut self, p: Piece) {
        match p.what {
            What::Is(Kind::Name | Kind::Number | Kind::Str) => {
                if p.what == What::Is(Kind::Name)
                    && self.out.len() > self.st.start
                    && !self.inside()
                    && self.assigns(p)
                    && self.new_line(p)
                {
                    // `x = 1 +` and the next statement: the operand is missing, the `;` with it
                    self.unexpected(self.found(p), ANY, p.span);
                    self.operand = false;
                    self.at -= 1;
                    self.end(Span::new(p.span.lo, p.span.lo), "the end");
                    return;
                }
                let What::Is(kind) = p.what else { return };
                self.emit(kind, p.span);
                self.operand = false;
                self.st.quiet = false;
            }
            What::Is(kind @ (Kind::Minus | Kind::Not)) => self.emit(kind, p.span),
            What::Is(Kind::Open) => {
                self.push(Open::Group, p.span);
                self.emit(Kind::Open, p.span);
            }
            What::Is(Kind::Close) if self.empty_call() => {
                self.st.frames.pop();
                self.emit(Kind::Close, p.span);
                self.operand = false;
            }
            What::Is(Kind::Op(BinOp::Add)) => {
                let fix = vec![Edit { span: p.span, text: String::new() }];
                self.report(SyntaxKind::ForeignOperator("+".into()), p.span, fix);
            }
            What::Is(Kind::Assign) => self.assign_for_operand(p),
            What::Is(_) => self.missing_operand(p),
            What::Foreign => {
                (self.st.broken, self.st.quiet) = (true, true);
                self.report(SyntaxKind::ForeignOperator(p.span.text(self.text).into()), p.span, vec![]);
            }
            What::Percent => {
                (self.st.broken, self.st.quiet) = (true, true);
                self.report(SyntaxKind::Percent, p.span, vec![]);
            }
            What::Junk => {
                // before an operand it is dirt, else it stands for one
                self.operand = Self::starts_operand(self.next());
                self.st.broken = true;
            }
            What::OpenBracket => {
                self.st.quiet = true;
                self.report(SyntaxKind::Bracket, p.span, vec![]);
                self.push(Open::Bracket, p.span);
            }
            What::CloseBracket => {
                self.st.quiet = true;
                if self.st.frames.pop_if(|f| f.open == Open::Bracket).is_some() {
                    self.operand = false;
                } else {
                    self.report(SyntaxKind::Bracket, p.span, vec![]);
                }
            }
            What::OpenBrace => {
                self.st.quiet = true;
                self.report(SyntaxKind::Brace, p.span, vec![]);
                self.braces.push(false);
            }
            What::CloseBrace => {
                self.operand = false;
                if self.braces.pop().is_none() {
                    self.report(SyntaxKind::Brace, p.span, vec![]);
                }
            }
        }
    }

    /// The innermost parenthesis is a call's and nothing stands in it.
    fn empty_call(&self) -> bool {
        self.st.frames.last().is_some_and(|f| {
            f.open == Open::Call && self.out.last().is_some_and(|t| t.kind == Kind::Open && t.span == f.span)
        })
    }

    fn missing_operand(&mut self, p: Piece) {
        if p.what == What::Is(Kind::Close) && !self.inside() && self.st.frames.is_empty() {
            // `)` alone is one mistake, not also a missing operand
            return self.close(p);
        }
        let comma = self.out.last().filter(|t| t.kind == Kind::Comma).map(|t| t.span);
        if let Some(i) = self.unexpected(self.found(p), ANY, p.span)
            && p.what == What::Is(Kind::Close)
            && let Some(span) = comma
        {
            self.errors[i].fix = vec![Edit { span, text: String::new() }];
        }
        self.operand = false;
        self.operator_place(p);
    }

    fn assign_for_operand(&mut self, p: Piece) {
        let last = self.out.last().copied();
        let i = self.unexpected(self.found(p), ANY, p.span);
        // `> =` and `! =` are `>=` and `!=` with a space inside
        if let (Some(i), Some(Tok { kind: Kind::Op(BinOp::Lt | BinOp::Gt) | Kind::Not, span })) = (i, last) {
            self.errors[i].fix = vec![Edit { span: Span::new(span.hi, p.span.lo), text: String::new() }];
        }
    }

    // ---- where an operator should stand

    fn operator_place(&mut self, p: Piece) {
        match p.what {
            What::Is(kind @ (Kind::Op(_) | Kind::Minus)) => self.operator(kind, p.span),
            What::Is(Kind::Question) => {
                self.push(Open::Question, p.span);
                self.operator(Kind::Question, p.span);
            }
            What::Is(Kind::Colon) => {
                if self.st.frames.pop_if(|f| f.open == Open::Question).is_none() {
                    self.unexpected(self.found(p), self.after_operand(), p.span);
                }
                self.operator(Kind::Colon, p.span);
            }
            What::Is(Kind::Comma) => self.comma(p),
            What::Is(Kind::Close) => self.close(p),
            What::Is(Kind::Dot) => self.dot(p),
            What::Is(Kind::Open) => {
                if self.out.last().is_some_and(|t| t.kind == Kind::Name && t.span.hi == self.before()) {
                    self.push(Open::Call, p.span);
                    self.operator(Kind::Open, p.span);
                } else {
                    self.juxtaposed(p);
                }
            }
            What::Is(Kind::Assign) => self.assign(p),
            What::Is(_) => self.juxtaposed(p),
            What::Foreign => self.foreign(p),
            What::Percent => {
                let number = self.out.last().is_some_and(|t| t.kind == Kind::Number && t.span.hi == p.span.lo);
                let binary = Self::starts_operand(self.next());
                let fix = vec![Edit { span: p.span, text: String::new() }];
                self.report(SyntaxKind::Percent, p.span, if number && !binary { fix } else { vec![] });
                self.st.broken |= binary || !number;
                self.operand = binary;
            }
            What::Junk => {
                self.operand = Self::starts_operand(self.next());
                self.st.broken = true;
            }
            What::OpenBracket => {
                let name =
                    self.out.last().filter(|t| t.kind == Kind::Name && t.span.hi == self.before()).map(|t| t.span.lo);
                let i = self.report(SyntaxKind::Bracket, p.span, vec![]);
                let index = name.map(|lo| (i, lo));
                self.st.frames.push(Frame { open: Open::Bracket, span: p.span, index });
                self.operand = true;
            }
            What::CloseBracket => {
                self.settle(p.span, "`]`");
                match self.st.frames.pop_if(|f| f.open == Open::Bracket) {
                    Some(Frame { index: Some((i, lo)), span, .. }) => {
                        self.errors[i].fix = vec![
                            Edit { span: Span::new(lo, lo), text: "val(".into() },
                            Edit { span, text: ", ".into() },
                            Edit { span: p.span, text: ")".into() },
                        ];
                    }
                    Some(_) => {}
                    None => {
                        self.report(SyntaxKind::Bracket, p.span, vec![]);
                    }
                }
            }
            What::OpenBrace => {
                self.report(SyntaxKind::Brace, p.span, vec![]);
                let block = !self.inside();
                self.braces.push(block);
                if block {
                    self.end(p.span, "`{`");
                } else {
                    self.operand = true;
                }
            }
            What::CloseBrace => match self.braces.pop() {
                Some(true) => self.end(p.span, "`}`"),
                Some(false) => {}
                None => {
                    self.report(SyntaxKind::Brace, p.span, vec![]);
                }
            },
        }
    }

    fn operator(&mut self, kind: Kind, span: Span) {
        self.emit(kind, span);
        self.operand = true;
    }

    fn comma(&mut self, p: Piece) {
        self.settle(p.span, "`,`");
        match self.st.frames.last().map(|f| f.open) {
            Some(Open::Call) => self.emit(Kind::Comma, p.span),
            Some(Open::Bracket) => {}
            None if self.pieces.get(self.at).is_some_and(|n| n.what == What::Is(Kind::Name))
                && self.pieces.get(self.at + 1).is_some_and(|n| n.what == What::Is(Kind::Assign)) =>
            {
                // a comma where `;` was meant
                self.report(SyntaxKind::MissingSemicolon, p.span, vec![Edit { span: p.span, text: ";".into() }]);
                return self.end(p.span, "`,`");
            }
            _ => {
                self.unexpected(self.found(p), self.after_operand(), p.span);
            }
        }
        self.operand = true;
    }

    fn close(&mut self, p: Piece) {
        self.settle(p.span, "`)`");
        // a bracket left open has been reported
        while self.st.frames.pop_if(|f| f.open == Open::Bracket).is_some() {
            self.settle(p.span, "`)`");
        }
        if self.st.frames.pop().is_some() {
            return self.emit(Kind::Close, p.span);
        }
        self.st.broken = true;
        let last = self.next().is_none_or(|n| n.what == What::Is(Kind::Semi));
        let fix = vec![Edit { span: p.span, text: String::new() }];
        self.report(SyntaxKind::UnopenedParen, p.span, if last && !self.operand { fix } else { vec![] });
        self.st.quiet |= self.operand;
    }

    fn dot(&mut self, p: Piece) {
        match self.next() {
            Some(n) if n.what == What::Is(Kind::Name) => {
                self.at += 1;
                self.st.broken |= !n.sound;
                self.emit(Kind::Dot, p.span);
                self.emit(Kind::Name, n.span);
            }
            n => {
                let end = self.text.len() as u32;
                let (found, span) = n.map_or(("the end".into(), Span::new(end, end)), |n| (self.found(n), n.span));
                self.unexpected(found, "the name of a method or member", span);
            }
        }
    }

    /// Two operands side by side.
    fn juxtaposed(&mut self, p: Piece) {
        let word = p.span.text(self.text);
        let op = match word {
            "and" | "AND" | "And" => Some(BinOp::And),
            "or" | "OR" | "Or" => Some(BinOp::Or),
            _ => None,
        };
        let assigns = self.assigns(p);
        if let Some(op) = op.filter(|_| !assigns) {
            let fix = vec![Edit { span: p.span, text: op.symbol().into() }];
            self.report(SyntaxKind::ForeignOperator(word.into()), p.span, fix);
            return self.operator(Kind::Op(op), p.span);
        }
        let new_line = self.new_line(p);
        if (new_line && !self.inside()) || (assigns && (new_line || !self.inside())) {
            let at = self.before();
            let at = Span::new(at, at);
            if !self.st.quiet || assigns {
                self.report(SyntaxKind::MissingSemicolon, at, vec![Edit { span: at, text: ";".into() }]);
            }
            self.at -= 1;
            return self.end(at, "the end of the line");
        }
        let last = self.out.last().copied();
        if let Some(not) =
            last.filter(|t| t.kind == Kind::Name && matches!(t.span.text(self.text), "not" | "NOT" | "Not"))
        {
            self.report(SyntaxKind::ForeignOperator(not.span.text(self.text).into()), not.span, vec![]);
            self.st.broken = true;
        } else {
            self.unexpected(self.found(p), self.after_operand(), p.span);
        }
        match p.what {
            What::Is(Kind::Open) => {
                self.push(Open::Group, p.span);
                self.operator(Kind::Open, p.span);
            }
            What::Is(kind) => {
                // what follows is read as if an operator stood before it
                self.emit(kind, p.span);
                self.operand = kind == Kind::Not;
            }
            _ => {}
        }
    }

    /// `=` after an operand.
    fn assign(&mut self, p: Piece) {
        let tokens = &self.out[self.st.start..];
        let n = tokens.len();
        if self.st.frames.is_empty() && self.st.target.is_none() && !self.st.broken {
            let span = Span::new(self.st.from.unwrap_or(p.span.lo), self.before());
            self.report(SyntaxKind::BadAssignTarget, span, vec![]);
            self.st.broken = true;
            self.operand = true;
            return;
        }
        let named = self.st.frames.last().is_some_and(|f| f.open == Open::Call)
            && n >= 2
            && tokens[n - 1].kind == Kind::Name
            && matches!(tokens[n - 2].kind, Kind::Open | Kind::Comma);
        let pair = if let [old, _, new] = *tokens { Some((old, new)) } else { None };
        if let Some((old, new)) = pair.filter(|(_, new)| new.kind == Kind::Name && self.st.frames.is_empty())
            && self.st.target.is_some()
            && self.chained()
        {
            if self.st.chain_error.is_none() {
                let i = self.report(SyntaxKind::ChainedAssignment, p.span, vec![]);
                self.errors[i].related = Some((old.span, "the first assignment".into()));
                self.st.chain_error = Some(i);
            }
            self.st.chain.push(old);
            self.out.truncate(self.st.start);
            self.st.target = Some(new);
            self.emit(Kind::Name, new.span);
            return self.operator(Kind::Assign, p.span);
        }
        // `f(name = 1)` may mean a named argument; then `==` is no repair
        self.st.broken |= named;
        let fix = vec![Edit { span: p.span, text: "==".into() }];
        self.report(SyntaxKind::AssignInExpression, p.span, if named { vec![] } else { fix });
        self.operator(Kind::Op(BinOp::Eq), p.span);
    }

    /// Whether the rest of the statement is a plain value, so that `a = b = …` assigns twice rather than compares.
    fn chained(&mut self) -> bool {
        use BinOp::{And, Eq, Ge, Gt, Le, Lt, Ne, Or};
        if let Some(known) = self.st.chained {
            return known;
        }
        let mut depth = 0usize;
        let mut chained = true;
        for p in &self.pieces[self.at..] {
            match p.what {
                What::Is(Kind::Semi) => break,
                What::Is(Kind::Open) => depth += 1,
                What::Is(Kind::Close) => depth = depth.saturating_sub(1),
                What::Is(Kind::Question | Kind::Op(And | Or | Eq | Ne | Lt | Le | Gt | Ge)) if depth == 0 => {
                    chained = false;
                    break;
                }
                _ => {}
            }
        }
        self.st.chained = Some(chained);
        chained
    }

    fn foreign(&mut self, p: Piece) {
        let op = p.span.text(self.text).to_owned();
        let kind = SyntaxKind::ForeignOperator(op.clone());
        if let Some((op, text)) = ours(&op) {
            // the piece is unsound as text; its repair is sure
            self.report(kind, p.span, vec![Edit { span: p.span, text: text.into() }]);
            return self.operator(Kind::Op(op), p.span);
        }
        self.st.broken = true;
        let follows =
            Self::starts_operand(self.next()) && !self.pieces.get(self.at).is_some_and(|n| self.crosses_line(p, *n));
        if op == "++" && !follows {
            let tokens = &self.out[self.st.start..];
            let mut fix = vec![];
            if let ([name], None) = (tokens, self.st.target)
                && name.kind == Kind::Name
            {
                fix.push(Edit { span: p.span, text: format!(" = {} + 1", name.span.text(self.text)) });
                self.st.target = Some(*name);
            }
            self.report(kind, p.span, fix);
            return;
        }
        let fix = if op == "++" { vec![Edit { span: p.span, text: "+".into() }] } else { vec![] };
        self.report(kind, p.span, fix);
        self.operand = true;
    }

    fn crosses_line(&self, a: Piece, b: Piece) -> bool {
        self.text.get(a.span.hi as usize..b.span.lo as usize).is_some_and(|gap| gap.contains('\n'))
    }
}

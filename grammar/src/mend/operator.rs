//! What stands where an operator should.
//!
//! In: a piece after a complete operand. Out: tokens and errors. Never: a decision about an operand.

use super::{Frame, Mender, Open};
use crate::ast::BinOp;
use crate::error::{Edit, SyntaxKind};
use crate::scan::{Piece, What, ours};
use crate::span::Span;
use crate::token::Kind;

impl Mender<'_> {
    pub(super) fn operator_place(&mut self, p: Piece) {
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
                if binary {
                    // Both sides are still worth checking; a product has the type a remainder would have.
                    self.operator(Kind::Op(BinOp::Mul), p.span);
                } else {
                    self.st.broken |= !number;
                    self.operand = false;
                }
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

    pub(super) fn close(&mut self, p: Piece) {
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

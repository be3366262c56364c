//! What stands where an operand should.
//!
//! In: a piece while `operand` is set. Out: tokens and errors. Never: more than one error for one piece.

use super::{ANY, Mender, Open};
use crate::ast::BinOp;
use crate::error::{Edit, SyntaxKind};
use crate::scan::{Piece, What};
use crate::span::Span;
use crate::token::{Kind, Tok};

impl Mender<'_> {
    pub(super) fn operand_place(&mut self, p: Piece) {
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
}

//! Statements of other languages: `if`, `else`, loops, declarations.
//!
//! In: the first piece of a statement. Out: one error for the construct, and the place behind its head. Never: an opinion
//! about its body, which is read as statements of its own, nor about a head, which is skipped.

use super::Mender;
use crate::error::{Edit, SyntaxKind};
use crate::scan::{Piece, What};
use crate::span::Span;
use crate::token::Kind;

/// Words that are followed by a head in parentheses and a body.
const CONTROL: &[&str] = &["if", "elif", "elseif", "while", "for", "foreach", "switch"];
/// Words before the name of a new variable.
const DECLARE: &[&str] = &["var", "let", "const", "int", "double", "float", "string", "bool", "auto", "local"];

impl Mender<'_> {
    /// Reports a statement of another language and steps over its head; true when `p` began one.
    ///
    /// Only what no formula can be counts: `if(a, b, c);` is a call, whatever the name.
    pub(super) fn foreign_statement(&mut self, p: Piece) -> bool {
        if p.what != What::Is(Kind::Name) {
            return false;
        }
        let word = p.span.text(self.text);
        let next = self.next();
        if DECLARE.contains(&word) && next.is_some_and(|n| n.what == What::Is(Kind::Name) && !self.new_line_at(p, n)) {
            let name = next.map_or(p.span.hi, |n| n.span.lo);
            let fix = Edit { span: Span::new(p.span.lo, name), text: String::new() };
            self.report(SyntaxKind::ForeignStatement(word.into()), p.span, vec![fix]);
            return true;
        }
        let body = |n: Option<Piece>| matches!(n.map(|n| n.what), Some(What::OpenBrace | What::Is(Kind::Name)));
        if word == "else" && body(next) {
            if !std::mem::replace(&mut self.control, true) {
                self.report(SyntaxKind::ForeignStatement(word.into()), p.span, vec![]);
            }
            // `else if`: one thought with the `if` before it
            if next.is_some_and(|n| n.span.text(self.text) == "if")
                && let Some(after) = self.after_head(self.at + 1)
            {
                self.at = after;
            }
            self.block();
            return true;
        }
        if CONTROL.contains(&word)
            && let Some(after) = self.after_head(self.at).filter(|at| body(self.pieces.get(*at).copied()))
        {
            self.control = true;
            self.report(SyntaxKind::ForeignStatement(word.into()), p.span, vec![]);
            self.at = after;
            self.block();
            return true;
        }
        false
    }

    /// Steps over the `{` of a block, so that its statements are read as the formula's.
    fn block(&mut self) {
        if self.next().is_some_and(|n| n.what == What::OpenBrace) {
            self.at += 1;
            self.braces.push(true);
        }
    }

    /// Past the parentheses that open at piece `at`.
    fn after_head(&self, at: usize) -> Option<usize> {
        if self.pieces.get(at)?.what != What::Is(Kind::Open) {
            return None;
        }
        let mut depth = 0usize;
        for (i, p) in self.pieces.iter().enumerate().skip(at) {
            match p.what {
                What::Is(Kind::Open) => depth += 1,
                What::Is(Kind::Close) if depth == 1 => return Some(i + 1),
                What::Is(Kind::Close) => depth -= 1,
                _ => {}
            }
        }
        None
    }

    fn new_line_at(&self, a: Piece, b: Piece) -> bool {
        self.text.get(a.span.hi as usize..b.span.lo as usize).is_some_and(|gap| gap.contains('\n'))
    }
}

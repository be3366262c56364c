//! A formula → the same formula, laid out.
//!
//! In: text. Out: text with the same tokens in the same order, or the errors of a text that does not parse. Never: a
//! change of meaning; tokens are moved, not rewritten, so there is nothing to change it with.
//!
//! The layout depends on tokens alone and the line a comment stands on, never on existing breaks; hence formatting
//! twice changes nothing. One statement a line, `;` after each, line breaks as LF. Blank lines between statements
//! survive as one. A superfluous `;` goes. A comment stays behind what it stood behind, or on its own line; only one
//! between a statement's end and its `;` comes to stand after the `;`.

use crate::ast::BinOp;
use crate::builder::level;
use crate::error::SyntaxError;
use crate::span::Span;
use crate::token::{Kind, Tok, lexer};
use crate::{MAX_CHARS, parse};

/// Widest line we make when there is a choice.
const WIDTH: usize = 100;
/// One step of indentation.
const STEP: usize = 4;
/// Deeper than this a piece stays on one line: nobody reads it, and layout must not recurse on input depth.
const DEEPEST: usize = 24;

/// Lay out a formula. A text with syntax errors is not touched; its errors come back.
///
/// A formula that would grow over the service's limit of characters comes back as written.
///
/// ```
/// let tidy = poolcast_grammar::format("n=max( 1,m )  //cap\n").unwrap();
/// assert_eq!(tidy, "n = max(1, m); //cap\n");
/// ```
pub fn format(text: &str) -> Result<String, Vec<SyntaxError>> {
    let parsed = parse(text);
    if !parsed.errors.is_empty() {
        return Err(parsed.errors);
    }
    let mut lexer = lexer(text);
    let mut tokens = Vec::new();
    while let Some(Ok(kind)) = lexer.next() {
        let at = lexer.span();
        tokens.push(Tok { kind, span: Span::new(at.start as u32, at.end as u32) });
    }
    let mut f = Formatter {
        text,
        comments: &parsed.ast.comments,
        out: String::with_capacity(text.len() * 5 / 4),
        end: 0,
        code_line: false,
    };
    for statement in tokens.split_inclusive(|t| t.kind == Kind::Semi) {
        f.statement(statement);
    }
    f.comments_before(text.len() as u32);
    let out = f.out;
    Ok(if out.len() > MAX_CHARS && out.chars().count() > MAX_CHARS { text.to_owned() } else { out })
}

struct Formatter<'s> {
    text: &'s str,
    /// Comments not yet written.
    comments: &'s [Span],
    out: String,
    /// End of the last thing taken from the text.
    end: u32,
    /// The last line written is code, so that a comment can stand behind it.
    code_line: bool,
}

impl<'s> Formatter<'s> {
    /// Line breaks in the text since the last thing taken from it.
    fn breaks(&self, to: u32) -> usize {
        self.text.get(self.end as usize..to as usize).map_or(0, |gap| gap.matches('\n').count())
    }

    fn comment(&self, at: Span) -> &'s str {
        at.text(self.text).trim_end()
    }

    fn next_comment(&mut self, before: u32) -> Option<Span> {
        let (first, rest) = self.comments.split_first()?;
        if first.lo >= before {
            return None;
        }
        self.comments = rest;
        Some(*first)
    }

    /// Start a line of its own, after one blank line where the text has any.
    fn line(&mut self, at: u32) {
        if !self.out.is_empty() && self.breaks(at) >= 2 {
            self.out.push('\n');
        }
    }

    /// Comments between statements.
    fn comments_before(&mut self, before: u32) {
        while let Some(at) = self.next_comment(before) {
            if std::mem::take(&mut self.code_line) && self.breaks(at.lo) == 0 {
                // behind what stands on its line; that line has been ended
                self.out.pop();
                self.out.push(' ');
            } else {
                self.line(at.lo);
            }
            self.out.push_str(self.comment(at));
            self.out.push('\n');
            self.end = at.hi;
        }
    }

    fn statement(&mut self, tokens: &[Tok]) {
        let semi = tokens.last().filter(|t| t.kind == Kind::Semi);
        let body = &tokens[..tokens.len() - usize::from(semi.is_some())];
        if let (Some(first), Some(last)) = (body.first(), body.last()) {
            self.comments_before(first.span.lo);
            self.line(first.span.lo);
            if self.comments.first().is_some_and(|c| c.lo < last.span.lo) {
                self.with_comments(body);
            } else {
                Layout::new(self.text, body).write(&mut self.out);
            }
            self.out.push_str(";\n");
            self.code_line = true;
            self.end = last.span.hi;
        }
        if let Some(semi) = semi {
            self.comments_before(semi.span.lo);
            // a superfluous `;` is as if it were not there
            if !body.is_empty() {
                self.end = semi.span.hi;
            }
        }
    }

    /// A statement with comments inside: they decide where its lines end.
    fn with_comments(&mut self, body: &[Tok]) {
        let spaces = spaces(body);
        let mut depth = 0usize;
        let mut fresh = true;
        for (i, t) in body.iter().enumerate() {
            if t.kind == Kind::Close {
                depth = depth.saturating_sub(1);
            }
            while let Some(at) = self.next_comment(t.span.lo) {
                if self.breaks(at.lo) == 0 && !fresh {
                    self.out.push(' ');
                } else {
                    self.fresh_line(depth, fresh);
                }
                self.out.push_str(self.comment(at));
                self.end = at.hi;
                self.out.push('\n');
                fresh = true;
            }
            if fresh && i > 0 {
                self.fresh_line(depth, true);
            } else if spaces[i] {
                self.out.push(' ');
            }
            fresh = false;
            self.out.push_str(t.span.text(self.text));
            self.end = t.span.hi;
            if t.kind == Kind::Open {
                depth += 1;
            }
        }
    }

    fn fresh_line(&mut self, depth: usize, ended: bool) {
        if !ended {
            self.out.push('\n');
        }
        self.out.extend(std::iter::repeat_n(' ', STEP * (1 + depth.min(8))));
    }
}

/// Whether a space goes before each token of a statement.
fn spaces(body: &[Tok]) -> Vec<bool> {
    let mut operand = true;
    let mut prefix = false;
    let mut before: Option<Kind> = None;
    let mut out = Vec::with_capacity(body.len());
    for t in body {
        let unary = operand && matches!(t.kind, Kind::Minus | Kind::Not);
        let call = !operand && t.kind == Kind::Open;
        out.push(match (before, t.kind) {
            (None | Some(Kind::Open | Kind::Dot), _) | (_, Kind::Close | Kind::Comma) => false,
            // `5 .x`: without the space the point would belong to the number
            (Some(kind), Kind::Dot) => kind == Kind::Number,
            _ => !(prefix || call),
        });
        operand = !matches!(t.kind, Kind::Name | Kind::Number | Kind::Str | Kind::Close);
        prefix = unary;
        before = Some(t.kind);
    }
    out
}

/// One statement that may have to be broken.
struct Layout<'t> {
    text: &'t str,
    body: &'t [Tok],
    spaces: Vec<bool>,
    /// Width of the tokens before each, with their spaces.
    width: Vec<usize>,
    /// For each `(` its `)`, for each `?` its `:`.
    mate: Vec<usize>,
}

impl<'t> Layout<'t> {
    fn new(text: &'t str, body: &'t [Tok]) -> Layout<'t> {
        let spaces = spaces(body);
        let mut width = Vec::with_capacity(body.len() + 1);
        let mut mate = vec![0; body.len()];
        let mut open = Vec::new();
        let mut at = 0;
        for (i, t) in body.iter().enumerate() {
            width.push(at);
            at += usize::from(spaces[i]) + t.span.text(text).chars().count();
            match t.kind {
                Kind::Open | Kind::Question => open.push(i),
                Kind::Close | Kind::Colon => {
                    if let Some(o) = open.pop() {
                        mate[o] = i;
                    }
                }
                _ => {}
            }
        }
        width.push(at);
        Layout { text, body, spaces, width, mate }
    }

    fn write(&self, out: &mut String) {
        let head = if self.body.get(1).is_some_and(|t| t.kind == Kind::Assign) { 2 } else { 0 };
        self.flat(0, head, out);
        if head > 0 {
            out.push(' ');
        }
        self.lay(head, self.body.len(), STEP, 1, 0, out);
    }

    /// Tokens `a..b` on this line; the space before the first is the caller's.
    fn flat(&self, a: usize, b: usize, out: &mut String) {
        for i in a..b {
            if i > a && self.spaces[i] {
                out.push(' ');
            }
            out.push_str(self.body[i].span.text(self.text));
        }
    }

    fn fits(&self, a: usize, b: usize, tail: usize, out: &str) -> bool {
        let column = out[out.rfind('\n').map_or(0, |i| i + 1)..].chars().count();
        column + self.width[b] - self.width[a] + tail <= WIDTH
    }

    fn new_line(out: &mut String, indent: usize) {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', indent));
    }

    /// The next token after `i` at the same depth.
    fn skip(&self, i: usize) -> usize {
        if self.body[i].kind == Kind::Open { self.mate[i] + 1 } else { i + 1 }
    }

    /// The first `?` of `a..b` outside parentheses.
    fn question(&self, a: usize, b: usize) -> Option<usize> {
        let mut i = a;
        while i < b {
            if self.body[i].kind == Kind::Question {
                return Some(i);
            }
            i = self.skip(i);
        }
        None
    }

    /// One `? :` has its arms under each other; a chain of them reads as a table, one case a line.
    #[expect(clippy::too_many_arguments, reason = "a range, its `?`, and the place to write to")]
    fn lay_ternary(
        &self,
        mut a: usize,
        mut q: usize,
        b: usize,
        indent: usize,
        tail: usize,
        depth: usize,
        out: &mut String,
    ) {
        loop {
            let c = self.mate[q];
            let more = self.question(c + 1, b);
            let chain = more.is_some() || out.ends_with(": ");
            if chain && self.fits(a, c, 0, out) {
                self.flat(a, c, out);
            } else {
                self.lay(a, q, indent, 0, depth + 1, out);
                Self::new_line(out, indent);
                out.push_str("? ");
                self.lay(q + 1, c, indent + STEP, 0, depth + 1, out);
            }
            Self::new_line(out, indent);
            out.push_str(": ");
            match more {
                Some(next) => (a, q) = (c + 1, next),
                None => return self.lay(c + 1, b, indent, tail, depth + 1, out),
            }
        }
    }

    /// Lay out the expression `a..b`, which `tail` more characters follow on its last line.
    fn lay(&self, a: usize, b: usize, indent: usize, tail: usize, depth: usize, out: &mut String) {
        if depth >= DEEPEST || self.fits(a, b, tail, out) {
            return self.flat(a, b, out);
        }
        if let Some(q) = self.question(a, b) {
            return self.lay_ternary(a, q, b, indent, tail, depth, out);
        }
        let mut loosest: Option<u8> = None;
        let mut operators = Vec::new();
        let mut group = None;
        let mut operand = true;
        let mut i = a;
        while i < b {
            let t = self.body[i];
            match t.kind {
                Kind::Op(op) => operators.push((i, level(op))),
                Kind::Minus if !operand => operators.push((i, level(BinOp::Sub))),
                Kind::Open if self.mate[i] > i + 1 => group = Some((i, operand)),
                _ => {}
            }
            operand = !matches!(t.kind, Kind::Name | Kind::Number | Kind::Str | Kind::Open);
            i = self.skip(i);
        }
        for (_, level) in &operators {
            loosest = Some(loosest.map_or(*level, |l| l.min(*level)));
        }
        if let Some(level) = loosest {
            let mut from = a;
            for (i, _) in operators.iter().filter(|(_, l)| *l == level) {
                self.lay(from, *i, indent + STEP, 0, depth + 1, out);
                Self::new_line(out, indent);
                out.push_str(self.body[*i].span.text(self.text));
                out.push(' ');
                from = i + 1;
            }
            return self.lay(from, b, indent + STEP, tail, depth + 1, out);
        }
        let Some((open, plain)) = group else { return self.flat(a, b, out) };
        let close = self.mate[open];
        self.flat(a, open + 1, out);
        if plain {
            self.lay(open + 1, close, indent, tail + self.width[b] - self.width[close], depth + 1, out);
            return self.flat(close, b, out);
        }
        let mut from = open + 1;
        let mut i = from;
        while i < close {
            if self.body[i].kind == Kind::Comma {
                Self::new_line(out, indent);
                self.lay(from, i, indent + STEP, 1, depth + 1, out);
                out.push(',');
                from = i + 1;
            }
            i = self.skip(i);
        }
        Self::new_line(out, indent);
        self.lay(from, close, indent + STEP, tail + self.width[b] - self.width[close], depth + 1, out);
        self.flat(close, b, out);
    }
}

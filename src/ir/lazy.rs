//! Lazy operators: `? :`, `&&` and `||` become blocks.
//!
//! In: the children of an operator, one after the other, as they are lowered. Out: a branch, two arms, a join. Never: an
//! arm a constant condition rules out.
//!
//! A child knows its parent's role for it: a condition opens an arm, an arm's end closes it. Subtrees are contiguous id
//! ranges, so arms are contiguous blocks.

use super::{lower::Lower, *};
use crate::check::hir::{HId, HKind};
use poolcast_grammar::BinOp;

/// What a child is to a lazy parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    None,
    Condition(HId),
    Then(HId),
    Else,
}

/// A lazy operator whose arms are being lowered.
pub(super) struct Open {
    /// Index of the block that ends in the branch; none when the condition is constant.
    branch: Option<usize>,
    /// Value and block of the first arm, when it ended alive.
    first: Option<(Val, usize)>,
    /// Value of the arm a constant condition chose.
    known: Option<Val>,
    /// How much of the sharing log belongs to code before the arm.
    mark: usize,
    /// The code before the branch was already unreachable.
    dead: bool,
}

impl Lower<'_> {
    pub(super) fn after_condition(&mut self, parent: HId, cond: Val, id: u32) -> u32 {
        let mark = self.log.len();
        let mut open = Open { branch: None, first: None, known: None, mark, dead: self.dead };
        if self.dead {
            self.opens.push(open);
            return id;
        }
        let known = self.constant(cond).filter(|_| self.optimising()).map(|c| self.truth(c));
        let next = match (self.hir.expr(parent).kind, known) {
            (HKind::Ternary(_, _, _), Some(true)) => id,
            (HKind::Ternary(_, t, _), Some(false)) => t.0,
            // `a && b` with constant a: the outcome, or whatever b is.
            (HKind::Logic(op, _, b), Some(c)) => {
                if c == (op == BinOp::Or) {
                    open.known = Some(self.double(if c { 1.0 } else { 0.0 }));
                    b.0
                } else {
                    id
                }
            }
            (kind, None) => {
                let here = self.program.blocks.len();
                // `||` evaluates its right side when the left is false.
                let flipped = matches!(kind, HKind::Logic(BinOp::Or, ..));
                let (t, f) = if flipped {
                    (BlockId(u32::MAX), BlockId(here as u32 + 1))
                } else {
                    (BlockId(here as u32 + 1), BlockId(u32::MAX))
                };
                self.end(Term::Branch(cond, t, f));
                open.branch = Some(here);
                id
            }
            _ => id,
        };
        self.opens.push(open);
        next
    }

    pub(super) fn after_then(&mut self, parent: HId, v: Val, id: u32) -> u32 {
        let logic = match self.hir.expr(parent).kind {
            HKind::Logic(op, ..) => Some(op),
            _ => None,
        };
        let was_dead = self.opens.last().is_none_or(|o| o.dead);
        if was_dead {
            return id;
        }
        let v = if logic.is_some() && !self.dead { self.unary(ScalarOp::Truth, v) } else { v };
        let (branch, mark) = self.opens.last().map_or((None, 0), |o| (o.branch, o.mark));
        let Some(branch) = branch else {
            let dead = self.dead;
            if let Some(open) = self.opens.last_mut()
                && !dead
            {
                open.known = Some(v);
            }
            // Skip the arm that is never taken.
            return match self.hir.expr(parent).kind {
                HKind::Ternary(_, _, e) => e.0,
                _ => id,
            };
        };
        self.close_arm(v, mark);
        let here = BlockId(self.program.blocks.len() as u32);
        if let Term::Branch(_, t, f) = &mut self.program.blocks[branch].term {
            if *t == BlockId(u32::MAX) { *t = here } else { *f = here }
        }
        self.dead = false;
        if let Some(op) = logic {
            let v = self.double(if op == BinOp::Or { 1.0 } else { 0.0 });
            self.join(v);
        }
        id
    }

    pub(super) fn after_else(&mut self, v: Val, id: u32) -> u32 {
        match self.opens.last_mut() {
            Some(open) if open.dead => {}
            Some(open) if open.branch.is_none() => {
                if !self.dead {
                    open.known = Some(v);
                }
            }
            _ => self.join(v),
        }
        id
    }

    /// End the first arm: remember where it must go on.
    fn close_arm(&mut self, v: Val, mark: usize) {
        let here = self.program.blocks.len();
        let alive = !self.dead;
        if alive {
            self.end(Term::Goto(BlockId(u32::MAX), Some(v)));
        }
        self.forget(mark);
        if let Some(open) = self.opens.last_mut() {
            open.first = alive.then_some((v, here));
        }
    }

    /// End the second arm and open the join.
    fn join(&mut self, v: Val) {
        let mark = self.opens.last().map_or(0, |o| o.mark);
        let first = self.opens.last().and_then(|o| o.first);
        self.forget(mark);
        let join = |this: &Self| BlockId(this.program.blocks.len() as u32);
        let value = match (first, self.dead) {
            (None, true) => None,
            // Only one arm comes out: its value is the value.
            (None, false) => Some(v),
            (Some((v, block)), true) => {
                self.dead = false;
                let at = join(self);
                self.program.blocks[block].term = Term::Goto(at, None);
                Some(v)
            }
            (Some((a, block)), false) => {
                let ty = self.ty(a);
                let here = BlockId(self.program.blocks.len() as u32 + 1);
                self.end(Term::Goto(here, Some(v)));
                self.program.blocks[block].term = Term::Goto(here, Some(a));
                Some(self.push(Inst::Param, ty))
            }
        };
        if let Some(open) = self.opens.last_mut() {
            open.known = value;
        }
    }

    /// The lazy operator itself: its arms are done.
    pub(super) fn close(&mut self) -> Val {
        match self.opens.pop() {
            Some(Open { known: Some(v), dead: false, .. }) => v,
            _ => Val(0),
        }
    }
}

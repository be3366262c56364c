//! Which branches become choices: both arms computed, one value kept.
//!
//! In: a verified program. Out: for each block whether it is entered by a jump, and what its `Param` is. Never: an arm that
//! could trap, call or write computed when its condition is false.
//!
//! A register allocator of one pass keeps values in memory across blocks, and a formula's conditions are what no processor
//! predicts: straight-line code is quicker to make and to run. Arms are contiguous, so one walk from the last block to the
//! first sees inner choices before outer ones.

use super::{late::quiet, translate::newest_tells};
use crate::ir::{Block, BlockId, Inst, Program, Reduce, Term, Val, lower::is_comparison};
use poolcast_runtime::{abi, scalar::ScalarOp, ty::Ty};

/// Most instructions computed in vain.
const WORTH: u32 = 24;

/// A join that became a choice.
#[derive(Debug, Clone, Copy)]
pub(super) struct Joined {
    pub condition: Val,
    pub yes: Val,
    pub no: Val,
}

/// The plan of a translation.
#[derive(Debug)]
pub(super) struct Flat {
    /// Blocks that go on in the Cranelift block before them.
    pub absorbed: Vec<bool>,
    /// Blocks whose terminator is gone.
    pub silent: Vec<bool>,
    /// By join block: its choice.
    pub joined: Vec<Option<Joined>>,
    /// Instructions that hold already: a window known to have the percentage it must have.
    pub holds: Vec<bool>,
}

impl Flat {
    pub(super) fn new(p: &Program) -> Flat {
        let n = p.blocks.len();
        let mut flat = Flat {
            absorbed: vec![false; n],
            silent: vec![false; n],
            joined: vec![None; n],
            holds: vec![false; p.insts.len()],
        };
        // By block: the last block of the straight line it starts.
        let mut tail: Vec<usize> = (0..n).collect();
        for i in (0..n).rev() {
            let Some(d) = Diamond::at(p, i, &tail) else { continue };
            flat.settle(p, &d);
            let cost = (d.first..d.join).try_fold(0, |sum, b| Some(sum + flat.cost(p, &p.blocks[b])?));
            if cost.is_none_or(|c| c > WORTH)
                || !matches!(p.tys[p.blocks[d.join].lo as usize], Ty::Double | Ty::Time | Ty::Interval)
            {
                continue;
            }
            flat.joined[d.join] = Some(d.joined);
            flat.silent[i] = true;
            for arm in [d.first, d.second] {
                flat.absorbed[arm] = true;
                flat.silent[tail[arm]] = true;
            }
            flat.absorbed[d.join] = true;
            tail[i] = tail[d.join];
        }
        flat
    }

    /// A condition like `percent < 70` settles what its other arm requires of the same window.
    fn settle(&mut self, p: &Program, d: &Diamond) {
        let Inst::Binary(op, a, b) = p.insts[d.joined.condition.ix()] else { return };
        let (Inst::Percent(window), Inst::Double(least)) = (p.insts[a.ix()], p.insts[b.ix()]) else { return };
        // The arm in which the percentage is at least the constant. A percentage is never NaN.
        let enough = match op {
            ScalarOp::Lt | ScalarOp::Le => d.no,
            ScalarOp::Gt | ScalarOp::Ge => d.yes,
            _ => return,
        };
        let last = if enough == d.first { d.second } else { d.join };
        for block in &p.blocks[enough..last] {
            for v in block.lo..block.hi {
                if let Inst::Require(w, wanted) = p.insts[v as usize] {
                    self.holds[v as usize] |= w == window && f64::from_bits(wanted) <= f64::from_bits(least);
                }
            }
        }
    }

    /// What it costs to compute a block when nobody needs it; none when it must not be.
    fn cost(&self, p: &Program, block: &Block) -> Option<u32> {
        let live = |v: &u32| p.live[*v as usize] && !self.holds[*v as usize];
        (block.lo..block.hi).filter(live).try_fold(0, |sum, v| Some(sum + early(p, &p.insts[v as usize])?))
    }
}

/// The cost of an instruction that is quiet and calls nothing.
fn early(p: &Program, inst: &Inst) -> Option<u32> {
    Some(match *inst {
        Inst::Reduce(kind, w, _) if newest_tells(p, kind, w) => 2,
        Inst::Reduce(Reduce::Len | Reduce::Sum, ..) => 1,
        Inst::Reduce(Reduce::Avg, ..) | Inst::Binary(ScalarOp::Div, ..) => 4,
        Inst::Reduce(..) => return None,
        Inst::Unary(op, _) if abi::unary(op).is_some() => return None,
        ref inst if !quiet(inst) => return None,
        Inst::Param | Inst::Select(..) => 3,
        Inst::Unary(..) => 2,
        Inst::Binary(op, ..) if is_comparison(op) => 2,
        _ => 1,
    })
}

/// A branch whose two arms meet again and bring a value.
struct Diamond {
    /// First blocks of the arms, in order of place.
    first: usize,
    second: usize,
    join: usize,
    /// First blocks of the arms, by the condition.
    yes: usize,
    no: usize,
    joined: Joined,
}

impl Diamond {
    fn at(p: &Program, i: usize, tail: &[usize]) -> Option<Diamond> {
        let Term::Branch(condition, BlockId(yes), BlockId(no)) = p.blocks[i].term else { return None };
        let (yes, no) = (yes as usize, no as usize);
        let first = i + 1;
        let second = *tail.get(first)? + 1;
        let join = *tail.get(second)? + 1;
        let value = |arm: usize| match p.blocks[tail[arm]].term {
            Term::Goto(BlockId(to), Some(v)) if to as usize == join => Some(v),
            _ => None,
        };
        if (yes, no) != (first, second) && (no, yes) != (first, second) {
            return None;
        }
        let joined = Joined { condition, yes: value(yes)?, no: value(no)? };
        let param = p.blocks.get(join).is_some_and(|b| b.lo < b.hi && p.insts[b.lo as usize] == Inst::Param);
        param.then_some(Diamond { first, second, join, yes, no, joined })
    }
}

//! Which targets can be judged after the code has run.
//!
//! In: a verified program. Out: targets, with the slot each is in. Never: one whose judgement anything later could tell from
//! its absence: nothing reads the judged value, and nothing after it can trap, stop or call.
//!
//! Most formulas end with their targets, and most targets are numbers of nodes: what is left is straight-line code.

use crate::ir::{Inst, Program, Term, Val};
use poolcast_runtime::{abi, scalar::ScalarOp};

/// A target judged late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Late {
    /// The `Target` instruction.
    pub target: Val,
    /// Where its value is stored.
    pub slot: u32,
}

/// The late targets, in the order in which they are to be judged.
pub(super) fn late(p: &Program) -> Vec<Late> {
    let mut late: Vec<Late> = Vec::new();
    // What instructions already passed, which are later ones, read other than to store it.
    let mut read = vec![false; p.insts.len()];
    let mut stores: Vec<(Val, u32)> = Vec::new();
    'walk: for block in p.blocks.iter().rev() {
        match block.term {
            Term::Finish | Term::Goto(_, None) => {}
            Term::Goto(_, Some(v)) | Term::Branch(v, ..) => read[v.ix()] = true,
            Term::Stop(_) | Term::Trap(_) => break,
        }
        for v in (block.lo..block.hi).rev() {
            let inst = p.insts[v as usize];
            if !p.live[v as usize] {
                continue;
            }
            match inst {
                Inst::Store(slot, x) => stores.push((x, slot)),
                Inst::Target(x) => {
                    read[x.ix()] = true;
                    let mut slots = stores.iter().filter(|(stored, _)| stored.0 == v);
                    match (slots.next(), slots.next()) {
                        (Some((target, slot)), None) if !read[v as usize] => {
                            late.push(Late { target: *target, slot: *slot });
                        }
                        _ => break 'walk,
                    }
                }
                _ if quiet(&inst) => p.operands(&inst, |x| read[x.ix()] = true),
                _ => break 'walk,
            }
        }
    }
    late.reverse();
    late
}

/// Neither traps nor writes nor calls what may.
pub(super) fn quiet(inst: &Inst) -> bool {
    match *inst {
        Inst::Param | Inst::Double(_) | Inst::Interval(_) | Inst::Time(_) | Inst::Str(_) | Inst::Option(_) => true,
        Inst::Metric(_) | Inst::Input(_) | Inst::Select(..) | Inst::Percent(_) | Inst::Window(_) | Inst::Reduce(..) => {
            true
        }
        Inst::Unary(ScalarOp::Neg | ScalarOp::Not | ScalarOp::Truth, _) => true,
        Inst::Unary(op, _) => abi::unary(op).is_some(),
        Inst::Binary(ScalarOp::Add | ScalarOp::Sub | ScalarOp::Mul | ScalarOp::Div, ..) => true,
        Inst::Binary(op, ..) => matches!(op, ScalarOp::Min2 | ScalarOp::Max2) || crate::ir::lower::is_comparison(op),
        _ => false,
    }
}

//! The typed intermediate representation: one program, two engines.
//!
//! In: nothing (data types; `lower` makes programs). Out: `Program`. Never: names of functions, diagnostics, text.
//!
//! A program is a list of instructions in static single assignment form. An instruction's index is its value. Blocks are
//! contiguous ranges of instructions, entered only at their start, ended by one terminator; control only ever goes to a
//! later block, so every program ends. A join of two arms is a block whose first instruction is `Param`.
//!
//! Sample windows that are constant offsets from now are listed in `windows` and resolved once before a run; reading them
//! is then a load, and reductions over them need no vector (`Reduce`). Everything else goes through the catalogue (`Call`).

mod fuse;
mod lazy;
pub mod lower;
pub mod print;
pub mod verify;

use crate::check::hir::Output;
pub use crate::check::hir::Poison;
use poolcast_grammar::Span;
pub use poolcast_runtime::window::Reduce;
use poolcast_runtime::{
    catalog::OverloadId, metric::Metric, rules::Rules, scalar::ScalarOp, ty::Ty, value::DeallocationOption,
    window::WindowSpec,
};

/// A value: the index of the instruction that makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Val(pub u32);
/// A block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlockId(pub u32);
/// A constant window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WindowId(pub u32);
/// A range of `Program::lists`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct List {
    /// First index.
    pub lo: u32,
    /// One past the last.
    pub hi: u32,
}

impl Val {
    /// As an index.
    pub fn ix(self) -> usize {
        self.0 as usize
    }
}

/// A number the run is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Input {
    /// The instant of the evaluation (timestamp).
    Now,
    /// The pool's present target: 0 dedicated, 1 low priority.
    Target(u8),
    /// Nodes in the pool now: 0 dedicated, 1 low priority.
    Current(u8),
    /// Task slots per node.
    TaskSlots,
}

/// One instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Inst {
    /// The value a join block is entered with.
    Param,
    /// A double, by its bits.
    Double(u64),
    /// An interval constant, in ticks.
    Interval(i64),
    /// A timestamp constant, in ticks.
    Time(i64),
    /// A string literal: index into `Program::strings`, which is sorted.
    Str(u32),
    /// A deallocation option.
    Option(DeallocationOption),
    /// A metric object, receiver of a generic method call.
    Metric(Metric),
    /// A number the run is given.
    Input(Input),
    /// A scalar operation of one operand.
    Unary(ScalarOp, Val),
    /// A scalar operation of two operands. Operations on ticks trap on overflow.
    Binary(ScalarOp, Val, Val),
    /// `cond` true ? first : second; both are already computed.
    Select(Val, Val, Val),
    /// Traps unless the window holds this percentage (bits of a double) of its possible samples.
    Require(WindowId, u64),
    /// Percentage of possible samples present.
    Percent(WindowId),
    /// The window's samples as a vector, no copy.
    Window(WindowId),
    /// A reduction of a window; the operand where the reduction has one.
    Reduce(Reduce, WindowId, Option<Val>),
    /// Doubles and vectors joined into one vector.
    Flatten(List),
    /// Element-wise arithmetic; one side may be a double.
    Vector(ScalarOp, Val, Val),
    /// The only element of a vector, or a trap.
    Single(Val),
    /// A catalogue function, method or member.
    Call(OverloadId, List),
    /// A value on its way into a target: traps when it cannot be one.
    Target(Val),
    /// Write a variable to the frame.
    Store(u32, Val),
}

/// How a block ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Term {
    /// Go on at a later block, entering it with a value when it has a `Param`.
    Goto(BlockId, Option<Val>),
    /// Choose by a condition (non-zero is true; NaN by rule `nan_condition`).
    Branch(Val, BlockId, BlockId),
    /// All statements done.
    Finish,
    /// `stop()` in this statement.
    Stop(u32),
    /// The checker rejected this place: index into `Program::poisons`.
    Trap(u32),
}

/// A run of instructions without control flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// First instruction.
    pub lo: u32,
    /// One past the last.
    pub hi: u32,
    /// Its end.
    pub term: Term,
    /// Where a trap of the terminator is reported.
    pub at: u32,
}

/// One frame slot: one assignment.
#[derive(Debug, Clone, PartialEq)]
pub struct Slot {
    /// The name as written.
    pub name: std::sync::Arc<str>,
    /// Set for service variables.
    pub output: Option<Output>,
    /// Type of the value.
    pub ty: Ty,
    /// Statement that assigns it.
    pub stmt: u32,
    /// The statement's text.
    pub span: Span,
}

/// What a formula reads of one metric.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Read {
    /// The metric.
    pub metric: Metric,
    /// How far back, when every read of it is a constant window; none when it depends on values.
    pub look_back: Option<poolcast_runtime::ticks::Interval>,
    /// How many newest samples are read by count.
    pub newest: u32,
}

/// A lowered formula. Verified: see `verify`.
#[derive(Debug, Clone)]
pub struct Program {
    /// Instructions; the index is the value.
    pub insts: Vec<Inst>,
    /// Type of each value (`Never` for instructions without one).
    pub tys: Vec<Ty>,
    /// Byte of the formula where a trap of the instruction is reported.
    pub at: Vec<u32>,
    /// Whether anything uses the instruction; engines skip the others.
    pub live: Vec<bool>,
    /// Blocks; the first is the entry.
    pub blocks: Vec<Block>,
    /// Operand lists.
    pub lists: Vec<Val>,
    /// Constant windows.
    pub windows: Vec<WindowSpec>,
    /// String literals, sorted.
    pub strings: Vec<String>,
    /// Rejections.
    pub poisons: Vec<Poison>,
    /// The frame.
    pub slots: Vec<Slot>,
    /// Final slot of each user variable, in byte order of names, for a run that finishes.
    pub variables: Vec<u32>,
    /// Final slot of each output for a run that finishes: dedicated, low priority, option (the full name wins over an alias).
    pub outputs: [Option<u32>; 3],
    /// Metrics read.
    pub reads: Vec<Read>,
    /// Rules the program was lowered under.
    pub rules: Rules,
}

impl Program {
    /// Operands of a list.
    pub fn list(&self, list: List) -> &[Val] {
        &self.lists[list.lo as usize..list.hi as usize]
    }
    /// Operands of an instruction, in order.
    pub fn operands(&self, inst: &Inst, mut each: impl FnMut(Val)) {
        match *inst {
            Inst::Unary(_, a) | Inst::Single(a) | Inst::Target(a) | Inst::Store(_, a) => each(a),
            Inst::Binary(_, a, b) | Inst::Vector(_, a, b) => [a, b].into_iter().for_each(each),
            Inst::Select(a, b, c) => [a, b, c].into_iter().for_each(each),
            Inst::Reduce(_, _, Some(a)) => each(a),
            Inst::Flatten(list) | Inst::Call(_, list) => self.list(list).iter().copied().for_each(each),
            _ => {}
        }
    }
}

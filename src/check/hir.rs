//! The checked formula: names resolved, types known, coercions explicit, errors turned into poison.
//!
//! In: nothing (data types). Invariant POSTORDER as in the syntax tree: operands have smaller ids, a subtree is contiguous.

use poolcast_grammar::{BinOp, Span, UnOp};
use poolcast_runtime::{catalog::OverloadId, metric::Metric, ticks::Interval, ty::Ty, value::DeallocationOption};
use std::sync::Arc;

/// Index of a checked expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HId(pub u32);
/// One assignment: a name has a new version each time it is assigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VersionId(pub u32);

impl HId {
    /// As an index.
    pub fn ix(self) -> usize {
        self.0 as usize
    }
}
impl VersionId {
    /// As an index.
    pub fn ix(self) -> usize {
        self.0 as usize
    }
}

/// The three service variables a formula writes. Aliases are separate slots: the full name wins whatever the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Output {
    /// `$TargetDedicatedNodes`
    Dedicated,
    /// `$TargetLowPriorityNodes`
    LowPriority,
    /// `$TargetDedicated`
    DedicatedAlias,
    /// `$TargetLowPriority`
    LowPriorityAlias,
    /// `$NodeDeallocationOption`
    Option,
}

impl Output {
    /// The variable of a name.
    pub fn from_name(name: &str) -> Option<Output> {
        Some(match name {
            "$TargetDedicatedNodes" => Output::Dedicated,
            "$TargetLowPriorityNodes" => Output::LowPriority,
            "$TargetDedicated" => Output::DedicatedAlias,
            "$TargetLowPriority" => Output::LowPriorityAlias,
            "$NodeDeallocationOption" => Output::Option,
            _ => return None,
        })
    }
    /// The full name the service prints.
    pub fn name(self) -> &'static str {
        match self {
            Output::Dedicated | Output::DedicatedAlias => "$TargetDedicatedNodes",
            Output::LowPriority | Output::LowPriorityAlias => "$TargetLowPriorityNodes",
            Output::Option => "$NodeDeallocationOption",
        }
    }
    /// 0 dedicated, 1 low priority; none for the option.
    pub fn target(self) -> Option<usize> {
        match self {
            Output::Dedicated | Output::DedicatedAlias => Some(0),
            Output::LowPriority | Output::LowPriorityAlias => Some(1),
            Output::Option => None,
        }
    }
}

/// A range of `Hir::args`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HArgs {
    /// First index.
    pub lo: u32,
    /// One past the last.
    pub hi: u32,
}

/// What an expression does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum HKind {
    /// A number, or a comparison's constant.
    Double(f64),
    /// A duration constant.
    Interval(Interval),
    /// A string literal: index into `Hir::strings`.
    Str(u32),
    /// A deallocation keyword.
    Option(DeallocationOption),
    /// The value last assigned to a variable.
    Var(VersionId),
    /// The pool's current target (0 dedicated, 1 low priority), read before the formula assigned it.
    CurrentTarget(u8),
    /// A metric object that is the receiver of a method.
    Metric(Metric),
    /// A metric read as a number: the pool's live value for plain metrics, else the last visible sample (0 when none).
    Latest(Metric),
    /// Arithmetic, comparison; operand types are those of the operands.
    Binary(BinOp, HId, HId),
    /// `&&`, `||`: evaluates the right side only when needed.
    Logic(BinOp, HId, HId),
    /// `-`, `!`.
    Unary(UnOp, HId),
    /// Evaluates one arm.
    Ternary(HId, HId, HId),
    /// A function, method (receiver first in args) or member (receiver only). List parameters are not yet flattened.
    Call(OverloadId, HArgs),
    /// A vector where a number is needed: its only element, or a trap.
    Single(HId),
    /// A number where a vector is needed (a ternary arm).
    ToVec(HId),
    /// `stop()`.
    Stop,
    /// Rejected: evaluation traps here. Index into `Hir::poisons`.
    Poison(u32),
}

/// One checked expression.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HExpr {
    /// What it does.
    pub kind: HKind,
    /// Its type.
    pub ty: Ty,
    /// Its text.
    pub span: Span,
    /// Where a failure in it is reported: the `(` of a call, the first character of a name.
    pub at: u32,
}

/// Why evaluation traps at a poison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Poison {
    /// `Undefined symbol: NAME` (the service's own text).
    Undefined(String),
    /// Any other rejection; the diagnostic's message.
    Rejected(String),
}

/// One assignment.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    /// The name as written, `$` included.
    pub name: Arc<str>,
    /// Set when it is a service variable.
    pub output: Option<Output>,
    /// Type of the value.
    pub ty: Ty,
    /// Index of the statement that assigns it.
    pub stmt: u32,
}

/// One statement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HStmt {
    /// The version it assigns; none for a bare expression.
    pub version: Option<VersionId>,
    /// Its value.
    pub value: HId,
    /// First id of the statement's expressions (they are `first..=value`).
    pub first: u32,
    /// Its text.
    pub span: Span,
    /// The assigned name's text.
    pub target_span: Span,
}

/// A checked formula.
#[derive(Debug, Clone, Default)]
pub struct Hir {
    /// Expressions in POSTORDER.
    pub exprs: Vec<HExpr>,
    /// Argument lists.
    pub args: Vec<HId>,
    /// Statements.
    pub stmts: Vec<HStmt>,
    /// Assignments.
    pub versions: Vec<Version>,
    /// String literals, sorted and unique: comparing indices compares texts.
    pub strings: Vec<String>,
    /// Rejections.
    pub poisons: Vec<Poison>,
}

impl Hir {
    /// Expression of an id.
    pub fn expr(&self, id: HId) -> &HExpr {
        &self.exprs[id.ix()]
    }
    /// Arguments of a call.
    pub fn args(&self, a: HArgs) -> &[HId] {
        &self.args[a.lo as usize..a.hi as usize]
    }
}

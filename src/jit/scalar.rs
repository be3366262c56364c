//! Scalar operations as Cranelift instructions, one line each; the reference is `runtime::scalar`.
//!
//! In: operands. Out: the result, or nothing when the operation is a host call. Never: traps, vectors.

use cranelift::codegen::ir::{Endianness, MemFlagsData};
use cranelift::prelude::*;
use poolcast_runtime::scalar::ScalarOp;

/// The comparison an operation is, for doubles.
pub(super) fn comparison(op: ScalarOp) -> Option<FloatCC> {
    Some(match op {
        ScalarOp::Lt => FloatCC::LessThan,
        ScalarOp::Le => FloatCC::LessThanOrEqual,
        ScalarOp::Gt => FloatCC::GreaterThan,
        ScalarOp::Ge => FloatCC::GreaterThanOrEqual,
        ScalarOp::Eq => FloatCC::Equal,
        ScalarOp::Ne => FloatCC::NotEqual,
        _ => return None,
    })
}

/// The comparison an operation is, for ticks and for string literals (which are sorted, so their indices compare).
pub(super) fn tick_comparison(op: ScalarOp) -> Option<IntCC> {
    use ScalarOp::*;
    Some(match op {
        TimeLt | IntervalLt | StrLt => IntCC::SignedLessThan,
        TimeLe | IntervalLe | StrLe => IntCC::SignedLessThanOrEqual,
        TimeGt | IntervalGt | StrGt => IntCC::SignedGreaterThan,
        TimeGe | IntervalGe | StrGe => IntCC::SignedGreaterThanOrEqual,
        TimeEq | IntervalEq | StrEq => IntCC::Equal,
        TimeNe | IntervalNe | StrNe => IntCC::NotEqual,
        _ => return None,
    })
}

/// How this target chooses between two doubles. A flag makes x86-64 jump, and nobody predicts a formula's choices: there a
/// comparison is a mask, and a mask of the difference chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    Flags,
    Masks,
}

/// All ones where the comparison holds, as a double.
fn mask(b: &mut FunctionBuilder<'_>, cc: FloatCC, x: Value, y: Value) -> Value {
    let (x, y) = (b.ins().splat(types::F64X2, x), b.ins().splat(types::F64X2, y));
    let lanes = b.ins().fcmp(cc, x, y);
    let lanes = b.ins().bitcast(types::F64X2, MemFlagsData::new().with_endianness(Endianness::Little), lanes);
    b.ins().extractlane(lanes, 0)
}

impl Choice {
    /// `x cc y ? yes : no`.
    pub(super) fn choose(
        self,
        b: &mut FunctionBuilder<'_>,
        (cc, x, y): (FloatCC, Value, Value),
        yes: Value,
        no: Value,
    ) -> Value {
        // Vectors have no single instruction for the last.
        if self == Choice::Masks && cc != FloatCC::OrderedNotEqual {
            let mask = mask(b, cc, x, y);
            let difference = b.ins().bxor(yes, no);
            let taken = b.ins().band(mask, difference);
            return b.ins().bxor(no, taken);
        }
        let flag = b.ins().fcmp(cc, x, y);
        b.ins().select(flag, yes, no)
    }
    /// `x cc y` as 1.0 or 0.0.
    fn number(self, b: &mut FunctionBuilder<'_>, cc: FloatCC, x: Value, y: Value) -> Value {
        let one = b.ins().f64const(1.0);
        if self == Choice::Masks {
            let mask = mask(b, cc, x, y);
            return b.ins().band(mask, one);
        }
        let flag = b.ins().fcmp(cc, x, y);
        number(b, flag)
    }
}

/// `flag` as 1.0 or 0.0.
fn number(b: &mut FunctionBuilder<'_>, flag: Value) -> Value {
    let one = b.ins().f64const(1.0);
    let zero = b.ins().f64const(0.0);
    b.ins().select(flag, one, zero)
}

/// An operation on one double.
pub(super) fn unary(b: &mut FunctionBuilder<'_>, choice: Choice, op: ScalarOp, x: Value) -> Option<Value> {
    match op {
        ScalarOp::Neg => Some(b.ins().fneg(x)),
        ScalarOp::Not | ScalarOp::Truth => {
            let zero = b.ins().f64const(0.0);
            let cc = if op == ScalarOp::Not { FloatCC::Equal } else { FloatCC::NotEqual };
            Some(choice.number(b, cc, x, zero))
        }
        _ => None,
    }
}

/// `y < x ? y : x`. Not `fmin`: its NaN rule differs from the language's scan. Written as x86-64's own `minsd` is known.
pub(super) fn min2(b: &mut FunctionBuilder<'_>, x: Value, y: Value) -> Value {
    let less = b.ins().fcmp(FloatCC::LessThan, y, x);
    b.ins().select(less, y, x)
}
/// `y > x ? y : x`, likewise.
pub(super) fn max2(b: &mut FunctionBuilder<'_>, x: Value, y: Value) -> Value {
    let less = b.ins().fcmp(FloatCC::LessThan, x, y);
    b.ins().select(less, y, x)
}

/// An operation on two doubles, or a comparison of ticks or strings.
pub(super) fn binary(b: &mut FunctionBuilder<'_>, choice: Choice, op: ScalarOp, x: Value, y: Value) -> Option<Value> {
    if let Some(cc) = comparison(op) {
        return Some(choice.number(b, cc, x, y));
    }
    if let Some(cc) = tick_comparison(op) {
        let flag = b.ins().icmp(cc, x, y);
        return Some(number(b, flag));
    }
    Some(match op {
        ScalarOp::Add => b.ins().fadd(x, y),
        ScalarOp::Sub => b.ins().fsub(x, y),
        ScalarOp::Mul => b.ins().fmul(x, y),
        ScalarOp::Div => b.ins().fdiv(x, y),
        ScalarOp::Min2 => min2(b, x, y),
        ScalarOp::Max2 => max2(b, x, y),
        _ => return None,
    })
}

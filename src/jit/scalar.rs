//! Scalar operations as Cranelift instructions, one line each; the reference is `runtime::scalar`.
//!
//! In: operands. Out: the result, or nothing when the operation is a host call. Never: traps, vectors.

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

/// `flag` as 1.0 or 0.0.
fn number(b: &mut FunctionBuilder<'_>, flag: Value) -> Value {
    let one = b.ins().f64const(1.0);
    let zero = b.ins().f64const(0.0);
    b.ins().select(flag, one, zero)
}

/// An operation on one double.
pub(super) fn unary(b: &mut FunctionBuilder<'_>, op: ScalarOp, x: Value) -> Option<Value> {
    match op {
        ScalarOp::Neg => Some(b.ins().fneg(x)),
        ScalarOp::Not | ScalarOp::Truth => {
            let zero = b.ins().f64const(0.0);
            let cc = if op == ScalarOp::Not { FloatCC::Equal } else { FloatCC::NotEqual };
            let flag = b.ins().fcmp(cc, x, zero);
            Some(number(b, flag))
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
pub(super) fn binary(b: &mut FunctionBuilder<'_>, op: ScalarOp, x: Value, y: Value) -> Option<Value> {
    if let Some(cc) = comparison(op) {
        let flag = b.ins().fcmp(cc, x, y);
        return Some(number(b, flag));
    }
    if let Some(cc) = tick_comparison(op) {
        let flag = b.ins().icmp(cc, x, y);
        return Some(number(b, flag));
    }
    Some(match op {
        ScalarOp::Add => b.ins().fadd(x, y),
        ScalarOp::Sub => b.ins().fsub(x, y),
        ScalarOp::Mul => b.ins().fmul(x, y),
        ScalarOp::Min2 => min2(b, x, y),
        ScalarOp::Max2 => max2(b, x, y),
        _ => return None,
    })
}

/// 1/y where multiplying by it rounds as dividing by `y` does: y is a power of two and so is, in the normal range, 1/y.
pub(super) fn exact_reciprocal(y: f64) -> Option<f64> {
    let power = y.is_normal() && y.to_bits() & ((1 << 52) - 1) == 0;
    Some(1.0 / y).filter(|r| power && r.is_normal())
}

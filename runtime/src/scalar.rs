//! The operations an engine may implement itself, with the function each must equal bit for bit (NaN payload aside).
//!
//! In: numbers, times, intervals. Out: the same, or [`Trap::TimeOverflow`]. Never: vectors, samples, rules.

use crate::{trap::Trap, ty::Ty, value::Value};

/// 1 or 0, the language's booleans.
pub fn number(b: bool) -> f64 {
    if b { 1.0 } else { 0.0 }
}
/// The running minimum: a NaN that is not first is ignored (language.md §2.7).
pub fn min2(acc: f64, x: f64) -> f64 {
    if x < acc { x } else { acc }
}
/// The running maximum, likewise.
pub fn max2(acc: f64, x: f64) -> f64 {
    if x > acc { x } else { acc }
}
/// Whether a condition holds: everything but zero does, NaN included.
pub fn truth(x: f64) -> bool {
    x != 0.0
}
/// Nearest whole number, halves away from zero.
pub fn round(x: f64) -> f64 {
    x.round()
}
/// Nearest whole number, halves to even.
pub fn round_even(x: f64) -> f64 {
    x.round_ties_even()
}
/// Logarithms come from `libm`, so they are the same on every system.
pub fn log2(x: f64) -> f64 {
    libm::log2(x)
}
/// Natural logarithm.
pub fn ln(x: f64) -> f64 {
    libm::log(x)
}
/// Logarithm to base 10.
pub fn log10(x: f64) -> f64 {
    libm::log10(x)
}

macro_rules! ops {
    ($( $op:ident $name:literal ($($arg:ident : $pat:ident),*) -> $ret:ident : $body:expr; )*) => {
        /// A scalar operation. Tick comparisons are written for both kinds of ticks.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ScalarOp { $( #[doc = $name] $op, )* }

        impl ScalarOp {
            /// All of them.
            pub const ALL: &'static [ScalarOp] = &[ $( ScalarOp::$op, )* ];
            /// The name in listings.
            pub fn name(self) -> &'static str {
                match self { $( ScalarOp::$op => $name, )* }
            }
            /// Types of the operands.
            pub fn operands(self) -> &'static [Ty] {
                match self { $( ScalarOp::$op => &[ $( Ty::$pat ),* ], )* }
            }
            /// Type of the result.
            pub fn result(self) -> Ty {
                match self { $( ScalarOp::$op => Ty::$ret, )* }
            }
            /// The reference. Operands of other types are our bug.
            pub fn eval<'r>(self, args: &[Value<'r>]) -> Result<Value<'r>, Trap> {
                match (self, args) {
                    $( (ScalarOp::$op, [ $( Value::$pat($arg) ),* ]) => { $( let $arg = *$arg; )* ops!(@ $ret $body) } )*
                    _ => Err(Trap::Internal(format!("{} given {:?}", self.name(), args.iter().map(Value::ty).collect::<Vec<_>>()).into())),
                }
            }
        }
    };
    (@ Double $body:expr) => { Ok(Value::Double($body)) };
    (@ Time $body:expr) => { $body.map(Value::Time) };
    (@ Interval $body:expr) => { $body.map(Value::Interval) };
}

ops! {
    Add "add" (a: Double, b: Double) -> Double: a + b;
    Sub "sub" (a: Double, b: Double) -> Double: a - b;
    Mul "mul" (a: Double, b: Double) -> Double: a * b;
    Div "div" (a: Double, b: Double) -> Double: a / b;
    Neg "neg" (a: Double) -> Double: -a;
    Not "not" (a: Double) -> Double: number(!truth(a));
    Truth "truth" (a: Double) -> Double: number(truth(a));
    Lt "lt" (a: Double, b: Double) -> Double: number(a < b);
    Le "le" (a: Double, b: Double) -> Double: number(a <= b);
    Gt "gt" (a: Double, b: Double) -> Double: number(a > b);
    Ge "ge" (a: Double, b: Double) -> Double: number(a >= b);
    Eq "eq" (a: Double, b: Double) -> Double: number(a == b);
    Ne "ne" (a: Double, b: Double) -> Double: number(a != b);
    Min2 "min2" (a: Double, b: Double) -> Double: min2(a, b);
    Max2 "max2" (a: Double, b: Double) -> Double: max2(a, b);
    Ceil "ceil" (a: Double) -> Double: a.ceil();
    Floor "floor" (a: Double) -> Double: a.floor();
    Round "round" (a: Double) -> Double: round(a);
    RoundEven "round_even" (a: Double) -> Double: round_even(a);
    Log2 "log2" (a: Double) -> Double: log2(a);
    Ln "ln" (a: Double) -> Double: ln(a);
    Log10 "log10" (a: Double) -> Double: log10(a);
    TimeAddInterval "time_add_interval" (a: Time, b: Interval) -> Time: a.plus(b);
    IntervalAddTime "interval_add_time" (a: Interval, b: Time) -> Time: b.plus(a);
    TimeSubInterval "time_sub_interval" (a: Time, b: Interval) -> Time: a.minus(b);
    TimeSub "time_sub" (a: Time, b: Time) -> Interval: a.since(b);
    IntervalAdd "interval_add" (a: Interval, b: Interval) -> Interval: a.plus(b);
    IntervalSub "interval_sub" (a: Interval, b: Interval) -> Interval: a.minus(b);
    IntervalNeg "interval_neg" (a: Interval) -> Interval: a.negated();
    IntervalMul "interval_mul" (a: Interval, b: Double) -> Interval: a.times(b);
    MulInterval "mul_interval" (a: Double, b: Interval) -> Interval: b.times(a);
    IntervalDiv "interval_div" (a: Interval, b: Double) -> Interval: a.over(b);
    TimeLt "time_lt" (a: Time, b: Time) -> Double: number(a < b);
    TimeLe "time_le" (a: Time, b: Time) -> Double: number(a <= b);
    TimeGt "time_gt" (a: Time, b: Time) -> Double: number(a > b);
    TimeGe "time_ge" (a: Time, b: Time) -> Double: number(a >= b);
    TimeEq "time_eq" (a: Time, b: Time) -> Double: number(a == b);
    TimeNe "time_ne" (a: Time, b: Time) -> Double: number(a != b);
    IntervalLt "interval_lt" (a: Interval, b: Interval) -> Double: number(a < b);
    IntervalLe "interval_le" (a: Interval, b: Interval) -> Double: number(a <= b);
    IntervalGt "interval_gt" (a: Interval, b: Interval) -> Double: number(a > b);
    IntervalGe "interval_ge" (a: Interval, b: Interval) -> Double: number(a >= b);
    IntervalEq "interval_eq" (a: Interval, b: Interval) -> Double: number(a == b);
    IntervalNe "interval_ne" (a: Interval, b: Interval) -> Double: number(a != b);
    StrLt "str_lt" (a: Str, b: Str) -> Double: number(a < b);
    StrLe "str_le" (a: Str, b: Str) -> Double: number(a <= b);
    StrGt "str_gt" (a: Str, b: Str) -> Double: number(a > b);
    StrGe "str_ge" (a: Str, b: Str) -> Double: number(a >= b);
    StrEq "str_eq" (a: Str, b: Str) -> Double: number(a == b);
    StrNe "str_ne" (a: Str, b: Str) -> Double: number(a != b);
}

impl ScalarOp {
    /// The function itself, for the four operations that also work element by element.
    pub fn arithmetic(self) -> Option<fn(f64, f64) -> f64> {
        Some(match self {
            ScalarOp::Add => |a, b| a + b,
            ScalarOp::Sub => |a, b| a - b,
            ScalarOp::Mul => |a, b| a * b,
            ScalarOp::Div => |a, b| a / b,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ticks::{Interval, Ticks};

    #[test]
    fn operands_are_checked_and_results_have_the_declared_type() {
        let sample = |ty| match ty {
            Ty::Double => Value::Double(2.5),
            Ty::Time => Value::Time(Ticks(5)),
            Ty::Interval => Value::Interval(Interval(7)),
            _ => Value::Str("a"),
        };
        for op in ScalarOp::ALL {
            let args: Vec<_> = op.operands().iter().map(|t| sample(*t)).collect();
            assert_eq!(op.eval(&args).unwrap().ty(), op.result(), "{}", op.name());
            assert!(matches!(op.eval(&[Value::Vec(&[])]), Err(Trap::Internal(_))));
        }
    }

    #[test]
    fn edges() {
        assert_eq!((min2(5000.0, f64::NAN), max2(0.0, f64::NAN)), (5000.0, 0.0));
        assert!(min2(f64::NAN, 1.0).is_nan() && truth(f64::NAN) && !truth(-0.0));
        assert_eq!((round(0.5), round(-2.5), round_even(2.5)), (1.0, -3.0, 2.0));
        assert_eq!((log2(8.0), log10(1000.0), ln(0.0)), (3.0, 3.0, f64::NEG_INFINITY));
        assert!(ln(-1.0).is_nan());
    }
}

//! Functions of one number that also work on every element of a list (language.md §2.7).
//!
//! In: a number or a flattened vector. Out: the same shape. Never: a platform's logarithm: `libm` gives the same bits everywhere.

use super::{DOC, double, row, vector};
use crate::{
    catalog::{Builtin, Evidence},
    cx::Cx,
    rules::{Halves, Rules},
    scalar,
    trap::Trap,
    value::Value,
};

/// `round` under the rule.
pub fn round(rules: &Rules) -> fn(f64) -> f64 {
    match rules.round {
        Halves::Away => scalar::round,
        Halves::Even => scalar::round_even,
    }
}

fn one<'r>(args: &[Value<'r>], f: fn(f64) -> f64) -> Result<Value<'r>, Trap> {
    Ok(Value::Double(f(double(args, 0)?)))
}
fn each<'r>(cx: &mut Cx<'r>, args: &[Value<'r>], f: fn(f64) -> f64) -> Result<Value<'r>, Trap> {
    let v = vector(args, 0)?;
    let out = cx.alloc(v.len())?;
    out.iter_mut().zip(v).for_each(|(o, x)| *o = f(*x));
    Ok(Value::Vec(out))
}

const NEW: Evidence = Evidence::Documented("S9, S11");

pub(super) const ROWS: &[Builtin] = &[
    row! { Function "ceil" {
            "ceil(double) -> double" [Double; 1] => Double, Const, Some(|_, a| one(a, f64::ceil));
            "ceil(doubleVecList) -> doubleVec" [List; 0] => Vec, Const, Some(|cx, a| each(cx, a, f64::ceil)) }
        "The smallest whole number that is not less; of a list, of each of its numbers."
        NEW, "2022-11"
        ["ceil(2.1)" => "3", "ceil(-2.1)" => "-2", "ceil(1.5, 3)" => "[2,3]"]
    },
    row! { Function "floor" {
            "floor(double) -> double" [Double; 1] => Double, Const, Some(|_, a| one(a, f64::floor));
            "floor(doubleVecList) -> doubleVec" [List; 0] => Vec, Const, Some(|cx, a| each(cx, a, f64::floor)) }
        "The largest whole number that is not greater; of a list, of each of its numbers."
        NEW, "2022-11"
        ["floor(2.9)" => "2", "floor(-2.1)" => "-3", "floor(1.5, 3)" => "[1,3]"]
    },
    row! { Function "round" {
            "round(double) -> double" [Double; 1] => Double, Const, Some(|cx, a| one(a, round(cx.rules)));
            "round(doubleVecList) -> doubleVec" [List; 0] => Vec, Const, Some(|cx, a| each(cx, a, round(cx.rules))) }
        "The nearest whole number, halves away from zero (rule `round`); of a list, of each of its numbers."
        NEW, "2022-11"
        ["round(2.5)" => "3", "round(-0.5)" => "-1", "round(1.4, 1.6)" => "[1,2]"]
    },
    row! { Function "lg" {
            "lg(double) -> double" [Double; 1] => Double, Const, Some(|_, a| one(a, scalar::log2));
            "lg(doubleVecList) -> doubleVec" [List; 0] => Vec, Const, Some(|cx, a| each(cx, a, scalar::log2)) }
        "The logarithm to base 2; of a list, of each of its numbers. Of 0: minus infinity; below 0: NaN."
        DOC, "always"
        ["lg(8)" => "3", "lg(0)" => "-inf", "lg(2, 1024)" => "[1,10]"]
    },
    row! { Function "ln" {
            "ln(double) -> double" [Double; 1] => Double, Const, Some(|_, a| one(a, scalar::ln));
            "ln(doubleVecList) -> doubleVec" [List; 0] => Vec, Const, Some(|cx, a| each(cx, a, scalar::ln)) }
        "The natural logarithm; of a list, of each of its numbers. Of 0: minus infinity; below 0: NaN."
        DOC, "always"
        ["ln(1)" => "0", "ln(10)" => "2.30259", "ln(1, 1)" => "[0,0]"]
    },
    row! { Function "log" {
            "log(double) -> double" [Double; 1] => Double, Const, Some(|_, a| one(a, scalar::log10));
            "log(doubleVecList) -> doubleVec" [List; 0] => Vec, Const, Some(|cx, a| each(cx, a, scalar::log10)) }
        "The logarithm to base 10; of a list, of each of its numbers. Of 0: minus infinity; below 0: NaN."
        DOC, "always"
        ["log(1000)" => "3", "log(0 - 1)" => "nan", "log(10, 100)" => "[1,2]"]
    },
];

//! Functions of a list that give one number (language.md §2.7).
//!
//! In: one flattened vector. Out: a number; NaN and a note where there is nothing to reduce. Never: an order of summation
//! that depends on the machine or the engine: fused and prefix-summed reads must equal these bits.

use super::{DOC, double, row, vector};
use crate::{
    catalog::{Builtin, Evidence},
    cx::Cx,
    rules::PercentScale,
    scalar::{max2, min2},
    trap::Trap,
    value::Value,
};

/// Interleaved sums and scans of a long list.
const LANES: usize = 8;
/// Lists shorter than this are added up from left to right.
pub const LONG: usize = 2 * LANES;

/// Left to right from 0; of a long list, interleaved sums first, which do not wait for each other and round less.
#[inline]
fn add_up(v: &[f64], term: impl Fn(f64) -> f64) -> f64 {
    let (chunks, rest) = if v.len() < LONG { (&[][..], v) } else { v.as_chunks::<LANES>() };
    let mut lanes = [0.0; LANES];
    for chunk in chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane += term(*x);
        }
    }
    let lanes = lanes.into_iter().fold(0.0, |acc, lane| acc + lane);
    rest.iter().fold(lanes, |acc, x| acc + term(*x))
}
/// The sum; 0 of nothing.
pub fn sum(v: &[f64]) -> f64 {
    add_up(v, |x| x)
}
/// Sum over count; none of nothing.
pub fn mean(v: &[f64]) -> Option<f64> {
    if v.is_empty() { None } else { Some(sum(v) / v.len() as f64) }
}
/// Scanned with `<` from the first element.
pub fn min(v: &[f64]) -> Option<f64> {
    extreme(v, min2)
}
/// Scanned with `>` from the first element.
pub fn max(v: &[f64]) -> Option<f64> {
    extreme(v, max2)
}
/// The scan, in lanes that all start from the first element. A first NaN stays, later ones lose every comparison, and equal
/// numbers are the same bits unless they are zeros: then the first of them is what the scan keeps.
#[inline]
fn extreme(v: &[f64], pick: impl Fn(f64, f64) -> f64) -> Option<f64> {
    let first = *v.first()?;
    if v.len() < LONG {
        return v.iter().copied().reduce(pick);
    }
    let mut lanes = [first; LANES];
    let (chunks, rest) = v.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane = pick(*lane, *x);
        }
    }
    let found = lanes.iter().chain(rest).copied().fold(first, pick);
    if found == 0.0 { v.iter().copied().find(|x| *x == 0.0) } else { Some(found) }
}
/// Maximum less minimum.
pub fn range(v: &[f64]) -> Option<f64> {
    Some(max(v)? - min(v)?)
}
/// Sample standard deviation, dividing by n − 1; none below two elements.
///
/// Whole numbers below 2³¹ (every count is one) go through exact integer sums, so that a window's deviation can be read
/// off prefix sums with the same bits; anything else takes two passes.
pub fn std(v: &[f64]) -> Option<f64> {
    if v.len() < 2 {
        return None;
    }
    // Fewer than 2³² of them: neither their sum nor the halves of their squares overflow 64 bits.
    let (mut sum, mut low, mut high) = (0i64, 0u64, 0u64);
    // Chunks are given up without a branch for each number.
    for chunk in v.chunks(64) {
        if !chunk.iter().fold(true, |all, x| all & is_small_whole(*x)) {
            return two_pass_std(v);
        }
        for x in chunk {
            let whole = *x as i32;
            let square = (i64::from(whole) * i64::from(whole)) as u64;
            sum += i64::from(whole);
            low += square & 0xffff_ffff;
            high += square >> 32;
        }
    }
    Some(exact_std(v.len(), i128::from(sum), (i128::from(high) << 32) + i128::from(low)))
}
/// A whole number of 32 bits: its square fits 64.
#[inline]
pub(crate) fn is_small_whole(x: f64) -> bool {
    // Beside so large a number nothing but whole ones have room.
    const ROOM: f64 = (3u64 << 51) as f64;
    (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&x) & (x + ROOM - ROOM == x)
}
/// Deviation of `n` ≥ 2 whole numbers from their sum and sum of squares: nothing is rounded before the division.
#[inline]
pub(crate) fn exact_std(n: usize, sum: i128, squares: i128) -> f64 {
    // n < 2³² and every square ≤ 2⁶², so n·Σx² < 2¹²⁶.
    let n = n as i128;
    let numerator = n * squares - sum * sum;
    // Most fit 64 bits, whose conversion is an instruction instead of a call; the value is the same.
    let numerator = i64::try_from(numerator).map_or_else(|_| numerator as f64, |x| x as f64);
    (numerator / ((n * (n - 1)) as u64 as f64)).sqrt()
}
fn two_pass_std(v: &[f64]) -> Option<f64> {
    let mean = mean(v)?;
    let squares = add_up(v, |x| (x - mean) * (x - mean));
    Some((squares / (v.len() - 1) as f64).sqrt())
}
/// Square root of the sum of squares.
pub fn norm(v: &[f64]) -> f64 {
    add_up(v, |x| x * x).sqrt()
}
/// Nearest rank of `p` percent. `scratch` is as long as `v`. A NaN anywhere is the result: it has no rank.
pub fn percentile(v: &[f64], p: f64, scratch: &mut [f64]) -> Option<f64> {
    if v.is_empty() {
        return None;
    }
    if v.iter().any(|x| x.is_nan()) {
        return Some(f64::NAN);
    }
    scratch.copy_from_slice(v);
    Some(*scratch.select_nth_unstable_by(nearest_rank(p, v.len()), f64::total_cmp).1)
}
/// Position, from 0, of the nearest rank of `p` percent among `n` > 0 elements.
pub fn nearest_rank(p: f64, n: usize) -> usize {
    ((p / 100.0 * n as f64).ceil() as usize).clamp(1, n) - 1
}
/// Element `i`, cut off toward zero; none beyond the ends or for NaN.
pub fn val(v: &[f64], i: f64) -> Option<f64> {
    let i = i.trunc();
    // −0.5 is element 0; a NaN fails the comparison.
    if i >= 0.0 && i < v.len() as f64 { Some(v[i as usize]) } else { None }
}

fn or_nothing<'r>(cx: &mut Cx<'r>, x: Option<f64>, name: &'static str) -> Result<Value<'r>, Trap> {
    match x {
        Some(x) => Ok(Value::Double(x)),
        None => cx.nothing(name).map(Value::Double),
    }
}

/// `percentile` with the rule's scale and range check; also what a fused read calls.
pub fn percentile_in<'r>(cx: &mut Cx<'r>, v: &[f64], p: f64) -> Result<f64, Trap> {
    let percent = match cx.rules.percentile_scale {
        PercentScale::Hundred => p,
        PercentScale::One => p * 100.0,
    };
    if !(0.0..=100.0).contains(&percent) {
        return Err(Trap::OutOfRange(p));
    }
    if !v.is_empty()
        && let Some(x) = cx.snapshot.series.nth_of(v, nearest_rank(percent, v.len()))
    {
        return Ok(x);
    }
    let scratch = cx.alloc(v.len())?;
    match percentile(v, percent, scratch) {
        Some(x) => Ok(x),
        None => cx.nothing("percentile"),
    }
}

pub(super) const ROWS: &[Builtin] = &[
    row! { Function "avg" { "avg(doubleVecList) -> double" [List; 0] => Double, Const, Some(|cx, a| or_nothing(cx, mean(vector(a, 0)?), "avg")) }
        "The arithmetic mean of all numbers of the list. Of nothing: NaN and the note \"no sample available\"."
        DOC, "always"
        ["avg(1, 2, 6)" => "3", "avg($PendingTasks.GetSample(3), 8)" ("$PendingTasks": 1, 2, 5) => "4", "avg()" => "nan"]
    },
    row! { Function "len" { "len(doubleVecList) -> double" [List; 0] => Double, Const, Some(|_, a| Ok(Value::Double(vector(a, 0)?.len() as f64))) }
        "How many numbers the list has. Of nothing: 0."
        DOC, "always"
        ["len(4, 4)" => "2", "len($PendingTasks.GetSample(5))" ("$PendingTasks": 7, 8) => "2", "len()" => "0"]
    },
    row! { Function "max" { "max(doubleVecList) -> double" [List; 0] => Double, Const, Some(|cx, a| or_nothing(cx, max(vector(a, 0)?), "max")) }
        "The largest number of the list, found by scanning with `>` from the first, so a NaN that is not first is passed over. Of nothing: NaN and a note."
        DOC, "always"
        ["max(1, 7, 3)" => "7", "max(0, $PendingTasks.GetSample(1))" => "0", "max(0, val($PendingTasks.GetSample(1), 0))" => "0"]
    },
    row! { Function "min" { "min(doubleVecList) -> double" [List; 0] => Double, Const, Some(|cx, a| or_nothing(cx, min(vector(a, 0)?), "min")) }
        "The smallest number of the list, found by scanning with `<` from the first, so a NaN that is not first is passed over. A vector among the arguments contributes each of its samples: `min(cap, samples)` is the smallest sample when one is below the cap. Of nothing: NaN and a note."
        DOC, "always"
        ["min(4, 2.5)" => "2.5", "min(10, $PendingTasks.GetSample(3))" ("$PendingTasks": 12, 3, 20) => "3", "min(25, avg())" => "25"]
    },
    row! { Function "norm" { "norm(doubleVecList) -> double" [List; 0] => Double, Const, Some(|_, a| Ok(Value::Double(norm(vector(a, 0)?)))) }
        "The two-norm: the square root of the sum of squares. Of nothing: 0."
        DOC, "always"
        ["norm(3, 4)" => "5", "norm()" => "0"]
    },
    row! { Function "percentile" { "percentile(doubleVec v, double p) -> double" [Vec, Double; 2] => Double, Const, Some(|cx, a| {
            let (v, p) = (vector(a, 0)?, double(a, 1)?);
            percentile_in(cx, v, p).map(Value::Double)
        }) }
        "The element at a percentile, by nearest rank: no interpolation. The scale is 0 to 100 (rule `percentile_scale`); outside it the evaluation stops. Of an empty vector: NaN and a note."
        DOC, "always"
        ["percentile($PendingTasks.GetSample(4), 50)" ("$PendingTasks": 40, 10, 30, 20) => "20", "percentile($PendingTasks.GetSample(4), 51)" ("$PendingTasks": 40, 10, 30, 20) => "30",
         "percentile($PendingTasks.GetSample(4), 0)" ("$PendingTasks": 40, 10, 30, 20) => "10", "percentile($PendingTasks.GetSample(4), 100)" ("$PendingTasks": 40, 10, 30, 20) => "40"]
    },
    row! { Function "range" { "range(doubleVecList) -> double" [List; 0] => Double, Const, Some(|cx, a| or_nothing(cx, range(vector(a, 0)?), "range")) }
        "The largest number less the smallest. Of nothing: NaN and a note."
        DOC, "always"
        ["range(3, 10, 5)" => "7", "range(4)" => "0"]
    },
    row! { Function "std" { "std(doubleVecList) -> double" [List; 0] => Double, Const, Some(|cx, a| or_nothing(cx, std(vector(a, 0)?), "std")) }
        "The sample standard deviation: the divisor is one less than the count. Of fewer than two numbers: NaN and a note."
        DOC, "always"
        ["std(2, 4, 4, 4, 5, 5, 7, 9)" => "2.13809", "std(1)" => "nan"]
    },
    row! { Function "sum" { "sum(doubleVecList) -> double" [List; 0] => Double, Const, Some(|_, a| Ok(Value::Double(sum(vector(a, 0)?)))) }
        "The sum of all numbers of the list, added from left to right; of sixteen and more, in eight interleaved sums first, which differs in the last digits of fractions at most. Of nothing: 0."
        DOC, "always"
        ["sum(1, 2, 3.5)" => "6.5", "sum()" => "0"]
    },
    row! { Function "val" { "val(doubleVec v, double i) -> double" [Vec, Double; 2] => Double, Const, Some(|cx, a| {
            let x = val(vector(a, 0)?, double(a, 1)?);
            or_nothing(cx, x, "val")
        }) }
        "Element i of a vector; the first is 0 and a fraction is cut off. Samples are oldest first. Beyond the ends: NaN and a note, since the service was seen to pass over `val` of an empty vector."
        Evidence::Inferred("S27#138"), "always"
        ["val($PendingTasks.GetSample(2), 0)" ("$PendingTasks": 5, 6) => "5", "val($PendingTasks.GetSample(2), 1.9)" ("$PendingTasks": 5, 6) => "6", "val($PendingTasks.GetSample(2), 2)" ("$PendingTasks": 5, 6) => "nan"]
    },
];

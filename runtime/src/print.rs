//! How the service writes values into the results string (language.md §3.3).
//!
//! In: values. Out: text, to the byte. Never: locale, colours, or a choice of precision.

use crate::value::Value;
use std::fmt::Write;

/// `%g` of C with six significant digits: `96.6667`, `1.67772e+07`, `nan`, `inf`.
pub fn general(x: f64) -> String {
    let mut out = String::new();
    push_general(&mut out, x);
    out
}

/// [`general`], appended.
pub fn push_general(out: &mut String, x: f64) {
    // A NaN's sign is dropped: whether the C library prints `-nan` depends on the platform, and on which operand made it.
    if x.is_nan() {
        out.push_str("nan");
        return;
    }
    if x.is_infinite() {
        out.push_str(if x < 0.0 { "-inf" } else { "inf" });
        return;
    }
    // Most values are small counts.
    if x == (x as i32) as f64 && x.abs() < 1e6 && !(x == 0.0 && x.is_sign_negative()) {
        let _ = write!(out, "{}", x as i32);
        return;
    }
    // `{:e}` rounds the exact binary value half to even, as glibc does; the layout is C's.
    let from = out.len();
    let _ = write!(out, "{:.5e}", x.abs());
    let (mantissa, exponent) = out[from..].split_once('e').unwrap_or(("0", "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let mut digits = [b'0'; 6];
    digits.iter_mut().zip(mantissa.bytes().filter(u8::is_ascii_digit)).for_each(|(to, digit)| *to = digit);
    let digits = std::str::from_utf8(&digits).unwrap_or_default();
    out.truncate(from);
    if x.is_sign_negative() {
        out.push('-');
    }
    if (-4..0).contains(&exponent) {
        out.push('0');
        return push_fraction(out, (-exponent - 1) as usize, digits);
    }
    let plain = (0..6).contains(&exponent);
    let (before, after) = digits.split_at(if plain { exponent as usize + 1 } else { 1 });
    out.push_str(before);
    push_fraction(out, 0, after);
    if !plain {
        let _ = write!(out, "e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs());
    }
}

fn push_fraction(out: &mut String, zeros: usize, digits: &str) {
    let digits = digits.trim_end_matches('0');
    if !digits.is_empty() {
        out.push('.');
        out.extend(std::iter::repeat_n('0', zeros));
        out.push_str(digits);
    }
}

/// Any value as the results string has it.
pub fn value(v: &Value<'_>) -> String {
    let mut out = String::new();
    push_value(&mut out, v);
    out
}

/// [`value`], appended. Intervals and strings are unverified: ISO 8601 duration and raw text (language.md §3.3).
pub fn push_value(out: &mut String, v: &Value<'_>) {
    match v {
        Value::Double(x) => push_general(out, *x),
        Value::Vec(xs) => push_vec(out, xs),
        Value::Str(s) => out.push_str(s),
        Value::Time(t) => out.push_str(&t.iso_millis()),
        Value::Interval(i) => out.push_str(&i.iso8601()),
        Value::Metric(m) => out.push_str(m.name()),
        Value::Option(o) => out.push_str(o.keyword()),
    }
}

/// A vector: `[1,1,1]`.
pub fn push_vec(out: &mut String, xs: &[f64]) {
    out.push('[');
    for (i, x) in xs.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        push_general(out, *x);
    }
    out.push(']');
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Right column: output of `printf("%g")` with glibc.
    #[test]
    fn prints_like_c() {
        for (x, want) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-58.0, "-58"),
            (0.5, "0.5"),
            (100.0 * 29.0 / 30.0, "96.6667"),
            (1.0 / 3.0, "0.333333"),
            (16777216.0, "1.67772e+07"),
            (999999.0, "999999"),
            (999999.5, "1e+06"),
            (999999.4, "999999"),
            (1000000.0, "1e+06"),
            (123456.7, "123457"),
            (1234567.0, "1.23457e+06"),
            (0.0001, "0.0001"),
            (0.00012345678, "0.000123457"),
            (0.00009999996, "0.0001"),
            (0.000099999, "9.9999e-05"),
            (0.00001, "1e-05"),
            (1e-300, "1e-300"),
            (1e300, "1e+300"),
            (2.5e-7, "2.5e-07"),
            (5e-324, "4.94066e-324"),
            (f64::MAX, "1.79769e+308"),
            (0.1 + 0.2, "0.3"),
            (2.0000005, "2"),
            (12.00005, "12"),
            (12.0005, "12.0005"),
            (1.000005, "1.00001"),
            (1.0000051, "1.00001"),
            (9.999995, "10"),
            (1e15, "1e+15"),
            (1e100, "1e+100"),
            (f64::NAN, "nan"),
            (-f64::NAN, "nan"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(general(x), want, "{x:e}");
        }
        assert_eq!(value(&Value::Vec(&[1.0, 0.5, 1e7])), "[1,0.5,1e+07]");
        assert_eq!(value(&Value::Vec(&[])), "[]");
    }
}

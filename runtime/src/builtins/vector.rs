//! Vectors: joining the arguments of a list, and arithmetic element by element (language.md §2.4, §2.6, §0.4).
//!
//! In: numbers and vectors. Out: vectors in the run's arena, or the one given when nothing has to be made.
//! Never: a broadcast of a vector of one element: lengths must be equal.

use crate::{cx::Cx, scalar::ScalarOp, trap::Trap, value::Value};

/// All numbers of the arguments, in order. A single vector among empty ones is itself: nothing is copied.
pub fn flatten<'r>(cx: &mut Cx<'r>, args: &[Value<'r>]) -> Result<&'r [f64], Trap> {
    let (mut total, mut parts, mut only) = (0usize, 0, None);
    for arg in args {
        let n = match arg {
            Value::Double(_) => 1,
            Value::Vec(v) => v.len(),
            _ => return Err(Trap::Internal(format!("a {} in a list", arg.ty().name()).into())),
        };
        if n > 0 {
            parts += 1;
            only = Some(arg);
            total = total.checked_add(n).ok_or(Trap::OutOfMemory)?;
        }
    }
    match (parts, only) {
        (0, _) => return Ok(&[]),
        (1, Some(Value::Vec(v))) => return Ok(v),
        _ => {}
    }
    let out = cx.alloc(total)?;
    let mut at = 0;
    for arg in args {
        match arg {
            Value::Double(x) => {
                out[at] = *x;
                at += 1;
            }
            Value::Vec(v) => {
                out[at..at + v.len()].copy_from_slice(v);
                at += v.len();
            }
            _ => {}
        }
    }
    Ok(out)
}

/// `+ - * /` on vectors; two scalars go to the operation itself. A number goes with every element of the other side.
pub fn binary<'r>(cx: &mut Cx<'r>, op: ScalarOp, a: Value<'r>, b: Value<'r>) -> Result<Value<'r>, Trap> {
    if !matches!(a, Value::Vec(_)) && !matches!(b, Value::Vec(_)) {
        return op.eval(&[a, b]);
    }
    let Some(f) = op.arithmetic() else {
        return Err(Trap::Internal(format!("{} of vectors", op.name()).into()));
    };
    let out: &[f64] = match (a, b) {
        (Value::Vec(a), Value::Vec(b)) => {
            if a.len() != b.len() {
                return Err(Trap::LengthMismatch { left: a.len(), right: b.len() });
            }
            let out = cx.alloc(a.len())?;
            out.iter_mut().zip(a.iter().zip(b)).for_each(|(o, (x, y))| *o = f(*x, *y));
            out
        }
        (Value::Vec(a), Value::Double(y)) => {
            let out = cx.alloc(a.len())?;
            out.iter_mut().zip(a).for_each(|(o, x)| *o = f(*x, y));
            out
        }
        (Value::Double(x), Value::Vec(b)) => {
            let out = cx.alloc(b.len())?;
            out.iter_mut().zip(b).for_each(|(o, y)| *o = f(x, *y));
            out
        }
        _ => return Err(Trap::Internal(format!("{} of {} and {}", op.name(), a.ty().name(), b.ty().name()).into())),
    };
    Ok(Value::Vec(out))
}

/// A vector where one number is wanted: its only element (language.md §0.3).
pub fn single(v: &[f64]) -> Result<f64, Trap> {
    match v {
        [x] => Ok(*x),
        _ => Err(Trap::NotOneElement(v.len())),
    }
}

/// A number where a vector is wanted: one element in the arena.
pub fn of_one<'r>(cx: &mut Cx<'r>, x: f64) -> Result<&'r [f64], Trap> {
    let out = cx.alloc(1)?;
    out[0] = x;
    Ok(out)
}

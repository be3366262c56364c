//! What may be written to a target, and the node count it becomes (language.md §0.6, §2.5).
//!
//! In: a double, rules. Out: the value as it reads back, or a trap; the count. Never: what the pool does with it.

use crate::{
    rules::{BadTarget, Rules, TargetRounding},
    trap::Trap,
};

/// The largest node count: the service's field is a 32-bit integer.
pub const MAX_NODES: f64 = i32::MAX as f64;

fn rounded(x: f64, rules: &Rules) -> f64 {
    match rules.target_rounding {
        TargetRounding::Truncate => x.trunc(),
        TargetRounding::Round => x.round(),
        TargetRounding::Ceil => x.ceil(),
    }
}

/// The value as later statements read it, or why it cannot be a target.
pub fn judge(x: f64, rules: &Rules) -> Result<f64, Trap> {
    if !x.is_finite() || x > MAX_NODES {
        return match rules.non_finite_target {
            BadTarget::Error => Err(Trap::NotFinite(x)),
            BadTarget::Zero => Ok(0.0),
        };
    }
    if rounded(x, rules) < 0.0 {
        return match rules.negative_target {
            BadTarget::Error => Err(Trap::Negative(x)),
            BadTarget::Zero => Ok(0.0),
        };
    }
    Ok(x)
}

/// The node count of a judged value.
#[inline]
pub fn count(x: f64, rules: &Rules) -> u32 {
    // Judged values are finite and round to 0..=i32::MAX, so the cast is exact; it truncates by itself.
    if rules.target_rounding == TargetRounding::Truncate { x as u32 } else { rounded(x, rules) as u32 }
}

//! What a stretch of node time costs (pool.md §12), in whole millionths of the currency.

use crate::sim::{
    config::{HOUR, Ms, PoolConfig},
    world::Class,
};

/// Price of a node, millionths per hour.
pub fn price(pool: &PoolConfig, class: Class) -> i64 {
    let regular = if pool.cost.price_regular > 0 { pool.cost.price_regular } else { pool.vm.price_regular };
    match class {
        Class::Dedicated => regular,
        Class::Spot if pool.cost.price_regular == 0 && pool.vm.price_spot.is_some() => pool.vm.price_spot.unwrap_or(0),
        Class::Spot => libm::round(regular as f64 * pool.cost.price_spot_ratio) as i64,
    }
}

/// Charge for a billed stretch: rounded up to the quantum, then to the nearest millionth.
pub fn charge(per_hour: i64, duration: Ms, quantum: Ms) -> i64 {
    let billed = if quantum > 1 { (duration + quantum - 1) / quantum * quantum } else { duration };
    // The wide division costs more than everything else here, and only a fortune needs it.
    match per_hour.checked_mul(billed).and_then(|x| x.checked_add(HOUR / 2)) {
        Some(x) => x / HOUR,
        None => ((i128::from(per_hour) * i128::from(billed) + i128::from(HOUR) / 2) / i128::from(HOUR)) as i64,
    }
}

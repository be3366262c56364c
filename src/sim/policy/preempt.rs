//! When Spot nodes are evicted and come back (pool.md §5), and when hosts fail (§4.4).

use crate::sim::{
    config::{HOUR, Ms, NEVER, NodeConfig, SpotConfig},
    rng::{Draw, Purpose, whole},
};

/// Evictions per hour: λ = −ln(1 − p), times the storm's factor.
fn rate(spot: &SpotConfig, storm: bool) -> f64 {
    let calm = -libm::log1p(-spot.eviction_p_per_hour.min(0.999_999));
    if storm { calm * spot.storm_multiplier } else { calm }
}

/// Time to the next eviction of a node. The exponential law has no memory, so it is drawn anew when the rate changes.
pub fn eviction(spot: &SpotConfig, storm: bool, seed: u64, entity: u64) -> Ms {
    let rate = rate(spot, storm);
    if !spot.trace.is_empty() || rate <= 0.0 {
        return NEVER;
    }
    whole(Draw::keyed(seed, Purpose::Eviction, entity).exponential(HOUR as f64 / rate))
}

/// Time in `unusable` before `preempted`; 0 when the node is preempted at once.
pub fn dwell(spot: &SpotConfig, seed: u64, entity: u64) -> Ms {
    let mut draw = Draw::keyed(seed, Purpose::Dwell, entity);
    if draw.chance(spot.unusable_first_p) { draw.between(spot.unusable_dwell_min, spot.unusable_dwell_max) } else { 0 }
}

/// Time until capacity is back, `NEVER` when it is not within the window. Twice as rare in a storm.
pub fn restore(spot: &SpotConfig, storm: bool, seed: u64, entity: u64) -> Ms {
    if spot.restore_mean >= NEVER {
        return NEVER;
    }
    let mean = spot.restore_mean as f64 * if storm { 2.0 } else { 1.0 };
    let delay = whole(Draw::keyed(seed, Purpose::Restore, entity).exponential(mean));
    if delay <= spot.restore_window { delay } else { NEVER }
}

/// How long the present weather lasts.
pub fn storm_change(spot: &SpotConfig, storm: bool, seed: u64, entity: u64) -> Ms {
    let per_hour = if storm { spot.storm_leave_per_hour } else { spot.storm_enter_per_hour };
    if spot.storm_enter_per_hour <= 0.0 || per_hour <= 0.0 {
        return NEVER;
    }
    whole(Draw::keyed(seed, Purpose::Storm, entity).exponential(HOUR as f64 / per_hour))
}

/// Time to a host failure, `NEVER` when that is longer than anybody looks.
pub fn host_failure(node: &NodeConfig, seed: u64, entity: u64, within: Ms) -> Ms {
    let mut draw = Draw::keyed(seed, Purpose::HostFailure, entity);
    // −ln(1 − u) is no less than u, and hosts fail so rarely that u alone mostly decides.
    let least = { draw }.unit() * node.mtbf as f64;
    if node.mtbf >= NEVER || least > within as f64 + 1.0 {
        return NEVER;
    }
    whole(draw.exponential(node.mtbf as f64))
}

/// Time an unusable node takes to recover.
pub fn recovery(node: &NodeConfig, seed: u64, entity: u64) -> Ms {
    Draw::keyed(seed, Purpose::Recovery, entity).between(node.recovery_min, node.recovery_max)
}

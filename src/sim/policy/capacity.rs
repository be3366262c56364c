//! What the region gives (pool.md §3.3): quota is not capacity.

use crate::sim::config::{CapacityStep, Ms, ResizeFault};

/// The step in force for a VM size.
pub fn step<'a>(steps: &'a [CapacityStep], vm: &str, now: Ms) -> Option<&'a CapacityStep> {
    steps
        .iter()
        .filter(|s| s.from <= now && s.vm.as_deref().is_none_or(|name| name.eq_ignore_ascii_case(vm)))
        .max_by_key(|s| s.from)
}

/// The fault in force for a pool.
pub fn fault<'a>(faults: &'a [ResizeFault], pool: &str, now: Ms) -> Option<&'a ResizeFault> {
    faults.iter().find(|f| f.from <= now && now < f.until && f.pool.eq_ignore_ascii_case(pool))
}

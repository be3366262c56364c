//! How long a node takes to come up (pool.md §4.3).

use crate::sim::{
    config::{Image, Ms, Os, PoolConfig},
    rng::{Draw, Purpose, whole},
};

/// Draws the delay from asking for a VM to having it.
pub fn allocation(pool: &PoolConfig, seed: u64, order: u64) -> Ms {
    let l = &pool.latency;
    let median = match pool.image {
        Image::Gallery => whole(l.alloc_median as f64 * l.gallery_alloc_factor),
        _ => l.alloc_median,
    };
    Draw::keyed(seed, Purpose::Allocation, order).lognormal(median, l.alloc_sigma)
}

/// Least time between two VMs obtained by one pool.
pub fn spacing(pool: &PoolConfig) -> Ms {
    if pool.latency.alloc_rate == 0 { 0 } else { 60_000 / Ms::from(pool.latency.alloc_rate) }
}

fn os_factor(pool: &PoolConfig) -> f64 {
    if pool.os == Os::Windows { pool.latency.windows_factor } else { 1.0 }
}

/// Time in `creating`.
pub fn creating(pool: &PoolConfig) -> Ms {
    whole(pool.latency.creating as f64 * os_factor(pool))
}

/// Time in `starting`, packages and images included; rarely far longer.
pub fn starting(pool: &PoolConfig, seed: u64, boot: u64) -> Ms {
    let l = &pool.latency;
    let mut draw = Draw::keyed(seed, Purpose::Boot, boot);
    let base = draw.lognormal(l.starting, l.starting_sigma) as f64 * os_factor(pool);
    let base = if pool.image == Image::Gallery { base * l.gallery_idle_factor } else { base };
    let late = if draw.chance(l.outlier) { draw.between(l.outlier_min, l.outlier_max) } else { 0 };
    whole(base) + l.packages + l.container_pull + late
}

/// One run of the start task: how long, and whether it succeeds.
pub fn start_task(pool: &PoolConfig, seed: u64, boot: u64, attempt: u16) -> (Ms, bool) {
    let s = &pool.start_task;
    let mut draw = Draw::keyed(seed, Purpose::StartTask, boot << 16 | u64::from(attempt));
    (draw.lognormal(s.duration, s.sigma), !draw.chance(s.failure))
}

/// How starting goes wrong, if it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartFailure {
    /// A package or image cannot be fetched: no automatic recovery.
    Package,
    /// The node never reports: recovery is tried.
    NoContact,
}

/// Whether starting fails.
pub fn start_failure(pool: &PoolConfig, seed: u64, boot: u64) -> Option<StartFailure> {
    let s = &pool.start_task;
    if s.package_failure == 0.0 && s.no_contact == 0.0 {
        return None;
    }
    let mut draw = Draw::keyed(seed, Purpose::StartTask, boot << 16 | 0xffff);
    if draw.chance(s.package_failure) {
        Some(StartFailure::Package)
    } else {
        draw.chance(s.no_contact).then_some(StartFailure::NoContact)
    }
}

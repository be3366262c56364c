//! Live samples and the pool's state.
//!
//! In: samples. Out: feeds that evaluations read. Never: an own clock.

use crate::{
    Failure, formula::metric_of, guard, handle::Table, instant, poolcast_formula, poolcast_report, poolcast_status,
    poolcast_status::*, put, slice,
};
use poolcast::{Feed, Interval, PoolState, Rules};
use std::sync::Arc;

static FEEDS: Table<Feed> = Table::new(3);

pub(crate) fn get(feed: poolcast_feed) -> Result<Arc<Feed>, Failure> {
    FEEDS.get(feed.id).ok_or_else(|| Failure::handle("feed"))
}

/// A handle of a feed: recent samples of every metric and the pool's present state. Close it with poolcast_feed_free.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct poolcast_feed {
    /// 0: none.
    pub id: u64,
}

/// A pool's present state, as formulas see it next to the samples.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct poolcast_pool {
    /// Present target of dedicated nodes.
    pub target_dedicated: u32,
    /// Present target of spot or low-priority nodes.
    pub target_low_priority: u32,
    /// Dedicated nodes in the pool now.
    pub dedicated: u32,
    /// Spot or low-priority nodes in the pool now.
    pub low_priority: u32,
    /// Task slots per node; at least 1.
    pub task_slots: u32,
    /// Seed of `rand()`.
    pub seed: u64,
}

/// A feed that keeps samples for so many milliseconds behind the newest of the metric; 0 or less keeps a day. `feed` must
/// not be NULL; the caller owns what it gets.
///
/// # Safety
/// Out parameters are NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn poolcast_feed_new(
    keep_ms: i64,
    feed: *mut poolcast_feed,
    report: *mut poolcast_report,
) -> poolcast_status {
    let body = || {
        if feed.is_null() {
            return Err(Failure::null("feed"));
        }
        let keep = if keep_ms > 0 { Interval(keep_ms.saturating_mul(10_000)) } else { Interval::DAY };
        let id = FEEDS.open(Feed::keeping(Some(keep), &Rules::default()));
        // SAFETY: forwarded to the caller.
        unsafe { put(feed, poolcast_feed { id }) };
        Ok(())
    };
    // SAFETY: forwarded to the caller.
    unsafe { guard(report, body) }
}

/// A feed that keeps what the formula can look back on, and an hour more. The formula may be closed before the feed.
///
/// # Safety
/// As poolcast_feed_new.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn poolcast_feed_for(
    formula: poolcast_formula,
    feed: *mut poolcast_feed,
    report: *mut poolcast_report,
) -> poolcast_status {
    let body = || {
        let compiled = crate::formula::get(formula)?;
        if feed.is_null() {
            return Err(Failure::null("feed"));
        }
        let id = FEEDS.open(Feed::for_formula(&compiled.formula));
        // SAFETY: forwarded to the caller.
        unsafe { put(feed, poolcast_feed { id }) };
        Ok(())
    };
    // SAFETY: forwarded to the caller.
    unsafe { guard(report, body) }
}

/// Appends a sample. NaN, infinities and a sample that is not newer than the metric's newest are POOLCAST_BAD_INPUT; the
/// feed is then as it was.
///
/// # Safety
/// As poolcast_feed_new.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn poolcast_feed_push(
    feed: poolcast_feed,
    metric: u32,
    unix_ms: i64,
    value: f64,
    report: *mut poolcast_report,
) -> poolcast_status {
    let body = || Ok(get(feed)?.push(metric_of(metric)?, instant(unix_ms), value)?);
    // SAFETY: forwarded to the caller.
    unsafe { guard(report, body) }
}

/// Appends samples of one metric, oldest first. Stops at the first that is refused; those before it stay.
///
/// # Safety
/// `unix_ms` and `values` are NULL or `len` elements can be read from each; `report` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn poolcast_feed_push_many(
    feed: poolcast_feed,
    metric: u32,
    unix_ms: *const i64,
    values: *const f64,
    len: usize,
    report: *mut poolcast_report,
) -> poolcast_status {
    let body = || {
        let (feed, metric) = (get(feed)?, metric_of(metric)?);
        // SAFETY: forwarded to the caller.
        let (at, values) = unsafe { (slice(unix_ms, len, "unix_ms")?, slice(values, len, "values")?) };
        feed.extend(metric, at.iter().map(|t| instant(*t)).zip(values.iter().copied()))?;
        Ok(())
    };
    // SAFETY: forwarded to the caller.
    unsafe { guard(report, body) }
}

/// Tells the feed what the pool looks like now. `pool` must not be NULL.
///
/// # Safety
/// `pool` is NULL or can be read; `report` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn poolcast_feed_set_pool(
    feed: poolcast_feed,
    pool: *const poolcast_pool,
    report: *mut poolcast_report,
) -> poolcast_status {
    let body = || {
        let feed = get(feed)?;
        // SAFETY: one element, forwarded to the caller.
        let [p] = unsafe { slice(pool, 1, "pool") }? else { return Err(Failure::null("pool")) };
        feed.set_pool(PoolState {
            targets: [p.target_dedicated, p.target_low_priority],
            nodes: [p.dedicated, p.low_priority],
            task_slots: p.task_slots.max(1),
            seed: p.seed,
        });
        Ok(())
    };
    // SAFETY: forwarded to the caller.
    unsafe { guard(report, body) }
}

/// Forgets every sample, as the service does when autoscale is enabled.
#[unsafe(no_mangle)]
pub extern "C" fn poolcast_feed_clear(feed: poolcast_feed) -> poolcast_status {
    // SAFETY: no report is written.
    unsafe { guard(std::ptr::null_mut(), || get(feed).map(|f| f.clear())) }
}

/// Closes a feed. Calls that use it on other threads finish first. POOLCAST_BAD_HANDLE when it is not open.
#[unsafe(no_mangle)]
pub extern "C" fn poolcast_feed_free(feed: poolcast_feed) -> poolcast_status {
    if FEEDS.close(feed.id) { POOLCAST_OK } else { POOLCAST_BAD_HANDLE }
}

//! Samples of the service metrics, as columns (language.md §2.9).
//!
//! In: samples in the order they were measured. Out: windows as slices of the value column, their sums and extremes.
//! Never: a copy of samples, a sample the evaluation's instant could not see yet, or a value that is not finite.
//!
//! **Model.** A sample has two stamps: when it was measured and when it became visible. Delivery is in order: a sample
//! is never visible before its predecessor, nor before it was measured. Windows compare one of the stamps, chosen by
//! `Rules::sample_stamp` when the store is made; that stamp is the sorted key column.

mod extremes;
mod quantiles;

use crate::{
    builtins::reduce,
    metric::Metric,
    rules::{Possible, Rules, SampleStamp, WindowEnds},
    ticks::{Interval, Ticks},
};
use extremes::Extremes;
use quantiles::Quantiles;
use std::{hint::select_unpredictable, ops::Range};

/// Width of a bucket of the position grid: the sampling period, so a bucket holds about one sample.
const BUCKET: u64 = Interval::SAMPLE_PERIOD.0 as u64;
/// Buckets longer than this are searched by halving.
const SCAN: usize = 8;
/// While all values together are at most this in size, every sum of some of them is exact in a double, in whatever order it
/// is added up: differences of prefix sums and `reduce::sum` give the same bits.
const EXACT: u64 = 1 << 52;

/// What windows of one series that end now share.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sight {
    /// The bucket of now.
    bucket: usize,
    /// One past the newest visible sample.
    pub(crate) visible: usize,
}

/// Why a sample was refused.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum SeriesError {
    /// NaN or an infinity: the service never delivers one, and every index relies on its absence.
    NotFinite(f64),
    /// Measured at or before the newest sample.
    NotNewer {
        /// When the newest sample was measured.
        newest: Ticks,
        /// When the refused one was.
        given: Ticks,
    },
    /// Four billion samples.
    Full,
}

impl std::fmt::Display for SeriesError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SeriesError::NotFinite(x) => write!(f, "{x} cannot be a sample"),
            SeriesError::NotNewer { newest, given } => {
                write!(f, "sample of {} is not newer than that of {}", given.iso_trimmed(), newest.iso_trimmed())
            }
            SeriesError::Full => f.write_str("too many samples"),
        }
    }
}
impl std::error::Error for SeriesError {}

/// The samples of one metric. Indices are positions in [`Series::values`] and stay valid until a sample is forgotten.
#[derive(Debug, Clone)]
pub struct Series {
    /// The stamp windows compare; ascending.
    key: Vec<i64>,
    /// Where the grid begins, at or before the first sample's key; the largest instant while there is none.
    first: i64,
    /// The other stamp: when measured (strictly ascending) if the key is visibility, else when visible (ascending).
    other: Vec<i64>,
    value: Vec<f64>,
    /// `sums[i]`: of the first `i` values and of their squares; empty once a value was fractional or a sum too large.
    sums: Vec<[i64; 2]>,
    /// All values together, without their signs, while there are sums.
    size: u64,
    /// The squares are right: every value is a small whole number and their sum stays below 2⁶².
    squares: bool,
    /// `grid[b]`: samples before bucket `b`, counted from `first`; empty while gaps make it too large.
    grid: Vec<u32>,
    /// Samples before this index are forgotten.
    head: usize,
    extremes: Option<Box<Extremes>>,
    quantiles: Option<Box<Quantiles>>,
    stamp: SampleStamp,
    /// Windows compare the stamp of visibility, as `(start, end]`.
    simple: bool,
    /// Ticks to subtract from a window's start and end so that both compare as `(start, end]`.
    shift: [i64; 2],
}

impl Default for Series {
    fn default() -> Series {
        Series::new(&Rules::default())
    }
}

impl Series {
    /// An empty series under `rules.sample_stamp` and `rules.window_ends`.
    pub fn new(rules: &Rules) -> Series {
        Series {
            key: Vec::new(),
            first: i64::MAX,
            other: Vec::new(),
            value: Vec::new(),
            sums: vec![[0; 2]],
            size: 0,
            squares: true,
            grid: Vec::new(),
            head: 0,
            extremes: None,
            quantiles: None,
            stamp: rules.sample_stamp,
            simple: rules.sample_stamp == SampleStamp::Published && rules.window_ends == WindowEnds::OpenClosed,
            shift: match rules.window_ends {
                WindowEnds::OpenClosed => [0, 0],
                WindowEnds::ClosedOpen => [1, 1],
                WindowEnds::Closed => [1, 0],
            },
        }
    }

    /// Appends a sample. `visible` is raised to `measured` and to its predecessor's where it is earlier.
    #[inline]
    pub fn push(&mut self, measured: Ticks, visible: Ticks, value: f64) -> Result<(), SeriesError> {
        if !value.is_finite() {
            return Err(SeriesError::NotFinite(value));
        }
        if self.value.len() >= u32::MAX as usize {
            return Err(SeriesError::Full);
        }
        let mut visible = visible.max(measured);
        let by_visibility = self.stamp == SampleStamp::Published;
        if let (Some(&key), Some(&other)) = (self.key.last(), self.other.last()) {
            let (newest, seen) = if by_visibility { (other, key) } else { (key, other) };
            if measured.0 <= newest {
                return Err(SeriesError::NotNewer { newest: Ticks(newest), given: measured });
            }
            visible = visible.max(Ticks(seen));
        }
        let (key, other) = if by_visibility { (visible.0, measured.0) } else { (measured.0, visible.0) };
        if self.key.is_empty() {
            self.first = key;
        }
        self.key.push(key);
        self.other.push(other);
        self.value.push(value);
        self.add_to_sums(value);
        let n = self.value.len() as u32;
        // A sample in the bucket after the newest, as one each period has it: one entry more, and no gap that could grow.
        let bucket = self.bucket(key);
        if bucket + 1 == self.grid.len() as u64 {
            self.grid.push(n)
        } else {
            self.extend_grid(bucket)
        }
        if let Some(e) = &mut self.extremes {
            e.push(value);
        }
        Ok(())
    }

    /// The sums up to the newest value, from those before it.
    #[inline]
    fn add_to_sums(&mut self, value: f64) {
        let Some(&[sum, squares]) = self.sums.last() else { return };
        let whole = value as i64;
        self.size = self.size.saturating_add(whole.unsigned_abs());
        if whole as f64 != value || self.size > EXACT {
            self.sums = Vec::new();
            return;
        }
        let next = sum + whole;
        // 32 bits, as `reduce::is_small_whole` has it, so a square fits 64.
        let square = if i32::try_from(whole).is_ok() { whole * whole } else { i64::MAX };
        let next_squares = squares.saturating_add(square);
        self.squares &= next_squares <= 1 << 62;
        self.sums.push([next, next_squares]);
    }

    /// Brings the grid up to the newest sample, or gives it up when gaps would make it more than eight times the data.
    fn extend_grid(&mut self, last: u64) {
        let n = self.key.len();
        if last > 8 * n as u64 + 1024 {
            self.grid = Vec::new();
            return;
        }
        if self.grid.is_empty() && n > 1 {
            // Given up before: taken up again only when the data are dense enough that this cannot repeat soon.
            if last > 4 * n as u64 {
                return;
            }
            for i in 0..n - 1 {
                self.fill_grid(self.bucket(self.key[i]), i);
            }
        }
        self.fill_grid(last, n - 1);
    }
    /// Enters sample `index`. The entry after the last bucket is the number of samples, so a bucket's end is the next entry.
    fn fill_grid(&mut self, bucket: u64, index: usize) {
        // Bounded by the check in `extend_grid`; indices fit because `push` refuses more than 2³² samples.
        let entries = bucket as usize + 2;
        if self.grid.len() < entries {
            self.grid.resize(entries, index as u32);
        }
        if let Some(end) = self.grid.last_mut() {
            *end = index as u32 + 1;
        }
    }
    #[inline]
    fn bucket(&self, key: i64) -> u64 {
        (key as u64).wrapping_sub(self.first as u64) / BUCKET
    }

    /// How many samples, forgotten ones included, have a key at or before `t`.
    #[inline(always)] // the whole cost of a window is here
    fn count_to(&self, t: i64) -> usize {
        match self.on_grid(t) {
            Some(n) => n,
            None => self.search(t),
        }
    }
    /// [`Series::count_to`] where the grid reaches and the bucket holds one sample or none.
    #[inline(always)]
    fn on_grid(&self, t: i64) -> Option<usize> {
        // The wrapped difference is the true one.
        if t < self.first { None } else { self.in_bucket(self.bucket(t) as usize, t) }
    }
    /// [`Series::on_grid`], given the bucket of `t`.
    #[inline(always)]
    fn in_bucket(&self, bucket: usize, t: i64) -> Option<usize> {
        match self.grid.get(bucket..bucket + 2) {
            Some(&[start, end]) if end - start <= 1 => {
                // Of an empty bucket, the sample after it: the last bucket has one.
                let key = *self.key.get(start as usize)?;
                // Whether a bucket has a sample is what nobody can predict.
                Some(start as usize + select_unpredictable(key <= t, (end - start) as usize, 0))
            }
            _ => None,
        }
    }
    /// [`Series::count_to`] off the grid, or in a bucket of several samples.
    #[cold] // not rare for every series, but then its own cost is what counts
    #[inline(never)]
    fn search(&self, t: i64) -> usize {
        if t < self.first {
            return 0;
        }
        let bucket = ((t as u64).wrapping_sub(self.first as u64) / BUCKET) as usize;
        let Some(&[start, end]) = self.grid.get(bucket..bucket + 2) else {
            // Beyond the last bucket, or no grid.
            return if self.grid.is_empty() { self.key.partition_point(|k| *k <= t) } else { self.key.len() };
        };
        let keys = &self.key[start as usize..end as usize];
        let before = if keys.len() > SCAN {
            keys.partition_point(|k| *k <= t)
        } else {
            keys.iter().take_while(|k| **k <= t).count()
        };
        start as usize + before
    }

    /// Index of the first sample whose key is after `t`.
    #[inline]
    pub fn index_at(&self, t: Ticks) -> usize {
        self.count_to(t.0).max(self.head)
    }
    /// One past the newest sample visible at `now`.
    #[inline]
    pub fn visible_to(&self, now: Ticks) -> usize {
        match self.stamp {
            SampleStamp::Published => self.index_at(now),
            SampleStamp::Measured => match self.other.last() {
                Some(v) if *v > now.0 => self.other.partition_point(|v| *v <= now.0).max(self.head),
                _ => self.value.len(),
            },
        }
    }
    /// The samples of the window from `lo` to `hi` that are visible at `now`.
    #[inline]
    pub fn range(&self, now: Ticks, lo: Ticks, hi: Ticks) -> Range<usize> {
        let start = self.index_at(Ticks(lo.0.saturating_sub(self.shift[0])));
        let hi = hi.0.saturating_sub(self.shift[1]).min(now.0);
        let mut end = self.index_at(Ticks(hi));
        if self.stamp == SampleStamp::Measured {
            end = end.min(self.visible_to(now));
        }
        start.min(end)..end
    }
    /// What is visible, if one look at the grid tells it.
    #[inline(always)]
    pub(crate) fn sight(&self, now: Ticks) -> Option<Sight> {
        if !self.simple || now.0 < self.first {
            return None;
        }
        let bucket = self.bucket(now.0) as usize;
        let visible = match self.in_bucket(bucket, now.0) {
            Some(n) => n.max(self.head),
            None if self.key.last().is_some_and(|newest| *newest <= now.0) => self.key.len(),
            None => return None,
        };
        Some(Sight { bucket, visible })
    }
    /// [`Series::range`] to now, if one more look at the grid tells it.
    #[inline(always)]
    pub(crate) fn range_in_sight(&self, sight: Sight, lo: Ticks) -> Option<Range<usize>> {
        let start = if lo.0 < self.first { 0 } else { self.in_bucket(self.bucket(lo.0) as usize, lo.0)? };
        Some(self.seen_from(sight, start))
    }
    /// [`Series::range_in_sight`] of a window of whole sampling periods.
    #[inline(always)]
    pub(crate) fn periods_in_sight(&self, sight: Sight, lo: Ticks, periods: usize) -> Option<Range<usize>> {
        let start = match sight.bucket.checked_sub(periods) {
            Some(bucket) => self.in_bucket(bucket, lo.0)?,
            None => 0,
        };
        Some(self.seen_from(sight, start))
    }
    #[inline(always)]
    fn seen_from(&self, sight: Sight, start: usize) -> Range<usize> {
        start.max(self.head).min(sight.visible)..sight.visible
    }
    /// The newest `n` of the samples before `visible`.
    #[inline]
    pub(crate) fn newest(&self, visible: usize, n: usize) -> Range<usize> {
        visible.saturating_sub(n).max(self.head)..visible
    }
    /// [`Series::range`], as a slice of the column.
    #[inline]
    pub fn window(&self, now: Ticks, lo: Ticks, hi: Ticks) -> &[f64] {
        &self.value[self.range(now, lo, hi)]
    }
    /// The newest `n` samples visible at `now`, however old.
    #[inline]
    pub fn last_range(&self, now: Ticks, n: usize) -> Range<usize> {
        self.newest(self.visible_to(now), n)
    }
    /// [`Series::last_range`], as a slice of the column.
    #[inline]
    pub fn last(&self, now: Ticks, n: usize) -> &[f64] {
        &self.value[self.last_range(now, n)]
    }
    /// The whole value column, forgotten samples included; ranges index it.
    pub fn values(&self) -> &[f64] {
        &self.value
    }
    /// Sums of a range and of its squares.
    #[inline]
    fn sums_of(&self, range: Range<usize>) -> Option<[i64; 2]> {
        let (lo, hi) = (self.sums.get(range.start)?, self.sums.get(range.end)?);
        Some([hi[0] - lo[0], hi[1].wrapping_sub(lo[1])])
    }
    /// The sum of a range if it is known without a loop; bit-equal to the loop.
    #[inline]
    pub fn window_sum(&self, range: Range<usize>) -> Option<f64> {
        Some(self.sums_of(range)?[0] as f64)
    }
    /// The sample standard deviation of a range of two or more, if it is known without a loop; bit-equal to the loop.
    #[inline]
    pub fn window_std(&self, range: Range<usize>) -> Option<f64> {
        let n = range.end.checked_sub(range.start).filter(|n| *n > 1 && self.squares)?;
        let [sum, squares] = self.sums_of(range)?;
        Some(reduce::exact_std(n, i128::from(sum), i128::from(squares)))
    }
    /// The two-norm of a range, if it is known without a loop; bit-equal to the loop.
    #[inline]
    pub fn window_norm(&self, range: Range<usize>) -> Option<f64> {
        let [_, squares] = self.sums_of(range)?;
        // Beyond 2⁵³ the loop rounds, and this would not.
        (self.squares && squares <= 1 << 53).then(|| (squares as f64).sqrt())
    }
    /// Builds the index that makes [`Series::window_nth`] independent of the length, over the samples there are now.
    /// Costs a sort; worth it for many long windows over one history.
    pub fn index_quantiles(&mut self) {
        self.quantiles = Some(Box::new(Quantiles::new(&self.value)));
    }
    /// The `k`-th smallest of a range, from 0, if [`Series::index_quantiles`] was called after its last sample came.
    pub fn window_nth(&self, range: Range<usize>, k: usize) -> Option<f64> {
        self.quantiles.as_ref()?.nth(range, k)
    }
    /// The range of a slice that is part of this series' column. Compares addresses only.
    fn locate(&self, part: &[f64]) -> Option<Range<usize>> {
        let (column, part) = (self.value.as_ptr_range(), part.as_ptr_range());
        if part.start < column.start || part.end > column.end || part.is_empty() {
            return None;
        }
        let index = |p: *const f64| (p.addr() - column.start.addr()) / size_of::<f64>();
        Some(index(part.start)..index(part.end))
    }
    /// Builds the index that makes [`Series::window_min`] and [`Series::window_max`] independent of the length;
    /// later samples extend it.
    pub fn index_extremes(&mut self) {
        if self.extremes.is_none() {
            let mut e = Box::new(Extremes::default());
            self.value.iter().for_each(|x| e.push(*x));
            self.extremes = Some(e);
        }
    }
    /// Whether [`Series::index_extremes`] was called.
    pub fn has_extremes(&self) -> bool {
        self.extremes.is_some()
    }
    /// The minimum of a range, bit-equal to the scan; none of nothing.
    pub fn window_min(&self, range: Range<usize>) -> Option<f64> {
        match &self.extremes {
            Some(e) if range.end <= self.value.len() => e.min(&self.value, range),
            _ => reduce::min(self.value.get(range)?),
        }
    }
    /// The maximum, likewise.
    pub fn window_max(&self, range: Range<usize>) -> Option<f64> {
        match &self.extremes {
            Some(e) if range.end <= self.value.len() => e.max(&self.value, range),
            _ => reduce::max(self.value.get(range)?),
        }
    }

    /// Samples kept, visible or not.
    pub fn len(&self) -> usize {
        self.value.len() - self.head
    }
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Samples visible at `now`.
    pub fn count(&self, now: Ticks) -> usize {
        self.visible_to(now) - self.head
    }
    /// The stamp of the oldest sample, if one is visible at `now`.
    pub fn begin(&self, now: Ticks) -> Option<Ticks> {
        (self.visible_to(now) > self.head).then(|| Ticks(self.key[self.head]))
    }
    /// Which stamp windows compare.
    pub fn stamp(&self) -> SampleStamp {
        self.stamp
    }
    /// The stamp windows compare, of one sample. Panics beyond the column, like indexing.
    pub fn key(&self, index: usize) -> Ticks {
        Ticks(self.key[index])
    }
    /// When a sample was measured. Panics beyond the column.
    pub fn measured(&self, index: usize) -> Ticks {
        Ticks(if self.stamp == SampleStamp::Measured { self.key[index] } else { self.other[index] })
    }
    /// When a sample became visible. Panics beyond the column.
    pub fn visible_from(&self, index: usize) -> Ticks {
        Ticks(if self.stamp == SampleStamp::Published { self.key[index] } else { self.other[index] })
    }

    /// Forgets everything, as enabling autoscale does (language.md §2.9).
    pub fn clear(&mut self) {
        self.key.clear();
        self.other.clear();
        self.value.clear();
        self.grid.clear();
        self.first = i64::MAX;
        self.sums.clear();
        self.sums.push([0; 2]);
        self.size = 0;
        self.squares = true;
        self.head = 0;
        self.extremes = self.extremes.take().map(|_| Box::default());
        self.quantiles = None;
    }
    /// Forgets samples whose key is before `t`. Memory follows when three quarters of the columns are forgotten, which
    /// shifts indices.
    #[inline]
    pub fn forget_before(&mut self, t: Ticks) {
        // Each sample is passed once in its life, and seldom more than one is due.
        while self.key.get(self.head).is_some_and(|k| *k < t.0) {
            self.head += 1;
        }
        if self.head > 1024 && self.head > self.value.len() / 4 * 3 {
            self.compact();
        }
    }
    /// Gives back the memory of forgotten samples.
    fn compact(&mut self) {
        let head = std::mem::take(&mut self.head);
        if head == self.value.len() {
            return self.clear();
        }
        drop((self.key.drain(..head), self.other.drain(..head), self.value.drain(..head)));
        if self.sums.is_empty() || !self.squares {
            // What made them inexact may be forgotten.
            (self.sums, self.size, self.squares) = (vec![[0; 2]], 0, true);
            for i in 0..self.value.len() {
                self.add_to_sums(self.value[i]);
            }
        } else {
            self.sums.drain(..head);
            let base = self.sums[0];
            self.sums.iter_mut().for_each(|s| *s = [s[0] - base[0], s[1] - base[1]]);
        }
        if self.grid.is_empty() {
            self.first = self.key[0];
        } else {
            let before = self.bucket(self.key[0]) as usize;
            self.first += (before as u64 * BUCKET) as i64;
            self.grid.drain(..before);
            // Forgotten samples of the first bucket that is kept are before all others.
            self.grid.iter_mut().for_each(|n| *n = n.saturating_sub(head as u32));
        }
        self.quantiles = None;
        if self.extremes.take().is_some() {
            self.index_extremes();
        }
    }
}

/// How many samples a window could hold: its length over the sampling period, at least one; 0 for a window without
/// length. The caller has already cut the window at the evaluation's instant: nothing can be sampled in the future.
pub fn possible(lo: Ticks, hi: Ticks, how: Possible) -> f64 {
    if hi <= lo {
        return 0.0;
    }
    // Instants may be 2⁶⁴ ticks apart.
    let length = (hi.0 as u64).wrapping_sub(lo.0 as u64);
    match how {
        Possible::Whole => (length / BUCKET).max(1) as f64,
        Possible::Exact => (length as f64 / BUCKET as f64).max(1.0),
    }
}

/// Found of possible samples in percent, at most 100; 0 when none is possible or infinitely many are.
#[inline]
pub fn percent(found: usize, possible: f64) -> f64 {
    if possible == 0.0 {
        return 0.0;
    }
    share(found, possible)
}

/// [`percent`] of at least one sample.
#[inline(always)]
pub(crate) fn share(found: usize, possible: f64) -> f64 {
    // Fewer than 2³² samples: a signed conversion is one instruction.
    let percent = 100.0 * (found as i64 as f64) / possible;
    if percent > 100.0 { 100.0 } else { percent }
}

/// One series for every metric.
#[derive(Debug, Clone)]
pub struct SeriesStore {
    all: Box<[Series; Metric::COUNT]>,
}

impl Default for SeriesStore {
    fn default() -> SeriesStore {
        SeriesStore::new(&Rules::default())
    }
}

impl SeriesStore {
    /// Empty series under these rules.
    pub fn new(rules: &Rules) -> SeriesStore {
        SeriesStore { all: Box::new(std::array::from_fn(|_| Series::new(rules))) }
    }
    /// The series of a metric.
    #[inline]
    pub fn get(&self, metric: Metric) -> &Series {
        &self.all[metric as usize]
    }
    /// The series of a metric, to change it.
    pub fn get_mut(&mut self, metric: Metric) -> &mut Series {
        &mut self.all[metric as usize]
    }
    /// Appends a sample to a metric's series.
    pub fn push(&mut self, metric: Metric, measured: Ticks, visible: Ticks, value: f64) -> Result<(), SeriesError> {
        self.get_mut(metric).push(measured, visible, value)
    }
    /// Each metric with its series, in catalogue order.
    pub fn iter(&self) -> impl Iterator<Item = (Metric, &Series)> {
        Metric::ALL.iter().copied().zip(&*self.all)
    }
    /// Forgets everything: enabling autoscale starts with an empty history.
    pub fn clear(&mut self) {
        self.all.iter_mut().for_each(Series::clear);
    }
    /// Forgets samples before an instant, in every series.
    pub fn forget_before(&mut self, t: Ticks) {
        self.all.iter_mut().for_each(|s| s.forget_before(t));
    }
    /// Builds the extremes index of every series that has samples.
    pub fn index_extremes(&mut self) {
        self.all.iter_mut().filter(|s| !s.is_empty()).for_each(Series::index_extremes);
    }
    /// Builds the quantile index of every series that has samples.
    pub fn index_quantiles(&mut self) {
        self.all.iter_mut().filter(|s| !s.is_empty()).for_each(Series::index_quantiles);
    }
    /// The `k`-th smallest element of a slice that is a window of one of these series, if that series is indexed.
    /// Lets `percentile`, which sees a vector and not where it came from, use the index.
    pub fn nth_of(&self, window: &[f64], k: usize) -> Option<f64> {
        self.all.iter().filter(|s| s.quantiles.is_some()).find_map(|s| s.window_nth(s.locate(window)?, k))
    }
    /// Samples of all series.
    pub fn len(&self) -> usize {
        self.all.iter().map(Series::len).sum()
    }
    /// Whether there is no sample at all.
    pub fn is_empty(&self) -> bool {
        self.all.iter().all(Series::is_empty)
    }
}

#[cfg(test)]
mod tests;

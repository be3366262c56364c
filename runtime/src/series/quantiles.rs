//! The k-th smallest sample of any window in a few loads per bit: a wavelet matrix over the ranks of the values.
//!
//! In: finite values, once. Out: order statistics bit-equal to selecting from a copy. Never: an update: samples appended
//! later are outside it, and windows that reach them are searched the plain way.

use std::ops::Range;

/// Index of the values it was built from.
#[derive(Debug, Clone, Default)]
pub(super) struct Quantiles {
    len: usize,
    /// Distinct values in the total order of doubles, in which −0 is before 0.
    distinct: Vec<f64>,
    /// From the highest bit of a rank to the lowest.
    levels: Vec<Level>,
}

#[derive(Debug, Clone)]
struct Level {
    /// Sixty-four bits, and how many ones come before them.
    words: Vec<(u64, u32)>,
    /// Ranks with a zero bit: they come first on the next level.
    zeros: usize,
}

impl Level {
    /// Ones before position `i`.
    fn ones(&self, i: usize) -> usize {
        let (word, before) = self.words[i / 64];
        before as usize + (word & ((1 << (i % 64)) - 1)).count_ones() as usize
    }
}

impl Quantiles {
    pub(super) fn new(values: &[f64]) -> Quantiles {
        let mut distinct = values.to_vec();
        distinct.sort_unstable_by(f64::total_cmp);
        distinct.dedup_by_key(|x| x.to_bits());
        // A series has fewer than 2³² samples; every value is among the distinct ones.
        let rank = |x: &f64| distinct.binary_search_by(|d| d.total_cmp(x)).unwrap_or_else(|i| i) as u32;
        let mut ranks: Vec<u32> = values.iter().map(rank).collect();
        let bits = usize::BITS - distinct.len().saturating_sub(1).leading_zeros();
        let mut levels = Vec::new();
        let mut ones = Vec::new();
        for bit in (0..bits).rev() {
            // One word more than the ranks need, so that a position at the very end has one too.
            let mut words = vec![(0u64, 0u32); values.len() / 64 + 1];
            ones.clear();
            let mut zeros = 0;
            for i in 0..ranks.len() {
                let r = ranks[i];
                if r >> bit & 1 == 1 {
                    words[i / 64].0 |= 1 << (i % 64);
                    ones.push(r);
                } else {
                    ranks[zeros] = r;
                    zeros += 1;
                }
            }
            ranks[zeros..].copy_from_slice(&ones);
            let mut before = 0;
            for (word, count) in &mut words {
                *count = before;
                before += word.count_ones();
            }
            levels.push(Level { words, zeros });
        }
        Quantiles { len: values.len(), distinct, levels }
    }

    /// The `k`-th smallest (from 0) of a range; none outside the index or beyond the range.
    pub(super) fn nth(&self, range: Range<usize>, mut k: usize) -> Option<f64> {
        let (mut lo, mut hi) = (range.start, range.end);
        if hi > self.len || lo > hi || k >= hi - lo {
            return None;
        }
        let mut rank = 0;
        for level in &self.levels {
            let (a, b) = (level.ones(lo), level.ones(hi));
            let zeros = (hi - lo) - (b - a);
            rank <<= 1;
            if k < zeros {
                (lo, hi) = (lo - a, hi - b);
            } else {
                k -= zeros;
                rank |= 1;
                (lo, hi) = (level.zeros + a, level.zeros + b);
            }
        }
        self.distinct.get(rank).copied()
    }
}

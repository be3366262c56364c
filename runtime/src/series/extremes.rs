//! Minima and maxima of any window in a handful of loads: prefixes and suffixes of blocks of 32, and tables of doubling
//! length over whole blocks (performance.md §E's log-doubling, at a sixteenth of its memory).
//!
//! In: finite values, appended. Out: extremes bit-equal to the left-to-right scan. Never: a NaN.

use crate::scalar::{max2, min2};
use std::ops::Range;

const BLOCK: usize = 32;

/// Index of both extremes.
#[derive(Debug, Clone, Default)]
pub(super) struct Extremes {
    min: Side<false>,
    max: Side<true>,
    block: Vec<f64>,
}

impl Extremes {
    pub(super) fn push(&mut self, x: f64) {
        self.block.push(x);
        self.min.push(x, &self.block);
        self.max.push(x, &self.block);
        if self.block.len() == BLOCK {
            self.block.clear();
        }
    }
    pub(super) fn min(&self, values: &[f64], range: Range<usize>) -> Option<f64> {
        self.min.query(values, range)
    }
    pub(super) fn max(&self, values: &[f64], range: Range<usize>) -> Option<f64> {
        self.max.query(values, range)
    }
}

#[derive(Debug, Clone, Default)]
struct Side<const MAX: bool> {
    /// Extreme from the block's start to here.
    prefix: Vec<f64>,
    /// Extreme from here to the block's end; complete blocks only.
    suffix: Vec<f64>,
    /// `levels[k][b]`: extreme of the `2^k` complete blocks from `b`.
    levels: Vec<Vec<f64>>,
}

impl<const MAX: bool> Side<MAX> {
    /// The left operand wins ties, so of −0 and 0 the first in the window is the answer, as in the scan.
    fn pick(a: f64, b: f64) -> f64 {
        if MAX { max2(a, b) } else { min2(a, b) }
    }

    fn push(&mut self, x: f64, block: &[f64]) {
        let next = match self.prefix.last() {
            Some(last) if block.len() > 1 => Self::pick(*last, x),
            _ => x,
        };
        self.prefix.push(next);
        if block.len() < BLOCK {
            return;
        }
        let at = self.suffix.len();
        self.suffix.extend_from_slice(block);
        for i in (at..at + BLOCK - 1).rev() {
            self.suffix[i] = Self::pick(self.suffix[i], self.suffix[i + 1]);
        }
        let blocks = self.suffix.len() / BLOCK;
        let mut extreme = next;
        for k in 0.. {
            if k > 0 {
                let half = 1 << (k - 1);
                if blocks < 2 * half {
                    break;
                }
                let from = blocks - 2 * half;
                extreme = Self::pick(self.levels[k - 1][from], self.levels[k - 1][from + half]);
            }
            if self.levels.len() == k {
                self.levels.push(Vec::new());
            }
            self.levels[k].push(extreme);
        }
    }

    fn query(&self, values: &[f64], range: Range<usize>) -> Option<f64> {
        if range.end.saturating_sub(range.start) <= 2 * BLOCK {
            return values.get(range)?.iter().copied().reduce(Self::pick);
        }
        let (first, last) = (range.start / BLOCK, (range.end - 1) / BLOCK);
        let mut acc = self.suffix[range.start];
        let whole = last - first - 1;
        if whole > 0 {
            let k = whole.ilog2() as usize;
            let level = &self.levels[k];
            acc = Self::pick(Self::pick(acc, level[first + 1]), level[last - (1 << k)]);
        }
        Some(Self::pick(acc, self.prefix[range.end - 1]))
    }
}

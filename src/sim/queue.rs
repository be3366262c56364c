//! The agenda: events ordered by (time, phase, sequence).
//!
//! In: events with their instant. Out: the earliest. Never: two events of equal order. Cancelling is the owner's affair:
//! events carry a token, and one whose token is out of date does nothing.
//!
//! Two parts. What comes next is in a small four-ary heap; what is further away lies unsorted in wheels of 64 buckets,
//! each wheel's bucket as long as the whole wheel below it (Varghese and Lauck, 1987). A bucket is sorted when its turn
//! comes, so an event costs the same whether ten or ten thousand are waiting; a heap alone pays for every one of them.

use super::{
    clock::Phase,
    config::{Ms, NEVER},
    event::Event,
};

/// The place of an event in the total order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(u128);

const SEQ_BITS: u32 = 56;

impl Key {
    /// Later than every event.
    pub const END: Key = Key(u128::MAX);
    #[inline]
    fn new(at: Ms, phase: Phase, seq: u64) -> Key {
        Key((at as u128) << 64 | (phase as u128) << SEQ_BITS | u128::from(seq))
    }
    /// The place of a task of the workload, given all their instants.
    #[inline]
    pub fn arrival(submitted: &[u64], task: usize) -> Key {
        let key = |at: &u64| Key::new(Ms::try_from(*at).unwrap_or(NEVER), Phase::Arrive, (1 << SEQ_BITS) - 1);
        submitted.get(task).map_or(Key::END, key)
    }
    /// The instant; for `END` one after all others.
    #[inline]
    pub fn at(self) -> Ms {
        (self.0 >> 64) as u64 as Ms & Ms::MAX
    }
    /// Instant and phase in one number.
    #[inline]
    pub fn instant(self) -> u128 {
        self.0 >> SEQ_BITS
    }
}

type Entry = (Key, Event);

/// Bits of an instant one wheel tells apart.
const DIGIT: u32 = 6;
const BUCKETS: usize = 1 << DIGIT;
/// Wheels enough for every instant that is not negative.
const WHEELS: usize = 63usize.div_ceil(DIGIT as usize);
/// A bucket of at most so many goes into the heap as it is; a fuller one is dealt out to the wheels below.
const FEW: usize = 8;

/// The agenda.
#[derive(Debug, Clone)]
pub struct Queue {
    /// Everything before `bound`, as a heap; empty only when there is nothing at all.
    near: Vec<Entry>,
    bound: Ms,
    /// When `near` becomes longer than this, its later half goes to the wheels.
    most: usize,
    /// Everything else: wheel by wheel, bucket by bucket. An event lies on the wheel of the highest digit in which its
    /// instant differs from `base`, so all of a lower wheel comes before all of a higher one.
    far: Vec<Vec<Entry>>,
    /// Which buckets of each wheel hold something.
    used: [u64; WHEELS],
    base: Ms,
    /// A bucket's old memory, to use again.
    spare: Vec<Entry>,
    seq: u64,
}

impl Default for Queue {
    fn default() -> Queue {
        Queue {
            near: Vec::new(),
            bound: 0,
            most: FEW,
            far: vec![Vec::new(); WHEELS * BUCKETS],
            used: [0; WHEELS],
            base: 0,
            spare: Vec::new(),
            seq: 0,
        }
    }
}

impl Queue {
    /// Adds an event, which must not lie before the last one taken.
    #[inline]
    pub fn push(&mut self, at: Ms, event: Event) {
        let key = Key::new(at.max(0), event.phase(), self.seq);
        self.seq += 1;
        if key.at() >= self.bound {
            self.file((key, event));
            if self.near.is_empty() {
                self.advance();
            }
        } else {
            rise(&mut self.near, (key, event));
            if self.near.len() > self.most {
                self.retreat();
            }
        }
    }
    /// The place of the earliest event, `Key::END` when there is none.
    #[inline]
    pub fn next(&self) -> Key {
        self.near.first().map_or(Key::END, |e| e.0)
    }
    /// Takes the earliest.
    #[inline]
    pub fn pop(&mut self) -> Option<Entry> {
        let last = self.near.pop()?;
        let top = match self.near.first() {
            None => last,
            Some(&top) => {
                sink(&mut self.near, last);
                top
            }
        };
        if self.near.is_empty() {
            self.advance();
        }
        Some(top)
    }
    /// Puts an event that is not near on its wheel.
    #[inline]
    fn file(&mut self, entry: Entry) {
        let at = entry.0.at();
        let wheel = ((at ^ self.base) as u64 | 1).ilog2() / DIGIT;
        let bucket = (at >> (wheel * DIGIT)) as usize % BUCKETS;
        self.used[wheel as usize] |= 1 << bucket;
        self.far[wheel as usize * BUCKETS + bucket].push(entry);
    }
    /// Brings the earliest bucket near.
    fn advance(&mut self) {
        while let Some(wheel) = self.used.iter().position(|used| *used != 0) {
            let bucket = self.used[wheel].trailing_zeros();
            self.used[wheel] &= self.used[wheel] - 1;
            let low = wheel as u32 * DIGIT;
            // Digits above the wheel's stay, its own becomes the bucket's, those below nought.
            let above = self.base.checked_shr(low + DIGIT).map_or(0, |high| high << DIGIT);
            self.base = (above | Ms::from(bucket)) << low;
            let spare = std::mem::take(&mut self.spare);
            let mut entries = std::mem::replace(&mut self.far[wheel * BUCKETS + bucket as usize], spare);
            if wheel == 0 || entries.len() <= FEW {
                self.bound = self.base.saturating_add(1 << low);
                entries.sort_unstable_by_key(|e| e.0);
                self.most = FEW.max(2 * entries.len());
                self.spare = std::mem::replace(&mut self.near, entries);
                return;
            }
            entries.drain(..).for_each(|entry| self.file(entry));
            self.spare = entries;
        }
    }
    /// Too much is near: a far event came near and many others before it. Sends the later half back.
    #[cold]
    fn retreat(&mut self) {
        self.near.sort_unstable_by_key(|e| e.0);
        let first = self.near[0].0.at();
        let middle = self.near[self.near.len() / 2].0.at();
        let bound = if middle > first { middle } else { first + 1 };
        let keep = self.near.partition_point(|e| e.0.at() < bound);
        self.bound = self.bound.min(bound);
        self.base = first;
        let mut later = std::mem::take(&mut self.spare);
        later.extend(self.near.drain(keep..));
        later.drain(..).for_each(|entry| self.file(entry));
        self.spare = later;
        self.most = FEW.max(2 * self.near.len());
    }
}

/// Adds an entry to a heap.
#[inline]
fn rise(heap: &mut Vec<Entry>, entry: Entry) {
    let mut i = heap.len();
    heap.push(entry);
    while i > 0 {
        let parent = (i - 1) / 4;
        if heap[parent].0 <= entry.0 {
            break;
        }
        heap[i] = heap[parent];
        i = parent;
    }
    heap[i] = entry;
}

/// Replaces the first entry of a heap.
#[inline]
fn sink(heap: &mut [Entry], entry: Entry) {
    let n = heap.len();
    // The new entry belongs near the leaves: let the hole sink all the way, then rise.
    let mut hole = 0;
    loop {
        let first = 4 * hole + 1;
        let best = if let Some([a, b, c, d]) = heap.get(first..first + 4) {
            let low = usize::from(b.0 < a.0);
            let high = 2 + usize::from(d.0 < c.0);
            let (l, h) = (if low == 0 { a.0 } else { b.0 }, if high == 2 { c.0 } else { d.0 });
            first + if h < l { high } else { low }
        } else {
            let Some(best) = (first..n).min_by_key(|c| heap[*c].0) else { break };
            best
        };
        heap[hole] = heap[best];
        hole = best;
    }
    while hole > 0 {
        let parent = (hole - 1) / 4;
        if heap[parent].0 <= entry.0 {
            break;
        }
        heap[hole] = heap[parent];
        hole = parent;
    }
    heap[hole] = entry;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn order_is_time_then_phase_then_insertion() {
        // Bursts at one instant, near and far delays, a queue that runs dry: always the one a sorted set gives.
        let mut x = 1u64;
        let mut luck = move |n: u64| {
            x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (x >> 33) % n
        };
        let mut queue = Queue::default();
        let mut sorted = BTreeSet::new();
        let mut now = 0;
        for i in 0..200_000u32 {
            let pushes = if i % 20_000 < 10_000 { luck(3) } else { luck(2) };
            for _ in 0..pushes {
                let delay = match luck(5) {
                    0 => 0,
                    1 => luck(100),
                    2 => luck(100_000),
                    3 => 600_000,
                    _ => {
                        let scale = luck(45);
                        luck(1 << scale)
                    }
                };
                let event = match luck(2) {
                    0 => Event::Sample { pool: i },
                    _ => Event::TaskEnd { task: i, token: 0 },
                };
                sorted.insert((now + delay as Ms, event.phase(), queue.seq));
                queue.push(now + delay as Ms, event);
            }
            let taken = queue.pop().map(|(key, event)| (key.at(), event.phase(), key.0 as u64 & ((1 << SEQ_BITS) - 1)));
            assert_eq!(taken, sorted.pop_first());
            now = taken.map_or(now, |t| t.0);
            assert_eq!(queue.next() == Key::END, sorted.is_empty());
        }
        while queue.pop().is_some() {}
        assert!(queue.used == [0; WHEELS] && queue.near.is_empty());
    }
}

//! The agenda: events ordered by (time, phase, sequence).
//!
//! In: events with their instant. Out: the earliest. Never: two events of equal order. Cancelling is the owner's affair:
//! events carry a token, and one whose token is out of date does nothing.
//!
//! A four-ary heap of 32-byte entries: two entries per cache line, half the depth of a binary heap.

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

/// The agenda.
#[derive(Debug, Clone, Default)]
pub struct Queue {
    heap: Vec<(Key, Event)>,
    seq: u64,
}

impl Queue {
    /// Adds an event.
    #[inline]
    pub fn push(&mut self, at: Ms, event: Event) {
        let key = Key::new(at.max(0), event.phase(), self.seq);
        self.seq += 1;
        let mut i = self.heap.len();
        self.heap.push((key, event));
        while i > 0 {
            let parent = (i - 1) / 4;
            if self.heap[parent].0 <= key {
                break;
            }
            self.heap[i] = self.heap[parent];
            i = parent;
        }
        self.heap[i] = (key, event);
    }
    /// The place of the earliest event, `Key::END` when there is none.
    #[inline]
    pub fn next(&self) -> Key {
        self.heap.first().map_or(Key::END, |e| e.0)
    }
    /// Takes the earliest.
    #[inline]
    pub fn pop(&mut self) -> Option<(Key, Event)> {
        let last = self.heap.pop()?;
        let heap = self.heap.as_mut_slice();
        let n = heap.len();
        let Some(&top) = heap.first() else { return Some(last) };
        // The last entry belongs near the leaves: let the hole sink all the way, choosing without guessing, then rise.
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
            if heap[parent].0 <= last.0 {
                break;
            }
            heap[hole] = heap[parent];
            hole = parent;
        }
        heap[hole] = last;
        Some(top)
    }
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
        assert!(queue.heap.is_empty());
    }
}

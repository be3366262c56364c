//! The agenda: events ordered by (time, phase, sequence).
//!
//! In: events with their instant. Out: the earliest. Never: two events of equal order. Cancelling is the owner's affair:
//! events carry a token, and one whose token is out of date does nothing.
//!
//! A four-ary heap of 32-byte entries: two entries per cache line, half the depth of a binary heap.

use super::{clock::Phase, config::Ms, event::Event};

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
    /// The instant.
    #[inline]
    pub fn at(self) -> Ms {
        (self.0 >> 64) as Ms
    }
    /// The phase, as a number.
    #[inline]
    pub fn phase(self) -> u8 {
        (self.0 >> SEQ_BITS) as u8
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
    /// Events waiting, stale ones included.
    pub fn len(&self) -> usize {
        self.heap.len()
    }
    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_time_then_phase_then_insertion() {
        let mut queue = Queue::default();
        let mut x = 1u64;
        for i in 0..500u32 {
            x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let at = (x >> 60) as Ms;
            let event = if x & 1 << 40 == 0 { Event::Sample { pool: i } } else { Event::TaskEnd { task: i, token: 0 } };
            queue.push(at, event);
        }
        let mut last = (-1, 0, 0);
        while let Some((key, event)) = queue.pop() {
            let id = match event {
                Event::Sample { pool } => pool,
                Event::TaskEnd { task, .. } => task,
                _ => unreachable!(),
            };
            let now = (key.at(), key.phase(), id);
            assert!(last < now, "{last:?} {now:?}");
            last = now;
        }
    }
}

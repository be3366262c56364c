//! The agenda: events ordered by (time, phase, sequence).
//!
//! In: events with their instant. Out: the earliest. Never: two events of equal order. Cancelling is the owner's affair:
//! events carry a token, and one whose token is out of date does nothing.
//!
//! A winner tree: every waiting event has a lane, a node holds the earlier of the two below. Taking the earliest replays
//! one lane's matches up to the root: loads, a minimum and a store per level, nothing for the processor to guess, where a
//! heap waits for each level to know which way the next one lies. A new event stops at the first match it loses, mostly
//! the first of all.

use super::{
    clock::Phase,
    config::{Ms, NEVER},
    event::Event,
};
use std::hint::select_unpredictable;

/// The place of an event in the total order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Time and phase.
    instant: u64,
    /// Sequence, and below it the lane, which never decides.
    order: u64,
}

/// Four billion events at once, more than memory holds. The sequence has the other half; where it wraps, only events of one
/// phase of one instant can change places, the same way everywhere.
const LANE_BITS: u32 = 32;
const PHASE_BITS: u32 = 4;
const LAST: u64 = (1 << (64 - PHASE_BITS)) - 2;

impl Key {
    /// Later than every event.
    pub const END: Key = Key { instant: u64::MAX, order: u64::MAX };
    #[inline]
    fn new(at: Ms, phase: Phase, seq: u64, lane: u32) -> Key {
        let instant = (at as u64).min(LAST) << PHASE_BITS | phase as u64;
        Key { instant, order: seq << LANE_BITS | u64::from(lane) }
    }
    /// The place of a task of the workload, given all their instants.
    #[inline]
    pub fn arrival(submitted: &[u64], task: usize) -> Key {
        let key = |at: &u64| Key::new(Ms::try_from(*at).unwrap_or(NEVER), Phase::Arrive, u64::MAX, 0);
        submitted.get(task).map_or(Key::END, key)
    }
    /// The instant; for `END` one after all others.
    #[inline]
    pub fn at(self) -> Ms {
        if self == Key::END { Ms::MAX } else { (self.instant >> PHASE_BITS) as Ms }
    }
    /// Instant and phase in one number.
    #[inline]
    pub fn instant(self) -> u64 {
        self.instant
    }
    /// The earlier of two. A branch would be taken wrongly half of the time.
    #[inline]
    fn earlier(self, other: Key) -> Key {
        let less = (other.instant < self.instant) | (other.instant == self.instant) & (other.order < self.order);
        let pick = |a, b| select_unpredictable(less, a, b);
        Key { instant: pick(other.instant, self.instant), order: pick(other.order, self.order) }
    }
    #[inline]
    fn lane(self) -> u32 {
        self.order as u32
    }
}

/// The agenda.
#[derive(Debug, Clone)]
pub struct Queue {
    /// The earliest.
    first: Key,
    /// Matches: those of lanes `2i` and `2i + 1` at `n + i`, where `n` is half the number of matches, then their winners,
    /// up to the last match at 1.
    matches: Vec<[Key; 2]>,
    lanes: Vec<Event>,
    /// Lanes whose event has happened.
    free: Vec<u32>,
    seq: u64,
}

impl Default for Queue {
    fn default() -> Queue {
        Queue { first: Key::END, matches: vec![[Key::END; 2]; 2], lanes: Vec::new(), free: Vec::new(), seq: 0 }
    }
}

impl Queue {
    /// Adds an event.
    #[inline]
    pub fn push(&mut self, at: Ms, event: Event) {
        let lane = match self.free.pop() {
            Some(lane) => lane,
            None => self.new_lane(),
        };
        let key = Key::new(at.max(0), event.phase(), self.seq, lane);
        self.seq += 1;
        self.lanes[lane as usize] = event;
        let (mut at, mut side) = self.place(lane);
        while let Some(pair) = self.matches.get_mut(at).filter(|_| at > 0) {
            pair[side] = key;
            if pair[side ^ 1] < key {
                return;
            }
            (at, side) = (at / 2, at % 2);
        }
        self.first = key;
    }
    /// The place of the earliest event, `Key::END` when there is none.
    #[inline]
    pub fn next(&self) -> Key {
        self.first
    }
    /// Takes the earliest.
    #[inline]
    pub fn pop(&mut self) -> Option<(Key, Event)> {
        let key = self.first;
        let &event = self.lanes.get(key.lane() as usize)?;
        self.free.push(key.lane());
        let (mut at, mut side) = self.place(key.lane());
        let (mut winner, matches) = (Key::END, self.matches.as_mut_slice());
        while let Some(pair) = matches.get_mut(at).filter(|_| at > 0) {
            let other = pair[side ^ 1];
            pair[side] = winner;
            winner = winner.earlier(other);
            (at, side) = (at / 2, at % 2);
        }
        self.first = winner;
        Some((key, event))
    }
    /// The match of a lane, and its side there.
    #[inline]
    fn place(&self, lane: u32) -> (usize, usize) {
        (self.matches.len() / 2 + lane as usize / 2, lane as usize % 2)
    }
    /// One lane more, and twice the matches when there is no room for it.
    #[cold]
    fn new_lane(&mut self) -> u32 {
        let n = self.matches.len();
        let lane = self.lanes.len();
        if lane == n {
            let mut matches = vec![[Key::END; 2]; 2 * n];
            matches[n..n + n / 2].copy_from_slice(&self.matches[n / 2..]);
            for i in (2..2 * n).rev() {
                matches[i / 2][i % 2] = matches[i][0].min(matches[i][1]);
            }
            self.matches = matches;
        }
        self.lanes.push(Event::Capacity);
        lane as u32
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
            let sequence = |key: Key| key.order >> LANE_BITS;
            let taken = queue.pop().map(|(key, event)| (key.at(), event.phase(), sequence(key)));
            assert_eq!(taken, sorted.pop_first());
            now = taken.map_or(now, |t| t.0);
            assert_eq!(queue.next() == Key::END, sorted.is_empty());
        }
        while queue.pop().is_some() {}
        assert_eq!(queue.next(), Key::END);
    }
}

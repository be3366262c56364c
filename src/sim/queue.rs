//! The agenda: events ordered by (time, phase, sequence).
//!
//! In: events with their instant. Out: the earliest. Never: two events of equal order. Cancelling is the owner's affair:
//! events carry a token, and one whose token is out of date does nothing.
//!
//! A calendar: time is cut into slots so short that a handful of events falls into each. A slot is sorted when its time has
//! come, and until then an event is only dropped into it: most lie far ahead when they are added, and for them there is
//! nothing to compare, nothing for the processor to guess, and the same work whether a hundred wait or a million.

use super::{
    clock::Phase,
    config::{Ms, NEVER},
    event::Event,
};
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// An instant and a phase of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

const PHASE_BITS: u32 = 4;
const LAST: u64 = (1 << (64 - PHASE_BITS)) - 2;

impl Moment {
    /// Before every event.
    pub const START: Moment = Moment(0);
    /// Later than every event.
    pub const END: Moment = Moment(u64::MAX);
    #[inline]
    fn new(at: Ms, phase: Phase) -> Moment {
        Moment((at as u64).min(LAST) << PHASE_BITS | phase as u64)
    }
    /// When a task of the workload is added, given all their instants.
    #[inline]
    pub fn arrival(submitted: &[u64], task: usize) -> Moment {
        let moment = |at: &u64| Moment::new(Ms::try_from(*at).unwrap_or(NEVER), Phase::Arrive);
        submitted.get(task).map_or(Moment::END, moment)
    }
    /// The last of an instant.
    pub fn last(at: Ms) -> Moment {
        Moment(((at as u64).min(LAST) << PHASE_BITS) | ((1 << PHASE_BITS) - 1))
    }
    /// The instant; for `END` one after all others.
    #[inline]
    pub fn at(self) -> Ms {
        (self.0 >> PHASE_BITS) as Ms
    }
}

/// An event that waits. The greatest is the earliest, as a heap has it.
#[derive(Debug, Clone, Copy)]
struct Entry {
    moment: Moment,
    sequence: u64,
    event: Event,
}

impl Entry {
    /// Greater for the earlier, in one number: comparing two of them takes one branch.
    #[inline]
    fn rank(&self) -> u128 {
        !(u128::from(self.moment.0) << 64 | u128::from(self.sequence))
    }
}
impl Ord for Entry {
    #[inline]
    fn cmp(&self, other: &Entry) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}
impl PartialOrd for Entry {
    #[inline]
    fn partial_cmp(&self, other: &Entry) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Entry {
    fn eq(&self, other: &Entry) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Entry {}

/// Events a slot is meant to hold.
const HANDFUL: usize = 8;
/// Events of a slot that are too many.
const MANY: usize = 64;
/// Slots of a turn, at least.
const SLOTS: usize = 256;
/// The widest slot, as a power of two: a turn of them is a thousand years.
const WIDEST: u32 = 42;

/// The agenda.
#[derive(Debug, Clone)]
pub struct Queue {
    /// When the earliest happens.
    first: Moment,
    /// Events of the slot whose time has come, the earliest last.
    batch: Vec<Entry>,
    /// Events added since that belong there, or before, and found too many to be sorted among.
    late: BinaryHeap<Entry>,
    /// Where that slot ends.
    edge: u64,
    /// The slots of this turn, of `1 << width` each from `start` on.
    slots: Vec<Vec<Entry>>,
    start: u64,
    width: u32,
    /// The slot whose time comes next.
    slot: usize,
    /// Events beyond the turn.
    beyond: Vec<Entry>,
    sequence: u64,
}

impl Default for Queue {
    fn default() -> Queue {
        Queue {
            first: Moment::END,
            batch: Vec::new(),
            late: BinaryHeap::new(),
            edge: 0,
            slots: vec![Vec::new(); SLOTS],
            start: 0,
            width: PHASE_BITS,
            slot: 0,
            beyond: Vec::new(),
            sequence: 0,
        }
    }
}

impl Queue {
    /// Adds an event.
    #[inline(always)] // so that the event is built in its place
    pub fn push(&mut self, at: Ms, event: Event) {
        let (moment, sequence) = (Moment::new(at.max(0), event.phase()), self.sequence);
        self.sequence += 1;
        if moment.0 < self.edge {
            return self.push_late(Entry { moment, sequence, event });
        }
        self.put(Entry { moment, sequence, event });
        if self.first == Moment::END {
            self.refill();
        }
    }
    #[inline(always)]
    fn put(&mut self, entry: Entry) {
        let slot = (entry.moment.0 - self.start) >> self.width;
        self.slots.get_mut(slot as usize).unwrap_or(&mut self.beyond).push(entry);
    }
    #[inline(never)]
    fn push_late(&mut self, entry: Entry) {
        self.first = self.first.min(entry.moment);
        if self.batch.len() < MANY && self.late.is_empty() {
            let place = self.batch.partition_point(|other| other.rank() < entry.rank());
            return self.batch.insert(place, entry);
        }
        self.late.push(entry);
        // There was nothing to do for a while, the calendar is far ahead, and now there is.
        if self.late.len() > MANY && entry.moment.0 < self.edge - (1 << self.width) {
            self.beyond.extend(self.late.drain());
            self.start_over();
            self.refill();
        }
    }
    /// When the earliest event happens, `Moment::END` when there is none.
    #[inline]
    pub fn next(&self) -> Moment {
        self.first
    }
    /// The earliest of its slot: what happens next, unless something came late.
    #[inline(always)]
    pub fn peek(&self) -> Option<Event> {
        self.batch.last().map(|entry| entry.event)
    }
    /// Takes the earliest.
    #[inline(always)]
    pub fn pop(&mut self) -> Option<Event> {
        if !self.late.is_empty() {
            return self.pop_late();
        }
        let entry = self.batch.pop()?;
        match self.batch.last() {
            Some(next) => self.first = next.moment,
            None => self.refill(),
        }
        Some(entry.event)
    }
    /// The earliest, while some came late.
    #[inline(never)]
    fn pop_late(&mut self) -> Option<Event> {
        let late = self.late.peek() > self.batch.last();
        let entry = if late { self.late.pop() } else { self.batch.pop() }?;
        match self.batch.last().max(self.late.peek()) {
            Some(next) => self.first = next.moment,
            None => self.refill(),
        }
        Some(entry.event)
    }
    /// The time of the next slot with something in it has come.
    #[inline(never)]
    fn refill(&mut self) {
        loop {
            let Some(slot) = self.slots.get_mut(self.slot) else {
                if self.beyond.is_empty() {
                    (self.first, self.start, self.slot) = (Moment::END, self.edge, 0);
                    return;
                }
                self.turn();
                continue;
            };
            self.slot += 1;
            if slot.is_empty() {
                continue;
            }
            std::mem::swap(&mut self.batch, slot);
            let many = self.batch.len() > MANY.max(self.slots.len() / 4);
            if many && width_of(&self.batch) + 1 < self.width {
                self.start_over();
                continue;
            }
            self.batch.sort_unstable_by_key(Entry::rank);
            self.first = self.batch.last().map_or(Moment::END, |e| e.moment);
            self.edge = self.start.saturating_add((self.slot as u64) << self.width);
            return;
        }
    }
    /// A new turn for all that wait.
    #[cold]
    fn start_over(&mut self) {
        self.beyond.append(&mut self.batch);
        self.slots.iter_mut().for_each(|slot| self.beyond.append(slot));
        self.turn();
    }
    /// A new turn for those beyond the last one.
    #[cold]
    fn turn(&mut self) {
        let events = &mut self.beyond;
        if events.len() > 1 {
            self.width = width_of(events);
        }
        self.start = events.iter().map(|e| e.moment.0).min().unwrap_or(0);
        self.slot = 0;
        if events.len() > HANDFUL * self.slots.len() {
            self.slots.resize_with(events.len().div_ceil(HANDFUL), Vec::new);
        }
        let mut i = 0;
        while let Some(entry) = events.get(i) {
            let slot = (entry.moment.0 - self.start) >> self.width;
            match self.slots.get_mut(slot as usize) {
                Some(slot) => slot.push(events.swap_remove(i)),
                None => i += 1,
            }
        }
    }
}

/// How wide a slot has to be, as a power of two, to hold a handful of the earliest of these, of which there are two.
fn width_of(events: &[Entry]) -> u32 {
    let mut moments: Vec<u64> = events.iter().map(|e| e.moment.0).collect();
    // What lies far ahead tells nothing about the next.
    let sample = MANY.min(events.len() / 2);
    let (earlier, last, _) = moments.select_nth_unstable(sample);
    let first = earlier.iter().min().unwrap_or(last);
    let apart = (*last - *first) / sample as u64;
    apart.saturating_mul(HANDFUL as u64).max(1).ilog2().clamp(PHASE_BITS, WIDEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn order_is_time_then_phase_then_insertion() {
        // Times when everything lies near, far, together or both near and far, a queue that grows and runs dry: always the
        // order a sorted map gives.
        let mut x = 1u64;
        let mut luck = move |n: u64| {
            x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (x >> 33) % n
        };
        let mut queue = Queue::default();
        let mut sorted = BTreeMap::new();
        let mut now = 0;
        for i in 0..200_000u32 {
            let pushes = if i % 2_000 < 1_000 { luck(4) } else { luck(2) };
            for _ in 0..pushes {
                let delay = match i / 2_000 % 5 {
                    0 => [0, luck(100), luck(100_000), 600_000][luck(4) as usize],
                    1 => luck(1_000),
                    2 => 60_000 * (1 + luck(9)) - now as u64 % 60_000,
                    3 => 1 << luck(45),
                    _ => luck(10),
                };
                let event = match luck(2) {
                    0 => Event::Sample { pool: i },
                    _ => Event::TaskEnd { task: i, token: 0 },
                };
                sorted.insert((now + delay as Ms, event.phase(), queue.sequence), event);
                queue.push(now + delay as Ms, event);
            }
            let next = queue.next();
            let first = sorted.pop_first();
            assert_eq!(queue.pop(), first.map(|(_, event)| event));
            now = first.map_or(now, |((at, ..), _)| at);
            assert_eq!(next == Moment::END, first.is_none());
            assert!(first.is_none() || next.at() == now);
            assert_eq!(queue.next() == Moment::END, sorted.is_empty());
        }
        while queue.pop().is_some() {}
        assert_eq!(queue.next(), Moment::END);
    }
}

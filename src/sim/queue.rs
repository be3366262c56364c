//! The agenda: events ordered by (time, phase, insertion).
//!
//! In: events with their instant. Out: the earliest. Never: two events of equal order. Cancelling is the owner's affair:
//! events carry a token, and one whose token is out of date does nothing.
//!
//! A calendar: time is cut into slots so short that a handful of events falls into each. A slot is sorted when its time has
//! come, and until then an event is only dropped into it: most lie far ahead when they are added, and for them there is
//! nothing to compare, nothing for the processor to guess, and the same work whether a hundred wait or a million. The slots
//! are a wheel; what lies beyond it waits in a heap.

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

/// An event that waits. Among those of one moment the order is that of their insertion, which is the order they lie in.
#[derive(Debug, Clone, Copy)]
struct Entry {
    moment: Moment,
    event: Event,
}

/// An event in a heap, with the number that keeps the order of insertion there. The greatest is the earliest.
#[derive(Debug, Clone, Copy)]
struct Heaped {
    sequence: u64,
    entry: Entry,
}

impl Ord for Heaped {
    fn cmp(&self, other: &Heaped) -> Ordering {
        (other.entry.moment, other.sequence).cmp(&(self.entry.moment, self.sequence))
    }
}
impl PartialOrd for Heaped {
    fn partial_cmp(&self, other: &Heaped) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Heaped {
    fn eq(&self, other: &Heaped) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Heaped {}

/// Events a slot is meant to hold.
const HANDFUL: usize = 4;
/// Events of a slot that are put in order by exchanges.
const FEW: usize = 8;
/// Events of a slot that are too many.
const MANY: usize = 64;
/// Slots of the wheel, at least: a power of two, and few enough to stay close to the processor.
const SLOTS: usize = 512;
/// The widest slot, as a power of two: a turn of the wheel is a thousand years.
const WIDEST: u32 = 42;
/// No event.
const NONE: u32 = u32::MAX;

/// Events that wait, in lists of which the newest is the head. All lie together, and the place of one that has happened is
/// the next to be used: what is written to is what was read a moment ago.
#[derive(Debug, Clone)]
struct Lists {
    all: Vec<Lane>,
    free: u32,
}

/// An event and the place of the one before it in its list.
#[derive(Debug, Clone, Copy)]
#[repr(align(32))] // so that two of them fill a line of the cache
struct Lane(Entry, u32);

impl Lists {
    #[inline(always)]
    fn push(&mut self, head: &mut u32, entry: Entry) {
        let place = self.free;
        match self.all.get_mut(place as usize) {
            Some(free) => {
                self.free = free.1;
                *free = Lane(entry, *head);
                *head = place;
            }
            None => {
                self.all.push(Lane(entry, *head));
                *head = self.all.len() as u32 - 1;
            }
        }
    }
    /// Adds the events of a list to others, the oldest first, and gives their places up.
    fn take(&mut self, head: &mut u32, out: &mut Vec<Entry>) {
        let from = out.len();
        while let Some(Lane(entry, next)) = self.all.get_mut(*head as usize) {
            out.push(*entry);
            (*next, self.free, *head) = (self.free, *head, *next);
        }
        out[from..].reverse();
    }
}

/// The agenda.
#[derive(Debug, Clone)]
pub struct Queue {
    /// When the earliest happens.
    first: Moment,
    /// Events of the slot whose time has come, the earliest first; those before `taken` have happened.
    batch: Vec<Entry>,
    taken: usize,
    /// Events added since that belong there behind the first, and found too many to be sorted among.
    late: BinaryHeap<Heaped>,
    /// Where that slot ends.
    edge: u64,
    /// The wheel: slots of `1 << width` each, as many as there are from that end on. After the last comes the first again.
    slots: Vec<u32>,
    lists: Lists,
    width: u32,
    /// Events in the slots.
    waiting: usize,
    /// By how many slots the wheel has turned, and how many events have left them, since its shape was last looked at.
    turned: usize,
    happened: usize,
    /// Events beyond the wheel.
    beyond: BinaryHeap<Heaped>,
    /// Of the next that is heaped.
    sequence: u64,
}

impl Default for Queue {
    fn default() -> Queue {
        Queue {
            first: Moment::END,
            batch: Vec::new(),
            taken: 0,
            late: BinaryHeap::new(),
            edge: 0,
            slots: vec![NONE; SLOTS],
            lists: Lists { all: Vec::new(), free: NONE },
            width: PHASE_BITS,
            waiting: 0,
            turned: 0,
            happened: 0,
            beyond: BinaryHeap::new(),
            sequence: 0,
        }
    }
}

impl Queue {
    /// Adds an event.
    #[inline(always)] // so that the event is built in its place
    pub fn push(&mut self, at: Ms, event: Event) {
        let moment = Moment::new(at.max(0), event.phase());
        if moment.0 < self.edge {
            return self.push_late(Entry { moment, event });
        }
        self.put(Entry { moment, event });
        if self.first == Moment::END {
            self.refill();
        }
    }
    /// Where the slot of a moment lies in the wheel.
    #[inline(always)]
    fn slot(&self, moment: u64) -> usize {
        (moment >> self.width) as usize & (self.slots.len() - 1)
    }
    /// Whether a moment that does not lie before the edge has a slot.
    #[inline(always)]
    fn in_wheel(&self, moment: Moment) -> bool {
        (moment.0 >> self.width) - (self.edge >> self.width) < self.slots.len() as u64
    }
    /// Adds an event that does not lie before the edge.
    #[inline(always)]
    fn put(&mut self, entry: Entry) {
        if !self.in_wheel(entry.moment) {
            return self.put_beyond(entry);
        }
        let slot = self.slot(entry.moment.0);
        self.waiting += 1;
        self.lists.push(&mut self.slots[slot], entry);
    }
    #[inline(never)]
    fn put_beyond(&mut self, entry: Entry) {
        let heaped = self.heaped(entry);
        self.beyond.push(heaped);
    }
    fn heaped(&mut self, entry: Entry) -> Heaped {
        self.sequence += 1;
        Heaped { sequence: self.sequence, entry }
    }
    /// The wheel has turned by a slot: events from beyond come before all that are yet to be added to it.
    #[inline(always)]
    fn turn(&mut self) {
        self.turned += 1;
        self.edge = self.edge.saturating_add(1 << self.width);
        self.bring_near();
    }
    #[inline(always)] // mostly there is nothing to bring
    fn bring_near(&mut self) {
        while let Some(next) = self.beyond.peek().map(|next| next.entry)
            && self.in_wheel(next.moment)
        {
            self.beyond.pop();
            self.put(next);
        }
    }
    #[inline(never)]
    fn push_late(&mut self, entry: Entry) {
        let waiting = &self.batch[self.taken..];
        let earliest = waiting.first().is_none_or(|first| entry.moment < first.moment);
        if earliest || self.late.is_empty() && waiting.len() < MANY {
            let before = waiting.partition_point(|other| other.moment <= entry.moment);
            self.insert(before, entry);
            self.first = self.batch[self.taken].moment;
            return;
        }
        let heaped = self.heaped(entry);
        self.late.push(heaped);
        // There was nothing to do for a while, the calendar is far ahead, and now there is.
        if self.late.len() > MANY && entry.moment.0 < self.edge - (1 << self.width) {
            self.start_over();
            self.refill();
        }
    }
    /// Puts an event into the batch behind so many that wait there: into the room of one that has happened, because what
    /// happens soon has few before it.
    fn insert(&mut self, before: usize, entry: Entry) {
        if self.taken == 0 {
            self.taken = self.batch.len().max(1);
            self.batch.splice(0..0, std::iter::repeat_n(entry, self.taken));
        }
        let from = self.taken;
        self.batch.copy_within(from..from + before, from - 1);
        self.batch[from - 1 + before] = entry;
        self.taken -= 1;
    }
    /// When the earliest event happens, `Moment::END` when there is none.
    #[inline]
    pub fn next(&self) -> Moment {
        self.first
    }
    /// The earliest event.
    #[inline(always)]
    pub fn peek(&self) -> Option<&Event> {
        self.batch.get(self.taken).map(|entry| &entry.event)
    }
    /// Lets the earliest go.
    #[inline(always)] // the caller has read what it needs where it lay: an event copied whole is waited for
    pub fn advance(&mut self) {
        self.taken += 1;
        if !self.late.is_empty() {
            self.bring_late();
        }
        match self.batch.get(self.taken) {
            Some(next) => self.first = next.moment,
            None => self.refill(),
        }
    }
    /// The next may be among those that came late: later than all of their moment that did not.
    #[inline(never)]
    fn bring_late(&mut self) {
        let waiting = self.batch.get(self.taken).map_or(Moment::END, |entry| entry.moment);
        if self.late.peek().is_some_and(|late| late.entry.moment < waiting)
            && let Some(late) = self.late.pop()
        {
            self.insert(0, late.entry);
        }
    }
    /// The time of the next slot with something in it has come.
    #[inline(never)]
    fn refill(&mut self) {
        self.batch.clear();
        self.taken = 0;
        loop {
            if self.waiting == 0 {
                let Some(far) = self.beyond.peek() else {
                    self.first = Moment::END;
                    return;
                };
                self.edge = far.entry.moment.0 >> self.width << self.width;
                self.bring_near();
                self.turned = self.slots.len();
            }
            if self.turned >= self.slots.len() && self.out_of_shape() {
                self.start_over();
            }
            let slot = self.slot(self.edge);
            let head = self.slots[slot];
            if head == NONE {
                self.turn();
                continue;
            }
            if !self.few(head) {
                self.lists.take(&mut self.slots[slot], &mut self.batch);
                let many = self.batch.len() > MANY.max(self.slots.len() / 4);
                if many && width_of(&self.batch) + 1 < self.width {
                    self.start_over();
                    continue;
                }
                self.batch.sort_by_key(|entry| entry.moment);
            }
            self.slots[slot] = NONE;
            self.waiting -= self.batch.len();
            self.happened += self.batch.len();
            self.turn();
            self.look_ahead();
            self.first = self.batch.first().map_or(Moment::END, |e| e.moment);
            return;
        }
    }
    /// Whether, after a whole turn, the slots have turned out too narrow or too wide or too few.
    fn out_of_shape(&mut self) -> bool {
        self.turned = 0;
        let (happened, meant) = (std::mem::take(&mut self.happened), HANDFUL * self.slots.len());
        let several = self.waiting + self.beyond.len() > 1;
        several && (happened < meant / 4 || happened > meant * 2 || self.beyond.len() > meant)
    }
    /// Reads on in the next slot and lets what it read go: it is on its way from memory while this slot's events happen.
    #[inline(always)]
    fn look_ahead(&self) {
        let next = |place: u32| self.lists.all.get(place as usize).map_or(NONE, |entry| entry.1);
        std::hint::black_box(next(next(self.slots[self.slot(self.edge)])));
    }
    /// Moves the events of the present slot to the empty batch, in order, if they are few.
    #[inline(always)]
    fn few(&mut self, head: u32) -> bool {
        let Lists { all, free } = &mut self.lists;
        let start = self.edge;
        // Nothing here is for the processor to guess: a wrong guess costs as much as all of it. Moment and place in one
        // number, for which a slot is narrow enough; of one moment the newest, which comes first here, is the last.
        let mut keys = [u64::MAX; FEW];
        let mut places = [0; FEW];
        let (mut n, mut place, mut last) = (0, head, head);
        while let Some(Lane(entry, next)) = all.get(place as usize) {
            if n == FEW {
                return false;
            }
            keys[n] = (entry.moment.0 - start) << FEW.ilog2() | (FEW - 1 - n) as u64;
            places[FEW - 1 - n] = place;
            n += 1;
            (last, place) = (place, *next);
        }
        exchange(&mut keys);
        self.batch.extend(keys[..n].iter().map(|key| all[places[*key as usize % FEW] as usize].0));
        all[last as usize].1 = *free;
        *free = head;
        true
    }
    /// A new wheel for all that wait.
    #[cold]
    fn start_over(&mut self) {
        let mut events: Vec<Entry> = self.batch.drain(..).skip(self.taken).collect();
        self.taken = 0;
        // Of one moment, those that came late came last; else all of a moment lie in one place.
        events.extend(std::iter::from_fn(|| self.late.pop()).map(|late| late.entry));
        self.slots.iter_mut().for_each(|head| self.lists.take(head, &mut events));
        events.extend(std::iter::from_fn(|| self.beyond.pop()).map(|far| far.entry));
        (self.waiting, self.turned, self.happened) = (0, 0, 0);
        if events.len() > 1 {
            self.width = width_of(&events);
        }
        let first = events.iter().map(|e| e.moment.0).min().unwrap_or(0);
        self.edge = first >> self.width << self.width;
        let slots = events.len().div_ceil(HANDFUL).next_power_of_two();
        self.slots.resize(slots.max(self.slots.len()), NONE);
        events.into_iter().for_each(|entry| self.put(entry));
    }
}

/// Orders by exchanges that are the same whatever the order was (Batcher 1968).
#[inline(always)]
fn exchange(keys: &mut [u64; FEW]) {
    let [a, b, c, d, e, f, g, h] = keys;
    let order = |x: &mut u64, y: &mut u64| (*x, *y) = ((*x).min(*y), (*x).max(*y));
    order(a, b);
    order(c, d);
    order(e, f);
    order(g, h);
    order(a, c);
    order(b, d);
    order(e, g);
    order(f, h);
    order(b, c);
    order(f, g);
    order(a, e);
    order(d, h);
    order(b, f);
    order(c, g);
    order(b, e);
    order(d, g);
    order(c, e);
    order(d, f);
    order(d, e);
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

    impl Queue {
        /// Takes the earliest.
        fn pop(&mut self) -> Option<Event> {
            let event = *self.peek()?;
            self.advance();
            Some(event)
        }
    }

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
        let (mut now, mut added) = (0, 0u64);
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
                    _ => Event::TaskEnd { task: i, token: 0, node: 0 },
                };
                sorted.insert((now + delay as Ms, event.phase(), added), event);
                added += 1;
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

    #[test]
    fn events_that_follow_each_other_closely_take_no_room() {
        let mut queue = Queue::default();
        queue.push(1 << 40, Event::Capacity);
        for at in 0..10_000 {
            queue.push(at, Event::Sample { pool: 0 });
            assert_eq!((queue.next().at(), queue.pop()), (at, Some(Event::Sample { pool: 0 })));
        }
        assert!(queue.batch.len() + queue.late.len() + queue.lists.all.len() < 10);
    }
}

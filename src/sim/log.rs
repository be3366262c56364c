//! Append-only logs and tables that a fork shares.
//!
//! In: records. Out: the same, in order. Never: an edit. Full blocks are shared by clones, so forking a long run copies
//! one block, not the run.
//!
//! A `Log` keeps records as they are, a `Table` packs rows of whole numbers, of which a run makes millions: memory nobody
//! has touched yet costs more to write to than packing does.

use std::sync::Arc;

const BLOCK: usize = 1024;

/// An append-only list.
#[derive(Debug)]
pub struct Log<T> {
    full: Vec<Arc<Vec<T>>>,
    tail: Vec<T>,
}

impl<T> Default for Log<T> {
    fn default() -> Self {
        Log { full: Vec::new(), tail: Vec::new() }
    }
}

impl<T: Clone> Clone for Log<T> {
    fn clone(&self) -> Self {
        let mut tail = Vec::with_capacity(BLOCK.min(self.tail.len() * 2));
        tail.extend_from_slice(&self.tail);
        Log { full: self.full.clone(), tail }
    }
}

impl<T> Log<T> {
    /// Appends.
    #[inline(always)] // so that the record is built in its place
    pub fn push(&mut self, value: T) {
        if self.tail.len() == BLOCK {
            self.full.push(Arc::new(std::mem::replace(&mut self.tail, Vec::with_capacity(BLOCK))));
        }
        self.tail.push(value);
    }
    /// How many.
    pub fn len(&self) -> usize {
        self.full.len() * BLOCK + self.tail.len()
    }
    /// Whether none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// All, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.full.iter().flat_map(|block| block.iter()).chain(self.tail.iter())
    }
    /// Those from a position on.
    pub fn since(&self, from: usize) -> impl Iterator<Item = &T> {
        (from..self.len()).filter_map(|i| self.get(i))
    }
    /// The newest.
    pub fn last(&self) -> Option<&T> {
        self.tail.last().or_else(|| self.full.last()?.last())
    }
    /// By position.
    pub fn get(&self, i: usize) -> Option<&T> {
        match self.full.get(i / BLOCK) {
            Some(block) => block.get(i % BLOCK),
            None => self.tail.get(i.checked_sub(self.full.len() * BLOCK)?),
        }
    }
}

/// A row of a table: a few words that mostly differ little from one row to the next.
pub trait Row {
    /// `[u64; N]`.
    type Words: Copy + Default + AsRef<[u64]> + AsMut<[u64]>;
    /// As words.
    fn words(&self) -> Self::Words;
    /// From its words.
    fn of_words(words: &Self::Words) -> Self;
}

/// Rows of a block: few enough that those not packed yet stay close to the processor.
const ROWS: usize = 64;
/// Bytes of a word.
const WORD: usize = 8;

/// An append-only table of rows.
#[derive(Debug)]
pub struct Table<T: Row> {
    full: Vec<Arc<[u8]>>,
    tail: Vec<T::Words>,
    /// Where a block is packed before it is known how long it is.
    packed: Vec<u8>,
}

/// Packs `ROWS` rows: of each word how many of its low bytes ever differ from the first row's; then, word by word, the first
/// row's and those bytes of every row.
fn pack<W: Copy + Default + AsRef<[u64]> + AsMut<[u64]>>(rows: &[W; ROWS], to: &mut Vec<u8>) {
    let mut bits = W::default();
    for row in rows {
        for ((bits, word), first) in bits.as_mut().iter_mut().zip(row.as_ref()).zip(rows[0].as_ref()) {
            *bits |= word ^ first;
        }
    }
    let width = |bits: &u64| WORD - bits.leading_zeros() as usize / 8;
    to.extend(bits.as_ref().iter().map(|bits| width(bits) as u8));
    for (word, (bits, first)) in bits.as_ref().iter().zip(rows[0].as_ref()).enumerate() {
        to.extend_from_slice(&first.to_le_bytes());
        let change = |row: usize| rows[row].as_ref()[word] ^ first;
        match width(bits) {
            0 => {}
            1 => push_low::<1>(to, change),
            2 => push_low::<2>(to, change),
            3 => push_low::<3>(to, change),
            4 => push_low::<4>(to, change),
            5 => push_low::<5>(to, change),
            6 => push_low::<6>(to, change),
            7 => push_low::<7>(to, change),
            _ => push_low::<8>(to, change),
        }
    }
}

/// Appends the low bytes of a word of every row, so many that the processor need not be told in a loop.
#[inline(always)]
fn push_low<const WIDTH: usize>(to: &mut Vec<u8>, word: impl Fn(usize) -> u64) {
    let low = |word: u64| *word.to_le_bytes().first_chunk().unwrap_or(&[0; WIDTH]);
    let column: [[u8; WIDTH]; ROWS] = std::array::from_fn(|row| low(word(row)));
    to.extend_from_slice(column.as_flattened());
}

/// A row of a packed block.
fn unpack<T: Row>(block: &[u8], row: usize) -> T {
    let number = |bytes: &[u8]| {
        let mut word = [0; WORD];
        word[..bytes.len()].copy_from_slice(bytes);
        u64::from_le_bytes(word)
    };
    let mut words = T::Words::default();
    let (widths, mut rest) = block.split_at(words.as_ref().len());
    for (word, width) in words.as_mut().iter_mut().zip(widths) {
        let width = usize::from(*width);
        let (first, changes) = rest.split_at(WORD);
        *word = number(first) ^ number(&changes[row * width..(row + 1) * width]);
        rest = &changes[ROWS * width..];
    }
    T::of_words(&words)
}

impl<T: Row> Default for Table<T> {
    fn default() -> Self {
        Table { full: Vec::new(), tail: Vec::new(), packed: Vec::new() }
    }
}

impl<T: Row> Clone for Table<T> {
    fn clone(&self) -> Self {
        Table { full: self.full.clone(), tail: self.tail.clone(), packed: Vec::new() }
    }
}

impl<T: Row> Table<T> {
    /// Appends.
    #[inline(always)] // so that the row is built in its place
    pub fn push(&mut self, row: &T) {
        if self.tail.len() == ROWS {
            self.pack();
        }
        self.tail.push(row.words());
    }
    #[inline(never)]
    fn pack(&mut self) {
        if let Some(rows) = self.tail.first_chunk() {
            pack(rows, &mut self.packed);
            self.full.push(Arc::from(&*self.packed));
            self.packed.clear();
            self.tail.clear();
        }
    }
    /// How many.
    pub fn len(&self) -> usize {
        self.full.len() * ROWS + self.tail.len()
    }
    /// Whether none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// All, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = T> {
        let full = self.full.iter().flat_map(|block| (0..ROWS).map(|row| unpack(block, row)));
        full.chain(self.tail.iter().map(T::of_words))
    }
    /// Those from a position on.
    pub fn since(&self, from: usize) -> impl Iterator<Item = T> {
        (from..self.len()).filter_map(|i| self.get(i))
    }
    /// By position.
    pub fn get(&self, i: usize) -> Option<T> {
        match self.full.get(i / ROWS) {
            Some(block) => Some(unpack(block, i % ROWS)),
            None => self.tail.get(i - self.full.len() * ROWS).map(T::of_words),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq)]
    struct Three([u64; 3]);
    impl Row for Three {
        type Words = [u64; 3];
        fn words(&self) -> [u64; 3] {
            self.0
        }
        fn of_words(words: &[u64; 3]) -> Three {
            Three(*words)
        }
    }

    #[test]
    fn rows_come_back_as_they_were() {
        // Words that never change, by a byte, by all of them, and every row of a block the same.
        let row = |i: u64| Three([7, i % 5 * 50, if i / 300 == 1 { u64::MAX / (i + 1) } else { 1 << 40 }]);
        let mut table = Table::default();
        for i in 0..2_000 {
            assert_eq!(table.len() as u64, i);
            table.push(&row(i));
        }
        assert!(table.iter().eq((0..2_000).map(row)));
        assert!(table.iter().rev().eq((0..2_000).rev().map(row)));
        assert!((0..2_000).all(|i| table.get(i as usize) == Some(row(i))));
        assert_eq!(table.get(2_000), None);
        assert!(table.since(300).eq((300..2_000).map(row)));
        assert!(table.clone().iter().eq(table.iter()));
    }
}

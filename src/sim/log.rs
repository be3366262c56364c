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
    type Words: Copy + AsRef<[u64]> + AsMut<[u64]>;
    /// As words.
    fn words(&self) -> Self::Words;
    /// From its words.
    fn of_words(words: &Self::Words) -> Self;
}

const ROWS: usize = 256;
/// Bytes of a word.
const WORD: usize = 8;

/// An append-only table of rows.
#[derive(Debug)]
pub struct Table<T: Row> {
    full: Vec<Arc<Packed<T::Words>>>,
    tail: Vec<T::Words>,
}

/// `ROWS` rows as columns: the first row, and of the words that change the low bytes, as many as ever differ from it.
#[derive(Debug)]
struct Packed<W> {
    first: W,
    /// Words that change, and how many of their bytes.
    changing: Vec<(usize, usize)>,
    bytes: Vec<u8>,
}

impl<W: Copy + AsRef<[u64]> + AsMut<[u64]>> Packed<W> {
    fn new(rows: &[W], first: W) -> Packed<W> {
        let mut bits = first;
        bits.as_mut().fill(0);
        for row in rows {
            for ((bits, word), first) in bits.as_mut().iter_mut().zip(row.as_ref()).zip(first.as_ref()) {
                *bits |= word ^ first;
            }
        }
        let widths = bits.as_ref().iter().map(|bits| WORD - bits.leading_zeros() as usize / 8);
        let changing: Vec<(usize, usize)> = widths.enumerate().filter(|(_, width)| *width > 0).collect();
        let mut bytes = vec![0; changing.iter().map(|(_, width)| rows.len() * width).sum()];
        let mut rest = &mut bytes[..];
        for &(i, width) in &changing {
            let column;
            (column, rest) = rest.split_at_mut(rows.len() * width);
            let changes = rows.iter().map(|row| row.as_ref()[i] ^ first.as_ref()[i]);
            match width {
                1 => write::<1>(column, changes),
                2 => write::<2>(column, changes),
                3 => write::<3>(column, changes),
                4 => write::<4>(column, changes),
                5 => write::<5>(column, changes),
                6 => write::<6>(column, changes),
                7 => write::<7>(column, changes),
                _ => write::<8>(column, changes),
            }
        }
        Packed { first, changing, bytes }
    }
    fn get(&self, row: usize) -> W {
        let mut words = self.first;
        let mut column = 0;
        for &(i, width) in &self.changing {
            let at = column + row * width;
            let mut change = [0; WORD];
            change[..width].copy_from_slice(&self.bytes[at..at + width]);
            words.as_mut()[i] ^= u64::from_le_bytes(change);
            column += ROWS * width;
        }
        words
    }
}

/// Writes the low bytes of words, so many of each that the processor need not be told in a loop.
#[inline(always)]
fn write<const WIDTH: usize>(column: &mut [u8], words: impl Iterator<Item = u64>) {
    for (bytes, word) in column.as_chunks_mut::<WIDTH>().0.iter_mut().zip(words) {
        bytes.copy_from_slice(&word.to_le_bytes()[..WIDTH]);
    }
}

impl<T: Row> Default for Table<T> {
    fn default() -> Self {
        Table { full: Vec::new(), tail: Vec::new() }
    }
}

impl<T: Row> Clone for Table<T> {
    fn clone(&self) -> Self {
        Table { full: self.full.clone(), tail: self.tail.clone() }
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
        self.full.push(Arc::new(Packed::new(&self.tail, self.tail[0])));
        self.tail.clear();
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
        let full = self.full.iter().flat_map(|block| (0..ROWS).map(|i| block.get(i)));
        full.chain(self.tail.iter().copied()).map(|words| T::of_words(&words))
    }
    /// Those from a position on.
    pub fn since(&self, from: usize) -> impl Iterator<Item = T> {
        (from..self.len()).filter_map(|i| self.get(i))
    }
    /// By position.
    pub fn get(&self, i: usize) -> Option<T> {
        let words = match self.full.get(i / ROWS) {
            Some(block) => block.get(i % ROWS),
            None => *self.tail.get(i - self.full.len() * ROWS)?,
        };
        Some(T::of_words(&words))
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

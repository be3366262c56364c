//! Append-only logs that a fork shares.
//!
//! In: records. Out: the same, in order. Never: an edit. Full blocks are shared by clones, so forking a long run copies
//! one block, not the run.

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

//! Storage for the vectors one evaluation makes.
//!
//! In: lengths. Out: slices that live as long as the run. Never: more than the budget, and no allocation once warm:
//! `reset` keeps the memory, so evaluating the same formula again costs pointer bumps only.
#![allow(unsafe_code)]

use crate::trap::Trap;
use std::cell::{Cell, UnsafeCell};

/// Smallest chunk, in elements (32 KiB).
const FIRST: usize = 4096;

/// A bump allocator of `f64` slices with a byte budget.
pub struct Arena {
    /// Start and length of each chunk; all but the last are full (or were too small for a request).
    chunks: UnsafeCell<Vec<(*mut f64, usize)>>,
    /// Elements of the last chunk already given out.
    used: Cell<usize>,
    /// Elements given out since `reset`, over all chunks.
    total: Cell<usize>,
    /// Most elements that may be given out between resets.
    budget: usize,
}

// SAFETY: the chunks are owned by the arena; nothing outside keeps a pointer to them without borrowing the arena.
unsafe impl Send for Arena {}

impl std::fmt::Debug for Arena {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Arena").field("elements", &self.total.get()).field("budget", &self.budget).finish()
    }
}

impl Arena {
    /// An arena that will hand out at most `budget_bytes` between two resets. Takes no memory yet.
    pub fn new(budget_bytes: usize) -> Arena {
        Arena {
            chunks: UnsafeCell::new(Vec::new()),
            used: Cell::new(0),
            total: Cell::new(0),
            budget: budget_bytes / size_of::<f64>(),
        }
    }

    /// A slice of `len` numbers with unspecified contents. Fails with [`Trap::OutOfMemory`] beyond the budget.
    #[allow(clippy::mut_from_ref)] // every call returns memory no earlier call has returned
    pub fn alloc(&self, len: usize) -> Result<&mut [f64], Trap> {
        if len == 0 {
            return Ok(&mut []);
        }
        let total = self.total.get().checked_add(len).filter(|t| *t <= self.budget).ok_or(Trap::OutOfMemory)?;
        // SAFETY: the arena is not `Sync` and no reference into `chunks` outlives this call.
        let chunks = unsafe { &mut *self.chunks.get() };
        let fits = chunks.last().is_some_and(|(_, size)| size - self.used.get() >= len);
        if !fits {
            // Doubling keeps the number of chunks logarithmic; the budget keeps their sum bounded by about twice itself.
            let size = chunks.last().map_or(FIRST, |(_, size)| size * 2).min(self.budget.max(len)).max(len);
            chunks.push((Box::into_raw(vec![0.0f64; size].into_boxed_slice()).cast::<f64>(), size));
            self.used.set(0);
        }
        let (start, _) = chunks[chunks.len() - 1];
        let at = self.used.get();
        self.used.set(at + len);
        self.total.set(total);
        // SAFETY: `at + len` is within the chunk, whose numbers are initialised, and `used` only grows until `reset`,
        // which needs `&mut self` and so ends every borrow handed out here.
        Ok(unsafe { std::slice::from_raw_parts_mut(start.add(at), len) })
    }

    /// Forgets all slices. Several chunks become one of their joint size, so a repeated evaluation meets one chunk.
    #[inline]
    pub fn reset(&mut self) {
        self.used.set(0);
        self.total.set(0);
        if self.chunks.get_mut().len() > 1 {
            self.join();
        }
    }
    #[cold]
    fn join(&mut self) {
        let chunks = self.chunks.get_mut();
        let size = chunks.iter().map(|(_, size)| size).sum::<usize>().min(self.budget.max(FIRST));
        free(chunks);
        chunks.push((Box::into_raw(vec![0.0f64; size].into_boxed_slice()).cast::<f64>(), size));
    }

    /// Bytes given out since the last reset.
    pub fn bytes(&self) -> usize {
        self.total.get() * size_of::<f64>()
    }
}

fn free(chunks: &mut Vec<(*mut f64, usize)>) {
    for (start, size) in chunks.drain(..) {
        // SAFETY: start and size come from `Box::into_raw` of a boxed slice of that length, and are freed once.
        drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(start, size)) });
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        free(self.chunks.get_mut());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_do_not_overlap_and_the_budget_holds() {
        let mut arena = Arena::new(10_000 * 8);
        for _ in 0..3 {
            let a = arena.alloc(3).unwrap();
            let b = arena.alloc(5000).unwrap();
            let c = arena.alloc(4997).unwrap();
            a.fill(1.0);
            b.fill(2.0);
            c.fill(3.0);
            assert!(a.iter().all(|x| *x == 1.0) && b.iter().all(|x| *x == 2.0) && c.iter().all(|x| *x == 3.0));
            assert_eq!(arena.alloc(1), Err(Trap::OutOfMemory));
            assert_eq!(arena.alloc(usize::MAX), Err(Trap::OutOfMemory));
            assert!(arena.alloc(0).unwrap().is_empty());
            assert_eq!(arena.bytes(), 80_000);
            arena.reset();
        }
        assert_eq!(arena.bytes(), 0);
    }
}

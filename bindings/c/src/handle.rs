//! Tables of open handles.
//!
//! In: values to keep, numbers from C. Out: shared ownership of the value a number stands for, if it is open. Never: an
//! address to C, a number used twice: it has the place's generation in it, which grows with every close.

use std::sync::{Arc, PoisonError, RwLock};

/// Open handles of one kind. A value that is closed while another thread uses it lives until that use is over.
pub(crate) struct Table<T> {
    kind: u64,
    inner: RwLock<Inner<T>>,
}

struct Inner<T> {
    places: Vec<Place<T>>,
    free: Vec<u32>,
}

struct Place<T> {
    generation: u32,
    value: Option<Arc<T>>,
}

/// Bits of a number: kind, generation, place. The generation keeps its place from being used again once it runs out.
const LAST_GENERATION: u32 = (1 << 24) - 1;

impl<T> Table<T> {
    pub(crate) const fn new(kind: u8) -> Table<T> {
        Table { kind: (kind as u64) << 56, inner: RwLock::new(Inner { places: Vec::new(), free: Vec::new() }) }
    }

    /// Keeps a value; its number is never 0, because no kind is.
    pub(crate) fn open(&self, value: T) -> u64 {
        let value = Some(Arc::new(value));
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        let at = match inner.free.pop() {
            Some(at) => {
                inner.places[at as usize].value = value;
                at
            }
            None => {
                inner.places.push(Place { generation: 0, value });
                inner.places.len() as u32 - 1
            }
        };
        self.kind | u64::from(inner.places[at as usize].generation) << 32 | u64::from(at)
    }

    pub(crate) fn get(&self, id: u64) -> Option<Arc<T>> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        let place = inner.places.get(id as u32 as usize)?;
        if self.number(place, id) == id { place.value.clone() } else { None }
    }

    /// Whether the handle was open.
    pub(crate) fn close(&self, id: u64) -> bool {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        let at = id as u32;
        let Some(place) = inner.places.get_mut(at as usize) else { return false };
        if self.number(place, id) != id || place.value.is_none() {
            return false;
        }
        let value = place.value.take();
        if place.generation < LAST_GENERATION {
            place.generation += 1;
            inner.free.push(at);
        }
        drop(inner);
        drop(value); // outside the lock: freeing machine code takes a while
        true
    }

    fn number(&self, place: &Place<T>, id: u64) -> u64 {
        self.kind | u64::from(place.generation) << 32 | u64::from(id as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_good_once() {
        let table = Table::<i32>::new(3);
        let (a, b) = (table.open(1), table.open(2));
        assert_eq!((table.get(a).as_deref(), table.get(b).as_deref()), (Some(&1), Some(&2)));
        let held = table.get(a).unwrap();
        assert!(table.close(a) && !table.close(a));
        let c = table.open(3);
        assert_eq!((table.get(a), *held), (None, 1));
        assert_ne!(a, c, "the place is used again, the number is not");
        for forged in [0, u64::MAX, c ^ 1 << 56, c + (1 << 32), c | 0xffff] {
            assert!(table.get(forged).is_none() && !table.close(forged));
        }
        assert_eq!(table.get(c).as_deref(), Some(&3));
    }
}

//! Which node takes a task: spread or pack (pool.md §7).
//!
//! In: nodes and their free slots, as they change. Out: the node for a task of so many slots, in constant time. Never:
//! a search over nodes.
//!
//! One linked list per number of free slots, threaded through the node table; nodes join at the tail, so within a list
//! the head has waited longest, which for whole nodes is "oldest idle".

use crate::sim::{
    config::Fill,
    world::{NONE, Node},
};

const OUT: u16 = u16::MAX;

/// Nodes with free slots, by how many.
#[derive(Debug, Clone)]
pub struct FreeIndex {
    heads: Vec<(u32, u32)>,
    bits: [u64; 5],
    /// Most free slots on one node.
    most: u32,
}

impl FreeIndex {
    /// For nodes of so many slots.
    pub fn new(slots: u32) -> FreeIndex {
        FreeIndex { heads: vec![(NONE, NONE); slots as usize + 1], bits: [0; 5], most: 0 }
    }
    /// Takes a node out.
    #[inline(always)] // for every task
    pub fn remove(&mut self, nodes: &mut [Node], n: u32) {
        let node = &mut nodes[n as usize];
        let &mut Node { bucket, prev, next, .. } = node;
        if bucket == OUT {
            return;
        }
        node.bucket = OUT;
        match prev {
            NONE => self.heads[bucket as usize].0 = next,
            p => nodes[p as usize].next = next,
        }
        match next {
            NONE => self.heads[bucket as usize].1 = prev,
            x => nodes[x as usize].prev = prev,
        }
        if self.heads[bucket as usize].0 == NONE {
            self.bits[bucket as usize / 64] &= !(1 << (bucket % 64));
            self.most = self.highest();
        }
    }
    /// Puts a node with free slots in.
    #[inline(always)] // for every task
    pub fn insert(&mut self, nodes: &mut [Node], n: u32) {
        let free = nodes[n as usize].free;
        debug_assert!(free > 0 && nodes[n as usize].bucket == OUT);
        let (head, tail) = &mut self.heads[free as usize];
        let last = *tail;
        *tail = n;
        if last == NONE {
            *head = n;
            self.bits[free as usize / 64] |= 1 << (free % 64);
            self.most = self.most.max(u32::from(free));
        } else {
            nodes[last as usize].next = n;
        }
        let node = &mut nodes[n as usize];
        (node.bucket, node.prev, node.next) = (free, last, NONE);
    }
    /// Whether any node has room.
    #[inline]
    pub fn any(&self) -> bool {
        self.most > 0
    }
    /// Most free slots on one node.
    #[inline]
    pub fn most(&self) -> u32 {
        self.most
    }
    fn highest(&self) -> u32 {
        for w in (0..self.heads.len().div_ceil(64)).rev() {
            if self.bits[w] != 0 {
                return w as u32 * 64 + 63 - self.bits[w].leading_zeros();
            }
        }
        0
    }
    fn least(&self, slots: u32) -> Option<u32> {
        let mut w = slots as usize / 64;
        let mut word = self.bits.get(w)? & (!0 << (slots % 64));
        loop {
            if word != 0 {
                return Some(w as u32 * 64 + word.trailing_zeros());
            }
            w += 1;
            word = *self.bits.get(w)?;
        }
    }
    /// The node a task of so many slots goes to.
    #[inline]
    pub fn choose(&self, fill: Fill, slots: u32) -> Option<u32> {
        let bucket = match fill {
            Fill::Spread => Some(self.most()).filter(|most| *most >= slots),
            Fill::Pack => self.least(slots),
        }?;
        Some(self.heads[bucket as usize].0).filter(|n| *n != NONE)
    }
    /// Nodes with all their slots free.
    pub fn whole<'a>(&'a self, nodes: &'a [Node]) -> impl Iterator<Item = u32> + 'a {
        self.list(nodes, self.heads.len() - 1)
    }
    /// Nodes with so many free slots, as they joined.
    fn list<'a>(&'a self, nodes: &'a [Node], free: usize) -> impl Iterator<Item = u32> + 'a {
        let some = |n: u32| Some(n).filter(|n| *n != NONE);
        std::iter::successors(some(self.heads[free].0), move |n| some(nodes[*n as usize].next))
    }
    /// Every node with room, in the order of preference.
    pub fn preferred<'a>(&'a self, nodes: &'a [Node], fill: Fill, slots: u32) -> impl Iterator<Item = u32> + 'a {
        let top = self.heads.len() as u32;
        let slots = slots.min(top);
        (0..top - slots).flat_map(move |i| {
            let bucket = match fill {
                Fill::Spread => top - 1 - i,
                Fill::Pack => slots + i,
            };
            self.list(nodes, bucket as usize)
        })
    }
}

//! The table of pair counts: open, by one multiplication.

use crate::bpe::count::prefetch;

/// No pair: its two ids are never both `u32::MAX`.
const EMPTY: u64 = u64::MAX;

/// Counts of pairs of symbols. Nothing is ever taken out.
pub(super) struct PairTable {
    slots: Vec<(u64, i64)>,
    shift: u32,
    len: usize,
}

impl PairTable {
    pub(super) fn new() -> Self {
        PairTable { slots: vec![(EMPTY, 0); 1 << 14], shift: 64 - 14, len: 0 }
    }

    #[inline(always)]
    fn start(&self, pair: u64) -> usize {
        // Left and right id lie in different halves: bring both to bear on the upper bits.
        let mixed = (pair ^ pair >> 29).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed >> self.shift) as usize
    }

    #[inline(always)]
    pub(super) fn prefetch(&self, pair: u64) {
        prefetch(&self.slots[self.start(pair)]);
    }

    /// Makes room for `more` pairs, so that slots stay where they are until the next call.
    pub(super) fn reserve(&mut self, more: usize) {
        if (self.len + more) * 2 <= self.slots.len() {
            return;
        }
        let capacity = ((self.len + more) * 2).next_power_of_two();
        let old = std::mem::replace(&mut self.slots, crate::huge::filled((EMPTY, 0), capacity));
        self.shift = 64 - capacity.trailing_zeros();
        let mask = capacity - 1;
        for (pair, count) in old.into_iter().filter(|slot| slot.0 != EMPTY) {
            let mut at = self.start(pair);
            while self.slots[at].0 != EMPTY {
                at = (at + 1) & mask;
            }
            self.slots[at] = (pair, count);
        }
    }

    /// The slot of a pair; a new one starts at 0. `reserve` was called for it.
    #[inline(always)]
    pub(super) fn find_or_insert(&mut self, pair: u64) -> u32 {
        let mask = self.slots.len() - 1;
        let mut at = self.start(pair);
        loop {
            let slot = &mut self.slots[at];
            if slot.0 == pair {
                return at as u32;
            }
            if slot.0 == EMPTY {
                *slot = (pair, 0);
                self.len += 1;
                return at as u32;
            }
            at = (at + 1) & mask;
        }
    }

    /// The slot of a pair, where there is one.
    #[inline(always)]
    pub(super) fn find(&self, pair: u64) -> Option<u32> {
        let mask = self.slots.len() - 1;
        let mut at = self.start(pair);
        loop {
            let slot = &self.slots[at];
            if slot.0 == pair {
                return Some(at as u32);
            }
            if slot.0 == EMPTY {
                return None;
            }
            at = (at + 1) & mask;
        }
    }

    /// The count of a pair, where it is in the table.
    #[inline(always)]
    pub(super) fn get(&self, pair: u64) -> Option<i64> {
        self.find(pair).map(|slot| self.count(slot))
    }

    #[inline(always)]
    pub(super) fn count(&self, slot: u32) -> i64 {
        self.slots[slot as usize].1
    }

    #[inline(always)]
    pub(super) fn count_mut(&mut self, slot: u32) -> &mut i64 {
        &mut self.slots[slot as usize].1
    }
}

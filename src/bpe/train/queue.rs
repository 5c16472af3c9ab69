//! The candidates in order: a heap of those whose turn is near, the others unsorted by magnitude.
//!
//! Most pairs are too rare to be merged ever. They wait in a vector for each power of two, and become a
//! heap only when everything more frequent is done; so the heap stays small enough for the caches.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// A pair that may be merged, with the pieces to visit.
#[derive(PartialEq, Eq)]
pub(super) struct Candidate {
    /// The pair's count when it was put here; the true one may have changed since.
    pub count: u64,
    /// Left and right id.
    pub pair: u64,
    /// Number of the list of its places.
    pub list: u32,
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        // A pair can stand here twice (see `Trainer::merge`): the older list first.
        let key = |c: &Self| (c.count, Reverse(c.pair), Reverse(c.list));
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Candidates by count, then pair, then age.
pub(super) struct Queue {
    heap: BinaryHeap<Candidate>,
    /// By the number of bits of the count; those of at least `level` are in the heap.
    waiting: Vec<Vec<Candidate>>,
    level: usize,
}

impl Queue {
    pub(super) fn new() -> Self {
        let waiting = (0..=64).map(|_| Vec::new()).collect();
        Queue { heap: BinaryHeap::new(), waiting, level: 65 }
    }

    #[inline(always)]
    pub(super) fn push(&mut self, candidate: Candidate) {
        let bits = (u64::BITS - candidate.count.leading_zeros()) as usize;
        if bits >= self.level {
            self.heap.push(candidate);
        } else {
            self.waiting[bits].push(candidate);
        }
    }

    /// Takes out the first.
    #[inline(always)]
    pub(super) fn pop(&mut self) -> Option<Candidate> {
        loop {
            if let Some(first) = self.heap.pop() {
                return Some(first);
            }
            self.level = self.level.checked_sub(1)?;
            self.heap = std::mem::take(&mut self.waiting[self.level]).into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_come_in_the_order_of_one_heap() {
        let (mut queue, mut heap) = (Queue::new(), BinaryHeap::new());
        let mut state = 1u64;
        let mut draw = |below: u64| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) % below
        };
        let make = |count, pair, list| Candidate { count, pair, list };
        for round in 0..20_000 {
            if draw(3) > 0 {
                let bits = draw(30);
                let (count, pair) = (draw(1 << bits), draw(50));
                queue.push(make(count, pair, round));
                heap.push(make(count, pair, round));
            } else {
                let (found, expected) = (queue.pop(), heap.pop());
                assert!(found == expected);
                // What comes back is never before what just came out, as in training.
                if let Some(top) = found.filter(|_| draw(2) == 0) {
                    queue.push(make(top.count / 2, top.pair, top.list));
                    heap.push(make(top.count / 2, top.pair, top.list));
                }
            }
        }
        while let Some(expected) = heap.pop() {
            assert!(queue.pop() == Some(expected));
        }
        assert!(queue.pop().is_none());
    }
}

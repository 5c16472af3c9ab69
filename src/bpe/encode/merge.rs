//! Merging one piece: the pair of lowest rank first, the leftmost among equals.

use super::ranks::{NONE, Ranks};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Up to here looking at every pair for the lowest rank is faster than keeping them in order.
const SCAN_BYTES: usize = 128;

/// Scratch memory for merging.
#[derive(Default)]
pub(super) struct Merger {
    ids: Vec<u32>,
    ranks: Vec<u32>,
    next: Vec<u32>,
    previous: Vec<u32>,
    heap: BinaryHeap<Reverse<u64>>,
}

impl Merger {
    /// Appends the ids of `piece` to `out`.
    pub(super) fn merge(
        &mut self,
        piece: &[u8],
        id_of_byte: &[u32; 256],
        ranks: &Ranks,
        out: &mut Vec<u32>,
    ) {
        self.ids.clear();
        self.ids.extend(piece.iter().map(|&byte| id_of_byte[byte as usize]));
        self.ranks.clear();
        self.ranks.extend(self.ids.windows(2).map(|pair| ranks.get(pair[0], pair[1])));
        if piece.len() <= SCAN_BYTES {
            self.by_scan(ranks);
            out.extend_from_slice(&self.ids);
        } else {
            self.by_heap(ranks, out);
        }
    }

    /// Quadratic, and the fastest for pieces of ordinary length.
    fn by_scan(&mut self, ranks: &Ranks) {
        let (ids, pairs) = (&mut self.ids, &mut self.ranks);
        loop {
            let lowest = pairs.iter().copied().fold(NONE, u32::min);
            if lowest == NONE {
                return;
            }
            let at = pairs.iter().position(|&rank| rank == lowest).expect("it is one of them");
            ids[at] = ranks.merged(lowest);
            ids.remove(at + 1);
            pairs.remove(at);
            if at > 0 {
                pairs[at - 1] = ranks.get(ids[at - 1], ids[at]);
            }
            if at < pairs.len() {
                pairs[at] = ranks.get(ids[at], ids[at + 1]);
            }
        }
    }

    /// n log n: ids in a linked list, pairs in a heap by rank and place.
    fn by_heap(&mut self, ranks: &Ranks, out: &mut Vec<u32>) {
        const END: u32 = u32::MAX;
        let (ids, pairs) = (&mut self.ids, &mut self.ranks);
        let n = ids.len() as u32;
        pairs.push(NONE);
        self.next.clear();
        self.next.extend((1..n).chain([END]));
        self.previous.clear();
        self.previous.extend([END].into_iter().chain(0..n - 1));
        let (next, previous) = (&mut self.next, &mut self.previous);
        let entry = |rank: u32, at: u32| Reverse((rank as u64) << 32 | at as u64);
        self.heap.clear();
        self.heap.extend((0..n).filter_map(|at| {
            let rank = pairs[at as usize];
            (rank != NONE).then(|| entry(rank, at))
        }));
        while let Some(Reverse(top)) = self.heap.pop() {
            let (rank, at) = ((top >> 32) as u32, top as u32 as usize);
            // What was merged or changed since has another rank, or none.
            if pairs[at] != rank {
                continue;
            }
            let right = next[at] as usize;
            ids[at] = ranks.merged(rank);
            next[at] = next[right];
            pairs[right] = NONE;
            if next[at] != END {
                let after = next[at] as usize;
                previous[after] = at as u32;
                pairs[at] = ranks.get(ids[at], ids[after]);
                if pairs[at] != NONE {
                    self.heap.push(entry(pairs[at], at as u32));
                }
            } else {
                pairs[at] = NONE;
            }
            if previous[at] != END {
                let before = previous[at] as usize;
                pairs[before] = ranks.get(ids[before], ids[at]);
                if pairs[before] != NONE {
                    self.heap.push(entry(pairs[before], before as u32));
                }
            }
        }
        let mut at = 0;
        while at != END {
            out.push(ids[at as usize]);
            at = next[at as usize];
        }
    }
}

//! Merging one piece: the pair of lowest rank first, the leftmost among equals.

use super::ranks::{NONE, Ranks};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Up to here looking at every pair for the lowest rank is faster than keeping them in order.
const SCAN_BYTES: usize = 128;

/// Bits of a place in a piece of that length, below a rank of 24 bits.
const PLACE_BITS: u32 = 8;

/// Pairs that are looked at together.
const LANES: usize = 8;

/// Scratch memory for merging.
pub(super) struct Merger {
    ids: Vec<u32>,
    ranks: Vec<u32>,
    next: Vec<u32>,
    previous: Vec<u32>,
    heap: BinaryHeap<Reverse<u64>>,
    small: Box<Small>,
}

/// A piece of up to `SCAN_BYTES` as a linked list; a place past the end stands for none.
struct Small {
    /// Rank and place of each pair in one number, so that the least is the one to merge.
    pairs: [u32; SCAN_BYTES],
    ids: [u32; SCAN_BYTES],
    next: [u8; SCAN_BYTES],
    previous: [u8; SCAN_BYTES],
}

impl Default for Merger {
    fn default() -> Self {
        let small = Small {
            pairs: [0; SCAN_BYTES],
            ids: [0; SCAN_BYTES],
            next: [0; SCAN_BYTES],
            previous: [0; SCAN_BYTES],
        };
        Merger {
            ids: Vec::new(),
            ranks: Vec::new(),
            next: Vec::new(),
            previous: Vec::new(),
            heap: BinaryHeap::new(),
            small: Box::new(small),
        }
    }
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
        if piece.len() <= SCAN_BYTES {
            self.small.merge(piece, id_of_byte, ranks, out);
            return;
        }
        self.ids.clear();
        self.ids.extend(piece.iter().map(|&byte| id_of_byte[byte as usize]));
        self.ranks.clear();
        self.ranks.extend(piece.windows(2).map(|pair| ranks.of_bytes(pair[0], pair[1])));
        self.by_heap(ranks, out);
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

impl Small {
    fn merge(&mut self, piece: &[u8], id_of_byte: &[u32; 256], ranks: &Ranks, out: &mut Vec<u32>) {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the CPU has it.
            unsafe { self.merge_avx2(piece, id_of_byte, ranks, out) }
            return;
        }
        self.merge_with(piece, id_of_byte, ranks, out);
    }

    /// The same code with wider registers, and with a minimum of unsigned numbers.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn merge_avx2(
        &mut self,
        piece: &[u8],
        id_of_byte: &[u32; 256],
        ranks: &Ranks,
        out: &mut Vec<u32>,
    ) {
        self.merge_with(piece, id_of_byte, ranks, out);
    }

    /// Quadratic, and the fastest for pieces of ordinary length.
    #[inline(always)]
    fn merge_with(
        &mut self,
        piece: &[u8],
        id_of_byte: &[u32; 256],
        ranks: &Ranks,
        out: &mut Vec<u32>,
    ) {
        let n = piece.len();
        let ranked = |rank: u32, at: usize| match rank {
            NONE => NONE,
            rank => rank << PLACE_BITS | at as u32,
        };
        for (at, &byte) in piece.iter().enumerate() {
            self.ids[at] = id_of_byte[byte as usize];
            self.next[at] = at as u8 + 1;
            self.previous[at] = (at as u8).wrapping_sub(1);
        }
        for (at, pair) in piece.windows(2).enumerate() {
            self.pairs[at] = ranked(ranks.of_bytes(pair[0], pair[1]), at);
        }
        let lanes = n.next_multiple_of(LANES);
        self.pairs[n - 1..lanes].fill(NONE);
        loop {
            let lowest = least(&self.pairs[..lanes]);
            if lowest == NONE {
                break;
            }
            let at = (lowest & ((1 << PLACE_BITS) - 1)) as usize;
            let right = self.next[at] as usize;
            let (before, after) = (self.previous[at] as usize, self.next[right] as usize);
            let id = ranks.merged(lowest >> PLACE_BITS);
            self.ids[at] = id;
            self.next[at] = after as u8;
            self.pairs[right] = NONE;
            self.pairs[at] = NONE;
            if after < n {
                self.previous[after] = at as u8;
                self.pairs[at] = ranked(ranks.get(id, self.ids[after]), at);
            }
            if before < n {
                self.pairs[before] = ranked(ranks.get(self.ids[before], id), before);
            }
        }
        let mut at = 0;
        while at < n {
            out.push(self.ids[at]);
            at = self.next[at] as usize;
        }
    }
}

/// The least number; `numbers` are a multiple of `LANES`.
#[inline(always)]
fn least(numbers: &[u32]) -> u32 {
    let (blocks, _) = numbers.as_chunks::<LANES>();
    let mut least = [NONE; LANES];
    for block in blocks {
        for (least, &number) in least.iter_mut().zip(block) {
            *least = number.min(*least);
        }
    }
    least.into_iter().fold(NONE, u32::min)
}

//! The rank of each pair that may be merged, in one table of 64-bit slots.

use crate::bpe::vocabulary::{MAX_IDS, Merges, Vocabulary};
use std::collections::HashMap;

/// No rank: the pair is not merged.
pub(super) const NONE: u32 = u32::MAX;

const RANK_BITS: u32 = 24;
const ID_BITS: u32 = MAX_IDS.trailing_zeros();
const EMPTY: u64 = u64::MAX;

/// Ranks of pairs: left id, right id and rank packed into a slot.
pub(super) struct Ranks {
    slots: Vec<u64>,
    shift: u32,
    /// What a pair of a rank becomes.
    merged: Vec<u32>,
}

impl Ranks {
    pub(super) fn new(vocabulary: &Vocabulary) -> Self {
        let mut merged = Vec::new();
        let mut pairs: Vec<(u32, u32, u32)> = Vec::new();
        match &vocabulary.merges {
            Merges::Listed(merges) => {
                for (rank, &(left, right, new)) in merges.iter().enumerate() {
                    merged.push(new);
                    pairs.push((left, right, rank as u32));
                }
            }
            Merges::ByToken => {
                // The rank of a pair is the id of what it spells, however it is halved.
                merged.extend(0..vocabulary.tokens.len() as u32);
                let tokens = || (0u32..).zip(&vocabulary.tokens);
                let id_of: HashMap<&[u8], u32> =
                    tokens().filter_map(|(id, token)| Some((token.as_deref()?, id))).collect();
                for (id, token) in tokens() {
                    let Some(token) = token else { continue };
                    for cut in 1..token.len() {
                        let (left, right) = token.split_at(cut);
                        if let Some((&left, &right)) = id_of.get(left).zip(id_of.get(right)) {
                            pairs.push((left, right, id));
                        }
                    }
                }
            }
        }
        assert!(merged.len() < 1 << RANK_BITS, "fewer than 16 M merges");
        let capacity = (pairs.len() * 2).next_power_of_two().max(1 << 10);
        let mut ranks =
            Ranks { slots: vec![EMPTY; capacity], shift: 64 - capacity.trailing_zeros(), merged };
        for (left, right, rank) in pairs {
            ranks.insert(left, right, rank);
        }
        ranks
    }

    #[inline(always)]
    fn start(&self, pair: u64) -> usize {
        ((pair ^ pair >> 17).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> self.shift) as usize
    }

    /// A pair that is listed twice keeps its last rank, as in a map.
    fn insert(&mut self, left: u32, right: u32, rank: u32) {
        let pair = (left as u64) << ID_BITS | right as u64;
        let mask = self.slots.len() - 1;
        let mut at = self.start(pair);
        while self.slots[at] != EMPTY && self.slots[at] >> RANK_BITS != pair {
            at = (at + 1) & mask;
        }
        self.slots[at] = pair << RANK_BITS | rank as u64;
    }

    /// The rank of a pair, or `NONE`.
    #[inline(always)]
    pub(super) fn get(&self, left: u32, right: u32) -> u32 {
        let pair = (left as u64) << ID_BITS | right as u64;
        let mask = self.slots.len() - 1;
        let mut at = self.start(pair);
        loop {
            let slot = self.slots[at & mask];
            if slot >> RANK_BITS == pair {
                return (slot & ((1 << RANK_BITS) - 1)) as u32;
            }
            if slot == EMPTY {
                return NONE;
            }
            at += 1;
        }
    }

    /// The id that a pair of this rank becomes.
    #[inline(always)]
    pub(super) fn merged(&self, rank: u32) -> u32 {
        self.merged[rank as usize]
    }
}

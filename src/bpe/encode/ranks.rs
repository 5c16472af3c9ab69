//! The rank of each pair that may be merged, in one table of 64-bit slots.

use crate::bpe::vocabulary::{MAX_IDS, Merges, Vocabulary};
use std::collections::HashMap;

/// No rank: the pair is not merged.
pub(super) const NONE: u32 = u32::MAX;

const RANK_BITS: u32 = 24;
const ID_BITS: u32 = MAX_IDS.trailing_zeros();
const EMPTY: u64 = u64::MAX;

/// Bits that say whether a pair may have a rank, for each slot: 128 KiB for 50,000 merges.
const KNOWN_BITS: usize = 8;

/// Ranks of pairs: left id, right id and rank packed into a slot.
pub(super) struct Ranks {
    slots: Vec<u64>,
    shift: u32,
    /// A bit for each pair, by more bits of its hash: most pairs that are asked for have no rank,
    /// and this says so from the second-level cache.
    known: Vec<u64>,
    known_shift: u32,
    /// What a pair of a rank becomes.
    merged: Vec<u32>,
    /// What is added to a rank to get that, where it is the same for all, as in most vocabularies.
    step: Option<u32>,
    /// The rank of each pair of bytes, by both bytes: what every piece begins with.
    of_bytes: Vec<u32>,
}

impl Ranks {
    pub(super) fn new(vocabulary: &Vocabulary, id_of_byte: &[u32; 256]) -> Self {
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
        let first = merged.first().copied().unwrap_or(0);
        let even =
            merged.iter().enumerate().all(|(rank, &id)| id as usize == rank + first as usize);
        let mut ranks = Ranks {
            step: even.then_some(first),
            slots: vec![EMPTY; capacity],
            shift: 64 - capacity.trailing_zeros(),
            known: vec![0; capacity * KNOWN_BITS / 64],
            known_shift: 64 - (capacity * KNOWN_BITS).trailing_zeros(),
            merged,
            of_bytes: Vec::new(),
        };
        for (left, right, rank) in pairs {
            ranks.insert(left, right, rank);
        }
        let id = |byte: usize| id_of_byte[byte];
        ranks.of_bytes =
            (0..1 << 16).map(|pair| ranks.get(id(pair >> 8), id(pair & 255))).collect();
        ranks
    }

    #[inline(always)]
    fn hash(pair: u64) -> u64 {
        (pair ^ pair >> 17).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    /// A pair that is listed twice keeps its last rank, as in a map.
    fn insert(&mut self, left: u32, right: u32, rank: u32) {
        let pair = (left as u64) << ID_BITS | right as u64;
        let mask = self.slots.len() - 1;
        let hash = Self::hash(pair);
        let bit = (hash >> self.known_shift) as usize;
        self.known[bit / 64] |= 1 << (bit % 64);
        let mut at = (hash >> self.shift) as usize;
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
        let hash = Self::hash(pair);
        let bit = (hash >> self.known_shift) as usize;
        if self.known[bit / 64] >> (bit % 64) & 1 == 0 {
            return NONE;
        }
        let mut at = (hash >> self.shift) as usize;
        loop {
            let slot = self.slots[at & mask];
            // First: the pair of the two largest ids has the bits of an empty slot.
            if slot == EMPTY {
                return NONE;
            }
            if slot >> RANK_BITS == pair {
                return (slot & ((1 << RANK_BITS) - 1)) as u32;
            }
            at += 1;
        }
    }

    /// The rank of a pair of bytes, or `NONE`.
    #[inline(always)]
    pub(super) fn of_bytes(&self, left: u8, right: u8) -> u32 {
        self.of_bytes[(left as usize) << 8 | right as usize]
    }

    /// The id that a pair of this rank becomes.
    #[inline(always)]
    pub(super) fn merged(&self, rank: u32) -> u32 {
        match self.step {
            Some(step) => rank + step,
            None => self.merged[rank as usize],
        }
    }
}

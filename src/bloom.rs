//! The Bloom filter: blocks of two adjacent cache lines, sized from capacity and error rate.
//!
//! A block has 1024 bits, 16 lanes of 64; a key sets one bit in each lane of its block (k = 16).
//! The block comes from the key's high bits (`key * blocks >> 64`), so a filter can be built one
//! range of keys at a time. Measured in `benches/overlap_layouts.rs`: one-line blocks need 71 bits
//! a key for 5e-9 and these 57; four lines need 48 and are a fifth to a half slower than these; the
//! classical filter needs 40 and touches 27 lines, at a thirtieth or less. Blocks at its size would
//! be wrong by a factor of a hundred.

use crate::{Error, Result, hash::finish};

/// 64-bit words in a block.
pub const LANES: usize = 16;
/// Bits in a block.
pub const BLOCK_BITS: u64 = 1024;
/// Bits set for a key: one a lane.
pub const K: u32 = 16;
/// Fewest blocks of a filter: our choice; below this the load of blocks varies too much.
pub const MIN_BLOCKS: u64 = 1024;

/// One odd multiplier a lane; the highest 6 bits of `key * multiplier` are the bit in the lane.
const MULTIPLIERS: [u64; LANES] = {
    let mut multipliers = [0; LANES];
    let mut lane = 0;
    while lane < LANES {
        multipliers[lane] = finish(0x5745_4254 + lane as u64) | 1; // "WEBT"
        lane += 1;
    }
    multipliers
};

/// A block's words.
pub type Block = [u64; LANES];

/// The block of a key in a filter of `blocks`.
#[inline(always)]
pub fn block_of(key: u64, blocks: u64) -> u64 {
    ((key as u128 * blocks as u128) >> 64) as u64
}

#[inline(always)]
fn lane_bit(key: u64, lane: usize) -> u64 {
    1 << (key.wrapping_mul(MULTIPLIERS[lane]) >> 58)
}

/// Sets the bits of those keys whose block lies in `first..first + part.len()`.
///
/// `part` is that range of a filter of `blocks` blocks; keys of other blocks are appended to
/// `elsewhere`.
pub fn insert(part: &mut [Block], first: u64, blocks: u64, keys: &[u64], elsewhere: &mut Vec<u64>) {
    #[cfg(target_arch = "x86_64")]
    if crate::words::has_avx512() {
        // SAFETY: the features that the function enables are there.
        unsafe { insert_avx512(part, first, blocks, keys, elsewhere) };
        return;
    }
    insert_into(part, first, blocks, keys, elsewhere);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
fn insert_avx512(p: &mut [Block], first: u64, blocks: u64, keys: &[u64], other: &mut Vec<u64>) {
    insert_into(p, first, blocks, keys, other);
}

#[inline(always)]
fn insert_into(part: &mut [Block], first: u64, blocks: u64, keys: &[u64], other: &mut Vec<u64>) {
    for (place, &key) in keys.iter().enumerate() {
        if let Some(&ahead) = keys.get(place + AHEAD) {
            prefetch(part, block_of(ahead, blocks).wrapping_sub(first) as usize);
        }
        match part.get_mut(block_of(key, blocks).wrapping_sub(first) as usize) {
            Some(block) => {
                for (lane, word) in block.iter_mut().enumerate() {
                    *word |= lane_bit(key, lane);
                }
            }
            None => other.push(key),
        }
    }
}

/// Keys looked ahead, so that their blocks are on the way from memory: our choice, flat from 8 to 32.
const AHEAD: usize = 16;

#[inline(always)]
fn prefetch(part: &[Block], place: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let address = part.as_ptr().wrapping_add(place) as *const i8;
        // SAFETY: a prefetch reads nothing; SSE is part of x86_64.
        unsafe {
            _mm_prefetch(address, _MM_HINT_T0);
            _mm_prefetch(address.wrapping_add(64), _MM_HINT_T0);
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (part, place);
}

/// Whether a key may have been inserted; `filter` is the whole filter.
#[inline(always)]
pub fn contains(filter: &[Block], key: u64) -> bool {
    held(&filter[block_of(key, filter.len() as u64) as usize], key)
}

/// Whether a block has every bit of a key that comes to it.
#[inline(always)]
pub(crate) fn held(block: &Block, key: u64) -> bool {
    (0..LANES).all(|lane| block[lane] & lane_bit(key, lane) != 0)
}

/// Calls `found` with the position of each key that may have been inserted.
pub fn query(filter: &[Block], keys: &[u64], mut found: impl FnMut(usize)) {
    let blocks = filter.len() as u64;
    for (place, &key) in keys.iter().enumerate() {
        if let Some(&ahead) = keys.get(place + AHEAD) {
            prefetch(filter, block_of(ahead, blocks) as usize);
        }
        if contains(filter, key) {
            found(place);
        }
    }
}

/// Which of eight keys of one block may have been inserted, a bit each.
///
/// Most fresh keys stop at the first lanes, so these are tested for all eight before looking on.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
pub(crate) fn held_of_eight(block: &Block, keys: std::arch::x86_64::__m512i) -> u8 {
    use std::arch::x86_64::*;
    let mut held = 0xff;
    for lanes in 0..4 {
        for lane in 4 * lanes..4 * lanes + 4 {
            let product = _mm512_mullo_epi64(keys, _mm512_set1_epi64(MULTIPLIERS[lane] as i64));
            let bit = _mm512_sllv_epi64(_mm512_set1_epi64(1), _mm512_srli_epi64::<58>(product));
            let word = _mm512_set1_epi64(block[lane] as i64);
            held = _mm512_mask_test_epi64_mask(held, word, bit);
        }
        if held == 0 {
            break;
        }
    }
    held
}

/// The rate of false positives that a block's fill gives: of fresh keys that come to it, the share
/// whose every bit is set.
#[inline]
pub fn block_rate(block: &Block) -> f64 {
    block.iter().map(|word| word.count_ones() as f64 / 64.0).product()
}

/// The expected false positive rate of a filter with `load` keys a block on average.
///
/// Blocks hold a Poisson number of keys; a lane's share of set bits after `i` keys is
/// `1 - (63/64)^i` on average, and lanes are filled independently of each other.
pub fn expected_rate(load: f64) -> f64 {
    let mut probability = (-load).exp();
    let mut rate = 0.0;
    let mut empty = 1.0; // of a lane's bits, after i keys
    for i in 0..(load + 40.0 + 20.0 * load.sqrt()) as u64 {
        rate += probability * (1.0f64 - empty).powi(LANES as i32);
        empty *= 63.0 / 64.0;
        probability *= load / (i + 1) as f64;
    }
    rate
}

/// Blocks of the smallest filter whose expected rate is at most `rate` at `capacity` keys.
///
/// # Errors
/// `Error::InvalidParameter` if `rate` is not in 1e-12..=0.1 or the filter has no size.
pub fn blocks_for(capacity: u64, rate: f64) -> Result<u64> {
    if !(1e-12..=0.1).contains(&rate) {
        return Err(Error::InvalidParameter(format!(
            "false positive rate {rate:e} is not in 1e-12..=0.1"
        )));
    }
    let (mut low, mut high) = (1e-3, 1e3); // load that is small enough, that is too large
    for _ in 0..80 {
        let middle: f64 = (low + high) / 2.0;
        if expected_rate(middle) <= rate { low = middle } else { high = middle }
    }
    let blocks = (capacity as f64 / low).ceil();
    if blocks > (1u64 << 40) as f64 {
        return Err(Error::InvalidParameter(format!("no filter holds {capacity} n-grams")));
    }
    Ok((blocks as u64).max(MIN_BLOCKS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_a_key_are_the_ones_measured() {
        let bits = |rate| blocks_for(1_000_000_000, rate).unwrap() as f64 * 1024.0 / 1e9;
        assert!((56.9..57.1).contains(&bits(5e-9)), "{}", bits(5e-9));
        assert!((53.2..53.4).contains(&bits(1e-8)), "{}", bits(1e-8));
    }
}

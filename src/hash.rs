//! The seeded, versioned hashes that files on disk depend on.
//!
//! A word hash covers the bytes of a normalised word; an n-gram's key is made of its words' hashes
//! (`overlap::ngrams`). All are 64 bits wide: a fresh key equals one of `N` stored keys with
//! probability `N / 2^64`, 4e-10 for the 8e9 8-grams of WebText, which the stated rate of a
//! filter includes. The seed is fixed and public, so whoever writes the text can make collisions;
//! the exact pass over the training text compares words and is not fooled.

/// Version of everything in this file; files on disk record it.
pub const HASH_VERSION: u32 = 1;

/// Our choice: the fractional part of the golden ratio. Files record it.
pub const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

const LENGTH: u64 = 0xd134_2543_de82_ef95; // our choice: a multiplier of a known good LCG
const RIGHT: u64 = 0x632b_e59b_d9b4_e01d; // our choice: odd and 1 mod 4, so that 1 + RIGHT is 2 x odd

/// A bijection of 64 bits in which every input bit reaches every output bit.
///
/// Source: Steele, Lea, Flood 2014 (SplitMix64), after Stafford's variant 13.
#[inline(always)]
pub const fn finish(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// [`finish`] of eight.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
pub(crate) fn finish8(x: std::arch::x86_64::__m512i) -> std::arch::x86_64::__m512i {
    use std::arch::x86_64::*;
    let x = _mm512_xor_si512(x, _mm512_srli_epi64::<30>(x));
    let x = _mm512_mullo_epi64(x, _mm512_set1_epi64(0xbf58_476d_1ce4_e5b9u64 as i64));
    let x = _mm512_xor_si512(x, _mm512_srli_epi64::<27>(x));
    let x = _mm512_mullo_epi64(x, _mm512_set1_epi64(0x94d0_49bb_1331_11ebu64 as i64));
    _mm512_xor_si512(x, _mm512_srli_epi64::<31>(x))
}

/// The hash of a sequence from the hashes of its two halves; not symmetric.
#[inline(always)]
pub const fn combine(left: u64, right: u64) -> u64 {
    let x = left.wrapping_add(right.wrapping_mul(RIGHT));
    let x = (x ^ (x >> 32)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^ (x >> 29)
}

/// Where the hash of a word of `length` bytes starts; its 8-byte blocks follow.
#[inline(always)]
pub(crate) const fn word_start(length: u64) -> u64 {
    SEED.wrapping_add(length.wrapping_mul(LENGTH))
}

/// Takes up the next 8 bytes of a word, little-endian, zeros after its end.
#[inline(always)]
pub(crate) const fn word_block(state: u64, block: u64) -> u64 {
    finish(state.wrapping_add(block))
}

/// The hash of a normalised word.
#[inline]
pub fn word_hash(word: &[u8]) -> u64 {
    let mut state = word_start(word.len() as u64);
    let mut blocks = word.chunks_exact(8);
    for block in &mut blocks {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(block);
        state = word_block(state, u64::from_le_bytes(bytes));
    }
    let rest = blocks.remainder();
    if !rest.is_empty() || word.is_empty() {
        let mut bytes = [0; 8];
        bytes[..rest.len()].copy_from_slice(rest);
        state = word_block(state, u64::from_le_bytes(bytes));
    }
    state
}

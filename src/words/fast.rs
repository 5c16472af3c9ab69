//! Word hashes of mostly-ASCII text, 64 bytes at a time (AVX-512); equal to the slow way.
//!
//! Non-ASCII characters that separate, such as typographic quotes, stay on this path, and so do
//! plain letters (`é`, `ß`), whose words alone are hashed the general way. Any other one, and text
//! that is mostly not ASCII, hands the words around it to the general splitter.

use std::arch::x86_64::*;

use super::{Class, Mode, general, hash_any};
use crate::hash::{SEED, finish8, word_start};

const WINDOW: usize = 4096; // bytes looked at before their words are hashed: fits the L1 cache
const MAX_WORDS: usize = WINDOW / 2 + 64;
const SLOW_LEAST: usize = 64; // bytes given to the general splitter at first, doubled if it recurs
const SLOW_MOST: usize = 4096;
const MOST_OTHER: u32 = 16; // of a chunk's 64 bytes: with more, the general way is the faster one

/// Appends the hashes of the words of `text` to `out`.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn hash_words(text: &[u8], mode: Mode, out: &mut Vec<u64>) {
    let mut starts = [0u32; MAX_WORDS];
    let mut ends = [0u32; MAX_WORDS];
    let mut letters = Vec::new();
    let mut place = 0;
    let mut slow_bytes = SLOW_LEAST;
    while place < text.len() {
        let window = &text[place..text.len().min(place + WINDOW)];
        let last = place + window.len() == text.len();
        letters.clear();
        let found = find_words(window, last, mode, &mut starts, &mut ends, &mut letters);
        let filled = out.len();
        // Loads of a word's 16 bytes may pass its end, never the end of the text.
        hash_found(&text[place..], &starts[..found.words], &ends[..found.words], out);
        hash_letters(window, &starts[..found.words], &ends[..found.words], &letters, out, filled);
        if found.trouble {
            let from = place + found.done;
            let mut to = (from + slow_bytes).max(place + found.seen).min(text.len());
            while to < text.len() && (text[to] >= 128 || text[to].is_ascii_alphanumeric()) {
                to += 1;
            }
            hash_any(&text[from..to], mode, out);
            // Trouble that comes soon again is the rule of this text: look less often.
            slow_bytes =
                if found.done < 256 { (2 * slow_bytes).min(SLOW_MOST) } else { SLOW_LEAST };
            place = to;
        } else if found.done == 0 {
            // One word longer than the window.
            let mut to = place + window.len();
            while to < text.len() && (text[to] >= 128 || text[to].is_ascii_alphanumeric()) {
                to += 1;
            }
            hash_any(&text[place..to], mode, out);
            place = to;
        } else {
            place += found.done;
        }
    }
}

struct Found {
    words: usize,
    done: usize,   // bytes before which every word is found
    seen: usize,   // with trouble: just past the character that made it
    trouble: bool, // a non-ASCII character that does not separate follows
}

/// Bounds of the words of `window`; a word at its end counts only if the window is the `last`.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2,bmi1,bmi2,lzcnt,popcnt")]
fn find_words(
    window: &[u8],
    last: bool,
    mode: Mode,
    starts: &mut [u32; MAX_WORDS],
    ends: &mut [u32; MAX_WORDS],
    letters_at: &mut Vec<u32>,
) -> Found {
    let (mut begun, mut ended) = (0, 0);
    let mut reaching = 0u64; // bits of a letter that reach into this chunk
    let mut carry = 0u64; // a word reaches into this chunk
    let mut decoded = 0; // bytes of characters that were looked up
    let mut at = 0;
    while at < window.len() {
        let left = window.len() - at;
        let present = if left >= 64 { u64::MAX } else { (1 << left) - 1 };
        // SAFETY: only bytes inside the window are loaded.
        let bytes = unsafe { _mm512_maskz_loadu_epi8(present, window.as_ptr().add(at).cast()) };
        let digits = _mm512_cmple_epu8_mask(
            _mm512_sub_epi8(bytes, _mm512_set1_epi8(b'0' as i8)),
            _mm512_set1_epi8(9),
        );
        let letters = _mm512_cmple_epu8_mask(
            _mm512_sub_epi8(
                _mm512_or_si512(bytes, _mm512_set1_epi8(0x20)),
                _mm512_set1_epi8(b'a' as i8),
            ),
            _mm512_set1_epi8(25),
        );
        let mut word = digits | letters | reaching;
        reaching = 0;
        let other = _mm512_movepi8_mask(bytes);
        let mut keep = u64::MAX; // bits before the trouble
        let mut trouble = None;
        if other != 0 && mode == Mode::Unicode {
            let most = other.count_ones() > MOST_OTHER;
            let mut rest = other;
            while rest != 0 {
                let place = at + rest.trailing_zeros() as usize;
                rest &= rest - 1;
                if place < decoded {
                    continue;
                }
                match super::simple_character(&window[place..]) {
                    Some((length, Class::Separator)) => decoded = place + length,
                    Some((length, _)) if !most => {
                        decoded = place + length;
                        letters_at.push(place as u32);
                        let bits = ((1u64 << length) - 1) as u128;
                        let shifted = bits << (place - at);
                        word |= shifted as u64;
                        reaching = (shifted >> 64) as u64;
                    }
                    // A character cut by the window's end comes here too, and is trouble once.
                    _ => {
                        trouble = Some(place);
                        keep = (1u64 << (place - at)) - 1;
                        break;
                    }
                }
            }
        }
        let before = word << 1 | carry;
        let start_bits = word & !before & keep;
        let end_bits = !word & before & keep;
        store_positions(start_bits, at as u32, &mut starts[begun..]);
        store_positions(end_bits, at as u32, &mut ends[ended..]);
        begun += start_bits.count_ones() as usize;
        ended += end_bits.count_ones() as usize;
        if let Some(place) = trouble {
            // The word that is open at the trouble belongs to it.
            let done = if begun > ended { starts[ended] as usize } else { place };
            return Found { words: ended, done, seen: place + 1, trouble: true };
        }
        carry = word >> 63;
        at += 64;
    }
    if begun > ended {
        if !last {
            return Found { words: ended, done: starts[ended] as usize, seen: 0, trouble: false };
        }
        ends[ended] = window.len() as u32; // only where the last chunk is full
        ended += 1;
    }
    Found { words: ended, done: window.len(), seen: 0, trouble: false }
}

/// Hashes the words that have non-ASCII letters again, the general way.
fn hash_letters(
    window: &[u8],
    starts: &[u32],
    ends: &[u32],
    letters: &[u32],
    out: &mut Vec<u64>,
    filled: usize,
) {
    let mut word = 0;
    let mut after = 0; // the end of the last word that was hashed again
    for &letter in letters {
        if letter < after {
            continue;
        }
        while word < ends.len() && ends[word] <= letter {
            word += 1;
        }
        if word == ends.len() {
            return; // in a word that is not done
        }
        let count = out.len();
        general::hash_words(&window[starts[word] as usize..ends[word] as usize], out);
        debug_assert_eq!(out.len(), count + 1, "one word");
        out[filled + word] = out[count];
        out.truncate(count);
        after = ends[word];
    }
}

/// Writes `base` plus the number of each set bit; at most 32 bits are set.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2,bmi1,bmi2,lzcnt,popcnt")]
fn store_positions(bits: u64, base: u32, to: &mut [u32]) {
    const NUMBERS: [u8; 64] = {
        let mut numbers = [0; 64];
        let mut number = 0;
        while number < 64 {
            numbers[number] = number as u8;
            number += 1;
        }
        numbers
    };
    // SAFETY: 64 bytes are loaded from 64.
    let numbers = unsafe { _mm512_loadu_si512(NUMBERS.as_ptr().cast()) };
    let packed = _mm512_maskz_compress_epi8(bits, numbers);
    let base = _mm512_set1_epi32(base as i32);
    let low = _mm512_cvtepu8_epi32(_mm512_castsi512_si128(packed));
    let high = _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32::<1>(packed));
    assert!(to.len() >= 32);
    // SAFETY: `to` has room for 32 numbers.
    unsafe {
        _mm512_storeu_si512(to.as_mut_ptr().cast(), _mm512_add_epi32(low, base));
        _mm512_storeu_si512(to.as_mut_ptr().add(16).cast(), _mm512_add_epi32(high, base));
    }
}

/// Appends the hashes of the ASCII words at `starts..ends` of `text`.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2,bmi1,bmi2,lzcnt,popcnt")]
fn hash_found(text: &[u8], starts: &[u32], ends: &[u32], out: &mut Vec<u64>) {
    out.reserve(starts.len() + 8);
    let safe = text.len().saturating_sub(15);
    let mut word = 0;
    while word < starts.len() {
        let count = (starts.len() - word).min(8);
        if starts[word + count - 1] as usize >= safe {
            for at in word..word + count {
                out.push(hash_one(&text[starts[at] as usize..ends[at] as usize]));
            }
            word += count;
            continue;
        }
        let lanes = ((1u32 << count) - 1) as u8;
        // SAFETY: the mask keeps loads inside the slices; each gathered word starts at least 16
        // bytes before the end of the text.
        let (begin, end, first) = unsafe {
            let begin = _mm256_maskz_loadu_epi32(lanes, starts.as_ptr().add(word).cast());
            let end = _mm256_maskz_loadu_epi32(lanes, ends.as_ptr().add(word).cast());
            let first = _mm512_mask_i32gather_epi64::<1>(
                _mm512_setzero_si512(),
                lanes,
                begin,
                text.as_ptr().cast(),
            );
            (begin, end, first)
        };
        let length = _mm512_cvtepu32_epi64(_mm256_sub_epi32(end, begin));
        let state = _mm512_add_epi64(
            _mm512_set1_epi64(SEED as i64),
            _mm512_mullo_epi64(length, _mm512_set1_epi64(word_start(1).wrapping_sub(SEED) as i64)),
        );
        let mut hash = finish8(_mm512_add_epi64(state, cut_and_lower(first, length)));
        let eight = _mm512_set1_epi64(8);
        let long = _mm512_cmpgt_epi64_mask(length, eight);
        if long != 0 {
            // SAFETY: as above; these are bytes 8 to 16 of the words.
            let second = unsafe {
                _mm512_mask_i32gather_epi64::<1>(
                    _mm512_setzero_si512(),
                    long,
                    begin,
                    text.as_ptr().wrapping_add(8).cast(),
                )
            };
            let block = cut_and_lower(second, _mm512_sub_epi64(length, eight));
            hash = _mm512_mask_mov_epi64(hash, long, finish8(_mm512_add_epi64(hash, block)));
        }
        let filled = out.len();
        // SAFETY: room for 8 more was reserved, and `count` of them are written.
        unsafe {
            _mm512_storeu_si512(out.as_mut_ptr().add(filled).cast(), hash);
            out.set_len(filled + count);
        }
        let mut longest = _mm512_cmpgt_epi64_mask(length, _mm512_set1_epi64(16));
        while longest != 0 {
            let lane = longest.trailing_zeros() as usize;
            longest &= longest - 1;
            let at = word + lane;
            out[filled + lane] = hash_one(&text[starts[at] as usize..ends[at] as usize]);
        }
        word += count;
        out.reserve(starts.len() - word + 8);
    }
}

/// The first `length` bytes of each lane, lower-cased, zeros after them.
#[target_feature(enable = "avx512f,avx512dq")]
fn cut_and_lower(bytes: __m512i, length: __m512i) -> __m512i {
    let one = _mm512_set1_epi64(1);
    let shifted = _mm512_sllv_epi64(one, _mm512_slli_epi64::<3>(length)); // 0 from 8 bytes on
    let mask = _mm512_sub_epi64(shifted, one);
    let lower = _mm512_or_si512(bytes, _mm512_set1_epi8(0x20)); // digits have that bit already
    _mm512_and_si512(lower, mask)
}

fn hash_one(word: &[u8]) -> u64 {
    crate::hash::word_hash(&word.to_ascii_lowercase())
}

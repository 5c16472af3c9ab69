//! SHA-1 of many short messages, sixteen at a time: only as datasketch's default hash, never as
//! protection against anybody.

/// Messages hashed side by side.
pub const LANES: usize = 16;

type Lanes = [u32; LANES];

const START: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];

/// The first 8 bytes of SHA-1 of each message, little-endian, into `out`: its low half is
/// datasketch's `sha1_hash32`, the whole its `sha1_hash64`. At most [`LANES`] messages.
///
/// Source: FIPS 180-4.
pub fn hash_lanes(messages: &[&[u8]], out: &mut [u64; LANES]) {
    assert!(messages.len() <= LANES);
    #[cfg(target_arch = "x86_64")]
    if crate::words::has_avx512() {
        // SAFETY: the features that the function enables are there.
        unsafe { hash_lanes_avx512(messages, out) };
        return;
    }
    hash_lanes_of(messages, out, |number, words| words_of(messages, number, words));
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn hash_lanes_avx512(messages: &[&[u8]], out: &mut [u64; LANES]) {
    hash_lanes_of(messages, out, |number, words| wide::words_of(messages, number, words));
}

fn block_count(message: &[u8]) -> usize {
    (message.len() + 9).div_ceil(64)
}

/// Bytes `64 * number..` of the padded message.
#[inline(always)]
fn block_of(message: &[u8], number: usize) -> [u8; 64] {
    let mut block = [0; 64];
    let start = 64 * number;
    if start < message.len() {
        let part = &message[start..message.len().min(start + 64)];
        block[..part.len()].copy_from_slice(part);
    }
    if (start..start + 64).contains(&message.len()) {
        block[message.len() - start] = 0x80;
    }
    if number + 1 == block_count(message) {
        block[56..].copy_from_slice(&(8 * message.len() as u64).to_be_bytes());
    }
    block
}

/// Block `number` of each padded message as big-endian words, a lane each.
#[inline(always)]
fn words_of(messages: &[&[u8]], number: usize, words: &mut [Lanes; 16]) {
    for (lane, message) in messages.iter().enumerate() {
        let block = block_of(message, number);
        for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
            word[lane] = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
    }
}

#[inline(always)]
fn hash_lanes_of(
    messages: &[&[u8]],
    out: &mut [u64; LANES],
    words_of: impl Fn(usize, &mut [Lanes; 16]),
) {
    let mut state = START.map(|word| [word; LANES]);
    let mut counts = [0; LANES];
    for (count, message) in counts.iter_mut().zip(messages) {
        *count = block_count(message);
    }
    for number in 0..counts.iter().copied().max().unwrap_or(0) {
        let mut words = [[0; LANES]; 16];
        words_of(number, &mut words);
        let live = counts.map(|count| if number < count { u32::MAX } else { 0 });
        compress(&mut state, &mut words, &live);
    }
    for lane in 0..LANES {
        let low = state[0][lane].swap_bytes() as u64;
        out[lane] = low | (state[1][lane].swap_bytes() as u64) << 32;
    }
}

#[inline(always)]
fn compress(state: &mut [Lanes; 5], words: &mut [Lanes; 16], live: &Lanes) {
    let mut now = *state;
    for first in (0..20).step_by(4) {
        rounds::<4>(&mut now, words, first, 0x5a82_7999, |x, y, z| (x & y) | (!x & z));
    }
    for first in (20..40).step_by(4) {
        rounds::<4>(&mut now, words, first, 0x6ed9_eba1, |x, y, z| x ^ y ^ z);
    }
    for first in (40..60).step_by(4) {
        rounds::<4>(&mut now, words, first, 0x8f1b_bcdc, |x, y, z| (x & y) | (x & z) | (y & z));
    }
    for first in (60..80).step_by(4) {
        rounds::<4>(&mut now, words, first, 0xca62_c1d6, |x, y, z| x ^ y ^ z);
    }
    for (total, part) in state.iter_mut().zip(now) {
        for lane in 0..LANES {
            // A lane whose message has ended stays as it is.
            total[lane] = total[lane].wrapping_add(part[lane] & live[lane]);
        }
    }
}

#[inline(always)]
fn rounds<const COUNT: usize>(
    now: &mut [Lanes; 5],
    words: &mut [Lanes; 16],
    first: usize,
    constant: u32,
    mix: impl Fn(u32, u32, u32) -> u32,
) {
    for round in first..first + COUNT {
        let mut word = words[round % 16];
        if round >= 16 {
            let (x, y, z) =
                (words[(round + 13) % 16], words[(round + 8) % 16], words[(round + 2) % 16]);
            for lane in 0..LANES {
                word[lane] = (x[lane] ^ y[lane] ^ z[lane] ^ word[lane]).rotate_left(1);
            }
            words[round % 16] = word;
        }
        let [a, b, c, d, e] = *now;
        let (mut next, mut turned) = ([0u32; LANES], [0u32; LANES]);
        for lane in 0..LANES {
            next[lane] = a[lane]
                .rotate_left(5)
                .wrapping_add(mix(b[lane], c[lane], d[lane]))
                .wrapping_add(e[lane])
                .wrapping_add(constant)
                .wrapping_add(word[lane]);
            turned[lane] = b[lane].rotate_left(30);
        }
        *now = [next, a, turned, c, d];
    }
}

/// Blocks loaded a register each and turned into words: one by one this takes longer than hashing.
#[cfg(target_arch = "x86_64")]
mod wide {
    use super::{LANES, Lanes, block_count};
    use std::arch::x86_64::*;

    /// [`super::words_of`] with AVX-512.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    pub fn words_of(messages: &[&[u8]], number: usize, words: &mut [Lanes; 16]) {
        let big_endian = _mm512_broadcast_i32x4(_mm_set_epi8(
            12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3,
        ));
        let end = _mm512_set1_epi8(0x80u8 as i8);
        let mut rows = [_mm512_setzero_si512(); LANES];
        let (mut high, mut low) = ([0; LANES], [0; LANES]);
        for (lane, message) in messages.iter().enumerate() {
            let start = 64 * number;
            if let Some(rest) = message.get(start..) {
                let kept = if rest.len() < 64 { (1 << rest.len()) - 1 } else { u64::MAX };
                // SAFETY: what the mask leaves out is not read, the rest lies in `rest`.
                let block = unsafe { _mm512_maskz_loadu_epi8(kept, rest.as_ptr().cast()) };
                // One bit behind the message, where it ends in this block.
                let block = _mm512_mask_blend_epi8(kept.wrapping_add(1) & !kept, block, end);
                rows[lane] = _mm512_shuffle_epi8(block, big_endian);
            }
            if number + 1 == block_count(message) {
                let bits = 8 * message.len() as u64;
                (high[lane], low[lane]) = ((bits >> 32) as u32, bits as u32);
            }
        }
        transpose(&rows, words);
        for lane in 0..LANES {
            words[14][lane] |= high[lane];
            words[15][lane] |= low[lane];
        }
    }

    /// Word `i` of row `lane` becomes lane `lane` of `words[i]`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    fn transpose(rows: &[__m512i; LANES], words: &mut [Lanes; 16]) {
        // Inside each quarter of the registers: words of two rows, then of four.
        let mut fours = [_mm512_setzero_si512(); 16];
        for first in (0..16).step_by(4) {
            let [a, b, c, d] = [rows[first], rows[first + 1], rows[first + 2], rows[first + 3]];
            let (ab, cd) = (_mm512_unpacklo_epi32(a, b), _mm512_unpacklo_epi32(c, d));
            fours[first] = _mm512_unpacklo_epi64(ab, cd);
            fours[first + 1] = _mm512_unpackhi_epi64(ab, cd);
            let (ab, cd) = (_mm512_unpackhi_epi32(a, b), _mm512_unpackhi_epi32(c, d));
            fours[first + 2] = _mm512_unpacklo_epi64(ab, cd);
            fours[first + 3] = _mm512_unpackhi_epi64(ab, cd);
        }
        // Then the quarters themselves.
        for word in 0..4 {
            let [a, b, c, d] = [fours[word], fours[word + 4], fours[word + 8], fours[word + 12]];
            let even = (_mm512_shuffle_i32x4::<0x88>(a, b), _mm512_shuffle_i32x4::<0x88>(c, d));
            let odd = (_mm512_shuffle_i32x4::<0xdd>(a, b), _mm512_shuffle_i32x4::<0xdd>(c, d));
            for (place, row) in [
                (word, _mm512_shuffle_i32x4::<0x88>(even.0, even.1)),
                (word + 4, _mm512_shuffle_i32x4::<0x88>(odd.0, odd.1)),
                (word + 8, _mm512_shuffle_i32x4::<0xdd>(even.0, even.1)),
                (word + 12, _mm512_shuffle_i32x4::<0xdd>(odd.0, odd.1)),
            ] {
                // SAFETY: 16 words are 64 bytes.
                unsafe { _mm512_storeu_si512(words[place].as_mut_ptr().cast(), row) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_digests() {
        // FIPS 180 examples: one block, two blocks, and the empty message.
        let long = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
        let mut out = [0; LANES];
        let plain = |messages: &[&[u8]], out: &mut [u64; LANES]| {
            hash_lanes_of(messages, out, |number, words| words_of(messages, number, words));
        };
        for function in [hash_lanes, plain] {
            function(&[b"abc", long, b""], &mut out);
            assert_eq!(out[0].to_le_bytes(), [0xa9, 0x99, 0x3e, 0x36, 0x47, 0x06, 0x81, 0x6a]);
            assert_eq!(out[1].to_le_bytes(), [0x84, 0x98, 0x3e, 0x44, 0x1c, 0x3b, 0xd2, 0x6e]);
            assert_eq!(out[2].to_le_bytes(), [0xda, 0x39, 0xa3, 0xee, 0x5e, 0x6b, 0x4b, 0x0d]);
        }
    }

    #[test]
    fn every_length_and_lane_agrees_with_the_plain_words() {
        let bytes: Vec<u8> = (0..400).map(|i| (i * 37 % 251) as u8).collect();
        for first in 0..200 {
            let lengths = |lane: usize| (first + lane * 7) % 201;
            let messages: Vec<&[u8]> =
                (0..1 + first % LANES).map(|lane| &bytes[lane..lane + lengths(lane)]).collect();
            let (mut wide, mut plain) = ([0; LANES], [0; LANES]);
            hash_lanes(&messages, &mut wide);
            hash_lanes_of(&messages, &mut plain, |number, words| {
                words_of(&messages, number, words);
            });
            assert_eq!(wide[..messages.len()], plain[..messages.len()]);
        }
    }
}

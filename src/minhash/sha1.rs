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
    hash_lanes_of(messages, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn hash_lanes_avx512(messages: &[&[u8]], out: &mut [u64; LANES]) {
    hash_lanes_of(messages, out);
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

#[inline(always)]
fn hash_lanes_of(messages: &[&[u8]], out: &mut [u64; LANES]) {
    let mut state = START.map(|word| [word; LANES]);
    let blocks = messages.iter().map(|message| block_count(message)).max().unwrap_or(0);
    for number in 0..blocks {
        let mut words = [[0u32; LANES]; 16];
        let mut live = [0u32; LANES];
        for (lane, message) in messages.iter().enumerate() {
            if number < block_count(message) {
                live[lane] = u32::MAX;
                let block = block_of(message, number);
                for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
                    word[lane] = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
                }
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_digests() {
        // FIPS 180 examples: one block, two blocks, and the empty message.
        let long = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
        let mut out = [0; LANES];
        for function in [hash_lanes, hash_lanes_of] {
            function(&[b"abc", long, b""], &mut out);
            assert_eq!(out[0].to_le_bytes(), [0xa9, 0x99, 0x3e, 0x36, 0x47, 0x06, 0x81, 0x6a]);
            assert_eq!(out[1].to_le_bytes(), [0x84, 0x98, 0x3e, 0x44, 0x1c, 0x3b, 0xd2, 0x6e]);
            assert_eq!(out[2].to_le_bytes(), [0xda, 0x39, 0xa3, 0xee, 0x5e, 0x6b, 0x4b, 0x0d]);
        }
    }
}

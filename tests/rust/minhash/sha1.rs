//! SHA-1 sixteen at a time against SHA-1 word by word.

use crate::support::Random;
use webtext::minhash::sha1::{LANES, hash_lanes};

/// The slow twin: FIPS 180-4, section 6.1.2.
fn slow(message: &[u8]) -> [u8; 20] {
    let mut padded = [message, &[0x80]].concat();
    padded.resize(padded.len().next_multiple_of(64), 0);
    if padded.len() - message.len() < 9 {
        padded.resize(padded.len() + 64, 0);
    }
    let end = padded.len() - 8;
    padded[end..].copy_from_slice(&(8 * message.len() as u64).to_be_bytes());
    let mut state = [0x67452301u32, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
    for block in padded.as_chunks::<64>().0 {
        let mut words: Vec<u32> =
            block.as_chunks::<4>().0.iter().map(|bytes| u32::from_be_bytes(*bytes)).collect();
        for t in 16..80 {
            let mixed = words[t - 3] ^ words[t - 8] ^ words[t - 14] ^ words[t - 16];
            words.push(mixed.rotate_left(1));
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (t, word) in words.iter().enumerate() {
            let (f, k) = match t / 20 {
                0 => (b & c | !b & d, 0x5a827999u32),
                1 => (b ^ c ^ d, 0x6ed9eba1),
                2 => (b & c | b & d | c & d, 0x8f1bbcdc),
                _ => (b ^ c ^ d, 0xca62c1d6),
            };
            let next =
                [a.rotate_left(5), f, e, k, *word].iter().fold(0u32, |x, y| x.wrapping_add(*y));
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next);
        }
        for (sum, word) in state.iter_mut().zip([a, b, c, d, e]) {
            *sum = sum.wrapping_add(word);
        }
    }
    let mut digest = [0; 20];
    for (bytes, word) in digest.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    digest
}

#[test]
fn the_twin_gives_the_published_digest() {
    let published = 0xa999_3e36_4706_816a_u64;
    assert_eq!(slow(b"abc")[..8], published.to_be_bytes());
}

#[test]
fn lanes_equal_messages_hashed_alone() {
    let mut random = Random::new(1);
    let bytes: Vec<u8> = (0..1000).map(|_| random.below(256) as u8).collect();
    // Where the padding needs a block of its own, and where it just does not.
    let edges = [0, 1, 54, 55, 56, 57, 63, 64, 65, 118, 119, 120, 127, 128, 129];
    for round in 0..600 {
        let lanes = 1 + round % LANES;
        let messages: Vec<&[u8]> = (0..lanes)
            .map(|_| {
                let length = match random.below(3) {
                    0 => edges[random.below(edges.len() as u64) as usize],
                    1 => random.below(40) as usize,
                    _ => random.below(500) as usize,
                };
                let start = random.below((bytes.len() - length) as u64) as usize;
                &bytes[start..start + length]
            })
            .collect();
        let mut found = [0; LANES];
        hash_lanes(&messages, &mut found);
        for (lane, message) in messages.iter().enumerate() {
            let digest = slow(message);
            assert_eq!(
                found[lane].to_le_bytes(),
                digest[..8],
                "{} bytes in lane {lane}",
                message.len()
            );
        }
    }
}

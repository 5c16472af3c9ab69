//! Signatures against the definition, one permutation and one hash at a time.

use super::text;
use crate::support::{Random, column};
use webtext::Error;
use webtext::minhash::sha1::{LANES, hash_lanes};
use webtext::minhash::signature::{Permutations, Scheme, ShingleHash, Shingler, sign_rows};
use webtext::words::{self, Mode};

const SCHEMES: [Scheme; 3] = [Scheme::Affine32, Scheme::Affine64, Scheme::Legacy];
const WRAP32: u128 = 1 << 32;
const WRAP64: u128 = 1 << 64;

/// MurmurHash3's finalizers, in numbers that do not wrap by themselves.
fn mix(hash: u64, scheme: Scheme) -> u64 {
    let times = |x: u64, by: u64, wrap: u128| ((x as u128 * by as u128) % wrap) as u64;
    match scheme {
        Scheme::Affine32 => {
            let x = hash % (1 << 32);
            let x = times(x ^ (x >> 16), 0x85eb_ca6b, WRAP32);
            let x = times(x ^ (x >> 13), 0xc2b2_ae35, WRAP32);
            x ^ (x >> 16)
        }
        Scheme::Affine64 => {
            let x = times(hash ^ (hash >> 33), 0xff51_afd7_ed55_8ccd, WRAP64);
            let x = times(x ^ (x >> 33), 0xc4ce_b9fe_1a85_ec53, WRAP64);
            x ^ (x >> 33)
        }
        Scheme::Legacy => hash % (1 << 32),
    }
}

/// The slow twin: the least value of each permutation.
fn slow_sign(scheme: Scheme, a: &[u64], b: &[u64], hashes: &[u64]) -> Vec<u64> {
    let value = |a: u64, b: u64, hash: u64| {
        let sum = a as u128 * mix(hash, scheme) as u128 + b as u128;
        match scheme {
            Scheme::Affine32 => (sum % WRAP32) as u64,
            Scheme::Affine64 => (sum % WRAP64) as u64,
            Scheme::Legacy => ((sum % WRAP64) % ((1 << 61) - 1) % WRAP32) as u64,
        }
    };
    let none = if scheme == Scheme::Affine64 { u64::MAX } else { u32::MAX as u64 };
    a.iter()
        .zip(b)
        .map(|(&a, &b)| hashes.iter().map(|&hash| value(a, b, hash)).fold(none, u64::min))
        .collect()
}

fn parameters(random: &mut Random, scheme: Scheme, count: usize) -> (Vec<u64>, Vec<u64>) {
    let limit = match scheme {
        Scheme::Affine32 => 1 << 32,
        Scheme::Affine64 => u64::MAX,
        Scheme::Legacy => (1 << 61) - 1,
    };
    let mut draw = || (0..count).map(|_| random.below(limit)).collect::<Vec<u64>>();
    (draw(), draw())
}

fn signed(permutations: &Permutations, hashes: &[u64]) -> Vec<u64> {
    let mut out = vec![7];
    permutations.sign(&mut hashes.to_vec(), &mut out);
    assert_eq!(out.remove(0), 7, "what stood before stays");
    out
}

#[test]
fn signatures_equal_the_definition() {
    let mut random = Random::new(1);
    for scheme in SCHEMES {
        for count in [1, 2, 31, 32, 33, 63, 64, 65, 128, 200] {
            let (a, b) = parameters(&mut random, scheme, count);
            let permutations = Permutations::new(scheme, &a, &b).unwrap();
            assert_eq!((permutations.count(), permutations.scheme()), (count, scheme));
            for size in [0, 1, 2, 17, 300] {
                let hashes: Vec<u64> = (0..size).map(|_| random.below(u64::MAX)).collect();
                let wanted = slow_sign(scheme, &a, &b, &hashes);
                assert_eq!(signed(&permutations, &hashes), wanted, "{scheme:?} {count} {size}");
            }
        }
    }
}

#[test]
fn the_largest_numbers_do_not_overflow() {
    for scheme in SCHEMES {
        let most = if scheme == Scheme::Affine32 { u32::MAX as u64 } else { u64::MAX };
        let (a, b) = (vec![most, most, (1 << 31) - 1], vec![most, 0, most]);
        let permutations = Permutations::new(scheme, &a, &b).unwrap();
        for hash in [0, 1, u32::MAX as u64, u64::MAX, (1 << 61) - 1] {
            assert_eq!(
                signed(&permutations, &[hash]),
                slow_sign(scheme, &a, &b, &[hash]),
                "{hash}"
            );
        }
    }
}

#[test]
fn the_prime_itself_is_zero() {
    let prime = (1 << 61) - 1;
    // Products that are the prime, twice it, and one less.
    for (a, wanted) in [(prime, 0), (2 * prime, 0), (prime - 1, (prime - 1) % (1 << 32))] {
        let permutations = Permutations::new(Scheme::Legacy, &[a], &[0]).unwrap();
        assert_eq!(signed(&permutations, &[1]), [wanted]);
    }
}

#[test]
fn mixing_gives_the_published_values() {
    // MurmurHash3 of nothing with seed 1, whose last step these are.
    for (scheme, wanted) in
        [(Scheme::Affine32, 0x514e_28b7), (Scheme::Affine64, 0xb456_bcfc_34c2_cb2c)]
    {
        let identity = Permutations::new(scheme, &[1], &[0]).unwrap();
        assert_eq!(signed(&identity, &[1]), [wanted]);
    }
}

#[test]
fn a_signature_is_that_of_the_set() {
    let mut random = Random::new(2);
    for scheme in SCHEMES {
        let (a, b) = parameters(&mut random, scheme, 70);
        let permutations = Permutations::new(scheme, &a, &b).unwrap();
        let left: Vec<u64> = (0..50).map(|_| random.below(u64::MAX)).collect();
        let right: Vec<u64> = (0..30).map(|_| random.below(u64::MAX)).collect();
        let of_left = signed(&permutations, &left);
        let again: Vec<u64> = left.iter().rev().chain(&left[..9]).copied().collect();
        assert_eq!(signed(&permutations, &again), of_left);
        let of_right = signed(&permutations, &right);
        let least: Vec<u64> = of_left.iter().zip(&of_right).map(|(l, r)| *l.min(r)).collect();
        assert_eq!(signed(&permutations, &[left, right].concat()), least, "the union's");
    }
}

#[test]
fn parameters_that_do_not_fit_are_refused() {
    let cases: [(Scheme, &[u64], &[u64]); 4] = [
        (Scheme::Affine64, &[], &[]),
        (Scheme::Affine64, &[1, 2], &[1]),
        (Scheme::Affine32, &[1 << 32], &[0]),
        (Scheme::Affine32, &[1], &[1 << 32]),
    ];
    for (scheme, a, b) in cases {
        assert!(matches!(Permutations::new(scheme, a, b), Err(Error::InvalidParameter(_))));
    }
}

/// The slow twin: words joined by spaces, hashed alone.
fn slow_shingles(text: &str, n: usize) -> Vec<u64> {
    let mut words = Vec::new();
    words::for_each_word(text.as_bytes(), Mode::Unicode, |word, _| words.push(word.to_owned()));
    words
        .windows(n)
        .map(|shingle| {
            let mut out = [0; LANES];
            hash_lanes(&[shingle.join(" ").as_bytes()], &mut out);
            out[0]
        })
        .collect()
}

#[test]
fn shingles_are_windows_of_words() {
    let mut random = Random::new(3);
    let mut shingler = Shingler::default();
    for n in [1, 2, 5, 13] {
        for words in [0, 1, n as u64 - 1, n as u64, n as u64 + 1, 15, 16, 17, 31, 60] {
            let text = text(&mut random, words, 9).replace("w3", "É-w3’s 漢字");
            shingler.fill(text.as_bytes(), Mode::Unicode, n, ShingleHash::Sha1);
            assert_eq!(shingler.hashes, slow_shingles(&text, n), "{n} {text}");
            // The other hash has as many, and tells the same shingles apart.
            let sha1 = shingler.hashes.clone();
            shingler.fill(text.as_bytes(), Mode::Unicode, n, ShingleHash::Ngram);
            assert_eq!(shingler.hashes.len(), sha1.len());
            for (i, j) in (0..sha1.len()).flat_map(|i| (0..i).map(move |j| (i, j))) {
                assert_eq!(shingler.hashes[i] == shingler.hashes[j], sha1[i] == sha1[j]);
            }
        }
    }
}

#[test]
fn rows_equal_texts_signed_alone() {
    let mut random = Random::new(4);
    let texts: Vec<String> =
        [0, 3, 200, 4, 5, 50].iter().map(|&words| text(&mut random, words, 30)).collect();
    let (offsets, data) = column(&texts);
    for (scheme, hash) in SCHEMES.into_iter().zip([ShingleHash::Sha1, ShingleHash::Ngram].repeat(2))
    {
        let (a, b) = parameters(&mut random, scheme, 40);
        let permutations = Permutations::new(scheme, &a, &b).unwrap();
        let rows = sign_rows(&offsets, &data, &permutations, Mode::Unicode, 5, hash);
        let mut shingler = Shingler::default();
        for (row, text) in rows.chunks(40).zip(&texts) {
            shingler.fill(text.as_bytes(), Mode::Unicode, 5, hash);
            assert_eq!(row, slow_sign(scheme, &a, &b, &shingler.hashes));
        }
        assert_eq!(rows.len(), 40 * texts.len());
    }
}

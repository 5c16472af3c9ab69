//! Signatures with the hash values of datasketch's `MinHash`, for all its schemes.
//!
//! Hash value `k` is the least `a_k * h + b_k` over the hashes `h` of a text's shingles.
//! Source: datasketch 2.0, `minhash.py`; checked against the installed one in the tests.

use super::sha1;
use crate::overlap::ngrams::Scratch;
use crate::words::{self, Mode};
use crate::{Error, Result};

/// datasketch's names for how `a * h + b` is reduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Modulo 2^32 after MurmurHash3's finalizer; datasketch's default since 2.0.
    Affine32,
    /// The same over 64 bits.
    Affine64,
    /// Modulo the prime 2^61 - 1 (after wrapping at 2^64), then the low 32 bits.
    Legacy,
}

/// What hashes a shingle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShingleHash {
    /// SHA-1 of the words joined by single spaces: datasketch's default `hashfunc`.
    Sha1,
    /// The overlap index's n-gram key.
    Ngram,
}

/// The permutations of a signature: `a` and `b` as datasketch draws them.
#[derive(Clone, Debug)]
pub struct Permutations {
    scheme: Scheme,
    count: usize,
    narrow: Vec<[[u32; NARROW]; 2]>,
    wide: Vec<[[u64; WIDE]; 2]>,
}

const NARROW: usize = 64; // permutations whose state stays in registers
const WIDE: usize = 32;
const PRIME: u64 = (1 << 61) - 1;

impl Permutations {
    /// Takes the parameters of each permutation; for `Affine32` they must fit 32 bits.
    ///
    /// # Errors
    /// `Error::InvalidParameter` if they differ in number, are none, or do not fit.
    pub fn new(scheme: Scheme, a: &[u64], b: &[u64]) -> Result<Permutations> {
        if a.len() != b.len() || a.is_empty() {
            let message = format!("{} and {} permutation parameters", a.len(), b.len());
            return Err(Error::InvalidParameter(message));
        }
        let fits = |values: &[u64]| values.iter().all(|&value| value <= u32::MAX as u64);
        if scheme == Scheme::Affine32 && !(fits(a) && fits(b)) {
            let message = "a permutation parameter does not fit the 32 bits of affine32";
            return Err(Error::InvalidParameter(message.into()));
        }
        let mut permutations =
            Permutations { scheme, count: a.len(), narrow: Vec::new(), wide: Vec::new() };
        if scheme == Scheme::Affine32 {
            for (a, b) in a.chunks(NARROW).zip(b.chunks(NARROW)) {
                let mut block = [[0; NARROW]; 2];
                for (place, (&a, &b)) in a.iter().zip(b).enumerate() {
                    (block[0][place], block[1][place]) = (a as u32, b as u32);
                }
                permutations.narrow.push(block);
            }
        } else {
            for (a, b) in a.chunks(WIDE).zip(b.chunks(WIDE)) {
                let mut block = [[0; WIDE]; 2];
                block[0][..a.len()].copy_from_slice(a);
                block[1][..b.len()].copy_from_slice(b);
                permutations.wide.push(block);
            }
        }
        Ok(permutations)
    }

    /// How many hash values a signature has.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The scheme.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Appends the signature of a set of hashes, given in any order and any number of times, to
    /// `out`. `hashes` is overwritten; those of 32-bit schemes use the low half.
    pub fn sign(&self, hashes: &mut [u64], out: &mut Vec<u64>) {
        #[cfg(target_arch = "x86_64")]
        if words::has_avx512() {
            // SAFETY: the features that the function enables are there.
            unsafe { self.sign_avx512(hashes, out) };
            return;
        }
        self.sign_with(hashes, out);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    fn sign_avx512(&self, hashes: &mut [u64], out: &mut Vec<u64>) {
        self.sign_with(hashes, out);
    }

    #[inline(always)]
    fn sign_with(&self, hashes: &mut [u64], out: &mut Vec<u64>) {
        let from = out.len();
        match self.scheme {
            Scheme::Affine32 => {
                for hash in hashes.iter_mut() {
                    *hash = mix32(*hash as u32) as u64;
                }
                for [a, b] in &self.narrow {
                    let mut least = [u32::MAX; NARROW];
                    for &hash in hashes.iter() {
                        for lane in 0..NARROW {
                            let value = a[lane].wrapping_mul(hash as u32).wrapping_add(b[lane]);
                            least[lane] = least[lane].min(value);
                        }
                    }
                    out.extend(least.iter().map(|&value| value as u64));
                }
            }
            Scheme::Affine64 => {
                for hash in hashes.iter_mut() {
                    *hash = mix64(*hash);
                }
                for [a, b] in &self.wide {
                    let mut least = [u64::MAX; WIDE];
                    for &hash in hashes.iter() {
                        for lane in 0..WIDE {
                            let value = a[lane].wrapping_mul(hash).wrapping_add(b[lane]);
                            least[lane] = least[lane].min(value);
                        }
                    }
                    out.extend(least);
                }
            }
            Scheme::Legacy => {
                for [a, b] in &self.wide {
                    let mut least = [u32::MAX as u64; WIDE];
                    for &hash in hashes.iter() {
                        let hash = hash & u32::MAX as u64;
                        for lane in 0..WIDE {
                            let value = a[lane].wrapping_mul(hash).wrapping_add(b[lane]);
                            // Folding 61 bits twice leaves at most the prime itself.
                            let value = (value & PRIME) + (value >> 61);
                            let value = if value >= PRIME { value - PRIME } else { value };
                            least[lane] = least[lane].min(value & u32::MAX as u64);
                        }
                    }
                    out.extend(least);
                }
            }
        }
        out.truncate(from + self.count);
    }
}

/// MurmurHash3's 32-bit finalizer.
#[inline(always)]
fn mix32(mut x: u32) -> u32 {
    x = (x ^ (x >> 16)).wrapping_mul(0x85eb_ca6b);
    x = (x ^ (x >> 13)).wrapping_mul(0xc2b2_ae35);
    x ^ (x >> 16)
}

/// MurmurHash3's 64-bit finalizer.
#[inline(always)]
fn mix64(mut x: u64) -> u64 {
    x = (x ^ (x >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    x = (x ^ (x >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    x ^ (x >> 33)
}

/// Makes the shingle hashes of one text after the other.
#[derive(Default)]
pub struct Shingler {
    scratch: Scratch,
    text: String,
    starts: Vec<usize>,
    /// Hashes of the last text's shingles, in order, with repeats.
    pub hashes: Vec<u64>,
}

impl Shingler {
    /// Fills `hashes` for the `n`-word shingles of `text`.
    pub fn fill(&mut self, text: &[u8], mode: Mode, n: usize, hash: ShingleHash) {
        if hash == ShingleHash::Ngram {
            self.scratch.fill(text, mode, n);
            std::mem::swap(&mut self.hashes, &mut self.scratch.keys);
            return;
        }
        self.hashes.clear();
        self.text.clear();
        self.starts.clear();
        words::for_each_word(text, mode, |word, _| {
            self.starts.push(self.text.len());
            self.text.push_str(word);
            self.text.push(' ');
        });
        if self.starts.len() < n {
            return;
        }
        let count = self.starts.len() - n + 1;
        self.starts.push(self.text.len());
        let bytes = self.text.as_bytes();
        let mut found = [0; sha1::LANES];
        for first in (0..count).step_by(sha1::LANES) {
            let size = (count - first).min(sha1::LANES);
            let mut messages = [&bytes[..0]; sha1::LANES];
            for (lane, message) in messages[..size].iter_mut().enumerate() {
                let shingle = first + lane;
                *message = &bytes[self.starts[shingle]..self.starts[shingle + n] - 1];
            }
            sha1::hash_lanes(&messages[..size], &mut found);
            self.hashes.extend_from_slice(&found[..size]);
        }
    }
}

/// Signatures of rows, one after the other; row `i` is `data[offsets[i]..offsets[i + 1]]`.
pub fn sign_rows(
    offsets: &[i64],
    data: &[u8],
    permutations: &Permutations,
    mode: Mode,
    n: usize,
    hash: ShingleHash,
) -> Vec<u64> {
    let mut shingler = Shingler::default();
    let mut out = Vec::with_capacity((offsets.len() - 1) * permutations.count());
    for bounds in offsets.windows(2) {
        shingler.fill(&data[bounds[0] as usize..bounds[1] as usize], mode, n, hash);
        permutations.sign(&mut shingler.hashes, &mut out);
    }
    out
}

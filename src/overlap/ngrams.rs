//! Keys of n-grams from the hashes of their words.
//!
//! The key of `n` words is a tree: the largest power of two of words to the left, the rest to the
//! right, halves of equal length below. So all keys of a text cost about `log2(n)` combinations
//! each, whole arrays at a time, and no algebra of a rolling sum lets repeated words cancel.

use crate::hash::{combine, finish};
use crate::words::{self, Mode};

/// Longest n-gram: our choice, far past the 5 to 13 that are in use.
pub const MAX_N: usize = 64;

/// Writes the keys of all n-grams of a text, in order, into `keys`: `words.len() - n + 1` of them,
/// none where the text is shorter. `words` is overwritten.
///
/// Panics if `n` is 0 or above [`MAX_N`].
pub fn ngram_keys(words: &mut [u64], n: usize, keys: &mut Vec<u64>) {
    assert!((1..=MAX_N).contains(&n), "n is {n}, not in 1..=64");
    keys.clear();
    if words.len() < n {
        return;
    }
    #[cfg(target_arch = "x86_64")]
    if words::has_avx512() {
        // SAFETY: the features that the function enables are there.
        unsafe { keys_avx512(words, n, keys) };
        return;
    }
    keys_of(words, n, keys);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
fn keys_avx512(words: &mut [u64], n: usize, keys: &mut Vec<u64>) {
    keys_of(words, n, keys);
}

#[inline(always)]
fn keys_of(words: &mut [u64], n: usize, keys: &mut Vec<u64>) {
    let count = words.len() - n + 1;
    let mut span = 1; // words[i] holds the hash of words i to i + span
    let mut tail = 0; // keys[i] holds the hash of words i to i + tail
    loop {
        if n & span != 0 {
            if tail == 0 {
                keys.extend_from_slice(words);
            } else {
                let room = keys.len() - span;
                for place in 0..room {
                    keys[place] = combine(words[place], keys[place + span]);
                }
            }
            tail |= span;
        }
        if tail == n {
            break;
        }
        let room = words.len() - span;
        for place in 0..room {
            words[place] = combine(words[place], words[place + span]);
        }
        span *= 2;
    }
    keys.truncate(count);
    for key in keys.iter_mut() {
        *key = finish(*key);
    }
}

/// The buffers that hashing one text after the other needs.
#[derive(Default)]
pub struct Scratch {
    /// Word hashes; overwritten by the keys' computation.
    pub words: Vec<u64>,
    /// Keys of the last text's n-grams, in order.
    pub keys: Vec<u64>,
}

impl Scratch {
    /// Fills `keys` with the n-grams of `text`; returns how many words it has.
    pub fn fill(&mut self, text: &[u8], mode: Mode, n: usize) -> usize {
        words::hash_words(text, mode, &mut self.words);
        let count = self.words.len();
        ngram_keys(&mut self.words, n, &mut self.keys);
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slow(words: &[u64], n: usize) -> u64 {
        fn tree(words: &[u64]) -> u64 {
            if words.len() == 1 {
                return words[0];
            }
            let left = if words.len().is_power_of_two() {
                words.len() / 2
            } else {
                1 << words.len().ilog2()
            };
            combine(tree(&words[..left]), tree(&words[left..]))
        }
        finish(tree(&words[..n]))
    }

    #[test]
    fn keys_equal_the_tree() {
        let words: Vec<u64> = (0..150).map(|i| finish(i % 23)).collect();
        for n in 1..=MAX_N {
            for length in [0, n - 1, n, n + 1, 150] {
                let mut keys = vec![7];
                ngram_keys(&mut words[..length].to_vec(), n, &mut keys);
                let expected: Vec<u64> =
                    words[..length].windows(n).map(|window| slow(window, n)).collect();
                assert_eq!(keys, expected, "n {n}, {length} words");
            }
        }
    }
}

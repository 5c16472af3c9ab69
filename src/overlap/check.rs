//! Measures an index's rate of false positives on fresh probes.

use super::file::Index;
use super::ngrams::Scratch;
use crate::bloom;
use crate::hash::{SEED, finish};

/// Keys tested between looks at `stop`.
const STEP: u64 = 1 << 22;

/// False positives among `probes` fresh 64-bit keys, the outputs of SplitMix64 from `seed` on.
///
/// They are as random as the keys of n-grams and equal none of them but with probability
/// `distinct / 2^64` each, so what is found is false. None where `stop` said so.
pub fn random_keys(
    index: &Index,
    probes: u64,
    seed: u64,
    threads: usize,
    stop: &dyn Fn() -> bool,
) -> Option<u64> {
    let filter = index.blocks();
    let threads = threads.max(1) as u64;
    let mut hits = 0;
    let mut done = 0;
    while done < probes {
        if stop() {
            return None;
        }
        let step = (probes - done).min(STEP * threads);
        let share = step.div_ceil(threads);
        hits += std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads)
                .map(|worker| {
                    let from = done + (worker * share).min(step);
                    let to = done + ((worker + 1) * share).min(step);
                    scope.spawn(move || count(filter, from..to, seed))
                })
                .collect();
            workers.into_iter().map(|worker| worker.join().unwrap_or(0)).sum::<u64>()
        });
        done += step;
    }
    Some(hits)
}

fn count(filter: &[bloom::Block], range: std::ops::Range<u64>, seed: u64) -> u64 {
    let mut keys = [0; 4096];
    let mut hits = 0;
    let mut at = range.start;
    while at < range.end {
        let size = (range.end - at).min(keys.len() as u64) as usize;
        for (place, key) in keys[..size].iter_mut().enumerate() {
            let number = at + place as u64 + 1;
            *key = finish(seed.wrapping_add(number.wrapping_mul(SEED)));
        }
        bloom::query(filter, &keys[..size], |_| hits += 1);
        at += size as u64;
    }
    hits
}

/// N-grams of each row that the filter has and the n-grams of the row, two numbers a row, repeats
/// counted; row `i` is `data[offsets[i]..offsets[i + 1]]`.
pub fn count_rows(index: &Index, offsets: &[i64], data: &[u8]) -> Vec<u64> {
    let (n, mode) = (index.header().n, index.header().mode);
    let mut scratch = Scratch::default();
    let mut counts = Vec::with_capacity(2 * (offsets.len() - 1));
    for bounds in offsets.windows(2) {
        scratch.fill(&data[bounds[0] as usize..bounds[1] as usize], mode, n);
        let mut hits = 0;
        bloom::query(index.blocks(), &scratch.keys, |_| hits += 1);
        counts.extend([hits, scratch.keys.len() as u64]);
    }
    counts
}

/// Found among `probes` random strings of n words: the GPT-2 report's own check.
///
/// A word is 2 to 9 random letters; strings go through the normaliser and the hashes like text.
pub fn random_strings(index: &Index, probes: u64, seed: u64) -> u64 {
    let n = index.header().n;
    let mut scratch = Scratch::default();
    let mut text = Vec::new();
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(SEED);
        finish(state)
    };
    let mut hits = 0;
    for _ in 0..probes {
        text.clear();
        for _ in 0..n {
            let mut bits = next();
            for _ in 0..2 + bits % 8 {
                bits /= 26;
                text.push(b'a' + (bits % 26) as u8);
            }
            text.push(b' ');
        }
        scratch.fill(&text, index.header().mode, n);
        bloom::query(index.blocks(), &scratch.keys, |_| hits += 1);
    }
    hits
}

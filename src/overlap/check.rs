//! Measures an index's rate of false positives on fresh probes.

use super::file::Index;
use super::ngrams::Scratch;
use crate::bloom::{self, Block};
use crate::hash::{SEED, finish};

/// Keys tested between looks at `stop`.
const STEP: u64 = 1 << 22;

/// False positives among `probes` fresh 64-bit keys made from `seed`.
///
/// The keys are a stratified random sample: each block of the filter is probed with equally many
/// keys, drawn uniformly from the keys that come to it, and what does not divide evenly is drawn
/// from all keys. The share that is found is an unbiased estimate of the filter's rate, as it is
/// for keys drawn from all, and varies less, so a Poisson bound holds for it. Block after block,
/// no probe waits for memory. A fresh key equals one that was inserted with probability
/// `distinct / 2^64`, so what is found is false. None where `stop` said so.
pub fn random_keys(
    index: &Index,
    probes: u64,
    seed: u64,
    threads: usize,
    stop: &dyn Fn() -> bool,
) -> Option<u64> {
    let filter = index.blocks();
    let sample = Sample { blocks: filter.len() as u64, each: probes / filter.len() as u64, seed };
    let stratified = sample.blocks * sample.each;
    let per_step = (STEP / sample.each.max(1)).max(1);
    let first = in_steps(sample.blocks.min(stratified), per_step, threads, stop, &|blocks| {
        blocks.map(|block| count_block(&filter[block as usize], block, &sample)).sum()
    })?;
    let rest = in_steps(probes - stratified, STEP, threads, stop, &|range| {
        count_anywhere(filter, range.start + stratified..range.end + stratified, seed)
    })?;
    Some(first + rest)
}

/// Sums `count` over `0..total` on `threads`, `step` for each of them between looks at `stop`.
fn in_steps(
    total: u64,
    step: u64,
    threads: usize,
    stop: &dyn Fn() -> bool,
    count: &(dyn Fn(std::ops::Range<u64>) -> u64 + Sync),
) -> Option<u64> {
    let threads = threads.max(1) as u64;
    let mut sum = 0;
    let mut done = 0;
    while done < total {
        if stop() {
            return None;
        }
        let size = (total - done).min(step * threads);
        let share = size.div_ceil(threads);
        sum += std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads)
                .map(|worker| {
                    let from = done + (worker * share).min(size);
                    let to = done + ((worker + 1) * share).min(size);
                    scope.spawn(move || count(from..to))
                })
                .collect();
            workers
                .into_iter()
                .map(|worker| match worker.join() {
                    Ok(found) => found,
                    Err(panic) => std::panic::resume_unwind(panic),
                })
                .sum::<u64>()
        });
        done += size;
    }
    Some(sum)
}

/// Output `number` (from 0) of SplitMix64 from `seed`.
#[inline(always)]
fn random(seed: u64, number: u64) -> u64 {
    finish(seed.wrapping_add((number + 1).wrapping_mul(SEED)))
}

/// Which keys each block is probed with.
struct Sample {
    blocks: u64,
    each: u64, // keys a block
    seed: u64,
}

impl Sample {
    /// The first key of a block.
    fn start(&self, block: u64) -> u64 {
        ((block as u128) << 64).div_ceil(self.blocks as u128) as u64
    }

    /// The least number of keys that a block has; some have one more, of 2^24 or more.
    fn width(&self) -> u64 {
        ((1u128 << 64) / self.blocks as u128) as u64
    }

    /// Key `number` of the sample in a block that starts at `start`.
    #[inline(always)]
    fn key(&self, start: u64, width: u64, number: u64) -> u64 {
        start + scale(random(self.seed, number), width)
    }
}

/// About `random * width / 2^64`, below `width`: at most 2 less, and the same in eight lanes.
#[inline(always)]
fn scale(random: u64, width: u64) -> u64 {
    let (high, low) = (random >> 32, random & 0xffff_ffff);
    let (wide, narrow) = (width >> 32, width & 0xffff_ffff);
    high * wide + ((high * narrow) >> 32) + ((low * wide) >> 32)
}

fn count_block(block: &Block, number: u64, sample: &Sample) -> u64 {
    let (start, width) = (sample.start(number), sample.width());
    let numbers = number * sample.each..(number + 1) * sample.each;
    #[cfg(target_arch = "x86_64")]
    if crate::words::has_avx512() {
        // SAFETY: the features that the function enables are there.
        return unsafe { count_block_avx512(block, start, width, numbers, sample) };
    }
    numbers.filter(|&number| bloom::held(block, sample.key(start, width, number))).count() as u64
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq")]
fn count_block_avx512(
    block: &Block,
    start: u64,
    width: u64,
    numbers: std::ops::Range<u64>,
    sample: &Sample,
) -> u64 {
    use std::arch::x86_64::*;
    let eights = numbers.end - (numbers.end - numbers.start) % 8;
    let mut hits = 0;
    let first = sample.seed.wrapping_add((numbers.start + 1).wrapping_mul(SEED));
    let lanes = _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7);
    let mut state = _mm512_add_epi64(
        _mm512_set1_epi64(first as i64),
        _mm512_mullo_epi64(lanes, _mm512_set1_epi64(SEED as i64)),
    );
    let start8 = _mm512_set1_epi64(start as i64);
    let wide = _mm512_set1_epi64((width >> 32) as i64);
    let narrow = _mm512_set1_epi64((width & 0xffff_ffff) as i64);
    for _ in (numbers.start..eights).step_by(8) {
        let random = crate::hash::finish8(state);
        state = _mm512_add_epi64(state, _mm512_set1_epi64(SEED.wrapping_mul(8) as i64));
        // `scale` of eight.
        let high = _mm512_srli_epi64::<32>(random);
        let keys = _mm512_add_epi64(
            _mm512_add_epi64(start8, _mm512_mul_epu32(high, wide)),
            _mm512_add_epi64(
                _mm512_srli_epi64::<32>(_mm512_mul_epu32(high, narrow)),
                _mm512_srli_epi64::<32>(_mm512_mul_epu32(random, wide)),
            ),
        );
        hits += bloom::held_of_eight(block, keys).count_ones() as u64;
    }
    let rest = eights..numbers.end;
    hits + rest.filter(|&n| bloom::held(block, sample.key(start, width, n))).count() as u64
}

fn count_anywhere(filter: &[Block], range: std::ops::Range<u64>, seed: u64) -> u64 {
    let mut keys = [0; 4096];
    let mut hits = 0;
    let mut at = range.start;
    while at < range.end {
        let size = (range.end - at).min(keys.len() as u64) as usize;
        for (number, key) in (at..).zip(&mut keys[..size]) {
            *key = random(seed, number);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bloom::{MIN_BLOCKS, block_of};

    #[test]
    fn sampled_keys_come_to_their_block_and_are_spread_over_it() {
        for blocks in [MIN_BLOCKS, 2_328_000, 445_000_003] {
            let sample = Sample { blocks, each: 1000, seed: 5 };
            for block in [0, 1, blocks / 3, blocks - 1] {
                let (start, width) = (sample.start(block), sample.width());
                let mut quarters = [0; 4];
                for number in 0..1000 {
                    let key = sample.key(start, width, number);
                    assert_eq!(block_of(key, blocks), block);
                    quarters[((key - start) as u128 * 4 / width as u128) as usize] += 1;
                }
                assert!(quarters.iter().all(|count| (180..320).contains(count)), "{quarters:?}");
                assert_eq!(scale(u64::MAX, width).max(width - 3), scale(u64::MAX, width));
                assert!(scale(u64::MAX, width) < width);
            }
        }
    }

    #[test]
    fn eight_at_a_time_counts_what_one_at_a_time_does() {
        let sample = Sample { blocks: 100_000, each: 4003, seed: 9 };
        let mut hits = 0;
        for number in 0..40 {
            // Full enough to be found often: every 8th to no bit is free.
            let block: Block = std::array::from_fn(|lane| {
                !(random(number, lane as u64) & random(number + 1, lane as u64) & random(3, number))
            });
            let (start, width) = (sample.start(number), sample.width());
            let slow = (number * sample.each..(number + 1) * sample.each)
                .filter(|&n| bloom::held(&block, sample.key(start, width, n)))
                .count() as u64;
            assert_eq!(count_block(&block, number, &sample), slow);
            hits += slow;
        }
        assert!((1000..100_000).contains(&hits), "{hits}");
    }
}

//! The filter's laws: nothing lost, computed rate equals counted rate, parts equal the whole.

use webtext::bloom::{self, Block, LANES};
use webtext::hash::{SEED, finish};

fn keys(seed: u64, count: u64) -> Vec<u64> {
    (0..count).map(|i| finish(seed.wrapping_add(i.wrapping_mul(SEED)))).collect()
}

fn filled(blocks: usize, keys: &[u64]) -> Vec<Block> {
    let mut filter = vec![[0; LANES]; blocks];
    let mut elsewhere = Vec::new();
    bloom::insert(&mut filter, 0, blocks as u64, keys, &mut elsewhere);
    assert!(elsewhere.is_empty());
    filter
}

#[test]
fn every_key_is_found() {
    for blocks in [1, 2, 1000, 1031] {
        let keys = keys(1, 20_000);
        let filter = filled(blocks, &keys);
        let mut found = Vec::new();
        bloom::query(&filter, &keys, |place| found.push(place));
        assert!(found.into_iter().eq(0..keys.len()), "{blocks} blocks");
    }
}

#[test]
fn parts_equal_the_whole() {
    let keys = keys(2, 10_000);
    let whole = filled(1000, &keys);
    let mut filter = vec![[0; LANES]; 1000];
    let mut elsewhere = Vec::new();
    let (left, right) = filter.split_at_mut(333);
    bloom::insert(left, 0, 1000, &keys, &mut elsewhere);
    let before = elsewhere.len();
    bloom::insert(right, 333, 1000, &elsewhere.clone(), &mut elsewhere);
    assert_eq!(elsewhere.len(), before, "keys of no block");
    assert!(filter == whole);
}

#[test]
fn formula_fills_and_counts_agree() {
    for load in [12.0, 18.0, 24.0] {
        let blocks = 20_000;
        let inserted = keys(3, (load * blocks as f64) as u64);
        let filter = filled(blocks, &inserted);
        let fills = filter.iter().map(bloom::block_rate).sum::<f64>() / blocks as f64;
        let formula = bloom::expected_rate(load);
        // The spread over filters of this size is some percent where the rate is small.
        assert!((fills / formula - 1.0).abs() < 0.15, "{load}: {fills:e} {formula:e}");
        if formula > 1e-8 {
            let probes = 4_000_000;
            let mut hits = 0;
            bloom::query(&filter, &keys(99, probes), |_| hits += 1);
            let expected = fills * probes as f64;
            let difference = (hits as f64 - expected).abs();
            assert!(difference < 5.0 * expected.sqrt() + 3.0, "{load}: {hits} {expected}");
        }
    }
}

#[test]
fn rates_out_of_range_are_refused() {
    for rate in [0.0, -1.0, 0.5, f64::NAN] {
        assert!(bloom::blocks_for(1000, rate).is_err(), "{rate}");
    }
    assert!(bloom::blocks_for(u64::MAX, 1e-8).is_err());
    assert_eq!(bloom::blocks_for(1, 1e-8).unwrap(), bloom::MIN_BLOCKS);
}

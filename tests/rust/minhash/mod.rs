//! MinHash from shingles to survivors, each step against its slow twin.

mod bands;
mod clusters;
mod sets;
mod sha1;
mod signature;
mod verify;

use crate::support::{Folder, Random};
use std::collections::BTreeSet;
use std::path::PathBuf;
use webtext::minhash::sets::Sets;

/// A text of `words` words out of `vocabulary`.
fn text(random: &mut Random, words: u64, vocabulary: u64) -> String {
    (0..words).map(|_| format!("w{} ", random.below(vocabulary))).collect()
}

/// Sets of keys that come in families: members of one share most of their keys.
fn families(random: &mut Random, count: usize) -> Vec<BTreeSet<u64>> {
    (0..count)
        .map(|_| {
            let family = random.below(5) * 1000;
            (0..40).filter(|_| random.below(8) > 0).map(|key| family + key).collect()
        })
        .collect()
}

/// A file of sets, as `webtext::minhash::sets` describes it.
fn set_file(folder: &Folder, name: &str, numbers: &[u64], sets: &[BTreeSet<u64>]) -> PathBuf {
    let ends = sets.iter().scan(0, |end, set| {
        *end += set.len() as u64;
        Some(*end)
    });
    let keys = sets.iter().flatten().copied();
    let head = std::iter::once(numbers.len() as u64).chain(numbers.iter().copied());
    folder.numbers(name, head.chain(ends).chain(keys))
}

/// The sets of documents 0, 1 and so on.
fn opened(folder: &Folder, sets: &[BTreeSet<u64>]) -> Sets {
    let numbers: Vec<u64> = (0..sets.len() as u64).collect();
    Sets::open(&[set_file(folder, "sets.bin", &numbers, sets)]).unwrap()
}

/// The Jaccard similarity by its definition.
fn slow_jaccard(left: &BTreeSet<u64>, right: &BTreeSet<u64>) -> f64 {
    left.intersection(right).count() as f64 / left.union(right).count() as f64
}

/// For each of `count` places the least place that `pairs` connect it with.
fn slow_components(
    count: usize,
    pairs: impl Iterator<Item = (usize, usize)> + Clone,
) -> Vec<usize> {
    let mut least: Vec<usize> = (0..count).collect();
    loop {
        let before = least.clone();
        for (left, right) in pairs.clone() {
            let lower = least[left].min(least[right]);
            (least[left], least[right]) = (lower, lower);
        }
        if least == before {
            return least;
        }
    }
}

//! Shingle sets on disk, and how alike two are.

use super::{families, set_file, slow_jaccard, text};
use crate::support::{Folder, Random, column};
use std::collections::BTreeSet;
use webtext::Error;
use webtext::minhash::sets::{Sets, jaccard, set_rows, shared};
use webtext::minhash::signature::{ShingleHash, Shingler};
use webtext::words::Mode;

#[test]
fn rows_are_the_distinct_keys_of_each_text() {
    let mut random = Random::new(8);
    let texts: Vec<String> = (0..40).map(|words| text(&mut random, words, 4)).collect();
    let (offsets, data) = column(&texts);
    let (ends, keys) = set_rows(&offsets, &data, 3);
    assert_eq!(ends.len(), texts.len());
    let mut first = 0;
    for (text, &end) in texts.iter().zip(&ends) {
        let mut shingler = Shingler::default();
        shingler.fill(text.as_bytes(), Mode::Unicode, 3, ShingleHash::Ngram);
        let wanted: BTreeSet<u64> = shingler.hashes.into_iter().collect();
        assert!(keys[first..end as usize].iter().eq(&wanted));
        first = end as usize;
    }
    assert_eq!(first, keys.len());
}

#[test]
fn sets_are_found_by_number_in_any_file() {
    let folder = Folder::new("sets");
    let sets = families(&mut Random::new(9), 30);
    let numbers: Vec<u64> = (0..30).map(|i| 3 * i + 1).collect();
    let paths = [
        set_file(&folder, "c", &numbers[20..], &sets[20..]),
        set_file(&folder, "empty", &[], &[]),
        set_file(&folder, "a", &numbers[..7], &sets[..7]),
        set_file(&folder, "b", &numbers[7..20], &sets[7..20]),
    ];
    let opened = Sets::open(&paths).unwrap();
    for (number, set) in numbers.iter().zip(&sets) {
        let place = opened.find(*number).unwrap();
        assert_eq!(place.size, set.len() as u64);
        assert!(opened.read(place).unwrap().iter().eq(set));
        for other in [number - 1, number + 1] {
            assert!(matches!(opened.find(other), Err(Error::InvalidParameter(_))), "{other}");
        }
    }
    let again = set_file(&folder, "d", &numbers[19..21], &sets[19..21]);
    let overlapping = [&paths[..], &[again]].concat();
    assert!(matches!(Sets::open(&overlapping), Err(Error::InvalidParameter(_))));
}

#[test]
fn a_damaged_file_is_named_wherever_it_is_cut() {
    let folder = Folder::new("cut-sets");
    let path = set_file(&folder, "sets", &[1, 4, 9], &families(&mut Random::new(10), 3));
    let whole = std::fs::read(&path).unwrap();
    for length in 0..whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        assert!(matches!(Sets::open(&[&path]), Err(Error::Format { .. })), "{length} bytes");
    }
    std::fs::write(&path, [&whole[..], &[0; 8]].concat()).unwrap();
    assert!(matches!(Sets::open(&[&path]), Err(Error::Format { .. })));
    // Numbers or ends out of order, more sets than bytes.
    for (place, value) in
        [(0, u64::MAX), (0, 1 << 60), (1, 5), (2, 1), (4, 1000), (6, 1), (6, u64::MAX)]
    {
        let mut damaged = whole.clone();
        damaged[8 * place..8 * place + 8].copy_from_slice(&value.to_le_bytes());
        std::fs::write(&path, damaged).unwrap();
        assert!(matches!(Sets::open(&[&path]), Err(Error::Format { .. })), "{value} at {place}");
    }
    assert!(matches!(Sets::open(&[folder.0.join("none")]), Err(Error::Io { .. })));
}

#[test]
fn similarity_equals_its_definition() {
    let mut random = Random::new(11);
    for _ in 0..2000 {
        let range = 1 + random.below(60);
        let mut draw = |most: u64| -> BTreeSet<u64> {
            (0..1 + random.below(most)).map(|_| random.below(range)).collect()
        };
        let (left, right) = (draw(40), draw(9));
        let vectors = [&left, &right].map(|set| set.iter().copied().collect::<Vec<u64>>());
        assert_eq!(shared(&vectors[0], &vectors[1]), left.intersection(&right).count() as u64);
        assert_eq!(jaccard(&vectors[0], &vectors[1]), slow_jaccard(&left, &right));
        assert_eq!(jaccard(&vectors[0], &vectors[1]), jaccard(&vectors[1], &vectors[0]));
        assert_eq!(jaccard(&vectors[0], &vectors[0]), 1.0);
    }
}

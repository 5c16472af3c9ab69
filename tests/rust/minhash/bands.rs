//! Band rows and groups of candidates against their definitions.

use super::text;
use crate::support::{Folder, Random, column};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use webtext::Error;
use webtext::hash::{SEED, finish};
use webtext::minhash::bands::{Bands, Groups, Row, word_digests};
use webtext::minhash::parts::{arrange, part_of};
use webtext::minhash::signature::{Permutations, Scheme, ShingleHash, sign_rows};
use webtext::words::{Mode, hash_words};

fn permutations(count: u64) -> Permutations {
    let mut random = Random::new(5);
    let mut draw = || (0..count).map(|_| random.below(u64::MAX)).collect::<Vec<u64>>();
    Permutations::new(Scheme::Affine64, &draw(), &draw()).unwrap()
}

/// A file of one chunk of rows, in parts by their hash.
fn rows_file(folder: &Folder, name: &str, rows: &[Row], parts: usize) -> PathBuf {
    let (bounds, arranged) = arrange(rows, parts, |row| part_of(row[0], parts));
    folder.numbers(name, bounds.into_iter().chain(arranged.into_iter().flatten()))
}

#[test]
fn rows_follow_from_signatures() {
    let mut random = Random::new(6);
    let texts: Vec<String> =
        [300, 0, 4, 5, 6, 90].iter().map(|&words| text(&mut random, words, 50)).collect();
    let (offsets, data) = column(&texts);
    let permutations = permutations(21);
    let (bands, rows, n) = (5, 4, 5);
    let orders: Vec<u64> = (0..6).map(|i| 100 - i).collect();
    let numbers: Vec<u64> = (0..6).map(|i| 1000 + i).collect();
    let maker = Bands { permutations: &permutations, bands, rows, n };
    let (found, digests) = maker.rows_of(&offsets, &data, &orders, &numbers).unwrap();

    let signatures =
        sign_rows(&offsets, &data, &permutations, Mode::Unicode, n, ShingleHash::Ngram);
    let mut wanted = Vec::new();
    for (place, signature) in signatures.chunks(21).enumerate() {
        if texts[place].split_whitespace().count() < n {
            continue; // no shingle, so no row
        }
        for band in 0..bands {
            let mut state = finish(SEED ^ band as u64);
            for value in &signature[band * rows..(band + 1) * rows] {
                state = finish(state.wrapping_add(finish(*value)));
            }
            wanted.push([state, orders[place], numbers[place]]);
        }
    }
    assert_eq!(found, wanted);
    assert_eq!(digests, word_digests(&offsets, &data));
    for (digest, text) in digests.iter().zip(&texts) {
        let mut hashes = Vec::new();
        hash_words(text.as_bytes(), Mode::Unicode, &mut hashes);
        let bytes: Vec<u8> = hashes.into_iter().flat_map(u64::to_le_bytes).collect();
        assert_eq!(digest[..], Sha256::digest(bytes)[..16]);
    }
}

#[test]
fn what_the_normaliser_drops_changes_no_row() {
    let texts =
        ["The cat sat on the mat again, and again.", "the CAT sat -- on the mat: again and AGAIN"];
    let (offsets, data) = column(&texts);
    let permutations = permutations(16);
    let maker = Bands { permutations: &permutations, bands: 4, rows: 4, n: 3 };
    let (rows, digests) = maker.rows_of(&offsets, &data, &[1, 2], &[1, 2]).unwrap();
    let hashes: Vec<u64> = rows.iter().map(|row| row[0]).collect();
    assert_eq!(hashes[..4], hashes[4..]);
    assert_eq!(hashes[..4].iter().collect::<BTreeSet<_>>().len(), 4, "bands differ");
    assert_eq!(digests[0], digests[1]);
}

#[test]
fn bands_that_do_not_fit_are_refused() {
    let permutations = permutations(16);
    for (bands, rows) in [(0, 4), (4, 0), (17, 1), (5, 4)] {
        let maker = Bands { permutations: &permutations, bands, rows, n: 5 };
        assert!(matches!(maker.rows_of(&[0], &[], &[], &[]), Err(Error::InvalidParameter(_))));
    }
    let maker = Bands { permutations: &permutations, bands: 4, rows: 4, n: 5 };
    assert!(matches!(maker.rows_of(&[0, 1], b"a", &[1, 2], &[1]), Err(Error::InvalidParameter(_))));
}

/// The slow twin: all documents of a hash, those of two or more, each group once.
fn slow_groups(rows: &[Row], copies: &[u64]) -> Vec<Vec<[u64; 2]>> {
    let mut by_hash: BTreeMap<u64, Vec<[u64; 2]>> = BTreeMap::new();
    for &[hash, order, number] in rows {
        if !copies.contains(&number) {
            by_hash.entry(hash).or_default().push([order, number]);
        }
    }
    let mut groups: BTreeSet<Vec<[u64; 2]>> = BTreeSet::new();
    for mut group in by_hash.into_values() {
        group.sort_unstable();
        if group.len() > 1 {
            groups.insert(group);
        }
    }
    groups.into_iter().collect()
}

fn listed(groups: &Groups) -> Vec<Vec<[u64; 2]>> {
    assert_eq!(groups.is_empty(), groups.offsets.len() < 2);
    (0..groups.len()).map(|place| groups.group(place).to_vec()).collect()
}

#[test]
fn groups_are_documents_that_share_a_row() {
    let folder = Folder::new("groups");
    let mut random = Random::new(7);
    for round in 0..60 {
        let parts = 1 + random.below(4) as usize;
        let kinds = 1 + random.below(30);
        let rows: Vec<Row> = (0..random.below(120))
            .map(|_| {
                let number = random.below(20);
                [finish(random.below(kinds)), finish(number), number]
            })
            .collect::<BTreeSet<Row>>() // a document has a band's row once
            .into_iter()
            .collect();
        let mut copies: Vec<u64> = (0..20).filter(|_| random.below(6) == 0).collect();
        copies.sort_unstable();
        let half = rows.len() / 2;
        let files = [
            rows_file(&folder, "a", &rows[..half], parts),
            rows_file(&folder, "b", &rows[half..], parts),
        ];
        let mut all = Vec::new();
        for part in 0..parts {
            let own: Vec<Row> =
                rows.iter().filter(|row| part_of(row[0], parts) == part).copied().collect();
            let groups = Groups::of_rows(&files, part, parts, &copies).unwrap();
            assert_eq!(listed(&groups), slow_groups(&own, &copies), "round {round}");
            let numbers: BTreeSet<u64> = groups.members.iter().map(|member| member[1]).collect();
            assert_eq!(groups.numbers(), numbers.into_iter().collect::<Vec<u64>>());
            all.push(groups);
        }
        // Written by one task for each part of the next step, and read from all of them.
        let written: Vec<PathBuf> = all
            .iter()
            .enumerate()
            .map(|(place, groups)| {
                let (bounds, words) = groups.to_words(parts);
                assert_eq!(bounds.len(), parts + 1);
                folder.numbers(&format!("words{place}"), bounds.into_iter().chain(words))
            })
            .collect();
        let mut wanted = slow_groups(&rows, &copies);
        let mut read: Vec<Vec<[u64; 2]>> = Vec::new();
        for part in 0..parts {
            let groups = listed(&Groups::read(&written, part, parts).unwrap());
            assert!(groups.iter().all(|group| part_of(group[0][0], parts) == part));
            read.extend(groups);
        }
        read.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(read, wanted, "round {round}");
    }
}

#[test]
fn groups_that_do_not_fit_their_part_are_named() {
    let folder = Folder::new("bad-groups");
    for words in [vec![0], vec![1, 5, 5], vec![3, 1, 1, 2, 2], vec![u64::MAX, 1, 1]] {
        let bounds = [0, words.len() as u64];
        let path = folder.numbers("words", bounds.into_iter().chain(words));
        assert!(matches!(Groups::read(&[&path], 0, 1), Err(Error::Format { .. })));
    }
}

//! Components of pairs and the survivors of clusters, against slow searches.

use super::{families, opened, slow_components, slow_jaccard};
use crate::support::{Folder, Random};
use std::collections::{BTreeMap, BTreeSet};
use webtext::Error;
use webtext::minhash::cluster::cluster;
use webtext::minhash::components::{Pair, components};
use webtext::minhash::parts::{arrange, read_part};

#[test]
fn a_component_stands_in_one_part_with_all_its_pairs() {
    let folder = Folder::new("components");
    let mut random = Random::new(14);
    for round in 0..40 {
        let count = 2 + random.below(60);
        let number = |place: u64| 7 * place + 1_000_000_007;
        let pairs: Vec<Pair> = (0..random.below(50))
            .map(|place| [number(random.below(count)), number(random.below(count)), place])
            .filter(|pair| pair[0] != pair[1])
            .collect();
        let parts = 1 + random.below(5) as usize;
        let chunk = |name: &str, pairs: &[Pair]| {
            let (bounds, rows) = arrange(pairs, 1, |_| 0);
            folder.numbers(name, bounds.into_iter().chain(rows.into_iter().flatten()))
        };
        let files: Vec<_> = pairs
            .chunks(13)
            .enumerate()
            .map(|(place, pairs)| chunk(&format!("{place}"), pairs))
            .collect();
        let out = folder.0.join("out");
        let found = components(&files, parts, &out, &|| false).unwrap();

        let places = pairs.iter().map(|pair| {
            let place = |number: u64| ((number - 1_000_000_007) / 7) as usize;
            (place(pair[0]), place(pair[1]))
        });
        let least = slow_components(count as usize, places.clone());
        let touched: BTreeSet<usize> = places.clone().flat_map(|(l, r)| [l, r]).collect();
        let roots: BTreeSet<usize> = touched.iter().map(|&place| least[place]).collect();
        assert_eq!(found, (roots.len() as u64, touched.len() as u64), "round {round}");

        let mut part_of_root: BTreeMap<usize, usize> = BTreeMap::new();
        let mut read: Vec<Pair> = Vec::new();
        for part in 0..parts {
            for row in read_part::<3>(&[&out], part, parts).unwrap() {
                let root = least[((row[0] - 1_000_000_007) / 7) as usize];
                assert_eq!(*part_of_root.entry(root).or_insert(part), part, "round {round}");
                read.push(row);
            }
        }
        read.sort_unstable_by_key(|pair| pair[2]);
        assert_eq!(read, pairs, "round {round}");
        // In another order, and turned round, each pair stands in the same part.
        let turned: Vec<Pair> =
            pairs.iter().rev().map(|pair| [pair[1], pair[0], pair[2]]).collect();
        let other = folder.0.join("other");
        components(&[chunk("turned", &turned)], parts, &other, &|| false).unwrap();
        for part in 0..parts {
            let ids = |path| -> BTreeSet<u64> {
                let rows: Vec<Pair> = read_part(&[path], part, parts).unwrap();
                rows.iter().map(|row| row[2]).collect()
            };
            assert_eq!(ids(&out), ids(&other), "round {round}");
        }
        let stopped = components(&files, parts, &out, &|| true);
        assert!(files.is_empty() || matches!(stopped, Err(Error::Interrupted)));
    }
}

#[test]
fn every_document_has_its_survivor_and_a_shortest_way_to_it() {
    let folder = Folder::new("cluster");
    let mut random = Random::new(15);
    let (mut chains, mut alone) = (0, 0);
    for round in 0..60 {
        let count = 2 + random.below(40) as usize;
        let sets = families(&mut random, count);
        let files = opened(&folder, &sets);
        let threshold = [0.6, 0.75, 0.85][round % 3];
        // Ranks are not numbers: the best document is number `count - 1`.
        let numbers: Vec<u64> = (0..count as u64).rev().collect();
        let alike = |left: usize, right: usize| {
            slow_jaccard(&sets[numbers[left] as usize], &sets[numbers[right] as usize])
        };
        let mut edges = Vec::new();
        for (left, right) in (0..count).flat_map(|right| (0..right).map(move |left| (left, right)))
        {
            // As in practice not all pairs that reach the threshold are known.
            if alike(left, right) >= threshold && random.below(3) > 0 {
                edges.push((left as u32, right as u32, alike(left, right)));
            }
        }
        let fates = cluster(&numbers, &edges, &files, threshold, &|| false).unwrap();

        let pairs = edges.iter().map(|edge| (edge.0 as usize, edge.1 as usize));
        let survivors = slow_components(count, pairs.clone());
        // Pairs of the survivor count whether they were known or not.
        let mut known: BTreeSet<(usize, usize)> =
            pairs.flat_map(|(left, right)| [(left, right), (right, left)]).collect();
        for (place, &kept) in survivors.iter().enumerate() {
            if place != kept && alike(place, kept) >= threshold {
                known.extend([(place, kept), (kept, place)]);
            }
        }
        for (place, fate) in fates.iter().enumerate() {
            let (kept, via) = (fate.kept as usize, fate.via as usize);
            assert_eq!(kept, survivors[place], "round {round}, document {place}");
            assert_eq!(fate.jaccard_kept, alike(place, kept));
            if place == kept {
                assert_eq!((fate.steps, via, fate.jaccard), (0, kept, 1.0));
                alone += 1;
                continue;
            }
            let near = (0..count).filter(|&other| known.contains(&(place, other)));
            let least = near.clone().map(|other| fates[other].steps).min().unwrap();
            assert_eq!(fate.steps, least + 1, "a shorter way is known");
            let first = near.clone().find(|&other| fates[other].steps == least).unwrap();
            assert_eq!(via, first, "the best of several");
            assert_eq!(fate.jaccard, alike(place, via));
            chains += u32::from(fate.steps > 1);
        }
    }
    assert!(chains > 20 && alone > 100, "{chains} chains, {alone} survivors: not what is meant");
}

#[test]
fn pairs_that_cannot_be_are_refused() {
    let folder = Folder::new("cluster-refused");
    let sets: Vec<BTreeSet<u64>> = vec![(0..10).collect(), (90..99).collect()];
    let files = opened(&folder, &sets);
    for edges in [vec![(0, 2, 0.9)], vec![(5, 1, 0.9)]] {
        let found = cluster(&[0, 1], &edges, &files, 0.8, &|| false);
        assert!(matches!(found, Err(Error::InvalidParameter(_))));
    }
    let missing = cluster(&[0, 8], &[(0, 1, 0.9)], &files, 0.8, &|| false);
    assert!(matches!(missing, Err(Error::InvalidParameter(_))));
}

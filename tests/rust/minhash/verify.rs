//! The exact check against all pairs.

use super::{families, opened, slow_components, slow_jaccard};
use crate::support::{Folder, Random};
use std::collections::BTreeSet;
use webtext::Error;
use webtext::minhash::bands::Groups;
use webtext::minhash::verify::{ALONE, Edge, FIRST, verify};

fn groups(members: &[Vec<u64>]) -> Groups {
    let mut groups = Groups { offsets: vec![0], members: Vec::new() };
    for group in members {
        groups.members.extend(group.iter().map(|&number| [number, number]));
        groups.offsets.push(groups.members.len() as u64);
    }
    groups
}

/// Every edge is what it says, once, lower number first.
fn check_edges(edges: &[Edge], sets: &[BTreeSet<u64>], threshold: f64) {
    for edge in edges {
        assert!(edge.left < edge.right && edge.jaccard >= threshold);
        let found = slow_jaccard(&sets[edge.left as usize], &sets[edge.right as usize]);
        assert_eq!(edge.jaccard, found);
    }
    assert!(edges.is_sorted_by(|a, b| (a.left, a.right) < (b.left, b.right)));
}

fn pairs(edges: &[Edge]) -> impl Iterator<Item = (usize, usize)> + Clone {
    edges.iter().map(|edge| (edge.left as usize, edge.right as usize))
}

#[test]
fn small_groups_are_connected_as_all_pairs_connect_them() {
    let folder = Folder::new("verify");
    let mut random = Random::new(12);
    for round in 0..40 {
        let sets = families(&mut random, 60);
        let files = opened(&folder, &sets);
        let threshold = [0.5, 0.7, 0.8, 0.9][round % 4];
        let members: Vec<Vec<u64>> = (0..4)
            .map(|_| {
                let size = 2 + random.below(FIRST as u64 - 1);
                (0..size).map(|_| random.below(60)).collect::<BTreeSet<u64>>().into_iter().collect()
            })
            .filter(|group: &Vec<u64>| group.len() > 1)
            .collect();
        let (edges, work) = verify(&groups(&members), &files, threshold, &|| false).unwrap();
        check_edges(&edges, &sets, threshold);
        let mut all = Vec::new();
        for group in &members {
            for (place, &right) in group.iter().enumerate() {
                for &left in &group[..place] {
                    if slow_jaccard(&sets[left as usize], &sets[right as usize]) >= threshold {
                        all.push((left as usize, right as usize));
                    }
                }
            }
        }
        let wanted = slow_components(60, all.iter().copied());
        assert_eq!(slow_components(60, pairs(&edges)), wanted, "round {round}");
        assert_eq!(work.unrepresented, 0);
        let most: usize = members.iter().map(|group| group.len() * (group.len() - 1) / 2).sum();
        assert!(work.compared + work.by_size <= most as u64);
    }
}

#[test]
fn a_large_group_costs_a_bounded_number_of_comparisons() {
    let folder = Folder::new("verify-large");
    let count = 1500u64;
    // All strangers of one size, except the last: it is like the first.
    let mut sets: Vec<BTreeSet<u64>> =
        (0..count).map(|number| (100 * number..100 * number + 20).collect()).collect();
    sets[count as usize - 1] = (1..20).collect();
    let files = opened(&folder, &sets);
    let all = groups(&[(0..count).collect()]);
    let (edges, work) = verify(&all, &files, 0.8, &|| false).unwrap();
    check_edges(&edges, &sets, 0.8);
    assert_eq!(pairs(&edges).collect::<Vec<_>>(), [(0, count as usize - 1)]);
    assert!(work.compared <= count * (FIRST + ALONE) as u64);
    assert_eq!(work.unrepresented, count - 1 - (FIRST + ALONE) as u64);
}

#[test]
fn sizes_alone_tell_some_pairs_apart() {
    let folder = Folder::new("verify-size");
    let sets: Vec<BTreeSet<u64>> = vec![(0..10).collect(), (0..7).collect(), (0..8).collect()];
    let files = opened(&folder, &sets);
    let (edges, work) = verify(&groups(&[vec![0, 1, 2]]), &files, 0.8, &|| false).unwrap();
    // 10 and 7 cannot reach 0.8; 10 and 8 do exactly, 7 and 8 do at 7 of 8.
    assert_eq!(pairs(&edges).collect::<Vec<_>>(), [(0, 2), (1, 2)]);
    assert_eq!((work.by_size, work.compared), (1, 2));
}

#[test]
fn it_stops_when_told_and_names_a_missing_set() {
    let folder = Folder::new("verify-stop");
    // Strangers of one size: every pair is compared.
    let sets: Vec<BTreeSet<u64>> =
        (0..40).map(|number| (100 * number..100 * number + 20).collect()).collect();
    let files = opened(&folder, &sets);
    let many = groups(&vec![(0..40).collect(); 20]);
    assert!(matches!(verify(&many, &files, 0.8, &|| true), Err(Error::Interrupted)));
    let lost = verify(&groups(&[vec![1, 77]]), &files, 0.8, &|| false);
    assert!(matches!(lost, Err(Error::InvalidParameter(_))));
}

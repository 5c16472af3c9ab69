//! Survivors over verified pairs: who goes, for whom, by which pair.
//!
//! Documents are taken from the best down. One that is still there survives, and takes out what
//! lies within two verified steps of it: those whose similarity to it reaches the threshold, and
//! those verified against one of these. What a longer chain reaches gets a survivor of its own. As
//! 1 - Jaccard is a metric, a removed document's similarity to its survivor is at least
//! `2 * threshold - 1`; it is computed for each. No two survivors are a verified pair.

use super::sets::{Sets, jaccard};
use crate::{Error, Result};

/// Verified pairs looked along for documents that are close to the survivor: our choice. Only
/// what is within two steps after that goes.
const REACH: usize = 4;

/// What became of a document; the documents are given by their ranks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fate {
    /// The survivor; the document itself where it survives.
    pub kept: u32,
    /// The document that it was verified against.
    pub via: u32,
    /// Similarity to `via`.
    pub jaccard: f64,
    /// Similarity to `kept`.
    pub jaccard_kept: f64,
}

/// The fates of documents 0 to `numbers.len() - 1`, from the best down.
///
/// `numbers` are their numbers in `sets`; `edges` verified pairs of ranks with their similarity,
/// at least `threshold`.
///
/// # Errors
/// `Error::InvalidParameter` for an edge to no document; `Error::Interrupted`; whatever reading
/// a set raises.
pub fn cluster(
    numbers: &[u64],
    edges: &[(u32, u32, f64)],
    sets: &Sets,
    threshold: f64,
    stop: &dyn Fn() -> bool,
) -> Result<Vec<Fate>> {
    let count = numbers.len();
    let mut both: Vec<(u32, u32, f64)> = Vec::with_capacity(2 * edges.len());
    for &(left, right, jaccard) in edges {
        if left as usize >= count || right as usize >= count {
            let message = format!("a pair of documents {left} and {right} of {count}");
            return Err(Error::InvalidParameter(message));
        }
        both.extend([(left, right, jaccard), (right, left, jaccard)]);
    }
    both.sort_unstable_by_key(|edge| (edge.0, edge.1));
    both.dedup_by_key(|edge| (edge.0, edge.1));
    let mut starts = vec![0usize; count + 1];
    for edge in &both {
        starts[edge.0 as usize + 1] += 1;
    }
    for place in 0..count {
        starts[place + 1] += starts[place];
    }
    let around = |rank: u32| &both[starts[rank as usize]..starts[rank as usize + 1]];

    let mut fates: Vec<Option<Fate>> = vec![None; count];
    let mut seen_by = vec![u32::MAX; count]; // the survivor that last looked at a document
    let mut similar: Vec<f64> = vec![0.0; count]; // to that survivor
    for rank in 0..count as u32 {
        if fates[rank as usize].is_some() {
            continue;
        }
        if rank % 1024 == 1023 && stop() {
            return Err(Error::Interrupted);
        }
        fates[rank as usize] =
            Some(Fate { kept: rank, via: rank, jaccard: 1.0, jaccard_kept: 1.0 });
        seen_by[rank as usize] = rank;
        let mut reached = Vec::new();
        let mut ring = vec![rank];
        for _ in 0..REACH {
            let mut next = Vec::new();
            for &from in &ring {
                for &(_, to, _) in around(from) {
                    if fates[to as usize].is_none() && seen_by[to as usize] != rank {
                        seen_by[to as usize] = rank;
                        next.push(to);
                    }
                }
            }
            reached.extend_from_slice(&next);
            ring = next;
        }
        if reached.is_empty() {
            continue;
        }
        reached.sort_unstable();
        let mine = sets.read(sets.find(numbers[rank as usize])?)?;
        let mut far = Vec::new();
        let mut near = Vec::new();
        for (done, &other) in reached.iter().enumerate() {
            if done % 1024 == 1023 && stop() {
                return Err(Error::Interrupted);
            }
            let theirs = sets.read(sets.find(numbers[other as usize])?)?;
            let found = jaccard(&mine, &theirs);
            similar[other as usize] = found;
            if found >= threshold { near.push(other) } else { far.push(other) }
        }
        for &other in &near {
            let found = similar[other as usize];
            fates[other as usize] =
                Some(Fate { kept: rank, via: rank, jaccard: found, jaccard_kept: found });
        }
        for &other in &far {
            // The most similar of the near ones that it was verified against, the best of equals.
            let mut best: Option<(u32, f64)> = None;
            for &(_, via, found) in around(other) {
                let close = seen_by[via as usize] == rank
                    && via != rank
                    && fates[via as usize].is_some_and(|fate| fate.via == rank);
                if close && best.is_none_or(|(_, least)| found > least) {
                    best = Some((via, found));
                }
            }
            if let Some((via, found)) = best {
                let jaccard_kept = similar[other as usize];
                fates[other as usize] =
                    Some(Fate { kept: rank, via, jaccard: found, jaccard_kept });
            }
        }
    }
    Ok(fates.into_iter().flatten().collect())
}

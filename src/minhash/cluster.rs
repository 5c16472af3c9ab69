//! Survivors over verified pairs: who goes, for whom, by which pair.
//!
//! Documents that verified pairs connect are one cluster; its best document survives. Every other
//! one is compared with the survivor, which adds verified pairs; `via` is the next document on a
//! shortest path of verified pairs to the survivor, the best of several. As 1 - Jaccard is a metric,
//! a document `steps` pairs away has a similarity to the survivor of at least
//! `1 - steps * (1 - threshold)`; the true one is computed for each.

use super::sets::{Sets, jaccard};
use crate::{Error, Result};

const STEP: usize = 1 << 10; // comparisons between looks at `stop`

/// What became of a document; the documents are given by their ranks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fate {
    /// The survivor; the document itself where it survives.
    pub kept: u32,
    /// The next document on the way to it.
    pub via: u32,
    /// Verified pairs on that way; 0 for the survivor.
    pub steps: u32,
    /// Similarity to `via`.
    pub jaccard: f64,
    /// Similarity to `kept`.
    pub jaccard_kept: f64,
}

/// The fates of documents 0 to `numbers.len() - 1`, from the best down.
///
/// `numbers` are their numbers in `sets`; `edges` verified pairs of ranks with their similarity,
/// at least `threshold`. Memory: 60 bytes a document, 32 a pair.
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
    let graph = Graph::new(numbers.len(), edges)?;
    let mut fates: Vec<Option<Fate>> = vec![None; numbers.len()];
    let mut similar = vec![0.0; numbers.len()];
    let mut reached = vec![false; numbers.len()];
    let mut compared = 0;
    for rank in 0..numbers.len() as u32 {
        if reached[rank as usize] {
            continue;
        }
        fates[rank as usize] =
            Some(Fate { kept: rank, via: rank, steps: 0, jaccard: 1.0, jaccard_kept: 1.0 });
        let members = graph.component(rank, &mut reached);
        let mine = sets.read(sets.find(numbers[rank as usize])?)?;
        let mut ring = Vec::new();
        for &other in &members {
            compared += 1;
            if compared % STEP == 0 && stop() {
                return Err(Error::Interrupted);
            }
            let found = jaccard(&mine, &sets.read(sets.find(numbers[other as usize])?)?);
            similar[other as usize] = found;
            if found >= threshold {
                let (jaccard, jaccard_kept) = (found, found);
                fates[other as usize] =
                    Some(Fate { kept: rank, via: rank, steps: 1, jaccard, jaccard_kept });
                ring.push(other);
            }
        }
        let mut steps = 1;
        while !ring.is_empty() {
            steps += 1;
            ring.sort_unstable();
            let mut next = Vec::new();
            for &via in &ring {
                for &(_, to, jaccard) in graph.around(via) {
                    if fates[to as usize].is_none() {
                        let jaccard_kept = similar[to as usize];
                        fates[to as usize] =
                            Some(Fate { kept: rank, via, steps, jaccard, jaccard_kept });
                        next.push(to);
                    }
                }
            }
            ring = next;
        }
    }
    // A survivor's own pairs reach the threshold, so its ring leads to all that pairs connect.
    let fates: Option<Vec<Fate>> = fates.into_iter().collect();
    fates.ok_or_else(|| Error::InvalidParameter(format!("a pair below the threshold {threshold}")))
}

/// Verified pairs by either end.
struct Graph {
    starts: Vec<usize>,
    edges: Vec<(u32, u32, f64)>,
}

impl Graph {
    fn new(count: usize, edges: &[(u32, u32, f64)]) -> Result<Graph> {
        let mut both = Vec::with_capacity(2 * edges.len());
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
        Ok(Graph { starts, edges: both })
    }

    fn around(&self, rank: u32) -> &[(u32, u32, f64)] {
        &self.edges[self.starts[rank as usize]..self.starts[rank as usize + 1]]
    }

    /// All that pairs connect with `rank`, itself not; ascending. Marks them as reached.
    fn component(&self, rank: u32, reached: &mut [bool]) -> Vec<u32> {
        let mut members = vec![rank];
        reached[rank as usize] = true;
        let mut done = 0;
        while done < members.len() {
            for &(_, to, _) in self.around(members[done]) {
                if !std::mem::replace(&mut reached[to as usize], true) {
                    members.push(to);
                }
            }
            done += 1;
        }
        members.swap_remove(0);
        members.sort_unstable();
        members
    }
}

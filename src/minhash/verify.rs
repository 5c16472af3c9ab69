//! The exact check: no pair is a near-duplicate before its shingle sets have been compared.
//!
//! A group of `m` candidates may not cost `m^2` comparisons. Its members are taken in order, each
//! compared with the representatives before it that it is not yet joined to: the first
//! [`FIRST`] members, then up to [`ALONE`] members more that nothing before them matched. So a group
//! of at most [`FIRST`] members is compared in full, a larger one with at most
//! `m * (FIRST + ALONE)` comparisons; a member that matches no representative and finds no room
//! among them is counted.

use super::bands::Groups;
use super::sets::{Place, Sets, jaccard};
use crate::{Error, Result};

/// Members of a group that represent it whatever they match: our choice, groups of real text are
/// smaller.
pub const FIRST: usize = 32;
/// Members that represent it because nothing before them matched: our choice.
pub const ALONE: usize = 256;

const HELD_BYTES: u64 = 64 << 20; // of representatives' sets; those of more are read each time
const STEP: usize = 1 << 12; // comparisons between looks at `stop`

/// A verified pair: two document numbers, the first before the second in order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Edge {
    /// The document that comes first in order.
    pub left: u64,
    /// The other one.
    pub right: u64,
    /// Of their shingle sets.
    pub jaccard: f64,
}

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Pairs of sets compared.
    pub compared: u64,
    /// Pairs told apart by the sizes of their sets alone.
    pub by_size: u64,
    /// Members of large groups that matched no representative and had no room to be one.
    pub unrepresented: u64,
}

struct Representative {
    member: usize,
    place: Place,
    set: Option<Vec<u64>>,
}

/// The verified pairs of all groups, with a Jaccard similarity of at least `threshold`.
///
/// Which pairs come out depends on the groups and sets alone; joined members of a group are not
/// compared again, so the pairs connect what they should without being all of them.
///
/// # Errors
/// `Error::Interrupted` where `stop` said so; whatever reading a set raises.
pub fn verify(
    groups: &Groups,
    sets: &Sets,
    threshold: f64,
    stop: &dyn Fn() -> bool,
) -> Result<(Vec<Edge>, Work)> {
    let mut edges = Vec::new();
    let mut work = Work::default();
    let mut since = 0;
    for place in 0..groups.len() {
        let before = work.compared;
        group(groups.group(place), sets, threshold, stop, &mut edges, &mut work)?;
        since += (work.compared - before) as usize + 1;
        if since >= STEP {
            since = 0;
            if stop() {
                return Err(Error::Interrupted);
            }
        }
    }
    let key = |edge: &Edge| (edge.left, edge.right);
    edges.sort_unstable_by_key(key);
    edges.dedup_by_key(|edge| key(edge));
    Ok((edges, work))
}

fn group(
    members: &[[u64; 2]],
    sets: &Sets,
    threshold: f64,
    stop: &dyn Fn() -> bool,
    edges: &mut Vec<Edge>,
    work: &mut Work,
) -> Result<()> {
    let mut parents: Vec<usize> = (0..members.len()).collect();
    let mut representatives: Vec<Representative> = Vec::new();
    let (mut alone, mut held) = (0, 0);
    let mut asked = work.compared;
    for (member, &[_, number]) in members.iter().enumerate() {
        if work.compared - asked >= STEP as u64 || member % STEP == STEP - 1 {
            asked = work.compared;
            if stop() {
                return Err(Error::Interrupted);
            }
        }
        let place = sets.find(number)?;
        let mut set = None;
        let mut matched = false;
        for other in &representatives {
            if root(&mut parents, other.member) == root(&mut parents, member) {
                continue;
            }
            let (small, large) =
                (place.size.min(other.place.size), place.size.max(other.place.size));
            if (small as f64 / large as f64) < threshold {
                work.by_size += 1;
                continue;
            }
            if set.is_none() {
                set = Some(sets.read(place)?);
            }
            let found = match (&set, &other.set) {
                (Some(mine), Some(theirs)) => jaccard(mine, theirs),
                (Some(mine), None) => jaccard(mine, &sets.read(other.place)?),
                (None, _) => 0.0,
            };
            work.compared += 1;
            if found >= threshold {
                matched = true;
                let left = members[other.member][1];
                edges.push(Edge { left, right: number, jaccard: found });
                let (from, to) = (root(&mut parents, member), root(&mut parents, other.member));
                parents[from.max(to)] = from.min(to);
            }
        }
        let first = member < FIRST;
        if first || (!matched && alone < ALONE) {
            alone += !first as usize;
            // A set that was not needed yet is read when one is compared with it.
            if set.is_none() && member + 1 < members.len() {
                set = Some(sets.read(place)?);
            }
            held += place.size * 8;
            let set = set.filter(|_| held <= HELD_BYTES);
            representatives.push(Representative { member, place, set });
        } else if !matched {
            work.unrepresented += 1;
        }
    }
    Ok(())
}

fn root(parents: &mut [usize], mut member: usize) -> usize {
    while parents[member] != member {
        parents[member] = parents[parents[member]];
        member = parents[member];
    }
    member
}

//! Connected components over the verified pairs of all documents, without holding the pairs.
//!
//! Union-find over the documents that have a pair. In memory: 12 bytes for each of them, while
//! their numbers are collected up to 16 bytes more, and the pairs of one chunk.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use super::parts::{arrange, part_of, visit_part};
use crate::hash::finish;
use crate::{Error, Result};

/// A verified pair as a row: both numbers, then the bits of the similarity.
pub type Pair = [u64; 3];

const CHUNK_ROWS: usize = 1 << 16; // pairs held before they are written
const SLACK: usize = 1 << 20; // numbers collected between two sorts, at least

/// Writes the pairs in `files` (of one part each) to `out`, in `parts` parts: those of a component
/// stand in one part. Returns how many components and documents there are.
///
/// # Errors
/// `Error::Io` and `Error::Format` for files; `Error::Interrupted` where `stop` said so.
pub fn components(
    files: &[impl AsRef<Path>],
    parts: usize,
    out: &Path,
    stop: &dyn Fn() -> bool,
) -> Result<(u64, u64)> {
    let numbers = numbers_of(files, stop)?;
    if numbers.len() > u32::MAX as usize {
        let message = format!("{} documents in pairs, more than 2^32", numbers.len());
        return Err(Error::InvalidParameter(message));
    }
    // Every end of a pair was collected.
    let place = |number: u64| numbers.partition_point(|&other| other < number);
    let mut parents: Vec<u32> = (0..numbers.len() as u32).collect();
    visit_part(files, 0, 1, |pairs: &[Pair]| {
        for pair in pairs {
            let left = root(&mut parents, place(pair[0]));
            let right = root(&mut parents, place(pair[1]));
            // The lower number leads, so what a component is called does not hang on the order.
            parents[left.max(right)] = left.min(right) as u32;
        }
        if stop() { Err(Error::Interrupted) } else { Ok(()) }
    })?;
    let file = File::create(out).map_err(|error| Error::io(out, error))?;
    let mut writer = BufWriter::new(file);
    visit_part(files, 0, 1, |pairs: &[Pair]| {
        for chunk in pairs.chunks(CHUNK_ROWS) {
            let mut part = |pair: &Pair| {
                let name = numbers[root(&mut parents, place(pair[0]))];
                part_of(finish(name), parts) as u64
            };
            let tagged: Vec<[u64; 4]> =
                chunk.iter().map(|pair| [part(pair), pair[0], pair[1], pair[2]]).collect();
            let (bounds, arranged) = arrange(&tagged, parts, |row| row[0] as usize);
            let rows = arranged.iter().flat_map(|row| &row[1..]);
            for number in bounds.iter().chain(rows) {
                writer.write_all(&number.to_le_bytes()).map_err(|error| Error::io(out, error))?;
            }
        }
        if stop() { Err(Error::Interrupted) } else { Ok(()) }
    })?;
    writer.flush().map_err(|error| Error::io(out, error))?;
    let roots = (0..parents.len()).filter(|&at| parents[at] as usize == at).count();
    Ok((roots as u64, numbers.len() as u64))
}

/// The distinct numbers of the pairs' ends, ascending.
fn numbers_of(files: &[impl AsRef<Path>], stop: &dyn Fn() -> bool) -> Result<Vec<u64>> {
    let mut numbers: Vec<u64> = Vec::new();
    let mut room = SLACK;
    visit_part(files, 0, 1, |pairs: &[Pair]| {
        for chunk in pairs.chunks(SLACK / 4) {
            numbers.extend(chunk.iter().flat_map(|pair| [pair[0], pair[1]]));
            if numbers.len() >= room {
                numbers.sort_unstable();
                numbers.dedup();
                room = (2 * numbers.len()).max(SLACK);
            }
        }
        if stop() { Err(Error::Interrupted) } else { Ok(()) }
    })?;
    numbers.sort_unstable();
    numbers.dedup();
    numbers.shrink_to_fit();
    Ok(numbers)
}

fn root(parents: &mut [u32], mut place: usize) -> usize {
    while parents[place] as usize != place {
        parents[place] = parents[parents[place] as usize];
        place = parents[place] as usize;
    }
    place
}

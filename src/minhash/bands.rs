//! Band rows and the groups of candidates that share one.
//!
//! A band row is three numbers: the hash of a band's values, the document's place in an order that
//! depends on the document alone, and its number. Documents that share a band hash are a group.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::signature::{Permutations, ShingleHash, Shingler};
use crate::hash::{SEED, finish};
use crate::words::Mode;
use crate::{Error, Result};

/// Band hash, order, number.
pub type Row = [u64; 3];

/// What makes band rows of texts.
pub struct Bands<'a> {
    /// The permutations of the signatures.
    pub permutations: &'a Permutations,
    /// Number of bands; `bands * rows` hash values are used.
    pub bands: usize,
    /// Hash values in a band.
    pub rows: usize,
    /// Words in a shingle.
    pub n: usize,
}

/// The hash of a band's values; equal values in different bands differ.
fn band_hash(band: usize, values: &[u64]) -> u64 {
    let start = finish(SEED ^ band as u64);
    values.iter().fold(start, |state, &value| finish(state.wrapping_add(finish(value))))
}

impl Bands<'_> {
    /// The band rows of texts, sorted. A text without shingles has none.
    ///
    /// Text `i` is `data[offsets[i]..offsets[i + 1]]` with `orders[i]` and `numbers[i]`.
    ///
    /// # Errors
    /// `Error::InvalidParameter` if the columns differ in length or the bands need more hash
    /// values than there are.
    pub fn rows_of(
        &self,
        offsets: &[i64],
        data: &[u8],
        orders: &[u64],
        numbers: &[u64],
    ) -> Result<Vec<Row>> {
        let texts = offsets.len() - 1;
        if orders.len() != texts || numbers.len() != texts {
            let message =
                format!("{texts} texts, {} orders, {} numbers", orders.len(), numbers.len());
            return Err(Error::InvalidParameter(message));
        }
        if self.bands * self.rows > self.permutations.count() || self.bands * self.rows == 0 {
            let (bands, rows) = (self.bands, self.rows);
            let count = self.permutations.count();
            let message = format!("{bands} bands of {rows} do not fit {count} permutations");
            return Err(Error::InvalidParameter(message));
        }
        let mut shingler = Shingler::default();
        let mut signature = Vec::new();
        let mut found = Vec::new();
        for text in 0..texts {
            let bytes = &data[offsets[text] as usize..offsets[text + 1] as usize];
            shingler.fill(bytes, Mode::Unicode, self.n, ShingleHash::Ngram);
            if shingler.hashes.is_empty() {
                continue;
            }
            signature.clear();
            self.permutations.sign(&mut shingler.hashes, &mut signature);
            for (band, values) in signature.chunks_exact(self.rows).take(self.bands).enumerate() {
                found.push([band_hash(band, values), orders[text], numbers[text]]);
            }
        }
        found.sort_unstable();
        Ok(found)
    }
}

/// Groups of candidates: group `i` is `members[offsets[i]..offsets[i + 1]]`, pairs of order and
/// number in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Groups {
    /// Bounds of each group.
    pub offsets: Vec<u64>,
    /// Order and number of each member.
    pub members: Vec<[u64; 2]>,
}

impl Groups {
    /// The documents that share a band row, of all rows in `files`; each group has two or more.
    /// A group that several bands give is here once; groups stand in order.
    ///
    /// # Errors
    /// `Error::Io` and `Error::Format` for a file that cannot be read or is cut.
    pub fn of_rows(files: &[impl AsRef<Path>]) -> Result<Groups> {
        let mut rows: Vec<Row> = read_rows(files)?;
        rows.sort_unstable();
        let mut groups = Groups { offsets: vec![0], members: Vec::new() };
        for run in rows.chunk_by(|left, right| left[0] == right[0]) {
            if run.len() > 1 {
                groups.members.extend(run.iter().map(|row| [row[1], row[2]]));
                groups.offsets.push(groups.members.len() as u64);
            }
        }
        Ok(groups.distinct())
    }

    /// Joins the groups that `to_bytes` wrote, each distinct one once, in order.
    ///
    /// # Errors
    /// `Error::Io` and `Error::Format` for a file that cannot be read or is cut.
    pub fn read(files: &[impl AsRef<Path>]) -> Result<Groups> {
        let mut groups = Groups { offsets: vec![0], members: Vec::new() };
        for path in files {
            let words: Vec<[u64; 1]> = read_rows(std::slice::from_ref(path))?;
            let mut at = 0;
            while at < words.len() {
                let size = words[at][0];
                let end = (at as u64 + 1).saturating_add(size.saturating_mul(2));
                if size < 2 || end > words.len() as u64 {
                    let message = format!("a group of {size} members does not fit the file");
                    return Err(Error::format(path.as_ref(), Some(8 * at as u64), message));
                }
                let pairs = words[at + 1..end as usize].chunks_exact(2);
                groups.members.extend(pairs.map(|pair| [pair[0][0], pair[1][0]]));
                groups.offsets.push(groups.members.len() as u64);
                at = end as usize;
            }
        }
        Ok(groups.distinct())
    }

    /// How many groups.
    pub fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One group's members.
    pub fn group(&self, place: usize) -> &[[u64; 2]] {
        &self.members[self.offsets[place] as usize..self.offsets[place + 1] as usize]
    }

    fn distinct(self) -> Groups {
        let mut places: Vec<usize> = (0..self.len()).collect();
        places.sort_unstable_by(|&left, &right| self.group(left).cmp(self.group(right)));
        places.dedup_by(|left, right| self.group(*left) == self.group(*right));
        let mut kept = Groups { offsets: vec![0], members: Vec::new() };
        for place in places {
            kept.members.extend_from_slice(self.group(place));
            kept.offsets.push(kept.members.len() as u64);
        }
        kept
    }

    /// The groups as numbers (size, then order and number of each member), cut into `parts` by
    /// the order of the first member: each part's bounds, parts + 1 of them, and the numbers.
    pub fn to_words(&self, parts: usize) -> (Vec<u64>, Vec<u64>) {
        let mut bounds = vec![0];
        let mut words = Vec::new();
        for place in 0..self.len() {
            let group = self.group(place);
            let part = part_of(group[0][0], parts);
            bounds.resize(part + 1, words.len() as u64);
            words.push(group.len() as u64);
            words.extend(group.iter().flatten());
        }
        bounds.resize(parts + 1, words.len() as u64);
        (bounds, words)
    }

    /// The distinct numbers of all members, ascending.
    pub fn numbers(&self) -> Vec<u64> {
        let mut numbers: Vec<u64> = self.members.iter().map(|member| member[1]).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }
}

/// The part of a hash when all hashes are cut into `parts` ranges.
pub fn part_of(hash: u64, parts: usize) -> usize {
    ((hash as u128 * parts as u128) >> 64) as usize
}

/// The bounds of each part in sorted band rows: parts + 1 of them.
pub fn row_bounds(rows: &[Row], parts: usize) -> Vec<u64> {
    let bound = |part| rows.partition_point(|row| part_of(row[0], parts) < part) as u64;
    (0..=parts).map(bound).collect()
}

/// All rows of `N` little-endian numbers in the files.
fn read_rows<const N: usize>(files: &[impl AsRef<Path>]) -> Result<Vec<[u64; N]>> {
    let mut rows = Vec::new();
    for path in files {
        let path = path.as_ref();
        let mut file = File::open(path).map_err(|error| Error::io(path, error))?;
        let length = file.metadata().map_err(|error| Error::io(path, error))?.len();
        if length % (8 * N as u64) != 0 {
            let message = format!("{length} bytes, not a multiple of {}", 8 * N);
            return Err(Error::format(path, None, message));
        }
        rows.reserve((length / (8 * N as u64)) as usize);
        let mut bytes = vec![0; (8 * N) << 12];
        let mut left = length as usize;
        while left > 0 {
            let part = &mut bytes[..left.min((8 * N) << 12)];
            file.read_exact(part).map_err(|error| Error::io(path, error))?;
            left -= part.len();
            rows.extend(part.chunks_exact(8 * N).map(|row| {
                let mut words = [0; N];
                for (word, bytes) in words.iter_mut().zip(row.chunks_exact(8)) {
                    let mut buffer = [0; 8];
                    buffer.copy_from_slice(bytes);
                    *word = u64::from_le_bytes(buffer);
                }
                words
            }));
        }
    }
    Ok(rows)
}

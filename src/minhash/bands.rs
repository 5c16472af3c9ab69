//! Band rows and the groups of candidates that share one.
//!
//! A band row is three numbers: the hash of a band's values, the document's place in an order that
//! depends on the document alone, and its number. Documents that share a band hash are a group.

use std::path::Path;

use super::parts::{part_of, read_part};
use super::signature::Permutations;
use crate::hash::{SEED, finish};
use crate::overlap::ngrams::ngram_keys;
use crate::words::{self, Mode};
use crate::{Error, Result};
use sha2::{Digest, Sha256};

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
    /// The band rows of texts, in their order, and the digest of each text's words. A text without
    /// shingles has no rows.
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
    ) -> Result<(Vec<Row>, Vec<WordDigest>)> {
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
        let (mut hashes, mut shingles, mut signature) = (Vec::new(), Vec::new(), Vec::new());
        let mut found = Vec::with_capacity(texts * self.bands);
        let mut digests = Vec::with_capacity(texts);
        for text in 0..texts {
            let bytes = &data[offsets[text] as usize..offsets[text + 1] as usize];
            words::hash_words(bytes, Mode::Unicode, &mut hashes);
            digests.push(digest_of(&hashes));
            ngram_keys(&mut hashes, self.n, &mut shingles);
            if shingles.is_empty() {
                continue;
            }
            signature.clear();
            self.permutations.sign(&mut shingles, &mut signature);
            for (band, values) in signature.chunks_exact(self.rows).take(self.bands).enumerate() {
                found.push([band_hash(band, values), orders[text], numbers[text]]);
            }
        }
        Ok((found, digests))
    }
}

/// The first 128 bits of SHA-256 of a text's word hashes.
///
/// Texts with the same words have the same digest. Others have the same only where SHA-256 collides
/// or two words share their 64-bit hash, and then their shingles are the same as well.
pub type WordDigest = [u8; 16];

/// The digest of each text's words: rows as in [`Bands::rows_of`].
pub fn word_digests(offsets: &[i64], data: &[u8]) -> Vec<WordDigest> {
    let mut hashes = Vec::new();
    let text = |bounds: &[i64]| &data[bounds[0] as usize..bounds[1] as usize];
    offsets
        .windows(2)
        .map(|bounds| {
            words::hash_words(text(bounds), Mode::Unicode, &mut hashes);
            digest_of(&hashes)
        })
        .collect()
}

fn digest_of(hashes: &[u64]) -> WordDigest {
    let mut state = Sha256::new();
    let mut block = [0; 512];
    for part in hashes.chunks(64) {
        for (bytes, hash) in block.as_chunks_mut::<8>().0.iter_mut().zip(part) {
            *bytes = hash.to_le_bytes();
        }
        state.update(&block[..8 * part.len()]);
    }
    let digest = state.finalize();
    let mut kept = [0; 16];
    kept.copy_from_slice(&digest[..16]);
    kept
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
    /// The documents that share a band row, of the rows of one part, less those whose numbers
    /// stand in `copies` (ascending); each group has two or more. A group that several bands give
    /// is here once; groups stand in order.
    ///
    /// # Errors
    /// `Error::Io` and `Error::Format` for a file that cannot be read or is cut.
    pub fn of_rows(
        files: &[impl AsRef<Path>],
        part: usize,
        parts: usize,
        copies: &[u64],
    ) -> Result<Groups> {
        let mut rows: Vec<Row> = read_part(files, part, parts)?;
        rows.sort_unstable_by_key(|row| row[0]);
        let mut groups = Groups { offsets: vec![0], members: Vec::new() };
        let mut run_members = Vec::new();
        for run in rows.chunk_by(|left, right| left[0] == right[0]) {
            if run.len() == 1 {
                continue;
            }
            run_members.clear();
            let stays = |row: &&Row| copies.binary_search(&row[2]).is_err();
            run_members.extend(run.iter().filter(stays).map(|row| [row[1], row[2]]));
            if run_members.len() > 1 {
                run_members.sort_unstable();
                groups.members.extend_from_slice(&run_members);
                groups.offsets.push(groups.members.len() as u64);
            }
        }
        drop(rows);
        Ok(groups.distinct())
    }

    /// Joins the groups that `to_words` made, of one part, each distinct one once, in order.
    ///
    /// # Errors
    /// `Error::Io` and `Error::Format` for a file that cannot be read or is cut.
    pub fn read(files: &[impl AsRef<Path>], part: usize, parts: usize) -> Result<Groups> {
        let mut groups = Groups { offsets: vec![0], members: Vec::new() };
        for path in files {
            let words: Vec<[u64; 1]> = read_part(std::slice::from_ref(path), part, parts)?;
            let mut at = 0;
            while at < words.len() {
                let size = words[at][0];
                let end = (at as u64 + 1).saturating_add(size.saturating_mul(2));
                if size < 2 || end > words.len() as u64 {
                    let message = format!("a group of {size} members does not fit its part");
                    return Err(Error::format(path.as_ref(), None, message));
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

//! Shingle sets of candidates on disk, read one at a time.
//!
//! A file: the number of sets, their document numbers ascending, where each set ends (in keys),
//! then the keys, ascending in each set; all 64-bit little-endian. In memory: 16 bytes a set.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::parts::read_numbers;
use super::signature::{ShingleHash, Shingler};
use crate::words::Mode;
use crate::{Error, Result};

/// The distinct shingle keys of rows: where each row's end, and the keys, ascending in each row.
///
/// Row `i` is `data[offsets[i]..offsets[i + 1]]`.
pub fn set_rows(offsets: &[i64], data: &[u8], n: usize) -> (Vec<u64>, Vec<u64>) {
    let mut shingler = Shingler::default();
    let (mut ends, mut keys) = (Vec::with_capacity(offsets.len()), Vec::new());
    for bounds in offsets.windows(2) {
        let text = &data[bounds[0] as usize..bounds[1] as usize];
        shingler.fill(text, Mode::Unicode, n, ShingleHash::Ngram);
        shingler.hashes.sort_unstable();
        shingler.hashes.dedup();
        keys.extend_from_slice(&shingler.hashes);
        ends.push(keys.len() as u64);
    }
    (ends, keys)
}

struct SetFile {
    path: PathBuf,
    file: File,
    numbers: Vec<u64>,
    ends: Vec<u64>,
}

/// The sets of several files.
pub struct Sets {
    files: Vec<SetFile>,
}

/// Where a set lies.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    file: usize,
    first: u64,
    /// Keys in the set.
    pub size: u64,
}

impl Sets {
    /// Opens files of sets.
    ///
    /// # Errors
    /// `Error::Io` and `Error::Format` for a file that cannot be read, is cut or too long.
    pub fn open(paths: &[impl AsRef<Path>]) -> Result<Sets> {
        let mut files = Vec::new();
        for path in paths {
            let path = path.as_ref();
            let file = File::open(path).map_err(|error| Error::io(path, error))?;
            let length = file.metadata().map_err(|error| Error::io(path, error))?.len();
            if length < 8 {
                return Err(Error::format(path, None, format!("{length} bytes: cut")));
            }
            let count = read(&file, path, 0, 1)?[0];
            if count > (length - 8) / 16 {
                return Err(Error::format(path, None, format!("{count} sets do not fit the file")));
            }
            let numbers = read(&file, path, 1, count)?;
            let ends = read(&file, path, 1 + count, count)?;
            let keys = ends.last().copied().unwrap_or(0);
            if !ends.is_sorted()
                || !numbers.is_sorted_by(|left, right| left < right)
                || keys > length / 8
            {
                return Err(Error::format(path, None, "sets are not in order"));
            }
            if 8 * (1 + 2 * count + keys) != length {
                let message = format!("{length} bytes, {} expected", 8 * (1 + 2 * count + keys));
                return Err(Error::format(path, None, message));
            }
            if count > 0 {
                files.push(SetFile { path: path.into(), file, numbers, ends });
            }
        }
        files.sort_unstable_by_key(|file| file.numbers[0]);
        if files.windows(2).any(|pair| pair[0].numbers.last() >= pair[1].numbers.first()) {
            return Err(Error::InvalidParameter("files of sets overlap in their numbers".into()));
        }
        Ok(Sets { files })
    }

    /// Where the set of a document lies.
    ///
    /// # Errors
    /// `Error::InvalidParameter` if no file has it.
    pub fn find(&self, number: u64) -> Result<Place> {
        let after = self.files.partition_point(|file| file.numbers[0] <= number);
        if let Some(place) = after.checked_sub(1) {
            let file = &self.files[place];
            if let Ok(at) = file.numbers.binary_search(&number) {
                let first = if at == 0 { 0 } else { file.ends[at - 1] };
                return Ok(Place { file: place, first, size: file.ends[at] - first });
            }
        }
        Err(Error::InvalidParameter(format!("no shingle set of document {number}")))
    }

    /// Reads a set.
    ///
    /// # Errors
    /// `Error::Io` if the file cannot be read.
    pub fn read(&self, place: Place) -> Result<Vec<u64>> {
        let file = &self.files[place.file];
        let skipped = 1 + 2 * file.numbers.len() as u64;
        read(&file.file, &file.path, skipped + place.first, place.size)
    }
}

fn read(file: &File, path: &Path, first: u64, count: u64) -> Result<Vec<u64>> {
    read_numbers(file, path, 8 * first, count as usize)
}

/// How many keys two ascending sets share.
pub fn shared(left: &[u64], right: &[u64]) -> u64 {
    let (mut i, mut j, mut count) = (0, 0, 0);
    while i < left.len() && j < right.len() {
        let (x, y) = (left[i], right[j]);
        count += (x == y) as u64;
        i += (x <= y) as usize;
        j += (y <= x) as usize;
    }
    count
}

/// Jaccard similarity of two ascending sets, not both empty.
pub fn jaccard(left: &[u64], right: &[u64]) -> f64 {
    let both = shared(left, right);
    both as f64 / (left.len() as u64 + right.len() as u64 - both) as f64
}

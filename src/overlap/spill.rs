//! Keys on disk, by partition: those that a builder has no room for, and those that it leaves to
//! another one.
//!
//! A saved file: keys in runs of one partition; the sketch of distinct keys; partition, offset in
//! bytes and number of keys of each run; then the eight numbers of the tail. All numbers are u64,
//! little-endian. It lives between two steps of one version of webtext, which the tail names.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::collected::PARTITIONS;
use super::sketch::{REGISTERS, Sketch};
use crate::hash::HASH_VERSION;
use crate::words::{Mode, NORMALISER_VERSION};
use crate::{Error, Result};

/// Keys of a partition that are written or read back at a time.
pub(super) const READ_KEYS: usize = 1 << 15;

const MAGIC: u64 = u64::from_le_bytes(*b"wtkeys\0\x01");
const TAIL: usize = 8; // magic, versions, n, mode, documents, words, n-grams, runs
const VERSIONS: u64 = (NORMALISER_VERSION as u64) << 32 | HASH_VERSION as u64;

/// What a builder knows beside the keys.
pub(super) struct Taken {
    pub n: usize,
    pub mode: Mode,
    pub sketch: Sketch,
    pub documents: u64,
    pub words: u64,
    pub ngrams: u64,
}

/// Keys on disk, in extents that belong to one partition each.
pub(super) struct Spill {
    file: File,
    path: PathBuf,
    pub length: u64,
    extents: Vec<Vec<(u64, usize)>>, // by partition: offset in bytes, keys
}

impl Spill {
    /// A file without a name.
    pub fn create(folder: &Path) -> Result<Spill> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!(".tmp-{}-{number}-ngrams.spill", std::process::id()));
        std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))?;
        let spill = Spill::at(&path)?;
        // Gone with its handle, however this process ends.
        std::fs::remove_file(&path).map_err(|error| Error::io(&path, error))?;
        Ok(spill)
    }

    /// A file of this name, to be kept.
    pub fn at(path: &Path) -> Result<Spill> {
        let options = File::options().read(true).write(true).create(true).truncate(true).clone();
        let file = options.open(path).map_err(|error| Error::io(path, error))?;
        Ok(Spill { file, path: path.to_owned(), length: 0, extents: vec![Vec::new(); PARTITIONS] })
    }

    /// Ends a file that is kept.
    pub fn finish(self, taken: &Taken) -> Result<()> {
        let runs = self.extents.iter().enumerate().flat_map(|(partition, runs)| {
            runs.iter().map(move |&(start, count)| [partition as u64, start, count as u64])
        });
        let mut numbers: Vec<u64> = runs.flatten().collect();
        let runs = numbers.len() as u64 / 3;
        let kind = [taken.n as u64, (taken.mode == Mode::Ascii) as u64];
        numbers.extend([MAGIC, VERSIONS, kind[0], kind[1]]);
        numbers.extend([taken.documents, taken.words, taken.ngrams, runs]);
        let mut bytes = taken.sketch.as_bytes().to_vec();
        bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        self.file.write_all_at(&bytes, self.length).map_err(|error| Error::io(&self.path, error))
    }

    /// A file that was finished.
    pub fn open(path: &Path) -> Result<(Spill, Taken)> {
        let io = |error| Error::io(path, error);
        let cut = || Error::format(path, None, "no whole file of keys of this version");
        let file = File::open(path).map_err(io)?;
        let mut end = file.metadata().map_err(io)?.len();
        let mut before = |count: u64| -> Result<Vec<u8>> {
            end = end.checked_sub(count).ok_or_else(cut)?;
            let mut bytes = vec![0; count as usize];
            file.read_exact_at(&mut bytes, end).map_err(io)?;
            Ok(bytes)
        };
        let tail = numbers(&before(8 * TAIL as u64)?);
        let [magic, versions, n, ascii, documents, words, ngrams, runs] = tail[..] else {
            return Err(cut());
        };
        if (magic, versions) != (MAGIC, VERSIONS) || runs > ngrams {
            return Err(cut());
        }
        let runs = numbers(&before(runs.checked_mul(24).ok_or_else(cut)?)?);
        let sketch = Sketch::from_bytes(&before(REGISTERS as u64)?)?;
        let mut extents = vec![Vec::new(); PARTITIONS];
        let (mut next, mut keys) = (0, 0);
        for run in runs.chunks_exact(3) {
            let last = run[2].checked_mul(8).and_then(|length| length.checked_add(run[1]));
            if run[0] >= PARTITIONS as u64 || last.is_none_or(|last| last > end) {
                return Err(cut());
            }
            extents[run[0] as usize].push((run[1], run[2] as usize));
            keys += run[2];
            next = next.max(last.unwrap_or(0));
        }
        if keys != ngrams || next != end {
            return Err(cut());
        }
        let mode = if ascii == 0 { Mode::Unicode } else { Mode::Ascii };
        let taken = Taken { n: n as usize, mode, sketch, documents, words, ngrams };
        Ok((Spill { file, path: path.to_owned(), length: end, extents }, taken))
    }

    /// Adds keys of a partition.
    pub fn append(&mut self, partition: usize, keys: &[u64]) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        // SAFETY: plain numbers without padding.
        let bytes =
            unsafe { std::slice::from_raw_parts(keys.as_ptr().cast::<u8>(), size_of_val(keys)) };
        self.file.write_all_at(bytes, self.length).map_err(|error| Error::io(&self.path, error))?;
        match self.extents[partition].last_mut() {
            Some((start, count)) if *start + *count as u64 * 8 == self.length => {
                *count += keys.len();
            }
            _ => self.extents[partition].push((self.length, keys.len())),
        }
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Calls `take` with the partition's keys, a bounded number at a time.
    pub fn read(&self, partition: usize, mut take: impl FnMut(&[u64]) -> Result<()>) -> Result<()> {
        if self.extents[partition].is_empty() {
            return Ok(());
        }
        let mut keys = vec![0u64; READ_KEYS];
        for &(offset, count) in &self.extents[partition] {
            let (mut left, mut at) = (count, offset);
            while left > 0 {
                let part = &mut keys[..left.min(READ_KEYS)];
                // SAFETY: plain numbers; any bytes are valid ones.
                let bytes = unsafe {
                    std::slice::from_raw_parts_mut(
                        part.as_mut_ptr().cast::<u8>(),
                        size_of_val(part),
                    )
                };
                self.file.read_exact_at(bytes, at).map_err(|error| Error::io(&self.path, error))?;
                at += size_of_val(part) as u64;
                left -= part.len();
                take(part)?;
            }
        }
        Ok(())
    }
}

fn numbers(bytes: &[u8]) -> Vec<u64> {
    let parts = bytes.chunks_exact(8);
    parts.map(|part| part.iter().rev().fold(0, |all, &byte| all << 8 | byte as u64)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spilled_keys_come_back_to_their_partition() {
        let mut spill = Spill::create(&std::env::temp_dir()).unwrap();
        let mut expected = vec![Vec::new(); PARTITIONS];
        for round in 0..4u64 {
            for partition in [3, 5, 3, 7] {
                let keys: Vec<u64> = (0..round * 40_000 + 1)
                    .map(|n| (partition as u64) << 56 | round << 32 | n)
                    .collect();
                spill.append(partition, &keys).unwrap();
                spill.append(partition, &[]).unwrap();
                expected[partition].extend(keys);
            }
        }
        for (partition, expected) in expected.iter().enumerate() {
            let mut found = Vec::new();
            let all = spill.read(partition, |keys| {
                assert!(keys.len() <= READ_KEYS);
                found.extend_from_slice(keys);
                Ok(())
            });
            assert!(all.is_ok());
            assert_eq!(&found, expected);
        }
        assert_eq!(spill.extents[7].len(), 4);
    }
}

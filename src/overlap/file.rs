//! The index on disk: a self-describing Bloom filter of n-grams, memory-mapped for queries.
//!
//! Little-endian; a header of 4096 bytes, the blocks, the sketch of distinct keys (65536 bytes), the
//! metadata (JSON that the caller chose: which files, with digests). Offsets in the header:
//!
//! | bytes | what |
//! | --- | --- |
//! | 0..8 | magic `WTBLOOM\0` |
//! | 8..40 | u32 each: format, n, normaliser, mode (0 Unicode, 1 ASCII), hash version, bits of a block, k, bytes of metadata |
//! | 40..64 | u64 each: seed, blocks, capacity |
//! | 64..80 | f64 each: bound of the rate, expected rate from the fills |
//! | 80..120 | u64 each: documents, words, n-grams (occurrences), distinct (estimate), bits set |
//! | 120..152 | SHA-256 over the SHA-256 of each 1 MiB of blocks and of the sketch |
//! | 152..184 | SHA-256 of the metadata |
//! | 2016..2048 | SHA-256 of bytes 0..2016 |
//! | 2048..2120 | the last check, written after the fact: u64 probes, hits, seed, report probes, report hits; SHA-256 of these 40 bytes |
//!
//! The bytes depend on the texts and the parameters alone: not on threads, memory or order.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use memmap2::Mmap;
use sha2::{Digest, Sha256};

use super::ngrams::MAX_N;
use super::sketch::{REGISTERS, Sketch};
use super::writer::{Writer, payload_digest, summarise};
use crate::bloom::{self, BLOCK_BITS, Block, K, LANES};
use crate::hash::{HASH_VERSION, SEED};
use crate::words::{Mode, NORMALISER_VERSION};
use crate::{Error, Result};

/// Version of the layout.
pub const FORMAT: u32 = 1;
const MAGIC: &[u8; 8] = b"WTBLOOM\0";
pub(super) const HEADER: usize = 4096;
/// Pieces that `verify` reads between looks at `stop`: 256 MiB.
const VERIFY_PIECES: usize = 256;
const CHECKED: usize = 2016; // bytes that the header's own digest covers
const CHECK: usize = 2048;
/// Blocks in a piece of 1 MiB: what is digested, and what ranges of blocks are multiples of.
pub(super) const PIECE: u64 = (1 << 20) / (BLOCK_BITS / 8);

/// What an index says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// Words in an n-gram.
    pub n: usize,
    /// Which characters make words.
    pub mode: Mode,
    /// Blocks of 1024 bits.
    pub blocks: u64,
    /// Distinct n-grams that it was sized for.
    pub capacity: u64,
    /// The bound of the false positive rate that it was made for.
    pub rate: f64,
    /// The rate computed from the finished filter's fills, and from equal 64-bit keys.
    pub expected_rate: f64,
    /// Texts taken in.
    pub documents: u64,
    /// Words of all texts.
    pub words: u64,
    /// N-grams of all texts, each as often as it occurs.
    pub ngrams: u64,
    /// Distinct n-grams, estimated: standard error 0.41 %.
    pub distinct: u64,
    /// Bits that are set.
    pub bits_set: u64,
    /// Digest of the blocks and the sketch.
    pub digest: [u8; 32],
    /// JSON of the caller's.
    pub metadata: String,
}

/// The result of `check`, kept in the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CheckRecord {
    /// Fresh random keys that were probed, and how many were found.
    pub probes: u64,
    /// False positives among them.
    pub hits: u64,
    /// Where the keys started.
    pub seed: u64,
    /// Random strings probed (the GPT-2 report's own check).
    pub report_probes: u64,
    /// False positives among those.
    pub report_hits: u64,
}

impl Header {
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>> {
        let metadata = u32::try_from(self.metadata.len())
            .map_err(|_| Error::InvalidParameter("metadata of 4 GiB or more".into()))?;
        let mut bytes = Vec::with_capacity(HEADER);
        bytes.extend(MAGIC);
        let mode = u32::from(self.mode == Mode::Ascii);
        let (block, n) = (BLOCK_BITS as u32, self.n as u32);
        for value in [FORMAT, n, NORMALISER_VERSION, mode, HASH_VERSION, block, K, metadata] {
            bytes.extend(value.to_le_bytes());
        }
        for value in [SEED, self.blocks, self.capacity] {
            bytes.extend(value.to_le_bytes());
        }
        bytes.extend(self.rate.to_le_bytes());
        bytes.extend(self.expected_rate.to_le_bytes());
        for value in [self.documents, self.words, self.ngrams, self.distinct, self.bits_set] {
            bytes.extend(value.to_le_bytes());
        }
        bytes.extend(self.digest);
        bytes.extend(Sha256::digest(self.metadata.as_bytes()));
        bytes.resize(CHECKED, 0);
        let digest = Sha256::digest(&bytes);
        bytes.extend(digest);
        bytes.resize(HEADER, 0);
        Ok(bytes)
    }

    /// Bytes of the whole file.
    pub fn file_bytes(&self) -> u64 {
        (HEADER + REGISTERS + self.metadata.len()) as u64 + self.blocks * (BLOCK_BITS / 8)
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut value = [0; 4];
    value.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(value)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut value = [0; 8];
    value.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(value)
}

/// An open index.
pub struct Index {
    path: PathBuf,
    map: Mmap,
    header: Header,
}

impl Index {
    /// Opens and maps an index; checks all but the blocks' digest, which [`Index::verify`] does.
    ///
    /// # Errors
    /// `Error::Io`; `Error::Format` for another kind of file, one that is cut or corrupt, and one
    /// made by another version of the normaliser or the hashes.
    pub fn open(path: &Path) -> Result<Index> {
        let file = File::open(path).map_err(|error| Error::io(path, error))?;
        let length = file.metadata().map_err(|error| Error::io(path, error))?.len();
        let wrong = |message: String| Error::format(path, None, message);
        if length < HEADER as u64 {
            return Err(wrong(format!("{length} bytes, too short for an n-gram index")));
        }
        // SAFETY: files appear by rename and are not written to but for the check's record, which
        // is copied before use; a file cut by someone else while it is mapped would raise SIGBUS.
        let map = unsafe { Mmap::map(&file) }.map_err(|error| Error::io(path, error))?;
        if &map[..8] != MAGIC {
            return Err(wrong("not an n-gram index: another magic number".into()));
        }
        let format = u32_at(&map, 8);
        if format != FORMAT {
            return Err(wrong(format!("format {format}; this webtext reads {FORMAT}")));
        }
        if Sha256::digest(&map[..CHECKED])[..] != map[CHECKED..CHECKED + 32] {
            return Err(wrong("the header is corrupt".into()));
        }
        for (name, found, expected) in [
            ("normaliser", u32_at(&map, 16), NORMALISER_VERSION),
            ("hash", u32_at(&map, 24), HASH_VERSION),
        ] {
            if found != expected {
                return Err(wrong(format!(
                    "made with {name} version {found}; this webtext has {expected}: index again"
                )));
            }
        }
        let same = u32_at(&map, 28) as u64 == BLOCK_BITS && u32_at(&map, 32) == K;
        if !same || u64_at(&map, 40) != SEED || u32_at(&map, 20) > 1 {
            return Err(wrong("a layout that this webtext does not know".into()));
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(&map[120..152]);
        let blocks = u64_at(&map, 48);
        let metadata = u32_at(&map, 36) as u64;
        let expected = blocks
            .checked_mul(BLOCK_BITS / 8)
            .and_then(|bytes| bytes.checked_add(HEADER as u64 + REGISTERS as u64 + metadata));
        if Some(length) != expected || blocks == 0 {
            let expected = expected.unwrap_or(u64::MAX);
            return Err(wrong(format!("{length} bytes, {expected} expected: cut or corrupt")));
        }
        let text = &map[(length - metadata) as usize..];
        if Sha256::digest(text)[..] != map[152..184] {
            return Err(wrong("the metadata is corrupt".into()));
        }
        let n = u32_at(&map, 12) as usize;
        if !(1..=MAX_N).contains(&n) {
            return Err(wrong(format!("n is {n}; 1 to {MAX_N} was expected")));
        }
        let header = Header {
            n,
            mode: if u32_at(&map, 20) == 1 { Mode::Ascii } else { Mode::Unicode },
            blocks,
            capacity: u64_at(&map, 56),
            rate: f64::from_bits(u64_at(&map, 64)),
            expected_rate: f64::from_bits(u64_at(&map, 72)),
            documents: u64_at(&map, 80),
            words: u64_at(&map, 88),
            ngrams: u64_at(&map, 96),
            distinct: u64_at(&map, 104),
            bits_set: u64_at(&map, 112),
            digest,
            metadata: String::from_utf8_lossy(text).into_owned(),
        };
        Ok(Index { path: path.to_owned(), map, header })
    }

    /// What the file says of itself.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The filter.
    pub fn blocks(&self) -> &[Block] {
        let bytes = &self.map[HEADER..HEADER + self.header.blocks as usize * LANES * 8];
        // SAFETY: maps begin at a page, so blocks are aligned; every bit pattern is a block.
        unsafe {
            std::slice::from_raw_parts(bytes.as_ptr().cast::<Block>(), self.header.blocks as usize)
        }
    }

    fn sketch(&self) -> Result<Sketch> {
        let start = HEADER + self.header.blocks as usize * LANES * 8;
        Sketch::from_bytes(&self.map[start..start + REGISTERS])
            .map_err(|error| Error::format(&self.path, Some(start as u64), error.to_string()))
    }

    /// Reads the whole file and compares its digest.
    ///
    /// # Errors
    /// `Error::Format` where the blocks are not those that were written; `Error::Interrupted`
    /// where `stop` said so.
    pub fn verify(&self, threads: usize, stop: &dyn Fn() -> bool) -> Result<()> {
        let mut digests = Vec::new();
        for part in self.blocks().chunks(VERIFY_PIECES * PIECE as usize) {
            if stop() {
                return Err(Error::Interrupted);
            }
            digests.extend(summarise(part, threads));
        }
        if payload_digest(&digests, &self.sketch()?) != self.header.digest {
            return Err(Error::format(&self.path, None, "the filter is corrupt: another digest"));
        }
        Ok(())
    }

    /// Positions of the keys that the filter holds, or seems to.
    pub fn query(&self, keys: &[u64]) -> Vec<u64> {
        let mut found = Vec::new();
        bloom::query(self.blocks(), keys, |place| found.push(place as u64));
        found
    }

    /// The last check's result, None where there was none.
    pub fn check_record(&self) -> Option<CheckRecord> {
        let bytes: Vec<u8> = self.map[CHECK..CHECK + 72].to_vec();
        let valid = Sha256::digest(&bytes[..40])[..] == bytes[40..72];
        valid.then(|| CheckRecord {
            probes: u64_at(&bytes, 0),
            hits: u64_at(&bytes, 8),
            seed: u64_at(&bytes, 16),
            report_probes: u64_at(&bytes, 24),
            report_hits: u64_at(&bytes, 32),
        })
    }

    /// Writes a check's result into its place in the file; torn writes count as no check.
    ///
    /// # Errors
    /// `Error::Io` where the file may not be written.
    pub fn store_check(&self, record: &CheckRecord) -> Result<()> {
        let mut bytes = Vec::with_capacity(72);
        for value in
            [record.probes, record.hits, record.seed, record.report_probes, record.report_hits]
        {
            bytes.extend(value.to_le_bytes());
        }
        let digest = Sha256::digest(&bytes);
        bytes.extend(digest);
        let write = || {
            use std::io::{Seek, SeekFrom};
            let mut file = OpenOptions::new().write(true).open(&self.path)?;
            file.seek(SeekFrom::Start(CHECK as u64))?;
            file.write_all(&bytes)?;
            file.sync_data()
        };
        write().map_err(|error| Error::io(&self.path, error))
    }
}

/// Writes the union of indexes with equal parameters.
///
/// # Errors
/// `Error::InvalidParameter` where parameters differ, or where the union is too full for its rate;
/// and those of reading and writing.
pub fn merge(
    parts: &[PathBuf],
    out: &Path,
    metadata: String,
    threads: usize,
    stop: &dyn Fn() -> bool,
) -> Result<Header> {
    let indexes = parts.iter().map(|path| Index::open(path)).collect::<Result<Vec<_>>>()?;
    let Some(first) = indexes.first() else {
        return Err(Error::InvalidParameter("no index to merge".into()));
    };
    let mut header = first.header.clone();
    let mut sketch = first.sketch()?;
    for index in &indexes[1..] {
        let other = &index.header;
        for (name, left, right) in [
            ("n", header.n as u64, other.n as u64),
            ("mode", header.mode as u64, other.mode as u64),
            ("blocks", header.blocks, other.blocks),
            ("capacity", header.capacity, other.capacity),
            ("rate", header.rate.to_bits(), other.rate.to_bits()),
        ] {
            if left != right {
                return Err(Error::InvalidParameter(format!(
                    "`{}` and `{}` differ in {name}: indexes merge when all parameters are equal \
                     (build each part with the same capacity)",
                    first.path.display(),
                    index.path.display()
                )));
            }
        }
        header.documents = header.documents.saturating_add(other.documents);
        header.words = header.words.saturating_add(other.words);
        header.ngrams = header.ngrams.saturating_add(other.ngrams);
        sketch.merge(&index.sketch()?);
    }
    header.metadata = metadata;
    for index in &indexes {
        index.verify(threads, stop)?;
    }
    let mut writer = Writer::create(out, threads)?;
    let step = 16 * PIECE as usize;
    for start in (0..header.blocks as usize).step_by(step) {
        if stop() {
            return Err(Error::Interrupted);
        }
        let end = (start + step).min(header.blocks as usize);
        let mut blocks = writer.buffer(end - start)?;
        for index in &indexes {
            for (mine, theirs) in blocks.blocks_mut().iter_mut().zip(&index.blocks()[start..end]) {
                for (word, other) in mine.iter_mut().zip(theirs) {
                    *word |= other;
                }
            }
        }
        writer.append(blocks)?;
    }
    writer.finish(header, &sketch)
}

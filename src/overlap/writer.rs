//! Writes an index block range by block range: digests, fills and the file itself.
//!
//! A thread of its own writes one range while the next is made. The ranges come in buffers that are
//! used again, so that a large filter costs the memory of two of them, and stay in cache until they
//! are written.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use memmap2::MmapMut;
use sha2::{Digest, Sha256};

use super::file::{HEADER, Header, PIECE};
use super::sketch::Sketch;
use crate::bloom::{self, Block};
use crate::{Error, Result};

/// Buffers that a writer has: one that is filled and one that is written.
pub(super) const BUFFERS: u64 = 2;

/// Bits set, sum of the blocks' rates and digest of a piece of the filter.
pub(super) struct Summary {
    bits_set: u64,
    rates: f64,
    digest: [u8; 32],
}

fn summarise_piece(blocks: &[Block]) -> Summary {
    let mut bits_set = 0;
    let mut rates = 0.0;
    for block in blocks {
        bits_set += block.iter().map(|word| word.count_ones() as u64).sum::<u64>();
        rates += bloom::block_rate(block);
    }
    Summary { bits_set, rates, digest: Sha256::digest(as_bytes(blocks)).into() }
}

/// One summary for each 1 MiB, in order.
pub(super) fn summarise(blocks: &[Block], threads: usize) -> Vec<Summary> {
    let pieces: Vec<&[Block]> = blocks.chunks(PIECE as usize).collect();
    let share = pieces.len().div_ceil(threads.max(1)).max(1);
    std::thread::scope(|scope| {
        let workers: Vec<_> = pieces
            .chunks(share)
            .map(|part| scope.spawn(|| part.iter().map(|p| summarise_piece(p)).collect::<Vec<_>>()))
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| match worker.join() {
                Ok(summaries) => summaries,
                Err(panic) => std::panic::resume_unwind(panic),
            })
            .collect()
    })
}

/// The digest of the blocks, from their pieces', and of the sketch.
pub(super) fn payload_digest(pieces: &[Summary], sketch: &Sketch) -> [u8; 32] {
    let mut digest = Sha256::new();
    for piece in pieces {
        digest.update(piece.digest);
    }
    digest.update(Sha256::digest(sketch.as_bytes()));
    digest.finalize().into()
}

fn as_bytes(blocks: &[Block]) -> &[u8] {
    // SAFETY: plain numbers without padding. Little-endian machines only, see below.
    unsafe { std::slice::from_raw_parts(blocks.as_ptr().cast(), size_of_val(blocks)) }
}

#[cfg(target_endian = "big")]
compile_error!("the index is memory-mapped and its words are little-endian");

/// Blocks in memory of their own, in huge pages where the system has them.
pub(super) struct Buffer {
    map: MmapMut,
    count: usize,
}

impl Buffer {
    fn new(count: usize) -> Result<Buffer> {
        let map = MmapMut::map_anon(count * size_of::<Block>())
            .map_err(|error| Error::io("memory of the filter", error))?;
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage); // slower without, not wrong
        Ok(Buffer { map, count })
    }

    pub fn blocks(&self) -> &[Block] {
        // SAFETY: maps begin at a page and have `count` blocks or more; all bits are valid.
        unsafe { std::slice::from_raw_parts(self.map.as_ptr().cast::<Block>(), self.count) }
    }

    pub fn blocks_mut(&mut self) -> &mut [Block] {
        // SAFETY: as above, and the map is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.map.as_mut_ptr().cast::<Block>(), self.count) }
    }
}

/// A file in the making; it appears when it is whole.
pub(super) struct Writer {
    path: PathBuf,
    part: PathBuf,
    summaries: Vec<Summary>,
    threads: usize,
    full: Option<SyncSender<Buffer>>,
    empty: Receiver<Buffer>,
    made: u64, // buffers
    thread: Option<JoinHandle<io::Result<File>>>,
}

impl Writer {
    /// Begins the file beside its place.
    pub fn create(path: &Path, threads: usize) -> Result<Writer> {
        // The prefix by which the library finds and removes what a killed run left.
        let mut name = std::ffi::OsString::from(format!(".tmp-{}-", std::process::id()));
        name.push(path.file_name().unwrap_or_default());
        let part = path.with_file_name(name);
        let begin = || {
            let mut file = File::create(&part)?;
            file.write_all(&[0; HEADER])?;
            Ok(file)
        };
        let file = begin().map_err(|error| Error::io(&part, error))?;
        let (full, to_write) = sync_channel(BUFFERS as usize);
        let (written, empty) = sync_channel(BUFFERS as usize);
        let thread = std::thread::spawn(move || write_all(file, &to_write, &written));
        Ok(Writer {
            path: path.to_owned(),
            part,
            summaries: Vec::new(),
            threads,
            full: Some(full),
            empty,
            made: 0,
            thread: Some(thread),
        })
    }

    /// A buffer of `count` blocks, all zero: at most as many as the first.
    pub fn buffer(&mut self, count: usize) -> Result<Buffer> {
        if self.made < BUFFERS {
            self.made += 1;
            return Buffer::new(count);
        }
        match self.empty.recv() {
            Ok(mut buffer) => {
                debug_assert!(count * size_of::<Block>() <= buffer.map.len());
                buffer.count = count;
                buffer.blocks_mut().fill([0; bloom::LANES]);
                Ok(buffer)
            }
            Err(_) => Err(self.failure()),
        }
    }

    /// Appends the next blocks: a multiple of [`PIECE`] but for the last.
    pub fn append(&mut self, buffer: Buffer) -> Result<()> {
        self.summaries.extend(summarise(buffer.blocks(), self.threads));
        match self.full.as_ref().map(|full| full.send(buffer)) {
            Some(Ok(())) => Ok(()),
            _ => Err(self.failure()),
        }
    }

    /// The file, once everything is written.
    fn written(&mut self) -> io::Result<File> {
        self.full = None; // the thread ends
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            None => Err(io::Error::other("the file failed before")),
        }
    }

    fn failure(&mut self) -> Error {
        let error = self.written().err().unwrap_or_else(|| io::Error::other("nothing was written"));
        Error::io(&self.part, error)
    }

    /// Completes `header` from the blocks, refuses it where the rate is above its bound, and gives
    /// the file its name.
    pub fn finish(mut self, mut header: Header, sketch: &Sketch) -> Result<Header> {
        header.distinct = sketch.estimate().round() as u64;
        header.bits_set = self.summaries.iter().map(|piece| piece.bits_set).sum();
        let rates: f64 = self.summaries.iter().map(|piece| piece.rates).sum();
        header.expected_rate =
            rates / header.blocks as f64 + header.distinct as f64 / 2f64.powi(64);
        header.digest = payload_digest(&self.summaries, sketch);
        if header.expected_rate > header.rate {
            return Err(Error::InvalidParameter(format!(
                "the index holds about {} distinct n-grams and was sized for {}: its false positive \
                 rate would be {:.1e}, above {:.0e}",
                header.distinct, header.capacity, header.expected_rate, header.rate
            )));
        }
        let bytes = header.to_bytes()?;
        let mut end = || {
            let mut file = self.written()?;
            file.write_all(sketch.as_bytes())?;
            file.write_all(header.metadata.as_bytes())?;
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            fs::rename(&self.part, &self.path)?;
            match self.path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                Some(parent) => File::open(parent)?.sync_all(),
                None => File::open(".")?.sync_all(),
            }
        };
        end().map_err(|error| Error::io(&self.path, error))?;
        Ok(header)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if self.thread.is_some() {
            let _ = self.written(); // of no use any more
        }
        // Gone already where the file got its name.
        let _ = fs::remove_file(&self.part);
    }
}

/// Writes buffers as they come and gives them back; the file after the last.
fn write_all(
    mut file: File,
    full: &Receiver<Buffer>,
    empty: &SyncSender<Buffer>,
) -> io::Result<File> {
    for buffer in full {
        file.write_all(as_bytes(buffer.blocks()))?;
        #[cfg(target_os = "linux")]
        begin_writeback(&file);
        let _ = empty.send(buffer); // nobody waits for the last ones
    }
    Ok(file)
}

/// Has the system begin to put on disk what was written, which else happens at the end, while all
/// wait for it.
#[cfg(target_os = "linux")]
fn begin_writeback(file: &File) {
    use std::os::fd::AsRawFd;
    // SAFETY: the file is open; no memory is touched. Of no consequence where it fails.
    unsafe { libc::sync_file_range(file.as_raw_fd(), 0, 0, libc::SYNC_FILE_RANGE_WRITE) };
}

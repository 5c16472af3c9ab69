//! Builds an index within a memory bound: keys collected by their high bits, spilled, inserted.
//!
//! One pass over the text hashes every n-gram, feeds the sketch of distinct keys and collects keys
//! in 256 partitions by their highest byte, which are spilled to one file when they reach half of
//! the memory. Then the filter's size is known, and it is made range by range of blocks, each within
//! half of the memory, from the partitions that fall into it. The ranges never show in the file.
//!
//! Several builders can share the first half: each leaves its keys in a file, and one that takes up
//! the files makes the same filter as one that read all of the text.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::collected::{Collected, PARTITIONS};
use super::file::{Header, PIECE};
use super::ngrams::{MAX_N, Scratch};
use super::sketch::{STANDARD_ERROR, Sketch};
use super::spill::{READ_KEYS, Spill, Taken};
use super::writer::{BUFFERS, Writer};
use crate::bloom::{self, BLOCK_BITS, Block, LANES};
use crate::words::Mode;
use crate::{Error, Result};

/// Least memory to build with: keys of two pieces of the filter, and the pieces.
pub const LEAST_MEMORY: u64 = 4 << 20;
// A sixteenth of the filter at a time, so that few partitions lie in two ranges, but not less than
// 16 MiB: a range stays in the last cache until it is written. Our choice.
const RANGES: u64 = 16;
const LEAST_RANGE: u64 = 16 * PIECE;
const GROUP_BYTES: usize = 128 << 10; // text that a thread takes at a time

/// What to build.
#[derive(Clone, Debug)]
pub struct Parameters {
    /// Words in an n-gram.
    pub n: usize,
    /// Which characters make words.
    pub mode: Mode,
    /// Bound of the false positive rate; the filter is sized for half of it.
    pub rate: f64,
    /// Distinct n-grams to size for; estimated from the text where None.
    pub capacity: Option<u64>,
    /// Bytes for collected keys and for the part of the filter that is being made, together.
    pub memory: u64,
    /// Threads; the result does not depend on them.
    pub threads: usize,
    /// Folder for spilled keys: 8 bytes an n-gram.
    pub spill_folder: PathBuf,
}

/// The size of an index that is about to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Distinct n-grams that it is sized for.
    pub capacity: u64,
    /// Blocks of 1024 bits.
    pub blocks: u64,
    /// Bytes of the filter.
    pub bytes: u64,
    /// Ranges of blocks that are made one after the other.
    pub segments: u64,
    /// Bytes of the largest of them: what is taken at a time.
    pub segment_bytes: u64,
    /// Bytes of keys on disk.
    pub spilled_bytes: u64,
}

struct Worker {
    scratch: Scratch,
    sketch: Sketch,
    keys: Collected,
    words: u64,
    ngrams: u64,
}

impl Worker {
    fn take(&mut self, text: &[u8], mode: Mode, n: usize) -> Result<()> {
        self.words += self.scratch.fill(text, mode, n) as u64;
        self.ngrams += self.scratch.keys.len() as u64;
        for &key in &self.scratch.keys {
            self.sketch.add(key);
            self.keys.push(key)?;
        }
        Ok(())
    }
}

/// Collects texts and writes their index.
pub struct Builder {
    parameters: Parameters,
    workers: Vec<Worker>,
    spill: Option<Spill>,
    given: Vec<Spill>, // other builders' keys
    documents: u64,
}

impl Builder {
    /// A builder with nothing in it.
    ///
    /// # Errors
    /// `Error::InvalidParameter` for an `n`, rate or memory out of range.
    pub fn new(parameters: Parameters) -> Result<Builder> {
        if !(1..=MAX_N).contains(&parameters.n) {
            let n = parameters.n;
            return Err(Error::InvalidParameter(format!("n is {n}; 1 to {MAX_N} was expected")));
        }
        if parameters.memory < LEAST_MEMORY {
            return Err(Error::InvalidParameter(format!(
                "{} bytes of memory; at least {LEAST_MEMORY} are needed",
                parameters.memory
            )));
        }
        if parameters.capacity == Some(0) {
            return Err(Error::InvalidParameter("capacity is 0".into()));
        }
        bloom::blocks_for(parameters.capacity.unwrap_or(1), parameters.rate / 2.0)?;
        let workers = (0..parameters.threads.max(1)).map(|_| Worker {
            scratch: Scratch::default(),
            sketch: Sketch::default(),
            keys: Collected::default(),
            words: 0,
            ngrams: 0,
        });
        let workers = workers.collect();
        Ok(Builder { workers, parameters, spill: None, given: Vec::new(), documents: 0 })
    }

    /// Takes in rows: row `i` is `data[offsets[i]..offsets[i + 1]]`, one document.
    ///
    /// # Errors
    /// `Error::Io` where keys cannot be spilled.
    pub fn add_rows(&mut self, offsets: &[i64], data: &[u8]) -> Result<()> {
        let rows = offsets.len().saturating_sub(1);
        self.documents += rows as u64;
        let (mode, n) = (self.parameters.mode, self.parameters.n);
        // Each thread may go past its memory by the keys of its share of a round.
        let share = (self.parameters.memory as usize / 64).clamp(1 << 20, 8 << 20);
        let mut row = 0;
        while row < rows {
            let groups = take_groups(offsets, &mut row, share * self.workers.len());
            let next = AtomicUsize::new(0);
            let work = |worker: &mut Worker| -> Result<()> {
                while let Some(group) = groups.get(next.fetch_add(1, Ordering::Relaxed)) {
                    for row in group.clone() {
                        let text = &data[offsets[row] as usize..offsets[row + 1] as usize];
                        worker.take(text, mode, n)?;
                    }
                }
                Ok(())
            };
            if let [only] = &mut self.workers[..] {
                work(only)?;
            } else {
                std::thread::scope(|scope| {
                    let threads: Vec<_> = self
                        .workers
                        .iter_mut()
                        .map(|worker| scope.spawn(|| work(worker)))
                        .collect();
                    threads.into_iter().try_for_each(join)
                })?;
            }
            if self.held_bytes() > self.parameters.memory / 2 {
                self.spill()?;
            }
        }
        Ok(())
    }

    /// Has the keys spilled to a file of this name, for [`Builder::save`]. To be called before rows
    /// are taken in.
    ///
    /// # Errors
    /// `Error::Io` where it cannot be made.
    pub fn spill_to(&mut self, path: &Path) -> Result<()> {
        self.spill = Some(Spill::at(path)?);
        Ok(())
    }

    /// Ends the file of [`Builder::spill_to`]: all keys, in the order of the text in each partition
    /// where there is one thread, and what else [`Builder::add_saved`] takes up.
    ///
    /// # Errors
    /// `Error::Io`; `Error::InvalidParameter` where no file was named.
    pub fn save(mut self) -> Result<()> {
        if self.spill.is_none() {
            return Err(Error::InvalidParameter("no file was named for the keys".into()));
        }
        self.spill()?;
        let taken = Taken {
            n: self.parameters.n,
            mode: self.parameters.mode,
            sketch: self.sketch(),
            documents: self.documents,
            words: self.workers.iter().map(|worker| worker.words).sum(),
            ngrams: self.workers.iter().map(|worker| worker.ngrams).sum(),
        };
        self.spill.take().map_or(Ok(()), |spill| spill.finish(&taken))
    }

    /// Takes up what another builder has saved; its keys stay on disk.
    ///
    /// # Errors
    /// `Error::Io`; `Error::Format` for a file that is cut, or of other n-grams.
    pub fn add_saved(&mut self, path: &Path) -> Result<()> {
        let (spill, taken) = Spill::open(path)?;
        if (taken.n, taken.mode) != (self.parameters.n, self.parameters.mode) {
            return Err(Error::format(path, None, "keys of n-grams of another kind"));
        }
        self.given.push(spill);
        self.documents += taken.documents;
        let first = &mut self.workers[0];
        first.sketch.merge(&taken.sketch);
        first.words += taken.words;
        first.ngrams += taken.ngrams;
        Ok(())
    }

    fn spill(&mut self) -> Result<()> {
        if self.spill.is_none() {
            self.spill = Some(Spill::create(&self.parameters.spill_folder)?);
        }
        if let Some(spill) = &mut self.spill {
            let mut together = Vec::with_capacity(READ_KEYS);
            for partition in 0..PARTITIONS {
                for worker in &self.workers {
                    worker.keys.read(partition, |keys| {
                        if together.len() + keys.len() > READ_KEYS {
                            spill.append(partition, &together)?;
                            together.clear();
                        }
                        together.extend_from_slice(keys);
                        Ok(())
                    })?;
                }
                spill.append(partition, &together)?;
                together.clear();
            }
        }
        self.workers.iter_mut().for_each(|worker| worker.keys.clear());
        Ok(())
    }

    fn held_bytes(&self) -> u64 {
        self.workers.iter().map(|worker| worker.keys.bytes()).sum()
    }

    fn sketch(&self) -> Sketch {
        let mut sketch = Sketch::default();
        for worker in &self.workers {
            sketch.merge(&worker.sketch);
        }
        sketch
    }

    /// Distinct n-grams taken in so far, estimated.
    pub fn distinct(&self) -> f64 {
        self.sketch().estimate()
    }

    /// The size of what [`Builder::finish`] makes: by the given capacity, else for the estimate
    /// plus five standard errors.
    ///
    /// # Errors
    /// `Error::InvalidParameter` where the capacity is less than what was taken in.
    pub fn plan(&self) -> Result<Plan> {
        let estimate = self.distinct();
        let needed = (estimate * (1.0 + 5.0 * STANDARD_ERROR)).ceil() as u64;
        let capacity = self.parameters.capacity.unwrap_or(needed.max(1));
        let least = estimate * (1.0 - 5.0 * STANDARD_ERROR);
        if (capacity as f64) < least {
            return Err(Error::InvalidParameter(format!(
                "the index is to hold {capacity} distinct n-grams and the text has about {estimate:.0}"
            )));
        }
        let blocks = bloom::blocks_for(capacity, self.parameters.rate / 2.0)?;
        let room = self.parameters.memory / 2 / BUFFERS / (BLOCK_BITS / 8);
        let wanted = blocks.div_ceil(RANGES).max(LEAST_RANGE);
        let segments = blocks.div_ceil((room.min(wanted) / PIECE * PIECE).max(PIECE));
        let segment = (blocks.div_ceil(segments)).div_ceil(PIECE) * PIECE;
        Ok(Plan {
            capacity,
            blocks,
            bytes: blocks * (BLOCK_BITS / 8),
            segments: blocks.div_ceil(segment),
            segment_bytes: segment.min(blocks) * (BLOCK_BITS / 8),
            spilled_bytes: self.spill.as_ref().map_or(0, |spill| spill.length),
        })
    }

    /// Writes the index to `path`; `stop` is asked between segments.
    ///
    /// # Errors
    /// Those of [`Builder::plan`] and of writing; `Error::InvalidParameter` where the finished
    /// filter's rate is above the bound; `Error::Interrupted`.
    pub fn finish(
        mut self,
        path: &Path,
        metadata: String,
        stop: &dyn Fn() -> bool,
    ) -> Result<Header> {
        let plan = self.plan()?;
        if self.held_bytes() + BUFFERS * plan.segment_bytes > self.parameters.memory {
            self.spill()?;
            self.workers.iter_mut().for_each(|worker| worker.keys.release());
        }
        let threads = self.workers.len();
        let mut writer = Writer::create(path, threads)?;
        let step = plan.segment_bytes / (BLOCK_BITS / 8);
        for segment in 0..plan.segments {
            if stop() {
                return Err(Error::Interrupted);
            }
            let first = segment * step;
            let count = step.min(plan.blocks - first);
            let mut part = writer.buffer(count as usize)?;
            self.fill(part.blocks_mut(), first, plan.blocks)?;
            // Partitions whose last block was this range's are done with.
            let done = (first + count) as u128 * PARTITIONS as u128 / plan.blocks as u128;
            self.workers.iter_mut().for_each(|worker| worker.keys.release_before(done as usize));
            writer.append(part)?;
        }
        let sketch = self.sketch();
        let header = Header {
            n: self.parameters.n,
            mode: self.parameters.mode,
            blocks: plan.blocks,
            capacity: plan.capacity,
            rate: self.parameters.rate,
            expected_rate: 0.0,
            documents: self.documents,
            words: self.workers.iter().map(|worker| worker.words).sum(),
            ngrams: self.workers.iter().map(|worker| worker.ngrams).sum(),
            distinct: 0,
            bits_set: 0,
            digest: [0; 32],
            metadata,
        };
        writer.finish(header, &sketch)
    }

    /// Inserts what belongs into blocks `first..first + part.len()`.
    ///
    /// Partition `p` owns the blocks from `ceil(p * blocks / 256)`: disjoint ranges, one thread
    /// each. What its keys set in the block before, which it shares with its neighbour, is put
    /// aside and added at the end.
    fn fill(&self, part: &mut [Block], first: u64, blocks: u64) -> Result<()> {
        let end = first + part.len() as u64;
        let owned = |partition: u64| (partition as u128 * blocks as u128).div_ceil(256) as u64;
        let mut jobs = Vec::new();
        let mut rest = &mut *part;
        let mut at = first;
        for partition in 0..PARTITIONS as u64 {
            let (low, high) = (owned(partition).max(first), owned(partition + 1).min(end));
            if low >= high {
                // None of its own here, but perhaps its first keys lie in the last block of another.
                if owned(partition) == end && partition > 0 && low > first {
                    jobs.push((partition as usize, low, &mut [][..]));
                }
                continue;
            }
            debug_assert_eq!(low, at);
            let (mine, others) = std::mem::take(&mut rest).split_at_mut((high - low) as usize);
            rest = others;
            at = high;
            jobs.push((partition as usize, low, mine));
        }
        let jobs: Vec<Mutex<_>> = jobs.into_iter().map(Mutex::new).collect();
        let next = AtomicUsize::new(0);
        let shared = Mutex::new(Vec::new());
        let work = || -> Result<()> {
            while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                let Ok(mut job) = job.lock() else { continue };
                let (partition, low) = (job.0, job.1);
                let mine = &mut *job.2;
                // Of the keys elsewhere, only those in the shared block before are for us; its bits
                // are kept, since a frequent n-gram may come there without end.
                let before = owned(partition as u64).checked_sub(1);
                let before = before.filter(|block| (first..end).contains(block));
                let mut edge: [Block; 1] = [[0; LANES]];
                let (mut elsewhere, mut nowhere) = (Vec::new(), Vec::new());
                let mut take = |keys: &[u64]| {
                    bloom::insert(mine, low, blocks, keys, &mut elsewhere);
                    if let Some(block) = before {
                        bloom::insert(&mut edge, block, blocks, &elsewhere, &mut nowhere);
                        nowhere.clear();
                    }
                    elsewhere.clear();
                    Ok(())
                };
                for worker in &self.workers {
                    worker.keys.read(partition, &mut take)?;
                }
                for spill in self.spill.iter().chain(&self.given) {
                    spill.read(partition, &mut take)?;
                }
                if let (Some(block), Ok(mut shared)) = (before, shared.lock()) {
                    shared.push((block, edge[0]));
                }
            }
            Ok(())
        };
        std::thread::scope(|scope| -> Result<()> {
            let others: Vec<_> = (1..self.workers.len()).map(|_| scope.spawn(work)).collect();
            let mut result = work();
            for other in others {
                result = result.and(join(other));
            }
            result
        })?;
        drop(jobs);
        for (block, bits) in shared.into_inner().unwrap_or_default() {
            let place = &mut part[(block - first) as usize];
            place.iter_mut().zip(bits).for_each(|(word, more)| *word |= more);
        }
        Ok(())
    }
}

/// Rows from `row` on, `bytes` of them or one row, in the groups that a thread takes at a time.
fn take_groups(offsets: &[i64], row: &mut usize, bytes: usize) -> Vec<std::ops::Range<usize>> {
    let rows = offsets.len() - 1;
    let first = offsets[*row];
    let mut groups = Vec::new();
    while *row < rows && (offsets[*row] - first) < bytes as i64 {
        let start = *row;
        while *row < rows && offsets[*row] - offsets[start] < GROUP_BYTES as i64 {
            *row += 1;
        }
        groups.push(start..*row);
    }
    groups
}

fn join(thread: std::thread::ScopedJoinHandle<'_, Result<()>>) -> Result<()> {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

//! Counting pieces: how often each distinct piece of the text occurs.
//!
//! Memory grows with the distinct pieces, never with the bytes. Each thread counts into tables of
//! its own, which are added up at the end; a sum does not depend on who counted what.

mod table;

pub(crate) use table::prefetch;
use table::{LongTable, Seeds, ShortTable};

use super::pretokenize::{Pattern, Pretokenizer, cut_after};
use crate::{Error, Result};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use table::BLOCK;

/// Bytes that a thread takes at a time.
const UNIT_BYTES: usize = 256 << 10;

/// What one sequence is, at whose ends a piece ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sequence {
    /// The whole text.
    Document,
    /// Each line with its line feed, as tokenizers reads files.
    Line,
}

/// Texts one after the other: text `i` is `data[offsets[i]..offsets[i + 1]]`.
#[derive(Clone, Copy)]
pub struct Texts<'a> {
    /// All bytes.
    pub data: &'a [u8],
    /// Ascending boundaries within `data`, one more than texts.
    pub offsets: &'a [i64],
}

impl<'a> Texts<'a> {
    /// How many texts.
    pub fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Text `i`.
    pub fn get(&self, i: usize) -> &'a [u8] {
        &self.data[self.offsets[i] as usize..self.offsets[i + 1] as usize]
    }
}

/// Distinct pieces with their counts, while they are being counted.
pub struct PieceCounter {
    pattern: Pattern,
    sequence: Sequence,
    exclude: Vec<Vec<u8>>,
    seeds: Seeds,
    threads: Vec<Counter>,
}

impl PieceCounter {
    /// A counter of the pieces of `pattern`.
    ///
    /// Text that spells one of `exclude` (special tokens) is left out, and ends a piece.
    pub fn new(pattern: Pattern, sequence: Sequence, exclude: Vec<Vec<u8>>) -> Self {
        let exclude = exclude.into_iter().filter(|special| !special.is_empty()).collect();
        PieceCounter { pattern, sequence, exclude, seeds: Seeds::random(), threads: Vec::new() }
    }

    /// Counts the pieces of `texts` on up to `threads` threads.
    ///
    /// `keep_going` is asked now and then, on the calling thread alone.
    ///
    /// # Errors
    /// `Error::Interrupted` if `keep_going` says no; what was counted until then stays counted.
    /// `Error::InvalidParameter` if a piece is 4 GiB long or longer.
    pub fn count(
        &mut self,
        texts: Texts<'_>,
        threads: usize,
        keep_going: &mut dyn FnMut() -> bool,
    ) -> Result<()> {
        let units = units(texts, self.sequence);
        if units.iter().any(|unit| unit.too_long()) {
            return Err(Error::InvalidParameter(
                "a stretch of 4 GiB without a word's end was found; text was expected".into(),
            ));
        }
        let threads = threads.clamp(1, units.len().max(1));
        while self.threads.len() < threads {
            self.threads.push(Counter::new(self.pattern, self.seeds));
        }
        let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
        let (sequence, exclude) = (self.sequence, self.exclude.as_slice());
        let work = |counter: &mut Counter, asked: &mut dyn FnMut() -> bool| {
            while !stop.load(Ordering::Relaxed) {
                let Some(unit) = units.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
                unit.count(texts, sequence, exclude, counter);
                if !asked() {
                    stop.store(true, Ordering::Relaxed);
                }
            }
        };
        let (own, others) = self.threads[..threads].split_first_mut().expect("at least one");
        std::thread::scope(|scope| {
            for counter in others {
                scope.spawn(|| work(counter, &mut || true));
            }
            work(own, keep_going);
        });
        if stop.into_inner() { Err(Error::Interrupted) } else { Ok(()) }
    }

    /// Adds pieces with their counts, as a file of counts states them.
    ///
    /// # Errors
    /// `Error::InvalidParameter` if there are not as many counts as pieces.
    pub fn add_all(&mut self, pieces: Texts<'_>, counts: &[u64]) -> Result<()> {
        if pieces.len() != counts.len() {
            return Err(Error::InvalidParameter(format!(
                "{} pieces came with {} counts",
                pieces.len(),
                counts.len()
            )));
        }
        if self.threads.is_empty() {
            self.threads.push(Counter::new(self.pattern, self.seeds));
        }
        for (i, &count) in counts.iter().enumerate().filter(|entry| *entry.1 > 0) {
            self.threads[0].add(pieces.get(i), count);
        }
        Ok(())
    }

    /// The sums over all threads.
    pub fn finish(mut self) -> Pieces {
        let mut total =
            if self.threads.is_empty() { None } else { Some(self.threads.swap_remove(0)) };
        if let Some(total) = &mut total {
            // The largest first, so that the fewest slots move.
            for other in self.threads.drain(..) {
                total.short.merge(&other.short);
                drop(other.short);
                other.long.for_each(|piece, count| total.long.add(piece, count));
            }
        }
        match total {
            Some(counter) => Pieces { short: counter.short, long: counter.long },
            None => Pieces { short: ShortTable::new(self.seeds), long: LongTable::new(self.seeds) },
        }
    }
}

/// The distinct pieces of a text and how often each occurs.
pub struct Pieces {
    short: ShortTable,
    long: LongTable,
}

impl Pieces {
    /// How many distinct pieces.
    pub fn len(&self) -> usize {
        self.short.len() + self.long.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Calls `visit(piece, count)` for each piece, in no particular order.
    pub fn for_each(&self, mut visit: impl FnMut(&[u8], u64)) {
        self.short.for_each(&mut visit);
        self.long.for_each(&mut visit);
    }

    /// All pieces in the order of their bytes: boundaries, bytes and counts.
    pub fn sorted(&self) -> (Vec<i64>, Vec<u8>, Vec<u64>) {
        let mut pieces: Vec<(Vec<u8>, u64)> = Vec::with_capacity(self.len());
        self.for_each(|piece, count| pieces.push((piece.to_vec(), count)));
        pieces.sort_unstable();
        let (mut offsets, mut bytes, mut counts) = (vec![0], Vec::new(), Vec::new());
        for (piece, count) in pieces {
            bytes.extend_from_slice(&piece);
            offsets.push(bytes.len() as i64);
            counts.push(count);
        }
        (offsets, bytes, counts)
    }
}

/// One thread's tables.
struct Counter {
    pretokenizer: Pretokenizer,
    short: ShortTable,
    long: LongTable,
}

impl Counter {
    fn new(pattern: Pattern, seeds: Seeds) -> Self {
        Counter {
            pretokenizer: Pretokenizer::new(pattern),
            short: ShortTable::new(seeds),
            long: LongTable::new(seeds),
        }
    }

    fn add(&mut self, piece: &[u8], count: u64) {
        if piece.is_empty() {
            return; // the key 0 marks an empty slot
        }
        if piece.len() <= table::SHORT_BYTES {
            self.short.reserve(1);
            let key = table::short_key(piece);
            self.short.add(key, self.short.hash(key), count);
        } else {
            self.long.add(piece, count);
        }
    }

    /// Counts the pieces of one sequence.
    fn count(&mut self, text: &[u8]) {
        let Counter { pretokenizer, short, long } = self;
        pretokenizer.segments(text, |segment, ends| {
            let mut start = 0usize;
            let mut keys = [(0u128, 0u64); BLOCK];
            for block in ends.chunks(BLOCK) {
                short.reserve(BLOCK);
                let mut filled = 0;
                for &end in block {
                    let end = end as usize;
                    if end - start <= table::SHORT_BYTES {
                        let key = table::short_key_at(segment, start, end - start);
                        let hash = short.hash(key);
                        short.prefetch(hash);
                        keys[filled] = (key, hash);
                        filled += 1;
                    } else {
                        long.add(&segment[start..end], 1);
                    }
                    start = end;
                }
                for &(key, hash) in &keys[..filled] {
                    short.add(key, hash, 1);
                }
            }
        });
    }
}

/// What a thread takes at a time.
enum Unit {
    /// Texts from the first number to before the second.
    Whole(usize, usize),
    /// A part of one text, from byte to byte, cut where a piece ends.
    Part(usize, usize),
}

impl Unit {
    fn too_long(&self) -> bool {
        matches!(self, Unit::Part(from, to) if to - from >= u32::MAX as usize)
    }

    fn count(&self, texts: Texts<'_>, sequence: Sequence, exclude: &[Vec<u8>], to: &mut Counter) {
        match *self {
            Unit::Whole(from, until) => {
                for i in from..until {
                    count_text(texts.get(i), sequence, exclude, to);
                }
            }
            Unit::Part(from, until) => count_text(&texts.data[from..until], sequence, exclude, to),
        }
    }
}

/// Divides texts into units of about `UNIT_BYTES`.
fn units(texts: Texts<'_>, sequence: Sequence) -> Vec<Unit> {
    let mut units = Vec::new();
    let (mut first, mut held) = (0, 0);
    for i in 0..texts.len() {
        let text = texts.get(i);
        if text.len() > 2 * UNIT_BYTES {
            if first < i {
                units.push(Unit::Whole(first, i));
            }
            let mut from = texts.offsets[i] as usize;
            let end = texts.offsets[i + 1] as usize;
            while from < end {
                let rest = &texts.data[from..end];
                let len = match sequence {
                    Sequence::Document => cut_after(rest, UNIT_BYTES),
                    Sequence::Line => line_after(rest, UNIT_BYTES),
                };
                units.push(Unit::Part(from, from + len));
                from += len;
            }
            (first, held) = (i + 1, 0);
        } else {
            held += text.len() + 16;
            if held >= UNIT_BYTES {
                units.push(Unit::Whole(first, i + 1));
                (first, held) = (i + 1, 0);
            }
        }
    }
    if first < texts.len() {
        units.push(Unit::Whole(first, texts.len()));
    }
    units
}

/// The end of the first line that ends at or after `target`.
fn line_after(text: &[u8], target: usize) -> usize {
    let from = target.min(text.len());
    let end = text[from..].iter().position(|&byte| byte == b'\n');
    end.map_or(text.len(), |position| from + position + 1)
}

fn count_text(text: &[u8], sequence: Sequence, exclude: &[Vec<u8>], counter: &mut Counter) {
    match sequence {
        Sequence::Document => count_sequence(text, exclude, counter),
        Sequence::Line => {
            for line in text.split_inclusive(|&byte| byte == b'\n') {
                count_sequence(line, exclude, counter);
            }
        }
    }
}

fn count_sequence(text: &[u8], exclude: &[Vec<u8>], counter: &mut Counter) {
    if exclude.is_empty() {
        return counter.count(text);
    }
    let mut rest = text;
    while let Some((position, len)) = super::special::find(rest, exclude) {
        counter.count(&rest[..position]);
        rest = &rest[position + len..];
    }
    counter.count(rest);
}

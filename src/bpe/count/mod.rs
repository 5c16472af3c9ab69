//! Counting pieces: how often each distinct piece of the text occurs.
//!
//! Memory grows with the distinct pieces, never with the bytes. Each thread counts into tables of
//! its own, which are added up at the end; a sum does not depend on who counted what.

mod table;

use table::{LongTable, ShortTable};
pub(crate) use table::{SHORT_BYTES, Seeds, prefetch, short_key_at};

use super::pretokenize::{Pattern, Pretokenizer};
use super::units::{Sequence, Texts, Unit, units};
use crate::{Error, Result};
use std::sync::atomic::{AtomicBool, Ordering};
use table::BLOCK;

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
        let units = units(texts, Some(self.sequence));
        if units.iter().any(|unit| unit.too_long()) {
            return Err(Error::InvalidParameter(
                "a stretch of 4 GiB without a word's end was found; text was expected".into(),
            ));
        }
        let threads = threads.clamp(1, units.len().max(1));
        while self.threads.len() < threads {
            self.threads.push(Counter::new(self.pattern, self.seeds));
        }
        let stop = AtomicBool::new(false);
        let (sequence, exclude) = (self.sequence, self.exclude.as_slice());
        // Who counts a unit depends on its place alone: the same batch again meets the tables that
        // know its pieces, so that they do not grow. Units are alike, and there are many.
        let work = |number: usize, counter: &mut Counter, asked: &mut dyn FnMut() -> bool| {
            for &unit in units.iter().skip(number).step_by(threads) {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                count_unit(unit, texts, sequence, exclude, counter);
                if !asked() {
                    stop.store(true, Ordering::Relaxed);
                }
            }
        };
        let (own, others) = self.threads[..threads].split_first_mut().expect("at least one");
        std::thread::scope(|scope| {
            for (number, counter) in (1..).zip(others) {
                scope.spawn(move || work(number, counter, &mut || true));
            }
            work(0, own, keep_going);
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

    /// Bytes that the tables of all threads hold.
    pub fn memory_bytes(&self) -> usize {
        let tables = self.threads.iter();
        tables.map(|counter| counter.short.memory_bytes() + counter.long.memory_bytes()).sum()
    }

    /// The sums over all threads.
    pub fn finish(mut self) -> Pieces {
        let mut rest = self.threads.drain(..);
        let mut total = rest.next();
        if let Some(total) = &mut total {
            for other in rest {
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

/// Counts the pieces of one unit.
fn count_unit(
    unit: Unit,
    texts: Texts<'_>,
    sequence: Sequence,
    exclude: &[Vec<u8>],
    to: &mut Counter,
) {
    match unit {
        Unit::Whole(from, until) => {
            for i in from..until {
                count_text(texts.get(i), sequence, exclude, to);
            }
        }
        Unit::Part(from, until, _) => count_text(&texts.data[from..until], sequence, exclude, to),
    }
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

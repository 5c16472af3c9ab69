//! Finds a test set's n-grams in training text: which, in how many documents, and the longest runs.
//!
//! A hit is confirmed by comparing words, so nothing here is approximate. A run is a stretch of
//! training words that equals a stretch of test words, at least n of both. For each place of the test
//! set the longest run over it is kept, of equal ones the first in the order of the documents.

use std::ops::Range;

use super::ngrams::Scratch;
use super::set::NgramSet;
use crate::words;

/// Places of one n-gram where runs may begin: our choice. One that the test set repeats more often
/// (`a a a a ...`) would make the work grow with the square of the repetitions.
const MOST_STARTS: usize = 16;
/// Runs that go on at a time, for the same reason.
const MOST_RUNS: usize = 64;

/// A stretch of equal words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Row of the batch.
    pub row: u64,
    /// First byte of the stretch in the row's text.
    pub start: u64,
    /// The byte past its end.
    pub end: u64,
    /// Place of the first word in the test set.
    pub place: u64,
    /// Length in n-grams: n - 1 less than its words.
    pub ngrams: u64,
}

/// What was found so far.
pub struct Scanner {
    documents: Vec<u32>,   // by n-gram: documents that have it
    best: Vec<(u32, u32)>, // by place: n-grams of the longest run over it, and its number
    runs: u64,
    words: u64,
    ngrams: u64,
}

struct RowFinds {
    numbers: Vec<u32>, // distinct n-grams of the set in the row, ascending
    hits: u32,
    runs: Vec<Run>,
}

/// What a batch adds.
pub struct Finds {
    /// By row: how many of its n-grams are in the set.
    pub hits: Vec<u32>,
    /// Runs that are the longest so far over some place; numbered on from those before.
    pub runs: Vec<Run>,
}

impl Scanner {
    /// A scanner that has found nothing yet.
    pub fn new(set: &NgramSet) -> Scanner {
        Scanner {
            documents: vec![0; set.keys().len()],
            best: vec![(0, u32::MAX); set.ngrams().len()],
            runs: 0,
            words: 0,
            ngrams: 0,
        }
    }

    /// Looks through rows: row `i` is `data[offsets[i]..offsets[i + 1]]`, one document.
    ///
    /// The same for any number of threads and any cut of the documents into batches.
    pub fn scan_rows(
        &mut self,
        set: &NgramSet,
        offsets: &[i64],
        data: &[u8],
        threads: usize,
    ) -> Finds {
        let rows = offsets.len().saturating_sub(1);
        let parts = split_rows(offsets, threads.max(1));
        let scan = |part: Range<usize>| {
            let mut finder = Finder::default();
            part.map(|row| {
                let text = &data[offsets[row] as usize..offsets[row + 1] as usize];
                finder.find(set, text, row as u64)
            })
            .collect::<Vec<_>>()
            .into_iter()
            .fold((Vec::new(), 0, 0), |(mut all, words, ngrams), (finds, w, g)| {
                all.push(finds);
                (all, words + w, ngrams + g)
            })
        };
        let results: Vec<_> = if parts.len() == 1 {
            parts.into_iter().map(scan).collect()
        } else {
            std::thread::scope(|scope| {
                let workers: Vec<_> =
                    parts.into_iter().map(|part| scope.spawn(move || scan(part))).collect();
                workers
                    .into_iter()
                    .map(|worker| match worker.join() {
                        Ok(result) => result,
                        Err(panic) => std::panic::resume_unwind(panic),
                    })
                    .collect()
            })
        };
        let mut finds = Finds { hits: Vec::with_capacity(rows), runs: Vec::new() };
        for (rows, words, ngrams) in results {
            self.words += words;
            self.ngrams += ngrams;
            for row in rows {
                finds.hits.push(row.as_ref().map_or(0, |row| row.hits));
                if let Some(row) = row {
                    self.take(row, &mut finds.runs);
                }
            }
        }
        finds
    }

    fn take(&mut self, row: RowFinds, kept: &mut Vec<Run>) {
        for number in row.numbers {
            let documents = &mut self.documents[number as usize];
            *documents = documents.saturating_add(1);
        }
        for run in row.runs {
            let mut longest = false;
            for place in run.place..run.place + run.ngrams {
                let best = &mut self.best[place as usize];
                if run.ngrams as u32 > best.0 {
                    *best = (run.ngrams as u32, self.runs as u32);
                    longest = true;
                }
            }
            if longest {
                kept.push(run);
                self.runs += 1;
            }
        }
    }

    /// By n-gram: documents that have it.
    pub fn documents(&self) -> &[u32] {
        &self.documents
    }

    /// By place: the number of the longest run over it, `u32::MAX` where there is none.
    pub fn best_runs(&self) -> Vec<u32> {
        self.best.iter().map(|best| best.1).collect()
    }

    /// Words and n-grams of all rows.
    pub fn totals(&self) -> (u64, u64) {
        (self.words, self.ngrams)
    }
}

fn split_rows(offsets: &[i64], parts: usize) -> Vec<Range<usize>> {
    let rows = offsets.len().saturating_sub(1);
    let (Some(&first), Some(&last)) = (offsets.first(), offsets.last()) else { return Vec::new() };
    let mut ranges = Vec::new();
    let mut start = 0;
    for part in 1..=parts {
        let goal = first + ((last - first) as i128 * part as i128 / parts as i128) as i64;
        let end =
            if part == parts { rows } else { offsets.partition_point(|&at| at < goal).min(rows) };
        if end > start {
            ranges.push(start..end);
            start = end;
        }
    }
    ranges
}

/// Buffers of one thread.
#[derive(Default)]
struct Finder {
    scratch: Scratch,
    hits: Vec<(u32, u32)>,
    normalised: String,
    ends: Vec<u32>,           // of words in `normalised`
    spans: Vec<Range<usize>>, // of words in the text
}

struct Open {
    position: u32, // of the first n-gram in the document
    place: u32,    // in the test set
    ngrams: u32,
}

impl Finder {
    /// What one document has of the set, its words and its n-grams.
    fn find(&mut self, set: &NgramSet, text: &[u8], row: u64) -> (Option<RowFinds>, u64, u64) {
        let words = self.scratch.fill(text, set.mode(), set.n()) as u64;
        self.hits.clear();
        set.probe(&self.scratch.keys, &mut self.hits);
        let ngrams = self.scratch.keys.len() as u64;
        if self.hits.is_empty() {
            return (None, words, ngrams);
        }
        self.confirm(set, text);
        if self.hits.is_empty() {
            return (None, words, ngrams);
        }
        let runs = self.runs(set, row);
        let mut numbers: Vec<u32> = self.hits.iter().map(|hit| hit.1).collect();
        numbers.sort_unstable();
        numbers.dedup();
        (Some(RowFinds { numbers, hits: self.hits.len() as u32, runs }), words, ngrams)
    }

    /// Keeps the hits whose words are equal, not just their keys.
    fn confirm(&mut self, set: &NgramSet, text: &[u8]) {
        self.normalised.clear();
        self.ends.clear();
        self.spans.clear();
        words::for_each_word(text, set.mode(), |word, span| {
            self.normalised.push_str(word);
            self.ends.push(self.normalised.len() as u32);
            self.spans.push(span);
        });
        let n = set.n();
        let mut lengths = vec![0; n];
        let (normalised, ends) = (&self.normalised, &self.ends);
        self.hits.retain_mut(|(position, number)| {
            let first = *position as usize;
            let start = if first == 0 { 0 } else { ends[first - 1] };
            for (length, &end) in lengths.iter_mut().zip(&ends[first..first + n]) {
                *length = end - start;
            }
            let words = &normalised[start as usize..ends[first + n - 1] as usize];
            match set.confirm(*number, words, &lengths) {
                Some(confirmed) => {
                    *number = confirmed;
                    true
                }
                None => false,
            }
        });
    }

    /// Maximal runs of hits that go on in both texts, in the order of their beginnings.
    fn runs(&self, set: &NgramSet, row: u64) -> Vec<Run> {
        let mut open: Vec<Open> = Vec::new();
        let mut closed: Vec<Open> = Vec::new();
        let mut last = u32::MAX;
        for &(position, number) in &self.hits {
            if position != last.wrapping_add(1) {
                closed.append(&mut open);
            }
            last = position;
            let mut going = Vec::with_capacity(open.len() + 1);
            for mut run in open.drain(..) {
                let next = (run.place + run.ngrams) as usize;
                if set.ngrams().get(next) == Some(&number) {
                    run.ngrams += 1;
                    going.push(run);
                } else {
                    closed.push(run);
                }
            }
            let extended = going.len();
            for &place in set.places(number).iter().take(MOST_STARTS) {
                let known = going[..extended].iter().any(|run| run.place + run.ngrams - 1 == place);
                if !known && going.len() < MOST_RUNS {
                    going.push(Open { position, place, ngrams: 1 });
                }
            }
            open = going;
        }
        closed.append(&mut open);
        closed.sort_by_key(|run| (run.position, run.place));
        let end = |run: &Open| (run.position + run.ngrams) as usize + set.n() - 2;
        closed
            .iter()
            .map(|run| Run {
                row,
                start: self.spans[run.position as usize].start as u64,
                end: self.spans[end(run)].end as u64,
                place: run.place as u64,
                ngrams: run.ngrams as u64,
            })
            .collect()
    }
}

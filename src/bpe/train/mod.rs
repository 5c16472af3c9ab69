//! Learning merges from piece counts, with the result of Hugging Face tokenizers' `BpeTrainer`.
//!
//! The most frequent pair of adjacent symbols is merged again and again; among equals the pair with
//! the smaller left id wins, then the one with the smaller right id. Everything is incremental: a
//! merge visits only the pieces on its pair's list, and changes only the counts of neighbours.

mod gather;
mod pairs;
mod queue;
mod words;

use super::count::{Pieces, Seeds};
use crate::{Error, Result, huge};
use gather::Gather;
use pairs::PairTable;
use queue::{Candidate, Queue};
use std::collections::{BTreeMap, HashMap};
use words::{Symbol, Words};

/// What to learn.
#[derive(Clone, Copy, Debug)]
pub struct TrainOptions {
    /// Entries to stop at: the 256 bytes and one for each merge that makes a new string.
    pub vocab_size: usize,
    /// A pair that occurs less often is not merged; 0 counts as 1.
    pub min_frequency: u64,
}

/// The merges learnt, in the order of their learning.
pub struct Learned {
    /// Left id, right id and the id of what they become.
    pub merges: Vec<(u32, u32, u32)>,
    /// The bytes of each id; the first 256 are the single bytes in GPT-2's order.
    pub tokens: Vec<Box<[u8]>>,
}

/// The single bytes in the order of their ids: GPT-2's, which is that of the characters that
/// stand for them in vocabulary files.
///
/// Source: openai/gpt-2 `encoder.py`, `bytes_to_unicode`.
pub fn byte_order() -> [u8; 256] {
    let visible = |byte: &u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let mut order = [0; 256];
    let bytes = (0..=255u8).filter(visible).chain((0..=255u8).filter(|byte| !visible(byte)));
    order.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = byte);
    order
}

/// Asks whether to go on.
fn ask(progress: &mut dyn FnMut(usize) -> bool, entries: usize) -> Result<()> {
    if progress(entries) { Ok(()) } else { Err(Error::Interrupted) }
}

/// Learns merges from `pieces`.
///
/// `progress(entries)` is called with the size of the vocabulary now and then; training stops when
/// it says no. Fewer merges than asked for come back where the text has no more pairs.
///
/// # Errors
/// `Error::InvalidParameter` if `vocab_size` is below 256, or the text too large for 32-bit places;
/// `Error::Interrupted` if `progress` says no.
pub fn train(
    pieces: Pieces,
    options: TrainOptions,
    progress: &mut dyn FnMut(usize) -> bool,
) -> Result<Learned> {
    if options.vocab_size < 256 {
        return Err(Error::InvalidParameter(format!(
            "a vocabulary of {} was asked for; at least 256 are needed for the bytes",
            options.vocab_size
        )));
    }
    if options.vocab_size <= 1 << 16 {
        Trainer::<u16>::new(pieces, options, progress)?.run(progress)
    } else {
        Trainer::<u32>::new(pieces, options, progress)?.run(progress)
    }
}

#[inline(always)]
fn pair_of(left: u32, right: u32) -> u64 {
    (left as u64) << 32 | right as u64
}

struct Trainer<S> {
    options: TrainOptions,
    words: Words<S>,
    pairs: PairTable,
    queue: Queue,
    /// Places of words, list after list, each written once.
    places: Vec<u32>,
    /// Start and length of each list in `places`.
    lists: Vec<(usize, u32)>,
    left: Gather,
    right: Gather,
    tokens: Vec<Box<[u8]>>,
    id_of: HashMap<Box<[u8]>, u32, Seeds>,
    /// Pairs that occur less often than this are left out of the tables; see `keep_everything`.
    threshold: i64,
}

impl<S: Symbol> Trainer<S> {
    fn new(
        pieces: Pieces,
        options: TrainOptions,
        progress: &mut dyn FnMut(usize) -> bool,
    ) -> Result<Self> {
        let tokens: Vec<Box<[u8]>> = byte_order().iter().map(|&b| Box::from([b])).collect();
        let mut id_of = HashMap::with_hasher(Seeds::random());
        id_of.extend(tokens.iter().cloned().zip(0..));
        let words = Words::new(pieces)?;
        ask(progress, tokens.len())?;
        let mut trainer = Trainer {
            options,
            words,
            pairs: PairTable::new(),
            queue: Queue::new(),
            places: Vec::new(),
            lists: Vec::new(),
            left: Gather::default(),
            right: Gather::default(),
            tokens,
            id_of,
            threshold: options.min_frequency.clamp(1, i64::MAX as u64) as i64,
        };
        trainer.count_initial_pairs(progress)?;
        Ok(trainer)
    }

    /// Counts and lists of the pairs of bytes, in two passes over dense tables.
    fn count_initial_pairs(&mut self, progress: &mut dyn FnMut(usize) -> bool) -> Result<()> {
        #[derive(Clone, Copy)]
        struct Pair {
            count: i64,
            words: u32,
            last: u32,
        }
        let mut table = vec![Pair { count: 0, words: 0, last: u32::MAX }; 1 << 16];
        let slot = |left: S, right: S| left.id() as usize * 256 + right.id() as usize;
        self.words.for_each(|place, count, symbols| {
            for pair in symbols.windows(2) {
                let pair = &mut table[slot(pair[0], pair[1])];
                pair.count = pair.count.saturating_add(count as i64);
                if pair.last != place {
                    pair.last = place;
                    pair.words += 1;
                }
            }
        });
        ask(progress, self.tokens.len())?;
        let mut total = 0;
        let mut next = vec![0usize; 1 << 16];
        for (number, pair) in table.iter_mut().enumerate() {
            next[number] = total;
            if pair.count > 0 {
                let key = pair_of(number as u32 >> 8, number as u32 & 255);
                self.pairs.reserve(1);
                let at = self.pairs.find_or_insert(key);
                *self.pairs.count_mut(at) = pair.count;
                let list = self.lists.len() as u32;
                self.lists.push((total, pair.words));
                self.queue.push(Candidate { count: pair.count as u64, pair: key, list });
                total += pair.words as usize;
                pair.last = u32::MAX;
            }
        }
        self.places = huge::filled(0, total);
        let places = &mut self.places;
        self.words.for_each(|place, _, symbols| {
            for pair in symbols.windows(2) {
                let number = slot(pair[0], pair[1]);
                if table[number].last != place {
                    table[number].last = place;
                    places[next[number]] = place;
                    next[number] += 1;
                }
            }
        });
        Ok(())
    }

    fn run(mut self, progress: &mut dyn FnMut(usize) -> bool) -> Result<Learned> {
        let mut merges: Vec<(u32, u32, u32)> = Vec::new();
        let mut repeated = false; // whether a pair was merged twice
        while self.tokens.len() < self.options.vocab_size {
            let Some(mut top) = self.queue.pop() else { break };
            let count = self.pairs.get(top.pair).unwrap_or(0) as u64;
            if top.count != count {
                top.count = count;
                self.queue.push(top);
                continue;
            }
            if count < self.options.min_frequency.max(1) {
                break;
            }
            let (left, right) = ((top.pair >> 32) as u32, top.pair as u32);
            let (new, known) = self.token_for(left, right);
            if known && self.threshold > 1 {
                self.keep_everything();
            }
            repeated |= known;
            merges.push((left, right, new));
            self.merge(left, right, new, top.list);
            // After every merge: the first ones change millions of words each.
            ask(progress, self.tokens.len())?;
        }
        if repeated {
            keep_last_of_equal_pairs(&mut merges);
        }
        Ok(Learned { merges, tokens: self.tokens })
    }

    /// The id of the two tokens' concatenation, and whether it was there before.
    fn token_for(&mut self, left: u32, right: u32) -> (u32, bool) {
        let token: Box<[u8]> =
            [&*self.tokens[left as usize], &*self.tokens[right as usize]].concat().into();
        if let Some(&id) = self.id_of.get(&token) {
            return (id, true);
        }
        let id = self.tokens.len() as u32;
        self.tokens.push(token.clone());
        self.id_of.insert(token, id);
        (id, false)
    }

    /// Merges one pair in the words of one list, and updates the counts of its neighbours.
    ///
    /// As in tokenizers, each replacement takes one count from the pairs that its neighbours
    /// formed and gives one to those that they form now, from left to right; the merged pair's
    /// own count stays. That matters only where a string is made a second time, by another pair:
    /// then pairs that are in the heap already gain, and get a second entry with the new places.
    fn merge(&mut self, left: u32, right: u32, new: u32, list: u32) {
        let (start, len) = self.lists[list as usize];
        self.left.resize(self.tokens.len());
        self.right.resize(self.tokens.len());
        let (gather_left, gather_right) = (&mut self.left, &mut self.right);
        self.words.merge(
            &self.places[start..start + len as usize],
            (left, right, new),
            |neighbour, count, place| gather_left.add(neighbour, count, place),
            |neighbour, count, place| gather_right.add(neighbour, count, place),
        );

        // All gains, then all losses; what stands at the end decides.
        self.pairs.reserve(self.left.len() + self.right.len());
        let (pairs, threshold) = (&mut self.pairs, self.threshold);
        self.left.gain(pairs, threshold, |n| pair_of(n, new));
        self.right.gain(pairs, threshold, |n| pair_of(new, n));
        self.left.lose(pairs, |n| pair_of(n, left));
        self.right.lose(pairs, |n| pair_of(right, n));
        // Only where `new` is an old id can it be its own neighbour on both sides: one list then.
        self.right.move_events(new, &mut self.left);
        self.open_lists(|n| pair_of(n, new), true);
        self.open_lists(|n| pair_of(new, n), false);
    }

    /// Writes the lists of the pairs that a side's neighbours now form, and puts them in the queue.
    #[inline(always)]
    fn open_lists(&mut self, pair_with: impl Fn(u32) -> u64, is_left: bool) {
        let side = if is_left { &mut self.left } else { &mut self.right };
        let mut total = self.places.len();
        side.each_kept(|neighbour, item| {
            let count = self.pairs.count(item.slot);
            if count < self.threshold {
                return;
            }
            item.cursor = total;
            let list = self.lists.len() as u32;
            self.lists.push((total, item.words));
            self.queue.push(Candidate { count: count as u64, pair: pair_with(neighbour), list });
            total += item.words as usize;
        });
        if total > self.places.capacity() {
            self.places.reserve(total - self.places.len());
            huge::advise(&mut self.places);
        }
        self.places.resize(total, 0);
        side.write_events(&mut self.places);
        side.clear();
    }

    /// From now on keeps pairs however rare, as tokenizers does, and takes in those left out.
    ///
    /// Leaving out what occurs less than `min_frequency` is right only as long as counts never
    /// grow: until a string is made a second time.
    #[cold]
    fn keep_everything(&mut self) {
        self.threshold = 1;
        let mut missing: BTreeMap<u64, (i64, Vec<u32>)> = BTreeMap::new();
        let pairs = &self.pairs;
        self.words.for_each(|place, count, symbols| {
            for pair in symbols.windows(2) {
                let key = pair_of(pair[0].id(), pair[1].id());
                if pairs.find(key).is_none() {
                    let (total, places) = missing.entry(key).or_default();
                    *total = total.saturating_add(count as i64);
                    if places.last() != Some(&place) {
                        places.push(place);
                    }
                }
            }
        });
        self.pairs.reserve(missing.len());
        for (pair, (count, places)) in missing {
            let slot = self.pairs.find_or_insert(pair);
            *self.pairs.count_mut(slot) = count;
            let list = self.lists.len() as u32;
            self.lists.push((self.places.len(), places.len() as u32));
            self.places.extend(places);
            self.queue.push(Candidate { count: count as u64, pair, list });
        }
    }
}

/// Of merges of the same pair only the last stays, as in a map from pair to rank.
fn keep_last_of_equal_pairs(merges: &mut Vec<(u32, u32, u32)>) {
    let last: HashMap<(u32, u32), usize> =
        merges.iter().enumerate().map(|(rank, &(left, right, _))| ((left, right), rank)).collect();
    let mut rank = 0;
    merges.retain(|&(left, right, _)| {
        rank += 1;
        last[&(left, right)] == rank - 1
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bpe::{Pattern, PieceCounter, Sequence, Texts};

    /// A trainer of words full of ties and runs.
    fn trainer(min_frequency: u64) -> Trainer<u16> {
        let mut state = 7u64;
        let text: Vec<u8> = (0..30_000)
            .flat_map(|_| {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                let letter = b"abcde aab"[(state >> 33) as usize % 9];
                vec![letter; 1 + (state >> 60) as usize / 5]
            })
            .collect();
        let mut counter = PieceCounter::new(Pattern::Gpt2, Sequence::Document, vec![]);
        let texts = Texts { data: &text, offsets: &[0, text.len() as i64] };
        counter.count(texts, 1, &mut || true).unwrap();
        let options = TrainOptions { vocab_size: 2000, min_frequency };
        Trainer::new(counter.finish(), options, &mut |_| true).unwrap()
    }

    #[test]
    fn keeping_rare_pairs_changes_no_merge() {
        let lean = trainer(5).run(&mut |_| true).unwrap();
        assert!(lean.merges.len() > 300 && lean.tokens.len() < 2000, "{}", lean.merges.len());
        let mut whole = trainer(5);
        whole.keep_everything();
        assert!(whole.pairs.get(pair_of(0, 0)).is_none(), "no pair that does not occur");
        assert_eq!(whole.run(&mut |_| true).unwrap().merges, lean.merges);
        // The count of every pair that occurs is that of the words.
        let mut halfway = trainer(5);
        for _ in 0..200 {
            let top = halfway.queue.pop().unwrap();
            let count = halfway.pairs.get(top.pair).unwrap() as u64;
            if top.count != count {
                halfway.queue.push(Candidate { count, ..top });
                continue;
            }
            let (left, right) = ((top.pair >> 32) as u32, top.pair as u32);
            let (new, known) = halfway.token_for(left, right);
            assert!(!known);
            halfway.merge(left, right, new, top.list);
        }
        halfway.keep_everything();
        let mut counts: HashMap<u64, i64> = HashMap::new();
        halfway.words.for_each(|_, count, symbols| {
            for pair in symbols.windows(2) {
                *counts.entry(pair_of(pair[0].id(), pair[1].id())).or_default() += count as i64;
            }
        });
        assert!(counts.len() > 100);
        for (pair, count) in counts {
            assert_eq!(halfway.pairs.get(pair), Some(count));
        }
        assert_eq!(halfway.run(&mut |_| true).unwrap().tokens, lean.tokens);
    }

    #[test]
    fn of_equal_pairs_the_last_merge_stays() {
        let mut merges = vec![(1, 2, 9), (3, 4, 10), (1, 2, 9), (5, 6, 11)];
        keep_last_of_equal_pairs(&mut merges);
        assert_eq!(merges, [(3, 4, 10), (1, 2, 9), (5, 6, 11)]);
    }
}

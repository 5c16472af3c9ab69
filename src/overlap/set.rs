//! The exact n-grams of a test set, with their places; memory grows with the test set.

use super::ngrams::{MAX_N, ngram_keys};
use crate::hash::word_hash;
use crate::words::{self, Mode};
use crate::{Error, Result};

/// In place of an n-gram's number where a text's last `n - 1` words begin none.
pub const NO_NGRAM: u32 = u32::MAX;

const GROUP: usize = 1024; // keys that pass the gate before any is looked up: fits the L1 cache

/// The two bits of a key in its word of the gate.
#[inline(always)]
fn gate_bits(key: u64) -> u64 {
    1 << (key & 63) | 1 << (key >> 6 & 63)
}

/// Distinct n-grams of texts. A *place* is the number of a word over all texts, in order, where each
/// text ends with one place of no word; the n-gram at a place begins with that word.
pub struct NgramSet {
    n: usize,
    mode: Mode,
    text_starts: Vec<u32>, // places; one more than texts
    word_ends: Vec<u32>,   // in `arena`, by place
    arena: String,         // all normalised words, one after the other
    ngrams: Vec<u32>,      // by place: the n-gram's number, or NO_NGRAM
    keys: Vec<u64>,        // by number
    first_places: Vec<u32>,
    same_key: Vec<u32>, // by number: the next n-gram with the same key but other words, or NO_NGRAM
    slots: Vec<u32>,    // open addressing by the key's low bits
    table: Vec<u64>,    // the same for probes: upper half of the key and number, or all ones
    gate: Vec<u64>,     // two bits in a word for each key: most fresh keys stop here
    gate_shift: u32,
    posting_starts: Vec<u32>,
    postings: Vec<u32>,
}

impl NgramSet {
    /// The n-grams of rows: row `i` is `data[offsets[i]..offsets[i + 1]]`.
    ///
    /// # Errors
    /// `Error::InvalidParameter` for an `n` out of range or texts of more than 4e9 words or bytes.
    pub fn new(n: usize, mode: Mode, offsets: &[i64], data: &[u8]) -> Result<NgramSet> {
        if !(1..=MAX_N).contains(&n) {
            return Err(Error::InvalidParameter(format!("n is {n}; 1 to {MAX_N} was expected")));
        }
        let mut set = NgramSet {
            n,
            mode,
            text_starts: vec![0],
            word_ends: Vec::new(),
            arena: String::new(),
            ngrams: Vec::new(),
            keys: Vec::new(),
            first_places: Vec::new(),
            same_key: Vec::new(),
            slots: vec![NO_NGRAM; 1024],
            table: Vec::new(),
            gate: Vec::new(),
            gate_shift: 0,
            posting_starts: Vec::new(),
            postings: Vec::new(),
        };
        for bounds in offsets.windows(2) {
            set.add_text(&data[bounds[0] as usize..bounds[1] as usize])?;
        }
        set.index_postings();
        set.make_gate();
        set.make_table();
        Ok(set)
    }

    fn add_text(&mut self, text: &[u8]) -> Result<()> {
        let first = self.word_ends.len();
        let mut hashes = Vec::new();
        words::for_each_word(text, self.mode, |word, _| {
            hashes.push(word_hash(word.as_bytes()));
            self.arena.push_str(word);
            self.word_ends.push(self.arena.len() as u32);
        });
        if self.arena.len() >= NO_NGRAM as usize || self.word_ends.len() >= NO_NGRAM as usize {
            return Err(Error::InvalidParameter("a test set of 4 GiB of words or more".into()));
        }
        let mut keys = Vec::new();
        ngram_keys(&mut hashes, self.n, &mut keys);
        for (offset, &key) in keys.iter().enumerate() {
            let number = self.number(key, (first + offset) as u32);
            self.ngrams.push(number);
        }
        // A place of no word, so that nothing runs on from one text into the next.
        self.word_ends.push(self.arena.len() as u32);
        self.ngrams.resize(self.word_ends.len(), NO_NGRAM);
        self.text_starts.push(self.word_ends.len() as u32);
        Ok(())
    }

    /// The number of the n-gram at `place`, a new one where it is the first of its kind.
    fn number(&mut self, key: u64, place: u32) -> u32 {
        if self.keys.len() * 2 >= self.slots.len() {
            self.grow();
        }
        let slot = self.slot(key);
        let mut last = NO_NGRAM;
        let mut number = self.slots[slot];
        while number != NO_NGRAM {
            if self.words_at(self.first_places[number as usize]) == self.words_at(place) {
                return number;
            }
            last = number;
            number = self.same_key[number as usize];
        }
        let new = self.keys.len() as u32;
        self.keys.push(key);
        self.first_places.push(place);
        self.same_key.push(NO_NGRAM);
        match last {
            NO_NGRAM => self.slots[slot] = new,
            _ => self.same_key[last as usize] = new,
        }
        new
    }

    /// The slot that has `key`, or the free one where it belongs.
    #[inline]
    fn slot(&self, key: u64) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = (key >> 12) as usize & mask; // the low bits are the gate's
        loop {
            let number = self.slots[slot];
            if number == NO_NGRAM || self.keys[number as usize] == key {
                return slot;
            }
            slot = (slot + 1) & mask;
        }
    }

    fn grow(&mut self) {
        self.slots = vec![NO_NGRAM; self.slots.len() * 2];
        let mut later = vec![false; self.keys.len()];
        for &number in self.same_key.iter().filter(|&&number| number != NO_NGRAM) {
            later[number as usize] = true;
        }
        for number in (0..self.keys.len()).filter(|&number| !later[number]) {
            let slot = self.slot(self.keys[number]);
            self.slots[slot] = number as u32;
        }
    }

    fn index_postings(&mut self) {
        let mut starts = vec![0u32; self.keys.len() + 1];
        for &number in self.ngrams.iter().filter(|&&number| number != NO_NGRAM) {
            starts[number as usize + 1] += 1;
        }
        for number in 0..self.keys.len() {
            starts[number + 1] += starts[number];
        }
        let mut next = starts.clone();
        self.postings = vec![0; starts[self.keys.len()] as usize];
        for (place, &number) in self.ngrams.iter().enumerate() {
            if number != NO_NGRAM {
                self.postings[next[number as usize] as usize] = place as u32;
                next[number as usize] += 1;
            }
        }
        self.posting_starts = starts;
    }

    fn make_gate(&mut self) {
        // 8 to 16 bits a key, two set in one word: 1 to 5 % of fresh keys pass.
        let words = (self.keys.len() * 8).next_power_of_two().max(1 << 12) / 64;
        self.gate_shift = 64 - words.trailing_zeros();
        self.gate = vec![0; words];
        for &key in &self.keys {
            self.gate[(key >> self.gate_shift) as usize] |= gate_bits(key);
        }
    }

    /// Appends the positions of those of `keys` that equal the key of an n-gram of the set, with
    /// the n-gram's number.
    pub fn probe(&self, keys: &[u64], found: &mut Vec<(u32, u32)>) {
        let mut positions = [0u32; GROUP + 16];
        for (number, group) in keys.chunks(GROUP).enumerate() {
            let passed = self.pass_gate(group, &mut positions);
            // Only now look further: no miss of the table waits for another.
            for &position in &positions[..passed] {
                let key = group[position as usize];
                self.prefetch(key);
            }
            for &position in &positions[..passed] {
                if let Some(ngram) = self.look_up(group[position as usize]) {
                    found.push(((number * GROUP) as u32 + position, ngram));
                }
            }
        }
    }

    /// Writes the positions of the keys that pass the gate, and says how many do.
    fn pass_gate(&self, keys: &[u64], positions: &mut [u32; GROUP + 16]) -> usize {
        #[cfg(target_arch = "x86_64")]
        if words::has_avx512() {
            // SAFETY: the features that the function enables are there.
            return unsafe { self.pass_gate_avx512(keys, positions) };
        }
        self.pass_gate_from(keys, 0, 0, positions)
    }

    fn pass_gate_from(
        &self,
        keys: &[u64],
        first: usize,
        mut passed: usize,
        positions: &mut [u32; GROUP + 16],
    ) -> usize {
        for (place, &key) in keys.iter().enumerate() {
            let bits = gate_bits(key);
            positions[passed] = (first + place) as u32;
            let word = self.gate[(key >> self.gate_shift) as usize];
            passed += usize::from(word & bits == bits);
        }
        passed
    }

    /// 8 keys at a time.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,popcnt")]
    fn pass_gate_avx512(&self, keys: &[u64], positions: &mut [u32; GROUP + 16]) -> usize {
        use std::arch::x86_64::*;
        let shift = _mm_cvtsi32_si128(self.gate_shift as i32);
        let (one, low) = (_mm512_set1_epi64(1), _mm512_set1_epi64(63));
        let mut numbers = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        let mut passed = 0;
        let mut eights = keys.chunks_exact(8);
        for eight in &mut eights {
            // SAFETY: 8 keys are loaded from 8, and words gathered at indexes below the gate's
            // length, which is 2 to the 64 - shift.
            let (key, word) = unsafe {
                let key = _mm512_loadu_si512(eight.as_ptr().cast());
                let index = _mm512_srl_epi64(key, shift);
                (key, _mm512_i64gather_epi64::<8>(index, self.gate.as_ptr().cast()))
            };
            let first = _mm512_sllv_epi64(one, _mm512_and_si512(key, low));
            let second = _mm512_srli_epi64::<6>(key);
            let second = _mm512_sllv_epi64(one, _mm512_and_si512(second, low));
            let mask = _mm512_test_epi64_mask(word, first) & _mm512_test_epi64_mask(word, second);
            let packed = _mm256_maskz_compress_epi32(mask, numbers);
            let room = &mut positions[passed..passed + 8];
            // SAFETY: room for 8 numbers.
            unsafe { _mm256_storeu_si256(room.as_mut_ptr().cast(), packed) };
            passed += mask.count_ones() as usize;
            numbers = _mm256_add_epi32(numbers, _mm256_set1_epi32(8));
        }
        let rest = eights.remainder();
        self.pass_gate_from(rest, keys.len() - rest.len(), passed, positions)
    }

    #[inline(always)]
    fn prefetch(&self, key: u64) {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            let place = (key >> 12) as usize & (self.table.len() - 1);
            // SAFETY: a prefetch reads nothing; SSE is part of x86_64.
            unsafe { _mm_prefetch(self.table.as_ptr().wrapping_add(place).cast(), _MM_HINT_T0) };
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = key;
    }

    #[inline]
    fn look_up(&self, key: u64) -> Option<u32> {
        let mask = self.table.len() - 1;
        let mut slot = (key >> 12) as usize & mask;
        loop {
            let entry = self.table[slot];
            if entry == u64::MAX {
                return None;
            }
            // Half of the key stands in the table; what it lets through is compared in full.
            if entry >> 32 == key >> 32 && self.keys[entry as u32 as usize] == key {
                return Some(entry as u32);
            }
            slot = (slot + 1) & mask;
        }
    }

    /// The slots with the upper half of each key beside its n-gram's number.
    fn make_table(&mut self) {
        self.table = self
            .slots
            .iter()
            .map(|&number| match number {
                NO_NGRAM => u64::MAX,
                _ => self.keys[number as usize] >> 32 << 32 | number as u64,
            })
            .collect();
        self.slots = Vec::new(); // only for building
    }

    /// The number of the n-gram with these words (without spaces, with their ends), starting from
    /// the first of its key; None where the key lied.
    pub(super) fn confirm(&self, number: u32, words: &str, lengths: &[u32]) -> Option<u32> {
        let mut number = number;
        while number != NO_NGRAM {
            let place = self.first_places[number as usize] as usize;
            let start = self.word_start(place);
            let end = self.word_ends[place + self.n - 1] as usize;
            let same_ends = (0..self.n).all(|word| {
                self.word_ends[place + word] as usize - start == lengths[word] as usize
            });
            if same_ends && &self.arena[start..end] == words {
                return Some(number);
            }
            number = self.same_key[number as usize];
        }
        None
    }

    fn word_start(&self, place: usize) -> usize {
        if place == 0 { 0 } else { self.word_ends[place - 1] as usize }
    }

    fn words_at(&self, place: u32) -> impl PartialEq + use<'_> {
        let place = place as usize;
        let start = self.word_start(place);
        let ends = self.word_ends[place..place + self.n].iter();
        let text = &self.arena[start..self.word_ends[place + self.n - 1] as usize];
        (text, ends.map(|&end| end - start as u32).collect::<Vec<u32>>())
    }

    /// Words in an n-gram.
    pub fn n(&self) -> usize {
        self.n
    }

    /// Which characters make words.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// First places of the texts, and the number of places at the end. A text has one place more
    /// than words.
    pub fn text_starts(&self) -> &[u32] {
        &self.text_starts
    }

    /// The n-gram's number at each place, or [`NO_NGRAM`].
    pub fn ngrams(&self) -> &[u32] {
        &self.ngrams
    }

    /// The key of each distinct n-gram.
    pub fn keys(&self) -> &[u64] {
        &self.keys
    }

    /// The places of an n-gram, in order.
    pub fn places(&self, number: u32) -> &[u32] {
        let number = number as usize;
        let range = self.posting_starts[number] as usize..self.posting_starts[number + 1] as usize;
        &self.postings[range]
    }
}

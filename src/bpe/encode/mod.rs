//! Text to ids and back.
//!
//! Ids are those of the reference that the vocabulary comes from: of the pairs in a piece the one
//! of lowest rank is merged first, the leftmost among equals, until none is left. Pieces seen before
//! come from a cache of bounded size; each thread has its own and keeps it between calls.

mod added;
mod batch;
mod cache;
mod merge;
mod ranks;

use super::count::{SHORT_BYTES, Seeds, short_key_at};
use super::pretokenize::Pretokenizer;
use super::vocabulary::{Merges, Vocabulary};
use crate::{Error, Result};
use added::Matcher;
use cache::{LongCache, NO_KEY, ShortCache};
use merge::Merger;
use ranks::{NONE, Ranks};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// Pieces whose cache lines are fetched ahead of their use.
const BLOCK: usize = 128;

/// An id as it is written: 16 bits where all fit, else 32.
pub trait Id: Copy + Send + 'static {
    /// The id in this width, which the caller has checked to be enough.
    fn of(id: u32) -> Self;
    /// The id again.
    fn get(self) -> u32;
    /// Writes eight ids that lie in 16 bits each, the first one lowest.
    ///
    /// # Safety
    /// `to` has room for eight.
    unsafe fn write_narrow(ids: [u64; 2], to: *mut Self);
}

impl Id for u16 {
    #[inline(always)]
    fn of(id: u32) -> Self {
        id as u16
    }

    #[inline(always)]
    fn get(self) -> u32 {
        self as u32
    }

    #[inline(always)]
    unsafe fn write_narrow(ids: [u64; 2], to: *mut Self) {
        // SAFETY: the caller's. Little-endian, as all of the core.
        unsafe { to.cast::<[u64; 2]>().write_unaligned(ids) }
    }
}

impl Id for u32 {
    #[inline(always)]
    fn of(id: u32) -> Self {
        id
    }

    #[inline(always)]
    fn get(self) -> u32 {
        self
    }

    #[inline(always)]
    unsafe fn write_narrow(ids: [u64; 2], to: *mut Self) {
        for i in 0..8 {
            // SAFETY: the caller's.
            unsafe { to.add(i).write((ids[i / 4] >> (16 * (i % 4))) as u16 as u32) }
        }
    }
}

/// A vocabulary made ready. Shared between threads; encoding needs no `mut`.
pub struct Encoder {
    vocabulary: Arc<Vocabulary>,
    ranks: Ranks,
    id_of_byte: [u32; 256],
    /// Whole pieces that are tokens; only where the vocabulary asks for it and merging differs.
    whole: Option<HashMap<Box<[u8]>, u32>>,
    /// Whether two bytes stand side by side in some token; if not, no merge crosses there.
    adjacent: Vec<u64>,
    added: Matcher,
    seeds: Seeds,
    /// What threads need besides, kept from call to call.
    scratch: Mutex<Vec<Scratch>>,
}

/// What one thread needs.
struct Scratch {
    pretokenizer: Pretokenizer,
    short: ShortCache,
    long: LongCache,
    merger: Merger,
    ids: Vec<u32>,
}

impl Encoder {
    /// Makes a vocabulary ready.
    pub fn new(vocabulary: impl Into<Arc<Vocabulary>>) -> Self {
        let vocabulary = vocabulary.into();
        let mut id_of_byte = [0; 256];
        let mut adjacent = vec![0u64; (1 << 16) / 64];
        for (id, token) in (0u32..).zip(&vocabulary.tokens) {
            let Some(token) = token else { continue };
            if let [byte] = token[..] {
                id_of_byte[byte as usize] = id;
            }
            for pair in token.windows(2) {
                let bit = (pair[0] as usize) << 8 | pair[1] as usize;
                adjacent[bit / 64] |= 1 << (bit % 64);
            }
        }
        let ranks = Ranks::new(&vocabulary, &id_of_byte);
        let added = Matcher::new(&vocabulary.added);
        let mut encoder = Encoder {
            ranks,
            id_of_byte,
            whole: None,
            adjacent,
            added,
            seeds: Seeds::random(),
            scratch: Mutex::new(Vec::new()),
            vocabulary,
        };
        let takes_whole =
            encoder.vocabulary.whole_first || encoder.vocabulary.merges == Merges::ByToken;
        if takes_whole && !encoder.merging_reaches_every_token() {
            let tokens = (0u32..).zip(&encoder.vocabulary.tokens);
            let whole = tokens.filter_map(|(id, token)| token.clone().map(|token| (token, id)));
            encoder.whole = Some(whole.collect());
        }
        encoder
    }

    /// The vocabulary.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// Whether every token is what its own bytes merge to, so that no piece needs to be looked up.
    fn merging_reaches_every_token(&self) -> bool {
        let mut merger = Merger::default();
        let mut ids = Vec::new();
        (0u32..).zip(&self.vocabulary.tokens).all(|(id, token)| {
            let Some(token) = token else { return true };
            ids.clear();
            merger.merge(token, &self.id_of_byte, &self.ranks, &mut ids);
            ids == [id]
        })
    }

    /// The ids of one text.
    ///
    /// Text that spells a special token is ordinary text, unless `allow_special`; other added tokens
    /// are always found.
    pub fn encode(&self, text: &[u8], allow_special: bool) -> Vec<u32> {
        let mut scratch = self.take_scratch();
        let mut ids = Vec::new();
        self.encode_into(text, allow_special, &mut scratch, &mut ids);
        self.keep_scratch(scratch);
        ids
    }

    /// The bytes of ids, one after the other; specials as their text.
    ///
    /// # Errors
    /// `Error::InvalidParameter` for an id that stands for nothing.
    pub fn decode(&self, ids: impl Iterator<Item = u32>) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        for id in ids {
            match self.vocabulary.tokens.get(id as usize) {
                Some(Some(token)) => bytes.extend_from_slice(token),
                _ => match self.vocabulary.added.iter().find(|token| token.id == id) {
                    Some(token) => bytes.extend_from_slice(token.content.as_bytes()),
                    None => {
                        return Err(Error::InvalidParameter(format!(
                            "id {id} stands for no token; ids are below {}",
                            self.vocabulary.id_limit()
                        )));
                    }
                },
            }
        }
        Ok(bytes)
    }

    fn take_scratch(&self) -> Scratch {
        let kept = self.scratch.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).pop();
        kept.unwrap_or_else(|| Scratch {
            pretokenizer: Pretokenizer::new(self.vocabulary.pattern),
            short: ShortCache::new(self.seeds, self.vocabulary.id_limit()),
            long: LongCache::new(self.seeds),
            merger: Merger::default(),
            ids: Vec::new(),
        })
    }

    fn keep_scratch(&self, scratch: Scratch) {
        self.scratch.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(scratch);
    }

    fn encode_into<T: Id>(
        &self,
        text: &[u8],
        allow_special: bool,
        scratch: &mut Scratch,
        out: &mut Vec<T>,
    ) {
        if !self.added.looks(allow_special) {
            return self.encode_ordinary(text, scratch, out);
        }
        self.added.split(
            text,
            allow_special,
            &mut (scratch, out),
            |(scratch, out), part| self.encode_ordinary(part, scratch, out),
            |(_, out), id| out.push(T::of(id)),
        );
    }

    fn encode_ordinary<T: Id>(&self, text: &[u8], scratch: &mut Scratch, out: &mut Vec<T>) {
        let Scratch { pretokenizer, short, long, merger, ids } = scratch;
        pretokenizer.segments(text, |segment, ends| {
            // A token has at least one byte; the cache writes 8 ids before it counts them.
            out.reserve(segment.len() + 8);
            let mut start = 0;
            let mut keys = [(NO_KEY, 0u64); BLOCK];
            for block in ends.chunks(BLOCK) {
                let mut from = start;
                for (slot, &end) in keys.iter_mut().zip(block) {
                    let len = end as usize - start;
                    *slot = if len <= SHORT_BYTES {
                        let key = short_key_at(segment, start, len);
                        let hash = self.seeds.hash(key);
                        short.prefetch(hash);
                        (key, hash)
                    } else {
                        let hash = long.hash(&segment[start..end as usize]);
                        long.prefetch(hash);
                        (NO_KEY, hash)
                    };
                    start = end as usize;
                }
                let mut filled = out.len();
                for (&(key, hash), &end) in keys.iter().zip(block) {
                    debug_assert!(out.capacity() - filled >= cache::NARROW_IDS);
                    // SAFETY: a piece has no more ids than bytes, and there was room for 8 more
                    // than the segment has; what is counted was written.
                    unsafe {
                        match short.get(key, hash, out.as_mut_ptr().add(filled)) {
                            Some(count) => filled += count,
                            None => {
                                out.set_len(filled);
                                let piece = &segment[from..end as usize];
                                self.encode_unknown(
                                    piece,
                                    key,
                                    hash,
                                    (short, long, merger),
                                    ids,
                                    out,
                                );
                                filled = out.len();
                            }
                        }
                    }
                    from = end as usize;
                }
                // SAFETY: as above.
                unsafe { out.set_len(filled) };
            }
        });
    }

    /// Appends the ids of a piece that the cache of short pieces does not know, and remembers them.
    #[inline(never)]
    fn encode_unknown<T: Id>(
        &self,
        piece: &[u8],
        key: u128,
        hash: u64,
        (short, long, merger): (&mut ShortCache, &mut LongCache, &mut Merger),
        ids: &mut Vec<u32>,
        out: &mut Vec<T>,
    ) {
        let known = match key {
            NO_KEY => long.append(piece, hash, out),
            _ => short.append(key, hash, out),
        };
        if known {
            return;
        }
        let first = out.len();
        match self.whole.as_ref().map(|whole| whole.get(piece)) {
            Some(Some(&id)) => out.push(T::of(id)),
            Some(None) => self.merge(piece, merger, ids, out),
            None => self.encode_parts(piece, (short, long, merger), ids, out),
        }
        match key {
            NO_KEY => long.put(piece, hash, &out[first..]),
            _ => short.put(key, hash, &out[first..]),
        }
    }

    /// Cut where no token reaches across: the parts are merged alone, and small ones are known.
    fn encode_parts<T: Id>(
        &self,
        piece: &[u8],
        (short, long, merger): (&mut ShortCache, &mut LongCache, &mut Merger),
        ids: &mut Vec<u32>,
        out: &mut Vec<T>,
    ) {
        let mut start = 0;
        while start < piece.len() {
            let mut end = start + 1;
            while end < piece.len() && self.can_stand_together(piece[end - 1], piece[end]) {
                end += 1;
            }
            let part = &piece[start..end];
            start = end;
            match *part {
                // Where a vocabulary knows few of a script's characters most parts are this small.
                [byte] => out.push(T::of(self.id_of_byte[byte as usize])),
                [left, right] => match self.ranks.of_bytes(left, right) {
                    NONE => out.extend([left, right].map(|b| T::of(self.id_of_byte[b as usize]))),
                    rank => out.push(T::of(self.ranks.merged(rank))),
                },
                // The whole piece, which the caller remembers.
                _ if part.len() == piece.len() => self.merge(part, merger, ids, out),
                _ => self.encode_part(part, (short, long, merger), ids, out),
            }
        }
    }

    /// Appends the ids of a part that no merge leaves, and remembers them.
    fn encode_part<T: Id>(
        &self,
        part: &[u8],
        (short, long, merger): (&mut ShortCache, &mut LongCache, &mut Merger),
        ids: &mut Vec<u32>,
        out: &mut Vec<T>,
    ) {
        let first = out.len();
        if part.len() <= SHORT_BYTES {
            let key = short_key_at(part, 0, part.len());
            let hash = self.seeds.hash(key);
            if !short.append(key, hash, out) {
                self.merge(part, merger, ids, out);
                short.put(key, hash, &out[first..]);
            }
        } else {
            let hash = long.hash(part);
            if !long.append(part, hash, out) {
                self.merge(part, merger, ids, out);
                long.put(part, hash, &out[first..]);
            }
        }
    }

    /// Appends the ids of a piece by merging.
    fn merge<T: Id>(
        &self,
        piece: &[u8],
        merger: &mut Merger,
        ids: &mut Vec<u32>,
        out: &mut Vec<T>,
    ) {
        ids.clear();
        merger.merge(piece, &self.id_of_byte, &self.ranks, ids);
        out.extend(ids.iter().map(|&id| T::of(id)));
    }

    #[inline(always)]
    fn can_stand_together(&self, left: u8, right: u8) -> bool {
        let bit = (left as usize) << 8 | right as usize;
        self.adjacent[bit / 64] >> (bit % 64) & 1 == 1
    }
}

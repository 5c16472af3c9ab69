//! Pieces seen before and their ids, in bounded memory.

use super::Id;
use crate::bpe::count::{Seeds, prefetch};

/// Slots of the cache of short pieces, in pairs that fill a cache line: 16 MiB. Ours: the distinct
/// pieces of about 100 MB of English.
const SHORT_SLOTS: usize = 1 << 19;

/// Bounds of the cache of long pieces; it is emptied when it reaches one.
const LONG_ENTRIES: usize = 1 << 15;
const LONG_BYTES: usize = 4 << 20;
const LONGEST: usize = 1024;

/// The most ids that a slot holds: 8 of 16 bits, or 6 of 20 where the vocabulary needs more.
pub(super) const NARROW_IDS: usize = 8;
const WIDE_IDS: usize = 6;
const WIDE_MASK: u64 = (1 << 20) - 1;

/// Where a slot's key holds the number of ids: above the piece's length, which is at most 15.
const COUNT_SHIFT: u32 = 60;
const COUNT_MASK: u64 = 0xF << COUNT_SHIFT;

/// A short piece with the number of its ids, and its ids; a key of 0 is empty.
#[derive(Clone, Copy)]
#[repr(C)]
struct Slot {
    key: [u64; 2],
    ids: [u64; 2],
}

/// Two slots in a cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([Slot; 2]);

/// Short pieces: each has one line where it can stand, the first to come stays, the second changes.
pub(super) struct ShortCache {
    lines: Vec<Line>,
    shift: u32,
    wide: bool,
}

impl ShortCache {
    /// An empty cache for ids below `id_limit`.
    pub(super) fn new(id_limit: u32) -> Self {
        let count = SHORT_SLOTS / 2;
        let empty = Line([Slot { key: [0; 2], ids: [0; 2] }; 2]);
        ShortCache {
            lines: vec![empty; count],
            shift: 64 - count.trailing_zeros(),
            wide: id_limit > 1 << 16,
        }
    }

    #[inline(always)]
    pub(super) fn prefetch(&self, hash: u64) {
        prefetch(self.lines.as_ptr().wrapping_add((hash >> self.shift) as usize));
    }

    /// Appends the ids of the piece of this key to `out`, which has room for 8 more; whether it
    /// was known.
    #[inline(always)]
    pub(super) fn get<T: Id>(&self, key: u128, hash: u64, out: &mut Vec<T>) -> bool {
        // SAFETY: the shift leaves as many bits as the number of lines has.
        let line = unsafe { self.lines.get_unchecked((hash >> self.shift) as usize) };
        let (low, high) = (key as u64, (key >> 64) as u64);
        let same = |slot: &Slot| slot.key[0] == low && slot.key[1] & !COUNT_MASK == high;
        let [first, second] = &line.0;
        let slot = if same(first) {
            first
        } else if same(second) {
            second
        } else {
            return false;
        };
        let count = (slot.key[1] >> COUNT_SHIFT) as usize;
        debug_assert!(count <= NARROW_IDS && out.capacity() - out.len() >= NARROW_IDS);
        if out.capacity() - out.len() < NARROW_IDS {
            out.reserve(NARROW_IDS);
        }
        let ids = if self.wide { unpack_wide(slot.ids) } else { unpack_narrow(slot.ids) };
        // SAFETY: there is room for 8, all of which are written; at most 8 of them count.
        unsafe {
            (out.as_mut_ptr().add(out.len()) as *mut [T; NARROW_IDS]).write_unaligned(ids);
            out.set_len(out.len() + count);
        }
        true
    }

    /// Remembers the ids of a piece, if they are few enough.
    pub(super) fn put(&mut self, key: u128, hash: u64, ids: &[u32]) {
        let (bits, limit) = if self.wide { (20, WIDE_IDS) } else { (16, NARROW_IDS) };
        if ids.len() > limit {
            return;
        }
        let packed = |ids: &[u32]| ids.iter().rev().fold(0, |word, &id| word << bits | id as u64);
        let (low, high) = ids.split_at(ids.len().min(limit / 2));
        let counted = (key >> 64) as u64 | (ids.len() as u64) << COUNT_SHIFT;
        let line = &mut self.lines[(hash >> self.shift) as usize].0;
        let place = (line[0].key[1] != 0) as usize;
        line[place] = Slot { key: [key as u64, counted], ids: [packed(low), packed(high)] };
    }
}

#[inline(always)]
fn unpack_narrow<T: Id>(words: [u64; 2]) -> [T; NARROW_IDS] {
    std::array::from_fn(|i| T::of((words[i / 4] >> (16 * (i % 4))) as u16 as u32))
}

#[inline(always)]
fn unpack_wide<T: Id>(words: [u64; 2]) -> [T; NARROW_IDS] {
    let id = |i: usize| T::of((words[i / 3] >> (20 * (i % 3)) & WIDE_MASK) as u32);
    std::array::from_fn(|i| if i < WIDE_IDS { id(i) } else { T::default() })
}

/// Long pieces, by hash and then by their bytes.
pub(super) struct LongCache {
    seeds: Seeds,
    /// Number of the entry plus one; 0 is an empty slot.
    index: Vec<u32>,
    entries: Vec<Entry>,
    bytes: Vec<u8>,
    ids: Vec<u32>,
}

struct Entry {
    hash: u64,
    bytes: (u32, u32),
    ids: (u32, u32),
}

impl LongCache {
    pub(super) fn new(seeds: Seeds) -> Self {
        LongCache {
            seeds,
            index: vec![0; LONG_ENTRIES * 2],
            entries: Vec::new(),
            bytes: Vec::new(),
            ids: Vec::new(),
        }
    }

    /// Appends the ids of a piece to `out`; whether it was known.
    pub(super) fn get<T: Id>(&self, piece: &[u8], out: &mut Vec<T>) -> bool {
        if piece.len() > LONGEST {
            return false;
        }
        let hash = self.seeds.hash_bytes(piece);
        let mut at = hash as usize & (self.index.len() - 1);
        while self.index[at] != 0 {
            let entry = &self.entries[self.index[at] as usize - 1];
            let bytes = &self.bytes[entry.bytes.0 as usize..entry.bytes.1 as usize];
            if entry.hash == hash && bytes == piece {
                let ids = &self.ids[entry.ids.0 as usize..entry.ids.1 as usize];
                out.extend(ids.iter().map(|&id| T::of(id)));
                return true;
            }
            at = (at + 1) & (self.index.len() - 1);
        }
        false
    }

    /// Remembers the ids of a piece that is not known yet.
    pub(super) fn put(&mut self, piece: &[u8], ids: &[u32]) {
        if piece.len() > LONGEST {
            return;
        }
        if self.entries.len() >= LONG_ENTRIES || self.bytes.len() + piece.len() > LONG_BYTES {
            self.index.fill(0);
            self.entries.clear();
            self.bytes.clear();
            self.ids.clear();
        }
        let hash = self.seeds.hash_bytes(piece);
        let mut at = hash as usize & (self.index.len() - 1);
        while self.index[at] != 0 {
            at = (at + 1) & (self.index.len() - 1);
        }
        let (byte, id) = (self.bytes.len() as u32, self.ids.len() as u32);
        self.bytes.extend_from_slice(piece);
        self.ids.extend_from_slice(ids);
        self.entries.push(Entry {
            hash,
            bytes: (byte, self.bytes.len() as u32),
            ids: (id, self.ids.len() as u32),
        });
        self.index[at] = self.entries.len() as u32;
    }
}

//! Open tables of pieces: up to 15 bytes as a 128-bit key, longer ones as bytes in an arena.

use std::hash::{BuildHasher, Hasher, RandomState};

/// The longest piece that fits into a key beside its length.
pub(crate) const SHORT_BYTES: usize = 15;

/// Pieces whose slots are fetched ahead of their use.
pub(crate) const BLOCK: usize = 32;

/// Hash seeds: random, so that nobody can prepare text that collides; no result depends on them.
#[derive(Clone, Copy)]
pub(crate) struct Seeds(u64, u64);

impl Seeds {
    pub(crate) fn random() -> Self {
        let state = RandomState::new();
        Seeds(state.hash_one(1u8) | 1, state.hash_one(2u8) | 1)
    }

    /// A hash of 128 bits: one wide multiplication, folded.
    #[inline(always)]
    pub(crate) fn hash(self, key: u128) -> u64 {
        let product = ((key as u64) ^ self.0) as u128 * (((key >> 64) as u64) ^ self.1) as u128;
        // The second multiplication spreads keys for which a factor was small.
        ((product as u64) ^ (product >> 64) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    /// A hash of any bytes.
    #[inline]
    pub(crate) fn hash_bytes(self, bytes: &[u8]) -> u64 {
        let mut hash = bytes.len() as u64;
        let (blocks, tail) = bytes.as_chunks::<16>();
        for block in blocks {
            hash = self.hash(u128::from_le_bytes(*block) ^ hash as u128).rotate_left(23) ^ hash;
        }
        let mut last = [0; 16];
        last[..tail.len()].copy_from_slice(tail);
        self.hash(u128::from_le_bytes(last) ^ (hash as u128) << 64 ^ hash as u128)
    }
}

/// For maps from bytes: faster than the standard hasher.
impl BuildHasher for Seeds {
    type Hasher = BytesHasher;

    fn build_hasher(&self) -> BytesHasher {
        BytesHasher(*self, 0)
    }
}

/// Hashes one run of bytes, or several with their lengths.
pub(crate) struct BytesHasher(Seeds, u64);

impl Hasher for BytesHasher {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        self.1 = self.1.rotate_left(23) ^ self.0.hash_bytes(bytes);
    }

    #[inline]
    fn write_usize(&mut self, number: usize) {
        self.1 = self.1.rotate_left(23) ^ number as u64;
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.1
    }
}

/// The bits of the first bytes of a key, by their number.
static MASKS: [u128; SHORT_BYTES + 1] = {
    let mut masks = [0; SHORT_BYTES + 1];
    let mut len = 1;
    while len <= SHORT_BYTES {
        masks[len] = u128::MAX >> (128 - 8 * len);
        len += 1;
    }
    masks
};

/// The key of a short piece: its bytes, then zeros, then its length.
#[inline(always)]
pub(crate) fn short_key(piece: &[u8]) -> u128 {
    let mut bytes = [0; 16];
    bytes[..piece.len()].copy_from_slice(piece);
    bytes[15] = piece.len() as u8;
    u128::from_le_bytes(bytes)
}

/// The key of `text[start..start + len]`, by one load where 16 bytes are there.
#[inline(always)]
pub(crate) fn short_key_at(text: &[u8], start: usize, len: usize) -> u128 {
    debug_assert!(len <= SHORT_BYTES && len > 0);
    if start + 16 <= text.len() {
        // SAFETY: 16 bytes from `start` lie inside `text`.
        let wide = unsafe { (text.as_ptr().add(start) as *const u128).read_unaligned() };
        // SAFETY: a short piece's length lies inside the table.
        let mask = unsafe { *MASKS.get_unchecked(len) };
        (u128::from_le(wide) & mask) | (len as u128) << 120
    } else {
        short_key(&text[start..start + len])
    }
}

/// Piece and length of a key.
#[inline(always)]
pub(crate) fn key_bytes(key: u128) -> ([u8; 16], usize) {
    (key.to_le_bytes(), (key >> 120) as usize)
}

/// Counts of short pieces.
pub(crate) struct ShortTable {
    seeds: Seeds,
    /// Key (low, high) and count; a key of 0 is an empty slot.
    slots: Vec<[u64; 3]>,
    shift: u32,
    len: usize,
}

impl ShortTable {
    pub(crate) fn new(seeds: Seeds) -> Self {
        ShortTable { seeds, slots: vec![[0; 3]; 1 << 12], shift: 64 - 12, len: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.slots.capacity() * size_of::<[u64; 3]>()
    }

    #[inline(always)]
    pub(crate) fn hash(&self, key: u128) -> u64 {
        self.seeds.hash(key)
    }

    #[inline(always)]
    pub(crate) fn prefetch(&self, hash: u64) {
        prefetch(&self.slots[(hash >> self.shift) as usize]);
    }

    /// Makes room for `more` pieces.
    #[inline(always)]
    pub(crate) fn reserve(&mut self, more: usize) {
        if (self.len + more) * 16 > self.slots.len() * 9 {
            self.grow(more);
        }
    }

    #[cold]
    fn grow(&mut self, more: usize) {
        while (self.len + more) * 16 > self.slots.len() * 9 {
            let slots = crate::huge::filled([0; 3], self.slots.len() * 2);
            let old = std::mem::replace(&mut self.slots, slots);
            self.shift -= 1;
            self.len = 0;
            self.add_slots(&old);
        }
    }

    /// Adds to the count of a piece; `reserve` was called for it.
    #[inline(always)]
    pub(crate) fn add(&mut self, key: u128, hash: u64, count: u64) {
        let (low, high) = (key as u64, (key >> 64) as u64);
        let mask = self.slots.len() - 1;
        let mut at = (hash >> self.shift) as usize;
        loop {
            // SAFETY: `at` is below the length, a power of two.
            let slot = unsafe { self.slots.get_unchecked_mut(at & mask) };
            if slot[0] == low && slot[1] == high {
                slot[2] = slot[2].saturating_add(count);
                return;
            }
            if slot[1] == 0 {
                *slot = [low, high, count];
                self.len += 1;
                return;
            }
            at += 1;
        }
    }

    /// Adds the counts of another table.
    pub(crate) fn merge(&mut self, other: &ShortTable) {
        for slots in other.slots.chunks(4096) {
            self.reserve(slots.len());
            self.add_slots(slots);
        }
    }

    fn add_slots(&mut self, slots: &[[u64; 3]]) {
        let mut block = [(0u128, 0u64, 0u64); BLOCK];
        let mut filled = 0;
        for slot in slots.iter().filter(|slot| slot[1] != 0) {
            let key = slot[0] as u128 | (slot[1] as u128) << 64;
            let hash = self.hash(key);
            self.prefetch(hash);
            block[filled] = (key, hash, slot[2]);
            filled += 1;
            if filled == BLOCK {
                block.iter().for_each(|&(key, hash, count)| self.add(key, hash, count));
                filled = 0;
            }
        }
        block[..filled].iter().for_each(|&(key, hash, count)| self.add(key, hash, count));
    }

    pub(crate) fn for_each(&self, visit: &mut impl FnMut(&[u8], u64)) {
        for slot in self.slots.iter().filter(|slot| slot[1] != 0) {
            let (bytes, len) = key_bytes(slot[0] as u128 | (slot[1] as u128) << 64);
            visit(&bytes[..len], slot[2]);
        }
    }
}

/// Counts of long pieces.
pub(crate) struct LongTable {
    seeds: Seeds,
    /// Number of the entry plus one; 0 is an empty slot.
    index: Vec<u32>,
    entries: Vec<LongEntry>,
    bytes: Vec<u8>,
}

struct LongEntry {
    hash: u64,
    offset: u64,
    len: u32,
    count: u64,
}

impl LongTable {
    pub(crate) fn new(seeds: Seeds) -> Self {
        LongTable { seeds, index: vec![0; 1 << 10], entries: Vec::new(), bytes: Vec::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        let entries = self.entries.capacity() * size_of::<LongEntry>();
        self.index.capacity() * size_of::<u32>() + entries + self.bytes.capacity()
    }

    /// Adds to the count of a piece.
    pub(crate) fn add(&mut self, piece: &[u8], count: u64) {
        let hash = self.seeds.hash_bytes(piece);
        let mask = self.index.len() - 1;
        let mut at = hash as usize & mask;
        while self.index[at] != 0 {
            let entry = &mut self.entries[self.index[at] as usize - 1];
            let offset = entry.offset as usize;
            if entry.hash == hash && self.bytes[offset..offset + entry.len as usize] == *piece {
                entry.count = entry.count.saturating_add(count);
                return;
            }
            at = (at + 1) & mask;
        }
        let offset = self.bytes.len() as u64;
        self.bytes.extend_from_slice(piece);
        self.entries.push(LongEntry { hash, offset, len: piece.len() as u32, count });
        self.index[at] = u32::try_from(self.entries.len()).expect("fewer than 4 G long pieces");
        if self.entries.len() * 2 > self.index.len() {
            self.grow();
        }
    }

    #[cold]
    fn grow(&mut self) {
        let mask = self.index.len() * 2 - 1;
        self.index = vec![0; mask + 1];
        for (number, entry) in self.entries.iter().enumerate() {
            let mut at = entry.hash as usize & mask;
            while self.index[at] != 0 {
                at = (at + 1) & mask;
            }
            self.index[at] = number as u32 + 1;
        }
    }

    pub(crate) fn for_each(&self, mut visit: impl FnMut(&[u8], u64)) {
        for entry in &self.entries {
            let offset = entry.offset as usize;
            visit(&self.bytes[offset..offset + entry.len as usize], entry.count);
        }
    }
}

/// Asks for the cache line of `place`; does nothing where the CPU has no such instruction.
#[inline(always)]
pub(crate) fn prefetch<T>(place: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads nothing and accepts any address.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(place as *const i8);
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}

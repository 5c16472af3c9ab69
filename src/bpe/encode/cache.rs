//! Pieces seen before and their ids, in bounded memory.
//!
//! Both caches begin small and grow with what they meet: 16 KiB of text need no large table, and of
//! many languages hundreds of megabytes have millions of pieces.

use super::Id;
use crate::bpe::count::{Seeds, prefetch};
use memmap2::MmapMut;

/// Lines of the cache of short pieces, of two slots each: 2 MiB at first, at most 64 MiB a thread.
/// Ours: 100 MB of English have 170,000 distinct pieces, 300 MB of ten languages 1.3 million.
const FIRST_LINES: usize = 1 << 15;
const MOST_LINES: usize = 1 << 20;

/// Lines from a piece's own on where it can stand.
const REACH: usize = 4;

/// Bounds of the cache of long pieces, a thread; it is emptied when it reaches one.
const LONG_ENTRIES: usize = 1 << 20;
const LONG_BYTES: usize = 64 << 20;
/// The longest piece that is remembered.
const LONGEST: usize = 1024;

/// The most ids that a slot holds: 8 of 16 bits, or 6 of 20 where the vocabulary needs more.
pub(super) const NARROW_IDS: usize = 8;
const WIDE_IDS: usize = 6;
const WIDE_MASK: u64 = (1 << 20) - 1;

/// Where a slot's key holds the number of ids: above the piece's length, which is at most 15.
const COUNT_SHIFT: u32 = 60;
const COUNT_MASK: u64 = 0xF << COUNT_SHIFT;

/// No short piece's key: it has bytes, but a length of 0.
pub(super) const NO_KEY: u128 = 1 << 64;

/// A short piece with the number of its ids, and its ids; a key of 0 is empty.
#[derive(Clone, Copy)]
#[repr(C)]
struct Slot {
    key: [u64; 2],
    ids: [u64; 2],
}

/// Two slots in a cache line.
#[repr(C, align(64))]
struct Line([Slot; 2]);

/// Short pieces: nearly all stand in their own line, which is all that `get` looks at; those that
/// come to a full one, the rarest, in the next that has room. The largest cache gives the second
/// slot to the last to come.
pub(super) struct ShortCache {
    seeds: Seeds,
    /// `Line`s, in huge pages where the system has them: most pieces lie in a page of their own.
    map: MmapMut,
    shift: u32,
    wide: bool,
    pieces: usize,
}

impl ShortCache {
    /// An empty cache for ids below `id_limit`.
    pub(super) fn new(seeds: Seeds, id_limit: u32) -> Self {
        ShortCache {
            seeds,
            map: empty_lines(FIRST_LINES),
            shift: 64 - FIRST_LINES.trailing_zeros(),
            wide: id_limit > 1 << 16,
            pieces: 0,
        }
    }

    fn lines(&self) -> usize {
        self.map.len() / size_of::<Line>()
    }

    /// Where the piece of this hash stands, if it is known.
    #[inline(always)]
    fn line(&self, hash: u64) -> *const Line {
        self.map.as_ptr().cast::<Line>().wrapping_add((hash >> self.shift) as usize)
    }

    #[inline(always)]
    pub(super) fn prefetch(&self, hash: u64) {
        prefetch(self.line(hash));
    }

    /// Writes the ids of the piece of this key to `to`; how many they are, or none if it is not
    /// known.
    ///
    /// # Safety
    /// `to` has room for `NARROW_IDS`; those that count are written.
    #[inline(always)]
    pub(super) unsafe fn get<T: Id>(&self, key: u128, hash: u64, to: *mut T) -> Option<usize> {
        // SAFETY: the shift leaves as many bits as the number of lines has; a map begins at a page
        // and all its bits are valid.
        unsafe { self.get_at(self.line(hash), key, to) }
    }

    /// As `get`, of one line.
    ///
    /// # Safety
    /// As of `get`, and the line is one of the cache.
    #[inline(always)]
    unsafe fn get_at<T: Id>(&self, line: *const Line, key: u128, to: *mut T) -> Option<usize> {
        // SAFETY: the caller's.
        let Line(slots) = unsafe { &*line };
        let (low, high) = (key as u64, (key >> 64) as u64);
        let differs = |slot: &Slot| (slot.key[0] ^ low) | (slot.key[1] ^ high) & !COUNT_MASK;
        // Which of both it is cannot be foretold: an address instead of a branch.
        let slot = &slots[(differs(&slots[1]) == 0) as usize];
        if differs(slot) != 0 {
            return None;
        }
        // SAFETY: the caller's.
        if self.wide {
            unsafe { write_wide(slot.ids, to) }
        } else {
            unsafe { T::write_narrow(slot.ids, to) }
        }
        Some((slot.key[1] >> COUNT_SHIFT) as usize)
    }

    /// Appends the ids of the piece of this key to `out`, wherever it stands; whether it was known.
    pub(super) fn append<T: Id>(&self, key: u128, hash: u64, out: &mut Vec<T>) -> bool {
        out.reserve(NARROW_IDS);
        for number in self.reach(hash) {
            let line = self.map.as_ptr().cast::<Line>().wrapping_add(number);
            // SAFETY: the line is in reach; there is room, and what is counted was written.
            unsafe {
                if let Some(count) = self.get_at(line, key, out.as_mut_ptr().add(out.len())) {
                    out.set_len(out.len() + count);
                    return true;
                }
                if (*line).0[1].key[1] == 0 {
                    break;
                }
            }
        }
        false
    }

    /// The numbers of the lines where a piece of this hash can stand.
    fn reach(&self, hash: u64) -> impl Iterator<Item = usize> + use<> {
        let (own, last) = ((hash >> self.shift) as usize, self.lines() - 1);
        (own..own + REACH).map(move |number| number & last)
    }

    /// Remembers the ids of a piece that is not known, if they are few enough.
    pub(super) fn put<T: Id>(&mut self, key: u128, hash: u64, ids: &[T]) {
        let (bits, limit) = if self.wide { (20, WIDE_IDS) } else { (16, NARROW_IDS) };
        if ids.len() > limit {
            return;
        }
        let packed =
            |ids: &[T]| ids.iter().rev().fold(0, |word, &id| word << bits | id.get() as u64);
        let (low, high) = ids.split_at(ids.len().min(limit / 2));
        let counted = (key >> 64) as u64 | (ids.len() as u64) << COUNT_SHIFT;
        let slot = Slot { key: [key as u64, counted], ids: [packed(low), packed(high)] };
        // Three of four slots are full.
        if self.pieces * 4 >= self.lines() * 6 && self.lines() < MOST_LINES {
            self.grow();
        }
        while !self.place(hash, slot) {
            if self.lines() < MOST_LINES {
                self.grow();
                continue;
            }
            let own = (hash >> self.shift) as usize;
            self.slots_mut()[2 * own + 1] = slot;
            break;
        }
    }

    /// All slots; those of line `i` are `2 * i` and the next.
    fn slots_mut(&mut self) -> &mut [Slot] {
        let count = self.map.len() / size_of::<Slot>();
        // SAFETY: a map begins at a page, is full of slots, and all its bits are valid.
        unsafe { std::slice::from_raw_parts_mut(self.map.as_mut_ptr().cast(), count) }
    }

    /// Puts a slot into the first place that is free; whether there was one.
    fn place(&mut self, hash: u64, slot: Slot) -> bool {
        let mut places = self.reach(hash).flat_map(|line| [2 * line, 2 * line + 1]);
        let slots = self.slots_mut();
        let Some(free) = places.find(|&place| slots[place].key[1] == 0) else { return false };
        slots[free] = slot;
        self.pieces += 1;
        true
    }

    /// Twice as many lines; a piece for which none is left in reach is forgotten.
    #[cold]
    fn grow(&mut self) {
        let lines = self.lines() * 2;
        let mut old = std::mem::replace(self, ShortCache { map: empty_lines(lines), ..*self });
        self.shift -= 1;
        self.pieces = 0;
        for slot in old.slots_mut().iter().filter(|slot| slot.key[1] != 0) {
            let high = slot.key[1] & !COUNT_MASK;
            let hash = self.seeds.hash(slot.key[0] as u128 | (high as u128) << 64);
            self.place(hash, *slot);
        }
    }
}

fn empty_lines(count: usize) -> MmapMut {
    let map = MmapMut::map_anon(count * size_of::<Line>()).expect("memory for the cache");
    #[cfg(target_os = "linux")]
    let _ = map.advise(memmap2::Advice::HugePage); // slower without, not wrong
    map
}

/// Writes six ids that lie in 20 bits each, the first one lowest.
///
/// # Safety
/// `to` has room for six.
#[inline(always)]
unsafe fn write_wide<T: Id>(ids: [u64; 2], to: *mut T) {
    for i in 0..WIDE_IDS {
        // SAFETY: the caller's.
        unsafe { to.add(i).write(T::of((ids[i / 3] >> (20 * (i % 3)) & WIDE_MASK) as u32)) }
    }
}

/// Long pieces, by hash and then by their bytes.
pub(super) struct LongCache {
    seeds: Seeds,
    /// Half of the hash above the place of a record plus one; 0 is an empty slot.
    index: Vec<u64>,
    entries: usize,
    /// Records: length and number of ids (16 bits each), the bytes, the ids (32 bits each).
    records: Vec<u8>,
}

/// Bytes of a record before its piece.
const HEAD: usize = 4;

impl LongCache {
    pub(super) fn new(seeds: Seeds) -> Self {
        LongCache { seeds, index: vec![0; 1 << 10], entries: 0, records: Vec::new() }
    }

    pub(super) fn hash(&self, piece: &[u8]) -> u64 {
        if piece.len() > LONGEST { 0 } else { self.seeds.hash_bytes(piece) }
    }

    pub(super) fn prefetch(&self, hash: u64) {
        prefetch(&self.index[hash as usize & (self.index.len() - 1)]);
    }

    /// Appends the ids of the piece of this hash to `out`; whether it was known.
    pub(super) fn append<T: Id>(&self, piece: &[u8], hash: u64, out: &mut Vec<T>) -> bool {
        if piece.len() > LONGEST {
            return false;
        }
        let mut at = hash as usize & (self.index.len() - 1);
        while self.index[at] != 0 {
            if (self.index[at] ^ hash) >> 32 == 0 {
                let (known, ids) = self.record(self.index[at] as u32 as usize - 1);
                if known == piece {
                    let (ids, _) = ids.as_chunks();
                    out.extend(ids.iter().map(|&id| T::of(u32::from_le_bytes(id))));
                    return true;
                }
            }
            at = (at + 1) & (self.index.len() - 1);
        }
        false
    }

    /// The bytes of a piece and of its ids.
    fn record(&self, place: usize) -> (&[u8], &[u8]) {
        let record = &self.records[place..];
        let len = u16::from_le_bytes([record[0], record[1]]) as usize;
        let count = u16::from_le_bytes([record[2], record[3]]) as usize;
        record[HEAD..HEAD + len + 4 * count].split_at(len)
    }

    /// Remembers the ids of a piece that is not known yet.
    pub(super) fn put<T: Id>(&mut self, piece: &[u8], hash: u64, ids: &[T]) {
        if piece.len() > LONGEST {
            return;
        }
        let size = HEAD + piece.len() + 4 * ids.len();
        if self.entries >= LONG_ENTRIES || self.records.len() + size > LONG_BYTES {
            self.index.fill(0);
            self.entries = 0;
            self.records.clear();
        }
        if self.entries * 2 >= self.index.len() {
            self.grow();
        }
        self.place(hash, self.records.len());
        self.entries += 1;
        self.records.extend_from_slice(&(piece.len() as u16).to_le_bytes());
        self.records.extend_from_slice(&(ids.len() as u16).to_le_bytes());
        self.records.extend_from_slice(piece);
        self.records.extend(ids.iter().flat_map(|id| id.get().to_le_bytes()));
    }

    fn place(&mut self, hash: u64, record: usize) {
        let mut at = hash as usize & (self.index.len() - 1);
        while self.index[at] != 0 {
            at = (at + 1) & (self.index.len() - 1);
        }
        self.index[at] = hash >> 32 << 32 | (record as u64 + 1);
    }

    #[cold]
    fn grow(&mut self) {
        let index = vec![0; self.index.len() * 2];
        for slot in std::mem::replace(&mut self.index, index) {
            if slot != 0 {
                let place = slot as u32 as usize - 1;
                self.place(self.seeds.hash_bytes(self.record(place).0), place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Piece `number`, of `len` bytes.
    fn piece(number: u32, len: usize) -> Vec<u8> {
        number.to_le_bytes().into_iter().chain(std::iter::repeat(b'x')).take(len).collect()
    }

    #[test]
    fn short_pieces_keep_their_ids_while_the_cache_grows() {
        let seeds = Seeds::random();
        let mut cache = ShortCache::new(seeds, 1 << 16);
        let hashed = |number| {
            let key = crate::bpe::count::short_key_at(&piece(number, 9), 0, 9);
            (key, seeds.hash(key))
        };
        for number in 0..400_000u32 {
            let (key, hash) = hashed(number);
            cache.put(key, hash, &[number & 0xFFFF, number >> 16]);
        }
        assert!(cache.map.len() > FIRST_LINES * size_of::<Line>());
        let mut known = 0;
        for number in 0..400_000 {
            let (key, hash) = hashed(number);
            let mut ids: Vec<u32> = Vec::new();
            if cache.append(key, hash, &mut ids) {
                assert_eq!(ids, [number & 0xFFFF, number >> 16]);
                known += 1;
            }
        }
        assert!(known > 300_000, "{known} of 400000 were kept");
    }

    #[test]
    fn long_pieces_keep_their_ids_while_the_cache_grows_and_are_forgotten_at_its_bound() {
        let mut cache = LongCache::new(Seeds::random());
        let put = |cache: &mut LongCache, number, len| {
            let piece = piece(number, len);
            let hash = cache.hash(&piece);
            cache.put(&piece, hash, &[number, 7]);
        };
        let get = |cache: &LongCache, number, len| {
            let piece = piece(number, len);
            let mut ids: Vec<u32> = Vec::new();
            cache.append(&piece, cache.hash(&piece), &mut ids).then_some(ids)
        };
        for number in 0..5000 {
            put(&mut cache, number, 20);
        }
        for number in 0..5000 {
            assert_eq!(get(&cache, number, 20), Some(vec![number, 7]));
        }
        assert_eq!(get(&cache, 5000, 20), None);
        for number in 0..LONG_BYTES as u32 / 1024 {
            put(&mut cache, number, 1024);
        }
        assert!(cache.records.len() <= LONG_BYTES);
        assert_eq!(get(&cache, 0, 20), None);
        put(&mut cache, 9, LONGEST + 1);
        assert_eq!(get(&cache, 9, LONGEST + 1), None);
    }
}

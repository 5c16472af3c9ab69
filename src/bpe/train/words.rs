//! The distinct pieces as symbols, in one arena: count and length, then the symbols of each.

use crate::bpe::count::{Pieces, prefetch};
use crate::{Error, Result, huge};

/// How far ahead words are fetched.
const AHEAD: usize = 16;

/// A symbol's type: as narrow as the vocabulary allows.
pub(super) trait Symbol: Copy + Eq + Default {
    /// Symbols that the header takes: a count of 8 bytes and a length of 4.
    const HEADER: usize = 12 / std::mem::size_of::<Self>();
    /// The symbol of an id.
    fn of(id: u32) -> Self;
    /// The id of the symbol.
    fn id(self) -> u32;
}

impl Symbol for u16 {
    #[inline(always)]
    fn of(id: u32) -> Self {
        id as u16
    }
    #[inline(always)]
    fn id(self) -> u32 {
        self as u32
    }
}

impl Symbol for u32 {
    #[inline(always)]
    fn of(id: u32) -> Self {
        id
    }
    #[inline(always)]
    fn id(self) -> u32 {
        self
    }
}

/// All words. A word's place is where its header starts in the arena.
pub(super) struct Words<S> {
    arena: Vec<S>,
    /// Places of the words, as their symbols shrink and leave gaps.
    starts: Vec<u32>,
}

impl<S: Symbol> Words<S> {
    /// The words of `pieces`; those of a single byte have no pairs and are left out.
    pub(super) fn new(pieces: Pieces) -> Result<Self> {
        let mut id_of = [S::of(0); 256];
        for (id, byte) in super::byte_order().into_iter().enumerate() {
            id_of[byte as usize] = S::of(id as u32);
        }
        let mut size = 0usize;
        let mut number = 0;
        pieces.for_each(|piece, _| {
            if piece.len() > 1 {
                size += S::HEADER + piece.len();
                number += 1;
            }
        });
        if size >= u32::MAX as usize {
            return Err(Error::InvalidParameter(format!(
                "the distinct pieces of this text take {size} symbols; at most {} are supported",
                u32::MAX
            )));
        }
        let mut words = Words { arena: Vec::with_capacity(size + 8), starts: Vec::new() };
        huge::advise(&mut words.arena);
        words.starts.reserve_exact(number);
        huge::advise(&mut words.starts);
        pieces.for_each(|piece, count| {
            if piece.len() > 1 {
                let place = words.arena.len();
                words.starts.push(place as u32);
                words.arena.resize(place + S::HEADER, S::default());
                words.arena.extend(piece.iter().map(|&byte| id_of[byte as usize]));
                words.write_header(place, count, piece.len() as u32);
            }
        });
        Ok(words)
    }

    fn write_header(&mut self, place: usize, count: u64, len: u32) {
        assert!(place + S::HEADER <= self.arena.len());
        let at = self.arena[place..].as_mut_ptr();
        // SAFETY: the header's 12 bytes lie inside the arena; unaligned writes of plain numbers.
        unsafe {
            (at as *mut u64).write_unaligned(count);
            (at as *mut u32).add(2).write_unaligned(len);
        }
    }

    /// Count and length of the word at `place`.
    #[inline(always)]
    fn header(&self, place: usize) -> (u64, usize) {
        debug_assert!(place + S::HEADER <= self.arena.len());
        // SAFETY: places come from `new` alone, which wrote a header there.
        unsafe {
            let at = self.arena.as_ptr().add(place);
            let count = (at as *const u64).read_unaligned();
            (count, (at as *const u32).add(2).read_unaligned() as usize)
        }
    }

    /// Calls `visit(place, count, symbols)` for every word.
    #[inline(always)]
    pub(super) fn for_each(&self, mut visit: impl FnMut(u32, u64, &[S])) {
        for &place in &self.starts {
            let (count, len) = self.header(place as usize);
            let start = place as usize + S::HEADER;
            visit(place, count, &self.arena[start..start + len]);
        }
    }

    /// Replaces the pair by the new symbol in the words at `places`.
    ///
    /// `on_left(neighbour, count, place)` is called for the symbol before each replacement as it
    /// stands then, `on_right` for the one after; `count` is the word's.
    #[inline(always)]
    pub(super) fn merge(
        &mut self,
        places: &[u32],
        (left, right, new): (u32, u32, u32),
        mut on_left: impl FnMut(u32, u64, u32),
        mut on_right: impl FnMut(u32, u64, u32),
    ) {
        let (left, right, new) = (S::of(left), S::of(right), S::of(new));
        for (i, &place) in places.iter().enumerate() {
            if let Some(&ahead) = places.get(i + AHEAD) {
                prefetch(self.arena.as_ptr().wrapping_add(ahead as usize));
            }
            let (count, len) = self.header(place as usize);
            let start = place as usize + S::HEADER;
            let symbols = &mut self.arena[start..start + len];
            let Some(first) =
                symbols.windows(2).position(|pair| pair[0] == left && pair[1] == right)
            else {
                continue;
            };
            let (mut from, mut to) = (first, first);
            while from < len {
                if symbols[from] == left && from + 1 < len && symbols[from + 1] == right {
                    if to > 0 {
                        on_left(symbols[to - 1].id(), count, place);
                    }
                    symbols[to] = new;
                    from += 2;
                    if from < len {
                        on_right(symbols[from].id(), count, place);
                    }
                } else {
                    symbols[to] = symbols[from];
                    from += 1;
                }
                to += 1;
            }
            self.write_header(place as usize, count, to as u32);
        }
    }
}

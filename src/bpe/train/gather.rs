//! What one merge changes, added up for each neighbour, so that shared tables are touched once.

use super::pairs::PairTable;

/// No slot: the pair is too rare to keep.
const NONE: u32 = u32::MAX;

/// How far ahead slots are fetched.
const AHEAD: usize = 12;

/// A neighbour's share of a merge.
#[derive(Clone)]
pub(super) struct Item {
    /// Occurrences.
    pub count: i64,
    /// Where the next place is written, once a list was opened.
    pub cursor: usize,
    /// Distinct words.
    pub words: u32,
    /// The place of the last word, so that each is listed once.
    last: u32,
    /// Slot of the new pair in the table.
    pub slot: u32,
}

const EMPTY: Item = Item { count: 0, cursor: usize::MAX, words: 0, last: u32::MAX, slot: NONE };

/// The neighbours on one side.
#[derive(Default)]
pub(super) struct Gather {
    /// By symbol.
    items: Vec<Item>,
    touched: Vec<u32>,
    /// Neighbour and place of the word, in the order of the visit.
    events: Vec<(u32, u32)>,
}

impl Gather {
    /// Makes room for symbols below `symbols`.
    pub(super) fn resize(&mut self, symbols: usize) {
        if self.items.len() < symbols {
            self.items.resize(symbols.next_power_of_two(), EMPTY);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.touched.len()
    }

    /// Counts an occurrence beside `neighbour`, in the word at `place`, which occurs `count` times.
    #[inline(always)]
    pub(super) fn add(&mut self, neighbour: u32, count: u64, place: u32) {
        let item = &mut self.items[neighbour as usize];
        if item.words == 0 {
            self.touched.push(neighbour);
        }
        item.count += count as i64;
        if item.last != place {
            item.last = place;
            item.words += 1;
            self.events.push((neighbour, place));
        }
    }

    /// Adds each count to the pair that the neighbour forms now, save for new pairs below
    /// `threshold`.
    #[inline(always)]
    pub(super) fn gain(
        &mut self,
        pairs: &mut PairTable,
        threshold: i64,
        pair_with: impl Fn(u32) -> u64,
    ) {
        for (i, &neighbour) in self.touched.iter().enumerate() {
            if let Some(&ahead) = self.touched.get(i + AHEAD) {
                pairs.prefetch(pair_with(ahead));
            }
            let item = &mut self.items[neighbour as usize];
            if item.count >= threshold {
                item.slot = pairs.find_or_insert(pair_with(neighbour));
                *pairs.count_mut(item.slot) += item.count;
            }
        }
    }

    /// Takes each count from the pair that the neighbour formed before, where it is kept.
    #[inline(always)]
    pub(super) fn lose(&mut self, pairs: &mut PairTable, pair_with: impl Fn(u32) -> u64) {
        for (i, &neighbour) in self.touched.iter().enumerate() {
            if let Some(&ahead) = self.touched.get(i + AHEAD) {
                pairs.prefetch(pair_with(ahead));
            }
            if let Some(slot) = pairs.find(pair_with(neighbour)) {
                *pairs.count_mut(slot) -= self.items[neighbour as usize].count;
            }
        }
    }

    /// Moves the places of one neighbour to the other side, where it occurs on both.
    pub(super) fn move_events(&mut self, neighbour: u32, other: &mut Gather) {
        let (item, target) =
            (&mut self.items[neighbour as usize], &mut other.items[neighbour as usize]);
        if item.words == 0 || target.words == 0 {
            return;
        }
        target.words += item.words;
        item.slot = NONE;
        other.events.extend(self.events.iter().filter(|event| event.0 == neighbour));
    }

    /// Visits the neighbours whose pair is kept.
    #[inline(always)]
    pub(super) fn each_kept(&mut self, mut visit: impl FnMut(u32, &mut Item)) {
        for &neighbour in &self.touched {
            let item = &mut self.items[neighbour as usize];
            if item.slot != NONE {
                visit(neighbour, item);
            }
        }
    }

    /// Writes the places to the lists that were opened.
    #[inline(always)]
    pub(super) fn write_events(&mut self, places: &mut [u32]) {
        for &(neighbour, place) in &self.events {
            let cursor = &mut self.items[neighbour as usize].cursor;
            if *cursor != usize::MAX {
                places[*cursor] = place;
                *cursor += 1;
            }
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        for &neighbour in &self.touched {
            self.items[neighbour as usize] = EMPTY;
        }
        self.touched.clear();
        self.events.clear();
    }
}

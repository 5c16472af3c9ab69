//! GPT-2's pattern, 64 bytes at a time.
//!
//! Each class is a bit mask over the text. In terms of masks a piece starts where the class
//! changes, save that a blank joins what follows it, and that of a run of white space before
//! something else the last character stands apart. What is left are contractions, wide white-space
//! characters and the classes of characters outside ASCII, each handled where it occurs.

use super::ascii::{self, Block, Level};
use crate::bpe::class::{self, NUMBER, SPACE};

/// Ends that are written for 64 bytes, whether there are as many or not; prose has 14.
const ENDS_AT_ONCE: usize = 16;

/// Bit masks over a text: bit `i` of word `w` is byte `64 * w + i`.
#[derive(Default)]
pub(super) struct Masks {
    letter: Vec<u64>,
    number: Vec<u64>,
    space: Vec<u64>,
    blank: Vec<u64>,
    apostrophe: Vec<u64>,
    high: Vec<u64>,
    start: Vec<u64>,
    /// White-space characters of two or three bytes: position and length.
    wide_spaces: Vec<(u32, u32)>,
    /// Apostrophes that start a piece.
    candidates: Vec<u32>,
}

/// Appends the end of each piece of `text` to `ends`.
pub(super) fn scan(text: &[u8], masks: &mut Masks, ends: &mut Vec<u32>) {
    match ascii::level() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the level was detected.
        Level::Avx512 => unsafe { scan_avx512(text, masks, ends) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the level was detected.
        Level::Avx2 => unsafe { scan_avx2(text, masks, ends) },
        Level::Portable => scan_with(text, masks, ends, ascii::block_portable),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,bmi1,bmi2,lzcnt,popcnt")]
fn scan_avx512(text: &[u8], masks: &mut Masks, ends: &mut Vec<u32>) {
    scan_with(text, masks, ends, |bytes| ascii::block_avx512(bytes));
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn scan_avx2(text: &[u8], masks: &mut Masks, ends: &mut Vec<u32>) {
    scan_with(text, masks, ends, |bytes| ascii::block_avx2(bytes));
}

#[inline(always)]
fn scan_with(
    text: &[u8],
    masks: &mut Masks,
    ends: &mut Vec<u32>,
    classify: impl Fn(&[u8; 64]) -> Block,
) {
    if text.is_empty() {
        return;
    }
    if masks.classify_ascii(text, classify) != 0 {
        masks.classify_high(text);
    }
    masks.mark_starts();
    masks.fix_wide_spaces(text.len());
    masks.fix_contractions(text);
    masks.collect_ends(text.len(), ends);
}

impl Masks {
    /// Fills all class masks from the ASCII bytes; returns whether there are others.
    #[inline(always)]
    fn classify_ascii(&mut self, text: &[u8], classify: impl Fn(&[u8; 64]) -> Block) -> u64 {
        let words = text.len().div_ceil(64);
        for mask in [
            &mut self.letter,
            &mut self.number,
            &mut self.space,
            &mut self.blank,
            &mut self.apostrophe,
            &mut self.high,
            &mut self.start,
        ] {
            // One word more, which stands for the end of the text. Every word is written below.
            mask.resize(words + 1, 0);
            mask[words] = 0;
        }
        self.wide_spaces.clear();
        self.candidates.clear();
        let mut any_high = 0;
        let mut put = |word: usize, block: Block| {
            self.letter[word] = block.letter;
            self.number[word] = block.number;
            self.space[word] = block.space;
            self.blank[word] = block.blank;
            self.apostrophe[word] = block.apostrophe;
            self.high[word] = block.high;
            any_high |= block.high;
        };
        let (blocks, tail) = text.as_chunks::<64>();
        for (word, block) in blocks.iter().enumerate() {
            put(word, classify(block));
        }
        if !tail.is_empty() {
            // What follows the end counts as white space, so that `\s+(?!\S)` holds there; a tab
            // rather than a blank, which would be looked at by what comes next.
            let mut last = [b'\t'; 64];
            last[..tail.len()].copy_from_slice(tail);
            put(words - 1, classify(&last));
        }
        self.space[words] = u64::MAX;
        any_high
    }

    /// Adds the classes of the characters outside ASCII.
    #[inline(always)]
    fn classify_high(&mut self, text: &[u8]) {
        let mut next = 0; // where the last character ended
        for word in 0..text.len().div_ceil(64) {
            if self.high[word] == 0 {
                continue;
            }
            let limit = (word + 1) * 64;
            next = next.max(word * 64);
            while next < limit {
                let ahead = self.high[word] & (u64::MAX << (next % 64));
                if ahead == 0 {
                    break;
                }
                next = word * 64 + ahead.trailing_zeros() as usize;
                // Characters outside ASCII come in runs: stay inside until the run ends.
                while next < limit && text.get(next).is_some_and(|byte| *byte >= 0x80) {
                    let (class, len) = class::char_at(text, next);
                    if class::is_letter(class) {
                        set(&mut self.letter, next, len);
                    } else if class == NUMBER {
                        set(&mut self.number, next, len);
                    } else if class == SPACE {
                        set(&mut self.space, next, len);
                        self.wide_spaces.push((next as u32, len as u32));
                    }
                    next += len;
                }
            }
        }
    }

    /// Marks where pieces start, as if there were no contractions and no wide spaces.
    #[inline(always)]
    fn mark_starts(&mut self) {
        let words = self.letter.len() - 1;
        let (letter, number) = (&self.letter[..=words], &self.number[..=words]);
        let (space, blank) = (&self.space[..=words], &self.blank[..=words]);
        let apostrophe = &self.apostrophe[..=words];
        let start = &mut self.start[..=words];
        let (mut letter_before, mut number_before, mut other_before) = (0, 0, 0);
        let (mut space_before, mut blank_before) = (0, 0);
        for word in 0..words {
            let (l, n, s, b) = (letter[word], number[word], space[word], blank[word]);
            let o = !(l | n | s);
            let same = l & (l << 1 | letter_before)
                | n & (n << 1 | number_before)
                | o & (o << 1 | other_before);
            let after_space = s << 1 | space_before;
            let after_blank = b << 1 | blank_before;
            let before_space = s >> 1 | space[word + 1] << 63;
            let starts = !s & !same & !after_blank | s & (!after_space | !before_space);
            start[word] = starts;
            let mut quotes = starts & apostrophe[word];
            while quotes != 0 {
                self.candidates.push(word as u32 * 64 + quotes.trailing_zeros());
                quotes &= quotes - 1;
            }
            letter_before = l >> 63;
            number_before = n >> 63;
            other_before = o >> 63;
            space_before = s >> 63;
            blank_before = b >> 63;
        }
    }

    /// Puts right the starts of white-space characters that are longer than a byte.
    fn fix_wide_spaces(&mut self, len: usize) {
        for &(position, bytes) in &self.wide_spaces {
            let (position, after) = (position as usize, (position + bytes) as usize);
            for inside in position..after {
                clear(&mut self.start, inside);
            }
            let alone = position == 0 || !has(&self.space, position - 1);
            let last = after < len && !has(&self.space, after);
            if alone || last {
                set(&mut self.start, position, 1);
            }
        }
    }

    /// Joins `s`, `t`, `re`, `ve`, `m`, `ll`, `d` to an apostrophe that starts a piece.
    fn fix_contractions(&mut self, text: &[u8]) {
        for &position in &self.candidates {
            let position = position as usize;
            let len = match text[position + 1..] {
                [b's' | b't' | b'm' | b'd', ..] => 2,
                [b'r' | b'v', b'e', ..] | [b'l', b'l', ..] => 3,
                _ => continue,
            };
            clear(&mut self.start, position + 1);
            let after = position + len;
            if after < text.len() && has(&self.letter, after) {
                set(&mut self.start, after, 1);
            }
        }
    }

    /// Turns starts into ends.
    #[inline(always)]
    fn collect_ends(&mut self, len: usize, ends: &mut Vec<u32>) {
        self.start[0] &= !1; // the first piece's start is nobody's end
        let words = len.div_ceil(64);
        if !len.is_multiple_of(64) {
            self.start[words - 1] &= (1 << (len % 64)) - 1;
        }
        for (word, &mask) in self.start[..words].iter().enumerate() {
            let mut mask = mask;
            let count = mask.count_ones() as usize;
            ends.reserve(64);
            let base = word as u32 * 64;
            // SAFETY: 64 places are reserved, of which `count` are then counted in. Writing more
            // than there are leaves a branch that is nearly always the same.
            unsafe {
                let at = ends.as_mut_ptr().add(ends.len());
                for i in 0..ENDS_AT_ONCE.max(count) {
                    at.add(i).write(base + mask.trailing_zeros());
                    mask &= mask.wrapping_sub(1);
                }
                ends.set_len(ends.len() + count);
            }
        }
        ends.push(len as u32);
    }
}

/// Sets `len` bits from `position`; those behind the last word are dropped.
#[inline(always)]
fn set(mask: &mut [u64], position: usize, len: usize) {
    let bits = (1u64 << len) - 1;
    let (word, shift) = (position / 64, position % 64);
    mask[word] |= bits << shift;
    if shift + len > 64 {
        mask[word + 1] |= bits >> (64 - shift);
    }
}

#[inline(always)]
fn clear(mask: &mut [u64], position: usize) {
    mask[position / 64] &= !(1 << (position % 64));
}

#[inline(always)]
fn has(mask: &[u64], position: usize) -> bool {
    mask[position / 64] >> (position % 64) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_gives_the_ends_of_the_portable_one() {
        let text: Vec<u8> = (0..40_000u32)
            .flat_map(|i| {
                let scalar = [i % 128, i.wrapping_mul(2654435761) >> 12][i as usize % 7 / 6];
                char::from_u32(scalar).unwrap_or(' ').to_string().into_bytes()
            })
            .collect();
        let (mut masks, mut expected, mut found) = (Masks::default(), Vec::new(), Vec::new());
        scan_with(&text, &mut masks, &mut expected, ascii::block_portable);
        scan(&text, &mut masks, &mut found);
        assert_eq!(found, expected);
        assert!(expected.len() > 1000);
    }
}

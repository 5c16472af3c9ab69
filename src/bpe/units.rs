//! Texts, and their division into units of work for threads.

use super::pretokenize::cut_after;

/// Bytes that a thread takes at a time.
const UNIT_BYTES: usize = 256 << 10;

/// What one sequence is, at whose ends a piece ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sequence {
    /// The whole text.
    Document,
    /// Each line with its line feed, as tokenizers reads files.
    Line,
}

/// Texts one after the other: text `i` is `data[offsets[i]..offsets[i + 1]]`.
#[derive(Clone, Copy)]
pub struct Texts<'a> {
    /// All bytes.
    pub data: &'a [u8],
    /// Ascending boundaries within `data`, one more than texts.
    pub offsets: &'a [i64],
}

impl<'a> Texts<'a> {
    /// How many texts.
    pub fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Text `i`.
    pub fn get(&self, i: usize) -> &'a [u8] {
        &self.data[self.offsets[i] as usize..self.offsets[i + 1] as usize]
    }
}

/// What a thread takes at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit {
    /// Texts from the first number to before the second.
    Whole(usize, usize),
    /// A part of one text, from byte to byte, cut where a piece ends; whether it is the first.
    Part(usize, usize, bool),
}

impl Unit {
    /// Whether the unit is one stretch that 32-bit places cannot cover.
    pub(crate) fn too_long(&self) -> bool {
        matches!(self, Unit::Part(from, to, _) if to - from >= u32::MAX as usize)
    }
}

/// Divides texts into units of about `UNIT_BYTES`; texts stay whole where `cut` is not given.
pub(crate) fn units(texts: Texts<'_>, cut: Option<Sequence>) -> Vec<Unit> {
    let mut units = Vec::new();
    let (mut first, mut held) = (0, 0);
    for i in 0..texts.len() {
        let text = texts.get(i);
        match cut {
            Some(sequence) if text.len() > 2 * UNIT_BYTES => {
                if first < i {
                    units.push(Unit::Whole(first, i));
                }
                parts(texts, i, sequence, &mut units);
                (first, held) = (i + 1, 0);
            }
            _ => {
                held += text.len() + 16;
                if held >= UNIT_BYTES {
                    units.push(Unit::Whole(first, i + 1));
                    (first, held) = (i + 1, 0);
                }
            }
        }
    }
    if first < texts.len() {
        units.push(Unit::Whole(first, texts.len()));
    }
    units
}

fn parts(texts: Texts<'_>, i: usize, sequence: Sequence, units: &mut Vec<Unit>) {
    let (start, end) = (texts.offsets[i] as usize, texts.offsets[i + 1] as usize);
    let mut from = start;
    while from < end {
        let rest = &texts.data[from..end];
        let len = match sequence {
            Sequence::Document => cut_after(rest, UNIT_BYTES),
            Sequence::Line => line_after(rest, UNIT_BYTES),
        };
        units.push(Unit::Part(from, from + len, from == start));
        from += len;
    }
}

/// The end of the first line that ends at or after `target`.
fn line_after(text: &[u8], target: usize) -> usize {
    let from = target.min(text.len());
    let end = text[from..].iter().position(|&byte| byte == b'\n');
    end.map_or(text.len(), |position| from + position + 1)
}

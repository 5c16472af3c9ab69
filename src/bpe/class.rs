//! Classes of characters in bytes that should be UTF-8 but need not be.

use super::unicode::{CLASS, INDEX};
pub(crate) use super::unicode::{LETTER, LOWER, MARK, NUMBER, OTHER, SPACE, UPPER};

/// The class of a scalar value, Unicode 16.0.
#[inline(always)]
pub(crate) fn class_of(scalar: u32) -> u8 {
    let block = INDEX[(scalar >> 8) as usize] as usize;
    CLASS[block * 256 + (scalar & 255) as usize]
}

/// Class and length in bytes of the character at `position`, which lies inside `text`.
///
/// A byte that starts no valid UTF-8 sequence is one character of class `OTHER`, as U+FFFD would be.
#[inline(always)]
pub(crate) fn char_at(text: &[u8], position: usize) -> (u8, usize) {
    let first = text[position];
    if first < 0x80 {
        return (class_of(first as u32), 1);
    }
    let (scalar, len) = decode(&text[position..]);
    if len == 0 { (OTHER, 1) } else { (class_of(scalar), len) }
}

/// Scalar value and length of the non-ASCII character that `bytes` (not empty) starts with;
/// length 0 where it is not valid UTF-8.
#[inline(always)]
pub(crate) fn decode(bytes: &[u8]) -> (u32, usize) {
    let tail = |at: usize| -> u32 {
        match bytes.get(at) {
            Some(&byte) if byte & 0xC0 == 0x80 => (byte & 0x3F) as u32,
            _ => u32::MAX,
        }
    };
    let first = bytes[0] as u32;
    match first {
        0xC2..=0xDF => {
            let last = tail(1);
            if last == u32::MAX { (0, 0) } else { ((first & 0x1F) << 6 | last, 2) }
        }
        0xE0..=0xEF => {
            let (middle, last) = (tail(1), tail(2));
            if middle == u32::MAX || last == u32::MAX {
                return (0, 0);
            }
            let scalar = (first & 0x0F) << 12 | middle << 6 | last;
            let valid = scalar >= 0x800 && !(0xD800..0xE000).contains(&scalar);
            if valid { (scalar, 3) } else { (0, 0) }
        }
        0xF0..=0xF4 => {
            let (second, third, last) = (tail(1), tail(2), tail(3));
            if second == u32::MAX || third == u32::MAX || last == u32::MAX {
                return (0, 0);
            }
            let scalar = (first & 0x07) << 18 | second << 12 | third << 6 | last;
            let valid = (0x1_0000..0x11_0000).contains(&scalar);
            if valid { (scalar, 4) } else { (0, 0) }
        }
        _ => (0, 0),
    }
}

/// Whether the class is one of `\p{L}`.
#[inline(always)]
pub(crate) fn is_letter(class: u8) -> bool {
    matches!(class, UPPER | LOWER | LETTER)
}

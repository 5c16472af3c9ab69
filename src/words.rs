//! The overlap normaliser: lower-cased alphanumeric words, characters of unspaced scripts.
//!
//! What a word is, precisely; version [`NORMALISER_VERSION`], Unicode 17.0.0 from our own table
//! (`words/unicode17.bin`, made by `words/make_table.py`), whatever the compiler's Unicode is:
//!
//! 1. Characters that only format are dropped: category Cf but U+200B, variation selectors, U+034F.
//!    A soft hyphen or a joiner never splits a word.
//! 2. NFC, then the simple lower case of each character (final sigma counts as sigma, U+0130 becomes
//!    `i` and U+0307), then NFC again. So all spellings that are canonically equivalent agree.
//! 3. Characters of categories L and N are letters of words. A mark (M) belongs to the word before
//!    it, and counts for nothing where none is open. Everything else separates.
//! 4. A letter or number of the scripts written without spaces (Han, Hiragana, Katakana, Thai, Lao,
//!    Khmer, Myanmar, with their common signs such as U+30FC) is a word of its own, with its marks.
//!
//! Bytes that are not UTF-8 separate. [`Mode::Ascii`] is the plainest reading of the GPT-2 report:
//! words are runs of `[A-Za-z0-9]`, lower-cased, and every other byte separates.
//!
//! The normalised text is the words joined by single spaces. Compatibility forms (full width,
//! ligatures) are left as they are.

use std::ops::Range;
use std::sync::LazyLock;

use crate::hash::word_hash;
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

/// Version of the rules above; files on disk record it, and another version is refused.
pub const NORMALISER_VERSION: u32 = 1;

/// Unicode version of the character table. Normalisation itself comes from `unicode-normalization`
/// (17.0 or later), but only characters that the table knows reach it, and for those it is stable.
pub const UNICODE_VERSION: (u8, u8, u8) = (17, 0, 0);

/// Bytes kept of each row's digest.
pub const DIGEST_BYTES: usize = 16;

/// Which characters make words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Letters and numbers of all scripts.
    Unicode,
    /// Runs of `[A-Za-z0-9]` only.
    Ascii,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Separator,
    Letter,
    Unspaced,
    Mark,
    Ignored,
}

/// What the table says of a character.
#[derive(Clone, Copy)]
struct Kind {
    class: Class,
    slow: bool, // needs steps 1 and 2 as a whole: ignored, or not NFC by itself
    combining_class: u8,
    delta: i32, // to the lower case
}

struct Table {
    kinds: Vec<Kind>,
    index: &'static [u8],
    blocks: &'static [u8],
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    const BYTES: &[u8] = include_bytes!("words/unicode17.bin");
    assert_eq!(&BYTES[..11], b"WTWORDS\0\x11\0\0");
    let end = 12 + 8 * BYTES[11] as usize;
    let kinds = BYTES[12..end].chunks_exact(8).map(|entry| Kind {
        class: [Class::Separator, Class::Letter, Class::Unspaced, Class::Mark, Class::Ignored]
            [entry[0] as usize],
        slow: entry[1] != 0,
        combining_class: entry[2],
        delta: i32::from_le_bytes([entry[4], entry[5], entry[6], entry[7]]),
    });
    Table { kinds: kinds.collect(), index: &BYTES[end..end + 4352], blocks: &BYTES[end + 4352..] }
});

impl Table {
    #[inline]
    fn kind(&self, character: char) -> Kind {
        let code = character as usize;
        let block = self.index[code >> 8] as usize;
        self.kinds[self.blocks[block << 8 | (code & 255)] as usize]
    }
}

impl Kind {
    #[inline]
    fn lower(self, character: char) -> char {
        char::from_u32((character as i32 + self.delta) as u32).unwrap_or(character)
    }
}

/// The lower case of each ASCII letter or digit, 0 for what separates.
const ASCII_WORD: [u8; 128] = {
    let mut table = [0; 128];
    let mut byte = 0;
    while byte < 128 {
        if (byte as u8).is_ascii_alphanumeric() {
            table[byte] = (byte as u8).to_ascii_lowercase();
        }
        byte += 1;
    }
    table
};

/// Calls `visit` with each normalised word and the bytes of `text` that it was read from.
///
/// Words come in order and do not overlap; the range covers the word's letters and marks and what
/// was dropped between them.
pub fn for_each_word(text: &[u8], mode: Mode, mut visit: impl FnMut(&str, Range<usize>)) {
    if mode == Mode::Ascii {
        return for_each_ascii_word(text, visit);
    }
    let mut splitter = Splitter::default();
    let mut base = 0;
    for chunk in text.utf8_chunks() {
        splitter.split(chunk.valid(), base, &mut visit);
        base += chunk.valid().len() + chunk.invalid().len();
    }
}

fn for_each_ascii_word(text: &[u8], mut visit: impl FnMut(&str, Range<usize>)) {
    let mut word = String::new();
    let mut start = 0;
    for (place, &byte) in text.iter().enumerate() {
        let lower = if byte < 128 { ASCII_WORD[byte as usize] } else { 0 };
        if lower != 0 {
            if word.is_empty() {
                start = place;
            }
            word.push(lower as char);
        } else if !word.is_empty() {
            visit(&word, start..place);
            word.clear();
        }
    }
    if !word.is_empty() {
        visit(&word, start..text.len());
    }
}

/// The word that is being read, in one valid piece of text.
#[derive(Default)]
struct Splitter {
    word: String, // normalised so far, unless `slow`
    start: usize,
    end: usize,
    unspaced: bool,
    slow: bool,
    combining_class: u8,
}

impl Splitter {
    fn split(&mut self, text: &str, base: usize, visit: &mut impl FnMut(&str, Range<usize>)) {
        let table = &*TABLE;
        let bytes = text.as_bytes();
        let mut place = 0;
        while place < bytes.len() {
            let byte = bytes[place];
            if byte < 128 {
                let lower = ASCII_WORD[byte as usize];
                if lower == 0 || self.unspaced {
                    self.flush(text, base, visit);
                }
                if lower != 0 {
                    self.open(place);
                    self.word.push(lower as char);
                    self.combining_class = 0;
                    self.end = place + 1;
                }
                place += 1;
                continue;
            }
            let Some(character) = text[place..].chars().next() else { break };
            let next = place + character.len_utf8();
            let kind = table.kind(character);
            match kind.class {
                Class::Separator => self.flush(text, base, visit),
                Class::Letter | Class::Unspaced => {
                    if self.unspaced || kind.class == Class::Unspaced {
                        self.flush(text, base, visit);
                    }
                    self.open(place);
                    self.unspaced = kind.class == Class::Unspaced;
                    self.push(kind, character, next);
                }
                Class::Mark if !self.word.is_empty() => self.push(kind, character, next),
                Class::Mark => {}
                Class::Ignored => self.slow |= !self.word.is_empty(),
            }
            place = next;
        }
        self.flush(text, base, visit);
    }

    #[inline]
    fn open(&mut self, place: usize) {
        if self.word.is_empty() {
            self.start = place;
        }
    }

    #[inline]
    fn push(&mut self, kind: Kind, character: char, next: usize) {
        let class = kind.combining_class;
        // NFC's quick check: marks in canonical order, nothing that composes or decomposes.
        self.slow |= kind.slow || (class != 0 && class < self.combining_class);
        self.combining_class = class;
        self.word.push(kind.lower(character));
        self.end = next;
    }

    #[inline]
    fn flush(&mut self, text: &str, base: usize, visit: &mut impl FnMut(&str, Range<usize>)) {
        if self.word.is_empty() {
            return;
        }
        if self.slow {
            self.word = normalise_word(&text[self.start..self.end]);
        }
        visit(&self.word, base + self.start..base + self.end);
        self.word.clear();
        self.unspaced = false;
        self.slow = false;
        self.combining_class = 0;
    }
}

/// Steps 1 and 2 for one raw word. Words are bounded by characters that neither compose with nor
/// reorder around what is inside, so word by word equals text by text.
#[cold]
fn normalise_word(raw: &str) -> String {
    let table = &*TABLE;
    let kept = raw.chars().filter(|&character| table.kind(character).class != Class::Ignored);
    let mut lower = String::with_capacity(raw.len());
    for character in kept.nfc() {
        if character == '\u{130}' {
            lower.push_str("i\u{307}");
        } else {
            lower.push(table.kind(character).lower(character));
        }
    }
    lower.nfc().collect()
}

/// Writes the normalised text into `out`: words joined by single spaces.
pub fn normalise_into(text: &[u8], mode: Mode, out: &mut String) {
    out.clear();
    for_each_word(text, mode, |word, _| {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    });
}

/// The number of words of a text.
pub fn count_words(text: &[u8], mode: Mode) -> u64 {
    let mut count = 0;
    for_each_word(text, mode, |_, _| count += 1);
    count
}

/// The first 16 bytes of SHA-256 of the normalised text: equal for texts that differ only in
/// case, spacing, punctuation and canonical spelling. All texts without a word share one digest.
pub fn text_digest(text: &[u8], mode: Mode, scratch: &mut String) -> [u8; DIGEST_BYTES] {
    normalise_into(text, mode, scratch);
    let digest = Sha256::digest(scratch.as_bytes());
    let mut kept = [0; DIGEST_BYTES];
    kept.copy_from_slice(&digest[..DIGEST_BYTES]);
    kept
}

/// Start and end of each word in `text`, two numbers a word.
pub fn word_spans(text: &[u8], mode: Mode) -> Vec<u64> {
    let mut spans = Vec::new();
    for_each_word(text, mode, |_, span| spans.extend([span.start as u64, span.end as u64]));
    spans
}

/// `count_words` of each row; at most `u32::MAX`.
///
/// Row `i` is `data[offsets[i]..offsets[i + 1]]`; `offsets` has rows + 1 ascending values within
/// `data`. Panics otherwise.
pub fn count_rows(offsets: &[i64], data: &[u8], mode: Mode) -> Vec<u32> {
    rows(offsets, data).map(|row| count_words(row, mode).min(u32::MAX as u64) as u32).collect()
}

/// `text_digest` of each row, one after the other; `offsets` as for [`count_rows`].
pub fn digest_rows(offsets: &[i64], data: &[u8], mode: Mode) -> Vec<u8> {
    let mut scratch = String::new();
    rows(offsets, data).flat_map(|row| text_digest(row, mode, &mut scratch)).collect()
}

fn rows<'a>(offsets: &'a [i64], data: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    offsets.windows(2).map(move |bounds| &data[bounds[0] as usize..bounds[1] as usize])
}

#[cfg(target_arch = "x86_64")]
mod fast;
mod general;

/// Whether this processor has the AVX-512 parts that the fast paths use (2019 and later servers).
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn has_avx512() -> bool {
    static HAS: LazyLock<bool> = LazyLock::new(|| {
        is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vbmi2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("popcnt")
    });
    *HAS
}

/// Writes the hash of each word of `text` into `out`, in order: `hash::word_hash` of what
/// [`for_each_word`] visits, faster.
pub fn hash_words(text: &[u8], mode: Mode, out: &mut Vec<u64>) {
    out.clear();
    #[cfg(target_arch = "x86_64")]
    if has_avx512() && text.len() < u32::MAX as usize {
        // SAFETY: the features that the function enables are there.
        unsafe { fast::hash_words(text, mode, out) };
        return;
    }
    hash_any(text, mode, out);
}

/// The same on any processor, appended to `out`.
fn hash_any(text: &[u8], mode: Mode, out: &mut Vec<u64>) {
    match mode {
        Mode::Unicode => general::hash_words(text, out),
        Mode::Ascii => hash_words_slowly(text, mode, out),
    }
}

/// Appends the hash of each word of `text` to `out`, the obvious way: the tests' yardstick.
pub fn hash_words_slowly(text: &[u8], mode: Mode, out: &mut Vec<u64>) {
    for_each_word(text, mode, |word, _| out.push(word_hash(word.as_bytes())));
}

/// The length and class of the non-ASCII character at the start of `text` if it separates words or
/// is a letter of spaced words that needs nothing but its lower case; None for every other
/// character, one that is cut, and bytes that are not UTF-8.
#[cfg(target_arch = "x86_64")]
fn simple_character(text: &[u8]) -> Option<(usize, Class)> {
    let length = match text[0] {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return None,
    };
    let character = std::str::from_utf8(text.get(..length)?).ok()?.chars().next()?;
    let kind = TABLE.kind(character);
    let simple = match kind.class {
        Class::Separator => true,
        Class::Letter => !kind.slow,
        _ => false,
    };
    simple.then_some((length, kind.class))
}

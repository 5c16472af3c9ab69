//! Word hashes of text in any script, without building the words: equal to the slow way.

use super::{ASCII_WORD, Class, TABLE, normalise_word};
use crate::hash::{word_block, word_hash, word_start};

const KEPT: usize = 64; // bytes of a word that are kept; longer ones are normalised from the text

/// The word that is being read.
struct Word {
    bytes: [u8; KEPT + 8],
    length: usize, // of the normalised word so far, also past KEPT
    start: usize,
    end: usize,
    unspaced: bool,
    slow: bool,
    combining_class: u8,
}

impl Word {
    #[inline(always)]
    fn flush(&mut self, text: &str, out: &mut Vec<u64>) {
        if self.length == 0 {
            return;
        }
        if self.slow || self.length > KEPT {
            out.push(word_hash(normalise_word(&text[self.start..self.end]).as_bytes()));
        } else {
            out.push(self.hash());
        }
        self.length = 0;
        self.unspaced = false;
        self.slow = false;
        self.combining_class = 0;
    }

    #[inline(always)]
    fn hash(&self) -> u64 {
        let mut state = word_start(self.length as u64);
        let mut place = 0;
        while place + 8 <= self.length {
            state = word_block(state, self.block(place));
            place += 8;
        }
        if place < self.length {
            let mask = (1u64 << (8 * (self.length - place))) - 1;
            state = word_block(state, self.block(place) & mask);
        }
        state
    }

    #[inline(always)]
    fn block(&self, place: usize) -> u64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.bytes[place..place + 8]);
        u64::from_le_bytes(bytes)
    }
}

/// Appends the hashes of the words of `text` to `out`.
pub(super) fn hash_words(text: &[u8], out: &mut Vec<u64>) {
    match std::str::from_utf8(text) {
        Ok(text) => hash_valid(text, out),
        Err(_) => text.utf8_chunks().for_each(|chunk| hash_valid(chunk.valid(), out)),
    }
}

fn hash_valid(text: &str, out: &mut Vec<u64>) {
    let table = &*TABLE;
    let bytes = text.as_bytes();
    let mut word = Word {
        bytes: [0; KEPT + 8],
        length: 0,
        start: 0,
        end: 0,
        unspaced: false,
        slow: false,
        combining_class: 0,
    };
    let mut place = 0;
    while let Some(&byte) = bytes.get(place) {
        if byte < 128 {
            let lower = ASCII_WORD[byte as usize];
            if lower == 0 || word.unspaced {
                word.flush(text, out);
            }
            if lower != 0 {
                if word.length == 0 {
                    word.start = place;
                }
                if word.length < KEPT {
                    word.bytes[word.length] = lower;
                }
                word.length += 1;
                word.combining_class = 0;
                word.end = place + 1;
            }
            place += 1;
            continue;
        }
        let Some(character) = text[place..].chars().next() else { break };
        let next = place + character.len_utf8();
        let kind = table.kind(character);
        match kind.class {
            Class::Separator => word.flush(text, out),
            Class::Ignored => word.slow |= word.length > 0,
            Class::Mark if word.length == 0 => {}
            _ => {
                if kind.class != Class::Mark {
                    if word.unspaced || kind.class == Class::Unspaced {
                        word.flush(text, out);
                    }
                    word.unspaced = kind.class == Class::Unspaced;
                    if word.length == 0 {
                        word.start = place;
                    }
                }
                let combining = kind.combining_class;
                word.slow |= kind.slow || (combining != 0 && combining < word.combining_class);
                word.combining_class = combining;
                word.end = next;
                if word.length <= KEPT {
                    let mut encoded = [0; 4];
                    let lower = kind.lower(character).encode_utf8(&mut encoded).len();
                    // 4 bytes fit past KEPT; those after the character are written over or masked.
                    word.bytes[word.length..word.length + 4].copy_from_slice(&encoded);
                    word.length += lower;
                }
            }
        }
        place = next;
    }
    word.flush(text, out);
}

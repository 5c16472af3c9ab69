//! Words as numbers, for texts that are compared: runs of letters and digits, each character of
//! scripts that part no words by itself.

use std::sync::LazyLock;

/// Whether a character of a script without blanks is a word of its own.
pub fn is_alone(character: char) -> bool {
    matches!(
        u32::from(character),
        0x3040..=0x30FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x3FFFF
    )
}

/// Words as they are read, a character at a time. A word is the hash of its lower-case letters.
#[derive(Clone, Copy, Debug)]
pub struct Tokenizer {
    hash: u32,
    open: bool,
}

/// FNV-1a, 32 bits.
const OFFSET: u32 = 0x811C_9DC5;
const PRIME: u32 = 0x0100_0193;

impl Default for Tokenizer {
    fn default() -> Self {
        Tokenizer { hash: OFFSET, open: false }
    }
}

impl Tokenizer {
    /// Reads a character; gives `found` the words that end with it.
    pub fn push(&mut self, character: char, found: &mut Vec<u32>) {
        if character.is_ascii_alphanumeric() {
            self.add(u32::from(character.to_ascii_lowercase()));
        } else if character.is_ascii() {
            self.end(found);
        } else if is_alone(character) {
            self.end(found);
            self.add(u32::from(character));
            self.end(found);
        } else if character.is_alphanumeric() {
            character.to_lowercase().for_each(|lower| self.add(u32::from(lower)));
        } else {
            self.end(found);
        }
    }

    fn add(&mut self, code: u32) {
        self.open = true;
        self.hash = (self.hash ^ code).wrapping_mul(PRIME);
    }

    /// Ends the word, if one is open.
    pub fn end(&mut self, found: &mut Vec<u32>) {
        if self.open {
            // The high bits of FNV are the better ones.
            found.push(self.hash ^ (self.hash >> 15));
            *self = Tokenizer::default();
        }
    }
}

/// The words of a text.
pub fn tokens(text: &str) -> Vec<u32> {
    let (mut tokenizer, mut found) = (Tokenizer::default(), Vec::new());
    text.chars().for_each(|character| tokenizer.push(character, &mut found));
    tokenizer.end(&mut found);
    found
}

/// A bit for each hash of a stop word; others share one in two hundred times.
static STOPWORDS: LazyLock<Vec<u64>> = LazyLock::new(|| {
    let mut bits = vec![0; (MASK as usize + 1) / 64];
    for line in include_str!("stopwords.txt").lines().filter(|line| !line.starts_with('#')) {
        for word in tokens(line) {
            bits[(word & MASK) as usize / 64] |= 1 << (word % 64);
        }
    }
    bits
});

const MASK: u32 = (1 << 20) - 1;

/// Whether the word is one of the commonest of some language.
pub fn is_stopword(word: u32) -> bool {
    STOPWORDS[(word & MASK) as usize / 64] >> (word % 64) & 1 == 1
}

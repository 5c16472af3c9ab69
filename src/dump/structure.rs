//! Where a line's JSON tokens are: 64 bytes at a time, without a branch for each byte.
//!
//! A token is a quote (opening or closing), one of `{}[]:,` outside strings, or the first byte of a
//! number or word. On the way this checks all that needs no grammar: strings are terminated and hold
//! no control characters, escapes are valid. `fields` checks the grammar over the tokens.
//!
//! The method is that of Langdale and Lemire, "Parsing gigabytes of JSON per second" (2019), with a
//! line for a document, closing quotes kept as tokens, and escapes checked here.

#[cfg(target_arch = "x86_64")]
use super::lanes::x86;
use super::lanes::{Lanes, Portable};

/// Most tokens in one line: bounds memory to 16 MiB. A line with more counts as over the limit; the
/// widest lines seen have a few thousand.
pub const MAX_TOKENS: usize = 4 << 20;

/// Deepest nesting of a line; deeper ones count as damaged. Python's parser gives up near 1,000.
pub const MAX_DEPTH: usize = 1024;

/// Entries behind the last token that point to the end of the line, so that looking a few tokens
/// ahead needs no check.
const SENTINELS: usize = 4;

/// Which instructions find the tokens; all give the same ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// 64 bytes in one register (AVX-512BW, VBMI2 and carry-less multiplication).
    Avx512,
    /// 32 bytes in one register (AVX2 and carry-less multiplication).
    Avx2,
    /// Any machine.
    Portable,
}

impl Level {
    /// The best level of this machine.
    pub fn best() -> Self {
        [Level::Avx512, Level::Avx2].into_iter().find(|l| l.available()).unwrap_or(Level::Portable)
    }

    /// Whether this machine has the instructions.
    pub fn available(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vbmi2")
                    && is_x86_feature_detected!("pclmulqdq")
                    && is_x86_feature_detected!("bmi1")
                    && is_x86_feature_detected!("popcnt")
            }
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => {
                is_x86_feature_detected!("avx2")
                    && is_x86_feature_detected!("pclmulqdq")
                    && is_x86_feature_detected!("bmi1")
                    && is_x86_feature_detected!("popcnt")
            }
            #[cfg(not(target_arch = "x86_64"))]
            Level::Avx512 | Level::Avx2 => false,
            Level::Portable => true,
        }
    }
}

/// What is known of a line besides its tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Traits {
    /// Bytes over 0x7F occur: the line must be checked for valid UTF-8.
    pub(super) non_ascii: bool,
    /// An escape `\u00..` of a letter, digit or underscore occurs: keys may be spelt with it.
    pub(super) escaped_word: bool,
}

/// The tokens of one line, as offsets from its start.
pub(super) struct Structure {
    tokens: Vec<u32>,
    count: usize,
    level: Level,
}

/// The line is no JSON, or has more than `MAX_TOKENS` tokens.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl Structure {
    pub(super) fn new(level: Level) -> Self {
        assert!(level.available(), "no {level:?} on this machine");
        Structure { tokens: Vec::new(), count: 0, level }
    }

    /// The tokens found last, and `SENTINELS` entries with the line's length behind them.
    pub(super) fn tokens(&self) -> &[u32] {
        &self.tokens[..self.count + SENTINELS]
    }

    /// Finds the tokens of `text[..len]`; 64 bytes beyond `len` must be readable.
    pub(super) fn find(&mut self, text: &[u8], len: usize) -> Result<Traits, Malformed> {
        assert!(text.len() >= len + 64 && len <= u32::MAX as usize);
        match self.level {
            // SAFETY: `new` checked that the machine has the instructions.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { self.find_avx512(text, len) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { self.find_avx2(text, len) },
            _ => self.find_with::<Portable>(text, len),
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,pclmulqdq,bmi1,popcnt")]
    unsafe fn find_avx512(&mut self, text: &[u8], len: usize) -> Result<Traits, Malformed> {
        self.find_with::<x86::Avx512>(text, len)
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,pclmulqdq,bmi1,popcnt")]
    unsafe fn find_avx2(&mut self, text: &[u8], len: usize) -> Result<Traits, Malformed> {
        self.find_with::<x86::Avx2>(text, len)
    }

    #[inline(always)]
    fn find_with<L: Lanes>(&mut self, text: &[u8], len: usize) -> Result<Traits, Malformed> {
        // The previous chunk's last bit of each, moved to bit 0.
        let (mut escape_carry, mut word_carry) = (0u64, 0u64);
        // All ones while a string is open at the chunk's end.
        let mut string_carry = 0u64;
        let mut wrong = 0u64;
        let mut high = 0u64;
        let mut escaped_word = false;
        let mut count = 0;
        let mut offset = 0;
        while offset < len {
            let chunk: &[u8; 64] = text[offset..offset + 64].first_chunk().expect("64 bytes");
            let mut masks = L::classify(chunk);
            if len - offset < 64 {
                masks.cut(len - offset);
            }
            let escaped = escaped_by(masks.backslash, &mut escape_carry);
            let quote = masks.quote & !escaped;
            let in_string = L::prefix_xor(quote) ^ string_carry;
            string_carry = ((in_string as i64) >> 63) as u64;
            wrong |= masks.control & in_string;
            high |= masks.high;
            if masks.control != 0 {
                wrong |= masks.control & !blanks(chunk);
            }
            if escaped != 0 {
                let escaped = escaped & in_string;
                let longer = escaped & !L::short_escapes(chunk, escaped);
                if longer != 0 {
                    let (bad, word) = check_escapes(text, len, offset, longer);
                    wrong |= u64::from(bad);
                    escaped_word |= word;
                }
            }
            let outside = !(in_string | quote);
            let word = outside & !(masks.operator | masks.blank);
            let word_start = word & !(word << 1 | word_carry);
            word_carry = word >> 63;
            let bits = quote | (masks.operator & outside) | word_start;
            let found = bits.count_ones() as usize;
            if self.tokens.len() < count + 64 + SENTINELS {
                if count > MAX_TOKENS {
                    return Err(Malformed);
                }
                let room = (2 * self.tokens.len()).max(4096);
                self.tokens.resize(room, 0);
            }
            let slots = &mut self.tokens[count..count + 64];
            L::positions(bits, offset as u32, slots.first_chunk_mut().expect("64 slots"));
            count += found;
            offset += 64;
        }
        if wrong | string_carry | escape_carry != 0 || count > MAX_TOKENS {
            return Err(Malformed);
        }
        if self.tokens.len() < count + SENTINELS {
            self.tokens.resize(count + SENTINELS, 0);
        }
        self.tokens[count..count + SENTINELS].fill(len as u32);
        self.count = count;
        Ok(Traits { non_ascii: high != 0, escaped_word })
    }
}

/// Bits of the bytes that a backslash escapes. `carry` is 1 when the next chunk's first is escaped.
#[inline(always)]
fn escaped_by(backslash: u64, carry: &mut u64) -> u64 {
    if backslash == 0 {
        return std::mem::take(carry);
    }
    // A backslash that is itself escaped escapes nothing. In each run of backslashes the ones at
    // even distance from the start escape; adding the run starts carries through the runs, which
    // tells where runs end by the parity of their start.
    let backslash = backslash & !*carry;
    let follows = backslash << 1 | *carry;
    const EVEN: u64 = 0x5555_5555_5555_5555;
    let odd_starts = backslash & !EVEN & !follows;
    let (even_sequences, overflow) = odd_starts.overflowing_add(backslash);
    *carry = u64::from(overflow);
    (EVEN ^ (even_sequences << 1)) & follows
}

/// Bits of tab and carriage return (a line has no line feed): the control characters that may stand
/// between tokens.
#[cold]
fn blanks(chunk: &[u8; 64]) -> u64 {
    let mut bits = 0;
    for (index, &byte) in chunk.iter().enumerate() {
        bits |= u64::from(byte == b'\t' || byte == b'\r' || byte == b'\n') << index;
    }
    bits
}

/// Whether any of these escaped bytes is not the `u` of a valid `\uXXXX`, and whether one spells a
/// word character.
#[inline(always)]
fn check_escapes(text: &[u8], len: usize, offset: usize, mut escaped: u64) -> (bool, bool) {
    let (mut bad, mut word) = (false, false);
    while escaped != 0 {
        let at = offset + escaped.trailing_zeros() as usize;
        escaped &= escaped - 1;
        if text[at] != b'u' || at + 5 > len {
            return (true, word);
        }
        let digits = &text[at + 1..at + 5];
        bad |= !digits.iter().all(u8::is_ascii_hexdigit);
        if digits.starts_with(b"00") && digits[2] < b'8' {
            let code = hex(digits[2]) << 4 | hex(digits[3]);
            word |= code == b'_' || code.is_ascii_alphanumeric();
        }
    }
    (bad, word)
}

/// The value of a hexadecimal digit; any value for another byte.
fn hex(digit: u8) -> u8 {
    (digit as char).to_digit(16).unwrap_or(0) as u8
}

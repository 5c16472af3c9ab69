//! Where a line's JSON tokens are: 64 bytes at a time, without a branch for each byte.
//!
//! A token is a quote (opening or closing), one of `{}[]:,` outside strings, or the first byte of a
//! number or word. On the way this checks all that needs no grammar: strings are terminated and hold
//! no control characters, escapes are valid. `fields` checks the grammar over the tokens.
//!
//! The method is that of Langdale and Lemire, "Parsing gigabytes of JSON per second" (2019), with a
//! line for a document, closing quotes kept as tokens, and escapes checked here.

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

/// One bit for each of 64 bytes.
#[derive(Clone, Copy)]
pub(super) struct Masks {
    /// `"`
    quote: u64,
    /// `\`
    backslash: u64,
    /// `{}[]:,`
    operator: u64,
    /// Up to 0x20, the space.
    blank: u64,
    /// Below 0x20.
    control: u64,
    /// Over 0x7F.
    high: u64,
}

impl Masks {
    /// Clears all bits from `len` (below 64) on.
    #[inline(always)]
    fn cut(&mut self, len: usize) {
        let keep = (1u64 << len) - 1;
        self.quote &= keep;
        self.backslash &= keep;
        self.operator &= keep;
        // Behind the end lies blank space: no word starts there.
        self.blank |= !keep;
        self.control &= keep;
        self.high &= keep;
    }
}

/// How a level of instructions classifies bytes.
trait Lanes {
    fn classify(chunk: &[u8; 64]) -> Masks;
    /// Bit `i` of the result is the parity of bits `0..=i`.
    fn prefix_xor(bits: u64) -> u64;
    /// Bits, at least those of `escaped`, of bytes that end an escape: `"\/bfnrt`.
    fn short_escapes(chunk: &[u8; 64], escaped: u64) -> u64;

    /// Writes `base` plus the place of each bit that is set, lowest first; the rest is undefined.
    #[inline(always)]
    fn positions(mut bits: u64, base: u32, slots: &mut [u32; 64]) {
        // Eight at a time without a test of each: most chunks have few.
        let found = bits.count_ones() as usize;
        let mut written = 0;
        while written < found {
            for slot in &mut slots[written..written + 8] {
                *slot = base + bits.trailing_zeros();
                bits &= bits.wrapping_sub(1);
            }
            written += 8;
        }
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

/// What may follow a backslash and ends its escape.
const SHORT_ESCAPES: [u8; 8] = *b"\"\\/bfnrt";

/// Works on any machine: eight bytes in one 64-bit word.
struct Portable;

/// A byte in all eight places of a word.
const fn spread(byte: u8) -> u64 {
    byte as u64 * 0x0101_0101_0101_0101
}

/// The high bit of each byte of `word` to bits 0..8, lowest byte first.
#[inline(always)]
fn gather(high_bits: u64) -> u64 {
    ((high_bits >> 7) & spread(1)).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// High bit set in each byte that is zero; exact (no carry between bytes).
#[inline(always)]
fn zero_bytes(word: u64) -> u64 {
    !(((word & spread(0x7F)).wrapping_add(spread(0x7F))) | word | spread(0x7F))
}

/// High bit set in each byte below `limit`, for `limit` up to 0x80.
#[inline(always)]
fn below(word: u64, limit: u8) -> u64 {
    let sum = (word & spread(0x7F)).wrapping_add(spread(0x80 - limit));
    !(sum | word) & spread(0x80)
}

impl Lanes for Portable {
    #[inline(always)]
    fn classify(chunk: &[u8; 64]) -> Masks {
        let mut masks =
            Masks { quote: 0, backslash: 0, operator: 0, blank: 0, control: 0, high: 0 };
        for (index, bytes) in chunk.as_chunks::<8>().0.iter().enumerate() {
            let word = u64::from_le_bytes(*bytes);
            // `[` and `{`, `]` and `}` differ in this bit only.
            let folded = word | spread(0x20);
            let is = |value: u8| zero_bytes(word ^ spread(value));
            let operator = is(b':')
                | is(b',')
                | zero_bytes(folded ^ spread(b'{'))
                | zero_bytes(folded ^ spread(b'}'));
            let shift = 8 * index;
            masks.quote |= gather(is(b'"')) << shift;
            masks.backslash |= gather(is(b'\\')) << shift;
            masks.operator |= gather(operator) << shift;
            masks.blank |= gather(below(word, 0x21)) << shift;
            masks.control |= gather(below(word, 0x20)) << shift;
            masks.high |= gather(word & spread(0x80)) << shift;
        }
        masks
    }

    #[inline(always)]
    fn short_escapes(chunk: &[u8; 64], mut escaped: u64) -> u64 {
        let mut found = 0;
        while escaped != 0 {
            let lowest = escaped & escaped.wrapping_neg();
            if SHORT_ESCAPES.contains(&chunk[lowest.trailing_zeros() as usize]) {
                found |= lowest;
            }
            escaped ^= lowest;
        }
        found
    }

    #[inline(always)]
    fn prefix_xor(mut bits: u64) -> u64 {
        bits ^= bits << 1;
        bits ^= bits << 2;
        bits ^= bits << 4;
        bits ^= bits << 8;
        bits ^= bits << 16;
        bits ^ bits << 32
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    //! The same with vector registers. Only reached by the functions of `Structure` that enable the
    //! instructions, into which all this is inlined.

    use super::{Lanes, Masks, SHORT_ESCAPES};
    use std::arch::x86_64::*;

    pub(super) struct Avx512;
    pub(super) struct Avx2;

    #[inline(always)]
    fn prefix_xor(bits: u64) -> u64 {
        // SAFETY: the caller enabled carry-less multiplication.
        unsafe {
            let product =
                _mm_clmulepi64_si128::<0>(_mm_set_epi64x(0, bits as i64), _mm_set1_epi8(-1));
            _mm_cvtsi128_si64(product) as u64
        }
    }

    impl Lanes for Avx512 {
        #[inline(always)]
        fn classify(chunk: &[u8; 64]) -> Masks {
            // SAFETY: 64 readable bytes; the caller enabled AVX-512BW.
            unsafe {
                let bytes = _mm512_loadu_si512(chunk.as_ptr().cast());
                let is = |value: u8| _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(value as i8));
                let folded = _mm512_or_si512(bytes, _mm512_set1_epi8(0x20));
                let folds =
                    |value: u8| _mm512_cmpeq_epi8_mask(folded, _mm512_set1_epi8(value as i8));
                Masks {
                    quote: is(b'"'),
                    backslash: is(b'\\'),
                    operator: is(b':') | is(b',') | folds(b'{') | folds(b'}'),
                    blank: _mm512_cmple_epu8_mask(bytes, _mm512_set1_epi8(0x20)),
                    control: _mm512_cmplt_epu8_mask(bytes, _mm512_set1_epi8(0x20)),
                    high: _mm512_movepi8_mask(bytes),
                }
            }
        }

        #[inline(always)]
        fn prefix_xor(bits: u64) -> u64 {
            prefix_xor(bits)
        }

        #[inline(always)]
        fn short_escapes(chunk: &[u8; 64], _: u64) -> u64 {
            // SAFETY: as for `classify`.
            unsafe {
                let bytes = _mm512_loadu_si512(chunk.as_ptr().cast());
                let mut bits = 0;
                for value in SHORT_ESCAPES {
                    bits |= _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(value as i8));
                }
                bits
            }
        }

        #[inline(always)]
        fn positions(bits: u64, base: u32, slots: &mut [u32; 64]) {
            const PLACES: [u8; 64] = {
                let mut places = [0; 64];
                let mut place = 0;
                while place < 64 {
                    places[place] = place as u8;
                    place += 1;
                }
                places
            };
            let found = bits.count_ones();
            // SAFETY: the caller enabled AVX-512 VBMI2; the stores fill at most the 64 slots.
            unsafe {
                let places = _mm512_loadu_si512(PLACES.as_ptr().cast());
                let packed = _mm512_maskz_compress_epi8(bits, places);
                let base = _mm512_set1_epi32(base as i32);
                let out = slots.as_mut_ptr();
                let store = |part: __m128i, index: usize| {
                    let wide = _mm512_add_epi32(base, _mm512_cvtepu8_epi32(part));
                    _mm512_storeu_si512(out.add(16 * index).cast(), wide);
                };
                store(_mm512_castsi512_si128(packed), 0);
                if found > 16 {
                    store(_mm512_extracti32x4_epi32::<1>(packed), 1);
                    if found > 32 {
                        store(_mm512_extracti32x4_epi32::<2>(packed), 2);
                        store(_mm512_extracti32x4_epi32::<3>(packed), 3);
                    }
                }
            }
        }
    }

    impl Lanes for Avx2 {
        #[inline(always)]
        fn classify(chunk: &[u8; 64]) -> Masks {
            // SAFETY: 64 readable bytes; the caller enabled AVX2.
            unsafe {
                let low = _mm256_loadu_si256(chunk.as_ptr().cast());
                let high = _mm256_loadu_si256(chunk.as_ptr().add(32).cast());
                let bits = |low: __m256i, high: __m256i| {
                    u64::from(_mm256_movemask_epi8(low) as u32)
                        | u64::from(_mm256_movemask_epi8(high) as u32) << 32
                };
                let is = |low: __m256i, high: __m256i, value: u8| {
                    let value = _mm256_set1_epi8(value as i8);
                    bits(_mm256_cmpeq_epi8(low, value), _mm256_cmpeq_epi8(high, value))
                };
                // Unsigned `byte <= limit` is `min(byte, limit) == byte`.
                let up_to = |limit: u8| {
                    let limit = _mm256_set1_epi8(limit as i8);
                    bits(
                        _mm256_cmpeq_epi8(_mm256_min_epu8(low, limit), low),
                        _mm256_cmpeq_epi8(_mm256_min_epu8(high, limit), high),
                    )
                };
                let fold = _mm256_set1_epi8(0x20);
                let (low_folded, high_folded) =
                    (_mm256_or_si256(low, fold), _mm256_or_si256(high, fold));
                Masks {
                    quote: is(low, high, b'"'),
                    backslash: is(low, high, b'\\'),
                    operator: is(low, high, b':')
                        | is(low, high, b',')
                        | is(low_folded, high_folded, b'{')
                        | is(low_folded, high_folded, b'}'),
                    blank: up_to(0x20),
                    control: up_to(0x1F),
                    high: bits(low, high),
                }
            }
        }

        #[inline(always)]
        fn prefix_xor(bits: u64) -> u64 {
            prefix_xor(bits)
        }

        #[inline(always)]
        fn short_escapes(chunk: &[u8; 64], _: u64) -> u64 {
            // SAFETY: as for `classify`.
            unsafe {
                let low = _mm256_loadu_si256(chunk.as_ptr().cast());
                let high = _mm256_loadu_si256(chunk.as_ptr().add(32).cast());
                let (mut in_low, mut in_high) = (_mm256_setzero_si256(), _mm256_setzero_si256());
                for value in SHORT_ESCAPES {
                    let value = _mm256_set1_epi8(value as i8);
                    in_low = _mm256_or_si256(in_low, _mm256_cmpeq_epi8(low, value));
                    in_high = _mm256_or_si256(in_high, _mm256_cmpeq_epi8(high, value));
                }
                u64::from(_mm256_movemask_epi8(in_low) as u32)
                    | u64::from(_mm256_movemask_epi8(in_high) as u32) << 32
            }
        }
    }
}

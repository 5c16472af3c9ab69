//! 64 bytes to bit masks: on any machine, and with vector registers where there are some.

/// One bit for each of 64 bytes.
#[derive(Clone, Copy)]
pub(super) struct Masks {
    /// `"`
    pub(super) quote: u64,
    /// `\`
    pub(super) backslash: u64,
    /// `{}[]:,`
    pub(super) operator: u64,
    /// Up to 0x20, the space.
    pub(super) blank: u64,
    /// Below 0x20.
    pub(super) control: u64,
    /// Over 0x7F.
    pub(super) high: u64,
}

impl Masks {
    /// Clears all bits from `len` (below 64) on.
    #[inline(always)]
    pub(super) fn cut(&mut self, len: usize) {
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
pub(super) trait Lanes {
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

/// What may follow a backslash and ends its escape.
const SHORT_ESCAPES: [u8; 8] = *b"\"\\/bfnrt";

/// Works on any machine: eight bytes in one 64-bit word.
pub(super) struct Portable;

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
pub(super) mod x86 {
    //! The same with vector registers. Only reached by the functions of `Structure` that enable the
    //! instructions, into which all this is inlined.

    use super::{Lanes, Masks, SHORT_ESCAPES};
    use std::arch::x86_64::*;

    pub(in crate::dump) struct Avx512;
    pub(in crate::dump) struct Avx2;

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

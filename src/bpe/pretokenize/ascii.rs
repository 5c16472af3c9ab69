//! Bit masks of the classes of 64 ASCII bytes, by the widest registers that the CPU has.

/// One bit for each of 64 bytes and class; bytes from 0x80 are in `high` alone.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// `A` to `Z`, `a` to `z`.
    pub letter: u64,
    /// `0` to `9`.
    pub number: u64,
    /// Tab to carriage return, and the blank.
    pub space: u64,
    /// The blank (0x20).
    pub blank: u64,
    /// The apostrophe.
    pub apostrophe: u64,
    /// Bytes from 0x80.
    pub high: u64,
}

/// Instruction sets that a scan can use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Level {
    /// Any CPU.
    Portable,
    /// 32 bytes at a time.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// 64 bytes at a time, masks at once.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// The best level of this CPU.
pub(super) fn level() -> Level {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("bmi2") {
            return Level::Avx512;
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi2") {
            return Level::Avx2;
        }
    }
    Level::Portable
}

/// The masks of 64 bytes without wide registers.
#[inline(always)]
pub(super) fn block_portable(bytes: &[u8; 64]) -> Block {
    let mut block = Block::default();
    for (position, &byte) in bytes.iter().enumerate() {
        let bit = 1u64 << position;
        let when = |condition: bool| if condition { bit } else { 0 };
        block.letter |= when(byte.is_ascii_alphabetic());
        block.number |= when(byte.is_ascii_digit());
        block.space |= when(byte == b' ' || (b'\t'..=b'\r').contains(&byte));
        block.blank |= when(byte == b' ');
        block.apostrophe |= when(byte == b'\'');
        block.high |= when(byte >= 0x80);
    }
    block
}

/// The masks of 64 bytes with AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn block_avx2(bytes: &[u8; 64]) -> Block {
    use std::arch::x86_64::*;
    let mut block = Block::default();
    for half in 0..2 {
        // SAFETY: 32 bytes from offset 0 or 32 lie inside the 64.
        let v = unsafe { _mm256_loadu_si256(bytes.as_ptr().add(half * 32) as *const __m256i) };
        // Unsigned `v - low < count` as a signed comparison shifted by 128.
        let within = |v: __m256i, low: u8, count: u8| {
            let shifted = _mm256_sub_epi8(v, _mm256_set1_epi8(low.wrapping_add(128) as i8));
            _mm256_cmpgt_epi8(_mm256_set1_epi8(count.wrapping_add(128) as i8), shifted)
        };
        let mask = |v: __m256i| (_mm256_movemask_epi8(v) as u32 as u64) << (half * 32);
        let lower = _mm256_or_si256(v, _mm256_set1_epi8(0x20));
        let blank = _mm256_cmpeq_epi8(v, _mm256_set1_epi8(b' ' as i8));
        block.letter |= mask(within(lower, b'a', 26));
        block.number |= mask(within(v, b'0', 10));
        block.space |= mask(_mm256_or_si256(within(v, b'\t', 5), blank));
        block.blank |= mask(blank);
        block.apostrophe |= mask(_mm256_cmpeq_epi8(v, _mm256_set1_epi8(b'\'' as i8)));
        block.high |= mask(v);
    }
    block
}

/// The masks of 64 bytes with AVX-512.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
pub(super) fn block_avx512(bytes: &[u8; 64]) -> Block {
    use std::arch::x86_64::*;
    // SAFETY: the 64 bytes are there.
    let v = unsafe { _mm512_loadu_epi8(bytes.as_ptr() as *const i8) };
    let within = |v: __m512i, low: u8, count: u8| {
        let shifted = _mm512_sub_epi8(v, _mm512_set1_epi8(low as i8));
        _mm512_cmplt_epu8_mask(shifted, _mm512_set1_epi8(count as i8))
    };
    let lower = _mm512_or_si512(v, _mm512_set1_epi8(0x20));
    let blank = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(b' ' as i8));
    Block {
        letter: within(lower, b'a', 26),
        number: within(v, b'0', 10),
        space: within(v, b'\t', 5) | blank,
        blank,
        apostrophe: _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(b'\'' as i8)),
        high: _mm512_movepi8_mask(v),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_gives_the_masks_of_the_portable_one() {
        for start in 0..=255u8 {
            let bytes: [u8; 64] =
                std::array::from_fn(|i| start.wrapping_add((i as u8).wrapping_mul(37)));
            let expected = block_portable(&bytes);
            assert_eq!(
                expected.high.count_ones(),
                bytes.iter().filter(|b| **b > 127).count() as u32
            );
            #[cfg(target_arch = "x86_64")]
            {
                if is_x86_feature_detected!("avx2") {
                    // SAFETY: detected.
                    assert_eq!(unsafe { block_avx2(&bytes) }, expected);
                }
                if is_x86_feature_detected!("avx512bw") {
                    // SAFETY: detected.
                    assert_eq!(unsafe { block_avx512(&bytes) }, expected);
                }
            }
        }
    }
}

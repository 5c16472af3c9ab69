//! SHA-256 of a column's rows: document ids, and the hash that partitions are made by.

use sha2::{Digest, Sha256};

/// Bytes kept of each digest: 128 bits, so that 8 million ids collide with p < 1e-24.
pub const DIGEST_BYTES: usize = 16;

/// The first 16 bytes of SHA-256 of each row, one after the other.
///
/// Row `i` is `data[offsets[i]..offsets[i + 1]]`; `offsets` has rows + 1 ascending values within
/// `data`. Panics otherwise.
pub fn digest_rows(offsets: &[i64], data: &[u8]) -> Vec<u8> {
    let mut digests = Vec::with_capacity(offsets.len().saturating_sub(1) * DIGEST_BYTES);
    for bounds in offsets.windows(2) {
        let digest = Sha256::digest(&data[bounds[0] as usize..bounds[1] as usize]);
        digests.extend_from_slice(&digest[..DIGEST_BYTES]);
    }
    digests
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_the_published_ones() {
        // FIPS 180-2: SHA-256("abc") and SHA-256("").
        let digests = digest_rows(&[0, 3, 3], b"abc");
        assert_eq!(&digests[..4], &[0xba, 0x78, 0x16, 0xbf]);
        assert_eq!(&digests[16..20], &[0xe3, 0xb0, 0xc4, 0x42]);
        assert_eq!(digests.len(), 32);
    }
}

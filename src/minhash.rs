//! MinHash: shingles, signatures, band keys.

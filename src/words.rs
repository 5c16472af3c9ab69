//! The overlap normaliser: lower-cased alphanumeric words, characters of unspaced scripts.

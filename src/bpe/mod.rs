//! Byte-level BPE: pretokenize, count, train, encode, vocabulary files.

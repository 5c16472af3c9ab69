//! MinHash: shingles, signatures, band keys, and the exact check of what the bands propose.
//!
//! `signature` gives the hash values of datasketch's `MinHash`, bit for bit; `sha1` is the hash
//! that datasketch takes by default. `bands` turns signatures into band rows and band rows into
//! groups of candidates; `sets` keeps the shingle sets of candidates on disk; `verify` compares them
//! exactly; `components` gathers the verified pairs of each cluster, and `cluster` chooses its
//! survivor. `parts` is the form of the files between them.
//!
//! A shingle is `n` words of the overlap normaliser in a row. A text of fewer words has none: its
//! signature is the empty one, and only its exact copies are found.

pub mod bands;
pub mod cluster;
pub mod components;
pub mod parts;
pub mod sets;
pub mod sha1;
pub mod signature;
pub mod verify;

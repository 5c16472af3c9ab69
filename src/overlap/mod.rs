//! N-gram sets, the segmented index and the scan of training text against a test set.
//!
//! `ngrams` makes keys; `builder` collects them, with those in `spill` on disk, and writes a filter
//! that `file` opens, merges and describes; `check` measures it. `set` holds the exact n-grams of a test set
//! and `scan` finds them in training text, with places. What a test set is, and the report, are
//! Python's.

pub mod builder;
pub mod check;
mod collected;
pub mod file;
pub mod ngrams;
pub mod scan;
pub mod set;
pub mod sketch;
mod spill;
mod writer;

//! Byte-level BPE: pretokenize, count, train, encode, vocabulary files.
//!
//! Training gives the merges of Hugging Face tokenizers' `BpeTrainer`, encoding the ids of tiktoken;
//! `docs/bpe.md` has the exact rules. Not here: normalisation, prefix spaces, unknown tokens and
//! word-end marks, which byte-level vocabularies of GPT-2's kind do not have.

mod class;
pub mod count;
pub mod pretokenize;
mod special;
pub mod train;
mod unicode;

pub use count::{PieceCounter, Pieces, Sequence, Texts};
pub use pretokenize::{Pattern, Pretokenizer};
pub use train::{Learned, TrainOptions, train};

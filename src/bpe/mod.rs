//! Byte-level BPE: pretokenize, count, train, encode, vocabulary files, token shards.
//!
//! Training gives the merges of Hugging Face tokenizers' `BpeTrainer`, encoding the ids of tiktoken;
//! `docs/bpe.md` has the exact rules. Not here: normalisation, prefix spaces, unknown tokens and
//! word-end marks, which byte-level vocabularies of GPT-2's kind do not have.

mod class;
pub mod count;
pub mod encode;
pub mod pretokenize;
mod special;
pub mod token_file;
pub mod train;
mod unicode;
mod units;
pub mod vocabulary;

pub use count::{PieceCounter, Pieces};
pub use encode::{Encoder, Id};
pub use pretokenize::{Pattern, Pretokenizer};
pub use token_file::TokenWriter;
pub use train::{Learned, TrainOptions, train};
pub use units::{Sequence, Texts};
pub use vocabulary::Vocabulary;

//! Byte-level BPE against its slow twins.

mod encode;
mod pretokenize;
mod token_file;
mod train;

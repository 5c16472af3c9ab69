//! The core's tests: one module per core module, each fast algorithm beside its slow twin.

mod bpe;
mod bloom;
mod overlap;
mod dump;
mod words;

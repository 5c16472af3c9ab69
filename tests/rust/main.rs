//! The core's tests: one module per core module, each fast algorithm beside its slow twin.

mod bloom;
mod bpe;
mod documents;
mod dump;
mod extract;
mod hostile;
mod html;
mod minhash;
mod model;
mod overlap;
mod page;
mod rescue;
mod support;
mod wikitext;
mod words;

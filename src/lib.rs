//! The core of webtext: everything that touches every byte.
//!
//! Pure Rust: it prints nothing, reads no environment, opens no socket and knows nothing of Python.
//! The binding lives in `python` behind the feature of that name.

pub mod bloom;
pub mod bpe;
pub mod digest;
pub mod documents;
pub mod dump;
pub mod error;
pub mod extract;
pub mod hash;
pub mod html;
mod huge;
pub mod minhash;
pub mod overlap;
pub mod page;
pub mod wikitext;
pub mod words;

#[cfg(feature = "python")]
mod python;

pub use error::{Error, Result};

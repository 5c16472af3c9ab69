//! What surrounds a page's main text: its characters, title, language and publication date.
//!
//! Everything here depends on the page alone (its bytes, headers, address and time of capture):
//! no clock, no network, no state between pages; work grows with the size of the page, and nothing
//! recurses on input.

pub mod charset;
pub mod date;
pub mod declared;
pub mod jsonld;
pub mod language;
pub mod plain;

pub use charset::{Decoded, Evidence, decode};

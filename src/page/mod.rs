//! What surrounds a page's main text: its characters, title, language and publication date.
//!
//! Everything here depends on the page alone (its bytes, headers, address and time of capture):
//! no clock, no network, no state between pages; work grows with the size of the page, and nothing
//! recurses on input.

mod beginnings;
pub mod charset;
pub mod date;
pub mod declared;
pub mod jsonld;
pub mod language;
pub mod plain;
pub mod title;

pub use charset::{Decoded, Evidence, decode};
pub use date::{Bounds, Day};

use crate::html::Tree;

/// What is known of a page beside its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// On one line, NFC.
    pub title: Option<String>,
    /// ISO 639-1 code of the text's language, or `und`.
    pub language: &'static str,
    /// The day of publication, never later than the capture.
    pub published: Option<Day>,
}

/// Facts of the page in `tree`, as it was parsed, whose main text is `text`.
///
/// Without `url` the page's canonical address is asked for a date; without `fetched_at`, the day
/// of the capture in UTC, nothing bounds the date.
pub fn facts(tree: &Tree<'_>, url: Option<&str>, fetched_at: Option<Day>, text: &str) -> Facts {
    Facts {
        title: title::title(tree),
        language: language::detect(text),
        published: date::published(tree, url, &Bounds::until(fetched_at)),
    }
}

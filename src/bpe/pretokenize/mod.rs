//! Pretokenization: where a text is cut into the pieces that no merge crosses.
//!
//! Hand-written scanners of the three public patterns; the tests hold each against a regex engine.
//! Bytes that are not UTF-8 count as characters that are neither letter, number nor space.

mod ascii;
mod gpt2;
mod openai;

use crate::{Error, Result};
use std::str::FromStr;

/// Bytes a scan takes at a time: its bit masks and piece ends stay in the first-level cache.
const SEGMENT_BYTES: usize = 16 << 10;

/// A published pretokenization pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// GPT-2's, also called `r50k`.
    Gpt2,
    /// GPT-4's.
    Cl100k,
    /// GPT-4o's.
    O200k,
}

impl Pattern {
    /// All patterns, in the order of their age.
    pub const ALL: [Pattern; 3] = [Pattern::Gpt2, Pattern::Cl100k, Pattern::O200k];

    /// The name that options and files use.
    pub fn name(self) -> &'static str {
        match self {
            Pattern::Gpt2 => "gpt2",
            Pattern::Cl100k => "cl100k",
            Pattern::O200k => "o200k",
        }
    }

    /// The pattern as a regular expression with lookahead, equal to what tiktoken 0.14 uses.
    ///
    /// Source: openai/gpt-2 `encoder.py` (MIT); openai/tiktoken `openai_public.py` (MIT).
    pub fn regex(self) -> &'static str {
        match self {
            Pattern::Gpt2 => {
                r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
            }
            Pattern::Cl100k => {
                r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
            }
            Pattern::O200k => {
                r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
            }
        }
    }
}

impl FromStr for Pattern {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Pattern::ALL.into_iter().find(|pattern| pattern.name() == name).ok_or_else(|| {
            Error::InvalidParameter(format!(
                "pattern `{name}` is not known; gpt2, cl100k or o200k was expected"
            ))
        })
    }
}

/// A scanner with its scratch memory; one for each thread.
pub struct Pretokenizer {
    pattern: Pattern,
    masks: gpt2::Masks,
    ends: Vec<u32>,
}

impl Pretokenizer {
    /// A scanner of `pattern`.
    pub fn new(pattern: Pattern) -> Self {
        Pretokenizer { pattern, masks: gpt2::Masks::default(), ends: Vec::new() }
    }

    /// Calls `visit(segment, ends)` for one stretch of `text` after the other.
    ///
    /// `ends` ascend to the segment's length; piece `i` of it is `segment[ends[i - 1]..ends[i]]`.
    /// Segments end only where a piece ends whatever stands around, so they change nothing.
    pub fn segments(&mut self, text: &[u8], mut visit: impl FnMut(&[u8], &[u32])) {
        let mut rest = text;
        while !rest.is_empty() {
            let (segment, after) = rest.split_at(cut_after(rest, SEGMENT_BYTES));
            visit(segment, self.ends(segment));
            rest = after;
        }
    }

    /// The ends of the pieces of `text`, scanned in one go.
    ///
    /// # Panics
    /// If `text` has 4 GiB or more.
    pub fn ends(&mut self, text: &[u8]) -> &[u32] {
        assert!(text.len() < u32::MAX as usize, "a piece must be shorter than 4 GiB");
        self.ends.clear();
        match self.pattern {
            Pattern::Gpt2 => gpt2::scan(text, &mut self.masks, &mut self.ends),
            Pattern::Cl100k => openai::scan(text, openai::cl100k_piece, &mut self.ends),
            Pattern::O200k => openai::scan(text, openai::o200k_piece, &mut self.ends),
        }
        &self.ends
    }
}

/// The first place at or after `target` where every pattern ends a piece, whatever follows; the
/// length of `text` where there is none.
///
/// That is between an ASCII letter or digit and an ASCII white-space character: no alternative
/// continues across, and none looks back.
pub(crate) fn cut_after(text: &[u8], target: usize) -> usize {
    if target >= text.len() {
        return text.len();
    }
    let from = target.max(1);
    text[from - 1..]
        .windows(2)
        .position(|pair| pair[0].is_ascii_alphanumeric() && matches!(pair[1], b' ' | b'\t'..=b'\r'))
        .map_or(text.len(), |position| from + position)
}

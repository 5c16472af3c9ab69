//! `.tiktoken` files: a token in base64 and its rank on each line.

use super::{Added, Vocabulary};
use crate::bpe::pretokenize::Pattern;
use crate::{Error, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::HashSet;
use std::path::Path;

/// The longest token taken. Ours, far above any real one: every split of a token is looked at.
const MAX_TOKEN_BYTES: usize = 4096;

/// Reads a `.tiktoken` file's content; `path` is for messages.
///
/// The file names neither pattern nor special tokens. Ranks are ids; a piece that is a token is
/// taken whole.
///
/// # Errors
/// `Error::Format` for what is not such a file or not a byte-level vocabulary.
pub fn from_tiktoken(
    content: &[u8],
    path: &Path,
    pattern: Pattern,
    special: Vec<(String, u32)>,
) -> Result<Vocabulary> {
    let mut tokens = Vec::new();
    let mut offset = 0;
    for line in content.split_inclusive(|&byte| byte == b'\n') {
        let start = offset;
        offset += line.len() as u64;
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        let wrong = |what: &str| Error::format(path, Some(start), what.to_owned());
        let (token, rank) = line
            .iter()
            .position(|&byte| byte == b' ')
            .map(|blank| (&line[..blank], &line[blank + 1..]))
            .ok_or_else(|| wrong("a token in base64, a blank and a rank were expected"))?;
        let token = STANDARD.decode(token).map_err(|_| wrong("the token is not base64"))?;
        if token.len() > MAX_TOKEN_BYTES {
            return Err(wrong("the token is longer than 4096 bytes"));
        }
        let rank = std::str::from_utf8(rank).ok().and_then(|rank| rank.parse().ok());
        let rank: u32 = rank.ok_or_else(|| wrong("the rank is not a number"))?;
        tokens.push((token.into_boxed_slice(), rank));
    }
    let added = special.into_iter().map(Added::special).collect();
    Vocabulary::new(path, tokens, None, added, &HashSet::new(), pattern, true)
}

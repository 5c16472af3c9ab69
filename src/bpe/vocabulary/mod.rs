//! Vocabularies and the files that hold them.
//!
//! Every reader checks what it reads: a token for each byte, merges of tokens that exist into
//! tokens that exist, no id twice. What a file asks for and byte-level BPE of GPT-2's kind does not
//! have (normalisation, prefix spaces, unknown patterns) is an error, never ignored.

mod files;
mod json;
mod tiktoken;

use super::count::Seeds;
use super::pretokenize::Pattern;
use crate::{Error, Result};
use std::collections::{HashMap, HashSet};
use std::path::Path;

pub use json::{from_tokenizer_json, from_vocab_and_merges};
pub use tiktoken::from_tiktoken;

/// Ids lie below this, so that a pair and its rank fit into 64 bits.
pub const MAX_IDS: u32 = 1 << 20;

/// Merges are fewer: a rank is 24 bits, of which all ones is no rank.
const MAX_MERGES: usize = (1 << 24) - 1;

/// How pairs are ranked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merges {
    /// By their place in a list of left, right and new id: GPT-2, tokenizers.
    Listed(Vec<(u32, u32, u32)>),
    /// By the id of the token that they spell, whatever the halves: tiktoken.
    ByToken,
}

/// A token that is taken out of the text before it is cut into pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// Its text; not empty.
    pub content: String,
    /// Its id.
    pub id: u32,
    /// Whether text that spells it is ordinary text, unless the caller allows it.
    pub special: bool,
    /// Whether it is looked for only in what the others leave.
    pub normalized: bool,
    /// Whether it takes the white space before it.
    pub lstrip: bool,
    /// Whether it takes the white space behind it.
    pub rstrip: bool,
}

impl Added {
    /// A special token that takes nothing with it.
    pub fn special((content, id): (String, u32)) -> Self {
        Added { content, id, special: true, normalized: false, lstrip: false, rstrip: false }
    }
}

/// The bytes that a merge makes, and where its left half ends.
type Merge = (Vec<u8>, usize);

/// A checked vocabulary.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    /// Bytes of each ordinary id; gaps are `None`.
    pub tokens: Vec<Option<Box<[u8]>>>,
    /// How pairs are ranked.
    pub merges: Merges,
    /// Added tokens, special or not, in the order of the ids.
    pub added: Vec<Added>,
    /// Where text is cut.
    pub pattern: Pattern,
    /// Whether a piece that is a token is taken whole before any merging.
    pub whole_first: bool,
}

impl Vocabulary {
    /// One more than the highest id.
    pub fn id_limit(&self) -> u32 {
        let added = self.added.iter().map(|token| token.id + 1).max().unwrap_or(0);
        added.max(self.tokens.len() as u32)
    }

    /// Special tokens and their ids, in the order of the ids.
    pub fn special(&self) -> Vec<(String, u32)> {
        let special = self.added.iter().filter(|token| token.special);
        special.map(|token| (token.content.clone(), token.id)).collect()
    }

    /// Checks tokens, added tokens and merges, and puts them in order.
    ///
    /// `merges` come with the file that lists them, or `None` for tiktoken's
    /// ranking; `shared` are ids of added tokens that are the model's too.
    fn new(
        path: &Path,
        tokens: Vec<(Box<[u8]>, u32)>,
        merges: Option<(Vec<Merge>, &Path)>,
        mut added: Vec<Added>,
        shared: &HashSet<u32>,
        pattern: Pattern,
        whole_first: bool,
    ) -> Result<Self> {
        let wrong = |message: String| Error::format(path, None, message);
        let mut taken = vec![false; MAX_IDS as usize];
        let others = added.iter().map(|token| token.id).filter(|id| !shared.contains(id));
        for id in tokens.iter().map(|entry| entry.1).chain(others) {
            if id >= MAX_IDS {
                return Err(wrong(format!("id {id} was found; ids must be below {MAX_IDS}")));
            }
            if std::mem::replace(&mut taken[id as usize], true) {
                return Err(wrong(format!("id {id} stands for two tokens")));
            }
        }
        if added.iter().any(|token| token.content.is_empty()) {
            return Err(wrong("an added token is empty".into()));
        }
        let mut id_of = HashMap::with_capacity_and_hasher(tokens.len(), Seeds::random());
        for (token, id) in &tokens {
            if token.is_empty() {
                return Err(wrong(format!("token {id} is empty")));
            }
            if let Some(other) = id_of.insert(&**token, *id) {
                return Err(wrong(format!("tokens {other} and {id} have the same bytes")));
            }
        }
        if let Some(byte) = (0..=255u8).find(|byte| !id_of.contains_key(&[*byte][..])) {
            return Err(wrong(format!(
                "byte 0x{byte:02x} has no token; a byte-level vocabulary has one for each of the 256"
            )));
        }
        let merges = match merges {
            None => Merges::ByToken,
            Some((listed, path)) => {
                let wrong = |message: String| Error::format(path, None, message);
                if listed.len() >= MAX_MERGES {
                    let (found, most) = (listed.len(), MAX_MERGES - 1);
                    return Err(wrong(format!("{found} merges; at most {most} were expected")));
                }
                let id = |bytes: &[u8], rank: usize| {
                    id_of.get(bytes).copied().ok_or_else(|| {
                        wrong(format!(
                            "merge {rank} needs `{}`, which is not in the vocabulary",
                            bytes.escape_ascii()
                        ))
                    })
                };
                let mut merges = Vec::with_capacity(listed.len());
                for (rank, (whole, cut)) in listed.iter().enumerate() {
                    let (left, right) = whole.split_at(*cut);
                    merges.push((id(left, rank)?, id(right, rank)?, id(whole, rank)?));
                }
                Merges::Listed(merges)
            }
        };
        added.sort_by_key(|token| token.id);
        let limit = tokens.iter().map(|entry| entry.1 + 1).max().unwrap_or(0);
        let mut by_id = vec![None; limit as usize];
        for (token, id) in tokens {
            by_id[id as usize] = Some(token);
        }
        Ok(Vocabulary { tokens: by_id, merges, added, pattern, whole_first })
    }
}

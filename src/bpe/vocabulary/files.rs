//! A learnt vocabulary, and the files that it is written to.

use super::json::letters;
use super::{Added, Merges, Vocabulary};
use crate::bpe::pretokenize::Pattern;
use crate::bpe::train::Learned;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

impl Vocabulary {
    /// What was learnt; the special tokens get the ids behind it, in their order.
    pub fn learned(learned: Learned, special: Vec<String>, pattern: Pattern) -> Self {
        let ids = learned.tokens.len() as u32..;
        Vocabulary {
            tokens: learned.tokens.into_iter().map(Some).collect(),
            merges: Merges::Listed(learned.merges),
            added: special.into_iter().zip(ids).map(Added::special).collect(),
            pattern,
            whole_first: false,
        }
    }

    /// Whether `read`, from one of the files below, says what this learnt vocabulary says. A file
    /// of ranks lists no merges.
    pub fn agrees(&self, read: &Vocabulary) -> bool {
        self.tokens == read.tokens
            && (read.merges == Merges::ByToken || self.merges == read.merges)
            && self.added.len() == read.added.len()
            && self.special() == read.special()
            && self.pattern == read.pattern
    }

    /// `tokenizer.json`, `vocab.json`, `merges.txt` and `vocab.tiktoken` of a learnt vocabulary:
    /// the bytes that tokenizers writes, and tiktoken's lines.
    pub fn files(&self) -> [(&'static str, Vec<u8>); 4] {
        let letters = letters();
        let spelled: Vec<String> = self
            .tokens
            .iter()
            .map(|token| token.iter().flatten().map(|&byte| letters[byte as usize]).collect())
            .collect();
        let json: Vec<String> = spelled.iter().map(|token| quoted(token)).collect();
        let added: Vec<(String, u32)> =
            self.added.iter().map(|added| (quoted(&added.content), added.id)).collect();
        let entries = json.iter().zip(0u32..).chain(added.iter().map(|(text, id)| (text, *id)));
        let mut vocab = b"{".to_vec();
        let mut indented = Vec::new();
        for (number, (token, id)) in entries.enumerate() {
            let (comma, id) = (if number > 0 { "," } else { "" }, id.to_string());
            append(&mut vocab, &[comma, token, ":", &id]);
            append(&mut indented, &[comma, "\n      ", token, ": ", &id]);
        }
        vocab.push(b'}');
        let (mut merges, mut listed) = (b"#version: 0.2\n".to_vec(), Vec::new());
        let pairs = match &self.merges {
            Merges::Listed(pairs) => pairs.as_slice(),
            Merges::ByToken => &[],
        };
        for (rank, &(left, right, _)) in pairs.iter().enumerate() {
            let (left, right) = (left as usize, right as usize);
            append(&mut merges, &[&spelled[left], " ", &spelled[right], "\n"]);
            let comma = if rank > 0 { "," } else { "" };
            let opened = [comma, "\n      [\n        ", &json[left], ",\n        "];
            append(&mut listed, &opened);
            append(&mut listed, &[&json[right], "\n      ]"]);
        }
        let mut ranks = Vec::new();
        for (rank, token) in self.tokens.iter().enumerate() {
            let token = STANDARD.encode(token.as_deref().unwrap_or_default());
            append(&mut ranks, &[&token, " ", &rank.to_string(), "\n"]);
        }
        [
            ("tokenizer.json", self.tokenizer_json(&indented, &listed)),
            ("vocab.json", vocab),
            ("merges.txt", merges),
            ("vocab.tiktoken", ranks),
        ]
    }

    /// tokenizers' document around the entries of the vocabulary and the merges.
    fn tokenizer_json(&self, vocab: &[u8], merges: &[u8]) -> Vec<u8> {
        let added: Vec<String> = self.added.iter().map(added_token).collect();
        let added = match added.as_slice() {
            [] => "[]".to_owned(),
            some => format!("[{}\n  ]", some.join(",")),
        };
        let cut = match self.pattern {
            Pattern::Gpt2 => byte_level(2, true, true),
            other => format!(
                r#"{{
    "type": "Sequence",
    "pretokenizers": [
      {{
        "type": "Split",
        "pattern": {{
          "Regex": {}
        }},
        "behavior": "Isolated",
        "invert": false
      }},
      {}
    ]
  }}"#,
                quoted(other.regex()),
                byte_level(6, true, false)
            ),
        };
        let mut out = Vec::with_capacity(vocab.len() + merges.len() + 4096);
        let head = format!(
            r#"{{
  "version": "1.0",
  "truncation": null,
  "padding": null,
  "added_tokens": {added},
  "normalizer": null,
  "pre_tokenizer": {cut},
  "post_processor": {},
  "decoder": {},
  "model": {{
    "type": "BPE",
    "dropout": null,
    "unk_token": null,
    "continuing_subword_prefix": null,
    "end_of_word_suffix": null,
    "fuse_unk": false,
    "byte_fallback": false,
    "ignore_merges": false,
    "vocab": {{"#,
            byte_level(2, false, true),
            byte_level(2, true, true)
        );
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(vocab);
        out.extend_from_slice(b"\n    },\n    \"merges\": [");
        out.extend_from_slice(merges);
        out.extend_from_slice(if merges.is_empty() { b"]" } else { b"\n    ]" });
        out.extend_from_slice(b"\n  }\n}");
        out
    }
}

/// tokenizers' `ByteLevel`, which never adds a space; its fields lie `indent` blanks and two in.
fn byte_level(indent: usize, trim_offsets: bool, use_regex: bool) -> String {
    let blank = " ".repeat(indent);
    format!(
        r#"{{
{blank}  "type": "ByteLevel",
{blank}  "add_prefix_space": false,
{blank}  "trim_offsets": {trim_offsets},
{blank}  "use_regex": {use_regex}
{blank}}}"#
    )
}

fn added_token(added: &Added) -> String {
    format!(
        r#"
    {{
      "id": {},
      "content": {},
      "single_word": false,
      "lstrip": {},
      "rstrip": {},
      "normalized": {},
      "special": {}
    }}"#,
        added.id,
        quoted(&added.content),
        added.lstrip,
        added.rstrip,
        added.normalized,
        added.special
    )
}

/// A text as JSON writes it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn append(out: &mut Vec<u8>, parts: &[&str]) {
    parts.iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
}

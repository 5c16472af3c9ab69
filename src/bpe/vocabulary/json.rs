//! `tokenizer.json`, and `vocab.json` (or `encoder.json`) with `merges.txt` (or `vocab.bpe`).

use super::{Added, Merge, Vocabulary};
use crate::bpe::count::Seeds;
use crate::bpe::pretokenize::Pattern;
use crate::bpe::train::byte_order;
use crate::{Error, Result};
use serde_json_borrow::{ObjectAsVec, Value};
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// GPT-2's pattern as tiktoken 0.14 writes it: the same pieces.
const R50K: &str =
    r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s";

/// Reads a `tokenizer.json`'s content; `path` is for messages.
///
/// The post-processor and truncation are not taken over: ids are those without special tokens
/// added, as `encode(text, add_special_tokens=False)` gives them.
///
/// # Errors
/// `Error::Format` for what is not such a file, not a byte-level BPE, or asks for what we do not do.
pub fn from_tokenizer_json(content: &[u8], path: &Path) -> Result<Vocabulary> {
    let wrong = |message: String| Error::format(path, None, message);
    let document: Value = serde_json::from_slice(without_mark(content))
        .map_err(|error| wrong(format!("not a tokenizer.json: {error}")))?;
    let model = field(&document, "model")
        .and_then(Value::as_object)
        .ok_or_else(|| wrong("`model` is missing; a tokenizer.json was expected".into()))?;
    if let Some(kind) = model.get("type").filter(|kind| kind.as_str() != Some("BPE")) {
        return Err(wrong(format!("the model is {}; \"BPE\" was expected", brief(kind))));
    }
    for (name, harmless) in [
        ("continuing_subword_prefix", "an empty prefix"),
        ("end_of_word_suffix", "an empty suffix"),
        ("dropout", "no dropout"),
        ("byte_fallback", "no byte fallback"),
    ] {
        let value = model.get(name).unwrap_or(&Value::Null);
        let zero = value.as_f64() == Some(0.0) || value.as_bool() == Some(false);
        if !(value.is_null() || value.as_str() == Some("") || zero) {
            return Err(wrong(format!("`{name}` is {}; {harmless} was expected", brief(value))));
        }
    }
    if let Some(normalizer) = field(&document, "normalizer").filter(|value| !value.is_null()) {
        return Err(wrong(format!(
            "the normalizer is {}; none was expected",
            brief(field(normalizer, "type").unwrap_or(normalizer))
        )));
    }
    let pattern = pattern_of(field(&document, "pre_tokenizer").unwrap_or(&Value::Null))
        .map_err(|found| wrong(format!("the pre-tokenizer {found}")))?;

    let vocab = model.get("vocab").ok_or_else(|| wrong("`model.vocab` is missing".into()))?;
    let vocab = vocab.as_object().ok_or_else(|| {
        wrong(format!("`model.vocab` is {}; an object was expected", brief(vocab)))
    })?;
    let listed = field(&document, "added_tokens").and_then(Value::as_array).unwrap_or_default();
    let outside: HashSet<&str> =
        listed.iter().filter_map(|token| field(token, "content")?.as_str()).collect();
    // Those that are tokens of the model too.
    let of_model: HashMap<&str, &Value> =
        vocab.iter().filter(|entry| outside.contains(entry.0)).collect();
    let mut added = Vec::new();
    // tokenizers numbers what the model lacks itself, whatever the file says.
    let mut next = vocab.len() as u32;
    for token in listed {
        let token = added_token(token, &of_model).map_err(wrong)?;
        if token.id != next && !of_model.contains_key(&*token.content) {
            let (named, id) = (cut(&token.content), token.id);
            let message =
                format!("added token `{named}` is {id}; {next}, the next id, was expected");
            return Err(wrong(message));
        }
        next = next.max(token.id.saturating_add(1));
        added.push(token);
    }
    let listed = model
        .get("merges")
        .and_then(Value::as_array)
        .ok_or_else(|| wrong("`model.merges` is missing".into()))?;
    let spelling = Spelling::new();
    let mut merges = Vec::with_capacity(listed.len());
    for (rank, merge) in listed.iter().enumerate() {
        let halves = match merge {
            Value::Str(line) => line.split_once(' '),
            Value::Array(halves) => match halves.as_slice() {
                [Value::Str(left), Value::Str(right)] => Some((&**left, &**right)),
                _ => None,
            },
            _ => None,
        };
        merges.push(spelling.merge(halves, rank).map_err(wrong)?);
    }
    // An added token that merges need too is also a token of the model.
    let spelt: HashSet<Vec<u8>> = outside.iter().filter_map(|text| spelling.bytes(text)).collect();
    let mut made: HashSet<&[u8]> = HashSet::new();
    for (whole, cut) in merges.iter().filter(|_| !spelt.is_empty()) {
        let (left, right) = whole.split_at(*cut);
        made.extend([left, right, whole].into_iter().filter(|part| spelt.contains(*part)));
    }
    let tokens = tokens_of(vocab, path, |spelled| {
        outside.contains(spelled)
            && spelling
                .bytes(spelled)
                .is_none_or(|bytes| bytes.len() > 1 && !made.contains(&bytes[..]))
    })?;
    let shared = added.iter().filter(|token| of_model.contains_key(&*token.content));
    let shared = shared.map(|token| token.id).collect();
    let whole_first = model.get("ignore_merges").and_then(Value::as_bool) == Some(true);
    Vocabulary::new(path, tokens, Some((merges, path)), added, &shared, pattern, whole_first)
}

/// Reads `vocab.json` and `merges.txt`, whose names were `encoder.json` and `vocab.bpe` once.
///
/// What is neither a byte nor made by a merge is a special token.
///
/// # Errors
/// `Error::Format` for what is not such a file or not a byte-level vocabulary.
pub fn from_vocab_and_merges(
    vocab: (&[u8], &Path),
    merges: (&[u8], &Path),
    pattern: Pattern,
) -> Result<Vocabulary> {
    let wrong = |message: String| Error::format(vocab.1, None, message);
    let wrong_merges = |message: String| Error::format(merges.1, None, message);
    let document: Value = serde_json::from_slice(without_mark(vocab.0))
        .map_err(|error| wrong(format!("not a vocab.json: {error}")))?;
    let entries = document
        .as_object()
        .ok_or_else(|| wrong("an object of tokens and ids was expected".into()))?;
    let lines = std::str::from_utf8(merges.0)
        .map_err(|error| wrong_merges(format!("not UTF-8: {error}")))?;
    let spelling = Spelling::new();
    let mut listed = Vec::new();
    for (number, line) in lines.split('\n').map(|line| line.trim_end_matches('\r')).enumerate() {
        if line.is_empty() || (number == 0 && line.starts_with("#version")) {
            continue;
        }
        listed.push(spelling.merge(line.split_once(' '), listed.len()).map_err(wrong_merges)?);
    }
    let mut made = HashSet::with_capacity_and_hasher(listed.len(), Seeds::random());
    made.extend(listed.iter().map(|(whole, _)| &whole[..]));
    let mut special = Vec::new();
    let mut outside: HashSet<&str> = HashSet::new();
    for (spelled, id) in entries.iter() {
        let bytes = spelling.bytes(spelled);
        if bytes.is_some_and(|bytes| bytes.len() <= 1 || made.contains(&bytes[..])) {
            continue;
        }
        outside.insert(spelled);
        let named = || format!("the id of `{}` is {}", cut(spelled), brief(id));
        let id = as_id(id).ok_or_else(|| wrong(named()))?;
        special.push(Added::special((spelled.to_owned(), id)));
    }
    let tokens = tokens_of(entries, vocab.1, |spelled| outside.contains(spelled))?;
    let none = HashSet::new();
    let listed = Some((listed, merges.1));
    Vocabulary::new(vocab.1, tokens, listed, special, &none, pattern, false)
}

/// The most of a foreign value that a message quotes, in characters.
const QUOTED: usize = 60;

/// A text cut to what a message may quote.
fn cut(text: &str) -> String {
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// A value as a message may quote it; of a list or an object only what it is.
fn brief(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Object(fields) => format!("an object of {}", fields.len()),
        other => cut(&serde_json::Value::from(other).to_string()),
    }
}

/// A field of a value, where that is an object that has it.
fn field<'a, 'text>(value: &'a Value<'text>, name: &str) -> Option<&'a Value<'text>> {
    value.as_object()?.get(name)
}

/// The content without the mark that says UTF-8.
fn without_mark(content: &[u8]) -> &[u8] {
    content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content)
}

/// An entry of `added_tokens`, or what is wrong with it.
fn added_token(
    entry: &Value,
    of_model: &HashMap<&str, &Value>,
) -> std::result::Result<Added, String> {
    let content = field(entry, "content").and_then(Value::as_str);
    let Some((content, id)) = content.zip(field(entry, "id").and_then(as_id)) else {
        return Err("an added token lacks content or id".into());
    };
    let named = cut(content);
    let flag = |name: &str, absent: bool| match field(entry, name) {
        None => Ok(absent),
        Some(Value::Bool(value)) => Ok(*value),
        Some(other) => Err(format!("`{name}` of added token `{named}` is {}", brief(other))),
    };
    let special = flag("special", false)?;
    if flag("single_word", false)? {
        return Err(format!("added token `{named}` is `single_word`, which is not supported"));
    }
    if let Some(other) = of_model.get(content).filter(|other| as_id(other) != Some(id)) {
        let other = brief(other);
        return Err(format!("added token `{named}` is {id}, but {other} in `model.vocab`"));
    }
    Ok(Added {
        content: content.to_owned(),
        id,
        special,
        normalized: flag("normalized", !special)?,
        lstrip: flag("lstrip", false)?,
        rstrip: flag("rstrip", false)?,
    })
}

fn as_id(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|id| u32::try_from(id).ok())
}

fn tokens_of(
    vocab: &ObjectAsVec,
    path: &Path,
    skip: impl Fn(&str) -> bool,
) -> Result<Vec<(Box<[u8]>, u32)>> {
    let spelling = Spelling::new();
    let mut tokens = Vec::with_capacity(vocab.len());
    for (spelled, id) in vocab.iter().filter(|entry| !skip(entry.0)) {
        let wrong =
            |what: &str| Error::format(path, None, format!("token `{}` {what}", cut(spelled)));
        let bytes =
            spelling.bytes(spelled).ok_or_else(|| wrong("is not in GPT-2's byte alphabet"))?;
        let id = as_id(id).ok_or_else(|| wrong("has an id that is no 32-bit number"))?;
        tokens.push((bytes.into_boxed_slice(), id));
    }
    Ok(tokens)
}

/// The pattern that a pre-tokenizer stands for, or what is wrong with it.
fn pattern_of(value: &Value) -> std::result::Result<Pattern, String> {
    match kind_of(value).as_str() {
        "ByteLevel" => byte_level(value, true).map(|()| Pattern::Gpt2),
        "Sequence" => {
            let steps = field(value, "pretokenizers").and_then(Value::as_array).unwrap_or_default();
            let kinds: Vec<String> = steps.iter().map(kind_of).collect();
            match steps {
                [only] => pattern_of(only),
                [split, last] if kinds == ["Split", "ByteLevel"] => {
                    byte_level(last, false)?;
                    split_pattern(split)
                }
                _ => {
                    let kinds = cut(&kinds.join(", "));
                    Err(format!("is {kinds}; ByteLevel, or Split and ByteLevel, were expected"))
                }
            }
        }
        kind => Err(format!("is {kind}; ByteLevel, or Split and ByteLevel, were expected")),
    }
}

fn kind_of(value: &Value) -> String {
    cut(field(value, "type").and_then(Value::as_str).unwrap_or("none"))
}

/// Checks that a ByteLevel adds no space, and has a pattern of its own or not, as is needed.
fn byte_level(value: &Value, with_regex: bool) -> std::result::Result<(), String> {
    if field(value, "add_prefix_space").and_then(Value::as_bool) != Some(false) {
        return Err("ByteLevel has `add_prefix_space`; none was expected".into());
    }
    if field(value, "use_regex").and_then(Value::as_bool).unwrap_or(true) != with_regex {
        let (found, expected) = (!with_regex, with_regex);
        return Err(format!("ByteLevel has `use_regex` {found}; {expected} was expected"));
    }
    Ok(())
}

/// The pattern of a Split whose pieces are the matches and what lies between them.
fn split_pattern(split: &Value) -> std::result::Result<Pattern, String> {
    let behavior = field(split, "behavior").unwrap_or(&Value::Null);
    let invert = field(split, "invert").and_then(Value::as_bool) == Some(true);
    if behavior.as_str() != Some("Isolated") || invert {
        let inverted = if invert { " and `invert` true" } else { "" };
        return Err(format!(
            "Split has `behavior` {}{inverted}, which is not supported; \"Isolated\" without \
             `invert` was expected",
            brief(behavior)
        ));
    }
    let pattern = field(split, "pattern").unwrap_or(&Value::Null);
    let Some(regex) = field(pattern, "Regex").and_then(Value::as_str) else {
        return Err("Split has a `pattern` that is no Regex, which is not supported".into());
    };
    Pattern::ALL
        .into_iter()
        .find(|pattern| pattern.regex() == regex)
        .or((regex == R50K).then_some(Pattern::Gpt2))
        .ok_or_else(|| {
            let regex = cut(regex);
            format!("Split by `{regex}`, which is not supported; a pattern of gpt2, cl100k or o200k was expected")
        })
}

/// The character that stands for each byte in vocabulary files.
///
/// Source: openai/gpt-2 `encoder.py`, `bytes_to_unicode`.
pub(super) fn letters() -> [char; 256] {
    let order = byte_order();
    // The visible bytes stand for themselves, the others for 256, 257, ... in order.
    let hidden = order.iter().rposition(|&byte| byte == 0xFF).map_or(0, |last| last + 1);
    let mut letters = ['\0'; 256];
    for (id, &byte) in order.iter().enumerate() {
        let number = if id < hidden { u32::from(byte) } else { (256 + id - hidden) as u32 };
        letters[byte as usize] = char::from_u32(number).expect("below 512");
    }
    letters
}

/// GPT-2's characters for bytes, read back: the byte of each character below 512.
struct Spelling([Option<u8>; 512]);

impl Spelling {
    fn new() -> Self {
        let mut byte_of = [None; 512];
        for (letter, byte) in letters().into_iter().zip(0..=255) {
            byte_of[letter as usize] = Some(byte);
        }
        Spelling(byte_of)
    }

    fn bytes(&self, spelled: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::with_capacity(spelled.len());
        self.append(spelled, &mut bytes).then_some(bytes)
    }

    /// Appends the bytes; false where a character stands for none.
    fn append(&self, spelled: &str, bytes: &mut Vec<u8>) -> bool {
        spelled.chars().all(|character| {
            let byte = self.0.get(character as usize).copied().flatten();
            bytes.extend(byte);
            byte.is_some()
        })
    }

    /// The bytes that a merge makes and where its left half ends, or what is wrong with it.
    fn merge(
        &self,
        halves: Option<(&str, &str)>,
        rank: usize,
    ) -> std::result::Result<Merge, String> {
        let (left, right) =
            halves.ok_or_else(|| format!("merge {rank} is not a pair of tokens"))?;
        let mut whole = Vec::with_capacity(left.len() + right.len());
        let spelled = self.append(left, &mut whole);
        let cut = whole.len();
        if spelled && self.append(right, &mut whole) && 0 < cut && cut < whole.len() {
            return Ok((whole, cut));
        }
        let (left, right) = (self::cut(left), self::cut(right));
        Err(format!("merge {rank} (`{left} {right}`) is not in GPT-2's byte alphabet"))
    }
}

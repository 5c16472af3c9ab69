//! The fields of one line, over its tokens: the grammar checked throughout, values found in place.
//!
//! A line is `Damaged` exactly if it is no JSON object in UTF-8 by Python's `json.loads` (which also
//! takes `NaN`, `Infinity` and `-Infinity`), is nested deeper than `MAX_DEPTH`, or has more than
//! `MAX_TOKENS` tokens. Fields are the keys of the outer object only, in any order, spelt with
//! escapes or not; the last of equal keys counts. A line `{"kind": "t3", "data": {...}}` of an API
//! listing (`t1` for comments) stands for its inner object.

use super::structure::{MAX_DEPTH, Malformed, Structure, Traits};
use super::values::{integer, is_number, unescape};
use memchr::memchr;

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// A JSON object that is no comment: a submission, or at least not known to be anything else.
    Ok = 0,
    /// No JSON object: cut, overwritten, not UTF-8, or over the limits.
    Damaged = 1,
    /// The line of a comment dump: has `body` and `link_id`, neither `title` nor `url`.
    Comment = 2,
}

/// A value found in a line: its kind and place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Value {
    #[default]
    Absent,
    /// Between the quotes.
    String {
        start: u32,
        end: u32,
    },
    /// A number or word, checked.
    Scalar {
        start: u32,
        end: u32,
    },
    /// An object, at this token.
    Object {
        token: u32,
    },
    Array,
}

/// Keys that are looked for; the order is that of `Scanner::values`.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Key {
    Id,
    Url,
    Domain,
    Subreddit,
    Author,
    Score,
    CreatedUtc,
    IsSelf,
    Over18,
    Promoted,
    Title,
    Body,
    LinkId,
    Kind,
    Data,
}

const KEYS: usize = Key::Data as usize + 1;

/// The key that these bytes spell, for `name` of any length with 16 readable bytes from its start.
#[inline(always)]
fn key_of(text: &[u8], start: usize, end: usize) -> Option<Key> {
    let load =
        |at: usize| u64::from_le_bytes(*text[at..at + 8].first_chunk().expect("eight bytes"));
    const fn word(name: &[u8]) -> u64 {
        let mut value = 0;
        let mut index = 0;
        while index < name.len() && index < 8 {
            value |= (name[index] as u64) << (8 * index);
            index += 1;
        }
        value
    }
    let length = end - start;
    if !(2..=11).contains(&length) {
        return None;
    }
    let first = load(start) & (u64::MAX >> (64 - 8 * length.min(8)));
    let is = |name: &'static [u8], key: Key| (first == word(name)).then_some(key);
    match length {
        2 => is(b"id", Key::Id),
        3 => is(b"url", Key::Url),
        4 => is(b"body", Key::Body).or(is(b"kind", Key::Kind)).or(is(b"data", Key::Data)),
        5 => is(b"score", Key::Score).or(is(b"title", Key::Title)),
        6 => is(b"author", Key::Author).or(is(b"domain", Key::Domain)),
        7 => is(b"is_self", Key::IsSelf)
            .or(is(b"over_18", Key::Over18))
            .or(is(b"link_id", Key::LinkId)),
        8 => is(b"promoted", Key::Promoted),
        9 if text[start + 8] == b't' => is(b"subreddit", Key::Subreddit),
        11 if text[start + 8..start + 11] == *b"utc" => is(b"created_utc", Key::CreatedUtc),
        _ => None,
    }
}

/// Finds the fields of lines, one after the other; keeps its buffers between them.
pub(super) struct Scanner {
    structure: Structure,
    values: [Value; KEYS],
    /// A key with its escapes resolved.
    key: Vec<u8>,
}

impl Scanner {
    pub(super) fn new(level: super::Level) -> Self {
        Scanner { structure: Structure::new(level), values: [Value::Absent; KEYS], key: Vec::new() }
    }

    /// Scans `text[..len]`, one line without its end; 64 bytes beyond `len` must be readable, the
    /// first of them a line feed or zero. The fields are those of this line until the next call.
    pub(super) fn scan(&mut self, text: &[u8], len: usize) -> Status {
        debug_assert!(matches!(text[len], b'\n' | 0));
        match self.scan_object(text, len) {
            Ok(status) => status,
            Err(Malformed) => Status::Damaged,
        }
    }

    fn scan_object(&mut self, text: &[u8], len: usize) -> Result<Status, Malformed> {
        let traits = self.structure.find(text, len)?;
        if traits.non_ascii && std::str::from_utf8(&text[..len]).is_err() {
            return Err(Malformed);
        }
        let tokens = self.structure.tokens();
        let walk = Walk { text, tokens, traits };
        if walk.byte(0) != b'{' {
            return Err(Malformed);
        }
        let end = walk.object(0, &mut self.values, &mut self.key)?;
        if walk.at(end) != len {
            return Err(Malformed);
        }
        if let Value::String { start, end } = self.values[Key::Kind as usize]
            && let Value::Object { token } = self.values[Key::Data as usize]
        {
            self.key.clear();
            unescape(&text[start as usize..end as usize], &mut self.key);
            if matches!(self.key.as_slice(), b"t3" | b"t1") {
                walk.object(token as usize, &mut self.values, &mut self.key)?;
            }
        }
        let has = |key: Key| self.values[key as usize] != Value::Absent;
        let comment = has(Key::Body) && has(Key::LinkId) && !has(Key::Title) && !has(Key::Url);
        Ok(if comment { Status::Comment } else { Status::Ok })
    }

    /// The fields of the line scanned last, `text` as it was given then.
    pub(super) fn fields<'a>(&'a self, text: &'a [u8]) -> RawFields<'a> {
        RawFields { text, values: &self.values }
    }
}

/// The tokens of a line, read by the grammar.
struct Walk<'a> {
    text: &'a [u8],
    tokens: &'a [u32],
    traits: Traits,
}

impl Walk<'_> {
    /// Offset of a token in the line; the line's length behind the last.
    ///
    /// No caller goes more than two tokens behind the last: each looks ahead of a token that it has
    /// seen to be a quote, colon or bracket, and behind the last token `byte` is none of these.
    #[inline(always)]
    fn at(&self, token: usize) -> usize {
        debug_assert!(token < self.tokens.len());
        // SAFETY: see above; four entries stand behind the last token.
        unsafe { *self.tokens.get_unchecked(token) as usize }
    }

    /// First byte of a token; a line feed or zero behind the last.
    #[inline(always)]
    fn byte(&self, token: usize) -> u8 {
        let at = self.at(token);
        debug_assert!(at < self.text.len());
        // SAFETY: offsets are at most the line's length, behind which `Structure::find` saw 64 bytes.
        unsafe { *self.text.get_unchecked(at) }
    }

    /// Reads the object at `token` into `values`; returns the token behind it.
    fn object(
        &self,
        token: usize,
        values: &mut [Value; KEYS],
        key: &mut Vec<u8>,
    ) -> Result<usize, Malformed> {
        *values = [Value::Absent; KEYS];
        let mut token = token + 1;
        if self.byte(token) == b'}' {
            return Ok(token + 1);
        }
        loop {
            if self.byte(token) != b'"' || self.byte(token + 2) != b':' {
                return Err(Malformed);
            }
            let (start, end) = (self.at(token) + 1, self.at(token + 1));
            let found = if self.traits.escaped_word {
                self.escaped_key(start, end, key)
            } else {
                key_of(self.text, start, end)
            };
            token += 3;
            let value;
            match self.byte(token) {
                b'"' => {
                    let (start, end) = (self.at(token) + 1, self.at(token + 1));
                    value = Value::String { start: start as u32, end: end as u32 };
                    token += 2;
                }
                open @ (b'{' | b'[') => {
                    value = if open == b'{' {
                        Value::Object { token: token as u32 }
                    } else {
                        Value::Array
                    };
                    token = self.skip(token)?;
                }
                _ => {
                    let (start, end) = self.scalar(token)?;
                    value = Value::Scalar { start: start as u32, end: end as u32 };
                    token += 1;
                }
            }
            if let Some(key) = found {
                values[key as usize] = value;
            }
            match self.byte(token) {
                b',' => token += 1,
                b'}' => return Ok(token + 1),
                _ => return Err(Malformed),
            }
        }
    }

    /// `key_of` for a key that may be spelt with escapes.
    #[cold]
    fn escaped_key(&self, start: usize, end: usize, key: &mut Vec<u8>) -> Option<Key> {
        key.clear();
        unescape(&self.text[start..end], key);
        let length = key.len();
        key.resize(length + 16, 0);
        key_of(key, 0, length)
    }

    /// Checks the object or array at `token`; returns the token behind it.
    fn skip(&self, mut token: usize) -> Result<usize, Malformed> {
        // One bit for each open container, set for objects.
        let mut open = [0u64; MAX_DEPTH / 64];
        let mut depth = 0;
        'open: loop {
            // The outermost object is a level too.
            if depth + 1 == MAX_DEPTH {
                return Err(Malformed);
            }
            let mut in_object = self.byte(token) == b'{';
            let bit = 1u64 << (depth % 64);
            let word = &mut open[depth / 64];
            *word = if in_object { *word | bit } else { *word & !bit };
            depth += 1;
            token += 1;
            let mut empty = self.byte(token) == if in_object { b'}' } else { b']' };
            loop {
                if !empty {
                    if in_object {
                        if self.byte(token) != b'"' || self.byte(token + 2) != b':' {
                            return Err(Malformed);
                        }
                        token += 3;
                    }
                    match self.byte(token) {
                        b'"' => token += 2,
                        b'{' | b'[' => continue 'open,
                        _ => {
                            self.scalar(token)?;
                            token += 1;
                        }
                    }
                }
                // Behind a value: the next one, or the ends of containers.
                loop {
                    match self.byte(token) {
                        b',' if !empty => {
                            token += 1;
                            break;
                        }
                        close @ (b'}' | b']') if (close == b'}') == in_object => {
                            empty = false;
                            depth -= 1;
                            token += 1;
                            if depth == 0 {
                                return Ok(token);
                            }
                            in_object = open[(depth - 1) / 64] >> ((depth - 1) % 64) & 1 == 1;
                        }
                        _ => return Err(Malformed),
                    }
                }
            }
        }
    }

    /// Checks the number or word at `token`; returns where it starts and ends.
    #[inline(always)]
    fn scalar(&self, token: usize) -> Result<(usize, usize), Malformed> {
        let start = self.at(token);
        let mut end = self.at(token + 1);
        // Only blank space lies between a word and the next token.
        while end > start && self.text[end - 1] <= b' ' {
            end -= 1;
        }
        let bytes = &self.text[start..end];
        let word = matches!(bytes, b"null" | b"true" | b"false");
        if word || is_number(bytes) || matches!(bytes, b"NaN" | b"Infinity" | b"-Infinity") {
            Ok((start, end))
        } else {
            Err(Malformed)
        }
    }
}

/// The fields of one line, still in place.
pub(super) struct RawFields<'a> {
    text: &'a [u8],
    values: &'a [Value; KEYS],
}

impl RawFields<'_> {
    /// Appends a string field with its escapes resolved; false if it is missing or no string.
    #[inline]
    fn string(&self, key: Key, out: &mut Vec<u8>) -> bool {
        let Value::String { start, end } = self.values[key as usize] else { return false };
        unescape(&self.text[start as usize..end as usize], out);
        true
    }

    /// Whether any field is there that tells a submission from other JSON.
    pub(super) fn is_submission(&self) -> bool {
        [Key::Id, Key::Url, Key::Title]
            .into_iter()
            .any(|key| self.values[key as usize] != Value::Absent)
    }

    /// The submission's id, without the `t3_` that makes it a full name.
    pub(super) fn id(&self, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        let found = self.string(Key::Id, out);
        if out[start..].starts_with(b"t3_") {
            out.drain(start..start + 3);
        }
        found
    }

    pub(super) fn url(&self, out: &mut Vec<u8>) -> bool {
        self.string(Key::Url, out)
    }

    pub(super) fn domain(&self, out: &mut Vec<u8>) -> bool {
        self.string(Key::Domain, out)
    }

    pub(super) fn subreddit(&self, out: &mut Vec<u8>) -> bool {
        self.string(Key::Subreddit, out)
    }

    pub(super) fn author(&self, out: &mut Vec<u8>) -> bool {
        self.string(Key::Author, out)
    }

    pub(super) fn score(&self) -> Option<i64> {
        self.number(Key::Score)
    }

    pub(super) fn created_utc(&self) -> Option<i64> {
        self.number(Key::CreatedUtc)
    }

    pub(super) fn is_self(&self) -> Option<bool> {
        self.boolean(Key::IsSelf)
    }

    pub(super) fn over_18(&self) -> Option<bool> {
        self.boolean(Key::Over18)
    }

    pub(super) fn promoted(&self) -> Option<bool> {
        self.boolean(Key::Promoted)
    }

    /// A number, or a string that spells one, rounded down; `None` outside the range of i64.
    fn number(&self, key: Key) -> Option<i64> {
        match self.values[key as usize] {
            Value::Scalar { start, end } => integer(&self.text[start as usize..end as usize]),
            Value::String { start, end } => {
                let bytes = &self.text[start as usize..end as usize];
                if memchr(b'\\', bytes).is_none() {
                    return integer(bytes);
                }
                let mut unescaped = Vec::new();
                unescape(bytes, &mut unescaped);
                integer(&unescaped)
            }
            _ => None,
        }
    }

    fn boolean(&self, key: Key) -> Option<bool> {
        let Value::Scalar { start, end } = self.values[key as usize] else { return None };
        match &self.text[start as usize..end as usize] {
            b"true" => Some(true),
            b"false" => Some(false),
            _ => None,
        }
    }
}

/// The fields of one line, as values of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the dumps")]
pub struct Fields {
    pub id: Option<String>,
    pub url: Option<String>,
    pub domain: Option<String>,
    pub subreddit: Option<String>,
    pub author: Option<String>,
    pub score: Option<i64>,
    pub created_utc: Option<i64>,
    pub is_self: Option<bool>,
    pub over_18: Option<bool>,
    pub promoted: Option<bool>,
}

/// What one line is and holds: the slow door, for tests and single lines.
pub fn scan_line(line: &[u8], level: super::Level) -> (Status, Fields) {
    let mut text = line.to_vec();
    text.resize(line.len() + 64, 0);
    let mut scanner = Scanner::new(level);
    let status = scanner.scan(&text, line.len());
    if status == Status::Damaged {
        return (status, Fields::default());
    }
    let raw = scanner.fields(&text);
    let owned = |read: &dyn Fn(&mut Vec<u8>) -> bool| {
        let mut bytes = Vec::new();
        read(&mut bytes).then(|| String::from_utf8(bytes).expect("checked to be UTF-8"))
    };
    let fields = Fields {
        id: owned(&|out| raw.id(out)),
        url: owned(&|out| raw.url(out)),
        domain: owned(&|out| raw.domain(out)),
        subreddit: owned(&|out| raw.subreddit(out)),
        author: owned(&|out| raw.author(out)),
        score: raw.score(),
        created_utc: raw.created_utc(),
        is_self: raw.is_self(),
        over_18: raw.over_18(),
        promoted: raw.promoted(),
    };
    (status, fields)
}

//! Added tokens in text: taken out before it is cut into pieces.
//!
//! As tokenizers does it: the tokens that are not `normalized` first, then, in what is left, the
//! others; each time the longest of the leftmost. A special token that is not allowed is found all
//! the same, and stays text.

use crate::bpe::class::{SPACE, char_at};
use crate::bpe::vocabulary::Added;

/// A stretch of text, or the added token that stands in its place.
#[derive(Clone, Copy)]
enum Stretch<'a> {
    Text(&'a [u8]),
    Id(u32),
}

/// The added tokens of a vocabulary, ready to be looked for.
pub(super) struct Matcher {
    added: Vec<Added>,
    /// By pass and first byte: numbers of tokens, the longest first.
    starts: [Vec<Vec<u32>>; 2],
    ordinary: bool,
}

impl Matcher {
    pub(super) fn new(added: &[Added]) -> Self {
        let starts = [false, true].map(|normalized| {
            let mut starts = vec![Vec::new(); 256];
            for (number, token) in (0u32..).zip(added) {
                if token.normalized == normalized {
                    starts[token.content.as_bytes()[0] as usize].push(number);
                }
            }
            for numbers in &mut starts {
                numbers.sort_by_key(|&n| std::cmp::Reverse(added[n as usize].content.len()));
            }
            starts
        });
        Matcher { added: added.to_vec(), starts, ordinary: added.iter().any(|t| !t.special) }
    }

    /// Whether any token may be found in text at all.
    pub(super) fn looks(&self, allow_special: bool) -> bool {
        self.ordinary || (allow_special && !self.added.is_empty())
    }

    /// Calls `text` for what is left of a text and `token` for the ids between, in order.
    pub(super) fn split<S>(
        &self,
        whole: &[u8],
        allow_special: bool,
        state: &mut S,
        text: impl Fn(&mut S, &[u8]),
        token: impl Fn(&mut S, u32),
    ) {
        let mut first = Vec::new();
        self.pass(0, whole, allow_special, &mut first);
        let mut second = Vec::new();
        for stretch in first {
            second.clear();
            match stretch {
                Stretch::Text(part) => self.pass(1, part, allow_special, &mut second),
                id => second.push(id),
            }
            for &stretch in &second {
                match stretch {
                    Stretch::Text(part) => text(state, part),
                    Stretch::Id(id) => token(state, id),
                }
            }
        }
    }

    fn pass<'a>(
        &self,
        pass: usize,
        text: &'a [u8],
        allow_special: bool,
        found: &mut Vec<Stretch<'a>>,
    ) {
        let starts = &self.starts[pass];
        let (mut position, mut end) = (0, 0); // searched up to, taken up to
        while position < text.len() {
            let numbers = &starts[text[position] as usize];
            let here = numbers.iter().map(|&n| &self.added[n as usize]);
            let hit = { here }.find(|t| text[position..].starts_with(t.content.as_bytes()));
            let Some(token) = hit else {
                position += 1;
                continue;
            };
            let (mut from, mut to) = (position, position + token.content.len());
            position = to;
            if token.special && !allow_special {
                continue;
            }
            if token.lstrip {
                from = space_before(text, from).max(end);
            }
            if token.rstrip {
                to = space_after(text, to);
            }
            if end < from {
                found.push(Stretch::Text(&text[end..from]));
            }
            // What another took away with it is no token; what it reached over is one all the same.
            if from < to {
                found.push(Stretch::Id(token.id));
            }
            end = to;
        }
        if end < text.len() {
            found.push(Stretch::Text(&text[end..]));
        }
    }
}

/// Where the white space that ends at `end` begins.
fn space_before(text: &[u8], end: usize) -> usize {
    let mut start = end;
    while start > 0 {
        let mut at = start - 1;
        while at > 0 && text[at] & 0xC0 == 0x80 && start - at < 4 {
            at -= 1;
        }
        let (class, len) = char_at(text, at);
        if class != SPACE || at + len != start {
            break;
        }
        start = at;
    }
    start
}

/// Where the white space that begins at `start` ends.
fn space_after(text: &[u8], start: usize) -> usize {
    let mut end = start;
    while end < text.len() {
        let (class, len) = char_at(text, end);
        if class != SPACE {
            break;
        }
        end += len;
    }
    end
}

//! Source to tags and runs of text, after libxml2 2.14: the HTML standard's tokenizer, but CDATA
//! sections and `</x>` of nothing vanish like comments.
//!
//! Nothing is decoded or copied here: a token is ranges of the source. Each byte is looked at a
//! bounded number of times, whatever is left open.

use memchr::{memchr, memchr_iter};

/// An attribute as ranges of the source.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attribute {
    pub name: u32,
    pub name_len: u32,
    pub value: u32,
    pub value_len: u32,
}

/// What [`Tokenizer::next`] found.
#[derive(Clone, Copy, Debug)]
pub(super) enum Token {
    /// Source from `start` to `end`; its references are not resolved yet.
    Text { start: usize, end: usize },
    /// `<name ...>`; the attributes are in [`Tokenizer::attributes`].
    Start { name: (usize, usize), closed: bool },
    /// `</name ...>`.
    End { name: (usize, usize) },
}

/// How the content of an element is read that holds no markup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// To the matching end tag.
    Raw,
    /// The same, but an end tag inside `<!-- <script> ... </script>` does not match.
    Script,
    /// All that follows.
    Rest,
}

pub(super) struct Tokenizer<'s> {
    source: &'s [u8],
    at: usize,
    most_attributes: usize,
    pub attributes: Vec<Attribute>,
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c')
}

fn ends_name(byte: u8) -> bool {
    is_space(byte) || byte == b'/' || byte == b'>'
}

impl<'s> Tokenizer<'s> {
    /// Attributes of one element beyond `most_attributes` are read over.
    pub(super) fn new(source: &'s str, most_attributes: usize) -> Self {
        Tokenizer { source: source.as_bytes(), at: 0, most_attributes, attributes: Vec::new() }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.source.get(at).copied()
    }

    /// The next token, or None at the end. A tag that the end cuts off is none.
    pub(super) fn next(&mut self) -> Option<Token> {
        loop {
            let start = self.at;
            let text_end = self.text_end();
            if text_end > start {
                self.at = text_end;
                return Some(Token::Text { start, end: text_end });
            }
            // Here stands `<` and what makes it markup, or the end.
            match self.byte(start + 1)? {
                b'!' => self.declaration(),
                b'?' => self.skip_past_angle(start + 2),
                b'/' => match self.byte(start + 2)? {
                    b'>' => self.at = start + 3,
                    byte if byte.is_ascii_alphabetic() => {
                        let name = self.name(start + 2);
                        self.tag(name.1)?;
                        return Some(Token::End { name });
                    }
                    _ => self.skip_past_angle(start + 2),
                },
                _ => {
                    let name = self.name(start + 1);
                    let closed = self.tag(name.1)?;
                    return Some(Token::Start { name, closed });
                }
            }
        }
    }

    /// Where the text that begins here ends: at markup, or at the end of the source.
    fn text_end(&self) -> usize {
        let mut from = self.at;
        while let Some(found) = memchr(b'<', &self.source[from..]) {
            let angle = from + found;
            match self.byte(angle + 1) {
                Some(b'!' | b'?') => return angle,
                // A lone `</` at the very end is text.
                Some(b'/') if angle + 2 < self.source.len() => return angle,
                Some(byte) if byte.is_ascii_alphabetic() => return angle,
                _ => from = angle + 1,
            }
        }
        self.source.len()
    }

    fn skip_past_angle(&mut self, from: usize) {
        let from = from.min(self.source.len());
        self.at =
            memchr(b'>', &self.source[from..]).map_or(self.source.len(), |found| from + found + 1);
    }

    /// `<!`: a comment, or anything else up to `>`.
    fn declaration(&mut self) {
        let start = self.at;
        if !self.source[start..].starts_with(b"<!--") {
            return self.skip_past_angle(start + 2);
        }
        let content = start + 4;
        for found in memchr_iter(b'>', &self.source[content..]) {
            let angle = content + found;
            let inside = &self.source[content..angle];
            let empty = inside.is_empty() || inside == b"-";
            if empty || inside.ends_with(b"--") || inside.ends_with(b"--!") {
                self.at = angle + 1;
                return;
            }
        }
        self.at = self.source.len();
    }

    fn name(&self, start: usize) -> (usize, usize) {
        let length = self.source[start..].iter().position(|&byte| ends_name(byte));
        (start, length.map_or(self.source.len(), |length| start + length))
    }

    /// Reads attributes up to and with `>`; whether a slash stood before it. None at the end.
    fn tag(&mut self, from: usize) -> Option<bool> {
        self.attributes.clear();
        let mut at = from;
        let mut slash = false;
        loop {
            let byte = *self.source.get(at)?;
            if byte == b'>' {
                self.at = at + 1;
                return Some(slash);
            }
            slash = byte == b'/';
            if is_space(byte) || slash {
                at += 1;
                continue;
            }
            // A slash that ends an unquoted value is a part of it: `<a href=x/>` stays open.
            at = self.attribute(at)?;
        }
    }

    /// Reads the attribute that begins at `start`; where it ends. None at the end.
    fn attribute(&mut self, start: usize) -> Option<usize> {
        // An equals sign in front belongs to the name.
        let length = self.source[start + 1..].iter().position(|&b| ends_name(b) || b == b'=')?;
        let name_end = start + 1 + length;
        let mut at = name_end + self.spaces(name_end);
        let (mut value, mut value_end, mut end) = (name_end, name_end, name_end);
        if self.byte(at)? == b'=' {
            at += 1;
            at += self.spaces(at);
            match self.byte(at)? {
                b'>' => end = at,
                quote @ (b'"' | b'\'') => {
                    value = at + 1;
                    value_end = value + memchr(quote, &self.source[value..])?;
                    end = value_end + 1;
                }
                _ => {
                    value = at;
                    let unquoted = |&byte: &u8| is_space(byte) || byte == b'>';
                    value_end = value + self.source[value..].iter().position(unquoted)?;
                    end = value_end;
                }
            }
        }
        self.push(start, name_end, value, value_end);
        Some(end)
    }

    fn push(&mut self, start: usize, name_end: usize, value: usize, value_end: usize) {
        if self.attributes.len() < self.most_attributes {
            self.attributes.push(Attribute {
                name: start as u32,
                name_len: (name_end - start) as u32,
                value: value as u32,
                value_len: (value_end - value) as u32,
            });
        }
    }

    fn spaces(&self, from: usize) -> usize {
        self.source[from..].iter().take_while(|&&byte| is_space(byte)).count()
    }

    /// The text of an element without markup whose start tag was just read and whose name is
    /// `name`, in lower case; its end tag is the next token.
    pub(super) fn raw_text(&mut self, name: &[u8], content: Content) -> (usize, usize) {
        let start = self.at;
        self.at = match content {
            Content::Rest => self.source.len(),
            Content::Raw => self.end_tag_from(start, name),
            Content::Script => self.script_end(start),
        };
        (start, self.at)
    }

    /// Where `</name` begins at or after `from`.
    fn end_tag_from(&self, from: usize, name: &[u8]) -> usize {
        for found in memchr_iter(b'<', &self.source[from..]) {
            let angle = from + found;
            if self.byte(angle + 1) == Some(b'/') && self.is_name(angle + 2, name) {
                return angle;
            }
        }
        self.source.len()
    }

    /// Whether `name` stands at `at`, in any case, and ends there.
    fn is_name(&self, at: usize, name: &[u8]) -> bool {
        self.source.get(at..at + name.len()).is_some_and(|here| here.eq_ignore_ascii_case(name))
            && self.byte(at + name.len()).is_none_or(ends_name)
    }

    fn script_end(&self, start: usize) -> usize {
        // Inside `<!--` a `<script` hides the next `</script`, until `-->`.
        let (mut escaped, mut hidden) = (false, false);
        let mut from = start;
        while let Some(found) =
            self.source[from..].iter().position(|&byte| byte == b'<' || (escaped && byte == b'>'))
        {
            let at = from + found;
            from = at + 1;
            if self.source[at] == b'>' {
                if self.source[start..at].ends_with(b"--") {
                    (escaped, hidden) = (false, false);
                }
            } else if self.source[at..].starts_with(b"<!--") {
                escaped = true;
                // The dashes may be the end's as well: `<!-->`.
                from = at + 2;
            } else if self.byte(at + 1) == Some(b'/') && self.is_name(at + 2, b"script") {
                if !hidden {
                    return at;
                }
                hidden = false;
            } else if escaped && self.is_name(at + 1, b"script") {
                hidden = true;
            }
        }
        self.source.len()
    }
}

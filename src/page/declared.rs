//! What a page says about its own charset: header, meta elements, XML declaration.

use super::charset::for_label;
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use memchr::memmem;
use std::borrow::Cow;

/// The standard looks at 1024 bytes; pages with a long comment or script before their meta element
/// are common enough in old crawls that we look at four times as much (our choice).
const PRESCAN_BYTES: usize = 4096;

/// Encoding that a `Content-Type` header names.
pub(super) fn in_header(value: &[u8]) -> Option<&'static Encoding> {
    charset_parameter(value).and_then(for_label)
}

/// Encoding that the document declares for itself in its first bytes, or None.
///
/// Looks for `<meta charset>`, `<meta http-equiv=content-type content=...>` and an XML
/// declaration, outside comments. UTF-16 found this way means UTF-8, as in the standard: the
/// declaration itself was read as ASCII.
pub fn in_document(body: &[u8]) -> Option<&'static Encoding> {
    let head = without_comments(&body[..body.len().min(PRESCAN_BYTES)]);
    let found = metas(&head)
        .find_map(|attributes| for_label(meta_label(attributes)?))
        .or_else(|| for_label(xml_label(&head)?))?;
    Some(if found == UTF_16LE || found == UTF_16BE { UTF_8 } else { found })
}

/// `data` less its comments; one that is never closed reaches to the end.
fn without_comments(data: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memmem::find(data, b"<!--") else { return Cow::Borrowed(data) };
    let mut kept = data[..first].to_vec();
    let mut rest = &data[first..];
    while let Some(end) = memmem::find(&rest[4..], b"-->") {
        rest = &rest[4 + end + 3..];
        let Some(next) = memmem::find(rest, b"<!--") else {
            kept.extend_from_slice(rest);
            break;
        };
        kept.extend_from_slice(&rest[..next]);
        rest = &rest[next..];
    }
    Cow::Owned(kept)
}

/// What stands between `<meta` and `>` of each meta element.
fn metas(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            at += memchr::memchr(b'<', &head[at..])? + 1;
            let rest = &head[at..];
            if rest.len() > 4
                && rest[..4].eq_ignore_ascii_case(b"meta")
                && (is_space(rest[4]) || rest[4] == b'/')
            {
                let end = memchr::memchr(b'>', rest).unwrap_or(rest.len());
                at += end;
                return Some(&rest[5..end.max(5)]);
            }
        }
    })
}

/// The label in a meta element with these attributes, if it has one.
fn meta_label(attributes: &[u8]) -> Option<&[u8]> {
    let (mut charset, mut equiv, mut content) = (None, None, None);
    for (name, value) in Attributes(attributes) {
        // Of attributes that stand twice the first counts.
        if name.eq_ignore_ascii_case(b"charset") {
            charset.get_or_insert(value);
        } else if name.eq_ignore_ascii_case(b"http-equiv") {
            equiv.get_or_insert(value);
        } else if name.eq_ignore_ascii_case(b"content") {
            content.get_or_insert(value);
        }
    }
    charset.or_else(|| {
        equiv?.eq_ignore_ascii_case(b"content-type").then_some(())?;
        charset_parameter(content?)
    })
}

/// Attributes with a value, in order.
struct Attributes<'a>(&'a [u8]);

impl<'a> Iterator for Attributes<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let is_name = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'-';
            let start = self.0.iter().position(is_name)?;
            let rest = &self.0[start..];
            let length = rest.iter().position(|byte| !is_name(byte)).unwrap_or(rest.len());
            let (name, rest) = rest.split_at(length);
            self.0 = rest;
            let Some(value) = rest.trim_ascii_start().strip_prefix(b"=") else { continue };
            let value = value.trim_ascii_start();
            let (value, rest) = match value.first() {
                Some(&quote @ (b'"' | b'\'')) => match memchr::memchr(quote, &value[1..]) {
                    Some(end) => (&value[1..=end], &value[end + 2..]),
                    None => continue,
                },
                _ => {
                    let end = value
                        .iter()
                        .position(|&byte| is_space(byte) || matches!(byte, b'"' | b'\'' | b'>'))
                        .unwrap_or(value.len());
                    value.split_at(end)
                }
            };
            self.0 = rest;
            return Some((name, value));
        }
    }
}

/// The label in an XML declaration at the very beginning.
fn xml_label(head: &[u8]) -> Option<&[u8]> {
    let head = head.trim_ascii_start();
    let declaration = head.get(..5).filter(|start| start.eq_ignore_ascii_case(b"<?xml"))?;
    let rest = &head[declaration.len()..];
    let rest = &rest[..memchr::memchr(b'>', rest).unwrap_or(rest.len())];
    labels_after(rest, b"encoding").find_map(|(quoted, label)| quoted.then_some(label))
}

/// The value of `charset=` in a content type.
fn charset_parameter(value: &[u8]) -> Option<&[u8]> {
    labels_after(value, b"charset").map(|(_, label)| label).next()
}

/// Labels that follow `word` and `=`, each with whether a quote stands before it.
fn labels_after<'a>(
    text: &'a [u8],
    word: &'static [u8],
) -> impl Iterator<Item = (bool, &'a [u8])> + 'a {
    text.windows(word.len()).enumerate().filter_map(move |(at, window)| {
        window.eq_ignore_ascii_case(word).then_some(())?;
        let rest = text[at + word.len()..].trim_ascii_start().strip_prefix(b"=")?;
        let rest = rest.trim_ascii_start();
        let bare = rest.strip_prefix(b"\"").or_else(|| rest.strip_prefix(b"'"));
        let label = bare.unwrap_or(rest).trim_ascii_start();
        let is_label = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.:+-".contains(byte);
        let end = label.iter().position(|byte| !is_label(byte)).unwrap_or(label.len());
        (end > 0).then_some((bare.is_some(), &label[..end]))
    })
}

/// `data` with tags, and scripts and styles with their content, turned into blanks of one byte.
///
/// For detection only: a `<` without `>` after it ends the text.
pub(super) fn without_markup(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() / 2);
    let mut rest = data;
    while let Some(open) = memchr::memchr(b'<', rest) {
        out.extend_from_slice(&rest[..open]);
        out.push(b' ');
        rest = &rest[open..];
        rest = match [&b"script"[..], b"style"]
            .into_iter()
            .find(|name| starts_tag(&rest[1..], name))
        {
            Some(name) => after_end_tag(rest, name),
            None => after_tag(rest),
        };
    }
    out.extend_from_slice(rest);
    out
}

/// What follows the next `>`.
fn after_tag(data: &[u8]) -> &[u8] {
    memchr::memchr(b'>', data).map_or(&[], |end| &data[end + 1..])
}

/// What follows the next end tag of `name`.
fn after_end_tag<'a>(data: &'a [u8], name: &[u8]) -> &'a [u8] {
    memmem::find_iter(data, b"</")
        .find(|&at| starts_tag(&data[at + 2..], name))
        .map_or(&[], |at| after_tag(&data[at..]))
}

fn starts_tag(data: &[u8], name: &[u8]) -> bool {
    data.len() >= name.len()
        && data[..name.len()].eq_ignore_ascii_case(name)
        && data.get(name.len()).is_none_or(|next| !next.is_ascii_alphanumeric() && *next != b'_')
}

fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

//! Comments and tags.

use super::Cleaner;
use super::frames::Kind;
use crate::html::entities;
use memchr::memmem;

/// Tags whose content is no wikitext: up to the first closing tag it goes, or of the first two
/// stays as it is. Source: `Help:Tags` of MediaWiki and its extensions; `includeonly` shows only
/// where a page is included.
const RAW: [&str; 27] = [
    "nowiki",
    "pre",
    "ref",
    "references",
    "gallery",
    "math",
    "chem",
    "ce",
    "timeline",
    "score",
    "syntaxhighlight",
    "source",
    "imagemap",
    "graph",
    "hiero",
    "inputbox",
    "categorytree",
    "templatestyles",
    "templatedata",
    "mapframe",
    "maplink",
    "section",
    "indicator",
    "includeonly",
    "style",
    "script",
    "dynamicpagelist",
];

/// How many of `RAW` stay.
const SHOWN: usize = 2;

/// Tags that words do not run through.
const BREAKS: [&str; 25] = [
    "br",
    "p",
    "div",
    "li",
    "ul",
    "ol",
    "dl",
    "dd",
    "dt",
    "tr",
    "td",
    "th",
    "caption",
    "hr",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "blockquote",
    "center",
    "poem",
    "tbody",
    "thead",
];

/// Longest tag, in bytes. Our choice.
const LONGEST: usize = 1000;

/// A tag at the start of a text.
struct Tag<'a> {
    name: &'a str,
    closes: bool,
    /// `<a/>`
    empty: bool,
    length: usize,
}

impl<'a> Tag<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let bytes = text.as_bytes();
        let closes = bytes.get(1) == Some(&b'/');
        let first = 1 + usize::from(closes);
        let letters = bytes[first..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let name = &text[first..first + letters];
        if !name.starts_with(|first: char| first.is_ascii_alphabetic())
            || !matches!(bytes.get(first + letters)?, b'>' | b'/' | b' ' | b'\t' | b'\n' | b'\r')
        {
            return None;
        }
        let inside = &bytes[first..bytes.len().min(LONGEST)];
        let end = first + inside.iter().position(|byte| b"<>".contains(byte))?;
        let empty = bytes[end - 1] == b'/';
        (bytes[end] == b'>').then_some(Tag { name, closes, empty, length: end + 1 })
    }

    /// Its place in a list of names.
    fn place(&self, names: &[&str]) -> Option<usize> {
        names.iter().position(|name| name.eq_ignore_ascii_case(self.name))
    }
}

impl Cleaner<'_> {
    /// A comment, a tag with what goes with it, or `<`.
    pub(super) fn tag(&mut self) {
        let rest = &self.source[self.at..];
        if rest.starts_with("<!--") {
            // One that never ends takes the rest of the page, as in MediaWiki.
            let end = memmem::find(rest.as_bytes(), b"-->");
            self.at += end.map_or(rest.len(), |end| end + 3);
            return;
        }
        let Some(tag) = Tag::parse(rest) else { return self.literal(1) };
        self.at += tag.length;
        if let Some(place) = tag.place(&RAW) {
            if !tag.closes && !tag.empty {
                self.raw(place);
            }
        } else if tag.name.eq_ignore_ascii_case("table") {
            if tag.closes {
                self.leave(Kind::HtmlTable, 0);
            } else {
                self.enter(Kind::HtmlTable, 0);
            }
        } else if tag.place(&BREAKS).is_some() {
            self.line_break();
        }
    }

    /// The content of a tag of `RAW`, where it closes.
    fn raw(&mut self, place: usize) {
        if self.unclosed & 1 << place != 0 {
            return;
        }
        let rest = &self.source[self.at..];
        for start in memmem::find_iter(rest.as_bytes(), b"</") {
            let Some(tag) = Tag::parse(&rest[start..]) else { continue };
            if !tag.name.eq_ignore_ascii_case(RAW[place]) {
                continue;
            }
            if place < SHOWN {
                entities::decode_strictly_into(&rest[..start], &mut self.out);
            }
            self.at += start + tag.length;
            return;
        }
        self.unclosed |= 1 << place;
    }
}

//! Character references: HTML's table of names, numbers, and line ends.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memchr2;

/// Sorted `(name, text)`; names that need their semicolon end with it. The table of the HTML
/// standard: 2,231 names, 106 of them without a semicolon.
static TABLE: LazyLock<Vec<(&'static str, String)>> = LazyLock::new(|| {
    let lines = include_str!("entities.txt").lines();
    let entry = |line: &'static str| {
        let (name, codes) = line.split_once(' ')?;
        let text = codes.split(' ').map(|code| {
            u32::from_str_radix(code, 16).ok().and_then(char::from_u32).unwrap_or('\u{FFFD}')
        });
        Some((name, text.collect()))
    };
    lines.filter_map(entry).collect()
});

/// Longest name in the table that lacks a semicolon.
const LONGEST_BARE: usize = 6;
/// Longest name in the table, without its semicolon.
const LONGEST: usize = 31;

/// Numbers 0x80 to 0x9F mean what Windows-1252 has there.
const WINDOWS: [u16; 32] = [
    0x20AC, 0x81, 0x201A, 0x192, 0x201E, 0x2026, 0x2020, 0x2021, 0x2C6, 0x2030, 0x160, 0x2039,
    0x152, 0x8D, 0x17D, 0x8F, 0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x2DC,
    0x2122, 0x161, 0x203A, 0x153, 0x9D, 0x17E, 0x178,
];

/// Where a run of source stands: names without semicolon are read more narrowly in attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Text,
    Attribute,
}

/// Whether `decode` would change `raw`.
pub(super) fn needs_decoding(raw: &[u8]) -> bool {
    memchr2(b'&', b'\r', raw).is_some()
}

/// `raw` with references resolved and line ends made `\n`.
pub(super) fn decode(raw: &str, place: Place) -> Cow<'_, str> {
    if !needs_decoding(raw.as_bytes()) {
        return Cow::Borrowed(raw);
    }
    let mut out = String::with_capacity(raw.len());
    decode_into(raw, place, &mut out);
    Cow::Owned(out)
}

/// Appends what [`decode`] gives.
pub(super) fn decode_into(raw: &str, place: Place, out: &mut String) {
    let mut rest = raw;
    while let Some(at) = memchr2(b'&', b'\r', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if rest.starts_with('\r') {
            out.push('\n');
            rest = &rest[1 + usize::from(rest[1..].starts_with('\n'))..];
            continue;
        }
        let used = reference(rest, place, out);
        if used == 0 {
            out.push('&');
            rest = &rest[1..];
        } else {
            rest = &rest[used..];
        }
    }
    out.push_str(rest);
}

/// Appends what a reference at the start of `rest` stands for; bytes used, 0 where none is there.
/// Names are read as narrowly as in attributes.
pub(crate) fn reference_into(rest: &str, out: &mut String) -> usize {
    reference(rest, Place::Attribute, out)
}

/// Appends `raw` with references resolved, read as narrowly as in attributes, and line ends `\n`.
pub(crate) fn decode_strictly_into(raw: &str, out: &mut String) {
    decode_into(raw, Place::Attribute, out);
}

fn reference(rest: &str, place: Place, out: &mut String) -> usize {
    match rest.as_bytes().get(1) {
        Some(b'#') => number(rest, out),
        Some(byte) if byte.is_ascii_alphanumeric() => named(rest, place, out),
        _ => 0,
    }
}

/// Line ends made `\n`, references left alone: the content of `script` and its like.
pub(super) fn line_ends_into(raw: &str, out: &mut String) {
    let mut lines = raw.split('\r');
    out.push_str(lines.next().unwrap_or(""));
    for line in lines {
        out.push('\n');
        out.push_str(line.strip_prefix('\n').unwrap_or(line));
    }
}

/// Appends the character of `&#...`; bytes used, 0 where no digits follow.
fn number(rest: &str, out: &mut String) -> usize {
    let bytes = rest.as_bytes();
    let hexadecimal = matches!(bytes.get(2), Some(b'x' | b'X'));
    let first = if hexadecimal { 3 } else { 2 };
    let radix = if hexadecimal { 16 } else { 10 };
    let mut value = 0u32;
    let mut at = first;
    while let Some(digit) = bytes.get(at).and_then(|&byte| char::from(byte).to_digit(radix)) {
        value = value.saturating_mul(radix).saturating_add(digit);
        at += 1;
    }
    if at == first {
        return 0;
    }
    out.push(match value {
        0 => '\u{FFFD}',
        0x80..=0x9F => {
            char::from_u32(u32::from(WINDOWS[value as usize - 0x80])).unwrap_or('\u{FFFD}')
        }
        _ => char::from_u32(value).unwrap_or('\u{FFFD}'),
    });
    at + usize::from(bytes.get(at) == Some(&b';'))
}

/// Appends the text of `&name;` or the longest known beginning of it; bytes used, 0 for none.
fn named(rest: &str, place: Place, out: &mut String) -> usize {
    let bytes = rest.as_bytes();
    let run = bytes[1..].iter().take(LONGEST + 1).take_while(|b| b.is_ascii_alphanumeric()).count();
    let next = bytes.get(1 + run);
    if next == Some(&b';')
        && let Some(text) = find(&rest[1..run + 2])
    {
        out.push_str(text);
        return run + 2;
    }
    if place == Place::Attribute {
        // `?a=1&copy=2` is a query, not a copyright sign.
        if next == Some(&b'=') || run > LONGEST_BARE {
            return 0;
        }
        return find(&rest[1..1 + run]).map_or(0, |text| {
            out.push_str(text);
            1 + run
        });
    }
    for length in (2..=run.min(LONGEST_BARE)).rev() {
        if let Some(text) = find(&rest[1..1 + length]) {
            out.push_str(text);
            return 1 + length;
        }
    }
    0
}

fn find(name: &str) -> Option<&'static str> {
    let at = TABLE.binary_search_by(|(other, _)| other.as_bytes().cmp(name.as_bytes())).ok()?;
    Some(&TABLE[at].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_have_the_lengths_that_the_search_assumes() {
        assert_eq!(TABLE.len(), 2231);
        assert!(TABLE.is_sorted_by(|a, b| a.0.as_bytes() < b.0.as_bytes()));
        for (name, text) in TABLE.iter() {
            let bare = !name.ends_with(';');
            assert!(name.len() <= if bare { LONGEST_BARE } else { LONGEST + 1 }, "{name}");
            assert!(!text.is_empty() && !text.contains('\u{FFFD}'), "{name}");
        }
    }

    #[test]
    fn references_in_text_and_in_attributes() {
        let cases = [
            ("a&amp;b&lt&gt;&quot;", "a&b<>\"", "a&b<>\""),
            (
                "&copyx &copy=1 &notit; &hellip",
                "©x ©=1 ¬it; &hellip",
                "&copyx &copy=1 &notit; &hellip",
            ),
            ("&ltx &lt= &nbsp.", "<x <= \u{a0}.", "&ltx &lt= \u{a0}."),
            (
                "&#65&#x41;&#0;&#128;&#xD800;&#99999999999;",
                "AA\u{FFFD}€\u{FFFD}\u{FFFD}",
                "AA\u{FFFD}€\u{FFFD}\u{FFFD}",
            ),
            ("&#; &#x; & &; &foo; &acE;", "&#; &#x; & &; &foo; ∾̳", "&#; &#x; & &; &foo; ∾̳"),
            ("a\r\nb\rc\n", "a\nb\nc\n", "a\nb\nc\n"),
        ];
        for (raw, text, attribute) in cases {
            assert_eq!(decode(raw, Place::Text), text);
            assert_eq!(decode(raw, Place::Attribute), attribute);
        }
    }
}

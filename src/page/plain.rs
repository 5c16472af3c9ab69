//! Plain text: what every piece of extracted text goes through.
//!
//! NFC; no control characters or noncharacters; white space collapsed, except where lines are kept.
//! Which blocks there are, and what stands between them, is the extractor's to say.

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// White space of Unicode, and the four separators among the controls (as Python's `split`).
pub fn is_blank(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{1c}'..='\u{1f}')
}

/// Controls that are no white space, and the noncharacters of the basic plane.
pub fn is_unwanted(character: char) -> bool {
    matches!(
        character,
        '\0'..='\u{8}' | '\u{e}'..='\u{1b}' | '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}'
            | '\u{fdd0}'..='\u{fdef}' | '\u{fffe}' | '\u{ffff}'
    )
}

/// `text` in NFC; itself where it is already.
pub fn to_nfc(text: String) -> String {
    match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => text,
        _ => text.nfc().collect(),
    }
}

/// `text` on one line, for titles: NFC; runs of white space and of what is unwanted are one space,
/// none at the ends.
pub fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let blanked = text.chars().map(|c| if is_unwanted(c) { ' ' } else { c });
    collapse(blanked, |_| ' ', &mut out);
    to_nfc(out)
}

/// Appends a paragraph: what is unwanted vanishes; a run of white space becomes one space, or one
/// newline where `\n` is in it; none at the ends. Not yet NFC.
///
/// A `\n` here is a line break that the page asked for (`br`, a line of a poem): the line ends of
/// the source are made spaces by whoever collects the pieces.
pub fn push_paragraph(text: &str, out: &mut String) {
    let start = out.len();
    let mut rest = text;
    // White space since the last word, and whether a newline was in it.
    let mut gap = None;
    while let Some(first) = rest.chars().next() {
        if is_blank(first) {
            gap = Some(gap.unwrap_or(false) || first == '\n');
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let plain = plain_length(rest);
        if plain == 0 && is_unwanted(first) {
            rest = &rest[first.len_utf8()..];
            continue;
        }
        if let Some(newline) = gap.take().filter(|_| out.len() > start) {
            out.push(if newline { '\n' } else { ' ' });
        }
        let taken = plain.max(first.len_utf8());
        out.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
}

/// Bytes at the beginning of `text` of characters that surely are neither white space nor unwanted:
/// most of any text, so that it is copied in pieces.
fn plain_length(text: &str) -> usize {
    // The leading bytes of what is: C2 (U+0080 to U+00BF), E1, E2, E3 (blanks), EF.
    let special =
        |byte: &u8| *byte <= b' ' || matches!(byte, 0x7F | 0xC2 | 0xE1 | 0xE2 | 0xE3 | 0xEF);
    text.as_bytes().iter().position(special).unwrap_or(text.len())
}

/// Appends a block of code: what is unwanted vanishes, newlines at its ends and white space at its
/// end too; the lines stay as they are. Not yet NFC.
pub fn push_code(text: &str, out: &mut String) {
    let kept = |c: &char| matches!(c, '\n' | '\t') || !(is_unwanted(*c) || c.is_control());
    let clean: String = text.chars().filter(kept).collect();
    out.push_str(clean.trim_matches('\n').trim_end_matches(is_blank));
}

/// Appends a table row: each cell on one line, those with something in them parted by tabs. Not
/// yet NFC.
pub fn push_row<'a>(cells: impl IntoIterator<Item = &'a str>, out: &mut String) {
    let start = out.len();
    for cell in cells {
        let before = out.len();
        if before > start {
            out.push('\t');
        }
        let content = out.len();
        collapse(cell.chars().filter(|&c| !is_unwanted(c)), |_| ' ', out);
        if out.len() == content {
            out.truncate(before);
        }
    }
}

/// Appends with each run of white space as one character, none at the ends; `gap` is told whether
/// the run has a newline.
fn collapse(text: impl Iterator<Item = char>, gap: impl Fn(bool) -> char, out: &mut String) {
    let start = out.len();
    let mut run = None;
    for character in text {
        if is_blank(character) {
            run = Some(run.unwrap_or(false) || character == '\n');
        } else {
            if let Some(newline) = run.take().filter(|_| out.len() > start) {
                out.push(gap(newline));
            }
            out.push(character);
        }
    }
}

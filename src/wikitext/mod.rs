//! Wikitext to the words that a reader of the article sees.
//!
//! Templates, tables, references, files, categories, formulas and comments go with all that they
//! hold; a link leaves its words; headings, lists, bold and kept tags lose their marks. What opens
//! and never closes is text, without its mark. One pass: the output grows, and what closes cuts off
//! what was written since it opened, so no page takes more than time in proportion to its length,
//! and nothing recurses.
//!
//! Left out on purpose: nothing is expanded, so the words that a template would write are missing.
//!
//! Source: MediaWiki's `Help:Formatting`, `Help:Links`, `Help:Tables`, `Help:Magic words`.

mod frames;
mod lines;
mod links;
mod marks;
mod tags;

use frames::{Frames, Kind};

/// Bytes at which the cleaner stops to look.
const SPECIAL: [bool; 256] = {
    let mut table = [false; 256];
    let marks = b"\n{}[]|<&'_=";
    let mut index = 0;
    while index < marks.len() {
        table[marks[index] as usize] = true;
        index += 1;
    }
    table
};

/// A page in the making: what is read, how far, and what is written.
struct Cleaner<'a> {
    source: &'a str,
    at: usize,
    out: String,
    open: Frames,
    /// The line is a heading.
    heading: bool,
    /// Tags, by their place in `tags::RAW`, that close nowhere from here on.
    unclosed: u32,
}

/// The text of a page of wikitext: UTF-8, its paragraphs and lines where they were.
///
/// Takes time and memory in proportion to `source`, whatever it holds.
pub fn plain(source: &str) -> String {
    let mut cleaner = Cleaner {
        source,
        at: 0,
        out: String::with_capacity(source.len() / 2),
        open: Frames::default(),
        heading: false,
        unclosed: 0,
    };
    cleaner.clean();
    cleaner.out
}

/// [`plain`] of each row: offsets, one more than rows, and the texts. What is no UTF-8 is replaced.
pub fn plain_rows(offsets: &[i64], data: &[u8]) -> (Vec<i64>, Vec<u8>) {
    let mut bounds = vec![0];
    let mut texts = Vec::with_capacity(data.len() / 2);
    for row in offsets.windows(2) {
        let source = String::from_utf8_lossy(&data[row[0] as usize..row[1] as usize]);
        texts.extend_from_slice(plain(&source).as_bytes());
        bounds.push(texts.len() as i64);
    }
    (bounds, texts)
}

impl Cleaner<'_> {
    fn clean(&mut self) {
        self.line_start();
        while self.at < self.source.len() {
            let rest = &self.source.as_bytes()[self.at..];
            let plain = rest.iter().position(|&byte| SPECIAL[byte as usize]);
            let end = self.at + plain.unwrap_or(rest.len());
            self.out.push_str(&self.source[self.at..end]);
            self.at = end;
            match self.byte(0) {
                b'\n' => self.line_end(),
                b'{' if self.byte(1) == b'{' => self.enter(Kind::Template, 2),
                b'}' if self.byte(1) == b'}' => self.leave(Kind::Template, 2),
                b'[' if self.byte(1) == b'[' => self.enter(Kind::Link, 2),
                b']' if self.byte(1) == b']' => self.link_end(),
                b'[' => self.address(),
                b'|' => self.pipe(),
                b'<' => self.tag(),
                b'&' => self.reference(),
                b'\'' => self.quotes(),
                b'_' => self.switch(),
                b'=' if self.heading => self.heading_end(),
                _ => self.literal(1),
            }
        }
    }

    /// The byte `ahead` of the next; 0 behind the end.
    fn byte(&self, ahead: usize) -> u8 {
        self.source.as_bytes().get(self.at + ahead).copied().unwrap_or(0)
    }

    /// Writes the next `bytes` as they are.
    fn literal(&mut self, bytes: usize) {
        let end = (self.at + bytes).min(self.source.len());
        self.out.push_str(&self.source[self.at..end]);
        self.at = end;
    }

    /// Passes over a mark that opens something.
    fn enter(&mut self, kind: Kind, mark: usize) {
        self.open.enter(kind, self.out.len());
        self.at += mark;
    }

    /// Passes over a mark that closes something, which goes with all that it holds.
    fn leave(&mut self, kind: Kind, mark: usize) {
        if let Some(frame) = self.open.leave(kind) {
            self.out.truncate(frame.start);
        }
        self.at += mark;
    }
}

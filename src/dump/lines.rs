//! Blocks of text to lines: a line within a block in place, one across blocks from a copy.

use super::decompress::{Block, PADDING};
use memchr::memchr;

/// Longest line that is read; a longer one counts as damaged and costs no memory beyond this.
/// 16 MiB, our choice: the widest submissions seen have 35 kB.
pub const MAX_LINE_BYTES: usize = 16 << 20;

/// One line that is not blank.
pub(super) enum Line<'a> {
    /// `text[..len]`, with `PADDING` readable bytes behind it, the first a line feed or zero.
    Text { text: &'a [u8], len: usize },
    /// Over `MAX_LINE_BYTES`.
    TooLong,
}

/// Cuts a stream of blocks into lines.
#[derive(Default)]
pub(super) struct Lines {
    /// The start of a line whose end has not come yet, without leading NUL bytes.
    carry: Vec<u8>,
    /// The line has more than `MAX_LINE_BYTES`; the rest of it is passed over.
    too_long: bool,
    /// The line has bytes, be they NUL or passed over.
    open: bool,
    /// Lines that ended.
    pub(super) count: u64,
    /// Those of them that are blank.
    pub(super) blank: u64,
}

impl Lines {
    /// Passes on the lines that end in `block`, each with its number.
    pub(super) fn block(&mut self, block: &Block, sink: &mut impl FnMut(u64, Line<'_>)) {
        let mut start = 0;
        // A byte order mark: written by some editors, no part of the first line.
        if self.count == 0 && !self.open && block.data[..block.len].starts_with(b"\xEF\xBB\xBF") {
            start = 3;
        }
        while let Some(length) = memchr(b'\n', &block.data[start..block.len]) {
            let end = start + length;
            if self.open {
                self.append(&block.data[start..end]);
                self.end_carried(sink);
            } else {
                self.whole(&block.data[start..], length, sink);
            }
            start = end + 1;
        }
        if start < block.len {
            self.append(&block.data[start..block.len]);
        }
    }

    /// Ends the line that is open, if any: at the end of the text, or where text was lost.
    pub(super) fn end(&mut self, sink: &mut impl FnMut(u64, Line<'_>)) {
        if self.open {
            self.end_carried(sink);
        }
    }

    fn append(&mut self, bytes: &[u8]) {
        self.open = true;
        let nul = if self.carry.is_empty() { leading_nul(bytes) } else { 0 };
        let bytes = &bytes[nul..];
        if self.carry.len() + bytes.len() > MAX_LINE_BYTES {
            self.too_long = true;
        }
        if !self.too_long {
            self.carry.extend_from_slice(bytes);
        }
    }

    fn end_carried(&mut self, sink: &mut impl FnMut(u64, Line<'_>)) {
        self.open = false;
        let mut text = std::mem::take(&mut self.carry);
        if std::mem::take(&mut self.too_long) {
            sink(self.count, Line::TooLong);
            self.count += 1;
            return; // and the large buffer goes
        }
        let len = text.len();
        text.resize(len + PADDING, 0);
        self.whole(&text, len, sink);
        text.clear();
        self.carry = text;
    }

    fn whole(&mut self, text: &[u8], len: usize, sink: &mut impl FnMut(u64, Line<'_>)) {
        let nul = leading_nul(&text[..len]);
        let (text, len) = (&text[nul..], len - nul);
        if text[..len].iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r')) {
            self.blank += 1;
        } else {
            sink(self.count, Line::Text { text, len });
        }
        self.count += 1;
    }
}

/// NUL bytes at the start: runs of them stand before lines where a dump's disk had a hole
/// (RS_2011-01), and are no part of the line.
fn leading_nul(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|&&byte| byte == 0).count()
}

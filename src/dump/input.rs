//! A file read in pieces, with a little of what was already read kept for looking back.

use std::fs::File;
use std::io::{self, Read};

/// Bytes asked of the system at once (our choice: large enough that calls do not show).
const READ_BYTES: usize = 1 << 20;

/// Bytes kept behind the position: where a new stream is looked for after damage, because a decoder
/// may run on for a while past the end of a cut stream before it notices. Our choice: twice the
/// largest zstd block.
pub(super) const LOOK_BACK: usize = 256 << 10;

/// The unread bytes of a file, and up to `LOOK_BACK` of those read last.
pub(super) struct Input {
    file: File,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// File offset of `buffer[0]`.
    base: u64,
    eof: bool,
}

impl Input {
    /// Reads on from where `file` stands, at offset `base`.
    pub(super) fn new(file: File, base: u64) -> Self {
        let buffer = vec![0; LOOK_BACK + 2 * READ_BYTES];
        Input { file, buffer, start: 0, end: 0, base, eof: false }
    }

    /// Offset in the file of the next unread byte.
    pub(super) fn position(&self) -> u64 {
        self.base + self.start as u64
    }

    /// The unread bytes at hand; empty does not mean the end before `fill` said so.
    pub(super) fn unread(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Marks `count` unread bytes as read.
    pub(super) fn consume(&mut self, count: usize) {
        self.start += count;
        debug_assert!(self.start <= self.end);
    }

    /// Reads on until at least `count` bytes are unread (at most `READ_BYTES`) or the file ends.
    pub(super) fn fill(&mut self, count: usize) -> io::Result<()> {
        debug_assert!(count <= READ_BYTES);
        while self.end - self.start < count && !self.eof {
            if self.buffer.len() - self.end < READ_BYTES {
                let keep = self.start.saturating_sub(LOOK_BACK);
                self.buffer.copy_within(keep..self.end, 0);
                self.base += keep as u64;
                self.start -= keep;
                self.end -= keep;
            }
            match self.file.read(&mut self.buffer[self.end..self.end + READ_BYTES]) {
                Ok(0) => self.eof = true,
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Goes to `offset`: back as far as bytes are still at hand, forward within the unread ones.
    pub(super) fn go_to(&mut self, offset: u64) {
        let index = offset.saturating_sub(self.base) as usize;
        self.start = index.min(self.end);
    }
}

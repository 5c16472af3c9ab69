//! The scan without files and threads: text in memory to one batch. For tests, fuzzing and benches.

use super::batch::Batch;
use super::decompress::{Block, PADDING};
use super::fields::{Scanner, Status};
use super::lines::{Line, Lines};
use super::structure::Level;

/// The rows of `text`, handed to the scan in blocks of `block_bytes` (over 0), which change nothing.
///
/// Unlike `SubmissionReader` it refuses nothing: every line has its row.
pub fn scan_text(text: &[u8], level: Level, block_bytes: usize) -> Batch {
    let mut scanner = Scanner::new(level);
    let mut lines = Lines::default();
    let mut batch = Batch::default();
    let mut row = |number: u64, line: Line<'_>| match line {
        Line::Text { text, len } => match scanner.scan(text, len) {
            Status::Damaged => batch.push_damaged(number, &text[..len]),
            status => batch.push(number, status, &scanner.fields(text)),
        },
        Line::TooLong => batch.push_damaged(number, &[]),
    };
    let mut block = Block { data: vec![0; block_bytes + PADDING], len: 0 };
    for piece in text.chunks(block_bytes) {
        block.data[..piece.len()].copy_from_slice(piece);
        block.len = piece.len();
        lines.block(&block, &mut row);
    }
    lines.end(&mut row);
    batch
}

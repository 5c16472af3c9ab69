//! Compressed streams to blocks of text, and what to do where a stream is damaged.

use super::bzip2::{Blocks, Decoded, HEAD_BYTES, Mark, Segment, workers};
use super::compression::{Compression, Decoder, MAGIC_BYTES};
use super::input::Input;
use crate::{Error, Result};
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, channel};

/// Text in one block (our choice: a few of them stay in the second-level cache's reach).
pub(super) const BLOCK_BYTES: usize = 1 << 20;

/// Readable bytes behind the text of a block: the scan loads 64 at a time.
pub(super) const PADDING: usize = 64;

/// Compressed bytes given to a decoder at once: what one step read and wrote is unknown when it
/// fails, so this bounds the text lost before damage and how far its offset is off.
const STEP_BYTES: usize = 16 << 10;

/// Most damages that are listed: a hostile file has one every few bytes. Our choice.
const MOST_DAMAGES: usize = 10_000;

/// A place where the compressed stream could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Offset in the file where the decoder gave up.
    pub compressed_offset: u64,
    /// Bytes of text read before it.
    pub decompressed_offset: u64,
    /// Bytes of the file passed over: up to the next stream that could be read, else to the end.
    pub lost_bytes: u64,
    /// What was found.
    pub message: String,
}

/// A stretch of text: `data[..len]`, and `PADDING` bytes of slack behind it.
pub struct Block {
    pub(super) data: Vec<u8>,
    pub(super) len: usize,
}

impl Block {
    /// The text.
    pub fn text(&self) -> &[u8] {
        &self.data[..self.len]
    }
}

/// What the decompressing thread hands on.
pub enum Piece {
    /// The next stretch of text.
    Text(Block),
    /// The text before and the text after do not touch: bytes were lost between.
    Gap,
    /// The end of a range: so many bytes were lost in its streams; what follows is text behind it.
    Boundary(u64),
}

/// Decompresses all of `input` into `blocks`, reusing the buffers that come back by `spare`.
///
/// Returns the damages, none unless `allow_damaged`. Ends early, without an error, when nobody
/// receives any more. `read_bytes` follows the position in the file.
///
/// # Errors
/// `Error::Io`; `Error::Damaged` at the first damage unless `allow_damaged`.
pub(super) fn decompress(
    path: &Path,
    input: &mut Input,
    compression: Compression,
    allow_damaged: bool,
    blocks: &SyncSender<Piece>,
    spare: &Receiver<Vec<u8>>,
    read_bytes: &AtomicU64,
) -> Result<Vec<Gap>> {
    let out = Out { blocks, spare, block: None, total: 0, read_bytes };
    let mut run = Run::new(path, input, compression, allow_damaged, out);
    let done = match compression {
        Compression::Bzip2 => run.blocks(),
        _ => run.streams(),
    };
    match done {
        Ok(()) | Err(Stop::NobodyReceives) => Ok(run.damages),
        Err(Stop::Failed(error)) => Err(error),
    }
}

/// Decompresses, in this thread, the bzip2 streams that start in a range of a file: their text,
/// the boundary, and the text behind it to the end of the file. `input` stands at the range's start.
///
/// What is no stream belongs to the one before it, and to the range of that one. So the ranges of a
/// file give what the whole file gives, however it is cut. Damage is a gap.
///
/// # Errors
/// `Error::Io`.
pub(super) fn decompress_range(
    path: &Path,
    input: &mut Input,
    range: Range<u64>,
    blocks: &SyncSender<Piece>,
) -> Result<()> {
    let (spare, read_bytes) = (channel().1, AtomicU64::new(0));
    let out = Out { blocks, spare: &spare, block: None, total: 0, read_bytes: &read_bytes };
    let mut run = Run::new(path, input, Compression::Bzip2, true, out);
    run.end = Some(range.end);
    match run.range(range) {
        Ok(()) | Err(Stop::NobodyReceives) => Ok(()),
        Err(Stop::Failed(error)) => Err(error),
    }
}

const NO_STREAM: &str =
    "these bytes start no bzip2 stream; the file is damaged or has something appended";

/// Why the work ends before the input does.
enum Stop {
    NobodyReceives,
    Failed(Error),
}

/// The block being filled and where full ones go.
struct Out<'a> {
    blocks: &'a SyncSender<Piece>,
    spare: &'a Receiver<Vec<u8>>,
    block: Option<Block>,
    total: u64,
    read_bytes: &'a AtomicU64,
}

impl Out<'_> {
    /// The free part of the current block, never empty.
    fn room(&mut self) -> &mut [u8] {
        let block = self.block.get_or_insert_with(|| {
            let data = self.spare.try_recv().unwrap_or_else(|_| vec![0; BLOCK_BYTES + PADDING]);
            Block { data, len: 0 }
        });
        &mut block.data[block.len..BLOCK_BYTES]
    }

    /// Counts `count` bytes written to `room` and passes the block on when it is full.
    fn wrote(&mut self, count: usize) -> std::result::Result<(), Stop> {
        self.total += count as u64;
        if let Some(block) = &mut self.block {
            block.len += count;
            if block.len == BLOCK_BYTES {
                return self.flush();
            }
        }
        Ok(())
    }

    /// Copies text out.
    fn put(&mut self, mut text: &[u8]) -> std::result::Result<(), Stop> {
        while !text.is_empty() {
            let room = self.room();
            let count = text.len().min(room.len());
            room[..count].copy_from_slice(&text[..count]);
            self.wrote(count)?;
            text = &text[count..];
        }
        Ok(())
    }

    /// Passes on what there is.
    fn flush(&mut self) -> std::result::Result<(), Stop> {
        match self.block.take() {
            Some(block) if block.len > 0 => {
                self.blocks.send(Piece::Text(block)).map_err(|_| Stop::NobodyReceives)
            }
            _ => Ok(()),
        }
    }
}

struct Run<'a> {
    path: &'a Path,
    input: &'a mut Input,
    compression: Compression,
    allow_damaged: bool,
    out: Out<'a>,
    damages: Vec<Gap>,
    /// Bytes of the file passed over in bzip2 streams.
    lost_bytes: u64,
    /// Streams from this offset on lie behind the range, until that was said.
    end: Option<u64>,
    decoder: Option<Decoder>,
}

impl<'a> Run<'a> {
    fn new(
        path: &'a Path,
        input: &'a mut Input,
        compression: Compression,
        allow_damaged: bool,
        out: Out<'a>,
    ) -> Self {
        let (damages, lost_bytes, end, decoder) = (Vec::new(), 0, None, None);
        Run { path, input, compression, allow_damaged, out, damages, lost_bytes, end, decoder }
    }

    /// Reads the bzip2 streams that start in a range, and on.
    fn range(&mut self, range: Range<u64>) -> std::result::Result<(), Stop> {
        if range.start == 0 || self.next_stream(range.start, range.end)? < range.end {
            self.blocks()?;
        }
        self.boundary()
    }

    /// Says, once, that the range ends here.
    fn boundary(&mut self) -> std::result::Result<(), Stop> {
        if self.end.take().is_none() {
            return Ok(());
        }
        self.out.blocks.send(Piece::Boundary(self.lost_bytes)).map_err(|_| Stop::NobodyReceives)
    }

    /// Reads stream after stream to the end of the file.
    fn streams(&mut self) -> std::result::Result<(), Stop> {
        // Text at the last damage: more text since means that the stream after it was real.
        let mut text_at_damage = 0;
        loop {
            self.fill(MAGIC_BYTES)?;
            if self.input.unread().is_empty() {
                return self.out.flush();
            }
            let start = self.input.position();
            let found = if self.compression.starts_stream(self.input.unread()) {
                self.stream(start)?
            } else if self.skip_zeros()? {
                continue;
            } else {
                Some(format!(
                    "these bytes start no {}; the file is damaged or has something appended",
                    self.compression.stream_name()
                ))
            };
            let Some(message) = found else { continue };
            let offset = self.input.position();
            self.gap(offset, &message)?;
            let resumed = self.next_stream(start + 1, u64::MAX)?;
            match self.damages.last_mut() {
                // A false start inside lost bytes: one damage, not two.
                Some(last) if self.out.total == text_at_damage => {
                    last.lost_bytes = resumed.saturating_sub(last.compressed_offset);
                }
                _ => self.note(Gap {
                    compressed_offset: offset.min(resumed),
                    decompressed_offset: self.out.total,
                    lost_bytes: resumed.saturating_sub(offset),
                    message,
                }),
            }
            text_at_damage = self.out.total;
        }
    }

    /// Reads the blocks of bzip2 streams to the end of the file.
    fn blocks(&mut self) -> std::result::Result<(), Stop> {
        let failed = |path: &Path, error| Stop::Failed(Error::io(path, error));
        // A range is one thread's, and its text is cut alike wherever ranges start.
        let ranged = self.end.is_some();
        let workers = if ranged { 0 } else { workers() };
        let mut stream = self.input.position();
        let mut blocks = Blocks::new(stream, workers).map_err(|error| failed(self.path, error))?;
        let cut =
            |stream, how| format!("the bzip2 stream that starts at byte {stream} is cut: {how}");
        // The checksums of the stream's blocks so far, and whether all of them were right.
        let (mut combined, mut whole) = (0u32, true);
        // Whether a stream is open, and its last block right.
        let (mut open, mut right) = (false, false);
        loop {
            self.out.read_bytes.store(self.input.position(), Ordering::Relaxed);
            let next = blocks.next(self.input).map_err(|error| failed(self.path, error))?;
            let Some((segment, decoded)) = next else {
                if open && right {
                    let end = self.input.position();
                    self.damaged(end, end..end, cut(stream, "the file ends inside it"))?;
                }
                return self.out.flush();
            };
            let (start, end) = (segment.start, segment.end());
            if segment.headed {
                let head = start - HEAD_BYTES as u64;
                if open && right {
                    self.damaged(head, head..head, cut(stream, "another one starts inside it"))?;
                }
                if ranged {
                    self.out.flush()?;
                }
                if self.end.is_some_and(|end| head >= end) {
                    self.boundary()?;
                }
                (stream, combined, whole) = (head, 0, true);
            } else if !open && segment.mark != Mark::Start {
                self.damaged(start, start..start, NO_STREAM.to_owned())?;
            }
            (open, right) = (segment.mark == Mark::Block, true);
            match (segment.mark, decoded) {
                (Mark::Start, _) => self.between(&segment)?,
                (_, Some(Decoded::Wrong(message))) => {
                    (whole, right) = (false, false);
                    let (offset, message) = if segment.last {
                        (end, cut(stream, "the file ends inside it"))
                    } else {
                        (start, format!("the bzip2 block at byte {start} is damaged: {message}"))
                    };
                    self.damaged(offset, start..end, message)?;
                }
                (_, Some(decoded)) => {
                    combined = combined.rotate_left(1) ^ segment.checksum();
                    match decoded {
                        Decoded::Text(text) => self.out.put(&text)?,
                        _ => self.put_again(&segment)?,
                    }
                }
                _ if !segment.has_checksum() => {
                    self.damaged(end, end..end, cut(stream, "the file ends inside it"))?;
                }
                _ => {
                    if whole && combined != segment.checksum() {
                        let message = format!(
                            "the bzip2 stream that starts at byte {stream} is damaged: its blocks are \
                             right, but not those that its checksum was made from"
                        );
                        self.damaged(start, start..start, message)?;
                    }
                    self.between(&segment)?;
                }
            }
        }
    }

    /// Checks that nothing but zeros lies between the end of a bzip2 stream and the next.
    fn between(&mut self, segment: &Segment) -> std::result::Result<(), Stop> {
        let (tail, offset) = segment.tail();
        let zeros = tail.iter().take_while(|&&byte| byte == 0).count();
        let (rest, offset) = (&tail[zeros..], offset + zeros as u64);
        if rest.is_empty() {
            return Ok(());
        }
        let message = if segment.last && b"BZh9".starts_with(rest) {
            format!("the bzip2 stream that starts at byte {offset} is cut: the file ends inside it")
        } else {
            NO_STREAM.to_owned()
        };
        self.damaged(offset, offset..segment.end(), message)
    }

    /// Puts out a block's text as it is decoded, known to be right.
    fn put_again(&mut self, segment: &Segment) -> std::result::Result<(), Stop> {
        let mut result = Ok(());
        let decoded = segment.decode(&mut |text| {
            result = self.out.put(text);
            result.is_ok()
        });
        debug_assert!(decoded.is_ok());
        result
    }

    /// An error for damage at `offset`, or, where it is allowed, a gap in the text.
    fn gap(&mut self, offset: u64, message: &str) -> std::result::Result<(), Stop> {
        if !self.allow_damaged {
            let message = format!("{message} ({} bytes of text were read before)", self.out.total);
            let path = self.path.to_path_buf();
            return Err(Stop::Failed(Error::Damaged { path, offset, message }));
        }
        self.out.flush()?;
        self.out.blocks.send(Piece::Gap).map_err(|_| Stop::NobodyReceives)
    }

    /// A gap where bytes of bzip2 streams were passed over; next to the last damage, as one.
    fn damaged(
        &mut self,
        offset: u64,
        lost: Range<u64>,
        message: String,
    ) -> std::result::Result<(), Stop> {
        self.gap(offset, &message)?;
        let lost_bytes = lost.end.saturating_sub(lost.start);
        self.lost_bytes += lost_bytes;
        match self.damages.last_mut() {
            Some(last)
                if last.compressed_offset + last.lost_bytes >= lost.start
                    && last.decompressed_offset == self.out.total =>
            {
                last.lost_bytes =
                    last.lost_bytes.max(lost.end.saturating_sub(last.compressed_offset));
            }
            _ => self.note(Gap {
                compressed_offset: lost.start,
                decompressed_offset: self.out.total,
                lost_bytes,
                message,
            }),
        }
        Ok(())
    }

    /// Lists a damage; after very many the last one stands for the rest.
    fn note(&mut self, damage: Gap) {
        let full = self.damages.len() == MOST_DAMAGES;
        match self.damages.last_mut() {
            Some(last) if full => last.lost_bytes += damage.lost_bytes,
            _ => self.damages.push(damage),
        }
    }

    /// Reads one stream; returns what is wrong with it, if anything.
    fn stream(&mut self, start: u64) -> std::result::Result<Option<String>, Stop> {
        let name = self.compression.stream_name();
        // A zstd decoder goes on with the next frame and keeps its window's memory.
        let reused = self.decoder.take();
        let mut decoder = match reused.map_or_else(|| Decoder::new(self.compression), Ok) {
            Ok(decoder) => decoder,
            Err(message) => return Ok(Some(message)),
        };
        loop {
            self.fill(1)?;
            let unread = self.input.unread();
            let piece = &unread[..unread.len().min(STEP_BYTES)];
            let step = match decoder.step(piece, self.out.room()) {
                Ok(step) => step,
                Err(message) => {
                    return Ok(Some(format!(
                        "the {name} that starts at byte {start} is damaged: {message}"
                    )));
                }
            };
            let at_end = self.input.unread().is_empty();
            self.input.consume(step.consumed);
            self.out.wrote(step.produced)?;
            if step.ended {
                if self.compression == Compression::Zstd {
                    self.decoder = Some(decoder);
                }
                return Ok(None);
            }
            if step.consumed == 0 && step.produced == 0 {
                if at_end && self.compression == Compression::Plain {
                    return Ok(None);
                }
                return Ok(Some(if at_end {
                    format!(
                        "the {name} that starts at byte {start} is cut: the file ends inside it"
                    )
                } else {
                    format!("the {name} that starts at byte {start} is damaged: no progress")
                }));
            }
        }
    }

    /// Makes `count` bytes unread, if there are as many, and notes the position.
    fn fill(&mut self, count: usize) -> std::result::Result<(), Stop> {
        self.out.read_bytes.store(self.input.position(), Ordering::Relaxed);
        self.input.fill(count).map_err(|error| Stop::Failed(Error::io(self.path, error)))
    }

    /// Passes over zero bytes (padding, as tapes and xz leave it); returns whether there were any.
    fn skip_zeros(&mut self) -> std::result::Result<bool, Stop> {
        let start = self.input.position();
        loop {
            let unread = self.input.unread();
            let zeros = unread.iter().take_while(|&&byte| byte == 0).count();
            let more = zeros > 0 && zeros == unread.len();
            self.input.consume(zeros);
            if !more {
                return Ok(self.input.position() > start);
            }
            self.fill(1)?;
        }
    }

    /// Moves to the next place, from file offset `from` on, where a stream starts; else behind
    /// `until` or to the end.
    ///
    /// Looks back as far as the input still has bytes. Returns the offset.
    fn next_stream(&mut self, from: u64, until: u64) -> std::result::Result<u64, Stop> {
        self.input.go_to(from);
        loop {
            self.fill(MAGIC_BYTES)?;
            let unread = self.input.unread();
            let at_end = unread.len() < MAGIC_BYTES;
            let last = if at_end { unread.len() } else { unread.len() - MAGIC_BYTES + 1 };
            let found = (0..last).find(|&index| {
                self.compression.may_start(unread[index])
                    && self.compression.starts_stream(&unread[index..])
            });
            self.input.consume(found.unwrap_or(last));
            if found.is_some() || at_end || self.input.position() >= until {
                return Ok(self.input.position());
            }
        }
    }
}

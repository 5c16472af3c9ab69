//! Streams of a container to blocks of text, and what to do where a stream is damaged.

use super::bzip2::{Blocks, Decoded, Mark, Segment};
use super::container::{Container, Decoder, MAGIC_BYTES};
use super::input::Input;
use crate::{Error, Result};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};

/// Text in one block (our choice: a few of them stay in the second-level cache's reach).
pub(super) const BLOCK_BYTES: usize = 1 << 20;

/// Readable bytes behind the text of a block: the scan loads 64 at a time.
pub(super) const PADDING: usize = 64;

/// Compressed bytes given to a decoder at once: what one step read and wrote is unknown when it
/// fails, so this bounds the text lost before damage and how far its offset is off.
const STEP_BYTES: usize = 16 << 10;

/// A place where the compressed stream could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
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
pub(super) struct Block {
    pub(super) data: Vec<u8>,
    pub(super) len: usize,
}

/// What the decompressing thread hands on.
pub(super) enum Piece {
    /// The next stretch of text.
    Text(Block),
    /// The text before and the text after do not touch: bytes were lost between.
    Gap,
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
    container: Container,
    allow_damaged: bool,
    blocks: &SyncSender<Piece>,
    spare: &Receiver<Vec<u8>>,
    read_bytes: &AtomicU64,
) -> Result<Vec<Damage>> {
    let mut run = Run {
        path,
        input,
        container,
        allow_damaged,
        out: Out { blocks, spare, block: None, total: 0, read_bytes },
        damages: Vec::new(),
        decoder: None,
    };
    let done = match container {
        Container::Bzip2 => run.blocks(),
        _ => run.streams(),
    };
    match done {
        Ok(()) | Err(Stop::NobodyReceives) => Ok(run.damages),
        Err(Stop::Failed(error)) => Err(error),
    }
}

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
    container: Container,
    allow_damaged: bool,
    out: Out<'a>,
    damages: Vec<Damage>,
    decoder: Option<Decoder>,
}

impl Run<'_> {
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
            let found = if self.container.starts_stream(self.input.unread()) {
                self.stream(start)?
            } else if self.skip_zeros()? {
                continue;
            } else {
                Some(format!(
                    "these bytes start no {}; the file is damaged or has something appended",
                    self.container.stream_name()
                ))
            };
            let Some(message) = found else { continue };
            let offset = self.input.position();
            self.gap(offset, &message)?;
            let resumed = self.next_stream(start + 1)?;
            match self.damages.last_mut() {
                // A false start inside lost bytes: one damage, not two.
                Some(last) if self.out.total == text_at_damage => {
                    last.lost_bytes = resumed.saturating_sub(last.compressed_offset);
                }
                _ => self.damages.push(Damage {
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
        let mut stream = self.input.position();
        let mut blocks = Blocks::new(stream).map_err(|error| failed(self.path, error))?;
        // The checksums of the stream's blocks so far, and whether all of them were right.
        let (mut combined, mut whole) = (0u32, true);
        loop {
            self.out.read_bytes.store(self.input.position(), Ordering::Relaxed);
            let next = blocks.next(self.input).map_err(|error| failed(self.path, error))?;
            let Some((segment, decoded)) = next else { return self.out.flush() };
            let (start, end) = (segment.start, segment.end());
            let cut = || {
                format!(
                    "the bzip2 stream that starts at byte {stream} is cut: the file ends inside it"
                )
            };
            match decoded {
                Some(Decoded::Text(text)) => self.out.put(&text)?,
                Some(Decoded::Large) => self.put_again(&segment)?,
                Some(Decoded::Wrong(message)) => {
                    whole = false;
                    let (offset, message) = if segment.last {
                        (end, cut())
                    } else {
                        (start, format!("the bzip2 block at byte {start} is damaged: {message}"))
                    };
                    self.gap(offset, &message)?;
                    self.lost(start, end, message);
                    continue;
                }
                None => {}
            }
            match segment.mark {
                Mark::Start => {}
                Mark::Block => {
                    combined = combined.rotate_left(1) ^ segment.checksum();
                    if segment.last {
                        self.gap(end, &cut())?;
                        self.lost(end, end, cut());
                    }
                }
                Mark::End if !segment.has_checksum() => {
                    self.gap(end, &cut())?;
                    self.lost(end, end, cut());
                }
                Mark::End => {
                    if whole && combined != segment.checksum() {
                        let message = format!(
                            "the bzip2 stream that starts at byte {stream} is damaged: its blocks are \
                             right, but not those that its checksum was made from"
                        );
                        self.gap(start, &message)?;
                        self.lost(start, start, message);
                    }
                    (combined, whole) = (0, true);
                    stream = self.behind_end(&segment, end)?;
                }
            }
        }
    }

    /// Checks what lies between the end of a bzip2 stream and the next; returns where that starts.
    fn behind_end(&mut self, segment: &Segment, end: u64) -> std::result::Result<u64, Stop> {
        let (tail, offset) = segment.tail();
        let zeros = tail.iter().take_while(|&&byte| byte == 0).count();
        let (rest, offset) = (&tail[zeros..], offset + zeros as u64);
        let headed = |head: &[u8]| matches!(head, [b'B', b'Z', b'h', b'1'..=b'9']);
        let good = if segment.last { rest.is_empty() } else { headed(rest) };
        if good {
            return Ok(offset);
        }
        let head = if rest.len() >= 4 && headed(&rest[rest.len() - 4..]) { 4 } else { 0 };
        let message = if segment.last && b"BZh9".starts_with(rest) {
            format!("the bzip2 stream that starts at byte {offset} is cut: the file ends inside it")
        } else {
            "these bytes start no bzip2 stream; the file is damaged or has something appended"
                .to_owned()
        };
        self.gap(offset, &message)?;
        self.lost(offset, end - head, message);
        Ok(end - head)
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

    /// Notes that the bytes from `start` to `end` were passed over; next to the last ones, as one.
    fn lost(&mut self, start: u64, end: u64, message: String) {
        match self.damages.last_mut() {
            Some(last)
                if last.compressed_offset + last.lost_bytes >= start
                    && last.decompressed_offset == self.out.total =>
            {
                last.lost_bytes = last.lost_bytes.max(end.saturating_sub(last.compressed_offset));
            }
            _ => self.damages.push(Damage {
                compressed_offset: start,
                decompressed_offset: self.out.total,
                lost_bytes: end.saturating_sub(start),
                message,
            }),
        }
    }

    /// Reads one stream; returns what is wrong with it, if anything.
    fn stream(&mut self, start: u64) -> std::result::Result<Option<String>, Stop> {
        let name = self.container.stream_name();
        // A zstd decoder goes on with the next frame and keeps its window's memory.
        let reused = self.decoder.take();
        let mut decoder = match reused.map_or_else(|| Decoder::new(self.container), Ok) {
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
                if self.container == Container::Zstd {
                    self.decoder = Some(decoder);
                }
                return Ok(None);
            }
            if step.consumed == 0 && step.produced == 0 {
                if at_end && self.container == Container::Plain {
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

    /// Moves to the next place, from file offset `from` on, where a stream starts; else to the end.
    ///
    /// Looks back as far as the input still has bytes. Returns the offset.
    fn next_stream(&mut self, from: u64) -> std::result::Result<u64, Stop> {
        self.input.go_to(from);
        loop {
            self.fill(MAGIC_BYTES)?;
            let unread = self.input.unread();
            let at_end = unread.len() < MAGIC_BYTES;
            let last = if at_end { unread.len() } else { unread.len() - MAGIC_BYTES + 1 };
            let found = (0..last).find(|&index| {
                self.container.may_start(unread[index])
                    && self.container.starts_stream(&unread[index..])
            });
            self.input.consume(found.unwrap_or(last));
            if found.is_some() || at_end {
                return Ok(self.input.position());
            }
        }
    }
}

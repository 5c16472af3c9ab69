//! bzip2 by blocks: found in the bit stream, checked one by one, decoded by several threads.
//!
//! A block (900 kB of text at most) starts with 48 fixed bits at any bit of the file and has a
//! checksum of its own. Cut out and given a head and a tail it is a whole stream, so each can be
//! decoded alone: a damaged block costs itself, and none of its text is handed on.
//!
//! Format: there is no specification but the library; see J. Tsai, "BZIP2: Format Specification" (2016).

use super::input::Input;
use bzip2::{Decompress, Status};
use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

/// First 48 bits of a block (the digits of pi).
const BLOCK: u64 = 0x3141_5926_5359;

/// First 48 bits of the end of a stream (the digits of its square root).
const END: u64 = 0x1772_4538_5090;

const MAGIC_BITS: usize = 48;

/// Bits of a block before the table of its bytes: mark, checksum, a flag and an offset.
const LEAST_BLOCK_BITS: usize = MAGIC_BITS + 32 + 1 + 24;

/// Most bytes between two marks: twice what a block of random bytes has.
const SEGMENT_BYTES: usize = 2 << 20;

/// Most text of a block that is kept decoded; one of long runs, up to 46 MB, is decoded again as it
/// is handed on.
const KEPT_TEXT_BYTES: usize = 4 << 20;

/// Most threads: each has up to 6 MiB, and each block waiting for its turn as much.
const MAX_WORKERS: usize = 4;

/// Bytes of a stream's head, before the mark of its first block or of its end.
pub(super) const HEAD_BYTES: usize = 4;

/// What the bits between two marks start with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// Nothing known: the start of the file.
    Start,
    Block,
    End,
}

/// The bits from one mark to the next.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) mark: Mark,
    /// A stream's head comes right before the mark: it starts there, whatever was before.
    pub(super) headed: bool,
    /// Offset in the file of the byte that holds the first bit.
    pub(super) start: u64,
    /// Bits of the first byte that belong to the segment before.
    skip: usize,
    /// Bits, without those skipped.
    bits: usize,
    bytes: Vec<u8>,
    /// Bytes passed over because there were too many.
    pub(super) dropped: u64,
    /// The file ends here, not at a mark.
    pub(super) last: bool,
}

impl Segment {
    /// Offset in the file behind the last byte that lies in this segment alone.
    pub(super) fn end(&self) -> u64 {
        self.start + ((self.skip + self.bits) / 8) as u64 + self.dropped
    }

    /// `count` bits (at most 56) from bit `from` on; zeros behind the end.
    fn read(&self, from: usize, count: usize) -> u64 {
        let first = self.skip + from;
        let mut value = 0u64;
        for index in first / 8..first / 8 + 8 {
            value = value << 8 | u64::from(self.bytes.get(index).copied().unwrap_or(0));
        }
        value << (first % 8) >> (64 - count)
    }

    /// The checksum that follows the mark.
    pub(super) fn checksum(&self) -> u32 {
        self.read(MAGIC_BITS, 32) as u32
    }

    /// Whether the mark and the checksum are there.
    pub(super) fn has_checksum(&self) -> bool {
        self.bits >= MAGIC_BITS + 32
    }

    /// The whole bytes behind mark and checksum (of `Start`: all), and the offset of the first.
    pub(super) fn tail(&self) -> (&[u8], u64) {
        let head = if self.mark == Mark::Start { 0 } else { MAGIC_BITS + 32 };
        let first = (self.skip + head).div_ceil(8);
        let end = (self.skip + self.bits) / 8;
        (&self.bytes[first.min(end)..end], self.start + first.min(end) as u64)
    }

    /// This segment and the next as one: for a mark that was none.
    fn joined(&self, next: &Segment) -> Segment {
        let mut bytes = self.bytes.clone();
        // The byte with the next mark's first bit is in both.
        let whole = (self.skip + self.bits) / 8;
        bytes.truncate(whole);
        bytes.extend_from_slice(&next.bytes);
        Segment {
            mark: self.mark,
            headed: self.headed,
            start: self.start,
            skip: self.skip,
            bits: self.bits + next.bits,
            bytes,
            dropped: self.dropped + next.dropped,
            last: next.last,
        }
    }

    /// A bzip2 stream of this block alone.
    fn stream(&self) -> Vec<u8> {
        let mut stream = b"BZh9".to_vec();
        stream.reserve(self.bytes.len() + 16);
        let shift = self.skip;
        let mut bytes = self.bytes.iter().copied().chain([0]);
        let mut before = bytes.next().unwrap_or(0);
        for byte in bytes {
            stream.push((u16::from_be_bytes([before, byte]) >> (8 - shift)) as u8);
            before = byte;
        }
        stream.truncate(4 + self.bits.div_ceil(8));
        if self.last {
            return stream;
        }
        // The end mark and the checksum again, right behind the last bit.
        let used = self.bits % 8;
        let tail = u128::from(END) << 32 | u128::from(self.checksum());
        let tail = tail << (128 - 80) >> used;
        let mut tail = tail.to_be_bytes().to_vec();
        tail.truncate((used + 80).div_ceil(8));
        if used > 0 {
            let keep = !(0xFFu8 >> used);
            let shared = stream.pop().unwrap_or(0) & keep;
            tail[0] |= shared;
        }
        stream.extend_from_slice(&tail);
        stream
    }

    /// Decodes the block; `sink` gets its text in pieces, before it is known to be right.
    pub(super) fn decode(
        &self,
        sink: &mut dyn FnMut(&[u8]) -> bool,
    ) -> std::result::Result<(), String> {
        if self.bits < LEAST_BLOCK_BITS {
            return Err("it is cut".to_owned()); // a file of marks alone costs no decoder each
        }
        let stream = self.stream();
        let mut decoder = Decompress::new(false);
        let mut text = vec![0; 256 << 10];
        let mut any = false;
        loop {
            let (read, written) = (decoder.total_in(), decoder.total_out());
            let status = decoder
                .decompress(&stream[read as usize..], &mut text)
                .map_err(|error| error.to_string())?;
            let count = (decoder.total_out() - written) as usize;
            any |= count > 0;
            if count > 0 && !sink(&text[..count]) {
                return Ok(());
            }
            if status == Status::StreamEnd {
                return Ok(());
            }
            if count == 0 && decoder.total_in() == read {
                // Without an end mark a whole block shows by its text: none comes of a part of it.
                return if self.last && any { Ok(()) } else { Err("it is cut".to_owned()) };
            }
        }
    }

    /// The text of the block, if it is right.
    fn text(&self) -> Decoded {
        let mut text = Vec::new();
        let mut large = false;
        let result = self.decode(&mut |piece| {
            large |= text.len() + piece.len() > KEPT_TEXT_BYTES;
            if large {
                text = Vec::new();
            } else {
                text.extend_from_slice(piece);
            }
            true
        });
        match result {
            Ok(()) if large => Decoded::Large,
            Ok(()) => Decoded::Text(text),
            Err(message) => Decoded::Wrong(message),
        }
    }
}

/// What became of a block.
pub(super) enum Decoded {
    Text(Vec<u8>),
    /// Right, but too much to keep: decode it again.
    Large,
    Wrong(String),
}

/// Cuts a file into segments.
pub(super) struct Splitter {
    segment: Option<Segment>,
    /// The last eight bytes.
    window: u64,
    /// Whether two bytes may be the third and fourth, or their neighbours, of a mark.
    table: Box<[bool; 1 << 16]>,
    done: bool,
}

impl Splitter {
    pub(super) fn new(start: u64) -> Self {
        let mut table = vec![false; 1 << 16];
        for magic in [BLOCK, END] {
            for shift in 0..8 {
                // Bytes 2 and 3 from the end of the window, whatever the bits around.
                table[(magic << shift >> 16) as usize & 0xFFFF] = true;
            }
        }
        let table = table.into_boxed_slice().try_into().expect("2^16 entries");
        Splitter { segment: Some(blank(Mark::Start, start, 0)), window: 0, table, done: false }
    }

    /// The next segment.
    pub(super) fn next(&mut self, input: &mut Input) -> io::Result<Option<Segment>> {
        if self.done {
            return Ok(None);
        }
        let segment = self.segment.get_or_insert_with(|| blank(Mark::Start, 0, 0));
        loop {
            input.fill(1)?;
            if input.unread().is_empty() {
                self.done = true;
                let mut segment = self.segment.take().expect("set above");
                segment.last = true;
                segment.bits = segment.bytes.len() * 8 - segment.skip.min(segment.bytes.len() * 8);
                return Ok(Some(segment));
            }
            let unread = input.unread();
            for (index, &byte) in unread.iter().enumerate() {
                self.window = self.window << 8 | u64::from(byte);
                segment.bytes.push(byte);
                if !self.table[(self.window >> 16) as usize & 0xFFFF] {
                    continue;
                }
                for shift in 0..8 {
                    let found = self.window >> shift & ((1 << MAGIC_BITS) - 1);
                    let mark = match found {
                        BLOCK => Mark::Block,
                        END => Mark::End,
                        _ => continue,
                    };
                    // Bits of this segment up to the mark; a mark cannot lie in the one before.
                    let all = segment.bytes.len() * 8 - segment.skip;
                    let Some(bits) = all.checked_sub(shift + MAGIC_BITS) else { continue };
                    if bits == 0 && segment.mark == mark {
                        continue; // the segment's own mark
                    }
                    let position = input.position() + index as u64 + 1;
                    let shared = (segment.skip + bits) / 8;
                    let tail = segment.bytes[shared..].to_vec();
                    let skip = (segment.skip + bits) % 8;
                    let mut next = blank(mark, position - tail.len() as u64, skip);
                    next.bytes = tail;
                    let before = &segment.bytes[..shared];
                    next.headed =
                        skip == 0 && matches!(before, [.., b'B', b'Z', b'h', b'1'..=b'9']);
                    segment.bits =
                        bits.saturating_sub(if next.headed { HEAD_BYTES * 8 } else { 0 });
                    segment.bytes.truncate((segment.skip + segment.bits).div_ceil(8));
                    input.consume(index + 1);
                    return Ok(self.segment.replace(next));
                }
                if segment.bytes.len() > SEGMENT_BYTES {
                    // No block is that long: keep the head, and enough to see a mark.
                    let extra = segment.bytes.len() - SEGMENT_BYTES / 2 - 16;
                    segment.bytes.drain(SEGMENT_BYTES / 2..SEGMENT_BYTES / 2 + extra);
                    segment.dropped += extra as u64;
                }
            }
            let count = unread.len();
            input.consume(count);
        }
    }
}

fn blank(mark: Mark, start: u64, skip: usize) -> Segment {
    let (bytes, headed) = (Vec::new(), false);
    Segment { mark, headed, start, skip, bits: 0, bytes, dropped: 0, last: false }
}

/// How many threads decode where nobody else works.
pub(super) fn workers() -> usize {
    thread::available_parallelism().map_or(1, usize::from).min(MAX_WORKERS)
}

/// A segment and, of a block that a worker decodes, what becomes of it.
type Job = (Arc<Segment>, Option<Receiver<Decoded>>);

/// Segments in order, their blocks decoded ahead by worker threads or, without, as they are asked for.
pub(super) struct Blocks {
    splitter: Splitter,
    queue: VecDeque<Job>,
    work: Option<Sender<(Arc<Segment>, Sender<Decoded>)>>,
    ahead: usize,
}

impl Blocks {
    /// Starts the workers; they end when this is dropped.
    pub(super) fn new(start: u64, workers: usize) -> io::Result<Self> {
        let (work, tasks) = channel::<(Arc<Segment>, Sender<Decoded>)>();
        let tasks = Arc::new(Mutex::new(tasks));
        for _ in 0..workers {
            let tasks = Arc::clone(&tasks);
            thread::Builder::new().name("dump bzip2".to_owned()).spawn(move || {
                loop {
                    let task = tasks.lock().map(|tasks| tasks.recv());
                    let Ok(Ok((segment, answer))) = task else { return };
                    // Nobody may wait for it any more.
                    let _ = answer.send(segment.text());
                }
            })?;
        }
        let work = (workers > 0).then_some(work);
        let queue = VecDeque::new();
        Ok(Blocks { splitter: Splitter::new(start), queue, work, ahead: workers + 2 })
    }

    /// The next segment, and of a block its text.
    pub(super) fn next(
        &mut self,
        input: &mut Input,
    ) -> io::Result<Option<(Arc<Segment>, Option<Decoded>)>> {
        while self.queue.len() < self.ahead {
            let Some(segment) = self.splitter.next(input)? else { break };
            let segment = Arc::new(segment);
            let mut answer = None;
            if let (Mark::Block, Some(work)) = (segment.mark, &self.work) {
                let (sender, receiver) = channel();
                work.send((Arc::clone(&segment), sender)).expect("workers wait for tasks");
                answer = Some(receiver);
            }
            self.queue.push_back((segment, answer));
        }
        let Some((segment, answer)) = self.queue.pop_front() else { return Ok(None) };
        let decoded = match answer {
            Some(answer) => answer.recv().expect("a worker answers each task"),
            None if segment.mark == Mark::Block => segment.text(),
            None => return Ok(Some((segment, None))),
        };
        if !matches!(decoded, Decoded::Wrong(_)) {
            return Ok(Some((segment, Some(decoded))));
        }
        // The bits of a mark can stand inside a block by chance: try without the next one.
        if let Some((next, _)) = self.queue.front()
            && !next.headed
            && segment.dropped + next.dropped == 0
        {
            let joined = segment.joined(next);
            let again = joined.text();
            if !matches!(again, Decoded::Wrong(_)) {
                self.queue.pop_front();
                return Ok(Some((Arc::new(joined), Some(again))));
            }
        }
        Ok(Some((segment, Some(decoded))))
    }
}

//! The two threads of a dump reader, and its door.

use super::batch::Batch;
use super::compression::{Compression, MAGIC_BYTES};
use super::decompress::{Gap, Piece, decompress};
use super::fields::{Scanner, Status};
use super::input::Input;
use super::kind;
use super::lines::{Line, Lines};
use super::structure::Level;
use crate::{Error, Result};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

/// Blocks on their way from the decompressor to the scan. With the one each side works on, 8 MiB.
const BLOCKS_AHEAD: usize = 6;

/// Batches waiting for the caller: none, so that at most two exist, the one being filled and the
/// caller's; the next is filled while the caller works on its own.
const BATCHES_AHEAD: usize = 0;

/// How long it may go unnoticed that the caller has had enough.
const ASK_INTERVAL: Duration = Duration::from_millis(100);

/// Rows that decide what kind of file this is.
const DECIDING_ROWS: u64 = 100;

/// Text after which it is decided with fewer rows: lines over the limit make rows rare.
const DECIDING_BYTES: u64 = 32 << 20;

/// Text of a refused file that its name is guessed from.
const START_BYTES: usize = 4096;

/// How a dump is read.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Keep what can be read of a cut or corrupt file; else the first damage is an error.
    pub allow_damaged: bool,
    /// Rows of a batch, over 0; a batch with much text may have fewer.
    pub batch_rows: usize,
    /// Instructions that the scan uses.
    pub level: Level,
}

impl Default for Options {
    fn default() -> Self {
        Options { allow_damaged: false, batch_rows: 65536, level: Level::best() }
    }
}

/// What was read, up to the last batch or, at the end, of the whole file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stats {
    /// How the file is packed.
    pub compression: Compression,
    /// Bytes of the file read.
    pub compressed_bytes: u64,
    /// Bytes of text they gave.
    pub decompressed_bytes: u64,
    /// Lines, blank ones too.
    pub lines: u64,
    /// Blank lines: white space and NUL bytes only; no row stands for them.
    pub blank: u64,
    /// Rows with `Status::Ok`.
    pub ok: u64,
    /// Rows with `Status::Damaged`.
    pub damaged: u64,
    /// Rows with `Status::Comment`.
    pub comments: u64,
    /// Bytes of the file that could not be read; known at the end.
    pub lost_bytes: u64,
    /// Where they are, the last of very many for all behind it; known at the end.
    pub damages: Vec<Gap>,
}

enum Message {
    Batch(Box<Batch>, Stats),
    End(Result<Stats>),
}

/// Reads a submission dump in batches of rows, in line order.
pub struct SubmissionReader {
    messages: Option<Receiver<Message>>,
    stats: Stats,
    path: PathBuf,
}

impl SubmissionReader {
    /// Opens a dump and starts to read it.
    ///
    /// # Errors
    /// `Error::Io` if it cannot be opened or read; `Error::InvalidParameter` for 0 rows.
    pub fn open(path: &Path, options: Options) -> Result<Self> {
        if options.batch_rows == 0 {
            return Err(Error::InvalidParameter("batch rows must be over 0, found 0".to_owned()));
        }
        let file = File::open(path).map_err(|error| Error::io(path, error))?;
        let mut input = Input::new(file, 0);
        input.fill(MAGIC_BYTES).map_err(|error| Error::io(path, error))?;
        let compression = Compression::detect(input.unread());
        let stats = Stats {
            compression,
            compressed_bytes: 0,
            decompressed_bytes: 0,
            lines: 0,
            blank: 0,
            ok: 0,
            damaged: 0,
            comments: 0,
            lost_bytes: 0,
            damages: Vec::new(),
        };
        let (sender, messages) = sync_channel(BATCHES_AHEAD);
        let scan = Scan {
            path: path.to_owned(),
            options,
            sender,
            stats: stats.clone(),
            scanner: Scanner::new(options.level),
            batch: Batch::default(),
            decided: false,
            gap: false,
            recognised: 0,
            start: Vec::new(),
        };
        spawn(path, "dump scan", move || scan.run(input))?;
        Ok(SubmissionReader { messages: Some(messages), stats, path: path.to_owned() })
    }

    /// The next rows; `None` at the end.
    ///
    /// # Errors
    /// `Error::Io`; `Error::Damaged` for damage, and `Error::Format` for a file of another kind;
    /// `Error::Interrupted` once `go_on` says no.
    pub fn next(&mut self, go_on: &mut dyn FnMut() -> bool) -> Result<Option<Box<Batch>>> {
        let Some(messages) = &self.messages else { return Ok(None) };
        match receive(messages, go_on)? {
            Some(Message::Batch(batch, stats)) => {
                self.stats = stats;
                Ok(Some(batch))
            }
            Some(Message::End(result)) => {
                self.messages = None;
                self.stats = result?;
                Ok(None)
            }
            None => panic!("the reader of `{}` ended without a word", self.path.display()),
        }
    }

    /// What was read up to the last batch given out; complete after the end.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }
}

/// What comes next, `None` where nothing more will; asks `go_on` while nothing comes.
///
/// # Errors
/// `Error::Interrupted` once it says no.
pub(super) fn receive<T>(from: &Receiver<T>, go_on: &mut dyn FnMut() -> bool) -> Result<Option<T>> {
    loop {
        match from.recv_timeout(ASK_INTERVAL) {
            Ok(item) => return Ok(Some(item)),
            Err(RecvTimeoutError::Disconnected) => return Ok(None),
            Err(RecvTimeoutError::Timeout) if go_on() => {}
            Err(RecvTimeoutError::Timeout) => return Err(Error::Interrupted),
        }
    }
}

/// Starts a thread that ends by itself when its channels are closed.
pub(super) fn spawn<T: Send + 'static>(
    path: &Path,
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<thread::JoinHandle<T>> {
    thread::Builder::new().name(name.to_owned()).spawn(work).map_err(|error| Error::io(path, error))
}

/// Why a scan ends early.
enum Stop {
    NobodyReceives,
    Failed(Error),
}

/// The scanning thread.
struct Scan {
    path: PathBuf,
    options: Options,
    sender: SyncSender<Message>,
    stats: Stats,
    scanner: Scanner,
    batch: Batch,
    /// The file is known to hold submissions.
    decided: bool,
    gap: bool,
    /// Objects with at least one field that a submission must have.
    recognised: u64,
    /// The first bytes of the text.
    start: Vec<u8>,
}

impl Scan {
    fn run(mut self, input: Input) {
        let end = match self.read(input) {
            Ok(()) => Ok(self.stats),
            Err(Stop::Failed(error)) => Err(error),
            Err(Stop::NobodyReceives) => return,
        };
        // Nobody there to hear it is fine too.
        let _ = self.sender.send(Message::End(end));
    }

    fn read(&mut self, mut input: Input) -> std::result::Result<(), Stop> {
        let (blocks, pieces) = sync_channel(BLOCKS_AHEAD);
        let (spare, returned): (Sender<Vec<u8>>, _) = channel();
        let read_bytes = Arc::new(AtomicU64::new(0));
        let (path, compression, allow) =
            (self.path.clone(), self.stats.compression, self.options.allow_damaged);
        let position = Arc::clone(&read_bytes);
        let decompressor = spawn(&self.path, "dump decompress", move || {
            decompress(&path, &mut input, compression, allow, &blocks, &returned, &position)
        })
        .map_err(Stop::Failed)?;

        let mut lines = Lines::default();
        for piece in &pieces {
            self.stats.compressed_bytes = read_bytes.load(Ordering::Relaxed);
            match piece {
                Piece::Text(block) => {
                    let missing = START_BYTES.saturating_sub(self.start.len()).min(block.len);
                    self.start.extend_from_slice(&block.data[..missing]);
                    self.stats.decompressed_bytes += block.len as u64;
                    let mut result = Ok(());
                    lines.block(&block, &mut |number, line| {
                        if result.is_ok() {
                            result = self.row(number, line);
                        }
                    });
                    result?;
                    // The decompressor may be done already.
                    let _ = spare.send(block.data);
                }
                Piece::Boundary(_) => {}
                Piece::Gap => {
                    self.gap = true;
                    let mut result = Ok(());
                    lines.end(&mut |number, line| result = self.row(number, line));
                    result?;
                }
            }
            (self.stats.lines, self.stats.blank) = (lines.count, lines.blank);
            if self.stats.decompressed_bytes >= DECIDING_BYTES {
                self.decide().map_err(Stop::Failed)?;
            }
        }
        let damages = match decompressor.join() {
            Ok(result) => result.map_err(Stop::Failed)?,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        self.stats.compressed_bytes = read_bytes.load(Ordering::Relaxed);
        let mut result = Ok(());
        lines.end(&mut |number, line| result = self.row(number, line));
        result?;
        (self.stats.lines, self.stats.blank) = (lines.count, lines.blank);
        self.stats.lost_bytes = damages.iter().map(|damage| damage.lost_bytes).sum();
        self.stats.damages = damages;
        self.decide().map_err(Stop::Failed)?;
        if self.batch.rows() > 0 {
            self.send()?;
        }
        Ok(())
    }

    /// Takes one line in, as a row.
    fn row(&mut self, number: u64, line: Line<'_>) -> std::result::Result<(), Stop> {
        let (text, len, status) = match line {
            Line::Text { text, len } => (text, len, self.scanner.scan(text, len)),
            Line::TooLong => (&[][..], 0, Status::Damaged),
        };
        match status {
            Status::Ok => self.stats.ok += 1,
            Status::Comment => self.stats.comments += 1,
            Status::Damaged => self.stats.damaged += 1,
        }
        if let Status::Damaged = status {
            self.batch.push_damaged(number, &text[..len]);
        } else {
            let fields = self.scanner.fields(text);
            self.batch.push(number, status, &fields);
            if !self.decided && fields.is_submission() {
                self.recognised += 1;
            }
        }
        if !self.decided && self.rows() >= DECIDING_ROWS {
            self.decide().map_err(Stop::Failed)?;
        }
        if self.decided && self.batch.is_full(self.options.batch_rows) {
            self.stats.lines = number + 1;
            self.send()?;
        }
        Ok(())
    }

    fn rows(&self) -> u64 {
        self.stats.ok + self.stats.damaged + self.stats.comments
    }

    fn send(&mut self) -> std::result::Result<(), Stop> {
        let batch = Box::new(std::mem::take(&mut self.batch));
        self.sender
            .send(Message::Batch(batch, self.stats.clone()))
            .map_err(|_| Stop::NobodyReceives)
    }

    /// Decides by the rows so far whether these are submissions.
    fn decide(&mut self) -> Result<()> {
        if self.decided {
            return Ok(());
        }
        self.decided = true;
        let refuse = |message: String| Err(Error::format(&self.path, None, message));
        let Stats { ok, comments, damaged, compression, .. } = self.stats;
        if self.rows() == 0 {
            // What was lost may have been all there was.
            if self.gap {
                return Ok(());
            }
            return refuse(match (self.stats.decompressed_bytes, compression) {
                (0, Compression::Plain) => "the file is empty".to_owned(),
                (0, packed) => format!("the file is empty: {} of nothing", packed.name()),
                _ if self.start.iter().all(|&byte| byte == 0 || byte.is_ascii_whitespace()) => {
                    "the file has only blank lines".to_owned()
                }
                // A line that has no end in sight.
                _ => kind::describe(&self.start, compression),
            });
        }
        if (ok + comments == 0 && !self.gap) || kind::is_other(&self.start) {
            return refuse(kind::describe(&self.start, compression));
        }
        if comments > ok {
            return refuse(format!(
                "this is a comment dump (`RC_...`): {comments} of the first {} lines have `body` and \
                 `link_id` in place of `title` and `url`; give submission dumps (`RS_...`)",
                ok + comments + damaged
            ));
        }
        if ok > 0 && self.recognised == 0 {
            return refuse(format!(
                "these are JSON lines, but no submissions: none of the first {ok} has `id`, `url` or `title`"
            ));
        }
        Ok(())
    }
}

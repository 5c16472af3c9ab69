//! The text of a range of a bzip2 file, decompressed by one thread.

use super::decompress::{Piece, decompress_range};
use super::input::Input;
use super::reader::{receive, spawn};
use crate::{Error, Result};
use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

/// Gives the text of the streams that start in a range of a file's bytes, and of what follows.
///
/// Memory: a few MiB. While the caller works on a piece the next is decompressed, no more.
pub struct RangeReader {
    pieces: Receiver<Piece>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl RangeReader {
    /// Opens a file and starts to read it.
    ///
    /// # Errors
    /// `Error::Io` if it cannot be opened.
    pub fn open(path: &Path, range: Range<u64>) -> Result<Self> {
        let failed = |error| Error::io(path, error);
        let mut file = File::open(path).map_err(failed)?;
        file.seek(SeekFrom::Start(range.start)).map_err(failed)?;
        let (mut input, path) = (Input::new(file, range.start), path.to_owned());
        let (sender, pieces) = sync_channel(0);
        let thread = spawn(&path.clone(), "bzip2 range", move || {
            decompress_range(&path, &mut input, range, &sender)
        })?;
        Ok(RangeReader { pieces, thread: Some(thread) })
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// `Error::Io`; `Error::Interrupted` once `go_on` says no.
    pub fn next(&mut self, go_on: &mut dyn FnMut() -> bool) -> Result<Option<Piece>> {
        if let Some(piece) = receive(&self.pieces, go_on)? {
            return Ok(Some(piece));
        }
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result.map(|()| None),
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            None => Ok(None),
        }
    }
}

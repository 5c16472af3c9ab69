//! Many pages at once: rows of bytes in, columns out.
//!
//! Pages are worked on one after another in a thread of its own, whose stack has the same size
//! everywhere. A panic costs its page.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use super::{Extracted, Options, extract};
use crate::html::TooCostly;
use crate::{Error, Result, page};

/// Bytes of the stack that pages are worked on with; nothing recurses on input.
const STACK_BYTES: usize = 8 << 20;

/// How a page ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Outcome {
    /// It has a row of results, maybe an empty one.
    Done = 0,
    /// It needs more work or memory than is allowed.
    TooCostly = 1,
    /// It met a bug of ours.
    Crash = 2,
}

/// Results of a batch, a row for each page in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// [`Outcome`] by number.
    pub outcomes: Vec<u8>,
    /// Bounds of the texts; one more than rows.
    pub text_offsets: Vec<i64>,
    /// Texts one after another, UTF-8.
    pub texts: String,
}

/// How the bytes of a page are to be read.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// As UTF-8, whatever the page says; what is none is replaced.
    Text,
    /// As bytes of a response whose content type stands in the same row; empty for none.
    Response {
        /// Bounds of the content types; one more than rows.
        offsets: &'a [i64],
        /// Content types one after another.
        data: &'a [u8],
    },
}

/// Main text of each page.
///
/// # Errors
/// [`Error::InvalidParameter`] where content types are not as many as pages; [`Error::Io`] where
/// no thread starts.
pub fn extract_rows(
    offsets: &[i64],
    data: &[u8],
    source: Source<'_>,
    options: &Options,
) -> Result<Columns> {
    if let Source::Response { offsets: types, .. } = source
        && types.len() != offsets.len()
    {
        let (pages, types) = (offsets.len(), types.len());
        return Err(Error::InvalidParameter(format!("{types} content type offsets for {pages}")));
    }
    each_row(offsets.len().saturating_sub(1), |row| {
        let body = slice(offsets, data, row);
        match source {
            Source::Text => match std::str::from_utf8(body) {
                Ok(text) => extract(text, options),
                Err(_) => extract(&String::from_utf8_lossy(body), options),
            },
            Source::Response { offsets, data } => {
                let kind = String::from_utf8_lossy(slice(offsets, data, row));
                let kind = (!kind.is_empty()).then_some(&*kind);
                extract(&page::decode(body, kind).text, options)
            }
        }
    })
}

fn slice<'a>(offsets: &[i64], data: &'a [u8], row: usize) -> &'a [u8] {
    &data[offsets[row] as usize..offsets[row + 1] as usize]
}

/// What `work` gives for rows 0 to `rows`, in a thread of its own.
///
/// # Errors
/// [`Error::Io`] where no thread starts.
pub fn each_row(
    rows: usize,
    work: impl Fn(usize) -> std::result::Result<Extracted, TooCostly> + Sync,
) -> Result<Columns> {
    let mut columns = Columns { text_offsets: vec![0], ..Columns::default() };
    guarded(rows, work, |outcome, found| {
        columns.texts.push_str(&found.text);
        columns.outcomes.push(outcome as u8);
        columns.text_offsets.push(columns.texts.len() as i64);
    })?;
    Ok(columns)
}

/// Hands `take` what `work` gives for rows 0 to `rows`, in a thread of its own; nothing but the
/// outcome of a row that fails.
///
/// # Errors
/// [`Error::Io`] where no thread starts.
pub fn guarded<T: Default>(
    rows: usize,
    work: impl Fn(usize) -> std::result::Result<T, TooCostly> + Sync,
    mut take: impl FnMut(Outcome, T) + Send,
) -> Result<()> {
    let all = || {
        for row in 0..rows {
            // What a page leaves behind is dropped with it: nothing is shared between pages.
            match catch_unwind(AssertUnwindSafe(|| work(row))) {
                Ok(Ok(found)) => take(Outcome::Done, found),
                Ok(Err(TooCostly)) => take(Outcome::TooCostly, T::default()),
                Err(_) => take(Outcome::Crash, T::default()),
            }
        }
    };
    thread::scope(|scope| {
        let thread = thread::Builder::new()
            .name("extract".to_owned())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, all)
            .map_err(|error| Error::io("extract thread", error))?;
        thread.join().map_err(|_| Error::InvalidParameter("extraction ended early".to_owned()))
    })
}

//! Binding of `crate::dump`.

use super::buffer::Buffer;
use super::signals::attended;
use crate::dump::{
    Batch, BoolColumn, Int64Column, Level, MAX_LINE_BYTES, Options, Piece, RangeReader,
    StringColumn, SubmissionReader,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use std::path::PathBuf;
use std::sync::Mutex;

/// A dump being read: batches as dictionaries of buffers, figures as a dictionary.
#[pyclass(frozen, module = "webtext_py._core")]
struct DumpReader {
    reader: Mutex<SubmissionReader>,
}

#[pymethods]
impl DumpReader {
    #[new]
    #[pyo3(signature = (path, *, allow_damaged, batch_lines, level=None))]
    fn new(
        py: Python<'_>,
        path: PathBuf,
        allow_damaged: bool,
        batch_lines: usize,
        level: Option<&str>,
    ) -> PyResult<Self> {
        let level = match level {
            None => Level::best(),
            Some("avx512") => Level::Avx512,
            Some("avx2") => Level::Avx2,
            Some("portable") => Level::Portable,
            Some(other) => {
                return Err(PyValueError::new_err(format!(
                    "level must be avx512, avx2 or portable, found {other}"
                )));
            }
        };
        if !level.available() {
            return Err(PyValueError::new_err(format!("this machine lacks {level:?}")));
        }
        let options = Options { allow_damaged, batch_rows: batch_lines, level };
        let reader = py.detach(|| SubmissionReader::open(&path, options))?;
        Ok(DumpReader { reader: Mutex::new(reader) })
    }

    /// The next batch, or None at the end.
    fn next<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let batch = attended(py, None, |go_on| self.lock().next(&mut || go_on(0)))?;
        batch.map(|batch| columns(py, *batch)).transpose()
    }

    /// What was read so far; complete after the last batch.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = py.detach(|| self.lock().stats().clone());
        let dict = PyDict::new(py);
        dict.set_item("compression", stats.compression.name())?;
        dict.set_item("compressed_bytes", stats.compressed_bytes)?;
        dict.set_item("decompressed_bytes", stats.decompressed_bytes)?;
        dict.set_item("lines", stats.lines)?;
        dict.set_item("blank", stats.blank)?;
        dict.set_item("ok", stats.ok)?;
        dict.set_item("damaged", stats.damaged)?;
        dict.set_item("comments", stats.comments)?;
        dict.set_item("lost_bytes", stats.lost_bytes)?;
        let damages: Vec<_> = stats
            .damages
            .into_iter()
            .map(|d| (d.compressed_offset, d.decompressed_offset, d.lost_bytes, d.message))
            .collect();
        dict.set_item("damages", damages)?;
        Ok(dict)
    }
}

impl DumpReader {
    fn lock(&self) -> std::sync::MutexGuard<'_, SubmissionReader> {
        // A panic inside is a bug that was reported where it happened.
        self.reader.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// The text of a range of a bzip2 file, piece by piece.
#[pyclass(frozen, module = "webtext_py._core")]
struct Bzip2Range {
    reader: Mutex<RangeReader>,
}

#[pymethods]
impl Bzip2Range {
    #[new]
    fn new(py: Python<'_>, path: PathBuf, start: u64, end: u64) -> PyResult<Self> {
        let reader = py.detach(|| RangeReader::open(&path, start..end))?;
        Ok(Bzip2Range { reader: Mutex::new(reader) })
    }

    fn __iter__(range: Bound<'_, Self>) -> Bound<'_, Self> {
        range
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let piece = attended(py, None, |go_on| {
            let mut reader = self.reader.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            reader.next(&mut || go_on(0))
        })?;
        Ok(match piece {
            None => None,
            Some(Piece::Text(block)) => Some(PyBytes::new(py, block.text()).into_any().unbind()),
            Some(Piece::Gap) => Some(py.None()),
            Some(Piece::Boundary(lost_bytes)) => {
                Some(lost_bytes.into_pyobject(py)?.into_any().unbind())
            }
        })
    }
}

/// A batch as Arrow buffers: for each column its parts in Arrow's order, validity first.
fn columns(py: Python<'_>, batch: Batch) -> PyResult<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("line", (Buffer::from_vec(batch.line),))?;
    dict.set_item("status", (Buffer::from_bytes(batch.status),))?;
    let string = |column: StringColumn| {
        (
            Buffer::from_bytes(column.valid.into_bytes()),
            Buffer::from_vec(column.offsets),
            Buffer::from_bytes(column.data),
        )
    };
    let int64 = |column: Int64Column| {
        (Buffer::from_bytes(column.valid.into_bytes()), Buffer::from_vec(column.values))
    };
    let boolean = |column: BoolColumn| {
        (
            Buffer::from_bytes(column.valid.into_bytes()),
            Buffer::from_bytes(column.values.into_bytes()),
        )
    };
    dict.set_item("begins", string(batch.begins))?;
    dict.set_item("id", string(batch.id))?;
    dict.set_item("url", string(batch.url))?;
    dict.set_item("domain", string(batch.domain))?;
    dict.set_item("subreddit", string(batch.subreddit))?;
    dict.set_item("author", string(batch.author))?;
    dict.set_item("score", int64(batch.score))?;
    dict.set_item("created_utc", int64(batch.created_utc))?;
    dict.set_item("is_self", boolean(batch.is_self))?;
    dict.set_item("over_18", boolean(batch.over_18))?;
    dict.set_item("promoted", boolean(batch.promoted))?;
    Ok(dict)
}

/// Adds this file's functions to `_core`.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("MAX_LINE_BYTES", MAX_LINE_BYTES)?;
    module.add_class::<Bzip2Range>()?;
    module.add_class::<DumpReader>()
}

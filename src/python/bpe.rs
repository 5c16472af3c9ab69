//! Binding of `crate::bpe`.

use super::buffer::{Buffer, TextColumn};
use crate::Error;
use crate::bpe::{self, Pattern, PieceCounter, Pieces, Sequence, Texts, TrainOptions};
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyKeyboardInterrupt, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use std::time::{Duration, Instant};

/// How often long calls look for Ctrl-C and report how far they are.
const INTERVAL: Duration = Duration::from_millis(100);

/// Runs `call` detached with a function that it asks whether to go on.
///
/// Every 100 ms that function attaches, lets Python handle signals and calls `report` with the
/// number it was given; an exception of either ends the call and is raised.
fn attended<T: Send>(
    py: Python<'_>,
    report: Option<Py<PyAny>>,
    call: impl FnOnce(&mut dyn FnMut(usize) -> bool) -> crate::Result<T> + Send,
) -> PyResult<T> {
    let mut raised = None;
    let result = py.detach(|| {
        let mut last = Instant::now();
        call(&mut |done| {
            if last.elapsed() < INTERVAL {
                return true;
            }
            last = Instant::now();
            let outcome = Python::attach(|py| {
                py.check_signals()?;
                report.as_ref().map_or(Ok(()), |report| report.call1(py, (done,)).map(|_| ()))
            });
            raised = outcome.err();
            raised.is_none()
        })
    });
    match (result, raised) {
        (Ok(value), _) => Ok(value),
        (Err(_), Some(error)) => Err(error),
        (Err(Error::Interrupted), None) => Err(PyKeyboardInterrupt::new_err(())),
        (Err(error), None) => Err(error.into()),
    }
}

impl TextColumn {
    fn texts(&self) -> Texts<'_> {
        Texts { data: self.data(), offsets: self.offsets() }
    }
}

/// Counts the pieces of texts. `finish` ends it.
#[pyclass(module = "webtext_py._core")]
struct BpeCounter(Option<PieceCounter>);

#[pymethods]
impl BpeCounter {
    #[new]
    fn new(pattern: &str, by_line: bool, exclude: Vec<Vec<u8>>) -> PyResult<Self> {
        let sequence = if by_line { Sequence::Line } else { Sequence::Document };
        Ok(BpeCounter(Some(PieceCounter::new(pattern.parse::<Pattern>()?, sequence, exclude))))
    }

    fn count(
        &mut self,
        py: Python<'_>,
        offsets: &Bound<'_, PyAny>,
        data: &Bound<'_, PyAny>,
        threads: usize,
    ) -> PyResult<()> {
        let column = TextColumn::new(offsets, data)?;
        let counter = self.0.as_mut().ok_or_else(finished)?;
        attended(py, None, |go| counter.count(column.texts(), threads, &mut || go(0)))
    }

    fn add(
        &mut self,
        py: Python<'_>,
        offsets: &Bound<'_, PyAny>,
        data: &Bound<'_, PyAny>,
        counts: PyBuffer<u64>,
    ) -> PyResult<()> {
        let column = TextColumn::new(offsets, data)?;
        let counter = self.0.as_mut().ok_or_else(finished)?;
        let counts = counts.to_vec(py)?;
        py.detach(|| counter.add_all(column.texts(), &counts))?;
        Ok(())
    }

    fn finish(&mut self, py: Python<'_>) -> PyResult<BpePieces> {
        let counter = self.0.take().ok_or_else(finished)?;
        Ok(BpePieces(Some(py.detach(|| counter.finish()))))
    }
}

/// Distinct pieces with their counts. `train` ends it.
#[pyclass(module = "webtext_py._core")]
struct BpePieces(Option<Pieces>);

#[pymethods]
impl BpePieces {
    fn __len__(&self) -> usize {
        self.0.as_ref().map_or(0, Pieces::len)
    }

    fn sorted(&self, py: Python<'_>) -> PyResult<(Buffer, Buffer, Buffer)> {
        let pieces = self.0.as_ref().ok_or_else(finished)?;
        let (offsets, bytes, counts) = py.detach(|| pieces.sorted());
        Ok((Buffer::from_vec(offsets), Buffer::from_bytes(bytes), Buffer::from_vec(counts)))
    }

    #[pyo3(signature = (vocab_size, min_frequency, report=None))]
    fn train(
        &mut self,
        py: Python<'_>,
        vocab_size: usize,
        min_frequency: u64,
        report: Option<Py<PyAny>>,
    ) -> PyResult<(Buffer, Buffer, Buffer)> {
        if vocab_size < 256 || vocab_size > u32::MAX as usize {
            return Err(PyValueError::new_err(format!(
                "a vocabulary of {vocab_size} was asked for; at least 256 are needed for the bytes"
            )));
        }
        let pieces = self.0.take().ok_or_else(finished)?;
        let options = TrainOptions { vocab_size, min_frequency };
        let learned = attended(py, report, |go| bpe::train(pieces, options, go))?;
        let merges: Vec<u32> = learned.merges.iter().flat_map(|m| [m.0, m.1, m.2]).collect();
        let mut offsets = vec![0i64];
        offsets.extend(learned.tokens.iter().scan(0, |end, token| {
            *end += token.len() as i64;
            Some(*end)
        }));
        let bytes = learned.tokens.concat();
        Ok((Buffer::from_vec(merges), Buffer::from_vec(offsets), Buffer::from_bytes(bytes)))
    }
}

fn finished() -> PyErr {
    PyRuntimeError::new_err("these counts were finished or trained from already")
}

/// Adds this file's functions to `_core`.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<BpeCounter>()?;
    module.add_class::<BpePieces>()
}

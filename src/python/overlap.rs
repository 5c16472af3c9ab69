//! Binding of `crate::overlap`.

use std::path::PathBuf;

use super::buffer::{Buffer, TextColumn};
use super::signals::interrupted;
use super::words::mode_of;
use crate::Error;
use crate::overlap::builder::{Builder, Parameters};
use crate::overlap::check;
use crate::overlap::file::{self, CheckRecord, Header, Index};
use crate::overlap::ngrams::Scratch;
use crate::overlap::scan::Scanner;
use crate::overlap::set::NgramSet;
use crate::words::Mode;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

fn header_dict<'py>(py: Python<'py>, header: &Header) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("n", header.n)?;
    dict.set_item("ascii", header.mode == Mode::Ascii)?;
    dict.set_item("blocks", header.blocks)?;
    dict.set_item("bits", header.blocks * crate::bloom::BLOCK_BITS)?;
    dict.set_item("k", crate::bloom::K)?;
    dict.set_item("capacity", header.capacity)?;
    dict.set_item("rate", header.rate)?;
    dict.set_item("expected_rate", header.expected_rate)?;
    dict.set_item("documents", header.documents)?;
    dict.set_item("words", header.words)?;
    dict.set_item("ngrams", header.ngrams)?;
    dict.set_item("distinct", header.distinct)?;
    dict.set_item("bits_set", header.bits_set)?;
    dict.set_item("file_bytes", header.file_bytes())?;
    let digest: String = header.digest.iter().map(|byte| format!("{byte:02x}")).collect();
    dict.set_item("digest", digest)?;
    dict.set_item("metadata", &header.metadata)?;
    Ok(dict)
}

/// See `webtext_py.overlap.index.build_index`.
#[pyclass(module = "webtext_py._core")]
struct IndexBuilder {
    inner: Option<Builder>,
}

impl IndexBuilder {
    fn builder(&mut self) -> PyResult<&mut Builder> {
        self.inner.as_mut().ok_or_else(|| PyRuntimeError::new_err("the index is finished"))
    }

    fn take(&mut self) -> PyResult<Builder> {
        self.inner.take().ok_or_else(|| PyRuntimeError::new_err("the index is finished"))
    }
}

#[pymethods]
impl IndexBuilder {
    #[new]
    #[pyo3(signature = (n, ascii, rate, capacity, memory, threads, spill_folder))]
    fn new(
        n: usize,
        ascii: bool,
        rate: f64,
        capacity: Option<u64>,
        memory: u64,
        threads: usize,
        spill_folder: PathBuf,
    ) -> PyResult<Self> {
        let mode = mode_of(ascii);
        let parameters = Parameters { n, mode, rate, capacity, memory, threads, spill_folder };
        Ok(IndexBuilder { inner: Some(Builder::new(parameters)?) })
    }

    fn add_rows(
        &mut self,
        py: Python<'_>,
        offsets: &Bound<'_, PyAny>,
        data: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let builder = self.builder()?;
        TextColumn::detached(offsets, data, |offsets, data| builder.add_rows(offsets, data))??;
        py.check_signals()
    }

    fn spill_to(&mut self, path: PathBuf) -> PyResult<()> {
        Ok(self.builder()?.spill_to(&path)?)
    }

    fn save(&mut self, py: Python<'_>) -> PyResult<()> {
        let builder = self.take()?;
        Ok(py.detach(|| builder.save())?)
    }

    fn add_saved(&mut self, path: PathBuf) -> PyResult<()> {
        Ok(self.builder()?.add_saved(&path)?)
    }

    fn plan<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let builder = self.builder()?;
        let distinct = builder.distinct();
        let plan = builder.plan()?;
        let dict = PyDict::new(py);
        dict.set_item("distinct", distinct)?;
        dict.set_item("capacity", plan.capacity)?;
        dict.set_item("bytes", plan.bytes)?;
        dict.set_item("segments", plan.segments)?;
        dict.set_item("segment_bytes", plan.segment_bytes)?;
        dict.set_item("spilled_bytes", plan.spilled_bytes)?;
        Ok(dict)
    }

    fn finish<'py>(
        &mut self,
        py: Python<'py>,
        path: PathBuf,
        metadata: String,
    ) -> PyResult<Bound<'py, PyDict>> {
        self.builder()?.plan()?;
        let builder = self.take()?;
        let header = py.detach(|| builder.finish(&path, metadata, &interrupted))?;
        header_dict(py, &header)
    }
}

/// See `webtext_py.overlap.index.Index`.
#[pyclass(frozen, module = "webtext_py._core")]
struct NgramIndex {
    inner: Index,
}

#[pymethods]
impl NgramIndex {
    #[new]
    fn new(path: PathBuf) -> PyResult<Self> {
        Ok(NgramIndex { inner: Index::open(&path)? })
    }

    fn header<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        header_dict(py, self.inner.header())
    }

    /// Positions of the keys (uint64) that are in the filter, as uint64.
    fn query(&self, py: Python<'_>, set: &NgramTexts) -> Buffer {
        Buffer::from_vec(py.detach(|| self.inner.query(set.inner.keys())))
    }

    /// N-grams of each row that are in the filter, and all of them: uint64, two a row.
    fn count_rows(
        &self,
        py: Python<'_>,
        offsets: &Bound<'_, PyAny>,
        data: &Bound<'_, PyAny>,
    ) -> PyResult<Buffer> {
        let count = |offsets: &[i64], data: &[u8]| check::count_rows(&self.inner, offsets, data);
        let found = TextColumn::detached(offsets, data, count)?;
        py.check_signals()?;
        Ok(Buffer::from_vec(found))
    }

    fn verify(&self, py: Python<'_>, threads: usize) -> PyResult<()> {
        Ok(py.detach(|| self.inner.verify(threads, &interrupted))?)
    }

    fn check(&self, py: Python<'_>, probes: u64, seed: u64, threads: usize) -> PyResult<u64> {
        let hits =
            py.detach(|| check::random_keys(&self.inner, probes, seed, threads, &interrupted));
        Ok(hits.ok_or(Error::Interrupted)?)
    }

    fn check_strings(&self, py: Python<'_>, probes: u64, seed: u64) -> u64 {
        py.detach(|| check::random_strings(&self.inner, probes, seed))
    }

    /// (probes, hits, seed, report probes, report hits) of the last check, or None.
    fn check_record(&self) -> Option<(u64, u64, u64, u64, u64)> {
        let record = self.inner.check_record()?;
        let CheckRecord { probes, hits, seed, report_probes, report_hits } = record;
        Some((probes, hits, seed, report_probes, report_hits))
    }

    fn store_check(
        &self,
        probes: u64,
        hits: u64,
        seed: u64,
        report_probes: u64,
        report_hits: u64,
    ) -> PyResult<()> {
        let record = CheckRecord { probes, hits, seed, report_probes, report_hits };
        Ok(self.inner.store_check(&record)?)
    }
}

/// Writes the union of indexes; returns its header.
#[pyfunction]
fn merge_indexes<'py>(
    py: Python<'py>,
    parts: Vec<PathBuf>,
    out: PathBuf,
    metadata: String,
    threads: usize,
) -> PyResult<Bound<'py, PyDict>> {
    let header = py.detach(|| file::merge(&parts, &out, metadata, threads, &interrupted))?;
    header_dict(py, &header)
}

/// The exact n-grams of texts.
#[pyclass(frozen, module = "webtext_py._core")]
struct NgramTexts {
    inner: NgramSet,
}

#[pymethods]
impl NgramTexts {
    #[new]
    fn new(
        offsets: &Bound<'_, PyAny>,
        data: &Bound<'_, PyAny>,
        n: usize,
        ascii: bool,
    ) -> PyResult<Self> {
        let make = |offsets: &[i64], data: &[u8]| NgramSet::new(n, mode_of(ascii), offsets, data);
        Ok(NgramTexts { inner: TextColumn::detached(offsets, data, make)?? })
    }

    /// Distinct n-grams.
    fn __len__(&self) -> usize {
        self.inner.keys().len()
    }

    /// First place of each text and the number of places at the end: uint32, texts + 1. A text has
    /// one place more than words.
    fn text_starts(&self) -> Buffer {
        Buffer::from_vec(self.inner.text_starts().to_vec())
    }

    /// By place: the number of the n-gram that begins there, 2^32 - 1 where none does: uint32.
    fn ngrams(&self) -> Buffer {
        Buffer::from_vec(self.inner.ngrams().to_vec())
    }
}

/// Finds the n-grams of `NgramTexts` in training text.
#[pyclass(module = "webtext_py._core")]
struct NgramScanner {
    set: Py<NgramTexts>,
    inner: Scanner,
}

#[pymethods]
impl NgramScanner {
    #[new]
    fn new(set: Py<NgramTexts>) -> Self {
        let inner = Scanner::new(&set.get().inner);
        NgramScanner { set, inner }
    }

    /// N-grams of the set in each row (uint32), and runs: rows of 5 uint64.
    fn scan_rows(
        &mut self,
        py: Python<'_>,
        offsets: &Bound<'_, PyAny>,
        data: &Bound<'_, PyAny>,
        threads: usize,
    ) -> PyResult<(Buffer, Buffer)> {
        let (set, inner) = (&self.set.get().inner, &mut self.inner);
        let scan = |offsets: &[i64], data: &[u8]| inner.scan_rows(set, offsets, data, threads);
        let finds = TextColumn::detached(offsets, data, scan)?;
        py.check_signals()?;
        let runs: Vec<u64> = finds
            .runs
            .iter()
            .flat_map(|run| [run.row, run.start, run.end, run.place, run.ngrams])
            .collect();
        Ok((Buffer::from_vec(finds.hits), Buffer::from_vec(runs)))
    }

    /// By n-gram: documents that have it, uint32.
    fn documents(&self) -> Buffer {
        Buffer::from_vec(self.inner.documents().to_vec())
    }

    /// By place: the number of the longest run over it, 2^32 - 1 where there is none: uint32.
    fn best_runs(&self) -> Buffer {
        Buffer::from_vec(self.inner.best_runs())
    }

    /// Words and n-grams of all rows so far.
    fn totals(&self) -> (u64, u64) {
        self.inner.totals()
    }
}

/// The keys of all rows' n-grams, one after the other, as uint64.
#[pyfunction]
fn ngram_keys(
    offsets: &Bound<'_, PyAny>,
    data: &Bound<'_, PyAny>,
    n: usize,
    ascii: bool,
) -> PyResult<Buffer> {
    if !(1..=crate::overlap::ngrams::MAX_N).contains(&n) {
        return Err(Error::InvalidParameter(format!("n is {n}; 1 to 64 was expected")).into());
    }
    let hash = |offsets: &[i64], data: &[u8]| {
        let mut scratch = Scratch::default();
        let mut keys = Vec::new();
        for bounds in offsets.windows(2) {
            let row = &data[bounds[0] as usize..bounds[1] as usize];
            scratch.fill(row, mode_of(ascii), n);
            keys.extend_from_slice(&scratch.keys);
        }
        keys
    };
    TextColumn::detached(offsets, data, hash).map(Buffer::from_vec)
}

/// Adds this file's functions to `_core`.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<IndexBuilder>()?;
    module.add_class::<NgramIndex>()?;
    module.add_class::<NgramTexts>()?;
    module.add_class::<NgramScanner>()?;
    module.add_function(wrap_pyfunction!(merge_indexes, module)?)?;
    module.add_function(wrap_pyfunction!(ngram_keys, module)?)
}

//! Binding of `crate::bpe`.

use super::buffer::{Buffer, Plain, TextColumn, spare};
use super::signals::attended;
use crate::bpe::vocabulary::{self, Merges, Vocabulary};
use crate::bpe::{
    self, Encoder, Id, Pattern, PieceCounter, Pieces, Sequence, Texts, TokenWriter, TrainOptions,
};
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

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

    /// Bytes that the tables of all threads hold.
    #[getter]
    fn memory_bytes(&self) -> usize {
        self.0.as_ref().map_or(0, PieceCounter::memory_bytes)
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

    /// The vocabulary that the pieces teach: `vocab_size` entries without the special tokens.
    #[pyo3(signature = (vocab_size, min_frequency, pattern, special, report=None))]
    fn train(
        &mut self,
        py: Python<'_>,
        vocab_size: usize,
        min_frequency: u64,
        pattern: &str,
        special: Vec<String>,
        report: Option<Py<PyAny>>,
    ) -> PyResult<BpeEncoder> {
        if !(256..=u32::MAX as usize).contains(&vocab_size) {
            return Err(PyValueError::new_err(format!(
                "a vocabulary of {vocab_size} was asked for; 256 (the bytes) to {} were expected",
                u32::MAX
            )));
        }
        let pattern = pattern.parse::<Pattern>()?;
        let pieces = self.0.take().ok_or_else(finished)?;
        let options = TrainOptions { vocab_size, min_frequency };
        let learned = attended(py, report, |go| bpe::train(pieces, options, go))?;
        Ok(BpeEncoder::new(Vocabulary::learned(learned, special, pattern)))
    }
}

/// A vocabulary that encodes and decodes; made ready for that when it is first asked to.
#[pyclass(frozen, module = "webtext_py._core")]
struct BpeEncoder {
    vocabulary: Arc<Vocabulary>,
    ready: OnceLock<Encoder>,
}

impl BpeEncoder {
    fn new(vocabulary: Vocabulary) -> Self {
        BpeEncoder { vocabulary: Arc::new(vocabulary), ready: OnceLock::new() }
    }

    /// For threads that are detached from the interpreter.
    fn ready(&self) -> &Encoder {
        self.ready.get_or_init(|| Encoder::new(self.vocabulary.clone()))
    }
}

#[pymethods]
impl BpeEncoder {
    /// From a `tokenizer.json`'s content; `name` is for messages.
    #[staticmethod]
    fn from_tokenizer_json(py: Python<'_>, content: &[u8], name: &str) -> PyResult<Self> {
        let vocabulary = py.detach(|| vocabulary::from_tokenizer_json(content, Path::new(name)))?;
        Ok(BpeEncoder::new(vocabulary))
    }

    /// From a `vocab.json` and a `merges.txt`, each with its name.
    #[staticmethod]
    fn from_vocab_and_merges(
        py: Python<'_>,
        vocab: (PyBackedBytes, String),
        merges: (PyBackedBytes, String),
        pattern: &str,
    ) -> PyResult<Self> {
        let pattern = pattern.parse::<Pattern>()?;
        let vocabulary = py.detach(|| {
            vocabulary::from_vocab_and_merges(
                (&vocab.0, Path::new(&vocab.1)),
                (&merges.0, Path::new(&merges.1)),
                pattern,
            )
        })?;
        Ok(BpeEncoder::new(vocabulary))
    }

    /// From a `.tiktoken` file's content; special tokens as texts and ids.
    #[staticmethod]
    fn from_tiktoken(
        py: Python<'_>,
        content: &[u8],
        name: &str,
        pattern: &str,
        special: Vec<(String, u32)>,
    ) -> PyResult<Self> {
        let pattern = pattern.parse::<Pattern>()?;
        let vocabulary =
            py.detach(|| vocabulary::from_tiktoken(content, Path::new(name), pattern, special))?;
        Ok(BpeEncoder::new(vocabulary))
    }

    /// One more than the highest id.
    #[getter]
    fn id_limit(&self) -> u32 {
        self.vocabulary.id_limit()
    }

    /// The pattern's name.
    #[getter]
    fn pattern(&self) -> &'static str {
        self.vocabulary.pattern.name()
    }

    /// Special tokens as texts and ids.
    #[getter]
    fn special(&self) -> Vec<(String, u32)> {
        self.vocabulary.special()
    }

    /// Added tokens that are no special ones: text, id, `normalized`, `lstrip`, `rstrip`.
    #[getter]
    fn added(&self) -> Vec<(String, u32, bool, bool, bool)> {
        let added = self.vocabulary.added.iter().filter(|token| !token.special);
        added.map(|t| (t.content.clone(), t.id, t.normalized, t.lstrip, t.rstrip)).collect()
    }

    /// Ids (uint32), boundaries (int64) and bytes of the ordinary tokens, in the order of the ids.
    fn tokens(&self) -> (Buffer, Buffer, Buffer) {
        let (mut ids, mut offsets, mut bytes) = (Vec::new(), vec![0i64], Vec::new());
        for (id, token) in (0u32..).zip(&self.vocabulary.tokens) {
            let Some(token) = token else { continue };
            ids.push(id);
            bytes.extend_from_slice(token);
            offsets.push(bytes.len() as i64);
        }
        (Buffer::from_vec(ids), Buffer::from_vec(offsets), Buffer::from_bytes(bytes))
    }

    /// Merges (uint32: left, right, new) by rank; `None` where ranks are ids.
    fn merges(&self) -> Option<Buffer> {
        match &self.vocabulary.merges {
            Merges::Listed(merges) => {
                let flat = merges.iter().flat_map(|merge| [merge.0, merge.1, merge.2]);
                Some(Buffer::from_vec(flat.collect::<Vec<u32>>()))
            }
            Merges::ByToken => None,
        }
    }

    /// How many merges are listed.
    #[getter]
    fn merge_count(&self) -> usize {
        match &self.vocabulary.merges {
            Merges::Listed(merges) => merges.len(),
            Merges::ByToken => 0,
        }
    }

    /// The id of the ordinary token with these bytes.
    fn token_id(&self, token: &[u8]) -> Option<usize> {
        self.vocabulary.tokens.iter().position(|entry| entry.as_deref() == Some(token))
    }

    /// The files of a learnt vocabulary: names and contents.
    fn files<'py>(&self, py: Python<'py>) -> Vec<(&'static str, Bound<'py, PyBytes>)> {
        let files = py.detach(|| self.vocabulary.files());
        files.into_iter().map(|(name, content)| (name, PyBytes::new(py, &content))).collect()
    }

    /// Whether a vocabulary that was read from one of `files` says what this learnt one says.
    fn agrees(&self, read: &Self) -> bool {
        self.vocabulary.agrees(&read.vocabulary)
    }

    /// Ids of one text, uint32.
    fn encode(&self, py: Python<'_>, text: &[u8], allow_special: bool) -> Buffer {
        Buffer::from_vec(py.detach(|| self.ready().encode(text, allow_special)))
    }

    /// Ids of texts (uint16 or uint32 by `wide`) and boundaries (int64).
    #[pyo3(signature = (offsets, data, prefix, allow_special, wide, threads))]
    #[expect(clippy::too_many_arguments)]
    fn encode_batch(
        &self,
        py: Python<'_>,
        offsets: &Bound<'_, PyAny>,
        data: &Bound<'_, PyAny>,
        prefix: Option<u32>,
        allow_special: bool,
        wide: bool,
        threads: usize,
    ) -> PyResult<(Buffer, Buffer)> {
        let column = TextColumn::new(offsets, data)?;
        attended(py, None, |go| {
            let (texts, encoder) = (column.texts(), self.ready());
            let how = (prefix, allow_special, threads);
            if wide {
                encoded::<u32>(encoder, texts, how, go)
            } else {
                encoded::<u16>(encoder, texts, how, go)
            }
        })
    }

    /// Bytes of ids.
    fn decode(&self, py: Python<'_>, ids: PyBuffer<u32>) -> PyResult<Buffer> {
        let ids = ids.to_vec(py)?;
        Ok(Buffer::from_bytes(py.detach(|| self.ready().decode(ids.into_iter()))?))
    }
}

/// A token shard being written, with ids of 16 or 32 bits.
enum Writer {
    Narrow(TokenWriter<u16>),
    Wide(TokenWriter<u32>),
}

/// A token shard being written. `finish` ends it.
#[pyclass(module = "webtext_py._core")]
struct BpeTokenWriter(Option<Writer>);

#[pymethods]
impl BpeTokenWriter {
    #[new]
    fn new(path: PathBuf, wide: bool) -> PyResult<Self> {
        Ok(BpeTokenWriter(Some(if wide {
            Writer::Wide(TokenWriter::new(&path)?)
        } else {
            Writer::Narrow(TokenWriter::new(&path)?)
        })))
    }

    /// Encodes texts, each behind `prefix`, and appends a row for each.
    fn append(
        &mut self,
        py: Python<'_>,
        encoder: &BpeEncoder,
        doc_ids: (Bound<'_, PyAny>, Bound<'_, PyAny>),
        texts: (Bound<'_, PyAny>, Bound<'_, PyAny>),
        prefix: u32,
        threads: usize,
    ) -> PyResult<()> {
        let doc_ids = TextColumn::new(&doc_ids.0, &doc_ids.1)?;
        let texts = TextColumn::new(&texts.0, &texts.1)?;
        if doc_ids.offsets().len() != texts.offsets().len() {
            return Err(PyValueError::new_err("there must be as many doc_ids as texts"));
        }
        let writer = self.0.as_mut().ok_or_else(finished)?;
        attended(py, None, |go| {
            let (ids, texts) = (doc_ids.texts(), texts.texts());
            let mut go = || go(0);
            let encoder = encoder.ready();
            match writer {
                Writer::Narrow(w) => w.append(encoder, ids, texts, prefix, threads, &mut go),
                Writer::Wide(w) => w.append(encoder, ids, texts, prefix, threads, &mut go),
            }
        })
    }

    /// Writes the footer with pairs of key and value; rows and ids of the file.
    fn finish(&mut self, py: Python<'_>, metadata: Vec<(String, String)>) -> PyResult<(u64, u64)> {
        let writer = self.0.take().ok_or_else(finished)?;
        Ok(py.detach(|| match writer {
            Writer::Narrow(writer) => writer.finish(&metadata),
            Writer::Wide(writer) => writer.finish(&metadata),
        })?)
    }
}

/// Ids and boundaries of texts; `how`: prefix, whether special tokens are allowed, threads.
fn encoded<T: Id + Plain>(
    encoder: &Encoder,
    texts: Texts<'_>,
    (prefix, allow_special, threads): (Option<u32>, bool, usize),
    go: &mut dyn FnMut(usize) -> bool,
) -> crate::Result<(Buffer, Buffer)> {
    let memory = spare::<T>(texts.data.len() / 3);
    let all = encoder.encode_batch(texts, prefix, allow_special, threads, memory, &mut || go(0))?;
    Ok((Buffer::recycled(all.ids), Buffer::from_vec(all.offsets)))
}

fn finished() -> PyErr {
    PyRuntimeError::new_err("this object was finished or used up already")
}

/// Adds this file's functions to `_core`.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<BpeCounter>()?;
    module.add_class::<BpePieces>()?;
    module.add_class::<BpeEncoder>()?;
    module.add_class::<BpeTokenWriter>()
}

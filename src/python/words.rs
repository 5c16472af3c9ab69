//! Binding of `crate::words`.

use super::buffer::{Buffer, TextColumn};
use crate::words::{self, Mode};
use pyo3::prelude::*;

pub(super) fn mode_of(ascii: bool) -> Mode {
    if ascii { Mode::Ascii } else { Mode::Unicode }
}

/// The normalised text.
#[pyfunction]
fn normalize_text(py: Python<'_>, text: &[u8], ascii: bool) -> String {
    py.detach(|| {
        let mut out = String::new();
        words::normalise_into(text, mode_of(ascii), &mut out);
        out
    })
}

/// Words of each row, as uint32.
#[pyfunction]
fn word_counts(
    offsets: &Bound<'_, PyAny>,
    data: &Bound<'_, PyAny>,
    ascii: bool,
) -> PyResult<Buffer> {
    let count = |offsets: &[i64], data: &[u8]| words::count_rows(offsets, data, mode_of(ascii));
    TextColumn::detached(offsets, data, count).map(Buffer::from_vec)
}

/// 16 bytes of SHA-256 of each row's normalised text.
#[pyfunction]
fn text_digests(
    offsets: &Bound<'_, PyAny>,
    data: &Bound<'_, PyAny>,
    ascii: bool,
) -> PyResult<Buffer> {
    let digest = |offsets: &[i64], data: &[u8]| words::digest_rows(offsets, data, mode_of(ascii));
    TextColumn::detached(offsets, data, digest).map(Buffer::from_bytes)
}

/// Start and end of each word in the text's bytes: uint64, two a word.
#[pyfunction]
fn word_spans(py: Python<'_>, text: &[u8], ascii: bool) -> Buffer {
    Buffer::from_vec(py.detach(|| words::word_spans(text, mode_of(ascii))))
}

/// Adds this file's functions to `_core`.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("NORMALISER_VERSION", words::NORMALISER_VERSION)?;
    module.add_function(wrap_pyfunction!(normalize_text, module)?)?;
    module.add_function(wrap_pyfunction!(word_counts, module)?)?;
    module.add_function(wrap_pyfunction!(text_digests, module)?)?;
    module.add_function(wrap_pyfunction!(word_spans, module)?)
}

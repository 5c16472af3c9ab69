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
    py: Python<'_>,
    offsets: &Bound<'_, PyAny>,
    data: &Bound<'_, PyAny>,
    ascii: bool,
) -> PyResult<Buffer> {
    let column = TextColumn::new(offsets, data)?;
    let (offsets, data) = (column.offsets(), column.data());
    let counts: Vec<u32> = py.detach(|| words::count_rows(offsets, data, mode_of(ascii)));
    Ok(Buffer::from_vec(counts))
}

/// 16 bytes of SHA-256 of each row's normalised text.
#[pyfunction]
fn text_digests(
    py: Python<'_>,
    offsets: &Bound<'_, PyAny>,
    data: &Bound<'_, PyAny>,
    ascii: bool,
) -> PyResult<Buffer> {
    let column = TextColumn::new(offsets, data)?;
    let (offsets, data) = (column.offsets(), column.data());
    Ok(Buffer::from_bytes(py.detach(|| words::digest_rows(offsets, data, mode_of(ascii)))))
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

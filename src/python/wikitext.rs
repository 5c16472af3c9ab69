//! Binding of `crate::wikitext`.

use super::buffer::{Buffer, TextColumn};
use crate::wikitext;
use pyo3::prelude::*;

/// Offsets and bytes of the plain texts of pages of wikitext.
#[pyfunction]
fn plain_wikitext(
    offsets: &Bound<'_, PyAny>,
    data: &Bound<'_, PyAny>,
) -> PyResult<(Buffer, Buffer)> {
    let (offsets, texts) = TextColumn::detached(offsets, data, wikitext::plain_rows)?;
    Ok((Buffer::from_vec(offsets), Buffer::from_bytes(texts)))
}

/// Adds this file's functions to `_core`.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(plain_wikitext, module)?)
}

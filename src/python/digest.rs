//! Binding of `crate::digest`.

use super::buffer::{Buffer, TextColumn};
use pyo3::prelude::*;

/// See `webtext_py.columns.digests`.
#[pyfunction]
fn digest_rows(
    py: Python<'_>,
    offsets: &Bound<'_, PyAny>,
    data: &Bound<'_, PyAny>,
) -> PyResult<Buffer> {
    let column = TextColumn::new(offsets, data)?;
    let (offsets, data) = (column.offsets(), column.data());
    Ok(Buffer::from_bytes(py.detach(|| crate::digest::digest_rows(offsets, data))))
}

/// Adds this file's functions to `_core`.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(digest_rows, module)?)
}

//! Binding of `crate::dump`.

use pyo3::prelude::*;

/// Adds this file's functions to `_core`.
pub(super) fn register(_module: &Bound<'_, PyModule>) -> PyResult<()> {
    Ok(())
}

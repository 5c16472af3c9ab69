//! Binding of `crate::html`, for tests that compare trees.

use super::buffer::Buffer;
use crate::html::{Limits, Tree};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// Names, depths, and texts and tails of the elements of a page.
#[pyfunction]
fn html_elements(py: Python<'_>, html: &str) -> PyResult<(String, Buffer, Buffer, Buffer)> {
    let listed = py.detach(|| Tree::parse(html, &Limits::default()).map(|tree| tree.listed()));
    let listed = listed.map_err(|cost| PyValueError::new_err(cost.to_string()))?;
    Ok((
        listed.names,
        Buffer::from_vec(listed.depths),
        Buffer::from_vec(listed.offsets),
        Buffer::from_bytes(listed.texts.into_bytes()),
    ))
}

/// Adds this file's functions to `_core`.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(html_elements, module)?)
}

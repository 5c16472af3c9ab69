//! Binding of `crate::extract`.

use super::buffer::{Buffer, TextColumn};
use crate::extract::Options;
use crate::extract::batch::{self, Source};
use pyo3::prelude::*;

/// Outcomes, and offsets and bytes of the texts of a batch of pages.
#[pyfunction]
#[pyo3(signature = (pages, content_types=None, *, budget=None, rescue=true))]
fn extract_batch<'py>(
    pages: (Bound<'py, PyAny>, Bound<'py, PyAny>),
    content_types: Option<(Bound<'py, PyAny>, Bound<'py, PyAny>)>,
    budget: Option<u64>,
    rescue: bool,
) -> PyResult<(Buffer, Buffer, Buffer)> {
    let defaults = Options::default();
    let options = Options { budget: budget.unwrap_or(defaults.budget), rescue, ..defaults };
    let types = content_types.map(|types| TextColumn::new(&types.0, &types.1)).transpose()?;
    let types = types.as_ref().map(|types| (types.offsets(), types.data()));
    let columns = TextColumn::detached(&pages.0, &pages.1, |offsets, data| {
        let source = match types {
            Some((offsets, data)) => Source::Response { offsets, data },
            None => Source::Text,
        };
        batch::extract_rows(offsets, data, source, &options)
    })??;
    Ok((
        Buffer::from_bytes(columns.outcomes),
        Buffer::from_vec(columns.text_offsets),
        Buffer::from_bytes(columns.texts.into_bytes()),
    ))
}

/// Adds this file's functions to `_core`.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(extract_batch, module)?)
}

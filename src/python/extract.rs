//! Binding of `crate::extract`.

use super::buffer::{Buffer, TextColumn};
use crate::extract::Options;
use crate::extract::batch::{self, Source};
use crate::extract::labels;
use pyo3::prelude::*;

/// Offsets and bytes of a column.
type Column<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);

/// Outcomes, and offsets and bytes of the texts of a batch of pages.
#[pyfunction]
#[pyo3(signature = (pages, content_types=None, *, budget=None, rescue=true, model=false))]
fn extract_batch<'py>(
    pages: Column<'py>,
    content_types: Option<Column<'py>>,
    budget: Option<u64>,
    rescue: bool,
    model: bool,
) -> PyResult<(Buffer, Buffer, Buffer)> {
    let defaults = Options::default();
    let options = Options { budget: budget.unwrap_or(defaults.budget), rescue, model, ..defaults };
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

/// Rows of the blocks of pages, for training: bounds of the blocks of each page; all numbers;
/// share of each block in its page's gold text; words; bounds and bytes of their texts.
#[pyfunction]
fn block_features<'py>(
    pages: Column<'py>,
    content_types: Column<'py>,
    golds: Column<'py>,
) -> PyResult<(Buffer, Buffer, Buffer, Buffer, Buffer, Buffer)> {
    let types = TextColumn::new(&content_types.0, &content_types.1)?;
    let golds = TextColumn::new(&golds.0, &golds.1)?;
    let (types, golds) = ((types.offsets(), types.data()), (golds.offsets(), golds.data()));
    let rows = TextColumn::detached(&pages.0, &pages.1, |offsets, data| {
        labels::all_rows((offsets, data), types, golds)
    })?;
    Ok((
        Buffer::from_vec(rows.page_offsets),
        Buffer::from_vec(rows.rows.features),
        Buffer::from_vec(rows.rows.shares),
        Buffer::from_vec(rows.rows.words),
        Buffer::from_vec(rows.text_offsets),
        Buffer::from_bytes(rows.texts.into_bytes()),
    ))
}

/// Offsets and bytes of the texts of pages by scores (float32) of their blocks, for training.
#[pyfunction]
fn text_by_scores<'py>(
    pages: Column<'py>,
    content_types: Column<'py>,
    block_offsets: Bound<'py, PyAny>,
    scores: Bound<'py, PyAny>,
) -> PyResult<(Buffer, Buffer)> {
    let types = TextColumn::new(&content_types.0, &content_types.1)?;
    let scores = TextColumn::new(&block_offsets, &scores)?;
    let (types, scores) = ((types.offsets(), types.data()), (scores.offsets(), scores.data()));
    let (offsets, texts) = TextColumn::detached(&pages.0, &pages.1, |offsets, data| {
        labels::all_texts((offsets, data), types, scores)
    })?;
    Ok((Buffer::from_vec(offsets), Buffer::from_bytes(texts.into_bytes())))
}

/// Rows of the second look at the blocks of pages, by scores of the first, for training.
#[pyfunction]
fn second_features<'py>(
    pages: Column<'py>,
    content_types: Column<'py>,
    block_offsets: Bound<'py, PyAny>,
    scores: Bound<'py, PyAny>,
) -> PyResult<Buffer> {
    let types = TextColumn::new(&content_types.0, &content_types.1)?;
    let scores = TextColumn::new(&block_offsets, &scores)?;
    let (types, scores) = ((types.offsets(), types.data()), (scores.offsets(), scores.data()));
    let rows = TextColumn::detached(&pages.0, &pages.1, |offsets, data| {
        labels::all_second_rows((offsets, data), types, scores)
    })?;
    Ok(Buffer::from_vec(rows))
}

/// Adds this file's functions to `_core`.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(extract_batch, module)?)?;
    module.add_function(wrap_pyfunction!(block_features, module)?)?;
    module.add_function(wrap_pyfunction!(text_by_scores, module)?)?;
    module.add_function(wrap_pyfunction!(second_features, module)?)
}

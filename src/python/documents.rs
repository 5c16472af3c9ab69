//! Binding of `crate::documents`.

use super::buffer::Buffer;
use crate::documents::{self, Engine, Response, Texts};
use crate::extract::Options;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

/// Offsets and bytes of a text column.
type Text = (Buffer, Buffer);

/// Names and versions of the engines.
#[pyfunction]
fn extractors() -> Vec<(&'static str, u32)> {
    Engine::ALL.iter().map(|engine| (engine.name(), engine.version())).collect()
}

/// A page as Python has it: body, content type, address, time.
type Page = (PyBackedBytes, PyBackedBytes, PyBackedBytes, i64);

/// Outcomes, days of publication, and texts, titles, languages and charsets of a batch of pages.
#[pyfunction]
#[pyo3(signature = (engine, pages, *, budget=None))]
fn extract_documents(
    py: Python<'_>,
    engine: &str,
    pages: Vec<Page>,
    budget: Option<u64>,
) -> PyResult<(Buffer, Buffer, Vec<Text>)> {
    let found = Engine::ALL.into_iter().find(|known| known.name() == engine);
    let engine =
        found.ok_or_else(|| PyValueError::new_err(format!("no engine is called `{engine}`")))?;
    let defaults = Options::default();
    let options = Options { budget: budget.unwrap_or(defaults.budget), ..defaults };
    let responses: Vec<_> = pages.iter().map(response).collect();
    let made = py.detach(|| documents::documents(&responses, engine, &options))?;
    let texts = [made.texts, made.titles, made.languages, made.charsets];
    Ok((
        Buffer::from_bytes(made.outcomes),
        Buffer::from_vec(made.published),
        texts.into_iter().map(buffers).collect(),
    ))
}

fn response((body, content_type, url, fetched_at): &Page) -> Response<'_> {
    Response { body, content_type, url, fetched_at: *fetched_at }
}

fn buffers(texts: Texts) -> (Buffer, Buffer) {
    (Buffer::from_vec(texts.offsets), Buffer::from_bytes(texts.data.into_bytes()))
}

/// Adds this file's functions to `_core`.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(extractors, module)?)?;
    module.add_function(wrap_pyfunction!(extract_documents, module)?)
}

//! Binding of `crate::documents`.

use super::buffer::{Buffer, TextColumn};
use crate::documents::{self, Engine, Responses, Rows, Texts};
use crate::extract::Options;
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

type Column<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);

/// Offsets and bytes of a text column.
type Text = (Buffer, Buffer);

/// Names and versions of the engines.
#[pyfunction]
fn extractors() -> Vec<(&'static str, u32)> {
    Engine::ALL.iter().map(|engine| (engine.name(), engine.version())).collect()
}

/// Outcomes, days of publication, and texts, titles, languages and charsets of a batch of pages.
#[pyfunction]
#[pyo3(signature = (engine, bodies, content_types, urls, fetched_at, *, budget=None))]
fn extract_documents<'py>(
    engine: &str,
    bodies: Column<'py>,
    content_types: Column<'py>,
    urls: Column<'py>,
    fetched_at: PyBuffer<i64>,
    budget: Option<u64>,
) -> PyResult<(Buffer, Buffer, Vec<Text>)> {
    let py = bodies.0.py();
    let found = Engine::ALL.into_iter().find(|known| known.name() == engine);
    let engine =
        found.ok_or_else(|| PyValueError::new_err(format!("no engine is called `{engine}`")))?;
    let defaults = Options::default();
    let options = Options { budget: budget.unwrap_or(defaults.budget), ..defaults };
    let column = |column: &Column<'py>| TextColumn::new(&column.0, &column.1);
    let (bodies, types, urls) = (column(&bodies)?, column(&content_types)?, column(&urls)?);
    let fetched_at = fetched_at.to_vec(py)?;
    let pages = Responses {
        bodies: rows(&bodies),
        content_types: rows(&types),
        urls: rows(&urls),
        fetched_at: &fetched_at,
    };
    let made = py.detach(|| documents::documents(&pages, engine, &options))?;
    let texts = [made.texts, made.titles, made.languages, made.charsets];
    Ok((
        Buffer::from_bytes(made.outcomes),
        Buffer::from_vec(made.published),
        texts.into_iter().map(buffers).collect(),
    ))
}

fn rows(column: &TextColumn) -> Rows<'_> {
    Rows { offsets: column.offsets(), data: column.data() }
}

fn buffers(texts: Texts) -> (Buffer, Buffer) {
    (Buffer::from_vec(texts.offsets), Buffer::from_bytes(texts.data.into_bytes()))
}

/// Adds this file's functions to `_core`.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(extractors, module)?)?;
    module.add_function(wrap_pyfunction!(extract_documents, module)?)
}

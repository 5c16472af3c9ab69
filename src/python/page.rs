//! Binding of `crate::page`.

use crate::html::{Limits, Tree};
use crate::page;
use crate::page::Day;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// Text of a page's bytes, and `charset:evidence`.
#[pyfunction]
#[pyo3(signature = (body, content_type=None))]
fn decode_page(py: Python<'_>, body: &[u8], content_type: Option<&str>) -> (String, String) {
    py.detach(|| {
        let decoded = page::decode(body, content_type);
        let name = decoded.to_string();
        (decoded.text.into_owned(), name)
    })
}

/// WHATWG name of the charset that a label means, in lower case.
#[pyfunction]
fn charset_for_label(label: &[u8]) -> Option<String> {
    page::charset::for_label(label).map(|encoding| encoding.name().to_ascii_lowercase())
}

/// ISO 639-1 code, or `und`.
#[pyfunction]
fn detect_language(py: Python<'_>, text: &str) -> &'static str {
    py.detach(|| page::language::detect(text))
}

/// The codes that `detect_language` can give, `und` apart.
#[pyfunction]
fn language_codes() -> Vec<&'static str> {
    page::language::codes()
}

/// Title, language of `text`, and day of publication as `2017-12-31`.
///
/// `fetched_at` is in seconds since 1970.
#[pyfunction]
#[pyo3(signature = (html, text, url=None, fetched_at=None))]
fn page_facts(
    py: Python<'_>,
    html: &str,
    text: &str,
    url: Option<&str>,
    fetched_at: Option<i64>,
) -> PyResult<(Option<String>, &'static str, Option<String>)> {
    py.detach(|| {
        let tree = Tree::parse(html, &Limits::default());
        let tree = tree.map_err(|cost| PyValueError::new_err(cost.to_string()))?;
        let facts = page::facts(&tree, url, fetched_at.and_then(Day::from_unix), text);
        Ok((facts.title, facts.language, facts.published.map(|day| day.to_string())))
    })
}

/// Adds this file's functions to `_core`.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(decode_page, module)?)?;
    module.add_function(wrap_pyfunction!(charset_for_label, module)?)?;
    module.add_function(wrap_pyfunction!(detect_language, module)?)?;
    module.add_function(wrap_pyfunction!(page_facts, module)?)?;
    module.add_function(wrap_pyfunction!(language_codes, module)?)
}

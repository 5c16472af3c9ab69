//! The only PyO3 code: converts arguments, detaches from the interpreter, makes one core call,
//! converts the result. A loop here belongs in the core.
//!
//! One file per core module, each with a `register` that adds its functions to `_core`.

mod bpe;
mod buffer;
mod digest;
mod documents;
mod dump;
mod error;
mod extract;
mod html;
mod minhash;
mod overlap;
mod page;
mod signals;
mod wikitext;
mod words;

use pyo3::prelude::*;

/// The compiled module `webtext_py._core`.
#[pymodule]
#[pyo3(name = "_core")]
fn core_module(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    error::register(module)?;
    buffer::register(module)?;
    digest::register(module)?;
    documents::register(module)?;
    dump::register(module)?;
    page::register(module)?;
    wikitext::register(module)?;
    words::register(module)?;
    bpe::register(module)?;
    overlap::register(module)?;
    minhash::register(module)?;
    extract::register(module)?;
    html::register(module)
}

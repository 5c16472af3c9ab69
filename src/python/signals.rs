//! How Ctrl-C reaches a long call of the core: it asks, between pieces of its work.

use crate::Error;
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use std::time::{Duration, Instant};

/// Whether Ctrl-C was pressed; for calls that ask so seldom that attaching costs nothing.
pub(super) fn interrupted() -> bool {
    Python::attach(|py| py.check_signals().is_err())
}

/// How often long calls look for Ctrl-C and report how far they are.
const INTERVAL: Duration = Duration::from_millis(100);

/// Runs `call` detached with a function that it asks whether to go on.
///
/// Every 100 ms that function attaches, lets Python handle signals and calls `report` with the
/// number it was given; an exception of either ends the call and is raised.
pub(super) fn attended<T: Send>(
    py: Python<'_>,
    report: Option<Py<PyAny>>,
    call: impl FnOnce(&mut dyn FnMut(usize) -> bool) -> crate::Result<T> + Send,
) -> PyResult<T> {
    let mut raised = None;
    let result = py.detach(|| {
        let mut last = Instant::now();
        call(&mut |done| {
            if last.elapsed() < INTERVAL {
                return true;
            }
            last = Instant::now();
            let outcome = Python::attach(|py| {
                py.check_signals()?;
                report.as_ref().map_or(Ok(()), |report| report.call1(py, (done,)).map(|_| ()))
            });
            raised = outcome.err();
            raised.is_none()
        })
    });
    match (result, raised) {
        (Ok(value), _) => Ok(value),
        (Err(_), Some(error)) => Err(error),
        (Err(Error::Interrupted), None) => Err(PyKeyboardInterrupt::new_err(())),
        (Err(error), None) => Err(error.into()),
    }
}

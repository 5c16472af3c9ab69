//! Core errors to Python exceptions, in one place.

use crate::Error;
use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyKeyboardInterrupt, PyOSError, PyValueError};
use pyo3::prelude::*;

// Named by where they are found, so that they can be sent from one process to another.
create_exception!(
    webtext_py._core,
    WebTextError,
    PyException,
    "Base of the errors that a user can act on."
);
create_exception!(
    webtext_py._core,
    DamageError,
    FormatError,
    "A file with a damaged stretch, of which the rest can be read where that is allowed."
);
create_exception!(
    webtext_py._core,
    FormatError,
    WebTextError,
    "A file whose content is not what its kind promises: cut, corrupt, or of another kind."
);

impl From<Error> for PyErr {
    fn from(error: Error) -> PyErr {
        let message = error.to_string();
        match error {
            Error::InvalidParameter(_) => PyValueError::new_err(message),
            // OSError(errno, text, filename) picks the subclass (FileNotFoundError, ...) itself.
            Error::Io { path, source } => match source.raw_os_error() {
                Some(errno) => {
                    PyOSError::new_err((errno, source.to_string(), path.display().to_string()))
                }
                None => PyOSError::new_err(message),
            },
            Error::Format { .. } => FormatError::new_err(message),
            Error::Damaged { .. } => DamageError::new_err(message),
            Error::Interrupted => PyKeyboardInterrupt::new_err(()),
        }
    }
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("WebTextError", module.py().get_type::<WebTextError>())?;
    module.add("FormatError", module.py().get_type::<FormatError>())?;
    module.add("DamageError", module.py().get_type::<DamageError>())
}

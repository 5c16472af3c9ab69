//! The one error type of the core.

use std::fmt;
use std::path::PathBuf;

/// What the core returns.
pub type Result<T> = std::result::Result<T, Error>;

/// Everything that can go wrong in the core.
///
/// Each message names the thing, what was found and what was expected; `python/error.rs` maps the
/// variants to exceptions.
#[derive(Debug)]
pub enum Error {
    /// An argument out of its range: a bug of the caller or a bad option.
    InvalidParameter(String),
    /// A file that could not be opened, read or written.
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file whose content is not what its kind promises: cut, corrupt, or of another kind.
    Format {
        /// The file.
        path: PathBuf,
        /// Byte offset in the file where it shows, where known.
        offset: Option<u64>,
        /// What was found and what was expected.
        message: String,
    },
    /// A file with a damaged stretch, of which the rest can be read where that is allowed.
    Damaged {
        /// The file.
        path: PathBuf,
        /// Byte offset in the file where it shows.
        offset: u64,
        /// What was found and what was expected.
        message: String,
    },
    /// The caller asked to stop (Ctrl-C).
    Interrupted,
}

impl Error {
    /// An `Io` error for `path`.
    pub fn io(path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Error::Io { path: path.into(), source }
    }

    /// A `Format` error for `path`.
    pub fn format(
        path: impl Into<PathBuf>,
        offset: Option<u64>,
        message: impl Into<String>,
    ) -> Self {
        Error::Format { path: path.into(), offset, message: message.into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::InvalidParameter(message) => f.write_str(message),
            Error::Io { path, source } => write!(f, "`{}`: {source}", path.display()),
            Error::Format { path, offset: Some(offset), message }
            | Error::Damaged { path, offset, message } => {
                write!(f, "`{}` at byte {offset}: {message}", path.display())
            }
            Error::Format { path, offset: None, message } => {
                write!(f, "`{}`: {message}", path.display())
            }
            Error::Interrupted => f.write_str("interrupted"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

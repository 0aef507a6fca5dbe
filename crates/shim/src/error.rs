//! One error type: what was done, to which path, and what stood in the way.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::record::Malformed;

/// A failed action on a path.
#[derive(Debug)]
pub struct Error {
    /// What was being done, as a verb phrase such as `read the claim`.
    pub action: &'static str,
    /// The path that it was done to.
    pub path: PathBuf,
    /// Why it failed.
    pub cause: ErrorCause,
}

/// Why an action failed.
#[derive(Debug)]
pub enum ErrorCause {
    /// The system refused.
    Io(io::Error),
    /// The file is there, but is not a complete record of the expected kind.
    Malformed(Malformed),
}

impl Error {
    pub(crate) fn io(action: &'static str, path: &Path, cause: impl Into<io::Error>) -> Self {
        Error { action, path: path.to_owned(), cause: ErrorCause::Io(cause.into()) }
    }

    pub(crate) fn malformed(action: &'static str, path: &Path, cause: Malformed) -> Self {
        Error { action, path: path.to_owned(), cause: ErrorCause::Malformed(cause) }
    }

    /// The `errno` behind this error, where there is one.
    pub fn errno(&self) -> Option<i32> {
        match &self.cause {
            ErrorCause::Io(error) => error.raw_os_error(),
            ErrorCause::Malformed(_) => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not {} at {}: ", self.action, self.path.display())?;
        match &self.cause {
            ErrorCause::Io(error) => error.fmt(f),
            ErrorCause::Malformed(malformed) => malformed.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.cause {
            ErrorCause::Io(error) => Some(error),
            ErrorCause::Malformed(malformed) => Some(malformed),
        }
    }
}

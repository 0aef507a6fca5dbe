//! What can go wrong in the engine, in a small closed set of kinds. Each error says what, where and why; the next
//! step stands in `hint`.

use std::fmt;
use std::path::Path;

/// The class of an error, which callers act on. Nobody matches on messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The input is not acceptable.
    Invalid,
    /// No such experiment, project or attempt.
    NotFound,
    /// The experiment's state does not allow it.
    IllegalMove,
    /// The dependencies form a circle.
    Cycle,
    /// No device of this machine could ever meet the requirements.
    Impossible,
    /// A file or folder could not be read, written or entered.
    Path,
    /// The disk is full.
    DiskFull,
    /// Another engine owns the data folder.
    Busy,
    /// The engine is shutting down.
    Stopping,
    /// The database is newer than this program.
    NewerDatabase,
    /// The database is damaged.
    Damaged,
    /// A fault of ours, or of the system below.
    Internal,
}

/// An error of the engine.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
    field: Option<&'static str>,
}

/// The engine's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error with a sentence for people.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, field: None }
    }

    /// Bad input in a named field.
    pub fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self { field: Some(field), ..Self::new(ErrorKind::Invalid, message) }
    }

    /// A failed operation on a path.
    pub fn path(action: &str, path: &Path, cause: &std::io::Error) -> Self {
        let kind = match cause.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => ErrorKind::DiskFull,
            _ => ErrorKind::Path,
        };
        let error = Self::new(kind, format!("could not {action} {}: {cause}", path.display()));
        match kind {
            ErrorKind::DiskFull => {
                error.hint("Free some space on that disk; nothing that was recorded is lost.")
            }
            _ => error,
        }
    }

    /// The same error, pinned to a field of the input.
    #[must_use]
    pub fn in_field(mut self, field: &'static str) -> Self {
        self.field = Some(field);
        self
    }

    /// The same error with words before its message.
    #[must_use]
    pub fn prefixed(mut self, words: &str) -> Self {
        self.message.insert_str(0, words);
        self
    }

    /// The same error with the next step.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same error once more, for a second one who is to hear of it.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self { kind: self.kind, message: self.message.clone(), hint: self.hint.clone(), field: self.field }
    }

    /// The class.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The next step, if one helps.
    #[must_use]
    pub fn next_step(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The field of the input that is at fault.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        self.field
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<sqlx::Error> for Error {
    fn from(cause: sqlx::Error) -> Self {
        // Primary result codes: https://www.sqlite.org/rescode.html
        let primary = match &cause {
            sqlx::Error::Database(db) => {
                db.code().and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff)
            }
            _ => None,
        };
        match primary {
            Some(13) => Self::new(ErrorKind::DiskFull, "the disk that holds the database is full")
                .hint("Free some space on that disk; nothing that was recorded is lost."),
            Some(11 | 26) => Self::new(ErrorKind::Damaged, format!("the database is damaged: {cause}")),
            _ => Self::new(ErrorKind::Internal, format!("the database refused: {cause}")),
        }
    }
}

impl From<athanor_shim::Error> for Error {
    fn from(cause: athanor_shim::Error) -> Self {
        Self::new(ErrorKind::Path, cause.to_string())
    }
}

impl From<tokio::task::JoinError> for Error {
    fn from(cause: tokio::task::JoinError) -> Self {
        Self::new(ErrorKind::Internal, format!("a task of the engine ended early: {cause}"))
    }
}

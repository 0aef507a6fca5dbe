//! How the command line ends. The codes are part of its interface.

use std::process::ExitCode;

use athanor_api::wire::{ApiError, ErrorCode};

/// Said at the end of the help.
pub const HELP: &str = "\
Exit codes:
  0   done; for wait: all have completed
  1   anything else that went wrong; for log --grep: no line matches
  2   the command line was not understood, or an input is not acceptable; so are a circle of
      dependencies, and needs that this machine can never meet
  3   there is no such experiment, project or attempt
  4   the experiment's state does not allow it
  5   the engine is busy or gone, or another one owns the data folder; for status: none runs
  6   the disk is full, or a path can't be used
  7   the database was written by a newer Athanor
  8   it needs agreement, and nobody gave it: --yes
  20  wait: at least one has failed
  21  wait: none failed, but at least one was cancelled or expired

ATHANOR_HOME names the data folder (else $XDG_DATA_HOME/athanor, else ~/.local/share/athanor).";

/// Exit code of `status` when no engine runs.
pub const NO_ENGINE: u8 = 5;
/// Exit code of `wait` when an experiment failed.
pub const FAILED: u8 = 20;
/// Exit code of `wait` when an experiment was cancelled or expired, and none failed.
pub const CANCELLED: u8 = 21;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub struct Failure(pub ApiError);

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(cause: std::io::Error) -> Self {
        Self(ApiError::new(ErrorCode::Path, format!("could not print: {cause}")))
    }
}

impl Failure {
    /// Says it on standard error, and gives the exit code.
    pub fn report(&self) -> ExitCode {
        eprintln!("athanor: {}", self.0.message);
        if let Some(hint) = &self.0.hint {
            eprintln!("  {hint}");
        }
        ExitCode::from(match self.0.code {
            ErrorCode::InvalidInput | ErrorCode::DependencyCycle | ErrorCode::Impossible => 2,
            ErrorCode::NotFound => 3,
            ErrorCode::IllegalTransition | ErrorCode::Conflict => 4,
            ErrorCode::EngineBusy | ErrorCode::EngineGone | ErrorCode::Protocol => 5,
            ErrorCode::DiskFull | ErrorCode::Path => 6,
            ErrorCode::NewerDatabase => 7,
            ErrorCode::NeedsAgreement => 8,
            ErrorCode::Forbidden | ErrorCode::Internal => 1,
        })
    }
}

/// A failure of the command line's own.
pub fn fail(code: ErrorCode, message: impl Into<String>) -> Failure {
    Failure(ApiError::new(code, message))
}

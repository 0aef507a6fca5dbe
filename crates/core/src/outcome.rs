//! How an attempt ended, in the kernel's terms and in words.
//!
//! The facts come from the supervisor's exit record; nothing here looks at a log.

use serde::{Deserialize, Serialize};

/// Why an experiment failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureReason {
    /// The process ended with an exit code other than 0.
    ExitCode,
    /// A signal ended the process.
    Signal,
    /// It ran longer than it was allowed to.
    TimeLimit,
    /// The kernel's out-of-memory killer ended it.
    OutOfMemory,
    /// The program or its folder could not be entered or executed.
    CouldNotStart,
    /// It vanished without a recorded status.
    Lost,
    /// An experiment that it depends on did not succeed.
    DependencyFailed,
    /// The disk was full.
    DiskFull,
}

impl FailureReason {
    /// All reasons.
    pub const ALL: [Self; 8] = [
        Self::ExitCode,
        Self::Signal,
        Self::TimeLimit,
        Self::OutOfMemory,
        Self::CouldNotStart,
        Self::Lost,
        Self::DependencyFailed,
        Self::DiskFull,
    ];

    /// The word in the store and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ExitCode => "exit_code",
            Self::Signal => "signal",
            Self::TimeLimit => "time_limit",
            Self::OutOfMemory => "out_of_memory",
            Self::CouldNotStart => "could_not_start",
            Self::Lost => "lost",
            Self::DependencyFailed => "dependency_failed",
            Self::DiskFull => "disk_full",
        }
    }

    /// The reason with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Exit code 0.
    Success,
    /// Ended on request.
    Cancelled {
        /// The exit code, if the process ended by itself after it was asked to.
        exit_code: Option<i32>,
        /// The signal, if one ended it.
        signal: Option<i32>,
    },
    /// Ended otherwise.
    Failure(Failure),
}

/// A failure with all that is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The class that retry rules and the window tell apart.
    pub reason: FailureReason,
    /// The exit code, if there was one.
    pub exit_code: Option<i32>,
    /// The signal number, if one ended the process.
    pub signal: Option<i32>,
    /// What happened, where, and what to do next, in a sentence or two.
    pub message: String,
}

impl Failure {
    /// Whether this is how it looks when the kernel ends a process because memory ran out: by SIGKILL, or, where a
    /// shell stands between, with exit code 137.
    #[must_use]
    pub fn may_be_memory(&self) -> bool {
        match self.reason {
            FailureReason::Signal => self.signal == Some(SIGKILL),
            FailureReason::ExitCode => self.exit_code == Some(128 + SIGKILL),
            _ => false,
        }
    }

    /// The same failure once it is known that the kernel ended a process for lack of memory just then.
    #[must_use]
    pub fn out_of_memory(self) -> Self {
        Self {
            reason: FailureReason::OutOfMemory,
            message: "The kernel ended it because the machine's memory ran out. Let it use less, say how much it needs \
                      (--memory), or run fewer jobs at once."
                .into(),
            ..self
        }
    }
}

/// The signal that nothing survives.
const SIGKILL: i32 = 9;

/// What the supervisor recorded: the kernel's wait status, and whether somebody had asked for the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// The process ended.
    Ended {
        /// Exit code, unless a signal ended it.
        code: Option<i32>,
        /// Signal number, if one ended it.
        signal: Option<i32>,
        /// Who asked for it.
        asked: Asked,
    },
    /// The process could not be started.
    NotStarted {
        /// What failed: `chdir` or `exec`.
        stage: StartStage,
        /// The system's words for the error.
        error: String,
        /// The system's number of the error.
        errno: i32,
    },
}

/// Who asked for an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Nobody.
    No,
    /// The user or a policy, through a cancel.
    Cancel,
    /// The time limit.
    TimeLimit,
}

/// What could not be done on the way to the first instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartStage {
    /// Entering the working directory.
    ChangeDirectory,
    /// Executing the program.
    Execute,
    /// Making the process at all.
    Fork,
}

/// The ending that a record tells, with a message for people.
///
/// - A cancel that was asked for wins over whatever status the process then ended with: a job that handles SIGTERM
///   and ends with code 0 was still cancelled.
/// - A job that had ended with code 0 before the time limit's signal reached it succeeded.
/// - `program` and `cwd` are only used in messages.
#[must_use]
pub fn ending(record: &Recorded, program: &str, cwd: &str) -> Ending {
    match record {
        Recorded::Ended { code, signal, asked: Asked::Cancel } => {
            Ending::Cancelled { exit_code: *code, signal: *signal }
        }
        Recorded::Ended { code: Some(0), asked: Asked::No, .. } => Ending::Success,
        Recorded::Ended { code, signal, asked: Asked::TimeLimit } => Ending::Failure(Failure {
            reason: FailureReason::TimeLimit,
            exit_code: *code,
            signal: *signal,
            message:
                "Stopped at its time limit. Give it more time, or let it resume from its last checkpoint."
                    .into(),
        }),
        Recorded::Ended { code: Some(code), .. } => Ending::Failure(Failure {
            reason: FailureReason::ExitCode,
            exit_code: Some(*code),
            signal: None,
            message: exit_code_message(*code),
        }),
        Recorded::Ended { code: None, signal, .. } => Ending::Failure(Failure {
            reason: FailureReason::Signal,
            exit_code: None,
            signal: *signal,
            message: signal_message(signal.unwrap_or_default()),
        }),
        Recorded::NotStarted { stage, error, errno } => Ending::Failure(Failure {
            reason: FailureReason::CouldNotStart,
            exit_code: None,
            signal: None,
            message: not_started_message(*stage, error, *errno, program, cwd),
        }),
    }
}

fn exit_code_message(code: i32) -> String {
    // 126 to 192 are the shell's conventions (POSIX 2.8.2), so they may also be the program's own: said as "usually".
    match code {
        126 => "Exit code 126: the shell usually says so when a file is not executable.".into(),
        127 => "Exit code 127: the shell usually says so when a command was not found. Check the command and PATH."
            .into(),
        129..=192 => {
            format!("Exit code {code}: usually a program inside ended by signal {}.", signal_name(code - 128))
        }
        _ => format!("Exit code {code}. The end of the log usually says why."),
    }
}

fn signal_message(signal: i32) -> String {
    let name = signal_name(signal);
    let hint = match signal {
        9 => "Nobody here asked for it: the kernel does so when memory runs out, or somebody used kill -9.",
        11 => "The program touched memory that is not its own: look for a fault in native code.",
        6 => "The program aborted itself; the end of the log usually says why.",
        7 => "Often shared memory (/dev/shm) ran full.",
        15 => "Somebody outside Athanor asked it to end.",
        _ => "The end of the log may say more.",
    };
    format!("Ended by {name}. {hint}")
}

fn not_started_message(stage: StartStage, error: &str, errno: i32, program: &str, cwd: &str) -> String {
    const ENOENT: i32 = 2;
    const EACCES: i32 = 13;
    match (stage, errno) {
        (StartStage::ChangeDirectory, ENOENT) => {
            format!(
                "The working directory {cwd} does not exist. Create it, or queue the job with another folder."
            )
        }
        (StartStage::ChangeDirectory, _) => {
            format!("The working directory {cwd} can't be entered: {error}. Check its permissions.")
        }
        (StartStage::Execute, ENOENT) => format!(
            "The command “{program}” was not found. Check its spelling, or give its full path; PATH is the one of where the job was queued."
        ),
        (StartStage::Execute, EACCES) => {
            format!("“{program}” may not be executed: {error}. Check its permissions (chmod +x).")
        }
        (StartStage::Execute, _) => format!("“{program}” could not be executed: {error}."),
        (StartStage::Fork, _) => format!(
            "No process could be made for “{program}”: {error}. The machine may be out of memory or processes."
        ),
    }
}

/// The name of a Linux signal, else its number.
#[must_use]
pub fn signal_name(signal: i32) -> String {
    const NAMES: [&str; 31] = [
        "SIGHUP",
        "SIGINT",
        "SIGQUIT",
        "SIGILL",
        "SIGTRAP",
        "SIGABRT",
        "SIGBUS",
        "SIGFPE",
        "SIGKILL",
        "SIGUSR1",
        "SIGSEGV",
        "SIGUSR2",
        "SIGPIPE",
        "SIGALRM",
        "SIGTERM",
        "SIGSTKFLT",
        "SIGCHLD",
        "SIGCONT",
        "SIGSTOP",
        "SIGTSTP",
        "SIGTTIN",
        "SIGTTOU",
        "SIGURG",
        "SIGXCPU",
        "SIGXFSZ",
        "SIGVTALRM",
        "SIGPROF",
        "SIGWINCH",
        "SIGIO",
        "SIGPWR",
        "SIGSYS",
    ];
    usize::try_from(signal - 1)
        .ok()
        .and_then(|index| NAMES.get(index))
        .map_or_else(|| format!("signal {signal}"), |name| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(record: &Recorded) -> (Option<FailureReason>, String) {
        match ending(record, "train.py", "/data") {
            Ending::Success => (None, "success".into()),
            Ending::Cancelled { .. } => (None, "cancelled".into()),
            Ending::Failure(failure) => (Some(failure.reason), failure.message),
        }
    }

    #[test]
    fn only_what_was_killed_may_have_lacked_memory() {
        let failure =
            |reason, exit_code, signal| Failure { reason, exit_code, signal, message: "as it was".into() };
        for (failure, may) in [
            (failure(FailureReason::Signal, None, Some(9)), true),
            (failure(FailureReason::ExitCode, Some(137), None), true),
            (failure(FailureReason::Signal, None, Some(15)), false),
            (failure(FailureReason::ExitCode, Some(1), None), false),
            (failure(FailureReason::TimeLimit, None, Some(9)), false),
            (failure(FailureReason::Lost, None, None), false),
        ] {
            assert_eq!(failure.may_be_memory(), may, "{failure:?}");
        }
        let known = failure(FailureReason::ExitCode, Some(137), None).out_of_memory();
        assert_eq!((known.reason, known.exit_code), (FailureReason::OutOfMemory, Some(137)));
        assert!(known.message.contains("memory ran out"), "{}", known.message);
    }

    #[test]
    fn each_record_has_one_ending() {
        let ended = |code, signal, asked| Recorded::Ended { code, signal, asked };
        assert_eq!(check(&ended(Some(0), None, Asked::No)).1, "success");
        assert_eq!(check(&ended(Some(0), None, Asked::Cancel)).1, "cancelled");
        assert_eq!(check(&ended(None, Some(9), Asked::Cancel)).1, "cancelled");
        assert_eq!(check(&ended(Some(3), None, Asked::No)).0, Some(FailureReason::ExitCode));
        assert_eq!(check(&ended(None, Some(11), Asked::No)).0, Some(FailureReason::Signal));
        assert_eq!(check(&ended(None, Some(15), Asked::TimeLimit)).0, Some(FailureReason::TimeLimit));
        assert!(check(&ended(None, Some(9), Asked::No)).1.contains("SIGKILL"));
        assert!(check(&ended(Some(137), None, Asked::No)).1.contains("SIGKILL"));
    }

    #[test]
    fn what_could_not_start_names_the_thing_and_the_next_step() {
        let missing =
            |stage| Recorded::NotStarted { stage, error: "No such file or directory".into(), errno: 2 };
        let (reason, message) = check(&missing(StartStage::ChangeDirectory));
        assert_eq!(reason, Some(FailureReason::CouldNotStart));
        assert!(message.contains("/data does not exist"), "{message}");
        assert!(check(&missing(StartStage::Execute)).1.contains("“train.py” was not found"));
        let denied =
            Recorded::NotStarted { stage: StartStage::Execute, error: "Permission denied".into(), errno: 13 };
        assert!(check(&denied).1.contains("chmod +x"));
    }

    #[test]
    fn signal_names_are_the_kernels() {
        assert_eq!(signal_name(9), "SIGKILL");
        assert_eq!(signal_name(15), "SIGTERM");
        assert_eq!(signal_name(31), "SIGSYS");
        assert_eq!(signal_name(0), "signal 0");
        assert_eq!(signal_name(64), "signal 64");
    }
}

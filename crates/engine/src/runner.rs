//! Attempts as processes: starting a supervisor, finding it again, waiting for its record.
//!
//! *Invariant:* the engine never starts a job itself and never guesses an outcome. A supervisor (`athanor-shim`)
//! starts the job, outlives the engine, and leaves the kernel's status in the attempt's folder; see
//! `athanor_shim` for the records.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use athanor_core::outcome::{Asked, Ending, Failure, FailureReason, Recorded, StartStage, ending};
use athanor_core::state::Status;
use athanor_shim::attempt::{Attempt, end_orphans, look};
use athanor_shim::identity::{Identity, Process, Request};
use athanor_shim::record::{Cause, Claim, Exit, Outcome, Stage, Started};
use athanor_shim::status::Status as ShimStatus;
use rustix::process::Signal;
use tokio::io::unix::AsyncFd;

use crate::error::{Error, ErrorKind, Result};
use crate::home::now_ms;
use crate::seal::Environment;
use crate::store::AttemptEnd;

/// Everything that a supervisor needs to know.
#[derive(Clone)]
pub struct Launch {
    /// The attempt's folder, which is there already.
    pub folder: PathBuf,
    /// The job's working directory.
    pub cwd: String,
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// The job's whole environment.
    pub environment: Environment,
    /// Size at which the log is rotated, bytes.
    pub log_limit: u64,
    /// From SIGTERM to SIGKILL, milliseconds.
    pub grace_ms: u64,
    /// Longest time that the job may run, milliseconds.
    pub time_limit_ms: Option<u64>,
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It ended, or could not be started: for the record.
    Known(Box<AttemptEnd>),
    /// It was never started and never will be: as if it had not been decided.
    NeverStarted,
}

/// The identity of a job's main process: pid, start ticks, boot id.
pub type ProcessIdentity = (u32, u64, String);

/// A handle to ask a supervisor for something, also before it is there.
#[derive(Debug, Clone, Default)]
pub struct Control(Arc<Mutex<Controlled>>);

#[derive(Debug, Default)]
struct Controlled {
    shim: Option<Process>,
    cancel: bool,
}

impl Control {
    /// Asks for the end of the job. The supervisor sends SIGTERM, waits, and sends SIGKILL; when there is none yet, it
    /// is asked as soon as it is there.
    ///
    /// # Errors
    /// The supervisor may not be signalled.
    pub fn cancel(&self) -> Result<()> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.cancel = true;
        if let Some(shim) = &state.shim {
            shim.request(Request::Cancel)?;
        }
        Ok(())
    }

    fn attach(&self, shim: Process) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.cancel
            && let Err(error) = shim.request(Request::Cancel)
        {
            tracing::warn!(%error, "a supervisor could not be asked to end its job");
        }
        state.shim = Some(shim);
    }

    fn cancelled(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).cancel
    }
}

/// Starts and finds supervisors.
#[derive(Debug, Clone)]
pub struct Runner {
    shim: PathBuf,
}

/// Name of the supervisor's program.
const SHIM: &str = "athanor-shim";

impl Runner {
    /// A runner with the supervisor that lies beside this program (or where `ATHANOR_SHIM` says).
    ///
    /// # Errors
    /// There is none.
    pub fn new() -> Result<Self> {
        let named = std::env::var_os("ATHANOR_SHIM").map(PathBuf::from);
        let own = std::env::current_exe()
            .map_err(|cause| Error::path("find", Path::new("this program"), &cause))?;
        let folder = own.parent().unwrap_or(Path::new("."));
        // Test binaries lie one folder deeper than the programs.
        let beside = [folder.join(SHIM), folder.join("..").join(SHIM)];
        let shim = named.into_iter().chain(beside).find(|path| path.is_file()).ok_or_else(|| {
            Error::new(
                ErrorKind::Path,
                format!("the supervisor {SHIM} is missing: it should lie in {}", folder.display()),
            )
            .hint("Install Athanor again, or set ATHANOR_SHIM to the program's path.")
        })?;
        Ok(Self { shim })
    }

    /// Runs one attempt to its end.
    ///
    /// `on_process` hears the identity of the job's main process as soon as it is known.
    pub async fn run(
        &self,
        launch: Launch,
        control: Control,
        on_process: impl FnOnce(ProcessIdentity),
    ) -> Ended {
        let program = launch.argv.first().cloned().unwrap_or_default();
        let (folder, cwd) = (launch.folder.clone(), launch.cwd.clone());
        let shim = self.shim.clone();
        let spawned = tokio::task::spawn_blocking(move || spawn(&shim, &launch)).await;
        let (mut child, status) = match spawned.map_err(Error::from).and_then(|spawned| spawned) {
            Ok(spawned) => spawned,
            Err(error) => return could_not_start(&error),
        };
        // Where the kernel has no pidfds the child is waited for below.
        let shim = Process::of_child(child.id()).ok();
        let watched = shim.and_then(|shim| {
            let watched = watch(&shim);
            control.attach(shim);
            watched
        });
        let line = read_status(status).await;
        if let Some(ShimStatus::Started { pid, start_ticks }) = line
            && let Ok(boot) = athanor_shim::identity::boot_id()
        {
            on_process((pid, start_ticks, boot));
        }
        match watched {
            Some(watched) => wait(watched).await,
            None => {
                let waited = tokio::task::spawn_blocking(move || child.wait()).await;
                if let Ok(Err(error)) = waited {
                    tracing::warn!(%error, "a supervisor could not be waited for");
                }
            }
        }
        self.conclude(folder, program, cwd, control, line).await
    }

    /// Waits for an attempt whose supervisor an earlier engine started.
    pub async fn rejoin(
        &self,
        folder: PathBuf,
        shim: Identity,
        program: String,
        cwd: String,
        control: Control,
    ) -> Ended {
        if let Ok(Some(process)) = shim.open() {
            let watched = watch(&process);
            control.attach(process);
            if let Some(watched) = watched {
                wait(watched).await;
            }
        }
        self.conclude(folder, program, cwd, control, None).await
    }

    /// Reads what became of an attempt whose supervisor has ended.
    async fn conclude(
        &self,
        folder: PathBuf,
        program: String,
        cwd: String,
        control: Control,
        status: Option<ShimStatus>,
    ) -> Ended {
        let found = tokio::task::spawn_blocking({
            let folder = folder.clone();
            move || look(&folder)
        })
        .await;
        match found {
            Ok(Ok(Attempt::Ended(exit))) => Ended::Known(Box::new(from_exit(&exit, &program, &cwd))),
            Ok(Ok(Attempt::Lost { shim, started })) => {
                let ended = tokio::task::spawn_blocking(move || lost(&shim, started.as_ref())).await;
                ended.unwrap_or_else(|error| could_not_start(&error.into()))
            }
            Ok(Ok(Attempt::Void)) => Ended::NeverStarted,
            Ok(Ok(Attempt::Unclaimed | Attempt::Running { .. })) if control.cancelled() => {
                cancelled_before_start()
            }
            Ok(Ok(Attempt::Unclaimed | Attempt::Running { .. })) => {
                could_not_start(&refusal(status, &folder))
            }
            Ok(Err(error)) => could_not_start(&error.into()),
            Err(error) => could_not_start(&error.into()),
        }
    }
}

/// What an attempt's folder says to an engine that comes back.
#[derive(Debug)]
pub enum Found {
    /// It goes on under this supervisor.
    Running {
        /// The supervisor.
        shim: Identity,
        /// The job's main process, if it has started.
        process: Option<ProcessIdentity>,
    },
    /// It is over.
    Over(Ended),
}

/// Looks at an attempt of an earlier engine and decides, once and for all, whether it was ever started.
///
/// # Errors
/// The folder can't be read; then nothing was decided.
pub fn find(folder: &Path, program: &str, cwd: &str) -> Result<Found> {
    if !folder.exists() {
        // The folder is made before the decision to start is recorded, so it was there.
        return Ok(Found::Over(Ended::Known(Box::new(failed(
            FailureReason::Lost,
            format!("Its folder {} was removed, and with it the record of how it ended.", folder.display()),
        )))));
    }
    let mut attempt = look(folder)?;
    if attempt == Attempt::Unclaimed {
        attempt = match athanor_shim::claim::claim_void(folder)? {
            Claim::Void(_) => Attempt::Void,
            // A late supervisor was faster.
            Claim::Shim(_) => look(folder)?,
        };
    }
    Ok(match attempt {
        Attempt::Void | Attempt::Unclaimed => Found::Over(Ended::NeverStarted),
        Attempt::Running { shim, started } => {
            Found::Running { shim, process: started.map(|started| identity(&started.job)) }
        }
        Attempt::Ended(exit) => Found::Over(Ended::Known(Box::new(from_exit(&exit, program, cwd)))),
        Attempt::Lost { shim, started } => Found::Over(lost(&shim, started.as_ref())),
    })
}

fn identity(process: &Identity) -> ProcessIdentity {
    (process.pid, process.start_ticks, process.boot_id.clone())
}

/// Starts a supervisor. Blocks for about a millisecond.
fn spawn(shim: &Path, launch: &Launch) -> Result<(Child, std::io::PipeReader)> {
    let (reader, writer) = std::io::pipe().map_err(|cause| Error::path("make a pipe for", shim, &cause))?;
    let mut command = Command::new(shim);
    command.arg("--dir").arg(&launch.folder);
    command.arg("--cwd").arg(&launch.cwd);
    command.arg("--log-limit").arg(launch.log_limit.to_string());
    command.arg("--grace-ms").arg(launch.grace_ms.to_string());
    if let Some(limit) = launch.time_limit_ms {
        command.arg("--time-limit-ms").arg(limit.to_string());
    }
    // The supervisor's standard output is its status line; it keeps none of our descriptors.
    command.arg("--status-fd").arg("1").arg("--").args(&launch.argv);
    command.env_clear().envs(&launch.environment);
    command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::null());
    // Not in a folder that may be unmounted later.
    command.current_dir("/");
    let child = command.spawn().map_err(|cause| {
        let error = Error::path("start the supervisor", shim, &cause);
        match cause.raw_os_error() {
            Some(7) => error.hint("The command and its environment are too long for the system together."),
            _ => error,
        }
    })?;
    Ok((child, reader))
}

/// Reads the supervisor's status line, which comes within a millisecond or two.
async fn read_status(reader: std::io::PipeReader) -> Option<ShimStatus> {
    let mut text = String::new();
    let mut receiver = tokio::net::unix::pipe::Receiver::from_owned_fd(reader.into()).ok()?;
    tokio::io::AsyncReadExt::read_to_string(&mut receiver, &mut text).await.ok()?;
    ShimStatus::parse(&text)
}

/// A pidfd that the runtime can wait for. `None` when the process can't be watched.
#[allow(unsafe_code, reason = "tokio asks that the descriptor stay the same while it is registered")]
fn watch(process: &Process) -> Option<AsyncFd<std::os::fd::OwnedFd>> {
    use std::os::fd::AsFd;
    let fd = process.as_fd().try_clone_to_owned().ok()?;
    // SAFETY: an `OwnedFd` keeps its descriptor open, always returns the same one, and is owned by the `AsyncFd`.
    unsafe { AsyncFd::register_with_interest(fd, tokio::io::Interest::READABLE) }.ok()
}

/// Waits until the watched process has ended, and reaps it if it is ours.
async fn wait(watched: AsyncFd<std::os::fd::OwnedFd>) {
    let _ = watched.readable().await;
    let options = rustix::process::WaitIdOptions::EXITED | rustix::process::WaitIdOptions::NOHANG;
    // Fails for a supervisor that an earlier engine started: it is not our child, and init reaps it.
    let _ = rustix::process::waitid(
        rustix::process::WaitId::PidFd(std::os::fd::AsFd::as_fd(watched.get_ref())),
        options,
    );
}

fn signed(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

fn from_exit(exit: &Exit, program: &str, cwd: &str) -> AttemptEnd {
    let asked = match exit.cause {
        Cause::None => Asked::No,
        Cause::Cancel => Asked::Cancel,
        Cause::TimeLimit => Asked::TimeLimit,
    };
    let recorded = match exit.outcome {
        Outcome::Exited { code } => Recorded::Ended { code: Some(code), signal: None, asked },
        Outcome::Signaled { signal, .. } => Recorded::Ended { code: None, signal: Some(signal), asked },
        Outcome::SpawnFailed { stage, errno } => Recorded::NotStarted {
            stage: match stage {
                Stage::Chdir => StartStage::ChangeDirectory,
                Stage::Exec => StartStage::Execute,
            },
            error: std::io::Error::from_raw_os_error(errno).to_string(),
            errno,
        },
    };
    let ran = exit.job.is_some();
    let (status, exit_code, signal, mut failure) = match ending(&recorded, program, cwd) {
        Ending::Success => (Status::Completed, Some(0), None, None),
        Ending::Cancelled { exit_code, signal } => (Status::Cancelled, exit_code, signal, None),
        Ending::Failure(failure) => (Status::Failed, failure.exit_code, failure.signal, Some(failure)),
    };
    if let Some(failure) = failure.as_mut()
        && exit.survivors_left > 0
    {
        failure.message.push_str(&format!(
            " {} of its processes run as another user and could not be ended.",
            exit.survivors_left
        ));
    }
    AttemptEnd {
        started_at: ran.then(|| signed(exit.started_ms)),
        ended_at: signed(exit.ended_ms),
        status,
        exit_code,
        signal,
        failure,
        cpu_ms: ran.then(|| (exit.usage.user_us + exit.usage.system_us) / 1000),
        peak_memory: ran.then_some(exit.usage.max_rss),
        log_bytes: exit.log.bytes,
        log_dropped: exit.log.dropped + exit.log.lost,
        process: exit.job.as_ref().map(identity),
    }
}

/// The record of an attempt whose supervisor is gone without one: what it left is ended, and that is said.
fn lost(shim: &Identity, started: Option<&Started>) -> Ended {
    let rebooted = athanor_shim::identity::boot_id().is_ok_and(|boot| boot != shim.boot_id);
    let message = if rebooted {
        "The machine was restarted while it ran. Its log up to then is kept.".to_owned()
    } else {
        let ended = end_orphans(shim, started.map(|started| &started.job), Signal::KILL).unwrap_or(0);
        let rest = match ended {
            0 => String::new(),
            1 => " One process that it left was ended.".into(),
            n => format!(" {n} processes that it left were ended."),
        };
        format!(
            "Its supervisor (process {}) was killed from outside, so how the job would have ended is not known.{rest}",
            shim.pid
        )
    };
    let mut end = failed(FailureReason::Lost, message);
    end.started_at = started.map(|started| signed(started.started_ms));
    end.process = started.map(|started| identity(&started.job));
    Ended::Known(Box::new(end))
}

fn failed(reason: FailureReason, message: String) -> AttemptEnd {
    AttemptEnd {
        started_at: None,
        ended_at: now_ms(),
        status: Status::Failed,
        exit_code: None,
        signal: None,
        failure: Some(Failure { reason, exit_code: None, signal: None, message }),
        cpu_ms: None,
        peak_memory: None,
        log_bytes: 0,
        log_dropped: 0,
        process: None,
    }
}

pub(crate) fn could_not_start(error: &Error) -> Ended {
    let reason = match error.kind() {
        ErrorKind::DiskFull => FailureReason::DiskFull,
        _ => FailureReason::CouldNotStart,
    };
    let next = error.next_step().map(|hint| format!(" {hint}")).unwrap_or_default();
    let mut message = error.to_string();
    if let Some(first) = message.get(..1) {
        message = format!("{}{}", first.to_uppercase(), &message[1..]);
    }
    Ended::Known(Box::new(failed(reason, format!("{message}.{next}"))))
}

fn refusal(status: Option<ShimStatus>, folder: &Path) -> Error {
    match status {
        Some(ShimStatus::Refused { errno }) => {
            Error::path("write into", folder, &std::io::Error::from_raw_os_error(errno))
        }
        _ => Error::new(
            ErrorKind::Internal,
            format!("the supervisor ended before it had claimed the attempt in {}", folder.display()),
        ),
    }
}

fn cancelled_before_start() -> Ended {
    let mut end = failed(FailureReason::CouldNotStart, String::new());
    (end.status, end.failure) = (Status::Cancelled, None);
    Ended::Known(Box::new(end))
}

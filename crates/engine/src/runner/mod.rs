//! Attempts as processes: starting a supervisor, finding it again, waiting for its record.
//!
//! *Invariant:* the engine never starts a job itself and never guesses an outcome. A supervisor (`athanor-shim`)
//! starts the job, outlives the engine, and leaves the kernel's status in the attempt's folder; see
//! `athanor_shim` for the records.
//!
//! Supervisors come from a nursery, a process that forks them ([`nursery`]); where there is none, each is started as a
//! program. Either way the attempt's claim decides that it runs once.

mod nursery;
mod outcome;

use std::ffi::OsString;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use athanor_core::outcome::FailureReason;
use athanor_shim::attempt::{Attempt, look};
use athanor_shim::identity::{Identity, Process, Request};
use athanor_shim::record::{Claim, Exit};
use athanor_shim::status::Status as ShimStatus;
use tokio::io::unix::AsyncFd;

use self::nursery::{Heard, Nursery};
use self::outcome::{cancelled_before_start, failed, from_exit, lost, refusal};
pub(crate) use self::outcome::{could_not_start, restarted};
use crate::error::{Error, ErrorKind, Result};
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
    /// The environment that was submitted.
    pub environment: Arc<Environment>,
    /// What the job's environment has on top of that.
    pub set: Environment,
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
    shim: Option<Supervisor>,
    cancel: bool,
    /// What was asked last: to stop, or to go on.
    pause: Option<bool>,
}

#[derive(Debug)]
enum Supervisor {
    /// Held by a handle.
    Held(Process),
    /// Known by name; a handle is only worth its cost when something is asked.
    Known(Identity),
}

impl Supervisor {
    fn ask(&self, request: Request) -> Result<()> {
        match self {
            Self::Held(process) => process.request(request)?,
            Self::Known(identity) => match identity.open()? {
                Some(process) => process.request(request)?,
                None => false,
            },
        };
        Ok(())
    }
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
        state.shim.as_ref().map_or(Ok(()), |shim| shim.ask(Request::Cancel))
    }

    /// Asks that all processes of the job be stopped, or go on. When there is no supervisor yet, it is asked as soon as
    /// it is there.
    ///
    /// # Errors
    /// The supervisor may not be signalled.
    pub fn pause(&self, paused: bool) -> Result<()> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.pause = Some(paused);
        state.shim.as_ref().map_or(Ok(()), |shim| shim.ask(hold(paused)))
    }

    fn attach(&self, shim: Supervisor) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = [state.pause.map(hold), state.cancel.then_some(Request::Cancel)];
        for request in asked.into_iter().flatten() {
            if let Err(error) = shim.ask(request) {
                tracing::warn!(%error, ?request, "a supervisor could not be told what was asked of its job");
            }
        }
        state.shim = Some(shim);
    }

    fn detach(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).shim = None;
    }

    fn cancelled(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).cancel
    }
}

fn hold(paused: bool) -> Request {
    if paused { Request::Pause } else { Request::Resume }
}

/// Starts and finds supervisors.
#[derive(Debug, Clone)]
pub struct Runner {
    shim: PathBuf,
    nursery: Arc<Nursery>,
}

/// Name of the supervisor's program.
const SHIM: &str = "athanor-shim";

impl Launch {
    /// The job's whole environment.
    fn variables(&self) -> impl Iterator<Item = (&String, &String)> {
        let submitted = self.environment.iter().filter(|(name, _)| !self.set.contains_key(*name));
        submitted.chain(&self.set)
    }
}

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
        let nursery = Arc::new(Nursery::start(&shim));
        Ok(Self { shim, nursery })
    }

    /// Runs one attempt to its end.
    ///
    /// `on_process` hears the identity of the job's main process as soon as it is known, unless that has ended by then.
    pub async fn run(
        &self,
        launch: Launch,
        control: Control,
        on_process: impl FnOnce(ProcessIdentity),
    ) -> Ended {
        let Some(mut status) = self.nursery.ask(&self.shim, &launch).await else {
            return self.run_alone(launch, control, on_process).await;
        };
        let program = launch.argv.first().cloned().unwrap_or_default();
        let Some(first) = status.first().await else {
            // The nursery ended before it had taken the request in, or its supervisor before it said a word, or one
            // that was there already is held up by the record of its last job. Whether that has begun stands in the
            // folder; if it begins now, the second supervisor finds the attempt taken.
            if has_not_begun(&launch.folder).await {
                return self.run_alone(launch, control, on_process).await;
            }
            return self.conclude(launch.folder, program, launch.cwd, control, None).await;
        };
        let shim = match status.is_over() {
            true => started(&first, |_| {}),
            false => started(&first, on_process),
        };
        if let Some(shim) = &shim {
            control.attach(Supervisor::Known(shim.clone()));
        }
        if let Some(exit) = status.record().await {
            // From here on it may work for another job, which a late request must not reach.
            control.detach();
            if may_go_on(&exit) {
                self.nursery.keep(status);
            }
            return Ended::Known(Box::new(from_exit(&exit, &program, &launch.cwd)));
        }
        if let Some(shim) = shim {
            wait_for(&shim).await;
        }
        self.conclude(launch.folder, program, launch.cwd, control, Some(first)).await
    }

    /// Runs an attempt with a supervisor that is a child of this process.
    async fn run_alone(
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
            control.attach(Supervisor::Held(shim));
            watched
        });
        let first = match Heard::new(status) {
            Some(mut status) => status.line().await,
            None => None,
        };
        if let Some(first) = &first {
            started(first, on_process);
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
        self.conclude(folder, program, cwd, control, first).await
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
            control.attach(Supervisor::Held(process));
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
        let look_again = || {
            let folder = folder.clone();
            tokio::task::spawn_blocking(move || look(&folder))
        };
        let mut found = look_again().await;
        if let Ok(Ok(Attempt::Running { shim, .. })) = &found {
            // Another supervisor than the one that was heard of has the attempt, or this one is about to end.
            control.attach(Supervisor::Known(shim.clone()));
            wait_for(shim).await;
            found = look_again().await;
        }
        match found {
            Ok(Ok(Attempt::Ended(exit))) => Ended::Known(Box::new(from_exit(&exit, &program, &cwd))),
            Ok(Ok(Attempt::Lost { shim, started })) => {
                let ended = tokio::task::spawn_blocking(move || lost(&folder, &shim, started.as_ref())).await;
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
        Attempt::Lost { shim, started } => Found::Over(lost(folder, &shim, started.as_ref())),
    })
}

fn identity(process: &Identity) -> ProcessIdentity {
    (process.pid, process.start_ticks, process.boot_id.clone())
}

/// Whether the supervisor of a job that ended so takes another one: it does so at once if the job left nothing behind
/// and was short. After a longer one it syncs the record first, and the time that is saved counts for nothing.
fn may_go_on(exit: &Exit) -> bool {
    exit.survivors_left == 0 && exit.elapsed_ms < SHORT_MS
}

/// Well below the time from which on records are synced.
const SHORT_MS: u64 = 500;

/// The supervisor's command line, without its name and the status descriptor.
fn words(launch: &Launch) -> Vec<OsString> {
    let mut words: Vec<OsString> = Vec::with_capacity(11 + launch.argv.len());
    let mut put = |name: &str, value: OsString| words.extend([OsString::from(name), value]);
    put("--dir", launch.folder.clone().into());
    put("--cwd", launch.cwd.clone().into());
    put("--log-limit", launch.log_limit.to_string().into());
    put("--grace-ms", launch.grace_ms.to_string().into());
    if let Some(limit) = launch.time_limit_ms {
        put("--time-limit-ms", limit.to_string().into());
    }
    words.push("--".into());
    words.extend(launch.argv.iter().map(OsString::from));
    words
}

/// Starts a supervisor as a program. Blocks for about a millisecond.
fn spawn(shim: &Path, launch: &Launch) -> Result<(Child, UnixStream)> {
    let pair = UnixStream::pair().and_then(|(reader, writer)| {
        reader.set_nonblocking(true)?;
        Ok((reader, writer))
    });
    let (reader, writer) = pair.map_err(|cause| Error::path("make a socket for", shim, &cause))?;
    let mut command = Command::new(shim);
    // The supervisor's standard output is its status line; it keeps none of our descriptors.
    command.args(["--status-fd", "1"]).args(words(launch));
    command.env_clear().envs(launch.variables());
    command.stdin(Stdio::null()).stdout(std::os::fd::OwnedFd::from(writer)).stderr(Stdio::null());
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

/// Tells of a start; returns who supervises it.
fn started(status: &ShimStatus, on_process: impl FnOnce(ProcessIdentity)) -> Option<Identity> {
    let ShimStatus::Started { pid, start_ticks, shim_pid, shim_start_ticks } = *status else { return None };
    let boot_id = athanor_shim::identity::boot_id().ok()?;
    on_process((pid, start_ticks, boot_id.clone()));
    Some(Identity { pid: shim_pid, start_ticks: shim_start_ticks, boot_id })
}

/// Whether nobody has claimed the attempt.
async fn has_not_begun(folder: &Path) -> bool {
    let folder = folder.to_owned();
    let found = tokio::task::spawn_blocking(move || look(&folder)).await;
    matches!(found, Ok(Ok(Attempt::Unclaimed)))
}

/// Waits until a supervisor has ended that is no child of ours.
async fn wait_for(shim: &Identity) {
    if let Ok(Some(process)) = shim.open()
        && let Some(watched) = watch(&process)
    {
        wait(watched).await;
    }
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

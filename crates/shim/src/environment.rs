//! The shim's own process: signals, descriptors, session, and waiting for children.
//!
//! Signals are caught by a handler and not blocked or ignored: a handler is reset by exec, so the job starts with
//! default dispositions and an empty mask without any work between fork and exec. That keeps `posix_spawn` usable,
//! which is what makes the start fast.

use std::ffi::c_char;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use rustix::process::{set_child_subreaper, setsid};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};

static WAKE: AtomicI32 = AtomicI32::new(-1);
/// Whether this process is a nursery or was forked by one, which has prepared for all what is the same for all.
static PREPARED: AtomicBool = AtomicBool::new(false);
static TERMS: AtomicU32 = AtomicU32::new(0);
/// The newest of the requests to pause and to resume: 0 none, else the signal's number.
static HOLD: AtomicI32 = AtomicI32::new(0);

/// The state of a child that has ended.
pub struct Ended {
    pub pid: u32,
    /// As wait4 gives it.
    pub status: i32,
    pub user_us: u64,
    pub system_us: u64,
    /// Bytes.
    pub max_rss: u64,
}

/// What was asked of the shim since the last look.
pub struct Asked {
    pub cancels: u32,
    pub hold: Option<Hold>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    Pause,
    Resume,
}

/// Becomes readable when a signal came.
pub struct Signals {
    wake: OwnedFd,
}

impl Signals {
    /// Makes the signals of this process ours. Whatever the parent had ignored or blocked is undone, for the
    /// job's sake as well.
    pub fn take() -> io::Result<Signals> {
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        WAKE.store(wake.as_raw_fd(), Ordering::SeqCst);
        match PREPARED.load(Ordering::SeqCst) {
            true => dispose(libc::SIGCHLD, handle as *const () as libc::sighandler_t),
            false => catch_all(),
        }
        Ok(Signals { wake })
    }

    pub fn fd(&self) -> &OwnedFd {
        &self.wake
    }

    pub fn asked(&self) -> Asked {
        let mut count = [0; 8];
        let _ = rustix::io::read(&self.wake, &mut count);
        let hold = match HOLD.swap(0, Ordering::SeqCst) {
            libc::SIGUSR1 => Some(Hold::Pause),
            libc::SIGUSR2 => Some(Hold::Resume),
            _ => None,
        };
        Asked { cancels: TERMS.swap(0, Ordering::SeqCst), hold }
    }
}

fn catch_all() {
    for signal in 1..=libc::SIGRTMAX() {
        match signal {
            libc::SIGKILL | libc::SIGSTOP => {}
            // Raised by the process's own faults, for which there is no going on.
            libc::SIGSEGV
            | libc::SIGBUS
            | libc::SIGFPE
            | libc::SIGILL
            | libc::SIGABRT
            | libc::SIGTRAP
            | libc::SIGSYS => dispose(signal, libc::SIG_DFL),
            // The terminal's signals, SIGPIPE and SIGXFSZ (a write then fails with EFBIG) change nothing;
            // they end in the handler, too, because "ignored" would be inherited by the job.
            _ => dispose(signal, handle as *const () as libc::sighandler_t),
        }
    }
    unblock_all();
}

/// Prepares a nursery: what each of its supervisors would have to do for itself is done once. Its children are reaped
/// by the kernel, and a SIGTERM still ends it, and whoever it forks until that has taken its signals.
pub fn prepare() {
    catch_all();
    dispose(libc::SIGCHLD, libc::SIG_IGN);
    PREPARED.store(true, Ordering::SeqCst);
}

/// Leaves the parent's session, terminal and descriptors behind, and takes in orphans. Returns the status
/// descriptor, moved out of the way of the standard ones.
///
/// An inherited pipe would keep its reader waiting for as long as the job runs, or raise SIGPIPE once it is gone.
pub fn detach(status_fd: Option<RawFd>) -> io::Result<Option<OwnedFd>> {
    // Fails only where this process leads a group already, which then does as well.
    let _ = setsid();
    set_child_subreaper(Some(rustix::process::getpid()))?;
    let status = match status_fd {
        // A number that is not open means that nobody listens.
        Some(fd) => duplicate(fd).ok(),
        None => None,
    };
    let null = open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    dup2_stdin(&null)?;
    dup2_stdout(&null)?;
    dup2_stderr(&null)?;
    drop(null);
    match &status {
        Some(kept) => {
            let kept = kept.as_raw_fd().unsigned_abs();
            close_range(3, kept - 1);
            close_range(kept + 1, u32::MAX);
        }
        None => close_range(3, u32::MAX),
    }
    Ok(status)
}

/// Takes one ended child off the kernel's list. `Ok(None)`: none has ended; `ECHILD`: there are no children, and
/// since this process is a subreaper, no descendants either.
pub fn reap() -> Result<Option<Ended>, Errno> {
    let mut status = 0;
    let (pid, usage) = wait4(&mut status);
    match u32::try_from(pid) {
        Ok(0) => Ok(None),
        Ok(pid) => Ok(Some(Ended {
            pid,
            status,
            user_us: micros(usage.ru_utime),
            system_us: micros(usage.ru_stime),
            max_rss: u64::try_from(usage.ru_maxrss).unwrap_or(0) * 1024,
        })),
        Err(_) => Err(Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::CHILD)),
    }
}

fn micros(time: libc::timeval) -> u64 {
    let part = |n: i64| u64::try_from(n).unwrap_or(0);
    part(time.tv_sec) * 1_000_000 + part(time.tv_usec)
}

extern "C" fn handle(signal: libc::c_int) {
    match signal {
        libc::SIGTERM if WAKE.load(Ordering::SeqCst) < 0 => end_now(),
        libc::SIGTERM => {
            TERMS.fetch_add(1, Ordering::SeqCst);
        }
        libc::SIGUSR1 | libc::SIGUSR2 => HOLD.store(signal, Ordering::SeqCst),
        // Worth a look at the children.
        libc::SIGCHLD => {}
        _ => return,
    }
    let fd = WAKE.load(Ordering::SeqCst);
    if fd >= 0 {
        wake(fd);
    }
}

#[allow(
    unsafe_code,
    reason = "the descriptor is only known by number in a signal handler; it is never closed"
)]
fn wake(fd: RawFd) {
    // SAFETY: `Signals` lives until the process ends. rustix makes the system call itself and leaves errno alone,
    // as a handler must.
    let fd = unsafe { BorrowedFd::borrow_raw(fd) };
    let _ = rustix::io::write(fd, &1u64.to_ne_bytes());
}

#[allow(unsafe_code, reason = "the one way to end from a signal handler")]
fn end_now() {
    // SAFETY: `_exit` may be called from a handler, and runs nothing of this program.
    unsafe { libc::_exit(libc::EXIT_SUCCESS) }
}

#[allow(unsafe_code, reason = "rustix does not wrap sigaction")]
fn dispose(signal: i32, disposition: libc::sighandler_t) {
    // SAFETY: the struct is plain data, and the handler only touches atomics and makes one system call. The calls
    // that the C library keeps for itself are refused with EINVAL, which is fine.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = disposition;
        action.sa_flags = libc::SA_RESTART | libc::SA_NOCLDSTOP;
        libc::sigaction(signal, &action, std::ptr::null_mut());
    }
}

/// Makes a copy of this process. True in the copy.
#[allow(unsafe_code, reason = "rustix does not wrap fork")]
pub fn fork() -> Result<bool, Errno> {
    // SAFETY: this program has one thread, so the copy is as whole as the original.
    match unsafe { libc::fork() } {
        0 => Ok(true),
        -1 => Err(Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::AGAIN)),
        _ => Ok(false),
    }
}

/// Makes the strings of a request's body, each `NAME=VALUE` with a closing zero, the environment of this process and of
/// what it starts. The first `skipped` strings are none.
#[allow(unsafe_code, reason = "setting variables one by one takes time in the square of their number")]
pub fn replace_environment(body: Vec<u8>, skipped: usize) {
    unsafe extern "C" {
        static mut environ: *const *const c_char;
    }
    /// Strings and list of the present environment, where it came with a request.
    static PRESENT: Mutex<Option<Present>> = Mutex::new(None);
    struct Present {
        _strings: Vec<u8>,
        _list: Vec<usize>,
    }
    let strings = body.split_inclusive(|byte| *byte == 0).skip(skipped);
    let mut list: Vec<usize> = strings.map(|string| string.as_ptr() as usize).collect();
    list.push(0);
    // SAFETY: there is one thread, and nobody holds on to the old list. The new one and its strings stay where they are
    // until they are replaced in turn; moving a vector does not move what it points to.
    unsafe {
        environ = list.as_ptr().cast();
    }
    *PRESENT.lock().unwrap_or_else(PoisonError::into_inner) = Some(Present { _strings: body, _list: list });
}

#[allow(unsafe_code, reason = "rustix does not wrap sigprocmask")]
fn unblock_all() {
    // SAFETY: both calls get a valid pointer to a set on this stack; there is one thread.
    unsafe {
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &none, std::ptr::null_mut());
    }
}

#[allow(unsafe_code, reason = "rustix's wait calls do not return the resource usage")]
fn wait4(status: &mut i32) -> (libc::pid_t, libc::rusage) {
    // SAFETY: both pointers are valid for the call; rusage is plain data.
    unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        (libc::wait4(-1, status, libc::WNOHANG | libc::__WALL, &mut usage), usage)
    }
}

#[allow(unsafe_code, reason = "the number comes from the command line and has no owner here yet")]
fn duplicate(fd: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: a number that is not open gives EBADF; the borrow ends with the call.
    let copy = fcntl_dupfd_cloexec(unsafe { BorrowedFd::borrow_raw(fd) }, 3)?;
    Ok(copy)
}

#[allow(unsafe_code, reason = "closes descriptors that were inherited and have no owner in this process")]
fn close_range(first: u32, last: u32) {
    if first > last {
        return;
    }
    // SAFETY: called before this program has opened any descriptor in the range.
    if unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) } == 0 {
        return;
    }
    // Kernels before 5.9.
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return };
    let open: Vec<RawFd> = entries.flatten().filter_map(|e| e.file_name().to_str()?.parse().ok()).collect();
    for fd in open {
        if (first..=last).contains(&fd.unsigned_abs()) {
            // SAFETY: as above; the listing's own descriptor is closed already, which gives EBADF.
            unsafe { libc::close(fd) };
        }
    }
}

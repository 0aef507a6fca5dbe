//! What the engine is compared to: task-spooler, and a loop that does nothing but start and wait.

use std::path::Path;
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::engine::Folder;
use crate::process::{answer, call, call_within, find_program};

/// How long all jobs of a round may take to end once the last was added.
const LIMIT: Duration = Duration::from_secs(60);

/// A task-spooler server of our own, with two slots; ends when it is dropped, with its folder if nobody keeps that.
pub struct TaskSpooler {
    folder: Rc<Folder>,
}

impl TaskSpooler {
    /// Nothing where task-spooler is not installed.
    pub fn start() -> Result<Option<Self>> {
        if find_program("tsp").is_none() {
            return Ok(None);
        }
        // Its processes leave their parents. Whoever inherits them must wait for them, and the first
        // process of a container often does not: a thousand dead ones would stay behind.
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
            .context("taking in task-spooler's processes")?;
        let spooler = Self { folder: Rc::new(Folder::create()?) };
        // The first call starts the server.
        call(&mut spooler.command(&["-S", "2"])).context("starting the task-spooler server")?;
        Ok(Some(spooler))
    }

    /// `tsp` with `arguments`, talking to this server.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("tsp");
        command.args(arguments).env("TS_SOCKET", self.folder.path.join("socket"));
        // Where it keeps what the jobs print, a file each.
        command.env("TMPDIR", &self.folder.path);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    /// A folder for the files of the measurement's own jobs.
    pub fn scratch(&self) -> &Path {
        &self.folder.path
    }

    /// The folder, to be removed when the last to hold it lets go.
    pub fn folder(&self) -> Rc<Folder> {
        self.folder.clone()
    }

    /// Waits for the last job that was added, then until no other is left.
    pub fn wait_all(&self) -> Result<()> {
        let limit = Instant::now() + LIMIT;
        call_within(&mut self.command(&["-w"]), LIMIT)?;
        loop {
            let list =
                answer(self.command(&[]).stdout(Stdio::piped())).context("listing task-spooler's jobs")?;
            let left =
                list.lines().filter(|line| line.contains(" running ") || line.contains(" queued ")).count();
            if left == 0 {
                bury_the_dead();
                return Ok(());
            }
            if Instant::now() > limit {
                bail!("{left} of task-spooler's jobs did not end within {} s", LIMIT.as_secs());
            }
            // A list of thousands costs its server as much as a few jobs do.
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for TaskSpooler {
    fn drop(&mut self) {
        let _ = self.command(&["-K"]).status();
        bury_the_dead();
    }
}

/// Waits for every child that has ended. No child that somebody else here waits for may be among
/// them, which holds while an engine is the only other one and lives.
fn bury_the_dead() {
    while let Ok(Some(_)) = rustix::process::wait(rustix::process::WaitOptions::NOHANG) {}
}

/// Starts and waits for `count` times `true` on two threads: what no queue can be faster than.
pub fn bare_loop(count: usize) -> Result<Duration> {
    let started = Instant::now();
    let half = || -> Result<()> {
        for _ in 0..count / 2 {
            call(Command::new("true").stdin(Stdio::null()))?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(half);
        half()?;
        other.join().map_err(|_| anyhow::anyhow!("a thread of the bare loop panicked"))?
    })?;
    Ok(started.elapsed())
}

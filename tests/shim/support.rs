//! Starting shims in temporary folders, waiting for conditions, and leaving no process behind.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use athanor_shim::attempt::{Attempt, end_orphans, look, read_started};
use athanor_shim::identity::{Identity, Request};
use athanor_shim::log::LogFolder;
use athanor_shim::record::{Exit, Started};
use athanor_shim::tree::descendants;
use rustix::process::Signal;
use tempfile::TempDir;

pub const SHIM: &str = env!("CARGO_BIN_EXE_athanor-shim");
const PATIENCE: Duration = Duration::from_secs(60);

/// Looks again until there is something to see. The time only bounds how long a broken test takes.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let give_up = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < give_up, "waited in vain until {what}");
        sleep(Duration::from_millis(3));
    }
}

pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    wait_for(what, || holds().then_some(()));
}

/// A temporary folder with an attempt in it. `$T` in jobs is the folder, `$DIR` the attempt's.
pub struct Bench {
    root: TempDir,
    pub dir: PathBuf,
}

impl Bench {
    pub fn new() -> Bench {
        let root = tempfile::tempdir().expect("temporary folder");
        let dir = root.path().join("attempt");
        Bench { root, dir }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    pub fn touch(&self, name: &str) {
        fs::write(self.path(name), "").expect("write");
    }

    pub fn wait_file(&self, name: &str) {
        wait_until(&format!("{name} exists"), || self.path(name).exists());
    }

    /// The processes whose pids the job wrote into a file, a line each, once there are `count`.
    pub fn pids(&self, name: &str, count: usize) -> Vec<Identity> {
        wait_for(&format!("{name} has {count} pids"), || {
            let text = self.text(name);
            let pids: Vec<u32> = text.lines().filter_map(|line| line.parse().ok()).collect();
            (pids.len() == count && text.ends_with('\n')).then_some(pids)
        })
        .into_iter()
        .map(|pid| Identity::of(pid).expect("readable").expect("the process lives"))
        .collect()
    }

    pub fn command<S: AsRef<OsStr>>(&self, options: &[&str], job: &[S]) -> Command {
        let mut command = Command::new(SHIM);
        command.arg("--dir").arg(&self.dir).args(options).arg("--").args(job);
        self.prepare(&mut command);
        command
    }

    /// The same through a shell line, in which `"$@"` is the shim's command line.
    pub fn through(&self, line: &str, options: &[&str], script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", line, "sh", SHIM, "--dir"]).arg(&self.dir);
        command.args(options).args(["--", "sh", "-c", script]);
        self.prepare(&mut command);
        command
    }

    fn prepare(&self, command: &mut Command) {
        command.env("T", self.root.path()).env("DIR", &self.dir);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    }

    pub fn start(&self, options: &[&str], script: &str) -> Running<'_> {
        self.start_command(&mut self.command(options, &["sh", "-c", script]))
    }

    pub fn start_command(&self, command: &mut Command) -> Running<'_> {
        Running { bench: self, child: command.spawn().expect("the shim can be started") }
    }

    /// Runs a job to its end.
    pub fn run(&self, options: &[&str], script: &str) -> Exit {
        self.start(options, script).finish()
    }

    pub fn log(&self) -> LogFolder {
        LogFolder::open(&self.dir).expect("the folder is there")
    }

    /// The whole log that is left.
    pub fn output(&self) -> Vec<u8> {
        self.log().read(0, usize::MAX).expect("the log is readable").bytes
    }

    pub fn exit(&self) -> Exit {
        match look(&self.dir).expect("readable") {
            Attempt::Ended(exit) => exit,
            other => panic!("the attempt has not ended: {other:?}"),
        }
    }

    /// Names in the attempt's folder, in order.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.dir).expect("list");
        let mut names: Vec<String> =
            entries.map(|e| e.expect("entry").file_name().into_string().expect("UTF-8")).collect();
        names.sort();
        names
    }
}

/// A shim that runs. Dropped early, it is killed with all that it started.
pub struct Running<'a> {
    bench: &'a Bench,
    pub child: Child,
}

impl Running<'_> {
    pub fn started(&self) -> Started {
        wait_for("the job has started", || read_started(&self.bench.dir).expect("readable"))
    }

    pub fn request(&self, request: Request) {
        let shim = self.started().shim;
        let shim = shim.open().expect("pidfd").expect("the shim runs");
        assert!(shim.request(request).expect("the shim may be signalled"));
    }

    pub fn code(mut self) -> i32 {
        let status = wait_for("the shim has ended", || self.child.try_wait().expect("wait"));
        status.code().expect("the shim ends by itself")
    }

    pub fn finish(self) -> Exit {
        let bench = self.bench;
        assert_eq!(self.code(), 0, "the shim did its work");
        let exit = bench.exit();
        if let Some(job) = &exit.job {
            assert!(!job.is_alive().expect("readable"), "an ended job has ended");
        }
        exit
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        let Ok(Some(shim)) = Identity::of(self.child.id()) else { return };
        let started = read_started(&self.bench.dir).ok().flatten();
        // While the shim lives, it holds together what is to be ended.
        let below = descendants(shim.pid).unwrap_or_default();
        let _ = self.child.kill();
        let _ = self.child.wait();
        for process in below {
            let _ = process.signal(Signal::KILL);
        }
        let _ = end_orphans(&shim, started.as_ref().map(|s| &s.job), Signal::KILL);
    }
}

pub fn is_gone(process: &Identity) -> bool {
    !process.is_alive().expect("readable")
}

pub fn state(process: &Identity) -> u8 {
    athanor_shim::tree::Stat::read(process.pid).expect("readable").expect("it lives").state
}

/// A file system of its own that can be full, or `None` where mounting is not allowed.
pub struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    pub fn mount(path: &Path, size: &str) -> Option<SmallDisk> {
        fs::create_dir_all(path).expect("folder");
        let options = format!("size={size},mode=700");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &options, "none"]).arg(path).stderr(Stdio::null());
        let mounted = mount.status().is_ok_and(|status| status.success());
        mounted.then(|| SmallDisk { path: path.to_owned() })
    }

    pub fn fill(&self) -> PathBuf {
        let ballast = self.path.join("ballast");
        let mut file = fs::File::create(&ballast).expect("create");
        while std::io::Write::write(&mut file, &[0; 4096]).is_ok() {}
        ballast
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, should a failed test have left a process in it.
        let _ = Command::new("umount").arg("-l").arg(&self.path).status();
    }
}

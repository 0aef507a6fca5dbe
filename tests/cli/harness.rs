//! A data folder of its own for each test, the real programs on it, and nothing left behind.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use athanor_nvml_test::script::{Gpu, Script};
use athanor_shim::claim::read_claim;
use athanor_shim::identity::Request;
use athanor_shim::record::Claim;
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::wait::wait_until;

/// A data folder and a working directory, both temporary.
pub struct Athanor {
    root: TempDir,
    engine: Option<Child>,
}

impl Athanor {
    /// An empty data folder; no engine runs.
    pub fn new() -> Self {
        let root = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(root.path().join("work")).expect("a working directory");
        Self { root, engine: None }
    }

    /// An engine with so many slots.
    pub fn serving(slots: u32) -> Self {
        let mut athanor = Self::new();
        athanor.serve(&["--slots", &slots.to_string()]);
        athanor
    }

    pub fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    pub fn work(&self) -> PathBuf {
        self.root.path().join("work")
    }

    /// Where the desktop keeps data, its trash among them.
    pub fn share(&self) -> PathBuf {
        self.root.path().join("share")
    }

    pub fn attempt(&self, uid: &str, number: u32) -> PathBuf {
        self.home().join("attempts").join(uid).join(number.to_string())
    }

    /// The command line in the working directory.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_athanor"));
        command.args(arguments).env("ATHANOR_HOME", self.home()).current_dir(self.work());
        // What is put into the trash must not end up in that of whoever runs the tests.
        command.env("XDG_DATA_HOME", self.share());
        if self.gpu_script().exists() {
            let library = athanor_nvml_test::built_library().expect("it was built with this test");
            command.env("ATHANOR_NVML", library).env(athanor_nvml_test::SCRIPT_VARIABLE, self.gpu_script());
        }
        command
    }

    fn gpu_script(&self) -> PathBuf {
        self.root.path().join("gpus.json")
    }

    /// A machine with such GPUs, `GPU-0` and on, each with so much memory in GiB. To be said before an engine starts.
    pub fn with_gpus(memory: &[u64]) -> Self {
        let gpus = memory.iter().enumerate().map(|(index, memory)| Gpu {
            uuid: format!("GPU-{index}"),
            name: Some("NVIDIA A100".into()),
            memory_total: memory << 30,
            utilisation: Some(0.0.into()),
            ..Gpu::default()
        });
        let athanor = Self::new();
        athanor.set_gpus(&Script { gpus: gpus.collect(), ..Script::default() });
        athanor
    }

    /// Changes the machine's GPUs, also while an engine runs.
    pub fn set_gpus(&self, script: &Script) {
        script.write(&self.gpu_script()).expect("written");
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the command line starts")
    }

    /// Standard output of a command that must succeed.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let (out, err) = texts(&output);
        assert!(output.status.success(), "{arguments:?} ended with {:?}\n{out}{err}", output.status.code());
        out
    }

    /// Exit code and standard error of a command that must not succeed.
    pub fn fails(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.run(arguments);
        let (out, err) = texts(&output);
        let code = output.status.code().unwrap_or(-1);
        assert_ne!(code, 0, "{arguments:?} should have failed\n{out}{err}");
        (code, err)
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        let mut all = vec!["--json"];
        all.extend(arguments);
        let text = self.ok(&all);
        serde_json::from_str(&text)
            .unwrap_or_else(|cause| panic!("{arguments:?} printed no JSON ({cause}): {text}"))
    }

    /// Queues with these arguments of `add` and returns the uid.
    pub fn add(&self, arguments: &[&str]) -> String {
        let mut all = vec!["add"];
        all.extend(arguments);
        self.ok(&all).trim().to_owned()
    }

    /// Writes a file in the working directory.
    pub fn file(&self, name: &str, text: &str) {
        std::fs::write(self.work().join(name), text).expect("written");
    }

    /// What a command prints that is given a text on standard input.
    pub fn fed(&self, arguments: &[&str], text: &str) -> Output {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the command line starts");
        // One that refuses before it reads closes its end.
        let _ = child.stdin.take().expect("a pipe").write_all(text.as_bytes());
        child.wait_with_output().expect("it has ended")
    }

    /// Names of what `ls` lists, in its order.
    pub fn names(&self, arguments: &[&str]) -> Vec<String> {
        let mut all = vec!["ls"];
        all.extend(arguments);
        let list = self.json(&all);
        let list = list.as_array().expect("a list");
        list.iter().map(|experiment| experiment["name"].as_str().expect("a name").to_owned()).collect()
    }

    /// Queues a shell line and returns its uid.
    pub fn add_shell(&self, line: &str) -> String {
        self.ok(&["add", "--shell", "--", line]).trim().to_owned()
    }

    /// Starts an engine and waits until it answers.
    pub fn serve(&mut self, arguments: &[&str]) {
        assert!(self.engine.is_none(), "one engine at a time");
        let mut all = vec!["serve"];
        all.extend(arguments);
        self.spawn_engine(&all);
        self.until_served();
    }

    /// Waits until the engine that was started answers. That a command succeeds is no sign of it: one that finds no
    /// engine takes the data folder for its own short time and answers by itself, and many of them in a row would keep
    /// the engine out on a busy machine. Who only knocks at the socket is in nobody's way.
    pub fn until_served(&self) {
        let socket = self.home().join("athanor.sock");
        wait_until("the engine listens", || UnixStream::connect(&socket).ok());
        wait_until("the engine answers", || self.run(&["status"]).status.success().then_some(()));
    }

    /// Starts an engine without waiting for it.
    pub fn serve_unwatched(&mut self) {
        self.spawn_engine(&["serve"]);
    }

    fn spawn_engine(&mut self, arguments: &[&str]) {
        let said = std::fs::File::options().create(true).append(true).open(self.said()).expect("writable");
        let mut command = self.command(arguments);
        command.stdout(Stdio::null()).stderr(said).stdin(Stdio::null());
        self.engine = Some(command.spawn().expect("the engine starts"));
    }

    /// What the engines said on standard error.
    fn said(&self) -> PathBuf {
        self.root.path().join("said")
    }

    pub fn engine_pid(&self) -> u32 {
        self.engine.as_ref().expect("an engine runs").id()
    }

    /// kill -9, without a word.
    pub fn kill_engine(&mut self) {
        let mut engine = self.engine.take().expect("an engine runs");
        engine.kill().expect("it can be killed");
        engine.wait().expect("it has ended");
    }

    /// An orderly end.
    pub fn stop_engine(&mut self) {
        let mut engine = self.engine.take().expect("an engine runs");
        signal(engine.id(), Signal::TERM);
        let status = engine.wait().expect("it has ended");
        assert!(status.success(), "an engine that is told to stop ends well: {status}");
    }

    pub fn experiment(&self, uid: &str) -> Value {
        self.json(&["show", uid])["experiment"].clone()
    }

    pub fn status(&self, uid: &str) -> String {
        self.experiment(uid)["status"].as_str().expect("a status").to_owned()
    }

    /// Waits until an experiment has this status, and returns all that is known of it.
    pub fn until_status(&self, uid: &str, status: &str) -> Value {
        wait_until(&format!("{uid} is {status}"), || {
            let detail = self.json(&["show", uid]);
            (detail["experiment"]["status"] == status).then_some(detail)
        })
    }

    /// The pid of an experiment's job, once it runs.
    pub fn job_pid(&self, uid: &str) -> u32 {
        let folder = self.attempt(uid, 1);
        wait_until("the job has started", || athanor_shim::attempt::read_started(&folder).ok().flatten())
            .job
            .pid
    }

    pub fn shim_pid(&self, uid: &str) -> u32 {
        match wait_until("the attempt is claimed", || read_claim(&self.attempt(uid, 1)).ok().flatten()) {
            Claim::Shim(shim) => shim.pid,
            Claim::Void(_) => panic!("the attempt was declared void"),
        }
    }

    fn folders(&self) -> Vec<PathBuf> {
        let list = |path: &Path| -> Vec<PathBuf> {
            std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
        };
        list(&self.home().join("attempts")).iter().flat_map(|uid| list(uid)).collect()
    }
}

impl Drop for Athanor {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let said = std::fs::read_to_string(self.said()).unwrap_or_default();
            let (started, more): (Vec<_>, Vec<_>) =
                said.lines().partition(|line| line.starts_with("Athanor serves"));
            eprintln!("{} engines started; what else they said: {}", started.len(), more.join("\n"));
        }
        if let Some(mut engine) = self.engine.take() {
            let _ = engine.kill();
            let _ = engine.wait();
        }
        for folder in self.folders() {
            let Ok(Some(Claim::Shim(shim))) = read_claim(&folder) else { continue };
            // The second request ends the job at once.
            while let Ok(Some(process)) = shim.open() {
                let _ = process.request(Request::Cancel);
                crate::wait::wait_a_moment(5);
            }
        }
    }
}

/// Standard output and error as text.
pub fn texts(output: &Output) -> (String, String) {
    (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

pub fn signal(pid: u32, signal: Signal) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).expect("a pid")).expect("a pid is not 0");
    rustix::process::kill_process(pid, signal).expect("the process is there");
}

/// Whether a process can still run code.
pub fn lives(pid: u32) -> bool {
    athanor_shim::tree::Stat::read(pid).ok().flatten().is_some_and(|stat| stat.is_alive())
}

/// An executable file.
pub fn script(path: &Path, text: &str) {
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o755)
        .open(path)
        .expect("writable");
    file.write_all(text.as_bytes()).expect("written");
}

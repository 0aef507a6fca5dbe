//! A headless engine on a data folder of its own, for the time of a measurement.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::process::{call_within, forget_cargo};
use crate::workspace::Workspace;

/// How long all jobs of a round may take to end once the last was added.
const LIMIT: Duration = Duration::from_secs(60);

/// Ends when it is dropped, with its data folder if nobody keeps that.
pub struct Engine {
    child: Child,
    program: PathBuf,
    home: Rc<Folder>,
}

impl Engine {
    /// Starts `athanor serve` with `arguments` and waits until it answers.
    pub fn start(workspace: &Workspace, arguments: &[&str]) -> Result<Self> {
        Self::start_with(workspace, arguments, &[])
    }

    /// As [`Engine::start`], with more in its environment.
    pub fn start_with(
        workspace: &Workspace,
        arguments: &[&str],
        environment: &[(&str, &Path)],
    ) -> Result<Self> {
        let program = workspace.program(true, "athanor");
        let home = Rc::new(Folder::create()?);
        let log = home.path.join("serve.log");
        let output = std::fs::File::create(&log).with_context(|| format!("creating {}", log.display()))?;
        let mut serve = Command::new(&program);
        serve.arg("serve").args(arguments).env("ATHANOR_HOME", home.path.join("home"));
        serve.envs(environment.iter().copied());
        serve.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        forget_cargo(&mut serve, &workspace.target);
        let child = serve.spawn().with_context(|| format!("starting {}", program.display()))?;
        let mut engine = Self { child, program, home };
        engine.wait_until_it_answers().with_context(|| {
            format!("the engine said:\n{}", std::fs::read_to_string(&log).unwrap_or_default())
        })?;
        Ok(engine)
    }

    fn wait_until_it_answers(&mut self) -> Result<()> {
        let limit = Instant::now() + Duration::from_secs(20);
        loop {
            let mut status = self.client(&["status"]);
            if status.output().context("starting `athanor status`")?.status.success() {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("`athanor serve` ended with {status}");
            }
            if Instant::now() > limit {
                bail!("`athanor serve` did not answer within 20 s");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// `athanor` with `arguments`, talking to this engine and saying nothing.
    pub fn client(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).env("ATHANOR_HOME", self.home.path.join("home"));
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    /// Waits for the recorded outcome of every job.
    pub fn wait_all(&self) -> Result<()> {
        call_within(&mut self.client(&["wait", "--all"]), LIMIT)
    }

    /// Calls a command over the socket; its answer.
    pub fn call(&self, method: &str, params: &Value) -> Result<Value> {
        let line = json!({ "version": 1, "method": method, "params": params });
        let mut answer = String::new();
        self.ask(&line)?.read_line(&mut answer).with_context(|| format!("hearing the answer of {method}"))?;
        let mut answer: Value = serde_json::from_str(&answer).with_context(|| format!("reading {method}"))?;
        ensure!(answer["error"].is_null(), "{method} failed: {}", answer["error"]);
        Ok(answer["result"].take())
    }

    /// What the engine tells from now on, one push a line.
    pub fn listen(&self) -> Result<BufReader<UnixStream>> {
        let mut pushes = self.ask(&json!({ "version": 1, "method": "listen" }))?;
        let mut hello = String::new();
        pushes.read_line(&mut hello).context("hearing that the engine tells")?;
        ensure!(hello.contains("\"hello\""), "the engine does not tell: {hello}");
        Ok(pushes)
    }

    fn ask(&self, line: &Value) -> Result<BufReader<UnixStream>> {
        let mut stream =
            UnixStream::connect(self.home.path.join("home/athanor.sock")).context("connecting")?;
        stream.write_all(format!("{line}\n").as_bytes()).context("asking")?;
        Ok(BufReader::new(stream))
    }

    /// Queues `count` times `true` in one call.
    pub fn add_together(&self, count: usize) -> Result<()> {
        let cwd = std::env::current_dir().context("finding the working directory")?;
        let job = json!({
            "command": ["true"], "cwd": cwd, "name": null, "project": null, "priority": "normal",
            "environment": null, "set": {}, "config_path": null, "tags": [], "notes": "",
            "time_limit_ms": null, "grace_ms": null,
        });
        let params = json!({ "experiments": vec![job; count] });
        let request = json!({ "version": 1, "method": "experiments.add", "params": params });
        let mut answer = String::new();
        self.ask(&request)?.read_line(&mut answer).context("listening")?;
        let refusal = answer.get(..400).unwrap_or(&answer);
        ensure!(answer.starts_with("{\"result\""), "the engine did not take the jobs: {refusal}");
        Ok(())
    }

    /// The data folder, to be removed when the last to hold it lets go.
    pub fn folder(&self) -> Rc<Folder> {
        self.home.clone()
    }

    /// The process id of the engine.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// A folder for the files of the measurement's own jobs.
    pub fn scratch(&self) -> &std::path::Path {
        &self.home.path
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(id) = rustix::process::Pid::from_raw(self.child.id().cast_signed()) {
            let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        }
        let _ = self.child.wait();
    }
}

/// A new folder below the system's folder for temporary files, removed when dropped.
pub struct Folder {
    pub path: PathBuf,
}

impl Folder {
    /// Creates one that did not exist before.
    pub fn create() -> Result<Self> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("athanor-bench-{}-{count}", std::process::id()));
        std::fs::create_dir(&path).with_context(|| format!("creating {}", path.display()))?;
        Ok(Self { path })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left in the folder for temporary files does no harm.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

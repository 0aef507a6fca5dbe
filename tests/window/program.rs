//! The program under test: started by WebKit's driver with a data folder of its own, and watched through its page, its
//! process and its engine's socket.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail, ensure};
use athanor_api::Home;
use athanor_api::command::{self, GetExperiment, ReadLog};
use athanor_api::socket::Client;
use athanor_api::wire::{self, ExperimentDetail, ExperimentRef, Nothing, Settings, Status};
use athanor_nvml_test::script::Script;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use thirtyfour::prelude::*;

use crate::wait::wait_for;

/// A data folder and everything else that the program may write into.
pub struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Result<Self> {
        Ok(Self { folder: tempfile::tempdir()? })
    }

    /// Where the desktop keeps what the user has configured.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("config")
    }

    /// Dialogs of the desktop are to stand still: no blinking cursor, nothing that glides.
    pub fn draw_nothing_that_moves(&self) -> Result<()> {
        let folder = self.config().join("gtk-3.0");
        std::fs::create_dir_all(&folder)?;
        let settings = "[Settings]\ngtk-cursor-blink=0\ngtk-enable-animations=0\n";
        Ok(std::fs::write(folder.join("settings.ini"), settings)?)
    }

    fn gpus(&self) -> PathBuf {
        self.folder.path().join("gpus.json")
    }

    /// The machine's GPUs; before the program starts, or while it runs.
    pub fn set_gpus(&self, script: &Script) -> Result<()> {
        Ok(script.write(&self.gpus())?)
    }

    pub fn home(&self) -> Home {
        Home::at(self.folder.path().join("data"))
    }

    /// A folder to run jobs in.
    pub fn work(&self) -> Result<PathBuf> {
        let work = self.folder.path().join("work");
        std::fs::create_dir_all(&work)?;
        Ok(work)
    }

    /// A command in this place's environment.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env("ATHANOR_HOME", self.home().root())
            .env("XDG_CONFIG_HOME", self.config())
            .env("XDG_CACHE_HOME", self.folder.path().join("cache"))
            .env("XDG_DATA_HOME", self.folder.path().join("share"))
            .env("GTK_THEME", "Adwaita")
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        if let (true, Ok(library)) = (self.gpus().exists(), athanor_nvml_test::built_library()) {
            command.env("ATHANOR_NVML", library).env(athanor_nvml_test::SCRIPT_VARIABLE, self.gpus());
        }
        command
    }

    /// The desktop program beside this test.
    pub fn desktop() -> &'static str {
        env!("CARGO_BIN_EXE_athanor-desktop")
    }

    /// The command line that was built with it.
    pub fn athanor() -> Result<PathBuf> {
        let program = Path::new(Self::desktop()).with_file_name("athanor");
        ensure!(program.is_file(), "{} is not built: `cargo build --workspace` builds it", program.display());
        Ok(program)
    }

    /// What the engine of this place answers.
    pub fn call<C: command::Command>(&self, input: &C::Input) -> Result<C::Output> {
        let mut client = Client::connect(&self.home())?.context("no engine serves here")?;
        Ok(client.call::<C>(input)?)
    }

    /// Queues a line for the shell, and gives its uid.
    pub fn queue(&self, name: &str, line: &str) -> Result<String> {
        self.queue_in(&self.work()?, None, name, line)
    }

    pub fn queue_in(&self, cwd: &Path, project: Option<&str>, name: &str, line: &str) -> Result<String> {
        let new = serde_json::json!({ "command": line, "cwd": cwd, "name": name, "project": project });
        let experiments = vec![serde_json::from_value(new)?];
        let added = self.call::<command::AddExperiments>(&wire::AddExperiments { experiments })?;
        Ok(added.experiments[0].uid.clone())
    }

    pub fn experiment(&self, uid: &str) -> Result<ExperimentDetail> {
        self.call::<GetExperiment>(&ExperimentRef { uid: uid.to_owned() })
    }

    pub async fn wait_for_status(&self, uid: &str, status: Status) -> Result<ExperimentDetail> {
        wait_for(&format!("{uid} to be {status:?}"), async || {
            let detail = self.experiment(uid)?;
            let now = detail.experiment.status;
            if now == status { Ok(detail) } else { bail!("it is {now:?}") }
        })
        .await
    }

    /// The whole log of an experiment.
    pub fn log(&self, uid: &str) -> Result<String> {
        let ask = wire::ReadLog {
            uid: uid.to_owned(),
            attempt: None,
            offset: 0,
            limit: None,
            raw: false,
            stream: None,
        };
        Ok(self.call::<ReadLog>(&ask)?.text)
    }

    pub fn change_settings(&self, change: &wire::ChangeSettings) -> Result<Settings> {
        self.call::<command::ChangeSettings>(change)
    }

    pub async fn wait_for_engine(&self) -> Result<wire::EngineInfo> {
        wait_for("an engine", async || self.call::<command::EngineInfo>(&Nothing {})).await
    }

    /// What the program wrote into its own log.
    pub fn own_log(&self) -> Result<String> {
        let mut all = String::new();
        for entry in std::fs::read_dir(self.home().logs())? {
            all.push_str(&std::fs::read_to_string(entry?.path())?);
        }
        Ok(all)
    }
}

/// A running program with its page.
pub struct Program {
    driver: Child,
    page: Option<WebDriver>,
    pub pid: u32,
}

impl Program {
    /// Starts the program and waits until its page can be used.
    pub async fn start(place: &Place) -> Result<Self> {
        // Free now, and taken again at once.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let driver = place
            .command("WebKitWebDriver")
            .args(["--host=127.0.0.1", &format!("--port={port}")])
            .spawn()
            .context("starting WebKitWebDriver; `cargo xtask setup --test` installs it")?;
        let mut program = Self { driver, page: None, pid: 0 };
        wait_for("the driver", async || Ok(TcpStream::connect((Ipv4Addr::LOCALHOST, port))?)).await?;
        let mut wanted = Capabilities::new();
        wanted
            .set("webkitgtk:browserOptions", serde_json::json!({ "binary": Place::desktop(), "args": [] }))?;
        let page = WebDriver::new(format!("http://127.0.0.1:{port}"), wanted).await?;
        program.page = Some(page);
        program.pid = wait_for("the program", async || program.child()).await?;
        Ok(program)
    }

    /// The program that the driver started.
    fn child(&self) -> Result<u32> {
        let driver = self.driver.id();
        let children = std::fs::read_to_string(format!("/proc/{driver}/task/{driver}/children"))?;
        let wanted = Path::new(Place::desktop()).canonicalize()?;
        children
            .split_whitespace()
            .filter_map(|pid| pid.parse().ok())
            .find(|pid: &u32| std::fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == wanted))
            .with_context(|| format!("the driver's children are {children}"))
    }

    pub fn page(&self) -> &WebDriver {
        self.page.as_ref().expect("the program runs")
    }

    /// The texts of all such elements.
    pub async fn texts(&self, css: &str) -> Result<Vec<String>> {
        let script = "return [...document.querySelectorAll(arguments[0])].map((it) => it.textContent)";
        Ok(self.page().execute(script, vec![css.into()]).await?.convert()?)
    }

    /// Whether there is an element now whose text has these words.
    pub async fn sees(&self, css: &str, words: &str) -> Result<()> {
        let found = self.texts(css).await?;
        ensure!(found.iter().any(|text| text.contains(words)), "there is {found:?}");
        Ok(())
    }

    /// Waits for an element whose text has these words.
    pub async fn see(&self, css: &str, words: &str) -> Result<()> {
        wait_for(&format!("“{words}” in {css}"), async || self.sees(css, words).await).await
    }

    /// Waits until there is no such element.
    pub async fn see_no_element(&self, css: &str) -> Result<()> {
        wait_for(&format!("no {css}"), async || {
            let found = self.texts(css).await?;
            ensure!(found.is_empty(), "there is {found:?}");
            Ok(())
        })
        .await
    }

    /// Waits for an element to be there.
    pub async fn see_element(&self, css: &str) -> Result<()> {
        wait_for(css, async || Ok(self.page().find(By::Css(css)).await.map(drop)?)).await
    }

    /// Clicks the first element with these words, once it can be clicked.
    pub async fn click(&self, css: &str, words: &str) -> Result<()> {
        let script = "return [...document.querySelectorAll(arguments[0])]
            .find((it) => it.textContent.includes(arguments[1]) && !it.disabled) ?? null";
        self.click_what(script, vec![css.into(), words.into()], words).await
    }

    /// Clicks an element that has no words, once it can be clicked.
    pub async fn click_on(&self, css: &str) -> Result<()> {
        let script =
            "const it = document.querySelector(arguments[0]); return it === null || it.disabled ? null : it";
        self.click_what(script, vec![css.into()], css).await
    }

    /// Opens an experiment from the list at hand, whatever the list looks like.
    pub async fn open(&self, name: &str) -> Result<()> {
        let script = "return [...document.querySelectorAll('main .view *')]
            .findLast((it) => it.textContent.trim() === arguments[0]) ?? null";
        self.click_what(script, vec![name.into()], name).await
    }

    async fn click_what(&self, script: &str, arguments: Vec<serde_json::Value>, words: &str) -> Result<()> {
        wait_for(&format!("a click on “{words}”"), async || {
            let found = self.page().execute(script, arguments.clone()).await?;
            ensure!(!found.json().is_null(), "it is not there");
            // Between the look and the click a list may have moved on; then the next look finds it.
            Ok(found.element()?.click().await?)
        })
        .await
    }

    pub fn is_alive(&self) -> bool {
        is_alive(self.pid)
    }

    /// Ends the program as a crash does.
    pub async fn kill(&mut self) -> Result<()> {
        self.forget_page();
        signal(self.pid, Signal::KILL)?;
        self.wait_for_end().await
    }

    /// Asks the program to end, as the desktop does at logout.
    pub async fn terminate(&mut self) -> Result<()> {
        self.forget_page();
        signal(self.pid, Signal::TERM)?;
        self.wait_for_end().await
    }

    pub async fn wait_for_end(&self) -> Result<()> {
        wait_for("the program's end", async || {
            ensure!(!is_alive(self.pid), "process {} is there", self.pid);
            Ok(())
        })
        .await
    }

    /// The session ends with the program; there is nothing to close.
    fn forget_page(&mut self) {
        if let Some(page) = self.page.take() {
            // It fails when it was forgotten before.
            let _ = page.leak();
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.forget_page();
        if self.pid != 0 && is_alive(self.pid) {
            let _ = signal(self.pid, Signal::KILL);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// A program that is killed when the test ends.
pub struct Guard(pub Child);

impl Guard {
    pub async fn wait_for_exit(&mut self) -> Result<ExitStatus> {
        wait_for("a program's exit", async || self.0.try_wait()?.context("it still runs")).await
    }

    pub fn terminate(&self) -> Result<()> {
        signal(self.0.id(), Signal::TERM)
    }

    /// Ends it as a crash does.
    pub async fn kill(&mut self) -> Result<()> {
        self.0.kill()?;
        self.wait_for_exit().await.map(drop)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn pid(number: u32) -> Result<Pid> {
    Pid::from_raw(number.cast_signed()).context("0 is no process")
}

pub fn is_alive(number: u32) -> bool {
    // One that ended and was not waited for yet is dead, too.
    let stat = std::fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().next());
    pid(number).is_ok_and(|pid| test_kill_process(pid).is_ok()) && state != Some("Z")
}

fn signal(number: u32, signal: Signal) -> Result<()> {
    Ok(kill_process(pid(number)?, signal)?)
}

//! A screen that exists only in memory, with a window manager, for tests and pictures of the window.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

/// An X server without a screen and a window manager on it; both end when this is dropped.
pub struct Display {
    name: String,
    // The window manager goes before the server that it is a client of.
    _window_manager: Guard,
    _server: Guard,
    runtime_folder: Option<PathBuf>,
}

impl Display {
    /// Starts the server on the first free number, and the window manager.
    pub fn start() -> Result<Self> {
        // The server itself chooses the number and tells it: two at once never take the same.
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1440x900x24", "-nolisten", "tcp"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("starting Xvfb; `cargo xtask setup --test` installs it")?;
        let output = server.stdout.take();
        let server = Guard(server);
        let mut number = String::new();
        if let Some(pipe) = output {
            BufReader::new(pipe).read_line(&mut number).context("reading the display's number from Xvfb")?;
        }
        if number.trim().is_empty() {
            bail!("Xvfb ended without a display; start `Xvfb -displayfd 1` by hand to see why");
        }
        let name = format!(":{}", number.trim());
        let window_manager = Command::new("openbox")
            .arg("--sm-disable")
            .env("DISPLAY", &name)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("starting openbox; `cargo xtask setup --test` installs it")?;
        Ok(Self {
            name,
            _window_manager: Guard(window_manager),
            _server: server,
            runtime_folder: runtime_folder()?,
        })
    }

    /// A command that will run `program` on this display with a message bus of its own, and that is
    /// ended after `seconds`.
    pub fn command(&self, program: &str, seconds: u32) -> Command {
        let mut command = Command::new("timeout");
        command
            .args(["--kill-after=10", &seconds.to_string(), "dbus-run-session", "--", program])
            .env("DISPLAY", &self.name)
            .env("GDK_BACKEND", "x11")
            .env_remove("WAYLAND_DISPLAY");
        if let Some(folder) = &self.runtime_folder {
            command.env("XDG_RUNTIME_DIR", folder);
        }
        command
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        if let Some(folder) = &self.runtime_folder {
            // It lies in the folder for temporary files; what cannot be removed does no harm there.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// A folder for sockets where the session has none, as on a build server.
fn runtime_folder() -> Result<Option<PathBuf>> {
    use std::os::unix::fs::DirBuilderExt;

    if std::env::var_os("XDG_RUNTIME_DIR").is_some_and(|folder| PathBuf::from(folder).is_dir()) {
        return Ok(None);
    }
    let folder = std::env::temp_dir().join(format!("athanor-xtask-{}", std::process::id()));
    std::fs::DirBuilder::new()
        .mode(0o700)
        .create(&folder)
        .with_context(|| format!("creating {}", folder.display()))?;
    Ok(Some(folder))
}

/// A program that is asked to end, and waited for, when this is dropped.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        // SIGTERM, so that the server takes its lock file and socket away with it.
        if let Some(id) = rustix::process::Pid::from_raw(self.0.id().cast_signed()) {
            let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        }
        let _ = self.0.wait();
    }
}

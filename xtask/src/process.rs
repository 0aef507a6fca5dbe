//! Starting other programs: saying what is started, and what to do when it cannot be or fails.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Says what is being done, on a line that stands out among the output of other programs.
pub fn say(text: &str) {
    // With nobody left to read it, the work still goes on.
    let _ = writeln!(std::io::stdout(), "==> {text}");
}

/// Runs `command` with our own output; fails when it does.
pub fn call(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| cannot_start(command))?;
    check(command, status)
}

/// As [`call`], and fails when it does not end in time; then it is ended.
pub fn call_within(command: &mut Command, limit: Duration) -> Result<()> {
    let mut child = command.spawn().with_context(|| cannot_start(command))?;
    let end = Instant::now() + limit;
    loop {
        match child.try_wait().with_context(|| format!("waiting for {}", shown(command)))? {
            Some(status) => return check(command, status),
            None if Instant::now() > end => {
                let _ = child.kill();
                let _ = child.wait();
                bail!("{} did not end within {} s", shown(command), limit.as_secs());
            }
            None => thread::sleep(Duration::from_millis(1)),
        }
    }
}

/// Runs `command` and hands each line of its output on, to our own output and to `each_line`.
///
/// - Standard output and standard error stay apart, each in its own order.
/// - The end is the end of `command` itself: a program that it left behind, such as a message bus,
///   may keep the pipes open for ever and is not waited for.
pub fn call_reading_lines(command: &mut Command, mut each_line: impl FnMut(&str)) -> Result<()> {
    const QUIET: Duration = Duration::from_millis(200);

    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| cannot_start(command))?;
    let (sender, lines) = mpsc::channel();
    if let Some(pipe) = child.stdout.take() {
        copy(pipe, std::io::stdout(), sender.clone());
    }
    if let Some(pipe) = child.stderr.take() {
        copy(pipe, std::io::stderr(), sender);
    }
    let mut ended = None;
    let status = loop {
        match lines.recv_timeout(QUIET) {
            Ok(line) => each_line(&line),
            // Both pipes are closed.
            Err(RecvTimeoutError::Disconnected) => break child.wait(),
            Err(RecvTimeoutError::Timeout) => match ended {
                // It had ended a while ago, and nothing has come since.
                Some(status) => break Ok(status),
                None => ended = child.try_wait().transpose().and_then(Result::ok),
            },
        }
    };
    check(command, status.with_context(|| format!("waiting for {}", shown(command)))?)
}

fn copy(pipe: impl Read + Send + 'static, mut to: impl Write + Send + 'static, lines: mpsc::Sender<String>) {
    thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        let mut line = Vec::new();
        while matches!(reader.read_until(b'\n', &mut line), Ok(1..)) {
            if to.write_all(&line).and_then(|()| to.flush()).is_err() {
                return;
            }
            let text = String::from_utf8_lossy(&line);
            if lines.send(text.trim_end().to_owned()).is_err() {
                return;
            }
            line.clear();
        }
    });
}

/// The standard output of `command`, or nothing when it cannot be started or fails.
pub fn answer(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Where `name` is on the search path, if anywhere.
pub fn find_program(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(|path| rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok() && path.is_file())
}

/// Takes out of `command`'s environment what cargo put there for us.
///
/// The window hands its environment on to the user's jobs, and a job should not meet the library
/// path and package variables of a program that it has nothing to do with.
pub fn forget_cargo(command: &mut Command, target: &Path) {
    let toolchain = answer(Command::new("rustc").args(["--print", "sysroot"]));
    let ours = |folder: &PathBuf| {
        folder.starts_with(target)
            || toolchain.as_deref().is_some_and(|sysroot| folder.starts_with(sysroot.trim_end()))
    };
    if let Some(folders) = std::env::var_os("LD_LIBRARY_PATH") {
        let kept: Vec<PathBuf> = std::env::split_paths(&folders)
            .filter(|folder| !ours(folder) && !folder.as_os_str().is_empty())
            .collect();
        match std::env::join_paths(&kept) {
            Ok(joined) if !kept.is_empty() => command.env("LD_LIBRARY_PATH", joined),
            _ => command.env_remove("LD_LIBRARY_PATH"),
        };
    }
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(set_by_cargo) {
            command.env_remove(name);
        }
    }
}

fn set_by_cargo(name: &str) -> bool {
    name == "CARGO"
        || name == "RUST_RECURSION_COUNT"
        || name == "RUSTUP_TOOLCHAIN"
        || ["CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_BIN_", "CARGO_CRATE_"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

fn check(command: &Command, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("{} ended with {status}", shown(command));
    }
    Ok(())
}

fn cannot_start(command: &Command) -> String {
    format!("starting {}", shown(command))
}

/// The command as one would type it.
fn shown(command: &Command) -> String {
    let mut words = vec![Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy()];
    words.extend(command.get_args().map(|argument| argument.to_string_lossy()));
    format!("`{}`", words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_both_streams_are_read_and_a_failure_is_named() {
        let mut seen = Vec::new();
        let mut command = Command::new("sh");
        command.args(["-c", "echo one; echo two >&2; printf three; exit 4"]);
        let error = call_reading_lines(&mut command, |line| seen.push(line.to_owned())).unwrap_err();
        seen.sort();
        assert_eq!(seen, ["one", "three", "two"]);
        assert!(error.to_string().contains("exit status: 4"), "{error}");
    }

    #[test]
    fn what_a_command_leaves_behind_is_not_waited_for() {
        let mut seen = Vec::new();
        let mut command = Command::new("sh");
        // The one left behind holds both pipes until it is ended here.
        command.args(["-c", "sleep 600 & echo $!"]);
        call_reading_lines(&mut command, |line| seen.push(line.to_owned())).unwrap();
        let id = rustix::process::Pid::from_raw(seen[0].parse().unwrap()).unwrap();
        rustix::process::kill_process(id, rustix::process::Signal::KILL).unwrap();
    }

    #[test]
    fn what_takes_too_long_is_ended_and_said() {
        let long = Duration::from_secs(60);
        call_within(&mut Command::new("true"), long).unwrap();
        assert!(
            call_within(&mut Command::new("false"), long).unwrap_err().to_string().contains("exit status: 1")
        );
        let error = call_within(Command::new("sleep").arg("600"), Duration::ZERO).unwrap_err();
        assert!(error.to_string().contains("did not end within 0 s"), "{error}");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = call(&mut Command::new("no-such-program-here")).unwrap_err();
        assert!(format!("{error:#}").contains("`no-such-program-here`"), "{error:#}");
    }

    #[test]
    fn only_what_cargo_sets_is_taken_out() {
        for name in ["CARGO", "CARGO_PKG_NAME", "CARGO_MANIFEST_DIR", "RUSTUP_TOOLCHAIN"] {
            assert!(set_by_cargo(name), "{name} is cargo's");
        }
        for name in ["CARGO_HOME", "CARGO_TARGET_DIR", "CARGOES", "PATH"] {
            assert!(!set_by_cargo(name), "{name} is the user's");
        }
    }
}

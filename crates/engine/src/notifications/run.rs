//! Running the hook: a command with a time limit, or one POST. Blocking; called off the runtime's threads.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use athanor_core::notification::mask;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use ureq::tls::{RootCerts, TlsConfig};

/// A command may take so long.
const COMMAND_MAX: Duration = Duration::from_secs(30);

/// An address may take so long, in all.
const POST_MAX: Duration = Duration::from_secs(15);

/// Bytes of a command's complaints that are read; the last line of them is shown.
const COMPLAINT_MAX: usize = 4096;

/// Runs a command, the JSON on its standard input. Success is exit code 0.
///
/// It is the leader of a process group of its own, which is killed when it takes too long.
pub(super) fn command(argv: &[String], json: &str, home: &Path) -> Result<(), String> {
    let Some((program, arguments)) = argv.split_first() else {
        return Err("the command names no program".into());
    };
    let mut child = Command::new(program)
        .args(arguments)
        .env("ATHANOR_HOME", home)
        .current_dir(home)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|cause| format!("“{program}” can't be started: {cause}"))?;
    let written = feed(&mut child, json);
    let complaint = child.stderr.take();
    let ended = wait(&mut child, complaint, COMMAND_MAX);
    let (status, complaint) = match ended {
        Ok(ended) => ended,
        Err(why) => {
            end_group(&mut child);
            return Err(why);
        }
    };
    if status.success() {
        return Ok(());
    }
    let what = match (status.code(), std::os::unix::process::ExitStatusExt::signal(&status)) {
        (Some(code), _) => format!("it ended with exit code {code}"),
        (None, Some(signal)) => format!("it was ended by signal {signal}"),
        (None, None) => "it ended in an unknown way".into(),
    };
    match (mask::quote(&complaint, &[]), written) {
        (Some(line), _) => Err(format!("{what}: {line}")),
        (None, Err(cause)) => Err(format!("{what}, and did not read what it was given: {cause}")),
        (None, Ok(())) => Err(what),
    }
}

/// Writes the JSON, which fits the pipe's buffer, and closes it. One that does not read it is no error by itself.
/// A few dozen jobs of long names may need more room than a pipe usually has.
fn feed(child: &mut Child, json: &str) -> std::io::Result<()> {
    let Some(mut pipe) = child.stdin.take() else { return Ok(()) };
    if json.len() > 32 << 10 {
        rustix::pipe::fcntl_setpipe_size(&pipe, json.len())?;
    }
    rustix::io::ioctl_fionbio(&pipe, true)?;
    match pipe.write_all(json.as_bytes()) {
        Err(cause) if cause.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Waits for the end and reads what is complained of meanwhile. It ends when the command does, also where something
/// that it began keeps its descriptors.
fn wait(
    child: &mut Child,
    mut complaint: Option<ChildStderr>,
    limit: Duration,
) -> Result<(ExitStatus, String), String> {
    let broken = |cause: std::io::Error| format!("it can't be waited for: {cause}");
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or("it has no process id")?;
    let watch = pidfd_open(pid, PidfdFlags::empty()).map_err(|cause| broken(cause.into()))?;
    if let Some(pipe) = &complaint {
        rustix::io::ioctl_fionbio(pipe, true).map_err(|cause| broken(cause.into()))?;
    }
    let deadline = Instant::now() + limit;
    let mut text = Vec::new();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(format!("it did not end within {} seconds and was killed", limit.as_secs()));
        }
        let mut watched = vec![PollFd::new(&watch, PollFlags::IN)];
        if let Some(pipe) = &complaint {
            watched.push(PollFd::new(pipe, PollFlags::IN));
        }
        let left = Timespec::try_from(left).map_err(|_| "the time limit is too long")?;
        match poll(&mut watched, Some(&left)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(cause) => return Err(broken(cause.into())),
        }
        let ended = !watched[0].revents().is_empty();
        let spoke = watched.get(1).is_some_and(|pipe| !pipe.revents().is_empty());
        drop(watched);
        if spoke || ended {
            let open = complaint.as_mut().is_some_and(|pipe| drain(pipe, &mut text));
            if !open {
                complaint = None;
            }
        }
        if ended {
            let status = child.wait().map_err(broken)?;
            return Ok((status, String::from_utf8_lossy(&text).into_owned()));
        }
    }
}

/// Reads what there is and keeps the end of it; false when there will be no more.
fn drain(pipe: &mut ChildStderr, text: &mut Vec<u8>) -> bool {
    let mut piece = [0; 4096];
    loop {
        match pipe.read(&mut piece) {
            Ok(0) => return false,
            Ok(count) => {
                text.extend_from_slice(&piece[..count]);
                let over = text.len().saturating_sub(COMPLAINT_MAX);
                text.drain(..over);
            }
            Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
            Err(cause) => return cause.kind() == ErrorKind::WouldBlock,
        }
    }
}

fn end_group(child: &mut Child) {
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // It fails where nobody is left.
        let _ = kill_process_group(pid, Signal::KILL);
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// Whether something can be posted to an address.
pub(super) fn check_address(url: &str) -> Result<(), String> {
    const FORM: &str = "the address looks like https://example.com/hook";
    let parsed: ureq::http::Uri = url.parse().map_err(|_| FORM.to_owned())?;
    match parsed.scheme_str() {
        Some("http" | "https") if parsed.host().is_some_and(|host| !host.is_empty()) => Ok(()),
        Some("http" | "https") | None => Err(FORM.into()),
        Some(other) => Err(format!("“{other}” is no address that can be posted to: {FORM}")),
    }
}

/// Posts the JSON. Success is an answer of the two hundreds. A redirect is not followed: what is posted may be meant
/// for the one that the user named alone.
pub(super) fn post(url: &str, json: String) -> Result<(), String> {
    check_address(url)?;
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(POST_MAX))
        .max_redirects(0)
        .http_status_as_error(false)
        .user_agent(concat!("athanor/", env!("CARGO_PKG_VERSION")))
        .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
        .build()
        .new_agent();
    let shown = mask::address(url);
    let answer = agent.post(url).content_type("application/json").send(json).map_err(|cause| {
        let cause = match cause {
            ureq::Error::Timeout(_) => format!("it did not answer within {} seconds", POST_MAX.as_secs()),
            cause => cause.to_string().replace(url, &shown),
        };
        format!("{shown} can't be reached: {cause}")
    })?;
    let status = answer.status();
    match status.as_u16() {
        200..300 => Ok(()),
        300..400 => Err(format!(
            "{shown} answered {status}: it wants another address, which is not followed; enter that one"
        )),
        _ => Err(format!("{shown} answered {status}")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;

    use super::*;

    fn shell(line: &str, json: &str) -> Result<(), String> {
        let dir = tempfile::tempdir().expect("temporary folder");
        command(&["/bin/sh".into(), "-c".into(), line.into()], json, dir.path())
    }

    #[test]
    fn a_command_is_given_the_json_and_judged_by_its_exit() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let argv = |line: &str| vec!["/bin/sh".to_owned(), "-c".to_owned(), line.to_owned()];
        command(&argv("cat > given"), "{\"id\":1}", dir.path()).expect("runs");
        assert_eq!(std::fs::read_to_string(dir.path().join("given")).expect("written"), "{\"id\":1}");
        shell("true", &"x".repeat(60_000)).expect("what is not read is no fault");
        let why = shell("echo first >&2; printf '\\033[31mno route\\033[0m\\n' >&2; exit 3", "{}")
            .expect_err("fails");
        assert_eq!(why, "it ended with exit code 3: no route");
        assert_eq!(shell("kill -9 $$", "{}").expect_err("fails"), "it was ended by signal 9");
        let why = command(&["/nowhere/hook".into()], "{}", dir.path()).expect_err("fails");
        assert!(why.starts_with("“/nowhere/hook” can't be started: "), "{why}");
    }

    #[test]
    fn what_a_command_leaves_behind_is_not_waited_for() {
        let began = Instant::now();
        shell("sleep 20 & exit 0", "{}").expect("runs");
        shell("head -c 300000 /dev/zero >&2; exit 0", "{}").expect("its complaints do not block it");
        assert!(began.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_command_that_does_not_end_is_killed_with_all_it_began() {
        let mut child = Command::new("/bin/sh")
            .args(["-c", "sleep 300 & wait"])
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("starts");
        let complaint = child.stderr.take();
        let why = wait(&mut child, complaint, Duration::from_millis(50)).expect_err("too long");
        assert!(why.contains("did not end within"), "{why}");
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a pid");
        end_group(&mut child);
        // Whoever is left in the group is about to end; a signal finds nobody soon.
        let deadline = Instant::now() + Duration::from_secs(10);
        while rustix::process::test_kill_process_group(group).is_ok() {
            assert!(Instant::now() < deadline, "something of it lives");
            std::thread::yield_now();
        }
    }

    /// A server that gives one answer and says what it was sent.
    fn answering(answer: &'static str) -> (String, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/secret-path", listener.local_addr().expect("an address"));
        let served = std::thread::spawn(move || {
            let (stream, _) = listener.accept().expect("a guest");
            let mut reader = BufReader::new(stream);
            let (mut head, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).expect("a line");
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().expect("a number");
                }
                head.push_str(&line);
                if line == "\r\n" {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).expect("a body");
            reader.get_mut().write_all(answer.as_bytes()).expect("answered");
            head + &String::from_utf8_lossy(&body)
        });
        (url, served)
    }

    #[test]
    fn an_address_is_posted_to_and_judged_by_its_answer() {
        let (url, served) = answering("HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
        post(&url, "{\"id\":2}".into()).expect("posted");
        let asked = served.join().expect("served");
        assert!(asked.starts_with("POST /secret-path HTTP/1.1") && asked.ends_with("{\"id\":2}"), "{asked}");
        assert!(asked.to_ascii_lowercase().contains("content-type: application/json"), "{asked}");

        let (url, served) = answering("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
        let why = post(&url, "{}".into()).expect_err("refused");
        served.join().expect("served");
        assert!(why.ends_with("answered 404 Not Found") && !why.contains("secret-path"), "{why}");

        let (url, served) =
            answering("HTTP/1.1 302 Found\r\nlocation: file:///etc/passwd\r\ncontent-length: 0\r\n\r\n");
        let why = post(&url, "{}".into()).expect_err("refused");
        served.join().expect("served");
        assert!(why.contains("another address"), "{why}");
    }

    #[test]
    fn an_address_where_nobody_is_says_so_without_its_secret() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/secret-path", listener.local_addr().expect("an address"));
        drop(listener);
        let why = post(&url, "{}".into()).expect_err("nobody");
        assert!(why.contains("can't be reached") && !why.contains("secret-path"), "{why}");
        assert!(post("https://127.0.0.1:1/x", "{}".into()).expect_err("nobody").contains("can't be reached"));
    }
}

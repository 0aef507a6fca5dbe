//! The command line. The engine writes it, people see it in `ps`.

use std::ffi::OsString;
use std::os::fd::RawFd;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

pub const USAGE: &str = "\
usage: athanor-shim --dir FOLDER [options] -- PROGRAM [ARGUMENT...]
       athanor-shim --nursery    (forks shims as the socket on its standard input asks)
  --dir FOLDER         the attempt's folder, absolute; created if missing
  --cwd FOLDER         the job's working directory (default: the shim's)
  --log-limit BYTES    size at which the log is rotated (default 67108864, at least 1024)
  --grace-ms N         time between SIGTERM and SIGKILL (default 10000)
  --time-limit-ms N    running time after which the job is ended
  --status-fd N        descriptor for one line on how the start went";

/// Below this a segment would hold hardly more than a notice about dropped output.
const LEAST_LOG_LIMIT: u64 = 1024;
/// A hundred years; beyond, times would overflow the clock.
const LONGEST_MS: u64 = 100 * 366 * 86_400_000;

#[derive(Debug, PartialEq, Eq)]
pub struct Args {
    pub dir: PathBuf,
    pub cwd: Option<PathBuf>,
    pub log_limit: u64,
    pub grace: Duration,
    pub time_limit: Option<Duration>,
    pub status_fd: Option<RawFd>,
    pub program: OsString,
    pub arguments: Vec<OsString>,
}

pub fn parse(mut words: impl Iterator<Item = OsString>) -> Result<Args, String> {
    let mut dir = None;
    let mut cwd = None;
    let mut log_limit = 64 * 1024 * 1024;
    let mut grace = 10_000;
    let mut time_limit = None;
    let mut status_fd = None;
    loop {
        let Some(word) = words.next() else { return Err("`--` and the program are missing".to_owned()) };
        let Some(option) = word.to_str() else { return Err(format!("unknown option {word:?}")) };
        if option == "--" {
            break;
        }
        let mut value = || words.next().ok_or_else(|| format!("{option} needs a value"));
        match option {
            "--dir" => dir = Some(PathBuf::from(value()?)),
            "--cwd" => cwd = Some(PathBuf::from(value()?)),
            "--log-limit" => log_limit = number::<u64>(option, value()?)?.max(LEAST_LOG_LIMIT),
            "--grace-ms" => grace = number::<u64>(option, value()?)?.min(LONGEST_MS),
            "--time-limit-ms" => time_limit = Some(number::<u64>(option, value()?)?.min(LONGEST_MS)),
            "--status-fd" => status_fd = Some(number::<u16>(option, value()?)?.into()),
            _ => return Err(format!("unknown option {option}")),
        }
    }
    let dir = dir.ok_or("--dir is missing")?;
    if !dir.is_absolute() {
        return Err(format!("--dir must be an absolute path, not {}", dir.display()));
    }
    Ok(Args {
        dir,
        cwd,
        log_limit,
        grace: Duration::from_millis(grace),
        time_limit: time_limit.map(Duration::from_millis),
        status_fd,
        program: words.next().ok_or("the program is missing after `--`")?,
        arguments: words.collect(),
    })
}

fn number<T: FromStr>(option: &str, value: OsString) -> Result<T, String> {
    let parsed = value.to_str().and_then(|text| text.parse().ok());
    parsed.ok_or_else(|| format!("{option} takes a number, not {}", value.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str) -> Result<Args, String> {
        parse(line.split(' ').map(OsString::from))
    }

    #[test]
    fn all_options_are_understood() {
        let args = check(
            "--dir /a --cwd b --log-limit 5000 --grace-ms 1 --time-limit-ms 2 --status-fd 9 -- p --dir x",
        )
        .expect("the line is valid");
        assert_eq!((args.dir, args.cwd), ("/a".into(), Some("b".into())));
        assert_eq!((args.log_limit, args.status_fd), (5000, Some(9)));
        assert_eq!(args.grace, Duration::from_millis(1));
        assert_eq!(args.time_limit, Some(Duration::from_millis(2)));
        assert_eq!((args.program, args.arguments), ("p".into(), vec!["--dir".into(), "x".into()]));
    }

    #[test]
    fn defaults_and_refusals() {
        let args = check("--dir /a -- p").expect("the line is valid");
        assert_eq!((args.log_limit, args.grace), (64 << 20, Duration::from_secs(10)));
        for (line, expected) in [
            ("--dir /a", "missing"),
            ("--dir /a --", "program is missing"),
            ("-- p", "--dir is missing"),
            ("--dir a -- p", "absolute"),
            ("--dir", "needs a value"),
            ("--dir /a --grace-ms x -- p", "takes a number"),
            ("--what /a -- p", "unknown option"),
        ] {
            let message = check(line).expect_err(line);
            assert!(message.contains(expected), "{line}: {message}");
        }
    }
}

//! The records in an attempt's folder, as types and as text.
//!
//! All share one format, made to be read by people and by any later version:
//!
//! ```text
//! athanor-exit 1
//! kind=exited
//! code=0
//! end
//! ```
//!
//! The first line holds kind and version, then one `key=value` a line, then `end`. A text without the final
//! `end` line was cut short and is not accepted. Unknown keys are skipped, so that an older engine reads a newer
//! shim. Bytes after `end` are ignored.
//!
//! The three records of an attempt stand in one file, each in a [`Slot`] of its own that is zero until it is written.

use std::fmt::{self, Display, Write};
use std::ops::Range;
use std::str::FromStr;

use crate::identity::Identity;

const VERSION: u32 = 1;

/// Size of the record file, bytes: one block, which is taken before the job starts.
pub const LEN: usize = 4096;

/// The place of a record in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// Holds a [`Claim`].
    Claim,
    /// Holds a [`Started`].
    Started,
    /// Holds an [`Exit`].
    Exit,
}

impl Slot {
    /// Where in the file it lies, bytes. No record comes near the size of its slot.
    #[must_use]
    pub fn range(self) -> Range<usize> {
        match self {
            Slot::Claim => 0..1024,
            Slot::Started => 1024..2048,
            Slot::Exit => 2048..LEN,
        }
    }

    /// The slot's part of a record file; empty if the file ends before it.
    #[must_use]
    pub fn of(self, file: &[u8]) -> &[u8] {
        let Range { start, end } = self.range();
        file.get(start..end.min(file.len())).unwrap_or_default()
    }
}

/// Who owns an attempt. Whoever creates this record first does, for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// This shim, which starts or has started the job.
    Shim(Identity),
    /// Nobody: this engine has declared that the attempt never starts.
    Void(Identity),
}

/// The job's main process exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// The job's main process, leader of its own process group.
    pub job: Identity,
    /// The shim that supervises it.
    pub shim: Identity,
    /// Wall-clock time of the start, milliseconds since 1970 UTC.
    pub started_ms: u64,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// What the kernel said.
    pub outcome: Outcome,
    /// Whether the shim ended it, and why.
    pub cause: Cause,
    /// The job's main process; absent where it could not be started.
    pub job: Option<Identity>,
    /// Wall-clock time of the start, milliseconds since 1970 UTC.
    pub started_ms: u64,
    /// Wall-clock time of the main process's end. Clocks get set; for a duration use `elapsed_ms`.
    pub ended_ms: u64,
    /// Time from start to end by a clock that nobody sets, pauses included.
    pub elapsed_ms: u64,
    /// Part of `elapsed_ms` that the job was paused.
    pub paused_ms: u64,
    /// What the job used.
    pub usage: Usage,
    /// What became of its output.
    pub log: LogTotals,
    /// Processes other than the main one that had to be ended: they outlived the main process, or the grace
    /// period.
    pub survivors_killed: u32,
    /// Processes that could not be ended because they run as another user (such as under `sudo`).
    pub survivors_left: u32,
}

/// The end of the main process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It called exit.
    Exited {
        /// The exit code, 0 to 255.
        code: i32,
    },
    /// A signal ended it.
    Signaled {
        /// The signal's number.
        signal: i32,
        /// Whether the kernel dumped a core.
        core: bool,
    },
    /// It never ran.
    SpawnFailed {
        /// What failed.
        stage: Stage,
        /// Why, as the kernel's `errno`.
        errno: i32,
    },
}

/// The step of the start that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Entering the working directory.
    Chdir,
    /// Creating the process or executing the program. `ENOENT` also means that a script's interpreter is missing.
    Exec,
}

/// Why the shim ended the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It did not.
    None,
    /// It was asked to while the main process ran.
    Cancel,
    /// The job's time was up.
    TimeLimit,
}

/// Resources used by the main process and all descendants that have ended, which at the end is all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// CPU time in user mode, microseconds.
    pub user_us: u64,
    /// CPU time in the kernel, microseconds.
    pub system_us: u64,
    /// Largest resident set of any one process, bytes.
    pub max_rss: u64,
}

/// The sums over a job's output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogTotals {
    /// Absolute end offset of the log: all bytes that were ever written to it, rotated ones included.
    pub bytes: u64,
    /// Bytes that could not be written (full disk) and are gone.
    pub dropped: u64,
    /// Bytes that were written, but whose files somebody removed while the job ran.
    pub lost: u64,
}

/// Why a text is not a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// The final `end` is missing: the writer was cut short.
    Incomplete,
    /// The first line names another kind, or is none of ours.
    WrongKind,
    /// Written by a version whose records this one cannot read.
    Version(u32),
    /// A key that must be there is not.
    Missing(&'static str),
    /// A key has a value that makes no sense.
    Invalid(&'static str),
}

impl Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Malformed::Incomplete => write!(f, "the record has no final `end` line"),
            Malformed::WrongKind => write!(f, "it is not a record of the expected kind"),
            Malformed::Version(v) => {
                write!(f, "the record has version {v}, this program reads version {VERSION}; update it")
            }
            Malformed::Missing(key) => write!(f, "the record has no `{key}`"),
            Malformed::Invalid(key) => write!(f, "the record's `{key}` has no valid value"),
        }
    }
}

impl std::error::Error for Malformed {}

impl Claim {
    /// The text of the record.
    pub fn format(&self) -> String {
        let (owner, identity) = match self {
            Claim::Shim(identity) => ("shim", identity),
            Claim::Void(identity) => ("void", identity),
        };
        let mut text = Text::new("claim");
        text.put("owner", owner);
        text.identity("", identity);
        text.put("boot_id", &identity.boot_id);
        text.end()
    }

    /// Reads the record.
    ///
    /// # Errors
    /// The text is not a complete claim.
    pub fn parse(text: &[u8]) -> Result<Claim, Malformed> {
        let fields = Fields::parse("claim", text)?;
        let identity = fields.identity("pid", "start_ticks")?;
        match fields.get("owner")? {
            "shim" => Ok(Claim::Shim(identity)),
            "void" => Ok(Claim::Void(identity)),
            _ => Err(Malformed::Invalid("owner")),
        }
    }
}

impl Started {
    /// The text of the record.
    pub fn format(&self) -> String {
        let mut text = Text::new("started");
        text.identity("", &self.job);
        text.identity("shim_", &self.shim);
        text.put("boot_id", &self.job.boot_id);
        text.put("started_ms", self.started_ms);
        text.end()
    }

    /// Reads the record.
    ///
    /// # Errors
    /// The text is not a complete record of a start.
    pub fn parse(text: &[u8]) -> Result<Started, Malformed> {
        let fields = Fields::parse("started", text)?;
        Ok(Started {
            job: fields.identity("pid", "start_ticks")?,
            shim: fields.identity("shim_pid", "shim_start_ticks")?,
            started_ms: fields.number("started_ms")?,
        })
    }
}

impl Exit {
    /// The text of the record.
    pub fn format(&self) -> String {
        let mut text = Text::new("exit");
        match self.outcome {
            Outcome::Exited { code } => {
                text.put("kind", "exited");
                text.put("code", code);
            }
            Outcome::Signaled { signal, core } => {
                text.put("kind", "signaled");
                text.put("signal", signal);
                text.put("core", u8::from(core));
            }
            Outcome::SpawnFailed { stage, errno } => {
                text.put("kind", "spawn_failed");
                text.put("stage", stage.word());
                text.put("errno", errno);
            }
        }
        text.put("cause", self.cause.word());
        if let Some(job) = &self.job {
            text.identity("", job);
            text.put("boot_id", &job.boot_id);
        }
        text.put("started_ms", self.started_ms);
        text.put("ended_ms", self.ended_ms);
        text.put("elapsed_ms", self.elapsed_ms);
        text.put("paused_ms", self.paused_ms);
        text.put("user_us", self.usage.user_us);
        text.put("system_us", self.usage.system_us);
        text.put("max_rss", self.usage.max_rss);
        text.put("log_bytes", self.log.bytes);
        text.put("log_dropped_bytes", self.log.dropped);
        text.put("log_lost_bytes", self.log.lost);
        text.put("survivors_killed", self.survivors_killed);
        text.put("survivors_left", self.survivors_left);
        text.end()
    }

    /// Reads the record.
    ///
    /// # Errors
    /// The text is not a complete record of an end.
    pub fn parse(text: &[u8]) -> Result<Exit, Malformed> {
        let fields = Fields::parse("exit", text)?;
        let outcome = match fields.get("kind")? {
            "exited" => Outcome::Exited { code: fields.number("code")? },
            "signaled" => Outcome::Signaled {
                signal: fields.number("signal")?,
                core: fields.number::<u8>("core")? != 0,
            },
            "spawn_failed" => Outcome::SpawnFailed {
                stage: Stage::from_word(fields.get("stage")?).ok_or(Malformed::Invalid("stage"))?,
                errno: fields.number("errno")?,
            },
            _ => return Err(Malformed::Invalid("kind")),
        };
        let job = match fields.get("pid") {
            Ok(_) => Some(fields.identity("pid", "start_ticks")?),
            Err(_) => None,
        };
        Ok(Exit {
            outcome,
            cause: Cause::from_word(fields.get("cause")?).ok_or(Malformed::Invalid("cause"))?,
            job,
            started_ms: fields.number("started_ms")?,
            ended_ms: fields.number("ended_ms")?,
            elapsed_ms: fields.number("elapsed_ms")?,
            paused_ms: fields.number("paused_ms")?,
            usage: Usage {
                user_us: fields.number("user_us")?,
                system_us: fields.number("system_us")?,
                max_rss: fields.number("max_rss")?,
            },
            log: LogTotals {
                bytes: fields.number("log_bytes")?,
                dropped: fields.number("log_dropped_bytes")?,
                lost: fields.number("log_lost_bytes")?,
            },
            survivors_killed: fields.number("survivors_killed")?,
            survivors_left: fields.number("survivors_left")?,
        })
    }
}

impl Stage {
    fn word(self) -> &'static str {
        match self {
            Stage::Chdir => "chdir",
            Stage::Exec => "exec",
        }
    }

    fn from_word(word: &str) -> Option<Stage> {
        [Stage::Chdir, Stage::Exec].into_iter().find(|stage| stage.word() == word)
    }
}

impl Cause {
    fn word(self) -> &'static str {
        match self {
            Cause::None => "none",
            Cause::Cancel => "cancel",
            Cause::TimeLimit => "time_limit",
        }
    }

    fn from_word(word: &str) -> Option<Cause> {
        [Cause::None, Cause::Cancel, Cause::TimeLimit].into_iter().find(|cause| cause.word() == word)
    }
}

struct Text(String);

impl Text {
    fn new(kind: &str) -> Text {
        Text(format!("athanor-{kind} {VERSION}\n"))
    }

    fn put(&mut self, key: &str, value: impl Display) {
        // Writing to a string can't fail.
        let _ = writeln!(self.0, "{key}={value}");
    }

    fn identity(&mut self, prefix: &str, identity: &Identity) {
        self.put(&format!("{prefix}pid"), identity.pid);
        self.put(&format!("{prefix}start_ticks"), identity.start_ticks);
    }

    fn end(mut self) -> String {
        self.0.push_str("end\n");
        self.0
    }
}

struct Fields<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Fields<'a> {
    fn parse(kind: &str, bytes: &'a [u8]) -> Result<Fields<'a>, Malformed> {
        // An allocated but unwritten file is all zeros, which is valid UTF-8 but has no line.
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
        };
        let mut lines = text.split_inclusive('\n').map(|line| line.strip_suffix('\n'));
        let head = lines.next().flatten().ok_or(Malformed::Incomplete)?;
        let version = head
            .strip_prefix("athanor-")
            .and_then(|head| head.strip_prefix(kind))
            .and_then(|head| head.strip_prefix(' '))
            .and_then(|version| version.parse().ok())
            .ok_or(Malformed::WrongKind)?;
        if version != VERSION {
            return Err(Malformed::Version(version));
        }
        let mut fields = Vec::new();
        for line in lines {
            match line {
                Some("end") => return Ok(Fields(fields)),
                Some(line) => fields.extend(line.split_once('=')),
                None => break,
            }
        }
        Err(Malformed::Incomplete)
    }

    fn get(&self, key: &'static str) -> Result<&'a str, Malformed> {
        self.0.iter().find(|(k, _)| *k == key).map(|(_, value)| *value).ok_or(Malformed::Missing(key))
    }

    fn number<T: FromStr>(&self, key: &'static str) -> Result<T, Malformed> {
        self.get(key)?.parse().map_err(|_| Malformed::Invalid(key))
    }

    fn identity(&self, pid: &'static str, ticks: &'static str) -> Result<Identity, Malformed> {
        Ok(Identity {
            pid: self.number(pid)?,
            start_ticks: self.number(ticks)?,
            boot_id: self.get("boot_id")?.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(pid: u32) -> Identity {
        Identity { pid, start_ticks: u64::MAX, boot_id: "0b8e-1".to_owned() }
    }

    fn exit(outcome: Outcome) -> Exit {
        let job = match outcome {
            Outcome::SpawnFailed { .. } => None,
            _ => Some(identity(7)),
        };
        Exit {
            outcome,
            cause: Cause::TimeLimit,
            job,
            started_ms: 1,
            ended_ms: 2,
            elapsed_ms: 3,
            paused_ms: 4,
            usage: Usage { user_us: 5, system_us: 6, max_rss: 7 },
            log: LogTotals { bytes: u64::MAX, dropped: 8, lost: 9 },
            survivors_killed: 10,
            survivors_left: 11,
        }
    }

    #[test]
    fn every_record_reads_back_as_written() {
        for claim in [Claim::Shim(identity(1)), Claim::Void(identity(2))] {
            assert_eq!(Claim::parse(claim.format().as_bytes()), Ok(claim));
        }
        let started = Started { job: identity(3), shim: identity(4), started_ms: 5 };
        assert_eq!(Started::parse(started.format().as_bytes()), Ok(started));
        for outcome in [
            Outcome::Exited { code: 255 },
            Outcome::Signaled { signal: 11, core: true },
            Outcome::Signaled { signal: 9, core: false },
            Outcome::SpawnFailed { stage: Stage::Chdir, errno: 2 },
            Outcome::SpawnFailed { stage: Stage::Exec, errno: 13 },
        ] {
            let exit = exit(outcome);
            assert_eq!(Exit::parse(exit.format().as_bytes()), Ok(exit));
        }
    }

    #[test]
    fn no_cut_of_a_record_is_accepted() {
        let text = exit(Outcome::Exited { code: 0 }).format();
        for cut in 0..text.len() {
            assert!(Exit::parse(&text.as_bytes()[..cut]).is_err(), "cut at {cut}");
        }
        let mut padded = text.into_bytes();
        padded.resize(4096, 0);
        assert!(Exit::parse(&padded).is_ok(), "what follows `end` does not matter");
        assert_eq!(Exit::parse(&[0; 4096]), Err(Malformed::Incomplete), "allocated but never written");
    }

    #[test]
    fn the_largest_records_fit_their_slots() {
        let largest = Identity { pid: u32::MAX, start_ticks: u64::MAX, boot_id: "b".repeat(36) };
        let started = Started { job: largest.clone(), shim: largest.clone(), started_ms: u64::MAX };
        let most = u64::MAX;
        let exit = Exit {
            job: Some(largest.clone()),
            started_ms: most,
            ended_ms: most,
            elapsed_ms: most,
            paused_ms: most,
            usage: Usage { user_us: most, system_us: most, max_rss: most },
            log: LogTotals { bytes: most, dropped: most, lost: most },
            survivors_killed: u32::MAX,
            survivors_left: u32::MAX,
            ..exit(Outcome::Signaled { signal: i32::MIN, core: true })
        };
        for (slot, text) in [
            (Slot::Claim, Claim::Shim(largest).format()),
            (Slot::Started, started.format()),
            (Slot::Exit, exit.format()),
        ] {
            assert!(text.len() <= slot.range().len(), "{slot:?}: {} bytes", text.len());
        }
        assert_eq!(Slot::Exit.of(&[7; 100]), b"", "a file that ends early has nothing there");
        assert_eq!(Slot::Started.of(&[7; 1030]).len(), 6);
    }

    #[test]
    fn unknown_keys_are_skipped_and_known_ones_checked() {
        let text = Claim::Shim(identity(1)).format();
        let more = text.replace("owner=", "colour=blue\nno equals sign\nowner=");
        assert_eq!(Claim::parse(more.as_bytes()), Claim::parse(text.as_bytes()));
        let check = |from: &str, to: &str, expected: Malformed| {
            assert_eq!(Claim::parse(text.replace(from, to).as_bytes()), Err(expected), "{from} -> {to}");
        };
        check("owner=shim", "owner=cat", Malformed::Invalid("owner"));
        check("pid=1\n", "pid=-1\n", Malformed::Invalid("pid"));
        check("boot_id=", "boot=", Malformed::Missing("boot_id"));
        check("claim 1", "claim 2", Malformed::Version(2));
        check("athanor-claim", "athanor-exit", Malformed::WrongKind);
    }
}

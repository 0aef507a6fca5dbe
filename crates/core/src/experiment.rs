//! What an experiment is made of, without where it is kept or how it is run.
//!
//! The store gives these types their rows, the api gives them their wire form; neither leaks back in here.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// What a job runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobCommand {
    /// A program and its arguments, started without a shell. Never empty.
    Argv(Vec<String>),
    /// A line that the user wrote for a shell; run as `/bin/sh -c LINE`.
    Shell(String),
}

impl JobCommand {
    /// The argument vector that is started.
    #[must_use]
    pub fn argv(&self) -> Vec<String> {
        match self {
            Self::Argv(argv) => argv.clone(),
            Self::Shell(line) => vec!["/bin/sh".into(), "-c".into(), line.clone()],
        }
    }

    /// One line that a person can read and paste into a shell.
    #[must_use]
    pub fn display(&self) -> String {
        match self {
            Self::Argv(argv) => argv.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" "),
            Self::Shell(line) => line.clone(),
        }
    }

    /// A short name for an experiment that was given none: the script's file name, else the program's.
    #[must_use]
    pub fn default_name(&self) -> String {
        let words: Vec<&str> = match self {
            Self::Argv(argv) => argv.iter().map(String::as_str).collect(),
            Self::Shell(line) => line.split_whitespace().collect(),
        };
        let program = words.first().copied().unwrap_or("job");
        let interpreter =
            ["python", "bash", "sh", "Rscript", "julia", "node", "torchrun", "accelerate", "uv"]
                .iter()
                .any(|name| file_name(program).starts_with(name));
        // A program given on the command line itself (-c, -e) has no name of its own.
        let arguments = words.iter().skip(1).take_while(|word| !matches!(**word, "-c" | "-e"));
        let script = interpreter
            .then(|| arguments.into_iter().find(|word| is_script(word)))
            .flatten()
            .copied()
            .unwrap_or(program);
        let stem = file_name(script);
        stem.rsplit_once('.').map_or(stem, |(stem, _)| if stem.is_empty() { script } else { stem }).to_owned()
    }

    /// The same command with another path where it names `from`: as a word of its own or behind a `=`, in a shell line
    /// between spaces or quotes.
    #[must_use]
    pub fn with_path(&self, from: &str, to: &str) -> Self {
        let word = |word: &String| match word.rsplit_once('=') {
            _ if word == from => to.to_owned(),
            Some((before, value)) if value == from => format!("{before}={to}"),
            _ => word.clone(),
        };
        match self {
            Self::Argv(argv) => Self::Argv(argv.iter().map(word).collect()),
            Self::Shell(line) => Self::Shell(replace_whole(line, from, &quote(to))),
        }
    }

    /// Why this command can't be accepted, if so.
    ///
    /// # Errors
    /// An empty command, or a NUL byte that no kernel would pass on.
    pub fn validate(&self) -> Result<(), &'static str> {
        let (empty, nul) = match self {
            Self::Argv(argv) => {
                (argv.first().is_none_or(String::is_empty), argv.iter().any(|word| word.contains('\0')))
            }
            Self::Shell(line) => (line.trim().is_empty(), line.contains('\0')),
        };
        if empty {
            return Err("the command is empty");
        }
        if nul {
            return Err("the command contains a NUL byte");
        }
        Ok(())
    }
}

/// Replaces what stands between separators of a shell line.
fn replace_whole(line: &str, from: &str, to: &str) -> String {
    let separates = |c: char| c.is_whitespace() || "='\";|&()<>".contains(c);
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = (!from.is_empty()).then(|| rest.find(from)).flatten() {
        let (before, after) = (&rest[..at], &rest[at + from.len()..]);
        let begins = before.chars().next_back().or_else(|| out.chars().next_back()).is_none_or(separates);
        let whole = begins && after.chars().next().is_none_or(separates);
        out.push_str(before);
        out.push_str(if whole { to } else { from });
        rest = after;
    }
    out + rest
}

/// Whether a word can be the name of a script or module: `train.py`, `pkg.train`.
fn is_script(word: &str) -> bool {
    let name = file_name(word);
    !word.starts_with('-')
        && name.contains('.')
        && name.chars().all(|c| c.is_alphanumeric() || "._-".contains(c))
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Quotes a word for a POSIX shell where it needs quotes.
pub(crate) fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// How soon an experiment is to run before others. The order of the variants is the order of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Before everything else.
    Urgent,
    /// Before normal work.
    High,
    /// The usual.
    #[default]
    Normal,
    /// When nothing else waits.
    Low,
}

impl Priority {
    /// All priorities in the order of the queue.
    pub const ALL: [Self; 4] = [Self::Urgent, Self::High, Self::Normal, Self::Low];

    /// The rank that the store sorts by: 0 is first.
    #[must_use]
    pub fn rank(self) -> u8 {
        self as u8
    }

    /// The priority with this rank.
    #[must_use]
    pub fn from_rank(rank: u8) -> Option<Self> {
        Self::ALL.get(usize::from(rank)).copied()
    }

    /// The word in the interface and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Urgent => "urgent",
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }
}

impl FromStr for Priority {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|priority| priority.as_str() == word)
            .ok_or_else(|| format!("unknown priority “{word}”: use urgent, high, normal or low"))
    }
}

/// The key of an experiment: `YYYYMMDD_` (UTC) and at least four hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Uid(String);

impl Uid {
    /// Digits of the hash that a uid begins with; a collision takes one more at a time, up to sixteen.
    pub const SHORT_DIGITS: usize = 4;

    /// The uid made of a UTC date (`YYYYMMDD`), a seed that differs for each experiment, and `digits`
    /// hexadecimal digits of the seed's xxh3 hash.
    #[must_use]
    pub fn derive(date: &str, seed: &[u8], digits: usize) -> Self {
        let hash = format!("{:016x}", xxh3_64(seed));
        Self(format!("{date}_{}", &hash[..digits.clamp(Self::SHORT_DIGITS, 16)]))
    }

    /// The text form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Uid {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let valid = text.split_once('_').is_some_and(|(date, hash)| {
            date.len() == 8
                && date.bytes().all(|b| b.is_ascii_digit())
                && (Self::SHORT_DIGITS..=16).contains(&hash.len())
                && hash.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        });
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("“{text}” is not an experiment uid; it looks like 20261121_7e3a"))
        }
    }
}

impl TryFrom<String> for Uid {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Uid> for String {
    fn from(uid: Uid) -> Self {
        uid.0
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a variable of this name usually carries a credential, so that its value is masked wherever a person
/// might see it.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    const MARKS: [&str; 13] = [
        "TOKEN",
        "SECRET",
        "PASSWORD",
        "PASSWD",
        "CREDENTIAL",
        "API_KEY",
        "APIKEY",
        "PRIVATE_KEY",
        "ACCESS_KEY",
        "PASSPHRASE",
        "DATABASE_URL",
        "CONNECTION_STRING",
        "_DSN",
    ];
    const ENDS: [&str; 4] = ["_KEY", "_PAT", "_PASS", "_PWD"];
    let upper = name.to_ascii_uppercase();
    MARKS.iter().any(|mark| upper.contains(mark)) || ENDS.iter().any(|end| upper.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_the_script_that_runs() {
        for (argv, name) in [
            (vec!["python3", "train.py", "--lr", "0.1"], "train"),
            (vec!["python", "-u", "src/fit_model.py"], "fit_model"),
            (vec!["/usr/bin/true"], "true"),
            (vec!["./run.sh"], "run"),
            (vec!["python3", "-m", "pkg.train"], "pkg"),
            (vec![".hidden"], ".hidden"),
            (vec!["python3", "-c", "import os.path\nprint(1)"], "python3"),
            (vec!["sh", "-c", "echo a.b"], "sh"),
        ] {
            let command = JobCommand::Argv(argv.iter().map(ToString::to_string).collect());
            assert_eq!(command.default_name(), name, "{argv:?}");
        }
    }

    #[test]
    fn display_can_be_pasted_into_a_shell() {
        let command = JobCommand::Argv(vec!["echo".into(), "it's 5 o'clock".into(), String::new()]);
        assert_eq!(command.display(), r"echo 'it'\''s 5 o'\''clock' ''");
    }

    #[test]
    fn a_path_is_replaced_where_it_stands_for_itself() {
        let argv = |words: &[&str]| JobCommand::Argv(words.iter().map(ToString::to_string).collect());
        let command = argv(&["python", "train.py", "-c", "c.yaml", "--config=c.yaml", "abc.yaml"]);
        let expected = argv(&["python", "train.py", "-c", "/x/c.yaml", "--config=/x/c.yaml", "abc.yaml"]);
        assert_eq!(command.with_path("c.yaml", "/x/c.yaml"), expected);
        let line = JobCommand::Shell("python t.py -c c.yaml --again=c.yaml; ls abc.yaml c.yaml.bak".into());
        let expected = "python t.py -c '/a b/c' --again='/a b/c'; ls abc.yaml c.yaml.bak";
        assert_eq!(line.with_path("c.yaml", "/a b/c"), JobCommand::Shell(expected.into()));
        assert_eq!(line.with_path("", "/x"), line);
    }

    #[test]
    fn empty_commands_and_nul_bytes_are_refused() {
        assert!(JobCommand::Argv(vec![]).validate().is_err());
        assert!(JobCommand::Argv(vec![String::new()]).validate().is_err());
        assert!(JobCommand::Shell("  ".into()).validate().is_err());
        assert!(JobCommand::Argv(vec!["a\0b".into()]).validate().is_err());
        assert!(JobCommand::Shell("true".into()).validate().is_ok());
    }

    #[test]
    fn uids_parse_only_in_their_own_form() {
        let uid = Uid::derive("20261121", b"seed", 4);
        assert_eq!(uid.as_str().len(), 13);
        assert_eq!(uid.as_str().parse::<Uid>().as_ref(), Ok(&uid));
        let longer = Uid::derive("20261121", b"seed", 5);
        assert!(longer.as_str().starts_with(uid.as_str()), "a longer uid extends the shorter one");
        for bad in ["", "2026112_7e3a", "20261121-7e3a", "20261121_7E3A", "20261121_7e3", "../../etc"] {
            assert!(bad.parse::<Uid>().is_err(), "{bad}");
        }
    }

    #[test]
    fn secrets_are_told_by_name() {
        for name in [
            "WANDB_API_KEY",
            "HF_TOKEN",
            "aws_secret_access_key",
            "DB_PASSWORD",
            "GITHUB_PAT",
            "SMTP_PASS",
            "MYSQL_PWD",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["PATH", "PWD", "OLDPWD", "KEYBOARD", "CUDA_VISIBLE_DEVICES", "TOKENIZERS"] {
            assert_eq!(is_secret_name(name), name == "TOKENIZERS", "{name}");
        }
    }

    #[test]
    fn ranks_and_priorities_are_one_to_one() {
        for priority in Priority::ALL {
            assert_eq!(Priority::from_rank(priority.rank()), Some(priority));
            assert_eq!(priority.as_str().parse(), Ok(priority));
        }
        assert_eq!(Priority::from_rank(4), None);
    }
}

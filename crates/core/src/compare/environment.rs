//! What runs ran in: the machine, the command, the environment's variables, and the packages that their files name.

use std::collections::BTreeMap;

use super::{Change, changes, natural};
use crate::secrets::{MASK, mask_text};

/// Characters of a value that are shown.
const LONGEST: usize = 400;

/// A fact about a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Its name.
    pub key: String,
    /// What it is.
    pub value: String,
    /// It must not be shown.
    pub secret: bool,
}

impl Fact {
    /// One that can be shown.
    #[must_use]
    pub fn open(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self { key: key.into(), value: value.into(), secret: false }
    }
}

/// A fact of several runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactRow {
    /// Its name.
    pub key: String,
    /// What each run has; of a secret, a mask.
    pub values: Vec<Option<String>>,
    /// What became of it in each, compared with the baseline; told of secrets, too.
    pub changes: Vec<Change>,
    /// Not all of the runs have it alike.
    pub differs: bool,
}

/// Facts of runs beside each other: by name, or in the order in which they first come.
#[must_use]
pub fn facts(runs: &[Vec<Fact>], baseline: usize, by_name: bool) -> Vec<FactRow> {
    let mut keys: Vec<&str> = Vec::new();
    let mut all: BTreeMap<&str, Vec<Option<&Fact>>> = BTreeMap::new();
    for (place, facts) in runs.iter().enumerate() {
        for fact in facts {
            let row = all.entry(&fact.key).or_insert_with(|| {
                keys.push(&fact.key);
                vec![None; runs.len()]
            });
            row[place] = Some(fact);
        }
    }
    if by_name {
        keys.sort_by(|a, b| natural(a, b));
    }
    let row = |key: &str| {
        let facts = &all[key];
        let (changes, differs) = changes(facts, baseline, |a, b| a.value == b.value);
        let shown = |fact: &Fact| if fact.secret { MASK.to_owned() } else { cut(&fact.value) };
        let values = facts.iter().map(|fact| fact.map(shown)).collect();
        FactRow { key: key.to_owned(), values, changes, differs }
    };
    keys.into_iter().map(row).collect()
}

fn cut(value: &str) -> String {
    let line: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// A package’s name as PEP 503 has it, so that `Foo_Bar` and `foo-bar` are one.
fn normal(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for c in name.trim().chars() {
        let c = if matches!(c, '-' | '_' | '.') { '-' } else { c.to_ascii_lowercase() };
        if !(c == '-' && normal.ends_with('-')) {
            normal.push(c);
        }
    }
    normal
}

/// Packages of a `requirements.txt` with their versions: of a pinned one the version alone, else what is asked for.
/// Options (`-r`, `--hash`), comments and what names no package are passed over; credentials in addresses are masked.
/// <https://pip.pypa.io/en/stable/reference/requirements-file-format/>
#[must_use]
pub fn packages(text: &str) -> Vec<Fact> {
    let mut found = Vec::new();
    for line in text.lines() {
        let line = line.split(" #").next().unwrap_or(line).trim();
        let line = line.strip_prefix("-e ").map_or(line, str::trim);
        if line.is_empty() || line.starts_with('#') || line.starts_with('-') {
            continue;
        }
        let line = line.split(" --").next().unwrap_or(line).trim();
        if let Some((address, egg)) = line.split_once("#egg=") {
            let name = egg.split(['&', '[']).next().unwrap_or(egg);
            found.push(Fact::open(normal(name), mask_text(address)));
            continue;
        }
        let end = line
            .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.'))
            .unwrap_or(line.len());
        let (name, rest) = line.split_at(end);
        let mut rest = rest.trim();
        // Extras in brackets.
        if rest.starts_with('[') {
            rest = rest.split_once(']').map_or("", |(_, rest)| rest).trim();
        }
        // A condition on the system is no version.
        let rest = if rest.starts_with('@') { rest } else { rest.split(';').next().unwrap_or(rest).trim() };
        let version = match rest.strip_prefix("==").filter(|version| !version.starts_with('=')) {
            Some(version) if !version.contains([',', '*']) => version.trim().to_owned(),
            _ => mask_text(rest.strip_prefix('@').map_or(rest, str::trim)),
        };
        let says = matches!(rest.chars().next(), None | Some('=' | '>' | '<' | '~' | '!' | '@'));
        if !name.is_empty() && name.starts_with(|c: char| c.is_ascii_alphanumeric()) && says {
            let version = if version.is_empty() { "any version".to_owned() } else { version };
            found.push(Fact::open(normal(name), version));
        }
    }
    found
}

/// Packages of a conda environment as `conda env export` writes it: `name=version=build`, and pip’s own below `pip:`.
#[must_use]
pub fn packages_of_conda(text: &str) -> Vec<Fact> {
    let mut found = Vec::new();
    let (mut listed, mut pip) = (false, None);
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        let line = line.trim();
        let Some(item) = line.strip_prefix('-').map(str::trim) else {
            if indent == 0 && !line.is_empty() && !line.starts_with('#') {
                listed = line == "dependencies:";
            }
            continue;
        };
        if !listed {
            continue;
        }
        let item = item.trim_matches(['"', '\'']);
        if item == "pip:" {
            pip = Some(indent);
        } else if pip.is_some_and(|pip| indent > pip) {
            found.extend(packages(item));
        } else {
            pip = None;
            let item = item.rsplit("::").next().unwrap_or(item);
            let mut parts = item.split('=').filter(|part| !part.is_empty());
            let name = parts.next().unwrap_or_default();
            let fits = !name.is_empty()
                && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
            if fits {
                found.push(Fact::open(normal(name), parts.next().unwrap_or("any version").trim()));
            } else {
                found.extend(packages(item));
            }
        }
    }
    found
}

/// What W&B writes of a run’s surroundings (`wandb-metadata.json`): facts of the machine, and the command line. None of
/// what has not this form.
#[must_use]
pub fn wandb_metadata(bytes: &[u8]) -> Option<(Vec<Fact>, Vec<Fact>)> {
    let all: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(bytes).ok()?;
    let text = |key: &str| match all.get(key)? {
        serde_json::Value::String(text) if !text.is_empty() => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let names = [
        ("Host", "host"),
        ("System", "os"),
        ("GPU", "gpu"),
        ("GPUs", "gpu_count"),
        ("Processors", "cpu_count_logical"),
        ("CUDA", "cudaVersion"),
        ("CUDA", "cuda"),
    ];
    let mut machine: Vec<Fact> = Vec::new();
    for (name, key) in names {
        if let Some(value) = text(key)
            && machine.iter().all(|fact| fact.key != name)
        {
            machine.push(Fact::open(name, value));
        }
    }
    let mut command: Vec<Fact> =
        text("python").map(|value| Fact::open("Python", value)).into_iter().collect();
    let program = text("program").or_else(|| text("codePath"));
    if let Some(program) = program {
        let args = all.get("args").and_then(serde_json::Value::as_array);
        let args = args.into_iter().flatten().filter_map(serde_json::Value::as_str).map(str::to_owned);
        let words: Vec<String> = std::iter::once(program).chain(args).collect();
        command.push(Fact::open("Command", crate::secrets::mask_command(&words)));
    }
    Some((machine, command))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(facts: &[Fact]) -> Vec<(&str, &str)> {
        facts.iter().map(|fact| (fact.key.as_str(), fact.value.as_str())).collect()
    }

    #[test]
    fn requirements_are_read() {
        let text = "# packages\ntorch==2.4.0\nNum_Py >= 1.26, <2\n\nhydra-core[extra]==1.3.2 ; python_version > '3.8'\n-r more.txt\n\
                    --index-url https://x\npkg @ file:///tmp/x.whl\n-e git+https://me:pw@host/repo#egg=mine\nplain # why\n\
                    six==1.16.0 --hash=sha256:abc\njax==0.4.*\n??? what\n";
        assert_eq!(
            told(&packages(text)),
            [
                ("torch", "2.4.0"),
                ("num-py", ">= 1.26, <2"),
                ("hydra-core", "1.3.2"),
                ("pkg", "file:///tmp/x.whl"),
                ("mine", "git+https://me:•••@host/repo"),
                ("plain", "any version"),
                ("six", "1.16.0"),
                ("jax", "==0.4.*"),
            ]
        );
    }

    #[test]
    fn conda_environments_are_read() {
        let text = "name: train\nchannels:\n  - defaults\ndependencies:\n  - python=3.11.5=h955ad1f_0\n  - conda-forge::numpy=1.26\n  - pip\n\
                    \x20 - pip:\n    - torch==2.4.0\n    - 'six'\nprefix: /opt/conda\n";
        assert_eq!(
            told(&packages_of_conda(text)),
            [
                ("python", "3.11.5"),
                ("numpy", "1.26"),
                ("pip", "any version"),
                ("torch", "2.4.0"),
                ("six", "any version")
            ]
        );
    }

    #[test]
    fn wandb_metadata_is_read() {
        let json = r#"{"os": "Linux-6.1", "python": "3.11.5", "host": "box", "gpu": "NVIDIA H200", "gpu_count": 8, "cuda": null,
                       "program": "train.py", "args": ["--lr", "0.1", "--api-key", "abc"], "git": {"commit": "abc"}}"#;
        let (machine, command) = wandb_metadata(json.as_bytes()).expect("metadata");
        assert_eq!(
            told(&machine),
            [("Host", "box"), ("System", "Linux-6.1"), ("GPU", "NVIDIA H200"), ("GPUs", "8")]
        );
        assert_eq!(told(&command), [("Python", "3.11.5"), ("Command", "train.py --lr 0.1 --api-key •••")]);
        assert_eq!(wandb_metadata(b"[]"), None);
    }

    #[test]
    fn secrets_differ_without_being_shown() {
        let run = |token: &str, home: &str| {
            vec![Fact { key: "HF_TOKEN".into(), value: token.into(), secret: true }, Fact::open("HOME", home)]
        };
        let rows = facts(&[run("hf_a", "/root"), run("hf_b", "/root"), run("hf_a", "/home")], 0, true);
        let said: Vec<_> =
            rows.iter().map(|row| (row.key.as_str(), row.differs, row.changes.clone())).collect();
        assert_eq!(
            said,
            [
                ("HF_TOKEN", true, vec![Change::Same, Change::Changed, Change::Same]),
                ("HOME", true, vec![Change::Same, Change::Same, Change::Changed]),
            ]
        );
        assert!(rows[0].values.iter().all(|value| value.as_deref() == Some(MASK)));
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_readers(text in "[-a=\\[\\]@;#: \n\"']{0,60}") {
            let _ = (packages(&text), packages_of_conda(&format!("dependencies:\n{text}")), wandb_metadata(text.as_bytes()));
        }
    }
}

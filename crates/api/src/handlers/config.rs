//! Configs: looking at their text, reading them, and finding them in a folder.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use athanor_core::config::{self, LARGEST, Value};
use athanor_core::sweep::Kind;
use athanor_engine::{Engine, projects};

use super::Result;
use crate::wire::{self, ApiError, ErrorCode};

/// Most configs that are listed.
const LISTED: usize = 200;
/// How many folders deep they are looked for.
const DEEPEST: usize = 3;
/// Most entries of folders that are looked at; a folder of a million results is not walked through.
const LOOKED_AT: usize = 20_000;

/// Folders whose YAML files are most likely configs.
const LIKELY: [&str; 3] = ["conf", "config", "configs"];
/// Folders that hold what was installed, or is no text of the user.
const SKIPPED: [&str; 5] = ["node_modules", "venv", "site-packages", "__pycache__", "target"];
/// Folders of results, whose YAML files are copies.
const RESULTS: [&str; 6] = ["outputs", "multirun", "runs", "wandb", "mlruns", "lightning_logs"];

pub(crate) async fn check(_: &Engine, input: wire::CheckConfig) -> Result<wire::ConfigCheck> {
    blocking(move || Ok(checked(&input.text))).await
}

fn checked(text: &str) -> wire::ConfigCheck {
    let place = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    match config::check(text) {
        Ok(keys) => wire::ConfigCheck { keys: keys.0.into_iter().map(key).collect(), problem: None },
        Err(problem) => wire::ConfigCheck {
            keys: Vec::new(),
            problem: Some(wire::ConfigProblem {
                line: place(problem.line),
                column: place(problem.column),
                message: problem.message,
            }),
        },
    }
}

fn key(key: config::Key) -> wire::ConfigKey {
    let (kind, value, items) = match key.value {
        Value::Scalar { value } => {
            let kind = match value.kind() {
                Kind::Null => "null",
                Kind::Bool => "bool",
                Kind::Int | Kind::Float => "number",
                Kind::Text | Kind::Flow => "text",
            };
            (kind, Some(value.to_yaml()), None)
        }
        Value::List { items, .. } => {
            ("list", None, items.map(|items| items.iter().map(|item| item.to_yaml()).collect()))
        }
        Value::Map { .. } => ("map", None, None),
    };
    wire::ConfigKey { key: key.path, kind: kind.into(), value, items }
}

pub(crate) async fn read(_: &Engine, input: wire::ReadConfig) -> Result<wire::ConfigFile> {
    blocking(move || read_file(&input.cwd, &input.path)).await
}

/// A config file as a job in `cwd` would find it: a regular file of at most 1 MiB of UTF-8. Blocks on the disk.
pub(super) fn read_file(cwd: &str, path: &str) -> Result<wire::ConfigFile> {
    let path = projects::expand(cwd).join(projects::expand(path));
    let fault = |code, why: String| {
        ApiError::new(code, format!("the config {} can't be used: {why}", path.display()))
            .field("config_path")
    };
    let meta = std::fs::metadata(&path).map_err(|cause| fault(ErrorCode::Path, cause.to_string()))?;
    if !meta.is_file() {
        return Err(fault(ErrorCode::InvalidInput, "it is not a file".into()));
    }
    if meta.len() > LARGEST as u64 {
        return Err(fault(ErrorCode::InvalidInput, "it is larger than 1 MiB".into()));
    }
    let bytes = std::fs::read(&path).map_err(|cause| fault(ErrorCode::Path, cause.to_string()))?;
    let text =
        String::from_utf8(bytes).map_err(|_| fault(ErrorCode::InvalidInput, "it is not UTF-8".into()))?;
    Ok(wire::ConfigFile { path: path.display().to_string(), text })
}

pub(crate) async fn list(_: &Engine, input: wire::ListConfigs) -> Result<wire::ConfigList> {
    blocking(move || {
        let folder = projects::expand(&input.cwd);
        projects::check_folder(&folder)?;
        Ok(wire::ConfigList { paths: configs(&folder) })
    })
    .await
}

/// YAML files of a folder, relative to it.
///
/// - Those in `conf`, `config` or `configs`, or of such a name, come first; those in folders of results last.
/// - Then the nearer ones, then by path.
/// - Hidden folders, installed packages and virtual environments are not entered, links are not followed.
/// - A walk that becomes too long is broken off; what is nearer was looked at first.
fn configs(folder: &Path) -> Vec<String> {
    let mut found: Vec<(u8, usize, String)> = Vec::new();
    let mut open: VecDeque<(PathBuf, usize)> = VecDeque::from([(folder.to_owned(), 0)]);
    let mut looked_at = 0;
    while let Some((at, depth)) = open.pop_front() {
        // A folder that may not be read has nothing to offer.
        for entry in std::fs::read_dir(&at).into_iter().flatten().flatten() {
            looked_at += 1;
            if looked_at > LOOKED_AT {
                return sorted(found);
            }
            let (name, path) = (entry.file_name(), entry.path());
            let (Some(name), Ok(kind)) = (name.to_str(), entry.file_type()) else { continue };
            if name.starts_with('.') {
                continue;
            }
            if kind.is_dir() {
                if depth < DEEPEST && !SKIPPED.contains(&name) && !path.join("pyvenv.cfg").exists() {
                    open.push_back((path, depth + 1));
                }
            } else if (name.ends_with(".yaml") || name.ends_with(".yml"))
                && path.is_file()
                && let Some(relative) = path.strip_prefix(folder).ok().and_then(Path::to_str)
            {
                found.push((rank(relative), depth, relative.to_owned()));
            }
        }
    }
    sorted(found)
}

fn sorted(mut found: Vec<(u8, usize, String)>) -> Vec<String> {
    found.sort();
    found.truncate(LISTED);
    found.into_iter().map(|(_, _, path)| path).collect()
}

/// 0 for a likely config, 2 for an unlikely one.
fn rank(relative: &str) -> u8 {
    let part_of = |names: &[&str]| {
        relative
            .split('/')
            .any(|part| names.contains(&part.trim_end_matches(".yaml").trim_end_matches(".yml")))
    };
    match (part_of(&RESULTS), part_of(&LIKELY)) {
        (true, _) => 2,
        (_, true) => 0,
        _ => 1,
    }
}

/// Does what blocks on the disk, or takes longer than a moment, where it holds up nobody.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(athanor_engine::Error::from)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn likely_configs_come_first_and_nothing_hidden_or_installed_is_listed() {
        let root = tempfile::tempdir().expect("a folder");
        let put = |path: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            std::fs::write(path, "a: 1\n").expect("written");
        };
        for path in [
            "docs/guide.yml",
            "data.yaml",
            "config.yaml",
            "conf/model/resnet.yaml",
            "conf/a/b/deep.yaml",
            "conf/a/b/c/too_deep.yaml",
            "outputs/2026/config.yaml",
            ".git/config.yaml",
            "node_modules/x/y.yaml",
            "env/lib/z.yaml",
            "notes.txt",
        ] {
            put(path);
        }
        std::fs::write(root.path().join("env/pyvenv.cfg"), "").expect("written");
        std::os::unix::fs::symlink(root.path(), root.path().join("loop")).expect("linked");
        std::os::unix::fs::symlink("/nowhere", root.path().join("broken.yaml")).expect("linked");
        assert_eq!(
            configs(root.path()),
            [
                "config.yaml",
                "conf/model/resnet.yaml",
                "conf/a/b/deep.yaml",
                "data.yaml",
                "docs/guide.yml",
                "outputs/2026/config.yaml"
            ]
        );
    }

    #[test]
    fn a_large_folder_is_not_walked_to_the_end() {
        let root = tempfile::tempdir().expect("a folder");
        for number in 0..300 {
            std::fs::write(root.path().join(format!("{number:03}.yaml")), "").expect("written");
        }
        let found = configs(root.path());
        assert_eq!((found.len(), found[0].as_str()), (LISTED, "000.yaml"));
    }

    #[test]
    fn only_a_small_text_file_is_read() {
        let root = tempfile::tempdir().expect("a folder");
        let cwd = root.path().to_str().expect("UTF-8");
        std::fs::write(root.path().join("good.yaml"), "a: 1\n").expect("written");
        std::fs::write(root.path().join("bytes.yaml"), [0xff, 0xfe]).expect("written");
        std::fs::write(root.path().join("large.yaml"), vec![b' '; LARGEST + 1]).expect("written");
        assert_eq!(read_file(cwd, "good.yaml").expect("readable").text, "a: 1\n");
        assert_eq!(read_file("/", &format!("{cwd}/good.yaml")).expect("readable").text, "a: 1\n");
        for (path, words) in [
            ("none.yaml", "No such file"),
            (".", "not a file"),
            ("bytes.yaml", "not UTF-8"),
            ("large.yaml", "1 MiB"),
        ] {
            let said = read_file(cwd, path).expect_err(path).message;
            assert!(said.contains(words), "{said}");
        }
    }

    #[test]
    fn keys_are_told_with_their_kind() {
        let seen = checked("lr: 0.10\nname: \"1\"\nseeds: [1, 2]\nmodel:\n  deep: true\nnothing: ~\n");
        assert_eq!(seen.problem, None);
        let kinds: Vec<(&str, &str)> =
            seen.keys.iter().map(|key| (key.key.as_str(), key.kind.as_str())).collect();
        assert_eq!(
            kinds,
            [
                ("lr", "number"),
                ("name", "text"),
                ("seeds", "list"),
                ("model", "map"),
                ("model.deep", "bool"),
                ("nothing", "null")
            ]
        );
        assert_eq!(seen.keys[0].value.as_deref(), Some("0.10"), "as it was written");
        assert_eq!(seen.keys[2].items, Some(vec!["1".into(), "2".into()]));
        let broken = checked("a: 1\nb: [1,\n").problem.expect("a problem");
        assert!(broken.line >= 2, "{broken:?}");
    }
}

//! The user's folders: what could be run there, and the bundled demo. Nothing is written into a folder that we did
//! not make.

use std::path::{Path, PathBuf};

use athanor_core::experiment::JobCommand;
use serde::Deserialize;

use crate::error::{Error, ErrorKind, Result};
use crate::home::Home;

/// An experiment that a folder suggests.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Suggestion {
    /// What the button says.
    pub label: String,
    /// More about it.
    #[serde(default)]
    pub detail: String,
    /// The name that the experiment gets.
    pub name: String,
    /// The command.
    pub command: Vec<String>,
}

/// The demo's list of suggestions lies in its folder under this name.
const SUGGESTIONS: &str = "athanor-demo.json";

/// Name of the demo's project, and of its folder.
pub const DEMO: &str = "digits";

/// The demo's files, so that the program needs no installed data.
const DEMO_FILES: &[(&str, &[u8])] = &include!(concat!(env!("OUT_DIR"), "/demo_files.rs"));

/// Scripts that are offered first when a folder has them.
const USUAL: [&str; 6] = ["train.py", "main.py", "run.py", "fit.py", "train.sh", "run.sh"];

/// At most so many suggestions, and so many entries looked at: a folder may hold anything.
const SUGGESTED: usize = 6;
const LOOKED_AT: usize = 2000;

/// What could be run in a folder: the demo's own list, or its scripts, the usual names first. Blocks on the disk.
#[must_use]
pub fn suggestions(folder: &Path) -> Vec<Suggestion> {
    if let Ok(text) = std::fs::read(folder.join(SUGGESTIONS))
        && let Ok(list) = serde_json::from_slice::<Vec<Suggestion>>(&text)
    {
        return list.into_iter().filter(|suggestion| !suggestion.command.is_empty()).collect();
    }
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut scripts: Vec<String> = entries
        .take(LOOKED_AT)
        .filter_map(|entry| entry.ok())
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| USUAL.contains(&name.as_str()) || (name.starts_with("train") && name.ends_with(".py")))
        .collect();
    scripts.sort_by_key(|name| {
        (USUAL.iter().position(|usual| usual == name).unwrap_or(USUAL.len()), name.clone())
    });
    scripts
        .into_iter()
        .take(SUGGESTED)
        .map(|script| {
            let interpreter = if script.ends_with(".py") { python(folder) } else { "sh".into() };
            let command = vec![interpreter, script.clone()];
            Suggestion {
                label: format!("Run {script}"),
                detail: JobCommand::Argv(command.clone()).display(),
                name: JobCommand::Argv(command.clone()).default_name(),
                command,
            }
        })
        .collect()
}

/// The folder's own virtual environment if it has one, else the system's Python.
fn python(folder: &Path) -> String {
    for venv in [".venv/bin/python", "venv/bin/python"] {
        if folder.join(venv).is_file() {
            return venv.into();
        }
    }
    "python3".into()
}

/// An absolute path with `~` resolved.
#[must_use]
pub fn expand(path: &str) -> PathBuf {
    let home = || std::env::var_os("HOME").map(PathBuf::from);
    match path.strip_prefix('~') {
        Some("") => home().unwrap_or_else(|| path.into()),
        Some(rest) if rest.starts_with('/') => {
            home().map_or_else(|| path.into(), |home| home.join(&rest[1..]))
        }
        _ => path.into(),
    }
}

/// Whether a job could work in this folder. Blocks on the disk.
///
/// # Errors
/// Why it could not, in a sentence.
pub fn check_folder(folder: &Path) -> Result<()> {
    let problem = |text: String| Err(Error::invalid("cwd", text));
    if !folder.is_absolute() {
        return problem(format!("“{}” is not a full path: begin with / or ~", folder.display()));
    }
    match std::fs::metadata(folder) {
        Ok(meta) if !meta.is_dir() => problem(format!("{} is a file, not a folder", folder.display())),
        Ok(_) => {
            match rustix::fs::access(folder, rustix::fs::Access::EXEC_OK | rustix::fs::Access::READ_OK) {
                Ok(()) => Ok(()),
                Err(cause) => problem(format!(
                    "the folder {} can't be entered: {}",
                    folder.display(),
                    std::io::Error::from(cause)
                )),
            }
        }
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
            problem(format!("the folder {} does not exist", folder.display()))
        }
        Err(cause) => problem(format!("the folder {} can't be looked at: {cause}", folder.display())),
    }
}

/// Copies the demo into the data folder, file by file, leaving what is there already. Blocks on the disk.
///
/// # Errors
/// A file can't be written.
pub fn place_demo(home: &Home) -> Result<PathBuf> {
    let folder = home.projects().join(DEMO);
    for (name, bytes) in DEMO_FILES {
        let target = folder.join(name);
        if target.exists() {
            continue;
        }
        let write = || {
            let parent = target.parent().unwrap_or(&folder);
            std::fs::create_dir_all(parent)?;
            let temporary = target.with_extension("partial");
            std::fs::write(&temporary, bytes)?;
            std::fs::rename(&temporary, &target)
        };
        write().map_err(|cause| Error::path("write", &target, &cause))?;
    }
    Ok(folder)
}

/// The name of a project in this folder, if none was given.
///
/// # Errors
/// The folder has no name, or the name is too long.
pub fn project_name(folder: &Path, given: Option<&str>) -> Result<String> {
    let name = match given.map(str::trim).filter(|name| !name.is_empty()) {
        Some(name) => name.to_owned(),
        None => folder
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .ok_or_else(|| Error::new(ErrorKind::Invalid, "the root folder can't be a project"))?,
    };
    match name.chars().count() {
        1..=100 => Ok(name),
        _ => Err(Error::invalid("name", "a project's name has 1 to 100 characters")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_is_placed_whole_and_suggests_something() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let home = Home::at(dir.path());
        let folder = place_demo(&home).expect("placed");
        assert!(folder.join("train.py").is_file());
        let list = suggestions(&folder);
        assert!(!list.is_empty() && list.iter().all(|suggestion| !suggestion.command.is_empty()));
        std::fs::write(folder.join("train.py"), "mine").expect("changed by the user");
        place_demo(&home).expect("again");
        assert_eq!(std::fs::read_to_string(folder.join("train.py")).expect("there"), "mine", "left as it is");
    }

    #[test]
    fn usual_scripts_come_first_and_use_the_folders_python() {
        let dir = tempfile::tempdir().expect("temporary folder");
        for name in ["train_big.py", "main.py", "train.py", "utils.py"] {
            std::fs::write(dir.path().join(name), "").expect("written");
        }
        let names: Vec<_> = suggestions(dir.path()).into_iter().map(|s| s.command.join(" ")).collect();
        assert_eq!(names, ["python3 train.py", "python3 main.py", "python3 train_big.py"]);
        std::fs::create_dir_all(dir.path().join(".venv/bin")).expect("made");
        std::fs::write(dir.path().join(".venv/bin/python"), "").expect("written");
        assert_eq!(suggestions(dir.path())[0].command[0], ".venv/bin/python");
    }

    #[test]
    fn folders_that_can_not_be_used_say_why() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let file = dir.path().join("file");
        std::fs::write(&file, "").expect("written");
        for (path, why) in [
            (PathBuf::from("relative"), "full path"),
            (file, "is a file"),
            (dir.path().join("none"), "does not exist"),
        ] {
            assert!(check_folder(&path).expect_err("refused").to_string().contains(why), "{path:?}");
        }
        check_folder(dir.path()).expect("fine");
    }
}

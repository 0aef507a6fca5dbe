//! What differs in the code of two runs, by git where a repository that has both commits can be found.

use std::path::{Path, PathBuf};

use athanor_core::compare::{CodeFile, TextDiff, code_files, diff};

use super::git::{GitFault, git};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::store::runs::RunRow;

/// Files that are listed.
const FILES: usize = 2_000;
/// Bytes of git's list that are read.
const LIST: usize = 16 << 20;
/// Bytes of a file that are compared.
const FILE: usize = 4 << 20;
/// Bytes at the beginning of a file in which a NUL says that it is no text, as git has it.
const LOOKED: usize = 8_000;

/// What differs in the code of two runs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Code {
    /// Their commits, as their files say.
    pub commits: Option<(String, String)>,
    /// The working tree in which both were found.
    pub repository: Option<PathBuf>,
    /// The files that differ, 2,000 at most.
    pub files: Vec<CodeFile>,
    /// How many there are.
    pub total: usize,
    /// Why nothing can be said.
    pub problem: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// What is to be kept in mind.
    pub notes: Vec<String>,
}

/// Why there is no code to be compared.
struct NoCode {
    problem: String,
    hint: &'static str,
}

impl Engine {
    /// The files that differ between the commits of two runs, or why that can't be said.
    ///
    /// # Errors
    /// There is no such run, or the store can't be read.
    pub async fn compare_code(&self, old: &str, new: &str) -> Result<Code> {
        let (old, new) = (self.runs().store().find_run(old).await?, self.runs().store().find_run(new).await?);
        let folders = self.code_folders(&[&old, &new]).await?;
        let mut code = Code::default();
        let commits = match commits(&old, &new) {
            Ok(commits) => commits,
            Err(NoCode { problem, hint }) => {
                return Ok(Code { problem: Some(problem), hint: Some(hint.into()), ..code });
            }
        };
        code.commits = Some(commits.clone());
        let found = tokio::task::spawn_blocking(move || -> std::result::Result<_, NoCode> {
            let repository = repository(&folders, &commits)?;
            let list = git(
                &repository,
                &[
                    "diff",
                    "--raw",
                    "--numstat",
                    "-z",
                    "--no-abbrev",
                    "-M",
                    "--no-ext-diff",
                    "--no-textconv",
                    "--no-color",
                    "--no-relative",
                    "--submodule=short",
                    &commits.0,
                    &commits.1,
                    "--",
                ],
                LIST,
            );
            Ok((repository, list))
        });
        match found.await? {
            Err(NoCode { problem, hint }) => (code.problem, code.hint) = (Some(problem), Some(hint.into())),
            Ok((repository, list)) => {
                code.repository = Some(repository);
                match list {
                    Err(fault) => code.problem = Some(fault.to_string()),
                    Ok(list) if list.cut => {
                        code.problem = Some("more files differ than can be listed".into());
                    }
                    Ok(list) => match code_files(&list.bytes) {
                        Err(fault) => code.problem = Some(fault.to_string()),
                        Ok(files) => {
                            code.total = files.len();
                            code.files = files;
                            code.files.truncate(FILES);
                        }
                    },
                }
                code.notes.push(
                    "The commits are compared. What was changed and not committed when a run started is not known."
                        .into(),
                );
            }
        }
        Ok(code)
    }

    /// What differs in a file between the commits of two runs.
    ///
    /// # Errors
    /// There is no such run, no repository has both commits, neither has the file, or git refuses.
    pub async fn compare_code_file(
        &self,
        old: &str,
        new: &str,
        (old_path, path): (String, String),
        context: Option<usize>,
    ) -> Result<TextDiff> {
        let (old, new) = (self.runs().store().find_run(old).await?, self.runs().store().find_run(new).await?);
        let folders = self.code_folders(&[&old, &new]).await?;
        let refused = |NoCode { problem, hint }| Error::new(ErrorKind::NotFound, problem).hint(hint);
        let commits = commits(&old, &new).map_err(refused)?;
        tokio::task::spawn_blocking(move || {
            let repository = repository(&folders, &commits).map_err(refused)?;
            let text = |commit: &str, path: &str| {
                let name = format!("{commit}:{path}");
                // Whether it is there at all, and a file.
                if git(&repository, &["cat-file", "-e", &name], 0).is_err() {
                    return Ok(None);
                }
                match git(&repository, &["cat-file", "blob", &name], FILE) {
                    Ok(printed) => Ok(Some(printed.bytes)),
                    Err(fault) => {
                        Err(Error::new(ErrorKind::NotFound, format!("{path} can’t be read: {fault}"))
                            .in_field("path"))
                    }
                }
            };
            match (text(&commits.0, &old_path)?, text(&commits.1, &path)?) {
                (None, None) => {
                    Err(Error::new(ErrorKind::NotFound, format!("neither commit has a file {path}"))
                        .in_field("path"))
                }
                (old, new) => Ok(of_files(&old.unwrap_or_default(), &new.unwrap_or_default(), context)),
            }
        })
        .await?
    }

    /// Where a repository may be found: the runs' own folders, where their jobs ran, and their projects.
    async fn code_folders(&self, runs: &[&RunRow]) -> Result<Vec<PathBuf>> {
        let projects = self.store().projects().await?;
        let mut folders: Vec<PathBuf> = Vec::new();
        for run in runs {
            folders.push(run.folder.clone().into());
            if let Some(uid) = &run.experiment
                && let Some(row) = self.store().experiment_by_uid(uid).await?
            {
                folders.push(row.cwd.into());
                folders.extend(
                    projects
                        .iter()
                        .filter(|it| row.project.as_ref() == Some(&it.name))
                        .map(|it| it.folder.clone().into()),
                );
            }
            let own = projects.iter().filter(|it| run.project.as_ref() == Some(&it.name));
            folders.extend(own.map(|it| PathBuf::from(&it.folder)));
        }
        let mut seen = std::collections::BTreeSet::new();
        folders.retain(|folder| seen.insert(folder.clone()));
        Ok(folders)
    }
}

/// The commits of both, as far as they are such.
fn commits(old: &RunRow, new: &RunRow) -> std::result::Result<(String, String), NoCode> {
    let of = |run: &RunRow| match run.commit_hash.as_deref().map(str::trim) {
        None | Some("") => Err(NoCode {
            problem: format!("nothing in the files of “{}” says which commit its code was of", run.name),
            hint: "W&B, MLflow, Sacred and job status folders note the commit; of other runs it is not known.",
        }),
        // Nothing else is handed to git: it might be an option.
        Some(commit) if (7..=64).contains(&commit.len()) && commit.bytes().all(|b| b.is_ascii_hexdigit()) => {
            Ok(commit.to_ascii_lowercase())
        }
        Some(commit) => Err(NoCode {
            problem: format!(
                "what the files of “{}” call its commit, “{commit}”, is no commit of git",
                run.name
            ),
            hint: "A commit is named by 7 to 64 hexadecimal digits.",
        }),
    };
    Ok((of(old)?, of(new)?))
}

/// The repository around one of these folders that has both commits.
fn repository(folders: &[PathBuf], commits: &(String, String)) -> std::result::Result<PathBuf, NoCode> {
    let mut roots: Vec<PathBuf> = Vec::new();
    for folder in folders {
        let root = folder.ancestors().find(|folder| folder.join(".git").exists()).map(Path::to_owned);
        roots.extend(root.filter(|root| !roots.contains(root)));
    }
    if roots.is_empty() {
        let shown: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
        return Err(NoCode {
            problem: format!("there is no git repository around {}", shown.join(", ")),
            hint: "Runs in a repository’s folder find it by themselves; for others, add the code’s folder as a project of \
                   the runs’ project name.",
        });
    }
    let mut problem = None;
    for root in &roots {
        let has = |commit: &String| git(root, &["cat-file", "-e", &format!("{commit}^{{commit}}")], 0);
        let missing = match (has(&commits.0), has(&commits.1)) {
            (Ok(_), Ok(_)) => return Ok(root.clone()),
            (Err(fault @ (GitFault::Missing | GitFault::Slow)), _)
            | (_, Err(fault @ (GitFault::Missing | GitFault::Slow))) => {
                return Err(NoCode {
                    problem: fault.to_string(),
                    hint: "Comparing code asks the program “git”.",
                });
            }
            (Err(GitFault::Refused(why)), _) | (_, Err(GitFault::Refused(why)))
                if why.contains("dubious ownership") =>
            {
                problem = Some(NoCode {
                    problem: format!("{} belongs to another user, and git does not trust it", root.display()),
                    hint: "Trust it with: git config --global --add safe.directory FOLDER",
                });
                continue;
            }
            (Err(_), _) => &commits.0,
            (_, Err(_)) => &commits.1,
        };
        problem.get_or_insert_with(|| NoCode {
            problem: format!("{} has no commit {}", root.display(), &missing[..missing.len().min(10)]),
            hint: "It may have been made on another machine, or removed by a rebase: fetch it, and compare again.",
        });
    }
    Err(problem.unwrap_or(NoCode { problem: "no repository has both commits".into(), hint: "Fetch them." }))
}

/// What differs between two files, if both are texts.
fn of_files(old: &[u8], new: &[u8], context: Option<usize>) -> TextDiff {
    let binary = |bytes: &[u8]| bytes.iter().take(LOOKED).any(|byte| *byte == 0);
    if binary(old) || binary(new) {
        let notes = vec![format!("This is no text: {} bytes before, {} bytes after.", old.len(), new.len())];
        return TextDiff { notes, ..TextDiff::default() };
    }
    diff(&String::from_utf8_lossy(old), &String::from_utf8_lossy(new), context)
}

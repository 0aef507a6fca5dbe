//! `athanor watch`

use std::path::PathBuf;
use std::process::ExitCode;

use athanor_api::command::{AddWatchFolder, ListWatchFolders, LookThroughWatchFolder, RemoveWatchFolder};
use athanor_api::wire::{
    AddWatch, ErrorCode, MonitorMode, Nothing, Push, WatchFolder, WatchFolders, WatchRef,
};
use clap::{Args, Subcommand};

use crate::backend::Backend;
use crate::commands::scan::problem;
use crate::exit::{Failure, fail};
use crate::print;

/// What `watch` takes.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Index the runs in a folder, and follow them as they grow; nothing is written there
    Add {
        /// The folder
        folder: PathBuf,
        /// The project of all runs in it that do not name their own
        #[arg(short, long)]
        project: Option<String>,
        /// Read metrics that programs print, too: “auto”, “pairs”, “words”, a template such as
        /// “loss={loss}”, or /an expression/; “athanor scan LOG --pattern P” shows what that finds
        #[arg(long, value_name = "PATTERN")]
        pattern: Option<String>,
        /// Return when all that is there has been read
        #[arg(short, long)]
        wait: bool,
    },
    /// List the folders, how they are followed, and what in them can't be read
    Ls,
    /// Look through a folder again
    Look {
        /// The folder, or its number
        folder: String,
        /// Return when all that is there has been read
        #[arg(short, long)]
        wait: bool,
    },
    /// Follow a folder no more and forget its runs, with your tags and notes; no file is touched
    Rm {
        /// The folder, or its number
        folder: String,
    },
}

/// Adds, lists, looks through or forgets watch folders.
pub fn run(backend: &mut Backend, arguments: Arguments, json: bool) -> Result<ExitCode, Failure> {
    let folders = match arguments.action {
        Action::Ls => backend.call::<ListWatchFolders>(&Nothing {})?,
        Action::Add { folder, project, pattern, wait } => {
            let pushes = if wait { backend.listen()? } else { None };
            let folder = std::path::absolute(&folder).map_err(|cause| {
                fail(ErrorCode::Path, format!("could not find {}: {cause}", folder.display()))
            })?;
            let added = AddWatch { path: folder.display().to_string(), project, pattern };
            let folders = backend.call::<AddWatchFolder>(&added)?;
            if !backend.is_online() && !json {
                eprintln!("No engine runs now: the next one looks through it.");
            }
            wait_until_read(backend, pushes, folders)?
        }
        Action::Look { folder, wait } => {
            let pushes = if wait { backend.listen()? } else { None };
            let id = find(backend, &folder)?;
            let folders = backend.call::<LookThroughWatchFolder>(&WatchRef { id })?;
            wait_until_read(backend, pushes, folders)?
        }
        Action::Rm { folder } => {
            let id = find(backend, &folder)?;
            backend.call::<RemoveWatchFolder>(&WatchRef { id })?
        }
    };
    if json {
        print::json(&folders)?;
        return Ok(ExitCode::SUCCESS);
    }
    if folders.folders.is_empty() {
        println!("No folder is watched. “athanor watch add FOLDER” indexes the runs in one.");
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<Vec<String>> = folders.folders.iter().map(row).collect();
    print::table(&["NO", "FOLDER", "PROJECT", "RUNS", "PROBLEMS", "FOLLOWED"], &rows)?;
    for folder in &folders.folders {
        if let Some(reason) = folder.followed.as_ref().and_then(|followed| followed.reason.as_ref()) {
            println!("{}: {reason}", folder.path);
        }
        print::lines(folder.problems.iter().map(problem))?;
        let more = folder.problem_count as usize - folder.problems.len().min(folder.problem_count as usize);
        if more > 0 {
            println!("  and {more} more");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn row(folder: &WatchFolder) -> Vec<String> {
    let followed = match &folder.followed {
        _ if folder.looking => format!("looking: {} files read", folder.progress.read),
        None => "when an engine runs".into(),
        Some(followed) if followed.mode == MonitorMode::Polling => {
            format!("looked at every few seconds ({} of {} folders)", followed.polled, followed.folders)
        }
        Some(followed) => format!("by events ({} folders)", followed.folders),
    };
    vec![
        folder.id.to_string(),
        folder.path.clone(),
        folder.project.clone().unwrap_or_default(),
        folder.runs.to_string(),
        if folder.problem_count == 0 { String::new() } else { folder.problem_count.to_string() },
        followed,
    ]
}

fn find(backend: &mut Backend, folder: &str) -> Result<i64, Failure> {
    let all = backend.call::<ListWatchFolders>(&Nothing {})?.folders;
    let path = std::path::absolute(folder).map(|path| path.display().to_string()).unwrap_or_default();
    let named = all.iter().find(|it| it.id.to_string() == folder || it.path == path);
    let found = named.or_else(|| {
        // Asked last: it waits where a file server does not answer, and such a folder shall be taken out, too.
        let real = std::fs::canonicalize(folder).ok()?.display().to_string();
        all.iter().find(|it| it.path == real)
    });
    found.map(|it| it.id).ok_or_else(|| {
        fail(ErrorCode::NotFound, format!("{folder} is not watched; “athanor watch ls” lists what is"))
    })
}

/// Returns when nothing that was there before is left to be read.
fn wait_until_read(
    backend: &mut Backend,
    pushes: Option<impl Iterator<Item = Push>>,
    mut folders: WatchFolders,
) -> Result<WatchFolders, Failure> {
    let Some(mut pushes) = pushes else { return Ok(folders) };
    while folders.folders.iter().any(|folder| folder.looking) {
        match pushes.next() {
            None | Some(Push::EngineStopped {}) => break,
            Some(Push::RunsUpdate { structure: true, .. } | Push::Resync { .. } | Push::Hello { .. }) => {
                folders = backend.call::<ListWatchFolders>(&Nothing {})?;
            }
            Some(_) => {}
        }
    }
    Ok(folders)
}

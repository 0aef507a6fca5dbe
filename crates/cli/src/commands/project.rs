//! `athanor project`

use std::path::PathBuf;
use std::process::ExitCode;

use athanor_api::command::{AddDemo, AddProject, ListProjects, RemoveProject};
use athanor_api::wire::{self, ErrorCode, Nothing, Project, ProjectRef};
use clap::{Args, Subcommand};

use crate::backend::Backend;
use crate::exit::{Failure, fail};
use crate::print;

/// What `project` takes.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// List the projects and what could be run in them
    Ls,
    /// Make a folder a project; nothing is written into it
    Add {
        /// The folder
        folder: PathBuf,
        /// A name; the folder's own name if absent
        #[arg(short, long)]
        name: Option<String>,
    },
    /// Place the bundled demo in the data folder and make it a project
    Demo,
    /// Forget a project; no file is touched
    Rm {
        /// Its name
        name: String,
    },
}

/// Lists, adds or forgets projects.
pub fn run(backend: &mut Backend, arguments: &Arguments, json: bool) -> Result<ExitCode, Failure> {
    let projects: Vec<Project> = match &arguments.action {
        Action::Ls => backend.call::<ListProjects>(&Nothing {})?.projects,
        Action::Add { folder, name } => {
            let folder = std::path::absolute(folder).map_err(|cause| {
                fail(ErrorCode::Path, format!("could not find {}: {cause}", folder.display()))
            })?;
            let input = wire::AddProject { folder: folder.display().to_string(), name: name.clone() };
            vec![backend.call::<AddProject>(&input)?]
        }
        Action::Demo => vec![backend.call::<AddDemo>(&Nothing {})?],
        Action::Rm { name } => backend.call::<RemoveProject>(&ProjectRef { name: name.clone() })?.projects,
    };
    if json {
        print::json(&projects)?;
        return Ok(ExitCode::SUCCESS);
    }
    for project in &projects {
        let gone = if project.available { "" } else { "  (the folder is not there)" };
        println!("{}  {}{gone}", project.name, project.folder);
        for suggestion in &project.suggestions {
            println!("    {}: {}", suggestion.label, suggestion.command.join(" "));
        }
    }
    Ok(ExitCode::SUCCESS)
}

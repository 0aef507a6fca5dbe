//! What runs ran in: what the queue knows of its own, and what files in a run's folder say.

use std::path::PathBuf;

use athanor_core::compare::{Fact, FactRow, facts, packages, packages_of_conda, wandb_metadata};
use athanor_core::experiment::{JobCommand, is_secret_name};
use athanor_core::secrets::{mask_command, mask_text};

use super::{PATIENCE, place_of};
use crate::engine::Engine;
use crate::error::Result;
use crate::home::host_name;
use crate::store::runs::RunRow;

/// Bytes of a file of these that are read.
const READ: usize = 1 << 20;

/// Files that name packages or what a run ran in, within its folder.
const NAMES: [&str; 10] = [
    "requirements.txt",
    "files/requirements.txt",
    "requirements.lock",
    "conda-environment.yaml",
    "files/conda-environment.yaml",
    "conda.yaml",
    "environment.yml",
    "environment.yaml",
    "wandb-metadata.json",
    "files/wandb-metadata.json",
];

/// Facts of runs about one subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The subject.
    pub title: &'static str,
    /// A fact in each.
    pub rows: Vec<FactRow>,
}

/// What runs ran in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environments {
    /// The runs' uids, in the order of the values.
    pub uids: Vec<String>,
    /// By subject; one that nothing is known of is left out.
    pub sections: Vec<Section>,
    /// What is not known, and why.
    pub notes: Vec<String>,
}

/// What is known of a run.
#[derive(Default)]
struct Known {
    machine: Vec<Fact>,
    command: Vec<Fact>,
    variables: Vec<Fact>,
    packages: Vec<Fact>,
}

/// A fact, unless it is known already.
fn add(facts: &mut Vec<Fact>, more: impl IntoIterator<Item = Fact>) {
    for fact in more {
        if facts.iter().all(|known| known.key != fact.key) {
            facts.push(fact);
        }
    }
}

impl Engine {
    /// What runs ran in. Values of secrets stay here: whether they differ is all that is said.
    ///
    /// # Errors
    /// There are no such runs, or the store can't be read.
    pub async fn compare_environments(
        &self,
        uids: &[String],
        baseline: Option<&str>,
    ) -> Result<Environments> {
        let rows = self.compared_runs(uids, 1).await?;
        let baseline = place_of(&rows, baseline)?;
        let mut all = Vec::with_capacity(rows.len());
        let mut notes = Vec::new();
        for run in &rows {
            let mut known = Known::default();
            if let Some(problem) = self.of_queue(run, &mut known).await? {
                notes.push(problem);
            }
            self.of_files(run, &mut known).await;
            if let Some(host) = &run.host {
                add(&mut known.machine, [Fact::open("Host", host)]);
            }
            all.push(known);
        }
        let without = |of: fn(&Known) -> bool| -> Vec<&str> {
            rows.iter().zip(&all).filter(|(_, known)| of(known)).map(|(run, _)| run.name.as_str()).collect()
        };
        let listed = |names: &[&str]| match names {
            [one] => format!("“{one}”"),
            [first, second] => format!("“{first}” and “{second}”"),
            names if names.len() == rows.len() => "any of the runs".into(),
            _ => format!("{} of the runs", names.len()),
        };
        let unqueued: Vec<&str> =
            rows.iter().filter(|run| run.experiment.is_none()).map(|run| run.name.as_str()).collect();
        if !unqueued.is_empty() {
            notes.push(format!(
                "The queue did not run {}, so variables and the command are known only as far as files say.",
                listed(&unqueued)
            ));
        }
        let bare = without(|known| known.packages.is_empty());
        if !bare.is_empty() {
            notes.push(format!(
                "No file of {} names packages: requirements.txt, a conda environment or W&B’s files in its folder would.",
                listed(&bare)
            ));
        }
        let mut section = |title, of: fn(&mut Known) -> &mut Vec<Fact>, by_name| {
            let each: Vec<Vec<Fact>> = all.iter_mut().map(|known| std::mem::take(of(known))).collect();
            Section { title, rows: facts(&each, baseline, by_name) }
        };
        let sections = [
            section("Machine", |known| &mut known.machine, false),
            section("Command", |known| &mut known.command, false),
            section("Packages", |known| &mut known.packages, true),
            section("Variables", |known| &mut known.variables, true),
        ];
        Ok(Environments {
            uids: rows.into_iter().map(|run| run.uid).collect(),
            sections: sections.into_iter().filter(|section| !section.rows.is_empty()).collect(),
            notes,
        })
    }

    /// What the queue knows of its own; answers what it does not.
    async fn of_queue(&self, run: &RunRow, known: &mut Known) -> Result<Option<String>> {
        let Some(uid) = &run.experiment else { return Ok(None) };
        let Some(row) = self.store().experiment_by_uid(uid).await? else {
            return Ok(Some(format!(
                "The experiment of “{}” was deleted, and what it ran in with it.",
                run.name
            )));
        };
        add(&mut known.machine, [Fact::open("Host", run.host.clone().unwrap_or_else(host_name))]);
        let attempts = self.store().attempts(row.id).await?;
        let attempt =
            attempts.iter().find(|attempt| run.attempt.is_none_or(|number| attempt.number == number));
        let shares = attempt.and_then(|attempt| attempt.assignment.as_ref()).map(|it| it.gpus.as_slice());
        if let Some(shares) = shares.filter(|shares| !shares.is_empty()) {
            let sample = self.sampler().and_then(|sampler| sampler.history().last().cloned());
            let name = |uuid: &str| {
                let sample = sample.as_ref()?;
                sample.gpus.list.iter().find(|gpu| gpu.uuid == uuid).map(|gpu| gpu.name.clone())
            };
            let mut names: Vec<String> =
                shares.iter().map(|share| name(&share.uuid).unwrap_or_else(|| share.uuid.clone())).collect();
            names.sort();
            let mut counted: Vec<(String, usize)> = Vec::new();
            for name in names {
                match counted.last_mut() {
                    Some((last, count)) if *last == name => *count += 1,
                    _ => counted.push((name, 1)),
                }
            }
            let words = counted
                .into_iter()
                .map(|(name, count)| if count > 1 { format!("{count} × {name}") } else { name });
            add(&mut known.machine, [Fact::open("GPU", words.collect::<Vec<_>>().join(", "))]);
            add(&mut known.machine, [Fact::open("GPUs", shares.len().to_string())]);
        } else {
            add(&mut known.machine, [Fact::open("GPUs", "0")]);
        }
        let line = match &row.command {
            JobCommand::Argv(words) => mask_command(words),
            JobCommand::Shell(line) => mask_text(line),
        };
        add(&mut known.command, [Fact::open("Command", line), Fact::open("Folder", row.cwd.clone())]);
        match self.environment(&row).await {
            Err(error) => {
                return Ok(Some(format!("The variables of “{}” can’t be opened: {error}.", run.name)));
            }
            Ok(environment) => add(
                &mut known.variables,
                environment.into_iter().map(|(key, value)| {
                    let secret = is_secret_name(&key);
                    // Such as a proxy's password in its address.
                    let value = if secret { value } else { mask_text(&value) };
                    Fact { key, value, secret }
                }),
            ),
        }
        Ok(None)
    }

    /// What files in its folder say.
    async fn of_files(&self, run: &RunRow, known: &mut Known) {
        let folder = PathBuf::from(&run.folder);
        let looked = tokio::task::spawn_blocking(move || {
            NAMES.iter().map(|name| folder.join(name)).filter(|path| path.is_file()).collect::<Vec<_>>()
        });
        let Ok(Ok(there)) = tokio::time::timeout(PATIENCE, looked).await else { return };
        for path in there {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let Ok(bytes) = self.head_of(run, path, READ).await else { continue };
            let text = String::from_utf8_lossy(&bytes);
            match name.as_str() {
                "wandb-metadata.json" => {
                    let (machine, command) = wandb_metadata(&bytes).unwrap_or_default();
                    add(&mut known.machine, machine);
                    add(&mut known.command, command);
                }
                name if name.starts_with("requirements") => add(&mut known.packages, packages(&text)),
                _ => add(&mut known.packages, packages_of_conda(&text)),
            }
        }
        if let Some(at) = known.packages.iter().position(|package| package.key == "python") {
            let python = known.packages.remove(at);
            add(&mut known.command, [Fact::open("Python", python.value)]);
        }
    }
}

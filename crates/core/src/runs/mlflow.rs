//! MLflow's file store: `mlruns/EXPERIMENT/RUN/` with `meta.yaml`, and a file for each parameter, tag and metric. Its
//! `mlflow.db` is read by [`super::database`].
//!
//! A line of a metric is `time value step`, time in milliseconds; older ones have no step. MLflow 3 adds the name and
//! digest of a data set.

use serde::{Deserialize, Serialize};

use super::lines::{LineStream, Lines, issue};
use super::{
    Batch, Checkpoint, Contents, Document, End, Fact, Folder, Format, Found, Member, Outcome, Reader, Role,
    database, settings,
};
use crate::sweep::Scalar;

/// See the [module](self).
pub struct MlFlow;

impl Format for MlFlow {
    fn id(&self) -> &'static str {
        "mlflow"
    }

    fn label(&self) -> &'static str {
        "MLflow"
    }

    fn recognise(&self, folder: &dyn Folder) -> Vec<Found> {
        let mut found = database::candidates(folder, |name| name.to_lowercase().contains("mlflow"));
        if !folder.files().iter().any(|file| file == "meta.yaml") {
            return found;
        }
        let head = folder.head("meta.yaml");
        let says = |key: &str| String::from_utf8_lossy(&head).lines().any(|line| line.starts_with(key));
        if !(says("run_id:") || says("run_uuid:")) || !says("lifecycle_stage:") {
            return found;
        }
        let mut members = vec![Member::new("meta.yaml", Role::Meta)];
        for (name, role) in [("metrics", Role::Metrics), ("params", Role::Config), ("tags", Role::Meta)] {
            if folder.folders().iter().any(|folder| folder == name) {
                members.extend(folder.below(name).into_iter().map(|path| Member::new(path, role)));
            }
        }
        found.push(Found::run(members));
        found
    }

    fn reader(&self, member: &Member, from: Option<&Checkpoint>) -> Reader {
        if database::is_one(member) {
            return database::reader(member, from);
        }
        let name = member.path.split_once('/').map_or("", |(_, name)| name).to_owned();
        match member.role {
            Role::Metrics => {
                let keys = vec![format!("{}{name}", member.prefix)];
                Reader::Stream(LineStream::open(Metric { keys, fits: false, misfits: 0, lines: 0 }, from))
            }
            Role::Meta if name.is_empty() => settings::yaml_facts(about),
            Role::Config | Role::Meta => {
                Reader::Document(Box::new(Value { name, is_tag: member.role == Role::Meta }))
            }
            Role::Log | Role::Copy => Reader::Nothing,
        }
    }
}

/// `status` is a number of MLflow's `RunStatus`: 3 finished, 4 failed, 5 killed.
fn about(key: &str, value: &str) -> Option<Fact> {
    match key {
        "run_name" if !value.is_empty() => Some(Fact::Name(value.to_owned())),
        "experiment_id" => Some(Fact::Project(value.to_owned())),
        "start_time" => value.parse().ok().map(Fact::Started),
        "end_time" => value.parse().ok().map(Fact::Ended),
        "status" => match value {
            "3" => Some(Fact::End(End::Completed)),
            "4" => Some(Fact::End(End::Failed)),
            "5" => Some(Fact::End(End::Cancelled)),
            _ => None,
        },
        _ => None,
    }
}

/// What a tag says. Those of MLflow's own begin with `mlflow.`.
pub(super) fn tag(name: &str, text: &str) -> Option<Fact> {
    match name {
        "mlflow.runName" => Some(Fact::Name(text.to_owned())),
        "mlflow.note.content" => Some(Fact::Notes(text.to_owned())),
        "mlflow.source.git.commit" => Some(Fact::Commit(text.to_owned())),
        name if name.starts_with("mlflow.") => None,
        name => Some(Fact::Tag(format!("{name}={text}"))),
    }
}

/// A parameter or a tag: the file's name is its name, the contents its value.
struct Value {
    name: String,
    is_tag: bool,
}

impl Document for Value {
    fn limit(&self) -> u64 {
        1 << 20
    }

    fn read(&self, bytes: &[u8]) -> Contents {
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim_end_matches(['\r', '\n']);
        let fact = match (self.is_tag, self.name.as_str()) {
            (false, _) => Some(Fact::Config { key: self.name.clone(), value: Scalar::plain(text) }),
            (true, name) => tag(name, text),
        };
        let batch = Batch { facts: fact.into_iter().collect(), ..Batch::default() };
        Contents { outcome: Outcome::Fits, keys: Vec::new(), batch }
    }
}

#[derive(Serialize, Deserialize)]
struct Metric {
    keys: Vec<String>,
    fits: bool,
    misfits: u32,
    lines: u64,
}

impl Lines for Metric {
    fn line(&mut self, line: &[u8], number: u64, out: &mut Batch) {
        let text = String::from_utf8_lossy(line);
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let step = match words.get(2) {
            Some(word) => word.parse().ok(),
            None => Some(self.lines as f64),
        };
        let parsed = (|| {
            let time: i64 = words.first()?.parse().ok()?;
            let value: f64 = words.get(1)?.parse().ok()?;
            Some((time, value, step.filter(|step: &f64| step.is_finite())?))
        })();
        self.lines += 1;
        match parsed {
            Some((time, value, step)) => {
                self.fits = true;
                out.point(0, step, value, Some(time));
            }
            None => {
                self.misfits = self.misfits.saturating_add(1);
                out.issues.push(issue(number, "it is not a time, a value and a step"));
            }
        }
    }

    fn outcome(&self) -> Outcome {
        match (self.fits, self.misfits) {
            (true, _) => Outcome::Fits,
            (false, 0..64) => Outcome::Waiting,
            _ => Outcome::Refused("no line of many is a time, a value and a step".into()),
        }
    }

    fn keys(&self) -> &[String] {
        &self.keys
    }
}

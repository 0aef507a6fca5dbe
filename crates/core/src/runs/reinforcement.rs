//! Libraries of reinforcement learning: RLlib, Stable-Baselines3, OpenAI Baselines and Spinning Up.

use super::folder::event_copies;
use super::json_lines::{self, Dialect};
use super::{Checkpoint, Folder, Format, Found, Member, Reader, Role, settings, table};

/// RLlib and Ray Tune: `result.json`, a JSON object a line, which `progress.csv` and the event files repeat;
/// `params.json`.
pub struct Rllib;

impl Format for Rllib {
    fn id(&self) -> &'static str {
        "rllib"
    }

    fn label(&self) -> &'static str {
        "RLlib"
    }

    fn recognise(&self, folder: &dyn Folder) -> Vec<Found> {
        let has = |name: &str| folder.files().iter().any(|file| file == name);
        let (result, progress) = (has("result.json"), has("progress.csv"));
        if !has("params.json") || !(result || progress) {
            return Vec::new();
        }
        let mut members = Vec::new();
        if result {
            members.push(Member::new("result.json", Role::Metrics));
            members.extend(event_copies(folder));
        }
        if progress {
            members.push(Member::new("progress.csv", if result { Role::Copy } else { Role::Metrics }));
        }
        members.push(Member::new("params.json", Role::Config));
        vec![Found::run(members)]
    }

    fn reader(&self, member: &Member, from: Option<&Checkpoint>) -> Reader {
        match (member.role, member.name()) {
            (Role::Metrics, "result.json") => json_lines::reader(Dialect::Rllib, &member.prefix, from),
            (Role::Metrics, _) => table::reader(member, from),
            (Role::Config, _) => settings::json(),
            _ => Reader::Nothing,
        }
    }
}

/// Stable-Baselines3: `N.monitor.csv`, one for each environment of a run, and `progress.csv`. A monitor file begins with
/// a JSON comment; its steps are the sums of the episodes' lengths.
pub struct StableBaselines;

impl Format for StableBaselines {
    fn id(&self) -> &'static str {
        "sb3"
    }

    fn label(&self) -> &'static str {
        "Stable-Baselines3"
    }

    fn recognise(&self, folder: &dyn Folder) -> Vec<Found> {
        let mut members = Vec::new();
        for file in folder.files() {
            let Some(stem) = file.strip_suffix("monitor.csv") else { continue };
            if stem.is_empty() {
                members.push(Member::new(file.clone(), Role::Metrics));
            } else if let Some(stem) = stem.strip_suffix('.') {
                members.push(Member::new(file.clone(), Role::Metrics).prefixed(format!("{stem}/")));
            }
        }
        members.retain(|member| folder.head(&member.path).trim_ascii_start().starts_with(b"#{"));
        if folder.files().iter().any(|file| file == "progress.csv") {
            let is_one = |name: &String| name.starts_with("time/") || name.starts_with("rollout/");
            let header = table::header(&folder.head("progress.csv")).unwrap_or_default();
            if !members.is_empty() || header.iter().any(is_one) {
                members.insert(0, Member::new("progress.csv", Role::Metrics));
            }
        }
        if members.is_empty() { Vec::new() } else { vec![Found::run(members)] }
    }

    fn reader(&self, member: &Member, from: Option<&Checkpoint>) -> Reader {
        table::reader(member, from)
    }
}

/// OpenAI Baselines' `progress.csv` and Spinning Up's `progress.txt`, which is separated by tabs; a folder a seed.
pub struct Baselines;

impl Format for Baselines {
    fn id(&self) -> &'static str {
        "baselines"
    }

    fn label(&self) -> &'static str {
        "Baselines and Spinning Up"
    }

    fn recognise(&self, folder: &dyn Folder) -> Vec<Found> {
        let has = |name: &str| folder.files().iter().any(|file| file == name);
        let progress = ["progress.csv", "progress.txt"].into_iter().find(|name| has(name));
        let Some(progress) = progress.filter(|name| table::header(&folder.head(name)).is_some()) else {
            return Vec::new();
        };
        let mut members = vec![Member::new(progress, Role::Metrics)];
        for (name, role) in [("config.json", Role::Config), ("log.txt", Role::Log)] {
            if has(name) {
                members.push(Member::new(name, role));
            }
        }
        vec![Found::run(members)]
    }

    fn reader(&self, member: &Member, from: Option<&Checkpoint>) -> Reader {
        match member.role {
            Role::Metrics => table::reader(member, from),
            Role::Config => settings::json(),
            _ => Reader::Nothing,
        }
    }
}

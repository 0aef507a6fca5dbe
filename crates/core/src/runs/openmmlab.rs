//! Files of JSON lines of the detection frameworks: detectron2's `metrics.json`, MMEngine's `vis_data/scalars.json` and
//! mmdetection 2's `*.log.json`.

use super::json_lines::{self, Dialect};
use super::{Checkpoint, Folder, Format, Found, Member, Reader, Role, settings};

/// `metrics.json` with an `iteration` on each line, `config.yaml` and `log.txt` beside it.
pub struct Detectron2;

impl Format for Detectron2 {
    fn id(&self) -> &'static str {
        "detectron2"
    }

    fn label(&self) -> &'static str {
        "detectron2"
    }

    fn recognise(&self, folder: &dyn Folder) -> Vec<Found> {
        let has = |name: &str| folder.files().iter().any(|file| file == name);
        let is_one = |names: &[String]| {
            names.iter().any(|name| name == "iteration") && names.iter().any(|name| name == "data_time")
        };
        if !has("metrics.json") || !json_lines::first_line(&folder.head("metrics.json"), is_one) {
            return Vec::new();
        }
        let mut members = vec![Member::new("metrics.json", Role::Metrics)];
        for (name, role) in [("config.yaml", Role::Config), ("log.txt", Role::Log)] {
            if has(name) {
                members.push(Member::new(name, role));
            }
        }
        vec![Found::run(members)]
    }

    fn reader(&self, member: &Member, from: Option<&Checkpoint>) -> Reader {
        match member.role {
            Role::Metrics => json_lines::reader(Dialect::Plain, &member.prefix, from),
            Role::Config => settings::yaml(settings::nothing_else),
            _ => Reader::Nothing,
        }
    }
}

/// `<time>/vis_data/scalars.json`, which `<time>/vis_data/<time>.json` repeats.
pub struct MmEngine;

impl Format for MmEngine {
    fn id(&self) -> &'static str {
        "mmengine"
    }

    fn label(&self) -> &'static str {
        "MMEngine"
    }

    fn recognise(&self, folder: &dyn Folder) -> Vec<Found> {
        if !folder.folders().iter().any(|name| name == "vis_data") {
            return Vec::new();
        }
        let below = folder.below("vis_data");
        if !below.iter().any(|path| path == "vis_data/scalars.json") {
            return Vec::new();
        }
        let mut members = vec![Member::new("vis_data/scalars.json", Role::Metrics)];
        let last = folder.path().rsplit('/').next().unwrap_or_default();
        let copy = format!("vis_data/{last}.json");
        if below.contains(&copy) {
            members.push(Member::new(copy, Role::Copy));
        }
        let log = format!("{last}.log");
        if folder.files().contains(&log) {
            members.push(Member::new(log, Role::Log));
        }
        vec![Found::run(members)]
    }

    fn reader(&self, member: &Member, from: Option<&Checkpoint>) -> Reader {
        match member.role {
            Role::Metrics => json_lines::reader(Dialect::MmEngine, &member.prefix, from),
            _ => Reader::Nothing,
        }
    }
}

/// `<time>.log.json` with `<time>.log`. A folder has one for each start, each a run. The event files in `tf_logs` repeat
/// them.
pub struct MmDetection;

impl Format for MmDetection {
    fn id(&self) -> &'static str {
        "mmdetection"
    }

    fn label(&self) -> &'static str {
        "mmdetection 2"
    }

    fn recognise(&self, folder: &dyn Folder) -> Vec<Found> {
        let mut found: Vec<Found> = Vec::new();
        for file in folder.files() {
            let Some(stem) = file.strip_suffix(".log.json") else { continue };
            let mut members = vec![Member::new(file.clone(), Role::Metrics)];
            let log = format!("{stem}.log");
            if folder.files().contains(&log) {
                members.push(Member::new(log, Role::Log));
            }
            // Who names no time writes one file for the folder.
            let is_only = stem == "None" || stem.is_empty();
            found.push(if is_only { Found::run(members) } else { Found::part(stem, members) });
        }
        if let Some(last) = found.last_mut()
            && folder.folders().iter().any(|name| name == "tf_logs")
        {
            let events = folder.below("tf_logs").into_iter();
            last.members.extend(events.map(|path| Member::new(path, Role::Copy)));
        }
        found
    }

    fn reader(&self, member: &Member, from: Option<&Checkpoint>) -> Reader {
        match member.role {
            Role::Metrics => json_lines::reader(Dialect::MmDetection, &member.prefix, from),
            _ => Reader::Nothing,
        }
    }
}

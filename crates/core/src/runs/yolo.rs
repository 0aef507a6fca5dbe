//! Ultralytics' `results.csv` with `args.yaml`, YOLOv5's with `opt.yaml` and `hyp.yaml`, and the `results.txt` of YOLOv5
//! and v7, which has no header. Event files beside a `results.csv` repeat it.
//!
//! A line of `results.txt` (`train.py` and `test.py` of YOLOv5 up to release 5, and of YOLOv7):
//! `0/399 0.455G box obj cls total labels img_size P R mAP@.5 mAP@.5:.95 val/box val/obj val/cls`.

use serde::{Deserialize, Serialize};

use super::folder::event_copies;
use super::lines::{LineStream, Lines, issue};
use super::{Batch, Checkpoint, Fact, Folder, Format, Found, Member, Outcome, Reader, Role, settings, table};

/// Ultralytics and YOLOv5 with a `results.csv`.
pub struct Ultralytics;

impl Format for Ultralytics {
    fn id(&self) -> &'static str {
        "ultralytics"
    }

    fn label(&self) -> &'static str {
        "Ultralytics"
    }

    fn recognise(&self, folder: &dyn Folder) -> Vec<Found> {
        let has = |name: &str| folder.files().iter().any(|file| file == name);
        let mut members = Vec::new();
        let settings: &[&str] = if has("args.yaml") {
            // Also where there are no results: such a run failed, or has only begun.
            let head = folder.head("args.yaml");
            let head = String::from_utf8_lossy(&head);
            let says = |key: &str| head.lines().any(|line| line.starts_with(key));
            if !(says("task:") && says("mode:")) {
                return Vec::new();
            }
            &["args.yaml"]
        } else if has("results.csv") && has("opt.yaml") {
            &["opt.yaml", "hyp.yaml"]
        } else {
            let header = if has("results.csv") { table::header(&folder.head("results.csv")) } else { None };
            if !header.is_some_and(|names| names.iter().any(|name| name == "train/box_loss")) {
                return Vec::new();
            }
            &[]
        };
        if has("results.csv") {
            members.push(Member::new("results.csv", Role::Metrics));
            members.extend(event_copies(folder));
        }
        members.extend(settings.iter().filter(|name| has(name)).map(|name| Member::new(*name, Role::Config)));
        vec![Found::run(members)]
    }

    fn reader(&self, member: &Member, from: Option<&Checkpoint>) -> Reader {
        match member.role {
            Role::Metrics => table::reader(member, from),
            Role::Config => settings::yaml(epochs),
            _ => Reader::Nothing,
        }
    }
}

fn epochs(key: &str, value: &str) -> Option<Fact> {
    if key == "epochs" { value.parse().ok().map(Fact::Total) } else { None }
}

/// YOLOv5 up to release 5, and YOLOv7.
pub struct YoloText;

impl Format for YoloText {
    fn id(&self) -> &'static str {
        "yolo-txt"
    }

    fn label(&self) -> &'static str {
        "YOLOv5 and v7 (results.txt)"
    }

    fn recognise(&self, folder: &dyn Folder) -> Vec<Found> {
        let has = |name: &str| folder.files().iter().any(|file| file == name);
        if !has("results.txt") {
            return Vec::new();
        }
        let head = folder.head("results.txt");
        let first = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
        if Line::parse(first).is_none_or(|line| line.memory.is_none()) {
            return Vec::new();
        }
        let mut members = vec![Member::new("results.txt", Role::Metrics)];
        let settings = ["hyp.yaml", "opt.yaml"];
        members.extend(settings.iter().filter(|name| has(name)).map(|name| Member::new(*name, Role::Config)));
        vec![Found::run(members)]
    }

    fn reader(&self, member: &Member, from: Option<&Checkpoint>) -> Reader {
        match member.role {
            Role::Metrics => {
                let keys = NAMES.iter().map(|name| format!("{}{name}", member.prefix)).collect();
                Reader::Stream(LineStream::open(Results { keys, total: None, fits: false, misfits: 0 }, from))
            }
            Role::Config => settings::yaml(epochs),
            _ => Reader::Nothing,
        }
    }
}

/// What the columns after the epoch hold.
const NAMES: [&str; 14] = [
    "gpu_mem_gb",
    "train/box_loss",
    "train/obj_loss",
    "train/cls_loss",
    "train/total_loss",
    "labels",
    "img_size",
    "metrics/precision",
    "metrics/recall",
    "metrics/mAP_0.5",
    "metrics/mAP_0.5:0.95",
    "val/box_loss",
    "val/obj_loss",
    "val/cls_loss",
];

struct Line {
    epoch: f64,
    /// The last epoch's number.
    last: f64,
    /// In GB, as PyTorch's reserved memory divided by 1e9.
    memory: Option<f64>,
    values: Vec<f64>,
}

impl Line {
    fn parse(line: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(line).ok()?;
        let mut words = text.split_ascii_whitespace();
        let (epoch, last) = words.next()?.split_once('/')?;
        let memory = words.next()?.strip_suffix('G').and_then(|number| number.parse().ok());
        let values = words.map(str::parse).collect::<Result<_, _>>().ok()?;
        Some(Self { epoch: epoch.parse().ok()?, last: last.parse().ok()?, memory, values })
    }
}

#[derive(Serialize, Deserialize)]
struct Results {
    keys: Vec<String>,
    total: Option<f64>,
    fits: bool,
    misfits: u32,
}

impl Lines for Results {
    fn line(&mut self, line: &[u8], number: u64, out: &mut Batch) {
        let Some(line) = Line::parse(line).filter(|line| line.epoch.is_finite()) else {
            self.misfits = self.misfits.saturating_add(1);
            out.issues.push(issue(number, "it does not begin with an epoch, a memory and numbers"));
            return;
        };
        self.fits = true;
        if self.total != Some(line.last) {
            self.total = Some(line.last);
            out.facts.push(Fact::Total(line.last));
        }
        if let Some(memory) = line.memory {
            out.point(0, line.epoch, memory, None);
        }
        for (key, value) in (1..NAMES.len() as u32).zip(&line.values) {
            out.point(key, line.epoch, *value, None);
        }
    }

    fn outcome(&self) -> Outcome {
        match (self.fits, self.misfits) {
            (true, _) => Outcome::Fits,
            (false, 0..64) => Outcome::Waiting,
            _ => Outcome::Refused("no line of many is one of YOLOv5's results".into()),
        }
    }

    fn keys(&self) -> &[String] {
        &self.keys
    }
}

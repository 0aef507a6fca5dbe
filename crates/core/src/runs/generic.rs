//! Tables and JSON lines of nobody in particular: any file with a column of steps, iterations or epochs.
//!
//! Which run a file belongs to is told by its name alone, so that no run changes its name when another file appears:
//! - `train.csv`, `val.csv` and their like are parts of the folder's run, with `train/` and so on before their metrics;
//! - `metrics.csv`, `history.csv`, `log.csv` and their like are the folder's run;
//! - any other is a run of its own, named for the file.

use super::json_lines::{self, Dialect};
use super::{Checkpoint, Folder, Format, Found, Member, Reader, Role, table};

const SPLITS: [&str; 7] = ["train", "training", "val", "valid", "validation", "test", "eval"];
const WHOLE: [&str; 15] = [
    "metrics",
    "metric",
    "results",
    "result",
    "history",
    "progress",
    "log",
    "logs",
    "scalars",
    "losses",
    "loss",
    "stats",
    "train_log",
    "training_log",
    "trainer_log",
];

/// Groups files into runs by their stems.
fn group(files: Vec<String>) -> Vec<Found> {
    let (mut folder, mut found) = (Vec::new(), Vec::new());
    for file in files {
        let stem = file.rsplit_once('.').map_or(file.as_str(), |(stem, _)| stem).to_owned();
        let lower = stem.to_lowercase();
        if SPLITS.contains(&lower.as_str()) {
            folder.push(Member::new(file, Role::Metrics).prefixed(format!("{lower}/")));
        } else if WHOLE.contains(&lower.as_str()) {
            folder.push(Member::new(file, Role::Metrics));
        } else {
            found.push(Found::part(stem, vec![Member::new(file, Role::Metrics)]));
        }
    }
    if !folder.is_empty() {
        found.push(Found::run(folder));
    }
    found
}

fn extension(file: &str) -> &str {
    file.rsplit_once('.').map_or("", |(_, extension)| extension)
}

/// Keras' CSVLogger: first the epoch, then the metrics in the order of the alphabet. Values that are not there say `NA`.
pub struct Keras;

impl Format for Keras {
    fn id(&self) -> &'static str {
        "keras"
    }

    fn label(&self) -> &'static str {
        "Keras CSVLogger"
    }

    fn recognise(&self, folder: &dyn Folder) -> Vec<Found> {
        let is_one = |file: &&String| {
            let Some(names) = table::header(&folder.head(file)) else { return false };
            let Some((first, rest)) = names.split_first() else { return false };
            let has = |name: &str| rest.iter().any(|other| other == name);
            first == "epoch"
                && rest.is_sorted()
                && has("loss")
                && rest.iter().any(|name| name.starts_with("val_"))
        };
        let tables = folder.files().iter().filter(|file| extension(file).eq_ignore_ascii_case("csv"));
        group(tables.filter(is_one).cloned().collect())
    }

    fn reader(&self, member: &Member, from: Option<&Checkpoint>) -> Reader {
        table::reader(member, from)
    }
}

/// CSV and TSV.
pub struct Tables;

impl Format for Tables {
    fn id(&self) -> &'static str {
        "csv"
    }

    fn label(&self) -> &'static str {
        "CSV and TSV"
    }

    fn recognise(&self, folder: &dyn Folder) -> Vec<Found> {
        let is_table = |file: &&String| {
            ["csv", "tsv"].iter().any(|kind| extension(file).eq_ignore_ascii_case(kind))
                && table::header(&folder.head(file)).is_some()
        };
        group(folder.files().iter().filter(is_table).cloned().collect())
    }

    fn reader(&self, member: &Member, from: Option<&Checkpoint>) -> Reader {
        table::reader(member, from)
    }
}

/// JSON lines.
pub struct JsonLines;

impl Format for JsonLines {
    fn id(&self) -> &'static str {
        "jsonl"
    }

    fn label(&self) -> &'static str {
        "JSON lines"
    }

    fn recognise(&self, folder: &dyn Folder) -> Vec<Found> {
        let is_one = |file: &&String| {
            ["jsonl", "ndjson", "json"].iter().any(|kind| extension(file).eq_ignore_ascii_case(kind))
                && json_lines::first_line(&folder.head(file), json_lines::has_x)
                && (extension(file) != "json" || has_two_lines(&folder.head(file)))
        };
        group(folder.files().iter().filter(is_one).cloned().collect())
    }

    fn reader(&self, member: &Member, from: Option<&Checkpoint>) -> Reader {
        json_lines::reader(Dialect::Plain, &member.prefix, from)
    }
}

/// One JSON document on one line is no list of lines: a second line must follow, or the first be longer than the head.
fn has_two_lines(head: &[u8]) -> bool {
    match head.iter().position(|&byte| byte == b'\n') {
        Some(end) => head[end..].trim_ascii().starts_with(b"{"),
        None => head.len() >= 4096,
    }
}

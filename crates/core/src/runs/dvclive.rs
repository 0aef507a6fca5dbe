//! DVCLive: a table for each metric, `plots/metrics/**/NAME.tsv`, or `scalars/NAME.tsv` before version 1.

use super::table::Naming;
use super::{Checkpoint, Folder, Format, Found, Member, Reader, Role, settings, table};

/// See the [module](self).
pub struct DvcLive;

const FOLDERS: [(&str, &str); 2] = [("plots", "plots/metrics/"), ("scalars", "scalars/")];

impl Format for DvcLive {
    fn id(&self) -> &'static str {
        "dvclive"
    }

    fn label(&self) -> &'static str {
        "DVCLive"
    }

    fn recognise(&self, folder: &dyn Folder) -> Vec<Found> {
        let mut members = Vec::new();
        for (name, tables) in FOLDERS {
            if !folder.folders().iter().any(|folder| folder == name) {
                continue;
            }
            let files = folder.below(name).into_iter();
            members.extend(
                files
                    .filter(|path| path.starts_with(tables) && path.ends_with(".tsv"))
                    .map(|path| Member::new(path, Role::Metrics)),
            );
        }
        if members.is_empty() {
            return Vec::new();
        }
        for (name, role) in [("params.yaml", Role::Config), ("metrics.json", Role::Copy)] {
            if folder.files().iter().any(|file| file == name) {
                members.push(Member::new(name, role));
            }
        }
        vec![Found::run(members)]
    }

    fn reader(&self, member: &Member, from: Option<&Checkpoint>) -> Reader {
        match member.role {
            Role::Metrics => {
                let inside = FOLDERS.iter().find_map(|(_, tables)| member.path.strip_prefix(tables));
                let name = inside.unwrap_or(&member.path).trim_end_matches(".tsv");
                table::open(Naming::Last(format!("{}{name}", member.prefix)), from)
            }
            Role::Config => settings::yaml(settings::nothing_else),
            _ => Reader::Nothing,
        }
    }
}

//! PyTorch Lightning's CSVLogger: `metrics.csv`, with `hparams.yaml` beside it.
//!
//! Rows are sparse: the training and the validation values of one step stand on rows of their own. When a metric
//! appears that was not there before, the file is written anew with a column more; readers see a rewritten file.

use super::{Checkpoint, Folder, Format, Found, Member, Reader, Role, settings, table};

/// See the [module](self).
pub struct Lightning;

impl Format for Lightning {
    fn id(&self) -> &'static str {
        "lightning"
    }

    fn label(&self) -> &'static str {
        "Lightning"
    }

    fn recognise(&self, folder: &dyn Folder) -> Vec<Found> {
        let has = |name: &str| folder.files().iter().any(|file| file == name);
        let last = folder.path().rsplit('/').next().unwrap_or_default();
        let is_version = last
            .strip_prefix("version_")
            .is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
        // Other loggers of Lightning write `hparams.yaml` as well, so by itself it tells only what to look for.
        if !(has("hparams.yaml") || (is_version && has("metrics.csv"))) {
            return Vec::new();
        }
        let mut members = Vec::new();
        if has("metrics.csv") {
            members.push(Member::new("metrics.csv", Role::Metrics));
        }
        if has("hparams.yaml") {
            members.push(Member::new("hparams.yaml", Role::Config));
        }
        vec![Found::run(members)]
    }

    fn reader(&self, member: &Member, from: Option<&Checkpoint>) -> Reader {
        match member.role {
            Role::Metrics => table::reader(member, from),
            Role::Config => settings::yaml(settings::nothing_else),
            _ => Reader::Nothing,
        }
    }
}

//! Hydra: `.hydra/config.yaml` in the folder of each job, also of a multirun. It describes runs that others log; a job
//! that logs nothing is a run by its config alone. `${…}` that Hydra left unresolved stays as it is written.

use super::{Checkpoint, Folder, Format, Found, Member, Reader, Role, settings};

/// See the [module](self).
pub struct Hydra;

impl Format for Hydra {
    fn id(&self) -> &'static str {
        "hydra"
    }

    fn label(&self) -> &'static str {
        "Hydra"
    }

    fn recognise(&self, folder: &dyn Folder) -> Vec<Found> {
        if !folder.folders().iter().any(|name| name == ".hydra") {
            return Vec::new();
        }
        let below = folder.below(".hydra");
        if !below.iter().any(|path| path == ".hydra/config.yaml") {
            return Vec::new();
        }
        let files = [
            (".hydra/config.yaml", Role::Config),
            (".hydra/overrides.yaml", Role::Copy),
            (".hydra/hydra.yaml", Role::Copy),
        ];
        let members = files.into_iter().filter(|(name, _)| below.iter().any(|path| path == name));
        vec![Found::around(members.map(|(name, role)| Member::new(name, role)).collect())]
    }

    fn reader(&self, member: &Member, _from: Option<&Checkpoint>) -> Reader {
        match member.role {
            Role::Config => settings::yaml(settings::nothing_else),
            _ => Reader::Nothing,
        }
    }
}

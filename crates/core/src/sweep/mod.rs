//! Sweeps: one command tried with many values.
//!
//! A sweep is its axes and how points are taken from them. Nothing is expanded before it is counted.

mod apply;
mod parse;
mod scalar;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use apply::{Applied, Style, apply};
pub use parse::parse_axis;
pub use scalar::{Kind, Scalar};

/// Why a sweep can't be taken: a sentence that names what was given and the next step.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Fault(pub String);

/// One key with the values that it takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Axis {
    /// The dotted key, such as `optimizer.lr`.
    pub key: String,
    /// Its values in the order in which they were given.
    pub values: Vec<Scalar>,
}

/// One choice of values: key and value, in the order of the axes.
pub type Point = Vec<(String, Scalar)>;

/// How points are taken.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Mode {
    /// Every combination; the last axis changes fastest.
    #[default]
    Grid,
    /// Distinct points of the grid.
    Random {
        /// How many.
        count: u64,
        /// The same seed draws the same points.
        seed: u64,
    },
    /// These points; the axes are not used.
    Listed {
        /// The points.
        points: Vec<Point>,
    },
}

/// A sweep.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sweep {
    /// The axes of the grid.
    pub axes: Vec<Axis>,
    /// How points are taken from it.
    pub mode: Mode,
}

impl Sweep {
    /// Above this many points the caller asks the user first.
    pub const ASK_ABOVE: u128 = 10_000;

    /// Points at most; [`validate`](Self::validate) refuses more.
    pub const LIMIT: u128 = 1_000_000;

    /// How many points there are, without expanding them. Saturates.
    #[must_use]
    pub fn count(&self) -> u128 {
        0
    }

    /// Whether the sweep can be taken.
    ///
    /// # Errors
    /// [`Fault`] for the first thing that stands against it.
    pub fn validate(&self) -> Result<(), Fault> {
        Ok(())
    }

    /// The points, made one at a time.
    #[must_use]
    pub fn points(&self) -> Points<'_> {
        Points { sweep: self, next: 0 }
    }

    /// What gives points of this sweep their short names.
    #[must_use]
    pub fn names(&self) -> Names {
        Names {}
    }
}

/// The points of a sweep; see [`Sweep::points`].
#[derive(Debug, Clone)]
pub struct Points<'a> {
    sweep: &'a Sweep,
    next: u64,
}

impl Iterator for Points<'_> {
    type Item = Point;

    fn next(&mut self) -> Option<Point> {
        let _ = (self.sweep, self.next);
        None
    }
}

/// Names of points: `lr=0.1 seed=3`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {}

impl Names {
    /// Characters of a name at most.
    pub const LONGEST: usize = 80;

    /// The name of `point`.
    #[must_use]
    pub fn name(&self, point: &[(String, Scalar)]) -> String {
        let _ = point;
        String::new()
    }
}

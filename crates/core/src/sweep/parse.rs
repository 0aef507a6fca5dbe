//! Axes as the user writes them: `lr=0.1,0.01`, `seed=0..4`.

use super::{Axis, Fault};

/// Reads one axis.
///
/// # Errors
/// [`Fault`].
pub fn parse_axis(text: &str) -> Result<Axis, Fault> {
    Err(Fault(text.into()))
}

//! Values put into an experiment: where the command has a place for them, in its config, or at the command's end.

use athanor_core::config::{self, Keys};
use athanor_core::sweep::{self, Scalar, Style};

use crate::wire::{ApiError, ErrorCode, NewExperiment, SweepStyle};

/// Where values of an experiment go. Made once for many points of a sweep.
///
/// - A `{key}` in the command is replaced.
/// - Otherwise, a key that the config holds is set there, and the experiment gets that text.
/// - What neither has is appended to the command.
#[derive(Debug)]
pub struct Overrides {
    config: Option<(String, Keys)>,
    style: Style,
}

impl Overrides {
    /// For experiments with this text as their config, if they have one.
    ///
    /// # Errors
    /// The config can't be read.
    pub fn new(config: Option<String>, style: SweepStyle) -> Result<Self, ApiError> {
        let config = match config {
            Some(text) => {
                let keys = config::check(&text).map_err(|problem| {
                    ApiError::new(ErrorCode::InvalidInput, format!("the config can't be read: {problem}"))
                        .field("config_text")
                })?;
                Some((text, keys))
            }
            None => None,
        };
        let style = match style {
            SweepStyle::Flags => Style::Flags,
            SweepStyle::Hydra => Style::Hydra,
        };
        Ok(Self { config, style })
    }

    /// The items of a list of single values in the config.
    #[must_use]
    pub fn list(&self, key: &str) -> Option<Vec<Scalar>> {
        match &self.config.as_ref()?.1.get(key)?.value {
            config::Value::List { items, .. } => items.clone(),
            _ => None,
        }
    }

    /// The keys of lists in the config that could be swept over.
    #[must_use]
    pub fn lists(&self) -> Vec<&str> {
        let keys = self.config.iter().flat_map(|(_, keys)| &keys.0);
        keys.filter(
            |key| matches!(&key.value, config::Value::List { items: Some(items), .. } if !items.is_empty()),
        )
        .map(|key| key.path.as_str())
        .collect()
    }

    /// Puts values into an experiment, and says what a person may want to look at again.
    ///
    /// # Errors
    /// A value has no place: see [`config::set`] and [`sweep::apply`].
    pub fn put(
        &self,
        experiment: &mut NewExperiment,
        values: &[(String, Scalar)],
    ) -> Result<Vec<String>, ApiError> {
        let refused = |message: String| ApiError::new(ErrorCode::InvalidInput, message);
        let command = experiment.command.clone().into();
        let placed =
            sweep::apply(values, &command, Style::Config).map_err(|fault| refused(fault.to_string()))?;
        let known = |key: &str| self.config.as_ref().is_some_and(|(_, keys)| keys.get(key).is_some());
        let (in_config, appended): (Vec<_>, Vec<_>) =
            placed.rest.into_iter().partition(|(key, _)| known(key));
        let mut warnings = Vec::new();
        if let Some((text, _)) = &self.config
            && !in_config.is_empty()
        {
            let changed = config::set(text, &in_config).map_err(|fault| refused(fault.to_string()))?;
            experiment.config_text = Some(changed.text);
            warnings = changed.warnings;
        }
        let placed = sweep::apply(&appended, &placed.command, self.style)
            .map_err(|fault| refused(fault.to_string()))?;
        experiment.command = placed.command.into();
        Ok(warnings)
    }
}

//! Jobs as text: JSON lines, a JSON array, or TOML, so that a queue can be written by hand or by a script, looked
//! at, kept in a repository, and queued elsewhere.
//!
//! What [`write`] writes, [`read`] reads back to the same jobs. Environments are left out: they may hold secrets.
//! The table of fields, with their other names, is in [`fields`].

mod fields;
mod overrides;
mod source;
mod write;

#[cfg(test)]
mod tests;

use std::collections::HashSet;

use jiff::tz::TimeZone;

use crate::wire::{ApiError, ErrorCode, NewExperiment, TransferFormat};

pub use athanor_core::nearest::nearest;
pub use fields::{blank, dependency, implied_gpus};
pub use overrides::Overrides;
pub use write::write;

/// Longest text that is read, bytes.
pub const LONGEST: usize = 128 << 20;

/// What a text of jobs is read against.
#[derive(Debug, Clone)]
pub struct Context {
    /// Working directory of jobs that name none, and of relative ones. Absolute.
    pub cwd: String,
    /// The present, UTC milliseconds.
    pub now_ms: i64,
    /// The zone in which moments such as `22:00` are meant.
    pub zone: TimeZone,
}

/// Why a text can't be read, and at which byte.
#[derive(Debug)]
struct Fault {
    at: usize,
    message: String,
}

impl Fault {
    fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }

    fn says(self, text: &str) -> ApiError {
        let line =
            1 + text.as_bytes()[..self.at.min(text.len())].iter().filter(|byte| **byte == b'\n').count();
        ApiError::new(ErrorCode::InvalidInput, format!("line {line}: {}", self.message)).field("text")
    }
}

/// Reads jobs. The form is told by the text where none is given.
///
/// # Errors
/// The first fault with its line: the text does not have its form, a field is not known or has no such value, or a
/// job depends on a label that no earlier one has.
pub fn read(
    text: &str,
    format: Option<TransferFormat>,
    context: &Context,
) -> Result<Vec<NewExperiment>, ApiError> {
    if text.len() > LONGEST {
        return Err(ApiError::new(ErrorCode::InvalidInput, "the text is larger than 128 MiB")
            .hint("Divide it, and import one part after the other.")
            .field("text"));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let format = format.unwrap_or_else(|| source::format_of(text));
    read_entries(text, format, context).map_err(|fault| fault.says(text))
}

fn read_entries(text: &str, format: TransferFormat, context: &Context) -> Result<Vec<NewExperiment>, Fault> {
    let entries = source::entries(text, format)?;
    if entries.is_empty() {
        return Err(Fault::new(text.len(), "there is no job in this text"));
    }
    let mut labels: HashSet<String> = HashSet::new();
    let mut jobs = Vec::with_capacity(entries.len());
    for entry in entries {
        let at = entry.at;
        let after = entry.fields.iter().find(|field| field.name == "after").map_or(at, |field| field.at);
        let job = fields::job(entry, context)?;
        for dependency in &job.after {
            if let Some(label) = dependency.uid.strip_prefix('@')
                && !labels.contains(label)
            {
                return Err(Fault::new(
                    after,
                    format!(
                        "no job before this one has the label “{label}”; a label stands above those that name it"
                    ),
                ));
            }
        }
        if let Some(label) = &job.label
            && !labels.insert(label.clone())
        {
            return Err(Fault::new(at, format!("two jobs have the label “{label}”")));
        }
        jobs.push(job);
    }
    Ok(jobs)
}

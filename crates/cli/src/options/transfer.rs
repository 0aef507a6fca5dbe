//! The forms of jobs as text.

use athanor_api::wire::TransferFormat;
use clap::ValueEnum;

/// A form of jobs as text.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Form {
    /// [[job]] tables
    Toml,
    /// An array of objects
    Json,
    /// One object a line
    Jsonl,
}

impl From<Form> for TransferFormat {
    fn from(form: Form) -> Self {
        match form {
            Form::Toml => Self::Toml,
            Form::Json => Self::Json,
            Form::Jsonl => Self::JsonLines,
        }
    }
}

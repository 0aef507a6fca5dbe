//! Runs on disk, as the libraries that train leave them: which folder is one, and how its files are read.
//!
//! Each format is one module with one [`Format`]; a new one is a file and a line in [`FORMATS`]. Nothing here opens a
//! file. [`Discovery`] is shown the folders from the top down through [`Folder`] and says which runs begin there;
//! [`Format::reader`] makes the machine that is fed a file's bytes, or the rows of a database.
//!
//! - A file belongs to one run and is read by one format: the first in [`FORMATS`] that claims it. Formats that go by
//!   distinct names come before those that look inside, generic ones last.
//! - What several formats find in one folder is one run (a `metrics.csv` beside event files).
//! - A file that repeats what another one holds is claimed as [`Role::Copy`], so that no point is counted twice.
//! - "Not complete yet" is an outcome and not an error, for records as for whole documents.
//!
//! What is left to others: walking and watching folders, reading, storing, telling the status of a run that does not
//! say how it ended.

mod command;
mod database;
mod dvclive;
mod folder;
#[cfg(test)]
mod fuzz_tests;
mod generic;
mod hugging_face;
mod hydra;
mod job_status;
mod json;
mod json_lines;
mod lightning;
mod lines;
mod loose_json;
pub mod media;
mod mlflow;
mod openmmlab;
pub mod printed;
mod protobuf;
mod reading;
mod reinforcement;
mod sacred;
mod settings;
mod standing;
mod table;
mod tags;
mod tensorboard;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod text_tests;
mod wandb;
mod yolo;

pub use command::{settings_of_command, settings_of_config};
pub use database::{Cell, Schema, TABLES, Tables, Told, UNKNOWN, Wanted, part};
pub use folder::{Database, Discovery, Folder, Forest, Found, Member, Role, Run, Standing};
pub use reading::{
    Batch, Checkpoint, Contents, Document, End, Fact, Issue, Other, Outcome, Place, Reader, Reading, Stream,
};
pub use standing::{ENDED_AFTER_MS, RunStatus, Signs, colour, place_names, status};
pub use tensorboard::host_of_events;

/// One way of laying out a run's files.
pub trait Format: Send + Sync {
    /// A short name that never changes, for storage and JSON: `lightning`.
    fn id(&self) -> &'static str;

    /// The name that people know it by: `Lightning`.
    fn label(&self) -> &'static str;

    /// The runs that begin in this folder, with their files. Only files that no earlier format claimed are shown.
    ///
    /// - A run begins in the topmost folder that is the run's own: for MLflow where the run's `meta.yaml` lies, and not
    ///   in `metrics/` below it, whose files belong to it through [`Folder::below`].
    /// - Names decide where they can. [`Folder::head`] costs a read; ask for it last.
    fn recognise(&self, folder: &dyn Folder) -> Vec<Found>;

    /// How a file that this format claimed is read. With a checkpoint a stream goes on from there; one that cannot be
    /// used (written by another version) makes it begin anew, which [`Stream::offset`] tells.
    fn reader(&self, member: &Member, from: Option<&Checkpoint>) -> Reader;

    /// What lists the images and histograms of a file that this format claimed, if it can hold any.
    fn media(&self, _: &Member) -> Option<Box<dyn media::Media>> {
        None
    }
}

/// All formats, in the order in which they may claim a file.
pub const FORMATS: &[&dyn Format] = &[
    &job_status::JobStatus,
    &mlflow::MlFlow,
    &wandb::Wandb,
    &sacred::Sacred,
    &hydra::Hydra,
    &dvclive::DvcLive,
    &lightning::Lightning,
    &yolo::Ultralytics,
    &yolo::YoloText,
    &hugging_face::HuggingFace,
    &openmmlab::Detectron2,
    &openmmlab::MmEngine,
    &openmmlab::MmDetection,
    &reinforcement::Rllib,
    &reinforcement::StableBaselines,
    &reinforcement::Baselines,
    &tensorboard::TensorBoard,
    &database::TrackioFormat,
    &database::Sqlite,
    &generic::Keras,
    &generic::Tables,
    &generic::JsonLines,
];

/// The format with this [`Format::id`].
#[must_use]
pub fn format(id: &str) -> Option<&'static dyn Format> {
    let known = FORMATS.iter().copied().chain([&printed::Logs as &dyn Format]);
    known.into_iter().find(|format| format.id() == id)
}

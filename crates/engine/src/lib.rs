//! Everything of Athanor that touches the world: the store, the queue and its supervisors, the samplers, the file
//! monitor and what it reads, and the bus.
//!
//! It knows no wire types and no user interface; `athanor_api` converts. Rules that need none of the world live in
//! `athanor_core`.

pub mod attribution;
pub mod bus;
pub mod cleanup;
pub mod devices;
mod engine;
pub mod error;
pub mod figure;
mod files;
pub mod history;
pub mod home;
mod ingest;
mod leftovers;
pub mod live;
mod log_search;
mod log_stream;
mod monitor;
pub mod notifications;
mod project_watch;
pub mod projects;
pub mod queue;
pub mod run_edit;
mod run_files;
pub mod run_folder;
pub mod run_media;
mod runner;
pub mod runs;
pub mod scan;
mod seal;
pub mod store;
mod submit;

pub use engine::{Engine, LogPart, LogPiece, Mode, SeriesSummary};
pub use error::{Error, ErrorKind, Result};
pub use home::Home;
pub use log_search::LogSearch;
pub use log_stream::{LogStream, StreamPiece};
pub use monitor::{MonitorMode, Monitored, MonitoredFiles};
pub use run_files::{Entry, EntryKind, FilePiece, FileState, Listing};

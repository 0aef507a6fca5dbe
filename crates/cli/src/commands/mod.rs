//! One file for each command, or for a few that do much the same.

pub mod act;
pub mod add;
pub mod again;
pub mod completions;
pub mod edit;
pub mod events;
pub mod export;
pub mod gc;
pub mod group;
pub mod import;
pub mod list;
pub mod log;
pub mod metrics;
pub mod project;
pub mod queue;
pub mod resources;
pub mod serve;
pub mod settings;
pub mod show;
pub mod stats;
pub mod status;
pub mod sweep;
pub mod timeline;
pub mod wait;

//! One file for each command.

pub mod add;
pub mod again;
pub mod cancel;
pub mod events;
pub mod list;
pub mod log;
pub mod metrics;
pub mod project;
pub mod queue;
pub mod serve;
pub mod settings;
pub mod show;
pub mod status;
pub mod wait;

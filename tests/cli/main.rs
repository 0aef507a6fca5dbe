//! The command line against the real engine and real supervisors: what a person does, and what goes wrong.

mod actions;
mod bulk;
mod compare;
mod devices;
mod faults;
mod gpus;
mod harness;
mod logs;
mod metrics;
mod monitor;
mod notifications;
mod nursery;
mod offline;
mod options;
mod placement;
mod queue;
mod recovery;
mod refusals;
mod reports;
mod runs;
mod scan;
mod survival;
mod sweeps;
mod transfer;
mod wait;
mod watch;

//! The command line against the real engine and real supervisors: what a person does, and what goes wrong.

mod faults;
mod harness;
mod logs;
mod metrics;
mod nursery;
mod offline;
mod queue;
mod recovery;
mod wait;

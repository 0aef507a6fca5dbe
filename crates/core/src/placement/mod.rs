//! Which waiting jobs start now, on which GPUs, and why the others wait.
//!
//! The policy sees what the machine has, what the jobs under way hold and the waiting ones in the order of the
//! queue; never the store, the driver or the clock. So one function answers for the engine, for the window ("why
//! does it wait?"), for a dry run and for tests. Reading the machine and telling our own use of it from that of
//! others is left to the caller.
//!
//! [`plan`] says what starts, [`Plan::explain`] why a job does not, [`forecast`] when it may.

mod explain;
mod forecast;
mod plan;
mod pool;
#[cfg(test)]
mod tests;
mod words;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

pub use forecast::forecast;
pub use plan::{Plan, plan, plan_from};
pub use words::{Unavailable, WaitReason};

use crate::requirements::Requirements;

/// What a machine has, and what others than our jobs use of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Machine {
    /// CPU cores.
    pub cpu_cores: u32,
    /// Bytes of host memory.
    pub memory_total: u64,
    /// Bytes of host memory in use by anything but our jobs.
    pub memory_foreign: u64,
    /// Bytes free on disk now.
    pub disk_free: u64,
    /// The GPUs, in the order of their index.
    pub gpus: Vec<GpuState>,
    /// Why there are no GPUs, where the driver says.
    pub gpu_fault: Option<String>,
}

/// What one GPU has, and what others than our jobs use of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GpuState {
    /// The identity that a job is given.
    pub uuid: String,
    /// The number that people know it by.
    pub index: u32,
    /// The model's name.
    pub model: String,
    /// Bytes of memory; 0 where the device does not tell, and then it suits only jobs that ask for no amount.
    pub memory_total: u64,
    /// Bytes in use by anything but our jobs.
    pub memory_foreign: u64,
    /// Compute processes of others, without those that the user wants ignored.
    pub foreign_processes: u32,
    /// Why it can't be used (broken or blocked), if so.
    pub unavailable: Option<String>,
}

/// What an attempt under way (running or paused) holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holding {
    /// The experiment.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// What it was given, with each amount of memory raised to what it is seen to use.
    pub assignment: Assignment,
    /// Its group.
    pub group: Option<String>,
    /// Its project.
    pub project: Option<String>,
    /// When it started, in milliseconds UTC. Of jobs of unknown length the oldest is taken to end first.
    pub started_at: i64,
    /// When it ends by its estimate, in milliseconds UTC.
    pub ends_at: Option<i64>,
}

/// What a job is given for the time of an attempt. Stored with the attempt.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Assignment {
    /// Whether it takes a slot, because it stated no needs.
    pub slot: bool,
    /// CPU cores.
    pub cpu_cores: u32,
    /// Bytes of host memory.
    pub memory: u64,
    /// Bytes of disk that it may still fill.
    pub disk: u64,
    /// The GPUs, in the order of their index.
    pub gpus: Vec<GpuShare>,
    /// Whether nobody else may use those GPUs.
    pub exclusive: bool,
}

/// A job's part of one GPU.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuShare {
    /// The number that people know it by.
    pub index: u32,
    /// The identity that the job is given.
    pub uuid: String,
    /// Bytes of its memory.
    pub memory: u64,
}

/// How many jobs may run at once, in the several respects in which the user may limit them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// Whether the queue is paused: nothing starts.
    pub paused: bool,
    /// Jobs at once that state no needs.
    pub slots: u32,
    /// Jobs at once in all.
    pub running: Option<u32>,
    /// Jobs at once on one GPU.
    pub per_gpu: Option<u32>,
    /// Jobs at once of a group.
    pub groups: HashMap<String, u32>,
    /// Jobs at once of a project.
    pub projects: HashMap<String, u32>,
    /// Jobs at once of each project that `projects` does not name.
    pub per_project: Option<u32>,
}

/// A waiting job.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// The experiment.
    pub id: i64,
    /// Its name.
    pub name: &'a str,
    /// What it asks for.
    pub requirements: &'a Requirements,
    /// Its group.
    pub group: Option<&'a str>,
    /// Its project.
    pub project: Option<&'a str>,
}

/// What is kept for the first job that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// The experiment.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The moment, in milliseconds UTC, at which it starts at the latest if estimates hold; `None` if that hangs on
    /// a job of unknown length.
    pub at: Option<i64>,
    /// What it would then be given.
    pub assignment: Assignment,
}

//! What a shim leaves on disk, and how to read it.
//!
//! One `athanor-shim` process supervises one *attempt* (one execution of a job). It outlives the engine, so the
//! two talk through a folder and not through memory. This library is the engine's side of that folder; the
//! supervisor itself is the binary of this package and shares these formats.
//!
//! | file in the attempt's folder | written | meaning |
//! |---|---|---|
//! | `record`, first part | once, by rename or link(2) | who owns the attempt: a shim, or an engine that declared it void |
//! | `record`, second part | in place | the job's process exists, and this is its identity |
//! | `record`, third part | in place | how the job ended, as the kernel said; the only proof of an end |
//! | `output.<base>.log` | appended | the job's output; `<base>` is the absolute offset of the first byte |
//! | `cgroup` | once | the job's control group, where it has got one (see [`cgroup`]) |
//! | `output.<base>.streams` | appended | which bytes of that segment are stdout and which are stderr |
//!
//! All that is recorded stands in one file, whose parts have fixed places (see [`record`]): making files is what costs
//! most on the way from one short job to the next. The file has its whole size before the job starts, so that a full
//! disk cannot swallow the outcome; a part that is cut short lacks its `end` and counts as not written. The third part is
//! synced, unless the job was over within a second and an engine has heard of it, which then syncs what it records.
//!
//! Start with [`attempt::look`], which turns the folder into one of a few states. Nothing in here blocks on a
//! process; all functions do plain file reads, so async callers wrap them in `spawn_blocking`.

pub mod attempt;
pub mod cgroup;
pub mod claim;
mod error;
pub mod identity;
pub mod launch;
pub mod log;
pub mod record;
pub mod status;
pub mod tree;

pub use error::{Error, ErrorCause};

/// Name of the file that holds claim, start and end.
pub const RECORD: &str = "record";

/// Name of the file that holds the path of the job's control group, where it has one.
pub const CGROUP: &str = "cgroup";

/// Exit code of a shim that did its work to the end, whatever became of the job.
pub const CODE_DONE: i32 = 0;
/// Exit code of a shim that did not understand its command line; the reason is on its standard error.
pub const CODE_USAGE: i32 = 2;
/// Exit code of a shim that found the attempt claimed by somebody else and started nothing.
pub const CODE_TAKEN: i32 = 3;
/// Exit code of a shim that could not claim the attempt (folder not writable, disk full) and started nothing.
pub const CODE_REFUSED: i32 = 4;
/// Exit code of a shim whose folder was removed and then claimed by somebody else while the job ran, so that
/// there is no place left for the exit record.
pub const CODE_DISPLACED: i32 = 5;

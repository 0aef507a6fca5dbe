//! What a shim leaves on disk, and how to read it.
//!
//! One `athanor-shim` process supervises one *attempt* (one execution of a job). It outlives the engine, so the
//! two talk through a folder and not through memory. This library is the engine's side of that folder; the
//! supervisor itself is the binary of this package and shares these formats.
//!
//! | file in the attempt's folder | written | meaning |
//! |---|---|---|
//! | `claim` | once, by link(2) | who owns the attempt: a shim, or an engine that declared it void |
//! | `started` | tmp and rename | the job's process exists, and this is its identity |
//! | `output.<base>.log` | appended | the job's output; `<base>` is the absolute offset of the first byte |
//! | `output.<base>.streams` | appended | which bytes of that segment are stdout and which are stderr |
//! | `exit.tmp` | allocated before the start | room for the exit record even on a full disk |
//! | `exit` | fsync and rename | how the job ended, as the kernel said; its presence is the only proof of an end |
//!
//! Start with [`attempt::look`], which turns the folder into one of a few states. Nothing in here blocks on a
//! process; all functions do plain file reads, so async callers wrap them in `spawn_blocking`.

pub mod attempt;
pub mod claim;
mod error;
pub mod identity;
pub mod log;
pub mod record;
pub mod status;
pub mod tree;

pub use error::{Error, ErrorCause};

/// Name of the record that says who owns the attempt.
pub const CLAIM: &str = "claim";
/// Name of the record that identifies the job's main process.
pub const STARTED: &str = "started";
/// Name of the record of how the job ended.
pub const EXIT: &str = "exit";
/// Name of the pre-allocated file that becomes [`EXIT`].
pub const EXIT_TMP: &str = "exit.tmp";

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

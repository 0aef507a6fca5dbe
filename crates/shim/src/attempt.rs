//! What an attempt's folder says about the attempt: the one question of an engine that comes back.

use std::path::Path;

use rustix::process::Signal;

use crate::cgroup::Group;
use crate::claim::{parse_slot, read_file, read_slot};
use crate::error::Error;
use crate::identity::{Identity, boot_id};
use crate::record::{Claim, Exit, Slot, Started};
use crate::tree;

/// Where an attempt stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// Nobody owns it. A shim may still come; [`crate::claim::claim_void`] shuts the door.
    Unclaimed,
    /// An engine declared that it never starts.
    Void,
    /// A live shim owns it. `started` is absent in the first millisecond, and while a failed start is recorded.
    Running {
        /// The shim, which takes requests.
        shim: Identity,
        /// The job, once it has started.
        started: Option<Started>,
    },
    /// It has ended, and this is how.
    Ended(Exit),
    /// Its shim is gone and left no exit record: it was killed, or the machine went down. How the job ended is
    /// not known and must not be guessed.
    Lost {
        /// The shim that was.
        shim: Identity,
        /// The job, if it had started. Without a shim it may still run; see [`end_orphans`].
        started: Option<Started>,
    },
}

/// Reads an attempt's folder.
///
/// - A complete exit record decides, whoever lives.
/// - Else the claim says who owns the attempt.
/// - A shim that has ended without a record has its folder read once more, since the record may have appeared
///   between the two looks.
///
/// # Errors
/// A record cannot be read, or is damaged; then nothing is known.
pub fn look(dir: &Path) -> Result<Attempt, Error> {
    let Some(file) = read_file(READ, dir)? else { return Ok(Attempt::Unclaimed) };
    if let Some(exit) = parse_slot(READ_EXIT, dir, Slot::Exit, &file, Exit::parse)? {
        return Ok(Attempt::Ended(exit));
    }
    match parse_slot(READ, dir, Slot::Claim, &file, Claim::parse)? {
        None => Ok(Attempt::Unclaimed),
        Some(Claim::Void(_)) => Ok(Attempt::Void),
        Some(Claim::Shim(shim)) => {
            if shim.is_alive()? {
                let started = parse_slot(READ_STARTED, dir, Slot::Started, &file, Started::parse)?;
                return Ok(Attempt::Running { shim, started });
            }
            match read_exit(dir)? {
                Some(exit) => Ok(Attempt::Ended(exit)),
                None => Ok(Attempt::Lost { shim, started: read_started(dir)? }),
            }
        }
    }
}

const READ: &str = "read the claim";
const READ_STARTED: &str = "read the record of the start";
const READ_EXIT: &str = "read the exit record";

/// The exit record; `None` if the job has not ended, or its end was never recorded.
///
/// # Errors
/// The record cannot be read or is damaged.
pub fn read_exit(dir: &Path) -> Result<Option<Exit>, Error> {
    read_slot(READ_EXIT, dir, Slot::Exit, Exit::parse)
}

/// The record of the start; `None` if there is none.
///
/// # Errors
/// The record cannot be read or is damaged.
pub fn read_started(dir: &Path) -> Result<Option<Started>, Error> {
    read_slot(READ_STARTED, dir, Slot::Started, Started::parse)
}

/// Ends what a killed shim has left behind, by [`end_orphans`] and, where the job had a control group, by that: in a
/// group also those are found that founded a session of their own. Returns how many processes were found.
///
/// # Errors
/// `/proc` is not readable.
pub fn end_all(dir: &Path, shim: &Identity, job: Option<&Identity>) -> Result<usize, Error> {
    if shim.is_alive()? {
        return Ok(0);
    }
    let group = Group::left_by(shim, dir)?;
    let grouped = group.as_ref().map_or(0, Group::count);
    let found = end_orphans(shim, job, Signal::KILL)?;
    if let Some(group) = group {
        // Those that may be killed by nobody but their owner stay in it, and it stays, too.
        let _ = group.kill();
        group.remove();
    }
    Ok(found.max(grouped))
}

/// Sends a signal to what a killed shim has left behind, and returns how many processes were found.
///
/// - The processes of the session that the shim had founded: nobody else can have joined it.
/// - The descendants of the job's main process, if that still lives, whatever their session.
/// - Nothing, if the shim still lives (ask it instead) or the machine was booted since.
///
/// Processes that founded a session of their own and whose parent has ended cannot be told from strangers
/// any more; they are not found.
///
/// # Errors
/// `/proc` is not readable.
pub fn end_orphans(shim: &Identity, job: Option<&Identity>, signal: Signal) -> Result<usize, Error> {
    if shim.boot_id != boot_id()? || shim.is_alive()? {
        return Ok(0);
    }
    let failed = |e| Error::io("list processes", Path::new("/proc"), e);
    // The session's id stays taken for as long as it has a member, so a later process with the shim's pid can
    // only exist once no member is left; its members would be younger than it.
    let heir = tree::Stat::read(shim.pid).map_err(failed)?;
    let mut targets = match heir {
        Some(heir) if heir.start_ticks != shim.start_ticks => Vec::new(),
        _ => tree::session(shim.pid).map_err(failed)?,
    };
    targets.retain(|stat| stat.start_ticks >= shim.start_ticks);
    if let Some(job) = job
        && job.is_alive()?
    {
        targets
            .extend(tree::Stat::read(job.pid).map_err(failed)?.filter(|s| s.start_ticks == job.start_ticks));
        targets.extend(tree::descendants(job.pid).map_err(failed)?);
    }
    targets.retain(tree::Stat::is_alive);
    targets.sort_unstable_by_key(tree::Stat::key);
    targets.dedup_by_key(|stat| stat.key());
    if signal == Signal::KILL {
        tree::signal_groups(&targets, signal, |target| target.session == shim.pid);
    } else {
        tree::signal_each(&targets, signal);
    }
    Ok(targets.len())
}

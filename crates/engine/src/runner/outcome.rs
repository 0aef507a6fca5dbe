//! What the end of an attempt means for the record.

use std::path::Path;

use athanor_core::outcome::{Asked, Ending, Failure, FailureReason, Recorded, StartStage, ending};
use athanor_core::state::Status;
use athanor_shim::attempt::end_all;
use athanor_shim::identity::Identity;
use athanor_shim::record::{Cause, Exit, Outcome, Stage, Started};
use athanor_shim::status::Status as ShimStatus;

use super::{Ended, identity};
use crate::error::{Error, ErrorKind};
use crate::home::now_ms;
use crate::store::AttemptEnd;

fn signed(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

pub(super) fn from_exit(exit: &Exit, program: &str, cwd: &str) -> AttemptEnd {
    let asked = match exit.cause {
        Cause::None => Asked::No,
        Cause::Cancel => Asked::Cancel,
        Cause::TimeLimit => Asked::TimeLimit,
    };
    let recorded = match exit.outcome {
        Outcome::Exited { code } => Recorded::Ended { code: Some(code), signal: None, asked },
        Outcome::Signaled { signal, .. } => Recorded::Ended { code: None, signal: Some(signal), asked },
        Outcome::SpawnFailed { stage, errno } => Recorded::NotStarted {
            stage: match stage {
                Stage::Chdir => StartStage::ChangeDirectory,
                Stage::Exec => StartStage::Execute,
            },
            error: std::io::Error::from_raw_os_error(errno).to_string(),
            errno,
        },
    };
    let ran = exit.job.is_some();
    let (status, exit_code, signal, mut failure) = match ending(&recorded, program, cwd) {
        Ending::Success => (Status::Completed, Some(0), None, None),
        Ending::Cancelled { exit_code, signal } => (Status::Cancelled, exit_code, signal, None),
        Ending::Failure(failure) => (Status::Failed, failure.exit_code, failure.signal, Some(failure)),
    };
    if let Some(failure) = failure.as_mut()
        && exit.survivors_left > 0
    {
        failure.message.push_str(&format!(
            " {} of its processes run as another user and could not be ended.",
            exit.survivors_left
        ));
    }
    AttemptEnd {
        started_at: ran.then(|| signed(exit.started_ms)),
        ended_at: signed(exit.ended_ms),
        status,
        exit_code,
        signal,
        failure,
        cpu_ms: ran.then(|| (exit.usage.user_us + exit.usage.system_us) / 1000),
        peak_memory: ran.then_some(exit.usage.max_rss),
        log_bytes: exit.log.bytes,
        log_dropped: exit.log.dropped + exit.log.lost,
        process: exit.job.as_ref().map(identity),
        gpu_ms: None,
        peak_gpu_memory: None,
        machine_fault: false,
    }
}

/// The record of an attempt whose supervisor is gone without one: what it left is ended, and that is said.
/// The end of an attempt that the machine's restart ended, and of which nothing else can be read.
pub(crate) fn restarted() -> Ended {
    Ended::Known(Box::new(failed(FailureReason::Lost, RESTARTED.into())))
}

const RESTARTED: &str = "The machine was restarted while it ran. Its log up to then is kept.";

pub(super) fn lost(folder: &Path, shim: &Identity, started: Option<&Started>) -> Ended {
    let rebooted = athanor_shim::identity::boot_id().is_ok_and(|boot| boot != shim.boot_id);
    let message = if rebooted {
        RESTARTED.to_owned()
    } else {
        let ended = end_all(folder, shim, started.map(|started| &started.job)).unwrap_or(0);
        let rest = match ended {
            0 => String::new(),
            1 => " One process that it left was ended.".into(),
            n => format!(" {n} processes that it left were ended."),
        };
        format!(
            "Its supervisor (process {}) was killed from outside, so how the job would have ended is not known.{rest}",
            shim.pid
        )
    };
    let mut end = failed(FailureReason::Lost, message);
    end.started_at = started.map(|started| signed(started.started_ms));
    end.process = started.map(|started| identity(&started.job));
    Ended::Known(Box::new(end))
}

pub(super) fn failed(reason: FailureReason, message: String) -> AttemptEnd {
    AttemptEnd {
        started_at: None,
        ended_at: now_ms(),
        status: Status::Failed,
        exit_code: None,
        signal: None,
        failure: Some(Failure { reason, exit_code: None, signal: None, message }),
        cpu_ms: None,
        peak_memory: None,
        log_bytes: 0,
        log_dropped: 0,
        process: None,
        gpu_ms: None,
        peak_gpu_memory: None,
        machine_fault: false,
    }
}

pub(crate) fn could_not_start(error: &Error) -> Ended {
    let reason = match error.kind() {
        ErrorKind::DiskFull => FailureReason::DiskFull,
        _ => FailureReason::CouldNotStart,
    };
    let next = error.next_step().map(|hint| format!(" {hint}")).unwrap_or_default();
    let mut message = error.to_string();
    if let Some(first) = message.get(..1) {
        message = format!("{}{}", first.to_uppercase(), &message[1..]);
    }
    let mut end = failed(reason, format!("{message}.{next}"));
    end.machine_fault = true;
    Ended::Known(Box::new(end))
}

pub(super) fn refusal(status: Option<ShimStatus>, folder: &Path) -> Error {
    match status {
        Some(ShimStatus::Refused { errno }) => {
            Error::path("write into", folder, &std::io::Error::from_raw_os_error(errno))
        }
        _ => Error::new(
            ErrorKind::Internal,
            format!("the supervisor ended before it had claimed the attempt in {}", folder.display()),
        ),
    }
}

pub(super) fn cancelled_before_start() -> Ended {
    let mut end = failed(FailureReason::CouldNotStart, String::new());
    (end.status, end.failure) = (Status::Cancelled, None);
    Ended::Known(Box::new(end))
}

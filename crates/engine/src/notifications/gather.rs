//! What an event means to the user: a job's end with the last line of its log, or something that was blocked.

use athanor_core::experiment::is_secret_name;
use athanor_core::notification::burst::Ending;
use athanor_core::notification::{Kind, Words, mask};
use athanor_core::retry::Breaker;
use athanor_shim::log::LogFolder;

use super::Parts;
use crate::store::{EventKind, News, NewsJob, NotifiedJob};

/// Lines at the end of a log that are looked through for the last that says something, and their bytes at most.
const LINES: usize = 20;
const LINES_BYTES: usize = 16 << 10;

/// What an event is to the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A job ended, and that is told of unless its switch is off.
    Ended(Ending),
    /// A job was cancelled: as the user wanted, unless a policy did.
    Cancelled(Ending),
    /// A policy has asked a job to end, and why.
    ByPolicy { uid: String, why: String },
    /// Something else.
    Other { kind: Kind, words: Words, job: Option<NotifiedJob> },
    /// Nothing that is told of.
    Nothing,
}

/// What an event means.
pub(super) fn meaning_of(news: &News) -> Meaning {
    let kind = match news.what {
        EventKind::Completed => Kind::Completed,
        EventKind::Failed | EventKind::Expired => match &news.job {
            Some(job) if job.strikes >= Breaker::LIMIT => Kind::Blocked,
            _ => Kind::Failed,
        },
        EventKind::Cancelled => Kind::Cancelled,
        EventKind::QueueTripped => {
            let words = Words::new("The queue was paused: this machine can't start jobs", &news.message);
            return Meaning::Other { kind: Kind::Blocked, words, job: None };
        }
        EventKind::GpuTripped => {
            let body = format!(
                "{}. Give it back to the queue when that is mended.",
                news.message.trim_end_matches('.')
            );
            return Meaning::Other {
                kind: Kind::Blocked,
                words: Words::new("A GPU was taken out of the queue", body),
                job: None,
            };
        }
        EventKind::GpuIdle => return idle(news),
        EventKind::PolicyCancel => {
            let Some(job) = &news.job else { return Meaning::Nothing };
            return Meaning::ByPolicy { uid: job.uid.clone(), why: news.message.clone() };
        }
        _ => return Meaning::Nothing,
    };
    let Some(job) = &news.job else { return Meaning::Nothing };
    // It may have been queued once more since: then what stands there is of another attempt.
    let as_it_was = job.completed_at == Some(news.at);
    let reason = match (news.what, as_it_was) {
        (EventKind::Completed | EventKind::Cancelled, _) => None,
        (EventKind::Expired, _) => Some("It had not started by its deadline.".to_owned()),
        (_, true) => job.failure.clone(),
        (_, false) => Some(news.message.clone()),
    };
    let ending = Ending {
        uid: job.uid.clone(),
        name: job.name.clone(),
        project: job.project.clone(),
        attempt: news.attempt,
        kind,
        took_ms: job
            .started_at
            .filter(|_| as_it_was && news.attempt.is_some())
            .map(|started| news.at - started),
        reason,
        line: None,
    };
    if kind == Kind::Cancelled { Meaning::Cancelled(ending) } else { Meaning::Ended(ending) }
}

/// A running job that leaves its GPUs idle.
fn idle(news: &News) -> Meaning {
    let Some(job) = &news.job else { return Meaning::Nothing };
    let words = Words::new(format!("{} leaves its GPUs idle", job.name), format!("{}.", news.message));
    let job = NotifiedJob {
        uid: job.uid.clone(),
        name: job.name.clone(),
        project: job.project.clone(),
        attempt: news.attempt,
        kind: Kind::GpuIdle,
        line: None,
    };
    Meaning::Other { kind: Kind::GpuIdle, words, job: Some(job) }
}

/// The last line of an attempt's log, plain and without secrets; none if it says nothing or can't be read.
pub(super) async fn last_line(parts: &Parts, job: &NewsJob, attempt: u32) -> Option<String> {
    let folder = parts.home.attempt(&job.uid, attempt);
    // The job's own secrets are known by their values.
    let secrets = secrets_of(parts, job.id).await;
    let quoted = tokio::task::spawn_blocking(move || {
        let chunk = LogFolder::open(&folder).ok()?.tail_lines(LINES, LINES_BYTES).ok()?;
        let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
        mask::quote(&String::from_utf8_lossy(&chunk.bytes), &secrets)
    });
    quoted.await.ok()?
}

async fn secrets_of(parts: &Parts, id: i64) -> Vec<String> {
    let Ok(Some(row)) = parts.store.experiment(id).await else { return Vec::new() };
    let Ok(sealed) = parts.store.environment(&row.environment).await else { return Vec::new() };
    let environment = parts.sealer.unseal(&sealed).unwrap_or_default();
    environment.into_iter().filter(|(name, _)| is_secret_name(name)).map(|(_, value)| value).collect()
}

/// A job as a notification names it.
pub(super) fn job_of(ending: &Ending) -> NotifiedJob {
    NotifiedJob {
        uid: ending.uid.clone(),
        name: ending.name.clone(),
        project: ending.project.clone(),
        attempt: ending.attempt,
        kind: ending.kind,
        line: ending.line.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn news(what: EventKind) -> News {
        let job = NewsJob {
            id: 1,
            uid: "20261121_ab12".into(),
            name: "train".into(),
            project: Some("vit".into()),
            strikes: 0,
            reason: None,
            failure: Some("Exit code 3.".into()),
            started_at: Some(1_000),
            completed_at: Some(32_000),
        };
        News { cursor: 7, at: 32_000, what, attempt: Some(1), message: "train did it".into(), job: Some(job) }
    }

    fn ending(news: &News) -> Ending {
        match meaning_of(news) {
            Meaning::Ended(ending) | Meaning::Cancelled(ending) => ending,
            other => panic!("{other:?} is no ending"),
        }
    }

    #[test]
    fn an_end_is_told_with_what_it_took_and_why() {
        let completed = ending(&news(EventKind::Completed));
        assert_eq!(
            (completed.kind, completed.took_ms, completed.reason),
            (Kind::Completed, Some(31_000), None)
        );
        let failed = ending(&news(EventKind::Failed));
        assert_eq!((failed.kind, failed.reason.as_deref()), (Kind::Failed, Some("Exit code 3.")));
        assert_eq!(failed.project.as_deref(), Some("vit"));
        let expired = ending(&News { attempt: None, ..news(EventKind::Expired) });
        assert_eq!((expired.kind, expired.took_ms), (Kind::Failed, None));
        assert!(expired.reason.is_some_and(|reason| reason.contains("deadline")));
    }

    #[test]
    fn what_was_queued_once_more_is_told_by_its_event() {
        let mut requeued = news(EventKind::Failed);
        let job = requeued.job.as_mut().expect("a job");
        (job.completed_at, job.failure, job.started_at) = (None, None, Some(40_000));
        let failed = ending(&requeued);
        assert_eq!((failed.took_ms, failed.reason.as_deref()), (None, Some("train did it")));
        assert_eq!(
            meaning_of(&News { job: None, ..news(EventKind::Failed) }),
            Meaning::Nothing,
            "it was deleted"
        );
    }

    #[test]
    fn the_breaker_is_told_of_apart() {
        let mut blocked = news(EventKind::Failed);
        blocked.job.as_mut().expect("a job").strikes = Breaker::LIMIT;
        assert_eq!(ending(&blocked).kind, Kind::Blocked);
        for what in [EventKind::QueueTripped, EventKind::GpuTripped] {
            let Meaning::Other { kind: Kind::Blocked, words, job: None } = meaning_of(&news(what)) else {
                panic!("{what:?} is not told of");
            };
            assert!(words.body.contains("train did it"), "{words:?}");
        }
        for what in [EventKind::QueuePaused, EventKind::GpuBlocked, EventKind::Retrying, EventKind::Added] {
            assert_eq!(
                meaning_of(&news(what)),
                Meaning::Nothing,
                "{what:?} is the user's own doing, or no end"
            );
        }
    }

    #[test]
    fn what_a_policy_does_is_known_as_such() {
        let Meaning::Other { kind: Kind::GpuIdle, job: Some(job), .. } =
            meaning_of(&news(EventKind::GpuIdle))
        else {
            panic!("idle GPUs are told of");
        };
        assert_eq!(job.uid, "20261121_ab12");
        let Meaning::ByPolicy { uid, why } = meaning_of(&news(EventKind::PolicyCancel)) else {
            panic!("a policy is noted");
        };
        assert_eq!((uid.as_str(), why.as_str()), ("20261121_ab12", "train did it"));
        assert!(matches!(meaning_of(&news(EventKind::Cancelled)), Meaning::Cancelled(_)));
    }
}

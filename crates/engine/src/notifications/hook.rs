//! The user's hook: a command or a web address that is given each notification as JSON.
//!
//! It is run off the runtime's threads, at most [`AT_ONCE`] at a time, with a time limit and a few retries. Whether it
//! was run stands with the notification, so one that was due when the engine died is run by the next; a receiver that
//! must not act twice looks at `id`. What it answers is never believed, only whether it did.

use std::sync::Arc;
use std::time::Duration;

use athanor_core::experiment::JobCommand;
use athanor_core::notification::mask;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{Parts, Sealable, run};
use crate::error::{Error, ErrorKind, Result};
use crate::home::{Home, host_name, now_ms};
use crate::seal::Sealer;
use crate::store::{HookState, NotificationRow, Store};

/// Hooks that run at the same time.
pub const AT_ONCE: usize = 2;

/// Between the tries of a hook that fails.
const PAUSES: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(10), Duration::from_secs(60)];

/// What was due for longer when it could have been run is not news any more, milliseconds.
const TOO_LATE_MS: i64 = 3_600_000;

/// Characters of a hook that can be given at most.
const LENGTH_MAX: usize = 8000;

/// What is run with each notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hook {
    /// A program with its arguments, or a shell line; it gets the JSON on standard input.
    Command(JobCommand),
    /// An address that the JSON is posted to.
    Webhook(String),
}

/// The hook, and how it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookInfo {
    /// The hook, if there is one.
    pub hook: Option<Hook>,
    /// When it last failed, and why; none if it was run since.
    pub failure: Option<(i64, String)>,
}

/// What a test of the hook came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookTest {
    /// Why it failed; none if it did not.
    pub error: Option<String>,
    /// How long it took, milliseconds.
    pub took_ms: u64,
}

impl Hook {
    /// Whether it can be run at all.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn validate(&self) -> Result<()> {
        let wrong = |text: &str| Err(Error::invalid("hook", text));
        match self {
            Self::Command(JobCommand::Argv(argv)) => {
                if argv.first().is_none_or(|program| program.trim().is_empty()) {
                    return wrong("the command names no program");
                }
                if argv.iter().map(String::len).sum::<usize>() > LENGTH_MAX {
                    return wrong("the command is too long: put it into a script, and name that");
                }
                if argv.iter().any(|word| word.contains('\0')) {
                    return wrong("a command can't hold a NUL character");
                }
            }
            Self::Command(JobCommand::Shell(line)) => {
                if line.trim().is_empty() {
                    return wrong("the command is empty");
                }
                if line.len() > LENGTH_MAX || line.contains('\0') {
                    return wrong("the command is too long: put it into a script, and name that");
                }
            }
            Self::Webhook(url) => run::check_address(url).map_err(|why| Error::invalid("hook", why))?,
        }
        Ok(())
    }

    /// In the form that the sealer takes.
    pub(super) fn to_sealable(&self) -> Result<Sealable> {
        let text = match self {
            Self::Webhook(url) => return Ok([("webhook".to_owned(), url.clone())].into()),
            Self::Command(command) => serde_json::to_string(command).map_err(|cause| {
                Error::new(ErrorKind::Internal, format!("the hook can't be kept: {cause}"))
            })?,
        };
        Ok([("command".to_owned(), text)].into())
    }

    fn of_sealed(sealed: &Sealable) -> Option<Self> {
        if let Some(url) = sealed.get("webhook") {
            return Some(Self::Webhook(url.clone()));
        }
        serde_json::from_str(sealed.get("command")?).ok().map(Self::Command)
    }
}

/// The hook that is kept.
pub(super) async fn read(store: &Store, sealer: &Sealer) -> Result<Option<Hook>> {
    let Some(sealed) = store.sealed_hook().await? else { return Ok(None) };
    Ok(Hook::of_sealed(&sealer.unseal(&sealed)?))
}

/// What the hook is given.
pub(super) fn json(row: &NotificationRow) -> String {
    let time = jiff::Timestamp::from_millisecond(row.at).map(|time| time.to_string()).unwrap_or_default();
    let jobs: Vec<_> = row
        .jobs
        .iter()
        .map(|job| {
            serde_json::json!({
                "uid": job.uid,
                "name": job.name,
                "project": job.project,
                "attempt": job.attempt,
                "what": job.kind.as_str(),
                "last_line": job.line,
            })
        })
        .collect();
    serde_json::json!({
        "id": row.id,
        "at": row.at,
        "time": time,
        "host": host_name(),
        "kind": row.kind.as_str(),
        "urgency": row.kind.urgency(),
        "title": row.title,
        "body": row.body,
        // What chat services show of a message.
        "text": if row.body.is_empty() { row.title.clone() } else { format!("{}\n{}", row.title, row.body) },
        "count": row.count,
        "experiments": jobs,
    })
    .to_string()
}

/// Runs the hook once. An error is words for people, without secrets.
async fn once(hook: &Hook, json: String, home: &Home) -> Result<(), String> {
    let (hook, home) = (hook.clone(), home.root().to_owned());
    let done = tokio::task::spawn_blocking(move || match hook {
        Hook::Command(command) => run::command(&command.argv(), &json, &home),
        Hook::Webhook(url) => run::post(&url, json),
    });
    match done.await {
        Ok(done) => done.map_err(|why| mask::mask(&why, &[])),
        Err(cause) => Err(format!("running it ended early: {cause}")),
    }
}

/// Runs the hook once, for the user to see what comes of it.
pub(super) async fn test(hook: Hook, row: &NotificationRow, home: &Home) -> Result<HookTest> {
    let began = Instant::now();
    let error = once(&hook, json(row), home).await.err();
    Ok(HookTest { error, took_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX) })
}

/// What became of a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Report {
    /// Why it failed; none if it was run.
    pub error: Option<String>,
}

/// Runs the hook for what is due.
pub(super) struct Runner {
    parts: Parts,
    due: Arc<Notify>,
    reports: mpsc::UnboundedSender<Report>,
}

impl Runner {
    pub(super) fn new(parts: Parts, due: Arc<Notify>, reports: mpsc::UnboundedSender<Report>) -> Self {
        Self { parts, due, reports }
    }

    pub(super) async fn run(self) {
        // Those that run, by the notification. Dropped with this task; what a command began goes on by itself.
        let mut running: JoinSet<(u64, HookState)> = JoinSet::new();
        let mut ids: Vec<u64> = Vec::new();
        loop {
            if ids.len() < AT_ONCE
                && let Err(error) = self.begin(&mut running, &mut ids).await
            {
                tracing::warn!(%error, "the hook can't be run");
            }
            tokio::select! {
                () = self.due.notified() => {}
                Some(ended) = running.join_next(), if !running.is_empty() => {
                    let Ok((id, state)) = ended else {
                        // It panicked. Which one is not known; all that are not written down are begun again.
                        ids.clear();
                        running.abort_all();
                        continue;
                    };
                    ids.retain(|known| *known != id);
                    if let Err(error) = self.note(id, &state).await {
                        tracing::warn!(%error, "what became of the hook can't be kept");
                    }
                }
            }
        }
    }

    async fn begin(&self, running: &mut JoinSet<(u64, HookState)>, ids: &mut Vec<u64>) -> Result<()> {
        let rows = self.parts.store.due_hooks(16).await?;
        if rows.is_empty() {
            return Ok(());
        }
        let hook = read(&self.parts.store, &self.parts.sealer).await?;
        for row in rows {
            if ids.contains(&row.id) || ids.len() >= AT_ONCE {
                continue;
            }
            let Some(hook) = hook.clone() else {
                self.note(row.id, &HookState::None).await?;
                continue;
            };
            if now_ms() - row.updated_at > TOO_LATE_MS {
                let late = "it was too late: no engine ran within an hour".to_owned();
                self.note(row.id, &HookState::Failed(late)).await?;
                continue;
            }
            ids.push(row.id);
            let (home, id) = (self.parts.home.clone(), row.id);
            running.spawn(async move { (id, patiently(&hook, json(&row), &home).await) });
        }
        Ok(())
    }

    async fn note(&self, id: u64, state: &HookState) -> Result<()> {
        let mut tx = self.parts.store.begin_lightly().await?;
        self.parts.store.set_hook_state(&mut tx, id, state).await?;
        tx.commit().await?;
        let error = match state {
            HookState::Failed(error) => Some(error.clone()),
            HookState::Done => None,
            HookState::None | HookState::Due => return Ok(()),
        };
        // Without the other task the engine is stopping.
        let _ = self.reports.send(Report { error });
        Ok(())
    }
}

async fn patiently(hook: &Hook, json: String, home: &Home) -> HookState {
    let mut pauses = PAUSES.iter();
    loop {
        let Err(why) = once(hook, json.clone(), home).await else { return HookState::Done };
        let Some(pause) = pauses.next() else { return HookState::Failed(why) };
        tracing::info!(why, "the hook failed and is tried again");
        tokio::time::sleep(*pause).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_not_be_run_is_refused() {
        let line = |text: &str| Hook::Command(JobCommand::Shell(text.into()));
        for hook in [
            line("  "),
            Hook::Command(JobCommand::Argv(Vec::new())),
            Hook::Command(JobCommand::Argv(vec!["a\0b".into()])),
            Hook::Webhook("ftp://host/x".into()),
            Hook::Webhook("https://".into()),
            Hook::Webhook("host/x".into()),
        ] {
            let error = hook.validate().expect_err("refused");
            assert_eq!(error.field(), Some("hook"), "{hook:?}");
        }
        for hook in [line("notify-send hello"), Hook::Webhook("https://host.example/x?y=1".into())] {
            assert!(hook.validate().is_ok(), "{hook:?}");
            let sealable = hook.to_sealable().expect("sealable");
            assert_eq!(Hook::of_sealed(&sealable), Some(hook));
        }
    }
}

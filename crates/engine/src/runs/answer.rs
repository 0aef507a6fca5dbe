//! How a watch folder is followed, and whether the file system below it answers.
//!
//! A call to a file server that hangs comes back when that goes on, perhaps in an hour, and can't be broken off. So all
//! such calls run beside the keeper's task; here is kept which are under way and since when they have not got on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::keeper::{Done, Keeper, Timer};
use super::{TOLD, WatchState};
use crate::monitor::roots::Cost;
use crate::monitor::{MonitorMode, Monitored, MonitoredFiles};

/// A call that takes longer: the file system does not answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// What people are told of one that does not.
pub(super) const SILENT: &str = "The file system does not answer: perhaps its server hangs. Nothing is read here until it does; then that goes on by itself.";

/// How long what is being read may take to end when the engine does.
const LEAVING: Duration = Duration::from_secs(3);

/// The same where a server is known not to answer.
const LEAVING_SILENCE: Duration = Duration::from_millis(500);

/// The calls to a file system that are under way.
#[derive(Debug, Clone, Default)]
pub(super) struct Calls(Arc<Mutex<UnderWay>>);

#[derive(Debug, Default)]
struct UnderWay {
    last: u64,
    /// When each got on last.
    stood: HashMap<u64, Instant>,
}

/// A call, or a row of them; it has ended when this is dropped.
#[derive(Debug)]
pub(super) struct Call {
    calls: Calls,
    number: u64,
    cost: Cost,
}

impl Calls {
    /// One begins.
    pub fn begin(&self) -> Call {
        let mut all = self.lock();
        all.last += 1;
        let number = all.last;
        all.stood.insert(number, Instant::now());
        drop(all);
        Call { calls: self.clone(), number, cost: Cost::begin() }
    }

    /// How long the one that waits longest has not got on; `None` if none is under way.
    fn waits(&self, now: Instant) -> Option<Duration> {
        self.lock().stood.values().min().map(|stood| now.saturating_duration_since(*stood))
    }

    fn lock(&self) -> MutexGuard<'_, UnderWay> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Call {
    /// It gets on.
    pub fn step(&mut self) {
        self.calls.lock().stood.insert(self.number, Instant::now());
        self.cost.step();
    }

    /// What it has cost so far.
    pub fn spent(&self) -> Duration {
        self.cost.spent()
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.calls.lock().stood.remove(&self.number);
    }
}

/// What is known of a file system's answers.
#[derive(Debug, Default)]
pub(super) struct Answers {
    pub calls: Calls,
    /// It does not answer.
    pub silent: bool,
}

impl Answers {
    /// Looks at the calls. Returns whether what is to be told has changed, and when to look again.
    fn look(&mut self, now: Instant) -> (bool, Option<Duration>) {
        let waits = self.calls.waits(now);
        let silent = waits.is_some_and(|waits| waits >= PATIENCE);
        let changed = std::mem::replace(&mut self.silent, silent) != silent;
        // What comes back says so itself.
        (changed, waits.filter(|_| !silent).map(|waits| PATIENCE - waits))
    }
}

impl Keeper {
    /// Looks whether a root's file system answers.
    pub(super) async fn answers(&mut self, id: i64) {
        let Some(root) = self.roots.get_mut(&id) else { return };
        let (changed, again) = root.answers.look(Instant::now());
        if let Some(after) = again {
            self.at(Timer::Answer(id), after);
        }
        if changed {
            self.show(id);
            self.tell().await;
        }
    }

    /// Something of a root has come back.
    pub(super) async fn answered(&mut self, id: i64) {
        if self.roots.get(&id).is_some_and(|root| root.answers.silent) {
            self.answers(id).await;
        }
    }

    /// Says how a watch folder is followed and how far it is.
    pub(super) fn show(&mut self, id: i64) {
        let Some(root) = self.roots.get(&id) else { return };
        let summary = self.watches.summary(root.id());
        let mut progress = root.progress.lock().unwrap_or_else(PoisonError::into_inner).clone();
        progress.runs = root.places.len() as u64;
        let all = || {
            let of_databases = root.passing.problems.values().flatten();
            root.problems.iter().chain(root.unreadable.values()).chain(of_databases)
        };
        let (problem_count, problems) = (all().count(), all().take(TOLD).cloned().collect());
        let followed = Monitored {
            folder: root.row.path.clone(),
            files: MonitoredFiles::Metrics,
            mode: if summary.polled > 0 { MonitorMode::Polling } else { MonitorMode::Events },
            reason: match root.answers.silent {
                true => Some(SILENT.into()),
                false => summary.why.map(|why| why.words()),
            },
            experiments: Vec::new(),
            folders: summary.folders,
            polled: summary.polled,
        };
        let state =
            WatchState { looking: root.first, progress, followed: Some(followed), problems, problem_count };
        self.states.lock().unwrap_or_else(PoisonError::into_inner).insert(id, state);
    }

    /// Waits a while for what is being read to be read and written, so that the engine can end.
    pub(super) async fn leave_reading(
        &mut self,
        results: &mut mpsc::UnboundedReceiver<Done>,
        committing: JoinHandle<()>,
    ) {
        let abort = committing.abort_handle();
        // The next engine may wait for this one already.
        let silent = self.roots.values().any(|root| root.answers.silent);
        let patience = if silent { LEAVING_SILENCE } else { LEAVING };
        let written = async {
            while self.roots.values().any(|root| root.reading + root.passing.running > 0) {
                match results.recv().await {
                    Some(Done::Passed(root, pass)) => self.passed(root, *pass),
                    Some(Done::Read(root, _)) => {
                        if let Some(root) = self.roots.get_mut(&root) {
                            root.reading -= 1;
                        }
                    }
                    Some(_) => {}
                    None => break,
                }
            }
            let _ = committing.await;
        };
        if tokio::time::timeout(patience, written).await.is_err() {
            // What is not written yet is read again by the next engine, and nothing twice: a piece and how far it goes
            // are one transaction.
            tracing::warn!(
                "files are still being read, perhaps on a server that does not answer; leaving them"
            );
            abort.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_get_on_is_silent_until_it_comes_back() {
        let mut answers = Answers::default();
        assert_eq!(answers.look(Instant::now()), (false, None), "nothing is asked");
        let mut call = answers.calls.begin();
        let (changed, again) = answers.look(Instant::now());
        assert!(!changed && again.is_some_and(|again| again <= PATIENCE), "it has just begun");
        call.step();
        // Others that come and go say nothing of this one.
        drop(answers.calls.begin());
        let later = Instant::now() + PATIENCE;
        assert_eq!(answers.look(later), (true, None));
        assert!(answers.silent);
        assert_eq!(answers.look(later), (false, None), "it is said once");
        drop(call);
        assert_eq!(answers.look(later), (true, None));
        assert!(!answers.silent);
    }
}

//! Saying how files are followed: to whoever asks, and to the bus when it changes.

use std::collections::BTreeSet;
use std::path::Path;

use tokio::time::Instant;

use super::roots::STAT;
use super::standing::{MonitorMode, Monitored, MonitoredFiles, Why};
use super::watches::{LOGS, Summary};
use super::{Key, Monitor, is_polled};
use crate::bus::{Notice, NoticeLevel, Push};
use crate::files::Bounds;

impl Monitor {
    /// Looks at the logs of which the kernel does not tell.
    pub(super) async fn poll_logs(&mut self) {
        self.watches.retry(LOGS);
        let polled: Vec<Key> = self
            .readers
            .watched
            .iter()
            .filter(|(_, watched)| self.watches.is_polled(&watched.folder))
            .map(|(key, _)| *key)
            .collect();
        for key in polled {
            self.readers.read_log(key).await;
        }
        self.logs_at = None;
        self.show_logs();
    }

    /// Says how the logs are followed, if that is news.
    pub(super) fn show_logs(&mut self) {
        let folder = self.readers.parts.home.attempts();
        let summary = self.watches.summary(LOGS);
        self.logs_at = is_polled(summary).then(|| self.logs_at.unwrap_or_else(|| Instant::now() + STAT));
        let followed = self.readers.watched.values().filter(|watched| !watched.ended || watched.begun);
        let jobs: BTreeSet<String> = followed.map(|watched| watched.job.uid.clone()).collect();
        let now = (summary.folders > 0).then(|| (summary, jobs.into_iter().collect(), false));
        self.say(&folder, MonitoredFiles::Logs, now);
    }

    /// Says how a root is followed, if that is news.
    pub(super) fn show(&mut self, folder: &Path) {
        let now = self.roots.get(folder).map(|root| {
            let jobs = root.jobs.iter().filter_map(|key| self.readers.watched.get(key));
            (self.watches.summary(root.id), jobs.map(|watched| watched.job.uid.clone()).collect(), root.cut)
        });
        self.say(folder, MonitoredFiles::Metrics, now);
    }

    fn say(&mut self, folder: &Path, files: MonitoredFiles, now: Option<(Summary, Vec<String>, bool)>) {
        let bus = self.readers.parts.bus.clone();
        let Some((summary, experiments, cut)) = now else {
            if let Some(before) = self.monitors.set(folder, None) {
                let reason = Some("The last job there has ended.".into());
                let (experiments, mode) = (Vec::new(), MonitorMode::Off);
                bus.publish(Push::Monitor(Monitored {
                    mode,
                    reason,
                    experiments,
                    folders: 0,
                    polled: 0,
                    ..before
                }));
            }
            return;
        };
        let mode = if is_polled(summary) { MonitorMode::Polling } else { MonitorMode::Events };
        let bounded = || format!("Only the newest {} folders below it are followed.", Bounds::WHOLE.folders);
        let reason = summary.why.map(Why::words).or_else(|| cut.then(bounded));
        let monitored = Monitored {
            folder: folder.display().to_string(),
            files,
            mode,
            reason,
            experiments,
            folders: summary.folders,
            polled: summary.polled,
        };
        let before = self.monitors.set(folder, Some(monitored.clone()));
        if before.is_none_or(|before| (before.mode, before.reason) != (mode, monitored.reason.clone())) {
            tracing::info!(folder = %monitored.folder, ?mode, reason = monitored.reason, "files are followed");
            bus.publish(Push::Monitor(monitored));
        }
        if summary.why.is_some_and(Why::is_exhausted) && !std::mem::replace(&mut self.said, true) {
            let (title, next) = match summary.why {
                Some(Why::Instances) => ("No more file watchers", "fs.inotify.max_user_instances"),
                _ => ("Too many watched folders", "fs.inotify.max_user_watches"),
            };
            bus.publish(Push::Notice(Notice {
                level: NoticeLevel::Warning,
                title: title.into(),
                message: format!(
                    "A limit of the kernel is reached, so what some jobs write is shown some seconds late. Nothing is \
                     lost. Raise {next} to see it at once."
                ),
            }));
        }
    }
}

//! The in-process bus: what happened, to everyone who listens, without anyone waiting for a slow listener.
//!
//! Events with a cursor stand in the event table first; a listener that fell behind reads them again from there.

use std::sync::Arc;

use athanor_core::state::Status;
use tokio::sync::{broadcast, watch};

use crate::devices::Sample;
use crate::live::Live;
use crate::monitor::Monitored;
use crate::queue::Stats;
use crate::store::{EventRow, ExperimentRow, NotificationRow, ProjectRow, Settings};

/// Messages kept for a listener that is behind. Beyond that it is told that it missed some.
const BACKLOG: usize = 4096;

/// What listeners hear.
#[derive(Debug, Clone)]
pub enum Push {
    /// An event was committed; with the experiment as it is now and the counts after it.
    Queue {
        /// The event.
        event: EventRow,
        /// The experiment.
        experiment: Option<Box<ExperimentRow>>,
        /// The counts.
        stats: Stats,
    },
    /// New points or progress.
    Run {
        /// The experiment.
        uid: String,
        /// Series with new points.
        keys: Vec<String>,
        /// How it looks now.
        live: Live,
    },
    /// Runs of the index changed.
    Runs {
        /// These; more than are named if `structure`.
        uids: Vec<String>,
        /// Runs came or went, or too many changed to name them.
        structure: bool,
        /// The last change of the index.
        revision: i64,
    },
    /// A log grew to this end.
    Log {
        /// The experiment.
        uid: String,
        /// The attempt.
        attempt: u32,
        /// Offset after the last byte.
        end: u64,
    },
    /// A file of a run that is followed changed.
    File {
        /// The run.
        uid: String,
        /// The file, as it was asked for.
        path: String,
        /// Bytes; `None` if it is gone.
        size: Option<u64>,
    },
    /// A new sample of the machine.
    Device(Arc<Sample>),
    /// The settings changed.
    Settings {
        /// As they are now.
        settings: Settings,
        /// The counts.
        stats: Stats,
    },
    /// The projects changed.
    Projects(Vec<ProjectRow>),
    /// The files below a folder are followed from now on, or in another way, or no more.
    Monitor(Monitored),
    /// Something that the user should know of the program itself.
    Notice(Notice),
    /// The user is told of something, or of more in a notification that there was.
    Notification {
        /// The notification.
        row: Box<NotificationRow>,
        /// How many were not read, with this one.
        unread: u64,
        /// Whether the desktop is to show it (again, in the same place, if it does already).
        alert: bool,
    },
    /// Notifications were read.
    NotificationsRead {
        /// These; all up to the newest if none are named.
        ids: Vec<u64>,
        /// How many were not.
        unread: u64,
    },
    /// The engine stops.
    Stopped,
}

/// Something that the user should know of the program itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// How grave it is.
    pub level: NoticeLevel,
    /// In a few words.
    pub title: String,
    /// What, where, why and the next step.
    pub message: String,
}

/// How grave a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeLevel {
    /// Good to know.
    Info,
    /// Something does not work as it should.
    Warning,
    /// Something was lost or can't go on.
    Error,
}

/// The bus.
#[derive(Debug, Clone)]
pub struct Bus {
    sender: broadcast::Sender<Push>,
    /// Changes with every event and every change of the settings, whether or not anyone listens.
    stirred: watch::Sender<()>,
}

impl Default for Bus {
    fn default() -> Self {
        Self { sender: broadcast::channel(BACKLOG).0, stirred: watch::Sender::new(()) }
    }
}

impl Bus {
    /// Tells everyone who listens.
    pub fn publish(&self, push: Push) {
        if matches!(push, Push::Queue { .. } | Push::Settings { .. }) {
            self.stir();
        }
        // No listener is no error: the window may be closed.
        let _ = self.sender.send(push);
    }

    /// Says that events were committed, for whoever reads them from the table and is no listener.
    pub fn stir(&self) {
        self.stirred.send_replace(());
    }

    /// Changes whenever events were committed or settings changed. Whoever waits for this does not count as a listener,
    /// for whom samples are taken faster and experiments are read.
    #[must_use]
    pub fn stirred(&self) -> watch::Receiver<()> {
        self.stirred.subscribe()
    }

    /// Begins to listen: everything published from now on.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<Push> {
        self.sender.subscribe()
    }

    /// Whether anyone listens, so that work for listeners alone can be left.
    #[must_use]
    pub fn has_listeners(&self) -> bool {
        self.sender.receiver_count() > 0
    }
}

/// Whether an event ends an experiment, and how.
#[must_use]
pub fn ending_of(what: crate::store::EventKind) -> Option<Status> {
    use crate::store::EventKind;
    match what {
        EventKind::Completed => Some(Status::Completed),
        EventKind::Failed => Some(Status::Failed),
        EventKind::Cancelled => Some(Status::Cancelled),
        _ => None,
    }
}

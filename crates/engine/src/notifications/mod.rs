//! What the user is told of: made from events and samples, kept, pushed, and handed to the user's hook.
//!
//! One task ([`task`]) decides, by the rules of `athanor_core::notification`. It reads events by cursor and keeps the
//! cursor in the transaction of what it makes of them, so nothing is told of twice or not at all, whenever the engine
//! dies. Another ([`hook`]) runs the hook, which may fail and be slow without anybody waiting for it. Showing is left to
//! the shell, which hears of each by the bus.
//!
//! Not to be confused with [`crate::bus::Notice`], which the program says of itself and nobody keeps.

mod gather;
mod hook;
mod look;
mod run;
mod task;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use athanor_core::notification::{Kind, Words};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;

pub use self::hook::{Hook, HookInfo, HookTest};
use crate::bus::{Bus, Push};
use crate::devices::Sample;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::home::{Home, now_ms};
use crate::queue::Queue;
use crate::seal::Sealer;
use crate::store::{HookState, NewNotification, NotificationRow, Store};

/// What is needed of the rest of the engine.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    pub home: Home,
    pub store: Store,
    pub bus: Bus,
    pub queue: Queue,
    pub sealer: Arc<Sealer>,
    /// The newest sample of the machine.
    pub machine: watch::Receiver<Option<Arc<Sample>>>,
}

/// The tasks at work. Dropping it ends them.
#[derive(Debug)]
pub(crate) struct Notifications {
    tasks: [JoinHandle<()>; 2],
    /// Rung when the hook may have something to do.
    due: Arc<Notify>,
}

impl Notifications {
    /// Begins to tell, from where the last engine left off; in a new data folder, from now on.
    ///
    /// # Errors
    /// The store refuses.
    pub(crate) async fn start(parts: Parts) -> Result<Self> {
        let due = Arc::new(Notify::new());
        let (reports, heard) = mpsc::unbounded_channel();
        let runner = hook::Runner::new(parts.clone(), due.clone(), reports);
        let task = task::Task::new(parts, due.clone(), heard).await?;
        Ok(Self { tasks: [tokio::spawn(task.run()), tokio::spawn(runner.run())], due })
    }

    pub(crate) fn ring_hook(&self) {
        self.due.notify_one();
    }

    /// Ends them. What was not told of yet is told of by the next engine.
    pub(crate) async fn stop(&self) {
        for task in &self.tasks {
            task.abort();
        }
        while self.tasks.iter().any(|task| !task.is_finished()) {
            // They end at their next await; a hook that runs goes on without anybody.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

impl Drop for Notifications {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// A page of notifications, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotificationPage {
    /// The notifications.
    pub rows: Vec<NotificationRow>,
    /// How many were not read, in all.
    pub unread: u64,
    /// Whether there are older ones.
    pub more: bool,
}

/// Which notifications were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// These.
    These(Vec<u64>),
    /// All up to this one; up to the newest if none is given.
    UpTo(Option<u64>),
}

impl Engine {
    /// A page of notifications before one, or from the newest on.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn notifications(
        &self,
        before: Option<u64>,
        unread: bool,
        limit: u32,
    ) -> Result<NotificationPage> {
        let mut rows = self.store().notifications(before, unread, limit + 1).await?;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        Ok(NotificationPage { rows, unread: self.store().unread_notifications().await?, more })
    }

    /// Marks notifications as read, and returns how many are not.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn read_notifications(&self, read: Read) -> Result<u64> {
        let (store, now) = (self.store(), now_ms());
        let mut tx = store.begin_lightly().await?;
        let ids = match read {
            Read::These(ids) => {
                store.read_notifications(&mut tx, &ids, now).await?;
                tx.commit().await?;
                // None of these is not the same as all.
                if ids.is_empty() {
                    return store.unread_notifications().await;
                }
                ids
            }
            Read::UpTo(up_to) => {
                let to = match up_to {
                    Some(id) => id,
                    None => store.newest_notification().await?,
                };
                store.read_notifications_to(&mut tx, to, now).await?;
                tx.commit().await?;
                Vec::new()
            }
        };
        let unread = store.unread_notifications().await?;
        self.bus().publish(Push::NotificationsRead { ids, unread });
        Ok(unread)
    }

    /// The hook, and how it does.
    ///
    /// # Errors
    /// The store refuses, or holds a hook that can't be opened.
    pub async fn hook(&self) -> Result<HookInfo> {
        let failure = self.store().hook_failure().await?;
        Ok(HookInfo { hook: hook::read(self.store(), self.sealer()).await?, failure })
    }

    /// Sets the hook, or takes it away.
    ///
    /// # Errors
    /// It can't be one, or the store refuses.
    pub async fn set_hook(&self, hook: Option<Hook>) -> Result<HookInfo> {
        if let Some(hook) = &hook {
            hook.validate()?;
        }
        let sealed = hook.as_ref().map(|hook| self.sealer().seal(&hook.to_sealable()?)).transpose()?;
        let mut tx = self.store().begin().await?;
        self.store().set_sealed_hook(&mut tx, sealed.as_deref()).await?;
        tx.commit().await?;
        self.ring_hook();
        self.hook().await
    }

    /// Shows the user a notification, whatever the hour, and runs the hook once, if there is one.
    ///
    /// # Errors
    /// No engine runs that could show it, or the store refuses.
    pub async fn test_notification(&self) -> Result<Option<HookTest>> {
        if self.mode() == crate::Mode::Offline {
            return Err(Error::new(ErrorKind::Invalid, "no engine runs that could show a notification")
                .hint("Start the window, or “athanor serve”."));
        }
        let words = Words::new("This is how Athanor tells you", "A test, because you asked for one.");
        let new = NewNotification {
            at: now_ms(),
            kind: Kind::Test,
            title: words.title,
            body: words.body,
            count: 1,
            jobs: Vec::new(),
            quiet: false,
            hook: false,
        };
        let store = self.store();
        let mut tx = store.begin_lightly().await?;
        let id = store.add_notification(&mut tx, &new).await?;
        tx.commit().await?;
        let Some(row) = store.notification(id).await? else { return Ok(None) };
        let unread = store.unread_notifications().await?;
        self.bus().publish(Push::Notification { row: Box::new(row.clone()), unread, alert: true });
        let Some(hook) = hook::read(store, self.sealer()).await? else { return Ok(None) };
        let tested = hook::test(hook, &row, self.home()).await?;
        let mut tx = store.begin_lightly().await?;
        let state = match &tested.error {
            None => HookState::Done,
            Some(error) => HookState::Failed(error.clone()),
        };
        store.set_hook_state(&mut tx, id, &state).await?;
        tx.commit().await?;
        Ok(Some(tested))
    }
}

/// The names and values of what is sealed.
type Sealable = BTreeMap<String, String>;

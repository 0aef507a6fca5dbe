//! What the user is told of, and the settings of it.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Command;
use super::queue::TimeWindow;

/// What a notification tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum NotificationKind {
    /// A job ended with exit code 0.
    Completed,
    /// A job failed, or expired.
    Failed,
    /// A job was cancelled by a policy, not by the user.
    Cancelled,
    /// The circuit breaker stopped a job, a GPU or the queue.
    Blocked,
    /// Several jobs have ended and nothing is left to do.
    Drained,
    /// A GPU is too hot.
    GpuHot,
    /// A GPU that was there does not answer any more.
    GpuLost,
    /// A disk is nearly full.
    DiskLow,
    /// A running job writes nothing any more.
    Stalled,
    /// A running job leaves its GPUs idle.
    GpuIdle,
    /// What happened during quiet hours.
    Summary,
    /// The hook can't be run.
    HookFailed,
    /// The user wanted to see one.
    Test,
}

/// How much a notification presses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// Shown for a while.
    Normal,
    /// Shown until it is seen.
    Critical,
}

/// What can be done from a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum NotificationAction {
    /// Go to what it tells of.
    Open,
    /// See the job's log.
    Log,
    /// Queue the job once more.
    Retry,
}

/// A job that a notification names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct NotifiedJob {
    /// The experiment; it may have been deleted since.
    pub uid: String,
    /// Its name then.
    pub name: String,
    /// Its project.
    pub project: Option<String>,
    /// The attempt.
    pub attempt: Option<u32>,
    /// What is told of it.
    pub what: NotificationKind,
    /// The last line of its log, if it failed.
    pub last_line: Option<String>,
}

/// A notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Notification {
    /// Strictly increasing, never reused.
    pub id: u64,
    /// Of the first thing that it tells of.
    pub at: i64,
    /// When something was added to it.
    pub updated_at: i64,
    /// What it tells of.
    pub what: NotificationKind,
    /// How much it presses.
    pub urgency: Urgency,
    /// In a few words.
    pub title: String,
    /// More of it; lines are lines.
    pub body: String,
    /// Jobs or warnings that it tells of.
    pub count: u64,
    /// Those that it names, at most 50.
    pub jobs: Vec<NotifiedJob>,
    /// What can be done from it, opening first.
    pub actions: Vec<NotificationAction>,
    /// It came in quiet hours and was not shown.
    pub quiet: bool,
    /// Whether it was read.
    pub read: bool,
    /// Why the hook failed for it; `null` if it did not.
    pub hook_error: Option<String>,
}

/// Which notifications to list.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct ListNotifications {
    /// Only those before this one; from the newest on if absent.
    #[ts(optional)]
    pub before: Option<u64>,
    /// Only those that were not read.
    #[ts(as = "Option<_>", optional)]
    pub unread: bool,
    /// At most so many, 1 to 200.
    #[ts(as = "Option<_>", optional)]
    pub limit: u32,
}

impl Default for ListNotifications {
    fn default() -> Self {
        Self { before: None, unread: false, limit: 50 }
    }
}

/// A page of notifications.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct NotificationPage {
    /// Newest first.
    pub notifications: Vec<Notification>,
    /// How many were not read, in all.
    pub unread: u64,
    /// Whether there are older ones.
    pub more: bool,
}

/// Notifications that were read: those named, else all up to one, else all.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct MarkNotifications {
    /// These.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub ids: Option<Vec<u64>>,
    /// All up to this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub up_to: Option<u64>,
}

/// How many notifications were not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Unread {
    /// In all.
    pub unread: u64,
}

/// What the user is told of, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct NotificationSettings {
    /// Kinds that nothing is told of.
    pub off: Vec<NotificationKind>,
    /// Projects whose jobs nothing is told of.
    pub muted_projects: Vec<String>,
    /// Parts of the week in which nothing is shown; it is kept, and summed up afterwards.
    pub quiet: Vec<TimeWindow>,
    /// From here on a GPU is hot, °C.
    pub gpu_hot: u32,
    /// Below this a disk is nearly full, bytes.
    pub disk_low: u64,
    /// A job that has written nothing for so long has stalled, milliseconds.
    pub stall_ms: u64,
}

/// Settings to change; absent ones stay.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[serde(default)]
#[allow(missing_docs, reason = "as in NotificationSettings")]
pub struct ChangeNotifications {
    #[ts(optional)]
    pub off: Option<Vec<NotificationKind>>,
    #[ts(optional)]
    pub muted_projects: Option<Vec<String>>,
    #[ts(optional)]
    pub quiet: Option<Vec<TimeWindow>>,
    #[ts(optional)]
    pub gpu_hot: Option<u32>,
    #[ts(optional)]
    pub disk_low: Option<u64>,
    #[ts(optional)]
    pub stall_ms: Option<u64>,
}

/// What is run with each notification, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Hook {
    /// A program with its arguments, or a shell line; it gets the JSON on standard input.
    Command(Command),
    /// An address that the JSON is posted to.
    Webhook(String),
}

/// Sets the hook.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct SetHook {
    /// `null` takes it away.
    pub hook: Option<Hook>,
}

/// The hook, and how it does. Of an address only scheme and host are told: the rest often is its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct HookInfo {
    /// The hook; `null` if there is none.
    pub hook: Option<Hook>,
    /// Its last failure; `null` if it was run since.
    pub failure: Option<HookFailure>,
}

/// A failure of the hook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct HookFailure {
    /// When the notification came that it failed for.
    pub at: i64,
    /// Why.
    pub message: String,
}

/// What a test came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct NotificationTest {
    /// What the hook did; `null` if there is none.
    pub hook: Option<HookTest>,
}

/// What a test of the hook came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct HookTest {
    /// Why it failed; `null` if it did not.
    pub error: Option<String>,
    /// How long it took, milliseconds.
    pub took_ms: u64,
}

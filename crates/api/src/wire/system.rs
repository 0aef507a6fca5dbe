//! The program itself on the wire: engine, settings, projects, notices.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::notification::{ChangeNotifications, NotificationSettings};
use super::queue::{Change, TimeWindow, given};

/// Who runs the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum EngineOwner {
    /// The desktop program.
    Window,
    /// `athanor serve`.
    Headless,
    /// A command that took the data folder for its own short time; it starts nothing.
    Offline,
}

/// Something that the user should know of the program itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Notice {
    /// `info`, `warning` or `error`.
    pub level: NoticeLevel,
    /// What happened, in a few words.
    pub title: String,
    /// What, where, why and the next step.
    pub message: String,
}

/// How grave a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the words say it")]
pub enum NoticeLevel {
    Info,
    Warning,
    Error,
}

/// The engine and the paths in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct EngineInfo {
    /// The program's version.
    pub version: String,
    /// The host's name.
    pub host: String,
    /// Who runs the engine.
    pub owner: EngineOwner,
    /// The engine's process id.
    pub pid: u32,
    /// When it started.
    pub started_at: i64,
    /// The data folder (`ATHANOR_HOME`).
    pub home: String,
    /// The database.
    pub database: String,
    /// The folder of attempts: logs and exit records.
    pub attempts: String,
    /// The local socket.
    pub socket: String,
    /// The program's own log.
    pub log: String,
    /// Backups of the database.
    pub backups: String,
    /// What happened at the start that the user should know.
    pub notices: Vec<Notice>,
}

/// What closing the window does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum CloseAction {
    /// The window goes, the program stays in the tray and keeps the queue going.
    Tray,
    /// The program ends; running jobs go on, waiting ones wait for the next start.
    Quit,
}

/// The look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the words say it")]
pub enum Appearance {
    System,
    Light,
    Dark,
}

/// The user's settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Settings {
    /// Jobs that may run at once, 0 to 256.
    pub slots: u32,
    /// What closing the window does.
    pub close_action: CloseAction,
    /// The look.
    pub appearance: Appearance,
    /// Whether the desktop shows notifications. They are kept in any case.
    pub notify: bool,
    /// Size at which a job's log is rotated, bytes; one older generation is kept.
    pub log_limit: u64,
    /// Jobs of every kind that may run at once; `null` for as many as resources allow.
    pub max_running: Option<u32>,
    /// Jobs that may share a GPU; `null` for as many as its memory allows.
    pub per_gpu: Option<u32>,
    /// Jobs of a project that may run at once; `null` for no limit.
    pub per_project: Option<u32>,
    /// Whether idle compute processes of others leave a GPU free for jobs that want it for themselves.
    pub ignore_idle_processes: bool,
    /// Named parts of the week in which scheduled jobs may start.
    pub windows: Vec<TimeWindow>,
    /// Days after which events and logs of finished experiments may be cleaned up.
    pub keep_days: u32,
    /// Percent below which the GPUs of a running job count as idle; 0 is never.
    pub idle_gpu_percent: u32,
    /// Minutes of that after which it is told, 1 to 10,080.
    pub idle_gpu_minutes: u32,
    /// Whether such a job is cancelled.
    pub idle_gpu_cancel: bool,
    /// Whether the desktop starts the window's program, hidden in the tray.
    pub autostart: bool,
    /// What the user is told of, and when.
    pub notifications: NotificationSettings,
}

/// Settings to change; absent ones stay.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[serde(default)]
#[allow(missing_docs, reason = "as in Settings")]
pub struct ChangeSettings {
    #[ts(optional)]
    pub slots: Option<u32>,
    #[ts(optional)]
    pub close_action: Option<CloseAction>,
    #[ts(optional)]
    pub appearance: Option<Appearance>,
    #[ts(optional)]
    pub notify: Option<bool>,
    #[ts(optional)]
    pub log_limit: Option<u64>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[ts(optional, as = "Option<Option<u32>>")]
    pub max_running: Change<u32>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[ts(optional, as = "Option<Option<u32>>")]
    pub per_gpu: Change<u32>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[ts(optional, as = "Option<Option<u32>>")]
    pub per_project: Change<u32>,
    #[ts(optional)]
    pub ignore_idle_processes: Option<bool>,
    #[ts(optional)]
    pub windows: Option<Vec<TimeWindow>>,
    #[ts(optional)]
    pub keep_days: Option<u32>,
    #[ts(optional)]
    pub idle_gpu_percent: Option<u32>,
    #[ts(optional)]
    pub idle_gpu_minutes: Option<u32>,
    #[ts(optional)]
    pub idle_gpu_cancel: Option<bool>,
    #[ts(optional)]
    pub autostart: Option<bool>,
    #[ts(optional)]
    pub notifications: Option<ChangeNotifications>,
}

/// An experiment that a project's folder suggests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Suggestion {
    /// What the button says.
    pub label: String,
    /// More about it.
    pub detail: String,
    /// The name that the experiment gets.
    pub name: String,
    /// The command.
    pub command: Vec<String>,
}

/// A folder that the user works in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Project {
    /// Its name, unique.
    pub name: String,
    /// Its folder, absolute.
    pub folder: String,
    /// Whether the folder is there and can be read.
    pub available: bool,
    /// Whether it is the bundled demo.
    pub demo: bool,
    /// What could be run there: scripts found in the folder, or the demo's list.
    pub suggestions: Vec<Suggestion>,
}

/// The projects.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct Projects {
    /// By name.
    pub projects: Vec<Project>,
}

/// A folder to be made a project.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct AddProject {
    /// The folder, absolute. Nothing is written into it.
    pub folder: String,
    /// The name; the folder's own name if absent.
    #[serde(default)]
    #[ts(optional)]
    pub name: Option<String>,
}

/// Names a project.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ProjectRef {
    /// Its name.
    pub name: String,
}

/// A folder to be looked at before it is used.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct CheckFolder {
    /// The folder; `~` stands for the home folder.
    pub path: String,
}

/// What was seen of a folder.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct FolderCheck {
    /// The absolute path.
    pub path: String,
    /// Why it can't be used; absent if it can.
    pub problem: Option<String>,
    /// What could be run there.
    pub suggestions: Vec<Suggestion>,
}

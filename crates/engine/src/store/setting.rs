//! The user's settings, and the few facts that the store keeps of itself (`meta.*`).

use std::collections::BTreeMap;

use athanor_core::device_breaker::DeviceBreaker;
use athanor_core::history::Idle;
use athanor_core::notification;
use athanor_core::schedule::Window;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Store, Tx, queries};
use crate::error::{Error, ErrorKind, Result};

queries! {
    GET = "SELECT value FROM setting WHERE key = ?";
    SET = "INSERT INTO setting (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
}

/// What closing the window does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CloseAction {
    /// The window goes, the program stays in the tray.
    Tray,
    /// The program ends; running jobs go on.
    Quit,
}

/// Light, dark, or as the desktop is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Appearance {
    /// As the desktop is.
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// The user's settings. A setting that an older program did not write has its default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Jobs that may run at once.
    pub slots: u32,
    /// Whether the user paused the queue.
    pub queue_paused: bool,
    /// What closing the window does.
    pub close_action: CloseAction,
    /// The look.
    pub appearance: Appearance,
    /// Whether the desktop shows notifications. They are kept in any case.
    pub notify: bool,
    /// Size at which a job's log is rotated, bytes.
    pub log_limit: u64,
    /// Jobs of every kind that may run at once; none for as many as resources allow.
    pub max_running: Option<u32>,
    /// Jobs that may share a GPU; none for as many as its memory allows.
    pub per_gpu: Option<u32>,
    /// Jobs of a project that may run at once; none for no limit.
    pub per_project: Option<u32>,
    /// Whether idle compute processes of others leave a GPU free for jobs that want it for themselves.
    pub ignore_idle_processes: bool,
    /// Named parts of the week in which scheduled jobs may start.
    pub windows: Vec<Window>,
    /// Days after which events and logs of finished experiments may be cleaned up.
    pub keep_days: u32,
    /// Percent below which the GPUs of a running job count as idle; 0 is never.
    pub idle_gpu_percent: u32,
    /// Minutes of that after which it is told.
    pub idle_gpu_minutes: u32,
    /// Whether such a job is cancelled.
    pub idle_gpu_cancel: bool,
    /// Uuids of GPUs that the user has taken out of the queue.
    pub blocked_gpus: Vec<String>,
    /// GPUs that the circuit breaker has taken out of the queue.
    pub tripped_gpus: Vec<TrippedGpu>,
    /// Whether the desktop starts the window's program, hidden in the tray.
    pub autostart: bool,
    /// What the user is told of, and when.
    pub notifications: notification::Settings,
}

/// A GPU on which jobs died one after the other, so that it gets no more until the user has looked at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrippedGpu {
    /// Its uuid.
    pub uuid: String,
    /// Since when, UTC milliseconds.
    pub at: i64,
    /// Why, in words that can stand beside it.
    pub reason: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            slots: 1,
            queue_paused: false,
            close_action: CloseAction::Tray,
            appearance: Appearance::System,
            notify: true,
            log_limit: 64 << 20,
            max_running: None,
            per_gpu: None,
            per_project: None,
            ignore_idle_processes: false,
            windows: Window::defaults(),
            keep_days: 30,
            idle_gpu_percent: 5,
            idle_gpu_minutes: 15,
            idle_gpu_cancel: false,
            blocked_gpus: Vec::new(),
            tripped_gpus: Vec::new(),
            autostart: false,
            notifications: notification::Settings::default(),
        }
    }
}

impl Settings {
    /// Most jobs that may run at once.
    pub const SLOTS_MAX: u32 = 256;
    /// Most windows of the week that may be named.
    pub const WINDOWS_MAX: usize = 50;
    /// Most days that anything is kept before it may be cleaned up.
    pub const KEEP_DAYS_MAX: u32 = 3650;
    /// Smallest and largest size at which a log may be rotated, bytes.
    pub const LOG_LIMIT: std::ops::RangeInclusive<u64> = 64 << 10..=16 << 30;

    /// Why each GPU that is out of the queue is so, by its uuid.
    #[must_use]
    pub fn out_of_queue(&self) -> BTreeMap<String, String> {
        let taken = self.blocked_gpus.iter().map(|uuid| (uuid.clone(), "taken out of the queue".to_owned()));
        self.tripped_gpus.iter().map(|gpu| (gpu.uuid.clone(), gpu.reason.clone())).chain(taken).collect()
    }

    /// Longest time for which GPUs may be idle before it is told, minutes.
    pub const IDLE_MINUTES_MAX: u32 = 7 * 24 * 60;

    /// When the GPUs of a running job count as idle.
    pub(crate) fn idle_gpu(&self) -> Idle {
        Idle { below: f64::from(self.idle_gpu_percent), for_ms: u64::from(self.idle_gpu_minutes) * 60_000 }
    }

    /// Checks what the user may set.
    ///
    /// # Errors
    /// A value outside its range, with the field's name.
    pub fn validate(&self) -> Result<()> {
        if self.slots > Self::SLOTS_MAX {
            return Err(Error::invalid("slots", format!("at most {} jobs may run at once", Self::SLOTS_MAX)));
        }
        if !Self::LOG_LIMIT.contains(&self.log_limit) {
            return Err(Error::invalid("log_limit", "a log's size limit must be between 64 KiB and 16 GiB"));
        }
        for (field, limit) in
            [("max_running", self.max_running), ("per_gpu", self.per_gpu), ("per_project", self.per_project)]
        {
            if limit.is_some_and(|limit| limit > 10_000) {
                return Err(Error::invalid(field, "a limit is at most 10,000; leave it empty for none"));
            }
        }
        if self.windows.len() > Self::WINDOWS_MAX {
            return Err(Error::invalid("windows", "at most 50 windows can be named"));
        }
        for (place, window) in self.windows.iter().enumerate() {
            window.validate().map_err(|fault| Error::invalid("windows", fault.to_string()))?;
            if self.windows[..place].iter().any(|other| other.name == window.name) {
                return Err(Error::invalid(
                    "windows",
                    format!("two windows have the name “{}”", window.name),
                ));
            }
        }
        if self.idle_gpu_percent > 100 {
            return Err(Error::invalid("idle_gpu_percent", "a utilisation is 0 to 100 %; 0 is never idle"));
        }
        if !(1..=Self::IDLE_MINUTES_MAX).contains(&self.idle_gpu_minutes) {
            return Err(Error::invalid(
                "idle_gpu_minutes",
                "GPUs may be idle for 1 to 10,080 minutes, a week",
            ));
        }
        if !(1..=Self::KEEP_DAYS_MAX).contains(&self.keep_days) {
            return Err(Error::invalid("keep_days", "things are kept for 1 to 3,650 days"));
        }
        self.notifications.validate().map_err(|fault| Error::invalid(fault.field, fault.message))?;
        Ok(())
    }
}

const SETTINGS: &str = "settings";

/// Where the strikes of the GPUs stand.
const GPU_BREAKERS: &str = "gpu_breakers";

impl Store {
    /// The settings.
    ///
    /// # Errors
    /// The database refuses, or holds settings that this program can't read.
    pub async fn settings(&self) -> Result<Settings> {
        Ok(self.get(SETTINGS).await?.unwrap_or_default())
    }

    /// Replaces the settings.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn set_settings(&self, tx: &mut Tx, settings: &Settings) -> Result<()> {
        self.set(tx, SETTINGS, settings).await
    }

    /// The strikes of each GPU that has any, by its uuid.
    ///
    /// # Errors
    /// The database refuses. Strikes that can't be read are forgotten: they begin anew.
    pub async fn gpu_breakers(&self) -> Result<BTreeMap<String, DeviceBreaker>> {
        match self.meta(GPU_BREAKERS).await {
            Err(error) if error.kind() == ErrorKind::Damaged => {
                tracing::warn!(%error, "the strikes of the GPUs are forgotten");
                Ok(BTreeMap::new())
            }
            known => Ok(known?.unwrap_or_default()),
        }
    }

    /// Replaces the strikes of the GPUs.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn set_gpu_breakers(
        &self,
        tx: &mut Tx,
        breakers: &BTreeMap<String, DeviceBreaker>,
    ) -> Result<()> {
        self.set_meta(tx, GPU_BREAKERS, breakers).await
    }

    /// Keeps a fact about the store itself.
    pub(super) async fn set_meta<T: Serialize>(&self, tx: &mut Tx, key: &str, value: &T) -> Result<()> {
        self.set(tx, &format!("meta.{key}"), value).await
    }

    /// A fact about the store itself.
    pub(super) async fn meta<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        self.get(&format!("meta.{key}")).await
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        let text: Option<String> = sqlx::query_scalar(GET).bind(key).fetch_optional(self.readers()).await?;
        text.map(|text| serde_json::from_str(&text)).transpose().map_err(|cause| {
            Error::new(ErrorKind::Damaged, format!("the stored {key} can't be read: {cause}"))
        })
    }

    pub(super) async fn set<T: Serialize>(&self, tx: &mut Tx, key: &str, value: &T) -> Result<()> {
        let text = serde_json::to_string(value)
            .map_err(|cause| Error::new(ErrorKind::Internal, format!("{key} can't be written: {cause}")))?;
        sqlx::query(SET).bind(key).bind(text).execute(tx.now().await?).await?;
        Ok(())
    }
}

//! The types that cross the boundary: what a command takes and gives, and what is pushed.
//!
//! They are plain data with a generated TypeScript counterpart (`ui/src/lib/bindings.ts`). Times are UTC in integer
//! milliseconds, sizes are bytes. 64-bit integers stay below 2^53 (sizes, offsets, cursors and times do), so
//! they are numbers in TypeScript.

mod compare;
mod device;
mod experiment;
mod figures;
mod files;
mod history;
mod lines;
mod log;
mod metrics;
mod monitor;
mod notification;
mod pages;
mod past;
mod plots;
mod queue;
mod reports;
mod run_detail;
mod run_media;
mod runs;
mod scan;
mod sweep;
mod system;
mod watch;

pub use compare::*;
pub use device::*;
pub use experiment::*;
pub use figures::*;
pub use files::*;
pub use history::*;
pub use lines::*;
pub use log::*;
pub use metrics::*;
pub use monitor::*;
pub use notification::*;
pub use pages::*;
pub use past::*;
pub use plots::*;
pub use queue::*;
pub use reports::*;
pub use run_detail::*;
pub use run_media::*;
pub use runs::*;
pub use scan::*;
pub use sweep::*;
pub use system::*;
pub use watch::*;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A command that takes nothing.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, TS)]
pub struct Nothing {}

/// A float as JSON can carry it: finite numbers as numbers, the others by name, so that none becomes `null`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number(pub f64);

impl Serialize for Number {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            v if v.is_finite() => serializer.serialize_f64(v),
            v if v.is_nan() => serializer.serialize_str("NaN"),
            v if v > 0.0 => serializer.serialize_str("Infinity"),
            _ => serializer.serialize_str("-Infinity"),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Finite(f64),
            Named(String),
        }
        match Either::deserialize(deserializer)? {
            Either::Finite(value) => Ok(Self(value)),
            Either::Named(name) => match name.as_str() {
                "NaN" => Ok(Self(f64::NAN)),
                "Infinity" => Ok(Self(f64::INFINITY)),
                "-Infinity" => Ok(Self(f64::NEG_INFINITY)),
                _ => Err(serde::de::Error::custom("expected a number, NaN, Infinity or -Infinity")),
            },
        }
    }
}

impl TS for Number {
    type WithoutGenerics = Self;
    type OptionInnerType = Self;

    fn name(_: &ts_rs::Config) -> String {
        "Number".into()
    }

    fn inline(_: &ts_rs::Config) -> String {
        "number | \"NaN\" | \"Infinity\" | \"-Infinity\"".into()
    }

    fn decl(cfg: &ts_rs::Config) -> String {
        format!("type Number = {};", Self::inline(cfg))
    }

    fn docs() -> Option<String> {
        Some("/** A float: finite numbers as numbers, the others by name. */\n".into())
    }

    fn output_path() -> Option<std::path::PathBuf> {
        Some("Number.ts".into())
    }
}

/// The closed list of error codes. The window maps each to a title and a next step in one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The input does not have the form that the command takes.
    InvalidInput,
    /// There is no such experiment, project, attempt or command.
    NotFound,
    /// The experiment's state does not allow it.
    IllegalTransition,
    /// The dependencies form a circle.
    DependencyCycle,
    /// No device of this machine could ever meet the requirements.
    Impossible,
    /// Somebody else changed it meanwhile.
    Conflict,
    /// It is so much that the user has to agree first.
    NeedsAgreement,
    /// A folder or file could not be read, written or entered.
    Path,
    /// The disk is full.
    DiskFull,
    /// Another engine owns the data folder, and does not answer.
    EngineBusy,
    /// The engine is not there (any more).
    EngineGone,
    /// The database is newer than this program.
    NewerDatabase,
    /// The peer speaks another version of the protocol.
    Protocol,
    /// The caller may not do this.
    Forbidden,
    /// Anything else; the message says what.
    Internal,
}

/// What went wrong, where, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// The class of the error.
    pub code: ErrorCode,
    /// A sentence for people: what, where, why.
    pub message: String,
    /// The next step, if there is one that helps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub hint: Option<String>,
    /// The input's field that is at fault, for a form to show it there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub field: Option<String>,
    /// Where in that field: characters counted from 0, end excluded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub place: Option<(u32, u32)>,
}

impl ApiError {
    /// An error without hint and field.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None, field: None, place: None }
    }

    /// The same error with the next step.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same error, pinned to a field of the input.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }
}

/// What is pushed to every client that listens.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Push {
    /// The first message on a new stream: where it stands. Messages with a cursor up to this one are not repeated.
    Hello {
        /// The newest event's cursor.
        cursor: u64,
    },
    /// An experiment changed: what happened, how it is now, and the counts after it.
    QueueUpdate {
        /// The event, with its cursor.
        event: Event,
        /// The experiment as it is now; absent when it was removed since.
        experiment: Option<Box<Experiment>>,
        /// The queue as it is now.
        stats: QueueStats,
    },
    /// New metric points or progress of an experiment's current attempt.
    RunUpdate {
        /// The experiment.
        uid: String,
        /// Keys of series with new points.
        keys: Vec<String>,
        /// The latest values.
        metrics: Vec<MetricValue>,
        /// How far it is, as far as its files or log tell.
        progress: Option<Progress>,
    },
    /// Runs of the index changed.
    RunsUpdate {
        /// These; more than are named if `structure`.
        uids: Vec<String>,
        /// Runs came or went, or too many changed to name them: read the table again.
        structure: bool,
        /// The state of the index after it.
        revision: u64,
    },
    /// A log grew.
    LogAppend {
        /// The experiment.
        uid: String,
        /// The attempt's number.
        attempt: u32,
        /// The log's end: the offset after its last byte.
        end: u64,
    },
    /// A file of a run that is followed changed.
    FileChange {
        /// The run.
        uid: String,
        /// The file, as it was asked for.
        path: String,
        /// Bytes; null if it is gone.
        size: Option<u64>,
    },
    /// A new sample of the machine.
    DeviceUpdate {
        /// The sample.
        sample: Box<DeviceSample>,
    },
    /// The settings changed.
    SettingsUpdate {
        /// The settings as they are now.
        settings: Settings,
        /// The queue as it is now.
        stats: QueueStats,
    },
    /// The list of projects changed.
    ProjectsUpdate {
        /// All projects.
        projects: Vec<Project>,
    },
    /// The files below a folder are followed from now on, or in another way, or no more.
    MonitorUpdate {
        /// The folder as it is followed now.
        monitor: Monitor,
    },
    /// Something that the user should know of the program itself.
    Notice {
        /// The notice.
        notice: Notice,
    },
    /// The user is told of something, or of more in a notification that there was.
    Notification {
        /// The notification as it is now.
        notification: Box<Notification>,
        /// How many were not read, with this one.
        unread: u64,
        /// Whether the desktop is to show it (again, in the same place, if it does already).
        alert: bool,
    },
    /// Notifications were read.
    NotificationsRead {
        /// These; all there are if none are named.
        ids: Vec<u64>,
        /// How many were not.
        unread: u64,
    },
    /// The listener was too slow and has missed pushes: read again what is shown.
    Resync {
        /// Where the stream goes on.
        cursor: u64,
    },
    /// The engine behind this stream stopped.
    EngineStopped {},
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_float_is_lost_on_the_wire() {
        for value in [0.5, -1e300, f64::INFINITY, f64::NEG_INFINITY] {
            let text = serde_json::to_string(&Number(value)).expect("a number serialises");
            assert_eq!(serde_json::from_str::<Number>(&text).expect("and parses"), Number(value), "{text}");
        }
        let text = serde_json::to_string(&Number(f64::NAN)).expect("NaN serialises");
        assert_eq!(text, "\"NaN\"");
        assert!(serde_json::from_str::<Number>(&text).expect("and parses").0.is_nan());
        assert!(serde_json::from_str::<Number>("\"loss\"").is_err());
    }
}

//! Native notifications: when an experiment ends, with name, outcome and duration.
//!
//! They go out from here and not from the page, which may be hidden or not there at all. Whether one is wanted
//! (settings, the job that is being looked at) was decided before [`Notifications::ended`] is called.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use athanor_api::wire::{EventKind, Experiment, Status};
use futures_util::StreamExt;
use tauri::AppHandle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;
use zbus::zvariant::Value;

use crate::window::{self, Navigation};

/// So many notifications in [`BURST`] are shown one by one; what comes on top is counted in one.
const SINGLE_MAX: usize = 3;
const BURST: Duration = Duration::from_secs(2);

/// A summary comes when a burst is over, but not later than this.
const SUMMARY_AT_LATEST: Duration = Duration::from_secs(30);

/// What a notification says, as plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) title: String,
    pub(crate) body: String,
    /// Where a click leads.
    pub(crate) to: Option<Navigation>,
}

#[derive(Debug)]
enum Request {
    Say(Note),
    Ended(Ended),
}

#[derive(Debug, Clone)]
struct Ended {
    note: Note,
    name: String,
    failed: bool,
}

/// Takes what there is to notify of. Never waits.
#[derive(Debug)]
pub(crate) struct Notifications(UnboundedSender<Request>);

/// What [`start`] shows.
#[derive(Debug)]
pub(crate) struct Requests(UnboundedReceiver<Request>);

pub(crate) fn channel() -> (Notifications, Requests) {
    let (sender, receiver) = unbounded_channel();
    (Notifications(sender), Requests(receiver))
}

impl Notifications {
    /// Something happened to an experiment. A cancelled one was cancelled by the user, who knows.
    pub(crate) fn ended(&self, what: EventKind, experiment: &Experiment) {
        let failed = match what {
            EventKind::Completed => false,
            EventKind::Failed | EventKind::Expired => true,
            _ => return,
        };
        let ended = Ended { note: note_of(experiment, failed), name: experiment.name.clone(), failed };
        self.send(Request::Ended(ended));
    }

    /// Shows a notification at once.
    pub(crate) fn say(&self, note: Note) {
        self.send(Request::Say(note));
    }

    fn send(&self, request: Request) {
        if self.0.send(request).is_err() {
            tracing::warn!("notifications have ended");
        }
    }
}

/// Shows what is asked for until the program ends.
pub(crate) fn start(app: &AppHandle, Requests(mut requests): Requests) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let mut burst = Burst::default();
        let mut desk: Option<Desk> = None;
        loop {
            let due = burst.due();
            let note = tokio::select! {
                request = requests.recv() => match request {
                    Some(Request::Say(note)) => Some(note),
                    Some(Request::Ended(ended)) => burst.take(Instant::now(), ended),
                    None => return,
                },
                () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => burst.sum_up(),
                clicked = async { desk.as_mut()?.clicked().await }, if desk.is_some() => {
                    match clicked {
                        Some(Some(to)) => window::navigate(&app, to),
                        Some(None) => window::show(&app),
                        // The bus is gone; the next notification tries again.
                        None => desk = None,
                    }
                    continue;
                }
            };
            let Some(note) = note else { continue };
            if let Err(error) = show(&mut desk, note).await {
                tracing::warn!(%error, "a notification can't be shown");
                desk = None;
            }
        }
    });
}

async fn show(desk: &mut Option<Desk>, note: Note) -> zbus::Result<()> {
    let desk = match desk {
        Some(desk) => desk,
        None => desk.insert(Desk::connect().await?),
    };
    desk.show(note).await
}

/// The desktop's notification server.
#[zbus::proxy(
    interface = "org.freedesktop.Notifications",
    default_service = "org.freedesktop.Notifications",
    default_path = "/org/freedesktop/Notifications"
)]
trait Server {
    fn get_capabilities(&self) -> zbus::Result<Vec<String>>;

    #[allow(clippy::too_many_arguments, reason = "the desktop's interface has so many")]
    fn notify(
        &self,
        app_name: &str,
        replaces_id: u32,
        app_icon: &str,
        summary: &str,
        body: &str,
        actions: &[&str],
        hints: HashMap<&str, Value<'_>>,
        expire_timeout: i32,
    ) -> zbus::Result<u32>;

    #[zbus(signal)]
    fn action_invoked(&self, id: u32, action_key: String) -> zbus::Result<()>;
}

/// What stands on the user's desk.
///
/// Spoken directly and not through Tauri's plugin: that one puts a script of its own into the page, which asks for a
/// capability that the page is not to have, and it can't say how urgent a notification is or whose it is.
struct Desk {
    server: ServerProxy<'static>,
    actions: ActionInvokedStream,
    /// Where a click leads, with the server's number for the notification; the newest last. Not forgotten when the
    /// server closes it, which some say before they say that it was clicked.
    shown: VecDeque<(u32, Option<Navigation>)>,
}

/// Clicks on older notifications are not answered.
const SHOWN_MAX: usize = 100;

impl Desk {
    async fn connect() -> zbus::Result<Self> {
        let bus = zbus::Connection::session().await?;
        let server =
            ServerProxy::builder(&bus).cache_properties(zbus::proxy::CacheProperties::No).build().await?;
        let actions = server.receive_action_invoked().await?;
        Ok(Self { server, actions, shown: VecDeque::new() })
    }

    async fn show(&mut self, note: Note) -> zbus::Result<()> {
        // Asked each time: it is a message of a few bytes, and servers are exchanged in a running session.
        let markup =
            self.server.get_capabilities().await?.iter().any(|capability| capability == "body-markup");
        let body = if markup { escape(&note.body) } else { note.body };
        let hints =
            HashMap::from([("desktop-entry", Value::from("Athanor")), ("urgency", Value::from(1_u8))]);
        let open = ["default", "Open"];
        let id =
            self.server.notify("Athanor", 0, "athanor-desktop", &note.title, &body, &open, hints, -1).await?;
        self.shown.retain(|(known, _)| *known != id);
        self.shown.push_back((id, note.to));
        if self.shown.len() > SHOWN_MAX {
            self.shown.pop_front();
        }
        Ok(())
    }

    /// Waits for a click on a notification of ours and says where it leads. `None`: the bus is gone.
    async fn clicked(&mut self) -> Option<Option<Navigation>> {
        loop {
            let action = self.actions.next().await?;
            // Everybody hears of every click.
            let Ok(args) = action.args() else { continue };
            if let Some((_, to)) = self.shown.iter().find(|(id, _)| *id == args.id) {
                return Some(to.clone());
            }
        }
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn note_of(experiment: &Experiment, failed: bool) -> Note {
    let duration = match (experiment.started_at, experiment.completed_at) {
        (Some(started), Some(ended)) => Some(in_words(ended - started)),
        _ => None,
    };
    let (what, why) = match (experiment.status, &experiment.failure) {
        (Status::Expired, _) => ("expired", Some("It had not started by its deadline.")),
        (_, failure) => {
            let why = failure.as_ref().map(|failure| failure.message.as_str());
            (if failed { "failed" } else { "completed" }, why)
        }
    };
    let body = match (failed, duration, why) {
        (false, Some(duration), _) => format!("It took {duration}."),
        (true, Some(duration), Some(why)) => format!("After {duration}: {why}"),
        (true, Some(duration), None) => format!("After {duration}."),
        (true, None, Some(why)) => why.to_owned(),
        (_, None, _) => String::new(),
    };
    Note {
        title: format!("{} {what}", experiment.name),
        body,
        to: Some(Navigation::Experiment { uid: experiment.uid.clone() }),
    }
}

/// A duration in the two units that matter.
fn in_words(ms: i64) -> String {
    let seconds = ms.max(0) / 1000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match seconds {
        0 => "less than a second".into(),
        1..60 => format!("{seconds} s"),
        60..3600 => format!("{minutes} min {} s", seconds % 60),
        3600..86_400 => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// Keeps a burst of endings from becoming a wall of notifications.
#[derive(Debug, Default)]
struct Burst {
    /// When the latest were shown.
    shown: VecDeque<Instant>,
    held: Vec<Ended>,
    first_held: Option<Instant>,
    last_held: Option<Instant>,
}

impl Burst {
    /// What to show now for an ending, if anything.
    fn take(&mut self, now: Instant, ended: Ended) -> Option<Note> {
        while self.shown.front().is_some_and(|shown| now.duration_since(*shown) >= BURST) {
            self.shown.pop_front();
        }
        if self.held.is_empty() && self.shown.len() < SINGLE_MAX {
            self.shown.push_back(now);
            return Some(ended.note);
        }
        self.held.push(ended);
        self.first_held.get_or_insert(now);
        self.last_held = Some(now);
        None
    }

    /// When the summary of what is held comes.
    fn due(&self) -> Option<Instant> {
        Some((self.last_held? + BURST).min(self.first_held? + SUMMARY_AT_LATEST))
    }

    /// The summary of what is held.
    fn sum_up(&mut self) -> Option<Note> {
        (self.first_held, self.last_held) = (None, None);
        let held = std::mem::take(&mut self.held);
        match held.as_slice() {
            [] => None,
            [one] => Some(one.note.clone()),
            many => {
                let failed: Vec<&str> =
                    many.iter().filter(|it| it.failed).map(|it| it.name.as_str()).collect();
                let completed = many.len() - failed.len();
                let body = match (completed, failed.len()) {
                    (_, 0) => "All of them completed.".into(),
                    (0, _) => format!("All of them failed: {}", some_of(&failed)),
                    _ => format!("{completed} completed, {} failed: {}", failed.len(), some_of(&failed)),
                };
                Some(Note {
                    title: format!("{} more experiments ended", many.len()),
                    body,
                    to: Some(Navigation::Queue),
                })
            }
        }
    }
}

fn some_of(names: &[&str]) -> String {
    let shown = names.iter().take(3).copied().collect::<Vec<_>>().join(", ");
    if names.len() > 3 { format!("{shown}, …") } else { shown }
}

#[cfg(test)]
mod tests {
    use athanor_api::wire::{Failure, FailureReason};

    use super::*;

    fn experiment(took: i64) -> Experiment {
        let mut experiment = crate::sample::experiment("abc", "digits mlp", "completed");
        (experiment.started_at, experiment.completed_at) = (Some(1000), Some(1000 + took));
        experiment
    }

    fn ended(name: &str, failed: bool) -> Ended {
        let note = Note { title: name.into(), body: String::new(), to: None };
        Ended { note, name: name.into(), failed }
    }

    #[test]
    fn a_note_says_name_outcome_and_duration() {
        let completed = note_of(&experiment(31_400), false);
        assert_eq!(
            (completed.title.as_str(), completed.body.as_str()),
            ("digits mlp completed", "It took 31 s.")
        );
        assert_eq!(completed.to, Some(Navigation::Experiment { uid: "abc".into() }));

        let mut experiment = experiment(4000);
        experiment.failure = Some(Failure {
            reason: FailureReason::ExitCode,
            exit_code: Some(1),
            signal: None,
            message: "It ended with exit code 1.".into(),
        });
        let failed = note_of(&experiment, true);
        assert_eq!(failed.title, "digits mlp failed");
        assert_eq!(failed.body, "After 4 s: It ended with exit code 1.");
        experiment.started_at = None;
        assert_eq!(note_of(&experiment, true).body, "It ended with exit code 1.", "it never started");
    }

    #[test]
    fn durations_have_two_units() {
        let minute = 60_000;
        for (ms, words) in [
            (-5, "less than a second"),
            (999, "less than a second"),
            (59_999, "59 s"),
            (3 * minute + 20_000, "3 min 20 s"),
            (125 * minute, "2 h 5 min"),
            (76 * 60 * minute, "3 d 4 h"),
        ] {
            assert_eq!(in_words(ms), words, "{ms}");
        }
    }

    #[test]
    fn bursts_are_summed_up() {
        let start = Instant::now();
        let mut burst = Burst::default();
        for name in ["a", "b", "c"] {
            assert!(burst.take(start, ended(name, false)).is_some(), "{name}");
        }
        assert_eq!(burst.due(), None);
        assert_eq!(burst.take(start, ended("d", true)), None);
        assert_eq!(burst.take(start + Duration::from_secs(1), ended("e", false)), None);
        assert_eq!(burst.due(), Some(start + Duration::from_secs(3)), "two quiet seconds end it");
        let summary = burst.sum_up().expect("two were held");
        assert_eq!(summary.title, "2 more experiments ended");
        assert_eq!(summary.body, "1 completed, 1 failed: d");
        assert_eq!(summary.to, Some(Navigation::Queue));
        assert_eq!(burst.due(), None);
        assert!(
            burst.take(start + Duration::from_secs(4), ended("f", false)).is_some(),
            "and then it is quiet again"
        );
    }

    #[test]
    fn a_burst_without_end_is_summed_up_now_and_then() {
        let start = Instant::now();
        let mut burst = Burst::default();
        let mut now = start;
        for _ in 0..40 {
            let _ = burst.take(now, ended("a", true));
            now += Duration::from_millis(600);
        }
        let due = burst.due().expect("most were held");
        assert!(due <= start + SUMMARY_AT_LATEST + BURST, "{:?}", due - start);
        assert_eq!(burst.sum_up().expect("summary").body, "All of them failed: a, a, a, …");
    }

    #[test]
    fn markup_is_text() {
        assert_eq!(escape("<b>loss</b> & more"), "&lt;b&gt;loss&lt;/b&gt; &amp; more");
    }
}

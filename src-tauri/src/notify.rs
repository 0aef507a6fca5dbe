//! Native notifications, through the desktop's own service.
//!
//! What is told of, and when, is the engine's to decide; here it is shown, and clicks are heard. They go out from here
//! and not from the page, which may be hidden or not there at all.
//!
//! Spoken over D-Bus directly and not through Tauri's plugin: that one puts a script of its own into the page, which
//! asks for a capability that the page is not to have, and it can't say how urgent a notification is, replace one that
//! has grown, or offer actions. See <https://specifications.freedesktop.org/notification-spec/latest/>.

use std::collections::{HashMap, VecDeque};

use athanor_api::command::{MarkNotifications, RetryExperiments};
use athanor_api::wire::{self, Notification, NotificationAction, Urgency};
use futures_util::StreamExt;
use tauri::{AppHandle, Manager};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use zbus::zvariant::Value;

use crate::Shell;
use crate::window::{self, Navigation};

/// What a notification says, as plain text, and what can be done from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    title: String,
    body: String,
    critical: bool,
    /// The engine's number of it; none for what the shell says itself.
    id: Option<u64>,
    /// The one job that it tells of.
    uid: Option<String>,
    actions: Vec<NotificationAction>,
}

impl Note {
    /// Something that the shell says itself. A click shows the window.
    pub(crate) fn own(title: &str, body: String) -> Self {
        Self { title: title.into(), body, critical: false, id: None, uid: None, actions: Vec::new() }
    }
}

impl From<&Notification> for Note {
    fn from(notification: &Notification) -> Self {
        let uid = match notification.jobs.as_slice() {
            [job] if notification.count == 1 => Some(job.uid.clone()),
            _ => None,
        };
        Self {
            title: notification.title.clone(),
            body: notification.body.clone(),
            critical: notification.urgency == Urgency::Critical,
            id: Some(notification.id),
            uid,
            actions: notification.actions.clone(),
        }
    }
}

/// Takes what there is to show. Never waits.
#[derive(Debug)]
pub(crate) struct Notifications(UnboundedSender<Request>);

/// What [`start`] shows.
#[derive(Debug)]
pub(crate) struct Requests(UnboundedReceiver<Request>);

#[derive(Debug)]
enum Request {
    Show(Note),
    /// These were read elsewhere; all, if none are named.
    Read(Vec<u64>),
}

pub(crate) fn channel() -> (Notifications, Requests) {
    let (sender, receiver) = unbounded_channel();
    (Notifications(sender), Requests(receiver))
}

impl Notifications {
    /// Shows a notification, in the place of an earlier state of it.
    pub(crate) fn show(&self, note: Note) {
        self.send(Request::Show(note));
    }

    /// Takes away what was read: all, if none are named.
    pub(crate) fn read(&self, ids: Vec<u64>) {
        self.send(Request::Read(ids));
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
        let mut desk: Option<Desk> = None;
        loop {
            tokio::select! {
                request = requests.recv() => {
                    let Some(request) = request else { return };
                    if let Err(error) = take(&mut desk, request).await {
                        tracing::warn!(%error, "a notification can't be shown");
                        desk = None;
                    }
                }
                clicked = async { desk.as_mut()?.clicked().await }, if desk.is_some() => match clicked {
                    Some(Click { note, action }) => follow(&app, note, action),
                    // The bus is gone; the next notification tries again.
                    None => desk = None,
                },
            }
        }
    });
}

async fn take(desk: &mut Option<Desk>, request: Request) -> zbus::Result<()> {
    let desk = match (desk, &request) {
        (Some(desk), _) => desk,
        // Nothing is shown that could be taken away.
        (None, Request::Read(_)) => return Ok(()),
        (empty, Request::Show(_)) => empty.insert(Desk::connect().await?),
    };
    match request {
        Request::Show(note) => desk.show(note).await,
        Request::Read(ids) => desk.close(&ids).await,
    }
}

/// A click on a notification.
#[derive(Debug)]
struct Click {
    note: Note,
    action: NotificationAction,
}

/// Does what a click asks for. Whoever clicks a notification has read it.
fn follow(app: &AppHandle, note: Note, action: NotificationAction) {
    match (action, &note.uid) {
        (NotificationAction::Retry, Some(uid)) => retry(app, uid.clone()),
        (NotificationAction::Log, Some(uid)) => window::navigate(app, Navigation::Log { uid: uid.clone() }),
        (_, Some(uid)) => window::navigate(app, Navigation::Experiment { uid: uid.clone() }),
        (_, None) if note.id.is_some() => window::navigate(app, Navigation::Notifications),
        (_, None) => window::show(app),
    }
    if let Some(id) = note.id {
        let app = app.clone();
        tauri::async_runtime::spawn(async move {
            let read = wire::MarkNotifications { ids: Some(vec![id]), up_to: None };
            if let Err(error) = app.state::<Shell>().link.call::<MarkNotifications>(&read).await {
                tracing::warn!(%error, id, "a notification can't be marked as read");
            }
        });
    }
}

/// Queues a job once more. If that can't be, the window shows the job, and so why.
fn retry(app: &AppHandle, uid: String) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let asked = wire::Selection { uids: vec![uid.clone()], group: None };
        let refused = match app.state::<Shell>().link.call::<RetryExperiments>(&asked).await {
            Ok(outcomes) => outcomes.outcomes.into_iter().find_map(|outcome| outcome.error),
            Err(error) => Some(error),
        };
        if let Some(error) = refused {
            tracing::info!(%error, uid, "a job can't be queued once more from its notification");
            window::navigate(&app, Navigation::Experiment { uid });
        }
    });
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

    fn close_notification(&self, id: u32) -> zbus::Result<()>;

    #[zbus(signal)]
    fn action_invoked(&self, id: u32, action_key: String) -> zbus::Result<()>;
}

/// What stands on the user's desk.
struct Desk {
    server: ServerProxy<'static>,
    actions: ActionInvokedStream,
    /// What was shown, by the server's number for it; the newest last. Not forgotten when the server closes it, which
    /// some say before they say that it was clicked.
    shown: VecDeque<(u32, Note)>,
}

/// Clicks on older notifications are not answered.
const SHOWN_MAX: usize = 100;

/// What a click on the notification itself is called.
const DEFAULT: &str = "default";

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
        let capabilities = self.server.get_capabilities().await?;
        let can = |what: &str| capabilities.iter().any(|capability| capability == what);
        let body = if can("body-markup") { escape(&note.body) } else { note.body.clone() };
        let actions = actions_of(&note, can("actions"));
        let hints = HashMap::from([
            ("desktop-entry", Value::from("Athanor")),
            ("urgency", Value::from(if note.critical { 2_u8 } else { 1 })),
        ]);
        // What has grown takes the place of what it was.
        let before = self.shown.iter().find(|(_, known)| note.id.is_some() && known.id == note.id);
        let before = before.map_or(0, |(id, _)| *id);
        let id = self
            .server
            .notify("Athanor", before, "athanor-desktop", &note.title, &body, &actions, hints, -1)
            .await?;
        self.shown.retain(|(known, _)| *known != id && *known != before);
        self.shown.push_back((id, note));
        if self.shown.len() > SHOWN_MAX {
            self.shown.pop_front();
        }
        Ok(())
    }

    /// Takes away those of the engine's numbers; all of the engine's, if none are named.
    async fn close(&mut self, ids: &[u64]) -> zbus::Result<()> {
        let read = |note: &Note| note.id.is_some_and(|id| ids.is_empty() || ids.contains(&id));
        let gone: Vec<u32> =
            self.shown.iter().filter(|(_, note)| read(note)).map(|(server_id, _)| *server_id).collect();
        for id in gone {
            // One that the user has closed already is no fault, whatever the server says of it.
            if let Err(error) = self.server.close_notification(id).await {
                tracing::debug!(%error, id, "a notification was gone already");
            }
        }
        Ok(())
    }

    /// Waits for a click on a notification of ours. `None`: the bus is gone.
    async fn clicked(&mut self) -> Option<Click> {
        loop {
            let action = self.actions.next().await?;
            // Everybody hears of every click.
            let Ok(args) = action.args() else { continue };
            if let Some((_, note)) = self.shown.iter().find(|(id, _)| *id == args.id) {
                return Some(Click { note: note.clone(), action: action_of(&args.action_key) });
            }
        }
    }
}

/// Keys and words of what can be clicked, in turns. A server without buttons is offered the click alone.
fn actions_of(note: &Note, buttons: bool) -> Vec<&'static str> {
    let mut all = vec![DEFAULT, "Open"];
    if buttons {
        for action in &note.actions {
            match action {
                // The click on the whole does that.
                NotificationAction::Open => {}
                NotificationAction::Log => all.extend(["log", "Show log"]),
                NotificationAction::Retry => all.extend(["retry", "Retry"]),
            }
        }
    }
    all
}

fn action_of(key: &str) -> NotificationAction {
    match key {
        "log" => NotificationAction::Log,
        "retry" => NotificationAction::Retry,
        _ => NotificationAction::Open,
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buttons_are_offered_where_there_are_any() {
        let note = Note {
            actions: vec![NotificationAction::Open, NotificationAction::Log, NotificationAction::Retry],
            ..Note::own("digits mlp failed", String::new())
        };
        assert_eq!(actions_of(&note, true), ["default", "Open", "log", "Show log", "retry", "Retry"]);
        assert_eq!(actions_of(&note, false), ["default", "Open"]);
        for (key, action) in note.actions.iter().zip(["default", "log", "retry"]) {
            assert_eq!(action_of(action), *key);
        }
    }

    #[test]
    fn a_note_leads_to_its_one_job() {
        let notification = crate::sample::notification(&["a"]);
        assert_eq!(Note::from(&notification).uid.as_deref(), Some("a"));
        let notification = crate::sample::notification(&["a", "b"]);
        assert_eq!(Note::from(&notification).uid, None);
    }

    #[test]
    fn markup_is_text() {
        assert_eq!(escape("<b>loss</b> & more"), "&lt;b&gt;loss&lt;/b&gt; &amp; more");
    }
}

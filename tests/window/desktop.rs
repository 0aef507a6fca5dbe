//! A desktop of our own on the session bus: a tray that records what it is shown and can click, and a notification
//! server that keeps what it is told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, bail};
use zbus::message::Header;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::{OwnedValue, Value};
use zbus::{Connection, fdo, interface};

use crate::wait::wait_for;

const ITEM: &str = "org.kde.StatusNotifierItem";
const MENU: &str = "com.canonical.dbusmenu";

/// The session's tray and notification server. Both go with it.
pub struct Desktop {
    bus: Connection,
    icons: Arc<Mutex<Vec<Place>>>,
    notes: Arc<Mutex<Vec<Note>>>,
}

/// Where a tray icon is on the bus.
#[derive(Debug, Clone)]
struct Place {
    name: String,
    path: String,
}

/// A notification as it was asked for.
#[derive(Debug, Clone)]
pub struct Note {
    pub id: u32,
    pub title: String,
    pub body: String,
    /// Keys of what can be clicked.
    pub actions: Vec<String>,
    /// 0 to 2, as the specification has it.
    pub urgency: u8,
    /// How often it was changed in its place.
    pub changed: u32,
    /// The program took it away.
    pub closed: bool,
}

/// What the tray shows.
pub struct Icon {
    /// Edges of the pictures that a panel can choose from.
    pub sizes: Vec<i32>,
    /// The largest, ARGB, a byte each.
    pub pixels: Vec<u8>,
    tooltip: String,
    /// Lines below the tooltip's first.
    pub details: String,
}

/// A line of a tray menu. Separators have an empty label.
#[derive(Debug, Clone)]
struct Line {
    id: i32,
    label: String,
}

struct Watcher(Arc<Mutex<Vec<Place>>>);

#[interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    fn register_status_notifier_item(&self, service: &str, #[zbus(header)] header: Header<'_>) {
        // Some give the object's path and mean their own connection, some give a name.
        let place = if service.starts_with('/') {
            let name = header.sender().map(ToString::to_string).unwrap_or_default();
            Place { name, path: service.to_owned() }
        } else {
            Place { name: service.to_owned(), path: "/StatusNotifierItem".into() }
        };
        self.0.lock().expect("no panic").push(place);
    }

    fn register_status_notifier_host(&self, _service: &str) {}

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        let icons = self.0.lock().expect("no panic");
        icons.iter().map(|place| format!("{}{}", place.name, place.path)).collect()
    }
}

struct Server {
    notes: Arc<Mutex<Vec<Note>>>,
    /// Whether it has buttons.
    buttons: bool,
}

#[interface(name = "org.freedesktop.Notifications")]
impl Server {
    #[allow(clippy::too_many_arguments, reason = "the desktop's interface has so many")]
    fn notify(
        &self,
        _app_name: &str,
        replaces_id: u32,
        _app_icon: &str,
        summary: &str,
        body: &str,
        actions: Vec<String>,
        hints: HashMap<String, OwnedValue>,
        _expire_timeout: i32,
    ) -> fdo::Result<u32> {
        if actions.first().is_none_or(|action| action != "default") {
            return Err(fdo::Error::InvalidArgs("a click would lead nowhere".into()));
        }
        let urgency = hints.get("urgency").and_then(|urgency| u8::try_from(urgency).ok()).unwrap_or(1);
        let actions = actions.into_iter().step_by(2).collect();
        let (title, body) = (summary.to_owned(), body.to_owned());
        let mut notes = self.notes.lock().expect("no panic");
        if let Some(note) = notes.iter_mut().find(|note| note.id == replaces_id) {
            *note =
                Note { id: note.id, title, body, actions, urgency, changed: note.changed + 1, closed: false };
            return Ok(note.id);
        }
        let id = u32::try_from(notes.len() + 1).expect("few notes");
        notes.push(Note { id, title, body, actions, urgency, changed: 0, closed: false });
        Ok(id)
    }

    fn get_capabilities(&self) -> Vec<&str> {
        let mut all = vec!["body", "body-markup", "persistence"];
        if self.buttons {
            all.push("actions");
        }
        all
    }

    fn get_server_information(&self) -> (&str, &str, &str, &str) {
        ("athanor-test", "athanor", "1", "1.2")
    }

    fn close_notification(&self, id: u32) {
        let mut notes = self.notes.lock().expect("no panic");
        notes.iter_mut().filter(|note| note.id == id).for_each(|note| note.closed = true);
    }

    #[zbus(signal)]
    async fn action_invoked(emitter: &SignalEmitter<'_>, id: u32, action_key: &str) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn notification_closed(emitter: &SignalEmitter<'_>, id: u32, reason: u32) -> zbus::Result<()>;
}

impl Desktop {
    /// Takes both places on the session bus.
    pub async fn start() -> Result<Self> {
        Self::with(Some(true)).await
    }

    /// With a notification server that has no buttons.
    pub async fn without_buttons() -> Result<Self> {
        Self::with(Some(false)).await
    }

    /// With a tray alone: notifications are somebody else's.
    pub async fn tray_alone() -> Result<Self> {
        Self::with(None).await
    }

    async fn with(buttons: Option<bool>) -> Result<Self> {
        let (icons, notes) = (Arc::default(), Arc::default());
        let mut bus = zbus::connection::Builder::session()?
            .serve_at("/StatusNotifierWatcher", Watcher(Arc::clone(&icons)))?
            .name("org.kde.StatusNotifierWatcher")?;
        if let Some(buttons) = buttons {
            let server = Server { notes: Arc::clone(&notes), buttons };
            bus = bus
                .serve_at("/org/freedesktop/Notifications", server)?
                .name("org.freedesktop.Notifications")?;
        }
        let bus = bus
            .build()
            .await
            .context("this test wants a session bus of its own: `cargo xtask test window` gives it one")?;
        Ok(Self { bus, icons, notes })
    }

    /// What the newest icon shows.
    pub async fn icon(&self) -> Result<Icon> {
        type Pixmap = (i32, i32, Vec<u8>);
        let place = self.place()?;
        // The program changes the pixels first, so they are as new as the words.
        let tooltip: (String, Vec<Pixmap>, String, String) = self.property(&place, "ToolTip").await?;
        let pixmaps: Vec<Pixmap> = self.property(&place, "IconPixmap").await?;
        let sizes = pixmaps.iter().map(|(width, ..)| *width).collect();
        let Some((_, _, pixels)) = pixmaps.into_iter().max_by_key(|(width, ..)| *width) else {
            bail!("the icon has no pixels")
        };
        Ok(Icon { sizes, pixels, tooltip: tooltip.2, details: tooltip.3 })
    }

    /// Waits until the icon says just this of the queue, and gives it.
    pub async fn wait_for_icon(&self, words: &str) -> Result<Icon> {
        wait_for(&format!("a tray icon that says “{words}”"), async || {
            let icon = self.icon().await?;
            if icon.tooltip == format!("Athanor: {words}") {
                Ok(icon)
            } else {
                bail!("it says “{}”", icon.tooltip)
            }
        })
        .await
    }

    /// The labels of the icon's menu.
    pub async fn menu(&self) -> Result<Vec<String>> {
        Ok(self.lines().await?.1.into_iter().map(|line| line.label).collect())
    }

    /// Clicks the line of the menu whose label begins so.
    pub async fn choose(&self, label: &str) -> Result<()> {
        let (place, lines) = self.lines().await?;
        let line = lines
            .iter()
            .find(|line| line.label.starts_with(label))
            .with_context(|| format!("no “{label}” among {lines:?}"))?;
        let event = (line.id, "clicked", Value::from(0), 0_u32);
        self.bus.call_method(Some(&*place.name), &*place.path, Some(MENU), "Event", &event).await?;
        Ok(())
    }

    /// A left click on the icon.
    pub async fn click_icon(&self) -> Result<()> {
        let place = self.place()?;
        self.bus.call_method(Some(&*place.name), &*place.path, Some(ITEM), "Activate", &(0, 0)).await?;
        Ok(())
    }

    /// Waits for a notification whose title has these words.
    pub async fn wait_for_note(&self, words: &str) -> Result<Note> {
        wait_for(&format!("a notification “{words}”"), async || {
            let notes = self.notes();
            let found = notes.iter().find(|note| note.title.contains(words)).cloned();
            found.with_context(|| format!("there are {notes:?}"))
        })
        .await
    }

    /// All notifications so far.
    pub fn notes(&self) -> Vec<Note> {
        self.notes.lock().expect("no panic").clone()
    }

    /// Clicks a notification, which closes it.
    pub async fn click_note(&self, note: &Note) -> Result<()> {
        self.click_action(note, "default").await
    }

    /// Clicks one of a notification's buttons.
    pub async fn click_action(&self, note: &Note, action: &str) -> Result<()> {
        let server =
            self.bus.object_server().interface::<_, Server>("/org/freedesktop/Notifications").await?;
        Server::action_invoked(server.signal_emitter(), note.id, action).await?;
        Server::notification_closed(server.signal_emitter(), note.id, 2).await?;
        Ok(())
    }

    fn place(&self) -> Result<Place> {
        self.icons.lock().expect("no panic").last().cloned().context("there is no tray icon yet")
    }

    async fn property<T: TryFrom<OwnedValue, Error = zbus::zvariant::Error>>(
        &self,
        place: &Place,
        name: &str,
    ) -> Result<T> {
        let interface = "org.freedesktop.DBus.Properties";
        let answer = self
            .bus
            .call_method(Some(&*place.name), &*place.path, Some(interface), "Get", &(ITEM, name))
            .await?;
        Ok(answer.body().deserialize::<OwnedValue>()?.try_into()?)
    }

    async fn lines(&self) -> Result<(Place, Vec<Line>)> {
        let icon = self.place()?;
        let path: zbus::zvariant::OwnedObjectPath = self.property(&icon, "Menu").await?;
        let menu = Place { name: icon.name, path: path.to_string() };
        let asked = (0, 1, vec!["label", "type"]);
        let answer =
            self.bus.call_method(Some(&*menu.name), &*menu.path, Some(MENU), "GetLayout", &asked).await?;
        type Item = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);
        let (_, root): (u32, Item) = answer.body().deserialize()?;
        let mut lines = Vec::new();
        for child in root.2 {
            let (id, properties, _): Item = child.try_into()?;
            let label = properties.get("label").and_then(|label| String::try_from(label.clone()).ok());
            lines.push(Line { id, label: label.unwrap_or_default() });
        }
        Ok((menu, lines))
    }
}

//! The tray icon: how the GPUs and the queue stand, at a glance and with the window closed.
//!
//! What it says is worked out by `glance`, drawn by `athanor_core::tray`, and handed to the desktop only when it differs
//! from what the desktop shows. The icon appears when there is a tray: desktops start programs before their panels, and
//! some have none at all, so that nothing may be reachable by the tray alone.

mod glance;

use std::sync::Mutex;
use std::time::Duration;

use athanor_api::command::PauseQueue;
use athanor_api::tray::{SIZES, draw};
use athanor_api::wire::{self, Push};
use ksni::blocking::{Handle, TrayMethods};
use ksni::menu::{MenuItem, StandardItem};
use tauri::{AppHandle, Manager};
use tokio::sync::Notify;

use crate::link::Snapshot;
use crate::{Shell, closing, window};
use glance::{Act, Entry, Face, Glance};

/// Shortest time between two changes of the tray: a panel redraws for each.
const PACE: Duration = Duration::from_millis(300);

/// The well-known name of the desktop's list of tray icons.
const WATCHER: &str = "org.kde.StatusNotifierWatcher";

/// The tray of this program.
#[derive(Default)]
pub(crate) struct Tray {
    glance: Mutex<Glance>,
    changed: Notify,
    shown: Mutex<Option<Handle<Item>>>,
}

/// What the desktop shows.
struct Item {
    app: AppHandle,
    face: Face,
    pixmaps: Vec<ksni::Icon>,
}

/// Where a hidden window can be found again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// There is a tray.
    Tray,
    /// There is none, but a second start finds the first by the session bus.
    NoTray,
    /// There is no session bus.
    NoBus,
}

/// Where a window that is hidden now could be found again.
pub(crate) async fn place() -> Place {
    let asked = async {
        let bus = zbus::Connection::session().await?;
        let name = WATCHER.try_into().map_err(zbus::Error::from)?;
        Ok::<_, zbus::Error>(zbus::fdo::DBusProxy::new(&bus).await?.name_has_owner(name).await?)
    };
    match tokio::time::timeout(Duration::from_secs(2), asked).await {
        Ok(Ok(true)) => Place::Tray,
        Ok(Ok(false)) => Place::NoTray,
        _ => Place::NoBus,
    }
}

/// Keeps the tray current until the program ends.
pub(crate) fn start(app: &AppHandle) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        if let Err(error) = wait_for_a_tray().await {
            tracing::info!(%error, "there is no session bus, and so no tray");
            return;
        }
        let tray = &app.state::<Shell>().tray;
        let mut shown: Option<Face> = None;
        loop {
            let face = crate::lock(&tray.glance).face();
            if shown.as_ref() != Some(&face) {
                let (on, new) = (app.clone(), face.clone());
                // It asks the bus and waits for its answer.
                match tauri::async_runtime::spawn_blocking(move || show(&on, new)).await {
                    Ok(Ok(())) => shown = Some(face),
                    Ok(Err(error)) => tracing::warn!(%error, "the tray can't be changed"),
                    Err(error) => tracing::warn!(%error, "changing the tray ended early"),
                }
            }
            tray.changed.notified().await;
            tokio::time::sleep(PACE).await;
        }
    });
}

/// Returns when the desktop has a tray, now or later.
async fn wait_for_a_tray() -> zbus::Result<()> {
    use futures_util::StreamExt;

    let bus = zbus::Connection::session().await?;
    let names = zbus::fdo::DBusProxy::new(&bus).await?;
    // First listen, then look.
    let mut changes = names.receive_name_owner_changed_with_args(&[(0, WATCHER)]).await?;
    if names.name_has_owner(WATCHER.try_into()?).await? {
        return Ok(());
    }
    tracing::info!("this desktop has no tray so far");
    while let Some(change) = changes.next().await {
        if change.args()?.new_owner().is_some() {
            return Ok(());
        }
    }
    Err(zbus::Error::InputOutput(std::sync::Arc::new(std::io::ErrorKind::NotConnected.into())))
}

/// The engine answers, and this is how things are.
pub(crate) fn opened(app: &AppHandle, snapshot: &Snapshot) {
    change(app, |glance| glance.opened(snapshot));
}

/// Something happened.
pub(crate) fn heard(app: &AppHandle, push: &Push) {
    // Most pushes say nothing that the tray shows.
    if matches!(push, Push::LogAppend { .. } | Push::ProjectsUpdate { .. }) {
        return;
    }
    let seen = app.state::<Shell>().view.is_focused();
    change(app, |glance| glance.heard(push, seen));
}

/// The user looks at the window.
pub(crate) fn looked(app: &AppHandle) {
    change(app, Glance::looked);
}

fn change(app: &AppHandle, change: impl FnOnce(&mut Glance)) {
    let tray = &app.state::<Shell>().tray;
    change(&mut crate::lock(&tray.glance));
    tray.changed.notify_one();
}

/// Makes the desktop show this.
fn show(app: &AppHandle, face: Face) -> Result<(), ksni::Error> {
    let shell = app.state::<Shell>();
    let mut shown = crate::lock(&shell.tray.shown);
    match shown.as_ref().filter(|shown| !shown.is_closed()) {
        Some(shown) => {
            // What does not differ is not told to the desktop: an open menu stays open, and a panel draws nothing anew.
            shown.update(|item| {
                if item.face.picture != face.picture {
                    item.pixmaps = pixmaps(&face);
                }
                item.face = face;
            });
        }
        None => {
            let item = Item { app: app.clone(), pixmaps: pixmaps(&face), face };
            *shown = Some(item.assume_sni_available(true).spawn()?);
        }
    }
    Ok(())
}

/// The picture at each size, as the bus wants it: ARGB, the highest byte first.
fn pixmaps(face: &Face) -> Vec<ksni::Icon> {
    let icon = |size: u32| {
        let mut data = draw(&face.picture, size);
        for pixel in data.chunks_exact_mut(4) {
            pixel.rotate_right(1);
        }
        let edge = i32::try_from(size).unwrap_or(0);
        ksni::Icon { width: edge, height: edge, data }
    };
    SIZES.into_iter().map(icon).collect()
}

impl ksni::Tray for Item {
    fn id(&self) -> String {
        "athanor".into()
    }

    fn title(&self) -> String {
        "Athanor".into()
    }

    fn icon_pixmap(&self) -> Vec<ksni::Icon> {
        self.pixmaps.clone()
    }

    fn tool_tip(&self) -> ksni::ToolTip {
        ksni::ToolTip {
            title: self.face.tooltip.clone(),
            description: self.face.details.join("\n"),
            icon_name: String::new(),
            icon_pixmap: Vec::new(),
        }
    }

    fn activate(&mut self, _x: i32, _y: i32) {
        window::toggle(&self.app);
    }

    fn menu(&self) -> Vec<MenuItem<Self>> {
        self.face.menu.iter().map(line).collect()
    }
}

fn line(entry: &Entry) -> MenuItem<Item> {
    let Entry::Item { act, label } = entry else { return MenuItem::Separator };
    let act = act.clone();
    StandardItem {
        label: label.clone(),
        activate: Box::new(move |item: &mut Item| act.clone().run(&item.app)),
        ..StandardItem::default()
    }
    .into()
}

impl Act {
    fn run(self, app: &AppHandle) {
        match self {
            Self::Open => window::show(app),
            Self::Devices => window::navigate(app, window::Navigation::Devices),
            Self::Queue => window::navigate(app, window::Navigation::Queue),
            Self::Job(uid) => window::navigate(app, window::Navigation::Experiment { uid }),
            Self::Quit => closing::quit(app, "the tray's menu"),
            Self::Pause(paused) => {
                let app = app.clone();
                tauri::async_runtime::spawn(async move {
                    let asked = wire::PauseQueue { paused };
                    if let Err(error) = app.state::<Shell>().link.call::<PauseQueue>(&asked).await {
                        tracing::warn!(%error, paused, "the queue can't be paused or resumed");
                    }
                });
            }
        }
    }
}

//! The tray icon: how the queue stands, at a glance and with the window closed.
//!
//! What it says is worked out by `glance`, drawn by `icon`, and handed to the desktop only when it differs from what
//! the desktop shows. The icon appears when there is a tray: desktops start programs before their panels, and some have
//! none at all, so that nothing may be reachable by the tray alone.

mod glance;
mod icon;

use std::sync::Mutex;
use std::time::Duration;

use athanor_api::command::PauseQueue;
use athanor_api::wire::{self, Push};
use tauri::image::Image;
use tauri::menu::{IsMenuItem, Menu, MenuItem, PredefinedMenuItem};
use tauri::tray::{MouseButton, TrayIcon, TrayIconBuilder, TrayIconEvent};
use tauri::{AppHandle, Manager, Wry};
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
    shown: Mutex<Option<Shown>>,
}

/// What the desktop shows. Used on the main thread only.
struct Shown {
    icon: TrayIcon,
    face: Face,
    /// The menu's items, in the order of the face's entries that are items.
    items: Vec<MenuItem<Wry>>,
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
        loop {
            refresh(&app);
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
    if matches!(push, Push::DeviceUpdate { .. } | Push::LogAppend { .. } | Push::ProjectsUpdate { .. }) {
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

/// Makes the desktop show what there is to show, if it does not already.
fn refresh(app: &AppHandle) {
    let tray = &app.state::<Shell>().tray;
    let face = crate::lock(&tray.glance).face();
    let current = crate::lock(&tray.shown).as_ref().is_some_and(|shown| shown.face == face);
    if current {
        return;
    }
    let on = app.clone();
    let sent = app.run_on_main_thread(move || {
        let shell = on.state::<Shell>();
        let mut shown = crate::lock(&shell.tray.shown);
        let done = match shown.as_mut() {
            Some(shown) => shown.become_like(&on, face),
            None => Shown::new(&on, face).map(|new| *shown = Some(new)),
        };
        if let Err(error) = done {
            tracing::warn!(%error, "the tray can't be changed");
        }
    });
    if let Err(error) = sent {
        tracing::warn!(%error, "the event loop has ended");
    }
}

impl Shown {
    fn new(app: &AppHandle, face: Face) -> tauri::Result<Self> {
        let (menu, items) = menu_of(app, &face.menu)?;
        let icon = TrayIconBuilder::with_id("athanor")
            .icon(image(&face))
            .tooltip(&face.tooltip)
            .title("Athanor")
            .menu(&menu)
            .show_menu_on_left_click(false)
            .on_menu_event(|app, event| {
                if let Some(act) = Act::of(event.id().as_ref()) {
                    act.run(app);
                }
            })
            .on_tray_icon_event(|icon, event| {
                if let TrayIconEvent::Click { button: MouseButton::Left, .. } = event {
                    window::toggle(icon.app_handle());
                }
            })
            .build(app)?;
        Ok(Self { icon, face, items })
    }

    fn become_like(&mut self, app: &AppHandle, face: Face) -> tauri::Result<()> {
        if self.face.picture != face.picture {
            self.icon.set_icon(Some(image(&face)))?;
        }
        if self.face.tooltip != face.tooltip {
            self.icon.set_tooltip(Some(&face.tooltip))?;
        }
        let acts = |face: &Face| face.menu.iter().map(act_of).map(|act| act.map(Act::id)).collect::<Vec<_>>();
        if acts(&self.face) == acts(&face) {
            // A menu that is open stays open.
            let labels = face.menu.iter().filter_map(label_of);
            for ((item, old), new) in
                self.items.iter().zip(self.face.menu.iter().filter_map(label_of)).zip(labels)
            {
                if old != new {
                    item.set_text(new)?;
                }
            }
        } else {
            let (menu, items) = menu_of(app, &face.menu)?;
            self.icon.set_menu(Some(menu))?;
            self.items = items;
        }
        self.face = face;
        Ok(())
    }
}

fn act_of(entry: &Entry) -> Option<&Act> {
    match entry {
        Entry::Item { act, .. } => Some(act),
        Entry::Separator => None,
    }
}

fn label_of(entry: &Entry) -> Option<&str> {
    match entry {
        Entry::Item { label, .. } => Some(label),
        Entry::Separator => None,
    }
}

fn image(face: &Face) -> Image<'static> {
    Image::new_owned(icon::draw(face.picture), icon::SIZE, icon::SIZE)
}

fn menu_of(app: &AppHandle, entries: &[Entry]) -> tauri::Result<(Menu<Wry>, Vec<MenuItem<Wry>>)> {
    let menu = Menu::new(app)?;
    let mut items = Vec::new();
    for entry in entries {
        let separator;
        let line: &dyn IsMenuItem<Wry> = match entry {
            Entry::Item { act, label } => {
                items.push(MenuItem::with_id(app, act.id(), label, true, None::<&str>)?);
                &items[items.len() - 1]
            }
            Entry::Separator => {
                separator = PredefinedMenuItem::separator(app)?;
                &separator
            }
        };
        menu.append(line)?;
    }
    Ok((menu, items))
}

impl Act {
    fn run(self, app: &AppHandle) {
        match self {
            Self::Open => window::show(app),
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

//! How the window and the program end. Running jobs go on in every case; an orderly end gives the data folder back.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use athanor_api::wire::CloseAction;
use tauri::{AppHandle, Manager};
use tokio::signal::unix::{SignalKind, signal};

use crate::notify::Note;
use crate::{Shell, tray, window};

/// The engine has so long to give the data folder back.
const SHUTDOWN_MAX: Duration = Duration::from_secs(10);

/// Whether the end has begun. Known to whoever else starts the program.
#[derive(Debug)]
pub(crate) struct Closing(Arc<AtomicBool>);

impl Closing {
    pub(crate) fn new(begun: Arc<AtomicBool>) -> Self {
        Self(begun)
    }
}

/// The user closed the window.
pub(crate) fn window_closed(app: &AppHandle) {
    let shell = app.state::<Shell>();
    let action = crate::lock(&shell.settings).as_ref().map(|settings| settings.close_action);
    // Without an engine there is nothing to stay for, and a window that shows an error must go when it is closed.
    if action != Some(CloseAction::Tray) || !shell.link.is_open() {
        return quit(app, "the window was closed");
    }
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        match tray::place().await {
            // Nothing could bring the window back, neither tray nor a second start.
            tray::Place::NoBus => window::minimise(&app),
            tray::Place::Tray => into_tray(&app, "Open it from the tray icon, or by starting Athanor again."),
            tray::Place::NoTray => {
                into_tray(&app, "This desktop shows no tray icons: start Athanor again to open the window.");
            }
        }
    });
}

fn into_tray(app: &AppHandle, way_back: &str) {
    window::hide(app);
    let shell = app.state::<Shell>();
    if told_before(shell.link.home().root()) {
        return;
    }
    shell.notify.show(Note::own(
        "Athanor keeps running",
        format!("The queue goes on while the window is closed. {way_back} Settings say what closing does."),
    ));
}

/// Whether the user was told before that closing is not quitting; from now on they were.
fn told_before(root: &Path) -> bool {
    let mark: PathBuf = root.join("told-about-tray");
    match std::fs::OpenOptions::new().write(true).create_new(true).open(&mark) {
        Ok(_) => false,
        Err(error) => {
            if error.kind() != std::io::ErrorKind::AlreadyExists {
                tracing::warn!(%error, path = %mark.display(), "can't note that the tray was explained");
            }
            true
        }
    }
}

/// Ends the program in order; the log says who wanted it.
pub(crate) fn quit(app: &AppHandle, who: &str) {
    if app.state::<Shell>().closing.0.swap(true, Ordering::Relaxed) {
        return;
    }
    tracing::info!(who, "asked to quit");
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let shell = app.state::<Shell>();
        if tokio::time::timeout(SHUTDOWN_MAX, shell.link.shutdown()).await.is_err() {
            tracing::error!(
                "the engine did not stop in time; the next start finds everything as it is on the disk"
            );
        }
        app.exit(0);
    });
}

/// Signals that ask a program to end are heard.
pub(crate) fn on_signals(app: &AppHandle) {
    for (kind, name) in [
        (SignalKind::terminate(), "SIGTERM"),
        (SignalKind::interrupt(), "SIGINT"),
        (SignalKind::hangup(), "SIGHUP"),
    ] {
        let app = app.clone();
        tauri::async_runtime::spawn(async move {
            match signal(kind) {
                Ok(mut signals) => {
                    if signals.recv().await.is_some() {
                        quit(&app, name);
                    }
                }
                Err(error) => tracing::warn!(%error, name, "a signal can't be listened to"),
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_is_explained_once() {
        let dir = tempfile::tempdir().expect("temporary folder");
        assert!(!told_before(dir.path()));
        assert!(told_before(dir.path()));
        assert!(told_before(&dir.path().join("gone")), "better silent than every time");
    }
}

//! The desktop shell: a window, a tray icon and notifications around the engine. It owns none of the rules.
//!
//! The engine runs in this process, unless another one has the data folder already (`link`). Whatever is heard of it
//! goes through one place ([`hear`]) to the page (`window`), the tray (`tray`) and the notifications (`notify`).

mod arguments;
mod closing;
mod commands;
pub mod graphics;
mod instance;
mod link;
mod notify;
#[cfg(test)]
mod sample;
mod saving;
mod tray;
mod window;

use std::process::ExitCode;
use std::sync::{Mutex, MutexGuard, PoisonError};

use athanor_api::command::MarkNotifications;
use athanor_api::wire::{self, Notification, Push, Settings};
use athanor_api::{Home, autostart, logging};
use tauri::{AppHandle, Manager, RunEvent, WindowEvent};
use tauri_plugin_window_state::StateFlags;

pub use arguments::Arguments;
use instance::Start;
use link::{Heard, Link};

/// What the parts of the shell share.
pub(crate) struct Shell {
    link: Link,
    view: window::View,
    tray: tray::Tray,
    notify: notify::Notifications,
    named: commands::Named,
    savings: saving::Savings,
    /// The experiment that the page shows.
    looking_at: Mutex<Option<String>>,
    /// As last heard; none before the engine answers.
    settings: Mutex<Option<Settings>>,
    closing: closing::Closing,
}

/// Runs the program until it is quit.
#[must_use]
pub fn run(arguments: &Arguments) -> ExitCode {
    match start(*arguments) {
        Ok(code) => code,
        Err(why) => {
            eprintln!("athanor-desktop: {why}");
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: Arguments) -> Result<ExitCode, String> {
    graphics::connect()?;
    let home = Home::from_environment().map_err(|error| error.to_string())?;
    // If this fails, so does opening the engine, and the window says why.
    let made = home.create();
    let _log = logging::start(&home.logs(), false);
    if let Err(error) = made {
        tracing::error!(%error, "the data folder can't be made");
    }
    tracing::info!(version = env!("CARGO_PKG_VERSION"), home = %home.root().display(), "Athanor starts");

    let Start::First(mut instance) = tauri::async_runtime::block_on(instance::start(&home)) else {
        tracing::info!("the window that is there already is shown");
        return Ok(ExitCode::SUCCESS);
    };
    let window_state = tauri_plugin_window_state::Builder::new()
        .with_state_flags(StateFlags::SIZE | StateFlags::POSITION | StateFlags::MAXIMIZED)
        // An absolute path stands for itself.
        .with_filename(home.root().join("window.json").display().to_string())
        .build();
    let (notify, notices) = notify::channel();
    let shell = Shell {
        link: Link::new(home.clone()),
        view: window::View::default(),
        tray: tray::Tray::default(),
        notify,
        named: commands::Named::default(),
        savings: saving::Savings::default(),
        looking_at: Mutex::default(),
        settings: Mutex::default(),
        closing: closing::Closing::new(instance.leaving.clone()),
    };
    let app = tauri::Builder::default()
        .plugin(tauri_plugin_dialog::init())
        .plugin(window_state)
        .manage(shell)
        .invoke_handler(tauri::generate_handler![
            commands::rpc,
            commands::pick_folder,
            commands::save_text,
            saving::save_log,
            saving::stop_saving,
            commands::open_path,
            commands::window_ready,
            commands::looking_at,
            commands::pending_navigation,
            commands::page_fault,
        ])
        .setup(move |app| {
            let app = app.handle();
            closing::on_signals(app);
            notify::start(app, notices);
            tray::start(app);
            let keep = app.clone();
            tauri::async_runtime::spawn(async move {
                keep.state::<Shell>().link.keep(|heard| hear(&keep, heard)).await;
            });
            if !arguments.hidden {
                window::show(app);
            }
            let show = app.clone();
            tauri::async_runtime::spawn(async move {
                while instance.shows.recv().await.is_some() {
                    window::show(&show);
                }
            });
            Ok(())
        })
        .on_window_event(|window, event| match event {
            WindowEvent::CloseRequested { api, .. } => {
                api.prevent_close();
                closing::window_closed(window.app_handle());
            }
            WindowEvent::Focused(focused) => {
                window.state::<Shell>().view.set_focused(*focused);
                if *focused {
                    tray::looked(window.app_handle());
                }
            }
            WindowEvent::ThemeChanged(_) => {
                let app = window.app_handle();
                if let Some(settings) = &*lock(&app.state::<Shell>().settings) {
                    window::dress(app, settings);
                }
            }
            _ => {}
        })
        .build(tauri::generate_context!("tauri.conf.json"))
        .map_err(|error| format!("the window can't be made: {error}"))?;
    let code = app.run_return(|app, event| {
        if let RunEvent::ExitRequested { code: None, api, .. } = event {
            // The last window went without being asked to close. What goes with the engine goes in order.
            api.prevent_exit();
            closing::quit(app, "no window is left");
        }
    });
    tracing::info!(code, "Athanor ends");
    Ok(u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Everything that is heard of the engine comes through here, in order.
fn hear(app: &AppHandle, heard: Heard) {
    let shell = app.state::<Shell>();
    match heard {
        Heard::Opened(snapshot) => {
            tray::opened(app, &snapshot);
            settings_are(app, snapshot.settings);
        }
        Heard::Push(push) => {
            tray::heard(app, &push);
            match &*push {
                Push::SettingsUpdate { settings, .. } => settings_are(app, settings.clone()),
                Push::Notification { notification, alert: true, .. } => told(app, notification),
                Push::NotificationsRead { ids, .. } => shell.notify.read(ids.clone()),
                _ => {}
            }
            window::push(app, &push);
        }
    }
}

/// The engine wants the user told. Nobody needs to be told of the job that they look at: that is read already.
fn told(app: &AppHandle, notification: &Notification) {
    let shell = app.state::<Shell>();
    let looked_at = lock(&shell.looking_at).clone();
    let looked_at = looked_at.filter(|_| shell.view.is_focused());
    let about =
        |uid: &String| !notification.jobs.is_empty() && notification.jobs.iter().all(|job| job.uid == *uid);
    if !looked_at.as_ref().is_some_and(about) {
        return shell.notify.show(notification.into());
    }
    let (app, id) = (app.clone(), notification.id);
    tauri::async_runtime::spawn(async move {
        let read = wire::MarkNotifications { ids: Some(vec![id]), up_to: None };
        if let Err(error) = app.state::<Shell>().link.call::<MarkNotifications>(&read).await {
            tracing::warn!(%error, id, "a notification can't be marked as read");
        }
    });
}

fn settings_are(app: &AppHandle, settings: Settings) {
    window::dress(app, &settings);
    let before = lock(&app.state::<Shell>().settings).replace(settings.clone());
    // At the start an entry is brought up to date, but none is removed: it may be that of another data folder.
    if before.map_or(settings.autostart, |before| before.autostart != settings.autostart) {
        start_with_desktop(settings.autostart);
    }
}

fn start_with_desktop(wanted: bool) {
    tauri::async_runtime::spawn_blocking(move || {
        let done = std::env::current_exe().and_then(|program| autostart::apply(&program, wanted));
        if let Err(error) = done {
            tracing::warn!(%error, wanted, "the desktop's autostart entry can't be changed");
        }
    });
}

/// A panic elsewhere leaves what these locks guard as it was: each is held for one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! The one window: made when it is first wanted, shown once its page is drawn, hidden into the tray, brought back.
//!
//! What the page is told depends on whether anybody sees it: a hidden page hears nothing and is told to read again when
//! it is shown, so that a window in the tray costs nothing.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use athanor_api::wire::{Appearance, Push, Settings};
use serde::Serialize;
use tauri::webview::{Color, NewWindowResponse, PageLoadEvent};
use tauri::{
    AppHandle, Emitter, Manager, PhysicalPosition, Theme, Url, WebviewUrl, WebviewWindow,
    WebviewWindowBuilder,
};

use crate::Shell;

/// The window's label in the capabilities.
pub(crate) const LABEL: &str = "main";

/// A page that does not say that it is drawn is shown all the same after so long.
const DRAWN_AT_LATEST: Duration = Duration::from_secs(3);

/// The page's background in light and dark, as in its tokens.css.
const LIGHT: Color = Color(0xfb, 0xfb, 0xfa, 0xff);
const DARK: Color = Color(0x15, 0x14, 0x12, 0xff);

/// Tells the log what goes wrong in the page. Runs before the page's own scripts, outside its security policy.
const REPORT_FAULTS: &str = r#"
(() => {
  let left = 50;
  const tell = (kind, message) => {
    if (left-- > 0) window.__TAURI_INTERNALS__.invoke("page_fault", { kind, message: String(message) }).catch(() => {});
  };
  document.addEventListener("securitypolicyviolation", (event) =>
    tell("policy", `${event.violatedDirective} ${event.blockedURI} at ${event.sourceFile}:${event.lineNumber} ${event.sample}`));
  addEventListener("error", (event) => tell("error", event.error?.stack ? `${event.message}\n${event.error.stack}` : event.message));
  addEventListener("unhandledrejection", (event) => tell("error", event.reason?.stack ? `${event.reason}\n${event.reason.stack}` : event.reason));
})();
"#;

/// A place in the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "to", rename_all = "snake_case")]
pub(crate) enum Navigation {
    /// One experiment's drawer.
    Experiment {
        /// Which one.
        uid: String,
    },
    /// One experiment's drawer, at its log.
    Log {
        /// Which one.
        uid: String,
    },
    /// The whole queue.
    Queue,
    /// The machine.
    Devices,
    /// What the user was told of.
    Notifications,
}

/// What is known of the window without asking the toolkit.
#[derive(Debug, Default)]
pub(crate) struct View {
    visible: AtomicBool,
    /// It was shown once since it was made.
    revealed: AtomicBool,
    focused: AtomicBool,
    /// The newest event that was heard, whether or not the page heard it.
    cursor: AtomicU64,
    /// Where it stood when it was hidden: window managers place a window anew when it comes back.
    stood: Mutex<Option<PhysicalPosition<i32>>>,
    page: Mutex<Page>,
}

#[derive(Debug, Default)]
struct Page {
    listens: bool,
    pending: Option<Navigation>,
}

impl View {
    pub(crate) fn is_visible(&self) -> bool {
        self.visible.load(Ordering::Relaxed)
    }

    /// Whether somebody works in the window.
    pub(crate) fn is_focused(&self) -> bool {
        self.is_visible() && self.focused.load(Ordering::Relaxed)
    }

    pub(crate) fn set_focused(&self, focused: bool) {
        self.focused.store(focused, Ordering::Relaxed);
    }

    /// The page listens to navigation from now on. Gives what came before it did.
    pub(crate) fn page_listens(&self) -> Option<Navigation> {
        let mut page = crate::lock(&self.page);
        page.listens = true;
        page.pending.take()
    }

    fn page_begins(&self) {
        crate::lock(&self.page).listens = false;
    }
}

/// Hands a push to the page, if anybody sees it, or if it concerns the page as a whole.
pub(crate) fn push(app: &AppHandle, push: &Push) {
    let view = &app.state::<Shell>().view;
    match push {
        Push::Hello { cursor } | Push::Resync { cursor } => view.cursor.store(*cursor, Ordering::Relaxed),
        Push::QueueUpdate { event, .. } => view.cursor.store(event.cursor, Ordering::Relaxed),
        _ => {}
    }
    let always = matches!(push, Push::Hello { .. } | Push::EngineStopped {} | Push::Notice { .. });
    if always || view.is_visible() {
        emit(app, "push", push);
    }
}

fn emit<T: Serialize + Clone>(app: &AppHandle, event: &str, payload: &T) {
    if app.get_webview_window(LABEL).is_none() {
        return;
    }
    if let Err(error) = app.emit_to(LABEL, event, payload) {
        tracing::warn!(%error, event, "the page can't be told");
    }
}

/// Shows the window and a place in it.
pub(crate) fn navigate(app: &AppHandle, to: Navigation) {
    let view = &app.state::<Shell>().view;
    let mut page = crate::lock(&view.page);
    if page.listens {
        drop(page);
        emit(app, "navigate", &to);
    } else {
        page.pending = Some(to);
        drop(page);
    }
    show(app);
}

/// Shows the window in front of the others, and makes it if there is none yet.
pub(crate) fn show(app: &AppHandle) {
    on_main_thread(app, |app| match app.get_webview_window(LABEL) {
        Some(window) => reveal(app, &window),
        None => {
            if let Err(error) = create(app) {
                tracing::error!(%error, "the window can't be made");
            }
        }
    });
}

/// A click on the tray's icon: shows the window, or hides it when it is what the user sees.
pub(crate) fn toggle(app: &AppHandle) {
    if app.state::<Shell>().view.is_focused() { hide(app) } else { show(app) }
}

/// The page is drawn for the first time.
pub(crate) fn drawn(app: &AppHandle) {
    on_main_thread(app, |app| {
        if !app.state::<Shell>().view.revealed.load(Ordering::Relaxed)
            && let Some(window) = app.get_webview_window(LABEL)
        {
            reveal(app, &window);
        }
    });
}

/// Takes the window away; the program goes on.
pub(crate) fn hide(app: &AppHandle) {
    on_main_thread(app, |app| {
        let Some(window) = app.get_webview_window(LABEL) else { return };
        let view = &app.state::<Shell>().view;
        *crate::lock(&view.stood) =
            window.outer_position().ok().filter(|_| !window.is_maximized().unwrap_or(true));
        view.visible.store(false, Ordering::Relaxed);
        log_if_failed("hide", window.hide());
    });
}

/// Takes the window out of the way where nothing but the task bar could bring it back.
pub(crate) fn minimise(app: &AppHandle) {
    on_main_thread(app, |app| {
        if let Some(window) = app.get_webview_window(LABEL) {
            log_if_failed("minimise", window.minimize());
        }
    });
}

/// Makes the window look as the settings say.
pub(crate) fn dress(app: &AppHandle, settings: &Settings) {
    let appearance = settings.appearance;
    on_main_thread(app, move |app| {
        let Some(window) = app.get_webview_window(LABEL) else { return };
        let theme = match appearance {
            Appearance::System => None,
            Appearance::Light => Some(Theme::Light),
            Appearance::Dark => Some(Theme::Dark),
        };
        log_if_failed("set the theme of", window.set_theme(theme));
        let dark = window.theme().is_ok_and(|theme| theme == Theme::Dark);
        // What shows at the edges while the window grows faster than the page is drawn.
        log_if_failed("colour", window.set_background_color(Some(if dark { DARK } else { LIGHT })));
    });
}

fn reveal(app: &AppHandle, window: &WebviewWindow) {
    let view = &app.state::<Shell>().view;
    log_if_failed("restore", window.unminimize());
    log_if_failed("show", window.show());
    view.revealed.store(true, Ordering::Relaxed);
    if !view.visible.swap(true, Ordering::Relaxed) {
        if let Some(position) = crate::lock(&view.stood).take() {
            log_if_failed("place", window.set_position(position));
        }
        emit(app, "push", &Push::Resync { cursor: view.cursor.load(Ordering::Relaxed) });
    }
    log_if_failed("focus", window.set_focus());
    crate::tray::looked(app);
}

fn create(app: &AppHandle) -> tauri::Result<()> {
    let opened = app.clone();
    let shell = app.state::<Shell>();
    WebviewWindowBuilder::new(app, LABEL, WebviewUrl::default())
        .title("Athanor")
        .inner_size(1280.0, 800.0)
        .min_inner_size(900.0, 600.0)
        .visible(false)
        // Beside the other data, so that ATHANOR_HOME moves it, too.
        .data_directory(shell.link.home().root().join("webview"))
        .initialization_script(REPORT_FAULTS)
        .on_navigation(is_own_page)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .on_page_load(move |_, load| {
            if load.event() == PageLoadEvent::Started {
                opened.state::<Shell>().view.page_begins();
            }
        })
        .build()?;
    if let Some(settings) = &*crate::lock(&shell.settings) {
        dress(app, settings);
    }
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        tokio::time::sleep(DRAWN_AT_LATEST).await;
        if !app.state::<Shell>().view.revealed.load(Ordering::Relaxed) {
            tracing::warn!("the page did not say that it is drawn");
            drawn(&app);
        }
    });
    Ok(())
}

/// Whether an address is the page's own; everything else is for a browser.
fn is_own_page(url: &Url) -> bool {
    let own = match url.scheme() {
        "tauri" => url.host_str() == Some("localhost"),
        // What the development server serves. It is not in a released program.
        "http" => tauri::is_dev() && url.host_str() == Some("localhost"),
        _ => url.as_str() == "about:blank",
    };
    if !own {
        tracing::warn!(%url, "the page wanted to go elsewhere");
    }
    own
}

fn on_main_thread(app: &AppHandle, act: impl FnOnce(&AppHandle) + Send + 'static) {
    let on = app.clone();
    if let Err(error) = app.run_on_main_thread(move || act(&on)) {
        tracing::warn!(%error, "the event loop has ended");
    }
}

fn log_if_failed(what: &str, result: tauri::Result<()>) {
    if let Err(error) = result {
        tracing::warn!(%error, "could not {what} the window");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_stays_where_it_is() {
        let own = |url: &str| is_own_page(&Url::parse(url).expect("an address"));
        assert!(own("tauri://localhost/#/queue?job=abc"));
        assert!(own("about:blank"));
        for elsewhere in [
            "https://example.org/",
            "http://tauri.localhost.example.org/",
            "file:///etc/passwd",
            "tauri://other/",
            "data:text/html,x",
        ] {
            assert!(!own(elsewhere), "{elsewhere}");
        }
    }

    #[test]
    fn a_place_asked_for_before_the_page_listens_is_not_lost() {
        let view = View::default();
        let place = Navigation::Experiment { uid: "abc".into() };
        crate::lock(&view.page).pending = Some(place.clone());
        assert_eq!(view.page_listens(), Some(place));
        assert_eq!(view.page_listens(), None, "and is given once");
    }

    #[test]
    fn places_are_named_as_the_page_knows_them() {
        let json = |place: &Navigation| serde_json::to_string(place).expect("serialises");
        assert_eq!(json(&Navigation::Experiment { uid: "a".into() }), r#"{"to":"experiment","uid":"a"}"#);
        assert_eq!(json(&Navigation::Queue), r#"{"to":"queue"}"#);
    }
}

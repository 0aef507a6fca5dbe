//! One window for each data folder: a second start brings the first to the front and ends.
//!
//! The first owns a name on the session bus. Tauri's plugin does this, too, but a start right after a crash, or while
//! the first is closing, is an error there: the old name is still taken and nobody answers under it. Here such a start
//! waits for its turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use athanor_api::Home;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;
use zbus::fdo::{RequestNameFlags, RequestNameReply};
use zbus::{Connection, fdo, interface};

const PATH: &str = "/dev/athanor/Athanor";
const INTERFACE: &str = "dev.athanor.Athanor";

/// Somebody who has the name but does not answer is waited for so long: longer than an orderly end takes.
const PATIENCE: Duration = Duration::from_secs(15);
const ANSWER_MAX: Duration = Duration::from_secs(3);
const RETRY: Duration = Duration::from_millis(100);

/// What became of a start.
pub(crate) enum Start {
    /// Nobody else has a window on this data folder.
    First(Instance),
    /// Somebody has, and shows it now.
    Second,
}

/// The right to the one window. It ends with the process.
pub(crate) struct Instance {
    /// None without a session bus, where nobody finds anybody.
    _bus: Option<Connection>,
    /// Asks to show the window.
    pub(crate) shows: UnboundedReceiver<()>,
    /// From when this is set, another start waits instead of asking.
    pub(crate) leaving: Arc<AtomicBool>,
}

struct Door {
    shows: UnboundedSender<()>,
    leaving: Arc<AtomicBool>,
}

#[interface(name = "dev.athanor.Athanor")]
impl Door {
    fn show(&self) -> fdo::Result<()> {
        let closed = || fdo::Error::Failed("Athanor is closing".into());
        if self.leaving.load(Ordering::Relaxed) {
            return Err(closed());
        }
        self.shows.send(()).map_err(|_| closed())
    }
}

/// Becomes the first, or finds it.
pub(crate) async fn start(home: &Home) -> Start {
    let name = bus_name(home);
    let deadline = Instant::now() + PATIENCE;
    let (sender, shows) = unbounded_channel();
    let leaving = Arc::new(AtomicBool::new(false));
    let door = Door { shows: sender, leaving: leaving.clone() };
    let bus = match connect(door).await {
        Ok(bus) => bus,
        Err(error) => {
            tracing::warn!(%error, "no session bus: a second start will not find this one");
            return Start::First(Instance { _bus: None, shows, leaving });
        }
    };
    loop {
        match bus.request_name_with_flags(name.as_str(), RequestNameFlags::DoNotQueue.into()).await {
            Ok(RequestNameReply::PrimaryOwner | RequestNameReply::AlreadyOwner) => break,
            Ok(RequestNameReply::InQueue | RequestNameReply::Exists) | Err(zbus::Error::NameTaken) => {}
            Err(error) => {
                tracing::warn!(%error, name, "the session bus gives no name");
                break;
            }
        }
        let asked = bus.call_method(Some(name.as_str()), PATH, Some(INTERFACE), "Show", &());
        match tokio::time::timeout(ANSWER_MAX, asked).await {
            Ok(Ok(_)) => return Start::Second,
            answer if Instant::now() > deadline => {
                tracing::warn!(?answer, "another window does not answer; this one opens beside it");
                break;
            }
            _ => tokio::time::sleep(RETRY).await,
        }
    }
    Start::First(Instance { _bus: Some(bus), shows, leaving })
}

async fn connect(door: Door) -> zbus::Result<Connection> {
    zbus::connection::Builder::session()?.serve_at(PATH, door)?.build().await
}

/// The name by which a second start finds the first: one for each data folder.
fn bus_name(home: &Home) -> String {
    let root = home.root().canonicalize().unwrap_or_else(|_| home.root().to_owned());
    let hash = xxhash_rust::xxh3::xxh3_64(root.as_os_str().as_encoded_bytes());
    format!("{INTERFACE}.Home{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_data_folder_has_a_window_of_its_own() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let (one, two) = (Home::at(dir.path().join("one")), Home::at(dir.path().join("two")));
        assert_ne!(bus_name(&one), bus_name(&two));
        std::fs::create_dir(dir.path().join("one")).expect("folder");
        std::os::unix::fs::symlink(dir.path().join("one"), dir.path().join("link")).expect("link");
        assert_eq!(bus_name(&one), bus_name(&Home::at(dir.path().join("link"))), "however it is named");
    }

    #[test]
    fn whoever_is_leaving_shows_nothing() {
        let (shows, mut asked) = unbounded_channel();
        let door = Door { shows, leaving: Arc::default() };
        assert!(door.show().is_ok());
        assert!(asked.try_recv().is_ok());
        door.leaving.store(true, Ordering::Relaxed);
        assert!(door.show().is_err(), "so that the other start waits for its turn");
    }
}

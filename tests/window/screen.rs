//! The X server's view of the window: whether it is there, which one has the focus, and its close button.

use anyhow::{Context, Result, bail, ensure};
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{Atom, AtomEnum, ClientMessageEvent, ConnectionExt, EventMask, Window};
use x11rb::rust_connection::RustConnection;

use crate::wait::wait_for;

/// The display that the test runs on.
pub struct Screen {
    x: RustConnection,
    root: Window,
}

impl Screen {
    pub fn connect() -> Result<Self> {
        let (x, number) = x11rb::connect(None)
            .context("this test wants a display of its own: `cargo xtask test window` gives it one")?;
        let root = x.setup().roots[number].root;
        Ok(Self { x, root })
    }

    fn atom(&self, name: &str) -> Result<Atom> {
        Ok(self.x.intern_atom(false, name.as_bytes())?.reply()?.atom)
    }

    fn numbers(&self, of: Window, property: &str, kind: AtomEnum) -> Result<Vec<u32>> {
        let reply = self.x.get_property(false, of, self.atom(property)?, kind, 0, 1024)?.reply()?;
        Ok(reply.value32().map(Iterator::collect).unwrap_or_default())
    }

    /// The program's window that the window manager shows at present, if there is one.
    fn window(&self, pid: u32) -> Result<Option<Window>> {
        for window in self.numbers(self.root, "_NET_CLIENT_LIST", AtomEnum::WINDOW)? {
            // A window may go while it is looked at.
            if self.numbers(window, "_NET_WM_PID", AtomEnum::CARDINAL).unwrap_or_default() == [pid] {
                return Ok(Some(window));
            }
        }
        Ok(None)
    }

    /// Waits until the program's window is shown and has the focus.
    pub async fn wait_for_window(&self, pid: u32) -> Result<()> {
        wait_for("the window in front", async || {
            let window = self.window(pid)?.context("the program shows no window")?;
            let active = self.numbers(self.root, "_NET_ACTIVE_WINDOW", AtomEnum::WINDOW)?;
            ensure!(active == [window], "the active window is {active:?} and not {window}");
            Ok(())
        })
        .await
    }

    /// Waits until the program shows no window.
    pub async fn wait_for_no_window(&self, pid: u32) -> Result<()> {
        wait_for("the window to go", async || match self.window(pid)? {
            None => Ok(()),
            Some(window) => bail!("window {window} is there"),
        })
        .await
    }

    /// Clicks the window's close button, as far as the program can tell.
    pub fn close_window(&self, pid: u32) -> Result<()> {
        let window = self.window(pid)?.context("the program shows no window")?;
        // 2: asked for by the user, through a pager.
        let message = ClientMessageEvent::new(32, window, self.atom("_NET_CLOSE_WINDOW")?, [0, 2, 0, 0, 0]);
        let mask = EventMask::SUBSTRUCTURE_REDIRECT | EventMask::SUBSTRUCTURE_NOTIFY;
        self.x.send_event(false, self.root, mask, message)?;
        self.x.flush()?;
        Ok(())
    }
}

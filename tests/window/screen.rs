//! The X server's view of the window: whether it is there, which one has the focus, and its close button.

use anyhow::{Context, Result, bail, ensure};
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ClientMessageEvent, ConnectionExt, EventMask, ImageFormat, KEY_PRESS_EVENT,
    KEY_RELEASE_EVENT, MOTION_NOTIFY_EVENT, Window,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

use crate::wait::wait_for;

/// Keys that write nothing, by their symbols (X11/keysymdef.h).
#[derive(Debug, Clone, Copy)]
pub enum Key {
    Return = 0xff0d,
    Escape = 0xff1b,
}

const SHIFT: u32 = 0xffe1;
const CONTROL: u32 = 0xffe3;

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

    /// The program's windows that the window manager shows at present, the oldest first.
    pub fn windows(&self, pid: u32) -> Result<Vec<Window>> {
        let mut all = self.numbers(self.root, "_NET_CLIENT_LIST", AtomEnum::WINDOW)?;
        // A window may go while it is looked at.
        all.retain(|window| {
            self.numbers(*window, "_NET_WM_PID", AtomEnum::CARDINAL).unwrap_or_default() == [pid]
        });
        Ok(all)
    }

    /// The oldest of them, if there is one: the program's own, and not a dialog.
    pub fn window(&self, pid: u32) -> Result<Option<Window>> {
        Ok(self.windows(pid)?.first().copied())
    }

    /// Waits until the program shows so many windows, the newest has the focus, and all of that one is drawn: keys that are
    /// pressed then go where they would if a person pressed them.
    pub async fn wait_for_windows(&self, pid: u32, count: usize) -> Result<()> {
        let mut before = Vec::new();
        wait_for(&format!("{count} windows, and the newest in front"), async || {
            let all = self.windows(pid)?;
            let active = self.numbers(self.root, "_NET_ACTIVE_WINDOW", AtomEnum::WINDOW)?;
            ensure!(
                all.len() == count && active == all[count - 1..],
                "there are {all:?}, active is {active:?}"
            );
            let size = self.x.get_geometry(active[0])?.reply()?;
            let image =
                self.x.get_image(ImageFormat::Z_PIXMAP, active[0], 0, 0, size.width, size.height, !0)?;
            let image = image.reply().context("the window is not all on the screen yet")?.data;
            ensure!(
                image == before,
                "it is still being drawn: {}",
                std::mem::replace(&mut before, image).len()
            );
            Ok(())
        })
        .await
    }

    /// Moves the pointer over the middle of the program's own window.
    pub fn move_pointer(&self, pid: u32) -> Result<()> {
        let window = self.window(pid)?.context("the program shows no window")?;
        let size = self.x.get_geometry(window)?.reply()?;
        let middle = |size: u16| (size / 2).cast_signed();
        let at = self.x.translate_coordinates(window, self.root, middle(size.width), middle(size.height))?;
        let at = at.reply()?;
        for by in [8, 0] {
            let x = at.dst_x + by;
            self.x.xtest_fake_input(
                MOTION_NOTIFY_EVENT,
                0,
                x11rb::CURRENT_TIME,
                self.root,
                x,
                at.dst_y,
                0,
            )?;
        }
        self.x.flush()?;
        Ok(())
    }

    /// Presses a key, for whatever has the focus.
    pub fn press(&self, key: Key) -> Result<()> {
        self.strike(key as u32, None)
    }

    /// Types over what stands in the field that has the focus.
    pub fn write_over(&self, text: &str) -> Result<()> {
        self.strike(u32::from('a'), Some(CONTROL))?;
        // The key symbols of Latin 1 are its characters.
        text.chars().try_for_each(|character| self.strike(u32::from(character), None))
    }

    fn strike(&self, symbol: u32, with: Option<u32>) -> Result<()> {
        let (code, is_shifted) = self.key(symbol)?;
        let mut held = Vec::new();
        for symbol in with.into_iter().chain(is_shifted.then_some(SHIFT)) {
            held.push(self.key(symbol)?.0);
        }
        let fake = |kind, code| {
            self.x.xtest_fake_input(kind, code, x11rb::CURRENT_TIME, x11rb::NONE, 0, 0, 0).map(drop)
        };
        held.iter().try_for_each(|code| fake(KEY_PRESS_EVENT, *code))?;
        fake(KEY_PRESS_EVENT, code)?;
        fake(KEY_RELEASE_EVENT, code)?;
        held.iter().rev().try_for_each(|code| fake(KEY_RELEASE_EVENT, *code))?;
        self.x.flush()?;
        Ok(())
    }

    /// The key with a symbol, and whether that stands above another.
    fn key(&self, symbol: u32) -> Result<(u8, bool)> {
        let setup = self.x.setup();
        let (first, last) = (setup.min_keycode, setup.max_keycode);
        let map = self.x.get_keyboard_mapping(first, last - first + 1)?.reply()?;
        let keys = map.keysyms.chunks(usize::from(map.keysyms_per_keycode)).zip(first..=last);
        for (symbols, code) in keys {
            if let Some(level @ (0 | 1)) = symbols.iter().position(|known| *known == symbol) {
                return Ok((code, level == 1));
            }
        }
        bail!("no key has the symbol {symbol:#x}")
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

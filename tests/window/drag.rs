//! A file manager's side of drag and drop (XDND, version 5: freedesktop.org/wiki/Specifications/XDND): drags files over
//! the program's window, and lets go of them.

use std::cell::Cell;

use anyhow::{Context, Result, bail, ensure};
use x11rb::CURRENT_TIME;
use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ClientMessageEvent, ConnectionExt, CreateWindowAux, EventMask, PropMode,
    SELECTION_NOTIFY_EVENT, SelectionNotifyEvent, SelectionRequestEvent, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use crate::screen::Screen;
use crate::wait::wait_for;

const VERSION: u32 = 5;

/// What is dragged.
pub struct Drag {
    x: RustConnection,
    source: Window,
    target: Window,
    /// The middle of the target, on the screen.
    middle: (u32, u32),
    uris: String,
    atoms: Atoms,
    /// Each position is another: one that was told before may be passed over.
    moved: Cell<u32>,
    /// The target would take it.
    welcome: Cell<bool>,
    /// The target has asked what it is.
    told: Cell<bool>,
    finished: Cell<bool>,
}

struct Atoms {
    enter: Atom,
    position: Atom,
    status: Atom,
    leave: Atom,
    drop: Atom,
    finished: Atom,
    copy: Atom,
    selection: Atom,
    list: Atom,
}

impl Drag {
    /// Begins to drag these over the window of a program.
    pub fn begin(screen: &Screen, pid: u32, uris: &[String]) -> Result<Self> {
        let (x, number) = x11rb::connect(None)?;
        let root = x.setup().roots[number].root;
        let atom = |name: &str| Ok::<_, anyhow::Error>(x.intern_atom(false, name.as_bytes())?.reply()?.atom);
        let atoms = Atoms {
            enter: atom("XdndEnter")?,
            position: atom("XdndPosition")?,
            status: atom("XdndStatus")?,
            leave: atom("XdndLeave")?,
            drop: atom("XdndDrop")?,
            finished: atom("XdndFinished")?,
            copy: atom("XdndActionCopy")?,
            selection: atom("XdndSelection")?,
            list: atom("text/uri-list")?,
        };
        let target = screen.window(pid)?.context("the program shows no window")?;
        let aware = x.get_property(false, target, atom("XdndAware")?, AtomEnum::ATOM, 0, 1)?.reply()?;
        let version = aware.value32().and_then(|mut values| values.next());
        ensure!(version >= Some(VERSION), "the window takes no drops: {version:?}");
        let size = x.get_geometry(target)?.reply()?;
        let at = x.translate_coordinates(target, root, 0, 0)?.reply()?;
        let middle = |from: i16, size: u16| u32::try_from(i32::from(from) + i32::from(size) / 2);
        let middle = (middle(at.dst_x, size.width)?, middle(at.dst_y, size.height)?);

        let source = x.generate_id()?;
        let aux = CreateWindowAux::new();
        x.create_window(0, source, root, 0, 0, 1, 1, 0, WindowClass::INPUT_ONLY, 0, &aux)?;
        x.set_selection_owner(source, atoms.selection, CURRENT_TIME)?;
        let uris = uris.iter().map(|uri| format!("{uri}\r\n")).collect();
        let (moved, welcome, told, finished) = Default::default();
        let drag = Self { x, source, target, middle, uris, atoms, moved, welcome, told, finished };
        drag.tell(drag.atoms.enter, [VERSION << 24, drag.atoms.list, 0, 0])?;
        Ok(drag)
    }

    /// Moves on a little, and answers what the window asks.
    pub fn go_on(&self) -> Result<()> {
        self.listen()?;
        self.moved.set(self.moved.get() + 1);
        let (x, y) = self.middle;
        let x = x + self.moved.get() % 40;
        self.tell(self.atoms.position, [0, x << 16 | y, CURRENT_TIME, self.atoms.copy])?;
        self.listen()
    }

    /// Stays over the window until that knows what is dragged.
    pub async fn wait_until_known(&self) -> Result<()> {
        wait_for("the window to ask what is dragged", async || {
            self.go_on()?;
            ensure!(self.told.get(), "it has not asked");
            Ok(())
        })
        .await
    }

    /// Goes away from the window.
    pub fn leave(self) -> Result<()> {
        self.tell(self.atoms.leave, [0; 4])?;
        // A connection that is closed while something in it was not read is closed at once, and what was just said is lost.
        Ok(self.x.sync()?)
    }

    /// Lets go, once the window would take it.
    pub async fn drop(self) -> Result<()> {
        wait_for("the window to take what is dragged", async || {
            self.go_on()?;
            ensure!(self.welcome.get(), "it would not");
            Ok(())
        })
        .await?;
        self.tell(self.atoms.drop, [0, CURRENT_TIME, 0, 0])?;
        wait_for("the window to have taken what was dropped", async || {
            self.listen()?;
            ensure!(self.finished.get(), "it has not said so");
            Ok(())
        })
        .await
    }

    fn tell(&self, what: Atom, data: [u32; 4]) -> Result<()> {
        let [a, b, c, d] = data;
        let message = ClientMessageEvent::new(32, self.target, what, [self.source, a, b, c, d]);
        self.x.send_event(false, self.target, EventMask::NO_EVENT, message)?;
        self.x.flush()?;
        Ok(())
    }

    fn listen(&self) -> Result<()> {
        while let Some(event) = self.x.poll_for_event()? {
            match event {
                Event::SelectionRequest(asked) => self.answer(&asked)?,
                Event::ClientMessage(message) if message.type_ == self.atoms.status => {
                    self.welcome.set(message.data.as_data32()[1] & 1 == 1);
                }
                Event::ClientMessage(message) if message.type_ == self.atoms.finished => {
                    self.finished.set(true);
                }
                Event::Error(error) => bail!("the display refuses: {error:?}"),
                _ => {}
            }
        }
        Ok(())
    }

    /// Says what is dragged, in the one form that there is.
    fn answer(&self, asked: &SelectionRequestEvent) -> Result<()> {
        let known = asked.target == self.atoms.list;
        if known {
            let (to, at) = (asked.requestor, asked.property);
            self.x.change_property8(PropMode::REPLACE, to, at, self.atoms.list, self.uris.as_bytes())?;
            self.told.set(true);
        }
        let notice = SelectionNotifyEvent {
            response_type: SELECTION_NOTIFY_EVENT,
            sequence: 0,
            time: asked.time,
            requestor: asked.requestor,
            selection: asked.selection,
            target: asked.target,
            property: if known { asked.property } else { x11rb::NONE },
        };
        self.x.send_event(false, asked.requestor, EventMask::NO_EVENT, notice)?;
        self.x.flush()?;
        Ok(())
    }
}

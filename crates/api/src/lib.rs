//! Athanor's one surface: commands declared once, types in and out, errors with a code.
//!
//! The window calls it in process, the command line over the local socket, a browser in tests over the loopback
//! bridge; all three reach the same handlers through [`Host`]. *Invariant:* conversion between the engine's types and
//! the wire happens in `convert` and nowhere else; nothing is decided here.

pub mod autostart;
pub mod bridge;
pub mod command;
mod convert;
mod handlers;
mod host;
mod listen;
pub mod logging;
pub mod scan;
pub mod socket;
mod table;
pub mod transfer;
pub mod typescript;
pub mod wire;

pub use athanor_core::{quantity, sweep, text, tray};
pub use athanor_engine::{Home, Mode};
pub use host::{Host, Stream};

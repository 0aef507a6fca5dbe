//! What the graphics stack of this machine needs before the first window: a way around known faults of drivers, and a
//! clear word where there is no display.

use std::path::Path;

/// What the guards depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    /// NVIDIA's kernel module is loaded.
    pub nvidia: bool,
    /// Windows come from an X server and not from a Wayland compositor.
    pub x11: bool,
}

impl Machine {
    /// Looks at this machine.
    #[must_use]
    pub fn look() -> Self {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let forced = std::env::var("GDK_BACKEND").is_ok_and(|backends| backends.starts_with("x11"));
        Self {
            nvidia: ["/proc/driver/nvidia", "/sys/module/nvidia"]
                .iter()
                .any(|place| Path::new(place).exists()),
            x11: forced || !set("WAYLAND_DISPLAY"),
        }
    }
}

/// Variables to set where the user has not set them. With NVIDIA's driver,
/// - explicit synchronisation between WebKitGTK and the driver freezes or blanks windows on Wayland;
/// - buffers shared by DMA-BUF leave windows on X11 blank (<https://github.com/tauri-apps/tauri/issues/9304>).
#[must_use]
pub fn guards(machine: Machine) -> Vec<(&'static str, &'static str)> {
    let mut guards = Vec::new();
    if machine.nvidia {
        guards.push(("__NV_DISABLE_EXPLICIT_SYNC", "1"));
        if machine.x11 {
            guards.push(("WEBKIT_DISABLE_DMABUF_RENDERER", "1"));
        }
    }
    guards
}

/// Connects to the display; without one, says what to do instead. Asked before the event loop, which would panic.
///
/// # Errors
/// There is no display, in words for the user.
pub(crate) fn connect() -> Result<(), String> {
    gtk::init().map_err(|_| {
        let named = |variable| std::env::var(variable).ok().filter(|name| !name.is_empty());
        let tried = match (named("WAYLAND_DISPLAY"), named("DISPLAY")) {
            (Some(name), _) => format!("WAYLAND_DISPLAY={name} does not answer"),
            (_, Some(name)) => format!("DISPLAY={name} does not answer"),
            _ => "neither DISPLAY nor WAYLAND_DISPLAY is set".into(),
        };
        format!(
            "there is no display to open a window on: {tried}.\n\
             Without a window, “athanor serve” runs the queue, and “athanor add” and “athanor ls” work with it."
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_machines_with_the_driver_are_guarded() {
        let names = |nvidia, x11| {
            guards(Machine { nvidia, x11 }).into_iter().map(|(name, _)| name).collect::<Vec<_>>()
        };
        assert!(names(false, true).is_empty());
        assert!(names(false, false).is_empty());
        assert_eq!(names(true, false), ["__NV_DISABLE_EXPLICIT_SYNC"]);
        assert_eq!(names(true, true), ["__NV_DISABLE_EXPLICIT_SYNC", "WEBKIT_DISABLE_DMABUF_RENDERER"]);
    }
}

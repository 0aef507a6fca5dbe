//! `cargo xtask run`: builds everything and opens the window.

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{call, forget_cargo, say};
use crate::ui;
use crate::workspace::{FEATURES, Workspace};

/// What the user asked for.
pub struct Options {
    release: bool,
    /// Handed on to the window's program.
    arguments: Vec<String>,
}

impl Options {
    /// `[--release] [-- ARGUMENTS]`
    pub fn parse(given: &[String]) -> Result<Self> {
        let mut options = Self { release: false, arguments: Vec::new() };
        let mut rest = given.iter();
        for argument in rest.by_ref() {
            match argument.as_str() {
                "--release" => options.release = true,
                "--" => break,
                other => bail!("unknown argument `{other}`; arguments of the window go after `--`"),
            }
        }
        options.arguments = rest.cloned().collect();
        Ok(options)
    }
}

/// Builds page and programs, then becomes the window's program.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    ui::install(workspace)?;
    ui::build(workspace)?;

    say("Building the programs (the first time takes several minutes)");
    let mut build = workspace.cargo(["build", "--workspace", "--bins", "--features", FEATURES]);
    if options.release {
        build.arg("--release");
    }
    call(&mut build).context("the programs did not build; see above")?;

    let program = workspace.program(options.release, "athanor-desktop");
    say(&format!("Starting {}", program.display()));
    if ["DISPLAY", "WAYLAND_DISPLAY"].iter().all(|name| std::env::var_os(name).is_none()) {
        bail!(
            "there is no display to open a window on (neither DISPLAY nor WAYLAND_DISPLAY is set).\n\
             Start this in a desktop session, or use the command line instead: {} serve",
            workspace.program(options.release, "athanor").display()
        );
    }
    let mut window = Command::new(&program);
    window.args(&options.arguments);
    forget_cargo(&mut window, &workspace.target);
    // Taking our place, it gets the terminal's signals itself.
    let error = window.exec();
    Err(error).with_context(|| format!("starting {}", program.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_after_the_dashes_are_the_windows() {
        let parse = |words: &str| {
            let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
            Options::parse(&words)
        };
        let options = parse("--release -- --release x").unwrap();
        assert!(options.release);
        assert_eq!(options.arguments, ["--release", "x"]);
        assert!(!parse("").unwrap().release);
        assert!(parse("x").is_err(), "a word before the dashes is a mistake");
    }
}

//! What the machine must have: packages of the system, and Node.
//!
//! On Debian and its children the packages are looked up and installed; elsewhere they are named
//! and the build goes on, since only the user knows how that system installs things.

use std::io::IsTerminal;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{answer, call, find_program, say};

/// A group of packages by what they are for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// To build and open the window.
    Build,
    /// To run every test and benchmark.
    Test,
}

const BUILD: &[&str] =
    &["libwebkit2gtk-4.1-dev", "librsvg2-dev", "libxdo-dev", "pkg-config", "build-essential"];

const TEST: &[&str] = &[
    "webkit2gtk-driver",
    "xvfb",
    "dunst",
    "dbus-x11",
    "dbus",
    "at-spi2-core",
    "openbox",
    "chromium",
    "imagemagick",
    "task-spooler",
    "xauth",
    "python3",
    "fuse3",
];

/// The same for other systems, in the words of their package collections.
const ELSEWHERE: &str = "\
    Fedora: webkit2gtk4.1-devel librsvg2-devel libxdo-devel pkgconf gcc\n    \
    Arch:   webkit2gtk-4.1 librsvg xdotool pkgconf base-devel";

const NODE: u32 = 20;

/// Installs what is missing of `sets`, or says exactly how to; then checks Node.
pub fn install(sets: &[Set]) -> Result<()> {
    let wanted: Vec<&str> =
        sets.iter().flat_map(|set| if *set == Set::Build { BUILD } else { TEST }).copied().collect();
    if find_program("apt-get").is_some() && find_program("dpkg-query").is_some() {
        let missing = missing(&wanted);
        if missing.is_empty() {
            say("System packages: all there");
        } else {
            install_packages(&missing)?;
        }
    } else {
        say("System packages: not a Debian system, so nothing is installed for you");
        println!("    Debian calls what is needed: {}", wanted.join(" "));
        println!("{ELSEWHERE}");
    }
    check_node()
}

/// Those of `packages` that are not installed.
fn missing<'a>(packages: &[&'a str]) -> Vec<&'a str> {
    // It fails as soon as one is unknown, and still lists the others: so its status is not asked.
    let listed = Command::new("dpkg-query")
        .args(["--show", "--showformat", "${Package} ${db:Status-Status}\n"])
        .args(packages)
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default();
    not_listed(packages, &listed)
}

fn not_listed<'a>(packages: &[&'a str], listed: &str) -> Vec<&'a str> {
    let installed: Vec<&str> = listed.lines().filter_map(|line| line.strip_suffix(" installed")).collect();
    packages.iter().filter(|package| !installed.contains(package)).copied().collect()
}

fn install_packages(missing: &[&str]) -> Result<()> {
    let list = missing.join(" ");
    let by_hand = format!("sudo apt-get install --yes --no-install-recommends {list}");
    let sudo = if rustix::process::geteuid().is_root() {
        None
    } else if find_program("sudo").is_some() && std::io::stdin().is_terminal() {
        Some("sudo")
    } else {
        bail!(
            "these system packages are missing: {list}\nInstall them, then start again:\n\n    {by_hand}\n"
        );
    };
    say(&format!("Installing system packages: {list}"));
    let install = || {
        let mut command = apt_get(sudo);
        command.args(["install", "--yes", "--no-install-recommends"]).args(missing);
        call(&mut command)
    };
    if install().is_ok() {
        return Ok(());
    }
    // The usual reason is a list of packages that is old or was never fetched.
    say("Fetching the newest list of packages");
    call(apt_get(sudo).arg("update"))?;
    install().with_context(|| format!("the packages could not be installed; by hand:\n\n    {by_hand}\n"))
}

fn apt_get(sudo: Option<&str>) -> Command {
    // `env` stands behind sudo, which would drop the variable otherwise.
    let mut command = Command::new(sudo.unwrap_or("env"));
    if sudo.is_some() {
        command.arg("env");
    }
    command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet"]);
    command
}

fn check_node() -> Result<()> {
    let advice = format!(
        "Node {NODE} or newer with npm builds the page.\nInstall it (https://nodejs.org/en/download), then start again"
    );
    let Some(version) = answer(Command::new("node").arg("--version")) else {
        bail!("node is not installed. {advice}");
    };
    match major(&version) {
        Some(major) if major >= NODE => {}
        _ => bail!("node {} is too old. {advice}", version.trim()),
    }
    if find_program("npm").is_none() {
        bail!("npm is not installed. {advice}");
    }
    say(&format!("Node {}", version.trim()));
    Ok(())
}

/// The first number of `v20.11.1`.
fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_that_are_not_fully_installed_are_missing() {
        let listed = "xvfb installed\ndunst not-installed\nopenbox config-files\n";
        assert_eq!(
            not_listed(&["xvfb", "dunst", "openbox", "chromium"], listed),
            ["dunst", "openbox", "chromium"]
        );
    }

    #[test]
    fn versions_of_node() {
        for (text, expected) in
            [("v20.11.1\n", Some(20)), ("v8.0.0", Some(8)), ("20.1", None), ("", None), ("vx.1", None)]
        {
            assert_eq!(major(text), expected, "{text:?}");
        }
    }
}

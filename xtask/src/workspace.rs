//! Where the workspace, its target folder and its test programs are.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// The features that every build of the whole workspace uses. One set for all tasks, so that no
/// crate is compiled twice: `custom-protocol` bundles the page instead of asking a development
/// server for it.
pub const FEATURES: &str = "custom-protocol";

/// The name of the test program that opens a real window and so needs a display.
pub const WINDOW_TEST: &str = "window";

/// The checkout that this program was started from.
pub struct Workspace {
    /// The folder of the root `Cargo.toml`.
    pub root: PathBuf,
    /// Cargo's target folder.
    pub target: PathBuf,
    /// Names of the integration tests of all packages.
    pub tests: Vec<String>,
}

#[derive(Deserialize)]
struct Metadata {
    workspace_root: PathBuf,
    target_directory: PathBuf,
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

impl Workspace {
    /// Asks cargo, which knows about configuration and environment that move these places.
    pub fn find() -> Result<Self> {
        let output = Command::new(cargo_program())
            .args(["metadata", "--format-version=1", "--no-deps"])
            .current_dir(package_folder()?)
            .output()
            .context("starting `cargo metadata`")?;
        if !output.status.success() {
            bail!("`cargo metadata` failed:\n{}", String::from_utf8_lossy(&output.stderr));
        }
        let metadata: Metadata =
            serde_json::from_slice(&output.stdout).context("reading the answer of `cargo metadata`")?;
        let mut tests: Vec<String> = metadata
            .packages
            .into_iter()
            .flat_map(|package| package.targets)
            .filter(|target| target.kind.iter().any(|kind| kind == "test"))
            .map(|target| target.name)
            .collect();
        tests.sort();
        tests.dedup();
        Ok(Self { root: metadata.workspace_root, target: metadata.target_directory, tests })
    }

    /// A `cargo` command in the root of the workspace.
    pub fn cargo<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = Command::new(cargo_program());
        command.args(arguments).current_dir(&self.root);
        command
    }

    /// The folder of the page's sources.
    pub fn ui(&self) -> PathBuf {
        self.root.join("ui")
    }

    /// Whether some package has an integration test of this name.
    pub fn has_test(&self, name: &str) -> bool {
        self.tests.iter().any(|test| test == name)
    }

    /// Where a built program lies.
    pub fn program(&self, release: bool, name: &str) -> PathBuf {
        self.target.join(if release { "release" } else { "debug" }).join(name)
    }
}

fn cargo_program() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Cargo says where the package is when it runs us; a binary started by hand looks from where it stands.
fn package_folder() -> Result<PathBuf> {
    match std::env::var_os("CARGO_MANIFEST_DIR") {
        Some(folder) => Ok(Path::new(&folder).to_owned()),
        None => std::env::current_dir().context("finding the current folder"),
    }
}

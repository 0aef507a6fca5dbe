//! A library that answers in the place of NVIDIA's `libnvidia-ml.so.1`, from a script.
//!
//! It exports the entry points of NVML that the engine uses, so that the engine's own way to a driver is what runs, with
//! no GPU at hand: in tests, and wherever tray, devices and queue are to be seen at work. See its README for how to load
//! it, and [`script`] for what a script says.
//!
//! The script is the file that `ATHANOR_NVML_SCRIPT` names, or else the one beside this library with `.json` after its
//! name. It is read again when it changes.

mod entry;
pub mod script;
mod state;

use std::path::{Path, PathBuf};

/// Names the script.
pub const SCRIPT_VARIABLE: &str = "ATHANOR_NVML_SCRIPT";

/// The shared library's file name.
pub const FILE_NAME: &str = "libathanor_nvml_test.so";

/// The shared library that was built along with the program that asks: beside it, or in the folder `deps` there.
///
/// # Errors
/// The program does not know where it is, or the library is not there.
pub fn built_library() -> std::io::Result<PathBuf> {
    let program = std::env::current_exe()?;
    let folder = program.parent().unwrap_or(Path::new("."));
    // Test programs are in `deps`, others one folder above it.
    [folder.to_owned(), folder.join("deps"), folder.join("..")]
        .into_iter()
        .map(|folder| folder.join(FILE_NAME))
        .find(|library| library.exists())
        .ok_or_else(|| {
            let why = format!("{FILE_NAME} is not near {}; build athanor-nvml-test", program.display());
            std::io::Error::new(std::io::ErrorKind::NotFound, why)
        })
}

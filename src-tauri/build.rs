//! Generates what Tauri needs at compile time from `tauri.conf.json` and the capabilities.

use std::path::Path;

/// The page that the program takes in.
const PAGE: &str = "ui/dist";

fn main() {
    // Tauri embeds the page but does not watch it: without this line an old page stays in a new program.
    println!("cargo:rerun-if-changed={PAGE}");
    assert!(
        Path::new(PAGE).join("index.html").is_file(),
        "there is no page in {PAGE}: `cargo xtask run` and `cargo xtask test` build it, and so does `npm run build` in ui"
    );
    let attributes =
        tauri_build::Attributes::new().capabilities_path_pattern("./src-tauri/capabilities/**/*");
    if let Err(error) = tauri_build::try_build(attributes) {
        // Without this the reason is lost behind a bare "build script failed".
        panic!("tauri-build: {error:#}");
    }
}

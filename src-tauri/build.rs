//! Generates what Tauri needs at compile time from `tauri.conf.json` and the capabilities.

fn main() {
    let attributes =
        tauri_build::Attributes::new().capabilities_path_pattern("./src-tauri/capabilities/**/*");
    if let Err(error) = tauri_build::try_build(attributes) {
        // Without this the reason is lost behind a bare "build script failed".
        panic!("tauri-build: {error:#}");
    }
}

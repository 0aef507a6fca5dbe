//! Bundles the demo project into the program: a list of relative paths and bytes.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// What running the demo leaves behind, and what only serves its development.
const LEFT_OUT: [&str; 4] = ["runs", "__pycache__", "tests", "test_train.py"];

fn main() {
    let manifest = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo"));
    let demo = manifest.join("../../examples/demo");
    let mut files = Vec::new();
    collect(&demo, &demo, &mut files);
    files.sort();
    let mut text = String::from("[\n");
    for (name, path) in files {
        writeln!(text, "    ({name:?}, include_bytes!({:?}) as &[u8]),", path.display().to_string())
            .expect("a string takes everything");
    }
    text.push(']');
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("set by cargo"));
    std::fs::write(out.join("demo_files.rs"), text).expect("the build folder can be written");
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, PathBuf)>) {
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in std::fs::read_dir(folder).expect("the demo is there") {
        let path = entry.expect("a readable folder").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if LEFT_OUT.contains(&name) {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let relative = path.strip_prefix(root).expect("inside the demo");
            files.push((relative.display().to_string(), path.clone()));
        }
    }
}

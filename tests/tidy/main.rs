//! Guards of the project's shape: what may mention what, and what may not be in the sources at all.
//!
//! Each rule is a function from files to violations (`rules.rs`, `migrations.rs`) with tests on
//! strings that show it catching one. The tests here hold the rules against the checkout. A rule
//! that stands in the way is discussed and changed, not worked around.

mod migrations;
mod rules;
mod source;

use std::path::{Path, PathBuf};

use source::{File, Violation};

/// The checkout, two folders above the crate that this test belongs to.
fn root() -> PathBuf {
    let folder = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from("xtask"), PathBuf::from);
    folder.parent().map_or_else(|| PathBuf::from("."), Path::to_owned)
}

fn report(violations: &[Violation]) {
    let lines: Vec<String> = violations.iter().map(ToString::to_string).collect();
    assert!(violations.is_empty(), "{} rule(s) broken:\n\n{}\n", lines.len(), lines.join("\n\n"));
}

#[test]
fn the_checkout_keeps_the_rules() {
    let files = source::read_all(&root());
    assert!(files.len() > 20, "only {} files found below {}", files.len(), root().display());
    let mut violations: Vec<Violation> =
        files.iter().flat_map(|file| rules::PER_FILE.iter().flat_map(|rule| rule(file))).collect();
    violations.extend(rules::one_module_talks_to_the_shell(&files));
    report(&violations);
}

#[test]
fn shipped_migrations_are_unchanged() {
    let files = source::read_all(&root());
    let lock = files.iter().find(|file| file.path == migrations::LOCK).map_or("", |file| &file.text);
    let shipped: Vec<&File> = files.iter().filter(|file| migrations::is_migration(&file.path)).collect();
    report(&migrations::check(lock, &shipped));
}

//! A migration that was shipped is never edited: it has already run on somebody's database.
//!
//! `migrations.lock` lists each with a hash of its bytes. A new migration is a new line there; an
//! old line never changes.

use crate::source::{File, Violation};

pub const LOCK: &str = "tests/tidy/migrations.lock";

const RULE: &str = "migrations are only ever added";

pub fn is_migration(path: &str) -> bool {
    let folder = path.contains("/migrations/") || path.contains("/run-migrations/");
    path.starts_with("crates/") && folder && path.ends_with(".sql")
}

/// Holds the files against the lock, in both directions.
pub fn check(lock: &str, shipped: &[&File]) -> Vec<Violation> {
    let locked: Vec<(&str, &str)> = lock
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .filter_map(|line| line.split_once(' '))
        .collect();
    let violation = |place: &str, why: String| Violation { place: place.to_owned(), rule: RULE, why };
    let mut violations = Vec::new();
    for file in shipped {
        let hash = fnv1a(file.text.as_bytes());
        match locked.iter().find(|(_, path)| *path == file.path) {
            Some((known, _)) if *known == hash => {}
            Some(_) => violations.push(violation(
                &file.path,
                format!(
                    "it differs from what {LOCK} says; write a new migration instead. Only where no \
                     release holds it yet may its line become `{hash} {}`",
                    file.path
                ),
            )),
            None => {
                violations
                    .push(violation(&file.path, format!("it is new: add `{hash} {}` to {LOCK}", file.path)));
            }
        }
    }
    for (_, path) in locked {
        if !shipped.iter().any(|file| file.path == path) {
            violations.push(violation(path, "it is gone, and databases of its version need it".to_owned()));
        }
    }
    violations
}

/// FNV-1a, 64 bits: stable for ever, a few lines, and an edit by accident does not slip through.
fn fnv1a(bytes: &[u8]) -> String {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{hash:016x}")
}

#[test]
fn the_hash_is_the_published_one() {
    assert_eq!(fnv1a(b""), "cbf29ce484222325");
    assert_eq!(fnv1a(b"a"), "af63dc4c8601ec8c");
    assert_eq!(fnv1a(b"foobar"), "85944171f73967e8");
}

#[test]
fn edited_added_and_removed_migrations_are_caught() {
    let first = File::new("crates/engine/migrations/0001_first.sql", "a");
    let second = File::new("crates/engine/migrations/0002_second.sql", "foobar");
    let lock = "# a comment\n\naf63dc4c8601ec8c crates/engine/migrations/0001_first.sql\n";
    let why = |lock: &str, files: &[&File]| {
        check(lock, files).into_iter().map(|violation| violation.why).collect::<Vec<_>>()
    };

    assert!(why(lock, &[&first]).is_empty());
    let added = why(lock, &[&first, &second]);
    assert!(
        added[0].contains("add `85944171f73967e8 crates/engine/migrations/0002_second.sql`"),
        "{added:?}"
    );
    let edited = File::new(&first.path, "b");
    assert!(why(lock, &[&edited])[0].contains("write a new migration"));
    assert!(why(lock, &[])[0].contains("gone"));
    assert!(is_migration(&first.path) && !is_migration("crates/engine/src/store/mod.rs"));
}

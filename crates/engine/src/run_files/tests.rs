use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use athanor_core::log_search::Pattern;

use super::*;
use crate::bus::{Bus, Push};
use crate::error::ErrorKind;

/// A run's folder, with something beside it that is none of its business.
fn run() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("temporary folder");
    let root = dir.path().join("run");
    std::fs::create_dir_all(root.join("logs")).expect("made");
    std::fs::write(root.join("logs/train.log"), "one\ntwo\nthree\n").expect("written");
    std::fs::write(dir.path().join("secret"), "not the run’s").expect("written");
    (dir, root)
}

fn inside(root: &Path) -> Inside {
    Inside::open(root).expect("opens")
}

fn tail(root: &Path, path: &str) -> Result<String> {
    let piece = read(&inside(root), path, LogPart::Tail(2, 100))?;
    Ok(String::from_utf8(piece.bytes).expect("text"))
}

#[test]
fn no_path_leads_out_of_the_run() {
    let (dir, root) = run();
    symlink("../secret", root.join("out")).expect("linked");
    symlink(dir.path().join("secret"), root.join("out-absolute")).expect("linked");
    symlink("/", root.join("everything")).expect("linked");
    symlink("loop", root.join("loop")).expect("linked");
    symlink("/proc/self/root", root.join("magic")).expect("linked");
    for path in [
        "../secret",
        "logs/../../secret",
        "out",
        "out-absolute",
        "everything/etc/passwd",
        "loop",
        "magic/etc/passwd",
        "/etc/passwd",
    ] {
        let error = tail(&root, path).expect_err(path);
        assert!(matches!(error.kind(), ErrorKind::Path | ErrorKind::Invalid), "{path}: {error}");
        assert_eq!(error.field(), Some("path"), "{path}");
    }
    symlink("logs/train.log", root.join("latest")).expect("linked");
    symlink(root.join("logs/train.log"), root.join("latest-absolute")).expect("linked");
    symlink(root.join("logs"), root.join("all")).expect("linked");
    for path in ["logs/train.log", "logs/../logs/train.log", "latest", "latest-absolute", "all/train.log"] {
        assert_eq!(tail(&root, path).expect(path), "two\nthree\n", "{path}");
    }
    assert_eq!(tail(&root, "logs/gone").expect_err("is not there").kind(), ErrorKind::NotFound);
}

#[test]
fn only_regular_files_are_opened() {
    let (_dir, root) = run();
    let fifo = root.join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).expect("made");
    let socket = std::os::unix::net::UnixListener::bind(root.join("socket")).expect("bound");
    for path in ["pipe", "socket", "logs", ""] {
        let error = tail(&root, path).expect_err(path);
        assert_eq!(error.kind(), ErrorKind::Path, "{path}: {error}");
        assert!(error.to_string().contains(" is "), "it says what it is: {error}");
    }
    drop(socket);
}

#[test]
fn a_folder_is_listed_with_what_can_not_be_opened() {
    let (_dir, root) = run();
    symlink("/etc/passwd", root.join("away")).expect("linked");
    symlink("logs", root.join("other")).expect("linked");
    std::fs::write(root.join("a.csv"), "step\n1\n").expect("written");
    std::fs::write(root.join(std::ffi::OsStr::from_bytes(b"odd\xff")), "").expect("written");
    let listing = list(&inside(&root), "").expect("lists");
    let seen: Vec<_> =
        listing.entries.iter().map(|it| (it.name.as_str(), it.kind, it.size, it.link)).collect();
    assert_eq!(
        seen,
        [
            ("logs", EntryKind::Folder, 0, false),
            ("other", EntryKind::Folder, 0, true),
            ("a.csv", EntryKind::File, 7, false),
            ("away", EntryKind::Other, 0, true),
            ("odd\u{fffd}", EntryKind::Other, 0, false),
        ]
    );
    assert_eq!(listing.total, 5);
    let below = list(&inside(&root), "other").expect("lists");
    assert_eq!(below.entries[0].name, "train.log");
    assert!(list(&inside(&root), "away").is_err() && list(&inside(&root), "a.csv").is_err());
}

#[test]
fn pieces_come_from_where_they_were_asked_for() {
    let (_dir, root) = run();
    let part = |part| {
        let piece = read(&inside(&root), "logs/train.log", part).expect("reads");
        (piece.start, String::from_utf8(piece.bytes).expect("text"))
    };
    assert_eq!(part(LogPart::From(4, 3)), (4, "two".into()));
    assert_eq!(part(LogPart::From(99, 3)), (14, String::new()), "behind the end there is nothing");
    assert_eq!(part(LogPart::Tail(1, 100)), (8, "three\n".into()));
    let before = read(&inside(&root), "logs/train.log", LogPart::Tail(0, 0)).expect("reads").state;
    assert_eq!((before.size, before.grows), (14, true));
    // Another file takes its place.
    std::fs::write(root.join("new"), "anew\n").expect("written");
    std::fs::rename(root.join("new"), root.join("logs/train.log")).expect("renamed");
    let after = read(&inside(&root), "logs/train.log", LogPart::Tail(0, 0)).expect("reads").state;
    assert_ne!(before.identity, after.identity);
    let old = std::time::SystemTime::now() - Duration::from_secs(3600);
    std::fs::File::open(root.join("logs/train.log")).expect("opens").set_modified(old).expect("set");
    assert!(!read(&inside(&root), "logs/train.log", LogPart::Tail(0, 0)).expect("reads").state.grows);
}

#[test]
fn a_file_is_searched_and_its_lines_counted() {
    let (_dir, root) = run();
    let mut file = OpenFile::open(&inside(&root), "logs/train.log").expect("opens");
    let matcher =
        Matcher::new(&Pattern { text: "^t".into(), regex: true, case: true }).expect("an expression");
    let found = bounded(&mut file, &matcher, Request { limit: 9, ..Request::default() }).expect("searches");
    let lines: Vec<_> = found.found.iter().map(|found| (found.offset, found.text.as_str())).collect();
    assert_eq!((lines, found.done), (vec![(4, "two"), (8, "three")], true));
    let seek = bounded_seek(&mut file, None, None, 2).expect("counts");
    assert_eq!((seek.offset, seek.lines), (8, 2));
}

/// Waits for the next push that tells of a file.
async fn wait_for_change(pushes: &mut tokio::sync::broadcast::Receiver<Push>) -> (String, Option<u64>) {
    let next = async {
        loop {
            if let Ok(Push::File { path, size, .. }) = pushes.recv().await {
                return (path, size);
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), next).await.expect("it is told")
}

async fn wait_until_none(followed: &Followed) {
    while followed.count() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn follow(followed: &Followed, root: &Path, path: &str, time: Duration) {
    let file = OpenFile::open(&inside(root), path).expect("opens");
    let real = inside(root).real(&file.file, path).expect("lies somewhere");
    followed.follow("r1", path, real, file.stamp, time);
}

#[tokio::test]
async fn changes_are_told_while_somebody_looks() {
    for forced in [false, true] {
        let (_dir, root) = run();
        let bus = Bus::default();
        let mut pushes = bus.listen();
        let followed = Followed::start_with(bus, forced);
        symlink("logs/train.log", root.join("latest")).expect("linked");
        follow(&followed, &root, "latest", Duration::from_secs(100));
        let append = |text: &str| {
            let file = std::fs::File::options().append(true).open(root.join("logs/train.log"));
            std::io::Write::write_all(&mut file.expect("opens"), text.as_bytes()).expect("written");
        };
        append("four\n");
        assert_eq!(wait_for_change(&mut pushes).await, ("latest".into(), Some(19)), "forced: {forced}");
        append("five\n");
        assert_eq!(wait_for_change(&mut pushes).await, ("latest".into(), Some(24)));
        // What else happens in the folder is no news.
        std::fs::write(root.join("logs/other.log"), "x").expect("written");
        std::fs::remove_file(root.join("logs/train.log")).expect("removed");
        assert_eq!(wait_for_change(&mut pushes).await, ("latest".into(), None), "it is gone");
        std::fs::write(root.join("logs/train.log"), "anew\n").expect("written");
        let (_, mut size) = wait_for_change(&mut pushes).await;
        if size == Some(0) {
            size = wait_for_change(&mut pushes).await.1;
        }
        assert_eq!(size, Some(5), "and back");
    }
}

#[tokio::test]
async fn nobody_is_told_who_looks_no_more() {
    let (_dir, root) = run();
    let followed = Followed::start_with(Bus::default(), false);
    for number in 0..100 {
        let path = format!("logs/{number}.log");
        std::fs::write(root.join(&path), "x").expect("written");
        follow(&followed, &root, &path, Duration::from_secs(100));
    }
    assert_eq!(followed.count(), 64, "not more than a window shows");
    let followed = Followed::start_with(Bus::default(), false);
    follow(&followed, &root, "logs/train.log", Duration::from_millis(20));
    follow(&followed, &root, "logs/train.log", Duration::ZERO);
    assert_eq!(followed.count(), 1, "a shorter look does not end a longer one");
    tokio::time::timeout(Duration::from_secs(20), wait_until_none(&followed)).await.expect("it ends");
}

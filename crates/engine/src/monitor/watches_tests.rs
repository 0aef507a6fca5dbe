//! The kernel itself, in temporary folders.

use std::time::Duration;

use super::*;

const ROOT: RootId = 1;

fn watched(folder: &Path) -> Arc<Watches> {
    let watches = Watches::new(false);
    watches.add_root(ROOT, folder);
    watches.hold(ROOT, folder, None);
    watches
}

/// Waits until something was told that answers the question.
async fn wait_for<T>(watches: &Watches, what: &str, mut ask: impl FnMut(News) -> Option<T>) -> T {
    let waiting = async {
        loop {
            watches.wake.notified().await;
            if let Some(answer) = ask(watches.take()) {
                return answer;
            }
        }
    };
    let answer = tokio::time::timeout(Duration::from_secs(30), waiting).await;
    answer.unwrap_or_else(|_| panic!("waited in vain: {what}"))
}

#[tokio::test]
async fn a_table_is_told_and_other_files_and_readers_are_not() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let watches = watched(dir.path());
    let table = dir.path().join("metrics.csv");
    std::fs::write(dir.path().join("model.ckpt"), "x").expect("written");
    std::fs::write(&table, "step,loss\n").expect("written");
    let told =
        wait_for(&watches, "the table is told", |news| (!news.tables.is_empty()).then_some(news)).await;
    assert_eq!(told.tables, BTreeSet::from([table.clone()]));
    assert!(told.logs.is_empty() && told.folders.is_empty() && !told.overflow && !told.lost);
    std::fs::read(&table).expect("read");
    std::fs::write(dir.path().join("last.csv"), "step,loss\n").expect("written");
    let told = wait_for(&watches, "the next one is", |news| (!news.tables.is_empty()).then_some(news)).await;
    assert_eq!(told.tables, BTreeSet::from([dir.path().join("last.csv")]), "reading is no news");
}

#[tokio::test]
async fn an_attempt_is_told_by_its_folder() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let watches = Watches::new(false);
    watches.add_root(LOGS, dir.path());
    let attempt = dir.path().join("1");
    std::fs::create_dir(&attempt).expect("made");
    watches.hold(LOGS, &attempt, None);
    std::fs::write(attempt.join("output.00000000000000000000.log"), "hello").expect("written");
    wait_for(&watches, "the log is told", |news| news.logs.contains(&attempt).then_some(())).await;
    watches.release_folder(LOGS, &attempt);
    assert_eq!(watches.summary(LOGS), Summary::default());
}

#[tokio::test]
async fn a_folder_that_is_made_anew_is_watched_anew() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let watches = watched(dir.path());
    let runs = dir.path().join("runs");
    for _ in 0..3 {
        std::fs::create_dir(&runs).expect("made");
        wait_for(&watches, "the folder is told", |news| news.folders.contains(&runs).then_some(())).await;
        watches.hold(ROOT, &runs, None);
        assert!(watches.is_told(&runs));
        std::fs::write(runs.join("a.csv"), "").expect("written");
        wait_for(&watches, "its table is told", |news| (!news.tables.is_empty()).then_some(())).await;
        std::fs::remove_dir_all(&runs).expect("removed");
        std::fs::write(dir.path().join("mark.csv"), "").expect("written");
        wait_for(&watches, "the removal is heard", |news| (!news.tables.is_empty()).then_some(())).await;
        assert!(!watches.is_told(&runs));
        assert_eq!(watches.summary(ROOT).folders, 1, "nothing is kept of what is gone");
    }
}

#[tokio::test]
async fn a_folder_that_is_renamed_is_told_under_its_new_name() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let watches = watched(dir.path());
    let (one, other) = (dir.path().join("run.tmp"), dir.path().join("run"));
    std::fs::create_dir_all(one.join("logs")).expect("made");
    watches.hold(ROOT, &one, None);
    watches.hold(ROOT, &one.join("logs"), None);
    std::fs::rename(&one, &other).expect("renamed");
    wait_for(&watches, "the new name is told", |news| news.folders.contains(&other).then_some(())).await;
    assert!(!watches.is_told(&one) && !watches.is_told(&one.join("logs")));
    watches.hold(ROOT, &other, None);
    std::fs::write(other.join("a.csv"), "").expect("written");
    let table = other.join("a.csv");
    wait_for(&watches, "its table is told", |news| news.tables.contains(&table).then_some(())).await;
    assert_eq!(watches.summary(ROOT).folders, 2);
}

#[tokio::test]
async fn a_root_that_is_gone_is_polled_until_it_is_back() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let root = dir.path().join("work");
    std::fs::create_dir(&root).expect("made");
    let watches = watched(&root);
    std::fs::rename(&root, dir.path().join("away")).expect("renamed");
    wait_for(&watches, "the loss is told", |news| news.lost.then_some(())).await;
    assert_eq!(watches.summary(ROOT).why, Some(Why::Gone));
    assert!(!watches.retry(ROOT) && watches.is_polled(&root));
    std::fs::create_dir(&root).expect("made");
    assert!(watches.retry(ROOT), "it is told again");
    assert_eq!(watches.summary(ROOT), Summary { folders: 1, polled: 0, why: None });
}

#[tokio::test]
async fn too_many_events_at_once_are_told_as_such() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let watches = watched(dir.path());
    let most = std::fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").expect("the limit");
    let most: usize = most.trim().parse().expect("a number");
    let files = ["one", "other"].map(|name| std::fs::File::create(dir.path().join(name)).expect("made"));
    // Nothing fetches them meanwhile: this test has one thread, and does not wait here. Repetitions are dropped by the
    // kernel, so two files take turns.
    for turn in 0..most + 10 {
        std::os::unix::fs::FileExt::write_all_at(&files[turn % 2], b"x", 0).expect("written");
    }
    wait_for(&watches, "the overflow is told", |news| news.overflow.then_some(())).await;
}

#[tokio::test]
async fn two_roots_share_a_watch() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let watches = watched(dir.path());
    watches.add_root(2, dir.path());
    watches.hold(2, dir.path(), None);
    watches.release(ROOT);
    assert!(watches.is_told(dir.path()), "the other root still wants it");
    watches.release(2);
    assert!(!watches.is_told(dir.path()));
    assert!(watches.inner().by_watch.is_empty());
}

#[tokio::test]
async fn a_root_holds_so_many_folders_and_says_so() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let watches = Watches::new(true);
    watches.add_root(ROOT, dir.path());
    for number in 0..=MOST {
        watches.hold(ROOT, &dir.path().join(number.to_string()), None);
    }
    let summary = watches.summary(ROOT);
    assert_eq!((summary.folders, summary.polled, summary.why), (MOST, MOST, Some(Why::Forced)));
    assert!(watches.is_polled(&dir.path().join(MOST.to_string())), "what is left out has to be looked at");
    watches.release(ROOT);
    assert!(watches.inner().folders.is_empty());
}

#[tokio::test]
async fn what_is_refused_is_polled_and_tried_again() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let watches = Watches::new(false);
    watches.add_root(ROOT, dir.path());
    watches.inner().exhausted = Some((Instant::now(), Failed::Watch(Errno::NOSPC)));
    watches.hold(ROOT, dir.path(), None);
    assert_eq!(watches.summary(ROOT), Summary { folders: 1, polled: 1, why: Some(Why::Limit) });
    assert!(!watches.retry(ROOT), "not at once");
    let long_ago = Instant::now().checked_sub(RETRY).expect("the clock is older");
    watches.inner().exhausted = Some((long_ago, Failed::Watch(Errno::NOSPC)));
    assert!(watches.retry(ROOT));
    assert_eq!(watches.summary(ROOT), Summary { folders: 1, polled: 0, why: None });
}

#[tokio::test]
async fn a_polled_folder_that_is_not_met_any_more_is_forgotten() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let watches = Watches::new(true);
    watches.add_root(ROOT, dir.path());
    let all = ["", "a", "b"].map(|name| dir.path().join(name));
    let look = watches.begin_look();
    all.iter().for_each(|folder| watches.hold(ROOT, folder, None));
    watches.forget_unmet(ROOT, look);
    assert_eq!(watches.summary(ROOT).folders, 3);
    let look = watches.begin_look();
    watches.hold(ROOT, &all[0], None);
    watches.hold(ROOT, &all[2], None);
    // Appeared behind the look's back.
    let new = dir.path().join("new");
    watches.hold(ROOT, &new, None);
    watches.forget_unmet(ROOT, look);
    assert!(!watches.inner().folders.contains_key(&all[1]));
    assert!(watches.inner().folders.contains_key(&new));
    assert_eq!(watches.inner().roots[&ROOT].held, 3);
}

//! What an engine opens when it starts over watch folders in which nothing has changed: no file.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;

use crate::harness::Athanor;
use crate::wait::wait_until;

/// Which files below a folder are opened or read, by whomsoever.
struct Opened {
    inotify: OwnedFd,
    folders: HashMap<i32, PathBuf>,
}

impl Opened {
    /// Of what is there now.
    fn below(root: &Path) -> Self {
        let inotify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).expect("inotify");
        let mut folders = HashMap::new();
        let mut waiting = vec![root.to_owned()];
        while let Some(folder) = waiting.pop() {
            let entries =
                fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path());
            waiting.extend(entries.filter(|path| path.is_dir()));
            let watch = inotify::add_watch(&inotify, &folder, WatchFlags::OPEN | WatchFlags::ACCESS);
            folders.insert(watch.expect("watched"), folder);
        }
        let opened = Self { inotify, folders };
        opened.take();
        opened
    }

    /// Those since this was last asked. Folders do not count.
    fn take(&self) -> BTreeSet<PathBuf> {
        let mut buffer = vec![MaybeUninit::uninit(); 64 << 10];
        let mut reader = inotify::Reader::new(&self.inotify, &mut buffer);
        let mut files = BTreeSet::new();
        loop {
            let event = match reader.next() {
                Ok(event) => event,
                Err(Errno::AGAIN) => return files,
                Err(error) => panic!("inotify can't be read: {error}"),
            };
            assert!(!event.events().contains(ReadFlags::QUEUE_OVERFLOW), "some were not told");
            if let Some(name) = event.file_name()
                && !event.events().contains(ReadFlags::ISDIR)
            {
                files.insert(self.folders[&event.wd()].join(name.to_str().expect("UTF-8")));
            }
        }
    }
}

/// Copies a tree; all files in it were written an hour ago.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("a folder") {
        let from = entry.expect("an entry").path();
        let to = to.join(from.file_name().expect("a name"));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).expect("copied");
            age(&to);
        }
    }
}

fn age(path: &Path) {
    let file = fs::File::options().write(true).open(path).expect("opens");
    file.set_modified(SystemTime::now() - Duration::from_secs(3600)).expect("set");
}

fn old(athanor: &Athanor, path: &str, text: &str) {
    let path = athanor.work().join(path);
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    fs::write(&path, text).expect("written");
    age(&path);
}

fn table(rows: std::ops::Range<u32>) -> String {
    rows.fold(String::new(), |mut text, row| {
        writeln!(text, "{row},{}.25,0.001,a remark", row % 7).expect("a string");
        text
    })
}

/// Starts an engine and waits until it has looked through the folder, and read what there was to be read.
fn serve(athanor: &mut Athanor) {
    let looked_at = |athanor: &Athanor| athanor.json(&["watch", "ls"])["folders"][0]["looked_at"].as_i64();
    let before = looked_at(athanor);
    athanor.serve(&[]);
    wait_until("it is looked through", || (looked_at(athanor) > before).then_some(()));
}

fn points(athanor: &Athanor, name: &str) -> u64 {
    let page = athanor.json(&["runs", "ls", &format!("name = {name}")]);
    page["rows"][0]["points"].as_u64().unwrap_or(0)
}

#[test]
fn a_start_opens_no_file_that_is_as_it_was() {
    let mut athanor = Athanor::serving(1);
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/runs");
    copy(&fixtures, &athanor.work().join("results/of-all-formats"));
    let results = athanor.work().join("results");
    old(&athanor, "results/a/metrics.csv", &format!("step,loss,lr,note\n{}", table(0..500)));
    old(&athanor, "results/a/notes.csv", "no numbers,at all\n");
    old(&athanor, "results/a/config.yaml", "lr: 0.001\n");
    old(&athanor, "results/a/settings.json", "{\"lr\": 0.001}\n");
    old(&athanor, "results/b/deep/er/log.jsonl", "{\"step\": 1, \"loss\": 2}\n{\"step\": 2, \"loss\": 1}\n");
    old(&athanor, "results/c/quiet.log", "nothing to see\n");
    old(&athanor, "results/c/loud.log", "epoch 1 loss=0.5\nepoch 2 loss=0.25\n");
    athanor.ok(&["watch", "add", "results", "--pattern", "auto", "--wait"]);
    let runs = athanor.json(&["watch", "ls"])["folders"][0]["runs"].clone();

    // Another comes while it is looked on, too fresh for its stamp to be trusted, and grows.
    fs::create_dir(athanor.work().join("come")).expect("made");
    athanor.file("come/metrics.csv", &format!("step,loss,lr,note\n{}", table(0..400)));
    fs::rename(athanor.work().join("come"), results.join("come")).expect("moved");
    wait_until("it is read", || (points(&athanor, "come") == 800).then_some(()));
    let mut file = fs::File::options().append(true).open(results.join("come/metrics.csv")).expect("opens");
    file.write_all(table(400..500).as_bytes()).expect("written");
    wait_until("it is read on", || (points(&athanor, "come") == 1000).then_some(()));
    athanor.stop_engine();

    let opened = Opened::below(&results);
    serve(&mut athanor);
    assert_eq!(opened.take(), BTreeSet::new());
    let known = athanor.json(&["watch", "ls"])["folders"][0]["runs"].clone();
    assert_eq!(known.as_u64(), runs.as_u64().map(|runs| runs + 1));
    athanor.stop_engine();

    // What did change is opened, and nothing else.
    old(&athanor, "results/a/metrics.csv", &format!("step,loss,lr,note\n{}", table(0..501)));
    old(&athanor, "results/c/quiet.log", "epoch 1 loss=7\n");
    opened.take();
    serve(&mut athanor);
    let changed = ["a/metrics.csv", "c/quiet.log"].map(|path| results.join(path));
    assert_eq!(opened.take(), BTreeSet::from(changed));
    assert_eq!(points(&athanor, "quiet.log"), 1);
}

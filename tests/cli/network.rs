//! A watch folder on a network file system: a small one of our own, through the kernel's FUSE, that others write to behind
//! its mount and whose server hangs, fails, goes away and comes back.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant, UNIX_EPOCH};

use crate::harness::Athanor;
use crate::wait::wait_until;
use crate::watch::{append, values};
use fuser::{
    BackgroundSession, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation,
    INodeNo, LockOwner, OpenFlags, ReplyAttr, ReplyData, ReplyDirectory, ReplyEntry, ReplyOpen, Request,
};

/// How long the kernel may take its own word for what the server said; the usual time of libfuse.
const KERNEL: Duration = Duration::from_secs(1);

/// What the server does at present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Answers,
    Hangs,
    /// It is gone: every call fails.
    Fails,
}

/// The state of the server, and the paths behind the numbers that the kernel knows.
struct Server {
    mood: Mutex<Mood>,
    changed: Condvar,
    paths: Mutex<Vec<PathBuf>>,
    /// As a mount keeps it until a file is opened: that of NFS for up to a minute, sshfs's for 20 s; here for ever.
    kept: Mutex<HashMap<u64, FileAttr>>,
}

impl Server {
    fn set(&self, mood: Mood) {
        *self.mood.lock().expect("no panic") = mood;
        self.changed.notify_all();
    }

    /// Waits as long as it hangs.
    fn ask(&self) -> Result<MutexGuard<'_, Mood>, Errno> {
        let mood = self
            .changed
            .wait_while(self.mood.lock().expect("no panic"), |mood| *mood == Mood::Hangs)
            .expect("no panic");
        if *mood == Mood::Fails { Err(Errno::ENOTCONN) } else { Ok(mood) }
    }

    fn path(&self, number: INodeNo) -> PathBuf {
        self.paths.lock().expect("no panic")[number.0 as usize - 1].clone()
    }

    fn number(&self, path: PathBuf) -> u64 {
        let mut paths = self.paths.lock().expect("no panic");
        let known = paths.iter().position(|known| *known == path);
        let at = known.unwrap_or_else(|| {
            paths.push(path);
            paths.len() - 1
        });
        at as u64 + 1
    }

    fn attributes(&self, path: PathBuf, newest: bool) -> Result<FileAttr, Errno> {
        let meta = std::fs::symlink_metadata(&path)?;
        let number = self.number(path);
        let mut kept = self.kept.lock().expect("no panic");
        if let (false, false, Some(kept)) = (newest, meta.is_dir(), kept.get(&number)) {
            return Ok(*kept);
        }
        let modified = UNIX_EPOCH + Duration::new(meta.mtime().unsigned_abs(), meta.mtime_nsec() as u32);
        let now = FileAttr {
            ino: INodeNo(number),
            size: meta.len(),
            blocks: meta.blocks(),
            atime: modified,
            mtime: modified,
            ctime: modified,
            crtime: modified,
            kind: if meta.is_dir() { FileType::Directory } else { FileType::RegularFile },
            perm: if meta.is_dir() { 0o755 } else { 0o644 },
            nlink: 1,
            uid: meta.uid(),
            gid: meta.gid(),
            rdev: 0,
            blksize: 4096,
            flags: 0,
        };
        kept.insert(number, now);
        Ok(now)
    }
}

/// A mounted view of a folder.
struct View(Arc<Server>);

impl View {
    fn entries(&self, of: INodeNo) -> Result<Vec<(u64, FileType, std::ffi::OsString)>, Errno> {
        let _asked = self.0.ask()?;
        let mut all = Vec::new();
        for entry in std::fs::read_dir(self.0.path(of))? {
            let entry = entry?;
            let kind = if entry.file_type()?.is_dir() { FileType::Directory } else { FileType::RegularFile };
            all.push((self.0.number(entry.path()), kind, entry.file_name()));
        }
        Ok(all)
    }
}

impl Filesystem for View {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let of = |_asked| self.0.attributes(self.0.path(parent).join(name), false);
        match self.0.ask().and_then(of) {
            Ok(attributes) => reply.entry(&KERNEL, &attributes, Generation(0)),
            Err(error) => reply.error(error),
        }
    }

    fn getattr(&self, _: &Request, number: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.0.ask().and_then(|_asked| self.0.attributes(self.0.path(number), false)) {
            Ok(attributes) => reply.attr(&KERNEL, &attributes),
            Err(error) => reply.error(error),
        }
    }

    fn open(&self, _: &Request, number: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        match self.0.ask().and_then(|_asked| self.0.attributes(self.0.path(number), true)) {
            Ok(_) => reply.opened(FileHandle(0), FopenFlags::empty()),
            Err(error) => reply.error(error),
        }
    }

    fn read(
        &self,
        _: &Request,
        number: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let read = self.0.ask().and_then(|_asked| {
            let mut bytes = vec![0; size as usize];
            let count = std::fs::File::open(self.0.path(number))?.read_at(&mut bytes, offset)?;
            bytes.truncate(count);
            Ok(bytes)
        });
        match read {
            Ok(bytes) => reply.data(&bytes),
            Err(error) => reply.error(error),
        }
    }

    fn readdir(&self, _: &Request, of: INodeNo, _: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let entries = match self.entries(of) {
            Ok(entries) => entries,
            Err(error) => return reply.error(error),
        };
        for (place, (number, kind, name)) in entries.into_iter().enumerate().skip(offset as usize) {
            if reply.add(INodeNo(number), place as u64 + 1, kind, name) {
                break;
            }
        }
        reply.ok();
    }
}

/// A folder on a server, where others write, and where it is mounted. What hangs goes on when this is dropped.
struct Share {
    server: Arc<Server>,
    at: PathBuf,
    mounted: Option<BackgroundSession>,
}

impl Share {
    /// None where the kernel has no FUSE for us, or, as in most containers, does not let us mount anything.
    fn mount(athanor: &Athanor) -> Option<Self> {
        let pass_over = |what: &str, cause: &std::io::Error| {
            eprintln!("PASSED OVER: {what} ({cause}), so no network folder is tested here");
        };
        if let Err(cause) = std::fs::File::options().read(true).write(true).open("/dev/fuse") {
            pass_over("/dev/fuse can't be opened", &cause);
            return None;
        }
        let (behind, at) = (athanor.work().join("server"), athanor.work().join("nas"));
        for folder in [&behind, &at] {
            std::fs::create_dir_all(folder).expect("made");
        }
        let server = Server {
            mood: Mutex::new(Mood::Answers),
            changed: Condvar::new(),
            paths: Mutex::new(vec![behind]),
            kept: Mutex::default(),
        };
        let mut share = Self { server: Arc::new(server), at, mounted: None };
        match share.try_to_mount() {
            Ok(()) => Some(share),
            Err(cause) if cause.kind() == std::io::ErrorKind::PermissionDenied || !may_mount() => {
                pass_over("nothing may be mounted", &cause);
                None
            }
            Err(cause) => panic!("mounting failed: {cause}"),
        }
    }

    fn mount_again(&mut self) {
        self.try_to_mount().expect("mounted");
    }

    fn try_to_mount(&mut self) -> std::io::Result<()> {
        let view = View(self.server.clone());
        self.mounted = Some(fuser::spawn_mount(view, &self.at, &Config::default())?);
        Ok(())
    }

    fn unmount(&mut self) {
        self.mounted = None;
    }
}

/// Whether the kernel lets this process mount (capabilities(7): CAP_SYS_ADMIN is the 21st), or it is an ordinary user's, for
/// whom a program with that right does it.
fn may_mount() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").expect("read");
    let line = |name: &str| {
        status.lines().find_map(|line| line.strip_prefix(name)).expect("a line").trim().to_owned()
    };
    let effective = u64::from_str_radix(&line("CapEff:"), 16).expect("a number");
    effective & (1 << 21) != 0 || !line("Uid:").starts_with("0\t")
}

impl Drop for Share {
    fn drop(&mut self) {
        self.server.set(Mood::Answers);
        self.unmount();
    }
}

/// What is said of the folder: how it is followed, and what can't be read.
fn said(athanor: &Athanor) -> (String, String) {
    let folders = athanor.json(&["watch", "ls"])["folders"].clone();
    let nas = folders.as_array().expect("a list").iter().find(|it| ends(&it["path"], "/nas"));
    let nas = nas.expect("it is watched").clone();
    (nas["followed"]["reason"].as_str().unwrap_or_default().to_owned(), nas["problems"].to_string())
}

fn ends(value: &serde_json::Value, with: &str) -> bool {
    value.as_str().is_some_and(|text| text.ends_with(with))
}

fn until_values(athanor: &Athanor, what: &str, name: &str, expected: &[f64]) {
    let query = format!("name = {name}");
    wait_until(what, || (values(athanor, &query, "loss") == expected).then_some(()));
}

#[test]
fn a_network_folder_is_followed_whatever_its_server_does() {
    let mut athanor = Athanor::new();
    let Some(mut share) = Share::mount(&athanor) else { return };
    for folder in ["server/far", "here/near"] {
        std::fs::create_dir_all(athanor.work().join(folder)).expect("made");
        athanor.file(&format!("{folder}/metrics.csv"), "step,loss\n1,1\n");
    }
    athanor.serve(&[]);
    athanor.ok(&["watch", "add", "nas", "--wait"]);
    athanor.ok(&["watch", "add", "here", "--wait"]);
    assert!(
        said(&athanor).0.contains("FUSE"),
        "it is said that the kernel does not tell: {:?}",
        said(&athanor)
    );
    until_values(&athanor, "what was there", "far", &[1.0]);

    // Behind the mount, where no event tells: growth, and a new run.
    append(&athanor, "server/far/metrics.csv", "2,2\n");
    until_values(&athanor, "growth is seen", "far", &[1.0, 2.0]);
    std::fs::create_dir(athanor.work().join("server/later")).expect("made");
    athanor.file("server/later/metrics.csv", "step,loss\n1,7\n");
    until_values(&athanor, "a new run is seen", "later", &[7.0]);

    // The server hangs: that is said, and nothing else waits for it.
    share.server.set(Mood::Hangs);
    append(&athanor, "server/far/metrics.csv", "3,3\n");
    wait_until("it is said that it does not answer", || {
        said(&athanor).0.contains("does not answer").then_some(())
    });
    let before = Instant::now();
    append(&athanor, "here/near/metrics.csv", "2,2\n");
    until_values(&athanor, "what is near goes on", "near", &[1.0, 2.0]);
    std::fs::create_dir(athanor.work().join("other")).expect("made");
    athanor.ok(&["watch", "add", "other", "--wait"]);
    athanor.ok(&["watch", "rm", "other"]);
    let (_, words) = athanor.fails(&["watch", "add", "nas/far"]);
    assert!(words.contains("has not answered for 10 s"), "{words}");
    append(&athanor, "here/near/metrics.csv", "3,3\n");
    until_values(&athanor, "and on", "near", &[1.0, 2.0, 3.0]);
    assert!(before.elapsed() > Duration::from_secs(10), "all the while it hung");
    assert_eq!(values(&athanor, "name = far", "loss"), [1.0, 2.0], "nobody could know");

    // It is back: what was asked is answered, and it goes on as before.
    share.server.set(Mood::Answers);
    until_values(&athanor, "it is gone on with", "far", &[1.0, 2.0, 3.0]);
    append(&athanor, "server/far/metrics.csv", "4,4\n");
    until_values(&athanor, "as before", "far", &[1.0, 2.0, 3.0, 4.0]);
    wait_until("that is said, too", || said(&athanor).0.contains("FUSE").then_some(()));

    // It is gone: its runs stay, and why nothing is read is said.
    share.server.set(Mood::Fails);
    wait_until("it is said", || said(&athanor).1.contains("its file server is gone").then_some(()));
    assert_eq!(values(&athanor, "name = far", "loss").len(), 4);
    share.unmount();
    share.server.set(Mood::Answers);
    append(&athanor, "server/far/metrics.csv", "5,5\n");
    share.mount_again();
    until_values(&athanor, "it is mounted again", "far", &[1.0, 2.0, 3.0, 4.0, 5.0]);
}

/// A mount point that is empty at first is told of when something is mounted there.
#[test]
fn a_folder_that_is_mounted_later_is_found() {
    let mut athanor = Athanor::new();
    let Some(mut share) = Share::mount(&athanor) else { return };
    std::fs::create_dir_all(athanor.work().join("server/far")).expect("made");
    athanor.file("server/far/metrics.csv", "step,loss\n1,1\n");
    share.unmount();
    athanor.serve(&[]);
    athanor.ok(&["watch", "add", "nas", "--wait"]);
    assert_eq!(said(&athanor).0, "", "a folder of this machine, as far as anybody knows");
    share.mount_again();
    until_values(&athanor, "what is mounted is looked at", "far", &[1.0]);
    append(&athanor, "server/far/metrics.csv", "2,2\n");
    until_values(&athanor, "and followed as what it is", "far", &[1.0, 2.0]);
    assert!(Path::new(&share.at).join("far").is_dir() && said(&athanor).0.contains("FUSE"));
}

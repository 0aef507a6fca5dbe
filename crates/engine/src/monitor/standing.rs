//! Whether a folder's changes are told by the kernel or looked for, and why.

use rustix::io::Errno;

/// How the files below a folder are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MonitorMode {
    /// The kernel tells of each change.
    Events,
    /// Some or all of it is looked at every few seconds, because the kernel does not tell.
    Polling,
    /// Not any more: its last job has ended.
    Off,
}

/// What is followed below a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MonitoredFiles {
    /// The metrics that jobs write below their working directory.
    Metrics,
    /// The logs of running jobs, in the data folder.
    Logs,
}

/// A folder that is followed while jobs run there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Monitored {
    /// The folder.
    pub folder: String,
    /// What is followed there.
    pub files: MonitoredFiles,
    /// How.
    pub mode: MonitorMode,
    /// Why it is not followed by events, or not everywhere, in a sentence.
    pub reason: Option<String>,
    /// The uids of the jobs.
    pub experiments: Vec<String>,
    /// Folders followed: it and those below it, as far as they are looked into.
    pub folders: usize,
    /// How many of them are looked at every few seconds.
    pub polled: usize,
}

/// Why a folder is looked at every few seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Why {
    /// By the environment.
    Forced,
    /// The kernel's limit of watches is reached.
    Limit,
    /// The kernel gives out no inotify instance.
    Instances,
    /// It lies on such a network file system. Writes of this machine may still be told.
    Network(&'static str),
    /// More folders lie below a working directory than are watched.
    TooMany(usize),
    /// The working directory was removed or moved away.
    Gone,
    /// Anything else that the kernel says.
    Refused(i32),
}

impl Why {
    /// A sentence for people.
    pub fn words(self) -> String {
        match self {
            Self::Forced => "ATHANOR_WATCH=poll asks for it.".into(),
            Self::Limit => {
                "The kernel's limit of watched folders is reached. Raise fs.inotify.max_user_watches.".into()
            }
            Self::Instances => "The kernel gives out no more watchers to this user. \
                                Raise fs.inotify.max_user_instances, or the limit of open files."
                .into(),
            Self::Network(name) => {
                format!("It lies on {name}, where the kernel does not tell what other machines write.")
            }
            Self::TooMany(most) => {
                format!("More than {most} folders lie below it; the newest of those beyond are looked at.")
            }
            Self::Gone => "The folder was removed or moved away.".into(),
            Self::Refused(errno) => {
                format!(
                    "The kernel does not tell of changes there: {}.",
                    std::io::Error::from_raw_os_error(errno)
                )
            }
        }
    }

    /// Whether it is a limit of the kernel that people can raise.
    pub fn is_exhausted(self) -> bool {
        matches!(self, Self::Limit | Self::Instances)
    }
}

/// At what a watch failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failed {
    /// There is no inotify instance.
    Instance(Errno),
    /// `inotify_add_watch`.
    Watch(Errno),
}

/// What follows from the attempt to watch a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is followed: looked at every few seconds for this reason, if there is one.
    Followed(Option<Why>),
    /// It is not there any more, or not for us to read: there is nothing to look at either.
    Nothing,
}

impl Failed {
    /// Whether another attempt is likely to fail as well until something is given back.
    pub fn is_exhausted(self) -> bool {
        matches!(judge(Err(self), None), Standing::Followed(Some(why)) if why.is_exhausted())
    }
}

/// How a folder is followed:
///
/// - on a network file system it is polled in any case; a watch there tells what this machine writes, sooner;
/// - a folder that can be watched is;
/// - one that vanished, or that can't be read, is left alone;
/// - any other failure leads to polling. `ENOSPC` is the limit of watches (inotify_add_watch(2)), `EMFILE` and
///   `ENFILE` are those of instances and of open files (inotify_init(2)).
pub(super) fn judge(watched: Result<(), Failed>, network: Option<&'static str>) -> Standing {
    let why = match watched {
        Ok(()) => return Standing::Followed(network.map(Why::Network)),
        Err(Failed::Watch(Errno::NOENT | Errno::NOTDIR | Errno::ACCESS)) => return Standing::Nothing,
        Err(Failed::Watch(Errno::NOSPC)) => Why::Limit,
        Err(Failed::Instance(Errno::MFILE | Errno::NFILE)) => Why::Instances,
        Err(Failed::Watch(errno) | Failed::Instance(errno)) => Why::Refused(errno.raw_os_error()),
    };
    Standing::Followed(Some(network.map_or(why, Why::Network)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_says_decides() {
        let check = |watched, network, expected| assert_eq!(judge(watched, network), expected);
        let polled = |why| Standing::Followed(Some(why));
        check(Ok(()), None, Standing::Followed(None));
        check(Ok(()), Some("NFS"), polled(Why::Network("NFS")));
        check(Err(Failed::Watch(Errno::NOSPC)), None, polled(Why::Limit));
        check(Err(Failed::Watch(Errno::NOSPC)), Some("FUSE"), polled(Why::Network("FUSE")));
        check(Err(Failed::Instance(Errno::MFILE)), None, polled(Why::Instances));
        check(Err(Failed::Instance(Errno::NFILE)), None, polled(Why::Instances));
        check(Err(Failed::Instance(Errno::NOSYS)), None, polled(Why::Refused(Errno::NOSYS.raw_os_error())));
        check(Err(Failed::Watch(Errno::INVAL)), None, polled(Why::Refused(Errno::INVAL.raw_os_error())));
        for gone in [Errno::NOENT, Errno::NOTDIR, Errno::ACCESS] {
            check(Err(Failed::Watch(gone)), None, Standing::Nothing);
        }
    }

    #[test]
    fn every_reason_is_a_sentence() {
        let all = [
            Why::Forced,
            Why::Limit,
            Why::Instances,
            Why::Network("NFS"),
            Why::TooMany(4000),
            Why::Gone,
            Why::Refused(Errno::NOSYS.raw_os_error()),
        ];
        for why in all {
            let words = why.words();
            assert!(words.ends_with('.') && !words.contains("  "), "{words}");
        }
    }
}

//! Finding a program on the search path as execvp(3) does, for less.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

/// Where the search path has a program. `None` for one that is named by its path, and where there is none: then
/// execvp(3) has to say why.
///
/// execvp(3) executes each candidate, and the kernel copies the whole environment before it sees that there is no such
/// file. With the eight folders that a Python environment puts in front of `/usr/bin`, that takes a fifth of the time of
/// a short job.
pub fn find(program: &OsStr) -> Option<PathBuf> {
    find_in(&std::env::var_os("PATH")?, program)
}

fn find_in(path: &OsStr, program: &OsStr) -> Option<PathBuf> {
    if program.is_empty() || program.as_encoded_bytes().contains(&b'/') {
        return None;
    }
    // An empty entry is the working directory; with a name joined to nothing the search would begin anew.
    let folder = |entry: PathBuf| if entry.as_os_str().is_empty() { PathBuf::from(".") } else { entry };
    std::env::split_paths(path).map(|entry| folder(entry).join(program)).find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    access(path, Access::EXEC_OK).is_ok() && path.is_file()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_first_that_can_be_executed_is_found() {
        let root = tempfile::tempdir().expect("temporary folder");
        let place = |folder: &str, mode: u32| {
            let folder = root.path().join(folder);
            std::fs::create_dir(&folder).expect("a folder");
            std::fs::write(folder.join("tool"), "#!/bin/sh\n").expect("a file");
            std::fs::set_permissions(folder.join("tool"), PermissionsExt::from_mode(mode))
                .expect("permissions");
            folder
        };
        let (plain, first, second) = (place("plain", 0o644), place("first", 0o755), place("second", 0o755));
        let folder = root.path().join("folder");
        std::fs::create_dir_all(folder.join("tool")).expect("a folder of that name");
        let missing = root.path().join("missing");
        let path = std::env::join_paths([&missing, &plain, &folder, &first, &second]).expect("a path");
        assert_eq!(find_in(&path, OsStr::new("tool")), Some(first.join("tool")));
        assert_eq!(find_in(&path, OsStr::new("other")), None);
        assert_eq!(find_in(&path, OsStr::new("first/tool")), None, "it is a path itself");
        assert_eq!(find_in(&path, OsStr::new("")), None);
    }

    #[test]
    fn an_empty_entry_is_the_working_directory() {
        // Tests of a crate run in its folder, where there is no program; what counts is that the root is not searched.
        assert_eq!(find_in(OsStr::new(":"), OsStr::new("bin")), None);
        assert_eq!(
            find_in(OsStr::new("::/usr/bin:/bin"), OsStr::new("sh")).map(|found| found.is_absolute()),
            Some(true)
        );
    }
}

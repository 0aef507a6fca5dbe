//! Starting with the desktop: an entry in the user's autostart folder, where the desktop looks for it.
//!
//! The entry is ours if it says so ([`MARK`]); one that the user wrote is neither changed nor removed. It starts the
//! program hidden in the tray. See <https://specifications.freedesktop.org/autostart-spec/latest/>.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The entry's name.
const NAME: &str = "athanor.desktop";

/// The line by which an entry is known as ours.
const MARK: &str = "X-Athanor-Autostart=true";

/// Makes the desktop start this program with this data folder, or not.
///
/// # Errors
/// The entry can't be read, written or removed, or there is no folder for it.
pub fn apply(program: &Path, wanted: bool) -> std::io::Result<()> {
    let folder =
        folder().ok_or_else(|| std::io::Error::new(ErrorKind::NotFound, "there is no home folder"))?;
    let home = std::env::var("ATHANOR_HOME").ok().filter(|home| !home.is_empty());
    set(&folder, &entry(program, home.as_deref()), wanted)
}

/// The window's program for a command that is not it: beside this one, else where programs are looked for.
#[must_use]
pub fn window_program() -> Option<PathBuf> {
    const PROGRAM: &str = "athanor-desktop";
    let beside = std::env::current_exe().ok().map(|own| own.with_file_name(PROGRAM));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join(PROGRAM));
    beside.into_iter().chain(on_path).find(|program| program.is_absolute() && program.is_file())
}

fn folder() -> Option<PathBuf> {
    let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let config = named("XDG_CONFIG_HOME")
        // The specification wants relative ones passed over.
        .filter(|path| path.is_absolute())
        .or_else(|| named("HOME").map(|home| home.join(".config")))?;
    Some(config.join("autostart"))
}

/// Writes or removes the entry, if it is ours or there is none.
fn set(folder: &Path, text: &str, wanted: bool) -> std::io::Result<()> {
    let path = folder.join(NAME);
    let there = match std::fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(cause) if cause.kind() == ErrorKind::NotFound => None,
        // Not ours either, whatever it is.
        Err(cause) if cause.kind() == ErrorKind::InvalidData => return Ok(()),
        Err(cause) => return Err(cause),
    };
    let ours = there.as_ref().is_none_or(|text| text.lines().any(|line| line.trim() == MARK));
    if !ours {
        tracing::info!(path = %path.display(), "the autostart entry is the user's own and is left as it is");
        return Ok(());
    }
    match (wanted, there) {
        (true, Some(there)) if there == text => Ok(()),
        (true, _) => {
            std::fs::create_dir_all(folder)?;
            let new = folder.join(format!(".{NAME}.new"));
            std::fs::write(&new, text)?;
            std::fs::rename(&new, &path)
        }
        (false, Some(_)) => std::fs::remove_file(&path),
        (false, None) => Ok(()),
    }
}

/// The entry's text. `home`: the data folder, where it is not the usual one.
fn entry(program: &Path, home: Option<&str>) -> String {
    let program = quoted(&program.display().to_string());
    let home =
        home.map(|home| format!("env {} ", quoted(&format!("ATHANOR_HOME={home}")))).unwrap_or_default();
    format!(
        "[Desktop Entry]\nType=Application\nName=Athanor\nComment=Keeps the queue of experiments going\n\
         Exec={home}{program} --hidden\nIcon=athanor-desktop\nTerminal=false\nX-GNOME-Autostart-enabled=true\n{MARK}\n"
    )
}

/// A word of an Exec line: in quotes, with what has a meaning there escaped, and `%`, which begins a field code, doubled.
fn quoted(word: &str) -> String {
    let mut quoted = String::from("\"");
    for c in word.chars() {
        match c {
            // Once for the quotes, and once more for the file, where a backslash escapes, too.
            '"' | '`' | '$' => quoted.push_str("\\\\"),
            '\\' => quoted.push_str("\\\\\\"),
            '%' => quoted.push('%'),
            _ => {}
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_comes_and_goes_as_the_user_wants() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let folder = dir.path().join("config/autostart");
        let path = folder.join(NAME);
        let text = entry(Path::new("/opt/athanor/athanor-desktop"), None);
        set(&folder, &text, false).expect("nothing to do");
        assert!(!folder.exists(), "nothing is made for nothing");
        set(&folder, &text, true).expect("written");
        assert!(text.contains("Exec=\"/opt/athanor/athanor-desktop\" --hidden\n"), "{text}");
        assert_eq!(std::fs::read_to_string(&path).expect("there"), text);
        let text = entry(Path::new("/usr/bin/athanor-desktop"), Some("/data/a b"));
        assert!(
            text.contains("Exec=env \"ATHANOR_HOME=/data/a b\" \"/usr/bin/athanor-desktop\" --hidden\n"),
            "{text}"
        );
        set(&folder, &text, true).expect("written anew");
        assert_eq!(std::fs::read_to_string(&path).expect("there"), text, "it moves with the program");
        set(&folder, &text, false).expect("removed");
        assert!(!path.exists());
        assert_eq!(std::fs::read_dir(&folder).expect("a folder").count(), 0, "nothing is left behind");
    }

    #[test]
    fn an_entry_of_the_users_own_is_left_as_it_is() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join(NAME);
        let own = "[Desktop Entry]\nExec=env ATHANOR_HOME=/data athanor-desktop\n";
        std::fs::write(&path, own).expect("written");
        for wanted in [true, false] {
            set(dir.path(), &entry(Path::new("/usr/bin/athanor-desktop"), None), wanted).expect("left");
            assert_eq!(std::fs::read_to_string(&path).expect("there"), own);
        }
    }

    #[test]
    fn a_program_in_a_folder_of_any_name_is_found() {
        for (path, word) in [
            ("/opt/a b/x", "\"/opt/a b/x\""),
            ("/opt/100%/x", "\"/opt/100%%/x\""),
            ("/opt/$a/x", "\"/opt/\\\\$a/x\""),
            ("/opt/a\"b", "\"/opt/a\\\\\"b\""),
        ] {
            assert_eq!(quoted(path), word);
        }
    }
}

//! What git says of the files that differ between two commits.

use super::Change;

/// A file that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeFile {
    /// Its path in the repository; the new one where it was moved.
    pub path: String,
    /// Where it was before, if it was moved.
    pub old_path: Option<String>,
    /// What became of it.
    pub change: Change,
    /// Lines that the new one has alone; None of what is no text.
    pub added: Option<u64>,
    /// Lines that the old one has alone.
    pub removed: Option<u64>,
}

/// What git said was not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("git’s list of files has no form that is known here")]
pub struct CodeFault;

/// Reads what `git diff --raw --numstat -z` prints: for each file `:MODE MODE BLOB BLOB STATUS NUL PATH NUL` (of one that
/// was moved, two paths), then for each `ADDED TAB REMOVED TAB PATH NUL` (of one that was moved, an empty path and then
/// two), with `-` for the counts of what is no text. As in the manual of git-diff, “Raw output format” and “Other diff
/// formats”. Paths that are not UTF-8 are shown with U+FFFD.
///
/// # Errors
/// It has another form.
pub fn files(output: &[u8]) -> Result<Vec<CodeFile>, CodeFault> {
    let mut fields = output.split(|byte| *byte == 0).map(|field| String::from_utf8_lossy(field).into_owned());
    let mut next = || fields.next().ok_or(CodeFault);
    let mut all: Vec<CodeFile> = Vec::new();
    let mut counted = 0;
    while let Ok(field) = next() {
        if field.is_empty() {
            break;
        }
        if let Some(raw) = field.strip_prefix(':') {
            let status = raw.split(' ').nth(4).and_then(|status| status.chars().next()).ok_or(CodeFault)?;
            let first = next()?;
            let (path, old_path) = match status {
                'R' | 'C' => (next()?, Some(first)),
                _ => (first, None),
            };
            let change = match status {
                'A' | 'C' => Change::Added,
                'D' => Change::Removed,
                _ => Change::Changed,
            };
            all.push(CodeFile { path, old_path, change, added: None, removed: None });
            continue;
        }
        let mut counts = field.splitn(3, '\t');
        let mut count = || counts.next().ok_or(CodeFault).map(|count| count.parse().ok());
        let (added, removed): (Option<u64>, Option<u64>) = (count()?, count()?);
        if counts.next().ok_or(CodeFault)?.is_empty() {
            next()?;
            next()?;
        }
        // In the order of the files above.
        let file = all.get_mut(counted).ok_or(CodeFault)?;
        (file.added, file.removed) = (added, removed);
        counted += 1;
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn gits_list_is_read() {
        let output = ":100644 100644 aaa bbb M\0train.py\0:000000 100644 000 ccc A\0new\tname.py\0:100644 100644 ddd eee R087\0old/a.py\0\
                      new/a.py\0:100644 000000 fff 000 D\0model.bin\0\
                      3\t1\ttrain.py\x0010\t0\tnew\tname.py\x002\t2\t\0old/a.py\0new/a.py\0-\t-\tmodel.bin\0";
        let file = |path: &str, old: Option<&str>, change, counts: Option<(u64, u64)>| CodeFile {
            path: path.into(),
            old_path: old.map(str::to_owned),
            change,
            added: counts.map(|it| it.0),
            removed: counts.map(|it| it.1),
        };
        assert_eq!(
            files(output.as_bytes()),
            Ok(vec![
                file("train.py", None, Change::Changed, Some((3, 1))),
                file("new\tname.py", None, Change::Added, Some((10, 0))),
                file("new/a.py", Some("old/a.py"), Change::Changed, Some((2, 2))),
                file("model.bin", None, Change::Removed, None),
            ])
        );
        assert_eq!(files(b""), Ok(Vec::new()));
        assert_eq!(files(b"3\t1\ttrain.py\0"), Err(CodeFault), "counts of no file");
        assert_eq!(files(b":100644\0"), Err(CodeFault));
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(bytes in prop::collection::vec(prop::sample::select(b":\0\t 1AMRx".to_vec()), 0..60)) {
            let _ = files(&bytes);
        }
    }
}

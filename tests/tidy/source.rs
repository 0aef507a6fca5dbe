//! The files of the checkout, and how a broken rule is told.

use std::fmt;
use std::path::Path;

/// A text file of the checkout.
pub struct File {
    /// From the root of the checkout, with `/` on every system.
    pub path: String,
    pub text: String,
}

impl File {
    #[cfg(test)]
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    pub fn is_below(&self, folder: &str) -> bool {
        self.path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
    }

    pub fn ends_with_any(&self, ends: &[&str]) -> bool {
        ends.iter().any(|end| self.path.ends_with(end))
    }

    /// The lines with their numbers from 1.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// The lines without `//` comments, so that a rule can be spoken of without being broken.
    ///
    /// A `//` directly behind a colon is part of an address and stays.
    pub fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines().map(|(number, line)| {
            let comment = line.match_indices("//").map(|(at, _)| at).find(|at| !line[..*at].ends_with(':'));
            (number, comment.map_or(line, |at| &line[..at]))
        })
    }

    /// The first line of the tests in a Rust file: 1 in a file of tests, else that of its module of
    /// tests. A module that is only declared (`mod tests;`) has a file of its own.
    pub fn first_test_line(&self) -> usize {
        let name = self.path.rsplit('/').next().unwrap_or("");
        if self.is_below("tests")
            || self.path.contains("/tests/")
            || name == "tests.rs"
            || name.ends_with("_tests.rs")
        {
            return 1;
        }
        let mut marked = None;
        for (number, line) in self.lines() {
            let line = line.trim();
            if line == "#[cfg(test)]" {
                marked = Some(number);
            } else if line.ends_with(';') {
                marked = None;
            } else if let Some(number) = marked
                && line.contains("mod ")
            {
                return number;
            }
        }
        usize::MAX
    }

    pub fn violation(&self, line: usize, rule: &'static str, why: &'static str) -> Violation {
        Violation { place: format!("{}:{line}", self.path), rule, why: why.to_owned() }
    }
}

/// A broken rule.
pub struct Violation {
    /// Path and line.
    pub place: String,
    pub rule: &'static str,
    pub why: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n  rule: {}\n  why:  {}", self.place, self.rule, self.why)
    }
}

/// Folders that hold no sources of ours, by name.
const PASSED_OVER: &[&str] = &[".git", "target", "node_modules", "dist", "gen", "runs", "__pycache__"];

/// Every text file of the checkout. What is not UTF-8 (pictures, archives, damaged test input) is
/// passed over.
pub fn read_all(root: &Path) -> Vec<File> {
    let mut files = Vec::new();
    read_folder(root, "", &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn read_folder(folder: &Path, prefix: &str, files: &mut Vec<File>) {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries.flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = format!("{prefix}{name}");
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() && !PASSED_OVER.contains(&name.as_str()) {
            read_folder(&entry.path(), &format!("{path}/"), files);
        } else if kind.is_file()
            && let Ok(text) = std::fs::read_to_string(entry.path())
        {
            files.push(File { path, text });
        }
    }
}

/// Whether `word` stands in `line` by itself and not as a part of a longer name.
pub fn has_word(line: &str, word: &str) -> bool {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        !line[..at].chars().next_back().is_some_and(part_of_name)
            && !line[at + word.len()..].chars().next().is_some_and(part_of_name)
    })
}

#[test]
fn words_are_whole() {
    assert!(has_word("use sqlx::Pool;", "sqlx"));
    assert!(!has_word("let nosqlx = my_sqlx_x;", "sqlx"));
}

#[test]
fn tests_begin_where_their_module_does() {
    let first = |path, text| File::new(path, text).first_test_line();
    assert_eq!(first("src/a.rs", "fn a() {}\n#[cfg(test)]\nmod tests {\n}"), 2);
    assert_eq!(first("src/a.rs", "#[cfg(test)]\nmod tests;\nfn a() {}"), usize::MAX);
    assert_eq!(first("src/a.rs", "#[cfg(test)]\nuse b::C;\nmod d {\n}"), usize::MAX);
    for path in ["tests/engine/main.rs", "crates/a/tests/b.rs", "src/csv/reader_tests.rs", "src/tests.rs"] {
        assert_eq!(first(path, "fn a() {}"), 1, "{path}");
    }
}

#[test]
fn comments_are_not_code_but_addresses_are() {
    let file = File::new("a.rs", "x(); // todo\n//! y\nlet z = \"https://a.b\"; // c");
    let code: Vec<&str> = file.code().map(|(_, line)| line).collect();
    assert_eq!(code, ["x(); ", "", "let z = \"https://a.b\"; "]);
}

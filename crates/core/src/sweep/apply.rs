//! A point put into a command.

use super::{Fault, Kind, Point, Scalar};
use crate::experiment::{JobCommand, quote};

/// What happens to keys that the command has no placeholder for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// Appended as `--key=value`.
    #[default]
    Flags,
    /// Appended as `key=value`, as Hydra reads it.
    Hydra,
    /// Not appended: they are left for the config.
    Config,
}

/// A command with a point in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// What runs.
    pub command: JobCommand,
    /// With [`Style::Config`]: keys that the command has no place for, to be set in the config. Else empty.
    pub rest: Point,
}

/// Puts `point` into `command`.
///
/// - `{key}` in a word or line is replaced by the value. Only keys of the point are placeholders, and not after a
///   `$`: `${key}` belongs to the shell or to the config.
/// - Where the command has a placeholder, `{{` and `}}` stand for single braces. A command without one is left as it
///   is, so JSON and shell lines keep their braces.
/// - Values are quoted as their place in a shell line asks for, within quotes or without.
///
/// # Errors
/// [`Fault`] where a value would have to be appended to a shell line of several commands: it can't be told which of
/// them it is for.
pub fn apply(point: &[(String, Scalar)], command: &JobCommand, style: Style) -> Result<Applied, Fault> {
    let words: Vec<&str> = match command {
        JobCommand::Argv(argv) => argv.iter().map(String::as_str).collect(),
        JobCommand::Shell(line) => vec![line],
    };
    let mut placed = vec![false; point.len()];
    for piece in words.iter().flat_map(|word| Pieces { rest: word, last: ' ', point }) {
        if let Piece::Key(index) = piece {
            placed[index] = true;
        }
    }
    let template = placed.contains(&true);
    let mut filled: Vec<String> = words
        .iter()
        .map(|word| match command {
            _ if !template => (*word).to_owned(),
            JobCommand::Argv(_) => fill(word, point, |value, _| value.to_owned()),
            JobCommand::Shell(_) => fill(word, point, |value, shell| shell.embed(value)),
        })
        .collect();
    let left: Vec<&(String, Scalar)> =
        point.iter().zip(placed).filter(|(_, placed)| !placed).map(|(pair, _)| pair).collect();
    let Some((first, _)) = left.first() else {
        return Ok(Applied { command: rebuilt(command, filled), rest: Vec::new() });
    };
    if style == Style::Config {
        let rest = left.into_iter().cloned().collect();
        return Ok(Applied { command: rebuilt(command, filled), rest });
    }
    let appended = left.iter().map(|(key, value)| flag(key, value, style));
    match (command, filled.first_mut()) {
        (JobCommand::Shell(line), Some(filled)) => {
            if !takes_more_words(line) {
                return Err(Fault(format!(
                    "The shell line “{line}” has several commands or an open end, so values can't be appended to it. \
                     Write where they go, such as --{first} {{{first}}}."
                )));
            }
            let words: Vec<String> = appended.map(|word| quote(&word)).collect();
            *filled = format!("{} {}", filled.trim_end(), words.join(" "));
        }
        _ => filled.extend(appended),
    }
    Ok(Applied { command: rebuilt(command, filled), rest: Vec::new() })
}

fn rebuilt(like: &JobCommand, mut words: Vec<String>) -> JobCommand {
    match like {
        JobCommand::Argv(_) => JobCommand::Argv(words),
        JobCommand::Shell(_) => JobCommand::Shell(words.pop().unwrap_or_default()),
    }
}

fn flag(key: &str, value: &Scalar, style: Style) -> String {
    if style != Style::Hydra {
        return format!("--{key}={value}");
    }
    // Hydra's grammar of overrides: what is not a plain word is put into quotes, with \' inside.
    let word = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+$*?|\\".contains(c);
    let looks_typed = Scalar::plain(value.as_str()).kind() != Kind::Text;
    if value.kind() != Kind::Text || (!looks_typed && value.as_str().chars().all(word)) {
        return format!("{key}={value}");
    }
    format!("{key}='{}'", value.as_str().replace('\\', r"\\").replace('\'', r"\'"))
}

enum Piece<'a> {
    Text(&'a str),
    /// `{{` or `}}`.
    Twice(&'a str),
    /// A placeholder: the index of its key in the point.
    Key(usize),
}

/// A text taken apart at its placeholders and double braces.
struct Pieces<'a> {
    rest: &'a str,
    /// The character before `rest`.
    last: char,
    point: &'a [(String, Scalar)],
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        let first = self.rest.chars().next()?;
        let (piece, length) = if let Some(index) = self.placeholder() {
            (Piece::Key(index), self.point[index].0.len() + 2)
        } else if self.rest.starts_with("{{") || self.rest.starts_with("}}") {
            (Piece::Twice(&self.rest[..2]), 2)
        } else {
            let end = first.len_utf8();
            let end = self.rest[end..].find(['{', '}']).map_or(self.rest.len(), |at| at + end);
            (Piece::Text(&self.rest[..end]), end)
        };
        self.last = self.rest[..length].chars().next_back().unwrap_or(' ');
        self.rest = &self.rest[length..];
        Some(piece)
    }
}

impl Pieces<'_> {
    fn placeholder(&self) -> Option<usize> {
        let inner = self.rest.strip_prefix('{').filter(|_| self.last != '$')?;
        let key = &inner[..inner.find('}')?];
        self.point.iter().position(|(known, _)| known == key)
    }
}

/// `text` with its placeholders replaced. `embed` gives a value the form that its place asks for.
fn fill(text: &str, point: &[(String, Scalar)], embed: impl Fn(&str, &Shell) -> String) -> String {
    let mut filled = String::new();
    let mut shell = Shell::default();
    for piece in (Pieces { rest: text, last: ' ', point }) {
        let text = match piece {
            Piece::Text(text) => text,
            Piece::Twice(braces) => &braces[..1],
            Piece::Key(index) => {
                filled.push_str(&embed(point[index].1.as_str(), &shell));
                shell.escaped = false;
                continue;
            }
        };
        text.chars().for_each(|c| shell.step(c));
        filled.push_str(text);
    }
    filled
}

/// Where in the quotes of a shell line a place is.
#[derive(Debug, Default)]
struct Shell {
    quote: Option<char>,
    escaped: bool,
}

impl Shell {
    fn step(&mut self, c: char) {
        match (self.quote, c) {
            _ if self.escaped => self.escaped = false,
            (None | Some('"'), '\\') => self.escaped = true,
            (None, '\'' | '"') => self.quote = Some(c),
            (Some(open), c) if c == open => self.quote = None,
            _ => {}
        }
    }

    /// The value as one part of a word at this place.
    fn embed(&self, value: &str) -> String {
        match self.quote {
            Some('\'') => value.replace('\'', r"'\''"),
            Some(_) => {
                let special = |c: char| "\\\"$`".contains(c);
                value.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
            }
            None => quote(value),
        }
    }
}

/// Whether words written after `line` are arguments of its one command. Redirections may stand in it, and commands
/// within `$(…)`.
fn takes_more_words(line: &str) -> bool {
    let mut shell = Shell::default();
    let mut depth = 0u32;
    let mut last = ' ';
    let line = line.trim();
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        let plain = shell.quote.is_none() && !shell.escaped;
        shell.step(c);
        if plain {
            match c {
                '(' if last == '$' || depth > 0 => depth += 1,
                ')' if depth > 0 => depth -= 1,
                _ if depth > 0 => {}
                '&' if last == '>' || chars.peek() == Some(&'>') => {}
                '|' | '&' | ';' | '\n' | '(' | ')' | '`' => return false,
                '<' if chars.peek() == Some(&'<') => return false,
                '#' if last.is_whitespace() => return false,
                _ => {}
            }
        }
        last = c;
    }
    shell.quote.is_none() && !shell.escaped && depth == 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn point(pairs: &[(&str, &str)]) -> Point {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), Scalar::source(value))).collect()
    }

    fn argv(words: &[&str]) -> JobCommand {
        JobCommand::Argv(words.iter().map(ToString::to_string).collect())
    }

    fn shell(line: &str, pairs: &[(&str, &str)]) -> String {
        match apply(&point(pairs), &JobCommand::Shell(line.into()), Style::Flags) {
            Ok(Applied { command: JobCommand::Shell(line), .. }) => line,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn placeholders_are_replaced_and_other_keys_appended() {
        let pairs = point(&[("optimizer.lr", "0.10"), ("seed", "3")]);
        let check = |words: &[&str], style, expected: &[&str]| {
            assert_eq!(apply(&pairs, &argv(words), style).unwrap().command, argv(expected), "{words:?}");
        };
        let flags = ["python", "train.py", "--optimizer.lr=0.10", "--seed=3"];
        check(&["python", "train.py"], Style::Flags, &flags);
        check(&["python", "train.py"], Style::Hydra, &["python", "train.py", "optimizer.lr=0.10", "seed=3"]);
        check(&["run", "-o", "out/{seed}_{optimizer.lr}"], Style::Flags, &["run", "-o", "out/3_0.10"]);
        check(&["run", "{seed}"], Style::Hydra, &["run", "3", "optimizer.lr=0.10"]);
        check(&["run", "{seed}{seed}", "{{seed}} {x}"], Style::Config, &["run", "33", "{seed} {x}"]);
        check(&["run", "${seed}", "{\"a\":{{}}}"], Style::Config, &["run", "${seed}", "{\"a\":{{}}}"]);
        check(&["run", "{{{seed}}}"], Style::Config, &["run", "{3}"]);
        let rest = apply(&pairs, &argv(&["run", "{seed}"]), Style::Config).unwrap().rest;
        assert_eq!(rest, point(&[("optimizer.lr", "0.10")]));
    }

    #[test]
    fn a_shell_line_is_given_values_as_words() {
        assert_eq!(shell("python a.py > log 2>&1 ", &[("lr", "0.1")]), "python a.py > log 2>&1 --lr=0.1");
        assert_eq!(
            shell("python a.py -n $(nproc | cat)", &[("t", "a b")]),
            "python a.py -n $(nproc | cat) '--t=a b'"
        );
        assert_eq!(shell("a {t} | tee {t}.log", &[("t", "x;y")]), "a 'x;y' | tee 'x;y'.log");
        assert_eq!(shell("sh -c 'a {t}'", &[("t", "it's")]), r"sh -c 'a it'\''s'");
        assert_eq!(shell("a \"n={t}\"", &[("t", "$HOME \"x\"")]), r#"a "n=\$HOME \"x\"""#);
        assert_eq!(shell("echo ${t} {t}", &[("t", "1")]), "echo ${t} 1");
        assert_eq!(
            shell("for i in 1; do echo {i}; done; a {t}", &[("t", "1")]),
            "for i in 1; do echo {i}; done; a 1"
        );
    }

    #[test]
    fn nothing_is_appended_where_it_would_go_astray() {
        for line in [
            "a | tee log",
            "cd x && a",
            "a; b",
            "a &",
            "a # note",
            "(a)",
            "a 'b",
            "a \\",
            "a <<E\nb\nE",
            "a `b`",
        ] {
            let error =
                apply(&point(&[("lr", "1")]), &JobCommand::Shell(line.into()), Style::Flags).unwrap_err();
            assert!(error.0.contains("--lr {lr}"), "{line}: {error}");
            let placed = format!("{line} {{lr}}");
            assert!(apply(&point(&[("lr", "1")]), &JobCommand::Shell(placed), Style::Flags).is_ok());
        }
        for line in ["a 'x|y' \"#\" \\; b#c", "a &> log", "a < in >&2"] {
            assert!(takes_more_words(line), "{line}");
        }
    }

    #[test]
    fn hydra_is_given_quotes_for_what_it_would_take_apart() {
        for (value, expected) in [
            ("0.1", "k=0.1"),
            ("'0.1'", "k='0.1'"),
            ("a,b", "k='a,b'"),
            ("[1,2]", "k=[1,2]"),
            ("\"it's\"", r"k='it\'s'"),
            ("data/x-1", "k=data/x-1"),
            ("''", "k=''"),
        ] {
            assert_eq!(flag("k", &Scalar::source(value), Style::Hydra), expected);
        }
    }

    proptest! {
        #[test]
        fn a_command_without_placeholders_keeps_its_words(words in prop::collection::vec("[a-z{}$\" ]{1,8}", 1..4)) {
            let command = JobCommand::Argv(words);
            let applied = apply(&point(&[("KEY", "1")]), &command, Style::Config).unwrap();
            prop_assert_eq!(applied.command, command);
            prop_assert_eq!(applied.rest.len(), 1);
        }

        #[test]
        fn double_braces_and_values_come_through(before in "[a-z{} ]{0,8}", value in "[ -~]{0,8}") {
            // A word in which every brace was doubled, with a placeholder behind it.
            let escaped = before.replace('{', "{{").replace('}', "}}");
            let command = JobCommand::Argv(vec![format!("{escaped} {{KEY}}")]);
            let value = Scalar::text(&value);
            let applied = apply(&[("KEY".into(), value.clone())], &command, Style::Flags).unwrap();
            prop_assert_eq!(applied.command, JobCommand::Argv(vec![format!("{before} {value}")]));
        }

        #[test]
        fn a_shell_reads_each_value_as_it_was(value in "[ -~é\\n]{0,10}", place in 0usize..3) {
            let line = ["x {KEY}", "x '{KEY}'", "x \"{KEY}\""][place];
            let value = Scalar::text(&value);
            let applied = apply(&[("KEY".into(), value.clone())], &JobCommand::Shell(line.into()), Style::Flags);
            let JobCommand::Shell(line) = applied.unwrap().command else { panic!("a shell line stays one") };
            prop_assert_eq!(shell_word(&line[2..]), value.as_str());
        }
    }

    /// The one word that a POSIX shell (2.2 Quoting) would make of `text`.
    fn shell_word(text: &str) -> String {
        let mut word = String::new();
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\'' => word.extend(chars.by_ref().take_while(|c| *c != '\'')),
                '"' => {
                    while let Some(c) = chars.next().filter(|c| *c != '"') {
                        assert!(c != '$' && c != '`', "expanded: {text}");
                        let escapes =
                            c == '\\' && chars.peek().is_some_and(|next| "\\\"$`\n".contains(*next));
                        word.push(if escapes { chars.next().unwrap() } else { c });
                    }
                }
                '\\' => word.extend(chars.next()),
                c => {
                    assert!(!" \n\t|&;<>()$`*?[#~!{}".contains(c), "{c} stands unquoted in {text}");
                    word.push(c);
                }
            }
        }
        word
    }
}

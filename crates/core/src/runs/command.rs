//! Hyperparameters of a job from what it was started with.

use super::{Batch, Fact, Reader};
use crate::experiment::is_secret_name;
use crate::sweep::{Kind, Scalar};

/// The settings in the text of a config, by their dotted names; none if it can't be read.
#[must_use]
pub fn settings_of_config(text: &str) -> Vec<(String, Scalar)> {
    let Reader::Document(document) = super::settings::yaml(super::settings::nothing_else) else {
        return Vec::new();
    };
    let Batch { facts, .. } = document.read(text.as_bytes()).batch;
    facts
        .into_iter()
        .filter_map(|fact| match fact {
            Fact::Config { key, value } => Some((key, value)),
            _ => None,
        })
        .collect()
}

/// The settings among the words of a command: `--lr 0.1`, `--lr=0.1`, `optimizer.lr=0.1`, and `--amp` alone as true.
///
/// - A word that begins with a minus and is no number ends what stands before it.
/// - Names of secrets (`--api-key`) are left out.
/// - The first word is the program; what follows `--` is none of ours.
#[must_use]
pub fn settings_of_command(words: &[String]) -> Vec<(String, Scalar)> {
    let mut settings: Vec<(String, Scalar)> = Vec::new();
    let mut rest = words.iter().skip(1).map(String::as_str).take_while(|word| *word != "--").peekable();
    let mut put = |name: &str, value: Scalar| {
        let name = name.trim_start_matches('+');
        let plain = !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte))
            && name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
        if plain && !is_secret_name(&name.replace('-', "_")) {
            settings.retain(|(known, _)| known != name);
            settings.push((name.to_owned(), value));
        }
    };
    while let Some(word) = rest.next() {
        let (option, is_long) = match word.strip_prefix("--") {
            Some(option) => (option, true),
            None => (word, false),
        };
        match option.split_once('=') {
            Some((name, value)) if is_long || !word.starts_with('-') => put(name, Scalar::plain(value)),
            Some(_) => {}
            None if is_long => {
                let is_value = |next: &&str| !next.starts_with('-') || is_number(next);
                match rest.next_if(is_value) {
                    Some(value) => put(option, Scalar::plain(value)),
                    None => put(option, Scalar::plain("true")),
                }
            }
            None => {}
        }
    }
    settings
}

fn is_number(word: &str) -> bool {
    matches!(Scalar::plain(word).kind(), Kind::Int | Kind::Float)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &[(&str, &str)]) {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let found = settings_of_command(&words);
        let found: Vec<(&str, &str)> =
            found.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(found, expected, "{line}");
    }

    #[test]
    fn options_and_overrides_are_settings() {
        check("python train.py --lr 0.1 --epochs=3", &[("lr", "0.1"), ("epochs", "3")]);
        check("python train.py --amp --lr -1e-3", &[("amp", "true"), ("lr", "-1e-3")]);
        check("train optimizer.lr=0.1 +model.depth=3", &[("optimizer.lr", "0.1"), ("model.depth", "3")]);
        check("train --lr 1 --lr 2", &[("lr", "2")]);
        check("train --api-key abc --seed 1", &[("seed", "1")]);
        check("train -m pkg -O2 -x=3", &[]);
        check("train -- --lr 1", &[]);
        check("train a/b=c d?e=f", &[("a/b", "c")]);
    }

    #[test]
    fn a_config_gives_its_leaves() {
        let found = settings_of_config("optimizer:\n  lr: 0.1\nseed: 3\n");
        let found: Vec<_> = found.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(found, [("optimizer.lr", "0.1"), ("seed", "3")]);
        assert!(settings_of_config("a: [1, ").is_empty());
    }
}

//! Hiding credentials where a person may look over another's shoulder: command lines, log lines, messages.
//!
//! Told by form and never by entropy: a name that usually carries a credential before `=`, `:` or a space, and the
//! password in a URL. What has none of these forms is left as it is.

use crate::experiment::is_secret_name;

/// What stands in the place of a secret.
pub const MASK: &str = "•••";

/// A command line for people: the words joined by spaces, quoted where they hold spaces, secrets masked.
///
/// Masked are the value of `NAME=value` and `--name=value`, the word after `--name`, and the password in a URL.
#[must_use]
pub fn mask_command<S: AsRef<str>>(words: &[S]) -> String {
    let mut line = String::new();
    let mut next_is_secret = false;
    for word in words {
        let word = word.as_ref();
        if !line.is_empty() {
            line.push(' ');
        }
        let flag = word.starts_with('-');
        if std::mem::take(&mut next_is_secret) && !flag {
            line.push_str(MASK);
            continue;
        }
        if flag && !word.contains('=') {
            next_is_secret = is_secret_flag(word.trim_start_matches('-'));
        }
        let masked = if word.contains(char::is_whitespace) { mask_text(word) } else { mask_word(word) };
        let plain =
            !masked.is_empty() && !masked.contains(|c: char| c.is_whitespace() || "'\"\\".contains(c));
        match plain {
            true => line.push_str(&masked),
            false => {
                line.push('\'');
                line.push_str(&masked.replace('\'', r"'\''"));
                line.push('\'');
            }
        }
    }
    line
}

/// A line of text with its secrets masked: words as in [`mask_command`], and what follows `name:` or a flag.
#[must_use]
pub fn mask_text(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut next_is_secret = false;
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end_matches(char::is_whitespace);
        let space = &piece[word.len()..];
        if next_is_secret && !word.is_empty() && !word.starts_with('-') {
            masked.push_str(MASK);
            next_is_secret = false;
        } else if !word.is_empty() {
            let name = word.trim_start_matches('-');
            next_is_secret = match name.strip_suffix(':') {
                Some(name) => is_secret_flag(name),
                None => name.len() < word.len() && !word.contains('=') && is_secret_flag(name),
            };
            masked.push_str(&mask_word(word));
        }
        masked.push_str(space);
    }
    masked
}

fn mask_word(word: &str) -> String {
    if let Some((name, value)) = word.split_once('=')
        && !value.is_empty()
    {
        let bare = name.trim_start_matches('-');
        let is_secret = match bare.len() < name.len() {
            true => is_secret_flag(bare),
            false => is_secret_name(bare) || is_secret_flag(bare),
        };
        if is_secret {
            return format!("{name}={MASK}");
        }
    }
    mask_url(word)
}

/// The password of `scheme://user:password@host`.
fn mask_url(word: &str) -> String {
    let masked = || {
        let (scheme, rest) = word.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next()?;
        let (user, host) = authority.rsplit_once('@')?;
        let (name, _) = user.split_once(':')?;
        Some(format!("{scheme}://{name}:{MASK}@{host}{}", &rest[authority.len()..]))
    };
    masked().unwrap_or_else(|| word.to_owned())
}

/// Whether an option or a field of this name carries a credential. Stricter than [`is_secret_name`]: `--tokenizer`
/// and `--max-tokens` are everyday options of this field.
fn is_secret_flag(name: &str) -> bool {
    const WORDS: [&str; 9] =
        ["token", "secret", "password", "passwd", "passphrase", "credential", "credentials", "apikey", "pat"];
    const KEYS: [&str; 5] = ["api", "access", "private", "secret", "auth"];
    let lower = name.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_ascii_lowercase();
    let parts: Vec<&str> = lower.split(['-', '_', '.']).collect();
    let last = parts.last().copied().unwrap_or_default();
    WORDS.contains(&last) || parts.windows(2).any(|pair| KEYS.contains(&pair[0]) && pair[1] == "key")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn secrets_in_command_lines_are_masked() {
        for (words, expected) in [
            (&["python", "train.py", "--lr", "0.1"][..], "python train.py --lr 0.1"),
            (&["env", "HF_TOKEN=hf_abc", "python"], "env HF_TOKEN=••• python"),
            (&["x", "--api-key", "abc", "--lr=1"], "x --api-key ••• --lr=1"),
            (&["x", "--wandb_api_key=abc"], "x --wandb_api_key=•••"),
            (&["x", "--password", "--verbose"], "x --password --verbose"),
            (&["x", "--tokenizer", "bert", "--max-tokens=5"], "x --tokenizer bert --max-tokens=5"),
            (&["git", "clone", "https://me:pw@host/a?b"], "git clone https://me:•••@host/a?b"),
            (&["sh", "-c", "A_TOKEN=x run --token y it's"], r"sh -c 'A_TOKEN=••• run --token ••• it'\''s'"),
            (&["x", "model.auth.token=abc"], "x model.auth.token=•••"),
            (&["x", ""], "x ''"),
        ] {
            assert_eq!(mask_command(words), expected);
        }
    }

    #[test]
    fn secrets_in_lines_of_text_are_masked() {
        for (text, expected) in [
            ("loss 0.1 step 5", "loss 0.1 step 5"),
            ("token: abc  next", "token: •••  next"),
            ("using postgres://u:p@db/x now", "using postgres://u:•••@db/x now"),
            ("tokens: 512", "tokens: 512"),
            ("  AWS_SECRET_ACCESS_KEY=a\tb", "  AWS_SECRET_ACCESS_KEY=•••\tb"),
        ] {
            assert_eq!(mask_text(text), expected);
        }
    }

    proptest! {
        #[test]
        fn a_secret_never_comes_through(before in "[a-z ]{0,8}", secret in "[A-Z0-9]{8,20}", after in "( [a-z]{1,5}){0,3}") {
            for form in ["HF_TOKEN=@", "--password=@", "--api-key @", "token: @", "http://u:@@h"] {
                let text = format!("{before} {}{after}", form.replacen('@', &secret, 1));
                prop_assert!(!mask_text(&text).contains(&secret), "{text}");
                let words: Vec<&str> = text.split(' ').collect();
                if form != "token: @" {
                    prop_assert!(!mask_command(&words).contains(&secret), "{text}");
                }
            }
        }

        #[test]
        fn text_without_secrets_stays(text in "[a-z0-9 \t.,/-]{0,60}") {
            let flags = text.split_whitespace().any(|word| is_secret_flag(word.trim_start_matches('-')));
            prop_assume!(!flags);
            prop_assert_eq!(mask_text(&text), text);
        }
    }
}

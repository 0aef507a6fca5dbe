//! JSON as training libraries write it: with bare `NaN` and `Infinity`, and cut off in the middle while it is written.
//!
//! A cursor over the bytes that builds no tree, so that a document of many megabytes costs no more memory than its text.

use crate::sweep::Scalar;

/// How deep lists and mappings may be nested. Deeper ones are refused, as the stack has an end.
const DEEPEST: u32 = 96;

/// Bytes of a path that is told, at most.
pub(super) const LONGEST_PATH: usize = 4 << 10;
/// Bytes of all paths that one value gives, at most.
const MOST_PATHS: usize = 32 << 20;

/// Why reading stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// The text ends in the middle: perhaps it is still being written.
    Ended,
    /// It is not JSON, for this reason.
    Broken { at: usize, what: &'static str },
}

impl Fault {
    /// A clause for messages.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Ended => "it breaks off in the middle".into(),
            Self::Broken { at, what } => format!("it is not JSON: {what} at byte {at}"),
        }
    }
}

/// A value that holds no others.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Leaf<'a> {
    Null,
    Bool(bool),
    /// The number, and how it is written.
    Number(f64, &'a str),
    Text(String),
}

impl Leaf<'_> {
    /// The value as a setting.
    pub(super) fn scalar(&self) -> Scalar {
        match self {
            Self::Null => Scalar::plain("null"),
            Self::Bool(value) => Scalar::plain(if *value { "true" } else { "false" }),
            Self::Number(_, text) => Scalar::plain(text),
            Self::Text(text) => Scalar::text(text),
        }
    }

    pub(super) fn number(&self) -> Option<f64> {
        if let Self::Number(value, _) = self { Some(*value) } else { None }
    }

    pub(super) fn text(self) -> Option<String> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
}

type Result<T> = std::result::Result<T, Fault>;

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Map,
    List,
    Leaf,
}

/// A place in a JSON text.
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: u32,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        Self { bytes, at: 0, depth: 0 }
    }

    /// Whether nothing but blanks is left.
    pub(super) fn is_at_end(&mut self) -> bool {
        self.blanks();
        self.at == self.bytes.len()
    }

    fn blanks(&mut self) {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    fn peek(&mut self) -> Result<u8> {
        self.blanks();
        self.bytes.get(self.at).copied().ok_or(Fault::Ended)
    }

    fn broken<T>(&self, what: &'static str) -> Result<T> {
        Err(Fault::Broken { at: self.at, what })
    }

    /// What kind of value comes next.
    pub(super) fn next(&mut self) -> Result<Next> {
        Ok(match self.peek()? {
            b'{' => Next::Map,
            b'[' => Next::List,
            _ => Next::Leaf,
        })
    }

    /// Calls `each` at the value of every key of a mapping; it must take the value.
    pub(super) fn map(&mut self, mut each: impl FnMut(&mut Self, String) -> Result<()>) -> Result<()> {
        self.within(b'{', b'}', |cursor| {
            if cursor.peek()? != b'"' {
                return cursor.broken("a key in quotes is missing");
            }
            let key = cursor.string()?;
            if cursor.peek()? != b':' {
                return cursor.broken("a colon is missing");
            }
            cursor.at += 1;
            each(cursor, key)
        })
    }

    /// Calls `each` at every item of a list with its index; it must take the item.
    pub(super) fn list(&mut self, mut each: impl FnMut(&mut Self, usize) -> Result<()>) -> Result<()> {
        let mut index = 0;
        self.within(b'[', b']', |cursor| {
            index += 1;
            each(cursor, index - 1)
        })
    }

    fn within(&mut self, open: u8, close: u8, mut item: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        if self.peek()? != open {
            return self.broken("another kind of value is here than there should be");
        }
        if self.depth == DEEPEST {
            return self.broken("the nesting is too deep");
        }
        self.at += 1;
        self.depth += 1;
        if self.peek()? == close {
            self.at += 1;
        } else {
            loop {
                item(self)?;
                match self.peek()? {
                    b',' => self.at += 1,
                    byte if byte == close => {
                        self.at += 1;
                        break;
                    }
                    _ => return self.broken("a comma or the closing bracket is missing"),
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// Takes a value that holds no others.
    pub(super) fn leaf(&mut self) -> Result<Leaf<'a>> {
        if self.peek()? == b'"' {
            return Ok(Leaf::Text(self.string()?));
        }
        let start = self.at;
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        let length = self.bytes[start..].iter().take_while(|byte| is_word(byte)).count();
        let word = std::str::from_utf8(&self.bytes[start..start + length]).unwrap_or_default();
        let leaf = match word {
            "null" | "None" => Leaf::Null,
            "true" | "True" => Leaf::Bool(true),
            "false" | "False" => Leaf::Bool(false),
            "NaN" | "nan" => Leaf::Number(f64::NAN, word),
            "Infinity" | "inf" => Leaf::Number(f64::INFINITY, word),
            "-Infinity" | "-inf" => Leaf::Number(f64::NEG_INFINITY, word),
            // At the very end it may be the beginning of a longer one.
            _ if start + length == self.bytes.len() => return Err(Fault::Ended),
            _ => match word.parse() {
                Ok(number) if length <= 400 => Leaf::Number(number, word),
                _ => return self.broken("this is no value"),
            },
        };
        self.at += length;
        Ok(leaf)
    }

    /// Passes over a value, whatever it is.
    pub(super) fn skip(&mut self) -> Result<()> {
        match self.next()? {
            Next::Map => self.map(|cursor, _| cursor.skip()),
            Next::List => self.list(|cursor, _| cursor.skip()),
            Next::Leaf => self.leaf().map(drop),
        }
    }

    /// Takes a value and tells of every leaf in it with its path. Items of lists have their index as a key if `lists`,
    /// else lists are passed over. Not told are leaves with a path beyond [`LONGEST_PATH`], and those after which all
    /// paths together would have more than [`MOST_PATHS`] bytes: a long name before a long list would be repeated for
    /// each of its items.
    pub(super) fn leaves(
        &mut self,
        path: &mut String,
        separator: char,
        lists: bool,
        each: &mut dyn FnMut(&str, Leaf<'a>),
    ) -> Result<()> {
        let mut left = MOST_PATHS;
        let mut bounded = |path: &str, leaf: Leaf<'a>| {
            if path.len() <= LONGEST_PATH && path.len() <= left {
                left -= path.len();
                each(path, leaf);
            }
        };
        self.leaves_in(path, separator, lists, &mut bounded)
    }

    fn leaves_in(
        &mut self,
        path: &mut String,
        separator: char,
        lists: bool,
        each: &mut dyn FnMut(&str, Leaf<'a>),
    ) -> Result<()> {
        let length = path.len();
        let extend = |path: &mut String, key: &str| {
            if length > 0 {
                path.push(separator);
            }
            path.push_str(key);
        };
        match self.next()? {
            Next::Map => self.map(|cursor, key| {
                extend(path, &key);
                let taken = cursor.leaves_in(path, separator, lists, each);
                path.truncate(length);
                taken
            }),
            Next::List if lists => self.list(|cursor, index| {
                extend(path, &index.to_string());
                let taken = cursor.leaves_in(path, separator, lists, each);
                path.truncate(length);
                taken
            }),
            Next::List => self.skip(),
            Next::Leaf => {
                let leaf = self.leaf()?;
                each(path, leaf);
                Ok(())
            }
        }
    }

    fn string(&mut self) -> Result<String> {
        self.at += 1;
        let mut text = Vec::new();
        loop {
            let rest = &self.bytes[self.at..];
            let Some(plain) = memchr::memchr2(b'"', b'\\', rest) else { return Err(Fault::Ended) };
            self.at += plain;
            if rest[plain] == b'"' {
                self.at += 1;
                if text.is_empty() {
                    return Ok(String::from_utf8_lossy(&rest[..plain]).into_owned());
                }
                text.extend_from_slice(&rest[..plain]);
                return Ok(String::from_utf8_lossy(&text).into_owned());
            }
            text.extend_from_slice(&rest[..plain]);
            self.escape(&mut text)?;
        }
    }

    fn escape(&mut self, text: &mut Vec<u8>) -> Result<()> {
        let byte = *self.bytes.get(self.at + 1).ok_or(Fault::Ended)?;
        self.at += 2;
        let plain = match byte {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'b' => 8,
            b'f' => 12,
            b'"' | b'\\' | b'/' => byte,
            b'u' => {
                let mut code = self.hex()?;
                // A pair of surrogates is one character.
                if (0xd800..0xdc00).contains(&code) && self.bytes[self.at..].starts_with(b"\\u") {
                    self.at += 2;
                    let low = self.hex()?;
                    code = 0x10000 + ((code - 0xd800) << 10) + (low.wrapping_sub(0xdc00) & 0x3ff);
                }
                let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
                text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            _ => return self.broken("an unknown escape"),
        };
        text.push(plain);
        Ok(())
    }

    fn hex(&mut self) -> Result<u32> {
        let digits = self.bytes.get(self.at..self.at + 4).ok_or(Fault::Ended)?;
        let code = std::str::from_utf8(digits).ok().and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let Some(code) = code else { return self.broken("an escape without four hexadecimal digits") };
        self.at += 4;
        Ok(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn leaves(text: &str) -> Result<Vec<String>> {
        let mut found = Vec::new();
        let mut cursor = Cursor::new(text.as_bytes());
        cursor.leaves(&mut String::new(), '.', true, &mut |path, leaf| {
            found.push(format!("{path}={leaf:?}"))
        })?;
        Ok(found)
    }

    #[test]
    fn values_are_told_with_their_paths() {
        let found =
            leaves(r#" {"a": {"b": [1, -Infinity, NaN]}, "c": "x\ud83d\ude00\n", "d": null, "e": {}} "#);
        let expected = [
            r#"a.b.0=Number(1.0, "1")"#,
            r#"a.b.1=Number(-inf, "-Infinity")"#,
            r#"a.b.2=Number(NaN, "NaN")"#,
            r#"c=Text("x😀\n")"#,
            "d=Null",
        ];
        assert_eq!(found.expect("it is JSON"), expected);
    }

    #[test]
    fn what_breaks_off_is_not_what_is_wrong() {
        for text in ["", "{", "{\"a", "{\"a\": 1", "{\"a\": [1,", "{\"a\": \"\\u12"] {
            assert_eq!(leaves(text), Err(Fault::Ended), "{text}");
        }
        for text in ["{a: 1}", "{\"a\" 1}", "[1 2]", "[1,]", "{\"a\": what}", &"[".repeat(1000)] {
            assert!(matches!(leaves(text), Err(Fault::Broken { .. })), "{text}");
        }
    }

    proptest! {
        #[test]
        fn it_reads_what_serde_writes(map in proptest::collection::btree_map("\\PC{0,6}", -1e300f64..1e300, 1..5)) {
            let text = serde_json::to_string(&map).expect("written");
            let mut found = std::collections::BTreeMap::new();
            let mut cursor = Cursor::new(text.as_bytes());
            cursor.map(|cursor, key| {
                found.insert(key, cursor.leaf()?.number().unwrap_or(f64::NAN));
                Ok(())
            }).expect("it is JSON");
            prop_assert_eq!(found, map);
        }

        #[test]
        fn no_input_panics(bytes: Vec<u8>) {
            let _ = Cursor::new(&bytes).leaves(&mut String::new(), '.', true, &mut |_, _| {});
        }
    }
}

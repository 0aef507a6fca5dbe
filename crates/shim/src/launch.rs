//! The request to a nursery: start a supervisor with this command line and this environment.
//!
//! A nursery (`athanor-shim --nursery`) is a process that does nothing but fork supervisors: a fork of a process that
//! small costs a fraction of starting a program. It reads requests from its standard input, a stream socket whose
//! other end the engine holds, and ends when that closes. Each request is a head of fixed size, together with the
//! supervisor's status descriptor (`SCM_RIGHTS`), then the words.
//!
//! There is no answer. The supervisor answers through its status descriptor; when that closes without a word nothing
//! was started, or nothing is known, and the attempt's folder says which.
//!
//! The same request, without a descriptor, goes to a supervisor that has ended a job and waits for another.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// Size of a head, bytes: three numbers of four bytes, the lowest first.
pub const HEAD: usize = 12;

/// Longest body that is taken, bytes. The system starts no program with a longer command line and environment unless
/// its limit on the stack was raised.
pub const LONGEST: usize = 8 << 20;

/// Words or variables, each with its closing zero.
pub type Strings<'a> = Vec<&'a [u8]>;

/// The first part of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Length of the body, bytes.
    pub len: usize,
    /// Words of the supervisor's command line, without its name; the body begins with them.
    pub words: usize,
    /// Variables of the environment, each `NAME=VALUE`.
    pub variables: usize,
}

impl Head {
    /// Reads a head; `None` if it is none of ours or announces too much.
    #[must_use]
    pub fn parse(bytes: &[u8; HEAD]) -> Option<Head> {
        let number = |at: usize| {
            let bytes = bytes.get(at..at + 4)?.try_into().ok()?;
            usize::try_from(u32::from_le_bytes(bytes)).ok()
        };
        let head = Head { len: number(0)?, words: number(4)?, variables: number(8)? };
        // Every string takes a byte at least.
        (head.len <= LONGEST && head.words.checked_add(head.variables)? <= head.len).then_some(head)
    }

    /// The words of a body, each still with its closing zero, command line first; `None` if the body is damaged.
    #[must_use]
    pub fn split<'a>(&self, body: &'a [u8]) -> Option<(Strings<'a>, Strings<'a>)> {
        let mut strings: Vec<&[u8]> = body.split_inclusive(|byte| *byte == 0).collect();
        let whole = body.len() == self.len
            && strings.len() == self.words + self.variables
            && strings.last().is_none_or(|last| last.ends_with(&[0]));
        whole.then(|| {
            let variables = strings.split_off(self.words);
            (strings, variables)
        })
    }
}

/// A word of a split body as the system's strings are.
#[must_use]
pub fn word(bytes: &[u8]) -> OsString {
    OsString::from_vec(bytes.strip_suffix(&[0]).unwrap_or(bytes).to_vec())
}

/// A request in the making.
#[derive(Debug)]
pub struct Request {
    bytes: Vec<u8>,
    words: u32,
    variables: u32,
}

impl Default for Request {
    fn default() -> Request {
        let mut bytes = Vec::with_capacity(4096);
        bytes.resize(HEAD, 0);
        Request { bytes, words: 0, variables: 0 }
    }
}

impl Request {
    /// Adds a word of the supervisor's command line.
    #[must_use]
    pub fn word(mut self, word: impl AsRef<OsStr>) -> Request {
        self.bytes.extend_from_slice(word.as_ref().as_bytes());
        self.bytes.push(0);
        self.words += 1;
        self
    }

    /// Adds a variable of the environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Request {
        for part in [name.as_bytes(), b"=", value.as_bytes(), &[0]] {
            self.bytes.extend_from_slice(part);
        }
        self.variables += 1;
        self
    }

    /// The bytes to send; `None` where a string holds a zero byte or all is too long, which no program can be started
    /// with.
    #[must_use]
    pub fn finish(mut self) -> Option<Vec<u8>> {
        let (head, body) = self.bytes.split_at_mut(HEAD);
        let len = u32::try_from(body.len()).ok().filter(|_| body.len() <= LONGEST)?;
        let zeros = body.iter().filter(|byte| **byte == 0).count();
        if u32::try_from(zeros).ok()? != self.words.checked_add(self.variables)? {
            return None;
        }
        for (place, number) in head.chunks_exact_mut(4).zip([len, self.words, self.variables]) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        Some(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(bytes: &[u8]) -> Option<Head> {
        Head::parse(bytes[..HEAD].try_into().expect("a head"))
    }

    #[test]
    fn a_request_reads_back_and_no_cut_does() {
        let request =
            Request::default().word("--dir").word("/a b").word("").variable("A", "1=2").variable("B", "");
        let bytes = request.finish().expect("nothing is wrong with it");
        let head = head(&bytes).expect("a head");
        let body = &bytes[HEAD..];
        let (words, variables) = head.split(body).expect("whole");
        assert_eq!(words.into_iter().map(word).collect::<Vec<_>>(), ["--dir", "/a b", ""]);
        assert_eq!(variables, [&b"A=1=2\0"[..], b"B=\0"]);
        for cut in 0..body.len() {
            assert_eq!(head.split(&body[..cut]), None, "cut at {cut}");
        }
    }

    #[test]
    fn what_no_program_can_be_started_with_is_refused() {
        assert_eq!(Request::default().word("a\0b").finish(), None);
        assert_eq!(Request::default().word("a").variable("A", "1\0B=2").finish(), None);
        assert_eq!(Request::default().word("a".repeat(LONGEST)).finish(), None);
        assert!(Request::default().word("a".repeat(LONGEST - 1)).finish().is_some());
        assert_eq!(head(&[255; HEAD]), None, "longer than anything that is sent");
        assert_eq!(head(&[1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]), None, "two words need two bytes");
    }
}

//! The command line of the desktop program. It is short: everything else is `athanor`'s.

use std::ffi::OsString;

const HELP: &str = "\
The window of Athanor, which queues experiments, runs them and shows them live.

Usage: athanor-desktop [--hidden]

  --hidden   start into the tray, without opening the window
  --version  print the version
  --help     print this

ATHANOR_HOME names the folder with all data. The command line is “athanor”.";

/// What the program was started with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Arguments {
    /// Start into the tray.
    pub hidden: bool,
}

impl Arguments {
    /// Reads the arguments after the program's name. `None` if they only asked for a text, which is printed.
    ///
    /// # Errors
    /// An argument is unknown, in words for the user.
    pub fn parse(given: impl IntoIterator<Item = OsString>) -> Result<Option<Self>, String> {
        let mut arguments = Self::default();
        for argument in given {
            match argument.to_str() {
                Some("--hidden") => arguments.hidden = true,
                Some("--help" | "-h") => {
                    println!("{HELP}");
                    return Ok(None);
                }
                Some("--version" | "-V") => {
                    println!("athanor-desktop {}", env!("CARGO_PKG_VERSION"));
                    return Ok(None);
                }
                _ => return Err(format!("unknown argument {}; see --help", argument.display())),
            }
        }
        Ok(Some(arguments))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_known_or_refused() {
        let parse = |given: &[&str]| Arguments::parse(given.iter().map(OsString::from));
        assert_eq!(parse(&[]), Ok(Some(Arguments { hidden: false })));
        assert_eq!(parse(&["--hidden"]), Ok(Some(Arguments { hidden: true })));
        assert!(parse(&["--hiden"]).expect_err("a slip").contains("--hiden"));
    }
}

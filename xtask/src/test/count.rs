//! Counts passed and failed tests from what test programs print.

/// How many tests passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub passed: usize,
    pub failed: usize,
}

impl Count {
    /// Adds the tests of another program.
    pub fn add(&mut self, other: Count) {
        self.passed += other.passed;
        self.failed += other.failed;
    }

    /// Adds what `line` tells, if it is a summary line of a known kind of test program:
    ///
    /// - cargo test: `test result: ok. 3 passed; 0 failed; 0 ignored; …`
    /// - cargo nextest: `Summary [ 0.1s] 3 tests run: 3 passed, 0 skipped`
    /// - vitest: `Tests  1 failed | 3 passed (4)`
    /// - Node's own: `# pass 3` and `# fail 0`
    /// - Python's unittest: `Ran 3 tests in 0.1s`, then `OK` or `FAILED (failures=1, errors=1)`
    /// - a plain `3 passed, 0 failed`
    pub fn read(&mut self, line: &str) {
        let line = without_escapes(line);
        let line = line.trim();
        let words: Vec<&str> = line.split(|c: char| c.is_whitespace() || "(),;|".contains(c)).collect();
        let number_before = |word: &str| {
            words.windows(2).find(|pair| pair[1] == word).and_then(|pair| pair[0].parse().ok()).unwrap_or(0)
        };
        if ["test result:", "Summary [", "Tests "].iter().any(|start| line.starts_with(start))
            || (words.get(1) == Some(&"passed") && words[0].parse::<usize>().is_ok())
        {
            self.passed += number_before("passed");
            self.failed += number_before("failed");
        } else if let [mark, word, number] = words[..]
            && ["#", "ℹ"].contains(&mark)
            && let Ok(number) = number.parse::<usize>()
        {
            match word {
                "pass" => self.passed += number,
                "fail" => self.failed += number,
                _ => {}
            }
        } else if let ["Ran", number, ..] = words[..] {
            self.passed += number.parse().unwrap_or(0);
        } else if line.starts_with("FAILED (") || line.starts_with("OK (") {
            // These are among the tests that were run.
            for word in &words {
                let Some((what, number)) = word.split_once('=') else { continue };
                let number: usize = number.parse().unwrap_or(0);
                if ["failures", "errors"].contains(&what) {
                    self.failed += number;
                }
                if ["failures", "errors", "skipped"].contains(&what) {
                    self.passed = self.passed.saturating_sub(number);
                }
            }
        }
    }
}

/// `line` without the sequences that colour a terminal.
fn without_escapes(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        if c != '\u{1b}' {
            plain.push(c);
        } else if rest.next() == Some('[') {
            // Up to the letter that ends the sequence.
            for c in rest.by_ref() {
                if c.is_ascii_alphabetic() {
                    break;
                }
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lines: &[&str], passed: usize, failed: usize) {
        let mut count = Count::default();
        for line in lines {
            count.read(line);
        }
        assert_eq!(count, Count { passed, failed }, "{lines:?}");
    }

    #[test]
    fn summaries_of_each_kind() {
        check(&["test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; finished in 0.00s"], 12, 0);
        check(
            &["test result: FAILED. 3 passed; 2 failed; 0 ignored", "test result: ok. 4 passed; 0 failed"],
            7,
            2,
        );
        check(&["     Summary [   0.123s] 12 tests run: 10 passed (1 slow), 2 failed, 3 skipped"], 10, 2);
        check(&["     Summary [   0.123s] 1 test run: 1 passed, 0 skipped"], 1, 0);
        check(&[" Test Files  2 passed (2)", "      Tests  12 passed (12)"], 12, 0);
        check(&["      Tests  1 failed | 11 passed | 2 skipped (14)"], 11, 1);
        check(&["\u{1b}[2m      Tests \u{1b}[22m \u{1b}[1m\u{1b}[32m5 passed\u{1b}[39m\u{1b}[22m (5)"], 5, 0);
        check(&["# tests 9", "# pass 8", "# fail 1", "# skipped 0"], 8, 1);
        check(&["ℹ pass 8", "ℹ fail 0"], 8, 0);
        check(&["Ran 13 tests in 2.9s", "", "OK"], 13, 0);
        check(&["Ran 13 tests in 2.9s", "", "FAILED (failures=2, errors=1, skipped=1)"], 9, 3);
        check(&["Ran 3 tests in 0.1s", "OK (skipped=1)"], 2, 0);
        check(&["7 passed, 1 failed"], 7, 1);
    }

    #[test]
    fn other_lines_count_nothing() {
        let lines = [
            "test a::b ... ok",
            "PASS [ 0.1s] x y",
            "the job passed",
            "1 test failed to build",
            "",
            "# pass it on",
        ];
        check(&lines, 0, 0);
    }
}

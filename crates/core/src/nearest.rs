//! The known word that somebody probably meant.

/// The word of `known` that is nearest to `word`, if it is near enough to be meant: at most a third of its letters
/// differ, or one is the beginning of the other.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase().replace('-', "_");
    let most = (word.chars().count() / 3).max(1);
    known
        .into_iter()
        .filter_map(|known| {
            let distance = distance(&word, known);
            let begins = word.len() >= 3 && (known.starts_with(&word) || word.starts_with(known));
            (distance <= most || begins).then_some((distance, known))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// Letters to be inserted, removed, replaced or swapped with their neighbour to get from one word to the other
/// (optimal string alignment, Damerau 1964).
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let mut least = (above[j] + usize::from(a != b)).min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == to[j - 1] && from[i - 1] == *b {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_keyboard_are_understood_and_other_words_are_not() {
        let known = ["gpu_count", "gpu_memory_gb", "command", "estimated_runtime_hours", "name"];
        for (word, meant) in [
            ("gpu_cout", Some("gpu_count")),
            ("GPU-Count", Some("gpu_count")),
            ("comand", Some("command")),
            ("nmae", Some("name")),
            ("estimated", Some("estimated_runtime_hours")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), meant, "{word}");
        }
    }

    #[test]
    fn a_swap_is_one_step() {
        assert_eq!(distance("ab", "ba"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }
}

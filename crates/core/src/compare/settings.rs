//! The settings of several runs.

use std::collections::BTreeMap;

use super::{Change, Value, changes, natural};

/// A setting of several runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its name; levels are joined by points.
    pub key: String,
    /// Its value in each run.
    pub values: Vec<Option<Value>>,
    /// What became of it in each, compared with the baseline.
    pub changes: Vec<Change>,
    /// Not all of the runs have it alike.
    pub differs: bool,
}

/// All settings that some run has, by name.
pub(super) fn settings(runs: Vec<Vec<(String, Value)>>, baseline: usize) -> Vec<Row> {
    let count = runs.len();
    let mut by_key: BTreeMap<String, Vec<Option<Value>>> = BTreeMap::new();
    for (place, settings) in runs.into_iter().enumerate() {
        for (key, value) in settings {
            by_key.entry(key).or_insert_with(|| vec![None; count])[place] = Some(value);
        }
    }
    let row = |(key, values): (String, Vec<Option<Value>>)| {
        let (changes, differs) = changes(&values, baseline, Value::same);
        Row { key, values, changes, differs }
    };
    let mut rows: Vec<Row> = by_key.into_iter().map(row).collect();
    rows.sort_by(|a, b| natural(&a.key, &b.key));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_laid_beside_each_other() {
        let run = |settings: &[(&str, f64)]| {
            settings.iter().map(|(key, value)| ((*key).to_owned(), Value::Number(*value))).collect()
        };
        let runs = vec![
            run(&[("lr", 0.1), ("epochs", 3.0), ("old", 1.0)]),
            run(&[("lr", 1e-1), ("epochs", 4.0), ("new", 1.0)]),
        ];
        let rows = settings(runs, 0);
        let told: Vec<_> = rows.iter().map(|row| (row.key.as_str(), row.changes[1], row.differs)).collect();
        assert_eq!(
            told,
            [
                ("epochs", Change::Changed, true),
                ("lr", Change::Same, false),
                ("new", Change::Added, true),
                ("old", Change::Removed, true),
            ]
        );
    }
}

//! Which runs are repetitions of each other, and what runs and groups are called among others.

use std::collections::BTreeMap;

use super::words::{plural, value_words};
use super::{Row, Value};

/// Runs that are compared as one.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// What sets it apart from the others.
    pub label: String,
    /// Places of its runs, in order.
    pub runs: Vec<usize>,
    /// What its runs agree in and not all groups have alike.
    pub values: Vec<(String, Option<Value>)>,
    /// Seeds of its runs.
    pub seeds: Vec<Option<Value>>,
}

/// Values that a label names at most.
const NAMED: usize = 3;

/// The last part of a dotted name, in small letters.
fn last(key: &str) -> String {
    key.rsplit(['.', '/']).next().unwrap_or(key).to_lowercase()
}

/// Whether a setting is what a repetition of the same experiment has another value of: `seed`, `random_seed`,
/// `data.rng_seed`, `random_state`.
#[must_use]
pub fn is_seed(key: &str) -> bool {
    let last = last(key);
    last == "random_state"
        || last.split(|c: char| !c.is_alphanumeric()).any(|word| matches!(word, "seed" | "seeds"))
}

/// Whether a setting makes no other experiment of a run: a seed, a name, or where its results go.
#[must_use]
pub fn is_set_aside(key: &str) -> bool {
    const PLACES: [&str; 30] = [
        "outputdir",
        "outdir",
        "outputpath",
        "logdir",
        "logpath",
        "logfile",
        "savedir",
        "savepath",
        "rundir",
        "runname",
        "runid",
        "expname",
        "expdir",
        "experimentname",
        "experimentid",
        "jobid",
        "jobname",
        "resultsdir",
        "resultdir",
        "workdir",
        "checkpointdir",
        "ckptdir",
        "defaultrootdir",
        "timestamp",
        "starttime",
        "hostname",
        "pid",
        "masterport",
        "wandbid",
        "wandbname",
    ];
    let last: String = last(key).chars().filter(|c| c.is_alphanumeric()).collect();
    is_seed(key) || PLACES.contains(&last.as_str()) || key == "name" || key.starts_with("_wandb")
}

/// Two values that are the same have the same of these.
fn identity(value: Option<&Value>) -> (u8, u64, &str) {
    match value {
        None => (0, 0, ""),
        Some(Value::Bool(yes)) => (1, u64::from(*yes), ""),
        Some(Value::Number(number)) if number.is_nan() => (2, 0, ""),
        // 0 and −0 are the same.
        Some(Value::Number(number)) => (3, (number + 0.0).to_bits(), ""),
        Some(Value::Text(text)) => (4, 0, text),
    }
}

/// Groups of runs that agree in these columns, that of the baseline first, then in the order of their first runs.
/// `rows` are all settings of the runs, `names` what these are called among each other. One that stands `apart` is a group
/// of its own: nothing is known that it could have in common with others.
pub(super) fn groups(
    columns: &[(&str, &[Option<Value>])],
    rows: &[Row],
    names: &[String],
    baseline: usize,
    apart: &[bool],
) -> Vec<Group> {
    let count = names.len();
    let mut found: BTreeMap<Vec<(u8, u64, &str)>, Vec<usize>> = BTreeMap::new();
    for run in 0..count {
        let mut key: Vec<(u8, u64, &str)> =
            columns.iter().map(|(_, values)| identity(values.get(run).and_then(Option::as_ref))).collect();
        if apart.get(run) == Some(&true) {
            key.push((5, run as u64, ""));
        }
        found.entry(key).or_default().push(run);
    }
    let mut members: Vec<Vec<usize>> = found.into_values().collect();
    members.sort_by_key(|runs| (!runs.contains(&baseline), runs.first().copied()));
    let differing: Vec<&(&str, &[Option<Value>])> = columns
        .iter()
        .filter(|(_, values)| {
            values.iter().any(|value| identity(value.as_ref()) != identity(values[0].as_ref()))
        })
        .collect();
    let single = members.iter().all(|runs| runs.len() == 1);
    let short = short_names(&differing.iter().map(|(key, _)| *key).take(NAMED).collect::<Vec<_>>());
    let group = |runs: Vec<usize>| {
        let first = runs[0];
        let values: Vec<(String, Option<Value>)> =
            differing.iter().map(|(key, values)| ((*key).to_owned(), values[first].clone())).collect();
        let label = match values.len() {
            _ if single || apart.get(first) == Some(&true) => names[first].clone(),
            0 => plural(runs.len(), "run"),
            1..=NAMED => {
                let named = values.iter().zip(&short).map(|((_, value), key)| said(key, value.as_ref()));
                named.collect::<Vec<_>>().join(", ")
            }
            _ if runs.len() == 1 => names[first].clone(),
            _ => format!("{} and {} like it", names[first], runs.len() - 1),
        };
        Group { label, values, seeds: seeds(rows, &runs), runs }
    };
    members.into_iter().map(group).collect()
}

fn said(key: &str, value: Option<&Value>) -> String {
    match value {
        Some(value) => format!("{key}={}", value_words(value)),
        None => format!("no {key}"),
    }
}

/// A few keys by their last parts, where these tell them apart.
fn short_names(keys: &[&str]) -> Vec<String> {
    let tail = |key: &str| key.rsplit(['.', '/']).next().unwrap_or(key).to_owned();
    let each = |key: &&str| {
        let short = tail(key);
        // `name` alone says nothing, nor does the place in a list.
        let says = short.len() > 1 && short != "name" && !short.bytes().all(|b| b.is_ascii_digit());
        if says && keys.iter().filter(|other| tail(other) == short).count() == 1 {
            short
        } else {
            (*key).to_owned()
        }
    };
    keys.iter().map(each).collect()
}

/// What these runs have as their seed: one value, or several in a text.
fn seeds(rows: &[Row], runs: &[usize]) -> Vec<Option<Value>> {
    let seeds: Vec<&Row> = rows.iter().filter(|row| is_seed(&row.key)).collect();
    let differing: Vec<&Row> = seeds.iter().copied().filter(|row| row.differs).collect();
    let counted = if differing.is_empty() { seeds } else { differing };
    let of = |run: &usize| match counted.as_slice() {
        [one] => one.values[*run].clone(),
        several => {
            let all: Option<Vec<String>> =
                several.iter().map(|row| row.values[*run].as_ref().map(value_words)).collect();
            all.filter(|all| !all.is_empty()).map(|all| Value::Text(all.join("/")))
        }
    };
    runs.iter().map(of).collect()
}

/// What runs are called among each other: their names and, where several have the same, the settings that tell these
/// apart, the seed before others; or else the beginning of their uids.
pub(super) fn labels(names: &[String], uids: &[String], rows: &[Row]) -> Vec<String> {
    let mut same: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, name) in names.iter().enumerate() {
        same.entry(name).or_default().push(place);
    }
    let mut labels = names.to_vec();
    for places in same.into_values().filter(|places| places.len() > 1) {
        let of = |row: &Row, place: usize| row.values[place].as_ref().map_or_else(String::new, value_words);
        let mut telling: Vec<&Row> = rows
            .iter()
            .filter(|row| places.iter().any(|place| of(row, *place) != of(row, places[0])))
            .filter(|row| is_seed(&row.key) || !is_set_aside(&row.key))
            .collect();
        // Those that others can see at a glance.
        telling
            .sort_by_key(|row| (!is_seed(&row.key), places.iter().map(|place| of(row, *place).len()).max()));
        telling.truncate(NAMED);
        let short = short_names(&telling.iter().map(|row| row.key.as_str()).collect::<Vec<_>>());
        let mut used = 0;
        let suffix = |place: usize, used: usize| {
            let parts = telling.iter().zip(&short).take(used);
            parts.map(|(row, key)| said(key, row.values[place].as_ref())).collect::<Vec<_>>().join(", ")
        };
        while used < telling.len() && !all_differ(places.iter().map(|place| suffix(*place, used))) {
            used += 1;
        }
        let told = all_differ(places.iter().map(|place| suffix(*place, used)));
        for place in places {
            let suffix = suffix(place, used);
            let uid: String = uids[place].chars().take(6).collect();
            labels[place] = match told {
                true => format!("{} ({suffix})", names[place]),
                false => format!("{} ({uid})", names[place]),
            };
        }
    }
    labels
}

fn all_differ(words: impl Iterator<Item = String>) -> bool {
    let mut all: Vec<String> = words.collect();
    let count = all.len();
    all.sort();
    all.dedup();
    all.len() == count
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::settings::settings;
    use super::*;

    fn run(settings: &[(&str, &str)]) -> Vec<(String, Value)> {
        let value = |text: &str| text.parse().map_or_else(|_| Value::Text(text.into()), Value::Number);
        settings.iter().map(|(key, text)| ((*key).to_owned(), value(text))).collect()
    }

    fn grouped(runs: &[&[(&str, &str)]], baseline: usize) -> Vec<Group> {
        let rows = settings(runs.iter().map(|settings| run(settings)).collect(), baseline);
        let columns: Vec<(&str, &[Option<Value>])> = rows
            .iter()
            .filter(|row| !is_set_aside(&row.key))
            .map(|row| (row.key.as_str(), row.values.as_slice()))
            .collect();
        let names: Vec<String> = (0..runs.len()).map(|place| format!("run {place}")).collect();
        groups(&columns, &rows, &names, baseline, &[])
    }

    #[test]
    fn seeds_and_places_make_no_other_experiment() {
        for key in
            ["seed", "random_seed", "data.rng-seed", "random_state", "train.seed_everything", "model/seed"]
        {
            assert!(is_seed(key), "{key}");
        }
        for key in
            ["output_dir", "trainer.default_root_dir", "log_dir", "run_name", "name", "_wandb.value.cli"]
        {
            assert!(is_set_aside(key) && !is_seed(key), "{key}");
        }
        for key in ["lr", "model.name", "seedling", "seed_size.x", "data.dir"] {
            assert!(!is_set_aside(key), "{key}");
        }
    }

    #[test]
    fn repetitions_are_one_group_and_the_baselines_comes_first() {
        let all = grouped(
            &[
                &[("optim.lr", "0.1"), ("seed", "1"), ("out_dir", "a")],
                &[("optim.lr", "1e-2"), ("seed", "1"), ("out_dir", "b")],
                &[("optim.lr", "0.10"), ("seed", "2"), ("out_dir", "c")],
                &[("optim.lr", "0.01"), ("seed", "2"), ("out_dir", "d"), ("kd", "true")],
            ],
            1,
        );
        let told: Vec<_> = all.iter().map(|group| (group.label.as_str(), group.runs.clone())).collect();
        assert_eq!(
            told,
            [("no kd, lr=0.01", vec![1]), ("no kd, lr=0.1", vec![0, 2]), ("kd=true, lr=0.01", vec![3])]
        );
        assert_eq!(all[1].seeds, [Some(Value::Number(1.0)), Some(Value::Number(2.0))]);
    }

    #[test]
    fn single_runs_go_by_their_names() {
        let all = grouped(&[&[("lr", "1")], &[("lr", "2")]], 0);
        assert_eq!(all.iter().map(|group| group.label.as_str()).collect::<Vec<_>>(), ["run 0", "run 1"]);
        assert_eq!(all[0].seeds, [None]);
        assert_eq!(grouped(&[&[("lr", "1")], &[("lr", "1")]], 0)[0].label, "2 runs");
    }

    #[test]
    fn names_that_are_the_same_are_told_apart() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let uids = names(&["raaaaaaaaa", "rbbbbbbbbb", "rccccccccc"]);
        let rows = settings(
            vec![
                run(&[("seed", "1"), ("optim.lr", "0.1")]),
                run(&[("seed", "2"), ("optim.lr", "0.1")]),
                run(&[("seed", "1"), ("optim.lr", "0.2")]),
            ],
            0,
        );
        assert_eq!(
            labels(&names(&["base", "base", "other"]), &uids, &rows),
            ["base (seed=1)", "base (seed=2)", "other"]
        );
        assert_eq!(
            labels(&names(&["base", "base", "base"]), &uids, &rows),
            ["base (seed=1, lr=0.1)", "base (seed=2, lr=0.1)", "base (seed=1, lr=0.2)"]
        );
        assert_eq!(labels(&names(&["x", "x", "y"]), &uids, &[]), ["x (raaaaa)", "x (rbbbbb)", "y"]);
    }

    proptest! {
        #[test]
        fn every_run_is_in_one_group(values in prop::collection::vec((0..3_u8, 0..2_u8), 1..10), baseline in 0_usize..10) {
            let baseline = baseline % values.len();
            let runs: Vec<Vec<(String, String)>> = values
                .iter()
                .map(|(lr, kd)| vec![("lr".into(), lr.to_string()), ("kd".into(), kd.to_string())])
                .collect();
            let runs: Vec<Vec<(&str, &str)>> =
                runs.iter().map(|run| run.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()).collect();
            let runs: Vec<&[(&str, &str)]> = runs.iter().map(Vec::as_slice).collect();
            let all = grouped(&runs, baseline);
            prop_assert!(all[0].runs.contains(&baseline));
            let mut places: Vec<usize> = all.iter().flat_map(|group| group.runs.clone()).collect();
            places.sort_unstable();
            prop_assert_eq!(places, (0..values.len()).collect::<Vec<_>>());
            for group in &all {
                prop_assert!(group.runs.iter().all(|run| values[*run] == values[group.runs[0]]));
            }
            let mut labels: Vec<&str> = all.iter().map(|group| group.label.as_str()).collect();
            labels.sort_unstable();
            labels.dedup();
            prop_assert_eq!(labels.len(), all.len());
        }
    }
}

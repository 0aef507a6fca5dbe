//! The table of runs against what its rules say.

use athanor_core::query::{
    Expr, Field, Kind, Moment, Now, Op, Plain, Query, Row, Setting, Stat, Value, parse,
};
use jiff::tz::TimeZone;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::tests::fresh;
use super::*;
use crate::store::runs::{GroupSort, RunCell, RunEdit, Sort, Wanted};

const NOW: i64 = 1_795_000_000_000;

fn now() -> Now {
    Now { ms: NOW, zone: TimeZone::UTC }
}

/// A metric as it is stored: key, count, last, min, mean.
type Metric = (&'static str, i64, Option<f64>, Option<f64>, Option<f64>);

/// A setting as it is stored: key, kind, number, text.
type Stored = (&'static str, i64, Option<f64>, &'static str);

#[derive(Debug, Clone, Default)]
struct Run {
    name: &'static str,
    notes: &'static str,
    status: &'static str,
    group: Option<&'static str>,
    host: Option<&'static str>,
    tags: Vec<String>,
    started: Option<i64>,
    finished: Option<i64>,
    changed: Option<i64>,
    steps: Option<f64>,
    metrics: Vec<Metric>,
    settings: Vec<Stored>,
    words: String,
    /// The tags, one after the other.
    tag_words: String,
}

impl Row for Run {
    fn text(&self, field: Plain) -> Option<&str> {
        let text = match field {
            Plain::Name => Some(self.name),
            Plain::Notes => Some(self.notes),
            Plain::Status => Some(self.status),
            Plain::Format => Some("lightning"),
            Plain::Folder => Some("/r"),
            Plain::Group => self.group,
            Plain::Host => self.host,
            _ => None,
        };
        text.filter(|text| !text.is_empty())
    }

    fn tags(&self) -> &[String] {
        &self.tags
    }

    fn moment(&self, field: Plain) -> Option<i64> {
        match field {
            Plain::Started => self.started,
            Plain::Finished => self.finished,
            _ => self.changed,
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "small numbers")]
    fn number(&self, field: &Field) -> Option<f64> {
        match field {
            Field::Plain(Plain::Steps) => self.steps,
            Field::Plain(Plain::Points) => Some(7.0),
            Field::Plain(Plain::Duration) => {
                Some((self.finished.or(self.changed)? - self.started?).max(0) as f64)
            }
            Field::Metric(key, stat) => {
                let (_, count, last, min, mean) = self.metrics.iter().find(|(own, ..)| own == key)?;
                match stat {
                    Stat::Last => (*count > 0).then(|| last.unwrap_or(f64::NAN)),
                    Stat::Min => *min,
                    Stat::Mean => *mean,
                    Stat::Count => Some(*count as f64),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn setting(&self, key: &str) -> Option<Setting<'_>> {
        let &(_, kind, number, text) = self.settings.iter().find(|(own, ..)| *own == key)?;
        let number = number.or((kind == 2 || kind == 3).then_some(f64::NAN));
        Some(Setting { number, is_bool: kind == 1, text })
    }

    fn words(&self) -> Vec<&str> {
        vec![self.name, self.notes, &self.words, &self.tag_words]
    }
}

fn run() -> impl Strategy<Value = Run> {
    let texts = (
        prop::sample::select(vec!["", "resnet_seed1", "ResNet-seed2", "vit b", "a"]),
        prop::sample::select(vec!["", "weight decay", "Decay of weight", "50% \"done\""]),
        prop::sample::select(athanor_core::query::STATUSES.to_vec()),
        prop::option::of(prop::sample::select(vec!["", "g1", "g2"])),
        prop::option::of(prop::sample::select(vec!["gpu1", "gpu2"])),
    );
    let tags =
        prop::collection::vec(prop::sample::select(vec!["a", "b", "Big one"]), 0..3).prop_map(|mut tags| {
            tags.dedup();
            tags.into_iter().map(str::to_owned).collect::<Vec<_>>()
        });
    let times = || prop::option::of((-4i64..4).prop_map(|hours| NOW + hours * 3_600_000));
    let number = || {
        prop_oneof![
            3 => prop::sample::select(vec![0.1, 0.5, 1.0]).prop_map(Some),
            1 => Just(None),
            1 => prop::sample::select(vec![f64::INFINITY, f64::NEG_INFINITY]).prop_map(Some),
        ]
    };
    let metric = move |key: &'static str| {
        let finite = || prop::option::of(prop::sample::select(vec![0.1, 0.5, 1.0]));
        prop::option::of((0i64..3, number(), finite(), finite()))
            .prop_map(move |of| of.map(|(count, last, min, mean)| (key, count, last, min, mean)))
    };
    let setting = |key: &'static str| {
        prop::option::of(prop::sample::select(vec![
            (2, Some(1.0), "1"),
            (3, Some(0.1), "0.10"),
            (3, None, "nan"),
            (1, Some(1.0), "true"),
            (1, Some(0.0), "false"),
            (4, None, "adam"),
            (4, None, "True"),
            (4, None, "0.1"),
            (0, None, "null"),
        ]))
        .prop_map(move |of| of.map(|(kind, number, text)| (key, kind, number, text)))
    };
    let steps = prop::option::of(prop::sample::select(vec![0.0, 10.0, 10.5]));
    (
        texts,
        tags,
        (times(), times(), times()),
        steps,
        (metric("loss"), metric("val/acc")),
        (setting("lr"), setting("a b")),
    )
        .prop_map(|(texts, tags, times, steps, metrics, settings)| {
            let (name, notes, status, group, host) = texts;
            let settings: Vec<Stored> = [settings.0, settings.1].into_iter().flatten().collect();
            let mut words = String::new();
            for (key, _, _, text) in &settings {
                words.extend([key, " ", text, "\n"]);
            }
            let tag_words = tags.join(" ");
            let metrics = [metrics.0, metrics.1].into_iter().flatten().collect();
            let (started, finished, changed) = times;
            Run {
                name,
                notes,
                status,
                group,
                host,
                tags,
                started,
                finished,
                changed,
                steps,
                metrics,
                settings,
                words,
                tag_words,
            }
        })
}

async fn key(store: &RunStore, tx: &mut Tx, table: &'static str, name: &str) -> i64 {
    let _ = store;
    let (look, add) = match table {
        "metric" => (
            "SELECT id FROM metric_key WHERE name = ?",
            "INSERT INTO metric_key (name) VALUES (?) RETURNING id",
        ),
        _ => (
            "SELECT id FROM config_key WHERE name = ?",
            "INSERT INTO config_key (name) VALUES (?) RETURNING id",
        ),
    };
    let known = sqlx::query_scalar(look).bind(name).fetch_optional(tx.now().await.expect("open")).await;
    match known.expect("readable") {
        Some(id) => id,
        None => {
            sqlx::query_scalar(add).bind(name).fetch_one(tx.now().await.expect("open")).await.expect("added")
        }
    }
}

/// Puts runs into the index; the first has the uid `raaa0`.
async fn fill(store: &RunStore, runs: &[Run]) {
    let mut tx = store.begin_lightly().await.expect("begins");
    for (index, run) in runs.iter().enumerate() {
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO run (uid, folder, part, format, grouping, name, status, started_at, finished_at, changed_at, steps,
                 points, host, tags, notes, added_at, revision)
             VALUES (?, '/r', ?, 'lightning', ?, ?, ?, ?, ?, ?, ?, 7, ?, ?, ?, 0, 1) RETURNING id",
        )
        .bind(format!("raaa{index}"))
        .bind(index.to_string())
        .bind(run.group)
        .bind(run.name)
        .bind(run.status)
        .bind(run.started)
        .bind(run.finished)
        .bind(run.changed)
        .bind(run.steps)
        .bind(run.host)
        .bind(serde_json::to_string(&run.tags).expect("JSON"))
        .bind(run.notes)
        .fetch_one(tx.now().await.expect("open"))
        .await
        .expect("written");
        for (name, count, last, min, mean) in &run.metrics {
            let key = key(store, &mut tx, "metric", name).await;
            sqlx::query(
                "INSERT INTO run_metric (run_id, key_id, count, not_finite, last, min, mean) VALUES (?, ?, ?, 0, ?, ?, ?)",
            )
            .bind(id)
            .bind(key)
            .bind(count)
            .bind(last)
            .bind(min)
            .bind(mean)
            .execute(tx.now().await.expect("open"))
            .await
            .expect("written");
        }
        for (name, kind, number, text) in &run.settings {
            let key = key(store, &mut tx, "config", name).await;
            let setting =
                NewSetting { key: (*name).into(), kind: *kind, number: *number, text: (*text).into() };
            store.put_setting(&mut tx, (id, 1, key), &setting).await.expect("written");
        }
        let tags = serde_json::to_string(&run.tags).expect("JSON");
        store.refresh_text(&mut tx, id, run.name, run.notes, &tags).await.expect("written");
    }
    tx.commit().await.expect("commits");
}

fn uids(page: &RunPage) -> Vec<&str> {
    page.rows.iter().map(|row| row.run.uid.as_str()).collect()
}

fn wanted(query: &str) -> Wanted {
    Wanted { query: parse(query).unwrap_or_else(|fault| panic!("{query}: {fault}")), ..Wanted::all(now()) }
}

fn field() -> impl Strategy<Value = Field> {
    let keys = |all: &[&'static str]| prop::sample::select(all.to_vec()).prop_map(str::to_owned);
    prop_oneof![
        2 => prop::sample::select(Plain::ALL.to_vec()).prop_map(Field::Plain),
        1 => keys(&["lr", "a b", "none"]).prop_map(Field::Config),
        1 => (keys(&["loss", "val/acc", "none"]), prop::sample::select(vec![Stat::Last, Stat::Min, Stat::Mean, Stat::Count]))
            .prop_map(|(key, stat)| Field::Metric(key, stat)),
    ]
}

fn value(kind: Kind) -> BoxedStrategy<Value> {
    let number = || {
        prop::sample::select(vec![0.1, 0.5, 1.0, 2.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY])
            .prop_map(Value::Number)
    };
    let text = || {
        prop::sample::select(vec![
            "",
            "a",
            "b",
            "resnet_seed1",
            "SEED",
            "g1",
            "gpu1",
            "adam",
            "0.1",
            "true",
            "%",
            "_",
        ])
        .prop_map(|text| Value::Text(text.into()))
    };
    match kind {
        Kind::Text | Kind::Tags => text().boxed(),
        Kind::Status => prop::sample::select(athanor_core::query::STATUSES.to_vec())
            .prop_map(|text| Value::Text(text.into()))
            .boxed(),
        Kind::Moment => prop_oneof![
            (0u64..4).prop_map(|hours| Moment::Ago(hours * 3_600_000)),
            Just(Moment::Today),
            Just(Moment::Exact(NOW)),
        ]
        .prop_map(Value::Moment)
        .boxed(),
        Kind::Duration => (0u64..4).prop_map(|hours| Value::Duration(hours * 3_600_000)).boxed(),
        Kind::Number => number().boxed(),
        Kind::Setting => prop_oneof![number(), text(), any::<bool>().prop_map(Value::Bool)].boxed(),
    }
}

fn expr() -> impl Strategy<Value = Expr> {
    let compared = (field(), prop::sample::select(Op::ALL.to_vec())).prop_flat_map(|(field, op)| {
        value(field.kind()).prop_map(move |value| {
            let fits = field.kind().takes(op)
                && (op != Op::Contains || matches!(value, Value::Text(_)))
                && !(op.is_order() && matches!(value, Value::Bool(_)));
            Expr::Compare { field: field.clone(), op: if fits { op } else { Op::Equal }, value }
        })
    });
    let words = prop::sample::select(vec![
        "seed1",
        "RESNET",
        "decay weight",
        "weight decay",
        "0.1",
        "a b",
        "\"done",
        "**",
        "nul",
    ]);
    let leaf = prop_oneof![
        4 => compared,
        1 => field().prop_map(Expr::Has),
        1 => (words, any::<bool>()).prop_map(|(text, open)| Expr::Words { text: text.into(), open }),
        2 => (field(), any::<bool>()).prop_flat_map(|(field, negated)| {
            prop::collection::vec(value(field.kind()), 1..4)
                .prop_map(move |values| Expr::OneOf { field: field.clone(), negated, values })
        }),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Expr::And),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Expr::Or),
            inner.prop_map(|inner| Expr::Not(Box::new(inner))),
        ]
    })
}

#[test]
fn the_database_selects_what_the_rules_select() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut runner = TestRunner::deterministic();
    let runs: Vec<Run> = (0..200).map(|_| run().new_tree(&mut runner).expect("a run").current()).collect();
    let (_dir, store) = runtime.block_on(async {
        let (dir, store) = fresh().await;
        fill(&store, &runs).await;
        (dir, store)
    });
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 1_500,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let checked = runner.run(&expr(), |expr| {
        let query = Query(Some(expr));
        let mut expected: Vec<String> = Vec::new();
        for (index, run) in runs.iter().enumerate() {
            if query.matches(run, &now()) {
                expected.push(format!("raaa{index}"));
            }
        }
        let wanted = Wanted { query: query.clone(), ..Wanted::all(now()) };
        let page = runtime.block_on(store.run_page(&wanted, &[], 0, 500)).expect("selects");
        prop_assert_eq!(page.total as usize, expected.len(), "{}", query);
        let mut found: Vec<String> = page.rows.into_iter().map(|row| row.run.uid).collect();
        found.sort();
        expected.sort();
        prop_assert_eq!(found, expected, "{}", query);
        Ok(())
    });
    checked.unwrap_or_else(|failed| panic!("{failed}"));
}

fn of(name: &'static str, loss: Option<f64>, lr: Stored) -> Run {
    Run {
        name,
        status: "completed",
        metrics: vec![("loss", 3, loss, loss, loss)],
        settings: vec![lr],
        ..Run::default()
    }
}

/// Five runs: two seeds of one rate, two of another, one without.
fn five() -> Vec<Run> {
    let lr = |rate, text| ("lr", 3, Some(rate), text);
    vec![
        of("one", Some(0.5), lr(0.1, "0.1")),
        of("Two", None, lr(0.01, "0.01")),
        Run { tags: vec!["best".into()], status: "failed", ..of("three", Some(0.25), lr(0.1, "1e-1")) },
        of("four", Some(f64::INFINITY), lr(0.01, "0.01")),
        Run { name: "five", status: "running", started: Some(NOW), ..Run::default() },
    ]
}

#[tokio::test]
async fn a_page_is_sorted_and_what_is_missing_comes_last() {
    let (_dir, store) = fresh().await;
    fill(&store, &five()).await;
    let loss = Field::Metric("loss".into(), Stat::Last);
    let lr = Field::Config("lr".into());
    let page = async |field: &Field, descending: bool| {
        let sort = vec![Sort { field: field.clone(), descending }];
        let page = store.run_page(&Wanted { sort, ..Wanted::all(now()) }, &[], 0, 10).await.expect("a page");
        page.rows.into_iter().map(|row| row.run.name).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(page(&loss, false).await, "three one four Two five", "NaN and what is not there come last");
    assert_eq!(page(&loss, true).await, "four one three Two five");
    assert_eq!(
        page(&lr, true).await,
        "three one four Two five",
        "equals in the order in which they were found"
    );
    assert_eq!(page(&Field::Plain(Plain::Name), false).await, "five four one three Two");
    assert_eq!(page(&Field::Plain(Plain::Status), false).await, "five four Two one three");

    let columns =
        [Field::Plain(Plain::Name), loss.clone(), lr, Field::Plain(Plain::Tag), Field::Plain(Plain::Started)];
    let first = store.run_page(&wanted("metrics.loss < 1"), &columns, 0, 1).await.expect("a page");
    assert_eq!((first.total, first.all, first.rows.len()), (2, 5, 1));
    assert_eq!(
        first.rows[0].cells,
        [
            RunCell::Text("three".into()),
            RunCell::Number(0.25),
            RunCell::Number(0.1),
            RunCell::Text("best".into()),
            RunCell::Missing
        ]
    );
    let behind = store.run_page(&wanted("metrics.loss < 1"), &columns, 5, 10).await.expect("a page");
    assert_eq!(
        (behind.total, behind.rows.len()),
        (2, 0),
        "behind the end there are no rows, but the count is right"
    );
    let nan = store.run_page(&wanted("metrics.loss = nan"), &[loss], 0, 10).await.expect("a page");
    assert!(matches!(nan.rows[0].cells[0], RunCell::Number(value) if value.is_nan()));
    let only =
        Wanted { uids: Some(vec!["raaa0".into(), "raaa4".into(), "gone".into()]), ..Wanted::all(now()) };
    assert_eq!(uids(&store.run_page(&only, &[], 0, 10).await.expect("a page")), ["raaa4", "raaa0"]);
}

#[tokio::test]
async fn columns_say_how_full_they_are_and_which_run_is_best() {
    let (_dir, store) = fresh().await;
    fill(&store, &five()).await;
    let facts = async |query: &str, column: &str| {
        let (all, _) = store.columns(&wanted(query)).await.expect("columns");
        let found = all.into_iter().find(|facts| facts.field.column() == column);
        found.map(|facts| (facts.runs, facts.constant, facts.numeric))
    };
    assert_eq!(facts("", "metrics.loss.last").await, Some((4, false, true)));
    assert_eq!(facts("", "config.lr").await, Some((4, false, true)));
    assert_eq!(facts("config.lr = 0.01", "config.lr").await, Some((2, true, true)));
    assert_eq!(facts("name:two or name:five", "config.lr").await, Some((1, false, true)), "not all have it");
    assert_eq!(facts("name:five", "config.lr").await, None);
    assert_eq!(
        facts("metrics.loss = nan", "metrics.loss.last").await,
        Some((1, true, true)),
        "NaN equals NaN"
    );
    assert_eq!(facts("", "format").await, Some((5, true, false)));
    assert_eq!(facts("", "tags").await, Some((1, false, false)));

    let loss = Field::Metric("loss".into(), Stat::Last);
    let best = store.best(&wanted(""), &[loss.clone(), Field::Config("lr".into())]).await.expect("found");
    assert_eq!(best.len(), 1, "only metrics have a goal");
    assert_eq!((best[0].uid.as_str(), best[0].value), ("raaa2", 0.25));
    let best = store.best(&wanted("name:four"), &[loss]).await.expect("found");
    assert_eq!(best, [], "infinity is not the best");

    assert_eq!(store.metric_names().await.expect("names"), ["loss"]);
    assert_eq!(store.setting_names().await.expect("names"), ["lr"]);
    assert_eq!(store.values_of(&Field::Config("lr".into())).await.expect("values")[0], "0.01");
    assert_eq!(store.values_of(&Field::Plain(Plain::Tag)).await.expect("values"), ["best"]);
    assert_eq!(store.values_of(&Field::Plain(Plain::Status)).await.expect("values")[0], "completed");
}

#[tokio::test]
async fn groups_have_mean_and_deviation_and_a_query_of_their_own() {
    let (_dir, store) = fresh().await;
    fill(&store, &five()).await;
    let by = [Field::Config("lr".into())];
    let loss = Field::Metric("loss".into(), Stat::Last);
    let (groups, total) =
        store.groups(&wanted(""), &by, std::slice::from_ref(&loss), &[]).await.expect("groups");
    assert_eq!(total, 3);
    let values: Vec<_> = groups.iter().map(|group| (group.values[0].clone(), group.count)).collect();
    assert_eq!(
        values,
        [(RunCell::Number(0.01), 2), (RunCell::Number(0.1), 2), (RunCell::Missing, 1)],
        "0.1 and 1e-1 are the same rate"
    );
    let spread = groups[1].sums[0];
    assert_eq!((spread.count, spread.mean, spread.min, spread.max), (2, Some(0.375), Some(0.25), Some(0.5)));
    let deviation = spread.deviation.expect("of two");
    assert!((deviation - 0.125 * 2f64.sqrt()).abs() < 1e-12, "{deviation}");
    assert_eq!(groups[0].sums[0].count, 0, "neither NaN nor infinity is summed up");
    assert_eq!(groups[1].status, [("completed", 1), ("failed", 1)]);
    for group in &groups {
        let page = store.run_page(&wanted(&group.query.to_string()), &[], 0, 10).await.expect("a page");
        assert_eq!(page.total, group.count, "{}", group.query);
    }
    let sorted = [
        GroupSort::Count { descending: true },
        GroupSort::Column(Sort { field: by[0].clone(), descending: true }),
    ];
    let (groups, _) = store.groups(&wanted(""), &by, &[], &sorted).await.expect("groups");
    assert_eq!(groups[0].values, [RunCell::Number(0.1)]);
    let by = [Field::Plain(Plain::Status), loss, Field::Plain(Plain::Started), Field::Plain(Plain::Group)];
    let (groups, total) = store.groups(&wanted("not name:one"), &by, &[], &[]).await.expect("groups");
    assert_eq!(total, 4);
    for group in &groups {
        let page = store.run_page(&wanted(&group.query.to_string()), &[], 0, 10).await.expect("a page");
        assert_eq!(page.total, group.count, "{}", group.query);
    }
    assert!(store.groups(&wanted(""), &[Field::Plain(Plain::Tag)], &[], &[]).await.is_err());
    assert!(store.groups(&wanted(""), &[], &[], &[]).await.is_err());
}

#[tokio::test]
async fn a_run_is_found_by_a_unique_beginning() {
    let (_dir, store) = fresh().await;
    let many: Vec<Run> = (0..12).map(|_| of("x", None, ("lr", 4, None, "y"))).collect();
    fill(&store, &many).await;
    assert_eq!(store.find_run("raaa7").await.expect("found").uid, "raaa7");
    assert_eq!(store.find_run("raaa10").await.expect("found").uid, "raaa10");
    assert!(store.find_run("raaa").await.expect_err("several").to_string().contains("several"));
    for unknown in ["raaa99", "raa", "%", ""] {
        let error = store.find_run(unknown).await.expect_err(unknown);
        assert_eq!(error.kind(), crate::error::ErrorKind::NotFound, "{unknown}");
    }
    let uids = ["raaa3".to_owned(), "gone".into(), "raaa1".into()];
    let ids = store.ids_of_runs(&uids).await.expect("ids");
    let rows = store.run_rows(&ids, &[]).await.expect("rows");
    assert_eq!(rows.iter().map(|row| row.run.uid.as_str()).collect::<Vec<_>>(), ["raaa3", "raaa1"]);
}

#[tokio::test]
async fn tags_and_notes_are_found_by_their_words_and_a_removed_run_is_not() {
    let (_dir, store) = fresh().await;
    fill(&store, &five()).await;
    let total = async |query: &str| store.run_page(&wanted(query), &[], 0, 10).await.expect("a page").total;
    let run = store.find_run("raaa0").await.expect("found");
    let mut tx = store.begin().await.expect("begins");
    let revision = store.next_revision(&mut tx).await.expect("given");
    let edit = RunEdit { tags: Some(vec!["golden".into()]), notes: Some("for the workshop".into()) };
    store.edit_run(&mut tx, run.id, &edit, revision).await.expect("edited");
    tx.commit().await.expect("commits");
    assert_eq!((total("golden").await, total("worksh").await, total("tag:golden").await), (1, 1, 1));
    assert_eq!(total("1e-1").await, 1, "settings are still found");
    let changed = store.find_run("raaa0").await.expect("found");
    assert_eq!((changed.tags(), changed.notes.as_str()), (vec!["golden".to_owned()], "for the workshop"));

    let mut tx = store.begin().await.expect("begins");
    store.remove_run(&mut tx, run.id, NOW).await.expect("removed");
    tx.commit().await.expect("commits");
    assert_eq!((total("golden").await, total("").await), (0, 4));
    assert_eq!(store.removed_places().await.expect("places"), [("/r".to_owned(), "0".to_owned())]);
    assert_eq!(store.revision().await.expect("readable"), 2);
    assert!(store.metrics_of_run(run.id).await.expect("metrics").is_empty());
}

#[tokio::test]
async fn views_keep_the_order_in_which_they_were_made() {
    let (_dir, store) = fresh().await;
    let mut tx = store.begin().await.expect("begins");
    for (name, content) in [("b", "1"), ("a", "2"), ("b", "3")] {
        store.put_view(&mut tx, name, content, NOW).await.expect("saved");
    }
    assert_eq!(store.count_views(&mut tx).await.expect("counted"), 2);
    tx.commit().await.expect("commits");
    assert_eq!(store.views().await.expect("views"), ["3", "2"]);
    let mut tx = store.begin().await.expect("begins");
    assert!(store.drop_view(&mut tx, "b").await.expect("dropped"));
    assert!(!store.drop_view(&mut tx, "b").await.expect("not there"));
}

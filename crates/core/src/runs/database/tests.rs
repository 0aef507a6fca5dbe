use proptest::prelude::*;

use super::super::{End, Fact};
use super::*;
use crate::sweep::Scalar;

#[derive(Debug, Clone)]
enum Stored {
    Null,
    Int(i64),
    Real(f64),
    Text(String),
}

impl Stored {
    fn cell(&self) -> Cell<'_> {
        match self {
            Self::Null => Cell::Null,
            Self::Int(number) => Cell::Integer(*number),
            Self::Real(number) => Cell::Real(*number),
            Self::Text(text) => Cell::Text(text),
        }
    }
}

fn text(text: &str) -> Stored {
    Stored::Text(text.into())
}

/// A database in memory: rows are kept by their ids.
#[derive(Debug, Default, Clone)]
struct Base {
    schema: Schema,
    rows: BTreeMap<String, BTreeMap<i64, Vec<Stored>>>,
}

impl Base {
    fn table(mut self, name: &str, columns: &str) -> Self {
        self.schema.insert(name.into(), columns.split(' ').map(str::to_owned).collect());
        self
    }

    fn put(&mut self, table: &str, cells: Vec<Stored>) -> i64 {
        let rows = self.rows.entry(table.into()).or_default();
        let id = rows.keys().next_back().map_or(1, |last| last + 1);
        rows.insert(id, cells);
        id
    }

    fn metric(&mut self, run: &str, key: &str, step: i64, value: f64) {
        let cells = vec![
            text(key),
            Stored::Real(value),
            Stored::Int(1_795_290_313_000 + step),
            text(run),
            Stored::Int(step),
            Stored::Int(0),
        ];
        self.put("metrics", cells);
    }

    fn run(&mut self, run: &str, status: &str, stage: &str) {
        self.rows.entry("runs".into()).or_default().retain(|_, cells| cells[0].cell() != Cell::Text(run));
        let cells = vec![
            text(run),
            text("calm-ape"),
            text(status),
            Stored::Int(1_795_290_313_000),
            Stored::Null,
            text(stage),
            Stored::Int(1),
        ];
        self.put("runs", cells);
    }

    /// One pass over it.
    fn pass(&self, tables: &mut dyn Tables) -> Told {
        let mut told = Told::default();
        assert_eq!(tables.begin(&self.schema), Outcome::Fits);
        while let Some(wanted) = tables.wanted(&mut told) {
            assert!(TABLES.contains(&wanted.table));
            let rows = self.rows.get(wanted.table).into_iter().flat_map(|rows| rows.range(wanted.from..));
            for (id, cells) in rows {
                let cells: Vec<Cell<'_>> = cells.iter().map(Stored::cell).collect();
                if !tables.row(*id, &cells, &mut told) {
                    break;
                }
            }
        }
        told
    }
}

fn open(from: Option<&Checkpoint>) -> Box<dyn Tables> {
    match reader(&Member::new("mlflow.db", Role::Metrics), from) {
        Reader::Database(tables) => tables,
        _ => panic!("a database is read as one"),
    }
}

fn mlflow() -> Base {
    let mut base = Base::default()
        .table("experiments", "experiment_id name")
        .table("runs", "run_uuid name status start_time end_time lifecycle_stage experiment_id")
        .table("params", "key value run_uuid")
        .table("tags", "key value run_uuid")
        .table("metrics", "key value timestamp run_uuid step is_nan");
    base.put("experiments", vec![Stored::Int(1), text("vision")]);
    base.run("a", "RUNNING", "active");
    base.put("params", vec![text("lr"), text("0.1"), text("a")]);
    base.put("tags", vec![text("team"), text("x"), text("a")]);
    base.put("tags", vec![text("mlflow.user"), text("y"), text("a")]);
    base.metric("a", "loss", 0, 1.0);
    base.metric("a", "loss", 1, f64::MAX);
    base
}

fn points(tables: &dyn Tables, told: &Told) -> Vec<(String, String, f64, f64)> {
    let of = |(run, batch): &(String, Batch)| {
        let point = |reading: &super::super::Reading| {
            let key = tables.keys()[reading.key as usize].clone();
            (run.clone(), key, reading.point.step, reading.point.value)
        };
        batch.readings.iter().map(point).collect::<Vec<_>>()
    };
    told.runs.iter().flat_map(of).collect()
}

fn point(run: &str, key: &str, step: f64, value: f64) -> (String, String, f64, f64) {
    (run.into(), key.into(), step, value)
}

#[test]
fn a_pass_tells_what_is_new() {
    let mut base = mlflow();
    let mut tables = open(None);
    let told = base.pass(&mut *tables);
    assert_eq!(tables.format(), "mlflow");
    assert_eq!(
        points(&*tables, &told),
        [point("a", "loss", 0.0, 1.0), point("a", "loss", 1.0, f64::INFINITY)]
    );
    let expected = [
        Fact::Project("vision".into()),
        Fact::Name("calm-ape".into()),
        Fact::Started(1_795_290_313_000),
        Fact::Config { key: "lr".into(), value: Scalar::plain("0.1") },
        Fact::Tag("team=x".into()),
    ];
    assert_eq!(told.runs[0].1.facts, expected);
    assert!(base.pass(&mut *tables).is_empty(), "nothing is new");

    base.metric("a", "acc", 1, 0.5);
    base.run("a", "FINISHED", "active");
    let told = base.pass(&mut *tables);
    assert_eq!(points(&*tables, &told), [point("a", "acc", 1.0, 0.5)]);
    assert!(told.runs[0].1.facts.contains(&Fact::End(End::Completed)));

    // After a restart, what may change in place is told once more, and no point twice.
    let mut tables = open(Some(&tables.checkpoint()));
    base.metric("a", "loss", 2, 0.25);
    let told = base.pass(&mut *tables);
    assert_eq!(points(&*tables, &told), [point("a", "loss", 2.0, 0.25)]);
    assert!(!told.anew);
}

#[test]
fn rows_with_new_numbers_are_noticed() {
    let mut tables = open(None);
    let mut base = mlflow();
    base.pass(&mut *tables);
    // As VACUUM does.
    let rows = base.rows.get_mut("metrics").expect("there are some");
    let moved: BTreeMap<_, _> = rows.iter().map(|(id, row)| (id + 10, row.clone())).collect();
    *rows = moved;
    let told = base.pass(&mut *tables);
    assert!(told.anew);
    assert_eq!(points(&*tables, &told).len(), 2);
    // As when all of them were thrown away.
    base.rows.remove("metrics");
    let told = base.pass(&mut *tables);
    assert!(told.anew && told.points() == 0 && told.runs.len() == 1);
    assert!(!base.pass(&mut *tables).anew, "that was all");
}

#[test]
fn deleted_runs_are_gone_and_come_back() {
    let mut tables = open(None);
    let mut base = mlflow();
    base.pass(&mut *tables);
    base.run("a", "FINISHED", "deleted");
    base.metric("a", "loss", 5, 0.5);
    let told = base.pass(&mut *tables);
    assert_eq!((told.gone, told.runs.len()), (vec!["a".to_owned()], 0));
    assert!(base.pass(&mut *tables).is_empty());
    base.run("a", "FINISHED", "active");
    let told = base.pass(&mut *tables);
    assert!(told.anew);
    assert_eq!(points(&*tables, &told).len(), 3);
}

#[test]
fn trackio_tells_numbers_in_json() {
    let mut base = Base::default()
        .table("metrics", "id run_id timestamp run_name step metrics")
        .table("configs", "id run_id run_name config created_at")
        .table("system_metrics", "id run_id timestamp run_name metrics");
    let config = "{\"lr\": 0.1, \"optim\": {\"name\": \"adam\"}, \"_Username\": null, \"_Created\": \"2026-11-21T19:45:46.861386+00:00\", \"_Group\": \"seeds\"}";
    base.put("configs", vec![Stored::Int(1), text("f0"), text("calm"), text(config), Stored::Null]);
    let row = "{\"loss\": 0.5, \"acc\": \"NaN\", \"note\": \"x\", \"image\": {\"_type\": \"trackio.image\", \"width\": 5}}";
    let time = text("2026-11-21T19:45:56.861386+00:00");
    base.put(
        "metrics",
        vec![Stored::Int(1), text("f0"), time.clone(), text("calm"), Stored::Int(10), text(row)],
    );
    base.put(
        "metrics",
        vec![Stored::Int(2), text("f0"), time.clone(), text("calm"), Stored::Int(20), text("what")],
    );
    base.put("system_metrics", vec![Stored::Int(1), text("f0"), time, text("calm"), text("{\"gpu\": 3}")]);
    let mut tables = open(None);
    let told = base.pass(&mut *tables);
    let points = points(&*tables, &told);
    assert_eq!(points[0], point("f0", "loss", 10.0, 0.5));
    assert!(points[1].1 == "acc" && points[1].3.is_nan());
    assert_eq!(points[2], point("f0", "system.gpu", 10.0, 3.0));
    assert_eq!(points.len(), 3);
    assert_eq!(told.issues.len(), 1);
    let facts = &told.runs[0].1.facts;
    for fact in [
        Fact::Name("calm".into()),
        Fact::Project("mlflow".into()),
        Fact::Group("seeds".into()),
        Fact::Config { key: "optim.name".into(), value: Scalar::text("adam") },
    ] {
        assert!(facts.contains(&fact), "{fact:?} is in {facts:?}");
    }
    assert!(base.pass(&mut *open(Some(&tables.checkpoint()))).points() == 0);
}

#[test]
fn what_is_neither_is_refused() {
    let mut tables = open(None);
    assert_eq!(tables.begin(&Schema::new()), Outcome::Waiting);
    let base = Base::default().table("trials", "id number");
    assert!(matches!(tables.begin(&base.schema), Outcome::Refused(_)));
    assert_eq!(tables.wanted(&mut Told::default()), None);
}

fn stored() -> impl Strategy<Value = Stored> {
    prop_oneof![
        Just(Stored::Null),
        any::<i64>().prop_map(Stored::Int),
        any::<f64>().prop_map(Stored::Real),
        "[a-c]{0,2}|\\{\"a\": [0-9]{1,3}\\}".prop_map(Stored::Text),
    ]
}

proptest! {
    /// Whatever stands in the rows, nothing is told twice, also when reading begins again in between.
    #[test]
    fn any_rows_are_told_once(
        rows in proptest::collection::vec((0..7usize, proptest::collection::vec(stored(), 0..8)), 0..30),
        cut in 0..30usize,
        trackio: bool,
    ) {
        let mut base = if trackio {
            Base::default().table("metrics", "run_name step metrics timestamp run_id")
        } else {
            mlflow()
        };
        let mut tables = open(None);
        for (at, (table, cells)) in rows.into_iter().enumerate() {
            if at == cut {
                let first = base.pass(&mut *tables);
                let again = base.pass(&mut *tables);
                prop_assert_eq!(again.points(), 0);
                prop_assert!(first.runs.iter().flat_map(|(_, batch)| &batch.readings)
                    .all(|reading| (reading.key as usize) < tables.keys().len()));
                tables = open(Some(&tables.checkpoint()));
            }
            base.put(TABLES[table], cells);
        }
        base.pass(&mut *tables);
        prop_assert_eq!(base.pass(&mut *tables).points(), 0);
    }
}

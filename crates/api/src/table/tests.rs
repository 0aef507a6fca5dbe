//! Tables as others read them.

use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::Field as Value;
use athanor_core::query::{Field, Plain, Stat};
use athanor_engine::store::runs::{RunCell, RunRow, TableRow};

use super::*;

fn row(uid: &str, cells: Vec<RunCell>) -> TableRow {
    let run = RunRow {
        id: 1,
        uid: uid.into(),
        name: "a run".into(),
        status: "completed".into(),
        project: None,
        grouping: None,
        format: "lightning".into(),
        started_at: None,
        finished_at: None,
        changed_at: None,
        steps: None,
        total_steps: None,
        points: 0,
        tags: "[]".into(),
        notes: String::new(),
        folder: "/r".into(),
        part: String::new(),
        commit_hash: None,
        host: None,
        experiment: None,
        attempt: None,
        missing: false,
        watch_id: None,
    };
    TableRow { run, cells }
}

fn table() -> Table {
    let text = |text: &str| RunCell::Text(text.into());
    Table {
        columns: vec![
            Field::Plain(Plain::Name),
            Field::Plain(Plain::Started),
            Field::Plain(Plain::Duration),
            Field::Metric("val/acc".into(), Stat::Max),
            Field::Config("batch_size".into()),
            Field::Config("amp".into()),
            Field::Config("optimizer".into()),
        ],
        rows: vec![
            row(
                "raaa1",
                vec![
                    text("one, \"quoted\"\nand | 50% of_it"),
                    RunCell::Number(1_795_000_000_000.0),
                    RunCell::Number(5_400_500.0),
                    RunCell::Number(0.912_345_678),
                    RunCell::Number(64.0),
                    RunCell::Bool(true),
                    text("adam"),
                ],
            ),
            row(
                "raaa2",
                vec![
                    text("two"),
                    RunCell::Missing,
                    RunCell::Missing,
                    RunCell::Number(f64::NAN),
                    RunCell::Number(128.0),
                    RunCell::Missing,
                    RunCell::Number(3e-7),
                ],
            ),
            row(
                "raaa3",
                vec![
                    text("three"),
                    RunCell::Missing,
                    RunCell::Missing,
                    RunCell::Missing,
                    RunCell::Missing,
                    RunCell::Bool(false),
                    RunCell::Missing,
                ],
            ),
        ],
    }
}

#[test]
fn csv_is_exact_and_follows_the_rfc() {
    assert_eq!(
        csv(&table()),
        "uid,name,started,duration,metrics.val/acc.max,config.batch_size,config.amp,config.optimizer\r\n\
         raaa1,\"one, \"\"quoted\"\"\nand | 50% of_it\",2026-11-18T11:06:40Z,5400.5,0.912345678,64,true,adam\r\n\
         raaa2,two,,,nan,128,,3e-7\r\n\
         raaa3,three,,,,,false,\r\n"
    );
}

#[test]
fn json_has_an_object_for_each_run() {
    let read: serde_json::Value = serde_json::from_str(&json(&table())).expect("JSON");
    assert_eq!(read[0]["metrics.val/acc.max"], 0.912_345_678);
    assert_eq!(read[1]["metrics.val/acc.max"], "NaN");
    assert_eq!(read[2]["config.batch_size"], serde_json::Value::Null);
    assert_eq!(read[2]["config.amp"], false);
    assert_eq!((read[0]["uid"].as_str(), read.as_array().map(Vec::len)), (Some("raaa1"), Some(3)));
}

#[test]
fn markdown_rounds_and_escapes() {
    assert_eq!(
        markdown(&table()),
        "| name | started | duration | val/acc (max) | batch\\_size | amp | optimizer |\n\
         | --- | --- | ---: | ---: | ---: | --- | --- |\n\
         | one, \"quoted\" and \\| 50% of\\_it | 2026-11-18T11:06:40Z | 1 h 30 min | 0.91235 | 64 | true | adam |\n\
         | two |  |  | nan | 128 |  | 3e-7 |\n\
         | three |  |  |  |  | false |  |\n"
    );
}

#[test]
fn latex_is_escaped() {
    assert_eq!(
        latex(&table()),
        "% needs \\usepackage{booktabs}\n\\begin{tabular}{llrrrll}\n\\toprule\n\
         name & started & duration & val/acc (max) & batch\\_size & amp & optimizer \\\\\n\\midrule\n\
         one, \\textquotedbl{}quoted\\textquotedbl{} and | 50\\% of\\_it & 2026-11-18T11:06:40Z & 1 h 30 min & 0.91235 & 64 & true & adam \\\\\n\
         two & -- & -- & nan & 128 & -- & $3 \\cdot 10^{-7}$ \\\\\n\
         three & -- & -- & -- & -- & false & -- \\\\\n\
         \\bottomrule\n\\end{tabular}\n"
    );
}

#[test]
fn a_parquet_file_reads_back_with_the_types_of_its_columns() {
    let bytes = parquet(&table()).expect("written");
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = dir.path().join("runs.parquet");
    std::fs::write(&path, bytes).expect("written");
    let reader =
        SerializedFileReader::new(std::fs::File::open(path).expect("opens")).expect("a Parquet file");
    let rows: Vec<Vec<Value>> = reader
        .get_row_iter(None)
        .expect("rows")
        .map(|row| row.expect("a row").into_columns().into_iter().map(|(_, value)| value).collect())
        .collect();
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[0][0], Value::Str("raaa1".into()));
    assert_eq!(rows[0][2], Value::TimestampMillis(1_795_000_000_000));
    assert_eq!(rows[0][4], Value::Double(0.912_345_678));
    assert!(matches!(rows[1][4], Value::Double(value) if value.is_nan()));
    assert_eq!((&rows[0][5], &rows[1][5], &rows[2][5]), (&Value::Long(64), &Value::Long(128), &Value::Null));
    assert_eq!(
        (&rows[0][6], &rows[1][6], &rows[2][6]),
        (&Value::Bool(true), &Value::Null, &Value::Bool(false))
    );
    assert_eq!((&rows[0][7], &rows[1][7]), (&Value::Str("adam".into()), &Value::Str("3e-7".into())));
}

#[test]
fn a_table_without_rows_is_one_all_the_same() {
    let empty = Table { rows: Vec::new(), ..table() };
    assert_eq!(csv(&empty).lines().count(), 1);
    assert_eq!(json(&empty), "[]\n");
    assert_eq!(markdown(&empty).lines().count(), 2);
    assert!(parquet(&empty).expect("written").starts_with(b"PAR1"));
}

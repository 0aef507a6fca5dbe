#![allow(clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;

fn read(bytes: &[u8]) -> (CsvReader, Batch) {
    let mut reader = CsvReader::new();
    let batch = reader.push(bytes);
    (reader, batch)
}

/// `step|wall|name=value …` for each row, so that NaN compares and a failure can be read.
fn show(reader: &CsvReader, batch: &Batch) -> Vec<String> {
    batch
        .rows
        .iter()
        .map(|row| {
            let wall = row.wall_ms.map(|wall| format!(" @{wall}")).unwrap_or_default();
            let values: Vec<String> = row
                .values
                .iter()
                .map(|&(column, value)| format!(" {}={value}", reader.columns()[column as usize].name))
                .collect();
            format!("{}: {}{wall}{}", row.line, row.step, values.concat())
        })
        .collect()
}

fn check(bytes: &str, expected: &[&str]) {
    let (reader, batch) = read(bytes.as_bytes());
    assert_eq!(show(&reader, &batch), expected, "{bytes:?}: {:?}", batch.issues);
    assert_eq!(batch.issues, []);
}

fn check_refused(bytes: &str, expected: NotMetrics) {
    assert_eq!(read(bytes.as_bytes()).0.outcome(), Outcome::NotMetrics(&expected), "{bytes:?}");
}

#[test]
fn reads_what_frameworks_write() {
    check("epoch,loss,acc\r\n0,1.5,NA\r\n1,nan,0.5\r\n", &["2: 0 loss=1.5", "3: 1 loss=NaN acc=0.5"]);
    check(
        "\u{feff}  epoch,   train/box_loss\n  1,  0.25\n\n  2, inf\n",
        &["2: 1 train/box_loss=0.25", "4: 2 train/box_loss=inf"],
    );
    check(
        "epoch,lr-Adam,step,train_loss\n,0.004,9,\n0,,9,0.09\n",
        &["2: 9 lr-Adam=0.004", "3: 9 epoch=0 train_loss=0.09"],
    );
    check(
        "#{\"t_start\": 1.5}\nr,l,t\r\n1.0,708,16.1\n2.0,92,17.5\n",
        &["3: 708 r=1 l=708 t=16.1", "4: 800 r=2 l=92 t=17.5"],
    );
    check("step\ttimestamp\tloss\n1\t1700000000.5\t2\n", &["2: 1 @1700000000500 loss=2"]);
    check("step;loss\n1;0,5\n", &["2: 1 loss=0.5"]);
    check("# epoch,loss\n0,1\n", &["2: 0 loss=1"]);
    check("# made by hand\nepoch,loss\n0,1\n", &["3: 0 loss=1"]);
    check(
        "step,loss,loss,note\n1,2,3,\"a, \"\"b\"\"\nc\"\n2,3,4,x\n",
        &["2: 1 loss=2 loss.1=3", "4: 2 loss=3 loss.1=4"],
    );
    check("step,loss,\n1,2,\n", &["2: 1 loss=2"]);
    check("step,loss\n1,2,\n", &["2: 1 loss=2"]);
    check(",loss\n0,2\n", &["2: 0 loss=2"]);
}

#[test]
fn text_columns_are_named_but_not_read() {
    let (reader, batch) = read(b"step,phase,loss,later\n1,train,2,\n2,val,3,\n");
    assert_eq!(show(&reader, &batch), ["2: 1 loss=2", "3: 2 loss=3"]);
    let kinds: Vec<_> = (0..4).map(|i| reader.kind(i)).collect();
    assert_eq!(kinds, [ColumnKind::X, ColumnKind::Text, ColumnKind::Metric, ColumnKind::Empty]);
}

#[test]
fn a_line_that_does_not_fit_is_told_and_passed_over() {
    let text = "step,loss\n1,2\n1\n2,3,4\nx,5\n,6\nnan,1\nstep,loss\n3,4\n";
    let (reader, batch) = read(text.as_bytes());
    assert_eq!(show(&reader, &batch), ["2: 1 loss=2", "9: 3 loss=4"]);
    let no_position = |cell: &str| IssueKind::NoPosition { cell: cell.into() };
    let issues: Vec<_> =
        batch.issues.into_iter().map(|issue| (issue.line, issue.offset, issue.kind)).collect();
    assert_eq!(
        issues,
        [
            (3, 14, IssueKind::Ragged { expected: 2, found: 1 }),
            (4, 16, IssueKind::Ragged { expected: 2, found: 3 }),
            (5, 22, no_position("x")),
            (6, 26, no_position("")),
            (7, 29, no_position("nan")),
            (8, 35, IssueKind::RepeatedHeader),
        ]
    );
}

#[test]
fn a_partial_last_line_waits() {
    let mut reader = CsvReader::new();
    assert_eq!(reader.push(b"step,loss\n1,0.5").rows, []);
    assert_eq!(reader.offset(), 10);
    let batch = reader.push(b"2\n2,");
    assert_eq!(show(&reader, &batch), ["2: 1 loss=0.52"]);
    let batch = reader.finish();
    assert_eq!(show(&reader, &batch), ["3: 2"], "a row with an empty cell has no points but is a row");
    assert_eq!(reader.finish(), Batch::default());
}

#[test]
fn an_unclosed_quote_costs_one_line() {
    let mut text = String::from("step,note,loss\n1,\"oops,2\n");
    for i in 0..4000 {
        text.push_str(&format!("{i},x,1\n"));
    }
    let (_, batch) = read(text.as_bytes());
    assert_eq!(batch.rows.len(), 4000);
    assert_eq!(batch.issues, [Issue { line: 2, offset: 15, kind: IssueKind::UnclosedQuote }]);
    let mut short = CsvReader::new();
    assert_eq!(short.push(b"step,note,loss\n1,\"oops,2\n2,x,3\n").rows, []);
    let batch = short.finish();
    assert_eq!(show(&short, &batch), ["3: 2 loss=3"]);
}

#[test]
fn what_is_no_metrics_file_is_refused_with_a_reason() {
    check_refused("0.5,1,2\n", NotMetrics::NoHeader);
    check_refused("name,price\n", NotMetrics::NoXColumn);
    check_refused("epoch\n", NotMetrics::NoNumericColumn);
    check_refused(&format!("step,name\n{}", "1,x\n".repeat(64)), NotMetrics::NoNumericColumn);
    check_refused(
        &format!("step{}\n", ",a".repeat(MAX_COLUMNS)),
        NotMetrics::TooManyColumns(MAX_COLUMNS + 1),
    );
    check_refused(&format!("step,loss\n1,{}", "2".repeat(MAX_LINE)), NotMetrics::LineTooLong { line: 2 });
    assert_eq!(read(b"step,loss").0.outcome(), Outcome::Waiting);
    let (mut reader, _) = read(b"a,b\n");
    assert_eq!(reader.push(b"step,loss\n1,2\n"), Batch::default(), "a refusal is final");
}

#[test]
fn real_files_read_whole() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/csv");
    let mut seen = Vec::new();
    let mut paths: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.extension().is_none_or(|ext| ext != "csv" && ext != "tsv") {
            continue;
        }
        let (reader, batch) = read(&std::fs::read(&path).unwrap());
        let metrics = (0..reader.columns().len()).filter(|&i| reader.kind(i) == ColumnKind::Metric).count();
        let points: usize = batch.rows.iter().map(|row| row.values.len()).sum();
        seen.push(format!(
            "{}: {} rows, {metrics} metrics, {points} points, {} issues, x {}",
            path.file_name().unwrap().to_string_lossy(),
            batch.rows.len(),
            batch.issues.len(),
            reader.x().map_or("none", |x| &reader.columns()[x.index()].name),
        ));
    }
    insta::assert_snapshot!(seen.join("\n"));
}

/// Text made of the pieces that matter to the reader, well formed or not.
fn any_text() -> impl Strategy<Value = Vec<u8>> {
    let cell = prop_oneof![
        4 => (-100..100i32).prop_map(|n| n.to_string()),
        2 => Just(String::new()),
        1 => Just("nan".into()),
        1 => Just("NA".into()),
        1 => Just("\"a,\n\"\"b\"".into()),
        1 => Just("\"open".into()),
        1 => Just("te\"xt".into()),
        1 => "[ -~]{0,6}",
    ];
    let line = prop::collection::vec(cell, 1..5).prop_map(|cells| cells.join(","));
    let end = prop_oneof![Just("\n"), Just("\r\n"), Just("\n\n")];
    let head = prop_oneof![
        Just("step,loss,note\n"),
        Just("\u{feff}epoch, a ,b\r\n"),
        Just("#{\"x\": 1}\nr,l,t\n"),
        Just(""),
    ];
    (head, prop::collection::vec((line, end), 0..30)).prop_map(|(head, lines)| {
        let mut text = head.to_owned();
        for (line, end) in lines {
            text.push_str(&line);
            text.push_str(end);
        }
        text.into_bytes()
    })
}

fn same(a: &Batch, b: &Batch) -> bool {
    // NaN is not equal to itself, its text is.
    format!("{a:?}") == format!("{b:?}")
}

proptest! {
    #[test]
    fn any_cut_and_any_restart_give_the_same_rows(
        text in any_text(), cuts in prop::collection::vec(0usize..500, 0..8), restart in any::<bool>(),
    ) {
        let (whole_reader, whole) = read(&text);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
        cuts.push(text.len());
        cuts.sort_unstable();
        let mut reader = CsvReader::new();
        let mut all = Batch::default();
        let mut from = 0;
        for cut in cuts {
            if restart {
                let json = serde_json::to_string(&reader.checkpoint()).unwrap();
                reader = CsvReader::resume(serde_json::from_str(&json).unwrap());
                from = reader.offset() as usize;
            }
            let batch = reader.push(&text[from.min(cut)..cut]);
            from = cut;
            all.rows.extend(batch.rows);
            all.issues.extend(batch.issues);
        }
        prop_assert!(same(&whole, &all), "{:?}\n{:?}", whole, all);
        prop_assert_eq!(whole_reader.checkpoint(), reader.checkpoint());
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), header in any::<bool>()) {
        let mut reader = CsvReader::new();
        if header {
            reader.push(b"step,loss\n");
        }
        reader.push(&bytes);
        reader.finish();
    }
}

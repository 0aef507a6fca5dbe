//! What holds for every format and any bytes: real files are struck, cut and fed, and nothing panics or grows beyond
//! what was put in. `RUNS_FUZZ_CASES=100000 cargo nextest run -p athanor-core runs::fuzz` tries more of them.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::Index;

use super::printed::{self, Pattern};
use super::testing::{Blow, blows, strike, whole};
use super::{Batch, FORMATS, Fact, Folder, Format, Member, Outcome, Reader, Role, Stream, format, media};

/// A file with its path below the folder of fixtures.
struct Sample {
    path: String,
    bytes: Vec<u8>,
    /// What stands beside it.
    beside: Vec<String>,
}

static SAMPLES: LazyLock<Vec<Sample>> = LazyLock::new(|| {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/runs");
    let mut samples = Vec::new();
    gather(&root, &root, &mut samples);
    assert!(samples.len() > 20, "the fixtures are there");
    samples
});

fn gather(root: &Path, folder: &Path, samples: &mut Vec<Sample>) {
    let entries = std::fs::read_dir(folder).expect("it can be listed").flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let beside: Vec<String> = paths.iter().filter(|path| path.is_file()).map(name).collect();
    for path in &paths {
        if path.is_dir() {
            gather(root, path, samples);
        } else {
            let bytes = std::fs::read(path).expect("it can be read");
            let path = path.strip_prefix(root).expect("it is below").to_string_lossy().into_owned();
            samples.push(Sample { path, bytes, beside: beside.clone() });
        }
    }
}

/// How many cases a property is tried with.
fn cases(usual: u32) -> ProptestConfig {
    let asked = std::env::var("RUNS_FUZZ_CASES").ok().and_then(|count| count.parse().ok());
    ProptestConfig::with_cases(asked.unwrap_or(usual))
}

/// A folder in which each file begins with the same bytes.
struct Beside<'a> {
    files: &'a [String],
    head: &'a [u8],
}

impl Folder for Beside<'_> {
    fn path(&self) -> &str {
        "runs/trackio"
    }

    fn files(&self) -> &[String] {
        self.files
    }

    fn folders(&self) -> &[String] {
        &[]
    }

    fn below(&self, _: &str) -> Vec<String> {
        Vec::new()
    }

    fn head(&self, _: &str) -> Vec<u8> {
        self.head[..self.head.len().min(4096)].to_vec()
    }
}

/// That what was said is worth what was read: no more points than bytes, and names and texts within a multiple of them.
fn is_bounded(batch: &Batch, keys: &[String], read: usize) -> Result<(), TestCaseError> {
    prop_assert!(batch.readings.len() <= read, "{} points of {read} bytes", batch.readings.len());
    prop_assert!(batch.readings.iter().all(|reading| (reading.key as usize) < keys.len()));
    prop_assert!(batch.readings.iter().all(|reading| reading.point.step.is_finite()));
    prop_assert!(batch.issues.len() <= read + 1);
    let text = |fact: &Fact| match fact {
        Fact::Config { key, value } => key.len() + value.as_str().len(),
        Fact::Name(text) | Fact::Project(text) | Fact::Group(text) | Fact::Tag(text) | Fact::Notes(text) => {
            text.len()
        }
        _ => 8,
    };
    let facts: usize = batch.facts.iter().map(text).sum();
    prop_assert!(facts <= 64 * read + 4096, "{facts} bytes of settings from {read} bytes");
    let names: usize = keys.iter().map(String::len).sum();
    prop_assert!(names <= 64 * read + 4096, "{names} bytes of names from {read} bytes");
    Ok(())
}

/// Feeds a file in pieces, going on from a checkpoint now and then.
fn feed(
    open: &dyn Fn(Option<&super::Checkpoint>) -> Box<dyn Stream>,
    file: &[u8],
    lengths: &[usize],
) -> Result<(), TestCaseError> {
    let (mut reader, mut batch) = (open(None), Batch::default());
    let (mut at, mut lengths) = (0, lengths.iter().cycle().enumerate());
    while at < file.len() {
        let (turn, length) = lengths.next().unwrap_or((0, &1));
        let end = file.len().min(at + length.max(&1));
        reader.push(&file[at..end], &mut batch);
        prop_assert!(reader.offset() <= end as u64);
        at = end;
        if turn % 5 == 4 {
            let checkpoint = reader.checkpoint();
            prop_assert!(
                checkpoint.state.len() <= 64 * file.len() + 4096,
                "{} of state",
                checkpoint.state.len()
            );
            reader = open(Some(&checkpoint));
            prop_assert_eq!(reader.offset(), checkpoint.offset);
            at = checkpoint.offset as usize;
            // Else a reader that waits for more than there is between two turns would never get it.
            let more = file.len().min(end + 64);
            reader.push(&file[at..more], &mut batch);
            at = more;
        }
    }
    reader.finish(&mut batch);
    is_bounded(&batch, reader.keys(), file.len())
}

fn try_out(
    format: &dyn Format,
    sample: &Sample,
    role: Role,
    file: &[u8],
    lengths: &[usize],
) -> Result<(), TestCaseError> {
    let name = if role == Role::Metrics { sample.path.as_str() } else { "params/lr" };
    let member = Member::new(name, role);
    match format.reader(&member, None) {
        Reader::Stream(_) => {
            let open = |from: Option<&super::Checkpoint>| match format.reader(&member, from) {
                Reader::Stream(stream) => stream,
                _ => unreachable!("it was one a moment ago"),
            };
            feed(&open, file, lengths)?;
        }
        Reader::Document(document) => {
            let read = document.read(file);
            is_bounded(&read.batch, &read.keys, file.len())?;
        }
        Reader::Database(_) | Reader::Nothing => {}
    }
    if let Some(mut media) = format.media(&member) {
        let mut all = Vec::new();
        for piece in file.chunks(lengths[0].max(1)) {
            media.push(piece, &mut all);
        }
        prop_assert!(all.len() <= file.len());
        for medium in all {
            if let media::At::Bytes { range, form } = medium.at {
                prop_assert!(range.start <= range.end && range.end <= file.len() as u64);
                let bytes = &file[range.start as usize..range.end as usize];
                let _ = (media::picture(bytes), media::Histogram::read(bytes, form));
            }
        }
    }
    let beside = Beside { files: &sample.beside, head: file };
    let _ = format.recognise(&beside);
    Ok(())
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn struck_files_are_survived_by_every_format(
        which: Index,
        role in 0..3usize,
        blows in blows(),
        lengths in proptest::collection::vec(1usize..3000, 1..5),
    ) {
        let sample = which.get(&SAMPLES);
        let file = strike(sample.bytes.clone(), &blows);
        let role = [Role::Metrics, Role::Config, Role::Meta][role];
        for format in FORMATS {
            try_out(*format, sample, role, &file, &lengths)?;
        }
        let pattern = &PATTERN;
        feed(&|from| printed::stream(pattern, "", from), &file, &lengths)?;
    }

    /// Two files spliced, as a copy that went wrong leaves them.
    #[test]
    fn spliced_files_are_survived(
        first: Index,
        second: Index,
        at: Index,
        lengths in proptest::collection::vec(1usize..5000, 1..4),
    ) {
        let (first, second) = (first.get(&SAMPLES), second.get(&SAMPLES));
        let mut file = first.bytes[..at.index(first.bytes.len() + 1)].to_vec();
        file.extend(&second.bytes[at.index(second.bytes.len() + 1)..]);
        for format in FORMATS {
            try_out(*format, first, Role::Metrics, &file, &lengths)?;
        }
    }
}

static PATTERN: LazyLock<Pattern> = LazyLock::new(|| Pattern::parse("auto").expect("it is one"));

#[test]
fn every_cut_of_every_fixture_is_survived() {
    for sample in SAMPLES.iter().filter(|sample| sample.bytes.len() < 6000) {
        for end in (0..sample.bytes.len()).step_by(101) {
            let file = strike(sample.bytes.clone(), &[Blow::Cut(end)]);
            for format in FORMATS {
                let tried = try_out(*format, sample, Role::Metrics, &file, &[1000]);
                assert!(tried.is_ok(), "{} cut at {end} as {}: {tried:?}", sample.path, format.id());
            }
        }
    }
}

/// All formats that read metrics as they are appended, with the ones that are printed.
fn streams() -> Vec<(&'static str, Box<dyn Stream>)> {
    let open = |format: &&'static dyn Format| match format.reader(&Member::new("x", Role::Metrics), None) {
        Reader::Stream(stream) => Some((format.id(), stream)),
        _ => None,
    };
    let mut all: Vec<_> = FORMATS.iter().filter_map(open).collect();
    all.push(("printed", printed::stream(&PATTERN, "", None)));
    all
}

/// Two gigabytes without a line break: lines are given up at 16 MiB, and nothing of them is kept.
#[test]
fn a_line_of_two_gigabytes_is_given_up() {
    const PIECE: usize = 1 << 20;
    let piece = vec![b'7'; PIECE];
    for (id, mut stream) in streams() {
        let mut batch = Batch::default();
        let mut refused = None;
        for count in 0..2048 {
            stream.push(&piece, &mut batch);
            if let Outcome::Refused(why) = stream.outcome() {
                refused.get_or_insert((count, why));
                // The rest is passed over at no cost.
            } else if id == "printed" && count == 64 || id == "tensorboard" && count == 1 {
                // These do not give up: what is no record is searched, and of a line its beginning is kept.
                break;
            }
        }
        assert!(batch.readings.is_empty() && batch.issues.len() <= 1, "{id}");
        assert!(stream.checkpoint().state.len() < 4096, "{id}");
        match id {
            "printed" | "tensorboard" => assert_eq!(refused, None, "{id}"),
            _ => assert!(refused.is_some_and(|(count, _)| count <= 16), "{id} gives up"),
        }
    }
}

#[test]
fn a_hundred_thousand_columns_are_refused_by_tables_and_cut_by_lines() {
    let names: Vec<String> = (0..100_000).map(|number| format!("m{number}")).collect();
    let row: Vec<&str> = vec!["1"; names.len()];
    let table = format!("step,{}\n1,{}\n2,{}\n", names.join(","), row.join(","), row.join(","));
    let said = whole(format("csv").expect("there are tables"), table.as_bytes());
    assert!(matches!(said.outcome, Outcome::Refused(why) if why.contains("100001 columns")));
    assert!(said.batch.readings.is_empty() && said.keys.is_empty());
    let fields: Vec<String> = names.iter().map(|name| format!("\"{name}\": 0.5")).collect();
    let line = format!("{{\"step\": 1, {}}}\n", fields.join(", "));
    let said = whole(format("jsonl").expect("there are lines"), format!("{line}{line}").as_bytes());
    assert_eq!((said.keys.len(), said.batch.readings.len(), said.batch.issues.len()), (10_000, 20_000, 1));
}

#[test]
fn a_long_name_before_a_long_list_is_not_repeated_for_ever() {
    let (name, list) = ("n".repeat(1 << 20), vec!["1"; 1 << 19].join(","));
    let nested = format!("{{\"{name}\": {{\"b\": [{list}]}}, \"c\": 1}}");
    let yaml = format!("{}: [{}]\nc: 1\n", &name[..1 << 18], &list[..1 << 18]);
    for (id, role, text) in [("sacred", Role::Config, &nested), ("hydra", Role::Config, &yaml)] {
        let Reader::Document(document) =
            format(id).expect("it is known").reader(&Member::new("config.json", role), None)
        else {
            panic!("{id} has documents")
        };
        let facts = document.read(text.as_bytes()).batch.facts;
        assert!(
            facts.iter().any(|fact| matches!(fact, Fact::Config { key, .. } if key == "c")) || id == "hydra"
        );
        assert!(facts.len() < 10, "{id}: {}", facts.len());
    }
    let line = format!("{{\"step\": 1, \"{name}\": {{\"a\": 1, \"b\": 2}}, \"loss\": 3}}\n");
    assert_eq!(whole(format("jsonl").expect("there are lines"), line.as_bytes()).keys, ["loss"]);
}

/// Points are kept as they come, whatever they are: what a chart makes of them is its business.
#[test]
fn steps_that_repeat_or_go_back_and_values_that_are_not_finite_are_points() {
    let rows = [(5, "nan"), (5, "inf"), (3, "-Infinity"), (3, "1e400"), (-2, "-0.0"), (5, "0.1")];
    let table: String = rows.iter().map(|(step, value)| format!("{step},{value},x\n")).collect();
    let said = whole(format("csv").expect("there are tables"), format!("step,loss,word\n{table}").as_bytes());
    let bits: Vec<(f64, u64)> =
        said.series("loss").into_iter().map(|(step, value)| (step, value.to_bits())).collect();
    let expected = [
        (5.0, f64::NAN),
        (5.0, f64::INFINITY),
        (3.0, f64::NEG_INFINITY),
        (3.0, f64::INFINITY),
        (-2.0, -0.0),
        (5.0, 0.1),
    ];
    assert_eq!(bits, expected.map(|(step, value)| (step, value.to_bits())));
    // Columns of both words and numbers give their numbers.
    let mixed = "step,a\n1,x\n2,0.5\n3,\n4,NA\n5,1\nnan,1\ninf,2\n";
    let said = whole(format("csv").expect("there are tables"), mixed.as_bytes());
    assert_eq!(said.series("a"), [(2.0, 0.5), (5.0, 1.0)]);
    assert_eq!(said.batch.issues.len(), 2, "a position must be finite");
}

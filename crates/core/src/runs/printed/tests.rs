use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}"))
}

/// `x: key=value …` of a line.
fn reads(text: &str, line: &str) -> String {
    let reads = Reads::of(pattern(text).find(line));
    let name = |hit: &Hit| format!("{}={}", hit.key, hit.value);
    let x = reads.x.as_ref().map_or("-".into(), |x| {
        assert!(line.get(x.at.clone()).is_some());
        x.total.map_or(name(x), |total| format!("{}/{total}", name(x)))
    });
    let values: Vec<String> = reads.values.iter().map(name).collect();
    format!("{x} | {}", values.join(" "))
}

#[test]
fn what_is_usual_is_found() {
    for (line, expected) in [
        ("epoch 3 loss 0.52 acc 0.9", "epoch=3 | loss=0.52 acc=0.9"),
        ("step=12 loss=0.5, lr=1e-4", "step=12 | loss=0.5 lr=0.0001"),
        ("Epoch: 3/10 Train loss: 0.5 Val loss: nan", "Epoch=3/10 | Train loss=0.5 Val loss=NaN"),
        (
            "step    2/19560 | loss 10.956968 (+nanz)| norm 15.2986 (+nanz)| lr 1.71e-06 | 4557.77 ms | 29.6% bf16 MFU | 115032 tok/s",
            "step=2/19560 | loss=10.956968 norm=15.2986 lr=0.00000171",
        ),
        (
            "2026-01-19 22:17:41,180 - Trial 0 Finished. Final Validation Accuracy: 0.9232",
            "- | Final Validation Accuracy=0.9232",
        ),
        ("INFO step 3 loss 0.5", "step=3 | loss=0.5"),
        ("[epoch 3] [iter 40] loss: 0.5", "iter=40 | epoch=3 loss=0.5"),
        ("Training: 45%|####  | 66/147 [00:03<08:17, 3.41s/it, loss=0.683]", "- | loss=0.683"),
        ("took 12s at 12:30, see http://host:80/a", "- | "),
        ("Using 4 GPUs and 5 workers", "- | "),
        ("acc = 93.2% (best: 94.1%)", "- | acc=93.2 best=94.1"),
        ("{'loss': 0.5, 'eval/my acc': 1e-05, 'epoch': 1.0}", "epoch=1 | loss=0.5 eval/my acc=0.00001"),
        ("loss: -inf. lr: 3", "- | loss=-inf lr=3"),
        ("val/loss@1=0.5 über=3", "- | val/loss@1=0.5 über=3"),
        ("v2 3.5.1 x86_64", "- | "),
        ("step 250: train loss 2.3044, val loss 2.31", "step=250 | train loss=2.3044 val loss=2.31"),
        ("iter 250: loss 2.5072, time 40.02ms, mfu 3.5%", "iter=250 | loss=2.5072 mfu=3.5"),
        ("at 12: 30 seconds", "- | "),
    ] {
        assert_eq!(reads("auto", line), expected, "{line}");
    }
    assert_eq!(reads("pairs", "epoch 3 loss 0.5 acc: 1"), "- | acc=1");
    assert_eq!(reads("words", "epoch 3 loss 0.5 acc: 1"), "epoch=3 | loss=0.5");
    assert_eq!(reads("words", "loss 0.5"), "- | ");
}

#[test]
fn templates_and_expressions_say_where() {
    for (text, line, expected) in [
        ("loss={loss} step={step}", "x loss=0.5   step=12", "step=12 | loss=0.5"),
        ("({epoch}) {_} -> {val/loss}", "(3)  took 5 s  -> 1e-3", "epoch=3 | val/loss=0.001"),
        ("{key}={value}", "a=1 b=x c=.5", "- | a=1 c=0.5"),
        ("{{{loss}}}", "{0.25}", "- | loss=0.25"),
        (r"/step (?P<step>\d+).*?loss (?P<loss>\S+)/", "step 3: loss 0.5,", "step=3 | loss=0.5"),
        (r"/(?P<key>\w+)->(?P<value>\S+)/", "a->1 b->nan c->d", "- | a=1 b=NaN"),
    ] {
        assert_eq!(reads(text, line), expected, "{text}");
    }
}

#[test]
fn a_pattern_that_says_nothing_says_what_is_wrong() {
    for (text, words, place) in [
        ("", "empty", None),
        ("loss", "names no metric", None),
        ("{step}", "names no metric", None),
        ("loss={loss", "not closed", Some(5..6)),
        ("{value}", "key must have", None),
        ("/(?P<loss>/", "", Some(1..2)),
    ] {
        let fault = Pattern::parse(text).expect_err(text);
        assert!(fault.message.contains(words), "{text}: {fault}");
        assert_eq!(fault.place, place, "{text}");
    }
    for (name, _) in BUILT_IN {
        assert_eq!(pattern(name).text(), name);
    }
}

const LOG: &str = "start\nloss: 3\n\u{1b}[32mepoch 1/3\u{1b}[0m\n  loss: 0.5\n 10%|#  | loss=9\r 50%|## | loss=4\r\n\nepoch 2/3 loss 0.25\nloss: 0.1";

/// Names, steps and values.
fn points(stream: &dyn Stream, batch: &Batch) -> Vec<(String, f64, f64)> {
    let name = |key: u32| stream.keys()[key as usize].clone();
    batch.readings.iter().map(|r| (name(r.key), r.point.step, r.point.value)).collect()
}

#[test]
fn a_log_is_read_as_people_see_it() {
    let mut reader = stream(&pattern("auto"), "out/", None);
    let mut batch = Batch::default();
    reader.push(LOG.as_bytes(), &mut batch);
    let loss = |step, value| ("out/loss".to_owned(), step, value);
    assert_eq!(points(&*reader, &batch), [loss(0.0, 3.0), loss(1.0, 0.5), loss(1.0, 4.0), loss(2.0, 0.25)]);
    assert_eq!(batch.facts, [Fact::Total(3.0)]);
    reader.finish(&mut batch);
    assert_eq!(points(&*reader, &batch).last(), Some(&loss(2.0, 0.1)));

    let preview = preview(&pattern("auto"), LOG.as_bytes(), 3);
    assert_eq!((preview.seen, preview.read, preview.points), (8, 5, 5));
    assert_eq!(preview.metrics, ["loss"]);
    let lines: Vec<_> = preview.lines.iter().map(|line| (line.line, line.text.as_str(), line.step)).collect();
    assert_eq!(
        lines,
        [(2, "loss: 3", Some(0.0)), (3, "epoch 1/3", Some(1.0)), (4, "  loss: 0.5", Some(1.0))]
    );
}

#[test]
fn another_pattern_begins_anew() {
    let mut reader = stream(&pattern("auto"), "", None);
    reader.push(LOG.as_bytes(), &mut Batch::default());
    let checkpoint = reader.checkpoint();
    assert!(checkpoint.offset > 0);
    assert_eq!(stream(&pattern("auto"), "", Some(&checkpoint)).offset(), checkpoint.offset);
    assert_eq!(stream(&pattern("pairs"), "", Some(&checkpoint)).offset(), 0);
}

#[test]
fn a_line_without_end_costs_no_memory() {
    let mut reader = stream(&pattern("auto"), "", None);
    let mut batch = Batch::default();
    for _ in 0..64 {
        reader.push(&[b'a'; 1 << 20], &mut batch);
    }
    reader.push(b"\nepoch 1 loss 2\n", &mut batch);
    assert_eq!(batch.readings.len(), 1);
}

fn log() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("epoch 1/3 ".to_owned()),
        Just("\r".to_owned()),
        Just("\n".to_owned()),
        Just("\u{1b}[1m".to_owned()),
        "[a-z]{1,4}[=: ]{1,2}-?[0-9]{1,3}\\.?[0-9]{0,2}[ ,|]",
        "[ -~äß]{0,6}",
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// Made once: an expression takes a while to be prepared.
static PATTERNS: LazyLock<Vec<Pattern>> =
    LazyLock::new(|| ["auto", "pairs", "words", "{key}={value}"].map(pattern).into());

proptest! {
    #[test]
    fn cuts_and_restarts_change_nothing(
        log in log(),
        lengths in proptest::collection::vec(1usize..30, 1..6),
        which in 0..4usize,
    ) {
        let pattern = &PATTERNS[which];
        let mut whole = stream(pattern, "", None);
        let mut expected = Batch::default();
        whole.push(log.as_bytes(), &mut expected);
        let expected = points(&*whole, &expected);
        let mut reader = stream(pattern, "", None);
        let (mut batch, mut at, mut lengths) = (Batch::default(), 0, lengths.iter().cycle());
        while at < log.len() {
            let end = log.len().min(at + lengths.next().unwrap_or(&1));
            reader.push(&log.as_bytes()[at..end], &mut batch);
            at = end;
            let checkpoint = reader.checkpoint();
            reader = stream(pattern, "", Some(&checkpoint));
            reader.push(&log.as_bytes()[checkpoint.offset as usize..end], &mut batch);
        }
        prop_assert_eq!(points(&*reader, &batch), expected);
    }

    #[test]
    fn no_line_and_no_pattern_panics(line in "\\PC{0,60}", text in "\\PC{0,30}|[a-z{}=/ ]{0,20}") {
        for pattern in PATTERNS.iter() {
            for hit in pattern.find(&line) {
                prop_assert!(line.get(hit.at).is_some());
            }
        }
        if let Ok(pattern) = Pattern::parse(&text) {
            let _ = pattern.find(&line);
        }
    }
}

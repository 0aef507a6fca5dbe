//! What holds for every format of text: cuts, restarts and nonsense.

use proptest::prelude::*;

use super::testing::{pieces, whole};
use super::{FORMATS, Format, Member, Outcome, Reader, Role, format};

const LIGHTNING: &str =
    "epoch,step,train_loss,val_loss\n0,9,0.5,\n0,9,,0.25\n1,19,nan,\n1,19,,inf\n2,x,1,1\n";
const YOLO: &str = "     0/399    0.455G    0.1  0.4  0.02  0.5   12  1184  0.07  0.2  0.04  0.01  0.1  0.3  0.02\n     1/399     2.19G   0.08  0.3\nnothing\n";
const LINES: &str = "{\"step\": 1, \"loss\": NaN, \"a\": {\"b\": 2}}\nbroken\n{\"step\": 2, \"loss\": 0.5, \"timestamp\": 1700000000}\n\n{\"loss\": 3}\n{\"step\": 3, \"loss\": 1e-3}";
const MMDET: &str = "{\"env_info\": \"x\", \"seed\": 1}\n{\"mode\": \"train\", \"epoch\": 1, \"iter\": 10, \"loss\": 1.0}\n{\"mode\": \"train\", \"epoch\": 1, \"iter\": 20, \"loss\": 0.9}\n{\"mode\": \"val\", \"epoch\": 1, \"iter\": 7, \"mAP\": 0.1}\n{\"mode\": \"train\", \"epoch\": 2, \"iter\": 10, \"loss\": 0.8}\n";
const MLFLOW: &str = "1727962840969 34.9 0\n1727962840970 nan 1\nwhat\n1727962840971 3\n";

fn of(id: &str) -> &'static dyn Format {
    format(id).unwrap_or_else(|| panic!("there is no format {id}"))
}

fn samples() -> Vec<(&'static dyn Format, &'static str)> {
    [
        ("lightning", LIGHTNING),
        ("yolo-txt", YOLO),
        ("jsonl", LINES),
        ("mmdetection", MMDET),
        ("mmengine", LINES),
        ("mlflow", MLFLOW),
        ("dvclive", "step\tloss\n1\t2\n2\t3\n"),
        ("sb3", "#{\"t_start\": 1}\nr,l,t\n1,10,2\n3,5,4\n"),
    ]
    .map(|(id, text)| (of(id), text))
    .into()
}

#[test]
fn lines_say_what_they_mean() {
    let lightning = whole(of("lightning"), LIGHTNING.as_bytes());
    assert_eq!(lightning.series("val_loss"), [(9.0, 0.25), (19.0, f64::INFINITY)]);
    assert_eq!(lightning.series("epoch").len(), 4);
    assert_eq!(lightning.batch.issues.len(), 1, "“x” is no step");

    let yolo = whole(of("yolo-txt"), YOLO.as_bytes());
    assert_eq!(yolo.series("gpu_mem_gb"), [(0.0, 0.455), (1.0, 2.19)]);
    assert_eq!(yolo.series("val/cls_loss"), [(0.0, 0.02)], "an epoch without a test has fewer numbers");
    assert_eq!(yolo.batch.issues.len(), 1);

    let lines = whole(of("jsonl"), LINES.as_bytes());
    assert_eq!(lines.series("a/b"), [(1.0, 2.0)]);
    assert_eq!(lines.series("loss").len(), 3, "the last line needs no end when the file has ended");
    assert_eq!(lines.batch.issues.len(), 2);
    assert_eq!(lines.points()[2].3, Some(1_700_000_000_000));

    let mmdet = whole(of("mmdetection"), MMDET.as_bytes());
    assert_eq!(mmdet.series("train/loss"), [(10.0, 1.0), (20.0, 0.9), (30.0, 0.8)]);
    assert_eq!(mmdet.series("val/mAP"), [(20.0, 0.1)]);
    assert!(mmdet.batch.issues.is_empty());

    let mlflow = whole(of("mlflow"), MLFLOW.as_bytes());
    assert_eq!(
        mlflow.points().iter().map(|point| f64::from_bits(point.1)).collect::<Vec<_>>(),
        [0.0, 1.0, 3.0]
    );
    assert_eq!(mlflow.batch.issues.len(), 1);

    let monitor = whole(of("sb3"), b"#{\"t_start\": 1}\nr,l,t\n1,10,2\n3,5,4\n");
    assert_eq!(monitor.series("r"), [(10.0, 1.0), (15.0, 3.0)]);
}

#[test]
fn a_line_without_end_is_refused_and_not_kept() {
    let line = vec![b'{'; (16 << 20) + 2];
    let said = whole(of("jsonl"), &line);
    assert!(matches!(said.outcome, Outcome::Refused(why) if why.contains("16 MiB")));
}

/// Documents, with what they say of themselves when they are cut.
#[test]
fn a_document_that_breaks_off_is_waited_for() {
    let state = r#"{"global_step": 4, "max_steps": 4, "log_history": [{"step": 2, "loss": NaN, "epoch": 0.5}, {"step": 4, "eval_loss": 2}]}"#;
    let metrics = r#"{"loss": {"steps": [1, 2], "timestamps": ["2024-02-08T23:08:18.504687", "x"], "values": [0.5, {"py/object": "numpy.float64", "value": 0.25}]}}"#;
    for (id, text, points) in [("huggingface", state, 3), ("sacred", metrics, 2)] {
        let Reader::Document(document) = of(id).reader(&Member::new("x", Role::Metrics), None) else {
            panic!("{id} reads documents")
        };
        let contents = document.read(text.as_bytes());
        assert_eq!(contents.outcome, Outcome::Fits, "{id}");
        assert_eq!(contents.batch.readings.len(), points, "{id}");
        for end in 0..text.len() {
            assert_eq!(document.read(&text.as_bytes()[..end]).outcome, Outcome::Waiting, "{id} up to {end}");
        }
    }
}

proptest! {
    #[test]
    fn cuts_and_restarts_change_nothing(which: proptest::sample::Index, lengths in proptest::collection::vec(1usize..60, 1..8)) {
        let samples = samples();
        let (format, text) = which.get(&samples);
        let at_once = whole(*format, text.as_bytes());
        let cut = pieces(*format, text.as_bytes(), &lengths, false);
        prop_assert_eq!(cut.points(), at_once.points());
        let restarted = pieces(*format, text.as_bytes(), &lengths, true);
        prop_assert_eq!(restarted.points(), at_once.points());
        prop_assert_eq!(restarted.batch.issues, at_once.batch.issues);
        prop_assert_eq!(restarted.batch.facts, at_once.batch.facts);
    }

    #[test]
    fn no_bytes_and_no_checkpoint_panic(bytes: Vec<u8>, text in "[\\[\\]{}\":,0-9a-z.\\n\\t/#-]{0,200}", state: Vec<u8>, role in 0..3usize) {
        let role = [Role::Metrics, Role::Config, Role::Meta][role];
        let checkpoint = super::Checkpoint { offset: 3, state };
        for format in FORMATS {
            for name in ["x", "metrics/x", "result.json", "trainer_log.jsonl", "meta.yaml"] {
                for input in [bytes.as_slice(), text.as_bytes()] {
                    match format.reader(&Member::new(name, role), Some(&checkpoint)) {
                        Reader::Stream(mut stream) => {
                            let mut out = super::Batch::default();
                            stream.push(input, &mut out);
                            stream.finish(&mut out);
                            prop_assert!(out.readings.iter().all(|reading| (reading.key as usize) < stream.keys().len()));
                        }
                        Reader::Document(document) => {
                            let read = document.read(input);
                            prop_assert!(read.batch.readings.iter().all(|reading| (reading.key as usize) < read.keys.len()));
                        }
                        Reader::Database(_) | Reader::Nothing => {}
                    }
                }
            }
        }
    }
}

//! Reports from the command line.

use std::process::Command;

use crate::harness::Athanor;

/// An engine with three runs, one of a hostile name.
fn watched() -> (Athanor, Vec<String>) {
    let athanor = Athanor::serving(1);
    for (name, lr, best) in [("one", 0.1, 0.5), ("two", 0.01, 0.25), ("<b>three</b>", 0.001, 0.75)] {
        let folder = athanor.work().join("runs").join(name.replace(['<', '>', '/'], ""));
        std::fs::create_dir_all(&folder).expect("made");
        let rows: String = (0..40)
            .map(|step| format!("{step},{},{}\n", best + 1.0 / f64::from(step + 1), 1.0 - best))
            .collect();
        std::fs::write(folder.join("metrics.csv"), format!("step,val/loss,val/acc\n{rows}"))
            .expect("written");
        std::fs::write(folder.join("hparams.yaml"), format!("lr: {lr}\n")).expect("written");
        let metadata = format!(
            r#"{{"project":"p","group":"g","run_id":"{name}","status":"completed","name":"{name}"}}"#
        );
        std::fs::write(folder.join("metadata.json"), metadata).expect("written");
    }
    athanor.ok(&["watch", "add", "runs", "--wait"]);
    let page = athanor.json(&["runs", "ls"]);
    let uids = page["rows"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| row["uid"].as_str().expect("uid").to_owned())
        .collect();
    (athanor, uids)
}

#[test]
fn a_report_is_written_as_html_pdf_and_markdown() {
    let (athanor, uids) = watched();
    let note = athanor.work().join("note.md");
    std::fs::write(&note, "A **note** with <script>alert(1)</script> and $x$.\n").expect("written");
    let file = |name: &str| athanor.work().join(name).display().to_string();
    let mut arguments: Vec<&str> = vec!["report"];
    arguments.extend(uids.iter().map(String::as_str));
    arguments.extend(["--metric", "val/loss,val/acc", "--title", "Rates", "--note", "note.md", "--out"]);
    for name in ["r.html", "r.pdf", "r.md"] {
        let said = athanor.ok(&[&arguments[..], &[&file(name)]].concat());
        assert!(said.contains("written"), "{said}");
    }
    let html = std::fs::read_to_string(file("r.html")).expect("read");
    assert!(html.starts_with("<!DOCTYPE html>") && html.contains("default-src 'none'"));
    assert!(!html.contains("<script") && html.contains("&lt;script&gt;alert(1)"), "HTML of notes is text");
    assert!(!html.contains("<b>three") && html.contains("&lt;b&gt;three&lt;/b&gt;"), "a name is text");
    assert_eq!(html.matches("<figure>").count(), 2);
    assert!(html.contains("Figure 2.") && html.contains("from 3 runs"));
    let markdown = std::fs::read_to_string(file("r.md")).expect("read");
    assert!(markdown.contains("# Rates") && markdown.contains("**Figure 1.** val/loss"), "{markdown}");
    assert!(
        markdown.lines().any(|line| line.contains("two") && line.contains("**0.275**")),
        "the best is marked: {markdown}"
    );
    assert!(markdown.contains("Settings that differ"), "a few runs are laid side by side");
    let pdf = std::fs::read(file("r.pdf")).expect("read");
    assert!(pdf.starts_with(b"%PDF-1.") && pdf.len() > 20_000);
    let text = Command::new("pdftotext").args(["-layout", &file("r.pdf"), "-"]).output();
    // Where it is installed, it reads what people read.
    if let Ok(text) = text {
        let text: String = String::from_utf8_lossy(&text.stdout).split_whitespace().collect();
        for word in ["Rates", "Anotewith", "Figure1.val/loss", "<b>three</b>", "Rates1/"] {
            assert!(text.contains(word), "{word}: {text}");
        }
    }
}

#[test]
fn a_report_is_written_over_nothing_and_needs_something_to_tell() {
    let (athanor, uids) = watched();
    let taken = athanor.work().join("taken.html");
    std::fs::write(&taken, "mine").expect("written");
    let out = taken.display().to_string();
    let (_, refused) = athanor.fails(&["report", &uids[0], "--out", &out]);
    assert!(refused.contains("is there already") && refused.contains("--force"), "{refused}");
    assert_eq!(std::fs::read_to_string(&taken).expect("read"), "mine");
    athanor.ok(&["report", &uids[0], "--out", &out, "--force"]);
    assert!(
        std::fs::read_to_string(&taken).expect("read").contains("val/loss"),
        "its metrics are charted unasked"
    );
    let (_, page) = athanor.fails(&["report", "--page", "nobody", "--format", "md"]);
    assert!(page.contains("nobody arranged charts for “nobody”"), "{page}");
    let (_, what) = athanor.fails(&["report", &uids[0], "--out", "report.docx"]);
    assert!(what.contains("does not tell what to write"), "{what}");
}

#[test]
fn notes_come_from_standard_input_and_text_goes_to_standard_output() {
    let (athanor, _) = watched();
    let arguments =
        ["report", "--query", "config.lr < 0.05", "--note", "-", "--metric", "val/loss", "--format", "md"];
    let output = athanor.fed(&arguments, "typed by hand");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("typed by hand"), "{text}");
    assert!(text.contains("two") && !text.contains("| one |"), "{text}");
}

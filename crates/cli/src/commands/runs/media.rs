//! `athanor runs media`

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use athanor_api::command::{ListRunMedia, ReadRunImage};
use athanor_api::wire::{self, ErrorCode, Number, RunMediaPage, RunMedium, RunMediumKind};
use base64::Engine as _;
use clap::Args;

use super::{number, one_line};
use crate::backend::Backend;
use crate::exit::{Failure, fail};
use crate::print;

/// Images and histograms of one question.
const MOST: u32 = 10_000;

/// What `runs media` takes.
#[derive(Args)]
pub(super) struct Media {
    /// The run’s uid, or a unique beginning of it, four characters at least
    uid: String,

    /// List each of them, and only those of this name
    #[arg(short, long, value_name = "NAME")]
    key: Option<String>,

    /// Write the image of this name and step to a file that does not exist
    #[arg(long, value_names = ["NAME@STEP", "FILE"], num_args = 2, conflicts_with = "key")]
    save: Option<Vec<String>>,
}

/// Lists what there is, or writes an image.
pub(super) fn media(backend: &mut Backend, arguments: &Media, json: bool) -> Result<ExitCode, Failure> {
    if let Some([what, file]) = arguments.save.as_deref() {
        return save(backend, &arguments.uid, what, Path::new(file), json);
    }
    let key = arguments.key.clone();
    let page = ask(backend, &arguments.uid, key.clone(), if key.is_some() || json { MOST } else { 0 })?;
    for problem in &page.problems {
        eprintln!("athanor: {}: {}", one_line(&problem.path), one_line(&problem.message));
    }
    if json {
        print::json(&page)?;
        return Ok(ExitCode::SUCCESS);
    }
    if key.is_some() {
        let row = |item: &RunMedium| {
            let size = item.width.zip(item.height).map(|(width, height)| format!("{width}×{height}"));
            let wall = item.wall.map(print::time).unwrap_or_default();
            vec![
                number(Number(item.step)),
                item.index.to_string(),
                kind(item.kind).into(),
                size.unwrap_or_default(),
                wall,
            ]
        };
        let rows: Vec<Vec<String>> = page.items.iter().map(row).collect();
        print::table(&["STEP", "#", "KIND", "SIZE", "LOGGED"], &rows)?;
    } else {
        let rows: Vec<Vec<String>> = page
            .groups
            .iter()
            .map(|group| vec![one_line(&group.key), kind(group.kind).into(), group.count.to_string()])
            .collect();
        print::table(&["NAME", "KIND", "COUNT"], &rows)?;
    }
    let shown = page.items.len() as u64;
    if key.is_some() && shown < page.total {
        eprintln!("athanor: the first {shown} of {}", page.total);
    }
    if page.cut {
        eprintln!("athanor: the files hold more than can be listed");
    }
    Ok(ExitCode::SUCCESS)
}

/// Asks until all files were looked through.
fn ask(backend: &mut Backend, uid: &str, key: Option<String>, limit: u32) -> Result<RunMediaPage, Failure> {
    loop {
        let asked =
            wire::ListRunMedia { uid: uid.to_owned(), kind: None, key: key.clone(), after: 0, limit: 0 };
        if backend.call::<ListRunMedia>(&asked)?.done {
            return Ok(backend.call::<ListRunMedia>(&wire::ListRunMedia { limit, ..asked })?);
        }
    }
}

fn save(backend: &mut Backend, uid: &str, what: &str, to: &Path, json: bool) -> Result<ExitCode, Failure> {
    let Some((key, step)) =
        what.rsplit_once('@').and_then(|(key, step)| Some((key, step.parse::<f64>().ok()?)))
    else {
        return Err(fail(
            ErrorCode::InvalidInput,
            format!("“{what}” is no name and step, as in samples@500"),
        ));
    };
    let page = ask(backend, uid, Some(key.to_owned()), MOST)?;
    let images = || page.items.iter().filter(|item| item.kind == RunMediumKind::Image);
    // Of what was logged again the last counts, as for points.
    let Some(item) = images().rev().find(|item| item.step == step && item.index == 0) else {
        let mut near: Vec<f64> = images().map(|item| item.step).collect();
        near.sort_by(|a, b| (a - step).abs().total_cmp(&(b - step).abs()));
        return Err(fail(
            ErrorCode::NotFound,
            match near.first() {
                Some(nearest) => format!("“{key}” has no image at step {step}; the nearest is at {nearest}"),
                None => format!("the run has no image “{key}”; “athanor runs media {uid}” lists what it has"),
            },
        ));
    };
    let asked =
        wire::ReadRunMedium { uid: uid.to_owned(), file: item.file.clone(), place: item.place.clone() };
    let image = backend.call::<ReadRunImage>(&asked)?;
    let bytes = base64::engine::general_purpose::STANDARD.decode(&image.base64);
    let bytes =
        bytes.map_err(|cause| fail(ErrorCode::Protocol, format!("the engine sent no image: {cause}")))?;
    write_new(to, &bytes)?;
    if json {
        print::json(&serde_json::json!({ "path": to, "mime": image.mime, "bytes": bytes.len() }))?;
    } else {
        println!("{} ({}×{}, {})", to.display(), image.width, image.height, image.mime);
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes a file that must not be there; what could be written only in part is removed again.
fn write_new(to: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failed =
        |cause: std::io::Error| fail(ErrorCode::Path, format!("could not write {}: {cause}", to.display()));
    let mut file = OpenOptions::new().write(true).create_new(true).open(to).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|cause| {
        let _ = std::fs::remove_file(to);
        failed(cause)
    })
}

fn kind(kind: RunMediumKind) -> &'static str {
    match kind {
        RunMediumKind::Image => "image",
        RunMediumKind::Histogram => "histogram",
    }
}

//! `athanor page`: what stands on the page Charts of the window.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use athanor_api::command::{GetPage, ListPages, SavePage, SuggestPanels};
use athanor_api::wire::{self, ApiError, ChartPage, ChartSpec, ErrorCode, LinesSpec, Nothing, Panel};
use clap::{Args, Subcommand};

use super::chart::write;
use crate::backend::Backend;
use crate::exit::{Failure, fail};
use crate::print;

/// Of the newest runs so many are drawn on a page that is new, as in the window.
const NEWEST: u32 = 10;

/// What `page` takes.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// List the pages of charts
    Ls,
    /// Show which charts stand on a page, and of which runs
    Show {
        /// The project; the page of all runs if not given
        #[arg(default_value = "", hide_default_value = true)]
        project: String,
    },
    /// Add charts of metrics at the end of a page, or one for each metric that none shows yet
    Add {
        /// The project; the page of all runs if not given
        #[arg(default_value = "", hide_default_value = true)]
        project: String,
        /// A chart of this metric; several with commas, or the option several times
        #[arg(short, long, value_name = "METRIC", value_delimiter = ',', required_unless_present = "all")]
        metric: Vec<String>,
        /// A chart for each metric of the page’s runs that none shows yet
        #[arg(short, long, conflicts_with = "metric")]
        all: bool,
        /// The section that they come into; that of the metric’s name with --all
        #[arg(short, long, default_value = "", hide_default_value = true)]
        section: String,
    },
    /// Take charts off a page; no run is touched
    Rm {
        /// The project; an empty name is the page of all runs
        project: String,
        /// Ids of charts or their names, as “athanor page show” lists them
        #[arg(value_name = "CHART", required_unless_present = "all")]
        charts: Vec<String>,
        /// All of them
        #[arg(short, long, conflicts_with = "charts")]
        all: bool,
    },
    /// Write a page as JSON, for “import”, for another machine, or to keep it
    Export {
        /// The project; the page of all runs if not given
        #[arg(default_value = "", hide_default_value = true)]
        project: String,
        /// The file to write; standard output if not given
        #[arg(short, long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Write over a file that is there
        #[arg(short, long, requires = "out")]
        force: bool,
    },
    /// Read a page that “export” wrote
    Import {
        /// The file, or - for standard input
        file: PathBuf,
        /// Make it the page of this project instead of its own
        #[arg(short, long)]
        project: Option<String>,
        /// Put it in the place of the page that the project has
        #[arg(short, long)]
        force: bool,
    },
}

/// Lists, shows, changes, writes and reads pages of charts.
pub fn run(backend: &mut Backend, arguments: Arguments, json: bool) -> Result<ExitCode, Failure> {
    match arguments.action {
        Action::Ls => list(backend, json)?,
        Action::Show { project } => show(backend, &project, json)?,
        Action::Add { project, metric, all, section } => {
            add(backend, &project, (metric, all, section), json)?
        }
        Action::Rm { project, charts, all } => remove(backend, &project, &charts, all, json)?,
        Action::Export { project, out, force } => export(backend, &project, out.as_deref(), force)?,
        Action::Import { file, project, force } => import(backend, &file, project, force, json)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn named(project: &str) -> String {
    if project.is_empty() { "all runs".to_owned() } else { format!("“{project}”") }
}

fn stored(backend: &mut Backend, project: &str) -> Result<wire::StoredPage, Failure> {
    Ok(backend.call::<GetPage>(&wire::GetPage { project: project.to_owned() })?)
}

/// A page that is there, with its revision.
fn there(backend: &mut Backend, project: &str) -> Result<(ChartPage, i64), Failure> {
    let wire::StoredPage { page, revision } = stored(backend, project)?;
    let page = page.ok_or_else(|| {
        let message = format!("nobody arranged charts for {} yet", named(project));
        let hint = "“athanor page ls” lists the pages that there are, “athanor page add” begins one.";
        Failure(ApiError::new(ErrorCode::NotFound, message).field("project").hint(hint))
    })?;
    Ok((page, revision))
}

fn save(backend: &mut Backend, page: ChartPage, revision: i64) -> Result<wire::SavedPage, Failure> {
    Ok(backend.call::<SavePage>(&wire::SavePage { page, revision })?)
}

fn list(backend: &mut Backend, json: bool) -> Result<(), Failure> {
    let pages = backend.call::<ListPages>(&Nothing {})?;
    if json {
        return print::json(&pages);
    }
    if pages.pages.is_empty() {
        println!(
            "There are no pages yet. “athanor page add PROJECT --all” makes one of a project’s metrics."
        );
        return Ok(());
    }
    let row = |page: &wire::PageFacts| {
        let project = if page.project.is_empty() { "(all runs)".to_owned() } else { page.project.clone() };
        vec![project, page.panels.to_string(), print::time(page.saved_at)]
    };
    print::table(&["PROJECT", "CHARTS", "SAVED"], &pages.pages.iter().map(row).collect::<Vec<_>>())
}

fn show(backend: &mut Backend, project: &str, json: bool) -> Result<(), Failure> {
    let (page, revision) = there(backend, project)?;
    if json {
        return print::json(&wire::StoredPage { page: Some(page), revision });
    }
    let query =
        if page.query.is_empty() { String::new() } else { format!(" of the query “{}”", page.query) };
    println!("The newest {} runs of {}{query}", page.newest, named(project));
    let row = |panel: &Panel| {
        let size = format!("{} × {}", panel.columns, panel.height);
        vec![panel.name(), panel.section.clone(), size, panel.id.clone()]
    };
    print::table(&["CHART", "SECTION", "SIZE", "ID"], &page.panels.iter().map(row).collect::<Vec<_>>())
}

/// The query of a page’s runs, its project included.
fn query_of(page: &ChartPage) -> String {
    let project = page.project.replace('\\', "\\\\").replace('"', "\\\"");
    match (page.project.is_empty(), page.query.trim()) {
        (true, query) => query.to_owned(),
        (false, "") => format!("project = \"{project}\""),
        (false, query) => format!("project = \"{project}\" and ({query})"),
    }
}

/// The metrics that have a chart to themselves.
fn shown(page: &ChartPage) -> BTreeSet<String> {
    let alone = page.panels.iter().filter_map(|panel| match &panel.chart {
        ChartSpec::Lines(lines) if lines.keys.len() == 1 => lines.keys.first().cloned(),
        _ => None,
    });
    alone.collect()
}

fn add(
    backend: &mut Backend,
    project: &str,
    (metrics, all, section): (Vec<String>, bool, String),
    json: bool,
) -> Result<(), Failure> {
    let wire::StoredPage { page, revision } = stored(backend, project)?;
    let new = || ChartPage { project: project.to_owned(), newest: NEWEST, ..ChartPage::default() };
    let mut page = page.unwrap_or_else(new);
    let fresh: Vec<Panel> = if all {
        let there = shown(&page);
        let suggested =
            backend.call::<SuggestPanels>(&wire::SuggestPanels { query: query_of(&page) })?.panels;
        let is_fresh = |panel: &Panel| match &panel.chart {
            ChartSpec::Lines(lines) => lines.keys.first().is_none_or(|key| !there.contains(key)),
            ChartSpec::Plot(_) => true,
        };
        suggested.into_iter().filter(is_fresh).collect()
    } else {
        let panel = |key: String| Panel {
            id: format!("metric {key}"),
            title: None,
            section: section.clone(),
            columns: 4,
            height: 230,
            chart: ChartSpec::Lines(LinesSpec { keys: vec![key], ..LinesSpec::default() }),
            own: Vec::new(),
            legend: None,
        };
        metrics.into_iter().map(panel).collect()
    };
    let mut ids: BTreeSet<String> = page.panels.iter().map(|panel| panel.id.clone()).collect();
    let added = fresh.len();
    for mut panel in fresh {
        let own = panel.id.clone();
        let mut next = 2;
        while !ids.insert(panel.id.clone()) {
            panel.id = format!("{own} {next}");
            next += 1;
        }
        page.panels.push(panel);
    }
    let saved = if added == 0 { revision } else { save(backend, page.clone(), revision)?.revision };
    if json {
        return print::json(&wire::StoredPage { page: Some(page), revision: saved });
    }
    match added {
        0 => println!("Every metric has its chart already."),
        1 => println!("1 chart added to the page of {}.", named(project)),
        many => println!("{many} charts added to the page of {}.", named(project)),
    }
    Ok(())
}

fn remove(
    backend: &mut Backend,
    project: &str,
    charts: &[String],
    all: bool,
    json: bool,
) -> Result<(), Failure> {
    let (mut page, revision) = there(backend, project)?;
    let mut gone: BTreeSet<String> = BTreeSet::new();
    for chart in charts {
        let by_id = page.panels.iter().find(|panel| panel.id == *chart);
        let by_name: Vec<&Panel> = page.panels.iter().filter(|panel| panel.name() == *chart).collect();
        let found = match (by_id, by_name.as_slice()) {
            (Some(panel), _) => panel.id.clone(),
            (None, [panel]) => panel.id.clone(),
            (None, several) => {
                let message = match several.len() {
                    0 => format!("no chart of the page of {} is called “{chart}”", named(project)),
                    many => format!("{many} charts are called “{chart}”"),
                };
                let hint = format!("“athanor page show {project}” lists their ids.");
                return Err(Failure(ApiError::new(ErrorCode::NotFound, message).field("charts").hint(hint)));
            }
        };
        gone.insert(found);
    }
    let before = page.panels.len();
    page.panels.retain(|panel| !all && !gone.contains(&panel.id));
    let taken = before - page.panels.len();
    let saved = save(backend, page.clone(), revision)?.revision;
    if json {
        return print::json(&wire::StoredPage { page: Some(page), revision: saved });
    }
    println!("{taken} of {before} charts taken off the page of {}.", named(project));
    Ok(())
}

fn export(backend: &mut Backend, project: &str, out: Option<&Path>, force: bool) -> Result<(), Failure> {
    if let Some(path) = out.filter(|_| !force) {
        write::free(path)?;
    }
    let (page, _) = there(backend, project)?;
    let mut text = serde_json::to_string_pretty(&page).map_err(std::io::Error::from)?;
    text.push('\n');
    match out {
        None => std::io::stdout().lock().write_all(text.as_bytes())?,
        Some(path) => {
            write::put(path, text.as_bytes(), force)?;
            eprintln!("{} written, {} charts", path.display(), page.panels.len());
        }
    }
    Ok(())
}

fn import(
    backend: &mut Backend,
    file: &Path,
    project: Option<String>,
    force: bool,
    json: bool,
) -> Result<(), Failure> {
    let failed = |cause: std::io::Error| {
        fail(ErrorCode::Path, format!("could not read the page in {}: {cause}", file.display()))
    };
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin().lock().read_to_string(&mut text).map_err(failed)?;
    } else {
        text = std::fs::read_to_string(file).map_err(failed)?;
    }
    // What “show --json” prints is taken, too.
    let value: serde_json::Value = serde_json::from_str(&text).map_err(|cause| no_page(file, &cause))?;
    let inner = value.get("page").filter(|page| page.is_object()).cloned().unwrap_or(value);
    let mut page: ChartPage = serde_json::from_value(inner).map_err(|cause| no_page(file, &cause))?;
    if let Some(project) = project {
        page.project = project;
    }
    let now = stored(backend, &page.project)?;
    if now.page.is_some_and(|page| !page.panels.is_empty()) && !force {
        let message = format!("there is a page of {} already", named(&page.project));
        let hint = "Give --force to put this one in its place, or --project to make it another’s.";
        return Err(Failure(ApiError::new(ErrorCode::Conflict, message).field("force").hint(hint)));
    }
    let (charts, project) = (page.panels.len(), page.project.clone());
    let saved = save(backend, page, now.revision)?;
    if json {
        return print::json(&saved);
    }
    println!("{charts} charts stand on the page of {} now.", named(&project));
    Ok(())
}

fn no_page(file: &Path, cause: &serde_json::Error) -> Failure {
    let message = format!("{} is no page of charts: {cause}", file.display());
    Failure(ApiError::new(ErrorCode::InvalidInput, message).hint("“athanor page export” writes one."))
}

//! The commands, each declared once: name, input, output and handler. The window, the command line, the socket and
//! the bridge all go through [`dispatch`]; the TypeScript of the window is generated from the same list.

use athanor_engine::Engine;
use serde::Serialize;
use serde::de::DeserializeOwned;
use ts_rs::TS;

use crate::handlers::{
    self, cleanup, compare, config, figures, files, history, log_search, notifications, pages, plots, points,
    queue, reports, run_charts, run_media, runs, sweeps, transfer, watch,
};
use crate::typescript::Declarations;
use crate::wire::{self, ApiError, ErrorCode, Nothing};

/// A command by its types.
pub trait Command {
    /// Its name on the wire.
    const NAME: &'static str;
    /// What it takes.
    type Input: Serialize + DeserializeOwned + TS + 'static;
    /// What it gives.
    type Output: Serialize + DeserializeOwned + TS + 'static;
}

macro_rules! commands {
    ($(#[doc = $doc:literal] $ident:ident = $name:literal: $handler:path, $input:ty => $output:ty;)*) => {
        $(
            #[doc = $doc]
            #[derive(Debug, Clone, Copy)]
            pub struct $ident;

            impl Command for $ident {
                const NAME: &'static str = $name;
                type Input = $input;
                type Output = $output;
            }
        )*

        /// The names of all commands.
        pub const NAMES: &[&str] = &[$($name),*];

        /// Runs a command by its name, JSON in and JSON out.
        ///
        /// # Errors
        /// There is no such command, the input has not its form, or the command failed.
        pub async fn dispatch(engine: &Engine, name: &str, input: &str) -> Result<String, ApiError> {
            match name {
                $($name => {
                    let input: $input = parse(name, input)?;
                    let output: $output = $handler(engine, input).await?;
                    write(name, &output)
                })*
                _ => Err(ApiError::new(ErrorCode::NotFound, format!("there is no command “{name}”"))),
            }
        }

        /// Declares the types of all commands, and returns the entries of the list of commands.
        pub(crate) fn declare(into: &mut Declarations) -> Vec<(&'static str, &'static str, String, String)> {
            vec![$(($name, $doc, into.name::<$input>(), into.name::<$output>())),*]
        }
    };
}

fn parse<T: DeserializeOwned>(name: &str, input: &str) -> Result<T, ApiError> {
    let input = if input.trim().is_empty() { "{}" } else { input };
    serde_json::from_str(input).map_err(|cause| {
        ApiError::new(ErrorCode::InvalidInput, format!("{name} does not take this: {cause}"))
    })
}

fn write<T: Serialize>(name: &str, output: &T) -> Result<String, ApiError> {
    serde_json::to_string(output).map_err(|cause| {
        ApiError::new(ErrorCode::Internal, format!("the answer of {name} can't be written: {cause}"))
    })
}

commands! {
    /// The engine and the paths in use.
    EngineInfo = "engine.info": handlers::engine_info, Nothing => wire::EngineInfo;
    /// Queues experiments: all of them or none.
    AddExperiments = "experiments.add": handlers::add, wire::AddExperiments => wire::AddedExperiments;
    /// Queues experiments anew, each as it was first queued, secrets of its environment included: all or none.
    AddAgain = "experiments.again": handlers::again, wire::ExperimentRefs => wire::AddedExperiments;
    /// A page of experiments.
    ListExperiments = "experiments.list": handlers::list, wire::ListExperiments => wire::ExperimentPage;
    /// Everything about one experiment.
    GetExperiment = "experiments.get": handlers::get, wire::ExperimentRef => wire::ExperimentDetail;
    /// Asks for the end of experiments.
    CancelExperiments = "experiments.cancel": queue::cancel, wire::Selection => wire::Outcomes;
    /// Stops the processes of running experiments, and holds waiting ones back.
    PauseExperiments = "experiments.pause": queue::pause, wire::Selection => wire::Outcomes;
    /// Lets paused and held experiments go on.
    ResumeExperiments = "experiments.resume": queue::resume, wire::Selection => wire::Outcomes;
    /// Holds waiting experiments back.
    HoldExperiments = "experiments.hold": queue::hold, wire::Selection => wire::Outcomes;
    /// Queues failed, cancelled or expired experiments once more, as a new attempt of the same experiment.
    RetryExperiments = "experiments.retry": queue::retry, wire::Selection => wire::Outcomes;
    /// Gives waiting experiments another place in the queue.
    MoveExperiments = "experiments.move": queue::reorder, wire::MoveExperiments => wire::Outcomes;
    /// Changes an experiment.
    EditExperiment = "experiments.edit": queue::edit, wire::EditExperiment => wire::ExperimentDetail;
    /// Changes several experiments alike.
    EditExperiments = "experiments.edit_many": queue::edit_many, wire::EditExperiments => wire::Outcomes;
    /// Puts finished experiments away, or takes them back out.
    ArchiveExperiments = "experiments.archive": queue::archive, wire::ArchiveExperiments => wire::Outcomes;
    /// Deletes finished experiments with their logs and recorded metrics; no file of the user is touched.
    DeleteExperiments = "experiments.delete": queue::delete, wire::ExperimentRefs => wire::Outcomes;
    /// Writes jobs down as text.
    ExportJobs = "experiments.export": transfer::export, wire::ExportJobs => wire::ExportedJobs;
    /// Queues jobs from text: all of them or none.
    ImportJobs = "experiments.import": transfer::import, wire::ImportJobs => wire::ImportedJobs;
    /// What a sweep would make.
    PreviewSweep = "sweeps.preview": sweeps::preview, wire::SweepRequest => wire::SweepPreview;
    /// Queues a sweep: all of its points or none.
    AddSweep = "sweeps.add": sweeps::add, wire::SweepRequest => wire::AddedExperiments;
    /// The groups.
    ListGroups = "groups.list": queue::list_groups, Nothing => wire::Groups;
    /// Makes or changes a group.
    SetGroup = "groups.set": queue::set_group, wire::SetGroup => wire::Groups;
    /// What the queue may give to jobs.
    GetResources = "queue.resources": queue::resources, Nothing => wire::Resources;
    /// Numbers about the queue.
    QueueReport = "queue.report": queue::report, Nothing => wire::QueueReport;
    /// Who ran where, when.
    ReadTimeline = "queue.timeline": queue::timeline, wire::ReadTimeline => wire::Timeline;
    /// Takes a GPU out of the queue or gives it back.
    BlockGpu = "gpus.block": queue::block_gpu, wire::BlockGpu => wire::Resources;
    /// Looks at requirements before they are used.
    CheckRequirements = "requirements.check": queue::check_requirements, wire::CheckRequirements => wire::RequirementsCheck;
    /// Looks at a config's text.
    CheckConfig = "config.check": config::check, wire::CheckConfig => wire::ConfigCheck;
    /// Reads a config file.
    ReadConfig = "config.read": config::read, wire::ReadConfig => wire::ConfigFile;
    /// Files of a folder that could be configs.
    ListConfigs = "config.list": config::list, wire::ListConfigs => wire::ConfigList;
    /// What a clean-up would take away.
    PreviewCleanUp = "cleanup.preview": cleanup::preview, wire::CleanUp => wire::CleanUpPlan;
    /// Takes away events and logs of experiments that ended long ago.
    RunCleanUp = "cleanup.run": cleanup::run, wire::CleanUp => wire::CleanUpPlan;
    /// Counts, slots, and whether the queue is paused.
    QueueStats = "queue.stats": handlers::queue_stats, Nothing => wire::QueueStats;
    /// Pauses or resumes the queue; what runs goes on.
    PauseQueue = "queue.pause": handlers::pause_queue, wire::PauseQueue => wire::QueueStats;
    /// A piece of a log from an offset.
    ReadLog = "log.read": handlers::read_log, wire::ReadLog => wire::LogChunk;
    /// The lines of a log that match a pattern, as far as one call looks.
    SearchLog = "log.search": log_search::search_log, wire::SearchLog => wire::LogMatches;
    /// Where the so-manieth line of a log begins, or how many there are.
    SeekLog = "log.seek": log_search::seek_log, wire::SeekLog => wire::LinesPassed;
    /// The last lines of a log.
    TailLog = "log.tail": handlers::tail_log, wire::TailLog => wire::LogChunk;
    /// What is in a folder of a run.
    ListFiles = "files.list": files::list, wire::ListFiles => wire::FileList;
    /// A piece of a file of a run.
    ReadFile = "files.read": files::read, wire::ReadFile => wire::FileChunk;
    /// The lines of a run's file that match a pattern, as far as one call looks.
    SearchFile = "files.search": files::search, wire::SearchFile => wire::FileMatches;
    /// Where the so-manieth line of a run's file begins, or how many there are.
    SeekFile = "files.seek": files::seek, wire::SeekFile => wire::LinesPassed;
    /// Somebody looks at a run's file: its changes are told for a while. Said again by who still looks.
    FollowFile = "files.follow": files::follow, wire::FollowFile => wire::FileState;
    /// The metric series of an experiment's newest attempt.
    ListMetrics = "metrics.list": handlers::list_metrics, wire::ExperimentRef => wire::SeriesList;
    /// The folders in which runs are looked for.
    ListWatchFolders = "watch.list": watch::list, Nothing => wire::WatchFolders;
    /// Looks for runs in a folder from now on; nothing is written there.
    AddWatchFolder = "watch.add": watch::add, wire::AddWatch => wire::WatchFolders;
    /// Looks for runs in a folder no more, and forgets those in it; nothing on disk is touched.
    RemoveWatchFolder = "watch.remove": watch::remove, wire::WatchRef => wire::WatchFolders;
    /// Says what a pattern would read in the logs of a folder.
    PreviewPattern = "watch.preview": watch::preview, wire::PreviewPattern => wire::FolderPreview;
    /// Looks through a watch folder again.
    LookThroughWatchFolder = "watch.look": watch::look, wire::WatchRef => wire::WatchFolders;
    /// A page of the table of runs.
    ListRuns = "runs.list": runs::list, wire::ListRuns => wire::RunPage;
    /// Rows of the table of runs by their uids.
    ReadRunRows = "runs.rows": runs::rows, wire::ReadRunRows => wire::RunRows;
    /// The columns that the table of runs may have.
    ListRunColumns = "runs.columns": runs::list_columns, wire::RunQuery => wire::RunColumns;
    /// The best run in each of several columns.
    FindBestRuns = "runs.best": runs::best, wire::FindBestRuns => wire::BestRuns;
    /// How a query for runs that is being typed may go on, and what is wrong with it.
    CompleteRunQuery = "runs.complete": runs::query::complete, wire::CompleteQuery => wire::QueryCompletion;
    /// Runs that have something in common, together.
    GroupRuns = "runs.group": runs::group, wire::GroupRuns => wire::RunGroups;
    /// Everything about a run but its points.
    GetRun = "runs.get": runs::get, wire::RunRef => wire::RunDetail;
    /// Changes tags and notes of runs.
    EditRuns = "runs.edit": runs::edit::edit, wire::EditRuns => wire::Outcomes;
    /// What would go if a run's files were removed.
    PlanRunRemoval = "runs.plan_removal": runs::edit::plan, wire::RunRef => wire::RunFilesPlan;
    /// Takes runs out of the index; files of one go into the desktop's trash if its name was typed.
    RemoveRuns = "runs.remove": runs::edit::remove, wire::RemoveRuns => wire::Outcomes;
    /// The saved ways of looking at the table of runs.
    ListRunViews = "runs.views": runs::views::list, Nothing => wire::SavedViews;
    /// Saves a way of looking at the table of runs, in place of the one of that name.
    SaveRunView = "runs.save_view": runs::views::save, wire::SavedView => wire::SavedViews;
    /// Deletes a saved way of looking at the table of runs.
    DeleteRunView = "runs.delete_view": runs::views::delete, wire::SavedViewRef => wire::SavedViews;
    /// The table of runs as CSV, JSON, Markdown, LaTeX or Parquet.
    ExportRuns = "runs.export": runs::export::export, wire::ExportRuns => wire::RunExport;
    /// Runs side by side: settings, metrics, and which is better.
    CompareRuns = "runs.compare": compare::compare, wire::CompareRuns => wire::Comparison;
    /// The same as Markdown.
    ExportComparison = "runs.compare_markdown": compare::as_markdown, wire::CompareRuns => wire::ComparisonText;
    /// The config files of runs.
    ListComparedConfigs = "runs.compare_configs": compare::configs, wire::ComparedUids => wire::ComparedConfigs;
    /// What differs between two config files.
    CompareTexts = "runs.compare_texts": compare::texts, wire::CompareTexts => wire::TextDiff;
    /// The files of the code that differ between two runs.
    CompareCode = "runs.compare_code": compare::code, wire::CompareCode => wire::CodeDiff;
    /// What differs in a file of the code.
    CompareCodeFile = "runs.compare_code_file": compare::code_file, wire::CompareCodeFile => wire::TextDiff;
    /// What runs ran in, side by side.
    CompareEnvironments = "runs.compare_environments": compare::environments, wire::ComparedUids => wire::ComparedEnvironment;
    /// Points of a metric of a run, exactly as they were logged.
    ReadRunPoints = "runs.points": run_charts::points, wire::ReadRunPoints => wire::RunPoints;
    /// The metrics that some runs have.
    ListRunMetrics = "runs.metrics": run_charts::metrics, wire::ListRunMetrics => wire::RunMetricCounts;
    /// A chart of metrics of runs.
    DrawRunChart = "runs.chart": run_charts::chart, wire::DrawRunChart => wire::RunChart;
    /// Several such charts; that one can't be drawn is no error of the others.
    DrawRunCharts = "runs.charts": run_charts::charts, wire::DrawRunCharts => wire::RunCharts;
    /// The values at a place of such a chart, exactly.
    ReadRunChart = "runs.read": run_charts::read, wire::ReadRunChart => wire::RunChartReading;
    /// Small lines of a metric, for a column of the table.
    DrawSparks = "runs.spark": run_charts::sparks, wire::DrawSparks => wire::Sparks;
    /// The images and histograms of a run.
    ListRunMedia = "runs.media": run_media::list, wire::ListRunMedia => wire::RunMediaPage;
    /// An image of a run, as it is stored.
    ReadRunImage = "runs.image": run_media::image, wire::ReadRunMedium => wire::RunImage;
    /// A histogram of a run.
    ReadRunHistogram = "runs.histogram": run_media::histogram, wire::ReadRunMedium => wire::RunHistogram;
    /// A picture of histograms of a run over steps.
    DrawRunHistograms = "runs.histograms": run_media::draw, wire::DrawRunHistograms => wire::RunHistograms;
    /// A plot of runs that is no chart of lines.
    DrawPlot = "plots.draw": plots::draw, wire::DrawPlot => wire::Plot;
    /// A chart as a file.
    MakeFigure = "figures.make": figures::make, wire::MakeFigure => wire::FigureFile;
    /// Charts, tables and notes as one HTML or PDF file, or as Markdown.
    MakeReport = "reports.make": reports::make, wire::MakeReport => wire::FigureFile;
    /// The pages of charts that there are.
    ListPages = "pages.list": pages::list, Nothing => wire::PageList;
    /// The charts that the user arranged for a project, or for all runs.
    GetPage = "pages.get": pages::get, wire::GetPage => wire::StoredPage;
    /// Saves the charts of a project, unless they were changed elsewhere meanwhile.
    SavePage = "pages.save": pages::save, wire::SavePage => wire::SavedPage;
    /// A chart for each metric of the runs of a query.
    SuggestPanels = "pages.suggest": pages::suggest, wire::SuggestPanels => wire::SuggestedPanels;
    /// Points of a metric of an experiment, exactly as they were logged.
    ReadPoints = "metrics.points": points::points, wire::ReadPoints => wire::RunPoints;
    /// A chart of metrics over steps.
    DrawChart = "chart.draw": handlers::draw_chart, wire::DrawChart => wire::Chart;
    /// The machine, now and in the last minutes.
    DeviceHistory = "device.history": handlers::device_history, Nothing => wire::DeviceHistory;
    /// Somebody looks at the machine: it is sampled every second for a while. Said again by who still looks.
    LookAtDevice = "device.look": handlers::look_at_device, wire::LookAtDevice => Nothing;
    /// Everything of which there is a history.
    ListHistory = "history.metrics": history::metrics, Nothing => wire::HistoryMetrics;
    /// What a metric did from one moment to another.
    ReadHistory = "history.read": history::read, wire::ReadHistory => wire::HistoryStretch;
    /// A chart of the machine's history, with the jobs that ran meanwhile.
    DrawHistory = "history.chart": history::chart, wire::DrawHistory => wire::HistoryChart;
    /// A page of a history as CSV.
    ExportHistory = "history.csv": history::export, wire::ExportHistory => wire::HistoryCsv;
    /// The folders whose files are followed now, how, and why so.
    ListMonitors = "monitors.list": handlers::list_monitors, Nothing => wire::Monitors;
    /// Events after a cursor.
    ReadEvents = "events.read": handlers::read_events, wire::ReadEvents => wire::EventPage;
    /// The settings.
    GetSettings = "settings.get": handlers::get_settings, Nothing => wire::Settings;
    /// Changes settings.
    ChangeSettings = "settings.change": handlers::change_settings, wire::ChangeSettings => wire::Settings;
    /// What the user was told of, newest first.
    ListNotifications = "notifications.list": notifications::list, wire::ListNotifications => wire::NotificationPage;
    /// Marks notifications as read.
    MarkNotifications = "notifications.mark": notifications::mark, wire::MarkNotifications => wire::Unread;
    /// Shows a notification, and runs the hook once, whatever the hour.
    TestNotification = "notifications.test": notifications::test, Nothing => wire::NotificationTest;
    /// What is run with each notification, and how it does.
    GetHook = "hook.get": notifications::get_hook, Nothing => wire::HookInfo;
    /// Sets what is run with each notification.
    SetHook = "hook.set": notifications::set_hook, wire::SetHook => wire::HookInfo;
    /// The projects.
    ListProjects = "projects.list": handlers::list_projects, Nothing => wire::Projects;
    /// Makes a folder a project; nothing is written into it.
    AddProject = "projects.add": handlers::add_project, wire::AddProject => wire::Project;
    /// Places the bundled demo in the data folder and makes it a project.
    AddDemo = "projects.add_demo": handlers::add_demo, Nothing => wire::Project;
    /// Forgets a project; no file is touched.
    RemoveProject = "projects.remove": handlers::remove_project, wire::ProjectRef => wire::Projects;
    /// Looks at a folder before it is used.
    CheckFolder = "folders.check": handlers::check_folder, wire::CheckFolder => wire::FolderCheck;
}

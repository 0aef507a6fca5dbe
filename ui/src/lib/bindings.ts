// Generated from the wire types in crates/api by `cargo xtask codegen`. Do not edit.

/**
 * What `experiments.add` takes: all of them are accepted or none.
 */
export type AddExperiments = { 
/**
 * The experiments in their order.
 */
experiments: Array<NewExperiment>, };

/**
 * A folder to be made a project.
 */
export type AddProject = { 
/**
 * The folder, absolute. Nothing is written into it.
 */
folder: string, 
/**
 * The name; the folder's own name if absent.
 */
name?: string, };

/**
 * What `experiments.add` gives.
 */
export type AddedExperiments = { 
/**
 * The accepted experiments in the order in which they were given.
 */
experiments: Array<Experiment>, 
/**
 * Whether an engine runs that will start them; if not, the next one does.
 */
engine_running: boolean, };

/**
 * What went wrong, where, and what to do next.
 */
export type ApiError = { 
/**
 * The class of the error.
 */
code: ErrorCode, 
/**
 * A sentence for people: what, where, why.
 */
message: string, 
/**
 * The next step, if there is one that helps.
 */
hint?: string, 
/**
 * The input's field that is at fault, for a form to show it there.
 */
field?: string, };

/**
 * The look.
 */
export type Appearance = "system" | "light" | "dark";

/**
 * One execution of an experiment.
 */
export type Attempt = { 
/**
 * 1 for the first.
 */
number: number, 
/**
 * The job's process id, once known.
 */
pid: number | null, 
/**
 * When it started.
 */
started_at: number, 
/**
 * When it ended; absent while it runs.
 */
ended_at: number | null, 
/**
 * `completed`, `failed` or `cancelled` once it ended, else `running` or `paused`.
 */
status: Status, 
/**
 * Its exit code.
 */
exit_code: number | null, 
/**
 * The signal that ended it.
 */
signal: number | null, 
/**
 * Why it failed.
 */
failure: Failure | null, 
/**
 * The folder with its log and exit record.
 */
folder: string, 
/**
 * The log's length over the job's life in bytes; the earliest part may have been rotated away.
 */
log_bytes: number, 
/**
 * Bytes of output that could not be kept because the disk refused them.
 */
log_dropped: number, 
/**
 * CPU time in user and kernel mode, milliseconds.
 */
cpu_ms: number | null, 
/**
 * Peak resident memory of its largest process, bytes.
 */
peak_memory: number | null, 
/**
 * The CSV file that its metrics are read from.
 */
metrics_file: string | null, };

/**
 * Settings to change; absent ones stay.
 */
export type ChangeSettings = { slots?: number, close_action?: CloseAction, appearance?: Appearance, notify?: boolean, log_limit?: number, };

/**
 * A drawn chart.
 */
export type Chart = { 
/**
 * The picture: an SVG document without scripts, styles or external references.
 */
svg: string, 
/**
 * Where the data is.
 */
plot: Rectangle, 
/**
 * The x axis (step).
 */
x: ChartAxis, 
/**
 * The y axis (value).
 */
y: ChartAxis, 
/**
 * The lines.
 */
lines: Array<ChartLine>, };

/**
 * An axis: the values at the two ends of the plot's rectangle.
 */
export type ChartAxis = { 
/**
 * The value at the left or the bottom.
 */
min: number, 
/**
 * The value at the right or the top.
 */
max: number, 
/**
 * How values map to pixels.
 */
scale: Scale, };

/**
 * One line of a chart, reduced to what the picture shows.
 */
export type ChartLine = { 
/**
 * The metric.
 */
key: string, 
/**
 * Index of its colour in the palette (0 is `--c1`).
 */
colour: number, 
/**
 * Step and value of the points drawn: exact values, not pixels.
 */
points: Array<[number, Number]>, 
/**
 * How many points the series has in all.
 */
total: number, };

/**
 * A folder to be looked at before it is used.
 */
export type CheckFolder = { 
/**
 * The folder; `~` stands for the home folder.
 */
path: string, };

/**
 * What closing the window does.
 */
export type CloseAction = "tray" | "quit";

/**
 * What a job runs: a program with arguments, or a line for the shell.
 */
export type Command = Array<string> | string;

/**
 * The present sample and what came before it.
 */
export type DeviceHistory = { 
/**
 * Samples of the last minutes, oldest first, the present one last. Kept in memory only, at most 300.
 */
samples: Array<DeviceSample>, };

/**
 * The machine at one moment.
 */
export type DeviceSample = { 
/**
 * When.
 */
at: number, 
/**
 * The host's name.
 */
host: string, 
/**
 * CPU utilisation over all cores, percent.
 */
cpu: Reading<number>, 
/**
 * Logical cores.
 */
cores: number, 
/**
 * Mean number of runnable tasks over one minute.
 */
load: number, 
/**
 * Memory in use, bytes.
 */
memory_used: number, 
/**
 * Memory in all, bytes.
 */
memory_total: number, 
/**
 * File systems.
 */
disks: Array<Disk>, 
/**
 * GPUs.
 */
gpus: Gpus, };

/**
 * A file system that holds something of ours.
 */
export type Disk = { 
/**
 * What it holds, for example the data folder.
 */
label: string, 
/**
 * A path on it.
 */
path: string, 
/**
 * Bytes that a user may still write.
 */
free: number, 
/**
 * Bytes in all.
 */
total: number, };

/**
 * A chart to be drawn.
 */
export type DrawChart = { 
/**
 * The experiment.
 */
uid: string, 
/**
 * The metrics, one line each.
 */
keys: Array<string>, 
/**
 * The attempt; the newest if absent.
 */
attempt?: number, 
/**
 * Width in CSS pixels, 40 to 8000.
 */
width: number, 
/**
 * Height in CSS pixels, 40 to 8000.
 */
height: number, 
/**
 * The theme.
 */
theme: Theme, 
/**
 * The scale of the y axis.
 */
y_scale?: Scale, 
/**
 * Weight of the exponential smoothing, 0 (none) to below 1.
 */
smoothing?: number, };

/**
 * The engine and the paths in use.
 */
export type EngineInfo = { 
/**
 * The program's version.
 */
version: string, 
/**
 * The host's name.
 */
host: string, 
/**
 * Who runs the engine.
 */
owner: EngineOwner, 
/**
 * The engine's process id.
 */
pid: number, 
/**
 * When it started.
 */
started_at: number, 
/**
 * The data folder (`ATHANOR_HOME`).
 */
home: string, 
/**
 * The database.
 */
database: string, 
/**
 * The folder of attempts: logs and exit records.
 */
attempts: string, 
/**
 * The local socket.
 */
socket: string, 
/**
 * The program's own log.
 */
log: string, 
/**
 * Backups of the database.
 */
backups: string, 
/**
 * What happened at the start that the user should know.
 */
notices: Array<Notice>, };

/**
 * Who runs the engine.
 */
export type EngineOwner = "window" | "headless" | "offline";

/**
 * An environment variable of a job.
 */
export type EnvironmentVariable = { 
/**
 * Its name.
 */
name: string, 
/**
 * Its value; absent when the name says that it is a secret.
 */
value: string | null, };

/**
 * The closed list of error codes. The window maps each to a title and a next step in one table.
 */
export type ErrorCode = "invalid_input" | "not_found" | "illegal_transition" | "path" | "disk_full" | "engine_busy" | "engine_gone" | "newer_database" | "protocol" | "forbidden" | "internal";

/**
 * Something that happened, as it stands in the event table.
 */
export type Event = { 
/**
 * The event's cursor: strictly increasing, never reused.
 */
cursor: number, 
/**
 * When it happened.
 */
at: number, 
/**
 * What happened.
 */
what: EventKind, 
/**
 * The experiment that it happened to.
 */
uid: string | null, 
/**
 * The attempt, if it belongs to one.
 */
attempt: number | null, 
/**
 * A sentence for people.
 */
message: string, };

/**
 * What can happen.
 */
export type EventKind = "added" | "started" | "voided" | "cancel_requested" | "completed" | "failed" | "cancelled" | "queue_paused" | "queue_resumed" | "engine_started" | "engine_stopped";

/**
 * A page of events in order.
 */
export type EventPage = { 
/**
 * The events.
 */
events: Array<Event>, 
/**
 * The newest event's cursor at present.
 */
latest: number, };

/**
 * An experiment as lists show it.
 */
export type Experiment = { 
/**
 * Its key.
 */
uid: string, 
/**
 * Its name.
 */
name: string, 
/**
 * The project's name, if it belongs to one.
 */
project: string | null, 
/**
 * What it runs.
 */
command: Command, 
/**
 * The command as one line.
 */
command_line: string, 
/**
 * The working directory.
 */
cwd: string, 
/**
 * How soon it runs.
 */
priority: Priority, 
/**
 * Where it stands.
 */
status: Status, 
/**
 * Whether a cancel was asked for that has not taken effect yet.
 */
cancelling: boolean, 
/**
 * Why it failed.
 */
failure: Failure | null, 
/**
 * Why it waits, in words.
 */
wait_reason: string | null, 
/**
 * The current or last attempt's number; 0 before the first.
 */
attempt: number, 
/**
 * When it was accepted.
 */
created_at: number, 
/**
 * When its last attempt started.
 */
started_at: number | null, 
/**
 * When it ended.
 */
completed_at: number | null, 
/**
 * How far it is.
 */
progress: Progress | null, 
/**
 * Latest metric values, in the order of the file's columns.
 */
metrics: Array<MetricValue>, 
/**
 * The user's tags.
 */
tags: Array<string>, };

/**
 * Everything about one experiment.
 */
export type ExperimentDetail = { 
/**
 * As lists show it.
 */
experiment: Experiment, 
/**
 * The user's notes.
 */
notes: string, 
/**
 * Its environment, secrets without their values.
 */
environment: Array<EnvironmentVariable>, 
/**
 * The path of its config, if one was given or found in the command.
 */
config_path: string | null, 
/**
 * The config's text as it was when the experiment was submitted.
 */
config_text: string | null, 
/**
 * Its attempts, newest first.
 */
attempts: Array<Attempt>, };

/**
 * A page of experiments.
 */
export type ExperimentPage = { 
/**
 * The experiments.
 */
experiments: Array<Experiment>, 
/**
 * How many there are in all.
 */
total: number, };

/**
 * Names one experiment. A unique beginning of the uid, or a unique name, is enough.
 */
export type ExperimentRef = { 
/**
 * The uid.
 */
uid: string, };

/**
 * Names several experiments.
 */
export type ExperimentRefs = { 
/**
 * The uids.
 */
uids: Array<string>, };

/**
 * A failure in words.
 */
export type Failure = { 
/**
 * The class.
 */
reason: FailureReason, 
/**
 * The exit code, if there was one.
 */
exit_code: number | null, 
/**
 * The signal that ended the process, if one did.
 */
signal: number | null, 
/**
 * What happened and what to do next.
 */
message: string, };

/**
 * Why an experiment failed.
 */
export type FailureReason = "exit_code" | "signal" | "time_limit" | "out_of_memory" | "could_not_start" | "lost" | "dependency_failed" | "disk_full";

/**
 * What was seen of a folder.
 */
export type FolderCheck = { 
/**
 * The absolute path.
 */
path: string, 
/**
 * Why it can't be used; absent if it can.
 */
problem: string | null, 
/**
 * What could be run there.
 */
suggestions: Array<Suggestion>, };

/**
 * One GPU at one moment.
 */
export type Gpu = { 
/**
 * The index in PCI bus order.
 */
index: number, 
/**
 * The vendor's unique id.
 */
uuid: string, 
/**
 * The model.
 */
name: string, 
/**
 * Utilisation, percent.
 */
utilisation: Reading<number>, 
/**
 * Memory in use, bytes.
 */
memory_used: Reading<number>, 
/**
 * Memory in all, bytes.
 */
memory_total: Reading<number>, 
/**
 * Temperature, °C.
 */
temperature: Reading<number>, 
/**
 * Power draw, watts.
 */
power: Reading<number>, 
/**
 * Power limit, watts.
 */
power_limit: Reading<number>, };

/**
 * Which GPUs there are, or why none can be seen.
 */
export type Gpus = { "state": "present", 
/**
 * In the order of their index; may be empty.
 */
gpus: Array<Gpu>, 
/**
 * The driver's version.
 */
driver: string | null, } | { "state": "no_driver", 
/**
 * In words, with the reason.
 */
message: string, } | { "state": "broken", 
/**
 * In words, with the reason and the next step.
 */
message: string, };

/**
 * Which experiments to list.
 */
export type ListExperiments = { 
/**
 * The part of the queue.
 */
section: Section, 
/**
 * Words that name, uid, project, command or tags must contain.
 */
text?: string, 
/**
 * Only this project.
 */
project?: string, 
/**
 * Only these statuses.
 */
statuses?: Array<Status>, 
/**
 * How many to skip.
 */
offset?: number, 
/**
 * How many at most; at least 1, at most 1000.
 */
limit: number, };

/**
 * A piece of a log.
 */
export type LogChunk = { 
/**
 * The attempt it belongs to; 0 if the experiment has not started yet.
 */
attempt: number, 
/**
 * The text, with U+FFFD for what is not UTF-8, or base64 if `raw` was asked for. Pieces of text join without
 * loss: a character is never cut.
 */
text: string, 
/**
 * The offset of the piece's first byte. Larger than asked for when the beginning was rotated away.
 */
start: number, 
/**
 * The offset after the piece's last byte: ask from here next.
 */
next: number, 
/**
 * The offset of the oldest byte that is still kept.
 */
oldest: number, 
/**
 * The offset after the last byte of the log at present.
 */
end: number, 
/**
 * Whether the job has ended, so that nothing will follow after `end`.
 */
ended: boolean, };

/**
 * The latest value of a metric.
 */
export type MetricValue = { 
/**
 * The metric's name, as in the file it came from.
 */
key: string, 
/**
 * The value.
 */
value: Number, 
/**
 * The step at which it was written.
 */
step: number, };

/**
 * An experiment to be queued.
 */
export type NewExperiment = { 
/**
 * What to run.
 */
command: Command, 
/**
 * The working directory, absolute.
 */
cwd: string, 
/**
 * Its name; the script's name if absent.
 */
name?: string, 
/**
 * The project's name.
 */
project?: string, 
/**
 * How soon it runs.
 */
priority?: Priority, 
/**
 * The whole environment of the job; absent means the engine's own.
 */
environment?: { [key in string]: string }, 
/**
 * Variables set on top of the environment.
 */
set?: { [key in string]: string }, 
/**
 * The path of its config, absolute or relative to the working directory; its text is kept.
 */
config_path?: string, 
/**
 * The user's tags.
 */
tags?: Array<string>, 
/**
 * The user's notes.
 */
notes?: string, 
/**
 * Longest time that it may run, milliseconds.
 */
time_limit_ms?: number, 
/**
 * From SIGTERM to SIGKILL when it is cancelled, milliseconds; 10,000 if absent.
 */
grace_ms?: number, };

/**
 * A command that takes nothing.
 */
export type Nothing = Record<symbol, never>;

/**
 * Something that the user should know of the program itself.
 */
export type Notice = { 
/**
 * `info`, `warning` or `error`.
 */
level: NoticeLevel, 
/**
 * What happened, in a few words.
 */
title: string, 
/**
 * What, where, why and the next step.
 */
message: string, };

/**
 * How grave a notice is.
 */
export type NoticeLevel = "info" | "warning" | "error";

/** A float: finite numbers as numbers, the others by name. */
export type Number = number | "NaN" | "Infinity" | "-Infinity";

/**
 * What became of one of several.
 */
export type Outcome = { 
/**
 * The uid, or what was given in its place.
 */
uid: string, 
/**
 * The experiment as it is now, if it went well.
 */
experiment: Experiment | null, 
/**
 * What went wrong, if it did not.
 */
error: ApiError | null, };

/**
 * What became of each.
 */
export type Outcomes = { 
/**
 * In the order in which they were given.
 */
outcomes: Array<Outcome>, };

/**
 * Whether the queue starts anything.
 */
export type PauseQueue = { 
/**
 * True: nothing new starts; what runs goes on.
 */
paused: boolean, };

/**
 * How soon an experiment runs before others.
 */
export type Priority = "urgent" | "high" | "normal" | "low";

/**
 * How far an attempt is, read from its files or log. For display only.
 */
export type Progress = { 
/**
 * 0 to 1.
 */
fraction: number | null, 
/**
 * The present epoch or step.
 */
current: number | null, 
/**
 * How many there will be.
 */
total: number | null, 
/**
 * What is counted.
 */
unit: ProgressUnit, };

/**
 * What progress counts.
 */
export type ProgressUnit = "epoch" | "step" | "percent";

/**
 * A folder that the user works in.
 */
export type Project = { 
/**
 * Its name, unique.
 */
name: string, 
/**
 * Its folder, absolute.
 */
folder: string, 
/**
 * Whether the folder is there and can be read.
 */
available: boolean, 
/**
 * Whether it is the bundled demo.
 */
demo: boolean, 
/**
 * What could be run there: scripts found in the folder, or the demo's list.
 */
suggestions: Array<Suggestion>, };

/**
 * Names a project.
 */
export type ProjectRef = { 
/**
 * Its name.
 */
name: string, };

/**
 * The projects.
 */
export type Projects = { 
/**
 * By name.
 */
projects: Array<Project>, };

/**
 * What is pushed to every client that listens.
 */
export type Push = { "kind": "hello", 
/**
 * The newest event's cursor.
 */
cursor: number, } | { "kind": "queue_update", 
/**
 * The event, with its cursor.
 */
event: Event, 
/**
 * The experiment as it is now; absent when it was removed since.
 */
experiment: Experiment | null, 
/**
 * The queue as it is now.
 */
stats: QueueStats, } | { "kind": "run_update", 
/**
 * The experiment.
 */
uid: string, 
/**
 * Keys of series with new points.
 */
keys: Array<string>, 
/**
 * The latest values.
 */
metrics: Array<MetricValue>, 
/**
 * How far it is, as far as its files or log tell.
 */
progress: Progress | null, } | { "kind": "log_append", 
/**
 * The experiment.
 */
uid: string, 
/**
 * The attempt's number.
 */
attempt: number, 
/**
 * The log's end: the offset after its last byte.
 */
end: number, } | { "kind": "device_update", 
/**
 * The sample.
 */
sample: DeviceSample, } | { "kind": "settings_update", 
/**
 * The settings as they are now.
 */
settings: Settings, 
/**
 * The queue as it is now.
 */
stats: QueueStats, } | { "kind": "projects_update", 
/**
 * All projects.
 */
projects: Array<Project>, } | { "kind": "notice", 
/**
 * The notice.
 */
notice: Notice, } | { "kind": "resync", 
/**
 * Where the stream goes on.
 */
cursor: number, } | { "kind": "engine_stopped", };

/**
 * How many experiments have each status, and how the queue stands.
 */
export type QueueStats = { pending: number, queued: number, running: number, paused: number, completed: number, failed: number, cancelled: number, expired: number, 
/**
 * Jobs that may run at once.
 */
slots: number, 
/**
 * Whether the user paused the queue.
 */
queue_paused: boolean, };

/**
 * Which events to read.
 */
export type ReadEvents = { 
/**
 * The last cursor already known; 0 for all.
 */
since: number, 
/**
 * How many at most; at most 1000.
 */
limit: number, };

/**
 * Where to read a log.
 */
export type ReadLog = { 
/**
 * The experiment.
 */
uid: string, 
/**
 * The attempt; the newest if absent.
 */
attempt?: number, 
/**
 * The first byte wanted, counted over the job's whole life.
 */
offset: number, 
/**
 * How many bytes at most (at most 4 MiB; 256 KiB if absent).
 */
limit?: number, 
/**
 * Give the bytes in base64 instead of text.
 */
raw?: boolean, };

/**
 * A reading of a device: a value, or why there is none. Neither of the others is 0.
 */
export type Reading<T> = { "state": "value", 
/**
 * The value in the field's unit.
 */
value: T, } | { "state": "unsupported", } | { "state": "failed", 
/**
 * Why.
 */
message: string, };

/**
 * A rectangle in CSS pixels from the picture's top left corner.
 */
export type Rectangle = { left: number, top: number, width: number, height: number, };

/**
 * Linear or logarithmic.
 */
export type Scale = "linear" | "log";

/**
 * A part of the queue.
 */
export type Section = "active" | "waiting" | "finished" | "all";

/**
 * A metric series of an experiment, with what the list of metrics shows of it.
 */
export type SeriesInfo = { 
/**
 * The metric's name.
 */
key: string, 
/**
 * The attempt that it belongs to.
 */
attempt: number, 
/**
 * How many points there are; all of them are kept.
 */
points: number, 
/**
 * The last value.
 */
last: Number | null, 
/**
 * The step of the last value.
 */
last_step: number | null, 
/**
 * The smallest finite value.
 */
min: Number | null, 
/**
 * The largest finite value.
 */
max: Number | null, 
/**
 * How many points are NaN or infinite.
 */
not_finite: number, };

/**
 * The series of one experiment.
 */
export type SeriesList = { 
/**
 * In the order of the file's columns.
 */
series: Array<SeriesInfo>, 
/**
 * The file that they were read from.
 */
source: string | null, 
/**
 * What could not be read, in words.
 */
problems: Array<string>, };

/**
 * The user's settings.
 */
export type Settings = { 
/**
 * Jobs that may run at once, 0 to 256.
 */
slots: number, 
/**
 * What closing the window does.
 */
close_action: CloseAction, 
/**
 * The look.
 */
appearance: Appearance, 
/**
 * Whether a native notification is shown when a job ends.
 */
notify: boolean, 
/**
 * Size at which a job's log is rotated, bytes; one older generation is kept.
 */
log_limit: number, };

/**
 * Where an experiment stands.
 */
export type Status = "pending" | "queued" | "running" | "paused" | "completed" | "failed" | "cancelled" | "expired";

/**
 * An experiment that a project's folder suggests.
 */
export type Suggestion = { 
/**
 * What the button says.
 */
label: string, 
/**
 * More about it.
 */
detail: string, 
/**
 * The name that the experiment gets.
 */
name: string, 
/**
 * The command.
 */
command: Array<string>, };

/**
 * How much of a log's end to read.
 */
export type TailLog = { 
/**
 * The experiment.
 */
uid: string, 
/**
 * The attempt; the newest if absent.
 */
attempt?: number, 
/**
 * Lines at most (at most 100,000; bounded by 4 MiB).
 */
lines: number, 
/**
 * Give the bytes in base64 instead of text.
 */
raw?: boolean, };

/**
 * Light or dark.
 */
export type Theme = "light" | "dark";

/** Every command: what it takes and what it gives. */
export interface Commands {
  /** The engine and the paths in use. */
  "engine.info": { input: Nothing; output: EngineInfo };
  /** Queues experiments: all of them or none. */
  "experiments.add": { input: AddExperiments; output: AddedExperiments };
  /** Queues experiments anew, each as it was first queued, secrets of its environment included: all or none. */
  "experiments.again": { input: ExperimentRefs; output: AddedExperiments };
  /** A page of experiments. */
  "experiments.list": { input: ListExperiments; output: ExperimentPage };
  /** Everything about one experiment. */
  "experiments.get": { input: ExperimentRef; output: ExperimentDetail };
  /** Asks for the end of experiments. */
  "experiments.cancel": { input: ExperimentRefs; output: Outcomes };
  /** Counts, slots, and whether the queue is paused. */
  "queue.stats": { input: Nothing; output: QueueStats };
  /** Pauses or resumes the queue; what runs goes on. */
  "queue.pause": { input: PauseQueue; output: QueueStats };
  /** A piece of a log from an offset. */
  "log.read": { input: ReadLog; output: LogChunk };
  /** The last lines of a log. */
  "log.tail": { input: TailLog; output: LogChunk };
  /** The metric series of an experiment's newest attempt. */
  "metrics.list": { input: ExperimentRef; output: SeriesList };
  /** A chart of metrics over steps. */
  "chart.draw": { input: DrawChart; output: Chart };
  /** The machine, now and in the last minutes. */
  "device.history": { input: Nothing; output: DeviceHistory };
  /** Events after a cursor. */
  "events.read": { input: ReadEvents; output: EventPage };
  /** The settings. */
  "settings.get": { input: Nothing; output: Settings };
  /** Changes settings. */
  "settings.change": { input: ChangeSettings; output: Settings };
  /** The projects. */
  "projects.list": { input: Nothing; output: Projects };
  /** Makes a folder a project; nothing is written into it. */
  "projects.add": { input: AddProject; output: Project };
  /** Places the bundled demo in the data folder and makes it a project. */
  "projects.add_demo": { input: Nothing; output: Project };
  /** Forgets a project; no file is touched. */
  "projects.remove": { input: ProjectRef; output: Projects };
  /** Looks at a folder before it is used. */
  "folders.check": { input: CheckFolder; output: FolderCheck };
}

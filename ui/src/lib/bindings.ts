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
 * A folder to be watched.
 */
export type AddWatch = { 
/**
 * Absolute.
 */
path: string, 
/**
 * The project of all runs in it that do not name their own.
 */
project?: string, 
/**
 * How metrics that programs print are found in logs: `auto`, `pairs`, `words`, a template such as `loss={loss}`, or an
 * expression between slashes. Logs are not read for them if absent.
 */
pattern?: string, };

/**
 * What `experiments.add` gives.
 */
export type AddedExperiments = { 
/**
 * The accepted experiments in the order in which they were given.
 */
experiments: Array<Experiment>, 
/**
 * Uids of those that were there already under their key.
 */
existing: Array<string>, 
/**
 * Whether an engine runs that will start them; if not, the next one does.
 */
engine_running: boolean, };

/**
 * Something of which there is so much.
 */
export type Amount = { 
/**
 * In all.
 */
total: number, 
/**
 * Held by jobs of this queue.
 */
reserved: number, 
/**
 * Used by others.
 */
foreign: number, };

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
field?: string, 
/**
 * Where in that field: characters counted from 0, end excluded.
 */
place?: [number, number], };

/**
 * The look.
 */
export type Appearance = "system" | "light" | "dark";

/**
 * Puts finished experiments away, or takes them back out.
 */
export type ArchiveExperiments = { 
/**
 * Which.
 */
uids: Array<string>, 
/**
 * Away or back.
 */
archived: boolean, };

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
 * The GPUs that it was given.
 */
gpus: Array<GivenGpu>, 
/**
 * Time that it held GPUs, milliseconds summed over them.
 */
gpu_ms: number | null, 
/**
 * Peak of its memory on all its GPUs, bytes, where the driver tells.
 */
peak_gpu_memory: number | null, 
/**
 * What it used of its GPUs; absent where nothing was seen.
 */
gpu_use?: GpuUse, 
/**
 * The CSV file that its metrics are read from.
 */
metrics_file: string | null, };

/**
 * A key with the values that it takes.
 */
export type Axis = { 
/**
 * The key, dotted where it is nested in a config.
 */
key: string, 
/**
 * The values, as they are written.
 */
values: Array<string>, };

/**
 * A value of a key at one point.
 */
export type AxisValue = { key: string, value: string, };

/**
 * An attempt on the timeline.
 */
export type Bar = { 
/**
 * The experiment.
 */
uid: string, 
/**
 * Its name.
 */
name: string, 
/**
 * Its group.
 */
group: string | null, 
/**
 * The attempt.
 */
attempt: number, 
/**
 * The lanes that it took.
 */
lanes: Array<string>, 
/**
 * When it started.
 */
from: number, 
/**
 * When it ended; absent while it runs.
 */
to: number | null, 
/**
 * The attempt's status.
 */
status: Status, };

/**
 * In which order bars stand.
 */
export type BarOrder = "value" | "given";

/**
 * A bar for each run with its value, or for each group with its centre and an error mark.
 */
export type BarPlot = { 
/**
 * The column with the values: numbers.
 */
column: string, 
/**
 * Columns in whose values the runs of a group agree, four at most; a bar for each run if empty.
 */
by: Array<string>, 
/**
 * What a group's bar shows.
 */
centre: PlotCentre, 
/**
 * What the mark on it shows.
 */
spread: PlotSpread, 
/**
 * The order.
 */
order: BarOrder, 
/**
 * How values map to lengths; on a log axis bars begin at its end.
 */
scale: Scale, };

/**
 * The best run in a column; of several, the one that started first.
 */
export type BestRun = { 
/**
 * The column's id.
 */
column: string, 
/**
 * The run.
 */
uid: string, 
/**
 * Its value.
 */
value: number, };

/**
 * The best runs.
 */
export type BestRuns = { 
/**
 * One for each column that has a goal, and a finite value in one of the runs at least.
 */
best: Array<BestRun>, };

/**
 * Takes a GPU out of the queue or gives it back. What runs on it goes on.
 */
export type BlockGpu = { 
/**
 * Its uuid or index.
 */
gpu: string, 
/**
 * Out or back.
 */
blocked: boolean, };

/**
 * A box for each group: from the 25 % to the 75 % quantile with the median, whiskers to the last value within 1.5 times
 * that length, and what lies beyond as points (Tukey).
 */
export type BoxPlot = { 
/**
 * The column with the values: numbers.
 */
column: string, 
/**
 * Columns in whose values the runs of a group agree, four at most; one box for all runs if empty.
 */
by: Array<string>, 
/**
 * All values as points, not only those beyond the whiskers.
 */
points: boolean, 
/**
 * How values map to places.
 */
scale: Scale, };

/**
 * What a table shows in one place. NaN and the infinities are text, as [`Number`] has them.
 */
export type Cell = boolean | Number | string | null;

/**
 * Settings to change; absent ones stay.
 */
export type ChangeNotifications = { off?: Array<NotificationKind>, muted_projects?: Array<string>, quiet?: Array<TimeWindow>, gpu_hot?: number, disk_low?: number, stall_ms?: number, };

/**
 * Settings to change; absent ones stay.
 */
export type ChangeSettings = { slots?: number, close_action?: CloseAction, appearance?: Appearance, notify?: boolean, log_limit?: number, max_running?: number | null, per_gpu?: number | null, per_project?: number | null, ignore_idle_processes?: boolean, windows?: Array<TimeWindow>, keep_days?: number, idle_gpu_percent?: number, idle_gpu_minutes?: number, idle_gpu_cancel?: boolean, autostart?: boolean, notifications?: ChangeNotifications, };

/**
 * What can be changed of several experiments alike: what is absent stays as it is.
 */
export type Changes = { 
/**
 * How soon they run.
 */
priority?: Priority, 
/**
 * Their group.
 */
group?: string | null, 
/**
 * Tags in place of those that they have.
 */
tags?: Array<string>, 
/**
 * Tags that they get on top of those that they have.
 */
add_tags?: Array<string>, 
/**
 * Tags that they lose.
 */
remove_tags?: Array<string>, 
/**
 * Whether they are held back.
 */
hold?: boolean, 
/**
 * What they need, in place of what they asked for.
 */
requirements?: Requirements, 
/**
 * Wait on when a dependency can't be met any more.
 */
wait_for_failed?: boolean, 
/**
 * Not before this moment, UTC milliseconds.
 */
not_before?: number | null, 
/**
 * Only in this window of the week.
 */
window?: string | null, 
/**
 * Expire if they have not started by then, UTC milliseconds.
 */
start_by?: number | null, 
/**
 * What is done after a failure.
 */
retry?: RetryPolicy | null, 
/**
 * Longest time that they may run, milliseconds.
 */
time_limit_ms?: number | null, 
/**
 * From SIGTERM to SIGKILL, milliseconds.
 */
grace_ms?: number, };

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
 * How values map to pixels: a value v lies at (f(v) − f(min)) / (f(max) − f(min)) of the axis, with f(v) = v, or log v,
 * or of a symlog axis sign(v) · s, where s = 10/9 · |v|/t up to t, and beyond 10/9 + log10(|v|/t).
 */
scale: Scale, 
/**
 * Up to which size t a symlog axis is linear; absent of other axes.
 */
linear?: number, };

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
 * A page of charts, one for each project and one for all runs.
 */
export type ChartPage = { 
/**
 * The project; empty for all runs.
 */
project: string, 
/**
 * Which of its runs, in the language of the query bar.
 */
query: string, 
/**
 * Runs that are not drawn.
 */
hidden: Array<string>, 
/**
 * Runs that are drawn although they are not among the newest.
 */
shown: Array<string>, 
/**
 * So many of the newest runs are drawn, 1 to 200.
 */
newest: number, 
/**
 * How line charts are drawn that do not say it themselves; its metrics and ranges mean nothing.
 */
defaults: LinesSpec, 
/**
 * The sections in their order.
 */
sections: Array<PageSection>, 
/**
 * The panels in their order.
 */
panels: Array<Panel>, 
/**
 * What its next report begins with.
 */
report?: PageReport, };

/**
 * Any chart of runs, as pages and figures have them.
 */
export type ChartSpec = { "kind": "lines" } & LinesSpec | PlotSpec;

/**
 * What part of a chart is looked at.
 */
export type ChartView = { 
/**
 * From where to where on the x axis; what the document says if absent.
 */
x: [number, number] | null, 
/**
 * From where to where on the y axis, likewise.
 */
y: [number, number] | null, };

/**
 * A config's text.
 */
export type CheckConfig = { 
/**
 * YAML.
 */
text: string, };

/**
 * A folder to be looked at before it is used.
 */
export type CheckFolder = { 
/**
 * The folder; `~` stands for the home folder.
 */
path: string, };

/**
 * Requirements to be looked at before they are used.
 */
export type CheckRequirements = { 
/**
 * The requirements.
 */
requirements: Requirements, };

/**
 * What may be cleaned up.
 */
export type CleanUp = { 
/**
 * Older than so many days; the setting if absent.
 */
days?: number, };

/**
 * What a clean-up takes away, or has taken. Never metrics, checkpoints, or files of the user.
 */
export type CleanUpPlan = { 
/**
 * What ended before this is meant.
 */
before: number, 
/**
 * Events of finished experiments.
 */
events: number, 
/**
 * Logs in all.
 */
logs: number, 
/**
 * Their size, bytes.
 */
bytes: number, 
/**
 * The largest 200.
 */
largest: Array<OldLog>, };

/**
 * What closing the window does.
 */
export type CloseAction = "tray" | "quit";

/**
 * What differs in the code of two runs.
 */
export type CodeDiff = { 
/**
 * The commits; absent where one is not known.
 */
commits: CommitPair | null, 
/**
 * The working tree in which both commits were found.
 */
repository: string | null, 
/**
 * The files that differ, by path; 2,000 at most.
 */
files: Array<CodeFile>, 
/**
 * How many there are.
 */
total: number, 
/**
 * Why there is no answer.
 */
problem: string | null, 
/**
 * What to do about it.
 */
hint: string | null, 
/**
 * What is to be kept in mind.
 */
notes: Array<string>, };

/**
 * A file that differs between two commits.
 */
export type CodeFile = { 
/**
 * Its path in the repository; the new one where it was moved.
 */
path: string, 
/**
 * Where it was before, if it was moved.
 */
old_path: string | null, 
/**
 * What became of it.
 */
change: ComparedChange, 
/**
 * Lines that the new one has alone; absent for what is no text.
 */
added: number | null, 
/**
 * Lines that the old one has alone.
 */
removed: number | null, };

/**
 * What a job runs: a program with arguments, or a line for the shell.
 */
export type Command = Array<string> | string;

/**
 * Two commits.
 */
export type CommitPair = { 
/**
 * The baseline’s, as its files say.
 */
old: string, 
/**
 * The other run’s.
 */
new: string, };

/**
 * Asks for what differs in the code of two runs.
 */
export type CompareCode = { 
/**
 * The baseline.
 */
old: string, 
/**
 * The other run.
 */
new: string, };

/**
 * Asks for what differs in a file of the code.
 */
export type CompareCodeFile = { 
/**
 * The baseline.
 */
old: string, 
/**
 * The other run.
 */
new: string, 
/**
 * The file’s path, as the list of files has it.
 */
path: string, 
/**
 * Where it was before, if it was moved.
 */
old_path?: string, 
/**
 * Lines that are the same and are shown around what differs; all of them if absent.
 */
context?: number, };

/**
 * Which runs are compared, and how.
 */
export type CompareRuns = { 
/**
 * The runs, 2 to 20, in the order of their columns; a uid may be shortened to a unique beginning.
 */
uids: Array<string>, 
/**
 * The run that the others are compared with; the first one if absent.
 */
baseline?: string, 
/**
 * The metric at whose best step the others are read; if absent, one that validates and that most of the runs have.
 */
target?: string, 
/**
 * Which way metrics are better, where their names do not tell or tell wrongly.
 */
goals?: { [key in string]: RunGoal }, 
/**
 * Which value of a run is taken for the verdict.
 */
value?: ComparedValue, 
/**
 * Ids of columns: runs that agree in them are a group, one to four. If absent, runs are a group that have the same
 * settings but for the seed and for where results go.
 */
group_by?: Array<string>, };

/**
 * Asks for what differs between two config files.
 */
export type CompareTexts = { 
/**
 * The baseline’s.
 */
old: ConfigRef, 
/**
 * The other one’s.
 */
new: ConfigRef, 
/**
 * Lines that are the same and are shown around what differs; all of them if absent.
 */
context?: number, };

/**
 * What became of something from the baseline to another run.
 */
export type ComparedChange = "same" | "added" | "removed" | "changed";

/**
 * The config files of runs.
 */
export type ComparedConfigs = { 
/**
 * For each run, in the order that was asked for.
 */
runs: Array<RunConfigs>, };

/**
 * What runs ran in.
 */
export type ComparedEnvironment = { 
/**
 * The runs, in the order of the values.
 */
uids: Array<string>, 
/**
 * Facts by subject: machine, command, variables, packages.
 */
sections: Array<EnvironmentSection>, 
/**
 * What is not known, and why.
 */
notes: Array<string>, };

/**
 * Runs that are compared as one.
 */
export type ComparedGroup = { 
/**
 * What sets it apart from the other groups, in a few words.
 */
label: string, 
/**
 * Places of its runs.
 */
runs: Array<number>, 
/**
 * What its runs agree in and not all groups have alike.
 */
values: Array<GroupSetting>, 
/**
 * Seeds of its runs, in their order; a run that names none has none here.
 */
seeds: Array<Cell>, };

/**
 * A metric of several runs.
 */
export type ComparedMetric = { 
/**
 * Its name.
 */
key: string, 
/**
 * Which way it is better.
 */
goal: RunGoal | null, 
/**
 * The goal is what its name tells.
 */
named: boolean, 
/**
 * At the best step of the target: the point of the greatest step up to there.
 */
at_target: Array<MetricPlace | null>, 
/**
 * The best value; where no goal is known there is none.
 */
best: Array<MetricPlace | null>, 
/**
 * The last value.
 */
last: Array<MetricPlace | null>, };

/**
 * A run among others.
 */
export type ComparedRun = { 
/**
 * Its row, without cells.
 */
run: RunRow, 
/**
 * A name that tells it from the others: with what differs where several have the same.
 */
label: string, 
/**
 * From its start to its end or, while it runs, to the newest change of its files, milliseconds.
 */
duration: number | null, 
/**
 * The git commit, as its files say.
 */
commit: string | null, 
/**
 * The machine that it ran on, as its files say.
 */
host: string | null, 
/**
 * Place of its group.
 */
group: number, 
/**
 * The step at which the target metric is best.
 */
best_step: number | null, };

/**
 * A setting of several runs.
 */
export type ComparedSetting = { 
/**
 * Its name; levels are joined by points.
 */
key: string, 
/**
 * Its value in each run.
 */
values: Array<Cell>, 
/**
 * What became of it in each run, compared with the baseline: 0.1 and 1e-1 are the same, 1 and “1” are not.
 */
changes: Array<ComparedChange>, 
/**
 * Not all of the runs have it alike.
 */
differs: boolean, };

/**
 * Runs as names in an order.
 */
export type ComparedUids = { 
/**
 * The runs, 1 to 20.
 */
uids: Array<string>, 
/**
 * The run that the others are compared with; the first one if absent.
 */
baseline?: string, };

/**
 * Which value of a metric stands for a run.
 */
export type ComparedValue = "at_target" | "best" | "last";

/**
 * Runs side by side.
 */
export type Comparison = { 
/**
 * The runs, in the order that was asked for.
 */
runs: Array<ComparedRun>, 
/**
 * Place of the run that the others are compared with.
 */
baseline: number, 
/**
 * All settings that some run has, by name; those that do not differ are said to be the same.
 */
settings: Array<ComparedSetting>, 
/**
 * The metric at whose best step the others are read; none if no run has one whose goal is known.
 */
target: string | null, 
/**
 * All metrics that some run has: the target first, then those that all runs have, by name.
 */
metrics: Array<ComparedMetric>, 
/**
 * Which value stands for a run in the verdict.
 */
value: ComparedValue, 
/**
 * Runs that are alike but for the seed, or agree in the columns that were asked for; the baseline's first.
 */
groups: Array<ComparedGroup>, 
/**
 * Settings that were left out of account where groups were made by the settings.
 */
set_aside: Array<string>, 
/**
 * Which group is better, by metric; those with a goal that two groups have.
 */
verdicts: Array<Verdict>, 
/**
 * The verdict in a few sentences, on the target metric.
 */
summary: Array<string>, 
/**
 * What is to be kept in mind with the verdicts.
 */
notes: Array<string>, };

/**
 * A comparison as text.
 */
export type ComparisonText = { 
/**
 * Markdown.
 */
text: string, };

/**
 * A query that is being typed.
 */
export type CompleteQuery = { 
/**
 * The text.
 */
query: string, 
/**
 * Where the cursor stands: UTF-16 code units before it.
 */
cursor: number, };

/**
 * When a dependency is met.
 */
export type Condition = "success" | "any" | "failure";

/**
 * What a config holds.
 */
export type ConfigCheck = { 
/**
 * Its keys in order, dotted where nested.
 */
keys: Array<ConfigKey>, 
/**
 * Why it can't be read.
 */
problem: ConfigProblem | null, };

/**
 * A config file of a run.
 */
export type ConfigChoice = { 
/**
 * What it is asked for by.
 */
id: string, 
/**
 * What people know it by: its path in the run’s folder, or that it is the queue’s copy.
 */
label: string, 
/**
 * Bytes.
 */
size: number, 
/**
 * It is the text that the queue kept when the experiment was submitted.
 */
kept: boolean, };

/**
 * A config file.
 */
export type ConfigFile = { 
/**
 * Its full path.
 */
path: string, 
/**
 * Its text.
 */
text: string, };

/**
 * A key of a config.
 */
export type ConfigKey = { 
/**
 * Dotted.
 */
key: string, 
/**
 * `null`, `bool`, `number`, `text`, `list` or `map`.
 */
kind: string, 
/**
 * The value, if it is a scalar.
 */
value: string | null, 
/**
 * The items, if it is a list of scalars: it could be swept over.
 */
items: Array<string> | null, };

/**
 * YAML files that could be configs, relative to the folder, likely ones first.
 */
export type ConfigList = { 
/**
 * The paths.
 */
paths: Array<string>, };

/**
 * Where and why a config can't be read.
 */
export type ConfigProblem = { 
/**
 * From 1.
 */
line: number, 
/**
 * From 1.
 */
column: number, 
/**
 * Why.
 */
message: string, };

/**
 * A text of a run.
 */
export type ConfigRef = { 
/**
 * The run.
 */
uid: string, 
/**
 * The id of the file.
 */
file: string, };

/**
 * Another experiment that must come first.
 */
export type Dependency = { 
/**
 * Its uid; `@label` names an earlier one of the same call.
 */
uid: string, 
/**
 * When it is met.
 */
when?: Condition, };

/**
 * A dependency, seen from either end.
 */
export type DependencyInfo = { 
/**
 * The other experiment's uid.
 */
uid: string, 
/**
 * Its name.
 */
name: string, 
/**
 * Where it stands; absent when it was deleted.
 */
status: Status | null, 
/**
 * When the dependency is met.
 */
when: Condition, 
/**
 * How it stands.
 */
standing: DependencyStanding, };

/**
 * How a dependency stands.
 */
export type DependencyStanding = "open" | "met" | "never";

/**
 * Where in the queue.
 */
export type Destination = { "to": "top", } | { "to": "bottom", } | { "to": "before", 
/**
 * The other.
 */
other: string, } | { "to": "after", 
/**
 * The other.
 */
other: string, };

/**
 * The present sample and what came before it.
 */
export type DeviceHistory = { 
/**
 * The machine; null where nothing samples it.
 */
facts: HostFacts | null, 
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
 * Milliseconds after which the next is due. It is unhealthy to be much later.
 */
pace_ms: number, 
/**
 * The host's name.
 */
host: string, 
/**
 * CPU utilisation over all cores, percent.
 */
cpu: Reading<number>, 
/**
 * Of each core, percent.
 */
per_core: Reading<Array<number>>, 
/**
 * Logical cores.
 */
cores: number, 
/**
 * Mean numbers of runnable tasks.
 */
load: Reading<Load>, 
/**
 * Memory in use, bytes.
 */
memory_used: Reading<number>, 
/**
 * Memory in all, bytes.
 */
memory_total: Reading<number>, 
/**
 * Swap in use, bytes.
 */
swap_used: Reading<number>, 
/**
 * Swap in all, bytes; 0 where there is none.
 */
swap_total: Reading<number>, 
/**
 * File systems: that of the data folder first.
 */
disks: Array<Disk>, 
/**
 * Network interfaces, without the loopback.
 */
network: Array<Interface>, 
/**
 * Thermometers of the machine.
 */
temperatures: Array<Temperature>, 
/**
 * GPUs.
 */
gpus: Gpus, };

/**
 * A part of two texts in which something differs.
 */
export type DiffHunk = { 
/**
 * Its head, as a unified diff has it: `@@ -1,5 +1,6 @@`.
 */
head: string, 
/**
 * Its lines, old and new beside each other.
 */
rows: Array<DiffRow>, };

/**
 * A piece of a line.
 */
export type DiffPart = { 
/**
 * The text.
 */
text: string, 
/**
 * It is what differs within the line.
 */
changed: boolean, };

/**
 * A line of the old text, of the new one, or of both.
 */
export type DiffRow = { 
/**
 * Both sides are there and the same.
 */
same: boolean, 
/**
 * The line of the old text.
 */
old: DiffSide | null, 
/**
 * The line of the new text.
 */
new: DiffSide | null, };

/**
 * A line of a text.
 */
export type DiffSide = { 
/**
 * Its number, from 1.
 */
line: number, 
/**
 * Its text in pieces, without the line end.
 */
parts: Array<DiffPart>, };

/**
 * A file system that holds something of ours.
 */
export type Disk = { 
/**
 * A short name that stays the same: “Data folder”, else the mount point.
 */
label: string, 
/**
 * What it holds, in words.
 */
holds: Array<string>, 
/**
 * A path on it.
 */
path: string, 
/**
 * Where it is mounted.
 */
mount: string | null, 
/**
 * Its type, such as ext4.
 */
file_system: string | null, 
/**
 * Bytes that a user may still write.
 */
free: Reading<number>, 
/**
 * Bytes in all.
 */
total: Reading<number>, };

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
 * A chart of histories to be drawn: all of one unit.
 */
export type DrawHistory = { 
/**
 * Which, one line each.
 */
series: Array<HistoryRef>, 
/**
 * From when on; from the beginning if absent.
 */
since?: number, 
/**
 * Up to when; now if absent.
 */
until?: number, 
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
theme: Theme, };

/**
 * Asks for a plot.
 */
export type DrawPlot = { 
/**
 * Of which runs, 10,000 at most.
 */
runs: RunSet, 
/**
 * What is drawn.
 */
plot: PlotSpec, 
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
theme: Theme, };

/**
 * Asks for a line chart of runs.
 */
export type DrawRunChart = { 
/**
 * Of which runs, 1,000 at most.
 */
runs: RunSet, 
/**
 * What is drawn.
 */
lines: LinesSpec, 
/**
 * Width in CSS pixels, 40 to 8000.
 */
width: number, 
/**
 * Height in CSS pixels, 40 to 8000.
 */
height: number, 
/**
 * Pixels of the screen for each CSS pixel, 0.5 to 4.
 */
ratio: number, 
/**
 * The theme.
 */
theme: Theme, 
/**
 * What part is looked at.
 */
view?: ChartView, };

/**
 * Asks for several line charts: a page opens with dozens of them.
 */
export type DrawRunCharts = { 
/**
 * 24 at most.
 */
charts: Array<DrawRunChart>, };

/**
 * Asks for a picture of histograms over steps.
 */
export type DrawRunHistograms = { 
/**
 * The run.
 */
uid: string, 
/**
 * The histograms' name.
 */
key: string, 
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
theme: Theme, };

/**
 * Small lines of a metric, for a column of a table.
 */
export type DrawSparks = { 
/**
 * The runs, at most 200.
 */
uids: Array<string>, 
/**
 * The metric.
 */
key: string, 
/**
 * How many pixels wide a line is shown, 8 to 400.
 */
width: number, };

/**
 * How the driver of one vendor stands.
 */
export type Driver = { 
/**
 * Whose.
 */
vendor: Vendor, 
/**
 * Its version.
 */
version: string | null, 
/**
 * The newest version of CUDA that it can run.
 */
cuda: string | null, 
/**
 * Why it does not work; null where it does.
 */
fault: DriverFault | null, };

/**
 * Why a driver does not work.
 */
export type DriverFault = { 
/**
 * What kind of fault it is.
 */
kind: DriverFaultKind, 
/**
 * What is wrong and why, in a sentence.
 */
message: string, 
/**
 * What the user can do, in a sentence; null where nothing needs to be done.
 */
next_step: string | null, };

/**
 * What kind of fault a driver has.
 */
export type DriverFaultKind = "absent" | "no_library" | "not_loaded" | "mismatch" | "no_permission" | "silent" | "failing";

/**
 * Changes of an experiment. Name, tags and notes may always be changed; the rest while it waits.
 */
export type EditExperiment = { uid: string, name?: string, tags?: Array<string>, notes?: string, command?: Command, cwd?: string, priority?: Priority, requirements?: Requirements, after?: Array<Dependency>, wait_for_failed?: boolean, not_before?: number | null, window?: string | null, start_by?: number | null, retry?: RetryPolicy | null, group?: string | null, time_limit_ms?: number | null, grace_ms?: number, 
/**
 * The config's text in place of what was submitted.
 */
config_text?: string, 
/**
 * Variables to set, or to remove with `null`.
 */
set?: { [key in string]: string | null }, };

/**
 * Changes of several experiments alike, in one transaction. Tags may always be changed; the rest while one waits.
 */
export type EditExperiments = { 
/**
 * Which; of a group, those that wait.
 */
selection: Selection, 
/**
 * What.
 */
changes: Changes, };

/**
 * Changes what the user says of runs.
 */
export type EditRuns = { 
/**
 * The runs.
 */
uids: Array<string>, 
/**
 * Tags that they are to have.
 */
tags_add?: Array<string>, 
/**
 * Tags that they are not to have.
 */
tags_remove?: Array<string>, 
/**
 * Their notes, at most 2,000 characters; as they are if absent.
 */
notes?: string, };

/**
 * How the energy of GPUs that others used, too, was split.
 */
export type EnergyBasis = "whole" | "utilisation" | "memory" | "equal";

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
 * A fact of several runs.
 */
export type EnvironmentFact = { 
/**
 * Its name.
 */
key: string, 
/**
 * What each run has; a secret stands there masked.
 */
values: Array<string | null>, 
/**
 * What became of it in each run, compared with the baseline; told of secrets, too.
 */
changes: Array<ComparedChange>, 
/**
 * Not all of the runs have it alike.
 */
differs: boolean, };

/**
 * Facts about one subject.
 */
export type EnvironmentSection = { 
/**
 * The subject.
 */
title: string, 
/**
 * Facts that some run has, by name.
 */
facts: Array<EnvironmentFact>, };

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
export type ErrorCode = "invalid_input" | "not_found" | "illegal_transition" | "dependency_cycle" | "impossible" | "conflict" | "needs_agreement" | "path" | "disk_full" | "engine_busy" | "engine_gone" | "newer_database" | "protocol" | "forbidden" | "internal";

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
export type EventKind = "added" | "started" | "voided" | "cancel_requested" | "completed" | "failed" | "cancelled" | "expired" | "released" | "held" | "paused" | "resumed" | "retrying" | "requeued" | "edited" | "moved" | "archived" | "restored" | "deleted" | "group_changed" | "gpu_blocked" | "gpu_tripped" | "gpu_unblocked" | "queue_paused" | "queue_tripped" | "queue_resumed" | "gpu_idle" | "policy_cancel" | "engine_started" | "engine_stopped";

/**
 * A page of events in order, or with the newest first.
 */
export type EventPage = { 
/**
 * The events.
 */
events: Array<Event>, 
/**
 * The last cursor that was looked at: the `since` of the next page, or its `before`.
 */
reached: number, 
/**
 * Whether there may be more from there. Looking for words ends after some way, found or not.
 */
more: boolean, 
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
tags: Array<string>, 
/**
 * Its group.
 */
group: string | null, 
/**
 * What it needs.
 */
requirements: Requirements, 
/**
 * Indices of the GPUs that its present attempt has.
 */
gpus: Array<number>, 
/**
 * Whether the user holds it back.
 */
held: boolean, 
/**
 * It does not start before this.
 */
not_before: number | null, 
/**
 * It starts only in this window.
 */
window: string | null, 
/**
 * It expires if it has not started by then.
 */
start_by: number | null, 
/**
 * How many others it waits for.
 */
waits_for: number, 
/**
 * Retries that were used since the user last queued it.
 */
retries_used: number, 
/**
 * Retries that it may use.
 */
retry_limit: number, 
/**
 * When the next retry is due.
 */
retry_at: number | null, 
/**
 * When it is expected to start, as far as run times are known.
 */
estimated_start: number | null, 
/**
 * When it is expected to end, by its estimated run time.
 */
estimated_end: number | null, 
/**
 * Longest time that it may run, milliseconds.
 */
time_limit_ms: number | null, 
/**
 * Whether it was put away.
 */
archived: boolean, };

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
attempts: Array<Attempt>, 
/**
 * What must come first.
 */
after: Array<DependencyInfo>, 
/**
 * What waits for it.
 */
before: Array<DependencyInfo>, 
/**
 * Whether it waits on when a dependency can't be met any more.
 */
wait_for_failed: boolean, 
/**
 * What is done after a failure.
 */
retry: RetryPolicy, 
/**
 * From SIGTERM to SIGKILL, milliseconds.
 */
grace_ms: number, 
/**
 * The key that makes a repeated submission the same experiment.
 */
key: string | null, 
/**
 * Who queued it.
 */
user: string | null, 
/**
 * Facts that a caller has added.
 */
metadata: { [key in string]: string }, 
/**
 * The experiment that it was made from.
 */
parent: string | null, };

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
 * A history to be written as CSV, a page at a time.
 */
export type ExportHistory = { 
/**
 * Which.
 */
series: HistoryRef, 
/**
 * From when on; from the beginning if absent.
 */
since?: number, 
/**
 * Up to when; now if absent.
 */
until?: number, 
/**
 * Where the page before this one ended; the first if absent.
 */
after?: HistoryPlace, };

/**
 * Which jobs to write down.
 */
export type ExportJobs = { 
/**
 * Which; all that wait if neither uids nor a group are given.
 */
selection?: Selection, 
/**
 * In which form.
 */
format: TransferFormat, };

/**
 * Asks for a table of runs as a file or for the clipboard.
 */
export type ExportRuns = { 
/**
 * The runs that match this; all if empty.
 */
query?: string, 
/**
 * Only these of them.
 */
uids?: Array<string>, 
/**
 * The order.
 */
sort?: Array<RunSort>, 
/**
 * Ids of the columns. The uid comes first in CSV, JSON and Parquet.
 */
columns: Array<string>, 
/**
 * What it is written as.
 */
format: RunExportFormat, };

/**
 * Jobs as text.
 */
export type ExportedJobs = { 
/**
 * The text; environments are left out, because they may hold secrets.
 */
text: string, 
/**
 * How many.
 */
count: number, };

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
 * A chart with what a file of it needs: sizes of a page instead of a screen's.
 */
export type Figure = { 
/**
 * Of which runs.
 */
runs: RunSet, 
/**
 * What is drawn.
 */
chart: ChartSpec, 
/**
 * Of lines, what part is shown.
 */
view?: ChartView, 
/**
 * Width in millimetres, 10 to 1000.
 */
width_mm: number, 
/**
 * Height in millimetres, 10 to 1000.
 */
height_mm: number, 
/**
 * Size of the text in points, 3 to 48.
 */
font_pt: number, 
/**
 * The theme.
 */
theme: Theme, 
/**
 * What is written above it.
 */
title: string | null, 
/**
 * Which colour is which run, below it.
 */
legend: boolean, };

/**
 * A chart as a file.
 */
export type FigureFile = { 
/**
 * What to call it: `loss.svg`.
 */
name: string, 
/**
 * Its media type.
 */
mime: string, 
/**
 * Its bytes.
 */
base64: string, 
/**
 * As those of a plot.
 */
notes: Array<string>, };

/**
 * What a file is.
 */
export type FigureFormat = "svg" | "png" | "pdf" | "csv";

/**
 * A piece of a file.
 */
export type FileChunk = { 
/**
 * The text, with U+FFFD for what is not UTF-8, or base64 if `raw` was asked for. Pieces of text join without
 * loss: a character is never cut, but at the end of a file that is not being written.
 */
text: string, 
/**
 * The offset of the piece's first byte.
 */
start: number, 
/**
 * The offset after the piece's last byte: ask from here next.
 */
next: number, 
/**
 * The offset behind each line end in the text, if not all of it is UTF-8. Absent otherwise.
 */
lines?: Array<number>, 
/**
 * How the file was when it was read.
 */
state: FileState, };

/**
 * A name in a folder of a run.
 */
export type FileEntry = { 
/**
 * The name, with U+FFFD for what is not UTF-8; such a one can't be opened.
 */
name: string, 
/**
 * What it stands for.
 */
kind: FileKind, 
/**
 * Bytes, of a file.
 */
size: number, 
/**
 * When it was written last.
 */
modified: number, 
/**
 * It is a link.
 */
link: boolean, };

/**
 * What a name stands for.
 */
export type FileKind = "folder" | "file" | "other";

/**
 * What is in a folder of a run.
 */
export type FileList = { 
/**
 * Folders first, then by name.
 */
entries: Array<FileEntry>, 
/**
 * How many names there are; only the first 10,000 are listed.
 */
total: number, };

/**
 * What a search in a file found so far. One call looks for about 100 ms.
 */
export type FileMatches = { 
/**
 * The lines that match, in the direction of the search.
 */
matches: Array<LogMatch>, 
/**
 * How many lines with a line end match in what was looked at.
 */
count: number, 
/**
 * The last line has no end yet, and matches. It is looked at again by the next search.
 */
open: boolean, 
/**
 * Where to go on.
 */
next: number, 
/**
 * Nothing is left to be searched at present.
 */
done: boolean, 
/**
 * Bytes that were looked at.
 */
scanned: number, 
/**
 * Lines of more than 64 KiB, of which only the beginning was looked at.
 */
cut: number, 
/**
 * How the file was when it was searched.
 */
state: FileState, };

/**
 * How a file is at a moment.
 */
export type FileState = { 
/**
 * Bytes.
 */
size: number, 
/**
 * When it was written last.
 */
modified: number, 
/**
 * Another number means another file at the same place; fewer bytes than before mean that it was begun anew.
 */
identity: number, 
/**
 * It was written within the last minute.
 */
grows: boolean, };

/**
 * Asks for the best runs.
 */
export type FindBestRuns = { 
/**
 * Among these.
 */
query?: string, 
/**
 * Ids of the columns; those of no known goal are passed over.
 */
columns: Array<string>, };

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
 * What a pattern would read in the logs of a folder.
 */
export type FolderPreview = { 
/**
 * How many logs were found that would be runs.
 */
logs: number, 
/**
 * There may be more: the folder is large.
 */
more: boolean, 
/**
 * The newest of them, below the folder.
 */
log: string | null, 
/**
 * What would be read in it.
 */
preview: LogPreview | null, };

/**
 * Which file of a run to tell of.
 */
export type FollowFile = { 
/**
 * The run.
 */
uid: string, 
/**
 * The file, relative to the run's folder.
 */
path: string, 
/**
 * For how long, milliseconds (at most 120,000): said again by who still looks.
 */
for_ms: number, };

/**
 * Asks for a page.
 */
export type GetPage = { 
/**
 * The project; empty for all runs.
 */
project: string, };

/**
 * A GPU that an attempt was given.
 */
export type GivenGpu = { 
/**
 * In PCI bus order, at that time.
 */
index: number, 
/**
 * The vendor's unique id.
 */
uuid: string, };

/**
 * One GPU at one moment, or one of the instances that a GPU is divided into.
 */
export type Gpu = { 
/**
 * The index in the order of the PCI bus. Instances have that of the GPU that they are part of, and follow it.
 */
index: number, 
/**
 * The vendor's unique id; what a job is given.
 */
uuid: string, 
/**
 * The model.
 */
name: string, 
/**
 * Who made it.
 */
vendor: Vendor, 
/**
 * Where it is on the PCI bus.
 */
pci: string | null, 
/**
 * Why nothing can be asked of it now.
 */
fault: GpuFault | null, 
/**
 * Whether it is divided, or an instance of one that is.
 */
mig: Mig, 
/**
 * Utilisation, percent.
 */
utilisation: Reading<number>, 
/**
 * Percent of the time that its memory was read or written.
 */
memory_utilisation: Reading<number>, 
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
 * Percent of the fan's greatest speed.
 */
fan: Reading<number>, 
/**
 * Clock of the processors, MHz.
 */
clock: Reading<number>, 
/**
 * Clock of the memory, MHz.
 */
memory_clock: Reading<number>, 
/**
 * Power draw, watts.
 */
power: Reading<number>, 
/**
 * Power limit, watts.
 */
power_limit: Reading<number>, 
/**
 * Joules since the driver was loaded: a counter, for differences.
 */
energy: Reading<number>, 
/**
 * Memory that processes hold while it does nothing, once it has done nothing for minutes. Only in the newest sample.
 */
idle_memory?: IdleMemory, 
/**
 * What runs on it. Only in the newest sample; left out (null) in those of the past.
 */
processes: Reading<Array<GpuProcess>> | null, };

/**
 * Why nothing can be asked of a GPU.
 */
export type GpuFault = { 
/**
 * What kind of fault it is.
 */
kind: GpuFaultKind, 
/**
 * What happened, in a sentence.
 */
message: string, 
/**
 * What the user can do, in a sentence.
 */
next_step: string, };

/**
 * What kind of fault a GPU has.
 */
export type GpuFaultKind = "lost" | "needs_reset" | "driver" | "refused";

/**
 * A process that uses a GPU.
 */
export type GpuProcess = { 
/**
 * Its process id.
 */
pid: number, 
/**
 * Bytes of the GPU's memory.
 */
memory: Reading<number>, 
/**
 * Percent of the GPU's processors that it kept busy since the last look.
 */
utilisation: Reading<number>, 
/**
 * What it does there.
 */
work: GpuWork, 
/**
 * The owner's name; null where the process has ended or lives in another namespace, as the rest.
 */
owner: string | null, 
/**
 * Whether it belongs to the user whose program this is.
 */
own: boolean, 
/**
 * Name of the executable.
 */
name: string | null, 
/**
 * The command line, secrets masked, shortened.
 */
command: string | null, 
/**
 * When it began.
 */
started_at: number | null, 
/**
 * The experiment that it belongs to.
 */
experiment: string | null, };

/**
 * A GPU as the queue sees it.
 */
export type GpuResource = { 
/**
 * In PCI bus order.
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
 * Its memory, bytes.
 */
memory: Amount, 
/**
 * Jobs that were given it.
 */
jobs: Array<JobName>, 
/**
 * Whether one of them has it for itself.
 */
exclusive: boolean, 
/**
 * Compute processes of others.
 */
foreign_processes: number, 
/**
 * Why it is not given to jobs: it is broken, the user has taken it out, or the circuit breaker has.
 */
unavailable: string | null, 
/**
 * Whether it was taken out, so that it can be given back: by the user, unless `tripped_at` is there.
 */
blocked: boolean, 
/**
 * When the circuit breaker took it out: jobs died on it one after the other. `unavailable` says how the last did.
 */
tripped_at: number | null, };

/**
 * What an attempt used of its GPUs.
 */
export type GpuUse = { 
/**
 * What it does now; null once it has ended.
 */
now: GpuUseNow | null, 
/**
 * Mean utilisation, percent.
 */
utilisation: number | null, 
/**
 * The time in which that was known, milliseconds.
 */
sampled_ms: number, 
/**
 * Watt-hours of its GPUs, as far as their power was known.
 */
energy_wh: number | null, 
/**
 * How GPUs that others used, too, were split: the roughest way that was needed.
 */
energy_basis: EnergyBasis | null, };

/**
 * What an attempt does on its GPUs now.
 */
export type GpuUseNow = { 
/**
 * When that was seen.
 */
at: number, 
/**
 * Bytes on all its GPUs; null where the driver does not tell.
 */
memory: number | null, 
/**
 * Percent, as a mean over its GPUs: its processes' own where the driver tells, else what the whole GPUs do.
 */
utilisation: number | null, 
/**
 * Watts, its part of them.
 */
power: number | null, };

/**
 * What a process does on a GPU.
 */
export type GpuWork = "compute" | "graphics" | "both";

/**
 * GPUs of all vendors, and how their drivers stand.
 */
export type Gpus = { 
/**
 * In the order of their index, each followed by its instances. Those that were seen and are lost stay in the list.
 */
list: Array<Gpu>, 
/**
 * NVIDIA's first; others where their hardware is found.
 */
drivers: Array<Driver>, };

/**
 * Experiments that belong together.
 */
export type Group = { 
/**
 * Its name.
 */
name: string, 
/**
 * Members that may run at once.
 */
parallel: number | null, 
/**
 * The sweep that it was made by.
 */
sweep: Sweep | null, 
/**
 * When it was made.
 */
created_at: number, 
/**
 * How many of its members have each status; archived ones are not counted.
 */
counts: GroupCounts, };

/**
 * What a number is over the runs of a group. NaN and infinite ones are not counted.
 */
export type GroupCell = { 
/**
 * The mean.
 */
mean: number | null, 
/**
 * The standard deviation of the sample (n − 1); absent for fewer than two.
 */
deviation: number | null, 
/**
 * The least.
 */
min: number | null, 
/**
 * The greatest.
 */
max: number | null, 
/**
 * How many runs have a finite value.
 */
count: number, };

/**
 * How many members have each status.
 */
export type GroupCounts = { pending: number, queued: number, running: number, paused: number, completed: number, failed: number, cancelled: number, expired: number, };

/**
 * Runs that have something in common, together.
 */
export type GroupRuns = { 
/**
 * Among these.
 */
query?: string, 
/**
 * Ids of the columns in whose values the runs of a group agree, one to four.
 */
by: Array<string>, 
/**
 * Ids of columns with numbers, to be summed up for each group.
 */
columns?: Array<string>, 
/**
 * The order: by columns of `by`, by the means of `columns`, or by `count`. By the values of `by` if empty.
 */
sort?: Array<RunSort>, };

/**
 * Something that the runs of a group agree in.
 */
export type GroupSetting = { 
/**
 * The setting’s name, or a column’s id.
 */
key: string, 
/**
 * What they have.
 */
value: Cell, };

/**
 * A metric over the runs of a group, beside the baseline’s group.
 */
export type GroupVerdict = { 
/**
 * How many of its runs have a finite value.
 */
count: number, 
/**
 * Their mean.
 */
mean: number | null, 
/**
 * Their standard deviation (n − 1).
 */
deviation: number | null, 
/**
 * What the mean is more than the baseline’s.
 */
difference: number | null, 
/**
 * The same in percent of the baseline’s.
 */
percent: number | null, 
/**
 * The 95 % interval of the difference.
 */
interval: [number, number] | null, 
/**
 * How it was found.
 */
method: IntervalMethod | null, 
/**
 * Degrees of freedom.
 */
freedom: number | null, 
/**
 * How it turned out.
 */
outcome: VerdictOutcome, 
/**
 * The same in a sentence; empty for the baseline.
 */
words: string, };

/**
 * All groups with members that are not archived, newest first.
 */
export type Groups = { 
/**
 * The groups.
 */
groups: Array<Group>, };

/**
 * Histograms of the first of the runs that has any of this name, over steps.
 */
export type HistogramPlot = { 
/**
 * The histograms' name.
 */
key: string, };

/**
 * What a metric did in a stretch of time.
 */
export type HistoryBucket = { 
/**
 * Where it begins.
 */
at: number, 
/**
 * The least value.
 */
min: number, 
/**
 * The mean.
 */
mean: number, 
/**
 * The greatest value.
 */
max: number, 
/**
 * How many samples it is made from.
 */
count: number, };

/**
 * A drawn chart of histories: means, and behind each the band from least to greatest.
 */
export type HistoryChart = { 
/**
 * The picture: an SVG document without scripts, styles or external references.
 */
svg: string, 
/**
 * Where the data is.
 */
plot: Rectangle, 
/**
 * The axis of time, UTC milliseconds.
 */
x: ChartAxis, 
/**
 * The axis of values, in the unit itself.
 */
y: ChartAxis, 
/**
 * What the values are measured in.
 */
unit: HistoryUnit, 
/**
 * Width of a bucket, milliseconds.
 */
step_ms: number, 
/**
 * The lines.
 */
lines: Array<HistoryLine>, 
/**
 * Jobs that ran in that time, in the order of their start; on the GPUs that are shown, if these are GPUs.
 */
jobs: Array<JobMark>, 
/**
 * Whether there were more jobs than these: the newest are shown.
 */
jobs_cut: boolean, 
/**
 * How many stored pieces could not be read and are missing.
 */
damaged: number, };

/**
 * A page of an export.
 */
export type HistoryCsv = { 
/**
 * A name for the file.
 */
name: string, 
/**
 * Lines `time,min,mean,max,samples`, each time in UTC; the first page has this heading.
 */
text: string, 
/**
 * Where the next page begins; null after the last.
 */
next: HistoryPlace | null, };

/**
 * A GPU as it was called when it was last seen.
 */
export type HistoryGpu = { 
/**
 * Its uuid.
 */
uuid: string, 
/**
 * Its index then.
 */
index: number, 
/**
 * Its model.
 */
name: string, };

/**
 * One line of a history's chart.
 */
export type HistoryLine = { 
/**
 * Of what.
 */
series: HistorySeries, 
/**
 * Index of its colour in the palette (0 is `--c1`).
 */
colour: number, 
/**
 * What was drawn, in order, each at the middle of its width.
 */
buckets: Array<HistoryBucket>, };

/**
 * Everything of which there is a history, attempts of jobs aside.
 */
export type HistoryMetrics = { 
/**
 * In the order in which they are offered.
 */
series: Array<HistorySeries>, 
/**
 * When it begins; null while there is none.
 */
begins_at: number | null, };

/**
 * A place in an export.
 */
export type HistoryPlace = { 
/**
 * Where the next page begins.
 */
from: number, 
/**
 * Where the last one ends.
 */
until: number, 
/**
 * Width of a bucket, milliseconds.
 */
step_ms: number, };

/**
 * Which history.
 */
export type HistoryRef = { 
/**
 * The metric's name: `gpu.util`, `gpu.mem`, `gpu.power`, `gpu.temp`, `gpu.fan`, `gpu.clock`, `gpu.mem_clock`,
 * `gpu.mem_util`, `cpu.util`, `mem.used`, `swap.used`, `net.in`, `net.out`, `disk.free`, `job.gpu.util`,
 * `job.gpu.mem`.
 */
metric: string, 
/**
 * For `gpu.`: its index, its uuid, or the unique beginning of one. If absent: of the only one, or in a chart of all.
 */
gpu?: string, 
/**
 * For `disk.free`: its label. If absent: the data folder's, or in a chart all.
 */
disk?: string, 
/**
 * For `job.`: the experiment.
 */
uid?: string, 
/**
 * For `job.`: the attempt; the newest if absent.
 */
attempt?: number, };

/**
 * Something of which there is a history.
 */
export type HistorySeries = { 
/**
 * The metric's name.
 */
metric: string, 
/**
 * What the metric is called.
 */
title: string, 
/**
 * What it is measured in.
 */
unit: HistoryUnit, 
/**
 * Of which GPU.
 */
gpu: HistoryGpu | null, 
/**
 * Of which disk.
 */
disk: string | null, 
/**
 * Of which experiment.
 */
uid: string | null, 
/**
 * Of which attempt.
 */
attempt: number | null, 
/**
 * About when it was last recorded.
 */
seen_at: number, };

/**
 * What a metric did from one moment to another.
 */
export type HistoryStretch = { 
/**
 * Of what.
 */
series: HistorySeries, 
/**
 * Where it begins: what was asked for, or later where the history does.
 */
since: number, 
/**
 * Where it ends.
 */
until: number, 
/**
 * Width of a bucket, milliseconds.
 */
step_ms: number, 
/**
 * In order; nothing stands for a time in which nothing was read.
 */
buckets: Array<HistoryBucket>, 
/**
 * How many stored pieces could not be read and are missing.
 */
damaged: number, };

/**
 * What a metric is measured in.
 */
export type HistoryUnit = "percent" | "bytes" | "bytes_per_second" | "watt" | "celsius" | "megahertz";

/**
 * What is run with each notification, as JSON.
 */
export type Hook = { "command": Command } | { "webhook": string };

/**
 * A failure of the hook.
 */
export type HookFailure = { 
/**
 * When the notification came that it failed for.
 */
at: number, 
/**
 * Why.
 */
message: string, };

/**
 * The hook, and how it does. Of an address only scheme and host are told: the rest often is its secret.
 */
export type HookInfo = { 
/**
 * The hook; `null` if there is none.
 */
hook: Hook | null, 
/**
 * Its last failure; `null` if it was run since.
 */
failure: HookFailure | null, };

/**
 * What a test of the hook came to.
 */
export type HookTest = { 
/**
 * Why it failed; `null` if it did not.
 */
error: string | null, 
/**
 * How long it took, milliseconds.
 */
took_ms: number, };

/**
 * What does not change of a machine while it is up.
 */
export type HostFacts = { 
/**
 * The host's name.
 */
name: string, 
/**
 * The operating system with its version.
 */
system: string, 
/**
 * The kernel's version.
 */
kernel: string, 
/**
 * Model of the processor.
 */
cpu: string, 
/**
 * When the machine was started.
 */
booted_at: number, };

/**
 * Memory that processes hold on a GPU that does nothing.
 */
export type IdleMemory = { 
/**
 * Bytes.
 */
memory: number, 
/**
 * For how long the GPU has been idle, milliseconds.
 */
idle_ms: number, 
/**
 * The processes.
 */
pids: Array<number>, };

/**
 * Jobs as text, to be queued: all of them or none.
 */
export type ImportJobs = { 
/**
 * The text.
 */
text: string, 
/**
 * Its form; told by the text if absent.
 */
format?: TransferFormat, 
/**
 * Working directory of jobs that name none, and of relative ones.
 */
cwd: string, 
/**
 * Environment of all; the engine's own if absent.
 */
environment?: { [key in string]: string }, 
/**
 * Only say what would be queued.
 */
dry_run?: boolean, };

/**
 * How much a column hangs on each of several others, and in which direction.
 */
export type ImportancePlot = { 
/**
 * The column that is explained: numbers, such as a metric's best value.
 */
target: string, 
/**
 * The columns that may explain it, a hundred at most; all settings that differ if empty.
 */
columns: Array<string>, };

/**
 * What an import has queued, or would.
 */
export type ImportedJobs = { 
/**
 * The experiments, empty for a dry run.
 */
experiments: Array<Experiment>, 
/**
 * Uids of those that were there already under their key.
 */
existing: Array<string>, 
/**
 * How many were read.
 */
count: number, 
/**
 * Names and commands of the first 50; for a dry run, of those that would be queued.
 */
preview: Array<SweepPoint>, 
/**
 * Whether an engine runs that will start them.
 */
engine_running: boolean, };

/**
 * A network interface.
 */
export type Interface = { 
/**
 * Its name, such as eth0.
 */
name: string, 
/**
 * Bytes in a second.
 */
received: Reading<number>, 
/**
 * Bytes in a second.
 */
sent: Reading<number>, };

/**
 * How the interval was found.
 */
export type IntervalMethod = "welch" | "paired";

/**
 * A job that ran while the chart's time passed.
 */
export type JobMark = { 
/**
 * The experiment.
 */
uid: string, 
/**
 * Its name.
 */
name: string, 
/**
 * The attempt.
 */
attempt: number, 
/**
 * When it started.
 */
from: number, 
/**
 * When it ended; null while it runs.
 */
to: number | null, 
/**
 * Where the attempt stands.
 */
status: Status, 
/**
 * Indices of the GPUs that it was given.
 */
gpus: Array<number>, };

/**
 * Names a job.
 */
export type JobName = { uid: string, name: string, };

/**
 * A device on the timeline.
 */
export type Lane = { 
/**
 * A GPU's uuid, or `cpu`.
 */
id: string, 
/**
 * In words.
 */
label: string, 
/**
 * Whether it is still there.
 */
present: boolean, };

/**
 * A job and how long it has lasted.
 */
export type Lasting = { 
/**
 * The experiment.
 */
uid: string, 
/**
 * Its name.
 */
name: string, 
/**
 * Since when.
 */
since: number, };

/**
 * Runs drawn as one line.
 */
export type LineGroups = { 
/**
 * Ids of the columns of the table of runs in whose values the runs of a group agree, four at most; all runs are one
 * group if empty.
 */
by: Array<string>, 
/**
 * What the line is of the runs' values at a step.
 */
centre: PlotCentre, 
/**
 * What the band around it is.
 */
band: PlotSpread, };

/**
 * A line's value.
 */
export type LineReading = { 
/**
 * Which of the chart's lines.
 */
line: number, 
/**
 * Where the point is.
 */
x: number, 
/**
 * Its value: smoothed if lines are, and of a group its centre.
 */
y: Number, 
/**
 * Where the band of a group begins.
 */
low: Number | null, 
/**
 * Where it ends.
 */
high: Number | null, 
/**
 * The value as it was logged, where `y` is a smoothed one.
 */
raw: Number | null, 
/**
 * How many runs have a value there.
 */
runs: number, };

/**
 * How far lines were counted. One call counts for about 100 ms.
 */
export type LinesPassed = { 
/**
 * Where the last line begins that was come to.
 */
offset: number, 
/**
 * Line ends that were passed.
 */
lines: number, 
/**
 * Where to go on counting.
 */
next: number, 
/**
 * So many as asked for were passed, or nothing is left.
 */
done: boolean, };

/**
 * What a line chart shows: a line for each metric of each run, or of each group of runs.
 */
export type LinesSpec = { 
/**
 * The metrics.
 */
keys: Array<string>, 
/**
 * What stands on the x axis.
 */
x: LinesX, 
/**
 * The scale of the x axis; wall times are always linear.
 */
x_scale: Scale, 
/**
 * The scale of the y axis.
 */
y_scale: Scale, 
/**
 * How lines are smoothed, each run's before groups are made.
 */
smoothing: Smoothing, 
/**
 * The raw line stands faint behind a smoothed one.
 */
raw: boolean, 
/**
 * The y axis shows all values; else from the 2 % to the 98 % quantile of what is drawn, and half as far again beyond.
 */
outliers: boolean, 
/**
 * Runs that are drawn as one line.
 */
group: LineGroups | null, 
/**
 * The range of the x axis; that of the points if absent.
 */
x_range: [number, number] | null, 
/**
 * The range of the y axis; that of what is in sight if absent.
 */
y_range: [number, number] | null, };

/**
 * What stands on the x axis of a line chart.
 */
export type LinesX = { 
/**
 * What.
 */
by: RunAxis, 
/**
 * The metric, where one is meant.
 */
key: string | null, };

/**
 * A folder to be searched for configs.
 */
export type ListConfigs = { 
/**
 * The working directory.
 */
cwd: string, };

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
 * Only this group.
 */
group?: string, 
/**
 * Only those without a group: groups are shown folded.
 */
ungrouped?: boolean, 
/**
 * Those that were put away, instead of the others.
 */
archived?: boolean, 
/**
 * How many to skip.
 */
offset?: number, 
/**
 * How many at most; at least 1, at most 1000.
 */
limit: number, };

/**
 * Which folder of a run to list.
 */
export type ListFiles = { 
/**
 * The run.
 */
uid: string, 
/**
 * The folder, relative to the run's own, which an empty text names.
 */
folder: string, };

/**
 * Which notifications to list.
 */
export type ListNotifications = { 
/**
 * Only those before this one; from the newest on if absent.
 */
before?: number, 
/**
 * Only those that were not read.
 */
unread?: boolean, 
/**
 * At most so many, 1 to 200.
 */
limit?: number, };

/**
 * Asks which images and histograms a run has.
 */
export type ListRunMedia = { 
/**
 * The run.
 */
uid: string, 
/**
 * Only these; both if absent.
 */
kind?: RunMediumKind, 
/**
 * Only those of this name.
 */
key?: string, 
/**
 * How many to pass over.
 */
after?: number, 
/**
 * How many at most: 0 (only the names) to 10,000.
 */
limit: number, };

/**
 * Whose metrics are asked for.
 */
export type ListRunMetrics = { 
/**
 * The runs.
 */
runs: RunSet, };

/**
 * A page of the table.
 */
export type ListRuns = { 
/**
 * What to show, in the language of the query bar; all runs if empty.
 */
query?: string, 
/**
 * The order; the newest start first if empty.
 */
sort?: Array<RunSort>, 
/**
 * Ids of the columns whose cells are wanted: `config.KEY`, `metrics.KEY.STAT` or a field's name.
 */
columns?: Array<string>, 
/**
 * How many rows to pass over.
 */
offset?: number, 
/**
 * How many rows, at most 500.
 */
limit: number, };

/**
 * Mean numbers of runnable tasks.
 */
export type Load = { 
/**
 * Over a minute.
 */
one: number, 
/**
 * Over five minutes.
 */
five: number, 
/**
 * Over fifteen minutes.
 */
fifteen: number, };

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
 * loss: a character is never cut. Of one stream it is shorter than what lies between `start` and `next`.
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
ended: boolean, 
/**
 * The offset behind each line end in the text, where it can't be told from the text: because the text is of one
 * stream, or not all of it is UTF-8. Absent otherwise.
 */
lines?: Array<number>, };

/**
 * A line that matches.
 */
export type LogMatch = { 
/**
 * The offset of its first byte.
 */
offset: number, 
/**
 * The offset behind its line end.
 */
end: number, 
/**
 * How many lines there are from where the search began to this one; absent when searching backwards.
 */
line?: number, 
/**
 * The line as it is seen; of a long one, 4,096 code units around the first match.
 */
text: string, 
/**
 * Where in the line `text` begins, in UTF-16 code units.
 */
text_start: number, 
/**
 * Where in the line it matches: begin and end in UTF-16 code units. At most 256 places.
 */
ranges: Array<[number, number]>, 
/**
 * Only the beginning of the line was looked at, because it is longer than 64 KiB.
 */
cut: boolean, 
/**
 * The line has no end yet.
 */
open: boolean, };

/**
 * What a search found so far. One call looks for about 100 ms.
 */
export type LogMatches = { 
/**
 * The attempt that was searched; 0 if the experiment has not started yet.
 */
attempt: number, 
/**
 * The lines that match, in the direction of the search.
 */
matches: Array<LogMatch>, 
/**
 * How many lines with a line end match in what was looked at.
 */
count: number, 
/**
 * The last line has no end yet, and matches. It is looked at again by the next search.
 */
open: boolean, 
/**
 * Where to go on.
 */
next: number, 
/**
 * Nothing is left to be searched at present.
 */
done: boolean, 
/**
 * Bytes that were looked at.
 */
scanned: number, 
/**
 * Lines of more than 64 KiB, of which only the beginning was looked at.
 */
cut: number, 
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
 * What a pattern would read in a log.
 */
export type LogPreview = { 
/**
 * The first lines in which there is something to be read.
 */
lines: Array<PreviewedLine>, 
/**
 * Lines that were looked at.
 */
seen: number, 
/**
 * Lines with at least one metric.
 */
read: number, 
/**
 * Points of all metrics.
 */
points: number, 
/**
 * The names of the metrics, in the order in which they appear.
 */
metrics: Array<string>, };

/**
 * One of the two streams that a job writes.
 */
export type LogStream = "stdout" | "stderr";

/**
 * For how long somebody looks at the machine.
 */
export type LookAtDevice = { 
/**
 * Milliseconds, at most 120,000; a longer time is cut. Said again before it ends by who still looks.
 */
for_ms: number, };

/**
 * Asks for a chart as a file.
 */
export type MakeFigure = { 
/**
 * The chart.
 */
figure: Figure, 
/**
 * As what.
 */
format: FigureFormat, 
/**
 * Of a PNG: pixels for each CSS pixel, of which an inch has 96; 0.1 to 20.
 */
scale: number, };

/**
 * Asks for a report.
 */
export type MakeReport = { 
/**
 * The report.
 */
report: Report, 
/**
 * As what.
 */
format: ReportFormat, };

/**
 * Notifications that were read: those named, else all up to one, else all.
 */
export type MarkNotifications = { 
/**
 * These.
 */
ids?: Array<number>, 
/**
 * All up to this one.
 */
up_to?: number, };

/**
 * A metric’s value in a run, beside the baseline’s.
 */
export type MetricPlace = { 
/**
 * The value.
 */
value: Number, 
/**
 * The step of it.
 */
step: number | null, 
/**
 * What it is more than the baseline’s; absent for the baseline, and where one of them is not finite.
 */
difference: number | null, 
/**
 * The same in percent of the baseline’s; absent where that is 0.
 */
percent: number | null, 
/**
 * Whether it is better than the baseline’s; absent for the baseline, where they are equal, and without a goal.
 */
better: boolean | null, 
/**
 * It is the best of all runs, and another is worse.
 */
leads: boolean, };

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
 * Whether a GPU is divided (NVIDIA's multi-instance mode).
 */
export type Mig = { "state": "off", } | { "state": "divided", 
/**
 * How many there are.
 */
instances: number, } | { "state": "instance", 
/**
 * That one's uuid.
 */
parent: string, 
/**
 * The driver's number of it on that GPU, from 0.
 */
number: number, };

/**
 * A folder that is followed while jobs run there.
 */
export type Monitor = { 
/**
 * The folder.
 */
folder: string, 
/**
 * What is followed there.
 */
files: MonitoredFiles, 
/**
 * How.
 */
mode: MonitorMode, 
/**
 * Why it is not followed by events, or not everywhere, or no more: a sentence.
 */
reason: string | null, 
/**
 * The jobs whose files these are.
 */
experiments: Array<string>, 
/**
 * Folders followed: it and those below it, as far as they are looked into.
 */
folders: number, 
/**
 * How many of them are looked at every few seconds.
 */
polled: number, };

/**
 * How the files below a folder are followed.
 */
export type MonitorMode = "events" | "polling" | "off";

/**
 * What is followed below a folder.
 */
export type MonitoredFiles = "metrics" | "logs";

/**
 * The folders that are followed now.
 */
export type Monitors = { 
/**
 * By folder. Empty while no job runs.
 */
monitors: Array<Monitor>, };

/**
 * Moves waiting experiments; they keep their order among themselves.
 */
export type MoveExperiments = { 
/**
 * Which.
 */
uids: Array<string>, 
/**
 * Where.
 */
destination: Destination, };

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
 * The config's text in place of the file's. The job gets a copy with this text: its path stands in
 * `ATHANOR_CONFIG`, and in the command in place of `config_path`.
 */
config_text?: string, 
/**
 * What it needs.
 */
requirements?: Requirements, 
/**
 * What must come first.
 */
after?: Array<Dependency>, 
/**
 * Wait on when a dependency can't be met any more, instead of failing.
 */
wait_for_failed?: boolean, 
/**
 * A name by which later ones of the same call may name it (`@label`).
 */
label?: string, 
/**
 * Hold it back until it is resumed.
 */
hold?: boolean, 
/**
 * Not before this moment, UTC milliseconds.
 */
not_before?: number, 
/**
 * Only in this window of the week.
 */
window?: string, 
/**
 * Expire if it has not started by then, UTC milliseconds.
 */
start_by?: number, 
/**
 * What is done after a failure; absent: 3 retries if it is lost, none otherwise.
 */
retry?: RetryPolicy, 
/**
 * Its group, which is made if there is none.
 */
group?: string, 
/**
 * The same key returns the experiment that is there, while it is not archived.
 */
key?: string, 
/**
 * Who queues it.
 */
user?: string, 
/**
 * Facts to keep with it.
 */
metadata?: { [key in string]: string }, 
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

/**
 * A notification.
 */
export type Notification = { 
/**
 * Strictly increasing, never reused.
 */
id: number, 
/**
 * Of the first thing that it tells of.
 */
at: number, 
/**
 * When something was added to it.
 */
updated_at: number, 
/**
 * What it tells of.
 */
what: NotificationKind, 
/**
 * How much it presses.
 */
urgency: Urgency, 
/**
 * In a few words.
 */
title: string, 
/**
 * More of it; lines are lines.
 */
body: string, 
/**
 * Jobs or warnings that it tells of.
 */
count: number, 
/**
 * Those that it names, at most 50.
 */
jobs: Array<NotifiedJob>, 
/**
 * What can be done from it, opening first.
 */
actions: Array<NotificationAction>, 
/**
 * It came in quiet hours and was not shown.
 */
quiet: boolean, 
/**
 * Whether it was read.
 */
read: boolean, 
/**
 * Why the hook failed for it; `null` if it did not.
 */
hook_error: string | null, };

/**
 * What can be done from a notification.
 */
export type NotificationAction = "open" | "log" | "retry";

/**
 * What a notification tells of.
 */
export type NotificationKind = "completed" | "failed" | "cancelled" | "blocked" | "drained" | "gpu_hot" | "gpu_lost" | "disk_low" | "stalled" | "gpu_idle" | "summary" | "hook_failed" | "test";

/**
 * A page of notifications.
 */
export type NotificationPage = { 
/**
 * Newest first.
 */
notifications: Array<Notification>, 
/**
 * How many were not read, in all.
 */
unread: number, 
/**
 * Whether there are older ones.
 */
more: boolean, };

/**
 * What the user is told of, and when.
 */
export type NotificationSettings = { 
/**
 * Kinds that nothing is told of.
 */
off: Array<NotificationKind>, 
/**
 * Projects whose jobs nothing is told of.
 */
muted_projects: Array<string>, 
/**
 * Parts of the week in which nothing is shown; it is kept, and summed up afterwards.
 */
quiet: Array<TimeWindow>, 
/**
 * From here on a GPU is hot, °C.
 */
gpu_hot: number, 
/**
 * Below this a disk is nearly full, bytes.
 */
disk_low: number, 
/**
 * A job that has written nothing for so long has stalled, milliseconds.
 */
stall_ms: number, };

/**
 * What a test came to.
 */
export type NotificationTest = { 
/**
 * What the hook did; `null` if there is none.
 */
hook: HookTest | null, };

/**
 * A job that a notification names.
 */
export type NotifiedJob = { 
/**
 * The experiment; it may have been deleted since.
 */
uid: string, 
/**
 * Its name then.
 */
name: string, 
/**
 * Its project.
 */
project: string | null, 
/**
 * The attempt.
 */
attempt: number | null, 
/**
 * What is told of it.
 */
what: NotificationKind, 
/**
 * The last line of its log, if it failed.
 */
last_line: string | null, };

/** A float: finite numbers as numbers, the others by name. */
export type Number = number | "NaN" | "Infinity" | "-Infinity";

/**
 * A log that may go.
 */
export type OldLog = { 
/**
 * The experiment.
 */
uid: string, 
/**
 * Its name.
 */
name: string, 
/**
 * The attempt.
 */
attempt: number, 
/**
 * When it ended.
 */
ended_at: number, 
/**
 * Bytes on disk.
 */
bytes: number, };

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
 * What is told of a page of charts without opening it.
 */
export type PageFacts = { 
/**
 * The project; empty for all runs.
 */
project: string, 
/**
 * How many panels it has.
 */
panels: number, 
/**
 * Counts how often it was saved.
 */
revision: number, 
/**
 * When it last was, UTC milliseconds.
 */
saved_at: number, };

/**
 * The pages of charts that there are.
 */
export type PageList = { 
/**
 * By their projects; that of all runs, which has no name, first.
 */
pages: Array<PageFacts>, };

/**
 * What is kept with a page for its next report.
 */
export type PageReport = { 
/**
 * The title; the project's name if empty.
 */
title: string, 
/**
 * Notes: Markdown.
 */
notes: string, 
/**
 * Ids of panels that are left out.
 */
without: Array<string>, 
/**
 * There is no table of runs.
 */
no_table: boolean, 
/**
 * How wide charts are.
 */
size: ReportSize, };

/**
 * A part of a page with a name.
 */
export type PageSection = { 
/**
 * Its name; panels without a section are in the one whose name is empty.
 */
name: string, 
/**
 * Only its name is shown.
 */
folded: boolean, };

/**
 * A chart of a page.
 */
export type Panel = { 
/**
 * Tells it from the others of its page.
 */
id: string, 
/**
 * Its name; what it shows, if absent.
 */
title: string | null, 
/**
 * The section that it is in.
 */
section: string, 
/**
 * How many of the page's twelve columns it spans, 1 to 12.
 */
columns: number, 
/**
 * Its height in CSS pixels, 100 to 2,000.
 */
height: number, 
/**
 * What it shows.
 */
chart: ChartSpec, 
/**
 * What of a line chart is its own; the rest is as the page says: `x`, `x_scale`, `y_scale`, `smoothing`, `raw`,
 * `outliers`, `group`.
 */
own: Array<string>, 
/**
 * The names of its lines stand below it; as there are few lines, if absent.
 */
legend: boolean | null, };

/**
 * A line for each run through axes side by side.
 */
export type ParallelPlot = { 
/**
 * The columns of the axes, from left to right, twelve at most; settings that differ, and the target, if empty.
 */
columns: Array<string>, 
/**
 * The target: the column that colours the lines; each run's own colour if absent.
 */
colour: string | null, 
/**
 * The columns whose axis is logarithmic; those of positive values whose greatest is a hundred times the least or
 * more, if absent.
 */
log: Array<string> | null, };

/**
 * Which way two columns are better.
 */
export type ParetoGoals = { 
/**
 * The horizontal one.
 */
x: RunGoal, 
/**
 * The vertical one.
 */
y: RunGoal, };

/**
 * Whether the queue starts anything.
 */
export type PauseQueue = { 
/**
 * True: nothing new starts; what runs goes on.
 */
paused: boolean, };

/**
 * A plot.
 */
export type Plot = { 
/**
 * The picture: an SVG document without scripts, styles or external references.
 */
svg: string, 
/**
 * Its width in CSS pixels.
 */
width: number, 
/**
 * Its height in CSS pixels.
 */
height: number, 
/**
 * Of a plot in rows: the least height at which each of them has its name, in CSS pixels.
 */
roomy: number | null, 
/**
 * Where the data is; of a metric above the use of GPUs, where the metric is.
 */
plot: Rectangle, 
/**
 * The horizontal axis, if it is one of numbers. Times are UTC milliseconds.
 */
x: ChartAxis | null, 
/**
 * The vertical axis, if it is one of numbers.
 */
y: ChartAxis | null, 
/**
 * What can be pointed at, from the back to the front, 2,000 at most.
 */
marks: Array<PlotMark>, 
/**
 * By which method it was made, what that can't tell, and what was left out and why: sentences.
 */
notes: Array<string>, };

/**
 * What stands for several values.
 */
export type PlotCentre = "mean" | "median";

/**
 * Something in a plot that can be pointed at.
 */
export type PlotMark = { 
/**
 * Its runs, the first twenty.
 */
uids: Array<string>, 
/**
 * How many runs it stands for; 0 if it stands for none.
 */
runs: number, 
/**
 * What it is called: a run's name, what a group agrees in, a setting.
 */
label: string, 
/**
 * Index of its run's colour in the palette, if it has that.
 */
colour: number | null, 
/**
 * Where it is.
 */
place: Rectangle, 
/**
 * What is said of it, a line each: `metrics.loss.min: 0.231`.
 */
lines: Array<string>, };

/**
 * A plot: what is drawn of a set of runs. Columns are those of the table of runs.
 */
export type PlotSpec = { "kind": "bar" } & BarPlot | { "kind": "box" } & BoxPlot | { "kind": "scatter" } & ScatterPlot | { "kind": "parallel" } & ParallelPlot | { "kind": "importance" } & ImportancePlot | { "kind": "sweep" } & SweepPlot | { "kind": "histogram" } & HistogramPlot | { "kind": "usage" } & UsagePlot;

/**
 * How far several values reach around what stands for them.
 */
export type PlotSpread = "none" | "deviation" | "error" | "quantile" | "range";

/**
 * What is asked of a pattern before a folder is watched with it.
 */
export type PreviewPattern = { 
/**
 * The folder, absolute.
 */
path: string, 
/**
 * How metrics are found in what programs print; see `athanor scan --pattern`.
 */
pattern: string, };

/**
 * A line of a log with what is read in it.
 */
export type PreviewedLine = { 
/**
 * Its number, from 1.
 */
line: number, 
/**
 * It, as people see it.
 */
text: string, 
/**
 * The name of what says its position, if it does.
 */
x: string | null, 
/**
 * The position that its metrics get, if it is known.
 */
step: number | null, 
/**
 * Names and values. What is not finite is `NaN`, `Infinity` or `-Infinity`.
 */
values: Array<[string, Number]>, };

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
progress: Progress | null, } | { "kind": "runs_update", 
/**
 * These; more than are named if `structure`.
 */
uids: Array<string>, 
/**
 * Runs came or went, or too many changed to name them: read the table again.
 */
structure: boolean, 
/**
 * The state of the index after it.
 */
revision: number, } | { "kind": "log_append", 
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
end: number, } | { "kind": "file_change", 
/**
 * The run.
 */
uid: string, 
/**
 * The file, as it was asked for.
 */
path: string, 
/**
 * Bytes; null if it is gone.
 */
size: number | null, } | { "kind": "device_update", 
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
projects: Array<Project>, } | { "kind": "monitor_update", 
/**
 * The folder as it is followed now.
 */
monitor: Monitor, } | { "kind": "notice", 
/**
 * The notice.
 */
notice: Notice, } | { "kind": "notification", 
/**
 * The notification as it is now.
 */
notification: Notification, 
/**
 * How many were not read, with this one.
 */
unread: number, 
/**
 * Whether the desktop is to show it (again, in the same place, if it does already).
 */
alert: boolean, } | { "kind": "notifications_read", 
/**
 * These; all there are if none are named.
 */
ids: Array<number>, 
/**
 * How many were not.
 */
unread: number, } | { "kind": "resync", 
/**
 * Where the stream goes on.
 */
cursor: number, } | { "kind": "engine_stopped", };

/**
 * How a query that is being typed may go on.
 */
export type QueryCompletion = { 
/**
 * What is to be replaced, in UTF-16 code units: from here.
 */
from: number, 
/**
 * To here, this one excluded.
 */
to: number, 
/**
 * By one of these, the likeliest first.
 */
items: Array<QuerySuggestion>, 
/**
 * What is wrong with the query as it stands.
 */
error: QueryFault | null, };

/**
 * What is wrong with a query.
 */
export type QueryFault = { 
/**
 * Where, in UTF-16 code units.
 */
at: number, 
/**
 * How many of them; 0 at the end, where something is missing.
 */
length: number, 
/**
 * What is wrong, and what was meant, as far as can be told.
 */
message: string, };

/**
 * A way in which a query may go on.
 */
export type QuerySuggestion = { 
/**
 * What is put in place.
 */
insert: string, 
/**
 * What is shown.
 */
label: string, 
/**
 * What it is.
 */
kind: SuggestionKind, 
/**
 * A few words about it; may be empty.
 */
detail: string, };

/**
 * Numbers about the queue.
 */
export type QueueReport = { 
/**
 * Counts, slots, paused or not.
 */
stats: QueueStats, 
/**
 * What is taken and free.
 */
resources: Resources, 
/**
 * Mean time from eligible to started over the last 1,000 that started, milliseconds.
 */
mean_wait_ms: number | null, 
/**
 * Mean run time over the last 1,000 that ended after they had run, milliseconds.
 */
mean_run_ms: number | null, 
/**
 * The longest running job of now.
 */
longest: Lasting | null, 
/**
 * The oldest job that is eligible and waits.
 */
oldest: Lasting | null, };

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
 * A config file to be read.
 */
export type ReadConfig = { 
/**
 * The working directory.
 */
cwd: string, 
/**
 * The file, absolute or relative to it.
 */
path: string, };

/**
 * Which events to read.
 */
export type ReadEvents = { 
/**
 * The last cursor already known; 0 for all.
 */
since?: number, 
/**
 * Only those before this cursor, and the newest first.
 */
before?: number, 
/**
 * Words that sentence, kind and uid must contain together.
 */
text?: string, 
/**
 * Only those of this experiment.
 */
uid?: string, 
/**
 * How many at most; at most 1000.
 */
limit: number, };

/**
 * Which part of a run's file to read: from an offset on, or the last lines.
 */
export type ReadFile = { 
/**
 * The run.
 */
uid: string, 
/**
 * The file, relative to the run's folder.
 */
path: string, 
/**
 * The first byte wanted.
 */
offset?: number, 
/**
 * As many lines at the end, if there is no offset (at most 100,000; 1,000 if absent).
 */
lines?: number, 
/**
 * How many bytes at most (at most 4 MiB; 256 KiB if absent, 4 MiB for lines at the end).
 */
limit?: number, 
/**
 * Give the bytes in base64 instead of text.
 */
raw?: boolean, };

/**
 * A history to be read.
 */
export type ReadHistory = { 
/**
 * Which.
 */
series: HistoryRef, 
/**
 * From when on; from the beginning if absent.
 */
since?: number, 
/**
 * Up to when; now if absent.
 */
until?: number, 
/**
 * In how many buckets at most, 1 to 2,000.
 */
width: number, };

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
raw?: boolean, 
/**
 * Only one of the two streams.
 */
stream?: LogStream, };

/**
 * Asks for points of a metric of an experiment.
 */
export type ReadPoints = { 
/**
 * The experiment.
 */
uid: string, 
/**
 * The metric.
 */
key: string, 
/**
 * The attempt; the newest if absent.
 */
attempt?: number, 
/**
 * How many points to pass over.
 */
after?: number, 
/**
 * How many points, at most 100,000.
 */
limit: number, };

/**
 * Asks for the values at a place of a line chart of runs.
 */
export type ReadRunChart = { 
/**
 * Of which runs, as the chart was drawn.
 */
runs: RunSet, 
/**
 * What was drawn.
 */
lines: LinesSpec, 
/**
 * The place on the x axis.
 */
at: number, 
/**
 * How far beyond its ends a line is still read, in x: half a pixel.
 */
tolerance: number, };

/**
 * Asks for an image or a histogram of a run.
 */
export type ReadRunMedium = { 
/**
 * The run.
 */
uid: string, 
/**
 * The file in which it was found.
 */
file: string, 
/**
 * Where in it, as it was listed.
 */
place: RunMediumPlace, };

/**
 * Points of a metric of a run.
 */
export type ReadRunPoints = { 
/**
 * The run: its uid, or the beginning of it.
 */
uid: string, 
/**
 * The metric.
 */
key: string, 
/**
 * How many points to pass over.
 */
after?: number, 
/**
 * How many points, at most 100,000.
 */
limit: number, };

/**
 * Runs by name.
 */
export type ReadRunRows = { 
/**
 * The runs; those that are gone are left out of the answer.
 */
uids: Array<string>, 
/**
 * Ids of the columns whose cells are wanted.
 */
columns?: Array<string>, };

/**
 * A span of time.
 */
export type ReadTimeline = { 
/**
 * From, UTC milliseconds.
 */
from: number, 
/**
 * To.
 */
to: number, };

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
 * Agreement to the removal of files.
 */
export type RemoveFiles = { 
/**
 * The run's name, as the user typed it.
 */
confirm: string, };

/**
 * Takes runs out of the index.
 */
export type RemoveRuns = { 
/**
 * The runs.
 */
uids: Array<string>, 
/**
 * Their files, too; of one run only.
 */
files?: RemoveFiles, };

/**
 * A report: charts, tables and notes as one document.
 */
export type Report = { 
/**
 * What it is called, 300 characters at most.
 */
title: string, 
/**
 * What is in it, in order, 2,000 blocks at most.
 */
blocks: Array<ReportBlock>, };

/**
 * A part of a report.
 */
export type ReportBlock = { "kind": "heading" } & ReportHeading | { "kind": "text" } & ReportText | { "kind": "chart" } & ReportChart | { "kind": "table" } & ReportTable | { "kind": "compare" } & CompareRuns | { "kind": "page" } & ReportPage;

/**
 * A chart in a report.
 */
export type ReportChart = { 
/**
 * Of which runs.
 */
runs: RunSet, 
/**
 * What is drawn.
 */
chart: ChartSpec, 
/**
 * What stands below it; what it shows, if absent.
 */
caption?: string, 
/**
 * It is half as wide as the page; two that follow each other stand side by side.
 */
half?: boolean, 
/**
 * Height in millimetres, 20 to 240; what fits its width, if absent.
 */
height_mm?: number, };

/**
 * What a report is written as.
 */
export type ReportFormat = "html" | "pdf" | "markdown";

/**
 * A heading.
 */
export type ReportHeading = { 
/**
 * Plain text.
 */
text: string, };

/**
 * Charts of a page in a report.
 */
export type ReportPage = { 
/**
 * The page. Its runs are those that it draws.
 */
page: ChartPage, 
/**
 * Ids of its panels that are left out.
 */
without?: Array<string>, 
/**
 * A table of its runs stands before its charts.
 */
table?: boolean, 
/**
 * Ids of the table's columns; as those of a table, if absent.
 */
columns?: Array<string>, 
/**
 * How wide its charts are.
 */
size?: ReportSize, };

/**
 * How wide the charts of a page are in a report.
 */
export type ReportSize = "arranged" | "two" | "one";

/**
 * A table of runs in a report.
 */
export type ReportTable = { 
/**
 * The runs, 1,000 at most.
 */
runs: RunSet, 
/**
 * Ids of its columns; the settings that differ and the metrics of the report's charts, if absent.
 */
columns?: Array<string>, 
/**
 * Its order; that of the runs if empty.
 */
sort?: Array<RunSort>, 
/**
 * The best value of each metric whose name tells which way it is better is not marked.
 */
plain?: boolean, };

/**
 * Notes: Markdown, 1 MiB at most. HTML in it is shown as text, pictures are not fetched, and links lead to `http`, `https`
 * or `mailto` only.
 */
export type ReportText = { 
/**
 * The text.
 */
text: string, };

/**
 * What an experiment needs to run. What is not named is not reserved; one that names nothing takes one slot.
 */
export type Requirements = { 
/**
 * Cores.
 */
cpu_cores?: number, 
/**
 * Bytes of host memory.
 */
memory?: number, 
/**
 * Bytes that must be free on the working directory's file system at the start.
 */
disk?: number, 
/**
 * How many GPUs; one that asks for none sees none.
 */
gpus?: number, 
/**
 * Bytes on each of its GPUs.
 */
gpu_memory?: number, 
/**
 * A part of the GPU model's name.
 */
gpu_model?: string, 
/**
 * Only these GPUs, by uuid or the unique beginning of one.
 */
gpu_uuids?: Array<string>, 
/**
 * Whether nobody else may be on its GPUs; absent: yes, unless `gpu_memory` is given.
 */
gpu_exclusive?: boolean, 
/**
 * Estimated run time, milliseconds: lets it start before larger ones that wait.
 */
estimated_ms?: number, };

/**
 * What can be said of requirements.
 */
export type RequirementsCheck = { 
/**
 * Whether this machine could ever meet them.
 */
possible: boolean, 
/**
 * Whether such a job would start now, were it first in the queue.
 */
fits_now: boolean, 
/**
 * Why not, or where it would run.
 */
words: string, 
/**
 * The field at fault, where one is.
 */
field: string | null, };

/**
 * What the queue may give to jobs, and what of it is taken.
 */
export type Resources = { 
/**
 * Whether the machine has been looked at yet; if not, the rest says nothing.
 */
known: boolean, 
/**
 * Cores.
 */
cpu_cores: Amount, 
/**
 * Host memory, bytes.
 */
memory: Amount, 
/**
 * Bytes free on the file system of the data folder.
 */
disk_free: number, 
/**
 * Slots for jobs that do not say what they need.
 */
slots: Amount, 
/**
 * The GPUs.
 */
gpus: Array<GpuResource>, 
/**
 * Why there are none, if so.
 */
no_gpus: string | null, };

/**
 * What is done after a failure.
 */
export type RetryPolicy = { 
/**
 * Retries at most.
 */
limit: number, 
/**
 * Before the first retry, milliseconds; doubles with each. 30 s if absent.
 */
delay_ms?: number, 
/**
 * Failures after which it is retried; absent: exit code, signal, out of memory, could not start, lost.
 */
reasons?: Array<FailureReason>, };

/**
 * What stands on the x axis.
 */
export type RunAxis = "step" | "epoch" | "relative" | "wall" | "metric";

/**
 * A line chart of runs. It has no points: `runs.read` reads them.
 */
export type RunChart = { 
/**
 * The picture: an SVG document without scripts, styles or external references.
 */
svg: string, 
/**
 * Its width in CSS pixels.
 */
width: number, 
/**
 * Its height in CSS pixels.
 */
height: number, 
/**
 * Where the data is.
 */
plot: Rectangle, 
/**
 * The x axis. Times are in seconds: of the relative axis since the start, of the wall axis since the Unix epoch.
 */
x: ChartAxis, 
/**
 * The y axis.
 */
y: ChartAxis, 
/**
 * The lines; those that are drawn over others come later. 200 at most.
 */
lines: Array<RunLine>, 
/**
 * How many lines more there would be.
 */
more: number, };

/**
 * One of several charts: either it, or why there is none.
 */
export type RunChartAnswer = { 
/**
 * The chart.
 */
chart: RunChart | null, 
/**
 * Why it could not be drawn.
 */
error: ApiError | null, };

/**
 * The values at a place of a chart.
 */
export type RunChartReading = { 
/**
 * Of each line that reaches over the place, the point that is nearest to it; in the order of the lines.
 */
lines: Array<LineReading>, };

/**
 * Several line charts.
 */
export type RunCharts = { 
/**
 * In the order in which they were asked for.
 */
charts: Array<RunChartAnswer>, };

/**
 * A checkpoint in a run's folder.
 */
export type RunCheckpoint = { 
/**
 * Where it is.
 */
path: string, 
/**
 * Its size, bytes; of a folder, all of what is in it.
 */
size: number, 
/**
 * When it was last changed.
 */
modified: number | null, 
/**
 * The step or epoch, if its name tells.
 */
step: number | null, 
/**
 * The ending of its name without the point, or `folder`.
 */
kind: string, };

/**
 * A column that a table of runs may have.
 */
export type RunColumn = { 
/**
 * Its id. Of a metric, `metrics.KEY.last`: the other statistics take the place of `last`.
 */
id: string, 
/**
 * What it shows.
 */
kind: RunColumnKind, 
/**
 * The setting's or metric's name, or the field's in words.
 */
label: string, 
/**
 * How many of the runs have a value in it.
 */
runs: number, 
/**
 * All of the runs have a value in it, and the same.
 */
constant: boolean, 
/**
 * Its values are numbers.
 */
numeric: boolean, 
/**
 * Which way it is better, as far as a metric's name tells.
 */
goal: RunGoal | null, };

/**
 * What a column shows.
 */
export type RunColumnKind = "field" | "config" | "metric";

/**
 * The columns that a table of runs may have.
 */
export type RunColumns = { 
/**
 * Fields, then settings, then metrics, by name. A metric is there once, with its last value.
 */
columns: Array<RunColumn>, 
/**
 * How many runs match.
 */
total: number, };

/**
 * The config files of a run.
 */
export type RunConfigs = { 
/**
 * The run.
 */
uid: string, 
/**
 * Its files, the likeliest first.
 */
files: Array<ConfigChoice>, 
/**
 * The id of the one that is compared if nobody says otherwise: of the baseline the first, of the others the one of
 * the same name.
 */
chosen: string | null, 
/**
 * Why there is none.
 */
problem: string | null, };

/**
 * Everything about a run but its points.
 */
export type RunDetail = { 
/**
 * Its row, without cells.
 */
run: RunRow, 
/**
 * Its metrics, by name.
 */
metrics: Array<RunMetric>, 
/**
 * Its hyperparameters and other settings, by name.
 */
config: Array<RunSetting>, 
/**
 * Its files, in the order in which they are read.
 */
files: Array<RunFile>, 
/**
 * Images, histograms and other things that are no numbers.
 */
media: Array<RunMedia>, 
/**
 * The checkpoints in its folder, newest first.
 */
checkpoints: Array<RunCheckpoint>, 
/**
 * The logs in its folder.
 */
logs: Array<RunLog>, 
/**
 * Why checkpoints and logs may be missing here.
 */
folder_problem: string | null, 
/**
 * The machine that it ran on, as its files say.
 */
host: string | null, 
/**
 * The git commit, as its files say.
 */
commit: string | null, 
/**
 * The watched folder in which it was found.
 */
watch: string | null, };

/**
 * A table of runs, written.
 */
export type RunExport = { 
/**
 * The text; absent for Parquet.
 */
text: string | null, 
/**
 * The bytes of a Parquet file in base64; absent for the others.
 */
base64: string | null, 
/**
 * How many runs there are in it.
 */
rows: number, };

/**
 * What a table of runs is written as.
 */
export type RunExportFormat = "csv" | "json" | "markdown" | "latex" | "parquet";

/**
 * A file of a run.
 */
export type RunFile = { 
/**
 * Where it is.
 */
path: string, 
/**
 * What it is to the run: `metrics`, `config`, `meta`, `log` or `copy`.
 */
role: string, 
/**
 * The format that reads it.
 */
format: string, 
/**
 * Its size when it was last read, bytes.
 */
size: number, 
/**
 * When it was changed before it was last read.
 */
modified: number | null, 
/**
 * What could not be read.
 */
problems: Array<RunFileProblem>, 
/**
 * Why nothing of it is read.
 */
refused: string | null, 
/**
 * Whether it is there now.
 */
exists: boolean, };

/**
 * Something in a file that could not be read.
 */
export type RunFileProblem = { 
/**
 * Where: `line 3`, `byte 4096`; absent if the whole file is meant.
 */
place: string | null, 
/**
 * Why.
 */
message: string, };

/**
 * What a removal of a run's files would take away.
 */
export type RunFilesPlan = { 
/**
 * The run's name, to be typed.
 */
name: string, 
/**
 * The folder that goes as a whole; absent if only files go.
 */
folder: string | null, 
/**
 * The files that go, 1,000 at most.
 */
files: Array<string>, 
/**
 * How many files go.
 */
count: number, 
/**
 * Their size, bytes.
 */
size: number, };

/**
 * Which way a metric is better.
 */
export type RunGoal = "min" | "max";

/**
 * Runs that agree in the columns that they are grouped by.
 */
export type RunGroup = { 
/**
 * What they agree in, in the order of `by`.
 */
values: Array<Cell>, 
/**
 * How many they are.
 */
count: number, 
/**
 * How many of them stand how; those of which there is none are left out.
 */
status: Partial<Record<RunStatus, number>>, 
/**
 * Sums of the columns that were asked for, in their order.
 */
cells: Array<GroupCell>, 
/**
 * The query that lists the group's runs.
 */
query: string, };

/**
 * Groups of runs.
 */
export type RunGroups = { 
/**
 * The groups, 1,000 at most.
 */
groups: Array<RunGroup>, 
/**
 * How many there are.
 */
total: number, };

/**
 * A histogram.
 */
export type RunHistogram = { 
/**
 * Lower limit, upper limit and count of each bucket, by value; empty ones are among them.
 */
buckets: Array<[Number, Number, Number]>, 
/**
 * How many values there are.
 */
total: Number, 
/**
 * Their median, if those of a bucket lie evenly in it.
 */
median: Number | null, };

/**
 * Histograms over steps, drawn.
 */
export type RunHistograms = { 
/**
 * The picture; its line goes through the medians and is not drawn.
 */
chart: Chart, 
/**
 * What is drawn, by step.
 */
columns: Array<RunMedium>, 
/**
 * How many steps have a histogram.
 */
total: number, 
/**
 * How many of those that were to be drawn could not be read.
 */
unread: number, };

/**
 * An image as it is stored.
 */
export type RunImage = { 
/**
 * `image/png`, `image/jpeg` or `image/gif`.
 */
mime: string, 
/**
 * In pixels.
 */
width: number, 
/**
 * In pixels.
 */
height: number, 
/**
 * Its bytes.
 */
base64: string, };

/**
 * A line of a chart of runs.
 */
export type RunLine = { 
/**
 * The run, or those of a group.
 */
uids: Array<string>, 
/**
 * The metric.
 */
key: string, 
/**
 * What it is called: the run's name, or what a group agrees in.
 */
label: string, 
/**
 * What a group agrees in, in the order of the columns; absent for a run.
 */
group: Array<Cell> | null, 
/**
 * Index of its colour in the palette (0 is `--c1`).
 */
colour: number, 
/**
 * How it is drawn: 0 solid, 1 dashed, 2 dotted, 3 dashes and dots. Tells apart lines that share a colour.
 */
dash: number, 
/**
 * How many points it has in all; of a group, those of all its runs.
 */
points: number, 
/**
 * Every point in sight was drawn by itself.
 */
exact: boolean, 
/**
 * Where it ends: x, and the value as it was logged. Absent for a group, and where points have no place on the x axis.
 */
last: [number, Number] | null, 
/**
 * The least finite value that was logged.
 */
min: number | null, 
/**
 * The greatest finite value that was logged.
 */
max: number | null, 
/**
 * A run of it goes on.
 */
live: boolean, };

/**
 * A log in a run's folder.
 */
export type RunLog = { 
/**
 * Where it is.
 */
path: string, 
/**
 * Its size, bytes.
 */
size: number, };

/**
 * Things in a run's files that are no numbers.
 */
export type RunMedia = { 
/**
 * What they are: `images`, `histograms`, `text`, `table`.
 */
kind: string, 
/**
 * Their name.
 */
key: string, 
/**
 * How many there are.
 */
count: number, };

/**
 * Images or histograms of one name.
 */
export type RunMediaGroup = { 
/**
 * What they are.
 */
kind: RunMediumKind, 
/**
 * Their name.
 */
key: string, 
/**
 * How many there are.
 */
count: number, };

/**
 * Images and histograms of a run, as far as its files have been looked through.
 */
export type RunMediaPage = { 
/**
 * In the order in which they stand in the files.
 */
items: Array<RunMedium>, 
/**
 * How many there are of what was asked for.
 */
total: number, 
/**
 * All names, whatever was asked for.
 */
groups: Array<RunMediaGroup>, 
/**
 * The files have been looked through. If not, asking again goes on with it.
 */
done: boolean, 
/**
 * Bytes of the files that have been looked through.
 */
read: number, 
/**
 * Bytes of the files.
 */
size: number, 
/**
 * There are more than are listed.
 */
cut: boolean, 
/**
 * What can't be listed.
 */
problems: Array<RunMediaProblem>, };

/**
 * A file of which nothing is listed.
 */
export type RunMediaProblem = { 
/**
 * The file.
 */
path: string, 
/**
 * Why.
 */
message: string, };

/**
 * An image or a histogram.
 */
export type RunMedium = { 
/**
 * What it is.
 */
kind: RunMediumKind, 
/**
 * Its name.
 */
key: string, 
/**
 * Its number among those that were logged at once under that name.
 */
index: number, 
/**
 * Position on the x axis.
 */
step: number, 
/**
 * When it was logged.
 */
wall: number | null, 
/**
 * Width of an image in pixels, where that is said.
 */
width: number | null, 
/**
 * Height of an image in pixels, where that is said.
 */
height: number | null, 
/**
 * The file in which it was found.
 */
file: string, 
/**
 * Where in it; to be handed back as it is.
 */
place: RunMediumPlace, };

/**
 * How the bytes of a place are read.
 */
export type RunMediumForm = "picture" | "buckets" | "tensor";

/**
 * What is shown otherwise than as a curve.
 */
export type RunMediumKind = "image" | "histogram";

/**
 * Where an image or a histogram is.
 */
export type RunMediumPlace = { "at": "bytes", 
/**
 * The first one.
 */
from: number, 
/**
 * The one behind the last.
 */
to: number, 
/**
 * How they are read.
 */
form: RunMediumForm, } | { "at": "file", 
/**
 * Its path from the run's folder on.
 */
path: string, } | { "at": "listed", 
/**
 * How many of the file are listed before it.
 */
number: number, };

/**
 * A metric of a run.
 */
export type RunMetric = { 
/**
 * Its name.
 */
key: string, 
/**
 * How many points it has.
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
 * The least finite value.
 */
min: number | null, 
/**
 * The step at which it was first reached.
 */
min_step: number | null, 
/**
 * The greatest finite value.
 */
max: number | null, 
/**
 * The step at which it was first reached.
 */
max_step: number | null, 
/**
 * The mean of the finite values.
 */
mean: number | null, 
/**
 * The median of the finite values.
 */
median: number | null, 
/**
 * How many points are NaN or infinite.
 */
not_finite: number, 
/**
 * Which way it is better, as far as its name tells.
 */
goal: RunGoal | null, };

/**
 * A metric of some runs.
 */
export type RunMetricCount = { 
/**
 * Its name.
 */
key: string, 
/**
 * How many of the runs have it.
 */
runs: number, };

/**
 * The metrics of some runs.
 */
export type RunMetricCounts = { 
/**
 * By name.
 */
metrics: Array<RunMetricCount>, };

/**
 * A page of the table.
 */
export type RunPage = { 
/**
 * The rows.
 */
rows: Array<RunRow>, 
/**
 * How many runs match.
 */
total: number, 
/**
 * How many runs there are.
 */
all: number, 
/**
 * The state of the index that this is of.
 */
revision: number, };

/**
 * Points in the order in which they were logged.
 */
export type RunPoints = { 
/**
 * Step, value, and when it was logged (UTC milliseconds) where that is known.
 */
points: Array<[number, Number, number | null]>, 
/**
 * How many the metric has.
 */
total: number, };

/**
 * The runs that match a query.
 */
export type RunQuery = { 
/**
 * In the language of the query bar; all runs if empty.
 */
query?: string, };

/**
 * One run.
 */
export type RunRef = { 
/**
 * Its uid, or a unique beginning of it, four characters at least.
 */
uid: string, };

/**
 * A run, as the table shows it.
 */
export type RunRow = { 
/**
 * What commands name it by.
 */
uid: string, 
/**
 * Its name.
 */
name: string, 
/**
 * How it stands.
 */
status: RunStatus, 
/**
 * Its project.
 */
project: string | null, 
/**
 * Its group.
 */
group: string | null, 
/**
 * The format that it is said to have: `lightning`.
 */
format: string, 
/**
 * The name that people know the format by.
 */
label: string, 
/**
 * When it started.
 */
started: number | null, 
/**
 * When it ended.
 */
finished: number | null, 
/**
 * When a file of it was last changed.
 */
changed: number | null, 
/**
 * The greatest step that was reached.
 */
steps: number | null, 
/**
 * How many steps it is meant to have.
 */
total_steps: number | null, 
/**
 * Points of all its metrics.
 */
points: number, 
/**
 * Its tags.
 */
tags: Array<string>, 
/**
 * What the user noted.
 */
notes: string, 
/**
 * Its folder.
 */
folder: string, 
/**
 * Tells apart several runs in one folder; empty when the folder is the run.
 */
part: string, 
/**
 * The experiment that wrote it.
 */
experiment: string | null, 
/**
 * Which attempt of that experiment.
 */
attempt: number | null, 
/**
 * Its files are gone.
 */
missing: boolean, 
/**
 * Index of its colour in the palette (0 is `--c1`), the same wherever the run is shown.
 */
colour: number, 
/**
 * The cells, in the order of the columns that were asked for.
 */
cells: Array<Cell>, };

/**
 * Rows of the table.
 */
export type RunRows = { 
/**
 * In the order in which they were asked for.
 */
rows: Array<RunRow>, };

/**
 * Runs that are drawn: those that are named, in their order, or those that a query lists.
 */
export type RunSet = { 
/**
 * The runs; with a query, those of its runs that are left out.
 */
uids: Array<string>, 
/**
 * A query in the language of the query bar, the newest run first.
 */
query: string | null, };

/**
 * A setting of a run.
 */
export type RunSetting = { 
/**
 * Its name; levels are joined by points.
 */
key: string, 
/**
 * Its value.
 */
value: Cell, };

/**
 * By which column, and which way. Runs without a value come last either way.
 */
export type RunSort = { 
/**
 * The column's id.
 */
column: string, 
/**
 * From the greatest to the least.
 */
descending: boolean, };

/**
 * How a run stands.
 */
export type RunStatus = "running" | "paused" | "stale" | "completed" | "failed" | "cancelled" | "ended";

/**
 * Saves a page.
 */
export type SavePage = { 
/**
 * The page, in place of the one of its project.
 */
page: ChartPage, 
/**
 * The revision that it goes on from. It is refused if another one was saved meanwhile.
 */
revision: number, };

/**
 * That a page was saved.
 */
export type SavedPage = { 
/**
 * Its revision now.
 */
revision: number, };

/**
 * A way of looking at the table that the user saved.
 */
export type SavedView = { 
/**
 * Its name, unique; 1 to 100 characters.
 */
name: string, 
/**
 * The query.
 */
query: string, 
/**
 * Ids of the columns in their order.
 */
columns: Array<string>, 
/**
 * The order.
 */
sort: Array<RunSort>, 
/**
 * Ids of the columns that runs are grouped by.
 */
group: Array<string>, 
/**
 * Ids of the columns that stay in place.
 */
pinned: Array<string>, 
/**
 * Widths in CSS pixels by the column's id.
 */
widths: Record<string, number>, 
/**
 * Columns that are the same for all runs are left out.
 */
hide_constant: boolean, };

/**
 * A saved view by name.
 */
export type SavedViewRef = { 
/**
 * Its name.
 */
name: string, };

/**
 * The saved views.
 */
export type SavedViews = { 
/**
 * In the order in which they were made.
 */
views: Array<SavedView>, };

/**
 * How values map to places.
 */
export type Scale = "linear" | "log" | "symlog";

/**
 * Something that can't be read.
 */
export type ScanProblem = { 
/**
 * The file or folder, below the one that was scanned; empty for that one itself.
 */
path: string, 
/**
 * Its line, from 1, if only that is meant.
 */
line: number | null, 
/**
 * The byte in it, from 0, if only what stands there is meant.
 */
byte: number | null, 
/**
 * Why: a clause.
 */
message: string, 
/**
 * How many further places in the same file are like it.
 */
more: number, };

/**
 * A point for each run.
 */
export type ScatterPlot = { 
/**
 * The column of the horizontal axis: numbers, or words, which become categories.
 */
x: string, 
/**
 * The column of the vertical axis, likewise.
 */
y: string, 
/**
 * The column that colours the points; each run's own colour if absent.
 */
colour: string | null, 
/**
 * How numbers map to places.
 */
x_scale: Scale, 
/**
 * How numbers map to places.
 */
y_scale: Scale, 
/**
 * The Pareto front is drawn: which way each of the two columns is better.
 */
front: ParetoGoals | null, };

/**
 * What to look for in a run's file, and where; otherwise as for a log.
 */
export type SearchFile = { 
/**
 * The run.
 */
uid: string, 
/**
 * The file, relative to the run's folder.
 */
path: string, 
/**
 * The text, or the expression; an empty one matches every line.
 */
pattern: string, 
/**
 * It is a regular expression, as the Rust crate `regex` writes them.
 */
regex?: boolean, 
/**
 * Large and small letters differ.
 */
case?: boolean, 
/**
 * Where to begin: the beginning of a line.
 */
from?: number, 
/**
 * Where to end.
 */
to?: number, 
/**
 * From the end to the beginning.
 */
backwards?: boolean, 
/**
 * How many lines to answer at most (at most 1,000; 100 if absent). With 0 they are only counted.
 */
limit?: number, };

/**
 * What to look for in a log, and where.
 */
export type SearchLog = { 
/**
 * The experiment.
 */
uid: string, 
/**
 * The attempt; the newest if absent.
 */
attempt?: number, 
/**
 * Only one of the two streams.
 */
stream?: LogStream, 
/**
 * The text, or the expression; an empty one matches every line. It is looked for in each line as it is seen:
 * without colours, and of a line that was redrawn in its last state.
 */
pattern: string, 
/**
 * It is a regular expression, as the Rust crate `regex` writes them.
 */
regex?: boolean, 
/**
 * Large and small letters differ.
 */
case?: boolean, 
/**
 * Where to begin: the beginning of a line, as `next`, `offset` and `end` of an answer are. The log's beginning
 * if absent; backwards its end, and then the lines before it are searched.
 */
from?: number, 
/**
 * Where to end: lines before it are searched, backwards those from it on. All if absent.
 */
to?: number, 
/**
 * From the end to the beginning.
 */
backwards?: boolean, 
/**
 * How many lines to answer at most (at most 1,000; 100 if absent). With 0 they are only counted.
 */
limit?: number, };

/**
 * A part of the queue.
 */
export type Section = "active" | "waiting" | "finished" | "all";

/**
 * Which lines of a run's file to count.
 */
export type SeekFile = { 
/**
 * The run.
 */
uid: string, 
/**
 * The file, relative to the run's folder.
 */
path: string, 
/**
 * Where to begin; the beginning if absent.
 */
from?: number, 
/**
 * Where to end; the file's end if absent.
 */
to?: number, 
/**
 * How many line ends to pass at most; all if absent.
 */
lines?: number, };

/**
 * Which lines of a log to count.
 */
export type SeekLog = { 
/**
 * The experiment.
 */
uid: string, 
/**
 * The attempt; the newest if absent.
 */
attempt?: number, 
/**
 * Only one of the two streams.
 */
stream?: LogStream, 
/**
 * Where to begin; the log's beginning if absent.
 */
from?: number, 
/**
 * Where to end; the log's end if absent.
 */
to?: number, 
/**
 * How many line ends to pass at most; all if absent.
 */
lines?: number, };

/**
 * Several experiments by uid, or a whole group.
 */
export type Selection = { 
/**
 * The uids.
 */
uids?: Array<string>, 
/**
 * Those of this group whose state allows the action, too.
 */
group?: string, };

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
 * Changes a group, which is made if there is none.
 */
export type SetGroup = { 
/**
 * Its name.
 */
name: string, 
/**
 * Members that may run at once; `null` for no limit of its own.
 */
parallel: number | null, };

/**
 * Sets the hook.
 */
export type SetHook = { 
/**
 * `null` takes it away.
 */
hook: Hook | null, };

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
 * Whether the desktop shows notifications. They are kept in any case.
 */
notify: boolean, 
/**
 * Size at which a job's log is rotated, bytes; one older generation is kept.
 */
log_limit: number, 
/**
 * Jobs of every kind that may run at once; `null` for as many as resources allow.
 */
max_running: number | null, 
/**
 * Jobs that may share a GPU; `null` for as many as its memory allows.
 */
per_gpu: number | null, 
/**
 * Jobs of a project that may run at once; `null` for no limit.
 */
per_project: number | null, 
/**
 * Whether idle compute processes of others leave a GPU free for jobs that want it for themselves.
 */
ignore_idle_processes: boolean, 
/**
 * Named parts of the week in which scheduled jobs may start.
 */
windows: Array<TimeWindow>, 
/**
 * Days after which events and logs of finished experiments may be cleaned up.
 */
keep_days: number, 
/**
 * Percent below which the GPUs of a running job count as idle; 0 is never.
 */
idle_gpu_percent: number, 
/**
 * Minutes of that after which it is told, 1 to 10,080.
 */
idle_gpu_minutes: number, 
/**
 * Whether such a job is cancelled.
 */
idle_gpu_cancel: boolean, 
/**
 * Whether the desktop starts the window's program, hidden in the tray.
 */
autostart: boolean, 
/**
 * What the user is told of, and when.
 */
notifications: NotificationSettings, };

/**
 * Smoothing.
 */
export type Smoothing = { 
/**
 * How.
 */
kind: SmoothingKind, 
/**
 * How much.
 */
amount: number, };

/**
 * How lines are smoothed. A value that is NaN or infinite is passed on as it is and counts for no other.
 */
export type SmoothingKind = "none" | "exponential" | "mean" | "gaussian";

/**
 * A small line.
 */
export type Spark = { 
/**
 * The run.
 */
uid: string, 
/**
 * Pieces of the line: places from left (0) to right (1) and from bottom (0) to top (1).
 */
pieces: Array<Array<[number, number]>>, };

/**
 * Small lines.
 */
export type Sparks = { 
/**
 * Of those runs that have the metric.
 */
lines: Array<Spark>, };

/**
 * Where an experiment stands.
 */
export type Status = "pending" | "queued" | "running" | "paused" | "completed" | "failed" | "cancelled" | "expired";

/**
 * A page as it is stored.
 */
export type StoredPage = { 
/**
 * The page, if there is one.
 */
page: ChartPage | null, 
/**
 * Counts how often it was saved; 0 if it never was.
 */
revision: number, };

/**
 * Asks for the panels that runs would fill.
 */
export type SuggestPanels = { 
/**
 * Which runs, in the language of the query bar.
 */
query: string, };

/**
 * Panels that runs would fill.
 */
export type SuggestedPanels = { 
/**
 * A line chart for each metric, in sections by the prefix of their names (`train/`); what counts or keeps time last.
 */
panels: Array<Panel>, 
/**
 * How many metrics there are no panels for, because a page holds no more.
 */
more: number, };

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
 * What kind of thing is suggested.
 */
export type SuggestionKind = "field" | "config" | "metric" | "operator" | "value" | "keyword";

/**
 * Many experiments from one.
 */
export type Sweep = { 
/**
 * The keys and their values.
 */
axes: Array<Axis>, 
/**
 * Which points.
 */
mode?: SweepMode, 
/**
 * How the values reach the command.
 */
style?: SweepStyle, };

/**
 * Which points of the grid.
 */
export type SweepMode = { "kind": "grid" } | { "kind": "random", 
/**
 * How many.
 */
count: number, 
/**
 * The seed.
 */
seed: number, };

/**
 * A cell for each pair of values of two columns, shaded by a third.
 */
export type SweepPlot = { 
/**
 * The column from left to right.
 */
x: string, 
/**
 * The column from bottom to top.
 */
y: string, 
/**
 * The column that shades the cells: numbers.
 */
value: string, 
/**
 * What a cell shows of its runs.
 */
statistic: SweepStatistic, };

/**
 * One point.
 */
export type SweepPoint = { 
/**
 * The experiment's name.
 */
name: string, 
/**
 * Its command as one line.
 */
command_line: string, 
/**
 * The values.
 */
values: Array<AxisValue>, };

/**
 * What a sweep would make.
 */
export type SweepPreview = { 
/**
 * How many experiments.
 */
count: number, 
/**
 * The first 50.
 */
points: Array<SweepPoint>, 
/**
 * Whether so many have to be agreed to.
 */
asks: boolean, };

/**
 * What `sweeps.preview` and `sweeps.add` take.
 */
export type SweepRequest = { 
/**
 * What all points share.
 */
experiment: NewExperiment, 
/**
 * What they differ in.
 */
sweep: Sweep, 
/**
 * The group's name; the experiment's name and the time if absent.
 */
group?: string, 
/**
 * Points that may run at once.
 */
parallel?: number, 
/**
 * How many experiments the user has agreed to; needed for more than 1,000.
 */
agreed?: number, };

/**
 * What a cell of a sweep shows of its runs' values.
 */
export type SweepStatistic = "mean" | "median" | "best" | "min" | "max" | "count";

/**
 * How a value reaches a command that has no `{key}` placeholder, where no config holds the key.
 */
export type SweepStyle = "flags" | "hydra";

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
raw?: boolean, 
/**
 * Only one of the two streams.
 */
stream?: LogStream, };

/**
 * A thermometer of the machine.
 */
export type Temperature = { 
/**
 * What is measured.
 */
label: string, 
/**
 * °C.
 */
value: Reading<number>, 
/**
 * °C at which the hardware protects itself, where it tells.
 */
critical: number | null, };

/**
 * What differs between two texts.
 */
export type TextDiff = { 
/**
 * Name of the old text.
 */
old: string, 
/**
 * Name of the new text.
 */
new: string, 
/**
 * Lines that the old text has alone.
 */
removed: number, 
/**
 * Lines that the new text has alone.
 */
added: number, 
/**
 * Parts of the texts in which something differs, in order.
 */
hunks: Array<DiffHunk>, 
/**
 * What was left out, and why; such as the rest of large files.
 */
notes: Array<string>, };

/**
 * Light or dark.
 */
export type Theme = "light" | "dark";

/**
 * A named part of the week in which scheduled jobs may start.
 */
export type TimeWindow = { 
/**
 * Its name, such as `nights`.
 */
name: string, 
/**
 * The days on which it opens: `mon` to `sun`.
 */
days: Array<string>, 
/**
 * When it opens, `22:00`, in the zone of this machine.
 */
from: string, 
/**
 * When it closes, `07:00`; on the next day if not after `from`.
 */
to: string, };

/**
 * Who ran where, when.
 */
export type Timeline = { 
/**
 * The devices: each GPU, then the machine for jobs without one.
 */
lanes: Array<Lane>, 
/**
 * The attempts in order of their start, at most 5,000, the newest.
 */
bars: Array<Bar>, 
/**
 * Whether older ones were left out.
 */
truncated: boolean, };

/**
 * The form of a list of jobs as text.
 */
export type TransferFormat = "json_lines" | "json" | "toml";

/**
 * How many notifications were not read.
 */
export type Unread = { 
/**
 * In all.
 */
unread: number, };

/**
 * How much a notification presses.
 */
export type Urgency = "normal" | "critical";

/**
 * A metric of the first of the runs that has it, above the use of the GPUs that the run had, over time.
 */
export type UsagePlot = { 
/**
 * The metric.
 */
key: string, 
/**
 * How its values map to places.
 */
scale: Scale, };

/**
 * Who made a GPU.
 */
export type Vendor = "nvidia" | "amd";

/**
 * Which group is better in a metric.
 */
export type Verdict = { 
/**
 * The metric.
 */
key: string, 
/**
 * Which way it is better.
 */
goal: RunGoal, 
/**
 * For each group, in their order.
 */
groups: Array<GroupVerdict>, };

/**
 * How it turned out.
 */
export type VerdictOutcome = "baseline" | "better" | "worse" | "unclear" | "too_few" | "nothing";

/**
 * A folder in which runs are looked for.
 */
export type WatchFolder = { 
/**
 * Its key.
 */
id: number, 
/**
 * Where it is.
 */
path: string, 
/**
 * The project of all runs in it that do not name their own.
 */
project: string | null, 
/**
 * How metrics that programs print are found in logs; none: logs are not read for them.
 */
pattern: string | null, 
/**
 * When it was added, UTC milliseconds.
 */
added_at: number, 
/**
 * Runs in it.
 */
runs: number, 
/**
 * It is looked through, or files are read that had changed before.
 */
looking: boolean, 
/**
 * How far that is, or was.
 */
progress: WatchProgress, 
/**
 * When a look last came to its end, UTC milliseconds.
 */
looked_at: number | null, 
/**
 * How its files are followed; absent while no engine follows them.
 */
followed: Monitor | null, 
/**
 * What can't be listed or read: the first hundred.
 */
problems: Array<ScanProblem>, 
/**
 * How many there are.
 */
problem_count: number, };

/**
 * All watch folders.
 */
export type WatchFolders = { 
/**
 * By path.
 */
folders: Array<WatchFolder>, };

/**
 * How far a look through a watch folder is.
 */
export type WatchProgress = { 
/**
 * Folders that were listed.
 */
folders: number, 
/**
 * Files in them.
 */
files: number, 
/**
 * Runs that were found.
 */
runs: number, 
/**
 * Files that were read.
 */
read: number, 
/**
 * Bytes that were read.
 */
bytes: number, };

/**
 * A watch folder.
 */
export type WatchRef = { 
/**
 * Its key.
 */
id: number, };

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
  "experiments.cancel": { input: Selection; output: Outcomes };
  /** Stops the processes of running experiments, and holds waiting ones back. */
  "experiments.pause": { input: Selection; output: Outcomes };
  /** Lets paused and held experiments go on. */
  "experiments.resume": { input: Selection; output: Outcomes };
  /** Holds waiting experiments back. */
  "experiments.hold": { input: Selection; output: Outcomes };
  /** Queues failed, cancelled or expired experiments once more, as a new attempt of the same experiment. */
  "experiments.retry": { input: Selection; output: Outcomes };
  /** Gives waiting experiments another place in the queue. */
  "experiments.move": { input: MoveExperiments; output: Outcomes };
  /** Changes an experiment. */
  "experiments.edit": { input: EditExperiment; output: ExperimentDetail };
  /** Changes several experiments alike. */
  "experiments.edit_many": { input: EditExperiments; output: Outcomes };
  /** Puts finished experiments away, or takes them back out. */
  "experiments.archive": { input: ArchiveExperiments; output: Outcomes };
  /** Deletes finished experiments with their logs and recorded metrics; no file of the user is touched. */
  "experiments.delete": { input: ExperimentRefs; output: Outcomes };
  /** Writes jobs down as text. */
  "experiments.export": { input: ExportJobs; output: ExportedJobs };
  /** Queues jobs from text: all of them or none. */
  "experiments.import": { input: ImportJobs; output: ImportedJobs };
  /** What a sweep would make. */
  "sweeps.preview": { input: SweepRequest; output: SweepPreview };
  /** Queues a sweep: all of its points or none. */
  "sweeps.add": { input: SweepRequest; output: AddedExperiments };
  /** The groups. */
  "groups.list": { input: Nothing; output: Groups };
  /** Makes or changes a group. */
  "groups.set": { input: SetGroup; output: Groups };
  /** What the queue may give to jobs. */
  "queue.resources": { input: Nothing; output: Resources };
  /** Numbers about the queue. */
  "queue.report": { input: Nothing; output: QueueReport };
  /** Who ran where, when. */
  "queue.timeline": { input: ReadTimeline; output: Timeline };
  /** Takes a GPU out of the queue or gives it back. */
  "gpus.block": { input: BlockGpu; output: Resources };
  /** Looks at requirements before they are used. */
  "requirements.check": { input: CheckRequirements; output: RequirementsCheck };
  /** Looks at a config's text. */
  "config.check": { input: CheckConfig; output: ConfigCheck };
  /** Reads a config file. */
  "config.read": { input: ReadConfig; output: ConfigFile };
  /** Files of a folder that could be configs. */
  "config.list": { input: ListConfigs; output: ConfigList };
  /** What a clean-up would take away. */
  "cleanup.preview": { input: CleanUp; output: CleanUpPlan };
  /** Takes away events and logs of experiments that ended long ago. */
  "cleanup.run": { input: CleanUp; output: CleanUpPlan };
  /** Counts, slots, and whether the queue is paused. */
  "queue.stats": { input: Nothing; output: QueueStats };
  /** Pauses or resumes the queue; what runs goes on. */
  "queue.pause": { input: PauseQueue; output: QueueStats };
  /** A piece of a log from an offset. */
  "log.read": { input: ReadLog; output: LogChunk };
  /** The lines of a log that match a pattern, as far as one call looks. */
  "log.search": { input: SearchLog; output: LogMatches };
  /** Where the so-manieth line of a log begins, or how many there are. */
  "log.seek": { input: SeekLog; output: LinesPassed };
  /** The last lines of a log. */
  "log.tail": { input: TailLog; output: LogChunk };
  /** What is in a folder of a run. */
  "files.list": { input: ListFiles; output: FileList };
  /** A piece of a file of a run. */
  "files.read": { input: ReadFile; output: FileChunk };
  /** The lines of a run's file that match a pattern, as far as one call looks. */
  "files.search": { input: SearchFile; output: FileMatches };
  /** Where the so-manieth line of a run's file begins, or how many there are. */
  "files.seek": { input: SeekFile; output: LinesPassed };
  /** Somebody looks at a run's file: its changes are told for a while. Said again by who still looks. */
  "files.follow": { input: FollowFile; output: FileState };
  /** The metric series of an experiment's newest attempt. */
  "metrics.list": { input: ExperimentRef; output: SeriesList };
  /** The folders in which runs are looked for. */
  "watch.list": { input: Nothing; output: WatchFolders };
  /** Looks for runs in a folder from now on; nothing is written there. */
  "watch.add": { input: AddWatch; output: WatchFolders };
  /** Looks for runs in a folder no more, and forgets those in it; nothing on disk is touched. */
  "watch.remove": { input: WatchRef; output: WatchFolders };
  /** Says what a pattern would read in the logs of a folder. */
  "watch.preview": { input: PreviewPattern; output: FolderPreview };
  /** Looks through a watch folder again. */
  "watch.look": { input: WatchRef; output: WatchFolders };
  /** A page of the table of runs. */
  "runs.list": { input: ListRuns; output: RunPage };
  /** Rows of the table of runs by their uids. */
  "runs.rows": { input: ReadRunRows; output: RunRows };
  /** The columns that the table of runs may have. */
  "runs.columns": { input: RunQuery; output: RunColumns };
  /** The best run in each of several columns. */
  "runs.best": { input: FindBestRuns; output: BestRuns };
  /** How a query for runs that is being typed may go on, and what is wrong with it. */
  "runs.complete": { input: CompleteQuery; output: QueryCompletion };
  /** Runs that have something in common, together. */
  "runs.group": { input: GroupRuns; output: RunGroups };
  /** Everything about a run but its points. */
  "runs.get": { input: RunRef; output: RunDetail };
  /** Changes tags and notes of runs. */
  "runs.edit": { input: EditRuns; output: Outcomes };
  /** What would go if a run's files were removed. */
  "runs.plan_removal": { input: RunRef; output: RunFilesPlan };
  /** Takes runs out of the index; files of one go into the desktop's trash if its name was typed. */
  "runs.remove": { input: RemoveRuns; output: Outcomes };
  /** The saved ways of looking at the table of runs. */
  "runs.views": { input: Nothing; output: SavedViews };
  /** Saves a way of looking at the table of runs, in place of the one of that name. */
  "runs.save_view": { input: SavedView; output: SavedViews };
  /** Deletes a saved way of looking at the table of runs. */
  "runs.delete_view": { input: SavedViewRef; output: SavedViews };
  /** The table of runs as CSV, JSON, Markdown, LaTeX or Parquet. */
  "runs.export": { input: ExportRuns; output: RunExport };
  /** Runs side by side: settings, metrics, and which is better. */
  "runs.compare": { input: CompareRuns; output: Comparison };
  /** The same as Markdown. */
  "runs.compare_markdown": { input: CompareRuns; output: ComparisonText };
  /** The config files of runs. */
  "runs.compare_configs": { input: ComparedUids; output: ComparedConfigs };
  /** What differs between two config files. */
  "runs.compare_texts": { input: CompareTexts; output: TextDiff };
  /** The files of the code that differ between two runs. */
  "runs.compare_code": { input: CompareCode; output: CodeDiff };
  /** What differs in a file of the code. */
  "runs.compare_code_file": { input: CompareCodeFile; output: TextDiff };
  /** What runs ran in, side by side. */
  "runs.compare_environments": { input: ComparedUids; output: ComparedEnvironment };
  /** Points of a metric of a run, exactly as they were logged. */
  "runs.points": { input: ReadRunPoints; output: RunPoints };
  /** The metrics that some runs have. */
  "runs.metrics": { input: ListRunMetrics; output: RunMetricCounts };
  /** A chart of metrics of runs. */
  "runs.chart": { input: DrawRunChart; output: RunChart };
  /** Several such charts; that one can't be drawn is no error of the others. */
  "runs.charts": { input: DrawRunCharts; output: RunCharts };
  /** The values at a place of such a chart, exactly. */
  "runs.read": { input: ReadRunChart; output: RunChartReading };
  /** Small lines of a metric, for a column of the table. */
  "runs.spark": { input: DrawSparks; output: Sparks };
  /** The images and histograms of a run. */
  "runs.media": { input: ListRunMedia; output: RunMediaPage };
  /** An image of a run, as it is stored. */
  "runs.image": { input: ReadRunMedium; output: RunImage };
  /** A histogram of a run. */
  "runs.histogram": { input: ReadRunMedium; output: RunHistogram };
  /** A picture of histograms of a run over steps. */
  "runs.histograms": { input: DrawRunHistograms; output: RunHistograms };
  /** A plot of runs that is no chart of lines. */
  "plots.draw": { input: DrawPlot; output: Plot };
  /** A chart as a file. */
  "figures.make": { input: MakeFigure; output: FigureFile };
  /** Charts, tables and notes as one HTML or PDF file, or as Markdown. */
  "reports.make": { input: MakeReport; output: FigureFile };
  /** The pages of charts that there are. */
  "pages.list": { input: Nothing; output: PageList };
  /** The charts that the user arranged for a project, or for all runs. */
  "pages.get": { input: GetPage; output: StoredPage };
  /** Saves the charts of a project, unless they were changed elsewhere meanwhile. */
  "pages.save": { input: SavePage; output: SavedPage };
  /** A chart for each metric of the runs of a query. */
  "pages.suggest": { input: SuggestPanels; output: SuggestedPanels };
  /** Points of a metric of an experiment, exactly as they were logged. */
  "metrics.points": { input: ReadPoints; output: RunPoints };
  /** A chart of metrics over steps. */
  "chart.draw": { input: DrawChart; output: Chart };
  /** The machine, now and in the last minutes. */
  "device.history": { input: Nothing; output: DeviceHistory };
  /** Somebody looks at the machine: it is sampled every second for a while. Said again by who still looks. */
  "device.look": { input: LookAtDevice; output: Nothing };
  /** Everything of which there is a history. */
  "history.metrics": { input: Nothing; output: HistoryMetrics };
  /** What a metric did from one moment to another. */
  "history.read": { input: ReadHistory; output: HistoryStretch };
  /** A chart of the machine's history, with the jobs that ran meanwhile. */
  "history.chart": { input: DrawHistory; output: HistoryChart };
  /** A page of a history as CSV. */
  "history.csv": { input: ExportHistory; output: HistoryCsv };
  /** The folders whose files are followed now, how, and why so. */
  "monitors.list": { input: Nothing; output: Monitors };
  /** Events after a cursor. */
  "events.read": { input: ReadEvents; output: EventPage };
  /** The settings. */
  "settings.get": { input: Nothing; output: Settings };
  /** Changes settings. */
  "settings.change": { input: ChangeSettings; output: Settings };
  /** What the user was told of, newest first. */
  "notifications.list": { input: ListNotifications; output: NotificationPage };
  /** Marks notifications as read. */
  "notifications.mark": { input: MarkNotifications; output: Unread };
  /** Shows a notification, and runs the hook once, whatever the hour. */
  "notifications.test": { input: Nothing; output: NotificationTest };
  /** What is run with each notification, and how it does. */
  "hook.get": { input: Nothing; output: HookInfo };
  /** Sets what is run with each notification. */
  "hook.set": { input: SetHook; output: HookInfo };
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

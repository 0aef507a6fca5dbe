// What is typed into the sheet for an experiment, and what it makes of it: an experiment, a sweep, or a change.

import type {
  Axis,
  Condition,
  ConfigCheck,
  Dependency,
  EditExperiment,
  ExperimentDetail,
  FailureReason,
  FolderCheck,
  NewExperiment,
  Priority,
  Project,
  Requirements,
  RetryPolicy,
  Status,
  Sweep,
} from "../bindings";
import type { Problem } from "../errors";
import { joinCommand, splitCommand } from "../util/argv";
import { count, duration, plural } from "../util/format";
import { timeLimit } from "../util/limit";
import { given, needsWords, parseSize, sizeText } from "../util/needs";
import { sectionOf } from "../util/status";
import type { Draft } from "./app.svelte";

export const OTHER = "\u0000other";
export const DEFAULT_GRACE_MS = 10_000;

const USUAL_DELAY_MS = 30_000;
/** What holds when nothing is said: three retries of what was lost. */
const isUsual = (it: RetryPolicy): boolean =>
  it.limit === 3 && (it.delay_ms ?? USUAL_DELAY_MS) === USUAL_DELAY_MS && (it.reasons === undefined || it.reasons === null || it.reasons.join() === "lost");

export type Part = "config" | "needs" | "sweep" | "when" | "failure" | "environment" | "more";
export type After = { uid: string; name: string; status: Status | null; when: Condition };
/** "new" and "copy" queue something, "edit" changes what waits, "notes" what has started or ended. */
export type Mode = "new" | "copy" | "edit" | "notes";

const PARTS: [Part, RegExp][] = [
  ["config", /^config/],
  ["needs", /^requirements/],
  ["sweep", /^(sweep|axes|agreed|parallel)/],
  ["when", /^(after|wait_for_failed|hold|not_before|window|start_by)/],
  ["failure", /^(retry|time_limit|grace)/],
  ["environment", /^(set|environment)/],
  ["more", /^(tags|notes|key|metadata)/],
];

export class Form {
  mode = $state<Mode>("new");
  detail = $state.raw<ExperimentDetail | null>(null);

  where = $state(OTHER);
  folder = $state("");
  checked = $state.raw<FolderCheck | null>(null);
  command = $state("");
  shell = $state(false);
  name = $state("");
  group = $state("");
  priority = $state<Priority>("normal");

  configPath = $state("");
  /** The text of the config as it was read; null while none was. */
  configRead = $state.raw<string | null>(null);
  configText = $state("");
  config = $state.raw<ConfigCheck | null>(null);

  gpus = $state("");
  gpuMemory = $state("");
  gpuModel = $state("");
  gpuUuids = $state.raw<string[]>([]);
  exclusive = $state<"auto" | "yes" | "no">("auto");
  cores = $state("");
  memory = $state("");
  disk = $state("");
  estimate = $state("");

  axes = $state<{ key: string; values: string }[]>([]);
  random = $state("");
  parallel = $state("");
  agreed = $state<number | null>(null);

  after = $state.raw<After[]>([]);
  waitForFailed = $state(false);
  hold = $state(false);
  notBefore = $state("");
  window = $state("");
  startBy = $state("");

  retries = $state("");
  retryDelay = $state("");
  retryReasons = $state.raw<FailureReason[] | null>(null);
  limit = $state("");
  grace = $state("");

  variables = $state<{ name: string; value: string }[]>([]);
  tags = $state("");
  notes = $state("");
  key = $state("");

  open = $state.raw<ReadonlySet<Part>>(new Set());
  problem = $state.raw<Problem | null>(null);
  tried = $state(false);

  readonly split = $derived(splitCommand(this.command));
  readonly limitMs = $derived(timeLimit(this.limit));
  readonly delayMs = $derived(timeLimit(this.retryDelay));
  readonly graceMs = $derived(timeLimit(this.grace));
  readonly estimateMs = $derived(timeLimit(this.estimate));
  readonly configEdited = $derived(this.configRead !== null && this.configText !== this.configRead);
  readonly labels = $derived(words(this.tags));

  constructor(private readonly projects: () => readonly Project[]) {}

  readonly project = $derived.by(() => this.projects().find((it) => it.name === this.where) ?? null);
  readonly cwd = $derived.by(() => this.project?.folder ?? (this.checked !== null && this.checked.problem === null ? this.checked.path : null));

  /** Begins with a draft. What was typed for a new experiment and not queued stays. */
  begin(draft: Draft): void {
    this.problem = null;
    this.tried = false;
    if (draft.from !== undefined) {
      this.clear();
      this.#take(draft.from.mode, draft.from.detail);
      return;
    }
    if (this.mode !== "new") this.clear();
    const known = this.projects().some((it) => it.name === this.where);
    if (draft.project !== undefined) this.where = draft.project;
    else if (!known && this.folder === "") this.where = this.projects()[0]?.name ?? OTHER;
    if (draft.command !== undefined) this.command = draft.command;
    if (draft.name !== undefined) this.name = draft.name;
  }

  clear(): void {
    this.mode = "new";
    this.detail = null;
    this.command = this.name = this.group = this.configPath = this.configText = "";
    this.configRead = this.config = null;
    this.shell = false;
    this.priority = "normal";
    this.gpus = this.gpuMemory = this.gpuModel = this.cores = this.memory = this.disk = this.estimate = "";
    this.gpuUuids = [];
    this.exclusive = "auto";
    this.axes = [];
    this.random = this.parallel = "";
    this.agreed = null;
    this.after = [];
    this.waitForFailed = this.hold = false;
    this.notBefore = this.window = this.startBy = "";
    this.retries = this.retryDelay = this.limit = this.grace = "";
    this.retryReasons = null;
    this.variables = [];
    this.tags = this.notes = this.key = "";
    this.open = new Set();
    this.problem = null;
    this.tried = false;
  }

  #take(mode: "edit" | "copy", detail: ExperimentDetail): void {
    const it = detail.experiment;
    this.detail = detail;
    this.mode = mode === "copy" ? "copy" : sectionOf(it.status) === "waiting" ? "edit" : "notes";
    const project = this.projects().find((one) => one.name === it.project && one.folder === it.cwd);
    this.where = project?.name ?? OTHER;
    if (project === undefined) {
      this.folder = it.cwd;
      this.checked = { path: it.cwd, problem: null, suggestions: [] };
    }
    this.shell = typeof it.command === "string";
    this.command = typeof it.command === "string" ? it.command : joinCommand(it.command);
    this.name = it.name;
    this.group = it.group ?? "";
    this.priority = it.priority;
    this.configPath = detail.config_path ?? "";
    this.configRead = detail.config_text;
    this.configText = detail.config_text ?? "";
    const needs = given(it.requirements);
    const number = (value: number | undefined) => (value === undefined || value === 0 ? "" : String(value));
    const size = (value: number | undefined) => (value === undefined ? "" : sizeText(value));
    this.gpus = number(needs.gpus);
    this.gpuMemory = size(needs.gpu_memory);
    this.gpuModel = needs.gpu_model ?? "";
    this.gpuUuids = needs.gpu_uuids ?? [];
    this.exclusive = needs.gpu_exclusive === undefined ? "auto" : needs.gpu_exclusive ? "yes" : "no";
    this.cores = number(needs.cpu_cores);
    this.memory = size(needs.memory);
    this.disk = size(needs.disk);
    this.estimate = needs.estimated_ms === undefined ? "" : durationText(needs.estimated_ms);
    this.after = detail.after.map(({ uid, name, status, when }) => ({ uid, name, status, when }));
    this.waitForFailed = detail.wait_for_failed;
    this.hold = it.held && mode === "edit";
    this.notBefore = localText(it.not_before);
    this.window = it.window ?? "";
    this.startBy = localText(it.start_by);
    if (!isUsual(detail.retry)) {
      this.retries = String(detail.retry.limit);
      this.retryDelay = (detail.retry.delay_ms ?? USUAL_DELAY_MS) === USUAL_DELAY_MS ? "" : durationText(detail.retry.delay_ms ?? 0);
      this.retryReasons = detail.retry.reasons ?? null;
    }
    this.limit = it.time_limit_ms === null ? "" : durationText(it.time_limit_ms);
    this.grace = detail.grace_ms === DEFAULT_GRACE_MS ? "" : durationText(detail.grace_ms);
    this.tags = it.tags.join(", ");
    this.notes = detail.notes;
  }

  // Problems.

  /** The engine's complaint about a field, or one of these fields. */
  refused(...fields: string[]): string {
    const field = plainField(this.problem?.field);
    return field !== "" && fields.some((it) => field === it || field.startsWith(`${it}.`) || field.startsWith(`${it}[`)) ? (this.problem?.message ?? "") : "";
  }

  /** The part that holds the field at fault. */
  get partAtFault(): Part | null {
    const field = plainField(this.problem?.field);
    return field === "" ? null : (PARTS.find(([, of]) => of.test(field))?.[0] ?? null);
  }

  readonly faults = $derived.by((): Record<string, string> => {
    const faults: Record<string, string> = {};
    const add = (field: string, text: string, bad: boolean) => {
      if (bad) faults[field] = text;
    };
    if (this.command.trim() === "") add("command", "Say what to run.", this.tried);
    else if (!this.shell && !this.split.ok) faults["command"] = this.split.problem;
    add("cwd", "Choose a folder.", this.tried && this.project === null && this.folder.trim() === "");
    const whole = (text: string, least: number) => text.trim() === "" || (/^\d+$/.test(text.trim()) && Number(text) >= least);
    add("gpus", "A whole number, such as 1.", !whole(this.gpus, 0));
    add("cores", "A whole number, such as 8.", !whole(this.cores, 1));
    for (const field of ["gpuMemory", "memory", "disk"] as const) add(field, "For example 40 GiB or 512 MiB.", this[field].trim() !== "" && parseSize(this[field]) === null);
    const spans = { estimate: this.estimateMs, limit: this.limitMs, retryDelay: this.delayMs, grace: this.graceMs };
    for (const [field, ms] of Object.entries(spans)) add(field, "For example 90 min, 2 h or 30 s.", this[field as "limit"].trim() !== "" && ms === null);
    add("retries", "A whole number, 0 for none.", !whole(this.retries, 0));
    add("parallel", "A whole number, such as 2.", !whole(this.parallel, 1));
    add("random", "A whole number, such as 20.", !whole(this.random, 1));
    add("variables", "A name has letters, digits and _ only, and begins with no digit.", this.variables.some((it) => it.name.trim() !== "" && !/^[A-Za-z_][A-Za-z0-9_]*$/.test(it.name.trim())));
    add("axes", "Give each key at least one value.", this.axes.some((it) => it.key.trim() !== "" && axisValues(it.values).length === 0));
    add("config", this.config?.problem?.message ?? "", this.config?.problem !== null && this.config !== null && this.configEdited);
    return faults;
  });

  get ready(): boolean {
    return this.command.trim() !== "" && (this.shell || (this.split.ok && this.split.argv.length > 0)) && this.cwd !== null && Object.keys(this.faults).length === 0;
  }

  // What it makes.

  readonly requirements = $derived.by((): Requirements => {
    const needs: Requirements = {};
    const gpus = Number(this.gpus) || 0;
    if (gpus > 0) {
      needs.gpus = gpus;
      const memory = parseSize(this.gpuMemory);
      if (memory !== null) needs.gpu_memory = memory;
      if (this.gpuModel.trim() !== "") needs.gpu_model = this.gpuModel.trim();
      if (this.gpuUuids.length > 0) needs.gpu_uuids = [...this.gpuUuids];
      if (this.exclusive !== "auto") needs.gpu_exclusive = this.exclusive === "yes";
    }
    const cores = Number(this.cores);
    if (cores > 0) needs.cpu_cores = cores;
    const memory = parseSize(this.memory);
    if (memory !== null) needs.memory = memory;
    const disk = parseSize(this.disk);
    if (disk !== null) needs.disk = disk;
    if (this.estimateMs !== null) needs.estimated_ms = this.estimateMs;
    return needs;
  });

  get retry(): RetryPolicy | null {
    if (this.retries.trim() === "" && this.delayMs === null && this.retryReasons === null) return null;
    return {
      limit: this.retries.trim() === "" ? 3 : Number(this.retries),
      ...(this.delayMs === null ? {} : { delay_ms: this.delayMs }),
      ...(this.retryReasons === null ? {} : { reasons: this.retryReasons }),
    };
  }

  get dependencies(): Dependency[] {
    return this.after.map(({ uid, when }) => (when === "success" ? { uid } : { uid, when }));
  }

  readonly argv = $derived(this.shell || !this.split.ok ? this.command.trim() : this.split.argv);

  experiment(): NewExperiment | null {
    const cwd = this.cwd;
    if (cwd === null || this.command.trim() === "" || (!this.shell && (!this.split.ok || this.split.argv.length === 0))) return null;
    const text = (value: string) => value.trim();
    const set = Object.fromEntries(this.variables.filter((it) => text(it.name) !== "").map((it) => [text(it.name), it.value]));
    const { requirements, retry, labels } = this;
    const made: NewExperiment = { command: this.argv, cwd, priority: this.priority };
    if (this.project !== null) made.project = this.project.name;
    if (text(this.name) !== "") made.name = text(this.name);
    if (text(this.group) !== "") made.group = text(this.group);
    if (text(this.configPath) !== "") made.config_path = text(this.configPath);
    if (this.configEdited || (this.mode === "copy" && this.configRead !== null)) made.config_text = this.configText;
    if (Object.keys(requirements).length > 0) made.requirements = requirements;
    if (this.after.length > 0) made.after = this.dependencies;
    if (this.after.length > 0 && this.waitForFailed) made.wait_for_failed = true;
    if (this.hold) made.hold = true;
    const notBefore = moment(this.notBefore);
    if (notBefore !== null) made.not_before = notBefore;
    if (this.window !== "") made.window = this.window;
    const startBy = moment(this.startBy);
    if (startBy !== null) made.start_by = startBy;
    if (retry !== null) made.retry = retry;
    if (this.limitMs !== null) made.time_limit_ms = this.limitMs;
    if (this.graceMs !== null) made.grace_ms = this.graceMs;
    if (Object.keys(set).length > 0) made.set = set;
    if (labels.length > 0) made.tags = labels;
    if (text(this.notes) !== "") made.notes = text(this.notes);
    if (text(this.key) !== "") made.key = text(this.key);
    return made;
  }

  readonly sweep = $derived.by((): Sweep | null => {
    const axes: Axis[] = this.axes.map((it) => ({ key: it.key.trim(), values: axisValues(it.values) })).filter((it) => it.key !== "" && it.values.length > 0);
    if (axes.length === 0) return null;
    const points = Number(this.random);
    return { axes, ...(points > 0 ? { mode: { kind: "random" as const, count: points, seed: 0 } } : {}) };
  });

  /** What differs from what is there: nothing else is sent, so that nothing else is changed. */
  changes(): EditExperiment | null {
    const detail = this.detail;
    if (detail === null) return null;
    const it = detail.experiment;
    const change: EditExperiment = { uid: it.uid };
    if (this.name.trim() !== it.name && this.name.trim() !== "") change.name = this.name.trim();
    if (differs(this.labels, it.tags)) change.tags = this.labels;
    if (this.notes !== detail.notes) change.notes = this.notes;
    if (this.mode === "notes") return change;
    if (differs(this.argv, it.command)) change.command = this.argv;
    if (this.cwd !== null && this.cwd !== it.cwd) change.cwd = this.cwd;
    if (this.priority !== it.priority) change.priority = this.priority;
    if ((this.group.trim() || null) !== it.group) change.group = this.group.trim() || null;
    if (differs(this.requirements, given(it.requirements))) change.requirements = this.requirements;
    const before = detail.after.map(({ uid, when }) => [uid, when]);
    if (differs(this.after.map(({ uid, when }) => [uid, when]), before)) change.after = this.dependencies;
    if (this.waitForFailed !== detail.wait_for_failed) change.wait_for_failed = this.waitForFailed;
    if (localText(it.not_before) !== this.notBefore) change.not_before = moment(this.notBefore);
    if ((this.window || null) !== it.window) change.window = this.window || null;
    if (localText(it.start_by) !== this.startBy) change.start_by = moment(this.startBy);
    if (!(this.retry === null && isUsual(detail.retry)) && differs(this.retry, shortened(detail.retry))) change.retry = this.retry;
    if (this.limitMs !== it.time_limit_ms) change.time_limit_ms = this.limitMs;
    if ((this.graceMs ?? DEFAULT_GRACE_MS) !== detail.grace_ms) change.grace_ms = this.graceMs ?? DEFAULT_GRACE_MS;
    if (this.configEdited) change.config_text = this.configText;
    const set = Object.fromEntries(this.variables.filter((one) => one.name.trim() !== "").map((one) => [one.name.trim(), one.value === "" ? null : one.value]));
    if (Object.keys(set).length > 0) change.set = set;
    return change;
  }

  // What a closed part says.

  summary(part: Part): string {
    switch (part) {
      case "config":
        return this.configPath.trim() === "" ? "" : `${this.configPath}${this.configEdited ? ", edited here" : ""}`;
      case "needs":
        return [needsWords(this.requirements), this.estimateMs === null ? "" : `about ${duration(this.estimateMs)}`].filter((it) => it !== "").join(" · ") || "one slot";
      case "sweep": {
        const axes = this.sweep?.axes ?? [];
        return axes.length === 0 ? "" : axes.map((it) => `${it.key} × ${it.values.length}`).join(", ") + (this.parallel.trim() === "" ? "" : `, ${this.parallel} at once`);
      }
      case "when":
        return this.#when();
      case "failure":
        return this.#failure();
      case "environment": {
        const named = this.variables.filter((it) => it.name.trim() !== "");
        return named.length === 0 ? "" : named.length < 4 ? named.map((it) => it.name.trim()).join(", ") : plural(named.length, "variable");
      }
      case "more":
        return [this.labels.join(", "), this.notes.trim() === "" ? "" : "notes", this.key.trim() === "" ? "" : `key ${this.key.trim()}`].filter((it) => it !== "").join(" · ");
    }
  }

  #when(): string {
    const parts: string[] = [];
    if (this.hold) parts.push("held until you resume it");
    const [first] = this.after;
    if (first !== undefined) parts.push(this.after.length === 1 ? `after ${first.name}` : `after ${plural(this.after.length, "experiment")}`);
    if (this.notBefore !== "") parts.push(`not before ${this.notBefore.replace("T", " ")}`);
    if (this.window !== "") parts.push(`in “${this.window}”`);
    if (this.startBy !== "") parts.push(`by ${this.startBy.replace("T", " ")}`);
    return parts.join(" · ") || "as soon as there is room";
  }

  #failure(): string {
    const parts: string[] = [];
    if (this.retries.trim() !== "") parts.push(Number(this.retries) === 0 ? "no retry" : Number(this.retries) === 1 ? "1 retry" : `${count(Number(this.retries))} retries`);
    else parts.push("retried if it is lost");
    if (this.limitMs !== null) parts.push(`stopped after ${duration(this.limitMs)}`);
    return parts.join(" · ");
  }
}

/** Values of an axis as they are typed: commas or spaces between, quotes and brackets keep together. */
export function axisValues(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|'([^']*)'|(\[[^\]]*\])|([^\s,]+)/g)].map((it) => it[1] ?? it[2] ?? it[3] ?? it[4] ?? "").filter((it) => it !== "");
}

/** `experiments[0].requirements.gpus` is the form's `requirements.gpus`. */
export const plainField = (field: string | undefined): string => (field ?? "").replace(/^(experiments?(\[\d+\])?|jobs?(\[\d+\])?)\./, "");

const words = (text: string): string[] => text.split(",").map((it) => it.trim()).filter((it) => it !== "");

/** A moment as the field for date and time has it, in the user's zone. */
export function localText(at: number | null): string {
  if (at === null) return "";
  const date = new Date(at);
  const two = (number: number) => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

function moment(text: string): number | null {
  const at = text === "" ? NaN : new Date(text).getTime();
  return Number.isNaN(at) ? null : at;
}

/** A duration that `timeLimit` reads back as the same: "1h 30m", "45s". */
export function durationText(ms: number): string {
  const parts: string[] = [];
  let rest = Math.round(ms / 1_000);
  for (const [size, unit] of [[86_400, "d"], [3_600, "h"], [60, "min"], [1, "s"]] as const) {
    const whole = Math.floor(rest / size);
    if (whole > 0) parts.push(`${whole} ${unit}`);
    rest -= whole * size;
  }
  return parts.join(" ") || "0 s";
}

/** A policy as it would be typed. */
function shortened(it: RetryPolicy): RetryPolicy {
  const delay = it.delay_ms ?? USUAL_DELAY_MS;
  return { limit: it.limit, ...(delay === USUAL_DELAY_MS ? {} : { delay_ms: delay }), ...(it.reasons === undefined || it.reasons === null ? {} : { reasons: it.reasons }) };
}
const differs = (a: unknown, b: unknown): boolean => JSON.stringify(sorted(a)) !== JSON.stringify(sorted(b));
const sorted = (value: unknown): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => a.localeCompare(b))) : value;


// Runs in memory, for the engine of the tests: as much of the real index as the page can see.

import type { BestRun, Cell, Commands, GroupCell, Outcome, QueryCompletion, RunColumn, RunDetail, RunGroup, RunRow, RunStatus, SavedView, WatchFolder } from "../../src/lib/bindings";
import { CallError } from "../../src/lib/host/host";
import type { FakeEngine } from "./engine";
import { chartAnswers } from "./charts";
import { mediaAnswers } from "./media";

export type FakeRun = {
  row: Omit<RunRow, "cells">;
  config: Record<string, Cell>;
  /** Values by step, 1, 2, 3 and so on. */
  metrics: Record<string, readonly number[]>;
  detail?: Partial<RunDetail>;
};

export function aRun(uid: string, more: Partial<RunRow> = {}, config: FakeRun["config"] = {}, metrics: FakeRun["metrics"] = {}): FakeRun {
  const steps = Math.max(0, ...Object.values(metrics).map((it) => it.length));
  const points = Object.values(metrics).reduce((sum, it) => sum + it.length, 0);
  const colour = [...uid].reduce((sum, it) => sum + it.charCodeAt(0), 0) % 6;
  return {
    row: { uid, name: uid, status: "completed", project: null, group: null, format: "csv", label: "CSV", started: 1_000, finished: 60_000, changed: 60_000, steps, total_steps: null, points, tags: [], notes: "", folder: `/data/runs/${uid}`, part: "", experiment: null, attempt: null, missing: false, colour, ...more },
    config,
    metrics,
  };
}

const GOALS: [RegExp, "min" | "max"][] = [[/loss|err/, "min"], [/acc|f1|reward|return|iou/, "max"]];
const goalOf = (key: string) => GOALS.find(([like]) => like.test(key))?.[1] ?? null;

function stat(values: readonly number[], name: string): Cell {
  if (values.length === 0) return null;
  const least = Math.min(...values);
  const most = Math.max(...values);
  const sorted = [...values].sort((a, b) => a - b);
  switch (name) {
    case "min":
      return least;
    case "max":
      return most;
    case "mean":
      return values.reduce((sum, it) => sum + it, 0) / values.length;
    case "median":
      return sorted[sorted.length >> 1] ?? null;
    case "min_step":
      return values.indexOf(least) + 1;
    case "max_step":
      return values.indexOf(most) + 1;
    case "last_step":
    case "count":
      return values.length;
    default:
      return values.at(-1) ?? null;
  }
}

export class FakeRuns {
  views: SavedView[] = [];
  folders: WatchFolder[] = [];
  revision = 1;
  #by = new Map<string, FakeRun>();

  constructor(
    readonly engine: FakeEngine,
    public runs: FakeRun[] = [],
  ) {
    Object.assign(engine.answers, this.#commands, mediaAnswers(this), chartAnswers(this));
  }

  get(uid: string): FakeRun {
    if (this.#by.size !== this.runs.length) this.#by = new Map(this.runs.map((it) => [it.row.uid, it]));
    const found = this.#by.get(uid);
    if (found === undefined) throw new CallError({ code: "not_found", message: `There is no run ${uid}.` });
    return found;
  }

  has(uid: string): boolean {
    return this.runs.some((it) => it.row.uid === uid);
  }

  /** Tells the page that runs changed; with `structure`, that some came or went. */
  tell(uids: string[], structure = false): void {
    this.revision += 1;
    this.engine.push({ kind: "runs_update", uids, structure, revision: this.revision });
  }

  cell(run: FakeRun, id: string): Cell {
    if (id.startsWith("config.")) return run.config[id.slice(7)] ?? null;
    if (id.startsWith("metrics.")) {
      const at = id.lastIndexOf(".");
      return stat(run.metrics[id.slice(8, at)] ?? [], id.slice(at + 1));
    }
    const { row } = run;
    if (id === "duration") return row.started === null || row.finished === null ? null : row.finished - row.started;
    if (id === "host") return "workstation";
    if (id === "commit") return "4f1c2ab09d3e";
    const value = (row as unknown as Record<string, unknown>)[id];
    return value === undefined ? null : Array.isArray(value) ? value.join(", ") : (value as Cell);
  }

  #row = (run: FakeRun, columns: readonly string[]): RunRow => ({ ...run.row, cells: columns.map((it) => this.cell(run, it)) });

  /** Conditions joined by `and`, and words alone: enough for the page. */
  matching(query: string): FakeRun[] {
    const wanted = query.trim();
    if (wanted === "") return this.runs;
    const tests = wanted.split(/\s+and\s+/i).map((part) => {
      const found = /^(.+?)\s*(!=|>=|<=|=|>|<|~|:)\s*(.+)$/.exec(part.replace(/^\(|\)$/g, ""));
      if (found === null) {
        const words = part.replaceAll('"', "").toLowerCase().split(/\s+/);
        return (run: FakeRun) => words.every((word) => `${run.row.name} ${run.row.notes} ${run.row.tags.join(" ")}`.toLowerCase().includes(word));
      }
      const [, left = "", operator = "=", right = ""] = found;
      const id = left === "tag" ? "tags" : left.startsWith("metrics.") && !/\.(last|min|max|mean|median|count|\w+_step)$/.test(left) ? `${left}.last` : left;
      const text = right.replace(/^"|"$/g, "");
      const number = Number(text);
      return (run: FakeRun) => {
        const cell = this.cell(run, id);
        if (cell === null) return false;
        if (operator === "~" || operator === ":") return String(cell).toLowerCase().includes(text.toLowerCase());
        if (operator === "=") return typeof cell === "number" ? cell === number : String(cell) === text;
        if (operator === "!=") return String(cell) !== text;
        const value = Number(cell);
        return operator === ">" ? value > number : operator === "<" ? value < number : operator === ">=" ? value >= number : value <= number;
      };
    });
    return this.runs.filter((run) => tests.every((test) => test(run)));
  }

  #sorted(runs: readonly FakeRun[], sort: readonly { column: string; descending: boolean }[] = []): FakeRun[] {
    const order = sort.length === 0 ? [{ column: "started", descending: true }] : sort;
    return [...runs].sort((a, b) => {
      for (const { column, descending } of order) {
        const [x, y] = [this.cell(a, column), this.cell(b, column)];
        if (x === y) continue;
        if (x === null) return 1;
        if (y === null) return -1;
        return (x < y ? -1 : 1) * (descending ? -1 : 1);
      }
      return 0;
    });
  }

  #columns(query: string): RunColumn[] {
    const runs = this.matching(query);
    const columns: RunColumn[] = ["name", "status", "project", "tags", "notes", "started", "finished", "duration", "steps", "points", "folder", "format", "host", "commit", "group", "changed", "experiment"].map((id) => ({ id, kind: "field", label: id, runs: runs.length, constant: false, numeric: false, goal: null }));
    const settings = new Map<string, { values: Set<Cell>; runs: number }>();
    const metrics = new Map<string, number>();
    for (const run of runs) {
      for (const [key, value] of Object.entries(run.config)) {
        const known = settings.get(key) ?? { values: new Set<Cell>(), runs: 0 };
        known.values.add(value);
        known.runs += 1;
        settings.set(key, known);
      }
      for (const key of Object.keys(run.metrics)) metrics.set(key, (metrics.get(key) ?? 0) + 1);
    }
    for (const [key, { values, runs: has }] of settings) columns.push({ id: `config.${key}`, kind: "config", label: key, runs: has, constant: values.size === 1 && has === runs.length, numeric: [...values].every((it) => typeof it === "number"), goal: null });
    for (const [key, has] of metrics) columns.push({ id: `metrics.${key}.last`, kind: "metric", label: key, runs: has, constant: false, numeric: true, goal: goalOf(key) });
    return columns;
  }

  #groups(query: string, by: readonly string[], columns: readonly string[]): RunGroup[] {
    const found = new Map<string, FakeRun[]>();
    for (const run of this.matching(query)) {
      const key = JSON.stringify(by.map((it) => this.cell(run, it)));
      found.set(key, [...(found.get(key) ?? []), run]);
    }
    return [...found]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, runs]) => {
        const values = JSON.parse(key) as Cell[];
        const status: Partial<Record<RunStatus, number>> = {};
        for (const { row } of runs) status[row.status] = (status[row.status] ?? 0) + 1;
        const cells = columns.map((id): GroupCell => {
          const numbers = runs.map((it) => this.cell(it, id)).filter((it): it is number => typeof it === "number");
          if (numbers.length === 0) return { mean: null, deviation: null, min: null, max: null, count: 0 };
          const mean = numbers.reduce((sum, it) => sum + it, 0) / numbers.length;
          const deviation = numbers.length < 2 ? null : Math.sqrt(numbers.reduce((sum, it) => sum + (it - mean) ** 2, 0) / (numbers.length - 1));
          return { mean, deviation, min: Math.min(...numbers), max: Math.max(...numbers), count: numbers.length };
        });
        const narrow = by.map((it, i) => `${it} = ${JSON.stringify(values[i])}`).join(" and ");
        return { values, count: runs.length, status, cells, query: query.trim() === "" ? narrow : `${query} and ${narrow}` };
      });
  }

  #complete(query: string, cursor: number): QueryCompletion {
    const before = query.slice(0, cursor);
    if (before.endsWith("tag:")) {
      const tags = [...new Set(this.runs.flatMap((it) => it.row.tags))].sort();
      return { from: cursor, to: cursor, items: tags.map((tag) => ({ insert: tag, label: tag, kind: "value", detail: "" })), error: null };
    }
    const word = /[\w./"-]*$/.exec(before)?.[0] ?? "";
    const ids = [...new Set(this.#columns("").map((it) => it.id.replace(/^(metrics\..*)\.last$/, "$1")))];
    const items = ids.filter((it) => it.toLowerCase().includes(word.toLowerCase())).slice(0, 12).map((id) => ({ insert: id, label: id, kind: id.startsWith("config.") ? ("config" as const) : id.startsWith("metrics.") ? ("metric" as const) : ("field" as const), detail: id.startsWith("metrics.") ? "last" : "" }));
    const bad = /\b(statu|nme|projct)\b/.exec(query);
    return { from: cursor - word.length, to: cursor, items: word === "" && before.trim() !== "" && !/[=><~:]\s*$|\band\s+$/.test(before) ? [] : items, error: bad === null ? null : { at: bad.index, length: bad[0].length, message: `There is no field “${bad[0]}”. Did you mean “status”?` } };
  }

  #outcomes(uids: readonly string[], change: (run: FakeRun) => void): { outcomes: Outcome[] } {
    for (const uid of uids) change(this.get(uid));
    return { outcomes: uids.map((uid) => ({ uid, experiment: null, error: null })) };
  }

  readonly #commands: { [M in keyof Commands]?: (input: Commands[M]["input"]) => Commands[M]["output"] } = {
    "runs.list": ({ query = "", sort, columns = [], offset = 0, limit }) => {
      const found = this.#sorted(this.matching(query), sort);
      return { rows: found.slice(offset, offset + limit).map((it) => this.#row(it, columns)), total: found.length, all: this.runs.length, revision: this.revision };
    },
    "runs.rows": ({ uids, columns = [] }) => ({ rows: this.runs.filter((it) => uids.includes(it.row.uid)).map((it) => this.#row(it, columns)) }),
    "runs.columns": ({ query = "" }) => ({ columns: this.#columns(query), total: this.matching(query).length }),
    "runs.best": ({ query = "", columns }) => ({
      best: columns.flatMap((column): BestRun[] => {
        const goal = goalOf(column);
        if (goal === null) return [];
        const ranked = this.matching(query)
          .map((it) => ({ uid: it.row.uid, value: this.cell(it, column) }))
          .filter((it): it is { uid: string; value: number } => typeof it.value === "number")
          .sort((a, b) => (goal === "min" ? a.value - b.value : b.value - a.value));
        return ranked[0] === undefined ? [] : [{ column, ...ranked[0] }];
      }),
    }),
    "runs.complete": ({ query, cursor }) => this.#complete(query, cursor),
    "runs.group": ({ query = "", by, columns = [], sort = [] }) => {
      for (const { column } of sort) if (!by.includes(column) && !columns.includes(column)) throw new CallError({ code: "invalid_input", message: `groups can’t be sorted by ${column}, which is no column of theirs`, field: "sort" });
      const groups = this.#groups(query, by, columns);
      return { groups, total: groups.length };
    },
    "runs.get": ({ uid }) => {
      const { row, config, metrics, detail } = this.get(uid);
      return {
        run: { ...row, cells: [] },
        metrics: Object.entries(metrics).map(([key, values]) => ({ key, points: values.length, last: stat(values, "last") as number, last_step: values.length, min: stat(values, "min") as number, min_step: stat(values, "min_step") as number, max: stat(values, "max") as number, max_step: stat(values, "max_step") as number, mean: stat(values, "mean") as number, median: stat(values, "median") as number, not_finite: 0, goal: goalOf(key) })),
        config: Object.entries(config).map(([key, value]) => ({ key, value })),
        files: [{ path: `${row.folder}/metrics.csv`, role: "metrics", format: "csv", size: 48_211, modified: row.changed, problems: [], refused: null, exists: !row.missing }],
        media: [],
        checkpoints: [],
        logs: [],
        host: "workstation",
        commit: "4f1c2ab09d3e",
        watch: "/data/runs",
        folder_problem: null,
        ...detail,
      };
    },
    "files.list": () => ({ entries: [{ name: "train.log", kind: "file", size: 482_113, modified: 1_000, link: false }, { name: "metrics.csv", kind: "file", size: 48_211, modified: 1_000, link: false }], total: 2 }),
    "files.read": ({ path }) => {
      const text = Array.from({ length: 40 }, (_, i) => `${path} epoch ${i + 1} loss ${(2 / (i + 1)).toFixed(4)} lr 3e-4`).join("\n") + "\n";
      return { text, start: 0, next: text.length, state: { size: text.length, modified: 1_000, identity: "1", grows: false } as never };
    },
    "files.follow": ({ path }) => ({ size: path.length, modified: 1_000, identity: "1", grows: false }) as never,
    "files.seek": () => ({ lines: 0, at: 0 }) as never,
    "runs.edit": ({ uids, tags_add = [], tags_remove = [], notes }) => {
      const done = this.#outcomes(uids, (run) => {
        run.row.tags = [...new Set([...run.row.tags.filter((it) => !tags_remove.includes(it)), ...tags_add])];
        if (notes !== undefined) run.row.notes = notes;
      });
      this.tell(uids);
      return done;
    },
    "runs.remove": ({ uids }) => {
      const done = this.#outcomes(uids, () => {});
      this.runs = this.runs.filter((it) => !uids.includes(it.row.uid));
      this.tell([], true);
      return done;
    },
    "runs.plan_removal": ({ uid }) => ({ name: this.get(uid).row.name, folder: this.get(uid).row.folder, files: [`${this.get(uid).row.folder}/metrics.csv`], count: 4, size: 48_211_000 }),
    "runs.views": () => ({ views: this.views }),
    "runs.save_view": (view) => ({ views: (this.views = [...this.views.filter((it) => it.name !== view.name), view]) }),
    "runs.delete_view": ({ name }) => ({ views: (this.views = this.views.filter((it) => it.name !== name)) }),
    "runs.export": ({ query = "", uids, columns }) => {
      const runs = this.#sorted(this.matching(query)).filter((it) => uids === undefined || uids.includes(it.row.uid));
      return { text: [`| ${columns.join(" | ")} |`, ...runs.map((run) => `| ${columns.map((id) => String(this.cell(run, id))).join(" | ")} |`)].join("\n"), base64: null, rows: runs.length };
    },
    "runs.spark": ({ uids, key, width }) => ({
      lines: uids.map((uid) => {
        const values = this.get(uid).metrics[key] ?? [];
        const [low, high] = [Math.min(...values), Math.max(...values)];
        const every = Math.max(1, Math.floor(values.length / width));
        return { uid, pieces: [values.flatMap((value, i): [number, number][] => (i % every === 0 ? [[values.length < 2 ? 0 : i / (values.length - 1), high === low ? 0.5 : (value - low) / (high - low)]] : []))] };
      }),
    }),
    "watch.list": () => ({ folders: this.folders }),
    "watch.add": ({ path, project, pattern }) => {
      this.folders = [...this.folders, { id: this.folders.length + 1, path, project: project ?? null, pattern: pattern ?? null, added_at: this.engine.now(), runs: 0, looking: true, progress: { folders: 12, files: 340, read: 81, runs: 7, bytes: 4_210_000 }, looked_at: null, followed: null, problems: [], problem_count: 0 }];
      this.tell([], true);
      return { folders: this.folders };
    },
    "watch.remove": ({ id }) => {
      this.folders = this.folders.filter((it) => it.id !== id);
      this.tell([], true);
      return { folders: this.folders };
    },
    "watch.look": ({ id }) => {
      this.folders = this.folders.map((it) => (it.id === id ? { ...it, looking: true, progress: { folders: 1, files: 4, read: 1, runs: 0, bytes: 1_000 } } : it));
      this.tell([], true);
      return { folders: this.folders };
    },
  };
}

/** Runs to look at: a sweep, its seeds, some that failed, and many more. */
export function someRuns(now: number, many: number): FakeRun[] {
  const MIN = 60_000;
  const HOUR = 60 * MIN;
  const noise = (i: number) => Math.sin(i * 12.9898) * 0.5 + Math.sin(i * 78.233) * 0.5;
  const course = (from: number, to: number, steps: number, seed: number, rough: number) => Array.from({ length: steps }, (_, i) => to + (from - to) * Math.exp((-(3.5 + (seed % 7) / 2) * i) / 100) + noise(i + seed * 101) * rough);
  let named = -1;
  const vit = (uid: string, name: string, status: RunStatus, steps: number, best: number, config: Record<string, Cell>, more: Partial<RunRow> = {}): FakeRun => {
    const seed = uid.charCodeAt(3) + uid.charCodeAt(4) + uid.charCodeAt(5);
    return aRun(
      uid,
      { name, status, colour: (named += 1) % 6, project: "vit-distill", format: "lightning", label: "Lightning", total_steps: 100, folder: `/home/user/src/vit-distill/runs/${name.replace(/\W+/g, "-")}`, started: now - 11 * HOUR, finished: status === "running" ? null : now - 2 * HOUR, changed: now - MIN, ...more },
      { "model.name": "vit_s16", "optim.name": "adamw", "optim.betas": "[0.9, 0.999]", epochs: 100, batch_size: 256, "augment.mixup": true, ...config },
      { "val/acc": course(0.02, best, steps, seed, 0.008), "val/loss": course(6.2, 2.2 - best, steps, seed, 0.05), "train/loss": course(6.9, 1.9 - best, steps, seed, 0.12), "grad norm": course(4, 0.7, steps, seed, 0.3), lr: Array.from({ length: steps }, (_, i) => 1.5e-4 * (1 + Math.cos((Math.PI * i) / 100))), throughput: course(3.2, 3.1, steps, seed, 0.2), epoch: Array.from({ length: steps }, (_, i) => i + 1) },
    );
  };
  const first = [
    vit("r7k2m9qa1bc", "vit-s16 distill kd=0.7", "running", 71, 0.8231, { lr: 3e-4, kd: 0.7, seed: 1 }, { tags: ["baseline"], started: now - 11 * HOUR - 2 * MIN, experiment: "20261121_7e00", attempt: 1, notes: "Temperature 4, the teacher's logits from the store." }),
    vit("r3hx8wn2pd4", "vit-s16 distill kd=0.5", "running", 64, 0.8174, { lr: 3e-4, kd: 0.5, seed: 1 }),
    vit("rq5t1zv6ye7", "vit-s16 distill kd=0.3", "completed", 100, 0.8119, { lr: 3e-4, kd: 0.3, seed: 1 }, { started: now - 70 * HOUR, finished: now - 55 * HOUR }),
    vit("rb8c4js9kf2", "vit-s16 no distill", "completed", 98, 0.7902, { lr: 3e-4, kd: 0, seed: 1 }, { tags: ["baseline"], started: now - 94 * HOUR, finished: now - 79 * HOUR }),
    vit("rn6d2gm3xh5", "vit-s16 no distill seed 2", "completed", 99, 0.7887, { lr: 3e-4, kd: 0, seed: 2 }, { started: now - 95 * HOUR, finished: now - 80 * HOUR }),
    vit("rz1p7yr4tw8", "vit-s16 distill lr 1e-3", "failed", 12, 0.612, { lr: 1e-3, kd: 0.7, seed: 1 }, { started: now - 98 * HOUR, finished: now - 96.1 * HOUR, notes: "Diverged after warm-up." }),
    vit("rv4f9ua5qj6", "vit-b16 distill kd=0.7", "stale", 31, 0.7714, { lr: 3e-4, kd: 0.7, seed: 1, "model.name": "vit_b16" }, { started: now - 130 * HOUR, finished: null, changed: now - 122 * HOUR }),
    vit("rm0s3el7ob9", "vit-s16 distill cosine", "cancelled", 40, 0.7655, { lr: 3e-4, kd: 0.7, seed: 1, schedule: "cosine" }, { started: now - 140 * HOUR, finished: now - 138 * HOUR, tags: ["schedule", "ablation", "warmup"] }),
  ];
  const [open] = first;
  if (open !== undefined) {
    const folder = open.row.folder;
    open.detail = {
      files: [
        { path: `${folder}/metrics.csv`, role: "metrics", format: "lightning", size: 1_204_211, modified: now - MIN, problems: [], refused: null, exists: true },
        { path: `${folder}/hparams.yaml`, role: "config", format: "hparams", size: 1_802, modified: now - 11 * HOUR, problems: [{ place: "line 14", message: "The value of “sampler” is no plain value and was left out." }], refused: null, exists: true },
        { path: `${folder}/events.out.tfevents.1763700000.host.4711.0`, role: "copy", format: "tensorboard", size: 48_120_332, modified: now - MIN, problems: [], refused: null, exists: true },
        { path: `${folder}/old/metrics.csv`, role: "metrics", format: "csv", size: 0, modified: now - 12 * HOUR, problems: [], refused: "It is larger than 4 GiB.", exists: false },
      ],
      media: [{ kind: "images", key: "val/attention", count: 71 }, { kind: "histograms", key: "grad/blocks.11", count: 71 }],
      checkpoints: [
        { path: `${folder}/checkpoints/epoch=70.ckpt`, size: 88_402_112, modified: now - 6 * MIN, step: 70, kind: "ckpt" },
        { path: `${folder}/checkpoints/epoch=60.ckpt`, size: 88_402_112, modified: now - 96 * MIN, step: 60, kind: "ckpt" },
        { path: `${folder}/checkpoints/last.ckpt`, size: 88_402_112, modified: now - 6 * MIN, step: null, kind: "ckpt" },
      ],
      logs: [{ path: `${folder}/train.log`, size: 482_113 }, { path: `${folder}/stderr.txt`, size: 1_204 }],
    };
  }
  const rest = Array.from({ length: many }, (_, i) => {
    const steps = 12;
    const status: RunStatus = i % 17 === 0 ? "failed" : i % 29 === 0 ? "cancelled" : "completed";
    return aRun(
      `r${(i + 0x9000).toString(32).padStart(10, "a")}`,
      { name: `unet++ lr=${["1e-3", "3e-4", "1e-4"][i % 3]} seed=${i}`, status, project: "segmentation", group: `sweep ${Math.floor(i / 50)}`, started: now - 150 * HOUR - i * 11 * MIN, finished: now - 150 * HOUR - i * 11 * MIN + (20 + (i % 40)) * MIN, tags: i % 11 === 0 ? ["sweep"] : [] },
      { lr: [1e-3, 3e-4, 1e-4][i % 3] ?? 0, seed: i, "model.name": "unetpp", epochs: 12 },
      { "val/iou": course(0.2, 0.7 + (i % 90) / 1_000, steps, i, 0.01), "train/loss": course(1.4, 0.19 + (i % 40) / 400, steps, i, 0.03) },
    );
  });
  return [...first, ...rest];
}

export function someFolders(now: number): WatchFolder[] {
  const none = { folders: 0, files: 0, read: 0, runs: 0, bytes: 0 };
  const monitor = { files: "metrics" as const, experiments: [], polled: 0 };
  const problem = { line: null, byte: null, more: 0 };
  return [
    {
      id: 1,
      path: "/home/user/src/vit-distill/runs",
      project: "vit-distill",
      pattern: null,
      added_at: now - 9 * 86_400_000,
      runs: 8,
      looking: false,
      progress: none,
      looked_at: now - 180_000,
      followed: { ...monitor, folder: "/home/user/src/vit-distill/runs", mode: "events", reason: null, folders: 31 },
      problems: [
        { ...problem, path: "broken/metrics.csv", line: 2_041, message: "it has 7 values, and the head has 9 names", more: 12 },
        { ...problem, path: "old/events.out.tfevents.1700000000.host", byte: 48_211, message: "the checksum of the record is wrong" },
        { ...problem, path: "private", message: "the folder may not be read: permission denied" },
      ],
      problem_count: 3,
    },
    {
      id: 2,
      path: "/mnt/nfs/datasets/shared/experiments",
      project: null,
      pattern: null,
      added_at: now - 3_600_000,
      runs: 1_276,
      looking: true,
      progress: { folders: 4_120, files: 61_204, read: 2_310, runs: 1_276, bytes: 3_812_000_000 },
      looked_at: null,
      followed: { ...monitor, folder: "/mnt/nfs/datasets/shared/experiments", mode: "polling", reason: "It lies on NFS, where the kernel does not tell what other machines write.", folders: 4_120, polled: 4_120 },
      problems: [],
      problem_count: 0,
    },
  ];
}

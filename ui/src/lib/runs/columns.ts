// What a column of the table of runs is: read off its id, and how it is headed, aligned and placed.
//
// An id is the engine's (`name`, `config.lr`, `metrics.val/acc.max`), or `spark.KEY` for the small picture of a metric's
// course, which is the window's own and never asked for as a cell.

import type { RunColumn, RunSort } from "../bindings";
import { isBookkeeping } from "../util/metrics";

export const STATS = ["last", "min", "max", "mean", "median", "min_step", "max_step", "last_step", "count"] as const;
export type Stat = (typeof STATS)[number];

export const STAT_WORDS: Record<Stat, string> = {
  last: "last",
  min: "min",
  max: "max",
  mean: "mean",
  median: "median",
  min_step: "step of min",
  max_step: "step of max",
  last_step: "last step",
  count: "points",
};

/** The fields of a run, in the order in which they are offered. */
export const FIELDS: Record<string, { label: string; width: number; number?: boolean }> = {
  name: { label: "Run", width: 230 },
  status: { label: "Status", width: 112 },
  project: { label: "Project", width: 130 },
  group: { label: "Group", width: 130 },
  tags: { label: "Tags", width: 140 },
  notes: { label: "Notes", width: 200 },
  started: { label: "Started", width: 92, number: true },
  finished: { label: "Finished", width: 92, number: true },
  changed: { label: "Changed", width: 92, number: true },
  duration: { label: "Duration", width: 92, number: true },
  steps: { label: "Steps", width: 84, number: true },
  points: { label: "Points", width: 84, number: true },
  format: { label: "Format", width: 120 },
  folder: { label: "Folder", width: 260 },
  host: { label: "Host", width: 110 },
  commit: { label: "Commit", width: 92 },
  experiment: { label: "Experiment", width: 140 },
};

export type Column =
  | { kind: "field"; id: string }
  | { kind: "config"; id: string; key: string }
  | { kind: "metric"; id: string; key: string; stat: Stat }
  | { kind: "spark"; id: string; key: string };

const isStat = (word: string): word is Stat => (STATS as readonly string[]).includes(word);

export function columnOf(id: string): Column {
  if (id.startsWith("config.")) return { kind: "config", id, key: id.slice(7) };
  if (id.startsWith("spark.")) return { kind: "spark", id, key: id.slice(6) };
  if (id.startsWith("metrics.")) {
    const rest = id.slice(8);
    const at = rest.lastIndexOf(".");
    const word = rest.slice(at + 1);
    return at > 0 && isStat(word) ? { kind: "metric", id, key: rest.slice(0, at), stat: word } : { kind: "metric", id, key: rest, stat: "last" };
  }
  return { kind: "field", id };
}

export const metricId = (key: string, stat: Stat): string => `metrics.${key}.${stat}`;

/** How a column is headed: what it is of, and of a metric which of its numbers. */
export function headOf(id: string): { label: string; detail: string } {
  const column = columnOf(id);
  if (column.kind === "field") return { label: FIELDS[id]?.label ?? id, detail: "" };
  if (column.kind === "metric") return { label: column.key, detail: column.stat === "last" ? "" : STAT_WORDS[column.stat] };
  return { label: column.key, detail: "" };
}

export const labelOf = (id: string): string => {
  const { label, detail } = headOf(id);
  return columnOf(id).kind === "spark" ? `${label}, course` : detail === "" ? label : `${label} ${detail}`;
};

/** Numbers stand at the right, so that they can be compared. */
export function isNumber(id: string, known: ReadonlyMap<string, RunColumn>): boolean {
  const column = columnOf(id);
  if (column.kind === "metric") return true;
  if (column.kind === "config") return known.get(id)?.numeric ?? false;
  return column.kind === "field" && FIELDS[id]?.number === true;
}

export const sortable = (id: string): boolean => columnOf(id).kind !== "spark";

/** So many columns can be sorted by at once. */
const MOST_KEYS = 4;
const LEAST = 56;
const MOST = 800;
export const within = (width: number): number => Math.min(Math.max(Math.round(width), LEAST), MOST);

export function widthOf(id: string, number: boolean): number {
  const column = columnOf(id);
  if (column.kind === "field") return FIELDS[id]?.width ?? 120;
  if (column.kind === "spark") return 104;
  const { label, detail } = headOf(id);
  const words = label.length + (detail === "" ? 0 : detail.length + 1);
  return Math.min(Math.max(Math.round(words * 6.5) + 36, number ? 76 : 96), 200);
}

export type Placed = { id: string; width: number; number: boolean; pinned: boolean; /** From the left edge, px. */ left: number };

/** The first part of each row: the box that chooses it. */
export const GUTTER = 38;

/**
 * The columns as they stand.
 *
 * - The name comes first, then what is pinned, then the rest, each in the order that was chosen.
 * - Room that is left goes to the name, and a little that is missing comes from it, unless its width was chosen.
 */
export function placed(columns: readonly string[], look: { pinned: readonly string[]; widths: Readonly<Record<string, number>>; known: ReadonlyMap<string, RunColumn>; room: number; /** There are groups, whose numbers have deviations. */ grouped?: boolean }): Placed[] {
  const rest = columns.filter((it) => it !== "name");
  const pinned = new Set(look.pinned);
  const order = ["name", ...rest.filter((it) => pinned.has(it)), ...rest.filter((it) => !pinned.has(it))];
  const sized = order.map((id) => {
    const number = isNumber(id, look.known);
    const usual = widthOf(id, number);
    const width = look.grouped === true && columnOf(id).kind === "metric" ? Math.max(usual, 136) : usual;
    return { id, number, width: look.widths[id] ?? width, pinned: id === "name" || pinned.has(id), left: 0 };
  });
  const first = sized[0];
  const total = sized.reduce((sum, it) => sum + it.width, GUTTER);
  if (first !== undefined && look.widths["name"] === undefined) {
    // In a narrow window what is pinned must not be all that is seen.
    if (look.room > 0 && look.room < 720) first.width = Math.max(130, Math.round(look.room * (look.grouped === true ? 0.38 : 0.3)));
    // A little too much is taken from it, so that nothing is cut at the edge; much too much is scrolled to.
    else if (look.room - total >= 0 || total - look.room <= 50) first.width += Math.min(look.room - total, 220);
  }
  let left = GUTTER;
  for (const it of sized) {
    it.left = left;
    left += it.width;
  }
  return sized;
}

/** One column moved next to another, as by dragging its head. */
export function moved(columns: readonly string[], id: string, to: number): string[] {
  const rest = columns.filter((it) => it !== id);
  rest.splice(Math.min(Math.max(to, 0), rest.length), 0, id);
  return rest;
}

/** The next order for a click on a head: up, down, and off again; with shift it is a further key. */
export function sorted(sort: readonly RunSort[], id: string, further: boolean, startDown: boolean): RunSort[] {
  const now = sort.find((it) => it.column === id);
  const alone = sort.length === 1;
  const next: RunSort | null = now === undefined ? { column: id, descending: startDown } : now.descending === startDown ? { column: id, descending: !startDown } : null;
  if (!further) return next === null && alone ? [] : [next ?? { column: id, descending: startDown }];
  // The engine sorts by four at most: the last key gives way.
  return next === null ? sort.filter((it) => it.column !== id) : now === undefined ? [...sort.slice(0, MOST_KEYS - 1), next] : sort.map((it) => (it.column === id ? next : it));
}

/**
 * What is shown before anybody has chosen: what tells runs apart.
 *
 * - Of metrics at most three: those with a goal first, then by how many runs have them; what only counts is no result.
 * - Of settings at most four, only such as differ and more than one run has: what people turn most often first, then
 *   by how many runs have them, then the shorter name.
 */
export function chosenFor(columns: readonly RunColumn[]): string[] {
  const metrics = columns
    .filter((it) => it.kind === "metric")
    .map((it) => ({ ...it, key: keyOf(it) }))
    .filter((it) => !isBookkeeping(it.key))
    .sort((a, b) => Number(b.goal !== null) - Number(a.goal !== null) || b.runs - a.runs);
  const keys = [...new Set(metrics.map((it) => it.key))].slice(0, 3);
  const usual = (it: RunColumn) => Number(/(^|\.)(lr|learning_rate|batch_size|seed|model|optimi[sz]er|epochs)$/.test(it.label));
  const settings = columns
    .filter((it) => it.kind === "config" && !it.constant && it.runs > 1)
    .sort((a, b) => usual(b) - usual(a) || b.runs - a.runs || a.label.length - b.label.length);
  const goal = new Map(metrics.map((it) => [it.key, it.goal]));
  return [
    "name",
    "status",
    ...keys.map((key) => metricId(key, goal.get(key) ?? "last")),
    ...keys.slice(0, 1).map((key) => `spark.${key}`),
    ...settings.slice(0, 4).map((it) => it.id),
    "tags",
    "duration",
    "started",
  ];
}

/** The metric that a column of the engine's list is of. */
export function keyOf(column: RunColumn): string {
  const parsed = columnOf(column.id);
  return parsed.kind === "metric" ? parsed.key : column.label;
}

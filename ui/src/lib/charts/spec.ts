// The document of a line chart: what it says by default, which of it a page may say for all its charts, and in words.

import type { LinesSpec, RunAxis, Scale, SmoothingKind } from "../bindings";
import { duration, fullTime, step } from "../util/format";
import { readPreference, writePreference } from "../util/preferences";

export const PLAIN: LinesSpec = { keys: [], x: { by: "step", key: null }, x_scale: "linear", y_scale: "linear", smoothing: { kind: "none", amount: 0 }, raw: true, outliers: true, group: null, x_range: null, y_range: null };

/** What a page says for all its charts, and a chart may say for itself. */
export const SHARED = ["x", "x_scale", "y_scale", "smoothing", "raw", "outliers", "group"] as const;
export type Shared = (typeof SHARED)[number];

/** A chart's own document with what it leaves to the page. */
export function effective(own: LinesSpec, keeps: readonly string[], page: LinesSpec): LinesSpec {
  const kept = new Set(keeps);
  const from = <K extends Shared>(field: K): LinesSpec[K] => (kept.has(field) ? own : page)[field];
  return { ...own, x: from("x"), x_scale: from("x_scale"), y_scale: from("y_scale"), smoothing: from("smoothing"), raw: from("raw"), outliers: from("outliers"), group: from("group") };
}

export const AXES: [RunAxis, string][] = [["step", "Step"], ["epoch", "Epoch"], ["relative", "Time since start"], ["wall", "Time of day"], ["metric", "Another metric"]];
export const SCALES: [Scale, string][] = [["linear", "Linear"], ["log", "Log"], ["symlog", "Symlog"]];

type Amount = { least: number; most: number; step: number; usual: number; words: (amount: number) => string };
export const SMOOTHING: [SmoothingKind, string, Amount | null][] = [
  ["none", "None", null],
  ["exponential", "Exponential", { least: 0, most: 0.99, step: 0.01, usual: 0.6, words: (it) => it.toFixed(2) }],
  ["mean", "Running mean", { least: 1, most: 200, step: 1, usual: 20, words: (it) => `${it} points` }],
  ["gaussian", "Gaussian", { least: 0.5, most: 50, step: 0.5, usual: 5, words: (it) => `σ ${it}` }],
];

export const amountOf = (kind: SmoothingKind): Amount | null => SMOOTHING.find(([it]) => it === kind)?.[2] ?? null;

/** Which charts share an x axis: what is zoomed in one is zoomed in all of them. */
export const axisKey = (lines: Pick<LinesSpec, "x">): string => (lines.x.by === "metric" ? `metric ${lines.x.key ?? ""}` : lines.x.by);

/** A place on the x axis in words: times are in seconds. */
export function axisWords(x: LinesSpec["x"], at: number): string {
  const round = (value: number) => step(Number(value.toPrecision(9)));
  switch (x.by) {
    case "step":
      return `step ${round(at)}`;
    case "epoch":
      return `epoch ${round(at)}`;
    case "relative":
      return duration(at * 1_000);
    case "wall":
      return fullTime(at * 1_000);
    case "metric":
      return `${x.key ?? "x"} ${round(at)}`;
  }
}

/** The strokes of a line's style, as SVG takes them; none for a solid one. */
export const dashOf = (dash: number): string => ["", "5 3", "1.5 3", "6 3 1.5 3"][dash % 4] ?? "";

/** How charts of runs were looked at last in this window. */
export function keptLook(): LinesSpec {
  try {
    const kept = JSON.parse(readPreference("charts") ?? "{}") as Partial<LinesSpec>;
    const has = (field: keyof LinesSpec) => typeof kept[field] === typeof PLAIN[field];
    return SHARED.every((field) => field === "group" || has(field)) ? { ...PLAIN, ...kept, keys: [], group: null, x_range: null, y_range: null } : PLAIN;
  } catch {
    return PLAIN;
  }
}

export function keepLook(look: LinesSpec): void {
  const { x, x_scale, y_scale, smoothing, raw, outliers } = look;
  writePreference("charts", JSON.stringify({ x, x_scale, y_scale, smoothing, raw, outliers }));
}

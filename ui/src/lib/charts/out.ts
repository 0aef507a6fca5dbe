// Charts that leave the window: as files, on the clipboard, as text.

import type { Figure, FigureFormat, LinesSpec, RunChart, RunSet } from "../bindings";
import type { View } from "../chart/gesture";
import { problemOf } from "../errors";
import type { App } from "../state/app.svelte";
import { theme } from "../state/theme.svelte";
import { exact } from "../util/format";
import { axisWords } from "./spec";

/** CSS has 96 pixels to the inch. */
export const MM_PER_PX = 25.4 / 96;
const PT_PER_PX = 72 / 96;

export type FigureChart = Figure["chart"];

/** A chart as it is on the screen. */
export function figureOf(runs: RunSet, chart: FigureChart, size: { width: number; height: number }, title: string | null): Figure {
  const mm = (px: number) => Math.min(Math.max(Math.round(px * MM_PER_PX), 10), 1_000);
  return { runs, chart, width_mm: mm(size.width), height_mm: mm(size.height), font_pt: Math.round(11 * PT_PER_PX), theme: theme.now, title, legend: false };
}

/** What is written above a chart: nothing where its axis says it already. */
export const titleOf = (chart: FigureChart, name: string): string | null => (chart.kind === "lines" && name === chart.keys.join(", ") ? null : name);

const bytesOf = (base64: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(base64), (it) => it.charCodeAt(0));

/** The picture of a chart as PNG on the clipboard. */
export async function copyFigure(app: App, figure: Figure): Promise<void> {
  // Asked for within the click: a browser gives the clipboard to nobody else. What is written may come later.
  const made = app.call("figures.make", { figure, format: "png", scale: 2 }).then((it) => new Blob([bytesOf(it.base64)], { type: "image/png" }));
  try {
    await navigator.clipboard.write([new ClipboardItem({ "image/png": made })]);
    app.toasts.say("Copied the picture");
  } catch (thrown) {
    const problem = await made.then(
      () => null,
      (cause: unknown) => problemOf(cause),
    );
    app.toasts.problem(problem ?? { ...problemOf(thrown), code: "forbidden", title: "Nothing was copied", message: "The clipboard takes no pictures here.", next: "Save the chart as PNG instead." });
  }
}

export async function copyPicture(app: App, of: { runs: RunSet; lines: LinesSpec; view: View; title: string; chart: RunChart }): Promise<void> {
  const { lines, view } = of;
  const chart: FigureChart = { kind: "lines", ...lines, x_range: view.x === null ? lines.x_range : [...view.x], y_range: view.y === null ? lines.y_range : [...view.y] };
  await copyFigure(app, { ...figureOf(of.runs, chart, of.chart, titleOf(chart, of.title)), legend: of.chart.lines.length > 1 });
}

/** Makes a figure and gives it to the host to save; says whether it was saved. */
export async function saveFigure(app: App, figure: Figure, format: FigureFormat, scale: number): Promise<boolean> {
  const file = await app.attempt("figures.make", { figure, format, scale });
  if (file === null) return false;
  try {
    const where = await app.host.saveText(file.name, file.base64, true);
    if (where !== null) app.toasts.say(`Saved ${where}`);
    return where !== null || !app.host.desktop;
  } catch (thrown) {
    app.toasts.problem(problemOf(thrown));
    return false;
  }
}

const cell = (text: string) => text.replaceAll("|", "\\|").replace(/\s+/g, " ");

/** Where the lines of a chart end, as a table. */
export function linesAsMarkdown(chart: Pick<RunChart, "lines">, lines: LinesSpec): string {
  const many = lines.keys.length > 1;
  const head = ["Run", ...(many ? ["Metric"] : []), "At", many ? "Last" : cell(lines.keys[0] ?? "Last"), "Min", "Max"];
  const number = (value: number | null) => (value === null ? "" : exact(value));
  const rows = chart.lines.map((it) => [cell(it.label), ...(many ? [cell(it.key)] : []), it.last === null ? "" : axisWords(lines.x, it.last[0]), it.last === null ? "" : exact(it.last[1]), number(it.min), number(it.max)]);
  return [head, head.map((_, i) => (i === 0 || (many && i === 1) ? "---" : "---:")), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n") + "\n";
}

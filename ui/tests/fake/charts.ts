// Charts, plots and pages of charts for the engine of the tests: drawn roughly, with exact axes and values.

import type { ChartPage, ChartView, Commands, LinesSpec, Panel, Plot, RunChart, RunChartReading, RunSet } from "../../src/lib/bindings";
import { CallError } from "../../src/lib/host/host";
import { prefixOf } from "../../src/lib/chart/arrange";
import { PLAIN } from "../../src/lib/charts/spec";
import { COLOURS } from "../../src/lib/util/colour";
import { isBookkeeping } from "../../src/lib/util/metrics";
import { reportOf } from "./report";
import type { FakeRuns } from "./runs";

type Line = { uid: string; key: string; colour: number; values: readonly number[] };

const base64 = (text: string) => btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(""));

/** Round numbers between two, about four of them. */
function rounded(low: number, high: number): number[] {
  const power = 10 ** Math.floor(Math.log10((high - low) / 4));
  const step = [1, 2, 5, 10].map((it) => it * power).find((it) => it >= (high - low) / 5) ?? power;
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step);
}

export function chartAnswers(of: FakeRuns): { [M in keyof Commands]?: (input: Commands[M]["input"]) => Commands[M]["output"] | Promise<Commands[M]["output"]> } {
  const pages = new Map<string, { page: ChartPage; revision: number }>();

  const drawn = ({ query, uids }: RunSet): string[] => (query === null ? uids.filter((uid) => of.has(uid)) : of.matching(query).map((it) => it.row.uid).filter((uid) => !uids.includes(uid)));

  const linesOf = (runs: RunSet, lines: LinesSpec): Line[] =>
    drawn(runs)
      .flatMap((uid) => lines.keys.map((key, place): Line => ({ uid, key, colour: lines.keys.length > 1 && runs.uids.length === 1 ? place : of.get(uid).row.colour, values: of.get(uid).metrics[key] ?? [] })))
      .filter((it) => it.values.length > 0);

  function chart(runs: RunSet, lines: LinesSpec, width: number, height: number, view: ChartView | undefined): RunChart {
    const all = linesOf(runs, lines);
    const steps = Math.max(2, ...all.map((it) => it.values.length));
    const log = lines.y_scale === "log";
    const values = all.flatMap((it) => it.values).filter((it) => !log || it > 0);
    const [least, most] = values.length === 0 ? [0, 1] : [Math.min(...values), Math.max(...values)];
    const [first, last] = view?.x ?? lines.x_range ?? [1, steps];
    const [low, high] = view?.y ?? lines.y_range ?? [least, most === least ? least + 1 : most];
    const plot = { left: 44, top: 8, width: width - 54, height: height - 30 };
    const bent = (value: number) => (log ? Math.log10(value) : value);
    const x = (step: number) => (plot.left + ((step - first) / (last - first)) * plot.width) * 10;
    const y = (value: number) => (plot.top + (1 - (bent(value) - bent(low)) / (bent(high) - bent(low))) * plot.height) * 10;
    const text = (value: number, step: number) => (step < 1e-3 ? value.toExponential(0) : value.toFixed(step >= 1 ? 0 : Math.ceil(-Math.log10(step) - 1e-9)));
    const grid = (log ? [0.08, 0.36, 0.64, 0.92].map((share) => 10 ** (bent(low) + share * (bent(high) - bent(low)))) : rounded(low, high)).map((value, i, all) => {
      const step = log ? value : (all[1] ?? value) - (all[0] ?? 0);
      return `<path class="grid" stroke="#ddd" stroke-width="10" fill="none" d="M${plot.left * 10} ${y(value).toFixed(0)}h${plot.width * 10}"/><text x="${plot.left * 10 - 60}" y="${(y(value) + 35).toFixed(0)}" font-size="95" text-anchor="end">${log ? value.toPrecision(2) : text(value, step)}</text>`;
    });
    const ticks = rounded(first, last).map((step) => `<text x="${x(step).toFixed(0)}" y="${height * 10 - 60}" font-size="95" text-anchor="middle">${text(step, 1)}</text>`);
    const dash = (place: number) => all.slice(0, place).filter((it) => it.colour === all[place]?.colour).length % 4;
    const paths = all.map((it, place) => {
      const points = it.values.flatMap((value, i) => (i + 1 >= first - 1 && i + 1 <= last + 1 && (!log || value > 0) ? [`${x(i + 1).toFixed(0)} ${Math.min(Math.max(y(value), plot.top * 10), (plot.top + plot.height) * 10).toFixed(0)}`] : []));
      const end = it.values.at(-1) ?? 0;
      const dot = of.get(it.uid).row.status === "running" && it.values.length <= last ? `<circle class="c${(it.colour % COLOURS) + 1}" fill="#888" cx="${x(it.values.length).toFixed(0)}" cy="${y(end).toFixed(0)}" r="28"/>` : "";
      const strokes = ["", "50 30", "15 30", "60 30 15 30"][dash(place)] ?? "";
      return `<g data-line="${place}"><path class="c${(it.colour % COLOURS) + 1}" stroke="#888" stroke-width="14" fill="none" stroke-linejoin="round"${strokes === "" ? "" : ` stroke-dasharray="${strokes}"`} d="${points.length === 0 ? "" : `M${points.join("L")}`}"/>${dot}</g>`;
    });
    return {
      svg: `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width * 10} ${height * 10}">${grid.join("")}${ticks.join("")}${paths.join("")}</svg>`,
      width,
      height,
      plot,
      x: { min: first, max: last, scale: "linear" },
      y: { min: low, max: high, scale: lines.y_scale === "log" ? "log" : "linear" },
      lines: all.map((it, place) => ({
        uids: [it.uid],
        key: it.key,
        label: of.get(it.uid).row.name,
        group: null,
        colour: it.colour,
        dash: dash(place),
        points: it.values.length,
        exact: it.values.length <= plot.width,
        last: [it.values.length, it.values.at(-1) ?? 0],
        min: Math.min(...it.values),
        max: Math.max(...it.values),
        live: of.get(it.uid).row.status === "running",
      })),
      more: 0,
    };
  }

  function read(runs: RunSet, lines: LinesSpec, at: number, tolerance: number): RunChartReading {
    return {
      lines: linesOf(runs, lines).flatMap(({ values }, line) => {
        if (at < 1 - tolerance || at > values.length + tolerance) return [];
        const x = Math.min(Math.max(Math.round(at), 1), values.length);
        return [{ line, x, y: values[x - 1] ?? 0, low: null, high: null, raw: null, runs: 1 }];
      }),
    };
  }

  function plot(runs: RunSet, kind: string, width: number, height: number): Plot {
    const all = drawn(runs).map((uid) => of.get(uid)).slice(0, 40);
    const box = { left: 120, top: 8, width: width - 136, height: height - 30 };
    const tall = box.height / Math.max(all.length, 1);
    const marks = all.map(({ row }, i) => ({ uids: [row.uid], runs: 1, label: row.name, colour: row.colour, place: { left: box.left, top: box.top + i * tall + 2, width: box.width * (0.9 - (i % 7) * 0.08), height: Math.max(tall - 4, 2) }, lines: [`value: ${(0.9 - i * 0.01).toFixed(3)}`] }));
    const bars = marks.map((it) => `<path class="c${(it.colour % COLOURS) + 1}" fill="#888" d="M${it.place.left * 10} ${it.place.top * 10}h${it.place.width * 10}v${it.place.height * 10}h-${it.place.width * 10}z"/><text x="${box.left * 10 - 60}" y="${(it.place.top + it.place.height / 2) * 10 + 35}" font-size="95" text-anchor="end">${it.label.replace(/[<&>]/g, "").slice(0, 18)}</text>`);
    return { svg: `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width * 10} ${height * 10}">${bars.join("")}</svg>`, width, height, roomy: ["bar", "box", "importance"].includes(kind) ? 30 + all.length * 11 : null, plot: box, x: null, y: null, marks, notes: kind === "importance" ? ["Spearman’s rank correlation of 8 runs. It does not say what causes what."] : [] };
  }

  return {
    "runs.chart": ({ runs, lines, width, height, view }) => chart(runs, lines, width, height, view),
    "runs.charts": async ({ charts }) => {
      // As the engine answers each by itself, tests count and hold each by itself.
      const one = (input: Commands["runs.chart"]["input"]) =>
        of.engine.call("runs.chart", input).then(
          (drawn) => ({ chart: drawn, error: null }),
          (thrown: unknown) => {
            const { code, message } = CallError.from(thrown);
            return { chart: null, error: { code, message } };
          },
        );
      return { charts: await Promise.all(charts.map(one)) };
    },
    "runs.read": ({ runs, lines, at, tolerance }) => read(runs, lines, at, tolerance),
    "plots.draw": ({ runs, plot: spec, width, height }) => plot(runs, spec.kind, width, height),
    "figures.make": ({ figure, format }) => {
      const [width, height] = [Math.round((figure.width_mm / 25.4) * 96), Math.round((figure.height_mm / 25.4) * 96)];
      const { svg } = figure.chart.kind === "lines" ? chart(figure.runs, figure.chart, width, height, undefined) : plot(figure.runs, figure.chart.kind, width, height);
      return { name: `chart.${format}`, mime: "image/svg+xml", base64: base64(svg), notes: [] };
    },
    "reports.make": ({ report, format }) => {
      if (report.blocks.length === 0) throw new CallError({ code: "invalid_input", message: "there is nothing in the report", hint: "Choose charts, runs, or write notes.", field: "blocks" });
      return { name: `report.${format === "markdown" ? "md" : format}`, mime: "text/html", base64: base64(reportOf(report, format, (runs, lines) => chart(runs, lines, 320, 210, undefined).svg, drawn)), notes: [] };
    },
    "pages.list": () => ({ pages: [...pages].flatMap(([project, { page, revision }]) => (page === null ? [] : [{ project, panels: page.panels.length, revision, saved_at: 0 }])) }),
    "pages.get": ({ project }) => structuredClone(pages.get(project)) ?? { page: null, revision: 0 },
    "pages.save": ({ page, revision }) => {
      const there = pages.get(page.project)?.revision ?? 0;
      if (there !== revision) throw new CallError({ code: "conflict", message: "these charts were changed elsewhere since they were read; nothing was saved", field: "revision" });
      pages.set(page.project, { page: structuredClone(page), revision: there + 1 });
      return { revision: there + 1 };
    },
    "pages.suggest": ({ query = "" }) => {
      const keys = [...new Set(of.matching(query).flatMap((it) => Object.keys(it.metrics)))].sort((a, b) => Number(isBookkeeping(a)) - Number(isBookkeeping(b)) || prefixOf(a).localeCompare(prefixOf(b)) || a.localeCompare(b, "en", { numeric: true }));
      return { panels: keys.map((key): Panel => ({ id: `metric ${key}`, title: null, section: prefixOf(key), columns: 4, height: 230, chart: { kind: "lines", ...PLAIN, keys: [key] }, own: [], legend: null })), more: 0 };
    },
  };
}

// One line chart: what is wanted of it, the picture that stands for it until the engine has drawn that, and the values
// under the crosshair. It asks for one thing at a time, and of what is wanted meanwhile for the newest.

import type { LineReading, LinesSpec, RunChart, RunSet, Theme } from "../bindings";
import { axesOf, EVERYTHING, type Range, sameView, shift, type View } from "../chart/gesture";
import { fromFraction, toFraction } from "../chart/mapping";
import { problemOf, type Problem } from "../errors";
import { toNumber } from "../util/format";
import { type Layers, layersOf } from "./layers";
import { Newest } from "./newest";
import type { ChartSheet } from "./sheet.svelte";
import { axisKey } from "./spec";

/** A growing run is drawn again at most ten times a second. */
const GROWS_MS = 100;

export type Wanted = { runs: RunSet; lines: LinesSpec; width: number; height: number; theme: Theme; view: View };
export type Reading = { readonly at: number; readonly lines: readonly LineReading[] };

/** What a picture shows, whatever part and size of it: another one of the same may stand for it while it is drawn. */
const subject = (it: Wanted): string => JSON.stringify([it.runs, it.lines, it.theme]);
const answerTo = (it: Wanted): string => JSON.stringify([subject(it), it.width, it.height, it.view]);

export class LiveChart {
  chart = $state.raw<RunChart | null>(null);
  layers = $state.raw<Layers | null>(null);
  problem = $state.raw<Problem | null>(null);
  reading = $state.raw<Reading | null>(null);
  /** The view that the picture shows. */
  #shown = $state.raw<View>(EVERYTHING);
  /** What stands on the x axis of the picture; null where it was drawn for somebody before. */
  #along: string | null = null;
  #y = $state.raw<Range | null>(null);
  /** Axis by axis, what there is when nothing is zoomed, as far as it is known. */
  #home: { x: Range | null; y: Range | null } = { x: null, y: null };
  #wanted: Wanted | null = null;
  #subject = "";
  #drawn = "";
  #old = false;

  readonly #draw = new Newest<Wanted, RunChart | null>(
    (it) =>
      this.sheet.pictures.want(
        {
          runs: it.runs,
          lines: it.lines,
          width: it.width,
          height: it.height,
          ratio: Math.min(Math.max(window.devicePixelRatio || 1, 0.5), 4),
          theme: it.theme,
          view: { x: it.view.x === null ? null : [...it.view.x], y: it.view.y === null ? null : [...it.view.y] },
        },
        this.#urgent,
        () => this.#wanted !== null,
      ),
    (chart, it) => {
      // Of other runs, or drawn otherwise: what is wanted now comes next.
      if (chart === null || subject(it) !== this.#subject) return;
      const layers = layersOf(chart.svg);
      if (layers === null) return;
      this.problem = null;
      this.#take(chart, layers, it);
    },
    (thrown) => (this.problem = problemOf(thrown)),
  );

  readonly #read = new Newest<{ wanted: Wanted; at: number; tolerance: number; chart: RunChart }, Reading>(
    async ({ wanted, at, tolerance }) => ({ at, lines: (await this.sheet.ask(this.#urgent, () => this.sheet.app.call("runs.read", { runs: wanted.runs, lines: wanted.lines, at, tolerance })))?.lines ?? [] }),
    (reading) => (this.reading = reading),
    () => (this.reading = null),
  );

  constructor(
    readonly sheet: ChartSheet,
    readonly id: string,
  ) {
    const kept = sheet.kept<RunChart>(id);
    if (kept === undefined) return;
    this.chart = kept.chart;
    this.layers = kept.layers;
    this.#drawn = kept.answers;
    this.#old = kept.old;
  }

  #axis = $state("step");

  get view(): View {
    const zoom = this.sheet.zoom;
    return { x: zoom !== null && zoom.axis === this.#axis ? zoom.range : null, y: this.#y };
  }

  get zoomed(): boolean {
    return this.view.x !== null || this.view.y !== null;
  }

  /** Shows another part: at once with the picture at hand, exactly as soon as it is drawn. */
  look(view: View): void {
    const now = this.view;
    if (sameView(now, view)) return;
    if (now.x !== view.x) this.sheet.zoom = view.x === null ? null : { axis: this.#axis, range: view.x };
    this.#y = view.y;
  }

  reset(): void {
    this.look(EVERYTHING);
  }

  /** The axes as the hand has them. */
  get axes(): Pick<RunChart, "x" | "y" | "plot"> | null {
    return this.chart === null ? null : axesOf(this.chart, this.#towards);
  }

  /** From the picture at hand to what is wanted. */
  get shift() {
    return this.chart === null || sameView(this.view, this.#shown) ? null : shift(this.chart, this.#towards);
  }

  /** What is wanted; an axis that is to show everything again goes to where that was. */
  get #towards(): View {
    const view = this.view;
    return { x: view.x ?? (this.#shown.x === null ? null : this.#home.x), y: view.y ?? (this.#shown.y === null ? null : this.#home.y) };
  }

  /** Whether places on the picture are places on the axis that is wanted: another one may be on its way. */
  get isPlaced(): boolean {
    return this.#along === null || this.#along === this.#axis;
  }

  get #urgent(): boolean {
    return this.sheet.hover?.chart === this.id;
  }

  /** What is to be seen now. Null while nobody sees it. */
  want(wanted: Wanted | null): void {
    this.#wanted = wanted;
    if (wanted === null) return;
    const before = this.#subject;
    this.#subject = subject(wanted);
    const axis = axisKey(wanted.lines);
    if (axis !== this.#axis) {
      this.#axis = axis;
      this.#y = null;
    }
    if (before !== "" && before !== this.#subject) this.reading = null;
    if (!this.#old && answerTo(wanted) === this.#drawn) return this.#draw.busy ? this.#draw.drop() : undefined;
    this.#draw.want(wanted);
  }

  /** Its runs have changed. */
  changed(): void {
    this.#old = true;
    if (this.#wanted !== null) this.#draw.want(this.#wanted, GROWS_MS);
  }

  again(): void {
    this.problem = null;
    if (this.#wanted !== null) this.#draw.want(this.#wanted);
  }

  /** Reads all lines at a place; null takes the reading away. */
  readAt(at: number | null): void {
    const [wanted, chart] = [this.#wanted, this.chart];
    if (at === null || wanted === null || chart === null) {
      this.#read.drop();
      this.reading = null;
      return;
    }
    this.#read.want({ wanted, at, chart, tolerance: this.#halfPixel(at) });
  }

  #halfPixel(at: number): number {
    const axes = this.axes;
    if (axes === null) return 0;
    const share = toFraction(axes.x, at);
    const tolerance = Math.abs(fromFraction(axes.x, share + 0.5 / axes.plot.width) - at);
    return Number.isFinite(tolerance) ? tolerance : 0;
  }

  /** The next point of any line to the right (1) or left (-1) of a place, found by looking farther and farther. */
  async next(from: number | null, by: 1 | -1): Promise<number | null> {
    const [wanted, axes] = [this.#wanted, this.axes];
    if (wanted === null || axes === null) return null;
    const begin = from ?? fromFraction(axes.x, by > 0 ? 0 : 1);
    const share = toFraction(axes.x, begin);
    for (let jump = 1 / axes.plot.width; ; jump *= 2) {
      const to = Math.min(Math.max(share + by * jump, 0), 1);
      const at = fromFraction(axes.x, to);
      const { lines } = await this.sheet.app.call("runs.read", { runs: wanted.runs, lines: wanted.lines, at, tolerance: this.#halfPixel(at) });
      const beyond = lines.map((it) => it.x).filter((x) => (from === null ? (x - begin) * by >= 0 : (x - begin) * by > 0));
      if (beyond.length > 0) return by > 0 ? Math.min(...beyond) : Math.max(...beyond);
      if (to === 0 || to === 1) return null;
    }
  }

  stop(): void {
    this.#draw.stop();
    this.#read.stop();
  }

  #take(chart: RunChart, layers: Layers, it: Wanted): void {
    this.chart = chart;
    this.layers = layers;
    this.#shown = it.view;
    this.#along = axisKey(it.lines);
    this.#home = { x: it.view.x === null ? [chart.x.min, chart.x.max] : this.#home.x, y: it.view.y === null && it.view.x === null ? [chart.y.min, chart.y.max] : this.#home.y };
    this.#drawn = answerTo(it);
    this.#old = false;
    this.sheet.keep(this.id, { answers: this.#drawn, chart, layers, old: false, uids: new Set(chart.lines.flatMap((line) => line.uids)) });
  }
}

/** The reading of each line with its line, from the top of the chart to its bottom. */
export function sorted(chart: RunChart, reading: Reading): { line: RunChart["lines"][number]; read: LineReading }[] {
  const value = (it: LineReading) => {
    const number = toNumber(it.y);
    return Number.isNaN(number) ? -Infinity : number;
  };
  return reading.lines
    .flatMap((read) => {
      const line = chart.lines[read.line];
      return line === undefined ? [] : [{ line, read }];
    })
    .sort((a, b) => value(b.read) - value(a.read));
}

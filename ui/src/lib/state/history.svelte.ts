// The machine's history: which metric of what is looked at, over which time, and its picture, drawn anew as time goes.

import type { HistoryChart, HistoryCsv, HistoryPlace, HistoryRef, HistorySeries } from "../bindings";
import { problemOf, type Problem } from "../errors";
import { paced } from "../util/follow";
import { gpuIn, gpuLabel } from "../util/gpu";
import { readPreference, writePreference } from "../util/preferences";
import type { App } from "./app.svelte";
import { theme } from "./theme.svelte";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const LEAST_SPAN = 10_000;
/** Where little is recorded yet, it does not stand alone at the edge of an empty hour. */
const LEAST_PAST = 120_000;
const DRAW_MS = 250;
/** More lines than these are drawn one below the other: across each other nobody can follow them. */
const TOGETHER = 2;
export const TALL = 190;
/** The width of the names beside charts that stand one below the other. */
export const NAMES = 112;
/** How often the list of what there is a history of is read again while one looks. */
const LIST_MS = 60_000;

/** Null is everything that there is. */
export const SPANS: readonly [number | null, string][] = [[HOUR, "1 h"], [6 * HOUR, "6 h"], [DAY, "24 h"], [7 * DAY, "7 d"], [30 * DAY, "30 d"], [365 * DAY, "1 y"], [null, "All"]];

export type Range = { since: number; until: number };

/** What it is of: a GPU, a disk, or the machine itself. */
export const subjectOf = (series: HistorySeries): string => series.gpu?.uuid ?? series.disk ?? "";
const csvField = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
const refOf = (series: HistorySeries): HistoryRef => ({ metric: series.metric, ...(series.gpu === null ? {} : { gpu: series.gpu.uuid }), ...(series.disk === null ? {} : { disk: series.disk }) });

export class MachineHistory {
  series = $state.raw<HistorySeries[] | null>(null);
  metric = $state(readPreference("history-metric") ?? "gpu.util");
  /** Subjects that are not drawn. */
  hidden = $state.raw<ReadonlySet<string>>(new Set());
  /** The time up to now that is shown; null for all of it. */
  span = $state<number | null>(HOUR);
  /** A part of the past that was chosen; null while it goes along with the present. */
  range = $state.raw<Range | null>(null);
  /** One with all lines, or one for each. */
  charts = $state.raw<readonly HistoryChart[]>([]);
  beginsAt = $state<number | null>(null);
  problem = $state.raw<Problem | null>(null);
  width = $state(0);

  #drawnAt = 0;
  #listedAt = 0;
  #draw = paced(DRAW_MS, () => this.#picture());
  #list = paced(DRAW_MS, () => this.#names());

  constructor(private readonly app: App) {}

  /** What is drawn of the metric at hand. */
  readonly subjects = $derived((this.series ?? []).filter((it) => it.metric === this.metric));
  readonly shown = $derived(this.subjects.filter((it) => !this.hidden.has(subjectOf(it))));
  readonly chart = $derived(this.charts[0] ?? null);
  readonly laneHeight = $derived(this.shown.length > 4 ? 34 : 46);
  /** What a line is called: a GPU as everywhere else, and that it is gone where it is. */
  title(series: HistorySeries): string {
    const { gpu } = series;
    if (gpu === null) return series.disk ?? series.title;
    const now = this.app.sample === null ? undefined : gpuIn(this.app.sample, gpu.uuid);
    if (now !== undefined) return gpuLabel(now);
    return `GPU ${gpu.index}${(this.app.sample?.gpus.list.length ?? 0) > 0 ? ", gone" : ""}`;
  }

  /** The metrics of which there is a history, each once. */
  readonly metrics = $derived.by(() => {
    const seen = new Map<string, string>();
    for (const it of this.series ?? []) if (!seen.has(it.metric)) seen.set(it.metric, it.title);
    return [...seen].map(([name, title]) => ({ name, title }));
  });

  follow(): () => void {
    this.#draw = paced(DRAW_MS, () => this.#picture());
    this.#list = paced(DRAW_MS, () => this.#names());
    const stops = [
      this.app.onPush((push) => {
        if (push.kind === "device_update") this.#tick(push.sample.at);
        // Bars of jobs begin and end.
        else if (push.kind === "queue_update" && push.event.attempt !== null && this.range === null) this.#draw.ask();
      }),
      this.app.onRefresh(() => {
        this.#list.ask();
        this.#draw.ask();
      }),
    ];
    this.#list.ask();
    return () => {
      this.#draw.stop();
      this.#list.stop();
      for (const stop of stops) stop();
    };
  }

  choose(metric: string): void {
    this.metric = metric;
    this.hidden = new Set();
    writePreference("history-metric", metric);
  }

  show(span: number | null): void {
    this.span = span;
    this.range = null;
  }

  /** Shows a part of the past, or of the present one that is on the screen. */
  zoom(since: number, until: number): void {
    const middle = (since + until) / 2;
    const half = Math.max(Math.abs(until - since), LEAST_SPAN) / 2;
    this.range = { since: Math.round(middle - half), until: Math.round(middle + half) };
  }

  /** The time on the screen. */
  get view(): Range | null {
    return this.range ?? (this.chart === null ? null : { since: this.chart.x.min, until: this.chart.x.max });
  }

  /** Moves along by a share of what is on the screen; to the present and it goes along with it again. */
  pan(share: number): void {
    const view = this.view;
    if (view === null) return;
    const by = (view.until - view.since) * share;
    const now = this.app.sample?.at ?? Date.now();
    if (view.until + by >= now) {
      this.span = view.until - view.since;
      this.range = null;
    } else this.zoom(view.since + by, view.until + by);
  }

  toggle(subject: string, alone: boolean): void {
    const all = this.subjects.map(subjectOf);
    const others = all.filter((it) => it !== subject);
    if (alone) this.hidden = new Set(others);
    else {
      const next = new Set(this.hidden);
      if (!next.delete(subject)) next.add(subject);
      // Nothing at all is no picture.
      this.hidden = next.size === all.length ? new Set() : next;
    }
  }

  /**
   * What is on the screen as CSV, in the finest buckets that there still are. Where several things are shown, a first
   * column says which one a row is of. Null when the engine refused; that was said then.
   */
  async csv(): Promise<{ name: string; text: string; rows: number } | null> {
    const { view, shown } = this;
    if (view === null) return null;
    const lines: string[] = [];
    let name = `${this.metric}.csv`;
    for (const one of shown) {
      const label = shown.length === 1 ? "" : `${csvField(this.title(one))},`;
      let after: HistoryPlace | null = null;
      do {
        const page: HistoryCsv | null = await this.app.attempt("history.csv", { series: refOf(one), since: Math.floor(view.since), until: Math.ceil(view.until), ...(after === null ? {} : { after }) });
        if (page === null) return null;
        const [head, ...rows] = page.text.split("\n");
        if (after === null && lines.length === 0) lines.push((label === "" ? "" : "of,") + (head ?? ""));
        for (const row of after === null ? rows : [head ?? "", ...rows]) if (row !== "") lines.push(label + row);
        if (shown.length === 1) name = page.name;
        after = page.next;
      } while (after !== null);
    }
    return { name, text: `${lines.join("\n")}\n`, rows: lines.length - 1 };
  }

  redraw(): void {
    this.#draw.ask();
  }

  #tick(now: number): void {
    if (now - this.#listedAt > LIST_MS || this.series?.length === 0) this.#list.ask();
    if (this.range !== null) return;
    if (this.chart === null) {
      this.#draw.ask();
      return;
    }
    // A picture whose points are minutes apart need not be drawn every second.
    const step = (this.chart.x.max - this.chart.x.min) / Math.max(this.width, 100);
    if (now - this.#drawnAt >= Math.max(step, 2_000)) this.#draw.ask();
  }

  async #names(): Promise<void> {
    try {
      const { series, begins_at } = await this.app.call("history.metrics", {});
      this.#listedAt = this.app.sample?.at ?? Date.now();
      this.series = series;
      this.beginsAt = begins_at;
      this.problem = null;
      const [first] = series;
      if (first !== undefined && !series.some((it) => it.metric === this.metric)) this.metric = first.metric;
    } catch (thrown) {
      this.problem = problemOf(thrown);
    }
  }

  async #picture(): Promise<void> {
    if (this.width < 80 || this.shown.length === 0 || document.hidden) return;
    const now = this.app.sample?.at ?? Date.now();
    const begin = this.beginsAt ?? now - HOUR;
    const time = this.range ?? { since: Math.min(Math.max(this.span === null ? begin : now - this.span, begin), now - LEAST_PAST), until: now };
    const lanes = this.shown.length > TOGETHER;
    const size = { width: Math.max(Math.round(this.width - (lanes ? NAMES : 0)), 60), height: lanes ? this.laneHeight : TALL, theme: theme.now };
    try {
      const wanted = lanes ? this.shown.map((it) => [refOf(it)]) : [this.shown.map(refOf)];
      this.charts = await Promise.all(wanted.map((series) => this.app.call("history.chart", { series, ...time, ...size })));
      this.#drawnAt = now;
      this.problem = null;
    } catch (thrown) {
      this.problem = problemOf(thrown);
    }
  }
}

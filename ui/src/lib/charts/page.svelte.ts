// A page of charts: what is on it, which runs it draws, and that both are kept. Every change is saved soon; a page that
// was changed elsewhere meanwhile is neither overwritten nor lost.

import type { ChartPage, ChartSpec, LinesSpec, Panel, RunRow, RunSet } from "../bindings";
import { arrange, moved, sectionsOf } from "../chart/arrange";
import { problemOf, type Problem } from "../errors";
import { runsPush } from "../runs/push";
import { quoted } from "../runs/query";
import type { App } from "../state/app.svelte";
import { paced } from "../util/follow";
import { plural } from "../util/format";
import { ChartSheet } from "./sheet.svelte";
import { effective, PLAIN } from "./spec";

const SAVE_MS = 500;
const RUNS_MS = 500;
const FILL_MS = 2_000;

export const blank = (project: string): ChartPage => ({ project, query: "", hidden: [], shown: [], newest: 10, defaults: PLAIN, sections: [], panels: [] });

/** The query of a project's page: its project, and what else is asked for. */
export function wholeQuery(project: string, query: string): string {
  if (project === "") return query;
  const own = `project = ${quoted(project)}`;
  return query.trim() === "" ? own : `${own} and (${query})`;
}

/** What a panel is called. */
export function nameOf(panel: Pick<Panel, "title" | "chart">): string {
  if (panel.title !== null && panel.title.trim() !== "") return panel.title;
  const { chart } = panel;
  const key = (column: string) => column.replace(/^(config|metrics)\./, "").replace(/\.last$/, "") || "…";
  switch (chart.kind) {
    case "lines":
      return chart.keys.join(", ") || "No metric";
    case "bar":
    case "box":
      return chart.by.length === 0 ? key(chart.column) : `${key(chart.column)} by ${chart.by.map(key).join(", ")}`;
    case "scatter":
      return `${key(chart.y)} over ${key(chart.x)}`;
    case "parallel":
      return chart.colour === null ? "Parallel coordinates" : `Settings and ${key(chart.colour)}`;
    case "importance":
      return `What ${key(chart.target)} depends on`;
    case "sweep":
      return `${key(chart.value)} by ${key(chart.x)} and ${key(chart.y)}`;
    case "histogram":
      return chart.key || "Histogram";
    case "usage":
      return `${chart.key || "…"} and GPU use`;
  }
}

let made = 0;
/** An id that no other panel has. */
export const freshId = (): string => `p${Date.now().toString(36)}${(made += 1).toString(36)}${Math.floor(Math.random() * 1e6).toString(36)}`;

export const aPanel = (chart: ChartSpec, more: Partial<Panel> = {}): Panel => ({ id: freshId(), title: null, section: "", columns: 4, height: 230, own: [], legend: null, ...more, chart });

export class ChartsPage {
  page = $state.raw<ChartPage>(blank(""));
  known = $state(false);
  problem = $state.raw<Problem | null>(null);
  /** It was changed elsewhere since it was read. */
  conflict = $state(false);
  unsaved = $state(false);
  /** The newest of its runs, as many as are drawn, and those that are shown beside them. */
  newest = $state.raw<readonly RunRow[] | null>(null);
  beside = $state.raw<readonly RunRow[]>([]);
  total = $state(0);
  /** The metrics that the runs have which are drawn. */
  filled = $state.raw<ReadonlySet<string> | null>(null);
  readonly sheet: ChartSheet;
  #revision = 0;
  #saved: ChartPage;
  #save = paced(SAVE_MS, () => this.#write());
  #read = paced(RUNS_MS, () => this.#readRuns());
  #asked = 0;
  #fill = paced(FILL_MS, () => this.#readFilled());
  #filledOf = "";

  constructor(
    readonly app: App,
    readonly project: string,
  ) {
    this.page = blank(project);
    this.#saved = this.page;
    this.sheet = new ChartSheet(app, (uids, hidden) => this.show(uids, !hidden));
  }

  readonly query = $derived(wholeQuery(this.page.project, this.page.query));
  readonly drawn = $derived.by((): string[] => {
    const hidden = new Set(this.page.hidden);
    const all = [...(this.newest ?? []), ...this.beside].map((it) => it.uid);
    return [...new Set(all)].filter((uid) => !hidden.has(uid));
  });
  readonly runs = $derived<RunSet>({ uids: this.drawn, query: null });
  /** Charts of metrics that none of these runs has. */
  readonly empty = $derived.by((): ReadonlySet<string> => {
    const { filled } = this;
    if (filled === null) return new Set();
    return new Set(this.page.panels.filter(({ chart }) => chart.kind === "lines" && chart.keys.length > 0 && !chart.keys.some((key) => filled.has(key))).map((it) => it.id));
  });

  follow(): () => void {
    const stops = [
      this.sheet.follow(),
      this.app.onPush((told) => {
        const push = runsPush(told);
        if (push?.structure === true) this.#read.ask();
        // A run that grows may have got another metric.
        if (push !== null && (push.structure || push.uids.some((it) => this.drawn.includes(it)))) this.#fill.ask();
      }),
      this.app.onRefresh(() => this.#read.ask()),
    ];
    void this.load();
    const flush = () => {
      if (this.unsaved) void this.#write();
    };
    window.addEventListener("pagehide", flush);
    return () => {
      window.removeEventListener("pagehide", flush);
      this.#save.stop();
      this.#read.stop();
      this.#fill.stop();
      for (const stop of stops) stop();
      flush();
    };
  }

  async load(): Promise<void> {
    try {
      const { page, revision } = await this.app.call("pages.get", { project: this.project });
      this.page = page ?? blank(this.project);
      this.#saved = this.page;
      this.#revision = revision;
      this.sheet.hidden = new Set(this.page.hidden);
      this.conflict = false;
      this.unsaved = false;
      this.problem = null;
      this.known = true;
      await this.#readRuns();
    } catch (thrown) {
      this.problem = problemOf(thrown);
    }
  }

  /** Keeps what is here, over what was saved elsewhere. */
  async keepMine(): Promise<void> {
    const there = await this.app.attempt("pages.get", { project: this.project });
    if (there === null) return;
    this.#revision = there.revision;
    this.conflict = false;
    await this.#write();
  }

  set(change: Partial<ChartPage>): void {
    const before = this.page;
    this.page = { ...before, ...change };
    if (change.hidden !== undefined) this.sheet.hidden = new Set(change.hidden);
    if (before.query !== this.page.query || before.newest !== this.page.newest || before.shown !== this.page.shown) void this.#readRuns();
    this.unsaved = true;
    if (!this.conflict) this.#save.ask();
  }

  // Runs.

  /** Says which metrics the runs have that are drawn now. */
  async fill(): Promise<void> {
    if (this.drawn.join(" ") !== this.#filledOf || this.filled === null) await this.#readFilled();
  }

  async #readFilled(): Promise<void> {
    const of = this.drawn.join(" ");
    this.#filledOf = of;
    try {
      const { metrics } = await this.app.call("runs.metrics", { runs: this.runs });
      if (of === this.#filledOf) this.filled = new Set(metrics.map((it) => it.key));
    } catch {
      // Then every chart is shown, and says itself what is amiss.
      if (of === this.#filledOf) this.filled = null;
    }
  }

  isDrawn(uid: string): boolean {
    return this.drawn.includes(uid);
  }

  /** Draws runs or leaves them out; one that is not among the newest is remembered. */
  show(uids: readonly string[], shown: boolean): void {
    const of = new Set(uids);
    const newest = new Set((this.newest ?? []).map((it) => it.uid));
    const hidden = this.page.hidden.filter((it) => !of.has(it));
    const beside = this.page.shown.filter((it) => !of.has(it));
    if (shown) this.set({ hidden, shown: [...beside, ...uids.filter((it) => !newest.has(it))].slice(-100) });
    // Of what a legend has hidden the legend can show it again, so that it is remembered even where it was chosen.
    else this.set({ hidden: [...hidden, ...uids], shown: [...beside, ...this.page.shown.filter((it) => of.has(it))] });
  }

  /** Only these. */
  only(uids: readonly string[]): void {
    const of = new Set(uids);
    const newest = new Set((this.newest ?? []).map((it) => it.uid));
    this.set({ hidden: [...newest].filter((it) => !of.has(it)), shown: uids.filter((it) => !newest.has(it)) });
  }

  // Panels.

  linesOf(panel: Panel): LinesSpec {
    return panel.chart.kind === "lines" ? effective(panel.chart, panel.own, this.page.defaults) : PLAIN;
  }

  /** Adds panels, at the end of their sections. */
  add(panels: readonly Panel[]): void {
    this.set({ panels: [...this.page.panels, ...panels], sections: this.#sections([...this.page.panels, ...panels]) });
  }

  change(id: string, change: Partial<Panel>): void {
    this.set({ panels: this.page.panels.map((it) => (it.id === id ? { ...it, ...change } : it)) });
  }

  move(id: string, section: string, before: string | null): void {
    const panels = moved(this.page.panels, id, section, before);
    this.set({ panels, sections: this.#sections(panels) });
  }

  copy(panel: Panel): void {
    const at = this.page.panels.findIndex((it) => it.id === panel.id);
    this.set({ panels: this.page.panels.toSpliced(at + 1, 0, { ...panel, id: freshId() }) });
  }

  remove(of: readonly Panel[], what: string): void {
    const { panels, sections } = this.page;
    const gone = new Set(of.map((it) => it.id));
    const left = panels.filter((it) => !gone.has(it.id));
    this.set({ panels: left, sections: this.#sections(left) });
    this.app.toasts.say(`Removed ${what}`, { label: "Undo", run: () => this.set({ panels, sections }) });
  }

  /** A chart for each metric that none shows yet. Says how many came. */
  async addAll(): Promise<number> {
    const answer = await this.app.attempt("pages.suggest", { query: this.query });
    if (answer === null) return 0;
    const there = new Set(this.page.panels.flatMap((it) => (it.chart.kind === "lines" && it.chart.keys.length === 1 ? it.chart.keys : [])));
    const ids = new Set(this.page.panels.map((it) => it.id));
    const fresh = answer.panels
      .filter((it) => it.chart.kind !== "lines" || !there.has(it.chart.keys[0] ?? ""))
      .map((it) => (ids.has(it.id) ? { ...it, id: freshId() } : it));
    const { panels, sections } = this.page;
    if (fresh.length > 0) this.add(fresh);
    if (panels.length > 0) this.app.toasts.say(fresh.length === 0 ? "Every metric has its chart already" : `Added ${plural(fresh.length, "chart")}`, fresh.length === 0 ? null : { label: "Undo", run: () => this.set({ panels, sections }) });
    return fresh.length;
  }

  fold(name: string, folded: boolean): void {
    this.set({ sections: this.#sections(this.page.panels).map((it) => (it.name === name ? { ...it, folded } : it)) });
  }

  foldAll(folded: boolean): void {
    this.set({ sections: this.#sections(this.page.panels).map((it) => ({ ...it, folded })) });
  }

  rename(name: string, to: string): void {
    if (to === name) return;
    const there = this.page.sections.some((it) => it.name === to);
    const sections = this.#sections(this.page.panels);
    this.set({
      panels: this.page.panels.map((it) => (it.section === name ? { ...it, section: to } : it)),
      sections: there ? sections.filter((it) => it.name !== name) : sections.map((it) => (it.name === name ? { ...it, name: to } : it)),
    });
  }

  moveSection(name: string, by: -1 | 1): void {
    const sections = this.#sections(this.page.panels);
    const at = sections.findIndex((it) => it.name === name);
    const [one] = sections.splice(at, 1);
    if (one === undefined) return;
    this.set({ sections: sections.toSpliced(Math.min(Math.max(at + by, 0), sections.length), 0, one) });
  }

  /** All panels in the order in which they stand. */
  readonly order = $derived(arrange(this.page.panels, this.page.sections.map((it) => ({ ...it, folded: false })), 2_000).spots.map((it) => it.id));

  #sections(panels: readonly Panel[]): ChartPage["sections"] {
    return sectionsOf(panels, this.page.sections);
  }

  async #write(): Promise<void> {
    const page = this.page;
    if (page === this.#saved || this.conflict) return;
    try {
      const { revision } = await this.app.call("pages.save", { page, revision: this.#revision });
      this.#revision = revision;
      this.#saved = page;
      this.unsaved = this.page !== page;
    } catch (thrown) {
      const problem = problemOf(thrown);
      if (problem.code === "conflict") this.conflict = true;
      else this.app.toasts.problem(problem);
    }
  }

  async #readRuns(): Promise<void> {
    this.#asked += 1;
    const mine = this.#asked;
    const { newest, shown } = this.page;
    try {
      const [list, beside] = await Promise.all([
        this.app.call("runs.list", { query: this.query, limit: newest }),
        shown.length === 0 ? { rows: [] } : this.app.call("runs.rows", { uids: shown }),
      ]);
      if (mine !== this.#asked) return;
      const first = this.newest === null;
      this.newest = list.rows;
      this.beside = beside.rows;
      if (first) await this.#readFilled();
      this.total = list.total;
    } catch (thrown) {
      if (mine === this.#asked && this.newest === null) this.problem = problemOf(thrown);
    }
  }
}

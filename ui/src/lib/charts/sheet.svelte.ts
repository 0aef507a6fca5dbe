// What the charts of a page have in common: the crosshair, the range of the x axis, which runs are hidden and which is
// brought out; and that only charts which show a changed run are drawn again.

import type { DrawRunChart, Plot, RunChart, RunSet } from "../bindings";
import type { Range } from "../chart/gesture";
import { runsPush } from "../runs/push";
import type { App } from "../state/app.svelte";
import { CallError } from "../host/host";
import { Batches } from "./batches";
import type { Layers } from "./layers";

/**
 * Calls under way at once, of pictures and of values under the crosshair: a browser has six connections to a host, and one of
 * them is the stream of events.
 */
const DRAWING = 3;
const READING = 2;
/** Pictures of one call: the first of them wait for the last. */
const TOGETHER = 6;
/** Pictures kept of charts that are out of sight. */
const KEPT = 400;

/** What the crosshair is on: a place on an axis of this kind, and the chart that it was put on. */
export type Hover = { readonly axis: string; readonly at: number; readonly chart: string };

/** A picture as it was drawn, with what it answers. */
export type Kept<T extends RunChart | Plot> = { answers: string; chart: T; layers: Layers; old: boolean; uids: ReadonlySet<string> };

type Follower = { changed: () => void; of: () => RunSet };

export class ChartSheet {
  hover = $state.raw<Hover | null>(null);
  /** What is zoomed on the x axis, in all charts that have the same. */
  zoom = $state.raw<{ axis: string; range: Range } | null>(null);
  hidden = $state.raw<ReadonlySet<string>>(new Set());
  /** The runs whose lines stand out. */
  brought = $state.raw<readonly string[] | null>(null);
  readonly #alone = new Batches<() => Promise<unknown>, unknown>(READING, 1, (works) => Promise.all(works.map(async (work) => ({ answer: await work() }))));
  readonly pictures = new Batches<DrawRunChart, RunChart>(DRAWING, TOGETHER, async (charts) => {
    const answer = await this.app.call("runs.charts", { charts: [...charts] });
    return answer.charts.map(({ chart, error }) => (chart === null ? { thrown: CallError.from(error) } : { answer: chart }));
  });
  #followers = new Map<string, Follower>();
  #kept = new Map<string, Kept<RunChart | Plot>>();

  constructor(
    readonly app: App,
    /** Told when a line is hidden or shown; without it the sheet keeps it for itself. */
    private readonly onhide: ((uids: readonly string[], hidden: boolean) => void) | null = null,
  ) {}

  /** Asks something that is no picture of lines when there is room; null if it is not wanted any more by then. */
  ask<T>(urgent: boolean, work: () => Promise<T>, wanted?: () => boolean): Promise<T | null> {
    return this.#alone.want(work, urgent, wanted) as Promise<T | null>;
  }

  follow(): () => void {
    const stops = [
      this.app.onPush((told) => {
        const push = runsPush(told);
        if (push !== null) this.#changed(new Set(push.uids), push.structure);
      }),
      this.app.onRefresh(() => this.#changed(null, true)),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }

  /** A chart that wants to know when its runs change. */
  join(id: string, follower: Follower): () => void {
    this.#followers.set(id, follower);
    return () => {
      if (this.#followers.get(id) === follower) this.#followers.delete(id);
    };
  }

  hide(uids: readonly string[], hidden: boolean): void {
    if (this.onhide !== null) return this.onhide(uids, hidden);
    const next = new Set(this.hidden);
    for (const uid of uids) if (hidden) next.add(uid);
      else next.delete(uid);
    this.hidden = next;
  }

  /** Takes the crosshair away, if it is this chart's. */
  leave(chart: string): void {
    if (this.hover?.chart === chart) this.hover = null;
  }

  /** The picture of a chart as it was last drawn; whose id it is knows of which kind. */
  kept<T extends RunChart | Plot>(id: string): Kept<T> | undefined {
    return this.#kept.get(id) as Kept<T> | undefined;
  }

  keep(id: string, what: Kept<RunChart | Plot>): void {
    this.#kept.delete(id);
    this.#kept.set(id, what);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > KEPT && oldest !== undefined) this.#kept.delete(oldest);
  }

  #changed(uids: ReadonlySet<string> | null, structure: boolean): void {
    const touches = (of: ReadonlySet<string>) => uids === null || [...uids].some((it) => of.has(it));
    for (const [id, it] of this.#kept) {
      if (it.old || this.#followers.has(id)) continue;
      // Of charts out of sight it is not known whether a query finds more runs now.
      if (structure || touches(it.uids)) it.old = true;
    }
    for (const [id, follower] of this.#followers) {
      const set = follower.of();
      const named = set.query === null && set.uids.some((it) => uids === null || uids.has(it));
      const listed = set.query !== null && structure;
      if (!named && !listed && !touches(this.#kept.get(id)?.uids ?? new Set())) continue;
      const it = this.#kept.get(id);
      if (it !== undefined) it.old = true;
      follower.changed();
    }
  }
}

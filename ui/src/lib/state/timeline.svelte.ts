// What ran where: the part of the past that is looked at, read as it is moved through and when something changes.

import type { Timeline as Data } from "../bindings";
import { problemOf, type Problem } from "../errors";
import { MOST_SPAN, zoomed, type View } from "../chart/timeline";
import { paced } from "../util/follow";
import type { App } from "./app.svelte";

const HOUR = 3_600_000;
const READ_MS = 250;
/** So much of the span stays free to the right of now. */
const AHEAD = 0.04;

export const SPANS: [number, string][] = [[6 * HOUR, "6 h"], [24 * HOUR, "24 h"], [7 * 24 * HOUR, "7 d"]];

export class TimelineState {
  data = $state.raw<Data | null>(null);
  problem = $state.raw<Problem | null>(null);
  span = $state(24 * HOUR);
  /** Where it ends; null while it goes along with the present. */
  end = $state<number | null>(null);
  now = $state(Date.now());
  #loaded: View | null = null;
  #read = this.#reading();
  #stop: (() => void)[] = [];

  constructor(private readonly app: App) {}

  readonly view = $derived.by((): View => {
    const to = this.end ?? this.now + this.span * AHEAD;
    return { from: to - this.span, to };
  });
  readonly runs = $derived(this.data?.bars.some((it) => it.to === null) ?? false);

  follow(): () => void {
    this.#read = this.#reading();
    this.#stop = [
      this.app.onPush((push) => {
        if (push.kind === "queue_update" && push.event.attempt !== null) this.refresh();
        else if (push.kind === "queue_update" && push.experiment === null) this.refresh();
      }),
      this.app.onRefresh(() => this.refresh()),
    ];
    this.refresh();
    return () => {
      this.#read.stop();
      for (const stop of this.#stop) stop();
    };
  }

  refresh(): void {
    this.now = Date.now();
    this.#loaded = null;
    this.#read.ask();
  }

  show(span: number): void {
    this.span = span;
    this.end = null;
    this.#look();
  }

  zoom(factor: number, about: number): void {
    const view = zoomed(this.view, factor, about);
    this.span = Math.min(view.to - view.from, MOST_SPAN);
    // What goes along with the present goes on doing so where the zoom is about the present.
    this.end = this.end === null && Math.abs(about - this.now) <= this.span * 0.1 ? null : view.to;
    this.#look();
  }

  /** Moves along by a time; past the present it goes along with it again. */
  pan(by: number): void {
    const end = this.view.to + by;
    const most = this.now + this.span * AHEAD;
    this.end = end >= most ? null : end;
    this.#look();
  }

  toNow(): void {
    this.end = null;
    this.#look();
  }

  #look(): void {
    const { from, to } = this.view;
    if (this.#loaded === null || from < this.#loaded.from || Math.min(to, this.now) > this.#loaded.to) this.#read.ask();
  }

  #reading() {
    return paced(READ_MS, async () => {
      // A span to either side, so that moving a little reads nothing.
      const { from, to } = this.view;
      const wanted = { from: Math.round(from - this.span), to: Math.round(to + this.span) };
      try {
        const data = await this.app.call("queue.timeline", wanted);
        this.data = data;
        const oldest = data.bars[0]?.from;
        this.#loaded = data.truncated && oldest !== undefined ? { from: oldest, to: wanted.to } : wanted;
        this.problem = null;
      } catch (thrown) {
        this.problem = problemOf(thrown);
      }
    });
  }
}

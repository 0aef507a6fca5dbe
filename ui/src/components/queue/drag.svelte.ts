// Waiting rows under the pointer: what is carried, and the gap in which it would land. Rows of the list are carried
// within the list, and those of an open group within their group.

import type { Experiment } from "../../lib/bindings";
import type { Experiments } from "../../lib/state/experiments.svelte";
import { ROW } from "../../lib/state/layout";
import type { Table } from "../../lib/state/table.svelte";

/** So far a press is still a click. */
const THRESHOLD = 5;
/** So near the edge the list scrolls by itself. */
const EDGE = 36;

export class Drag {
  /** What is carried; empty while nothing is. */
  of = $state.raw<Experiment[]>([]);
  /** Where it was taken from, and is put back to. */
  list = $state.raw<Experiments | null>(null);
  /** The gap between that list's waiting rows, 0 before the first. */
  gap = $state<number | null>(null);
  x = $state(0);
  y = $state(0);
  #from: { x: number; y: number; experiment: Experiment; list: Experiments } | null = null;
  #frame = 0;
  /** The click that ends a drag is none. */
  #swallow = false;

  constructor(
    private readonly table: Table,
    private readonly scroller: () => HTMLElement | undefined,
  ) {}

  get active(): boolean {
    return this.of.length > 0;
  }

  carries(uid: string): boolean {
    return this.of.some((it) => it.uid === uid);
  }

  down(event: PointerEvent, experiment: Experiment, list: Experiments): void {
    this.#swallow = false;
    if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
    this.#from = { x: event.clientX, y: event.clientY, experiment, list };
  }

  move(event: PointerEvent): void {
    const from = this.#from;
    if (from === null) return;
    this.x = event.clientX;
    this.y = event.clientY;
    if (!this.active) {
      if (Math.hypot(event.clientX - from.x, event.clientY - from.y) < THRESHOLD) return;
      const { experiment, list } = from;
      const within = list === this.table.list ? () => true : (it: Experiment) => it.group === experiment.group;
      // A row that is selected takes the others along; another one goes alone.
      this.of = this.table.isSelected(experiment.uid) ? this.table.movable(this.table.selected).filter(within) : [experiment];
      this.list = list;
      this.scroller()?.setPointerCapture(event.pointerId);
      this.#scroll();
    }
    this.#aim();
  }

  async up(): Promise<void> {
    const { of, gap, list } = this;
    const was = this.active;
    this.cancel();
    if (!was) return;
    this.#swallow = true;
    const to = gap === null || list === null ? null : this.table.destination(of, gap, list);
    if (to !== null) await this.table.move(of, to);
  }

  cancel(): void {
    if (this.active) this.#swallow = true;
    this.#from = null;
    this.of = [];
    this.list = null;
    this.gap = null;
    cancelAnimationFrame(this.#frame);
  }

  /** Whether a click belongs to the drag that has just ended. */
  swallows(): boolean {
    const was = this.#swallow;
    this.#swallow = false;
    return was;
  }

  #aim(): void {
    const scroller = this.scroller();
    const block = this.list === null ? undefined : this.table.layout.rowsOf(this.list, "waiting");
    if (scroller === undefined) return;
    if (block === undefined) {
      // The group was closed, or none of it waits any more.
      this.gap = null;
      return;
    }
    const y = this.y - scroller.getBoundingClientRect().top + scroller.scrollTop;
    this.gap = Math.min(Math.max(Math.round((y - block.top) / ROW), 0), block.count);
  }

  #scroll(): void {
    this.#frame = requestAnimationFrame(() => {
      const scroller = this.scroller();
      if (!this.active || scroller === undefined) return;
      const box = scroller.getBoundingClientRect();
      const above = box.top + EDGE - this.y;
      const below = this.y - (box.bottom - EDGE);
      const by = above > 0 ? -above : below > 0 ? below : 0;
      if (by !== 0) {
        scroller.scrollTop += Math.round(by / 3);
        this.#aim();
      }
      this.#scroll();
    });
  }
}

// The queue's list as it is worked with: its lines, which is the current one, what is selected, what is moved.
//
// A selection outlives the rows that are loaded: it keeps the experiments themselves, and pushes keep them current.

import type { Destination, Experiment, Group } from "../bindings";
import { problemOf } from "../errors";
import { count } from "../util/format";
import { sectionOf, type Section } from "../util/status";
import { move } from "./acts";
import type { App } from "./app.svelte";
import { Experiments } from "./experiments.svelte";
import { groupSection, groupSections } from "./groups.svelte";
import { Layout, type Block } from "./layout";
import { SECTIONS } from "./listing";

/** More than this is not selected at once. */
export const SELECTED_AT_MOST = 10_000;
const APPLY_MS = 60;

type RowBlock = Extract<Block<Experiments>, { kind: "rows" }>;

/** What stands on a line. */
export type Line =
  | { kind: "head" | "members"; key: null }
  | { kind: "group"; key: string; group: Group }
  | { kind: "experiment"; key: string; experiment: Experiment; block: RowBlock; index: number }
  | { kind: "missing"; key: null };

export const groupKey = (name: string): string => `group ${name}`;

export class Table {
  /** The current line: a uid, or `group NAME`. */
  current = $state<string | null>(null);
  /** Groups that are open, with their members. */
  open = $state.raw<ReadonlyMap<string, Experiments>>(new Map());
  /** Rows are being read so that they can be selected. */
  gathering = $state(false);

  #chosen = new Map<string, Experiment>();
  #turn = $state(0);
  #anchor: string | null = null;
  #gather = 0;
  #follows = new Map<string, () => void>();
  #stop: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly app: App,
    readonly list: Experiments,
  ) {
    this.#stop = app.onPush((push) => {
      if (push.kind !== "queue_update") return;
      const uid = push.event.uid;
      if (uid === null || !this.#chosen.has(uid)) return;
      if (push.experiment === null) this.#chosen.delete(uid);
      else this.#chosen.set(uid, push.experiment);
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        this.#turn += 1;
      }, APPLY_MS);
    });
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#stop();
    for (const stop of this.#follows.values()) stop();
    this.#follows.clear();
  }

  readonly layout = $derived.by(() => {
    const { ungrouped } = this.list.query;
    const groups = ungrouped ? this.app.groups.list : [];
    const sections = SECTIONS.map((section) => ({
      section,
      total: groups.reduce((sum, it) => sum + groupSections(it.counts)[section], this.list.count(section)),
      groups: groups.filter((it) => groupSection(it.counts) === section),
    }));
    return new Layout<Experiments>(sections, this.list, this.open);
  });

  // Lines.

  lineAt(place: number): Line | null {
    const found = this.layout.at(place);
    if (found === null) return null;
    const { block, index } = found;
    if (block.kind === "group") return { kind: "group", key: groupKey(block.group.name), group: block.group };
    if (block.kind !== "rows") return { kind: block.kind, key: null };
    const experiment = block.list.at(block.of, index);
    return experiment === undefined ? { kind: "missing", key: null } : { kind: "experiment", key: experiment.uid, experiment, block, index };
  }

  placeOf(key: string): number {
    for (const list of [this.list, ...this.open.values()]) {
      const found = list.find(key);
      if (found === null) continue;
      const block = this.layout.rowsOf(list, found.section);
      if (block !== undefined) return block.place + found.index;
    }
    return this.layout.blocks.find((it) => it.kind === "group" && it.key === key)?.place ?? -1;
  }

  get(uid: string): Experiment | undefined {
    for (const list of [this.list, ...this.open.values()]) {
      const found = list.get(uid);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** The group that is current, if one is. */
  get currentGroup(): Group | null {
    const key = this.current;
    return key === null || !key.startsWith("group ") ? null : (this.app.groups.get(key.slice(6)) ?? null);
  }

  toggle(name: string, open = !this.open.has(name)): void {
    if (open === this.open.has(name)) return;
    const next = new Map(this.open);
    if (open) {
      const members = new Experiments(this.app, { group: name });
      this.#follows.set(name, members.follow());
      next.set(name, members);
    } else {
      this.#follows.get(name)?.();
      this.#follows.delete(name);
      next.delete(name);
      const at = this.current === null ? undefined : this.open.get(name)?.find(this.current);
      if (at !== undefined && at !== null) this.current = groupKey(name);
    }
    this.open = next;
  }

  // The current line and the selection.

  isSelected(uid: string): boolean {
    void this.#turn;
    return this.#chosen.has(uid);
  }

  get selected(): Experiment[] {
    void this.#turn;
    return [...this.#chosen.values()];
  }

  get size(): number {
    void this.#turn;
    return this.#chosen.size;
  }

  /** What acts are about: the selection, or else what is open or current. */
  readonly subject = $derived.by((): Experiment[] => {
    if (this.size > 0) return this.selected;
    const open = this.app.router.job;
    const one = (open === null ? undefined : this.get(open)) ?? (this.current === null ? undefined : this.get(this.current));
    return one === undefined ? [] : [one];
  });

  clear(): void {
    this.#gather += 1;
    this.#chosen.clear();
    this.#turn += 1;
  }

  /** Makes a line the current one; what is between it and the anchor is selected too, if it is to be extended. */
  go(place: number, extend: boolean): boolean {
    const line = this.lineAt(place);
    if (line === null || line.key === null) return false;
    if (extend) this.#anchor ??= this.current ?? line.key;
    else {
      this.#anchor = line.key;
      this.clear();
    }
    this.current = line.key;
    if (extend && this.#anchor !== null) void this.range(this.placeOf(this.#anchor), place);
    return true;
  }

  /** The list that shows an experiment: the whole one, or that of an open group. */
  listOf(uid: string): Experiments | undefined {
    return [this.list, ...this.open.values()].find((it) => it.find(uid) !== null);
  }

  /** The next place in a direction that can be current. */
  next(by: number): number {
    const { length } = this.layout;
    const from = this.current === null ? -1 : this.placeOf(this.current);
    let place = from < 0 ? (by > 0 ? -1 : length) : from;
    const step = Math.sign(by);
    const canBe = (at: number) => {
      const kind = this.lineAt(at)?.kind;
      return kind === "group" || kind === "experiment" || kind === "missing";
    };
    for (let left = Math.abs(by); left > 0; left -= 1) {
      let next = place + step;
      while (next >= 0 && next < length && !canBe(next)) next += step;
      if (next < 0 || next >= length) break;
      place = next;
    }
    return place;
  }

  /** A click on a row, with what was held down. Answers whether it is to be opened. */
  click(experiment: Experiment, how: { shift: boolean; toggle: boolean }): boolean {
    const { uid } = experiment;
    if (how.shift && this.current !== null) {
      this.#anchor ??= this.current;
      void this.range(this.placeOf(this.#anchor), this.placeOf(uid));
    } else if (how.toggle) {
      this.#gather += 1;
      if (this.#chosen.size === 0 && this.current !== null && this.current !== uid) {
        const first = this.get(this.current);
        if (first !== undefined) this.#chosen.set(first.uid, first);
      }
      if (!this.#chosen.delete(uid)) this.#chosen.set(uid, experiment);
      this.#anchor = uid;
      this.#turn += 1;
    } else {
      this.clear();
      this.#anchor = uid;
      this.current = uid;
      return true;
    }
    this.current = uid;
    return false;
  }

  /** Selects the experiments between two places; those that are not loaded are read first. */
  async range(from: number, to: number): Promise<void> {
    if (from < 0 || to < 0) return;
    const [first, last] = from < to ? [from, to] : [to, from];
    this.#gather += 1;
    const turn = this.#gather;
    const parts: { list: Experiments; of: Section; from: number; to: number }[] = [];
    let room = SELECTED_AT_MOST;
    for (const block of this.layout.blocks) {
      if (block.kind !== "rows") continue;
      const begin = Math.max(first - block.place, 0);
      const end = Math.min(last - block.place + 1, block.count, begin + room);
      if (end <= begin) continue;
      parts.push({ list: block.list, of: block.of, from: begin, to: end });
      room -= end - begin;
    }
    const here: Experiment[] = [];
    let whole = true;
    for (const part of parts) {
      for (let index = part.from; index < part.to; index += 1) {
        const one = part.list.at(part.of, index);
        if (one === undefined) whole = false;
        else here.push(one);
      }
    }
    this.#choose(here);
    if (whole) return;
    this.gathering = true;
    try {
      const all: Experiment[] = [];
      for (const part of parts) {
        all.push(...(await part.list.take(part.of, part.from, part.to)));
        if (turn !== this.#gather) return;
      }
      this.#choose(all);
      if (room === 0) this.app.toasts.say(`The first ${count(SELECTED_AT_MOST)} are selected`);
    } catch (thrown) {
      this.app.toasts.problem(problemOf(thrown));
    } finally {
      if (turn === this.#gather) this.gathering = false;
    }
  }

  all(): Promise<void> {
    return this.range(0, this.layout.length - 1);
  }

  #choose(experiments: readonly Experiment[]): void {
    this.#chosen = new Map(experiments.map((it) => [it.uid, it]));
    this.#turn += 1;
  }

  // Places in the queue.

  /** Those of a selection that can be moved. */
  movable(of: readonly Experiment[]): Experiment[] {
    return of.filter((it) => sectionOf(it.status) === "waiting");
  }

  /** Moves what waits, shown at once and put back if the engine refuses. */
  async move(of: readonly Experiment[], to: Destination): Promise<void> {
    const uids = this.movable(of).map((it) => it.uid);
    if (uids.length === 0) return;
    const lists = [this.list, ...this.open.values()];
    for (const list of lists) list.reorder(uids, to);
    await move(this.app, uids, to);
    for (const list of lists) list.settle();
  }

  /** One place up or down, past the neighbour of what is moved. */
  async step(of: readonly Experiment[], by: 1 | -1): Promise<void> {
    const wanted = this.movable(of);
    const [one] = wanted;
    if (one === undefined) return;
    const list = [this.list, ...this.open.values()].find((it) => it.get(one.uid) !== undefined);
    if (list === undefined) return;
    const places = wanted.map((it) => list.find(it.uid)?.index ?? -1).filter((it) => it >= 0);
    const next = by < 0 ? Math.min(...places) - 1 : Math.max(...places) + 1;
    if (next < 0 || next >= list.count("waiting")) return;
    const other = list.at("waiting", next);
    if (other === undefined) return;
    await this.move(wanted, by < 0 ? { to: "before", other: other.uid } : { to: "after", other: other.uid });
  }

  /**
   * Where rows that are dropped at a gap between a list's waiting rows go.
   *
   * - `gap` counts from 0 (before the first) to the number of waiting rows (behind the last).
   * - The neighbour may be one of the moved; then the next that is not is taken, in the direction of the nearer end.
   * - The ends of the list are those of the queue; the ends of a group are its own first and last.
   * - Null where nothing would change, or no neighbour is loaded.
   */
  destination(of: readonly Experiment[], gap: number, list: Experiments = this.list): Destination | null {
    const whole = list === this.list;
    const total = list.count("waiting");
    const taken = new Set(of.map((it) => it.uid));
    const places = of.map((it) => list.find(it.uid)?.index ?? -1).sort((a, b) => a - b);
    const together = places.every((it, i) => i === 0 || it === (places[i - 1] ?? 0) + 1);
    if (together && places[0] !== undefined && places[0] >= 0 && gap >= places[0] && gap <= places[0] + places.length) return null;
    let after = gap;
    while (after < total && taken.has(list.at("waiting", after)?.uid ?? "")) after += 1;
    const next = list.at("waiting", after);
    if (next !== undefined && after < total) return whole && gap === 0 ? { to: "top" } : { to: "before", other: next.uid };
    let before = gap - 1;
    while (before >= 0 && taken.has(list.at("waiting", before)?.uid ?? "")) before -= 1;
    const last = list.at("waiting", before);
    if (last === undefined) return null;
    return whole && gap >= total ? { to: "bottom" } : { to: "after", other: last.uid };
  }
}

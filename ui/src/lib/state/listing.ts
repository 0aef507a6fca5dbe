// A list of experiments as the engine has it, of which a window of each section is loaded.
//
// Three sections. Of each, `total` is the engine's, and `rows` are those from `start` on: a few hundred at most, with
// holes where a row was not read yet. So nothing here costs more when more is stored. Pushes are applied where the
// place of a row is known; where it is not (the row is outside the window, or the engine filters), the section is
// marked stale and what is on screen is read again. Pure: no clock, no host.

import type { Destination, EventKind, Experiment, MetricValue, Progress, Push } from "../bindings";
import { isEnded, sectionOf, type Section } from "../util/status";

export const SECTIONS: readonly Section[] = ["active", "waiting", "finished"];

const SEEN_AT_MOST = 20_000;
/** Rows kept on either side of what is looked at, so that scrolling back a little reads nothing. */
const KEPT_BESIDE = 200;
/** Newcomers push out the last ones when nobody looks. */
const LOADED_AT_MOST = 2_000;

const PRIORITIES = ["urgent", "high", "normal", "low"];

/** Events after which an experiment is in the section in which it was. */
const STAYS: ReadonlySet<EventKind> = new Set<EventKind>(["cancel_requested", "held", "released", "paused", "resumed", "edited", "moved", "gpu_idle", "policy_cancel"]);

export type Rows = {
  total: number;
  /** The index of the first of `rows`. */
  start: number;
  rows: (Experiment | undefined)[];
  /** What is loaded may stand in the wrong place, or lack a row. */
  stale: boolean;
  /** Whether anything was read yet. */
  loaded: boolean;
};

type QueueUpdate = Extract<Push, { kind: "queue_update" }>;
type RunUpdate = Extract<Push, { kind: "run_update" }>;

export class Listing {
  readonly sections: Record<Section, Rows> = {
    active: emptyRows(),
    waiting: emptyRows(),
    finished: emptyRows(),
  };
  /** The section in which each loaded experiment stands. */
  #where = new Map<string, Section>();
  /** The newest event applied to each experiment: an older one changes nothing. */
  #seen = new Map<string, number>();

  /** `selects` says whether an experiment belongs here; undefined when only the engine can tell. */
  constructor(private readonly selects: (experiment: Experiment) => boolean | undefined) {}

  get(uid: string): Experiment | undefined {
    const found = this.find(uid);
    return found === null ? undefined : this.at(found.section, found.index);
  }

  at(section: Section, index: number): Experiment | undefined {
    const rows = this.sections[section];
    return rows.rows[index - rows.start];
  }

  /** Where a loaded experiment stands. */
  find(uid: string): { section: Section; index: number } | null {
    const section = this.#where.get(uid);
    if (section === undefined) return null;
    const rows = this.sections[section];
    const at = rows.rows.findIndex((it) => it?.uid === uid);
    return at < 0 ? null : { section, index: rows.start + at };
  }

  /** Makes `from` to `to` part of the window, with holes where nothing was read, and drops what is far away. */
  look(section: Section, from: number, to: number): void {
    const rows = this.sections[section];
    from = Math.max(0, Math.min(from, rows.total));
    to = Math.max(from, Math.min(to, rows.total));
    const end = rows.start + rows.rows.length;
    // Inside the window there is nothing to do, which is the usual case while it is scrolled.
    if (from >= rows.start && to <= end) return;
    const least = Math.max(from - KEPT_BESIDE, 0);
    const most = Math.min(to + KEPT_BESIDE, rows.total);
    const apart = to < rows.start || from > end;
    const start = apart ? from : Math.max(Math.min(rows.start, from), least);
    const stop = apart ? to : Math.min(Math.max(end, to), most);
    const next: (Experiment | undefined)[] = [];
    for (let index = start; index < stop; index += 1) next.push(rows.rows[index - rows.start]);
    rows.rows.forEach((it, at) => {
      const index = rows.start + at;
      if (it !== undefined && (index < start || index >= stop)) this.#where.delete(it.uid);
    });
    rows.start = start;
    rows.rows = next;
  }

  /** The first and the last hole between `from` and `to`, or null when all of it is there. */
  holes(section: Section, from: number, to: number): [number, number] | null {
    let first = -1;
    let last = -1;
    for (let index = Math.max(0, from); index < Math.min(to, this.sections[section].total); index += 1) {
      if (this.at(section, index) !== undefined) continue;
      if (first < 0) first = index;
      last = index;
    }
    return first < 0 ? null : [first, last + 1];
  }

  /** Takes a page that was read; a fresh one takes the place of all that was loaded. */
  page(section: Section, offset: number, experiments: readonly Experiment[], total: number, fresh: boolean): void {
    const rows = this.sections[section];
    if (fresh) {
      for (const row of rows.rows) if (row !== undefined && this.#where.get(row.uid) === section) this.#where.delete(row.uid);
      rows.rows = [];
      rows.start = Math.min(offset, total);
      rows.stale = false;
    }
    this.#resize(rows, total);
    rows.loaded = true;
    if (fresh || rows.rows.length === 0) this.look(section, offset, offset + experiments.length);
    experiments.forEach((experiment, i) => {
      // Rows may have moved between two reads: nothing may stand twice.
      const old = this.#where.get(experiment.uid);
      if (old !== undefined) this.#clear(old, experiment.uid);
      const at = offset + i - rows.start;
      // What is outside the window was scrolled away from while it was read.
      if (at < 0 || at >= rows.rows.length) return;
      const stood = rows.rows[at];
      if (stood !== undefined) this.#where.delete(stood.uid);
      rows.rows[at] = experiment;
      this.#where.set(experiment.uid, section);
    });
  }

  /** Applies one event. Answers whether anything shown can have changed. */
  update(push: QueueUpdate): boolean {
    const uid = push.event.uid ?? push.experiment?.uid;
    if (uid === undefined || uid === null) return false;
    if ((this.#seen.get(uid) ?? 0) >= push.event.cursor) return false;
    if (this.#seen.size > SEEN_AT_MOST) this.#seen.clear();
    this.#seen.set(uid, push.event.cursor);
    const now = push.experiment;
    const what = push.event.what;
    const before = this.get(uid);
    // A page may have been read after this event was written and before it came here.
    if (before !== undefined && now !== null && isEnded(before.status) && !isEnded(now.status) && now.attempt <= before.attempt && STALE_AFTER_END.has(what)) {
      return false;
    }
    if (now === null) {
      if (before !== undefined) this.#remove(uid);
      else if (what !== "added") this.markStale();
      return true;
    }
    const selected = this.selects(now);
    if (selected === false) {
      if (before !== undefined) this.#remove(uid);
      // It may have been one of these, out of sight: put away, or put into a group.
      else if (what === "archived" || what === "restored" || what === "edited" || what === "group_changed") this.markStale();
      return before !== undefined;
    }
    const to = sectionOf(now.status);
    const from = this.#where.get(uid);
    if (from === to) {
      this.#replace(to, now);
      if (what === "moved" || (before !== undefined && before.priority !== now.priority)) this.sections[to].stale = true;
      return true;
    }
    if (from !== undefined) this.#remove(uid);
    else if (what !== "added") {
      if (STAYS.has(what) && !this.#whole(to)) {
        // It is there already, out of sight; only its place may be another one.
        if (what === "moved" || what === "edited") this.sections[to].stale = true;
        return false;
      }
      this.#leftUnseen(to);
    }
    if (selected === undefined) {
      // Only the engine knows whether the filter lets it in.
      this.sections[to].stale = true;
      return true;
    }
    this.#insert(to, now, what === "added");
    return true;
  }

  /** Applies new metrics and progress. */
  progress(push: RunUpdate): boolean {
    const section = this.#where.get(push.uid);
    if (section === undefined) return false;
    const old = this.get(push.uid);
    if (old === undefined) return false;
    this.#replace(section, { ...old, metrics: merged(old.metrics, push.metrics), progress: newer(old.progress, push.progress) });
    return true;
  }

  /** Takes what the engine answered to an action, as if a push had told of it without moving it. */
  put(experiment: Experiment): void {
    const section = this.#where.get(experiment.uid);
    if (section !== undefined && section === sectionOf(experiment.status)) this.#replace(section, experiment);
  }

  /** Shows waiting experiments at their new place before the engine has said so. Those out of sight do not matter. */
  reorder(uids: readonly string[], to: Destination): void {
    const rows = this.sections.waiting;
    const moved = new Set(uids);
    const taken = rows.rows.filter((it): it is Experiment => it !== undefined && moved.has(it.uid));
    const left = rows.rows.filter((it) => it === undefined || !moved.has(it.uid));
    let at = to.to === "top" ? 0 : left.length;
    if (to.to === "before" || to.to === "after") {
      const other = left.findIndex((it) => it?.uid === to.other);
      if (other < 0) return;
      at = to.to === "before" ? other : other + 1;
    }
    left.splice(at, 0, ...taken);
    rows.rows = left;
  }

  markStale(): void {
    for (const section of SECTIONS) this.sections[section].stale = true;
  }

  /** Whether every row of a section is loaded. */
  #whole(section: Section): boolean {
    const rows = this.sections[section];
    return rows.loaded && rows.rows.length === rows.total && !rows.rows.includes(undefined);
  }

  #replace(section: Section, experiment: Experiment): void {
    const rows = this.sections[section].rows;
    const at = rows.findIndex((it) => it?.uid === experiment.uid);
    if (at >= 0) rows[at] = experiment;
  }

  /** Makes a hole where it stands. */
  #clear(section: Section, uid: string): void {
    const rows = this.sections[section].rows;
    const at = rows.findIndex((it) => it?.uid === uid);
    if (at >= 0) rows[at] = undefined;
    this.#where.delete(uid);
  }

  #remove(uid: string): void {
    const section = this.#where.get(uid);
    if (section === undefined) return;
    const rows = this.sections[section];
    const at = rows.rows.findIndex((it) => it?.uid === uid);
    if (at >= 0) {
      rows.rows.splice(at, 1);
      rows.total -= 1;
    }
    this.#where.delete(uid);
  }

  /** An experiment that was never loaded came to a section: it left a row behind somewhere that is not known. */
  #leftUnseen(to: Section): void {
    for (const section of SECTIONS) {
      // A section that is loaded whole holds no row that is unknown.
      if (section !== to && this.sections[section].loaded && !this.#whole(section)) this.sections[section].stale = true;
    }
  }

  #insert(section: Section, experiment: Experiment, isNew: boolean): void {
    const rows = this.sections[section];
    if (!rows.loaded) {
      rows.stale = true;
      return;
    }
    const end = rows.start + rows.rows.length;
    const at = place(section, rows.rows, experiment);
    rows.total += 1;
    if (at === 0 && rows.start > 0) rows.start += 1;
    else if (at < rows.rows.length || end === rows.total - 1) {
      rows.rows.splice(at, 0, experiment);
      this.#where.set(experiment.uid, section);
      if (rows.rows.length > LOADED_AT_MOST) {
        const gone = rows.rows.pop();
        if (gone !== undefined) this.#where.delete(gone.uid);
      }
    }
    // A newcomer is the last of its priority; where one that comes back stands is the engine's to say. Behind a hole
    // every place is a guess.
    if (section === "waiting" && (!isNew || rows.rows.includes(undefined))) rows.stale = true;
  }

  #resize(rows: Rows, total: number): void {
    rows.total = total;
    rows.start = Math.min(rows.start, total);
    const most = total - rows.start;
    for (const row of rows.rows.slice(most)) if (row !== undefined) this.#where.delete(row.uid);
    if (rows.rows.length > most) rows.rows.length = most;
  }
}

/** Events that tell of something before the end. */
const STALE_AFTER_END: ReadonlySet<EventKind> = new Set<EventKind>(["added", "started", "voided", "cancel_requested", "held", "released", "paused", "resumed", "edited", "moved", "gpu_idle", "policy_cancel"]);

function emptyRows(): Rows {
  return { total: 0, start: 0, rows: [], stale: false, loaded: false };
}

/** Where a newcomer goes: newest first among the ended, else after all that come before it. */
function place(section: Section, rows: readonly (Experiment | undefined)[], experiment: Experiment): number {
  if (section === "finished") return 0;
  let at = rows.length;
  while (at > 0) {
    const before = rows[at - 1];
    if (before === undefined || !precedes(section, experiment, before)) break;
    at -= 1;
  }
  return at;
}

function precedes(section: Section, a: Experiment, b: Experiment): boolean {
  if (section === "active") return (a.started_at ?? 0) < (b.started_at ?? 0);
  const byPriority = PRIORITIES.indexOf(a.priority) - PRIORITIES.indexOf(b.priority);
  return byPriority < 0 || (byPriority === 0 && a.created_at < b.created_at);
}

/** Latest values, in the order in which the keys first came. */
export function merged(old: readonly MetricValue[], latest: readonly MetricValue[]): MetricValue[] {
  if (latest.length === 0) return [...old];
  const byKey = new Map(old.map((it) => [it.key, it]));
  for (const value of latest) byKey.set(value.key, value);
  return [...byKey.values()];
}

const newer = (old: Progress | null, latest: Progress | null): Progress | null => latest ?? old;

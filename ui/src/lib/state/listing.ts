// A list of experiments as the engine has it, of which only what was looked at is loaded.
//
// Three sections, each an array with holes: `total` is the engine's, a hole is a row that was not read yet. Pushes are
// applied where the place of a row is known; where it is not (the row was never loaded, or the engine filters), the
// section is marked stale and what is on screen is read again. Pure: no clock, no host.

import type { Experiment, MetricValue, Progress, Push } from "../bindings";
import { isEnded, sectionOf, type Section } from "../util/status";

export const SECTIONS: readonly Section[] = ["active", "waiting", "finished"];

const SEEN_AT_MOST = 20_000;

const PRIORITIES = ["urgent", "high", "normal", "low"];

export type Rows = {
  total: number;
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
  /** Where each loaded experiment stands. The index is a hint: looked up, then searched for. */
  #where = new Map<string, Section>();
  /** The newest event applied to each experiment: an older one changes nothing. */
  #seen = new Map<string, number>();

  /** `selects` says whether an experiment belongs here; undefined when only the engine can tell. */
  constructor(private readonly selects: (experiment: Experiment) => boolean | undefined) {}

  get(uid: string): Experiment | undefined {
    const section = this.#where.get(uid);
    return section === undefined ? undefined : this.sections[section].rows.find((it) => it?.uid === uid);
  }

  /** Takes a page that was read. */
  page(section: Section, offset: number, experiments: readonly Experiment[], total: number, fresh: boolean): void {
    const rows = this.sections[section];
    if (fresh) {
      for (const row of rows.rows) if (row !== undefined && this.#where.get(row.uid) === section) this.#where.delete(row.uid);
      rows.rows = [];
    }
    resize(rows, total);
    rows.loaded = true;
    if (fresh) rows.stale = false;
    experiments.forEach((experiment, i) => {
      // Rows may have moved between two reads: nothing may stand twice.
      const old = this.#where.get(experiment.uid);
      if (old !== undefined) this.#clear(old, experiment.uid);
      if (offset + i < total) {
        rows.rows[offset + i] = experiment;
        this.#where.set(experiment.uid, section);
      }
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
    const before = this.get(uid);
    // A page may have been read after this event was written and before it came here.
    if (before !== undefined && now !== null && isEnded(before.status) && !isEnded(now.status) && now.attempt <= before.attempt) {
      return false;
    }
    if (now === null) {
      this.#remove(uid, push.event.what === "added" ? undefined : before);
      return true;
    }
    const selected = this.selects(now);
    if (selected === false) {
      if (before !== undefined) this.#remove(uid, before);
      return before !== undefined;
    }
    const to = sectionOf(now.status);
    const from = this.#where.get(uid);
    if (from === to) {
      this.#replace(to, now);
      return true;
    }
    if (from !== undefined) this.#remove(uid, before);
    else if (push.event.what !== "added") this.#leftUnseen(to);
    if (selected === undefined) {
      // Only the engine knows whether the filter lets it in.
      this.sections[to].stale = true;
      return true;
    }
    this.#insert(to, now);
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

  markStale(): void {
    for (const section of SECTIONS) this.sections[section].stale = true;
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

  #remove(uid: string, before: Experiment | undefined): void {
    const section = this.#where.get(uid);
    if (section === undefined) {
      if (before === undefined) this.markStale();
      return;
    }
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
      const rows = this.sections[section];
      // A section that is loaded whole holds no row that is unknown.
      if (section !== to && rows.loaded && rows.rows.includes(undefined)) rows.stale = true;
    }
  }

  #insert(section: Section, experiment: Experiment): void {
    const rows = this.sections[section];
    if (!rows.loaded) {
      rows.stale = true;
      return;
    }
    const at = place(section, rows.rows, experiment);
    rows.rows.splice(at, 0, experiment);
    rows.total += 1;
    this.#where.set(experiment.uid, section);
    // Behind a hole its true place is a guess.
    if (section === "waiting" && rows.rows.includes(undefined)) rows.stale = true;
  }
}

/** Filled, not only lengthened: an array with real holes becomes a hash table, and slow. */
function resize(rows: Rows, total: number): void {
  if (rows.rows.length > total) rows.rows.length = total;
  while (rows.rows.length < total) rows.rows.push(undefined);
  rows.total = total;
}

function emptyRows(): Rows {
  return { total: 0, rows: [], stale: false, loaded: false };
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

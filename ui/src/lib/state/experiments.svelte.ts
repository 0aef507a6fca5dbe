// A list of experiments that keeps itself current: pages from the engine, changes from pushes.

import type { Destination, Experiment, ListExperiments, Push } from "../bindings";
import { problemOf, type Problem } from "../errors";
import { paced } from "../util/follow";
import type { Section } from "../util/status";
import type { App } from "./app.svelte";
import { Listing, SECTIONS, type Rows } from "./listing";

const PAGE = 100;
/** The most that the engine gives at once. */
const MOST = 1_000;
/** A burst of pushes is applied at once, this often at most. */
const APPLY_MS = 60;
const READ_AGAIN_MS = 400;
/** Pages that are read at the same time: what is scrolled past meanwhile is never asked for. */
const AT_ONCE = 2;
/** A burst that is larger than this is read anew rather than applied one by one. */
const BURST = 5_000;

export type Query = {
  project: string | null;
  text: string;
  /** Only this group. */
  group: string | null;
  /** Groups are shown folded: only those without one. */
  ungrouped: boolean;
  /** Those that were put away, instead of the others. */
  archived: boolean;
};

/** What a list has shown when it was left, so that going back to it shows that at once and what is new a moment later. */
const left = new WeakMap<App, Map<string, Listing>>();
const LEFT_AT_MOST = 4;

const ANY: Query = { project: null, text: "", group: null, ungrouped: false, archived: false };

export class Experiments {
  problem = $state.raw<Problem | null>(null);
  loaded = $state(false);
  #version = $state(0);
  #listing: Listing;
  #query = $state.raw<Query>(ANY);
  /** What of each section is on screen; null when nothing of it is. */
  #looked: Record<Section, [number, number] | null>;
  #pending: Push[] = [];
  #reading = 0;
  /** Moves that are shown and not answered yet. */
  #moving = 0;
  #pages = new Set<string>();
  #stop: (() => void)[] = [];
  #apply = this.#applying();
  #readAgain = this.#readingAgain();

  constructor(
    private readonly app: App,
    query: Partial<Query> = {},
    /** How many rows of each section are read at first. */
    private readonly first: number = PAGE,
  ) {
    this.#query = { ...ANY, ...query };
    this.#looked = this.#fromTheTop();
    this.#listing = new Listing(selector(this.#query));
  }

  /** To be called in an effect: follows the engine as long as the effect lives. */
  follow(): () => void {
    // The effect runs again when the engine is found; what was stopped stays stopped.
    this.#apply = this.#applying();
    this.#readAgain = this.#readingAgain();
    this.#stop = [
      this.app.onPush((push) => {
        if (push.kind !== "queue_update" && push.kind !== "run_update") return;
        this.#pending.push(push);
        this.#apply.ask();
      }),
      this.app.onRefresh(() => this.#readAgain.ask()),
    ];
    const before = left.get(this.app)?.get(this.#key);
    if (!this.loaded && before !== undefined) {
      this.#listing = before;
      this.loaded = true;
      this.#version += 1;
    }
    if (this.app.connection === "live") void this.#read();
    return () => {
      this.#leave();
      this.#apply.stop();
      this.#readAgain.stop();
      for (const stop of this.#stop) stop();
    };
  }

  get #key(): string {
    return JSON.stringify([this.#query, this.first]);
  }

  #leave(): void {
    if (!this.loaded || this.#query.text !== "") return;
    const kept = left.get(this.app) ?? new Map<string, Listing>();
    kept.delete(this.#key);
    kept.set(this.#key, this.#listing);
    const [oldest] = kept.keys();
    if (kept.size > LEFT_AT_MOST && oldest !== undefined) kept.delete(oldest);
    left.set(this.app, kept);
  }

  #applying() {
    return paced(APPLY_MS, () => this.#flush());
  }

  #readingAgain() {
    return paced(READ_AGAIN_MS, () => this.#read());
  }

  #fromTheTop(): Record<Section, [number, number]> {
    return { active: [0, this.first], waiting: [0, this.first], finished: [0, this.first] };
  }

  rows(section: Section): Rows {
    void this.#version;
    // A new object each time: a derived value that is the same object again tells nobody.
    return { ...this.#listing.sections[section] };
  }

  at(section: Section, index: number): Experiment | undefined {
    void this.#version;
    return this.#listing.at(section, index);
  }

  count(section: Section): number {
    void this.#version;
    return this.#listing.sections[section].total;
  }

  get(uid: string): Experiment | undefined {
    void this.#version;
    return this.#listing.get(uid);
  }

  find(uid: string): { section: Section; index: number } | null {
    void this.#version;
    return this.#listing.find(uid);
  }

  get total(): number {
    void this.#version;
    return SECTIONS.reduce((sum, it) => sum + this.#listing.sections[it].total, 0);
  }

  get query(): Query {
    return this.#query;
  }

  get text(): string {
    return this.#query.text;
  }

  async filter(text: string): Promise<void> {
    await this.show({ text });
  }

  /** Shows another choice of experiments. */
  async show(change: Partial<Query>): Promise<void> {
    const next = { ...this.#query, ...change };
    if ((Object.keys(next) as (keyof Query)[]).every((it) => next[it] === this.#query[it])) return;
    this.#query = next;
    this.#looked = this.#fromTheTop();
    await this.#read();
  }

  /** Reads once more, after a failure. */
  again(): void {
    this.#readAgain.ask();
  }

  /** These rows are on screen, or none of the section: what of them is missing is read. */
  look(section: Section, from: number, to: number): void {
    const rows = this.#listing.sections[section];
    const none = to <= from;
    this.#looked[section] = none ? null : [from, to];
    if (none) return;
    this.#listing.look(section, from, to);
    if (rows.stale) this.#readAgain.ask();
    this.#fill();
  }

  /** Reads what is missing of what is on screen now. */
  #fill(): void {
    for (const section of SECTIONS) {
      const looked = this.#looked[section];
      const hole = looked === null ? null : this.#listing.holes(section, ...looked);
      if (hole === null) continue;
      for (let page = Math.floor(hole[0] / PAGE); page * PAGE < hole[1]; page += 1) {
        if (this.#pages.size >= AT_ONCE) return;
        void this.#readPage(section, page * PAGE);
      }
    }
  }

  /** Rows of a section in their order, however many, from the engine where they are not loaded. */
  async take(section: Section, from: number, to: number): Promise<Experiment[]> {
    const taken: Experiment[] = [];
    for (let index = from; index < to; index += 1) {
      const here = this.#listing.at(section, index);
      if (here === undefined) break;
      taken.push(here);
    }
    while (taken.length < to - from) {
      const page = await this.app.call("experiments.list", this.#input(section, from + taken.length, Math.min(MOST, to - from - taken.length)));
      if (page.experiments.length === 0) break;
      taken.push(...page.experiments);
    }
    return taken;
  }

  /**
   * Shows a move before the engine has answered. What is read until `settle` may tell of the order before it, so it is
   * not shown.
   */
  reorder(uids: readonly string[], to: Destination): void {
    this.#moving += 1;
    this.#reading += 1;
    this.#listing.reorder(uids, to);
    this.#version += 1;
  }

  /** The engine has answered a move: what it has made of the order is read. */
  settle(): void {
    this.#moving -= 1;
    if (this.#moving === 0) this.#readAgain.ask();
  }

  /** Takes what an action has answered. */
  put(experiments: readonly Experiment[]): void {
    for (const it of experiments) this.#listing.put(it);
    this.#version += 1;
  }

  async #readPage(section: Section, offset: number): Promise<void> {
    const key = `${section} ${offset}`;
    if (this.#pages.has(key)) return;
    this.#pages.add(key);
    const listing = this.#listing;
    try {
      const page = await this.app.call("experiments.list", this.#input(section, offset, PAGE));
      // The list was read anew meanwhile, and that has asked for what it lacks.
      if (listing !== this.#listing) return;
      listing.page(section, offset, page.experiments, page.total, false);
      this.#version += 1;
      // An engine that gives no row where there is one would be asked for ever.
      if (page.experiments.length === 0) return;
    } catch (thrown) {
      this.problem = problemOf(thrown);
      return;
    } finally {
      this.#pages.delete(key);
    }
    this.#fill();
  }

  /** Reads what is on screen anew, and shows it all at once when it is there. */
  async #read(): Promise<void> {
    this.#reading += 1;
    const turn = this.#reading;
    const query = this.#query;
    const listing = new Listing(selector(query));
    const since = this.#pending.length;
    const during: Push[] = [];
    const stop = this.app.onPush((push) => {
      if (push.kind === "queue_update") during.push(push);
    });
    try {
      await Promise.all(
        SECTIONS.map(async (section) => {
          const looked = this.#looked[section];
          const [from, to] = looked ?? [0, 0];
          // One row at least: it says how many there are.
          const page = await this.app.call("experiments.list", this.#input(section, from, Math.max(1, Math.min(to - from, MOST)), query));
          listing.page(section, from, looked === null ? [] : page.experiments, page.total, true);
        }),
      );
      if (turn !== this.#reading || this.#moving > 0) return;
      this.#pending.splice(0, since);
      for (const push of during) if (push.kind === "queue_update") listing.update(push);
      for (const section of SECTIONS) listing.sections[section].stale = false;
      this.#listing = listing;
      this.#pages.clear();
      this.problem = null;
      this.loaded = true;
      this.#version += 1;
      // It may have been scrolled meanwhile.
      for (const section of SECTIONS) {
        const now = this.#looked[section];
        if (now !== null) this.look(section, ...now);
      }
    } catch (thrown) {
      if (turn === this.#reading) this.problem = problemOf(thrown);
    } finally {
      stop();
    }
  }

  #flush(): void {
    const pending = this.#pending;
    this.#pending = [];
    if (pending.length > BURST) {
      this.#readAgain.ask();
      return;
    }
    let changed = false;
    let moved = false;
    for (const push of pending) {
      if (push.kind === "queue_update") {
        const did = this.#listing.update(push);
        changed ||= did;
        moved ||= did && push.event.what !== "cancel_requested";
      } else if (push.kind === "run_update") {
        const did = this.#listing.progress(push);
        changed ||= did;
      }
    }
    if (changed) this.#version += 1;
    // Why the others wait is the engine's to say: a change anywhere can change it.
    const waits = moved && this.#listing.sections.waiting.total > 0 && this.#looked.waiting !== null;
    if (waits || SECTIONS.some((it) => this.#listing.sections[it].stale)) this.#readAgain.ask();
  }

  #input(section: Section, offset: number, limit: number, query = this.#query): ListExperiments {
    return {
      section,
      offset,
      limit,
      ...(query.text === "" ? {} : { text: query.text }),
      ...(query.project === null ? {} : { project: query.project }),
      ...(query.group === null ? {} : { group: query.group }),
      ...(query.ungrouped ? { ungrouped: true } : {}),
      ...(query.archived ? { archived: true } : {}),
    };
  }
}

function selector(query: Query): (experiment: Experiment) => boolean | undefined {
  return (experiment) => {
    if (query.project !== null && experiment.project !== query.project) return false;
    if (query.group !== null && experiment.group !== query.group) return false;
    if (query.ungrouped && experiment.group !== null) return false;
    if (experiment.archived !== query.archived) return false;
    return query.text === "" ? true : undefined;
  };
}

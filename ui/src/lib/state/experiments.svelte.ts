// A list of experiments that keeps itself current: pages from the engine, changes from pushes.

import type { Experiment, Push } from "../bindings";
import { problemOf, type Problem } from "../errors";
import { paced } from "../util/follow";
import type { Section } from "../util/status";
import type { App } from "./app.svelte";
import { Listing, SECTIONS, type Rows } from "./listing";

const PAGE = 100;
/** A burst of pushes is applied at once, this often at most. */
const APPLY_MS = 60;
const READ_AGAIN_MS = 400;

export type Query = { project: string | null; text: string };

export class Experiments {
  problem = $state.raw<Problem | null>(null);
  loaded = $state(false);
  #version = $state(0);
  #listing: Listing;
  #query: Query;
  #looked: Record<Section, [number, number]>;
  #pending: Push[] = [];
  #reading = 0;
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
    this.#query = { project: null, text: "", ...query };
    this.#looked = { active: [0, first], waiting: [0, first], finished: [0, first] };
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
    if (this.app.connection === "live") void this.#read();
    return () => {
      this.#apply.stop();
      this.#readAgain.stop();
      for (const stop of this.#stop) stop();
    };
  }

  #applying() {
    return paced(APPLY_MS, () => this.#flush());
  }

  #readingAgain() {
    return paced(READ_AGAIN_MS, () => this.#read());
  }

  rows(section: Section): Rows {
    void this.#version;
    // A new object each time: a derived value that is the same object again tells nobody.
    return { ...this.#listing.sections[section] };
  }

  get(uid: string): Experiment | undefined {
    void this.#version;
    return this.#listing.get(uid);
  }

  get total(): number {
    void this.#version;
    return SECTIONS.reduce((sum, it) => sum + this.#listing.sections[it].total, 0);
  }

  get text(): string {
    return this.#query.text;
  }

  async filter(text: string): Promise<void> {
    if (text === this.#query.text) return;
    this.#query = { ...this.#query, text };
    this.#looked = { active: [0, this.first], waiting: [0, this.first], finished: [0, this.first] };
    await this.#read();
  }

  /** Reads once more, after a failure. */
  again(): void {
    this.#readAgain.ask();
  }

  /** These rows are on screen: what of them is missing is read. */
  look(section: Section, from: number, to: number): void {
    this.#looked[section] = [from, to];
    const rows = this.#listing.sections[section];
    const end = Math.min(to, rows.total);
    for (let page = Math.floor(from / PAGE); page * PAGE < end; page += 1) {
      const missing = rows.rows.slice(Math.max(from, page * PAGE), Math.min(end, (page + 1) * PAGE)).includes(undefined);
      if (missing) void this.#readPage(section, page * PAGE);
    }
  }

  async #readPage(section: Section, offset: number): Promise<void> {
    const key = `${section} ${offset}`;
    if (this.#pages.has(key)) return;
    this.#pages.add(key);
    const listing = this.#listing;
    try {
      const page = await this.app.call("experiments.list", this.#input(section, offset, PAGE));
      if (listing !== this.#listing) return;
      listing.page(section, offset, page.experiments, page.total, false);
      this.#version += 1;
    } catch (thrown) {
      this.problem = problemOf(thrown);
    } finally {
      this.#pages.delete(key);
    }
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
          const [from, to] = this.#looked[section];
          // The first page always: newcomers stand there, and their places must be known.
          const wanted = from < PAGE ? [[0, Math.min(Math.max(to, this.first), 1_000)]] : [[0, 1], [from, to - from]];
          for (const [i, [offset = 0, limit = PAGE]] of wanted.entries()) {
            const page = await this.app.call("experiments.list", this.#input(section, offset, Math.max(1, Math.min(limit, 1_000)), query));
            listing.page(section, offset, page.experiments, page.total, i === 0);
          }
        }),
      );
      if (turn !== this.#reading) return;
      this.#pending.splice(0, since);
      for (const push of during) if (push.kind === "queue_update") listing.update(push);
      for (const section of SECTIONS) listing.sections[section].stale = false;
      this.#listing = listing;
      this.problem = null;
      this.loaded = true;
      this.#version += 1;
    } catch (thrown) {
      if (turn === this.#reading) this.problem = problemOf(thrown);
    } finally {
      stop();
    }
  }

  #flush(): void {
    const pending = this.#pending;
    this.#pending = [];
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
    const waits = moved && this.#listing.sections.waiting.total > 0;
    if (waits || SECTIONS.some((it) => this.#listing.sections[it].stale)) this.#readAgain.ask();
  }

  #input(section: Section, offset: number, limit: number, query = this.#query) {
    return {
      section,
      offset,
      limit,
      ...(query.text === "" ? {} : { text: query.text }),
      ...(query.project === null ? {} : { project: query.project }),
    };
  }
}

function selector(query: Query): (experiment: Experiment) => boolean | undefined {
  return (experiment) => {
    if (query.project !== null && experiment.project !== query.project) return false;
    return query.text === "" ? true : undefined;
  };
}

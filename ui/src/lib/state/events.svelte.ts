// What happened, newest first: all of it, or what happened to one experiment.
//
// The engine's table is read forwards from a cursor. What is new is read from the newest cursor that is known, whenever
// a push says that there is something; what is old, by spans of cursors that lie further and further back.

import type { Event, EventPage } from "../bindings";
import { problemOf, type Problem } from "../errors";
import { paced } from "../util/follow";
import type { App } from "./app.svelte";

const READ_MS = 300;
/** As many as the engine gives at once. */
const PAGE = 1_000;
/** How many are read at first, and with each step back. */
const STEP = 500;
/** What is further behind than this is not caught up with: the newest are read instead. */
const FAR = 5_000;
/** How many are kept while nobody looks further back. */
const MOST = 5_000;
/** What a span grows by that held nothing: clean-ups leave gaps. */
const GROWTH = 4;

export class Events {
  /** Newest first. */
  list = $state.raw<Event[]>([]);
  loaded = $state(false);
  problem = $state.raw<Problem | null>(null);
  /** Whether there may be older ones. */
  hasOlder = $state(false);
  loadingOlder = $state(false);
  /** What came was put in above what is seen: the view keeps its place. */
  shifting = $state(false);
  /** Whether the newest are in sight: older ones may be let go of then. */
  atTop = true;

  /** All from after this cursor on is known. */
  #from = 0;
  #newest = 0;
  #turn = 0;
  #read = paced(READ_MS, () => this.#load());

  constructor(
    private readonly app: App,
    readonly uid?: string,
  ) {}

  /** To be called in an effect. */
  follow(): () => void {
    const stops = [
      this.app.onPush((push) => {
        if (push.kind === "queue_update" && (this.uid === undefined || push.event.uid === this.uid)) this.#read.ask();
      }),
      this.app.onRefresh(() => this.#read.ask()),
    ];
    this.#read.ask();
    return () => {
      this.#read.stop();
      for (const stop of stops) stop();
    };
  }

  again(): void {
    this.problem = null;
    this.#read.ask();
  }

  /** Reads older ones, at least as many if there are so many. */
  async older(wanted = 1): Promise<void> {
    if (this.loadingOlder || !this.hasOlder) return;
    this.loadingOlder = true;
    const turn = this.#turn;
    let width = STEP;
    let found = 0;
    try {
      while (this.#from > 0 && found < wanted) {
        const to = this.#from;
        const since = Math.max(0, to - width);
        const { events } = await this.#ask(since);
        if (turn !== this.#turn) return;
        // A wide span may hold more than one answer does. One of PAGE cursors never does.
        if (events.length >= PAGE && (events.at(-1)?.cursor ?? to) < to) {
          width = Math.max(PAGE, Math.floor(width / 2));
          continue;
        }
        const older = events.filter((it) => it.cursor <= to).reverse();
        this.#from = since;
        this.hasOlder = since > 0;
        this.list = [...this.list, ...older];
        found += older.length;
        width = older.length === 0 ? width * GROWTH : Math.min(width, PAGE);
      }
      this.problem = null;
    } catch (thrown) {
      this.problem = problemOf(thrown);
    } finally {
      this.loadingOlder = false;
    }
  }

  #ask(since: number): Promise<EventPage> {
    return this.app.call("events.read", { since, limit: PAGE, ...(this.uid === undefined ? {} : { uid: this.uid }) });
  }

  async #load(): Promise<void> {
    try {
      if (!this.loaded && this.uid === undefined) await this.#begin();
      await this.#forward();
      this.loaded = true;
      this.problem = null;
    } catch (thrown) {
      this.problem = problemOf(thrown);
    }
  }

  /** Leaves all but the newest for later. */
  async #begin(): Promise<void> {
    const { latest } = await this.app.call("events.read", { since: Number.MAX_SAFE_INTEGER, limit: 1 });
    this.#turn += 1;
    this.#from = Math.max(0, latest - STEP);
    this.#newest = this.#from;
    this.hasOlder = this.#from > 0;
    this.list = [];
  }

  async #forward(): Promise<void> {
    const fresh: Event[] = [];
    for (let newest = this.#newest; ; ) {
      const page = await this.#ask(newest);
      if (this.uid === undefined && page.latest - this.#newest > FAR) {
        await this.#begin();
        fresh.length = 0;
        newest = this.#newest;
        continue;
      }
      fresh.push(...page.events);
      newest = page.events.at(-1)?.cursor ?? newest;
      if (page.events.length < PAGE) break;
    }
    const last = fresh.at(-1);
    if (last === undefined) return;
    this.#newest = last.cursor;
    this.shifting = this.loaded && !this.atTop;
    const list = [...fresh.reverse(), ...this.list];
    if (this.uid === undefined && this.atTop && list.length > MOST) {
      const kept = list.slice(0, MOST);
      this.#turn += 1;
      this.#from = (kept.at(-1)?.cursor ?? 1) - 1;
      this.hasOlder = this.#from > 0;
      this.list = kept;
    } else this.list = list;
  }
}

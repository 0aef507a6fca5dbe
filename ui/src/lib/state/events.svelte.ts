// What happened, newest first: all of it, or what happened to one experiment, or only what has some words.
//
// The newest are read first, older ones as they are asked for, and what is new from the newest cursor that is known,
// whenever a push says that there is something. Words are the engine's to look for; it does so some way at a time.

import type { Commands, Event, EventPage } from "../bindings";
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
/** How often the engine is asked to look further back for words that it has not found, before the user is. */
const TRIES = 5;

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

  /** All from this cursor on was looked at. */
  #reached = 0;
  #newest = 0;
  #turn = 0;
  #text = "";
  #fresh = true;
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

  /** Only those with these words from now on; what is shown stays until they are read. */
  look(text: string): void {
    const words = text.trim();
    if (words === this.#text) return;
    this.#text = words;
    this.#fresh = true;
    this.#read.ask();
  }

  /** Reads older ones. */
  async older(): Promise<void> {
    if (this.loadingOlder || !this.hasOlder) return;
    this.loadingOlder = true;
    const turn = this.#turn;
    try {
      for (let tries = 0; tries < TRIES && this.hasOlder; tries += 1) {
        const { events, reached, more } = await this.#ask({ before: this.#reached, limit: STEP });
        if (turn !== this.#turn) return;
        this.#reached = reached;
        this.hasOlder = more;
        this.list = [...this.list, ...events];
        if (events.length > 0) break;
      }
      this.problem = null;
    } catch (thrown) {
      this.problem = problemOf(thrown);
    } finally {
      this.loadingOlder = false;
    }
  }

  #ask(which: Commands["events.read"]["input"]): Promise<EventPage> {
    return this.app.call("events.read", { ...which, ...(this.uid === undefined ? {} : { uid: this.uid }), ...(this.#text === "" ? {} : { text: this.#text }) });
  }

  async #load(): Promise<void> {
    try {
      if (this.#fresh) await this.#begin();
      else await this.#forward();
      this.loaded = true;
      this.problem = null;
    } catch (thrown) {
      this.problem = problemOf(thrown);
    }
  }

  /** Leaves all but the newest for later. */
  async #begin(): Promise<void> {
    const text = this.#text;
    const { events, reached, more, latest } = await this.#ask({ before: Number.MAX_SAFE_INTEGER, limit: STEP });
    // Other words were typed meanwhile; they are read next.
    if (text !== this.#text) return;
    this.#turn += 1;
    this.#fresh = false;
    this.#reached = reached;
    this.#newest = Math.max(latest, events[0]?.cursor ?? 0);
    this.hasOlder = more;
    this.list = events;
  }

  async #forward(): Promise<void> {
    const fresh: Event[] = [];
    const turn = this.#turn;
    const text = this.#text;
    let newest = this.#newest;
    for (;;) {
      const page = await this.#ask({ since: newest, limit: PAGE });
      if (turn !== this.#turn || text !== this.#text) return;
      if (this.uid === undefined && page.latest - this.#newest > FAR) return this.#begin();
      fresh.push(...page.events);
      newest = page.reached;
      if (!page.more) break;
    }
    this.#newest = newest;
    if (fresh.length === 0) return;
    this.shifting = this.loaded && !this.atTop;
    const list = [...fresh.reverse(), ...this.list];
    if (this.atTop && list.length > MOST) {
      this.list = list.slice(0, MOST);
      this.#turn += 1;
      this.#reached = this.list.at(-1)?.cursor ?? 0;
      this.hasOlder = true;
    } else this.list = list;
  }
}

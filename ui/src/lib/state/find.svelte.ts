// Finding in a whole log, through the engine: how many lines match, going from one to the next, and what is to be
// marked in sight. Each call is short and says where to go on, so that a new word begins at once.

import type { LogMatch } from "../bindings";
import { problemOf } from "../errors";
import type { LogSource, Matches, Wanted } from "../log/source";
import { paced } from "../util/follow";

const TYPING_MS = 120;
const MARK_MS = 60;
/** What has grown is counted this often. */
const COUNT_MS = 400;
/** Lines in sight, at most. */
const IN_SIGHT = 500;

export type Words = { pattern: string; regex: boolean; case: boolean };

export class Find {
  /** Lines found so far. */
  count = $state(0);
  /** Whether all that there is was counted, and how much of it otherwise, 0–1. */
  counted = $state(false);
  progress = $state(0);
  /** Lines that match by their beginning only, because they are too long. */
  cut = $state(0);
  /** The match that was gone to, and which one of all it is; 0 while that is not known. */
  current = $state.raw<LogMatch | null>(null);
  ordinal = $state(0);
  /** What is found in sight. */
  marks = $state.raw<LogMatch[]>([]);
  /** A way to the next match is being looked for. */
  seeking = $state(false);
  problem = $state.raw<string | null>(null);

  #words: Words | null = null;
  /** Counts up: an answer to an earlier question is dropped. */
  #turn = 0;
  #whole = 0;
  #next: number | undefined;
  /** Places between lines, and how many lines with an end match before each. */
  #steps: { at: number; count: number }[] = [];
  #typing: ReturnType<typeof setTimeout> | undefined;
  #sight: { from: number; to: number } | null = null;
  #counting = paced(COUNT_MS, () => this.#catchUp());
  #marking = paced(MARK_MS, () => this.#mark());

  constructor(private readonly source: LogSource) {}

  get active(): boolean {
    return this.#words !== null;
  }

  /** Looks for something else; for nothing if the pattern is empty. */
  ask(words: Words): void {
    clearTimeout(this.#typing);
    this.#forget();
    if (words.pattern === "") return;
    this.#typing = setTimeout(() => this.#begin(words), TYPING_MS);
  }

  stop(): void {
    clearTimeout(this.#typing);
    this.#forget();
    this.#counting.stop();
    this.#marking.stop();
  }

  /** The log has grown. */
  grown(): void {
    if (this.#words === null) return;
    this.#counting.ask();
    this.#marking.ask();
  }

  /** These bytes of the log are in sight. */
  look(from: number, to: number): void {
    this.#sight = { from, to };
    if (this.#words !== null) this.#marking.ask();
  }

  /** Goes to the next match, or to the one before; round and round. `from` is where to begin the first time. */
  async go(backwards: boolean, from: number): Promise<LogMatch | null> {
    const turn = this.#turn;
    if (this.#words === null || this.problem !== null || this.seeking) return null;
    const before = this.current;
    const at = before === null ? from : backwards ? before.offset : before.end;
    this.seeking = true;
    try {
      const match = (await this.#first({ backwards, from: at })) ?? (await this.#first({ backwards }));
      if (turn !== this.#turn || match === null) return null;
      this.current = match;
      this.ordinal = 0;
      void this.#number(match, turn);
      return match;
    } catch (thrown) {
      if (turn === this.#turn) this.problem = problemOf(thrown).message;
      return null;
    } finally {
      this.seeking = false;
    }
  }

  #forget(): void {
    this.#turn += 1;
    this.#words = null;
    this.#whole = 0;
    this.#next = undefined;
    this.#steps = [];
    this.count = 0;
    this.counted = false;
    this.progress = 0;
    this.cut = 0;
    this.current = null;
    this.ordinal = 0;
    this.marks = [];
    this.problem = null;
  }

  #begin(words: Words): void {
    this.#words = words;
    this.#counting.ask();
    this.#marking.ask();
  }

  #call(more: Omit<Wanted, "pattern">): Promise<Matches> {
    return this.source.search({ ...(this.#words ?? { pattern: "" }), ...more });
  }

  /** Counts what was not counted yet. */
  async #catchUp(): Promise<void> {
    const turn = this.#turn;
    if (this.#words === null || this.problem !== null) return;
    try {
      for (;;) {
        const from = this.#next;
        const answer = await this.#call({ limit: 0, ...(from === undefined ? {} : { from }) });
        if (turn !== this.#turn) return;
        if (this.#steps.length === 0) this.#steps.push({ at: answer.oldest, count: 0 });
        this.#whole += answer.count;
        this.#next = answer.next;
        this.cut += answer.cut;
        if (answer.count > 0) this.#steps.push({ at: answer.next, count: this.#whole });
        this.count = this.#whole + (answer.open ? 1 : 0);
        this.counted = answer.done;
        const all = answer.end - answer.oldest;
        this.progress = answer.done || all <= 0 ? 1 : (answer.next - answer.oldest) / all;
        if (answer.done) return;
      }
    } catch (thrown) {
      if (turn === this.#turn) this.problem = problemOf(thrown).message;
    }
  }

  async #mark(): Promise<void> {
    const turn = this.#turn;
    const sight = this.#sight;
    if (this.#words === null || sight === null || this.problem !== null) return;
    try {
      const { matches } = await this.#call({ from: sight.from, to: sight.to, limit: IN_SIGHT });
      if (turn === this.#turn) this.marks = matches;
    } catch (thrown) {
      if (turn === this.#turn) this.problem = problemOf(thrown).message;
    }
  }

  /** The first match in a direction, however many calls it takes. */
  async #first(where: { backwards: boolean; from?: number }): Promise<LogMatch | null> {
    const turn = this.#turn;
    let from = where.from;
    while (turn === this.#turn) {
      const answer = await this.#call({ backwards: where.backwards, limit: 1, ...(from === undefined ? {} : { from }) });
      const match = answer.matches[0];
      if (match !== undefined) return match;
      if (answer.done) return null;
      from = answer.next;
    }
    return null;
  }

  /** Tells which one of all a match is, from the nearest place before it that was counted up to. */
  async #number(match: LogMatch, turn: number): Promise<void> {
    const step = this.#steps.findLast((it) => it.at <= match.offset);
    if (step === undefined) return;
    let number = step.count;
    let from = step.at;
    for (;;) {
      const answer = await this.#call({ from, to: match.offset, limit: 0 }).catch(() => null);
      if (answer === null || turn !== this.#turn || this.current !== match) return;
      number += answer.count;
      from = answer.next;
      if (answer.done) break;
    }
    this.ordinal = number + 1;
    this.count = Math.max(this.count, this.ordinal);
  }
}

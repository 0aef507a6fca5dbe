// A log as it is followed: reads only what is new, never more often than it can be looked at.

import type { LogStream } from "../bindings";
import { problemOf, type Problem } from "../errors";
import { KEEP_AT_MOST, LogModel, type Line } from "../log/model";
import { paced } from "../util/follow";
import type { App } from "./app.svelte";

const TAIL_LINES = 2_000;
const READ_MS = 100;
/** One read, and how much older text is loaded at a time. */
const READ_BYTES = 512 * 1024;
const OLDER_BYTES = 256 * 1024;
/** Further behind than this, the end is read instead of all in between. */
const FAR_BYTES = 2 * 1024 * 1024;

export class Log {
  lines = $state.raw<Line[]>([]);
  problem = $state.raw<Problem | null>(null);
  loaded = $state(false);
  loadingOlder = $state(false);
  /** Bytes at the beginning that were rotated away, and whether all that is left of it is loaded. */
  gone = $state(0);
  rotated = $state(false);
  hasOlder = $state(false);
  ended = $state(false);
  /** Bytes at the end that are not loaded, because the reader is looking elsewhere. */
  behind = $state(0);
  attempt = $state(0);
  size = $state(0);
  /** The offset behind what is loaded. */
  next = $state(0);
  /** Older lines are being put before the others: the view keeps its place from the end. */
  shifting = $state(false);
  /** Whether the end is in sight: only then may a part be skipped. */
  following = true;

  #model = new LogModel();
  #end = 0;
  #loadingNewer = false;
  #read = paced(READ_MS, () => this.#catchUp());

  constructor(
    private readonly app: App,
    private readonly uid: string,
    /** An attempt, or null for the newest. */
    private readonly wanted: number | null,
    /** One of the two streams, or null for both in their order. */
    private readonly stream: LogStream | null = null,
  ) {}

  follow(): () => void {
    const stops = [
      this.app.onPush((push) => {
        if (push.kind === "log_append" && push.uid === this.uid) {
          if (this.wanted !== null && push.attempt !== this.wanted) return;
          if (push.attempt !== this.attempt) this.loaded = false;
          this.#end = push.attempt === this.attempt ? Math.max(this.#end, push.end) : push.end;
          this.#read.ask();
        } else if (push.kind === "queue_update" && push.event.uid === this.uid) {
          // A start brings a new attempt, an end may bring a last line.
          this.#read.ask();
        }
      }),
      this.app.onRefresh(() => this.#read.ask()),
    ];
    this.#read.ask();
    return () => {
      this.#read.stop();
      for (const stop of stops) stop();
    };
  }

  /** Reads the end, whatever lies in between. */
  async jump(): Promise<void> {
    this.following = true;
    if (this.behind > 0) await this.#tail();
  }

  /** Loads a part of what comes before. */
  async older(): Promise<void> {
    if (this.loadingOlder || !this.hasOlder) return;
    this.loadingOlder = true;
    const from = Math.max(this.#model.oldest, this.#model.start - OLDER_BYTES);
    try {
      const chunk = await this.#from(from, this.#model.start - from);
      if (this.#model.prepend(chunk) > 0) this.shifting = true;
      else if (chunk.start >= this.#model.start) this.#model.oldest = this.#model.start;
      this.#publish();
    } catch (thrown) {
      this.problem = problemOf(thrown);
    } finally {
      this.loadingOlder = false;
    }
  }

  /** Loads a part of what comes after, where the reader has come to its end. */
  async newer(): Promise<void> {
    if (this.#loadingNewer || this.behind === 0) return;
    this.#loadingNewer = true;
    try {
      this.#model.append(await this.#from(this.#model.next, OLDER_BYTES), true);
      this.#publish();
    } catch (thrown) {
      this.problem = problemOf(thrown);
    } finally {
      this.#loadingNewer = false;
    }
  }

  /** Loads the text around a place, unless it is there. The end is not followed from then on. */
  async show(offset: number): Promise<void> {
    this.following = false;
    if (offset >= this.#model.start && offset < this.#model.next) return;
    const from = Math.max(this.#model.oldest, offset - OLDER_BYTES);
    this.#model.reset(await this.#from(from, offset - from + OLDER_BYTES));
    this.#publish();
  }

  #from(offset: number, limit: number) {
    const attempt = this.#model.attempt;
    return this.app.call("log.read", { uid: this.uid, attempt, offset, limit, ...this.#stream() });
  }

  async #tail(): Promise<void> {
    const chunk = await this.app.call("log.tail", { uid: this.uid, lines: TAIL_LINES, ...this.#attempt(), ...this.#stream() });
    this.#model.reset(chunk);
    this.#end = Math.max(chunk.end, chunk.attempt === this.attempt ? this.#end : 0);
    this.loaded = true;
    this.#publish();
  }

  async #catchUp(): Promise<void> {
    try {
      if (!this.loaded) {
        await this.#tail();
      } else {
        const missing = this.#missing();
        if (this.following ? missing > FAR_BYTES : this.#stays(missing)) {
          if (this.following) await this.#tail();
          else this.behind = missing;
        } else {
          const chunk = await this.app.call("log.read", {
            uid: this.uid,
            offset: this.#model.next,
            limit: READ_BYTES,
            ...this.#attempt(),
            ...this.#stream(),
          });
          this.#model.append(chunk, !this.following);
          this.#end = chunk.attempt === this.attempt ? Math.max(this.#end, chunk.end) : chunk.end;
          this.#publish();
        }
      }
      this.problem = null;
      if (this.behind === 0 && this.#model.next < this.#end) this.#read.ask();
    } catch (thrown) {
      this.problem = problemOf(thrown);
    }
  }

  #missing(): number {
    return Math.max(this.#end, this.#model.end) - this.#model.next;
  }

  /** Whether so much is not loaded for a reader who looks elsewhere. */
  #stays(missing: number): boolean {
    return missing > 0 && (missing > FAR_BYTES || this.#model.size > KEEP_AT_MOST);
  }

  #attempt() {
    return this.wanted === null ? {} : { attempt: this.wanted };
  }

  #stream() {
    return this.stream === null ? {} : { stream: this.stream };
  }

  #publish(): void {
    const model = this.#model;
    this.lines = model.lines;
    this.attempt = model.attempt;
    this.ended = model.ended;
    this.size = model.end;
    this.next = model.next;
    const missing = this.#missing();
    this.behind = !this.following && this.#stays(missing) ? missing : 0;
    this.hasOlder = model.start > model.oldest;
    this.gone = model.oldest;
    this.rotated = model.oldest > 0 && model.start <= model.oldest;
  }
}

// A log as it is followed: reads only what is new, never more often than it can be looked at.

import { problemOf, type Problem } from "../errors";
import { KEEP_AT_MOST, LogModel, type Line } from "../log/model";
import type { Chunk, LogSource } from "../log/source";
import { paced } from "../util/follow";

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
  /** Another number means that it was begun anew. */
  generation = $state(0);
  size = $state(0);
  /** The offset behind what is loaded. */
  next = $state(0);
  /** Older lines are being put before the others: the view keeps its place from the end. */
  shifting = $state(false);
  /** Counts how often what is loaded was replaced: the view has nothing in common with the one before. */
  turn = $state(0);
  /** Whether the end is in sight: only then may a part be skipped. */
  following = true;

  #model = new LogModel();
  #end = 0;
  #loadingNewer = false;
  /** Who asked last for a place counts: what was being read for those before is dropped when it comes. */
  #asked = 0;
  #read = paced(READ_MS, () => this.#catchUp());

  constructor(
    private readonly source: LogSource,
    /** Where the reader was before; the end if null. */
    private readonly place: number | null = null,
  ) {
    this.following = place === null;
  }

  follow(): () => void {
    const stop = this.source.follow((generation, end) => {
      if (generation !== undefined && end !== undefined) {
        if (generation !== this.generation) this.loaded = false;
        this.#end = generation === this.generation ? Math.max(this.#end, end) : end;
      }
      this.#read.ask();
    });
    this.#read.ask();
    return () => {
      this.#read.stop();
      stop();
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
    const asked = this.#asked;
    const from = Math.max(this.#model.oldest, this.#model.start - OLDER_BYTES);
    try {
      const chunk = await this.source.read(from, this.#model.start - from);
      if (asked !== this.#asked) return;
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
    const asked = this.#asked;
    try {
      const chunk = await this.source.read(this.#model.next, OLDER_BYTES);
      if (asked !== this.#asked) return;
      this.#model.append(chunk, true);
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
    const asked = ++this.#asked;
    if (offset < this.#model.start || offset >= this.#model.next) {
      const chunk = await this.#around(offset);
      if (asked !== this.#asked) return;
      this.#replace(chunk);
    }
    this.#publish();
  }

  #around(offset: number): Promise<Chunk> {
    const from = Math.max(this.#model.oldest, offset - OLDER_BYTES);
    return this.source.read(from, offset - from + OLDER_BYTES);
  }

  #replace(chunk: Chunk): void {
    // What began to be read while this was on its way goes on from the text before.
    this.#asked += 1;
    this.#model.reset(chunk);
    this.turn += 1;
    this.loaded = true;
  }

  async #tail(): Promise<void> {
    const asked = ++this.#asked;
    const tail = await this.source.tail(TAIL_LINES);
    if (asked !== this.#asked) return;
    const { place } = this;
    // One who comes back is shown what they left, if it is still there.
    const back = !this.loaded && place !== null && !this.following && place >= tail.oldest && place < tail.start;
    const chunk = back ? await this.#around(place) : tail;
    if (asked !== this.#asked) return;
    this.#end = Math.max(tail.end, tail.generation === this.generation ? this.#end : 0);
    this.#replace(chunk);
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
          const asked = this.#asked;
          const chunk = await this.source.read(this.#model.next, READ_BYTES);
          if (asked !== this.#asked) {
            this.#read.ask();
          } else if (chunk.generation === this.generation) {
            this.#model.append(chunk, !this.following);
            this.#end = Math.max(this.#end, chunk.end);
            this.#publish();
          } else {
            // Begun anew: what was asked for is not where it was.
            await this.#tail();
          }
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

  #publish(): void {
    const model = this.#model;
    this.lines = model.lines;
    this.generation = model.generation;
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

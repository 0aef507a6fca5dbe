// What the log view shows: the log of a job's attempt, or any text file of a run. It is read in pieces by the engine;
// the view knows nothing of where it lies.

import type { FileState, LinesPassed, LogMatch, LogStream, Push } from "../bindings";
import type { Input } from "../host/host";

/** A piece of a log. */
export type Chunk = {
  /** Another number means that the log was begun anew, and what was read before is of no use. */
  generation: number;
  /** Pieces of text join without loss. */
  text: string;
  /** Offsets: of the first byte, where to go on, of the oldest byte that is kept, and behind the newest. */
  start: number;
  next: number;
  oldest: number;
  end: number;
  /** Nothing will follow. */
  ended: boolean;
  /** The offset behind each line end, where it can't be told from the text. */
  lines?: number[];
};

/** What to look for, and where. */
export type Wanted = {
  pattern: string;
  regex?: boolean;
  case?: boolean;
  from?: number;
  to?: number;
  backwards?: boolean;
  limit?: number;
};

/** What a search found so far. Each call is short and says where to go on. */
export type Matches = {
  matches: LogMatch[];
  count: number;
  open: boolean;
  next: number;
  done: boolean;
  cut: number;
  oldest: number;
  end: number;
};

/** Which lines to count. */
export type Counted = { from?: number; to?: number; lines?: number };

/** How a log is saved: by this command, from the beginning, as long as `next` is beyond where it was asked from. */
export type Saved = { name: string; method: "log.read"; params: Input<"log.read"> } | { name: string; method: "files.read"; params: Input<"files.read"> };

/** Where a log is read from. */
export interface LogSource {
  /** The same for the same log: by it, the place in it is remembered. */
  readonly key: string;
  /** The last lines. */
  tail(lines: number): Promise<Chunk>;
  read(offset: number, limit: number): Promise<Chunk>;
  search(wanted: Wanted): Promise<Matches>;
  seek(counted: Counted): Promise<LinesPassed>;
  /** Calls back when there may be more; with the log's generation and end where these are known. */
  follow(told: (generation?: number, end?: number) => void): () => void;
  /** How to save all that there is of it now. */
  saved(generation: number): Saved;
}

/** What a source needs of the program. */
export type Engine = {
  call: <M extends "log.tail" | "log.read" | "log.search" | "log.seek" | "files.read" | "files.search" | "files.seek" | "files.follow">(
    method: M,
    input: Input<M>,
  ) => Promise<import("../host/host").Output<M>>;
  onPush: (listener: (push: Push) => void) => () => void;
  onRefresh: (listener: () => void) => () => void;
};

/** The log of a job's attempt. Each attempt has a log of its own, a generation. */
export class JobLog implements LogSource {
  readonly key: string;
  /** The attempt that was read last. */
  #attempt = 0;

  constructor(
    private readonly engine: Engine,
    private readonly uid: string,
    private readonly name: string,
    /** An attempt, or null for the newest. */
    private readonly wanted: number | null,
    /** One of the two streams, or null for both in their order. */
    private readonly stream: LogStream | null,
  ) {
    this.key = `job ${uid} ${wanted ?? "newest"} ${stream ?? "both"}`;
  }

  async tail(lines: number): Promise<Chunk> {
    const attempt = this.wanted === null ? {} : { attempt: this.wanted };
    return this.#chunk(await this.engine.call("log.tail", { uid: this.uid, lines, ...attempt, ...this.#stream() }));
  }

  async read(offset: number, limit: number): Promise<Chunk> {
    const attempt = this.wanted === null ? {} : { attempt: this.wanted };
    return this.#chunk(await this.engine.call("log.read", { uid: this.uid, offset, limit, ...attempt, ...this.#stream() }));
  }

  search(wanted: Wanted): Promise<Matches> {
    return this.engine.call("log.search", { uid: this.uid, ...this.#shown(), ...this.#stream(), ...wanted });
  }

  seek(counted: Counted): Promise<LinesPassed> {
    return this.engine.call("log.seek", { uid: this.uid, ...this.#shown(), ...this.#stream(), ...counted });
  }

  follow(told: (generation?: number, end?: number) => void): () => void {
    const stops = [
      this.engine.onPush((push) => {
        if (push.kind === "log_append" && push.uid === this.uid) {
          if (this.wanted === null || push.attempt === this.wanted) told(push.attempt, push.end);
        } else if (push.kind === "queue_update" && push.event.uid === this.uid) {
          // A start brings a new attempt, an end may bring a last line.
          told();
        }
      }),
      this.engine.onRefresh(() => told()),
    ];
    return () => stops.forEach((stop) => stop());
  }

  saved(generation: number): Saved {
    const attempt = generation > 0 ? { attempt: generation } : {};
    const part = this.stream === null ? "" : `.${this.stream}`;
    const name = `${this.name}${generation > 1 ? `.${generation}` : ""}${part}.log`;
    return { name, method: "log.read", params: { uid: this.uid, offset: 0, ...attempt, ...this.#stream() } };
  }

  #chunk({ attempt, ...chunk }: Omit<Chunk, "generation"> & { attempt: number }): Chunk {
    this.#attempt = attempt;
    return { ...chunk, generation: attempt };
  }

  #shown() {
    return this.#attempt > 0 ? { attempt: this.#attempt } : {};
  }

  #stream() {
    return this.stream === null ? {} : { stream: this.stream };
  }
}

/** The engine is told again so often that somebody looks at a file, each time for longer than that. */
const LOOK_MS = 30_000;
const LOOK_FOR_MS = 75_000;

/** A text file of a run. */
export class RunFile implements LogSource {
  readonly key: string;
  #state: FileState | null = null;
  #generation = 1;

  constructor(
    private readonly engine: Engine,
    private readonly uid: string,
    /** Relative to the run's folder. */
    private readonly path: string,
  ) {
    this.key = `file ${uid} ${path}`;
  }

  async tail(lines: number): Promise<Chunk> {
    return this.#chunk(await this.engine.call("files.read", { ...this.#file(), lines }));
  }

  async read(offset: number, limit: number): Promise<Chunk> {
    return this.#chunk(await this.engine.call("files.read", { ...this.#file(), offset, limit }));
  }

  async search(wanted: Wanted): Promise<Matches> {
    const { state, ...matches } = await this.engine.call("files.search", { ...this.#file(), ...wanted });
    return { ...matches, oldest: 0, end: state.size };
  }

  seek(counted: Counted): Promise<LinesPassed> {
    return this.engine.call("files.seek", { ...this.#file(), ...counted });
  }

  follow(told: (generation?: number, end?: number) => void): () => void {
    let stopped = false;
    const look = () => {
      // What is wrong with the file is said where it is read.
      void this.engine.call("files.follow", { ...this.#file(), for_ms: LOOK_FOR_MS }).then(
        (state) => {
          if (!stopped && this.#note(state)) told();
        },
        () => {},
      );
    };
    const timer = setInterval(look, LOOK_MS);
    const stops = [
      this.engine.onPush((push) => {
        if (push.kind === "file_change" && push.uid === this.uid && push.path === this.path) told();
      }),
      this.engine.onRefresh(() => {
        look();
        told();
      }),
    ];
    look();
    return () => {
      stopped = true;
      clearInterval(timer);
      stops.forEach((stop) => stop());
    };
  }

  saved(): Saved {
    const name = this.path.split("/").at(-1) ?? this.path;
    return { name, method: "files.read", params: { ...this.#file(), offset: 0 } };
  }

  #chunk({ state, ...chunk }: { text: string; start: number; next: number; lines?: number[]; state: FileState }): Chunk {
    this.#note(state);
    return { ...chunk, generation: this.#generation, oldest: 0, end: state.size, ended: !state.grows };
  }

  /** Whether it is not as it was. Another file in its place, or one that is shorter, was begun anew. */
  #note(state: FileState): boolean {
    const before = this.#state;
    this.#state = state;
    if (before === null) return false;
    if (before.identity !== state.identity || state.size < before.size) this.#generation += 1;
    return before.identity !== state.identity || before.size !== state.size;
  }

  #file() {
    return { uid: this.uid, path: this.path };
  }
}

/** Where readers were in logs, for when they come back; the end if nothing is said. */
const places = new Map<string, number>();
const PLACES = 200;

/** Where the reader of a log was, if not at its end. */
export function placeOf(key: string): number | null {
  return places.get(key) ?? null;
}

/** Remembers where the reader of a log is; null for its end. */
export function rememberPlace(key: string, offset: number | null): void {
  places.delete(key);
  if (offset === null) return;
  places.set(key, offset);
  const oldest = places.keys().next();
  if (places.size > PLACES && !oldest.done) places.delete(oldest.value);
}

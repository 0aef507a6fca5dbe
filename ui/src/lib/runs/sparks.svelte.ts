// The small pictures of metrics in the table: read together for what is in sight, and again for what has grown.

import type { App } from "../state/app.svelte";
import { paced } from "../util/follow";

const WIDTH = 88;
const HEIGHT = 20;
const READ_MS = 200;
const AT_ONCE = 60;
/** Pictures that are kept. */
const KEPT = 4_000;

export const SPARK = { width: WIDTH, height: HEIGHT };

export class Sparks {
  #paths = new Map<string, string>();
  #old = new Set<string>();
  /** The metrics that were ever asked for. */
  #keys = new Set<string>();
  #wanted = new Map<string, Set<string>>();
  #answers = $state(0);
  #read = paced(READ_MS, () => this.#load());

  constructor(private readonly app: App) {}

  /** The path of a run's metric; undefined until it is known, empty where there is none. */
  path(uid: string, key: string): string | undefined {
    void this.#answers;
    return this.#paths.get(`${uid} ${key}`);
  }

  /** These are seen. */
  want(uids: readonly string[], keys: readonly string[]): void {
    for (const key of keys) {
      this.#keys.add(key);
      for (const uid of uids) {
        const id = `${uid} ${key}`;
        if (this.#paths.has(id) && !this.#old.has(id)) continue;
        const set = this.#wanted.get(key) ?? new Set<string>();
        set.add(uid);
        this.#wanted.set(key, set);
      }
    }
    if (this.#wanted.size > 0) this.#read.ask();
  }

  /** These have grown; all of them, if none is named. */
  forget(uids: readonly string[] | null): void {
    let any = false;
    const note = (id: string) => {
      if (!this.#paths.has(id) || this.#old.has(id)) return;
      this.#old.add(id);
      any = true;
    };
    if (uids === null) for (const id of this.#paths.keys()) note(id);
    else for (const uid of uids) for (const key of this.#keys) note(`${uid} ${key}`);
    if (any) this.#answers += 1;
  }

  async #load(): Promise<void> {
    const wanted = this.#wanted;
    this.#wanted = new Map();
    for (const [key, all] of wanted) {
      const of = [...all];
      for (let from = 0; from < of.length; from += AT_ONCE) {
        const uids = of.slice(from, from + AT_ONCE);
        try {
          const { lines } = await this.app.call("runs.spark", { uids, key, width: WIDTH });
          const found = new Map(lines.map((it) => [it.uid, it.pieces]));
          for (const uid of uids) {
            this.#paths.set(`${uid} ${key}`, pathOf(found.get(uid) ?? []));
            this.#old.delete(`${uid} ${key}`);
          }
        } catch {
          // Too small for a message; what is seen next asks again.
        }
      }
    }
    for (const id of this.#paths.keys()) {
      if (this.#paths.size <= KEPT) break;
      this.#paths.delete(id);
      this.#old.delete(id);
    }
    this.#answers += 1;
  }
}

/** Pieces of a line in a box of 1 by 1 as a path; the line has some room above and below. */
export function pathOf(pieces: readonly (readonly (readonly [number, number])[])[]): string {
  const point = ([x, y]: readonly [number, number]) => `${(x * WIDTH).toFixed(1)} ${(1.5 + (1 - y) * (HEIGHT - 3)).toFixed(1)}`;
  return pieces
    .filter((it) => it.length > 0)
    // A point alone is a dot: a line of no length is drawn with round ends.
    .map((it) => `M${it.map(point).join("L")}${it.length === 1 ? "h0.01" : ""}`)
    .join("");
}

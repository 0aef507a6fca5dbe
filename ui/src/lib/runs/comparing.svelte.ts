// A comparison that is looked at, kept current while its runs grow.

import type { CompareRuns, Comparison } from "../bindings";
import { problemOf, type Problem } from "../errors";
import type { App } from "../state/app.svelte";
import { paced } from "../util/follow";
import type { CompareLook } from "./compared";
import { runsPush } from "./push";

const READ_MS = 1_000;

/** What the engine is asked for a look. */
export const askedOf = (look: CompareLook): CompareRuns => ({
  uids: [...look.uids],
  value: look.value,
  goals: { ...look.goals },
  ...(look.baseline === null ? {} : { baseline: look.baseline }),
  ...(look.target === null ? {} : { target: look.target }),
  ...(look.by === null ? {} : { group_by: [...look.by] }),
});

export class Comparing {
  now = $state.raw<Comparison | null>(null);
  problem = $state.raw<Problem | null>(null);
  /** Of the runs that were asked for, those that are not there any more. */
  gone = $state.raw<readonly string[]>([]);
  /** Counts what was read because runs changed. */
  turn = $state(0);
  #look: CompareLook | null = null;
  #newest = 0;
  #read = paced(READ_MS, () => this.#load());

  constructor(private readonly app: App) {}

  follow(): () => void {
    const stops = [
      this.app.onPush((told) => {
        const push = runsPush(told);
        const uids = this.#look?.uids ?? [];
        if (push !== null && (push.uids.some((uid) => uids.includes(uid)) || (push.structure && push.uids.length === 0))) this.again();
      }),
      this.app.onRefresh(() => this.again()),
    ];
    return () => {
      this.#read.stop();
      for (const stop of stops) stop();
    };
  }

  /** Shows this look, at once: what was shown stays until the answer is there. */
  show(look: CompareLook): void {
    const before = this.#look;
    this.#look = look;
    if (before === null || JSON.stringify(askedOf(before)) !== JSON.stringify(askedOf(look))) void this.#load();
  }

  again(): void {
    this.turn += 1;
    this.#read.ask();
  }

  async #load(): Promise<void> {
    const look = this.#look;
    if (look === null || look.uids.length < 2) {
      this.now = null;
      this.problem = null;
      return;
    }
    this.#newest += 1;
    const mine = this.#newest;
    try {
      const comparison = await this.app.call("runs.compare", askedOf(look));
      if (mine !== this.#newest) return;
      this.now = comparison;
      this.problem = null;
      this.gone = [];
    } catch (thrown) {
      if (mine !== this.#newest) return;
      this.problem = problemOf(thrown);
      if (this.problem.code === "not_found") await this.#find(look);
    }
  }

  async #find(look: CompareLook): Promise<void> {
    const found = await this.app.call("runs.rows", { uids: [...look.uids] }).catch(() => null);
    if (found !== null) this.gone = look.uids.filter((uid) => !found.rows.some((it) => it.uid === uid));
  }
}

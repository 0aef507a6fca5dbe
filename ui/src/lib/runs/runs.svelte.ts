// What the whole window knows of runs: how many there are, and the table, which stays as it was left.

import type { App } from "../state/app.svelte";
import { paced } from "../util/follow";
import { runsPush } from "./push";
import { RunTable } from "./table.svelte";
import { Watches } from "./watches.svelte";

const COUNT_MS = 1_000;

export class Runs {
  /** All runs there are; null until it is known. */
  count = $state<number | null>(null);
  readonly watches: Watches;
  #table: RunTable | null = null;

  constructor(private readonly app: App) {
    this.watches = new Watches(app);
  }

  get table(): RunTable {
    this.#table ??= new RunTable(this.app);
    return this.#table;
  }

  /** Keeps the count. */
  follow(): () => void {
    const read = paced(COUNT_MS, async () => {
      try {
        this.count = (await this.app.call("runs.list", { query: "", sort: [], columns: [], offset: 0, limit: 1 })).all;
      } catch {
        // The sidebar goes without it.
      }
    });
    const stops = [
      this.app.onPush((push) => {
        if (runsPush(push)?.structure === true) read.ask();
      }),
      this.app.onRefresh(() => read.ask()),
    ];
    if (this.app.connection === "live") read.ask();
    return () => {
      read.stop();
      for (const stop of stops) stop();
    };
  }
}

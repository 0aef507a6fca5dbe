// Numbers about the queue, asked for when they are looked at and when the queue has changed.

import type { QueueReport } from "../bindings";
import { problemOf, type Problem } from "../errors";
import { paced } from "../util/follow";
import type { App } from "./app.svelte";

const READ_MS = 1_000;

export class Report {
  now = $state.raw<QueueReport | null>(null);
  problem = $state.raw<Problem | null>(null);
  #read = paced(READ_MS, async () => {
    try {
      this.now = await this.app.call("queue.report", {});
      this.problem = null;
    } catch (thrown) {
      this.problem = problemOf(thrown);
    }
  });

  constructor(private readonly app: App) {}

  /** To be called in an effect. */
  follow(): () => void {
    const stops = [
      this.app.onPush((push) => {
        if (push.kind === "queue_update" || push.kind === "settings_update") this.#read.ask();
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
    this.#read.ask();
  }
}

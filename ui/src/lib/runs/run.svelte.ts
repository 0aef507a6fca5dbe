// One run in full, kept current while it is looked at.

import type { RunDetail } from "../bindings";
import { problemOf, type Problem } from "../errors";
import type { App } from "../state/app.svelte";
import { paced } from "../util/follow";
import { runsPush } from "./push";

const READ_MS = 500;

export class OneRun {
  detail = $state.raw<RunDetail | null>(null);
  problem = $state.raw<Problem | null>(null);
  #read = paced(READ_MS, () => this.#load());

  readonly run = $derived(this.detail?.run ?? null);

  constructor(
    private readonly app: App,
    readonly uid: string,
  ) {}

  follow(): () => void {
    const stops = [
      this.app.onPush((told) => {
        const push = runsPush(told);
        if (push !== null && (push.uids.includes(this.uid) || (push.structure && push.uids.length === 0))) this.#read.ask();
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

  async #load(): Promise<void> {
    try {
      this.detail = await this.app.call("runs.get", { uid: this.uid });
      this.problem = null;
    } catch (thrown) {
      this.problem = problemOf(thrown);
    }
  }
}

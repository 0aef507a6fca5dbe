// One experiment in full, kept current while it is looked at.

import type { ExperimentDetail } from "../bindings";
import { problemOf, type Problem } from "../errors";
import { paced } from "../util/follow";
import type { App } from "./app.svelte";
import { merged } from "./listing";

const READ_MS = 300;

export class Job {
  detail = $state.raw<ExperimentDetail | null>(null);
  problem = $state.raw<Problem | null>(null);
  #read = paced(READ_MS, () => this.#load());

  readonly experiment = $derived(this.detail?.experiment ?? null);

  constructor(
    private readonly app: App,
    readonly uid: string,
  ) {}

  follow(): () => void {
    const stops = [
      this.app.onPush((push) => {
        if (push.kind === "queue_update" && (push.event.uid === this.uid || push.experiment?.uid === this.uid)) {
          if (push.experiment !== null && this.detail !== null) this.detail = { ...this.detail, experiment: push.experiment };
          this.#read.ask();
        } else if (push.kind === "run_update" && push.uid === this.uid) {
          if (this.detail !== null) {
            const experiment = this.detail.experiment;
            this.detail = {
              ...this.detail,
              experiment: { ...experiment, metrics: merged(experiment.metrics, push.metrics), progress: push.progress ?? experiment.progress },
            };
          }
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

  async #load(): Promise<void> {
    try {
      this.detail = await this.app.call("experiments.get", { uid: this.uid });
      this.problem = null;
    } catch (thrown) {
      this.problem = problemOf(thrown);
    }
  }
}

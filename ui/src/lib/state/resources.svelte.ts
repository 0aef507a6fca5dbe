// What the queue may give to jobs and what of it is taken, read anew when something started, ended or was blocked.

import type { GpuResource, Resources } from "../bindings";
import { paced } from "../util/follow";
import type { App } from "./app.svelte";

const READ_MS = 500;

export class MachineResources {
  now = $state.raw<Resources | null>(null);
  #followers = 0;
  #read = this.#reading();
  #stop: (() => void)[] = [];

  constructor(private readonly app: App) {}

  /** To be called in an effect: follows the engine as long as one of these effects lives. */
  follow(): () => void {
    this.#followers += 1;
    if (this.#followers === 1) {
      this.#read = this.#reading();
      this.#stop = [
        this.app.onPush((push) => {
          if (push.kind === "queue_update" || push.kind === "settings_update") this.#read.ask();
        }),
        this.app.onRefresh(() => this.#read.ask()),
      ];
      if (this.app.connection === "live") this.#read.ask();
    }
    return () => {
      this.#followers -= 1;
      if (this.#followers > 0) return;
      this.#read.stop();
      for (const stop of this.#stop) stop();
    };
  }

  gpu(uuid: string): GpuResource | undefined {
    return this.now?.gpus.find((it) => it.uuid === uuid);
  }

  /** Takes a GPU out of the queue or gives it back. */
  async block(gpu: GpuResource, blocked: boolean): Promise<void> {
    const now = await this.app.attempt("gpus.block", { gpu: gpu.uuid, blocked });
    if (now === null) return;
    this.now = now;
    const runs = gpu.jobs.length > 0 ? "; what runs on it goes on" : "";
    this.app.toasts.say(blocked ? `GPU ${gpu.index} is out of the queue${runs}` : `GPU ${gpu.index} is back in the queue`, { label: "Undo", run: () => void this.block(gpu, !blocked) });
  }

  #reading() {
    return paced(READ_MS, async () => {
      try {
        this.now = await this.app.call("queue.resources", {});
      } catch {
        // The bars show what is used; what is reserved is missing until the next change.
      }
    });
  }
}

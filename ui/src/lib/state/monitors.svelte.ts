// Folders whose changes the kernel does not tell of, as far as jobs run there.

import type { Monitor } from "../bindings";
import { paced } from "../util/follow";
import { plural } from "../util/format";
import type { App } from "./app.svelte";

const READ_MS = 1_000;

export class Monitors {
  /** Only those that people should know of, by folder. */
  troubled = $state.raw<Monitor[]>([]);
  #followers = 0;
  #read = this.#reading();
  #stop: (() => void)[] = [];
  /** Counts pushes: what was asked for before one is older than what it says. */
  #told = 0;

  constructor(private readonly app: App) {}

  /** To be called in an effect: follows the engine as long as one of these effects lives. */
  follow(): () => void {
    this.#followers += 1;
    if (this.#followers === 1) {
      this.#read = this.#reading();
      this.#stop = [
        this.app.onPush((push) => {
          if (push.kind !== "monitor_update") return;
          this.#told += 1;
          const others = this.troubled.filter((it) => idOf(it) !== idOf(push.monitor));
          this.#take([...others, push.monitor]);
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

  #take(monitors: Monitor[]): void {
    this.troubled = monitors.filter(isTroubled).sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
  }

  #reading() {
    return paced(READ_MS, async () => {
      const told = this.#told;
      try {
        const { monitors } = await this.app.call("monitors.list", {});
        if (told === this.#told) this.#take(monitors);
        else this.#read.ask();
      } catch {
        // Nothing is said of folders until the next change: that something is late is no harm.
      }
    });
  }
}

const idOf = (monitor: Monitor): string => `${monitor.folder}\n${monitor.files}`;

/** Something of it is looked at every few seconds, or not at all. One whose last job has ended concerns nobody. */
const isTroubled = (monitor: Monitor): boolean => monitor.mode !== "off" && (monitor.mode === "polling" || monitor.reason !== null);

/** How the folder is followed, in a sentence; why is the engine's to say. */
export function monitorWords(monitor: Monitor): string {
  const what = monitor.files === "logs" ? "Logs" : "Metrics";
  if (monitor.mode !== "polling") return `${what} appear at once, but not from everywhere below it.`;
  if (monitor.polled < monitor.folders) return `${what} in ${plural(monitor.polled, "folder")} of ${monitor.folders} appear some seconds late.`;
  return `${what} appear some seconds late.`;
}

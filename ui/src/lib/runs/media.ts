// Images and histograms of a run: which there are at which step, and the pictures that were shown last.

import type { RunDetail, RunMedium } from "../bindings";
import type { App } from "../state/app.svelte";

/** How many are listed at once; the engine gives no more. */
export const LISTED = 10_000;

/** Characters of pictures that are kept for going back and forth. */
const KEPT = 48_000_000;

/** The names of what can be shown of what is in a run's files. */
export const mediaNames = (detail: Pick<RunDetail, "media">): number => new Set(detail.media.filter((it) => /image|histogram/.test(it.kind)).map((it) => `${it.kind}\0${it.key}`)).size;

/** What was logged at one step. */
export type Stop = { step: number; items: readonly RunMedium[] };

/** By steps that grow. Of what was logged again at a step the last counts, as for points. */
export function stops(items: readonly RunMedium[]): Stop[] {
  const byStep = new Map<number, Map<number, RunMedium>>();
  for (const item of items) {
    const there = byStep.get(item.step) ?? new Map<number, RunMedium>();
    byStep.set(item.step, there.set(item.index, item));
  }
  return [...byStep].sort(([a], [b]) => a - b).map(([step, there]) => ({ step, items: [...there.values()].sort((a, b) => a.index - b.index) }));
}

/** The stop whose step is nearest; -1 if there is none. */
export function stopAt(all: readonly Stop[], step: number): number {
  let best = -1;
  all.forEach((it, i) => {
    if (best < 0 || Math.abs(it.step - step) < Math.abs((all[best]?.step ?? 0) - step)) best = i;
  });
  return best;
}

export type Shown = { url: string; width: number; height: number };

/** Pictures by their place: the ones asked for last. */
export class Pictures {
  #held = new Map<string, Promise<Shown>>();
  #sizes = new Map<string, number>();

  constructor(
    private readonly app: App,
    private readonly uid: string,
  ) {}

  of(item: RunMedium): Promise<Shown> {
    const key = JSON.stringify([item.file, item.place]);
    const known = this.#held.get(key);
    this.#held.delete(key);
    const asked = known ?? this.#read(key, item);
    this.#held.set(key, asked);
    return asked;
  }

  async #read(key: string, { file, place }: RunMedium): Promise<Shown> {
    try {
      const image = await this.app.call("runs.image", { uid: this.uid, file, place });
      this.#sizes.set(key, image.base64.length);
      this.#settle(key);
      return { url: `data:${image.mime};base64,${image.base64}`, width: image.width, height: image.height };
    } catch (thrown) {
      this.#held.delete(key);
      throw thrown;
    }
  }

  #settle(now: string): void {
    let sum = [...this.#sizes.values()].reduce((a, b) => a + b, 0);
    for (const key of [...this.#held.keys()]) {
      if (sum <= KEPT) return;
      const size = this.#sizes.get(key);
      if (size === undefined || key === now) continue;
      sum -= size;
      this.#sizes.delete(key);
      this.#held.delete(key);
    }
  }
}

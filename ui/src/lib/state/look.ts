// Tells the engine that somebody looks at the machine, so that it looks every second: a lease that is renewed while it
// is wanted, and runs out by itself when the window is closed, hidden or gone.

import type { App } from "./app.svelte";

const LEASE_MS = 60_000;
const RENEW_MS = 45_000;

export class Look {
  #lookers = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #stop: (() => void) | undefined;

  constructor(private readonly app: App) {}

  /** To be called in an effect: somebody looks as long as the effect lives and the window is seen. */
  watch(): () => void {
    this.#lookers += 1;
    if (this.#lookers === 1) {
      const turn = () => this.#turn();
      const refreshed = this.app.onRefresh(() => this.#say());
      document.addEventListener("visibilitychange", turn);
      this.#stop = () => {
        refreshed();
        document.removeEventListener("visibilitychange", turn);
      };
      this.#turn();
    }
    return () => {
      this.#lookers -= 1;
      if (this.#lookers > 0) return;
      this.#stop?.();
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  #turn(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (document.hidden) return;
    this.#timer = setInterval(() => this.#say(), RENEW_MS);
    this.#say();
  }

  #say(): void {
    if (document.hidden || this.app.connection !== "live") return;
    this.app.call("device.look", { for_ms: LEASE_MS }).catch(() => {
      // Then samples come more slowly: the view says how often.
    });
  }
}

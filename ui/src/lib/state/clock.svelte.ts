// The window's one clock: the present second, while somebody looks at it.

class Clock {
  now = $state(Date.now());
  #watchers = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor() {
    if (typeof document !== "undefined") document.addEventListener("visibilitychange", () => this.#turn());
  }

  /** To be called in an effect: the clock goes as long as the effect lives and the window is seen. */
  watch(): () => void {
    this.#watchers += 1;
    this.#turn();
    return () => {
      this.#watchers -= 1;
      this.#turn();
    };
  }

  #turn(): void {
    const goes = this.#watchers > 0 && !document.hidden;
    if (goes && this.#timer === undefined) {
      this.now = Date.now();
      this.#timer = setInterval(() => (this.now = Date.now()), 1_000);
    } else if (!goes && this.#timer !== undefined) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }
}

export const clock = new Clock();

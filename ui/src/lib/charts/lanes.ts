// How many charts are drawn at once: the engine has few cores, and a browser few connections. What the hand is on goes
// first; then what has waited longest.

type Waiting = { urgent: boolean; start: () => void };

export class Lanes {
  #free: number;
  #waiting: Waiting[] = [];

  constructor(most: number) {
    this.#free = most;
  }

  /** Runs `work` when there is room. `wanted` is asked then: what is not wanted any more is not begun, and gives null. */
  run<T>(urgent: boolean, work: () => Promise<T>, wanted: () => boolean = () => true): Promise<T | null> {
    return new Promise((resolve, reject) => {
      const start = () => {
        if (!wanted()) {
          resolve(null);
          return this.#next();
        }
        this.#free -= 1;
        work()
          .then(resolve, reject)
          .finally(() => {
            this.#free += 1;
            this.#next();
          });
      };
      if (this.#free > 0) start();
      else this.#waiting.push({ urgent, start });
    });
  }

  #next(): void {
    while (this.#free > 0 && this.#waiting.length > 0) {
      const at = Math.max(this.#waiting.findIndex((it) => it.urgent), 0);
      const [first] = this.#waiting.splice(at, 1);
      const before = this.#free;
      first?.start();
      // What was not wanted has called this itself.
      if (this.#free === before) return;
    }
  }
}

// Asks again and again for what changes under the hand: one question at a time, and of those that came meanwhile the
// newest.

export class Newest<Q, A> {
  #busy = false;
  #next: { question: Q } | null = null;
  #last = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  constructor(
    private readonly ask: (question: Q) => Promise<A>,
    private readonly take: (answer: A, question: Q, /** A newer one waits. */ old: boolean) => void,
    private readonly fail: (thrown: unknown, question: Q) => void = () => {},
  ) {}

  get busy(): boolean {
    return this.#busy || this.#next !== null;
  }

  /** `gap`: so many milliseconds lie between the last answer's question and this one. */
  want(question: Q, gap = 0): void {
    this.#next = { question };
    if (this.#busy || this.#stopped) return;
    clearTimeout(this.#timer);
    const wait = gap - (performance.now() - this.#last);
    if (wait > 0) this.#timer = setTimeout(() => void this.#go(), wait);
    else void this.#go();
  }

  /** Nothing is wanted any more; what is under way is not taken. */
  drop(): void {
    this.#next = null;
    clearTimeout(this.#timer);
    this.#dropped = this.#busy;
  }
  #dropped = false;

  stop(): void {
    this.#stopped = true;
    this.drop();
  }

  async #go(): Promise<void> {
    const next = this.#next;
    if (next === null || this.#busy || this.#stopped) return;
    this.#next = null;
    this.#busy = true;
    this.#dropped = false;
    this.#last = performance.now();
    try {
      const answer = await this.ask(next.question);
      if (!this.#stopped && !this.#dropped) this.take(answer, next.question, this.#next !== null);
    } catch (thrown) {
      if (!this.#stopped && !this.#dropped) this.fail(thrown, next.question);
    } finally {
      this.#busy = false;
      void this.#go();
    }
  }
}

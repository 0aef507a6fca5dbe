// Questions that wait for room: the engine has few cores, and a browser few connections. What the hand is on goes first; then
// what has waited longest, several together where one call can answer them, since each call has a price of its own.

type Waiting<Q, A> = { readonly question: Q; readonly urgent: boolean; readonly wanted: () => boolean; readonly resolve: (answer: A | null) => void; readonly reject: (thrown: unknown) => void };

/** The answer to a question, or why there is none. */
export type Answered<A> = { readonly answer: A } | { readonly thrown: unknown };

export class Batches<Q, A> {
  #free: number;
  #waiting: Waiting<Q, A>[] = [];
  #soon = false;

  constructor(
    /** Calls under way at once. */
    most: number,
    /** Questions of one call. */
    private readonly size: number,
    /** Answers in the order of the questions. */
    private readonly ask: (questions: readonly Q[]) => Promise<readonly Answered<A>[]>,
  ) {
    this.#free = most;
  }

  /**
   * Asks when there is room, together with what else is asked in this turn or waits. What is urgent goes first and alone, so
   * that it waits for nothing else. `wanted` is asked then: what is not wanted any more is not begun, and gives null.
   */
  want(question: Q, urgent: boolean, wanted: () => boolean = () => true): Promise<A | null> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ question, urgent, wanted, resolve, reject });
      if (this.#soon) return;
      this.#soon = true;
      queueMicrotask(() => {
        this.#soon = false;
        this.#go();
      });
    });
  }

  #go(): void {
    while (this.#free > 0) {
      const group = this.#next();
      if (group.length === 0) return;
      this.#free -= 1;
      void this.ask(group.map((it) => it.question))
        .then(
          (answers) => {
            for (const [i, { resolve, reject }] of group.entries()) {
              const given = answers[i];
              if (given !== undefined && "answer" in given) resolve(given.answer);
              else reject(given?.thrown ?? new Error("no answer came"));
            }
          },
          (thrown: unknown) => {
            for (const { reject } of group) reject(thrown);
          },
        )
        .finally(() => {
          this.#free += 1;
          this.#go();
        });
    }
  }

  #next(): Waiting<Q, A>[] {
    const unwanted = this.#waiting.filter((it) => !it.wanted());
    for (const { resolve } of unwanted) resolve(null);
    if (unwanted.length > 0) this.#waiting = this.#waiting.filter((it) => !unwanted.includes(it));
    const urgent = this.#waiting.findIndex((it) => it.urgent);
    return urgent >= 0 ? this.#waiting.splice(urgent, 1) : this.#waiting.splice(0, this.size);
  }
}

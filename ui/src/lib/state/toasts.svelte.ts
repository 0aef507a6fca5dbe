// Short words about what was just done, and about what failed.

import type { Problem } from "../errors";

const SHOWN_MS = 5_000;
const SHOWN_AT_ONCE = 4;

export type Action = { label: string; run: () => void };
export type Toast = { id: number; title: string; text: string | null; action: Action | null; bad: boolean };

/** What the engine says, with an end: many of its words are a clause for others to go on from. */
export const sentence = (words: string): string => (/[.!?…:]["”’)]?$/.test(words) ? words : `${words}.`);

export class Toasts {
  list = $state.raw<Toast[]>([]);
  #id = 0;
  #timers = new Map<number, ReturnType<typeof setTimeout>>();

  say(title: string, action: Action | null = null): void {
    this.#add({ title, text: null, action, bad: false });
  }

  /** A failure stays until it was read. */
  problem(problem: Problem): void {
    this.#add({ title: problem.title, text: `${sentence(problem.message)} ${problem.next}`, action: null, bad: true });
  }

  /** Some of it was done and some not: stays until it was read. */
  mixed(title: string, text: string, action: Action | null = null): void {
    this.#add({ title, text, action, bad: true });
  }

  dismiss(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    this.list = this.list.filter((it) => it.id !== id);
  }

  /** While the pointer or the focus is on it, a toast stays. */
  hold(id: number): void {
    clearTimeout(this.#timers.get(id));
  }

  release(toast: Toast): void {
    if (toast.bad) return;
    this.hold(toast.id);
    this.#timers.set(toast.id, setTimeout(() => this.dismiss(toast.id), SHOWN_MS));
  }

  #add(toast: Omit<Toast, "id">): void {
    // Said twice, a failure is still one.
    const same = this.list.find((it) => it.bad && toast.bad && it.title === toast.title && it.text === toast.text);
    if (same !== undefined) return;
    this.#id += 1;
    const added = { ...toast, id: this.#id };
    this.list = [...this.list, added].slice(-SHOWN_AT_ONCE);
    this.release(added);
  }
}

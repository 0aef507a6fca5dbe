// The rows of a long list that were read, by pages: those in sight are asked for, those far away let go.
//
// What is old stays where it stands until what is new has come, so that nothing flickers.

export const PAGE = 100;
/** Pages that are kept beyond those asked for last. */
const KEPT = 24;

export type Ticket = { readonly page: number; readonly turn: number };

export class Pages<T extends { uid: string }> {
  total = 0;
  /** Whether anything was ever answered. */
  known = false;
  #pages = new Map<number, { rows: T[]; fresh: boolean }>();
  #under = new Map<number, number>();
  #places = new Map<string, number>();
  #turn = 0;
  #other = false;

  at(index: number): T | undefined {
    return index < 0 || index >= this.total ? undefined : this.#pages.get(Math.floor(index / PAGE))?.rows[index % PAGE];
  }

  /** Where a row stands, if its page is here. */
  find(uid: string): number {
    const index = this.#places.get(uid);
    return index !== undefined && this.at(index)?.uid === uid ? index : -1;
  }

  get(uid: string): T | undefined {
    const index = this.find(uid);
    return index < 0 ? undefined : this.at(index);
  }

  /** The pages to be read for these rows: missing or old, and not asked for yet. */
  wanted(from: number, to: number): Ticket[] {
    const last = this.known ? Math.min(to, this.total) - 1 : to - 1;
    const tickets: Ticket[] = [];
    for (let page = Math.floor(Math.max(from, 0) / PAGE); page <= Math.floor(Math.max(last, 0) / PAGE); page += 1) {
      if (this.#pages.get(page)?.fresh === true || this.#under.get(page) === this.#turn) continue;
      this.#under.set(page, this.#turn);
      tickets.push({ page, turn: this.#turn });
    }
    return tickets;
  }

  /** Takes a page as it was answered. False when it was asked for before everything changed. */
  put({ page, turn }: Ticket, rows: T[], total: number): boolean {
    if (turn !== this.#turn) return false;
    this.#under.delete(page);
    if (this.#other) {
      // The first answer to another question: what was before it has no place any more.
      this.#other = false;
      this.#pages.clear();
      this.#places.clear();
    }
    this.known = true;
    if (total < this.total) for (const at of [...this.#pages.keys()]) if (at * PAGE >= total) this.#drop(at);
    this.total = total;
    this.#pages.set(page, { rows, fresh: true });
    rows.forEach((row, i) => this.#places.set(row.uid, page * PAGE + i));
    return true;
  }

  fail({ page, turn }: Ticket): void {
    if (this.#under.get(page) === turn) this.#under.delete(page);
  }

  /** All that is here may be old; `other` says that it answers another question, too. */
  stale(other = false): void {
    this.#turn += 1;
    this.#under.clear();
    this.#other ||= other;
    for (const it of this.#pages.values()) it.fresh = false;
  }

  /** Newer values of rows, where they stand. Answers whether any of them is here. */
  update(rows: readonly T[]): boolean {
    let any = false;
    for (const row of rows) {
      const index = this.find(row.uid);
      if (index < 0) continue;
      const page = this.#pages.get(Math.floor(index / PAGE));
      if (page !== undefined) page.rows[index % PAGE] = row;
      any = true;
    }
    return any;
  }

  /** Lets go of what is far from these rows, the farthest first. */
  keep(from: number, to: number): void {
    const first = Math.floor(from / PAGE);
    const last = Math.floor(Math.max(to - 1, from) / PAGE);
    const away = (page: number) => Math.max(first - page, page - last, 0);
    const far = [...this.#pages.keys()].filter((it) => away(it) > 0).sort((a, b) => away(a) - away(b));
    for (const page of far.slice(KEPT)) this.#drop(page);
  }

  #drop(page: number): void {
    for (const row of this.#pages.get(page)?.rows ?? []) if (Math.floor((this.#places.get(row.uid) ?? -1) / PAGE) === page) this.#places.delete(row.uid);
    this.#pages.delete(page);
  }
}

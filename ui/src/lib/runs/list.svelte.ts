// One list of runs, read from the engine by pages: the whole table, or what an unfolded group holds.

import type { RunRow, RunSort } from "../bindings";
import { problemOf, type Problem } from "../errors";
import type { App } from "../state/app.svelte";
import { PAGE, Pages, type Ticket } from "./pages";

/** A row, and where the cells of the columns that were asked for stand in it. */
export type Row = RunRow & { readonly at: ReadonlyMap<string, number> };

export type Ask = { query: string; sort: readonly RunSort[]; columns: readonly string[] };

const MOST_AT_ONCE = 500;

export const withPlaces = (rows: readonly RunRow[], columns: readonly string[]): Row[] => {
  const at = new Map(columns.map((id, i) => [id, i]));
  return rows.map((it) => ({ ...it, at }));
};

export class RunList {
  problem = $state.raw<Problem | null>(null);
  /** The runs there are, whatever is asked for. */
  all = $state(0);
  revision = 0;
  /** Counts answers: what reads a row depends on it. */
  #answers = $state(0);
  #pages = new Pages<Row>();
  #from = 0;
  #to = 0;

  constructor(
    private readonly app: App,
    private ask: Ask,
  ) {}

  get total(): number {
    void this.#answers;
    return this.#pages.total;
  }

  get known(): boolean {
    void this.#answers;
    return this.#pages.known;
  }

  at(index: number): Row | undefined {
    void this.#answers;
    return this.#pages.at(index);
  }

  get(uid: string): Row | undefined {
    void this.#answers;
    return this.#pages.get(uid);
  }

  find(uid: string): number {
    void this.#answers;
    return this.#pages.find(uid);
  }

  /** The uids of what is loaded and near the screen. */
  inSight(): string[] {
    const uids: string[] = [];
    for (let index = this.#from; index < this.#to; index += 1) {
      const row = this.#pages.at(index);
      if (row !== undefined) uids.push(row.uid);
    }
    return uids;
  }

  /** These rows are near the screen. */
  look(from: number, to: number): void {
    this.#from = Math.max(from, 0);
    this.#to = Math.max(to, 0);
    if (to <= from) return;
    this.#load();
  }

  /** Other columns, order or query. What is shown stays until there is an answer. */
  change(ask: Ask): void {
    const other = ask.query !== this.ask.query || JSON.stringify(ask.sort) !== JSON.stringify(this.ask.sort);
    this.ask = ask;
    this.#pages.stale(other);
    this.#load();
  }

  /** Reads again what is in sight; the rest when it is seen. */
  again(): void {
    this.#pages.stale();
    this.#load();
  }

  update(rows: readonly RunRow[], columns: readonly string[]): void {
    if (this.#pages.update(withPlaces(rows, columns))) this.#answers += 1;
  }

  /** Rows from one place to another, read where they are not here. */
  async take(from: number, to: number): Promise<Row[]> {
    const taken: Row[] = [];
    let index = from;
    while (index < to) {
      const here = this.#pages.at(index);
      if (here !== undefined) {
        taken.push(here);
        index += 1;
        continue;
      }
      const { query, sort, columns } = this.ask;
      const page = await this.app.call("runs.list", { query, sort: [...sort], columns: [...columns], offset: index, limit: Math.min(to - index, MOST_AT_ONCE) });
      if (page.rows.length === 0) break;
      taken.push(...withPlaces(page.rows, columns));
      index += page.rows.length;
    }
    return taken;
  }

  #load(): void {
    const to = Math.max(this.#to, this.#from + 1);
    for (const ticket of this.#pages.wanted(this.#from, to)) void this.#read(ticket);
    this.#pages.keep(this.#from, to);
  }

  async #read(ticket: Ticket): Promise<void> {
    const { query, sort, columns } = this.ask;
    try {
      const answer = await this.app.call("runs.list", { query, sort: [...sort], columns: [...columns], offset: ticket.page * PAGE, limit: PAGE });
      if (!this.#pages.put(ticket, withPlaces(answer.rows, columns), answer.total)) return;
      this.all = answer.all;
      this.revision = answer.revision;
      this.problem = null;
      this.#answers += 1;
      // It may have become shorter or longer meanwhile.
      this.#load();
    } catch (thrown) {
      this.#pages.fail(ticket);
      this.problem = problemOf(thrown);
    }
  }
}

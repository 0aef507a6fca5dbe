// The table of runs as it is looked at: query, order, columns, groups; what is current and what is selected; and how all
// of it is kept current while runs write.

import type { BestRun, RunColumn, RunGroup, RunRow, RunSort, SavedView } from "../bindings";
import { runsPush } from "./push";
import { problemOf, type Problem } from "../errors";
import type { App } from "../state/app.svelte";
import { paced } from "../util/follow";
import { count } from "../util/format";
import { readPreference, writePreference } from "../util/preferences";
import { chosenFor, columnOf, isNumber, moved, sorted, within } from "./columns";
import { RunList, type Row } from "./list.svelte";
import { Sparks } from "./sparks.svelte";

export const ROW = 30;
const SELECTED_AT_MOST = 5_000;
const ROWS_MS = 250;
const LIST_MS = 400;
const BEST_MS = 600;
const COLUMNS_MS = 2_000;
/** More columns than this nobody reads, and the engine gives no more than 300. */
const DIFFERING_AT_MOST = 200;
const NEWEST: RunSort[] = [{ column: "started", descending: true }];

/** What is kept of the table from one time to the next, and in a saved view. */
export type TableLook = { query: string; columns: string[]; sort: RunSort[]; group: string[]; pinned: string[]; widths: Record<string, number>; hideConstant: boolean };

export type Line =
  | { kind: "group"; key: string; group: RunGroup; open: boolean }
  | { kind: "run"; key: string; run: Row; index: number; inGroup: boolean }
  | { kind: "missing"; key: null; inGroup: boolean };

type Block = { kind: "group"; place: number; group: RunGroup; key: string; open: boolean } | { kind: "rows"; place: number; count: number; list: RunList; inGroup: boolean };

export const groupKey = (group: RunGroup): string => `group:${JSON.stringify(group.values)}`;

export class RunTable {
  look = $state.raw<TableLook>({ query: "", columns: [], sort: NEWEST, group: [], pinned: [], widths: {}, hideConstant: false });
  /** The name of the saved view that it was opened from. */
  view = $state<string | null>(null);
  views = $state.raw<SavedView[]>([]);
  columns = $state.raw<RunColumn[] | null>(null);
  best = $state.raw<BestRun[]>([]);
  groups = $state.raw<RunGroup[] | null>(null);
  groupProblem = $state.raw<Problem | null>(null);
  open = $state.raw<ReadonlyMap<string, RunList>>(new Map());
  current = $state<string | null>(null);
  gathering = $state(false);
  /** Where the table was scrolled to when it was left. */
  scrolled = 0;
  readonly list: RunList;
  readonly sparks: Sparks;

  #chosen = new Map<string, RunRow>();
  #turn = $state(0);
  #anchor: string | null = null;
  #gather = 0;
  #changed = new Set<string>();
  /** Whether the user has chosen columns; until then they are those that tell runs apart. */
  #settled = false;

  constructor(readonly app: App) {
    const kept = readLook();
    if (kept !== null) {
      this.look = kept;
      this.#settled = kept.columns.length > 0;
    }
    this.list = new RunList(app, this.#ask());
    this.sparks = new Sparks(app);
  }

  /** Keeps it current as long as it is looked at. */
  follow(): () => void {
    const rows = paced(ROWS_MS, () => this.#readRows());
    const lists = paced(LIST_MS, () => this.#readLists());
    const columns = paced(COLUMNS_MS, () => this.#readColumns());
    const best = paced(BEST_MS, () => this.#readBest());
    const stops = [
      this.app.onPush((told) => {
        const push = runsPush(told);
        if (push === null) return;
        for (const uid of push.uids) this.#changed.add(uid);
        this.sparks.forget(push.uids);
        if (push.uids.length > 0) rows.ask();
        if (push.structure) {
          if (push.uids.length === 0) this.sparks.forget(null);
          lists.ask();
        }
        best.ask();
        columns.ask();
      }),
      this.app.onRefresh(() => {
        lists.ask();
        columns.ask();
      }),
    ];
    this.list.again();
    columns.ask();
    void this.readViews();
    return () => {
      for (const it of [rows, lists, columns, best]) it.stop();
      for (const stop of stops) stop();
    };
  }

  // What is shown.

  /** What is known of each column by its id. */
  readonly known = $derived(new Map((this.columns ?? []).map((it) => [it.id, it])));

  /** The columns that are shown, in their order. */
  readonly shown = $derived.by((): string[] => {
    const { columns, hideConstant } = this.look;
    const all = columns.length === 0 ? ["name", "status", "started"] : columns;
    if (!hideConstant) return all;
    return all.filter((id) => columnOf(id).kind !== "config" || this.known.get(id)?.constant !== true);
  });

  /** Which run is best by a column. */
  readonly bests = $derived(new Map(this.best.map((it) => [it.column, it.uid])));

  #ask() {
    return { query: this.look.query, sort: this.look.sort, columns: this.look.columns.filter((id) => columnOf(id).kind !== "spark") };
  }

  /** Another way to look at it; what is the same is not read again. */
  set(change: Partial<TableLook>): void {
    if (change.columns !== undefined) this.#settled = true;
    this.#show(change);
  }

  #show(change: Partial<TableLook>): void {
    const before = this.look;
    this.look = { ...before, ...change };
    // Columns that nobody has chosen follow from what there is.
    writePreference("runs", JSON.stringify({ ...this.look, columns: this.#settled ? this.look.columns : [] }));
    const asks = (["query", "sort"] as const).some((it) => JSON.stringify(before[it]) !== JSON.stringify(this.look[it]));
    const known = new Set(before.columns);
    const more = this.look.columns.some((it) => !known.has(it) && columnOf(it).kind !== "spark");
    if (asks || more) {
      this.list.change(this.#ask());
      for (const [key, list] of this.open) {
        const group = this.groups?.find((it) => groupKey(it) === key);
        if (group !== undefined) list.change({ ...this.#ask(), query: group.query });
      }
    }
    const grouped = JSON.stringify(before.group) !== JSON.stringify(this.look.group);
    if (grouped) {
      this.groups = null;
      this.open = new Map();
      this.current = null;
    }
    if (asks || more || grouped) void this.#readGroups();
    if (before.query !== this.look.query) void this.#readColumns();
    else if (more) void this.#readBest();
  }

  sortBy(id: string, further: boolean): void {
    const goal = this.known.get(id)?.goal ?? null;
    const down = isNumber(id, this.known) && goal !== "min";
    const next = sorted(this.look.sort, id, further, down);
    this.set({ sort: next.length === 0 ? NEWEST : next });
  }

  moveColumn(id: string, by: number): void {
    const at = this.look.columns.indexOf(id);
    if (at < 0 || id === "name") return;
    this.set({ columns: moved(this.look.columns, id, Math.max(at + by, 1)) });
  }

  pin(id: string): void {
    const { pinned } = this.look;
    this.set({ pinned: pinned.includes(id) ? pinned.filter((it) => it !== id) : [...pinned, id] });
  }

  resize(id: string, width: number): void {
    this.set({ widths: { ...this.look.widths, [id]: within(width) } });
  }

  toggleColumn(id: string, on: boolean): void {
    const { columns, pinned } = this.look;
    if (!on) return this.set({ columns: columns.filter((it) => it !== id), pinned: pinned.filter((it) => it !== id) });
    if (columns.includes(id)) return;
    // Beside its kind: metrics with metrics, settings with settings, and what is of time last.
    const kind = columnOf(id).kind === "spark" ? "metric" : columnOf(id).kind;
    const last = columns.findLastIndex((it) => (columnOf(it).kind === "spark" ? "metric" : columnOf(it).kind) === kind && (kind !== "field" || !["duration", "started"].includes(it)));
    this.set({ columns: moved([...columns, id], id, last < 0 ? columns.length : last + 1) });
  }

  /** Of the settings those that differ, and no others. */
  onlyDiffering(): void {
    const differ = (this.columns ?? []).filter((it) => it.kind === "config" && !it.constant).slice(0, DIFFERING_AT_MOST).map((it) => it.id);
    const { columns } = this.look;
    const first = columns.findIndex((it) => columnOf(it).kind === "config");
    const rest = columns.filter((it) => columnOf(it).kind !== "config");
    const at = first >= 0 ? columns.slice(0, first).filter((it) => columnOf(it).kind !== "config").length : rest.length;
    this.set({ columns: [...rest.slice(0, at), ...differ, ...rest.slice(at)] });
  }

  // Saved views.

  async readViews(): Promise<void> {
    try {
      this.views = (await this.app.call("runs.views", {})).views;
    } catch {
      // The menu that shows them says so by having none.
    }
  }

  /** All runs again, without groups; columns and order stay. */
  everything(): void {
    this.view = null;
    this.set({ query: "", group: [] });
  }

  openView(view: SavedView): void {
    this.view = view.name;
    this.set({ query: view.query, columns: view.columns, sort: view.sort, group: view.group, pinned: view.pinned, widths: view.widths, hideConstant: view.hide_constant });
  }

  async saveView(name: string): Promise<boolean> {
    const { query, columns, sort, group, pinned, widths, hideConstant } = this.look;
    const answer = await this.app.attempt("runs.save_view", { name, query, columns, sort, group, pinned, widths, hide_constant: hideConstant });
    if (answer === null) return false;
    this.views = answer.views;
    this.view = name;
    return true;
  }

  async deleteView(view: SavedView): Promise<void> {
    const answer = await this.app.attempt("runs.delete_view", { name: view.name });
    if (answer === null) return;
    this.views = answer.views;
    if (this.view === view.name) this.view = null;
    this.app.toasts.say(`Removed the view ${view.name}`, { label: "Undo", run: () => void this.app.attempt("runs.save_view", view).then(() => this.readViews()) });
  }

  /** Whether the view at hand differs from what was saved under its name. */
  readonly viewChanged = $derived.by(() => {
    const saved = this.views.find((it) => it.name === this.view);
    if (saved === undefined) return false;
    const { query, columns, sort, group, pinned, hideConstant } = this.look;
    return JSON.stringify([saved.query, saved.columns, saved.sort, saved.group, saved.pinned, saved.hide_constant]) !== JSON.stringify([query, columns, sort, group, pinned, hideConstant]);
  });

  // Lines: groups and the rows below those that are open, or rows alone.

  readonly blocks = $derived.by((): Block[] => {
    if (this.look.group.length === 0) return [{ kind: "rows", place: 0, count: this.list.total, list: this.list, inGroup: false }];
    const blocks: Block[] = [];
    let place = 0;
    for (const group of this.groups ?? []) {
      const key = groupKey(group);
      const list = this.open.get(key);
      blocks.push({ kind: "group", place, group, key, open: list !== undefined });
      place += 1;
      if (list === undefined) continue;
      // As many as the group says, until its list is known.
      const rows = list.known ? list.total : group.count;
      blocks.push({ kind: "rows", place, count: rows, list, inGroup: true });
      place += rows;
    }
    return blocks;
  });

  readonly length = $derived.by(() => {
    const last = this.blocks.at(-1);
    return last === undefined ? 0 : last.place + (last.kind === "rows" ? last.count : 1);
  });

  lineAt(place: number): Line | null {
    const block = this.blockAt(place);
    if (block === undefined) return null;
    if (block.kind === "group") return { kind: "group", key: block.key, group: block.group, open: block.open };
    const index = place - block.place;
    const run = block.list.at(index);
    return run === undefined ? { kind: "missing", key: null, inGroup: block.inGroup } : { kind: "run", key: run.uid, run, index, inGroup: block.inGroup };
  }

  blockAt(place: number): Block | undefined {
    if (place < 0 || place >= this.length) return undefined;
    let low = 0;
    let high = this.blocks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.blocks[middle]?.place ?? 0) <= place) low = middle;
      else high = middle - 1;
    }
    // An open group without rows has a block of none at the same place as the next.
    const found = this.blocks[low];
    return found?.kind === "rows" && place >= found.place + found.count ? this.blocks[low + 1] : found;
  }

  placeOf(key: string): number {
    for (const block of this.blocks) {
      if (block.kind === "group") {
        if (block.key === key) return block.place;
        continue;
      }
      const index = block.list.find(key);
      if (index >= 0) return block.place + index;
    }
    return -1;
  }

  get(uid: string): RunRow | undefined {
    return this.list.get(uid) ?? [...this.open.values()].map((it) => it.get(uid)).find((it) => it !== undefined) ?? this.#chosen.get(uid);
  }

  get currentGroup(): RunGroup | null {
    return this.current === null ? null : (this.groups?.find((it) => groupKey(it) === this.current) ?? null);
  }

  toggle(group: RunGroup, open?: boolean): void {
    const key = groupKey(group);
    const next = new Map(this.open);
    if (open ?? !next.has(key)) {
      if (next.has(key)) return;
      next.set(key, new RunList(this.app, { ...this.#ask(), query: group.query }));
    } else next.delete(key);
    this.open = next;
  }

  /** What is near the screen is read. */
  near(from: number, to: number): void {
    for (const block of this.blocks) {
      if (block.kind === "rows") block.list.look(Math.max(from - block.place, 0), Math.min(to - block.place, Math.max(block.count, 1)));
    }
  }

  // The current line and the selection.

  isSelected(uid: string): boolean {
    void this.#turn;
    return this.#chosen.has(uid);
  }

  get selected(): RunRow[] {
    void this.#turn;
    return [...this.#chosen.values()];
  }

  get size(): number {
    void this.#turn;
    return this.#chosen.size;
  }

  /** What acts are about: the selection, or else the run that is open or current. */
  readonly subject = $derived.by((): RunRow[] => {
    if (this.size > 0) return this.selected;
    const uid = this.app.router.run ?? this.current;
    const one = uid === null ? undefined : this.get(uid);
    return one === undefined ? [] : [one];
  });

  clear(): void {
    this.#gather += 1;
    this.#chosen.clear();
    this.#turn += 1;
  }

  /** Makes a line the current one; with `extend` all between it and the anchor is selected. */
  go(place: number, extend: boolean): boolean {
    const line = this.lineAt(place);
    if (line === null || line.key === null) return false;
    if (extend) this.#anchor ??= this.current ?? line.key;
    else this.#anchor = line.key;
    this.current = line.key;
    if (extend && this.#anchor !== null) void this.range(this.placeOf(this.#anchor), place);
    return true;
  }

  /** Takes a run into the selection or out of it. */
  toggleSelected(run: RunRow): void {
    this.#gather += 1;
    if (!this.#chosen.delete(run.uid)) this.#chosen.set(run.uid, run);
    this.#anchor = run.uid;
    this.current = run.uid;
    this.#turn += 1;
  }

  /** A click on a row, with what was held down. Answers whether it is to be opened. */
  click(run: RunRow, how: { shift: boolean; toggle: boolean }): boolean {
    if (how.shift) {
      this.#anchor ??= this.current ?? run.uid;
      this.current = run.uid;
      void this.range(this.placeOf(this.#anchor), this.placeOf(run.uid));
      return false;
    }
    if (how.toggle) {
      this.toggleSelected(run);
      return false;
    }
    this.#anchor = run.uid;
    this.current = run.uid;
    return true;
  }

  /** Selects the runs between two places; those that are not here are read first. */
  async range(from: number, to: number): Promise<void> {
    if (from < 0 || to < 0) return;
    const [first, last] = from < to ? [from, to] : [to, from];
    this.#gather += 1;
    const turn = this.#gather;
    let room = SELECTED_AT_MOST;
    this.gathering = true;
    try {
      const found: RunRow[] = [];
      for (const block of this.blocks) {
        if (block.kind !== "rows") continue;
        const begin = Math.max(first - block.place, 0);
        const end = Math.min(last - block.place + 1, block.count, begin + room);
        if (end <= begin) continue;
        found.push(...(await block.list.take(begin, end)));
        if (turn !== this.#gather) return;
        room -= end - begin;
      }
      this.#chosen = new Map(found.map((it) => [it.uid, it]));
      this.#turn += 1;
      if (room <= 0) this.app.toasts.say(`The first ${count(SELECTED_AT_MOST)} are selected`);
    } catch (thrown) {
      this.app.toasts.problem(problemOf(thrown));
    } finally {
      if (turn === this.#gather) this.gathering = false;
    }
  }

  all(): Promise<void> {
    return this.range(0, this.length - 1);
  }

  /** The runs of a group, all of them or none. */
  async selectGroup(group: RunGroup): Promise<void> {
    this.toggle(group, true);
    const place = this.placeOf(groupKey(group));
    await this.range(place, place + group.count);
  }

  /** They are gone. */
  forget(uids: readonly string[]): void {
    for (const uid of uids) this.#chosen.delete(uid);
    this.#turn += 1;
  }

  /** Newer rows that somebody else has read, as after a change of tags. */
  async refresh(uids: readonly string[]): Promise<void> {
    for (const uid of uids) this.#changed.add(uid);
    await this.#readRows();
  }

  // Reading.

  async #readRows(): Promise<void> {
    const lists = [this.list, ...this.open.values()];
    const seen = new Set(lists.flatMap((it) => it.inSight()));
    const uids = [...this.#changed].filter((it) => seen.has(it) || this.#chosen.has(it)).slice(0, 500);
    this.#changed.clear();
    if (uids.length === 0) return;
    const { columns } = this.#ask();
    try {
      const { rows } = await this.app.call("runs.rows", { uids, columns });
      for (const list of lists) list.update(rows, columns);
      for (const row of rows) if (this.#chosen.has(row.uid)) this.#chosen.set(row.uid, row);
      this.#turn += 1;
    } catch {
      // The next change reads them again, and a lost engine is said elsewhere.
    }
  }

  async #readLists(): Promise<void> {
    this.list.again();
    for (const list of this.open.values()) list.again();
    await this.#readGroups();
  }

  async #readGroups(): Promise<void> {
    const { query, group: by } = this.look;
    if (by.length === 0) return;
    const columns = this.groupColumns;
    // A group has no name and no start: it is sorted by what it has.
    const sort = this.look.sort.filter((it) => by.includes(it.column) || columns.includes(it.column));
    try {
      const { groups } = await this.app.call("runs.group", { query, by, columns, sort });
      if (this.look.group !== by || this.look.query !== query) return;
      this.groups = groups;
      this.groupProblem = null;
      const there = new Set(groups.map(groupKey));
      if ([...this.open.keys()].some((it) => !there.has(it))) this.open = new Map([...this.open].filter(([key]) => there.has(key)));
    } catch (thrown) {
      this.groupProblem = problemOf(thrown);
    }
  }

  /** The columns of which a group has a mean. */
  readonly groupColumns = $derived(this.look.columns.filter((it) => columnOf(it).kind !== "spark" && isNumber(it, this.known) && !["started", "finished", "changed"].includes(it)));

  async #readColumns(): Promise<void> {
    const { query } = this.look;
    try {
      const { columns } = await this.app.call("runs.columns", { query });
      if (query !== this.look.query) return;
      const first = this.columns === null;
      this.columns = columns;
      if (!this.#settled && query === "" && columns.some((it) => it.kind !== "field")) {
        const chosen = chosenFor(columns);
        if (JSON.stringify(chosen) !== JSON.stringify(this.look.columns)) this.#show({ columns: chosen });
      }
      if (first && this.look.group.length > 0) void this.#readGroups();
    } catch {
      return;
    }
    await this.#readBest();
  }

  async #readBest(): Promise<void> {
    const { query } = this.look;
    const columns = this.look.columns.filter((it) => columnOf(it).kind === "metric");
    if (columns.length === 0) return void (this.best = []);
    try {
      const { best } = await this.app.call("runs.best", { query, columns });
      if (query === this.look.query) this.best = best;
    } catch {
      // Without it nothing is marked.
    }
  }
}

function readLook(): TableLook | null {
  try {
    const kept = JSON.parse(readPreference("runs") ?? "null") as Partial<TableLook> | null;
    if (kept === null || !Array.isArray(kept.columns) || !Array.isArray(kept.sort)) return null;
    return { query: kept.query ?? "", columns: kept.columns, sort: kept.sort.length === 0 ? NEWEST : kept.sort, group: kept.group ?? [], pinned: kept.pinned ?? [], widths: kept.widths ?? {}, hideConstant: kept.hideConstant ?? false };
  } catch {
    return null;
  }
}

// What the keys do in the table of runs.

import { COMPARED } from "../../lib/runs/compared";
import { copyRuns, removeRuns } from "../../lib/runs/acts";
import { groupKey, type RunTable } from "../../lib/runs/table.svelte";
import type { RunRow } from "../../lib/bindings";
import type { App } from "../../lib/state/app.svelte";

export type Grid = {
  app: App;
  table: RunTable;
  /** Rows on a screen. */
  page: number;
  go: (place: number, extend: boolean) => void;
  /** Goes to a line that may have to be read first. */
  far: (place: number, extend: boolean) => void;
  edit: (what: "tags" | "notes", of: RunRow[]) => void;
  menu: () => void;
};

/** The work of a key, or null where it has none here. */
export function keyWork(event: KeyboardEvent, grid: Grid): (() => void) | null {
  const { app, table } = grid;
  if (event.ctrlKey || event.metaKey) {
    const key = event.key.toLowerCase();
    if (key === "a") return () => void table.all();
    // Text that is selected is what is meant.
    if (key === "c" && table.subject.length > 0 && document.getSelection()?.isCollapsed !== false) return () => void copyRuns(app, table, table.subject, "markdown");
    return null;
  }
  return event.altKey ? null : (moving(event, grid) ?? acting(event, grid));
}

function moving(event: KeyboardEvent, { table, page, go, far }: Grid): (() => void) | null {
  const extend = event.shiftKey;
  const { length } = table;
  const at = table.current === null ? -1 : table.placeOf(table.current);
  const step = (by: number) => Math.min(Math.max(at < 0 ? (by > 0 ? 0 : length - 1) : at + by, 0), length - 1);
  switch (event.key) {
    case "ArrowDown":
    case "j":
    case "J":
      return () => go(step(1), extend);
    case "ArrowUp":
    case "k":
    case "K":
      return () => go(step(-1), extend);
    case "PageDown":
      return () => far(step(page), extend);
    case "PageUp":
      return () => far(step(-page), extend);
    case "Home":
      return () => far(0, extend);
    case "End":
      return () => far(length - 1, extend);
    default:
      return null;
  }
}

function acting(event: KeyboardEvent, { app, table, edit, menu }: Grid): (() => void) | null {
  const { current } = table;
  const group = table.currentGroup;
  const run = current === null || group !== null ? undefined : table.get(current);
  switch (event.key) {
    case "ArrowRight":
      return group === null ? null : () => table.toggle(group, true);
    case "ArrowLeft":
      return table.look.group.length === 0 ? null : () => closeGroup(table);
    case "Enter":
      if (group !== null) return () => table.toggle(group);
      return run === undefined ? null : () => app.router.openRun(run.uid);
    case "o":
      return run === undefined ? null : () => app.router.openRunPage(run.uid);
    case " ":
    case "x":
    case "X":
      if (group !== null) return () => void table.selectGroup(group);
      return run === undefined ? null : () => table.toggleSelected(run);
    case "t":
      return table.subject.length === 0 ? null : () => edit("tags", table.subject);
    case "v":
      return table.selected.length < 2 || table.selected.length > COMPARED ? null : () => app.router.compare(table.selected.map((it) => it.uid));
    case "e":
      return run === undefined ? null : () => edit("notes", [run]);
    case "Delete":
    case "Backspace":
      return table.subject.length === 0 ? null : () => void removeRuns(app, table, table.subject);
    case "ContextMenu":
      return menu;
    case "F10":
      return event.shiftKey ? menu : null;
    case "Escape":
      if (app.router.run !== null) return () => app.router.closeRun();
      return table.size > 0 ? () => table.clear() : null;
    default:
      return null;
  }
}

/** Out of a group to its line, and closed from there. */
function closeGroup(table: RunTable): void {
  const { current } = table;
  if (current === null) return;
  const own = table.currentGroup;
  const group = own ?? table.groups?.find((it) => (table.open.get(groupKey(it))?.find(current) ?? -1) >= 0);
  if (group === undefined || group === null) return;
  table.toggle(group, false);
  table.current = groupKey(group);
}

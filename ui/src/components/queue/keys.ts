// What the keys do in the queue's list.

import { allowed, performGroup, run, type ActId } from "../../lib/state/acts";
import type { App } from "../../lib/state/app.svelte";
import { archiveGroup, cancelGroup } from "../../lib/state/menus";
import type { Table } from "../../lib/state/table.svelte";

export type List = {
  app: App;
  table: Table;
  /** Rows on a screen. */
  page: number;
  go: (place: number, extend: boolean) => void;
  /** Goes to a line that may have to be read first. */
  far: (place: number, extend: boolean) => void;
  closeGroup: () => void;
  menu: () => void;
};

/** The work of a key, or null where it has none here. */
export function keyWork(event: KeyboardEvent, list: List): (() => void) | null {
  if (event.ctrlKey || event.metaKey) return controlKey(event.key.toLowerCase(), list);
  return event.altKey ? altKey(event.key, list) : plainKey(event, list);
}

function controlKey(key: string, { app, table }: List): (() => void) | null {
  if (key === "a") return () => void table.all();
  // Text that is selected is what is meant.
  if (key === "c" && app.selection.length > 0 && document.getSelection()?.isCollapsed !== false) return () => void run(app, "uids", app.selection);
  return null;
}

function altKey(key: string, { table }: List): (() => void) | null {
  const of = table.subject;
  switch (key) {
    case "ArrowUp":
      return () => void table.step(of, -1);
    case "ArrowDown":
      return () => void table.step(of, 1);
    case "Home":
      return () => void table.move(of, { to: "top" });
    case "End":
      return () => void table.move(of, { to: "bottom" });
    default:
      return null;
  }
}

function plainKey(event: KeyboardEvent, list: List): (() => void) | null {
  const { app, table, page, go, far } = list;
  const group = table.currentGroup;
  const extend = event.shiftKey;
  switch (event.key) {
    case "ArrowDown":
    case "j":
    case "J":
      return () => go(table.next(1), extend);
    case "ArrowUp":
    case "k":
    case "K":
      return () => go(table.next(-1), extend);
    case "PageDown":
      return () => far(table.next(page), extend);
    case "PageUp":
      return () => far(table.next(-page), extend);
    case "Home":
      return () => far(1, extend);
    case "End":
      return () => far(table.layout.length - 1, extend);
    case "ArrowRight":
      return group === null ? null : () => table.toggle(group.name, true);
    case "ArrowLeft":
      return () => list.closeGroup();
    case "Enter":
    case " ":
      if (group !== null) return () => table.toggle(group.name);
      return table.current === null ? null : () => table.current !== null && app.router.openJob(table.current);
    case "ContextMenu":
      return () => list.menu();
    case "F10":
      return event.shiftKey ? () => list.menu() : null;
    case "Escape":
      if (app.router.job !== null) return () => app.router.closeJob();
      return table.size > 0 ? () => table.clear() : null;
    default:
      return actKey(event.key.toLowerCase(), event.shiftKey, list);
  }
}

/** Acts by a single key: on the group that is current, or on the selection. */
function actKey(key: string, shift: boolean, { app, table }: List): (() => void) | null {
  const group = table.size === 0 ? table.currentGroup : null;
  if (group !== null) {
    const live = group.counts.running + group.counts.queued > 0;
    switch (key) {
      case "p":
        return () => void performGroup(app, live ? "experiments.pause" : "experiments.resume", group.name, live ? "paused" : "resumed");
      case "r":
        return () => void performGroup(app, "experiments.retry", group.name, "queued once more");
      case "a":
        return () => void archiveGroup(app, group.name);
      case "delete":
      case "backspace":
        return () => void cancelGroup(app, group);
      default:
        return null;
    }
  }
  const of = app.selection;
  const can = (id: ActId) => allowed(id, of).length > 0;
  const acts: Record<string, ActId> = {
    p: can("pause") ? "pause" : "resume",
    r: "retry",
    e: "edit",
    d: "copy",
    a: can("archive") ? "archive" : "restore",
    delete: shift ? "delete" : "cancel",
    backspace: shift ? "delete" : "cancel",
  };
  const found = acts[key];
  return found === undefined ? null : () => void run(app, found, of);
}

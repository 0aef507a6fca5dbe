// Keys that work everywhere, and their list for the help.

import type { App } from "../state/app.svelte";

/** Whether the user is typing: single letters are text then. */
export function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.matches("input:not([type=checkbox],[type=radio],[type=range]), textarea, select"))
  );
}

export const KEYS: { title: string; keys: [string[], string][] }[] = [
  {
    title: "Anywhere",
    keys: [
      [["Ctrl", "K"], "Find an experiment, page or action"],
      [["N"], "New experiment"],
      [["G", "O"], "Overview"],
      [["G", "Q"], "Queue"],
      [["G", "T"], "Timeline"],
      [["G", "A"], "Activity"],
      [["G", "R"], "Runs"],
      [["G", "C"], "Charts"],
      [["G", "D"], "Devices"],
      [["G", "B"], "Notifications"],
      [["G", "S"], "Settings"],
      [["S"], "Statistics"],
      [["?"], "This list"],
    ],
  },
  {
    title: "In a list",
    keys: [
      [["/"], "Filter"],
      [["↑", "↓"], "Move (also J and K)"],
      [["Shift", "↑", "↓"], "Extend the selection"],
      [["Ctrl", "A"], "Select all"],
      [["Enter"], "Open, or open a group"],
      [["→", "←"], "Open and close a group"],
      [["Shift", "F10"], "Menu"],
      [["Esc"], "Close the drawer, then clear the selection"],
    ],
  },
  {
    title: "What is selected",
    keys: [
      [["P"], "Pause, hold or resume"],
      [["Delete"], "Cancel"],
      [["R"], "Retry"],
      [["E"], "Edit"],
      [["D"], "Queue a copy with changes"],
      [["A"], "Archive, or take back out"],
      [["Shift", "Delete"], "Delete"],
      [["Ctrl", "C"], "Copy the uids"],
      [["Alt", "↑", "↓"], "Move in the queue"],
      [["Alt", "Home", "End"], "Move to the top, to the bottom"],
    ],
  },
  {
    title: "Among runs",
    keys: [
      [["/"], "Query; Tab takes a suggestion"],
      [["X"], "Select (also Space)"],
      [["T"], "Tags"],
      [["E"], "Notes"],
      [["C"], "Columns"],
      [["V"], "Compare what is selected"],
      [["O"], "Open on a page"],
      [["Ctrl", "C"], "Copy as a Markdown table"],
      [["Alt", "←", "→"], "Move a column, from its head"],
      [["Delete"], "Remove from the list"],
    ],
  },
  {
    title: "On a chart",
    keys: [
      [["←", "→"], "Read its values from point to point; also Home and End"],
      [["+", "−"], "Zoom; Ctrl and the wheel, a box, or an axis do it, too"],
      [["Shift", "←", "→"], "Pan; also Space and drag"],
      [["0"], "Show everything (also double click, or Esc)"],
      [["F"], "Full size"],
      [["S"], "Save as a file"],
    ],
  },
  {
    title: "On a page of charts",
    keys: [
      [["A"], "Add a chart"],
      [["Ctrl", "F"], "Find a chart"],
      [["E"], "Edit the chart"],
      [["Alt", "↑", "↓"], "To the next chart; also ← and →"],
      [["R"], "The list of runs: X draws one, O only it"],
      [["Ctrl", "P"], "Report"],
      [["Delete"], "Remove the chart"],
    ],
  },
  {
    title: "Comparing runs",
    keys: [
      [["A"], "Add a run"],
      [["["], "Part before"],
      [["]"], "Part after"],
      [["/"], "Filter"],
      [["Ctrl", "C"], "Copy as Markdown"],
      [["Ctrl", "P"], "Report"],
      [["Esc"], "Back to the runs"],
    ],
  },
  {
    title: "On the timeline",
    keys: [
      [["←", "→", "↑", "↓"], "From bar to bar"],
      [["+", "−"], "Zoom (also Ctrl and the wheel)"],
      [["Page ↑", "Page ↓"], "Earlier, later"],
      [["End"], "Now"],
    ],
  },
  {
    title: "On the history of a machine",
    keys: [
      [["←", "→"], "Read its values, with Shift faster"],
      [["Enter"], "Open what ran then"],
      [["+", "−"], "Zoom; drag to choose a part"],
      [["Page ↑", "Page ↓"], "Earlier, later"],
      [["End"], "Now"],
    ],
  },
  {
    title: "Beside a list",
    keys: [
      [["["], "Tab before"],
      [["]"], "Tab after"],
      [["Ctrl", "F"], "Find in the log"],
      [["Ctrl", "G"], "Go to a line, a share or an offset of the log"],
      [["End"], "Jump to the log's end"],
    ],
  },
  {
    title: "New experiment",
    keys: [[["Ctrl", "Enter"], "Queue it"]],
  },
];

let pressedG = -Infinity;
const SEQUENCE_MS = 1_000;

export function globalKey(app: App, event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing) return;
  const open = app.covered;
  if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    if (!open || app.palette) app.palette = !app.palette;
    return;
  }
  if (open || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && app.router.job !== null && !isTyping(event.target)) {
    event.preventDefault();
    app.router.closeJob();
    return;
  }
  if (event.key === "Escape" && app.router.run !== null && !isTyping(event.target)) {
    event.preventDefault();
    app.router.closeRun();
    return;
  }
  if (isTyping(event.target)) return;
  const key = event.key.toLowerCase();
  if (performance.now() - pressedG < SEQUENCE_MS) {
    pressedG = -Infinity;
    const part = ({ t: "timeline", a: "activity" } as const)[key];
    if (part !== undefined) {
      event.preventDefault();
      app.router.goQueue(part);
      return;
    }
    if (key === "c") {
      event.preventDefault();
      app.router.goCharts("");
      return;
    }
    if (key === "b" && app.info !== null) {
      event.preventDefault();
      app.notifications.open = true;
      return;
    }
    const view = ({ o: "overview", q: "queue", r: "runs", d: "devices", s: "settings" } as const)[key];
    if (view !== undefined) {
      event.preventDefault();
      app.router.go(view);
      return;
    }
  }
  if (key === "g") pressedG = performance.now();
  else if (key === "n") {
    event.preventDefault();
    const place = app.router.place;
    app.draft = place.view === "project" ? { project: place.name } : {};
  } else if (key === "s" && app.info !== null) {
    event.preventDefault();
    app.sheet = { kind: "statistics" };
  } else if (event.key === "?") {
    event.preventDefault();
    app.help = true;
  } else if (event.key === "/") {
    const filter = document.querySelector<HTMLInputElement>("[data-filter]");
    if (filter !== null) {
      event.preventDefault();
      filter.select();
      filter.focus();
    }
  }
}

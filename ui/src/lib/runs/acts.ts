// What can be done to runs.

import type { Outcome, RunExportFormat, RunRow } from "../bindings";
import type { App } from "../state/app.svelte";
import type { MenuItem } from "../state/menu";
import { plural } from "../util/format";
import { columnOf } from "./columns";
import { COMPARED } from "./compared";
import type { RunTable } from "./table.svelte";

export const FORMATS: [RunExportFormat, string, string][] = [["markdown", "Markdown", "md"], ["csv", "CSV", "csv"], ["latex", "LaTeX", "tex"], ["json", "JSON", "json"], ["parquet", "Parquet", "parquet"]];

const uidsOf = (of: readonly RunRow[]): string[] => of.map((it) => it.uid);

/** What of the table goes into a file: all columns that have words or numbers. */
export const exported = (table: RunTable): string[] => table.shown.filter((id) => columnOf(id).kind !== "spark");

export async function copyRuns(app: App, table: RunTable, of: readonly RunRow[], format: "markdown" | "csv" | "latex"): Promise<void> {
  const { query, sort } = table.look;
  const answer = await app.attempt("runs.export", { query: of.length === 0 ? query : "", sort, columns: exported(table), format, ...(of.length === 0 ? {} : { uids: uidsOf(of) }) });
  if (answer?.text !== null && answer !== null) await app.copy(answer.text, `${plural(answer.rows, "run")} as ${FORMATS.find(([it]) => it === format)?.[1] ?? format}`);
}

function sayFailed(app: App, outcomes: readonly Outcome[], what: string): number {
  const failed = outcomes.filter((it) => it.error !== null);
  const first = failed[0]?.error;
  if (first !== null && first !== undefined) app.toasts.mixed(`${plural(failed.length, "run")} could not be ${what}`, `${first.message} ${first.hint ?? ""}`.trim());
  return outcomes.length - failed.length;
}

/** Adds and takes away tags; what is there already is no change. */
export async function tagRuns(app: App, table: RunTable | null, of: readonly RunRow[], add: string[], remove: string[]): Promise<boolean> {
  if (add.length === 0 && remove.length === 0) return true;
  const answer = await app.attempt("runs.edit", { uids: uidsOf(of), tags_add: add, tags_remove: remove });
  if (answer === null) return false;
  sayFailed(app, answer.outcomes, "tagged");
  await table?.refresh(uidsOf(of));
  if (of.length > 1) {
    const words = [...add.map((it) => `+${it}`), ...remove.map((it) => `−${it}`)].join(" ");
    app.toasts.say(`${words} on ${plural(of.length, "run")}`, { label: "Undo", run: () => void tagRuns(app, table, of, remove, add.filter((tag) => !of.some((it) => it.tags.includes(tag)))) });
  }
  return true;
}

export async function noteRun(app: App, table: RunTable | null, run: Pick<RunRow, "uid">, notes: string): Promise<boolean> {
  const answer = await app.attempt("runs.edit", { uids: [run.uid], notes });
  if (answer === null) return false;
  sayFailed(app, answer.outcomes, "changed");
  await table?.refresh([run.uid]);
  return true;
}

export async function removeRuns(app: App, table: RunTable | null, of: readonly RunRow[]): Promise<void> {
  const [first] = of;
  if (first === undefined) return;
  const yes = await app.ask({
    title: of.length === 1 ? `Remove ${first.name} from the list?` : `Remove ${plural(of.length, "run")} from the list?`,
    text: "What was read is forgotten, with tags and notes that were given here. Files on disk stay as they are; the next look at their folder does not bring the runs back.",
    yes: of.length === 1 ? "Remove run" : `Remove ${of.length}`,
    no: "Keep",
  });
  if (!yes) return;
  const answer = await app.attempt("runs.remove", { uids: uidsOf(of) });
  if (answer === null) return;
  const gone = sayFailed(app, answer.outcomes, "removed");
  table?.forget(answer.outcomes.filter((it) => it.error === null).map((it) => it.uid));
  if (app.router.run !== null && of.some((it) => it.uid === app.router.run)) app.router.closeRun();
  if (app.router.place.view === "run") app.router.go("runs");
  if (gone > 0) app.toasts.say(`Removed ${plural(gone, "run")} from the list`);
}

export function runMenu(app: App, table: RunTable | null, of: readonly RunRow[], edit: ((what: "tags" | "notes", of: RunRow[]) => void) | null): MenuItem[] {
  const [only] = of;
  if (only === undefined) return [];
  const one = of.length === 1;
  const items: MenuItem[] = [];
  if (one) {
    if (app.router.run !== only.uid && app.router.place.view !== "run") items.push({ label: "Open", icon: "runs", keys: ["Enter"], run: () => app.router.openRun(only.uid) });
    if (app.router.place.view !== "run") items.push({ label: "Open on a page", icon: "wide", keys: ["O"], run: () => app.router.openRunPage(only.uid) });
  } else items.push({ kind: "heading", label: plural(of.length, "run") });
  if (edit !== null) {
    items.push({ label: "Tags…", icon: "tag", keys: ["T"], run: () => edit("tags", [...of]) });
    if (one) items.push({ label: "Notes…", icon: "edit", keys: ["E"], run: () => edit("notes", [only]) });
  }
  if (!one && of.length <= COMPARED) items.push({ label: `Compare ${of.length} runs`, icon: "columns", keys: ["V"], run: () => app.router.compare(uidsOf(of)) });
  if (one) items.push({ label: "Compare with…", icon: "columns", run: () => app.router.compare([only.uid]) });
  if (items.length > 0) items.push({ kind: "line" });
  if (table !== null) {
    items.push(
      { label: "Copy as Markdown", icon: "copy", keys: ["Ctrl", "C"], run: () => void copyRuns(app, table, of, "markdown") },
      { label: "Copy as CSV", run: () => void copyRuns(app, table, of, "csv") },
      { label: "Copy as LaTeX", run: () => void copyRuns(app, table, of, "latex") },
      { label: "Export…", icon: "export", run: () => (app.sheet = { kind: "runs", what: "export", uids: uidsOf(of) }) },
    );
  }
  items.push({ label: one ? "Copy the uid" : "Copy the uids", run: () => void app.copy(uidsOf(of).join("\n"), one ? "the uid" : plural(of.length, "uid")) });
  if (one) {
    items.push({ label: "Copy the path of its folder", icon: "folder", run: () => void app.copy(only.folder, "the folder's path") });
    if (app.host.desktop) items.push({ label: "Open the folder", run: () => void app.openPath(only.folder) });
  }
  items.push({ kind: "line" }, { label: one ? "Remove from the list" : `Remove ${of.length} from the list`, icon: "close", keys: ["Del"], run: () => void removeRuns(app, table, of) });
  if (one && !only.missing) items.push({ label: "Delete its files…", icon: "trash", danger: true, run: () => (app.sheet = { kind: "runs", what: "files", run: only }) });
  return items;
}

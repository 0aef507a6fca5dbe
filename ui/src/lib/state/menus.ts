// What the menus of experiments and groups offer.

import type { Experiment, Group } from "../bindings";
import { plural } from "../util/format";
import { act, allowed, performGroup, PRIORITIES, run, setGroup, setPriority, type ActId } from "./acts";
import type { App } from "./app.svelte";
import { groupSections, memberCount } from "./groups.svelte";
import type { MenuItem } from "./menu";
import type { Table } from "./table.svelte";

const item = (app: App, id: ActId, of: readonly Experiment[]): MenuItem => {
  const fit = allowed(id, of);
  const its = act(id);
  const some = fit.length > 0 && fit.length < of.length ? ` (${fit.length} of ${of.length})` : "";
  return {
    label: its.label(fit.length > 0 ? fit : of) + some,
    icon: its.icon,
    ...(its.keys === undefined ? {} : { keys: its.keys }),
    danger: its.danger === true,
    disabled: fit.length === 0,
    run: () => void run(app, id, of),
  };
};

/** A menu keeps what is possible, and what is not as long as it is of its kind; the rest would only be noise. */
export function experimentMenu(app: App, table: Table | null, of: readonly Experiment[]): MenuItem[] {
  const items = (...ids: ActId[]): MenuItem[] => ids.filter((id) => allowed(id, of).length > 0).map((id) => item(app, id, of));
  const [only] = of;
  const one = of.length === 1 && only !== undefined ? only : null;
  const waiting = allowed("priority", of);
  const line: MenuItem = { kind: "line" };
  const parts: MenuItem[][] = [
    one === null ? [{ kind: "heading", label: plural(of.length, "experiment") }] : [{ label: "Open", icon: "job", keys: ["Enter"], run: () => app.router.openJob(one.uid) }],
    items("pause", "resume", "cancel", "retry", "again"),
    items("edit", "copy"),
  ];
  if (waiting.length > 0) {
    const move = (label: string, keys: string[], by: 1 | -1): MenuItem => ({ label, icon: by < 0 ? "up" : "down", keys, run: () => void table?.step(waiting, by) });
    parts.push([...(table === null ? [] : [move("Move up", ["Alt", "↑"], -1), move("Move down", ["Alt", "↓"], 1)]), ...items("top", "bottom")]);
    parts.push([
      { kind: "heading", label: "Priority" },
      ...PRIORITIES.map((priority): MenuItem => ({
        label: priority.charAt(0).toUpperCase() + priority.slice(1),
        checked: waiting.every((it) => it.priority === priority),
        run: () => void setPriority(app, waiting, priority),
      })),
    ]);
  }
  const grouped = allowed("group", of).filter((it) => it.group !== null);
  parts.push([...items("group"), ...(grouped.length > 0 ? [{ label: "Take out of the group", run: () => void setGroup(app, grouped, null) }] : [])]);
  parts.push(items("archive", "restore", "delete"));
  parts.push(items("uids", "export"));
  return parts.filter((it) => it.length > 0).flatMap((it, i) => (i === 0 || (i === 1 && it[0]?.kind === "heading") ? it : [line, ...it]));
}

export function groupMenu(app: App, table: Table | null, group: Group): MenuItem[] {
  const { name, counts } = group;
  const { active, waiting, finished } = groupSections(counts);
  const live = active + waiting;
  return [
    ...(table === null ? [] : [{ label: table.open.has(name) ? "Close" : "Open", icon: "right" as const, keys: ["→"], run: () => table.toggle(name) }]),
    { kind: "line" },
    { label: "Pause and hold all", icon: "pause", keys: ["P"], disabled: live === 0, run: () => void performGroup(app, "experiments.pause", name, "paused") },
    { label: "Resume all", icon: "play", keys: ["P"], disabled: live === 0, run: () => void performGroup(app, "experiments.resume", name, "resumed") },
    { label: "Cancel all", icon: "stop", keys: ["Del"], danger: true, disabled: live === 0, run: () => void cancelGroup(app, group) },
    { label: "Retry what failed", icon: "again", keys: ["R"], disabled: counts.failed + counts.cancelled + counts.expired === 0, run: () => void performGroup(app, "experiments.retry", name, "queued once more") },
    { kind: "line" },
    { label: "One at a time", checked: group.parallel === 1, run: () => void app.groups.limit(name, 1) },
    { label: "No limit of its own", checked: group.parallel === null, run: () => void app.groups.limit(name, null) },
    { kind: "line" },
    { label: "Archive what has ended", icon: "archive", keys: ["A"], disabled: finished === 0, run: () => void archiveGroup(app, name) },
    { label: "Export…", icon: "export", run: () => (app.sheet = { kind: "export", selection: { group: name }, count: memberCount(counts) }) },
  ];
}

export async function cancelGroup(app: App, group: Group): Promise<void> {
  const { active, waiting } = groupSections(group.counts);
  if (active + waiting === 0) return;
  const yes = await app.ask({
    title: `Cancel all of ${group.name}?`,
    text:
      (active > 0 ? `${plural(active, "running experiment")} and everything they started are asked to stop (SIGTERM); what has not ended after its grace period is killed. ` : "") +
      (waiting > 0 ? `${plural(waiting, "waiting one")} will not start. ` : "") +
      "Logs, metrics and files stay.",
    yes: `Cancel ${active + waiting}`,
    no: "Keep",
  });
  if (yes) await performGroup(app, "experiments.cancel", group.name, "cancelled");
}

/** There is no command for the ended of a group: their uids are asked for first. */
export async function archiveGroup(app: App, name: string): Promise<void> {
  const of: Experiment[] = [];
  for (;;) {
    const page = await app.attempt("experiments.list", { section: "finished", group: name, offset: of.length, limit: 1_000 });
    if (page === null) return;
    of.push(...page.experiments);
    if (page.experiments.length === 0 || of.length >= page.total) break;
  }
  await run(app, "archive", of);
}

/** Opens a menu below a button. */
export function menuBelow(app: App, label: string, items: MenuItem[], button: HTMLElement): void {
  const box = button.getBoundingClientRect();
  app.menu = { label, x: box.left, y: box.bottom + 4, above: box.top - 4, items, back: button };
}


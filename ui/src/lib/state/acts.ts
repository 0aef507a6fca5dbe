// What can be done to experiments: for each act the states that allow it, what it is called, and what is said after it.
//
// The engine decides; the table here only spares the user an act that it would refuse.

import type { Changes, Commands, Destination, Experiment, Outcome, Outcomes, Priority } from "../bindings";
import type { IconName } from "../../components/Icon.svelte";
import { count, plural } from "../util/format";
import { isEnded, sectionOf } from "../util/status";
import type { App } from "./app.svelte";

export type ActId = "pause" | "resume" | "cancel" | "retry" | "again" | "copy" | "edit" | "top" | "bottom" | "priority" | "group" | "archive" | "restore" | "delete" | "uids" | "export";

export type Act = {
  id: ActId;
  label: (of: readonly Experiment[]) => string;
  icon: IconName;
  keys?: string[];
  danger?: boolean;
  /** Only for one at a time. */
  single?: boolean;
  allows: (it: Experiment) => boolean;
  run: (app: App, of: readonly Experiment[]) => Promise<void> | void;
};

export const PRIORITIES: readonly Priority[] = ["urgent", "high", "normal", "low"];

const waits = (it: Experiment): boolean => sectionOf(it.status) === "waiting";
const uidsOf = (of: readonly Experiment[]): string[] => of.map((it) => it.uid);

export const ACTS: readonly Act[] = [
  {
    id: "pause",
    label: (of) => (of.length > 0 && of.every(waits) ? "Hold" : "Pause"),
    icon: "pause",
    keys: ["P"],
    allows: (it) => !it.cancelling && (it.status === "running" || (waits(it) && !it.held)),
    run: async (app, of) => {
      await perform(app, "experiments.pause", uidsOf(of), of.every(waits) ? "held" : "paused", of);
    },
  },
  {
    id: "resume",
    label: () => "Resume",
    icon: "play",
    keys: ["P"],
    allows: (it) => !it.cancelling && (it.status === "paused" || (waits(it) && it.held)),
    run: async (app, of) => {
      await perform(app, "experiments.resume", uidsOf(of), "resumed", of);
    },
  },
  {
    id: "cancel",
    label: () => "Cancel",
    icon: "stop",
    keys: ["Del"],
    allows: (it) => !it.cancelling && !isEnded(it.status),
    run: (app, of) => app.cancel(of),
  },
  {
    id: "retry",
    label: () => "Retry",
    icon: "again",
    keys: ["R"],
    allows: (it) => it.status === "failed" || it.status === "cancelled" || it.status === "expired",
    run: async (app, of) => {
      await perform(app, "experiments.retry", uidsOf(of), "queued once more", of);
    },
  },
  {
    id: "again",
    label: () => "Run again",
    icon: "play",
    allows: () => true,
    run: (app, of) => app.queueAgain(uidsOf(of)),
  },
  {
    id: "copy",
    label: () => "Queue a copy with changes…",
    icon: "plus",
    keys: ["D"],
    single: true,
    allows: () => true,
    run: (app, of) => app.openSheet("copy", of[0]?.uid ?? ""),
  },
  {
    id: "edit",
    label: () => "Edit…",
    icon: "edit",
    keys: ["E"],
    single: true,
    allows: () => true,
    run: (app, of) => app.openSheet("edit", of[0]?.uid ?? ""),
  },
  {
    id: "top",
    label: () => "Move to top",
    icon: "up",
    keys: ["Alt", "Home"],
    allows: waits,
    run: (app, of) => move(app, uidsOf(of), { to: "top" }),
  },
  {
    id: "bottom",
    label: () => "Move to bottom",
    icon: "down",
    keys: ["Alt", "End"],
    allows: waits,
    run: (app, of) => move(app, uidsOf(of), { to: "bottom" }),
  },
  {
    id: "priority",
    label: () => "Priority",
    icon: "priority",
    allows: waits,
    run: () => {},
  },
  {
    id: "group",
    label: () => "Add to group…",
    icon: "group",
    allows: waits,
    run: (app, of) => {
      app.sheet = { kind: "group", experiments: of };
    },
  },
  {
    id: "archive",
    label: () => "Archive",
    icon: "archive",
    keys: ["A"],
    allows: (it) => isEnded(it.status) && !it.archived,
    run: async (app, of) => {
      const uids = uidsOf(of);
      await perform(app, "experiments.archive", uids, "archived", of, { archived: true }, () => void perform(app, "experiments.archive", uids, "taken back out", of, { archived: false }));
    },
  },
  {
    id: "restore",
    label: () => "Take back out",
    icon: "archive",
    keys: ["A"],
    allows: (it) => it.archived,
    run: async (app, of) => {
      await perform(app, "experiments.archive", uidsOf(of), "taken back out", of, { archived: false });
    },
  },
  {
    id: "delete",
    label: () => "Delete…",
    icon: "trash",
    keys: ["Shift", "Del"],
    danger: true,
    allows: (it) => isEnded(it.status),
    run: (app, of) => remove(app, of),
  },
  {
    id: "uids",
    label: (of) => (of.length === 1 ? "Copy uid" : "Copy uids"),
    icon: "copy",
    keys: ["Ctrl", "C"],
    allows: () => true,
    run: (app, of) => app.copy(uidsOf(of).join("\n"), of.length === 1 ? "the uid" : plural(of.length, "uid")),
  },
  {
    id: "export",
    label: () => "Export…",
    icon: "export",
    allows: () => true,
    run: (app, of) => {
      app.sheet = { kind: "export", selection: { uids: uidsOf(of) }, count: of.length };
    },
  },
];

export function act(id: ActId): Act {
  const found = ACTS.find((it) => it.id === id);
  if (found === undefined) throw new Error(`there is no act “${id}”`);
  return found;
}

/** Those of a selection that an act is possible for; none where it is for one only and there are several. */
export function allowed(id: ActId, of: readonly Experiment[]): Experiment[] {
  const wanted = act(id);
  if (wanted.single === true && of.length !== 1) return [];
  return of.filter(wanted.allows);
}

/** Runs an act for those of a selection that it is possible for. */
export async function run(app: App, id: ActId, of: readonly Experiment[]): Promise<void> {
  const fit = allowed(id, of);
  if (fit.length > 0) await act(id).run(app, fit);
}

type Many = "experiments.pause" | "experiments.resume" | "experiments.hold" | "experiments.retry" | "experiments.cancel" | "experiments.archive" | "experiments.delete";

/** Calls the engine for several experiments, and says in one toast what became of them. */
export async function perform<M extends Many>(
  app: App,
  method: M,
  uids: string[],
  did: string,
  of: readonly Experiment[] = [],
  more: Partial<Commands[M]["input"]> = {},
  undo?: () => void,
): Promise<Outcomes | null> {
  const answer = await app.attempt(method, { uids, ...more } as unknown as Commands[M]["input"]);
  if (answer !== null) sayOutcomes(app, answer.outcomes, did, of, undo);
  return answer;
}

/** The same for the members of a group whose state allows it. */
export async function performGroup(app: App, method: "experiments.pause" | "experiments.resume" | "experiments.retry" | "experiments.cancel", group: string, did: string): Promise<void> {
  const answer = await app.attempt(method, { group });
  if (answer === null) return;
  if (answer.outcomes.length === 0) app.toasts.say(`Nothing in ${group} could be ${did}`);
  else sayOutcomes(app, answer.outcomes, did, []);
}

export function sayOutcomes(app: App, outcomes: readonly Outcome[], did: string, of: readonly Experiment[] = [], undo?: () => void): void {
  const failed = outcomes.filter((it) => it.error !== null);
  const good = outcomes.length - failed.length;
  const action = undo === undefined || good === 0 ? null : { label: "Undo", run: undo };
  const nameOf = (uid: string) => of.find((it) => it.uid === uid)?.name ?? outcomes.find((it) => it.uid === uid)?.experiment?.name ?? uid;
  if (failed.length === 0) {
    const [only] = outcomes;
    if (only !== undefined && outcomes.length === 1) app.toasts.say(`${capital(did)} ${nameOf(only.uid)}`, action);
    else if (outcomes.length > 1) app.toasts.say(`${capital(did)} ${plural(good, "experiment")}`, action);
    return;
  }
  // What happened to many for one reason is said once.
  const reasons = new Map<string, string[]>();
  for (const it of failed) {
    const why = `${it.error?.message ?? ""}${it.error?.hint === undefined ? "" : ` ${it.error.hint}`}`;
    reasons.set(why, [...(reasons.get(why) ?? []), nameOf(it.uid)]);
  }
  const lines = [...reasons].slice(0, 3).map(([why, names]) => (failed.length === 1 || names.length > 1 ? why : `${names[0] ?? ""}: ${why}`));
  if (reasons.size > 3) lines.push(`And for ${count(reasons.size - 3)} other reasons.`);
  const could = `${count(failed.length)} could not`;
  const title = outcomes.length === 1 ? `${nameOf(failed[0]?.uid ?? "")} was not ${did}` : good === 0 ? `None of ${count(failed.length)} was ${did}` : `${count(good)} ${did}, ${could}`;
  app.toasts.mixed(title, lines.join("\n"), action);
}

/** Gives waiting experiments another place. What could not be moved is said; what was can be seen. */
export async function move(app: App, uids: string[], destination: Destination): Promise<void> {
  const answer = await app.attempt("experiments.move", { uids, destination });
  if (answer?.outcomes.some((it) => it.error !== null) === true) sayOutcomes(app, answer.outcomes, "moved");
}

/** One change for several, in one call. */
async function editAll(app: App, of: readonly Experiment[], changes: Changes, did: string): Promise<void> {
  const answer = await app.attempt("experiments.edit_many", { selection: { uids: uidsOf(of) }, changes });
  if (answer !== null) sayOutcomes(app, answer.outcomes, did, of);
}

export const setPriority = (app: App, of: readonly Experiment[], priority: Priority): Promise<void> =>
  editAll(app, allowed("priority", of), { priority }, `given ${priority} priority:`);

export const setGroup = (app: App, of: readonly Experiment[], group: string | null): Promise<void> =>
  editAll(app, allowed("group", of), { group }, group === null ? "taken out of their group:" : `added to ${group}:`);

async function remove(app: App, of: readonly Experiment[]): Promise<void> {
  const [first] = of;
  if (first === undefined) return;
  const names = of.slice(0, 6).map((it) => it.name);
  const rest = of.length - names.length;
  const yes = await app.ask({
    title: of.length === 1 ? `Delete ${first.name}?` : `Delete ${plural(of.length, "experiment")}?`,
    text:
      (of.length === 1 ? "" : `${names.join(", ")}${rest > 0 ? ` and ${count(rest)} more` : ""}. `) +
      "What the program keeps of them goes for good: their place in the list, their logs and the metrics that were recorded. Checkpoints, metrics files and everything else in your folders stay.",
    yes: of.length === 1 ? "Delete experiment" : `Delete ${count(of.length)}`,
    no: "Keep",
  });
  if (!yes) return;
  const open = app.router.job;
  const answer = await perform(app, "experiments.delete", uidsOf(of), "deleted", of);
  if (answer?.outcomes.some((it) => it.uid === open && it.error === null) === true) app.router.closeJob();
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

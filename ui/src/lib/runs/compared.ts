// What a comparison is of and how it is looked at, as the address has it, so that it can be linked and reloaded.

import type { ComparedValue, RunGoal } from "../bindings";

export type ComparePart = "overview" | "settings" | "metrics" | "curves" | "config" | "code" | "environment" | "logs";

export type CompareLook = {
  uids: readonly string[];
  /** The run that the others are compared with; the first one if none. */
  baseline: string | null;
  part: ComparePart;
  /** The metric that runs are judged by; the engine's choice if none. */
  target: string | null;
  value: ComparedValue;
  /** Columns that the runs of a group agree in; the settings if none. */
  by: readonly string[] | null;
  /** Goals other than what names tell. */
  goals: Readonly<Record<string, RunGoal>>;
};

/** Runs of one comparison. */
export const COMPARED = 20;

export const PARTS: readonly [ComparePart, string][] = [["overview", "Overview"], ["settings", "Settings"], ["metrics", "Metrics"], ["curves", "Curves"], ["config", "Config"], ["code", "Code"], ["environment", "Environment"], ["logs", "Logs"]];

const VALUES: readonly ComparedValue[] = ["at_target", "best", "last"];

export const newLook = (uids: readonly string[]): CompareLook => ({ uids: [...new Set(uids)].slice(0, COMPARED), baseline: null, part: "overview", target: null, value: "at_target", by: null, goals: {} });

/** From what stands behind the `?` of the address. */
export function lookOf(query: string): CompareLook {
  const asked = new URLSearchParams(query);
  const look = newLook((asked.get("runs") ?? "").split(",").filter(Boolean));
  const goals: Record<string, RunGoal> = {};
  for (const key of asked.getAll("min")) goals[key] = "min";
  for (const key of asked.getAll("max")) goals[key] = "max";
  const baseline = asked.get("base");
  return {
    ...look,
    baseline: baseline !== null && look.uids.includes(baseline) ? baseline : null,
    part: PARTS.find(([part]) => part === asked.get("part"))?.[0] ?? look.part,
    target: asked.get("target"),
    value: VALUES.find((value) => value === asked.get("value")) ?? look.value,
    by: asked.has("by") ? asked.getAll("by").slice(0, 4) : null,
    goals,
  };
}

/** The other way round; what is as usual is left out. */
export function queryOf(look: CompareLook): string {
  const query = new URLSearchParams();
  if (look.baseline !== null && look.baseline !== look.uids[0]) query.set("base", look.baseline);
  if (look.part !== "overview") query.set("part", look.part);
  if (look.target !== null) query.set("target", look.target);
  if (look.value !== "at_target") query.set("value", look.value);
  for (const column of look.by ?? []) query.append("by", column);
  for (const [key, goal] of Object.entries(look.goals)) query.append(goal, key);
  const rest = query.toString();
  // Uids are letters and digits; the commas between them stay readable.
  return `runs=${look.uids.map(encodeURIComponent).join(",")}${rest === "" ? "" : `&${rest}`}`;
}

/** The look without a run. */
export function without(look: CompareLook, uid: string): CompareLook {
  return { ...look, uids: look.uids.filter((it) => it !== uid), baseline: look.baseline === uid ? null : look.baseline };
}

/** The look with another run in the place of one, or behind all. */
export function withRun(look: CompareLook, uid: string, instead: string | null = null): CompareLook {
  if (look.uids.includes(uid)) return look;
  if (instead === null) return { ...look, uids: [...look.uids, uid].slice(0, COMPARED) };
  return { ...look, uids: look.uids.map((it) => (it === instead ? uid : it)), baseline: look.baseline === instead ? uid : look.baseline };
}

/** The look with a run moved by some places. */
export function moved(look: CompareLook, uid: string, by: number): CompareLook {
  const uids = [...look.uids];
  const from = uids.indexOf(uid);
  const to = Math.min(Math.max(from + by, 0), uids.length - 1);
  if (from < 0 || from === to) return look;
  uids.splice(to, 0, ...uids.splice(from, 1));
  // The first one is the baseline only as long as nobody chose; a move is no choice of another.
  return { ...look, uids, baseline: look.baseline ?? look.uids[0] ?? null };
}

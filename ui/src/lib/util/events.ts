// How an event looks: its sign and its colour. The sentence is the engine's.

import type { IconName } from "../../components/Icon.svelte";
import type { Event, EventKind } from "../bindings";
import { day } from "./format";
import type { Tone } from "./status";

const LOOKS: Record<EventKind, [IconName, Tone | null]> = {
  added: ["plus", null],
  started: ["play", "run"],
  voided: ["block", "fail"],
  cancel_requested: ["stop", "pause"],
  completed: ["check", "done"],
  failed: ["warning", "fail"],
  cancelled: ["stop", null],
  expired: ["clock", null],
  released: ["right", null],
  held: ["pause", "pause"],
  paused: ["pause", "pause"],
  resumed: ["play", null],
  retrying: ["again", "pause"],
  requeued: ["again", null],
  edited: ["edit", null],
  moved: ["list", null],
  archived: ["archive", null],
  restored: ["archive", null],
  deleted: ["trash", null],
  group_changed: ["group", null],
  gpu_blocked: ["gpu", "pause"],
  gpu_tripped: ["gpu", "fail"],
  gpu_unblocked: ["gpu", null],
  queue_paused: ["pause", "pause"],
  queue_tripped: ["warning", "fail"],
  queue_resumed: ["play", null],
  gpu_idle: ["gpu", "pause"],
  policy_cancel: ["stop", "pause"],
  engine_started: ["info", null],
  engine_stopped: ["info", "pause"],
};

export const eventIcon = (what: EventKind): IconName => LOOKS[what][0];
export const eventTone = (what: EventKind): Tone | null => LOOKS[what][1];

export type EventRow = { key: string; event: Event } | { key: string; day: string };

/** Events, newest first, with a heading before the first of each day. */
export function withDays(events: readonly Event[], now: number): EventRow[] {
  const rows: EventRow[] = [];
  const seen = new Set<string>();
  let last = "";
  for (const event of events) {
    const name = day(event.at, now);
    // A day comes back where a clock was set.
    if (name !== last) rows.push({ key: seen.has(name) ? `day ${name} ${event.cursor}` : `day ${name}`, day: name });
    seen.add(name);
    last = name;
    rows.push({ key: String(event.cursor), event });
  }
  return rows;
}

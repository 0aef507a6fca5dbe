// How a notification looks: its sign and its colour. What it says is the engine's.

import type { IconName } from "../../components/Icon.svelte";
import type { Notification, NotificationKind } from "../bindings";
import { day } from "./format";
import type { Tone } from "./status";

const LOOKS: Record<NotificationKind, [IconName, Tone | null]> = {
  completed: ["check", "done"],
  failed: ["warning", "fail"],
  cancelled: ["stop", "pause"],
  blocked: ["block", "fail"],
  drained: ["queue", null],
  gpu_hot: ["gpu", "fail"],
  gpu_lost: ["gpu", "fail"],
  disk_low: ["archive", "fail"],
  stalled: ["clock", "pause"],
  gpu_idle: ["gpu", "pause"],
  summary: ["list", null],
  hook_failed: ["warning", "pause"],
  test: ["info", null],
};

export const notificationIcon = (what: NotificationKind): IconName => LOOKS[what][0];
export const notificationTone = (what: NotificationKind): Tone | null => LOOKS[what][1];

/** The kinds that can be switched off, in words. */
export const SWITCHES: readonly [NotificationKind, string][] = [
  ["completed", "A job completed"],
  ["failed", "A job failed"],
  ["cancelled", "A job was cancelled by a policy"],
  ["blocked", "A job, a GPU or the queue was blocked"],
  ["drained", "The queue ran empty"],
  ["stalled", "A running job writes nothing any more"],
  ["gpu_idle", "A running job leaves its GPUs idle"],
  ["gpu_hot", "A GPU is hot"],
  ["gpu_lost", "A GPU does not answer any more"],
  ["disk_low", "A disk is nearly full"],
];

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** How long ago something was, as short as it can be said: "now", "5 min", "3 h"; beyond today the time of day. */
export function ago(at: number, now: number): string {
  const past = Math.max(0, now - at);
  if (past < MINUTE) return "now";
  if (past < HOUR) return `${Math.floor(past / MINUTE)} min`;
  const date = new Date(at);
  if (past < 12 * HOUR && date.toDateString() === new Date(now).toDateString()) return `${Math.floor(past / HOUR)} h`;
  return `${String(date.getHours()).padStart(2, "0")}:${String(date.getMinutes()).padStart(2, "0")}`;
}

export type DayOf = { day: string; notifications: Notification[] };

/** Notifications, newest first, by the day on which they came. */
export function byDay(notifications: readonly Notification[], now: number): DayOf[] {
  const days: DayOf[] = [];
  for (const it of notifications) {
    const name = day(it.at, now);
    const last = days.at(-1);
    if (last?.day === name) last.notifications.push(it);
    else days.push({ day: name, notifications: [it] });
  }
  return days;
}

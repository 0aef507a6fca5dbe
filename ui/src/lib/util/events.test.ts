import { expect, test } from "vitest";
import type { Event } from "../bindings";
import { withDays } from "./events";

const event = (cursor: number, at: number, more: Partial<Event> = {}): Event => ({ cursor, at, what: "cancel_requested", uid: "20261121_7e01", attempt: null, message: "Vit-S16 is asked to stop", ...more });

test("each day has one heading, before its newest", () => {
  const now = new Date(2026, 10, 21, 15).getTime();
  const at = (day: number, hour: number) => new Date(2026, 10, day, hour).getTime();
  const rows = withDays([event(4, at(21, 14)), event(3, at(21, 1)), event(2, at(20, 23)), event(1, at(2, 3))], now);
  expect(rows.map((it) => ("day" in it ? it.day : it.event.cursor))).toEqual(["Today", 4, 3, "Yesterday", 2, "Mon 2 Nov", 1]);
  expect(new Set(rows.map((it) => it.key)).size).toBe(rows.length);
});

test("a day that comes back, as when a clock was set, has a heading of its own", () => {
  const now = new Date(2026, 10, 21, 15).getTime();
  const yesterday = now - 86_400_000;
  const rows = withDays([event(3, now), event(2, yesterday), event(1, now)], now);
  expect(new Set(rows.map((it) => it.key)).size).toBe(6);
});

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FakeEngine } from "../../../tests/fake/engine";
import { anExperiment } from "../../../tests/fake/make";
import { App } from "./app.svelte";
import { Events } from "./events.svelte";

let engine: FakeEngine;
let app: App;
let stop = () => {};
const settle = (ms = 1_000) => vi.advanceTimersByTimeAsync(ms);
const cursors = (events: Events) => events.list.map((it) => it.cursor);
const down = (from: number, to: number) => Array.from({ length: from - to + 1 }, (_, i) => from - i);

beforeEach(async () => {
  vi.useFakeTimers();
  engine = new FakeEngine();
  engine.add(anExperiment("one", "queued"), anExperiment("two", "queued"));
  app = new App(engine);
  await app.start();
});
afterEach(() => {
  stop();
  app.stop();
  vi.useRealTimers();
});

async function follow(uid?: string): Promise<Events> {
  const events = new Events(app, uid);
  stop = events.follow();
  await settle();
  return events;
}

test("the newest are read first, the older ones as they are asked for, each once", async () => {
  engine.happened(1_700);
  const events = await follow();
  expect(cursors(events)).toEqual(down(1_700, 1_201));
  expect(events.hasOlder).toBe(true);
  await events.older();
  expect(cursors(events)).toEqual(down(1_700, 701));
  await events.older();
  await events.older();
  expect(cursors(events)).toEqual(down(1_700, 1));
  expect(events.hasOlder).toBe(false);
  const asked = engine.count("events.read");
  await events.older();
  expect(engine.count("events.read")).toBe(asked);
});

test("a gap that a clean-up left is passed over, and nothing before it is missed", async () => {
  engine.happened(200_000);
  engine.forget((cursor) => cursor > 3_000 && cursor <= 199_400);
  const events = await follow();
  const asked = engine.count("events.read");
  await events.older();
  await events.older();
  expect(engine.count("events.read") - asked).toBe(2);
  while (events.hasOlder) await events.older();
  expect(cursors(events)).toEqual([...down(200_000, 199_401), ...down(3_000, 1)]);
});

test("what is looked for, the engine finds, also far back and as it happens", async () => {
  engine.record("added", "one", "A needle, long ago");
  engine.happened(3_000);
  engine.record("added", "one", "Another needle");
  const events = await follow();
  events.look(" Needle ");
  expect(events.list.length, "what was shown stays until the answer is there").toBe(500);
  await settle();
  expect(events.list.map((it) => it.message)).toEqual(["Another needle"]);
  expect(events.hasOlder, "the engine looks some way at a time").toBe(true);
  await events.older();
  expect(events.list.map((it) => it.message)).toEqual(["Another needle", "A needle, long ago"]);
  expect(events.hasOlder).toBe(false);

  engine.change("two", "edited", {});
  await settle();
  expect(events.list.length, "what has other words is not wanted").toBe(2);
  engine.change("one", "edited", { name: "needle" });
  await settle();
  expect(events.list[0]?.message).toContain("needle");
  events.look("");
  await settle();
  expect(cursors(events)).toEqual(down(3_004, 2_505));
});

test("how far is looked for something rare is bounded, until one asks for more", async () => {
  engine.record("added", "one", "needle");
  engine.happened(30_000);
  const events = await follow();
  events.look("needle");
  await settle();
  const asked = engine.count("events.read");
  await events.older();
  expect([events.list.length, events.hasOlder, engine.count("events.read") - asked]).toEqual([0, true, 5]);
  while (events.hasOlder) await events.older();
  expect(events.list.length).toBe(1);
});

test("pushes bring what is new, many at once with one question", async () => {
  engine.happened(3);
  const events = await follow();
  expect(cursors(events)).toEqual([3, 2, 1]);
  const asked = engine.count("events.read");
  for (let i = 0; i < 40; i += 1) engine.change("one", "moved", {});
  await settle();
  expect(cursors(events)).toEqual(down(43, 1));
  expect(engine.count("events.read") - asked).toBeLessThan(3);
  expect(events.shifting, "the newest were in sight").toBe(false);
  events.atTop = false;
  engine.change("two", "edited", {});
  await settle();
  expect([events.list[0]?.what, events.shifting]).toEqual(["edited", true]);
});

test("after a long sleep the newest are read, not all that was missed", async () => {
  engine.happened(10);
  const events = await follow();
  engine.happened(20_000);
  engine.change("one", "edited", {});
  await settle();
  expect(cursors(events)).toEqual(down(20_011, 19_512));
  expect(events.hasOlder).toBe(true);
  await events.older();
  expect(cursors(events)).toEqual(down(20_011, 19_012));
});

test("what has run on for long is let go of while the newest are in sight, and can be read again", async () => {
  const events = await follow();
  for (let i = 0; i < 6; i += 1) {
    engine.happened(999);
    engine.change("one", "moved", {});
    await settle();
  }
  expect(cursors(events)).toEqual(down(6_000, 1_001));
  expect(events.hasOlder).toBe(true);
  while (events.hasOlder) await events.older();
  expect(cursors(events)).toEqual(down(6_000, 1));
});

test("one experiment's history is its own, whole, and goes on", async () => {
  for (let i = 0; i < 1_200; i += 1) engine.change(i % 6 === 0 ? "two" : "one", "moved", {});
  const events = await follow("one");
  expect([events.list.length, events.hasOlder]).toEqual([500, true]);
  while (events.hasOlder) await events.older();
  expect(events.list.length).toBe(1_000);
  expect(new Set(events.list.map((it) => it.uid))).toEqual(new Set(["one"]));
  const asked = engine.count("events.read");
  engine.change("two", "edited", {});
  await settle();
  expect(engine.count("events.read"), "another's news").toBe(asked);
  engine.change("one", "edited", {});
  await settle();
  expect(events.list[0]?.what).toBe("edited");
});

test("what cannot be read is said, and read when the engine is back", async () => {
  engine.answers["events.read"] = () => {
    throw Object.assign(new Error("The disk is full."), { code: "disk_full" });
  };
  const events = await follow();
  expect([events.loaded, events.problem?.code]).toEqual([false, "disk_full"]);
  delete engine.answers["events.read"];
  engine.happened(2);
  engine.push({ kind: "resync", cursor: 2 });
  await settle();
  expect([cursors(events), events.problem]).toEqual([[2, 1], null]);
});

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FakeEngine } from "../../../tests/fake/engine";
import { anExperiment } from "../../../tests/fake/make";
import { App } from "./app.svelte";
import { TimelineState } from "./timeline.svelte";

const HOUR = 3_600_000;
const NOW = new Date(2026, 10, 21, 15).getTime();
let engine: FakeEngine;
let app: App;
let timeline: TimelineState;
let stop: () => void;
const settle = (ms = 1_000) => vi.advanceTimersByTimeAsync(ms);

beforeEach(async () => {
  vi.useFakeTimers({ now: NOW });
  engine = new FakeEngine();
  engine.answers["queue.timeline"] = () => ({
    lanes: [{ id: "cpu", label: "CPU", present: true }],
    bars: [{ uid: "a", name: "a", group: null, attempt: 1, lanes: ["cpu"], from: NOW - HOUR, to: null, status: "running" }],
    truncated: false,
  });
  app = new App(engine);
  await app.start();
  timeline = new TimelineState(app);
  stop = timeline.follow();
  await settle();
});
afterEach(() => {
  stop();
  app.stop();
  vi.useRealTimers();
});

const reads = () => engine.count("queue.timeline");

test("a day up to now is read, and a span to either side of it", () => {
  const asked = engine.last("queue.timeline")!;
  expect(reads()).toBe(1);
  expect(asked.from).toBeLessThanOrEqual(NOW - 47 * HOUR);
  expect(timeline.view.to).toBeGreaterThan(NOW);
  expect(timeline.runs).toBe(true);
});

test("moving a little reads nothing, moving far does, and back at the present it goes along again", async () => {
  timeline.pan(-6 * HOUR);
  await settle();
  expect([reads(), timeline.end === null]).toEqual([1, false]);
  timeline.pan(-60 * HOUR);
  await settle();
  expect(reads()).toBe(2);
  timeline.pan(100 * HOUR);
  expect(timeline.end).toBeNull();
});

test("zooming about the present stays with it, about another moment it does not", () => {
  timeline.zoom(0.5, timeline.now);
  expect([timeline.span, timeline.end]).toEqual([12 * HOUR, null]);
  timeline.zoom(0.5, timeline.now - 8 * HOUR);
  expect(timeline.end).not.toBeNull();
  timeline.show(7 * 24 * HOUR);
  expect([timeline.span, timeline.end]).toEqual([7 * 24 * HOUR, null]);
});

test("what starts or ends is read anew, a burst of it once or twice; what else happens is not", async () => {
  const tell = (what: "started" | "edited", attempt: number | null) =>
    engine.push({ kind: "queue_update", event: { cursor: 1, at: 0, what, uid: "a", attempt, message: "" }, experiment: anExperiment("a"), stats: app.stats! });
  for (let i = 0; i < 100; i += 1) tell("edited", null);
  await settle();
  expect(reads()).toBe(1);
  for (let i = 0; i < 100; i += 1) tell("started", 1);
  await settle();
  expect(reads()).toBeLessThan(4);
  expect(reads()).toBeGreaterThan(1);
  engine.asked = [];
  await settle(60_000);
  expect(engine.asked, "nothing is polled").toEqual([]);
});

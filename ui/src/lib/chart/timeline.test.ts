import { expect, test } from "vitest";
import type { Bar } from "../bindings";
import { BAR, LANE_PAD, neighbour, stack, ticks, zoomed } from "./timeline";

const HOUR = 3_600_000;
const lanes = [{ id: "g0", label: "GPU 0", present: true }, { id: "cpu", label: "CPU", present: true }];
const bar = (name: string, from: number, to: number | null, ...of: string[]): Bar => ({ uid: name, name, group: null, attempt: 1, lanes: of, from, to, status: to === null ? "running" : "completed" });

test("bars that overlap stand below each other, others in one row", () => {
  const stacked = stack(lanes, [bar("a", 0, 10, "g0"), bar("b", 5, 20, "g0"), bar("c", 10, 30, "g0"), bar("d", 15, null, "g0", "cpu"), bar("e", 50, 60, "gone")], 40);
  expect(stacked.bars.map((it) => `${it.bar.name}${it.lane}${it.row}`)).toEqual(["a00", "b01", "c00", "d02", "d10"]);
  expect(stacked.bands.map((it) => [it.top, it.rows])).toEqual([[0, 3], [3 * BAR + 2 * LANE_PAD, 1]]);
  expect(stacked.height).toBe(4 * BAR + 4 * LANE_PAD);
});

test("an empty lane is one row high", () => expect(stack(lanes, [], 0).height).toBe(2 * (BAR + 2 * LANE_PAD)));

test("zooming leaves what is under the pointer where it is", () => {
  const view = { from: 0, to: 10 * HOUR };
  const about = 2 * HOUR;
  const nearer = zoomed(view, 0.5, about);
  expect(nearer.to - nearer.from).toBe(5 * HOUR);
  expect((about - nearer.from) / (nearer.to - nearer.from)).toBeCloseTo(0.2);
  expect(zoomed(view, 1e-9, about).to - zoomed(view, 1e-9, about).from).toBeGreaterThan(0);
});

test.each([6 * HOUR, 24 * HOUR, 7 * 24 * HOUR, 60 * 24 * HOUR])("ticks over %d ms are round, in order and apart", (span) => {
  const from = new Date(2026, 10, 20, 13, 17).getTime();
  const found = ticks({ from, to: from + span }, 1_000, 80);
  expect(found.length).toBeGreaterThan(2);
  expect(found.length).toBeLessThan(14);
  for (const [i, it] of found.entries()) {
    expect(it.at % 60_000).toBe(0);
    if (i > 0) expect(it.at).toBeGreaterThan(found[i - 1]!.at);
  }
});

test("arrows lead along a lane and to the next one", () => {
  const stacked = stack(lanes, [bar("a", 0, 10, "g0"), bar("b", 10, 20, "g0"), bar("c", 0, 4, "cpu"), bar("d", 14, 20, "cpu")].sort((a, b) => a.from - b.from), 40);
  const of = (name: string) => stacked.bars.find((it) => it.bar.name === name)!;
  const go = (name: string, key: Parameters<typeof neighbour>[2]) => neighbour(stacked, of(name), key, 40)?.bar.name ?? null;
  expect([go("a", "ArrowRight"), go("b", "ArrowRight"), go("b", "ArrowLeft")]).toEqual(["b", null, "a"]);
  expect([go("b", "ArrowDown"), go("a", "ArrowDown"), go("d", "ArrowUp"), go("a", "ArrowUp")]).toEqual(["d", "c", "b", null]);
});

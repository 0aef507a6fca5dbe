import { expect, test } from "vitest";
import { runs, type Point } from "./strip";

const box = { width: 100, height: 12 };
const at = (...values: (number | null)[]): Point[] => values.map((value, i) => ({ at: i * 1_000, pace: 1_000, value }));

test("time fills the width, and the value the height", () => {
  expect(runs(at(0, 50, 100), 2_000, 2_000, 100, box)).toEqual([[[0, 11], [50, 6], [100, 1]]]);
  // Less than the span stands at the right.
  expect(runs(at(0, 100), 1_000, 4_000, 100, box)).toEqual([[[75, 11], [100, 1]]]);
});

test("what is older than the span is left out, but for the point that the line comes from", () => {
  const [run] = runs(at(1, 2, 3, 4, 5), 4_000, 2_000, 100, box);
  expect(run?.map(([x]) => x)).toEqual([-50, 0, 50, 100]);
  expect(runs(at(1, 2), 100_000, 2_000, 100, box)).toEqual([]);
});

test("a missing value and a time in which nobody looked are gaps, never 0", () => {
  const found = runs(at(10, null, 10, NaN, 10, 10), 5_000, 5_000, 100, box);
  expect(found.map((it) => it.map(([x]) => x))).toEqual([[0], [40], [80, 100]]);
  const asleep: Point[] = [...at(1, 1, 1), { at: 60_000, pace: 1_000, value: 1 }, { at: 61_000, pace: 1_000, value: 1 }];
  expect(runs(asleep, 61_000, 61_000, 100, box)).toHaveLength(2);
});

test("a sampler that slows down leaves no gaps", () => {
  const slow: Point[] = [...at(1, 1, 1), ...[3, 8, 13, 18].map((s) => ({ at: s * 1_000, pace: 5_000, value: 1 }))];
  expect(runs(slow, 18_000, 18_000, 100, box)).toHaveLength(1);
});

test("values beyond the scale stay in the picture", () => {
  expect(runs(at(-5, 250), 1_000, 1_000, 100, box)).toEqual([[[0, 11], [100, 1]]]);
  expect(runs(at(0, 0), 1_000, 1_000, 0, box)).toEqual([[[0, 11], [100, 11]]]);
});

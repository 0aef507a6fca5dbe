import { expect, test } from "vitest";
import type { JobMark } from "../bindings";
import { place } from "./marks";

const mark = (uid: string, from: number, to: number | null): JobMark => ({ uid, name: uid, attempt: 1, from, to, status: to === null ? "running" : "completed", gpus: [0] });
const rows = (answer: ReturnType<typeof place>) => Object.fromEntries(answer.placed.map((it) => [it.mark.uid, [it.row, Math.round(it.left), Math.round(it.width)]]));

test("jobs that ran at the same time stand below each other, the others in one row", () => {
  const answer = place([mark("b", 50, 90), mark("a", 0, 40), mark("c", 60, null)], 0, 100, 80, 200, 6);
  expect(rows(answer)).toEqual({ a: [0, 0, 80], b: [0, 100, 80], c: [1, 120, 40] });
  expect([answer.rows, answer.hidden]).toEqual([2, 0]);
});

test("what is not in this time is left out, and what reaches beyond it is cut", () => {
  const answer = place([mark("before", 0, 9), mark("through", 0, 1_000), mark("after", 201, 300)], 100, 200, 500, 100, 6);
  expect(rows(answer)).toEqual({ through: [0, 0, 100] });
});

test("a job of a second is still to be seen, at the very end too", () => {
  const answer = place([mark("short", 50, 50), mark("last", 100, 100)], 0, 100, 100, 50, 6);
  expect(answer.placed.map((it) => [it.width, it.left + it.width <= 50])).toEqual([[2, true], [2, true]]);
});

test("more than there is room for is counted, and the longest are kept", () => {
  const many = Array.from({ length: 500 }, (_, i) => mark(`m${i}`, i, i + 1 + (i % 2) * 400));
  const answer = place(many, 0, 1_000, 1_000, 800, 3);
  expect(answer.rows).toBe(3);
  expect(answer.placed.length + answer.hidden).toBe(500);
  expect(answer.placed.every((it) => (it.mark.to ?? 0) - it.mark.from > 100)).toBe(true);
});

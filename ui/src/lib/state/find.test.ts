import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { LogMatch } from "../bindings";
import { CallError } from "../host/host";
import type { LogSource, Matches, Wanted } from "../log/source";
import { Find } from "./find.svelte";

/** A log of lines of ten bytes each, searched three lines a call. */
let lines: string[];
let calls: Wanted[];
let refuse: CallError | null;

function search(input: Wanted): Matches {
  const size = lines.length * 10;
  const wanted = lines.map((text, index) => ({ index, hit: text.includes(input.pattern) }));
  const back = input.backwards === true;
  const low = (back ? input.to : input.from) ?? 0;
  const high = Math.min((back ? input.from : input.to) ?? size, size);
  let area = wanted.filter((it) => it.index * 10 >= low && it.index * 10 < high);
  if (back) area = area.reverse();
  const part = area.slice(0, 3);
  const limit = input.limit ?? 100;
  const found = part.filter((it) => it.hit);
  const matches: LogMatch[] = found.slice(0, limit).map(({ index }) => ({ offset: index * 10, end: index * 10 + 10, text: "", text_start: 0, ranges: [[0, 1]], cut: false, open: false }));
  const last = part.at(-1);
  const next = last === undefined ? low : back ? last.index * 10 : last.index * 10 + 10;
  return { matches, count: limit === 0 ? found.length : matches.length, open: false, next, done: area.length <= 3, cut: 0, oldest: 0, end: size };
}

const source = {
  search: async (input: Wanted) => {
    calls.push(input);
    await Promise.resolve();
    if (refuse !== null) throw refuse;
    return search(input);
  },
} as unknown as LogSource;

let find: Find;
beforeEach(() => {
  vi.useFakeTimers();
  lines = Array.from({ length: 20 }, (_, i) => (i % 6 === 1 ? "hit" : "other"));
  calls = [];
  refuse = null;
  find = new Find(source);
});
afterEach(() => {
  find.stop();
  vi.useRealTimers();
});

const settle = (ms = 1_000) => vi.advanceTimersByTimeAsync(ms);
const words = (pattern: string) => ({ pattern, regex: false, case: false });

test("the whole log is counted, call by call, after the typing has paused", async () => {
  for (const typed of ["h", "hi", "hit"]) find.ask(words(typed));
  await settle();
  expect([find.count, find.counted, find.progress]).toEqual([4, true, 1]);
  expect(new Set(calls.map((it) => it.pattern))).toEqual(new Set(["hit"]));
  find.ask(words(""));
  await settle();
  expect([find.count, find.active]).toEqual([0, false]);
});

test("next and before go round, and say which one it is", async () => {
  find.ask(words("hit"));
  await settle();
  const seen: [number, number][] = [];
  for (const backwards of [false, false, false, true, true]) {
    const match = await find.go(backwards, 100);
    await settle();
    seen.push([match?.offset ?? -1, find.ordinal]);
  }
  expect(seen).toEqual([[130, 3], [190, 4], [10, 1], [190, 4], [130, 3]]);
});

test("what is written later is counted from where it ended, and nothing twice", async () => {
  find.ask(words("hit"));
  await settle();
  const before = calls.length;
  lines.push("hit", "other");
  for (let i = 0; i < 10; i += 1) find.grown();
  await settle();
  expect(find.count).toBe(5);
  expect(calls.slice(before).filter((it) => it.limit === 0).map((it) => it.from)).toEqual([200]);
});

test("only what is in sight is marked", async () => {
  find.ask(words("hit"));
  find.look(60, 90);
  await settle();
  expect(find.marks.map((it) => it.offset)).toEqual([70]);
});

test("a bad pattern is said once, and forgotten with it", async () => {
  refuse = new CallError({ code: "invalid_input", message: "bad pattern: unclosed group (at character 2)" });
  find.ask(words("a(b"));
  await settle();
  expect(find.problem).toContain("unclosed group");
  const before = calls.length;
  find.grown();
  expect(await find.go(false, 0)).toBe(null);
  await settle();
  expect(calls.length).toBe(before);
  refuse = null;
  find.ask(words("hit"));
  await settle();
  expect([find.problem, find.count]).toEqual([null, 4]);
});

test("an answer to an earlier question is dropped", async () => {
  find.ask(words("other"));
  await vi.advanceTimersByTimeAsync(121);
  const gone = find.go(false, 0);
  find.ask(words("hit"));
  expect(await gone).toBe(null);
  await settle();
  expect([find.count, find.current]).toEqual([4, null]);
});

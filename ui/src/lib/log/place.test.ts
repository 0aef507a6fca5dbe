import { expect, test, vi } from "vitest";
import { offsetOfLine, parsePlace } from "./place";
import { placeOf, rememberPlace, RunFile, type Engine, type LogSource } from "./source";

test.each([
  ["120", { kind: "line", line: 120 }],
  ["line 7", { kind: "line", line: 7 }],
  [" 1,200,000 ", { kind: "line", line: 1_200_000 }],
  ["40%", { kind: "share", share: 0.4 }],
  ["12.5 %", { kind: "share", share: 0.125 }],
  ["@1048576", { kind: "offset", offset: 1_048_576 }],
  ["End", { kind: "end" }],
  ["start", { kind: "start" }],
  ["0", null],
  ["101 %", null],
  ["@5 %", null],
  ["1.5", null],
  ["99999999999999999999", null],
  ["somewhere", null],
  ["", null],
])("%j means %j", (text, expected) => {
  expect(parsePlace(text)).toEqual(expected);
});

test("a line is counted up to call by call, and the counting can be stopped", async () => {
  // 100 lines of ten bytes, thirty lines a call.
  const seek = vi.fn(({ from = 0, lines = 0 }: { from?: number; lines?: number }) => {
    const left = 100 - from / 10;
    const passed = Math.min(lines, 30, left);
    const next = from + passed * 10;
    return Promise.resolve({ offset: next, lines: passed, next, done: passed === lines || passed === left });
  });
  const source = { seek } as unknown as LogSource;
  const shares: number[] = [];
  const go = (line: number, stop = new AbortController()) => offsetOfLine(source, line, 1_000, (share) => shares.push(share), stop.signal);
  expect(await go(71)).toEqual({ offset: 700, line: 71 });
  expect(shares).toEqual([0.3, 0.6]);
  expect(await go(1)).toEqual({ offset: 0, line: 1 });
  expect(await go(500), "beyond the end is the end").toEqual({ offset: 1_000, line: 101 });
  const stopped = new AbortController();
  stopped.abort();
  expect(await go(71, stopped)).toBe(null);
});

test("a reader's place is remembered, of the last two hundred logs", () => {
  for (let at = 0; at <= 200; at += 1) rememberPlace(`log ${at}`, at);
  expect([placeOf("log 0"), placeOf("log 1"), placeOf("log 200")]).toEqual([null, 1, 200]);
  rememberPlace("log 1", null);
  expect(placeOf("log 1")).toBe(null);
});

test("a file that is shorter, or another, is a new generation", async () => {
  let state = { size: 10, modified: 0, identity: 1, grows: true };
  const call = vi.fn((method: string) => Promise.resolve(method === "files.follow" ? state : { text: "", start: 0, next: 0, state }));
  let push: ((push: unknown) => void) | undefined;
  const engine = { call, onPush: (listener: (push: unknown) => void) => ((push = listener), () => {}), onRefresh: () => () => {} } as unknown as Engine;
  const file = new RunFile(engine, "r1", "logs/train.log");
  const generations = [];
  for (const change of [{}, { size: 20 }, { size: 5 }, { identity: 2 }, { grows: false }]) {
    state = { ...state, ...change };
    generations.push((await file.read(0, 100)).generation);
  }
  expect(generations).toEqual([1, 1, 2, 3, 3]);
  expect((await file.tail(1)).ended).toBe(true);

  vi.useFakeTimers();
  const told = vi.fn();
  const stop = file.follow(told);
  await vi.advanceTimersByTimeAsync(65_000);
  expect(call.mock.calls.filter(([method]) => method === "files.follow").length, "said again while it is looked at").toBe(3);
  push?.({ kind: "file_change", uid: "r1", path: "logs/train.log", size: 7 });
  push?.({ kind: "file_change", uid: "r1", path: "logs/other.log", size: 7 });
  expect(told).toHaveBeenCalledTimes(1);
  stop();
  await vi.advanceTimersByTimeAsync(65_000);
  expect(call.mock.calls.filter(([method]) => method === "files.follow").length).toBe(3);
  vi.useRealTimers();
});

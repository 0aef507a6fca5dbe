import { expect, test } from "vitest";
import type { Number as WireNumber } from "../bindings";
import { bytes, bytesOf, count, day, duration, elapsed, energy, exact, firstSentence, metric, plural, step, timeOfDay, when } from "./format";
import { timeLimit } from "./limit";
import { isBookkeeping, leading } from "./metrics";
import { outcomeWords, progressWords } from "./status";
import { colourOf, COLOURS } from "./colour";

test.each<[WireNumber, string]>([
  [0, "0"],
  [1, "1"],
  [-3, "−3"],
  [0.82314, "0.8231"],
  [12.3456, "12.35"],
  [123.456, "123.5"],
  [5912.4, "5,912"],
  [5912, "5,912"],
  [0.0003, "3e−4"],
  [0.00012345, "1.23e−4"],
  [1_234_567, "1.23e6"],
  [-0.5, "−0.5000"],
  ["NaN", "NaN"],
  ["Infinity", "∞"],
  ["-Infinity", "−∞"],
])("metric %j is %s", (value, expected) => expect(metric(value)).toBe(expected));

test("exact values keep seven digits", () => {
  expect(exact(0.123456789)).toBe("0.1234568");
  expect(exact("NaN")).toBe("NaN");
});

test.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1024, "1.0 KiB"],
  [64 * 1024 * 1024, "64.0 MiB"],
  [256 * 1024 ** 3, "256 GiB"],
  [1.2 * 1024 ** 4, "1.2 TiB"],
])("%d bytes are %s", (size, expected) => expect(bytes(size)).toBe(expected));

test("used and total share a unit", () => expect(bytesOf(58 * 1024 ** 3, 256 * 1024 ** 3)).toBe("58.0 of 256 GiB"));

test.each([
  [0, "0 ms"],
  [4, "4 ms"],
  [42, "42 ms"],
  [99.7, "100 ms"],
  [400, "0.4 s"],
  [999, "0.9 s"],
  [1_000, "1 s"],
  [1_550, "1.5 s"],
  [41_000, "41 s"],
  [72_000, "1 min 12 s"],
  [60_000, "1 min"],
  [4_320_000, "1 h 12 min"],
  [273_600_000, "3 d 4 h"],
  [-5, "0 ms"],
])("%d ms are %s", (ms, expected) => expect(duration(ms)).toBe(expected));

test.each([
  [0, "0:00"],
  [41_900, "0:41"],
  [725_000, "12:05"],
  [3_729_000, "1:02:09"],
  [180_000_000, "2 d 2 h"],
  [-1, "0:00"],
])("elapsed %d is %s", (ms, expected) => expect(elapsed(ms)).toBe(expected));

test("a time is as short as it can be", () => {
  const now = new Date(2026, 10, 21, 12, 0).getTime();
  expect(when(new Date(2026, 10, 21, 9, 5).getTime(), now)).toBe("09:05");
  expect(when(new Date(2026, 10, 20, 9, 5).getTime(), now)).toBe("20 Nov");
  expect(when(new Date(2025, 0, 2).getTime(), now)).toBe("2 Jan 2025");
});

test.each([
  ["It ended with exit code 1. Look at its log.", "It ended with exit code 1"],
  ["Version 1.2 failed at a.py line 3", "Version 1.2 failed at a.py line 3"],
  ["No such file: train.py. Check the folder.", "No such file: train.py"],
  ["", ""],
])("the first sentence of %j", (text, expected) => expect(firstSentence(text)).toBe(expected));

test("counts", () => {
  expect(count(1_284_000)).toBe("1,284,000");
  expect(step(13_200)).toBe("13,200");
  expect(step(1_320_000)).toBe("1.32M");
  expect(plural(1, "job")).toBe("1 job");
  expect(plural(2, "job")).toBe("2 jobs");
});

test.each([
  ["90 min", 5_400_000],
  ["2 h", 7_200_000],
  ["1h 30m", 5_400_000],
  ["1:30:00", 5_400_000],
  ["0:45", 2_700_000],
  ["45", 2_700_000],
  ["1.5 h", 5_400_000],
  ["30 s", 30_000],
  ["", null],
  ["soon", null],
  ["0", null],
  ["2 h of it", null],
])("the limit %j is %j", (text, expected) => expect(timeLimit(text)).toBe(expected));

test.each([
  [["epoch", "train/loss", "val/loss"], "train/loss"],
  [["val_loss", "acc"], "val_loss"],
  [["step", "return"], "return"],
  [["epoch"], "epoch"],
  [[], undefined],
])("of %j, %s stands for the run", (keys, expected) => expect(leading(keys)).toBe(expected));

test("what only counts is told from what says something", () => {
  for (const key of ["epoch", "step", "global_step", "lr", "learning_rate", "time", "wall time", "iter"]) expect(isBookkeeping(key), key).toBe(true);
  for (const key of ["loss", "val/acc", "overtime", "epoch_loss", "steps_to_goal"]) expect(isBookkeeping(key), key).toBe(false);
});

test("progress in words", () => {
  expect(progressWords(null)).toBe(null);
  expect(progressWords({ fraction: 0.5, current: 5, total: 10, unit: "epoch" })).toBe("epoch 5 of 10");
  expect(progressWords({ fraction: null, current: 13_200, total: null, unit: "step" })).toBe("step 13,200");
  expect(progressWords({ fraction: 0.9, current: null, total: null, unit: "percent" })).toMatch(/^90.%$/);
});

test("a day as a heading, and the time of day", () => {
  const now = new Date(2026, 2, 1, 9, 5).getTime();
  const cases: [Date, string][] = [
    [new Date(2026, 2, 1, 0, 0), "Today"],
    [new Date(2026, 1, 28, 23, 59), "Yesterday"],
    [new Date(2026, 1, 27, 12), "Fri 27 Feb"],
    [new Date(2025, 11, 31), "Wed 31 Dec 2025"],
  ];
  for (const [date, expected] of cases) expect(day(date.getTime(), now), expected).toBe(expected);
  expect(timeOfDay(new Date(2026, 2, 1, 9, 5, 7).getTime())).toBe("09:05:07");
});

test("energy", () => {
  expect([0, 0.42, 9.96, 10, 310.4, 999.6, 2_400, 12_345].map(energy)).toEqual(["0.0 Wh", "0.4 Wh", "10.0 Wh", "10 Wh", "310 Wh", "1000 Wh", "2.4 kWh", "12 kWh"]);
});

test("an outcome in words", () => {
  const base = { status: "failed", failure: { reason: "exit_code", exit_code: 1, signal: null, message: "It ended with exit code 1. Look at the log." } };
  expect(outcomeWords(base as never)).toBe("It ended with exit code 1");
  expect(outcomeWords({ status: "cancelled", failure: null, started_at: null } as never)).toBe("Cancelled before it started");
});

test("a colour is stable, and all are used", () => {
  expect(colourOf("20261121_08e5")).toBe(colourOf("20261121_08e5"));
  const used = new Set(Array.from({ length: 200 }, (_, i) => colourOf(`20261121_${i.toString(16).padStart(4, "0")}`)));
  expect([...used].sort((a, b) => a - b)).toEqual(Array.from({ length: COLOURS }, (_, i) => i + 1));
});

import { describe, expect, test } from "vitest";
import { PLAIN } from "./ansi";
import { lineAt, mark, placesByLine } from "./find";
import { LogModel } from "./model";
import type { Chunk } from "./source";

const encoder = new TextEncoder();
const size = (text: string) => encoder.encode(text).length;

/** A piece of a whole log, as the engine would cut it. */
function piece(whole: string, from: number, to: number, extra: Partial<Chunk> = {}): Chunk {
  const start = size(whole.slice(0, from));
  const text = whole.slice(from, to);
  return { generation: 1, text, start, next: start + size(text), oldest: 0, end: size(whole), ended: false, ...extra };
}

function read(whole: string, ...cuts: number[]): LogModel {
  const model = new LogModel();
  const at = [0, ...cuts, whole.length];
  model.reset(piece(whole, 0, at[1] ?? 0));
  for (let i = 1; i < at.length - 1; i += 1) model.append(piece(whole, at[i] ?? 0, at[i + 1] ?? 0));
  return model;
}

const lines = (model: LogModel) => model.lines.map((it) => it.text);

test.each([
  ["", []],
  ["one", ["one"]],
  ["one\n", ["one"]],
  ["one\ntwo", ["one", "two"]],
  ["one\r\ntwo\r\n", ["one", "two"]],
  ["\n\n", ["", ""]],
  ["10 %\r50 %\r100 %\ndone", ["100 %", "done"]],
  ["10 %\r50 %\r", ["50 %"]],
  ["10 %\r50 %\r\nnext", ["50 %", "next"]],
  ["a\rb\r\r\n", ["b"]],
  ["\rfirst", ["first"]],
  ["\r\r\r", []],
])("%j reads as %j", (text, expected) => {
  expect(lines(read(text))).toEqual(expected);
});

test("colours go on over lines and over what was redrawn", () => {
  const model = read("\x1b[31mred\nstill\x1b[0m\nplain\n\x1b[32m1 %\r2 %\nafter");
  expect(model.lines.map((it) => it.style.foreground)).toEqual([null, 1, null, 2, 2]);
});

describe("however it is cut, a log reads the same", () => {
  // A generator of its own, so that a failure can be repeated.
  let seed = 42;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff;
    return seed % below;
  };
  const parts = ["a", "bc ", "\n", "\r", "\r\n", "\x1b[31m", "\x1b[0m", "é", "日本", "🔥", "50 %\r", "\n\n", "x".repeat(50)];
  for (let turn = 0; turn < 200; turn += 1) {
    const whole = Array.from({ length: 5 + random(40) }, () => parts[random(parts.length)]).join("");
    // Never inside a surrogate pair: the engine cuts no character.
    const cuts = Array.from({ length: random(6) }, () => random(whole.length + 1))
      .map((at) => (/[\uDC00-\uDFFF]/.test(whole.charAt(at)) ? at - 1 : at))
      .sort((a, b) => a - b);
    test(`turn ${turn}: ${JSON.stringify(whole.slice(0, 40))} at ${cuts.join()}`, () => {
      const expected = read(whole);
      const cut = read(whole, ...cuts);
      expect(cut.lines.map(({ text, style }) => ({ text, style }))).toEqual(expected.lines.map(({ text, style }) => ({ text, style })));
      expect(cut.next).toBe(size(whole));

      // Read from the middle, and then what stands before it.
      const middle = cuts[0] ?? 0;
      const late = new LogModel();
      late.reset(piece(whole, middle, whole.length));
      late.prepend(piece(whole, 0, middle));
      expect(late.lines.map(({ text, style }) => ({ text, style }))).toEqual(expected.lines.map(({ text, style }) => ({ text, style })));
      expect(late.start).toBe(0);
    });
  }
});

test("lines keep their ids when older ones are put before them", () => {
  const whole = "one\ntwo\nthree\nfour\n";
  const model = new LogModel();
  model.reset(piece(whole, 8, whole.length));
  const before = new Map(model.lines.map((it) => [it.text, it.id]));
  expect(model.prepend(piece(whole, 0, 8))).toBe(2);
  for (const line of model.lines) if (before.has(line.text)) expect(line.id).toBe(before.get(line.text));
  expect(new Set(model.lines.map((it) => it.id)).size).toBe(4);
});

test("a piece that does not join begins anew, or is refused in front", () => {
  const model = read("one\ntwo\n");
  expect(model.append({ generation: 1, text: "far\n", start: 1_000, next: 1_004, oldest: 900, end: 1_004, ended: false })).toBe(true);
  expect(lines(model)).toEqual(["far"]);
  expect(model.prepend({ generation: 1, text: "x", start: 0, next: 1, oldest: 0, end: 1_004, ended: false })).toBe(0);
  expect(model.append({ generation: 2, text: "new\n", start: 0, next: 4, oldest: 0, end: 4, ended: false })).toBe(true);
  expect(lines(model)).toEqual(["new"]);
});

test("a progress bar without a line end stays small", () => {
  const model = new LogModel();
  let start = 0;
  for (let i = 0; i < 5_000; i += 1) {
    const text = `\r${String(i).padStart(6)} of 5000 [${"#".repeat(i % 40)}]`;
    const chunk = { generation: 1, text, start, next: start + text.length, oldest: 0, end: start + text.length, ended: false };
    if (i === 0) model.reset(chunk);
    else model.append(chunk);
    start += text.length;
  }
  expect(model.count).toBe(1);
  expect(model.lines[0]?.text).toContain("4999 of 5000");
});

test("the loaded part is bounded, and cut at seams", () => {
  const model = new LogModel(1_000, 400);
  let start = 0;
  for (let i = 0; i < 100; i += 1) {
    const text = `line ${i} ${"x".repeat(40)}\n`;
    const chunk = { generation: 1, text, start, next: start + text.length, oldest: 0, end: 0, ended: false };
    if (i === 0) model.reset(chunk);
    else model.append(chunk);
    start += text.length;
  }
  expect(model.count).toBeLessThan(25);
  expect(lines(model).at(-1)).toMatch(/^line 99 /);
  expect(lines(model)[0]).toMatch(/^line \d+ /);
  expect(model.start).toBeGreaterThan(0);
});

test("a megabyte in one line is one line, and quickly", () => {
  const model = new LogModel();
  const began = performance.now();
  let start = 0;
  for (let i = 0; i < 64; i += 1) {
    const text = "y".repeat(16 * 1024);
    const chunk = { generation: 1, text, start, next: start + text.length, oldest: 0, end: 0, ended: false };
    if (i === 0) model.reset(chunk);
    else model.append(chunk);
    start += text.length;
  }
  expect(model.count).toBe(1);
  expect(model.lines[0]?.text.length).toBe(1024 * 1024);
  expect(performance.now() - began, "looking for line ends in new text only keeps this far below a second").toBeLessThan(1_000);
});

test("lines know where in the log they begin, whatever the text is", () => {
  const whole = "one\n\x1b[31mzwölf\r\n日本 🔥\n\nlast";
  const starts = [0, ...[...whole.matchAll(/\n/g)].map((it) => size(whole.slice(0, it.index + 1)))];
  for (const cuts of [[], [4], [6, 7], [12, 15, 16], [21]]) {
    const model = read(whole, ...cuts);
    expect(model.lines.map((it) => it.offset)).toEqual(starts);
    const middle = cuts[0] ?? 0;
    const late = new LogModel();
    late.reset(piece(whole, middle, whole.length));
    late.prepend(piece(whole, 0, middle));
    expect(late.lines.map((it) => it.offset)).toEqual(starts);
  }
  // Of one stream, or not UTF-8: the engine says it.
  const model = new LogModel();
  model.reset({ generation: 1, text: "a\ufffd\nb\nc", start: 100, next: 160, oldest: 0, end: 160, ended: false, lines: [110, 150] });
  expect(model.lines.map((it) => it.offset)).toEqual([100, 110, 150]);
});

test("what was found is marked where it stands, colours or not", () => {
  const model = read("\x1b[31mLoss\x1b[0m 0.5 loss\nnothing\nLOSS");
  const found = (offset: number, ranges: [number, number][]) => ({ offset, end: offset + 1, text: "", text_start: 0, ranges, cut: false, open: false });
  const places = placesByLine(model.lines, [found(0, [[0, 4], [9, 13]]), found(31, [[0, 4]])]);
  expect([...places]).toEqual([
    [model.lines[0]?.id, [{ from: 0, to: 4 }, { from: 9, to: 13 }]],
    [model.lines[2]?.id, [{ from: 0, to: 4 }]],
  ]);
  expect(mark(" 0.5 loss", 4, places.get(model.lines[0]?.id ?? -1) ?? [])).toEqual([
    { text: " 0.5 ", marked: false },
    { text: "loss", marked: true },
  ]);
  expect(mark("abc", 0, [])).toEqual([{ text: "abc", marked: false }]);
  // Of one stream, a line may begin later than the end of the one before.
  expect([0, 5, 22, 23, 31, 1_000].map((offset) => lineAt(model.lines, offset))).toEqual([0, 0, 0, 1, 2, 2]);
  expect(lineAt([], 5)).toBe(-1);
});

import { expect, test } from "vitest";

import type { ChartAxis } from "../bindings";
import { axesOf, axisAct, axisDragged, between, boxOf, EVERYTHING, isStill, keyed, panned, partAt, shareAt, shift, wheelFactor, zoomed, zoomedTo } from "./gesture";
import { toFraction, xOf, yOf } from "./mapping";

const plot = { left: 40, top: 10, width: 400, height: 200 };
const linear: ChartAxis = { min: 0, max: 100, scale: "linear" };
const log: ChartAxis = { min: 0.01, max: 100, scale: "log" };
const chart = { plot, x: linear, y: log };
const close = (range: readonly [number, number] | null, from: number, to: number) => {
  expect(range?.[0]).toBeCloseTo(from, 9);
  expect(range?.[1]).toBeCloseTo(to, 9);
};

test("zooming leaves what is under the pointer where it is, on any scale", () => {
  for (const axis of [linear, log]) {
    for (const at of [0, 0.2, 0.5, 1]) {
      const range = zoomed(axis, at, 0.5)!;
      const next = { ...axis, min: range[0], max: range[1] };
      const value = between(axis, at, at + 0.1)![0];
      expect(toFraction(next, value)).toBeCloseTo(at, 9);
    }
  }
  close(zoomed(linear, 0.5, 0.5), 25, 75);
  close(zoomed(log, 0.5, 0.5), 0.1, 10);
  close(zoomed(linear, 0, 2), 0, 200);
});

test("a symlog axis is zoomed and panned through zero", () => {
  const axis: ChartAxis = { min: -100, max: 100, scale: "symlog", linear: 1 };
  for (const value of [-100, -3, -1, -0.5, 0, 0.2, 1, 1.0001, 40]) expect(between(axis, toFraction(axis, value), 2)![0]).toBeCloseTo(value, 9);
  expect(toFraction(axis, 0)).toBe(0.5);
  close(zoomed(axis, 0.5, 0.5), -(10 ** ((10 / 9 + 2) / 2 - 10 / 9)), 10 ** ((10 / 9 + 2) / 2 - 10 / 9));
  const it = shift({ plot, x: linear, y: axis }, { x: null, y: [-10, 10] });
  const next = axesOf({ plot, x: linear, y: axis }, { x: null, y: [-10, 10] });
  for (const value of [-8, 0, 0.3, 5]) expect((yOf({ y: axis, plot }, value) - plot.top) * it.sy + it.ty).toBeCloseTo(yOf(next, value) - plot.top, 6);
});

test("panning moves by a share of the range", () => {
  close(panned(linear, 0.25), 25, 125);
  close(panned(log, 0.25), 0.1, 1_000);
});

test("numbers come to their end: nothing is zoomed beyond it", () => {
  const fine: ChartAxis = { min: 1e9, max: 1e9 + 1e-3, scale: "linear" };
  expect(zoomed(fine, 0.5, 1e-3)).toBeNull();
  expect(zoomed({ min: -8e307, max: 8e307, scale: "linear" }, 0.5, 10)).toBeNull();
  expect(between(linear, 0.5, 0.5)).toBeNull();
});

test("a box zooms both axes, a thin one the axis that it lies along, a click none", () => {
  expect(boxOf(chart, { x: 100, y: 50 }, { x: 102, y: 52 })).toBeNull();
  const both = boxOf(chart, { x: 140, y: 110 }, { x: 240, y: 60 })!;
  expect(both).toEqual({ left: 140, top: 60, width: 100, height: 50 });
  const view = zoomedTo(chart, both, EVERYTHING);
  close(view.x, 25, 50);
  close(view.y, 1, 10);
  const flat = boxOf(chart, { x: 240, y: 100 }, { x: 140, y: 105 })!;
  expect(flat).toEqual({ left: 140, top: 10, width: 100, height: 200 });
  expect(zoomedTo(chart, flat, { x: null, y: [1, 2] }).y).toEqual([1, 2]);
  const tall = boxOf(chart, { x: 140, y: 60 }, { x: 143, y: 110 })!;
  expect(tall.width).toBe(plot.width);
  expect(zoomedTo(chart, tall, EVERYTHING).x).toBeNull();
});

test("a box ends at the plot, however far the pointer goes", () => {
  expect(boxOf(chart, { x: 240, y: 110 }, { x: 900, y: 900 })).toEqual({ left: 240, top: 110, width: 200, height: 100 });
  expect(boxOf(chart, { x: 240, y: 110 }, { x: -50, y: -50 })).toEqual({ left: 40, top: 10, width: 200, height: 100 });
});

test("a drag on an axis pans in its middle, and scales at its ends", () => {
  expect([0.1, 0.5, 0.9].map(axisAct)).toEqual(["low", "pan", "high"]);
  close(axisDragged(linear, 0.5, 0.6), -10, 90);
  // What was at 0.9 is where the pointer is; the other end stays.
  close(axisDragged(linear, 0.9, 0.45), 0, 200);
  close(axisDragged(linear, 0.9, 0.99), 0, 100 * (0.9 / 0.99));
  close(axisDragged(linear, 0.1, 0.55), -100, 100);
  for (const [from, to] of [[0.95, 0.4], [0.05, 0.7], [0.4, 0.9]] as const) {
    const [min, max] = axisDragged(log, from, to)!;
    expect(toFraction({ ...log, min, max }, between(log, from, from + 0.01)![0]), "it follows the pointer").toBeCloseTo(to, 9);
  }
  expect(axisDragged(linear, 0.9, 0)).toBeNull();
  expect(axisDragged(linear, 0.1, 1)).toBeNull();
});

test("a picture that waits is put where the exact one will stand", () => {
  for (const [x, y] of [[[25, 75], [0.1, 10]], [[-50, 120], [0.001, 1e4]], [[99, 99.5], [1, 1.1]]] as const) {
    const it = shift(chart, { x, y });
    const next = axesOf(chart, { x, y });
    for (const [step, value] of [[25, 0.1], [60, 3], [99.2, 90]] as const) {
      const before = { x: xOf(chart, step) - plot.left, y: yOf(chart, value) - plot.top };
      expect(before.x * it.sx + it.tx).toBeCloseTo(xOf(next, step) - plot.left, 6);
      expect(before.y * it.sy + it.ty).toBeCloseTo(yOf(next, value) - plot.top, 6);
    }
  }
  expect(isStill(shift(chart, EVERYTHING))).toBe(true);
  expect(isStill(shift(chart, { x: [0, 100], y: [0.01, 100] }))).toBe(true);
  expect(isStill(shift(chart, { x: [0, 99], y: null }))).toBe(false);
  // A log axis has no place for this.
  expect(isStill(shift(chart, { x: null, y: [-1, 10] }))).toBe(true);
});

test("where a point is", () => {
  expect(partAt(chart, { x: 41, y: 11 })).toBe("plot");
  expect(partAt(chart, { x: 100, y: 220 })).toBe("x");
  expect(partAt(chart, { x: 20, y: 100 })).toBe("y");
  expect(partAt(chart, { x: 20, y: 230 })).toBeNull();
  expect(partAt(chart, { x: 500, y: 100 })).toBeNull();
  expect(shareAt(chart, { x: 240, y: 60 })).toEqual({ x: 0.5, y: 0.75 });
});

test("keys zoom, pan and reset; those with Ctrl are others'", () => {
  const key = (name: string, more = {}) => ({ key: name, shiftKey: false, ctrlKey: false, metaKey: false, altKey: false, ...more });
  close(keyed(chart, EVERYTHING, key("+"))!.x, 10, 90);
  close(keyed(chart, { x: [10, 90], y: null }, key("-"))!.x, 0, 100);
  close(keyed(chart, EVERYTHING, key("ArrowRight", { shiftKey: true }))!.x, 10, 110);
  close(keyed(chart, EVERYTHING, key("ArrowDown", { shiftKey: true }))!.y, 10 ** -2.4, 10 ** 1.6);
  expect(keyed(chart, { x: [1, 2], y: [1, 2] }, key("0"))).toEqual(EVERYTHING);
  expect(keyed(chart, EVERYTHING, key("ArrowRight"))).toBeNull();
  expect(keyed(chart, EVERYTHING, key("+", { ctrlKey: true }))).toBeNull();
});

test("the wheel zooms alike by lines and by pixels, and never by much at once", () => {
  expect(wheelFactor(100, 0)).toBeCloseTo(1.2214, 3);
  expect(wheelFactor(6, 1)).toBeCloseTo(wheelFactor(96, 0), 9);
  expect(wheelFactor(-100, 0) * wheelFactor(100, 0)).toBeCloseTo(1, 9);
  expect(wheelFactor(1e6, 0)).toBeLessThan(3);
});

import { expect, test } from "vitest";
import type { ChartAxis } from "../bindings";
import { fromFraction, nearest, sparkline, sparklineOf, stepAt, toFraction, xOf, yOf } from "./mapping";
import { picture } from "./picture";

const plot = { left: 30, top: 10, width: 200, height: 100 };
const x: ChartAxis = { min: 0, max: 100, scale: "linear" };

test.each<[ChartAxis, number, number]>([
  [{ min: 0, max: 10, scale: "linear" }, 5, 0.5],
  [{ min: -1, max: 1, scale: "linear" }, 1, 1],
  [{ min: 1, max: 100, scale: "log" }, 10, 0.5],
  [{ min: 0.001, max: 1, scale: "log" }, 0.001, 0],
  [{ min: 3, max: 3, scale: "linear" }, 3, 0.5],
])("on %j, %d stands at %d", (axis, value, fraction) => {
  expect(toFraction(axis, value)).toBeCloseTo(fraction, 12);
  if (axis.min !== axis.max) expect(fromFraction(axis, fraction)).toBeCloseTo(value, 12);
});

test("pixels", () => {
  expect(xOf({ x, plot }, 50)).toBe(130);
  expect(yOf({ y: { min: 0, max: 1, scale: "linear" }, plot }, 1)).toBe(10);
  expect(yOf({ y: { min: 1, max: 100, scale: "log" }, plot }, 10)).toBeCloseTo(60, 9);
  expect(stepAt({ x, plot }, 130)).toBeCloseTo(50, 9);
  expect(stepAt({ x, plot }, 10)).toBe(null);
  expect(stepAt({ x, plot }, 231)).toBe(null);
});

test.each([
  [-5, 0],
  [0, 0],
  [4, 0],
  [6, 1],
  [15, 1],
  [16, 2],
  [99, 2],
])("the point nearest to %d", (step, index) => {
  expect(nearest([[0, 1], [10, 2], [20, 3]], step)).toBe(index);
});

test("no points, no nearest", () => expect(nearest([], 1)).toBe(-1));

test("a sparkline leaves gaps and survives odd input", () => {
  expect(sparkline([], 10, 10)).toBe("");
  expect(sparkline([null, null], 10, 10)).toBe("");
  expect(sparkline([0, null, 100], 10, 12, [0, 100])).toBe("M0.0 11.0M10.0 1.0");
  expect(sparkline([5], 10, 10)).toBe("M10.0 5.0");
  expect(sparklineOf([[0, "NaN"], [1, 2], [3, "Infinity"], [5, 4]], 40, 20)).toBe("M0.0 19.0L40.0 1.0");
  expect(sparklineOf([[0, "NaN"]], 40, 20)).toBe("");
});

const SVG = `xmlns="http://www.w3.org/2000/svg"`;
test.each([
  [`<svg ${SVG}><path d="M0 0" class="c1"/><text>1</text></svg>`, true],
  [`<svg ${SVG}><script>alert(1)</script></svg>`, false],
  [`<svg ${SVG}><path onclick="alert(1)"/></svg>`, false],
  [`<svg ${SVG}><image href="https://example.org"/></svg>`, false],
  [`<svg ${SVG}><path style="fill:red"/></svg>`, false],
  [`<svg ${SVG}><foreignObject><p xmlns="http://www.w3.org/1999/xhtml">x</p></foreignObject></svg>`, false],
  ["not a picture", false],
])("of %s, a picture is taken: %j", (text, taken) => {
  expect(picture(text) !== null).toBe(taken);
});

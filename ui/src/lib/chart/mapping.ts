// From a chart's pixels to its values and back, for the crosshair. The picture itself is drawn by the engine.

import type { Chart, ChartAxis, ChartLine, Rectangle } from "../bindings";
import { toNumber } from "../util/format";

/** Beyond so many thresholds a symlog axis goes on logarithmically; below it is linear. */
const BEND = 10 / 9;

/** What distances on an axis are proportional to; as `ChartAxis.scale` says. */
function stretched(axis: ChartAxis, value: number): number {
  if (axis.scale === "log") return Math.log10(value);
  if (axis.scale === "linear") return value;
  const part = Math.abs(value) / (axis.linear ?? 1);
  return Math.sign(value) * (part <= 1 ? BEND * part : BEND + Math.log10(part));
}

function unstretched(axis: ChartAxis, at: number): number {
  if (axis.scale === "log") return 10 ** at;
  if (axis.scale === "linear") return at;
  const size = Math.abs(at);
  return Math.sign(at) * (axis.linear ?? 1) * (size <= BEND ? size / BEND : 10 ** (size - BEND));
}

/** Where a value stands on an axis: 0 at its minimum, 1 at its maximum. */
export function toFraction(axis: ChartAxis, value: number): number {
  const low = stretched(axis, axis.min);
  const high = stretched(axis, axis.max);
  return high === low ? 0.5 : (stretched(axis, value) - low) / (high - low);
}

/** The value at a fraction of an axis. */
export function fromFraction(axis: ChartAxis, fraction: number): number {
  if (fraction === 0) return axis.min;
  if (fraction === 1) return axis.max;
  const low = stretched(axis, axis.min);
  return unstretched(axis, low + (stretched(axis, axis.max) - low) * fraction);
}

export const xOf = (chart: Pick<Chart, "x" | "plot">, step: number): number =>
  chart.plot.left + toFraction(chart.x, step) * chart.plot.width;

export const yOf = (chart: Pick<Chart, "y" | "plot">, value: number): number =>
  chart.plot.top + (1 - toFraction(chart.y, value)) * chart.plot.height;

/** The step under a pixel; null outside the plot. */
export function stepAt(chart: Pick<Chart, "x" | "plot">, x: number): number | null {
  const fraction = (x - chart.plot.left) / chart.plot.width;
  return fraction < 0 || fraction > 1 ? null : fromFraction(chart.x, fraction);
}

/** The index of the point whose step is nearest; -1 if there is none. Points are in the order of their steps. */
export function nearest(points: ChartLine["points"], step: number): number {
  if (points.length === 0) return -1;
  let low = 0;
  let high = points.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((points[middle]?.[0] ?? 0) < step) low = middle + 1;
    else high = middle;
  }
  const before = points[low - 1];
  const after = points[low];
  if (before !== undefined && after !== undefined && step - before[0] <= after[0] - step) {
    // Several points can share a pixel column and a step: the first of them stands for it.
    return low - 1;
  }
  return low;
}

/** A line through values in their order, for a picture too small for axes. Gaps stay gaps. */
export function sparkline(values: readonly (number | null)[], width: number, height: number, range?: [number, number]): string {
  const finite = values.filter((it): it is number => it !== null && Number.isFinite(it));
  if (finite.length === 0) return "";
  const [low, high] = range ?? [Math.min(...finite), Math.max(...finite)];
  const x = (index: number) => (values.length === 1 ? width : (index * width) / (values.length - 1));
  const y = (value: number) => (high === low ? height / 2 : height - 1 - ((value - low) / (high - low)) * (height - 2));
  let path = "";
  let drawing = false;
  values.forEach((value, index) => {
    if (value === null || !Number.isFinite(value)) {
      drawing = false;
      return;
    }
    path += `${drawing ? "L" : "M"}${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
    drawing = true;
  });
  return path;
}

/** The same for points with steps of their own. */
export function sparklineOf(points: ChartLine["points"], width: number, height: number): string {
  const finite = points.map(([at, value]) => [at, toNumber(value)] as const).filter(([, value]) => Number.isFinite(value));
  const first = finite[0];
  const last = finite.at(-1);
  if (first === undefined || last === undefined) return "";
  const values = finite.map(([, value]) => value);
  const low = Math.min(...values);
  const high = Math.max(...values);
  const box: Rectangle = { left: 0, top: 1, width, height: height - 2 };
  const x: ChartAxis = { min: first[0], max: last[0], scale: "linear" };
  const y: ChartAxis = { min: low, max: high, scale: "linear" };
  return finite
    .map(([at, value], i) => `${i === 0 ? "M" : "L"}${xOf({ x, plot: box }, at).toFixed(1)} ${yOf({ y, plot: box }, value).toFixed(1)}`)
    .join("");
}

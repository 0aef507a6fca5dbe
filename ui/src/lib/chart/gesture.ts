// What a hand does to a chart, as ranges of its axes. Pure.
//
// Everything is done in shares of an axis (0 at its minimum, 1 at its maximum), so that it is right on any scale.

import type { Chart, ChartAxis, Rectangle } from "../bindings";
import { fromFraction, toFraction } from "./mapping";

export type Range = readonly [number, number];
/** What is looked at; null is everything there is. */
export type View = { readonly x: Range | null; readonly y: Range | null };
export type Spot = { readonly x: number; readonly y: number };
type Drawn = Pick<Chart, "x" | "y" | "plot">;

export const EVERYTHING: View = { x: null, y: null };

/** A drag shorter than this is a click, in pixels. */
export const CLICK = 4;
/** A box thinner than this zooms one axis, in pixels. */
export const THIN = 12;
/** The part of an axis at either end where a drag scales it; in between it pans. */
const ENDS = 0.2;
/** Nothing is zoomed nearer than this part of the size of its numbers: doubles have no more digits to show. */
const NEAREST = 1e-12;

/** The range between two shares of an axis; null where numbers come to their end. */
export function between(axis: ChartAxis, from: number, to: number): Range | null {
  const low = fromFraction(axis, Math.min(from, to));
  const high = fromFraction(axis, Math.max(from, to));
  if (!Number.isFinite(low) || !Number.isFinite(high) || high - low <= Math.max(Math.abs(low), Math.abs(high)) * NEAREST) return null;
  return [low, high];
}

/** Makes the range `factor` times as long; what is at the share `at` stays where it is. */
export const zoomed = (axis: ChartAxis, at: number, factor: number): Range | null => between(axis, at - at * factor, at + (1 - at) * factor);

/** Moves the range by a share of itself. */
export const panned = (axis: ChartAxis, by: number): Range | null => between(axis, by, 1 + by);

/** How much a turn of the wheel zooms: a notch of 100 to 120 pixels by a fifth. */
export const wheelFactor = (delta: number, mode: number): number => Math.exp(Math.max(-1, Math.min(1, (delta * (mode === 1 ? 16 : mode === 2 ? 100 : 1)) / 500)));

const within = (value: number, low: number, high: number) => Math.min(Math.max(value, low), high);

/** Where a point of the picture lies, as shares of both axes; may be beyond 0 and 1. */
export function shareAt({ plot }: Pick<Chart, "plot">, at: Spot): Spot {
  return { x: (at.x - plot.left) / plot.width, y: 1 - (at.y - plot.top) / plot.height };
}

/**
 * The rectangle that a drag has spanned, kept inside the plot.
 *
 * - One that is thin in one direction spans all of the other: it zooms one axis.
 * - Null for a click.
 */
export function boxOf({ plot }: Pick<Chart, "plot">, from: Spot, to: Spot): Rectangle | null {
  if (Math.abs(to.x - from.x) < CLICK && Math.abs(to.y - from.y) < CLICK) return null;
  const right = plot.left + plot.width;
  const bottom = plot.top + plot.height;
  const xs = [within(from.x, plot.left, right), within(to.x, plot.left, right)].sort((a, b) => a - b) as [number, number];
  const ys = [within(from.y, plot.top, bottom), within(to.y, plot.top, bottom)].sort((a, b) => a - b) as [number, number];
  const [wide, high] = [Math.abs(to.x - from.x), Math.abs(to.y - from.y)];
  if (high < THIN && wide >= high) return { left: xs[0], top: plot.top, width: xs[1] - xs[0], height: plot.height };
  if (wide < THIN) return { left: plot.left, top: ys[0], width: plot.width, height: ys[1] - ys[0] };
  return { left: xs[0], top: ys[0], width: xs[1] - xs[0], height: ys[1] - ys[0] };
}

/** The view that a box shows; an axis that it spans as a whole stays as it is. */
export function zoomedTo(chart: Drawn, box: Rectangle, now: View): View {
  const { plot } = chart;
  const wide = box.width < plot.width;
  const high = box.height < plot.height;
  const a = shareAt(chart, { x: box.left, y: box.top + box.height });
  const b = shareAt(chart, { x: box.left + box.width, y: box.top });
  return { x: wide ? (between(chart.x, a.x, b.x) ?? now.x) : now.x, y: high ? (between(chart.y, a.y, b.y) ?? now.y) : now.y };
}

/** What part of a chart a point is in. */
export type Part = "plot" | "x" | "y" | null;

export function partAt({ plot }: Pick<Chart, "plot">, at: Spot): Part {
  const across = at.x >= plot.left && at.x <= plot.left + plot.width;
  const along = at.y >= plot.top && at.y <= plot.top + plot.height;
  if (across && along) return "plot";
  if (across && at.y > plot.top + plot.height) return "x";
  return along && at.x < plot.left ? "y" : null;
}

/** What a drag on an axis does, by where it begins (a share of the axis). */
export const axisAct = (at: number): "low" | "pan" | "high" => (at < ENDS ? "low" : at > 1 - ENDS ? "high" : "pan");

/**
 * The range after a drag on an axis from one share to another.
 *
 * - In the middle the axis moves along.
 * - At an end what was taken hold of follows the pointer, while the other end stays.
 */
export function axisDragged(axis: ChartAxis, from: number, to: number): Range | null {
  const act = axisAct(from);
  if (act === "pan") return panned(axis, from - to);
  if (act === "high") return to <= 0.02 ? null : between(axis, 0, from / to);
  return to >= 0.98 ? null : between(axis, 1 - (1 - from) / (1 - to), 1);
}

/** How a picture of one view is scaled and moved to stand for another, in pixels from the plot's top left corner. */
export type Shift = { readonly sx: number; readonly sy: number; readonly tx: number; readonly ty: number };

export const STILL: Shift = { sx: 1, sy: 1, tx: 0, ty: 0 };

function along(axis: ChartAxis, wanted: Range | null): { scale: number; from: number } {
  if (wanted === null) return { scale: 1, from: 0 };
  const low = toFraction(axis, wanted[0]);
  const high = toFraction(axis, wanted[1]);
  if (!Number.isFinite(low) || !Number.isFinite(high) || high - low <= 0) return { scale: 1, from: 0 };
  return { scale: 1 / (high - low), from: low };
}

/** The shift from what is drawn to what is wanted; an axis without a range of its own stays. */
export function shift(chart: Drawn, wanted: View): Shift {
  const x = along(chart.x, wanted.x);
  const y = along(chart.y, wanted.y);
  const { width, height } = chart.plot;
  return { sx: x.scale, tx: -x.from * x.scale * width, sy: y.scale, ty: height * (1 - y.scale + y.from * y.scale) };
}

export const isStill = (it: Shift): boolean => Math.abs(it.sx - 1) < 1e-9 && Math.abs(it.sy - 1) < 1e-9 && Math.abs(it.tx) < 0.01 && Math.abs(it.ty) < 0.01;

/** The axes as the hand has them now, whether or not they are drawn yet. */
export function axesOf(chart: Drawn, wanted: View): Drawn {
  const axis = (of: ChartAxis, range: Range | null): ChartAxis => (range === null ? of : { ...of, min: range[0], max: range[1] });
  return { plot: chart.plot, x: axis(chart.x, wanted.x), y: axis(chart.y, wanted.y) };
}

const alike = (a: Range | null, b: Range | null): boolean => a === b || (a !== null && b !== null && a[0] === b[0] && a[1] === b[1]);
export const sameView = (a: View, b: View): boolean => alike(a.x, b.x) && alike(a.y, b.y);

/** What a key does to a view; null for a key that does nothing here. */
export function keyed(chart: Drawn, now: View, event: Pick<KeyboardEvent, "key" | "shiftKey" | "ctrlKey" | "metaKey" | "altKey">): View | null {
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  const at = axesOf(chart, now);
  switch (event.key) {
    case "+":
    case "=":
      return { x: zoomed(at.x, 0.5, 0.8) ?? now.x, y: now.y };
    case "-":
    case "_":
      return { x: zoomed(at.x, 0.5, 1.25) ?? now.x, y: now.y };
    case "0":
      return EVERYTHING;
    case "ArrowLeft":
    case "ArrowRight":
      return event.shiftKey ? { x: panned(at.x, event.key === "ArrowLeft" ? -0.1 : 0.1) ?? now.x, y: now.y } : null;
    case "ArrowUp":
    case "ArrowDown":
      return event.shiftKey ? { x: now.x, y: panned(at.y, event.key === "ArrowDown" ? -0.1 : 0.1) ?? now.y } : null;
    default:
      return null;
  }
}

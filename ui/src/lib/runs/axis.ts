// What a chart of runs has along its x axis.

import type { RunAxis } from "../bindings";
import { duration, fullTime, step } from "../util/format";

export type XAxis = RunAxis;

export const AXES: [XAxis, string][] = [["step", "Step"], ["relative", "Seconds since start"]];

/** A place on the axis in words: times are in seconds. */
export function axisWords(axis: XAxis, at: number): string {
  return axis !== "wall" && axis !== "relative" ? `step ${step(Math.round(at * 1e6) / 1e6)}` : axis === "wall" ? fullTime(at * 1_000) : duration(at * 1_000);
}
